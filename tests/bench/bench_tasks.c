/* bench_tasks.c: tasks with packed arguments, through a pool of two. */
#include "bench.h"

enum {
    TASKS = 100000,
    REPEATS = 2000
};

static mproc_pool_t *workers;
static apr_pool_t *pool; /* of one sample */
static mproc_bytes_t *items, *results;

static apr_status_t
increment(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *own)
{
    int x;
    apr_status_t rv = mproc_unpack(args, own, "i", &x);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", x + 1) : rv;
}

static apr_status_t
result_check(mproc_bytes_t result, int expected)
{
    int x;
    apr_status_t rv = mproc_unpack(result, pool, "i", &x);
    return rv == APR_SUCCESS && x != expected ? bench_fail("a result is wrong")
                                              : rv;
}

static apr_status_t
tasks_setup(int unused)
{
    mproc_pool_options_t options = {.processes = 2};
    apr_status_t rv = mproc_pool_create(&workers, &options, NULL);
    mproc_bytes_t result;

    (void)unused;
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&pool, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_apply(workers, increment, &result, MPROC_FOREVER, pool,
                              "i", 1);
    }
    return rv;
}

static void
tasks_teardown(int unused)
{
    (void)unused;
    mproc_pool_destroy(workers);
    workers = NULL;
    if (pool != NULL) {
        apr_pool_destroy(pool);
        pool = NULL;
    }
}

static apr_status_t
apply_sample(double *value, int unused)
{
    static double taken[REPEATS];
    mproc_bytes_t result;
    apr_status_t rv = APR_SUCCESS;
    int i;

    (void)unused;
    for (i = 0; i < REPEATS && rv == APR_SUCCESS; i++) {
        apr_time_t begin = mproc_clock();
        rv = mproc_pool_apply(workers, increment, &result, MPROC_FOREVER, pool,
                              "i", i);
        taken[i] = (double)(mproc_clock() - begin);
        if (rv == APR_SUCCESS) {
            rv = result_check(result, i + 1);
        }
        apr_pool_clear(pool);
    }
    *value = bench_quantile(taken, REPEATS, 0.5);
    return rv;
}

static apr_status_t
map_sample(double *value, int unused)
{
    mproc_task_options_t options = {.chunk = 1};
    apr_status_t rv = APR_SUCCESS;
    apr_time_t begin, end;
    int i;

    (void)unused;
    apr_pool_clear(pool);
    items = apr_palloc(pool, TASKS * sizeof *items);
    results = apr_palloc(pool, TASKS * sizeof *results);
    for (i = 0; i < TASKS && rv == APR_SUCCESS; i++) {
        rv = mproc_pack(&items[i], pool, "i", i);
    }
    begin = mproc_clock();
    if (rv == APR_SUCCESS) {
        rv = mproc_pool_map(workers, increment, items, TASKS, &options, results,
                            pool);
    }
    end = mproc_clock();
    for (i = 0; i < TASKS && rv == APR_SUCCESS; i++) {
        rv = result_check(results[i], i + 1);
    }
    *value = TASKS / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv;
}

static apr_status_t
next_number(mproc_bytes_t *item, void *baton, apr_pool_t *own)
{
    int *next = baton;
    return *next == TASKS ? APR_EOF : mproc_pack(item, own, "i", (*next)++);
}

static apr_status_t
imap_sample(double *value, int unused)
{
    mproc_imap_t *imap;
    apr_pool_t *own;
    apr_time_t begin = mproc_clock();
    int next = 0, count = 0;
    apr_status_t rv;

    (void)unused;
    apr_pool_clear(pool);
    apr_pool_create(&own, pool);
    rv = mproc_pool_imap_unordered(&imap, workers, increment, next_number,
                                   &next, NULL, pool);
    while (rv == APR_SUCCESS) {
        mproc_bytes_t result;
        rv = mproc_imap_next(imap, &result, MPROC_FOREVER, own);
        count += rv == APR_SUCCESS;
        if (count % 256 == 0) {
            apr_pool_clear(own);
        }
    }
    if (rv == APR_EOF) {
        rv = count == TASKS ? APR_SUCCESS : bench_fail("a result is missing");
    }
    *value = TASKS / ((double)(mproc_clock() - begin) / APR_USEC_PER_SEC);
    return rv;
}

const bench_row_t bench_tasks[] = {{"pool.apply.p50", "mproc", "us", 0,
                                    tasks_setup, apply_sample, tasks_teardown},
                                   {"pool.map.chunk1", "mproc", "task/s", 0,
                                    tasks_setup, map_sample, tasks_teardown},
                                   {"pool.imap_unordered.chunk1", "mproc",
                                    "task/s", 0, tasks_setup, imap_sample,
                                    tasks_teardown},
                                   {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
