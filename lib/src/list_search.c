/* list_search.c: finding elements of a list by their value, and bringing them
 * into another order. */
#include "list_use.h"

#include <stdlib.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "ring.h"

/* The bytes of an element, where they lie; the mutex is held. */
static mproc_bytes_t
element_bytes(mproc__store_use_t *use, const mproc__element_t *element)
{
    if (element->value & MPROC__VALUE_BOX) {
        return mproc__box_bytes(
            mproc__store_box_handle(use, element->value & ~MPROC__VALUE_BOX));
    }
    return (mproc_bytes_t){element->data, element->value};
}

/* ------------------------------------------------------------------ search */

/* Count those that are equal, up to `most`; where the first is. */
static void
list_search(mproc__store_use_t *use, mproc_bytes_t wanted, apr_size_t most,
            apr_size_t *count, apr_size_t *first)
{
    apr_uint64_t i;

    *count = 0;
    for (i = 0; i < use->content->count && *count < most; i++) {
        if (mproc__packed_equal(element_bytes(use, mproc__list_at(use, i)),
                                wanted)) {
            if ((*count)++ == 0) {
                *first = (apr_size_t)i;
            }
        }
    }
}

/* Of a manager's list: what it has not is no failure here. */
static apr_status_t
far_vsearch(mproc__proxy_t *list, apr_size_t most, apr_size_t *count,
            apr_size_t *first, int drop, const char *call, const char *format,
            va_list args)
{
    apr_size_t number;
    apr_status_t rv = mproc__far_list_search(list, drop ? 2 : most > 1, &number,
                                             format, args, call);

    if (rv == APR_NOTFOUND) {
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS && most > 1) {
        *count = number;
    }
    else if (rv == APR_SUCCESS) {
        *count = 1;
        *first = number;
    }
    return rv;
}

/* What those that take a value have in common; `drop`: remove the first. */
static apr_status_t
list_vsearch(mproc_list_t *list, apr_size_t most, apr_size_t *count,
             apr_size_t *first, int drop, const char *call, const char *format,
             va_list args)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    apr_status_t rv = mproc__list_check(list, call);
    mproc__packing_t packing;
    mproc_bytes_t wanted;

    *count = 0;
    if (proxy != NULL) {
        return far_vsearch(proxy, most, count, first, drop, call, format, args);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__packing_begin(&packing, format, args);
    if (rv == APR_SUCCESS) {
        wanted = mproc__packing_bytes(&packing);
        if (wanted.size == 0 ||
            mproc__value_check(wanted, NULL, NULL) != APR_SUCCESS) {
            rv = mproc__fail(MPROC_EFORMAT,
                             "%s: the format packs another number of values "
                             "than one",
                             call);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
        if (rv == APR_SUCCESS) {
            list_search(&list->use, wanted, most, count, first);
            if (drop && *count > 0) {
                rv = mproc__list_splice(&list->use, *first, 1, NULL, 0);
            }
            mproc__store_unlock(&list->use);
        }
    }
    mproc__packing_end(&packing);
    return rv;
}

static apr_status_t
value_missing(const char *call)
{
    return mproc__fail(APR_NOTFOUND, "%s: no element has that value", call);
}

apr_status_t
mproc_list_countf(mproc_list_t *list, apr_size_t *count, const char *format,
                  ...)
{
    const char *call = "mproc_list_countf";
    apr_size_t first;
    apr_status_t rv;
    va_list args;

    if (count == NULL) {
        return mproc__list_null(call, "the count");
    }
    va_start(args, format);
    rv = list_vsearch(list, (apr_size_t)-1, count, &first, 0, call, format,
                      args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_list_indexf(mproc_list_t *list, apr_size_t *index, const char *format,
                  ...)
{
    const char *call = "mproc_list_indexf";
    apr_size_t count;
    apr_status_t rv;
    va_list args;

    if (index == NULL) {
        return mproc__list_null(call, "the index");
    }
    *index = 0;
    va_start(args, format);
    rv = list_vsearch(list, 1, &count, index, 0, call, format, args);
    va_end(args);
    return rv == APR_SUCCESS && count == 0 ? value_missing(call) : rv;
}

int
mproc_list_hasf(mproc_list_t *list, const char *format, ...)
{
    apr_size_t count, first;
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vsearch(list, 1, &count, &first, 0, "mproc_list_hasf", format,
                      args);
    va_end(args);
    return rv == APR_SUCCESS && count > 0;
}

apr_status_t
mproc_list_removef(mproc_list_t *list, const char *format, ...)
{
    const char *call = "mproc_list_removef";
    apr_size_t count, first;
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = list_vsearch(list, 1, &count, &first, 1, call, format, args);
    va_end(args);
    return rv == APR_SUCCESS && count == 0 ? value_missing(call) : rv;
}

/* ------------------------------------------------------------------- order */

typedef struct sorted_t {
    mproc_bytes_t bytes;
    apr_uint32_t ref;
    apr_uint32_t place; /* equal ones stay in their order */
    struct sorting_t *sorting;
} sorted_t;

typedef struct sorting_t {
    int reverse;
    int unordered; /* two of them have no order */
} sorting_t;

static int
sorted_order(const void *left, const void *right)
{
    const sorted_t *a = left, *b = right;
    int order;

    if (mproc__packed_order(a->bytes, b->bytes, &order) == MPROC__UNORDERED) {
        a->sorting->unordered = 1;
    }
    if (a->sorting->reverse) {
        order = -order;
    }
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* The mutex is held. */
static apr_status_t
list_sort(mproc__store_use_t *use, sorting_t *sorting, const char *call)
{
    apr_size_t count = (apr_size_t)use->content->count, i;
    sorted_t *all = malloc((count + 1) * sizeof *all);
    const apr_uint32_t *now;
    apr_uint32_t *refs;
    apr_status_t rv;

    if (all == NULL) {
        return mproc__list_memory(call);
    }
    rv = mproc__list_order_begin(use, &now, &refs);
    if (rv == APR_SUCCESS) {
        for (i = 0; i < count; i++) {
            mproc__element_t *element = mproc__list_element(use, now[i]);
            all[i] = (sorted_t){element_bytes(use, element), now[i],
                                (apr_uint32_t)i, sorting};
        }
        qsort(all, count, sizeof *all, sorted_order);
        for (i = 0; i < count; i++) {
            refs[i] = all[i].ref;
        }
        if (sorting->unordered) {
            mproc__list_order_drop(use);
            rv = mproc__fail(APR_EINVAL,
                             "%s: not all elements can be compared with each "
                             "other: only numbers, texts, bytes, or lists of "
                             "these can, each among themselves",
                             call);
        }
        else {
            mproc__list_order_end(use);
        }
    }
    free(all);
    return rv;
}

apr_status_t
mproc_list_sort(mproc_list_t *list, int reverse)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_sort";
    apr_status_t rv = mproc__list_check(list, call);
    sorting_t sorting = {reverse, 0};

    if (proxy != NULL) {
        return mproc__far_list_with(proxy, MPROC__LIST_SORT, reverse, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (list->use.content->count > 1) {
        rv = list_sort(&list->use, &sorting, call);
    }
    mproc__store_unlock(&list->use);
    return rv;
}

apr_status_t
mproc_list_reverse(mproc_list_t *list)
{
    mproc__proxy_t *proxy = mproc__proxy_of(list, MPROC_KIND_LIST);
    const char *call = "mproc_list_reverse";
    apr_status_t rv = mproc__list_check(list, call);
    const apr_uint32_t *now;
    apr_uint32_t *refs;
    apr_uint64_t count, i;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LIST_REVERSE, 0, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&list->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    count = list->use.content->count;
    if (count > 1) {
        rv = mproc__list_order_begin(&list->use, &now, &refs);
        if (rv == APR_SUCCESS) {
            for (i = 0; i < count; i++) {
                refs[i] = now[count - 1 - i];
            }
            mproc__list_order_end(&list->use);
        }
    }
    mproc__store_unlock(&list->use);
    return rv;
}
