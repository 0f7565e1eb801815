/* net.c: what listener and client share, and the client. */
#include "net.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/process.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "connection.h"
#include "error.h"
#include "hmac.h"
#include "netwatch.h"
#include "parking.h"

#define SECONDS(n) ((apr_interval_time_t)(n)*1000 * 1000)

static apr_status_t
key_prepare(mproc_net_options_t *options, const char *call, apr_pool_t *pool)
{
    mproc_bytes_t key = options->authkey;

    if (options->unkeyed) {
        options->authkey.size = 0;
        return APR_SUCCESS;
    }
    if (key.data == NULL && key.size == 0) {
        key = mproc_process_authkey(mproc_process_current());
    }
    if (key.data == NULL || key.size == 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: the key is empty; pass one that nobody can "
                           "guess, or leave it out for that of the process",
                           call);
    }
    options->authkey.data = apr_pmemdup(pool, key.data, key.size);
    options->authkey.size = key.size;
    return APR_SUCCESS;
}

apr_status_t
mproc__net_prepare(mproc__net_t *net, const char *address,
                   const mproc_net_options_t *options, const char *call,
                   apr_pool_t *pool)
{
    static const mproc_net_options_t none = {.backlog = 0};
    mproc_net_options_t *mine = &net->options;
    apr_status_t rv;

    *mine = options != NULL ? *options : none;
    if (!mproc__hmac_exists()) {
        return mproc__fail(APR_ENOTIMPL,
                           "%s: mproc was built without MPROC_WITH_NET, that "
                           "is without cryptography; build it with",
                           call);
    }
    if (mine->backlog < 0 || mine->handshake_timeout < 0 ||
        mine->connect_timeout < 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: an option is negative; pass 0 for what is "
                           "usual",
                           call);
    }
    mine->max_message =
        mine->max_message ? mine->max_message : MPROC_MESSAGE_MAX;
    mine->backlog = mine->backlog ? mine->backlog : 128;
    mine->handshake_timeout =
        mine->handshake_timeout ? mine->handshake_timeout : SECONDS(10);
    mine->connect_timeout =
        mine->connect_timeout ? mine->connect_timeout : SECONDS(20);
    rv = key_prepare(mine, call, pool);
    if (rv == APR_SUCCESS && address != NULL) {
        rv = mproc__address_parse(&net->address, address, call, pool);
    }
    return rv;
}

/* As much as there is room for. */
static apr_status_t
shake_send(apr_int64_t handle, mproc__auth_t *auth)
{
    mproc_bytes_t out = mproc__auth_output(auth);
    apr_size_t sent;
    apr_status_t rv =
        mproc_plat_net_send(handle, out.data, out.size, NULL, 0, &sent);

    if (rv == APR_SUCCESS) {
        mproc__auth_sent(auth, sent);
    }
    return rv;
}

static apr_status_t
shake_recv(apr_int64_t handle, mproc__auth_t *auth)
{
    apr_size_t size;
    void *room = mproc__auth_room(auth, &size);
    apr_status_t rv = mproc_plat_net_recv(handle, room, &size);

    if (rv == APR_SUCCESS) {
        mproc__auth_received(auth, size);
    }
    return rv;
}

apr_status_t
mproc__net_shake(apr_int64_t handle, mproc__auth_t *auth)
{
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS &&
           (auth->want == MPROC__AUTH_SEND || auth->want == MPROC__AUTH_RECV)) {
        rv = auth->want == MPROC__AUTH_SEND ? shake_send(handle, auth)
                                            : shake_recv(handle, auth);
    }
    if (rv == APR_SUCCESS && auth->want == MPROC__AUTH_FAILED) {
        rv = auth->failure;
    }
    return rv;
}

/* ------------------------------------------------------------------ client */

static apr_status_t
client_reach(apr_int64_t *handle, const mproc__net_t *net, const char *call)
{
    apr_time_t deadline = mproc__deadline(net->options.connect_timeout);
    const apr_sockaddr_t *one;
    char text[120];
    apr_status_t rv = APR_EINVAL;

    for (one = net->address.resolved; one != NULL; one = one->next) {
        rv = mproc_plat_net_connect(handle, one, deadline);
        if (rv == APR_SUCCESS) {
            return rv;
        }
    }
    if (rv == APR_TIMEUP) {
        return mproc__fail(rv, "%s: \"%.200s\" could not be reached in time",
                           call, net->address.text);
    }
    return mproc__fail(rv, "%s: cannot connect to \"%.200s\": %s", call,
                       net->address.text, apr_strerror(rv, text, sizeof text));
}

static apr_status_t
client_refused(apr_status_t rv, const mproc__net_t *net,
               const mproc__auth_t *auth, const char *call)
{
    char text[120];

    if (rv == APR_TIMEUP) {
        return mproc__fail(MPROC_EAUTH,
                           "%s: \"%.200s\" did not prove in time that it has "
                           "the key; it may be none that uses one, or be busy",
                           call, net->address.text);
    }
    if (rv == MPROC_EAUTH || rv == MPROC_EFORMAT) {
        return mproc__fail(MPROC_EAUTH, "%s: \"%.200s\": %s", call,
                           net->address.text, auth->why);
    }
    return mproc__fail(rv, "%s: \"%.200s\" hung up in the handshake: %s", call,
                       net->address.text, apr_strerror(rv, text, sizeof text));
}

static apr_status_t
client_shake(apr_int64_t handle, const mproc__net_t *net, const char *call)
{
    apr_time_t deadline = mproc__deadline(net->options.handshake_timeout);
    mproc__auth_t auth;
    apr_status_t rv;

    mproc__auth_begin(&auth, 1, net->options.authkey,
                      net->options.auth_legacy_md5);
    while ((rv = mproc__net_shake(handle, &auth)) == APR_EAGAIN) {
        mproc_plat_net_item_t item = {handle, auth.want == MPROC__AUTH_SEND, 0};
        if (mproc_plat_clock() >= deadline) {
            rv = APR_TIMEUP;
            break;
        }
        mproc__netwatch_step(&item, 1, deadline);
    }
    return rv == APR_SUCCESS ? rv : client_refused(rv, net, &auth, call);
}

apr_status_t
mproc_client_connect(mproc_connection_t **connection, const char *address,
                     const mproc_net_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_client_connect";
    apr_pool_t *own;
    mproc__net_t net;
    apr_int64_t handle;
    apr_status_t rv;

    if (connection == NULL || address == NULL) {
        return mproc__fail(APR_EINVAL, "%s: %s is NULL", call,
                           connection == NULL ? "where the connection goes"
                                              : "the address");
    }
    *connection = NULL;
    rv = apr_pool_create(&own, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__net_prepare(&net, address, options, call, own);
    if (rv == APR_SUCCESS) {
        rv = client_reach(&handle, &net, call);
    }
    if (rv == APR_SUCCESS && net.options.authkey.size > 0) {
        rv = client_shake(handle, &net, call);
        if (rv != APR_SUCCESS) {
            mproc_plat_net_close(handle);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__connection_of(connection, handle, address,
                                  net.options.max_message, pool);
    }
    apr_pool_destroy(own);
    return rv;
}
