/*
 * test_lock.c: the lock, row by row (LK1 to LK6, SY1 to SY5, CTX13). LK5 is
 * about a statement that C does not have.
 */
#include "reach.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "sync.h"

#define PAIRS 20000
#define CHILDREN 6
#define CROWD 200
#define CROWD_PAIRS 10000

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

/* An object of another kind is refused, with a sentence, and takes no harm. */
static void
another_kind_is_refused(apr_pool_t *pool)
{
    mproc_event_t *event;
    mproc_bytes_t bytes;
    mproc_lock_t *lock;
    NEW_EVENT(event);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &lock));
    CHECK_STATUS(APR_EINVAL, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_DETAIL("no lock");
    CHECK_STATUS(APR_EINVAL, mproc_lock_release(lock));
    CHECK_DETAIL("mproc_lock_release");
    CHECK_INT(0, mproc_lock_locked(lock));
    CHECK_INT(0, mproc_lock_holder(lock));
    CHECK_INT(0, mproc_event_is_set(event));
    mproc_lock_destroy(lock);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
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

static int
one_of_a_crowd(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_value_t *value;
    volatile int *count;
    int i, pairs;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &lock, &value, &pairs));
    count = mproc_value_data(value);
    for (i = 0; i < pairs; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_lock_acquire(lock, 4 * test_deadline()));
        *count += 1;
        CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    }
    return 0;
}

/* LK6, SY1, SY5: two million pairs across 200 processes, and the count is
 * right; nobody starves. Rescues are not counted: with so many on so few
 * processors a waker may be slower than a waiter's patience. */
static void
a_crowd_counts_right(apr_pool_t *pool)
{
    mproc_process_t *child[CROWD];
    mproc_lock_t *lock;
    mproc_value_t *value;
    int i, crowd = test_scaled(CROWD), pairs = test_scaled(CROWD_PAIRS);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof(int), NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    for (i = 0; i < crowd; i++) {
        START(child[i], one_of_a_crowd, pool, "ooi", lock, value, pairs);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    for (i = 0; i < crowd; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_process_join(child[i], 4 * test_deadline()));
        JOIN(child[i], 0);
    }
    CHECK_INT(crowd * pairs, *(int *)mproc_value_data(value));
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

/* LK2 between threads: released by one that does not hold it. */
static apr_status_t
release_in_thread(void *data)
{
    return mproc_lock_release(data);
}

static apr_status_t
try_in_thread(void *data)
{
    return mproc_lock_acquire(data, MPROC_NOWAIT);
}

static void
another_thread_may_release(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    threads_join(threads_start(1, try_in_thread, lock, pool), APR_TIMEUP);
    threads_join(threads_start(1, release_in_thread, lock, pool), APR_SUCCESS);
    CHECK_INT(0, mproc_lock_locked(lock));
    /* A thread's end is no death: its process, which holds it, lives. */
    threads_join(threads_start(1, try_in_thread, lock, pool), APR_SUCCESS);
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, SOON));
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

/* LK4: told by anybody; who is dead holds nothing that one could ask for. */
static void
the_holder_is_told(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    mproc_event_t *held, *never;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    NEW_EVENT(held);
    NEW_EVENT(never);
    CHECK_INT(0, mproc_lock_holder(lock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    CHECK_INT(mproc_process_pid(mproc_process_current()),
              mproc_lock_holder(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    START(child, hold_for_ever, pool, "ooo", lock, held, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    CHECK_INT(mproc_process_pid(child), mproc_lock_holder(lock));
    CHECK_INT(1, mproc_lock_locked(lock));
    KILL(child);
    CHECK_INT(0, mproc_lock_holder(lock));
    CHECK_INT(1, mproc_lock_locked(lock));
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_INT(0, mproc_lock_holder(lock));
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

/* SY4: the wake-up of one who dies before it could run goes to another. */
static void
a_wakeup_does_not_die_with_the_woken(apr_pool_t *pool)
{
    mproc_process_t *dead, *living;
    mproc_lock_t *lock;
    mproc_event_t *ready;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    NEW_EVENT(ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(dead, wait_for_lock, pool, "oo", lock, ready);
    await_sleepers(shared_of(lock), 1);
    START(living, wait_for_lock, pool, "oo", lock, ready);
    await_sleepers(shared_of(lock), 2);
    test_stop(mproc_process_pid(dead));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    KILL(dead);
    JOIN(living, 0);
}

static counter_t *heard;

static void
on_interrupt(int number)
{
    signal(number, on_interrupt);
    atomic_fetch_add(heard, 1);
}

static int
wait_through_signals(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &lock, &value));
    heard = counters_of(value);
    signal(SIGINT, on_interrupt);
    CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    return 0;
}

/* E5: a signal's handler that returns ends no wait. */
static void
a_signal_ends_no_wait(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    mproc_value_t *value = new_counters(1, pool);
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(child, wait_through_signals, pool, "oo", lock, value);
    for (i = 1; i <= 3 && rv == APR_SUCCESS; i++) {
        await_sleepers(shared_of(lock), 1);
        rv = mproc_process_interrupt(child);
        if (rv == APR_SUCCESS) {
            await_counter(counters_of(value), i);
        }
    }
    CHECK(mproc_process_is_alive(child));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    JOIN(child, 0);
    if (rv == APR_ENOTIMPL) {
        test_skip("this system has no interrupts");
    }
    CHECK_STATUS(APR_SUCCESS, rv);
}

static int
deadlock_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    (void)args;
    CHILD_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    if (!threads_are_told()) {
        return 0;
    }
    CHILD_STATUS(MPROC_EDEADLK, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    return 0;
}

/* LK1: a deadlock with oneself is told when it surely is one, and only where
 * there is no limit; then nothing has changed. */
static void
a_sure_deadlock_is_told(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    need_thread_count();
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(MPROC_EDEADLK, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_DETAIL("one thread");
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, SLICES));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(MPROC_ESTATE, mproc_lock_release(lock));
    START(child, deadlock_in_child, pool, NULL);
    JOIN(child, 0);
}

static apr_status_t
release_late(void *data)
{
    mproc_lock_t *lock = data;
    apr_status_t rv = sleepers_come(shared_of(lock), 1);
    /* Time for the waiter to take it for hopeless. */
    apr_sleep(SLICES);
    return rv == APR_SUCCESS ? mproc_lock_release(lock) : rv;
}

static int
release_late_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &lock));
    CHILD_STATUS(APR_SUCCESS, release_late(lock));
    return 0;
}

/* LK1, LK2: no deadlock where another thread or process can release. */
static void
no_deadlock_where_another_can_release(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_lock_t *lock;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, 0));
    START(child, release_late_in_child, pool, "o", lock);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    JOIN(child, 0);
    threads = threads_start(1, release_late, lock, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static apr_status_t
wait_for_event(void *data)
{
    return mproc_event_wait(data, test_deadline());
}

/* What EDEADLK rests on: nobody else has the object, or can get it. */
static void
it_is_alone_when_nobody_can_get_it(apr_pool_t *pool)
{
    mproc_process_options_t options = {.start_method = test_method()};
    mproc_process_t *child;
    mproc_event_t *go;
    mproc_lock_t *lock, *again;
    mproc_bytes_t bytes;
    threads_t *threads;
    apr_pool_t *letter;
    need_thread_count();
    start_server(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    NEW_EVENT(go);
    CHECK(mproc__object_is_alone((mproc_object_t *)lock));
    /* In a message; and a second time in this process. */
    REQUIRE(apr_pool_create(&letter, pool) == APR_SUCCESS);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, letter, "o", lock));
    CHECK(!mproc__object_is_alone((mproc_object_t *)lock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &again));
    apr_pool_destroy(letter);
    CHECK(mproc__object_is_alone((mproc_object_t *)lock));
    CHECK(mproc__object_is_alone((mproc_object_t *)again));
    /* With a process, before its start and until it is closed. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&child, nothing, &options,
                                                     pool, "o", lock));
    CHECK(!mproc__object_is_alone((mproc_object_t *)lock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(child));
    JOIN(child, 0);
    CHECK(mproc__object_is_alone((mproc_object_t *)lock));
    /* With a thread. */
    threads = threads_start(1, wait_for_event, go, pool);
    CHECK(!mproc__object_is_alone((mproc_object_t *)lock));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(go));
    threads_join(threads, APR_SUCCESS);
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
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"processes_exclude_each_other", processes_exclude_each_other},
    {"two_million_pairs", a_crowd_counts_right},
    {"threads_exclude_each_other", threads_exclude_each_other},
    {"another_process_may_release", another_process_may_release},
    {"another_thread_may_release", another_thread_may_release},
    {"the_holder_is_told", the_holder_is_told},
    {"a_dead_holder_is_told_of", a_dead_holder_is_told_of},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"a_wakeup_outlives_the_woken", a_wakeup_does_not_die_with_the_woken},
    {"a_signal_ends_no_wait", a_signal_ends_no_wait},
    {"a_sure_deadlock_is_told", a_sure_deadlock_is_told},
    {"another_can_release", no_deadlock_where_another_can_release},
    {"alone", it_is_alone_when_nobody_can_get_it},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {"100000_at_once", a_hundred_thousand_exist_at_once},
    {NULL, NULL}};

const test_suite_t suite_lock = {"lock", 1, cases};

/* Without those that look at the arena, take many calls, or ask for what a
 * manager's has not. */
static const test_case_t far_cases[] = {
    {"acquire_and_release", acquire_and_release},
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"another_process_may_release", another_process_may_release},
    {"another_thread_may_release", another_thread_may_release},
    {"a_signal_ends_no_wait", a_signal_ends_no_wait},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_far_lock = {"far_lock", MANAGERS, far_cases};
