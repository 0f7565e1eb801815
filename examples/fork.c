/*
 * fork.c: a copy of the caller, and its environment.
 *
 * Sections: s11, parent and child print their pids; s12, the child has the
 * environment of the moment in which it was started.
 */
#include <mproc.h>

#include <apr_env.h>

#include <stdio.h>
#include <string.h>

#include "support/seed.h"

/* ---------------------------------------------------- s11: two processes */

static int
pid_print(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;

    if (mproc_unpack(args, pool, "o", &diaries) != APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, 0));
    printf("child: pid %ld\n", (long)diary_at(diaries, 0)->pid);
    return 0;
}

static void
section_s11(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(1, pool);
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    mproc_process_t *process;

    CHECK_OK(
        mproc_process_create(&process, pid_print, NULL, pool, "o", diaries));
    CHECK_OK(mproc_process_start(process));
    seed_say("pid %ld", (long)self);
    process_expect(process, 0);
    CHECK(diary_at(diaries, 0)->pid != self);
    CHECK(diary_at(diaries, 0)->pid == mproc_process_pid(process));
    CHECK(diary_at(diaries, 0)->parent == self);
}

/* ----------------------------------------------------- s12: environment */

static int
foo_is(const char *expected, apr_pool_t *pool)
{
    char *value = NULL;

    return apr_env_get(&value, "FOO", pool) == APR_SUCCESS &&
           strcmp(value, expected) == 0;
}

/* Returns at which step something was wrong, or 0. */
static int
environment_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *looked, *changed;
    int good;

    if (mproc_unpack(args, pool, "o o", &looked, &changed) != APR_SUCCESS) {
        return 1;
    }
    good = foo_is("bar", pool);
    mproc_event_set(looked);
    if (!good) {
        return 2;
    }
    puts("child: FOO is bar");
    mproc_event_wait(changed, MPROC_FOREVER);
    if (!foo_is("bar", pool)) {
        return 3;
    }
    return apr_env_set("FOO", "of the child", pool) != APR_SUCCESS;
}

static void
section_s12(apr_pool_t *pool)
{
    mproc_event_t *looked, *changed;
    mproc_process_t *process;

    CHECK_OK(mproc_event_create(&looked, pool));
    CHECK_OK(mproc_event_create(&changed, pool));
    CHECK_OK(apr_env_set("FOO", "baz", pool));
    CHECK_OK(apr_env_set("FOO", "bar", pool));
    CHECK_OK(mproc_process_create(&process, environment_child, NULL, pool,
                                  "o o", looked, changed));
    CHECK_OK(mproc_process_start(process));
    CHECK_OK(mproc_event_wait(looked, apr_time_from_sec(30)));
    CHECK(foo_is("bar", pool));
    seed_say("FOO is bar");
    CHECK_OK(apr_env_set("FOO", "of the parent", pool));
    CHECK_OK(mproc_event_set(changed));
    process_expect(process, 0);
    CHECK(foo_is("of the parent", pool));
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {
        {"s11", section_s11}, {"s12", section_s12}, {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_FORK, sections);
}
