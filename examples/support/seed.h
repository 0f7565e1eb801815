/*
 * seed.h: what the programs with sections share: options, checks, and a
 * diary in shared memory in which a child notes what it did and when.
 */
#ifndef EXAMPLES_SEED_H
#define EXAMPLES_SEED_H

#include <stdatomic.h>

#include <mproc.h>

/* One section of a program. */
typedef struct seed_section_t {
    const char *name;
    void (*run)(apr_pool_t *pool);
} seed_section_t;

/* Notes of one child; the parent reads them while it runs or afterwards. */
typedef struct diary_t {
    _Atomic apr_int64_t pid, parent;
    _Atomic apr_time_t began, ended; /* by mproc_clock(); 0: not yet */
    _Atomic apr_time_t last_tick;
    _Atomic apr_int64_t ticks;
    _Atomic apr_int64_t note; /* whatever the section wants to know */
} diary_t;

/*
 * Run the sections named on the command line, or all; `sections` ends with
 * {NULL, NULL}. Options: --start-method fork|spawn|forkserver, and --scale,
 * the real seconds that one second of a section takes (0.2).
 * `method` is for when none is given. Returns what main returns: 0; 1 when a
 * check failed; 2 for wrong usage; 77 when the system has no such method.
 */
int seed_run(int argc, const char *const *argv, mproc_start_method_e method,
             const seed_section_t *sections);

/* The length of so many seconds, scaled. In the main process only: children
 * are told by their arguments. */
apr_interval_time_t seed_seconds(double seconds);

/* Print a line of the main process, and return when that was. */
apr_time_t seed_say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Note that something is not as it must be; used by the macros. */
int seed_check(int good, const char *what, const char *file, int line);
int seed_check_status(apr_status_t status, const char *what, const char *file,
                      int line);

/* Both are for the main process, and tell whether it was good. */
#define CHECK(expression)                                                      \
    seed_check((expression), #expression, __FILE__, __LINE__)
#define CHECK_OK(call) seed_check_status((call), #call, __FILE__, __LINE__)

/* Diaries for `count` children, empty; ended by a failed check. */
mproc_value_t *diaries_create(int count, apr_pool_t *pool);
diary_t *diary_at(mproc_value_t *diaries, int i);

/* For children: note who and when. */
void diary_begin(diary_t *diary);
void diary_tick(diary_t *diary);
void diary_end(diary_t *diary);

/* Wait until all children have begun. */
void diaries_wait_begun(mproc_value_t *diaries, int count);

/* Join a process, and check that it ended with that code. */
void process_expect(mproc_process_t *process, int code);

#endif
