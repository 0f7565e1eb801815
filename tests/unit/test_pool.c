/* test_pool.c: the pool and map_array (PL1, PL5, PL8 to PL10, PL16, PL17,
 * PL30, PL31, PL34, PL36 to PL38). */
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "child.h"

#define COUNT 10000

static void
pool_start(mproc_pool_t **workers, int processes, apr_pool_t *pool)
{
    mproc_pool_options_t options = {0};
    options.processes = processes;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(workers, &options, pool));
}

static void
pool_end(mproc_pool_t *workers)
{
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

static void
square(const void *in, void *out, void *baton)
{
    (void)baton;
    *(double *)out = *(const int *)in * (double)*(const int *)in;
}

static void
check_squares(mproc_pool_t *workers, apr_size_t count, apr_size_t chunk,
              apr_pool_t *pool)
{
    mproc_map_options_t options = {0};
    int *in = apr_palloc(pool, (count + 1) * sizeof *in);
    double *out = apr_pcalloc(pool, (count + 1) * sizeof *out);
    apr_size_t i, wrong = 0;
    options.chunk = chunk;
    for (i = 0; i < count; i++) {
        in[i] = (int)i;
    }
    out[count] = -1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_array(workers, square, in, count, sizeof *in,
                                        out, sizeof *out, &options));
    for (i = 0; i < count; i++) {
        wrong += out[i] != (double)i * (double)i;
    }
    CHECK_INT(0, wrong);
    CHECK(out[count] == -1);
}

/* Results in input order, whatever the sizes of input and pieces. */
static void
map_calls_every_item(apr_pool_t *pool)
{
    static const apr_size_t counts[] = {0, 1, 2, 3, 63, 64, 65, 1000, COUNT};
    mproc_pool_t *workers;
    size_t i;
    pool_start(&workers, 3, pool);
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        check_squares(workers, counts[i], 0, pool);
        check_squares(workers, counts[i], 1, pool);
        check_squares(workers, counts[i], 7, pool);
        check_squares(workers, counts[i], COUNT * 2, pool);
    }
    pool_end(workers);
}

static void
scale(const void *in, void *out, void *baton)
{
    *(int *)out = *(const int *)in * *(int *)baton;
}

static void
add_in_place(const void *in, void *out, void *baton)
{
    (void)in;
    (void)baton;
    ++*(int *)out;
}

static void
a_baton_is_copied(apr_pool_t *pool)
{
    mproc_map_options_t options = {0};
    mproc_pool_t *workers;
    int in[5] = {1, 2, 3, 4, 5}, out[5], factor = 3, i;
    pool_start(&workers, 2, pool);
    options.baton = &factor;
    options.baton_size = sizeof factor;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_array(workers, scale, in, 5, sizeof *in, out,
                                        sizeof *out, &options));
    for (i = 0; i < 5; i++) {
        CHECK_INT(3 * in[i], out[i]);
        out[i] = 0;
    }
    options.chunk = ~(apr_size_t)0; /* All at once. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_map_array(workers, scale, in, 5, sizeof *in, out,
                                      sizeof *out, &options));
    CHECK_INT(15, out[4]);
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_map_array(workers, scale, NULL, ~(apr_size_t)0, 0,
                                      NULL, 0, &options));
    pool_end(workers);
}

static void
shared_arrays_are_used_in_place(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_value_t *value;
    int *out, i, wrong = 0;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, COUNT * sizeof *out, NULL, pool));
    out = mproc_value_data(value);
    pool_start(&workers, 2, pool);
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_map_array(workers, add_in_place, NULL, COUNT,
                                            0, out, sizeof *out, NULL));
    }
    for (i = 0; i < COUNT; i++) {
        wrong += out[i] != 3;
    }
    CHECK_INT(0, wrong);
    pool_end(workers);
}

/* The first time, kill the worker in the middle of its piece. */
static void
die_once(const void *in, void *out, void *baton)
{
    int *state = out;
    (void)baton;
    if (*(const int *)in % 1000 == 500 && *state == 0) {
        *state = -1;
        test_kill(mproc_process_pid(mproc_process_current()));
    }
    *state = *(const int *)in + 1;
}

/* PL30: a killed worker costs time, nothing else, and is replaced. */
static void
a_killed_worker_changes_nothing(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    int *in = apr_palloc(pool, COUNT * sizeof *in);
    int *out = apr_palloc(pool, COUNT * sizeof *out), i, wrong = 0;
    mproc_map_options_t options = {0};
    options.retries = 5;
    for (i = 0; i < COUNT; i++) {
        in[i] = i;
    }
    pool_start(&workers, 3, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_map_array(workers, die_once, in,
                                                     COUNT, sizeof *in, out,
                                                     sizeof *out, &options));
    for (i = 0; i < COUNT; i++) {
        wrong += out[i] != i + 1;
    }
    CHECK_INT(0, wrong);
    check_squares(workers, COUNT, 0, pool);
    pool_end(workers);
}

static void
die_on_seven(const void *in, void *out, void *baton)
{
    (void)baton;
    if (*(const int *)in == 7) {
        test_kill(mproc_process_pid(mproc_process_current()));
    }
    *(int *)out = 1;
}

/* PL30: an item that kills whoever runs it is given up, alone. */
static void
a_poisonous_item_is_given_up(apr_pool_t *pool)
{
    mproc_map_options_t options = {0};
    mproc_pool_t *workers;
    int in[20], out[20], i, done = 0;
    for (i = 0; i < 20; i++) {
        in[i] = i;
    }
    options.chunk = 1;
    options.retries = 1;
    pool_start(&workers, 2, pool);
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_pool_map_array(workers, die_on_seven, in, 20, sizeof *in,
                                      out, sizeof *out, &options));
    CHECK_DETAIL("items 7 to 7");
    for (i = 0; i < 20; i++) {
        done += out[i];
    }
    CHECK_INT(19, done);
    CHECK_INT(0, out[7]);
    options.retries = -1;
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_pool_map_array(workers, die_on_seven, in, 20, sizeof *in,
                                      out, sizeof *out, &options));
    check_squares(workers, 100, 0, pool);
    pool_end(workers);
}

/* PL31: workers killed while idle are replaced, at once. */
static void
idle_workers_may_be_killed(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    apr_array_header_t *children;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    int round, i;
    pool_start(&workers, 3, pool);
    for (round = 1; round <= 3; round++) {
        check_squares(workers, 1000, 0, pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_process_active_children(&children, pool));
        CHECK_INT(3, children->nelts);
        for (i = 0; i < children->nelts; i++) {
            mproc_process_t *child =
                APR_ARRAY_IDX(children, i, mproc_process_t *);
            CHECK_INT(1, mproc_process_daemon(child));
            test_kill(mproc_process_pid(child));
        }
        do {
            REQUIRE(mproc_clock() < limit);
            CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        } while (stats.started < (apr_uint64_t)(3 + 3 * round) ||
                 stats.workers != 3);
    }
    check_squares(workers, 1000, 0, pool);
    pool_end(workers);
}

static void
loop_for_ever(const void *in, void *out, void *baton)
{
    (void)out;
    (void)baton;
    while (*(const int *)in == 3) {
        mproc_clock();
    }
}

/* PL38. */
static void
a_timeout_ends_the_workers_at_it(apr_pool_t *pool)
{
    mproc_map_options_t options = {0};
    mproc_pool_t *workers;
    int in[5] = {1, 2, 3, 4, 5}, out[5] = {-1, -1, -1, -1, -1};
    options.timeout = 100000;
    pool_start(&workers, 2, pool);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_pool_map_array(workers, loop_for_ever, in, 5, sizeof *in,
                                      out, sizeof *out, &options));
    CHECK_INT(-1, out[0]);
    check_squares(workers, 100, 0, pool);
    pool_end(workers);
}

/* PL5, PL16. */
static void
the_order_of_calls(apr_pool_t *pool)
{
    mproc_pool_options_t options = {0};
    mproc_pool_t *workers;
    int in = 1;
    double out;
    options.processes = -1;
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(&workers, &options, pool));
    CHECK(workers == NULL);
    options.processes = 1025;
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(NULL, NULL, pool));
    pool_start(&workers, 1, pool);
    CHECK_STATUS(MPROC_ESTATE, mproc_pool_join(workers, 0));
    CHECK_DETAIL("mproc_pool_close()");
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_map_array(workers, NULL, &in, 1, 4, &out, 8, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_pool_map_array(workers, square, NULL, 1, 4,
                                                  &out, 8, NULL));
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_map_array(workers, square, &in, ~(apr_size_t)0, 4,
                                      &out, 8, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_map_array(workers, square, &in, 1, 4,
                                                     &out, 8, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    mproc_pool_destroy(workers);
    mproc_pool_destroy(NULL);
}

typedef struct mapping_t {
    mproc_pool_t *workers;
    mproc_value_t *begun;
} mapping_t;

static void
begin_and_loop(const void *in, void *out, void *baton)
{
    (void)baton;
    *(volatile int *)out = 1;
    while (*(const int *)in == 0) {
        mproc_clock();
    }
}

static void *APR_THREAD_FUNC
map_for_ever(apr_thread_t *thread, void *data)
{
    mapping_t *mapping = data;
    int in = 0;
    apr_thread_exit(thread,
                    mproc_pool_map_array(
                        mapping->workers, begin_and_loop, &in, 1, sizeof in,
                        mproc_value_data(mapping->begun), sizeof(int), NULL));
    return NULL;
}

/* PL7, PL8: terminate is prompt, and who waits is told. */
static void
terminate_ends_a_map(apr_pool_t *pool)
{
    apr_thread_t *thread;
    mapping_t mapping;
    volatile int *begun;
    apr_time_t deadline = mproc_clock() + test_deadline();
    apr_status_t rv;
    pool_start(&mapping.workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&mapping.begun, 16, NULL, pool));
    begun = mproc_value_data(mapping.begun);
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, map_for_ever,
                                                  &mapping, pool));
    while (*begun == 0 && mproc_clock() < deadline) {
        apr_thread_yield();
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(mapping.workers));
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
    CHECK_STATUS(MPROC_ECLOSED, rv);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_join(mapping.workers, test_deadline()));
    CHECK(mproc_clock() < deadline);
    mproc_pool_destroy(mapping.workers);
}

/* PL37. */
static void
more_workers_than_processors(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    pool_start(&workers, 50, pool);
    check_squares(workers, COUNT, 0, pool);
    check_squares(workers, 50, 1, pool);
    pool_end(workers);
}

static int
use_a_pool(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_pool_t *workers;
    int in[3] = {1, 2, 3}, i;
    double out[3];
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_pool_create(&workers, NULL, pool));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_pool_map_array(workers, square, in, 3, sizeof *in, out,
                                      sizeof *out, NULL));
    for (i = 0; i < 3; i++) {
        CHILD_CHECK(out[i] == in[i] * in[i]);
    }
    /* PL34: not closed; the end of the process ends it. */
    return 0;
}

/* PL36. */
static void
a_child_may_have_a_pool(apr_pool_t *pool)
{
    mproc_process_t *child;
    START(child, use_a_pool, pool, NULL);
    JOIN(child, 0);
}

static void
try_a_pool(const void *in, void *out, void *baton)
{
    mproc_pool_t *workers;
    apr_pool_t *pool;
    (void)in;
    (void)baton;
    apr_pool_create(&pool, NULL);
    *(int *)out = mproc_pool_create(&workers, NULL, pool) == MPROC_ESTATE;
    apr_pool_destroy(pool);
}

/* PL2. */
static void
workers_are_daemonic(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    int refused = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_array(workers, try_a_pool, NULL, 1, 0,
                                        &refused, sizeof refused, NULL));
    CHECK_INT(1, refused);
    pool_end(workers);
}

static void
note_progress(apr_size_t done, apr_size_t count, void *baton)
{
    int *calls = baton;
    calls[0]++;
    calls[1] = done == count;
}

static void
progress_ends_with_all(apr_pool_t *pool)
{
    mproc_map_options_t options = {0};
    mproc_pool_t *workers;
    int in[100] = {0}, calls[2] = {0, 0};
    double out[100];
    options.progress = note_progress;
    options.progress_baton = calls;
    pool_start(&workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_array(workers, square, in, 100, sizeof *in,
                                        out, sizeof *out, &options));
    CHECK(calls[0] >= 1);
    CHECK_INT(1, calls[1]);
    pool_end(workers);
}

static const test_case_t cases[] = {
    {"map_calls_every_item", map_calls_every_item},
    {"a_baton_is_copied", a_baton_is_copied},
    {"shared_arrays_in_place", shared_arrays_are_used_in_place},
    {"a_killed_worker_changes_nothing", a_killed_worker_changes_nothing},
    {"a_poisonous_item_is_given_up", a_poisonous_item_is_given_up},
    {"idle_workers_may_be_killed", idle_workers_may_be_killed},
    {"a_timeout_ends_the_workers", a_timeout_ends_the_workers_at_it},
    {"the_order_of_calls", the_order_of_calls},
    {"terminate_ends_a_map", terminate_ends_a_map},
    {"50_workers", more_workers_than_processors},
    {"a_child_may_have_a_pool", a_child_may_have_a_pool},
    {"workers_are_daemonic", workers_are_daemonic},
    {"progress_ends_with_all", progress_ends_with_all},
    {NULL, NULL}};

const test_suite_t suite_pool = {"pool", 1, cases};
