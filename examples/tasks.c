/*
 * tasks.c: tasks by a pool of workers.
 *
 * Sections: s2, a map; s3, of pairs; s36, the same by five; s30, a queue in a
 * task; s31, one after another; s32, five that nobody waits for; s33, results
 * collected first and got later; s37, by turns, and one that takes too long;
 * s44, a list and a stream of results; s45, a list of what is under way, and
 * the trap of getting each at once; s47, computing and waiting in processes,
 * in threads, and in neither.
 */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "support/seed.h"

enum {
    MOST = 16
};

/* ----------------------------------------------------------------- the tasks
 */

static apr_status_t
square(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_status_t rv;
    int x;

    rv = mproc_unpack(args, pool, "i", &x);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", x * x) : rv;
}

static apr_status_t
add(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_status_t rv;
    int x, y;

    rv = mproc_unpack(args, pool, "i i", &x, &y);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", x + y) : rv;
}

/* Add after a while. */
static apr_status_t
add_slowly(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_int64_t time;
    apr_status_t rv;
    int x, y;

    rv = mproc_unpack(args, pool, "i i I", &x, &y, &time);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_sleep(time);
    return mproc_reply(reply, "i", x + y);
}

/* Note in a diary when it began and ended, and who did it. */
static apr_status_t
take_time(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t time;
    apr_status_t rv;
    int i;

    (void)reply;
    rv = mproc_unpack(args, pool, "o i I", &diaries, &i, &time);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    diary_begin(diary_at(diaries, i));
    printf("task %d: begins in %d\n", i, (int)diary_at(diaries, i)->pid);
    fflush(stdout);
    apr_sleep(time);
    printf("task %d: ends\n", i);
    fflush(stdout);
    diary_end(diary_at(diaries, i));
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- helpers
 */

static mproc_pool_t *
workers_create(int count, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = count};
    mproc_pool_t *workers;

    CHECK_OK(mproc_pool_create(&workers, &options, pool));
    return workers;
}

static void
workers_end(mproc_pool_t *workers)
{
    CHECK_OK(mproc_pool_close(workers));
    CHECK_OK(mproc_pool_join(workers, MPROC_FOREVER));
    mproc_pool_destroy(workers);
}

/* Arguments for a map over a range: from, from + 1 ... */
static mproc_bytes_t *
range(int from, int count, apr_pool_t *pool)
{
    mproc_bytes_t *items = apr_palloc(pool, (apr_size_t)count * sizeof *items);
    int i;

    for (i = 0; i < count; i++) {
        CHECK_OK(mproc_pack(items + i, pool, "i", from + i));
    }
    return items;
}

/* "[0, 1, 4]", of results that are one number each. */
static const char *
list_text(const mproc_bytes_t *results, int count, apr_pool_t *pool)
{
    const char *text = "[";
    int i, number;

    for (i = 0; i < count; i++) {
        CHECK_OK(mproc_unpack(results[i], pool, "i", &number));
        text = apr_psprintf(pool, "%s%s%d", text, i > 0 ? ", " : "", number);
    }
    return apr_pstrcat(pool, text, "]", NULL);
}

static int
number_of(mproc_bytes_t result, apr_pool_t *pool)
{
    int number = -1;

    CHECK_OK(mproc_unpack(result, pool, "i", &number));
    return number;
}

static int
text_is(const char *text, const char *wanted)
{
    seed_say("%s", text);
    return strcmp(text, wanted) == 0;
}

/* --------------------------------------------------------- s2, s3, s36: maps
 */

static void
section_s2(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(4, pool);
    mproc_bytes_t results[10];

    CHECK_OK(mproc_pool_map(workers, square, range(0, 10, pool), 10, NULL,
                            results, pool));
    CHECK(text_is(list_text(results, 10, pool),
                  "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"));
    workers_end(workers);
}

/* Python's starmap(add, zip(range(0, 6), range(6, 12))): what a task gets is
 * bytes, and so may be several values. */
static void
section_s3(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(4, pool);
    mproc_bytes_t items[6], results[6];
    int i;

    for (i = 0; i < 6; i++) {
        CHECK_OK(mproc_pack(items + i, pool, "i i", i, 6 + i));
    }
    CHECK_OK(mproc_pool_map(workers, add, items, 6, NULL, results, pool));
    CHECK(text_is(list_text(results, 6, pool), "[6, 8, 10, 12, 14, 16]"));
    workers_end(workers);
}

static void
section_s36(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(5, pool);
    mproc_bytes_t results[3];

    CHECK_OK(mproc_pool_map(workers, square, range(1, 3, pool), 3, NULL,
                            results, pool));
    CHECK(text_is(list_text(results, 3, pool), "[1, 4, 9]"));
    workers_end(workers);
}

/* ------------------------------------------------------ s30: a queue in a task
 */

static apr_status_t
put(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    apr_status_t rv;
    int number;

    (void)reply;
    rv = mproc_unpack(args, pool, "o i", &queue, &number);
    return rv == APR_SUCCESS
               ? mproc_queue_putf(queue, MPROC_FOREVER, "i", number)
               : rv;
}

static void
section_s30(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(3, pool);
    int i, number, seen = 0;
    mproc_queue_t *queue;

    CHECK_OK(mproc_queue_create(&queue, 0, pool));
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_pool_apply_async(NULL, workers, put, NULL, pool, "o i",
                                        queue, i));
    }
    workers_end(workers);
    while (mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &number) ==
           APR_SUCCESS) {
        seen |= 1 << number;
    }
    seed_say("all are in the queue: %d", seen == (1 << 5) - 1);
    CHECK(seen == (1 << 5) - 1);
}

/* --------------------------------------------------- s31, s32: apply and async
 */

static void
section_s31(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(3, pool);
    mproc_value_t *diaries = diaries_create(10, pool);
    int i, k, pids = 0;

    for (i = 0; i < 10; i++) {
        CHECK_OK(mproc_pool_apply(workers, take_time, NULL, MPROC_FOREVER, pool,
                                  "o i I", diaries, i, seed_seconds(0.1)));
    }
    workers_end(workers);
    for (i = 0; i < 10; i++) {
        diary_t *diary = diary_at(diaries, i);

        CHECK(i == 0 || diary->began >= diary_at(diaries, i - 1)->ended);
        for (k = 0; k < i && diary_at(diaries, k)->pid != diary->pid; k++) {
        }
        pids += k == i;
    }
    seed_say("one after another, by %d workers", pids);
    CHECK(pids <= 3);
}

static void
five_send(mproc_pool_t *workers, mproc_value_t *diaries,
          apr_interval_time_t time, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_pool_apply_async(NULL, workers, take_time, NULL, pool,
                                        "o i I", diaries, i, time));
    }
}

/* How many have ended, and how many were at it at one time. */
static int
ended_count(mproc_value_t *diaries, int count, int *together)
{
    int i, k, ended = 0;

    *together = 0;
    for (i = 0; i < count; i++) {
        apr_time_t began = diary_at(diaries, i)->began;
        int now = 0;

        for (k = 0; k < count; k++) {
            now += diary_at(diaries, k)->began <= began &&
                   diary_at(diaries, k)->ended > began;
        }
        *together = now > *together ? now : *together;
        ended += diary_at(diaries, i)->ended != 0;
    }
    return ended;
}

/* A program that sends five tasks, and waits for nothing. */
static int
hasty(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *diaries;
    apr_int64_t time;

    if (mproc_unpack(args, pool, "o I", &diaries, &time) != APR_SUCCESS) {
        return 1;
    }
    five_send(workers_create(3, pool), diaries, time, pool);
    return 0;
}

static void
section_s32(apr_pool_t *pool)
{
    mproc_value_t *diaries = diaries_create(5, pool);
    mproc_pool_t *workers = workers_create(3, pool);
    mproc_process_t *process;
    int ended, together;

    five_send(workers, diaries, seed_seconds(1), pool);
    seed_say("all are sent");
    workers_end(workers);
    ended = ended_count(diaries, 5, &together);
    seed_say("%d have ended, up to %d at one time", ended, together);
    CHECK(ended == 5 && together >= 1 && together <= 3);

    diaries = diaries_create(5, pool);
    CHECK_OK(mproc_process_create(&process, hasty, NULL, pool, "o I", diaries,
                                  seed_seconds(50)));
    CHECK_OK(mproc_process_start(process));
    process_expect(process, 0);
    ended = ended_count(diaries, 5, &together);
    seed_say("without close and join, %d", ended);
    CHECK(ended == 0);
}

/* ---------------------------------------------------- s33: results, got later
 */

static void
section_s33(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(3, pool);
    mproc_async_t *asyncs[5];
    mproc_bytes_t results[5];
    int i;

    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_pool_apply_async(asyncs + i, workers, square, NULL, pool,
                                        "i", i));
    }
    CHECK_OK(mproc_pool_close(workers));
    CHECK_OK(mproc_pool_join(workers, MPROC_FOREVER));
    for (i = 0; i < 5; i++) {
        CHECK_OK(mproc_async_get(asyncs[i], results + i, MPROC_NOWAIT, pool));
    }
    CHECK(text_is(list_text(results, 5, pool), "[0, 1, 4, 9, 16]"));
    mproc_pool_destroy(workers);
}

/* --------------------------------------------- s37: in any order; too long */

/* Numbers from *at on, up to and without 10. */
static apr_status_t
next_number(mproc_bytes_t *item, void *at, apr_pool_t *pool)
{
    return *(int *)at < 10 ? mproc_pack(item, pool, "i", (*(int *)at)++)
                           : APR_EOF;
}

static void
section_s37(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(4, pool);
    apr_time_t began = mproc_clock();
    mproc_bytes_t results[10], result;
    mproc_async_t *async;
    mproc_imap_t *imap;
    apr_status_t rv;
    int at = 0, sum = 0, count = 0;

    CHECK_OK(mproc_pool_map(workers, square, range(0, 10, pool), 10, NULL,
                            results, pool));
    CHECK(text_is(list_text(results, 10, pool),
                  "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"));

    CHECK_OK(mproc_pool_imap_unordered(&imap, workers, square, next_number, &at,
                                       NULL, pool));
    while ((rv = mproc_imap_next(imap, &result, MPROC_FOREVER, pool)) ==
           APR_SUCCESS) {
        CHECK(number_of(result, pool) ==
              number_of(results[mproc_imap_index(imap)], pool));
        sum += number_of(result, pool);
        count++;
    }
    seed_say("%d in any order, together %d", count, sum);
    CHECK(rv == APR_EOF && count == 10 && sum == 285);

    /* Not scaled: it is for machines that are very busy. */
    CHECK_OK(
        mproc_pool_apply_async(&async, workers, square, NULL, pool, "i", 10));
    CHECK_OK(mproc_async_get(async, &result, apr_time_from_sec(10), pool));
    seed_say("%d", number_of(result, pool));
    CHECK(number_of(result, pool) == 100);

    CHECK_OK(mproc_pool_apply_async(&async, workers, add_slowly, NULL, pool,
                                    "i i I", 1, 2, seed_seconds(500)));
    rv = mproc_async_get(async, &result, seed_seconds(1), pool);
    seed_say("too long: %d", APR_STATUS_IS_TIMEUP(rv));
    CHECK(APR_STATUS_IS_TIMEUP(rv));
    CHECK_OK(mproc_pool_terminate(workers));
    CHECK_OK(mproc_pool_join(workers, MPROC_FOREVER));
    CHECK(mproc_async_get(async, NULL, MPROC_FOREVER, pool) == MPROC_ECLOSED);
    mproc_pool_destroy(workers);
    CHECK(mproc_clock() - began < seed_seconds(500));
}

/* ------------------------------------------------ s44: a list, and a stream */

typedef struct pairs_t {
    mproc_value_t *done; /* how many have been */
    apr_interval_time_t time;
    int at;
} pairs_t;

/* Add, and count. */
static apr_status_t
add_counted(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_value_t *done;
    apr_int64_t time;
    apr_status_t rv;
    int x, y;

    rv = mproc_unpack(args, pool, "o [i i] I", &done, &x, &y, &time);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_sleep(time);
    atomic_fetch_add((_Atomic int *)mproc_value_data(done), 1);
    return mproc_reply(reply, "i", x + y);
}

/* Several arguments, packed into one item. */
static apr_status_t
next_pair(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    pairs_t *pairs = baton;
    int i = pairs->at++;

    return i < MOST ? mproc_pack(item, pool, "o [i i] I", pairs->done, i,
                                 10 * i, pairs->time)
                    : APR_EOF;
}

static void
section_s44(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(4, pool);
    mproc_bytes_t items[MOST], results[MOST], result;
    pairs_t pairs = {NULL, seed_seconds(0.5), 0};
    mproc_imap_t *imap;
    _Atomic int *done;
    int i, then = MOST;

    CHECK_OK(mproc_raw_value_create(&pairs.done, sizeof *done, NULL, pool));
    done = mproc_value_data(pairs.done);
    for (i = 0; i < MOST; i++) {
        CHECK_OK(next_pair(items + i, &pairs, pool));
    }
    CHECK_OK(
        mproc_pool_map(workers, add_counted, items, MOST, NULL, results, pool));
    seed_say("the list is there when %d of %d are done", *done, MOST);
    CHECK(*done == MOST);

    *done = 0;
    pairs.at = 0;
    CHECK_OK(mproc_pool_imap(&imap, workers, add_counted, next_pair, &pairs,
                             NULL, pool));
    for (i = 0; i < MOST; i++) {
        CHECK_OK(mproc_imap_next(imap, &result, MPROC_FOREVER, pool));
        then = i == 0 ? *done : then;
        CHECK(number_of(result, pool) == 11 * i &&
              number_of(results[i], pool) == 11 * i);
    }
    seed_say("the stream begins when %d are done", then);
    CHECK(then < MOST);
    CHECK(mproc_imap_next(imap, NULL, MPROC_FOREVER, pool) == APR_EOF);
    workers_end(workers);
}

/* ------------------------------------------------- s45: a list, and the trap
 */

/* Send eight tasks, and get each result at once or, when all are sent, later.
 * Returns the time that took. */
static apr_interval_time_t
eight_get(mproc_pool_t *workers, int at_once, apr_pool_t *pool)
{
    apr_time_t began = mproc_clock();
    mproc_async_t *asyncs[8];
    mproc_bytes_t results[8];
    int i;

    for (i = 0; i < 8; i++) {
        CHECK_OK(mproc_pool_apply_async(asyncs + i, workers, add_slowly, NULL,
                                        pool, "i i I", i, i + 1,
                                        seed_seconds(0.5)));
        if (at_once) {
            CHECK_OK(mproc_async_get(asyncs[i], results + i,
                                     apr_time_from_sec(60), pool));
        }
    }
    for (i = 0; i < 8; i++) {
        CHECK_OK(mproc_async_get(asyncs[i], results + i, apr_time_from_sec(60),
                                 pool));
    }
    CHECK(text_is(list_text(results, 8, pool), "[1, 3, 5, 7, 9, 11, 13, 15]"));
    return mproc_clock() - began;
}

static void
section_s45(apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(4, pool);
    apr_interval_time_t later, at_once;

    later = eight_get(workers, 0, pool);
    at_once = eight_get(workers, 1, pool);
    seed_say("the trap takes %.1f times as long",
             (double)at_once / (double)later);
    CHECK(at_once >= 8 * seed_seconds(0.5));
    CHECK(at_once > later);
    workers_end(workers);
}

/* ---------------------------------------------------- s47: who wins what */

typedef struct job_t {
    apr_int64_t waits; /* microseconds; 0: it computes */
    apr_int64_t steps;
    apr_uint64_t result;
} job_t;

static void
job_do(job_t *job)
{
    apr_uint64_t x = 1;
    apr_int64_t i;

    if (job->waits > 0) {
        apr_sleep(job->waits);
    }
    for (i = 0; i < job->steps; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
    }
    job->result = x;
}

static void
job_map(const void *in, void *out, void *baton)
{
    (void)baton;
    *(job_t *)out = *(const job_t *)in;
    job_do(out);
}

static void *APR_THREAD_FUNC
job_thread(apr_thread_t *thread, void *job)
{
    job_do(job);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static apr_interval_time_t
serial(job_t *jobs, int count)
{
    apr_time_t began = mproc_clock();
    int i;

    for (i = 0; i < count; i++) {
        job_do(jobs + i);
    }
    return mproc_clock() - began;
}

static apr_interval_time_t
threads(job_t *jobs, int count, apr_pool_t *pool)
{
    apr_time_t began = mproc_clock();
    apr_thread_t *thread[MOST];
    apr_status_t rv;
    int i;

    for (i = 0; i < count; i++) {
        CHECK_OK(
            apr_thread_create(thread + i, NULL, job_thread, jobs + i, pool));
    }
    for (i = 0; i < count; i++) {
        CHECK_OK(apr_thread_join(&rv, thread[i]));
    }
    return mproc_clock() - began;
}

static apr_interval_time_t
processes(mproc_pool_t *workers, job_t *jobs, int count)
{
    apr_time_t began = mproc_clock();
    job_t results[MOST];

    CHECK_OK(mproc_pool_map_array(workers, job_map, jobs, (apr_size_t)count,
                                  sizeof *jobs, results, sizeof *jobs, NULL));
    memcpy(jobs, results, (apr_size_t)count * sizeof *jobs);
    return mproc_clock() - began;
}

/* Eight of the same, in three ways. Returns how much faster than one after
 * another threads were, and processes. */
static void
compare(const char *what, job_t job, double *by_threads, double *by_processes,
        apr_pool_t *pool)
{
    mproc_pool_t *workers = workers_create(8, pool);
    job_t one[8], two[8], three[8];
    apr_interval_time_t alone;
    int i;

    for (i = 0; i < 8; i++) {
        one[i] = two[i] = three[i] = job;
    }
    CHECK_OK(mproc_pool_apply(workers, square, NULL, MPROC_FOREVER, pool, "i",
                              1)); /* they run */
    alone = serial(one, 8);
    *by_threads = (double)alone / (double)threads(two, 8, pool);
    *by_processes = (double)alone / (double)processes(workers, three, 8);
    seed_say("%s: threads %.1f times as fast, processes %.1f times", what,
             *by_threads, *by_processes);
    for (i = 0; i < 8; i++) {
        CHECK(one[i].result == two[i].result &&
              one[i].result == three[i].result);
    }
    workers_end(workers);
}

/* Here threads win computing, too: there is no lock of an interpreter's. How
 * much depends on how busy the machine is, and is not checked. */
static void
section_s47(apr_pool_t *pool)
{
    job_t computes = {0, 5000000, 0}, waits = {seed_seconds(1), 0, 0};
    double by_threads, by_processes;

    compare("computing", computes, &by_threads, &by_processes, pool);
    compare("waiting", waits, &by_threads, &by_processes, pool);
    CHECK(by_threads > 1.5 && by_processes > 1.5);
}

int
main(int argc, const char *const *argv)
{
    static const seed_section_t sections[] = {
        {"s2", section_s2},   {"s3", section_s3},   {"s36", section_s36},
        {"s30", section_s30}, {"s31", section_s31}, {"s32", section_s32},
        {"s33", section_s33}, {"s37", section_s37}, {"s44", section_s44},
        {"s45", section_s45}, {"s47", section_s47}, {NULL, NULL}};

    mproc_initialize(argc, argv);
    return seed_run(argc, argv, MPROC_START_SPAWN, sections);
}
