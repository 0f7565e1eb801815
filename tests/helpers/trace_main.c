/*
 * trace_main.c: a program that leaves a trace: one child waits, one is killed.
 *
 *   trace_main METHOD
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mproc.h>

#define SHORT (20 * 1000)

static int
wait_in_vain(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;

    return mproc_unpack(args, pool, "o", &lock) != APR_SUCCESS ||
           mproc_lock_acquire(lock, SHORT) != APR_TIMEUP;
}

static int
wait_for_death(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *ready, *never;

    return mproc_unpack(args, pool, "oo", &ready, &never) != APR_SUCCESS ||
           mproc_event_set(ready) != APR_SUCCESS ||
           mproc_event_wait(never, MPROC_FOREVER) != APR_SUCCESS;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_options_t options = {0};
    mproc_process_t *waiter, *victim;
    mproc_event_t *ready, *never;
    mproc_lock_t *lock;

    if (mproc_initialize(argc, argv) != APR_SUCCESS || argc < 2) {
        return 2;
    }
    options.start_method = strcmp(argv[1], "fork") == 0 ? MPROC_START_FORK
                           : strcmp(argv[1], "forkserver") == 0
                               ? MPROC_START_FORKSERVER
                               : MPROC_START_SPAWN;
    if (mproc_lock_create(&lock, NULL) != APR_SUCCESS ||
        mproc_lock_acquire(lock, 0) != APR_SUCCESS ||
        mproc_event_create(&ready, NULL) != APR_SUCCESS ||
        mproc_event_create(&never, NULL) != APR_SUCCESS) {
        return 3;
    }
    options.name = "waiter";
    if (mproc_process_create(&waiter, wait_in_vain, &options, NULL, "o",
                             lock) != APR_SUCCESS ||
        mproc_process_start(waiter) != APR_SUCCESS ||
        mproc_process_join(waiter, MPROC_FOREVER) != APR_SUCCESS) {
        return 4;
    }
    options.name = "the \"victim\"";
    if (mproc_process_create(&victim, wait_for_death, &options, NULL, "oo",
                             ready, never) != APR_SUCCESS ||
        mproc_process_start(victim) != APR_SUCCESS ||
        mproc_event_wait(ready, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_kill(victim) != APR_SUCCESS ||
        mproc_process_join(victim, MPROC_FOREVER) != APR_SUCCESS) {
        return 5;
    }
    printf("waiter=%d\nvictim=%d\n", (int)mproc_process_pid(waiter),
           (int)mproc_process_pid(victim));
    return 0;
}
