/*
 * test_value.c: the plain value (V1 to V4, V7 to V9). V6 and V5's overflow
 * are about Python's types, V11 and V12 about the arena (test_arena.c); V10
 * is a warning.
 */
#include "sync.h"

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
    CHECK(mproc_value_lock(NULL) == NULL);
    CHECK_INT(0, mproc_value_size(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_value_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_value_release(NULL));
    CHECK_DETAIL("mproc_value_create()");
    value = (mproc_value_t *)pool;
    CHECK_STATUS(APR_EINVAL, mproc_value_copy(&value, NULL, pool));
    CHECK(value == NULL);
    mproc_value_destroy(NULL);
}

/* An array is no value, nor is a lock an rlock. */
static void
another_kind_is_refused(apr_pool_t *pool)
{
    mproc_value_t *value, *other;
    mproc_array_t *array;
    mproc_bytes_t bytes;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_array_create(&array, 8, 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", array));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &value));
    CHECK(mproc_value_data(value) == NULL);
    CHECK_INT(0, mproc_value_size(value));
    CHECK_STATUS(APR_EINVAL, mproc_value_acquire(value, 0));
    CHECK_DETAIL("no value");
    CHECK_STATUS(APR_EINVAL, mproc_value_copy(&other, value, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_value_create_with_lock(
                     &other, 8, NULL, (mproc_rlock_t *)(void *)lock, pool));
    CHECK_DETAIL("rlock");
    CHECK(other == NULL);
}

static apr_status_t
try_lock(void *data)
{
    return mproc_value_acquire(data, MPROC_NOWAIT);
}

/* V3, V4: an rlock of its own, one for several, or none. */
static void
locks_are_chosen(apr_pool_t *pool)
{
    mproc_value_t *own, *one, *two, *raw;
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&own, 4, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(own, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(mproc_value_lock(own), 0));
    threads_join(threads_start(1, try_lock, own, pool), APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(own));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(own));
    CHECK_STATUS(MPROC_ESTATE, mproc_value_release(own));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create_with_lock(&one, 4, NULL, rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create_with_lock(&two, 4, NULL, rlock, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(one, 0));
    threads_join(threads_start(1, try_lock, two, pool), APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(rlock));
    mproc_rlock_destroy(rlock);
    mproc_value_destroy(one);
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(two, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(two));
    REQUIRE_STATUS(APR_SUCCESS, mproc_raw_value_create(&raw, 4, NULL, pool));
    CHECK(mproc_value_lock(raw) == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(raw, 0));
    threads_join(threads_start(1, try_lock, raw, pool), APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(raw));
}

/* V9. */
static void
a_copy_is_another(apr_pool_t *pool)
{
    mproc_value_t *value, *copy;
    int number = 42;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof number, &number, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_copy(&copy, value, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(value, 0));
    *(int *)mproc_value_data(value) = 7;
    CHECK_INT(42, *(int *)mproc_value_data(copy));
    CHECK_INT(sizeof number, mproc_value_size(copy));
    CHECK(mproc_value_lock(copy) != NULL);
    CHECK_INT(0, mproc_rlock_locked(mproc_value_lock(copy)));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
    REQUIRE_STATUS(APR_SUCCESS, mproc_raw_value_create(&value, sizeof number,
                                                       &number, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_copy(&copy, value, pool));
    CHECK(mproc_value_lock(copy) == NULL);
    CHECK_INT(42, *(int *)mproc_value_data(copy));
}

#define ADDERS 4
#define ADDITIONS 5000

/* The lock taken twice: it is recursive. */
static int
add_to_both(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *one, *two;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &one, &two));
    for (i = 0; i < ADDITIONS; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_value_acquire(one, test_deadline()));
        CHILD_STATUS(APR_SUCCESS, mproc_value_acquire(two, MPROC_NOWAIT));
        *(volatile int *)mproc_value_data(one) += 1;
        *(volatile int *)mproc_value_data(two) += 2;
        CHILD_STATUS(APR_SUCCESS, mproc_value_release(two));
        CHILD_STATUS(APR_SUCCESS, mproc_value_release(one));
    }
    return 0;
}

/* V3, V4, V7: two values with one lock, added to by several processes. */
static void
one_lock_guards_two(apr_pool_t *pool)
{
    mproc_process_t *child[ADDERS];
    mproc_value_t *one, *two;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&one, sizeof(int), NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create_with_lock(&two, sizeof(int), NULL,
                                                mproc_value_lock(one), pool));
    for (i = 0; i < ADDERS; i++) {
        START(child[i], add_to_both, pool, "oo", one, two);
    }
    for (i = 0; i < ADDERS; i++) {
        JOIN(child[i], 0);
    }
    CHECK_INT(ADDERS * ADDITIONS, *(int *)mproc_value_data(one));
    CHECK_INT(2 * ADDERS * ADDITIONS, *(int *)mproc_value_data(two));
}

static int
die_inside(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_event_t *held, *never;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &value, &held, &never));
    CHILD_STATUS(APR_SUCCESS, mproc_value_acquire(value, test_deadline()));
    *(int *)mproc_value_data(value) = 1;
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* SY4: who copies it, or acquires it, is told that it may be half-changed. */
static void
a_dead_user_is_told_of(apr_pool_t *pool)
{
    int copies;
    for (copies = 0; copies < 2; copies++) {
        mproc_process_t *child;
        mproc_value_t *value, *copy;
        mproc_event_t *held, *never;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_value_create(&value, sizeof(int), NULL, pool));
        NEW_EVENT(held);
        NEW_EVENT(never);
        START(child, die_inside, pool, "ooo", value, held, never);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
        KILL(child);
        if (copies) {
            CHECK_STATUS(MPROC_EOWNERDEAD,
                         mproc_value_copy(&copy, value, pool));
            CHECK_INT(1, *(int *)mproc_value_data(copy));
        }
        else {
            CHECK_STATUS(MPROC_EOWNERDEAD, mproc_value_acquire(value, 0));
            CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(value, 0));
        CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
    }
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
    {"another_kind_is_refused", another_kind_is_refused},
    {"locks_are_chosen", locks_are_chosen},
    {"a_copy_is_another", a_copy_is_another},
    {"one_lock_guards_two", one_lock_guards_two},
    {"a_dead_user_is_told_of", a_dead_user_is_told_of},
    {"all_see_the_same", all_see_the_same},
    {"it_outlives_its_creator", it_outlives_its_creator},
    {"the_dead_leave_nothing", the_dead_leave_nothing},
    {NULL, NULL}};

const test_suite_t suite_value = {"value", 1, cases};
