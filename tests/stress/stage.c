/*
 * stage.c: what the operations of the steps work with, and what they often
 * do with it.
 */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_time.h>

#include <mproc/error.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"
#include "system.h"

step_stage_t step_stage;
const char *step_name;
apr_uint64_t step_point;

/* ------------------------------------------------------------------- set up */

static void
made(apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "mproc-stress: %s\n", mproc_error_detail());
        exit(2);
    }
}

static apr_status_t
pair_action(void *baton)
{
    atomic_fetch_add(&((step_board_t *)baton)->rounds, 1);
    return APR_SUCCESS;
}

static void
objects_create(step_stage_t *at)
{
    apr_uint64_t zero = 0;
    apr_pool_t *pool = at->pool;

    made(mproc_lock_create(&at->lock, pool));
    made(mproc_event_create(&at->event, pool));
    made(mproc_value_create(&at->value, sizeof zero, &zero, pool));
}

static void
more_create(step_stage_t *at)
{
    apr_uint64_t zero[2] = {0, 0};
    apr_pool_t *pool = at->pool;

    made(mproc_rlock_create(&at->rlock, pool));
    made(mproc_semaphore_create(&at->semaphore, 1, pool));
    made(mproc_bounded_semaphore_create(&at->bounded, 1, pool));
    made(mproc_owned_semaphore_create(&at->owned, STEP_OWNED, pool));
    made(mproc_condition_create(&at->condition, NULL, pool));
    made(mproc_condition_create(&at->turn, at->lock, pool));
    made(mproc_barrier_create(&at->pair, 2, pair_action, at->board, pool));
    made(mproc_barrier_create(&at->trio, 3, NULL, NULL, pool));
    made(mproc_array_create(&at->array, sizeof zero[0], 2, zero, pool));
}

void
stage_set_up(step_stage_t *at, int all)
{
    int i;

    apr_pool_create(&at->pool, NULL);
    at->board = system_share(sizeof *at->board);
    objects_create(at);
    if (all) {
        more_create(at);
    }
    at->word = mproc_value_data(at->value);
    at->keep = mproc__hold_new();
    at->spare = mproc__hold_new();
    mproc__arena_alloc(at->keep, 100, MPROC_KIND_BYTES);
    at->handle = mproc__hold_handle(at->keep);
    at->draw = stress_options.seed;
    /* Spinning that has not paid: the victim is not to spin for long. */
    mproc_lock_acquire(at->lock, MPROC_FOREVER);
    for (i = 0; i < 60; i++) {
        mproc_lock_acquire(at->lock, 1);
    }
    mproc_lock_release(at->lock);
}

/* ------------------------------------------------------------------- faults */

void
step_wrong(stress_fault_e fault, const char *what)
{
    stress_fault(fault, "%s, point %" PRIu64 " at %s: %s", step_name,
                 (uint64_t)step_point, system_step_where(), what);
}

apr_status_t
step_good(const char *what, apr_status_t rv)
{
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 " at %s: %s got status %d", step_name,
                     (uint64_t)step_point, system_step_where(), what, rv);
    }
    return rv;
}

void
step_late(apr_time_t start, const char *who)
{
    if (mproc_clock() - start > STEP_LATE) {
        stress_fault(STRESS_HANG,
                     "%s, point %" PRIu64 " at %s: %s went on late", step_name,
                     (uint64_t)step_point, system_step_where(), who);
    }
}

void
step_expect(apr_status_t rv)
{
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 ": the victim went on to status %d",
                     step_name, (uint64_t)step_point, rv);
    }
}

/* -------------------------------------------------------- what is often done
 */

void *
step_word(void *object)
{
    return ((mproc_object_t *)object)->shared;
}

void
step_attach(step_stage_t *at)
{
    size_t i;

    mproc__thread_self();
    for (i = 0; i < sizeof at->hold / sizeof *at->hold; i++) {
        at->hold[i] = mproc__hold_new();
    }
}

void
step_mark(step_stage_t *at, int mark)
{
    atomic_store(&at->board->mark, mark);
}

int
step_marked(step_stage_t *at)
{
    return atomic_load(&at->board->mark);
}

void
step_lock_check(step_stage_t *at)
{
    apr_status_t rv = mproc_lock_acquire(at->lock, STEP_LATE);

    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        rv = mproc_lock_release(at->lock);
    }
    step_good("the lock", rv);
}

void
step_idle_retire(step_stage_t *at, apr_size_t size)
{
    mproc__handle_t handle;

    if (mproc__arena_alloc(at->spare, size, MPROC_KIND_BYTES) == APR_SUCCESS) {
        handle = mproc__hold_handle(at->spare);
        mproc__arena_release(at->spare);
        mproc__chunk_retire(mproc__thread_self(), handle);
    }
}

static int
word_is_zero(void *word)
{
    return atomic_load((_Atomic apr_uint64_t *)word) == 0;
}

int
step_word_wait(_Atomic apr_uint64_t *word, apr_interval_time_t timeout)
{
    apr_time_t deadline = mproc__deadline(timeout);
    void *words = word;

    while (word_is_zero(word)) {
        apr_status_t rv =
            mproc__park(&words, 1, word_is_zero, NULL, word, deadline);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* ----------------------------------------------------------------- children */

apr_int64_t
step_dead_child(void (*act)(void *), void *baton)
{
    apr_int64_t pid = system_fork(act, baton);
    int crash;

    if (!system_reap(pid, mproc_clock() + STEP_PATIENCE, &crash)) {
        step_wrong(STRESS_HANG, "a child is stuck");
        system_kill(pid);
        system_reap(pid, mproc_clock() + STEP_PATIENCE, &crash);
    }
    return pid;
}

static struct {
    void (*act)(void *);
    void *baton;
} live;

static void
live_main(void *baton)
{
    (void)baton;
    live.act(live.baton);
    atomic_store(&step_stage.board->live, 1);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

apr_int64_t
step_live_child(void (*act)(void *), void *baton)
{
    apr_time_t deadline = mproc_clock() + STEP_PATIENCE;
    apr_int64_t pid;

    live.act = act;
    live.baton = baton;
    atomic_store(&step_stage.board->live, 0);
    pid = system_fork(live_main, NULL);
    while (!atomic_load(&step_stage.board->live)) {
        if (mproc_clock() > deadline) {
            step_wrong(STRESS_HANG, "a child is stuck");
            break;
        }
        apr_sleep(20);
    }
    return pid;
}

void
step_live_end(apr_int64_t pid)
{
    int crash;

    system_kill(pid);
    system_reap(pid, mproc_clock() + STEP_PATIENCE, &crash);
    mproc__peers_ended(pid);
}
