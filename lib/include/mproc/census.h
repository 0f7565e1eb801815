/**
 * @file census.h
 * @brief What the process tree's shared memory is used for, counted.
 *
 * @code
 * mproc_census_t before, after;
 * mproc_census(&before);
 * work();
 * mproc_census(&after);
 * assert(before.total.blocks == after.total.blocks);     // nothing leaked
 * @endcode
 */
#ifndef MPROC_CENSUS_H
#define MPROC_CENSUS_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a block of shared memory is used for. */
typedef enum mproc_kind_e {
    MPROC_KIND_NONE,    /**< not in use */
    MPROC_KIND_BYTES,   /**< bytes on their way, and working memory */
    MPROC_KIND_HOLD,    /**< the list of what a process holds */
    MPROC_KIND_PROCESS, /**< the record of a process */
    MPROC_KIND_LOCK,
    MPROC_KIND_EVENT,
    MPROC_KIND_VALUE,
    MPROC_KIND_POOL,
    MPROC_KIND_JOB, /**< a pool's task list */
    MPROC_KIND_RLOCK,
    MPROC_KIND_SEMAPHORE,
    MPROC_KIND_CONDITION,
    MPROC_KIND_BARRIER,
    MPROC_KIND_ARRAY,
    MPROC_KIND_SHM, /**< what is known of a named block; the
                         block itself lies outside of the arena */
    MPROC_KIND_SHAREABLE_LIST,
    MPROC_KIND_QUEUE,
    MPROC_KIND_SEGMENT, /**< a row of a queue's items */
    MPROC_KIND_ITEM,    /**< an item in a block of its own */
    MPROC_KIND_TALLY,   /**< who has got how many of a queue's items */
    MPROC_KIND_FLIGHT,  /**< a queue's items that were taken */
    MPROC_KIND_CONNECTION,
    MPROC_KIND_STREAM, /**< a connection by a socket: what its threads share */
    MPROC_KIND_LISTENER, /**< the same for a listener */
    MPROC_KIND_DICT,
    MPROC_KIND_LIST,
    MPROC_KIND_NAMESPACE,
    MPROC_KIND_STORE,   /**< what a dict, set, list or namespace has in it */
    MPROC_KIND_CELLS,   /**< the entries, elements, and tables of that */
    MPROC_KIND_BOXES,   /**< its values that are large, or name objects */
    MPROC_KIND_MANAGER, /**< how to reach a manager */
    MPROC_KIND_PROXY,   /**< what stands for one of a manager's objects */
    MPROC_KIND_SERVED,  /**< an object of a manager's server */
    MPROC_KIND_SET,
    MPROC_KIND_COUNT
} mproc_kind_e;

/** Blocks of one kind. */
typedef struct mproc_census_row_t {
    apr_uint64_t blocks;
    apr_uint64_t bytes; /**< as handed out, rounding included */
} mproc_census_row_t;

/** The whole arena. */
typedef struct mproc_census_t {
    apr_uint64_t size;      /**< address space, in bytes */
    apr_uint64_t committed; /**< bytes that have memory behind them */
    apr_uint64_t peers;     /**< attached processes; the dead, too, until what
                                 they had has been given up */
    apr_uint64_t threads;   /**< registered threads of theirs */
    apr_uint64_t rescues;   /**< waits that only a look around ended: 0 when
                                 nobody was killed */
    mproc_census_row_t total;
    mproc_census_row_t kind[MPROC_KIND_COUNT];
} mproc_census_t;

/**
 * Count what is in use in this process tree. Exact when nothing else runs.
 * @param census receives the figures
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM when there is no
 *         arena yet and none can be made
 * @note Processes: any of the tree. Threads: any. Fork: usable in the child.
 *       Takes time in proportion to what is in use.
 */
MPROC_DECLARE(apr_status_t) mproc_census(mproc_census_t *census);

/**
 * Name a kind.
 * @param kind one of mproc_kind_e
 * @return a word such as "lock"; static storage
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const char *) mproc_kind_name(mproc_kind_e kind);

#ifdef __cplusplus
}
#endif

#endif
