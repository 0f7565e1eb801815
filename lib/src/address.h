/* address.h: where a listener can be found. */
#ifndef MPROC_SRC_ADDRESS_H
#define MPROC_SRC_ADDRESS_H

#include <apr_network_io.h>

#include <mproc/types.h>

typedef struct mproc__address_t {
    const char *text;         /* as it was given */
    const char *path;         /* absolute, of a Unix socket; else NULL */
    const char *host;         /* as it was given; else NULL */
    apr_sockaddr_t *resolved; /* one or several, to be tried in order */
} mproc__address_t;

/* Take it apart, and resolve it. APR_EINVAL; APR_ENOTIMPL; APR_ENAMETOOLONG;
 * what the resolver says. */
apr_status_t mproc__address_parse(mproc__address_t *address, const char *text,
                                  const char *call, apr_pool_t *pool);

/* Whether only this machine can reach it, wherever it resolves to. */
int mproc__address_is_local(const mproc__address_t *address);

#endif
