/* store_value.c: values on their way into a store and out of it. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "ring.h"
#include "wire.h"

/* ------------------------------------------------------------------ packed */

static apr_status_t
object_note(const mproc__token_t *token,
            apr_status_t (*each)(mproc__handle_t handle, void *baton),
            void *baton)
{
    mproc__handle_t handle = 0;
    apr_size_t i;

    if (each == NULL || token->ext != MPROC__WIRE_OBJECT ||
        token->size != MPROC__WIRE_OBJECT_SIZE) {
        return APR_SUCCESS;
    }
    for (i = 0; i < token->size; i++) {
        handle = handle << 8 | (unsigned char)token->data[i];
    }
    return each(handle, baton);
}

apr_status_t
mproc__value_check(mproc_bytes_t bytes,
                   apr_status_t (*each)(mproc__handle_t handle, void *baton),
                   void *baton)
{
    apr_uint64_t left[MPROC__NESTING_MAX + 1] = {1};
    unsigned depth = 0;
    mproc__token_t token;
    mproc__wire_t wire;
    apr_status_t rv;

    mproc__wire_init(&wire, bytes);
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0) {
                return wire.at == wire.end ? APR_SUCCESS : MPROC_EFORMAT;
            }
            depth--;
        }
        left[depth]--;
        rv = mproc__wire_next(&wire, &token);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (token.kind == MPROC__TOKEN_LIST || token.kind == MPROC__TOKEN_MAP) {
            if (depth == MPROC__NESTING_MAX) {
                return MPROC_EFORMAT;
            }
            left[++depth] = token.kind == MPROC__TOKEN_MAP ? 2 * token.number
                                                           : token.number;
        }
        else if (token.kind == MPROC__TOKEN_EXT) {
            rv = object_note(&token, each, baton);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
    }
}

/* ----------------------------------------------------------------- to put */

/* The objects that bytes name, but for the store itself: it is there as long
 * as what is in it. */
typedef struct named_t {
    mproc__handle_t self;
    mproc__handle_t *handle;
    apr_size_t count, room;
} named_t;

static apr_status_t
named_add(mproc__handle_t handle, void *baton)
{
    named_t *named = baton;

    if (handle == named->self) {
        return APR_SUCCESS;
    }
    if (named->count == named->room) {
        apr_size_t room = named->room * 2 + 8;
        mproc__handle_t *more = realloc(named->handle, room * sizeof *more);

        if (more == NULL) {
            return mproc__fail(APR_ENOMEM, "memory is out; free some");
        }
        named->handle = more;
        named->room = room;
    }
    named->handle[named->count++] = handle;
    return APR_SUCCESS;
}

static apr_status_t
fill_box(mproc__fill_t *fill, mproc_bytes_t bytes, const named_t *named,
         const char *call)
{
    apr_array_header_t objects = {.elt_size = sizeof *named->handle,
                                  .nelts = (int)named->count,
                                  .nalloc = (int)named->count,
                                  .elts = (char *)named->handle};
    apr_status_t rv;
    void *data;

    fill->box = mproc__hold_new();
    if (fill->box == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "%s: no shared memory for the value; free some "
                           "objects",
                           call);
    }
    rv = mproc__box_make(fill->box, bytes.size, &objects, &data);
    if (rv != APR_SUCCESS) {
        mproc__hold_free(fill->box);
        fill->box = NULL;
        return rv;
    }
    memcpy(data, bytes.data, bytes.size);
    return APR_SUCCESS;
}

apr_status_t
mproc__fill_begin(mproc__fill_t *fill, mproc__store_use_t *use,
                  mproc_bytes_t bytes, const char *call)
{
    named_t named = {.self = use->object.handle};
    apr_status_t rv;

    fill->data = bytes.data;
    fill->size = (apr_uint32_t)bytes.size;
    fill->box = NULL;
    if (bytes.size == 0 || bytes.data == NULL) {
        rv = MPROC_EFORMAT;
    }
    else {
        rv = mproc__value_check(bytes, named_add, &named);
    }
    if (rv == MPROC_EFORMAT) {
        rv = mproc__fail(rv,
                         "%s: the value is not one packed value; pack one, "
                         "with mproc_pack() or a format of one value",
                         call);
    }
    if (rv == APR_SUCCESS &&
        (named.count > 0 || bytes.size > MPROC__VALUE_INLINE)) {
        rv = fill_box(fill, bytes, &named, call);
    }
    free(named.handle);
    return rv;
}

apr_status_t
mproc__fill_format(mproc__fill_t *fill, mproc__packing_t *packing,
                   mproc__store_use_t *use, const char *call,
                   const char *format, va_list args)
{
    apr_status_t rv = mproc__packing_begin(packing, format, args);

    fill->box = NULL;
    return rv == APR_SUCCESS
               ? mproc__fill_begin(fill, use, mproc__packing_bytes(packing),
                                   call)
               : rv;
}

void
mproc__fill_end(mproc__fill_t *fill)
{
    if (fill->box != NULL) {
        mproc__arena_release(fill->box);
        mproc__hold_free(fill->box);
        fill->box = NULL;
    }
}

/* ----------------------------------------------------------------- to take */

apr_status_t
mproc__taken_begin(mproc__taken_t *taken, mproc__store_use_t *use,
                   apr_uint32_t word, const void *data)
{
    mproc__handle_t handle;
    apr_status_t rv;

    taken->box = NULL;
    if (!(word & MPROC__VALUE_BOX)) {
        taken->bytes.data = taken->buffer;
        taken->bytes.size = word;
        memcpy(taken->buffer, data, word);
        return APR_SUCCESS;
    }
    handle = mproc__store_box_handle(use, word & ~MPROC__VALUE_BOX);
    taken->box = mproc__hold_new();
    rv = taken->box == NULL
             ? mproc__fail(APR_ENOMEM, "no shared memory to note that this "
                                       "process reads a value; free some "
                                       "objects")
             : mproc__arena_hold(taken->box, handle);
    if (rv == APR_SUCCESS) {
        taken->bytes = mproc__box_bytes(handle);
    }
    return rv;
}

void
mproc__taken_end(mproc__taken_t *taken)
{
    if (taken->box != NULL) {
        mproc__arena_release(taken->box);
        mproc__hold_free(taken->box);
        taken->box = NULL;
    }
}

static apr_status_t
object_keep(mproc__handle_t handle, void *baton)
{
    mproc_object_t *mine;
    apr_status_t rv = mproc__object_open(&mine, handle, baton);

    if (rv == APR_SUCCESS) {
        mproc__object_handed(mine);
    }
    return rv;
}

apr_status_t
mproc__taken_copy(mproc__taken_t *taken, mproc_bytes_t *bytes, apr_pool_t *pool)
{
    void *data = apr_palloc(pool, taken->bytes.size);

    if (data == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "no memory for %" APR_SIZE_T_FMT " bytes; free some",
                           taken->bytes.size);
    }
    memcpy(data, taken->bytes.data, taken->bytes.size);
    bytes->data = data;
    bytes->size = taken->bytes.size;
    return taken->box == NULL ? APR_SUCCESS
                              : mproc__value_check(*bytes, object_keep, pool);
}
