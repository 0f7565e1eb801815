/**
 * @file async.h
 * @brief Tasks of a pool, and what comes of them.
 *
 * @code
 * static apr_status_t square(mproc_bytes_t args, mproc_reply_t *reply,
 *                            apr_pool_t *pool)
 * {
 *     int x;
 *     if (mproc_unpack(args, pool, "i", &x) != APR_SUCCESS) {
 *         return mproc_reply_error(reply, APR_EINVAL, "a number is needed");
 *     }
 *     return mproc_reply(reply, "i", x * x);
 * }
 * ...
 * mproc_pool_apply_async(&async, workers, square, NULL, pool, "i", 12);
 * mproc_async_get(async, &bytes, MPROC_FOREVER, pool);
 * mproc_unpack(bytes, pool, "i", &result);
 * @endcode
 *
 * An async is one task, or the tasks of one map. It is settled when all its
 * tasks have ended: with a result, with an error that the task replied, with
 * MPROC_EWORKERLOST when its worker died, with APR_TIMEUP when the task took
 * longer than it might, with MPROC_ECLOSED when it was cancelled or the pool
 * terminated. Then it stays so.
 *
 * An async belongs to the process that made it; threads may share it. Those of
 * a manager's pool (pool.h) keep what the tasks said, once that was got or
 * waited for, without the server. What only asks goes to the server and comes
 * back; it does not wait for a task.
 */
#ifndef MPROC_ASYNC_H
#define MPROC_ASYNC_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------- in a task */

/** What a task says; it is there while the task runs. */
typedef struct mproc_reply_t mproc_reply_t;

/**
 * A task. It runs in a worker.
 * @param args  what it was given, as packed; readable while it runs
 * @param reply where its result goes
 * @param pool  its own; cleared when it has returned
 * @return APR_SUCCESS; anything else is its error, with the sentence of
 *         mproc_reply_error() if that was called
 */
typedef apr_status_t (*mproc_task_fn_t)(mproc_bytes_t args,
                                        mproc_reply_t *reply, apr_pool_t *pool);

/**
 * Reply packed values. The last reply counts.
 * @param reply  the task's
 * @param format as in mproc_pack(), `o` too; "" is an empty result, as is none
 * @return APR_SUCCESS; as mproc_pack(); APR_ENOMEM. After a failure the task
 *         ends with that status, whatever it returns
 * @note Processes: the worker. Threads: the task's.
 */
MPROC_DECLARE(apr_status_t)
mproc_reply(mproc_reply_t *reply, const char *format, ...);

/** Reply bytes as they are; else as mproc_reply(). */
MPROC_DECLARE(apr_status_t)
mproc_reply_bytes(mproc_reply_t *reply, mproc_bytes_t bytes);

/**
 * Say that the task fails, and why. Who gets its result is given the status,
 * and the sentence by mproc_error_detail().
 * @param reply  the task's
 * @param status not APR_SUCCESS
 * @param format as of printf; at most 400 bytes are kept
 * @return status, to be returned by the task
 * @note Processes: the worker. Threads: the task's.
 */
MPROC_DECLARE(apr_status_t)
mproc_reply_error(mproc_reply_t *reply, apr_status_t status, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/** How often the task was begun, this time included: more than 1 when workers
 * died of it, or with it. */
MPROC_DECLARE(int) mproc_reply_attempt(const mproc_reply_t *reply);

/* ------------------------------------------------------------- the results */

/** One task, or the tasks of one map, on its way. */
typedef struct mproc_async_t mproc_async_t;

/**
 * What is called when an async is settled: one of the two, once, before a get
 * or wait for it returns. They run in a thread of the pool's, one after
 * another, with nothing locked: a slow one delays the others, and the pool
 * replaces no workers meanwhile. They may call any function of the pool but
 * mproc_pool_destroy(); those that would have to wait for something of the
 * pool return MPROC_ESTATE. An async may be destroyed in its callback, if it
 * was made without an APR pool.
 */
typedef struct mproc_callbacks_t {
    /** The results are there. May be NULL. */
    void (*done)(mproc_async_t *async, void *baton);
    /** At least one of its tasks has failed; status is that of the first of
     * them, and mproc_error_detail() its sentence. May be NULL. */
    void (*failed)(mproc_async_t *async, apr_status_t status, void *baton);
    void *baton;
} mproc_callbacks_t;

/**
 * Wait until it is settled.
 * @param async   the async
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS, it is settled, how well ever; APR_TIMEUP, and it goes
 *         on; APR_EINVAL for NULL; MPROC_ESTATE from another process, or in a
 *         callback of its pool while it is not settled;
 *         APR_ENOMEM when this thread cannot be registered as a waiter
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_async_wait(mproc_async_t *async, apr_interval_time_t timeout);

/**
 * Wait for the results, and get them; again and again.
 * @param async   the async
 * @param results receives as many results as there are tasks, in their order;
 *                that of a task that failed is empty; may be NULL
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool    owns the bytes of the results. Objects that they name live as
 *                long as the async
 * @return APR_SUCCESS when all tasks succeeded; else the status of the first
 *         of the tasks, by their order, that failed, and its sentence;
 *         APR_TIMEUP when it is not settled; as mproc_async_wait()
 * @note Processes: the creator. Threads: any, a pool in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_async_get(mproc_async_t *async, mproc_bytes_t *results,
                apr_interval_time_t timeout, apr_pool_t *pool);

/** How many tasks it has; 0 for NULL. */
MPROC_DECLARE(apr_size_t) mproc_async_count(const mproc_async_t *async);

/**
 * Tell how one of its tasks ended.
 * @param async the async, settled
 * @param index of the task, from 0
 * @return its status, with its sentence; MPROC_ESTATE when the async is not
 *         settled; APR_EINVAL for NULL or an index that is none
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_async_status(mproc_async_t *async, apr_size_t index);

/** How a worker ended that took a task with it. */
typedef struct mproc_lost_t {
    apr_int64_t pid;
    int code;                /**< its exit code; -N when signal N ended it */
    int signal;              /**< N, or 0 */
    int core;                /**< 1: it left a core file, as the system says */
    int attempt;             /**< how often the task had been begun */
    apr_interval_time_t ran; /**< microseconds that it had run then */
} mproc_lost_t;

/**
 * Tell what became of the worker of a task that was lost, or ended for its
 * time.
 * @param async the async
 * @param index of the task, from 0
 * @param lost  receives the record of its last attempt
 * @return APR_SUCCESS; APR_NOTFOUND when no worker was lost with it;
 *         APR_EINVAL for NULL or an index that is none
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_async_lost(mproc_async_t *async, apr_size_t index, mproc_lost_t *lost);

/** Whether it is settled, or, of a manager's pool, the server is gone: no get
 *  would wait. Never waits. */
MPROC_DECLARE(int) mproc_async_ready(mproc_async_t *async);

/**
 * Tell whether all its tasks succeeded.
 * @param async      the async
 * @param successful receives 1 or 0
 * @return APR_SUCCESS; MPROC_ESTATE while it is not settled; APR_EINVAL
 * @note Processes: the creator. Threads: any. Never waits.
 */
MPROC_DECLARE(apr_status_t)
mproc_async_successful(mproc_async_t *async, int *successful);

/**
 * Keep its tasks from being begun. Those that were not end with MPROC_ECLOSED.
 * @param async the async
 * @return APR_SUCCESS when at least one was kept from it; MPROC_ESTATE when
 *         all are running or done: nothing changes; APR_EINVAL
 * @note Processes: the creator. Threads: any. Never waits.
 */
MPROC_DECLARE(apr_status_t) mproc_async_cancel(mproc_async_t *async);

/**
 * Free it. What of its tasks is not done is done all the same, and its
 * callbacks are called.
 * @param async the async, or NULL for nothing. By itself when the pool that it
 *              was made with goes
 * @note Processes: any; elsewhere than in the creator only its memory goes.
 *       Threads: no other may use it any more.
 */
MPROC_DECLARE(void) mproc_async_destroy(mproc_async_t *async);

/* ------------------------------------------------------- several at once */

/** What mproc_wait_results() waits for. */
typedef enum mproc_wait_for_e {
    MPROC_ALL_SETTLED,
    MPROC_FIRST_SETTLED,
    MPROC_FIRST_FAILED /**< or all are settled */
} mproc_wait_for_e;

/**
 * Wait for several.
 * @param asyncs  count of them, of any pools; one may be there twice. Those of
 *                one manager are asked for all at once; beside others each one
 *                of a manager has a connection to itself
 * @param count   how many; 0 returns at once
 * @param until   what to wait for
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param settled receives how many are; may be NULL
 * @return APR_SUCCESS; APR_TIMEUP, and settled is true all the same;
 *         APR_EINVAL; MPROC_ESTATE; APR_ECONNRESET; APR_ENOMEM
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_wait_results(mproc_async_t *const *asyncs, apr_size_t count,
                   mproc_wait_for_e until, apr_interval_time_t timeout,
                   apr_size_t *settled);

/**
 * Wait for the next of several that is settled; call it until APR_EOF.
 * @param asyncs  count of them, as mproc_wait_results(); those that were told
 *                are NULL afterwards
 * @param count   how many
 * @param index   receives which
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS; APR_EOF when all are NULL; APR_TIMEUP; APR_EINVAL;
 *         MPROC_ESTATE; APR_ECONNRESET; APR_ENOMEM
 * @note Processes: the creator. Threads: any, the array in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_as_completed(mproc_async_t **asyncs, apr_size_t count, apr_size_t *index,
                   apr_interval_time_t timeout);

#ifdef __cplusplus
}
#endif

#endif
