/* test_net_handle.c: handles of listeners and of connections by sockets. */
#include <stdio.h>
#include <stdlib.h>

#include "child.h"
#include "net.h"
#include "waitable.h"

static void
a_stream(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    apr_int64_t handle;
    int number, i;
    ends_make(&here, &there, pool);
    handle = handle_of(MPROC_WAIT_CONNECTION, here);
    IS_NOT_READY(handle);
    for (i = 0; i < 50; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", i));
        BECOMES_READY(handle);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
        IS_READY(handle);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_recvf(here, pool, "i", &number));
        CHECK_INT(i, number);
        IS_NOT_READY(handle);
    }
    mproc_connection_destroy(there);
    BECOMES_READY(handle); /* The end. */
    CHECK_STATUS(APR_EOF, mproc_connection_recvf(here, pool, "i", &number));
    IS_READY(handle);
}

static void
a_closed_stream(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    apr_int64_t handle;
    int number;
    ends_make(&here, &there, pool);
    handle = handle_of(MPROC_WAIT_CONNECTION, here);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(here));
    BECOMES_READY(handle);
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_connection_recvf(here, pool, "i", &number));
    IS_READY(handle);
    mproc_connection_destroy(here);
}

/* Clients are let in by nothing but the handle. */
static void
a_listener(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    mproc_connection_t *here = NULL;
    apr_int64_t handle;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    handle = handle_of(MPROC_WAIT_LISTENER, listener);
    IS_NOT_READY(handle);
    for (i = 0; i < 5; i++) {
        beside_t beside = {.address = mproc_listener_address(listener),
                           .options = &options};
        apr_status_t rv = APR_TIMEUP;
        beside_start(&beside, beside_connect, pool);
        while (rv == APR_TIMEUP) {
            BECOMES_READY(handle);
            rv = mproc_listener_accept(listener, &here, MPROC_NOWAIT, pool);
        }
        CHECK_STATUS(APR_SUCCESS, rv);
        beside_join(&beside);
        CHECK_STATUS(APR_SUCCESS, beside.status);
        IS_NOT_READY(handle);
        mproc_connection_destroy(beside.connection);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_listener_close(listener));
    BECOMES_READY(handle);
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_listener_accept(listener, &here, 0, pool));
    mproc_listener_destroy(listener);
}

static int
send_and_stay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_connection_t *connection;
    const char *address;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &address));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_client_connect(&connection, address, &options, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(connection, "i", 3));
    apr_sleep(apr_time_from_sec(120));
    return 0;
}

static void
a_client_is_killed(apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_connection_t *here;
    mproc_process_t *child;
    apr_int64_t handle;
    apr_status_t rv;
    int number;
    START(child, send_and_stay, pool, "s", mproc_listener_address(listener));
    handle = handle_of(MPROC_WAIT_LISTENER, listener);
    BECOMES_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    handle = handle_of(MPROC_WAIT_CONNECTION, here);
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(here, pool, "i", &number));
    IS_NOT_READY(handle);
    KILL(child);
    BECOMES_READY(handle);
    rv = mproc_connection_recvf(here, pool, "i", &number);
    CHECK(rv == APR_EOF || rv == APR_ECONNRESET);
}

static const test_case_t cases[] = {{"a_stream", a_stream},
                                    {"a_closed_stream", a_closed_stream},
                                    {"a_listener", a_listener},
                                    {"a_client_is_killed", a_client_is_killed},
                                    {NULL, NULL}};

const test_suite_t suite_net_handle = {"net_handle", 1, cases};
