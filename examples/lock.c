/*
 * lock.c: a lock keeps a shared number right, and outlives its holder.
 *
 * Four processes add to one number under a lock. Then a fifth takes the lock
 * and is killed: the next to acquire it is told so, and has it.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    CHILDREN = 4,
    ROUNDS = 10000
};

static int
add(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_value_t *value;
    int *number, i;

    if (mproc_unpack(args, pool, "o o", &lock, &value) != APR_SUCCESS) {
        return 1;
    }
    number = mproc_value_data(value);
    for (i = 0; i < ROUNDS; i++) {
        if (mproc_lock_acquire(lock, MPROC_FOREVER) != APR_SUCCESS) {
            return 2;
        }
        ++*number;
        mproc_lock_release(lock);
    }
    return 0;
}

/* Takes the lock, says so, and never gives it back. */
static int
take(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *lock;
    mproc_event_t *taken;

    if (mproc_unpack(args, pool, "o o", &lock, &taken) != APR_SUCCESS ||
        mproc_lock_acquire(lock, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    mproc_event_set(taken);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

static int
holder_killed(mproc_lock_t *lock, apr_pool_t *pool)
{
    mproc_event_t *taken;
    mproc_process_t *holder;
    apr_status_t rv;

    if (mproc_event_create(&taken, pool) != APR_SUCCESS ||
        mproc_process_create(&holder, take, NULL, pool, "o o", lock, taken) !=
            APR_SUCCESS ||
        mproc_process_start(holder) != APR_SUCCESS ||
        mproc_event_wait(taken, 30 * APR_USEC_PER_SEC) != APR_SUCCESS) {
        return 0;
    }
    printf("held by another: %d\n",
           mproc_lock_acquire(lock, MPROC_NOWAIT) == APR_TIMEUP);
    mproc_process_kill(holder);
    rv = mproc_lock_acquire(lock, 30 * APR_USEC_PER_SEC);
    printf("its holder died, and it is ours: %d\n", rv == MPROC_EOWNERDEAD);
    return rv == MPROC_EOWNERDEAD && mproc_lock_release(lock) == APR_SUCCESS;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *child[CHILDREN];
    mproc_lock_t *lock;
    mproc_value_t *value;
    apr_pool_t *pool;
    int i;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_lock_create(&lock, pool);
    mproc_raw_value_create(&value, sizeof(int), NULL, pool);
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_create(&child[i], add, NULL, pool, "o o", lock, value);
        mproc_process_start(child[i]);
    }
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_join(child[i], MPROC_FOREVER);
    }
    printf("%d\n", *(int *)mproc_value_data(value));
    return *(int *)mproc_value_data(value) != CHILDREN * ROUNDS ||
           !holder_killed(lock, pool);
}
