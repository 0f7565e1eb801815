/* net.h: for tests of streams: connections in pairs, and raw bytes. */
#ifndef MPROC_TESTS_NET_H
#define MPROC_TESTS_NET_H

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "test.h"

#include "../../lib/src/address.h"
#include "../../lib/src/hmac.h"
#include "../../platform/plat_net.h"

/* What runs in a thread of its own beside a test. */
typedef struct beside_t {
    apr_thread_t *thread;
    apr_status_t status;
    const char *address;
    const mproc_net_options_t *options;
    mproc_listener_t *listener;
    mproc_connection_t *connection;
    int number;
} beside_t;

/* Each thread needs a pool of its own: no pool. */
static inline void *APR_THREAD_FUNC
beside_connect(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_client_connect(&beside->connection, beside->address,
                                          beside->options, NULL);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static inline void
beside_start(beside_t *beside, apr_thread_start_t run, apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&beside->thread, NULL, run, beside, pool));
}

static inline void
beside_join(beside_t *beside)
{
    apr_status_t rv;
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, beside->thread));
}

/* Without cryptography there are no listeners. */
static inline void
net_needed(void)
{
    if (!mproc__hmac_exists()) {
        mproc_listener_t *listener = NULL;
        CHECK_STATUS(APR_ENOTIMPL,
                     mproc_listener_create(&listener, NULL, NULL, NULL));
        CHECK_DETAIL("MPROC_WITH_NET");
        test_skip("built without MPROC_WITH_NET");
    }
}

/* An address that only this machine reaches. */
#define LOCAL "tcp:127.0.0.1:0"

static inline mproc_listener_t *
listen_unkeyed(const char *address, apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, address, &options, pool));
    return listener;
}

/* Both ends, without a key. */
static inline void
ends_make(mproc_connection_t **here, mproc_connection_t **there,
          apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_client_connect(there, mproc_listener_address(listener),
                                        &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, here,
                                                      test_deadline(), pool));
    mproc_listener_destroy(listener);
}

/* A stream that knows nothing of messages. */
static inline apr_int64_t
raw_connect(const char *address, apr_pool_t *pool)
{
    mproc__address_t where;
    apr_int64_t handle = -1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__address_parse(&where, address, "raw", pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_connect(&handle, where.resolved,
                                          mproc_clock() + test_deadline()));
    return handle;
}

/* An end, and the raw stream at its other side. */
static inline apr_int64_t
raw_make(mproc_connection_t **here, apr_pool_t *pool)
{
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    apr_int64_t raw = raw_connect(mproc_listener_address(listener), pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_listener_accept(listener, here,
                                                      test_deadline(), pool));
    mproc_listener_destroy(listener);
    return raw;
}

static inline void
raw_send(apr_int64_t raw, const void *data, apr_size_t size)
{
    apr_size_t sent;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_send(raw, data, size, NULL, 0, &sent));
    REQUIRE(sent == size);
}

/* Receive that many bytes; fewer at the end. */
static inline apr_size_t
raw_recv(apr_int64_t raw, void *data, apr_size_t size)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    apr_size_t all = 0, got;
    apr_status_t rv = APR_SUCCESS;
    while (all < size && (rv == APR_SUCCESS || rv == APR_EAGAIN)) {
        mproc_plat_net_item_t item = {raw, 0, 0};
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, deadline));
        got = size - all;
        rv = mproc_plat_net_recv(raw, (char *)data + all, &got);
        all += got;
    }
    return all;
}

static inline mproc_bytes_t
text_bytes(const char *text)
{
    mproc_bytes_t bytes = {text, strlen(text)};
    return bytes;
}

#define KEY "abracadabra"

static inline mproc_net_options_t
options_with(const char *key)
{
    mproc_net_options_t options = {.authkey = text_bytes(key)};
    net_needed();
    return options;
}

/* A path in a folder that is there. */
static inline const char *
path_make(const char *name, apr_pool_t *pool)
{
    const char *temp;
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&temp, pool));
    return apr_psprintf(pool, "%s/mproc-test-%s-%d", temp, name,
                        (int)mproc_process_pid(mproc_process_current()));
}

#endif
