/*
 * test_condition_notify.c: the condition, row by row: who is notified, and
 * when it goes on (CN3, CN4, CN7).
 */
#include "condition.h"

#define MANY 100
#define CHURN 10000 /* waiters in all */
#define CROWD 20    /* of them at a time */

static apr_status_t
attend_for_a_moment(void *data)
{
    return attend(data, SOON);
}

/* CN3: nobody waits, nothing is remembered; n of 0 or less is nobody. */
static void
a_notification_is_not_remembered(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    threads_t *threads;
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 7));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(meeting.condition));
    CHECK_STATUS(APR_TIMEUP, mproc_condition_wait(meeting.condition, SOON));
    UNLOCKED(meeting.condition);
    threads = threads_start(2, attend_in_thread, &meeting, pool);
    await_sleepers(place_of(meeting.condition), 2);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, -1));
    CHECK_INT(0, count_moved(meeting.condition));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 9));
    CHECK_INT(2, count_moved(meeting.condition));
    UNLOCKED(meeting.condition);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

/* CN3: who has timed out is not counted: the next one is notified. */
static void
the_late_are_not_counted(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    threads_t *late, *there;
    late = threads_start(2, attend_for_a_moment, &meeting, pool);
    there = threads_start(1, attend_in_thread, &meeting, pool);
    threads_join(late, APR_SUCCESS);
    CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_LATE]));
    await_sleepers(place_of(meeting.condition), 1);
    NOTIFY(meeting.condition, 1);
    threads_join(there, APR_SUCCESS);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

/* CN3, CN4, CN7: three processes and three threads wait; two of them are
 * notified, those who waited longest, and go on when the lock is released. */
static void
exactly_so_many_are_notified(apr_pool_t *pool)
{
    mproc_process_t *child[3];
    meeting_t meeting = new_meeting(NULL, pool);
    mproc_census_t before = census_now();
    threads_t *threads;
    int i;
    for (i = 0; i < 3; i++) {
        child[i] = start_attendant(&meeting, i + 1, pool);
    }
    threads = threads_start(3, attend_in_thread, &meeting, pool);
    await_sleepers(place_of(meeting.condition), 6);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 2));
    CHECK_INT(2, count_moved(meeting.condition));
    CHECK_INT(6, count_sleepers(place_of(meeting.condition)));
    CHECK_INT(0, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    UNLOCKED(meeting.condition);
    JOIN(child[0], 0);
    JOIN(child[1], 0);
    CHECK_INT(4, count_sleepers(place_of(meeting.condition)));
    CHECK_INT(0, count_moved(meeting.condition));
    CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(meeting.condition));
    CHECK_INT(4, count_moved(meeting.condition));
    UNLOCKED(meeting.condition);
    JOIN(child[2], 0);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(6, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    CHECK_INT(before.rescues, census_now().rescues);
}

/* CN4, CN7: of many, none runs before the lock is released, and then one after
 * another: nobody contends for it. */
static void
many_go_on_one_by_one(apr_pool_t *pool)
{
    mproc_process_t *child[MANY / 2];
    meeting_t meeting = new_meeting(NULL, pool);
    mproc_census_t before = census_now();
    threads_t *threads;
    int i, half = test_scaled(MANY / 2), all = 2 * half;
    apr_time_t until;
    for (i = 0; i < half; i++) {
        START(child[i], attend_in_child, pool, "oo", meeting.condition,
              meeting.value);
    }
    threads = threads_start(half, attend_in_thread, &meeting, pool);
    await_sleepers(place_of(meeting.condition), all);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(meeting.condition));
    CHECK_INT(all, count_moved(meeting.condition));
    /* They look around now and then, and sleep on. */
    for (until = mproc_clock() + SLICES; mproc_clock() < until;) {
        apr_sleep(SOON);
        CHECK_INT(all, count_moved(meeting.condition));
    }
    CHECK_INT(0, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    UNLOCKED(meeting.condition);
    for (i = 0; i < half; i++) {
        JOIN(child[i], 0);
    }
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(all, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    if (test_scaled(2) == 2) {
        /* In slow places a waiter's patience ends before its turn comes. */
        CHECK_INT(before.rescues, census_now().rescues);
    }
}

/* CN4: notify waits for nobody: those who are notified do not even run. */
static void
notify_never_waits(apr_pool_t *pool)
{
    mproc_process_t *child[2];
    meeting_t meeting = new_meeting(NULL, pool);
    int i;
    for (i = 0; i < 2; i++) {
        child[i] = start_attendant(&meeting, i + 1, pool);
        /* It is entered; who has the lock after it, knows that it let go. */
        LOCKED(meeting.condition);
        UNLOCKED(meeting.condition);
        test_stop(mproc_process_pid(child[i]));
    }
    NOTIFY(meeting.condition, 1);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(meeting.condition));
    UNLOCKED(meeting.condition);
    CHECK_INT(0, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    for (i = 0; i < 2; i++) {
        test_continue(mproc_process_pid(child[i]));
        JOIN(child[i], 0);
    }
    CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

/* Two conditions on one lock: only who waits at the one is notified. */
static void
each_condition_has_its_own(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    meeting_t here, there;
    threads_t *first, *second;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    here = new_meeting(lock, pool);
    there = new_meeting(lock, pool);
    first = threads_start(2, attend_in_thread, &here, pool);
    second = threads_start(2, attend_in_thread, &there, pool);
    await_sleepers(place_of(here.condition), 2);
    await_sleepers(place_of(there.condition), 2);
    LOCKED(here.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(there.condition));
    CHECK_INT(0, count_moved(here.condition));
    CHECK_INT(2, count_moved(there.condition));
    UNLOCKED(there.condition);
    threads_join(second, APR_SUCCESS);
    CHECK_INT(2, count_sleepers(place_of(here.condition)));
    LOCKED(here.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(here.condition));
    UNLOCKED(here.condition);
    threads_join(first, APR_SUCCESS);
}

typedef struct ball_t {
    mproc_condition_t *condition;
    volatile int *side; /* who has it */
    int mine;
} ball_t;

static int
ball_is_mine(void *baton)
{
    ball_t *ball = baton;
    return *ball->side == ball->mine;
}

static apr_status_t
play(ball_t *ball, int rounds)
{
    apr_status_t rv = mproc_condition_acquire(ball->condition, test_deadline());
    int i;
    for (i = 0; i < rounds && rv == APR_SUCCESS; i++) {
        rv = mproc_condition_wait_for(ball->condition, ball_is_mine, ball,
                                      test_deadline());
        if (rv == APR_SUCCESS) {
            *ball->side = !ball->mine;
            rv = mproc_condition_notify(ball->condition, 1);
        }
    }
    return rv == APR_SUCCESS ? mproc_condition_release(ball->condition) : rv;
}

static int
play_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    ball_t ball = {NULL, NULL, 1};
    int rounds;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "ooi", &ball.condition,
                                           &value, &rounds));
    ball.side = mproc_value_data(value);
    CHILD_STATUS(APR_SUCCESS, play(&ball, rounds));
    return 0;
}

/* CN4, CN5: no notification is lost in many, and none is found by looking. */
static void
no_notification_is_lost(apr_pool_t *pool)
{
    enum {
        ROUNDS = 2000
    };
    mproc_value_t *value = new_counters(1, pool);
    ball_t ball = {NULL, mproc_value_data(value), 0};
    mproc_process_t *child;
    mproc_lock_t *lock;
    mproc_census_t before;
    int recursive;
    for (recursive = 0; recursive < 2; recursive++) {
        lock = NULL;
        if (!recursive) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
        }
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_condition_create(&ball.condition, lock, pool));
        before = census_now();
        START(child, play_in_child, pool, "ooi", ball.condition, value, ROUNDS);
        CHECK_STATUS(APR_SUCCESS, play(&ball, ROUNDS));
        JOIN(child, 0);
        CHECK_INT(before.rescues, census_now().rescues);
    }
}

/* Ten thousand waiters, a new thread each, and nothing of them stays. */
static void
waiters_leave_nothing(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    int round, rounds = test_scaled(CHURN / CROWD);
    mproc_census_t before, after;
    start_server(pool);
    before = census_now();
    for (round = 0; round < rounds; round++) {
        apr_pool_t *crowd;
        threads_t *threads;
        REQUIRE(apr_pool_create(&crowd, pool) == APR_SUCCESS);
        threads = threads_start(
            CROWD, round % 5 == 0 ? attend_for_a_moment : attend_in_thread,
            &meeting, crowd);
        if (round % 5 != 0) {
            await_sleepers(place_of(meeting.condition), CROWD);
            LOCKED(meeting.condition);
            mproc_condition_notify(meeting.condition, CROWD / 2);
            mproc_condition_notify_all(meeting.condition);
            UNLOCKED(meeting.condition);
        }
        threads_join(threads, APR_SUCCESS);
        apr_pool_destroy(crowd);
    }
    after = census_now();
    CHECK_INT(rounds * CROWD, atomic_load(&meeting.counters[WAITERS_NOTIFIED]) +
                                  atomic_load(&meeting.counters[WAITERS_LATE]));
    CHECK_INT(before.total.blocks, after.total.blocks);
    CHECK_INT(before.total.bytes, after.total.bytes);
    CHECK_INT(before.threads, after.threads);
    CHECK_INT(before.peers, after.peers);
}

static const test_case_t cases[] = {
    {"it_is_not_remembered", a_notification_is_not_remembered},
    {"the_late_are_not_counted", the_late_are_not_counted},
    {"exactly_so_many", exactly_so_many_are_notified},
    {"many_go_on_one_by_one", many_go_on_one_by_one},
    {"notify_never_waits", notify_never_waits},
    {"each_condition_has_its_own", each_condition_has_its_own},
    {"no_notification_is_lost", no_notification_is_lost},
    {"waiters_leave_nothing", waiters_leave_nothing},
    {NULL, NULL}};

const test_suite_t suite_condition_notify = {"condition_notify", 1, cases};
