/*
 * ring.c: what a queue is made of.
 *
 * Items are records (segment.h) in segments, blocks of the arena numbered from
 * 0; segment n hangs in the ring's hold n % 64. The tail says where the next
 * record goes, the head where the next one is got. Each end has a mutex, and
 * all changes of an end are made by who has it.
 *
 * Put: write the record behind the tail, its header last, then publish it by
 * one store of the tail's place. Get: copy the record out, then publish that
 * by one store of the head's place. So at any moment an item is in the queue
 * or not, and a death in between changes nothing: the next holder of the
 * mutex is told MPROC_EOWNERDEAD and repairs what is not the place. The
 * count: place and count that are to come are written before the place is, so
 * it can be seen whether the place was published; who looks at the count
 * without the mutex sees it, too, for it may sleep until the count changes, and
 * nobody may come to repair it. The record behind the tail: a box in it is
 * released, and the rest of the segment is zeroed. First it waits until the
 * recovery of all that are dead has come to its end: that still writes to
 * holds in the ring which the dead was at.
 *
 * A record that does not fit goes to a new segment, and an END into the old
 * one. Who gets past an END releases the segment before it publishes the
 * place in the next one; an empty hold before the tail's segment is an END,
 * too. So a hold beyond the tail's segment is empty, or has a segment that
 * somebody made who died. A box is held once more before its record is
 * published, and released after its getting was; or, who did so having died in
 * between, by the next who has the mutex, or with the segment (block.c). If it
 * names objects, somebody may wait for what hangs on them, a pipe's end, and
 * nobody may come to this ring: then an intent tells the recovery to see to it.
 * Invariants: what lies between head and tail are whole records; the header at
 * the tail is 0, or one that somebody who died was about to publish; behind
 * that all is zero, once the mutex is held and repaired.
 *
 * The tail's place is stored with release order, and read with acquire order
 * by who has the head's mutex. Who sleeps for items goes through the tail's
 * mutex word between counting itself at the gate and its last look, so it
 * sees the place, or who put sees the gate (gate.c); the same with the head.
 */
#include "ring.h"

#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "flight.h"
#include "layout.h"
#include "segment.h"
#include "tally.h"

#define PLACE(segment, offset) ((apr_uint64_t)(segment) << 32 | (offset))
#define PLACE_SEGMENT(place) ((place) >> 32)
#define PLACE_OFFSET(place) ((place)&APR_UINT64_C(0xffffffff))

#define SEGMENT_FIRST 1008 /* with the block's header a class of 1 KiB */
#define SEGMENT_MOST ((apr_uint64_t)1 << 30)
#define SEGMENT_USUAL (APR_UINT64_C(64) * 1024 - 16)
#define SEGMENTS_FEW 8

_Static_assert((offsetof(mproc__ring_t, tail) + 16) % 64 == 0, "a line");
_Static_assert((offsetof(mproc__ring_t, items) + 16) % 64 == 0, "a line");
_Static_assert((offsetof(mproc__ring_t, head) + 16) % 64 == 0, "a line");
_Static_assert(offsetof(mproc__ring_t, letters) ==
                   offsetof(mproc__ring_t, segment) +
                       (MPROC__SEGMENTS + 2 * MPROC__TABLES) *
                           sizeof(mproc__hold_t),
               "the holds stand in a row");
_Static_assert(offsetof(mproc__ring_t, segment) ==
                   offsetof(mproc__holder_t, hold),
               "a ring is a holder");

static mproc__ring_t *
ring_of(const mproc__ring_use_t *use)
{
    return use->object->shared;
}

static _Atomic apr_uint64_t *
record_at(const mproc__ring_view_t *view, apr_uint64_t offset)
{
    return (_Atomic apr_uint64_t *)(void *)(view->base + offset);
}

void
mproc__ring_init(mproc__ring_t *ring, apr_uint64_t maxsize)
{
    ring->maxsize = maxsize;
    ring->holds = MPROC__SEGMENTS + 2 * MPROC__TABLES + 1;
}

/* Find a segment; 0 when it is gone. What is known of it is good as long as
 * the ring holds the same block: somebody who died may have released it, or
 * have made it in vain. A forked child may inherit a view that another thread
 * was at: the handle is written last. */
static int
view_find(mproc__ring_view_t *view, mproc__ring_t *ring, apr_uint64_t number)
{
    mproc__handle_t handle =
        mproc__hold_handle(&ring->segment[number % MPROC__SEGMENTS]);

    if (handle == 0) {
        return 0;
    }
    if (view->handle == handle) {
        return 1;
    }
    view->handle = 0;
    atomic_signal_fence(memory_order_seq_cst);
    view->base = mproc__arena_at(handle);
    view->size = mproc__arena_room(handle);
    if (view->base == NULL) {
        return 0;
    }
    atomic_signal_fence(memory_order_seq_cst);
    view->handle = handle;
    return 1;
}

/* -------------------------------------------------------------------- ends */

/* Publish a place. Anybody can tell at any moment whether it was, and so what
 * the count is (mproc__ring_count()): the next place is written first. */
static void
end_publish(mproc__ring_end_t *end, apr_uint64_t place, apr_uint64_t count)
{
    atomic_store_explicit(&end->next_place, place, memory_order_relaxed);
    atomic_store_explicit(&end->next_count, count, memory_order_release);
    atomic_store_explicit(&end->place, place, memory_order_release);
    atomic_store_explicit(&end->count, count, memory_order_release);
}

static void
end_repair(mproc__ring_end_t *end)
{
    atomic_store(&end->count, mproc__ring_count(end));
}

apr_uint64_t
mproc__ring_count(mproc__ring_end_t *end)
{
    apr_uint64_t next = atomic_load(&end->next_place), seen, count;

    for (;;) {
        count = atomic_load(&end->place) == next ? atomic_load(&end->next_count)
                                                 : atomic_load(&end->count);
        seen = atomic_load(&end->next_place);
        if (seen == next) {
            return count;
        }
        next = seen;
    }
}

/* What somebody who died has left behind the tail. */
static void
tail_repair(mproc__ring_use_t *use)
{
    mproc__ring_t *ring = ring_of(use);
    apr_uint64_t place = atomic_load(&ring->tail.place);
    apr_uint64_t offset = PLACE_OFFSET(place);
    mproc__ring_view_t *view = &use->tail;

    end_repair(&ring->tail);
    if (!view_find(view, ring, PLACE_SEGMENT(place)) ||
        offset + RECORD_BOX_ROOM > view->size) {
        return;
    }
    if (RECORD_TYPE(atomic_load(record_at(view, offset))) == RECORD_BOX) {
        mproc__arena_release(
            (mproc__hold_t *)record_at(view, offset + RECORD_HEADER));
    }
    memset(view->base + offset, 0, view->size - offset);
}

static void
box_release(mproc__hold_t *hold, void *baton)
{
    (void)baton;
    mproc__arena_release(hold);
}

/* Somebody who died may have got a box and not released it. The rest of the
 * segment, in which others may lie, goes only when all of it was got. */
static void
head_repair(mproc__ring_use_t *use)
{
    mproc__ring_t *ring = ring_of(use);
    apr_uint64_t place = atomic_load(&ring->head.place);

    end_repair(&ring->head);
    if (view_find(&use->head, ring, PLACE_SEGMENT(place))) {
        segment_each_hold(use->head.base, PLACE_OFFSET(place), box_release,
                          NULL);
    }
}

static apr_status_t
end_lock(mproc__ring_use_t *use, mproc__ring_end_t *end, const char *call)
{
    mproc__mutex_use_t mutex = {&end->mutex, use->object, call, 0};
    apr_status_t rv = mproc__mutex_acquire(&mutex, MPROC_PLAT_NEVER, 0);

    if (rv == MPROC_EOWNERDEAD) {
        mproc__peers_settle();
    }
    return rv;
}

apr_status_t
mproc__ring_lock_tail(mproc__ring_use_t *use, const char *call)
{
    mproc__ring_end_t *end = &ring_of(use)->tail;
    apr_status_t rv;

    if (mproc__mutex_take(&end->mutex, mproc__actor())) {
        return APR_SUCCESS;
    }
    rv = end_lock(use, end, call);
    if (rv == MPROC_EOWNERDEAD) {
        tail_repair(use);
        return APR_SUCCESS;
    }
    return rv;
}

apr_status_t
mproc__ring_lock_head(mproc__ring_use_t *use, const char *call)
{
    mproc__ring_end_t *end = &ring_of(use)->head;
    apr_status_t rv;

    if (mproc__mutex_take(&end->mutex, mproc__actor())) {
        return APR_SUCCESS;
    }
    rv = end_lock(use, end, call);
    if (rv == MPROC_EOWNERDEAD) {
        head_repair(use);
        mproc__tally_repair(ring_of(use));
        mproc__flight_repair(ring_of(use));
        return APR_SUCCESS;
    }
    return rv;
}

/* ------------------------------------------------------------------- boxes */

/* Begin to put a box, or to get it: until box_end() the recovery empties its
 * hold if the tail is before `after`, or the head is not. Returns whether there
 * is an end to it. */
static int
box_begin(mproc__ring_use_t *use, mproc__hold_t *hold, mproc__handle_t box,
          apr_uint64_t after, int put)
{
    mproc__intent_t *intent = mproc__box_names(box)
                                  ? mproc__intent_begin(mproc__thread_self())
                                  : NULL;

    if (intent == NULL) {
        return 0;
    }
    intent->hold = mproc__arena_offset(hold);
    atomic_store(&intent->handle, use->object->handle);
    atomic_store(&intent->first, after);
    atomic_store(&intent->op, put ? MPROC__OP_PUT : MPROC__OP_GET);
    return 1;
}

static void
box_end(int begun)
{
    if (begun) {
        mproc__intent_end(mproc__thread_self());
        mproc__block_unearth(mproc__thread_self());
    }
}

/* The hold goes unless the record is in the ring, which lives: the dead still
 * holds it. Whoever has the mutex next waits until this is done. */
void
mproc__ring_recover(mproc__thread_t *thread, const mproc__intent_t *intent,
                    int put)
{
    mproc__ring_t *ring = mproc__arena_at(atomic_load(&intent->handle));
    mproc__ring_end_t *end;

    if (ring == NULL) {
        return;
    }
    end = put ? &ring->tail : &ring->head;
    if ((atomic_load(&end->place) < atomic_load(&intent->first)) == put) {
        mproc__block_release(thread, mproc__arena_address(intent->hold));
    }
}

/* --------------------------------------------------------------------- put */

/* How large a new segment is to be, the last one having `last` bytes and
 * `live` being in use: twice that up to the usual size; a quarter more when
 * many are in use, so that 64 reach as far as the arena. */
static apr_uint64_t
segment_size(apr_uint64_t last, apr_uint64_t live, apr_uint64_t room)
{
    apr_uint64_t size = last == 0 ? SEGMENT_FIRST : last * 2 + 16;

    if (size > SEGMENT_USUAL) {
        size = SEGMENT_USUAL;
    }
    if (live >= SEGMENTS_FEW && last >= SEGMENT_USUAL) {
        size = last < SEGMENT_MOST ? last + last / 4 : last;
    }
    while (size < room) {
        size = size * 2 + 16;
    }
    return size;
}

/* Find where a record of `room` bytes goes: the place, the view set to its
 * segment. */
static apr_status_t
tail_find(mproc__ring_use_t *use, apr_uint64_t room, apr_uint64_t *place)
{
    mproc__ring_t *ring = ring_of(use);
    mproc__ring_view_t *view = &use->tail;
    apr_uint64_t at =
        atomic_load_explicit(&ring->tail.place, memory_order_relaxed);
    apr_uint64_t number = PLACE_SEGMENT(at), offset = PLACE_OFFSET(at), live;
    int found = view_find(view, ring, number);
    _Atomic apr_uint64_t *end = NULL;
    mproc__hold_t *hold;
    apr_status_t rv;

    *place = at;
    /* Room for an END stays. */
    if (found && offset + room + RECORD_HEADER <= view->size) {
        return APR_SUCCESS;
    }
    if (found) {
        end = record_at(view, offset);
        number++;
    }
    live = number - PLACE_SEGMENT(atomic_load(&ring->head.place));
    if (live >= MPROC__SEGMENTS - 1) {
        return mproc__fail(APR_ENOMEM, "the queue is as long as a queue can "
                                       "be; get some items");
    }
    hold = &ring->segment[number % MPROC__SEGMENTS];
    mproc__arena_release(hold); /* Of somebody who died, if at all. */
    rv = mproc__arena_alloc(
        hold, segment_size(found ? view->size : 0, live, room + RECORD_HEADER),
        MPROC_KIND_SEGMENT);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (end != NULL) {
        atomic_store_explicit(end, RECORD(RECORD_END, 0), memory_order_release);
    }
    *place = PLACE(number, 0);
    return view_find(view, ring, number) ? APR_SUCCESS : APR_ENOMEM;
}

static void
tail_publish(mproc__ring_t *ring, apr_uint64_t place)
{
    end_publish(&ring->tail, place,
                atomic_load_explicit(&ring->tail.count, memory_order_relaxed) +
                    1);
}

apr_status_t
mproc__ring_put(mproc__ring_use_t *use, mproc_bytes_t bytes)
{
    apr_uint64_t room = RECORD_ROOM(bytes.size), place;
    apr_status_t rv = tail_find(use, room, &place);
    _Atomic apr_uint64_t *record;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    record = record_at(&use->tail, PLACE_OFFSET(place));
    if (bytes.size > 0) {
        memcpy((void *)(record + 1), bytes.data, bytes.size);
    }
    atomic_store_explicit(record, RECORD(RECORD_BYTES, bytes.size),
                          memory_order_release);
    tail_publish(ring_of(use), place + room);
    return APR_SUCCESS;
}

apr_status_t
mproc__ring_put_box(mproc__ring_use_t *use, mproc__handle_t handle)
{
    apr_uint64_t place;
    apr_status_t rv = tail_find(use, RECORD_BOX_ROOM, &place);
    _Atomic apr_uint64_t *record;
    int begun;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    record = record_at(&use->tail, PLACE_OFFSET(place));
    /* The hold is empty: all behind the tail is zero. */
    atomic_store(record, RECORD(RECORD_BOX, sizeof(mproc__hold_t)));
    begun = box_begin(use, record + 1, handle, place + RECORD_BOX_ROOM, 1);
    rv = mproc__arena_hold(record + 1, handle);
    if (rv == APR_SUCCESS) {
        tail_publish(ring_of(use), place + RECORD_BOX_ROOM);
    }
    else {
        atomic_store(record, 0);
    }
    box_end(begun);
    return rv;
}

/* --------------------------------------------------------------------- get */

/* Go on to the next segment. */
static void
head_advance(mproc__ring_t *ring, apr_uint64_t number)
{
    apr_uint64_t count =
        atomic_load_explicit(&ring->head.count, memory_order_relaxed);
    mproc__arena_release(&ring->segment[number % MPROC__SEGMENTS]);
    end_publish(&ring->head, PLACE(number + 1, 0), count);
}

int
mproc__ring_front(mproc__ring_use_t *use, mproc__item_t *item)
{
    mproc__ring_t *ring = ring_of(use);
    mproc__ring_view_t *view = &use->head;

    for (;;) {
        apr_uint64_t place =
            atomic_load_explicit(&ring->head.place, memory_order_relaxed);
        apr_uint64_t number = PLACE_SEGMENT(place);
        apr_uint64_t offset = PLACE_OFFSET(place), header;
        _Atomic apr_uint64_t *record;

        if (place == ring->head.seen) {
            ring->head.seen =
                atomic_load_explicit(&ring->tail.place, memory_order_acquire);
            if (place == ring->head.seen) {
                return 0;
            }
        }
        if (!view_find(view, ring, number)) {
            head_advance(ring, number);
            continue;
        }
        record = record_at(view, offset);
        header = atomic_load_explicit(record, memory_order_relaxed);
        if (RECORD_TYPE(header) == RECORD_END) {
            head_advance(ring, number);
            continue;
        }
        item->lost.box = NULL;
        item->box = NULL;
        item->data = (const char *)(record + 1);
        item->size = RECORD_SIZE(header);
        item->after = place + RECORD_ROOM(item->size);
        if (RECORD_TYPE(header) == RECORD_BOX) {
            mproc_bytes_t bytes;
            item->box = (mproc__hold_t *)(record + 1);
            bytes = mproc__box_bytes(mproc__hold_handle(item->box));
            item->data = bytes.data;
            item->size = bytes.size;
        }
        return 1;
    }
}

void
mproc__ring_take(mproc__ring_use_t *use, const mproc__item_t *item)
{
    mproc__ring_t *ring = ring_of(use);
    int begun = item->box != NULL &&
                box_begin(use, item->box, mproc__hold_handle(item->box),
                          item->after, 0);

    end_publish(&ring->head, item->after,
                atomic_load_explicit(&ring->head.count, memory_order_relaxed) +
                    1);
    if (item->box != NULL) {
        mproc__arena_release(item->box);
    }
    box_end(begun);
}
