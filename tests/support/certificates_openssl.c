/* certificates_openssl.c: by OpenSSL, 1.1 or newer. */
#include "certificates.h"

#include <ctype.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

int
certificates_exist(void)
{
    return 1;
}

static apr_status_t
certificate_free(void *data)
{
    X509_free(data);
    return APR_SUCCESS;
}

static apr_status_t
key_free(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static EVP_PKEY *
key_make(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    if (context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) ==
            1) {
        (void)EVP_PKEY_keygen(context, &key);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static int
extension_add(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    int good =
        extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return good;
}

static int
certificate_fill(X509 *certificate, EVP_PKEY *key, const char *host,
                 const certificate_t *authority, int days, apr_pool_t *pool)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    unsigned char serial[4];
    const char *kind = isdigit((unsigned char)host[0]) ? "IP:" : "DNS:";

    apr_generate_random_bytes(serial, sizeof serial);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate),
                     serial[0] << 16 | serial[1] << 8 | serial[2] | 1 << 24);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)(days - 1) * 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)host, -1, -1, 0);
    X509_set_issuer_name(
        certificate, authority == NULL
                         ? name
                         : X509_get_subject_name(authority->certificate_made));
    return extension_add(certificate, NID_basic_constraints,
                         authority == NULL ? "critical,CA:TRUE" : "CA:FALSE") &&
           extension_add(certificate, NID_subject_alt_name,
                         apr_pstrcat(pool, kind, host, NULL)) &&
           X509_sign(certificate, authority == NULL ? key : authority->key_made,
                     EVP_sha256()) > 0;
}

static apr_status_t
file_remove(void *data)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) == APR_SUCCESS) {
        (void)apr_file_remove(data, pool);
        apr_pool_destroy(pool);
    }
    return APR_SUCCESS;
}

/* A file that goes with the pool; NULL: there is none. It is closed: Windows
 * lets nobody write to one that goes when it is closed. */
static const char *
file_make(apr_pool_t *pool)
{
    const char *folder;
    char *name;
    apr_file_t *file;

    if (apr_temp_dir_get(&folder, pool) != APR_SUCCESS) {
        return NULL;
    }
    name = apr_pstrcat(pool, folder, "/mproc-test-XXXXXX", NULL);
    if (apr_file_mktemp(&file, name,
                        APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_WRITE,
                        pool) != APR_SUCCESS) {
        return NULL;
    }
    apr_file_close(file);
    apr_pool_cleanup_register(pool, name, file_remove, apr_pool_cleanup_null);
    return name;
}

int
certificate_make(certificate_t *made, const char *host,
                 const certificate_t *authority, int days, apr_pool_t *pool)
{
    BIO *file, *key_file;
    int good;

    made->certificate_made = X509_new();
    made->key_made = key_make();
    apr_pool_cleanup_register(pool, made->certificate_made, certificate_free,
                              apr_pool_cleanup_null);
    apr_pool_cleanup_register(pool, made->key_made, key_free,
                              apr_pool_cleanup_null);
    if (made->certificate_made == NULL || made->key_made == NULL ||
        !certificate_fill(made->certificate_made, made->key_made, host,
                          authority, days, pool)) {
        return 0;
    }
    made->file = file_make(pool);
    made->key = file_make(pool);
    if (made->file == NULL || made->key == NULL) {
        return 0;
    }
    file = BIO_new_file(made->file, "w");
    key_file = BIO_new_file(made->key, "w");
    good = file != NULL && key_file != NULL &&
           PEM_write_bio_X509(file, made->certificate_made) == 1 &&
           PEM_write_bio_PrivateKey(key_file, made->key_made, NULL, NULL, 0,
                                    NULL, NULL) == 1;
    BIO_free(file);
    BIO_free(key_file);
    return good;
}
