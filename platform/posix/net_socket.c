/*
 * net_socket.c: streams by BSD sockets.
 *
 * Most of these calls are points where a thread can be cancelled, which would
 * leave what its caller holds: so it is not, while it is in them.
 */
#define _GNU_SOURCE 1

#include "plat_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "plat_self.h"
#include "plat_sys.h"
#include "posix/descriptor.h"
#include "posix/net_unix.h"

#define ITEMS_FEW 16 /* without memory of their own */

/* Where a flag is missing, the socket itself is told (socket_ready). */
#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

/* Takes over `fd`; gives a handle that is as the contract says. */
static apr_status_t
socket_ready(int fd, int family, apr_int64_t *handle)
{
    int on = 1;
    int flags;

    fd = mproc__fd_private(fd);
    if (fd < 0) {
        return errno;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        apr_status_t rv = errno;
        close(fd);
        return rv;
    }
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    if (family == AF_INET || family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    *handle = fd;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_net_open(apr_int64_t *handle, const apr_sockaddr_t *address)
{
    int type = SOCK_STREAM;
    int fd;

    *handle = -1;
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    fd = socket(address->family, type, 0);
    return fd < 0 ? errno : socket_ready(fd, address->family, handle);
}

static apr_status_t
socket_bind(int fd, const apr_sockaddr_t *address, int backlog)
{
    const struct sockaddr *where =
        (const struct sockaddr *)(const void *)&address->sa;
    int on = 1;

    if (address->family == AF_UNIX) {
        return mproc__unix_listen(
            fd, (const struct sockaddr_un *)(const void *)where,
            (socklen_t)address->salen, backlog);
    }
    /* Only past connections may still have the port; a listener may not. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, where, (socklen_t)address->salen) != 0 ||
        listen(fd, backlog) != 0) {
        return errno;
    }
    return APR_SUCCESS;
}

static apr_port_t
socket_port(int fd)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;

    memset(&name, 0, sizeof name);
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
        return 0;
    }
    if (name.ss_family == AF_INET) {
        return ntohs(((struct sockaddr_in *)&name)->sin_port);
    }
    return name.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)&name)->sin6_port)
               : 0;
}

apr_status_t
mproc_plat_net_listen(apr_int64_t handle, const apr_sockaddr_t *address,
                      int backlog, apr_port_t *port)
{
    int cancel = mproc_plat_self_cancel(0);
    apr_status_t rv = socket_bind((int)handle, address, backlog);

    *port = rv == APR_SUCCESS ? socket_port((int)handle) : 0;
    (void)mproc_plat_self_cancel(cancel);
    return rv;
}

static void
peer_text(const struct sockaddr *name, socklen_t size,
          char peer[MPROC_PLAT_NET_TEXT])
{
    char host[MPROC_PLAT_NET_TEXT - 10], port[8];

    peer[0] = '\0';
    if ((name->sa_family == AF_INET || name->sa_family == AF_INET6) &&
        getnameinfo(name, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        int v6 = name->sa_family == AF_INET6;
        strcat(strcpy(peer, v6 ? "[" : ""), host);
        strcat(strcat(strcat(peer, v6 ? "]" : ""), ":"), port);
    }
}

apr_status_t
mproc_plat_net_pipe_listen(apr_int64_t *handle, const char *name, int backlog)
{
    (void)name;
    (void)backlog;
    *handle = -1;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_net_pipe_connect(apr_int64_t *handle, const char *name,
                            apr_time_t deadline)
{
    (void)name;
    (void)deadline;
    *handle = -1;
    return APR_ENOTIMPL;
}

/* Whether there was a client, who has gone, or whose network has: the next one
 * may be there. */
static int
client_is_lost(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTUNREACH;
}

/* The next client, or -1 with errno set. */
static int
client_take(int listener, struct sockaddr_storage *name, socklen_t *size)
{
    int fd;

    do {
        *size = sizeof *name;
        memset(name, 0, sizeof *name);
#ifdef SOCK_CLOEXEC
        fd = accept4(listener, (struct sockaddr *)name, size, SOCK_CLOEXEC);
#else
        fd = accept(listener, (struct sockaddr *)name, size);
#endif
        if (fd >= 0 && name->ss_family == AF_UNIX &&
            !mproc__unix_peer_is_ours(fd)) {
            close(fd);
            fd = -1;
            errno = ECONNABORTED;
        }
    } while (fd < 0 && client_is_lost(errno));
    return fd;
}

apr_status_t
mproc_plat_net_accept(apr_int64_t listener, apr_int64_t *handle,
                      char peer[MPROC_PLAT_NET_TEXT])
{
    int cancel = mproc_plat_self_cancel(0);
    struct sockaddr_storage name;
    socklen_t size;
    int fd = client_take((int)listener, &name, &size);
    apr_status_t rv = errno == EWOULDBLOCK ? APR_EAGAIN : errno;

    *handle = -1;
    if (fd >= 0) {
        peer_text((struct sockaddr *)&name, size, peer);
        rv = socket_ready(fd, name.ss_family, handle);
    }
    (void)mproc_plat_self_cancel(cancel);
    return rv;
}

/* Whether it has met itself: a port that nobody listens at may be the one that
 * it was given. It goes at once, so that the port is free. */
static int
socket_is_own_peer(int fd, int family)
{
    struct sockaddr_storage here, there;
    socklen_t here_size = sizeof here, there_size = sizeof there;
    struct linger none = {1, 0};

    if (family == AF_UNIX) {
        return 0;
    }
    memset(&here, 0, sizeof here);
    memset(&there, 0, sizeof there);
    if (getsockname(fd, (struct sockaddr *)&here, &here_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&there, &there_size) != 0 ||
        here_size != there_size || memcmp(&here, &there, here_size) != 0) {
        return 0;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    return 1;
}

static apr_status_t
connect_wait(int fd, apr_time_t deadline)
{
    apr_status_t rv = mproc__fd_wait(fd, POLLOUT, deadline);
    socklen_t size = sizeof(int);
    int error = 0;

    if (rv == APR_SUCCESS &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return errno;
    }
    return rv == APR_SUCCESS ? error : rv;
}

static apr_status_t
socket_connect(int fd, const apr_sockaddr_t *address, apr_time_t deadline)
{
    const struct sockaddr *where =
        (const struct sockaddr *)(const void *)&address->sa;

    while (connect(fd, where, (socklen_t)address->salen) != 0) {
        apr_status_t rv = errno;
        if (rv == EINPROGRESS || rv == EINTR) {
            return connect_wait(fd, deadline);
        }
        if (rv != EAGAIN) {
            return rv;
        }
        /* A Unix socket whose backlog is full: nothing tells when it is not. */
        if (mproc_plat_clock() >= deadline) {
            return APR_TIMEUP;
        }
        (void)poll(NULL, 0, 5);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_net_connect(apr_int64_t handle, const apr_sockaddr_t *address,
                       apr_time_t deadline)
{
    int cancel = mproc_plat_self_cancel(0);
    apr_status_t rv = socket_connect((int)handle, address, deadline);

    if (rv == APR_SUCCESS && socket_is_own_peer((int)handle, address->family)) {
        rv = APR_ECONNREFUSED;
    }
    (void)mproc_plat_self_cancel(cancel);
    return rv;
}

apr_status_t
mproc_plat_net_send(apr_int64_t handle, const void *head, apr_size_t head_size,
                    const void *body, apr_size_t body_size, apr_size_t *sent)
{
    struct iovec part[2] = {{(void *)head, head_size},
                            {(void *)body, body_size}};
    int cancel = mproc_plat_self_cancel(0);
    struct msghdr message;
    ssize_t done;

    *sent = 0;
    memset(&message, 0, sizeof message);
    message.msg_iov = part;
    message.msg_iovlen = body_size > 0 ? 2 : 1;
    do {
        done = sendmsg((int)handle, &message, SEND_FLAGS);
    } while (done < 0 && errno == EINTR);
    (void)mproc_plat_self_cancel(cancel);
    if (done < 0) {
        return errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    *sent = (apr_size_t)done;
    return APR_SUCCESS;
}

mproc_plat_net_unsent_e
mproc_plat_net_unsend(apr_int64_t handle)
{
    (void)handle;
    return MPROC_PLAT_UNSENT;
}

apr_status_t
mproc_plat_net_recv(apr_int64_t handle, void *data, apr_size_t *size)
{
    int cancel = mproc_plat_self_cancel(0);
    ssize_t done;

    do {
        done = recv((int)handle, data, *size, 0);
    } while (done < 0 && errno == EINTR);
    (void)mproc_plat_self_cancel(cancel);
    *size = done > 0 ? (apr_size_t)done : 0;
    if (done < 0) {
        return errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    return done == 0 ? APR_EOF : APR_SUCCESS;
}

static apr_status_t
fds_wait(struct pollfd *fds, int count, apr_time_t deadline)
{
    int cancel = mproc_plat_self_cancel(0);
    int found;

    do {
        found = poll(fds, (nfds_t)count, mproc__fd_timeout(deadline));
    } while ((found < 0 && errno == EINTR) ||
             (found == 0 &&
              (deadline == MPROC_PLAT_NEVER || mproc_plat_clock() < deadline)));
    (void)mproc_plat_self_cancel(cancel);
    return found > 0 ? APR_SUCCESS : found == 0 ? APR_TIMEUP : errno;
}

apr_status_t
mproc_plat_net_wait(mproc_plat_net_item_t *items, int count,
                    apr_time_t deadline)
{
    struct pollfd few[ITEMS_FEW];
    struct pollfd *fds =
        count <= ITEMS_FEW ? few : malloc((size_t)count * sizeof *fds);
    apr_status_t rv;

    if (fds == NULL) {
        return APR_ENOMEM;
    }
    for (int i = 0; i < count; i++) {
        fds[i].fd = (int)items[i].handle;
        fds[i].events = items[i].send ? POLLOUT : POLLIN;
        fds[i].revents = 0;
    }
    rv = fds_wait(fds, count, deadline);
    for (int i = 0; i < count; i++) {
        items[i].ready = rv == APR_SUCCESS && fds[i].revents != 0;
    }
    if (fds != few) {
        free(fds);
    }
    return rv;
}

/* A quarter of the time passes in silence, then there are three questions. */
void
mproc_plat_net_keep(apr_int64_t handle, apr_interval_time_t limit)
{
    int fd = (int)handle, on = 1, count = 3;
    int quarter = (int)(limit / 4 / APR_USEC_PER_SEC);

    quarter = quarter > 0 ? quarter : 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_KEEPIDLE
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &quarter, sizeof quarter);
#endif
#ifdef TCP_KEEPINTVL
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &quarter, sizeof quarter);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
#endif
#ifdef TCP_USER_TIMEOUT
    unsigned unsent = (unsigned)(limit / 1000);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent, sizeof unsent);
#endif
}

void
mproc_plat_net_shut(apr_int64_t handle)
{
    (void)shutdown((int)handle, SHUT_WR);
}

void
mproc_plat_net_end(apr_int64_t handle)
{
    (void)shutdown((int)handle, SHUT_RDWR);
}

void
mproc_plat_net_close(apr_int64_t handle)
{
    int cancel = mproc_plat_self_cancel(0);

    if (handle >= 0) {
        close((int)handle);
    }
    (void)mproc_plat_self_cancel(cancel);
}

apr_status_t
mproc_plat_net_pair(apr_int64_t end[2])
{
    apr_status_t rv;
    int type = SOCK_STREAM;
    int fd[2];

#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    end[0] = end[1] = -1;
    if (socketpair(AF_UNIX, type, 0, fd) != 0) {
        return errno;
    }
    rv = socket_ready(fd[0], AF_UNIX, &end[0]);
    if (rv != APR_SUCCESS) {
        close(fd[1]);
        return rv;
    }
    rv = socket_ready(fd[1], AF_UNIX, &end[1]);
    if (rv != APR_SUCCESS) {
        close((int)end[0]);
        end[0] = -1;
    }
    return rv;
}
