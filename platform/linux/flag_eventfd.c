/* flag_eventfd.c: a flag is an eventfd: one descriptor. */
#define _GNU_SOURCE 1

#include "plat_flag.h"

#include <errno.h>
#include <stdint.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include "posix/descriptor.h"

apr_status_t
mproc_plat_flag_create(mproc_plat_flag_t *flag)
{
    int fd = mproc__fd_private(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

    flag->handle = fd;
    flag->raiser = -1;
    return fd < 0 ? errno : APR_SUCCESS;
}

void
mproc_plat_flag_raise(mproc_plat_flag_t *flag)
{
    uint64_t one = 1;

    while (write((int)flag->handle, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void
mproc_plat_flag_lower(mproc_plat_flag_t *flag)
{
    uint64_t count;

    while (read((int)flag->handle, &count, sizeof count) < 0 &&
           errno == EINTR) {
    }
}

void
mproc_plat_flag_close(mproc_plat_flag_t *flag)
{
    close((int)flag->handle);
    flag->handle = -1;
}
