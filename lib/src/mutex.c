/*
 * mutex.c: the word that lock, rlock and condition stand on.
 *
 * One word: the holder (an actor: peer and thread, see peers.h), 0 when free,
 * and a flag that somebody waits. Acquire is a compare-and-swap from 0 to
 * oneself; release swaps in 0 and, if the flag was set, wakes one
 * waiter. Who has slept takes it with the flag set, since it cannot know
 * whether others sleep.
 *
 * The holder's death needs no repair: the word still names it, and whoever
 * wants the mutex sees that the peer is dead and takes over by
 * compare-and-swap. The recovery wakes all sleepers, so they look. A
 * releaser that dies before the wake is covered by the same. Invariant: a
 * thread sleeps on the word only while the flag is set in it; who gives up
 * after a wake-up sets the flag again, or takes the mutex. Acquire order at
 * the compare-and-swap pairs with the release order of the swap to 0.
 *
 * The algorithm is the two-state futex mutex of U. Drepper, "Futexes Are
 * Tricky" (2011), over the parking lot, with the holder's identity in the
 * word.
 */
#include "mutex.h"

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"

/* As the tables have it: no look at the process. */
static int
holder_is_gone(const mproc__mutex_use_t *use, apr_uint64_t word)
{
    return mproc__peer_is_gone(MPROC__ACTOR_PEER(word)) ||
           (use->by_thread &&
            mproc__actor_has_ended(MPROC__MUTEX_HOLDER(word)));
}

static int
holder_is_dead(const mproc__mutex_use_t *use, apr_uint64_t word)
{
    mproc__peer_t peer = MPROC__ACTOR_PEER(word);

    return (peer != mproc__peer_self() && mproc__peer_is_dead(peer)) ||
           (use->by_thread &&
            mproc__actor_has_ended(MPROC__MUTEX_HOLDER(word)));
}

/* Read only: is it held? */
static int
mutex_is_held(void *baton)
{
    const mproc__mutex_use_t *use = baton;
    return MPROC__MUTEX_HOLDER(atomic_load(use->word)) != 0;
}

/* The recovery says that the holder is gone before it wakes the sleepers, so
 * who comes after that sees it here. */
int
mproc__mutex_must_sleep(void *baton)
{
    const mproc__mutex_use_t *use = baton;
    apr_uint64_t old = atomic_load(use->word);

    while (MPROC__MUTEX_HOLDER(old) != 0 && !holder_is_gone(use, old)) {
        if ((old & MPROC__MUTEX_WAITERS) ||
            atomic_compare_exchange_weak(use->word, &old,
                                         old | MPROC__MUTEX_WAITERS)) {
            return 1;
        }
    }
    return 0;
}

/* Held by this process, which has one thread, and nobody else has it. */
static int
mutex_is_hopeless(void *baton)
{
    const mproc__mutex_use_t *use = baton;
    return MPROC__ACTOR_PEER(atomic_load(use->word)) == mproc__peer_self() &&
           mproc__object_is_alone(use->object);
}

int
mproc__mutex_take_over(const mproc__mutex_use_t *use)
{
    apr_uint64_t old = atomic_load(use->word);
    /* Others may sleep: they are to be woken when it is released. */
    return MPROC__MUTEX_HOLDER(old) != 0 && holder_is_gone(use, old) &&
           atomic_compare_exchange_strong(
               use->word, &old, mproc__actor() | MPROC__MUTEX_WAITERS);
}

apr_status_t
mproc__mutex_owner_dead(const mproc__mutex_use_t *use)
{
    return mproc__fail(MPROC_EOWNERDEAD,
                       "%s: the %s; this thread holds it now: repair what it "
                       "protects, go on, release it",
                       use->call,
                       use->by_thread ? "thread that held the rlock ended"
                                      : "process that held the lock died");
}

/* Take it if it is free or its holder is dead; APR_TIMEUP if neither. */
static apr_status_t
mutex_try(const mproc__mutex_use_t *use, apr_uint64_t flag)
{
    mproc__actor_t self = mproc__actor();
    apr_uint64_t old = atomic_load(use->word);

    for (;;) {
        if (MPROC__MUTEX_HOLDER(old) == 0) {
            if (atomic_compare_exchange_weak(
                    use->word, &old,
                    self | flag | (old & MPROC__MUTEX_WAITERS))) {
                return APR_SUCCESS;
            }
        }
        else if (!holder_is_dead(use, old)) {
            return APR_TIMEUP;
        }
        else if (atomic_compare_exchange_strong(use->word, &old,
                                                self | MPROC__MUTEX_WAITERS)) {
            return mproc__mutex_owner_dead(use);
        }
    }
}

static apr_status_t
mutex_wait(const mproc__mutex_use_t *use, apr_time_t deadline, int slept)
{
    apr_uint64_t flag = slept ? MPROC__MUTEX_WAITERS : 0;
    void *word = (void *)use->word, *baton = (void *)use;
    apr_status_t rv;

    for (;;) {
        if (flag == 0) {
            mproc__spin(mutex_is_held, baton);
        }
        rv = mutex_try(use, flag);
        if (rv != APR_TIMEUP) {
            return rv;
        }
        rv = mproc__park(&word, 1, mproc__mutex_must_sleep, mutex_is_hopeless,
                         baton, deadline);
        if (rv == APR_ENOMEM) {
            return rv;
        }
        flag = MPROC__MUTEX_WAITERS;
        if (rv == MPROC_EDEADLK) {
            /* The last of the others may have released it before it went. */
            rv = mutex_try(use, flag);
            return rv == APR_TIMEUP ? MPROC_EDEADLK : rv;
        }
        /* A wake-up may have been ours: do not go without a last look. */
        if (rv == APR_TIMEUP || mproc_plat_clock() >= deadline) {
            do {
                rv = mutex_try(use, flag);
            } while (rv == APR_TIMEUP && !mproc__mutex_must_sleep(baton));
            return rv;
        }
    }
}

apr_status_t
mproc__mutex_acquire(const mproc__mutex_use_t *use, apr_time_t deadline,
                     int slept)
{
    apr_status_t rv =
        deadline == 0 ? mutex_try(use, 0) : mutex_wait(use, deadline, slept);
    if (rv == APR_TIMEUP) {
        return mproc__fail(rv,
                           "%s: another has the lock, and did not release "
                           "it in time",
                           use->call);
    }
    if (rv == MPROC_EDEADLK) {
        return mproc__fail(rv,
                           "%s: this process, which has one thread, holds "
                           "the lock already and nobody else has it: the "
                           "wait would never end; release it first, or "
                           "use an rlock",
                           use->call);
    }
    return rv == APR_ENOMEM ? mproc__wait_refused(use->call) : rv;
}
