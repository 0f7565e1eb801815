/*
 * test_condition_death.c: the condition, row by row: waiters, holders and
 * notifiers that die (CN8, SY4).
 */
#include "condition.h"

/* CN8: who died while it waited is not counted: its turn is another's. */
static void
the_dead_are_not_counted(apr_pool_t *pool)
{
    mproc_process_t *dead[2], *living;
    meeting_t meeting = new_meeting(NULL, pool);
    dead[0] = start_attendant(&meeting, 1, pool);
    dead[1] = start_attendant(&meeting, 2, pool);
    living = start_attendant(&meeting, 3, pool);
    KILL(dead[0]);
    KILL(dead[1]);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 1));
    CHECK_INT(1, count_moved(meeting.condition));
    UNLOCKED(meeting.condition);
    JOIN(living, 0);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

/* CN8: killed after the notification, while the lock is still held. */
static void
a_notification_outlives_the_moved(apr_pool_t *pool)
{
    mproc_process_t *dead, *living, *last;
    meeting_t meeting = new_meeting(NULL, pool);
    dead = start_attendant(&meeting, 1, pool);
    living = start_attendant(&meeting, 2, pool);
    last = start_attendant(&meeting, 3, pool);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 1));
    CHECK_INT(1, count_moved(meeting.condition));
    KILL(dead);
    UNLOCKED(meeting.condition);
    JOIN(living, 0);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    CHECK_INT(1, count_sleepers(place_of(meeting.condition)));
    NOTIFY(meeting.condition, 1);
    JOIN(last, 0);
}

/* CN8: killed when the lock's release has woken it, before it could run. */
static void
a_notification_outlives_the_woken(apr_pool_t *pool)
{
    mproc_process_t *dead, *living;
    meeting_t meeting = new_meeting(NULL, pool);
    dead = start_attendant(&meeting, 1, pool);
    living = start_attendant(&meeting, 2, pool);
    test_stop(mproc_process_pid(dead));
    NOTIFY(meeting.condition, 1);
    CHECK_INT(2, count_sleepers(place_of(meeting.condition)));
    KILL(dead);
    JOIN(living, 0);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

/* CN8: with nobody else there, the notification is not remembered. */
static void
a_notification_goes_to_nobody_later(apr_pool_t *pool)
{
    mproc_process_t *dead;
    meeting_t meeting = new_meeting(NULL, pool);
    dead = start_attendant(&meeting, 1, pool);
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(meeting.condition, 1));
    KILL(dead);
    CHECK_STATUS(APR_TIMEUP, mproc_condition_wait(meeting.condition, SOON));
    UNLOCKED(meeting.condition);
}

/* CN8: of many who are notified some die; the rest goes on. */
static void
some_of_many_die(apr_pool_t *pool)
{
    enum {
        CHILDREN = 6
    };
    mproc_process_t *child[CHILDREN];
    meeting_t meeting = new_meeting(NULL, pool);
    int i;
    for (i = 0; i < CHILDREN; i++) {
        child[i] = start_attendant(&meeting, i + 1, pool);
    }
    for (i = 0; i < CHILDREN; i += 2) {
        test_stop(mproc_process_pid(child[i]));
    }
    LOCKED(meeting.condition);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify_all(meeting.condition));
    CHECK_INT(CHILDREN, count_moved(meeting.condition));
    KILL(child[2]);
    UNLOCKED(meeting.condition);
    KILL(child[0]);
    KILL(child[4]);
    for (i = 1; i < CHILDREN; i += 2) {
        JOIN(child[i], 0);
    }
    CHECK_INT(CHILDREN / 2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    /* The lock has taken no harm. */
    LOCKED(meeting.condition);
    UNLOCKED(meeting.condition);
}

/* Has the lock, notifies so many, and never lets go. */
static int
hold_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *condition;
    mproc_event_t *held, *go_on;
    int notify;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oooi", &condition,
                                           &held, &go_on, &notify));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_condition_acquire(condition, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_condition_notify(condition, notify));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(go_on, MPROC_FOREVER);
    return 0;
}

static mproc_process_t *
start_holder(meeting_t *meeting, int notify, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *held, *go_on;
    NEW_EVENT(held);
    NEW_EVENT(go_on);
    START(child, hold_for_ever, pool, "oooi", meeting->condition, held, go_on,
          notify);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    return child;
}

/* SY4: the holder dies, and nobody may be left to notify: one waiter has the
 * lock with the news, the others wait on, with either kind of lock. */
static void
a_dead_holder_wakes_one(apr_pool_t *pool)
{
    int recursive, i;
    for (recursive = 0; recursive < 2; recursive++) {
        mproc_process_t *child[3], *holder;
        mproc_lock_t *lock = NULL;
        meeting_t meeting;
        if (!recursive) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
        }
        meeting = new_meeting(lock, pool);
        for (i = 0; i < 3; i++) {
            child[i] = start_attendant(&meeting, i + 1, pool);
        }
        holder = start_holder(&meeting, 0, pool);
        KILL(holder);
        await_counter(&meeting.counters[WAITERS_HEIRS], 1);
        await_sleepers(place_of(meeting.condition), 2);
        CHECK_INT(0, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
        LOCKED(meeting.condition);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_condition_notify_all(meeting.condition));
        UNLOCKED(meeting.condition);
        for (i = 0; i < 3; i++) {
            JOIN(child[i], 0);
        }
        CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_HEIRS]));
        CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
    }
}

/* SY4: the notifier dies with the lock: whom it notified goes on, and whoever
 * has the lock first is told. */
static void
a_dead_notifiers_word_counts(apr_pool_t *pool)
{
    mproc_process_t *child[3], *holder;
    meeting_t meeting = new_meeting(NULL, pool);
    int i;
    for (i = 0; i < 3; i++) {
        child[i] = start_attendant(&meeting, i + 1, pool);
    }
    holder = start_holder(&meeting, 3, pool);
    CHECK_INT(3, count_moved(meeting.condition));
    KILL(holder);
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_HEIRS]));
    CHECK_INT(2, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

static apr_status_t
end_with_the_lock(void *data)
{
    meeting_t *meeting = data;
    return mproc_condition_acquire(meeting->condition, test_deadline());
}

/* RL4: the same for a thread that ends with the condition's rlock. */
static void
an_ended_holder_wakes_one(apr_pool_t *pool)
{
    mproc_process_t *child;
    meeting_t meeting = new_meeting(NULL, pool);
    threads_t *waiter;
    child = start_attendant(&meeting, 1, pool);
    waiter = threads_start(1, attend_in_thread, &meeting, pool);
    await_sleepers(place_of(meeting.condition), 2);
    threads_join(threads_start(1, end_with_the_lock, &meeting, pool),
                 APR_SUCCESS);
    await_counter(&meeting.counters[WAITERS_HEIRS], 1);
    await_sleepers(place_of(meeting.condition), 1);
    NOTIFY(meeting.condition, 1);
    JOIN(child, 0);
    threads_join(waiter, APR_SUCCESS);
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_HEIRS]));
    CHECK_INT(1, atomic_load(&meeting.counters[WAITERS_NOTIFIED]));
}

static int
wait_deep_inside(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *condition;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &condition));
    for (i = 0; i < 3; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, 0));
    }
    CHILD_STATUS(MPROC_EOWNERDEAD,
                 mproc_condition_wait(condition, test_deadline()));
    for (i = 0; i < 3; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    }
    CHILD_STATUS(MPROC_ESTATE, mproc_condition_release(condition));
    return 0;
}

/* CN2, SY4: who inherits the lock in a wait has it as often as before. */
static void
an_heir_has_its_own_depth(apr_pool_t *pool)
{
    mproc_process_t *child, *holder;
    meeting_t meeting = new_meeting(NULL, pool);
    START(child, wait_deep_inside, pool, "o", meeting.condition);
    await_sleepers(place_of(meeting.condition), 1);
    holder = start_holder(&meeting, 0, pool);
    KILL(holder);
    JOIN(child, 0);
    LOCKED(meeting.condition);
    UNLOCKED(meeting.condition);
}

static const test_case_t cases[] = {
    {"the_dead_are_not_counted", the_dead_are_not_counted},
    {"killed_when_notified", a_notification_outlives_the_moved},
    {"killed_when_woken", a_notification_outlives_the_woken},
    {"nobody_else_there", a_notification_goes_to_nobody_later},
    {"some_of_many_die", some_of_many_die},
    {"a_dead_holder_wakes_one", a_dead_holder_wakes_one},
    {"a_dead_notifiers_word_counts", a_dead_notifiers_word_counts},
    {"an_ended_holder_wakes_one", an_ended_holder_wakes_one},
    {"an_heir_has_its_own_depth", an_heir_has_its_own_depth},
    {NULL, NULL}};

const test_suite_t suite_condition_death = {"condition_death", 1, cases};
