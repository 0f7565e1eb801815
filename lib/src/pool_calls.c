/*
 * pool_calls.c: the calls that send tasks.
 */
#include "async.h"

#include <stdarg.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "pack.h"
#include "parking.h"

static apr_status_t
send_packed(mproc_async_t **async, mproc_pool_t *workers, mproc_task_fn_t task,
            const mproc_callbacks_t *callbacks, apr_pool_t *pool,
            const char *call, const char *format, va_list args)
{
    apr_array_header_t *objects = NULL;
    mproc__order_t order = {.task = task,
                            .count = 1,
                            .callbacks = callbacks,
                            .dropped = async == NULL};
    mproc_bytes_t packed = {NULL, 0};
    mproc_async_t *sent;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&scratch, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: memory is short", call);
    }
    rv = mproc__vpack(&packed, &objects, scratch, format, args);
    if (rv == APR_SUCCESS) {
        order.items = &packed;
        order.objects = objects;
        rv = mproc__async_send(async != NULL ? async : &sent, workers, &order,
                               async != NULL ? pool : NULL, call);
    }
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t
mproc_pool_apply_async(mproc_async_t **async, mproc_pool_t *workers,
                       mproc_task_fn_t task, const mproc_callbacks_t *callbacks,
                       apr_pool_t *pool, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    if (async != NULL) {
        *async = NULL;
    }
    va_start(args, format);
    rv = send_packed(async, workers, task, callbacks, pool,
                     "mproc_pool_apply_async", format, args);
    va_end(args);
    return rv;
}

/* Get the results, and keep the async as long as they may name objects. */
static apr_status_t
async_finish(mproc_async_t *async, mproc_bytes_t *results,
             apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_status_t rv = mproc_async_get(async, results, timeout, pool);
    apr_size_t count = mproc_async_count(async), i;

    for (i = 0; rv == APR_SUCCESS && results != NULL && i < count; i++) {
        if (mproc__async_box(async, i) != 0) {
            return rv;
        }
    }
    mproc_async_destroy(async);
    return rv;
}

static apr_status_t
pool_needed(const void *results, apr_pool_t *pool, const char *call)
{
    return results == NULL || pool != NULL
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL,
                             "%s: the pool is NULL; pass the one "
                             "that owns the results",
                             call);
}

apr_status_t
mproc_pool_apply(mproc_pool_t *workers, mproc_task_fn_t task,
                 mproc_bytes_t *result, apr_interval_time_t timeout,
                 apr_pool_t *pool, const char *format, ...)
{
    mproc_async_t *async;
    apr_status_t rv = pool_needed(result, pool, "mproc_pool_apply");
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    rv = send_packed(&async, workers, task, NULL, pool, "mproc_pool_apply",
                     format, args);
    va_end(args);
    return rv == APR_SUCCESS ? async_finish(async, result, timeout, pool) : rv;
}

static apr_status_t
send_items(mproc_async_t **async, mproc_pool_t *workers, mproc_task_fn_t task,
           const mproc_bytes_t *items, apr_size_t count,
           const mproc_task_options_t *options,
           const mproc_callbacks_t *callbacks, apr_pool_t *pool,
           const char *call)
{
    mproc__order_t order = {.task = task,
                            .items = items,
                            .count = count,
                            .callbacks = callbacks,
                            .options = options,
                            .dropped = async == NULL};
    apr_status_t rv = mproc__pool_check(workers, call);
    mproc_async_t *sent;
    apr_size_t shares;

    if (rv == APR_SUCCESS && items == NULL && count > 0) {
        rv = mproc__fail(APR_EINVAL,
                         "%s: items is NULL but counts; nothing "
                         "was done",
                         call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shares = 4 * (apr_size_t)workers->count;
    order.chunk = options != NULL && options->chunk > 0
                      ? options->chunk
                      : (count + shares - 1) / shares;
    return mproc__async_send(async != NULL ? async : &sent, workers, &order,
                             async != NULL ? pool : NULL, call);
}

apr_status_t
mproc_pool_map_async(mproc_async_t **async, mproc_pool_t *workers,
                     mproc_task_fn_t task, const mproc_bytes_t *items,
                     apr_size_t count, const mproc_task_options_t *options,
                     const mproc_callbacks_t *callbacks, apr_pool_t *pool)
{
    if (async != NULL) {
        *async = NULL;
    }
    return send_items(async, workers, task, items, count, options, callbacks,
                      pool, "mproc_pool_map_async");
}

apr_status_t
mproc_pool_map(mproc_pool_t *workers, mproc_task_fn_t task,
               const mproc_bytes_t *items, apr_size_t count,
               const mproc_task_options_t *options, mproc_bytes_t *results,
               apr_pool_t *pool)
{
    mproc_async_t *async;
    apr_status_t rv = pool_needed(results, pool, "mproc_pool_map");

    if (rv == APR_SUCCESS) {
        rv = send_items(&async, workers, task, items, count, options, NULL,
                        pool, "mproc_pool_map");
    }
    return rv == APR_SUCCESS ? async_finish(async, results, MPROC_FOREVER, pool)
                             : rv;
}
