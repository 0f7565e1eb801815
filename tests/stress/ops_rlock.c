/*
 * ops_rlock.c: the recursive lock, killed at each instruction.
 *
 * The victim says how far it is: while it surely has the rlock, its death
 * must be told to the next one, and to nobody else.
 */
#include "step.h"

#include <mproc/error.h>

/* Marks of the victim. */
enum {
    NOT_YET,
    HAS,
    LETS_GO
};

#define DEEP 3

static apr_status_t
witness_rlock(step_stage_t *stage)
{
    apr_status_t rv = mproc_rlock_acquire(stage->rlock, STEP_PATIENCE);

    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        mproc_rlock_release(stage->rlock);
    }
    return rv;
}

/* Returns what the parent got. */
static apr_status_t
rlock_take(step_stage_t *stage)
{
    apr_status_t rv = mproc_rlock_acquire(stage->rlock, STEP_LATE);

    step_good("the parent at the rlock", rv);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        step_good("a release", mproc_rlock_release(stage->rlock));
        if (mproc_rlock_locked(stage->rlock)) {
            step_wrong(STRESS_TORN, "an rlock taken over is not had once");
        }
    }
    return rv;
}

/* Who comes first after the victim. */
static void
told_check(step_stage_t *stage, apr_status_t rv)
{
    if (step_marked(stage) == HAS && rv == APR_SUCCESS) {
        step_wrong(STRESS_LOST, "the owner's death was not told");
    }
}

static void
rlock_check(step_stage_t *stage)
{
    told_check(stage, rlock_take(stage));
}

/* -------------------------------------------------------------------- alone */

static void
deep_acquire(step_stage_t *stage)
{
    int i;

    for (i = 0; i < DEEP; i++) {
        mproc_rlock_acquire(stage->rlock, STEP_PATIENCE);
        step_mark(stage, HAS);
    }
}

static void
deep_release(step_stage_t *stage)
{
    int i;

    for (i = 1; i < DEEP; i++) {
        mproc_rlock_release(stage->rlock);
    }
    step_mark(stage, LETS_GO);
    mproc_rlock_release(stage->rlock);
}

static void
rlock_run(step_stage_t *stage)
{
    deep_acquire(stage);
    deep_release(stage);
}

/* Somebody dies with the rlock, deep in, and is not found before the victim
 * wants it: one of those who come must be told. */
static void
holder_main(void *baton)
{
    deep_acquire(baton);
}

static void
takeover_set(step_stage_t *stage)
{
    stage->dead = step_dead_child(holder_main, stage);
    step_mark(stage, NOT_YET);
}

static void
takeover_run(step_stage_t *stage)
{
    if (mproc_rlock_acquire(stage->rlock, STEP_PATIENCE) == APR_SUCCESS) {
        mproc_rlock_release(stage->rlock);
        return; /* Not told: the parent will see that nobody was. */
    }
    mproc_rlock_acquire(stage->rlock, STEP_PATIENCE);
    mproc_rlock_release(stage->rlock);
    step_mark(stage, LETS_GO);
    mproc_rlock_release(stage->rlock);
}

static void
takeover_check(step_stage_t *stage)
{
    if (rlock_take(stage) == APR_SUCCESS && step_marked(stage) != LETS_GO) {
        step_wrong(STRESS_LOST, "the owner's death was told to nobody");
    }
}

/* ---------------------------------------------------------- with the witness
 */

static void
rlock_meet(step_stage_t *stage)
{
    witness_call(witness_rlock);
    witness_sleeps(step_word(stage->rlock));
}

static void
witness_rlock_check(step_stage_t *stage)
{
    apr_status_t rv = witness_result();

    step_good("the witness", rv);
    told_check(stage, rv);
    if (rlock_take(stage) != APR_SUCCESS) {
        step_wrong(STRESS_LOST, "a death was told to two");
    }
}

/* The parent has the rlock; the witness waits for it, and the victim. */
static void
wait_set(step_stage_t *stage)
{
    mproc_rlock_acquire(stage->rlock, MPROC_FOREVER);
}

static void
wait_run(step_stage_t *stage)
{
    if (mproc_rlock_acquire(stage->rlock, STEP_SHORT) == APR_SUCCESS) {
        step_mark(stage, HAS);
        step_mark(stage, LETS_GO);
        mproc_rlock_release(stage->rlock);
    }
}

static void
wait_check(step_stage_t *stage)
{
    mproc_rlock_release(stage->rlock);
    witness_rlock_check(stage);
}

/* The victim waits first, and is woken; the witness is behind it. */
static void
woken_strike(step_stage_t *stage)
{
    rlock_meet(stage);
    mproc_rlock_release(stage->rlock);
}

static void *
rlock_word(step_stage_t *stage)
{
    return step_word(stage->rlock);
}

/* ------------------------------------------------------------------ held up */

static void
slow_run(step_stage_t *stage)
{
    step_expect(mproc_rlock_acquire(stage->rlock, STEP_PATIENCE));
    step_expect(mproc_rlock_acquire(stage->rlock, STEP_PATIENCE));
    step_expect(mproc_rlock_release(stage->rlock));
    step_expect(mproc_rlock_release(stage->rlock));
}

static void
slow_strike(step_stage_t *stage)
{
    mproc_rlock_release(stage->rlock);
}

static void
slow_check(step_stage_t *stage)
{
    rlock_take(stage);
}

/* It lets go slowly, and lives on: nobody but itself wakes the witness. */
static void
witness_alive(step_stage_t *stage)
{
    (void)stage;
    witness_done();
}

/* The holder is killed, and recovered, while the other comes to wait. */
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

static const step_operation_t alone = {.run = rlock_run, .check = rlock_check},
                              release = {.ready = deep_acquire,
                                         .meet = rlock_meet,
                                         .run = deep_release,
                                         .check = witness_rlock_check,
                                         .witness = 1},
                              waits = {.set = wait_set,
                                       .meet = rlock_meet,
                                       .run = wait_run,
                                       .check = wait_check,
                                       .witness = 1},
                              woken = {.set = wait_set,
                                       .sleeps = rlock_word,
                                       .strike = woken_strike,
                                       .run = rlock_run,
                                       .check = witness_rlock_check,
                                       .witness = 1},
                              takeover = {.set = takeover_set,
                                          .run = takeover_run,
                                          .check = takeover_check},
                              slow = {.set = wait_set,
                                      .run = slow_run,
                                      .strike = slow_strike,
                                      .check = slow_check,
                                      .resume = 1},
                              slow_release = {.ready = deep_acquire,
                                              .meet = rlock_meet,
                                              .run = deep_release,
                                              .alive = witness_alive,
                                              .check = slow_check,
                                              .witness = 1},
                              slow_late = {.set = wait_set,
                                           .run = wait_run,
                                           .strike = woken_strike,
                                           .alive = witness_alive,
                                           .check = slow_check,
                                           .witness = 1},
                              orphan = {.set = orphan_set,
                                        .run = slow_run,
                                        .strike = orphan_strike,
                                        .check = slow_check,
                                        .resume = 1};

const stress_scenario_t stress_rlock_scenarios[] = {
    {"rlock", "acquired three times and released", step_run_all, &alone},
    {"rlock-release", "released while the witness waits", step_run_all,
     &release},
    {"rlock-wait", "waited for beside the witness", step_run_all, &waits},
    {"rlock-woken", "one wakes to it, the witness behind", step_run_all,
     &woken},
    {"rlock-takeover", "its holder is dead, three times in", step_run_all,
     &takeover},
    {"slow-rlock", "an rlock is released while one comes to wait", step_run_all,
     &slow},
    {"slow-rlock-release", "released slowly while the witness waits",
     step_run_all, &slow_release},
    {"slow-rlock-late",
     "released while one's time runs out, the witness behind", step_run_all,
     &slow_late},
    {"slow-rlock-orphan", "its holder dies while one comes to wait",
     step_run_all, &orphan},
    {NULL, NULL, NULL, NULL}};
