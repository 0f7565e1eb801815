/*
 * stress.h: the killer: what its parts share.
 *
 * Each scenario runs in a process of its own, the runner, with an arena of
 * its own. The main process never attaches: it watches that the runner goes
 * on, and adds up. Figures lie on a board outside of the arena.
 */
#ifndef MPROC_TESTS_STRESS_H
#define MPROC_TESTS_STRESS_H

#include <stdatomic.h>

#include <apr.h>
#include <apr_pools.h>

#include <mproc/census.h>

/* What can be wrong. */
typedef enum stress_fault_e {
    STRESS_HANG,   /* a deadline passed */
    STRESS_LOST,   /* an update, a wake-up, a status */
    STRESS_TORN,   /* a structure that contradicts itself */
    STRESS_LEAKED, /* something stayed */
    STRESS_FAULTS
} stress_fault_e;

/* Shared by all processes of a run, outside of the arena. */
typedef struct stress_board_t {
    _Atomic apr_uint64_t beat;
    _Atomic apr_uint64_t kills;
    _Atomic apr_uint64_t steps;
    _Atomic apr_uint64_t fault[STRESS_FAULTS];
    char where[200]; /* the runner's latest point */
} stress_board_t;

typedef struct stress_options_t {
    apr_uint64_t seed;
    apr_uint64_t kills;  /* of each random scenario */
    apr_uint64_t items;  /* of volume */
    apr_uint64_t points; /* about so many kills of an operation */
    apr_uint64_t stride; /* 0: what makes so many points */
    apr_int64_t at;      /* only this kill point; -1: all */
    const char *only;
} stress_options_t;

typedef struct stress_scenario_t {
    const char *name;
    const char *what;
    void (*run)(const struct stress_scenario_t *scenario);
    const void *detail;
} stress_scenario_t;

extern stress_board_t *stress_board;
extern stress_options_t stress_options;

/* Lists of scenarios, ended by one without a name. */
extern const stress_scenario_t stress_arena_scenarios[];
extern const stress_scenario_t stress_sync_scenarios[];
extern const stress_scenario_t stress_rlock_scenarios[];
extern const stress_scenario_t stress_semaphore_scenarios[];
extern const stress_scenario_t stress_condition_scenarios[];
extern const stress_scenario_t stress_barrier_scenarios[];
extern const stress_scenario_t stress_object_scenarios[];
extern const stress_scenario_t stress_queue_scenarios[];
extern const stress_scenario_t stress_pipe_scenarios[];
extern const stress_scenario_t stress_pipe_end_scenarios[];
extern const stress_scenario_t stress_peer_scenarios[];
extern const stress_scenario_t stress_resume_scenarios[];
extern const stress_scenario_t stress_shared_scenarios[];
extern const stress_scenario_t stress_dict_scenarios[];
extern const stress_scenario_t stress_list_scenarios[];
extern const stress_scenario_t stress_pool_scenarios[];
extern const stress_scenario_t stress_random_scenarios[];

/* Count a fault and say it, with how to see it again. */
void stress_fault(stress_fault_e fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Faults of this runner so far. */
apr_uint64_t stress_faults(void);

/* Tell the main process that the runner goes on, and where it is. */
void stress_beat(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The next of a sequence of random numbers; below a limit. */
apr_uint64_t stress_random(apr_uint64_t *state);
apr_uint64_t stress_below(apr_uint64_t *state, apr_uint64_t limit);

/* Walk the whole arena and compare each block's count with the holds on it,
 * each hint with what it speaks of, each entry with its owner. Nothing else
 * may run, nobody dead may be unrecovered. Returns how many contradictions
 * there are; the first few are said. */
int stress_arena_check(void);

/* Count what is in use, once this process has room for all that it may hold at
 * a time: a process keeps that room. */
void stress_census_begin(mproc_census_t *before);

/* Compare two counts of what is in use. 0 when they are equal. */
int stress_census_compare(const mproc_census_t *before,
                          const mproc_census_t *after);

/* The random scenarios. */
void stress_chain_run(const stress_scenario_t *scenario);
void stress_load_run(const stress_scenario_t *scenario);
void stress_flow_run(const stress_scenario_t *scenario);
void stress_pipes_run(const stress_scenario_t *scenario);
void stress_tasks_run(const stress_scenario_t *scenario);
void stress_manager_run(const stress_scenario_t *scenario);
void stress_tree_run(const stress_scenario_t *scenario);
void stress_volume_run(const stress_scenario_t *scenario);

/* The main process of a tree that is to be killed; see tree.c. */
int stress_tree_main(const char *seed);

#endif
