/* test_pool_users.c: what users of pools elsewhere rely on, beside what
 * test_pool_rules.c has (PL1, PL2, PL5, PL9 to PL12, PL17, PL18, PL24, X9,
 * X14 to X16). */
#include "tasks.h"

static void
nothing_to_do(const void *in, void *out, void *baton)
{
    (void)in;
    (void)out;
    (void)baton;
}

static apr_status_t
no_items(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    (void)item;
    (void)baton;
    (void)pool;
    return APR_EOF;
}

/* ------------------------------------------------------------------ making */

static int
costs_handles(apr_pool_t *pool)
{
    int before = test_handles(), with;
    mproc_process_t *child;
    START(child, nothing, pool, NULL);
    with = test_handles();
    JOIN(child, 0);
    return with > before;
}

/* PL1: all of them, or none. */
static void
one_cannot_be_started(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 30};
    apr_array_header_t *children;
    mproc_pool_t *workers;
    apr_status_t rv;
    options.start_method = test_method();
    start_server(pool);
    if (!costs_handles(pool)) {
        test_skip("a process costs no handle here");
    }
    if (!test_handles_limit(20)) {
        test_skip("handles cannot be limited here");
    }
    rv = mproc_pool_create(&workers, &options, pool);
    test_handles_limit(-1);
    CHECK(rv != APR_SUCCESS);
    CHECK(mproc_error_detail()[0] != '\0');
    CHECK(workers == NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHECK_INT(0, children->nelts);
    pool_start(&workers, 3, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    pool_end(workers);
}

static int
never_started(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static apr_status_t
start_others(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_pool_t *workers;
    apr_status_t made, started = APR_SUCCESS;
    (void)args;
    made = mproc_process_create(&process, never_started, NULL, pool, "");
    if (made == APR_SUCCESS) {
        started = mproc_process_start(process);
    }
    return mproc_reply(reply, "ii", (int)(made | started),
                       (int)mproc_pool_create(&workers, NULL, pool));
}

/* PL2. */
static void
tasks_start_no_processes(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int process = 0, pools = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply(workers, start_others, &result,
                                                 test_deadline(), pool, ""));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_unpack(result, pool, "ii", &process, &pools));
    CHECK_INT(MPROC_ESTATE, process);
    CHECK_INT(MPROC_ESTATE, pools);
    pool_end(workers);
}

/* -------------------------------------------------------------------- life */

/* Each call that brings work, or changes how much can be done. */
static void
check_takes_nothing(mproc_pool_t *workers, apr_pool_t *pool)
{
    mproc_bytes_t *items = numbers(3, pool), results[3];
    mproc_async_t *async;
    mproc_imap_t *imap;
    int in = 1;
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_apply(workers, square, NULL,
                                                 MPROC_FOREVER, pool, "i", 1));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_apply_async(&async, workers, square,
                                                       NULL, pool, "i", 1));
    CHECK(async == NULL);
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_map(workers, square, items, 3, NULL,
                                               results, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_map_async(&async, workers, square, items, 3, NULL,
                                      NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_imap(&imap, workers, square,
                                                no_items, NULL, NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_imap_unordered(&imap, workers, square, no_items,
                                           NULL, NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_map_array(workers, nothing_to_do, &in, 1, sizeof in,
                                      NULL, 0, NULL));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_resize(workers, 2));
}

/* PL5. */
static void
a_closed_one_takes_nothing(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    check_takes_nothing(workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    check_takes_nothing(workers, pool);
    mproc_pool_destroy(workers);
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    check_takes_nothing(workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

static int
leave_it_busy(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_event_t *begun, *event;
    mproc_pool_t *workers;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &begun, &event));
    options.start_method = MPROC_START_SPAWN;
    CHILD_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    for (i = 0; i < 5; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(NULL, workers, wait_for_event, NULL,
                                            NULL, "oo", begun, event));
    }
    return mproc_event_wait(begun, MPROC_FOREVER) == APR_SUCCESS ? 5 : 1;
}

/* PL10, PL11: nobody closes it, and tasks run: the end of the program ends
 * them. */
static void
the_programs_end_ends_it(apr_pool_t *pool)
{
    mproc_event_t *begun, *event;
    mproc_process_t *child;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    START(child, leave_it_busy, pool, "oo", begun, event);
    JOIN(child, 5);
}

static mproc_pool_t *inherited; /* by fork; else NULL */

static int
use_the_parents(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_pool_stats_t stats;
    mproc_async_t *async;
    mproc_imap_t *imap;
    apr_status_t no = inherited == NULL ? APR_EINVAL : MPROC_ESTATE;
    (void)args;
    CHILD_STATUS(no,
                 mproc_pool_apply(inherited, square, NULL, 0, pool, "i", 1));
    CHILD_STATUS(no, mproc_pool_map_async(&async, inherited, square, NULL, 0,
                                          NULL, NULL, pool));
    CHILD_STATUS(no, mproc_pool_imap(&imap, inherited, square, no_items, NULL,
                                     NULL, pool));
    CHILD_STATUS(no, mproc_pool_map_array(inherited, nothing_to_do, NULL, 1, 0,
                                          NULL, 0, NULL));
    CHILD_STATUS(no, mproc_pool_stats(inherited, &stats));
    CHILD_STATUS(no, mproc_pool_resize(inherited, 2));
    CHILD_STATUS(no, mproc_pool_close(inherited));
    CHILD_STATUS(no, mproc_pool_terminate(inherited));
    CHILD_STATUS(no, mproc_pool_join(inherited, MPROC_FOREVER));
    mproc_pool_destroy(inherited);
    return 0;
}

static apr_status_t
use_the_pool_it_runs_in(mproc_bytes_t args, mproc_reply_t *reply,
                        apr_pool_t *pool)
{
    (void)args;
    return mproc_reply(reply, "i",
                       (int)mproc_pool_apply(inherited, square, NULL,
                                             MPROC_FOREVER, pool, "i", 1));
}

static apr_status_t
die(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    test_kill(mproc_process_pid(mproc_process_current()));
    return APR_SUCCESS;
}

/* PL9, X16: another process, and a worker, are refused; the parent's pool is as
 * it was. */
static void
only_its_maker_uses_it(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    pool_start(&workers, 1, pool);
    inherited = workers;
    START(child, use_the_parents, pool, NULL);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(1, stats.started);
    /* One that was started after it was made. */
    CHECK_STATUS(
        MPROC_EWORKERLOST,
        mproc_pool_apply(workers, die, NULL, test_deadline(), pool, ""));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply(workers, use_the_pool_it_runs_in, &result,
                                    test_deadline(), pool, ""));
    CHECK_INT(test_method() == MPROC_START_FORK ? MPROC_ESTATE : APR_EINVAL,
              number_of(result, pool));
    inherited = NULL;
    pool_end(workers);
}

/* ------------------------------------------------------------------- tasks */

/* PL12, AR2: who gives up waiting does not end the task. */
static void
an_apply_that_is_given_up(apr_pool_t *pool)
{
    mproc_event_t *begun, *event;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_pool_apply(workers, wait_for_event, NULL,
                                              1000, pool, "oo", begun, event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(2, stats.run);
    CHECK_INT(1, stats.started);
    pool_end(workers);
}

static apr_status_t
add(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int a = 0, b = 0;
    apr_status_t rv = mproc_unpack(args, pool, "ii", &a, &b);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", a + b) : rv;
}

/* PL18: several arguments of each item. */
static void
several_arguments(apr_pool_t *pool)
{
    mproc_bytes_t items[6], results[6];
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < 6; i++) {
        mproc_pack(&items[i], pool, "ii", i, 6 + i);
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map(workers, add, items, 6, NULL, results, pool));
    for (i = 0; i < 6; i++) {
        CHECK_INT(6 + 2 * i, number_of(results[i], pool));
    }
    pool_end(workers);
}

/* PL17: no items, in any form. */
static void
no_items_at_all(apr_pool_t *pool)
{
    mproc_task_options_t options = {.chunk = 3};
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map(workers, square, NULL, 0, &options,
                                             NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, square, NULL, 0,
                                        &options, NULL, pool));
    CHECK(mproc_async_ready(async));
    CHECK_INT(0, mproc_async_count(async));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(async, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_imap(&imap, workers, square,
                                                no_items, NULL, NULL, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, square, no_items,
                                             NULL, &options, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    pool_end(workers);
}

static apr_status_t
to_hundred(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    int *next = baton;
    return *next == 100 ? APR_EOF : mproc_pack(item, pool, "i", (*next)++);
}

/* PL24: with one worker, in order. */
static void
one_worker_keeps_the_order(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    mproc_imap_t *imap;
    int i, next = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, not_by_three,
                                             to_hundred, &next, NULL, pool));
    for (i = 0; i < 100; i++) {
        CHECK_STATUS(i % 3 == 0 ? APR_EGENERAL : APR_SUCCESS,
                     mproc_imap_next(imap, &result, test_deadline(), pool));
        CHECK_INT(i, mproc_imap_index(imap));
    }
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
    pool_end(workers);
}

/* ----------------------------------------------------------------- workers */

/* X9: a crash after the close costs its task alone, and holds up nobody. */
static void
a_crash_after_the_close(apr_pool_t *pool)
{
    mproc_async_t *lost, *after[5];
    mproc_pool_t *workers;
    mproc_bytes_t result;
    blocked_t blocked;
    int i;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&lost, workers, die, NULL, pool, ""));
    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&after[i], workers, square, NULL,
                                              pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(blocked.first, NULL, 0, pool));
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_async_get(lost, NULL, 0, pool));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_async_get(after[i], &result, 0, pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    mproc_pool_destroy(workers);
}

/* ------------------------------------------------------------ several pools */

/* X14, X15: of several pools; one may stand there twice. */
static void
results_of_two_pools(apr_pool_t *pool)
{
    mproc_pool_t *workers, *others;
    mproc_async_t *async[4];
    blocked_t blocked;
    apr_size_t settled, index, twice = 0;
    int i;
    pool_block(&blocked, &workers, pool);
    pool_start(&others, 1, pool);
    async[0] = blocked.first;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_pool_apply_async(&async[1], others, square, NULL, pool, "i", 1));
    async[2] = async[1];
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_pool_apply_async(&async[3], workers, square, NULL, pool, "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async[1], test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_FIRST_SETTLED,
                                                 test_deadline(), &settled));
    CHECK_INT(2, settled);
    /* None fails: then it is all of them. */
    CHECK_STATUS(APR_TIMEUP,
                 mproc_wait_results(async, 4, MPROC_FIRST_FAILED, 1000, NULL));
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_as_completed(async, 4, &index, test_deadline()));
        twice += index;
    }
    CHECK_INT(1 + 2, twice);
    CHECK_STATUS(APR_TIMEUP, mproc_as_completed(async, 4, &index, 1000));
    CHECK_DETAIL("2 of 4");
    async[1] = async[2] = blocked.first;
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_FIRST_FAILED,
                                                 test_deadline(), &settled));
    CHECK_INT(4, settled);
    pool_end(workers);
    pool_end(others);
}

static const test_case_t cases[] = {
    {"one_cannot_be_started", one_cannot_be_started},
    {"tasks_start_no_processes", tasks_start_no_processes},
    {"a_closed_one_takes_nothing", a_closed_one_takes_nothing},
    {"the_programs_end_ends_it", the_programs_end_ends_it},
    {"only_its_maker_uses_it", only_its_maker_uses_it},
    {"an_apply_that_is_given_up", an_apply_that_is_given_up},
    {"several_arguments", several_arguments},
    {"no_items_at_all", no_items_at_all},
    {"one_worker_keeps_the_order", one_worker_keeps_the_order},
    {"a_crash_after_the_close", a_crash_after_the_close},
    {"results_of_two_pools", results_of_two_pools},
    {NULL, NULL}};

const test_suite_t suite_pool_users = {"pool_users", 1, cases};
