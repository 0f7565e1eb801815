/*
 * ops_sync.c: lock, event and parking, killed at each instruction.
 *
 * Where the witness waits, it must go on in time whatever the victim had
 * done: by the victim, by the recovery, or by what the parent does next.
 */
#include "step.h"

#include <mproc/error.h>

#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"

/* --------------------------------------------------------------------- lock */

static apr_status_t
witness_lock(step_stage_t *stage)
{
    apr_status_t rv = mproc_lock_acquire(stage->lock, STEP_PATIENCE);

    return rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD
               ? mproc_lock_release(stage->lock)
               : rv;
}

static void
lock_run(step_stage_t *stage)
{
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
    mproc_lock_release(stage->lock);
}

/* The victim has the lock, the witness sleeps. */
static void
release_ready(step_stage_t *stage)
{
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
}

static void
lock_meet(step_stage_t *stage)
{
    witness_call(witness_lock);
    witness_sleeps(step_word(stage->lock));
}

static void
release_run(step_stage_t *stage)
{
    mproc_lock_release(stage->lock);
}

static void
witness_lock_check(step_stage_t *stage)
{
    witness_done();
    step_lock_check(stage);
}

/* The parent has the lock; the witness waits for it, and the victim. */
static void
wait_set(step_stage_t *stage)
{
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
}

static void
wait_run(step_stage_t *stage)
{
    if (mproc_lock_acquire(stage->lock, STEP_SHORT) == APR_SUCCESS) {
        mproc_lock_release(stage->lock);
    }
}

static void
wait_check(step_stage_t *stage)
{
    mproc_lock_release(stage->lock);
    witness_lock_check(stage);
}

/* The same, but the victim came first, and the parent lets go before the
 * kill: what was given to the victim must come to the witness. */
static void
wait_strike(step_stage_t *stage)
{
    lock_meet(stage);
    mproc_lock_release(stage->lock);
}

/* Somebody dies with the lock, and is not found before the victim wants it. */
static void
holder_main(void *baton)
{
    step_stage_t *stage = baton;
    mproc_lock_acquire(stage->lock, MPROC_FOREVER);
}

static void
takeover_set(step_stage_t *stage)
{
    stage->dead = step_dead_child(holder_main, stage);
}

/* -------------------------------------------------------------------- event */

static apr_uint64_t sequence; /* before the victim */

static apr_uint64_t
event_sequence(step_stage_t *stage)
{
    return atomic_load((_Atomic apr_uint64_t *)step_word(stage->event)) / 4;
}

static void
event_set(step_stage_t *stage)
{
    mproc_event_clear(stage->event);
    sequence = event_sequence(stage);
}

static apr_status_t
witness_event(step_stage_t *stage)
{
    return mproc_event_wait(stage->event, STEP_PATIENCE);
}

static void
event_meet(step_stage_t *stage)
{
    witness_call(witness_event);
    witness_sleeps(step_word(stage->event));
}

static void
event_set_run(step_stage_t *stage)
{
    mproc_event_set(stage->event);
}

/* Set and cleared at once: who waited goes on all the same. */
static void
event_pulse_run(step_stage_t *stage)
{
    mproc_event_set(stage->event);
    mproc_event_clear(stage->event);
}

/* A set that took effect frees the witness without help, cleared or not. */
static void
event_check(step_stage_t *stage)
{
    if (event_sequence(stage) == sequence) {
        mproc_event_set(stage->event);
    }
    witness_done();
}

static void
event_wait_run(step_stage_t *stage)
{
    mproc_event_wait(stage->event, STEP_SHORT);
}

/* ------------------------------------------------------------------ parking */

static void
park_set(step_stage_t *stage)
{
    atomic_store(stage->word, 0);
}

static apr_status_t
witness_word(step_stage_t *stage)
{
    return step_word_wait(stage->word, STEP_PATIENCE);
}

static void
park_meet(step_stage_t *stage)
{
    witness_call(witness_word);
    witness_sleeps(stage->word);
}

static void
unpark_run(step_stage_t *stage)
{
    atomic_store(stage->word, 1);
    mproc__unpark(stage->word, 1);
}

static void
park_run(step_stage_t *stage)
{
    step_word_wait(stage->word, STEP_SHORT);
}

static void
park_check(step_stage_t *stage)
{
    if (atomic_load(stage->word) == 0) {
        atomic_store(stage->word, 1);
        mproc__unpark(stage->word, 1);
    }
    witness_done();
}

/* One wake-up, when two wait, the victim longer. */
static void
park_strike(step_stage_t *stage)
{
    park_meet(stage);
    atomic_store(stage->word, 1);
    mproc__unpark(stage->word, 1);
}

static const step_operation_t lock = {.run = lock_run,
                                      .check = step_lock_check},
                              release = {.ready = release_ready,
                                         .meet = lock_meet,
                                         .run = release_run,
                                         .check = witness_lock_check,
                                         .witness = 1},
                              waits = {.set = wait_set,
                                       .meet = lock_meet,
                                       .run = wait_run,
                                       .check = wait_check,
                                       .witness = 1},
                              given = {.set = wait_set,
                                       .run = wait_run,
                                       .strike = wait_strike,
                                       .check = witness_lock_check,
                                       .witness = 1},
                              takeover = {.set = takeover_set,
                                          .run = lock_run,
                                          .check = step_lock_check},
                              set = {.set = event_set,
                                     .meet = event_meet,
                                     .run = event_set_run,
                                     .check = event_check,
                                     .witness = 1},
                              pulse = {.set = event_set,
                                       .meet = event_meet,
                                       .run = event_pulse_run,
                                       .check = event_check,
                                       .witness = 1},
                              event_wait = {.set = event_set,
                                            .meet = event_meet,
                                            .run = event_wait_run,
                                            .check = event_check,
                                            .witness = 1},
                              unpark = {.set = park_set,
                                        .meet = park_meet,
                                        .run = unpark_run,
                                        .check = park_check,
                                        .witness = 1},
                              park = {.set = park_set,
                                      .meet = park_meet,
                                      .run = park_run,
                                      .check = park_check,
                                      .witness = 1},
                              park_given = {.set = park_set,
                                            .run = park_run,
                                            .strike = park_strike,
                                            .check = park_check,
                                            .witness = 1};

const stress_scenario_t stress_sync_scenarios[] = {
    {"lock", "acquired and released", step_run, &lock},
    {"lock-release", "released while the witness waits", step_run, &release},
    {"lock-wait", "waited for beside the witness", step_run, &waits},
    {"lock-given", "the same, released before the kill", step_run, &given},
    {"lock-takeover", "its holder is dead", step_run, &takeover},
    {"event-set", "set while the witness waits", step_run, &set},
    {"event-pulse", "set and cleared while the witness waits", step_run,
     &pulse},
    {"event-wait", "waited for beside the witness", step_run, &event_wait},
    {"unpark", "one waiter is woken", step_run, &unpark},
    {"park", "a word is waited for beside the witness", step_run, &park},
    {"park-given", "the same, one is woken before the kill", step_run,
     &park_given},
    {NULL, NULL, NULL, NULL}};
