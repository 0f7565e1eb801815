/* queue_batch.c: several items with one turn at an end of a queue. */
#include "queue.h"

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_far.h"

static apr_interval_time_t
timeout_left(apr_time_t deadline)
{
    return deadline == MPROC_PLAT_NEVER ? MPROC_FOREVER
                                        : mproc_timeout_until(deadline);
}

apr_status_t
mproc_queue_put_many(mproc_queue_t *queue, const mproc_bytes_t *items,
                     int count, apr_interval_time_t timeout, int *done)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_put_many";
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv = APR_SUCCESS;
    int put = 0, batch;

    if (done != NULL) {
        *done = 0;
    }
    if (count < 0 || (items == NULL && count > 0)) {
        return mproc__fail(APR_EINVAL,
                           "%s: %d items at a place that is %s; "
                           "pass an array of them",
                           call, count, items == NULL ? "NULL" : "not");
    }
    if (far != NULL) {
        return mproc__far_queue_put(far, items, count, timeout, done, call);
    }
    while (put < count && rv == APR_SUCCESS) {
        if (items[put].size > MPROC__ITEM_INLINE || items[put].data == NULL) {
            rv = mproc_queue_put(queue, items[put], timeout_left(deadline));
            put += rv == APR_SUCCESS;
            continue;
        }
        rv = mproc__queue_begin_put(queue, timeout_left(deadline), call);
        if (rv != APR_SUCCESS) {
            break;
        }
        for (batch = 0;
             put < count && rv == APR_SUCCESS && items[put].data != NULL &&
             items[put].size <= MPROC__ITEM_INLINE &&
             !mproc__ring_is_full(mproc__queue_ring(queue));
             batch++, put++) {
            rv = mproc__ring_put(&queue->use, items[put]);
            if (rv != APR_SUCCESS) {
                break;
            }
        }
        mproc__queue_end_put(queue, batch);
    }
    if (done != NULL) {
        *done = put;
    }
    return rv;
}

apr_status_t
mproc_queue_get_many(mproc_queue_t *queue, mproc_bytes_t *items, int most,
                     int *count, apr_interval_time_t timeout, apr_pool_t *pool)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    mproc__item_t item;
    apr_status_t rv;

    *count = 0;
    if (items == NULL || most < 1) {
        return mproc__fail(APR_EINVAL,
                           "mproc_queue_get_many: room for %d "
                           "items at %s; pass an array for at "
                           "least one",
                           most, items == NULL ? "NULL" : "a place");
    }
    if (far != NULL) {
        return mproc__far_queue_get(far, items, most, count, timeout, pool,
                                    "mproc_queue_get_many");
    }
    rv = mproc__queue_begin_get(queue, &item, timeout, "mproc_queue_get_many");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__queue_pool_begin(queue, &pool);
    do {
        rv = mproc__queue_item_copy(queue, &item, &items[*count], pool);
        *count += rv == APR_SUCCESS;
    } while (rv == APR_SUCCESS && *count < most && item.lost.box == NULL &&
             mproc__ring_front(&queue->use, &item));
    mproc__queue_pool_end(queue, pool);
    mproc__queue_end_get(queue, *count);
    return *count > 0 ? APR_SUCCESS : rv;
}
