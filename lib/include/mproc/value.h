/**
 * @file value.h
 * @brief A plain value in shared memory.
 *
 * @code
 * mproc_value_t *total;
 * double zero = 0;
 * mproc_value_create(&total, sizeof zero, &zero, pool);
 * *(double *)mproc_value_data(total) += 1.5;      // under a lock of yours
 * @endcode
 *
 * Pointers inside a value mean nothing in another process.
 */
#ifndef MPROC_VALUE_H
#define MPROC_VALUE_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A value. Starts with the shared object's header. */
typedef struct mproc_value_t mproc_value_t;

/**
 * Create a value.
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
