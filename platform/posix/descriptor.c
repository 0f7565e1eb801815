/*
 * descriptor.c: small things with descriptors that both Unix back ends need.
 *
 * The hard one is arranging the standard streams: a source may lie where
 * another one has to go, so those are moved out of the way first.
 */
#define _GNU_SOURCE 1

#include "posix/descriptor.h"

#include <apr_portable.h>

#include <errno.h>
#include <limits.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat_sys.h"

int
mproc__fd_private(int fd)
{
    if (fd < 0) {
        return -1;
    }
    if (fd > STDERR_FILENO) {
        if (mproc__fd_cloexec(fd, 1) == 0) {
            return fd;
        }
    }
    int moved = -1;
    if (fd <= STDERR_FILENO) {
        moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

int
mproc__fd_cloexec(int fd, int on)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0) {
        return -1;
    }
    int wanted = on ? (flags | FD_CLOEXEC) : (flags & ~FD_CLOEXEC);
    return wanted == flags ? 0 : fcntl(fd, F_SETFD, wanted);
}

void
mproc__fd_identify(apr_uint64_t identity[2], int fd)
{
    struct stat file;

    identity[0] = identity[1] = 0;
    if (fstat(fd, &file) == 0) {
        identity[0] = (apr_uint64_t)file.st_dev;
        identity[1] = (apr_uint64_t)file.st_ino;
    }
}

int
mproc__fd_is(int fd, const apr_uint64_t identity[2])
{
    apr_uint64_t now[2];

    mproc__fd_identify(now, fd);
    return now[0] == identity[0] && now[1] == identity[1];
}

int
mproc__fd_pipe(int end[2])
{
    int made[2];

    end[0] = -1;
    end[1] = -1;
#ifdef MPROC_HAVE_PIPE2
    if (pipe2(made, O_CLOEXEC) != 0) {
        return -1;
    }
#else
    if (pipe(made) != 0) {
        return -1;
    }
#endif
    end[0] = mproc__fd_private(made[0]);
    int error = errno;
    end[1] = mproc__fd_private(made[1]);
    if (end[0] >= 0 && end[1] >= 0) {
        return 0;
    }
    error = end[0] < 0 ? error : errno;
    for (int i = 0; i < 2; i++) {
        if (end[i] >= 0) {
            close(end[i]);
            end[i] = -1;
        }
    }
    errno = error;
    return -1;
}

int
mproc__fd_timeout(apr_time_t deadline)
{
    if (deadline == MPROC_PLAT_NEVER) {
        return -1;
    }
    apr_time_t now = mproc_plat_clock();
    if (deadline <= now) {
        return 0;
    }
    apr_time_t left = deadline - now;
    if (left / 1000 >= INT_MAX) {
        return INT_MAX;
    }
    return (int)((left + 999) / 1000);
}

apr_status_t
mproc__fd_wait(int fd, short events, apr_time_t deadline)
{
    for (;;) {
        struct pollfd item = {.fd = fd, .events = events};
        int timeout = mproc__fd_timeout(deadline);
        int count = poll(&item, 1, timeout);
        if (count > 0) {
            return APR_SUCCESS;
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return errno;
        }
        if (timeout == 0) {
            return APR_TIMEUP;
        }
    }
}

apr_status_t
mproc__fd_streams(int source[3], int *null, apr_file_t *const stream[3])
{
    *null = -1;
    for (int i = 0; i < 3; i++) {
        apr_os_file_t fd = -1;
        if (stream[i] != NULL) {
            apr_status_t rv = apr_os_file_get(&fd, stream[i]);
            if (rv != APR_SUCCESS) {
                return rv;
            }
            if (fd < 0) {
                return APR_EBADF;
            }
        }
        source[i] = fd;
    }
    if (source[0] < 0) {
        *null = mproc__fd_private(open("/dev/null", O_RDWR | O_CLOEXEC));
        if (*null < 0) {
            return errno;
        }
        source[0] = *null;
    }
    return APR_SUCCESS;
}

int
mproc__fd_arrange(int source[3])
{
    for (int i = 0; i < 3; i++) {
        if (source[i] >= 0 && source[i] <= STDERR_FILENO && source[i] != i) {
            source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
            if (source[i] < 0) {
                return -1;
            }
        }
    }
    for (int i = 0; i < 3; i++) {
        if (source[i] == i) {
            if (mproc__fd_cloexec(i, 0) != 0) {
                return -1;
            }
        }
        else if (source[i] >= 0) {
            while (dup2(source[i], i) < 0) {
                if (errno != EINTR && errno != EBUSY) {
                    return -1;
                }
            }
        }
    }
    return 0;
}
