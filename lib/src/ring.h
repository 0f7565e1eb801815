/*
 * ring.h: what a queue is made of: items in a row of segments, put at one
 * end and got at the other. The protocol stands at the top of ring.c.
 */
#ifndef MPROC_SRC_RING_H
#define MPROC_SRC_RING_H

#include "gate.h"
#include "mutex.h"

#define MPROC__SEGMENTS 64
#define MPROC__TABLES 8

/* Larger items lie in blocks of their own. */
#define MPROC__ITEM_INLINE 4096

/* One end: a cache line that only those write who have its mutex. */
typedef struct mproc__ring_end_t {
    mproc__mutex_t mutex;
    _Atomic apr_uint64_t place;      /* segment 32-63, offset 0-31 */
    _Atomic apr_uint64_t count;      /* items that ever passed */
    _Atomic apr_uint64_t next_place; /* these two become that next */
    _Atomic apr_uint64_t next_count;
    apr_uint64_t seen; /* of the other end: its place, or count */
    apr_uint64_t unused[2];
} mproc__ring_end_t;

/* The shared half of a queue. Blocks' payloads begin 16 bytes into a cache
 * line. */
typedef struct mproc__ring_t {
    apr_uint32_t holds; /* a holder (arena.h) of the next four */
    apr_uint32_t unused;
    mproc__hold_t segment[MPROC__SEGMENTS];
    mproc__hold_t tally[MPROC__TABLES];  /* see tally.c */
    mproc__hold_t flight[MPROC__TABLES]; /* see flight.c */
    mproc__hold_t letters;               /* the queue of dead letters */
    apr_uint64_t maxsize;                /* items; 0: as many as fit */
    apr_uint64_t attempts; /* 0, or: at least once, so often at most */
    apr_uint64_t pad[2];
    mproc__ring_end_t tail;
    mproc__gate_t items; /* waited for by who gets */
    mproc__gate_t space; /* by who puts */
    mproc__gate_t idle;  /* by who joins */
    _Atomic apr_uint64_t done;
    _Atomic apr_uint64_t shut; /* 1: nothing is put any more */
    apr_uint64_t pad_too[3];
    mproc__ring_end_t head;
} mproc__ring_t;

/* A segment that this process has found; guarded by the end's mutex. */
typedef struct mproc__ring_view_t {
    mproc__handle_t handle; /* 0: none */
    char *base;
    apr_uint64_t size;
} mproc__ring_view_t;

/* A process's way to a ring. */
typedef struct mproc__ring_use_t {
    mproc_object_t *object;
    mproc__ring_view_t tail, head;
} mproc__ring_use_t;

/* A place for an item that was taken; see flight.h. */
typedef struct mproc__flight_t {
    mproc__hold_t *box; /* NULL: none */
    _Atomic apr_uint64_t *owner;
    _Atomic apr_uint64_t *place;
} mproc__flight_t;

/* An item, while its end's mutex is held. */
typedef struct mproc__item_t {
    mproc__flight_t lost; /* where it is, when its taker died */
    mproc__hold_t *box;   /* NULL: inline */
    const char *data;
    apr_uint64_t size;
    apr_uint64_t after; /* the place behind it */
} mproc__item_t;

void mproc__ring_init(mproc__ring_t *ring, apr_uint64_t maxsize);

/* Items that ever passed an end, for who has not its mutex: also when somebody
 * died between the place and the count. */
apr_uint64_t mproc__ring_count(mproc__ring_end_t *end);

/* Items in it just now. */
static inline apr_uint64_t
mproc__ring_size(mproc__ring_t *ring)
{
    apr_uint64_t got = mproc__ring_count(&ring->head);
    apr_uint64_t put = mproc__ring_count(&ring->tail);
    return put > got ? put - got : 0;
}

/* Whether it has as many as it may have; the tail's mutex is held. */
static inline int
mproc__ring_is_full(mproc__ring_t *ring)
{
    apr_uint64_t put =
        atomic_load_explicit(&ring->tail.count, memory_order_relaxed);
    if (ring->maxsize == 0 || put - ring->tail.seen < ring->maxsize) {
        return 0;
    }
    ring->tail.seen = mproc__ring_count(&ring->head);
    return put - ring->tail.seen >= ring->maxsize;
}

/* Have the mutex of an end, its state repaired when the former holder died. */
apr_status_t mproc__ring_lock_tail(mproc__ring_use_t *use, const char *call);
apr_status_t mproc__ring_lock_head(mproc__ring_use_t *use, const char *call);

/* Put at the tail, whose mutex is held: bytes, at most MPROC__ITEM_INLINE; or
 * a box, which is held once more. */
apr_status_t mproc__ring_put(mproc__ring_use_t *use, mproc_bytes_t bytes);
apr_status_t mproc__ring_put_box(mproc__ring_use_t *use,
                                 mproc__handle_t handle);

/* Look at the first item, and take it off; the head's mutex is held. 0 when
 * there is none. */
int mproc__ring_front(mproc__ring_use_t *use, mproc__item_t *item);
void mproc__ring_take(mproc__ring_use_t *use, const mproc__item_t *item);

/* ------------------------------------------------------------------ boxes */

/* Make a box for `size` bytes, held by an empty hold, with room for holds on
 * what the bytes name. Its data is aligned to 16. */
apr_status_t mproc__box_make(mproc__hold_t *hold, apr_uint64_t size,
                             const apr_array_header_t *objects, void **data);

/* The bytes of a box. */
mproc_bytes_t mproc__box_bytes(mproc__handle_t handle);

/* Whether they name objects. */
int mproc__box_names(mproc__handle_t handle);

/* The hold that a box was made or taken with, from its data; NULL when that
 * is no box of this process. */
void mproc__box_note(mproc__hold_t *hold);
mproc__hold_t *mproc__box_hold(const void *data);

#endif
