/* datum.c: make, copy and end trees. */
#include "datum.h"

#include "error.h"
#include "object.h"

#include <string.h>

char *
mproc__datum_run(const void *data, apr_size_t size, apr_pool_t *pool)
{
    char *run = size + 1 == 0 ? NULL : apr_palloc(pool, size + 1);

    if (run != NULL) {
        if (size > 0) {
            memcpy(run, data, size);
        }
        run[size] = '\0';
    }
    return run;
}

mproc_datum_t *
mproc__datum_items(apr_size_t count, apr_pool_t *pool)
{
    mproc_datum_t *items;
    apr_size_t i;

    if (count > (apr_size_t)-1 / sizeof *items) {
        return NULL;
    }
    items = apr_palloc(pool, count * sizeof *items);
    if (items != NULL) {
        memset(items, 0, count * sizeof *items);
        for (i = 0; i < count; i++) {
            items[i].pool = pool;
        }
    }
    return items;
}

apr_status_t
mproc__datum_enomem(void)
{
    return mproc__fail(APR_ENOMEM, "cannot make the datum: memory is out; "
                                   "free some, or ask for less at a time");
}

apr_status_t
mproc__datum_create(mproc_datum_t **datum, apr_pool_t *pool)
{
    apr_pool_t *own = NULL;

    *datum = NULL;
    if (pool == NULL) {
        apr_status_t rv = apr_pool_create_unmanaged(&own);
        if (rv != APR_SUCCESS) {
            return mproc__fail(rv, "cannot make a pool for the datum; call "
                                   "mproc_initialize() first, or free some "
                                   "memory");
        }
        pool = own;
    }
    *datum = mproc__datum_items(1, pool);
    if (*datum == NULL) {
        if (own != NULL) {
            apr_pool_destroy(own);
        }
        return mproc__datum_enomem();
    }
    (*datum)->owns = own != NULL;
    return APR_SUCCESS;
}

static int
datum_nests(const mproc_datum_t *datum)
{
    return datum->type == MPROC_DATUM_LIST || datum->type == MPROC_DATUM_MAP;
}

void
mproc__datum_clear(mproc_datum_t *datum)
{
    apr_size_t i;

    if (datum->type == MPROC_DATUM_OBJECT) {
        mproc__object_close(datum->as.object);
    }
    else if (datum_nests(datum)) {
        for (i = 0; i < datum->as.items.count; i++) {
            mproc__datum_clear(&datum->as.items.at[i]);
        }
    }
    datum->type = MPROC_DATUM_NIL;
    datum->height = 0;
}

void
mproc_datum_destroy(mproc_datum_t *datum)
{
    if (datum == NULL) {
        return;
    }
    if (datum->owns) {
        apr_pool_destroy(datum->pool);
    }
    else {
        mproc__datum_clear(datum);
    }
}

static apr_status_t
items_copy(mproc_datum_t *to, const mproc__items_t *from, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    to->as.items.at = mproc__datum_items(from->count, pool);
    to->as.items.room = from->count;
    if (to->as.items.at == NULL) {
        to->type = MPROC_DATUM_NIL;
        return mproc__datum_enomem();
    }
    for (i = 0; i < from->count && rv == APR_SUCCESS; i++) {
        rv = mproc__datum_copy(&to->as.items.at[i], &from->at[i], pool);
    }
    if (rv != APR_SUCCESS) {
        mproc__datum_clear(to);
    }
    return rv;
}

apr_status_t
mproc__datum_copy(mproc_datum_t *to, const mproc_datum_t *from,
                  apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;

    *to = *from;
    to->pool = pool;
    to->owns = 0;
    if (datum_nests(from)) {
        rv = items_copy(to, &from->as.items, pool);
    }
    else if (from->type == MPROC_DATUM_OBJECT) {
        rv = mproc__object_open(&to->as.object, from->as.object->handle, pool);
    }
    else if ((from->type == MPROC_DATUM_TEXT ||
              from->type == MPROC_DATUM_BYTES) &&
             from->pool != pool) {
        /* In one pool the copies share the bytes: nobody changes them. */
        to->as.run.data =
            mproc__datum_run(from->as.run.data, from->as.run.size, pool);
        rv = to->as.run.data == NULL ? mproc__datum_enomem() : APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        to->type = MPROC_DATUM_NIL;
        to->height = 0;
    }
    return rv;
}

static apr_status_t
datum_make(mproc_datum_t **datum, mproc_datum_type_e type, apr_pool_t *pool)
{
    apr_status_t rv;

    if (datum == NULL) {
        return mproc__fail(APR_EINVAL, "cannot make a datum: there is no "
                                       "variable to put it in; pass &datum");
    }
    rv = mproc__datum_create(datum, pool);
    if (rv == APR_SUCCESS) {
        (*datum)->type = (unsigned char)type;
        (*datum)->height = datum_nests(*datum);
    }
    return rv;
}

static apr_status_t
run_make(mproc_datum_t **datum, mproc_datum_type_e type, const void *data,
         apr_size_t size, apr_pool_t *pool)
{
    apr_status_t rv;

    if (datum != NULL) {
        *datum = NULL;
    }
    if (data == NULL && (size > 0 || type == MPROC_DATUM_TEXT)) {
        return mproc__fail(APR_EINVAL, "cannot make a datum of NULL; make a "
                                       "nil, or an empty text or bytes");
    }
    rv = datum_make(datum, MPROC_DATUM_NIL, pool);
    if (rv == APR_SUCCESS) {
        char *run = mproc__datum_run(data, size, (*datum)->pool);
        if (run == NULL) {
            mproc_datum_destroy(*datum);
            *datum = NULL;
            return mproc__datum_enomem();
        }
        (*datum)->type = (unsigned char)type;
        (*datum)->as.run.data = run;
        (*datum)->as.run.size = size;
    }
    return rv;
}

apr_status_t
mproc_datum_create_nil(mproc_datum_t **datum, apr_pool_t *pool)
{
    return datum_make(datum, MPROC_DATUM_NIL, pool);
}

apr_status_t
mproc_datum_create_bool(mproc_datum_t **datum, int value, apr_pool_t *pool)
{
    apr_status_t rv = datum_make(datum, MPROC_DATUM_BOOL, pool);

    if (rv == APR_SUCCESS) {
        (*datum)->as.boolean = value != 0;
    }
    return rv;
}

apr_status_t
mproc_datum_create_int(mproc_datum_t **datum, apr_int64_t value,
                       apr_pool_t *pool)
{
    apr_status_t rv = datum_make(datum, MPROC_DATUM_INT, pool);

    if (rv == APR_SUCCESS) {
        (*datum)->as.whole = (apr_uint64_t)value;
        (*datum)->negative = value < 0;
    }
    return rv;
}

apr_status_t
mproc_datum_create_uint(mproc_datum_t **datum, apr_uint64_t value,
                        apr_pool_t *pool)
{
    apr_status_t rv = datum_make(datum, MPROC_DATUM_INT, pool);

    if (rv == APR_SUCCESS) {
        (*datum)->as.whole = value;
    }
    return rv;
}

apr_status_t
mproc_datum_create_double(mproc_datum_t **datum, double value, apr_pool_t *pool)
{
    apr_status_t rv = datum_make(datum, MPROC_DATUM_DOUBLE, pool);

    if (rv == APR_SUCCESS) {
        (*datum)->as.real = value;
    }
    return rv;
}

apr_status_t
mproc_datum_create_text(mproc_datum_t **datum, const char *text,
                        apr_pool_t *pool)
{
    return run_make(datum, MPROC_DATUM_TEXT, text,
                    text == NULL ? 0 : strlen(text), pool);
}

apr_status_t
mproc_datum_create_bytes(mproc_datum_t **datum, mproc_bytes_t bytes,
                         apr_pool_t *pool)
{
    return run_make(datum, MPROC_DATUM_BYTES, bytes.data, bytes.size, pool);
}

apr_status_t
mproc_datum_create_list(mproc_datum_t **datum, apr_pool_t *pool)
{
    return datum_make(datum, MPROC_DATUM_LIST, pool);
}

apr_status_t
mproc_datum_create_map(mproc_datum_t **datum, apr_pool_t *pool)
{
    return datum_make(datum, MPROC_DATUM_MAP, pool);
}

apr_status_t
mproc_datum_create_object(mproc_datum_t **datum, void *object, apr_pool_t *pool)
{
    mproc_object_t *from = object;
    mproc_object_t *mine;
    const char *why;
    apr_status_t rv = datum_make(datum, MPROC_DATUM_NIL, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (from == NULL) {
        rv = mproc__fail(APR_EINVAL, "cannot make a datum of an object that "
                                     "is NULL; create the object first");
    }
    else if (!mproc__object_may_leave(from, &why)) {
        rv = mproc__fail(APR_EINVAL, "cannot make a datum: the object %s", why);
    }
    else {
        rv = mproc__object_open(&mine, from->handle, (*datum)->pool);
    }
    if (rv != APR_SUCCESS) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
        return rv;
    }
    (*datum)->type = MPROC_DATUM_OBJECT;
    (*datum)->as.object = mine;
    return APR_SUCCESS;
}
