/* lock.c: the lock: a mutex (see mutex.c) that anybody may release. */
#include <mproc/lock.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "mutex.h"
#include "parking.h"
#include "shared.h"

struct mproc_lock_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__lock_ops = {
    .kind = MPROC_KIND_LOCK, .local_size = sizeof(struct mproc_lock_t)};

static mproc__mutex_t *
lock_word(mproc_lock_t *lock)
{
    return &((lock_shared_t *)lock->object.shared)->mutex;
}

static apr_status_t
lock_missing(const char *call)
{
    return mproc__object_missing(call, "lock");
}

apr_status_t
mproc_lock_create(mproc_lock_t **lock, apr_pool_t *pool)
{
    if (lock == NULL) {
        return lock_missing("mproc_lock_create");
    }
    return mproc__object_create(lock, &mproc__lock_ops, sizeof(lock_shared_t),
                                pool);
}

void
mproc_lock_destroy(mproc_lock_t *lock)
{
    mproc__object_close(lock);
}

mproc__mutex_use_t
mproc__lock_use(mproc_lock_t *lock, const char *call)
{
    return (mproc__mutex_use_t){lock_word(lock), &lock->object, call, 0};
}

/* With all questions asked. */
static apr_status_t
lock_acquire(mproc_lock_t *lock, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(lock, MPROC_KIND_LOCK);
    mproc__mutex_use_t use;
    mproc__actor_t self = mproc__actor();

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_ACQUIRE, timeout,
                                  "mproc_lock_acquire");
    }
    if (self == 0 || !mproc__object_is(lock, &mproc__lock_ops)) {
        return self == 0 ? mproc__wait_refused("mproc_lock_acquire")
                         : lock_missing("mproc_lock_acquire");
    }
    if (mproc__mutex_take(lock_word(lock), self)) {
        return APR_SUCCESS;
    }
    use = mproc__lock_use(lock, "mproc_lock_acquire");
    return mproc__mutex_acquire(&use, mproc__deadline(timeout), 0);
}

apr_status_t
mproc_lock_acquire(mproc_lock_t *lock, apr_interval_time_t timeout)
{
    mproc__actor_t self = mproc__me.actor;

    return self != 0 && mproc__object_is_ready(lock, &mproc__lock_ops) &&
                   mproc__mutex_take(lock_word(lock), self)
               ? APR_SUCCESS
               : lock_acquire(lock, timeout);
}

static apr_status_t
lock_release(mproc_lock_t *lock)
{
    mproc__proxy_t *proxy = mproc__proxy_of(lock, MPROC_KIND_LOCK);

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_RELEASE, 0,
                                  "mproc_lock_release");
    }
    if (!mproc__object_is(lock, &mproc__lock_ops)) {
        return lock_missing("mproc_lock_release");
    }
    if (!mproc__mutex_release(lock_word(lock))) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_lock_release: the lock is free; release it "
                           "once for each acquire");
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_lock_release(mproc_lock_t *lock)
{
    return mproc__object_is_ready(lock, &mproc__lock_ops) &&
                   mproc__mutex_release(lock_word(lock))
               ? APR_SUCCESS
               : lock_release(lock);
}

int
mproc_lock_locked(mproc_lock_t *lock)
{
    mproc__proxy_t *proxy = mproc__proxy_of(lock, MPROC_KIND_LOCK);

    if (proxy != NULL) {
        return mproc__proxy_number(proxy, MPROC__LOCK_STATE, 0,
                                   "mproc_lock_locked") > 0;
    }
    return mproc__object_is(lock, &mproc__lock_ops) &&
           MPROC__MUTEX_HOLDER(atomic_load(lock_word(lock))) != 0;
}

apr_int64_t
mproc_lock_holder(mproc_lock_t *lock)
{
    return mproc__object_is(lock, &mproc__lock_ops)
               ? mproc__peer_pid(
                     MPROC__ACTOR_PEER(atomic_load(lock_word(lock))))
               : 0;
}
