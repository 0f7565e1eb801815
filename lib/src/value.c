/*
 * value.c: a plain value in shared memory. Its bytes follow its size, at an
 * alignment of 16.
 */
#include <mproc/value.h>

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"

typedef struct value_shared_t {
    apr_uint64_t size;
    apr_uint64_t unused;
    char data[];
} value_shared_t;

struct mproc_value_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__value_ops = {MPROC_KIND_VALUE,
                                              sizeof(struct mproc_value_t)};

apr_status_t
mproc_value_create(mproc_value_t **value, apr_size_t size, const void *initial,
                   apr_pool_t *pool)
{
    value_shared_t *shared;
    apr_status_t rv;

    if (value == NULL || size == 0) {
        return mproc__fail(APR_EINVAL, "mproc_value_create: %s; pass %s",
                           value == NULL ? "value is NULL" : "the size is 0",
                           value == NULL ? "where the value goes"
                                         : "the sizeof of what it is to hold");
    }
    rv = mproc__object_create(value, &mproc__value_ops, sizeof *shared + size,
                              pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = (*value)->object.shared;
    shared->size = size;
    if (initial != NULL) {
        memcpy(shared->data, initial, size);
    }
    return APR_SUCCESS;
}

void *
mproc_value_data(mproc_value_t *value)
{
    return !mproc__object_usable(value)
               ? NULL
               : ((value_shared_t *)value->object.shared)->data;
}

apr_size_t
mproc_value_size(mproc_value_t *value)
{
    return !mproc__object_usable(value)
               ? 0
               : (apr_size_t)((value_shared_t *)value->object.shared)->size;
}

void
mproc_value_destroy(mproc_value_t *value)
{
    mproc__object_close(value);
}
