/*
 * pool_worker.c: what a pool's worker does: get a hint, claim pieces of what
 * it names, call the function on them. The protocol stands in pool.h.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "object.h"
#include "parking.h"
#include "reply.h"
#include "trace.h"

#define GO_MOST (10 * 1000 * 1000) /* microseconds to wait for who replaces */
#define KNOWN 16

/* One worker, in its process. */
typedef struct worker_t {
    mproc__pool_shared_t *shared;
    mproc__place_t *place;
    mproc_queue_t *hints;
    mproc__peer_t self;
    apr_uint32_t pid;
    apr_uint64_t chunks; /* done */
    apr_uint64_t beat;
    mproc__hold_t *hold; /* on what it is at */
    apr_pool_t *pool;    /* of a task; cleared after it */
    char *baton;
    apr_uint64_t baton_room;
    struct {
        mproc__handle_t handle;
        mproc_function_t function;
    } known[KNOWN]; /* functions that it has found */
    unsigned next;
} worker_t;

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

/* The function that a block describes, which the pool holds. */
static apr_status_t
function_find(worker_t *worker, mproc__handle_t handle,
              mproc_function_t *function)
{
    mproc__funcref_t *ref;
    apr_status_t rv;
    unsigned i;

    for (i = 0; i < KNOWN; i++) {
        if (worker->known[i].handle == handle) {
            *function = worker->known[i].function;
            return APR_SUCCESS;
        }
    }
    ref = mproc__arena_at(handle);
    if (ref == NULL) {
        return mproc__fail(MPROC_ESTALE, "the pool's function is gone");
    }
    rv = mproc__funcref_resolve(function, ref);
    if (rv == APR_SUCCESS) {
        worker->known[worker->next % KNOWN].handle = handle;
        worker->known[worker->next++ % KNOWN].function = *function;
    }
    return rv;
}

static void
taking_begin(worker_t *worker)
{
    atomic_store(&worker->place->taking, ++worker->beat << 1 | 1);
}

/* -------------------------------------------------------------- array jobs */

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
piece_run(mproc__job_t *job, mproc_map_fn_t function, apr_uint64_t piece,
          void *baton)
{
    apr_uint64_t i = piece * job->chunk, end = i + job->chunk, state;
    const char *in = mproc__arena_address(job->in);
    char *out = mproc__arena_address(job->out);
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
job_prepare(worker_t *worker, mproc__job_t *job, mproc_function_t *function,
            void **baton)
{
    apr_status_t rv = function_find(worker, job->function, function);

    *baton = NULL;
    if (rv == APR_SUCCESS && job->baton_size > 0) {
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
    return rv;
}

static void
job_run(worker_t *worker, mproc__handle_t handle)
{
    mproc__place_t *place = worker->place;
    mproc_function_t function;
    apr_uint64_t piece;
    mproc__job_t *job;
    apr_status_t rv;
    void *baton;

    /* Gone already: the owner has given it up. */
    if (mproc__arena_hold(worker->hold, handle) != APR_SUCCESS) {
        return;
    }
    job = mproc__arena_at(handle);
    rv = job_prepare(worker, job, &function, &baton);
    if (rv != APR_SUCCESS) {
        atomic_store(&job->failed, (apr_uint64_t)rv);
    }
    atomic_store(&place->limit, 0); /* The job has one for all. */
    atomic_store(&place->began, (apr_uint64_t)mproc_plat_clock());
    atomic_store(&place->running, MPROC__RUNNING_JOB);
    while (rv == APR_SUCCESS && !atomic_load(&job->cancelled) &&
           piece_claim(worker, job, &piece)) {
        piece_run(job, (mproc_map_fn_t)function, piece, baton);
        worker->chunks++;
    }
    atomic_store(&place->running, 0);
    if (rv != APR_SUCCESS || mproc__job_is_settled(job)) {
        mproc__pool_told(&worker->shared->done);
    }
    mproc__arena_release(worker->hold);
}

/* ------------------------------------------------------------------- tasks */

static void
task_trace(worker_t *worker, apr_uint64_t index, apr_time_t began)
{
    mproc__trace_event_t event = {.name = "task",
                                  .category = "task",
                                  .pid = mproc_plat_pid(),
                                  .track = MPROC__TRACE_TASKS,
                                  .begin = began,
                                  .end = mproc_plat_clock()};

    event.end += event.end == event.begin;
    mproc__trace_event(
        &event, "\"index\":%" APR_UINT64_T_FMT ",\"batch\":%" APR_UINT64_T_FMT,
        index, atomic_load(&worker->place->at));
}

static void
task_run(worker_t *worker, mproc__batch_t *batch, mproc__hold_t *hold,
         mproc_task_fn_t function, apr_uint64_t index)
{
    mproc__task_t *task = mproc__batch_task(batch, index);
    mproc__place_t *place = worker->place;
    apr_time_t began = mproc_plat_clock();
    mproc_reply_t reply = {.task = task, .hold = hold, .pool = worker->pool};
    apr_status_t rv;

    reply.attempt = (int)MPROC__PIECE_TRIES(atomic_load(&task->state)) + 1;
    task->pid = worker->pid;
    task->size = 0;
    mproc__arena_release(hold); /* What one before us had begun to say. */
    atomic_store_explicit(&place->began, (apr_uint64_t)began,
                          memory_order_relaxed);
    atomic_store(&place->running, index + 1);
    rv = function(mproc__batch_args(batch, index), &reply, worker->pool);
    rv = mproc__reply_end(&reply, rv);
    if (atomic_load_explicit(&mproc__tracing, memory_order_relaxed)) {
        task_trace(worker, index, began);
    }
    /* First: who sees the result sees it counted. */
    atomic_store_explicit(
        &place->tasks,
        atomic_load_explicit(&place->tasks, memory_order_relaxed) + 1,
        memory_order_relaxed);
    mproc__batch_end(batch, index, rv);
    atomic_store_explicit(&place->running, 0, memory_order_release);
    mproc__pool_told(&batch->done);
    apr_pool_clear(worker->pool);
}

static int
worker_is_full(const worker_t *worker)
{
    const mproc__pool_shared_t *shared = worker->shared;

    return (shared->most_tasks > 0 && worker->chunks >= shared->most_tasks) ||
           (shared->most_memory > 0 &&
            mproc_plat_memory() > shared->most_memory);
}

static void
batch_run(worker_t *worker, mproc__handle_t handle)
{
    mproc__place_t *place = worker->place;
    apr_uint64_t first, count, i;
    apr_uint32_t known = 0;
    mproc_function_t function;
    mproc__holder_t *holder;
    mproc__batch_t *batch;
    apr_status_t rv;

    atomic_store(&place->at, handle);
    atomic_store(&place->taking, 0);
    if (mproc__arena_hold(worker->hold, handle) != APR_SUCCESS) {
        return; /* Gone already. */
    }
    holder = mproc__arena_at(handle);
    batch = mproc__batch_at(handle);
    atomic_store(&place->limit, batch->limit * APR_UINT64_C(1000));
    rv = function_find(worker, batch->function, &function);
    while (!worker_is_full(worker) &&
           (count = mproc__batch_claim(batch, worker->self, &first)) > 0) {
        for (i = first; i < first + count; i++) {
            if (!mproc__batch_has(batch, worker->self, i)) {
                continue;
            }
            if (rv == APR_SUCCESS) {
                task_run(worker, batch, &holder->hold[i],
                         (mproc_task_fn_t)function, i);
            }
            else {
                mproc__arena_release(&holder->hold[i]);
                mproc__batch_task(batch, i)->size = 0;
                /* As good as run. */
                atomic_store(&place->tasks, atomic_load(&place->tasks) + 1);
                mproc__batch_end(batch, i, rv);
                mproc__pool_told(&batch->done);
            }
        }
        worker->chunks++;
    }
    if (worker_is_full(worker)) {
        /* Others go on with what is left. */
        mproc__hint_t hint = {handle, MPROC__HINT_TASKS};
        mproc_bytes_t item = {&hint, sizeof hint};
        if (mproc_queue_put(worker->hints, item, MPROC_NOWAIT) != APR_SUCCESS) {
            taking_begin(worker); /* As if it died with it. */
        }
    }
    if (((batch->flags & MPROC__BATCH_TELL) ||
         atomic_load(&worker->shared->closed)) &&
        mproc__batch_settled(batch, &known)) {
        mproc__pool_told(&worker->shared->care);
    }
    mproc__arena_release(worker->hold);
}

/* -------------------------------------------------------------------- life */

static void
initializer_failed(worker_t *worker, apr_status_t rv)
{
    apr_uint64_t none = 0;

    apr_cpystrn(worker->shared->said, mproc_error_detail(),
                sizeof worker->shared->said);
    atomic_compare_exchange_strong(&worker->shared->failed, &none,
                                   (apr_uint64_t)rv);
}

static apr_status_t
initializer_run(worker_t *worker, mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_function_t function;
    apr_status_t rv;

    if (worker->shared->initializer == 0) {
        return APR_SUCCESS;
    }
    rv = function_find(worker, worker->shared->initializer, &function);
    if (rv == APR_SUCCESS) {
        atomic_store(&worker->place->state, MPROC__WORKER_BEGINS);
        mproc__fail(APR_SUCCESS, "it said nothing");
        rv = ((mproc_initializer_fn_t)function)(args, pool);
    }
    if (rv != APR_SUCCESS) {
        initializer_failed(worker, rv);
    }
    return rv;
}

/* It has done what it may: its replacement comes first. */
static void
worker_leave(worker_t *worker)
{
    apr_time_t until = mproc_plat_clock() + GO_MOST;
    mproc__pool_wait_t wait;

    atomic_store(&worker->place->at, 0);
    atomic_store(&worker->place->state, MPROC__WORKER_FULL);
    mproc__pool_move(&worker->shared->care);
    for (;;) {
        /* Partner: the keeper's store of GO, and its move of `done`. */
        mproc__pool_look(&wait, &worker->shared->done);
        if (atomic_load(&worker->place->state) == MPROC__WORKER_GO ||
            mproc__pool_sleep(&wait, until) != APR_SUCCESS) {
            return;
        }
    }
}

static int
worker_work(worker_t *worker)
{
    apr_size_t size;
    mproc__hint_t hint;

    for (;;) {
        apr_status_t rv;
        do {
            taking_begin(worker);
            rv = mproc_queue_get_into(worker->hints, &hint, sizeof hint, &size,
                                      MPROC__POOL_BEAT);
        } while (rv == APR_TIMEUP);
        if (rv == APR_EOF || (rv == APR_SUCCESS && size != sizeof hint)) {
            return 0;
        }
        if (rv != APR_SUCCESS) {
            return 1;
        }
        switch (hint.what) {
        case MPROC__HINT_TASKS:
            batch_run(worker, hint.handle);
            break;
        case MPROC__HINT_ARRAY:
            atomic_store(&worker->place->at, hint.handle);
            atomic_store(&worker->place->taking, 0);
            job_run(worker, hint.handle);
            break;
        default:
            atomic_store(&worker->place->taking, 0);
            return 0;
        }
        if (worker_is_full(worker)) {
            worker_leave(worker);
            return 0;
        }
        taking_begin(worker);
        atomic_store(&worker->place->at, 0);
    }
}

int
mproc__pool_worker(mproc_bytes_t args, apr_pool_t *pool)
{
    worker_t worker = {0};
    mproc__hold_t *mine, *rack;
    mproc_bytes_t initial;
    apr_uint64_t handle, places;
    int number, rv;

    if (mproc_unpack(args, pool, MPROC__POOL_WORKER_ARGS, &handle, &places,
                     &number, &worker.hints, &initial) != APR_SUCCESS ||
        (rack = mproc__hold_new()) == NULL ||
        mproc__arena_hold(rack, places) != APR_SUCCESS ||
        (mine = mproc__hold_new()) == NULL ||
        (worker.hold = mproc__hold_new()) == NULL ||
        mproc__arena_hold(mine, handle) != APR_SUCCESS ||
        /* Not of the root: a thread of the parent's may have had its lock. */
        apr_pool_create(&worker.pool, pool) != APR_SUCCESS) {
        return 1;
    }
    worker.shared = mproc__arena_at(handle);
    worker.place = (mproc__place_t *)mproc__arena_at(places) + number;
    worker.pid = (apr_uint32_t)mproc_plat_pid();
    worker.self = mproc__peer_self();
    if (initializer_run(&worker, initial, pool) != APR_SUCCESS) {
        return 1;
    }
    atomic_store(&worker.place->state, MPROC__WORKER_UP);
    /* The owner writes it, too, but perhaps later. */
    atomic_store(&worker.place->pid, worker.pid);
    atomic_store(&worker.place->peer, worker.self);
    mproc__pool_told(&worker.shared->care);
    rv = worker_work(&worker);
    atomic_store(&worker.place->state, MPROC__WORKER_ENDS);
    return rv;
}
