/*
 * bench.c: mproc-bench [--once] [METRIC-PREFIX...]
 *
 * Prints a line for each metric and peer: names, the median of the samples,
 * the unit, with tabs between them.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 5,
    ROWS = 16
};

static const bench_row_t *const tables[] = {
    bench_start, bench_pool,    bench_tasks, bench_sha256, bench_lock,
    bench_value, bench_meet,    bench_death, bench_queue,  bench_trip,
    bench_dict,  bench_manager, bench_growth};

static const char *failure;

/* Rows of one metric, while they are measured. */
typedef struct group_t {
    const bench_row_t *row;
    int count;
    int out[ROWS]; /* not 0: left out */
    double value[ROWS][SAMPLES];
} group_t;

apr_status_t
bench_fail(const char *why)
{
    failure = why;
    return APR_EGENERAL;
}

static int
double_compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double
bench_quantile(double *values, int count, double part)
{
    qsort(values, (size_t)count, sizeof *values, double_compare);
    return values[(int)(part * (count - 1) + 0.5)];
}

apr_status_t
bench_processes_run(mproc_process_t **processes, int count)
{
    apr_status_t rv = APR_SUCCESS;
    int i, code = 0;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc_process_start(processes[i]);
    }
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc_process_join(processes[i], MPROC_FOREVER);
        if (rv == APR_SUCCESS) {
            rv = mproc_process_exitcode(processes[i], &code);
        }
        if (rv == APR_SUCCESS && code != 0) {
            rv = bench_fail("a process did not end with 0");
        }
    }
    /* One that waits for another that was not started waits for ever. */
    for (i = 0; i < count && rv != APR_SUCCESS; i++) {
        if (mproc_process_is_alive(processes[i])) {
            mproc_process_stop(processes[i], MPROC_NOWAIT);
        }
    }
    return rv;
}

/* Say why a row is left out. Returns 1 when that is a failure. */
static int
row_left_out(const bench_row_t *row, apr_status_t status)
{
    char text[200];
    int missing = APR_STATUS_IS_ENOTIMPL(status);

    fprintf(stderr, "%s, %s: %s: ", row->metric, row->peer,
            missing ? "left out" : "FAILED");
    if (failure != NULL) {
        fprintf(stderr, "%s\n", failure);
    }
    else {
        fprintf(stderr, "%s. %s\n", mproc_strerror(status, text, sizeof text),
                mproc_error_detail());
    }
    failure = NULL;
    return !missing;
}

static int
group_sample(group_t *group, int samples)
{
    int i, k, failures = 0;
    apr_status_t rv;

    for (k = 0; k < samples; k++) {
        for (i = 0; i < group->count; i++) {
            if (group->out[i]) {
                continue;
            }
            rv = group->row[i].sample(&group->value[i][k],
                                      group->row[i].variant);
            if (rv != APR_SUCCESS) {
                failures += row_left_out(group->row + i, rv);
                group->out[i] = 1;
            }
        }
    }
    return failures;
}

static int
group_run(group_t *group, int samples)
{
    int i, failures = 0;

    for (i = 0; i < group->count; i++) {
        const bench_row_t *row = group->row + i;
        apr_status_t rv =
            row->setup == NULL ? APR_SUCCESS : row->setup(row->variant);
        group->out[i] = rv != APR_SUCCESS;
        if (rv != APR_SUCCESS) {
            failures += row_left_out(row, rv);
        }
    }
    failures += group_sample(group, samples);
    for (i = 0; i < group->count; i++) {
        const bench_row_t *row = group->row + i;
        if (row->teardown != NULL) {
            row->teardown(row->variant);
        }
        if (!group->out[i]) {
            printf("%s\t%s\t%.5g\t%s\n", row->metric, row->peer,
                   bench_quantile(group->value[i], samples, 0.5), row->unit);
        }
    }
    fflush(stdout);
    return failures;
}

static int
metric_wanted(const char *metric, int count, const char *const *prefixes)
{
    int i;

    for (i = 0; i < count; i++) {
        if (strncmp(metric, prefixes[i], strlen(prefixes[i])) == 0) {
            return 1;
        }
    }
    return count == 0;
}

static int
table_run(const bench_row_t *row, int samples, int count,
          const char *const *prefixes)
{
    static group_t group;
    int failures = 0;

    while (row->metric != NULL) {
        memset(&group, 0, sizeof group);
        group.row = row;
        for (; row->metric != NULL && group.count < ROWS &&
               strcmp(row->metric, group.row->metric) == 0;
             row++) {
            group.count++;
        }
        if (metric_wanted(group.row->metric, count, prefixes)) {
            failures += group_run(&group, samples);
        }
    }
    return failures;
}

int
main(int argc, const char *const *argv)
{
    int samples = SAMPLES, first = 1, failures = 0;
    apr_size_t i;

    if (mproc_initialize(argc, argv) != APR_SUCCESS) {
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "--once") == 0) {
        samples = 1;
        first = 2;
    }
    if (first < argc && argv[first][0] == '-') {
        fprintf(stderr, "usage: mproc-bench [--once] [METRIC-PREFIX...]\n");
        return strcmp(argv[first], "--help") == 0 ? 0 : 2;
    }
    for (i = 0; i < sizeof tables / sizeof *tables; i++) {
        failures += table_run(tables[i], samples, argc - first, argv + first);
    }
    return failures > 0;
}
