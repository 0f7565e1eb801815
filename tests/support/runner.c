/*
 * runner.c: runs cases through CUnit.
 *
 * The hard thing: CUnit's own result says success when assertions failed, and
 * no failure at all when a suite could not be readied. So all its counts are
 * looked at, and no test run at all is a failure too.
 */
#include "runner.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>
#include <CUnit/Basic.h>

/* What CTest takes for "skipped". */
#define EXIT_SKIPPED 77

static const runner_job_t *jobs_all;
static CU_pTest *jobs_cunit; /* by the index of jobs_all */
static int jobs_count;
static const runner_job_t *job_now;
static apr_pool_t *job_pool;
static jmp_buf job_skip;
static int skipped;

mproc_start_method_e
test_method(void)
{
    return job_now != NULL ? job_now->method : MPROC_START_SPAWN;
}

int
test_is_far(void)
{
    return job_now != NULL && job_now->suite->methods == MANAGERS;
}

apr_pool_t *
test_pool(void)
{
    return job_pool;
}

int
runner_factor(void)
{
    const char *text = getenv("MPROC_TEST_FACTOR");
    int factor = text != NULL ? atoi(text) : 1;

    return factor > 0 ? factor : 1;
}

apr_interval_time_t
test_deadline(void)
{
    return apr_time_from_sec(10) * runner_factor();
}

int
test_scaled(int count)
{
    return count / runner_factor() > 0 ? count / runner_factor() : 1;
}

void
test_skip(const char *reason)
{
    printf("skipped: %s ", reason);
    skipped++;
    longjmp(job_skip, 1);
}

static void
job_set_up(void)
{
    for (int i = 0; i < jobs_count; i++) {
        if (jobs_cunit[i] == CU_get_current_test()) {
            job_now = &jobs_all[i];
        }
    }
    fflush(NULL);
    apr_pool_create(&job_pool, NULL);
    leaks_before();
}

/* Runs after a fatal check and after a skip too. */
static void
job_tear_down(void)
{
    apr_pool_destroy(job_pool);
    leaks_after();
    job_now = NULL;
}

static void
job_run(void)
{
    if (setjmp(job_skip) == 0) {
        job_now->test->run(job_pool);
    }
}

static CU_pSuite
suite_of(const test_suite_t *suite)
{
    CU_pSuite found = CU_get_suite(suite->name);

    if (found == NULL) {
        found = CU_add_suite_with_setup_and_teardown(suite->name, NULL, NULL,
                                                     job_set_up, job_tear_down);
    }
    return found;
}

static int
jobs_add(apr_pool_t *pool)
{
    for (int i = 0; i < jobs_count; i++) {
        const runner_job_t *job = &jobs_all[i];
        const char *name = job->test->name;
        char *full;

        if (job->suite->methods) {
            full = apr_palloc(pool, 256);
            snprintf(full, 256, "%.200s, %s", name,
                     runner_method_name(job->method));
            name = full;
        }
        jobs_cunit[i] = CU_add_test(suite_of(job->suite), name, job_run);
        if (jobs_cunit[i] == NULL) {
            fprintf(stderr, "%s: %s\n", name, CU_get_error_msg());
            return 0;
        }
    }
    return 1;
}

static int
result(void)
{
    if (CU_get_error() != CUE_SUCCESS || CU_get_number_of_failures() > 0 ||
        CU_get_number_of_failure_records() > 0 ||
        CU_get_number_of_tests_run() < (unsigned)jobs_count ||
        jobs_count == 0) {
        fprintf(stderr, "FAILED: %u failures, %u tests run of %d, %s\n",
                CU_get_number_of_failure_records(),
                CU_get_number_of_tests_run(), jobs_count, CU_get_error_msg());
        return EXIT_FAILURE;
    }
    return skipped == jobs_count ? EXIT_SKIPPED : EXIT_SUCCESS;
}

int
runner_run(const runner_job_t *jobs, int count)
{
    apr_pool_t *pool;
    int code = EXIT_FAILURE;

    apr_pool_create(&pool, NULL);
    jobs_all = jobs;
    jobs_count = count;
    jobs_cunit = apr_pcalloc(pool, sizeof *jobs_cunit * (size_t)(count + 1));
    leaks_begin(pool);
    if (CU_initialize_registry() == CUE_SUCCESS && jobs_add(pool)) {
        CU_basic_set_mode(CU_BRM_VERBOSE);
        CU_basic_run_tests();
        code = result();
    }
    CU_cleanup_registry();
    if (!leaks_end()) {
        code = EXIT_FAILURE;
    }
    apr_pool_destroy(pool);
    fflush(NULL);
    return code;
}
