/* runner.h: between the files of the test runner. */
#ifndef MPROC_TESTS_RUNNER_H
#define MPROC_TESTS_RUNNER_H

#include "test.h"

/* One case, to be run under one start method. */
typedef struct runner_job_t {
    const test_suite_t *suite;
    const test_case_t *test;
    mproc_start_method_e method;
} runner_job_t;

/* The name of a start method, as on the command line. */
const char *runner_method_name(mproc_start_method_e method);

/* Run them all; the exit code of the program. */
int runner_run(const runner_job_t *jobs, int count);

/* A failure that belongs to no line of the case. */
void runner_fail(const char *text);

/* How many times slower this place is than a quiet machine. */
int runner_factor(void);

/* Leaks: remember how things are before a case, and compare after it. */
void leaks_begin(apr_pool_t *pool);
void leaks_before(void);
void leaks_after(void);
/* Remove what leaks_begin() made; 0 when that cannot be done. */
int leaks_end(void);

#endif
