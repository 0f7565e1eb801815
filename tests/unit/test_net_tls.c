/*
 * test_net_tls.c: connections that are encrypted: who is believed, what is
 * told, and that messages of all sizes come whole, both ways at once.
 */
#include <stdlib.h>

#include <apr_signal.h>

#include "certificates.h"
#include "child.h"
#include "net.h"

#include "../../lib/src/connection.h"

#define HOST "127.0.0.1"

/* Two sides that believe each other, by a key too. */
typedef struct sides_t {
    certificate_t authority, server, client;
    mproc_tls_options_t here, there;
    mproc_net_options_t listener, connector;
} sides_t;

static void
certificate_have(certificate_t *made, const char *host,
                 const certificate_t *authority, apr_pool_t *pool)
{
    REQUIRE(certificate_make(made, host, authority, 30, pool));
}

static sides_t *
sides_make(apr_pool_t *pool)
{
    sides_t *sides = apr_pcalloc(pool, sizeof *sides);
    net_needed();
    if (!certificates_exist()) {
        test_skip("no OpenSSL to make certificates with");
    }
    certificate_have(&sides->authority, "authority", NULL, pool);
    certificate_have(&sides->server, HOST, &sides->authority, pool);
    sides->here.certificate = sides->server.file;
    sides->here.key = sides->server.key;
    sides->there.authorities = sides->authority.file;
    sides->listener = sides->connector = options_with(KEY);
    sides->listener.tls = &sides->here;
    sides->connector.tls = &sides->there;
    return sides;
}

static apr_status_t
connection_end(void *data)
{
    mproc_connection_destroy(data);
    return APR_SUCCESS;
}

/* Try to connect; returns what the client is told, and what the listener is. */
static apr_status_t
sides_try(sides_t *sides, mproc_connection_t **here, mproc_connection_t **there,
          apr_status_t *accepted, apr_pool_t *pool)
{
    mproc_listener_t *listener;
    beside_t beside = {.options = &sides->connector};
    apr_interval_time_t limit = test_deadline();
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_create(&listener, LOCAL,
                                                      &sides->listener, pool));
    beside.address = mproc_listener_address(listener);
    beside_start(&beside, beside_connect, pool);
    *accepted = mproc_listener_accept(listener, here, limit, pool);
    beside_join(&beside);
    mproc_listener_destroy(listener);
    *there = beside.connection;
    apr_pool_cleanup_register(pool, *there, connection_end,
                              apr_pool_cleanup_null);
    return beside.status;
}

static void
sides_meet(sides_t *sides, mproc_connection_t **here,
           mproc_connection_t **there, apr_pool_t *pool)
{
    apr_status_t accepted, rv = sides_try(sides, here, there, &accepted, pool);
    REQUIRE_STATUS(APR_SUCCESS, rv);
    REQUIRE_STATUS(APR_SUCCESS, accepted);
    mproc_connection_set_timeout(*here, test_deadline());
    mproc_connection_set_timeout(*there, test_deadline());
}

/* The client is refused, or refuses, as the sentence says. */
static void
sides_fail(sides_t *sides, const char *detail, apr_pool_t *pool)
{
    mproc_connection_t *here = NULL, *there = NULL;
    apr_status_t accepted;
    /* That the client hung up is nothing to be told of. */
    sides->listener.handshake_timeout = 1000 * 1000;
    mproc_listener_t *listener;
    beside_t beside = {.options = &sides->connector};
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_create(&listener, LOCAL,
                                                      &sides->listener, pool));
    beside.address = mproc_listener_address(listener);
    beside_start(&beside, beside_connect, pool);
    accepted = mproc_listener_accept(listener, &here, test_deadline(), pool);
    CHECK_STATUS(MPROC_EAUTH, accepted);
    CHECK_DETAIL(detail);
    beside_join(&beside);
    CHECK_STATUS(MPROC_EAUTH, beside.status);
    CHECK(here == NULL && beside.connection == NULL && there == NULL);
    mproc_listener_destroy(listener);
}

static void
a_message_each_way(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    const char *word;
    int number;
    sides_meet(sides_make(pool), &here, &there, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", 42));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_connection_recvf(here, pool, "i", &number));
    CHECK_INT(42, number);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "s", "hello"));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_connection_recvf(there, pool, "s", &word));
    CHECK_TEXT("hello", word);
    mproc_connection_close(there);
    CHECK_STATUS(APR_EOF, mproc_connection_recvf(here, pool, "i", &number));
}

#define SIZES 7
static const apr_size_t sizes[SIZES] = {0,     1,     4095,   16380,
                                        16385, 70000, 3000001};

/* Send all sizes, twice. */
static void *APR_THREAD_FUNC
beside_send(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    int i;
    for (i = 0; i < 2 * SIZES && beside->status == APR_SUCCESS; i++) {
        apr_size_t size = sizes[i % SIZES];
        char *data = malloc(size + 1);
        memset(data, 'a' + i, size);
        beside->status = mproc_connection_send(beside->connection,
                                               (mproc_bytes_t){data, size});
        free(data);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
recv_all(mproc_connection_t *connection, apr_pool_t *pool)
{
    mproc_bytes_t message;
    apr_size_t at;
    int i;
    for (i = 0; i < 2 * SIZES; i++) {
        const char *data;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_connection_recv(connection, &message, pool));
        CHECK_INT(sizes[i % SIZES], message.size);
        data = message.data;
        for (at = 0; at < message.size && data[at] == 'a' + i; at++) {
        }
        CHECK_INT(message.size, at);
    }
}

/* Both directions at once, in one process: two threads at each TLS. */
static void
all_sizes_both_ways(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    beside_t one = {0}, other = {0};
    sides_meet(sides_make(pool), &here, &there, pool);
    one.connection = here;
    other.connection = there;
    beside_start(&one, beside_send, pool);
    beside_start(&other, beside_send, pool);
    /* One at a time: the other's messages pile up meanwhile. */
    recv_all(here, pool);
    recv_all(there, pool);
    beside_join(&one);
    beside_join(&other);
    CHECK_STATUS(APR_SUCCESS, one.status);
    CHECK_STATUS(APR_SUCCESS, other.status);
}

/* What was decrypted ahead is ready, and nothing else is. */
static void
waiting_sees_what_is_there(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_waitable_t item = {MPROC_WAIT_CONNECTION, NULL, 0};
    char data[6000] = {0};
    mproc_bytes_t message;
    int i;
    sides_meet(sides_make(pool), &here, &there, pool);
    item.object = here;
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 0, NULL));
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(here, 0));
    for (i = 0; i < 2; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_connection_send(there, (mproc_bytes_t){data, sizeof data}));
    }
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_connection_recv(here, &message, pool));
    }
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 0, NULL));
}

static void
a_client_shows_its_own(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    sides_t *sides = sides_make(pool);
    int number;
    certificate_have(&sides->client, "client", &sides->authority, pool);
    sides->here.authorities = sides->authority.file;
    sides->there.certificate = sides->client.file;
    sides->there.key = sides->client.key;
    sides_meet(sides, &here, &there, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_connection_recvf(here, pool, "i", &number));
}

static void
without_a_key(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    sides_t *sides = sides_make(pool);
    sides->listener.unkeyed = sides->connector.unkeyed = 1;
    sides_meet(sides, &here, &there, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", 1));
}

static void
a_name_of_its_own(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    sides_t *sides = sides_make(pool);
    certificate_have(&sides->server, "farm.example", &sides->authority, pool);
    sides->here.certificate = sides->server.file;
    sides->here.key = sides->server.key;
    sides->there.name = "farm.example";
    sides_meet(sides, &here, &there, pool);
    sides->there.name = NULL;
    sides_fail(sides, "TLS", pool);
}

static void
strangers_are_refused(apr_pool_t *pool)
{
    sides_t *sides = sides_make(pool);
    certificate_t other, own;
    mproc_connection_t *here, *there;
    apr_status_t accepted;
    certificate_have(&other, "authority", NULL, pool);
    /* The client does not believe the listener. */
    sides->there.authorities = other.file;
    sides_fail(sides, "TLS", pool);
    sides->there.authorities = NULL;
    sides_fail(sides, "TLS", pool);
    sides->there.authorities = sides->authority.file;
    /* Nor what is out of date. */
    REQUIRE(certificate_make(&own, HOST, &sides->authority, 0, pool));
    sides->here.certificate = own.file;
    sides->here.key = own.key;
    sides_fail(sides, "TLS", pool);
    sides->here.certificate = sides->server.file;
    sides->here.key = sides->server.key;
    /* The listener does not believe the client: none, another's. */
    sides->here.authorities = sides->authority.file;
    sides_fail(sides, "TLS", pool);
    certificate_have(&own, "client", &other, pool);
    sides->there.certificate = own.file;
    sides->there.key = own.key;
    sides_fail(sides, "TLS", pool);
    sides->there.certificate = NULL;
    sides->here.authorities = NULL;
    /* And the key counts as it always does. */
    sides->connector = options_with("another key");
    sides->connector.tls = &sides->there;
    CHECK_STATUS(MPROC_EAUTH, sides_try(sides, &here, &there, &accepted, pool));
    CHECK_STATUS(MPROC_EAUTH, accepted);
}

/* A client that sends plain bytes is refused, one that is silent is let go, and
 * neither is in the way of who speaks TLS. */
static void
plain_ones_are_refused(apr_pool_t *pool)
{
    sides_t *sides = sides_make(pool);
    mproc_listener_t *listener;
    mproc_connection_t *here = NULL;
    beside_t beside = {.options = &sides->connector};
    apr_int64_t silent, plain;
    apr_size_t sent;
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_create(&listener, LOCAL,
                                                      &sides->listener, pool));
    beside.address = mproc_listener_address(listener);
    silent = raw_connect(beside.address, pool);
    plain = raw_connect(beside.address, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_send(plain, "GET / HTTP/1.0\r\n\r\n", 18,
                                       NULL, 0, &sent));
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    CHECK_DETAIL("TLS");
    beside_start(&beside, beside_connect, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
    mproc_plat_net_close(silent);
    mproc_plat_net_close(plain);
    mproc_listener_destroy(listener);
    mproc_connection_destroy(beside.connection);
}

/* An end that was cut is told from one that was said. */
static void
a_cut_is_no_end(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    int number;
    sides_meet(sides_make(pool), &here, &there, pool);
    mproc_plat_net_shut(there->stream->socket->handle);
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_connection_recvf(here, pool, "i", &number));
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    sides_t *sides = sides_make(pool);
    mproc_listener_t *listener = NULL;
    mproc_connection_t *there = NULL;
    mproc_tls_options_t none = {.key = NULL};
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(&listener, NULL,
                                                   &sides->listener, pool));
    sides->listener.tls = &none;
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(&listener, LOCAL,
                                                   &sides->listener, pool));
    CHECK_DETAIL("certificate");
    sides->listener.tls = &sides->here;
    sides->here.key = sides->authority.key;
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(&listener, LOCAL,
                                                   &sides->listener, pool));
    CHECK_DETAIL("key");
    sides->here.certificate = "/no/such/file";
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(&listener, LOCAL,
                                                   &sides->listener, pool));
    CHECK_DETAIL("/no/such/file");
    sides->there.authorities = "/no/such/file";
    CHECK_STATUS(APR_EINVAL, mproc_client_connect(&there, "tcp:127.0.0.1:1",
                                                  &sides->connector, pool));
    CHECK_DETAIL("/no/such/file");
    CHECK(listener == NULL && there == NULL);
}

static const test_case_t cases[] = {
    {"a_message_each_way", a_message_each_way},
    {"all_sizes_both_ways", all_sizes_both_ways},
    {"waiting_sees_what_is_there", waiting_sees_what_is_there},
    {"a_client_shows_its_own", a_client_shows_its_own},
    {"without_a_key", without_a_key},
    {"a_name_of_its_own", a_name_of_its_own},
    {"strangers_are_refused", strangers_are_refused},
    {"plain_ones_are_refused", plain_ones_are_refused},
    {"a_cut_is_no_end", a_cut_is_no_end},
    {"misuse_is_a_status", misuse_is_a_status},
    {NULL, NULL}};

const test_suite_t suite_net_tls = {"net_tls", 0, cases};
