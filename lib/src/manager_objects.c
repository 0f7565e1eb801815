/* manager_objects.c: having objects of a manager, also of own types. */
#include <mproc/manager.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "error.h"
#include "manager_far_pool.h"
#include "manager_proxy.h"
#include "manager_use.h"

/* ------------------------------------------------------------------ objects */

/* An object that is being had. */
typedef struct making_t {
    mproc_manager_t *manager;
    void *object; /* where it goes */
    mproc_kind_e kind;
    apr_pool_t *pool;
    apr_status_t rv;
    mproc__ask_t ask;
} making_t;

static void
make_begin(making_t *making, mproc_manager_t *manager, void *object,
           mproc_kind_e kind, const char *name, apr_pool_t *pool,
           const char *call)
{
    making->manager = manager;
    making->object = object;
    making->kind = kind;
    making->pool = pool;
    making->rv = mproc__manager_check(manager, call);
    if (making->rv == APR_SUCCESS && object == NULL) {
        making->rv = mproc__fail(APR_EINVAL,
                                 "%s: where the object goes is "
                                 "NULL",
                                 call);
    }
    if (object != NULL) {
        *(void **)object = NULL;
    }
    if (making->rv == APR_SUCCESS) {
        mproc__ask_begin(&making->ask, manager->link, 0, MPROC__MAKE, call);
        mproc__ask_int(&making->ask, kind);
        mproc__ask_text(&making->ask, name);
    }
}

static void
make_int(making_t *making, apr_int64_t number)
{
    if (making->rv == APR_SUCCESS) {
        mproc__ask_int(&making->ask, number);
    }
}

static apr_status_t
make_end(making_t *making)
{
    apr_uint64_t id;
    apr_status_t rv = making->rv;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__ask_run(&making->ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_id(&making->ask, &id);
    }
    mproc__ask_end(&making->ask);
    return rv == APR_SUCCESS
               ? mproc__proxy_make(making->object, making->manager->link, id,
                                   making->kind, making->pool)
               : rv;
}

static apr_status_t
make_plain(mproc_manager_t *manager, void *object, mproc_kind_e kind,
           const char *name, apr_pool_t *pool, const char *call)
{
    making_t making;

    make_begin(&making, manager, object, kind, name, pool, call);
    return make_end(&making);
}

apr_status_t
mproc_manager_dict(mproc_manager_t *manager, mproc_dict_t **dict,
                   const char *name, apr_pool_t *pool)
{
    return make_plain(manager, dict, MPROC_KIND_DICT, name, pool,
                      "mproc_manager_dict");
}

apr_status_t
mproc_manager_list(mproc_manager_t *manager, mproc_list_t **list,
                   const char *name, apr_pool_t *pool)
{
    return make_plain(manager, list, MPROC_KIND_LIST, name, pool,
                      "mproc_manager_list");
}

apr_status_t
mproc_manager_namespace(mproc_manager_t *manager, mproc_namespace_t **space,
                        const char *name, apr_pool_t *pool)
{
    return make_plain(manager, space, MPROC_KIND_NAMESPACE, name, pool,
                      "mproc_manager_namespace");
}

apr_status_t
mproc_manager_set(mproc_manager_t *manager, mproc_set_t **set, const char *name,
                  apr_pool_t *pool)
{
    return make_plain(manager, set, MPROC_KIND_SET, name, pool,
                      "mproc_manager_set");
}

apr_status_t
mproc_manager_lock(mproc_manager_t *manager, mproc_lock_t **lock,
                   const char *name, apr_pool_t *pool)
{
    return make_plain(manager, lock, MPROC_KIND_LOCK, name, pool,
                      "mproc_manager_lock");
}

apr_status_t
mproc_manager_rlock(mproc_manager_t *manager, mproc_rlock_t **rlock,
                    const char *name, apr_pool_t *pool)
{
    return make_plain(manager, rlock, MPROC_KIND_RLOCK, name, pool,
                      "mproc_manager_rlock");
}

apr_status_t
mproc_manager_event(mproc_manager_t *manager, mproc_event_t **event,
                    const char *name, apr_pool_t *pool)
{
    return make_plain(manager, event, MPROC_KIND_EVENT, name, pool,
                      "mproc_manager_event");
}

apr_status_t
mproc_manager_queue(mproc_manager_t *manager, mproc_queue_t **queue,
                    const char *name, apr_size_t maxsize, apr_pool_t *pool)
{
    making_t making;

    make_begin(&making, manager, queue, MPROC_KIND_QUEUE, name, pool,
               "mproc_manager_queue");
    make_int(&making, (apr_int64_t)maxsize);
    return make_end(&making);
}

static apr_status_t
make_semaphore(mproc_manager_t *manager, mproc_semaphore_t **semaphore,
               const char *name, int value, mproc__permits_e form,
               apr_pool_t *pool, const char *call)
{
    making_t making;

    make_begin(&making, manager, semaphore, MPROC_KIND_SEMAPHORE, name, pool,
               call);
    make_int(&making, value);
    make_int(&making, form);
    return make_end(&making);
}

apr_status_t
mproc_manager_semaphore(mproc_manager_t *manager, mproc_semaphore_t **semaphore,
                        const char *name, int value, apr_pool_t *pool)
{
    return make_semaphore(manager, semaphore, name, value, MPROC__PERMITS_PLAIN,
                          pool, "mproc_manager_semaphore");
}

apr_status_t
mproc_manager_bounded_semaphore(mproc_manager_t *manager,
                                mproc_semaphore_t **semaphore, const char *name,
                                int value, apr_pool_t *pool)
{
    return make_semaphore(manager, semaphore, name, value,
                          MPROC__PERMITS_BOUNDED, pool,
                          "mproc_manager_bounded_semaphore");
}

apr_status_t
mproc_manager_owned_semaphore(mproc_manager_t *manager,
                              mproc_semaphore_t **semaphore, const char *name,
                              int value, apr_pool_t *pool)
{
    return make_semaphore(manager, semaphore, name, value, MPROC__PERMITS_OWNED,
                          pool, "mproc_manager_owned_semaphore");
}

apr_status_t
mproc_manager_condition(mproc_manager_t *manager, mproc_condition_t **condition,
                        const char *name, void *lock, apr_pool_t *pool)
{
    const char *call = "mproc_manager_condition";
    mproc__proxy_t *proxy = mproc__proxy_of(lock, MPROC_KIND_LOCK);
    making_t making;

    if (proxy == NULL) {
        proxy = mproc__proxy_of(lock, MPROC_KIND_RLOCK);
    }
    make_begin(&making, manager, condition, MPROC_KIND_CONDITION, name, pool,
               call);
    if (making.rv == APR_SUCCESS && lock != NULL &&
        (proxy == NULL || proxy->link != manager->link)) {
        mproc__ask_end(&making.ask);
        return mproc__fail(APR_EINVAL,
                           "%s: the lock is no lock or rlock of the same "
                           "manager; pass one, or NULL for an rlock of its own",
                           call);
    }
    make_int(&making, proxy == NULL ? 0 : (apr_int64_t)mproc__proxy_id(proxy));
    return make_end(&making);
}

apr_status_t
mproc_manager_barrier(mproc_manager_t *manager, mproc_barrier_t **barrier,
                      const char *name, int parties, apr_pool_t *pool)
{
    making_t making;

    make_begin(&making, manager, barrier, MPROC_KIND_BARRIER, name, pool,
               "mproc_manager_barrier");
    make_int(&making, parties);
    return make_end(&making);
}

static apr_status_t
make_cell(mproc_manager_t *manager, void *cell, mproc_kind_e kind,
          const char *name, apr_size_t item, apr_size_t count,
          const void *initial, apr_pool_t *pool, const char *call)
{
    making_t making;

    make_begin(&making, manager, cell, kind, name, pool, call);
    make_int(&making, (apr_int64_t)item);
    make_int(&making, (apr_int64_t)count);
    if (making.rv == APR_SUCCESS && initial != NULL) {
        mproc__ask_bytes(&making.ask, (mproc_bytes_t){initial, item * count});
    }
    else if (making.rv == APR_SUCCESS) {
        mproc__ask_text(&making.ask, NULL);
    }
    return make_end(&making);
}

apr_status_t
mproc_manager_value(mproc_manager_t *manager, mproc_value_t **value,
                    const char *name, apr_size_t size, const void *initial,
                    apr_pool_t *pool)
{
    return make_cell(manager, value, MPROC_KIND_VALUE, name, size, 1, initial,
                     pool, "mproc_manager_value");
}

apr_status_t
mproc_manager_array(mproc_manager_t *manager, mproc_array_t **array,
                    const char *name, apr_size_t item, apr_size_t count,
                    const void *initial, apr_pool_t *pool)
{
    return make_cell(manager, array, MPROC_KIND_ARRAY, name, item, count,
                     initial, pool, "mproc_manager_array");
}

/* ------------------------------------------------------------------- pools */

apr_status_t
mproc_manager_pool(mproc_manager_t *manager, mproc_pool_t **workers,
                   const char *name, const mproc_pool_options_t *options,
                   apr_pool_t *pool)
{
    const char *call = "mproc_manager_pool";
    mproc__proxy_t *proxy;
    making_t making;
    apr_status_t rv;

    if (workers == NULL) {
        return mproc__fail(APR_EINVAL, "%s: where the pool goes is NULL", call);
    }
    *workers = NULL;
    make_begin(&making, manager, &proxy, MPROC_KIND_POOL, name, NULL, call);
    if (making.rv != APR_SUCCESS) {
        return making.rv;
    }
    rv = mproc__far_pool_options(&making.ask, options);
    if (rv != APR_SUCCESS) {
        mproc__ask_end(&making.ask);
        return rv;
    }
    rv = make_end(&making);
    return rv == APR_SUCCESS ? mproc__far_pool_open(workers, proxy, pool, call)
                             : rv;
}

/* ---------------------------------------------------------------- own types */

apr_status_t
mproc_manager_remote(mproc_manager_t *manager, mproc_remote_t **remote,
                     const char *type, const char *name, apr_pool_t *pool,
                     const char *format, ...)
{
    const char *call = "mproc_manager_remote";
    making_t making;
    va_list args;

    make_begin(&making, manager, remote, MPROC_KIND_SERVED, name, pool, call);
    if (making.rv == APR_SUCCESS && type == NULL) {
        mproc__ask_end(&making.ask);
        return mproc__fail(APR_EINVAL, "%s: the type's name is NULL", call);
    }
    if (making.rv == APR_SUCCESS) {
        mproc__ask_text(&making.ask, type);
        va_start(args, format);
        mproc__ask_vformat(&making.ask, format, args);
        va_end(args);
    }
    return make_end(&making);
}

apr_status_t
mproc_remote_call(mproc_remote_t *remote, const char *method,
                  mproc_bytes_t *result, apr_pool_t *pool, const char *format,
                  ...)
{
    const char *call = "mproc_remote_call";
    mproc__proxy_t *proxy = mproc__proxy_of(remote, MPROC_KIND_SERVED);
    mproc_bytes_t said;
    mproc__ask_t ask;
    apr_status_t rv;
    va_list args;

    if (result != NULL) {
        *result = (mproc_bytes_t){NULL, 0};
    }
    if (proxy == NULL || method == NULL || (result != NULL && pool == NULL)) {
        return proxy == NULL
                   ? mproc__fail(
                         APR_EINVAL,
                         "%s: what was passed is NULL, destroyed, or no "
                         "object of mproc_manager_remote()",
                         call)
                   : mproc__fail(APR_EINVAL, "%s: %s is NULL", call,
                                 method == NULL ? "the method's name"
                                                : "the pool");
    }
    mproc__proxy_ask(&ask, proxy, MPROC__REMOTE_CALL, call);
    mproc__ask_text(&ask, method);
    va_start(args, format);
    mproc__ask_vformat(&ask, format, args);
    va_end(args);
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    if (rv == APR_SUCCESS && result == NULL) {
        mproc__answer_forget(&ask);
    }
    else if (rv == APR_SUCCESS) {
        rv = mproc__answer_objects(&ask, pool);
        if (rv == APR_SUCCESS) {
            rv = mproc__answer_item(&ask, &said);
        }
        if (rv == APR_SUCCESS) {
            result->data = apr_pmemdup(pool, said.data, said.size);
            result->size = said.size;
        }
    }
    mproc__ask_end(&ask);
    return rv;
}

void
mproc_remote_destroy(mproc_remote_t *remote)
{
    mproc__object_close(remote);
}

/* ----------------------------------------------------------------- batches */

apr_status_t
mproc_manager_batch_begin(mproc_manager_t *manager)
{
    const char *call = "mproc_manager_batch_begin";
    apr_status_t rv = mproc__manager_check(manager, call);

    return rv == APR_SUCCESS ? mproc__collect_begin(manager->link, call) : rv;
}

apr_status_t
mproc_manager_batch_end(mproc_manager_t *manager, int *failed)
{
    const char *call = "mproc_manager_batch_end";
    apr_status_t rv = mproc__manager_check(manager, call);

    return rv == APR_SUCCESS ? mproc__collect_end(manager->link, failed, call)
                             : rv;
}
