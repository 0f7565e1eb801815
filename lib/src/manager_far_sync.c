/*
 * manager_far_sync.c: calls on a manager's conditions, barriers, values and
 * arrays. Locks, semaphores and events take no arguments: see
 * mproc__proxy_plain().
 *
 * The items of a value or array are a copy of this process. Acquiring brings it
 * up to date; releasing sends it back if it was changed.
 */
#include "manager_far.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "error.h"

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
        cell->item = (apr_size_t)item;
        cell->count = (apr_size_t)count;
    }
    return rv;
}

mproc__proxy_t *
mproc__far_cell(void *cell, mproc_kind_e kind)
{
    mproc__proxy_t *proxy = mproc__proxy_of(cell, kind);

    if (proxy != NULL && proxy->item == 0) {
        (void)cell_learn(proxy);
    }
    return proxy;
}

mproc_rlock_t *
mproc__far_cell_lock(mproc__proxy_t *cell)
{
    return cell->lock;
}

static apr_status_t
copy_make(mproc__proxy_t *cell, const char *call)
{
    if (cell->item == 0) {
        return mproc__fail(APR_ECONNRESET,
                           "%s: the manager did not tell how large it is; it "
                           "has ended, or does not answer",
                           call);
    }
    if (cell->copy != NULL) {
        return APR_SUCCESS;
    }
    cell->copy = calloc(1, cell_size(cell) + 1);
    cell->before = malloc(cell_size(cell) + 1);
    if (cell->copy == NULL || cell->before == NULL) {
        free(cell->copy);
        free(cell->before);
        cell->copy = cell->before = NULL;
        return mproc__fail(APR_ENOMEM, "%s: no memory for the items", call);
    }
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
    int fresh = cell->copy == NULL;
    mproc__ask_t ask;

    if (copy_make(cell, call) != APR_SUCCESS) {
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
    mproc__ask_t ask;
    apr_status_t rv = copy_make(cell, call), lost;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, cell, MPROC__CELL_ACQUIRE, call);
    rv = lost = mproc__ask_run(&ask, timeout);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        /* Who has it already has the newest items, which are his. */
        rv = cell->depth > 0 ? APR_SUCCESS : copy_refresh(cell, &ask);
        cell->owner = mproc__actor();
        cell->depth++;
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS ? lost : rv;
}

apr_status_t
mproc__far_cell_release(mproc__proxy_t *cell, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;
    mproc__actor_t self = mproc__actor();
    int mine = cell->owner == self, last = mine && cell->depth == 1, changed;

    changed = last && memcmp(cell->copy, cell->before, cell_size(cell)) != 0;
    mproc__proxy_ask(&ask, cell, MPROC__CELL_RELEASE, call);
    if (changed) {
        mproc__ask_bytes(&ask, (mproc_bytes_t){cell->copy, cell_size(cell)});
    }
    else {
        mproc__ask_text(&ask, NULL);
    }
    /* When the server has it, another thread may: what is here is not ours. */
    cell->depth -= mine;
    cell->owner = last ? 0 : cell->owner;
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
