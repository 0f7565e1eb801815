/* test_value.c: the plain value (V1, V2, V7, V8). */
#include <stdio.h>
#include <string.h>

#include "child.h"

typedef struct triple_t {
    double x;
    int y;
    char z[4]; /* no padding, which nobody sets */
} triple_t;

/* V1, V2: any type, zeros unless something is given. */
static void
it_holds_any_type(apr_pool_t *pool)
{
    triple_t triple = {1.5, -7, "ab"};
    mproc_value_t *value, *zeros;
    int again;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof triple, &triple, pool));
    CHECK_INT(sizeof triple, mproc_value_size(value));
    CHECK_INT(0, (size_t)mproc_value_data(value) % 16);
    CHECK(memcmp(mproc_value_data(value), &triple, sizeof triple) == 0);
    for (again = 0; again < 2; again++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&zeros, 8, NULL, pool));
        CHECK_INT(0, *(apr_int64_t *)mproc_value_data(zeros));
        *(apr_int64_t *)mproc_value_data(zeros) = -1;
        mproc_value_destroy(zeros);
    }
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_value_t *value = (mproc_value_t *)pool;
    CHECK_STATUS(APR_EINVAL, mproc_value_create(NULL, 8, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_value_create(&value, 0, NULL, pool));
    CHECK_DETAIL("size is 0");
    CHECK_STATUS(APR_ENOMEM,
                 mproc_value_create(&value, (apr_size_t)1 << 40, NULL, pool));
    CHECK(value == NULL);
    CHECK(mproc_value_data(NULL) == NULL);
    CHECK_INT(0, mproc_value_size(NULL));
    mproc_value_destroy(NULL);
}

static int
change_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &value));
    CHILD_CHECK(mproc_value_size(value) == sizeof(double));
    CHILD_CHECK(*(double *)mproc_value_data(value) == 1.0);
    *(double *)mproc_value_data(value) = 5.0;
    return 0;
}

/* V7. */
static void
all_see_the_same(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_value_t *value;
    double one = 1.0;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof one, &one, pool));
    START(child, change_it, pool, "o", value);
    JOIN(child, 0);
    CHECK(*(double *)mproc_value_data(value) == 5.0);
}

static int
keep_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_event_t *gone;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &value, &gone));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(gone, test_deadline()));
    CHILD_CHECK(*(int *)mproc_value_data(value) == 4711);
    return 0;
}

/* V8: dropped here before the child has even begun, it lives there. */
static void
it_outlives_its_creator(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_value_t *value;
    mproc_event_t *gone;
    mproc_census_t before, after;
    int number = 4711;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof number, &number, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&gone, pool));
    START(child, keep_it, pool, "oo", value, gone);
    mproc_value_destroy(value);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(gone));
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_VALUE].blocks,
              after.kind[MPROC_KIND_VALUE].blocks);
}

static int
hoard(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *ready, *never;
    mproc_value_t *value;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &ready, &never));
    for (i = 0; i < 1000; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_value_create(&value, 100, NULL, NULL));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* What only a dead process had is freed. */
static void
the_dead_leave_nothing(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *ready, *never;
    mproc_census_t before, after;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    start_server(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    START(child, hoard, pool, "oo", ready, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_VALUE].blocks + 1000,
              after.kind[MPROC_KIND_VALUE].blocks);
    KILL(child);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_VALUE].blocks,
              after.kind[MPROC_KIND_VALUE].blocks);
    CHECK_INT(before.peers, after.peers);
}

static const test_case_t cases[] = {
    {"it_holds_any_type", it_holds_any_type},
    {"misuse_is_a_status", misuse_is_a_status},
    {"all_see_the_same", all_see_the_same},
    {"it_outlives_its_creator", it_outlives_its_creator},
    {"the_dead_leave_nothing", the_dead_leave_nothing},
    {NULL, NULL}};

const test_suite_t suite_value = {"value", 1, cases};
