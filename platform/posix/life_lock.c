/*
 * life_lock.c: proof of life by a lock on one byte of the mapping's file.
 *
 * The system drops the lock in the moment the process ends, even while it
 * stays a zombie. It also drops it when the process closes any descriptor of
 * that file, and POSIX has no second way to look: a host that closes
 * descriptors that are not its own counts as dead.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_life.h"

#include "posix/descriptor.h"

#include <errno.h>

#include <fcntl.h>
#include <unistd.h>

/* The locks lie beyond any byte that the mapping can have. */
#define LOCK_BASE ((off_t)1 << 60)

static int
lock_call(const mproc_plat_map_t *map, apr_uint32_t slot, int command,
          struct flock *lock)
{
    lock->l_whence = SEEK_SET;
    lock->l_start = LOCK_BASE + (off_t)slot;
    lock->l_len = 1;
    if (!mproc__fd_is((int)map->handle, map->identity)) {
        errno = EBADF; /* The host has closed it. */
        return -1;
    }
    for (;;) {
        int rv = fcntl((int)map->handle, command, lock);
        if (rv == 0 || errno != EINTR) {
            return rv;
        }
    }
}

apr_uint64_t
mproc_plat_life_start(void)
{
    return 0;
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

    (void)start;
    /* One's own locks are not shown to oneself. */
    return pid != getpid() && lock_call(map, slot, F_GETLK, &lock) == 0 &&
           lock.l_type == F_UNLCK;
}
