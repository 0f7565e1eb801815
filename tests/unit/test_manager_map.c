/* test_manager_map.c: arrays on a manager's pool. */
#include <stdio.h>
#include <string.h>

#include "served_tasks.h"

#define COUNT 1000

/* Of the baton and the item, which lie as their type wants it. */
static void
scale(const void *in, void *out, void *baton)
{
    int aligned = (apr_uintptr_t)in % sizeof(double) == 0 &&
                  (apr_uintptr_t)out % sizeof(double) == 0;
    double factor = *(double *)baton;
    *(double *)out = aligned ? *(const double *)in * factor : -1;
    *(double *)baton = factor; /* It is the worker's own. */
}

static void
count_up(const void *in, void *out, void *baton)
{
    *(char *)out += in != NULL || baton == NULL;
}

static void
die_on_seven(const void *in, void *out, void *baton)
{
    (void)baton;
    if (*(const int *)in == 7) {
        test_kill(mproc_process_pid(mproc_process_current()));
        apr_sleep(120 * 1000 * MS);
    }
    *(int *)out = *(const int *)in + 1;
}

static void
sleep_on(const void *in, void *out, void *baton)
{
    (void)in;
    (void)out;
    (void)baton;
    apr_sleep(120 * 1000 * MS);
}

static void
nobody_knows(const void *in, void *out, void *baton)
{
    sleep_on(in, out, baton);
}

static apr_status_t
maps_register(mproc_manager_t *manager, void *baton)
{
    apr_status_t rv = mproc_register("scale", scale);
    (void)manager;
    (void)baton;
    rv = rv != APR_SUCCESS ? rv : mproc_register("count up", count_up);
    rv = rv != APR_SUCCESS ? rv : mproc_register("seven", die_on_seven);
    return rv != APR_SUCCESS ? rv : mproc_register("sleep on", sleep_on);
}

static mproc_pool_t *
workers_start(mproc_manager_t **manager, apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = maps_register};
    REQUIRE_STATUS(APR_SUCCESS, maps_register(NULL, NULL));
    *manager = manager_with(&options, pool);
    return far_start(*manager, NULL, 2, pool);
}

static void
progress_note(apr_size_t done, apr_size_t count, void *baton)
{
    apr_size_t *noted = baton;
    noted[0] = done;
    noted[1] = count;
}

/* In any pieces, with and without arrays, the results are in order. */
static void
there_and_back(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers = workers_start(&manager, pool);
    mproc_map_options_t options = {.progress = progress_note};
    double *in = apr_pcalloc(pool, COUNT * sizeof *in), factor = 3;
    double *out = apr_pcalloc(pool, COUNT * sizeof *out);
    apr_size_t noted[2] = {0, 0},
               chunk[] = {0, 1, 7, 999, 1000, ~(apr_size_t)0}, k;
    char bytes[COUNT];
    int i;
    options.baton = &factor;
    options.baton_size = sizeof factor;
    options.progress_baton = noted;
    for (i = 0; i < COUNT; i++) {
        in[i] = i;
    }
    for (k = 0; k < sizeof chunk / sizeof *chunk; k++) {
        options.chunk = chunk[k];
        memset(out, 0, COUNT * sizeof *out);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_map_array(workers, scale, in, COUNT, sizeof *in,
                                          out, sizeof *out, &options));
        for (i = 0; i < COUNT && out[i] == 3. * i; i++) {
        }
        CHECK_INT(COUNT, i);
        CHECK_INT(COUNT, noted[0]);
        CHECK_INT(COUNT, noted[1]);
    }
    CHECK(factor == 3);
    memset(bytes, 5, sizeof bytes);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map_array(workers, count_up, NULL,
                                                   COUNT, 0, bytes, 1, NULL));
    for (i = 0; i < COUNT && bytes[i] == 1; i++) {
    }
    CHECK_INT(COUNT, i);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map_array(workers, count_up, NULL, 0,
                                                   0, bytes, 1, NULL));
    server_end(manager);
}

static void
without_retries(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers = workers_start(&manager, pool);
    mproc_map_options_t options = {.chunk = 1, .retries = -1};
    mproc_pool_stats_t stats;
    int in[3] = {6, 7, 8}, out[3];
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_pool_map_array(workers, die_on_seven, in, 3, sizeof *in,
                                      out, sizeof *out, &options));
    CHECK_DETAIL("mproc_pool_map_array: items 1 to 1:");
    CHECK_INT(7, out[0]);
    CHECK_INT(0, out[1]);
    CHECK_INT(9, out[2]);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(3, stats.settled);
    CHECK_INT(0, stats.retried);
    server_end(manager);
}

/* A piece that kills its workers: the others are done, its results are zeros,
 * and it is told which it was. */
static void
a_piece_kills(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers = workers_start(&manager, pool);
    mproc_map_options_t options = {.chunk = 2};
    mproc_pool_stats_t stats;
    int in[10], out[10], i;
    for (i = 0; i < 10; i++) {
        in[i] = i;
        out[i] = 99;
    }
    CHECK_STATUS(MPROC_EWORKERLOST,
                 mproc_pool_map_array(workers, die_on_seven, in, 10, sizeof *in,
                                      out, sizeof *out, &options));
    CHECK_DETAIL("mproc_pool_map_array: items 6 to 7:");
    for (i = 0; i < 10; i++) {
        CHECK_INT(i == 6 || i == 7 ? 0 : i + 1, out[i]);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(2, stats.retried);
    CHECK_INT(1, stats.lost);
    server_end(manager);
}

static void
what_cannot_be_is_said(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers = workers_start(&manager, pool);
    mproc_map_options_t options = {.timeout = 50 * MS, .chunk = 1};
    int in[3] = {1, 2, 3}, out[3] = {4, 4, 4};
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_pool_map_array(workers, nobody_knows, in, 3, sizeof *in,
                                      out, sizeof *out, NULL));
    CHECK_DETAIL("mproc_register()");
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_map_array(workers, NULL, in, 3, sizeof *in, out,
                                      sizeof *out, NULL));
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_map_array(workers, sleep_on, NULL, ~(apr_size_t)0,
                                      0, NULL, 0, &options));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_pool_map_array(workers, sleep_on, NULL, 0x1000001, 0,
                                      NULL, 0, &options));
    CHECK_DETAIL("too many pieces");
    CHECK_STATUS(APR_TIMEUP,
                 mproc_pool_map_array(workers, sleep_on, in, 3, sizeof *in, out,
                                      sizeof *out, &options));
    CHECK_DETAIL("mproc_pool_map_array: the time ran out");
    CHECK_INT(4, out[0]);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_map_array(workers, die_on_seven, in, 3, sizeof *in,
                                      out, sizeof *out, NULL));
    mproc_pool_destroy(workers);
    server_end(manager);
}

static const test_case_t cases[] = {
    {"there_and_back", there_and_back},
    {"without_retries", without_retries},
    {"a_piece_kills", a_piece_kills},
    {"what_cannot_be_is_said", what_cannot_be_is_said},
    {NULL, NULL}};

const test_suite_t suite_manager_map = {"manager_map", 1, cases};
