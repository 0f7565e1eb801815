/*
 * bench_death.c: how long until a death is noticed.
 *
 * Of a child: from the kill until join returns. Of a worker: from the moment
 * in which it ends itself in the middle of a piece until another process has
 * begun the piece again.
 */
#include "bench.h"

#include <signal.h>
#include <stdatomic.h>

enum {
    DEATHS = 100,
    POOL = -1
};

/* When a piece's first worker died, and when the second one began. */
typedef struct piece_t {
    _Atomic apr_time_t died, again;
} piece_t;

static mproc_pool_t *workers;
static mproc_value_t *shared;

static int
linger(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *up;

    if (mproc_unpack(args, pool, "o", &up) != APR_SUCCESS) {
        return 1;
    }
    mproc_event_set(up);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

static apr_status_t
child_death(double *microseconds, mproc_event_t *up, int method)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_time_t begin;
    apr_status_t rv;

    options.start_method = (mproc_start_method_e)method;
    mproc_event_clear(up);
    rv = mproc_process_create(&process, linger, &options, NULL, "o", up);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_process_start(process);
    if (rv == APR_SUCCESS) {
        rv = mproc_event_wait(up, 30 * APR_USEC_PER_SEC);
        begin = mproc_clock();
        mproc_process_kill(process);
        if (rv == APR_SUCCESS) {
            rv = mproc_process_join(process, MPROC_FOREVER);
        }
        *microseconds = (double)(mproc_clock() - begin);
    }
    mproc_process_close(process);
    return rv;
}

static void
die_once(const void *in, void *out, void *baton)
{
    piece_t *piece = out;

    (void)in;
    (void)baton;
    if (piece->died == 0) {
        piece->died = mproc_clock();
        raise(SIGTERM);
    }
    else if (piece->again == 0) {
        piece->again = mproc_clock();
    }
}

static void
rest(const void *in, void *out, void *baton)
{
    (void)in;
    (void)out;
    (void)baton;
    apr_sleep(2000);
}

/* Quiet work first: the pool replaces the worker that died before. */
static apr_status_t
worker_death(double *microseconds)
{
    piece_t *piece = mproc_value_data(shared);
    apr_status_t rv =
        mproc_pool_map_array(workers, rest, NULL, 8, 0, NULL, 0, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    piece->died = 0;
    piece->again = 0;
    rv = mproc_pool_map_array(workers, die_once, NULL, 1, 0, piece,
                              sizeof *piece, NULL);
    if (rv == APR_SUCCESS && piece->again == 0) {
        rv = bench_fail("the worker did not die");
    }
    *microseconds = (double)(piece->again - piece->died);
    return rv;
}

static apr_status_t
death_sample(double *value, int method, double part)
{
    double taken[DEATHS];
    mproc_event_t *up;
    apr_status_t rv = mproc_event_create(&up, NULL);
    int i;

    for (i = 0; i < DEATHS && rv == APR_SUCCESS; i++) {
        rv = method == POOL ? worker_death(&taken[i])
                            : child_death(&taken[i], up, method);
    }
    mproc_event_destroy(up);
    if (rv == APR_SUCCESS) {
        *value = bench_quantile(taken, DEATHS, part);
    }
    return rv;
}

static apr_status_t
median_sample(double *value, int method)
{
    return death_sample(value, method, 0.5);
}

static apr_status_t
worst_sample(double *value, int method)
{
    return death_sample(value, method, 0.99);
}

static apr_status_t
pool_setup(int method)
{
    mproc_pool_options_t options = {0};
    apr_status_t rv =
        mproc_raw_value_create(&shared, sizeof(piece_t), NULL, NULL);

    (void)method;
    options.processes = 2;
    return rv == APR_SUCCESS ? mproc_pool_create(&workers, &options, NULL) : rv;
}

static void
pool_teardown(int method)
{
    (void)method;
    mproc_pool_destroy(workers);
    mproc_value_destroy(shared);
    workers = NULL;
    shared = NULL;
}

#define P50 "death.notice.p50"
#define P99 "death.notice.p99"
#define ROW(metric, name, method, sample)                                      \
    {                                                                          \
        metric, "mproc " name, "us", method, NULL, sample, NULL                \
    }
#define POOL_ROW(metric, sample)                                               \
    {                                                                          \
        metric, "mproc pool", "us", POOL, pool_setup, sample, pool_teardown    \
    }

const bench_row_t bench_death[] = {
    ROW(P50, "fork", MPROC_START_FORK, median_sample),
    ROW(P50, "spawn", MPROC_START_SPAWN, median_sample),
    ROW(P50, "forkserver", MPROC_START_FORKSERVER, median_sample),
    POOL_ROW(P50, median_sample),
    ROW(P99, "fork", MPROC_START_FORK, worst_sample),
    ROW(P99, "spawn", MPROC_START_SPAWN, worst_sample),
    ROW(P99, "forkserver", MPROC_START_FORKSERVER, worst_sample),
    POOL_ROW(P99, worst_sample),
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
