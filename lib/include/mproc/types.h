/**
 * @file types.h
 * @brief Types and constants that every header uses.
 *
 * Conventions of the whole API:
 * - what can fail returns `apr_status_t`; results come through leading
 *   out-parameters, which are set to NULL or 0 when the call fails;
 * - `apr_pool_t *pool` comes last (before a format's `...`). What was created
 *   with a pool ends with the pool, or by its own `_destroy`/`_close`,
 *   whichever is first. `pool == NULL` means "lives until destroyed";
 * - time spans are `apr_interval_time_t`, in microseconds, on a monotonic
 *   clock. `MPROC_FOREVER` waits, 0 tries once, every other negative span
 *   is as 0. A timeout covers the whole call. Not ready in time is
 *   `APR_TIMEUP`;
 * - after any error the object is as it was and can be used again, unless
 *   the call's description says otherwise.
 */
#ifndef MPROC_TYPES_H
#define MPROC_TYPES_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include <mproc/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Wait without a limit. */
#define MPROC_FOREVER ((apr_interval_time_t)-1)
/** Try once, do not wait. */
#define MPROC_NOWAIT ((apr_interval_time_t)0)

/** A run of bytes. Who owns them is said where it is used. */
typedef struct mproc_bytes_t {
    const void *data; /**< may be NULL when size is 0 */
    apr_size_t size;  /**< in bytes */
} mproc_bytes_t;

/**
 * What every shared object (lock, event, value, ...) starts with. A pointer
 * to any of them may be passed where the format letter `o` is read.
 */
typedef struct mproc_object_t mproc_object_t;

/**
 * Turn a deadline into a timeout that never hits MPROC_FOREVER by accident.
 * @param deadline a point on the clock of mproc_clock(), in microseconds
 * @return what is left until then, 0 when it has passed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_interval_time_t)
mproc_timeout_until(apr_time_t deadline);

/**
 * Read the monotonic clock that all timeouts are measured on.
 * @return microseconds since some fixed point in the past, the same for all
 *         processes of this machine
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_time_t) mproc_clock(void);

#ifdef __cplusplus
}
#endif

#endif
