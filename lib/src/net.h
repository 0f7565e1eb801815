/* net.h: what listener and client share. */
#ifndef MPROC_SRC_NET_H
#define MPROC_SRC_NET_H

#include <mproc/listener.h>

#include "address.h"
#include "auth.h"
#include "layout.h"
#include "sockets.h"

/* Options with their defaults filled in. The key is a copy in the pool; its
 * size is 0 when none is used. */
typedef struct mproc__net_t {
    mproc_net_options_t options;
    mproc__address_t address;
    mproc__tls_context_t *tls; /* NULL: nothing is encrypted */
    apr_time_t deadline;       /* for finding and reaching the other side */
} mproc__net_t;

/* APR_EINVAL, APR_ENOTIMPL, APR_TIMEUP, and what resolving says. */
apr_status_t mproc__net_prepare(mproc__net_t *net, const char *address,
                                const mproc_net_options_t *options,
                                int connects, const char *call,
                                apr_pool_t *pool);

/* Connect, handshakes and all; as mproc_client_connect(). */
apr_status_t mproc__net_connect(mproc__socket_t **socket, const char *address,
                                const mproc_net_options_t *options,
                                const char *call);

/* For where there are no named pipes. */
#define MPROC__NO_PIPES                                                        \
    "%s: \"%.200s\": this system has no named pipes; use unix:PATH"

/* Begin the handshakes of a stream, of TLS and of the key, as options say. */
apr_status_t mproc__net_begin(const mproc__net_t *net, mproc__socket_t *socket,
                              int connects, mproc__auth_t *auth);

/* Go on with them as far as that is possible without waiting.
 * @return APR_SUCCESS, both are done; APR_EAGAIN; MPROC_EAUTH or MPROC_EFORMAT,
 *         as auth->why says; APR_EOF, APR_ECONNRESET, APR_EPIPE */
apr_status_t mproc__net_shake(mproc__socket_t *socket, mproc__auth_t *auth);

/* A place that is listened at. */
typedef struct mproc__net_place_t {
    mproc__socket_t *socket;
    const char *text;         /* an address to connect to */
    const char *path;         /* of a Unix socket; else NULL */
    const char *folder;       /* made for it; else NULL */
    mproc__folder_t *note;    /* where that is noted */
    apr_uint64_t identity[2]; /* of the path, when it was made */
} mproc__net_place_t;

/* Listen there; at NULL in a new place of its own. */
apr_status_t mproc__place_open(mproc__net_place_t *place, mproc__folder_t *note,
                               const char *address,
                               const mproc_net_options_t *options,
                               mproc__net_t *net, const char *call,
                               apr_pool_t *pool);

/* Remove the path, if it is still the same, and the folder. */
void mproc__place_remove(const mproc__net_place_t *place, apr_pool_t *pool);

#endif
