/* manager_far_list.c: calls on a manager's lists. */
#include "manager_far.h"

apr_status_t
mproc__far_list_put(mproc__proxy_t *list, mproc__list_put_e how,
                    apr_int64_t index, mproc__far_value_t value,
                    const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, list, MPROC__LIST_PUT, call);
    mproc__ask_int(&ask, how);
    mproc__ask_int(&ask, index);
    mproc__far_value_ask(&ask, value);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_list_get(mproc__proxy_t *list, apr_int64_t index, int drop,
                    mproc__far_target_t target, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv = mproc__far_target_begin(target, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, list, MPROC__LIST_GET, call);
    mproc__ask_int(&ask, index);
    mproc__ask_int(&ask, drop);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__far_target_fill(&ask, target);
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_list_with(mproc__proxy_t *list, mproc__method_e method,
                     apr_int64_t number, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, list, method, call);
    mproc__ask_int(&ask, number);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_list_search(mproc__proxy_t *list, int what, apr_size_t *number,
                       const char *format, va_list args, const char *call)
{
    apr_int64_t found = 0;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, list,
                     what == 2 ? MPROC__LIST_REMOVE_VALUE : MPROC__LIST_FIND,
                     call);
    mproc__ask_vvalue(&ask, format, args);
    if (what != 2) {
        mproc__ask_int(&ask, what);
    }
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS && what != 2) {
        rv = mproc__answer_int(&ask, &found);
    }
    *number = (apr_size_t)found;
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_list_splice(mproc__proxy_t *list, apr_int64_t start,
                       apr_int64_t stop, mproc_bytes_t values, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, list, MPROC__LIST_SET_SLICE, call);
    mproc__ask_int(&ask, start);
    mproc__ask_int(&ask, stop);
    mproc__ask_value(&ask, values);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_list_slice(mproc__proxy_t *list, apr_int64_t start, apr_int64_t stop,
                      mproc_bytes_t *values, apr_pool_t *pool, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, list, MPROC__LIST_SLICE, call);
    mproc__ask_int(&ask, start);
    mproc__ask_int(&ask, stop);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__far_rest_copy(&ask, values, pool);
    }
    mproc__ask_end(&ask);
    return rv;
}
