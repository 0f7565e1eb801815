/*
 * queue_place.c: items of a queue in place: a box that its maker fills before
 * it is put, or that its taker reads after it was taken. By a hold of its own
 * the process has the box meanwhile: it goes with the process.
 */
#include "queue.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "pack.h"

static apr_status_t
no_hold(const char *call)
{
    return mproc__fail(APR_ENOMEM,
                       "%s: no shared memory to note that this "
                       "process has an item; free some objects",
                       call);
}

/* Give up a box by its hold. */
static void
box_drop(mproc__hold_t *hold)
{
    mproc__arena_release(hold);
    mproc__hold_free(hold);
}

/* Put a box that the process has; the box is the queue's afterwards. */
static apr_status_t
box_put(mproc_queue_t *queue, mproc__hold_t *hold, apr_interval_time_t timeout,
        const char *call)
{
    apr_status_t rv = mproc__queue_begin_put(queue, timeout, call);

    if (rv == APR_SUCCESS) {
        rv = mproc__ring_put_box(&queue->use, mproc__hold_handle(hold));
        mproc__queue_end_put(queue, rv == APR_SUCCESS);
    }
    return rv;
}

apr_status_t
mproc__queue_put_copy(mproc_queue_t *queue, mproc_bytes_t bytes,
                      const apr_array_header_t *objects,
                      apr_interval_time_t timeout, const char *call)
{
    apr_status_t rv = mproc__queue_check(queue, call);
    mproc__hold_t *hold;
    void *data;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    hold = mproc__hold_new();
    if (hold == NULL) {
        return no_hold(call);
    }
    rv = mproc__box_make(hold, bytes.size, objects, &data);
    if (rv == APR_SUCCESS) {
        if (bytes.size > 0) {
            memcpy(data, bytes.data, bytes.size);
        }
        rv = box_put(queue, hold, timeout, call);
    }
    box_drop(hold);
    return rv;
}

/* ---------------------------------------------------------- reserve, commit */

static apr_status_t
not_ours(const char *call)
{
    return mproc__fail(APR_EINVAL,
                       "%s: the data is no item that this process has from "
                       "mproc_queue_reserve() or mproc_queue_take(); pass it "
                       "as it was given, once",
                       call);
}

apr_status_t
mproc_queue_reserve(mproc_queue_t *queue, apr_size_t size, void **data,
                    apr_interval_time_t timeout)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_reserve";
    mproc__hold_t *hold;
    apr_status_t rv;

    if (far != NULL) {
        return mproc__far_queue_lacks("mproc_queue_reserve");
    }
    *data = NULL;
    rv = mproc__queue_begin_put(queue, timeout, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__queue_end_put(queue, 0);
    hold = mproc__hold_new();
    if (hold == NULL) {
        return no_hold(call);
    }
    rv = mproc__box_make(hold, size, NULL, data);
    if (rv != APR_SUCCESS) {
        mproc__hold_free(hold);
        *data = NULL;
    }
    return rv;
}

apr_status_t
mproc_queue_commit(mproc_queue_t *queue, void *data)
{
    const char *call = "mproc_queue_commit";
    mproc__hold_t *hold = mproc__box_hold(data);
    apr_status_t rv = mproc__queue_check(queue, call);

    if (rv == APR_SUCCESS && hold == NULL) {
        rv = not_ours(call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__queue_begin_commit(queue, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__ring_put_box(&queue->use, mproc__hold_handle(hold));
        mproc__queue_end_put(queue, rv == APR_SUCCESS);
    }
    if (rv == APR_SUCCESS) {
        box_drop(hold);
    }
    return rv;
}

apr_status_t
mproc_queue_abandon(mproc_queue_t *queue, void *data)
{
    mproc__hold_t *hold = mproc__box_hold(data);

    (void)queue;
    if (hold == NULL) {
        return not_ours("mproc_queue_abandon");
    }
    box_drop(hold);
    return APR_SUCCESS;
}

/* --------------------------------------------------------- take, give back */

/* The first item becomes ours: the box it lies in, or a box made of it. */
static apr_status_t
item_take(mproc_queue_t *queue, mproc__item_t *item, mproc__hold_t *hold)
{
    apr_status_t rv;
    void *data;

    if (item->box != NULL) {
        rv = mproc__arena_hold(hold, mproc__hold_handle(item->box));
        if (rv == APR_SUCCESS) {
            mproc__box_note(hold);
        }
    }
    else {
        rv = mproc__box_make(hold, item->size, NULL, &data);
        if (rv == APR_SUCCESS) {
            memcpy(data, item->data, (apr_size_t)item->size);
        }
    }
    if (rv == APR_SUCCESS) {
        mproc__queue_take(queue, item);
    }
    return rv;
}

/* With the head's mutex held. */
static apr_status_t
queue_take(mproc_queue_t *queue, mproc__item_t *item, mproc__hold_t **hold)
{
    apr_status_t rv;

    if (mproc__queue_ring(queue)->attempts > 0) {
        return mproc__queue_fly(queue, item, hold);
    }
    *hold = mproc__hold_new();
    if (*hold == NULL) {
        return no_hold("mproc_queue_take");
    }
    rv = item_take(queue, item, *hold);
    if (rv != APR_SUCCESS) {
        mproc__hold_free(*hold);
    }
    return rv;
}

apr_status_t
mproc_queue_take(mproc_queue_t *queue, mproc_bytes_t *item,
                 apr_interval_time_t timeout)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    mproc__hold_t *hold;
    mproc__item_t found;
    apr_status_t rv;

    if (far != NULL) {
        return mproc__far_queue_lacks("mproc_queue_take");
    }
    item->data = NULL;
    item->size = 0;
    rv = mproc__queue_begin_get(queue, &found, timeout, "mproc_queue_take");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = queue_take(queue, &found, &hold);
    if (rv == APR_SUCCESS) {
        *item = mproc__box_bytes(mproc__hold_handle(hold));
    }
    mproc__queue_end_get(queue, rv == APR_SUCCESS);
    return rv;
}

apr_status_t
mproc_queue_give_back(mproc_queue_t *queue, mproc_bytes_t item)
{
    mproc__hold_t *hold = mproc__box_hold(item.data);
    int flies = mproc__object_is(queue, &mproc__queue_ops) &&
                mproc__queue_ring(queue)->attempts > 0;

    if (flies && mproc__queue_land(queue, item)) {
        return APR_SUCCESS;
    }
    if (hold == NULL || flies) {
        return not_ours("mproc_queue_give_back");
    }
    box_drop(hold);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------ packed values */

apr_status_t
mproc__queue_vputf(mproc_queue_t *queue, apr_interval_time_t timeout,
                   const char *format, va_list args)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    const char *call = "mproc_queue_putf";
    apr_array_header_t *objects = NULL;
    apr_pool_t *pool;
    mproc_bytes_t bytes;
    apr_status_t rv = mproc__queue_check(queue, call);

    if (far != NULL) {
        return mproc__far_queue_vputf(far, timeout, format, args, call);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__vpack(&bytes, &objects, pool, format, args);
    if (rv == APR_SUCCESS && (objects == NULL || objects->nelts == 0)) {
        rv = mproc_queue_put(queue, bytes, timeout);
    }
    else if (rv == APR_SUCCESS) {
        rv = mproc__queue_put_copy(queue, bytes, objects, timeout, call);
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t
mproc_queue_putf(mproc_queue_t *queue, apr_interval_time_t timeout,
                 const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc__queue_vputf(queue, timeout, format, args);
    va_end(args);
    return rv;
}

/* Get an item so that it can be unpacked: by a hold on its box, or copied to a
 * buffer of MPROC__ITEM_INLINE bytes. */
static apr_status_t
item_get(mproc_queue_t *queue, mproc_bytes_t *bytes, mproc__hold_t *hold,
         void *buffer, apr_interval_time_t timeout, const char *call)
{
    mproc__item_t item;
    apr_status_t rv = mproc__queue_begin_get(queue, &item, timeout, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    bytes->data = item.data;
    bytes->size = (apr_size_t)item.size;
    if (item.box != NULL) {
        rv = mproc__arena_hold(hold, mproc__hold_handle(item.box));
    }
    else {
        bytes->data = memcpy(buffer, item.data, bytes->size);
    }
    if (rv == APR_SUCCESS) {
        mproc__queue_take(queue, &item);
    }
    mproc__queue_end_get(queue, rv == APR_SUCCESS);
    return rv;
}

apr_status_t
mproc__queue_vgetf(mproc_queue_t *queue, apr_interval_time_t timeout,
                   apr_pool_t *pool, const char *format, va_list args,
                   const char *call)
{
    mproc__proxy_t *far = mproc__proxy_of(queue, MPROC_KIND_QUEUE);
    _Alignas(16) char buffer[MPROC__ITEM_INLINE];
    apr_status_t rv = mproc__queue_check(queue, call);
    mproc__hold_t *hold;
    mproc_bytes_t bytes;

    if (far != NULL) {
        return mproc__far_queue_vgetf(far, timeout, pool, format, args, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    hold = mproc__hold_new();
    if (hold == NULL) {
        return no_hold(call);
    }
    rv = item_get(queue, &bytes, hold, buffer, timeout, call);
    if (rv == APR_SUCCESS) {
        mproc__queue_pool_begin(queue, &pool);
        rv = mproc_vunpack(bytes, pool, format, args);
        mproc__queue_pool_end(queue, pool);
    }
    box_drop(hold);
    return rv;
}

apr_status_t
mproc_queue_getf(mproc_queue_t *queue, apr_interval_time_t timeout,
                 apr_pool_t *pool, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc__queue_vgetf(queue, timeout, pool, format, args,
                            "mproc_queue_getf");
    va_end(args);
    return rv;
}
