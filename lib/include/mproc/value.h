/**
 * @file value.h
 * @brief A plain value in shared memory.
 *
 * @code
 * mproc_value_t *total;
 * double zero = 0;
 * mproc_value_create(&total, sizeof zero, &zero, pool);
 * mproc_value_acquire(total, MPROC_FOREVER);      // its own rlock
 * *(double *)mproc_value_data(total) += 1.5;
 * mproc_value_release(total);
 * @endcode
 *
 * Pointers inside a value mean nothing in another process. Where a single
 * number is all, C11 atomics on the data need no lock:
 * `atomic_fetch_add((_Atomic int *)mproc_value_data(value), 1)`.
 */
#ifndef MPROC_VALUE_H
#define MPROC_VALUE_H

#include <mproc/rlock.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A value. Starts with the shared object's header. */
typedef struct mproc_value_t mproc_value_t;

/**
 * Create a value, with a lock of its own.
 * @param value   receives it
 * @param size    of the value, in bytes, at least 1
 * @param initial size bytes to start with, copied; NULL for zeros
 * @param pool    its lifetime here, or NULL: until mproc_value_destroy()
 * @return APR_SUCCESS; APR_EINVAL for a size of 0; APR_ENOMEM when the arena
 *         or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_value_create(mproc_value_t **value, apr_size_t size, const void *initial,
                   apr_pool_t *pool);

/**
 * The same, with a lock that is there already, and may serve several.
 * @param lock the rlock; the value has a reference of its own
 * @return as mproc_value_create(); APR_EINVAL also when lock is no rlock
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_value_create_with_lock(mproc_value_t **value, apr_size_t size,
                             const void *initial, mproc_rlock_t *lock,
                             apr_pool_t *pool);

/**
 * The same, without a lock: mproc_value_lock() is NULL.
 */
MPROC_DECLARE(apr_status_t)
mproc_raw_value_create(mproc_value_t **value, apr_size_t size,
                       const void *initial, apr_pool_t *pool);

/**
 * Create a value with the same content, read under the lock, and a lock of
 * its own, or none when it is raw.
 * @param copy  receives it
 * @param value what is copied
 * @param pool  its lifetime here, or NULL: until mproc_value_destroy()
 * @return APR_SUCCESS; MPROC_EOWNERDEAD, copied, but the holder of the lock
 *         had died: the content may be half-changed; APR_EINVAL; APR_ENOMEM
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_value_copy(mproc_value_t **copy, mproc_value_t *value, apr_pool_t *pool);

/**
 * Find the bytes of the value, the same in all processes.
 * @param value the value
 * @return its first byte, aligned for any type (16 bytes); valid while this
 *         process has the value. Reading and writing it is not locked.
 * @note Processes: any; the address differs. Threads: any. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(void *) mproc_value_data(mproc_value_t *value);

/**
 * Tell the size that the value was created with.
 * @param value the value
 * @return bytes
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_value_size(mproc_value_t *value);

/**
 * Find the lock of the value: an rlock that all who use the value share.
 * @param value the value
 * @return the lock, valid while this process has the value; not to be
 *         destroyed. NULL for a raw one
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(mproc_rlock_t *) mproc_value_lock(mproc_value_t *value);

/**
 * Acquire that lock.
 * @param value   the value; a raw one has no lock, and is acquired at once
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_rlock_acquire()
 * @note Processes: any. Threads: any. Fork: a lock held at a fork stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_value_acquire(mproc_value_t *value, apr_interval_time_t timeout);

/**
 * Release that lock.
 * @param value the value
 * @return as mproc_rlock_release()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_value_release(mproc_value_t *value);

/**
 * Give up this process's use of the value.
 * @param value the value, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_value_destroy(mproc_value_t *value);

#ifdef __cplusplus
}
#endif

#endif
