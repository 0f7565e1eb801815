/*
 * flight.c: items of an at-least-once queue that were taken and not yet given
 * back.
 *
 * They lie in slots, in tables that hang in the ring: a hold on the box, whose
 * it is, with how often it was given out, and which place the head had when it
 * was taken. The holds are the queue's and not the taker's, so that the item
 * outlives its taker. A slot is filled by who has the head's mutex: the hold,
 * the place, the owner, then the head's place is published. So after a death
 * it can be seen whether the item is in the ring still: then the next who has
 * the mutex empties the slot. A slot whose owner died is given to the next who
 * takes, by one store of the owner. Who is done releases the hold, then clears
 * the owner. Invariant, while nobody has the head's mutex: an item is in the
 * ring, or in one slot with an owner, or done.
 */
#include "flight.h"

#define SLOTS_FIRST 16 /* each table has twice as many as the one before */

/* Owner: peer 0-35, attempt 36-63. */
#define OWNER(peer, attempt)                                                   \
    ((peer) | (apr_uint64_t)(attempt) << MPROC__PEER_BITS)
#define OWNER_PEER(owner) MPROC__ACTOR_PEER(owner)
#define OWNER_ATTEMPT(owner) ((int)((owner) >> MPROC__PEER_BITS))

/* A table is a holder of its boxes; then the owners, then the places. */
static apr_uint64_t
table_count(unsigned index)
{
    return (apr_uint64_t)SLOTS_FIRST << index;
}

static mproc__holder_t *
table_at(mproc__ring_t *ring, unsigned index)
{
    return mproc__arena_at(mproc__hold_handle(&ring->flight[index]));
}

static void
slot_at(mproc__holder_t *table, apr_uint64_t count, apr_uint64_t i,
        mproc__flight_t *flight)
{
    _Atomic apr_uint64_t *words = (_Atomic apr_uint64_t *)&table->hold[count];

    flight->box = &table->hold[i];
    flight->owner = &words[i];
    flight->place = &words[count + i];
}

/* Find the first slot for which `is` says so. */
static int
slot_find(mproc__ring_t *ring, mproc__flight_t *flight,
          int (*is)(const mproc__flight_t *flight, const void *baton),
          const void *baton)
{
    unsigned index;
    apr_uint64_t i;

    for (index = 0; index < MPROC__TABLES; index++) {
        mproc__holder_t *table = table_at(ring, index);
        for (i = 0; table != NULL && i < table_count(index); i++) {
            slot_at(table, table_count(index), i, flight);
            if (is(flight, baton)) {
                return 1;
            }
        }
    }
    return 0;
}

static int
slot_is_free(const mproc__flight_t *flight, const void *baton)
{
    (void)baton;
    return atomic_load(flight->owner) == 0;
}

static int
slot_is_lost(const mproc__flight_t *flight, const void *baton)
{
    apr_uint64_t owner = atomic_load(flight->owner);
    (void)baton;
    return owner != 0 && mproc__peer_is_gone(OWNER_PEER(owner));
}

static int
slot_is_of(const mproc__flight_t *flight, const void *hold)
{
    return flight->box == hold &&
           OWNER_PEER(atomic_load(flight->owner)) == mproc__peer_self();
}

/* Make the first table that is not there. */
static int
table_new(mproc__ring_t *ring)
{
    unsigned index;

    for (index = 0; index < MPROC__TABLES; index++) {
        apr_uint64_t count = table_count(index);
        mproc__holder_t *table;
        if (mproc__hold_handle(&ring->flight[index]) != 0) {
            continue;
        }
        if (mproc__arena_alloc(&ring->flight[index],
                               sizeof *table + 3 * count * sizeof(apr_uint64_t),
                               MPROC_KIND_FLIGHT) != APR_SUCCESS) {
            return 0;
        }
        table = table_at(ring, index);
        table->count = (apr_uint32_t)count;
        return 1;
    }
    return 0;
}

int
mproc__flight_new(mproc__ring_t *ring, mproc__flight_t *flight)
{
    if (!slot_find(ring, flight, slot_is_free, NULL) &&
        (!table_new(ring) || !slot_find(ring, flight, slot_is_free, NULL))) {
        return 0;
    }
    mproc__arena_release(flight->box); /* Of somebody who died, if at all. */
    return 1;
}

void
mproc__flight_begin(mproc__flight_t *flight, apr_uint64_t place)
{
    atomic_store(flight->place, place);
    atomic_store(flight->owner, OWNER(mproc__peer_self(), 1));
}

/* What the dead had begun with a slot must have come to its end before it is
 * looked at. */
int
mproc__flight_lost(mproc__ring_t *ring, mproc__flight_t *flight)
{
    while (slot_find(ring, flight, slot_is_lost, NULL)) {
        mproc__peers_settle();
        if (mproc__hold_handle(flight->box) != 0) {
            return 1;
        }
        atomic_store(flight->owner, 0); /* It was done, all but this. */
    }
    flight->box = NULL;
    return 0;
}

void
mproc__flight_again(mproc__flight_t *flight)
{
    atomic_store(flight->owner,
                 OWNER(mproc__peer_self(), mproc__flight_attempt(flight) + 1));
}

static int
slot_is_early(const mproc__flight_t *flight, const void *place)
{
    return atomic_load(flight->owner) != 0 &&
           atomic_load(flight->place) > *(const apr_uint64_t *)place;
}

void
mproc__flight_repair(mproc__ring_t *ring)
{
    apr_uint64_t place = atomic_load(&ring->head.place);
    mproc__flight_t flight;

    while (slot_find(ring, &flight, slot_is_early, &place)) {
        mproc__arena_release(flight.box);
        atomic_store(flight.owner, 0);
    }
}

int
mproc__flight_attempt(const mproc__flight_t *flight)
{
    return OWNER_ATTEMPT(atomic_load(flight->owner));
}

int
mproc__flight_find(mproc__ring_t *ring, mproc__hold_t *hold,
                   mproc__flight_t *flight)
{
    return slot_find(ring, flight, slot_is_of, hold);
}

void
mproc__flight_end(mproc__flight_t *flight)
{
    mproc__arena_release(flight->box);
    atomic_store(flight->owner, 0);
}

int
mproc__flight_is_lost(mproc__ring_t *ring)
{
    mproc__flight_t flight;
    return slot_find(ring, &flight, slot_is_lost, NULL);
}

apr_uint64_t
mproc__flight_count(mproc__ring_t *ring)
{
    apr_uint64_t count = 0, i;
    mproc__flight_t flight;
    unsigned index;

    for (index = 0; index < MPROC__TABLES; index++) {
        mproc__holder_t *table = table_at(ring, index);
        for (i = 0; table != NULL && i < table_count(index); i++) {
            slot_at(table, table_count(index), i, &flight);
            count += !slot_is_free(&flight, NULL);
        }
    }
    return count;
}
