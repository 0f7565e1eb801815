/*
 * test_net_crowd.c: a listener under those who want it to fail: many, silent,
 * quick; short of descriptors; two that want one path (C22, L4 to L7, L11,
 * S16).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <apr_file_io.h>

#include "net.h"
#include "program.h"

#define CROWD 140 /* more than are dealt with at a time */

static mproc_listener_t *
listen_keyed(apr_interval_time_t limit, apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    options.handshake_timeout = limit;
    options.backlog = 2 * CROWD;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    return listener;
}

static void
silent_connect(apr_int64_t *silent, int count, mproc_listener_t *listener,
               apr_pool_t *pool)
{
    int i;
    for (i = 0; i < count; i++) {
        silent[i] = raw_connect(mproc_listener_address(listener), pool);
    }
}

static void
silent_close(apr_int64_t *silent, int count)
{
    int i;
    for (i = 0; i < count; i++) {
        mproc_plat_net_close(silent[i]);
    }
}

/* Waiting is not spinning, when there is no place for who comes. */
static void
a_full_house_is_not_ready(apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_keyed(0, pool);
    mproc_waitable_t item = {MPROC_WAIT_LISTENER, listener, 0};
    mproc_connection_t *here;
    apr_int64_t silent[CROWD];
    apr_time_t begin;
    int count = 0;
    silent_connect(silent, CROWD, listener, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_listener_accept(listener, &here, 0, pool));
    begin = mproc_clock();
    while (mproc_clock() - begin < 300000) {
        if (mproc_wait(&item, 1, 100000, NULL) == APR_SUCCESS) {
            CHECK_STATUS(APR_TIMEUP,
                         mproc_listener_accept(listener, &here, 0, pool));
            count++;
        }
    }
    CHECK(count < 20);
    silent_close(silent, CROWD);
}

#define IDLE 150

/* To wait for many costs no more than to look at them now and then. */
static void
waiting_for_many_is_idle(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_waitable_t item[IDLE] = {{0}};
    mproc_connection_t *there;
    clock_t used = clock();
    int i;
    apr_sleep(30000);
    if (clock() - used > CLOCKS_PER_SEC / 100) {
        test_skip("the time of the processor cannot be told");
    }
    for (i = 0; i < IDLE; i++) {
        mproc_connection_t *here;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_client_connect(&there,
                                            mproc_listener_address(listener),
                                            &options, pool));
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
        item[i].kind = MPROC_WAIT_CONNECTION;
        item[i].object = here;
    }
    used = clock();
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_TIMEUP, mproc_wait(item, IDLE, 20000, NULL));
    }
    CHECK(clock() - used < test_scaled(100) * CLOCKS_PER_SEC / 1000);
}

#define FEW 20

static void
limit_needed(void)
{
    if (!test_handles_limit(64)) {
        test_skip("descriptors cannot be limited");
    }
    test_handles_limit(-1);
}

static void *APR_THREAD_FUNC
beside_nothing(apr_thread_t *thread, void *baton)
{
    (void)baton;
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* The silent go when their time is over, also when no other can be let in. */
static void
without_descriptors_it_goes_on(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener = listen_keyed(200000, pool);
    mproc_waitable_t item = {MPROC_WAIT_LISTENER, listener, 0};
    beside_t beside = {.address = mproc_listener_address(listener),
                       .options = &options};
    beside_t none = {0};
    apr_time_t deadline = mproc_clock() + test_deadline() / 2;
    mproc_connection_t *here = NULL;
    apr_int64_t silent[FEW];
    apr_status_t rv;
    int refused = 0;
    limit_needed();
    /* A thread's end may need a descriptor, the first time. */
    beside_start(&none, beside_nothing, pool);
    beside_join(&none);
    silent_connect(silent, FEW, listener, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_listener_accept(listener, &here, 0, pool));
    beside_start(&beside, beside_connect, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
    test_handles_limit(0);
    do {
        rv = mproc_listener_accept(listener, &here, 50000, pool);
        refused += APR_STATUS_IS_EMFILE(rv);
    } while (rv != APR_SUCCESS && mproc_clock() < deadline);
    test_handles_limit(-1);
    CHECK_STATUS(APR_SUCCESS, rv);
    CHECK(refused > 0);
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
    mproc_connection_destroy(beside.connection);
    silent_close(silent, FEW);
}

/* Nothing is kept open by what fails for want of descriptors. */
static void
failures_leave_nothing_open(apr_pool_t *pool)
{
    static const char *const address[] = {LOCAL, NULL, "tcp:localhost:0"};
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener, *server = listen_keyed(0, pool);
    mproc_connection_t *here;
    int i, more, handles, threads;
    limit_needed();
    options.handshake_timeout = 20000;
    options.connect_timeout = 20000;
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_client_connect(&here, mproc_listener_address(server),
                                      &options, pool));
    handles = test_handles();
    threads = atomic_load(&mproc__own_threads);
    for (more = 0; more < 8; more++) {
        for (i = 0; i < 4; i++) {
            test_handles_limit(more);
            if (i == 3) {
                (void)mproc_client_connect(
                    &here, mproc_listener_address(server), &options, pool);
            }
            else if (mproc_listener_create(&listener, address[i], &options,
                                           pool) == APR_SUCCESS) {
                mproc_listener_destroy(listener);
            }
            test_handles_limit(-1);
            threads_settle(threads);
            CHECK_INT(handles, test_handles());
        }
    }
}

/* A port nobody listens at may be the one that the system gives the client:
 * it must not meet itself. Systems give clients either even ports or odd ones
 * first, so both are tried. */
static void
nobody_meets_itself(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    int port = atoi(strrchr(mproc_listener_address(listener), ':') + 1);
    mproc_connection_t *connection;
    int i, met = 0;
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    for (i = 0; i < test_scaled(70000) && met == 0; i++) {
        const char *address =
            apr_psprintf(pool, "tcp:127.0.0.1:%d", port ^ (i & 1));
        if (mproc_client_connect(&connection, address, &options, NULL) ==
            APR_SUCCESS) {
            met++;
            mproc_connection_destroy(connection);
        }
    }
    CHECK_INT(0, met);
}

#define RIVALS 3

typedef struct rival_t {
    beside_t beside;
    atomic_int *go;
} rival_t;

static void *APR_THREAD_FUNC
beside_listen(apr_thread_t *thread, void *baton)
{
    rival_t *rival = baton;
    while (!atomic_load(rival->go)) {
        apr_thread_yield();
    }
    rival->beside.status =
        mproc_listener_create(&rival->beside.listener, rival->beside.address,
                              rival->beside.options, NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* L5: of several that find a path that a dead listener left, one gets it. */
static void
one_takes_a_path_over(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    const char *path = path_make("rivals", pool);
    const char *address = apr_pstrcat(pool, "unix:", path, NULL);
    mproc__address_t where;
    rival_t rival[RIVALS] = {{{0}, NULL}};
    atomic_int go;
    int i, round;
    if (mproc__address_parse(&where, address, test_far(), "test", pool) !=
        APR_SUCCESS) {
        test_skip("there are no Unix sockets");
    }
    for (round = 0; round < test_scaled(300); round++) {
        mproc_connection_t *connection;
        apr_int64_t handle;
        apr_port_t port;
        int got = 0;
        atomic_init(&go, 0);
        handle = raw_listen_at(where.resolved, &port);
        mproc_plat_net_close(handle);
        for (i = 0; i < RIVALS; i++) {
            rival[i].beside.address = address;
            rival[i].beside.options = &options;
            rival[i].go = &go;
            beside_start(&rival[i].beside, beside_listen, pool);
        }
        atomic_store(&go, 1);
        for (i = 0; i < RIVALS; i++) {
            beside_join(&rival[i].beside);
            got += rival[i].beside.status == APR_SUCCESS;
        }
        CHECK_INT(1, got);
        CHECK_STATUS(APR_SUCCESS, mproc_client_connect(&connection, address,
                                                       &options, NULL));
        mproc_connection_destroy(connection);
        for (i = 0; i < RIVALS; i++) {
            mproc_listener_destroy(rival[i].beside.listener);
        }
    }
}

/* --------------------------------------------------------------- addresses */

/* L1, S3. */
static void
what_is_no_host_is_refused(apr_pool_t *pool)
{
    static const char *const bad[] = {"tcp:/tmp/x:1", "tcp:[]:1", "tcp:@x:1",
                                      "tcp:[/tmp/x]:1"};
    static const char *const open[] = {"tcp:0.0.0.0:0",
                                       "tcp:[::]:0",
                                       "tcp:0:0",
                                       "tcp:[::ffff:0.0.0.0]:0",
                                       "tcp:[::ffff:10.0.0.1]:0",
                                       "tcp:[::127.0.0.1]:0",
                                       "tcp:10.0.0.1:0",
                                       "tcp:255.255.255.255:0",
                                       "tcp:[fe80::1]:0",
                                       "tcp:128.0.0.1:0",
                                       "tcp:126.255.255.255:0"};
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener;
    unsigned i;
    mproc_net_options_t keyed = options_with(KEY);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(APR_EINVAL,
                     mproc_listener_create(&listener, bad[i], &keyed, pool));
        CHECK(listener == NULL);
    }
    for (i = 0; i < sizeof open / sizeof *open; i++) {
        CHECK_STATUS(APR_EINVAL,
                     mproc_listener_create(&listener, open[i], &options, pool));
        CHECK_DETAIL(open[i]);
    }
}

/* L4: a hundred come before anybody accepts, and none is turned away. */
static void
a_crowd_may_come_early(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1, .connect_timeout = 900000};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_connection_t *there[100], *here;
    int i;
    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_client_connect(&there[i],
                                            mproc_listener_address(listener),
                                            &options, pool));
    }
    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
    }
}

static void
come_and_go(const char *address, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(address, pool);
    mproc_connection_t *there, *here;
    mproc_bytes_t in;
    REQUIRE_STATUS(APR_SUCCESS, mproc_client_connect(
                                    &there, mproc_listener_address(listener),
                                    &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("one")));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_send(there, text_bytes("two")));
    mproc_connection_destroy(there);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    mproc_connection_set_timeout(here, test_deadline());
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    CHECK_TEXT("one", (const char *)in.data);
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
    CHECK_TEXT("two", (const char *)in.data);
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
}

/* L7: a client that came, wrote and left before it was accepted. */
static void
who_has_left_is_heard(apr_pool_t *pool)
{
    int i;
    for (i = 0; i < 10; i++) {
        come_and_go(LOCAL, pool);
        come_and_go(NULL, pool);
    }
}

/* A program that does nothing until its input ends. */
static void
idler_start(program_t *idler, apr_pool_t *pool)
{
    const char *argv[] = {test_program("hang_main", pool), "plain", NULL};
    apr_procattr_t *attributes;
    memset(idler, 0, sizeof *idler);
    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_io_set(attributes, APR_FULL_BLOCK,
                                       APR_FULL_BLOCK, APR_FULL_BLOCK));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV));
    REQUIRE_STATUS(APR_SUCCESS, apr_proc_create(&idler->proc, argv[0], argv,
                                                NULL, attributes, pool));
    program_await(idler, "ready");
}

/* C22: what the host starts by itself has no copy: the end comes though it
 * lives, and the address is free. */
static void
programs_get_none(apr_pool_t *pool)
{
    static const char *const addresses[] = {LOCAL, NULL};
    mproc_net_options_t options = {.unkeyed = 1};
    int i;
    for (i = 0; i < 2; i++) {
        mproc_listener_t *listener = listen_unkeyed(addresses[i], pool);
        const char *address =
            apr_pstrdup(pool, mproc_listener_address(listener));
        mproc_connection_t *there, *here;
        mproc_bytes_t in;
        program_t idler;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_client_connect(&there, address, &options, pool));
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
        idler_start(&idler, pool);
        mproc_listener_destroy(listener);
        mproc_connection_destroy(here);
        mproc_connection_set_timeout(there, test_deadline());
        CHECK_STATUS(APR_EOF, mproc_connection_recv(there, &in, pool));
        CHECK(mproc_client_connect(&here, address, &options, pool) !=
              APR_SUCCESS);
        apr_file_close(idler.proc.in);
        CHECK_INT(0, program_end(&idler));
    }
}

/* L11: what is in a pool is closed with it. */
static void
a_pool_closes_what_it_has(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener;
    mproc_connection_t *there, *here;
    const char *address;
    mproc_bytes_t in;
    apr_pool_t *own;
    REQUIRE_STATUS(APR_SUCCESS, apr_pool_create(&own, pool));
    listener = listen_unkeyed(NULL, own);
    address = apr_pstrdup(pool, mproc_listener_address(listener));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(&there, address, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), own));
    apr_pool_destroy(own);
    mproc_connection_set_timeout(there, test_deadline());
    CHECK_STATUS(APR_EOF, mproc_connection_recv(there, &in, pool));
    CHECK(mproc_client_connect(&here, address, &options, pool) != APR_SUCCESS);
}

static const test_case_t cases[] = {
    {"programs_get_none", programs_get_none},
    {"a_pool_closes_what_it_has", a_pool_closes_what_it_has},
    {"a_crowd_may_come_early", a_crowd_may_come_early},
    {"who_has_left_is_heard", who_has_left_is_heard},
    {"a_full_house_is_not_ready", a_full_house_is_not_ready},
    {"waiting_for_many_is_idle", waiting_for_many_is_idle},
    {"without_descriptors_it_goes_on", without_descriptors_it_goes_on},
    {"failures_leave_nothing_open", failures_leave_nothing_open},
    {"nobody_meets_itself", nobody_meets_itself},
    {"one_takes_a_path_over", one_takes_a_path_over},
    {"what_is_no_host_is_refused", what_is_no_host_is_refused},
    {NULL, NULL}};

const test_suite_t suite_net_crowd = {"net_crowd", 0, cases};
