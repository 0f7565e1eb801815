/*
 * bench_meet.c: many who wait for one, and two who wait for each other.
 *
 * A hundred processes wait on a condition, again and again; the time is that
 * from the notification until the last of them has gone on.
 */
#include "bench.h"

#include <string.h>

enum {
    WAITERS = 100,
    REPEATS = 64
};

/* Under the lock. All have gone on in round n when `gone` is n * WAITERS, and
 * all wait again when `waiting` is one WAITERS more. */
typedef struct crowd_t {
    apr_int64_t round; /* -1: it is over */
    apr_int64_t waiting, gone;
    apr_time_t last; /* when the last one has gone on */
} crowd_t;

static mproc_lock_t *lock;
static mproc_condition_t *go, *told;
static mproc_value_t *shared;
static apr_pool_t *crowd_pool;
static mproc_process_t *process[WAITERS];

static apr_status_t
crowd_wait(mproc_condition_t *here, mproc_condition_t *main_told,
           crowd_t *crowd)
{
    apr_status_t rv = mproc_condition_acquire(here, MPROC_FOREVER);
    apr_int64_t round;

    while (rv == APR_SUCCESS && crowd->round >= 0) {
        round = crowd->round;
        if (++crowd->waiting % WAITERS == 0) {
            mproc_condition_notify(main_told, 1);
        }
        while (rv == APR_SUCCESS && crowd->round == round) {
            rv = mproc_condition_wait(here, MPROC_FOREVER);
        }
        if (++crowd->gone % WAITERS == 0) {
            crowd->last = mproc_clock();
        }
    }
    mproc_condition_release(here);
    return rv;
}

static int
waiter(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *here, *main_told;
    mproc_value_t *value;

    return mproc_unpack(args, pool, "o o o", &here, &main_told, &value) !=
               APR_SUCCESS ||
           crowd_wait(here, main_told, mproc_value_data(value)) != APR_SUCCESS;
}

static int
all_wait(void *baton)
{
    const crowd_t *crowd = baton;
    return crowd->waiting == (crowd->round + 1) * WAITERS;
}

static apr_status_t
waiter_start(int i)
{
    apr_status_t rv = mproc_process_create(
        &process[i], waiter, NULL, crowd_pool, "o o o", go, told, shared);
    return rv == APR_SUCCESS ? mproc_process_start(process[i]) : rv;
}

static apr_status_t
crowd_setup(int variant)
{
    apr_status_t rv = apr_pool_create(&crowd_pool, NULL);
    int i;

    (void)variant;
    if (rv == APR_SUCCESS) {
        rv = mproc_lock_create(&lock, crowd_pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_create(&go, lock, crowd_pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_create(&told, lock, crowd_pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_raw_value_create(&shared, sizeof(crowd_t), NULL, crowd_pool);
    }
    for (i = 0; i < WAITERS && rv == APR_SUCCESS; i++) {
        rv = waiter_start(i);
    }
    return rv;
}

static void
crowd_teardown(int variant)
{
    int i;

    (void)variant;
    if (shared != NULL && mproc_lock_acquire(lock, MPROC_FOREVER) == 0) {
        ((crowd_t *)mproc_value_data(shared))->round = -1;
        mproc_condition_notify_all(go);
        mproc_lock_release(lock);
    }
    for (i = 0; i < WAITERS && process[i] != NULL; i++) {
        mproc_process_join(process[i], MPROC_FOREVER);
    }
    apr_pool_destroy(crowd_pool);
    memset(process, 0, sizeof process);
    shared = NULL;
}

/* One round: microseconds from the notification on. */
static apr_status_t
crowd_round(double *taken)
{
    crowd_t *crowd = mproc_value_data(shared);
    apr_time_t begin;
    apr_status_t rv = mproc_lock_acquire(lock, MPROC_FOREVER);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_condition_wait_for(told, all_wait, crowd, MPROC_FOREVER);
    if (rv == APR_SUCCESS) {
        crowd->round++;
        begin = mproc_clock();
        mproc_condition_notify_all(go);
        rv = mproc_condition_wait_for(told, all_wait, crowd, MPROC_FOREVER);
        *taken = (double)(crowd->last - begin);
    }
    mproc_lock_release(lock);
    return rv;
}

static apr_status_t
notify_sample(double *value, int variant)
{
    double taken[REPEATS];
    apr_time_t end = mproc_clock() + BENCH_SPAN;
    apr_status_t rv = APR_SUCCESS;
    int count = 0;

    (void)variant;
    while (rv == APR_SUCCESS && count < REPEATS &&
           (count < 3 || mproc_clock() < end)) {
        rv = crowd_round(&taken[count++]);
    }
    *value = bench_quantile(taken, count, 0.5);
    return rv;
}

/* --------------------------------------------------------------- a barrier */

static int
meet(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    apr_time_t *times;
    int self, rounds, i;

    if (mproc_unpack(args, pool, "o o i i", &barrier, &value, &self, &rounds) !=
            APR_SUCCESS ||
        mproc_barrier_wait(barrier, NULL, MPROC_FOREVER) != APR_SUCCESS) {
        return 1;
    }
    times = (apr_time_t *)mproc_value_data(value) + 2 * self;
    times[0] = mproc_clock();
    for (i = 0; i < rounds; i++) {
        if (mproc_barrier_wait(barrier, NULL, MPROC_FOREVER) != APR_SUCCESS) {
            return 2;
        }
    }
    times[1] = mproc_clock();
    return 0;
}

static apr_status_t
rounds_run(double *microseconds, int rounds)
{
    mproc_process_t *pair[2];
    mproc_barrier_t *barrier;
    mproc_value_t *value;
    apr_time_t *times;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_barrier_create(&barrier, 2, NULL, NULL, pool);
    if (rv == APR_SUCCESS) {
        rv = mproc_raw_value_create(&value, 4 * sizeof *times, NULL, pool);
    }
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(&pair[i], meet, NULL, pool, "o o i i",
                                  barrier, value, i, rounds);
    }
    if (rv == APR_SUCCESS) {
        rv = bench_processes_run(pair, 2);
    }
    if (rv == APR_SUCCESS) {
        times = mproc_value_data(value);
        *microseconds = (double)((times[1] > times[3] ? times[1] : times[3]) -
                                 (times[0] < times[2] ? times[0] : times[2]));
    }
    apr_pool_destroy(pool);
    return rv;
}

/* As many rounds as take about as long as a sample is to take. */
static apr_status_t
barrier_sample(double *value, int variant)
{
    double taken = 0;
    apr_status_t rv = APR_SUCCESS;
    int rounds = 50;

    (void)variant;
    while (rv == APR_SUCCESS && taken < BENCH_SPAN) {
        rounds *= 2;
        rv = rounds_run(&taken, rounds);
    }
    *value = taken / rounds;
    return rv;
}

const bench_row_t bench_meet[] = {
    {"condition.notify_all.100", "mproc", "us", 0, crowd_setup, notify_sample,
     crowd_teardown},
    {"barrier.round.2p", "mproc", "us", 0, NULL, barrier_sample, NULL},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
