/*
 * list.c: the list: elements of a store in a row (list_row.c), for any number
 * of processes. Values are packed before the mutex is taken, and unpacked after
 * it was let go.
 */
#include "list_use.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"

static apr_status_t
list_opened(mproc_object_t *object)
{
    ((mproc_list_t *)object)->use.repair = mproc__list_repair;
    return APR_SUCCESS;
}

const mproc__object_ops_t mproc__list_ops = {.kind = MPROC_KIND_LIST,
                                             .local_size =
                                                 sizeof(struct mproc_list_t),
                                             .opened = list_opened};

apr_status_t
mproc__list_check(mproc_list_t *list, const char *call)
{
    return mproc__store_check(list, &mproc__list_ops, "list", call);
}

apr_status_t
mproc__list_null(const char *call, const char *what)
{
    return mproc__fail(APR_EINVAL, "%s: %s is NULL; pass one", call, what);
}

apr_status_t
mproc__list_memory(const char *call)
{
    return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
}

apr_status_t
mproc_list_create(mproc_list_t **list, apr_pool_t *pool)
{
    if (list == NULL) {
        return mproc__object_missing("mproc_list_create", "list");
    }
    return mproc__store_create(list, &mproc__list_ops, pool);
}

void
mproc_list_destroy(mproc_list_t *list)
{
    mproc__object_close(list);
}

/* ------------------------------------------------------------------ indices */

apr_status_t
mproc__list_index(mproc__store_use_t *use, apr_uint64_t *n, apr_int64_t index,
                  const char *call)
{
    apr_int64_t count = (apr_int64_t)use->content->count;

    if (index < -count || index >= count) {
        return mproc__fail(APR_NOTFOUND,
                           "%s: there is no element %" APR_INT64_T_FMT
                           " in a list of %" APR_INT64_T_FMT,
                           call, index, count);
    }
    *n = (apr_uint64_t)(index < 0 ? index + count : index);
    return APR_SUCCESS;
}

/* As slices have it: cut to what there is. */
static apr_int64_t
index_cut(apr_int64_t index, apr_int64_t count)
{
    if (index < 0) {
        index = index < -count ? 0 : index + count;
    }
    return index > count ? count : index;
}

void
mproc__list_range(mproc__store_use_t *use, apr_uint64_t *from,
                  apr_uint64_t *count, apr_int64_t start, apr_int64_t stop)
{
    apr_int64_t all = (apr_int64_t)use->content->count;

    start = index_cut(start, all);
    stop = index_cut(stop, all);
    *from = (apr_uint64_t)start;
    *count = (apr_uint64_t)(stop > start ? stop - start : 0);
}

/* ------------------------------------------------------------ append, insert
 */

static apr_status_t
fill_put(mproc__store_use_t *use, const mproc__fill_t *fill,
         mproc__list_put_e how, apr_int64_t index, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    apr_uint64_t n;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    n = use->content->count;
    if (how == MPROC__PUT_INSTEAD) {
        rv = mproc__list_index(use, &n, index, call);
        if (rv == APR_SUCCESS) {
            rv = mproc__list_set(use, n, fill);
        }
    }
    else {
        if (how == MPROC__PUT_BEFORE) {
            n = (apr_uint64_t)index_cut(index, (apr_int64_t)n);
        }
        rv = mproc__list_splice(use, n, 0, fill, 1);
    }
    mproc__store_unlock(use);
    return rv;
}

static apr_status_t
list_put(mproc_list_t *list, mproc_bytes_t value, mproc__list_put_e how,
         apr_int64_t index, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc__fill_t fill;

    if (proxy != NULL) {
        return mproc__far_list_put(proxy, how, index, MPROC__FAR_VALUE(value),
                                   call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__fill_begin(&fill, &list->use, value, call);
    if (rv == APR_SUCCESS) {
        rv = fill_put(&list->use, &fill, how, index, call);
    }
    mproc__fill_end(&fill);
    return rv;
}

static apr_status_t
list_vput(mproc_list_t *list, const char *format, va_list args,
          mproc__list_put_e how, apr_int64_t index, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc__packing_t packing;
    mproc__fill_t fill;

    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        rv = mproc__far_list_put(proxy, how, index,
                                 MPROC__FAR_FORMAT(format, &far_args), call);
        va_end(far_args.list);
        return rv;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__fill_format(&fill, &packing, &list->use, call, format, args);
    if (rv == APR_SUCCESS) {
        rv = fill_put(&list->use, &fill, how, index, call);
    }
    mproc__fill_end(&fill);
    mproc__packing_end(&packing);
    return rv;
}

apr_status_t
mproc_list_append(mproc_list_t *list, mproc_bytes_t value)
{
    return list_put(list, value, MPROC__PUT_LAST, 0, "mproc_list_append");
}

apr_status_t
mproc_list_appendf(mproc_list_t *list, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv =
        list_vput(list, format, args, MPROC__PUT_LAST, 0, "mproc_list_appendf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_insert(mproc_list_t *list, apr_int64_t index, mproc_bytes_t value)
{
    return list_put(list, value, MPROC__PUT_BEFORE, index, "mproc_list_insert");
}

apr_status_t
mproc_list_insertf(mproc_list_t *list, apr_int64_t index, const char *format,
                   ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vput(list, format, args, MPROC__PUT_BEFORE, index,
                   "mproc_list_insertf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_set(mproc_list_t *list, apr_int64_t index, mproc_bytes_t value)
{
    return list_put(list, value, MPROC__PUT_INSTEAD, index, "mproc_list_set");
}

apr_status_t
mproc_list_setf(mproc_list_t *list, apr_int64_t index, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vput(list, format, args, MPROC__PUT_INSTEAD, index,
                   "mproc_list_setf");
    va_end(args);
    return rv;
}

/* ----------------------------------------------------------------- get, pop */

/* Take one, and off the list if it is to go. */
static apr_status_t
list_take(mproc__store_use_t *use, mproc__taken_t *taken, apr_int64_t index,
          int drop, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    const mproc__element_t *element;
    apr_uint64_t n = 0;

    taken->box = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__list_index(use, &n, index, call);
    if (rv == APR_SUCCESS) {
        element = mproc__list_at(use, n);
        rv = mproc__taken_begin(taken, use, element->value, element->data);
        if (rv == APR_SUCCESS && drop) {
            rv = mproc__list_splice(use, n, 1, NULL, 0);
        }
    }
    mproc__store_unlock(use);
    if (rv != APR_SUCCESS) {
        mproc__taken_end(taken);
    }
    return rv;
}

static apr_status_t
list_get(mproc_list_t *list, mproc_bytes_t *value, apr_int64_t index, int drop,
         apr_pool_t *pool, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc__taken_t taken;

    if (proxy != NULL) {
        return mproc__far_list_get(proxy, index, drop,
                                   MPROC__FAR_BYTES(value, pool), call);
    }
    if (value != NULL) {
        *value = (mproc_bytes_t){NULL, 0};
    }
    if (rv == APR_SUCCESS && (value == NULL || pool == NULL)) {
        rv = mproc__list_null(call, value == NULL ? "the value" : "the pool");
    }
    if (rv == APR_SUCCESS) {
        rv = list_take(&list->use, &taken, index, drop, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__taken_copy(&taken, value, pool);
        mproc__taken_end(&taken);
    }
    return rv;
}

static apr_status_t
list_vget(mproc_list_t *list, apr_int64_t index, int drop, apr_pool_t *pool,
          const char *format, va_list args, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc__taken_t taken;

    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        rv = mproc__far_list_get(proxy, index, drop,
                                 MPROC__FAR_UNPACK(format, &far_args, pool),
                                 call);
        va_end(far_args.list);
        return rv;
    }
    if (rv == APR_SUCCESS && pool == NULL) {
        rv = mproc__list_null(call, "the pool");
    }
    if (rv == APR_SUCCESS) {
        rv = list_take(&list->use, &taken, index, drop, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_vunpack(taken.bytes, pool, format, args);
        mproc__taken_end(&taken);
    }
    return rv;
}

apr_status_t
mproc_list_get(mproc_list_t *list, mproc_bytes_t *value, apr_int64_t index,
               apr_pool_t *pool)
{
    return list_get(list, value, index, 0, pool, "mproc_list_get");
}

apr_status_t
mproc_list_getf(mproc_list_t *list, apr_int64_t index, apr_pool_t *pool,
                const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vget(list, index, 0, pool, format, args, "mproc_list_getf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_pop(mproc_list_t *list, mproc_bytes_t *value, apr_int64_t index,
               apr_pool_t *pool)
{
    return list_get(list, value, index, 1, pool, "mproc_list_pop");
}

apr_status_t
mproc_list_popf(mproc_list_t *list, apr_int64_t index, apr_pool_t *pool,
                const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vget(list, index, 1, pool, format, args, "mproc_list_popf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_remove(mproc_list_t *list, apr_int64_t index)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_remove";
    apr_status_t rv = mproc__list_check(list, call);
    apr_uint64_t n = 0;

    if (proxy != NULL) {
        return mproc__far_list_with(proxy, MPROC__LIST_REMOVE, index, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__list_index(&list->use, &n, index, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__list_splice(&list->use, n, 1, NULL, 0);
    }
    mproc__store_unlock(&list->use);
    return rv;
}

/* ------------------------------------------------------------------ size, all
 */

apr_size_t
mproc_list_size(mproc_list_t *list)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_size";
    apr_size_t size;

    if (proxy != NULL) {
        apr_int64_t number =
            mproc__proxy_number(proxy, MPROC__LIST_SIZE, 0, call);
        return number < 0 ? 0 : (apr_size_t)number;
    }
    if (mproc__list_check(list, call) != APR_SUCCESS ||
        mproc__store_lock(&list->use, call) != APR_SUCCESS) {
        return 0;
    }
    size = (apr_size_t)list->use.content->count;
    mproc__store_unlock(&list->use);
    return size;
}

apr_status_t
mproc_list_clear(mproc_list_t *list)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_clear";
    apr_status_t rv = mproc__list_check(list, call);

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LIST_CLEAR, 0, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_clear(&list->use);
        mproc__store_unlock(&list->use);
    }
    return rv;
}
