/*
 * tls.h: what is asked of the library that encrypts streams:
 * lib/net/tls_NAME.c, one of which is built.
 *
 * It moves no bytes itself and never waits: the caller (sockets.c) hands it
 * what came, and sends what it makes. One thread at a time.
 */
#ifndef MPROC_SRC_TLS_H
#define MPROC_SRC_TLS_H

#include <mproc/listener.h>

/* What all streams of a listener, or a client's one, have in common. */
typedef struct mproc__tls_context_t mproc__tls_context_t;
typedef struct mproc__tls_t mproc__tls_t;

/* Load what the options name; it lasts as long as the pool. APR_EINVAL when
 * something lacks, or is not what it should be; APR_ENOTIMPL. */
apr_status_t mproc__tls_context_create(mproc__tls_context_t **context,
                                       const mproc_tls_options_t *options,
                                       int connects, const char *call,
                                       apr_pool_t *pool);

/* One stream. Who connects wants a certificate for this host. */
apr_status_t mproc__tls_create(mproc__tls_t **tls,
                               mproc__tls_context_t *context, const char *host);
void mproc__tls_free(mproc__tls_t *tls);

/* Go on with the handshake. APR_SUCCESS, it is done; APR_EAGAIN; MPROC_EAUTH;
 * MPROC_EFORMAT, the other side speaks something else. */
apr_status_t mproc__tls_shake(mproc__tls_t *tls);
int mproc__tls_is_open(mproc__tls_t *tls); /* it is done */
/* Why it failed: part of a sentence. */
const char *mproc__tls_why(mproc__tls_t *tls);

/* Encrypt some of what is to be sent. The same as mproc__tls_shake(). */
apr_status_t mproc__tls_put(mproc__tls_t *tls, const void *data,
                            apr_size_t size, apr_size_t *taken);
/* What came, decrypted. The same, and APR_EOF when the other side said so. */
apr_status_t mproc__tls_get(mproc__tls_t *tls, void *data, apr_size_t *size);
/* Whether some of what came can be had. */
int mproc__tls_has(mproc__tls_t *tls);
/* Say that no more will be put. */
void mproc__tls_end(mproc__tls_t *tls);

/* Bytes that came. */
apr_status_t mproc__tls_feed(mproc__tls_t *tls, const void *data,
                             apr_size_t size);
/* Take bytes that are to be sent; returns how many. */
apr_size_t mproc__tls_drain(mproc__tls_t *tls, void *data, apr_size_t size);

#endif
