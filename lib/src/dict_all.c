/* dict_all.c: calls on all entries of a dict: each sees, or makes, one state.
 */
#include "dict_use.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "packed_order.h"
#include "ring.h"
#include "wire.h"

static apr_status_t
dict_check(mproc_dict_t *dict, const char *call)
{
    return mproc__store_check(dict, &mproc__dict_ops, "dict", call);
}

static apr_status_t
null_given(const char *call, const char *what)
{
    return mproc__fail(APR_EINVAL, "%s: %s is NULL; pass one", call, what);
}

static apr_status_t
no_memory(const char *call)
{
    return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
}

static apr_status_t
pool_make(apr_pool_t **pool, const char *call)
{
    return apr_pool_create_unmanaged_ex(pool, NULL, NULL) == APR_SUCCESS
               ? APR_SUCCESS
               : no_memory(call);
}

apr_size_t
mproc__dict_size(mproc__store_use_t *use, const char *call)
{
    apr_size_t size;

    if (mproc__store_lock(use, call) != APR_SUCCESS) {
        return 0;
    }
    size = (apr_size_t)use->content->count;
    mproc__store_unlock(use);
    return size;
}

apr_size_t
mproc_dict_size(mproc_dict_t *dict)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_size";

    if (proxy != NULL) {
        apr_int64_t number =
            mproc__proxy_number(proxy, MPROC__DICT_SIZE, 0, call);
        return number < 0 ? 0 : (apr_size_t)number;
    }
    return dict_check(dict, call) == APR_SUCCESS
               ? mproc__dict_size(&dict->use, call)
               : 0;
}

apr_status_t
mproc__dict_clear(mproc__store_use_t *use, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);

    if (rv == APR_SUCCESS) {
        rv = mproc__store_clear(use);
        mproc__store_unlock(use);
    }
    return rv;
}

apr_status_t
mproc_dict_clear(mproc_dict_t *dict)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_clear";
    apr_status_t rv = dict_check(dict, call);

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__DICT_CLEAR, 0, call);
    }
    return rv == APR_SUCCESS ? mproc__dict_clear(&dict->use, call) : rv;
}

apr_status_t
mproc__dict_popitem(mproc__store_use_t *use, mproc_bytes_t *key,
                    mproc_bytes_t *value, apr_pool_t *pool, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    mproc__found_t found;
    mproc__taken_t taken;
    mproc__key_t last;
    char *copy;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    taken.box = NULL;
    found.ref = use->content->last;
    if (found.ref != 0) {
        found.entry = mproc__dict_entry(use, found.ref);
        last.bytes.size = MPROC__ENTRY_KEY(found.entry);
        copy = apr_palloc(pool, last.bytes.size);
        rv = copy == NULL ? no_memory(call)
                          : mproc__taken_begin(&taken, use, found.entry->value,
                                               MPROC__ENTRY_VALUE(found.entry));
        if (rv == APR_SUCCESS) {
            memcpy(copy, found.entry->data, last.bytes.size);
            last.bytes.data = copy;
            last.hash = found.entry->hash;
            mproc__dict_find(use, &last, &found);
            mproc__dict_drop(use, &found);
        }
    }
    mproc__store_unlock(use);
    if (found.ref == 0) {
        return mproc__fail(APR_NOTFOUND, "%s: it is empty", call);
    }
    if (rv == APR_SUCCESS) {
        *key = last.bytes;
        rv = mproc__taken_copy(&taken, value, pool);
    }
    mproc__taken_end(&taken);
    return rv;
}

apr_status_t
mproc_dict_popitem(mproc_dict_t *dict, mproc_bytes_t *key, mproc_bytes_t *value,
                   apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_popitem";
    apr_status_t rv = dict_check(dict, call);

    if (proxy != NULL) {
        return mproc__far_dict_popitem(proxy, key, value, pool, call);
    }
    if (rv == APR_SUCCESS && (key == NULL || value == NULL || pool == NULL)) {
        rv = null_given(call, "an argument");
    }
    return rv == APR_SUCCESS
               ? mproc__dict_popitem(&dict->use, key, value, pool, call)
               : rv;
}

/* ---------------------------------------------------------------- snapshot */

/* A value in a box, held until it is copied. */
typedef struct held_t {
    apr_size_t index;
    mproc__hold_t *box;
    struct held_t *next;
} held_t;

static apr_status_t
pair_copy(mproc__store_use_t *use, const mproc__entry_t *entry,
          mproc_dict_pair_t *pair, mproc__hold_t **box, apr_pool_t *pool,
          const char *call)
{
    apr_size_t key = MPROC__ENTRY_KEY(entry);
    int boxed = (entry->value & MPROC__VALUE_BOX) != 0;
    apr_size_t value = boxed ? 0 : entry->value;
    char *data = apr_palloc(pool, key + value);

    *box = NULL;
    if (data == NULL) {
        return no_memory(call);
    }
    memcpy(data, entry->data, key + value);
    pair->key = (mproc_bytes_t){data, key};
    pair->value = (mproc_bytes_t){data + key, value};
    if (!boxed) {
        return APR_SUCCESS;
    }
    *box = mproc__hold_new();
    return *box == NULL ? no_memory(call)
                        : mproc__arena_hold(
                              *box, mproc__store_box_handle(
                                        use, entry->value & ~MPROC__VALUE_BOX));
}

/* Copy all that is inline, hold the rest; the mutex is held. */
static apr_status_t
pairs_copy(mproc__store_use_t *use, mproc_dict_pair_t **pairs,
           apr_size_t *count, held_t **held, apr_pool_t *pool, const char *call)
{
    apr_size_t room = (apr_size_t)use->content->count;
    apr_uint32_t ref = use->content->first;
    apr_status_t rv = APR_SUCCESS;
    mproc__hold_t *box;

    *pairs = apr_palloc(pool, (room + 1) * sizeof **pairs);
    if (*pairs == NULL) {
        return no_memory(call);
    }
    while (ref != 0 && *count < room && rv == APR_SUCCESS) {
        const mproc__entry_t *entry = mproc__dict_entry(use, ref);
        held_t *more;

        rv = pair_copy(use, entry, &(*pairs)[*count], &box, pool, call);
        if (box != NULL) {
            more = apr_palloc(pool, sizeof *more);
            if (more == NULL) {
                mproc__arena_release(box);
                mproc__hold_free(box);
                return no_memory(call);
            }
            *more = (held_t){*count, box, *held};
            *held = more;
        }
        ++*count;
        ref = entry->after;
    }
    return rv;
}

apr_status_t
mproc__dict_snapshot(mproc__store_use_t *use, mproc_dict_pair_t **pairs,
                     apr_size_t *count, apr_pool_t *pool, const char *call)
{
    held_t *held = NULL;
    mproc__taken_t taken;
    apr_status_t rv;

    *pairs = NULL;
    *count = 0;
    rv = mproc__store_lock(use, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = pairs_copy(use, pairs, count, &held, pool, call);
    mproc__store_unlock(use);
    for (; held != NULL; held = held->next) {
        taken.box = held->box;
        if (rv == APR_SUCCESS) {
            taken.bytes = mproc__box_bytes(mproc__hold_handle(held->box));
            rv = mproc__taken_copy(&taken, &(*pairs)[held->index].value, pool);
        }
        mproc__taken_end(&taken);
    }
    if (rv != APR_SUCCESS) {
        *count = 0;
    }
    return rv;
}

apr_status_t
mproc_dict_snapshot(mproc_dict_t *dict, mproc_dict_pair_t **pairs,
                    apr_size_t *count, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_snapshot";
    apr_status_t rv = dict_check(dict, call);

    if (proxy != NULL) {
        return mproc__far_dict_snapshot(proxy, pairs, count, pool, call);
    }
    if (rv == APR_SUCCESS && (pairs == NULL || count == NULL || pool == NULL)) {
        rv = null_given(call, "an argument");
    }
    return rv == APR_SUCCESS
               ? mproc__dict_snapshot(&dict->use, pairs, count, pool, call)
               : rv;
}

/* ------------------------------------------------------------------- datum */

static char *
head_write(char *at, unsigned char code, apr_size_t count)
{
    int i;

    *at++ = (char)code;
    for (i = 3; i >= 0; i--) {
        *at++ = (char)(count >> 8 * i);
    }
    return at;
}

static char *
bytes_write(char *at, mproc_bytes_t bytes)
{
    memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

/* One list or map in MessagePack, to be parsed. */
static apr_status_t
pairs_pack(mproc_bytes_t *bytes, const mproc_dict_pair_t *pairs,
           apr_size_t count, mproc__dict_part_e part, apr_pool_t *pool,
           const char *call)
{
    apr_size_t size = 5, i;
    char *data, *at;

    for (i = 0; i < count; i++) {
        size += 1 + pairs[i].key.size + pairs[i].value.size;
    }
    data = apr_palloc(pool, size);
    if (data == NULL) {
        return no_memory(call);
    }
    at = head_write(data, part >= MPROC__DICT_MAP ? 0xdf : 0xdd, count);
    for (i = 0; i < count; i++) {
        if (part == MPROC__DICT_ITEMS) {
            *at++ = (char)0x92;
        }
        if (part != MPROC__DICT_VALUES) {
            at = bytes_write(at, pairs[i].key);
        }
        if (part != MPROC__DICT_KEYS) {
            at = bytes_write(at, pairs[i].value);
        }
    }
    *bytes = (mproc_bytes_t){data, (apr_size_t)(at - data)};
    return APR_SUCCESS;
}

/* Texts: not by their heads, which say how long they are. */
static int
pair_order(const void *left, const void *right)
{
    mproc_bytes_t a = ((const mproc_dict_pair_t *)left)->key;
    mproc_bytes_t b = ((const mproc_dict_pair_t *)right)->key;
    int order;

    (void)mproc__packed_order(a, b, &order);
    return order;
}

/* Of a dict, namespace or set, here or, when there is a proxy, at a manager. */
static apr_status_t
any_datum(mproc__store_use_t *use, mproc__proxy_t *proxy, mproc_datum_t **datum,
          mproc__dict_part_e part, apr_pool_t *pool, const char *call)
{
    mproc_dict_pair_t *pairs;
    mproc_bytes_t bytes;
    apr_size_t count;
    apr_pool_t *own;
    apr_status_t rv;

    if (datum == NULL) {
        return null_given(call, "the datum");
    }
    *datum = NULL;
    rv = pool_make(&own, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = proxy != NULL
             ? mproc__far_dict_snapshot(proxy, &pairs, &count, own, call)
             : mproc__dict_snapshot(use, &pairs, &count, own, call);
    if (rv == APR_SUCCESS && part == MPROC__DICT_SORTED && count > 1) {
        qsort(pairs, count, sizeof *pairs, pair_order);
    }
    if (rv == APR_SUCCESS) {
        rv = pairs_pack(&bytes, pairs, count, part, own, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_parse(datum, bytes, pool);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc__dict_datum(mproc__store_use_t *use, mproc_datum_t **datum,
                  mproc__dict_part_e part, apr_pool_t *pool, const char *call)
{
    return any_datum(use, NULL, datum, part, pool, call);
}

apr_status_t
mproc__far_dict_datum(mproc__proxy_t *dict, mproc_datum_t **datum,
                      mproc__dict_part_e part, apr_pool_t *pool,
                      const char *call)
{
    return any_datum(NULL, dict, datum, part, pool, call);
}

static apr_status_t
dict_datum(mproc_dict_t *dict, mproc_datum_t **datum, mproc__dict_part_e part,
           apr_pool_t *pool, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    apr_status_t rv = proxy != NULL ? APR_SUCCESS : dict_check(dict, call);

    return rv == APR_SUCCESS ? any_datum(proxy != NULL ? NULL : &dict->use,
                                         proxy, datum, part, pool, call)
                             : rv;
}

apr_status_t
mproc_dict_keys(mproc_dict_t *dict, mproc_datum_t **keys, apr_pool_t *pool)
{
    return dict_datum(dict, keys, MPROC__DICT_KEYS, pool, "mproc_dict_keys");
}

apr_status_t
mproc_dict_values(mproc_dict_t *dict, mproc_datum_t **values, apr_pool_t *pool)
{
    return dict_datum(dict, values, MPROC__DICT_VALUES, pool,
                      "mproc_dict_values");
}

apr_status_t
mproc_dict_items(mproc_dict_t *dict, mproc_datum_t **items, apr_pool_t *pool)
{
    return dict_datum(dict, items, MPROC__DICT_ITEMS, pool, "mproc_dict_items");
}

apr_status_t
mproc_dict_datum(mproc_dict_t *dict, mproc_datum_t **map, apr_pool_t *pool)
{
    return dict_datum(dict, map, MPROC__DICT_MAP, pool, "mproc_dict_datum");
}

/* ------------------------------------------------------------------ update */

/* An entry on its way in. */
typedef struct putting_t {
    mproc__key_t key;
    mproc__fill_t fill;
} putting_t;

static apr_status_t
puttings_put(mproc__store_use_t *use, const putting_t *putting,
             apr_size_t count, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    apr_size_t i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc__dict_put(use, &putting[i].key, &putting[i].fill);
    }
    mproc__store_unlock(use);
    return rv;
}

apr_status_t
mproc__dict_put_pairs(mproc__store_use_t *use, const mproc_dict_pair_t *pairs,
                      apr_size_t count, apr_pool_t *pool, const char *call)
{
    putting_t *putting = apr_palloc(pool, (count + 1) * sizeof *putting);
    apr_status_t rv = putting == NULL ? no_memory(call) : APR_SUCCESS;
    apr_size_t made = 0;

    while (made < count && rv == APR_SUCCESS) {
        rv = mproc__key_begin(&putting[made].key, pairs[made].key, use, call);
        if (rv == APR_SUCCESS) {
            rv = mproc__fill_begin(&putting[made].fill, use, pairs[made].value,
                                   call);
            made++;
        }
    }
    if (rv == APR_SUCCESS) {
        rv = puttings_put(use, putting, count, call);
    }
    while (made > 0) {
        mproc__fill_end(&putting[--made].fill);
    }
    return rv;
}

/* The pairs of a packed map, where they lie. */
static apr_status_t
map_pairs(mproc_bytes_t bytes, mproc_dict_pair_t **pairs, apr_size_t *count,
          apr_pool_t *pool, const char *call)
{
    mproc__token_t token;
    mproc__wire_t wire;
    apr_size_t i;

    mproc__wire_init(&wire, bytes);
    if (bytes.size == 0 || mproc__wire_next(&wire, &token) != APR_SUCCESS ||
        token.kind != MPROC__TOKEN_MAP) {
        return mproc__fail(APR_EINVAL,
                           "%s: what is given is no map; pass one, such as "
                           "\"{s:i}\"",
                           call);
    }
    *count = (apr_size_t)token.number;
    *pairs = apr_palloc(pool, (*count + 1) * sizeof **pairs);
    if (*pairs == NULL) {
        return no_memory(call);
    }
    for (i = 0; i < 2 * *count; i++) {
        const unsigned char *start = wire.at;
        mproc_bytes_t *part =
            i % 2 == 0 ? &(*pairs)[i / 2].key : &(*pairs)[i / 2].value;

        if (mproc__wire_skip(&wire, MPROC__NESTING_MAX) != APR_SUCCESS) {
            return mproc__fail(MPROC_EFORMAT, "%s: the map is cut off", call);
        }
        *part = (mproc_bytes_t){start, (apr_size_t)(wire.at - start)};
    }
    return wire.at == wire.end
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL,
                             "%s: there is more than one map; pass one", call);
}

static apr_status_t
dict_update(mproc_dict_t *dict, mproc_bytes_t bytes, const char *call)
{
    mproc_dict_pair_t *pairs = NULL;
    apr_size_t count = 0;
    apr_pool_t *own;
    apr_status_t rv = pool_make(&own, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = map_pairs(bytes, &pairs, &count, own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_put_pairs(&dict->use, pairs, count, own, call);
    }
    apr_pool_destroy(own);
    return rv;
}

apr_status_t
mproc_dict_updatef(mproc_dict_t *dict, const char *format, ...)
{
    const char *call = "mproc_dict_updatef";
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    apr_status_t rv = proxy != NULL ? APR_SUCCESS : dict_check(dict, call);
    mproc__packing_t packing;
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    rv = mproc__packing_begin(&packing, format, args);
    va_end(args);
    if (rv == APR_SUCCESS && proxy != NULL) {
        rv =
            mproc__far_dict_update(proxy, mproc__packing_bytes(&packing), call);
    }
    else if (rv == APR_SUCCESS) {
        rv = dict_update(dict, mproc__packing_bytes(&packing), call);
    }
    mproc__packing_end(&packing);
    return rv;
}

apr_status_t
mproc_dict_update(mproc_dict_t *dict, const mproc_datum_t *map)
{
    return mproc_dict_updatef(dict, "v", map);
}

apr_status_t
mproc_dict_copy(mproc_dict_t **copy, mproc_dict_t *dict, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_copy";
    mproc_dict_pair_t *pairs = NULL;
    apr_size_t count = 0;
    apr_pool_t *own;
    apr_status_t rv;

    if (proxy != NULL) {
        return copy == NULL ? null_given(call, "where the copy goes")
                            : mproc__far_copy(copy, proxy, MPROC__DICT_COPY,
                                              MPROC_KIND_DICT, pool, call);
    }
    if (copy == NULL) {
        return null_given(call, "where the copy goes");
    }
    *copy = NULL;
    rv = dict_check(dict, call);
    if (rv == APR_SUCCESS) {
        rv = pool_make(&own, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__dict_snapshot(&dict->use, &pairs, &count, own, call);
    if (rv == APR_SUCCESS) {
        rv = mproc_dict_create(copy, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_put_pairs(&(*copy)->use, pairs, count, own, call);
        if (rv != APR_SUCCESS) {
            mproc_dict_destroy(*copy);
            *copy = NULL;
        }
    }
    apr_pool_destroy(own);
    return rv;
}
