/* certificates_none.c: without OpenSSL. */
#include "certificates.h"

int
certificates_exist(void)
{
    return 0;
}

int
certificate_make(certificate_t *made, const char *host,
                 const certificate_t *authority, int days, apr_pool_t *pool)
{
    (void)made;
    (void)host;
    (void)authority;
    (void)days;
    (void)pool;
    return 0;
}
