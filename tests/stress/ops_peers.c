/*
 * ops_peers.c: attaching, and the recovery itself, killed at each
 * instruction.
 */
#include "step.h"
#include "system.h"

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"

#define HEIR_STEPS 6000

/* In a forked child: attach, with what is inherited; a thread's entry; the
 * first list of holds. */
static void
attach_run(step_stage_t *stage)
{
    (void)stage;
    mproc__peers_attach();
}

static void
thread_ready(step_stage_t *stage)
{
    (void)stage;
    mproc__peers_attach();
}

static void
thread_run(step_stage_t *stage)
{
    mproc__thread_self();
    stage->hold[0] = mproc__hold_new();
}

/* Somebody who has a good deal: the lock, blocks, a block with holds, an
 * object, and two operations half done, as a kill leaves them. */
static void
rich_main(void *baton)
{
    step_stage_t *stage = baton;
    mproc__thread_t *thread;
    mproc__intent_t *intent;
    mproc__holder_t *holder;
    mproc_event_t *event;

    step_attach(stage);
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
    mproc__arena_alloc(stage->hold[0], 300, MPROC_KIND_BYTES);
    mproc__arena_hold(stage->hold[1], stage->handle);
    mproc__arena_alloc(stage->hold[2],
                       sizeof *holder + 2 * sizeof(mproc__hold_t),
                       MPROC_KIND_JOB);
    holder = mproc__arena_at(mproc__hold_handle(stage->hold[2]));
    holder->count = 2;
    mproc__arena_hold(&holder->hold[0], stage->handle);
    mproc__arena_alloc(&holder->hold[1], 300, MPROC_KIND_BYTES);
    mproc_event_create(&event, NULL);

    thread = mproc__thread_self();
    intent = mproc__intent_begin(thread);
    intent->hold = mproc__arena_offset(stage->hold[2]);
    atomic_store(&intent->handle, mproc__hold_handle(stage->hold[2]));
    atomic_store(&intent->op, MPROC__OP_DROP);
    intent = mproc__intent_begin(thread);
    intent->hold = mproc__arena_offset(stage->hold[3]);
    atomic_store(&intent->handle, stage->handle);
    atomic_store(&intent->op, MPROC__OP_HOLD);
}

static void
recover_set(step_stage_t *stage)
{
    stage->dead = step_dead_child(rich_main, stage);
}

static void
recover_run(step_stage_t *stage)
{
    mproc__peers_ended(stage->dead);
}

/* The same by looking around, as a waiter does. */
static void
look_run(step_stage_t *stage)
{
    (void)stage;
    atomic_store(&mproc__arena.header->last_look, 0);
    mproc__peers_look_around();
}

/* The recoverer has died near its end; another comes, into the slot of the
 * first dead, recovers, and dies. */
static void
heir_ready(void *baton)
{
    (void)baton;
    mproc__peers_attach();
}

static void
heir_run(void *baton)
{
    look_run(baton);
}

static void
heir_die(step_stage_t *stage)
{
    apr_int64_t pid = system_step_fork(heir_ready, heir_run, stage);
    int crash;

    system_step(pid, stress_below(&stage->draw, HEIR_STEPS), 0);
    system_kill(pid);
    system_reap(pid, mproc_clock() + APR_USEC_PER_SEC, &crash);
    atomic_fetch_add(&stress_board->kills, 1);
}

/* Whom nobody told of. */
static void
heir_check(step_stage_t *stage)
{
    look_run(stage);
    step_lock_check(stage);
}

static const step_operation_t attach = {.run = attach_run, .stranger = 1},
                              thread = {.ready = thread_ready,
                                        .run = thread_run,
                                        .stranger = 1},
                              recover = {.set = recover_set,
                                         .run = recover_run,
                                         .check = step_lock_check},
                              heir = {.set = recover_set,
                                      .run = recover_run,
                                      .heir = heir_die,
                                      .check = heir_check,
                                      .tail = 60},
                              look = {.set = recover_set,
                                      .run = look_run,
                                      .check = step_lock_check};

const stress_scenario_t stress_peer_scenarios[] = {
    {"attach", "a forked child, with what it inherits", step_run, &attach},
    {"thread", "the first use in a forked child", step_run, &thread},
    {"recover", "the recovery of somebody dead", step_run, &recover},
    {"recover-again", "the end of a recovery, and the next one's death",
     step_run, &heir},
    {"look-around", "the same, found by looking around", step_run, &look},
    {NULL, NULL, NULL, NULL}};
