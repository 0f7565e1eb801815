/**
 * @file pool.h
 * @brief A pool of worker processes.
 *
 * @code
 * static void square(const void *in, void *out, void *baton)
 * {
 *     *(double *)out = *(const double *)in * *(const double *)in;
 * }
 * ...
 * mproc_pool_create(&workers, NULL, pool);
 * mproc_pool_map_array(workers, square, in, n, sizeof *in, out, sizeof *out,
 *                      NULL);
 * mproc_pool_close(workers);
 * mproc_pool_join(workers, MPROC_FOREVER);
 * @endcode
 *
 * Workers claim pieces of the work by one atomic step each, so a fast one
 * takes more. A worker that is killed costs nothing but time: its piece is
 * done again by another, and it is replaced.
 */
#ifndef MPROC_POOL_H
#define MPROC_POOL_H

#include <mproc/process.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A pool. Only the process that created it may use it. */
typedef struct mproc_pool_t mproc_pool_t;

/** Options of mproc_pool_create(); all zero is the default. */
typedef struct mproc_pool_options_t {
    int processes; /**< 0: mproc_cpu_count() */
    mproc_start_method_e start_method;
    const char *name; /**< workers are NAME-1, NAME-2 ...; NULL: "Worker" */
} mproc_pool_options_t;

/** Options of mproc_pool_map_array(); all zero is the default. */
typedef struct mproc_map_options_t {
    apr_size_t chunk;      /**< items claimed at once; 0: chosen from count and
                                the number of workers */
    void *baton;           /**< passed to the function; must point at baton_size
                                bytes, which are copied to the workers */
    apr_size_t baton_size; /**< 0: baton itself is not passed, NULL is */
    int retries;           /**< a piece whose worker died is tried again
                                this often; 0: twice; -1: never */
    apr_interval_time_t timeout; /**< for the whole call; 0: no limit */
    void (*progress)(apr_size_t done, apr_size_t count,
                     void *progress_baton); /**< called in the caller's
                                      thread now and then; may be NULL */
    void *progress_baton;
} mproc_map_options_t;

/**
 * What runs on each item of an array, in a worker.
 * @param in    the item; not to be changed
 * @param out   where its result goes: zeros, or what a dead worker left there
 * @param baton a copy of the map options' baton, the worker's own
 */
typedef void (*mproc_map_fn_t)(const void *in, void *out, void *baton);

/**
 * Create a pool; its workers are started at once.
 * @param workers receives the pool
 * @param options copied; may be NULL
 * @param pool    when it goes, the workers are ended; NULL: until
 *                mproc_pool_destroy()
 * @return APR_SUCCESS; APR_EINVAL for a negative number of processes or more
 *         than 1024; what mproc_process_start() returns when a worker cannot
 *         be started: those that were are ended
 * @note Processes: the creator only; a daemonic process may not. Threads:
 *       any; one map at a time, a second waits.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_create(mproc_pool_t **workers, const mproc_pool_options_t *options,
                  apr_pool_t *pool);

/**
 * Call a function on each item of an array, in the workers, and wait for all.
 * @param workers  the pool, not closed
 * @param function any function of the program or of a loaded library
 * @param in       count items of in_size bytes; when it lies in shared memory
 *                 (mproc_value_data()) it is used in place, else copied
 * @param count    of items; 0 does nothing
 * @param in_size  bytes of an item; 0 when there is nothing to read
 * @param out      receives count results of out_size bytes, in input order;
 *                 in place when it lies in shared memory
 * @param out_size bytes of a result; 0 when there is nothing to write
 * @param options  may be NULL
 * @return APR_SUCCESS when all are done; MPROC_EWORKERLOST when a piece
 *         killed its workers more often than options allow: the others are
 *         done, results of that piece are zeros or half-written, the
 *         sentence tells which and how the worker ended;
 *         APR_TIMEUP when options' timeout ran out: workers at it are ended
 *         and replaced, out is untouched unless it lies in shared memory;
 *         MPROC_ECLOSED after close; MPROC_EBROKEN when workers cannot be
 *         started any more; MPROC_ESTATE from another process; APR_EINVAL;
 *         APR_ENOMEM
 * @note Processes: the creator only. Threads: any, one after the other.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_map_array(mproc_pool_t *workers, mproc_map_fn_t function,
                     const void *in, apr_size_t count, apr_size_t in_size,
                     void *out, apr_size_t out_size,
                     const mproc_map_options_t *options);

/**
 * Take no more work; the workers end when they have none left.
 * @param workers the pool
 * @return APR_SUCCESS, also the second time; MPROC_ESTATE from another
 *         process
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t) mproc_pool_close(mproc_pool_t *workers);

/**
 * End the workers now, whatever they do.
 * @param workers the pool
 * @return APR_SUCCESS, also the second time; MPROC_ESTATE from another
 *         process
 * @note Processes: the creator only. Threads: any; a map that waits in
 *       another thread ends with MPROC_ECLOSED.
 */
MPROC_DECLARE(apr_status_t) mproc_pool_terminate(mproc_pool_t *workers);

/**
 * Wait until the workers have ended.
 * @param workers closed or terminated
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS, again and again; APR_TIMEUP; MPROC_ESTATE while the
 *         pool takes work, or from another process
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_join(mproc_pool_t *workers, apr_interval_time_t timeout);

/**
 * End the workers if they have not ended, and free the pool.
 * @param workers the pool, or NULL for nothing; from another process only
 *                the local half is freed
 * @note Processes: the creator. Threads: no other may use it any more.
 */
MPROC_DECLARE(void) mproc_pool_destroy(mproc_pool_t *workers);

#ifdef __cplusplus
}
#endif

#endif
