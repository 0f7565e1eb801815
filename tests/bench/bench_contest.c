/* bench_contest.c: two processes that want the same lock, all the time. */
#include "bench_contest.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

enum {
    TRIES = 20
};

/* What each counts is far from what the other does, whatever the alignment:
 * no cache line goes back and forth but those of the lock and the count. */
typedef struct notes_t {
    apr_uint64_t turns;
    apr_time_t begin, end;
    char room[256];
} notes_t;

typedef struct contest_t {
    notes_t notes[2];
    atomic_int here;
} contest_t;

int
bench_contest_enter(bench_contender_t *contender, mproc_bytes_t args,
                    apr_pool_t *pool)
{
    mproc_value_t *contest, *count;

    if (mproc_unpack(args, pool, "o o o i", &contender->object, &contest,
                     &count, &contender->self) != APR_SUCCESS) {
        return 0;
    }
    contender->contest = mproc_value_data(contest);
    contender->count = mproc_value_data(count);
    atomic_fetch_add(&contender->contest->here, 1);
    while (atomic_load(&contender->contest->here) < 2) {
        apr_thread_yield();
    }
    contender->contest->notes[contender->self].begin = mproc_clock();
    return 1;
}

int
bench_contest_goes_on(bench_contender_t *contender)
{
    notes_t *notes = &contender->contest->notes[contender->self];

    notes->turns += BENCH_CONTEST_BATCH;
    notes->end = mproc_clock();
    return notes->end - notes->begin < 2 * BENCH_SPAN;
}

/* Two that take turns on one processor hand over a few times only, and do not
 * contend. Nobody pins them here, so that is told by the handovers. */
static int
contest_overlapped(const bench_count_t *count)
{
    return count->handovers > count->counter / 1000;
}

static apr_status_t
contest_result(double *turns, const contest_t *contest,
               const bench_count_t *count)
{
    const notes_t *a = &contest->notes[0], *b = a + 1;
    apr_time_t begin = a->begin < b->begin ? a->begin : b->begin;
    apr_time_t end = a->end > b->end ? a->end : b->end;

    if (count->counter != a->turns + b->turns) {
        return bench_fail("the lock let two in: the count is wrong");
    }
    *turns = (double)count->counter / (double)(end - begin);
    return APR_SUCCESS;
}

static apr_status_t
contest_run(contest_t *result, mproc_target_fn_t contender, void *object,
            mproc_value_t *count, apr_pool_t *pool)
{
    mproc_process_t *process[2];
    mproc_value_t *contest;
    apr_status_t rv;
    int i;

    memset(mproc_value_data(count), 0, sizeof(bench_count_t));
    rv = mproc_raw_value_create(&contest, sizeof(contest_t), NULL, pool);
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        rv = mproc_process_create(&process[i], contender, NULL, pool, "o o o i",
                                  object, contest, count, i);
    }
    if (rv == APR_SUCCESS) {
        rv = bench_processes_run(process, 2);
    }
    if (rv == APR_SUCCESS) {
        memcpy(result, mproc_value_data(contest), sizeof *result);
    }
    return rv;
}

apr_status_t
bench_contest(double *turns, mproc_target_fn_t contender, void *object,
              mproc_value_t *count)
{
    static contest_t contest;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    int i;

    for (i = 0; i < TRIES && rv == APR_SUCCESS; i++) {
        rv = contest_run(&contest, contender, object, count, pool);
        apr_pool_clear(pool);
        if (rv == APR_SUCCESS && contest_overlapped(mproc_value_data(count))) {
            apr_pool_destroy(pool);
            return contest_result(turns, &contest, mproc_value_data(count));
        }
    }
    if (rv == APR_SUCCESS) {
        bench_fail("the system never ran the two at the same time");
        rv = APR_ENOTIMPL;
    }
    return rv;
}
