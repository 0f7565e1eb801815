/*
 * net_socket.c: streams by BSD sockets.
 *
 * The path of a Unix socket exists from bind() on, with the rights that the
 * umask leaves, but nobody can connect before listen(): in between the rights
 * are set.
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
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "plat_sys.h"
#include "posix/descriptor.h"

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

static apr_status_t
socket_open(const apr_sockaddr_t *address, apr_int64_t *handle)
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

    /* Only past connections may still have the port; a listener may not. */
    if (address->family != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return errno;
    }
    if (bind(fd, where, (socklen_t)address->salen) != 0) {
        return errno;
    }
    if (address->family == AF_UNIX) {
        const char *path =
            ((const struct sockaddr_un *)(const void *)where)->sun_path;
        if (chmod(path, S_IRUSR | S_IWUSR) != 0 || listen(fd, backlog) != 0) {
            apr_status_t rv = errno;
            unlink(path);
            return rv;
        }
        return APR_SUCCESS;
    }
    return listen(fd, backlog) == 0 ? APR_SUCCESS : errno;
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
mproc_plat_net_listen(apr_int64_t *handle, const apr_sockaddr_t *address,
                      int backlog, apr_port_t *port)
{
    apr_status_t rv = socket_open(address, handle);

    *port = 0;
    if (rv == APR_SUCCESS) {
        rv = socket_bind((int)*handle, address, backlog);
    }
    if (rv == APR_SUCCESS) {
        *port = socket_port((int)*handle);
    }
    else if (*handle >= 0) {
        close((int)*handle);
        *handle = -1;
    }
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
mproc_plat_net_accept(apr_int64_t listener, apr_int64_t *handle,
                      char peer[MPROC_PLAT_NET_TEXT])
{
    struct sockaddr_storage name;
    socklen_t size;
    int fd;

    *handle = -1;
    do {
        size = sizeof name;
        memset(&name, 0, sizeof name);
#ifdef SOCK_CLOEXEC
        fd = accept4((int)listener, (struct sockaddr *)&name, &size,
                     SOCK_CLOEXEC);
#else
        fd = accept((int)listener, (struct sockaddr *)&name, &size);
#endif
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0) {
        return errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    peer_text((struct sockaddr *)&name, size, peer);
    return socket_ready(fd, name.ss_family, handle);
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

apr_status_t
mproc_plat_net_connect(apr_int64_t *handle, const apr_sockaddr_t *address,
                       apr_time_t deadline)
{
    apr_status_t rv = socket_open(address, handle);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (;;) {
        if (connect((int)*handle,
                    (const struct sockaddr *)(const void *)&address->sa,
                    (socklen_t)address->salen) == 0) {
            return APR_SUCCESS;
        }
        rv = errno;
        if (rv == EAGAIN && mproc_plat_clock() < deadline) {
            /* A Unix socket whose backlog is full: nothing tells when it is
             * not. */
            (void)poll(NULL, 0, 5);
            continue;
        }
        break;
    }
    if (rv == EINPROGRESS || rv == EINTR) {
        rv = connect_wait((int)*handle, deadline);
    }
    if (rv != APR_SUCCESS) {
        close((int)*handle);
        *handle = -1;
    }
    return rv == EAGAIN ? APR_TIMEUP : rv;
}

apr_status_t
mproc_plat_net_send(apr_int64_t handle, const void *head, apr_size_t head_size,
                    const void *body, apr_size_t body_size, apr_size_t *sent)
{
    struct iovec part[2] = {{(void *)head, head_size},
                            {(void *)body, body_size}};
    struct msghdr message;
    ssize_t done;

    *sent = 0;
    memset(&message, 0, sizeof message);
    message.msg_iov = part;
    message.msg_iovlen = body_size > 0 ? 2 : 1;
    do {
        done = sendmsg((int)handle, &message, SEND_FLAGS);
    } while (done < 0 && errno == EINTR);
    if (done < 0) {
        return errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    *sent = (apr_size_t)done;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_net_recv(apr_int64_t handle, void *data, apr_size_t *size)
{
    ssize_t done;

    do {
        done = recv((int)handle, data, *size, 0);
    } while (done < 0 && errno == EINTR);
    *size = done > 0 ? (apr_size_t)done : 0;
    if (done < 0) {
        return errno == EWOULDBLOCK ? APR_EAGAIN : errno;
    }
    return done == 0 ? APR_EOF : APR_SUCCESS;
}

static apr_status_t
fds_wait(struct pollfd *fds, int count, apr_time_t deadline)
{
    int found;

    do {
        found = poll(fds, (nfds_t)count, mproc__fd_timeout(deadline));
    } while ((found < 0 && errno == EINTR) ||
             (found == 0 &&
              (deadline == MPROC_PLAT_NEVER || mproc_plat_clock() < deadline)));
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

void
mproc_plat_net_shut(apr_int64_t handle)
{
    (void)shutdown((int)handle, SHUT_WR);
}

void
mproc_plat_net_close(apr_int64_t handle)
{
    if (handle >= 0) {
        close((int)handle);
    }
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
