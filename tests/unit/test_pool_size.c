/* test_pool_size.c: pools of any number of workers, and very many tasks (PL13,
 * PL37). */
#include <stdlib.h>

#include "tasks.h"

#include "../../lib/src/async.h"

/* More than a wait of the system's can have. */
static int
many(void)
{
    return test_is_wine() ? 70 : 200;
}

static apr_status_t
meet(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    apr_status_t rv = mproc_unpack(args, pool, "o", &barrier);
    (void)reply;
    return rv == APR_SUCCESS
               ? mproc_barrier_wait(barrier, NULL, test_deadline())
               : rv;
}

/* As many tasks as workers, which wait for each other. */
static void
all_take_part(mproc_pool_t *workers, int count, apr_pool_t *pool)
{
    mproc_task_options_t options = {.chunk = 1};
    mproc_bytes_t *items = apr_palloc(pool, (apr_size_t)count * sizeof *items);
    mproc_barrier_t *barrier;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&barrier, count, NULL, NULL, pool));
    for (i = 0; i < count; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&items[i], pool, "o", barrier));
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_map(workers, meet, items, (apr_size_t)count,
                                &options, NULL, pool));
}

/* Wait until there are so many. */
static void
workers_are(mproc_pool_t *workers, int count)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    mproc_pool_stats_t stats;
    do {
        REQUIRE(mproc_clock() < limit);
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        apr_sleep(1000);
    } while (stats.workers != count);
}

/* PL37. */
static void
two_hundred_workers(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    pool_start(&workers, many(), pool);
    all_take_part(workers, many(), pool);
    pool_end(workers);
}

/* From few to many, and back. */
static void
resize_to_any_number(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_census_t before, after;
    CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_EINVAL, mproc_pool_resize(workers, 0));
    CHECK_STATUS(APR_EINVAL, mproc_pool_resize(workers, 1025));
    CHECK_DETAIL("1 to 1024");
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, many()));
    all_take_part(workers, many(), pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 1));
    workers_are(workers, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 20));
    all_take_part(workers, 20, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_resize(workers, 2));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_POOL].blocks,
              after.kind[MPROC_KIND_POOL].blocks);
}

/* What is in shared memory, for each of so many; and what is on the heap, as
 * malloc() rounds it up. */
static void
check_bytes(const mproc_census_t *before, const mproc_census_t *after,
            apr_uint64_t count)
{
    apr_uint64_t shared = after->total.bytes - before->total.bytes;
    apr_uint64_t committed = after->committed - before->committed;
    apr_uint64_t heap = (sizeof(mproc_async_t) + 8 + 15) / 16 * 16;
    CHECK(shared / count + heap < 256);
    CHECK(committed / count + heap < 256);
    CHECK(after->total.blocks - before->total.blocks >= count);
}

/* PL13: so many that wait; each takes less than 256 bytes, its few of arguments
 * included. Then all is given back. */
static void
very_many_that_wait(apr_pool_t *pool)
{
    apr_uint64_t count = (apr_uint64_t)test_scaled(300000), i;
    mproc_census_t before, after;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < count; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(NULL, workers, square, NULL, NULL,
                                              "i", (int)i & 0xfff));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    check_bytes(&before, &after, count);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(count + 1, stats.submitted);
    CHECK_INT(0, stats.settled);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, 4 * test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(count + 1, stats.run);
    CHECK_INT(count + 1, stats.settled);
    mproc_pool_destroy(workers);
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(1, after.kind[MPROC_KIND_JOB].blocks); /* The first. */
    CHECK_INT(0, after.kind[MPROC_KIND_SEGMENT].blocks);
}

static const test_case_t cases[] = {
    {"very_many_that_wait", very_many_that_wait},
    {"two_hundred_workers", two_hundred_workers},
    {"resize_to_any_number", resize_to_any_number},
    {NULL, NULL}};

const test_suite_t suite_pool_size = {"pool_size", 1, cases};
