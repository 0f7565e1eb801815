/*
 * channel_seqpacket.c: records with descriptors, over a Unix socket.
 *
 * The kernel keeps records whole. A head before the data lets an empty
 * record differ from the end of the channel. Whatever descriptors come with
 * a record that is refused are closed, or they would be lost and stay open.
 */
#define _GNU_SOURCE 1

#include "plat_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mproc/error.h>

#include "posix/descriptor.h"

/* A system without them marks descriptors a moment later. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

/* Processes that a wait looks at without allocating. */
#define POLL_FEW 64

typedef struct head_t {
    apr_uint32_t size;
    apr_uint32_t count;
} head_t;

typedef union control_t {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(int) * MPROC_PLAT_CHANNEL_HANDLES)];
} control_t;

apr_status_t
mproc_plat_channel_create(apr_int64_t end[2])
{
    int pair[2];

    end[0] = -1;
    end[1] = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return errno;
    }
    pair[0] = mproc__fd_private(pair[0]);
    int error = errno;
    pair[1] = mproc__fd_private(pair[1]);
    if (pair[0] < 0 || pair[1] < 0) {
        error = pair[0] < 0 ? error : errno;
        mproc_plat_channel_close(pair[0]);
        mproc_plat_channel_close(pair[1]);
        return error;
    }
    end[0] = pair[0];
    end[1] = pair[1];
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_channel_adopt(apr_int64_t end)
{
    return mproc__fd_cloexec((int)end, 1) == 0 ? APR_SUCCESS : errno;
}

static void
message_attach(struct msghdr *message, control_t *control,
               const apr_int64_t *handles, int count)
{
    int list[MPROC_PLAT_CHANNEL_HANDLES];

    for (int i = 0; i < count; i++) {
        list[i] = (int)handles[i];
    }
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *item = CMSG_FIRSTHDR(message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(item), list, sizeof(int) * (size_t)count);
}

apr_status_t
mproc_plat_channel_send(apr_int64_t end, const void *data, apr_size_t size,
                        const apr_int64_t *handles, int count,
                        apr_time_t deadline)
{
    head_t head = {.size = (apr_uint32_t)size, .count = (apr_uint32_t)count};
    control_t control;
    struct iovec parts[2] = {
        {.iov_base = &head, .iov_len = sizeof head},
        {.iov_base = (void *)(apr_uintptr_t)data, .iov_len = size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (count < 0 || count > MPROC_PLAT_CHANNEL_HANDLES || size > 1 << 30) {
        return APR_EINVAL;
    }
    if (count > 0) {
        message_attach(&message, &control, handles, count);
    }
    for (;;) {
        if (sendmsg((int)end, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
            return APR_SUCCESS;
        }
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
            return APR_EPIPE;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return errno;
        }
        apr_status_t rv = mproc__fd_wait((int)end, POLLOUT, deadline);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

/* Take the descriptors that came; those without room are closed. */
static int
message_detach(struct msghdr *message, apr_int64_t *handles, int room)
{
    int came = 0;

    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item != NULL;
         item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
            fd = mproc__fd_private(fd);
            if (fd >= 0 && came < room) {
                handles[came++] = fd;
            }
            else {
                mproc_plat_channel_close(fd);
                room = -1;
            }
        }
    }
    return room < 0 ? -came - 1 : came;
}

/* What came, in whole or not at all. */
static apr_status_t
message_take(struct msghdr *message, ssize_t length, const head_t *head,
             apr_size_t *size, apr_int64_t *handles, int *count)
{
    int came = message_detach(message, handles, *count);
    int whole = came >= 0 &&
                (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
                (size_t)length >= sizeof *head &&
                head->size == (size_t)length - sizeof *head &&
                head->count == (apr_uint32_t)came;
    if (!whole) {
        for (int i = 0; i < (came < 0 ? -came - 1 : came); i++) {
            mproc_plat_channel_close(handles[i]);
            handles[i] = -1;
        }
        *size = 0;
        *count = 0;
        return MPROC_EFORMAT;
    }
    *size = head->size;
    *count = came;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_channel_recv(apr_int64_t end, void *data, apr_size_t *size,
                        apr_int64_t *handles, int *count, apr_time_t deadline)
{
    head_t head;
    control_t control;

    for (;;) {
        struct iovec parts[2] = {{.iov_base = &head, .iov_len = sizeof head},
                                 {.iov_base = data, .iov_len = *size}};
        struct msghdr message = {.msg_iov = parts,
                                 .msg_iovlen = 2,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t length =
            recvmsg((int)end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (length > 0) {
            return message_take(&message, length, &head, size, handles, count);
        }
        if (length == 0 || errno == ECONNRESET) {
            *size = 0;
            *count = 0;
            return APR_EOF;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return errno;
        }
        apr_status_t rv = mproc__fd_wait((int)end, POLLIN, deadline);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

static apr_status_t
items_wait(struct pollfd *items, int count, int *ready, apr_time_t deadline)
{
    for (;;) {
        int timeout = mproc__fd_timeout(deadline);
        int found = poll(items, (nfds_t)count, timeout);
        if (found < 0 && errno != EINTR && errno != EAGAIN) {
            return errno;
        }
        if (found <= 0) {
            if (timeout == 0) {
                return APR_TIMEUP;
            }
            continue;
        }
        for (int i = 1; i < count; i++) {
            if (items[i].fd >= 0 && items[i].revents != 0) {
                *ready = i - 1;
                return APR_SUCCESS;
            }
        }
        *ready = -1;
        return APR_SUCCESS;
    }
}

apr_status_t
mproc_plat_channel_wait(apr_int64_t end, const apr_int64_t *procs, int count,
                        int *ready, apr_time_t deadline)
{
    struct pollfd few[POLL_FEW];
    struct pollfd *items = few;

    *ready = -1;
    if (count >= POLL_FEW) {
        items = malloc(sizeof *items * ((size_t)count + 1));
        if (items == NULL) {
            return APR_ENOMEM;
        }
    }
    items[0] = (struct pollfd){.fd = (int)end, .events = POLLIN};
    for (int i = 0; i < count; i++) {
        items[i + 1] = (struct pollfd){.fd = (int)procs[i], .events = POLLIN};
    }
    apr_status_t rv = items_wait(items, count + 1, ready, deadline);
    if (items != few) {
        free(items);
    }
    return rv;
}

void
mproc_plat_channel_close(apr_int64_t end)
{
    if (end >= 0) {
        close((int)end);
    }
}
