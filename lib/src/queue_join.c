/*
 * queue_join.c: a queue whose items are tasks: how many are done, and waiting
 * for all. What the dead had got is never done (tally.c).
 */
#include "queue.h"

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"

static int
work_is_left(void *baton)
{
    mproc__ring_t *ring = mproc__queue_ring(baton);
    apr_uint64_t put = mproc__ring_count(&ring->tail);

    if (ring->attempts > 0) {
        return mproc__ring_size(ring) > 0 || mproc__flight_count(ring) > 0;
    }
    apr_uint64_t done = atomic_load(&ring->done);
    return done < put && done + mproc__tally_lost(ring) < put;
}

apr_uint64_t
mproc__queue_unfinished(mproc_queue_t *queue)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);

    return mproc__ring_count(&ring->tail) - atomic_load(&ring->done);
}

apr_status_t
mproc_queue_task_done(mproc_queue_t *queue)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    mproc__ring_t *ring;
    apr_uint64_t done;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__QUEUE_TASK_DONE, 0,
                                  "mproc_queue_task_done");
    }
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return mproc__object_missing("mproc_queue_task_done", "queue");
    }
    ring = mproc__queue_ring(queue);
    if (ring->attempts > 0) {
        return mproc__fail(MPROC_ESTATE, "mproc_queue_task_done: of this queue "
                                         "an item is done when it is given "
                                         "back; call mproc_queue_give_back()");
    }
    done = atomic_load(&ring->done);
    do {
        if (done >= mproc__ring_count(&ring->tail)) {
            return mproc__fail(MPROC_ESTATE,
                               "mproc_queue_task_done: as many tasks are done "
                               "as were ever put; call it once for each item");
        }
    } while (!atomic_compare_exchange_weak(&ring->done, &done, done + 1));
    mproc__tally_done(ring);
    if (!work_is_left(queue)) {
        mproc__gate_wake(&ring->idle, MPROC__ALL);
    }
    return APR_SUCCESS;
}

/* Nobody will do what is left, if any is. */
static apr_status_t
queue_joined(mproc_queue_t *queue)
{
    apr_uint64_t lost = mproc__tally_lost(mproc__queue_ring(queue));

    return lost == 0
               ? APR_SUCCESS
               : mproc__fail(MPROC_EWORKERLOST,
                             "mproc_queue_join: %" APR_UINT64_T_FMT
                             " items were got by processes that died before "
                             "they told that they were done; all others are",
                             lost);
}

apr_status_t
mproc_queue_join(mproc_queue_t *queue, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    mproc__gate_wait_t wait = {NULL, work_is_left, mproc__queue_is_hopeless,
                               queue, NULL};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__QUEUE_JOIN, timeout,
                                  "mproc_queue_join");
    }
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return mproc__object_missing("mproc_queue_join", "queue");
    }
    if (!work_is_left(queue)) {
        return queue_joined(queue);
    }
    wait.gate = &mproc__queue_ring(queue)->idle;
    rv = deadline == 0 ? APR_TIMEUP : mproc__gate_wait(&wait, deadline);
    switch (rv) {
    case APR_SUCCESS:
        return queue_joined(queue);
    case APR_TIMEUP:
        return mproc__fail(rv, "mproc_queue_join: not all tasks were done in "
                               "time");
    case MPROC_EDEADLK:
        return mproc__fail(MPROC_EWORKERLOST,
                           "mproc_queue_join: tasks are left, and no other "
                           "thread or process has the queue to do them");
    default:
        return mproc__wait_refused("mproc_queue_join");
    }
}
