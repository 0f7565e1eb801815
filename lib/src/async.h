/*
 * async.h: a batch, as its owner sees it.
 */
#ifndef MPROC_SRC_ASYNC_H
#define MPROC_SRC_ASYNC_H

#include "batch.h"
#include "manager_far_pool.h"
#include "notifier.h"

/* What few of them have. */
typedef struct mproc__extra_t {
    mproc__lost_t *_Atomic lost; /* the keeper adds at the front */
    mproc__notifier_place_t notifier;
} mproc__extra_t;

/* There may be very many: see batch.h. What was sent to a pool of a manager's
 * has no batch, is never listed, and knows its server's by `away`. */
struct mproc_async_t {
    mproc_pool_t *workers; /* there while it is listed */
    union {
        mproc_async_t *next;
        mproc__far_async_t *away;
    };
    mproc_async_t *previous;
    mproc__hold_t *hold;
    mproc__batch_t *batch;

    mproc__extra_t *_Atomic extra; /* NULL: it has none of that */
    apr_pool_t *pool;              /* NULL: the user frees it */
    _Atomic apr_uint32_t known;    /* tasks at the end that are done */
    apr_uint32_t number;           /* of the batch, in the order of sending */
    unsigned epoch;                /* of the process that made it */
    unsigned char retries;
    _Atomic unsigned char calls; /* callbacks are to be called */
    _Atomic unsigned char listed;
    unsigned char dropped;         /* the user has no interest left; list */
    mproc_callbacks_t callbacks[]; /* one, if any */
};

/* What a caller asks for. */
typedef struct mproc__order_t {
    mproc_task_fn_t task;
    const mproc_bytes_t *items;
    apr_size_t count, chunk;
    const apr_array_header_t *objects; /* NULL: none */
    const mproc_callbacks_t *callbacks;
    const mproc_task_options_t *options; /* NULL: the pool's */
    int dropped;                         /* nobody will ask for it */
    int begun;  /* it follows upon what was sent before a close */
    int pieces; /* of an array: see manager_piece.c */
} mproc__order_t;

/* Send it off. The pool owns the async; NULL: the caller. One that nobody will
 * ask for may be gone on return. */
apr_status_t mproc__async_send(mproc_async_t **async, mproc_pool_t *workers,
                               const mproc__order_t *order, apr_pool_t *pool,
                               const char *call);

/* What stands for it in a server; NULL: it is here. */
static inline mproc__far_async_t *
mproc__async_far(const mproc_async_t *async)
{
    return async->batch == NULL ? async->away : NULL;
}

/* What a task that is done, with success, replied; and the box that names the
 * objects in that, 0: there are none. */
mproc_bytes_t mproc__async_said(mproc_async_t *async, apr_size_t index);
mproc__handle_t mproc__async_box(mproc_async_t *async, apr_size_t index);

/* Whether all its tasks are done; callbacks may be to be called yet. */
int mproc__async_settled(mproc_async_t *async);

/* How many tasks there are in those on the list that are settled. The list is
 * locked. */
apr_uint64_t mproc__async_settled_yet(mproc_pool_t *workers);

/* Have that; NULL when memory is short. */
mproc__extra_t *mproc__async_extra(mproc_async_t *async);

/* APR_SUCCESS when the calling process may use it. */
apr_status_t mproc__async_check(const mproc_async_t *async, const char *call);

/* The same, and that it has a task of this number; the first task that failed,
 * or how many there are; how the worker of a task ended, NULL: it did not. */
apr_status_t mproc__async_index(const mproc_async_t *async, apr_size_t index,
                                const char *call);
apr_size_t mproc__async_failure_find(const mproc_async_t *async);
const mproc_lost_t *mproc__async_lost_find(mproc_async_t *async,
                                           apr_size_t index);

/* Whether a task is done; its status with its sentence. */
int mproc__async_task_done(mproc_async_t *async, apr_size_t index);
apr_status_t mproc__async_failure(mproc_async_t *async, apr_size_t index);

/* Wait until `ready` says so. */
apr_status_t mproc__async_wait(mproc_async_t *async, apr_size_t index,
                               apr_time_t deadline, const char *call);
#define MPROC__ALL_TASKS (~(apr_size_t)0)

/* Take it off the list, which is locked. From then on it may be freed, unless
 * callbacks are to be called. */
void mproc__async_unlist(mproc_async_t *async);

/* It is settled: the keeper shall find it, however many wait before it. */
void mproc__async_list_front(mproc_async_t *async);

/* Free it; it is not listed. */
void mproc__async_free(mproc_async_t *async);

/* Whether the calling thread is in an imap's source of items. */
int mproc__pool_is_fetching(mproc_pool_t *workers);

/* A task will not be done: it is settled so. The list is locked. */
void mproc__pool_task_end(mproc_async_t *async, apr_uint64_t index,
                          apr_status_t status);

/* The pool goes: imaps have it no more. */
void mproc__imaps_leave(mproc_pool_t *workers);

#endif
