/*
 * queue_flight.c: at least once: what was taken comes again when its taker
 * dies, before the items that were never taken, and so often at most; then it
 * goes to the dead letters. It is put there before its slot is emptied: killed
 * in between, it may come to be there twice, but not nowhere.
 */
#include "queue.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"

/* One flies less: who joins, or gets what was shut, may go on. */
void
mproc__queue_end_flight(mproc_queue_t *queue, mproc__flight_t *flight)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);

    mproc__flight_end(flight);
    mproc__gate_wake(&ring->idle, MPROC__ALL);
    if (atomic_load(&ring->shut)) {
        mproc__gate_wake(&ring->items, MPROC__ALL);
    }
}

/* It was given out too often. 0 when it cannot be put aside. */
static int
letter_put(mproc_queue_t *queue, mproc__flight_t *flight)
{
    const char *call = "mproc_queue_take";
    apr_status_t rv = APR_SUCCESS;

    if (queue->letters != NULL) {
        rv = mproc__queue_begin_commit(queue->letters, call);
        if (rv == APR_SUCCESS) {
            rv = mproc__ring_put_box(&queue->letters->use,
                                     mproc__hold_handle(flight->box));
            mproc__queue_end_put(queue->letters, rv == APR_SUCCESS);
        }
    }
    if (rv == APR_SUCCESS) {
        mproc__queue_end_flight(queue, flight);
    }
    return rv == APR_SUCCESS;
}

int
mproc__queue_find_lost(mproc_queue_t *queue, mproc__item_t *item)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);
    mproc_bytes_t bytes;

    while (mproc__flight_lost(ring, &item->lost)) {
        if ((apr_uint64_t)mproc__flight_attempt(&item->lost) >=
                ring->attempts &&
            letter_put(queue, &item->lost)) {
            continue;
        }
        bytes = mproc__box_bytes(mproc__hold_handle(item->lost.box));
        item->box = item->lost.box;
        item->data = bytes.data;
        item->size = bytes.size;
        return 1;
    }
    return 0;
}

apr_status_t
mproc__queue_fly(mproc_queue_t *queue, mproc__item_t *item,
                 mproc__hold_t **hold)
{
    mproc__flight_t flight = item->lost;
    apr_status_t rv = APR_SUCCESS;
    void *data;

    if (item->lost.box != NULL) {
        mproc__flight_again(&flight);
    }
    else if (!mproc__flight_new(mproc__queue_ring(queue), &flight)) {
        return mproc__fail(APR_ENOMEM, "mproc_queue_take: no shared memory to "
                                       "note who has the item, which is still "
                                       "in the queue; free some objects");
    }
    else if (item->box != NULL) {
        rv = mproc__arena_hold(flight.box, mproc__hold_handle(item->box));
    }
    else {
        rv = mproc__box_make(flight.box, item->size, NULL, &data);
        if (rv == APR_SUCCESS) {
            memcpy(data, item->data, (apr_size_t)item->size);
        }
    }
    if (rv == APR_SUCCESS && item->lost.box == NULL) {
        mproc__flight_begin(&flight, item->after);
        mproc__ring_take(&queue->use, item);
    }
    if (rv == APR_SUCCESS) {
        *hold = flight.box;
        mproc__box_note(flight.box);
    }
    return rv;
}

/* The slot of an item that this process has from a take. */
static int
flight_of(mproc_queue_t *queue, mproc_bytes_t item, mproc__flight_t *flight)
{
    mproc__hold_t *hold = mproc__box_hold(item.data);

    return mproc__object_is(queue, &mproc__queue_ops) && hold != NULL &&
           mproc__flight_find(mproc__queue_ring(queue), hold, flight);
}

int
mproc_queue_attempt(mproc_queue_t *queue, mproc_bytes_t item)
{
    mproc__flight_t flight;

    return flight_of(queue, item, &flight) ? mproc__flight_attempt(&flight) : 0;
}

int
mproc__queue_land(mproc_queue_t *queue, mproc_bytes_t item)
{
    mproc__flight_t flight;

    if (!flight_of(queue, item, &flight)) {
        return 0;
    }
    mproc__queue_end_flight(queue, &flight);
    return 1;
}
