/* async_state.c: what has become of a batch of tasks; cancelling it. */
#include "async.h"

#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "error.h"
#include "parking.h"

apr_size_t
mproc_async_count(const mproc_async_t *async)
{
    return async == NULL ? 0
           : mproc__async_far(async) != NULL
               ? mproc__far_async_count(async->away)
               : async->batch->count;
}

/* Of a manager's pool: whether it is settled is to be asked for. */
static apr_status_t
far_look(mproc_async_t *async, const char *call)
{
    apr_status_t rv = APR_SUCCESS;

    if (mproc__async_far(async) != NULL) {
        rv = mproc__far_async_wait(async->away, 0, call);
    }
    return rv == APR_TIMEUP ? APR_SUCCESS : rv;
}

apr_status_t
mproc_async_status(mproc_async_t *async, apr_size_t index)
{
    apr_status_t rv = mproc__async_index(async, index, "mproc_async_status");

    if (rv == APR_SUCCESS) {
        rv = far_look(async, "mproc_async_status");
    }
    if (rv == APR_SUCCESS && !mproc__async_settled(async)) {
        rv = mproc__fail(MPROC_ESTATE, "mproc_async_status: it is not "
                                       "settled; wait for it first");
    }
    return rv != APR_SUCCESS ? rv : mproc__async_failure(async, index);
}

const mproc_lost_t *
mproc__async_lost_find(mproc_async_t *async, apr_size_t index)
{
    mproc__extra_t *extra = atomic_load(&async->extra);
    const mproc__lost_t *lost =
        extra == NULL ? NULL : atomic_load(&extra->lost);

    if (mproc__async_far(async) != NULL) {
        return mproc__far_async_lost(async->away, index);
    }
    while (lost != NULL && lost->index != index) {
        lost = lost->next;
    }
    return lost == NULL ? NULL : &lost->record;
}

apr_status_t
mproc_async_lost(mproc_async_t *async, apr_size_t index, mproc_lost_t *lost)
{
    apr_status_t rv = mproc__async_index(async, index, "mproc_async_lost");
    const mproc_lost_t *found;

    if (rv == APR_SUCCESS && lost == NULL) {
        rv = mproc__fail(APR_EINVAL, "mproc_async_lost: lost is NULL; pass "
                                     "where the record goes");
    }
    if (rv == APR_SUCCESS) {
        rv = far_look(async, "mproc_async_lost");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    found = mproc__async_lost_find(async, index);
    if (found != NULL) {
        *lost = *found;
    }
    return found != NULL
               ? APR_SUCCESS
               : mproc__fail(APR_NOTFOUND, "mproc_async_lost: no worker was "
                                           "lost with it");
}

int
mproc_async_ready(mproc_async_t *async)
{
    apr_status_t rv = mproc__async_check(async, "mproc_async_ready");

    if (rv == APR_SUCCESS) {
        rv = far_look(async, "mproc_async_ready");
    }
    /* Of a server that is gone no more will be known: no get waits. */
    return rv == APR_SUCCESS ? mproc__async_task_done(async, MPROC__ALL_TASKS)
                             : APR_STATUS_IS_ECONNRESET(rv);
}

apr_status_t
mproc_async_successful(mproc_async_t *async, int *successful)
{
    apr_status_t rv = mproc__async_check(async, "mproc_async_successful");

    if (rv == APR_SUCCESS && successful == NULL) {
        rv = mproc__fail(APR_EINVAL, "mproc_async_successful: successful is "
                                     "NULL; pass where the answer goes");
    }
    if (rv == APR_SUCCESS) {
        rv = far_look(async, "mproc_async_successful");
    }
    if (rv == APR_SUCCESS && !mproc__async_task_done(async, MPROC__ALL_TASKS)) {
        rv = mproc__fail(MPROC_ESTATE, "mproc_async_successful: it is not "
                                       "settled; wait for it first");
    }
    if (rv == APR_SUCCESS) {
        *successful =
            mproc__async_failure_find(async) == mproc_async_count(async);
    }
    return rv;
}

/* The list is locked: until that ends nobody calls back, and frees it. */
static apr_uint64_t
tasks_cancel(mproc_async_t *async)
{
    apr_uint64_t count = 0, i;

    for (i = 0; i < async->batch->count; i++) {
        if (mproc__batch_take(async->batch, mproc__peer_self(), i)) {
            mproc__batch_task(async->batch, i)->size = 0;
            mproc__batch_end(async->batch, i, MPROC_ECLOSED);
            count++;
        }
    }
    if (count > 0) {
        async->workers->unrun += count;
        mproc__pool_figures(async->workers);
        mproc__pool_told(&async->batch->done);
        if (mproc__async_settled(async)) {
            mproc__async_list_front(async);
        }
    }
    return count;
}

apr_status_t
mproc_async_cancel(mproc_async_t *async)
{
    apr_status_t rv = mproc__async_check(async, "mproc_async_cancel");
    apr_uint64_t count = 0;

    if (rv == APR_SUCCESS && mproc__async_far(async) != NULL) {
        return mproc__far_async_cancel(async->away);
    }
    /* What is not listed is settled. */
    if (rv == APR_SUCCESS && atomic_load(&async->listed)) {
        mproc_pool_t *workers = async->workers;
        apr_thread_mutex_lock(workers->list);
        count = atomic_load(&async->listed) ? tasks_cancel(async) : 0;
        if (count > 0) {
            mproc__pool_move(&workers->shared->care);
        }
        apr_thread_mutex_unlock(workers->list);
    }
    if (rv == APR_SUCCESS && count == 0) {
        rv = mproc__fail(MPROC_ESTATE, "mproc_async_cancel: its tasks are "
                                       "running or done");
    }
    return rv;
}

/* Those that are settled by it go to the front: the next is asked for before.
 */
apr_status_t
mproc_pool_cancel(mproc_pool_t *workers, apr_uint64_t *count)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_cancel");
    apr_uint64_t cancelled = 0;
    mproc_async_t *async, *next;

    if (rv == APR_SUCCESS && workers->away != NULL) {
        rv = mproc__far_pool_cancel(workers->away, &cancelled);
    }
    else if (rv == APR_SUCCESS) {
        apr_thread_mutex_lock(workers->list);
        for (async = workers->first; async != NULL; async = next) {
            next = async->next;
            cancelled += tasks_cancel(async);
        }
        if (cancelled > 0) {
            mproc__pool_move(&workers->shared->care);
        }
        apr_thread_mutex_unlock(workers->list);
    }
    if (count != NULL) {
        *count = cancelled;
    }
    return rv;
}
