/**
 * @file event.h
 * @brief An event between processes: a gate that is open or shut.
 *
 * @code
 * mproc_event_wait(event, MPROC_FOREVER);     // in the children
 * mproc_event_set(event);                     // in the parent: all go on
 * @endcode
 *
 * Whoever waits while the event is set is released, even when the event is
 * cleared again at once: a sequence number tells.
 */
#ifndef MPROC_EVENT_H
#define MPROC_EVENT_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An event. Starts with the shared object's header. */
typedef struct mproc_event_t mproc_event_t;

/**
 * Create an event, not set.
 * @param event receives it
 * @param pool  its lifetime here, or NULL: until mproc_event_destroy()
 * @return APR_SUCCESS; APR_ENOMEM when the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_event_create(mproc_event_t **event, apr_pool_t *pool);

/**
 * Set the event: it stays set, and all who wait go on.
 * @param event the event; set already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child. Never
 *       waits for the woken.
 */
MPROC_DECLARE(apr_status_t) mproc_event_set(mproc_event_t *event);

/**
 * Clear the event: from now on waiters wait.
 * @param event the event; cleared already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_event_clear(mproc_event_t *event);

/**
 * Ask whether the event is set just now.
 * @param event the event
 * @return 1 when set, else 0
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_event_is_set(mproc_event_t *event);

/**
 * Wait until the event is set.
 * @param event   the event
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS when it is set or was set during the wait;
 *         APR_TIMEUP; MPROC_EDEADLK, only without a limit, when nobody is
 *         left who could ever set it: no other process has the event, and
 *         this one has no other thread (told on Linux); APR_EINVAL for NULL
 *         or what is no event; APR_ENOMEM when this thread cannot be
 *         registered as a waiter
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_event_wait(mproc_event_t *event, apr_interval_time_t timeout);

/**
 * Give up this process's use of the event.
 * @param event the event, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_event_destroy(mproc_event_t *event);

#ifdef __cplusplus
}
#endif

#endif
