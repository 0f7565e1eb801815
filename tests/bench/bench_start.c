/*
 * bench_start.c: start an empty child and join it, from a small parent and a
 * large one.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum {
    STARTS = 256
};

static char *memory;
static apr_size_t memory_size;

static int
nothing(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static apr_status_t
start_time(double *microseconds, mproc_start_method_e method)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_time_t begin = mproc_clock();
    apr_status_t rv;

    options.start_method = method;
    rv = mproc_process_create(&process, nothing, &options, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = bench_processes_run(&process, 1);
    *microseconds = (double)(mproc_clock() - begin);
    mproc_process_close(process);
    return rv;
}

static apr_status_t
start_sample(double *value, int method)
{
    double taken[STARTS];
    apr_time_t end = mproc_clock() + BENCH_SPAN;
    apr_status_t rv = APR_SUCCESS;
    int count = 0;

    while (rv == APR_SUCCESS && count < STARTS &&
           (count < 3 || mproc_clock() < end)) {
        rv = start_time(&taken[count++], (mproc_start_method_e)method);
    }
    *value = bench_quantile(taken, count, 0.5);
    return rv;
}

/* Touched memory that the parent has, and a first start: the fork server
 * comes up with it. */
static apr_status_t
memory_touch(apr_size_t size, int method)
{
    double unused;

    if (memory_size < size) {
        free(memory);
        memory = malloc(size);
        memory_size = memory == NULL ? 0 : size;
        if (memory == NULL) {
            return APR_ENOMEM;
        }
        memset(memory, 1, size);
    }
    return start_time(&unused, (mproc_start_method_e)method);
}

static apr_status_t
small_setup(int method)
{
    return memory_touch((apr_size_t)10 << 20, method);
}

static apr_status_t
large_setup(int method)
{
    return memory_touch((apr_size_t)2 << 30, method);
}

static void
memory_free(int method)
{
    (void)method;
    free(memory);
    memory = NULL;
    memory_size = 0;
}

#define ROW(metric, name, method, setup)                                       \
    {                                                                          \
        metric, "mproc " name, "us", method, setup, start_sample, memory_free  \
    }

const bench_row_t bench_start[] = {
    ROW("start.10MB", "fork", MPROC_START_FORK, small_setup),
    ROW("start.10MB", "spawn", MPROC_START_SPAWN, small_setup),
    ROW("start.10MB", "forkserver", MPROC_START_FORKSERVER, small_setup),
    ROW("start.2GB", "fork", MPROC_START_FORK, large_setup),
    ROW("start.2GB", "spawn", MPROC_START_SPAWN, large_setup),
    ROW("start.2GB", "forkserver", MPROC_START_FORKSERVER, large_setup),
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
