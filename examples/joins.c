/*
 * joins.c: starting processes, and waiting for them.
 *
 * Sections: s1, five processes joined with a timeout; s13, one process from
 * before its start until after its join; s15, parent and child side by side;
 * s20, where the joins stand decides what comes first.
 */
#include <mproc.h>

#include <stdio.h>

#include "support/seed.h"

/* Set by main once it has gone past mproc_initialize(). */
static int main_went_on;

/* ---------------------------------------- s1: five, joined with a timeout */

static int
square(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    mproc_event_t *go;
    apr_int64_t second;
    int x;

    if (mproc_unpack(args, pool, "o o i I", &diaries, &go, &x, &second) !=
        APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, x));
    mproc_event_wait(go, MPROC_FOREVER);
    if (x % 2 == 1) {
        apr_sleep((x + 1) * second);
    }
    printf("%d squared is %d\n", x, x * x);
    diary_end(diary_at(diaries, x));
    return 0;
}

/* After the joins, which took a second: 0, 2 and 4 are over, 1 and 3 not. */
static void
squares_look(mproc_process_t **process, mproc_value_t *diaries)
{
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    int i, code = 0;

    for (i = 0; i < 5; i++) {
        apr_status_t rv = mproc_process_exitcode(process[i], &code);
        int alive = mproc_process_is_alive(process[i]);
        seed_say("%s pid=%ld alive=%d code=%s", mproc_process_name(process[i]),
                 (long)mproc_process_pid(process[i]), alive,
                 rv == APR_SUCCESS ? "0" : "none");
        CHECK(alive == (i % 2 == 1));
        CHECK(rv == (alive ? APR_EINPROGRESS : APR_SUCCESS) && code == 0);
        CHECK(mproc_process_parent_pid(process[i]) == self);
        CHECK(diary_at(diaries, i)->parent == self);
        CHECK(diary_at(diaries, i)->pid == mproc_process_pid(process[i]));
    }
}

static void
section_s1(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(5, pool);
    mproc_process_t *process[5];
    mproc_event_t *go;
    apr_int64_t second = seed_seconds(1);
    int i;

    CHECK_OK(mproc_event_create(&go, pool));
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_process_create(&process[i], square, NULL, pool,
                                      "o o i I", diaries, go, i, second));
        CHECK_OK(mproc_process_start(process[i]));
    }
    diaries_wait_begun(diaries, 5);
    mproc_event_set(go);
    for (i = 0; i < 5; i++) {
        mproc_process_join(process[i], second / 2);
    }
    squares_look(process, diaries);
    for (i = 0; i < 5; i++) {
        process_expect(process[i], 0);
    }
    for (i = 0; i < 5; i += 2) {
        CHECK(diary_at(diaries, i)->ended < diary_at(diaries, 1)->ended);
    }
    CHECK(diary_at(diaries, 1)->ended < diary_at(diaries, 3)->ended);
}

/* ------------------------------------------- s13: one, from start to end */

static int
sleeper(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    const char *name;
    apr_int64_t time;

    if (mproc_unpack(args, pool, "o s I", &diaries, &name, &time) !=
        APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, 0));
    printf("%s: pid %ld, parent %ld, sleeping\n", name,
           (long)mproc_process_pid(mproc_process_current()),
           (long)mproc_process_pid(mproc_process_parent()));
    fflush(stdout);
    apr_sleep(time);
    printf("%s: done\n", name);
    fflush(stdout);
    diary_end(diary_at(diaries, 0));
    return 0;
}

static void
section_s13(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(1, pool);
    diary_t *bob = diary_at(diaries, 0);
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    mproc_process_t *process;
    apr_time_t started, joined;

    CHECK_OK(mproc_process_create(&process, sleeper, NULL, pool, "o s I",
                                  diaries, "bob", seed_seconds(5)));
    seed_say("before start, pid %ld", (long)self);
    CHECK(mproc_process_pid(process) == 0);
    CHECK_OK(mproc_process_start(process));
    started = seed_say("after start");
    seed_say("before join");
    CHECK_OK(mproc_process_join(process, MPROC_FOREVER));
    joined = seed_say("after join");
    process_expect(process, 0);
    CHECK(bob->parent == self);
    CHECK(bob->pid == mproc_process_pid(process));
    CHECK(started < bob->ended);
    CHECK(bob->ended <= joined);
    CHECK(bob->ended - bob->began >= seed_seconds(5) - 1000);
}

/* -------------------------------------------------- s15: side by side */

static int
companion(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t second;

    if (mproc_unpack(args, pool, "o I", &diaries, &second) != APR_SUCCESS) {
        return 1;
    }
    diary_begin(diary_at(diaries, 0));
    puts("child: start");
    fflush(stdout);
    apr_sleep(second);
    puts("child: end");
    diary_at(diaries, 0)->note = main_went_on;
    diary_end(diary_at(diaries, 0));
    return 0;
}

/* Nothing of main runs in the child: only a fork has a copy of what main did
 * before. */
static void
section_s15(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(1, pool);
    mproc_process_t *process;
    apr_time_t start, end;

    CHECK_OK(mproc_process_create(&process, companion, NULL, pool, "o I",
                                  diaries, seed_seconds(1)));
    CHECK_OK(mproc_process_start(process));
    start = seed_say("start");
    diaries_wait_begun(diaries, 1);
    end = seed_say("end");
    process_expect(process, 0);
    CHECK(start < diary_at(diaries, 0)->ended);
    CHECK(end < diary_at(diaries, 0)->ended);
    CHECK(diary_at(diaries, 0)->note ==
          (mproc_get_start_method(0) == MPROC_START_FORK));
}

/* --------------------------------------------- s20: where the joins stand */

/* Two children of three and six seconds, the first `joins` of them joined
 * before main's last line. Half seconds: it is done three times. */
static void
two_run(int joins, apr_pool_t *pool)
{
    mproc_value_t *diaries[2];
    mproc_process_t *process[2];
    apr_time_t last;
    int i;

    for (i = 0; i < 2; i++) {
        diaries[i] = diaries_create(1, pool);
        CHECK_OK(mproc_process_create(&process[i], sleeper, NULL, pool, "o s I",
                                      diaries[i], i == 0 ? "three" : "six",
                                      seed_seconds(i == 0 ? 1.5 : 3)));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < joins; i++) {
        CHECK_OK(mproc_process_join(process[i], MPROC_FOREVER));
    }
    last = seed_say("last line, after %d joins", joins);
    for (i = 0; i < 2; i++) {
        process_expect(process[i], 0);
        CHECK((diary_at(diaries[i], 0)->ended <= last) == (i < joins));
    }
}

static void
section_s20(apr_pool_t *pool)
{
    int joins;

    for (joins = 0; joins <= 2; joins++) {
        two_run(joins, pool);
    }
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s1", section_s1},
                                              {"s13", section_s13},
                                              {"s15", section_s15},
                                              {"s20", section_s20},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    main_went_on = 1;
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
