/* hmac_none.c: built with MPROC_WITH_NET=OFF: no cryptography, no listeners. */
#include "../src/hmac.h"

int
mproc__hmac_exists(void)
{
    return 0;
}

apr_size_t
mproc__hmac_size(const char *digest)
{
    (void)digest;
    return 0;
}

apr_status_t
mproc__hmac(const char *digest, mproc_bytes_t key, mproc_bytes_t message,
            unsigned char mac[MPROC__MAC_MOST])
{
    (void)digest;
    (void)key;
    (void)message;
    (void)mac;
    return APR_ENOTIMPL;
}

int
mproc__hmac_same(const void *one, const void *other, apr_size_t size)
{
    (void)one;
    (void)other;
    (void)size;
    return 0;
}
