/*
 * test_condition.c: the condition, row by row: its lock, and waiting (CN1,
 * CN2, CN5, CN6). Notifying is in test_condition_notify.c, and what deaths do
 * in test_condition_death.c.
 */
#include "reach.h"

#include <signal.h>
#include <stdint.h>

#include "condition.h"

/* CN1: a lock that is given is used as it is; else there is an rlock. */
static void
any_lock_will_do(apr_pool_t *pool)
{
    mproc_condition_t *condition, *other;
    mproc_rlock_t *rlock;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, lock, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    CHECK_INT(1, mproc_lock_locked(lock));
    CHECK_STATUS(APR_TIMEUP, mproc_condition_acquire(condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(MPROC_ESTATE, mproc_condition_release(condition));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&condition, rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&other, rlock, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(other, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    CHECK_INT(1, mproc_rlock_is_mine(rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(other));
    CHECK_STATUS(MPROC_ESTATE, mproc_rlock_release(rlock));
    /* The condition has a use of its own of the lock. */
    mproc_rlock_destroy(rlock);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(other));
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    mproc_condition_destroy(condition);
}

static int
never(void *baton)
{
    *(int *)baton += 1;
    return 0;
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_condition_t *condition = (mproc_condition_t *)pool;
    mproc_census_t before = census_now();
    mproc_event_t *event;
    mproc_bytes_t bytes;
    int calls = 0;
    CHECK_STATUS(APR_EINVAL, mproc_condition_create(NULL, NULL, pool));
    NEW_EVENT(event);
    CHECK_STATUS(APR_EINVAL, mproc_condition_create(&condition, event, pool));
    CHECK_DETAIL("neither a lock nor an rlock");
    CHECK(condition == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_condition_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_condition_release(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_condition_wait(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_condition_wait_for(NULL, never, NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_condition_notify(NULL, 1));
    CHECK_STATUS(APR_EINVAL, mproc_condition_notify_all(NULL));
    CHECK_DETAIL("mproc_condition_create()");
    mproc_condition_destroy(NULL);
    /* Another kind of object. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &condition));
    CHECK_STATUS(APR_EINVAL, mproc_condition_acquire(condition, 0));
    CHECK_DETAIL("no condition");
    CHECK_STATUS(APR_EINVAL, mproc_condition_wait(condition, 0));
    CHECK_STATUS(APR_EINVAL, mproc_condition_notify_all(condition));
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    CHECK_STATUS(APR_EINVAL,
                 mproc_condition_wait_for(condition, NULL, &calls, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    mproc_condition_destroy(condition);
    CHECK_STATUS(APR_EINVAL, mproc_condition_acquire(condition, 0));
    CHECK_INT(before.kind[MPROC_KIND_RLOCK].blocks,
              census_now().kind[MPROC_KIND_RLOCK].blocks);
}

static void
check_refused(mproc_condition_t *condition)
{
    int calls = 0;
    CHECK_STATUS(MPROC_ESTATE, mproc_condition_wait(condition, 0));
    CHECK_DETAIL("mproc_condition_acquire()");
    CHECK_STATUS(MPROC_ESTATE, mproc_condition_wait_for(condition, never,
                                                        &calls, MPROC_FOREVER));
    CHECK_INT(0, calls);
    CHECK_STATUS(MPROC_ESTATE, mproc_condition_notify(condition, 1));
    CHECK_STATUS(MPROC_ESTATE, mproc_condition_notify_all(condition));
}

static apr_status_t
acquire_lock(void *data)
{
    return mproc_lock_acquire(data, test_deadline());
}

/* CN2, CN3: it is the holder's to wait and to notify; that another thread of
 * the process holds the lock does not count. */
static void
only_the_holder_may(apr_pool_t *pool)
{
    mproc_condition_t *condition;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, NULL, pool));
    check_refused(condition);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, lock, pool));
    threads_join(threads_start(1, acquire_lock, lock, pool), APR_SUCCESS);
    check_refused(condition);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

/* CN2, E1, E6: time runs out, at once for 0 and less, and the lock is held
 * again as often as it was. */
static void
time_runs_out_with_the_lock_held(apr_pool_t *pool)
{
    static const apr_interval_time_t spans[] = {MPROC_NOWAIT, -5, 1, 120000};
    mproc_condition_t *condition;
    mproc_rlock_t *rlock;
    size_t i;
    int depth;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&condition, rlock, pool));
    for (i = 0; i < sizeof spans / sizeof *spans; i++) {
        apr_time_t begin = mproc_clock();
        for (depth = 0; depth < 3; depth++) {
            CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
        }
        CHECK_STATUS(APR_TIMEUP, mproc_condition_wait(condition, spans[i]));
        CHECK_DETAIL("notified");
        CHECK(mproc_clock() - begin >= spans[i]);
        for (depth = 0; depth < 3; depth++) {
            CHECK_INT(1, mproc_rlock_is_mine(rlock));
            CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
        }
        CHECK_STATUS(MPROC_ESTATE, mproc_condition_release(condition));
    }
}

static apr_status_t
attend_deep_inside(void *data)
{
    meeting_t *meeting = data;
    apr_status_t rv = mproc_condition_acquire(meeting->condition, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_acquire(meeting->condition, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = attend(meeting, test_deadline());
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_release(meeting->condition);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_release(meeting->condition);
    }
    return rv == APR_SUCCESS &&
                   mproc_condition_release(meeting->condition) != MPROC_ESTATE
               ? APR_EGENERAL
               : rv;
}

/* CN2: while one waits who held the lock three times, it is free. */
static void
a_wait_frees_the_lock_completely(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    threads_t *threads = threads_start(1, attend_deep_inside, &meeting, pool);
    await_sleepers(place_of(meeting.condition), 1);
    NOTIFY(meeting.condition, 1);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

static apr_status_t
attend_for_a_moment(void *data)
{
    return attend(data, SOON);
}

/* Have the lock while the n-th to come in waits, or wants the lock again; 0
 * when it was too fast. */
static int
lock_while_it_waits(meeting_t *meeting, apr_uint32_t n)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    LOCKED(meeting->condition);
    while (atomic_load(&meeting->counters[WAITERS_IN]) < n) {
        UNLOCKED(meeting->condition);
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
        LOCKED(meeting->condition);
    }
    return atomic_load(&meeting->counters[WAITERS_LATE]) < n;
}

/* CN2: having the lock again has no limit; and who is late already is not
 * notified any more. */
static void
the_lock_is_waited_for_without_limit(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    meeting_t meeting;
    threads_t *threads;
    apr_uint32_t n;
    int seen = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    meeting = new_meeting(lock, pool);
    for (n = 1; !seen && n < 100; n++) {
        threads = threads_start(1, attend_for_a_moment, &meeting, pool);
        seen = lock_while_it_waits(&meeting, n);
        if (seen) {
            await_sleepers(shared_of(lock), 1);
            CHECK_INT(0, count_sleepers(place_of(meeting.condition)));
            CHECK_STATUS(APR_SUCCESS,
                         mproc_condition_notify_all(meeting.condition));
            CHECK_INT(n - 1, atomic_load(&meeting.counters[WAITERS_LATE]));
        }
        UNLOCKED(meeting.condition);
        threads_join(threads, APR_SUCCESS);
        CHECK_INT(n, atomic_load(&meeting.counters[WAITERS_LATE]));
    }
    CHECK(seen);
}

typedef struct question_t {
    meeting_t meeting;
    mproc_rlock_t *rlock;
    int calls, yes_at, held;
} question_t;

/* True from a certain time on that it is asked. */
static int
ask(void *baton)
{
    question_t *question = baton;
    question->calls++;
    question->held += mproc_rlock_is_mine(question->rlock);
    return question->calls >= question->yes_at ? 5 : 0;
}

static question_t
new_question(int yes_at, apr_pool_t *pool)
{
    question_t question = {.yes_at = yes_at};
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&question.rlock, pool));
    question.meeting = new_meeting(question.rlock, pool);
    return question;
}

/* CN5: what is true at once needs no wait; without time it is asked once, and
 * when the time is over, once more. */
static void
a_predicate_is_asked_first(apr_pool_t *pool)
{
    static const struct {
        int yes_at, calls;
        apr_interval_time_t timeout;
        apr_status_t status;
    } row[] = {{1, 1, MPROC_FOREVER, APR_SUCCESS},
               {1, 1, MPROC_NOWAIT, APR_SUCCESS},
               {2, 1, MPROC_NOWAIT, APR_TIMEUP},
               {2, 1, -5, APR_TIMEUP},
               {2, 2, SOON, APR_SUCCESS}};
    size_t i;
    for (i = 0; i < sizeof row / sizeof *row; i++) {
        question_t question = new_question(row[i].yes_at, pool);
        apr_uint64_t waits = atomic_load(&mproc__arena.header->ticket);
        LOCKED(question.meeting.condition);
        CHECK_STATUS(row[i].status,
                     mproc_condition_wait_for(question.meeting.condition, ask,
                                              &question, row[i].timeout));
        waits = atomic_load(&mproc__arena.header->ticket) - waits;
        CHECK_INT(row[i].calls - 1, waits);
        CHECK_INT(row[i].calls, question.calls);
        CHECK_INT(row[i].calls, question.held);
        CHECK_INT(1, mproc_rlock_is_mine(question.rlock));
        UNLOCKED(question.meeting.condition);
    }
}

static apr_status_t
attend_until_true(void *data)
{
    question_t *question = data;
    apr_status_t rv =
        mproc_condition_acquire(question->meeting.condition, test_deadline());
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_wait_for(question->meeting.condition, ask,
                                      question, test_deadline());
    }
    return rv == APR_SUCCESS
               ? mproc_condition_release(question->meeting.condition)
               : rv;
}

/* Once it was asked that often it waits again: the lock was free. */
static void
await_calls(question_t *question, int calls)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    int now;
    do {
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
        LOCKED(question->meeting.condition);
        now = question->calls;
        UNLOCKED(question->meeting.condition);
    } while (now < calls);
    CHECK_INT(calls, now);
}

/* CN5: then it is asked after each notification, with the lock held. */
static void
a_predicate_is_asked_after_each_wake(apr_pool_t *pool)
{
    question_t question = new_question(4, pool);
    threads_t *threads = threads_start(1, attend_until_true, &question, pool);
    int i;
    for (i = 1; i < 4; i++) {
        await_calls(&question, i);
        NOTIFY(question.meeting.condition, 1);
    }
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(4, question.calls);
    CHECK_INT(4, question.held);
}

static apr_status_t
notify_on_and_on(void *data)
{
    question_t *question = data;
    counter_t *stop = &question->meeting.counters[WAITERS_LATE];
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS && atomic_load(stop) == 0) {
        rv = mproc_condition_acquire(question->meeting.condition,
                                     test_deadline());
        if (rv == APR_SUCCESS) {
            mproc_condition_notify(question->meeting.condition, 1);
            rv = mproc_condition_release(question->meeting.condition);
        }
        apr_thread_yield();
    }
    return rv;
}

/* CN5, E3: the time counts in total, however often it is woken. */
static void
a_predicates_time_counts_in_total(apr_pool_t *pool)
{
    question_t question = new_question(1 << 30, pool);
    threads_t *threads = threads_start(1, notify_on_and_on, &question, pool);
    apr_time_t begin;
    LOCKED(question.meeting.condition);
    begin = mproc_clock();
    CHECK_STATUS(APR_TIMEUP,
                 mproc_condition_wait_for(question.meeting.condition, ask,
                                          &question, 120000));
    CHECK(mproc_clock() - begin >= 120000);
    CHECK_INT(question.calls, question.held);
    atomic_store(&question.meeting.counters[WAITERS_LATE], 1);
    UNLOCKED(question.meeting.condition);
    threads_join(threads, APR_SUCCESS);
}

static counter_t *heard;

static void
on_interrupt(int number)
{
    signal(number, on_interrupt);
    atomic_fetch_add(heard, 1);
}

static int
attend_through_signals(mproc_bytes_t args, apr_pool_t *pool)
{
    meeting_t meeting;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &meeting.condition,
                                           &meeting.value));
    meeting.counters = counters_of(meeting.value);
    heard = &meeting.counters[WAITERS_HEIRS];
    signal(SIGINT, on_interrupt);
    CHILD_STATUS(APR_SUCCESS, attend(&meeting, test_deadline()));
    return 0;
}

/* CN6, E5: a signal's handler that returns ends no wait, and what is notified
 * afterwards is not lost. */
static void
a_signal_ends_no_wait(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    apr_status_t rv = APR_SUCCESS;
    mproc_process_t *child;
    apr_uint32_t i;
    START(child, attend_through_signals, pool, "oo", meeting.condition,
          meeting.value);
    for (i = 1; i <= 3 && rv == APR_SUCCESS; i++) {
        await_sleepers(place_of(meeting.condition), 1);
        rv = mproc_process_interrupt(child);
        if (rv == APR_SUCCESS) {
            await_counter(&meeting.counters[WAITERS_HEIRS], i);
        }
    }
    await_sleepers(place_of(meeting.condition), 1);
    NOTIFY(meeting.condition, 1);
    JOIN(child, 0);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    if (rv == APR_ENOTIMPL) {
        test_skip("this system has no interrupts");
    }
    CHECK_STATUS(APR_SUCCESS, rv);
}

static int
deadlock_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *condition;
    (void)args;
    CHILD_STATUS(APR_SUCCESS, mproc_condition_create(&condition, NULL, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    if (threads_are_told()) {
        CHILD_STATUS(MPROC_EDEADLK,
                     mproc_condition_wait(condition, MPROC_FOREVER));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    return 0;
}

/* LK1 for conditions: a wait that nobody can end is told of when it surely is
 * one, and only without a limit; the lock is held again. */
static void
a_sure_deadlock_is_told(apr_pool_t *pool)
{
    mproc_process_t *child;
    int lock_is_recursive, calls = 0;
    need_thread_count();
    for (lock_is_recursive = 0; lock_is_recursive < 2; lock_is_recursive++) {
        mproc_condition_t *condition;
        mproc_lock_t *lock = NULL;
        if (!lock_is_recursive) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
        }
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_condition_create(&condition, lock, pool));
        LOCKED(condition);
        CHECK_STATUS(MPROC_EDEADLK,
                     mproc_condition_wait(condition, MPROC_FOREVER));
        CHECK_DETAIL("notify");
        CHECK_STATUS(
            MPROC_EDEADLK,
            mproc_condition_wait_for(condition, never, &calls, MPROC_FOREVER));
        CHECK_STATUS(APR_TIMEUP, mproc_condition_wait(condition, SLICES));
        CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(condition));
        UNLOCKED(condition);
    }
    CHECK_INT(2, calls);
    START(child, deadlock_in_child, pool, NULL);
    JOIN(child, 0);
}

static apr_status_t
notify_late(void *data)
{
    mproc_condition_t *condition = data;
    apr_status_t rv = sleepers_come(place_of(condition), 1);
    /* Time for the waiter to take it for hopeless. */
    apr_sleep(SLICES);
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_acquire(condition, test_deadline());
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_notify(condition, 1);
    }
    return rv == APR_SUCCESS ? mproc_condition_release(condition) : rv;
}

static int
notify_late_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *condition;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &condition));
    CHILD_STATUS(APR_SUCCESS, notify_late(condition));
    return 0;
}

/* CN2: without a limit, and no deadlock where another can notify. */
static void
no_deadlock_where_another_can_notify(apr_pool_t *pool)
{
    mproc_condition_t *condition;
    mproc_process_t *child;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_condition_create(&condition, NULL, pool));
    LOCKED(condition);
    START(child, notify_late_in_child, pool, "o", condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_wait(condition, MPROC_FOREVER));
    JOIN(child, 0);
    threads = threads_start(1, notify_late, condition, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_wait(condition, MPROC_FOREVER));
    UNLOCKED(condition);
    threads_join(threads, APR_SUCCESS);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    meeting_t meeting;
    mproc_process_t *child;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &meeting.condition,
                              &meeting.value, &depth));
    meeting.counters = counters_of(meeting.value);
    if (depth == 0) {
        CHILD_STATUS(APR_SUCCESS, attend(&meeting, test_deadline()));
        return 0;
    }
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&child, pass_on, NULL, pool,
                                                   "ooi", meeting.condition,
                                                   meeting.value, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_condition_destroy(meeting.condition);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    meeting_t meeting = new_meeting(NULL, pool);
    mproc_process_t *child;
    START(child, pass_on, pool, "ooi", meeting.condition, meeting.value, 2);
    await_sleepers(place_of(meeting.condition), 1);
    NOTIFY(meeting.condition, 1);
    JOIN(child, 0);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

static const test_case_t cases[] = {
    {"any_lock_will_do", any_lock_will_do},
    {"misuse_is_a_status", misuse_is_a_status},
    {"only_the_holder_may", only_the_holder_may},
    {"time_runs_out_with_the_lock", time_runs_out_with_the_lock_held},
    {"a_wait_frees_the_lock", a_wait_frees_the_lock_completely},
    {"the_lock_has_no_limit", the_lock_is_waited_for_without_limit},
    {"a_predicate_is_asked_first", a_predicate_is_asked_first},
    {"a_predicate_is_asked_again", a_predicate_is_asked_after_each_wake},
    {"a_predicates_time_is_total", a_predicates_time_counts_in_total},
    {"a_signal_ends_no_wait", a_signal_ends_no_wait},
    {"a_sure_deadlock_is_told", a_sure_deadlock_is_told},
    {"another_can_notify", no_deadlock_where_another_can_notify},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_condition = {"condition", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"any_lock_will_do", any_lock_will_do},
    {"only_the_holder_may", only_the_holder_may},
    {"time_runs_out_with_the_lock", time_runs_out_with_the_lock_held},
    {"a_wait_frees_the_lock", a_wait_frees_the_lock_completely},
    {"a_predicate_is_asked_again", a_predicate_is_asked_after_each_wake},
    {"a_predicates_time_is_total", a_predicates_time_counts_in_total},
    {"a_signal_ends_no_wait", a_signal_ends_no_wait},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_far_condition = {"far_condition", MANAGERS, far_cases};
