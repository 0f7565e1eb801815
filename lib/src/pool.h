/*
 * pool.h: what a pool and its workers share.
 *
 * Protocol of a job: the owner fills in a job block, publishes its handle in
 * the pool, moves `wake` and wakes the workers. The job is cut into pieces;
 * a piece's state goes
 *
 *   FREE -> CLAIMED(worker) -> DONE
 *
 * each by one compare-and-swap, so at any instant it is plain who has what. A
 * worker that finds nothing to claim looks whether every piece is settled and
 * then wakes the owner: states are set before they are looked at, all
 * sequentially consistent, so the last one to finish sees it. When a worker
 * dies, the watcher moves `done` and wakes the owner, which gives the dead
 * one's pieces back: CLAIMED -> FREE with one attempt more, or LOST after the
 * last. A death that healing finds is told to nobody, so the owner takes back
 * after healing too. Invariant: a piece that is CLAIMED names a worker that
 * lives or whose death is about to be told; a job ends when all its pieces are
 * DONE or LOST.
 */
#ifndef MPROC_SRC_POOL_H
#define MPROC_SRC_POOL_H

#include <mproc/pool.h>

#include "arena.h"
#include "funcref.h"
#include "layout.h"
#include "peers.h"

#define MPROC__POOL_MOST 1024

/* wake: closed 0, somebody waits 1, sequence 2-63. done: the same without
 * closed. */
#define MPROC__POOL_CLOSED APR_UINT64_C(1)
#define MPROC__POOL_WAITERS APR_UINT64_C(2)
#define MPROC__POOL_SEQUENCE APR_UINT64_C(4)

/* The pool's block. The words that different sides write lie apart. */
typedef struct mproc__pool_shared_t {
    mproc__word_t wake; /* workers wait here */
    mproc__word_t job;  /* handle of the job, or 0 */
    apr_uint64_t apart[6];
    mproc__word_t done; /* the owner waits here */
    apr_uint64_t apart_too[7];
    mproc__word_t worker[]; /* peer of each worker, 0 until it is up */
} mproc__pool_shared_t;

/* A piece's state: state 0-1, attempts 2-9, worker 10-45. */
enum {
    MPROC__PIECE_FREE,
    MPROC__PIECE_CLAIMED,
    MPROC__PIECE_DONE,
    MPROC__PIECE_LOST
};
#define MPROC__PIECE_STATE(word) ((unsigned)((word)&3))
#define MPROC__PIECE_TRIES(word) ((unsigned)((word) >> 2 & 255))
#define MPROC__PIECE_WORKER(word) ((mproc__peer_t)((word) >> 10))

enum {
    MPROC__JOB_IN,
    MPROC__JOB_OUT,
    MPROC__JOB_HOLDS
};

/* The job's block. */
typedef struct mproc__job_t {
    apr_uint32_t hold_count; /* as in mproc__holder_t */
    apr_uint32_t unused;
    mproc__hold_t hold[MPROC__JOB_HOLDS];
    mproc__funcref_t function;
    apr_uint64_t count, in_size, out_size; /* items, bytes */
    apr_uint64_t in, out;                  /* offsets in the arena */
    apr_uint64_t chunk, pieces;
    apr_uint64_t baton_size, baton; /* baton: offset in this block */
    mproc__word_t cancelled;
    mproc__word_t failed; /* status of a worker that cannot do it */
    mproc__word_t next;   /* hint: pieces below have been offered once */
    apr_uint64_t apart[6];
    mproc__word_t piece[];
} mproc__job_t;

/* The owner's half. */
struct mproc_pool_t {
    apr_pool_t *pool; /* its own */
    unsigned epoch;   /* of the process that made it */
    mproc__hold_t *hold;
    mproc__pool_shared_t *shared;
    mproc_process_t **process;
    int count;
    int started;   /* workers ever started, for their names */
    int stillborn; /* ended in a row before they were up */
    const char *name;
    mproc_start_method_e start_method;
    struct apr_thread_mutex_t *mapping; /* one map at a time */
    _Atomic int terminated;
};

/* APR_SUCCESS when the calling process may use the pool. */
apr_status_t mproc__pool_check(mproc_pool_t *workers, const char *call);

/* Start a worker in a place, whose former has ended. */
apr_status_t mproc__pool_start_worker(mproc_pool_t *workers, int place);

/* Replace the workers that have ended. MPROC_EBROKEN when they end as fast
 * as they are started. */
apr_status_t mproc__pool_heal(mproc_pool_t *workers);

/* What runs in a worker. */
int mproc__pool_worker(mproc_bytes_t args, apr_pool_t *pool);

/* Move a word of the pool and wake who waits on it. */
void mproc__pool_move(mproc__word_t *word, apr_uint64_t flags);

/* Whether every piece is done or lost. */
int mproc__job_is_settled(mproc__job_t *job);

#endif
