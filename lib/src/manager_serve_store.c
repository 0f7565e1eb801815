/*
 * manager_serve_store.c: dicts, lists and namespaces of a manager's server:
 * those of the arena, which only this thread uses. What a value names that is
 * got is kept by the call's pool until the client has it.
 */
#include "manager_serve.h"

#include <mproc/datum.h>
#include <mproc/dict.h>
#include <mproc/error.h>
#include <mproc/list.h>

#include "dict_use.h"
#include "error.h"
#include "list_use.h"

static mproc_dict_t *
dict_of(mproc__call_t *call)
{
    return (mproc_dict_t *)call->object;
}

static mproc_list_t *
list_of(mproc__call_t *call)
{
    return (mproc_list_t *)call->object;
}

/* A dict's entries, or a namespace's attributes. */
static mproc__store_use_t *
use_of(mproc__call_t *call)
{
    return (mproc__store_use_t *)call->object;
}

static apr_status_t
key_arg(mproc__call_t *call, mproc__key_t *key, const char *what)
{
    mproc_bytes_t bytes;
    apr_status_t rv = mproc__arg_value(call, &bytes);

    return rv == APR_SUCCESS ? mproc__key_begin(key, bytes, use_of(call), what)
                             : rv;
}

/* A datum, of a value that may name objects: they are had in the pool. */
static apr_status_t
datum_arg(mproc__call_t *call, mproc_datum_t **datum)
{
    mproc_bytes_t bytes;
    apr_status_t rv = mproc__arg_value(call, &bytes);

    return rv == APR_SUCCESS ? mproc_datum_parse(datum, bytes, call->pool) : rv;
}

/* --------------------------------------------------------- dict, namespace */

apr_status_t
mproc__serve_dict_set(mproc__call_t *call)
{
    const char *what = "mproc_dict_set";
    mproc_bytes_t value;
    mproc__fill_t fill;
    mproc__key_t key;
    apr_status_t rv = key_arg(call, &key, what);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_value(call, &value);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__fill_begin(&fill, use_of(call), value, what);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_set(use_of(call), &key, &fill, what);
    }
    mproc__fill_end(&fill);
    return rv;
}

apr_status_t
mproc__serve_dict_get(mproc__call_t *call)
{
    const char *what = "mproc_dict_get";
    mproc__taken_t taken;
    mproc_bytes_t value;
    mproc__key_t key;
    apr_int64_t drop;
    apr_status_t rv = key_arg(call, &key, what);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &drop);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_get(use_of(call), &key, &taken, drop != 0, what);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__taken_copy(&taken, &value, call->pool);
        mproc__taken_end(&taken);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_values(call, value);
    }
    return rv;
}

apr_status_t
mproc__serve_dict_setdefault(mproc__call_t *call)
{
    mproc_bytes_t key, preset, value;
    apr_status_t rv = mproc__arg_value(call, &key);
    int had;

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_value(call, &preset);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    had = mproc_dict_has_key(dict_of(call), key);
    rv = mproc_dict_setdefault(dict_of(call), &value, key, preset, call->pool);
    if (rv == APR_SUCCESS) {
        mproc__result_int(call, !had);
        mproc__result_values(call, value);
    }
    return rv;
}

apr_status_t
mproc__serve_dict_remove(mproc__call_t *call)
{
    const char *what = "mproc_dict_remove";
    mproc__key_t key;
    apr_status_t rv = key_arg(call, &key, what);

    return rv == APR_SUCCESS ? mproc__dict_remove(use_of(call), &key, what)
                             : rv;
}

apr_status_t
mproc__serve_dict_has(mproc__call_t *call)
{
    const char *what = "mproc_dict_has";
    mproc__key_t key;
    apr_status_t rv = key_arg(call, &key, what);

    if (rv == APR_SUCCESS) {
        mproc__result_int(call, mproc__dict_has(use_of(call), &key, what));
    }
    return rv;
}

apr_status_t
mproc__serve_dict_popitem(mproc__call_t *call)
{
    mproc_bytes_t key, value;
    apr_status_t rv = mproc__dict_popitem(use_of(call), &key, &value,
                                          call->pool, "mproc_dict_popitem");

    if (rv == APR_SUCCESS) {
        mproc__result_values(call, key);
        mproc__result_values(call, value);
    }
    return rv;
}

apr_status_t
mproc__serve_dict_size(mproc__call_t *call)
{
    mproc__result_int(
        call, (apr_int64_t)mproc__dict_size(use_of(call), "mproc_dict_size"));
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_dict_clear(mproc__call_t *call)
{
    return mproc__dict_clear(use_of(call), "mproc_dict_clear");
}

apr_status_t
mproc__serve_dict_update(mproc__call_t *call)
{
    mproc_datum_t *map;
    apr_status_t rv = datum_arg(call, &map);

    return rv == APR_SUCCESS ? mproc_dict_update(dict_of(call), map) : rv;
}

apr_status_t
mproc__serve_dict_copy(mproc__call_t *call)
{
    mproc_dict_t *copy;
    apr_status_t rv = mproc_dict_copy(&copy, dict_of(call), NULL);

    if (rv == APR_SUCCESS) {
        mproc__result_fresh(call, (mproc_object_t *)copy);
    }
    return rv;
}

apr_status_t
mproc__serve_dict_snapshot(mproc__call_t *call)
{
    mproc_dict_pair_t *pairs = NULL;
    apr_size_t count = 0, i;
    apr_status_t rv = mproc__dict_snapshot(use_of(call), &pairs, &count,
                                           call->pool, "mproc_dict_snapshot");

    if (rv == APR_SUCCESS) {
        mproc__result_int(call, (apr_int64_t)count);
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        mproc__result_values(call, pairs[i].key);
        mproc__result_values(call, pairs[i].value);
    }
    return rv;
}

/* -------------------------------------------------------------------- lists */

apr_status_t
mproc__serve_list_put(mproc__call_t *call)
{
    apr_int64_t how, index;
    mproc_bytes_t value;
    apr_status_t rv = mproc__arg_int(call, &how);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &index);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__arg_value(call, &value);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    switch (how) {
    case MPROC__PUT_LAST:
        return mproc_list_append(list_of(call), value);
    case MPROC__PUT_BEFORE:
        return mproc_list_insert(list_of(call), index, value);
    default:
        return mproc_list_set(list_of(call), index, value);
    }
}

apr_status_t
mproc__serve_list_get(mproc__call_t *call)
{
    apr_int64_t index, drop;
    mproc_bytes_t value;
    apr_status_t rv = mproc__arg_int(call, &index);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &drop);
    }
    if (rv == APR_SUCCESS) {
        rv = drop ? mproc_list_pop(list_of(call), &value, index, call->pool)
                  : mproc_list_get(list_of(call), &value, index, call->pool);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_values(call, value);
    }
    return rv;
}

apr_status_t
mproc__serve_list_remove(mproc__call_t *call)
{
    apr_int64_t index;
    apr_status_t rv = mproc__arg_int(call, &index);

    return rv == APR_SUCCESS ? mproc_list_remove(list_of(call), index) : rv;
}

apr_status_t
mproc__serve_list_remove_value(mproc__call_t *call)
{
    mproc_datum_t *value;
    apr_status_t rv = datum_arg(call, &value);

    return rv == APR_SUCCESS ? mproc_list_removef(list_of(call), "v", value)
                             : rv;
}

apr_status_t
mproc__serve_list_find(mproc__call_t *call)
{
    mproc_datum_t *value;
    apr_int64_t counts;
    apr_size_t number = 0;
    apr_status_t rv = datum_arg(call, &value);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &counts);
    }
    if (rv == APR_SUCCESS) {
        rv = counts ? mproc_list_countf(list_of(call), &number, "v", value)
                    : mproc_list_indexf(list_of(call), &number, "v", value);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_int(call, (apr_int64_t)number);
    }
    return rv;
}

apr_status_t
mproc__serve_list_size(mproc__call_t *call)
{
    mproc__result_int(call, (apr_int64_t)mproc_list_size(list_of(call)));
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_list_clear(mproc__call_t *call)
{
    return mproc_list_clear(list_of(call));
}

apr_status_t
mproc__serve_list_extend(mproc__call_t *call)
{
    mproc_datum_t *values;
    apr_status_t rv = datum_arg(call, &values);

    return rv == APR_SUCCESS ? mproc_list_extend(list_of(call), values) : rv;
}

apr_status_t
mproc__serve_list_repeat(mproc__call_t *call)
{
    apr_int64_t times;
    apr_status_t rv = mproc__arg_int(call, &times);

    return rv == APR_SUCCESS ? mproc_list_repeat(list_of(call), times) : rv;
}

static apr_status_t
range_args(mproc__call_t *call, apr_int64_t *start, apr_int64_t *stop)
{
    apr_status_t rv = mproc__arg_int(call, start);

    return rv == APR_SUCCESS ? mproc__arg_int(call, stop) : rv;
}

apr_status_t
mproc__serve_list_slice(mproc__call_t *call)
{
    apr_int64_t start, stop;
    mproc_bytes_t *values = NULL;
    apr_size_t count = 0, i;
    apr_status_t rv = range_args(call, &start, &stop);

    if (rv == APR_SUCCESS) {
        rv = mproc__list_snapshot(&list_of(call)->use, &values, &count, start,
                                  stop, call->pool, "mproc_list_slice");
    }
    if (rv == APR_SUCCESS) {
        mproc__result_list(call, count);
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        mproc__result_values(call, values[i]);
    }
    return rv;
}

apr_status_t
mproc__serve_list_set_slice(mproc__call_t *call)
{
    apr_int64_t start, stop;
    mproc_datum_t *values;
    apr_status_t rv = range_args(call, &start, &stop);

    if (rv == APR_SUCCESS) {
        rv = datum_arg(call, &values);
    }
    return rv == APR_SUCCESS
               ? mproc_list_set_slice(list_of(call), start, stop, values)
               : rv;
}

apr_status_t
mproc__serve_list_sort(mproc__call_t *call)
{
    apr_int64_t reverse;
    apr_status_t rv = mproc__arg_int(call, &reverse);

    return rv == APR_SUCCESS ? mproc_list_sort(list_of(call), (int)reverse)
                             : rv;
}

apr_status_t
mproc__serve_list_reverse(mproc__call_t *call)
{
    return mproc_list_reverse(list_of(call));
}

apr_status_t
mproc__serve_list_copy(mproc__call_t *call)
{
    mproc_list_t *copy;
    apr_status_t rv = mproc_list_copy(&copy, list_of(call), NULL);

    if (rv == APR_SUCCESS) {
        mproc__result_fresh(call, (mproc_object_t *)copy);
    }
    return rv;
}
