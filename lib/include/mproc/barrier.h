/**
 * @file barrier.h
 * @brief A barrier between processes: all wait until all have come.
 *
 * @code
 * mproc_barrier_create(&barrier, 4, NULL, NULL, pool);
 * ...
 * mproc_barrier_wait(barrier, &index, MPROC_FOREVER);     // in each of four
 * if (index == 0) {
 *     one_of_them();
 * }
 * @endcode
 *
 * When a process that waits here dies, the barrier is broken at once and the
 * others go on with MPROC_EBROKEN: the dead is never counted.
 */
#ifndef MPROC_BARRIER_H
#define MPROC_BARRIER_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most parties. */
#define MPROC_BARRIER_PARTIES_MAX 65536

/** A barrier. Starts with the shared object's header. */
typedef struct mproc_barrier_t mproc_barrier_t;

/**
 * What the last to arrive runs, before any goes on, once a round.
 * @param baton as mproc_barrier_create() says
 * @return APR_SUCCESS; anything else breaks the barrier, and is what the wait
 *         of the last to arrive returns
 */
typedef apr_status_t (*mproc_barrier_action_fn_t)(void *baton);

/**
 * Create a barrier.
 * @param barrier receives it
 * @param parties how many must come, 1 to MPROC_BARRIER_PARTIES_MAX
 * @param action  run in the process of the last to arrive, which finds it by
 *                its place in its module; or NULL
 * @param baton   for the action. A place in shared memory, such as
 *                mproc_value_data(), is translated to where that process has
 *                it (keep the value while the barrier is in use); anything
 *                else arrives as it is: a pointer to other memory means
 *                nothing in another process
 * @param pool    its lifetime here, or NULL: until mproc_barrier_destroy()
 * @return APR_SUCCESS; APR_EINVAL for another number of parties;
 *         MPROC_EMODULE when the action lies in no module; APR_ENOMEM when
 *         the arena or the machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_barrier_create(mproc_barrier_t **barrier, int parties,
                     mproc_barrier_action_fn_t action, void *baton,
                     apr_pool_t *pool);

/**
 * Wait until all parties wait; then all go on, and the next round begins.
 * @param barrier the barrier
 * @param index   receives a number from 0 to parties - 1, another for each
 *                party of the round; may be NULL
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT. When it runs
 *                out, the barrier is broken for all
 * @return APR_SUCCESS; MPROC_EBROKEN: the barrier is broken, or was broken
 *         or reset during the wait: a time ran out, here or at another
 *         party, mproc_barrier_abort() or _reset() was called, a waiting
 *         process died, or the action failed; what the action returned, for
 *         the last to arrive; MPROC_EMODULE when the action is not to be
 *         found here; APR_TIMEUP, and the barrier is as it was: parties of
 *         the last round had yet to leave; MPROC_EDEADLK, only without a
 *         limit, broken: nobody else has the barrier (told on Linux);
 *         APR_EINVAL for NULL or what is no barrier; APR_ENOMEM when this
 *         thread cannot be registered as a waiter, which breaks it, too
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_barrier_wait(mproc_barrier_t *barrier, int *index,
                   apr_interval_time_t timeout);

/**
 * Break the barrier: all who wait, and who come later, get MPROC_EBROKEN.
 * @param barrier the barrier; broken already is fine
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no barrier
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_barrier_abort(mproc_barrier_t *barrier);

/**
 * Make the barrier empty and usable; all who wait get MPROC_EBROKEN.
 * @param barrier the barrier, broken or not; idle: nothing happens
 * @return APR_SUCCESS; APR_EINVAL for NULL or what is no barrier
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_barrier_reset(mproc_barrier_t *barrier);

/**
 * Tell how many must come.
 * @param barrier the barrier
 * @return parties
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_barrier_parties(mproc_barrier_t *barrier);

/**
 * Tell how many wait just now.
 * @param barrier the barrier
 * @return parties that have arrived and live; 0 when it is broken
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_barrier_waiting(mproc_barrier_t *barrier);

/**
 * Ask whether the barrier is broken.
 * @param barrier the barrier
 * @return 1 when it is; else 0
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_barrier_is_broken(mproc_barrier_t *barrier);

/**
 * Give up this process's use of the barrier. The barrier itself goes when
 * nobody has it any more, in no process and in no message.
 * @param barrier the barrier, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_barrier_destroy(mproc_barrier_t *barrier);

#ifdef __cplusplus
}
#endif

#endif
