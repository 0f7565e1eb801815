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
 * takes more. A worker that is killed costs the one task that it ran, which
 * ends with MPROC_EWORKERLOST or, with retries, is done again by another; the
 * worker is replaced. One that is stopped (SIGSTOP) outside of a task is killed
 * after some seconds, in its initializer where the system tells that it is
 * (Windows does not); in a task, when that has a timeout and is over it. One
 * that takes more than half a minute to end is killed.
 *
 * Tasks (async.h) get packed arguments and reply packed results;
 * mproc_pool_map_array() runs a function on plain C arrays. A task may not use
 * the pool that runs it: that belongs to the process that made it. Workers are
 * daemonic, so a task starts no processes.
 *
 * A **manager's pool** (mproc_manager_pool(), manager.h) has its workers in a
 * server, which this process, and others that have it, call. It takes the calls
 * of this header and of async.h, each of which goes to the server, so may
 * return APR_ECONNRESET; but
 * - tasks and initializers go by the names that they are registered under: else
 *   APR_NOTFOUND, or MPROC_EREMOTE when the server has no such name;
 * - arguments cannot name objects (APR_EINVAL), nor results (MPROC_EREMOTE, of
 *   that task);
 * - callbacks are APR_ENOTIMPL: wait in a thread of your own, with
 *   mproc_as_completed();
 * - of mproc_pool_map_array() the arrays are copied there and back, and the
 *   baton with each piece; its time begins when all is sent, and when it runs
 *   out what has begun goes on; its progress is told once, when all is done;
 *   mproc_pool_cancel() takes back what of it has not begun;
 * - an imap ends, with MPROC_ECLOSED, after those that it had fetched when the
 *   pool is closed, not when it is joined;
 * - all items of one call go with one message (net.max_message).
 */
#ifndef MPROC_POOL_H
#define MPROC_POOL_H

#include <mproc/async.h>
#include <mproc/process.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A pool. Only the process that created it may use it. */
typedef struct mproc_pool_t mproc_pool_t;

/**
 * What each worker runs first, also those that replace others.
 * @param args as the pool's options have them
 * @param pool lives as long as the worker
 * @return APR_SUCCESS; anything else ends the worker, and fails the pool's
 *         creation with this status and the worker's mproc_error_detail()
 */
typedef apr_status_t (*mproc_initializer_fn_t)(mproc_bytes_t args,
                                               apr_pool_t *pool);

/** Options of mproc_pool_create(); all zero is the default. */
typedef struct mproc_pool_options_t {
    int processes; /**< 0: mproc_cpu_count() */
    mproc_start_method_e start_method;
    const char *name; /**< workers are NAME-1, NAME-2 ...; NULL: "Worker" */
    mproc_initializer_fn_t initializer; /**< may be NULL */
    mproc_bytes_t initargs;  /**< of mproc_pack(), copied; objects in them must
                                  live as long as the pool */
    int max_tasks_per_child; /**< a worker that has done so many (chunks of
                                  maps) is replaced; 0: never */
    apr_uint64_t max_memory; /**< the same when it has more bytes of memory
                                  after one; 0: never */
    apr_interval_time_t task_timeout; /**< microseconds that a task may run;
                                           then its worker is interrupted, and
                                           killed 0.2 s later; 0: any */
    int retries; /**< a task whose worker died is tried again so often; 0:
                      never, it ends with MPROC_EWORKERLOST */
} mproc_pool_options_t;

/** Options of tasks; all zero is what the pool's options say. */
typedef struct mproc_task_options_t {
    apr_size_t chunk; /**< items that a worker claims at once; 0: for maps
                           count / (4 * workers), rounded up, for imaps 1; of
                           an imap at most 256.
                           Items are run and reported one by one all the
                           same */
    apr_interval_time_t timeout; /**< microseconds for each task, rounded up
                                      to whole milliseconds; 0: the pool's;
                                      -1: any */
    int retries;                 /**< 0: the pool's; -1: never */
    apr_size_t buffersize; /**< imap: items that are fetched ahead of those
                                that were given; 0: 16 for each worker */
} mproc_task_options_t;

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
 * @note Processes: the creator only. Threads: any, one after the other; not
 *       in a callback (MPROC_ESTATE).
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_map_array(mproc_pool_t *workers, mproc_map_fn_t function,
                     const void *in, apr_size_t count, apr_size_t in_size,
                     void *out, apr_size_t out_size,
                     const mproc_map_options_t *options);

/* ------------------------------------------------------------------ tasks */

/**
 * Run a task in a worker, and wait for its result.
 * @param workers the pool, not closed
 * @param task    any function of the program or of a loaded library
 * @param result  receives its reply; may be NULL
 * @param timeout microseconds to wait, MPROC_FOREVER or MPROC_NOWAIT. When it
 *                runs out the task goes on, and its result is dropped
 * @param pool    owns the result, and the objects that it names
 * @param format  of the arguments, as in mproc_pack()
 * @return APR_SUCCESS; the status that the task ended with, and its sentence;
 *         MPROC_EWORKERLOST; APR_TIMEUP; MPROC_ECLOSED; MPROC_EBROKEN when
 *         workers cannot be started any more; MPROC_ESTATE from another
 *         process; as mproc_pack(); APR_EINVAL; APR_ENOMEM
 * @note Processes: the creator only. Threads: any; not in a callback.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_apply(mproc_pool_t *workers, mproc_task_fn_t task,
                 mproc_bytes_t *result, apr_interval_time_t timeout,
                 apr_pool_t *pool, const char *format, ...);

/**
 * Send a task to the workers, and do not wait. There may be any number on
 * their way; each takes less than 256 bytes and its arguments.
 * @param async     receives the task; NULL: nobody will ask for it
 * @param workers   the pool, not closed
 * @param task      any function of the program or of a loaded library
 * @param callbacks copied; may be NULL
 * @param pool      owns the async; NULL: until mproc_async_destroy()
 * @param format    of the arguments, as in mproc_pack()
 * @return APR_SUCCESS; MPROC_ECLOSED; MPROC_EBROKEN; MPROC_ESTATE from another
 *         process; as mproc_pack(); APR_EINVAL; APR_ENOMEM: nothing was sent
 * @note Processes: the creator only. Threads: any, callbacks too.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_apply_async(mproc_async_t **async, mproc_pool_t *workers,
                       mproc_task_fn_t task, const mproc_callbacks_t *callbacks,
                       apr_pool_t *pool, const char *format, ...);

/**
 * Run a task on each of several arguments, and wait for all results.
 * @param workers the pool, not closed
 * @param task    any function of the program or of a loaded library
 * @param items   count arguments, each as the task gets it: of mproc_pack() for
 *                one that unpacks (several values in one make a starmap).
 *                Objects that they name must live until the end
 * @param count   at most 16777215; 0 returns at once
 * @param options may be NULL
 * @param results receives count results in the order of the items; NULL: none
 * @param pool    owns the results, and the objects that they name
 * @return APR_SUCCESS; else all were run, and the status of the first that
 *         failed, by its order: the others' results are there. As
 *         mproc_pool_apply()
 * @note Processes: the creator only. Threads: any; not in a callback.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_map(mproc_pool_t *workers, mproc_task_fn_t task,
               const mproc_bytes_t *items, apr_size_t count,
               const mproc_task_options_t *options, mproc_bytes_t *results,
               apr_pool_t *pool);

/**
 * The same without waiting.
 * @param async     receives the tasks; NULL: nobody will ask for them
 * @param workers   the pool, not closed
 * @param task      any function of the program or of a loaded library
 * @param items     as mproc_pool_map(); copied
 * @param count     at most 16777215; 0 is settled at once, and its callback is
 *                  called
 * @param options   may be NULL
 * @param callbacks copied; may be NULL
 * @param pool      owns the async; NULL: until mproc_async_destroy()
 * @return as mproc_pool_apply_async()
 * @note Processes: the creator only. Threads: any, callbacks too.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_map_async(mproc_async_t **async, mproc_pool_t *workers,
                     mproc_task_fn_t task, const mproc_bytes_t *items,
                     apr_size_t count, const mproc_task_options_t *options,
                     const mproc_callbacks_t *callbacks, apr_pool_t *pool);

/** Results that come one by one. */
typedef struct mproc_imap_t mproc_imap_t;

/**
 * Where an imap has its items from. Called in the threads that call
 * mproc_pool_imap() and mproc_imap_next().
 * @param item  receives the next; it is copied before the next call
 * @param baton as given
 * @param pool  for the item; cleared afterwards
 * @return APR_SUCCESS; APR_EOF when there are no more; anything else stands as
 *         an error in the item's place, and ends the items
 * @note It may use the pool, but not join or destroy it.
 */
typedef apr_status_t (*mproc_next_fn_t)(mproc_bytes_t *item, void *baton,
                                        apr_pool_t *pool);

/**
 * Run a task on items that are fetched as results are taken: without an end,
 * if need be. An imap that was begun goes on when the pool is closed, and gives
 * all, until that is joined: then it fetches no more.
 * @param imap    receives it
 * @param workers the pool, not closed
 * @param task    any function of the program or of a loaded library
 * @param next    where the items come from
 * @param baton   passed to next
 * @param options may be NULL
 * @param pool    owns the imap; when it goes, tasks under way are still done
 * @return as mproc_pool_apply_async(); what next fails with comes later
 * @note Processes: the creator only. Threads: one at a time for each imap.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_imap(mproc_imap_t **imap, mproc_pool_t *workers,
                mproc_task_fn_t task, mproc_next_fn_t next, void *baton,
                const mproc_task_options_t *options, apr_pool_t *pool);

/** The same, with results as they come instead of in the items' order. */
MPROC_DECLARE(apr_status_t)
mproc_pool_imap_unordered(mproc_imap_t **imap, mproc_pool_t *workers,
                          mproc_task_fn_t task, mproc_next_fn_t next,
                          void *baton, const mproc_task_options_t *options,
                          apr_pool_t *pool);

/**
 * Get the next result.
 * @param imap    the imap
 * @param result  receives it; may be NULL
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool    owns the result
 * @return APR_SUCCESS; APR_EOF when all were given, again and again;
 *         APR_TIMEUP, and the same comes at the next call; MPROC_ECLOSED after
 *         the last that was fetched, when the pool was joined or terminated
 *         before there were no more; else what this one task, or the items'
 *         source, failed with: the next call goes on
 * @note Processes: the creator only. Threads: one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_imap_next(mproc_imap_t *imap, mproc_bytes_t *result,
                apr_interval_time_t timeout, apr_pool_t *pool);

/** Which item the last result was of, from 0. */
MPROC_DECLARE(apr_uint64_t) mproc_imap_index(const mproc_imap_t *imap);

/* ------------------------------------------------------------------- life */

/** How a pool stands. Who has got a result, or joined the pool, finds counted
 * what came before. */
typedef struct mproc_pool_stats_t {
    int workers, running;        /**< there are; are at a task just now */
    apr_uint64_t started;        /**< workers, since the pool was made */
    apr_uint64_t submitted;      /**< tasks; of arrays none are counted */
    apr_uint64_t settled;        /**< of these; a map's when all are */
    apr_uint64_t run;            /**< how often tasks were run to their end */
    apr_uint64_t lost, retried;  /**< of those whose worker died */
    apr_uint64_t tasks_of_ended; /**< of run: by workers that have gone */
} mproc_pool_stats_t;

/**
 * Tell how the pool stands; a snapshot.
 * @param workers the pool
 * @param stats   receives the figures
 * @return APR_SUCCESS; APR_EINVAL; MPROC_ESTATE from another process
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_stats(mproc_pool_t *workers, mproc_pool_stats_t *stats);

/**
 * Have more workers, or fewer: those leave when they have nothing to do.
 * @param workers   the pool, not closed
 * @param processes from 1 to 1024
 * @return APR_SUCCESS; APR_EINVAL; MPROC_ECLOSED; MPROC_ESTATE from another
 *         process; APR_ENOMEM
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_resize(mproc_pool_t *workers, int processes);

/**
 * Take no more work; what was sent is done, then the workers end. Imaps that
 * were begun may go on until mproc_pool_join().
 * @param workers the pool
 * @return APR_SUCCESS, also the second time; MPROC_ESTATE from another
 *         process
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t) mproc_pool_close(mproc_pool_t *workers);

/**
 * Keep all tasks that were not begun from being begun, as mproc_async_cancel()
 * does it for one async: they end with MPROC_ECLOSED, those that run go on.
 * The pool takes work as before; closed first, it is one that only ends what
 * it has begun. An imap gives MPROC_ECLOSED in the place of each item that it
 * had fetched. Arrays (mproc_pool_map_array()) are done all the same.
 * @param workers the pool
 * @param count   receives how many tasks were kept from it; may be NULL
 * @return APR_SUCCESS, also when there were none; MPROC_ESTATE from another
 *         process
 * @note Processes: the creator only. Threads: any, callbacks too. Never waits.
 */
MPROC_DECLARE(apr_status_t)
mproc_pool_cancel(mproc_pool_t *workers, apr_uint64_t *count);

/**
 * End the workers now, whatever they do: what is not settled ends with
 * MPROC_ECLOSED.
 * @param workers the pool
 * @return APR_SUCCESS, also the second time; MPROC_ESTATE from another
 *         process
 * @note Processes: the creator only. Threads: any; a map that waits in
 *       another thread ends with MPROC_ECLOSED.
 */
MPROC_DECLARE(apr_status_t) mproc_pool_terminate(mproc_pool_t *workers);

/**
 * Wait until the workers have ended. Imaps fetch no more from here on; what
 * they have fetched is done.
 * @param workers closed or terminated
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS, again and again; APR_TIMEUP; MPROC_ESTATE while the
 *         pool takes work, from another process, in a callback, or where an
 *         imap has its items from
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
