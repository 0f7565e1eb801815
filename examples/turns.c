/*
 * turns.c: one at a time, or all at once.
 *
 * Sections: s8, ten processes write a line each, with a lock and without;
 * s21, ten processes take one from a number in a file, without a lock; s22,
 * the same with a lock.
 */
#include <mproc.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/seed.h"

enum {
    MANY = 10,
    LINE = sizeof "hello 0\n" - 1
};

/* What all of a section share, and its file. */
typedef struct stage_t {
    mproc_value_t *diaries;
    mproc_lock_t *lock;
    mproc_event_t *go;
    const char *path;
    int locked;
} stage_t;

static apr_status_t
stage_unpack(stage_t *stage, int *self, apr_int64_t *second, mproc_bytes_t args,
             apr_pool_t *pool)
{
    apr_status_t rv =
        mproc_unpack(args, pool, "o o o s i i I", &stage->diaries, &stage->lock,
                     &stage->go, &stage->path, &stage->locked, self, second);

    if (rv == APR_SUCCESS) {
        diary_begin(diary_at(stage->diaries, *self));
        rv = mproc_event_wait(stage->go, MPROC_FOREVER);
    }
    if (rv == APR_SUCCESS && stage->locked) {
        rv = mproc_lock_acquire(stage->lock, MPROC_FOREVER);
    }
    return rv;
}

static apr_file_t *
file_open(const char *path, apr_int32_t flags, apr_pool_t *pool)
{
    apr_file_t *file = NULL;

    return apr_file_open(&file, path, flags | APR_FOPEN_BINARY,
                         APR_FPROT_OS_DEFAULT, pool) == APR_SUCCESS
               ? file
               : NULL;
}

/* Have a file with that text, run the ten on it, and read it. */
static void
stage_run(mproc_target_fn_t target, int locked, char *text, apr_size_t size,
          stage_t *stage, apr_pool_t *pool)
{
    mproc_process_t *process[MANY];
    apr_file_t *file;
    const char *folder;
    apr_size_t got = strlen(text);
    char *path;
    int i;

    stage->diaries = diaries_create(MANY, pool);
    CHECK_OK(mproc_lock_create(&stage->lock, pool));
    CHECK_OK(mproc_event_create(&stage->go, pool));
    CHECK_OK(apr_temp_dir_get(&folder, pool));
    path = apr_pstrcat(pool, folder, "/mproc-turns-XXXXXX", NULL);
    if (!CHECK_OK(apr_file_mktemp(
            &file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL,
            pool))) {
        return;
    }
    CHECK_OK(apr_file_write_full(file, text, got, NULL));
    apr_file_close(file);
    for (i = 0; i < MANY; i++) {
        CHECK_OK(mproc_process_create(
            &process[i], target, NULL, pool, "o o o s i i I", stage->diaries,
            stage->lock, stage->go, path, locked, i, seed_seconds(1)));
        CHECK_OK(mproc_process_start(process[i]));
    }
    diaries_wait_begun(stage->diaries, MANY);
    CHECK_OK(mproc_event_set(stage->go));
    for (i = 0; i < MANY; i++) {
        process_expect(process[i], 0);
    }
    file = file_open(path, APR_FOPEN_READ, pool);
    if (CHECK(file != NULL)) {
        apr_file_read_full(file, text, size - 1, &got);
        text[got] = '\0';
        apr_file_close(file);
    }
    apr_file_remove(path, pool);
}

/* --------------------------------------------------------- s8: ten lines */

/* The line goes out letter by letter. */
static int
hello(mproc_bytes_t args, apr_pool_t *pool)
{
    stage_t stage;
    apr_int64_t second;
    apr_file_t *file;
    int self, i;

    if (stage_unpack(&stage, &self, &second, args, pool) != APR_SUCCESS ||
        (file = file_open(stage.path, APR_FOPEN_WRITE | APR_FOPEN_APPEND,
                          pool)) == NULL) {
        return 1;
    }
    for (i = 0; i < LINE; i++) {
        const char *line = apr_psprintf(pool, "hello %d\n", self);
        if (apr_file_write_full(file, line + i, 1, NULL) != APR_SUCCESS) {
            return 2;
        }
        apr_thread_yield();
    }
    apr_file_close(file);
    return stage.locked && mproc_lock_release(stage.lock) != APR_SUCCESS;
}

static void
section_s8(apr_pool_t *pool)
{
    char text[MANY * LINE + 2] = "", mixed[MANY * LINE + 2] = "";
    stage_t stage;
    int i, whole = 0;

    stage_run(hello, 1, text, sizeof text, &stage, pool);
    seed_say("with the lock:\n%s", text);
    CHECK(strlen(text) == MANY * LINE);
    for (i = 0; i < MANY; i++) {
        const char *line = apr_psprintf(pool, "hello %d\n", i);
        const char *found = strstr(text, line);
        CHECK(found != NULL && (found - text) % LINE == 0);
    }
    stage_run(hello, 0, mixed, sizeof mixed, &stage, pool);
    for (i = 0; i < MANY; i++) {
        whole += strstr(mixed, apr_psprintf(pool, "hello %d\n", i)) != NULL;
    }
    /* Any mixture is right; but no letter is lost. */
    seed_say("without: %d of %d lines are whole", whole, MANY);
    CHECK(strlen(mixed) == MANY * LINE);
}

/* ------------------------------------- s21, s22: a number in a file */

static int
take_one(mproc_bytes_t args, apr_pool_t *pool)
{
    char text[8] = "";
    stage_t stage;
    apr_int64_t second;
    apr_file_t *file;
    apr_off_t begin = 0;
    diary_t *diary;
    int self;

    if (stage_unpack(&stage, &self, &second, args, pool) != APR_SUCCESS ||
        (file = file_open(stage.path, APR_FOPEN_READ | APR_FOPEN_WRITE,
                          pool)) == NULL) {
        return 1;
    }
    diary = diary_at(stage.diaries, self);
    diary_tick(diary);
    if (apr_file_read_full(file, text, 4, NULL) != APR_SUCCESS) {
        return 2;
    }
    apr_snprintf(text, sizeof text, "%4d", atoi(text) - 1);
    apr_sleep(second / 2);
    if (apr_file_seek(file, APR_SET, &begin) != APR_SUCCESS ||
        apr_file_write_full(file, text, 4, NULL) != APR_SUCCESS ||
        apr_file_close(file) != APR_SUCCESS) {
        return 3;
    }
    diary_end(diary);
    return stage.locked && mproc_lock_release(stage.lock) != APR_SUCCESS;
}

/* Whether two of the ten were at the number at the same time. */
static int
any_overlap(mproc_value_t *diaries)
{
    int i, k, overlaps = 0;

    for (i = 0; i < MANY; i++) {
        for (k = 0; k < i; k++) {
            const diary_t *a = diary_at(diaries, i), *b = diary_at(diaries, k);
            overlaps += a->last_tick < b->ended && b->last_tick < a->ended;
        }
    }
    return overlaps;
}

static int
number_run(int locked, stage_t *stage, apr_pool_t *pool)
{
    char text[8] = "  10";

    stage_run(take_one, locked, text, sizeof text, stage, pool);
    seed_say("%d less %d times 1 is %d", MANY, MANY, atoi(text));
    return atoi(text);
}

static void
section_s21(apr_pool_t *pool)
{
    stage_t stage;

    CHECK(number_run(0, &stage, pool) > 0);
    CHECK(any_overlap(stage.diaries));
}

static void
section_s22(apr_pool_t *pool)
{
    apr_time_t begin = mproc_clock();
    stage_t stage;

    CHECK(number_run(1, &stage, pool) == 0);
    CHECK(!any_overlap(stage.diaries));
    /* About the sum; a clock may be a millisecond off. */
    CHECK(mproc_clock() - begin >= MANY * (seed_seconds(0.5) - 1000));
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {{"s8", section_s8},
                                              {"s21", section_s21},
                                              {"s22", section_s22},
                                              {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
