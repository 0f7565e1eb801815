/* test_rlock.c: the recursive lock, row by row (RL1 to RL4, LK4, CTX13). */
#include "reach.h"

#include "sync.h"

#define PAIRS 5000
#define CHILDREN 3
#define THREADS 3

static apr_status_t
try_in_thread(void *data)
{
    return mproc_rlock_acquire(data, MPROC_NOWAIT);
}

static apr_status_t
release_in_thread(void *data)
{
    return mproc_rlock_release(data);
}

/* RL1: the holder gets it at once, again and again; it is free when it was
 * released as often. */
static void
it_is_recursive(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    CHECK_INT(0, mproc_rlock_locked(rlock));
    CHECK_INT(0, mproc_rlock_is_mine(rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, -5));
    for (i = 0; i < 3; i++) {
        CHECK_INT(1, mproc_rlock_locked(rlock));
        CHECK_INT(1, mproc_rlock_is_mine(rlock));
        threads_join(threads_start(1, try_in_thread, rlock, pool), APR_TIMEUP);
        CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    }
    CHECK_INT(0, mproc_rlock_locked(rlock));
    CHECK_INT(0, mproc_rlock_is_mine(rlock));
    /* RL2: when it is free, nobody can release it. */
    CHECK_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
    CHECK_DETAIL("does not hold");
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    CHECK_STATUS(APR_EINVAL, mproc_rlock_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_rlock_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_rlock_release(NULL));
    CHECK_DETAIL("mproc_rlock_create()");
    CHECK_INT(0, mproc_rlock_locked(NULL));
    CHECK_INT(0, mproc_rlock_is_mine(NULL));
    CHECK_INT(0, mproc_rlock_holder(NULL));
    mproc_rlock_destroy(NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    mproc_rlock_destroy(rlock);
    CHECK_STATUS(APR_EINVAL, mproc_rlock_acquire(rlock, 0));
    CHECK_STATUS(APR_EINVAL, mproc_rlock_release(rlock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, NULL));
    mproc_rlock_destroy(rlock);
}

/* A lock is no rlock, and takes no harm; nor the other way round. */
static void
another_kind_is_refused(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_rlock_t *rlock;
    mproc_bytes_t bytes;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", lock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &rlock));
    CHECK_STATUS(APR_EINVAL, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHECK_DETAIL("no rlock");
    CHECK_STATUS(APR_EINVAL, mproc_rlock_release(rlock));
    CHECK_INT(0, mproc_rlock_locked(rlock));
    CHECK_INT(0, mproc_rlock_is_mine(rlock));
    CHECK_INT(0, mproc_rlock_holder(rlock));
    CHECK_INT(0, mproc_lock_locked(lock));
}

/* E6: a wait that ran out lasted at least as long. */
static apr_status_t
wait_in_thread(void *data)
{
    apr_time_t begin = mproc_clock();
    apr_status_t rv = mproc_rlock_acquire(data, 120000);
    return mproc_clock() - begin >= 120000 ? rv : APR_EGENERAL;
}

static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    threads_join(threads_start(1, wait_in_thread, rlock, pool), APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
}

/* RL2 between threads: the process is the same, the holder is not. */
static void
another_thread_may_not_release(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    threads_join(threads_start(2, release_in_thread, rlock, pool),
                 MPROC_ESTATE);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_INT(1, mproc_rlock_locked(rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_INT(0, mproc_rlock_locked(rlock));
}

static int
find_it_held(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    mproc_event_t *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &rlock, &ready));
    CHILD_CHECK(!mproc_rlock_is_mine(rlock));
    CHILD_CHECK(mproc_rlock_holder(rlock) ==
                mproc_process_pid(mproc_process_parent()));
    CHILD_STATUS(APR_TIMEUP, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHILD_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
    CHILD_CHECK(mproc_rlock_locked(rlock));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    CHILD_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHILD_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
    return 0;
}

/* RL2, RL3, CTX13: what the starter holds, the started does not, be it a copy
 * of the holder with the same thread's id. */
static void
it_stays_the_parents(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_rlock_t *rlock;
    mproc_event_t *ready;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    NEW_EVENT(ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    START(child, find_it_held, pool, "oo", rlock, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_INT(1, mproc_rlock_is_mine(rlock));
    await_sleepers(shared_of(rlock), 1);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    JOIN(child, 0);
    CHECK_INT(0, mproc_rlock_locked(rlock));
}

/* Adds to two plain numbers, the second deeper inside. */
static apr_status_t
count_up(mproc_rlock_t *rlock, mproc_value_t *value)
{
    volatile int *count = mproc_value_data(value);
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < PAIRS && rv == APR_SUCCESS; i++) {
        rv = mproc_rlock_acquire(rlock, test_deadline());
        if (rv == APR_SUCCESS) {
            count[0]++;
            rv = mproc_rlock_acquire(rlock, MPROC_NOWAIT);
        }
        if (rv == APR_SUCCESS) {
            count[1]++;
            rv = count[0] == count[1] ? mproc_rlock_release(rlock)
                                      : APR_EGENERAL;
        }
        if (rv == APR_SUCCESS) {
            rv = mproc_rlock_release(rlock);
        }
    }
    return rv;
}

static int
count_up_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &rlock, &value));
    CHILD_STATUS(APR_SUCCESS, count_up(rlock, value));
    return 0;
}

typedef struct both_t {
    mproc_rlock_t *rlock;
    mproc_value_t *value;
} both_t;

static apr_status_t
count_up_in_thread(void *data)
{
    both_t *both = data;
    return count_up(both->rlock, both->value);
}

/* RL1, LK6: processes and threads keep each other out. */
static void
all_exclude_each_other(apr_pool_t *pool)
{
    mproc_process_t *child[CHILDREN];
    both_t both;
    mproc_census_t before;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&both.rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_raw_value_create(
                                    &both.value, 2 * sizeof(int), NULL, pool));
    before = census_now();
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], count_up_in_child, pool, "oo", both.rlock, both.value);
    }
    threads_join(threads_start(THREADS, count_up_in_thread, &both, pool),
                 APR_SUCCESS);
    for (i = 0; i < CHILDREN; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT((CHILDREN + THREADS) * PAIRS,
              *(int *)mproc_value_data(both.value));
    CHECK_INT(before.rescues, census_now().rescues);
}

static int
hold_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    mproc_event_t *held, *never;
    int i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &rlock, &held, &never));
    for (i = 0; i < 3; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, test_deadline()));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* RL4, SY4, LK4: the next one holds it once, however often the dead did. */
static void
a_dead_process_is_told_of(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_rlock_t *rlock;
    mproc_event_t *held, *never;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    NEW_EVENT(held);
    NEW_EVENT(never);
    START(child, hold_for_ever, pool, "ooo", rlock, held, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    CHECK_INT(mproc_process_pid(child), mproc_rlock_holder(rlock));
    CHECK_STATUS(APR_TIMEUP, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    test_kill(mproc_process_pid(child));
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_rlock_acquire(rlock, test_deadline()));
    CHECK_DETAIL("ended");
    CHECK_INT(1, mproc_rlock_is_mine(rlock));
    /* It is an rlock as ever. */
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    CHECK_INT(0, mproc_rlock_locked(rlock));
    CHECK_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

static int
inherit_from_the_dead(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &rlock));
    CHILD_STATUS(MPROC_EOWNERDEAD, mproc_rlock_acquire(rlock, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    return 0;
}

typedef struct ending_t {
    mproc_rlock_t *rlock;
    int waiters;
} ending_t;

/* Ends with it held, once so many wait. */
static apr_status_t
end_with_it_held(void *data)
{
    ending_t *ending = data;
    apr_status_t rv = mproc_rlock_acquire(ending->rlock, MPROC_NOWAIT);
    if (rv == APR_SUCCESS) {
        rv = mproc_rlock_acquire(ending->rlock, MPROC_NOWAIT);
    }
    return rv == APR_SUCCESS && ending->waiters > 0
               ? sleepers_come(shared_of(ending->rlock), ending->waiters)
               : rv;
}

/* RL4: a thread that ends is as good as dead, while its process lives: for
 * who comes after, in any process, and for who waits. */
static void
an_ended_thread_is_told_of(apr_pool_t *pool)
{
    mproc_process_t *child;
    ending_t ending = {NULL, 0};
    apr_time_t deadline = mproc_clock() + test_deadline();
    mproc_census_t before;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&ending.rlock, pool));
    threads_join(threads_start(1, end_with_it_held, &ending, pool),
                 APR_SUCCESS);
    CHECK_INT(1, mproc_rlock_locked(ending.rlock));
    CHECK_STATUS(MPROC_EOWNERDEAD,
                 mproc_rlock_acquire(ending.rlock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(ending.rlock));
    CHECK_INT(0, mproc_rlock_locked(ending.rlock));
    threads_join(threads_start(1, end_with_it_held, &ending, pool),
                 APR_SUCCESS);
    START(child, inherit_from_the_dead, pool, "o", ending.rlock);
    JOIN(child, 0);
    before = census_now();
    ending.waiters = 1;
    threads = threads_start(1, end_with_it_held, &ending, pool);
    while (!mproc_rlock_locked(ending.rlock)) {
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
    }
    CHECK_STATUS(MPROC_EOWNERDEAD,
                 mproc_rlock_acquire(ending.rlock, test_deadline()));
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(ending.rlock));
    CHECK_INT(before.rescues, census_now().rescues);
}

static apr_status_t
hold_in_turn(void *data)
{
    mproc_rlock_t *rlock = data;
    apr_status_t rv = mproc_rlock_acquire(rlock, test_deadline());
    return rv == APR_SUCCESS ? mproc_rlock_release(rlock) : rv;
}

/* Not told of a thread that released it before its end. */
static void
an_end_without_it_is_none(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    threads_join(threads_start(4, hold_in_turn, rlock, pool), APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
}

static int
wait_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &rlock));
    CHILD_STATUS(APR_SUCCESS, hold_in_turn(rlock));
    return 0;
}

/* SY4: killed while it waits; killed when the wake-up was its own. */
static void
a_dead_waiter_harms_nobody(apr_pool_t *pool)
{
    mproc_process_t *dead[2], *living;
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    START(dead[0], wait_in_child, pool, "o", rlock);
    await_sleepers(shared_of(rlock), 1);
    START(dead[1], wait_in_child, pool, "o", rlock);
    await_sleepers(shared_of(rlock), 2);
    START(living, wait_in_child, pool, "o", rlock);
    await_sleepers(shared_of(rlock), 3);
    KILL(dead[0]);
    test_stop(mproc_process_pid(dead[1]));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    KILL(dead[1]);
    JOIN(living, 0);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_rlock_t *rlock;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &rlock, &depth));
    CHILD_STATUS(APR_TIMEUP, mproc_rlock_acquire(rlock, 0));
    if (depth == 0) {
        CHILD_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, test_deadline()));
        CHILD_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
        return 0;
    }
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&child, pass_on, NULL, pool,
                                                   "oi", rlock, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_rlock_destroy(rlock);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    START(child, pass_on, pool, "oi", rlock, 2);
    await_sleepers(shared_of(rlock), 1);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    JOIN(child, 0);
    CHECK_INT(0, mproc_rlock_locked(rlock));
}

static const test_case_t cases[] = {
    {"it_is_recursive", it_is_recursive},
    {"misuse_is_a_status", misuse_is_a_status},
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"another_thread_may_not_release", another_thread_may_not_release},
    {"it_stays_the_parents", it_stays_the_parents},
    {"all_exclude_each_other", all_exclude_each_other},
    {"a_dead_process_is_told_of", a_dead_process_is_told_of},
    {"an_ended_thread_is_told_of", an_ended_thread_is_told_of},
    {"an_end_without_it_is_none", an_end_without_it_is_none},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_rlock = {"rlock", 1, cases};

/* Without those that look at the arena, take many calls, or ask for what a
 * manager's has not. */
static const test_case_t far_cases[] = {
    {"it_is_recursive", it_is_recursive},
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"another_thread_may_not_release", another_thread_may_not_release},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_far_rlock = {"far_rlock", MANAGERS, far_cases};
