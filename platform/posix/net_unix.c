/*
 * net_unix.c: the path of a Unix socket.
 *
 * A path outlives its listener when that is killed. Such a one is known by that
 * no socket has it any more: to connect one of another type says so, and
 * bothers nobody who listens, or is about to. It is removed; of two who want
 * to, the slower one would remove the path of the quicker one, so it is done
 * under a lock on the folder. That is gone when who has it is killed. When
 * another program holds it for long, nothing is taken over; who may not read
 * the folder cannot lock it, and does without.
 *
 * The path gets its rights from the socket, where the system does that;
 * elsewhere they are set before anybody can connect.
 */
#define _GNU_SOURCE 1

#include "posix/net_unix.h"

#include <errno.h>
#include <string.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plat_net.h"
#include "plat_self.h"
#include "plat_sys.h"
#include "posix/descriptor.h"

#define OWNER (S_IRUSR | S_IWUSR)
#define PATIENCE (500 * 1000) /* microseconds, for the lock */
#define GLANCE 2              /* milliseconds between looks */

enum {
    LOCKED,
    UNLOCKABLE,
    OCCUPIED
};

/* Lock the folder of a path; *fd receives what to unlock, or -1. */
static int
folder_lock(int *fd, const struct sockaddr_un *name)
{
    char folder[sizeof name->sun_path];
    apr_time_t deadline = mproc_plat_clock() + PATIENCE;
    const char *slash = strrchr(name->sun_path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - name->sun_path);

    memcpy(folder, name->sun_path, length);
    strcpy(folder + length, slash == NULL ? "." : length == 0 ? "/" : "");
    *fd = mproc__fd_private(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    while (*fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            close(*fd);
            *fd = -1;
        }
        else if (mproc_plat_clock() >= deadline) {
            close(*fd);
            *fd = -1;
            return OCCUPIED;
        }
        else {
            (void)poll(NULL, 0, GLANCE);
        }
    }
    return *fd < 0 ? UNLOCKABLE : LOCKED;
}

/* Unlocked by name: a child that was forked meanwhile has it open, too. */
static void
folder_unlock(int fd)
{
    if (fd >= 0) {
        (void)flock(fd, LOCK_UN);
        close(fd);
    }
}

/* Whether the path is a socket that a dead process left. */
static int
path_is_stale(const struct sockaddr_un *name, socklen_t size)
{
    struct stat file;
    int fd, stale;

    if (lstat(name->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return 0;
    }
    fd = mproc__fd_private(socket(AF_UNIX, SOCK_DGRAM, 0));
    if (fd < 0) {
        return 0;
    }
    stale = connect(fd, (const struct sockaddr *)name, size) != 0 &&
            errno == ECONNREFUSED; /* and not EPROTOTYPE */
    close(fd);
    return stale;
}

static apr_status_t
path_take_over(int fd, const struct sockaddr_un *name, socklen_t size)
{
    int folder;
    int lock = folder_lock(&folder, name);
    apr_status_t rv = EADDRINUSE;

    if (lock != OCCUPIED && path_is_stale(name, size) &&
        unlink(name->sun_path) == 0) {
        rv = bind(fd, (const struct sockaddr *)name, size) == 0 ? APR_SUCCESS
                                                                : errno;
    }
    folder_unlock(folder);
    return rv;
}

/* A path that is somebody else's by now is left alone. */
static apr_status_t
path_protect(const struct sockaddr_un *name)
{
    struct stat file;

    if (lstat(name->sun_path, &file) != 0) {
        return errno;
    }
    if (!S_ISSOCK(file.st_mode)) {
        return EEXIST;
    }
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0 &&
        chmod(name->sun_path, OWNER) != 0) {
        return errno;
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__unix_listen(int fd, const struct sockaddr_un *name, socklen_t size,
                   int backlog)
{
    apr_status_t rv = APR_SUCCESS;

    (void)fchmod(fd, OWNER);
    if (bind(fd, (const struct sockaddr *)name, size) != 0) {
        rv = errno == EADDRINUSE ? path_take_over(fd, name, size) : errno;
    }
    if (rv == APR_SUCCESS) {
        rv = path_protect(name);
        if (rv == APR_SUCCESS && listen(fd, backlog) != 0) {
            rv = errno;
            unlink(name->sun_path);
        }
    }
    return rv;
}

void
mproc_plat_net_folder_remove(const char *folder)
{
    int cancel = mproc_plat_self_cancel(0);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)unlinkat(fd, MPROC_PLAT_NET_OWN, 0);
        close(fd);
    }
    (void)rmdir(folder);
    (void)mproc_plat_self_cancel(cancel);
}
