/* hmac_openssl.c: HMAC by OpenSSL's libcrypto, 1.1 or newer. */
#include "../src/hmac.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int
mproc__hmac_exists(void)
{
    return 1;
}

static const EVP_MD *
digest_find(const char *digest)
{
    return strcmp(digest, "sha256") == 0     ? EVP_sha256()
           : strcmp(digest, "sha384") == 0   ? EVP_sha384()
           : strcmp(digest, "sha3_256") == 0 ? EVP_sha3_256()
           : strcmp(digest, "sha3_384") == 0 ? EVP_sha3_384()
           : strcmp(digest, "md5") == 0      ? EVP_md5()
                                             : NULL;
}

apr_size_t
mproc__hmac_size(const char *digest)
{
    const EVP_MD *md = digest_find(digest);

    return md == NULL ? 0 : (apr_size_t)EVP_MD_size(md);
}

apr_status_t
mproc__hmac(const char *digest, mproc_bytes_t key, mproc_bytes_t message,
            unsigned char mac[MPROC__MAC_MOST])
{
    const EVP_MD *md = digest_find(digest);
    unsigned size = 0;

    if (md == NULL || key.size > INT_MAX ||
        HMAC(md, key.data, (int)key.size, message.data, message.size, mac,
             &size) == NULL ||
        size != (unsigned)EVP_MD_size(md)) {
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

int
mproc__hmac_same(const void *one, const void *other, apr_size_t size)
{
    return CRYPTO_memcmp(one, other, size) == 0;
}
