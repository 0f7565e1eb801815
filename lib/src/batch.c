/*
 * batch.c: tasks in a block of the arena. The protocol stands in pool.h.
 */
#include "batch.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "ring.h"

#define ALIGNED(size) (((size) + 15) / 16 * 16)

mproc_bytes_t
mproc__batch_args(mproc__batch_t *batch, apr_uint64_t index)
{
    const mproc__task_t *task = mproc__batch_task(batch, index);
    const char *base = (const char *)mproc__batch_task(batch, batch->count);
    apr_uint64_t begin = index == 0 ? 0 : ALIGNED(task[-1].args);
    mproc_bytes_t bytes = {base + begin, (apr_size_t)(task->args - begin)};

    return bytes;
}

static void
tasks_fill(mproc__batch_t *batch, const mproc_bytes_t *items)
{
    char *base = (char *)mproc__batch_task(batch, batch->count);
    apr_uint64_t i, at = 0;

    for (i = 0; i < batch->count; i++) {
        mproc__task_t *task = mproc__batch_task(batch, i);
        if (items[i].size > 0) {
            memcpy(base + at, items[i].data, items[i].size);
        }
        task->args = at + items[i].size;
        at = ALIGNED(task->args);
    }
}

apr_status_t
mproc__batch_make(mproc__hold_t *hold, const mproc_bytes_t *items,
                  apr_size_t count, const apr_array_header_t *objects)
{
    apr_uint32_t names = objects == NULL ? 0 : (apr_uint32_t)objects->nelts, i;
    apr_uint64_t size, tasks, from, n;
    mproc__holder_t *holder;
    mproc__batch_t *batch;
    apr_status_t rv;

    from = sizeof *holder + (count + names) * sizeof holder->hold[0];
    tasks = ALIGNED(from + sizeof *batch) - from;
    size = from + tasks + count * sizeof(mproc__task_t);
    for (n = 0; n < count; n++) {
        if (items[n].size > MPROC__BLOCK_MAX - size) {
            return mproc__fail(MPROC_ETOOBIG,
                               "the arguments of the tasks have more than "
                               "%" APR_UINT64_T_FMT
                               " bytes together; pass large data in shared "
                               "memory, or fewer tasks at once",
                               (apr_uint64_t)MPROC__BLOCK_MAX);
        }
        size += ALIGNED(items[n].size);
    }
    rv = mproc__arena_alloc(hold, size, MPROC_KIND_JOB);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    holder = mproc__arena_at(mproc__hold_handle(hold));
    holder->count = (apr_uint32_t)count + names;
    batch = mproc__batch_at(mproc__hold_handle(hold));
    batch->count = (apr_uint32_t)count;
    batch->chunk = 1;
    tasks_fill(batch, items);
    for (i = 0; i < names && rv == APR_SUCCESS; i++) {
        rv = mproc__arena_hold(&holder->hold[count + i],
                               ((const mproc__handle_t *)objects->elts)[i]);
    }
    if (rv != APR_SUCCESS) {
        mproc__arena_release(hold);
    }
    return rv;
}

/* ---------------------------------------------------------------- claiming */

static int
task_claim(mproc__task_t *task, mproc__peer_t peer)
{
    apr_uint64_t old = atomic_load(&task->state);

    return MPROC__PIECE_STATE(old) == MPROC__PIECE_FREE &&
           atomic_compare_exchange_strong(&task->state, &old,
                                          peer << 10 | (old & 0x3fc) |
                                              MPROC__PIECE_CLAIMED);
}

int
mproc__batch_take(mproc__batch_t *batch, mproc__peer_t peer, apr_uint64_t index)
{
    return task_claim(mproc__batch_task(batch, index), peer);
}

int
mproc__batch_has(mproc__batch_t *batch, mproc__peer_t peer, apr_uint64_t index)
{
    apr_uint64_t state = atomic_load_explicit(
        &mproc__batch_task(batch, index)->state, memory_order_relaxed);

    return MPROC__PIECE_STATE(state) == MPROC__PIECE_CLAIMED &&
           MPROC__PIECE_WORKER(state) == peer;
}

/* The next chunk that was not offered yet: its first task, and its end. */
static apr_uint64_t
next_take(mproc__batch_t *batch, apr_uint64_t *end)
{
    apr_uint32_t next = atomic_load(&batch->next), after;

    do {
        after = batch->count - next > batch->chunk ? next + batch->chunk
                                                   : batch->count;
    } while (next < batch->count &&
             !atomic_compare_exchange_weak(&batch->next, &next, after));
    *end = after;
    return next;
}

apr_uint64_t
mproc__batch_claim(mproc__batch_t *batch, mproc__peer_t peer,
                   apr_uint64_t *first)
{
    apr_uint64_t i, end;

    while ((*first = next_take(batch, &end)) < end) {
        int claimed = 0;
        for (i = *first; i < end; i++) {
            claimed |= task_claim(mproc__batch_task(batch, i), peer);
        }
        if (claimed) {
            return end - *first;
        }
    }
    /* What is left over: given back, or offered to one that died. */
    for (i = 0; i < batch->count; i++) {
        if (task_claim(mproc__batch_task(batch, i), peer)) {
            *first = i;
            return 1;
        }
    }
    return 0;
}

int
mproc__batch_settled(mproc__batch_t *batch, apr_uint32_t *known)
{
    /* From the end: what is not settled is there. */
    while (*known < batch->count) {
        mproc__task_t *task =
            mproc__batch_task(batch, batch->count - 1 - *known);
        if (MPROC__PIECE_STATE(atomic_load(&task->state)) !=
            MPROC__PIECE_DONE) {
            return 0;
        }
        ++*known;
    }
    return 1;
}

/* ------------------------------------------------------------------ ending */

mproc_bytes_t
mproc__batch_said(mproc__handle_t handle, apr_uint64_t index)
{
    mproc__holder_t *holder = mproc__arena_at(handle);
    mproc__task_t *task = mproc__batch_task(mproc__batch_at(handle), index);
    mproc_bytes_t said = {task->said, (apr_size_t)task->size};
    mproc__handle_t box = mproc__hold_handle(&holder->hold[index]);

    if (box != 0) {
        said = mproc__box_bytes(box);
    }
    else if (said.size > MPROC__REPLY_INLINE) {
        said.size = 0;
    }
    return said;
}

void
mproc__batch_end(mproc__batch_t *batch, apr_uint64_t index, apr_status_t status)
{
    mproc__task_t *task = mproc__batch_task(batch, index);
    apr_uint64_t state = atomic_load(&task->state);

    task->status = status;
    atomic_store(&task->state, (state & ~APR_UINT64_C(3)) | MPROC__PIECE_DONE);
}
