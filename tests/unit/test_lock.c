/* test_lock.c: the lock, row by row (LK1 to LK6, SY1 to SY5, CTX13). */
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "child.h"

#define PAIRS 20000
#define CHILDREN 6

/* LK1, LK2, LK3. */
static void
acquire_and_release(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    CHECK_INT(0, mproc_lock_locked(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_INT(1, mproc_lock_locked(lock));
    /* Not recursive; 0 and negative spans try once. */
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, -5));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(MPROC_ESTATE, mproc_lock_release(lock));
    CHECK_DETAIL("free");
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, -5));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    CHECK_STATUS(APR_EINVAL, mproc_lock_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_lock_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_lock_release(NULL));
    CHECK_DETAIL("mproc_lock_create()");
    CHECK_INT(0, mproc_lock_locked(NULL));
    mproc_lock_destroy(NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    mproc_lock_destroy(lock);
    CHECK_STATUS(APR_EINVAL, mproc_lock_acquire(lock, 0));
    mproc_lock_destroy(lock);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, NULL));
    mproc_lock_destroy(lock);
}

/* E6: a wait that ran out lasted at least as long. */
static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    apr_time_t begin;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    begin = mproc_clock();
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, 120000));
    CHECK(mproc_clock() - begin >= 120000);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static int
count_up(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_value_t *value;
    volatile int *count;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &lock, &value));
    count = mproc_value_data(value);
    for (i = 0; i < PAIRS; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, test_deadline()));
        count[0]++;
        count[1]++;
        CHILD_CHECK(count[0] == count[1]);
        CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    }
    return 0;
}

/* LK6, SY1: one object for all, and nobody is in at the same time. */
static void
processes_exclude_each_other(apr_pool_t *pool)
{
    mproc_process_t *child[CHILDREN];
    mproc_lock_t *lock;
    mproc_value_t *value;
    mproc_census_t before, after;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, 2 * sizeof(int), NULL, pool));
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], count_up, pool, "oo", lock, value);
    }
    for (i = 0; i < CHILDREN; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(CHILDREN * PAIRS, *(int *)mproc_value_data(value));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.rescues, after.rescues);
}

typedef struct shared_t {
    mproc_lock_t *lock;
    int count;
} shared_t;

static void *APR_THREAD_FUNC
count_up_thread(apr_thread_t *thread, void *data)
{
    shared_t *shared = data;
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < PAIRS && rv == APR_SUCCESS; i++) {
        rv = mproc_lock_acquire(shared->lock, test_deadline());
        shared->count++;
        mproc_lock_release(shared->lock);
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

static void
threads_exclude_each_other(apr_pool_t *pool)
{
    apr_thread_t *thread[4];
    shared_t shared = {0};
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&shared.lock, pool));
    for (i = 0; i < 4; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&thread[i], NULL, count_up_thread,
                                         &shared, pool));
    }
    for (i = 0; i < 4; i++) {
        apr_status_t rv;
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread[i]));
        CHECK_STATUS(APR_SUCCESS, rv);
    }
    CHECK_INT(4 * PAIRS, shared.count);
}

static int
release_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &lock));
    /* CTX13: it is not held by this process, whatever the method. */
    CHILD_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHILD_STATUS(MPROC_ESTATE, mproc_lock_release(lock));
    return 0;
}

/* LK2: anybody may release; then its end concerns nobody. */
static void
another_process_may_release(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(child, release_it, pool, "o", lock);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static int
hold_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_event_t *held, *never;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &lock, &held, &never));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* SY4: the next one gets it, is told once, and life goes on. */
static void
a_dead_holder_is_told_of(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    mproc_event_t *held, *never;
    int round;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&held, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    for (round = 0; round < 3; round++) {
        START(child, hold_for_ever, pool, "ooo", lock, held, never);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(held));
        CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, MPROC_NOWAIT));
        test_kill(mproc_process_pid(child));
        /* Whoever waits gets it, joined or not. */
        CHECK_STATUS(MPROC_EOWNERDEAD,
                     mproc_lock_acquire(lock, test_deadline()));
        CHECK_DETAIL("died");
        CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
        CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
        CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    }
}

static int
wait_for_lock(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_event_t *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &lock, &ready));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    return 0;
}

/* SY4: a dead waiter swallows no wake-up. */
static void
a_dead_waiter_harms_nobody(apr_pool_t *pool)
{
    mproc_process_t *dead, *living;
    mproc_lock_t *lock;
    mproc_event_t *ready;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(dead, wait_for_lock, pool, "oo", lock, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(ready));
    START(living, wait_for_lock, pool, "oo", lock, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    KILL(dead);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    JOIN(living, 0);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &lock, &depth));
    if (depth == 0) {
        CHILD_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, 0));
        return mproc_lock_release(lock) != APR_SUCCESS;
    }
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&child, pass_on, NULL, pool,
                                                   "oi", lock, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_lock_destroy(lock);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(child, pass_on, pool, "oi", lock, 2);
    JOIN(child, 0);
    CHECK_INT(0, mproc_lock_locked(lock));
}

static void
a_hundred_thousand_exist_at_once(apr_pool_t *pool)
{
    enum {
        MANY = 100000
    };
    mproc_lock_t **lock = apr_palloc(pool, MANY * sizeof *lock);
    int i, wrong = 0;
    for (i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock[i], NULL));
    }
    for (i = 0; i < MANY; i++) {
        wrong += mproc_lock_acquire(lock[i], 0) != APR_SUCCESS;
    }
    for (i = 0; i < MANY; i++) {
        wrong += mproc_lock_release(lock[i]) != APR_SUCCESS;
        mproc_lock_destroy(lock[i]);
    }
    CHECK_INT(0, wrong);
}

static const test_case_t cases[] = {
    {"acquire_and_release", acquire_and_release},
    {"misuse_is_a_status", misuse_is_a_status},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"processes_exclude_each_other", processes_exclude_each_other},
    {"threads_exclude_each_other", threads_exclude_each_other},
    {"another_process_may_release", another_process_may_release},
    {"a_dead_holder_is_told_of", a_dead_holder_is_told_of},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {"100000_at_once", a_hundred_thousand_exist_at_once},
    {NULL, NULL}};

const test_suite_t suite_lock = {"lock", 1, cases};
