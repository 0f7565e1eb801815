/* test_array.c: the array (V1 to V9, as far as they are about arrays). */
#include "sync.h"

static mproc_array_t *
new_array(apr_size_t count, const int *initial, apr_pool_t *pool)
{
    mproc_array_t *array;
    REQUIRE_STATUS(APR_SUCCESS, mproc_array_create(&array, sizeof(int), count,
                                                   initial, pool));
    return array;
}

/* V2: zeros, also in memory that was used before; or what is given. */
static void
it_begins_as_it_is_told(apr_pool_t *pool)
{
    static const int numbers[] = {3, 1, 4, 1, 5};
    mproc_array_t *array;
    int again, i, sum;
    for (again = 0; again < 3; again++) {
        array = new_array(1000, NULL, pool);
        for (sum = 0, i = 0; i < 1000; i++) {
            int *item = (int *)mproc_array_data(array) + i;
            sum += *item != 0;
            *item = -1;
        }
        CHECK_INT(0, sum);
        mproc_array_destroy(array);
    }
    array = new_array(5, numbers, pool);
    CHECK_INT(5, mproc_array_count(array));
    CHECK_INT(sizeof(int), mproc_array_item_size(array));
    CHECK(memcmp(mproc_array_data(array), numbers, sizeof numbers) == 0);
    CHECK_INT(0, (size_t)mproc_array_data(array) % 16);
}

/* V2: empty is fine. */
static void
it_may_be_empty(apr_pool_t *pool)
{
    mproc_array_t *array = new_array(0, NULL, pool), *copy;
    int item = 7;
    CHECK_INT(0, mproc_array_count(array));
    CHECK(mproc_array_data(array) != NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(array, 0, 0, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_array_write(array, 0, 0, NULL));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(array, 0, &item));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(array, -1, &item));
    CHECK_INT(7, item);
    CHECK_STATUS(APR_SUCCESS, mproc_array_copy(&copy, array, pool));
    CHECK_INT(0, mproc_array_count(copy));
}

/* V2, E7: what cannot be is refused, and nothing of it stays. */
static void
what_cannot_be_is_refused(apr_pool_t *pool)
{
    static const apr_size_t counts[] = {(apr_size_t)1 << 40, (apr_size_t)-1,
                                        (apr_size_t)-1 / 4,
                                        MPROC__BLOCK_MAX / sizeof(int)};
    mproc_array_t *array = (mproc_array_t *)pool;
    mproc_census_t before = census_now(), after;
    size_t i;
    CHECK_STATUS(APR_EINVAL, mproc_array_create(NULL, 4, 4, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_array_create(&array, 0, 4, NULL, pool));
    CHECK_DETAIL("size is 0");
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        array = (mproc_array_t *)pool;
        CHECK_STATUS(APR_ENOMEM, mproc_array_create(&array, sizeof(int),
                                                    counts[i], NULL, pool));
        CHECK(array == NULL);
    }
    array = (mproc_array_t *)pool;
    CHECK_STATUS(APR_EINVAL,
                 mproc_array_create_with_lock(&array, 4, 4, NULL, NULL, pool));
    CHECK(array == NULL);
    after = census_now();
    CHECK_INT(before.kind[MPROC_KIND_ARRAY].blocks,
              after.kind[MPROC_KIND_ARRAY].blocks);
    CHECK_INT(before.kind[MPROC_KIND_RLOCK].blocks,
              after.kind[MPROC_KIND_RLOCK].blocks);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_array_t *array = (mproc_array_t *)pool;
    mproc_value_t *value;
    mproc_bytes_t bytes;
    int item = 7;
    CHECK_STATUS(APR_EINVAL, mproc_array_copy(&array, NULL, pool));
    CHECK(array == NULL);
    CHECK(mproc_array_data(NULL) == NULL);
    CHECK(mproc_array_lock(NULL) == NULL);
    CHECK_INT(0, mproc_array_count(NULL));
    CHECK_INT(0, mproc_array_item_size(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_array_get(NULL, 0, &item));
    CHECK_STATUS(APR_EINVAL, mproc_array_set(NULL, 0, &item));
    CHECK_STATUS(APR_EINVAL, mproc_array_acquire(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_array_release(NULL));
    CHECK_DETAIL("mproc_array_create()");
    mproc_array_destroy(NULL);
    array = new_array(2, NULL, pool);
    CHECK_STATUS(APR_EINVAL, mproc_array_copy(NULL, array, pool));
    CHECK_STATUS(APR_EINVAL, mproc_array_get(array, 0, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_array_write(array, 0, 2, NULL));
    CHECK_INT(0, mproc_rlock_locked(mproc_array_lock(array)));
    mproc_array_destroy(array);
    CHECK(mproc_array_data(array) == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_array_set(array, 0, &item));
    /* Another kind of object, though it looks alike. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&value, 4, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", value));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &array));
    CHECK_STATUS(APR_EINVAL, mproc_array_get(array, 0, &item));
    CHECK_DETAIL("no array");
    CHECK(mproc_array_data(array) == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_array_acquire(array, 0));
}

/* V5: an index is checked, and a negative one counts from the end. */
static void
indices_are_checked(apr_pool_t *pool)
{
    static const int numbers[] = {10, 11, 12, 13, 14};
    static const struct {
        apr_int64_t first;
        apr_size_t count;
        int found; /* the first; 0: not to be had */
    } row[] = {{0, 5, 10},
               {4, 1, 14},
               {-1, 1, 14},
               {-5, 5, 10},
               {-5, 1, 10},
               {3, 2, 13},
               {5, 1, 0},
               {-6, 1, 0},
               {3, 3, 0},
               {-2, 3, 0},
               {0, 6, 0},
               {1, (apr_size_t)-1, 0},
               {APR_INT64_MIN, 1, 0},
               {APR_INT64_MAX, 1, 0}};
    mproc_array_t *array = new_array(5, numbers, pool);
    int items[6], i, other = 99;
    size_t n;
    for (n = 0; n < sizeof row / sizeof *row; n++) {
        memset(items, 0, sizeof items);
        CHECK_STATUS(
            row[n].found ? APR_SUCCESS : APR_NOTFOUND,
            mproc_array_read(array, row[n].first, row[n].count, items));
        CHECK_INT(row[n].found, items[0]);
        for (i = 1; i < 6; i++) {
            CHECK_INT(row[n].found && i < (int)row[n].count ? items[0] + i : 0,
                      items[i]);
        }
        if (!row[n].found) {
            CHECK_DETAIL("array of 5");
            CHECK_STATUS(APR_NOTFOUND, mproc_array_write(array, row[n].first,
                                                         row[n].count, items));
        }
    }
    /* The end is a place where nothing lies. */
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(array, 5, 0, NULL));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_read(array, 6, 0, NULL));
    CHECK(memcmp(mproc_array_data(array), numbers, sizeof numbers) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(array, -2, &other));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_set(array, 5, &other));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, 3, items));
    CHECK_INT(99, items[0]);
    items[1] = 98;
    CHECK_STATUS(APR_SUCCESS, mproc_array_write(array, 0, 2, items));
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(array, 0, 3, items));
    CHECK_INT(99, items[0]);
    CHECK_INT(98, items[1]);
    CHECK_INT(12, items[2]);
}

static apr_status_t
try_lock(void *data)
{
    return mproc_array_acquire(data, MPROC_NOWAIT);
}

/* V3: an rlock of its own, one that is given, or none. */
static void
locks_are_chosen(apr_pool_t *pool)
{
    mproc_array_t *own = new_array(2, NULL, pool), *one, *two, *raw;
    mproc_rlock_t *rlock;
    int item = 5;
    CHECK(mproc_array_lock(own) != NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(own, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(own, 0));
    CHECK_INT(1, mproc_rlock_is_mine(mproc_array_lock(own)));
    threads_join(threads_start(1, try_lock, own, pool), APR_TIMEUP);
    /* V4: each access takes it, inside as outside. */
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(own, 0, &item));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(own));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(own));
    CHECK_STATUS(MPROC_ESTATE, mproc_array_release(own));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_array_create_with_lock(
                                    &one, sizeof(int), 2, NULL, rlock, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_array_create_with_lock(
                                    &two, sizeof(int), 2, NULL, rlock, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(rlock, 0));
    threads_join(threads_start(1, try_lock, one, pool), APR_TIMEUP);
    threads_join(threads_start(1, try_lock, two, pool), APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(one));
    mproc_rlock_destroy(rlock);
    mproc_array_destroy(one);
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(two, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(two));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_raw_array_create(&raw, sizeof(int), 2, NULL, pool));
    CHECK(mproc_array_lock(raw) == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(raw, 0));
    threads_join(threads_start(1, try_lock, raw, pool), APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(raw, 1, &item));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(raw));
}

typedef struct access_t {
    mproc_array_t *array;
    counter_t begun;
    int writes;
} access_t;

static apr_status_t
access_it(void *data)
{
    access_t *access = data;
    int items[2] = {1, 2};
    atomic_store(&access->begun, 1);
    return access->writes ? mproc_array_write(access->array, 0, 2, items)
                          : mproc_array_read(access->array, 0, 2, items);
}

/* V4: each read and each write waits for the lock. */
static void
each_access_is_locked(apr_pool_t *pool)
{
    access_t access = {new_array(2, NULL, pool), 0, 0};
    threads_t *threads;
    for (access.writes = 0; access.writes < 2; access.writes++) {
        CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(access.array, 0));
        threads = threads_start(1, access_it, &access, pool);
        await_sleepers(shared_of(mproc_array_lock(access.array)), 1);
        CHECK_INT(0, *(int *)mproc_array_data(access.array));
        CHECK_STATUS(APR_SUCCESS, mproc_array_release(access.array));
        threads_join(threads, APR_SUCCESS);
    }
    CHECK_INT(1, *(int *)mproc_array_data(access.array));
    CHECK_INT(0, mproc_rlock_locked(mproc_array_lock(access.array)));
}

/* V9: a new object with the same content and a lock of its own. */
static void
a_copy_is_another(apr_pool_t *pool)
{
    static const int numbers[] = {1, 2, 3};
    mproc_array_t *array = new_array(3, numbers, pool), *copy, *raw;
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(array, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_array_copy(&copy, array, pool));
    *(int *)mproc_array_data(array) = 7;
    CHECK_INT(3, mproc_array_count(copy));
    CHECK_INT(sizeof(int), mproc_array_item_size(copy));
    CHECK(memcmp(mproc_array_data(copy), numbers, sizeof numbers) == 0);
    CHECK(mproc_array_lock(copy) != NULL);
    CHECK_INT(0, mproc_rlock_locked(mproc_array_lock(copy)));
    CHECK_INT(1, mproc_rlock_is_mine(mproc_array_lock(array)));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
    CHECK_INT(0, mproc_rlock_locked(mproc_array_lock(array)));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_raw_array_create(&raw, sizeof(int), 3, numbers, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_array_copy(&copy, raw, pool));
    CHECK(mproc_array_lock(copy) == NULL);
    CHECK(memcmp(mproc_array_data(copy), numbers, sizeof numbers) == 0);
}

#define ITEMS 64
#define TURNS 200

/* Add one to each item, last to first: they differ only inside. */
static int
add_to_all(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    int items[ITEMS], turn, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &array));
    CHILD_CHECK(mproc_array_count(array) == ITEMS);
    for (turn = 0; turn < TURNS; turn++) {
        int *data = mproc_array_data(array);
        CHILD_STATUS(APR_SUCCESS, mproc_array_acquire(array, test_deadline()));
        for (i = ITEMS; i > 0; i--) {
            data[i - 1]++;
        }
        CHILD_STATUS(APR_SUCCESS, mproc_array_release(array));
        CHILD_STATUS(APR_SUCCESS, mproc_array_read(array, 0, ITEMS, items));
        for (i = 1; i < ITEMS; i++) {
            CHILD_CHECK(items[i] == items[0]);
        }
    }
    return 0;
}

/* V4, V7: seen by all, and a slice is never half of one and half of another
 * time. */
static void
all_see_the_same(apr_pool_t *pool)
{
    enum {
        CHILDREN = 4
    };
    mproc_array_t *array = new_array(ITEMS, NULL, pool);
    mproc_process_t *child[CHILDREN];
    int i, last = 0;
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], add_to_all, pool, "o", array);
    }
    for (i = 0; i < CHILDREN; i++) {
        JOIN(child[i], 0);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, -1, &last));
    CHECK_INT(CHILDREN * TURNS, last);
}

static int
die_inside(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    mproc_event_t *held, *never;
    int item = 1;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &array, &held, &never));
    CHILD_STATUS(APR_SUCCESS, mproc_array_acquire(array, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_array_set(array, 0, &item));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

static mproc_array_t *
half_changed(apr_pool_t *pool)
{
    mproc_array_t *array = new_array(2, NULL, pool);
    mproc_process_t *child;
    mproc_event_t *held, *never;
    NEW_EVENT(held);
    NEW_EVENT(never);
    START(child, die_inside, pool, "ooo", array, held, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    KILL(child);
    return array;
}

/* SY4: each way to get at the items tells once that its last user died, and
 * does its work all the same. */
static void
a_dead_user_is_told_of(apr_pool_t *pool)
{
    mproc_array_t *array = half_changed(pool), *copy = NULL;
    int items[2] = {7, 7};
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_read(array, 0, 2, items));
    CHECK_INT(1, items[0]);
    CHECK_INT(0, items[1]);
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(array, 0, 2, items));
    array = half_changed(pool);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_set(array, 1, &items[0]));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, 1, &items[1]));
    CHECK_INT(1, items[1]);
    array = half_changed(pool);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_copy(&copy, array, pool));
    CHECK_INT(2, mproc_array_count(copy));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(copy, 0, items));
    array = half_changed(pool);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_acquire(array, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
}

static int
pass_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_array_t *array;
    int depth, code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &array, &depth));
    CHILD_STATUS(APR_SUCCESS, mproc_array_set(array, depth, &depth));
    if (depth == 0) {
        return 0;
    }
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&child, pass_on, NULL, pool,
                                                   "oi", array, depth - 1));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(child));
    /* SY3: this process's end of use disturbs nobody. */
    mproc_array_destroy(array);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    return code;
}

/* V7, V8. */
static void
it_passes_through_a_chain(apr_pool_t *pool)
{
    static const int sevens[] = {7, 7, 7, 7};
    mproc_array_t *array = new_array(4, sevens, pool);
    mproc_process_t *child;
    int items[4];
    START(child, pass_on, pool, "oi", array, 2);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(array, 0, 4, items));
    CHECK_INT(0, items[0]);
    CHECK_INT(1, items[1]);
    CHECK_INT(2, items[2]);
    CHECK_INT(7, items[3]);
}

static const test_case_t cases[] = {
    {"it_begins_as_it_is_told", it_begins_as_it_is_told},
    {"it_may_be_empty", it_may_be_empty},
    {"what_cannot_be_is_refused", what_cannot_be_is_refused},
    {"misuse_is_a_status", misuse_is_a_status},
    {"indices_are_checked", indices_are_checked},
    {"locks_are_chosen", locks_are_chosen},
    {"each_access_is_locked", each_access_is_locked},
    {"a_copy_is_another", a_copy_is_another},
    {"all_see_the_same", all_see_the_same},
    {"a_dead_user_is_told_of", a_dead_user_is_told_of},
    {"it_passes_through_a_chain", it_passes_through_a_chain},
    {NULL, NULL}};

const test_suite_t suite_array = {"array", 1, cases};
