/*
 * ops_barrier.c: the barrier, killed at each instruction.
 *
 * What the victim had done is read off the barrier's words after the kill and
 * before anybody repairs: a round that it completed is completed for all, one
 * that it had come to is broken for all, and else nothing has happened.
 */
#include "step.h"

#include <apr_time.h>

#include <mproc/error.h>

#include "../../lib/src/gate.h"
#include "../../lib/src/peers.h"
#include "system.h"

/* A barrier's shared half; barrier.c. */
typedef struct barrier_words_t {
    _Atomic apr_uint64_t word;
    mproc__gate_t gate;
    apr_uint32_t parties;
    apr_uint32_t has_action;
    apr_uint64_t baton, baton_is_shared;
    _Atomic apr_uint64_t slot[];
} barrier_words_t;

#define GENERATION(word) ((word)&0xfffffff)
#define COMPLETED(word) ((word) >> 28 & 0xfffffff)
#define IS_BROKEN(word) ((word) >> 56 & 1)

/* Marks of a victim that goes on. */
enum {
    NOT_YET,
    BROKEN,
    WHOLE
};

/* What the victim had done. */
static struct {
    apr_uint64_t word; /* before */
    int rounds;
    int completed, broken, moved;
    int arrived; /* how many there were, of the first round */
} seen;

static barrier_words_t *
words(mproc_barrier_t *barrier)
{
    return step_word(barrier);
}

static void
see_before(step_stage_t *stage, mproc_barrier_t *barrier)
{
    seen.word = atomic_load(&words(barrier)->word);
    seen.rounds = atomic_load(&stage->board->rounds);
}

static void
see_after(mproc_barrier_t *barrier)
{
    barrier_words_t *shared = words(barrier);
    apr_uint64_t word = atomic_load(&shared->word);
    apr_uint32_t i;

    seen.completed = COMPLETED(word) != COMPLETED(seen.word);
    seen.broken = (int)IS_BROKEN(word);
    seen.moved = GENERATION(word) != GENERATION(seen.word);
    seen.arrived = 0;
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t slot = atomic_load(&shared->slot[i]);
        seen.arrived += slot != 0 && slot >> 36 == GENERATION(seen.word);
    }
}

static void
pair_see(step_stage_t *stage)
{
    see_after(stage->pair);
}

static void
trio_see(step_stage_t *stage)
{
    see_after(stage->trio);
}

/* ------------------------------------------------------- parent and witness */

static apr_status_t
witness_pair(step_stage_t *stage)
{
    return mproc_barrier_wait(stage->pair, NULL, STEP_PATIENCE);
}

static apr_status_t
witness_trio(step_stage_t *stage)
{
    return mproc_barrier_wait(stage->trio, NULL, STEP_PATIENCE);
}

static void
witness_gets(apr_status_t wanted, const char *what)
{
    if (witness_result() != wanted) {
        step_wrong(STRESS_LOST, what);
    }
}

static void
idle_check(mproc_barrier_t *barrier)
{
    if (mproc_barrier_is_broken(barrier) ||
        mproc_barrier_waiting(barrier) != 0) {
        step_wrong(STRESS_TORN, "the barrier is not idle");
    }
}

/* Parent and witness meet. */
static void
round_check(step_stage_t *stage)
{
    witness_call(witness_pair);
    step_good("the parent at the barrier",
              mproc_barrier_wait(stage->pair, NULL, STEP_LATE));
    witness_gets(APR_SUCCESS, "a round was completed for one only");
    idle_check(stage->pair);
}

static void
reset_check(step_stage_t *stage)
{
    mproc_barrier_reset(stage->pair);
    idle_check(stage->pair);
    round_check(stage);
}

/* -------------------------------------------------------------- first, alone
 */

static void
pair_set(step_stage_t *stage)
{
    see_before(stage, stage->pair);
}

static void
pair_short_run(step_stage_t *stage)
{
    mproc_barrier_wait(stage->pair, NULL, STEP_SHORT);
}

/* Whoever comes next sees that somebody died here; or a reset comes first. */
static void
alone_check(step_stage_t *stage)
{
    if (stress_below(&stage->draw, 2) == 0) {
        reset_check(stage);
        return;
    }
    if (!seen.arrived && !seen.broken) {
        round_check(stage);
        return;
    }
    witness_call(witness_pair);
    witness_gets(MPROC_EBROKEN, "a dead process was counted");
    reset_check(stage);
}

/* --------------------------------------------- not the last, nor the only one
 */

static void
trio_set(step_stage_t *stage)
{
    see_before(stage, stage->trio);
    witness_call(witness_trio);
    witness_sleeps((void *)&words(stage->trio)->gate);
}

static void
trio_short_run(step_stage_t *stage)
{
    mproc_barrier_wait(stage->trio, NULL, STEP_SHORT);
}

static void
trio_check(step_stage_t *stage)
{
    if (seen.arrived < 2 && !seen.broken) {
        mproc_barrier_abort(stage->trio);
    }
    witness_gets(MPROC_EBROKEN, "the dead did not break the barrier");
    mproc_barrier_reset(stage->trio);
    idle_check(stage->trio);
}

/* ----------------------------------------------------------------- the last */

static void
last_set(step_stage_t *stage)
{
    see_before(stage, stage->pair);
    witness_call(witness_pair);
    witness_sleeps((void *)&words(stage->pair)->gate);
}

static void
pair_run(step_stage_t *stage)
{
    mproc_barrier_wait(stage->pair, NULL, STEP_PATIENCE);
}

static void
last_check(step_stage_t *stage)
{
    int rounds = atomic_load(&stage->board->rounds) - seen.rounds;

    if (seen.completed) {
        witness_gets(APR_SUCCESS, "a completed round is broken");
        if (rounds != 1) {
            step_wrong(STRESS_LOST, "the action did not run once");
        }
    }
    else if (seen.arrived == 2) {
        witness_gets(MPROC_EBROKEN, "the dead did not break the barrier");
        reset_check(stage);
    }
    else {
        step_good("the parent at the barrier",
                  mproc_barrier_wait(stage->pair, NULL, STEP_LATE));
        witness_gets(APR_SUCCESS, "the round was completed for one only");
    }
    round_check(stage);
}

/* ------------------------------------------------------------------- leaving
 */

static void *
pair_gate(step_stage_t *stage)
{
    return (void *)&words(stage->pair)->gate;
}

static void
leave_strike(step_stage_t *stage)
{
    (void)stage;
    witness_call(witness_pair);
    witness_gets(APR_SUCCESS, "the last to come did not go on");
}

/* ------------------------------------------------------------- abort, reset */

static void
abort_run(step_stage_t *stage)
{
    mproc_barrier_abort(stage->trio);
}

static void
reset_run(step_stage_t *stage)
{
    mproc_barrier_reset(stage->trio);
}

static void
reset_waiting_check(step_stage_t *stage)
{
    if (!seen.moved) {
        mproc_barrier_reset(stage->trio);
    }
    witness_gets(MPROC_EBROKEN, "a reset did not free who waited");
    idle_check(stage->trio);
}

static void
broken_set(step_stage_t *stage)
{
    mproc_barrier_abort(stage->pair);
    see_before(stage, stage->pair);
}

static void
reset_broken_run(step_stage_t *stage)
{
    mproc_barrier_reset(stage->pair);
}

static void
reset_broken_check(step_stage_t *stage)
{
    if (!seen.moved && !mproc_barrier_is_broken(stage->pair)) {
        step_wrong(STRESS_TORN, "a barrier that was not reset is whole");
    }
    if (seen.moved) {
        round_check(stage);
    }
    reset_check(stage);
}

/* ------------------------------------------------------------------ held up */

static void
slow_run(step_stage_t *stage)
{
    step_expect(mproc_barrier_wait(stage->pair, NULL, STEP_PATIENCE));
}

static void
slow_strike(step_stage_t *stage)
{
    (void)stage;
    witness_call(witness_pair);
}

static void
slow_check(step_stage_t *stage)
{
    witness_gets(APR_SUCCESS, "the round was completed for one only");
    round_check(stage);
}

/* It comes last, breaks or resets slowly, and lives on: nobody but itself
 * wakes the witness. */
static void
last_alive(step_stage_t *stage)
{
    (void)stage;
    witness_gets(APR_SUCCESS, "the round was completed for one only");
}

static void
broken_alive(step_stage_t *stage)
{
    (void)stage;
    witness_gets(MPROC_EBROKEN, "who waited was not freed");
}

static void
trio_reset_check(step_stage_t *stage)
{
    mproc_barrier_reset(stage->trio);
    idle_check(stage->trio);
}

/* Its time runs out while the witness comes: both are told the same. */
static void
timeout_run(step_stage_t *stage)
{
    apr_status_t rv = mproc_barrier_wait(stage->pair, NULL, STEP_SHORT);

    step_mark(stage, rv == MPROC_EBROKEN ? BROKEN
                     : rv == APR_SUCCESS ? WHOLE
                                         : NOT_YET);
}

static void
timeout_alive(step_stage_t *stage)
{
    witness_gets(step_marked(stage) == WHOLE ? APR_SUCCESS : MPROC_EBROKEN,
                 "the round was completed for one only");
}

/* The barrier is reset, and somebody comes and dies, before the victim goes
 * on: in both rounds it is told so. Where it has a slot already, nobody can
 * come before it has left that; then it may meet the witness. */
static void
stranger_main(void *baton)
{
    pair_run(baton);
}

static void
stale_strike(step_stage_t *stage)
{
    apr_time_t start = mproc_clock();
    apr_int64_t pid;

    see_after(stage->pair);
    mproc_barrier_abort(stage->pair);
    mproc_barrier_reset(stage->pair);
    if (seen.arrived) {
        witness_call(witness_pair);
        return;
    }
    pid = system_fork(stranger_main, stage);
    while (mproc_barrier_waiting(stage->pair) == 0) {
        if (mproc_clock() - start > STEP_LATE) {
            step_wrong(STRESS_HANG, "somebody does not come to the barrier");
            break;
        }
        apr_sleep(20);
    }
    step_live_end(pid);
}

static void
stale_run(step_stage_t *stage)
{
    apr_status_t rv = mproc_barrier_wait(stage->pair, NULL, STEP_PATIENCE);

    step_mark(stage, rv == MPROC_EBROKEN ? BROKEN
                     : rv == APR_SUCCESS ? WHOLE
                                         : NOT_YET);
}

static void
stale_check(step_stage_t *stage)
{
    int mark = step_marked(stage);

    if (!seen.arrived && mark != BROKEN) {
        step_wrong(STRESS_LOST, "a dead process was counted");
    }
    if (seen.arrived && mark == BROKEN) {
        mproc_barrier_abort(stage->pair);
        witness_gets(MPROC_EBROKEN, "nobody came, but the round is whole");
    }
    if (seen.arrived && mark != BROKEN) {
        witness_gets(mark == WHOLE ? APR_SUCCESS : MPROC_EBROKEN,
                     "the round was completed for one only");
    }
    reset_check(stage);
}

static const step_operation_t alone = {.set = pair_set,
                                       .run = pair_short_run,
                                       .heir = pair_see,
                                       .check = alone_check,
                                       .witness = 1},
                              among = {.set = trio_set,
                                       .run = trio_short_run,
                                       .heir = trio_see,
                                       .check = trio_check,
                                       .witness = 1},
                              last = {.set = last_set,
                                      .run = pair_run,
                                      .heir = pair_see,
                                      .check = last_check,
                                      .witness = 1},
                              leave = {.set = pair_set,
                                       .sleeps = pair_gate,
                                       .strike = leave_strike,
                                       .run = pair_run,
                                       .check = round_check,
                                       .witness = 1},
                              aborts = {.set = trio_set,
                                        .run = abort_run,
                                        .heir = trio_see,
                                        .check = trio_check,
                                        .witness = 1},
                              resets = {.set = trio_set,
                                        .run = reset_run,
                                        .heir = trio_see,
                                        .check = reset_waiting_check,
                                        .witness = 1},
                              mends = {.set = broken_set,
                                       .run = reset_broken_run,
                                       .heir = pair_see,
                                       .check = reset_broken_check,
                                       .witness = 1},
                              slow = {.run = slow_run,
                                      .strike = slow_strike,
                                      .check = slow_check,
                                      .witness = 1,
                                      .resume = 1},
                              slow_last = {.set = last_set,
                                           .run = pair_run,
                                           .alive = last_alive,
                                           .check = round_check,
                                           .witness = 1},
                              slow_abort = {.set = trio_set,
                                            .run = abort_run,
                                            .alive = broken_alive,
                                            .check = trio_reset_check,
                                            .witness = 1},
                              slow_reset = {.set = trio_set,
                                            .run = reset_run,
                                            .alive = broken_alive,
                                            .check = trio_reset_check,
                                            .witness = 1},
                              slow_timeout = {.run = timeout_run,
                                              .strike = slow_strike,
                                              .alive = timeout_alive,
                                              .check = reset_check,
                                              .witness = 1},
                              stale = {.set = pair_set,
                                       .run = stale_run,
                                       .strike = stale_strike,
                                       .check = stale_check,
                                       .witness = 1,
                                       .resume = 1};

const stress_scenario_t stress_barrier_scenarios[] = {
    {"barrier-alone", "one comes, and nobody else", step_run_all, &alone},
    {"barrier-among", "one comes beside the witness, of three", step_run_all,
     &among},
    {"barrier-last", "the last one comes, with an action", step_run_all, &last},
    {"barrier-leave", "a round is left, and the next one begins", step_run_all,
     &leave},
    {"barrier-abort", "broken while the witness waits", step_run_all, &aborts},
    {"barrier-reset", "reset while the witness waits", step_run_all, &resets},
    {"barrier-mend", "a broken one is reset", step_run_all, &mends},
    {"slow-barrier", "the last one comes while another comes", step_run_all,
     &slow},
    {"slow-barrier-last", "the last one comes slowly, the witness waits",
     step_run_all, &slow_last},
    {"slow-barrier-abort", "broken slowly while the witness waits",
     step_run_all, &slow_abort},
    {"slow-barrier-reset", "reset slowly while the witness waits", step_run_all,
     &slow_reset},
    {"slow-barrier-timeout", "one's time runs out while the last one comes",
     step_run_all, &slow_timeout},
    {"slow-barrier-late", "it is reset, and one dies, while another comes",
     step_run_all, &stale},
    {NULL, NULL, NULL, NULL}};
