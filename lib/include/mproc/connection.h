/**
 * @file connection.h
 * @brief Messages between two ends: pipes, and streams to other programs.
 *
 * @code
 * mproc_connection_t *here, *there;
 * mproc_pipe_create(&here, &there, 1, pool);
 * mproc_process_create(&process, talk, NULL, pool, "o", there);
 * mproc_process_start(process);
 * mproc_connection_close(there);          // the child's now
 * mproc_connection_sendf(here, "[i s]", 42, "hello");
 * mproc_connection_recvf(here, pool, "s", &answer);
 * @endcode
 *
 * One send is one receive: messages are never merged, split, torn or mixed,
 * however many processes and threads use an end at once, and whoever is killed
 * when. When the other end is closed in all processes that had it, or they
 * died, what was sent before is still received, then comes APR_EOF.
 *
 * A pipe lies in shared memory and has no descriptor, so an end can be passed
 * on in arguments and messages with `o`. A child that was forked has only
 * those ends that it was passed. What was sent and not received, an end in it
 * included, stays until both ends are gone. Of a child that was passed an end
 * the death is noticed at once; of others by who waits, within 100 ms.
 *
 * An end that a listener or a client gave (listener.h) is the same type, by a
 * socket. It stays in its process, and shared objects cannot be sent by it;
 * and since a socket has no room for whole messages, a message can be torn:
 * by a peer that dies while it sends, or by a send whose time runs out in the
 * middle. The end then says so, and never goes on behind half a message.
 */
#ifndef MPROC_CONNECTION_H
#define MPROC_CONNECTION_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One end. Starts with the shared object's header. */
typedef struct mproc_connection_t mproc_connection_t;

/**
 * Create a pipe.
 * @param a      receives one end
 * @param b      receives the other one
 * @param duplex not 0: both ends send and receive; 0: a receives, b sends
 * @param pool   lifetime of both here, or NULL: until
 *               mproc_connection_destroy()
 * @return APR_SUCCESS; APR_ENOMEM when the arena or the machine is full;
 *         APR_EINVAL for NULL
 * @note Processes: pass an end on with `o`. Threads: any. Fork: usable in the
 *       child, by mproc's own fork when it was passed.
 */
MPROC_DECLARE(apr_status_t)
mproc_pipe_create(mproc_connection_t **a, mproc_connection_t **b, int duplex,
                  apr_pool_t *pool);

/**
 * Send a message; wait while a thousand are under way, or the socket is full.
 * @param connection an end that sends
 * @param message    its bytes, also none; the caller keeps them
 * @return APR_SUCCESS; APR_EPIPE when nobody has the other end any more;
 *         APR_TIMEUP after the time of mproc_connection_set_timeout(), nothing
 *         sent; APR_ENOMEM when the arena or the machine is full, nothing
 *         sent; MPROC_ESTATE for an end that only receives; MPROC_ECLOSED;
 *         APR_EINVAL for NULL or what is no connection. By a socket also
 *         APR_ECONNRESET; and MPROC_EBROKEN when the time ran out in the
 *         middle of this message or of one before: nothing can be sent any
 *         more. Never a signal
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_send(mproc_connection_t *connection, mproc_bytes_t message);

/**
 * Send packed values as one message.
 * @param connection an end that sends
 * @param format     as in mproc_pack()
 * @return as mproc_connection_send() and mproc_pack(); APR_EINVAL for an `o`
 *         by a socket
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_sendf(mproc_connection_t *connection, const char *format, ...);

/**
 * Receive a message; wait until there is one.
 * @param connection an end that receives
 * @param message    receives its bytes, and a NUL behind them that does not
 *                   count
 * @param pool       owns the bytes; NULL: the connection does, until it is
 *                   destroyed
 * @return APR_SUCCESS; APR_EOF when all is received and nobody has the other
 *         end any more, again and again; APR_TIMEUP after the time of
 *         mproc_connection_set_timeout(); MPROC_ETOOBIG when the message is
 *         beyond mproc_connection_set_limit(): it is dropped whole; APR_ENOMEM,
 *         the message is still there; MPROC_ESTATE for an end that only sends;
 *         MPROC_ECLOSED; APR_EINVAL for NULL or what is no connection. By a
 *         socket also APR_ECONNRESET, and MPROC_EFORMAT when a message was
 *         torn or what came is none: nothing can be received any more. What
 *         has come of a message when the time is over is kept for the next
 *         call
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_recv(mproc_connection_t *connection, mproc_bytes_t *message,
                      apr_pool_t *pool);

/**
 * Receive a message and unpack its values.
 * @param connection an end that receives
 * @param pool       owns what is unpacked; NULL: the connection does, until it
 *                   is destroyed
 * @param format     as in mproc_unpack()
 * @return as mproc_connection_recv(); as mproc_unpack() when the message has
 *         other values: it is received all the same. MPROC_EFORMAT when one
 *         that came by a socket names a shared object
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_recvf(mproc_connection_t *connection, apr_pool_t *pool,
                       const char *format, ...);

/**
 * Receive a message into a buffer.
 * @param connection an end that receives
 * @param buffer     receives its bytes
 * @param size       of the buffer, in bytes
 * @param length     receives how many bytes the message has
 * @return as mproc_connection_recv(); MPROC_ETOOBIG also when it does not fit
 *         into the buffer: it is still there, and length says what it needs
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_recv_into(mproc_connection_t *connection, void *buffer,
                           apr_size_t size, apr_size_t *length);

/**
 * Wait until a receive would not wait. Takes nothing.
 * @param connection an end that receives
 * @param timeout    microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS when a message is there, or the end of all; APR_TIMEUP;
 *         MPROC_ESTATE for an end that only sends; MPROC_ECLOSED; APR_EINVAL;
 *         APR_ENOMEM when this thread cannot be registered as a waiter
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_poll(mproc_connection_t *connection,
                      apr_interval_time_t timeout);

/**
 * Limit the time of each send and receive from now on.
 * @param connection the end
 * @param timeout    microseconds; MPROC_FOREVER, as at the beginning, or
 *                   MPROC_NOWAIT
 * @return APR_SUCCESS; MPROC_ECLOSED; APR_EINVAL
 * @note Processes: the calling one. Threads: any; concerns all of them.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_set_timeout(mproc_connection_t *connection,
                             apr_interval_time_t timeout);

/**
 * Limit the messages that are received from now on.
 * @param connection the end
 * @param size       bytes at most; a longer message is dropped with
 *                   MPROC_ETOOBIG. 0, as at the beginning of a pipe: no limit
 * @return APR_SUCCESS; MPROC_ECLOSED; APR_EINVAL
 * @note Processes: the calling one. Threads: any; concerns all of them.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_set_limit(mproc_connection_t *connection, apr_size_t size);

/**
 * Tell who is at the other end.
 * @param connection the end
 * @return an address such as "tcp:127.0.0.1:4711", of a client its own; the
 *         listener's for unix: and pipe:; "" for a pipe. As long as the
 * connection
 * @note Processes: the calling one. Threads: any.
 */
MPROC_DECLARE(const char *)
mproc_connection_peer(mproc_connection_t *connection);

/** Whether this end receives; whether it sends; whether it is closed here. */
MPROC_DECLARE(int) mproc_connection_readable(mproc_connection_t *connection);
MPROC_DECLARE(int) mproc_connection_writable(mproc_connection_t *connection);
MPROC_DECLARE(int) mproc_connection_closed(mproc_connection_t *connection);

/**
 * Close the end in this process. Who waits here goes on with MPROC_ECLOSED.
 * Other processes that have it keep it; when none has, the other end comes to
 * its end.
 * @param connection the end; closed already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no connection
 * @note Processes: only this one's use ends. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_connection_close(mproc_connection_t *connection);

/**
 * Close the end, and free what this process has of it.
 * @param connection the end, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_connection_destroy(mproc_connection_t *connection);

#ifdef __cplusplus
}
#endif

#endif
