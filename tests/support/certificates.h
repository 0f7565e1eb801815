/* certificates.h: certificates for tests of TLS, made anew for each. */
#ifndef MPROC_TESTS_CERTIFICATES_H
#define MPROC_TESTS_CERTIFICATES_H

#include <apr_pools.h>

typedef struct certificate_t {
    const char *file; /* the certificate, in PEM */
    const char *key;  /* its key, likewise */
    void *certificate_made, *key_made;
} certificate_t;

/* Whether there is a library to make some with. */
int certificates_exist(void);

/* Make one for a host, a number or a name, signed by an authority, or, when
 * that is NULL, an authority; `days` that it is good for, from yesterday on.
 * The files go with the pool. 0: it failed. */
int certificate_make(certificate_t *made, const char *host,
                     const certificate_t *authority, int days,
                     apr_pool_t *pool);

#endif
