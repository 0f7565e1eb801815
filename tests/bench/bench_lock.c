/* bench_lock.c: a lock that nobody else wants, and one that another does. */
#include "bench.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

enum {
    BATCH = 20,
    TRIES = 20
};

/* What the two contenders share; what each counts has a cache line of its
 * own. */
typedef struct contender_t {
    _Alignas(128) apr_uint64_t turns;
    apr_time_t begin, end;
} contender_t;

typedef struct contest_t {
    contender_t contender[2];
    _Alignas(128) atomic_int here;
    /* Under the lock: */
    _Alignas(128) apr_uint64_t counter;
    apr_uint64_t handovers; /* times that it went from one to the other */
    int last;               /* who had it last */
} contest_t;

static mproc_lock_t *lock;

static apr_status_t
lock_setup(int variant)
{
    (void)variant;
    return mproc_lock_create(&lock, NULL);
}

static void
lock_teardown(int variant)
{
    (void)variant;
    mproc_lock_destroy(lock);
    lock = NULL;
}

static apr_status_t
uncontended_sample(double *value, int variant)
{
    apr_time_t begin = mproc_clock(), end;
    apr_status_t rv = APR_SUCCESS;
    double pairs = 0;
    int i;

    (void)variant;
    do {
        for (i = 0; i < 1000 && rv == APR_SUCCESS; i++) {
            rv = mproc_lock_acquire(lock, MPROC_FOREVER);
            mproc_lock_release(lock);
        }
        pairs += i;
        end = mproc_clock();
    } while (rv == APR_SUCCESS && end - begin < BENCH_SPAN);
    *value = (double)(end - begin) * 1000 / pairs;
    return rv;
}

static int
contend(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_lock_t *contended;
    mproc_value_t *value;
    contest_t *contest;
    contender_t *me;
    int self, i;

    if (mproc_unpack(args, pool, "o o i", &contended, &value, &self) !=
        APR_SUCCESS) {
        return 1;
    }
    contest = mproc_value_data(value);
    me = &contest->contender[self];
    atomic_fetch_add(&contest->here, 1);
    while (atomic_load(&contest->here) < 2) {
        apr_thread_yield();
    }
    me->begin = mproc_clock();
    do {
        for (i = 0; i < BATCH; i++) {
            if (mproc_lock_acquire(contended, MPROC_FOREVER) != APR_SUCCESS) {
                return 2;
            }
            contest->counter++;
            contest->handovers += contest->last != self;
            contest->last = self;
            mproc_lock_release(contended);
        }
        me->turns += BATCH;
        me->end = mproc_clock();
    } while (me->end - me->begin < 2 * BENCH_SPAN);
    return 0;
}

/* Two that take turns on one processor hand over a few times only, and do not
 * contend. Nobody pins them here, so that is told by the handovers. */
static int
contest_overlapped(const contest_t *contest)
{
    return contest->handovers > contest->counter / 1000;
}

static apr_status_t
contest_result(double *value, const contest_t *contest)
{
    const contender_t *a = &contest->contender[0], *b = a + 1;
    apr_time_t begin = a->begin < b->begin ? a->begin : b->begin;
    apr_time_t end = a->end > b->end ? a->end : b->end;

    if (contest->counter != a->turns + b->turns) {
        return bench_fail("the lock let two in: the count is wrong");
    }
    *value = (double)contest->counter / (double)(end - begin);
    return APR_SUCCESS;
}

static apr_status_t
contest_run(contest_t *result, apr_pool_t *pool)
{
    mproc_process_t *process[2];
    mproc_value_t *contest;
    apr_status_t rv;
    int i;

    rv = mproc_value_create(&contest, sizeof(contest_t), NULL, pool);
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(&process[i], contend, NULL, pool, "o o i",
                                  lock, contest, i);
    }
    if (rv == APR_SUCCESS) {
        rv = bench_processes_run(process, 2);
    }
    if (rv == APR_SUCCESS) {
        memcpy(result, mproc_value_data(contest), sizeof *result);
    }
    return rv;
}

static apr_status_t
contended_sample(double *value, int variant)
{
    static contest_t contest;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    int i;

    (void)variant;
    for (i = 0; i < TRIES && rv == APR_SUCCESS; i++) {
        rv = contest_run(&contest, pool);
        apr_pool_clear(pool);
        if (rv == APR_SUCCESS && contest_overlapped(&contest)) {
            apr_pool_destroy(pool);
            return contest_result(value, &contest);
        }
    }
    if (rv == APR_SUCCESS) {
        bench_fail("the system never ran the two at the same time");
        rv = APR_ENOTIMPL;
    }
    return rv;
}

const bench_row_t bench_lock[] = {{"lock.uncontended", "mproc", "ns", 0,
                                   lock_setup, uncontended_sample,
                                   lock_teardown},
                                  {"lock.contended.2p", "mproc", "Mop/s", 0,
                                   lock_setup, contended_sample, lock_teardown},
                                  {NULL, NULL, NULL, 0, NULL, NULL, NULL}};
