/*
 * net_winsock.c: streams by Winsock, which APR has started; and what they and
 * named pipes (net_pipe.c) have in common.
 *
 * A listener takes its address for itself: here SO_REUSEADDR would share it
 * with whoever asks. WSAPoll() may not tell of a connection that failed, so
 * connecting waits by select().
 *
 * Sockets are waited for by WSAPoll(), pipes by their events. For both at once,
 * or for more events than can be waited for, the system's pool waits for the
 * events and writes to a socket, the `knocker`, which is polled with the
 * others. To end a stream may not wake who waits for it, and a listener cannot
 * be ended: they look by themselves.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>

#include "plat_net.h"

#include "net_pipe.h"
#include "plat_sys.h"
#include "win32.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_FEW 16     /* without memory of their own */
#define SLICE 10000      /* milliseconds of one wait at most */
#define PIECE (1u << 30) /* bytes of one send at most */

static SOCKET
socket_of(apr_int64_t handle)
{
    return (SOCKET)(uintptr_t)handle;
}

/* The last error as the contract has it. */
static apr_status_t
socket_status(void)
{
    int error = WSAGetLastError();

    switch (error) {
    case WSAEWOULDBLOCK:
        return APR_EAGAIN;
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
        return APR_ECONNRESET;
    case WSAESHUTDOWN:
    case WSAENOTCONN:
        return APR_EPIPE;
    case WSAECONNREFUSED:
        return APR_ECONNREFUSED;
    case WSAENOBUFS:
        return APR_ENOMEM;
    case 0:
        return APR_EGENERAL;
    default:
        return APR_FROM_OS_ERROR((DWORD)error);
    }
}

/* Takes over the socket; gives a handle that is as the contract says. */
static apr_status_t
socket_ready(SOCKET fd, apr_int64_t *handle)
{
    u_long on = 1;
    BOOL now = TRUE;

    *handle = -1;
    if (fd == INVALID_SOCKET) {
        return socket_status();
    }
    (void)SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0);
    if (ioctlsocket(fd, FIONBIO, &on) != 0) {
        apr_status_t rv = socket_status();
        closesocket(fd);
        return rv;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&now,
                     sizeof now);
    *handle = (apr_int64_t)fd;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_net_open(apr_int64_t *handle, const apr_sockaddr_t *address)
{
    return socket_ready(
        WSASocketW(address->family, SOCK_STREAM, 0, NULL, 0,
                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT),
        handle);
}

/* There are no Unix sockets here. */
void
mproc_plat_net_folder_remove(const char *folder)
{
    (void)folder;
}

static apr_port_t
socket_port(SOCKET fd)
{
    struct sockaddr_storage name;
    int size = sizeof name;

    memset(&name, 0, sizeof name);
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
        return 0;
    }
    return name.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)&name)->sin6_port)
               : ntohs(((struct sockaddr_in *)&name)->sin_port);
}

apr_status_t
mproc_plat_net_listen(apr_int64_t handle, const apr_sockaddr_t *address,
                      int backlog, apr_port_t *port)
{
    SOCKET fd = socket_of(handle);
    BOOL on = TRUE;

    *port = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
                   sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&address->sa, address->salen) != 0 ||
        listen(fd, backlog) != 0) {
        return socket_status();
    }
    *port = socket_port(fd);
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_net_accept(apr_int64_t listener, apr_int64_t *handle,
                      char peer[MPROC_PLAT_NET_TEXT])
{
    struct sockaddr_storage name;
    char host[MPROC_PLAT_NET_TEXT - 10], port[8];
    int size;
    SOCKET fd;

    *handle = -1;
    peer[0] = '\0';
    if (mproc__pipe_is(listener)) {
        return mproc__pipe_accept(listener, handle);
    }
    do {
        size = sizeof name;
        memset(&name, 0, sizeof name);
        fd = accept(socket_of(listener), (struct sockaddr *)&name, &size);
        /* A client who has gone already: the next one may be there. */
    } while (fd == INVALID_SOCKET && socket_status() == APR_ECONNRESET);
    if (fd == INVALID_SOCKET) {
        return socket_status();
    }
    if (getnameinfo((struct sockaddr *)&name, size, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        int v6 = name.ss_family == AF_INET6;
        strcat(strcpy(peer, v6 ? "[" : ""), host);
        strcat(strcat(strcat(peer, v6 ? "]" : ""), ":"), port);
    }
    return socket_ready(fd, handle);
}

/* Whether it has met itself: a port that nobody listens at may be the one that
 * it was given. It goes at once, so that the port is free. */
static int
socket_is_own_peer(SOCKET fd)
{
    struct sockaddr_storage here, there;
    int here_size = sizeof here, there_size = sizeof there;
    struct linger none = {1, 0};

    memset(&here, 0, sizeof here);
    memset(&there, 0, sizeof there);
    if (getsockname(fd, (struct sockaddr *)&here, &here_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&there, &there_size) != 0 ||
        here_size != there_size ||
        memcmp(&here, &there, (size_t)here_size) != 0) {
        return 0;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, (const char *)&none,
                     sizeof none);
    return 1;
}

static apr_status_t
connect_wait(SOCKET fd, apr_time_t deadline)
{
    int error = 0, size = sizeof error, found;

    do {
        DWORD left = mproc__win32_until(deadline, SLICE);
        struct timeval time = {(long)(left / 1000), (long)(left % 1000 * 1000)};
        fd_set made, failed;
        FD_ZERO(&made);
        FD_ZERO(&failed);
        FD_SET(fd, &made);
        FD_SET(fd, &failed);
        found = select(0, NULL, &made, &failed, &time);
    } while (found == 0 && mproc_plat_clock() < deadline);
    if (found <= 0) {
        return found == 0 ? APR_TIMEUP : socket_status();
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, (char *)&error, &size) != 0) {
        return socket_status();
    }
    WSASetLastError(error);
    return error == 0 ? APR_SUCCESS : socket_status();
}

apr_status_t
mproc_plat_net_connect(apr_int64_t handle, const apr_sockaddr_t *address,
                       apr_time_t deadline)
{
    SOCKET fd = socket_of(handle);
    apr_status_t rv = APR_SUCCESS;

    if (connect(fd, (const struct sockaddr *)&address->sa, address->salen) !=
        0) {
        rv = socket_status();
        if (rv == APR_EAGAIN) {
            rv = connect_wait(fd, deadline);
        }
    }
    return rv == APR_SUCCESS && socket_is_own_peer(fd) ? APR_ECONNREFUSED : rv;
}

apr_status_t
mproc_plat_net_send(apr_int64_t handle, const void *head, apr_size_t head_size,
                    const void *body, apr_size_t body_size, apr_size_t *sent)
{
    WSABUF part[2];
    DWORD done = 0;

    *sent = 0;
    if (mproc__pipe_is(handle)) {
        return mproc__pipe_send(handle, head, head_size, body, body_size, sent);
    }
    part[0].buf = (char *)head;
    part[0].len = (ULONG)(head_size < PIECE ? head_size : PIECE);
    part[1].buf = (char *)body;
    part[1].len = (ULONG)(body_size < PIECE ? body_size : PIECE);
    if (WSASend(socket_of(handle), part,
                part[0].len == head_size && body_size > 0 ? 2 : 1, &done, 0,
                NULL, NULL) != 0) {
        return socket_status();
    }
    *sent = done;
    return APR_SUCCESS;
}

mproc_plat_net_unsent_e
mproc_plat_net_unsend(apr_int64_t handle)
{
    return mproc__pipe_is(handle) ? mproc__pipe_unsend(handle)
                                  : MPROC_PLAT_UNSENT;
}

apr_status_t
mproc_plat_net_recv(apr_int64_t handle, void *data, apr_size_t *size)
{
    int done;

    if (mproc__pipe_is(handle)) {
        return mproc__pipe_recv(handle, data, size);
    }
    done =
        recv(socket_of(handle), data, (int)(*size < PIECE ? *size : PIECE), 0);
    *size = done > 0 ? (apr_size_t)done : 0;
    return done > 0 ? APR_SUCCESS : done == 0 ? APR_EOF : socket_status();
}

/* ----------------------------------------------------------------- waiting */

/* What WSAPoll() is asked for; it belongs to items of sockets, in order. */
typedef struct fds_t {
    WSAPOLLFD few[ITEMS_FEW];
    WSAPOLLFD *fd;
    ULONG count;
} fds_t;

static int
item_is_socket(const mproc_plat_net_item_t *item)
{
    return item->handle != -1 && !mproc__pipe_is(item->handle);
}

static apr_status_t
fds_make(fds_t *fds, const mproc_plat_net_item_t *items, int count)
{
    int i;

    fds->fd = count < ITEMS_FEW ? fds->few
                                : malloc(((size_t)count + 1) * sizeof *fds->fd);
    fds->count = 0;
    if (fds->fd == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0; i < count; i++) {
        if (item_is_socket(&items[i])) {
            WSAPOLLFD *fd = &fds->fd[fds->count++];
            fd->fd = socket_of(items[i].handle);
            fd->events = items[i].send ? POLLWRNORM : POLLRDNORM;
        }
    }
    return APR_SUCCESS;
}

/* Poll those and, when there is one, the knocker. Sets `ready` in the items of
 * sockets; returns how many are, the knocker too, or -1. */
static int
fds_poll(fds_t *fds, mproc_plat_net_item_t *items, int count, SOCKET knocker,
         DWORD limit)
{
    ULONG used = 0, all = fds->count;
    int found = 0, i;

    for (used = 0; used < all; used++) {
        fds->fd[used].revents = 0;
    }
    if (knocker != INVALID_SOCKET) {
        WSAPOLLFD extra = {knocker, POLLRDNORM, 0};
        fds->fd[all++] = extra;
    }
    if (all > 0) {
        found = WSAPoll(fds->fd, all, (INT)limit);
    }
    for (i = 0, used = 0; i < count; i++) {
        if (item_is_socket(&items[i])) {
            items[i].ready = found > 0 && fds->fd[used].revents != 0;
            used++;
        }
    }
    return found;
}

static void
fds_free(fds_t *fds)
{
    if (fds->fd != fds->few) {
        free(fds->fd);
    }
}

static apr_status_t
sockets_wait(fds_t *fds, mproc_plat_net_item_t *items, int count,
             apr_time_t deadline)
{
    int found;

    do {
        DWORD left = mproc__win32_until(deadline, SLICE);
        found = fds_poll(fds, items, count, INVALID_SOCKET, left);
        if (fds->count == 0) {
            Sleep(left);
        }
    } while (found == 0 && mproc_plat_clock() < deadline);
    return found > 0 ? APR_SUCCESS : found == 0 ? APR_TIMEUP : socket_status();
}

/* A socket that hears what it sends, and nobody else. */
static SOCKET
knocker_make(void)
{
    SOCKET fd = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    struct sockaddr_in name;
    int size = sizeof name;

    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd != INVALID_SOCKET &&
        (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 ||
         getsockname(fd, (struct sockaddr *)&name, &size) != 0 ||
         connect(fd, (struct sockaddr *)&name, size) != 0)) {
        closesocket(fd);
        fd = INVALID_SOCKET;
    }
    return fd;
}

static void CALLBACK
knocker_knock(void *knocker, BOOLEAN unused)
{
    (void)unused;
    (void)send((SOCKET)(uintptr_t)knocker, "", 1, 0);
}

/* For sockets and pipes, or for very many. Without memory or descriptors: for
 * a moment. */
static void
mixed_wait(fds_t *fds, const mproc__pipes_t *pipes,
           mproc_plat_net_item_t *items, int count, DWORD left)
{
    SOCKET knocker = knocker_make();
    HANDLE *wait = calloc((size_t)pipes->count + 1, sizeof *wait);
    int i, all = knocker != INVALID_SOCKET && wait != NULL;

    mproc__win32_pin();
    for (i = 0; all && i < pipes->count; i++) {
        if (!RegisterWaitForSingleObject(
                &wait[i], pipes->event[i], knocker_knock,
                (void *)(uintptr_t)knocker, INFINITE,
                WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE)) {
            wait[i] = NULL;
            all = 0;
        }
    }
    if (all) {
        (void)fds_poll(fds, items, count, knocker, left);
    }
    else {
        Sleep(left < 5 ? left : 5);
    }
    for (i = 0; wait != NULL && i < pipes->count; i++) {
        if (wait[i] != NULL) {
            (void)UnregisterWaitEx(wait[i], INVALID_HANDLE_VALUE);
        }
    }
    free(wait);
    if (knocker != INVALID_SOCKET) {
        closesocket(knocker);
    }
}

static apr_status_t
pipes_wait(fds_t *fds, const mproc__pipes_t *pipes,
           mproc_plat_net_item_t *items, int count, apr_time_t deadline)
{
    for (;;) {
        int found = fds_poll(fds, items, count, INVALID_SOCKET, 0);
        DWORD left = mproc__win32_until(deadline, SLICE);
        if (mproc__pipes_look(pipes, items, count) + found > 0) {
            return APR_SUCCESS;
        }
        if (found < 0) {
            return socket_status();
        }
        if (mproc_plat_clock() >= deadline) {
            return APR_TIMEUP;
        }
        if (fds->count == 0 && pipes->count <= MAXIMUM_WAIT_OBJECTS) {
            (void)WaitForMultipleObjects((DWORD)pipes->count, pipes->event,
                                         FALSE, left);
        }
        else {
            mixed_wait(fds, pipes, items, count, left);
        }
    }
}

apr_status_t
mproc_plat_net_wait(mproc_plat_net_item_t *items, int count,
                    apr_time_t deadline)
{
    mproc__pipes_t pipes;
    int i, some = 0;
    apr_status_t rv;
    fds_t fds;

    for (i = 0; i < count; i++) {
        items[i].ready = 0;
        some += mproc__pipe_is(items[i].handle);
    }
    rv = fds_make(&fds, items, count);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (some == 0) {
        rv = sockets_wait(&fds, items, count, deadline);
    }
    else {
        rv = mproc__pipes_hold(&pipes, items, count);
        if (rv == APR_SUCCESS) {
            rv = pipes_wait(&fds, &pipes, items, count, deadline);
            mproc__pipes_release(&pipes, count);
        }
    }
    fds_free(&fds);
    return rv;
}

void
mproc_plat_net_keep(apr_int64_t handle, apr_interval_time_t limit)
{
    struct tcp_keepalive keep = {1, (ULONG)(limit / 2000),
                                 (ULONG)(limit / 20000)}; /* it asks 10 times */
    DWORD got;

    if (!mproc__pipe_is(handle)) {
        (void)WSAIoctl(socket_of(handle), SIO_KEEPALIVE_VALS, &keep,
                       sizeof keep, NULL, 0, &got, NULL, NULL);
    }
}

void
mproc_plat_net_shut(apr_int64_t handle)
{
    if (!mproc__pipe_is(handle)) {
        (void)shutdown(socket_of(handle), SD_SEND);
    }
}

void
mproc_plat_net_end(apr_int64_t handle)
{
    if (mproc__pipe_is(handle)) {
        mproc__pipe_end(handle);
    }
    else {
        (void)shutdown(socket_of(handle), SD_BOTH);
    }
}

void
mproc_plat_net_close(apr_int64_t handle)
{
    if (mproc__pipe_is(handle)) {
        mproc__pipe_close(handle);
    }
    else if (handle != -1) {
        closesocket(socket_of(handle));
    }
}

/* Connected over the loopback; another's client that comes first is sent
 * away. */
static apr_status_t
pair_accept(SOCKET listener, apr_int64_t mine, apr_int64_t *other)
{
    struct sockaddr_in me, peer;
    int size;
    SOCKET fd;

    for (;;) {
        size = sizeof me;
        if (getsockname(socket_of(mine), (struct sockaddr *)&me, &size) != 0) {
            return socket_status();
        }
        size = sizeof peer;
        fd = accept(listener, (struct sockaddr *)&peer, &size);
        if (fd == INVALID_SOCKET) {
            return socket_status();
        }
        if (peer.sin_port == me.sin_port &&
            peer.sin_addr.s_addr == me.sin_addr.s_addr) {
            return socket_ready(fd, other);
        }
        closesocket(fd);
    }
}

apr_status_t
mproc_plat_net_pair(apr_int64_t end[2])
{
    SOCKET listener =
        WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0,
                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    SOCKET fd = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    struct sockaddr_in name;
    int size = sizeof name;
    apr_status_t rv;

    end[0] = end[1] = -1;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener == INVALID_SOCKET || fd == INVALID_SOCKET ||
        bind(listener, (struct sockaddr *)&name, sizeof name) != 0 ||
        getsockname(listener, (struct sockaddr *)&name, &size) != 0 ||
        listen(listener, 1) != 0 ||
        connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        rv = socket_status();
        closesocket(fd);
    }
    else {
        rv = socket_ready(fd, &end[0]);
    }
    if (rv == APR_SUCCESS) {
        rv = pair_accept(listener, end[0], &end[1]);
    }
    closesocket(listener);
    if (rv != APR_SUCCESS) {
        mproc_plat_net_close(end[0]);
        end[0] = -1;
    }
    return rv;
}
