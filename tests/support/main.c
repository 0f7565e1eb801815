/*
 * main.c: the command line of a test program.
 *
 *   mproc-test [-s SUITE [-t CASE]] [--method METHOD] [--timeout SECONDS]
 *   mproc-test -l
 *   mproc-test --child NAME [ARGUMENT ...]
 *
 * The last is for tests of processes that they start by themselves: it runs
 * child_NAME(), which must be listed in suites.h as CHILD(NAME).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "runner.h"
#include "system.h"

#define SUITE(name) extern const test_suite_t suite_##name;
#define CHILD(name) extern int child_##name(int argc, const char *const *argv);
#include TEST_SUITES
#undef SUITE
#undef CHILD

#define SUITE(name) &suite_##name,
#define CHILD(name)
static const test_suite_t *const suites[] = {
#include TEST_SUITES
    NULL};
#undef SUITE
#undef CHILD

typedef struct child_t {
    const char *name;
    int (*run)(int argc, const char *const *argv);
} child_t;

#define SUITE(name)
#define CHILD(name) {#name, child_##name},
static const child_t children[] = {
#include TEST_SUITES
    {NULL, NULL}};
#undef SUITE
#undef CHILD

typedef struct arguments_t {
    const char *suite;
    const char *test;
    const char *method;
    int timeout;
    int list;
} arguments_t;

#define JOBS_MAX 4096
static runner_job_t jobs[JOBS_MAX];
static int jobs_count;

const char *
runner_method_name(mproc_start_method_e method)
{
    static const char *const names[] = {"default", "fork", "spawn",
                                        "forkserver"};

    return names[method];
}

static int
child_run(int argc, const char *const *argv)
{
    for (const child_t *child = children; child->name != NULL; child++) {
        if (argc > 2 && strcmp(child->name, argv[2]) == 0) {
            return child->run(argc - 3, argv + 3);
        }
    }
    fprintf(stderr, "%s: no such child\n", argc > 2 ? argv[2] : "--child");
    return EXIT_FAILURE;
}

static int
arguments_usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [-s SUITE [-t CASE]] [--method METHOD] "
            "[--timeout SECONDS] | -l\n",
            program);
    return 0;
}

static int
arguments_read(arguments_t *arguments, int argc, const char *const *argv)
{
    const char *timeout = getenv("MPROC_TEST_TIMEOUT");

    memset(arguments, 0, sizeof *arguments);
    arguments->timeout = timeout != NULL ? atoi(timeout) : 45 * runner_factor();
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "-l") == 0) {
            arguments->list = 1;
            continue;
        }
        if (value == NULL) {
            return arguments_usage(argv[0]);
        }
        if (strcmp(argv[i], "-s") == 0) {
            arguments->suite = value;
        }
        else if (strcmp(argv[i], "-t") == 0) {
            arguments->test = value;
        }
        else if (strcmp(argv[i], "--method") == 0) {
            arguments->method = value;
        }
        else if (strcmp(argv[i], "--timeout") == 0) {
            arguments->timeout = atoi(value);
        }
        else {
            return arguments_usage(argv[0]);
        }
        i++;
    }
    return 1;
}

static void
jobs_add(const arguments_t *arguments, const test_suite_t *suite,
         const test_case_t *test)
{
    mproc_start_method_e methods[3] = {MPROC_START_SPAWN};
    int count = suite->methods ? library_methods(methods) : 1;

    for (int i = 0; i < count; i++) {
        runner_job_t *job = &jobs[jobs_count];

        if (suite->methods && arguments->method != NULL &&
            strcmp(arguments->method, runner_method_name(methods[i])) != 0) {
            continue;
        }
        if (jobs_count < JOBS_MAX) {
            job->suite = suite;
            job->test = test;
            job->method = methods[i];
            jobs_count++;
        }
    }
}

static void
jobs_choose(const arguments_t *arguments)
{
    for (int i = 0; suites[i] != NULL; i++) {
        const test_suite_t *suite = suites[i];

        if (arguments->suite != NULL &&
            strcmp(arguments->suite, suite->name) != 0) {
            continue;
        }
        for (const test_case_t *test = suite->cases; test->name != NULL;
             test++) {
            if (arguments->test == NULL ||
                strcmp(arguments->test, test->name) == 0) {
                jobs_add(arguments, suite, test);
            }
        }
    }
}

static void
jobs_list(void)
{
    for (int i = 0; i < jobs_count; i++) {
        printf("%s %s %s\n", jobs[i].suite->name, jobs[i].test->name,
               jobs[i].suite->methods ? runner_method_name(jobs[i].method)
                                      : "-");
    }
}

int
main(int argc, const char *const *argv)
{
    arguments_t arguments;
    apr_status_t rv = library_begin(argc, argv);
    char text[256];
    int code;

    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s: %s: %s\n", argv[0],
                library_status_text(rv, text, sizeof text), library_detail());
        return EXIT_FAILURE;
    }
    if (argc > 1 && strcmp(argv[1], "--child") == 0) {
        return child_run(argc, argv);
    }
    if (!arguments_read(&arguments, argc, argv)) {
        return 2;
    }
    jobs_choose(&arguments);
    if (arguments.list) {
        jobs_list();
        return EXIT_SUCCESS;
    }
    system_begin();
    system_watchdog(arguments.timeout);
    code = runner_run(jobs, jobs_count);
    system_watchdog(0);
    return code;
}
