/*
 * bench_trip.c: there and back, 64 bytes between two processes, by two queues
 * or a pipe: where the system puts them, each on a processor of its own, or
 * both on one.
 */
#include "bench.h"

#include <stdlib.h>

#include "../../lib/src/parking.h"
#include "../support/processor.h"

enum {
    QUEUES,
    PIPE,
    NO_SPIN /* queues */
};
enum {
    FREE,
    TWO,
    ONE
};
enum {
    ITEM = 64,
    WARM = 200,
    TRIPS = 1 << 17
};

/* A variant: how, where, and below what part of the trips the value lies. */
#define VARIANT(way, where, percent) ((way) | (where) << 2 | (percent) << 4)
#define WAY(variant) ((variant)&3)
#define WHERE(variant) ((variant) >> 2 & 3)
#define PART(variant) (((variant) >> 4) / 100.0)
#define PROCESSORS(variant)                                                    \
    (WHERE(variant) == FREE ? 0 : WHERE(variant) == TWO ? 2 : 1)

/* One side's way to the other: queues and a pipe's end. */
typedef struct side_t {
    mproc_queue_t *to, *from;
    mproc_connection_t *end;
    mproc_value_t *result; /* a double */
    int variant;
} side_t;

static int
always(void *baton)
{
    (void)baton;
    return 1;
}

/* Read the arguments, and go to a processor. */
static apr_status_t
side_begin(side_t *side, int processor, mproc_bytes_t args, apr_pool_t *pool)
{
    apr_status_t rv =
        mproc_unpack(args, pool, "o o o o i", &side->to, &side->from,
                     &side->end, &side->result, &side->variant);

    if (rv != APR_SUCCESS || WHERE(side->variant) == FREE) {
        return rv;
    }
    /* Who is pinned before it ever waits sees one processor, and never
     * spins. */
    if (WAY(side->variant) != NO_SPIN) {
        mproc__spin(always, NULL);
    }
    return processor_pin(WHERE(side->variant) == TWO ? processor : 0);
}

static apr_status_t
side_send(side_t *side, char *buffer)
{
    mproc_bytes_t item = {buffer, ITEM};

    return WAY(side->variant) == PIPE
               ? mproc_connection_send(side->end, item)
               : mproc_queue_put(side->to, item, MPROC_FOREVER);
}

static apr_status_t
side_recv(side_t *side, char *buffer)
{
    apr_size_t length;

    return WAY(side->variant) == PIPE
               ? mproc_connection_recv_into(side->end, buffer, ITEM, &length)
               : mproc_queue_get_into(side->from, buffer, ITEM, &length,
                                      MPROC_FOREVER);
}

static apr_status_t
trip(side_t *side, char *buffer)
{
    apr_status_t rv = side_send(side, buffer);

    return rv == APR_SUCCESS ? side_recv(side, buffer) : rv;
}

/* The other one goes on without us. */
static int
side_end(side_t *side, apr_status_t rv)
{
    mproc_queue_shutdown(side->to, 0);
    mproc_connection_close(side->end);
    return rv != APR_SUCCESS && rv != APR_EOF;
}

static int
answer(mproc_bytes_t args, apr_pool_t *pool)
{
    char buffer[ITEM];
    side_t side;
    apr_status_t rv = side_begin(&side, 1, args, pool);

    while (rv == APR_SUCCESS) {
        rv = side_recv(&side, buffer);
        if (rv == APR_SUCCESS) {
            rv = side_send(&side, buffer);
        }
    }
    return side_end(&side, rv);
}

static int
ask(mproc_bytes_t args, apr_pool_t *pool)
{
    double *trips = malloc(TRIPS * sizeof *trips), begin, now, end;
    char buffer[ITEM] = {0};
    side_t side;
    apr_status_t rv = side_begin(&side, 0, args, pool);
    int i;

    for (i = 0; i < WARM && rv == APR_SUCCESS; i++) {
        rv = trip(&side, buffer);
    }
    begin = processor_clock();
    end = begin + 2000.0 * BENCH_SPAN;
    for (i = 0; i < TRIPS && rv == APR_SUCCESS && begin < end; i++) {
        rv = trip(&side, buffer);
        now = processor_clock();
        trips[i] = (now - begin) / 1000;
        begin = now;
    }
    if (rv == APR_SUCCESS) {
        *(double *)mproc_value_data(side.result) =
            bench_quantile(trips, i, PART(side.variant));
    }
    free(trips);
    return side_end(&side, rv);
}

/* Nobody but the two processes has an end of the pipe. */
static apr_status_t
trip_run(mproc_value_t *result, int variant, apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_queue_t *out, *back;
    mproc_process_t *process[2];
    apr_status_t rv = mproc_pipe_create(&here, &there, 1, pool);

    if (rv == APR_SUCCESS) {
        rv = mproc_queue_create(&out, 0, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_queue_create(&back, 0, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_process_create(&process[0], ask, NULL, pool, "o o o o i",
                                  out, back, here, result, variant);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_process_create(&process[1], answer, NULL, pool, "o o o o i",
                                  back, out, there, result, variant);
    }
    if (rv == APR_SUCCESS) {
        mproc_connection_destroy(here);
        mproc_connection_destroy(there);
        rv = bench_processes_run(process, 2);
    }
    return rv;
}

static apr_status_t
trip_sample(double *value, int variant)
{
    mproc_value_t *result;
    apr_pool_t *pool;
    apr_status_t rv;

    if (processor_count() < PROCESSORS(variant)) {
        bench_fail("threads cannot be pinned to so many processors here");
        return APR_ENOTIMPL;
    }
    rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) {
        rv = mproc_raw_value_create(&result, sizeof(double), NULL, pool);
        if (rv == APR_SUCCESS) {
            rv = trip_run(result, variant, pool);
        }
        if (rv == APR_SUCCESS) {
            *value = *(double *)mproc_value_data(result);
        }
        apr_pool_destroy(pool);
    }
    return rv;
}

#define ROW(metric, peer, way, where, percent)                                 \
    {                                                                          \
        metric, peer, "us", VARIANT(way, where, percent), NULL, trip_sample,   \
            NULL                                                               \
    }
#define ROWS(metric, where)                                                    \
    ROW(metric ".p50", "mproc", QUEUES, where, 50),                            \
        ROW(metric ".p50", "mproc pipe", PIPE, where, 50),                     \
        ROW(metric ".p50", "mproc no spin", NO_SPIN, where, 50),               \
        ROW(metric ".p99", "mproc", QUEUES, where, 99),                        \
        ROW(metric ".p99", "mproc pipe", PIPE, where, 99),                     \
        ROW(metric ".p99", "mproc no spin", NO_SPIN, where, 99)

const bench_row_t bench_trip[] = {
    ROW("rtt.64B.free.p50", "mproc", QUEUES, FREE, 50),
    ROW("rtt.64B.free.p50", "mproc pipe", PIPE, FREE, 50),
    ROW("rtt.64B.free.p99", "mproc", QUEUES, FREE, 99),
    ROW("rtt.64B.free.p99", "mproc pipe", PIPE, FREE, 99),
    ROWS("rtt.64B.2cores", TWO),
    ROWS("rtt.64B.1core", ONE),
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
