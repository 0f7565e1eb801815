/*
 * test_connection_socket.c: connections to other programs, row by row (C2, C3,
 * C6 to C12, C14 to C20, E3, W1 to W3, WT1 to WT6).
 */
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

#include "../../lib/src/frame.h"

#define RECV(connection, text)                                                 \
    do {                                                                       \
        mproc_bytes_t got_;                                                    \
        REQUIRE_STATUS(APR_SUCCESS,                                            \
                       mproc_connection_recv((connection), &got_, pool));      \
        CHECK_TEXT((text), (const char *)got_.data);                           \
        CHECK_INT(strlen(text), got_.size);                                    \
    } while (0)

/* C2: one send is one receive, of any size. */
static void
messages_are_whole(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0,     1,     2,     100,    16383,
                                       16384, 16385, 65536, 1000000};
    mproc_connection_t *here, *there;
    char *data = apr_pcalloc(pool, 1000000);
    mproc_bytes_t out, in;
    apr_size_t i, j;
    ends_make(&here, &there, pool);
    for (i = 0; i < 1000000; i++) {
        data[i] = (char)(i * 7 + i / 256);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(here, 0));
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_send(there, text_bytes(&"abc"[i])));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    RECV(here, "abc");
    RECV(here, "bc");
    RECV(here, "c");
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        out.data = data;
        out.size = sizes[i];
        /* More than fits on the way: the receiver must read meanwhile. */
        CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(there, 0));
        if (out.size > 100000) {
            break;
        }
        CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, out));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        REQUIRE(in.size == out.size);
        for (j = 0; j < in.size && ((const char *)in.data)[j] == data[j]; j++) {
        }
        CHECK_INT(in.size, j);
    }
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(here, 0));
    CHECK(strncmp(mproc_connection_peer(here), "tcp:127.0.0.1:", 14) == 0);
}

static void *APR_THREAD_FUNC
beside_echo(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    mproc_bytes_t message;
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    while ((beside->status = mproc_connection_recv(beside->connection, &message,
                                                   pool)) == APR_SUCCESS &&
           (beside->status = mproc_connection_send(beside->connection,
                                                   message)) == APR_SUCCESS) {
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* C15: sixteen times what fits, as the other side reads. */
static void
big_messages_go_as_they_are_read(apr_pool_t *pool)
{
    apr_size_t size = 16 << 20, i;
    mproc_connection_t *here;
    beside_t beside = {0};
    unsigned char *data = malloc(size);
    mproc_bytes_t out = {data, size}, in;
    ends_make(&here, &beside.connection, pool);
    for (i = 0; i < size; i++) {
        data[i] = (unsigned char)(i >> 3 ^ i);
    }
    beside_start(&beside, beside_echo, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, out));
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    REQUIRE(in.size == size);
    CHECK(memcmp(in.data, data, size) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    beside_join(&beside);
    CHECK_STATUS(APR_EOF, beside.status);
    free(data);
}

/* C3: packed values; one that does not fit leaves the stream in step. */
static void
values_are_packed(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    const char *text;
    int number;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_sendf(there, "[i s]", 42, "hello"));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "s", "x"));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("\xc1")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", 7));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_connection_recvf(here, pool, "[i s]", &number, &text));
    CHECK_INT(42, number);
    CHECK_TEXT("hello", text);
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_connection_recvf(here, pool, "i", &number));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_connection_recvf(here, NULL, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(here, NULL, "i", &number));
    CHECK_INT(7, number);
}

/* C4: what is shared stays in the tree, and nobody outside can name it. */
static void
shared_objects_stay(apr_pool_t *pool)
{
    static const unsigned char forged[] = {0xd7, 1, 0, 0, 0, 1, 0, 0, 2, 0};
    mproc_bytes_t message = {forged, sizeof forged}, bytes;
    mproc_connection_t *here, *there;
    mproc_datum_t *datum;
    mproc_lock_t *lock;
    void *object;
    ends_make(&here, &there, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    CHECK_STATUS(APR_EINVAL, mproc_connection_sendf(there, "o", lock));
    CHECK_DETAIL("pipe");
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "o", there));
    CHECK_DETAIL("socket");
    CHECK_STATUS(APR_EINVAL, mproc_datum_create_object(&datum, there, pool));
    CHECK_DETAIL("socket");
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", lock));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, bytes));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_connection_recvf(here, pool, "o", &object));
    CHECK_DETAIL("another program");
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, message));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_connection_recvf(here, pool, "v", &datum));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(here, pool, "*"));
}

/* C9: what does not fit is still there. */
static void
a_small_buffer_loses_nothing(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    char buffer[8] = "zzzzzzz";
    apr_size_t length;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_send(there, text_bytes("0123456")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("")));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_connection_recv_into(here, buffer, 6, &length));
    CHECK_INT(7, length);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recv_into(here, buffer, 7, &length));
    CHECK(memcmp(buffer, "0123456", 8) == 0);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recv_into(here, NULL, 0, &length));
    CHECK_INT(0, length);
}

/* C6. */
static void
what_cannot_be_is_refused(apr_pool_t *pool)
{
    mproc_bytes_t nowhere = {NULL, 1}, nothing = {NULL, 0};
    mproc_connection_t *here, *there;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_EINVAL, mproc_connection_send(there, nowhere));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, nothing));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
    RECV(here, "");
}

/* C8, W3: beyond the limit a message is dropped, and never held. */
static void
the_limit_drops_whole_messages(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_limit(here, 4));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("1234")));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_send(there, text_bytes("12345")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("next")));
    RECV(here, "1234");
    CHECK_STATUS(MPROC_ETOOBIG, mproc_connection_recvf(here, pool, "s", NULL));
    CHECK_DETAIL("5 bytes");
    RECV(here, "next");
}

/* W1: the long head, with a small length; and with one that nobody has memory
 * for, which is refused before a byte of it comes. */
static void
long_heads_are_read(apr_pool_t *pool)
{
    static const unsigned char small[] = {0xff, 0xff, 0xff, 0xff, 0, 0,
                                          0,    0,    0,    0,    0, 2};
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 0, 0,
                                         0,    0,    0xc0, 0,    0, 0};
    static const unsigned char most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    mproc_connection_t *here;
    mproc_bytes_t in;
    apr_int64_t raw = raw_make(&here, pool);
    raw_send(raw, small, sizeof small);
    raw_send(raw, "ab\0\0\0\1c", 7);
    RECV(here, "ab");
    RECV(here, "c");
    raw_send(raw, huge, sizeof huge);
    CHECK_STATUS(MPROC_ETOOBIG, mproc_connection_recv(here, &in, pool));
    CHECK_DETAIL("3221225472 bytes");
    /* It is dropped as it comes. */
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(here, 20000));
    raw_send(raw, "some of it", 10);
    CHECK_STATUS(APR_TIMEUP, mproc_connection_recv(here, &in, pool));
    mproc_plat_net_close(raw);
    CHECK_STATUS(MPROC_EFORMAT, mproc_connection_recv(here, &in, pool));
    raw = raw_make(&here, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_limit(here, 0));
    raw_send(raw, most, sizeof most);
    CHECK_STATUS(MPROC_ETOOBIG, mproc_connection_recv(here, &in, pool));
    mproc_plat_net_close(raw);
}

/* The same, written: 2 GiB and more. */
static void
heads_are_written(apr_pool_t *pool)
{
    static const unsigned char small[] = {0x7f, 0xff, 0xff, 0xff};
    static const unsigned char large[] = {0xff, 0xff, 0xff, 0xff, 0, 0,
                                          0,    0,    0x80, 0,    0, 0};
    unsigned char head[MPROC__FRAME_LONG];
    apr_uint64_t size;
    (void)pool;
    CHECK_INT(4, mproc__frame_write(head, 0x7fffffff));
    CHECK(memcmp(head, small, sizeof small) == 0);
    CHECK_INT(4, mproc__frame_length(head, 4));
    CHECK_INT(12, mproc__frame_write(head, 0x80000000));
    CHECK(memcmp(head, large, sizeof large) == 0);
    CHECK_INT(4, mproc__frame_length(head, 3));
    CHECK_INT(12, mproc__frame_length(head, 4));
    CHECK_STATUS(APR_SUCCESS, mproc__frame_read(head, &size));
    CHECK(size == 0x80000000);
}

/* E3, C11: the time is for the whole message; what has come is kept. */
static void
a_message_comes_byte_by_byte(apr_pool_t *pool)
{
    static const char bytes[] = "\0\0\0\5hello\0\0\0\0\0\0\0\1!";
    mproc_connection_t *here;
    mproc_bytes_t in;
    apr_int64_t raw = raw_make(&here, pool);
    int i, count = 0;
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(here, 2000));
    for (i = 0; i < (int)sizeof bytes - 1; i++) {
        apr_status_t rv;
        raw_send(raw, bytes + i, 1);
        do {
            rv = mproc_connection_recv(here, &in, pool);
            count += rv == APR_SUCCESS;
            CHECK(rv == APR_SUCCESS || rv == APR_TIMEUP);
        } while (rv == APR_SUCCESS);
        CHECK(i >= 8 || count == 0);
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    if (count < 3) { /* On a slow machine. */
        CHECK_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    }
    mproc_plat_net_close(raw);
}

/* C12, C18: torn messages, and bytes that are none; again and again. */
static void
a_torn_message_ends_the_receiving(apr_pool_t *pool)
{
    static const struct {
        const char *bytes;
        apr_size_t size;
    } torn[] = {{"\0\0\0\5hell", 8},
                {"\0\0", 2},
                {"\xff\xff\xff\xff\0\0", 6},
                {"\x80\0\0\0", 4},
                {"\xff\xff\xff\xfe", 4}};
    mproc_connection_t *here;
    mproc_bytes_t in;
    apr_int64_t raw;
    unsigned i;
    for (i = 0; i < sizeof torn / sizeof *torn; i++) {
        raw = raw_make(&here, pool);
        raw_send(raw, torn[i].bytes, torn[i].size);
        mproc_plat_net_shut(raw);
        CHECK_STATUS(MPROC_EFORMAT, mproc_connection_recv(here, &in, pool));
        CHECK_DETAIL("tcp:127.0.0.1:");
        CHECK_STATUS(MPROC_EFORMAT, mproc_connection_recv(here, &in, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
        /* The other way it goes on. */
        CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, in));
        mproc_plat_net_close(raw);
    }
}

/* C12, C10, C14: the end of all, again and again; no signal. */
static void
the_end_is_told(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_bytes_t in;
    apr_status_t rv = APR_SUCCESS;
    int i;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("last")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    RECV(here, "last");
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
    for (i = 0; i < 100 && rv == APR_SUCCESS; i++) {
        rv = mproc_connection_send(here, text_bytes("x"));
        apr_sleep(1000);
    }
    CHECK(APR_STATUS_IS_EPIPE(rv) || APR_STATUS_IS_ECONNRESET(rv));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_recv(there, &in, pool));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_poll(there, 0));
    CHECK_STATUS(MPROC_ECLOSED, mproc_connection_send(there, in));
    CHECK_INT(1, mproc_connection_closed(there));
}

/* C15: nobody reads; whatever was sent, no half message is followed by
 * another. */
static void
a_send_that_runs_out_of_time(apr_pool_t *pool)
{
    apr_size_t size = 64 << 20;
    mproc_bytes_t big = {calloc(1, size), size}, in;
    mproc_connection_t *here, *there;
    apr_time_t begin;
    apr_status_t rv = APR_SUCCESS;
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(there, 50000));
    begin = mproc_clock();
    CHECK_STATUS(MPROC_EBROKEN, mproc_connection_send(there, big));
    CHECK(mproc_clock() - begin >= 50000);
    CHECK_DETAIL("cut off");
    CHECK_STATUS(MPROC_EBROKEN, mproc_connection_send(there, text_bytes("x")));
    CHECK_STATUS(MPROC_EFORMAT, mproc_connection_recv(here, &in, pool));
    /* The other way it goes on. */
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, text_bytes("y")));
    RECV(there, "y");
    /* Small ones, until there is no room. */
    ends_make(&here, &there, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(there, 0));
    big.size = 1000;
    while (rv == APR_SUCCESS) {
        rv = mproc_connection_send(there, big);
    }
    CHECK(rv == APR_TIMEUP || rv == MPROC_EBROKEN);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    do {
        rv = mproc_connection_recv(here, &in, NULL);
        CHECK(rv != APR_SUCCESS || in.size == 1000);
    } while (rv == APR_SUCCESS);
    CHECK(rv == APR_EOF || rv == MPROC_EFORMAT);
    free((void *)big.data);
}

static void *APR_THREAD_FUNC
beside_recv(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    mproc_bytes_t in;
    beside->status = mproc_connection_recv(beside->connection, &in, NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* C19. */
static void
closing_wakes_who_waits(apr_pool_t *pool)
{
    beside_t beside[3] = {{0}, {0}, {0}};
    mproc_connection_t *here, *there;
    int i;
    ends_make(&here, &there, pool);
    for (i = 0; i < 3; i++) {
        beside[i].connection = here;
        beside_start(&beside[i], beside_recv, pool);
    }
    apr_sleep(20000);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    for (i = 0; i < 3; i++) {
        beside_join(&beside[i]);
        CHECK_STATUS(MPROC_ECLOSED, beside[i].status);
    }
}

#define SENDERS 4
#define EACH 300

static void *APR_THREAD_FUNC
beside_send(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    char data[3000];
    mproc_bytes_t out = {data, 0};
    int i;
    memset(data, 'a' + beside->number, sizeof data);
    for (i = 0; i < EACH && beside->status == APR_SUCCESS; i++) {
        out.size = 1 + (apr_size_t)(i * 977 % 3000);
        beside->status = mproc_connection_send(beside->connection, out);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* C17: messages are never mixed. */
static void
many_threads_use_one_end(apr_pool_t *pool)
{
    beside_t beside[SENDERS] = {{0}};
    mproc_connection_t *here, *there;
    mproc_bytes_t in;
    apr_size_t j;
    int i, good = 0;
    ends_make(&here, &there, pool);
    for (i = 0; i < SENDERS; i++) {
        beside[i].connection = there;
        beside[i].number = i;
        beside_start(&beside[i], beside_send, pool);
    }
    for (i = 0; i < SENDERS * EACH; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, NULL));
        for (j = 1; j < in.size &&
                    ((const char *)in.data)[j] == ((const char *)in.data)[0];
             j++) {
        }
        good += j == in.size;
    }
    CHECK_INT(SENDERS * EACH, good);
    for (i = 0; i < SENDERS; i++) {
        beside_join(&beside[i]);
        CHECK_STATUS(APR_SUCCESS, beside[i].status);
    }
}

#define MANY 200

typedef struct waiter_t {
    mproc_waitable_t *items;
    apr_interval_time_t timeout;
    apr_status_t status;
    int first;
} waiter_t;

static void *APR_THREAD_FUNC
beside_wait_all(apr_thread_t *thread, void *baton)
{
    waiter_t *waiter = baton;
    waiter->status =
        mproc_wait(waiter->items, MANY + 3, waiter->timeout, &waiter->first);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* In a thread of its own: a thread keeps the room for many words. */
static apr_status_t
wait_all(mproc_waitable_t *items, apr_interval_time_t timeout, int *first,
         apr_pool_t *pool)
{
    waiter_t waiter = {items, timeout, APR_SUCCESS, 0};
    apr_thread_t *thread;
    apr_status_t rv;
    REQUIRE_STATUS(
        APR_SUCCESS,
        apr_thread_create(&thread, NULL, beside_wait_all, &waiter, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
    *first = waiter.first;
    return waiter.status;
}

/* WT1, WT5, WT6: streams beside all the others. */
static void
waiting_for_many(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_connection_t *here[MANY], *there[MANY];
    mproc_waitable_t items[MANY + 3] = {{0}};
    mproc_event_t *event;
    mproc_queue_t *queue;
    int i, first;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    for (i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_client_connect(&there[i],
                                            mproc_listener_address(listener),
                                            &options, pool));
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here[i], test_deadline(), pool));
        items[i].kind = MPROC_WAIT_CONNECTION;
        items[i].object = here[i];
    }
    items[MANY].kind = MPROC_WAIT_EVENT;
    items[MANY].object = event;
    items[MANY + 1].kind = MPROC_WAIT_QUEUE;
    items[MANY + 1].object = queue;
    items[MANY + 2].kind = MPROC_WAIT_LISTENER;
    items[MANY + 2].object = listener;
    CHECK_STATUS(APR_TIMEUP, wait_all(items, 30000, &first, pool));
    CHECK_INT(-1, first);
    mproc_connection_send(there[MANY - 1], text_bytes("x"));
    mproc_connection_send(there[7], text_bytes("y"));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here[MANY - 1], -1));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here[7], -1));
    CHECK_STATUS(APR_SUCCESS, wait_all(items, test_deadline(), &first, pool));
    CHECK_INT(7, first);
    CHECK_INT(1, items[MANY - 1].ready);
    CHECK_INT(0, items[MANY].ready);
    RECV(here[7], "y");
    RECV(here[MANY - 1], "x");
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, wait_all(items, test_deadline(), &first, pool));
    CHECK_INT(MANY, first);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there[3]));
    CHECK_STATUS(APR_SUCCESS, wait_all(items, test_deadline(), &first, pool));
    CHECK_INT(3, first);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here[3]));
    CHECK_STATUS(MPROC_ECLOSED, wait_all(items, 0, &first, pool));
}

typedef struct ping_t {
    beside_t beside;
    mproc_queue_t *queue;
    int rounds;
} ping_t;

static void *APR_THREAD_FUNC
beside_ping(apr_thread_t *thread, void *baton)
{
    ping_t *ping = baton;
    int i;
    for (i = 0; i < ping->rounds && ping->beside.status == APR_SUCCESS; i++) {
        ping->beside.status =
            i % 2 ? mproc_connection_send(ping->beside.connection,
                                          text_bytes("p"))
                  : mproc_queue_put(ping->queue, text_bytes("q"),
                                    test_deadline());
        if (ping->beside.status == APR_SUCCESS) {
            ping->beside.status =
                mproc_connection_recvf(ping->beside.connection, NULL, "n");
        }
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* No wake-up is lost, whichever of the two it comes from: nothing waits for
 * the look that happens anyhow. */
static void
waits_are_ended_by_either(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_waitable_t items[2] = {{0}};
    mproc_connection_t *here;
    ping_t ping = {.queue = NULL};
    mproc_bytes_t in;
    int i, first;
    ping.rounds = 400;
    ends_make(&here, &ping.beside.connection, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&ping.queue, 0, pool));
    items[0].kind = MPROC_WAIT_CONNECTION;
    items[0].object = here;
    items[1].kind = MPROC_WAIT_QUEUE;
    items[1].object = ping.queue;
    CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
    beside_start(&ping.beside, beside_ping, pool);
    for (i = 0; i < ping.rounds; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(items, 2, test_deadline(), &first));
        CHECK_INT(i % 2 ? 0 : 1, first);
        if (first == 0) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        }
        else {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_queue_get(ping.queue, &in, 0, pool));
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "n"));
    }
    beside_join(&ping.beside);
    CHECK_STATUS(APR_SUCCESS, ping.beside.status);
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.rescues, after.rescues);
}

static void *APR_THREAD_FUNC
beside_wait(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    mproc_waitable_t item = {MPROC_WAIT_CONNECTION, beside->connection, 0};
    beside->status = mproc_wait(&item, 1, test_deadline(), NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
closing_ends_a_wait(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    beside_t beside = {0};
    ends_make(&here, &there, pool);
    beside.connection = here;
    beside_start(&beside, beside_wait, pool);
    apr_sleep(20000);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
}

static const test_case_t cases[] = {
    {"messages_are_whole", messages_are_whole},
    {"big_messages_go_as_they_are_read", big_messages_go_as_they_are_read},
    {"values_are_packed", values_are_packed},
    {"shared_objects_stay", shared_objects_stay},
    {"a_small_buffer_loses_nothing", a_small_buffer_loses_nothing},
    {"what_cannot_be_is_refused", what_cannot_be_is_refused},
    {"the_limit_drops_whole_messages", the_limit_drops_whole_messages},
    {"long_heads_are_read", long_heads_are_read},
    {"heads_are_written", heads_are_written},
    {"a_message_comes_byte_by_byte", a_message_comes_byte_by_byte},
    {"a_torn_message_ends_the_receiving", a_torn_message_ends_the_receiving},
    {"the_end_is_told", the_end_is_told},
    {"a_send_that_runs_out_of_time", a_send_that_runs_out_of_time},
    {"closing_wakes_who_waits", closing_wakes_who_waits},
    {"many_threads_use_one_end", many_threads_use_one_end},
    {"waiting_for_many", waiting_for_many},
    {"waits_are_ended_by_either", waits_are_ended_by_either},
    {"closing_ends_a_wait", closing_ends_a_wait},
    {NULL, NULL}};

const test_suite_t suite_connection_socket = {"connection_socket", 0, cases};
