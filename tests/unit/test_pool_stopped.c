/* test_pool_stopped.c: workers that are stopped, and not in a task: a pool gets
 * on without them, whatever it is asked for (PL5, PL7, PL31, PL38). */
#include <stdlib.h>

#include "tasks.h"

#include "../../lib/src/process.h"

static apr_status_t
tell_pid(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "I", mproc_process_pid(mproc_process_current()));
}

/* Stop all that there are, none of which is at a task. */
static int
stop_all(mproc_pool_t *workers, apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    apr_array_header_t *children;
    mproc_pool_stats_t stats;
    int i, stopped = 0;
    do {
        REQUIRE(mproc_clock() < limit);
        CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    } while (stats.running != 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    for (i = 0; i < children->nelts; i++) {
        apr_int64_t pid =
            mproc_process_pid(APR_ARRAY_IDX(children, i, mproc_process_t *));
        if (pid > 0) {
            test_stop(pid);
            stopped++;
        }
    }
    CHECK_INT(stats.workers, stopped);
    return stopped;
}

static void
workers_start(mproc_pool_t **workers, int count, apr_pool_t *pool)
{
    pool_start(workers, count, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(*workers, square, NULL,
                                               test_deadline(), pool, "i", 3));
}

/* They are replaced, and what was asked for in the meantime is done. */
static void
idle_ones_are_replaced(apr_pool_t *pool)
{
    mproc_async_t *async[20];
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i, stopped;
    workers_start(&workers, 3, pool);
    stopped = stop_all(workers, pool);
    for (i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers, square, NULL,
                                              pool, "i", i));
    }
    for (i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_async_get(async[i], &result,
                                                    test_deadline(), pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK(stats.started > (apr_uint64_t)stopped);
    CHECK_INT(0, stats.lost + stats.retried);
    pool_end(workers);
}

/* PL5: join ends. */
static void
idle_ones_do_not_hold_up_join(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    workers_start(&workers, 2, pool);
    stop_all(workers, pool);
    pool_end(workers);
}

/* PL7: and terminate does. */
static void
idle_ones_do_not_hold_up_terminate(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    apr_time_t began;
    workers_start(&workers, 2, pool);
    stop_all(workers, pool);
    began = mproc_clock();
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK(mproc_clock() - began < test_deadline() / 2);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, 0));
    mproc_pool_destroy(workers);
}

/* A task has as long as it likes when it has no limit, and a worker that works
 * is not taken for one that stands still. */
static void
who_works_is_left_alone(apr_pool_t *pool)
{
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_async_wait(blocked.first, 8 * APR_USEC_PER_SEC));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(blocked.first, NULL, test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(1, stats.started);
    pool_end(workers);
}

/* ------------------------------------------- where the system must be asked */

static int
wait_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    return mproc_unpack(args, pool, "o", &event) != APR_SUCCESS ||
           mproc_event_wait(event, MPROC_FOREVER) != APR_SUCCESS;
}

/* Windows does not tell that a process is stopped; plain POSIX only of children
 * of one's own, which those of a fork server are not. */
static void
need_to_be_told(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + APR_USEC_PER_SEC;
    mproc_process_t *child;
    mproc_event_t *event;
    int told = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    START(child, wait_for_ever, pool, "o", event);
    test_stop(mproc_process_pid(child));
    while (!told && mproc_clock() < limit) {
        told = mproc__process_is_stopped(child);
    }
    KILL(child);
    if (!told) {
        test_skip("this system does not tell that such a process is stopped");
    }
}

static apr_status_t
stop_while_asked(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *times;
    apr_status_t rv = mproc_unpack(args, pool, "o", &times);
    if (rv == APR_SUCCESS &&
        atomic_fetch_sub((atomic_int *)mproc_value_data(times), 1) > 0) {
        test_stop(mproc_process_pid(mproc_process_current()));
    }
    return rv;
}

/* As the pool is made, and as it heals. */
static void
in_an_initializer(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_pool_t *workers;
    mproc_value_t *times;
    mproc_bytes_t result;
    apr_int64_t pid;
    int count = 1;
    need_to_be_told(pool);
    options.start_method = test_method();
    options.initializer = stop_while_asked;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&times, sizeof count, &count, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&options.initargs, pool, "o", times));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 1));
    atomic_store((atomic_int *)mproc_value_data(times), 1);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply(workers, tell_pid, &result,
                                                 test_deadline(), pool, ""));
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(result, pool, "I", &pid));
    test_kill(pid);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 3));
    pool_end(workers);
}

static void
stop_here(void)
{
    test_stop(mproc_process_pid(mproc_process_current()));
}

static apr_status_t
stop_at_exit(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    return atexit(stop_here) == 0 ? APR_SUCCESS : APR_EGENERAL;
}

static void
at_its_exit(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    need_to_be_told(pool);
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, stop_at_exit, NULL,
                                               test_deadline(), pool, ""));
    pool_end(workers);
}

static const test_case_t cases[] = {
    {"idle_ones_are_replaced", idle_ones_are_replaced},
    {"idle_ones_at_join", idle_ones_do_not_hold_up_join},
    {"idle_ones_at_terminate", idle_ones_do_not_hold_up_terminate},
    {"who_works_is_left_alone", who_works_is_left_alone},
    {"in_an_initializer", in_an_initializer},
    {"at_its_exit", at_its_exit},
    {NULL, NULL}};

const test_suite_t suite_pool_stopped = {"pool_stopped", 1, cases};
