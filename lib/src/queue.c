/*
 * queue.c: the queue: a ring (ring.c), and waiting for items or space at its
 * gates. Nobody sleeps with an end's mutex.
 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "notifier.h"
#include "wait.h"

#define ROOM_MOST 64 /* items that who puts waits for while it spins */

static void queue_closing(mproc_object_t *object);

const mproc__object_ops_t mproc__queue_ops = {.kind = MPROC_KIND_QUEUE,
                                              .local_size =
                                                  sizeof(struct mproc_queue_t),
                                              .opened = mproc__queue_opened,
                                              .closing = queue_closing};

/* ---------------------------------------------------------------- creating */

apr_status_t
mproc__queue_opened(mproc_object_t *object)
{
    mproc_queue_t *queue = (mproc_queue_t *)object;
    mproc__handle_t letters;

    queue->use.object = object;
    letters = mproc__hold_handle(&mproc__queue_ring(queue)->letters);
    return letters == 0
               ? APR_SUCCESS
               : mproc__object_open(&queue->letters, letters, object->pool);
}

static void
queue_closing(mproc_object_t *object)
{
    mproc_queue_t *queue = (mproc_queue_t *)object;

    /* At it is at most a thread that a forked child has not: see below. */
    if (queue->own != NULL && atomic_load(&queue->busy) == 0) {
        apr_pool_destroy(queue->own);
        queue->own = NULL;
    }
    mproc__object_close(queue->letters);
    queue->letters = NULL;
}

apr_status_t
mproc_queue_create_with(mproc_queue_t **queue,
                        const mproc_queue_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_queue_create_with";
    mproc__ring_t *ring;
    apr_status_t rv;

    if (queue == NULL || options == NULL || options->attempts < 0) {
        return queue == NULL
                   ? mproc__object_missing(call, "queue")
                   : mproc__fail(APR_EINVAL,
                                 "%s: the options are NULL, or attempts is "
                                 "negative; pass 0, or how often an item may "
                                 "be given out",
                                 call);
    }
    *queue = NULL;
    if (options->dead_letters != NULL &&
        !mproc__object_is(options->dead_letters, &mproc__queue_ops)) {
        return mproc__object_missing(call, "queue");
    }
    rv = mproc__object_create(queue, &mproc__queue_ops, sizeof(mproc__ring_t),
                              pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    ring = mproc__queue_ring(*queue);
    mproc__ring_init(ring, options->maxsize);
    ring->attempts = (apr_uint64_t)options->attempts;
    if (options->dead_letters != NULL) {
        rv = mproc__arena_hold(&ring->letters,
                               options->dead_letters->object.handle);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__queue_opened(&(*queue)->object);
    }
    if (rv != APR_SUCCESS) {
        mproc__object_close(*queue);
        *queue = NULL;
    }
    return rv;
}

apr_status_t
mproc_queue_create(mproc_queue_t **queue, apr_size_t maxsize, apr_pool_t *pool)
{
    mproc_queue_options_t options = {.maxsize = maxsize};

    return mproc_queue_create_with(queue, &options, pool);
}

void
mproc_queue_destroy(mproc_queue_t *queue)
{
    mproc__object_close(queue);
}

apr_status_t
mproc_queue_close(mproc_queue_t *queue)
{
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return mproc__object_missing("mproc_queue_close", "queue");
    }
    atomic_store(&queue->closed, 1);
    mproc__gate_wake(&mproc__queue_ring(queue)->items, MPROC__ALL);
    mproc__gate_wake(&mproc__queue_ring(queue)->space, MPROC__ALL);
    return APR_SUCCESS;
}

apr_status_t
mproc__queue_check(mproc_queue_t *queue, const char *call)
{
    if (!mproc__object_is(queue, &mproc__queue_ops)) {
        return mproc__object_missing(call, "queue");
    }
    if (atomic_load_explicit(&queue->closed, memory_order_relaxed)) {
        return mproc__fail(MPROC_ECLOSED,
                           "%s: this process has closed the queue; open it "
                           "again by a message that brings it",
                           call);
    }
    return mproc__actor() != 0 ? APR_SUCCESS : mproc__wait_refused(call);
}

/* ------------------------------------------------------------------ waiting */

int
mproc__queue_is_shut(mproc_queue_t *queue)
{
    return atomic_load(&mproc__queue_ring(queue)->shut) != 0 ||
           (queue->other != 0 &&
            mproc__arena_kind(queue->other) == MPROC_KIND_NONE);
}

/* Whether something may come though the queue is shut: what others have taken
 * comes again when they die. */
static int
queue_may_return(mproc__ring_t *ring)
{
    return ring->attempts > 0 && mproc__flight_count(ring) > 0;
}

/* For who gets: nothing is there, and something may come. */
static int
items_are_wanted(void *baton)
{
    mproc_queue_t *queue = baton;
    mproc__ring_t *ring = mproc__queue_ring(queue);

    return atomic_load(&ring->head.place) == atomic_load(&ring->tail.place) &&
           (!mproc__queue_is_shut(queue) || queue_may_return(ring)) &&
           (ring->attempts == 0 || !mproc__flight_is_lost(ring)) &&
           !atomic_load(&queue->closed);
}

/* For who puts: it is full. */
static int
space_is_wanted(void *baton)
{
    mproc_queue_t *queue = baton;
    mproc__ring_t *ring = mproc__queue_ring(queue);

    return mproc__ring_size(ring) >= ring->maxsize &&
           !mproc__queue_is_shut(queue) && !atomic_load(&queue->closed);
}

/* For who puts, while it spins: it is nearly full. When there is room for a
 * few items, putting and getting need not touch the other's cache line for
 * each. */
static int
space_is_scarce(void *baton)
{
    mproc_queue_t *queue = baton;
    mproc__ring_t *ring = mproc__queue_ring(queue);
    apr_uint64_t few = ring->maxsize / 16;

    if (few > ROOM_MOST) {
        few = ROOM_MOST;
    }
    return mproc__ring_size(ring) >= ring->maxsize - few &&
           !mproc__queue_is_shut(queue) && !atomic_load(&queue->closed);
}

int
mproc__queue_is_hopeless(void *baton)
{
    return mproc__object_is_alone(&((mproc_queue_t *)baton)->object);
}

/* Nothing more can come: shut, or nobody else has the queue. */
static apr_status_t
queue_ended(const char *call)
{
    return mproc__fail(APR_EOF,
                       "%s: the queue is shut down, or no other thread or "
                       "process has it, so nothing can come or go any more",
                       call);
}

/* A wait for items, or for space. */
static mproc__gate_wait_t
queue_gate(mproc_queue_t *queue, int for_items)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);
    mproc__gate_wait_t items = {&ring->items, items_are_wanted,
                                mproc__queue_is_hopeless, queue,
                                &ring->tail.mutex};
    mproc__gate_wait_t space = {&ring->space, space_is_wanted,
                                mproc__queue_is_hopeless, queue,
                                &ring->head.mutex};

    return for_items ? items : space;
}

apr_status_t
mproc__queue_source(mproc_queue_t *queue, mproc__source_t *source)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    apr_status_t rv;

    if (proxy != NULL) {
        mproc__far_source(proxy, source);
        return APR_SUCCESS;
    }
    rv = mproc__queue_check(queue, source->call);
    if (rv == APR_SUCCESS) {
        mproc__gate_source(queue_gate(queue, 1), source);
        source->place = &queue->object.notifier;
    }
    return rv;
}

static apr_status_t
queue_wait(mproc_queue_t *queue, int for_items, apr_time_t deadline,
           const char *call)
{
    mproc__gate_wait_t wait = queue_gate(queue, for_items);
    apr_status_t rv = APR_TIMEUP;

    if (deadline != 0) {
        rv = !for_items && mproc__spin(space_is_scarce, queue)
                 ? APR_SUCCESS
                 : mproc__gate_wait(&wait, deadline);
    }
    switch (rv) {
    case APR_SUCCESS:
        rv = mproc__queue_check(queue, call);
        if (rv != APR_SUCCESS) {
            mproc__gate_wake(wait.gate, 1); /* It may have been ours. */
        }
        return rv;
    case APR_TIMEUP:
        mproc__notifier_look(&queue->object.notifier);
        return mproc__fail(rv, "%s: the queue stayed %s", call,
                           for_items ? "empty" : "full");
    case MPROC_EDEADLK:
        return queue_ended(call);
    default:
        return mproc__wait_refused(call);
    }
}

/* -------------------------------------------------------------- put and get */

/* The deadline of a call, made out when it first has to wait. */
static apr_time_t
queue_deadline(apr_time_t *deadline, apr_interval_time_t timeout)
{
    if (*deadline < 0) {
        *deadline = mproc__deadline(timeout);
    }
    return *deadline;
}

apr_status_t
mproc__queue_begin_put(mproc_queue_t *queue, apr_interval_time_t timeout,
                       const char *call)
{
    apr_status_t rv = mproc__queue_check(queue, call);
    apr_time_t deadline = -1;
    mproc__ring_t *ring;

    while (rv == APR_SUCCESS) {
        rv = mproc__ring_lock_tail(&queue->use, call);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        ring = mproc__queue_ring(queue);
        if (!mproc__queue_is_shut(queue) && !mproc__ring_is_full(ring)) {
            return APR_SUCCESS;
        }
        mproc__mutex_release(&ring->tail.mutex);
        if (mproc__queue_is_shut(queue)) {
            return queue_ended(call);
        }
        rv = queue_wait(queue, 0, queue_deadline(&deadline, timeout), call);
    }
    return rv;
}

apr_status_t
mproc__queue_begin_commit(mproc_queue_t *queue, const char *call)
{
    apr_status_t rv = mproc__ring_lock_tail(&queue->use, call);

    if (rv == APR_SUCCESS && mproc__queue_is_shut(queue)) {
        mproc__mutex_release(&mproc__queue_ring(queue)->tail.mutex);
        return queue_ended(call);
    }
    return rv;
}

void
mproc__queue_end_put(mproc_queue_t *queue, int count)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);

    mproc__mutex_release(&ring->tail.mutex);
    if (count > 0) {
        mproc__gate_wake(&ring->items, count);
    }
    else if (ring->maxsize > 0) {
        mproc__gate_wake(&ring->space, 1);
    }
}

apr_status_t
mproc__queue_dropped(const char *call, apr_uint64_t size, apr_uint64_t limit)
{
    return mproc__fail(MPROC_ETOOBIG,
                       "%s: a message of %" APR_UINT64_T_FMT
                       " bytes came, and the limit is %" APR_UINT64_T_FMT
                       "; it was dropped, the next one can be received",
                       call, size, limit);
}

/* The head's mutex is held; it is let go when the item is dropped. */
static apr_status_t
item_check(mproc_queue_t *queue, mproc__item_t *item, const char *call)
{
    apr_uint64_t limit = atomic_load(queue->limit), size = item->size;

    if (limit == 0 || size <= limit) {
        return APR_SUCCESS;
    }
    mproc__queue_take(queue, item);
    mproc__queue_end_get(queue, 1);
    return mproc__queue_dropped(call, size, limit);
}

apr_status_t
mproc__queue_begin_get(mproc_queue_t *queue, mproc__item_t *item,
                       apr_interval_time_t timeout, const char *call)
{
    apr_status_t rv = mproc__queue_check(queue, call);
    apr_time_t deadline = -1;
    mproc__ring_t *ring;

    while (rv == APR_SUCCESS) {
        int shut;
        rv = mproc__ring_lock_head(&queue->use, call);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        ring = mproc__queue_ring(queue);
        shut = mproc__queue_is_shut(
            queue); /* Before: what was put first is got. */
        if ((ring->attempts > 0 && mproc__queue_find_lost(queue, item)) ||
            mproc__ring_front(&queue->use, item)) {
            return queue->limit == NULL ? APR_SUCCESS
                                        : item_check(queue, item, call);
        }
        mproc__mutex_release(&ring->head.mutex);
        if (shut && !queue_may_return(ring)) {
            return queue_ended(call);
        }
        rv = queue_wait(queue, 1, queue_deadline(&deadline, timeout), call);
    }
    return rv;
}

void
mproc__queue_take(mproc_queue_t *queue, mproc__item_t *item)
{
    if (item->lost.box != NULL) {
        mproc__queue_end_flight(queue, &item->lost);
        return;
    }
    if (queue->other == 0) {
        queue->tally =
            mproc__tally_mine(mproc__queue_ring(queue), queue->tally);
    }
    if (queue->tally != NULL) {
        mproc__tally_begin(queue->tally, item->after);
    }
    mproc__ring_take(&queue->use, item);
    if (queue->tally != NULL) {
        mproc__tally_end(queue->tally);
    }
}

void
mproc__queue_end_get(mproc_queue_t *queue, int count)
{
    mproc__ring_t *ring = mproc__queue_ring(queue);

    mproc__mutex_release(&ring->head.mutex);
    if (count == 0) {
        mproc__gate_wake(&ring->items, 1);
    }
    else if (ring->maxsize > 0) {
        mproc__gate_wake(&ring->space, count);
    }
    mproc__notifier_look(&queue->object.notifier);
}

static apr_status_t
item_is_bad(const char *call)
{
    return mproc__fail(APR_EINVAL,
                       "%s: the bytes are NULL but have a size; pass where "
                       "they are",
                       call);
}

apr_status_t
mproc_queue_put(mproc_queue_t *queue, mproc_bytes_t item,
                apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_put";
    apr_status_t rv;

    if (proxy != NULL) {
        return mproc__far_queue_put(proxy, &item, 1, timeout, NULL, call);
    }
    if (item.data == NULL && item.size > 0) {
        return item_is_bad(call);
    }
    if (item.size > MPROC__ITEM_INLINE) {
        return mproc__queue_put_copy(queue, item, NULL, timeout, call);
    }
    rv = mproc__queue_begin_put(queue, timeout, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__ring_put(&queue->use, item);
    mproc__queue_end_put(queue, rv == APR_SUCCESS);
    return rv;
}

apr_status_t
mproc_queue_get_into(mproc_queue_t *queue, void *buffer, apr_size_t size,
                     apr_size_t *length, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_get_into";

    return proxy != NULL ? mproc__far_queue_get_into(proxy, buffer, size,
                                                     length, timeout, call)
                         : mproc__queue_get_into(queue, buffer, size, length,
                                                 timeout, call);
}

apr_status_t
mproc__queue_get_into(mproc_queue_t *queue, void *buffer, apr_size_t size,
                      apr_size_t *length, apr_interval_time_t timeout,
                      const char *call)
{
    mproc__item_t item;
    apr_status_t rv = mproc__queue_begin_get(queue, &item, timeout, call);

    *length = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *length = (apr_size_t)item.size;
    if (item.size > size) {
        mproc__queue_end_get(queue, 0);
        return mproc__fail(MPROC_ETOOBIG,
                           "%s: the first item has %" APR_UINT64_T_FMT
                           " bytes, the buffer %" APR_SIZE_T_FMT
                           "; the item is still in the queue: get it with a "
                           "larger buffer",
                           call, item.size, size);
    }
    if (item.size > 0) {
        memcpy(buffer, item.data, (apr_size_t)item.size);
    }
    mproc__queue_take(queue, &item);
    mproc__queue_end_get(queue, 1);
    return APR_SUCCESS;
}

apr_status_t
mproc__queue_await(mproc_queue_t *queue, apr_interval_time_t timeout,
                   const char *call)
{
    apr_status_t rv = mproc__queue_check(queue, call);

    if (rv == APR_SUCCESS && items_are_wanted(queue)) {
        rv = queue_wait(queue, 1, mproc__deadline(timeout), call);
        /* Who only looks leaves the item, and the wake-up, to others. */
        mproc__gate_wake(&mproc__queue_ring(queue)->items, 1);
    }
    return rv;
}

/* Copy the first item into a pool and take it off. */
apr_status_t
mproc__queue_item_copy(mproc_queue_t *queue, mproc__item_t *item,
                       mproc_bytes_t *bytes, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, (apr_size_t)item->size + 1);

    if (copy == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "mproc_queue_get: no memory for an item "
                           "of %" APR_UINT64_T_FMT
                           " bytes, which is still in the queue",
                           item->size);
    }
    memcpy(copy, item->data, (apr_size_t)item->size);
    copy[item->size] = '\0';
    bytes->data = copy;
    bytes->size = (apr_size_t)item->size;
    mproc__queue_take(queue, item);
    return APR_SUCCESS;
}

apr_status_t
mproc_queue_get(mproc_queue_t *queue, mproc_bytes_t *item,
                apr_interval_time_t timeout, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_get";
    int count;

    item->data = NULL;
    item->size = 0;
    return proxy != NULL ? mproc__far_queue_get(proxy, item, 1, &count, timeout,
                                                pool, call)
                         : mproc__queue_get(queue, item, timeout, pool, call);
}

apr_status_t
mproc__queue_get(mproc_queue_t *queue, mproc_bytes_t *item,
                 apr_interval_time_t timeout, apr_pool_t *pool,
                 const char *call)
{
    mproc__item_t found;
    apr_status_t rv;

    item->data = NULL;
    item->size = 0;
    rv = mproc__queue_begin_get(queue, &found, timeout, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__queue_pool_begin(queue, &pool);
    rv = mproc__queue_item_copy(queue, &found, item, pool);
    mproc__queue_pool_end(queue, pool);
    mproc__queue_end_get(queue, rv == APR_SUCCESS);
    return rv;
}

/* ------------------------------------------------------- the queue's own pool
 */

/* A forked child may have inherited it while a thread that it has not was
 * within: then the pool is what it may be, and the child has one of its own. */
void
mproc__queue_pool_begin(mproc_queue_t *queue, apr_pool_t **pool)
{
    mproc__peer_t self = mproc__peer_self(), other = 0;

    if (*pool != NULL) {
        return;
    }
    while (!atomic_compare_exchange_weak(&queue->busy, &other, self)) {
        if (other == self) {
            mproc_plat_yield();
            other = 0;
        }
    }
    if (other != 0) {
        queue->own = NULL;
    }
    if (queue->own == NULL) {
        apr_pool_create_unmanaged_ex(&queue->own, NULL, NULL);
    }
    *pool = queue->own;
}

void
mproc__queue_pool_end(mproc_queue_t *queue, apr_pool_t *pool)
{
    if (pool == queue->own) {
        atomic_store(&queue->busy, 0);
    }
}
