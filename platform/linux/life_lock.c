/*
 * life_lock.c: proof of life on Linux: a lock on one byte of the mapping's
 * file, with a second look before anybody is called dead.
 *
 * The kernel drops the lock in the moment the process ends, even while it
 * stays a zombie. But it also drops it when the host closes our descriptor,
 * which well-meant programs do. So a process without its lock is asked
 * whether it runs, began before the holder took its slot, and still maps the
 * memory: the last tells a closed descriptor from another program by exec.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_life.h"

#include "posix/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* The locks lie beyond any byte that the mapping can have. */
#define LOCK_BASE ((off_t)1 << 60)

#define MICROSECONDS 1000000

/* Unknown: /proc is not there, or not for us. */
#define START_UNKNOWN 0
/* No such process. */
#define START_NONE APR_UINT64_MAX

/* Whether the descriptor is still the mapping's, or the host has closed it.
 * The seals, which others hardly have, are asked for first: a forked child
 * need not touch a page of the C library for that. */
static int
map_is(const mproc_plat_map_t *map)
{
    const int ours = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int seals = fcntl((int)map->handle, F_GET_SEALS);

    return (seals >= 0 && (seals & ours) == ours) ||
           mproc__fd_is((int)map->handle, map->identity);
}

static int
lock_call(const mproc_plat_map_t *map, apr_uint32_t slot, int command,
          struct flock *lock)
{
    lock->l_whence = SEEK_SET;
    lock->l_start = LOCK_BASE + (off_t)slot;
    lock->l_len = 1;
    if (!map_is(map)) {
        errno = EBADF;
        return -1;
    }
    for (;;) {
        int rv = fcntl((int)map->handle, command, lock);
        if (rv == 0 || errno != EINTR) {
            return rv;
        }
    }
}

static int
proc_open(apr_int64_t pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%lld/%s", (long long)pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* When a process began, rounded down, on the clock of mproc_plat_life_start():
 * field 22 of /proc/PID/stat. The name in field 2 may contain anything, but
 * nothing behind it contains a parenthesis. */
static apr_uint64_t
start_of(apr_int64_t pid)
{
    char text[1024];
    int fd = proc_open(pid, "stat");

    if (fd < 0) {
        return errno == ENOENT && access("/proc/self/stat", R_OK) == 0
                   ? START_NONE
                   : START_UNKNOWN;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    int error = errno;
    close(fd);
    if (length <= 0) {
        return length < 0 && error == ESRCH ? START_NONE : START_UNKNOWN;
    }
    text[length] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    apr_uint64_t ticks = at != NULL ? strtoull(at, NULL, 10) : 0;
    apr_uint64_t second = (apr_uint64_t)sysconf(_SC_CLK_TCK);
    return ticks > 0 ? ticks / second * MICROSECONDS +
                           ticks % second * MICROSECONDS / second
                     : START_UNKNOWN;
}

/* Whether the pid has come to another process since `start`. */
static int
start_is_later(apr_int64_t pid, apr_uint64_t start)
{
    if (start == START_UNKNOWN) {
        return 0;
    }
    apr_uint64_t now = start_of(pid);
    return now != START_UNKNOWN && now > start; /* Or there is none. */
}

/* One line of /proc/PID/maps: "begin-end rwxp offset major:minor inode". */
static int
line_maps(const char *line, const mproc_plat_map_t *map)
{
    unsigned long long inode;
    unsigned major_number;
    unsigned minor_number;

    return sscanf(line, "%*s %*s %*s %x:%x %llu", &major_number, &minor_number,
                  &inode) == 3 &&
           inode == map->identity[1] &&
           major_number == major((dev_t)map->identity[0]) &&
           minor_number == minor((dev_t)map->identity[0]);
}

/* Whether the process maps our memory: 1, 0, or -1 for "cannot tell". */
static int
process_maps(const mproc_plat_map_t *map, apr_int64_t pid)
{
    char line[512];
    int found = 0;
    int lines = 0;

    int fd = proc_open(pid, "maps");
    FILE *maps = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (maps == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    /* The rest of a longer line does not look like the beginning of one. */
    while (!found && fgets(line, sizeof line, maps) != NULL) {
        lines++;
        found = line_maps(line, map);
    }
    fclose(maps);
    /* One that is about to end has no memory left, and is not dead yet. */
    return lines > 0 ? found : -1;
}

/* Whether nothing runs under the pid any more: 1, 0, or -1. */
static int
process_gone(apr_int64_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

    if (fd < 0) {
        return errno == ESRCH ? 1 : -1;
    }
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int gone = poll(&item, 1, 0) > 0;
    close(fd);
    return gone;
}

/* Not read from /proc: that costs a short-lived process more than all else
 * it does to attach. */
apr_uint64_t
mproc_plat_life_start(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_BOOTTIME, &now) == 0
               ? (apr_uint64_t)now.tv_sec * MICROSECONDS +
                     (apr_uint64_t)now.tv_nsec / 1000
               : START_UNKNOWN;
}

apr_status_t
mproc_plat_life_hold(const mproc_plat_map_t *map, apr_uint32_t slot)
{
    struct flock lock = {.l_type = F_WRLCK};

    return lock_call(map, slot, F_SETLK, &lock) == 0 ? APR_SUCCESS : errno;
}

void
mproc_plat_life_drop(const mproc_plat_map_t *map, apr_uint32_t slot)
{
    struct flock lock = {.l_type = F_UNLCK};

    (void)lock_call(map, slot, F_SETLK, &lock);
}

int
mproc_plat_life_ended(const mproc_plat_map_t *map, apr_uint32_t slot,
                      apr_int64_t pid, apr_uint64_t start)
{
    struct flock lock = {.l_type = F_WRLCK};

    if (pid == getpid()) {
        return start_is_later(pid, start);
    }
    int looked = lock_call(map, slot, F_GETLK, &lock) == 0;
    if (looked && lock.l_type != F_UNLCK) {
        return 0;
    }
    if (pid <= 0 || process_gone(pid) == 1) {
        return 1;
    }
    if (start_is_later(pid, start)) {
        return 1;
    }
    return looked && process_maps(map, pid) == 0;
}
