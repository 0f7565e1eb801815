/*
 * pool.h: what a pool and its workers share.
 *
 * Work is a block of the arena: an array job (pool_map.c) or a batch of tasks
 * (batch.c). It is cut into pieces; a task is a piece of its own. The state of
 * a piece goes
 *
 *   FREE -> CLAIMED(worker) -> DONE
 *
 * each by one compare-and-swap, so at any instant it is plain who has what.
 *
 * The owner tells of work by hints: the handles of blocks, in a queue, one for
 * each worker that could take part. A hint is a hint: who gets one looks for
 * FREE pieces, and may find none. Before it looks it writes into its place
 * which block it is at, and before each task which one that is.
 *
 * A worker dies. The watcher moves `care`, and the keeper (pool_keeper.c), one
 * thread of the owner, looks at the dead one's place. What it had claimed of
 * the block named there goes back: CLAIMED -> FREE, the task that it ran with
 * one attempt more, or DONE with MPROC_EWORKERLOST after the last. A place
 * that says TAKING may have had a hint and lost it: then, when all hints that
 * were in the queue have been got, those older blocks that still have FREE
 * pieces are hinted at again. Invariant: while a piece is FREE a hint is in
 * the queue, or a living worker has got one and not yet looked, or the death
 * of who had it is about to be told, or the keeper suspects. A piece that is
 * CLAIMED names a worker that lives or whose death is about to be told.
 *
 * A worker may be stopped (SIGSTOP). In a task only the task's limit ends it.
 * Elsewhere it must move: while it waits for hints it says so every BEAT, and
 * between tasks `tasks` or `at` change. One that the keeper has seen stand
 * still at STILL looks in a row, a second apart, is killed, and then it is one
 * more that died; at the second look, if the system calls it stopped. One that
 * comes up or ends has STILL_LONG looks; one in its initializer, which may take
 * any time, is killed if the system calls it stopped, or when the pool is shut.
 * A blow that hits a slow one costs a start; tasks that it had not begun go
 * back.
 *
 * Who waits sets WAITERS in an eventcount (`done`, `care`, a batch's `done`)
 * and looks at the states once more; who sets a state looks at the eventcount
 * afterwards. Both sequentially consistent: one of them sees the other.
 *
 * Owner and keeper are threads of one process, with which the workers die:
 * what they know lies on its heap, under mutexes: `life` for the places,
 * `list` for the batches. Life is taken first. Neither is held in a callback.
 */
#ifndef MPROC_SRC_POOL_H
#define MPROC_SRC_POOL_H

#include <mproc/pool.h>
#include <mproc/queue.h>

#include "arena.h"
#include "funcref.h"
#include "layout.h"
#include "peers.h"

struct apr_thread_mutex_t;
struct apr_thread_t;
struct mproc__proxy_t;

#define MPROC__POOL_MOST 1024
#define MPROC__POOL_PLACES(count) (2 * (count) + 6) /* for so many workers */
#define MPROC__POOL_RACK 128 /* places in one block, at most */
#define MPROC__POOL_RACKS 24 /* from 8 places, each time twice as many */

/* An eventcount: somebody waits 1, sequence 2-63. */
#define MPROC__POOL_WAITERS APR_UINT64_C(2)
#define MPROC__POOL_SEQUENCE APR_UINT64_C(4)

/* What a hint says. */
typedef enum mproc__hint_e {
    MPROC__HINT_ARRAY, /* an array job */
    MPROC__HINT_TASKS, /* a batch */
    MPROC__HINT_LEAVE  /* whoever gets it shall end */
} mproc__hint_e;

typedef struct mproc__hint_t {
    mproc__handle_t handle;
    apr_uint64_t what;
} mproc__hint_t;

/* How a worker is. */
enum {
    MPROC__WORKER_NEW,
    MPROC__WORKER_BEGINS, /* it is in its initializer */
    MPROC__WORKER_UP,
    MPROC__WORKER_FULL, /* has done what it may, waits for a replacement */
    MPROC__WORKER_GO,   /* that is there: it may end */
    MPROC__WORKER_ENDS  /* it does */
};

#define MPROC__POOL_BEAT (400 * 1000) /* microseconds */

/* A worker's place. Written by the worker, and the state by the keeper too. */
typedef struct mproc__place_t {
    mproc__word_t peer;    /* 0 until it is up */
    mproc__word_t state;   /* MPROC__WORKER_ */
    mproc__word_t taking;  /* bit 0: it may have a hint that nobody knows of;
                              above, another number each BEAT */
    mproc__word_t at;      /* handle of the batch or job it is at, or 0 */
    mproc__word_t running; /* the task that it runs there, from 1; JOB; or 0 */
    mproc__word_t began;   /* when it began that */
    mproc__word_t limit;   /* microseconds that this may take; 0: any */
    mproc__word_t tasks;   /* that it has done */
    mproc__word_t pid;     /* once it is started; by both */
    apr_uint64_t apart[7]; /* No worker writes where another does. */
} mproc__place_t;

#define MPROC__RUNNING_JOB (~APR_UINT64_C(0))

#define MPROC__POOL_SAID 240

/* The pool's block. The words that different sides write lie apart. */
typedef struct mproc__pool_shared_t {
    mproc__word_t closed; /* tell of each batch that is settled */
    mproc__word_t failed; /* status of an initializer */
    char said[MPROC__POOL_SAID];
    apr_uint64_t apart[6];
    mproc__word_t done; /* who waits for an array job */
    apr_uint64_t apart_too[7];
    mproc__word_t care; /* the keeper waits here */
    apr_uint64_t apart_again[7];
    apr_uint64_t most_tasks, most_memory; /* of a worker; 0: any */
    mproc__handle_t initializer;          /* block of a function; 0: none */
    /* For who looks from outside. By the owner, under `list`: as its figures.
     */
    mproc__word_t submitted, lost, retried;
    mproc__word_t unrun;          /* tasks that ended otherwise than by a run */
    mproc__word_t tasks_of_ended; /* run by workers that have gone */
    /* Rows of places, each in a block of its own: a bigger pool has one more.
     * Written by the owner, count first, for who looks from outside. */
    struct {
        mproc__word_t handle, count;
    } rack[MPROC__POOL_RACKS];
} mproc__pool_shared_t;

/* A piece's state: state 0-1, attempts 2-9, worker 10-45. */
enum {
    MPROC__PIECE_FREE,
    MPROC__PIECE_CLAIMED,
    MPROC__PIECE_DONE,
    MPROC__PIECE_LOST /* of array jobs only */
};
#define MPROC__PIECE_STATE(word) ((unsigned)((word)&3))
#define MPROC__PIECE_TRIES(word) ((unsigned)((word) >> 2 & 255))
#define MPROC__PIECE_WORKER(word) ((mproc__peer_t)((word) >> 10))

enum {
    MPROC__JOB_IN,
    MPROC__JOB_OUT,
    MPROC__JOB_HOLDS
};

/* The block of an array job. */
typedef struct mproc__job_t {
    apr_uint32_t hold_count; /* as in mproc__holder_t */
    apr_uint32_t unused;
    mproc__hold_t hold[MPROC__JOB_HOLDS];
    mproc__handle_t function;              /* block of a function */
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

typedef struct mproc__function_t {
    mproc_function_t function;
    mproc__hold_t *hold;
    struct mproc__function_t *next;
} mproc__function_t;

/* How a worker that was lost with a task ended; on the owner's heap. */
typedef struct mproc__lost_t {
    apr_size_t index;
    mproc_lost_t record;
    struct mproc__lost_t *next;
} mproc__lost_t;

/* What the owner knows of a place. */
typedef struct mproc__keep_t {
    mproc_pool_t *workers;
    mproc__place_t *place;
    int rack, number;                 /* where that is */
    mproc_process_t *_Atomic process; /* partner: the watcher's thread */
    apr_int64_t pid;
    _Atomic int ended;           /* its end is to be seen to */
    apr_uint64_t late, late_run; /* was over its time at that task of that */
    apr_time_t interrupted;      /* then; 0: not yet */
    int killed;                  /* and killed, for the same */
    apr_uint64_t seen[3];        /* how it stood at the last look */
    int still;                   /* so often in a row */
    int stopped;                 /* it was killed for that */
} mproc__keep_t;

/* The owner's half; or what stands for a pool of a manager's server: that has
 * its APR pool, epoch, count, and list of imaps, and nothing else. */
struct mproc_pool_t {
    apr_pool_t *pool;            /* its own */
    unsigned epoch;              /* of the process that made it */
    struct mproc__proxy_t *away; /* NULL: it is here */
    mproc_pool_options_t options;
    mproc__hold_t *hold;
    mproc__pool_shared_t *shared;
    mproc_queue_t *hints;
    struct apr_thread_mutex_t *life, *list, *mapping; /* one map at a time */
    struct apr_thread_t *keeper;
    /* Guarded by life. */
    mproc__keep_t **keep;
    mproc__hold_t *rack[MPROC__POOL_RACKS];
    int racks;
    _Atomic int count;  /* workers that shall be */
    _Atomic int places; /* places for them */
    int started;        /* workers ever started, for their names */
    int stillborn;      /* ended in a row before they were up */
    apr_time_t pause;   /* no start before that */
    apr_time_t look;    /* when to look who is stopped */
    int suspect;        /* hints may be lost: of batches up to this number, */
    apr_uint32_t suspect_number;
    apr_uint64_t suspect_got; /* when so many were got */
    /* Guarded by list. */
    struct mproc_async_t *first, *last; /* not settled, the oldest first */
    struct mproc_imap_t *imaps;         /* that may yet send */
    int fetching;                       /* of these, and are about to */
    mproc__function_t *functions;
    mproc_pool_stats_t stats;
    apr_uint64_t unrun;
    apr_uint32_t sent;    /* batches */
    apr_uint64_t limited; /* of those on the list: with a limit */
    apr_uint32_t least;   /* of these limits, since there were none */
    mproc__hold_t *spare; /* of who calls back; empty */
    /* Set once. */
    _Atomic int closed, terminated, stopping, shut, ended;
    _Atomic int joined;         /* imaps send no more */
    _Atomic int broken;         /* a status */
    _Atomic int maps;           /* array jobs under way */
    _Atomic int deaths;         /* workers that have ended */
    const atomic_int *unwanted; /* who makes it shall give up; or NULL */
    /* Called once, by the keeper, when the last worker has ended; or NULL. */
    void (*_Atomic when_ended)(void *baton);
    void *when_ended_baton; /* set before that */
};

/* ---------------------------------------------------------------- pool.c */

/* Make one without workers and keeper: all but what has a thread. The pool owns
 * it; mproc_pool_destroy() ends it, however far it came. */
apr_status_t mproc__pool_make(mproc_pool_t **workers,
                              const mproc_pool_options_t *options,
                              apr_pool_t *pool);

/* Before the library ends daemonic children at exit. */
void mproc__pool_at_shutdown(void *workers);

/* ---------------------------------------------------------- pool_create.c */

/* mproc_pool_create(), which is given up with MPROC_ECLOSED when somebody sets
 * what `unwanted` points to; NULL: nobody. */
apr_status_t mproc__pool_create(mproc_pool_t **workers,
                                const mproc_pool_options_t *options,
                                const atomic_int *unwanted, apr_pool_t *pool);

/* ---------------------------------------------------------------- pool.c */

/* APR_SUCCESS when the calling process may use the pool. */
apr_status_t mproc__pool_check(mproc_pool_t *workers, const char *call);

/* The same for who brings work. */
apr_status_t mproc__pool_open(mproc_pool_t *workers, const char *call);

/* Tell them who looks from outside; the list is locked. */
void mproc__pool_figures(mproc_pool_t *workers);

/* Have a block that describes a function, as long as the pool is there. */
apr_status_t mproc__pool_function(mproc_pool_t *workers,
                                  mproc_function_t function,
                                  mproc__handle_t *handle);

/* The same for an imap that has begun to: a pool that was closed is open to it
 * until it is shut. The list is locked. */
apr_status_t mproc__pool_open_yet(mproc_pool_t *workers, const char *call);

/* Tell of work, to so many; to fewer when memory is short, but to nobody only
 * with its status. */
apr_status_t mproc__pool_hint(mproc_pool_t *workers, mproc__handle_t handle,
                              mproc__hint_e what, apr_uint64_t count);

/* Start and end what is to be; life is held. */
apr_status_t mproc__pool_start_worker(mproc_pool_t *workers, int place);
void mproc__pool_forget_worker(mproc_pool_t *workers, int place);
void mproc__pool_end_workers(mproc_pool_t *workers);

/* ---------------------------------------------------------- pool_worker.c */

/* What runs in a worker, and what it is given: the handles of the pool and of
 * the rack with its place, the number of that there, the hints, and what the
 * initializer gets. */
#define MPROC__POOL_WORKER_ARGS "U U i o y"
int mproc__pool_worker(mproc_bytes_t args, apr_pool_t *pool);

/* Whether every piece is done or lost. */
int mproc__job_is_settled(mproc__job_t *job);

/* ------------------------------------------------------------ eventcounts */

/* A wait for one: it is as it was, so far. */
typedef struct mproc__pool_wait_t {
    mproc__word_t *word;
    apr_uint64_t seen;
} mproc__pool_wait_t;

/* Move it; whoever waits is woken. */
void mproc__pool_move(mproc__word_t *word);

/* The same when somebody waits; cheap when nobody does. */
static inline void
mproc__pool_told(mproc__word_t *word)
{
    if (atomic_load(word) & MPROC__POOL_WAITERS) {
        mproc__pool_move(word);
    }
}

/* Say that somebody waits, before the states are looked at; then wait, if they
 * ask for it. */
void mproc__pool_look(mproc__pool_wait_t *wait, mproc__word_t *word);
apr_status_t mproc__pool_sleep(mproc__pool_wait_t *wait, apr_time_t deadline);

/* Whether it is still as it was looked at. */
int mproc__pool_is_idle(void *wait);

/* --------------------------------------------------------- pool_keeper.c */

/* Have places for so many workers, and twice as many as there were. Life is
 * held. */
apr_status_t mproc__pool_places(mproc_pool_t *workers, int count);

apr_status_t mproc__pool_keep(mproc_pool_t *workers);

/* A place's worker has ended: see to what it had, and empty the place. Life is
 * held. */
void mproc__pool_death_see(mproc_pool_t *workers, int place);

/* See whether hints were lost, once all that were there then have been got;
 * tells when the next look is due. Life is held. */
void mproc__pool_suspect_look(mproc_pool_t *workers, apr_time_t *deadline);

/* See to workers that have ended, whether or not the watcher has told of them.
 * Life is held. */
void mproc__pool_see_ends(mproc_pool_t *workers);

/* End the keeper, unless the caller is in one of its callbacks. */
void mproc__pool_keep_no_more(mproc_pool_t *workers);

/* See who is stopped, and kill those that have been for long: at most each
 * second. Tells when the next look is due. Life is held. */
void mproc__pool_look_around(mproc_pool_t *workers, apr_time_t *deadline);

/* Whether the calling thread is the keeper. */
int mproc__pool_in_keeper(mproc_pool_t *workers);

/* MPROC_ESTATE for the keeper, in whose callbacks nobody may wait for the
 * pool: it would not heal. The pool may be gone. */
apr_status_t mproc__pool_may_wait(mproc_pool_t *workers, const char *call);

/* Nothing of what is not settled will come: say why. */
void mproc__pool_give_up(mproc_pool_t *workers, apr_status_t status);

#endif
