/*
 * tally.c: who has got how many items of a queue and not yet told that they
 * are done. Only the death of a process makes it matter: then nobody will tell
 * for what that one had, and who joins must not wait for it.
 *
 * Each process has a tally of its own in tables that hang in the ring; a
 * table's place is taken by compare-and-swap with one's peer, from 0 or from
 * somebody dead whose items are all told. What was got is counted by who has
 * the head's mutex: it writes what the count becomes, and from which place of
 * the head on that is so; then the place is published; then the count. So
 * after a death at any instruction the count is known, by comparing the place,
 * and the next who has the mutex makes it so, before it moves the place. While
 * the next is being written the place is NEVER. Told only grows, by anybody.
 * Invariant: got - told, of all tallies, are the items that were got and are
 * not done.
 */
#include "tally.h"

#define TALLIES_FIRST 16 /* each table has twice as many as the one before */
#define NEVER (~APR_UINT64_C(0))

_Static_assert(sizeof(mproc__tally_t) == 64, "a line");

static apr_uint64_t
table_count(unsigned index)
{
    return (apr_uint64_t)TALLIES_FIRST << index;
}

static mproc__tally_t *
table_at(mproc__ring_t *ring, unsigned index)
{
    char *payload = mproc__arena_at(mproc__hold_handle(&ring->tally[index]));

    /* A payload begins 16 bytes into a line. */
    return payload == NULL ? NULL
                           : (mproc__tally_t *)(void *)(payload + 64 - 16);
}

/* What a process has got. */
static apr_uint64_t
tally_got(mproc__ring_t *ring, mproc__tally_t *tally)
{
    apr_uint64_t place = atomic_load(&tally->place);

    return place != NEVER && place != 0 &&
                   atomic_load(&ring->head.place) >= place
               ? atomic_load(&tally->next)
               : atomic_load(&tally->got);
}

/* What of it is not told. */
static apr_uint64_t
tally_open(mproc__ring_t *ring, mproc__tally_t *tally)
{
    apr_uint64_t told = atomic_load(&tally->told);
    apr_uint64_t got = tally_got(ring, tally);

    return got > told ? got - told : 0;
}

static int
tally_is_lost(mproc__tally_t *tally)
{
    apr_uint64_t peer = atomic_load(&tally->peer);
    return peer != 0 && mproc__peer_is_gone(peer);
}

/* Take a place in a table. */
static mproc__tally_t *
table_enter(mproc__ring_t *ring, unsigned index)
{
    mproc__tally_t *tally = table_at(ring, index);
    apr_uint64_t i;

    for (i = 0; tally != NULL && i < table_count(index); i++, tally++) {
        apr_uint64_t peer = atomic_load(&tally->peer);
        if ((peer == 0 ||
             (tally_is_lost(tally) && tally_open(ring, tally) == 0)) &&
            atomic_compare_exchange_strong(&tally->peer, &peer,
                                           mproc__peer_self())) {
            return tally;
        }
    }
    return NULL;
}

mproc__tally_t *
mproc__tally_mine(mproc__ring_t *ring, mproc__tally_t *known)
{
    mproc__peer_t self = mproc__peer_self();
    unsigned i;

    if (known != NULL &&
        atomic_load_explicit(&known->peer, memory_order_relaxed) == self) {
        return known;
    }
    for (i = 0; i < MPROC__TABLES; i++) {
        mproc__tally_t *tally = table_at(ring, i);
        apr_uint64_t k;
        for (k = 0; tally != NULL && k < table_count(i); k++) {
            if (atomic_load(&tally[k].peer) == self) {
                return &tally[k];
            }
        }
    }
    for (i = 0; i < MPROC__TABLES; i++) {
        mproc__tally_t *tally;
        if (mproc__hold_handle(&ring->tally[i]) == 0 &&
            mproc__arena_alloc(&ring->tally[i],
                               (table_count(i) + 1) * sizeof *tally,
                               MPROC_KIND_TALLY) != APR_SUCCESS) {
            return NULL;
        }
        tally = table_enter(ring, i);
        if (tally != NULL) {
            return tally;
        }
    }
    return NULL;
}

void
mproc__tally_begin(mproc__tally_t *tally, apr_uint64_t place)
{
    apr_uint64_t got = atomic_load_explicit(&tally->got, memory_order_relaxed);

    atomic_store_explicit(&tally->place, NEVER, memory_order_relaxed);
    atomic_store_explicit(&tally->next, got + 1, memory_order_release);
    atomic_store_explicit(&tally->place, place, memory_order_release);
}

void
mproc__tally_end(mproc__tally_t *tally)
{
    atomic_store_explicit(
        &tally->got, atomic_load_explicit(&tally->next, memory_order_relaxed),
        memory_order_release);
}

static int
tally_tell(mproc__ring_t *ring, mproc__tally_t *tally)
{
    apr_uint64_t told = atomic_load(&tally->told);
    while (told < tally_got(ring, tally)) {
        if (atomic_compare_exchange_weak(&tally->told, &told, told + 1)) {
            return 1;
        }
    }
    return 0;
}

/* Tell for somebody who has any, the dead or the living. */
static int
told_for(mproc__ring_t *ring, int dead, mproc__peer_t peer)
{
    unsigned i;
    for (i = 0; i < MPROC__TABLES; i++) {
        mproc__tally_t *tally = table_at(ring, i);
        apr_uint64_t k;
        for (k = 0; tally != NULL && k < table_count(i); k++) {
            apr_uint64_t owner = atomic_load(&tally[k].peer);
            if (owner != 0 && (peer == 0 || owner == peer) &&
                tally_is_lost(&tally[k]) == dead &&
                tally_tell(ring, &tally[k])) {
                return 1;
            }
        }
    }
    return 0;
}

int
mproc__tally_done(mproc__ring_t *ring)
{
    return told_for(ring, 0, mproc__peer_self()) || told_for(ring, 0, 0) ||
           told_for(ring, 1, 0);
}

apr_uint64_t
mproc__tally_lost(mproc__ring_t *ring)
{
    apr_uint64_t lost = 0;
    unsigned i;
    for (i = 0; i < MPROC__TABLES; i++) {
        mproc__tally_t *tally = table_at(ring, i);
        apr_uint64_t k;
        for (k = 0; tally != NULL && k < table_count(i); k++) {
            if (tally_is_lost(&tally[k])) {
                lost += tally_open(ring, &tally[k]);
            }
        }
    }
    return lost;
}

void
mproc__tally_repair(mproc__ring_t *ring)
{
    unsigned i;
    for (i = 0; i < MPROC__TABLES; i++) {
        mproc__tally_t *tally = table_at(ring, i);
        apr_uint64_t k;
        for (k = 0; tally != NULL && k < table_count(i); k++) {
            atomic_store(&tally[k].got, tally_got(ring, &tally[k]));
            atomic_store(&tally[k].place, 0);
        }
    }
}
