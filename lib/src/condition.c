/*
 * condition.c: the condition.
 *
 * It has no state of its own: who waits is what the parking lot's entries
 * say, so nothing is left behind by a waiter that dies. The block is a place
 * to wait at, and holds the lock.
 *
 * A waiter enters itself, lets the lock go, and sleeps. A notifier, which has
 * the lock, does not wake: it moves the n that wait longest from the condition
 * to the lock's word, whose release wakes the first of them, whose release
 * wakes the next. So a notify_all of many costs one wake-up at a time and
 * nobody contends for the lock. A waiter is notified if and only if its entry
 * was MOVED, or WOKEN, before it left; that is one compare-and-swap, so a
 * notification is never given to one whose time has run out, and never twice.
 *
 * Deaths. A waiter that dies after it was notified and before it has the lock
 * again: its entry, or the note in it, says so, and the recovery wakes another
 * (parking.c). The holder of the lock dies: nobody may be left to notify, so
 * the recovery wakes all, and the first takes the lock over and returns with
 * MPROC_EOWNERDEAD; the others sleep on, as nobody notified them. A notifier
 * that dies in the middle is a holder that dies. Invariant: a thread sleeps
 * here only while it is entered and not notified and the holder, if any,
 * lives; or it is MOVED, and the lock is held with its flag set.
 */
#include <mproc/condition.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "parking.h"
#include "rlock.h"
#include "shared.h"

struct mproc_condition_t {
    mproc_object_t object;
    mproc_object_t *lock; /* a half of our own, of either kind */
};

/* A wait, from the letting go of the lock to its return. */
typedef struct condition_wait_t {
    mproc_condition_t *condition;
    mproc__mutex_use_t use;
    int taken; /* over, from the dead */
} condition_wait_t;

static condition_shared_t *
condition_shared(mproc_condition_t *condition)
{
    return condition->object.shared;
}

static int
condition_is_recursive(const mproc_condition_t *condition)
{
    return condition->lock->ops == &mproc__rlock_ops;
}

static mproc__mutex_use_t
condition_use(mproc_condition_t *condition, const char *call)
{
    return condition_is_recursive(condition)
               ? mproc__rlock_use((mproc_rlock_t *)condition->lock, call)
               : mproc__lock_use((mproc_lock_t *)condition->lock, call);
}

/* ---------------------------------------------------------------- creating */

static apr_status_t
condition_opened(mproc_object_t *object)
{
    mproc_condition_t *condition = (mproc_condition_t *)object;
    mproc__handle_t lock = mproc__object_part(object, 0);

    return lock == 0 ? APR_SUCCESS
                     : mproc__object_open(&condition->lock, lock, object->pool);
}

static void
condition_closing(mproc_object_t *object)
{
    mproc__object_close(((mproc_condition_t *)object)->lock);
    ((mproc_condition_t *)object)->lock = NULL;
}

const mproc__object_ops_t mproc__condition_ops = {
    .kind = MPROC_KIND_CONDITION,
    .local_size = sizeof(struct mproc_condition_t),
    .opened = condition_opened,
    .closing = condition_closing};

static int
condition_usable(mproc_condition_t *condition)
{
    return mproc__object_is(condition, &mproc__condition_ops) &&
           condition->lock != NULL;
}

static apr_status_t
condition_missing(const char *call)
{
    return mproc__object_missing(call, "condition");
}

apr_status_t
mproc_condition_create(mproc_condition_t **condition, void *lock,
                       apr_pool_t *pool)
{
    condition_shared_t *shared;
    mproc_rlock_t *own = NULL;
    apr_status_t rv;

    if (condition == NULL) {
        return condition_missing("mproc_condition_create");
    }
    *condition = NULL;
    if (lock != NULL && !mproc__object_is(lock, &mproc__lock_ops) &&
        !mproc__object_is(lock, &mproc__rlock_ops)) {
        return mproc__fail(APR_EINVAL,
                           "mproc_condition_create: what was passed as lock "
                           "is destroyed, or neither a lock nor an rlock; "
                           "pass one of these, or NULL for an rlock of its "
                           "own");
    }
    if (lock == NULL) {
        rv = mproc_rlock_create(&own, NULL);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        lock = own;
    }
    rv = mproc__object_create(condition, &mproc__condition_ops, sizeof *shared,
                              pool);
    if (rv == APR_SUCCESS) {
        shared = condition_shared(*condition);
        shared->lock.count = 1;
        rv = mproc__arena_hold(&shared->lock.hold,
                               ((mproc_object_t *)lock)->handle);
        if (rv == APR_SUCCESS) {
            rv = condition_opened(&(*condition)->object);
        }
        if (rv != APR_SUCCESS) {
            mproc__object_close(*condition);
            *condition = NULL;
        }
    }
    mproc_rlock_destroy(own);
    return rv;
}

void
mproc_condition_destroy(mproc_condition_t *condition)
{
    mproc__object_close(condition);
}

/* ----------------------------------------------------------------- the lock */

apr_status_t
mproc_condition_acquire(mproc_condition_t *condition,
                        apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(condition, MPROC_KIND_CONDITION);

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_ACQUIRE, timeout,
                                  "mproc_condition_acquire");
    }
    if (!condition_usable(condition)) {
        return condition_missing("mproc_condition_acquire");
    }
    return condition_is_recursive(condition)
               ? mproc_rlock_acquire((mproc_rlock_t *)condition->lock, timeout)
               : mproc_lock_acquire((mproc_lock_t *)condition->lock, timeout);
}

apr_status_t
mproc_condition_release(mproc_condition_t *condition)
{
    mproc__proxy_t *proxy = mproc__proxy_of(condition, MPROC_KIND_CONDITION);

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__LOCK_RELEASE, 0,
                                  "mproc_condition_release");
    }
    if (!condition_usable(condition)) {
        return condition_missing("mproc_condition_release");
    }
    return condition_is_recursive(condition)
               ? mproc_rlock_release((mproc_rlock_t *)condition->lock)
               : mproc_lock_release((mproc_lock_t *)condition->lock);
}

/* Usable, and its lock is this thread's. */
static apr_status_t
condition_check(mproc_condition_t *condition, const char *call)
{
    mproc__mutex_use_t use;

    if (!condition_usable(condition)) {
        return condition_missing(call);
    }
    use = condition_use(condition, call);
    if (!mproc__mutex_is_mine(use.word, mproc__actor())) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this thread does not hold the condition's "
                           "lock; call mproc_condition_acquire() before it",
                           call);
    }
    return APR_SUCCESS;
}

/* --------------------------------------------------------------------- wait */

/* Takes the lock over when its holder is dead. Who has been moved waits for
 * the lock, and must look at that. */
static int
wait_must_sleep(void *baton)
{
    condition_wait_t *wait = baton;

    if (!wait->taken) {
        wait->taken = mproc__mutex_take_over(&wait->use);
    }
    return !wait->taken && mproc__waiter_state() == MPROC__WAITER_WAITING;
}

static int
wait_must_sleep_moved(void *baton)
{
    return mproc__mutex_must_sleep(&((condition_wait_t *)baton)->use);
}

static int
wait_is_hopeless(void *baton)
{
    condition_wait_t *wait = baton;
    return mproc__object_is_alone(&wait->condition->object);
}

/* Until notified, or the time has run out. */
static apr_status_t
wait_sleep(condition_wait_t *wait, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && !wait->taken &&
           mproc__waiter_state() == MPROC__WAITER_WAITING) {
        rv = mproc__waiter_sleep(wait_must_sleep, wait_is_hopeless, wait,
                                 deadline);
    }
    while (!wait->taken && mproc__waiter_state() == MPROC__WAITER_MOVED &&
           wait_must_sleep_moved(wait)) {
        mproc__waiter_sleep(wait_must_sleep_moved, NULL, wait,
                            MPROC_PLAT_NEVER);
    }
    return rv;
}

/* Let the lock go; returns how often it was held. */
static apr_uint64_t
wait_let_go(condition_wait_t *wait)
{
    if (condition_is_recursive(wait->condition)) {
        return mproc__rlock_end((mproc_rlock_t *)wait->condition->lock);
    }
    mproc__mutex_release(wait->use.word);
    return 1;
}

/* Have the lock again, whatever that takes. */
static apr_status_t
wait_take_back(condition_wait_t *wait, apr_uint64_t depth)
{
    apr_status_t rv =
        wait->taken ? mproc__mutex_owner_dead(&wait->use)
                    : mproc__mutex_acquire(&wait->use, MPROC_PLAT_NEVER, 1);
    if ((rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) &&
        condition_is_recursive(wait->condition)) {
        mproc__rlock_begin((mproc_rlock_t *)wait->condition->lock, depth);
    }
    return rv;
}

apr_status_t
mproc_condition_wait(mproc_condition_t *condition, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(condition, MPROC_KIND_CONDITION);
    const char *call = "mproc_condition_wait";
    apr_status_t rv = condition_check(condition, call), lost;
    apr_time_t deadline = mproc__deadline(timeout);
    condition_wait_t wait = {condition, {0}, 0};
    apr_uint64_t depth;
    int notified;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__CONDITION_WAIT, timeout, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    wait.use = condition_use(condition, call);
    if (!mproc__waiter_enter((void *)&condition_shared(condition)->place,
                             (void *)wait.use.word)) {
        return mproc__wait_refused(call);
    }
    depth = wait_let_go(&wait);
    rv = wait_sleep(&wait, deadline);
    notified = mproc__waiter_leave();
    lost = wait_take_back(&wait, depth);
    if (notified) {
        mproc__waiter_done();
    }
    if (lost != APR_SUCCESS) {
        return lost;
    }
    if (notified) {
        return APR_SUCCESS;
    }
    return rv == MPROC_EDEADLK
               ? mproc__fail(rv,
                             "%s: no other thread or process has this "
                             "condition to notify it: the wait would never "
                             "end",
                             call)
               : mproc__fail(APR_TIMEUP, "%s: nobody notified it in time",
                             call);
}

apr_status_t
mproc_condition_wait_for(mproc_condition_t *condition,
                         mproc_condition_predicate_fn_t predicate, void *baton,
                         apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(condition, MPROC_KIND_CONDITION);
    apr_status_t rv =
        proxy != NULL
            ? mproc__far_condition_check(proxy, "mproc_condition_wait_for")
            : condition_check(condition, "mproc_condition_wait_for");
    apr_time_t deadline = mproc__deadline(timeout);

    if (rv == APR_SUCCESS && predicate == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_condition_wait_for: predicate "
                                       "is NULL; pass the function that tells "
                                       "whether to go on");
    }
    while (rv == APR_SUCCESS && !predicate(baton)) {
        if (deadline != MPROC_PLAT_NEVER && mproc_plat_clock() >= deadline) {
            return mproc__fail(APR_TIMEUP, "mproc_condition_wait_for: the "
                                           "predicate did not become true in "
                                           "time");
        }
        rv = mproc_condition_wait(condition,
                                  deadline == MPROC_PLAT_NEVER
                                      ? MPROC_FOREVER
                                      : mproc_timeout_until(deadline));
        if (rv == APR_TIMEUP && predicate(baton)) {
            return APR_SUCCESS;
        }
    }
    return rv;
}

/* ------------------------------------------------------------------- notify */

static apr_status_t
condition_notify(mproc_condition_t *condition, int n, const char *call)
{
    mproc__proxy_t *proxy = mproc__proxy_of(condition, MPROC_KIND_CONDITION);
    apr_status_t rv = condition_check(condition, call);
    mproc__mutex_use_t use;

    if (proxy != NULL) {
        return mproc__far_condition_notify(proxy, n, call);
    }
    if (rv != APR_SUCCESS || n <= 0) {
        return rv;
    }
    use = condition_use(condition, call);
    if (mproc__move((void *)&condition_shared(condition)->place, n) > 0) {
        /* Ours: only flags change. Its release looks for waiters then. */
        atomic_fetch_or(use.word, MPROC__MUTEX_WAITERS);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_condition_notify(mproc_condition_t *condition, int n)
{
    return condition_notify(condition, n, "mproc_condition_notify");
}

apr_status_t
mproc_condition_notify_all(mproc_condition_t *condition)
{
    return condition_notify(condition, MPROC__ALL,
                            "mproc_condition_notify_all");
}
