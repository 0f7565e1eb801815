/*
 * batch.h: tasks, as the owner sends them to the workers.
 *
 * The block: a holder, with a hold for the reply of each task, and then for
 * what the arguments name; the batch; the tasks; the arguments. A task's
 * entry belongs to whoever has claimed it, until it is DONE.
 */
#ifndef MPROC_SRC_BATCH_H
#define MPROC_SRC_BATCH_H

#include "pool.h"

#define MPROC__REPLY_INLINE 16

/* How a task ended. */
typedef struct mproc__task_t {
    mproc__word_t state; /* a piece's */
    apr_int32_t status;
    apr_uint32_t pid;  /* of the worker that ran it */
    apr_uint64_t args; /* where they end */
    apr_uint64_t size; /* of the reply; beyond INLINE in the hold */
    unsigned char said[MPROC__REPLY_INLINE];
} mproc__task_t;

#define MPROC__BATCH_TELL 1U /* the keeper is to know when it is settled */

/* There may be very many, of one task each: with its task, its block's header
 * and small arguments it fits into 128 bytes. */
typedef struct mproc__batch_t {
    mproc__handle_t function;
    mproc__word_t done;        /* eventcount of who waits for it */
    _Atomic apr_uint32_t next; /* hint: tasks below have been offered once */
    apr_uint32_t limit;        /* milliseconds of a task; 0: any */
    apr_uint32_t count;        /* below 2 to the 24th */
    unsigned chunk : 24, flags : 8;
} mproc__batch_t;

_Static_assert(sizeof(mproc__batch_t) == 32, "see above");

static inline mproc__batch_t *
mproc__batch_at(mproc__handle_t handle)
{
    mproc__holder_t *holder = mproc__arena_at(handle);
    return (mproc__batch_t *)(void *)&holder->hold[holder->count];
}

static inline mproc__task_t *
mproc__batch_task(mproc__batch_t *batch, apr_uint64_t index)
{
    /* At the next address that 16 divides: blocks begin at such. */
    apr_uintptr_t end = (apr_uintptr_t)(batch + 1);
    return (mproc__task_t *)((end + 15) / 16 * 16) + index;
}

mproc_bytes_t mproc__batch_args(mproc__batch_t *batch, apr_uint64_t index);

/* Make one. `objects`: what the arguments name, or NULL. */
apr_status_t mproc__batch_make(mproc__hold_t *hold, const mproc_bytes_t *items,
                               apr_size_t count,
                               const apr_array_header_t *objects);

/* Claim a chunk: those of the tasks from *first on, so many as are returned,
 * that are CLAIMED by the peer afterwards. 0: there is nothing to be had. */
apr_uint64_t mproc__batch_claim(mproc__batch_t *batch, mproc__peer_t peer,
                                apr_uint64_t *first);
/* Claim that one. */
int mproc__batch_take(mproc__batch_t *batch, mproc__peer_t peer,
                      apr_uint64_t index);
/* Whether the peer has claimed it. */
int mproc__batch_has(mproc__batch_t *batch, mproc__peer_t peer,
                     apr_uint64_t index);

/* Whether all tasks are DONE; `*known` counts those at the end that are. */
int mproc__batch_settled(mproc__batch_t *batch, apr_uint32_t *known);

/* What a task said: bytes, or a sentence when its status is none of success.
 */
mproc_bytes_t mproc__batch_said(mproc__handle_t handle, apr_uint64_t index);

/* End a task that is claimed, or dead, with a status. */
void mproc__batch_end(mproc__batch_t *batch, apr_uint64_t index,
                      apr_status_t status);

#endif
