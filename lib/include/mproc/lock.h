/**
 * @file lock.h
 * @brief A lock between processes that survives the death of its holder.
 *
 * @code
 * apr_status_t rv = mproc_lock_acquire(lock, MPROC_FOREVER);
 * if (rv == MPROC_EOWNERDEAD) {
 *     repair();      // the former holder died in here; the lock is ours
 *     rv = APR_SUCCESS;
 * }
 * if (rv == APR_SUCCESS) {
 *     change();
 *     mproc_lock_release(lock);
 * }
 * @endcode
 *
 * A lock is 64 bytes of shared memory; creating one makes no system call. It
 * is not recursive (rlock.h has one that is), and anybody may release it.
 * The algorithm is the two-state futex mutex of U. Drepper, "Futexes Are
 * Tricky" (2011), over the parking lot, with the holder's identity in the
 * word so that anybody can see that the holder is dead.
 */
#ifndef MPROC_LOCK_H
#define MPROC_LOCK_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A lock that is not recursive. Starts with the shared object's header. */
typedef struct mproc_lock_t mproc_lock_t;

/**
 * Create a lock, free.
 * @param lock receives it
 * @param pool its lifetime here, or NULL: until mproc_lock_destroy()
 * @return APR_SUCCESS; APR_ENOMEM when the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_lock_create(mproc_lock_t **lock, apr_pool_t *pool);

/**
 * Acquire the lock; wait while another has it.
 * @param lock    not held by this thread: a second acquire waits
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS, held; MPROC_EOWNERDEAD, held as well, but the process
 *         that held it died: what it protects may be half-changed;
 *         APR_TIMEUP, not held; MPROC_EDEADLK, not held, only without a
 *         limit: this process holds the lock, has one thread (told on Linux),
 *         and nobody else has the lock; APR_EINVAL for NULL or what is no
 *         lock; APR_ENOMEM when this thread cannot be registered
 * @note Processes: any. Threads: any. Fork: a lock held at a fork stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_lock_acquire(mproc_lock_t *lock, apr_interval_time_t timeout);

/**
 * Release the lock. Any process or thread may do so, not only the holder.
 * @param lock held by somebody
 * @return APR_SUCCESS; MPROC_ESTATE when it is free, nothing changes;
 *         APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_lock_release(mproc_lock_t *lock);

/**
 * Ask whether somebody holds the lock just now.
 * @param lock the lock
 * @return 1 when it is held, also by a dead process; else 0
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_lock_locked(mproc_lock_t *lock);

/**
 * Ask which process holds the lock just now.
 * @param lock the lock
 * @return its process id; 0 when the lock is free or its holder is dead
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_int64_t) mproc_lock_holder(mproc_lock_t *lock);

/**
 * Give up this process's use of the lock. The lock itself goes when nobody
 * has it any more, in no process and in no message.
 * @param lock the lock, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_lock_destroy(mproc_lock_t *lock);

#ifdef __cplusplus
}
#endif

#endif
