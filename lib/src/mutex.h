/*
 * mutex.h: the word that lock, rlock and condition stand on. The protocol
 * stands at the top of mutex.c.
 */
#ifndef MPROC_SRC_MUTEX_H
#define MPROC_SRC_MUTEX_H

#include <stdatomic.h>

#include "object.h"
#include "parking.h"
#include "peers.h"

/* Shared; 0 is free. The rest is the holder, an actor, and a flag. */
typedef _Atomic apr_uint64_t mproc__mutex_t;

/* Somebody waits; no bit of an actor. */
#define MPROC__MUTEX_WAITERS (APR_UINT64_C(1) << MPROC__PEER_BITS)
#define MPROC__MUTEX_HOLDER(word) ((word) & ~MPROC__MUTEX_WAITERS)

/* A mutex in use by the calling process. */
typedef struct mproc__mutex_use_t {
    mproc__mutex_t *word;
    mproc_object_t *object; /* that it is a part of */
    const char *call;       /* for sentences */
    int by_thread; /* 1: the end of the holder's thread is its death, too */
} mproc__mutex_use_t;

/* Take it when it is free: the first thing to try. */
static inline int
mproc__mutex_take(mproc__mutex_t *word, mproc__actor_t self)
{
    apr_uint64_t free = 0;
    return atomic_compare_exchange_strong_explicit(
        word, &free, self, memory_order_acquire, memory_order_relaxed);
}

static inline int
mproc__mutex_is_mine(mproc__mutex_t *word, mproc__actor_t self)
{
    return MPROC__MUTEX_HOLDER(
               atomic_load_explicit(word, memory_order_relaxed)) == self;
}

/* Acquire it by a deadline. `slept` is 1 when the caller has been a sleeper
 * on this word.
 * @return APR_SUCCESS; MPROC_EOWNERDEAD; APR_TIMEUP; MPROC_EDEADLK;
 *         APR_ENOMEM */
apr_status_t mproc__mutex_acquire(const mproc__mutex_use_t *use,
                                  apr_time_t deadline, int slept);

/* Take it over when its holder is dead, and only then. */
int mproc__mutex_take_over(const mproc__mutex_use_t *use);

/* The sentence for that; returns MPROC_EOWNERDEAD. */
apr_status_t mproc__mutex_owner_dead(const mproc__mutex_use_t *use);

/* For waiters: whether it is held by somebody alive, who knows by now that
 * somebody waits. The baton is the use. */
int mproc__mutex_must_sleep(void *baton);

/* Let it go, whoever holds it, and wake one waiter. Returns 0 when it was
 * free. */
static inline int
mproc__mutex_release(mproc__mutex_t *word)
{
    apr_uint64_t old = atomic_exchange(word, 0);
    if (old & MPROC__MUTEX_WAITERS) {
        mproc__unpark((void *)word, 1);
    }
    return MPROC__MUTEX_HOLDER(old) != 0;
}

#endif
