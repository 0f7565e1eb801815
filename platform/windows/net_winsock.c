/*
 * net_winsock.c: streams by Winsock, which APR has started.
 *
 * A listener takes its address for itself: here SO_REUSEADDR would share it
 * with whoever asks. WSAPoll() may not tell of a connection that failed, so
 * connecting waits by select().
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "plat_net.h"

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

static apr_status_t
socket_open(const apr_sockaddr_t *address, apr_int64_t *handle)
{
    return socket_ready(
        WSASocketW(address->family, SOCK_STREAM, 0, NULL, 0,
                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT),
        handle);
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
mproc_plat_net_listen(apr_int64_t *handle, const apr_sockaddr_t *address,
                      int backlog, apr_port_t *port)
{
    apr_status_t rv = socket_open(address, handle);
    SOCKET fd = socket_of(*handle);
    BOOL on = TRUE;

    *port = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
                   sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&address->sa, address->salen) != 0 ||
        listen(fd, backlog) != 0) {
        rv = socket_status();
        closesocket(fd);
        *handle = -1;
        return rv;
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
    int size = sizeof name;
    SOCKET fd;

    *handle = -1;
    peer[0] = '\0';
    memset(&name, 0, sizeof name);
    fd = accept(socket_of(listener), (struct sockaddr *)&name, &size);
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
mproc_plat_net_connect(apr_int64_t *handle, const apr_sockaddr_t *address,
                       apr_time_t deadline)
{
    apr_status_t rv = socket_open(address, handle);
    SOCKET fd = socket_of(*handle);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (connect(fd, (const struct sockaddr *)&address->sa, address->salen) !=
        0) {
        rv = socket_status();
        if (rv == APR_EAGAIN) {
            rv = connect_wait(fd, deadline);
        }
    }
    if (rv != APR_SUCCESS) {
        closesocket(fd);
        *handle = -1;
    }
    return rv;
}

apr_status_t
mproc_plat_net_send(apr_int64_t handle, const void *head, apr_size_t head_size,
                    const void *body, apr_size_t body_size, apr_size_t *sent)
{
    WSABUF part[2];
    DWORD done = 0;

    *sent = 0;
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

apr_status_t
mproc_plat_net_recv(apr_int64_t handle, void *data, apr_size_t *size)
{
    int done =
        recv(socket_of(handle), data, (int)(*size < PIECE ? *size : PIECE), 0);

    *size = done > 0 ? (apr_size_t)done : 0;
    return done > 0 ? APR_SUCCESS : done == 0 ? APR_EOF : socket_status();
}

static apr_status_t
fds_wait(WSAPOLLFD *fds, ULONG count, apr_time_t deadline)
{
    int found = 0;

    do {
        DWORD left = mproc__win32_until(deadline, SLICE);
        if (count == 0) {
            Sleep(left);
        }
        else {
            found = WSAPoll(fds, count, (INT)left);
        }
    } while (found == 0 && mproc_plat_clock() < deadline);
    return found > 0 ? APR_SUCCESS : found == 0 ? APR_TIMEUP : socket_status();
}

apr_status_t
mproc_plat_net_wait(mproc_plat_net_item_t *items, int count,
                    apr_time_t deadline)
{
    WSAPOLLFD few[ITEMS_FEW];
    WSAPOLLFD *fds =
        count <= ITEMS_FEW ? few : malloc((size_t)count * sizeof *fds);
    ULONG used = 0;
    apr_status_t rv;
    int i;

    if (fds == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0; i < count; i++) {
        items[i].ready = 0;
        if (items[i].handle != -1) {
            fds[used].fd = socket_of(items[i].handle);
            fds[used].events = items[i].send ? POLLWRNORM : POLLRDNORM;
            fds[used++].revents = 0;
        }
    }
    rv = fds_wait(fds, used, deadline);
    for (i = 0, used = 0; i < count && rv == APR_SUCCESS; i++) {
        if (items[i].handle != -1) {
            items[i].ready = fds[used++].revents != 0;
        }
    }
    if (fds != few) {
        free(fds);
    }
    return rv;
}

void
mproc_plat_net_shut(apr_int64_t handle)
{
    (void)shutdown(socket_of(handle), SD_SEND);
}

void
mproc_plat_net_close(apr_int64_t handle)
{
    if (handle != -1) {
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
