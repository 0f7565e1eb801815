/* test_pool_rules.c: what else is promised of pools and tasks, row by row (PL1,
 * PL6, PL9, PL15, PL26, PL29, PL32 to PL35, AR3, X13, X16). */
#include <apr_thread_proc.h>

#include "tasks.h"

#include "../../lib/src/async.h"
#include "../../platform/plat_proc.h"

/* PL1: as many as there are processors; their names. */
static void
as_many_as_processors(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.name = "Hand"};
    apr_array_header_t *children;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    int i, named = 0;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(mproc_cpu_count(), stats.workers);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    for (i = 0; i < children->nelts; i++) {
        mproc_process_t *child = APR_ARRAY_IDX(children, i, mproc_process_t *);
        named += strncmp(mproc_process_name(child), "Hand-", 5) == 0;
    }
    CHECK_INT(mproc_cpu_count(), named);
    pool_end(workers);
}

/* PL6: when its APR pool goes, it is terminated, not closed. */
static void
it_goes_with_its_pool(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_async_t *queued;
    blocked_t blocked;
    apr_pool_t *inner;
    apr_time_t began;
    apr_pool_create(&inner, pool);
    pool_block(&blocked, &workers, inner);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&queued, workers, square,
                                                       NULL, pool, "i", 3));
    began = mproc_clock();
    apr_pool_destroy(inner);
    CHECK(mproc_clock() - began < test_deadline());
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(queued, NULL, 0, pool));
}

/* --------------------------------------------------------- whose pool it is */

static mproc_pool_t *of_the_parent;
static mproc_async_t *its_async;

/* How many of the calls are refused. */
static int
calls_refused(apr_pool_t *pool)
{
    mproc_pool_stats_t stats;
    mproc_async_t *async;
    mproc_imap_t *imap;
    int refused = 0;
    refused += mproc_pool_apply(of_the_parent, square, NULL, 0, pool, "i", 1) ==
               MPROC_ESTATE;
    refused += mproc_pool_apply_async(&async, of_the_parent, square, NULL, pool,
                                      "i", 1) == MPROC_ESTATE;
    refused += mproc_pool_map(of_the_parent, square, NULL, 0, NULL, NULL,
                              pool) == MPROC_ESTATE;
    refused += mproc_pool_imap(&imap, of_the_parent, square, NULL, NULL, NULL,
                               pool) == MPROC_ESTATE;
    refused += mproc_pool_stats(of_the_parent, &stats) == MPROC_ESTATE;
    refused += mproc_pool_resize(of_the_parent, 3) == MPROC_ESTATE;
    refused += mproc_pool_cancel(of_the_parent, NULL) == MPROC_ESTATE;
    refused += mproc_pool_close(of_the_parent) == MPROC_ESTATE;
    refused += mproc_pool_terminate(of_the_parent) == MPROC_ESTATE;
    refused += mproc_pool_join(of_the_parent, 0) == MPROC_ESTATE;
    refused += mproc_async_wait(its_async, 0) == MPROC_ESTATE;
    refused += mproc_async_get(its_async, NULL, 0, pool) == MPROC_ESTATE;
    refused += mproc_async_cancel(its_async) == MPROC_ESTATE;
    return refused;
}
#define CALLS 13
#define ASYNC_CALLS 3

static int
use_the_parents(mproc_bytes_t args, apr_pool_t *pool)
{
    int refused = calls_refused(pool);
    (void)args;
    mproc_async_destroy(its_async);
    mproc_pool_destroy(of_the_parent);
    return refused;
}

static apr_status_t
use_ones_own(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    /* The first worker was there before the async. */
    int refused = calls_refused(pool) + (its_async == NULL ? ASYNC_CALLS : 0);
    (void)args;
    return mproc_reply(reply, "i", refused == CALLS);
}

/* PL9, X16: neither a child that was forked nor a worker may use it, and their
 * ends do it no harm. */
static void
it_is_its_makers(apr_pool_t *pool)
{
    mproc_bytes_t *items = numbers(8, pool), results[8];
    mproc_process_t *child;
    mproc_bytes_t result;
    int i;
    if (test_method() != MPROC_START_FORK) {
        test_skip("only a forked child has the parent's variables");
    }
    pool_start(&of_the_parent, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&its_async, of_the_parent, square,
                                          NULL, NULL, "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(its_async, test_deadline()));
    START(child, use_the_parents, pool, NULL);
    JOIN(child, CALLS);
    /* A worker that is forked now has them, too. */
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(of_the_parent, 2));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map(of_the_parent, use_ones_own, items,
                                             8, NULL, results, pool));
    for (i = 0; i < 8; i++) {
        CHECK_INT(1, number_of(results[i], pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(of_the_parent, square, &result,
                                               test_deadline(), pool, "i", 4));
    CHECK_INT(16, number_of(result, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(its_async, &result, 0, pool));
    CHECK_INT(9, number_of(result, pool));
    mproc_async_destroy(its_async);
    pool_end(of_the_parent);
}

/* ------------------------------------------------------------------- tasks */

/* PL15: what a map takes at once where nobody says. */
static void
chunks_of_maps(apr_pool_t *pool)
{
    static const struct {
        int count, chunk;
    } of[] = {{1, 1}, {12, 1}, {13, 2}, {24, 2}, {25, 3}, {120, 10}};
    mproc_pool_t *workers;
    mproc_async_t *async;
    size_t i;
    pool_start(&workers, 3, pool);
    for (i = 0; i < sizeof of / sizeof *of; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_map_async(
                           &async, workers, square, numbers(of[i].count, pool),
                           (apr_size_t)of[i].count, NULL, NULL, pool));
        CHECK_INT(of[i].chunk, async->batch->chunk);
        CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline()));
    }
    pool_end(workers);
}

/* PL26: never two at a time. */
typedef struct turns_t {
    atomic_int in, most, calls;
} turns_t;

static void
take_a_turn(mproc_async_t *async, void *baton)
{
    turns_t *turns = baton;
    int in = atomic_fetch_add(&turns->in, 1) + 1;
    (void)async;
    if (in > atomic_load(&turns->most)) {
        atomic_store(&turns->most, in);
    }
    apr_thread_yield();
    atomic_fetch_sub(&turns->in, 1);
    atomic_fetch_add(&turns->calls, 1);
}

static void
callbacks_take_turns(apr_pool_t *pool)
{
    turns_t turns = {0};
    mproc_callbacks_t callbacks = {take_a_turn, NULL, &turns};
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 3, pool);
    for (i = 0; i < 200; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(NULL, workers, square, &callbacks,
                                              NULL, "i", i));
    }
    pool_end(workers);
    CHECK_INT(200, atomic_load(&turns.calls));
    CHECK_INT(1, atomic_load(&turns.most));
}

/* PL29: the sentence has the task's number and the worker's pid. */
static void
errors_name_task_and_worker(apr_pool_t *pool)
{
    apr_array_header_t *children;
    mproc_pool_t *workers;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    REQUIRE(children->nelts == 1);
    CHECK_STATUS(APR_EGENERAL, mproc_pool_apply(workers, not_by_three, NULL,
                                                test_deadline(), pool, "i", 6));
    CHECK_DETAIL("task 0 (pid ");
    CHECK_DETAIL(apr_psprintf(
        pool, "(pid %" APR_INT64_T_FMT "): 6 is bad",
        mproc_process_pid(APR_ARRAY_IDX(children, 0, mproc_process_t *))));
    pool_end(workers);
}

static int counted;

static apr_status_t
count_here(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", ++counted);
}

/* PL35: what a task changes stays in its worker, for those that come after. */
static void
globals_stay_in_the_worker(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i;
    pool_start(&workers, 1, pool);
    for (i = 1; i <= 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply(workers, count_here, &result,
                                        test_deadline(), pool, ""));
        CHECK_INT(i, number_of(result, pool));
    }
    CHECK_INT(0, counted);
    pool_end(workers);
}

/* PL34: tasks and results go when they are done and dropped. */
static void
nothing_grows(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_bytes_t *items = numbers(100, pool), results[100];
    mproc_pool_t *workers;
    apr_pool_t *inner;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < 40; i++) {
        apr_pool_create(&inner, pool);
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_map(workers, square, items, 100,
                                                   NULL, results, inner));
        apr_pool_destroy(inner);
        if (i == 4) {
            CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
        }
    }
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.kind[MPROC_KIND_JOB].blocks <=
          before.kind[MPROC_KIND_JOB].blocks + 2);
    CHECK(after.total.bytes <= before.total.bytes + 100000);
    pool_end(workers);
}

/* ----------------------------------------------------------------- workers */

/* PL33, X13: closed with work queued, by workers that do one task each. */
static void
replaced_while_it_closes(apr_pool_t *pool)
{
    enum {
        COUNT = 40
    };
    mproc_pool_options_t options = {.processes = 2, .max_tasks_per_child = 1};
    mproc_async_t *async[COUNT];
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers, square, NULL,
                                              pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    for (i = 0; i < COUNT; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_async_get(async[i], &result, 0, pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK(stats.started >= COUNT);
    CHECK_INT(COUNT, stats.run);
    mproc_pool_destroy(workers);
}

/* AR3: what had come before a terminate is there. */
static void
what_came_before_terminate(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_async_t *done;
    mproc_bytes_t result;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&done, workers, square,
                                                       NULL, pool, "i", 7));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(done, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(done, &result, 0, pool));
    CHECK_INT(49, number_of(result, pool));
    mproc_pool_destroy(workers);
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(done, &result, 0, pool));
    CHECK_INT(49, number_of(result, pool));
}

/* PL32: workers that are interrupted, as by a terminal, in a task and idle: the
 * pool ends, or goes on. */
static void
interrupted_workers(apr_pool_t *pool)
{
    apr_array_header_t *children;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    blocked_t blocked;
    apr_status_t rv;
    int i, round;
    if (!mproc_plat_proc_can_fork()) {
        test_skip("this system has no interrupts");
    }
    pool_block(&blocked, &workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 2));
    for (round = 0; round < 2; round++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply(workers, square, &result, test_deadline(),
                                      pool, "i", round));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_process_active_children(&children, pool));
        for (i = 0; i < children->nelts && round == 0; i++) {
            (void)mproc_process_interrupt(
                APR_ARRAY_IDX(children, i, mproc_process_t *));
        }
    }
    /* Lost with its worker, if that takes interrupts as most do. */
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    rv = mproc_async_get(blocked.first, NULL, test_deadline(), pool);
    CHECK(rv == APR_SUCCESS || rv == MPROC_EWORKERLOST);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, 0));
    mproc_pool_destroy(workers);
}

static const test_case_t cases[] = {
    {"as_many_as_processors", as_many_as_processors},
    {"it_goes_with_its_pool", it_goes_with_its_pool},
    {"it_is_its_makers", it_is_its_makers},
    {"chunks_of_maps", chunks_of_maps},
    {"callbacks_take_turns", callbacks_take_turns},
    {"errors_name_task_and_worker", errors_name_task_and_worker},
    {"globals_stay_in_the_worker", globals_stay_in_the_worker},
    {"nothing_grows", nothing_grows},
    {"replaced_while_it_closes", replaced_while_it_closes},
    {"what_came_before_terminate", what_came_before_terminate},
    {"interrupted_workers", interrupted_workers},
    {NULL, NULL}};

const test_suite_t suite_pool_rules = {"pool_rules", 1, cases};
