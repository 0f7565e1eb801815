/* value.c: a value in shared memory: a cell of one item. */
#include <mproc/value.h>

#include "cell.h"
#include "kinds.h"
#include "manager_far.h"

struct mproc_value_t {
    mproc__cell_t cell;
};

const mproc__object_ops_t mproc__value_ops = {.kind = MPROC_KIND_VALUE,
                                              .local_size =
                                                  sizeof(struct mproc_value_t),
                                              .opened = mproc__cell_opened,
                                              .closing = mproc__cell_closing};

static mproc__cell_call_t
value_call(const char *call)
{
    return (mproc__cell_call_t){call, "value", &mproc__value_ops};
}

apr_status_t
mproc_value_create(mproc_value_t **value, apr_size_t size, const void *initial,
                   apr_pool_t *pool)
{
    mproc__cell_call_t call = value_call("mproc_value_create");
    return mproc__cell_create(value, &call, size, 1, initial, MPROC__CELL_OWN,
                              pool);
}

apr_status_t
mproc_value_create_with_lock(mproc_value_t **value, apr_size_t size,
                             const void *initial, mproc_rlock_t *lock,
                             apr_pool_t *pool)
{
    mproc__cell_call_t call = value_call("mproc_value_create_with_lock");
    return mproc__cell_create(value, &call, size, 1, initial, lock, pool);
}

apr_status_t
mproc_raw_value_create(mproc_value_t **value, apr_size_t size,
                       const void *initial, apr_pool_t *pool)
{
    mproc__cell_call_t call = value_call("mproc_raw_value_create");
    return mproc__cell_create(value, &call, size, 1, initial, MPROC__CELL_RAW,
                              pool);
}

apr_status_t
mproc_value_copy(mproc_value_t **copy, mproc_value_t *value, apr_pool_t *pool)
{
    mproc__cell_call_t call = value_call("mproc_value_copy");
    return mproc__cell_copy(copy, value, &call, pool);
}

void *
mproc_value_data(mproc_value_t *value)
{
    mproc__proxy_t *proxy = mproc__far_cell(value, MPROC_KIND_VALUE);

    if (proxy != NULL) {
        return mproc__far_cell_data(proxy);
    }
    return mproc__object_is(value, &mproc__value_ops)
               ? mproc__cell_shared(value)->data
               : NULL;
}

apr_size_t
mproc_value_size(mproc_value_t *value)
{
    mproc__proxy_t *proxy = mproc__far_cell(value, MPROC_KIND_VALUE);

    if (proxy != NULL) {
        return proxy->item;
    }
    return mproc__object_is(value, &mproc__value_ops)
               ? (apr_size_t)mproc__cell_shared(value)->item
               : 0;
}

mproc_rlock_t *
mproc_value_lock(mproc_value_t *value)
{
    mproc__proxy_t *proxy = mproc__far_cell(value, MPROC_KIND_VALUE);

    if (proxy != NULL) {
        return mproc__far_cell_lock(proxy);
    }
    return mproc__object_is(value, &mproc__value_ops) ? value->cell.lock : NULL;
}

static apr_status_t
value_acquire(mproc_value_t *value, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__far_cell(value, MPROC_KIND_VALUE);

    if (proxy != NULL) {
        return mproc__far_cell_acquire(proxy, timeout, "mproc_value_acquire");
    }
    mproc__cell_call_t call = value_call("mproc_value_acquire");
    return mproc__cell_acquire(value, &call, timeout);
}

apr_status_t
mproc_value_acquire(mproc_value_t *value, apr_interval_time_t timeout)
{
    mproc_rlock_t *lock = mproc__cell_lock(value, &mproc__value_ops);

    return lock != NULL ? mproc_rlock_acquire(lock, timeout)
                        : value_acquire(value, timeout);
}

static apr_status_t
value_release(mproc_value_t *value)
{
    mproc__proxy_t *proxy = mproc__far_cell(value, MPROC_KIND_VALUE);

    if (proxy != NULL) {
        return mproc__far_cell_release(proxy, "mproc_value_release");
    }
    mproc__cell_call_t call = value_call("mproc_value_release");
    return mproc__cell_release(value, &call);
}

apr_status_t
mproc_value_release(mproc_value_t *value)
{
    mproc_rlock_t *lock = mproc__cell_lock(value, &mproc__value_ops);

    return lock != NULL ? mproc_rlock_release(lock) : value_release(value);
}

void
mproc_value_destroy(mproc_value_t *value)
{
    mproc__object_close(value);
}
