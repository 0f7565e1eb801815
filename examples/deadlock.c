/*
 * deadlock.c: two processes wait for each other for ever, and are told of.
 *
 * Each takes one lock, waits until the other has taken one too, and then
 * wants the other's. The parent looks at the tree from outside, prints who
 * waits for whom, and ends both.
 */
#include <mproc.h>
#include <stdio.h>
#include <string.h>

enum {
    LIMIT = 30 * APR_USEC_PER_SEC
};

/* The philosopher's way: one fork, then the other. */
static int
dine(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *first, *second;
    mproc_barrier_t *both;

    if (mproc_unpack(args, pool, "o o o", &first, &second, &both) !=
            APR_SUCCESS ||
        mproc_lock_acquire(first, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_barrier_wait(both, NULL, LIMIT) != APR_SUCCESS) {
        return 1;
    }
    return mproc_lock_acquire(second, MPROC_FOREVER) != APR_SUCCESS;
}

static mproc_process_t *
seat(const char *name, mproc_lock_t *first, mproc_lock_t *second,
     mproc_barrier_t *both, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;

    options.name = name;
    options.daemon = 1;
    if (mproc_process_create(&process, dine, &options, pool, "o o o", first,
                             second, both) != APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS) {
        return NULL;
    }
    return process;
}

/* Look until there is one. */
static const mproc_deadlock_t *
await_deadlock(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + LIMIT;
    const mproc_deadlock_t *deadlock = NULL;

    while (deadlock == NULL && mproc_clock() < limit &&
           mproc_deadlock_find(&deadlock, 0, pool) == APR_SUCCESS) {
        apr_sleep(10000);
    }
    return deadlock;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *kant, *hume;
    mproc_lock_t *left, *right;
    mproc_barrier_t *both;
    const mproc_deadlock_t *deadlock;
    apr_pool_t *pool;
    char *text;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_lock_create(&left, pool);
    mproc_lock_create(&right, pool);
    mproc_barrier_create(&both, 2, NULL, NULL, pool);
    kant = seat("Kant", left, right, both, pool);
    hume = seat("Hume", right, left, both, pool);
    deadlock = await_deadlock(pool);
    if (kant == NULL || hume == NULL || deadlock == NULL ||
        mproc_deadlock_text(&text, deadlock, pool) != APR_SUCCESS) {
        return 1;
    }
    fputs(text, stdout);
    mproc_process_kill(kant);
    mproc_process_kill(hume);
    return deadlock->member_count != 2 ||
           strstr(text, "wait for each other") == NULL ||
           mproc_process_join(kant, LIMIT) != APR_SUCCESS ||
           mproc_process_join(hume, LIMIT) != APR_SUCCESS;
}
