/* queue.h: what the parts of the queue share. */
#ifndef MPROC_SRC_QUEUE_H
#define MPROC_SRC_QUEUE_H

#include <stdarg.h>

#include <mproc/queue.h>

#include "flight.h"
#include "tally.h"

struct mproc_queue_t {
    mproc_object_t object;
    mproc__ring_use_t use;
    mproc__tally_t *tally;  /* guarded by the head's mutex */
    mproc_queue_t *letters; /* a half of our own; NULL: there is none */
    mproc__handle_t other;  /* of a pipe: its other end; 0: no pipe */
    atomic_int closed;      /* by this process */
    /* Of a pipe: what is larger is dropped, and who gets is told; 0: nothing
     * is. NULL: there is none. */
    const _Atomic apr_uint64_t *limit;
    /* The process that is at what follows, or 0. */
    _Atomic mproc__peer_t busy;
    apr_pool_t *own; /* of what is got with a pool of NULL */
};

static inline mproc__ring_t *
mproc__queue_ring(mproc_queue_t *queue)
{
    return queue->object.shared;
}

apr_status_t mproc__queue_opened(mproc_object_t *object);

/* Usable, not closed, the thread registered. */
apr_status_t mproc__queue_check(mproc_queue_t *queue, const char *call);

/* Have the tail's mutex, with space for an item; let it go, `count` put. With
 * a count of 0 the space stays, and the wake-up that may have brought us here
 * goes on to another. */
apr_status_t mproc__queue_begin_put(mproc_queue_t *queue,
                                    apr_interval_time_t timeout,
                                    const char *call);
/* The same for an item that has its space already. */
apr_status_t mproc__queue_begin_commit(mproc_queue_t *queue, const char *call);
void mproc__queue_end_put(mproc_queue_t *queue, int count);

/* Have the head's mutex, and the first item, which is within the limit; let it
 * go, `count` got. With a count of 0 the item stays, and the wake-up goes on to
 * another. */
apr_status_t mproc__queue_begin_get(mproc_queue_t *queue, mproc__item_t *item,
                                    apr_interval_time_t timeout,
                                    const char *call);
/* What mproc_queue_get() and mproc_queue_get_into() do, for `call`. */
apr_status_t mproc__queue_get(mproc_queue_t *queue, mproc_bytes_t *item,
                              apr_interval_time_t timeout, apr_pool_t *pool,
                              const char *call);
apr_status_t mproc__queue_get_into(mproc_queue_t *queue, void *buffer,
                                   apr_size_t size, apr_size_t *length,
                                   apr_interval_time_t timeout,
                                   const char *call);

/* Copy the item, and take it off. */
apr_status_t mproc__queue_item_copy(mproc_queue_t *queue, mproc__item_t *item,
                                    mproc_bytes_t *bytes, apr_pool_t *pool);

/* Say that one was dropped: MPROC_ETOOBIG. */
apr_status_t mproc__queue_dropped(const char *call, apr_uint64_t size,
                                  apr_uint64_t limit);

/* Take the item off, and count that this process has got it. */
void mproc__queue_take(mproc_queue_t *queue, mproc__item_t *item);
void mproc__queue_end_get(mproc_queue_t *queue, int count);

/* Whether nobody can put or get any more at the other side. */
int mproc__queue_is_shut(mproc_queue_t *queue);

/* Items that were put and not told done. */
apr_uint64_t mproc__queue_unfinished(mproc_queue_t *queue);

/* For waits: whether nobody else can ever change the queue. */
int mproc__queue_is_hopeless(void *queue);

/* Wait until there is an item, or the end. */
apr_status_t mproc__queue_await(mproc_queue_t *queue,
                                apr_interval_time_t timeout, const char *call);

apr_status_t mproc__queue_vputf(mproc_queue_t *queue,
                                apr_interval_time_t timeout, const char *format,
                                va_list args);
apr_status_t mproc__queue_vgetf(mproc_queue_t *queue,
                                apr_interval_time_t timeout, apr_pool_t *pool,
                                const char *format, va_list args,
                                const char *call);

/* Put a copy of the bytes, in a box that holds what they name. */
apr_status_t mproc__queue_put_copy(mproc_queue_t *queue, mproc_bytes_t bytes,
                                   const apr_array_header_t *objects,
                                   apr_interval_time_t timeout,
                                   const char *call);

/* The head's mutex is held: find an item whose taker died, having put those
 * aside that were given out too often. 0 when there is none. */
int mproc__queue_find_lost(mproc_queue_t *queue, mproc__item_t *item);

/* Take an item so that it comes again when this process dies. `*hold` is where
 * it is. */
apr_status_t mproc__queue_fly(mproc_queue_t *queue, mproc__item_t *item,
                              mproc__hold_t **hold);

void mproc__queue_end_flight(mproc_queue_t *queue, mproc__flight_t *flight);

/* Be done with an item that flies; 0 when this process has no such. */
int mproc__queue_land(mproc_queue_t *queue, mproc_bytes_t item);

/* A pool of NULL becomes the queue's own, guarded. */
void mproc__queue_pool_begin(mproc_queue_t *queue, apr_pool_t **pool);
void mproc__queue_pool_end(mproc_queue_t *queue, apr_pool_t *pool);

#endif
