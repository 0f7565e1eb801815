/**
 * @file array.h
 * @brief A plain C array in shared memory.
 *
 * @code
 * mproc_array_t *array;
 * mproc_array_create(&array, sizeof(int), 100, NULL, pool);    // zeros
 * int *numbers = mproc_array_data(array);
 * mproc_array_acquire(array, MPROC_FOREVER);                   // its own rlock
 * numbers[7]++;
 * mproc_array_release(array);
 * @endcode
 *
 * Pointers inside an array mean nothing in another process.
 */
#ifndef MPROC_ARRAY_H
#define MPROC_ARRAY_H

#include <mproc/rlock.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An array. Starts with the shared object's header. */
typedef struct mproc_array_t mproc_array_t;

/**
 * Create an array, with a lock of its own.
 * @param array   receives it
 * @param item    size of one item in bytes, at least 1
 * @param count   how many items; 0 is fine
 * @param initial count items to start with, copied; NULL for zeros
 * @param pool    its lifetime here, or NULL: until mproc_array_destroy()
 * @return APR_SUCCESS; APR_EINVAL for an item of 0 bytes; APR_ENOMEM when it
 *         does not fit into the arena, or that or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_create(mproc_array_t **array, apr_size_t item, apr_size_t count,
                   const void *initial, apr_pool_t *pool);

/**
 * The same, with a lock that is there already, and may serve several.
 * @param lock the rlock; the array has a reference of its own
 * @return as mproc_array_create(); APR_EINVAL also when lock is no rlock
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_create_with_lock(mproc_array_t **array, apr_size_t item,
                             apr_size_t count, const void *initial,
                             mproc_rlock_t *lock, apr_pool_t *pool);

/**
 * The same, without a lock: mproc_array_lock() is NULL.
 */
MPROC_DECLARE(apr_status_t)
mproc_raw_array_create(mproc_array_t **array, apr_size_t item, apr_size_t count,
                       const void *initial, apr_pool_t *pool);

/**
 * Create an array with the same content, read under the lock, and a lock of
 * its own, or none when it is raw.
 * @param copy  receives it
 * @param array what is copied
 * @param pool  its lifetime here, or NULL: until mproc_array_destroy()
 * @return APR_SUCCESS; MPROC_EOWNERDEAD, copied, but the holder of the lock
 *         had died: the content may be half-changed; APR_EINVAL; APR_ENOMEM
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_copy(mproc_array_t **copy, mproc_array_t *array, apr_pool_t *pool);

/**
 * Find the items, the same in all processes.
 * @param array the array
 * @return the first one, aligned for any type (16 bytes); valid while this
 *         process has the array. Reading and writing there is not locked.
 * @note Processes: any; the address differs. Threads: any. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(void *) mproc_array_data(mproc_array_t *array);

/**
 * Tell how many items the array has.
 * @param array the array
 * @return items
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_array_count(mproc_array_t *array);

/**
 * Tell the size of an item.
 * @param array the array
 * @return bytes
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_array_item_size(mproc_array_t *array);

/**
 * Copy items out, under the lock.
 * @param array the array
 * @param first the first one's index; a negative one counts from the end
 * @param count how many; all of them must lie in the array
 * @param items receives them
 * @return APR_SUCCESS; MPROC_EOWNERDEAD, copied, but the holder of the lock
 *         had died: they may be half-changed; APR_NOTFOUND when they do not
 *         lie in the array; APR_EINVAL; APR_ENOMEM as mproc_rlock_acquire()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_read(mproc_array_t *array, apr_int64_t first, apr_size_t count,
                 void *items);

/**
 * Copy items in, under the lock.
 * @param array the array
 * @param first the first one's index; a negative one counts from the end
 * @param count how many; all of them must lie in the array
 * @param items what they become
 * @return as mproc_array_read(); nothing is written but with APR_SUCCESS and
 *         MPROC_EOWNERDEAD
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_write(mproc_array_t *array, apr_int64_t first, apr_size_t count,
                  const void *items);

/** mproc_array_read() for one item. */
MPROC_DECLARE(apr_status_t)
mproc_array_get(mproc_array_t *array, apr_int64_t index, void *item);

/** mproc_array_write() for one item. */
MPROC_DECLARE(apr_status_t)
mproc_array_set(mproc_array_t *array, apr_int64_t index, const void *item);

/**
 * Find the lock of the array: an rlock that all who use the array share.
 * @param array the array
 * @return the lock, valid while this process has the array; not to be
 *         destroyed. NULL for a raw one
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(mproc_rlock_t *) mproc_array_lock(mproc_array_t *array);

/**
 * Acquire that lock.
 * @param array   the array; a raw one has no lock, and is acquired at once
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_rlock_acquire()
 * @note Processes: any. Threads: any. Fork: a lock held at a fork stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_array_acquire(mproc_array_t *array, apr_interval_time_t timeout);

/**
 * Release that lock.
 * @param array the array
 * @return as mproc_rlock_release()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_array_release(mproc_array_t *array);

/**
 * Give up this process's use of the array.
 * @param array the array, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_array_destroy(mproc_array_t *array);

#ifdef __cplusplus
}
#endif

#endif
