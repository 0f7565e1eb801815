/* pool_size.c: the figures of a pool, and another number of workers. */
#include "async.h"

#include <stdlib.h>

#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "error.h"
#include "manager_far_pool.h"
#include "parking.h"
#include "process.h"

/* Whether a worker is at a task that is not done, or at an array. The list is
 * locked. */
static int
worker_is_running(mproc_pool_t *workers, const mproc__place_t *place)
{
    apr_uint64_t at = atomic_load(&place->at);
    apr_uint64_t running = atomic_load(&place->running);
    int is = running == MPROC__RUNNING_JOB;

    if (running != 0 && !is && atomic_load(&place->at) == at &&
        mproc__arena_hold(workers->spare, at) == APR_SUCCESS) {
        mproc__batch_t *batch = mproc__batch_at(at);
        is = running <= batch->count &&
             mproc__batch_has(batch, atomic_load(&place->peer), running - 1);
        mproc__arena_release(workers->spare);
    }
    return is;
}

apr_status_t
mproc_pool_stats(mproc_pool_t *workers, mproc_pool_stats_t *stats)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_stats");
    int i;

    if (rv == APR_SUCCESS && stats == NULL) {
        rv = mproc__fail(APR_EINVAL, "mproc_pool_stats: stats is NULL; pass "
                                     "where the figures go");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (workers->away != NULL) {
        return mproc__far_pool_stats(workers->away, stats);
    }
    apr_thread_mutex_lock(workers->life);
    apr_thread_mutex_lock(workers->list);
    *stats = workers->stats;
    stats->settled += mproc__async_settled_yet(workers);
    stats->started = (apr_uint64_t)workers->started;
    stats->run = stats->tasks_of_ended;
    for (i = 0; i < workers->places; i++) {
        const mproc__place_t *place = workers->keep[i]->place;
        if (workers->keep[i]->process != NULL) {
            stats->workers++;
            stats->running += worker_is_running(workers, place);
            stats->run += atomic_load(&place->tasks);
        }
    }
    apr_thread_mutex_unlock(workers->list);
    apr_thread_mutex_unlock(workers->life);
    return APR_SUCCESS;
}

/* What is under way was told to as many as there were. Life is held. */
static void
pool_hint_more(mproc_pool_t *workers, int more)
{
    mproc_async_t *async;

    apr_thread_mutex_lock(workers->list);
    for (async = workers->first; async != NULL && more > 0;
         async = async->next) {
        mproc__batch_t *batch = async->batch;
        apr_uint64_t told =
            (apr_uint64_t)(workers->count - more) * batch->chunk;
        if (batch->count > told) {
            /* Without memory those that know of it do all. */
            (void)mproc__pool_hint(workers, mproc__hold_handle(async->hold),
                                   MPROC__HINT_TASKS, (apr_uint64_t)more);
        }
    }
    apr_thread_mutex_unlock(workers->list);
    workers->deaths += more > 0; /* A map hints again. */
    mproc__pool_move(&workers->shared->done);
}

apr_status_t
mproc_pool_resize(mproc_pool_t *workers, int processes)
{
    apr_status_t rv = mproc__pool_open(workers, "mproc_pool_resize");
    int more;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (processes < 1 || processes > MPROC__POOL_MOST) {
        return mproc__fail(APR_EINVAL,
                           "mproc_pool_resize: %d processes were asked for; "
                           "give 1 to %d",
                           processes, MPROC__POOL_MOST);
    }
    if (workers->away != NULL) {
        return mproc__far_pool_resize(workers, processes);
    }
    apr_thread_mutex_lock(workers->life);
    rv = mproc__pool_places(workers, processes);
    if (rv == APR_SUCCESS && processes >= workers->count) {
        more = processes - workers->count;
        workers->count = processes;
        pool_hint_more(workers, more);
    }
    while (rv == APR_SUCCESS && workers->count > processes) {
        rv = mproc__pool_hint(workers, 0, MPROC__HINT_LEAVE, 1);
        workers->count -= rv == APR_SUCCESS;
    }
    apr_thread_mutex_unlock(workers->life);
    mproc__pool_move(&workers->shared->care);
    return rv;
}
