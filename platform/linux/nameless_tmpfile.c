/*
 * nameless_tmpfile.c: shared memory gets its name when it is complete.
 *
 * A process that is killed before leaves nothing, and nobody ever finds a
 * block that is half made. The price is to know where the C library keeps
 * what shm_open() opens; where it is elsewhere, or /proc is not there, the
 * plain way is taken.
 */
#define _GNU_SOURCE 1

#include "posix/nameless.h"

#include <errno.h>
#include <stdio.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/descriptor.h"

#define FOLDER "/dev/shm"

int
mproc__nameless_open(void)
{
    return mproc__fd_private(
        open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
}

int
mproc__nameless_link(int fd, const char *name)
{
    char from[40], to[sizeof FOLDER + 256];

    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    if (snprintf(to, sizeof to, FOLDER "/%s", name) >= (int)sizeof to) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0) {
        return 0;
    }
    if (errno == ENOENT || errno == EXDEV || errno == EPERM ||
        errno == EACCES) {
        errno = ENOSYS;
    }
    return -1;
}
