/**
 * @file manager.h
 * @brief Managers: objects that live in a server, for any process that has its
 *        address and its key, on this machine or on another.
 *
 * @code
 * mproc_manager_start(&manager, NULL, pool);
 * mproc_manager_dict(manager, &dict, "counts", pool);
 * mproc_dict_setf(dict, "a", "i", 1);
 * puts(mproc_manager_address(manager));       // for other programs:
 *
 * mproc_manager_connect(&manager, address, &options, pool);
 * mproc_manager_dict(manager, &dict, "counts", pool);
 * mproc_dict_getf(dict, "a", pool, "i", &n);
 * @endcode
 *
 * What a manager gives out are the types of their own headers, and take the
 * calls of those: a lock, a queue or a dict knows where it is. Each call goes
 * to the server and comes back; within one machine, objects of the process tree
 * itself (mproc_dict_create() and so on) are a hundred times faster. Calls that
 * wait keep a connection of their own busy, not the server.
 *
 * **Lifetime.** An object without a name lives in the server as long as a
 * process, or a value in another object, refers to it; one with a name as long
 * as the server, or until mproc_manager_forget(). A process that ends or dies,
 * whose machine vanishes (see mproc_manager_options_t.lease), or that has
 * closed the manager and all objects of it, gives up what it had: references
 * go, a lock goes on with MPROC_EOWNERDEAD, permits of an owned semaphore come
 * back, a barrier that it waited at breaks. Objects pass with `o` to other
 * processes of the tree, whichever way, and into values of the same manager's
 * dicts, lists and queues; whoever passes one keeps its own until the other has
 * it, or lives on.
 *
 * **Ends.** When the server has ended, or cannot be reached any more, every
 * call on it or on what it gave out returns APR_ECONNRESET, at once, those that
 * were waiting too. Connect again to go on: what was made in a server ends with
 * it.
 *
 * **Trust.** Who has the key can use and change all that is in the server. No
 * code is sent, ever. Over networks that others can read or change, have TLS
 * (mproc_net_options_t.tls).
 */
#ifndef MPROC_MANAGER_H
#define MPROC_MANAGER_H

#include <mproc/array.h>
#include <mproc/barrier.h>
#include <mproc/condition.h>
#include <mproc/dict.h>
#include <mproc/event.h>
#include <mproc/list.h>
#include <mproc/listener.h>
#include <mproc/lock.h>
#include <mproc/namespace.h>
#include <mproc/pool.h>
#include <mproc/process.h>
#include <mproc/queue.h>
#include <mproc/rlock.h>
#include <mproc/semaphore.h>
#include <mproc/set.h>
#include <mproc/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A manager: one that was started, is served, or was connected to. */
typedef struct mproc_manager_t mproc_manager_t;

/** An object of a type of the program's own, in a server. */
typedef struct mproc_remote_t mproc_remote_t;

/* ------------------------------------------------------------- own types */

/**
 * A method: what it is called with and what it says are as a task's (pool.h).
 * It runs in a thread of the server's, and may take as long as it likes: others
 * are served meanwhile, and 64 methods, of objects of their own, at once. A
 * server that is shut down waits for it to return.
 * @param self  what the type's `create` made
 * @param args  packed; until it returns
 * @param reply what mproc_reply() says goes back to the caller. Dicts, lists
 * and namespaces that it names (`o`), made by mproc_dict_create() and the like
 * in the server, are the caller's objects then
 * @param pool  until it returns
 * @return APR_SUCCESS; or what the caller's call returns
 */
typedef apr_status_t (*mproc_method_fn_t)(void *self, mproc_bytes_t args,
                                          mproc_reply_t *reply,
                                          apr_pool_t *pool);

/** A name for a method. */
typedef struct mproc_method_t {
    const char *name; /**< NULL: the end of the table */
    mproc_method_fn_t call;
} mproc_method_t;

/** A type. It, and what it points to, must stay: let it be static. `create` and
 *  `destroy` run in the thread that serves: nobody is served meanwhile, so let
 *  them be short, and call nothing of this manager. */
typedef struct mproc_manager_type_t {
    const char *name;
    /** Make one from packed arguments; its status goes back to the caller. The
     *  pool lives as long as the object. NULL: `self` is NULL. */
    apr_status_t (*create)(void **self, mproc_bytes_t args, apr_pool_t *pool);
    void (*destroy)(void *self); /**< when nobody refers to it; or NULL */
    const mproc_method_t *methods;
} mproc_manager_type_t;

/* ------------------------------------------------------------- managers */

/** Runs in the server before it serves: register types, make objects.
 *  @return APR_SUCCESS; else the server does not serve, and
 *          mproc_manager_start() fails with this and the sentence */
typedef apr_status_t (*mproc_manager_initializer_fn_t)(mproc_manager_t *manager,
                                                       void *baton);

/** Options; zero at first. */
typedef struct mproc_manager_options_t {
    const char *address; /**< as of a listener (listener.h); NULL: the best for
                              this machine, a name of its own. Of
                              mproc_manager_connect(): its argument */
    mproc_net_options_t net; /**< key, TLS, limits; a message is a call with its
                                  arguments, or what came of it. Who starts a
                                  server is a client, too: with TLS both sides'
                                  files count, `authorities` among them */
    apr_interval_time_t lease; /**< after so long without a sign of life the
                                    other side is dead (tcp:); 0: 30 seconds */
    int max_clients;           /**< connections that a server takes; 0: 10000 */
    mproc_start_method_e start_method;          /**< of mproc_manager_start() */
    mproc_manager_initializer_fn_t initializer; /**< of a server; or NULL. In
                                   the executable, or a library's function */
    void *baton; /**< for the initializer. It is another process: pass numbers,
                      or something that is shared */
} mproc_manager_options_t;

/**
 * Start a server in a process of its own, which ends with this one, or by
 * mproc_manager_shutdown(). It ignores SIGINT.
 * @param manager receives the manager
 * @param options NULL: all zero
 * @param pool    its lifetime, or NULL: until mproc_manager_destroy()
 * @return APR_SUCCESS; what mproc_process_start() returns; what made the server
 *         fail, with its sentence: APR_EINVAL, EADDRINUSE and the like as
 *         mproc_listener_create(), or what the initializer returned;
 *         APR_ENOTIMPL without MPROC_WITH_NET; APR_ENOMEM
 * @note Processes: any but daemonic ones. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_start(mproc_manager_t **manager,
                    const mproc_manager_options_t *options, apr_pool_t *pool);

/**
 * Listen for clients; they are served by mproc_manager_serve().
 * @param manager receives the manager
 * @param options NULL: all zero
 * @param pool    its lifetime, or NULL: until mproc_manager_destroy()
 * @return as mproc_listener_create(); what the initializer returned
 * @note Processes: is served in this one. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_listen(mproc_manager_t **manager,
                     const mproc_manager_options_t *options, apr_pool_t *pool);

/**
 * Serve, in this thread, until the manager is shut down.
 * @param manager of mproc_manager_listen()
 * @param timeout microseconds after which to return, to be called again, or
 *                MPROC_FOREVER
 * @return APR_SUCCESS, it was shut down; APR_TIMEUP; MPROC_ESTATE when it does
 *         not listen here, or is served already; APR_EINVAL for NULL or what is
 *         no manager
 * @note Processes: the creator. Threads: one at a time; others may use the
 *       manager meanwhile.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_serve(mproc_manager_t *manager, apr_interval_time_t timeout);

/**
 * Connect to a server.
 * @param manager receives the manager
 * @param address as mproc_manager_address() tells it
 * @param options NULL: all zero; of a server only net and lease count
 * @param pool    its lifetime, or NULL: until mproc_manager_destroy()
 * @return APR_SUCCESS; as mproc_client_connect(); MPROC_EFORMAT when who
 *         listens there is no manager, or one of another version
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_connect(mproc_manager_t **manager, const char *address,
                      const mproc_manager_options_t *options, apr_pool_t *pool);

/**
 * End the server: who waits in a call goes on with APR_ECONNRESET. A started
 * one that does not end in time is terminated, then killed.
 * @param manager that was started, or listens here
 * @param timeout microseconds for each of these steps; MPROC_FOREVER: wait for
 *                it to end by itself
 * @return APR_SUCCESS, also when it has ended already; MPROC_ESTATE when it was
 *         connected to: who started it ends it; APR_EINVAL for NULL or what is
 *         no manager
 * @note Processes: the creator. Threads: any. Runs at the creator's exit, too.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_shutdown(mproc_manager_t *manager, apr_interval_time_t timeout);

/**
 * Tell where the server listens.
 * @return the address, as long as the manager; NULL for what is no manager
 * @note Processes: any that has it. Threads: any.
 */
MPROC_DECLARE(const char *) mproc_manager_address(mproc_manager_t *manager);

/**
 * Tell the server's process.
 * @return it, of a started manager in its creator, as long as the manager; else
 *         NULL
 * @note Processes: the creator. Threads: any.
 */
MPROC_DECLARE(mproc_process_t *)
mproc_manager_process(mproc_manager_t *manager);

/** What a server has. */
typedef struct mproc_manager_census_t {
    apr_uint64_t clients; /**< processes, this one included */
    apr_uint64_t objects; /**< that are referred to */
    apr_uint64_t waiting; /**< calls that wait */
} mproc_manager_census_t;

/**
 * Count what a server has.
 * @param manager the manager
 * @param census  receives the numbers
 * @return APR_SUCCESS; APR_ECONNRESET; APR_EINVAL
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_census(mproc_manager_t *manager, mproc_manager_census_t *census);

/**
 * Give a name up: what has it lives on as long as somebody refers to it.
 * @return APR_SUCCESS; APR_NOTFOUND; APR_ECONNRESET; APR_EINVAL
 * @note Processes: any. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_forget(mproc_manager_t *manager, const char *name);

/**
 * Give up a manager in this process. A server that this process started is shut
 * down; objects that it gave out stay usable while it lives.
 * @param manager the manager, or NULL for nothing
 * @note Processes: any. Threads: no other may use it any more.
 */
MPROC_DECLARE(void) mproc_manager_destroy(mproc_manager_t *manager);

/* ------------------------------------------------------------- batches */

/**
 * Collect calls: until mproc_manager_batch_end(), this thread's calls on the
 * manager's objects that give nothing back but a status, and never wait
 * (mproc_dict_setf(), mproc_list_appendf(), mproc_event_set() and the like) are
 * collected, return APR_SUCCESS, and are sent together. Any other call sends
 * what was collected first. Others may get in between.
 * @return APR_SUCCESS; MPROC_ESTATE when this thread collects already;
 *         APR_EINVAL; APR_ENOMEM
 * @note Processes: any. Threads: concerns the calling one.
 */
MPROC_DECLARE(apr_status_t) mproc_manager_batch_begin(mproc_manager_t *manager);

/**
 * Send what was collected, and see what came of it.
 * @param manager the manager
 * @param failed  receives which was the first to fail, from 0; -1: none. May be
 *                NULL
 * @return APR_SUCCESS; what the first that failed returned, with its sentence:
 *         the others were done all the same; MPROC_ESTATE when nothing is being
 *         collected; APR_ECONNRESET
 * @note Processes: any. Threads: that of mproc_manager_batch_begin().
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_batch_end(mproc_manager_t *manager, int *failed);

/* ------------------------------------------------------------- objects */

/**
 * Have an object in the server. Each takes what the local call of its own
 * header takes, and returns what that does.
 * @param manager the manager
 * @param object  receives it
 * @param name    NULL: a new one. Else the one that has this name, or a new one
 *                with it; what else is passed counts for a new one only
 * @param pool    lifetime in this process, or NULL: until its _destroy()
 * @return APR_SUCCESS; MPROC_ESTATE when the name is another type's; as the
 *         local call; APR_ECONNRESET; APR_EINVAL
 * @note Processes: any; passes with `o`. Threads: any, a pool in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_dict(mproc_manager_t *manager, mproc_dict_t **dict,
                   const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_list(mproc_manager_t *manager, mproc_list_t **list,
                   const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_set(mproc_manager_t *manager, mproc_set_t **set, const char *name,
                  apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_namespace(mproc_manager_t *manager, mproc_namespace_t **space,
                        const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict
 *  `options`: maxsize, and nothing else; NULL: unbounded. */
MPROC_DECLARE(apr_status_t)
mproc_manager_queue(mproc_manager_t *manager, mproc_queue_t **queue,
                    const char *name, apr_size_t maxsize, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_lock(mproc_manager_t *manager, mproc_lock_t **lock,
                   const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_rlock(mproc_manager_t *manager, mproc_rlock_t **rlock,
                    const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_semaphore(mproc_manager_t *manager, mproc_semaphore_t **semaphore,
                        const char *name, int value, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_bounded_semaphore(mproc_manager_t *manager,
                                mproc_semaphore_t **semaphore, const char *name,
                                int value, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_owned_semaphore(mproc_manager_t *manager,
                              mproc_semaphore_t **semaphore, const char *name,
                              int value, apr_pool_t *pool);
/** @copydoc mproc_manager_dict
 *  The lock is a lock or rlock of the same manager; NULL: a new rlock. */
MPROC_DECLARE(apr_status_t)
mproc_manager_condition(mproc_manager_t *manager, mproc_condition_t **condition,
                        const char *name, void *lock, apr_pool_t *pool);
/** @copydoc mproc_manager_dict */
MPROC_DECLARE(apr_status_t)
mproc_manager_event(mproc_manager_t *manager, mproc_event_t **event,
                    const char *name, apr_pool_t *pool);
/** @copydoc mproc_manager_dict
 *  It has no action: do what is to be done once where the index is 0. */
MPROC_DECLARE(apr_status_t)
mproc_manager_barrier(mproc_manager_t *manager, mproc_barrier_t **barrier,
                      const char *name, int parties, apr_pool_t *pool);
/** @copydoc mproc_manager_dict
 *  What mproc_value_data() tells is this process's copy: mproc_value_acquire()
 *  brings it up to date, mproc_value_release() sends it back. */
MPROC_DECLARE(apr_status_t)
mproc_manager_value(mproc_manager_t *manager, mproc_value_t **value,
                    const char *name, apr_size_t size, const void *initial,
                    apr_pool_t *pool);
/** @copydoc mproc_manager_dict
 *  As mproc_manager_value(); mproc_array_get(), _set(), _read() and _write() go
 *  to the server. */
MPROC_DECLARE(apr_status_t)
mproc_manager_array(mproc_manager_t *manager, mproc_array_t **array,
                    const char *name, apr_size_t item, apr_size_t count,
                    const void *initial, apr_pool_t *pool);

/* ----------------------------------------------------------------- pools */

/**
 * Have a pool of workers that are children of the server's process. It, its
 * asyncs and its imaps take the calls of pool.h and async.h; what is different
 * is told at the top of pool.h. They belong to the process that has them, and
 * do not pass with `o`: others have the same pool by its name.
 *
 * No code is sent: a task goes by the name under which it was registered
 * (mproc_register()) here and in the server, there best by its initializer.
 * Arguments and results are copied, and cannot name objects: a task that needs
 * one connects to the manager, and has it by its name.
 *
 * The pool ends, with what it does, when nobody refers to it:
 * mproc_pool_destroy() gives up this process's reference. What a client had
 * sent that has gone is done all the same, as long as others have the pool. The
 * server's end ends all of its pools.
 * @param manager the manager
 * @param workers receives it, when its workers have come through their
 *                initializer
 * @param name    NULL: a new one. Else the one that has this name, or a new one
 *                with it: options count for a new one only
 * @param options NULL: all zero; how many processors and which start method are
 *                the server's
 * @param pool    lifetime in this process, or NULL: until mproc_pool_destroy()
 * @return APR_SUCCESS; MPROC_ESTATE when the name is another type's;
 *         APR_NOTFOUND when the initializer is not registered here,
 *         MPROC_EREMOTE when it is not in the server; as mproc_pool_create();
 *         APR_ECONNRESET; APR_EINVAL
 * @note Processes: any; for the calling one. Threads: any, an APR pool in one
 * at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_pool(mproc_manager_t *manager, mproc_pool_t **workers,
                   const char *name, const mproc_pool_options_t *options,
                   apr_pool_t *pool);

/* ------------------------------------------------------------- own types */

/**
 * Let clients make and use objects of a type.
 * @param manager one that listens in this process: in its initializer, or
 *                before it serves
 * @param type    stays the caller's, and must stay
 * @return APR_SUCCESS; MPROC_ESTATE when there is such a type, or the manager
 *         listens elsewhere; APR_EINVAL
 * @note Processes: the server's. Threads: one.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_register_type(mproc_manager_t *manager,
                            const mproc_manager_type_t *type);

/**
 * Have an object of a type that the server registered.
 * @param manager the manager
 * @param remote  receives it
 * @param type    the type's name
 * @param name    as mproc_manager_dict()
 * @param pool    lifetime in this process, or NULL: until
 *                mproc_remote_destroy()
 * @param format  what `create` is called with (pack.h)
 * @return as mproc_manager_dict(); MPROC_EREMOTE when there is no such type;
 *         what its `create` returned
 * @note Processes: any. Threads: any, a pool in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_manager_remote(mproc_manager_t *manager, mproc_remote_t **remote,
                     const char *type, const char *name, apr_pool_t *pool,
                     const char *format, ...);

/**
 * Call a method. Those of one object run one after the other, in an order of
 * the server's; those of several at once.
 * @param remote the object
 * @param method its name
 * @param result receives what it said, packed, in the pool; NULL: not asked for
 * @param pool   owns the result, and the objects that it names
 * @param format what it is called with
 * @return what the method returned; MPROC_EREMOTE when there is no such method;
 *         APR_ECONNRESET; APR_EINVAL
 * @note Processes: any. Threads: any, a pool in one at a time.
 */
MPROC_DECLARE(apr_status_t)
mproc_remote_call(mproc_remote_t *remote, const char *method,
                  mproc_bytes_t *result, apr_pool_t *pool, const char *format,
                  ...);

/**
 * Give up an object in this process.
 * @param remote the object, or NULL for nothing
 * @note Processes: any. Threads: no other may use it any more.
 */
MPROC_DECLARE(void) mproc_remote_destroy(mproc_remote_t *remote);

#ifdef __cplusplus
}
#endif

#endif
