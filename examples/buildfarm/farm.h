/* farm.h: runs tests over a pool, and knows how each ended. */
#ifndef BUILDFARM_FARM_H
#define BUILDFARM_FARM_H

#include "list.h"

typedef enum outcome_e {
    PASSED,
    SKIPPED,
    FAILED,
    CRASHED,
    TIMED_OUT,
    NOT_RUN,
    LOST, /* with its worker, again and again */
    OUTCOMES
} outcome_e;

typedef struct options_t {
    const char *list;
    const char *junit, *timeline; /* files; NULL: none */
    int jobs;                     /* 0: the processors */
    int retries;                  /* of tests that failed */
    apr_interval_time_t timeout;  /* 0: none */
    int quiet, show_output;
} options_t;

/* One run of a test. */
typedef struct attempt_t {
    int test, number; /* from 0; from 1 */
    int last;         /* no other followed: this is the test's outcome */
    outcome_e outcome;
    int code;                /* exit code or signal */
    const char *why;         /* a few words; "" when all is said */
    apr_time_t began, ended; /* mproc_clock() */
    const char *output;      /* what was kept of it */
    apr_size_t output_size;
} attempt_t;

typedef struct farm_t {
    const options_t *options;
    apr_array_header_t *tests;    /* of test_t */
    apr_array_header_t *attempts; /* of attempt_t, in the order of their ends */
    int counts[OUTCOMES];         /* of last attempts */
    int jobs;
    apr_time_t date;         /* apr_time_now() at the beginning */
    apr_time_t began, ended; /* mproc_clock() */
    apr_pool_t *pool;
} farm_t;

/* Run all tests. An error is one of the pool, not of a test. */
apr_status_t farm_run(farm_t *farm, apr_array_header_t *tests,
                      const options_t *options, apr_pool_t *pool);

/* How many have not passed, and were not skipped. */
int farm_failures(const farm_t *farm);

const char *outcome_name(outcome_e outcome);
const test_t *attempt_test(const farm_t *farm, const attempt_t *attempt);
double attempt_seconds(const attempt_t *attempt);

/* The files; 0 after it has been said on stderr why one cannot be written. */
int junit_write(const farm_t *farm, const char *path);
int timeline_write(const farm_t *farm, const char *path);

#endif
