/*
 * manager_serve_cell.c: values and arrays of a manager's server: bytes in a
 * block, with an rlock of their own. Who reads or writes waits while another
 * has that.
 */
#include "manager_serve.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"

static apr_uint64_t
lock_of(const mproc__served_t *cell)
{
    return mproc__hold_handle(&cell->part.hold);
}

static mproc_bytes_t
items_of(const mproc__served_t *cell)
{
    return (mproc_bytes_t){cell->data, (apr_size_t)(cell->count * cell->bound)};
}

apr_status_t
mproc__serve_make_cell(mproc__call_t *call, mproc_kind_e kind,
                       mproc_object_t **object)
{
    apr_int64_t item, count;
    mproc_object_t *lock = NULL;
    mproc_bytes_t initial;
    mproc__served_t *cell;
    apr_status_t rv = mproc__arg_int(call, &item);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &count);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__arg_bytes(call, &initial);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (item < 1 || count < 0 || count > (apr_int64_t)(1U << 31) / item ||
        (initial.data != NULL && initial.size != (apr_size_t)(item * count))) {
        return mproc__fail(APR_EINVAL,
                           "a value or array of %" APR_INT64_T_FMT
                           " items of %" APR_INT64_T_FMT
                           " bytes: pass 1 byte or more, and 2 GiB at most",
                           count, item);
    }
    rv = mproc__served_make(&lock, MPROC_KIND_RLOCK, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__served_make(object, kind, (apr_size_t)(item * count));
    }
    if (rv == APR_SUCCESS) {
        cell = mproc__served_at((*object)->handle);
        cell->bound = item;
        cell->count = count;
        if (initial.size > 0) {
            memcpy(cell->data, initial.data, initial.size);
        }
        cell->part.count = 1;
        rv = mproc__arena_hold(&cell->part.hold, lock->handle);
    }
    mproc__object_close(lock);
    return rv;
}

apr_status_t
mproc__serve_cell_shape(mproc__call_t *call)
{
    const mproc__served_t *cell = mproc__served_at(call->head.id);

    mproc__result_int(call, cell->bound);
    mproc__result_int(call, cell->count);
    mproc__result_object(call, lock_of(cell));
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_cell_acquire(mproc__call_t *call)
{
    const mproc__served_t *cell = mproc__served_at(call->head.id);
    apr_status_t rv = mproc__serve_take_lock(call, lock_of(cell), 1);

    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        mproc__result_bytes(call, items_of(cell));
    }
    return rv;
}

apr_status_t
mproc__serve_cell_release(mproc__call_t *call)
{
    mproc__served_t *cell = mproc__served_at(call->head.id);
    mproc_bytes_t items;
    apr_status_t rv = mproc__arg_bytes(call, &items);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (items.data != NULL && mproc__serve_is_mine(call, lock_of(cell))) {
        if (items.size != items_of(cell).size) {
            return mproc__fail(MPROC_EREMOTE, "the manager's value or array "
                                              "has another size");
        }
        memcpy(cell->data, items.data, items.size);
    }
    return mproc__serve_lock_release(call);
}

/* Nobody else has the lock. */
static apr_status_t
cell_check(mproc__call_t *call)
{
    const mproc__served_t *cell = mproc__served_at(call->head.id);
    apr_uint64_t lock = lock_of(cell);

    call->place = lock;
    return mproc__served_at(lock)->owner == 0 ||
                   mproc__serve_is_mine(call, lock)
               ? APR_SUCCESS
               : MPROC__CALL_WAITS;
}

static apr_status_t
cell_range(const mproc__served_t *cell, apr_int64_t *first, apr_int64_t count)
{
    apr_int64_t from = *first < 0 ? *first + cell->count : *first;

    if (from < 0 || from > cell->count || count < 0 ||
        count > cell->count - from) {
        return mproc__fail(APR_NOTFOUND,
                           "items %" APR_INT64_T_FMT
                           " and on, %" APR_INT64_T_FMT
                           " of them, do not lie in the manager's array of "
                           "%" APR_INT64_T_FMT "; nothing was copied",
                           *first, count, cell->count);
    }
    *first = from;
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_cell_read(mproc__call_t *call)
{
    const mproc__served_t *cell = mproc__served_at(call->head.id);
    apr_int64_t first, count;
    apr_status_t rv = mproc__arg_int(call, &first);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &count);
    }
    if (rv == APR_SUCCESS) {
        rv = cell_range(cell, &first, count);
    }
    if (rv == APR_SUCCESS) {
        rv = cell_check(call);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_bytes(call,
                            (mproc_bytes_t){cell->data + first * cell->bound,
                                            (apr_size_t)(count * cell->bound)});
    }
    return rv;
}

apr_status_t
mproc__serve_cell_write(mproc__call_t *call)
{
    mproc__served_t *cell = mproc__served_at(call->head.id);
    apr_int64_t first;
    mproc_bytes_t items;
    apr_status_t rv = mproc__arg_int(call, &first);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_bytes(call, &items);
    }
    if (rv == APR_SUCCESS && items.size % (apr_size_t)cell->bound != 0) {
        rv = mproc__fail(MPROC_EREMOTE, "the items of the manager's array have "
                                        "another size");
    }
    if (rv == APR_SUCCESS) {
        rv = cell_range(cell, &first,
                        (apr_int64_t)(items.size / (apr_size_t)cell->bound));
    }
    if (rv == APR_SUCCESS) {
        rv = cell_check(call);
    }
    if (rv == APR_SUCCESS && items.size > 0) {
        memcpy(cell->data + first * cell->bound, items.data, items.size);
    }
    return rv;
}
