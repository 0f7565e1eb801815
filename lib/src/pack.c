/*
 * pack.c: values into bytes.
 *
 * msgpack-c writes into a buffer of ours, which is on the stack until it must
 * grow by reallocation; the finished bytes are copied into the pool, so that a
 * pool never keeps the half-sized ones. Uses of the objects are taken when all
 * is packed.
 */
#include "pack.h"

#include "datum.h"
#include "error.h"
#include "format.h"
#include "object.h"
#include "wire.h"

#include <msgpack/pack.h>

#include <stdlib.h>
#include <string.h>

/* What MessagePack has sizes for. */
#define SIZE_LIMIT 0xffffffffu

typedef struct packer_t {
    msgpack_packer msgpack;
    mproc__packing_t *out;
    const char *format;
    int letter; /* the number of the letter that is packed */
    unsigned depth;
    va_list args;
} packer_t;

/* msgpack-c has one way to fail. */
static apr_status_t
packed(const packer_t *packer, int result)
{
    if (result == 0) {
        return APR_SUCCESS;
    }
    return mproc__fail(APR_ENOMEM,
                       "cannot pack with \"%.100s\": memory is out after "
                       "%llu bytes; pack less at a time",
                       packer->format, (unsigned long long)packer->out->size);
}

/* For msgpack-c. */
static int
packing_write(void *data, const char *bytes, size_t size)
{
    mproc__packing_t *out = data;

    if (size > out->room - out->size) {
        apr_size_t room = out->room;
        char *more;

        while (room - out->size < size) {
            if (room > (apr_size_t)-1 / 2) {
                return -1;
            }
            room *= 2;
        }
        more = realloc(out->data == out->few ? NULL : out->data, room);
        if (more == NULL) {
            return -1;
        }
        if (out->data == out->few) {
            memcpy(more, out->few, out->size);
        }
        out->data = more;
        out->room = room;
    }
    memcpy(out->data + out->size, bytes, size);
    out->size += size;
    return 0;
}

static int
handle_note(mproc__packing_t *out, mproc__handle_t handle)
{
    if (out->handles == out->handle_room) {
        apr_size_t room = out->handle_room * 2 + 4;
        mproc__handle_t *more = realloc(out->handle, room * sizeof *more);

        if (more == NULL) {
            return -1;
        }
        out->handle = more;
        out->handle_room = room;
    }
    out->handle[out->handles++] = handle;
    return 0;
}

/* What is to be packed for this letter is no value. */
static apr_status_t
refused(const packer_t *packer, apr_status_t status, const char *why)
{
    return mproc__fail(status, "cannot pack with \"%.100s\": value %d %s",
                       packer->format, packer->letter, why);
}

static apr_status_t
size_check(const packer_t *packer, apr_size_t size)
{
    if (size > SIZE_LIMIT) {
        return refused(packer, MPROC_ETOOBIG,
                       "has a size beyond 4294967295, the most that "
                       "MessagePack can say; pack it in parts");
    }
    return APR_SUCCESS;
}

static apr_status_t
text_pack(packer_t *packer, const char *data, apr_size_t size)
{
    apr_status_t rv = size_check(packer, size);
    int result;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    result = msgpack_pack_str(&packer->msgpack, size);
    if (result == 0 && size > 0) {
        result = msgpack_pack_str_body(&packer->msgpack, data, size);
    }
    return packed(packer, result);
}

static apr_status_t
bytes_pack(packer_t *packer, const void *data, apr_size_t size)
{
    apr_status_t rv = size_check(packer, size);
    int result;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (data == NULL && size > 0) {
        return refused(packer, APR_EINVAL,
                       "is bytes at NULL with a size; set the size to 0, or "
                       "the data to the bytes");
    }
    result = msgpack_pack_bin(&packer->msgpack, size);
    if (result == 0 && size > 0) {
        result = msgpack_pack_bin_body(&packer->msgpack, data, size);
    }
    return packed(packer, result);
}

static apr_status_t
object_pack(packer_t *packer, const mproc_object_t *object)
{
    unsigned char body[MPROC__WIRE_OBJECT_SIZE];
    mproc__handle_t handle;
    const char *why;
    int result, i;

    if (object == NULL) {
        return refused(packer, APR_EINVAL,
                       "is an object that is NULL; create it first");
    }
    if (!mproc__object_may_leave(object, &why)) {
        return refused(packer, APR_EINVAL, why);
    }
    handle = object->handle;
    for (i = 0; i < MPROC__WIRE_OBJECT_SIZE; i++) {
        body[i] = (unsigned char)(handle >> 8 * (7 - i));
    }
    result =
        msgpack_pack_ext(&packer->msgpack, sizeof body, MPROC__WIRE_OBJECT);
    if (result == 0) {
        result = msgpack_pack_ext_body(&packer->msgpack, body, sizeof body);
    }
    if (result == 0) {
        result = handle_note(packer->out, handle);
    }
    return packed(packer, result);
}

static apr_status_t datum_pack(packer_t *packer, const mproc_datum_t *datum);

static apr_status_t
items_pack(packer_t *packer, const mproc_datum_t *datum)
{
    const mproc__items_t *items = &datum->as.items;
    apr_size_t size = mproc_datum_size(datum);
    apr_status_t rv = size_check(packer, size);
    apr_size_t i;

    if (rv == APR_SUCCESS) {
        rv = packed(packer, datum->type == MPROC_DATUM_LIST
                                ? msgpack_pack_array(&packer->msgpack, size)
                                : msgpack_pack_map(&packer->msgpack, size));
    }
    for (i = 0; i < items->count && rv == APR_SUCCESS; i++) {
        rv = datum_pack(packer, &items->at[i]);
    }
    return rv;
}

static int
whole_pack(packer_t *packer, const mproc_datum_t *datum)
{
    if (datum->negative) {
        return msgpack_pack_int64(&packer->msgpack,
                                  (apr_int64_t)datum->as.whole);
    }
    return msgpack_pack_uint64(&packer->msgpack, datum->as.whole);
}

static int
bool_pack(packer_t *packer, int value)
{
    return value ? msgpack_pack_true(&packer->msgpack)
                 : msgpack_pack_false(&packer->msgpack);
}

/* Calls itself no deeper than the datum's height. */
static apr_status_t
datum_pack(packer_t *packer, const mproc_datum_t *datum)
{
    switch ((mproc_datum_type_e)datum->type) {
    case MPROC_DATUM_NIL:
        return packed(packer, msgpack_pack_nil(&packer->msgpack));
    case MPROC_DATUM_BOOL:
        return packed(packer, bool_pack(packer, datum->as.boolean));
    case MPROC_DATUM_INT:
        return packed(packer, whole_pack(packer, datum));
    case MPROC_DATUM_DOUBLE:
        return packed(packer,
                      msgpack_pack_double(&packer->msgpack, datum->as.real));
    case MPROC_DATUM_TEXT:
        return text_pack(packer, datum->as.run.data, datum->as.run.size);
    case MPROC_DATUM_BYTES:
        return bytes_pack(packer, datum->as.run.data, datum->as.run.size);
    case MPROC_DATUM_LIST:
    case MPROC_DATUM_MAP:
        return items_pack(packer, datum);
    case MPROC_DATUM_OBJECT:
        return object_pack(packer, datum->as.object);
    }
    return refused(packer, APR_EINVAL, "is no datum");
}

static apr_status_t
tree_pack(packer_t *packer, const mproc_datum_t *datum)
{
    if (datum == NULL) {
        return refused(packer, APR_EINVAL,
                       "is a datum that is NULL; create a nil for it");
    }
    if (packer->depth + datum->height > MPROC__NESTING_MAX) {
        return refused(packer, MPROC_ETOOBIG,
                       "would be nested more than 64 levels deep; make the "
                       "tree flatter");
    }
    return datum_pack(packer, datum);
}

static apr_status_t
string_pack(packer_t *packer, const char *text)
{
    if (text == NULL) {
        return refused(packer, APR_EINVAL,
                       "is a string that is NULL; pass \"\" for no text");
    }
    return text_pack(packer, text, strlen(text));
}

static apr_status_t
letter_pack(packer_t *packer, char letter)
{
    msgpack_packer *msgpack = &packer->msgpack;
    mproc_bytes_t bytes;

    switch (letter) {
    case 'n':
        return packed(packer, msgpack_pack_nil(msgpack));
    case 'b':
        return packed(packer, bool_pack(packer, va_arg(packer->args, int)));
    case 'i':
        return packed(packer,
                      msgpack_pack_int64(msgpack, va_arg(packer->args, int)));
    case 'u':
        return packed(packer, msgpack_pack_uint64(
                                  msgpack, va_arg(packer->args, unsigned)));
    case 'I':
        return packed(packer, msgpack_pack_int64(
                                  msgpack, va_arg(packer->args, apr_int64_t)));
    case 'U':
        return packed(packer, msgpack_pack_uint64(
                                  msgpack, va_arg(packer->args, apr_uint64_t)));
    case 'd':
        return packed(
            packer, msgpack_pack_double(msgpack, va_arg(packer->args, double)));
    case 's':
        return string_pack(packer, va_arg(packer->args, const char *));
    case 'y':
        bytes = va_arg(packer->args, mproc_bytes_t);
        return bytes_pack(packer, bytes.data, bytes.size);
    case 'o':
        return object_pack(packer, va_arg(packer->args, void *));
    default: /* 'v': the format was checked */
        return tree_pack(packer, va_arg(packer->args, mproc_datum_t *));
    }
}

static apr_status_t
format_pack(packer_t *packer)
{
    const char *at = packer->format;
    apr_status_t rv = APR_SUCCESS;
    char c;

    while (rv == APR_SUCCESS && (c = mproc__format_next(&at)) != '\0') {
        if (c == '[') {
            packer->depth++;
            rv = packed(packer, msgpack_pack_array(&packer->msgpack,
                                                   mproc__format_count(at)));
        }
        else if (c == '{') {
            packer->depth++;
            rv = packed(packer, msgpack_pack_map(&packer->msgpack,
                                                 mproc__format_count(at) / 2));
        }
        else if (c == ']' || c == '}') {
            packer->depth--;
        }
        else {
            packer->letter++;
            rv = letter_pack(packer, c);
        }
    }
    return rv;
}

/* The handles as an array in the pool, and a use of each object that lives
 * as long as the pool. */
static apr_status_t
objects_hold(packer_t *packer, apr_array_header_t **objects, apr_pool_t *pool)
{
    int count = (int)packer->out->handles;
    apr_size_t size = packer->out->handles * sizeof(mproc__handle_t);
    apr_array_header_t *array = apr_palloc(pool, sizeof *array);
    mproc__handle_t *handles = apr_palloc(pool, size);
    mproc_object_t *mine;
    int i;

    if (array == NULL || handles == NULL) {
        return packed(packer, -1);
    }
    if (size > 0) {
        memcpy(handles, packer->out->handle, size);
    }
    for (i = 0; i < count; i++) {
        apr_status_t rv = mproc__object_open(&mine, handles[i], pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (objects == NULL) {
            mproc__object_handed(mine); /* The caller has no message. */
        }
    }
    array->pool = pool;
    array->elt_size = sizeof *handles;
    array->nelts = count;
    array->nalloc = count;
    array->elts = (char *)handles;
    if (objects != NULL) {
        *objects = array;
    }
    return APR_SUCCESS;
}

static apr_status_t
bytes_keep(packer_t *packer, mproc_bytes_t *out, apr_pool_t *pool)
{
    apr_size_t size = packer->out->size;
    void *data;

    if (size == 0) {
        return APR_SUCCESS;
    }
    data = apr_palloc(pool, size);
    if (data == NULL) {
        return packed(packer, -1);
    }
    memcpy(data, packer->out->data, size);
    out->data = data;
    out->size = size;
    return APR_SUCCESS;
}

/* The format is good. */
static apr_status_t
packing_run(packer_t *packer, mproc__packing_t *packing, va_list args)
{
    apr_status_t rv;

    packing->data = packing->few;
    packing->size = 0;
    packing->room = sizeof packing->few;
    packing->handle = NULL;
    packing->handles = packing->handle_room = 0;
    packer->out = packing;
    packer->letter = 0;
    packer->depth = 0;
    msgpack_packer_init(&packer->msgpack, packing, packing_write);
    va_copy(packer->args, args);
    rv = format_pack(packer);
    va_end(packer->args);
    return rv;
}

apr_status_t
mproc__packing_begin(mproc__packing_t *packing, const char *format,
                     va_list args)
{
    packer_t packer;
    apr_status_t rv;

    packing->data = packing->few;
    packing->handle = NULL;
    packer.format = format == NULL ? "" : format;
    rv = mproc__format_check(packer.format, 1);
    return rv == APR_SUCCESS ? packing_run(&packer, packing, args) : rv;
}

void
mproc__packing_end(mproc__packing_t *packing)
{
    if (packing->data != packing->few) {
        free(packing->data);
    }
    free(packing->handle);
}

apr_status_t
mproc__vpack(mproc_bytes_t *out, apr_array_header_t **objects, apr_pool_t *pool,
             const char *format, va_list args)
{
    mproc__packing_t packing;
    packer_t packer;
    apr_status_t rv;

    if (objects != NULL) {
        *objects = NULL;
    }
    if (out == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot pack: the %s is NULL; pass a pool and a "
                           "variable for the bytes",
                           pool == NULL ? "pool" : "variable");
    }
    out->data = NULL;
    out->size = 0;
    packer.format = format == NULL ? "" : format;
    rv = mproc__format_check(packer.format, 1);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = packing_run(&packer, &packing, args);
    if (rv == APR_SUCCESS) {
        rv = objects_hold(&packer, objects, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = bytes_keep(&packer, out, pool);
    }
    mproc__packing_end(&packing);
    if (rv != APR_SUCCESS && objects != NULL) {
        *objects = NULL;
    }
    return rv;
}

apr_status_t
mproc_vpack(mproc_bytes_t *out, apr_pool_t *pool, const char *format,
            va_list args)
{
    return mproc__vpack(out, NULL, pool, format, args);
}

apr_status_t
mproc_pack(mproc_bytes_t *out, apr_pool_t *pool, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc_vpack(out, pool, format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_datum_pack(mproc_bytes_t *bytes, const mproc_datum_t *datum,
                 apr_pool_t *pool)
{
    return mproc_pack(bytes, pool, "v", datum);
}
