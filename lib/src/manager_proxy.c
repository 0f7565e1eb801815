/*
 * manager_proxy.c: what stands in a process for an object of a server.
 *
 * The server counts, for each client, how many references it has to an object:
 * one for each local half. A half that goes while others have its block, other
 * processes or messages, leaves its reference to the link (manager_link.c),
 * which gives it up when the block has gone: so an object on its way to
 * somebody lives as long as who sent it.
 */
#include "manager_proxy.h"

#include <stdlib.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"

static mproc__proxy_shared_t *
shared_of(mproc__proxy_t *proxy)
{
    return proxy->object.shared;
}

static apr_status_t
proxy_opened(mproc_object_t *object)
{
    mproc__proxy_t *proxy = (mproc__proxy_t *)object;
    mproc__proxy_shared_t *shared = shared_of(proxy);
    apr_status_t rv;

    proxy->link = mproc__link_use(mproc__hold_handle(&shared->manager.hold));
    if (proxy->link == NULL) {
        return mproc__fail(APR_ENOMEM, "no memory for a manager's object");
    }
    rv = mproc__ask_plain(proxy->link, shared->id, MPROC__HOLD, 0,
                          "mproc_unpack");
    atomic_store(&proxy->counted, rv == APR_SUCCESS ? mproc_plat_pid() : 0);
    return rv;
}

/* In a forked child the parent's references are not its own. */
static void
proxy_closing(mproc_object_t *object)
{
    mproc__proxy_t *proxy = (mproc__proxy_t *)object;
    mproc__link_t *link = proxy->link;

    if (link == NULL) {
        return;
    }
    mproc__object_close(proxy->lock);
    mproc__far_privates_free(atomic_load(&proxy->privates));
    if (proxy->own != NULL) {
        apr_pool_destroy(proxy->own);
    }
    free(atomic_load(&proxy->copy));
    free(proxy->before);
    mproc__far_watch_end(proxy);
    if (atomic_load(&proxy->counted) == mproc_plat_pid() &&
        mproc__link_is_joined(link) && object->shared != NULL) {
        apr_uint64_t id = mproc__proxy_id(proxy);
        if (mproc__arena_holds(object->handle) > 1) {
            mproc__link_linger(link, object->handle, id);
        }
        else {
            (void)mproc__ask_plain(link, id, MPROC__DROP, 0, "mproc");
        }
    }
    proxy->link = NULL;
    mproc__link_leave(link);
}

const mproc__object_ops_t mproc__proxy_ops = {.kind = MPROC_KIND_PROXY,
                                              .local_size =
                                                  sizeof(mproc__proxy_t),
                                              .opened = proxy_opened,
                                              .closing = proxy_closing};

mproc__proxy_t *
mproc__proxy_look(void *object, mproc_kind_e kind)
{
    mproc__proxy_t *proxy = object;
    apr_int64_t self = mproc_plat_pid();

    if (!mproc__object_is(object, &mproc__proxy_ops) ||
        shared_of(proxy)->kind != (apr_uint32_t)kind) {
        return NULL;
    }
    /* A forked child has what its parent had, and is counted from now on. Its
     * threads may come here at once: none goes on before it is counted. */
    if (atomic_load(&proxy->counted) != self &&
        mproc__ask_plain(proxy->link, mproc__proxy_id(proxy), MPROC__HOLD, 0,
                         "mproc") == APR_SUCCESS &&
        atomic_exchange(&proxy->counted, self) == self) {
        (void)mproc__ask_plain(proxy->link, mproc__proxy_id(proxy), MPROC__DROP,
                               0, "mproc");
    }
    return proxy;
}

apr_status_t
mproc__proxy_make(void *object, mproc__link_t *link, apr_uint64_t id,
                  mproc_kind_e kind, apr_pool_t *pool)
{
    mproc__proxy_t *proxy;
    mproc__proxy_shared_t *shared;
    apr_status_t rv =
        mproc__object_create(&proxy, &mproc__proxy_ops, sizeof *shared, pool);

    *(void **)object = NULL;
    if (rv == APR_SUCCESS) {
        shared = shared_of(proxy);
        shared->id = id;
        shared->kind = (apr_uint32_t)kind;
        shared->manager.count = 1;
        rv =
            mproc__arena_hold(&shared->manager.hold, mproc__link_manager(link));
        if (rv == APR_SUCCESS) {
            proxy->link = mproc__link_use(mproc__link_manager(link));
            rv = proxy->link == NULL ? APR_ENOMEM : APR_SUCCESS;
        }
        if (rv == APR_SUCCESS) {
            atomic_store(&proxy->counted, mproc_plat_pid());
            *(void **)object = proxy;
            return rv;
        }
        mproc__object_close(proxy);
    }
    (void)mproc__ask_plain(link, id, MPROC__DROP, 0, "mproc");
    return rv;
}

void
mproc__proxy_ask(mproc__ask_t *ask, mproc__proxy_t *proxy,
                 mproc__method_e method, const char *call)
{
    mproc__ask_begin(ask, proxy->link, mproc__proxy_id(proxy), method, call);
}

apr_status_t
mproc__proxy_plain(mproc__proxy_t *proxy, mproc__method_e method,
                   apr_interval_time_t timeout, const char *call)
{
    return mproc__ask_plain(proxy->link, mproc__proxy_id(proxy), method,
                            timeout, call);
}

apr_int64_t
mproc__proxy_number(mproc__proxy_t *proxy, mproc__method_e method, int index,
                    const char *call)
{
    mproc__ask_t ask;
    apr_int64_t number = -1;
    apr_status_t rv;

    mproc__proxy_ask(&ask, proxy, method, call);
    rv = mproc__ask_run(&ask, 0);
    while (rv == APR_SUCCESS && index-- >= 0) {
        rv = mproc__answer_int(&ask, &number);
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS ? number : -1;
}
