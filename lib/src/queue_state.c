/* queue_state.c: how full a queue is, and shutting it down. */
#include "queue.h"

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "parking.h"

apr_size_t
mproc_queue_size(mproc_queue_t *queue)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);

    if (proxy != NULL) {
        apr_int64_t number = mproc__proxy_number(proxy, MPROC__QUEUE_SIZE, 0,
                                                 "mproc_queue_size");
        mproc__far_looked(proxy);
        return number < 0 ? 0 : (apr_size_t)number;
    }
    return mproc__object_is(queue, &mproc__queue_ops)
               ? (apr_size_t)mproc__ring_size(mproc__queue_ring(queue))
               : 0;
}

int
mproc_queue_empty(mproc_queue_t *queue)
{
    return mproc_queue_size(queue) == 0;
}

int
mproc_queue_full(mproc_queue_t *queue)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    mproc__ring_t *ring;

    if (proxy != NULL) {
        return mproc__proxy_number(proxy, MPROC__QUEUE_SIZE, 1,
                                   "mproc_queue_full") > 0;
    }
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return 0;
    }
    ring = mproc__queue_ring(queue);
    return ring->maxsize > 0 && mproc__ring_size(ring) >= ring->maxsize;
}

apr_status_t
mproc_queue_shutdown(mproc_queue_t *queue, int immediate)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_shutdown";
    mproc__ring_t *ring;
    mproc__item_t item;
    apr_status_t rv;

    if (proxy != NULL) {
        return mproc__far_queue_shutdown(proxy, immediate, call);
    }
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return mproc__object_missing(call, "queue");
    }
    ring = mproc__queue_ring(queue);
    rv = mproc__actor() != 0 ? mproc__ring_lock_tail(&queue->use, call)
                             : mproc__wait_refused(call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    atomic_store(&ring->shut, 1); /* No put is under way that saw it open. */
    mproc__mutex_release(&ring->tail.mutex);
    mproc__gate_wake(&ring->items, MPROC__ALL);
    mproc__gate_wake(&ring->space, MPROC__ALL);
    if (immediate &&
        (rv = mproc__ring_lock_head(&queue->use, call)) == APR_SUCCESS) {
        while (mproc__ring_front(&queue->use, &item)) {
            mproc__queue_take(queue, &item);
            atomic_fetch_add(&ring->done, 1);
            mproc__tally_done(ring);
        }
        mproc__queue_end_get(queue, 0);
        mproc__gate_wake(&ring->idle, MPROC__ALL);
    }
    return rv;
}
