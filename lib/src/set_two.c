/* set_two.c: calls on two sets, wherever each of them is. */
#include "set_use.h"

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"

static apr_status_t
set_change(mproc_set_t *set, mproc__set_change_e how, mproc_set_t *other,
           const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    mproc_bytes_t *values;
    apr_size_t count;
    apr_pool_t *own;
    apr_status_t rv =
        proxy != NULL ? APR_SUCCESS
                      : mproc__store_check(set, &mproc__set_ops, "set", call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
    }
    rv = mproc__set_snapshot(other, &values, &count, own, call);
    if (rv == APR_SUCCESS) {
        rv = proxy != NULL
                 ? mproc__far_set_change(proxy, how, values, count, call)
                 : mproc__set_change((mproc__store_use_t *)set, how, values,
                                     count, call);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_set_update(mproc_set_t *set, mproc_set_t *other)
{
    return set_change(set, MPROC__SET_ADD, other, "mproc_set_update");
}

apr_status_t
mproc_set_intersection_update(mproc_set_t *set, mproc_set_t *other)
{
    return set_change(set, MPROC__SET_KEEP, other,
                      "mproc_set_intersection_update");
}

apr_status_t
mproc_set_difference_update(mproc_set_t *set, mproc_set_t *other)
{
    return set_change(set, MPROC__SET_DROP, other,
                      "mproc_set_difference_update");
}

apr_status_t
mproc_set_symmetric_difference_update(mproc_set_t *set, mproc_set_t *other)
{
    return set_change(set, MPROC__SET_TOGGLE, other,
                      "mproc_set_symmetric_difference_update");
}

/* --------------------------------------------------------------- a new one */

static apr_status_t
set_make(mproc_set_t **made, mproc_set_t *a, mproc__set_change_e how,
         mproc_set_t *b, apr_pool_t *pool, const char *call)
{
    apr_status_t rv = mproc__set_copy(made, a, pool, call);

    if (rv == APR_SUCCESS) {
        rv = set_change(*made, how, b, call);
        if (rv != APR_SUCCESS) {
            mproc_set_destroy(*made);
            *made = NULL;
        }
    }
    return rv;
}

apr_status_t
mproc_set_union(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                apr_pool_t *pool)
{
    return set_make(made, a, MPROC__SET_ADD, b, pool, "mproc_set_union");
}

apr_status_t
mproc_set_intersection(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                       apr_pool_t *pool)
{
    return set_make(made, a, MPROC__SET_KEEP, b, pool,
                    "mproc_set_intersection");
}

apr_status_t
mproc_set_difference(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                     apr_pool_t *pool)
{
    return set_make(made, a, MPROC__SET_DROP, b, pool, "mproc_set_difference");
}

apr_status_t
mproc_set_symmetric_difference(mproc_set_t **made, mproc_set_t *a,
                               mproc_set_t *b, apr_pool_t *pool)
{
    return set_make(made, a, MPROC__SET_TOGGLE, b, pool,
                    "mproc_set_symmetric_difference");
}

/* --------------------------------------------------------------- comparing */

/* How many each has, and how many both. */
typedef struct shares_t {
    apr_size_t a, b, both;
} shares_t;

static apr_status_t
sets_compare(mproc_set_t *a, mproc_set_t *b, shares_t *shares, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(a, MPROC_KIND_SET);
    mproc_bytes_t *values;
    apr_pool_t *own;
    apr_status_t rv = proxy != NULL
                          ? APR_SUCCESS
                          : mproc__store_check(a, &mproc__set_ops, "set", call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
    }
    rv = mproc__set_snapshot(b, &values, &shares->b, own, call);
    if (rv == APR_SUCCESS) {
        rv = proxy != NULL
                 ? mproc__far_set_common(proxy, values, shares->b, &shares->a,
                                         &shares->both, call)
                 : mproc__set_common((mproc__store_use_t *)a, values, shares->b,
                                     &shares->a, &shares->both, call);
    }
    apr_pool_destroy(own);
    return rv;
}

int
mproc_set_equal(mproc_set_t *a, mproc_set_t *b)
{
    shares_t shares;

    return sets_compare(a, b, &shares, "mproc_set_equal") == APR_SUCCESS &&
           shares.both == shares.a && shares.both == shares.b;
}

int
mproc_set_is_subset(mproc_set_t *a, mproc_set_t *b)
{
    shares_t shares;

    return sets_compare(a, b, &shares, "mproc_set_is_subset") == APR_SUCCESS &&
           shares.both == shares.a;
}

int
mproc_set_is_superset(mproc_set_t *a, mproc_set_t *b)
{
    shares_t shares;

    return sets_compare(a, b, &shares, "mproc_set_is_superset") ==
               APR_SUCCESS &&
           shares.both == shares.b;
}

int
mproc_set_is_disjoint(mproc_set_t *a, mproc_set_t *b)
{
    shares_t shares;

    return sets_compare(a, b, &shares, "mproc_set_is_disjoint") ==
               APR_SUCCESS &&
           shares.both == 0;
}
