/*
 * net_unix.c: the path of a Unix socket.
 *
 * A path outlives its listener when that is killed. Such a one is known by that
 * nobody answers, and is removed; but nobody answers either between bind() and
 * listen() of another. So who binds has a lock on the folder until it listens,
 * and only who has it takes over. A lock that another program holds for long
 * is not waited for: then nothing is taken over. It is on the open folder, so
 * it is gone when who holds it is killed. Who may not read the folder cannot
 * lock it, and does without.
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

/* Whether the path is a socket that a dead listener left. */
static int
path_is_stale(const struct sockaddr_un *name, socklen_t size)
{
    struct stat file;
    int fd, stale;

    if (lstat(name->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return 0;
    }
    fd = mproc__fd_private(socket(AF_UNIX, SOCK_STREAM, 0));
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        stale = 0;
    }
    else {
        stale = connect(fd, (const struct sockaddr *)name, size) != 0 &&
                errno == ECONNREFUSED;
    }
    if (fd >= 0) {
        close(fd);
    }
    return stale;
}

static apr_status_t
path_bind(int fd, const struct sockaddr_un *name, socklen_t size, int lock)
{
    const struct sockaddr *where = (const struct sockaddr *)name;

    if (bind(fd, where, size) == 0) {
        return APR_SUCCESS;
    }
    if (errno != EADDRINUSE) {
        return errno;
    }
    if (lock == OCCUPIED || !path_is_stale(name, size) ||
        unlink(name->sun_path) != 0) {
        return EADDRINUSE;
    }
    return bind(fd, where, size) == 0 ? APR_SUCCESS : errno;
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
    int folder;
    int lock = folder_lock(&folder, name);
    apr_status_t rv;

    (void)fchmod(fd, OWNER);
    rv = path_bind(fd, name, size, lock);
    if (rv == APR_SUCCESS) {
        rv = path_protect(name);
        if (rv == APR_SUCCESS && listen(fd, backlog) != 0) {
            rv = errno;
            unlink(name->sun_path);
        }
    }
    folder_unlock(folder);
    return rv;
}
