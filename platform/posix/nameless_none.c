/* nameless_none.c: POSIX knows no file without a name. */
#include "posix/nameless.h"

#include <errno.h>

int
mproc__nameless_open(void)
{
    errno = ENOSYS;
    return -1;
}

int
mproc__nameless_link(int fd, const char *name)
{
    (void)fd;
    (void)name;
    errno = ENOSYS;
    return -1;
}
