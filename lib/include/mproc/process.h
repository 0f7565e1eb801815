/**
 * @file process.h
 * @brief Processes: run a function of this program in a process of its own.
 *
 * @code
 * static int hello(mproc_bytes_t args, apr_pool_t *pool)
 * {
 *     const char *whom;
 *     if (mproc_unpack(args, pool, "s", &whom) != APR_SUCCESS) {
 *         return 1;
 *     }
 *     return printf("hello, %s\n", whom) < 0;
 * }
 * ...
 * mproc_initialize(argc, argv);                  // first line of main
 * mproc_process_create(&process, hello, NULL, pool, "s", "world");
 * mproc_process_start(process);
 * mproc_process_join(process, MPROC_FOREVER);
 * @endcode
 *
 * **Start methods.** `spawn` (the default, everywhere) starts the program
 * afresh and never copies a large parent; `fork` copies the caller as it is
 * (not on Windows, and unwise with several threads: in the child only what
 * is async-signal-safe may be relied on, but for mproc's own calls);
 * `forkserver` asks a clean, single-threaded helper to fork (not on
 * Windows). A child's children start by the method of the child.
 *
 * **Ends.** When the main process ends normally (return from main, exit),
 * daemonic children are terminated and joined, then the others are waited
 * for. When a process is killed or crashes, its children end with it, but
 * for those started with `detached`. A child ends when its target returns,
 * or by exit(): first its own children are ended and joined as above, then
 * what it registered with atexit() runs, then stdio is flushed. In a child
 * that was forked nothing runs that its parent registered with atexit(), and
 * what was registered in the child runs first (where the C library does not
 * tell at-exit functions the code, an exit() in the target runs all). Threads
 * of the target end with it: join them.
 *
 * A child that is stopped (SIGSTOP) when its parent is killed ends when it is
 * continued. A forked child's end flushes stdio, and so waits for a thread of
 * its own that is blocked in a read of stdio.
 *
 * **Guests.** mproc installs no signal handler, waits for no process that it
 * did not start, and lets no descriptor or handle into a child but the
 * standard streams. It starts one thread of its own (with all signals
 * blocked) in every child that is not detached, to watch the parent, and one
 * in a process that creates a pool, to watch the workers. A thread that is
 * cancelled (pthread_cancel) within a call keeps nothing locked, and
 * mproc_process_start() is done whole, or not begun. The first thread of a
 * forked child may be one that cannot be cancelled until it says so.
 */
#ifndef MPROC_PROCESS_H
#define MPROC_PROCESS_H

#include <apr_file_io.h>

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A process, started or to be started by this one. */
typedef struct mproc_process_t mproc_process_t;

/**
 * What runs in a process.
 * @param args the packed arguments, to be read by mproc_unpack()
 * @param pool lives as long as the process
 * @return the exit code: 8 bits of it on POSIX, 32 on Windows
 */
typedef int (*mproc_target_fn_t)(mproc_bytes_t args, apr_pool_t *pool);

/** How a child comes to be. */
typedef enum mproc_start_method_e {
    MPROC_START_DEFAULT,   /**< what mproc_set_start_method() chose */
    MPROC_START_FORK,      /**< a copy of the caller; not on Windows */
    MPROC_START_SPAWN,     /**< the program started afresh */
    MPROC_START_FORKSERVER /**< a copy of a clean server; not on Windows */
} mproc_start_method_e;

/** Options of mproc_process_create(); all zero is the default. */
typedef struct mproc_process_options_t {
    const char *name; /**< NULL: "Process-N", N counting from 1, nested
                           "Process-2:1"; with a start_method of its own
                           "ForkProcess-N", "SpawnProcess-N" and so on */
    int daemon;       /**< not 0: ended when its parent ends normally; may
                           not start processes itself */
    int detached;     /**< not 0: lives on when its parent is killed */
    mproc_start_method_e start_method;
    const char *directory; /**< to run in; NULL: the caller's at the start */
    const char *const *environment; /**< "NAME=value" ..., NULL; or NULL: the
                                         caller's at the start (forkserver:
                                         when the server was started) */
    apr_file_t *input;     /**< NULL: the null device. These three must stay
                                open until the start */
    apr_file_t *output;    /**< NULL: the caller's */
    apr_file_t *error;     /**< NULL: the caller's */
    mproc_bytes_t authkey; /**< size 0: the caller's */
} mproc_process_options_t;

/* ------------------------------------------------------- the library */

/**
 * Ready the library; the first call in main. In a process that was spawned
 * it runs the target and exits with its result: it does not return there.
 * Elsewhere it returns, and has registered mproc_shutdown() with atexit().
 * When the environment has MPROC_TRACE=FILE, that file is made anew, and all
 * processes of the tree but detached ones append to it when they lived, what
 * they waited for and how they died: a timeline in Chrome's trace format. A
 * file that cannot be written is passed over.
 * @param argc,argv as main got them; must stay valid. 0 and NULL are fine in
 *                  a program that only forks, or with mproc_set_executable()
 * @return APR_SUCCESS, also when called again; else the status of APR's
 *         initialisation
 * @note Processes: each program once. Threads: before any are started.
 */
MPROC_DECLARE(apr_status_t)
mproc_initialize(int argc, const char *const *argv);

/**
 * Tell the arguments that the program was started with.
 * @param argc receives how many; may be NULL
 * @return argv as mproc_initialize() was given it; in a child its parent's,
 *         without what mproc adds for itself. Ends with NULL; NULL when there
 *         is none.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const char *const *) mproc_arguments(int *argc);

/**
 * End what a normal end ends: daemonic children are terminated and joined,
 * the others are waited for. Runs by itself at exit(); harmless when called
 * earlier or twice.
 * @note Processes: concerns the caller's children only. Threads: one.
 *       Fork: in a forked child it concerns the child's own children.
 */
MPROC_DECLARE(void) mproc_shutdown(void);

/**
 * Choose whether exit() runs mproc_shutdown(). A host that ends its children
 * in its own way turns it off.
 * @param enabled 0: do nothing at exit
 * @note Processes: the calling one. Threads: one.
 */
MPROC_DECLARE(void) mproc_shutdown_at_exit(int enabled);

/**
 * Name the program that spawn starts. For a host whose `main` is not ours (a
 * plug-in, a language runtime): the installed launcher `mproc-host`, which
 * loads the module that the target lives in. Counts as mproc_initialize().
 * @param path of the program; copied. NULL: this program again
 * @return APR_SUCCESS; APR_ENOENT or the system's status when there is no
 *         such program or it cannot be run; APR_ENOMEM
 * @note Processes: the calling one, and its descendants. Threads: one.
 */
MPROC_DECLARE(apr_status_t) mproc_set_executable(const char *path);

/**
 * Choose the start method of this program, once.
 * @param method which; MPROC_START_DEFAULT fixes the default, spawn
 * @return APR_SUCCESS; MPROC_ESTATE when it is fixed already: by this call,
 *         or by a process that was started with MPROC_START_DEFAULT;
 *         APR_ENOTIMPL when this system lacks it; APR_EINVAL
 * @note Processes: the calling one; a child has the method that it was
 *       started by. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_start_method(mproc_start_method_e method);

/**
 * Ask for the start method.
 * @param allow_unset not 0: return MPROC_START_DEFAULT while none is fixed;
 *                    0: fix the default
 * @return the method
 * @note Processes: the calling one. Threads: any.
 */
MPROC_DECLARE(mproc_start_method_e) mproc_get_start_method(int allow_unset);

/**
 * List the methods that work here, the default first.
 * @param methods receives an array of mproc_start_method_e
 * @param pool    owns it
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_start_methods(apr_array_header_t **methods, apr_pool_t *pool);

/** What a failing preload does to the fork server. */
typedef enum mproc_preload_error_e {
    MPROC_PRELOAD_FAIL,  /**< the server ends; starts fail with the status */
    MPROC_PRELOAD_WARN,  /**< one line on stderr, then serve */
    MPROC_PRELOAD_IGNORE /**< serve */
} mproc_preload_error_e;

/**
 * Have the fork server prepare what all its children then have: tables read,
 * libraries loaded. Must come before the first start by forkserver.
 * @param preload called once in the server with (args, pool); not 0 is
 *                failure. NULL: nothing
 * @param on_error what failure does
 * @param pool     may be NULL
 * @param format   arguments, as for mproc_pack()
 * @return APR_SUCCESS; MPROC_ESTATE when the server runs already;
 *         APR_ENOTIMPL where there is no fork server; as mproc_pack()
 * @note Processes: the calling one. Threads: one.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_forkserver_preload(mproc_target_fn_t preload,
                             mproc_preload_error_e on_error, apr_pool_t *pool,
                             const char *format, ...);

/**
 * Count the processors that this process may use: online, allowed by its
 * affinity, and within its container's quota, rounded up.
 * @return at least 1
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_cpu_count(void);

/* ------------------------------------------------------------ one process */

/**
 * Describe a process to be started.
 * @param process receives it
 * @param target  any function of the program or of a loaded library
 * @param options copied; may be NULL
 * @param pool    owns the process object, not the process: when the pool
 *                goes while it runs, the process runs on, and is still
 *                waited for at exit; NULL: until mproc_process_close()
 * @param format  the arguments, packed here and now as by mproc_pack();
 *                NULL for none
 * @return APR_SUCCESS; APR_EINVAL for a NULL target, a bad option or format;
 *         MPROC_EMODULE when the target is in no loaded module;
 *         APR_ENOTIMPL for a start method that this system lacks; APR_ENOMEM
 * @note Processes: the object is for the creating process alone. Threads:
 *       any; one object may be used by several. Fork: the child's calls on
 *       it are MPROC_ESTATE.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_create(mproc_process_t **process, mproc_target_fn_t target,
                     const mproc_process_options_t *options, apr_pool_t *pool,
                     const char *format, ...);

/**
 * Start it. When this returns, its pid is known, and it runs or has ended.
 * All of stdio is flushed before a fork, so that nothing is printed twice;
 * a thread that waits for input from a stdio stream delays that.
 * @param process not started yet
 * @return APR_SUCCESS; MPROC_ESTATE when started already, closed, from
 *         another process, or from a daemonic process; MPROC_EBOOTSTRAP
 *         before mproc_initialize(), or in a child that is still starting;
 *         MPROC_EMODULE when the target's module was replaced on disk;
 *         APR_ENOENT when the program to run is missing; APR_ENOMEM,
 *         APR_EAGAIN and the like from the system. After an error nothing
 *         is left behind, and it may be started again.
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t) mproc_process_start(mproc_process_t *process);

/**
 * Wait until it has ended.
 * @param process started
 * @param timeout microseconds, MPROC_FOREVER or MPROC_NOWAIT
 * @return APR_SUCCESS when it has ended; APR_TIMEUP; MPROC_ESTATE before the
 *         start, after close, from another process, or on oneself
 * @note Processes: the creator, and mproc_process_parent()'s child. Threads:
 *       any, several at once. Its orphaned grandchildren do not delay it.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_join(mproc_process_t *process, apr_interval_time_t timeout);

/**
 * Ask whether it runs.
 * @param process any
 * @return 1 from the start until it has ended, else 0; 0 on misuse
 * @note Processes: the creator, and mproc_process_parent()'s child. Threads:
 *       any.
 */
MPROC_DECLARE(int) mproc_process_is_alive(mproc_process_t *process);

/**
 * Ask with which code it ended.
 * @param process started
 * @param code    receives what the target returned; -N when signal N ended
 *                it; on Windows the system's code, where terminate and kill
 *                give -15 and a crash gives the NTSTATUS (cast to unsigned)
 * @return APR_SUCCESS; APR_EINPROGRESS while it runs; MPROC_EUNKNOWN when it
 *         has ended and nobody can tell, because somebody else waited for it
 *         or its fork server died; MPROC_ESTATE before the start, after
 *         close, or from another process
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_exitcode(mproc_process_t *process, int *code);

/**
 * Ask which signal ended it.
 * @param process started
 * @param signal  receives its number, or 0 when it ended by itself; on
 *                Windows 15 for terminate and kill
 * @return as mproc_process_exitcode()
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_killed_by(mproc_process_t *process, int *signal);

/**
 * Interrupt it as Ctrl-C would: SIGINT.
 * @param process started; ended already is fine
 * @return APR_SUCCESS; MPROC_ESTATE before the start, after close, or from
 *         another process; APR_ENOTIMPL on Windows; the system's status
 * @note Processes: the creator only. Threads: any. Never hits a stranger
 *       that got the same pid.
 */
MPROC_DECLARE(apr_status_t) mproc_process_interrupt(mproc_process_t *process);

/** The same with SIGTERM; on Windows TerminateProcess(0x10000). */
MPROC_DECLARE(apr_status_t) mproc_process_terminate(mproc_process_t *process);

/** The same with SIGKILL; on Windows as mproc_process_terminate(). */
MPROC_DECLARE(apr_status_t) mproc_process_kill(mproc_process_t *process);

/**
 * End it in bounded steps: terminate, wait, kill, wait.
 * @param process started; ended already is fine
 * @param grace   microseconds to wait after the terminate; after the kill it
 *                waits at most one second more
 * @return APR_SUCCESS when it has ended; APR_TIMEUP when the system could
 *         not end it in time; MPROC_ESTATE as above
 * @note Processes: the creator only. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_stop(mproc_process_t *process, apr_interval_time_t grace);

/**
 * Free what the object holds. Afterwards only its name, daemon flag, key and
 * parent's pid can be asked for; without a pool of its own not even these.
 * @param process not running
 * @return APR_SUCCESS, also the second time; MPROC_ESTATE while it runs,
 *         nothing changed
 * @note Processes: the creator only. Threads: no other may use it any more.
 */
MPROC_DECLARE(apr_status_t) mproc_process_close(mproc_process_t *process);

/**
 * Tell its name.
 * @param process any
 * @return valid until it is changed or the object goes
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(const char *) mproc_process_name(mproc_process_t *process);

/**
 * Change its name; two processes may have the same.
 * @param process any
 * @param name    copied, at most 255 bytes
 * @return APR_SUCCESS; APR_EINVAL for NULL or too long
 * @note Processes: changes what this process sees, and what a process not
 *       yet started will see. Threads: one.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_set_name(mproc_process_t *process, const char *name);

/**
 * Tell its process id.
 * @param process any
 * @return the pid, kept after the end; 0 before the start and after close
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(apr_int64_t) mproc_process_pid(mproc_process_t *process);

/**
 * Tell the pid of the process that created it.
 * @param process any
 * @return the pid; 0 for the main process
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(apr_int64_t) mproc_process_parent_pid(mproc_process_t *process);

/**
 * Ask whether it is daemonic.
 * @param process any
 * @return 1 or 0
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(int) mproc_process_daemon(mproc_process_t *process);

/**
 * Change whether it is daemonic.
 * @param process not started yet
 * @param daemon  0 or not
 * @return APR_SUCCESS; MPROC_ESTATE after the start
 * @note Processes: the creator only. Threads: one.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_set_daemon(mproc_process_t *process, int daemon);

/**
 * Tell its authentication key, for connections within the tree: 32 random
 * bytes made by the main process unless another was given.
 * @param process any
 * @return the key, valid as long as the object. Send it to nobody.
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(mproc_bytes_t) mproc_process_authkey(mproc_process_t *process);

/**
 * Change its key, before it starts; for mproc_process_current() what later
 * children inherit.
 * @param process not started, or the current one
 * @param key     1 to 256 bytes, copied
 * @return APR_SUCCESS; APR_EINVAL for a bad size; MPROC_ESTATE after the
 *         start
 * @note Processes: the creator, or itself. Threads: one.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_set_authkey(mproc_process_t *process, mproc_bytes_t key);

/**
 * Describe it in a line: name, pid, parent's pid, state, exit code, daemon.
 * @param process any
 * @param pool    owns the text
 * @return such as "<Process-1 pid=12 parent=10 stopped exitcode=-SIGTERM>"
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(const char *)
mproc_process_describe(mproc_process_t *process, apr_pool_t *pool);

/**
 * Give the system's own object that becomes ready when the process has
 * ended, for a foreign event loop: a descriptor that becomes readable, or
 * the process HANDLE on Windows.
 * @param process started
 * @param handle  receives it; it stays the library's: do not close it
 * @return APR_SUCCESS; MPROC_ESTATE before the start, after close, or from
 *         another process; APR_ENOTIMPL where the system has no such object
 *         (plain POSIX, for a spawned process)
 * @note Processes: the creator only. Threads: any. Stays ready.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_handle(mproc_process_t *process, apr_int64_t *handle);

/* ------------------------------------------------------------- the family */

/**
 * The calling process itself; "MainProcess" in the first.
 * @return never NULL after mproc_initialize(); never to be closed
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(mproc_process_t *) mproc_process_current(void);

/**
 * The process that started this one: name, pid, is_alive and join work.
 * @return NULL in the main process; never to be closed
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(mproc_process_t *) mproc_process_parent(void);

/**
 * List this process's children that run, workers of pools too; not
 * grandchildren.
 * @param children receives an array of mproc_process_t *, which stay their
 *                 creators'
 * @param pool     owns the array
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: concerns the caller's. Threads: any. Fork: empty in a new
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_process_active_children(apr_array_header_t **children, apr_pool_t *pool);

#ifdef __cplusplus
}
#endif

#endif
