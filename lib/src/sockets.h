/*
 * sockets.h: the handles of plat_net.h that this process has. The protocol
 * stands at the top of sockets.c.
 */
#ifndef MPROC_SRC_SOCKETS_H
#define MPROC_SRC_SOCKETS_H

#include <mproc/types.h>

#include "../../platform/plat_net.h"
#include "tls.h"

typedef struct mproc__secret_t mproc__secret_t; /* what TLS needs */

typedef struct mproc__socket_t {
    apr_int64_t handle;      /* -1: it was the parent's */
    mproc__secret_t *secret; /* NULL: what is sent is not encrypted */
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

/* Encrypt all that is sent from now on. */
apr_status_t mproc__socket_secure(mproc__socket_t *socket,
                                  mproc__tls_context_t *context,
                                  const char *host);
/* Go on with the handshake of TLS, if there is one to be done. As
 * mproc__tls_shake(); and APR_EOF, APR_ECONNRESET, APR_EPIPE. */
apr_status_t mproc__socket_shake(mproc__socket_t *socket);
const char *mproc__socket_why(mproc__socket_t *socket);

/* As mproc_plat_net_send() and _recv(); and what mproc__tls_put() and _get()
 * say. One thread may send while another receives. What was accepted last is
 * gone to the system when a flush says so. */
apr_status_t mproc__socket_send(mproc__socket_t *socket, const void *head,
                                apr_size_t head_size, const void *body,
                                apr_size_t body_size, apr_size_t *sent);
apr_status_t mproc__socket_flush(mproc__socket_t *socket);
apr_status_t mproc__socket_recv(mproc__socket_t *socket, void *data,
                                apr_size_t *size);

/* After APR_EAGAIN from sending, or not: what the handle is to be waited for.
 * 1: room. */
int mproc__socket_lacks_room(mproc__socket_t *socket, int sends);
/* Whether something that was encrypted can be received; it looks at all that
 * came. */
int mproc__socket_has(mproc__socket_t *socket);
/* Tell the other side, if it can be done at once, that no more comes. */
void mproc__socket_farewell(mproc__socket_t *socket);

/* Close it, and free it; NULL is fine. Nobody waits for it any more. */
void mproc__socket_close(mproc__socket_t *socket);

/* In a forked child that is to have none, while it has one thread: close the
 * parent's. They are still to be closed by who has them. */
void mproc__sockets_drop(void);

#endif
