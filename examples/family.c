/*
 * family.c: who is who among processes.
 *
 * Sections: s16, two processes tell who they are; s17, the same with
 * arguments; s39, twelve processes, joined and not; s40, the same as threads,
 * side by side.
 */
#include <mproc.h>

#include <apr_thread_proc.h>

#include <stdio.h>
#include <string.h>

#include "support/seed.h"

enum {
    MANY = 12
};

/* ------------------------------------------------- s16, s17: two of a kind */

/* What a class with its own run() is in C: data, and a function for it. */
typedef struct worker_t {
    const char *arg1, *arg2;
    diary_t *diary;
} worker_t;

static int
worker_run(const worker_t *worker)
{
    diary_begin(worker->diary);
    printf("pid %ld, parent %ld, %s, %s\n", (long)worker->diary->pid,
           (long)worker->diary->parent, worker->arg1, worker->arg2);
    /* The parent checks the arguments by a number made of them. */
    worker->diary->note = worker->arg1[0] * 256 + worker->arg2[0];
    return 0;
}

static int
worker_main(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    worker_t worker;
    int number;

    if (mproc_unpack(args, pool, "o i s s", &diaries, &number, &worker.arg1,
                     &worker.arg2) != APR_SUCCESS) {
        return 1;
    }
    worker.diary = diary_at(diaries, number);
    return worker_run(&worker);
}

static void
workers_run(const char *const arg1[2], const char *const arg2[2],
            apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(2, pool);
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    mproc_process_t *process[2];
    int i;

    for (i = 0; i < 2; i++) {
        CHECK_OK(mproc_process_create(&process[i], worker_main, NULL, pool,
                                      "o i s s", diaries, i, arg1[i], arg2[i]));
        CHECK_OK(mproc_process_start(process[i]));
    }
    for (i = 0; i < 2; i++) {
        diary_t *diary = diary_at(diaries, i);
        process_expect(process[i], 0);
        CHECK(diary->pid == mproc_process_pid(process[i]));
        CHECK(diary->parent == self);
        CHECK(diary->note == arg1[i][0] * 256 + arg2[i][0]);
    }
    CHECK(diary_at(diaries, 0)->pid != diary_at(diaries, 1)->pid);
}

static void
section_s16(apr_pool_t *pool)
{
    static const char *const none[] = {"-", "-"};

    workers_run(none, none, pool);
}

static void
section_s17(apr_pool_t *pool)
{
    static const char *const arg1[] = {"apple", "banana"};
    static const char *const arg2[] = {"red", "yellow"};

    workers_run(arg1, arg2, pool);
}

/* -------------------------------------------- s39, s40: twelve of a kind */

/* What each does, be it a process or a thread. */
static void
greet(diary_t *diary, apr_interval_time_t time)
{
    diary_begin(diary);
    printf("pid %ld, parent %ld\n", (long)diary->pid, (long)diary->parent);
    fflush(stdout);
    apr_sleep(time);
    diary_end(diary);
}

static int
greet_process(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t time;
    int number;

    if (mproc_unpack(args, pool, "o i I", &diaries, &number, &time) !=
        APR_SUCCESS) {
        return 1;
    }
    greet(diary_at(diaries, number), time);
    return 0;
}

static void
twelve_check(mproc_value_t *diaries, mproc_process_t **process)
{
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    int i, k;

    for (i = 0; i < MANY; i++) {
        process_expect(process[i], 0);
        CHECK(diary_at(diaries, i)->parent == self);
        CHECK(diary_at(diaries, i)->pid == mproc_process_pid(process[i]));
        for (k = 0; k < i; k++) {
            CHECK(diary_at(diaries, i)->pid != diary_at(diaries, k)->pid);
        }
    }
}

/* Joined, main's line comes last; not joined, it comes first. */
static void
twelve_run(int join, apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(MANY, pool);
    mproc_process_t *process[MANY];
    apr_array_header_t *children;
    apr_time_t line;
    int i;

    for (i = 0; i < MANY; i++) {
        CHECK_OK(mproc_process_create(&process[i], greet_process, NULL, pool,
                                      "o i I", diaries, i,
                                      seed_seconds(join ? 0 : 5)));
        CHECK_OK(mproc_process_start(process[i]));
    }
    if (!join) {
        CHECK_OK(mproc_process_active_children(&children, pool));
        CHECK(children->nelts == MANY);
    }
    for (i = 0; join && i < MANY; i++) {
        CHECK_OK(mproc_process_join(process[i], MPROC_FOREVER));
    }
    line = seed_say("%s join", join ? "with" : "without");
    twelve_check(diaries, process);
    for (i = 0; i < MANY; i++) {
        CHECK((diary_at(diaries, i)->ended <= line) == join);
    }
}

static void
section_s39(apr_pool_t *pool)
{
    twelve_run(1, pool);
    twelve_run(0, pool);
}

static void *APR_THREAD_FUNC
greet_thread(apr_thread_t *thread, void *diary)
{
    greet(diary, 0);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Threads: the same calls, one process. */
static void
section_s40(apr_pool_t *pool)
{
    apr_int64_t self = mproc_process_pid(mproc_process_current());
    static diary_t diary[MANY];
    apr_thread_t *thread[MANY];
    apr_status_t result, rv;
    int i;

    memset(diary, 0, sizeof diary);
    for (i = 0; i < MANY; i++) {
        rv = apr_thread_create(&thread[i], NULL, greet_thread, &diary[i], pool);
        if (!CHECK_OK(rv)) {
            return;
        }
    }
    for (i = 0; i < MANY; i++) {
        CHECK_OK(apr_thread_join(&result, thread[i]));
        CHECK(diary[i].ended > 0);
        CHECK(diary[i].pid == self);
        CHECK(diary[i].parent == 0);
    }
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s16", section_s16},
                                              {"s17", section_s17},
                                              {"s39", section_s39},
                                              {"s40", section_s40},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
