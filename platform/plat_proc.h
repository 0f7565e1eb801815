/**
 * @file plat_proc.h
 * @brief Contract: start a process, wait for it, signal it.
 *
 * Beside APR because `apr_proc_create` copies a large parent, reports a
 * missing program as started, and lets every inheritable handle in;
 * `apr_proc_wait` has no timeout and mistakes a stopped child; and
 * `apr_proc_kill` hits whoever has the pid now.
 */
#ifndef MPROC_PLAT_PROC_H
#define MPROC_PLAT_PROC_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_time.h>

/** A process that this one started, or its parent. Plain memory: not
 *  shared, no lock inside. */
typedef struct mproc_plat_proc_t {
    apr_int64_t pid;
    apr_int64_t handle; /**< becomes ready when it has ended: descriptor to
                             poll for input, or HANDLE; -1: none */
    int child;          /**< 1: ours to wait for; 0: looked at only */
} mproc_plat_proc_t;

/** How a process ended. */
typedef struct mproc_plat_exit_t {
    int known;  /**< 0: ended, but nobody can tell how */
    int code;   /**< exit code; -N when signal N ended it */
    int signal; /**< N, or 0; on Windows 15 after mproc_plat_proc_signal */
    int core;   /**< 1: the system says that it left a core file */
} mproc_plat_exit_t;

/** What to spawn. */
typedef struct mproc_plat_spawn_t {
    const char *program;            /**< path; NULL: this program again */
    const char *const *argv;        /**< NULL-terminated, argv[0] included */
    const char *const *environment; /**< "NAME=value"; NULL: as now */
    const char *directory;          /**< NULL: as now */
    apr_file_t *stream[3];          /**< stdin, stdout, stderr; NULL: the null
                                         device for stdin, else as now */
    const apr_int64_t *inherit;     /**< handles that keep their numbers */
    int inherit_count;
    int detached; /**< may outlive its parent: in no job that ends with it */
} mproc_plat_spawn_t;

/** What to send. */
typedef enum mproc_plat_signal_e {
    MPROC_PLAT_INTERRUPT,
    MPROC_PLAT_TERMINATE,
    MPROC_PLAT_KILL
} mproc_plat_signal_e;

/** Whether fork, and with it the channel of plat_channel.h, exists here. */
int mproc_plat_proc_can_fork(void);

/**
 * Fork, as the caller's child. stdio is the caller's matter.
 * @return APR_INPARENT, proc filled in; APR_INCHILD; the system's status.
 *         APR_ENOTIMPL where there is no fork.
 */
apr_status_t mproc_plat_proc_fork(mproc_plat_proc_t *proc, apr_pool_t *pool);

/**
 * Start a program. Nothing but the three streams and `inherit` reaches it;
 * the caller is not copied. A program that cannot be run is an error here.
 * @return APR_SUCCESS; APR_ENOENT, APR_EACCES ...; APR_ENOTDIR or APR_ENOENT
 *         for the directory too
 */
apr_status_t mproc_plat_proc_spawn(mproc_plat_proc_t *proc,
                                   const mproc_plat_spawn_t *spawn,
                                   apr_pool_t *pool);

/**
 * Give a handle on the calling process, that tells a child of our end. One
 * for the whole process, made at the first call; in a forked child the
 * former is the parent's and a new one is made.
 * @return APR_SUCCESS; self->handle goes into `inherit`, or stays open
 *         through a fork
 */
apr_status_t mproc_plat_proc_self(mproc_plat_proc_t *self);

/**
 * In a child: take the parent's handle, inherited by spawn, by fork or
 * through a channel, and make it not inheritable again.
 */
apr_status_t mproc_plat_proc_adopt(mproc_plat_proc_t *parent, apr_int64_t pid,
                                   apr_int64_t handle);

/**
 * Wait until a process has ended; collect it when it is ours. Threads: one
 * at a time for one proc, except with deadline 0.
 * @param exit receives how, when proc->child
 * @return APR_SUCCESS; APR_TIMEUP. Somebody else collected it: APR_SUCCESS,
 *         not known.
 */
apr_status_t mproc_plat_proc_wait(mproc_plat_proc_t *proc, apr_time_t deadline,
                                  mproc_plat_exit_t *exit);

/**
 * Wait until a process has ended, and collect nothing. Threads: any number
 * at once, also beside one that collects.
 * @return APR_SUCCESS, also when it has been collected; APR_TIMEUP
 */
apr_status_t mproc_plat_proc_look(const mproc_plat_proc_t *proc,
                                  apr_time_t deadline);

/** Signal it, never a stranger with the same pid. Ended already: success.
 *  APR_ENOTIMPL for what the system lacks. */
apr_status_t mproc_plat_proc_signal(mproc_plat_proc_t *proc,
                                    mproc_plat_signal_e what);

/** 1: a child is stopped, as by SIGSTOP or by its terminal; 0: it is not, or
 *  the system has no such state, or does not tell. Who is held by a debugger
 *  is not stopped. */
int mproc_plat_proc_is_stopped(const mproc_plat_proc_t *proc);

/** Close the handle. Does not end the process. */
void mproc_plat_proc_release(mproc_plat_proc_t *proc);

/** Replace standard streams of the calling process; NULL: the null device
 *  for stdin, else unchanged. */
apr_status_t mproc_plat_proc_streams(apr_file_t *const stream[3],
                                     apr_pool_t *pool);

/** End the calling process as a kill would, at once. */
void mproc_plat_proc_die(void);

#endif
