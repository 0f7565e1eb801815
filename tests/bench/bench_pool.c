/* bench_pool.c: work through a pool of two, and the pool itself. */
#include "bench.h"

enum {
    TASKS = 200000,
    REPEATS = 256
};
enum {
    COPIED,
    IN_PLACE
};

static mproc_pool_t *workers;

/* Ordinary arrays, and arrays in shared memory: by variant. */
static int ordinary[2][TASKS];
static mproc_value_t *shared;
static int *array_in[2], *array_out[2];

static void
increment(const void *in, void *out, void *baton)
{
    (void)baton;
    *(int *)out = *(const int *)in + 1;
}

static apr_status_t
map_run(int variant)
{
    return mproc_pool_map_array(workers, increment, array_in[variant], TASKS,
                                sizeof(int), array_out[variant], sizeof(int),
                                NULL);
}

static apr_status_t
map_setup(int variant)
{
    mproc_pool_options_t options = {0};
    apr_status_t rv = APR_SUCCESS;
    int i;

    options.processes = 2;
    if (workers == NULL) {
        rv = mproc_pool_create(&workers, &options, NULL);
    }
    if (rv == APR_SUCCESS && variant == IN_PLACE) {
        rv = mproc_raw_value_create(&shared, sizeof ordinary, NULL, NULL);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    array_in[variant] =
        variant == IN_PLACE ? mproc_value_data(shared) : ordinary[0];
    array_out[variant] =
        variant == IN_PLACE ? array_in[variant] + TASKS : ordinary[1];
    for (i = 0; i < TASKS; i++) {
        array_in[variant][i] = i * 3;
    }
    return map_run(variant);
}

static void
map_teardown(int variant)
{
    mproc_pool_destroy(workers);
    workers = NULL;
    if (variant == IN_PLACE) {
        mproc_value_destroy(shared);
        shared = NULL;
    }
}

static apr_status_t
map_sample(double *value, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    double tasks = 0;
    apr_status_t rv;
    int i;

    do {
        rv = map_run(variant);
        tasks += TASKS;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    for (i = 0; rv == APR_SUCCESS && i < TASKS; i++) {
        if (array_out[variant][i] != array_in[variant][i] + 1) {
            rv = bench_fail("a result is wrong");
        }
        array_out[variant][i] = 0;
    }
    *value = tasks / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv;
}

/* ----------------------------------------------------- the pool's own time */

static apr_status_t
pool_time(double *microseconds, mproc_start_method_e method)
{
    mproc_pool_options_t options = {0};
    mproc_pool_t *two;
    apr_time_t begin = mproc_clock();
    apr_status_t rv;

    options.processes = 2;
    options.start_method = method;
    rv = mproc_pool_create(&two, &options, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_pool_close(two);
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_join(two, MPROC_FOREVER);
    }
    mproc_pool_destroy(two);
    *microseconds = (double)(mproc_clock() - begin);
    return rv;
}

static apr_status_t
pool_setup(int method)
{
    double unused;

    return pool_time(&unused, (mproc_start_method_e)method);
}

static apr_status_t
pool_sample(double *value, int method)
{
    double taken[REPEATS];
    apr_time_t end = mproc_clock() + BENCH_SPAN;
    apr_status_t rv = APR_SUCCESS;
    int count = 0;

    while (rv == APR_SUCCESS && count < REPEATS &&
           (count < 3 || mproc_clock() < end)) {
        rv = pool_time(&taken[count++], (mproc_start_method_e)method);
    }
    *value = bench_quantile(taken, count, 0.5);
    return rv;
}

const bench_row_t bench_pool[] = {
    {"pool.map.default", "mproc", "task/s", COPIED, map_setup, map_sample,
     map_teardown},
    {"pool.map.default", "mproc in place", "task/s", IN_PLACE, map_setup,
     map_sample, map_teardown},
    {"pool.start+stop", "mproc fork", "us", MPROC_START_FORK, pool_setup,
     pool_sample, NULL},
    {"pool.start+stop", "mproc spawn", "us", MPROC_START_SPAWN, pool_setup,
     pool_sample, NULL},
    {"pool.start+stop", "mproc forkserver", "us", MPROC_START_FORKSERVER,
     pool_setup, pool_sample, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
