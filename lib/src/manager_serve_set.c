/* manager_serve_set.c: what the sets of a manager's server take beside what
 * dicts do. */
#include "manager_hub.h"

#include <mproc/error.h>

#include "error.h"
#include "set_use.h"

static mproc__store_use_t *
use_of(mproc__call_t *call)
{
    return (mproc__store_use_t *)call->object;
}

/* A list of values, where they lie: each has a byte at least. */
static apr_status_t
values_read(mproc__call_t *call, mproc_bytes_t **values, apr_size_t *count)
{
    mproc__token_t token;
    apr_status_t rv = mproc__wire_next(&call->args, &token);
    apr_size_t i;

    if (rv != APR_SUCCESS || token.kind != MPROC__TOKEN_LIST ||
        token.number > (apr_uint64_t)(call->args.end - call->args.at)) {
        return mproc__args_bad(call);
    }
    *count = (apr_size_t)token.number;
    *values = apr_palloc(call->pool, (*count + 1) * sizeof **values);
    if (*values == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory for a set");
    }
    for (i = 0; i < *count && rv == APR_SUCCESS; i++) {
        rv = mproc__arg_value(call, &(*values)[i]);
    }
    return rv;
}

apr_status_t
mproc__serve_set_change(mproc__call_t *call)
{
    mproc_bytes_t *values;
    apr_size_t count;
    apr_int64_t how;
    apr_status_t rv = mproc__arg_int(call, &how);

    if (rv == APR_SUCCESS &&
        (how < MPROC__SET_ADD || how > MPROC__SET_TOGGLE)) {
        rv = mproc__args_bad(call);
    }
    if (rv == APR_SUCCESS) {
        rv = values_read(call, &values, &count);
    }
    return rv == APR_SUCCESS
               ? mproc__set_change(use_of(call), (mproc__set_change_e)how,
                                   values, count, "mproc_set_update")
               : rv;
}

apr_status_t
mproc__serve_set_common(mproc__call_t *call)
{
    apr_size_t count, size, common;
    mproc_bytes_t *values;
    apr_status_t rv = values_read(call, &values, &count);

    if (rv == APR_SUCCESS) {
        rv = mproc__set_common(use_of(call), values, count, &size, &common,
                               "mproc_set_equal");
    }
    if (rv == APR_SUCCESS) {
        mproc__result_int(call, (apr_int64_t)size);
        mproc__result_int(call, (apr_int64_t)common);
    }
    return rv;
}

apr_status_t
mproc__serve_set_copy(mproc__call_t *call)
{
    mproc_set_t *copy;
    apr_status_t rv = mproc_set_copy(&copy, (mproc_set_t *)call->object, NULL);

    if (rv == APR_SUCCESS) {
        mproc__result_fresh(call, (mproc_object_t *)copy);
    }
    return rv;
}
