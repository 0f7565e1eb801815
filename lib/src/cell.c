/* cell.c: what value and array have in common: bytes with a lock of theirs. */
#include "cell.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"

mproc_object_t mproc__cell_own, mproc__cell_raw;

apr_status_t
mproc__cell_opened(mproc_object_t *object)
{
    mproc__handle_t lock = mproc__object_part(object, 0);

    return lock == 0 ? APR_SUCCESS
                     : mproc__object_open(&((mproc__cell_t *)object)->lock,
                                          lock, object->pool);
}

void
mproc__cell_closing(mproc_object_t *object)
{
    mproc__object_close(((mproc__cell_t *)object)->lock);
    ((mproc__cell_t *)object)->lock = NULL;
}

/* Have the block and the local half refer to a lock. */
static apr_status_t
cell_lock(mproc__cell_t *cell, mproc_rlock_t *lock)
{
    mproc__cell_shared_t *shared = mproc__cell_shared(cell);
    apr_status_t rv;

    shared->lock.count = 1;
    rv =
        mproc__arena_hold(&shared->lock.hold, ((mproc_object_t *)lock)->handle);
    return rv == APR_SUCCESS ? mproc__cell_opened(&cell->object) : rv;
}

static apr_status_t
cell_fill(mproc__cell_t *cell, apr_size_t item, apr_size_t count,
          const void *initial, void *lock)
{
    mproc__cell_shared_t *shared = mproc__cell_shared(cell);
    mproc_rlock_t *own = NULL;
    apr_status_t rv = APR_SUCCESS;

    shared->item = item;
    shared->count = count;
    if (initial != NULL) {
        memcpy(shared->data, initial, item * count);
    }
    if (lock == MPROC__CELL_OWN) {
        rv = mproc_rlock_create(&own, NULL);
        lock = own;
    }
    if (rv == APR_SUCCESS && lock != MPROC__CELL_RAW) {
        rv = cell_lock(cell, lock);
    }
    mproc_rlock_destroy(own);
    return rv;
}

apr_status_t
mproc__cell_create(void *cell, const mproc__cell_call_t *call, apr_size_t item,
                   apr_size_t count, const void *initial, void *lock,
                   apr_pool_t *pool)
{
    mproc__cell_t *half;
    apr_status_t rv;

    if (cell == NULL || item == 0) {
        return mproc__fail(APR_EINVAL, "%s: %s; pass %s", call->call,
                           cell == NULL ? "where it goes is NULL"
                                        : "the size is 0",
                           cell == NULL ? "a pointer to a pointer"
                                        : "the sizeof of what it is to hold");
    }
    *(void **)cell = NULL;
    if (lock != MPROC__CELL_OWN && lock != MPROC__CELL_RAW &&
        !mproc__object_is(lock, &mproc__rlock_ops)) {
        return mproc__object_missing(call->call, "rlock");
    }
    if (count > MPROC__BLOCK_MAX / item) {
        return mproc__fail(APR_ENOMEM,
                           "%s: %" APR_SIZE_T_FMT " items of %" APR_SIZE_T_FMT
                           " bytes do not fit into shared memory; ask for "
                           "less",
                           call->call, count, item);
    }
    rv = mproc__object_create(
        &half, call->ops, sizeof(mproc__cell_shared_t) + item * count, pool);
    if (rv == APR_SUCCESS) {
        rv = cell_fill(half, item, count, initial, lock);
        if (rv != APR_SUCCESS) {
            mproc__object_close(half);
            return rv;
        }
        *(void **)cell = half;
    }
    return rv;
}

apr_status_t
mproc__cell_acquire(void *cell, const mproc__cell_call_t *call,
                    apr_interval_time_t timeout)
{
    mproc_rlock_t *lock;

    if (!mproc__object_is(cell, call->ops)) {
        return mproc__object_missing(call->call, call->kind);
    }
    lock = ((mproc__cell_t *)cell)->lock;
    return lock == NULL ? APR_SUCCESS : mproc_rlock_acquire(lock, timeout);
}

apr_status_t
mproc__cell_release(void *cell, const mproc__cell_call_t *call)
{
    mproc_rlock_t *lock;

    if (!mproc__object_is(cell, call->ops)) {
        return mproc__object_missing(call->call, call->kind);
    }
    lock = ((mproc__cell_t *)cell)->lock;
    return lock == NULL ? APR_SUCCESS : mproc_rlock_release(lock);
}

apr_status_t
mproc__cell_copy(void *copy, void *cell, const mproc__cell_call_t *call,
                 apr_pool_t *pool)
{
    mproc__cell_shared_t *shared;
    apr_status_t lost, rv;

    if (copy != NULL) {
        *(void **)copy = NULL;
    }
    lost = mproc__cell_acquire(cell, call, MPROC_FOREVER);
    if (lost != APR_SUCCESS && lost != MPROC_EOWNERDEAD) {
        return lost;
    }
    shared = mproc__cell_shared(cell);
    rv = mproc__cell_create(copy, call, (apr_size_t)shared->item,
                            (apr_size_t)shared->count, shared->data,
                            ((mproc__cell_t *)cell)->lock == NULL
                                ? MPROC__CELL_RAW
                                : MPROC__CELL_OWN,
                            pool);
    mproc__cell_release(cell, call);
    return rv == APR_SUCCESS ? lost : rv;
}
