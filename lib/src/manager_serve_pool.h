/*
 * manager_serve_pool.h: pools of a manager's server and their asyncs, as the
 * two files that serve them see them. The protocol stands at the top of
 * manager_serve_pool.c.
 */
#ifndef MPROC_SRC_MANAGER_SERVE_POOL_H
#define MPROC_SRC_MANAGER_SERVE_POOL_H

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "async.h"
#include "manager_hub.h"

#define MPROC__POOL_SENTENCE 1000

/* What a call that has a job is at. */
enum {
    MPROC__POOL_CALL_BEGINS,
    MPROC__POOL_CALL_RUNS,
    MPROC__POOL_CALL_IS_DONE
};

/* A job for a pool's thread: what a call asks for. */
typedef struct mproc__pool_job_t {
    struct mproc__pool_job_t *next;
    mproc__call_t *call; /* NULL: it has left */
    struct mproc__served_pool_t *in;
    struct mproc__served_async_t *async; /* of SEND and CANCEL */
    mproc_object_t *object; /* a half of its block, so that it stays */
    apr_pool_t *pool;
    apr_uint32_t what; /* mproc__method_e */
    int wanted;        /* SEND: the client will ask for it */
    mproc_function_t function;
    mproc_bytes_t *items;
    apr_size_t count;
    mproc_task_options_t options;
    int processes;
    apr_uint64_t cancelled;
    mproc_pool_stats_t stats;
    apr_status_t status;
    char sentence[MPROC__POOL_SENTENCE];
} mproc__pool_job_t;

/* What has become of an async, told by other threads. */
enum {
    MPROC__ASYNC_TOLD = 1,      /* it is settled, */
    MPROC__ASYNC_FAILED = 2,    /* with a task that failed */
    MPROC__ASYNC_DESTROYED = 4, /* by the pool's thread */
    MPROC__ASYNC_OVER = MPROC__ASYNC_TOLD | MPROC__ASYNC_DESTROYED
};

/* An async: its block names it. */
typedef struct mproc__served_async_t {
    mproc__handle_t id;
    struct mproc__served_pool_t *in;
    mproc_async_t *async; /* set by the pool's thread before the job is done */
    /* For the server's thread. */
    int sent;
    int settled; /* 1: with success; 2: a task has failed */
    /* Guarded by the mutex. */
    int marks, listed;
    struct mproc__served_async_t *next_told, *next_dropped;
} mproc__served_async_t;

/* How a pool is. */
typedef enum mproc__served_pool_e {
    MPROC__POOL_BEGINS,
    MPROC__POOL_UP,
    MPROC__POOL_ENDED /* its thread is done with it, or it could not be made */
} mproc__served_pool_e;

/* A pool: its block names it. */
typedef struct mproc__served_pool_t {
    struct mproc__served_pool_t *next;
    struct mproc__served_pools_t *pools;
    mproc__handle_t id;
    apr_pool_t *pool;
    mproc_pool_options_t options;
    apr_thread_t *thread;
    atomic_int unwanted; /* nobody refers to it */
    int gone;            /* the same, for the server's thread */
    int joined;          /* its thread */
    apr_size_t asyncs;   /* records that name it */
    /* Guarded by the mutex. */
    apr_thread_cond_t *cond;
    mproc__pool_job_t *todo, **todo_end;
    mproc__served_async_t *dropped; /* to be destroyed */
    mproc__served_pool_e state;
    mproc_pool_t *workers;
    int news;            /* calls that wait for it are to be run again */
    apr_status_t status; /* why it could not be made */
    char sentence[MPROC__POOL_SENTENCE];
} mproc__served_pool_t;

/* A call that waits for several asyncs; it waits at a place of its own. */
typedef struct mproc__select_t {
    struct mproc__select_t *next, **link;
    apr_uint64_t place;
} mproc__select_t;

/* All of a server. */
typedef struct mproc__served_pools_t {
    mproc__hub_t *server;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    mproc__served_pool_t *first;
    apr_hash_t *asyncs; /* by id */
    mproc__select_t *selects;
    int any_settled;           /* since these were looked at */
    apr_uint64_t select_count; /* so far */
    /* Guarded by the mutex. */
    mproc__pool_job_t *done;
    mproc__served_async_t *told;
} mproc__served_pools_t;

/* Why nothing can be done for one whose thread has ended, or whose workers have
 * been given up. */
apr_status_t mproc__served_pool_lacks(const mproc__served_pool_t *in);

void mproc__pool_job_free(mproc__pool_job_t *job);

/* The function that is registered by that name; MPROC_EREMOTE. */
apr_status_t mproc__pool_function_find(mproc_function_t *function,
                                       const char *name);

/* MPROC_EREMOTE for arguments that name objects. */
apr_status_t mproc__pool_args_check(mproc_bytes_t args);

/* Note what has become of it, and ring. Any thread. */
void mproc__served_async_mark(mproc__served_async_t *async, int marks);

/* It is settled: run what waits for it; and, after several, what waits for any
 * of many. It may be destroyed already. */
void mproc__served_async_settle(mproc__served_async_t *async, int failed);
void mproc__served_selects_settle(mproc__served_pools_t *pools);

#endif
