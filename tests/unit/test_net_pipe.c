/*
 * test_net_pipe.c: listeners at named pipes, where there are some (L1, L2, L5,
 * L8, W3; C2, C10, C12, C15, C18, C19, WT1).
 */
#include <stdio.h>
#include <stdlib.h>

#include "child.h"
#include "net.h"

/* A name of its own. */
static const char *
pipe_address(const char *name, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address =
        apr_psprintf(pool, "pipe:mproc-test-%s-%d", name,
                     (int)mproc_process_pid(mproc_process_current()));
    mproc_listener_t *listener;
    apr_status_t rv;
    net_needed();
    rv = mproc_listener_create(&listener, address, &options, pool);
    if (rv == APR_ENOTIMPL) {
        CHECK_DETAIL("named pipes");
        test_skip("there are no named pipes");
    }
    REQUIRE_STATUS(APR_SUCCESS, rv);
    mproc_listener_destroy(listener);
    return address;
}

static mproc_listener_t *
pipe_ends(mproc_connection_t **here, mproc_connection_t **there,
          const char *name, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address = pipe_address(name, pool);
    mproc_listener_t *listener = listen_unkeyed(address, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(there, address, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, here,
                                                      test_deadline(), pool));
    return listener;
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

/* C2, C15, C16: one send is one receive, of any size. */
static void
messages_are_whole(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0,     1,     5,     4095,    8191,
                                       8192,  8193,  16384, 65535,   65536,
                                       65537, 70000, 0,     1 << 20, 3};
    mproc_connection_t *here;
    beside_t beside = {0};
    char *data = apr_palloc(pool, 1 << 20);
    unsigned i;
    for (i = 0; i < 1 << 20; i++) {
        data[i] = (char)(i * 31 + i / 1000);
    }
    pipe_ends(&here, &beside.connection, "whole", pool);
    CHECK(strncmp(mproc_connection_peer(here), "pipe:", 5) == 0);
    beside_start(&beside, beside_echo, pool);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mproc_bytes_t out = {data, sizes[i]}, in;
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_send(here, out));
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        REQUIRE(in.size == out.size);
        CHECK(memcmp(in.data, data, in.size) == 0);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    beside_join(&beside);
    CHECK_STATUS(APR_EOF, beside.status);
    mproc_connection_destroy(beside.connection);
}

/* C10: several that came are each told of; an empty one is one, too. */
static void
what_came_is_ready(apr_pool_t *pool)
{
    static const char *const texts[] = {"a", "", "bc", "d"};
    mproc_waitable_t item = {MPROC_WAIT_CONNECTION, NULL, 0};
    mproc_connection_t *here, *there;
    mproc_bytes_t in;
    int i;
    pipe_ends(&here, &there, "ready", pool);
    item.object = here;
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 10000, NULL));
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_send(there, text_bytes(texts[i])));
    }
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        CHECK_TEXT(texts[i], (const char *)in.data);
    }
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("last")));
    mproc_connection_destroy(there);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    CHECK_TEXT("last", (const char *)in.data);
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_EPIPE, mproc_connection_send(here, text_bytes("x")));
}

/* The end of who accepted leaves what it sent. */
static void
the_last_words_arrive(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_bytes_t in;
    pipe_ends(&here, &there, "words", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, text_bytes("one")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, text_bytes("two")));
    mproc_connection_destroy(here);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(there, &in, pool));
    CHECK_TEXT("one", (const char *)in.data);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(there, &in, pool));
    CHECK_TEXT("two", (const char *)in.data);
    CHECK_STATUS(APR_EOF, mproc_connection_recv(there, &in, pool));
}

/* L5. */
static void
a_name_is_taken(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address = pipe_address("taken", pool);
    mproc_listener_t *second;
    int handles;
    listen_unkeyed(address, pool);
    handles = test_handles();
    if (test_is_wine()) {
        test_skip(
            "under Wine a pipe's first instance is no better than others");
    }
    CHECK(mproc_listener_create(&second, address, &options, pool) !=
          APR_SUCCESS);
    CHECK_DETAIL("cannot listen");
    CHECK_INT(handles, test_handles());
}

/* L1, L2, L8, L9. */
static void
a_name_goes_with_its_listener(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address = pipe_address("name", pool);
    mproc_listener_t *listener = listen_unkeyed(address, pool);
    mproc_connection_t *here, *there;
    CHECK_TEXT(address, mproc_listener_address(listener));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(&there, address, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    /* Connections live on. */
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "i", 7));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(there, pool, "*"));
    mproc_connection_destroy(here);
    mproc_connection_destroy(there);
    CHECK(APR_STATUS_IS_ENOENT(
        mproc_client_connect(&there, address, &options, pool)));
    listener = listen_unkeyed(address, pool);
    mproc_listener_destroy(listener);
    CHECK_STATUS(APR_EINVAL,
                 mproc_listener_create(&listener, "pipe:", &options, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_listener_create(&listener, "pipe:a\\b", &options, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, NULL, &options, pool));
    CHECK(strncmp(mproc_listener_address(listener), "pipe:mproc-", 11) == 0);
}

/* L6, W4 to W8: the proof, and somebody without the key. */
static void
keys_are_proved(apr_pool_t *pool)
{
    mproc_net_options_t good = options_with(KEY), bad = options_with("no");
    const char *address = pipe_address("keys", pool);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, &good, pool));
    for (i = 0; i < 6; i++) {
        beside_t beside = {.address = address, .options = i % 2 ? &good : &bad};
        beside_start(&beside, beside_connect, pool);
        CHECK_STATUS(
            i % 2 ? APR_SUCCESS : MPROC_EAUTH,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
        beside_join(&beside);
        CHECK_STATUS(i % 2 ? APR_SUCCESS : MPROC_EAUTH, beside.status);
        if (i % 2) {
            int number = 0;
            CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "i", i));
            CHECK_STATUS(
                APR_SUCCESS,
                mproc_connection_recvf(beside.connection, NULL, "i", &number));
            CHECK_INT(i, number);
        }
        mproc_connection_destroy(beside.connection);
        mproc_connection_destroy(here);
    }
}

#define CLIENTS 30

/* More than the listener has instances. */
static void
many_clients_at_once(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    const char *address = pipe_address("many", pool);
    mproc_listener_t *listener;
    beside_t beside[CLIENTS] = {{0}};
    mproc_connection_t *here[CLIENTS];
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, &options, pool));
    for (i = 0; i < CLIENTS; i++) {
        beside[i].address = address;
        beside[i].options = &options;
        beside_start(&beside[i], beside_connect, pool);
    }
    for (i = 0; i < CLIENTS; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here[i], test_deadline(), pool));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(here[i], "i", i));
    }
    for (i = 0; i < CLIENTS; i++) {
        beside_join(&beside[i]);
        REQUIRE_STATUS(APR_SUCCESS, beside[i].status);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_recvf(beside[i].connection, NULL, "*"));
        mproc_connection_destroy(beside[i].connection);
    }
}

/* Nobody accepts: that is no reason to wait for longer than there is time. */
static void
a_busy_pipe_keeps_the_time(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address = pipe_address("busy", pool);
    mproc_listener_t *listener = listen_unkeyed(address, pool);
    mproc_connection_t *there[64];
    apr_time_t begin;
    apr_status_t rv = APR_SUCCESS;
    int i;
    options.connect_timeout = 50000;
    for (i = 0; i < 64 && rv == APR_SUCCESS; i++) {
        begin = mproc_clock();
        rv = mproc_client_connect(&there[i], address, &options, pool);
    }
    CHECK_STATUS(APR_TIMEUP, rv);
    CHECK(mproc_clock() - begin >= 50000);
    CHECK(mproc_clock() - begin < test_deadline() / 2);
    mproc_listener_destroy(listener);
}

/* C15: what is not received in time is taken back whole, and what comes after
 * it arrives. What the system cannot take back ends the sending. */
static void
a_send_is_taken_back(apr_pool_t *pool)
{
    mproc_bytes_t some = {apr_pcalloc(pool, 10000), 10000}, in;
    mproc_bytes_t big = {apr_pcalloc(pool, 1000000), 1000000};
    mproc_connection_t *here, *there;
    apr_time_t begin;
    apr_status_t rv;
    int sent = 0;
    pipe_ends(&here, &there, "back", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(there, 50000));
    do {
        begin = mproc_clock();
        rv = mproc_connection_send(there, some);
        sent += rv == APR_SUCCESS;
    } while (rv == APR_SUCCESS && sent < 1000);
    CHECK_STATUS(APR_TIMEUP, rv);
    CHECK(mproc_clock() - begin >= 50000);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(there, 0));
    CHECK_STATUS(APR_TIMEUP, mproc_connection_send(there, some));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    while (sent-- > 0) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        CHECK_INT(some.size, in.size);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("next")));
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    CHECK_TEXT("next", (const char *)in.data);
    CHECK_STATUS(MPROC_EBROKEN, mproc_connection_send(there, big));
    CHECK_STATUS(MPROC_EBROKEN, mproc_connection_send(there, some));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    CHECK_STATUS(MPROC_EFORMAT, mproc_connection_recv(here, &in, pool));
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

static void *APR_THREAD_FUNC
beside_accept(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_listener_accept(
        beside->listener, &beside->connection, MPROC_FOREVER, NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* C19, L8. */
static void
closing_ends_the_waiting(apr_pool_t *pool)
{
    beside_t receiver = {0}, acceptor = {0};
    mproc_connection_t *there;
    acceptor.listener = pipe_ends(&receiver.connection, &there, "close", pool);
    beside_start(&receiver, beside_recv, pool);
    beside_start(&acceptor, beside_accept, pool);
    apr_sleep(30000);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(receiver.connection));
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(acceptor.listener));
    beside_join(&receiver);
    beside_join(&acceptor);
    CHECK_STATUS(MPROC_ECLOSED, receiver.status);
    CHECK_STATUS(MPROC_ECLOSED, acceptor.status);
}

#define PIPES 70 /* more than the system waits for at once */

/* WT1, WT6: beside sockets, and many. */
static void
waiting_for_many(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *address = pipe_address("wait", pool);
    mproc_listener_t *listener = listen_unkeyed(address, pool);
    mproc_connection_t *there[PIPES + 1], *here;
    mproc_waitable_t item[PIPES + 2] = {{0}};
    mproc_bytes_t in;
    int i, first;
    for (i = 0; i < PIPES; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_client_connect(&there[i], address,
                                                         &options, pool));
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
        item[i].kind = MPROC_WAIT_CONNECTION;
        item[i].object = here;
    }
    ends_make(&here, &there[PIPES], pool);
    item[PIPES].kind = MPROC_WAIT_CONNECTION;
    item[PIPES].object = here;
    item[PIPES + 1].kind = MPROC_WAIT_LISTENER;
    item[PIPES + 1].object = listener;
    for (i = 0; i < 8; i++) {
        int which = i % 3 == 0 ? PIPES : i * 9;
        CHECK_STATUS(APR_TIMEUP, mproc_wait(item, PIPES + 2, 10000, NULL));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_send(there[which], text_bytes("x")));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(item, PIPES + 2, test_deadline(), &first));
        CHECK_INT(which, first);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_connection_recv(item[which].object, &in, pool));
    }
}

typedef struct sender_t {
    beside_t beside;
    int rounds;
} sender_t;

static void *APR_THREAD_FUNC
beside_answer(apr_thread_t *thread, void *baton)
{
    sender_t *sender = baton;
    int i;
    for (i = 0; i < sender->rounds && sender->beside.status == APR_SUCCESS;
         i++) {
        sender->beside.status =
            mproc_connection_recvf(sender->beside.connection, NULL, "*");
        if (sender->beside.status == APR_SUCCESS) {
            sender->beside.status =
                mproc_connection_sendf(sender->beside.connection, "i", i);
        }
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* No wake-up is lost. */
static void
there_and_back(apr_pool_t *pool)
{
    mproc_waitable_t item = {MPROC_WAIT_CONNECTION, NULL, 0};
    mproc_census_t before, after;
    mproc_connection_t *here;
    sender_t sender = {.rounds = test_scaled(400)};
    int i;
    pipe_ends(&here, &sender.beside.connection, "trip", pool);
    item.object = here;
    CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
    beside_start(&sender.beside, beside_answer, pool);
    for (i = 0; i < sender.rounds; i++) {
        int number = -1;
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "n"));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(&item, 1, test_deadline(), NULL));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_connection_recvf(here, pool, "i", &number));
        CHECK_INT(i, number);
    }
    beside_join(&sender.beside);
    CHECK_STATUS(APR_SUCCESS, sender.beside.status);
    CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.rescues, after.rescues);
}

static int
send_without_end(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *connection;
    const char *address;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &address));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_client_connect(&connection, address, NULL, pool));
    for (;;) {
        mproc_bytes_t out = {apr_pcalloc(pool, 1000), 1000};
        CHILD_STATUS(APR_SUCCESS, mproc_connection_send(connection, out));
    }
}

/* C18: of a child that is killed no half message comes. */
static void
a_child_is_killed(apr_pool_t *pool)
{
    const char *address = pipe_address("child", pool);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    mproc_process_t *child;
    mproc_bytes_t in;
    apr_status_t rv;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, NULL, pool));
    START(child, send_without_end, pool, "s", address);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    for (i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    }
    KILL(child);
    do {
        rv = mproc_connection_recv(here, &in, NULL);
        CHECK(rv != APR_SUCCESS || in.size == 1000);
    } while (rv == APR_SUCCESS);
    CHECK_STATUS(APR_EOF, rv);
}

static const test_case_t cases[] = {
    {"messages_are_whole", messages_are_whole},
    {"what_came_is_ready", what_came_is_ready},
    {"the_last_words_arrive", the_last_words_arrive},
    {"a_name_is_taken", a_name_is_taken},
    {"a_name_goes_with_its_listener", a_name_goes_with_its_listener},
    {"keys_are_proved", keys_are_proved},
    {"many_clients_at_once", many_clients_at_once},
    {"a_busy_pipe_keeps_the_time", a_busy_pipe_keeps_the_time},
    {"a_send_is_taken_back", a_send_is_taken_back},
    {"closing_ends_the_waiting", closing_ends_the_waiting},
    {"waiting_for_many", waiting_for_many},
    {"there_and_back", there_and_back},
    {"a_child_is_killed", a_child_is_killed},
    {NULL, NULL}};

const test_suite_t suite_net_pipe = {"net_pipe", 0, cases};
