/**
 * @file inspect.h
 * @brief Look at a running tree: who lives, who sleeps, who waits for whom.
 *
 * @code
 * mproc_inspect_t *picture;
 * char *text;
 * mproc_inspect_take(&picture, 0, pool);              // 0: this tree
 * mproc_inspect_text(&text, picture, 0, pool);
 * fputs(text, stderr);
 * @endcode
 *
 * The tree is the caller's own or another one of the same user, named by the
 * pid of any of its processes; `mproc-inspect PID` does this from a shell.
 * It is only read: nothing is stopped, written, or asked of its processes,
 * so a tree that hangs, or is stopped, can be looked at. It may run on
 * meanwhile. So a picture is made of many moments, close to each other, and
 * what changes just then may be missing; but a deadlock in it is real: all
 * of its edges stood at one moment.
 *
 * A thread is in the picture when it has ever waited for a shared object or
 * changed one. Asleep is who waits for one; a thread that sleeps otherwise,
 * in a join, in I/O or in apr_sleep(), counts as awake.
 */
#ifndef MPROC_INSPECT_H
#define MPROC_INSPECT_H

#include <mproc/census.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mproc_inspect_t mproc_inspect_t;
typedef struct mproc_inspect_process_t mproc_inspect_process_t;
typedef struct mproc_inspect_thread_t mproc_inspect_thread_t;
typedef struct mproc_inspect_object_t mproc_inspect_object_t;
typedef struct mproc_deadlock_t mproc_deadlock_t;

/** Whether a process lives. */
typedef enum mproc_inspect_life_e {
    MPROC_INSPECT_ALIVE,
    MPROC_INSPECT_DEAD,      /**< it has ended; nobody has noticed yet */
    MPROC_INSPECT_RECOVERING /**< what it had is just being given back */
} mproc_inspect_life_e;

/** A process of the tree. */
struct mproc_inspect_process_t {
    apr_int64_t pid;
    apr_int64_t parent_pid; /**< 0: not known, or the main process */
    const char *name;       /**< "" when made by a bare fork(), which has none
                                 of its own */
    mproc_inspect_life_e life;
    int thread_count;
    const mproc_inspect_thread_t *threads;
};

/** What a thread does, as far as shared objects are concerned. */
typedef enum mproc_inspect_sleep_e {
    MPROC_INSPECT_AWAKE,
    MPROC_INSPECT_ASLEEP,
    MPROC_INSPECT_WOKEN /**< woken, and has not run yet */
} mproc_inspect_sleep_e;

/** A thread of a process. */
struct mproc_inspect_thread_t {
    const mproc_inspect_process_t *process;
    apr_uint64_t id; /**< as the system numbers it, where it does */
    mproc_inspect_sleep_e sleep;
    /* The rest is for threads that are not awake. */
    const char *call; /**< such as "mproc_lock_acquire"; what is no call of
                           the user's, in words: "a pool's worker"; NULL when
                           awake */
    const mproc_inspect_object_t *object; /**< that it waits for; NULL when it
                                 cannot be told; the first of several */
    const mproc_inspect_object_t *condition; /**< the condition that notified
                                 it, when it waits for the lock again */
    int words;           /**< things that it waits for at once, usually 1 */
    apr_uint64_t ticket; /**< who has the lower one began to wait earlier */
    apr_time_t since;    /**< when it fell asleep, on mproc_clock(); 0: it is
                              just about to */
    apr_time_t deadline; /**< on mproc_clock(): when it gives up; 0: never, or
                              not known */
};

/** Who has an object, or a part of it. */
typedef struct mproc_inspect_holder_t {
    const mproc_inspect_process_t *process; /**< NULL: one that is no more */
    const mproc_inspect_thread_t *thread; /**< NULL: it has ended, or it is the
                                               whole process that holds */
    int count; /**< an rlock: how often; a semaphore: permits; else 1 */
} mproc_inspect_holder_t;

/** What a pool's worker does. */
typedef enum mproc_inspect_work_e {
    MPROC_INSPECT_STARTING, /**< or is in its initializer */
    MPROC_INSPECT_IDLE,
    MPROC_INSPECT_BUSY,
    MPROC_INSPECT_LEAVING /**< it has done what it may */
} mproc_inspect_work_e;

/** A worker of a pool. */
typedef struct mproc_inspect_worker_t {
    apr_int64_t pid;
    mproc_inspect_work_e work;
    apr_int64_t task;   /**< when busy: which of its async's, from 0; -1: pieces
                             of an array */
    apr_time_t began;   /**< that, on mproc_clock() */
    apr_uint64_t tasks; /**< that it has run to their end */
} mproc_inspect_worker_t;

/** A pool. */
typedef struct mproc_inspect_pool_t {
    apr_uint64_t queued;  /**< tasks that nobody has begun */
    int running;          /**< tasks */
    int busy;             /**< workers, at tasks or arrays */
    apr_uint64_t done;    /**< times that tasks were run to their end */
    apr_uint64_t lost;    /**< tasks, with their workers */
    apr_uint64_t retried; /**< times that one was tried again */
    int worker_count;
    const mproc_inspect_worker_t *workers;
} mproc_inspect_pool_t;

/** A shared object. */
struct mproc_inspect_object_t {
    mproc_kind_e kind;
    const char *name;        /**< such as "lock 1a2.3", see
                                  mproc_inspect_name() */
    const char *state;       /**< in words: "held", "1 of 3 permits free" */
    apr_int64_t value;       /**< lock, rlock: how often held; semaphore:
                                  permits free; event: 1 when set; barrier:
                                  parties that have arrived; array, list:
                                  items;
                                  pool: workers */
    apr_int64_t most;        /**< of that: semaphore, 0 when unbounded;
                                  barrier */
    int owned;               /**< a semaphore: 1 when its permits belong to
                                  processes */
    apr_uint64_t references; /**< from processes, messages and objects */
    apr_uint64_t bytes;      /**< of shared memory */
    const mproc_inspect_object_t *lock; /**< of a condition, value or array;
                                             NULL: none */
    int holder_count;
    const mproc_inspect_holder_t *holders; /**< of a lock, rlock or semaphore
                                 whose permits have owners; of a barrier, who
                                 has arrived; of a pool, its workers that
                                 are up */
    const mproc_inspect_pool_t *tasks;     /**< of a pool; NULL: it is none */
    int waiter_count;
    const mproc_inspect_thread_t *const *waiters; /**< the longest first */
};

/** One of those who wait in a circle: for the next, the last for the first. */
typedef struct mproc_deadlock_member_t {
    const mproc_inspect_thread_t *thread; /**< waits, see its call */
    const mproc_inspect_object_t *object; /**< for this, which the next has */
    int by_process; /**< 1: not the next thread itself has it, but its
                         process, all of whose threads are stuck */
} mproc_deadlock_member_t;

/** A circle of waits that nobody in it can leave. */
struct mproc_deadlock_t {
    int member_count; /**< 1: a thread that waits for what it has itself */
    const mproc_deadlock_member_t *members;
    int behind;          /**< threads that wait for one of these to go on */
    apr_time_t deadline; /**< on mproc_clock(): when the first member gives
                              up; 0: never */
    const mproc_inspect_t *picture;
};

/** A tree, as it looked. All of it lies in the pool that it was taken into. */
struct mproc_inspect_t {
    apr_int64_t pid;  /**< that was asked for */
    apr_time_t taken; /**< on mproc_clock() */
    mproc_census_t census;
    int process_count;
    const mproc_inspect_process_t *processes;
    int thread_count;
    const mproc_inspect_thread_t *threads; /**< one process's after another's */
    int object_count;
    const mproc_inspect_object_t *objects;
    int deadlock_count;
    const mproc_deadlock_t *deadlocks;
};

/**
 * Take a picture of a tree.
 * @param picture receives it
 * @param pid     any process of the tree; 0: the caller's own
 * @param pool    owns all of it; not NULL
 * @return APR_SUCCESS; APR_EPROC_UNKNOWN when there is no such process;
 * APR_NOTFOUND when it uses no mproc; APR_EACCES when it is another user's;
 *         MPROC_EFORMAT when its shared memory is another version's, or makes
 *         no sense; APR_ENOTIMPL where the system shows no other process's
 *         memory (no /proc); APR_EINVAL; APR_ENOMEM; what the system says
 * @note Processes: any; need not belong to a tree, nor have called
 *       mproc_initialize(), but for pid 0. Threads: any. Fork: usable in the
 *       child. Takes time in proportion to what is in use, and no lock.
 */
MPROC_DECLARE(apr_status_t)
mproc_inspect_take(mproc_inspect_t **picture, apr_int64_t pid,
                   apr_pool_t *pool);

/**
 * Find threads that wait for each other in a circle, through locks, rlocks
 * and semaphores whose permits have owners; a thread that waits for what it
 * has itself is the smallest circle. Waits for what anybody may bring about,
 * such as an event, a notification or a plain permit, close no circle.
 *
 * An rlock's circle never ends. A plain lock may be released by anybody: a
 * thread outside, if it does that, can still end one. For a semaphore, a
 * process is stuck when all its threads in the picture are.
 * @param deadlock receives the first; NULL when there is none
 * @param pid      any process of the tree; 0: the caller's own
 * @param pool     owns it, and the picture that it is in; not NULL
 * @return APR_SUCCESS, found or not; what mproc_inspect_take() may return
 * @note Processes: as for mproc_inspect_take(). Threads: any. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_deadlock_find(const mproc_deadlock_t **deadlock, apr_int64_t pid,
                    apr_pool_t *pool);

/**
 * Tell of a deadlock in sentences.
 * @param text     receives lines, in the pool
 * @param deadlock one of a picture
 * @param pool     owns the text; not NULL
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any, one at a time for a pool. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_deadlock_text(char **text, const mproc_deadlock_t *deadlock,
                    apr_pool_t *pool);

/**
 * Tell of a picture, for people: deadlocks, processes, what is held or
 * waited for, memory.
 * @param text    receives lines, in the pool
 * @param picture what was taken
 * @param all     0: idle objects are counted, long lists are cut; 1: all
 * @param pool    owns the text; not NULL
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any, one at a time for a pool. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_inspect_text(char **text, const mproc_inspect_t *picture, int all,
                   apr_pool_t *pool);

/**
 * Tell of a picture, for programs: one JSON object with all that is in it.
 * Its members are named as those of the structs above; where these have
 * pointers, it has pids, thread numbers and names. Times are seconds before
 * the picture (`waited`) and after it (`gives_up_in`).
 * @param text    receives it, in the pool; ASCII, ends with a newline
 * @param picture what was taken
 * @param pool    owns the text; not NULL
 * @return APR_SUCCESS; APR_EINVAL for NULL
 * @note Processes: any. Threads: any, one at a time for a pool. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_inspect_json(char **text, const mproc_inspect_t *picture,
                   apr_pool_t *pool);

/**
 * Name an object as pictures do, so that a program can log which is which.
 * It keeps the name as long as it exists, in all processes.
 * @param buffer receives the name, always terminated
 * @param size   of the buffer, in bytes; 32 are enough
 * @param object a lock, event, value ... of this process
 * @return buffer; "" in it for NULL and what is destroyed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(char *)
mproc_inspect_name(char *buffer, apr_size_t size, void *object);

#ifdef __cplusplus
}
#endif

#endif
