/*
 * step.c: kills a process after the k-th instruction of an operation, for
 * every k, and has the survivors look.
 */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>

#include <apr_time.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/peers.h"
#include "system.h"

#define RESCUES_MOST 5
#define SLICE (100 * 1000) /* microseconds until a waiter looks by itself */
#define SLOW_MOST 10       /* wake-ups in 100; a busy system has a few */

static step_stage_t *const stage = &step_stage;
static const step_operation_t *operation;

/* Waiters that found by themselves what they were not woken for: where the
 * steps alone took so long that they had to; and all others. */
static apr_uint64_t impatient, rescued;

/* ----------------------------------------------------------------- one kill */

/* It goes on, and must come to its end. */
static void
victim_resume(apr_int64_t pid)
{
    apr_time_t start = mproc_clock();
    int crash;

    system_step_resume(pid);
    if (!system_reap(pid, mproc_clock() + 2 * STEP_PATIENCE, &crash)) {
        step_wrong(STRESS_HANG, "the victim does not go on");
        system_group_show(system_pid());
    }
    else if (crash != 0) {
        step_wrong(STRESS_TORN, "the victim crashed");
    }
    step_late(start, "the victim");
}

/* It goes on, and lives on when it has done all. */
static void
victim_live_on(apr_int64_t pid)
{
    apr_time_t start = mproc_clock();

    system_step_resume(pid);
    while (!atomic_load(&stage->board->live)) {
        if (mproc_clock() - start > 2 * STEP_PATIENCE) {
            step_wrong(STRESS_HANG, "the victim does not go on");
            system_group_show(system_pid());
            break;
        }
        apr_sleep(20);
    }
    step_late(start, "the victim");
    operation->alive(stage);
}

static void
victim_ready(void *baton)
{
    step_stage_t *at = baton;

    if (!operation->stranger) {
        step_attach(at);
    }
    if (operation->ready != NULL) {
        operation->ready(at);
    }
}

static void
victim_run(void *baton)
{
    operation->run(baton);
    if (operation->alive != NULL) {
        atomic_store(&stage->board->live, 1);
        for (;;) {
            apr_sleep(APR_USEC_PER_SEC);
        }
    }
}

static void
look_around(void)
{
    atomic_store(&mproc__arena.header->last_look, 0);
    mproc__peers_look_around();
}

static void
found(apr_int64_t pid, step_finder_e finder)
{
    switch (finder) {
    case FOUND_BY_LOOKING:
        look_around();
        break;
    case FOUND_BY_WITNESS:
        witness_recover(pid);
        witness_done();
        break;
    case FOUND_BY_BOTH:
        witness_recover(pid);
        mproc__peers_ended(pid);
        witness_done();
        break;
    default:
        mproc__peers_ended(pid);
        break;
    }
    /* Recovering one may have left another, whom nobody told of. */
    if (stage->dead != 0) {
        mproc__peers_ended(stage->dead);
        stage->dead = 0;
    }
}

/* Up to the kill point; returns as system_step(). */
static int
victim_step(apr_int64_t pid, apr_uint64_t steps, int leap)
{
    int rv;

    if (operation->sleeps != NULL) {
        system_step_free(pid);
        step_sleepers(operation->sleeps(stage), 1);
        system_step_catch(pid);
        operation->strike(stage);
        return system_step(pid, steps, leap);
    }
    rv = system_step(pid, steps, leap);
    if (operation->strike != NULL) {
        operation->strike(stage);
    }
    if (operation->after != 0 && rv == 1) {
        system_step(pid, stress_below(&stage->draw, operation->after), 0);
    }
    return rv;
}

static void
accounts_check(const mproc_census_t *before, step_finder_e finder)
{
    mproc_census_t after;
    char text[40];

    snprintf(text, sizeof text, "found in way %d", (int)finder);
    mproc_census(&after);
    if (stress_census_compare(before, &after) != 0) {
        step_wrong(STRESS_LEAKED, text);
    }
    if (stress_arena_check() != 0) {
        step_wrong(STRESS_TORN, text);
    }
}

static void
rescues_count(apr_uint64_t before, int slowly)
{
    apr_uint64_t more = atomic_load(&mproc__arena.header->rescues) - before;

    *(slowly ? &impatient : &rescued) += more;
}

/* Returns -1 when the leap missed, 0 when the operation ended before, else
 * 1. */
static int
kill_at(apr_uint64_t steps, int leap, const mproc_census_t *before)
{
    step_finder_e finder = (step_finder_e)stress_below(
        &stage->draw, operation->witness ? FOUND_BY_WITNESS : FOUND_WAYS);
    apr_uint64_t rescues = atomic_load(&mproc__arena.header->rescues);
    apr_time_t start = mproc_clock();
    apr_int64_t pid;
    int rv, crash, slowly;

    step_point = steps;
    stress_beat("%s, point %" PRIu64, step_name, (uint64_t)steps);
    step_mark(stage, 0);
    atomic_store(&stage->board->live, 0);
    if (operation->set != NULL) {
        operation->set(stage);
    }
    pid = system_step_fork(victim_ready, victim_run, stage);
    if (operation->meet != NULL) {
        operation->meet(stage);
    }
    rv = victim_step(pid, steps, leap);
    if (operation->alive != NULL) {
        victim_live_on(pid);
    }
    else if (operation->resume) {
        victim_resume(pid);
    }
    system_kill(pid);
    system_reap(pid, mproc_clock() + STEP_PATIENCE, &crash);
    atomic_fetch_add(&stress_board->kills, 1);
    if (operation->heir != NULL) {
        operation->heir(stage);
    }
    found(pid, finder);
    slowly = mproc_clock() - start >= SLICE;
    if (operation->check != NULL) {
        operation->check(stage);
    }
    rescues_count(rescues, slowly);
    if (before != NULL) {
        accounts_check(before, finder);
    }
    return rv;
}

/* ------------------------------------------------------------------- runner */

static void
points_run(apr_uint64_t stride, const mproc_census_t *before)
{
    apr_uint64_t length = system_step_length(), steps = 0;
    int rv;

    if (operation->tail != 0) {
        steps = length > operation->tail ? length - operation->tail : 0;
        stride = operation->tail / stress_options.points + 1;
    }
    steps += stress_below(&stage->draw, stride);

    do {
        rv = kill_at(steps, 1, before);
        if (rv < 0) {
            rv = kill_at(steps, 0, before);
        }
        steps += stride;
    } while ((rv == 1 || steps <= length) && stress_faults() == 0);
}

/* A waiter that looks by itself finds what it was not woken for, which hides
 * a wake-up that the recovery lost; but the library counts. A waker that the
 * system keeps waiting makes a few. */
static void
rescues_check(apr_uint64_t kills)
{
    if (rescued > RESCUES_MOST) {
        stress_fault(STRESS_LOST, "%s: %" PRIu64 " wake-ups were lost",
                     step_name, (uint64_t)rescued);
    }
    else if (rescued + impatient > 0) {
        printf("%-18s note: %" PRIu64 " waiters found by themselves what "
               "they were not woken for in time, %" PRIu64
               " while it was stepped slowly\n",
               step_name, (uint64_t)(rescued + impatient), (uint64_t)impatient);
    }
    if (kills > 50 && witness_slow() * 100 > kills * SLOW_MOST) {
        stress_fault(STRESS_LOST,
                     "%s: of %" PRIu64 " times the witness was not woken, but "
                     "looked by itself, %" PRIu64 " times",
                     step_name, (uint64_t)kills, (uint64_t)witness_slow());
    }
}

static void
operation_run(void)
{
    apr_uint64_t kills = atomic_load(&stress_board->kills);
    mproc_census_t before;
    int i;

    kill_at(0, 0, NULL); /* What is made once is made now. */
    mproc_census(&before);
    if (stress_arena_check() != 0) {
        stress_fault(STRESS_TORN, "%s: before the first kill", step_name);
    }
    system_step_forget();
    kill_at(UINT64_MAX, 0, &before);
    if (stress_options.at >= 0) {
        stage->draw ^= (apr_uint64_t)stress_options.at;
        for (i = 0; i < FOUND_WAYS; i++) {
            kill_at((apr_uint64_t)stress_options.at, 0, &before);
        }
    }
    else {
        points_run(stress_options.stride != 0
                       ? stress_options.stride
                       : system_step_length() / stress_options.points + 1,
                   &before);
    }
    rescues_check(atomic_load(&stress_board->kills) - kills);
}

static void
run(const stress_scenario_t *scenario, int all)
{
    apr_time_t start = mproc_clock(), took;
    apr_uint64_t kills = atomic_load(&stress_board->kills);

    if (!system_step_works()) {
        printf("%-18s skipped: this system has no single steps\n",
               scenario->name);
        return;
    }
    step_name = scenario->name;
    operation = scenario->detail;
    stage_set_up(stage, all);
    witness_start();
    operation_run();
    took = mproc_clock() - start;
    atomic_fetch_add(&stress_board->steps, system_step_made());
    printf("%-18s %6" PRIu64 " instructions %6" PRIu64 " kills %6.1f s, "
           "%.0f steps/s\n",
           step_name, (uint64_t)system_step_length(),
           (uint64_t)(atomic_load(&stress_board->kills) - kills),
           (double)took / 1e6,
           (double)system_step_made() * 1e6 / (double)(took + 1));
    witness_end();
}

void
step_run(const stress_scenario_t *scenario)
{
    run(scenario, 0);
}

void
step_run_all(const stress_scenario_t *scenario)
{
    run(scenario, 1);
}
