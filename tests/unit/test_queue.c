/* test_queue.c: the queue within one process, row by row (Q1 to Q13, Q22,
 * Q24, JQ1 to JQ3, SQ1). Between processes: test_queue_share.c. */
#include "reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "bytes.h"
#include "items.h"

/* Q4, SQ1: no feeder; put returned, so it is there. */
static void
what_was_put_is_got_at_once(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_bytes_t item;
    int i, number;

    CHECK_INT(1, mproc_queue_empty(queue));
    for (i = 0; i < 5000; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_putf(queue, MPROC_NOWAIT, "i", i));
        REQUIRE(!mproc_queue_empty(queue));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_getf(queue, MPROC_NOWAIT, pool,
                                                     "i", &number));
        REQUIRE(number == i);
    }
    CHECK_INT(1, mproc_queue_empty(queue));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, MPROC_NOWAIT, pool));
    CHECK_DETAIL("empty");
    CHECK(item.data == NULL && item.size == 0);
}

/* Q6. */
static void
nothing_is_an_item(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_bytes_t item = {NULL, 0};
    apr_size_t length = 7;
    int flag = 1;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put(queue, BYTES(""), MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, MPROC_NOWAIT, "n"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, MPROC_NOWAIT, "b", 0));
    CHECK_INT(4, mproc_queue_size(queue));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_get(queue, &item, MPROC_NOWAIT, pool));
    CHECK(item.size == 0 && item.data != NULL && *(char *)item.data == '\0');
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_get_into(queue, NULL, 0, &length, MPROC_NOWAIT));
    CHECK_INT(0, length);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_getf(queue, MPROC_NOWAIT, pool, "n"));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_getf(queue, MPROC_NOWAIT, pool, "b", &flag));
    CHECK_INT(0, flag);
}

/* Q3, Q7, Q8. */
static void
maxsize_counts_what_is_not_got(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(3, pool);
    mproc_bytes_t item;
    int i, round;

    CHECK_INT(0, mproc_queue_full(queue));
    for (round = 0; round < 400; round++) {
        for (i = 0; i < 3; i++) {
            CHECK_INT(i, mproc_queue_size(queue));
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), -9));
        }
        REQUIRE(mproc_queue_full(queue));
        REQUIRE_STATUS(APR_TIMEUP,
                       mproc_queue_put(queue, BYTES("x"), MPROC_NOWAIT));
        REQUIRE_STATUS(APR_TIMEUP, mproc_queue_put(queue, BYTES("x"), -9));
        for (i = 3; i > 0; i--) {
            CHECK_INT(i, mproc_queue_size(queue));
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_get(queue, &item, -9, pool));
            REQUIRE(!mproc_queue_full(queue));
        }
        REQUIRE_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, -9, pool));
    }
    queue = queue_new(0, pool);
    for (i = 0; i < 10000; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    }
    CHECK_INT(0, mproc_queue_full(queue));
    CHECK_INT(10000, mproc_queue_size(queue));
}

/* E6. */
static void
a_timeout_is_never_early(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    apr_time_t begin = mproc_clock();
    mproc_bytes_t item, many[2] = {BYTES("y"), BYTES("z")};
    void *data;
    int count;

    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 60000, pool));
    CHECK(mproc_clock() - begin >= 60000);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 60000));
    begin = mproc_clock();
    CHECK_STATUS(APR_TIMEUP, mproc_queue_put(queue, BYTES("y"), 60000));
    CHECK_DETAIL("full");
    CHECK(mproc_clock() - begin >= 60000);
    begin = mproc_clock();
    CHECK_STATUS(APR_TIMEUP, mproc_queue_reserve(queue, 9, &data, 60000));
    CHECK(data == NULL);
    CHECK(mproc_clock() - begin >= 60000);
    begin = mproc_clock();
    CHECK_STATUS(APR_TIMEUP,
                 mproc_queue_put_many(queue, many, 2, 60000, &count));
    CHECK_INT(0, count);
    CHECK(mproc_clock() - begin >= 60000);
    CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, 20000));
    CHECK_INT(1, mproc_queue_size(queue));
}

static void
round_trip(mproc_queue_t *queue, apr_size_t size, unsigned seed,
           apr_pool_t *pool)
{
    mproc_bytes_t item = item_make(size, seed, pool), got;
    char *buffer = apr_palloc(pool, size + 1);
    apr_size_t length;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_get(queue, &got, MPROC_NOWAIT, pool));
    REQUIRE(item_is(got, size, seed) && ((char *)got.data)[size] == '\0');
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get_into(queue, buffer, size,
                                                     &length, MPROC_NOWAIT));
    got = bytes_of(buffer, length);
    REQUIRE(item_is(got, size, seed));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_take(queue, &got, MPROC_NOWAIT));
    REQUIRE(item_is(got, size, seed) && (apr_uintptr_t)got.data % 16 == 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, got));
}

/* Q22: around what is inline, what a segment holds, what a chunk holds. */
static void
every_size_comes_back_whole(apr_pool_t *pool)
{
    static const apr_size_t edges[] = {0,     1008,  2032,    4080,
                                       4096,  8176,  16368,   32752,
                                       65520, 65536, 1 << 20, 8 << 20};
    mproc_queue_t *queue = queue_new(0, pool);
    size_t i;

    for (i = 0; i < sizeof edges / sizeof *edges; i++) {
        apr_size_t beside = edges[i] > 1 << 19 ? 1 : 33, size;
        for (size = edges[i] > beside ? edges[i] - beside : 0;
             size <= edges[i] + beside; size++) {
            apr_pool_t *own;
            apr_pool_create(&own, pool);
            /* Where a record ends in a segment changes all the time. */
            round_trip(size % 3 == 0 ? queue_new(0, own) : queue, size,
                       (unsigned)size, own);
            apr_pool_destroy(own);
        }
    }
    CHECK_INT(0, mproc_queue_size(queue));
}

static unsigned
draw(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Sizes of all kinds, few of the large. */
static apr_size_t
draw_size(unsigned *state)
{
    return draw(state) % (1u << (draw(state) % 17 + 1));
}

/* Q2, and END records at every place: a queue that breathes. */
static void
random_sizes_keep_their_order(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    unsigned put = 0, got = 0, state = 12345, sizes = 12345;

    while (got < 20000) {
        apr_pool_t *own;
        unsigned n = draw(&state) % 200;
        apr_pool_create(&own, pool);
        for (; n > 0 && put < 20000; n--, put++) {
            apr_size_t size = draw_size(&sizes);
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_put(queue, item_make(size, put, own),
                                           MPROC_NOWAIT));
        }
        for (n = draw(&state) % 220; n > 0 && got < put; n--, got++) {
            mproc_bytes_t item;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_get(queue, &item, MPROC_NOWAIT, own));
            REQUIRE(item_is(item, item.size, got));
        }
        REQUIRE(mproc_queue_size(queue) == put - got);
        apr_pool_destroy(own);
    }
}

/* Q5. */
static void
put_has_copied_and_tells_what_fails(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    char text[8] = "before";
    const char *got;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "s", text));
    memcpy(text, "after!", 7);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_getf(queue, MPROC_NOWAIT, pool, "s", &got));
    CHECK_TEXT("before", got);
    CHECK_STATUS(APR_EINVAL, mproc_queue_putf(queue, 0, "s", NULL));
    CHECK_STATUS(APR_EINVAL, mproc_queue_putf(queue, 0, "?", 1));
    CHECK_STATUS(APR_EINVAL, mproc_queue_putf(queue, 0, "o", NULL));
    CHECK_STATUS(APR_EINVAL, mproc_queue_put(queue, bytes_of(NULL, 3), 0));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_queue_put(queue, bytes_of("x", ((apr_size_t)-1) / 2),
                                 MPROC_NOWAIT));
    CHECK_INT(0, mproc_queue_size(queue));
}

/* Nothing is lost, and length says what it needs. */
static void
a_small_buffer_loses_nothing(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    static char buffer[10000];
    apr_size_t size, length;

    for (size = 1; size < sizeof buffer; size = size * 3 + 1) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_put(queue, item_make(size, 1, pool), 0));
        REQUIRE_STATUS(MPROC_ETOOBIG,
                       mproc_queue_get_into(queue, buffer, size - 1, &length,
                                            MPROC_NOWAIT));
        CHECK_INT(size, length);
        CHECK_DETAIL("still in the queue");
        CHECK_INT(1, mproc_queue_size(queue));
        CHECK_STATUS(APR_TIMEUP, mproc_queue_put(queue, BYTES("x"), 0));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_get_into(queue, buffer, size, &length, 0));
        CHECK(item_is(bytes_of(buffer, length), size, 1));
    }
    REQUIRE_STATUS(APR_TIMEUP,
                   mproc_queue_get_into(queue, buffer, 1, &length, 0));
    CHECK_INT(0, length);
}

static void
an_item_of_another_shape_is_taken_off(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_bytes_t item = item_make(9000, 5, pool);
    int number = 0;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "s", "text"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "y", item));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("\xc1"), 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 42));
    CHECK_STATUS(MPROC_EFORMAT, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(MPROC_EFORMAT, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(MPROC_EFORMAT, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_INT(42, number);
}

static void
many_at_once(apr_pool_t *pool)
{
    enum {
        MANY = 300
    };
    mproc_queue_t *queue = queue_new(MANY + 50, pool);
    mproc_bytes_t item[MANY], got[MANY + 100];
    int i, count = -1;

    for (i = 0; i < MANY; i++) {
        item[i] = i % 7 == 0
                      ? bytes_of(NULL, 0)
                      : item_make((apr_size_t)i * i % 9001, (unsigned)i, pool);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_put_many(queue, item, 0, 0, &count));
    CHECK_INT(0, count);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put_many(queue, item, MANY, 0, NULL));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_queue_put_many(queue, item, MANY, 0, &count));
    CHECK_INT(50, count);
    CHECK_INT(MANY + 50, mproc_queue_size(queue));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_get_many(queue, got, 1, &count, 0, pool));
    CHECK_INT(1, count);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get_many(queue, got + 1, MANY + 99,
                                                     &count, 0, pool));
    CHECK_INT(MANY + 49, count);
    for (i = 0; i < MANY + 50; i++) {
        int n = i % MANY;
        CHECK(item_is(got[i], n % 7 == 0 ? 0 : (apr_size_t)n * n % 9001,
                      (unsigned)n));
    }
    CHECK_STATUS(APR_TIMEUP,
                 mproc_queue_get_many(queue, got, 5, &count, 0, pool));
    CHECK_INT(0, count);
    item[3] = bytes_of(NULL, 3);
    CHECK_STATUS(APR_EINVAL, mproc_queue_put_many(queue, item, 5, 0, &count));
    CHECK_INT(3, count);
    CHECK_STATUS(APR_EINVAL, mproc_queue_put_many(queue, item, -1, 0, &count));
    CHECK_STATUS(APR_EINVAL, mproc_queue_put_many(queue, NULL, 1, 0, &count));
    CHECK_STATUS(APR_EINVAL,
                 mproc_queue_get_many(queue, got, 0, &count, 0, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_queue_get_many(queue, NULL, 1, &count, 0, pool));
}

/* Without a pool the bytes are the queue's. */
static void
what_is_got_without_a_pool(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, NULL);
    const char *text;
    mproc_bytes_t item;
    int i, count;

    (void)pool;
    for (i = 0; i < 300; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "s", "first"));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("two"), 0));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("3"), 0));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_getf(queue, 0, NULL, "s", &text));
        CHECK_TEXT("first", text);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, NULL));
        CHECK_TEXT("two", item.data);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_get_many(queue, &item, 1, &count, 0, NULL));
        CHECK_TEXT("3", item.data);
    }
    mproc_queue_destroy(queue);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_queue_t *queue, *other;
    mproc_bytes_t item;
    mproc_lock_t *lock;
    apr_size_t length;
    void *data;

    CHECK_STATUS(APR_EINVAL, mproc_queue_create(NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_queue_put(NULL, BYTES("x"), 0));
    CHECK_DETAIL("mproc_queue_create()");
    CHECK_STATUS(APR_EINVAL,
                 mproc_queue_put(NULL, item_make(9999, 1, pool), 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_get(NULL, &item, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_queue_get_into(NULL, &item, 1, &length, 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_putf(NULL, 0, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_queue_getf(NULL, 0, pool, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_queue_reserve(NULL, 1, &data, 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_take(NULL, &item, 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_task_done(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_queue_join(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_close(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_queue_shutdown(NULL, 1));
    CHECK_INT(0, mproc_queue_size(NULL));
    CHECK_INT(1, mproc_queue_empty(NULL));
    CHECK_INT(0, mproc_queue_full(NULL));
    mproc_queue_destroy(NULL);
    /* Something else, and what was destroyed. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    other = (mproc_queue_t *)(void *)lock;
    CHECK_STATUS(APR_EINVAL, mproc_queue_put(other, BYTES("x"), 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_shutdown(other, 0));
    queue = queue_new(0, pool);
    mproc_queue_destroy(queue);
    CHECK_STATUS(APR_EINVAL, mproc_queue_put(queue, BYTES("x"), 0));
    CHECK_STATUS(APR_EINVAL, mproc_queue_get(queue, &item, 0, pool));
    mproc_queue_destroy(queue);
}

/* Q12, Q13. */
static void
closed_here_is_closed(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool), *again;
    mproc_bytes_t item, copy;
    void *data;
    int number;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&copy, pool, "o", queue));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_close(queue));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_put(queue, BYTES("x"), 0));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_queue_put(queue, item_make(9999, 1, pool), 0));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_putf(queue, 0, "n"));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_get(queue, &item, 0, pool));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_getf(queue, 0, pool, "n"));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_take(queue, &item, 0));
    CHECK_STATUS(MPROC_ECLOSED, mproc_queue_reserve(queue, 1, &data, 0));
    CHECK_INT(1, mproc_queue_size(queue));
    CHECK_INT(0, mproc_queue_full(queue));
    /* The items stay for others; opened again, this is one. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(copy, pool, "o", &again));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(again, 0, pool, "i", &number));
}

/* Q24. */
static void
shut_down_it_drains(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_bytes_t item;
    void *data;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_reserve(queue, 5, &data, 0));
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 0));
    CHECK_STATUS(APR_EOF, mproc_queue_put(queue, BYTES("x"), MPROC_FOREVER));
    CHECK_STATUS(APR_EOF, mproc_queue_putf(queue, MPROC_FOREVER, "n"));
    CHECK_STATUS(APR_EOF, mproc_queue_commit(queue, data));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_abandon(queue, data));
    CHECK_STATUS(APR_EOF, mproc_queue_reserve(queue, 5, &data, 0));
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
    }
    CHECK_STATUS(APR_EOF, mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
    CHECK_STATUS(APR_EOF, mproc_queue_get(queue, &item, MPROC_NOWAIT, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 1));
}

static void
shut_down_at_once_it_is_empty(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_census_t before, after;
    mproc_bytes_t item;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_put(queue, item_make(5000, 1, pool), 0));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 1));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_ITEM].blocks,
              after.kind[MPROC_KIND_ITEM].blocks);
    CHECK_INT(0, mproc_queue_size(queue));
    CHECK_STATUS(APR_EOF, mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, MPROC_NOWAIT));
}

/* Q11: where it can be told. */
static void
alone_it_is_told(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    mproc_bytes_t item;

    if (!mproc__object_is_alone(&queue->object)) {
        test_skip("how many threads there are cannot be told here");
    }
    CHECK_STATUS(APR_EOF, mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 150000, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    CHECK_STATUS(APR_EOF, mproc_queue_put(queue, BYTES("y"), MPROC_FOREVER));
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
}

/* JQ1, JQ3, JQ5. */
static void
join_waits_for_every_task(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_bytes_t item;
    int i, round;

    CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, MPROC_FOREVER));
    CHECK_STATUS(MPROC_ESTATE, mproc_queue_task_done(queue));
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 10; i++) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
        }
        for (i = 0; i < 10; i++) {
            CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, MPROC_NOWAIT));
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
            CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, MPROC_NOWAIT));
            CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, MPROC_FOREVER));
        CHECK_STATUS(MPROC_ESTATE, mproc_queue_task_done(queue));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, MPROC_FOREVER));
    }
}

/* Q1: bounded by memory only, and the memory comes back; what the arena has
 * committed it keeps, and uses again. */
static void
a_million_items(apr_pool_t *pool)
{
    enum {
        MILLION = 1000000
    };
    mproc_census_t before, full, after;
    apr_uint64_t committed = 0;
    apr_size_t length;
    int i, number, round, wrong = 0;

    (void)pool;
    for (round = 0; round < 3; round++) {
        mproc_queue_t *queue = queue_new(0, NULL);
        REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
        for (i = 0; i < MILLION; i++) {
            REQUIRE(mproc_queue_put(queue, bytes_of(&i, sizeof i), 0) ==
                    APR_SUCCESS);
        }
        CHECK_INT(MILLION, mproc_queue_size(queue));
        REQUIRE_STATUS(APR_SUCCESS, mproc_census(&full));
        CHECK(full.total.bytes - before.total.bytes <
              (apr_uint64_t)MILLION * 24);
        committed = round == 0 ? full.committed : committed;
        CHECK(full.committed <= committed / 2 * 3); /* Gaps; no more. */
        for (i = 0; i < MILLION; i++) {
            REQUIRE(mproc_queue_get_into(queue, &number, sizeof number, &length,
                                         0) == APR_SUCCESS);
            wrong += number != i;
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
        CHECK_INT(1, after.kind[MPROC_KIND_SEGMENT].blocks);
        CHECK(after.total.bytes < full.total.bytes / 3);
        mproc_queue_destroy(queue);
        REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
        CHECK_INT(before.total.blocks - 1, after.total.blocks);
    }
    CHECK_INT(0, wrong);
}

static void
ten_thousand_queues(apr_pool_t *pool)
{
    enum {
        QUEUES = 10000
    };
    mproc_queue_t **queue = apr_palloc(pool, QUEUES * sizeof *queue);
    mproc_census_t before, empty, after;
    int i, number;

    queue[0] = queue_new(0, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 1; i < QUEUES; i++) {
        REQUIRE(mproc_queue_create(&queue[i], (apr_size_t)i % 3, NULL) ==
                APR_SUCCESS);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&empty));
    CHECK((empty.total.bytes - before.total.bytes) / (QUEUES - 1) < 4096);
    for (i = 0; i < QUEUES; i++) {
        REQUIRE(mproc_queue_put(queue[i], bytes_of(&i, sizeof i), 0) ==
                APR_SUCCESS);
    }
    for (i = 0; i < QUEUES; i += 2) {
        apr_size_t length;
        REQUIRE(mproc_queue_get_into(queue[i], &number, sizeof number, &length,
                                     0) == APR_SUCCESS);
        REQUIRE(number == i);
    }
    for (i = 1; i < QUEUES; i++) {
        mproc_queue_destroy(queue[i]);
    }
    mproc_queue_destroy(queue[0]);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(0, after.kind[MPROC_KIND_QUEUE].blocks);
    CHECK_INT(0, after.kind[MPROC_KIND_SEGMENT].blocks);
    CHECK_INT(0, after.kind[MPROC_KIND_TALLY].blocks);
}

/* Each holds the next one alone; what is unread goes with the first. */
static void
a_queue_in_a_queue(apr_pool_t *pool)
{
    int depth, i;

    for (depth = 1; depth < 40; depth++) {
        mproc_queue_t *queue = queue_new(0, NULL), *inner;
        mproc_bytes_t item = item_make(5000, 3, pool);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, 0));
        for (i = 0; i < depth; i++) {
            inner = queue;
            queue = queue_new(0, NULL);
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_putf(queue, 0, "[o i]", inner, i));
            mproc_queue_destroy(inner);
        }
        if (depth % 2 == 0) { /* Half of them unread. */
            for (i = depth; i > 0; i--) {
                int n;
                REQUIRE_STATUS(
                    APR_SUCCESS,
                    mproc_queue_getf(queue, 0, pool, "[o i]", &inner, &n));
                CHECK_INT(i - 1, n);
                mproc_queue_destroy(queue);
                queue = inner;
            }
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
            CHECK(item_is(item, 5000, 3));
        }
        mproc_queue_destroy(queue);
    }
}

static const test_case_t cases[] = {
    {"what_was_put_is_got_at_once", what_was_put_is_got_at_once},
    {"nothing_is_an_item", nothing_is_an_item},
    {"maxsize_counts_what_is_not_got", maxsize_counts_what_is_not_got},
    {"a_timeout_is_never_early", a_timeout_is_never_early},
    {"every_size_comes_back_whole", every_size_comes_back_whole},
    {"random_sizes_keep_their_order", random_sizes_keep_their_order},
    {"put_has_copied_and_tells_what_fails",
     put_has_copied_and_tells_what_fails},
    {"a_small_buffer_loses_nothing", a_small_buffer_loses_nothing},
    {"an_item_of_another_shape_is_taken_off",
     an_item_of_another_shape_is_taken_off},
    {"many_at_once", many_at_once},
    {"what_is_got_without_a_pool", what_is_got_without_a_pool},
    {"misuse_is_a_status", misuse_is_a_status},
    {"closed_here_is_closed", closed_here_is_closed},
    {"shut_down_it_drains", shut_down_it_drains},
    {"shut_down_at_once_it_is_empty", shut_down_at_once_it_is_empty},
    {"alone_it_is_told", alone_it_is_told},
    {"join_waits_for_every_task", join_waits_for_every_task},
    {"a_million_items", a_million_items},
    {"ten_thousand_queues", ten_thousand_queues},
    {"a_queue_in_a_queue", a_queue_in_a_queue},
    {NULL, NULL}};

const test_suite_t suite_queue = {"queue", 0, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"what_was_put_is_got_at_once", what_was_put_is_got_at_once},
    {"nothing_is_an_item", nothing_is_an_item},
    {"maxsize_counts_what_is_not_got", maxsize_counts_what_is_not_got},
    {"random_sizes_keep_their_order", random_sizes_keep_their_order},
    {"a_small_buffer_loses_nothing", a_small_buffer_loses_nothing},
    {"many_at_once", many_at_once},
    {"what_is_got_without_a_pool", what_is_got_without_a_pool},
    {"shut_down_at_once_it_is_empty", shut_down_at_once_it_is_empty},
    {"join_waits_for_every_task", join_waits_for_every_task},
    {"a_queue_in_a_queue", a_queue_in_a_queue},
    {NULL, NULL}};

const test_suite_t suite_far_queue = {"far_queue", MANAGERS, far_cases};
