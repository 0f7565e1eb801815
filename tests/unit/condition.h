/* condition.h: who waits at a condition, in processes and in threads. */
#ifndef MPROC_TESTS_CONDITION_H
#define MPROC_TESTS_CONDITION_H

#include "sync.h"

/* What waiters tell of themselves. */
enum {
    WAITERS_IN,       /* have had the lock, and wait or have waited */
    WAITERS_NOTIFIED, /* went on with APR_SUCCESS */
    WAITERS_LATE,     /* with APR_TIMEUP */
    WAITERS_HEIRS,    /* with MPROC_EOWNERDEAD */
    WAITERS_COUNTERS
};

typedef struct meeting_t {
    mproc_condition_t *condition;
    mproc_value_t *value;
    counter_t *counters;
} meeting_t;

/* With a lock of its own, or that. */
static inline meeting_t
new_meeting(void *lock, apr_pool_t *pool)
{
    meeting_t meeting;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&meeting.condition, lock, pool));
    meeting.value = new_counters(WAITERS_COUNTERS, pool);
    meeting.counters = counters_of(meeting.value);
    return meeting;
}

/* Waits once, and tells what came of it; then the lock is released. */
static inline apr_status_t
attend(meeting_t *meeting, apr_interval_time_t timeout)
{
    apr_status_t rv =
        mproc_condition_acquire(meeting->condition, test_deadline());
    if (rv != APR_SUCCESS) {
        return rv;
    }
    atomic_fetch_add(&meeting->counters[WAITERS_IN], 1);
    rv = mproc_condition_wait(meeting->condition, timeout);
    switch (rv) {
    case APR_SUCCESS:
        atomic_fetch_add(&meeting->counters[WAITERS_NOTIFIED], 1);
        break;
    case APR_TIMEUP:
        atomic_fetch_add(&meeting->counters[WAITERS_LATE], 1);
        break;
    case MPROC_EOWNERDEAD:
        atomic_fetch_add(&meeting->counters[WAITERS_HEIRS], 1);
        break;
    default:
        return rv;
    }
    return mproc_condition_release(meeting->condition);
}

static inline apr_status_t
attend_in_thread(void *data)
{
    return attend(data, test_deadline());
}

static inline int
attend_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    meeting_t meeting;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &meeting.condition,
                                           &meeting.value));
    meeting.counters = counters_of(meeting.value);
    CHILD_STATUS(APR_SUCCESS, attend(&meeting, test_deadline()));
    return 0;
}

/* Start a process that waits; come back when so many wait in all. */
static inline mproc_process_t *
start_attendant(meeting_t *meeting, int waiting, apr_pool_t *pool)
{
    mproc_process_t *child;
    START(child, attend_in_child, pool, "oo", meeting->condition,
          meeting->value);
    await_sleepers(place_of(meeting->condition), waiting);
    return child;
}

#define LOCKED(condition)                                                      \
    REQUIRE_STATUS(APR_SUCCESS,                                                \
                   mproc_condition_acquire((condition), test_deadline()))
#define UNLOCKED(condition)                                                    \
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition))
#define NOTIFY(condition, n)                                                   \
    do {                                                                       \
        LOCKED(condition);                                                     \
        CHECK_STATUS(APR_SUCCESS, mproc_condition_notify((condition), (n)));   \
        UNLOCKED(condition);                                                   \
    } while (0)

#endif
