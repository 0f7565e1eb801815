/* test_net_handle.c: handles of listeners and of connections by sockets. */
#include "net.h"
#include "waitable.h"

static void
a_client_comes(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener;
    mproc_connection_t *there, *here;
    apr_int64_t handle;
    net_needed();
    listener = listen_unkeyed(LOCAL, pool);
    handle = handle_of(MPROC_WAIT_LISTENER, listener);
    IS_NOT_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc_client_connect(
                                    &there, mproc_listener_address(listener),
                                    &options, pool));
    BECOMES_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    await_unready(handle);
    mproc_listener_destroy(listener);
    mproc_connection_destroy(here);
    mproc_connection_destroy(there);
}

static void
a_message_comes(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    apr_int64_t handle;
    int i, number;
    net_needed();
    ends_make(&here, &there, pool);
    handle = handle_of(MPROC_WAIT_CONNECTION, here);
    for (i = 0; i < 3; i++) {
        IS_NOT_READY(handle);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(there, "i", i));
        BECOMES_READY(handle);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_recvf(here, pool, "i", &number));
        CHECK_INT(i, number);
        await_unready(handle);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    BECOMES_READY(handle);
    mproc_connection_destroy(here);
    mproc_connection_destroy(there);
}

static const test_case_t cases[] = {{"a_client_comes", a_client_comes},
                                    {"a_message_comes", a_message_comes},
                                    {NULL, NULL}};

const test_suite_t suite_net_handle = {"net_handle", 0, cases};
