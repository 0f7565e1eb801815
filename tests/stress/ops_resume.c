/*
 * ops_resume.c: operations that are held up at each instruction while the
 * world changes, and then go on: what a slow process, or a stopped one, sees.
 * Here nobody dies but where the strike says so.
 */
#include "step.h"

#include <mproc/error.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"

#define HALF_CHUNK 32000

/* --------------------------------------------------------------------- lock */

static void
lock_set(step_stage_t *stage)
{
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
}

static void
lock_run(step_stage_t *stage)
{
    step_expect(mproc_lock_acquire(stage->lock, STEP_PATIENCE));
    step_expect(mproc_lock_release(stage->lock));
}

static void
lock_strike(step_stage_t *stage)
{
    mproc_lock_release(stage->lock);
}

/* The holder is killed, and recovered, while the other comes to wait. */
static void
holder_main(void *baton)
{
    step_stage_t *stage = baton;
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
}

static void
orphan_set(step_stage_t *stage)
{
    stage->dead = step_live_child(holder_main, stage);
}

static void
orphan_strike(step_stage_t *stage)
{
    step_live_end(stage->dead);
    stage->dead = 0;
}

/* -------------------------------------------------------------------- event */

static void
event_set(step_stage_t *stage)
{
    mproc_event_clear(stage->event);
}

static void
event_run(step_stage_t *stage)
{
    step_expect(mproc_event_wait(stage->event, STEP_PATIENCE));
}

static void
event_strike(step_stage_t *stage)
{
    mproc_event_set(stage->event);
}

/* ------------------------------------------------------------------ parking */

static void
park_set(step_stage_t *stage)
{
    atomic_store(stage->word, 0);
}

static void
park_run(step_stage_t *stage)
{
    step_expect(step_word_wait(stage->word, STEP_PATIENCE));
}

static void
park_strike(step_stage_t *stage)
{
    atomic_store(stage->word, 1);
    mproc__unpark(stage->word, 1);
}

/* ------------------------------------------------------------------- blocks */

static void
block_set(step_stage_t *stage)
{
    mproc__arena_alloc(stage->spare, 100, MPROC_KIND_BYTES);
    stage->handle = mproc__hold_handle(stage->spare);
}

/* May come too late: then the handle is stale. */
static void
hold_run(step_stage_t *stage)
{
    apr_status_t rv = mproc__arena_hold(stage->hold[0], stage->handle);

    if (rv != MPROC_ESTALE) {
        step_expect(rv);
    }
    mproc__arena_release(stage->hold[0]);
}

/* The block goes, and is another one at once. */
static void
block_strike(step_stage_t *stage)
{
    mproc__arena_release(stage->spare);
    mproc__arena_alloc(stage->spare, 100, MPROC_KIND_BYTES);
}

static void
block_check(step_stage_t *stage)
{
    mproc__arena_release(stage->spare);
}

/* Both have it, both let go. */
static void
release_ready(step_stage_t *stage)
{
    mproc__arena_hold(stage->hold[0], stage->handle);
}

static void
release_run(step_stage_t *stage)
{
    mproc__arena_release(stage->hold[0]);
}

/* A block is wanted from a chunk that goes. */
static void
idle_set(step_stage_t *stage)
{
    mproc__arena_alloc(stage->spare, HALF_CHUNK, MPROC_KIND_BYTES);
    stage->handle = mproc__hold_handle(stage->spare);
    mproc__arena_release(stage->spare);
}

static void
idle_alloc_run(step_stage_t *stage)
{
    step_expect(
        mproc__arena_alloc(stage->hold[0], HALF_CHUNK, MPROC_KIND_BYTES));
    mproc__arena_release(stage->hold[0]);
}

static void
idle_retire_strike(step_stage_t *stage)
{
    mproc__chunk_retire(mproc__thread_self(), stage->handle);
}

/* A chunk goes, of which a block is wanted. */
static void
idle_retire_run(step_stage_t *stage)
{
    mproc__chunk_retire(mproc__thread_self(), stage->handle);
}

static void
idle_alloc_strike(step_stage_t *stage)
{
    step_expect(mproc__arena_alloc(stage->spare, HALF_CHUNK, MPROC_KIND_BYTES));
}

/* ----------------------------------------------------------------- recovery */

static void
recover_set(step_stage_t *stage)
{
    stage->dead = step_dead_child(holder_main, stage);
}

static void
recover_run(step_stage_t *stage)
{
    mproc__peers_ended(stage->dead);
}

/* Another does it too. */
static void
recover_strike(step_stage_t *stage)
{
    mproc__peers_ended(stage->dead);
}

static const step_operation_t lock = {.set = lock_set,
                                      .run = lock_run,
                                      .strike = lock_strike,
                                      .check = step_lock_check,
                                      .resume = 1},
                              orphan = {.set = orphan_set,
                                        .run = lock_run,
                                        .strike = orphan_strike,
                                        .check = step_lock_check,
                                        .resume = 1},
                              event = {.set = event_set,
                                       .run = event_run,
                                       .strike = event_strike,
                                       .resume = 1},
                              park = {.set = park_set,
                                      .run = park_run,
                                      .strike = park_strike,
                                      .resume = 1},
                              hold = {.set = block_set,
                                      .run = hold_run,
                                      .strike = block_strike,
                                      .check = block_check,
                                      .resume = 1},
                              release = {.set = block_set,
                                         .ready = release_ready,
                                         .run = release_run,
                                         .strike = block_strike,
                                         .check = block_check,
                                         .resume = 1},
                              idle_alloc = {.set = idle_set,
                                            .run = idle_alloc_run,
                                            .strike = idle_retire_strike,
                                            .resume = 1},
                              idle_retire = {.set = idle_set,
                                             .run = idle_retire_run,
                                             .strike = idle_alloc_strike,
                                             .check = block_check,
                                             .resume = 1},
                              recover = {.set = recover_set,
                                         .run = recover_run,
                                         .strike = recover_strike,
                                         .check = step_lock_check,
                                         .resume = 1};

const stress_scenario_t stress_resume_scenarios[] = {
    {"slow-lock", "a lock is released while one comes to wait", step_run,
     &lock},
    {"slow-orphan", "its holder dies while one comes to wait", step_run,
     &orphan},
    {"slow-event", "an event is set while one comes to wait", step_run, &event},
    {"slow-park", "a word changes while one comes to wait", step_run, &park},
    {"slow-hold", "a block goes while one takes hold of it", step_run, &hold},
    {"slow-release", "a block is released by two", step_run, &release},
    {"slow-alloc", "a chunk goes while one takes a block", step_run,
     &idle_alloc},
    {"slow-retire", "a block is taken while one gives the chunk back", step_run,
     &idle_retire},
    {"slow-recover", "two recover somebody dead", step_run, &recover},
    {NULL, NULL, NULL, NULL}};
