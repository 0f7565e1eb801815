/*
 * sockets.c: which handles this process has.
 *
 * A forked child has copies of its parent's descriptors. One that nobody there
 * knows of keeps a stream open: the other side waits for an end that does not
 * come. So all handles are in a list, with which the child closes them,
 * whatever its parent's other threads were doing. A handle enters the list in
 * one with the call that makes it, and leaves it in one with the call that
 * closes it: both guarded as the fork is (object.h). None of those calls
 * waits. Invariant: outside the guard, a handle is open just when it is in
 * the list.
 *
 * The bell of netwatch.c is not in it, but forgotten there.
 *
 * A socket that speaks TLS: secret.c.
 */
#include "sockets.h"

#include <stdlib.h>

#include "netwatch.h"
#include "object.h"
#include "secret.h"

static mproc__socket_t *first;

/* Guarded. */
static void
socket_enter(mproc__socket_t *socket)
{
    socket->next = first;
    if (first != NULL) {
        first->previous = socket;
    }
    first = socket;
}

/* Guarded. */
static void
socket_leave(mproc__socket_t *socket)
{
    if (socket->next != NULL) {
        socket->next->previous = socket->previous;
    }
    if (socket->previous != NULL) {
        socket->previous->next = socket->next;
    }
    else {
        first = socket->next;
    }
    socket->handle = -1;
}

/* A handle of the listener's or, when that is NULL, for the address. */
static apr_status_t
socket_make(mproc__socket_t **socket, const apr_sockaddr_t *address,
            const mproc__socket_t *listener, char *peer)
{
    mproc__socket_t *made = calloc(1, sizeof *made);
    apr_status_t rv;

    *socket = NULL;
    if (made == NULL) {
        return APR_ENOMEM;
    }
    mproc__objects_guard();
    rv = listener == NULL
             ? mproc_plat_net_open(&made->handle, address)
             : mproc_plat_net_accept(listener->handle, &made->handle, peer);
    if (rv == APR_SUCCESS) {
        socket_enter(made);
    }
    mproc__objects_unguard();
    if (rv != APR_SUCCESS) {
        free(made);
        return rv;
    }
    *socket = made;
    return APR_SUCCESS;
}

apr_status_t
mproc__socket_open(mproc__socket_t **socket, const apr_sockaddr_t *address)
{
    return socket_make(socket, address, NULL, NULL);
}

apr_status_t
mproc__socket_accept(mproc__socket_t **socket, const mproc__socket_t *listener,
                     char peer[MPROC_PLAT_NET_TEXT])
{
    return socket_make(socket, NULL, listener, peer);
}

/* Where there are named pipes there is no fork. */
static apr_status_t
socket_adopt(mproc__socket_t **socket, apr_int64_t handle)
{
    *socket = calloc(1, sizeof **socket);
    if (*socket == NULL) {
        mproc_plat_net_close(handle);
        return APR_ENOMEM;
    }
    (*socket)->handle = handle;
    mproc__objects_guard();
    socket_enter(*socket);
    mproc__objects_unguard();
    return APR_SUCCESS;
}

apr_status_t
mproc__socket_pipe_listen(mproc__socket_t **socket, const char *name,
                          int backlog)
{
    apr_int64_t handle;
    apr_status_t rv = mproc_plat_net_pipe_listen(&handle, name, backlog);

    *socket = NULL;
    return rv == APR_SUCCESS ? socket_adopt(socket, handle) : rv;
}

apr_status_t
mproc__socket_pipe_connect(mproc__socket_t **socket, const char *name,
                           apr_time_t deadline)
{
    apr_int64_t handle;
    apr_status_t rv = mproc_plat_net_pipe_connect(&handle, name, deadline);

    *socket = NULL;
    return rv == APR_SUCCESS ? socket_adopt(socket, handle) : rv;
}

apr_status_t
mproc__socket_pair(mproc__socket_t *socket[2])
{
    mproc__socket_t *one = calloc(1, sizeof *one);
    mproc__socket_t *other = calloc(1, sizeof *other);
    apr_status_t rv = APR_ENOMEM;
    apr_int64_t end[2];

    socket[0] = socket[1] = NULL;
    if (one != NULL && other != NULL) {
        mproc__objects_guard();
        rv = mproc_plat_net_pair(end);
        if (rv == APR_SUCCESS) {
            one->handle = end[0];
            other->handle = end[1];
            socket_enter(one);
            socket_enter(other);
        }
        mproc__objects_unguard();
    }
    if (rv != APR_SUCCESS) {
        free(one);
        free(other);
        return rv;
    }
    socket[0] = one;
    socket[1] = other;
    return APR_SUCCESS;
}

void
mproc__socket_close(mproc__socket_t *socket)
{
    if (socket == NULL) {
        return;
    }
    if (socket->handle != -1) {
        mproc__netwatch_disarm(socket->handle);
        mproc__objects_guard();
        mproc_plat_net_close(socket->handle);
        socket_leave(socket);
        mproc__objects_unguard();
    }
    mproc__secret_free(socket->secret);
    free(socket);
}

void
mproc__sockets_drop(void)
{
    while (first != NULL) {
        mproc_plat_net_close(first->handle);
        socket_leave(first);
    }
}
