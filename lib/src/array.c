/* array.c: an array in shared memory: a cell of many items. */
#include <mproc/array.h>

#include <string.h>

#include <mproc/error.h>

#include "cell.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"

struct mproc_array_t {
    mproc__cell_t cell;
};

const mproc__object_ops_t mproc__array_ops = {.kind = MPROC_KIND_ARRAY,
                                              .local_size =
                                                  sizeof(struct mproc_array_t),
                                              .opened = mproc__cell_opened,
                                              .closing = mproc__cell_closing};

static mproc__cell_call_t
array_call(const char *call)
{
    return (mproc__cell_call_t){call, "array", &mproc__array_ops};
}

apr_status_t
mproc_array_create(mproc_array_t **array, apr_size_t item, apr_size_t count,
                   const void *initial, apr_pool_t *pool)
{
    mproc__cell_call_t call = array_call("mproc_array_create");
    return mproc__cell_create(array, &call, item, count, initial,
                              MPROC__CELL_OWN, pool);
}

apr_status_t
mproc_array_create_with_lock(mproc_array_t **array, apr_size_t item,
                             apr_size_t count, const void *initial,
                             mproc_rlock_t *lock, apr_pool_t *pool)
{
    mproc__cell_call_t call = array_call("mproc_array_create_with_lock");
    return mproc__cell_create(array, &call, item, count, initial, lock, pool);
}

apr_status_t
mproc_raw_array_create(mproc_array_t **array, apr_size_t item, apr_size_t count,
                       const void *initial, apr_pool_t *pool)
{
    mproc__cell_call_t call = array_call("mproc_raw_array_create");
    return mproc__cell_create(array, &call, item, count, initial,
                              MPROC__CELL_RAW, pool);
}

apr_status_t
mproc_array_copy(mproc_array_t **copy, mproc_array_t *array, apr_pool_t *pool)
{
    mproc__cell_call_t call = array_call("mproc_array_copy");
    return mproc__cell_copy(copy, array, &call, pool);
}

void *
mproc_array_data(mproc_array_t *array)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return mproc__far_cell_data(proxy);
    }
    return mproc__object_is(array, &mproc__array_ops)
               ? mproc__cell_shared(array)->data
               : NULL;
}

apr_size_t
mproc_array_count(mproc_array_t *array)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return proxy->count;
    }
    return mproc__object_is(array, &mproc__array_ops)
               ? (apr_size_t)mproc__cell_shared(array)->count
               : 0;
}

apr_size_t
mproc_array_item_size(mproc_array_t *array)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return proxy->item;
    }
    return mproc__object_is(array, &mproc__array_ops)
               ? (apr_size_t)mproc__cell_shared(array)->item
               : 0;
}

mproc_rlock_t *
mproc_array_lock(mproc_array_t *array)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return mproc__far_cell_lock(proxy);
    }
    return mproc__object_is(array, &mproc__array_ops) ? array->cell.lock : NULL;
}

static apr_status_t
array_acquire(mproc_array_t *array, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return mproc__far_cell_acquire(proxy, timeout, "mproc_array_acquire");
    }
    mproc__cell_call_t call = array_call("mproc_array_acquire");
    return mproc__cell_acquire(array, &call, timeout);
}

apr_status_t
mproc_array_acquire(mproc_array_t *array, apr_interval_time_t timeout)
{
    mproc_rlock_t *lock = mproc__cell_lock(array, &mproc__array_ops);

    return lock != NULL ? mproc_rlock_acquire(lock, timeout)
                        : array_acquire(array, timeout);
}

static apr_status_t
array_release(mproc_array_t *array)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);

    if (proxy != NULL) {
        return mproc__far_cell_release(proxy, "mproc_array_release");
    }
    mproc__cell_call_t call = array_call("mproc_array_release");
    return mproc__cell_release(array, &call);
}

apr_status_t
mproc_array_release(mproc_array_t *array)
{
    mproc_rlock_t *lock = mproc__cell_lock(array, &mproc__array_ops);

    return lock != NULL ? mproc_rlock_release(lock) : array_release(array);
}

/* ------------------------------------------------------------- checked access
 */

/* Where `count` items from `first` lie. */
static apr_status_t
array_slice(void **at, mproc_array_t *array, apr_int64_t first,
            apr_size_t count, const char *call)
{
    mproc__cell_shared_t *shared;
    apr_int64_t from = first;

    if (!mproc__object_is(array, &mproc__array_ops)) {
        return mproc__object_missing(call, "array");
    }
    shared = mproc__cell_shared(array);
    if (from < 0) {
        from += (apr_int64_t)shared->count;
    }
    if (from < 0 || (apr_uint64_t)from > shared->count ||
        count > shared->count - (apr_uint64_t)from) {
        return mproc__fail(APR_NOTFOUND,
                           "%s: items %" APR_INT64_T_FMT
                           " and on, %" APR_SIZE_T_FMT
                           " of them, do not lie in the array of "
                           "%" APR_UINT64_T_FMT "; nothing was copied",
                           call, first, count, shared->count);
    }
    *at = shared->data + (apr_uint64_t)from * shared->item;
    return APR_SUCCESS;
}

/* Copy one way or the other, under the lock. */
static apr_status_t
array_move(mproc_array_t *array, apr_int64_t first, apr_size_t count, void *out,
           const void *in, const char *name)
{
    mproc__proxy_t *proxy = mproc__far_cell(array, MPROC_KIND_ARRAY);
    mproc__cell_call_t call = array_call(name);
    apr_status_t rv, lost;
    apr_size_t size;
    void *at = NULL;

    if (proxy != NULL) {
        return mproc__far_cell_move(proxy, first, count, out, in, name);
    }
    rv = array_slice(&at, array, first, count, name);
    if (rv != APR_SUCCESS || count == 0) {
        return rv;
    }
    if (out == NULL && in == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: the items are NULL; pass where "
                           "they are",
                           name);
    }
    lost = mproc__cell_acquire(array, &call, MPROC_FOREVER);
    if (lost != APR_SUCCESS && lost != MPROC_EOWNERDEAD) {
        return lost;
    }
    size = count * (apr_size_t)mproc__cell_shared(array)->item;
    if (out != NULL) {
        memcpy(out, at, size);
    }
    else if (in != NULL) {
        memcpy(at, in, size);
    }
    mproc__cell_release(array, &call);
    return lost;
}

apr_status_t
mproc_array_get(mproc_array_t *array, apr_int64_t index, void *item)
{
    return array_move(array, index, 1, item, NULL, "mproc_array_get");
}

apr_status_t
mproc_array_set(mproc_array_t *array, apr_int64_t index, const void *item)
{
    return array_move(array, index, 1, NULL, item, "mproc_array_set");
}

apr_status_t
mproc_array_read(mproc_array_t *array, apr_int64_t first, apr_size_t count,
                 void *items)
{
    return array_move(array, first, count, items, NULL, "mproc_array_read");
}

apr_status_t
mproc_array_write(mproc_array_t *array, apr_int64_t first, apr_size_t count,
                  const void *items)
{
    return array_move(array, first, count, NULL, items, "mproc_array_write");
}

void
mproc_array_destroy(mproc_array_t *array)
{
    mproc__object_close(array);
}
