/*
 * hang_main.c: a tree that does not go on by itself, to be looked at.
 *
 *   hang_main METHOD [deadlock]
 *   hang_main plain
 *
 * Its child holds a lock and waits for an event; with `deadlock` it then
 * wants a second lock, which a third process has that wants the first. Prints
 * the pids, waits for the end of its input, sets the event, or ends the
 * children, and tells whether all came out right. `plain` uses no mproc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include <mproc.h>

typedef struct hang_t {
    mproc_lock_t *lock[2];
    mproc_event_t *go;
    mproc_barrier_t *both;
    mproc_process_options_t options;
    apr_pool_t *pool;
} hang_t;

static int
patient(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_event_t *go;
    mproc_barrier_t *both;

    if (mproc_unpack(args, pool, "o o o", &lock, &go, &both) != APR_SUCCESS ||
        mproc_lock_acquire(lock, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_barrier_wait(both, NULL, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_event_wait(go, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    return mproc_lock_release(lock) == APR_SUCCESS ? 7 : 2;
}

static int
stubborn(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *first;
    mproc_lock_t *second;
    mproc_barrier_t *both;

    if (mproc_unpack(args, pool, "o o o", &first, &second, &both) !=
            APR_SUCCESS ||
        mproc_lock_acquire(first, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_barrier_wait(both, NULL, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    return mproc_lock_acquire(second, MPROC_FOREVER) == APR_SUCCESS ? 0 : 2;
}

static int
input_end(void)
{
    while (getchar() != EOF) {
    }
    return 1;
}

static int
hang_patient(hang_t *hang)
{
    mproc_process_t *child;
    int code = -1;

    if (mproc_process_create(&child, patient, &hang->options, hang->pool,
                             "o o o", hang->lock[0], hang->go,
                             hang->both) != APR_SUCCESS ||
        mproc_process_start(child) != APR_SUCCESS ||
        mproc_barrier_wait(hang->both, NULL, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    printf("child=%ld\nready\n", (long)mproc_process_pid(child));
    fflush(stdout);
    input_end();
    mproc_event_set(hang->go);
    mproc_process_join(child, MPROC_FOREVER);
    mproc_process_exitcode(child, &code);
    printf("code=%d free=%d\n", code, !mproc_lock_locked(hang->lock[0]));
    return 0;
}

static int
hang_deadlock(hang_t *hang)
{
    mproc_process_t *child[2];
    int i;

    for (i = 0; i < 2; i++) {
        if (mproc_process_create(
                &child[i], stubborn, &hang->options, hang->pool, "o o o",
                hang->lock[i], hang->lock[1 - i], hang->both) != APR_SUCCESS ||
            mproc_process_start(child[i]) != APR_SUCCESS) {
            return 1;
        }
    }
    printf("first=%ld\nsecond=%ld\nready\n", (long)mproc_process_pid(child[0]),
           (long)mproc_process_pid(child[1]));
    fflush(stdout);
    input_end();
    for (i = 0; i < 2; i++) {
        mproc_process_kill(child[i]);
        mproc_process_join(child[i], MPROC_FOREVER);
    }
    printf("ended\n");
    return 0;
}

int
main(int argc, const char *const *argv)
{
    const char *method = argc > 1 ? argv[1] : "spawn";
    hang_t hang = {0};

    if (strcmp(method, "plain") == 0) {
        printf("ready\n");
        fflush(stdout);
        return !input_end();
    }
    mproc_initialize(argc, argv);
    apr_pool_create(&hang.pool, NULL);
    hang.options.start_method = strcmp(method, "fork") == 0 ? MPROC_START_FORK
                                : strcmp(method, "forkserver") == 0
                                    ? MPROC_START_FORKSERVER
                                    : MPROC_START_SPAWN;
    if (mproc_lock_create(&hang.lock[0], hang.pool) != APR_SUCCESS ||
        mproc_lock_create(&hang.lock[1], hang.pool) != APR_SUCCESS ||
        mproc_event_create(&hang.go, hang.pool) != APR_SUCCESS ||
        mproc_barrier_create(&hang.both, 2, NULL, NULL, hang.pool) !=
            APR_SUCCESS) {
        return 1;
    }
    printf("main=%ld\n", (long)mproc_process_pid(mproc_process_current()));
    return argc > 2 ? hang_deadlock(&hang) : hang_patient(&hang);
}
