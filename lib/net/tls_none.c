/* tls_none.c: built with MPROC_WITH_NET=OFF: no encryption. */
#include "../src/tls.h"

#include <mproc/error.h>

#include "../src/error.h"

apr_status_t
mproc__tls_context_create(mproc__tls_context_t **context,
                          const mproc_tls_options_t *options, int connects,
                          const char *call, apr_pool_t *pool)
{
    (void)options;
    (void)connects;
    (void)pool;
    *context = NULL;
    return mproc__fail(APR_ENOTIMPL,
                       "%s: mproc was built without MPROC_WITH_NET, that is "
                       "without TLS; build it with",
                       call);
}

apr_status_t
mproc__tls_create(mproc__tls_t **tls, mproc__tls_context_t *context,
                  const char *host)
{
    (void)context;
    (void)host;
    *tls = NULL;
    return APR_ENOTIMPL;
}

void
mproc__tls_free(mproc__tls_t *tls)
{
    (void)tls;
}

apr_status_t
mproc__tls_shake(mproc__tls_t *tls)
{
    (void)tls;
    return APR_ENOTIMPL;
}

int
mproc__tls_is_open(mproc__tls_t *tls)
{
    (void)tls;
    return 0;
}

const char *
mproc__tls_why(mproc__tls_t *tls)
{
    (void)tls;
    return "";
}

apr_status_t
mproc__tls_put(mproc__tls_t *tls, const void *data, apr_size_t size,
               apr_size_t *taken)
{
    (void)tls;
    (void)data;
    (void)size;
    *taken = 0;
    return APR_ENOTIMPL;
}

apr_status_t
mproc__tls_get(mproc__tls_t *tls, void *data, apr_size_t *size)
{
    (void)tls;
    (void)data;
    *size = 0;
    return APR_ENOTIMPL;
}

int
mproc__tls_has(mproc__tls_t *tls)
{
    (void)tls;
    return 0;
}

void
mproc__tls_end(mproc__tls_t *tls)
{
    (void)tls;
}

apr_status_t
mproc__tls_feed(mproc__tls_t *tls, const void *data, apr_size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return APR_ENOTIMPL;
}

apr_size_t
mproc__tls_drain(mproc__tls_t *tls, void *data, apr_size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return 0;
}
