/* net_unix.h: what is different with Unix sockets. */
#ifndef MPROC_PLATFORM_POSIX_NET_UNIX_H
#define MPROC_PLATFORM_POSIX_NET_UNIX_H

#include <apr_errno.h>

#include <sys/socket.h>
#include <sys/un.h>

/* Bind and listen, as the contract says. */
apr_status_t mproc__unix_listen(int fd, const struct sockaddr_un *name,
                                socklen_t size, int backlog);

/* Whether a client is this user, or root; 1 where that cannot be told. */
int mproc__unix_peer_is_ours(int fd);
/* Whether the system tells. */
int mproc__unix_peer_is_told(void);

#endif
