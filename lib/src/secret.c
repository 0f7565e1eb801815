/*
 * secret.c: sockets whose bytes are encrypted, or not.
 *
 * One thread sends while another receives, and TLS can do one thing at a time:
 * a mutex guards it, its buffers and the handle's end. Nothing in here waits.
 *
 * What was encrypted and had no room in the system stays in `out`, and nothing
 * more is encrypted until it has gone: at most one record is kept. Any call
 * sends of it what it can; a sender is done when a flush says so.
 */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#include <apr_thread_mutex.h>

#define RECORD 16384 /* bytes that are encrypted, or received, at a time */

struct mproc__secret_t {
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    mproc__tls_t *tls;
    apr_status_t broken; /* what ended the stream; nothing is sent any more */
    apr_size_t out_at, out_end;
    char out[RECORD + 1024];
};

void
mproc__secret_free(mproc__secret_t *secret)
{
    if (secret != NULL) {
        mproc__tls_free(secret->tls);
        apr_pool_destroy(secret->pool);
        free(secret);
    }
}

apr_status_t
mproc__socket_secure(mproc__socket_t *socket, mproc__tls_context_t *context,
                     const char *host)
{
    mproc__secret_t *secret = calloc(1, sizeof *secret);
    apr_status_t rv;

    if (secret == NULL) {
        return APR_ENOMEM;
    }
    rv = apr_pool_create_unmanaged_ex(&secret->pool, NULL, NULL);
    if (rv != APR_SUCCESS) {
        free(secret);
        return rv;
    }
    rv = apr_thread_mutex_create(&secret->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 secret->pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__tls_create(&secret->tls, context, host);
    }
    if (rv != APR_SUCCESS) {
        mproc__secret_free(secret);
        return rv;
    }
    socket->secret = secret;
    return APR_SUCCESS;
}

/* --------------------------------------------------- with the mutex, no waits
 */

/* APR_SUCCESS: all that was encrypted is the system's. */
static apr_status_t
out_flush(mproc__socket_t *socket)
{
    mproc__secret_t *secret = socket->secret;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t sent;

    while (rv == APR_SUCCESS) {
        if (secret->out_at == secret->out_end) {
            secret->out_at = 0;
            secret->out_end =
                mproc__tls_drain(secret->tls, secret->out, sizeof secret->out);
            if (secret->out_end == 0) {
                return APR_SUCCESS;
            }
        }
        rv = mproc_plat_net_send(socket->handle, secret->out + secret->out_at,
                                 secret->out_end - secret->out_at, NULL, 0,
                                 &sent);
        secret->out_at += rv == APR_SUCCESS ? sent : 0;
    }
    return rv;
}

/* Have TLS go on with what came. APR_EAGAIN: nothing did. An end that the
 * other side did not announce is no end: somebody may have cut it. */
static apr_status_t
in_feed(mproc__socket_t *socket)
{
    char bytes[RECORD];
    apr_size_t size = sizeof bytes;
    apr_status_t rv = mproc_plat_net_recv(socket->handle, bytes, &size);

    if (rv == APR_SUCCESS) {
        rv = mproc__tls_feed(socket->secret->tls, bytes, size);
    }
    return rv == APR_EOF ? APR_ECONNRESET : rv;
}

/* A failure lasts; the other side is told why, if there is room. */
static apr_status_t
secret_result(mproc__socket_t *socket, apr_status_t rv)
{
    if (rv != APR_SUCCESS && rv != APR_EAGAIN && rv != APR_EOF) {
        socket->secret->broken = rv;
        (void)out_flush(socket);
    }
    return rv;
}

static apr_status_t
secret_shake(mproc__socket_t *socket)
{
    mproc__secret_t *secret = socket->secret;
    apr_status_t rv = secret->broken, flushed;

    if (rv == APR_SUCCESS && mproc__tls_is_open(secret->tls)) {
        return rv;
    }
    while (rv == APR_SUCCESS) {
        rv = mproc__tls_shake(secret->tls);
        if (rv == APR_SUCCESS || rv == APR_EAGAIN) {
            flushed = out_flush(socket);
            if (flushed != APR_SUCCESS || rv == APR_SUCCESS) {
                rv = flushed;
                break;
            }
            rv = in_feed(socket);
        }
    }
    return secret_result(socket, rv);
}

static apr_status_t
secret_put(mproc__socket_t *socket, const void *data, apr_size_t size,
           apr_size_t *sent)
{
    mproc__secret_t *secret = socket->secret;
    apr_status_t rv = secret_shake(socket);

    if (rv == APR_SUCCESS) {
        rv = secret_result(socket, out_flush(socket));
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__tls_put(secret->tls, data, size < RECORD ? size : RECORD,
                            sent);
        rv = secret_result(socket, rv);
    }
    return rv;
}

static apr_status_t
secret_get(mproc__socket_t *socket, void *data, apr_size_t *size)
{
    mproc__secret_t *secret = socket->secret;
    apr_size_t room = *size;
    apr_status_t rv = secret_shake(socket);

    *size = 0;
    while (rv == APR_SUCCESS) {
        *size = room;
        rv = mproc__tls_get(secret->tls, data, size);
        if (rv != APR_EAGAIN) {
            break;
        }
        (void)out_flush(socket); /* TLS may have something to say. */
        rv = in_feed(socket);
    }
    return secret_result(socket, rv);
}

/* Whether to get something would not fail for now. */
static int
secret_has(mproc__socket_t *socket)
{
    mproc__secret_t *secret = socket->secret;
    apr_status_t rv = secret_shake(socket);

    while (rv == APR_SUCCESS && !mproc__tls_has(secret->tls)) {
        rv = in_feed(socket);
    }
    return rv != APR_EAGAIN;
}

/* ------------------------------------------------------------------- calls */

apr_status_t
mproc__socket_shake(mproc__socket_t *socket)
{
    apr_status_t rv = APR_SUCCESS;

    if (socket->secret != NULL) {
        apr_thread_mutex_lock(socket->secret->mutex);
        rv = secret_shake(socket);
        apr_thread_mutex_unlock(socket->secret->mutex);
    }
    return rv;
}

const char *
mproc__socket_why(mproc__socket_t *socket)
{
    return mproc__tls_why(socket->secret->tls);
}

/* A head and a small body are one record. */
static apr_status_t
secret_send(mproc__socket_t *socket, const char *head, apr_size_t head_size,
            const char *body, apr_size_t body_size, apr_size_t *sent)
{
    char both[RECORD];
    apr_size_t more;
    apr_status_t rv;

    if (body_size == 0 || head_size >= sizeof both) {
        rv = secret_put(socket, head, head_size, sent);
    }
    else {
        more = sizeof both - head_size;
        more = more < body_size ? more : body_size;
        memcpy(both, head, head_size);
        memcpy(both + head_size, body, more);
        rv = secret_put(socket, both, head_size + more, sent);
    }
    if (rv == APR_SUCCESS) {
        (void)out_flush(socket); /* What fails is told by the next flush. */
    }
    return rv;
}

apr_status_t
mproc__socket_send(mproc__socket_t *socket, const void *head,
                   apr_size_t head_size, const void *body, apr_size_t body_size,
                   apr_size_t *sent)
{
    apr_status_t rv;

    if (socket->secret == NULL) {
        return mproc_plat_net_send(socket->handle, head, head_size, body,
                                   body_size, sent);
    }
    *sent = 0;
    apr_thread_mutex_lock(socket->secret->mutex);
    rv = secret_send(socket, head, head_size, body, body_size, sent);
    apr_thread_mutex_unlock(socket->secret->mutex);
    return rv;
}

apr_status_t
mproc__socket_flush(mproc__socket_t *socket)
{
    apr_status_t rv = APR_SUCCESS;

    if (socket->secret != NULL) {
        apr_thread_mutex_lock(socket->secret->mutex);
        rv = secret_result(socket, out_flush(socket));
        apr_thread_mutex_unlock(socket->secret->mutex);
    }
    return rv;
}

apr_status_t
mproc__socket_recv(mproc__socket_t *socket, void *data, apr_size_t *size)
{
    apr_status_t rv;

    if (socket->secret == NULL) {
        return mproc_plat_net_recv(socket->handle, data, size);
    }
    apr_thread_mutex_lock(socket->secret->mutex);
    rv = secret_get(socket, data, size);
    apr_thread_mutex_unlock(socket->secret->mutex);
    return rv;
}

int
mproc__socket_lacks_room(mproc__socket_t *socket, int sends)
{
    mproc__secret_t *secret = socket->secret;

    if (secret != NULL) {
        apr_thread_mutex_lock(secret->mutex);
        sends = (sends || !mproc__tls_is_open(secret->tls)) &&
                secret->out_at < secret->out_end;
        apr_thread_mutex_unlock(secret->mutex);
    }
    return sends;
}

int
mproc__socket_has(mproc__socket_t *socket)
{
    mproc__secret_t *secret = socket->secret;
    int has = 0;

    if (secret != NULL) {
        apr_thread_mutex_lock(secret->mutex);
        has = secret_has(socket);
        apr_thread_mutex_unlock(secret->mutex);
    }
    return has;
}

void
mproc__socket_farewell(mproc__socket_t *socket)
{
    mproc__secret_t *secret = socket->secret;

    if (secret != NULL && socket->handle != -1) {
        apr_thread_mutex_lock(secret->mutex);
        if (secret->broken == APR_SUCCESS) {
            mproc__tls_end(secret->tls);
            (void)out_flush(socket);
        }
        apr_thread_mutex_unlock(secret->mutex);
    }
}
