/*
 * ops_arena.c: blocks and holds, killed at each instruction.
 */
#include "step.h"

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"

/* Classes that nothing else here uses. */
#define OWN_CHUNK 5000
#define HALF_CHUNK 32000
#define SPAN (3 * MPROC__CHUNK - 16)
#define INNER 3

static void
small_run(step_stage_t *stage)
{
    mproc__arena_alloc(stage->hold[0], 100, MPROC_KIND_BYTES);
    mproc__arena_release(stage->hold[0]);
}

/* The only block of its class: a chunk must be found, and carved. */
static void
chunk_set(step_stage_t *stage)
{
    step_idle_retire(stage, OWN_CHUNK);
}

static void
chunk_run(step_stage_t *stage)
{
    mproc__arena_alloc(stage->hold[0], OWN_CHUNK, MPROC_KIND_VALUE);
    mproc__arena_release(stage->hold[0]);
}

static void
span_set(step_stage_t *stage)
{
    step_idle_retire(stage, SPAN);
}

static void
span_run(step_stage_t *stage)
{
    mproc__arena_alloc(stage->hold[0], SPAN, MPROC_KIND_BYTES);
    mproc__arena_release(stage->hold[0]);
}

/* A free span is given back. */
static void
span_retire_ready(step_stage_t *stage)
{
    mproc__arena_alloc(stage->hold[0], SPAN, MPROC_KIND_BYTES);
    stage->handle = mproc__hold_handle(stage->hold[0]);
}

static void
span_retire_run(step_stage_t *stage)
{
    mproc__arena_release(stage->hold[0]);
    mproc__chunk_retire(mproc__thread_self(), stage->handle);
}

/* Of two chunks with room, one becomes idle by the release of its last
 * block, and is given back. */
static void
retire_ready(step_stage_t *stage)
{
    int i;
    for (i = 0; i < 4; i++) {
        mproc__arena_alloc(stage->hold[i], HALF_CHUNK, MPROC_KIND_BYTES);
    }
    mproc__arena_release(stage->hold[0]);
    mproc__arena_release(stage->hold[2]);
}

static void
retire_run(step_stage_t *stage)
{
    mproc__arena_release(stage->hold[3]);
    mproc__arena_release(stage->hold[1]);
}

/* Somebody else's block. */
static void
hold_run(step_stage_t *stage)
{
    mproc__arena_hold(stage->hold[0], stage->handle);
    mproc__arena_hold(stage->hold[1], stage->handle);
    mproc__arena_release(stage->hold[0]);
    mproc__arena_release(stage->hold[1]);
}

static void
hold_check(step_stage_t *stage)
{
    if (mproc__arena_kind(stage->handle) != MPROC_KIND_BYTES) {
        stress_fault(STRESS_LOST, "a block that the parent holds is gone");
    }
}

/* Between the victim's last step and its death another counts too. */
static void
shared_strike(step_stage_t *stage)
{
    mproc__arena_hold(stage->spare, stage->handle);
}

static void
shared_check(step_stage_t *stage)
{
    mproc__arena_release(stage->spare);
    hold_check(stage);
}

/* The last free block of a chunk is taken, and another of it freed. */
static void
race_set(step_stage_t *stage)
{
    mproc__arena_alloc(stage->spare, HALF_CHUNK, MPROC_KIND_BYTES);
}

static void
race_run(step_stage_t *stage)
{
    mproc__arena_alloc(stage->hold[0], HALF_CHUNK, MPROC_KIND_BYTES);
    mproc__arena_release(stage->hold[0]);
}

static void
race_strike(step_stage_t *stage)
{
    mproc__arena_release(stage->spare);
}

/* A handle that names nothing any more. */
static void
stale_set(step_stage_t *stage)
{
    mproc__arena_alloc(stage->spare, 100, MPROC_KIND_BYTES);
    stage->dead = 0;
    stage->handle = mproc__hold_handle(stage->spare);
    mproc__arena_release(stage->spare);
}

static void
stale_run(step_stage_t *stage)
{
    mproc__arena_hold(stage->hold[0], stage->handle);
    mproc__arena_alloc(stage->hold[1], 100, MPROC_KIND_BYTES);
    mproc__arena_hold(stage->hold[0], stage->handle);
    mproc__arena_release(stage->hold[0]);
}

/* A block that holds others itself. */
static void
nested_ready(step_stage_t *stage)
{
    mproc__holder_t *holder;
    int i;

    mproc__arena_alloc(stage->hold[0],
                       sizeof *holder + INNER * sizeof(mproc__hold_t),
                       MPROC_KIND_JOB);
    holder = mproc__arena_at(mproc__hold_handle(stage->hold[0]));
    holder->count = INNER;
    for (i = 0; i < INNER - 1; i++) {
        mproc__arena_alloc(&holder->hold[i], 200, MPROC_KIND_BYTES);
    }
    mproc__arena_hold(&holder->hold[i], stage->handle);
}

static void
nested_run(step_stage_t *stage)
{
    mproc__arena_release(stage->hold[0]);
}

/* What a fork does with the objects that the child will inherit. */
static void
keep_run(step_stage_t *stage)
{
    mproc__objects_keep(stage->hold[0]);
    mproc__arena_release(stage->hold[0]);
}

static void
create_run(step_stage_t *stage)
{
    mproc_lock_t *lock;
    mproc_event_t *event;

    (void)stage;
    if (mproc_lock_create(&lock, NULL) == APR_SUCCESS) {
        mproc_lock_destroy(lock);
    }
    if (mproc_event_create(&event, NULL) == APR_SUCCESS) {
        mproc_event_destroy(event);
    }
}

/* More holds than a list has: the next list is hung on. */
static void
list_run(step_stage_t *stage)
{
    int i;

    (void)stage;
    for (i = 0; i < 512; i++) {
        if (mproc__hold_new() == NULL) {
            break;
        }
    }
}

static const step_operation_t small = {.run = small_run},
                              chunk = {.set = chunk_set, .run = chunk_run},
                              span = {.set = span_set, .run = span_run},
                              span_retire = {.ready = span_retire_ready,
                                             .run = span_retire_run},
                              retire = {.ready = retire_ready,
                                        .run = retire_run},
                              hold = {.run = hold_run, .check = hold_check},
                              race = {.set = race_set,
                                      .run = race_run,
                                      .strike = race_strike,
                                      .after = 60},
                              shared = {.run = hold_run,
                                        .strike = shared_strike,
                                        .after = 60,
                                        .check = shared_check},
                              stale = {.set = stale_set, .run = stale_run},
                              nested = {.ready = nested_ready,
                                        .run = nested_run,
                                        .check = hold_check},
                              keep = {.run = keep_run},
                              create = {.run = create_run},
                              list = {.run = list_run};

const stress_scenario_t stress_arena_scenarios[] = {
    {"alloc", "a small block, taken and released", step_run, &small},
    {"alloc-chunk", "a block that opens a chunk", step_run, &chunk},
    {"alloc-span", "a block of several chunks", step_run, &span},
    {"retire-span", "such a block's chunks are given back", step_run,
     &span_retire},
    {"retire-chunk", "the last block of a chunk goes", step_run, &retire},
    {"hold", "somebody else's block, held and released", step_run, &hold},
    {"hold-shared", "the same, while another holds it too", step_run, &shared},
    {"alloc-last", "the last block of a chunk, and another goes", step_run,
     &race},
    {"hold-stale", "a handle of a block that is gone", step_run, &stale},
    {"drop-nested", "a block goes that holds others", step_run, &nested},
    {"keep", "objects kept for a child that is to be forked", step_run, &keep},
    {"object", "a lock and an event, made and destroyed", step_run, &create},
    {"hold-list", "a list of holds grows", step_run, &list},
    {NULL, NULL, NULL, NULL}};
