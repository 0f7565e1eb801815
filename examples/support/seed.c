/* seed.c: what the programs with sections share. */
#include "seed.h"

#include <apr_strings.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_CHECK = 1,
    EXIT_USAGE = 2,
    EXIT_SKIP = 77
};

static int failures;
static double scale = 0.2;

apr_interval_time_t
seed_seconds(double seconds)
{
    return (apr_interval_time_t)(seconds * scale * APR_USEC_PER_SEC);
}

apr_time_t
seed_say(const char *format, ...)
{
    apr_time_t now = mproc_clock();
    va_list args;

    fputs("main: ", stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    return now;
}

int
seed_check(int good, const char *what, const char *file, int line)
{
    if (!good) {
        failures++;
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    }
    return good;
}

int
seed_check_status(apr_status_t status, const char *what, const char *file,
                  int line)
{
    char text[200];

    if (status == APR_SUCCESS) {
        return 1;
    }
    failures++;
    fprintf(stderr, "%s:%d: %s: %s. %s\n", file, line, what,
            mproc_strerror(status, text, sizeof text), mproc_error_detail());
    return 0;
}

mproc_value_t *
diaries_create(int count, apr_pool_t *pool)
{
    mproc_value_t *value;

    if (!CHECK_OK(mproc_raw_value_create(
            &value, (apr_size_t)count * sizeof(diary_t), NULL, pool))) {
        exit(EXIT_CHECK);
    }
    return value;
}

diary_t *
diary_at(mproc_value_t *diaries, int i)
{
    return (diary_t *)mproc_value_data(diaries) + i;
}

void
diary_begin(diary_t *diary)
{
    mproc_process_t *parent = mproc_process_parent();

    diary->pid = mproc_process_pid(mproc_process_current());
    diary->parent = parent == NULL ? 0 : mproc_process_pid(parent);
    diary->began = mproc_clock();
}

void
diary_tick(diary_t *diary)
{
    diary->ticks++;
    diary->last_tick = mproc_clock();
}

void
diary_end(diary_t *diary)
{
    diary->ended = mproc_clock();
}

void
diaries_wait_begun(mproc_value_t *diaries, int count)
{
    apr_time_t deadline = mproc_clock() + apr_time_from_sec(30);
    int i;

    for (i = 0; i < count; i++) {
        while (diary_at(diaries, i)->began == 0) {
            if (!CHECK(mproc_clock() < deadline)) {
                return;
            }
            apr_sleep(1000);
        }
    }
}

void
process_expect(mproc_process_t *process, int code)
{
    int actual = 0;

    CHECK_OK(mproc_process_join(process, MPROC_FOREVER));
    if (CHECK_OK(mproc_process_exitcode(process, &actual)) &&
        !CHECK(actual == code)) {
        fprintf(stderr, "%s ended with %d, not %d\n",
                mproc_process_name(process), actual, code);
    }
}

static int
method_parse(mproc_start_method_e *method, const char *name)
{
    static const char *const names[] = {"fork", "spawn", "forkserver"};
    static const mproc_start_method_e methods[] = {
        MPROC_START_FORK, MPROC_START_SPAWN, MPROC_START_FORKSERVER};
    int i;

    for (i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *method = methods[i];
            return 1;
        }
    }
    return 0;
}

static const seed_section_t *
section_find(const seed_section_t *sections, const char *name)
{
    for (; sections->name != NULL; sections++) {
        if (strcmp(sections->name, name) == 0) {
            return sections;
        }
    }
    return NULL;
}

static void
section_run(const seed_section_t *section, apr_pool_t *pool)
{
    printf("--- %s\n", section->name);
    fflush(stdout);
    section->run(pool);
    fflush(stdout);
}

/* Read options up to the first section's name; its place, or 0. */
static int
options_parse(int argc, const char *const *argv, mproc_start_method_e *method)
{
    int i;

    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--start-method") == 0) {
            if (!method_parse(method, argv[i + 1])) {
                return 0;
            }
        }
        else if (strcmp(argv[i], "--scale") == 0) {
            scale = strtod(argv[i + 1], NULL);
        }
        else {
            break;
        }
    }
    return scale > 0 ? i : 0;
}

int
seed_run(int argc, const char *const *argv, mproc_start_method_e method,
         const seed_section_t *sections)
{
    apr_pool_t *pool;
    apr_status_t rv;
    int i = options_parse(argc, argv, &method), all = i == argc;

    for (; i > 0 && i < argc && section_find(sections, argv[i]) != NULL; i++) {
    }
    if (i != argc) {
        fprintf(stderr,
                "usage: %s [--start-method fork|spawn|forkserver] "
                "[--scale S] [section...]\n",
                argv[0]);
        return EXIT_USAGE;
    }
    rv = mproc_set_start_method(method);
    if (APR_STATUS_IS_ENOTIMPL(rv)) {
        fputs("skipped: this system has no such start method\n", stderr);
        return EXIT_SKIP;
    }
    if (!CHECK_OK(rv) || !CHECK_OK(apr_pool_create(&pool, NULL))) {
        return EXIT_CHECK;
    }
    for (; all && sections->name != NULL; sections++) {
        section_run(sections, pool);
    }
    for (i = options_parse(argc, argv, &method); !all && i < argc; i++) {
        section_run(section_find(sections, argv[i]), pool);
    }
    apr_pool_destroy(pool);
    return failures == 0 ? 0 : EXIT_CHECK;
}
