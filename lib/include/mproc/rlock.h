/**
 * @file rlock.h
 * @brief A recursive lock between processes that survives its holder's death.
 *
 * @code
 * mproc_rlock_acquire(rlock, MPROC_FOREVER);
 * mproc_rlock_acquire(rlock, MPROC_FOREVER);      // the same thread: at once
 * mproc_rlock_release(rlock);
 * mproc_rlock_release(rlock);                     // free now
 * @endcode
 *
 * It belongs to the thread that acquired it, and only that thread can release
 * it. So the end of that thread counts as the holder's death, too, even while
 * its process lives on.
 */
#ifndef MPROC_RLOCK_H
#define MPROC_RLOCK_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A recursive lock. Starts with the shared object's header. */
typedef struct mproc_rlock_t mproc_rlock_t;

/**
 * Create an rlock, free. It is 64 bytes of shared memory.
 * @param rlock receives it
 * @param pool  its lifetime here, or NULL: until mproc_rlock_destroy()
 * @return APR_SUCCESS; APR_ENOMEM when the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_rlock_create(mproc_rlock_t **rlock, apr_pool_t *pool);

/**
 * Acquire the rlock; wait while another thread has it. The thread that has it
 * gets it once more, at once.
 * @param rlock   the rlock
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS, held; MPROC_EOWNERDEAD, held once, but the process or
 *         thread that held it ended: what it protects may be half-changed;
 *         APR_TIMEUP, not held; APR_EINVAL for NULL or what is no rlock;
 *         APR_ENOMEM when this thread cannot be registered
 * @note Processes: any. Threads: any. Fork: an rlock held at a fork stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_rlock_acquire(mproc_rlock_t *rlock, apr_interval_time_t timeout);

/**
 * Release the rlock once. It is free when that was done for each acquire.
 * @param rlock held by this thread
 * @return APR_SUCCESS; MPROC_ESTATE when this thread does not hold it, nothing
 *         changes; APR_EINVAL for NULL or what is no rlock
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_rlock_release(mproc_rlock_t *rlock);

/**
 * Ask whether somebody holds the rlock just now.
 * @param rlock the rlock
 * @return 1 when it is held, also by a dead process; else 0
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_rlock_locked(mproc_rlock_t *rlock);

/**
 * Ask whether the calling thread holds the rlock.
 * @param rlock the rlock
 * @return 1 when it does; else 0
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_rlock_is_mine(mproc_rlock_t *rlock);

/**
 * Ask which process holds the rlock just now.
 * @param rlock the rlock
 * @return its process id; 0 when the rlock is free or its holder is dead
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_int64_t) mproc_rlock_holder(mproc_rlock_t *rlock);

/**
 * Give up this process's use of the rlock. The rlock itself goes when nobody
 * has it any more, in no process and in no message.
 * @param rlock the rlock, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_rlock_destroy(mproc_rlock_t *rlock);

#ifdef __cplusplus
}
#endif

#endif
