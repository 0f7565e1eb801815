/* peer_none.c: plain POSIX does not tell who is at the other side. */
#include "posix/net_unix.h"

int
mproc__unix_peer_is_ours(int fd)
{
    (void)fd;
    return 1;
}

int
mproc__unix_peer_is_told(void)
{
    return 0;
}
