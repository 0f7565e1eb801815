/*
 * bench_contest.h: two processes that want the same lock, all the time.
 *
 * What is measured is written as a process's function: enter, then batches of
 * turns (acquire, bench_contest_turn(), release) while the contest goes on.
 */
#ifndef MPROC_BENCH_CONTEST_H
#define MPROC_BENCH_CONTEST_H

#include "bench.h"

#define BENCH_CONTEST_BATCH 20

/* Under the lock. */
typedef struct bench_count_t {
    apr_uint64_t counter;
    apr_uint64_t handovers; /* times that it went from one to the other */
    int last;               /* who had it last */
} bench_count_t;

/* What one contender knows. */
typedef struct bench_contender_t {
    void *object;         /* what both want */
    bench_count_t *count; /* what they do with it */
    int self;
    struct contest_t *contest;
} bench_contender_t;

/* In a contender: read the arguments, and wait for the other. Returns 0 when
 * they cannot be read. */
int bench_contest_enter(bench_contender_t *contender, mproc_bytes_t args,
                        apr_pool_t *pool);

/* After each batch: whether there is to be another one. */
int bench_contest_goes_on(bench_contender_t *contender);

static inline void
bench_contest_turn(const bench_contender_t *contender)
{
    bench_count_t *count = contender->count;

    count->counter++;
    count->handovers += count->last != contender->self;
    count->last = contender->self;
}

/* Hold contests of two such processes until one counts, and tell the turns
 * of both together in a microsecond. `count` is a value with a bench_count_t.
 * APR_ENOTIMPL when the system never runs the two at the same time. */
apr_status_t bench_contest(double *turns, mproc_target_fn_t contender,
                           void *object, mproc_value_t *count);

#endif
