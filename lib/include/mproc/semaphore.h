/**
 * @file semaphore.h
 * @brief Semaphores between processes: plain, bounded, and owned.
 *
 * @code
 * mproc_owned_semaphore_create(&seats, 3, pool);   // three at the table
 * ...
 * mproc_semaphore_acquire(seats, MPROC_FOREVER);
 * eat();
 * mproc_semaphore_release(seats);
 * @endcode
 *
 * What happens to the permits of a process that dies is chosen when the
 * semaphore is created. Those of a plain or bounded one are signals: nobody
 * owns them, anybody may release one, and a death changes nothing. Those of an
 * owned one belong to the process that acquired them: it alone can release
 * them, and when it ends, however, they come back by themselves.
 */
#ifndef MPROC_SEMAPHORE_H
#define MPROC_SEMAPHORE_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most permits of a plain or bounded semaphore. */
#define MPROC_SEMAPHORE_MAX 0x7fffffff
/** The most permits of an owned semaphore: 8 bytes of shared memory each. */
#define MPROC_SEMAPHORE_OWNED_MAX 65536

/** A semaphore of any form. Starts with the shared object's header. */
typedef struct mproc_semaphore_t mproc_semaphore_t;

/**
 * Create a semaphore whose permits are signals.
 * @param semaphore receives it
 * @param value     permits to begin with, 0 to MPROC_SEMAPHORE_MAX; releases
 *                  may bring it above that
 * @param pool      its lifetime here, or NULL: until mproc_semaphore_destroy()
 * @return APR_SUCCESS; APR_EINVAL for another value; APR_ENOMEM when the
 *         arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_semaphore_create(mproc_semaphore_t **semaphore, int value,
                       apr_pool_t *pool);

/**
 * The same, but no release brings it above the value that it began with.
 */
MPROC_DECLARE(apr_status_t)
mproc_bounded_semaphore_create(mproc_semaphore_t **semaphore, int value,
                               apr_pool_t *pool);

/**
 * Create a semaphore whose permits belong to processes: what a process has
 * acquired comes back when it dies, and nobody else can release it.
 * @param semaphore receives it
 * @param value     permits, 1 to MPROC_SEMAPHORE_OWNED_MAX; acquiring takes
 *                  longer the more there are
 * @param pool      its lifetime here, or NULL: until mproc_semaphore_destroy()
 * @return as mproc_semaphore_create()
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_owned_semaphore_create(mproc_semaphore_t **semaphore, int value,
                             apr_pool_t *pool);

/**
 * Take a permit; wait while there is none.
 * @param semaphore the semaphore
 * @param timeout   microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS; APR_TIMEUP; MPROC_EDEADLK, only without a limit, when
 *         nobody is left who could ever release one: no other process has the
 *         semaphore, and this one has no other thread (told on Linux);
 *         APR_EINVAL for NULL or what is no semaphore; APR_ENOMEM when this
 *         thread cannot be registered as a waiter
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_semaphore_acquire(mproc_semaphore_t *semaphore,
                        apr_interval_time_t timeout);

/**
 * Give a permit back, or a new one; one of those who wait goes on.
 * @param semaphore the semaphore
 * @return APR_SUCCESS; MPROC_ESTATE, and nothing changes: a bounded semaphore
 *         has all its permits, a plain one MPROC_SEMAPHORE_MAX, or the calling
 *         process has none of an owned one; APR_EINVAL for NULL or what is no
 *         semaphore
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_semaphore_release(mproc_semaphore_t *semaphore);

/**
 * Tell how many permits could be had just now.
 * @param semaphore the semaphore
 * @return permits, never negative; those of dead processes count where they
 *         come back
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_semaphore_value(mproc_semaphore_t *semaphore);

/**
 * Give up this process's use of the semaphore. The semaphore itself goes when
 * nobody has it any more, in no process and in no message.
 * @param semaphore the semaphore, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_semaphore_destroy(mproc_semaphore_t *semaphore);

#ifdef __cplusplus
}
#endif

#endif
