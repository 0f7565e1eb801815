/* test_waitable_death.c: handles for foreign event loops, when objects and
 * processes go. */
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "kin.h"
#include "sync.h"
#include "waitable.h"

#define FEW 10

/* Objects go and come while the thread sleeps on their words, and others are
 * told as before. */
static void
destroyed_while_waited_for(apr_pool_t *pool)
{
    mproc_queue_t *keep;
    apr_int64_t kept;
    int i, turn, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&keep, 0, pool));
    kept = handle_of(MPROC_WAIT_QUEUE, keep);
    for (turn = 0; turn < test_scaled(300); turn++) {
        mproc_queue_t *queue[FEW];
        for (i = 0; i < FEW; i++) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue[i], 0, NULL));
            (void)handle_of(MPROC_WAIT_QUEUE, queue[i]);
        }
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(keep, 0, "i", turn));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_putf(queue[turn % FEW], 0, "i", 0));
        for (i = 0; i < FEW; i++) {
            mproc_queue_destroy(queue[i]);
        }
        BECOMES_READY(kept);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(keep, 0, pool, "i", &number));
        CHECK_INT(turn, number);
        IS_NOT_READY(kept);
    }
}

static int
get_one(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_getf(queue, test_deadline(), pool, "i", &number));
    return number;
}

/* The word of an object that is gone may be another's at once: a wake-up for
 * that does not stay with the thread. */
static void
words_are_used_again(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_census_t before, after;
    mproc_event_t *other;
    int turn;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&other, pool));
    (void)handle_of(MPROC_WAIT_EVENT, other); /* Keeps the thread. */
    start_server(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (turn = 0; turn < test_scaled(10); turn++) {
        mproc_queue_t *gone, *queue;
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&gone, 0, NULL));
        (void)handle_of(MPROC_WAIT_QUEUE, gone);
        mproc_queue_destroy(gone);
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, NULL));
        START(child, get_one, pool, "o", queue);
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 3));
        JOIN(child, 3);
        mproc_queue_destroy(queue);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.rescues - before.rescues <= 2);
}

static int
send_and_stay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &end));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(end, "i", 8));
    apr_sleep(apr_time_from_sec(120));
    return 0;
}

/* The other end is killed: the end of the pipe is told. */
static void
the_other_end_dies(apr_pool_t *pool)
{
    mproc_connection_t *mine, *theirs;
    mproc_process_t *child;
    apr_int64_t handle;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&mine, &theirs, 1, pool));
    START(child, send_and_stay, pool, "o", theirs);
    mproc_connection_destroy(theirs);
    handle = handle_of(MPROC_WAIT_CONNECTION, mine);
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(mine, pool, "i", &number));
    CHECK_INT(8, number);
    IS_NOT_READY(handle);
    test_kill(mproc_process_pid(child));
    BECOMES_READY(handle); /* Before anybody joins it. */
    CHECK_STATUS(APR_EOF, mproc_connection_recvf(mine, pool, "i", &number));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

static int
put_until_killed(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    for (;;) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_putf(queue, test_deadline(), "i", 1));
    }
}

/* Putters that are killed anywhere in a put: what is there is told, and the
 * next putter's items are, too. */
static void
putters_die(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_queue_t *queue;
    apr_int64_t handle;
    apr_pool_t *scratch;
    int turn, got, number;
    apr_pool_create(&scratch, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 2, pool));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    for (turn = 0; turn < test_scaled(20); turn++) {
        START(child, put_until_killed, pool, "o", queue);
        for (got = 0; got < 50 + turn * 7;) {
            BECOMES_READY(handle);
            while (mproc_queue_getf(queue, 0, scratch, "i", &number) ==
                   APR_SUCCESS) {
                got++;
            }
            apr_pool_clear(scratch);
        }
        KILL(child);
        while (mproc_queue_getf(queue, 0, pool, "i", &number) == APR_SUCCESS) {
        }
        IS_NOT_READY(handle);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_putf(queue, test_deadline(), "i", 1));
        BECOMES_READY(handle);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
    }
}

static int
take_and_stay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    mproc_event_t *has;
    mproc_bytes_t item;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &queue, &has));
    CHILD_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(has));
    apr_sleep(apr_time_from_sec(120));
    return 0;
}

/* An item that comes again when its taker dies is told. */
static void
a_taker_dies(apr_pool_t *pool)
{
    mproc_queue_options_t options = {.attempts = 3};
    mproc_process_t *child;
    mproc_queue_t *queue;
    mproc_event_t *has;
    mproc_bytes_t item;
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_create_with(&queue, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&has, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    START(child, take_and_stay, pool, "oo", queue, has);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(has, test_deadline()));
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    IS_NOT_READY(handle);
    test_kill(mproc_process_pid(child));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_take(queue, &item, 0));
    CHECK_INT(2, mproc_queue_attempt(queue, item));
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_give_back(queue, item));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

static int
have_handles(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue, *extra;
    mproc_event_t *event, *has;
    mproc_waitable_t items[2];
    apr_int64_t handle;
    int i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &queue, &event, &has));
    items[0] = item_of(MPROC_WAIT_QUEUE, queue);
    items[1] = item_of(MPROC_WAIT_EVENT, event);
    for (i = 0; i < 2; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_waitable_handle(&items[i], &handle));
    }
    for (i = 0; i < FEW; i++) { /* More than the thread's entry names. */
        CHILD_STATUS(APR_SUCCESS, mproc_queue_create(&extra, 0, pool));
        items[0] = item_of(MPROC_WAIT_QUEUE, extra);
        CHILD_STATUS(APR_SUCCESS, mproc_waitable_handle(&items[0], &handle));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(has));
    apr_sleep(apr_time_from_sec(120));
    return 0;
}

/* Who has handles is killed: nothing of it stays, and no wake-up with it. */
static void
who_has_handles_dies(apr_pool_t *pool)
{
    mproc_process_t *child, *getter;
    mproc_census_t before, after;
    mproc_queue_t *queue;
    mproc_event_t *event, *has;
    int turn;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&has, pool));
    start_server(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (turn = 0; turn < test_scaled(10); turn++) {
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(has));
        START(child, have_handles, pool, "ooo", queue, event, has);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(has, test_deadline()));
        START(getter, get_one, pool, "o", queue);
        if (turn % 2) {
            test_kill(mproc_process_pid(child));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 6));
        test_kill(mproc_process_pid(child));
        JOIN(getter, 6);
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.peers, after.peers);
    CHECK_INT(before.threads, after.threads);
    CHECK_INT(before.kind[MPROC_KIND_BYTES].blocks,
              after.kind[MPROC_KIND_BYTES].blocks);
    CHECK_INT(before.kind[MPROC_KIND_QUEUE].blocks,
              after.kind[MPROC_KIND_QUEUE].blocks);
}

/* The library's thread is nobody who could end a wait. */
static void
nobody_else_is_told(apr_pool_t *pool)
{
    mproc_event_t *event;
    need_thread_count();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    (void)handle_of(MPROC_WAIT_EVENT, event);
    need_thread_count(); /* With the first thread a sanitizer's may come. */
    CHECK_STATUS(MPROC_EDEADLK, mproc_event_wait(event, MPROC_FOREVER));
}

static const test_case_t cases[] = {
    {"destroyed_while_waited_for", destroyed_while_waited_for},
    {"words_are_used_again", words_are_used_again},
    {"the_other_end_dies", the_other_end_dies},
    {"putters_die", putters_die},
    {"a_taker_dies", a_taker_dies},
    {"who_has_handles_dies", who_has_handles_dies},
    {"nobody_else_is_told", nobody_else_is_told},
    {NULL, NULL}};

const test_suite_t suite_waitable_death = {"waitable_death", 1, cases};
