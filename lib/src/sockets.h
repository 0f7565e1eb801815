/*
 * sockets.h: the handles of plat_net.h that this process has. The protocol
 * stands at the top of sockets.c.
 */
#ifndef MPROC_SRC_SOCKETS_H
#define MPROC_SRC_SOCKETS_H

#include <mproc/types.h>

#include "../../platform/plat_net.h"

typedef struct mproc__socket_t {
    apr_int64_t handle; /* -1: it was the parent's */
    struct mproc__socket_t *next, *previous;
} mproc__socket_t;

/* As the calls of plat_net.h do; and APR_ENOMEM. */
apr_status_t mproc__socket_open(mproc__socket_t **socket,
                                const apr_sockaddr_t *address);
apr_status_t mproc__socket_accept(mproc__socket_t **socket,
                                  const mproc__socket_t *listener,
                                  char peer[MPROC_PLAT_NET_TEXT]);

apr_status_t mproc__socket_pipe_listen(mproc__socket_t **socket,
                                       const char *name, int backlog);
apr_status_t mproc__socket_pipe_connect(mproc__socket_t **socket,
                                        const char *name, apr_time_t deadline);
apr_status_t mproc__socket_pair(mproc__socket_t *socket[2]);

/* Close it, and free it; NULL is fine. Nobody waits for it any more. */
void mproc__socket_close(mproc__socket_t *socket);

/* In a forked child that is to have none, while it has one thread: close the
 * parent's. They are still to be closed by who has them. */
void mproc__sockets_drop(void);

#endif
