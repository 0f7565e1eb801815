/* bench_value.c: a value changed under its own lock, by one and by two. */
#include "bench.h"
#include "bench_contest.h"

static mproc_value_t *value;

static apr_status_t
value_setup(int variant)
{
    (void)variant;
    return mproc_value_create(&value, sizeof(bench_count_t), NULL, NULL);
}

static void
value_teardown(int variant)
{
    (void)variant;
    mproc_value_destroy(value);
    value = NULL;
}

static apr_status_t
increment_sample(double *result, int variant)
{
    bench_count_t *count = mproc_value_data(value);
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t done = 0;
    int i;

    (void)variant;
    count->counter = 0;
    do {
        for (i = 0; i < 1000 && rv == APR_SUCCESS; i++) {
            rv = mproc_value_acquire(value, MPROC_FOREVER);
            count->counter++;
            mproc_value_release(value);
        }
        done += 1000;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *result = (double)done / ((double)(end - begin) / APR_USEC_PER_SEC);
    return rv == APR_SUCCESS && count->counter != done
               ? bench_fail("the count is wrong")
               : rv;
}

static int
contend(mproc_bytes_t args, apr_pool_t *pool)
{
    bench_contender_t me;
    int i;

    if (!bench_contest_enter(&me, args, pool)) {
        return 1;
    }
    do {
        for (i = 0; i < BENCH_CONTEST_BATCH; i++) {
            if (mproc_value_acquire(me.object, MPROC_FOREVER) != APR_SUCCESS) {
                return 2;
            }
            bench_contest_turn(&me);
            mproc_value_release(me.object);
        }
    } while (bench_contest_goes_on(&me));
    return 0;
}

static apr_status_t
contended_sample(double *result, int variant)
{
    apr_status_t rv = bench_contest(result, contend, value, value);

    (void)variant;
    *result *= APR_USEC_PER_SEC;
    return rv;
}

const bench_row_t bench_value[] = {
    {"value.increment", "mproc", "op/s", 0, value_setup, increment_sample,
     value_teardown},
    {"value.increment.2p", "mproc", "op/s", 0, value_setup, contended_sample,
     value_teardown},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
