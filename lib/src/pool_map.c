/*
 * pool_map.c: mproc_pool_map_array(), the owner's side of a job. The protocol
 * stands in pool.h.
 */
#include "pool.h"

#include <string.h>

#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_piece.h"
#include "parking.h"
#include "process.h"

#define PIECES_PER_WORKER 16
#define RETRIES 2
#define RETRIES_MOST 250
#define PROGRESS_EVERY (100 * 1000) /* microseconds */

/* One call. */
typedef struct map_t {
    mproc_pool_t *workers;
    mproc_map_fn_t function;
    const void *in;
    void *out;
    apr_size_t count, in_size, out_size;
    mproc_map_options_t options;
    mproc__job_t *job;
    mproc__handle_t handle; /* of the job */
    mproc__pool_wait_t wait;
    int deaths;   /* as they were when it was hinted at */
    int unhinted; /* that is to be done again */
    apr_time_t deadline;
} map_t;

static apr_status_t
map_check(map_t *map)
{
    const mproc_map_options_t *options = &map->options;
    const char *wrong = NULL;
    apr_size_t most = ~(apr_size_t)0 >> 2;

    if (map->function == NULL) {
        wrong = "the function is NULL";
    }
    else if ((map->in == NULL && map->in_size > 0) ||
             (map->out == NULL && map->out_size > 0)) {
        wrong = "an array is NULL but its items have a size";
    }
    else if (map->count > most ||
             (map->in_size > 0 && map->count > most / map->in_size) ||
             (map->out_size > 0 && map->count > most / map->out_size)) {
        wrong = "count times size is more than there is memory";
    }
    else if (options->baton == NULL && options->baton_size > 0) {
        wrong = "the baton is NULL but has a size";
    }
    else if (options->retries < -1 || options->retries > RETRIES_MOST) {
        wrong = "retries is not from -1 to 250";
    }
    return wrong == NULL ? APR_SUCCESS
                         : mproc__fail(APR_EINVAL,
                                       "mproc_pool_map_array: %s; nothing "
                                       "was done",
                                       wrong);
}

/* Where an array is to be seen by the workers: where it is, or in a block. */
static apr_status_t
map_place(apr_uint64_t *offset, mproc__hold_t *hold, const void *array,
          apr_size_t bytes)
{
    apr_status_t rv;
    if (bytes == 0 || mproc__arena_contains(array, bytes)) {
        *offset = bytes == 0 ? 0 : mproc__arena_offset(array);
        return APR_SUCCESS;
    }
    rv = mproc__arena_alloc(hold, bytes, MPROC_KIND_BYTES);
    if (rv == APR_SUCCESS) {
        *offset =
            mproc__arena_offset(mproc__arena_at(mproc__hold_handle(hold)));
    }
    return rv;
}

static apr_status_t
map_fill(map_t *map, mproc__job_t *job)
{
    apr_size_t in_bytes = map->count * map->in_size;
    apr_size_t out_bytes = map->count * map->out_size;
    apr_status_t rv;

    job->hold_count = MPROC__JOB_HOLDS;
    rv = mproc__pool_function(map->workers, (mproc_function_t)map->function,
                              &job->function);
    if (rv == APR_SUCCESS) {
        rv = map_place(&job->in, &job->hold[MPROC__JOB_IN], map->in, in_bytes);
    }
    if (rv == APR_SUCCESS) {
        rv = map_place(&job->out, &job->hold[MPROC__JOB_OUT], map->out,
                       out_bytes);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (mproc__hold_handle(&job->hold[MPROC__JOB_IN]) != 0) {
        memcpy(mproc__arena_address(job->in), map->in, in_bytes);
    }
    if (mproc__hold_handle(&job->hold[MPROC__JOB_OUT]) != 0) {
        memset(mproc__arena_address(job->out), 0, out_bytes);
    }
    job->count = map->count;
    job->in_size = map->in_size;
    job->out_size = map->out_size;
    return APR_SUCCESS;
}

static apr_status_t
map_begin(map_t *map, mproc__hold_t *hold)
{
    apr_uint64_t chunk = map->options.chunk, pieces, baton;
    apr_uint64_t wished = (apr_uint64_t)map->workers->count * PIECES_PER_WORKER;
    apr_status_t rv;

    if (chunk == 0) {
        chunk = (map->count - 1) / wished + 1;
    }
    pieces = (map->count - 1) / chunk + 1;
    baton = (sizeof *map->job + pieces * sizeof(mproc__word_t) + 15) / 16 * 16;
    rv = mproc__arena_alloc(hold, baton + map->options.baton_size,
                            MPROC_KIND_JOB);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    map->handle = mproc__hold_handle(hold);
    map->job = mproc__arena_at(map->handle);
    map->job->chunk = chunk;
    map->job->pieces = pieces;
    map->job->baton = baton;
    map->job->baton_size = map->options.baton_size;
    if (map->options.baton_size > 0) {
        memcpy((char *)map->job + baton, map->options.baton,
               map->options.baton_size);
    }
    return map_fill(map, map->job);
}

/* ---------------------------------------------------------------- waiting */

static int
map_is_waiting(void *baton)
{
    map_t *map = baton;

    return mproc__pool_is_idle(&map->wait);
}

static apr_status_t
map_hint(map_t *map)
{
    apr_uint64_t hints = (apr_uint64_t)map->workers->count;

    hints = map->job->pieces < hints ? map->job->pieces : hints;
    return mproc__pool_hint(map->workers, map->handle, MPROC__HINT_ARRAY,
                            hints);
}

/* Take back what the dead had claimed. Returns how many pieces. */
static int
map_give_back(map_t *map)
{
    int retries = map->options.retries == 0 ? RETRIES : map->options.retries;
    int changed = 0;
    apr_uint64_t i;

    for (i = 0; i < map->job->pieces; i++) {
        apr_uint64_t old = atomic_load(&map->job->piece[i]);
        unsigned tries = MPROC__PIECE_TRIES(old) + 1;
        int lost = (int)tries > retries;
        if (MPROC__PIECE_STATE(old) != MPROC__PIECE_CLAIMED ||
            !mproc__peer_is_dead(MPROC__PIECE_WORKER(old))) {
            continue;
        }
        if (atomic_compare_exchange_strong(
                &map->job->piece[i], &old,
                (apr_uint64_t)tries << 2 |
                    (lost ? MPROC__PIECE_LOST : MPROC__PIECE_FREE))) {
            changed++;
        }
    }
    return changed;
}

static void
map_progress(map_t *map)
{
    apr_uint64_t i, done = 0;
    if (map->options.progress == NULL) {
        return;
    }
    for (i = 0; i < map->job->pieces; i++) {
        done += MPROC__PIECE_STATE(atomic_load(&map->job->piece[i])) ==
                MPROC__PIECE_DONE;
    }
    done *= map->job->chunk;
    map->options.progress(done < map->count ? (apr_size_t)done : map->count,
                          map->count, map->options.progress_baton);
}

/* The keeper moves `done` when a worker has ended: it may have had a hint, or
 * pieces. */
static apr_status_t
map_wait(map_t *map)
{
    apr_status_t rv;

    for (;;) {
        apr_time_t until = map->deadline, now;
        mproc__pool_look(&map->wait, &map->workers->shared->done);
        if (mproc__job_is_settled(map->job)) {
            map_progress(map);
            return APR_SUCCESS;
        }
        if (atomic_load(&map->workers->terminated)) {
            return mproc__fail(MPROC_ECLOSED,
                               "mproc_pool_map_array: the pool was terminated "
                               "while the map ran; its results are lost");
        }
        if (map->workers->broken != 0) {
            return mproc__pool_open(map->workers, "mproc_pool_map_array");
        }
        rv = (apr_status_t)atomic_load(&map->job->failed);
        if (rv != APR_SUCCESS) {
            return mproc__fail(rv, "mproc_pool_map_array: a worker cannot "
                                   "call the function: its module is not the "
                                   "caller's, or the baton does not fit into "
                                   "its memory");
        }
        if (map_give_back(map) > 0) {
            map->unhinted = 1;
            if (mproc__job_is_settled(map->job)) {
                continue; /* What was lost was the last. */
            }
        }
        if (map->deaths != atomic_load(&map->workers->deaths)) {
            map->deaths = atomic_load(&map->workers->deaths);
            map->unhinted = 1;
        }
        now = mproc_plat_clock();
        if (map->unhinted) {
            map->unhinted = map_hint(map) != APR_SUCCESS;
        }
        if (map->unhinted && until > now + PROGRESS_EVERY) {
            until = now + PROGRESS_EVERY; /* Memory is short. */
        }
        if (map->options.progress != NULL && until > now + PROGRESS_EVERY) {
            until = now + PROGRESS_EVERY;
        }
        if (!mproc__spin(map_is_waiting, map)) {
            rv = mproc__pool_sleep(&map->wait, until);
            map_progress(map);
        }
        if (rv == APR_ENOMEM ||
            (rv == APR_TIMEUP && mproc_plat_clock() >= map->deadline)) {
            return mproc__fail(rv, rv == APR_TIMEUP
                                       ? "mproc_pool_map_array: the timeout "
                                         "ran out; the workers that were at "
                                         "it are replaced"
                                       : "mproc_pool_map_array: this thread "
                                         "cannot be registered as a waiter");
        }
    }
}

/* The worker that has claimed a piece; NULL when it is not known any more. Life
 * is held. */
static mproc_process_t *
piece_worker(map_t *map, apr_uint64_t state)
{
    mproc_pool_t *workers = map->workers;
    int place;
    for (place = 0; place < workers->places; place++) {
        if (workers->keep[place]->process != NULL &&
            atomic_load(&workers->keep[place]->place->peer) ==
                MPROC__PIECE_WORKER(state)) {
            return workers->keep[place]->process;
        }
    }
    return NULL;
}

/* A job given up: nobody shall claim of it any more, and who has is ended, for
 * it may be at it for ever. They have ended when this returns: an array of
 * the caller's in shared memory is not written to any more. */
static void
map_abandon(map_t *map)
{
    apr_uint64_t i;

    atomic_store(&map->job->cancelled, 1);
    apr_thread_mutex_lock(map->workers->life);
    for (i = 0; i < map->job->pieces; i++) {
        apr_uint64_t old = atomic_load(&map->job->piece[i]);
        while (MPROC__PIECE_STATE(old) == MPROC__PIECE_FREE &&
               !atomic_compare_exchange_weak(&map->job->piece[i], &old,
                                             MPROC__PIECE_LOST)) {
        }
        if (MPROC__PIECE_STATE(old) == MPROC__PIECE_CLAIMED) {
            mproc_process_t *worker = piece_worker(map, old);
            if (worker != NULL) {
                mproc_process_stop(worker, MPROC_NOWAIT);
            }
        }
    }
    apr_thread_mutex_unlock(map->workers->life);
}

static apr_status_t
map_result(map_t *map)
{
    apr_uint64_t i;
    if (mproc__hold_handle(&map->job->hold[MPROC__JOB_OUT]) != 0) {
        memcpy(map->out, mproc__arena_address(map->job->out),
               map->count * map->out_size);
    }
    for (i = 0; i < map->job->pieces; i++) {
        apr_uint64_t state = atomic_load(&map->job->piece[i]);
        if (MPROC__PIECE_STATE(state) == MPROC__PIECE_LOST) {
            return mproc__fail(
                MPROC_EWORKERLOST,
                "mproc_pool_map_array: items %" APR_UINT64_T_FMT
                " to %" APR_UINT64_T_FMT
                " ended the worker that ran them %u times in a row; the "
                "other results are there; look at what the function does "
                "with these",
                i * map->job->chunk,
                (i + 1) * map->job->chunk < map->count
                    ? (i + 1) * map->job->chunk - 1
                    : (apr_uint64_t)map->count - 1,
                MPROC__PIECE_TRIES(state));
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
map_run(map_t *map)
{
    mproc__hold_t *hold = mproc__hold_new();
    apr_status_t rv;

    if (hold == NULL) {
        return mproc__fail(APR_ENOMEM, "mproc_pool_map_array: no shared "
                                       "memory for the job; free some");
    }
    rv = map_begin(map, hold);
    if (rv == APR_SUCCESS) {
        map->deaths = atomic_load(&map->workers->deaths);
        rv = map_hint(map);
        if (rv == APR_SUCCESS) {
            rv = map_wait(map);
        }
        if (rv == APR_SUCCESS) {
            rv = map_result(map);
        }
        else {
            map_abandon(map);
        }
    }
    mproc__arena_release(hold);
    mproc__hold_free(hold);
    return rv;
}

apr_status_t
mproc_pool_map_array(mproc_pool_t *workers, mproc_map_fn_t function,
                     const void *in, apr_size_t count, apr_size_t in_size,
                     void *out, apr_size_t out_size,
                     const mproc_map_options_t *options)
{
    map_t map = {.workers = workers,
                 .function = function,
                 .in = in,
                 .out = out,
                 .count = count,
                 .in_size = in_size,
                 .out_size = out_size};
    apr_status_t rv;

    if (options != NULL) {
        map.options = *options;
    }
    rv = mproc__pool_check(workers, "mproc_pool_map_array");
    if (rv == APR_SUCCESS) {
        rv = map_check(&map);
    }
    if (rv == APR_SUCCESS && workers->away != NULL) {
        return mproc__far_map(&(mproc__far_map_t){workers, function, in, out,
                                                  count, in_size, out_size,
                                                  &map.options});
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__pool_may_wait(workers, "mproc_pool_map_array");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    map.deadline = map.options.timeout <= 0
                       ? MPROC_PLAT_NEVER
                       : mproc__deadline(map.options.timeout);
    apr_thread_mutex_lock(workers->mapping);
    apr_thread_mutex_lock(workers->list);
    rv = mproc__pool_open(workers, "mproc_pool_map_array");
    workers->maps += rv == APR_SUCCESS;
    apr_thread_mutex_unlock(workers->list);
    if (rv == APR_SUCCESS) {
        rv = count > 0 ? map_run(&map) : APR_SUCCESS;
        workers->maps--;
        if (atomic_load(&workers->closed)) {
            mproc__pool_move(&workers->shared->care);
        }
    }
    apr_thread_mutex_unlock(workers->mapping);
    return rv;
}
