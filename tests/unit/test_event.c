/* test_event.c: the event, row by row (EV1 to EV4, SY4). */
#include "reach.h"

#include "sync.h"

#define CHILDREN 4

/* EV1. */
static void
set_and_clear(apr_pool_t *pool)
{
    mproc_event_t *event;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_INT(0, mproc_event_is_set(event));
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_INT(1, mproc_event_is_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_INT(0, mproc_event_is_set(event));
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, -7));
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    CHECK_STATUS(APR_EINVAL, mproc_event_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_event_set(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_event_clear(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_event_wait(NULL, 0));
    CHECK_DETAIL("mproc_event_create()");
    CHECK_INT(0, mproc_event_is_set(NULL));
    mproc_event_destroy(NULL);
}

/* An object of another kind is refused, with a sentence, and takes no harm. */
static void
another_kind_is_refused(apr_pool_t *pool)
{
    mproc_event_t *event;
    mproc_bytes_t bytes;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", lock));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &event));
    CHECK_STATUS(APR_EINVAL, mproc_event_set(event));
    CHECK_DETAIL("no event");
    CHECK_STATUS(APR_EINVAL, mproc_event_clear(event));
    CHECK_STATUS(APR_EINVAL, mproc_event_wait(event, MPROC_NOWAIT));
    CHECK_INT(0, mproc_event_is_set(event));
    CHECK_INT(0, mproc_lock_locked(lock));
}

/* EV2, E6. */
static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    mproc_event_t *event;
    apr_time_t begin = mproc_clock();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, 120000));
    CHECK(mproc_clock() - begin >= 120000);
}

static int
wait_for_event(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &event));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    return 0;
}

/* EV3, EV4: one set frees all who wait, also when it is cleared at once. */
static void
set_frees_all_who_wait(apr_pool_t *pool)
{
    mproc_census_t before = census_now();
    mproc_process_t *child[CHILDREN];
    mproc_event_t *event;
    int i, round;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    for (round = 0; round < 3; round++) {
        for (i = 0; i < CHILDREN; i++) {
            START(child[i], wait_for_event, pool, "o", event);
        }
        await_sleepers(shared_of(event), CHILDREN);
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
        for (i = 0; i < CHILDREN; i++) {
            JOIN(child[i], 0);
        }
    }
    CHECK_INT(before.rescues, census_now().rescues);
}

/* SY4: set never waits for a waiter that died. */
static void
a_dead_waiter_harms_nobody(apr_pool_t *pool)
{
    mproc_process_t *child[CHILDREN];
    mproc_event_t *event;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], wait_for_event, pool, "o", event);
    }
    await_sleepers(shared_of(event), CHILDREN);
    for (i = 0; i < CHILDREN - 1; i++) {
        KILL(child[i]);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    JOIN(child[CHILDREN - 1], 0);
}

static int
ping(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *to, *from;
    int i, rounds;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &to, &from, &rounds));
    for (i = 0; i < rounds; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_event_wait(to, test_deadline()));
        CHILD_STATUS(APR_SUCCESS, mproc_event_clear(to));
        CHILD_STATUS(APR_SUCCESS, mproc_event_set(from));
    }
    return 0;
}

/* No wake-up is lost in many, and none had to be found by looking around. */
static void
no_wakeup_is_lost(apr_pool_t *pool)
{
    enum {
        ROUNDS = 3000
    };
    mproc_process_t *child;
    mproc_event_t *to, *from;
    mproc_census_t before, after;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&to, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&from, pool));
    START(child, ping, pool, "ooi", to, from, ROUNDS);
    for (i = 0; i < ROUNDS; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_set(to));
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(from, test_deadline()));
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_clear(from));
    }
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.rescues, after.rescues);
}

static apr_status_t
wait_in_thread(void *data)
{
    return mproc_event_wait(data, test_deadline());
}

/* EV2: each is woken, and none has to find out by looking around. (When a
 * process ends, all who sleep are woken; threads end quietly.) */
static void
set_wakes_each_thread(apr_pool_t *pool)
{
    mproc_event_t *event;
    mproc_census_t before = census_now();
    threads_t *threads;
    NEW_EVENT(event);
    threads = threads_start(2 * CHILDREN, wait_in_thread, event, pool);
    await_sleepers(shared_of(event), 2 * CHILDREN);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(before.rescues, census_now().rescues);
}

/* EV3, EV4: threads and processes mixed; set and cleared at once, before any
 * of them has run: all have seen it. */
static void
a_short_set_frees_all(apr_pool_t *pool)
{
    mproc_process_t *child[CHILDREN];
    mproc_event_t *event;
    mproc_census_t before = census_now();
    threads_t *threads;
    int i;
    NEW_EVENT(event);
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], wait_for_event, pool, "o", event);
    }
    threads = threads_start(CHILDREN, wait_in_thread, event, pool);
    await_sleepers(shared_of(event), 2 * CHILDREN);
    for (i = 0; i < CHILDREN; i++) {
        test_stop(mproc_process_pid(child[i]));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    for (i = 0; i < CHILDREN; i++) {
        test_continue(mproc_process_pid(child[i]));
        JOIN(child[i], 0);
    }
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, MPROC_NOWAIT));
    CHECK_INT(before.rescues, census_now().rescues);
}

static int
set_late(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &event));
    CHILD_STATUS(APR_SUCCESS, sleepers_come(shared_of(event), 1));
    /* Time for the waiter to take it for hopeless. */
    apr_sleep(SLICES);
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(event));
    return 0;
}

/* EV2, and LK1 for events: a wait that nobody can end is told of, a wait that
 * another process can end is not. */
static void
a_sure_deadlock_is_told(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *event;
    need_thread_count();
    NEW_EVENT(event);
    CHECK_STATUS(MPROC_EDEADLK, mproc_event_wait(event, MPROC_FOREVER));
    CHECK_DETAIL("never end");
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, SLICES));
    START(child, set_late, pool, "o", event);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, MPROC_FOREVER));
    JOIN(child, 0);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *event;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &event, &depth));
    if (depth == 0) {
        return mproc_event_set(event) != APR_SUCCESS;
    }
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&child, pass_on, NULL, pool,
                                                   "oi", event, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_event_destroy(event);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *event;
    NEW_EVENT(event);
    START(child, pass_on, pool, "oi", event, 2);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    JOIN(child, 0);
}

static const test_case_t cases[] = {
    {"set_and_clear", set_and_clear},
    {"misuse_is_a_status", misuse_is_a_status},
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"set_frees_all_who_wait", set_frees_all_who_wait},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"no_wakeup_is_lost", no_wakeup_is_lost},
    {"set_wakes_each_thread", set_wakes_each_thread},
    {"a_short_set_frees_all", a_short_set_frees_all},
    {"a_sure_deadlock_is_told", a_sure_deadlock_is_told},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_event = {"event", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"set_and_clear", set_and_clear},
    {"another_kind_is_refused", another_kind_is_refused},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"set_frees_all_who_wait", set_frees_all_who_wait},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"no_wakeup_is_lost", no_wakeup_is_lost},
    {"set_wakes_each_thread", set_wakes_each_thread},
    {"a_short_set_frees_all", a_short_set_frees_all},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_far_event = {"far_event", MANAGERS, far_cases};
