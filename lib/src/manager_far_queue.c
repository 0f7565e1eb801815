/*
 * manager_far_queue.c: calls on a manager's queues. An item that names objects
 * travels as a list of the values that it is, so that they are seen to be
 * there.
 */
#include "manager_far.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "pack.h"

apr_status_t
mproc__far_queue_put(mproc__proxy_t *queue, const mproc_bytes_t *items,
                     int count, apr_interval_time_t timeout, int *done,
                     const char *call)
{
    apr_int64_t put = 0;
    mproc__ask_t ask;
    apr_status_t rv;
    int good, i;

    for (good = 0;
         good < count && (items[good].data != NULL || items[good].size == 0);
         good++) {
    }
    mproc__proxy_ask(&ask, queue, MPROC__QUEUE_PUT, call);
    mproc__ask_int(&ask, good);
    for (i = 0; i < good; i++) {
        mproc__ask_bytes(&ask, items[i]);
    }
    rv = mproc__ask_run(&ask, timeout);
    if (rv == APR_SUCCESS || rv == APR_TIMEUP) {
        if (ask.answer.at < ask.answer.end) {
            (void)mproc__answer_int(&ask, &put);
        }
    }
    if (done != NULL) {
        *done = (int)put;
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS && good < count
               ? mproc__fail(APR_EINVAL,
                             "%s: the bytes are NULL but have a size; pass "
                             "where they are",
                             call)
               : rv;
}

apr_status_t
mproc__far_queue_vputf(mproc__proxy_t *queue, apr_interval_time_t timeout,
                       const char *format, va_list args, const char *call)
{
    mproc__packing_t packing;
    mproc_bytes_t bytes;
    mproc__ask_t ask;
    apr_status_t rv = mproc__packing_begin(&packing, format, args);

    if (rv == APR_SUCCESS) {
        bytes = mproc__packing_bytes(&packing);
        mproc__proxy_ask(&ask, queue, MPROC__QUEUE_PUT, call);
        mproc__ask_int(&ask, 1);
        if (packing.handles > 0) {
            mproc__ask_list(&ask, mproc__wire_count(bytes), bytes);
        }
        else {
            mproc__ask_bytes(&ask, bytes);
        }
        rv = mproc__ask_run(&ask, timeout);
        mproc__ask_end(&ask);
    }
    mproc__packing_end(&packing);
    return rv;
}

static apr_status_t
item_copy(mproc_bytes_t *item, apr_pool_t *pool, const char *call)
{
    char *copy = apr_palloc(pool, item->size + 1);

    if (copy == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
    }
    if (item->size > 0) {
        memcpy(copy, item->data, item->size);
    }
    copy[item->size] = '\0';
    item->data = copy;
    return APR_SUCCESS;
}

/* What is got with a pool of NULL lives as long as this half, as with any
 * queue; one thread at a time is at its pool. */
static void
pool_begin(mproc__proxy_t *queue, apr_pool_t **pool)
{
    if (*pool != NULL) {
        return;
    }
    while (atomic_flag_test_and_set(&queue->own_busy)) {
        mproc_plat_yield();
    }
    if (queue->own == NULL) {
        apr_pool_create_unmanaged_ex(&queue->own, NULL, NULL);
    }
    *pool = queue->own;
}

static void
pool_end(mproc__proxy_t *queue, const apr_pool_t *pool)
{
    if (pool == queue->own && pool != NULL) {
        atomic_flag_clear(&queue->own_busy);
    }
}

static apr_status_t
get_run(mproc__ask_t *ask, mproc__proxy_t *queue, apr_interval_time_t timeout)
{
    apr_status_t rv = mproc__ask_run(ask, timeout);

    mproc__far_looked(queue);
    return rv;
}

apr_status_t
mproc__far_queue_get(mproc__proxy_t *queue, mproc_bytes_t *items, int most,
                     int *count, apr_interval_time_t timeout, apr_pool_t *pool,
                     const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    *count = 0;
    mproc__proxy_ask(&ask, queue, MPROC__QUEUE_GET, call);
    mproc__ask_int(&ask, most);
    mproc__ask_int(&ask, -1);
    rv = get_run(&ask, queue, timeout);
    pool_begin(queue, &pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_objects(&ask, pool);
    }
    while (rv == APR_SUCCESS && ask.answer.at < ask.answer.end &&
           *count < most) {
        rv = mproc__answer_item(&ask, &items[*count]);
        if (rv == APR_SUCCESS) {
            rv = item_copy(&items[*count], pool, call);
        }
        *count += rv == APR_SUCCESS;
    }
    pool_end(queue, pool);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_queue_vgetf(mproc__proxy_t *queue, apr_interval_time_t timeout,
                       apr_pool_t *pool, const char *format, va_list args,
                       const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, queue, MPROC__QUEUE_GET, call);
    mproc__ask_int(&ask, 1);
    mproc__ask_int(&ask, -1);
    rv = get_run(&ask, queue, timeout);
    pool_begin(queue, &pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_unpack(&ask, pool, mproc__answer_item, format, args);
    }
    pool_end(queue, pool);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_queue_get_into(mproc__proxy_t *queue, void *buffer, apr_size_t size,
                          apr_size_t *length, apr_interval_time_t timeout,
                          const char *call)
{
    mproc__token_t token;
    mproc__ask_t ask;
    apr_status_t rv;

    *length = 0;
    mproc__proxy_ask(&ask, queue, MPROC__QUEUE_GET, call);
    mproc__ask_int(&ask, 1);
    mproc__ask_int(&ask, (apr_int64_t)size);
    rv = get_run(&ask, queue, timeout);
    if (rv == APR_SUCCESS) {
        rv = mproc__wire_next(&ask.answer, &token);
    }
    if (rv == APR_SUCCESS && token.kind == MPROC__TOKEN_INT) {
        *length = (apr_size_t)token.number;
        rv = mproc__fail(MPROC_ETOOBIG,
                         "%s: the first item has %" APR_SIZE_T_FMT
                         " bytes, the buffer %" APR_SIZE_T_FMT
                         "; the item is still in the queue: get it with a "
                         "larger buffer",
                         call, *length, size);
    }
    else if (rv == APR_SUCCESS && token.kind == MPROC__TOKEN_BYTES &&
             token.size <= size) {
        *length = token.size;
        if (token.size > 0) {
            memcpy(buffer, token.data, token.size);
        }
    }
    else if (rv == APR_SUCCESS) {
        rv = mproc__fail(MPROC_EFORMAT,
                         "%s: the item names objects; get it "
                         "with mproc_queue_getf()",
                         call);
    }
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_queue_shutdown(mproc__proxy_t *queue, int immediate,
                          const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, queue, MPROC__QUEUE_SHUTDOWN, call);
    mproc__ask_int(&ask, immediate);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__far_queue_lacks(const char *call)
{
    return mproc__fail(APR_ENOTIMPL,
                       "%s: a manager's queue has its items elsewhere, and can "
                       "hand them over as copies only; use mproc_queue_put() "
                       "and mproc_queue_get()",
                       call);
}
