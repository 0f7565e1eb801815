/* test_net_child.c: streams and listeners in several processes (C13, C18, L8,
 * P7). */
#include <stdio.h>

#include <apr_file_info.h>

#include "child.h"
#include "kin.h"
#include "net.h"

/* C13: a child that was forked does not keep a stream open. */
static int
wait_for_event(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event, *begun;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &begun, &event));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(begun));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    return 0;
}

static void
children_have_no_stream(apr_pool_t *pool)
{
    mproc_connection_t *here, *there;
    mproc_event_t *event, *begun;
    mproc_process_t *child;
    mproc_bytes_t in;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    ends_make(&here, &there, pool);
    START(child, wait_for_event, pool, "o o", begun, event);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_close(there));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    CHECK_STATUS(APR_EOF, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    JOIN(child, 0);
}

/* C18: it is killed in the middle of a message. */
static int
send_without_end(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_connection_t *connection;
    const char *address;
    mproc_bytes_t big = {apr_pcalloc(pool, 32 << 20), 32 << 20};
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &address));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_client_connect(&connection, address, &options, pool));
    for (;;) {
        CHILD_STATUS(APR_SUCCESS, mproc_connection_send(connection, big));
    }
}

/* Whether the system has not closed the other side: into a stream that is
 * closed, the second message does not go. */
static int
other_side_is_open(mproc_connection_t *here)
{
    return mproc_connection_send(here, text_bytes("1")) == APR_SUCCESS &&
           mproc_connection_send(here, text_bytes("2")) == APR_SUCCESS;
}

static void
a_sender_is_killed(apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_connection_t *here;
    mproc_process_t *child;
    mproc_bytes_t in;
    apr_status_t rv;
    START(child, send_without_end, pool, "s", mproc_listener_address(listener));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_connection_set_timeout(here, test_deadline()));
    KILL(child);
    rv = mproc_connection_recv(here, &in, pool);
    if (APR_STATUS_IS_TIMEUP(rv) && test_is_wine() &&
        other_side_is_open(here)) {
        test_skip("Wine keeps the socket of a process killed in a send");
    }
    CHECK(rv == MPROC_EFORMAT || APR_STATUS_IS_ECONNRESET(rv));
    CHECK_STATUS(rv, mproc_connection_recv(here, &in, pool));
}

static int
talk(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_connection_t *connection;
    const char *address;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s", &address));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_client_connect(&connection, address, NULL, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(connection, "i", 42));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_connection_recvf(connection, pool, "i", &number));
    CHILD_CHECK(number == 43);
    return 0;
}

/* P7, L2: a child has its parent's key; the address can be had for nothing. */
static void
a_child_is_a_client(apr_pool_t *pool)
{
    mproc_listener_t *listener;
    mproc_connection_t *here;
    mproc_process_t *child;
    int number = 0;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, NULL, NULL, pool));
    START(child, talk, pool, "s", mproc_listener_address(listener));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, &here,
                                                      test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_recvf(here, pool, "i", &number));
    CHECK_INT(42, number);
    CHECK_STATUS(APR_SUCCESS, mproc_connection_sendf(here, "i", number + 1));
    JOIN(child, 0);
}

/* L8: only the creator removes the path, and a child does not listen. */
static void
a_child_leaves_the_path_alone(apr_pool_t *pool)
{
    mproc_listener_t *listener;
    mproc_process_t *child;
    apr_finfo_t info;
    const char *path;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, NULL, NULL, pool));
    path = mproc_listener_address(listener) + 5;
    START(child, nothing, pool, NULL);
    JOIN(child, 0);
    if (strncmp(path - 5, "unix:", 5) == 0) {
        CHECK_STATUS(APR_SUCCESS, apr_stat(&info, path, APR_FINFO_TYPE, pool));
    }
    START(child, talk, pool, "s", mproc_listener_address(listener));
    KILL(child);
}

static int
listen_and_stay(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_listener_t *listener;
    mproc_connection_t *end;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &end));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_listener_create(&listener, NULL, NULL, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_connection_sendf(
                                  end, "s", mproc_listener_address(listener)));
    return sleep_long(args, pool);
}

/* L2: the folder that was made for it goes with a listener that is killed. */
static void
a_listener_is_killed(apr_pool_t *pool)
{
    mproc_connection_t *mine, *theirs;
    mproc_process_t *child;
    const char *address;
    apr_finfo_t info;
    char *folder;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pipe_create(&mine, &theirs, 0, pool));
    START(child, listen_and_stay, pool, "o", theirs);
    mproc_connection_set_timeout(mine, test_deadline());
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_connection_recvf(mine, pool, "s", &address));
    if (strncmp(address, "unix:", 5) != 0) {
        KILL(child);
        return;
    }
    CHECK_STATUS(APR_SUCCESS,
                 apr_stat(&info, address + 5, APR_FINFO_TYPE, pool));
    KILL(child);
    CHECK(APR_STATUS_IS_ENOENT(
        apr_stat(&info, address + 5, APR_FINFO_TYPE, pool)));
    folder = apr_pstrdup(pool, address + 5);
    *strrchr(folder, '/') = '\0';
    CHECK(APR_STATUS_IS_ENOENT(apr_stat(&info, folder, APR_FINFO_TYPE, pool)));
}

static const test_case_t cases[] = {
    {"children_have_no_stream", children_have_no_stream},
    {"a_sender_is_killed", a_sender_is_killed},
    {"a_child_is_a_client", a_child_is_a_client},
    {"a_child_leaves_the_path_alone", a_child_leaves_the_path_alone},
    {"a_listener_is_killed", a_listener_is_killed},
    {NULL, NULL}};

const test_suite_t suite_net_child = {"net_child", 1, cases};
