/* manager_far_set.c: calls on a manager's sets that no dict has. */
#include "manager_far.h"

/* One list. */
static void
values_ask(mproc__ask_t *ask, const mproc_bytes_t *values, apr_size_t count)
{
    apr_size_t i;

    mproc__ask_list(ask, count, (mproc_bytes_t){"", 0});
    for (i = 0; i < count; i++) {
        mproc__ask_value(ask, values[i]);
    }
}

apr_status_t
mproc__far_set_change(mproc__proxy_t *set, mproc__set_change_e how,
                      const mproc_bytes_t *values, apr_size_t count,
                      const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, set, MPROC__SET_CHANGE, call);
    mproc__ask_int(&ask, how);
    values_ask(&ask, values, count);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_set_common(mproc__proxy_t *set, const mproc_bytes_t *values,
                      apr_size_t count, apr_size_t *size, apr_size_t *common,
                      const char *call)
{
    apr_int64_t all = 0, both = 0;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, set, MPROC__SET_COMMON, call);
    values_ask(&ask, values, count);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &all);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &both);
    }
    *size = (apr_size_t)all;
    *common = (apr_size_t)both;
    mproc__ask_end(&ask);
    return rv;
}
