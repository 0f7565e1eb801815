/*
 * shareable_list.c: a list of fixed length, of values between datum and slot.
 *
 * The block has the number of elements, their slots, and behind them two
 * copies of room for each. All of that but the slots' words and the copies is
 * written before anybody else knows the list. That an element is whole at any
 * time, whoever dies, is the business of slot.c.
 */
#include <mproc/shareable_list.h>

#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "datum.h"
#include "error.h"
#include "kinds.h"
#include "slot.h"

typedef struct list_shared_t {
    apr_uint64_t count;
    apr_uint64_t unused;
    mproc__slot_t slot[];
} list_shared_t;

struct mproc_shareable_list_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__shareable_list_ops = {
    .kind = MPROC_KIND_SHAREABLE_LIST,
    .local_size = sizeof(struct mproc_shareable_list_t)};

static list_shared_t *
list_shared(mproc_shareable_list_t *list)
{
    return list->object.shared;
}

static apr_status_t
list_check(mproc_shareable_list_t *list, const void *result, const char *call)
{
    if (!mproc__object_usable(list)) {
        return mproc__fail(APR_EINVAL,
                           "%s: the list is NULL or destroyed; pass one made "
                           "by mproc_shareable_list_create() or unpacked with "
                           "`o`",
                           call);
    }
    return result != NULL ? APR_SUCCESS
                          : mproc__fail(APR_EINVAL,
                                        "%s: an argument is NULL; pass where "
                                        "the result goes, a format, a pool",
                                        call);
}

/* The slot of an index, which may count from the end. */
static apr_status_t
list_slot(mproc__slot_t **slot, mproc_shareable_list_t *list, apr_int64_t index,
          const char *call)
{
    list_shared_t *shared = list_shared(list);
    apr_int64_t count = (apr_int64_t)shared->count;

    if (index < -count || index >= count) {
        return mproc__fail(APR_NOTFOUND,
                           "%s: there is no element %" APR_INT64_T_FMT
                           " in a list of %" APR_INT64_T_FMT,
                           call, index, count);
    }
    *slot = &shared->slot[index < 0 ? index + count : index];
    return APR_SUCCESS;
}

/* ---------------------------------------------------------- datum and bytes */

typedef struct element_t {
    mproc__slot_value_t value;
    const void *data;
    apr_uint64_t word; /* where data is a number's */
} element_t;

/* What a datum is in a slot; refers to its text or bytes. */
static apr_status_t
element_make(element_t *element, const mproc_datum_t *datum, const char *call)
{
    element->value.type = datum->type;
    element->value.size = 8;
    element->data = &element->word;
    element->word = 0;
    switch ((mproc_datum_type_e)datum->type) {
    case MPROC_DATUM_NIL:
        element->value.size = 0;
        return APR_SUCCESS;
    case MPROC_DATUM_BOOL:
        element->word = datum->as.boolean != 0;
        return APR_SUCCESS;
    case MPROC_DATUM_INT:
        element->word = datum->as.whole;
        if (!datum->negative && element->word >> 63 != 0) {
            return mproc__fail(APR_EINVAL,
                               "%s: the number %" APR_UINT64_T_FMT
                               " is larger than 2^63 - 1, the largest that an "
                               "element can be",
                               call, datum->as.whole);
        }
        return APR_SUCCESS;
    case MPROC_DATUM_DOUBLE:
        memcpy(&element->word, &datum->as.real, sizeof datum->as.real);
        return APR_SUCCESS;
    case MPROC_DATUM_TEXT:
    case MPROC_DATUM_BYTES:
        element->value.size = datum->as.run.size;
        element->data = datum->as.run.data;
        return APR_SUCCESS;
    default:
        return mproc__fail(APR_EINVAL,
                           "%s: %s cannot be an element; nil, booleans, "
                           "numbers, texts and bytes can",
                           call, mproc__datum_name(datum));
    }
}

/* The room that a slot gets by its first value. */
static apr_uint64_t
element_room(const element_t *element)
{
    int run = element->value.type == MPROC_DATUM_TEXT ||
              element->value.type == MPROC_DATUM_BYTES;

    return run ? 8 * ((apr_uint64_t)element->value.size / 8 + 1) : 8;
}

/* Read a slot into a datum, which has a pool and is nil. */
static apr_status_t
slot_datum(mproc_datum_t *datum, mproc__slot_t *slot)
{
    char *data = apr_palloc(datum->pool, (apr_size_t)slot->room + 1);
    mproc__slot_value_t value;

    if (data == NULL) {
        return mproc__datum_enomem();
    }
    mproc__slot_read(slot, &value, data);
    switch ((mproc_datum_type_e)value.type) {
    case MPROC_DATUM_BOOL:
        datum->as.boolean = data[0] != 0 || data[7] != 0;
        break;
    case MPROC_DATUM_INT:
        memcpy(&datum->as.whole, data, 8);
        datum->negative = datum->as.whole >> 63 != 0;
        break;
    case MPROC_DATUM_DOUBLE:
        memcpy(&datum->as.real, data, 8);
        break;
    case MPROC_DATUM_TEXT:
    case MPROC_DATUM_BYTES:
        data[value.size] = '\0';
        datum->as.run.data = data;
        datum->as.run.size = value.size;
        break;
    default:
        break;
    }
    datum->type = (unsigned char)value.type;
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- formats
 */

static apr_status_t
pool_make(apr_pool_t **pool, const char *call)
{
    apr_status_t rv = apr_pool_create_unmanaged_ex(pool, NULL, NULL);

    return rv == APR_SUCCESS
               ? rv
               : mproc__fail(rv, "%s: no memory for a pool; free some", call);
}

/* What a format packs, as one datum in the pool. */
static apr_status_t
format_datum(mproc_datum_t **datum, apr_pool_t *pool, const char *call,
             const char *format, va_list args)
{
    mproc_bytes_t bytes;
    apr_status_t rv = mproc_vpack(&bytes, pool, format, args);

    *datum = NULL;
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_parse(datum, bytes, pool);
        if (rv == MPROC_EFORMAT) {
            rv = mproc__fail(APR_EINVAL,
                             "%s: the format \"%.100s\" packs another number "
                             "of values than one",
                             call, format);
        }
    }
    return rv;
}

/* ------------------------------------------------------------------- create */

static apr_status_t
list_size(apr_uint64_t *size, const mproc_datum_t *values)
{
    element_t element;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    *size =
        sizeof(list_shared_t) + values->as.items.count * sizeof(mproc__slot_t);
    for (i = 0; i < values->as.items.count && rv == APR_SUCCESS; i++) {
        rv = element_make(&element, &values->as.items.at[i],
                          "mproc_shareable_list_create");
        *size += MPROC__SLOT_COPIES(element_room(&element));
    }
    return rv;
}

static apr_status_t
list_fill(mproc_shareable_list_t *list, const mproc_datum_t *values)
{
    list_shared_t *shared = list_shared(list);
    apr_size_t count = values->as.items.count, i;
    char *copies = (char *)&shared->slot[count];
    apr_status_t rv = APR_SUCCESS;
    element_t element;

    shared->count = count;
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        mproc__slot_t *slot = &shared->slot[i];

        rv = element_make(&element, &values->as.items.at[i],
                          "mproc_shareable_list_create");
        slot->copies = (apr_uint64_t)(copies - (char *)slot);
        slot->room = element_room(&element);
        copies += MPROC__SLOT_COPIES(slot->room);
        if (rv == APR_SUCCESS) {
            rv = mproc__slot_write(slot, &list->object, &element.value,
                                   element.data);
        }
    }
    return rv;
}

static apr_status_t
list_create(mproc_shareable_list_t **list, const mproc_datum_t *values,
            apr_pool_t *pool)
{
    apr_uint64_t size;
    apr_status_t rv;

    if (values->type != MPROC_DATUM_LIST) {
        return mproc__fail(APR_EINVAL,
                           "mproc_shareable_list_create: the format packs %s "
                           "instead of a list; put it into [ ]",
                           mproc__datum_name(values));
    }
    rv = list_size(&size, values);
    if (rv == APR_SUCCESS) {
        rv = mproc__object_create(list, &mproc__shareable_list_ops, size, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = list_fill(*list, values);
        if (rv != APR_SUCCESS) {
            mproc__object_close(*list);
            *list = NULL;
        }
    }
    return rv;
}

apr_status_t
mproc_shareable_list_create(mproc_shareable_list_t **list, apr_pool_t *pool,
                            const char *format, ...)
{
    mproc_datum_t *values;
    apr_pool_t *own;
    apr_status_t rv;
    va_list args;

    if (list == NULL || format == NULL) {
        return mproc__fail(APR_EINVAL,
                           "mproc_shareable_list_create: %s is NULL; pass "
                           "where the list goes, and a format like \"[i s]\"",
                           list == NULL ? "list" : "format");
    }
    *list = NULL;
    rv = pool_make(&own, "mproc_shareable_list_create");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    rv =
        format_datum(&values, own, "mproc_shareable_list_create", format, args);
    va_end(args);
    if (rv == APR_SUCCESS) {
        rv = list_create(list, values, pool);
    }
    apr_pool_destroy(own);
    return rv;
}

void
mproc_shareable_list_destroy(mproc_shareable_list_t *list)
{
    mproc__object_close(list);
}

apr_size_t
mproc_shareable_list_size(mproc_shareable_list_t *list)
{
    return mproc__object_usable(list) ? (apr_size_t)list_shared(list)->count
                                      : 0;
}

apr_status_t
mproc_shareable_list_room(mproc_shareable_list_t *list, apr_size_t *bytes,
                          apr_int64_t index)
{
    const char *call = "mproc_shareable_list_room";
    apr_status_t rv = list_check(list, bytes, call);
    mproc__slot_t *slot = NULL;

    if (rv == APR_SUCCESS) {
        *bytes = 0;
        rv = list_slot(&slot, list, index, call);
    }
    if (rv == APR_SUCCESS) {
        *bytes = (apr_size_t)slot->room;
    }
    return rv;
}

/* --------------------------------------------------------------- get and set
 */

apr_status_t
mproc_shareable_list_getf(mproc_shareable_list_t *list, apr_int64_t index,
                          apr_pool_t *pool, const char *format, ...)
{
    const char *call = "mproc_shareable_list_getf";
    mproc__slot_t *slot = NULL;
    mproc_datum_t *datum;
    mproc_bytes_t bytes;
    apr_pool_t *own;
    apr_status_t rv;
    va_list args;

    rv = list_check(list, pool == NULL ? NULL : format, call);
    if (rv == APR_SUCCESS) {
        rv = list_slot(&slot, list, index, call);
    }
    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__datum_create(&datum, own);
    if (rv == APR_SUCCESS) {
        rv = slot_datum(datum, slot);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_pack(&bytes, datum, own);
    }
    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv = mproc_vunpack(bytes, pool, format, args);
        va_end(args);
    }
    apr_pool_destroy(own);
    return rv;
}

static apr_status_t
slot_set(mproc_shareable_list_t *list, mproc__slot_t *slot,
         const mproc_datum_t *datum, apr_int64_t index)
{
    element_t element;
    apr_status_t rv =
        element_make(&element, datum, "mproc_shareable_list_setf");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (element.value.size > slot->room) {
        return mproc__fail(MPROC_ETOOBIG,
                           "mproc_shareable_list_setf: %" APR_SIZE_T_FMT
                           " bytes do not fit into element %" APR_INT64_T_FMT
                           ", which has room for %" APR_UINT64_T_FMT
                           "; create the list with a longer value there",
                           element.value.size, index, slot->room);
    }
    return mproc__slot_write(slot, &list->object, &element.value, element.data);
}

apr_status_t
mproc_shareable_list_setf(mproc_shareable_list_t *list, apr_int64_t index,
                          const char *format, ...)
{
    const char *call = "mproc_shareable_list_setf";
    mproc__slot_t *slot = NULL;
    mproc_datum_t *datum;
    apr_pool_t *own;
    apr_status_t rv;
    va_list args;

    rv = list_check(list, format, call);
    if (rv == APR_SUCCESS) {
        rv = list_slot(&slot, list, index, call);
    }
    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    rv = format_datum(&datum, own, call, format, args);
    va_end(args);
    if (rv == APR_SUCCESS) {
        rv = slot_set(list, slot, datum, index);
    }
    apr_pool_destroy(own);
    return rv;
}

/* -------------------------------------------------------------- all elements
 */

apr_status_t
mproc_shareable_list_datum(mproc_shareable_list_t *list, mproc_datum_t **datum,
                           apr_pool_t *pool)
{
    apr_status_t rv = list_check(list, datum, "mproc_shareable_list_datum");
    mproc__items_t *items;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_datum_create_list(datum, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    items = &(*datum)->as.items;
    items->room = (apr_size_t)list_shared(list)->count;
    items->at = mproc__datum_items(items->room, (*datum)->pool);
    rv = items->at == NULL ? mproc__datum_enomem() : APR_SUCCESS;
    while (rv == APR_SUCCESS && items->count < items->room) {
        rv = slot_datum(&items->at[items->count],
                        &list_shared(list)->slot[items->count]);
        items->count += rv == APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
    }
    return rv;
}

/* A boolean is a number, as Python has it. */
static int
number_is_whole(const mproc_datum_t *datum, int *negative, apr_uint64_t *whole)
{
    *negative = datum->type == MPROC_DATUM_INT && datum->negative;
    *whole = datum->type == MPROC_DATUM_BOOL
                 ? (apr_uint64_t)(datum->as.boolean != 0)
                 : datum->as.whole;
    return datum->type == MPROC_DATUM_BOOL || datum->type == MPROC_DATUM_INT;
}

static int
values_equal(const mproc_datum_t *a, const mproc_datum_t *b)
{
    int a_negative, b_negative;
    apr_uint64_t a_whole, b_whole;
    double real;

    if (a->type == MPROC_DATUM_DOUBLE) {
        const mproc_datum_t *swap = a;
        a = b;
        b = swap;
    }
    if (a->type == MPROC_DATUM_DOUBLE) {
        return a->as.real == b->as.real;
    }
    if (!number_is_whole(a, &a_negative, &a_whole)) {
        return mproc_datum_equal(a, b);
    }
    if (b->type == MPROC_DATUM_DOUBLE) {
        return mproc__whole_double(a_negative, a_whole, &real) &&
               real == b->as.real;
    }
    return number_is_whole(b, &b_negative, &b_whole) &&
           a_negative == b_negative && a_whole == b_whole;
}

/* Count the elements that are equal to a datum, up to `most`, and tell where
 * the last of these is. */
static apr_status_t
list_search(mproc_shareable_list_t *list, const mproc_datum_t *wanted,
            apr_size_t most, apr_size_t *count, apr_size_t *where)
{
    list_shared_t *shared = list_shared(list);
    apr_status_t rv = APR_SUCCESS;
    mproc_datum_t *datum;
    apr_pool_t *own;
    apr_size_t i;

    *count = 0;
    rv = pool_make(&own, "mproc_shareable_list");
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < shared->count && *count < most && rv == APR_SUCCESS; i++) {
        rv = mproc__datum_create(&datum, own);
        if (rv == APR_SUCCESS) {
            rv = slot_datum(datum, &shared->slot[i]);
        }
        if (rv == APR_SUCCESS && values_equal(datum, wanted)) {
            ++*count;
            *where = i;
        }
        apr_pool_clear(own);
    }
    apr_pool_destroy(own);
    return rv;
}

/* What countf and indexf have in common. */
static apr_status_t
list_vsearch(mproc_shareable_list_t *list, const char *call, apr_size_t most,
             apr_size_t *count, apr_size_t *where, const char *format,
             va_list args)
{
    mproc_datum_t *datum;
    apr_pool_t *own;
    apr_status_t rv = pool_make(&own, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = format_datum(&datum, own, call, format, args);
    if (rv == APR_SUCCESS) {
        rv = list_search(list, datum, most, count, where);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_shareable_list_countf(mproc_shareable_list_t *list, apr_size_t *count,
                            const char *format, ...)
{
    const char *call = "mproc_shareable_list_countf";
    apr_status_t rv = list_check(list, count == NULL ? NULL : format, call);
    apr_size_t where;
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *count = 0;
    va_start(args, format);
    rv = list_vsearch(list, call, (apr_size_t)-1, count, &where, format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_shareable_list_indexf(mproc_shareable_list_t *list, apr_size_t *index,
                            const char *format, ...)
{
    const char *call = "mproc_shareable_list_indexf";
    apr_status_t rv = list_check(list, index == NULL ? NULL : format, call);
    apr_size_t count = 0;
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *index = 0;
    va_start(args, format);
    rv = list_vsearch(list, call, 1, &count, index, format, args);
    va_end(args);
    if (rv == APR_SUCCESS && count == 0) {
        return mproc__fail(APR_NOTFOUND, "%s: no element has that value", call);
    }
    return rv;
}
