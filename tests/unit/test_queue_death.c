/* test_queue_death.c: the queue and those who are killed at it (Q9 to Q11,
 * JQ4, SQ2), and a full machine (Q1). Each instruction of it is killed by
 * mproc-stress; here are those places that had been wrong, or might be. */
#include <stdio.h>
#include <string.h>

#include <apr_env.h>
#include <apr_thread_proc.h>

#include "bytes.h"
#include "items.h"
#include "kin.h"
#include "program.h"

#include "../../lib/src/segment.h"
#include "../../platform/plat_proc.h"

/* ----------------------------------------------- killed while they wait, Q9 */

static int
wait_at_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_bytes_t item;
    int put;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &put));
    CHILD_STATUS(APR_SUCCESS,
                 put ? mproc_queue_put(queue, BYTES("child"), test_deadline())
                     : mproc_queue_get(queue, &item, test_deadline(), pool));
    return 0;
}

static void
killed_getters_cost_nothing(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child[4];
    int i, round;

    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4; i++) {
            START(child[i], wait_at_it, pool, "oi", queue, 0);
        }
        await_sleepers(items_gate(queue), 4);
        KILL(child[0]);
        KILL(child[1]);
        KILL(child[2]);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
        JOIN(child[3], 0);
        CHECK_INT(0, mproc_queue_size(queue));
    }
}

/* A wake-up that went to the dead goes to another. */
static void
a_wakeup_for_the_dead_is_not_lost(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child[2];
    int round;

    for (round = 0; round < 10; round++) {
        START(child[0], wait_at_it, pool, "oi", queue, 0);
        await_sleepers(items_gate(queue), 1);
        START(child[1], wait_at_it, pool, "oi", queue, 0);
        await_sleepers(items_gate(queue), 2);
        test_stop(mproc_process_pid(child[0]));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
        KILL(child[0]);
        JOIN(child[1], 0);
        CHECK_INT(0, mproc_queue_size(queue));
    }
}

static void
killed_putters_cost_nothing(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    mproc_process_t *child[3];
    mproc_bytes_t item;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    for (i = 0; i < 3; i++) {
        START(child[i], wait_at_it, pool, "oi", queue, 1);
    }
    await_sleepers(space_gate(queue), 3);
    KILL(child[0]);
    KILL(child[1]);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    JOIN(child[2], 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    CHECK_TEXT("child", item.data);
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 0, pool));
}

/* --------------------------------------------------- killed within a put, Q10
 */

typedef enum death_e {
    PUT_HALF,    /* a record behind the tail, not published */
    PUT_BOX,     /* the same, with a box */
    PUT_SEGMENT, /* a segment that nobody uses yet */
    PUT_COUNT,   /* published, not counted */
    GET_SEGMENT, /* the first segment released, the place not published */
    GET_COUNT,   /* got, not counted */
    GET_BOX,     /* got, the box not released */
    GET_LOCKED   /* nothing but the mutex */
} death_e;

static void
publish_by_hand(mproc__ring_end_t *end, apr_uint64_t place)
{
    atomic_store(&end->next_place, place);
    atomic_store(&end->next_count, atomic_load(&end->count) + 1);
    atomic_store(&end->place, place);
}

static _Atomic apr_uint64_t *
behind_the_tail(mproc__ring_t *ring)
{
    apr_uint64_t place = atomic_load(&ring->tail.place);
    mproc__handle_t handle =
        mproc__hold_handle(&ring->segment[(place >> 32) % MPROC__SEGMENTS]);
    char *base = mproc__arena_at(handle);
    return (_Atomic apr_uint64_t *)(void *)(base + (place & 0xffffffff));
}

static int
die_within(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc__ring_t *ring;
    mproc__item_t item;
    mproc__hold_t *hold = mproc__hold_new();
    _Atomic apr_uint64_t *record;
    void *data;
    int where;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &queue, &where));
    CHILD_CHECK(hold != NULL && mproc__actor() != 0);
    ring = mproc__queue_ring(queue);
    if (where < GET_SEGMENT) {
        CHILD_STATUS(APR_SUCCESS, mproc__ring_lock_tail(&queue->use, "test"));
    }
    else {
        CHILD_STATUS(APR_SUCCESS, mproc__ring_lock_head(&queue->use, "test"));
    }
    switch ((death_e)where) {
    case PUT_HALF:
        record = behind_the_tail(ring);
        memset((void *)(record + 1), 0xee, 100);
        atomic_store(record, RECORD(RECORD_BYTES, 100));
        break;
    case PUT_BOX:
        record = behind_the_tail(ring);
        CHILD_STATUS(APR_SUCCESS, mproc__box_make(hold, 9000, NULL, &data));
        atomic_store(record, RECORD(RECORD_BOX, 8));
        CHILD_STATUS(APR_SUCCESS,
                     mproc__arena_hold(record + 1, mproc__hold_handle(hold)));
        break;
    case PUT_SEGMENT:
        mproc__arena_release(&ring->segment[1]); /* Of the one before. */
        CHILD_STATUS(APR_SUCCESS, mproc__arena_alloc(&ring->segment[1], 2032,
                                                     MPROC_KIND_SEGMENT));
        atomic_store(behind_the_tail(ring), RECORD(RECORD_END, 0));
        break;
    case PUT_COUNT: {
        apr_uint64_t count = atomic_load(&ring->tail.count);
        CHILD_STATUS(APR_SUCCESS, mproc__ring_put(&queue->use, BYTES("dead")));
        atomic_store(&ring->tail.count, count);
        break;
    }
    case GET_SEGMENT:
        mproc__arena_release(&ring->segment[0]);
        break;
    case GET_COUNT:
    case GET_BOX:
        CHILD_CHECK(mproc__ring_front(&queue->use, &item));
        publish_by_hand(&ring->head, item.after);
        if (where == GET_COUNT && item.box != NULL) {
            mproc__arena_release(item.box);
        }
        break;
    case GET_LOCKED:
        break;
    }
    test_kill(mproc_process_pid(mproc_process_current()));
    return 1;
}

static void
have_one_die(mproc_queue_t *queue, death_e where, apr_pool_t *pool)
{
    mproc_process_t *child;
    int code = 0;
    START(child, die_within, pool, "oi", queue, (int)where);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(child, &code));
    CHECK(code != 1 && code != 99);
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

/* A half-written item vanishes, written ones stay; what comes behind is whole,
 * from one segment to the next. */
static void
killed_within_a_put(apr_pool_t *pool)
{
    death_e where;

    for (where = PUT_HALF; where <= PUT_SEGMENT; where++) {
        mproc_queue_t *queue = queue_new(0, pool);
        mproc_census_t before, after;
        mproc_bytes_t item;
        unsigned i;
        census_settled(&before);
        for (i = 0; i < 3; i++) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_put(queue, item_make(20, i, pool), 0));
            have_one_die(queue, where, pool);
        }
        for (; i < 300; i++) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_put(queue, item_make(20, i, pool), 0));
        }
        CHECK_INT(300, mproc_queue_size(queue));
        for (i = 0; i < 300; i++) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
            CHECK(item_is(item, 20, i));
        }
        census_settled(&after);
        CHECK_INT(before.kind[MPROC_KIND_ITEM].blocks,
                  after.kind[MPROC_KIND_ITEM].blocks);
        CHECK_INT(1, after.kind[MPROC_KIND_SEGMENT].blocks);
        mproc_queue_destroy(queue);
    }
}

/* Published is put: it can be got, and be told to be done. */
static void
killed_before_it_counted_the_put(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    mproc_bytes_t item;

    have_one_die(queue, PUT_COUNT, pool);
    CHECK_INT(1, mproc_queue_size(queue));
    CHECK_INT(1, mproc_queue_full(queue));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    CHECK_TEXT("dead", item.data);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    CHECK_INT(1, mproc_queue_size(queue));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_put(queue, BYTES("x"), 0));
}

/* ------------------------------------------------------- killed within a get
 */

/* The getter had a view of the segment that the dead released; its memory is
 * something else by now. */
static void
killed_between_two_segments(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc__hold_t *junk[100];
    mproc_bytes_t item;
    unsigned i, n, k = 0;

    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_put(queue, item_make(24, i, pool), 0));
    }
    /* To the END of the first segment. */
    while (k < 1008 / 32) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        CHECK(item_is(item, 24, k++));
    }
    CHECK_INT(0, atomic_load(&mproc__queue_ring(queue)->head.place) >> 32);
    have_one_die(queue, GET_SEGMENT, pool);
    for (i = 0; i < 100; i++) {
        apr_uint64_t *words;
        junk[i] = mproc__hold_new();
        REQUIRE(junk[i] != NULL);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc__arena_alloc(junk[i], 1008, MPROC_KIND_BYTES));
        words = mproc__arena_at(mproc__hold_handle(junk[i]));
        for (n = 0; n < 1008 / sizeof *words; n++) {
            words[n] = RECORD(RECORD_BYTES, 0);
        }
    }
    CHECK_INT(100 - k, mproc_queue_size(queue));
    while (k < 100) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        CHECK(item_is(item, 24, k++));
    }
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 0, pool));
    for (i = 0; i < 100; i++) {
        mproc__arena_release(junk[i]);
        mproc__hold_free(junk[i]);
    }
}

/* All others sleep already: putters for space, getters for items. Nobody
 * comes to repair the count. */
static void
killed_before_it_counted_the_get(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(1, pool);
    mproc_process_t *putter;
    mproc_bytes_t item;
    int round;

    for (round = 0; round < 3; round++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
        START(putter, wait_at_it, pool, "oi", queue, 1);
        await_sleepers(space_gate(queue), 1);
        have_one_die(queue, GET_COUNT, pool);
        JOIN(putter, 0);
        CHECK_INT(1, mproc_queue_size(queue));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
        CHECK_TEXT("child", item.data);
        CHECK_INT(0, mproc_queue_size(queue));
    }
}

/* Its memory comes back with the next who gets, empty or not. */
static void
killed_with_a_box_in_hand(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_census_t census;
    mproc_bytes_t item;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_put(queue, BYTES("x"), 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put(queue, item_make(1 << 20, 1, pool), 0));
    have_one_die(queue, GET_BOX, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 0, pool));
    census_settled(&census);
    CHECK_INT(0, census.kind[MPROC_KIND_ITEM].blocks);
    have_one_die(queue, GET_LOCKED, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_put(queue, item_make(1 << 20, 2, pool), 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_get(queue, &item, 0, pool));
    CHECK(item_is(item, 1 << 20, 2));
}

/* -------------------------------------------------------------- JQ4 and Q11 */

static int
get_and_die(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    for (i = 0; i < 3; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    test_kill(mproc_process_pid(mproc_process_current()));
    return 1;
}

/* Two tasks died with who had got them: join says so, when all others are
 * done, and does not wait for them. */
static void
join_does_not_wait_for_the_dead(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child;
    int i, number;

    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
    }
    START(child, get_and_die, pool, "o", queue);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, MPROC_NOWAIT));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_getf(queue, 0, pool, "i", &number));
        CHECK_INT(3 + i, number);
        CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    }
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, test_deadline()));
    CHECK_DETAIL("2 items");
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, MPROC_FOREVER));
}

static int
die_while_joined(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_getf(queue, test_deadline(), pool, "i", &number));
    apr_sleep(apr_time_from_sec(100));
    return 0;
}

static int
join_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, test_deadline()));
    return 0;
}

/* The same for who waits in join already. */
static void
joiners_are_told_of_a_death(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *getter, *joiner[2];
    apr_time_t deadline = mproc_clock() + test_deadline();
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    START(getter, die_while_joined, pool, "o", queue);
    for (i = 0; i < 2; i++) {
        START(joiner[i], join_it, pool, "o", queue);
    }
    await_sleepers((void *)&mproc__queue_ring(queue)->idle, 2);
    while (!mproc_queue_empty(queue) && mproc_clock() < deadline) {
        apr_thread_yield();
    }
    KILL(getter);
    JOIN(joiner[0], 0);
    JOIN(joiner[1], 0);
}

/* Q11: those who could put are gone. */
static void
alone_after_a_death(apr_pool_t *pool)
{
    mproc_queue_t *queue = queue_new(0, pool);
    mproc_process_t *child;
    mproc_bytes_t item;

    START(child, wait_at_it, pool, "oi", queue, 0);
    await_sleepers(items_gate(queue), 1);
    CHECK_STATUS(APR_TIMEUP, mproc_queue_get(queue, &item, 150000, pool));
    KILL(child);
    if (!mproc__object_is_alone(&queue->object)) {
        test_skip("how many threads there are cannot be told here");
    }
    CHECK_STATUS(APR_EOF, mproc_queue_get(queue, &item, MPROC_FOREVER, pool));
}

/* ----------------------------------------------------------- killed anywhere
 */

static int
put_for_ever(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    unsigned i, base;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "ou", &queue, &base));
    for (i = 0;; i++) {
        apr_pool_t *own;
        unsigned item[2000] = {base, i};
        apr_size_t size = 8 + (i * 7 % 50 == 0 ? 6000 : i % 40);
        apr_pool_create(&own, pool);
        item_write(item + 2, size - 8, base + i);
        CHILD_STATUS(APR_SUCCESS, mproc_queue_put(queue, bytes_of(item, size),
                                                  test_deadline()));
        apr_pool_destroy(own);
    }
}

/* Producers are killed in the midst, again and again: what comes is whole, and
 * without a gap. */
static void
killed_producers_tear_nothing(apr_pool_t *pool)
{
    enum {
        PRODUCERS = 3,
        ROUNDS = 12
    };
    mproc_queue_t *queue = queue_new(20, pool);
    mproc_process_t *child[PRODUCERS];
    unsigned next[ROUNDS * PRODUCERS] = {0};
    int round, i;

    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < PRODUCERS; i++) {
            START(child[i], put_for_ever, pool, "ou", queue,
                  (unsigned)(round * PRODUCERS + i));
        }
        for (i = 0;; i++) {
            unsigned item[2000];
            apr_size_t length;
            if (i == 400 + round * 37) {
                KILL(child[0]);
                KILL(child[1]);
                KILL(child[2]);
            }
            if (i >= 400 + round * 37 && mproc_queue_empty(queue)) {
                break;
            }
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_get_into(queue, item, sizeof item,
                                                &length, test_deadline()));
            REQUIRE(item[0] < ROUNDS * PRODUCERS);
            REQUIRE(item[1] == next[item[0]]++);
            REQUIRE(item_is(bytes_of(item + 2, length - 8), length - 8,
                            item[0] + item[1]));
        }
    }
}

/* -------------------------------------------------------------- full machine
 */

static int
full_run(program_t *program, const char *limit, const char *argument,
         apr_pool_t *pool)
{
    const char *args[] = {
        "-c", apr_pstrcat(pool, "ulimit ", limit, " && exec \"$0\" $1", NULL),
        test_program("full_main", pool), argument, NULL};

    program_start(program, "/bin/sh", args, pool);
    return program_end(program);
}

/* Q1: full is a status, and what is in is got: of files as large as may be, and
 * of address space. */
static void
a_full_arena(apr_pool_t *pool)
{
    program_t *program = apr_palloc(pool, sizeof *program);

    if (!mproc_plat_proc_can_fork()) {
        test_skip("no limit can be set from outside here");
    }
    CHECK_INT(0, full_run(program, "-f 262144", "", pool));
    CHECK_TEXT("", program->text);
    /* Checkers need more than that for themselves. */
    if (full_run(program, "-v 600000", "nothing", pool) == 0) {
        CHECK_INT(0, full_run(program, "-v 600000", "", pool));
        CHECK_TEXT("", program->text);
    }
}

static const test_case_t cases[] = {
    {"killed_getters_cost_nothing", killed_getters_cost_nothing},
    {"a_wakeup_for_the_dead_is_not_lost", a_wakeup_for_the_dead_is_not_lost},
    {"killed_putters_cost_nothing", killed_putters_cost_nothing},
    {"killed_within_a_put", killed_within_a_put},
    {"killed_before_it_counted_the_put", killed_before_it_counted_the_put},
    {"killed_between_two_segments", killed_between_two_segments},
    {"killed_before_it_counted_the_get", killed_before_it_counted_the_get},
    {"killed_with_a_box_in_hand", killed_with_a_box_in_hand},
    {"join_does_not_wait_for_the_dead", join_does_not_wait_for_the_dead},
    {"joiners_are_told_of_a_death", joiners_are_told_of_a_death},
    {"alone_after_a_death", alone_after_a_death},
    {"killed_producers_tear_nothing", killed_producers_tear_nothing},
    {"a_full_arena", a_full_arena},
    {NULL, NULL}};

const test_suite_t suite_queue_death = {"queue_death", 1, cases};
