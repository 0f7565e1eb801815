/*
 * pool_deaths.c: what becomes of the tasks of a worker that has ended. The
 * protocol stands in pool.h.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"
#include "process.h"
#include "queue.h"

#define AGAIN (100 * 1000)       /* to what memory was short for */
#define AFTERWARDS (1000 * 1000) /* it may still die of that */
#define SUSPECT 2000             /* between looks whether hints were got */
#define PAUSE_LEAST (10 * 1000)  /* after the first that was stillborn */
#define PAUSE_MOST (1000 * 1000)

/* A task that will not be done: how its worker ended, for who asks. */
static void
lost_note(mproc_async_t *async, apr_uint64_t index, const mproc_lost_t *record)
{
    mproc__extra_t *extra = mproc__async_extra(async);
    mproc__lost_t *lost = extra == NULL ? NULL : malloc(sizeof *lost);

    if (lost != NULL) {
        lost->index = (apr_size_t)index;
        lost->record = *record;
        lost->next = atomic_load(&extra->lost);
        atomic_store(&extra->lost, lost);
    }
}

/* What the dead one had claimed. The list is locked. */
typedef struct dead_t {
    mproc_pool_t *workers;
    mproc__peer_t peer;
    apr_uint64_t at, running; /* the task that it ran, from 1 */
    int late;                 /* it was ended for that one's time */
    int other;                /* it was to be ended for another's */
    mproc_lost_t record;
} dead_t;

void
mproc__pool_task_end(mproc_async_t *async, apr_uint64_t index,
                     apr_status_t status)
{
    mproc__holder_t *holder = mproc__arena_at(mproc__hold_handle(async->hold));

    mproc__arena_release(&holder->hold[index]);
    mproc__batch_task(async->batch, index)->size = 0;
    async->workers->unrun++;
    mproc__pool_figures(async->workers);
    mproc__batch_end(async->batch, index, status);
}

static void
task_back(dead_t *dead, mproc_async_t *async, apr_uint64_t index)
{
    mproc__task_t *task = mproc__batch_task(async->batch, index);
    apr_uint64_t state = atomic_load(&task->state);
    unsigned tries = MPROC__PIECE_TRIES(state);

    if (index + 1 != dead->running || dead->other) {
        atomic_store(&task->state,
                     (apr_uint64_t)tries << 2 | MPROC__PIECE_FREE);
        return;
    }
    dead->record.attempt = (int)++tries;
    if (dead->late) {
        lost_note(async, index, &dead->record);
        mproc__pool_task_end(async, index, APR_TIMEUP);
    }
    else if ((int)tries > async->retries) {
        dead->workers->stats.lost++;
        lost_note(async, index, &dead->record);
        mproc__pool_task_end(async, index, MPROC_EWORKERLOST);
    }
    else {
        dead->workers->stats.retried++;
        mproc__pool_figures(dead->workers);
        atomic_store(&task->state,
                     (apr_uint64_t)tries << 2 | MPROC__PIECE_FREE);
    }
}

static apr_uint64_t
batch_free(const mproc_async_t *async)
{
    apr_uint64_t i, count = 0;

    for (i = 0; i < async->batch->count; i++) {
        count += MPROC__PIECE_STATE(
                     atomic_load(&mproc__batch_task(async->batch, i)->state)) ==
                 MPROC__PIECE_FREE;
    }
    return count;
}

/* From now on batches that are older may have lost their hints. Life and the
 * list are locked. */
static void
suspect_begin(mproc_pool_t *workers)
{
    workers->suspect = 1;
    workers->suspect_number = workers->sent;
    workers->suspect_got =
        mproc__ring_count(&mproc__queue_ring(workers->hints)->tail);
}

static void
hint_again(mproc_pool_t *workers, mproc_async_t *async)
{
    apr_uint64_t count = batch_free(async);
    apr_uint64_t most = (apr_uint64_t)workers->count;

    if (mproc__pool_hint(workers, mproc__hold_handle(async->hold),
                         MPROC__HINT_TASKS,
                         count < most ? count : most) != APR_SUCCESS) {
        suspect_begin(workers);
    }
}

/* When all that was in the queue then has been got: what has FREE tasks still
 * lost its hint, or somebody is about to look. Life is held. */
void
mproc__pool_suspect_look(mproc_pool_t *workers, apr_time_t *deadline)
{
    mproc__ring_t *ring = mproc__queue_ring(workers->hints);
    apr_time_t next = mproc_plat_clock() + SUSPECT;
    mproc_async_t *async;

    if (workers->suspect && !workers->terminated && workers->broken == 0 &&
        mproc__ring_count(&ring->head) >= workers->suspect_got) {
        workers->suspect = 0;
        apr_thread_mutex_lock(workers->list);
        for (async = workers->first; async != NULL; async = async->next) {
            if ((apr_int32_t)(async->number - workers->suspect_number) <= 0) {
                hint_again(workers, async);
            }
        }
        apr_thread_mutex_unlock(workers->list);
        next += AGAIN - SUSPECT;
    }
    if (workers->suspect && next < *deadline) {
        *deadline = next;
    }
}

static void
batch_back(dead_t *dead, mproc_async_t *async)
{
    apr_uint64_t i;

    for (i = 0; i < async->batch->count; i++) {
        if (mproc__batch_has(async->batch, dead->peer, i)) {
            task_back(dead, async, i);
        }
    }
    mproc__pool_told(&async->batch->done);
}

/* Give back what it had. */
static void
work_back(dead_t *dead, int taking)
{
    mproc_pool_t *workers = dead->workers;
    mproc_async_t *async;

    if (workers->terminated || workers->broken != 0) {
        return; /* All will be given up. */
    }
    /* What it had begun is finished, or undone, by whoever found it first: not
     * late, when another replies to the same task. */
    mproc__peers_settle();
    apr_thread_mutex_lock(workers->list);
    for (async = workers->first; async != NULL && dead->at != 0;
         async = async->next) {
        if (mproc__hold_handle(async->hold) == dead->at) {
            batch_back(dead, async);
            hint_again(workers, async);
            break;
        }
    }
    if (taking) {
        suspect_begin(workers);
    }
    apr_thread_mutex_unlock(workers->list);
}

/* Whose time it was ended for: a blow may hit another than it was meant for,
 * and a worker may die of itself long after it survived one. */
static void
blow_see(dead_t *dead, const mproc__keep_t *keep)
{
    if (keep->interrupted != 0) {
        dead->late = keep->late == dead->at && keep->late_run == dead->running;
        dead->other = !dead->late &&
                      (keep->killed ||
                       mproc_plat_clock() < keep->interrupted + AFTERWARDS);
    }
}

/* Life is held. */
void
mproc__pool_death_see(mproc_pool_t *workers, int number)
{
    mproc__place_t *place = workers->keep[number]->place;
    mproc__keep_t *keep = workers->keep[number];
    dead_t dead = {.workers = workers};

    dead.peer = atomic_load(&place->peer);
    dead.at = atomic_load(&place->at);
    dead.running = atomic_load(&place->running);
    dead.record.pid = keep->pid;
    (void)mproc_process_exitcode(keep->process, &dead.record.code);
    (void)mproc_process_killed_by(keep->process, &dead.record.signal);
    dead.record.core = mproc__process_left_core(keep->process);
    if (dead.running != 0 && dead.running != MPROC__RUNNING_JOB) {
        dead.record.ran =
            mproc_plat_clock() - (apr_time_t)atomic_load(&place->began);
    }
    blow_see(&dead, keep);
    apr_thread_mutex_lock(workers->list);
    workers->stats.tasks_of_ended += atomic_load(&place->tasks);
    mproc__pool_figures(workers);
    apr_thread_mutex_unlock(workers->list);
    if (dead.peer == 0) {
        apr_time_t pause = PAUSE_LEAST
                           << (workers->stillborn < 7 ? workers->stillborn : 7);
        workers->stillborn++;
        workers->pause =
            mproc_plat_clock() + (pause < PAUSE_MOST ? pause : PAUSE_MOST);
    }
    else {
        workers->stillborn = 0;
    }
    work_back(&dead, (int)(atomic_load(&place->taking) & 1));
    mproc__pool_forget_worker(workers, number);
    /* A map looks for what the dead had claimed, and hints at it again. */
    workers->deaths++;
    mproc__pool_move(&workers->shared->done);
}

void
mproc__pool_see_ends(mproc_pool_t *workers)
{
    int i;

    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL &&
            mproc_process_join(workers->keep[i]->process, MPROC_NOWAIT) ==
                APR_SUCCESS) {
            mproc__pool_death_see(workers, i);
        }
    }
}
