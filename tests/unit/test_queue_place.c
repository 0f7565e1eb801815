/* test_queue_place.c: items of a queue in place: reserved, taken; and objects
 * that live in items only. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "items.h"
#include "kin.h"

static apr_uint64_t
count_items(void)
{
    mproc_census_t census;
    census_settled(&census);
    return census.kind[MPROC_KIND_ITEM].blocks;
}

static void
reserved_written_committed(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0, 1, 15, 16, 4096, 70000, 5000000};
    mproc_queue_t *queue = queue_new(0, pool);
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mproc_bytes_t item;
        void *data;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_reserve(queue, sizes[i], &data, 0));
        CHECK((apr_uintptr_t)data % 16 == 0);
        CHECK_INT(0, mproc_queue_size(queue));
        item_write(data, sizes[i], 7);
        CHECK_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data));
        CHECK_INT(1, mproc_queue_size(queue));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
        CHECK(item.data == data);
        CHECK(item_is(item, sizes[i], 7));
        CHECK_INT(1, count_items());
        /* On to the queue again, without a copy. */
        CHECK_STATUS(APR_SUCCESS, mproc_queue_commit(
                                      queue, (void *)(apr_uintptr_t)item.data));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
        CHECK(item_is(item, sizes[i], 7));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
        CHECK_INT(0, count_items());
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_reserve(queue, sizes[i], &data, 0));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_abandon(queue, data));
        CHECK_INT(0, count_items());
    }
    CHECK_INT(0, mproc_queue_size(queue));
}

/* Space is waited for when it is reserved; then commit never waits. */
static void
commit_never_waits(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(2, pool);
    void *data[5];
    int i;

    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, 9, &data[i], 0));
        memset(data[i], 'a' + i, 9);
    }
    for (i = 4; i >= 0; i--) {
        CHECK_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data[i]));
    }
    CHECK_INT(5, mproc_queue_size(queue));
    CHECK_INT(1, mproc_queue_full(queue));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_reserve(queue, 9, &data[0], 0));
    for (i = 4; i >= 0; i--) {
        mproc_bytes_t item;
        CHECK_STATUS(APR_TIMEUP, i > 0 ? mproc_queue_put(queue, BYTES("x"), 0)
                                       : APR_TIMEUP);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        CHECK(item.size == 9 && *(const char *)item.data == 'a' + i);
        if (i == 2) { /* Two are left, which is full still. */
            CHECK_INT(1, mproc_queue_full(queue));
        }
    }
}

static void
misuse_in_place(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    char local[64] = {0};
    mproc_bytes_t item, stale;
    void *data;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, 99, &data, 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, NULL));
    CHECK_DETAIL("mproc_queue_reserve()");
    CHECK_STATUS(APR_EINVAL, mproc_queue_abandon(queue, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_queue_give_back(queue, bytes_of(NULL, 0)));
    for (i = 0; i < 48; i++) {
        CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, local + i));
        CHECK_STATUS(APR_EINVAL, mproc_queue_abandon(queue, local + i));
        if (i > 0) {
            char *beside = (char *)data + i;
            CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, beside));
            CHECK_STATUS(APR_EINVAL, mproc_queue_abandon(queue, beside));
            beside = (char *)data - i;
            CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, beside));
            CHECK_STATUS(APR_EINVAL,
                         mproc_queue_give_back(queue, bytes_of(beside, 9)));
        }
    }
    CHECK_STATUS(APR_EINVAL, mproc_queue_commit(NULL, data));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data));
    /* Twice, in all ways. */
    CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, data));
    CHECK_STATUS(APR_EINVAL, mproc_queue_abandon(queue, data));
    CHECK_INT(1, mproc_queue_size(queue));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
    stale = item;
    CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
    CHECK_STATUS(APR_EINVAL, mproc_queue_give_back(queue, stale));
    CHECK_STATUS(APR_EINVAL, mproc_queue_commit(queue, data));
    /* What somebody else has there by now. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put(queue, item_make(5000, 1, pool), 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_give_back(queue, stale));
    CHECK_STATUS(APR_EINVAL, mproc_queue_abandon(queue, data));
    CHECK_INT(1, mproc_queue_size(queue));
    CHECK_INT(1, count_items());
}

static int
try_anothers(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    apr_uint64_t reserved, taken;
    mproc_bytes_t item = {NULL, 5000};
    int i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "oUU", &queue, &reserved, &taken));
    for (i = 0; i < 2; i++) {
        void *data = mproc__arena_address(reserved);
        CHILD_STATUS(APR_EINVAL, mproc_queue_commit(queue, data));
        CHILD_STATUS(APR_EINVAL, mproc_queue_abandon(queue, data));
        item.data = mproc__arena_address(taken);
        CHILD_STATUS(APR_EINVAL, mproc_queue_give_back(queue, item));
        CHILD_STATUS(APR_EINVAL,
                     mproc_queue_commit(queue, mproc__arena_address(taken)));
    }
    return 0;
}

/* All reach it; only one may end it. In a forked child it is the pointer that
 * the parent has. */
static void
anothers_is_not_ours(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child;
    mproc_bytes_t item;
    void *data;
    int i;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put(queue, item_make(5000, 2, pool), 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, 5000, &data, 0));
    for (i = 0; i < 2; i++) {
        START(child, try_anothers, pool, "oUU", queue,
              mproc__arena_offset(data), mproc__arena_offset(item.data));
        JOIN(child, 0);
    }
    CHECK_INT(2, count_items());
    CHECK_INT(0, mproc_queue_size(queue));
    CHECK(item_is(item, 5000, 2));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data));
    CHECK_INT(1, mproc_queue_size(queue));
}

static int
reserve_and_end(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_bytes_t item;
    void *data;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    for (i = 0; i < 30; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, 30000, &data, 0));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data));
    CHILD_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
    CHILD_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("done"), 0));
    return 0;
}

/* What a process has in hand goes with it. */
static void
reservations_go_with_their_process(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child;
    mproc_bytes_t item;

    START(child, reserve_and_end, pool, "o", queue);
    JOIN(child, 0);
    CHECK_INT(0, count_items());
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    CHECK_TEXT("done", item.data);
    CHECK_INT(0, mproc_queue_size(queue));
}

static int
commit_for_parent(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    unsigned i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    for (i = 0; i < 200; i++) {
        void *data;
        CHILD_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, i * 100, &data,
                                                      test_deadline()));
        item_write(data, i * 100, i);
        CHILD_STATUS(APR_SUCCESS, mproc_queue_commit(queue, data));
    }
    return 0;
}

static void
from_place_to_place(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(3, pool);
    mproc_process_t *child;
    unsigned i;

    START(child, commit_for_parent, pool, "o", queue);
    for (i = 0; i < 200; i++) {
        mproc_bytes_t item;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_take(queue, &item, test_deadline()));
        REQUIRE(item_is(item, i * 100, i));
        /* It is ours to write on. */
        memset((void *)(apr_uintptr_t)item.data, 'z', item.size);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
    }
    JOIN(child, 0);
    CHECK_INT(0, count_items());
}

/* ----------------------------------------------------------------- objects */

static int
put_objects(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int i, die;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &die));
    for (i = 0; i < 50; i++) {
        mproc_value_t *value;
        mproc_queue_t *inner;
        CHILD_STATUS(APR_SUCCESS,
                     mproc_value_create(&value, sizeof i, &i, NULL));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_create(&inner, 0, NULL));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(inner, 0, "o", value));
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "[o {s: o}]",
                                                   value, "inner", inner));
        mproc_value_destroy(value);
        mproc_queue_destroy(inner);
    }
    if (die) {
        test_kill(mproc_process_pid(mproc_process_current()));
    }
    return 0;
}

/* They live as long as the item names them, also when who put it is gone. */
static void
objects_live_in_items(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, NULL);
    mproc_census_t before;
    int die, i;

    census_settled(&before);
    for (die = 0; die < 2; die++) {
        mproc_process_t *child;
        START(child, put_objects, pool, "oi", queue, die);
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
        CHECK_INT(50, mproc_queue_size(queue));
        for (i = 0; i < 25; i++) { /* The others go unread. */
            mproc_value_t *value, *same;
            mproc_queue_t *inner;
            const char *key;
            apr_pool_t *own;
            apr_pool_create(&own, pool);
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_getf(queue, 0, own, "[o {s: o}]", &value,
                                            &key, &inner));
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_getf(inner, 0, own, "o", &same));
            CHECK_INT(i, *(int *)mproc_value_data(value));
            CHECK(mproc_value_data(value) == mproc_value_data(same));
            apr_pool_destroy(own);
        }
        for (i = 0; i < 25; i++) {
            mproc_bytes_t item;
            REQUIRE_STATUS(APR_SUCCESS,
                           die ? mproc_queue_take(queue, &item, 0)
                               : mproc_queue_get(queue, &item, 0, pool));
            if (die) {
                CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
            }
        }
    }
    mproc_queue_destroy(queue);
    await_blocks(MPROC_KIND_VALUE, before.kind[MPROC_KIND_VALUE].blocks);
    await_blocks(MPROC_KIND_QUEUE, 0);
    await_blocks(MPROC_KIND_ITEM, 0);
    await_blocks(MPROC_KIND_SEGMENT, 0);
}

/* An item of another shape is taken off, and lets its objects go. */
static void
objects_of_a_wrong_shape_go(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_census_t census;
    mproc_event_t *event;
    int number;

    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "[o s]", event, ""));
    mproc_event_destroy(event);
    CHECK_STATUS(MPROC_EFORMAT, mproc_queue_getf(queue, 0, pool, "i", &number));
    census_settled(&census);
    CHECK_INT(0, census.kind[MPROC_KIND_EVENT].blocks);
    CHECK_INT(0, mproc_queue_size(queue));
}

static const test_case_t cases[] = {
    {"reserved_written_committed", reserved_written_committed},
    {"commit_never_waits", commit_never_waits},
    {"misuse_in_place", misuse_in_place},
    {"anothers_is_not_ours", anothers_is_not_ours},
    {"reservations_go_with_their_process", reservations_go_with_their_process},
    {"from_place_to_place", from_place_to_place},
    {"objects_live_in_items", objects_live_in_items},
    {"objects_of_a_wrong_shape_go", objects_of_a_wrong_shape_go},
    {NULL, NULL}};

const test_suite_t suite_queue_place = {"queue_place", 1, cases};
