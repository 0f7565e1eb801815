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
key_wipe(void *data)
{
    const mproc_bytes_t *key = data;

    mproc__hmac_wipe((void *)key->data, key->size);
    return APR_SUCCESS;
}

/* A copy in the pool, of which nothing is left when that goes. */
static apr_status_t
key_copy(mproc_bytes_t *copy, mproc_bytes_t key, apr_pool_t *pool)
{
    mproc_bytes_t *kept = apr_pmemdup(pool, &key, sizeof key);

    kept->data = apr_pmemdup(pool, key.data, key.size);
    apr_pool_cleanup_register(pool, kept, key_wipe, apr_pool_cleanup_null);
    *copy = *kept;
    return APR_SUCCESS;
}

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
    return key_copy(&options->authkey, key, pool);
}

static apr_status_t
tls_prepare(mproc__net_t *net, int connects, const char *call, apr_pool_t *pool)
{
    net->tls = NULL;
    if (net->options.tls == NULL) {
        return APR_SUCCESS;
    }
    if (net->address.host == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: \"%.200s\" does not leave this machine; leave "
                           "TLS out, or use tcp:HOST:PORT",
                           call, net->address.text);
    }
    return mproc__tls_context_create(&net->tls, net->options.tls, connects,
                                     call, pool);
}

apr_status_t
mproc__net_prepare(mproc__net_t *net, const char *address,
                   const mproc_net_options_t *options, int connects,
                   const char *call, apr_pool_t *pool)
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
    net->deadline = mproc__deadline(mine->connect_timeout);
    if (rv == APR_SUCCESS) {
        rv = mproc__address_parse(&net->address, address, net->deadline, call,
                                  pool);
    }
    return rv == APR_SUCCESS ? tls_prepare(net, connects, call, pool) : rv;
}

/* As much as there is room for. */
static apr_status_t
shake_send(mproc__socket_t *socket, mproc__auth_t *auth)
{
    mproc_bytes_t out = mproc__auth_output(auth);
    apr_size_t sent;
    apr_status_t rv =
        mproc__socket_send(socket, out.data, out.size, NULL, 0, &sent);

    if (rv == APR_SUCCESS) {
        mproc__auth_sent(auth, sent);
    }
    return rv;
}

static apr_status_t
shake_recv(mproc__socket_t *socket, mproc__auth_t *auth)
{
    apr_size_t size;
    void *room = mproc__auth_room(auth, &size);
    apr_status_t rv = mproc__socket_recv(socket, room, &size);

    if (rv == APR_SUCCESS) {
        mproc__auth_received(auth, size);
    }
    return rv;
}

apr_status_t
mproc__net_begin(const mproc__net_t *net, mproc__socket_t *socket, int connects,
                 mproc__auth_t *auth)
{
    mproc__auth_begin(auth, connects, net->options.authkey,
                      net->options.auth_legacy_md5);
    if (net->options.authkey.size == 0) {
        auth->want = MPROC__AUTH_DONE;
    }
    return net->tls == NULL
               ? APR_SUCCESS
               : mproc__socket_secure(socket, net->tls, net->address.host);
}

apr_status_t
mproc__net_shake(mproc__socket_t *socket, mproc__auth_t *auth)
{
    apr_status_t rv = mproc__socket_shake(socket);

    while (rv == APR_SUCCESS &&
           (auth->want == MPROC__AUTH_SEND || auth->want == MPROC__AUTH_RECV)) {
        rv = auth->want == MPROC__AUTH_SEND ? shake_send(socket, auth)
                                            : shake_recv(socket, auth);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__socket_flush(socket);
    }
    if (socket->secret != NULL && (rv == MPROC_EAUTH || rv == MPROC_EFORMAT)) {
        apr_snprintf(auth->why, sizeof auth->why, "TLS: %s",
                     mproc__socket_why(socket));
        return MPROC_EAUTH;
    }
    if (rv == APR_SUCCESS && auth->want == MPROC__AUTH_FAILED) {
        rv = auth->failure;
    }
    return rv;
}

/* ------------------------------------------------------------------ client */

/* The time that is left is for all of the addresses that are left. */
static apr_time_t
client_share(const apr_sockaddr_t *one, apr_time_t deadline)
{
    apr_time_t now = mproc_plat_clock();
    int count = 0;

    for (; one != NULL; one = one->next) {
        count++;
    }
    return now >= deadline ? now : now + (deadline - now) / count;
}

static apr_status_t
client_reach(mproc__socket_t **socket, const mproc__net_t *net,
             const char *call)
{
    const apr_sockaddr_t *one;
    char text[120];
    apr_status_t rv = APR_EINVAL;

    if (net->address.pipe != NULL) {
        rv = mproc__socket_pipe_connect(socket, net->address.pipe,
                                        net->deadline);
    }
    for (one = net->address.resolved; one != NULL; one = one->next) {
        rv = mproc__socket_open(socket, one);
        if (rv == APR_SUCCESS) {
            rv = mproc_plat_net_connect((*socket)->handle, one,
                                        client_share(one, net->deadline));
        }
        if (rv == APR_SUCCESS) {
            return rv;
        }
        mproc__socket_close(*socket);
    }
    if (rv == APR_SUCCESS) {
        return rv;
    }
    if (rv == APR_ENOTIMPL) {
        return mproc__fail(rv, MPROC__NO_PIPES, call, net->address.text);
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
client_shake(mproc__socket_t *socket, const mproc__net_t *net, const char *call)
{
    apr_time_t deadline = mproc__deadline(net->options.handshake_timeout);
    mproc__auth_t auth;
    apr_status_t rv = mproc__net_begin(net, socket, 1, &auth);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: no memory for TLS", call);
    }
    while ((rv = mproc__net_shake(socket, &auth)) == APR_EAGAIN) {
        mproc_plat_net_item_t item = {
            socket->handle,
            mproc__socket_lacks_room(socket, auth.want == MPROC__AUTH_SEND), 0};
        if (mproc_plat_clock() >= deadline) {
            rv = APR_TIMEUP;
            break;
        }
        mproc__netwatch_step(&item, 1, deadline);
    }
    return rv == APR_SUCCESS ? rv : client_refused(rv, net, &auth, call);
}

apr_status_t
mproc__net_connect(mproc__socket_t **socket, const char *address,
                   const mproc_net_options_t *options, const char *call)
{
    apr_pool_t *own;
    mproc__net_t net;
    apr_status_t rv;

    *socket = NULL;
    rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__net_prepare(&net, address, options, 1, call, own);
    if (rv == APR_SUCCESS) {
        rv = client_reach(socket, &net, call);
    }
    if (rv == APR_SUCCESS &&
        (net.options.authkey.size > 0 || net.tls != NULL)) {
        rv = client_shake(*socket, &net, call);
        if (rv != APR_SUCCESS) {
            mproc__socket_close(*socket);
            *socket = NULL;
        }
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_client_connect(mproc_connection_t **connection, const char *address,
                     const mproc_net_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_client_connect";
    apr_size_t limit = options != NULL && options->max_message != 0
                           ? options->max_message
                           : MPROC_MESSAGE_MAX;
    mproc__socket_t *socket;
    apr_status_t rv;

    if (connection == NULL || address == NULL) {
        return mproc__fail(APR_EINVAL, "%s: %s is NULL", call,
                           connection == NULL ? "where the connection goes"
                                              : "the address");
    }
    *connection = NULL;
    rv = mproc__net_connect(&socket, address, options, call);
    return rv == APR_SUCCESS
               ? mproc__connection_of(connection, socket, address, limit, pool)
               : rv;
}
