/*
 * namespace.c: the namespace: entries of a store by their names
 * (dict_table.c), and private attributes in the local half.
 *
 * The private ones are a list that one thread at a time is at: the process
 * notes itself in `busy`, so that a forked child sees that what its parent's
 * thread was at is nobody's now. An attribute is entered, and taken out, by one
 * store.
 */
#include <mproc/namespace.h>

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "dict_use.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"

/* Lives in its pool. */
typedef struct private_t {
    apr_pool_t *pool;
    struct private_t *next;
    const char *name;
    mproc_bytes_t bytes;
} private_t;

/* Those of one local half. */
typedef struct mproc__privates_t {
    _Atomic mproc__peer_t busy;
    private_t *first;
} privates_t;

struct mproc_namespace_t {
    mproc__store_use_t use;
    privates_t privates;
};

static apr_status_t
space_opened(mproc_object_t *object)
{
    ((mproc_namespace_t *)object)->use.repair = mproc__dict_repair;
    return APR_SUCCESS;
}

static void
privates_free(privates_t *privates)
{
    while (privates->first != NULL) {
        private_t *next = privates->first->next;
        apr_pool_destroy(privates->first->pool);
        privates->first = next;
    }
}

static void
space_closing(mproc_object_t *object)
{
    privates_free(&((mproc_namespace_t *)object)->privates);
}

/* A manager's has them when the first is asked for. */
static privates_t *
privates_of(mproc_namespace_t *space, mproc__proxy_t *proxy)
{
    void *none = NULL, *made;

    if (proxy == NULL) {
        return &space->privates;
    }
    if (atomic_load(&proxy->privates) == NULL) {
        made = calloc(1, sizeof(privates_t));
        if (made != NULL &&
            !atomic_compare_exchange_strong(&proxy->privates, &none, made)) {
            free(made);
        }
    }
    return atomic_load(&proxy->privates);
}

void
mproc__far_privates_free(void *privates)
{
    if (privates != NULL) {
        privates_free(privates);
        free(privates);
    }
}

const mproc__object_ops_t mproc__namespace_ops = {
    .kind = MPROC_KIND_NAMESPACE,
    .local_size = sizeof(struct mproc_namespace_t),
    .opened = space_opened,
    .closing = space_closing};

apr_status_t
mproc_namespace_create(mproc_namespace_t **space, apr_pool_t *pool)
{
    if (space == NULL) {
        return mproc__object_missing("mproc_namespace_create", "namespace");
    }
    return mproc__store_create(space, &mproc__namespace_ops, pool);
}

void
mproc_namespace_destroy(mproc_namespace_t *space)
{
    mproc__object_close(space);
}

static apr_status_t
space_check(mproc_namespace_t *space, mproc__proxy_t *proxy, const char *name,
            const char *call)
{
    apr_status_t rv = proxy != NULL
                          ? APR_SUCCESS
                          : mproc__store_check(space, &mproc__namespace_ops,
                                               "namespace", call);

    return rv == APR_SUCCESS && name == NULL
               ? mproc__fail(APR_EINVAL, "%s: the name is NULL; pass one", call)
               : rv;
}

/* ----------------------------------------------------------------- private */

static void
private_begin(privates_t *space)
{
    mproc__peer_t self = mproc__peer_self();
    mproc__peer_t seen = 0;

    while (!atomic_compare_exchange_weak(&space->busy, &seen, self)) {
        if (seen == self) {
            mproc_plat_yield();
            seen = 0;
        }
    }
}

static void
private_end(privates_t *space)
{
    atomic_store(&space->busy, 0);
}

/* What leads to a name, or to the end. */
static private_t **
private_find(privates_t *space, const char *name)
{
    private_t **link = &space->first;

    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

static apr_status_t
private_missing(const char *name, const char *call)
{
    return mproc__fail(APR_NOTFOUND,
                       "%s: there is no attribute %.100s here; one that "
                       "begins with _ is private to the pointer that it was "
                       "set by",
                       call, name);
}

static apr_status_t
private_make(private_t **attribute, const char *name, const char *format,
             va_list args, const char *call)
{
    apr_size_t size = strlen(name) + 1;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    char *copy = NULL;

    *attribute = NULL;
    if (rv == APR_SUCCESS) {
        *attribute = apr_pcalloc(pool, sizeof **attribute);
        copy = apr_palloc(pool, size);
    }
    if (rv != APR_SUCCESS || *attribute == NULL || copy == NULL) {
        if (rv == APR_SUCCESS) {
            apr_pool_destroy(pool);
        }
        return mproc__fail(APR_ENOMEM, "%s: memory is out; free some", call);
    }
    (*attribute)->pool = pool;
    (*attribute)->name = memcpy(copy, name, size);
    rv = mproc_vpack(&(*attribute)->bytes, pool, format, args);
    if (rv == APR_SUCCESS &&
        ((*attribute)->bytes.size == 0 ||
         mproc__value_check((*attribute)->bytes, NULL, NULL) != APR_SUCCESS)) {
        rv = mproc__fail(MPROC_EFORMAT,
                         "%s: the value is not one packed value; pack one, "
                         "with a format of one value",
                         call);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
    }
    return rv;
}

/* Take one out; to be destroyed by its pool. NULL when there is none. */
static private_t *
private_take(privates_t *space, const char *name)
{
    private_t **link, *attribute;

    private_begin(space);
    link = private_find(space, name);
    attribute = *link;
    if (attribute != NULL) {
        *link = attribute->next;
    }
    private_end(space);
    return attribute;
}

static apr_status_t
private_vset(privates_t *space, const char *name, const char *format,
             va_list args, const char *call)
{
    private_t *attribute, *old, **link;
    apr_status_t rv = private_make(&attribute, name, format, args, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    private_begin(space);
    link = private_find(space, name);
    old = *link;
    attribute->next = old != NULL ? old->next : NULL;
    *link = attribute;
    private_end(space);
    if (old != NULL) {
        apr_pool_destroy(old->pool);
    }
    return APR_SUCCESS;
}

static apr_status_t
private_vget(privates_t *space, const char *name, apr_pool_t *pool,
             const char *format, va_list args, const char *call)
{
    const private_t *attribute;
    apr_status_t rv = APR_SUCCESS;

    private_begin(space);
    attribute = *private_find(space, name);
    if (attribute != NULL) {
        rv = mproc_vunpack(attribute->bytes, pool, format, args);
    }
    private_end(space);
    return attribute != NULL ? rv : private_missing(name, call);
}

/* -------------------------------------------------------------- attributes */

apr_status_t
mproc_namespace_setf(mproc_namespace_t *space, const char *name,
                     const char *format, ...)
{
    const char *call = "mproc_namespace_setf";
    mproc__proxy_t *proxy = mproc__proxy_of(space, MPROC_KIND_NAMESPACE);
    apr_status_t rv = space_check(space, proxy, name, call);
    mproc__packing_t packing;
    mproc__text_key_t key;
    mproc__fill_t fill;
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    if (name[0] == '_') {
        rv = private_vset(privates_of(space, proxy), name, format, args, call);
        va_end(args);
        return rv;
    }
    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        va_end(args);
        rv = mproc__far_dict_set(proxy, MPROC__FAR_TEXT(name),
                                 MPROC__FAR_FORMAT(format, &far_args), call);
        va_end(far_args.list);
        return rv;
    }
    rv = mproc__text_key_begin(&key, name, &space->use, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__fill_format(&fill, &packing, &space->use, call, format,
                                args);
        if (rv == APR_SUCCESS) {
            rv = mproc__dict_set(&space->use, &key.key, &fill, call);
        }
        mproc__fill_end(&fill);
        mproc__packing_end(&packing);
    }
    va_end(args);
    mproc__text_key_end(&key);
    return rv;
}

apr_status_t
mproc_namespace_getf(mproc_namespace_t *space, const char *name,
                     apr_pool_t *pool, const char *format, ...)
{
    const char *call = "mproc_namespace_getf";
    mproc__proxy_t *proxy = mproc__proxy_of(space, MPROC_KIND_NAMESPACE);
    apr_status_t rv = space_check(space, proxy, name, call);
    mproc__text_key_t key;
    mproc__taken_t taken;
    va_list args;

    if (rv == APR_SUCCESS && pool == NULL) {
        rv = mproc__fail(APR_EINVAL, "%s: the pool is NULL; pass one", call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    if (name[0] == '_') {
        rv = private_vget(privates_of(space, proxy), name, pool, format, args,
                          call);
        va_end(args);
        return rv;
    }
    if (proxy != NULL) {
        mproc__far_args_t far_args;
        va_copy(far_args.list, args);
        va_end(args);
        rv = mproc__far_dict_get(proxy, MPROC__FAR_TEXT(name), 0,
                                 MPROC__FAR_UNPACK(format, &far_args, pool),
                                 call);
        va_end(far_args.list);
        return rv;
    }
    rv = mproc__text_key_begin(&key, name, &space->use, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_get(&space->use, &key.key, &taken, 0, call);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_vunpack(taken.bytes, pool, format, args);
        mproc__taken_end(&taken);
    }
    va_end(args);
    mproc__text_key_end(&key);
    return rv;
}

apr_status_t
mproc_namespace_remove(mproc_namespace_t *space, const char *name)
{
    const char *call = "mproc_namespace_remove";
    mproc__proxy_t *proxy = mproc__proxy_of(space, MPROC_KIND_NAMESPACE);
    apr_status_t rv = space_check(space, proxy, name, call);
    mproc__text_key_t key;
    private_t *attribute;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (name[0] == '_') {
        attribute = private_take(privates_of(space, proxy), name);
        if (attribute == NULL) {
            return private_missing(name, call);
        }
        apr_pool_destroy(attribute->pool);
        return APR_SUCCESS;
    }
    if (proxy != NULL) {
        return mproc__far_dict_remove(proxy, MPROC__FAR_TEXT(name), call);
    }
    rv = mproc__text_key_begin(&key, name, &space->use, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__dict_remove(&space->use, &key.key, call);
    }
    mproc__text_key_end(&key);
    return rv;
}

int
mproc_namespace_has(mproc_namespace_t *space, const char *name)
{
    const char *call = "mproc_namespace_has";
    mproc__proxy_t *proxy = mproc__proxy_of(space, MPROC_KIND_NAMESPACE);
    mproc__text_key_t key;
    int has;

    if (space_check(space, proxy, name, call) != APR_SUCCESS) {
        return 0;
    }
    if (name[0] == '_') {
        privates_t *privates = privates_of(space, proxy);
        private_begin(privates);
        has = *private_find(privates, name) != NULL;
        private_end(privates);
        return has;
    }
    if (proxy != NULL) {
        return mproc__far_dict_has(proxy, MPROC__FAR_TEXT(name), call);
    }
    has = mproc__text_key_begin(&key, name, &space->use, call) == APR_SUCCESS &&
          mproc__dict_has(&space->use, &key.key, call);
    mproc__text_key_end(&key);
    return has;
}

apr_status_t
mproc_namespace_datum(mproc_namespace_t *space, mproc_datum_t **map,
                      apr_pool_t *pool)
{
    const char *call = "mproc_namespace_datum";
    mproc__proxy_t *proxy = mproc__proxy_of(space, MPROC_KIND_NAMESPACE);
    apr_status_t rv = space_check(space, proxy, "", call);

    if (proxy != NULL) {
        return mproc__far_dict_datum(proxy, map, MPROC__DICT_SORTED, pool,
                                     call);
    }
    return rv == APR_SUCCESS ? mproc__dict_datum(&space->use, map,
                                                 MPROC__DICT_SORTED, pool, call)
                             : rv;
}
