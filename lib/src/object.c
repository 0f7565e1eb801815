/*
 * object.c: the local halves of shared objects.
 *
 * The process keeps a list of its local halves, guarded by a flag that is
 * held for a few instructions: a forked child walks it, to take references
 * of its own to what it inherited.
 */
#include "object.h"

#include <stdlib.h>

#include <mproc/error.h>

#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "connection.h"
#include "error.h"
#include "kinds.h"
#include "notifier.h"
#include "peers.h"

static struct {
    atomic_flag busy;
    int cancel; /* of who holds it: whether it may be cancelled */
    mproc_object_t *first;
    apr_size_t count;
    mproc__holder_t *passed;
} objects = {.busy = ATOMIC_FLAG_INIT};

/* Who forks in its own way has a child that is in no table until its first
 * call: from then on nobody is known to be alone. */
static _Thread_local int own_fork;
static atomic_int strays;

void
mproc__objects_guard(void)
{
    int cancel = mproc_plat_self_cancel(0);

    while (atomic_flag_test_and_set_explicit(&objects.busy,
                                             memory_order_acquire)) {
        mproc_plat_yield();
    }
    objects.cancel = cancel;
}

void
mproc__objects_unguard(void)
{
    int cancel = objects.cancel;

    atomic_flag_clear_explicit(&objects.busy, memory_order_release);
    (void)mproc_plat_self_cancel(cancel);
}

/* What each kind of object is; NULL for blocks that are none. */
static const mproc__object_ops_t *
object_ops(mproc_kind_e kind)
{
    switch (kind) {
    case MPROC_KIND_LOCK:
        return &mproc__lock_ops;
    case MPROC_KIND_RLOCK:
        return &mproc__rlock_ops;
    case MPROC_KIND_SEMAPHORE:
        return &mproc__semaphore_ops;
    case MPROC_KIND_CONDITION:
        return &mproc__condition_ops;
    case MPROC_KIND_EVENT:
        return &mproc__event_ops;
    case MPROC_KIND_BARRIER:
        return &mproc__barrier_ops;
    case MPROC_KIND_VALUE:
        return &mproc__value_ops;
    case MPROC_KIND_ARRAY:
        return &mproc__array_ops;
    case MPROC_KIND_SHM:
        return &mproc__shm_ops;
    case MPROC_KIND_SHAREABLE_LIST:
        return &mproc__shareable_list_ops;
    case MPROC_KIND_QUEUE:
        return &mproc__queue_ops;
    case MPROC_KIND_DICT:
        return &mproc__dict_ops;
    case MPROC_KIND_LIST:
        return &mproc__list_ops;
    case MPROC_KIND_NAMESPACE:
        return &mproc__namespace_ops;
    case MPROC_KIND_SET:
        return &mproc__set_ops;
    case MPROC_KIND_CONNECTION:
        return &mproc__reach_pipe.ops;
    case MPROC_KIND_MANAGER:
        return &mproc__manager_ops;
    case MPROC_KIND_PROXY:
        return &mproc__proxy_ops;
    case MPROC_KIND_SERVED:
        return &mproc__served_ops;
    default:
        return NULL;
    }
}

static apr_status_t
object_cleanup(void *data)
{
    mproc__object_close(data);
    return APR_SUCCESS;
}

/* A local half whose hold is empty. */
static apr_status_t
object_new(mproc_object_t **object, const mproc__object_ops_t *ops,
           apr_pool_t *pool)
{
    mproc_object_t *half;
    apr_status_t rv = mproc__peers_attach();
    if (rv != APR_SUCCESS) {
        return rv;
    }
    half = pool == NULL ? calloc(1, ops->local_size)
                        : apr_pcalloc(pool, ops->local_size);
    if (half == NULL) {
        return mproc__fail(APR_ENOMEM, "no memory for this process's half of "
                                       "a shared object; free some memory");
    }
    half->ops = ops;
    half->pool = pool;
    half->hold = mproc__hold_new();
    if (half->hold == NULL) {
        if (pool == NULL) {
            free(half);
        }
        return mproc__fail(APR_ENOMEM, "no shared memory to note that this "
                                       "process uses a shared object; free "
                                       "some objects");
    }
    *object = half;
    return APR_SUCCESS;
}

static void
object_free(mproc_object_t *half)
{
    mproc__hold_free(half->hold);
    if (half->pool == NULL) {
        free(half);
    }
}

/* Its hold is filled: make it known. */
static void
object_enter(mproc_object_t *half)
{
    half->handle = mproc__hold_handle(half->hold);
    half->shared = mproc__arena_at(half->handle);
    mproc__objects_guard();
    half->next = objects.first;
    if (half->next != NULL) {
        half->next->previous = half;
    }
    objects.first = half;
    objects.count++;
    mproc__objects_unguard();
    if (half->pool != NULL) {
        apr_pool_cleanup_register(half->pool, half, object_cleanup,
                                  apr_pool_cleanup_null);
    }
}

/* The hold on something among those on what this process was passed. */
static mproc__hold_t *
passed_hold(mproc__handle_t handle)
{
    apr_uint32_t i;
    for (i = 0; objects.passed != NULL && i < objects.passed->count; i++) {
        if (mproc__hold_handle(&objects.passed->hold[i]) == handle) {
            return &objects.passed->hold[i];
        }
    }
    return NULL;
}

apr_status_t
mproc__object_create(void *object, const mproc__object_ops_t *ops,
                     apr_size_t size, apr_pool_t *pool)
{
    mproc_object_t *half;
    apr_status_t rv;

    *(void **)object = NULL;
    rv = object_new(&half, ops, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__arena_alloc(half->hold, size, ops->kind);
    if (rv != APR_SUCCESS) {
        object_free(half);
        return rv;
    }
    object_enter(half);
    *(void **)object = half;
    return APR_SUCCESS;
}

apr_status_t
mproc__object_open(void *object, mproc__handle_t handle, apr_pool_t *pool)
{
    mproc_object_t *half;
    const mproc__object_ops_t *ops;
    mproc__hold_t *passed;
    mproc_kind_e kind;
    apr_status_t rv;

    *(void **)object = NULL;
    rv = mproc__peers_attach();
    if (rv != APR_SUCCESS) {
        return rv;
    }
    kind = mproc__arena_kind(handle);
    ops = object_ops(kind);
    if (ops == NULL && kind != MPROC_KIND_NONE) {
        return mproc__fail(MPROC_EFORMAT,
                           "the handle %" APR_UINT64_T_HEX_FMT
                           " names a block of kind %s, which is no object; "
                           "the bytes were not packed by mproc",
                           handle, mproc_kind_name(kind));
    }
    if (ops == NULL) {
        return mproc__fail(MPROC_ESTALE,
                           "the handle %" APR_UINT64_T_HEX_FMT
                           " names no object of this process tree that still "
                           "exists; keep an object until its receiver has it",
                           handle);
    }
    rv = object_new(&half, ops, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__arena_hold(half->hold, handle);
    if (rv != APR_SUCCESS) {
        object_free(half);
        return rv;
    }
    object_enter(half);
    if (ops->opened != NULL && (rv = ops->opened(half)) != APR_SUCCESS) {
        mproc__object_close(half);
        return rv;
    }
    if (ops->disown != NULL && (passed = passed_hold(handle)) != NULL) {
        mproc__arena_release(passed);
    }
    *(void **)object = half;
    return APR_SUCCESS;
}

void
mproc__object_close(void *object)
{
    mproc_object_t *half = object;

    if (half == NULL || half->handle == 0) {
        return;
    }
    mproc__notifier_end(&half->notifier);
    if (half->ops->closing != NULL) {
        half->ops->closing(half);
    }
    if (half->pool != NULL) {
        apr_pool_cleanup_kill(half->pool, half, object_cleanup);
    }
    mproc__objects_guard();
    if (half->next != NULL) {
        half->next->previous = half->previous;
    }
    if (half->previous != NULL) {
        half->previous->next = half->next;
    }
    else {
        objects.first = half->next;
    }
    objects.count--;
    mproc__objects_unguard();
    half->handle = 0;
    half->shared = NULL;
    /* In a forked child that never attached there is nothing to release. */
    if (half->hold != NULL) {
        mproc__arena_release(half->hold);
        mproc__hold_free(half->hold);
    }
    if (half->pool == NULL) {
        free(half);
    }
}

/* Guarded as the fork is, which takes holds for the child. */
void
mproc__object_let_go(mproc_object_t *object)
{
    mproc__objects_guard();
    object->gone = 1;
    mproc__objects_unguard();
    if (object->hold != NULL) {
        mproc__arena_release(object->hold);
    }
}

/* -------------------------------------------------------------------- fork */

apr_status_t
mproc__objects_keep(mproc__hold_t *keep)
{
    mproc_object_t *half;
    mproc__holder_t *holder;
    apr_size_t room, count = 0;
    apr_status_t rv = APR_SUCCESS;

    mproc__objects_guard();
    room = objects.count;
    if (room > 0) {
        rv = mproc__arena_alloc(keep,
                                sizeof *holder + room * sizeof(mproc__hold_t),
                                MPROC_KIND_JOB);
    }
    if (room > 0 && rv == APR_SUCCESS) {
        holder = mproc__arena_at(mproc__hold_handle(keep));
        /* Before the first hold, so that a death loses none; empty ones are
         * fine. */
        holder->count = (apr_uint32_t)room;
        for (half = objects.first; half != NULL && rv == APR_SUCCESS;
             half = half->next) {
            rv = mproc__arena_hold(&holder->hold[count++], half->handle);
            if (rv == MPROC_ESTALE) {
                rv = APR_SUCCESS; /* The child will find that out, too. */
            }
        }
    }
    mproc__objects_unguard();
    if (rv != APR_SUCCESS) {
        mproc__arena_release(keep);
    }
    return rv;
}

void
mproc__objects_forked(void)
{
    mproc_object_t *half;
    atomic_flag_clear(&objects.busy);
    own_fork = 0;
    atomic_store(&strays, 0);
    objects.passed = NULL;
    for (half = objects.first; half != NULL; half = half->next) {
        half->hold = NULL;
    }
}

/* A half whose object has gone meanwhile keeps no address: calls on it say
 * so. That happens after a bare fork() only, which nobody told us of. */
apr_status_t
mproc__objects_inherit(void)
{
    mproc_object_t *half;
    apr_status_t rv = APR_SUCCESS;

    mproc__objects_guard();
    for (half = objects.first; half != NULL && rv == APR_SUCCESS;
         half = half->next) {
        if (half->hold != NULL || half->gone) {
            continue;
        }
        half->hold = mproc__hold_new();
        if (half->hold == NULL) {
            rv = mproc__fail(APR_ENOMEM, "no shared memory to note which "
                                         "objects this forked child "
                                         "inherited; free some");
        }
        else if ((rv = mproc__arena_hold(half->hold, half->handle)) ==
                 MPROC_ESTALE) {
            half->shared = NULL;
            rv = APR_SUCCESS;
        }
    }
    mproc__objects_unguard();
    return rv;
}

void
mproc__objects_passed(mproc__holder_t *passed)
{
    mproc_object_t *half;

    objects.passed = passed;
    for (half = objects.first; half != NULL; half = half->next) {
        if (half->ops->disown != NULL && !half->gone &&
            passed_hold(half->handle) == NULL) {
            half->ops->disown(half);
        }
    }
}

int
mproc__object_usable(void *object)
{
    mproc_object_t *half = object;

    return half != NULL && mproc__peers_attach() == APR_SUCCESS &&
           half->shared != NULL;
}

apr_status_t
mproc__object_missing(const char *call, const char *kind)
{
    return mproc__fail(APR_EINVAL,
                       "%s: what was passed is NULL, destroyed, or no %s; pass "
                       "one made by mproc_%s_create() or unpacked with `o`",
                       call, kind, kind);
}

int
mproc__object_may_leave(const mproc_object_t *object, const char **why)
{
    *why = object->ops != NULL ? object->ops->stays : NULL;
    return *why == NULL;
}

void
mproc__object_handed(mproc_object_t *object)
{
    mproc__objects_guard();
    object->handed = 1;
    mproc__objects_unguard();
}

mproc__handle_t
mproc__object_part(mproc_object_t *object, unsigned n)
{
    mproc__holder_t *holder = object->shared;
    return n < holder->count ? mproc__hold_handle(&holder->hold[n]) : 0;
}

/* ------------------------------------------------------------------- alone */

void
mproc__objects_own_fork(int own)
{
    own_fork = own;
}

void
mproc__objects_forking(void)
{
    if (!own_fork) {
        atomic_store(&strays, 1);
    }
}

static apr_uint64_t
object_halves(mproc__handle_t handle)
{
    mproc_object_t *half;
    apr_uint64_t count = 0;
    mproc__objects_guard();
    for (half = objects.first; half != NULL; half = half->next) {
        count += half->handle == handle && !half->handed;
    }
    mproc__objects_unguard();
    return count;
}

/* Each local half has one hold on the block, and so has each message and each
 * process that was not yet started. Whom bytes were sent to that the program
 * packed itself nobody knows. */
int
mproc__object_is_alone(mproc_object_t *object)
{
    return !atomic_load(&strays) &&
           mproc_plat_thread_count() == 1 + atomic_load(&mproc__own_threads) &&
           mproc__arena_holds(object->handle) == object_halves(object->handle);
}
