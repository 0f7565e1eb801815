/*
 * lock.c: the lock.
 *
 * One word: the holder's peer id, 0 when free, and a flag that somebody
 * waits. Acquire is a compare-and-swap from 0 to one's own id; release swaps
 * in 0 and, if the flag was set, wakes one waiter. Who has slept takes the
 * lock with the flag set, since it cannot know whether others sleep.
 *
 * The holder's death needs no repair: the word still names it, and whoever
 * wants the lock sees that the peer is dead and takes over by
 * compare-and-swap. The recovery wakes all sleepers, so they look. A
 * releaser that dies before the wake is covered by the same. Invariant: a
 * thread sleeps on the word only while the flag is set in it; who gives up
 * after a wake-up sets the flag again, or takes the lock. Acquire order at
 * the compare-and-swap pairs with the release order of the swap to 0.
 */
#include <mproc/lock.h>

#include <stddef.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "parking.h"
#include "peers.h"

#define OWNER_BITS ((APR_UINT64_C(1) << MPROC__PEER_BITS) - 1)
#define WAITERS (APR_UINT64_C(1) << MPROC__PEER_BITS)

typedef struct lock_shared_t {
    _Atomic apr_uint64_t word;
} lock_shared_t;

struct mproc_lock_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__lock_ops = {MPROC_KIND_LOCK,
                                             sizeof(struct mproc_lock_t)};

static _Atomic apr_uint64_t *
lock_word(mproc_lock_t *lock)
{
    return &((lock_shared_t *)lock->object.shared)->word;
}

static apr_status_t
lock_missing(const char *call)
{
    return mproc__fail(APR_EINVAL,
                       "%s: the lock is NULL or destroyed; pass one made by "
                       "mproc_lock_create() or unpacked with `o`",
                       call);
}

apr_status_t
mproc_lock_create(mproc_lock_t **lock, apr_pool_t *pool)
{
    if (lock == NULL) {
        return lock_missing("mproc_lock_create");
    }
    return mproc__object_create(lock, &mproc__lock_ops, sizeof(lock_shared_t),
                                pool);
}

void
mproc_lock_destroy(mproc_lock_t *lock)
{
    mproc__object_close(lock);
}

/* --------------------------------------------------------- the slow acquire */

/* Read only: is it held? */
static int
lock_is_held(void *baton)
{
    return (atomic_load(lock_word(baton)) & OWNER_BITS) != 0;
}

/* Held by somebody alive, who knows that somebody waits. The recovery says
 * that the holder is gone before it wakes the sleepers, so who comes after
 * that sees it here. */
static int
lock_must_sleep(void *baton)
{
    _Atomic apr_uint64_t *word = lock_word(baton);
    apr_uint64_t old = atomic_load(word);
    while ((old & OWNER_BITS) && !mproc__peer_is_gone(old & OWNER_BITS)) {
        if ((old & WAITERS) ||
            atomic_compare_exchange_weak(word, &old, old | WAITERS)) {
            return 1;
        }
    }
    return 0;
}

/* Take it if it is free or its holder is dead; APR_TIMEUP if neither. */
static apr_status_t
lock_try(mproc_lock_t *lock, apr_uint64_t flag)
{
    _Atomic apr_uint64_t *word = lock_word(lock);
    mproc__peer_t self = mproc__peer_self();
    apr_uint64_t old = atomic_load(word);

    for (;;) {
        mproc__peer_t owner = old & OWNER_BITS;
        if (owner == 0) {
            if (atomic_compare_exchange_weak(word, &old,
                                             self | flag | (old & WAITERS))) {
                return APR_SUCCESS;
            }
        }
        else if (owner == self || !mproc__peer_is_dead(owner)) {
            return APR_TIMEUP;
        }
        else if (atomic_compare_exchange_strong(word, &old, self | WAITERS)) {
            return mproc__fail(MPROC_EOWNERDEAD,
                               "the process that held the lock died; this "
                               "thread holds it now: repair what it protects, "
                               "go on, release it");
        }
    }
}

static apr_status_t
lock_wait(mproc_lock_t *lock, apr_time_t deadline)
{
    void *word = lock_word(lock);
    apr_uint64_t flag = 0;
    apr_status_t rv;

    for (;;) {
        if (flag == 0) {
            mproc__spin(lock_is_held, lock);
        }
        rv = lock_try(lock, flag);
        if (rv != APR_TIMEUP) {
            return rv;
        }
        rv = mproc__park(&word, 1, lock_must_sleep, lock, deadline);
        if (rv == APR_ENOMEM) {
            return mproc__fail(rv, "mproc_lock_acquire: this thread cannot be "
                                   "registered as a waiter; end some threads");
        }
        flag = WAITERS;
        /* A wake-up may have been ours: do not go without a last look. */
        if (rv == APR_TIMEUP || mproc_plat_clock() >= deadline) {
            do {
                rv = lock_try(lock, flag);
            } while (rv == APR_TIMEUP && !lock_must_sleep(lock));
            return rv;
        }
    }
}

apr_status_t
mproc_lock_acquire(mproc_lock_t *lock, apr_interval_time_t timeout)
{
    apr_uint64_t free = 0;
    apr_status_t rv;

    if (!mproc__object_usable(lock)) {
        return lock_missing("mproc_lock_acquire");
    }
    if (atomic_compare_exchange_strong_explicit(
            lock_word(lock), &free, mproc__peer_self(), memory_order_acquire,
            memory_order_relaxed)) {
        return APR_SUCCESS;
    }
    rv = timeout != MPROC_FOREVER && timeout <= 0
             ? lock_try(lock, 0)
             : lock_wait(lock, mproc__deadline(timeout));
    return rv == APR_TIMEUP
               ? mproc__fail(rv, "mproc_lock_acquire: another has the lock, "
                                 "and did not release it in time")
               : rv;
}

apr_status_t
mproc_lock_release(mproc_lock_t *lock)
{
    _Atomic apr_uint64_t *word;
    apr_uint64_t old;

    if (!mproc__object_usable(lock)) {
        return lock_missing("mproc_lock_release");
    }
    word = lock_word(lock);
    old = atomic_load_explicit(word, memory_order_relaxed);
    do {
        if ((old & OWNER_BITS) == 0) {
            return mproc__fail(MPROC_ESTATE,
                               "mproc_lock_release: the lock is free; release "
                               "it once for each acquire");
        }
    } while (!atomic_compare_exchange_weak(word, &old, 0));
    if (old & WAITERS) {
        mproc__unpark(word, 1);
    }
    return APR_SUCCESS;
}

int
mproc_lock_locked(mproc_lock_t *lock)
{
    return mproc__object_usable(lock) && lock_is_held(lock);
}
