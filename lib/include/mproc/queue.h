/**
 * @file queue.h
 * @brief A queue between processes: any number put, any number get.
 *
 * @code
 * mproc_queue_create(&queue, 0, pool);
 * ...
 * mproc_queue_putf(queue, MPROC_FOREVER, "[i s]", 42, "hello");   // here
 * mproc_queue_getf(queue, MPROC_FOREVER, pool, "[i s]", &n, &text); // there
 * @endcode
 *
 * When a put has returned, the item is in the queue: whoever gets next may get
 * it, and it outlives the process that put it, which can end, or be joined, at
 * once, whatever is still in the queue. Items come in the order in which they
 * were put, whoever put them. Each goes to one getter. A process that is killed
 * in a put or a get leaves the queue whole: an item is in it or not. (Killed in
 * the last instructions of a get, the items that it was getting are gone with
 * the getter; an at-least-once queue, mproc_queue_create_with(), gives what was
 * taken out again.)
 *
 * An item is any run of bytes, of 0 bytes too. Small ones are copied into the
 * queue; large ones lie in memory of their own, and mproc_queue_reserve() and
 * mproc_queue_take() reach that without a copy. Objects in packed items (`o`)
 * live as long as the item names them.
 *
 * A queue has no feeder thread, no descriptor, no name. An empty one takes
 * less than 4 KiB.
 */
#ifndef MPROC_QUEUE_H
#define MPROC_QUEUE_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A queue. Starts with the shared object's header. */
typedef struct mproc_queue_t mproc_queue_t;

/**
 * Create a queue.
 * @param queue   receives it
 * @param maxsize how many items it takes before a put waits; 0: as many as
 *                the machine's memory
 * @param pool    its lifetime here, or NULL: until mproc_queue_destroy()
 * @return APR_SUCCESS; APR_ENOMEM when the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_create(mproc_queue_t **queue, apr_size_t maxsize, apr_pool_t *pool);

/** Options of mproc_queue_create_with(); all zero is mproc_queue_create(). */
typedef struct mproc_queue_options_t {
    apr_size_t maxsize; /**< items before a put waits; 0: as memory allows */
    int attempts;       /**< 0: at most once: what a process has taken or got
                             goes with it. More: at least once, see below */
    mproc_queue_t *dead_letters; /**< where items go that were given out so
                                      often; NULL: they are dropped */
} mproc_queue_options_t;

/**
 * Create a queue with options.
 *
 * With `attempts` it gives each item out at least once: what a process has
 * from mproc_queue_take() and not given back comes again when that process
 * dies, before all others; mproc_queue_attempt() tells the how manyth time it
 * is. Given out `attempts` times in vain, it goes to `dead_letters`. An item
 * is done when it is given back: mproc_queue_join() waits for that, and
 * mproc_queue_task_done() is not called. A get gives back at once. After a
 * shutdown, who gets waits for what others have taken.
 * @param queue   receives it
 * @param options copied
 * @param pool    its lifetime here, or NULL: until mproc_queue_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL, negative attempts, or dead letters
 *         that are no queue; APR_ENOMEM when the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_create_with(mproc_queue_t **queue,
                        const mproc_queue_options_t *options, apr_pool_t *pool);

/* ------------------------------------------------------------- put, get */

/**
 * Put a copy of an item; wait while the queue is full.
 * @param queue   the queue
 * @param item    its bytes; the caller keeps them
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS; APR_TIMEUP when it is still full; APR_EOF when it is
 *         shut down, or full and nobody is left to get; APR_ENOMEM when the
 *         arena or the machine is full (what is in the queue stays);
 *         MPROC_ETOOBIG for an item beyond 16 GiB; MPROC_ECLOSED; APR_EINVAL
 *         for NULL or what is no queue
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_put(mproc_queue_t *queue, mproc_bytes_t item,
                apr_interval_time_t timeout);

/**
 * Get the first item; wait while the queue is empty.
 * @param queue   the queue
 * @param item    receives its bytes, and a NUL behind them that does not count
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool    owns the bytes; NULL: the queue does, until it is destroyed
 *                in this process
 * @return APR_SUCCESS; APR_TIMEUP when it is still empty; APR_EOF when it is
 *         empty and shut down, or, only without a limit, nobody is left who
 *         could put: no other process has the queue, and this one has no
 *         other thread (told on Linux); APR_ENOMEM, and the item is still in
 *         the queue; MPROC_ECLOSED; APR_EINVAL for NULL or what is no queue
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_get(mproc_queue_t *queue, mproc_bytes_t *item,
                apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Get the first item into a buffer.
 * @param queue   the queue
 * @param buffer  receives its bytes
 * @param size    of the buffer, in bytes
 * @param length  receives how many bytes the item has
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_queue_get(); MPROC_ETOOBIG when it does not fit: the item
 *         is still in the queue, and length says what it needs
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_get_into(mproc_queue_t *queue, void *buffer, apr_size_t size,
                     apr_size_t *length, apr_interval_time_t timeout);

/**
 * Put packed values as one item.
 * @param queue   the queue
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param format  as in mproc_pack()
 * @return as mproc_queue_put() and mproc_pack()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_putf(mproc_queue_t *queue, apr_interval_time_t timeout,
                 const char *format, ...);

/**
 * Get an item and unpack its values.
 * @param queue   the queue
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool    owns what is unpacked; NULL: the queue does, until it is
 *                destroyed in this process
 * @param format  as in mproc_unpack()
 * @return as mproc_queue_get(); as mproc_unpack() when the item has other
 *         values: then it is taken off all the same
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_getf(mproc_queue_t *queue, apr_interval_time_t timeout,
                 apr_pool_t *pool, const char *format, ...);

/**
 * Put copies of several items, in order, at less cost than one by one.
 * @param queue   the queue
 * @param items   count items
 * @param count   how many
 * @param timeout microseconds for all together, MPROC_FOREVER or MPROC_NOWAIT
 * @param done    receives how many were put; may be NULL
 * @return APR_SUCCESS, all were put; else as mproc_queue_put(), and those
 *         before the failing one were
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_put_many(mproc_queue_t *queue, const mproc_bytes_t *items,
                     int count, apr_interval_time_t timeout, int *done);

/**
 * Get what is there, at least one item; wait while the queue is empty.
 * @param queue   the queue
 * @param items   receives them
 * @param most    room in items, at least 1
 * @param count   receives how many
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @param pool    owns the bytes; NULL: the queue does, until it is destroyed
 *                in this process
 * @return as mproc_queue_get()
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_get_many(mproc_queue_t *queue, mproc_bytes_t *items, int most,
                     int *count, apr_interval_time_t timeout, apr_pool_t *pool);

/* ------------------------------------------------------------ in place */

/**
 * Have memory for an item that is to be filled in place, in shared memory; wait
 * while the queue is full.
 * @param queue   the queue
 * @param size    of the item, in bytes
 * @param data    receives where to write it, aligned to 16; this process's
 *                until mproc_queue_commit() or mproc_queue_abandon(), and gone
 *                with it
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_queue_put()
 * @note Processes: any. Threads: any. Fork: the reservation stays the
 *       parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_reserve(mproc_queue_t *queue, apr_size_t size, void **data,
                    apr_interval_time_t timeout);

/**
 * Put the item that was filled. Never waits: a queue may for a moment have as
 * many items more than maxsize as were reserved at once.
 * @param queue the queue
 * @param data  from mproc_queue_reserve(), not to be touched any more
 * @return APR_SUCCESS; APR_EOF when the queue is shut down, APR_ENOMEM,
 *         MPROC_ECLOSED: then it is still reserved; APR_EINVAL when data is no
 *         reservation of this process
 * @note Processes: the one that reserved. Threads: any. Fork: the reservation
 *       stays the parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_commit(mproc_queue_t *queue, void *data);

/**
 * Give a reservation up.
 * @param queue the queue
 * @param data  from mproc_queue_reserve(), not to be touched any more
 * @return APR_SUCCESS; APR_EINVAL when data is no reservation of this process
 * @note As mproc_queue_commit().
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_abandon(mproc_queue_t *queue, void *data);

/**
 * Take the first item without copying it (small ones are copied); wait while
 * the queue is empty.
 * @param queue   the queue
 * @param item    receives where it is, aligned to 16; this process's, to read
 *                and to write, until mproc_queue_give_back(), and gone with it
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return as mproc_queue_get()
 * @note Processes: any. Threads: any. Fork: the item stays the parent's.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_take(mproc_queue_t *queue, mproc_bytes_t *item,
                 apr_interval_time_t timeout);

/**
 * Be done with an item that was taken.
 * @param queue the queue
 * @param item  from mproc_queue_take(), not to be touched any more
 * @return APR_SUCCESS; APR_EINVAL when this process has taken no such item
 * @note Processes: the one that took it. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_give_back(mproc_queue_t *queue, mproc_bytes_t item);

/**
 * Tell how often an item of an at-least-once queue has been given out.
 * @param queue the queue
 * @param item  from mproc_queue_take(), not yet given back
 * @return 1 for the first time, and so on; 0 when this process has no such
 *         item of such a queue
 * @note Processes: the one that took it. Threads: any.
 */
MPROC_DECLARE(int)
mproc_queue_attempt(mproc_queue_t *queue, mproc_bytes_t item);

/* ----------------------------------------------------------- how it stands */

/**
 * Count the items. A snapshot: exact when nobody puts or gets.
 * @param queue the queue
 * @return items
 * @note Processes: any. Threads: any. Fork: usable in the child. Never waits.
 */
MPROC_DECLARE(apr_size_t) mproc_queue_size(mproc_queue_t *queue);

/** Whether there is no item, just now. */
MPROC_DECLARE(int) mproc_queue_empty(mproc_queue_t *queue);

/** Whether a put would wait, just now; never with a maxsize of 0. */
MPROC_DECLARE(int) mproc_queue_full(mproc_queue_t *queue);

/**
 * Tell that a task that was an item is done. Join waits for that.
 * @param queue the queue
 * @return APR_SUCCESS; MPROC_ESTATE when it is said more often than items were
 *         put, nothing changes; APR_EINVAL for NULL or what is no queue
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_queue_task_done(mproc_queue_t *queue);

/**
 * Wait until every item that was put has been told to be done.
 * @param queue   the queue
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS; MPROC_EWORKERLOST: all is done but what processes had
 *         got that died before they told, and will not be; or, only without a
 *         limit, nobody is left who could do the rest; APR_TIMEUP; APR_EINVAL
 *         for NULL or what is no queue; APR_ENOMEM when this thread cannot be
 *         registered as a waiter
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_join(mproc_queue_t *queue, apr_interval_time_t timeout);

/* -------------------------------------------------------------------- ends */

/**
 * Close the queue for this process: what it calls from now on is
 * MPROC_ECLOSED, also what waits just now. The items stay for others.
 * @param queue the queue; closed already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no queue
 * @note Processes: only this one's use ends. Threads: any. Fork: the child has
 *       it closed, too.
 */
MPROC_DECLARE(apr_status_t) mproc_queue_close(mproc_queue_t *queue);

/**
 * Shut the queue down for everybody: nothing is put any more, and who gets is
 * told APR_EOF when all is got. Who waits goes on.
 * @param queue     the queue; shut down already is fine
 * @param immediate not 0: what is in it is dropped, and counts as done
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no queue; APR_ENOMEM when
 *         this thread cannot be registered
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_queue_shutdown(mproc_queue_t *queue, int immediate);

/**
 * Give up this process's use of the queue. The queue itself, with what is in
 * it, goes when nobody has it any more, in no process and in no message.
 * @param queue the queue, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_queue_destroy(mproc_queue_t *queue);

#ifdef __cplusplus
}
#endif

#endif
