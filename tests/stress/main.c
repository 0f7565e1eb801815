/*
 * main.c: mproc-stress: runs the scenarios, watches them, adds up.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_time.h>

#include <mproc/process.h>

#include "system.h"

#define STUCK (30 * APR_USEC_PER_SEC) /* without a beat */

stress_board_t *stress_board;
stress_options_t stress_options = {
    .kills = 1000, .items = 1000000, .points = 80, .at = -1};

static apr_uint64_t faults_before; /* this runner */

static const stress_scenario_t *const lists[] = {
    stress_arena_scenarios,     stress_sync_scenarios,
    stress_rlock_scenarios,     stress_semaphore_scenarios,
    stress_condition_scenarios, stress_barrier_scenarios,
    stress_object_scenarios,    stress_queue_scenarios,
    stress_pipe_scenarios,      stress_pipe_end_scenarios,
    stress_peer_scenarios,      stress_resume_scenarios,
    stress_shared_scenarios,    stress_dict_scenarios,
    stress_list_scenarios,      stress_pool_scenarios,
    stress_random_scenarios};
#define LISTS (sizeof lists / sizeof *lists)

static const char *const fault_name[STRESS_FAULTS] = {"hang", "lost", "torn",
                                                      "leaked"};

apr_uint64_t
stress_random(apr_uint64_t *state)
{
    /* splitmix64, of S. Vigna. */
    apr_uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

apr_uint64_t
stress_below(apr_uint64_t *state, apr_uint64_t limit)
{
    return limit == 0 ? 0 : stress_random(state) % limit;
}

void
stress_fault(stress_fault_e fault, const char *format, ...)
{
    char text[600];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    atomic_fetch_add(&stress_board->fault[fault], 1);
    fprintf(stderr, "%s: %s\n", fault_name[fault], text);
    fflush(stderr);
}

static apr_uint64_t
faults_all(void)
{
    apr_uint64_t all = 0;
    int i;

    for (i = 0; i < STRESS_FAULTS; i++) {
        all += atomic_load(&stress_board->fault[i]);
    }
    return all;
}

apr_uint64_t
stress_faults(void)
{
    return faults_all() - faults_before;
}

void
stress_beat(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(stress_board->where, sizeof stress_board->where, format, list);
    va_end(list);
    atomic_fetch_add(&stress_board->beat, 1);
}

/* ---------------------------------------------------------------- scenarios */

static void
runner_main(void *baton)
{
    const stress_scenario_t *scenario = baton;

    system_group_lead();
    faults_before = faults_all();
    scenario->run(scenario);
}

/* Whether the name is, or begins with, what was asked for. */
static int
is_asked_for(const stress_scenario_t *scenario)
{
    const char *only = stress_options.only;
    size_t size = only == NULL ? 0 : strlen(only);

    if (size > 0 && only[size - 1] == '*') {
        return strncmp(scenario->name, only, size - 1) == 0;
    }
    return only == NULL || strcmp(scenario->name, only) == 0;
}

/* A runner in a process of its own, watched. */
static void
scenario_run(const stress_scenario_t *scenario)
{
    apr_uint64_t seen = 0, now;
    apr_time_t since = mproc_clock();
    apr_int64_t pid;
    int crash = 0, stuck = 0;

    stress_beat("%s: begins", scenario->name);
    pid = system_fork(runner_main, (void *)(apr_uintptr_t)scenario);
    while (!system_reap(pid, mproc_clock() + APR_USEC_PER_SEC / 4, &crash)) {
        now = atomic_load(&stress_board->beat);
        if (now != seen) {
            seen = now;
            since = mproc_clock();
        }
        else if (mproc_clock() - since > STUCK) {
            stress_fault(STRESS_HANG, "%s: the runner is stuck",
                         stress_board->where);
            system_group_show(pid);
            system_group_kill(pid);
            since = mproc_clock();
            stuck = 1;
        }
    }
    if (crash != 0 && !stuck) {
        stress_fault(STRESS_TORN, "%s: the runner crashed, signal %d",
                     stress_board->where, crash);
    }
    system_group_kill(pid);
}

/* ------------------------------------------------------------------ options */

static int
usage(void)
{
    fputs("usage: mproc-stress [--kills N] [--seed S] [--only NAME] "
          "[--points N] [--stride N] [--at K] [--items N] [--list]\n"
          "  --kills N   kills of each random scenario (1000)\n"
          "  --seed S    of all random choices; printed\n"
          "  --only NAME one scenario, or NAME*\n"
          "  --points N  kills of each operation, evenly spread (80)\n"
          "  --stride N  kill at each N-th instruction instead; 1 is all\n"
          "  --at K      kill after instruction K only\n"
          "  --items N   items that go through the queue of volume (1000000)\n"
          "  --list      the scenarios\n",
          stderr);
    return 2;
}

static int
list_print(void)
{
    size_t i;
    const stress_scenario_t *scenario;

    for (i = 0; i < LISTS; i++) {
        for (scenario = lists[i]; scenario->name != NULL; scenario++) {
            printf("%-18s %s\n", scenario->name, scenario->what);
        }
    }
    return 0;
}

/* Returns 0, or what to exit with + 1. */
static int
options_read(int argc, const char *const *argv)
{
    int i;

    for (i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--list") == 0) {
            return list_print() + 1;
        }
        if (value == NULL) {
            return usage() + 1;
        }
        if (strcmp(argv[i], "--kills") == 0) {
            stress_options.kills = strtoull(value, NULL, 10);
        }
        else if (strcmp(argv[i], "--seed") == 0) {
            stress_options.seed = strtoull(value, NULL, 10);
        }
        else if (strcmp(argv[i], "--points") == 0) {
            stress_options.points = strtoull(value, NULL, 10);
            if (stress_options.points == 0) {
                return usage() + 1;
            }
        }
        else if (strcmp(argv[i], "--stride") == 0) {
            stress_options.stride = strtoull(value, NULL, 10);
        }
        else if (strcmp(argv[i], "--at") == 0) {
            stress_options.at = strtoll(value, NULL, 10);
        }
        else if (strcmp(argv[i], "--items") == 0) {
            stress_options.items = strtoull(value, NULL, 10);
        }
        else if (strcmp(argv[i], "--only") == 0) {
            stress_options.only = value;
        }
        else {
            return usage() + 1;
        }
    }
    return 0;
}

int
main(int argc, const char *const *argv)
{
    const stress_scenario_t *scenario;
    size_t i;
    int rv, ran = 0;

    /* Here the children of trees that are to be killed begin. */
    if (mproc_initialize(argc, argv) != APR_SUCCESS) {
        return 2;
    }
    if (argc == 3 && strcmp(argv[1], "--tree") == 0) {
        return stress_tree_main(argv[2]);
    }
    mproc_shutdown_at_exit(0);
    stress_options.seed = (apr_uint64_t)apr_time_now() % 1000000007;
    rv = options_read(argc, argv);
    if (rv != 0) {
        return rv - 1;
    }
    stress_board = system_share(sizeof *stress_board);
    printf("seed %" PRIu64 "\n", (uint64_t)stress_options.seed);
    for (i = 0; i < LISTS; i++) {
        for (scenario = lists[i]; scenario->name != NULL; scenario++) {
            if (is_asked_for(scenario)) {
                scenario_run(scenario);
                ran++;
            }
        }
    }
    if (ran == 0) {
        fprintf(stderr, "mproc-stress: no scenario is called %s; --list\n",
                stress_options.only);
        return 2;
    }
    printf("%" PRIu64 " single steps\n",
           (uint64_t)atomic_load(&stress_board->steps));
    printf("kills %" PRIu64 " hangs %" PRIu64 " lost %" PRIu64 " torn %" PRIu64
           " leaked %" PRIu64 "\n",
           (uint64_t)atomic_load(&stress_board->kills),
           (uint64_t)atomic_load(&stress_board->fault[STRESS_HANG]),
           (uint64_t)atomic_load(&stress_board->fault[STRESS_LOST]),
           (uint64_t)atomic_load(&stress_board->fault[STRESS_TORN]),
           (uint64_t)atomic_load(&stress_board->fault[STRESS_LEAKED]));
    return faults_all() != 0;
}
