/*
 * manager_far_sync.c: calls on a manager's conditions, events, barriers, values
 * and arrays. Locks and semaphores take no arguments: see mproc__proxy_plain().
 *
 * The items of a value or array are a copy of this process, which its threads
 * share. Acquiring brings it up to date; releasing sends it back if it was
 * changed.
 */
#include "manager_far.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "parking.h"

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
mproc__far_event_clear(mproc__proxy_t *event)
{
    apr_status_t rv =
        mproc__proxy_plain(event, MPROC__EVENT_CLEAR, 0, "mproc_event_clear");

    mproc__far_looked(event);
    return rv;
}

apr_status_t
mproc__far_event_wait(mproc__proxy_t *event, apr_interval_time_t timeout)
{
    apr_status_t rv = mproc__proxy_plain(event, MPROC__EVENT_WAIT, timeout,
                                         "mproc_event_wait");

    mproc__far_looked(event);
    return rv;
}

int
mproc__far_event_is_set(mproc__proxy_t *event)
{
    apr_int64_t set =
        mproc__proxy_number(event, MPROC__EVENT_STATE, 0, "mproc_event_is_set");

    mproc__far_looked(event);
    return set > 0;
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

/* What does not change: how large it is, and its lock. Threads may learn it at
 * once: the first to have learnt it tells the others, `item` last. */
static apr_status_t
cell_learn(mproc__proxy_t *cell)
{
    apr_int64_t item = 0, count = 0;
    mproc_rlock_t *made = NULL;
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
        rv = mproc__proxy_make(&made, cell->link, lock, MPROC_KIND_RLOCK, NULL);
    }
    if (rv == APR_SUCCESS) {
        mproc__objects_guard();
        if (atomic_load(&cell->item) == 0) {
            cell->lock = made;
            cell->count = (apr_size_t)count;
            atomic_store(&cell->item, (apr_size_t)item);
            made = NULL;
        }
        mproc__objects_unguard();
        mproc__object_close(made);
    }
    return rv;
}

mproc__proxy_t *
mproc__far_cell(void *cell, mproc_kind_e kind)
{
    mproc__proxy_t *proxy = mproc__proxy_of(cell, kind);

    if (proxy != NULL && atomic_load(&proxy->item) == 0) {
        (void)cell_learn(proxy);
    }
    return proxy;
}

mproc_rlock_t *
mproc__far_cell_lock(mproc__proxy_t *cell)
{
    return cell->lock;
}

/* Where the items go: what is there, or new room, that nobody has seen yet. */
typedef struct copy_t {
    void *items, *before;
    int fresh;
} copy_t;

static apr_status_t
copy_have(copy_t *copy, mproc__proxy_t *cell, const char *call)
{
    copy->items = atomic_load(&cell->copy);
    copy->before = cell->before;
    copy->fresh = copy->items == NULL;
    if (atomic_load(&cell->item) == 0) {
        copy->fresh = 0;
        return mproc__fail(APR_ECONNRESET,
                           "%s: the manager did not tell how large it is; it "
                           "has ended, or does not answer",
                           call);
    }
    if (!copy->fresh) {
        return APR_SUCCESS;
    }
    copy->items = calloc(1, cell_size(cell) + 1);
    copy->before = malloc(cell_size(cell) + 1);
    if (copy->items == NULL || copy->before == NULL) {
        free(copy->items);
        free(copy->before);
        copy->fresh = 0;
        return mproc__fail(APR_ENOMEM, "%s: no memory for the items", call);
    }
    return APR_SUCCESS;
}

/* New room is shown to the other threads, but for one that came later than
 * another's. */
static void
copy_show(copy_t *copy, mproc__proxy_t *cell)
{
    if (!copy->fresh) {
        return;
    }
    mproc__objects_guard();
    if (atomic_load(&cell->copy) == NULL) {
        cell->before = copy->before;
        atomic_store(&cell->copy, copy->items);
        copy->fresh = 0;
    }
    mproc__objects_unguard();
}

static void
copy_drop(copy_t *copy)
{
    if (copy->fresh) {
        free(copy->items);
        free(copy->before);
    }
}

static apr_status_t
copy_fill(void *items, void *before, const mproc__proxy_t *cell,
          mproc__ask_t *ask)
{
    mproc_bytes_t bytes;
    apr_status_t rv = mproc__answer_bytes(ask, &bytes);

    if (rv == APR_SUCCESS && bytes.size != cell_size(cell)) {
        rv = mproc__fail(MPROC_EFORMAT, "%s: the manager's answer is torn",
                         ask->call);
    }
    if (rv == APR_SUCCESS && bytes.size > 0) {
        memcpy(items, bytes.data, bytes.size);
        memcpy(before, bytes.data, bytes.size);
    }
    return rv;
}

void *
mproc__far_cell_data(mproc__proxy_t *cell)
{
    const char *call = "mproc_value_data";
    mproc__ask_t ask;
    copy_t copy;

    if (copy_have(&copy, cell, call) != APR_SUCCESS) {
        return NULL;
    }
    if (copy.fresh) {
        mproc__proxy_ask(&ask, cell, MPROC__CELL_READ, call);
        mproc__ask_int(&ask, 0);
        mproc__ask_int(&ask, (apr_int64_t)cell->count);
        if (mproc__ask_run(&ask, MPROC_FOREVER) == APR_SUCCESS) {
            (void)copy_fill(copy.items, copy.before, cell, &ask);
        }
        mproc__ask_end(&ask);
        copy_show(&copy, cell);
        copy_drop(&copy);
    }
    return atomic_load(&cell->copy);
}

/* The server lets one thread have it; from its answer on, until the release is
 * sent, the copy, `before` and `depth` are that thread's. */
apr_status_t
mproc__far_cell_acquire(mproc__proxy_t *cell, apr_interval_time_t timeout,
                        const char *call)
{
    apr_uint64_t self = mproc__actor();
    mproc__ask_t ask;
    copy_t copy;
    apr_status_t rv = copy_have(&copy, cell, call), lost;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, cell, MPROC__CELL_ACQUIRE, call);
    rv = lost = mproc__ask_run(&ask, timeout);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        rv = APR_SUCCESS;
        copy_show(&copy, cell);
        if (atomic_load(&cell->holder) == self) {
            cell->depth++; /* Its items are the newest already. */
        }
        else {
            rv = copy_fill(atomic_load(&cell->copy), cell->before, cell, &ask);
            cell->depth = 1;
            atomic_store(&cell->holder, self);
        }
    }
    mproc__ask_end(&ask);
    copy_drop(&copy);
    return rv == APR_SUCCESS ? lost : rv;
}

apr_status_t
mproc__far_cell_release(mproc__proxy_t *cell, const char *call)
{
    apr_uint64_t self = mproc__actor();
    int mine = self != 0 && atomic_load(&cell->holder) == self;
    int last = mine && cell->depth == 1;
    void *items = atomic_load(&cell->copy);
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, cell, MPROC__CELL_RELEASE, call);
    if (last && memcmp(items, cell->before, cell_size(cell)) != 0) {
        mproc__ask_bytes(&ask, (mproc_bytes_t){items, cell_size(cell)});
    }
    else {
        mproc__ask_text(&ask, NULL);
    }
    /* Afterwards another thread may have it. */
    if (last) {
        atomic_store(&cell->holder, 0);
    }
    else if (mine) {
        cell->depth--;
    }
    rv = mproc__ask_run(&ask, 0);
    if (last && (rv == MPROC_ETOOBIG || rv == APR_ENOMEM)) {
        atomic_store(&cell->holder, self); /* It was not sent. */
    }
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
