/* test_plat_net.c: streams alone, and a thread beside (plat_net.h, plat_sys.h).
 */
#include <stdatomic.h>
#include <string.h>

#include <apr_strings.h>

#include "plat_net.h"
#include "plat_sys.h"
#include "test.h"

static apr_time_t
soon(void)
{
    return mproc_plat_clock() + test_deadline();
}

static apr_status_t
wait_for(apr_int64_t handle, int send, apr_time_t deadline)
{
    mproc_plat_net_item_t item = {handle, send, 0};
    apr_status_t rv = mproc_plat_net_wait(&item, 1, deadline);
    CHECK(item.ready == (rv == APR_SUCCESS));
    return rv;
}

static void
a_pair_is_a_stream(apr_pool_t *pool)
{
    char data[16];
    apr_int64_t end[2];
    apr_size_t size = sizeof data, sent;
    apr_time_t begin;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
    CHECK_STATUS(APR_EAGAIN, mproc_plat_net_recv(end[0], data, &size));
    CHECK_INT(0, size);
    begin = mproc_plat_clock();
    CHECK_STATUS(APR_TIMEUP, wait_for(end[0], 0, begin + 20000));
    CHECK(mproc_plat_clock() - begin >= 20000);
    CHECK_STATUS(APR_SUCCESS, wait_for(end[1], 1, 0));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(end[1], "abc", 3, "defg", 4, &sent));
    CHECK_INT(7, sent);
    CHECK_STATUS(APR_SUCCESS, wait_for(end[0], 0, soon()));
    size = sizeof data;
    CHECK_STATUS(APR_SUCCESS, mproc_plat_net_recv(end[0], data, &size));
    CHECK(size == 7 && memcmp(data, "abcdefg", 7) == 0);
    mproc_plat_net_shut(end[1]);
    CHECK_STATUS(APR_SUCCESS, wait_for(end[0], 0, soon()));
    CHECK_STATUS(APR_EOF, mproc_plat_net_recv(end[0], data, &size));
    /* The other way it goes on. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(end[0], "x", 1, NULL, 0, &sent));
    CHECK_STATUS(APR_SUCCESS, wait_for(end[1], 0, soon()));
    mproc_plat_net_close(end[0]);
    mproc_plat_net_close(end[1]);
    mproc_plat_net_close(-1);
}

/* A full one says so; one that nobody reads is a status, no signal. */
static void
sending_never_waits(apr_pool_t *pool)
{
    char data[8192] = "";
    apr_int64_t end[2];
    apr_size_t sent;
    apr_status_t rv;
    int i;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
    do {
        rv = mproc_plat_net_send(end[0], data, sizeof data, data, sizeof data,
                                 &sent);
    } while (rv == APR_SUCCESS);
    CHECK_STATUS(APR_EAGAIN, rv);
    CHECK_INT(0, sent);
    CHECK_STATUS(APR_TIMEUP, wait_for(end[0], 1, 0));
    mproc_plat_net_close(end[1]);
    for (i = 0, rv = APR_SUCCESS; i < 1000 && rv == APR_SUCCESS; i++) {
        rv = mproc_plat_net_send(end[0], "x", 1, NULL, 0, &sent);
    }
    CHECK(rv == APR_EPIPE || rv == APR_ECONNRESET);
    mproc_plat_net_close(end[0]);
}

static apr_sockaddr_t *
loopback(apr_port_t port, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    REQUIRE_STATUS(APR_SUCCESS, apr_sockaddr_info_get(&address, "127.0.0.1",
                                                      APR_INET, port, 0, pool));
    return address;
}

static void
listen_accept_connect(apr_pool_t *pool)
{
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t listener, second, here, there;
    apr_port_t port, other;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_listen(
                                    &listener, loopback(0, pool), 5, &port));
    CHECK(port != 0);
    CHECK(mproc_plat_net_listen(&second, loopback(port, pool), 5, &other) !=
          APR_SUCCESS);
    CHECK_INT(-1, second);
    CHECK_STATUS(APR_EAGAIN, mproc_plat_net_accept(listener, &here, peer));
    CHECK_INT(-1, here);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_connect(
                                    &there, loopback(port, pool), soon()));
    CHECK_STATUS(APR_SUCCESS, wait_for(listener, 0, soon()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_accept(listener, &here, peer));
    CHECK(strncmp(peer, "127.0.0.1:", 10) == 0);
    mproc_plat_net_close(there);
    CHECK_STATUS(APR_SUCCESS, wait_for(here, 0, soon()));
    mproc_plat_net_close(here);
    mproc_plat_net_close(listener);
    CHECK_STATUS(APR_ECONNREFUSED,
                 mproc_plat_net_connect(&there, loopback(port, pool), soon()));
    CHECK_INT(-1, there);
}

#define MANY 300

static void
waiting_for_many(apr_pool_t *pool)
{
    mproc_plat_net_item_t items[MANY];
    apr_int64_t end[2], other;
    apr_size_t sent;
    int i;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
    other = end[1];
    for (i = 0; i < MANY; i++) {
        items[i].handle = i == MANY - 1 ? end[0] : i % 2 ? -1 : other;
        items[i].send = 0;
    }
    CHECK_STATUS(APR_TIMEUP, mproc_plat_net_wait(items, MANY, 0));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(other, "x", 1, NULL, 0, &sent));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_net_wait(items, MANY, soon()));
    for (i = 0; i < MANY; i++) {
        CHECK_INT(i == MANY - 1, items[i].ready);
    }
    mproc_plat_net_close(end[0]);
    mproc_plat_net_close(end[1]);
}

typedef struct bell_t {
    apr_int64_t handle;
    atomic_int done;
} bell_t;

static void
ring(void *baton)
{
    bell_t *bell = baton;
    apr_size_t sent;
    (void)mproc_plat_net_send(bell->handle, "!", 1, NULL, 0, &sent);
    atomic_store(&bell->done, 1);
}

static void
a_thread_runs(apr_pool_t *pool)
{
    apr_time_t deadline = soon();
    apr_int64_t end[2];
    bell_t bell;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
    bell.handle = end[1];
    atomic_init(&bell.done, 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_thread_start(ring, &bell));
    CHECK_STATUS(APR_SUCCESS, wait_for(end[0], 0, deadline));
    while (!atomic_load(&bell.done)) {
        REQUIRE(mproc_plat_clock() < deadline);
        mproc_plat_yield();
    }
    mproc_plat_net_close(end[0]);
    mproc_plat_net_close(end[1]);
}

static const test_case_t cases[] = {
    {"a_pair_is_a_stream", a_pair_is_a_stream},
    {"sending_never_waits", sending_never_waits},
    {"listen_accept_connect", listen_accept_connect},
    {"waiting_for_many", waiting_for_many},
    {"a_thread_runs", a_thread_runs},
    {NULL, NULL}};

const test_suite_t suite_plat_net = {"plat_net", 0, cases};
