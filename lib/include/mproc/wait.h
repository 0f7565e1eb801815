/**
 * @file wait.h
 * @brief Wait for any of several things at once.
 *
 * @code
 * mproc_waitable_t items[3] = {
 *     {MPROC_WAIT_QUEUE, queue, 0},
 *     {MPROC_WAIT_CONNECTION, connection, 0},
 *     {MPROC_WAIT_PROCESS, process, 0}};
 * int first;
 * if (mproc_wait(items, 3, MPROC_FOREVER, &first) == APR_SUCCESS) {
 *     for (i = first; i < 3; i++) {
 *         if (items[i].ready) { ... }
 *     }
 * }
 * @endcode
 */
#ifndef MPROC_WAIT_H
#define MPROC_WAIT_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What something is, and when it is ready. */
typedef enum mproc_waitable_e {
    MPROC_WAIT_PROCESS,    /**< mproc_process_t: it has ended */
    MPROC_WAIT_QUEUE,      /**< mproc_queue_t: a get would not wait */
    MPROC_WAIT_CONNECTION, /**< mproc_connection_t: a receive would not wait;
                                an end that only sends never is */
    MPROC_WAIT_EVENT,      /**< mproc_event_t: it is set */
    MPROC_WAIT_LISTENER    /**< mproc_listener_t: a client came, or one went on
                                with its proof: to accept may yet take a while,
                                so do it with a timeout */
} mproc_waitable_e;

/** Something to wait for. */
typedef struct mproc_waitable_t {
    mproc_waitable_e kind;
    void *object; /**< of that kind */
    int ready;    /**< set by mproc_wait(): 1 when it is */
} mproc_waitable_t;

/**
 * Wait until at least one thing is ready. Nothing is consumed: what is ready
 * stays so until somebody gets, receives or clears it, which others may do
 * before the caller does.
 * @param items   what to wait for; one may stand there twice; `ready` is set
 *                in each
 * @param count   how many; there is no limit. With 0 the time runs out
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param first   receives the index of the first that is ready, -1 when none
 *                is; may be NULL
 * @return APR_SUCCESS; APR_TIMEUP; MPROC_ECLOSED when a queue, connection or
 *         listener was closed by this process; MPROC_ESTATE for a process that
 *         was not started, or that another process started; APR_EINVAL when one
 *         is NULL, or not what its kind says; APR_ENOMEM
 * @note Processes: any; processes can be waited for by their parent. Threads:
 *       any. Fork: usable in the child. Waiting for a process starts the
 *       library's watcher thread; for a listener, or a connection by a
 *       socket, another one.
 */
MPROC_DECLARE(apr_status_t)
mproc_wait(mproc_waitable_t *items, int count, apr_interval_time_t timeout,
           int *first);

#ifdef __cplusplus
}
#endif

#endif
