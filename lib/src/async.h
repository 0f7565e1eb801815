/*
 * async.h: a batch, as its owner sees it.
 */
#ifndef MPROC_SRC_ASYNC_H
#define MPROC_SRC_ASYNC_H

#include "batch.h"

struct mproc_async_t {
    mproc_pool_t *workers; /* there while it is listed */
    mproc_async_t *next, *previous;
    mproc__hold_t *hold;
    mproc__batch_t *batch;
    mproc_callbacks_t callbacks;
    mproc__lost_t *lost;        /* guarded by list until it is settled */
    apr_pool_t *pool;           /* NULL: the user frees it */
    _Atomic apr_uint64_t known; /* tasks at the end that are done */
    unsigned epoch;             /* of the process that made it */
    short retries;
    _Atomic short calls; /* callbacks are to be called */
    _Atomic short listed;
    short dropped; /* the user has no interest left; list */
};

/* What a caller asks for. */
typedef struct mproc__order_t {
    mproc_task_fn_t task;
    const mproc_bytes_t *items;
    apr_size_t count, chunk;
    const apr_array_header_t *objects; /* NULL: none */
    const mproc_callbacks_t *callbacks;
    const mproc_task_options_t *options; /* NULL: the pool's */
} mproc__order_t;

/* Send it off. The pool owns the async; NULL: the caller. */
apr_status_t mproc__async_send(mproc_async_t **async, mproc_pool_t *workers,
                               const mproc__order_t *order, apr_pool_t *pool,
                               const char *call);

/* Whether all its tasks are done; callbacks may be to be called yet. */
int mproc__async_settled(mproc_async_t *async);

/* Whether a task is done; its status with its sentence. */
int mproc__async_task_done(mproc_async_t *async, apr_size_t index);
apr_status_t mproc__async_failure(mproc_async_t *async, apr_size_t index);

/* Wait until `ready` says so. */
apr_status_t mproc__async_wait(mproc_async_t *async, apr_size_t index,
                               apr_time_t deadline, const char *call);
#define MPROC__ALL_TASKS (~(apr_size_t)0)

/* Take it off the list, which is locked. */
void mproc__async_unlist(mproc_async_t *async);

/* Free it; it is not listed. */
void mproc__async_free(mproc_async_t *async);

#endif
