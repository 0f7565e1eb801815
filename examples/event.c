/*
 * event.c: an event as a gate.
 *
 * Three runners come to the gate and wait; it opens, and all go on.
 */
#include <mproc.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    RUNNERS = 3
};

typedef struct race_t {
    atomic_int waiting, gone;
} race_t;

static int
run(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *gate, *ready;
    mproc_value_t *value;
    race_t *race;

    if (mproc_unpack(args, pool, "o o o", &gate, &ready, &value) !=
        APR_SUCCESS) {
        return 1;
    }
    race = mproc_value_data(value);
    if (atomic_fetch_add(&race->waiting, 1) == RUNNERS - 1) {
        mproc_event_set(ready); /* the last one is here */
    }
    if (mproc_event_wait(gate, MPROC_FOREVER) != APR_SUCCESS) {
        return 2;
    }
    atomic_fetch_add(&race->gone, 1);
    return 0;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *runner[RUNNERS];
    mproc_event_t *gate, *ready;
    mproc_value_t *value;
    apr_pool_t *pool;
    race_t *race;
    int i, early;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_event_create(&gate, pool);
    mproc_event_create(&ready, pool);
    mproc_raw_value_create(&value, sizeof *race, NULL, pool);
    race = mproc_value_data(value);
    for (i = 0; i < RUNNERS; i++) {
        mproc_process_create(&runner[i], run, NULL, pool, "o o o", gate, ready,
                             value);
        mproc_process_start(runner[i]);
    }
    if (mproc_event_wait(ready, 30 * APR_USEC_PER_SEC) != APR_SUCCESS) {
        return 1;
    }
    early = race->gone;
    printf("before: %d gone, the gate is %s\n", early,
           mproc_event_is_set(gate) ? "open" : "shut");
    mproc_event_set(gate);
    for (i = 0; i < RUNNERS; i++) {
        mproc_process_join(runner[i], MPROC_FOREVER);
    }
    printf("after: %d gone\n", race->gone);
    mproc_event_clear(gate);
    return early != 0 || race->gone != RUNNERS ||
           mproc_event_wait(gate, 10000) != APR_TIMEUP;
}
