/*
 * test_net_fork.c: a child that is started while other threads are in the
 * middle of something with a stream has nothing of it (C13, C19).
 */
#include <stdatomic.h>
#include <stdio.h>

#include "child.h"
#include "net.h"

#include "../../lib/src/auth.h"

static int
wait_for_event(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event, *begun;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &begun, &event));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(begun));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    return 0;
}

/* A child that lives until it is told. */
typedef struct idler_t {
    mproc_process_t *child;
    mproc_event_t *begun, *event;
} idler_t;

static void
idler_start(idler_t *idler, apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&idler->event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&idler->begun, pool));
    START(idler->child, wait_for_event, pool, "o o", idler->begun,
          idler->event);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_event_wait(idler->begun, test_deadline()));
}

static void
idler_end(idler_t *idler)
{
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(idler->event));
    JOIN(idler->child, 0);
}

/* Whether the end comes while the child lives. */
static int
raw_ends(apr_int64_t raw)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    apr_status_t rv = APR_EAGAIN;
    while (rv == APR_SUCCESS || rv == APR_EAGAIN) {
        mproc_plat_net_item_t item = {raw, 0, 0};
        char bytes[256];
        apr_size_t size = sizeof bytes;
        if (mproc_plat_net_wait(&item, 1, deadline) != APR_SUCCESS) {
            return 0;
        }
        rv = mproc_plat_net_recv(raw, bytes, &size);
    }
    return 1;
}

static apr_int64_t
raw_listen(const char **address, apr_pool_t *pool)
{
    apr_int64_t handle;
    mproc__address_t where;
    apr_port_t port;
    REQUIRE_STATUS(APR_SUCCESS, mproc__address_parse(&where, LOCAL, test_far(),
                                                     "raw", pool));
    handle = raw_listen_at(where.resolved, &port);
    *address = apr_psprintf(pool, "tcp:127.0.0.1:%d", (int)port);
    return handle;
}

static apr_int64_t
raw_accept(apr_int64_t listener)
{
    mproc_plat_net_item_t item = {listener, 0, 0};
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_wait(
                                    &item, 1, mproc_clock() + test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_accept(listener, &handle, peer));
    return handle;
}

/* One that connects meanwhile. */
static void
in_the_middle_of_a_handshake(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    beside_t beside = {.options = &options};
    apr_int64_t listener = raw_listen(&beside.address, pool), raw;
    idler_t idler;
    options.handshake_timeout = 300000;
    beside_start(&beside, beside_connect, pool);
    raw = raw_accept(listener);
    idler_start(&idler, pool);
    beside_join(&beside);
    CHECK_STATUS(MPROC_EAUTH, beside.status);
    CHECK(raw_ends(raw));
    idler_end(&idler);
    mproc_plat_net_close(raw);
    mproc_plat_net_close(listener);
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

/* One that is being let in. */
static void
in_the_middle_of_an_accept(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    beside_t beside = {0};
    apr_int64_t raw;
    char challenge[63];
    idler_t idler;
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_create(&beside.listener, LOCAL,
                                                      &options, pool));
    raw = raw_connect(mproc_listener_address(beside.listener), pool);
    beside_start(&beside, beside_accept, pool);
    CHECK_INT(63, raw_recv(raw, challenge, 63));
    idler_start(&idler, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(beside.listener));
    beside_join(&beside);
    CHECK_STATUS(MPROC_ECLOSED, beside.status);
    CHECK(raw_ends(raw));
    idler_end(&idler);
    mproc_plat_net_close(raw);
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

/* One that is closed, but for a thread that has yet to leave. */
static void
in_the_middle_of_a_close(apr_pool_t *pool)
{
    int i;
    for (i = 0; i < test_scaled(8); i++) {
        beside_t beside = {0};
        apr_int64_t raw = raw_make(&beside.connection, pool);
        idler_t idler;
        beside_start(&beside, beside_recv, pool);
        apr_sleep(5000);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_close(beside.connection));
        idler_start(&idler, pool);
        beside_join(&beside);
        CHECK_STATUS(MPROC_ECLOSED, beside.status);
        CHECK(raw_ends(raw));
        idler_end(&idler);
        mproc_plat_net_close(raw);
    }
}

typedef struct busy_t {
    apr_thread_t *thread;
    atomic_int stop;
    int good;
} busy_t;

/* What one side sends the other receives. */
static void
auth_carry(mproc__auth_t *from, mproc__auth_t *to)
{
    while (from->want == MPROC__AUTH_SEND && to->want == MPROC__AUTH_RECV) {
        mproc_bytes_t out = mproc__auth_output(from);
        apr_size_t size;
        void *room = mproc__auth_room(to, &size);
        size = size < out.size ? size : out.size;
        memcpy(room, out.data, size);
        mproc__auth_sent(from, size);
        mproc__auth_received(to, size);
    }
}

/* AddressSanitizer's allocator may be locked for ever in a child, when other
 * threads allocate at the moment of the fork. */
static void
fork_beside_allocation_needed(void)
{
#ifdef __SANITIZE_ADDRESS__
    if (test_method() == MPROC_START_FORK) {
        test_skip("the sanitizer's allocator does not live through a fork");
    }
#endif
}

/* A whole handshake, without streams. */
static int
auth_both(void)
{
    mproc__auth_t here, there;
    mproc__auth_begin(&here, 0, text_bytes(KEY), 0);
    mproc__auth_begin(&there, 1, text_bytes(KEY), 0);
    while (here.want == MPROC__AUTH_SEND || there.want == MPROC__AUTH_SEND) {
        auth_carry(&here, &there);
        auth_carry(&there, &here);
    }
    return here.want == MPROC__AUTH_DONE && there.want == MPROC__AUTH_DONE;
}

static void *APR_THREAD_FUNC
beside_shake(apr_thread_t *thread, void *baton)
{
    busy_t *busy = baton;
    busy->good = 1;
    while (!atomic_load(&busy->stop)) {
        busy->good = busy->good && auth_both();
        apr_sleep(20); /* Not only the guard. */
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int
shake(mproc_bytes_t args, apr_pool_t *pool)
{
    static const char challenge[63] = "\0\0\0\73#CHALLENGE#{sha384}";
    mproc__auth_t auth;
    apr_size_t size, done;
    (void)args;
    (void)pool;
    CHILD_CHECK(auth_both());
    /* Another digest, for which the library looks anew. */
    mproc__auth_begin(&auth, 1, text_bytes(KEY), 0);
    for (done = 0; done < sizeof challenge; done += size) {
        void *room = mproc__auth_room(&auth, &size);
        memcpy(room, challenge + done, size);
        mproc__auth_received(&auth, size);
    }
    CHILD_CHECK(auth.want == MPROC__AUTH_SEND);
    return 0;
}

/* The library of cryptography has locks of its own. */
static void
in_the_middle_of_a_mac(apr_pool_t *pool)
{
    busy_t busy[2];
    apr_status_t rv;
    int i;
    net_needed();
    fork_beside_allocation_needed();
    for (i = 0; i < 2; i++) {
        atomic_init(&busy[i].stop, 0);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&busy[i].thread, NULL, beside_shake,
                                         &busy[i], pool));
    }
    for (i = 0; i < (test_method() == MPROC_START_FORK ? 300 : 10); i++) {
        mproc_process_t *child;
        START(child, shake, pool, NULL);
        JOIN(child, 0);
    }
    for (i = 0; i < 2; i++) {
        atomic_store(&busy[i].stop, 1);
        apr_thread_join(&rv, busy[i].thread);
        CHECK(busy[i].good);
    }
}

/* What a program may do meanwhile: ask where hosts are, make pools. */
static void *APR_THREAD_FUNC
beside_ask(apr_thread_t *thread, void *baton)
{
    busy_t *busy = baton;
    while (!atomic_load(&busy->stop)) {
        apr_sockaddr_t *address;
        apr_pool_t *pool;
        apr_pool_create(&pool, NULL);
        (void)apr_sockaddr_info_get(&address, "127.0.0.1", APR_UNSPEC, 1, 0,
                                    pool);
        apr_pool_destroy(pool);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int
talk_to_itself(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener;
    mproc_connection_t *here, *there;
    (void)args;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_listener_create(&listener, LOCAL, &options, pool));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_client_connect(&there, mproc_listener_address(listener),
                                      &options, pool));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "i", 1));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_recvf(there, NULL, "*"));
    return 0;
}

static int
put_something(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_putf(queue, test_deadline(), "[i s]", 1, "x"));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_getf(queue, test_deadline(), NULL, "*"));
    return 0;
}

/* The resolver and APR have locks of their own, too. */
static void
in_the_middle_of_asking(apr_pool_t *pool)
{
    mproc_queue_t *queue;
    busy_t busy[2];
    apr_status_t rv;
    int i;
    net_needed();
    fork_beside_allocation_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    for (i = 0; i < 2; i++) {
        atomic_init(&busy[i].stop, 0);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&busy[i].thread, NULL, beside_ask,
                                         &busy[i], pool));
    }
    for (i = 0; i < (test_method() == MPROC_START_FORK ? 100 : 5); i++) {
        mproc_process_t *child;
        START(child, talk_to_itself, pool, NULL);
        JOIN(child, 0);
        START(child, put_something, pool, "o", queue);
        JOIN(child, 0);
    }
    for (i = 0; i < 2; i++) {
        atomic_store(&busy[i].stop, 1);
        apr_thread_join(&rv, busy[i].thread);
    }
}

static const test_case_t cases[] = {
    {"in_the_middle_of_a_handshake", in_the_middle_of_a_handshake},
    {"in_the_middle_of_an_accept", in_the_middle_of_an_accept},
    {"in_the_middle_of_a_close", in_the_middle_of_a_close},
    {"in_the_middle_of_a_mac", in_the_middle_of_a_mac},
    {"in_the_middle_of_asking", in_the_middle_of_asking},
    {NULL, NULL}};

const test_suite_t suite_net_fork = {"net_fork", 1, cases};
