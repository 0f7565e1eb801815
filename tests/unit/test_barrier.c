/* test_barrier.c: the barrier, row by row (BR1 to BR9). */
#include "reach.h"

#include "sync.h"

#define PARTIES 6 /* 3 processes, 2 threads, and the case itself */
#define ROUNDS 50
#define LONG_ROUNDS 1000
#define LOCKSTEP 5

/* What parties tell of themselves. */
enum {
    PASSED,
    BROKEN,
    ACTIONS,
    ACTOR, /* the process that ran the action */
    INDEX, /* how often each was given */
    COUNTERS = INDEX + PARTIES
};

typedef struct party_t {
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    counter_t *counters;
    int rounds;
} party_t;

static apr_status_t
act(void *baton)
{
    counter_t *counters = baton;
    atomic_fetch_add(&counters[ACTIONS], 1);
    atomic_store(&counters[ACTOR],
                 (apr_uint32_t)mproc_process_pid(mproc_process_current()));
    return APR_SUCCESS;
}

static party_t
new_party(int parties, mproc_barrier_action_fn_t action, apr_pool_t *pool)
{
    party_t party;
    party.value = new_counters(COUNTERS, pool);
    party.counters = counters_of(party.value);
    party.rounds = 1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&party.barrier, parties, action,
                                        party.counters, pool));
    return party;
}

/* Wait so many times; stop when it breaks. */
static apr_status_t
meet(party_t *party, apr_interval_time_t timeout)
{
    int i;
    for (i = 0; i < party->rounds; i++) {
        int index = -1;
        apr_status_t rv = mproc_barrier_wait(party->barrier, &index, timeout);
        if (rv == MPROC_EBROKEN) {
            atomic_fetch_add(&party->counters[BROKEN], 1);
            return APR_SUCCESS;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (index < 0 || index >= mproc_barrier_parties(party->barrier)) {
            return APR_EGENERAL;
        }
        atomic_fetch_add(&party->counters[INDEX + index % PARTIES], 1);
        atomic_fetch_add(&party->counters[PASSED], 1);
    }
    return APR_SUCCESS;
}

static apr_status_t
meet_in_thread(void *data)
{
    return meet(data, test_deadline());
}

static int
meet_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    party_t party;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "ooi", &party.barrier,
                                           &party.value, &party.rounds));
    party.counters = counters_of(party.value);
    CHILD_STATUS(APR_SUCCESS, meet(&party, test_deadline()));
    return 0;
}

/* Start a process that waits; come back when so many sleep there in all. */
static mproc_process_t *
start_party(party_t *party, int sleepers, apr_pool_t *pool)
{
    mproc_process_t *child;
    START(child, meet_in_child, pool, "ooi", party->barrier, party->value,
          party->rounds);
    await_sleepers(gate_of(party->barrier), sleepers);
    return child;
}

/* BR1. */
static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_barrier_t *barrier = (mproc_barrier_t *)pool;
    mproc_event_t *event;
    mproc_bytes_t bytes;
    int index = 7;
    CHECK_STATUS(APR_EINVAL, mproc_barrier_create(NULL, 1, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_barrier_create(&barrier, 0, NULL, NULL, pool));
    CHECK_DETAIL("0 parties");
    CHECK(barrier == NULL);
    CHECK_STATUS(APR_EINVAL,
                 mproc_barrier_create(&barrier, -3, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_barrier_create(&barrier, MPROC_BARRIER_PARTIES_MAX + 1,
                                      NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_barrier_wait(NULL, &index, 0));
    CHECK_INT(0, index);
    CHECK_STATUS(APR_EINVAL, mproc_barrier_abort(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_barrier_reset(NULL));
    CHECK_DETAIL("mproc_barrier_create()");
    CHECK_INT(0, mproc_barrier_parties(NULL));
    CHECK_INT(0, mproc_barrier_waiting(NULL));
    CHECK_INT(0, mproc_barrier_is_broken(NULL));
    mproc_barrier_destroy(NULL);
    /* Another kind of object. */
    NEW_EVENT(event);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &barrier));
    CHECK_STATUS(APR_EINVAL, mproc_barrier_wait(barrier, NULL, 0));
    CHECK_DETAIL("no barrier");
    CHECK_STATUS(APR_EINVAL, mproc_barrier_abort(barrier));
    CHECK_STATUS(APR_EINVAL, mproc_barrier_reset(barrier));
    CHECK_INT(0, mproc_barrier_waiting(barrier));
    CHECK_INT(0, mproc_event_is_set(event));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&barrier, MPROC_BARRIER_PARTIES_MAX,
                                        NULL, NULL, NULL));
    CHECK_INT(MPROC_BARRIER_PARTIES_MAX, mproc_barrier_parties(barrier));
    mproc_barrier_destroy(barrier);
}

/* BR7, BR8. */
static void
one_party_always_passes(apr_pool_t *pool)
{
    static const apr_interval_time_t spans[] = {MPROC_FOREVER, MPROC_NOWAIT, -5,
                                                1000000};
    party_t party = new_party(1, act, pool);
    int i, index;
    CHECK_INT(1, mproc_barrier_parties(party.barrier));
    for (i = 0; i < 100; i++) {
        index = 7;
        CHECK_STATUS(APR_SUCCESS,
                     mproc_barrier_wait(party.barrier, &index, spans[i % 4]));
        CHECK_INT(0, index);
        CHECK_INT(i + 1, atomic_load(&party.counters[ACTIONS]));
        CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_wait(party.barrier, NULL, 0));
    CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
}

/* BR2, BR3, BR7: nobody passes before all have come; then all do, each by
 * its own index, after the action, which ran in the last one's process. */
static void
all_wait_for_all(apr_pool_t *pool)
{
    party_t party = new_party(PARTIES, act, pool);
    mproc_process_t *child[3];
    mproc_census_t before = census_now();
    threads_t *threads;
    int i;
    for (i = 0; i < 3; i++) {
        child[i] = start_party(&party, i + 1, pool);
        CHECK_INT(i + 1, mproc_barrier_waiting(party.barrier));
    }
    threads = threads_start(2, meet_in_thread, &party, pool);
    await_sleepers(gate_of(party.barrier), PARTIES - 1);
    CHECK_INT(PARTIES, mproc_barrier_parties(party.barrier));
    CHECK_INT(PARTIES - 1, mproc_barrier_waiting(party.barrier));
    CHECK_INT(0, atomic_load(&party.counters[PASSED]));
    CHECK_INT(0, atomic_load(&party.counters[ACTIONS]));
    CHECK_STATUS(APR_SUCCESS, meet(&party, MPROC_NOWAIT));
    CHECK_INT(1, atomic_load(&party.counters[ACTIONS]));
    CHECK_INT(mproc_process_pid(mproc_process_current()),
              atomic_load(&party.counters[ACTOR]));
    CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(PARTIES, atomic_load(&party.counters[PASSED]));
    for (i = 0; i < PARTIES; i++) {
        CHECK_INT(1, atomic_load(&party.counters[INDEX + i]));
    }
    CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
    CHECK_INT(before.rescues, census_now().rescues);
}

/* BR3: the last one is a child: the action is found there, and its baton. */
static void
the_action_runs_where_the_last_is(apr_pool_t *pool)
{
    party_t party = new_party(2, act, pool);
    mproc_process_t *first = start_party(&party, 1, pool), *last;
    apr_int64_t pid;
    START(last, meet_in_child, pool, "ooi", party.barrier, party.value, 1);
    pid = mproc_process_pid(last);
    JOIN(first, 0);
    JOIN(last, 0);
    CHECK_INT(1, atomic_load(&party.counters[ACTIONS]));
    CHECK_INT(pid, atomic_load(&party.counters[ACTOR]));
    CHECK_INT(2, atomic_load(&party.counters[PASSED]));
}

/* BR2, BR4: the same, round after round. */
static void
rounds_follow_rounds(apr_pool_t *pool)
{
    party_t party = new_party(PARTIES, act, pool);
    mproc_process_t *child[3];
    mproc_census_t before = census_now();
    threads_t *threads;
    int i;
    party.rounds = ROUNDS;
    for (i = 0; i < 3; i++) {
        START(child[i], meet_in_child, pool, "ooi", party.barrier, party.value,
              ROUNDS);
    }
    threads = threads_start(2, meet_in_thread, &party, pool);
    CHECK_STATUS(APR_SUCCESS, meet(&party, test_deadline()));
    threads_join(threads, APR_SUCCESS);
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(ROUNDS, atomic_load(&party.counters[ACTIONS]));
    CHECK_INT(PARTIES * ROUNDS, atomic_load(&party.counters[PASSED]));
    for (i = 0; i < PARTIES; i++) {
        CHECK_INT(ROUNDS, atomic_load(&party.counters[INDEX + i]));
    }
    CHECK_INT(before.rescues, census_now().rescues);
}

static int
keep_step(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    counter_t *step;
    apr_uint32_t round;
    int i, me, rounds;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "ooii", &barrier, &value,
                                           &me, &rounds));
    step = counters_of(value);
    for (round = 1; round <= (apr_uint32_t)rounds; round++) {
        atomic_store(&step[me], round);
        CHILD_STATUS(APR_SUCCESS,
                     mproc_barrier_wait(barrier, NULL, test_deadline()));
        for (i = 0; i < LOCKSTEP; i++) {
            apr_uint32_t other = atomic_load(&step[i]);
            CHILD_CHECK(other == round || other == round + 1);
        }
    }
    return 0;
}

/* BR4: a thousand rounds in lockstep: nobody is ever two steps ahead. */
static void
a_thousand_rounds_in_lockstep(apr_pool_t *pool)
{
    mproc_process_t *child[LOCKSTEP];
    mproc_barrier_t *barrier;
    mproc_value_t *value = new_counters(LOCKSTEP, pool);
    int i, rounds = test_scaled(LONG_ROUNDS);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&barrier, LOCKSTEP, NULL, NULL, pool));
    for (i = 0; i < LOCKSTEP; i++) {
        START(child[i], keep_step, pool, "ooii", barrier, value, i, rounds);
    }
    for (i = 0; i < LOCKSTEP; i++) {
        JOIN(child[i], 0);
        CHECK_INT(rounds, atomic_load(&counters_of(value)[i]));
    }
    CHECK_INT(0, mproc_barrier_is_broken(barrier));
}

/* BR5: broken for all who wait and all who come. */
static void
check_broken(party_t *party)
{
    int index = 7;
    CHECK_INT(1, mproc_barrier_is_broken(party->barrier));
    CHECK_INT(0, mproc_barrier_waiting(party->barrier));
    CHECK_STATUS(MPROC_EBROKEN,
                 mproc_barrier_wait(party->barrier, &index, MPROC_FOREVER));
    CHECK_DETAIL("mproc_barrier_reset()");
    CHECK_INT(0, index);
    CHECK_STATUS(MPROC_EBROKEN,
                 mproc_barrier_wait(party->barrier, NULL, MPROC_NOWAIT));
}

/* After a reset it does what a new one would. */
static void
check_usable(party_t *party, int parties, apr_pool_t *pool)
{
    apr_uint32_t passed = atomic_load(&party->counters[PASSED]);
    threads_t *threads;
    CHECK_INT(0, mproc_barrier_is_broken(party->barrier));
    CHECK_INT(0, mproc_barrier_waiting(party->barrier));
    threads = threads_start(parties, meet_in_thread, party, pool);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT((int)passed + parties, atomic_load(&party->counters[PASSED]));
}

/* BR5, E1, E6: a time that runs out breaks it for all, also a time of none,
 * but for the last one, who need not wait. */
static void
a_time_that_runs_out_breaks_it(apr_pool_t *pool)
{
    static const apr_interval_time_t spans[] = {MPROC_NOWAIT, -5, 1, 120000};
    mproc_census_t before = census_now();
    size_t i;
    for (i = 0; i < sizeof spans / sizeof *spans; i++) {
        party_t party = new_party(3, NULL, pool);
        mproc_process_t *child = start_party(&party, 1, pool);
        apr_time_t begin = mproc_clock();
        CHECK_STATUS(MPROC_EBROKEN,
                     mproc_barrier_wait(party.barrier, NULL, spans[i]));
        CHECK_DETAIL("in time");
        CHECK(mproc_clock() - begin >= spans[i]);
        JOIN(child, 0);
        CHECK_INT(1, atomic_load(&party.counters[BROKEN]));
        check_broken(&party);
        CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
        check_usable(&party, 3, pool);
    }
    CHECK_INT(before.rescues, census_now().rescues);
}

/* BR6. */
static void
abort_and_reset(apr_pool_t *pool)
{
    mproc_census_t before = census_now();
    party_t party = new_party(3, NULL, pool);
    mproc_process_t *child[2];
    int i, abort;
    /* Idle: reset is nothing. */
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
    for (abort = 0; abort < 2; abort++) {
        for (i = 0; i < 2; i++) {
            child[i] = start_party(&party, i + 1, pool);
        }
        if (abort) {
            CHECK_STATUS(APR_SUCCESS, mproc_barrier_abort(party.barrier));
            CHECK_INT(1, mproc_barrier_is_broken(party.barrier));
            CHECK_STATUS(APR_SUCCESS, mproc_barrier_abort(party.barrier));
        }
        else {
            CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
            CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
        }
        for (i = 0; i < 2; i++) {
            JOIN(child[i], 0);
        }
        CHECK_INT(2 * (abort + 1), atomic_load(&party.counters[BROKEN]));
        if (abort) {
            check_broken(&party);
            CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
        }
        check_usable(&party, 3, pool);
    }
    /* Idle: abort breaks it. */
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_abort(party.barrier));
    check_broken(&party);
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    check_usable(&party, 3, pool);
    CHECK_INT(before.rescues, census_now().rescues);
}

/* BR6: who was sent away by a reset is not of the round that follows at once,
 * even while it has not run yet. */
static void
a_reset_round_is_over(apr_pool_t *pool)
{
    party_t party = new_party(2, act, pool);
    mproc_process_t *slow = start_party(&party, 1, pool);
    test_stop(mproc_process_pid(slow));
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    /* Its place is still taken; that is no reason to break. */
    CHECK_STATUS(APR_TIMEUP, mproc_barrier_wait(party.barrier, NULL, SOON));
    CHECK_DETAIL("yet to leave");
    CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
    test_continue(mproc_process_pid(slow));
    JOIN(slow, 0);
    CHECK_INT(1, atomic_load(&party.counters[BROKEN]));
    CHECK_INT(0, atomic_load(&party.counters[ACTIONS]));
    check_usable(&party, 2, pool);
    CHECK_INT(1, atomic_load(&party.counters[ACTIONS]));
}

static apr_status_t
act_badly(void *baton)
{
    act(baton);
    return APR_ENOTIMPL;
}

/* BR3: the action fails: that is the last one's to know. */
static void
a_failing_action_breaks_it(apr_pool_t *pool)
{
    mproc_census_t before = census_now();
    party_t party = new_party(3, act_badly, pool);
    mproc_process_t *child[2];
    int i, index = 7;
    for (i = 0; i < 2; i++) {
        child[i] = start_party(&party, i + 1, pool);
    }
    CHECK_STATUS(APR_ENOTIMPL,
                 mproc_barrier_wait(party.barrier, &index, test_deadline()));
    CHECK_DETAIL("action");
    CHECK_INT(0, index);
    for (i = 0; i < 2; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(2, atomic_load(&party.counters[BROKEN]));
    CHECK_INT(1, atomic_load(&party.counters[ACTIONS]));
    check_broken(&party);
    CHECK_INT(before.rescues, census_now().rescues);
}

/* A baton of this process's own memory arrives as it is. */
static apr_status_t
abort_own(void *baton)
{
    return mproc_barrier_abort(*(mproc_barrier_t **)baton);
}

static void
an_action_may_break_it(apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    REQUIRE_STATUS(APR_SUCCESS, mproc_barrier_create(&barrier, 1, abort_own,
                                                     &barrier, pool));
    CHECK_STATUS(MPROC_EBROKEN,
                 mproc_barrier_wait(barrier, NULL, test_deadline()));
    CHECK_INT(1, mproc_barrier_is_broken(barrier));
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(barrier));
    CHECK_STATUS(MPROC_EBROKEN, mproc_barrier_wait(barrier, NULL, 0));
}

/* BR9: killed while it waits: all others go on, and it is not counted. */
static void
a_dead_party_breaks_it(apr_pool_t *pool)
{
    party_t party = new_party(4, act, pool);
    mproc_process_t *child[3];
    int i;
    for (i = 0; i < 3; i++) {
        child[i] = start_party(&party, i + 1, pool);
    }
    KILL(child[1]);
    JOIN(child[0], 0);
    JOIN(child[2], 0);
    CHECK_INT(2, atomic_load(&party.counters[BROKEN]));
    check_broken(&party);
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    check_usable(&party, 4, pool);
    /* The first of a round, that nobody else has seen. */
    child[0] = start_party(&party, 1, pool);
    CHECK_INT(1, mproc_barrier_waiting(party.barrier));
    KILL(child[0]);
    CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    CHECK_STATUS(MPROC_EBROKEN,
                 mproc_barrier_wait(party.barrier, NULL, MPROC_FOREVER));
    CHECK_INT(1, atomic_load(&party.counters[ACTIONS]));
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    check_usable(&party, 4, pool);
}

/* BR9, BR4: the round was complete, one has yet to leave, and is killed: the
 * next round waits for it while it lives, and then goes on. */
static void
a_death_on_the_way_out_breaks_nothing(apr_pool_t *pool)
{
    party_t party = new_party(2, act, pool);
    mproc_process_t *slow = start_party(&party, 1, pool), *next;
    test_stop(mproc_process_pid(slow));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(party.barrier, NULL, MPROC_NOWAIT));
    CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_barrier_wait(party.barrier, NULL, MPROC_NOWAIT));
    next = start_party(&party, 2, pool); /* slow has yet to wake up */
    CHECK_INT(0, mproc_barrier_waiting(party.barrier));
    CHECK_INT(0, mproc_barrier_is_broken(party.barrier));
    KILL(slow);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(party.barrier, NULL, test_deadline()));
    JOIN(next, 0);
    CHECK_INT(1, atomic_load(&party.counters[PASSED]));
    CHECK_INT(0, atomic_load(&party.counters[BROKEN]));
    CHECK_INT(2, atomic_load(&party.counters[ACTIONS]));
    check_usable(&party, 2, pool);
}

static int
come_late(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &barrier));
    CHILD_STATUS(APR_SUCCESS, sleepers_come(gate_of(barrier), 1));
    /* Time for the waiter to take it for hopeless. */
    apr_sleep(SLICES);
    CHILD_STATUS(APR_SUCCESS, mproc_barrier_wait(barrier, NULL, 0));
    return 0;
}

/* LK1 for barriers: nobody else can come, and that breaks it; while another
 * process can, it is no deadlock. */
static void
a_sure_deadlock_is_told(apr_pool_t *pool)
{
    party_t party = new_party(2, act, pool);
    mproc_process_t *child;
    need_thread_count();
    CHECK_STATUS(MPROC_EDEADLK,
                 mproc_barrier_wait(party.barrier, NULL, MPROC_FOREVER));
    CHECK_DETAIL("never end");
    check_broken(&party);
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    CHECK_STATUS(MPROC_EBROKEN,
                 mproc_barrier_wait(party.barrier, NULL, SLICES));
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(party.barrier));
    START(child, come_late, pool, "o", party.barrier);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(party.barrier, NULL, MPROC_FOREVER));
    JOIN(child, 0);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    party_t party;
    mproc_process_t *child;
    int code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "ooi", &party.barrier,
                                           &party.value, &party.rounds));
    party.counters = counters_of(party.value);
    if (party.rounds == 1) {
        CHILD_STATUS(APR_SUCCESS, meet(&party, test_deadline()));
        return 0;
    }
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&child, pass_on, NULL, pool, "ooi",
                                      party.barrier, party.value,
                                      party.rounds - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_barrier_destroy(party.barrier);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    party_t party = new_party(2, act, pool);
    mproc_process_t *child;
    START(child, pass_on, pool, "ooi", party.barrier, party.value, 3);
    CHECK_STATUS(APR_SUCCESS, meet(&party, test_deadline()));
    JOIN(child, 0);
    CHECK_INT(2, atomic_load(&party.counters[PASSED]));
}

static const test_case_t cases[] = {
    {"misuse_is_a_status", misuse_is_a_status},
    {"one_party_always_passes", one_party_always_passes},
    {"all_wait_for_all", all_wait_for_all},
    {"the_last_one_acts", the_action_runs_where_the_last_is},
    {"rounds_follow_rounds", rounds_follow_rounds},
    {"1000_rounds_in_lockstep", a_thousand_rounds_in_lockstep},
    {"a_time_that_runs_out", a_time_that_runs_out_breaks_it},
    {"abort_and_reset", abort_and_reset},
    {"a_reset_round_is_over", a_reset_round_is_over},
    {"a_failing_action_breaks_it", a_failing_action_breaks_it},
    {"an_action_may_break_it", an_action_may_break_it},
    {"a_dead_party_breaks_it", a_dead_party_breaks_it},
    {"a_death_on_the_way_out", a_death_on_the_way_out_breaks_nothing},
    {"a_sure_deadlock_is_told", a_sure_deadlock_is_told},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_barrier = {"barrier", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"one_party_always_passes", one_party_always_passes},
    {"rounds_follow_rounds", rounds_follow_rounds},
    {"1000_rounds_in_lockstep", a_thousand_rounds_in_lockstep},
    {"a_time_that_runs_out", a_time_that_runs_out_breaks_it},
    {"abort_and_reset", abort_and_reset},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_far_barrier = {"far_barrier", MANAGERS, far_cases};
