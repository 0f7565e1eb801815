/*
 * set.c: the set: a dict (dict_table.c) whose values are nil.
 *
 * What the other of two sets has is copied first; then the set is changed, with
 * its mutex held, one commit for each value.
 */
#include "set_use.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "pack.h"

struct mproc_set_t {
    mproc__store_use_t use;
};

static apr_status_t
set_opened(mproc_object_t *object)
{
    ((mproc_set_t *)object)->use.repair = mproc__dict_repair;
    return APR_SUCCESS;
}

const mproc__object_ops_t mproc__set_ops = {.kind = MPROC_KIND_SET,
                                            .local_size =
                                                sizeof(struct mproc_set_t),
                                            .opened = set_opened};

static apr_status_t
set_check(mproc_set_t *set, const char *call)
{
    return mproc__store_check(set, &mproc__set_ops, "set", call);
}

static apr_status_t
no_memory(const char *call)
{
    return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
}

static apr_status_t
null_given(const char *call, const char *what)
{
    return mproc__fail(APR_EINVAL, "%s: %s is NULL; pass one", call, what);
}

apr_status_t
mproc_set_create(mproc_set_t **set, apr_pool_t *pool)
{
    if (set == NULL) {
        return mproc__object_missing("mproc_set_create", "set");
    }
    return mproc__store_create(set, &mproc__set_ops, pool);
}

void
mproc_set_destroy(mproc_set_t *set)
{
    mproc__object_close(set);
}

/* ------------------------------------------------------------------ changes */

/* The value of each key: nil. */
static const mproc__fill_t nil = {"\xc0", 1, NULL};

static apr_status_t
value_put(mproc__store_use_t *use, mproc__set_change_e how,
          const mproc__key_t *key)
{
    mproc__found_t found;

    mproc__dict_find(use, key, &found);
    if (found.ref == 0) {
        return how == MPROC__SET_DROP ? APR_SUCCESS
                                      : mproc__dict_put(use, key, &nil);
    }
    if (how != MPROC__SET_ADD) {
        mproc__dict_drop(use, &found);
    }
    return APR_SUCCESS;
}

/* By the store's own hash first, which nobody can aim at. */
static int
key_order(const void *left, const void *right)
{
    const mproc__key_t *a = left, *b = right;

    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    if (a->bytes.size != b->bytes.size) {
        return a->bytes.size < b->bytes.size ? -1 : 1;
    }
    return memcmp(a->bytes.data, b->bytes.data, a->bytes.size);
}

/* Drop what is not among these, which are in that order. Where an entry is
 * holds until the next commit: so the keys of those that go are copied before
 * the first does. */
static apr_status_t
others_drop(mproc__store_use_t *use, const mproc__key_t *keep, apr_size_t kept,
            apr_pool_t *pool, const char *call)
{
    apr_size_t room = (apr_size_t)use->content->count, count = 0, i;
    mproc__key_t *doomed = apr_palloc(pool, (room + 1) * sizeof *doomed);
    apr_uint32_t ref = use->content->first;
    mproc__found_t found;

    if (doomed == NULL) {
        return no_memory(call);
    }
    while (ref != 0 && count < room) {
        const mproc__entry_t *entry = mproc__dict_entry(use, ref);
        mproc__key_t key = {{entry->data, MPROC__ENTRY_KEY(entry)},
                            entry->hash};

        if (kept == 0 ||
            bsearch(&key, keep, kept, sizeof key, key_order) == NULL) {
            doomed[count] = key;
            doomed[count].bytes.data =
                apr_pmemdup(pool, key.bytes.data, key.bytes.size);
            if (doomed[count++].bytes.data == NULL) {
                return no_memory(call);
            }
        }
        ref = entry->after;
    }
    for (i = 0; i < count; i++) {
        mproc__dict_find(use, &doomed[i], &found);
        if (found.ref != 0) {
            mproc__dict_drop(use, &found);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
keys_make(mproc__key_t **keys, mproc__store_use_t *use,
          const mproc_bytes_t *values, apr_size_t count, apr_pool_t *pool,
          const char *call)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    *keys = apr_palloc(pool, (count + 1) * sizeof **keys);
    if (*keys == NULL) {
        return no_memory(call);
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc__key_begin(&(*keys)[i], values[i], use, call);
    }
    return rv;
}

static apr_status_t
keys_change(mproc__store_use_t *use, mproc__set_change_e how,
            mproc__key_t *keys, apr_size_t count, apr_pool_t *pool,
            const char *call)
{
    int keeps = how == MPROC__SET_KEEP;
    apr_status_t rv;
    apr_size_t i;

    if (keeps && count > 1) {
        qsort(keys, count, sizeof *keys, key_order);
    }
    rv = mproc__store_lock(use, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < count && !keeps && rv == APR_SUCCESS; i++) {
        rv = value_put(use, how, &keys[i]);
    }
    if (keeps) {
        rv = others_drop(use, keys, count, pool, call);
    }
    mproc__store_unlock(use);
    return rv;
}

apr_status_t
mproc__set_change(mproc__store_use_t *use, mproc__set_change_e how,
                  const mproc_bytes_t *values, apr_size_t count,
                  const char *call)
{
    mproc__key_t *keys;
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return no_memory(call);
    }
    rv = keys_make(&keys, use, values, count, own, call);
    if (rv == APR_SUCCESS) {
        rv = keys_change(use, how, keys, count, own, call);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc__set_common(mproc__store_use_t *use, const mproc_bytes_t *values,
                  apr_size_t count, apr_size_t *size, apr_size_t *common,
                  const char *call)
{
    mproc__found_t found;
    mproc__key_t *keys;
    apr_pool_t *own;
    apr_size_t i;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return no_memory(call);
    }
    rv = keys_make(&keys, use, values, count, own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(use, call);
    }
    if (rv == APR_SUCCESS) {
        *size = (apr_size_t)use->content->count;
        for (*common = 0, i = 0; i < count; i++) {
            mproc__dict_find(use, &keys[i], &found);
            *common += found.ref != 0;
        }
        mproc__store_unlock(use);
    }
    apr_pool_destroy(own);
    return rv;
}

/* ---------------------------------------------------------------- one value */

typedef enum one_e {
    ADD,
    DISCARD,
    REMOVE,
    HAS /* APR_NOTFOUND: it has not */
} one_e;

static apr_status_t
far_one(mproc__proxy_t *set, one_e how, mproc_bytes_t value, const char *call)
{
    switch (how) {
    case ADD:
        return mproc__far_dict_set(
            set, MPROC__FAR_KEY(value),
            MPROC__FAR_VALUE(((mproc_bytes_t){nil.data, nil.size})), call);
    case DISCARD:
        return mproc__far_set_change(set, MPROC__SET_DROP, &value, 1, call);
    case REMOVE:
        return mproc__far_dict_remove(set, MPROC__FAR_KEY(value), call);
    default:
        return mproc__far_dict_has(set, MPROC__FAR_KEY(value), call)
                   ? APR_SUCCESS
                   : APR_NOTFOUND;
    }
}

static apr_status_t
one_value(mproc_set_t *set, one_e how, mproc_bytes_t value, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    mproc__key_t key;
    apr_status_t rv;

    if (proxy != NULL) {
        return far_one(proxy, how, value, call);
    }
    rv = set_check(set, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__key_begin(&key, value, &set->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    switch (how) {
    case REMOVE:
        return mproc__dict_remove(&set->use, &key, call);
    case HAS:
        return mproc__dict_has(&set->use, &key, call) ? APR_SUCCESS
                                                      : APR_NOTFOUND;
    default:
        return keys_change(&set->use,
                           how == ADD ? MPROC__SET_ADD : MPROC__SET_DROP, &key,
                           1, NULL, call);
    }
}

static apr_status_t
one_format(mproc_set_t *set, one_e how, const char *call, const char *format,
           va_list args)
{
    mproc__packing_t packing;
    apr_status_t rv = mproc__packing_begin(&packing, format, args);

    if (rv == APR_SUCCESS) {
        rv = one_value(set, how, mproc__packing_bytes(&packing), call);
    }
    mproc__packing_end(&packing);
    return rv;
}

apr_status_t
mproc_set_add(mproc_set_t *set, mproc_bytes_t value)
{
    return one_value(set, ADD, value, "mproc_set_add");
}

apr_status_t
mproc_set_addf(mproc_set_t *set, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = one_format(set, ADD, "mproc_set_addf", format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_set_discard(mproc_set_t *set, mproc_bytes_t value)
{
    return one_value(set, DISCARD, value, "mproc_set_discard");
}

apr_status_t
mproc_set_discardf(mproc_set_t *set, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = one_format(set, DISCARD, "mproc_set_discardf", format, args);
    va_end(args);
    return rv;
}

apr_status_t
mproc_set_remove(mproc_set_t *set, mproc_bytes_t value)
{
    return one_value(set, REMOVE, value, "mproc_set_remove");
}

apr_status_t
mproc_set_removef(mproc_set_t *set, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = one_format(set, REMOVE, "mproc_set_removef", format, args);
    va_end(args);
    return rv;
}

int
mproc_set_has(mproc_set_t *set, mproc_bytes_t value)
{
    return one_value(set, HAS, value, "mproc_set_has") == APR_SUCCESS;
}

int
mproc_set_hasf(mproc_set_t *set, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = one_format(set, HAS, "mproc_set_hasf", format, args);
    va_end(args);
    return rv == APR_SUCCESS;
}

apr_status_t
mproc_set_pop(mproc_set_t *set, mproc_bytes_t *value, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    const char *call = "mproc_set_pop";
    mproc_bytes_t unused;
    apr_status_t rv = proxy != NULL ? APR_SUCCESS : set_check(set, call);

    if (rv == APR_SUCCESS && (value == NULL || pool == NULL)) {
        rv = null_given(call,
                        value == NULL ? "where the value goes" : "the pool");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return proxy != NULL
               ? mproc__far_dict_popitem(proxy, value, &unused, pool, call)
               : mproc__dict_popitem(&set->use, value, &unused, pool, call);
}

/* --------------------------------------------------------------- all values */

apr_size_t
mproc_set_size(mproc_set_t *set)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    const char *call = "mproc_set_size";
    apr_int64_t number;

    if (proxy != NULL) {
        number = mproc__proxy_number(proxy, MPROC__DICT_SIZE, 0, call);
        return number < 0 ? 0 : (apr_size_t)number;
    }
    return set_check(set, call) == APR_SUCCESS
               ? mproc__dict_size(&set->use, call)
               : 0;
}

apr_status_t
mproc_set_clear(mproc_set_t *set)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    const char *call = "mproc_set_clear";
    apr_status_t rv;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__DICT_CLEAR, 0, call);
    }
    rv = set_check(set, call);
    return rv == APR_SUCCESS ? mproc__dict_clear(&set->use, call) : rv;
}

/* The keys, and the nils. */
static apr_status_t
pairs_of(mproc_set_t *set, mproc_dict_pair_t **pairs, apr_size_t *count,
         apr_pool_t *pool, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    apr_status_t rv = proxy != NULL ? APR_SUCCESS : set_check(set, call);

    *count = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return proxy != NULL
               ? mproc__far_dict_snapshot(proxy, pairs, count, pool, call)
               : mproc__dict_snapshot(&set->use, pairs, count, pool, call);
}

apr_status_t
mproc__set_snapshot(mproc_set_t *set, mproc_bytes_t **values, apr_size_t *count,
                    apr_pool_t *pool, const char *call)
{
    mproc_dict_pair_t *pairs = NULL;
    apr_status_t rv = pairs_of(set, &pairs, count, pool, call);
    apr_size_t i;

    if (rv == APR_SUCCESS) {
        *values = apr_palloc(pool, (*count + 1) * sizeof **values);
        rv = *values == NULL ? no_memory(call) : rv;
    }
    for (i = 0; rv == APR_SUCCESS && i < *count; i++) {
        (*values)[i] = pairs[i].key;
    }
    if (rv != APR_SUCCESS) {
        *values = NULL;
        *count = 0;
    }
    return rv;
}

apr_status_t
mproc_set_snapshot(mproc_set_t *set, mproc_bytes_t **values, apr_size_t *count,
                   apr_pool_t *pool)
{
    const char *call = "mproc_set_snapshot";

    if (values == NULL || count == NULL || pool == NULL) {
        return null_given(call, "an argument");
    }
    return mproc__set_snapshot(set, values, count, pool, call);
}

apr_status_t
mproc_set_values(mproc_set_t *set, mproc_datum_t **values, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    const char *call = "mproc_set_values";
    apr_status_t rv = proxy != NULL ? APR_SUCCESS : set_check(set, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return proxy != NULL ? mproc__far_dict_datum(proxy, values,
                                                 MPROC__DICT_KEYS, pool, call)
                         : mproc__dict_datum(&set->use, values,
                                             MPROC__DICT_KEYS, pool, call);
}

apr_status_t
mproc__set_copy(mproc_set_t **copy, mproc_set_t *set, apr_pool_t *pool,
                const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(set, MPROC_KIND_SET);
    mproc_dict_pair_t *pairs = NULL;
    apr_size_t count;
    apr_pool_t *own;
    apr_status_t rv;

    if (copy == NULL) {
        return null_given(call, "where the new set goes");
    }
    *copy = NULL;
    if (proxy != NULL) {
        return mproc__far_copy(copy, proxy, MPROC__SET_COPY, MPROC_KIND_SET,
                               pool, call);
    }
    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        return no_memory(call);
    }
    rv = pairs_of(set, &pairs, &count, own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc_set_create(copy, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_put_pairs(&(*copy)->use, pairs, count, own, call);
        if (rv != APR_SUCCESS) {
            mproc_set_destroy(*copy);
            *copy = NULL;
        }
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_set_copy(mproc_set_t **copy, mproc_set_t *set, apr_pool_t *pool)
{
    return mproc__set_copy(copy, set, pool, "mproc_set_copy");
}
