/* test_parking.c: waiting and waking, alone and between threads. */
#include <apr_thread_proc.h>

#include "sleepers.h"
#include "test.h"

#include "../../lib/src/arena.h"
#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"

#define WAITERS 6

typedef struct place_t {
    mproc_value_t *value;
    _Atomic apr_uint64_t *open; /* what the waiters wait for */
    _Atomic apr_uint64_t *ready, *woken;
} place_t;

static int
is_shut(void *baton)
{
    return atomic_load(((place_t *)baton)->open) == 0;
}

static void
place_make(place_t *place, apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&place->value, 64, NULL, pool));
    place->open = mproc_value_data(place->value);
    place->ready = place->open + 1;
    place->woken = place->open + 2;
}

/* How many wait on the word: each is woken by none but itself. */
static void
await(_Atomic apr_uint64_t *word, apr_uint64_t value)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (atomic_load(word) != value) {
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
    }
}

static void
nothing_to_wait_for_returns_at_once(apr_pool_t *pool)
{
    place_t place;
    void *word;
    place_make(&place, pool);
    atomic_store(place.open, 1);
    word = place.open;
    CHECK_STATUS(APR_SUCCESS, mproc__park(&word, 1, is_shut, NULL, &place, 0));
    CHECK_INT(0, mproc__unpark(place.open, MPROC__ALL));
    CHECK_INT(1, mproc__spin(is_shut, &place));
}

static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    place_t place;
    apr_time_t begin, spans[] = {0, 1, 1000, 20000, 150000};
    size_t i;
    void *word;
    place_make(&place, pool);
    word = place.open;
    for (i = 0; i < sizeof spans / sizeof *spans; i++) {
        begin = mproc_clock();
        CHECK_STATUS(APR_TIMEUP, mproc__park(&word, 1, is_shut, NULL, &place,
                                             mproc__deadline(spans[i])));
        CHECK(mproc_clock() - begin >= spans[i]);
    }
    CHECK_STATUS(APR_TIMEUP, mproc__park(&word, 1, is_shut, NULL, &place, 1));
}

/* Waits once: one wake-up ends it. */
static void *APR_THREAD_FUNC
wait_once(apr_thread_t *thread, void *data)
{
    place_t *place = data;
    void *words[2];
    apr_time_t deadline = mproc__deadline(test_deadline());
    apr_status_t rv;
    words[0] = place->ready;
    words[1] = place->open;
    atomic_fetch_add(place->ready, 1);
    rv = mproc__park(words, 2, is_shut, NULL, place, deadline);
    atomic_fetch_add(place->woken, 1);
    apr_thread_exit(thread, rv);
    return NULL;
}

static apr_uint64_t
count_rescues(void)
{
    mproc_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return census.rescues;
}

static void
each_wakeup_goes_to_one(apr_pool_t *pool)
{
    apr_thread_t *thread[WAITERS];
    place_t place;
    apr_uint64_t rescues = count_rescues();
    int i, woken = 0;
    place_make(&place, pool);
    for (i = 0; i < WAITERS; i++) {
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread[i], NULL,
                                                      wait_once, &place, pool));
    }
    await(place.ready, WAITERS);
    /* The wrong word wakes nobody; the right one as many as are asked for,
     * once they sleep. */
    CHECK_INT(0, mproc__unpark(place.woken, MPROC__ALL));
    while (woken < 2) {
        woken += mproc__unpark(place.open, 2 - woken);
    }
    await(place.woken, 2);
    while (woken < WAITERS) {
        woken += mproc__unpark(place.ready, MPROC__ALL);
    }
    await(place.woken, WAITERS);
    for (i = 0; i < WAITERS; i++) {
        apr_status_t rv = APR_EGENERAL;
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread[i]));
        CHECK_STATUS(APR_SUCCESS, rv);
    }
    CHECK_INT(rescues, count_rescues());
}

/* Waits under its own number; the order of the wake-ups is written down. */
typedef struct turn_t {
    place_t *place;
    apr_uint64_t number;
} turn_t;

static void *APR_THREAD_FUNC
wait_turn(apr_thread_t *thread, void *data)
{
    turn_t *turn = data;
    void *word = turn->place->open;
    apr_status_t rv;
    atomic_fetch_add(turn->place->ready, 1);
    rv = mproc__park(&word, 1, is_shut, NULL, turn->place,
                     mproc__deadline(test_deadline()));
    if (atomic_fetch_add(turn->place->woken, 1) != turn->number) {
        rv = APR_EGENERAL;
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

static void
who_waits_longest_is_first(apr_pool_t *pool)
{
    apr_thread_t *thread[WAITERS];
    turn_t turn[WAITERS];
    place_t place;
    apr_uint64_t i;
    place_make(&place, pool);
    for (i = 0; i < WAITERS; i++) {
        turn[i].place = &place;
        turn[i].number = i;
        REQUIRE_STATUS(
            APR_SUCCESS,
            apr_thread_create(&thread[i], NULL, wait_turn, &turn[i], pool));
        await_sleepers(place.open, (int)i + 1);
    }
    for (i = 0; i < WAITERS; i++) {
        CHECK_INT(1, mproc__unpark(place.open, 1));
        await(place.woken, i + 1);
    }
    for (i = 0; i < WAITERS; i++) {
        apr_status_t rv = APR_EGENERAL;
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread[i]));
        CHECK_STATUS(APR_SUCCESS, rv);
    }
}

static void
timeouts_become_deadlines(apr_pool_t *pool)
{
    apr_time_t now = mproc_clock();
    (void)pool;
    CHECK_INT(APR_INT64_MAX, mproc__deadline(MPROC_FOREVER));
    CHECK_INT(0, mproc__deadline(MPROC_NOWAIT));
    CHECK_INT(0, mproc__deadline(-2));
    CHECK(mproc__deadline(1000000) >= now + 1000000);
    CHECK_INT(APR_INT64_MAX, mproc__deadline(APR_INT64_MAX));
    /* E1: what is left of a time that has passed is 0, never FOREVER. */
    CHECK_INT(0, mproc_timeout_until(now - 1));
    CHECK_INT(0, mproc_timeout_until(0));
    CHECK(mproc_timeout_until(now + 60000000) > 0);
    CHECK(mproc_clock() >= now);
}

static int
look_in_vain(void *baton)
{
    ++*(int *)baton;
    return 1;
}

/* It looks less and less, then once a wait; but now and then it tries. */
static void
spinning_that_does_not_pay_is_left(apr_pool_t *pool)
{
    int looks, once = 0, tries = 0, i;

    (void)pool;
    for (i = 0; i < 1000; i++) {
        looks = 0;
        CHECK_INT(0, mproc__spin(look_in_vain, &looks));
        REQUIRE(looks >= 1);
    }
    for (i = 0; i < 1000; i++) {
        looks = 0;
        CHECK_INT(0, mproc__spin(look_in_vain, &looks));
        once += looks == 1;
        tries += looks > 10;
    }
    CHECK(once > 980);
    CHECK_INT(mproc_cpu_count() > 1, tries > 0);
}

static const test_case_t cases[] = {
    {"nothing_to_wait_for", nothing_to_wait_for_returns_at_once},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"each_wakeup_goes_to_one", each_wakeup_goes_to_one},
    {"who_waits_longest_is_first", who_waits_longest_is_first},
    {"timeouts_become_deadlines", timeouts_become_deadlines},
    {"spinning_that_does_not_pay_is_left", spinning_that_does_not_pay_is_left},
    {NULL, NULL}};

const test_suite_t suite_parking = {"parking", 0, cases};
