/**
 * @file wait.h
 * @brief Wait for any of several things at once; or have a foreign event loop
 * (poll, epoll, libuv, GLib) wait for them.
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
 *
 * In a loop, here libuv's:
 * @code
 * mproc_waitable_t item = {MPROC_WAIT_QUEUE, queue, 0};
 * apr_int64_t handle;
 * mproc_waitable_handle(&item, &handle);
 * uv_poll_init(loop, &poll, (int)handle);
 * uv_poll_start(&poll, UV_READABLE, on_ready);
 *
 * static void on_ready(uv_poll_t *poll, int status, int events)
 * {
 *     while (mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &number) ==
 *            APR_SUCCESS) { ... }
 * }
 * @endcode
 *
 * A manager's queues and events, and what was sent to a manager's pool, are
 * waited for beside all others. A call asks the server first, for one after the
 * other. Each one that it then has to wait for, or give a handle of, has a
 * connection of its own to the server, until it is destroyed: descriptors here
 * and there, and one more of the server's max_clients. What the server cannot
 * be asked for is ready: the call that follows tells why (APR_ECONNRESET when
 * it is gone).
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
    MPROC_WAIT_LISTENER,   /**< mproc_listener_t: a client came, or one went on
                                with its proof: to accept may yet take a while,
                                so do it with a timeout */
    MPROC_WAIT_ASYNC       /**< mproc_async_t: it is settled, and its callback
                                has returned; it stays so */
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
 *         was not started, or that another process started, for an async of
 *         another process, or when it would wait for one in a callback of its
 *         pool; APR_EINVAL when one is NULL, or not what its kind says;
 *         APR_ENOMEM; for what is a manager's also as mproc_client_connect()
 * @note Processes: any; processes can be waited for by their parent. Threads:
 *       any. Fork: usable in the child. Waiting for a process starts the
 *       library's watcher thread; for a listener, or a connection by a
 *       socket, another one.
 */
MPROC_DECLARE(apr_status_t)
mproc_wait(mproc_waitable_t *items, int count, apr_interval_time_t timeout,
           int *first);

/**
 * Give a handle that an event loop of another kind can wait for: on Unix a
 * descriptor to poll for input (POLLIN, EPOLLIN, UV_READABLE, G_IO_IN), on
 * Windows a HANDLE for WaitForMultipleObjects() and its like. It is ready
 * when the thing is, as mproc_waitable_e says.
 *
 * It becomes ready
 * - in this call, when the thing is ready already;
 * - else as soon as it becomes so, whoever in the tree is the cause: a put, a
 *   set, an end, a death, a close by this process. The library's thread needs
 *   to run for it once.
 *
 * It stays ready as long as the thing does, and becomes unready
 * - at once in a call of this process that finds the thing not ready, or takes
 *   what made it so: a get, take, receive, poll or accept, the clearing of an
 *   event, a look at it, mproc_wait(); also when that call does not wait
 *   (MPROC_NOWAIT). There is nothing to be rearmed;
 * - within about 100 ms when another process took or cleared it, and this one
 *   has not called anything; but what is a manager's only in such a call.
 *
 * What is a manager's and still ready after such a call may be unready for the
 * time of an answer.
 *
 * So it may be ready and the thing is not any more: get with MPROC_NOWAIT, for
 * a connection poll first, and take APR_TIMEUP as a no. Several processes may
 * have handles of one thing; all become ready, one gets. A loop that is told of
 * edges only (EPOLLET) must get until APR_TIMEUP. A process stays ready:
 * mproc_process_join() does not wait then, but for its fork server to tell how
 * it ended.
 *
 * Nothing is read from or written to the handle, and nobody but the library
 * closes it: with the object (its destroy, or its pool), or by
 * mproc_waitable_close(). Take it out of the loop before. A queue, connection
 * or listener that this process closes is ready for good: a get returns
 * MPROC_ECLOSED.
 *
 * @param item   kind and object; `ready` is left alone. It need not stay
 * @param handle receives the handle: the same one again as long as the object
 *               has it; else -1
 * @return APR_SUCCESS; MPROC_ESTATE for an end that only sends, which is never
 *         ready, and for a process that was not started, or that another
 *         process started, or an async of another process; MPROC_ECLOSED;
 *         APR_ECONNRESET, or as mproc_client_connect(), for what is a
 *         manager's;
 *         APR_EINVAL when something is NULL, or not what its kind says;
 *         APR_ENOMEM, or the system's status when it has no more descriptors
 *         or threads
 * @note Processes: any; the handle is the calling one's. Threads: any. While
 *       there are handles a thread of the library's runs, but not for those of
 *       processes where the system has some itself. There is no limit to their
 *       number but the system's; a turn of the thread takes longer with more
 *       of them, as poll() does. Fork: the child has none of them, they are
 *       closed; it asks anew. A program that is started inherits none. Who
 *       never calls this pays nothing; what stays ready costs a look every
 *       100 ms.
 */
MPROC_DECLARE(apr_status_t)
mproc_waitable_handle(const mproc_waitable_t *item, apr_int64_t *handle);

/**
 * Close the handle of something that is still used otherwise. A process's own
 * handle stays.
 * @param item kind and object; one without a handle is fine
 * @return APR_SUCCESS; otherwise as mproc_waitable_handle()
 * @note Processes: only this one's handle is closed. Threads: any, none waits
 *       for the handle any more. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_waitable_close(const mproc_waitable_t *item);

#ifdef __cplusplus
}
#endif

#endif
