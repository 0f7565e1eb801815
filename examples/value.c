/*
 * value.c: a value in shared memory, with a lock of its own.
 *
 * Four processes add up what they have measured. Then a fifth is killed in
 * the middle of a change: the next one is told so, and puts it right.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    CHILDREN = 4,
    MEASURES = 10000
};

/* The mean is sum / count, so the two must change together. */
typedef struct measures_t {
    double sum;
    int count;
} measures_t;

static int
measure(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    measures_t *measures;
    int i, self;

    if (mproc_unpack(args, pool, "o i", &value, &self) != APR_SUCCESS) {
        return 1;
    }
    measures = mproc_value_data(value);
    for (i = 0; i < MEASURES; i++) {
        if (mproc_value_acquire(value, MPROC_FOREVER) != APR_SUCCESS) {
            return 2;
        }
        measures->sum += 20 + self;
        measures->count++;
        mproc_value_release(value);
    }
    return 0;
}

/* Adds to the sum, says so, and never gets to the count. */
static int
stop_halfway(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_event_t *halfway;

    if (mproc_unpack(args, pool, "o o", &value, &halfway) != APR_SUCCESS ||
        mproc_value_acquire(value, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    ((measures_t *)mproc_value_data(value))->sum += 1000;
    mproc_event_set(halfway);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *child[CHILDREN + 1];
    mproc_event_t *halfway;
    mproc_value_t *value;
    measures_t *measures;
    apr_status_t rv;
    apr_pool_t *pool;
    int i;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_value_create(&value, sizeof *measures, NULL, pool);
    measures = mproc_value_data(value);
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_create(&child[i], measure, NULL, pool, "o i", value, i);
        mproc_process_start(child[i]);
    }
    for (i = 0; i < CHILDREN; i++) {
        mproc_process_join(child[i], MPROC_FOREVER);
    }
    printf("%d measures, mean %.1f\n", measures->count,
           measures->sum / measures->count);
    mproc_event_create(&halfway, pool);
    mproc_process_create(&child[i], stop_halfway, NULL, pool, "o o", value,
                         halfway);
    mproc_process_start(child[i]);
    mproc_event_wait(halfway, 30 * APR_USEC_PER_SEC);
    mproc_process_kill(child[i]);
    rv = mproc_value_acquire(value, 30 * APR_USEC_PER_SEC);
    if (rv == MPROC_EOWNERDEAD) {
        measures->sum -= 1000; /* what it had begun */
    }
    printf("its holder died: %d; put right, mean %.1f\n",
           rv == MPROC_EOWNERDEAD, measures->sum / measures->count);
    return rv != MPROC_EOWNERDEAD || measures->count != CHILDREN * MEASURES ||
           measures->sum != 21.5 * CHILDREN * MEASURES ||
           mproc_value_release(value) != APR_SUCCESS;
}
