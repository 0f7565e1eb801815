/*
 * test_listener.c: listener and client, row by row (L1 to L12, W4 to W13, S3,
 * S4, S16).
 */
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_info.h>
#include <apr_file_io.h>

#include "net.h"

#include "../../lib/src/auth.h"
#include "../../lib/src/hmac.h"

static mproc_listener_t *
listen_keyed(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    return listener;
}

/* Whether a client with the key gets in, and can talk. */
static void
good_client(mproc_listener_t *listener, apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    beside_t beside = {.address = mproc_listener_address(listener),
                       .options = &options};
    mproc_connection_t *here;
    int number = 0;
    beside_start(&beside, beside_connect, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    beside_join(&beside);
    REQUIRE_STATUS(APR_SUCCESS, beside.status);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "i", 7));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(beside.connection, NULL, "i", &number));
    CHECK_INT(7, number);
    mproc_connection_destroy(beside.connection);
    mproc_connection_destroy(here);
}

/* --------------------------------------------------------------- addresses */

/* L1. */
static void
bad_addresses_are_refused(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "",         "127.0.0.1:1",       "tcp:",      "tcp:127.0.0.1",
        "tcp::1",   "tcp:127.0.0.1:",    "tcp:h:1x",  "tcp:h:65536",
        "tcp:h:-1", "tcp:h:99999999999", "tcp:::1:5", "unix:",
        "udp:h:1",  "TCP:127.0.0.1:1"};
    mproc_net_options_t options = options_with(KEY);
    mproc_connection_t *connection;
    mproc_listener_t *listener;
    unsigned i;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(APR_EINVAL,
                     mproc_listener_create(&listener, bad[i], &options, pool));
        CHECK(listener == NULL);
        CHECK_STATUS(APR_EINVAL,
                     mproc_client_connect(&connection, bad[i], &options, pool));
        CHECK(connection == NULL);
    }
    CHECK_STATUS(APR_ENOTIMPL,
                 mproc_listener_create(&listener, "pipe:x", &options, pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_client_connect(&connection, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_client_connect(NULL, LOCAL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(NULL, LOCAL, NULL, pool));
}

/* L10, S3: no empty key; no open door but to this machine. */
static void
keys_are_asked_for(apr_pool_t *pool)
{
    mproc_net_options_t options = {.authkey = {"", 0}};
    mproc_listener_t *listener;
    net_needed();
    CHECK_STATUS(APR_EINVAL,
                 mproc_listener_create(&listener, LOCAL, &options, pool));
    CHECK_DETAIL("key is empty");
    options.unkeyed = 1;
    CHECK_STATUS(APR_EINVAL, mproc_listener_create(&listener, "tcp:0.0.0.0:0",
                                                   &options, pool));
    CHECK_DETAIL("other machines");
    CHECK_STATUS(
        APR_SUCCESS,
        mproc_listener_create(&listener, "tcp:127.1.2.3:0", &options, pool));
    options.unkeyed = 0;
    options.backlog = -1;
    CHECK_STATUS(APR_EINVAL,
                 mproc_listener_create(&listener, LOCAL, &options, pool));
}

/* L2, L5, L9. */
static void
a_port_is_filled_in_and_taken(apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_keyed(pool), *second;
    mproc_net_options_t options = options_with(KEY);
    const char *address = apr_pstrdup(pool, mproc_listener_address(listener));
    mproc_connection_t *connection;
    int handles = test_handles();
    apr_status_t rv;
    CHECK(strncmp(address, "tcp:127.0.0.1:", 14) == 0);
    CHECK(atoi(address + 14) > 0);
    CHECK(mproc_listener_create(&second, address, &options, pool) !=
          APR_SUCCESS);
    CHECK_DETAIL("cannot listen");
    CHECK(second == NULL);
    CHECK_INT(handles, test_handles());
    good_client(listener, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    rv = mproc_client_connect(&connection, address, &options, pool);
    CHECK(APR_STATUS_IS_ECONNREFUSED(rv));
    /* Again at once. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_listener_create(&second, address, &options, pool));
    good_client(second, pool);
}

static void
ipv6_is_written_in_brackets(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    if (mproc_listener_create(&listener, "tcp:[::1]:0", &options, pool) !=
        APR_SUCCESS) {
        test_skip("there is no IPv6");
    }
    CHECK(strncmp(mproc_listener_address(listener), "tcp:[::1]:", 10) == 0);
    good_client(listener, pool);
}

/* L2, L3, L8: a Unix socket is for its owner, and leaves nothing behind. */
static void
a_path_is_private_and_goes(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener, *second;
    mproc_connection_t *connection;
    const char *address, *path, *folder;
    apr_finfo_t info;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, NULL, &options, pool));
    address = apr_pstrdup(pool, mproc_listener_address(listener));
    if (strncmp(address, "unix:", 5) != 0) {
        test_skip("there are no Unix sockets");
    }
    path = address + 5;
    folder =
        apr_pstrmemdup(pool, path, (apr_size_t)(strrchr(path, '/') - path));
    REQUIRE_STATUS(APR_SUCCESS, apr_stat(&info, path, APR_FINFO_NORM, pool));
    CHECK_INT(APR_FPROT_UREAD | APR_FPROT_UWRITE, info.protection);
    REQUIRE_STATUS(APR_SUCCESS, apr_stat(&info, folder, APR_FINFO_NORM, pool));
    CHECK_INT(APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE,
              info.protection);
    good_client(listener, pool);
    /* Taken. */
    CHECK(mproc_listener_create(&second, address, &options, pool) !=
          APR_SUCCESS);
    good_client(listener, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    CHECK(APR_STATUS_IS_ENOENT(apr_stat(&info, folder, APR_FINFO_TYPE, pool)));
    CHECK(APR_STATUS_IS_ENOENT(
        mproc_client_connect(&connection, address, &options, pool)));
}

/* A path that a dead listener left is taken over; what is no socket, or is
 * another's by now, is left alone. */
static void
stale_paths_are_taken_over(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    const char *path = path_make("stale", pool);
    const char *address = apr_pstrcat(pool, "unix:", path, NULL);
    mproc__address_t where;
    mproc_listener_t *listener;
    apr_file_t *file;
    apr_int64_t handle;
    apr_port_t port;
    apr_finfo_t info;
    if (mproc__address_parse(&where, address, "test", pool) != APR_SUCCESS) {
        test_skip("there are no Unix sockets");
    }
    (void)apr_file_remove(path, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_listen(&handle, where.resolved, 1, &port));
    mproc_plat_net_close(handle);
    REQUIRE_STATUS(APR_SUCCESS, apr_stat(&info, path, APR_FINFO_TYPE, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, &options, pool));
    good_client(listener, pool);
    REQUIRE_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_open(&file, path,
                                 APR_FOPEN_CREATE | APR_FOPEN_WRITE,
                                 APR_FPROT_OS_DEFAULT, pool));
    apr_file_close(file);
    mproc_listener_destroy(listener);
    CHECK_STATUS(APR_SUCCESS, apr_stat(&info, path, APR_FINFO_TYPE, pool));
    CHECK(mproc_listener_create(&listener, address, &options, pool) !=
          APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
    CHECK_STATUS(APR_ENAMETOOLONG,
                 mproc_listener_create(&listener,
                                       apr_psprintf(pool, "unix:/%0200d", 0),
                                       &options, pool));
    CHECK_DETAIL("201 bytes");
}

/* --------------------------------------------------------------- handshake */

/* W12: what Python computes. */
static void
macs_are_as_elsewhere(apr_pool_t *pool)
{
    static const unsigned char old[16] = {0xff, 0x63, 0xd6, 0x9f, 0x0d, 0x10,
                                          0x55, 0xb9, 0x9f, 0x32, 0xd5, 0x88,
                                          0xbd, 0x84, 0x0b, 0x74};
    static const unsigned char new[32] = {
        0x53, 0x60, 0x16, 0xa8, 0xc3, 0x2c, 0xa9, 0x23, 0x15, 0x22, 0xa6,
        0xe9, 0x1d, 0xdb, 0xbd, 0x63, 0x7b, 0xa2, 0x92, 0xf3, 0x33, 0xe6,
        0xfd, 0x43, 0x59, 0x99, 0x71, 0xf1, 0x07, 0xdb, 0x30, 0x02};
    unsigned char message[48] = "{sha256}", mac[MPROC__MAC_MOST];
    mproc_bytes_t bytes = {message + 8, 20};
    int i;
    (void)pool;
    net_needed();
    for (i = 0; i < 40; i++) {
        message[8 + i] = (unsigned char)i;
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__hmac("md5", text_bytes(KEY), bytes, mac));
    CHECK(mproc__hmac_same(mac, old, 16));
    bytes.data = message;
    bytes.size = sizeof message;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__hmac("sha256", text_bytes(KEY), bytes, mac));
    CHECK(mproc__hmac_same(mac, new, 32));
    mac[31] ^= 1;
    CHECK(!mproc__hmac_same(mac, new, 32));
    CHECK_INT(48, mproc__hmac_size("sha384"));
    CHECK_INT(32, mproc__hmac_size("sha3_256"));
    CHECK_INT(48, mproc__hmac_size("sha3_384"));
    CHECK_INT(0, mproc__hmac_size("sha1"));
}

/* L6, W6: either side learns it, and the next client gets in. */
static void
a_wrong_key_is_told_to_both(apr_pool_t *pool)
{
    mproc_net_options_t wrong = options_with("open sesame");
    mproc_listener_t *listener = listen_keyed(pool);
    beside_t beside = {.address = mproc_listener_address(listener),
                       .options = &wrong};
    mproc_connection_t *here;
    int i;
    for (i = 0; i < 3; i++) {
        beside_start(&beside, beside_connect, pool);
        CHECK_STATUS(MPROC_EAUTH, mproc_listener_accept(listener, &here,
                                                        test_deadline(), pool));
        CHECK_DETAIL("127.0.0.1:");
        CHECK(here == NULL);
        beside_join(&beside);
        CHECK_STATUS(MPROC_EAUTH, beside.status);
        CHECK(beside.connection == NULL);
        good_client(listener, pool);
    }
}

/* L6, S16: who says nothing, or nonsense, delays nobody. */
static void
silent_clients_delay_nobody(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    apr_int64_t silent[150];
    char byte;
    int i;
    options.handshake_timeout = 1500000;
    options.backlog = 200;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    for (i = 0; i < 10; i++) {
        silent[i] = raw_connect(mproc_listener_address(listener), pool);
    }
    raw_send(silent[1], "GET / HTTP/1.0\r\n\r\n", 18);
    raw_send(silent[2], "\0\0\0\20", 4);
    raw_send(silent[3], "\0\0\0\11#WELCOME#", 13);
    raw_send(silent[4], "\xff\xff\xff\xff", 4);
    raw_send(silent[5], "\0\0\0\0", 4);
    mproc_plat_net_close(silent[6]);
    good_client(listener, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_listener_accept(listener, &here, 0, pool));
    /* More than are dealt with at a time: the eldest go. */
    for (; i < 150; i++) {
        silent[i] = raw_connect(mproc_listener_address(listener), pool);
    }
    good_client(listener, pool);
    /* All are sent away when their time is over. */
    CHECK_STATUS(APR_TIMEUP,
                 mproc_listener_accept(listener, &here, 2500000, pool));
    for (i = 0; i < 150; i++) {
        if (i != 6) {
            while (raw_recv(silent[i], &byte, 1) == 1) {
            }
            mproc_plat_net_close(silent[i]);
        }
    }
    good_client(listener, pool);
}

/* L10: a key at one side only. */
static void
a_key_at_one_side_only(apr_pool_t *pool)
{
    mproc_net_options_t keyed = options_with(KEY), open = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_connection_t *there, *here;
    mproc_bytes_t in;
    beside_t beside = {.options = &keyed};
    beside.address = mproc_listener_address(listener);
    keyed.handshake_timeout = 50000;
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_client_connect(&there, beside.address, &keyed, pool));
    CHECK_DETAIL("in time");
    keyed.handshake_timeout = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    beside_start(&beside, beside_connect, pool);
    mproc_connection_destroy(here);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(here, text_bytes("hello")));
    beside_join(&beside);
    CHECK_STATUS(MPROC_EAUTH, beside.status);
    /* The other way round the challenge is the first message. */
    listener = listen_keyed(pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(
                       &there, mproc_listener_address(listener), &open, pool));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_listener_accept(listener, &here, 20000, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(there, &in, pool));
    CHECK_INT(59, in.size);
    CHECK(memcmp(in.data, "#CHALLENGE#{sha256}", 19) == 0);
}

/* As the old side of W7: a client that can only MD5. */
static int
old_client(const char *address, apr_pool_t *pool)
{
    apr_int64_t raw = raw_connect(address, pool);
    unsigned char in[4 + 59], out[4 + MPROC__MAC_MOST] = "\0\0\0\20",
                                      verdict[13] = "";
    mproc_bytes_t message = {in + 15, 48};
    int good;
    REQUIRE_STATUS(APR_SUCCESS, raw_recv(raw, in, 63) == 63 ? APR_SUCCESS : 1);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__hmac("md5", text_bytes(KEY), message, out + 4));
    raw_send(raw, out, 20);
    good = raw_recv(raw, verdict, 13) == 13 &&
           memcmp(verdict + 4, "#WELCOME#", 9) == 0;
    mproc_plat_net_close(raw);
    return good;
}

static void *APR_THREAD_FUNC
beside_old(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    beside->number = old_client(beside->address, pool);
    apr_pool_destroy(pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* W11, S4: MD5 only when it was asked for. */
static void
md5_is_off_unless_asked_for(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener = listen_keyed(pool);
    mproc_connection_t *here;
    beside_t beside = {.address = mproc_listener_address(listener)};
    beside_start(&beside, beside_old, pool);
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    CHECK_DETAIL("auth_legacy_md5");
    beside_join(&beside);
    CHECK_INT(0, beside.number);
    options.auth_legacy_md5 = 1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    beside.address = mproc_listener_address(listener);
    beside_start(&beside, beside_old, pool);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_listener_accept(listener, &here, 300000, pool));
    beside_join(&beside);
    CHECK_INT(1, beside.number);
}

/* ----------------------------------------------------------------- serving */

#define CLIENTS 40

static void
many_clients_at_once(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener = listen_keyed(pool);
    beside_t beside[CLIENTS] = {{0}};
    mproc_connection_t *here[CLIENTS];
    int i;
    for (i = 0; i < CLIENTS; i++) {
        beside[i].address = mproc_listener_address(listener);
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

static void *APR_THREAD_FUNC
beside_accept(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_listener_accept(
        beside->listener, &beside->connection, MPROC_FOREVER, NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* L8. */
static void
closing_ends_the_accepting(apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_keyed(pool);
    beside_t beside[3] = {{0}};
    mproc_connection_t *here;
    int i;
    CHECK_STATUS(APR_TIMEUP, mproc_listener_accept(listener, &here, 0, pool));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_listener_accept(listener, &here, 20000, pool));
    for (i = 0; i < 3; i++) {
        beside[i].listener = listener;
        beside_start(&beside[i], beside_accept, pool);
    }
    apr_sleep(20000);
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    for (i = 0; i < 3; i++) {
        beside_join(&beside[i]);
        CHECK_STATUS(MPROC_ECLOSED, beside[i].status);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_listener_accept(listener, &here, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_listener_close(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_listener_accept(NULL, &here, 0, pool));
    CHECK(mproc_listener_address(NULL) == NULL);
    mproc_listener_destroy(NULL);
}

/* A server that waits for all at once: a client is let in step by step. */
static void
waiting_lets_clients_in(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener = listen_keyed(pool);
    beside_t beside = {.address = mproc_listener_address(listener),
                       .options = &options};
    mproc_waitable_t item = {MPROC_WAIT_LISTENER, listener, 0};
    mproc_connection_t *here = NULL;
    mproc_bytes_t bytes;
    apr_status_t rv = APR_TIMEUP;
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 10000, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "o", listener));
    CHECK_DETAIL("listener");
    beside_start(&beside, beside_connect, pool);
    while (rv == APR_TIMEUP) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(&item, 1, test_deadline(), NULL));
        rv = mproc_listener_accept(listener, &here, MPROC_NOWAIT, pool);
    }
    CHECK_STATUS(APR_SUCCESS, rv);
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
    mproc_connection_destroy(beside.connection);
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    CHECK_STATUS(MPROC_ECLOSED, mproc_wait(&item, 1, 0, NULL));
}

#define CROWD 12

/* Some with another key among them: nobody is left waiting in between, however
 * many come at once. Nothing but the wait says when to accept. */
static void
waiting_lets_a_crowd_in(apr_pool_t *pool)
{
    mproc_net_options_t good = options_with(KEY), bad = options_with("no");
    mproc_listener_t *listener = listen_keyed(pool);
    mproc_waitable_t item = {MPROC_WAIT_LISTENER, listener, 0};
    beside_t beside[CROWD] = {{0}};
    mproc_connection_t *here;
    int i, round, in, refused;
    for (round = 0; round < 5; round++) {
        for (i = 0; i < CROWD; i++) {
            beside[i].address = mproc_listener_address(listener);
            beside[i].options = i % 3 == 0 ? &bad : &good;
            beside_start(&beside[i], beside_connect, pool);
        }
        for (in = refused = 0; in + refused < CROWD;) {
            apr_status_t rv;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_wait(&item, 1, test_deadline(), NULL));
            rv = mproc_listener_accept(listener, &here, MPROC_NOWAIT, pool);
            in += rv == APR_SUCCESS;
            refused += rv == MPROC_EAUTH;
        }
        CHECK_INT(CROWD / 3, refused);
        for (i = 0; i < CROWD; i++) {
            beside_join(&beside[i]);
            CHECK_STATUS(i % 3 == 0 ? MPROC_EAUTH : APR_SUCCESS,
                         beside[i].status);
            mproc_connection_destroy(beside[i].connection);
        }
    }
}

static const test_case_t cases[] = {
    {"bad_addresses_are_refused", bad_addresses_are_refused},
    {"keys_are_asked_for", keys_are_asked_for},
    {"a_port_is_filled_in_and_taken", a_port_is_filled_in_and_taken},
    {"ipv6_is_written_in_brackets", ipv6_is_written_in_brackets},
    {"a_path_is_private_and_goes", a_path_is_private_and_goes},
    {"stale_paths_are_taken_over", stale_paths_are_taken_over},
    {"macs_are_as_elsewhere", macs_are_as_elsewhere},
    {"a_wrong_key_is_told_to_both", a_wrong_key_is_told_to_both},
    {"silent_clients_delay_nobody", silent_clients_delay_nobody},
    {"a_key_at_one_side_only", a_key_at_one_side_only},
    {"md5_is_off_unless_asked_for", md5_is_off_unless_asked_for},
    {"many_clients_at_once", many_clients_at_once},
    {"closing_ends_the_accepting", closing_ends_the_accepting},
    {"waiting_lets_clients_in", waiting_lets_clients_in},
    {"waiting_lets_a_crowd_in", waiting_lets_a_crowd_in},
    {NULL, NULL}};

const test_suite_t suite_listener = {"listener", 0, cases};
