/* test_tasks_life.c: workers that begin, end and die, and what becomes of their
 * tasks (PL3 to PL8, PL30, PL33, PL38). */
#include <stdlib.h>

#include "tasks.h"

static apr_status_t
die(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int until;
    mproc_unpack(args, pool, "i", &until);
    if (mproc_reply_attempt(reply) < until) {
        test_kill(mproc_process_pid(mproc_process_current()));
    }
    return mproc_reply(reply, "i", mproc_reply_attempt(reply));
}

static apr_status_t
leave(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    exit(3);
    return APR_SUCCESS;
}

/* PL30: a killed worker costs its task, and nothing else. */
static void
a_killed_worker_costs_its_task(apr_pool_t *pool)
{
    enum {
        COUNT = 40
    };
    mproc_async_t *async[COUNT];
    mproc_pool_t *workers;
    mproc_bytes_t result;
    mproc_lost_t lost;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers,
                                              i % 10 == 5 ? die : square, NULL,
                                              pool, "i", i % 10 == 5 ? 9 : i));
    }
    for (i = 0; i < COUNT; i++) {
        apr_status_t rv =
            mproc_async_get(async[i], &result, test_deadline(), pool);
        if (i % 10 != 5) {
            CHECK_STATUS(APR_SUCCESS, rv);
            CHECK_INT(i * i, number_of(result, pool));
            CHECK_STATUS(APR_NOTFOUND, mproc_async_lost(async[i], 0, &lost));
            continue;
        }
        CHECK_STATUS(MPROC_EWORKERLOST, rv);
        CHECK_DETAIL("attempt 1");
        REQUIRE_STATUS(APR_SUCCESS, mproc_async_lost(async[i], 0, &lost));
        CHECK_INT(1, lost.attempt);
        CHECK(lost.pid > 0 && lost.ran >= 0);
        CHECK_INT(0, lost.core);
    }
    CHECK_STATUS(
        MPROC_EWORKERLOST,
        mproc_pool_apply(workers, leave, NULL, test_deadline(), pool, ""));
    CHECK_DETAIL("code 3");
    pool_end(workers);
}

/* PL38: retries, and the task knows. */
static void
a_task_is_tried_again(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2, .retries = 3};
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    mproc_lost_t lost;
    mproc_async_t *async;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, die, &result,
                                               test_deadline(), pool, "i", 4));
    CHECK_INT(4, number_of(result, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&async, workers, die,
                                                       NULL, pool, "i", 9));
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_async_get(async, &result, test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_lost(async, 0, &lost));
    CHECK_INT(4, lost.attempt);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(6, stats.retried);
    CHECK_INT(1, stats.lost);
    pool_end(workers);
}

static apr_status_t
run_for_ever(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int what;
    (void)reply;
    mproc_unpack(args, pool, "i", &what);
    if (what == 1) {
        test_stop(mproc_process_pid(mproc_process_current()));
    }
    while (mproc_clock() >= 0) {
        apr_sleep(1000);
    }
    return APR_SUCCESS;
}

/* PL38: also when it is stopped. The others go on. */
static void
a_task_over_its_time(apr_pool_t *pool)
{
    mproc_task_options_t options = {.timeout = 100 * 1000, .chunk = 1};
    mproc_bytes_t items[2], result;
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_lost_t lost;
    int i;
    pool_start(&workers, 2, pool);
    mproc_pack(&items[0], pool, "i", 0);
    mproc_pack(&items[1], pool, "i", 1);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, run_for_ever, items, 2,
                                        &options, NULL, pool));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_async_get(async, NULL, test_deadline(), pool));
    CHECK_DETAIL("longer than its timeout");
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_TIMEUP, mproc_async_status(async, (apr_size_t)i));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_async_lost(async, (apr_size_t)i, &lost));
        CHECK(lost.ran >= 100 * 1000);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, &result,
                                               test_deadline(), pool, "i", 5));
    pool_end(workers);
}

/* PL7, PL8, PL5: at once, and who waits is told. */
static void
terminate_settles_all(apr_pool_t *pool)
{
    enum {
        COUNT = 10000
    };
    mproc_async_t **async = apr_palloc(pool, COUNT * sizeof(void *));
    called_t called = {0};
    mproc_callbacks_t callbacks = {note_done, note_failed, &called};
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    blocked_t blocked;
    int i, wrong = 0;
    pool_block(&blocked, &workers, pool);
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers, square,
                                              i == 5 ? &callbacks : NULL, pool,
                                              "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(0, stats.workers);
    CHECK_INT(0, stats.running);
    CHECK_INT(COUNT + 1, stats.settled);
    for (i = 0; i < COUNT; i++) {
        wrong += mproc_async_get(async[i], NULL, test_deadline(), pool) !=
                 MPROC_ECLOSED;
    }
    CHECK_INT(0, wrong);
    CHECK_INT(1, called.failed);
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(blocked.first, NULL, 0, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_apply(workers, square, NULL, 0, pool, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    mproc_pool_destroy(workers);
}

/* PL5: what was sent is done. */
static void
close_does_what_was_sent(apr_pool_t *pool)
{
    mproc_async_t *async[100];
    mproc_pool_t *workers;
    mproc_bytes_t result;
    blocked_t blocked;
    int i;
    pool_block(&blocked, &workers, pool);
    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers, square, NULL,
                                              pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_apply(workers, square, NULL, 0, pool, "i", 1));
    CHECK_STATUS(APR_TIMEUP, mproc_pool_join(workers, 1000));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    for (i = 0; i < 100; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_async_get(async[i], &result, 0, pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    mproc_pool_destroy(workers);
}

static int initialized;

static apr_status_t
initialize(mproc_bytes_t args, apr_pool_t *pool)
{
    int number;
    apr_status_t rv = mproc_unpack(args, pool, "i", &number);
    initialized += number;
    return rv;
}

static apr_status_t
tell_initialized(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", initialized);
}

static apr_status_t
initialize_badly(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    (void)pool;
    return args.size == 0 ? mproc_lock_create(NULL, NULL)
                          : mproc_unpack(args, pool, "o", &lock);
}

/* PL3, PL4. */
static void
an_initializer(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_pool_t *workers;
    mproc_bytes_t result;
    options.start_method = test_method();
    options.initializer = initialize;
    mproc_pack(&options.initargs, pool, "i", 5);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_apply(workers, tell_initialized, &result,
                                  test_deadline(), pool, ""));
    CHECK_INT(5, number_of(result, pool));
    CHECK_STATUS(
        MPROC_EWORKERLOST,
        mproc_pool_apply(workers, die, NULL, test_deadline(), pool, "i", 9));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_apply(workers, tell_initialized, &result,
                                  test_deadline(), pool, ""));
    CHECK_INT(5, number_of(result, pool));
    pool_end(workers);
    options.initializer = initialize_badly;
    options.initargs.size = 0;
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(&workers, &options, pool));
    CHECK_DETAIL("the initializer failed");
    CHECK(workers == NULL);
}

static apr_status_t
tell_pid(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "I", mproc_process_pid(mproc_process_current()));
}

/* PL33: after so many chunks a worker is replaced, and nothing is lost. */
static void
workers_are_replaced(apr_pool_t *pool)
{
    enum {
        COUNT = 60
    };
    mproc_pool_options_t options = {.processes = 2, .max_tasks_per_child = 3};
    mproc_bytes_t results[COUNT];
    apr_int64_t pids[COUNT];
    mproc_task_options_t task = {.chunk = 1};
    mproc_pool_t *workers;
    int i, j, most = 0;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map(workers, tell_pid, numbers(COUNT, pool),
                                  COUNT, &task, results, pool));
    for (i = 0; i < COUNT; i++) {
        int count = 1;
        CHECK_STATUS(APR_SUCCESS,
                     mproc_unpack(results[i], pool, "I", &pids[i]));
        for (j = 0; j < i; j++) {
            count += pids[j] == pids[i];
        }
        most = most > count ? most : count;
    }
    CHECK_INT(3, most);
    pool_end(workers);
}

static void
resizing(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    int to;
    pool_start(&workers, 2, pool);
    CHECK_STATUS(APR_EINVAL, mproc_pool_resize(workers, 0));
    for (to = 4; to > 0; to -= 3) {
        CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, to));
        do {
            REQUIRE(mproc_clock() < limit);
            CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        } while (stats.workers != to);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply(workers, square, NULL, test_deadline(),
                                      pool, "i", 3));
    }
    pool_end(workers);
}

static const test_case_t cases[] = {
    {"a_killed_worker_costs_its_task", a_killed_worker_costs_its_task},
    {"a_task_is_tried_again", a_task_is_tried_again},
    {"a_task_over_its_time", a_task_over_its_time},
    {"terminate_settles_all", terminate_settles_all},
    {"close_does_what_was_sent", close_does_what_was_sent},
    {"an_initializer", an_initializer},
    {"workers_are_replaced", workers_are_replaced},
    {"resizing", resizing},
    {NULL, NULL}};

const test_suite_t suite_tasks_life = {"tasks_life", 1, cases};
