/*
 * manager_far_sync.c: calls on a manager's conditions, barriers, values and
 * arrays. Locks, semaphores and events take no arguments: see
 * mproc__proxy_plain().
 *
 * The items of a value or array are a copy of this process. Acquiring brings it
 * up to date; releasing sends it back if it was changed. The copy belongs to
 * the thread that has the lock.
 */
#include "manager_far.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "peers.h"

apr_status_t
mproc__far_condition_check(mproc__proxy_t *condition, const char *call)
{
    apr_int64_t mine =
        mproc__proxy_number(condition, MPROC__LOCK_STATE, 1, call);

    return mine > 0   ? APR_SUCCESS
           : mine < 0 ? APR_ECONNRESET
                      : mproc__fail(MPROC_ESTATE,
                                    "%s: this thread does not hold the "
                                    "condition's lock; call "
                                    "mproc_condition_acquire() before it",
                                    call);
}

apr_status_t
mproc__far_condition_notify(mproc__proxy_t *condition, int n, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, condition, MPROC__CONDITION_NOTIFY, call);
    mproc__ask_int(&ask, n);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_barrier_wait(mproc__proxy_t *barrier, int *index,
                        apr_interval_time_t timeout, const char *call)
{
    apr_int64_t number = 0;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, barrier, MPROC__BARRIER_WAIT, call);
    rv = mproc__ask_run(&ask, timeout);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &number);
    }
    if (index != NULL) {
        *index = (int)number;
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_barrier_break(mproc__proxy_t *barrier, int reset, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, barrier, MPROC__BARRIER_BREAK, call);
    mproc__ask_int(&ask, reset);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

/* ----------------------------------------------------------- values, arrays */

/* Threads that need what is made once: one makes it, the others wait. */
static void
cell_guard(mproc__proxy_t *cell)
{
    while (atomic_flag_test_and_set(&cell->own_busy)) {
        mproc_plat_yield();
    }
}

static void
cell_unguard(mproc__proxy_t *cell)
{
    atomic_flag_clear(&cell->own_busy);
}

static apr_size_t
cell_size(const mproc__proxy_t *cell)
{
    return cell->item * cell->count;
}

/* What does not change: how large it is, and its lock. */
static apr_status_t
cell_learn(mproc__proxy_t *cell)
{
    apr_int64_t item = 0, count = 0;
    mproc__ask_t ask;
    apr_uint64_t lock;
    apr_status_t rv;

    mproc__proxy_ask(&ask, cell, MPROC__CELL_SHAPE, "mproc_array_count");
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &item);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &count);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_id(&ask, &lock);
    }
    mproc__ask_end(&ask);
    if (rv == APR_SUCCESS) {
        rv = mproc__proxy_make(&cell->lock, cell->link, lock, MPROC_KIND_RLOCK,
                               cell->object.pool);
    }
    if (rv == APR_SUCCESS) {
        cell->count = (apr_size_t)count;
        atomic_store(&cell->item, (apr_size_t)item); /* All is known. */
    }
    return rv;
}

mproc__proxy_t *
mproc__far_cell(void *cell, mproc_kind_e kind)
{
    mproc__proxy_t *proxy = mproc__proxy_of(cell, kind);

    if (proxy != NULL && atomic_load(&proxy->item) == 0) {
        cell_guard(proxy);
        if (atomic_load(&proxy->item) == 0) {
            (void)cell_learn(proxy);
        }
        cell_unguard(proxy);
    }
    return proxy;
}

mproc_rlock_t *
mproc__far_cell_lock(mproc__proxy_t *cell)
{
    return cell->lock;
}

/* `fresh`: 1, this call made it. */
static apr_status_t
copy_make(mproc__proxy_t *cell, int *fresh, const char *call)
{
    void *copy, *before;

    if (cell->item == 0) {
        return mproc__fail(APR_ECONNRESET,
                           "%s: the manager did not tell how large it is; it "
                           "has ended, or does not answer",
                           call);
    }
    cell_guard(cell);
    *fresh = cell->copy == NULL;
    if (*fresh) {
        copy = calloc(1, cell_size(cell) + 1);
        before = calloc(1, cell_size(cell) + 1);
        if (copy == NULL || before == NULL) {
            cell_unguard(cell);
            free(copy);
            free(before);
            return mproc__fail(APR_ENOMEM, "%s: no memory for the items", call);
        }
        cell->before = before;
        cell->copy = copy;
    }
    cell_unguard(cell);
    return APR_SUCCESS;
}

static apr_status_t
copy_refresh(mproc__proxy_t *cell, mproc__ask_t *ask)
{
    mproc_bytes_t items;
    apr_status_t rv = mproc__answer_bytes(ask, &items);

    if (rv == APR_SUCCESS && items.size != cell_size(cell)) {
        rv = mproc__fail(MPROC_EFORMAT, "%s: the manager's answer is torn",
                         ask->call);
    }
    if (rv == APR_SUCCESS && items.size > 0) {
        memcpy(cell->copy, items.data, items.size);
        memcpy(cell->before, items.data, items.size);
    }
    return rv;
}

void *
mproc__far_cell_data(mproc__proxy_t *cell)
{
    const char *call = "mproc_value_data";
    mproc__ask_t ask;
    int fresh;

    if (copy_make(cell, &fresh, call) != APR_SUCCESS) {
        return NULL;
    }
    if (fresh) {
        mproc__proxy_ask(&ask, cell, MPROC__CELL_READ, call);
        mproc__ask_int(&ask, 0);
        mproc__ask_int(&ask, (apr_int64_t)cell->count);
        if (mproc__ask_run(&ask, MPROC_FOREVER) == APR_SUCCESS) {
            (void)copy_refresh(cell, &ask);
        }
        mproc__ask_end(&ask);
    }
    return cell->copy;
}

apr_status_t
mproc__far_cell_acquire(mproc__proxy_t *cell, apr_interval_time_t timeout,
                        const char *call)
{
    apr_uint64_t self = (apr_uint64_t)mproc__actor();
    mproc__ask_t ask;
    int fresh;
    apr_status_t rv = copy_make(cell, &fresh, call), lost;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, cell, MPROC__CELL_ACQUIRE, call);
    rv = lost = mproc__ask_run(&ask, timeout);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        /* Who has it already has the newest items, which are his. */
        if (atomic_load(&cell->holder) != self) {
            cell->depth = 0;
            atomic_store(&cell->holder, self);
        }
        rv = cell->depth > 0 ? APR_SUCCESS : copy_refresh(cell, &ask);
        cell->depth++;
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS ? lost : rv;
}

/* It is this thread's no more before the server lets others have it. */
apr_status_t
mproc__far_cell_release(mproc__proxy_t *cell, const char *call)
{
    apr_uint64_t self = (apr_uint64_t)mproc__actor();
    int mine = atomic_load(&cell->holder) == self && cell->depth > 0;
    int changed = mine && cell->depth == 1 &&
                  memcmp(cell->copy, cell->before, cell_size(cell)) != 0;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, cell, MPROC__CELL_RELEASE, call);
    if (changed) {
        mproc__ask_bytes(&ask, (mproc_bytes_t){cell->copy, cell_size(cell)});
    }
    else {
        mproc__ask_text(&ask, NULL);
    }
    if (mine && ask.rv == APR_SUCCESS && --cell->depth == 0) {
        atomic_store(&cell->holder, 0);
    }
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_cell_move(mproc__proxy_t *cell, apr_int64_t first, apr_size_t count,
                     void *out, const void *in, const char *call)
{
    apr_size_t size = count * cell->item;
    mproc_bytes_t items;
    mproc__ask_t ask;
    apr_status_t rv;

    if (out == NULL && in == NULL && count > 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: the items are NULL; pass where they are", call);
    }
    mproc__proxy_ask(&ask, cell,
                     in != NULL ? MPROC__CELL_WRITE : MPROC__CELL_READ, call);
    mproc__ask_int(&ask, first);
    if (in != NULL) {
        mproc__ask_bytes(&ask, (mproc_bytes_t){in, size});
    }
    else {
        mproc__ask_int(&ask, (apr_int64_t)count);
    }
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    if (rv == APR_SUCCESS && in == NULL) {
        rv = mproc__answer_bytes(&ask, &items);
        if (rv == APR_SUCCESS && items.size == size && size > 0) {
            memcpy(out, items.data, size);
        }
    }
    mproc__ask_end(&ask);
    return rv;
}
