/* sync.h: what the tests of locks and their kin have in common. */
#ifndef MPROC_TESTS_SYNC_H
#define MPROC_TESTS_SYNC_H

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "sleepers.h"
#include "threads.h"

#include "../../lib/src/peers.h"
#include "../../platform/plat_sys.h"

/* Short enough to run out in a test; and long enough for waiters to look
 * around, and see that a wait is hopeless, several times. */
#define SOON (20 * 1000)
#define SLICES (350 * 1000)

#define NEW_EVENT(event)                                                       \
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&(event), pool))

/* Counters that processes and threads share; they change without a lock. */
typedef _Atomic apr_uint32_t counter_t;

static inline mproc_value_t *
new_counters(int count, apr_pool_t *pool)
{
    mproc_value_t *value;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_raw_value_create(&value,
                                          (apr_size_t)count * sizeof(counter_t),
                                          NULL, pool));
    return value;
}

static inline counter_t *
counters_of(mproc_value_t *value)
{
    return mproc_value_data(value);
}

/* Wait until a counter has become so much. */
static inline void
await_counter(counter_t *counter, apr_uint32_t least)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (atomic_load(counter) < least) {
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
    }
}

static inline mproc_census_t
census_now(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census;
}

/* In a process or thread that is not the case's own, since REQUIRE is not for
 * those. */
static inline apr_status_t
sleepers_come(const volatile void *word, int count)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (count_waiters(word) != count) {
        if (mproc_clock() >= deadline) {
            return APR_TIMEUP;
        }
        apr_thread_yield();
    }
    return APR_SUCCESS;
}

/* Whether this process can tell that it has one thread. A sanitizer may have
 * one of its own. */
static inline int
threads_are_told(void)
{
    return mproc_plat_thread_count() == 1 + atomic_load(&mproc__own_threads);
}

static inline void
need_thread_count(void)
{
    if (!threads_are_told()) {
        test_skip("a process cannot tell here that it has but one thread");
    }
}

#endif
