/*
 * tls_openssl.c: TLS by OpenSSL's libssl, 1.1 or newer. Bytes go through
 * buffers in memory, so that the library never touches a handle.
 *
 * A server keeps no sessions and sends no tickets: all that comes after the
 * handshake is data, so that who sees that something came finds some.
 */
#include "../src/tls.h"

#include <limits.h>
#include <stdlib.h>

#include <apr_strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <mproc/error.h>

#include "../src/error.h"

struct mproc__tls_context_t {
    SSL_CTX *ssl;
    int connects;
    const char *name; /* that the certificate must have; NULL: the host's */
};

struct mproc__tls_t {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    char why[160];
};

/* ----------------------------------------------------------------- context */

static const char *
library_says(char *text, size_t size)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    if (code == 0) {
        return "the library does not say why";
    }
    ERR_error_string_n(code, text, size);
    return text;
}

static apr_status_t
context_free(void *data)
{
    SSL_CTX_free(data);
    return APR_SUCCESS;
}

static apr_status_t
context_refused(const char *call, const char *what, const char *file)
{
    char text[160];

    return mproc__fail(APR_EINVAL, "%s: %s \"%.200s\" cannot be used: %s", call,
                       what, file, library_says(text, sizeof text));
}

/* What this side shows. */
static apr_status_t
context_show(SSL_CTX *ssl, const mproc_tls_options_t *options, const char *call)
{
    if (options->certificate == NULL) {
        return APR_SUCCESS;
    }
    if (SSL_CTX_use_certificate_chain_file(ssl, options->certificate) != 1) {
        return context_refused(call, "the certificate", options->certificate);
    }
    if (options->key == NULL ||
        SSL_CTX_use_PrivateKey_file(ssl, options->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ssl) != 1) {
        return context_refused(call, "the certificate's key",
                               options->key == NULL ? "" : options->key);
    }
    return APR_SUCCESS;
}

/* What the other side has to show. */
static apr_status_t
context_ask(SSL_CTX *ssl, const mproc_tls_options_t *options, int connects,
            const char *call)
{
    int good = 1;

    if (options->authorities != NULL) {
        good = SSL_CTX_load_verify_locations(ssl, options->authorities, NULL);
    }
    else if (connects) {
        good = SSL_CTX_set_default_verify_paths(ssl);
    }
    if (good != 1) {
        return context_refused(
            call, "the file of authorities",
            options->authorities == NULL ? "" : options->authorities);
    }
    if (connects || options->authorities != NULL) {
        SSL_CTX_set_verify(
            ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__tls_context_create(mproc__tls_context_t **context,
                          const mproc_tls_options_t *options, int connects,
                          const char *call, apr_pool_t *pool)
{
    SSL_CTX *ssl;
    apr_status_t rv;

    *context = NULL;
    if (!connects && options->certificate == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: a listener that speaks TLS shows a "
                           "certificate: set its file and its key's",
                           call);
    }
    ssl = SSL_CTX_new(connects ? TLS_client_method() : TLS_server_method());
    if (ssl == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: no memory for TLS", call);
    }
    apr_pool_cleanup_register(pool, ssl, context_free, apr_pool_cleanup_null);
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    rv = context_show(ssl, options, call);
    if (rv == APR_SUCCESS) {
        rv = context_ask(ssl, options, connects, call);
    }
    if (rv == APR_SUCCESS) {
        *context = apr_pcalloc(pool, sizeof **context);
        (*context)->ssl = ssl;
        (*context)->connects = connects;
        (*context)->name = apr_pstrdup(pool, options->name);
    }
    return rv;
}

/* --------------------------------------------------------------- one stream */

/* The certificate must be for this host, by name or by number. */
static int
stream_expect(SSL *ssl, const char *host)
{
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ||
           (SSL_set1_host(ssl, host) == 1 &&
            SSL_set_tlsext_host_name(ssl, host) == 1);
}

apr_status_t
mproc__tls_create(mproc__tls_t **tls, mproc__tls_context_t *context,
                  const char *host)
{
    mproc__tls_t *made = calloc(1, sizeof *made);

    *tls = NULL;
    if (made == NULL) {
        return APR_ENOMEM;
    }
    made->ssl = SSL_new(context->ssl);
    made->in = BIO_new(BIO_s_mem());
    made->out = BIO_new(BIO_s_mem());
    if (made->ssl == NULL || made->in == NULL || made->out == NULL) {
        BIO_free(made->in);
        BIO_free(made->out);
        SSL_free(made->ssl);
        free(made);
        return APR_ENOMEM;
    }
    BIO_set_mem_eof_return(made->in, -1);
    SSL_set_bio(made->ssl, made->in, made->out);
    if (!context->connects) {
        SSL_set_accept_state(made->ssl);
    }
    else {
        SSL_set_connect_state(made->ssl);
        if (!stream_expect(made->ssl,
                           context->name != NULL ? context->name : host)) {
            mproc__tls_free(made);
            return APR_ENOMEM;
        }
    }
    *tls = made;
    return APR_SUCCESS;
}

void
mproc__tls_free(mproc__tls_t *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

/* What became of a call that the library did not do. */
static apr_status_t
stream_result(mproc__tls_t *tls, int done)
{
    long verdict;

    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return APR_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return APR_EOF;
    default:
        break;
    }
    verdict = SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        apr_snprintf(tls->why, sizeof tls->why,
                     "its certificate is not accepted: %s",
                     X509_verify_cert_error_string(verdict));
        return MPROC_EAUTH;
    }
    library_says(tls->why, sizeof tls->why);
    return SSL_is_init_finished(tls->ssl) ? MPROC_EFORMAT : MPROC_EAUTH;
}

apr_status_t
mproc__tls_shake(mproc__tls_t *tls)
{
    int done;

    if (SSL_is_init_finished(tls->ssl)) {
        return APR_SUCCESS;
    }
    ERR_clear_error();
    done = SSL_do_handshake(tls->ssl);
    return done == 1 ? APR_SUCCESS : stream_result(tls, done);
}

int
mproc__tls_is_open(mproc__tls_t *tls)
{
    return SSL_is_init_finished(tls->ssl);
}

const char *
mproc__tls_why(mproc__tls_t *tls)
{
    return tls->why;
}

apr_status_t
mproc__tls_put(mproc__tls_t *tls, const void *data, apr_size_t size,
               apr_size_t *taken)
{
    int done;

    *taken = 0;
    ERR_clear_error();
    done = SSL_write(tls->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    if (done <= 0) {
        return stream_result(tls, done);
    }
    *taken = (apr_size_t)done;
    return APR_SUCCESS;
}

apr_status_t
mproc__tls_get(mproc__tls_t *tls, void *data, apr_size_t *size)
{
    int room = *size < INT_MAX ? (int)*size : INT_MAX, done;

    *size = 0;
    ERR_clear_error();
    done = SSL_read(tls->ssl, data, room);
    if (done <= 0) {
        return stream_result(tls, done);
    }
    *size = (apr_size_t)done;
    return APR_SUCCESS;
}

int
mproc__tls_has(mproc__tls_t *tls)
{
    char first;

    ERR_clear_error();
    return SSL_peek(tls->ssl, &first, 1) > 0;
}

void
mproc__tls_end(mproc__tls_t *tls)
{
    ERR_clear_error();
    if (SSL_is_init_finished(tls->ssl)) {
        (void)SSL_shutdown(tls->ssl);
    }
    ERR_clear_error();
}

apr_status_t
mproc__tls_feed(mproc__tls_t *tls, const void *data, apr_size_t size)
{
    return BIO_write(tls->in, data, (int)size) == (int)size ? APR_SUCCESS
                                                            : APR_ENOMEM;
}

apr_size_t
mproc__tls_drain(mproc__tls_t *tls, void *data, apr_size_t size)
{
    int got = BIO_read(tls->out, data, (int)size);

    return got > 0 ? (apr_size_t)got : 0;
}
