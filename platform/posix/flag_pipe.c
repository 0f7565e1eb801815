/* flag_pipe.c: a flag is a pipe with a byte in it: two descriptors. */
#define _GNU_SOURCE 1

#include "plat_flag.h"

#include <errno.h>

#include <fcntl.h>
#include <unistd.h>

#include "posix/descriptor.h"

apr_status_t
mproc_plat_flag_create(mproc_plat_flag_t *flag)
{
    int end[2];

    flag->handle = flag->raiser = -1;
    if (mproc__fd_pipe(end) != 0) {
        return errno;
    }
    flag->handle = end[0];
    flag->raiser = end[1];
    /* Somebody else may read what he was told not to: then nobody is to wait
     * for a byte. */
    if (fcntl(end[0], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(end[1], F_SETFL, O_NONBLOCK) != 0) {
        apr_status_t rv = errno;
        mproc_plat_flag_close(flag);
        return rv;
    }
    return APR_SUCCESS;
}

void
mproc_plat_flag_raise(mproc_plat_flag_t *flag)
{
    while (write((int)flag->raiser, "", 1) < 0 && errno == EINTR) {
    }
}

void
mproc_plat_flag_lower(mproc_plat_flag_t *flag)
{
    char byte[8];

    while (read((int)flag->handle, byte, sizeof byte) < 0 && errno == EINTR) {
    }
}

void
mproc_plat_flag_close(mproc_plat_flag_t *flag)
{
    close((int)flag->handle);
    close((int)flag->raiser);
    flag->handle = flag->raiser = -1;
}
