/*
 * bench_lock.c: locks and semaphores that nobody else wants, and a lock that
 * another does.
 */
#include "bench.h"
#include "bench_contest.h"

enum {
    LOCK,
    RLOCK,
    SEMAPHORE,
    OWNED_SEMAPHORE
};

static mproc_lock_t *lock;
static mproc_rlock_t *rlock;
static mproc_semaphore_t *semaphore;
static mproc_value_t *count;

static apr_status_t
one_setup(int variant)
{
    switch (variant) {
    case LOCK:
        return mproc_lock_create(&lock, NULL);
    case RLOCK:
        return mproc_rlock_create(&rlock, NULL);
    case SEMAPHORE:
        return mproc_semaphore_create(&semaphore, 1, NULL);
    default:
        return mproc_owned_semaphore_create(&semaphore, 1, NULL);
    }
}

static void
one_teardown(int variant)
{
    switch (variant) {
    case LOCK:
        mproc_lock_destroy(lock);
        lock = NULL;
        break;
    case RLOCK:
        mproc_rlock_destroy(rlock);
        rlock = NULL;
        break;
    default:
        mproc_semaphore_destroy(semaphore);
        semaphore = NULL;
    }
}

/* Loops of their own: what is measured is shorter than a call by pointer. */
#define PAIRS(acquire, release, object)                                        \
    for (i = 0; i < 1000 && rv == APR_SUCCESS; i++) {                          \
        rv = acquire(object, MPROC_FOREVER);                                   \
        release(object);                                                       \
    }

static apr_status_t
thousand_pairs(int variant)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    switch (variant) {
    case LOCK:
        PAIRS(mproc_lock_acquire, mproc_lock_release, lock)
        break;
    case RLOCK:
        PAIRS(mproc_rlock_acquire, mproc_rlock_release, rlock)
        break;
    default:
        PAIRS(mproc_semaphore_acquire, mproc_semaphore_release, semaphore)
    }
    return rv;
}

static apr_status_t
uncontended_sample(double *value, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv;
    double pairs = 0;

    do {
        rv = thousand_pairs(variant);
        pairs += 1000;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *value = (double)(end - begin) * 1000 / pairs;
    return rv;
}

/* --------------------------------------------------------- wanted by two */

static int
contend(mproc_bytes_t args, apr_pool_t *pool)
{
    bench_contender_t me;
    int i;

    if (!bench_contest_enter(&me, args, pool)) {
        return 1;
    }
    do {
        for (i = 0; i < BENCH_CONTEST_BATCH; i++) {
            if (mproc_lock_acquire(me.object, MPROC_FOREVER) != APR_SUCCESS) {
                return 2;
            }
            bench_contest_turn(&me);
            mproc_lock_release(me.object);
        }
    } while (bench_contest_goes_on(&me));
    return 0;
}

static apr_status_t
contended_setup(int variant)
{
    apr_status_t rv = one_setup(variant);

    return rv == APR_SUCCESS ? mproc_raw_value_create(
                                   &count, sizeof(bench_count_t), NULL, NULL)
                             : rv;
}

static void
contended_teardown(int variant)
{
    one_teardown(variant);
    mproc_value_destroy(count);
    count = NULL;
}

static apr_status_t
contended_sample(double *value, int variant)
{
    (void)variant;
    return bench_contest(value, contend, lock, count);
}

#define UNCONTENDED(noun, name, variant)                                       \
    {                                                                          \
        noun ".uncontended", name, "ns", variant, one_setup,                   \
            uncontended_sample, one_teardown                                   \
    }

const bench_row_t bench_lock[] = {
    UNCONTENDED("lock", "mproc", LOCK),
    UNCONTENDED("rlock", "mproc", RLOCK),
    UNCONTENDED("semaphore", "mproc", SEMAPHORE),
    UNCONTENDED("semaphore", "mproc owned", OWNED_SEMAPHORE),
    {"lock.contended.2p", "mproc", "Mop/s", LOCK, contended_setup,
     contended_sample, contended_teardown},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
