/*
 * hmac.h: what is asked of the library of cryptography: lib/net/hmac_NAME.c,
 * one of which is built.
 */
#ifndef MPROC_SRC_HMAC_H
#define MPROC_SRC_HMAC_H

#include <mproc/types.h>

#define MPROC__MAC_MOST 64

/* Whether there is such a library. */
int mproc__hmac_exists(void);

/* How many bytes the MAC by a digest has, 0 for one that is unknown: md5,
 * sha256, sha384, sha3_256, sha3_384. */
apr_size_t mproc__hmac_size(const char *digest);

/* APR_EGENERAL when the library refuses, as it may do with md5. */
apr_status_t mproc__hmac(const char *digest, mproc_bytes_t key,
                         mproc_bytes_t message,
                         unsigned char mac[MPROC__MAC_MOST]);

/* Compare in a time that does not depend on what is the same. */
int mproc__hmac_same(const void *one, const void *other, apr_size_t size);

#endif
