/*
 * test_semaphore.c: the semaphores, row by row (SM1 to SM3, SM5, SM6, LK4).
 * SM4 is about a call that there is not.
 */
#include "reach.h"

#include "sync.h"

#define THREADS 6
#define SEATS 3
#define MEALS 300

enum {
    PLAIN,
    BOUNDED,
    OWNED,
    FORMS
};

static mproc_semaphore_t *
new_semaphore(int form, int value, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    REQUIRE_STATUS(APR_SUCCESS,
                   form == PLAIN
                       ? mproc_semaphore_create(&semaphore, value, pool)
                   : form == BOUNDED
                       ? mproc_bounded_semaphore_create(&semaphore, value, pool)
                       : mproc_owned_semaphore_create(&semaphore, value, pool));
    return semaphore;
}

/* SM1, SM3: in every form, the permits are what they are said to be. */
static void
permits_are_counted(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    int form, i;
    for (form = 0; form < FORMS; form++) {
        semaphore = new_semaphore(form, SEATS, pool);
        for (i = SEATS; i > 0; i--) {
            CHECK_INT(i, mproc_semaphore_value(semaphore));
            CHECK_STATUS(APR_SUCCESS,
                         mproc_semaphore_acquire(semaphore, i - 2));
        }
        CHECK_INT(0, mproc_semaphore_value(semaphore));
        CHECK_STATUS(APR_TIMEUP,
                     mproc_semaphore_acquire(semaphore, MPROC_NOWAIT));
        CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, -5));
        CHECK_DETAIL("no permit");
        CHECK_INT(0, mproc_semaphore_value(semaphore));
        for (i = 1; i <= SEATS; i++) {
            CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
            CHECK_INT(i, mproc_semaphore_value(semaphore));
        }
    }
}

/* SM1: 0 is allowed where anybody may release; what is negative or beyond
 * the limit is refused, and there is no object. */
static void
values_have_limits(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore = (mproc_semaphore_t *)pool;
    mproc_census_t before = census_now();
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_create(&semaphore, -1, pool));
    CHECK_DETAIL("-1");
    CHECK(semaphore == NULL);
    CHECK_STATUS(APR_EINVAL,
                 mproc_bounded_semaphore_create(&semaphore, -1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_owned_semaphore_create(&semaphore, 0, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_owned_semaphore_create(
                     &semaphore, MPROC_SEMAPHORE_OWNED_MAX + 1, pool));
    CHECK_DETAIL("65536");
    CHECK(semaphore == NULL);
    CHECK_INT(before.kind[MPROC_KIND_SEMAPHORE].blocks,
              census_now().kind[MPROC_KIND_SEMAPHORE].blocks);
    semaphore = new_semaphore(OWNED, MPROC_SEMAPHORE_OWNED_MAX, pool);
    CHECK_INT(MPROC_SEMAPHORE_OWNED_MAX, mproc_semaphore_value(semaphore));
    semaphore = new_semaphore(PLAIN, MPROC_SEMAPHORE_MAX, pool);
    CHECK_INT(MPROC_SEMAPHORE_MAX, mproc_semaphore_value(semaphore));
    CHECK_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
    CHECK_INT(MPROC_SEMAPHORE_MAX, mproc_semaphore_value(semaphore));
}

/* SM1, SM2: a plain one may rise above where it began, no other. */
static void
only_a_plain_one_rises(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore = new_semaphore(PLAIN, 0, pool);
    int form;
    CHECK_INT(0, mproc_semaphore_value(semaphore));
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    CHECK_INT(2, mproc_semaphore_value(semaphore));
    semaphore = new_semaphore(BOUNDED, 0, pool);
    CHECK_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
    CHECK_DETAIL("as many as it may have");
    CHECK_INT(0, mproc_semaphore_value(semaphore));
    for (form = BOUNDED; form <= OWNED; form++) {
        semaphore = new_semaphore(form, 2, pool);
        CHECK_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
        CHECK_INT(2, mproc_semaphore_value(semaphore));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        CHECK_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
        CHECK_INT(2, mproc_semaphore_value(semaphore));
    }
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    mproc_event_t *event;
    mproc_bytes_t bytes;
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_create(NULL, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_bounded_semaphore_create(NULL, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_owned_semaphore_create(NULL, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_release(NULL));
    CHECK_DETAIL("mproc_semaphore_create()");
    CHECK_INT(0, mproc_semaphore_value(NULL));
    mproc_semaphore_destroy(NULL);
    semaphore = new_semaphore(PLAIN, 1, NULL);
    mproc_semaphore_destroy(semaphore);
    semaphore = new_semaphore(OWNED, 1, pool);
    mproc_semaphore_destroy(semaphore);
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_acquire(semaphore, 0));
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_release(semaphore));
    /* Another kind of object. */
    NEW_EVENT(event);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &semaphore));
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_acquire(semaphore, 0));
    CHECK_DETAIL("no semaphore");
    CHECK_STATUS(APR_EINVAL, mproc_semaphore_release(semaphore));
    CHECK_INT(0, mproc_semaphore_value(semaphore));
    CHECK_INT(0, mproc_event_is_set(event));
}

/* E6. */
static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    int form;
    for (form = 0; form < FORMS; form++) {
        mproc_semaphore_t *semaphore = new_semaphore(form, 1, pool);
        apr_time_t begin;
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
        begin = mproc_clock();
        CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, 120000));
        CHECK(mproc_clock() - begin >= 120000);
    }
}

/* Gives and takes on and on, whether it had a permit or not. */
static apr_status_t
release_often(void *data)
{
    mproc_semaphore_t *semaphore = data;
    int i, wrong = 0, turns = test_scaled(20000);
    for (i = 0; i < turns; i++) {
        mproc_semaphore_release(semaphore);
        wrong += mproc_semaphore_value(semaphore) > 1;
        mproc_semaphore_acquire(semaphore, MPROC_NOWAIT);
    }
    return wrong == 0 ? APR_SUCCESS : APR_EGENERAL;
}

/* SM2: the check is one step with the release, whoever races. */
static void
the_bound_holds_in_a_race(apr_pool_t *pool)
{
    int form;
    for (form = BOUNDED; form <= OWNED; form++) {
        mproc_semaphore_t *semaphore = new_semaphore(form, 1, pool);
        threads_join(threads_start(THREADS, release_often, semaphore, pool),
                     APR_SUCCESS);
        CHECK(mproc_semaphore_value(semaphore) <= 1);
    }
}

enum {
    INSIDE,
    EATEN,
    MOST,
    COUNTERS
};

/* Eats at the table, where no more than there are seats may be. */
static apr_status_t
eat(mproc_semaphore_t *seats, counter_t *counters)
{
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < MEALS && rv == APR_SUCCESS; i++) {
        apr_uint32_t inside, most;
        rv = mproc_semaphore_acquire(seats, test_deadline());
        if (rv != APR_SUCCESS) {
            break;
        }
        inside = atomic_fetch_add(&counters[INSIDE], 1) + 1;
        most = atomic_load(&counters[MOST]);
        while (inside > most &&
               !atomic_compare_exchange_weak(&counters[MOST], &most, inside)) {
        }
        apr_thread_yield();
        atomic_fetch_add(&counters[EATEN], 1);
        atomic_fetch_sub(&counters[INSIDE], 1);
        rv = mproc_semaphore_release(seats);
    }
    return rv;
}

static int
eat_in_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *seats;
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &seats, &value));
    CHILD_STATUS(APR_SUCCESS, eat(seats, counters_of(value)));
    return 0;
}

typedef struct table_t {
    mproc_semaphore_t *seats;
    counter_t *counters;
} table_t;

static apr_status_t
eat_in_thread(void *data)
{
    table_t *table = data;
    return eat(table->seats, table->counters);
}

/* SM6, SY1: three at the table, five processes and three threads hungry. */
static void
no_more_eat_than_there_are_seats(apr_pool_t *pool)
{
    mproc_process_t *child[5];
    int form, i;
    for (form = 0; form < FORMS; form++) {
        mproc_value_t *value = new_counters(COUNTERS, pool);
        table_t table = {new_semaphore(form, SEATS, pool), counters_of(value)};
        mproc_census_t before = census_now();
        for (i = 0; i < 5; i++) {
            START(child[i], eat_in_child, pool, "oo", table.seats, value);
        }
        threads_join(threads_start(3, eat_in_thread, &table, pool),
                     APR_SUCCESS);
        for (i = 0; i < 5; i++) {
            JOIN(child[i], 0);
        }
        CHECK_INT(8 * MEALS, atomic_load(&table.counters[EATEN]));
        CHECK(atomic_load(&table.counters[MOST]) <= SEATS);
        CHECK_INT(SEATS, mproc_semaphore_value(table.seats));
        CHECK_INT(before.rescues, census_now().rescues);
    }
}

static int
take_one_and_tell(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "oo", &semaphore, &value));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_semaphore_acquire(semaphore, test_deadline()));
    atomic_fetch_add(counters_of(value), 1);
    return 0;
}

/* Each release lets one go on, and no more: SM1, for plain permits anybody's
 * release; and the end of one who has an owned permit, even a good end. */
static void
one_release_frees_one(apr_pool_t *pool)
{
    mproc_process_t *child[3];
    mproc_value_t *value = new_counters(1, pool);
    mproc_semaphore_t *semaphore = new_semaphore(PLAIN, 0, pool);
    int i;
    for (i = 0; i < 3; i++) {
        START(child[i], take_one_and_tell, pool, "oo", semaphore, value);
    }
    await_sleepers(gate_of(semaphore), 3);
    for (i = 1; i <= 3; i++) {
        CHECK_INT(i - 1, atomic_load(counters_of(value)));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        await_counter(counters_of(value), (apr_uint32_t)i);
        await_sleepers(gate_of(semaphore), 3 - i);
    }
    CHECK_INT(0, mproc_semaphore_value(semaphore));
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
    semaphore = new_semaphore(OWNED, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
    for (i = 0; i < 3; i++) {
        START(child[i], take_one_and_tell, pool, "oo", semaphore, value);
    }
    await_sleepers(gate_of(semaphore), 3);
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(1, mproc_semaphore_value(semaphore));
}

static int
take_two_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    mproc_event_t *held, *never;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &semaphore, &held, &never));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

static mproc_process_t *
start_taker(mproc_semaphore_t *semaphore, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *held, *never;
    NEW_EVENT(held);
    NEW_EVENT(never);
    START(child, take_two_for_ever, pool, "ooo", semaphore, held, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    return child;
}

/* SM5: a death changes nothing for permits that nobody owns. */
static void
plain_permits_die(apr_pool_t *pool)
{
    int form;
    for (form = PLAIN; form <= BOUNDED; form++) {
        mproc_semaphore_t *semaphore = new_semaphore(form, SEATS, pool);
        mproc_process_t *child = start_taker(semaphore, pool);
        KILL(child);
        CHECK_INT(SEATS - 2, mproc_semaphore_value(semaphore));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
        CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, SOON));
        /* Anybody may give them back. */
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        CHECK_INT(SEATS, mproc_semaphore_value(semaphore));
    }
}

/* SM5: those of a dead process come back, to who waits, to who comes, and to
 * who tries before anybody has noticed the death. */
static void
owned_permits_come_back(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore = new_semaphore(OWNED, 2, pool);
    mproc_process_t *child, *waiter[2];
    mproc_value_t *value = new_counters(1, pool);
    int i;
    child = start_taker(semaphore, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, 0));
    for (i = 0; i < 2; i++) {
        START(waiter[i], take_one_and_tell, pool, "oo", semaphore, value);
    }
    await_sleepers(gate_of(semaphore), 2);
    KILL(child);
    for (i = 0; i < 2; i++) {
        JOIN(waiter[i], 0);
    }
    CHECK_INT(2, atomic_load(counters_of(value)));
    CHECK_INT(2, mproc_semaphore_value(semaphore));
    child = start_taker(semaphore, pool);
    CHECK_INT(0, mproc_semaphore_value(semaphore));
    test_kill(mproc_process_pid(child));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_semaphore_acquire(semaphore, test_deadline()));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_semaphore_acquire(semaphore, test_deadline()));
    CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    CHECK_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

static int
find_none_to_release(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &semaphore));
    CHILD_CHECK(mproc_semaphore_value(semaphore) == 1);
    CHILD_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    CHILD_STATUS(MPROC_ESTATE, mproc_semaphore_release(semaphore));
    return 0;
}

static apr_status_t
release_in_thread(void *data)
{
    return mproc_semaphore_release(data);
}

/* CTX13: a permit is its process's, not that of a copy; but any thread's. */
static void
owned_permits_are_the_owners(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore = new_semaphore(OWNED, 2, pool);
    mproc_process_t *child;
    CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
    START(child, find_none_to_release, pool, "o", semaphore);
    JOIN(child, 0);
    CHECK_INT(1, mproc_semaphore_value(semaphore));
    threads_join(threads_start(1, release_in_thread, semaphore, pool),
                 APR_SUCCESS);
    CHECK_INT(2, mproc_semaphore_value(semaphore));
}

/* SY4: killed while it waits; killed when the wake-up was its own. */
static void
a_dead_waiter_harms_nobody(apr_pool_t *pool)
{
    int form;
    for (form = 0; form < FORMS; form++) {
        mproc_semaphore_t *semaphore = new_semaphore(form, 1, pool);
        mproc_value_t *value = new_counters(1, pool);
        mproc_process_t *dead[2], *living;
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
        START(dead[0], take_one_and_tell, pool, "oo", semaphore, value);
        await_sleepers(gate_of(semaphore), 1);
        START(dead[1], take_one_and_tell, pool, "oo", semaphore, value);
        await_sleepers(gate_of(semaphore), 2);
        START(living, take_one_and_tell, pool, "oo", semaphore, value);
        await_sleepers(gate_of(semaphore), 3);
        KILL(dead[0]);
        test_stop(mproc_process_pid(dead[1]));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        KILL(dead[1]);
        JOIN(living, 0);
        CHECK_INT(1, atomic_load(counters_of(value)));
    }
}

static int
release_late(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &semaphore));
    CHILD_STATUS(APR_SUCCESS, sleepers_come(gate_of(semaphore), 1));
    /* Time for the waiter to take it for hopeless. */
    apr_sleep(SLICES);
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
    return 0;
}

static apr_status_t
release_late_in_thread(void *data)
{
    apr_status_t rv = sleepers_come(gate_of(data), 1);
    apr_sleep(SLICES);
    return rv == APR_SUCCESS ? mproc_semaphore_release(data) : rv;
}

/* LK1 for semaphores: told when nobody can release, and only then. */
static void
a_sure_deadlock_is_told(apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    mproc_process_t *child;
    threads_t *threads;
    int form;
    need_thread_count();
    for (form = 0; form < FORMS; form++) {
        semaphore = new_semaphore(form, 1, pool);
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_acquire(semaphore, 0));
        CHECK_STATUS(MPROC_EDEADLK,
                     mproc_semaphore_acquire(semaphore, MPROC_FOREVER));
        CHECK_DETAIL("never end");
        CHECK_STATUS(APR_TIMEUP, mproc_semaphore_acquire(semaphore, SLICES));
        CHECK_STATUS(APR_SUCCESS, mproc_semaphore_release(semaphore));
        CHECK_INT(1, mproc_semaphore_value(semaphore));
    }
    semaphore = new_semaphore(PLAIN, 0, pool);
    START(child, release_late, pool, "o", semaphore);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_semaphore_acquire(semaphore, MPROC_FOREVER));
    JOIN(child, 0);
    threads = threads_start(1, release_late_in_thread, semaphore, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_semaphore_acquire(semaphore, MPROC_FOREVER));
    threads_join(threads, APR_SUCCESS);
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_semaphore_t *plain, *owned;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &plain, &owned, &depth));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_release(plain));
    CHILD_STATUS(APR_SUCCESS, mproc_semaphore_acquire(owned, 0));
    if (depth == 0) {
        CHILD_STATUS(APR_TIMEUP, mproc_semaphore_acquire(owned, 0));
        return 0;
    }
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&child, pass_on, NULL, pool, "ooi", plain,
                                      owned, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_semaphore_destroy(plain);
    mproc_semaphore_destroy(owned);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_semaphore_t *plain = new_semaphore(PLAIN, 0, pool);
    mproc_semaphore_t *owned = new_semaphore(OWNED, 3, pool);
    START(child, pass_on, pool, "ooi", plain, owned, 2);
    JOIN(child, 0);
    CHECK_INT(3, mproc_semaphore_value(plain));
    CHECK_INT(3, mproc_semaphore_value(owned));
}

static const test_case_t cases[] = {
    {"permits_are_counted", permits_are_counted},
    {"values_have_limits", values_have_limits},
    {"only_a_plain_one_rises", only_a_plain_one_rises},
    {"misuse_is_a_status", misuse_is_a_status},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"the_bound_holds_in_a_race", the_bound_holds_in_a_race},
    {"three_at_a_table", no_more_eat_than_there_are_seats},
    {"one_release_frees_one", one_release_frees_one},
    {"plain_permits_die", plain_permits_die},
    {"owned_permits_come_back", owned_permits_come_back},
    {"owned_permits_are_the_owners", owned_permits_are_the_owners},
    {"a_dead_waiter_harms_nobody", a_dead_waiter_harms_nobody},
    {"a_sure_deadlock_is_told", a_sure_deadlock_is_told},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_semaphore = {"semaphore", 1, cases};

/* Without those that look at the arena, take many calls, or ask for what a
 * manager's has not. */
static const test_case_t far_cases[] = {
    {"permits_are_counted", permits_are_counted},
    {"only_a_plain_one_rises", only_a_plain_one_rises},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"three_at_a_table", no_more_eat_than_there_are_seats},
    {"plain_permits_die", plain_permits_die},
    {"owned_permits_are_the_owners", owned_permits_are_the_owners},
    {NULL, NULL}};

const test_suite_t suite_far_semaphore = {"far_semaphore", MANAGERS, far_cases};
