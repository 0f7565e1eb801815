/* random.c: the list of what is killed at random. */
#include "stress.h"

#include <stddef.h>

const stress_scenario_t stress_random_scenarios[] = {
    {"chain", "recoverers that die in their turn", stress_chain_run, NULL},
    {"load", "workers at everything that is shared", stress_load_run, NULL},
    {"flow", "producers and consumers of queues", stress_flow_run, NULL},
    {"pipes", "talks through pipes, whose ends are passed on", stress_pipes_run,
     NULL},
    {"volume", "very many items of all sizes, nobody is killed",
     stress_volume_run, NULL},
    {"pool", "workers of a pool, at tasks", stress_tasks_run, NULL},
    {"manager", "clients of a manager", stress_manager_run, NULL},
    {"tree", "the main process of a tree", stress_tree_run, NULL},
    {NULL, NULL, NULL, NULL}};
