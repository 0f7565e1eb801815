/*
 * bench_growth.c: what a put and a get cost one process, alone and beside much
 * else: cost grows with work, not with what exists. What a row is beside is
 * made and ended within each of its samples, so that the others do not have it.
 */
#include "bench.h"

#include <stdlib.h>

enum {
    ALONE,
    QUEUES,
    PROCESSES,
    WORN
};

#define QUEUES_BESIDE 10000
#define PROCESSES_BESIDE 200
#define ITEMS_BEFORE 100000000

static mproc_queue_t *queue;

static apr_status_t
pairs_run(apr_uint64_t count)
{
    apr_uint64_t number, i;
    apr_size_t length;
    apr_status_t rv = APR_SUCCESS;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc_queue_put(queue, (mproc_bytes_t){(char *)&i, sizeof i},
                             MPROC_NOWAIT);
        if (rv == APR_SUCCESS) {
            rv = mproc_queue_get_into(queue, &number, sizeof number, &length,
                                      MPROC_NOWAIT);
        }
        if (rv == APR_SUCCESS && (length != sizeof i || number != i)) {
            rv = bench_fail("another item was got than was put");
        }
    }
    return rv;
}

static apr_status_t
pairs_time(double *value)
{
    apr_time_t begin = mproc_clock(), end;
    apr_uint64_t done = 0;
    apr_status_t rv;

    do {
        rv = pairs_run(1000);
        done += 1000;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *value = (double)(end - begin) * 1000 / (double)done;
    return rv;
}

static apr_status_t
beside_queues(double *value)
{
    mproc_queue_t **others = calloc(QUEUES_BESIDE, sizeof(mproc_queue_t *));
    apr_status_t rv = others == NULL ? APR_ENOMEM : APR_SUCCESS;
    int i;

    for (i = 0; i < QUEUES_BESIDE && rv == APR_SUCCESS; i++) {
        rv = mproc_queue_create(&others[i], 0, NULL);
        if (rv == APR_SUCCESS) {
            rv = mproc_queue_putf(others[i], MPROC_NOWAIT, "i", i);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = pairs_time(value);
    }
    for (i = 0; i < QUEUES_BESIDE && others != NULL; i++) {
        mproc_queue_destroy(others[i]);
    }
    free(others);
    return rv;
}

static int
stay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;

    return mproc_unpack(args, pool, "o", &barrier) != APR_SUCCESS ||
           mproc_barrier_wait(barrier, NULL, MPROC_FOREVER) != APR_SUCCESS ||
           mproc_barrier_wait(barrier, NULL, MPROC_FOREVER) != APR_SUCCESS;
}

/* They are all there, and asleep, between the two times at the barrier. */
static apr_status_t
beside_processes(double *value)
{
    mproc_process_t *process[PROCESSES_BESIDE] = {NULL};
    mproc_barrier_t *barrier;
    apr_status_t rv =
        mproc_barrier_create(&barrier, PROCESSES_BESIDE + 1, NULL, NULL, NULL);
    int i;

    for (i = 0; i < PROCESSES_BESIDE && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(&process[i], stay, NULL, NULL, "o", barrier);
        if (rv == APR_SUCCESS) {
            rv = mproc_process_start(process[i]);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_barrier_wait(barrier, NULL, MPROC_FOREVER);
    }
    if (rv == APR_SUCCESS) {
        apr_sleep(BENCH_SPAN); /* until they sleep */
        rv = pairs_time(value);
        (void)mproc_barrier_wait(barrier, NULL, MPROC_FOREVER);
    }
    for (i = 0; i < PROCESSES_BESIDE && process[i] != NULL; i++) {
        if (rv != APR_SUCCESS) {
            (void)mproc_process_kill(process[i]);
        }
        (void)mproc_process_join(process[i], MPROC_FOREVER);
        (void)mproc_process_close(process[i]);
    }
    mproc_barrier_destroy(barrier);
    return rv;
}

static apr_status_t
growth_sample(double *value, int variant)
{
    apr_status_t rv = mproc_queue_create(&queue, 0, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    switch (variant) {
    case QUEUES:
        rv = beside_queues(value);
        break;
    case PROCESSES:
        rv = beside_processes(value);
        break;
    case WORN:
        rv = pairs_run(ITEMS_BEFORE);
        if (rv == APR_SUCCESS) {
            rv = pairs_time(value);
        }
        break;
    default:
        rv = pairs_time(value);
        break;
    }
    mproc_queue_destroy(queue);
    queue = NULL;
    return rv;
}

const bench_row_t bench_growth[] = {
    {"queue.putget", "mproc", "ns", ALONE, NULL, growth_sample, NULL},
    {"queue.putget", "mproc beside 10,000 queues", "ns", QUEUES, NULL,
     growth_sample, NULL},
    {"queue.putget", "mproc beside 200 processes", "ns", PROCESSES, NULL,
     growth_sample, NULL},
    {"queue.putget", "mproc after 10^8 items", "ns", WORN, NULL, growth_sample,
     NULL},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
