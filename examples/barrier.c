/*
 * barrier.c: nobody goes on before all have come.
 *
 * Three workers do their work in steps; whoever comes last to the end of a
 * step counts it. Then one of them is killed while the others have yet to
 * come: they are told, at once, that the barrier is broken.
 */
#include <mproc.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    WORKERS = 3,
    STEPS = 5
};

typedef struct work_t {
    int steps;       /* counted by the barrier's action */
    atomic_int done; /* pieces of work */
} work_t;

/* All are here, and none has gone on. */
static apr_status_t
step_count(void *baton)
{
    work_t *work = baton;

    work->steps++;
    return work->done == WORKERS * work->steps ? APR_SUCCESS : APR_EGENERAL;
}

static int
toil(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    int steps, i;

    if (mproc_unpack(args, pool, "o o i", &barrier, &value, &steps) !=
        APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < steps; i++) {
        atomic_fetch_add(&((work_t *)mproc_value_data(value))->done, 1);
        if (mproc_barrier_wait(barrier, NULL, MPROC_FOREVER) != APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

int
main(int argc, const char *const *argv)
{
    apr_time_t deadline;
    mproc_process_t *worker[WORKERS];
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    apr_pool_t *pool;
    apr_status_t rv;
    work_t *work;
    int i, again;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_raw_value_create(&value, sizeof *work, NULL, pool);
    work = mproc_value_data(value);
    mproc_barrier_create(&barrier, WORKERS, step_count, work, pool);
    for (i = 0; i < WORKERS; i++) {
        mproc_process_create(&worker[i], toil, NULL, pool, "o o i", barrier,
                             value, STEPS);
        mproc_process_start(worker[i]);
    }
    for (i = 0; i < WORKERS; i++) {
        mproc_process_join(worker[i], MPROC_FOREVER);
    }
    printf("%d steps, %d pieces of work\n", work->steps, work->done);

    mproc_process_create(&worker[0], toil, NULL, pool, "o o i", barrier, value,
                         1);
    mproc_process_start(worker[0]);
    deadline = mproc_clock() + 30 * APR_USEC_PER_SEC;
    while (mproc_barrier_waiting(barrier) < 1 && mproc_clock() < deadline) {
        apr_sleep(1000);
    }
    mproc_process_kill(worker[0]);
    rv = mproc_barrier_wait(barrier, NULL, 30 * APR_USEC_PER_SEC);
    printf("one died, the barrier is broken: %d\n", rv == MPROC_EBROKEN);
    mproc_barrier_reset(barrier);
    again = mproc_barrier_is_broken(barrier);
    printf("and whole again: %d\n", !again);
    return work->steps != STEPS || rv != MPROC_EBROKEN || again;
}
