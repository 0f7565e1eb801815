/*
 * pool_keeper.c: the keeper, one thread of the owner's: it sees to workers
 * that have ended, starts others, ends tasks that take too long, and calls
 * the callbacks. The protocol stands in pool.h.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"
#include "process.h"
#include "queue.h"

#define INTERRUPT_GRACE (200 * 1000) /* microseconds, then it is killed */
#define AFTERWARDS (1000 * 1000)     /* it may still die of that */
#define LOOK_MOST (100 * 1000)       /* between looks at limits */
#define LOOK_LEAST 1000
#define AGAIN (100 * 1000)        /* to what memory was short for */
#define LOOK_AROUND (1000 * 1000) /* between looks who is stopped */
#define STILL 5         /* looks at which one that waits may stand still */
#define STILL_STOPPED 2 /* ... and one that the system calls stopped */
#define STILL_LONG 30   /* ... and one that comes up, or ends */
#define STILLBORN_PER_WORKER 3
#define PAUSE_MOST (1000 * 1000)

/* The pool whose keeper the calling thread is. */
static _Thread_local mproc_pool_t *kept;
static _Thread_local unsigned kept_epoch;

/* ------------------------------------------------------------ eventcounts */

void
mproc__pool_move(mproc__word_t *word)
{
    apr_uint64_t old = atomic_load(word);

    while (!atomic_compare_exchange_weak(
        word, &old, (old & ~MPROC__POOL_WAITERS) + MPROC__POOL_SEQUENCE)) {
    }
    if (old & MPROC__POOL_WAITERS) {
        mproc__unpark(word, MPROC__ALL);
    }
}

void
mproc__pool_look(mproc__pool_wait_t *wait, mproc__word_t *word)
{
    wait->word = word;
    wait->seen = atomic_fetch_or(word, MPROC__POOL_WAITERS);
}

int
mproc__pool_is_idle(void *baton)
{
    mproc__pool_wait_t *wait = baton;

    return ((atomic_load(wait->word) ^ wait->seen) & ~MPROC__POOL_WAITERS) == 0;
}

apr_status_t
mproc__pool_sleep(mproc__pool_wait_t *wait, apr_time_t deadline)
{
    void *word = wait->word;

    return mproc__park(&word, 1, mproc__pool_is_idle, NULL, wait, deadline);
}

int
mproc__pool_in_keeper(mproc_pool_t *workers)
{
    return kept == workers && kept_epoch == mproc__peers_epoch();
}

apr_status_t
mproc__pool_may_wait(mproc_pool_t *workers, const char *call)
{
    return mproc__pool_in_keeper(workers)
               ? mproc__fail(MPROC_ESTATE,
                             "%s: not in a callback, which keeps the pool "
                             "from seeing to its workers; wait in another "
                             "thread, or send what follows from here",
                             call)
               : APR_SUCCESS;
}

/* ---------------------------------------------------------------- healing */

static int
is_full(const mproc_pool_t *workers, int number)
{
    return atomic_load(&workers->keep[number]->place->state) >=
           MPROC__WORKER_FULL;
}

static int
place_find(const mproc_pool_t *workers)
{
    int i = 0;

    while (i < workers->places && workers->keep[i]->process != NULL) {
        i++;
    }
    return i;
}

/* Those that have done what they may end as soon as all others are up. */
static void
full_let_go(mproc_pool_t *workers)
{
    int i, up = 0, full = 0;

    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL) {
            int is = is_full(workers, i);
            full += is;
            up += !is && atomic_load(&workers->keep[i]->place->peer) != 0;
        }
    }
    if (full == 0 ||
        (up < workers->count && !workers->broken && !workers->shut &&
         place_find(workers) < workers->places)) {
        return;
    }
    for (i = 0; i < workers->places; i++) {
        apr_uint64_t state = MPROC__WORKER_FULL;
        if (workers->keep[i]->process != NULL) {
            atomic_compare_exchange_strong(&workers->keep[i]->place->state,
                                           &state, MPROC__WORKER_GO);
        }
    }
    mproc__pool_move(&workers->shared->done);
}

static void
pool_break(mproc_pool_t *workers, apr_status_t status)
{
    if (workers->broken == 0) {
        atomic_store(&workers->broken, status);
        mproc__pool_end_workers(workers);
        mproc__pool_move(&workers->shared->done);
    }
}

/* Start as many as there shall be; life is held. */
static void
workers_heal(mproc_pool_t *workers, apr_time_t *deadline)
{
    int i, live = 0;

    full_let_go(workers);
    if (workers->shut || workers->broken != 0 || workers->terminated) {
        return;
    }
    for (i = 0; i < workers->places; i++) {
        live += workers->keep[i]->process != NULL && !is_full(workers, i);
    }
    while (live < workers->count &&
           (i = place_find(workers)) < workers->places) {
        apr_time_t now = mproc_plat_clock();
        if (workers->stillborn > STILLBORN_PER_WORKER * workers->count) {
            pool_break(workers, MPROC_EBROKEN);
            return;
        }
        if (now < workers->pause) {
            *deadline = *deadline < workers->pause ? *deadline : workers->pause;
            return;
        }
        if (mproc__pool_start_worker(workers, i) != APR_SUCCESS) {
            mproc__pool_forget_worker(workers, i);
            workers->stillborn++;
            workers->pause = now + PAUSE_MOST / 4;
            continue;
        }
        live++;
    }
}

/* ---------------------------------------------------------------- stopped */

/* Whether it stands still where it must not; `*looks`: how often it may. */
static int
stands_still(const mproc__keep_t *keep, int *looks)
{
    const mproc__place_t *place = keep->place;
    apr_uint64_t state = atomic_load(&place->state);

    *looks = STILL_STOPPED;
    if (state != MPROC__WORKER_UP && mproc__process_is_stopped(keep->process)) {
        return 1;
    }
    if (state < MPROC__WORKER_UP && keep->workers->shut) {
        *looks = STILL; /* Nobody needs it any more. */
        return 1;
    }
    if (state != MPROC__WORKER_UP) {
        *looks = STILL_LONG;
        return state != MPROC__WORKER_BEGINS;
    }
    if (atomic_load(&place->running) != 0 ||
        atomic_load(&place->taking) != keep->seen[0] ||
        atomic_load(&place->at) != keep->seen[1] ||
        atomic_load(&place->tasks) != keep->seen[2]) {
        return 0;
    }
    *looks = mproc__process_is_stopped(keep->process) ? STILL_STOPPED : STILL;
    return 1;
}

void
mproc__pool_look_around(mproc_pool_t *workers, apr_time_t *deadline)
{
    apr_time_t now = mproc_plat_clock();
    int i, looks;

    for (i = 0; i < workers->places && now >= workers->look; i++) {
        mproc__keep_t *keep = workers->keep[i];
        if (keep->process == NULL) {
            continue;
        }
        keep->still = stands_still(keep, &looks) ? keep->still + 1 : 0;
        keep->seen[0] = atomic_load(&keep->place->taking);
        keep->seen[1] = atomic_load(&keep->place->at);
        keep->seen[2] = atomic_load(&keep->place->tasks);
        if (keep->still >= looks) {
            keep->stopped = 1;
            (void)mproc_process_kill(keep->process);
        }
    }
    if (now >= workers->look) {
        workers->look = now + LOOK_AROUND;
    }
    *deadline = *deadline < workers->look ? *deadline : workers->look;
}

/* ----------------------------------------------------------------- limits */

/* Life is held. */
static void
limit_check(mproc_pool_t *workers, int number, apr_time_t now,
            apr_time_t *deadline)
{
    mproc__place_t *place = workers->keep[number]->place;
    mproc__keep_t *keep = workers->keep[number];
    apr_uint64_t at = atomic_load(&place->at);
    apr_uint64_t running = atomic_load(&place->running);
    /* Both were written before `running`, and stay as long as that. */
    apr_uint64_t limit = atomic_load(&place->limit);
    apr_time_t due = (apr_time_t)(atomic_load(&place->began) + limit);

    if (limit == 0 || running == 0 || atomic_load(&place->at) != at ||
        atomic_load(&place->running) != running) {
        return;
    }
    if (now < due) {
        *deadline = *deadline < due ? *deadline : due;
        return;
    }
    if (keep->killed) {
        return;
    }
    if (keep->interrupted == 0 || keep->late != at ||
        keep->late_run != running) {
        if (keep->interrupted != 0 && now < keep->interrupted + AFTERWARDS) {
            /* It was done in the last moment, and the next may die of it. */
            due = keep->interrupted + AFTERWARDS;
            *deadline = *deadline < due ? *deadline : due;
            return;
        }
        keep->late = at;
        keep->late_run = running;
        keep->interrupted = now;
        keep->killed = mproc_process_interrupt(keep->process) != APR_SUCCESS &&
                       mproc_process_kill(keep->process) == APR_SUCCESS;
    }
    due = keep->interrupted + INTERRUPT_GRACE;
    if (now >= due) {
        keep->killed = mproc_process_kill(keep->process) == APR_SUCCESS;
        due = now + LOOK_MOST;
    }
    *deadline = *deadline < due ? *deadline : due;
}

/* Workers begin tasks without a word: while there are some that have a limit,
 * the keeper looks. */
static void
limits_look(mproc_pool_t *workers, apr_time_t *deadline)
{
    apr_time_t now = mproc_plat_clock(), next;
    apr_uint64_t least;
    int i;

    apr_thread_mutex_lock(workers->list);
    least = workers->limited > 0 ? workers->least * APR_UINT64_C(1000) : 0;
    apr_thread_mutex_unlock(workers->list);
    if (least == 0) {
        return;
    }
    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL) {
            limit_check(workers, i, now, deadline);
        }
    }
    least = least / 4 > LOOK_MOST    ? LOOK_MOST
            : least / 4 < LOOK_LEAST ? LOOK_LEAST
                                     : least / 4;
    next = now + (apr_time_t)least;
    *deadline = *deadline < next ? *deadline : next;
}

/* -------------------------------------------------------------- callbacks */

/* One that is settled and to be called back, off the list; or NULL. Behind so
 * many that nobody has begun as workers may have hints of, nobody has. */
static mproc_async_t *
settled_take(mproc_pool_t *workers)
{
    mproc_async_t *async, *next, *found = NULL;
    int waiting = 0;

    apr_thread_mutex_lock(workers->list);
    for (async = workers->first;
         async != NULL && found == NULL && waiting <= workers->places;
         async = next) {
        next = async->next;
        if (mproc__async_settled(async)) {
            int calls = atomic_load(&async->calls), dropped = async->dropped;
            mproc__async_unlist(async);
            if (calls) {
                found = async;
            }
            else if (dropped) {
                mproc__async_free(async);
            }
        }
        else {
            waiting += atomic_load(&async->batch->next) == 0;
        }
    }
    apr_thread_mutex_unlock(workers->list);
    return found;
}

static void
async_call(mproc_pool_t *workers, mproc_async_t *async)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;
    int dropped;

    for (i = 0; i < async->batch->count && rv == APR_SUCCESS; i++) {
        rv = mproc__async_failure(async, i);
    }
    if (rv == APR_SUCCESS && async->callbacks[0].done != NULL) {
        async->callbacks[0].done(async, async->callbacks[0].baton);
    }
    else if (rv != APR_SUCCESS && async->callbacks[0].failed != NULL) {
        async->callbacks[0].failed(async, rv, async->callbacks[0].baton);
    }
    apr_thread_mutex_lock(workers->list);
    dropped = async->dropped;
    if (!dropped) {
        /* From here on it may be freed by who waited. */
        mproc__batch_t *batch = async->batch;
        (void)mproc__arena_hold(workers->spare,
                                mproc__hold_handle(async->hold));
        atomic_store(&async->calls, 0);
        mproc__pool_told(&batch->done);
        mproc__arena_release(workers->spare);
    }
    apr_thread_mutex_unlock(workers->list);
    if (dropped) {
        mproc__async_free(async);
    }
}

static void
callbacks_run(mproc_pool_t *workers)
{
    mproc_async_t *async;

    while ((async = settled_take(workers)) != NULL) {
        async_call(workers, async);
    }
}

/* Workers have ended: nothing will be done any more. */
void
mproc__pool_give_up(mproc_pool_t *workers, apr_status_t status)
{
    mproc_async_t *async;
    apr_uint64_t i;

    mproc__peers_settle(); /* As in work_back(). */
    apr_thread_mutex_lock(workers->list);
    for (async = workers->first; async != NULL; async = async->next) {
        for (i = 0; i < async->batch->count; i++) {
            if (MPROC__PIECE_STATE(
                    atomic_load(&mproc__batch_task(async->batch, i)->state)) !=
                MPROC__PIECE_DONE) {
                mproc__pool_task_end(async, i, status);
            }
        }
        mproc__pool_told(&async->batch->done);
    }
    apr_thread_mutex_unlock(workers->list);
}

/* ------------------------------------------------------------- the thread */

/* Closed, and all is done: the workers may go. */
static void
pool_shut(mproc_pool_t *workers)
{
    int idle;

    apr_thread_mutex_lock(workers->list);
    idle = workers->first == NULL && atomic_load(&workers->maps) == 0 &&
           workers->fetching == 0 &&
           (workers->imaps == NULL || atomic_load(&workers->joined));
    if (idle && atomic_load(&workers->closed)) {
        atomic_store(&workers->shut, 1);
    }
    apr_thread_mutex_unlock(workers->list);
    if (atomic_load(&workers->shut)) {
        (void)mproc_queue_shutdown(workers->hints, 0);
        full_let_go(workers);
    }
}

static int
none_left(const mproc_pool_t *workers)
{
    int i;

    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL) {
            return 0;
        }
    }
    return 1;
}

static void
end_tell(mproc_pool_t *workers)
{
    void (*tell)(void *baton) = atomic_exchange(&workers->when_ended, NULL);

    if (tell != NULL) {
        tell(workers->when_ended_baton);
    }
}

/* One look at everything; tells when the next is due. */
static void
keeper_look(mproc_pool_t *workers, apr_time_t *deadline)
{
    int i;

    apr_thread_mutex_lock(workers->life);
    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL &&
            atomic_exchange(&workers->keep[i]->ended, 0)) {
            mproc__pool_death_see(workers, i);
        }
    }
    mproc__pool_suspect_look(workers, deadline);
    workers_heal(workers, deadline);
    limits_look(workers, deadline);
    mproc__pool_look_around(workers, deadline);
    apr_thread_mutex_unlock(workers->life);
    if (workers->broken != 0) {
        mproc__pool_give_up(workers, workers->broken);
    }
    callbacks_run(workers);
    apr_thread_mutex_lock(workers->life);
    pool_shut(workers);
    if ((workers->shut || workers->broken != 0) && none_left(workers)) {
        atomic_store(&workers->ended, 1);
    }
    apr_thread_mutex_unlock(workers->life);
    if (workers->ended) {
        mproc__pool_move(&workers->shared->done);
        end_tell(workers);
    }
}

static void *APR_THREAD_FUNC
keeper_run(apr_thread_t *thread, void *baton)
{
    mproc_pool_t *workers = baton;
    mproc__pool_wait_t wait;

    kept = workers;
    kept_epoch = workers->epoch;
    while (!atomic_load(&workers->stopping)) {
        apr_time_t deadline = MPROC_PLAT_NEVER;
        mproc__pool_look(&wait, &workers->shared->care);
        keeper_look(workers, &deadline);
        if (!atomic_load(&workers->stopping)) {
            (void)mproc__pool_sleep(&wait, deadline);
        }
    }
    callbacks_run(workers);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

apr_status_t
mproc__pool_keep(mproc_pool_t *workers)
{
    char text[128];
    apr_status_t rv = apr_thread_create(&workers->keeper, NULL, keeper_run,
                                        workers, workers->pool);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "mproc_pool_create: no thread for the pool's "
                           "keeper: %s",
                           apr_strerror(rv, text, sizeof text));
    }
    atomic_fetch_add(&mproc__own_threads, 1);
    return APR_SUCCESS;
}

void
mproc__pool_keep_no_more(mproc_pool_t *workers)
{
    apr_status_t rv;

    atomic_store(&workers->stopping, 1);
    if (workers->keeper != NULL && !mproc__pool_in_keeper(workers)) {
        mproc__pool_move(&workers->shared->care);
        apr_thread_join(&rv, workers->keeper);
        workers->keeper = NULL;
        atomic_fetch_sub(&mproc__own_threads, 1);
    }
}
