/*
 * buildfarm.c: runs a list of test commands over a pool.
 *
 *   ctest --test-dir build --show-only=json-v1 | buildfarm -j 4
 *
 * Whatever a test does, be it that it crashes, hangs, or kills what it can
 * reach, the others are run, and its own outcome is told.
 *
 * In buildfarm/: list.c reads the tests (json.c), farm.c hands them to the
 * workers and judges them, command.c is the task, guard.c the process that
 * starts a worker's commands; junit.c and timeline.c write the files (xml.c).
 */
#include "buildfarm/farm.h"
#include "buildfarm/guard.h"

#include <mproc.h>

#include <apr_getopt.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_FAULT = 1,
    EXIT_USAGE = 2,
    EXIT_FAILED = 8, /* as ctest's */
    TIMEOUT_DEFAULT = 1500
};

static void
usage_print(FILE *to)
{
    fputs(
        "usage: buildfarm [options] [LIST]\n"
        "Runs tests in parallel. LIST is a file with a shell command in each\n"
        "line, or with what `ctest --show-only=json-v1` prints; - is standard\n"
        "input.\n"
        "  -j, --jobs N        how many at a time; the processors if not "
        "given\n"
        "  -t, --timeout S     seconds for each test that has no limit of its\n"
        "                      own; 1500 if not given, 0: none\n"
        "  -r, --retries N     try what fails again so often\n"
        "      --junit FILE    write the outcomes as JUnit's XML\n"
        "      --timeline FILE write who ran when as SVG\n"
        "  -o, --output        print what tests wrote that failed\n"
        "  -q, --quiet         print only what failed, and the sum\n"
        "  -h, --help          print this\n"
        "Exit status: 0; 8 when tests have failed; 1 when they could not be\n"
        "run, or a file not be read or written; 2 for wrong usage.\n",
        to);
}

/* ------------------------------------------------------------------ options */

static int
number_parse(double *number, const char *text, double least, double most)
{
    char *end;

    *number = strtod(text, &end);
    if (end == text || *end != '\0' || !(*number >= least && *number <= most)) {
        fprintf(stderr, "buildfarm: from %g to %g, not %s\n", least, most,
                text);
        return 0;
    }
    return 1;
}

static int
option_parse(options_t *options, int letter, const char *value)
{
    double number = 0;
    int good = 1;

    switch (letter) {
    case 'j':
        good = number_parse(&number, value, 1, 1024);
        options->jobs = (int)number;
        break;
    case 't':
        good = number_parse(&number, value, 0, 1e9);
        options->timeout = (apr_interval_time_t)(number * APR_USEC_PER_SEC);
        break;
    case 'r':
        good = number_parse(&number, value, 0, 1000);
        options->retries = (int)number;
        break;
    case 'x':
        options->junit = value;
        break;
    case 'l':
        options->timeline = value;
        break;
    case 'o':
        options->show_output = 1;
        break;
    default:
        options->quiet = 1;
        break;
    }
    return good;
}

/* Returns the exit status to end with, or -1 to go on. */
static int
options_parse(options_t *options, int argc, const char *const *argv,
              apr_pool_t *pool)
{
    static const apr_getopt_option_t known[] = {
        {"jobs", 'j', 1, NULL},     {"timeout", 't', 1, NULL},
        {"retries", 'r', 1, NULL},  {"junit", 'x', 1, NULL},
        {"timeline", 'l', 1, NULL}, {"output", 'o', 0, NULL},
        {"quiet", 'q', 0, NULL},    {"help", 'h', 0, NULL},
        {NULL, 0, 0, NULL}};
    apr_getopt_t *parser;
    const char *value;
    int letter, good = 1;
    apr_status_t rv = apr_getopt_init(&parser, pool, argc, argv);

    if (rv != APR_SUCCESS) {
        return EXIT_FAULT;
    }
    options->timeout = apr_time_from_sec(TIMEOUT_DEFAULT);
    parser->interleave = 1;
    while (good && (rv = apr_getopt_long(parser, known, &letter, &value)) ==
                       APR_SUCCESS) {
        if (letter == 'h') {
            usage_print(stdout);
            return 0;
        }
        good = option_parse(options, letter, value);
    }
    if (!good || rv != APR_EOF || parser->ind < argc - 1) {
        usage_print(stderr);
        return EXIT_USAGE;
    }
    options->list = parser->argv[parser->ind];
    return -1;
}

/* --------------------------------------------------------------------- main */

static int
fault(apr_status_t status)
{
    char text[200];

    fprintf(stderr, "buildfarm: %s. %s\n",
            mproc_strerror(status, text, sizeof text), mproc_error_detail());
    return EXIT_FAULT;
}

static void
sum_print(const farm_t *farm)
{
    const attempt_t *attempts = (const attempt_t *)farm->attempts->elts;
    int i, failures = farm_failures(farm);

    printf("%d of %d tests passed, %d skipped, %d failed, in %.2f s\n",
           farm->counts[PASSED], farm->tests->nelts, farm->counts[SKIPPED],
           failures, (double)(farm->ended - farm->began) / APR_USEC_PER_SEC);
    for (i = 0; failures > 0 && i < farm->attempts->nelts; i++) {
        if (attempts[i].last && attempts[i].outcome != PASSED &&
            attempts[i].outcome != SKIPPED) {
            printf("  %s: %s\n", outcome_name(attempts[i].outcome),
                   attempt_test(farm, attempts + i)->name);
        }
    }
}

static int
tests_run(const options_t *options, apr_pool_t *pool)
{
    apr_array_header_t *tests = list_read(options->list, pool);
    farm_t farm;
    int good = 1;
    apr_status_t rv;

    if (tests == NULL) {
        return EXIT_FAULT;
    }
    rv = farm_run(&farm, tests, options, pool);
    if (rv != APR_SUCCESS) {
        fault(rv);
    }
    sum_print(&farm);
    if (options->junit != NULL) {
        good &= junit_write(&farm, options->junit);
    }
    if (options->timeline != NULL) {
        good &= timeline_write(&farm, options->timeline);
    }
    return rv != APR_SUCCESS || !good ? EXIT_FAULT
           : farm_failures(&farm) > 0 ? EXIT_FAILED
                                      : 0;
}

int
main(int argc, const char *const *argv)
{
    options_t options = {0};
    apr_pool_t *pool;
    int status;
    apr_status_t rv;

    if (argc == 2 && strcmp(argv[1], "--guard") == 0) {
        return guard_main(); /* no part of the pool's tree */
    }
    rv = mproc_initialize(argc, argv);
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&pool, NULL);
    }
    if (rv != APR_SUCCESS) {
        return fault(rv);
    }
    status = options_parse(&options, argc, argv, pool);
    if (status < 0) {
        status = tests_run(&options, pool);
    }
    apr_pool_destroy(pool);
    return status;
}
