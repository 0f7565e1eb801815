/*
 * bench.h: how a benchmark is written.
 *
 * A row is a metric of one peer. Rows of one metric stand together in the
 * table of a file: they are set up, then sampled in turns, so that a noisy
 * moment hits all of them, then torn down.
 */
#ifndef MPROC_BENCH_H
#define MPROC_BENCH_H

#include <mproc.h>

typedef struct bench_row_t {
    const char *metric, *peer, *unit;
    int variant;                        /* passed to all three */
    apr_status_t (*setup)(int variant); /* may be NULL */
    apr_status_t (*sample)(double *value, int variant);
    void (*teardown)(int variant); /* may be NULL; also after a setup that
                                      failed */
} bench_row_t;

/* One table a file; ends with a metric of NULL. A row whose setup or sample
 * returns APR_ENOTIMPL is left out: this system cannot. */
extern const bench_row_t bench_start[];
extern const bench_row_t bench_pool[];
extern const bench_row_t bench_tasks[];
extern const bench_row_t bench_sha256[];
extern const bench_row_t bench_lock[];
extern const bench_row_t bench_value[];
extern const bench_row_t bench_meet[];
extern const bench_row_t bench_death[];
extern const bench_row_t bench_queue[];
extern const bench_row_t bench_growth[];
extern const bench_row_t bench_trip[];
extern const bench_row_t bench_dict[];
extern const bench_row_t bench_manager[];

/* A sample of something short is made of repetitions over this time, in
 * microseconds. */
#define BENCH_SPAN 40000

/* The value below which that part of the values lies; sorts them. */
double bench_quantile(double *values, int count, double part);

/* Give why something failed in a sentence, and APR_EGENERAL. */
apr_status_t bench_fail(const char *why);

/* Start, join and check the exit code of so many processes, alike. */
apr_status_t bench_processes_run(mproc_process_t **processes, int count);

#endif
