/*
 * chain.c: deaths in a row: somebody dies at a random instruction of a random
 * operation, who recovers after him dies in that, and so on; then the
 * survivors look.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mproc/error.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"
#include "step.h"
#include "system.h"

#define PATIENCE (8 * APR_USEC_PER_SEC)
#define LINKS 4
#define STEPS_BITS 12 /* up to 4,096 steps, mostly fewer */

static step_stage_t stage;
static apr_uint64_t draw;

static void
good(apr_status_t rv, const char *what)
{
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(STRESS_HANG, "%s: %s gave status %d", stress_board->where,
                     what, rv);
    }
}

/* What it does with objects that are there. */
static void
work_sync(step_stage_t *at)
{
    mproc_array_t *copy;

    mproc_rlock_acquire(at->rlock, MPROC_FOREVER);
    mproc_rlock_acquire(at->rlock, MPROC_FOREVER);
    mproc_semaphore_acquire(at->owned, MPROC_FOREVER);
    mproc_barrier_wait(at->pair, NULL, MPROC_NOWAIT);
    mproc_barrier_reset(at->pair);
    mproc_rlock_release(at->rlock);
    mproc_condition_acquire(at->condition, MPROC_FOREVER);
    mproc_condition_wait(at->condition, MPROC_NOWAIT);
    mproc_condition_notify_all(at->condition);
    if (mproc_array_copy(&copy, at->array, NULL) == APR_SUCCESS) {
        mproc_array_destroy(copy);
    }
    mproc_condition_release(at->condition);
    mproc_semaphore_release(at->owned);
    mproc_rlock_release(at->rlock);
}

/* Everything else that an attached process does alone, in one operation. */
static void
work(step_stage_t *at)
{
    mproc__holder_t *holder;
    mproc_event_t *event;
    int i;

    mproc_lock_acquire(at->lock, MPROC_FOREVER);
    mproc__arena_hold(at->hold[0], at->handle);
    mproc__arena_alloc(at->hold[1], sizeof *holder + 2 * sizeof(mproc__hold_t),
                       MPROC_KIND_JOB);
    holder = mproc__arena_at(mproc__hold_handle(at->hold[1]));
    holder->count = 2;
    mproc__arena_hold(&holder->hold[0], at->handle);
    mproc__arena_alloc(&holder->hold[1], 300, MPROC_KIND_BYTES);
    mproc__arena_release(at->hold[1]);
    mproc_lock_release(at->lock);
    for (i = 2; i < 5; i++) {
        mproc__arena_alloc(at->hold[i], 32000, MPROC_KIND_BYTES);
    }
    mproc__arena_release(at->hold[0]);
    for (i = 4; i > 1; i--) {
        mproc__arena_release(at->hold[i]);
    }
    mproc__arena_alloc(at->hold[5], 2 * MPROC__CHUNK, MPROC_KIND_BYTES);
    at->handle = mproc__hold_handle(at->hold[5]);
    mproc__arena_release(at->hold[5]);
    mproc__chunk_retire(mproc__thread_self(), at->handle);
    if (mproc_event_create(&event, NULL) == APR_SUCCESS) {
        mproc_event_destroy(event);
    }
}

static void
work_run(void *baton)
{
    work(baton);
}

static void
sync_run(void *baton)
{
    work_sync(baton);
}

static void
work_ready(void *baton)
{
    step_attach(baton);
}

static void
nothing_ready(void *baton)
{
    (void)baton;
}

/* A stranger comes, attaches, and finds the dead. */
static void
look_run(void *baton)
{
    (void)baton;
    atomic_store(&mproc__arena.header->last_look, 0);
    mproc__peers_look_around();
}

/* Few steps as often as many. */
static apr_uint64_t
steps_draw(void)
{
    apr_uint64_t bits = stress_below(&draw, STEPS_BITS) + 1;
    return stress_below(&draw, UINT64_C(1) << bits);
}

static void
link_die(void (*ready)(void *), void (*run)(void *), apr_uint64_t steps)
{
    apr_int64_t pid = system_step_fork(ready, run, &stage);
    int crash;

    system_step(pid, steps, 0);
    system_kill(pid);
    system_reap(pid, mproc_clock() + PATIENCE, &crash);
    atomic_fetch_add(&stress_board->kills, 1);
}

static int
survivors_look(const mproc_census_t *before)
{
    mproc_census_t after;

    look_run(NULL);
    good(mproc_lock_acquire(stage.lock, PATIENCE), "the lock");
    good(mproc_lock_release(stage.lock), "its release");
    good(mproc_rlock_acquire(stage.rlock, PATIENCE), "the rlock");
    good(mproc_rlock_release(stage.rlock), "its release");
    good(mproc_condition_acquire(stage.condition, PATIENCE), "the condition");
    good(mproc_condition_release(stage.condition), "its release");
    good(mproc_array_acquire(stage.array, PATIENCE), "the array");
    good(mproc_array_release(stage.array), "its release");
    mproc_barrier_reset(stage.pair);
    if (mproc_semaphore_value(stage.owned) != 1 ||
        mproc_barrier_is_broken(stage.pair) ||
        mproc_barrier_waiting(stage.pair) != 0) {
        stress_fault(STRESS_LOST, "%s: a permit, or the barrier",
                     stress_board->where);
    }
    mproc_census(&after);
    if (stress_census_compare(before, &after) != 0) {
        stress_fault(STRESS_LEAKED, "%s", stress_board->where);
    }
    if (stress_arena_check() != 0) {
        stress_fault(STRESS_TORN, "%s", stress_board->where);
    }
    return stress_faults() == 0;
}

static void
chain_set_up(void)
{
    apr_uint64_t zero[2] = {0, 0};

    apr_pool_create(&stage.pool, NULL);
    stage.keep = mproc__hold_new();
    if (stage.keep == NULL ||
        mproc_lock_create(&stage.lock, stage.pool) != APR_SUCCESS ||
        mproc_rlock_create(&stage.rlock, stage.pool) != APR_SUCCESS ||
        mproc_owned_semaphore_create(&stage.owned, 1, stage.pool) !=
            APR_SUCCESS ||
        mproc_condition_create(&stage.condition, NULL, stage.pool) !=
            APR_SUCCESS ||
        mproc_barrier_create(&stage.pair, 2, NULL, NULL, stage.pool) !=
            APR_SUCCESS ||
        mproc_array_create(&stage.array, sizeof zero[0], 2, zero, stage.pool) !=
            APR_SUCCESS ||
        mproc__arena_alloc(stage.keep, 100, MPROC_KIND_BYTES) != APR_SUCCESS) {
        fprintf(stderr, "mproc-stress: %s\n", mproc_error_detail());
        exit(2);
    }
}

void
stress_chain_run(const stress_scenario_t *scenario)
{
    apr_uint64_t most =
        atomic_load(&stress_board->kills) + stress_options.kills / 2;
    mproc_census_t before;
    apr_time_t start = mproc_clock();
    apr_uint64_t chains = 0, links, i;

    if (!system_step_works()) {
        printf("%-18s skipped: this system has no single steps\n",
               scenario->name);
        return;
    }
    chain_set_up();
    stage.handle = mproc__hold_handle(stage.keep);
    draw = stress_options.seed;
    mproc_census(&before);
    do {
        chains++;
        links = stress_below(&draw, LINKS) + 1;
        for (i = 0; i <= links; i++) {
            apr_uint64_t steps = steps_draw();
            int looks = i > 0 && stress_below(&draw, 4) != 0;
            int syncs = stress_below(&draw, 2) == 0;

            stress_beat("%s: chain %" PRIu64 ", link %" PRIu64
                        " %s, step %" PRIu64,
                        scenario->name, (uint64_t)chains, (uint64_t)i,
                        looks ? "looks around" : "works", (uint64_t)steps);
            link_die(looks ? nothing_ready : work_ready,
                     looks   ? look_run
                     : syncs ? sync_run
                             : work_run,
                     steps);
        }
    } while (survivors_look(&before) &&
             atomic_load(&stress_board->kills) < most);
    atomic_fetch_add(&stress_board->steps, system_step_made());
    printf("%-18s %6" PRIu64 " chains %6.1f s\n", scenario->name,
           (uint64_t)chains, (double)(mproc_clock() - start) / 1e6);
}
