/*
 * net_pipe.h: named pipes among the handles of plat_net.h. A pipe's handle is
 * odd, a socket's never is. The protocol stands at the top of net_pipe.c.
 */
#ifndef MPROC_PLATFORM_WINDOWS_NET_PIPE_H
#define MPROC_PLATFORM_WINDOWS_NET_PIPE_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include "plat_net.h"

static inline int
mproc__pipe_is(apr_int64_t handle)
{
    return (handle & 1) != 0 && handle != -1;
}

/* As the calls of plat_net.h. */
apr_status_t mproc__pipe_accept(apr_int64_t listener, apr_int64_t *handle);
apr_status_t mproc__pipe_send(apr_int64_t handle, const void *head,
                              apr_size_t head_size, const void *body,
                              apr_size_t body_size, apr_size_t *sent);
mproc_plat_net_unsent_e mproc__pipe_unsend(apr_int64_t handle);
apr_status_t mproc__pipe_recv(apr_int64_t handle, void *data, apr_size_t *size);
void mproc__pipe_end(apr_int64_t handle);
void mproc__pipe_close(apr_int64_t handle);

/* Some items' pipes, which stay while they are waited for. */
typedef struct mproc__pipes_t {
    struct mproc__pipe_t **pipe; /* of each item; NULL: none */
    HANDLE *event;               /* set when one may be ready */
    int count;                   /* of events */
} mproc__pipes_t;

/* Take hold of them. APR_ENOMEM */
apr_status_t mproc__pipes_hold(mproc__pipes_t *pipes,
                               const mproc_plat_net_item_t *items, int count);

/* Set `ready` in the items of pipes; how many are. */
int mproc__pipes_look(const mproc__pipes_t *pipes, mproc_plat_net_item_t *items,
                      int count);

void mproc__pipes_release(mproc__pipes_t *pipes, int count);

#endif
