/*
 * bench_queue.c: items through a queue, from processes that put to processes
 * that get, each copied in and out unless "in place".
 * Bounded, as a program would have it, to 4 MiB and 1,024 items.
 */
#include "bench.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLAIN,
    BATCH,
    IN_PLACE
};
enum {
    BATCH_SIZE = 64,
    SIZES = 5,
    MOST = 2, /* processes on a side */
    TRIPS = 2000
};
static const int sizes[SIZES] = {8, 64, 1024, 65536, 1 << 20};

/* A variant: how, what size, how many on a side. */
#define VARIANT(way, size, pairs) ((way) | (size) << 2 | (pairs) << 6)
#define WAY(variant) ((variant)&3)
#define SIZE(variant) (sizes[(variant) >> 2 & 15])
#define PAIRS(variant) ((variant) >> 6)

/* Shared by all processes of a sample. */
typedef struct run_t {
    _Atomic apr_time_t begin, end; /* the first put, the last get */
    atomic_int here;
    _Atomic apr_int64_t got, put;
    atomic_int stop;
} run_t;

static mproc_queue_t *queue;
static mproc_value_t *run_value;

static apr_status_t
queue_setup(int variant, apr_pool_t *pool)
{
    int depth = (4 << 20) / SIZE(variant);
    apr_status_t rv;

    depth = depth > 1024 ? 1024 : depth < 4 ? 4 : depth;
    rv = mproc_raw_value_create(&run_value, sizeof(run_t), NULL, pool);
    return rv == APR_SUCCESS
               ? mproc_queue_create(&queue, (apr_size_t)depth, pool)
               : rv;
}

/* ----------------------------------------------------------------- putting */

static apr_status_t
put_plain(mproc_queue_t *to, char *buffer, int size)
{
    mproc_bytes_t item = {buffer, (apr_size_t)size};
    return mproc_queue_put(to, item, MPROC_FOREVER);
}

static apr_status_t
put_in_place(mproc_queue_t *to, int size, apr_uint64_t number)
{
    void *data;
    apr_status_t rv =
        mproc_queue_reserve(to, (apr_size_t)size, &data, MPROC_FOREVER);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memcpy(data, &number, sizeof number);
    return mproc_queue_commit(to, data);
}

static apr_status_t
put_batch(mproc_queue_t *to, char *buffer, int size)
{
    mproc_bytes_t items[BATCH_SIZE];
    int i;
    for (i = 0; i < BATCH_SIZE; i++) {
        items[i].data = buffer;
        items[i].size = (apr_size_t)size;
    }
    return mproc_queue_put_many(to, items, BATCH_SIZE, MPROC_FOREVER, NULL);
}

static int
producer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *to;
    mproc_value_t *value;
    int variant, i;
    apr_int64_t number = 0;
    run_t *run;
    char *buffer;
    apr_status_t rv = APR_SUCCESS;

    if (mproc_unpack(args, pool, "o o i", &to, &value, &variant) !=
        APR_SUCCESS) {
        return 1;
    }
    run = mproc_value_data(value);
    buffer = calloc(1, (size_t)SIZE(variant));
    atomic_fetch_add(&run->here, 1);
    while (atomic_load(&run->here) < 2 * PAIRS(variant)) {
        apr_thread_yield();
    }
    atomic_store(&run->begin, mproc_clock());
    while (rv == APR_SUCCESS &&
           mproc_clock() - atomic_load(&run->begin) < 2 * BENCH_SPAN) {
        for (i = 0; i < 16 && rv == APR_SUCCESS; i++) {
            rv = WAY(variant) == BATCH ? put_batch(to, buffer, SIZE(variant))
                 : WAY(variant) == IN_PLACE
                     ? put_in_place(to, SIZE(variant), (apr_uint64_t)number)
                     : put_plain(to, buffer, SIZE(variant));
            number += WAY(variant) == BATCH ? BATCH_SIZE : 1;
        }
    }
    atomic_fetch_add(&run->put, number);
    if (atomic_fetch_add(&run->stop, 1) + 1 == PAIRS(variant)) {
        mproc_queue_shutdown(to, 0);
    }
    free(buffer);
    return rv != APR_SUCCESS;
}

/* ----------------------------------------------------------------- getting */

static apr_status_t
get_some(mproc_queue_t *from, char *buffer, int variant, apr_int64_t *got,
         apr_pool_t *pool)
{
    mproc_bytes_t items[BATCH_SIZE];
    apr_size_t length;
    apr_status_t rv;
    int count = 1;

    switch (WAY(variant)) {
    case BATCH:
        rv = mproc_queue_get_many(from, items, BATCH_SIZE, &count,
                                  MPROC_FOREVER, pool);
        apr_pool_clear(pool);
        break;
    case IN_PLACE:
        rv = mproc_queue_take(from, items, MPROC_FOREVER);
        if (rv == APR_SUCCESS) {
            rv = mproc_queue_give_back(from, items[0]);
        }
        break;
    default:
        rv = mproc_queue_get_into(from, buffer, (apr_size_t)SIZE(variant),
                                  &length, MPROC_FOREVER);
        break;
    }
    *got += rv == APR_SUCCESS ? count : 0;
    return rv;
}

static int
consumer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *from;
    mproc_value_t *value;
    apr_pool_t *scratch;
    apr_int64_t got = 0;
    int variant;
    run_t *run;
    char *buffer;

    if (mproc_unpack(args, pool, "o o i", &from, &value, &variant) !=
            APR_SUCCESS ||
        apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return 1;
    }
    run = mproc_value_data(value);
    buffer = malloc((size_t)SIZE(variant));
    atomic_fetch_add(&run->here, 1);
    while (get_some(from, buffer, variant, &got, scratch) == APR_SUCCESS) {
    }
    atomic_store(&run->end, mproc_clock());
    atomic_fetch_add(&run->got, got);
    free(buffer);
    return 0;
}

static apr_status_t
queue_sample(double *value, int variant)
{
    mproc_process_t *process[2 * MOST];
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    run_t *run;
    int i;

    if (rv == APR_SUCCESS) {
        rv = queue_setup(variant, pool);
    }
    for (i = 0; i < 2 * PAIRS(variant) && rv == APR_SUCCESS; i++) {
        rv =
            mproc_process_create(&process[i], i % 2 ? producer : consumer, NULL,
                                 pool, "o o i", queue, run_value, variant);
    }
    if (rv == APR_SUCCESS) {
        rv = bench_processes_run(process, 2 * PAIRS(variant));
    }
    run = rv == APR_SUCCESS ? mproc_value_data(run_value) : NULL;
    if (rv == APR_SUCCESS && run->got != run->put) {
        rv = bench_fail("items were lost or doubled: the counts differ");
    }
    if (rv == APR_SUCCESS) {
        *value = (double)run->got * 1e6 / (double)(run->end - run->begin);
    }
    apr_pool_destroy(pool);
    return rv;
}

#define ROW(metric, peer, way, size, pairs)                                    \
    {                                                                          \
        metric, peer, "msg/s", VARIANT(way, size, pairs), NULL, queue_sample,  \
            NULL                                                               \
    }

const bench_row_t bench_queue[] = {
    ROW("queue.1p1c.8B", "mproc", PLAIN, 0, 1),
    ROW("queue.1p1c.8B", "mproc batch", BATCH, 0, 1),
    ROW("queue.1p1c.64B", "mproc", PLAIN, 1, 1),
    ROW("queue.1p1c.64B", "mproc batch", BATCH, 1, 1),
    ROW("queue.1p1c.1KiB", "mproc", PLAIN, 2, 1),
    ROW("queue.1p1c.64KiB", "mproc", PLAIN, 3, 1),
    ROW("queue.1p1c.64KiB", "mproc in place", IN_PLACE, 3, 1),
    ROW("queue.1p1c.1MiB", "mproc", PLAIN, 4, 1),
    ROW("queue.1p1c.1MiB", "mproc in place", IN_PLACE, 4, 1),
    ROW("queue.2p2c.64B", "mproc", PLAIN, 1, 2),
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
