/* kin.h: what the tests of processes have in common. */
#ifndef MPROC_TESTS_KIN_H
#define MPROC_TESTS_KIN_H

#include <stdio.h>
#include <string.h>

#include "child.h"

#include "../../lib/src/peers.h"

/* Create by the method of this run, with options; no arguments. */
#define MAKE(process, target, options, pool)                                   \
    do {                                                                       \
        (options).start_method = test_method();                                \
        REQUIRE_STATUS(APR_SUCCESS,                                            \
                       mproc_process_create(&(process), (target), &(options),  \
                                            (pool), NULL));                    \
    } while (0)

/* A target that lives until it is ended. */
static inline int
sleep_long(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    apr_sleep(apr_time_from_sec(120));
    return 0;
}

/* A shared int, to be told things by children. */
static inline mproc_value_t *
shared_int(apr_pool_t *pool)
{
    mproc_value_t *value;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof(int), NULL, pool));
    return value;
}

static inline int
shared_get(mproc_value_t *value)
{
    return *(volatile int *)mproc_value_data(value);
}

static inline void
shared_set(mproc_value_t *value, int number)
{
    *(volatile int *)mproc_value_data(value) = number;
}

/* Wait until a child has told another number than 0. */
static inline int
shared_await(mproc_value_t *value)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (shared_get(value) == 0 && mproc_clock() < deadline) {
        apr_sleep(500);
    }
    return shared_get(value);
}

/* Some of the tree were killed by others than their parents: wait until they
 * have been noticed. */
static inline void
await_peers(apr_uint64_t count)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    mproc_census_t census;
    do {
        apr_sleep(5000);
        mproc__peers_look_around();
        mproc_census(&census);
    } while (census.peers > count && mproc_clock() < deadline);
    CHECK(census.peers <= count);
}

static inline apr_uint64_t
count_peers(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census.peers;
}

#endif
