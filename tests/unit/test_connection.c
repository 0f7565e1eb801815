/* test_connection.c: pipes, row by row (C1 to C20). */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "child.h"
#include "kin.h"
#include "sleepers.h"
#include "threads.h"

#include "../../lib/src/connection.h"
#include "../../lib/src/queue.h"

#define AT_ONCE (70 * 1000) /* us */

#define BYTES(text)                                                            \
    (mproc_bytes_t)                                                            \
    {                                                                          \
        (text), sizeof(text) - 1                                               \
    }

typedef struct ends_t {
    mproc_connection_t *a, *b;
} ends_t;

static ends_t
ends_make(int duplex, apr_pool_t *pool)
{
    ends_t ends;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pipe_create(&ends.a, &ends.b, duplex, pool));
    return ends;
}

static void
check_message(mproc_connection_t *end, const char *text, apr_size_t size,
              apr_pool_t *pool)
{
    mproc_bytes_t got;
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(end, &got, pool));
    CHECK_INT(size, got.size);
    CHECK(got.size == size && memcmp(got.data, text, size) == 0);
}

/* C1, C2, C20: both ways; never merged, never split; empty ones count. */
static void
messages_keep_their_bounds(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_bytes_t none = {NULL, 0};
    CHECK_INT(1, mproc_connection_readable(ends.a));
    CHECK_INT(1, mproc_connection_writable(ends.a));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, BYTES("a")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, none));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, BYTES("cd")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.b, BYTES("back")));
    check_message(ends.b, "a", 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(ends.b, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(ends.b, MPROC_NOWAIT));
    check_message(ends.b, "", 0, pool);
    check_message(ends.b, "cd", 2, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(ends.b, MPROC_NOWAIT));
    check_message(ends.a, "back", 4, pool);
}

/* C1, C10, C20. */
static void
one_way(apr_pool_t *pool)
{
    ends_t ends = ends_make(0, pool);
    mproc_bytes_t got;
    CHECK_INT(1, mproc_connection_readable(ends.a));
    CHECK_INT(0, mproc_connection_writable(ends.a));
    CHECK_INT(0, mproc_connection_readable(ends.b));
    CHECK_INT(1, mproc_connection_writable(ends.b));
    CHECK_STATUS(MPROC_ESTATE, mproc_connection_send(ends.a, BYTES("x")));
    CHECK_DETAIL("only receives");
    CHECK_STATUS(MPROC_ESTATE, mproc_connection_recv(ends.b, &got, pool));
    CHECK_DETAIL("only sends");
    CHECK_STATUS(MPROC_ESTATE, mproc_connection_poll(ends.b, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.b, BYTES("x")));
    check_message(ends.a, "x", 1, pool);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_bytes_t bad = {NULL, 5}, got;
    mproc_event_t *event;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_STATUS(APR_EINVAL, mproc_pipe_create(NULL, &ends.b, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_connection_send(NULL, BYTES("x")));
    CHECK_STATUS(APR_EINVAL, mproc_connection_recv(NULL, &got, pool));
    CHECK_STATUS(APR_EINVAL, mproc_connection_close(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_connection_send((mproc_connection_t *)event,
                                                   BYTES("x")));
    CHECK_DETAIL("no connection");
    CHECK_STATUS(APR_EINVAL, mproc_connection_send(ends.a, bad));
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(ends.a, -3));
    mproc_connection_destroy(NULL);
}

/* C8, C9: too long, by a limit of the end's or for the buffer. */
static void
too_long(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_bytes_t got;
    char buffer[4] = "....";
    apr_size_t length;
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, BYTES("12345")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, BYTES("123")));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_connection_recv_into(ends.b, buffer, 4, &length));
    CHECK_INT(5, length);
    CHECK(memcmp(buffer, "....", 4) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_limit(ends.b, 3));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_connection_recv(ends.b, &got, pool));
    CHECK_DETAIL("dropped");
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recv_into(ends.b, buffer, 4, &length));
    CHECK_INT(3, length);
    CHECK(memcmp(buffer, "123.", 4) == 0);
}

/* C3, C4: packed; an object lives while the message names it. */
static void
packed_values(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_event_t *event, *other;
    const char *text;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, NULL));
    mproc_event_set(event);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_sendf(ends.a, "[i s o]", 42, "hi", event));
    mproc_event_destroy(event);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(ends.b, pool, "[i s o]",
                                                     &number, &text, &other));
    CHECK_INT(42, number);
    CHECK_TEXT("hi", text);
    CHECK_INT(1, mproc_event_is_set(other));
    /* A misfit is received all the same, and the stream stays in step. */
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(ends.a, "s", "no number"));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(ends.a, "i", 7));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_connection_recvf(ends.b, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(ends.b, pool, "i", &number));
    CHECK_INT(7, number);
}

/* C12, C14, C19: the other end is closed. */
static void
the_end(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_bytes_t got;
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.a, BYTES("last")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.a));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.a));
    CHECK_INT(1, mproc_connection_closed(ends.a));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_send(ends.a, BYTES("x")));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_recv(ends.a, &got, pool));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_poll(ends.a, 0));
    CHECK_STATUS(APR_EPIPE, mproc_connection_send(ends.b, BYTES("x")));
    check_message(ends.b, "last", 4, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(ends.b, MPROC_NOWAIT));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(ends.b, &got, pool));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(ends.b, &got, pool));
}

/* C15: a thousand fit; then a send waits, and gives up whole. */
static void
a_full_pipe(apr_pool_t *pool)
{
    ends_t ends = ends_make(0, pool);
    apr_status_t rv;
    mproc_bytes_t got;
    int sent = 0, received = 0;
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(ends.b, MPROC_NOWAIT));
    while ((rv = mproc_connection_send(ends.b, BYTES("x"))) == APR_SUCCESS) {
        sent++;
    }
    CHECK_STATUS(APR_TIMEUP, rv);
    CHECK(sent >= 100);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(ends.a, MPROC_NOWAIT));
    while (mproc_connection_recv(ends.a, &got, pool) == APR_SUCCESS) {
        received++;
    }
    CHECK_INT(sent, received);
}

/* C7, C16: any size. */
static void
large_messages(apr_pool_t *pool)
{
    ends_t ends = ends_make(0, pool);
    apr_size_t size = (apr_size_t)16 << 20;
    char *large = apr_palloc(pool, size);
    memset(large, 'z', size);
    large[size - 1] = '!';
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_send(ends.b, (mproc_bytes_t){large, size}));
    check_message(ends.a, large, size, pool);
}

static int
answer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    int number, die;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &end, &die));
    mproc_connection_set_timeout(end, test_deadline());
    CHILD_STATUS(APR_SUCCESS, mproc_connection_recvf(end, pool, "i", &number));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(end, "i", number + 1));
    if (die) {
        sleep_long(args, pool);
    }
    CHILD_STATUS(APR_EOF, mproc_connection_recvf(end, pool, "i", &number));
    return 0;
}

/* C12, C13: the child's end is the child's alone, whatever is forked. */
static void
an_end_goes_to_a_child(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_process_t *child, *sibling;
    int number = 0;
    START(child, answer, pool, "oi", ends.b, 0);
    START(sibling, sleep_long, pool, NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
    mproc_connection_set_timeout(ends.a, test_deadline());
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(ends.a, "i", 41));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(ends.a, pool, "i", &number));
    CHECK_INT(42, number);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.a));
    JOIN(child, 0);
    KILL(sibling);
}

/* C12, C18: the other side is killed, and nobody has joined it yet. */
static void
the_other_side_is_killed(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_process_t *child, *sibling;
    int number = 0;
    START(child, answer, pool, "oi", ends.b, 1);
    START(sibling, sleep_long, pool, NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
    mproc_connection_set_timeout(ends.a, test_deadline());
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(ends.a, "i", 1));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(ends.a, pool, "i", &number));
    test_kill(mproc_process_pid(child));
    CHECK_STATUS(APR_EOF, mproc_connection_recvf(ends.a, pool, "i", &number));
    CHECK_STATUS(APR_EPIPE, mproc_connection_sendf(ends.a, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    KILL(sibling);
}

static int
dies_when_told(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &end));
    mproc_connection_set_timeout(end, test_deadline());
    CHILD_STATUS(APR_SUCCESS, mproc_connection_recvf(end, pool, "*"));
    test_kill(mproc_process_pid(mproc_process_current()));
    return sleep_long(args, pool);
}

/* How long until the end comes; it is this process's end, but the other's
 * holder need not be its child. */
static apr_interval_time_t
end_awaited(mproc_connection_t *end, apr_pool_t *pool)
{
    apr_time_t begin = mproc_clock();
    mproc_bytes_t got;
    mproc_connection_set_timeout(end, test_deadline());
    if (mproc_connection_sendf(end, "i", 1) != APR_SUCCESS ||
        mproc_connection_recv(end, &got, pool) != APR_EOF) {
        return test_deadline();
    }
    return mproc_clock() - begin;
}

static int
awaits_end(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    mproc_value_t *took;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &end, &took));
    shared_set(took, (int)end_awaited(end, pool));
    return 0;
}

/* C12: who was passed an end and dies is missed at once, by whoever waits: not
 * only when he looks around, 100 ms after he began to. Where everything is
 * slow for now, some try is not. */
static void
a_death_is_noticed_at_once(apr_pool_t *pool)
{
    apr_interval_time_t took, least[2] = {0, 0};
    mproc_value_t *told = shared_int(pool);
    int i;
    for (i = 0;
         i < 10 || (i < 100 && (least[0] >= AT_ONCE || least[1] >= AT_ONCE));
         i++) {
        ends_t ends = ends_make(1, pool);
        mproc_process_t *child, *sibling;
        START(child, dies_when_told, pool, "o", ends.b);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
        if (i % 2 == 0) {
            took = end_awaited(ends.a, pool);
        }
        else {
            START(sibling, awaits_end, pool, "oo", ends.a, told);
            JOIN(sibling, 0);
            took = shared_get(told);
        }
        if (least[i % 2] == 0 || took < least[i % 2]) {
            least[i % 2] = took;
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
    }
    CHECK(least[0] < AT_ONCE);
    CHECK(least[1] < AT_ONCE);
}

static int
never_opens(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *up;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "*o", &up));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(up));
    return sleep_long(args, pool);
}

/* An end that a child was passed and never opened ends with it. */
static void
killed_before_it_was_opened(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    mproc_process_t *child;
    mproc_event_t *up;
    mproc_bytes_t got;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&up, pool));
    START(child, never_opens, pool, "oo", ends.b, up);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(up, test_deadline()));
    test_kill(mproc_process_pid(child));
    mproc_connection_set_timeout(ends.a, test_deadline());
    CHECK_STATUS(APR_EOF, mproc_connection_recv(ends.a, &got, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

/* C5: ends travel; the sender may close its own at once. */
static void
an_end_in_a_message(apr_pool_t *pool)
{
    ends_t road = ends_make(1, pool), parcel = ends_make(0, pool);
    mproc_connection_t *arrived;
    mproc_bytes_t got;
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(road.a, "o", parcel.b));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(parcel.b));
    mproc_connection_set_timeout(parcel.a, MPROC_NOWAIT);
    CHECK_STATUS(APR_TIMEUP, mproc_connection_recv(parcel.a, &got, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(road.b, pool, "o", &arrived));
    CHECK_INT(0, mproc_connection_readable(arrived));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(arrived, BYTES("x")));
    check_message(parcel.a, "x", 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(arrived));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(parcel.a, &got, pool));
}

static void *APR_THREAD_FUNC
receive_closed(apr_thread_t *thread, void *end)
{
    mproc_bytes_t got;
    apr_status_t rv = mproc_connection_recv(end, &got, NULL);
    apr_thread_exit(thread, rv);
    return NULL;
}

/* C19: a close ends the waits of this process. */
static void
close_wakes(apr_pool_t *pool)
{
    ends_t ends = ends_make(1, pool);
    apr_thread_t *thread;
    apr_status_t rv;
    mproc_connection_set_timeout(ends.a, test_deadline());
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, receive_closed,
                                                  ends.a, pool));
    await_sleepers((void *)&mproc__queue_ring(ends.a->in)->items, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.a));
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
    CHECK_STATUS(MPROC_ECLOSED, rv);
}

static void *APR_THREAD_FUNC
poll_once(apr_thread_t *thread, void *end)
{
    apr_thread_exit(thread, mproc_connection_poll(end, test_deadline()));
    return NULL;
}

/* C10: who polls takes nothing, nor the wake-up of who receives. */
static void
a_poll_leaves_the_wake_up(apr_pool_t *pool)
{
    ends_t ends = ends_make(0, pool);
    mproc_queue_t *in = ends.a->in;
    mproc_census_t before, after;
    apr_thread_t *thread[2];
    apr_status_t rv;
    int i;
    mproc_connection_set_timeout(ends.a, test_deadline());
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread[0], NULL,
                                                      poll_once, ends.a, pool));
        await_sleepers((void *)&mproc__queue_ring(in)->items, 1);
        REQUIRE_STATUS(
            APR_SUCCESS,
            apr_thread_create(&thread[1], NULL, receive_closed, ends.a, pool));
        await_sleepers((void *)&mproc__queue_ring(in)->items, 2);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.b, BYTES("x")));
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread[1]));
        CHECK_STATUS(APR_SUCCESS, rv);
        /* It may have come too late to see the first one. */
        CHECK_STATUS(APR_SUCCESS, mproc_connection_send(ends.b, BYTES("y")));
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread[0]));
        CHECK_STATUS(APR_SUCCESS, rv);
        check_message(ends.a, "y", 1, pool);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.rescues, after.rescues);
}

static int
send_many(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *end;
    int i, who;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oi", &end, &who));
    mproc_connection_set_timeout(end, test_deadline());
    for (i = 0; i < 500; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(end, "ii", who, i));
    }
    return 0;
}

/* C17: several processes at one end; no message is torn or mixed. */
static void
many_send_at_once(apr_pool_t *pool)
{
    ends_t ends = ends_make(0, pool);
    mproc_process_t *child[3];
    int next[3] = {0, 0, 0}, i, who = 0, number = 0;
    for (i = 0; i < 3; i++) {
        START(child[i], send_many, pool, "oi", ends.b, i);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
    mproc_connection_set_timeout(ends.a, test_deadline());
    for (i = 0; i < 1500; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recvf(ends.a, pool, "ii",
                                                           &who, &number));
        CHECK_INT(next[who]++, number);
    }
    CHECK_STATUS(APR_EOF,
                 mproc_connection_recvf(ends.a, pool, "ii", &who, &number));
    for (i = 0; i < 3; i++) {
        JOIN(child[i], 0);
    }
}

typedef struct receiver_t {
    mproc_connection_t *end;
    atomic_int beyond, within, wrong;
} receiver_t;

static apr_status_t
receive_within_limit(void *data)
{
    receiver_t *it = data;
    apr_status_t rv = APR_SUCCESS;
    mproc_bytes_t got;
    char buffer[64];
    apr_size_t length;
    int i;
    for (i = 0; rv != APR_EOF; i++) {
        if (i % 2) {
            rv = mproc_connection_recv(it->end, &got, NULL);
            length = got.size;
        }
        else {
            rv = mproc_connection_recv_into(it->end, buffer, sizeof buffer,
                                            &length);
        }
        atomic_fetch_add(&it->within, rv == APR_SUCCESS && length <= 8);
        atomic_fetch_add(&it->beyond, rv == MPROC_ETOOBIG);
        atomic_fetch_add(&it->wrong, rv == APR_SUCCESS ? length > 8
                                                       : rv != MPROC_ETOOBIG &&
                                                             rv != APR_EOF);
    }
    return APR_SUCCESS;
}

/* C8, C17: also when several receive at the end, what is beyond its limit is
 * given to none. */
static void
the_limit_holds_for_each(apr_pool_t *pool)
{
    static const char large[32] = "beyond";
    ends_t ends = ends_make(0, pool);
    receiver_t it = {.end = ends.a};
    int i, rounds = test_scaled(20000);
    threads_t *threads;
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_limit(ends.a, 8));
    mproc_connection_set_timeout(ends.a, test_deadline());
    mproc_connection_set_timeout(ends.b, test_deadline());
    threads = threads_start(3, receive_within_limit, &it, pool);
    for (i = 0; i < rounds; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_connection_send(
                ends.b, (mproc_bytes_t){large, i % 2 ? 6 : sizeof large}));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(ends.b));
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(rounds / 2, atomic_load(&it.within));
    CHECK_INT(rounds - rounds / 2, atomic_load(&it.beyond));
    CHECK_INT(0, atomic_load(&it.wrong));
}

static const test_case_t cases[] = {
    {"messages_keep_their_bounds", messages_keep_their_bounds},
    {"one_way", one_way},
    {"misuse_is_a_status", misuse_is_a_status},
    {"too_long", too_long},
    {"the_limit_holds_for_each", the_limit_holds_for_each},
    {"packed_values", packed_values},
    {"the_end", the_end},
    {"a_full_pipe", a_full_pipe},
    {"large_messages", large_messages},
    {"an_end_goes_to_a_child", an_end_goes_to_a_child},
    {"the_other_side_is_killed", the_other_side_is_killed},
    {"a_death_is_noticed_at_once", a_death_is_noticed_at_once},
    {"killed_before_it_was_opened", killed_before_it_was_opened},
    {"an_end_in_a_message", an_end_in_a_message},
    {"close_wakes", close_wakes},
    {"a_poll_leaves_the_wake_up", a_poll_leaves_the_wake_up},
    {"many_send_at_once", many_send_at_once},
    {NULL, NULL}};

const test_suite_t suite_connection = {"connection", 1, cases};
