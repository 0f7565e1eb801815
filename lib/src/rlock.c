/*
 * rlock.c: the recursive lock: a mutex (see mutex.c) that its thread owns,
 * and how often that thread has it. The depth is written by the holder alone,
 * while it holds; who takes over from the dead starts with 1, so a depth that
 * somebody left behind means nothing.
 */
#include <mproc/rlock.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "parking.h"
#include "rlock.h"
#include "shared.h"

struct mproc_rlock_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__rlock_ops = {
    .kind = MPROC_KIND_RLOCK, .local_size = sizeof(struct mproc_rlock_t)};

static rlock_shared_t *
rlock_shared(mproc_rlock_t *rlock)
{
    return rlock->object.shared;
}

static apr_uint64_t
depth_get(mproc_rlock_t *rlock)
{
    return atomic_load_explicit(&rlock_shared(rlock)->depth,
                                memory_order_relaxed);
}

static void
depth_set(mproc_rlock_t *rlock, apr_uint64_t depth)
{
    atomic_store_explicit(&rlock_shared(rlock)->depth, depth,
                          memory_order_relaxed);
}

apr_status_t
mproc_rlock_create(mproc_rlock_t **rlock, apr_pool_t *pool)
{
    if (rlock == NULL) {
        return mproc__object_missing("mproc_rlock_create", "rlock");
    }
    return mproc__object_create(rlock, &mproc__rlock_ops,
                                sizeof(rlock_shared_t), pool);
}

void
mproc_rlock_destroy(mproc_rlock_t *rlock)
{
    mproc__object_close(rlock);
}

mproc__mutex_use_t
mproc__rlock_use(mproc_rlock_t *rlock, const char *call)
{
    return (mproc__mutex_use_t){&rlock_shared(rlock)->mutex, &rlock->object,
                                call, 1};
}

/* It is ours, taken by whatever way; the thread's count of rlocks tells
 * whether anybody has to be told of its end. */
void
mproc__rlock_begin(mproc_rlock_t *rlock, apr_uint64_t depth)
{
    depth_set(rlock, depth);
    mproc__me.owns++;
}

apr_uint64_t
mproc__rlock_end(mproc_rlock_t *rlock)
{
    apr_uint64_t depth = depth_get(rlock);
    mproc__me.owns--;
    mproc__mutex_release(&rlock_shared(rlock)->mutex);
    return depth;
}

/* With all questions asked. */
static apr_status_t
rlock_acquire(mproc_rlock_t *rlock, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(rlock, MPROC_KIND_RLOCK);
    mproc__actor_t self = mproc__actor();
    mproc__mutex_use_t use;
    apr_status_t rv;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_ACQUIRE, timeout,
                                  "mproc_rlock_acquire");
    }
    if (self == 0 || !mproc__object_is(rlock, &mproc__rlock_ops)) {
        return self == 0
                   ? mproc__wait_refused("mproc_rlock_acquire")
                   : mproc__object_missing("mproc_rlock_acquire", "rlock");
    }
    if (mproc__mutex_take(&rlock_shared(rlock)->mutex, self)) {
        mproc__rlock_begin(rlock, 1);
        return APR_SUCCESS;
    }
    if (mproc__mutex_is_mine(&rlock_shared(rlock)->mutex, self)) {
        depth_set(rlock, depth_get(rlock) + 1);
        return APR_SUCCESS;
    }
    use = mproc__rlock_use(rlock, "mproc_rlock_acquire");
    rv = mproc__mutex_acquire(&use, mproc__deadline(timeout), 0);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        mproc__rlock_begin(rlock, 1);
    }
    return rv;
}

apr_status_t
mproc_rlock_acquire(mproc_rlock_t *rlock, apr_interval_time_t timeout)
{
    mproc__actor_t self = mproc__me.actor;

    if (self == 0 || !mproc__object_is_ready(rlock, &mproc__rlock_ops) ||
        !mproc__mutex_take(&rlock_shared(rlock)->mutex, self)) {
        return rlock_acquire(rlock, timeout);
    }
    mproc__rlock_begin(rlock, 1);
    return APR_SUCCESS;
}

static apr_status_t
rlock_release(mproc_rlock_t *rlock)
{
    mproc__proxy_t *proxy = mproc__proxy_of(rlock, MPROC_KIND_RLOCK);
    apr_uint64_t depth;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_RELEASE, 0,
                                  "mproc_rlock_release");
    }
    if (!mproc__object_is(rlock, &mproc__rlock_ops)) {
        return mproc__object_missing("mproc_rlock_release", "rlock");
    }
    if (!mproc_rlock_is_mine(rlock)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_rlock_release: this thread does not hold "
                           "the rlock; only the thread that acquired it may "
                           "release it, once for each acquire");
    }
    depth = depth_get(rlock);
    if (depth > 1) {
        depth_set(rlock, depth - 1);
        return APR_SUCCESS;
    }
    mproc__rlock_end(rlock);
    return APR_SUCCESS;
}

apr_status_t
mproc_rlock_release(mproc_rlock_t *rlock)
{
    mproc__actor_t self = mproc__me.actor;

    if (self == 0 || !mproc__object_is_ready(rlock, &mproc__rlock_ops) ||
        !mproc__mutex_is_mine(&rlock_shared(rlock)->mutex, self) ||
        depth_get(rlock) > 1) {
        return rlock_release(rlock);
    }
    mproc__rlock_end(rlock);
    return APR_SUCCESS;
}

int
mproc_rlock_locked(mproc_rlock_t *rlock)
{
    mproc__proxy_t *proxy = mproc__proxy_of(rlock, MPROC_KIND_RLOCK);

    if (proxy != NULL) {
        return mproc__proxy_number(proxy, MPROC__LOCK_STATE, 0,
                                   "mproc_rlock_locked") > 0;
    }
    return mproc__object_is(rlock, &mproc__rlock_ops) &&
           MPROC__MUTEX_HOLDER(atomic_load(&rlock_shared(rlock)->mutex)) != 0;
}

int
mproc_rlock_is_mine(mproc_rlock_t *rlock)
{
    mproc__proxy_t *proxy = mproc__proxy_of(rlock, MPROC_KIND_RLOCK);

    if (proxy != NULL) {
        return mproc__proxy_number(proxy, MPROC__LOCK_STATE, 1,
                                   "mproc_rlock_is_mine") > 0;
    }
    mproc__actor_t self = mproc__actor();
    return self != 0 && mproc__object_is(rlock, &mproc__rlock_ops) &&
           mproc__mutex_is_mine(&rlock_shared(rlock)->mutex, self);
}

apr_int64_t
mproc_rlock_holder(mproc_rlock_t *rlock)
{
    return mproc__object_is(rlock, &mproc__rlock_ops)
               ? mproc__peer_pid(MPROC__ACTOR_PEER(
                     atomic_load(&rlock_shared(rlock)->mutex)))
               : 0;
}
