/**
 * @file condition.h
 * @brief A condition between processes: wait until another says "look again".
 *
 * @code
 * mproc_condition_acquire(condition, MPROC_FOREVER);      // who waits
 * mproc_condition_wait_for(condition, is_ready, baton, MPROC_FOREVER);
 * mproc_condition_release(condition);
 *
 * mproc_condition_acquire(condition, MPROC_FOREVER);      // who changes
 * make_ready();
 * mproc_condition_notify_all(condition);
 * mproc_condition_release(condition);
 * @endcode
 *
 * A notifier never waits for the notified, so a waiter that was killed blocks
 * nobody, is not counted, and its notification goes to another. When the
 * holder of the lock dies, one of the waiters gets the lock and
 * MPROC_EOWNERDEAD, as nobody else may be left to notify them.
 *
 * Notified waiters are moved to the lock's queue and go on one after another
 * as it is released (wait morphing; D. Butenhof, "Programming with POSIX
 * Threads", 1997), those first who wait longest.
 */
#ifndef MPROC_CONDITION_H
#define MPROC_CONDITION_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A condition. Starts with the shared object's header. */
typedef struct mproc_condition_t mproc_condition_t;

/**
 * What mproc_condition_wait_for() waits for.
 * @param baton as it was passed to that
 * @return not 0: go on
 */
typedef int (*mproc_condition_predicate_fn_t)(void *baton);

/**
 * Create a condition.
 * @param condition receives it
 * @param lock      an mproc_lock_t or mproc_rlock_t, which several conditions
 *                  can share; the condition has a reference of its own.
 *                  NULL: an rlock of its own
 * @param pool      its lifetime here, or NULL: until
 *                  mproc_condition_destroy()
 * @return APR_SUCCESS; APR_EINVAL when lock is neither; APR_ENOMEM when the
 *         arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_create(mproc_condition_t **condition, void *lock,
                       apr_pool_t *pool);

/**
 * Acquire the condition's lock.
 * @param condition the condition
 * @param timeout   microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_lock_acquire() or mproc_rlock_acquire()
 * @note Processes: any. Threads: any. Fork: a lock held at a fork stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_acquire(mproc_condition_t *condition,
                        apr_interval_time_t timeout);

/**
 * Release the condition's lock.
 * @param condition the condition
 * @return as mproc_lock_release() or mproc_rlock_release()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_release(mproc_condition_t *condition);

/**
 * Let the lock go, wait until notified, and have the lock again.
 * @param condition its lock is held by this thread; an rlock is let go
 *                  completely, and held as often afterwards
 * @param timeout   microseconds, MPROC_FOREVER or MPROC_NOWAIT, for the
 *                  notification; having the lock again is not limited
 * @return the lock is held again after APR_SUCCESS, notified; APR_TIMEUP, not
 *         notified; MPROC_EOWNERDEAD, the holder of the lock died, with or
 *         without a notification: look at what it protects; MPROC_EDEADLK,
 *         only without a limit: nobody is left who could ever notify (no
 *         other process has the condition, and this one has no other thread;
 *         told on Linux), or, without the lock, who could release the lock.
 *         Nothing has happened after MPROC_ESTATE, this thread does not hold
 *         the lock; APR_EINVAL for NULL or what is no condition; APR_ENOMEM
 *         when this thread cannot be registered as a waiter
 * @note Processes: any. Threads: any. Fork: usable in the child. Wait in a
 *       loop that looks at what is waited for, or by
 *       mproc_condition_wait_for().
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_wait(mproc_condition_t *condition, apr_interval_time_t timeout);

/**
 * Wait until a predicate is true. It is asked with the lock held, first at
 * once, then after each notification.
 * @param condition its lock is held by this thread
 * @param predicate tells whether to go on
 * @param baton     passed on to it
 * @param timeout   microseconds for all together, MPROC_FOREVER or
 *                  MPROC_NOWAIT
 * @return APR_SUCCESS when it is true; APR_TIMEUP when it still is not;
 *         else as mproc_condition_wait(): after MPROC_EOWNERDEAD repair and
 *         call again
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_wait_for(mproc_condition_t *condition,
                         mproc_condition_predicate_fn_t predicate, void *baton,
                         apr_interval_time_t timeout);

/**
 * Notify some of those who wait now. Nobody waiting: it is not remembered.
 * @param condition its lock is held by this thread
 * @param n         how many at most, those first who wait longest; all when
 *                  fewer wait; 0 or less: nobody
 * @return APR_SUCCESS; MPROC_ESTATE when this thread does not hold the lock;
 *         APR_EINVAL for NULL or what is no condition
 * @note Processes: any. Threads: any. Fork: usable in the child. Never waits.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_notify(mproc_condition_t *condition, int n);

/**
 * Notify all who wait now.
 * @param condition its lock is held by this thread
 * @return as mproc_condition_notify()
 * @note Processes: any. Threads: any. Fork: usable in the child. Never waits.
 */
MPROC_DECLARE(apr_status_t)
mproc_condition_notify_all(mproc_condition_t *condition);

/**
 * Give up this process's use of the condition. The condition itself goes when
 * nobody has it any more, in no process and in no message.
 * @param condition the condition, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_condition_destroy(mproc_condition_t *condition);

#ifdef __cplusplus
}
#endif

#endif
