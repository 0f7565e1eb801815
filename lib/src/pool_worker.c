/*
 * pool_worker.c: what a pool's worker does: wait for a job, claim pieces of
 * it, call the function on their items. The protocol stands in pool.h.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "parking.h"

/* One worker, in its process. */
typedef struct worker_t {
    mproc__pool_shared_t *shared;
    mproc__peer_t self;
    mproc__hold_t *hold;    /* on the job it is at */
    mproc__funcref_t known; /* the function it found last */
    mproc_map_fn_t function;
    apr_uint64_t wake; /* as it looked before the last search */
    char *baton;
    apr_uint64_t baton_room;
} worker_t;

void
mproc__pool_move(mproc__word_t *word, apr_uint64_t flags)
{
    apr_uint64_t old = atomic_load(word);
    while (!atomic_compare_exchange_weak(
        word, &old,
        ((old & ~MPROC__POOL_WAITERS) + MPROC__POOL_SEQUENCE) | flags)) {
    }
    if (old & MPROC__POOL_WAITERS) {
        mproc__unpark(word, MPROC__ALL);
    }
}

int
mproc__job_is_settled(mproc__job_t *job)
{
    apr_uint64_t i = job->pieces;
    /* From the end: what is not settled is there. */
    while (i-- > 0) {
        unsigned state = MPROC__PIECE_STATE(atomic_load(&job->piece[i]));
        if (state != MPROC__PIECE_DONE && state != MPROC__PIECE_LOST) {
            return 0;
        }
    }
    return 1;
}

/* Claim a piece; 0 when there is none to be had. */
static int
piece_claim(worker_t *worker, mproc__job_t *job, apr_uint64_t *piece)
{
    apr_uint64_t i, old;
    while ((i = atomic_load(&job->next)) < job->pieces) {
        i = atomic_fetch_add(&job->next, 1);
        if (i >= job->pieces) {
            break;
        }
        old = atomic_load(&job->piece[i]);
        if (MPROC__PIECE_STATE(old) == MPROC__PIECE_FREE &&
            atomic_compare_exchange_strong(&job->piece[i], &old,
                                           worker->self << 10 | (old & 0x3fc) |
                                               MPROC__PIECE_CLAIMED)) {
            *piece = i;
            return 1;
        }
    }
    /* What is left over: given back, or offered to one that died. */
    for (i = 0; i < job->pieces; i++) {
        old = atomic_load(&job->piece[i]);
        if (MPROC__PIECE_STATE(old) == MPROC__PIECE_FREE &&
            atomic_compare_exchange_strong(&job->piece[i], &old,
                                           worker->self << 10 | (old & 0x3fc) |
                                               MPROC__PIECE_CLAIMED)) {
            *piece = i;
            return 1;
        }
    }
    return 0;
}

static void
piece_run(worker_t *worker, mproc__job_t *job, apr_uint64_t piece, void *baton)
{
    apr_uint64_t i = piece * job->chunk, end = i + job->chunk, state;
    const char *in = mproc__arena_address(job->in);
    char *out = mproc__arena_address(job->out);
    mproc_map_fn_t function = worker->function;
    apr_uint64_t in_size = job->in_size, out_size = job->out_size;

    if (end > job->count) {
        end = job->count;
    }
    for (; i < end; i++) {
        function(in + i * in_size, out + i * out_size, baton);
    }
    state = atomic_load(&job->piece[piece]);
    atomic_store(&job->piece[piece],
                 (state & ~APR_UINT64_C(3)) | MPROC__PIECE_DONE);
}

/* Find the function, make a copy of the baton; NULL baton is fine. */
static apr_status_t
job_prepare(worker_t *worker, mproc__job_t *job, void **baton)
{
    *baton = NULL;
    if (worker->function == NULL ||
        memcmp(&worker->known, &job->function, sizeof worker->known) != 0) {
        mproc_function_t function;
        apr_status_t rv = mproc__funcref_resolve(&function, &job->function);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        worker->function = (mproc_map_fn_t)function;
        worker->known = job->function;
    }
    if (job->baton_size > 0) {
        if (worker->baton_room < job->baton_size) {
            char *more = realloc(worker->baton, (size_t)job->baton_size);
            if (more == NULL) {
                return APR_ENOMEM;
            }
            worker->baton = more;
            worker->baton_room = job->baton_size;
        }
        *baton = memcpy(worker->baton, (char *)job + job->baton,
                        (size_t)job->baton_size);
    }
    return APR_SUCCESS;
}

/* Do what there is to do. */
static void
job_run(worker_t *worker)
{
    mproc__handle_t handle = atomic_load(&worker->shared->job);
    apr_uint64_t piece;
    mproc__job_t *job;
    apr_status_t rv;
    void *baton;

    /* Gone already: the owner has another by now, or none. */
    if (handle == 0 || mproc__arena_hold(worker->hold, handle) != APR_SUCCESS) {
        return;
    }
    job = mproc__arena_at(handle);
    rv = job_prepare(worker, job, &baton);
    if (rv != APR_SUCCESS) {
        atomic_store(&job->failed, (apr_uint64_t)rv);
    }
    while (rv == APR_SUCCESS && !atomic_load(&job->cancelled) &&
           piece_claim(worker, job, &piece)) {
        piece_run(worker, job, piece, baton);
    }
    if (rv != APR_SUCCESS || mproc__job_is_settled(job)) {
        mproc__pool_move(&worker->shared->done, 0);
    }
    mproc__arena_release(worker->hold);
}

static int
worker_is_idle(void *baton)
{
    worker_t *worker = baton;
    return ((atomic_load(&worker->shared->wake) ^ worker->wake) &
            ~MPROC__POOL_WAITERS) == 0;
}

static int
worker_must_sleep(void *baton)
{
    worker_t *worker = baton;
    mproc__word_t *wake = &worker->shared->wake;
    apr_uint64_t old = atomic_load(wake);
    while (((old ^ worker->wake) & ~MPROC__POOL_WAITERS) == 0) {
        if ((old & MPROC__POOL_WAITERS) ||
            atomic_compare_exchange_weak(wake, &old,
                                         old | MPROC__POOL_WAITERS)) {
            return 1;
        }
    }
    return 0;
}

int
mproc__pool_worker(mproc_bytes_t args, apr_pool_t *pool)
{
    worker_t worker = {0};
    mproc__hold_t *mine;
    apr_uint64_t handle;
    int place;

    if (mproc_unpack(args, pool, "U i", &handle, &place) != APR_SUCCESS ||
        (mine = mproc__hold_new()) == NULL ||
        (worker.hold = mproc__hold_new()) == NULL ||
        mproc__arena_hold(mine, handle) != APR_SUCCESS) {
        return 1;
    }
    worker.shared = mproc__arena_at(handle);
    worker.self = mproc__peer_self();
    atomic_store(&worker.shared->worker[place], worker.self);
    for (;;) {
        void *word = &worker.shared->wake;
        worker.wake = atomic_load(&worker.shared->wake);
        job_run(&worker);
        if (worker.wake & MPROC__POOL_CLOSED) {
            return 0;
        }
        if (!mproc__spin(worker_is_idle, &worker) &&
            mproc__park(&word, 1, worker_must_sleep, NULL, &worker,
                        MPROC_PLAT_NEVER) == APR_ENOMEM) {
            return 1;
        }
    }
}
