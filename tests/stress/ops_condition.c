/*
 * ops_condition.c: the condition, killed at each instruction.
 *
 * A notification that the victim got and did not use up must come to the
 * witness; a victim that had the lock is told of to the witness. Only when
 * neither is so may the parent help.
 */
#include "step.h"

#include <apr_time.h>

#include <mproc/error.h>

#include "../../lib/src/object.h"
#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"
#include "system.h"

/* Marks of the victim. */
enum {
    NOT_YET,
    HAS,     /* notified, and with the lock */
    LETS_GO, /* of the lock, for good */
    LET_GO
};

/* How a condition's shared half begins; condition.c. */
typedef struct condition_words_t {
    mproc__part_t lock;
    _Atomic apr_uint64_t place;
} condition_words_t;

/* The condition of the scenario: with an rlock or a lock. */
static mproc_condition_t *(*chosen)(step_stage_t *);

static mproc_condition_t *
with_rlock(step_stage_t *stage)
{
    return stage->condition;
}

static mproc_condition_t *
with_lock(step_stage_t *stage)
{
    return stage->turn;
}

static mproc_condition_t *
condition(step_stage_t *stage)
{
    return chosen(stage);
}

static void *
place(step_stage_t *stage)
{
    return (void *)&((condition_words_t *)step_word(condition(stage)))->place;
}

/* ------------------------------------------------------- parent and witness */

static apr_status_t
acquire(step_stage_t *stage)
{
    return mproc_condition_acquire(condition(stage), STEP_PATIENCE);
}

/* Returns what the wait said. */
static apr_status_t
witness_wait(step_stage_t *stage)
{
    apr_status_t rv = acquire(stage);

    if (rv == APR_SUCCESS) {
        rv = mproc_condition_wait(condition(stage), STEP_PATIENCE);
    }
    if (mproc_condition_release(condition(stage)) != APR_SUCCESS) {
        return MPROC_ESTATE;
    }
    return rv;
}

static apr_status_t
witness_notify(step_stage_t *stage)
{
    apr_status_t rv = acquire(stage);

    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        mproc_condition_notify_all(condition(stage));
        mproc_condition_release(condition(stage));
    }
    return rv;
}

static void
witness_comes(step_stage_t *stage)
{
    witness_call(witness_wait);
    witness_sleeps(place(stage));
}

/* Has the parent notify all. */
static apr_status_t
parent_notifies(step_stage_t *stage)
{
    apr_status_t rv = mproc_condition_acquire(condition(stage), STEP_LATE);

    step_good("the parent at the condition", rv);
    mproc_condition_notify_all(condition(stage));
    step_good("a release", mproc_condition_release(condition(stage)));
    return rv;
}

static void
condition_check(step_stage_t *stage)
{
    parent_notifies(stage);
    if (witness_is_asleep(place(stage))) {
        step_wrong(STRESS_LOST, "who was notified waits on");
    }
}

/* Without help. */
static void
witness_check(step_stage_t *stage)
{
    witness_done();
    condition_check(stage);
}

/* With help, unless somebody holds the lock; he is dead. */
static void
witness_help_check(step_stage_t *stage)
{
    parent_notifies(stage);
    witness_check(stage);
}

/* -------------------------------------------------------------------- alone */

static void
alone_run(step_stage_t *stage)
{
    acquire(stage);
    mproc_condition_notify(condition(stage), 1);
    mproc_condition_notify_all(condition(stage));
    mproc_condition_release(condition(stage));
}

/* --------------------------------------------------------------------- wait */

static void
ready(step_stage_t *stage)
{
    acquire(stage);
}

/* Beside the witness, until the time runs out. */
static void
wait_run(step_stage_t *stage)
{
    mproc_condition_wait(condition(stage), STEP_SHORT);
    mproc_condition_release(condition(stage));
}

/* Twice within, and by a predicate. */
static int
never(void *baton)
{
    (void)baton;
    return 0;
}

static void
wait_for_run(step_stage_t *stage)
{
    acquire(stage);
    mproc_condition_wait_for(condition(stage), never, NULL, STEP_SHORT);
    mproc_condition_release(condition(stage));
    mproc_condition_release(condition(stage));
}

/* The first of two that sleep; the other is the witness. */
static void
notified_run(step_stage_t *stage)
{
    apr_status_t rv = mproc_condition_wait(condition(stage), STEP_PATIENCE);

    step_expect(rv);
    step_mark(stage, HAS);
    step_mark(stage, LETS_GO);
    mproc_condition_release(condition(stage));
    step_mark(stage, LET_GO);
}

static void
notified_strike(step_stage_t *stage)
{
    witness_comes(stage);
    acquire(stage);
    mproc_condition_notify(condition(stage), 1);
    mproc_condition_release(condition(stage));
}

/* Used up by the victim: only when it had come back from its wait. */
static void
notified_check(step_stage_t *stage)
{
    int mark = step_marked(stage);

    if (mark == LET_GO) {
        parent_notifies(stage);
    }
    else if (mark == LETS_GO) {
        /* Who died with the lock is told of; else nobody is. */
        apr_time_t start = mproc_clock();
        while (!witness_is_done() && mproc_clock() - start < 2000) {
            apr_sleep(20);
        }
        if (!witness_is_done()) {
            parent_notifies(stage);
        }
    }
    else if (witness_result() == APR_SUCCESS && mark == HAS) {
        step_wrong(STRESS_LOST, "the owner's death was not told");
    }
    witness_check(stage);
}

/* The same, but all are notified, and the lock is not let go before the
 * victim is dead: it dies in the lock's queue. */
static int let_go; /* before it was found */

static void
moved_strike(step_stage_t *stage)
{
    witness_comes(stage);
    acquire(stage);
    mproc_condition_notify_all(condition(stage));
    mproc__unpark_all(); /* The victim is to look once more. */
}

static void
moved_heir(step_stage_t *stage)
{
    let_go = (int)stress_below(&stage->draw, 2);
    if (let_go) {
        mproc_condition_release(condition(stage));
    }
}

static void
moved_check(step_stage_t *stage)
{
    if (!let_go) {
        mproc_condition_release(condition(stage));
    }
    witness_check(stage);
}

/* Its holder dies while it sleeps. */
static void
holder_main(void *baton)
{
    acquire(baton);
}

static void
orphan_strike(step_stage_t *stage)
{
    step_live_end(step_live_child(holder_main, stage));
}

/* One of them is told, the victim or the parent; and of the victim's death
 * the parent. */
static void
orphan_check(step_stage_t *stage)
{
    if (parent_notifies(stage) == APR_SUCCESS && step_marked(stage) < LETS_GO) {
        step_wrong(STRESS_LOST, "the owner's death was told to nobody");
    }
}

/* ------------------------------------------------------------------- notify */

static void
notify_set(step_stage_t *stage)
{
    witness_comes(stage);
}

static void
notify_run(step_stage_t *stage)
{
    mproc_condition_notify(condition(stage), 1);
    mproc_condition_release(condition(stage));
}

static void
notify_all_run(step_stage_t *stage)
{
    mproc_condition_notify_all(condition(stage));
    mproc_condition_release(condition(stage));
}

/* ----------------------------------------------------------------- takeover */

/* The holder is dead and not found, the witness sleeps. */
static void
takeover_set(step_stage_t *stage)
{
    witness_comes(stage);
    stage->dead = step_dead_child(holder_main, stage);
}

static void
takeover_run(step_stage_t *stage)
{
    acquire(stage);
    mproc_condition_release(condition(stage));
}

/* Somebody waited before the witness, was notified, and is dead; not found.
 * The witness comes when he is dead, so that it does not find him at once. */
static void
notified_main(void *baton)
{
    acquire(baton);
    mproc_condition_wait(condition(baton), MPROC_FOREVER);
}

static void
heritage_set(step_stage_t *stage)
{
    int crash;

    stage->dead = system_fork(notified_main, stage);
    step_sleepers(place(stage), 1);
    acquire(stage);
    mproc_condition_notify(condition(stage), 1);
    system_kill(stage->dead);
    system_reap(stage->dead, mproc_clock() + STEP_PATIENCE, &crash);
    mproc_condition_release(condition(stage));
    /* Where the parent is slow, the witness finds him after 100 ms, has his
     * notification, and is done. */
    witness_call(witness_wait);
    while (!witness_is_asleep(place(stage)) && !witness_is_done()) {
        apr_sleep(20);
    }
}

static void
heritage_run(step_stage_t *stage)
{
    mproc__peers_ended(stage->dead);
}

/* The same, but it is recovered by a slow one while it is notified. */
static void
late_heritage_set(step_stage_t *stage)
{
    int crash;

    stage->dead = system_fork(notified_main, stage);
    step_sleepers(place(stage), 1);
    acquire(stage); /* It has let the lock go. */
    mproc_condition_release(condition(stage));
    system_kill(stage->dead);
    system_reap(stage->dead, mproc_clock() + STEP_PATIENCE, &crash);
    witness_comes(stage);
}

static void
late_heritage_strike(step_stage_t *stage)
{
    acquire(stage);
    mproc_condition_notify(condition(stage), 1);
    mproc_condition_release(condition(stage));
}

/* ------------------------------------------------------------------ held up */

static void
slow_run(step_stage_t *stage)
{
    step_expect(mproc_condition_wait(condition(stage), STEP_PATIENCE));
    step_expect(mproc_condition_release(condition(stage)));
}

/* The witness gets the lock when the victim lets it go, and then notifies. */
static void
slow_strike(step_stage_t *stage)
{
    (void)stage;
    witness_call(witness_notify);
}

/* It notifies slowly, and lives on: nobody but itself wakes the witness. */
static void
notify_alive(step_stage_t *stage)
{
    (void)stage;
    witness_done();
}

/* Its time runs out, the witness is behind it, and one is notified: one of
 * them is. */
static int late_witness; /* it has come */

static void
late_run(step_stage_t *stage)
{
    if (mproc_condition_wait(condition(stage), STEP_SHORT) == APR_SUCCESS) {
        step_mark(stage, HAS);
    }
    mproc_condition_release(condition(stage));
}

static void
late_strike(step_stage_t *stage)
{
    late_witness =
        mproc_condition_acquire(condition(stage), MPROC_NOWAIT) == APR_SUCCESS;
    if (late_witness) {
        mproc_condition_release(condition(stage));
        notified_strike(stage);
    }
}

static void
late_alive(step_stage_t *stage)
{
    if (late_witness && step_marked(stage) == HAS) {
        if (witness_is_done()) {
            step_wrong(STRESS_LOST, "two were notified by one");
        }
        parent_notifies(stage);
    }
    witness_done();
}

/* Its holder dies while it comes to wait; it must have let the lock go. */
static void
slow_orphan_strike(step_stage_t *stage)
{
    if (mproc_condition_acquire(condition(stage), MPROC_NOWAIT) ==
        APR_SUCCESS) {
        mproc_condition_release(condition(stage));
        step_live_end(step_live_child(holder_main, stage));
    }
    else {
        witness_call(witness_notify);
    }
}

#define CONDITION(which)                                                       \
    static void which##_scenario(const stress_scenario_t *scenario)            \
    {                                                                          \
        chosen = which;                                                        \
        step_run_all(scenario);                                                \
    }
CONDITION(with_rlock)
CONDITION(with_lock)

static const step_operation_t alone = {.run = alone_run,
                                       .check = condition_check},
                              waits = {.set = notify_set,
                                       .ready = ready,
                                       .run = wait_run,
                                       .check = witness_help_check,
                                       .witness = 1},
                              wait_for = {.set = notify_set,
                                          .ready = ready,
                                          .run = wait_for_run,
                                          .check = witness_help_check,
                                          .witness = 1},
                              notified = {.ready = ready,
                                          .sleeps = place,
                                          .strike = notified_strike,
                                          .run = notified_run,
                                          .check = notified_check,
                                          .witness = 1},
                              moved = {.ready = ready,
                                       .sleeps = place,
                                       .strike = moved_strike,
                                       .run = notified_run,
                                       .heir = moved_heir,
                                       .check = moved_check,
                                       .witness = 1},
                              orphan = {.ready = ready,
                                        .sleeps = place,
                                        .strike = orphan_strike,
                                        .run = notified_run,
                                        .check = orphan_check},
                              notify = {.set = notify_set,
                                        .ready = ready,
                                        .run = notify_run,
                                        .check = witness_check,
                                        .witness = 1},
                              notify_all = {.set = notify_set,
                                            .ready = ready,
                                            .run = notify_all_run,
                                            .check = witness_check,
                                            .witness = 1},
                              takeover = {.set = takeover_set,
                                          .run = takeover_run,
                                          .check = witness_help_check,
                                          .witness = 1},
                              heritage = {.set = heritage_set,
                                          .run = heritage_run,
                                          .check = witness_check,
                                          .witness = 1},
                              late_heritage = {.set = late_heritage_set,
                                               .run = heritage_run,
                                               .strike = late_heritage_strike,
                                               .check = witness_check,
                                               .witness = 1,
                                               .resume = 1},
                              slow = {.ready = ready,
                                      .run = slow_run,
                                      .strike = slow_strike,
                                      .check = witness_check,
                                      .witness = 1,
                                      .resume = 1},
                              slow_notify = {.set = notify_set,
                                             .ready = ready,
                                             .run = notify_run,
                                             .alive = notify_alive,
                                             .check = condition_check,
                                             .witness = 1},
                              slow_late = {.ready = ready,
                                           .run = late_run,
                                           .strike = late_strike,
                                           .alive = late_alive,
                                           .check = condition_check,
                                           .witness = 1},
                              slow_orphan = {.ready = ready,
                                             .run = slow_run,
                                             .strike = slow_orphan_strike,
                                             .check = witness_check,
                                             .witness = 1,
                                             .resume = 1};

const stress_scenario_t stress_condition_scenarios[] = {
    {"cond", "notified in vain", with_rlock_scenario, &alone},
    {"cond-wait", "waited for in vain beside the witness", with_rlock_scenario,
     &waits},
    {"cond-wait-lock", "the same with a lock", with_lock_scenario, &waits},
    {"cond-wait-for", "the same, twice within, by a predicate",
     with_rlock_scenario, &wait_for},
    {"cond-notified", "one wakes notified, the witness behind",
     with_rlock_scenario, &notified},
    {"cond-notified-lock", "the same with a lock", with_lock_scenario,
     &notified},
    {"cond-moved", "both are notified, and the lock is not free",
     with_rlock_scenario, &moved},
    {"cond-orphan", "the holder dies while one waits", with_rlock_scenario,
     &orphan},
    {"cond-notify", "the witness is notified", with_rlock_scenario, &notify},
    {"cond-notify-all", "all are notified", with_lock_scenario, &notify_all},
    {"cond-takeover", "the holder is dead, the witness waits",
     with_rlock_scenario, &takeover},
    {"cond-heritage", "who was notified is dead, and recovered",
     with_rlock_scenario, &heritage},
    {"slow-cond-heritage", "who dies is notified while it is recovered",
     with_rlock_scenario, &late_heritage},
    {"slow-cond", "one comes to wait, and is notified", with_rlock_scenario,
     &slow},
    {"slow-cond-notify", "the witness is notified slowly", with_rlock_scenario,
     &slow_notify},
    {"slow-cond-late", "one is notified, its time runs out, the witness behind",
     with_lock_scenario, &slow_late},
    {"slow-cond-orphan", "the holder dies while one comes to wait",
     with_lock_scenario, &slow_orphan},
    {NULL, NULL, NULL, NULL}};
