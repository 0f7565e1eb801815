/* resolve.h: the addresses of a host, by a deadline. */
#ifndef MPROC_SRC_RESOLVE_H
#define MPROC_SRC_RESOLVE_H

#include <apr_network_io.h>

#include <mproc/types.h>

/* Find all addresses of a host. APR_TIMEUP; what the resolver says. */
apr_status_t mproc__resolve(apr_sockaddr_t **found, const char *host,
                            apr_port_t port, apr_time_t deadline,
                            apr_pool_t *pool);

/* Who is asked, without a deadline. Tests put another in its place. */
extern apr_status_t (*mproc__resolver)(apr_sockaddr_t **found, const char *host,
                                       apr_port_t port, apr_pool_t *pool);

#endif
