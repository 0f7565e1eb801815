/*
 * dict.c: the dict: entries of a store by key (dict_table.c), for any number
 * of processes.
 *
 * Values are packed, and boxes made, before the mutex is taken, and unpacked
 * after it was let go.
 */
#include "dict_use.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"

static apr_status_t
dict_opened(mproc_object_t *object)
{
    ((mproc_dict_t *)object)->use.repair = mproc__dict_repair;
    return APR_SUCCESS;
}

const mproc__object_ops_t mproc__dict_ops = {.kind = MPROC_KIND_DICT,
                                             .local_size =
                                                 sizeof(struct mproc_dict_t),
                                             .opened = dict_opened};

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

apr_status_t
mproc_dict_create(mproc_dict_t **dict, apr_pool_t *pool)
{
    if (dict == NULL) {
        return mproc__object_missing("mproc_dict_create", "dict");
    }
    return mproc__store_create(dict, &mproc__dict_ops, pool);
}

void
mproc_dict_destroy(mproc_dict_t *dict)
{
    mproc__object_close(dict);
}

/* -------------------------------------------------------------------- keys */

apr_status_t
mproc__text_key_begin(mproc__text_key_t *key, const char *text,
                      const mproc__store_use_t *use, const char *call)
{
    apr_size_t size = text == NULL ? 0 : strlen(text), head;
    unsigned char *at = (unsigned char *)key->few;

    key->more = NULL;
    if (text == NULL) {
        return null_given(call, "the key");
    }
    if (size > MPROC__KEY_MOST - 3) {
        return mproc__fail(MPROC_ETOOBIG,
                           "%s: the key has %" APR_SIZE_T_FMT
                           " bytes, and may have %d",
                           call, size, MPROC__KEY_MOST - 3);
    }
    if (size + 3 > sizeof key->few) {
        at = malloc(size + 3);
        key->more = (char *)at;
        if (at == NULL) {
            return mproc__fail(APR_ENOMEM, "%s: no memory for the key", call);
        }
    }
    key->key.bytes.data = at;
    /* As MessagePack has it: the shortest head. */
    if (size < 32) {
        head = 1;
        at[0] = (unsigned char)(0xa0 | size);
    }
    else if (size < 256) {
        head = 2;
        at[0] = 0xd9;
        at[1] = (unsigned char)size;
    }
    else {
        head = 3;
        at[0] = 0xda;
        at[1] = (unsigned char)(size >> 8);
        at[2] = (unsigned char)size;
    }
    memcpy(at + head, text, size);
    key->key.bytes.size = head + size;
    mproc__key_hash(&key->key, use);
    return APR_SUCCESS;
}

void
mproc__text_key_end(mproc__text_key_t *key)
{
    free(key->more);
}

static apr_status_t
object_refuse(mproc__handle_t handle, void *baton)
{
    (void)handle;
    (void)baton;
    return APR_EINVAL;
}

apr_status_t
mproc__key_begin(mproc__key_t *key, mproc_bytes_t bytes,
                 const mproc__store_use_t *use, const char *call)
{
    apr_status_t rv = bytes.size == 0 || bytes.data == NULL
                          ? MPROC_EFORMAT
                          : mproc__value_check(bytes, object_refuse, NULL);

    if (rv == APR_SUCCESS && bytes.size > MPROC__KEY_MOST) {
        return mproc__fail(MPROC_ETOOBIG,
                           "%s: the key has %" APR_SIZE_T_FMT
                           " bytes, and may have %d",
                           call, bytes.size, MPROC__KEY_MOST);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           rv == APR_EINVAL
                               ? "%s: the key has a shared object in it, which "
                                 "is no value; use a text or a number"
                               : "%s: the key is not one packed value; pack "
                                 "it with mproc_pack()",
                           call);
    }
    key->bytes = bytes;
    mproc__key_hash(key, use);
    return APR_SUCCESS;
}

apr_status_t
mproc__key_missing(const mproc__key_t *key, const char *call)
{
    mproc_datum_t *datum;
    apr_status_t rv = mproc_datum_parse(&datum, key->bytes, NULL);

    rv = mproc__fail(APR_NOTFOUND, "%s: there is no key %.100s", call,
                     rv == APR_SUCCESS ? mproc_datum_text(datum, NULL) : "");
    mproc_datum_destroy(datum);
    return rv;
}

/* ------------------------------------------------------------- by any key */

apr_status_t
mproc__dict_set(mproc__store_use_t *use, const mproc__key_t *key,
                const mproc__fill_t *fill, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);

    if (rv == APR_SUCCESS) {
        rv = mproc__dict_put(use, key, fill);
        mproc__store_unlock(use);
    }
    return rv;
}

apr_status_t
mproc__dict_get(mproc__store_use_t *use, const mproc__key_t *key,
                mproc__taken_t *taken, int drop, const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    mproc__found_t found;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__dict_find(use, key, &found);
    if (found.ref != 0) {
        rv = mproc__taken_begin(taken, use, found.entry->value,
                                MPROC__ENTRY_VALUE(found.entry));
        if (rv == APR_SUCCESS && drop) {
            mproc__dict_drop(use, &found);
        }
    }
    mproc__store_unlock(use);
    if (rv != APR_SUCCESS) {
        mproc__taken_end(taken);
    }
    return found.ref != 0 ? rv : mproc__key_missing(key, call);
}

apr_status_t
mproc__dict_remove(mproc__store_use_t *use, const mproc__key_t *key,
                   const char *call)
{
    apr_status_t rv = mproc__store_lock(use, call);
    mproc__found_t found;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__dict_find(use, key, &found);
    if (found.ref != 0) {
        mproc__dict_drop(use, &found);
    }
    mproc__store_unlock(use);
    return found.ref != 0 ? APR_SUCCESS : mproc__key_missing(key, call);
}

int
mproc__dict_has(mproc__store_use_t *use, const mproc__key_t *key,
                const char *call)
{
    mproc__found_t found;

    if (mproc__store_lock(use, call) != APR_SUCCESS) {
        return 0;
    }
    mproc__dict_find(use, key, &found);
    mproc__store_unlock(use);
    return found.ref != 0;
}

/* --------------------------------------------------------------- by a text */

apr_status_t
mproc_dict_vsetf(mproc_dict_t *dict, const char *key, const char *format,
                 va_list args)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_setf";
    apr_status_t rv = dict_check(dict, call);
    mproc__packing_t packing;
    mproc__text_key_t text;
    mproc__fill_t fill;

    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        rv = mproc__far_dict_set(proxy, MPROC__FAR_TEXT(key),
                                 MPROC__FAR_FORMAT(format, &far_args), call);
        va_end(far_args.list);
        return rv;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__text_key_begin(&text, key, &dict->use, call);
    if (rv == APR_SUCCESS) {
        rv =
            mproc__fill_format(&fill, &packing, &dict->use, call, format, args);
        if (rv == APR_SUCCESS) {
            rv = mproc__dict_set(&dict->use, &text.key, &fill, call);
        }
        mproc__fill_end(&fill);
        mproc__packing_end(&packing);
    }
    mproc__text_key_end(&text);
    return rv;
}

apr_status_t
mproc_dict_setf(mproc_dict_t *dict, const char *key, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc_dict_vsetf(dict, key, format, args);
    va_end(args);
    return rv;
}

static apr_status_t
dict_vgetf(mproc_dict_t *dict, const char *key, int drop, apr_pool_t *pool,
           const char *format, va_list args, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    apr_status_t rv = dict_check(dict, call);
    mproc__text_key_t text;
    mproc__taken_t taken;

    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        rv = mproc__far_dict_get(proxy, MPROC__FAR_TEXT(key), drop,
                                 MPROC__FAR_UNPACK(format, &far_args, pool),
                                 call);
        va_end(far_args.list);
        return rv;
    }
    if (rv == APR_SUCCESS && pool == NULL) {
        rv = null_given(call, "the pool");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__text_key_begin(&text, key, &dict->use, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_get(&dict->use, &text.key, &taken, drop, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_vunpack(taken.bytes, pool, format, args);
        mproc__taken_end(&taken);
    }
    mproc__text_key_end(&text);
    return rv;
}

apr_status_t
mproc_dict_vgetf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                 const char *format, va_list args)
{
    return dict_vgetf(dict, key, 0, pool, format, args, "mproc_dict_getf");
}

apr_status_t
mproc_dict_getf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = dict_vgetf(dict, key, 0, pool, format, args, "mproc_dict_getf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_dict_popf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = dict_vgetf(dict, key, 1, pool, format, args, "mproc_dict_popf");
    va_end(args);
    return rv;
}

apr_status_t
mproc_dict_setdefaultf(mproc_dict_t *dict, int *added, const char *key,
                       const char *format, ...)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_setdefaultf";
    apr_status_t rv = dict_check(dict, call);
    mproc__packing_t packing;
    mproc__text_key_t text;
    mproc__found_t found;
    mproc__fill_t fill;
    va_list args;

    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_start(far_args.list, format);
        rv = mproc__far_dict_setdefault(proxy, added, MPROC__FAR_TEXT(key),
                                        MPROC__FAR_FORMAT(format, &far_args),
                                        MPROC__FAR_BYTES(NULL, NULL), call);
        va_end(far_args.list);
        return rv;
    }
    if (added != NULL) {
        *added = 0;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__text_key_begin(&text, key, &dict->use, call);
    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv =
            mproc__fill_format(&fill, &packing, &dict->use, call, format, args);
        va_end(args);
        if (rv == APR_SUCCESS) {
            rv = mproc__store_lock(&dict->use, call);
        }
        if (rv == APR_SUCCESS) {
            mproc__dict_find(&dict->use, &text.key, &found);
            if (found.ref == 0) {
                rv = mproc__dict_put(&dict->use, &text.key, &fill);
            }
            mproc__store_unlock(&dict->use);
            if (added != NULL) {
                *added = rv == APR_SUCCESS && found.ref == 0;
            }
        }
        mproc__fill_end(&fill);
        mproc__packing_end(&packing);
    }
    mproc__text_key_end(&text);
    return rv;
}

apr_status_t
mproc_dict_remove(mproc_dict_t *dict, const char *key)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_remove";
    apr_status_t rv = dict_check(dict, call);
    mproc__text_key_t text;

    if (proxy != NULL) {
        return mproc__far_dict_remove(proxy, MPROC__FAR_TEXT(key), call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__text_key_begin(&text, key, &dict->use, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_remove(&dict->use, &text.key, call);
    }
    mproc__text_key_end(&text);
    return rv;
}

int
mproc_dict_has(mproc_dict_t *dict, const char *key)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_has";
    mproc__text_key_t text;
    int has = 0;

    if (proxy != NULL) {
        return mproc__far_dict_has(proxy, MPROC__FAR_TEXT(key), call);
    }
    if (dict_check(dict, call) == APR_SUCCESS) {
        has = mproc__text_key_begin(&text, key, &dict->use, call) ==
                  APR_SUCCESS &&
              mproc__dict_has(&dict->use, &text.key, call);
        mproc__text_key_end(&text);
    }
    return has;
}

/* -------------------------------------------------------- by a packed value */

apr_status_t
mproc_dict_set(mproc_dict_t *dict, mproc_bytes_t key, mproc_bytes_t value)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_set";
    apr_status_t rv = dict_check(dict, call);
    mproc__fill_t fill;
    mproc__key_t packed;

    if (proxy != NULL) {
        return mproc__far_dict_set(proxy, MPROC__FAR_KEY(key),
                                   MPROC__FAR_VALUE(value), call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__key_begin(&packed, key, &dict->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__fill_begin(&fill, &dict->use, value, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_set(&dict->use, &packed, &fill, call);
    }
    mproc__fill_end(&fill);
    return rv;
}

static apr_status_t
dict_get(mproc_dict_t *dict, mproc_bytes_t *value, mproc_bytes_t key, int drop,
         apr_pool_t *pool, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    apr_status_t rv = dict_check(dict, call);
    mproc__taken_t taken;
    mproc__key_t packed;

    if (proxy != NULL) {
        return mproc__far_dict_get(proxy, MPROC__FAR_KEY(key), drop,
                                   MPROC__FAR_BYTES(value, pool), call);
    }
    if (value != NULL) {
        *value = (mproc_bytes_t){NULL, 0};
    }
    if (rv == APR_SUCCESS && (value == NULL || pool == NULL)) {
        rv = null_given(call, value == NULL ? "the value" : "the pool");
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__key_begin(&packed, key, &dict->use, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_get(&dict->use, &packed, &taken, drop, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__taken_copy(&taken, value, pool);
        mproc__taken_end(&taken);
    }
    return rv;
}

apr_status_t
mproc_dict_get(mproc_dict_t *dict, mproc_bytes_t *value, mproc_bytes_t key,
               apr_pool_t *pool)
{
    return dict_get(dict, value, key, 0, pool, "mproc_dict_get");
}

apr_status_t
mproc_dict_pop(mproc_dict_t *dict, mproc_bytes_t *value, mproc_bytes_t key,
               apr_pool_t *pool)
{
    return dict_get(dict, value, key, 1, pool, "mproc_dict_pop");
}

apr_status_t
mproc_dict_setdefault(mproc_dict_t *dict, mproc_bytes_t *value,
                      mproc_bytes_t key, mproc_bytes_t preset, apr_pool_t *pool)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_setdefault";
    apr_status_t rv = dict_check(dict, call);
    mproc__taken_t taken;
    mproc__found_t found;
    mproc__fill_t fill;
    mproc__key_t packed;

    if (proxy != NULL) {
        return mproc__far_dict_setdefault(proxy, NULL, MPROC__FAR_KEY(key),
                                          MPROC__FAR_VALUE(preset),
                                          MPROC__FAR_BYTES(value, pool), call);
    }
    if (value != NULL) {
        *value = (mproc_bytes_t){NULL, 0};
    }
    if (rv == APR_SUCCESS && (value == NULL || pool == NULL)) {
        rv = null_given(call, value == NULL ? "the value" : "the pool");
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__key_begin(&packed, key, &dict->use, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    taken.box = NULL;
    rv = mproc__fill_begin(&fill, &dict->use, preset, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__store_lock(&dict->use, call);
    }
    if (rv == APR_SUCCESS) {
        mproc__dict_find(&dict->use, &packed, &found);
        if (found.ref == 0) {
            rv = mproc__dict_put(&dict->use, &packed, &fill);
            mproc__dict_find(&dict->use, &packed, &found);
        }
        if (rv == APR_SUCCESS) {
            rv = mproc__taken_begin(&taken, &dict->use, found.entry->value,
                                    MPROC__ENTRY_VALUE(found.entry));
        }
        mproc__store_unlock(&dict->use);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__taken_copy(&taken, value, pool);
    }
    mproc__taken_end(&taken);
    mproc__fill_end(&fill);
    return rv;
}

apr_status_t
mproc_dict_remove_key(mproc_dict_t *dict, mproc_bytes_t key)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_remove_key";
    apr_status_t rv = dict_check(dict, call);
    mproc__key_t packed;

    if (proxy != NULL) {
        return mproc__far_dict_remove(proxy, MPROC__FAR_KEY(key), call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__key_begin(&packed, key, &dict->use, call);
    }
    return rv == APR_SUCCESS ? mproc__dict_remove(&dict->use, &packed, call)
                             : rv;
}

int
mproc_dict_has_key(mproc_dict_t *dict, mproc_bytes_t key)
{
    mproc__proxy_t *proxy = mproc__proxy_of(dict, MPROC_KIND_DICT);
    const char *call = "mproc_dict_has_key";
    mproc__key_t packed;

    if (proxy != NULL) {
        return mproc__far_dict_has(proxy, MPROC__FAR_KEY(key), call);
    }
    return dict_check(dict, call) == APR_SUCCESS &&
           mproc__key_begin(&packed, key, &dict->use, call) == APR_SUCCESS &&
           mproc__dict_has(&dict->use, &packed, call);
}
