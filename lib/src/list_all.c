/*
 * list_all.c: calls on many elements of a list: slices, copies, searches,
 * other orders. Each sees, or makes, one state.
 */
#include "list_use.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "ring.h"
#include "wire.h"

static apr_status_t
pool_make(apr_pool_t **pool, const char *call)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, NULL) == APR_SUCCESS
               ? APR_SUCCESS
               : mproc__list_memory(call);
}

/* ---------------------------------------------------------------- snapshot */

/* A value in a box, held until it is copied. */
typedef struct held_t {
    apr_size_t index;
    mproc__hold_t *box;
    struct held_t *next;
} held_t;

static apr_status_t
box_hold(mproc__store_use_t *use, apr_uint32_t word, apr_size_t index,
         held_t **held, apr_pool_t *pool, const char *call)
{
    held_t *more = apr_palloc(pool, sizeof *more);
    mproc__hold_t *box = more == NULL ? NULL : mproc__hold_new();

    if (box == NULL) {
        return mproc__list_memory(call);
    }
    *more = (held_t){index, box, *held};
    *held = more;
    return mproc__arena_hold(
        box, mproc__store_box_handle(use, word & ~MPROC__VALUE_BOX));
}

/* Copy what is inline, hold the rest; the mutex is held. */
static apr_status_t
values_copy(mproc__store_use_t *use, mproc_bytes_t *values, apr_uint64_t from,
            apr_size_t count, held_t **held, apr_pool_t *pool, const char *call)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        const mproc__element_t *element = mproc__list_at(use, from + i);
        char *data;

        if (element->value & MPROC__VALUE_BOX) {
            rv = box_hold(use, element->value, i, held, pool, call);
            continue;
        }
        data = apr_palloc(pool, element->value);
        if (data == NULL) {
            return mproc__list_memory(call);
        }
        memcpy(data, element->data, element->value);
        values[i] = (mproc_bytes_t){data, element->value};
    }
    return rv;
}

/* The elements from start up to stop, at one moment. */
apr_status_t
mproc__list_snapshot(mproc__store_use_t *use, mproc_bytes_t **values,
                     apr_size_t *count, apr_int64_t start, apr_int64_t stop,
                     apr_pool_t *pool, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    apr_uint64_t from, many;
    held_t *held = NULL;
    mproc__taken_t taken;

    *values = NULL;
    *count = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__list_range(use, &from, &many, start, stop);
    *values = apr_palloc(pool, ((apr_size_t)many + 1) * sizeof **values);
    rv = *values == NULL ? mproc__list_memory(call)
                         : values_copy(use, *values, from, (apr_size_t)many,
                                       &held, pool, call);
    mproc__store_unlock(use);
    for (; held != NULL; held = held->next) {
        taken.box = held->box;
        if (rv == APR_SUCCESS) {
            taken.bytes = mproc__box_bytes(mproc__hold_handle(held->box));
            rv = mproc__taken_copy(&taken, &(*values)[held->index], pool);
        }
        mproc__taken_end(&taken);
    }
    if (rv == APR_SUCCESS) {
        *count = (apr_size_t)many;
    }
    return rv;
}

static apr_status_t packed_values(mproc_bytes_t bytes, mproc_bytes_t **values,
                                  apr_size_t *count, apr_pool_t *pool,
                                  const char *call);

/* Of a manager's list. */
static apr_status_t
far_snapshot(mproc__proxy_t *list, mproc_bytes_t **values, apr_size_t *count,
             apr_pool_t *pool, const char *call)
{
    mproc_bytes_t all;
    apr_status_t rv;

    *values = NULL;
    *count = 0;
    rv = mproc__far_list_slice(list, 0, MPROC_LIST_END, &all, pool, call);
    return rv == APR_SUCCESS ? packed_values(all, values, count, pool, call)
                             : rv;
}

static apr_status_t
far_datum(mproc__proxy_t *list, mproc_datum_t **datum, apr_int64_t start,
          apr_int64_t stop, apr_pool_t *pool, const char *call)
{
    mproc_bytes_t all;
    apr_pool_t *own;
    apr_status_t rv = pool_make(&own, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__far_list_slice(list, start, stop, &all, own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_parse(datum, all, pool);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_list_snapshot(mproc_list_t *list, mproc_bytes_t **values,
                    apr_size_t *count, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_snapshot";
    apr_status_t rv = mproc__list_check(list, call);

    if (proxy != NULL) {
        return far_snapshot(proxy, values, count, pool, call);
    }
    if (rv == APR_SUCCESS &&
        (values == NULL || count == NULL || pool == NULL)) {
        rv = mproc__list_null(call, "an argument");
    }
    return rv == APR_SUCCESS
               ? mproc__list_snapshot(&list->use, values, count, 0,
                                      MPROC_LIST_END, pool, call)
               : rv;
}

/* One list in MessagePack, to be parsed. */
static apr_status_t
values_pack(mproc_bytes_t *bytes, const mproc_bytes_t *values, apr_size_t count,
            apr_pool_t *pool, const char *call)
{
    apr_size_t size = 5, i;
    char *data, *at;

    for (i = 0; i < count; i++) {
        size += values[i].size;
    }
    data = at = apr_palloc(pool, size);
    if (data == NULL) {
        return mproc__list_memory(call);
    }
    *at++ = (char)0xdd;
    for (i = 0; i < 4; i++) {
        *at++ = (char)(count >> 8 * (3 - i));
    }
    for (i = 0; i < count; i++) {
        memcpy(at, values[i].data, values[i].size);
        at += values[i].size;
    }
    *bytes = (mproc_bytes_t){data, size};
    return APR_SUCCESS;
}

static apr_status_t
list_datum(mproc_list_t *list, mproc_datum_t **datum, apr_int64_t start,
           apr_int64_t stop, apr_pool_t *pool, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc_bytes_t *values, bytes;
    apr_size_t count;
    apr_pool_t *own;

    if (proxy != NULL) {
        return far_datum(proxy, datum, start, stop, pool, call);
    }
    if (datum == NULL) {
        return mproc__list_null(call, "the datum");
    }
    *datum = NULL;
    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__list_snapshot(&list->use, &values, &count, start, stop, own,
                              call);
    if (rv == APR_SUCCESS) {
        rv = values_pack(&bytes, values, count, own, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_parse(datum, bytes, pool);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_list_datum(mproc_list_t *list, mproc_datum_t **datum, apr_pool_t *pool)
{
    return list_datum(list, datum, 0, MPROC_LIST_END, pool, "mproc_list_datum");
}

apr_status_t
mproc_list_slice(mproc_list_t *list, mproc_datum_t **datum, apr_int64_t start,
                 apr_int64_t stop, apr_pool_t *pool)
{
    return list_datum(list, datum, start, stop, pool, "mproc_list_slice");
}

/* ------------------------------------------------------------------ splice */

/* Put values in the place of those from start up to stop. */
static apr_status_t
values_put(mproc__store_use_t *use, apr_int64_t start, apr_int64_t stop,
           const mproc_bytes_t *values, apr_size_t count, apr_pool_t *pool,
           const char *call)
{
    mproc__fill_t *fill = apr_palloc(pool, (count + 1) * sizeof *fill);
    apr_status_t rv = fill == NULL ? mproc__list_memory(call) : APR_SUCCESS;
    apr_uint64_t from, fewer;
    apr_size_t made = 0;

    while (made < count && rv == APR_SUCCESS) {
        rv = mproc__fill_begin(&fill[made], use, values[made], call);
        made++;
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(use, call);
    }
    if (rv == APR_SUCCESS) {
        mproc__list_range(use, &from, &fewer, start, stop);
        rv = mproc__list_splice(use, from, fewer, fill, count);
        mproc__store_unlock(use);
    }
    while (made > 0) {
        mproc__fill_end(&fill[--made]);
    }
    return rv;
}

/* The elements of a packed list, where they lie. */
static apr_status_t
packed_values(mproc_bytes_t bytes, mproc_bytes_t **values, apr_size_t *count,
              apr_pool_t *pool, const char *call)
{
    mproc__token_t token;
    mproc__wire_t wire;
    apr_size_t i;

    mproc__wire_init(&wire, bytes);
    if (bytes.size == 0 || mproc__wire_next(&wire, &token) != APR_SUCCESS ||
        token.kind != MPROC__TOKEN_LIST) {
        return mproc__fail(APR_EINVAL,
                           "%s: what is given is no list; pass one, such as "
                           "\"[i s]\"",
                           call);
    }
    *count = (apr_size_t)token.number;
    *values = apr_palloc(pool, (*count + 1) * sizeof **values);
    if (*values == NULL) {
        return mproc__list_memory(call);
    }
    for (i = 0; i < *count; i++) {
        const unsigned char *start = wire.at;

        if (mproc__wire_skip(&wire, MPROC__NESTING_MAX) != APR_SUCCESS) {
            return mproc__fail(MPROC_EFORMAT, "%s: the list is cut off", call);
        }
        (*values)[i] = (mproc_bytes_t){start, (apr_size_t)(wire.at - start)};
    }
    return wire.at == wire.end
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL,
                             "%s: there is more than one list; pass one", call);
}

static apr_status_t
list_vsplice(mproc_list_t *list, apr_int64_t start, apr_int64_t stop,
             const char *call, const char *format, va_list args)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv =
        proxy != NULL ? APR_SUCCESS : mproc__list_check(list, call);
    mproc__packing_t packing;
    mproc_bytes_t *values = NULL;
    apr_size_t count = 0;
    apr_pool_t *own;

    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__packing_begin(&packing, format, args);
    if (rv == APR_SUCCESS) {
        rv = packed_values(mproc__packing_bytes(&packing), &values, &count, own,
                           call);
    }
    if (rv == APR_SUCCESS && proxy != NULL) {
        rv = mproc__far_list_splice(proxy, start, stop,
                                    mproc__packing_bytes(&packing), call);
    }
    else if (rv == APR_SUCCESS) {
        rv = values_put(&list->use, start, stop, values, count, own, call);
    }
    mproc__packing_end(&packing);
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_list_extendf(mproc_list_t *list, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vsplice(list, MPROC_LIST_END, MPROC_LIST_END,
                      "mproc_list_extendf", format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_extend(mproc_list_t *list, const mproc_datum_t *values)
{
    return mproc_list_extendf(list, "v", values);
}

apr_status_t
mproc_list_set_slicef(mproc_list_t *list, apr_int64_t start, apr_int64_t stop,
                      const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vsplice(list, start, stop, "mproc_list_set_slicef", format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_set_slice(mproc_list_t *list, apr_int64_t start, apr_int64_t stop,
                     const mproc_datum_t *values)
{
    return mproc_list_set_slicef(list, start, stop, "v", values);
}

apr_status_t
mproc_list_remove_slice(mproc_list_t *list, apr_int64_t start, apr_int64_t stop)
{
    return mproc_list_set_slicef(list, start, stop, "[]");
}

apr_status_t
mproc_list_copy(mproc_list_t **copy, mproc_list_t *list, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_copy";
    mproc_bytes_t *values = NULL;
    apr_size_t count = 0;
    apr_pool_t *own;
    apr_status_t rv;

    if (proxy != NULL) {
        return copy == NULL ? mproc__list_null(call, "where the copy goes")
                            : mproc__far_copy(copy, proxy, MPROC__LIST_COPY,
                                              MPROC_KIND_LIST, pool, call);
    }
    if (copy == NULL) {
        return mproc__list_null(call, "where the copy goes");
    }
    *copy = NULL;
    rv = mproc__list_check(list, call);
    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__list_snapshot(&list->use, &values, &count, 0, MPROC_LIST_END,
                              own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc_list_create(copy, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = values_put(&(*copy)->use, 0, 0, values, count, own, call);
        if (rv != APR_SUCCESS) {
            mproc_list_destroy(*copy);
            *copy = NULL;
        }
    }
    apr_pool_destroy(own);
    return rv;
}

/* ------------------------------------------------------------------ repeat */

/* What is in the list already, to be put once more. */
static void
elements_fill(mproc__store_use_t *use, mproc__fill_t *fill, apr_size_t count,
              apr_size_t more)
{
    apr_size_t i;

    for (i = 0; i < more; i++) {
        mproc__element_t *element = mproc__list_at(use, i % count);

        fill[i].data = element->data;
        fill[i].size = element->value;
        fill[i].box =
            element->value & MPROC__VALUE_BOX
                ? mproc__store_box_hold(use, element->value & ~MPROC__VALUE_BOX)
                : NULL;
    }
}

static apr_status_t
list_repeat(mproc__store_use_t *use, apr_int64_t times, const char *call)
{
    apr_uint64_t count = use->content->count, more;
    mproc__fill_t *fill;
    apr_status_t rv;

    if (count > 0 && (apr_uint64_t)times > MPROC__LIST_MOST / count) {
        return mproc__fail(APR_ENOMEM,
                           "%s: %" APR_INT64_T_FMT " times %" APR_UINT64_T_FMT
                           " are more elements than a list can have",
                           call, times, count);
    }
    more = count * ((apr_uint64_t)times - 1);
    if (more == 0) {
        return APR_SUCCESS;
    }
    fill = malloc((apr_size_t)more * sizeof *fill);
    if (fill == NULL) {
        return mproc__list_memory(call);
    }
    elements_fill(use, fill, (apr_size_t)count, (apr_size_t)more);
    rv = mproc__list_splice(use, count, 0, fill, (apr_size_t)more);
    free(fill);
    return rv;
}

apr_status_t
mproc_list_repeat(mproc_list_t *list, apr_int64_t times)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_repeat";
    apr_status_t rv = mproc__list_check(list, call);

    if (proxy != NULL) {
        return mproc__far_list_with(proxy, MPROC__LIST_REPEAT, times, call);
    }
    if (times <= 0) {
        return mproc_list_clear(list);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
    }
    if (rv == APR_SUCCESS) {
        rv = list_repeat(&list->use, times, call);
        mproc__store_unlock(&list->use);
    }
    return rv;
}
