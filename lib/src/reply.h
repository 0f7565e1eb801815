/*
 * reply.h: what a task says, while it runs.
 */
#ifndef MPROC_SRC_REPLY_H
#define MPROC_SRC_REPLY_H

#include "batch.h"

struct mproc_reply_t {
    mproc__task_t *task; /* NULL: what it says stays in the pool, as: */
    mproc_bytes_t said;
    int names;           /* it names objects, which the pool has */
    mproc__hold_t *hold; /* of what does not fit into the task's entry */
    apr_pool_t *pool;    /* the task's */
    int attempt;
    apr_status_t status; /* that it said */
};

/* A reply of what is no task. */
void mproc__reply_begin_free(mproc_reply_t *reply, apr_pool_t *pool);

/* The task has returned `rv`: the status that it ends with, and a sentence for
 * it. */
apr_status_t mproc__reply_end(mproc_reply_t *reply, apr_status_t rv);

#endif
