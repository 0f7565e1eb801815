/*
 * ops_semaphore.c: semaphores of all three forms, killed at each instruction.
 *
 * A plain permit that the victim had taken is gone with it, and that is right;
 * one that it had not must come to the witness. Owned permits all come back.
 */
#include "step.h"

#include <mproc/error.h>

#include "../../lib/src/gate.h"

/* Marks of the victim. */
enum {
    NOT_YET,
    HAS,
    LETS_GO,
    LET_GO
};

/* How a semaphore's shared half begins; semaphore.c. */
typedef struct semaphore_words_t {
    _Atomic apr_uint64_t count;
    mproc__gate_t gate;
} semaphore_words_t;

static void *
gate_of(mproc_semaphore_t *semaphore)
{
    return (void *)&((semaphore_words_t *)step_word(semaphore))->gate;
}

static void
value_check(mproc_semaphore_t *semaphore, int value)
{
    if (mproc_semaphore_value(semaphore) != value) {
        step_wrong(STRESS_LOST, "permits are lost, or too many");
    }
}

/* ------------------------------------------------------------ plain, bounded
 */

static apr_status_t
witness_plain(step_stage_t *stage)
{
    return mproc_semaphore_acquire(stage->semaphore, STEP_PATIENCE);
}

static void
plain_run(step_stage_t *stage)
{
    mproc_semaphore_acquire(stage->semaphore, STEP_PATIENCE);
    step_mark(stage, HAS);
    step_mark(stage, LETS_GO);
    mproc_semaphore_release(stage->semaphore);
    step_mark(stage, LET_GO);
}

/* Never more than one permit; none while the victim had it, one when it had
 * given it back. Then one again. */
static void
one_check(step_stage_t *stage, mproc_semaphore_t *semaphore)
{
    int value = mproc_semaphore_value(semaphore);
    int mark = step_marked(stage);

    if (value < 0 || value > 1 || (mark == HAS && value != 0) ||
        (mark == LET_GO && value != 1)) {
        step_wrong(STRESS_LOST, "a permit is lost, or made of nothing");
    }
    if (value == 0) {
        step_good("a release", mproc_semaphore_release(semaphore));
    }
    if (value == 1 || step_marked(stage) == HAS) {
        step_good("an acquire",
                  mproc_semaphore_acquire(semaphore, MPROC_NOWAIT));
        step_good("a release", mproc_semaphore_release(semaphore));
    }
    value_check(semaphore, 1);
}

static void
plain_check(step_stage_t *stage)
{
    one_check(stage, stage->semaphore);
}

/* Its bound holds before and after. */
static void
bounded_run(step_stage_t *stage)
{
    mproc_semaphore_release(stage->bounded);
    mproc_semaphore_acquire(stage->bounded, STEP_PATIENCE);
    step_mark(stage, HAS);
    step_mark(stage, LETS_GO);
    mproc_semaphore_release(stage->bounded);
    step_mark(stage, LET_GO);
    mproc_semaphore_release(stage->bounded);
}

static void
bounded_check(step_stage_t *stage)
{
    one_check(stage, stage->bounded);
    if (mproc_semaphore_release(stage->bounded) != MPROC_ESTATE) {
        step_wrong(STRESS_TORN, "the bound does not hold");
    }
}

/* No permit, the witness waits. */
static void
plain_empty(step_stage_t *stage)
{
    mproc_semaphore_acquire(stage->semaphore, MPROC_NOWAIT);
}

static void
plain_meet(step_stage_t *stage)
{
    witness_call(witness_plain);
    witness_sleeps(gate_of(stage->semaphore));
}

static void
release_run(step_stage_t *stage)
{
    mproc_semaphore_release(stage->semaphore);
    step_mark(stage, LET_GO);
}

/* The witness must come when there is a permit. Nobody else takes one: so
 * when there is none, and after that it sleeps, there was none. */
static void
witness_plain_check(step_stage_t *stage, int must)
{
    apr_time_t start = mproc_clock();
    int count = 1;

    while (
        !witness_is_done() &&
        (must || count != 0 || !witness_is_asleep(gate_of(stage->semaphore)))) {
        if (mproc_clock() - start > STEP_LATE) {
            step_wrong(STRESS_HANG, "a permit does not come to the witness");
            break;
        }
        count = mproc_semaphore_value(stage->semaphore);
    }
    if (!witness_is_done()) {
        mproc_semaphore_release(stage->semaphore);
    }
    witness_done();
    value_check(stage->semaphore, 0);
    mproc_semaphore_release(stage->semaphore);
}

static void
release_check(step_stage_t *stage)
{
    witness_plain_check(stage, step_marked(stage) == LET_GO);
}

static void
wait_run(step_stage_t *stage)
{
    if (mproc_semaphore_acquire(stage->semaphore, STEP_SHORT) == APR_SUCCESS) {
        step_wrong(STRESS_LOST, "a permit made of nothing");
    }
}

static void
wait_check(step_stage_t *stage)
{
    mproc_semaphore_release(stage->semaphore);
    witness_plain_check(stage, 1);
}

/* The victim waits first, and is woken; the witness is behind it. */
static void
woken_strike(step_stage_t *stage)
{
    plain_meet(stage);
    mproc_semaphore_release(stage->semaphore);
}

static void *
plain_gate(step_stage_t *stage)
{
    return gate_of(stage->semaphore);
}

/* -------------------------------------------------------------------- owned */

static apr_status_t
witness_owned(step_stage_t *stage)
{
    apr_status_t rv = mproc_semaphore_acquire(stage->owned, STEP_PATIENCE);

    return rv == APR_SUCCESS ? mproc_semaphore_release(stage->owned) : rv;
}

static void
owned_acquire(step_stage_t *stage)
{
    int i;

    for (i = 0; i < STEP_OWNED; i++) {
        step_expect(mproc_semaphore_acquire(stage->owned, STEP_PATIENCE));
    }
}

static void
owned_release(step_stage_t *stage)
{
    int i;

    for (i = 0; i < STEP_OWNED; i++) {
        mproc_semaphore_release(stage->owned);
    }
}

static void
owned_run(step_stage_t *stage)
{
    owned_acquire(stage);
    owned_release(stage);
}

static void
owned_check(step_stage_t *stage)
{
    value_check(stage->owned, STEP_OWNED);
    owned_acquire(stage);
    if (mproc_semaphore_acquire(stage->owned, MPROC_NOWAIT) != APR_TIMEUP) {
        step_wrong(STRESS_TORN, "more permits than there are");
    }
    owned_release(stage);
    value_check(stage->owned, STEP_OWNED);
}

static void
owned_meet(step_stage_t *stage)
{
    witness_call(witness_owned);
    witness_sleeps(gate_of(stage->owned));
}

/* By the victim, or by its death: the witness needs no help. */
static void
owned_witness_check(step_stage_t *stage)
{
    witness_done();
    owned_check(stage);
}

static void
owned_woken_strike(step_stage_t *stage)
{
    owned_meet(stage);
    mproc_semaphore_release(stage->owned);
}

static void
owned_woken_run(step_stage_t *stage)
{
    if (mproc_semaphore_acquire(stage->owned, STEP_PATIENCE) == APR_SUCCESS) {
        mproc_semaphore_release(stage->owned);
    }
}

/* The parent still has one. */
static void
owned_woken_check(step_stage_t *stage)
{
    witness_done();
    value_check(stage->owned, STEP_OWNED - 1);
    mproc_semaphore_release(stage->owned);
    owned_check(stage);
}

static void *
owned_gate(step_stage_t *stage)
{
    return gate_of(stage->owned);
}

/* Somebody dies with all of them, not found before the victim wants one. */
static void
owner_main(void *baton)
{
    owned_acquire(baton);
}

static void
orphans_set(step_stage_t *stage)
{
    stage->dead = step_dead_child(owner_main, stage);
}

/* ------------------------------------------------------------------ held up */

static void
slow_run(step_stage_t *stage)
{
    step_expect(mproc_semaphore_acquire(stage->semaphore, STEP_PATIENCE));
}

static void
slow_strike(step_stage_t *stage)
{
    mproc_semaphore_release(stage->semaphore);
}

static void
slow_check(step_stage_t *stage)
{
    value_check(stage->semaphore, 0);
    mproc_semaphore_release(stage->semaphore);
}

/* It gives one slowly, and lives on: nobody but itself wakes the witness. */
static void
witness_alive(step_stage_t *stage)
{
    (void)stage;
    witness_done();
}

static void
slow_release_check(step_stage_t *stage)
{
    value_check(stage->semaphore, 0);
    mproc_semaphore_release(stage->semaphore);
}

/* Somebody has waited and gone. It gives one, which is taken at once, and the
 * witness comes to wait, while it finds that nobody is left to be woken. */
static void
gate_set(step_stage_t *stage)
{
    plain_empty(stage);
    mproc_semaphore_acquire(stage->semaphore, 1);
}

static void
gate_strike(step_stage_t *stage)
{
    if (mproc_semaphore_acquire(stage->semaphore, MPROC_NOWAIT) ==
        APR_SUCCESS) {
        plain_meet(stage);
        step_mark(stage, HAS);
    }
}

static void
gate_run(step_stage_t *stage)
{
    mproc_semaphore_release(stage->semaphore);
}

static void
gate_alive(step_stage_t *stage)
{
    if (step_marked(stage) == HAS) {
        mproc_semaphore_release(stage->semaphore);
        witness_done();
    }
    else {
        mproc_semaphore_acquire(stage->semaphore, MPROC_NOWAIT);
    }
}

/* Its time runs out, the witness is behind it, and one permit is given: one
 * of them has it. */
static void
late_run(step_stage_t *stage)
{
    if (mproc_semaphore_acquire(stage->semaphore, STEP_SHORT) == APR_SUCCESS) {
        step_mark(stage, HAS);
    }
}

static void
late_alive(step_stage_t *stage)
{
    if (step_marked(stage) == HAS) {
        value_check(stage->semaphore, 0);
        mproc_semaphore_release(stage->semaphore);
    }
    witness_done();
}

/* It wants all, and their owner is killed while it comes to wait. */
static void
slow_owned_set(step_stage_t *stage)
{
    stage->dead = step_live_child(owner_main, stage);
}

static void
slow_owned_strike(step_stage_t *stage)
{
    step_live_end(stage->dead);
    stage->dead = 0;
}

static const step_operation_t plain = {.run = plain_run, .check = plain_check},
                              bounded = {.run = bounded_run,
                                         .check = bounded_check},
                              release = {.set = plain_empty,
                                         .meet = plain_meet,
                                         .run = release_run,
                                         .check = release_check,
                                         .witness = 1},
                              waits = {.set = plain_empty,
                                       .meet = plain_meet,
                                       .run = wait_run,
                                       .check = wait_check,
                                       .witness = 1},
                              woken = {.set = plain_empty,
                                       .sleeps = plain_gate,
                                       .strike = woken_strike,
                                       .run = plain_run,
                                       .check = release_check,
                                       .witness = 1},
                              owned = {.run = owned_run, .check = owned_check},
                              owned_gives = {.ready = owned_acquire,
                                             .meet = owned_meet,
                                             .run = owned_release,
                                             .check = owned_witness_check,
                                             .witness = 1},
                              owned_woken = {.set = owned_acquire,
                                             .sleeps = owned_gate,
                                             .strike = owned_woken_strike,
                                             .run = owned_woken_run,
                                             .check = owned_woken_check,
                                             .witness = 1},
                              owned_orphans = {.set = orphans_set,
                                               .run = owned_run,
                                               .check = owned_check},
                              slow = {.set = plain_empty,
                                      .run = slow_run,
                                      .strike = slow_strike,
                                      .check = slow_check,
                                      .resume = 1},
                              slow_release = {.set = plain_empty,
                                              .meet = plain_meet,
                                              .run = gate_run,
                                              .alive = witness_alive,
                                              .check = slow_release_check,
                                              .witness = 1},
                              slow_gate = {.set = gate_set,
                                           .run = gate_run,
                                           .strike = gate_strike,
                                           .alive = gate_alive,
                                           .check = slow_release_check,
                                           .witness = 1},
                              slow_late = {.set = plain_empty,
                                           .run = late_run,
                                           .strike = woken_strike,
                                           .alive = late_alive,
                                           .check = slow_release_check,
                                           .witness = 1},
                              slow_owned_release = {.ready = owned_acquire,
                                                    .meet = owned_meet,
                                                    .run = owned_release,
                                                    .alive = witness_alive,
                                                    .check = owned_check,
                                                    .witness = 1},
                              slow_owned = {.set = slow_owned_set,
                                            .run = owned_run,
                                            .strike = slow_owned_strike,
                                            .check = owned_check,
                                            .resume = 1};

const stress_scenario_t stress_semaphore_scenarios[] = {
    {"sem", "a permit, taken and given back", step_run_all, &plain},
    {"sem-bounded", "the same, and given back too often", step_run_all,
     &bounded},
    {"sem-release", "a permit is given while the witness waits", step_run_all,
     &release},
    {"sem-wait", "waited for beside the witness", step_run_all, &waits},
    {"sem-woken", "one wakes to a permit, the witness behind", step_run_all,
     &woken},
    {"owned", "owned permits, taken and given back", step_run_all, &owned},
    {"owned-release", "given back while the witness waits", step_run_all,
     &owned_gives},
    {"owned-woken", "one wakes to one, the witness behind", step_run_all,
     &owned_woken},
    {"owned-orphans", "their owner is dead", step_run_all, &owned_orphans},
    {"slow-sem", "a permit is given while one comes to wait", step_run_all,
     &slow},
    {"slow-sem-release", "a permit is given slowly while the witness waits",
     step_run_all, &slow_release},
    {"slow-sem-gate", "given slowly while the witness comes to wait",
     step_run_all, &slow_gate},
    {"slow-sem-late", "given while one's time runs out, the witness behind",
     step_run_all, &slow_late},
    {"slow-owned-release", "given back slowly while the witness waits",
     step_run_all, &slow_owned_release},
    {"slow-owned", "their owner dies while one comes to wait", step_run_all,
     &slow_owned},
    {NULL, NULL, NULL, NULL}};
