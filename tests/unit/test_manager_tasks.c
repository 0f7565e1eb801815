/* test_manager_tasks.c: what the tasks of a manager's pool say. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "kin.h"
#include "served_tasks.h"
#include "tasks.h"
#include "threads.h"

/* -------------------------------------------------------- as with any other */

/* What comes of it, without a pid. */
static void
said_note(char *text, apr_size_t size, apr_status_t rv)
{
    const char *detail = rv == APR_SUCCESS ? "" : mproc_error_detail();
    const char *pid = strstr(detail, "(pid ");
    const char *end = pid == NULL ? NULL : strchr(pid, ')');
    const char *ran = end == NULL ? NULL : strstr(end, ", after");
    if (end != NULL) {
        apr_snprintf(text, size, "%d: %.*s%.*s", (int)rv, (int)(pid - detail),
                     detail, ran == NULL ? 400 : (int)(ran - end), end);
    }
    else {
        apr_snprintf(text, size, "%d: %s", (int)rv, detail);
    }
}

#define SAID 20

/* The same calls, and what they said, on any pool. */
static void
calls_make(mproc_pool_t *workers, char said[SAID][500], apr_pool_t *pool)
{
    mproc_bytes_t result, results[10], *items = numbers(10, pool);
    mproc_task_options_t twice = {.retries = 2}, chunks = {.chunk = 3};
    mproc_task_options_t little = {.timeout = 30 * MS};
    mproc_async_t *async;
    mproc_lost_t lost;
    apr_status_t rv;
    int n = 0, i, good;
    rv = mproc_pool_apply(workers, square_there, &result, MPROC_FOREVER, pool,
                          "i", 12);
    said_note(said[n++], 500, rv);
    CHECK_INT(144, number_of(result, pool));
    rv = mproc_pool_apply(workers, square_there, NULL, MPROC_FOREVER, NULL, "s",
                          "x");
    CHECK_STATUS(APR_EINVAL, rv);
    CHECK_DETAIL("a number is needed");
    said_note(said[n++], 500, rv);
    rv = mproc_pool_map(workers, square_there, items, 10, &chunks, results,
                        pool);
    said_note(said[n++], 500, rv);
    for (i = 0; i < 10; i++) {
        CHECK_INT(i * i, number_of(results[i], pool));
    }
    rv =
        mproc_pool_map(workers, by_three_there, items, 10, NULL, results, pool);
    CHECK_STATUS(APR_EGENERAL, rv);
    said_note(said[n++], 500, rv);
    CHECK_INT(0, results[3].size);
    CHECK_INT(4, number_of(results[4], pool));
    rv = mproc_pool_map_async(&async, workers, by_three_there, items, 10,
                              &chunks, NULL, NULL);
    REQUIRE_STATUS(APR_SUCCESS, rv);
    CHECK_INT(10, mproc_async_count(async));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline()));
    CHECK(mproc_async_ready(async));
    CHECK_STATUS(APR_SUCCESS, mproc_async_successful(async, &good));
    CHECK_INT(0, good);
    said_note(said[n++], 500, mproc_async_status(async, 6));
    said_note(said[n++], 500, mproc_async_status(async, 7));
    said_note(said[n++], 500, mproc_async_status(async, 10));
    said_note(said[n++], 500, mproc_async_lost(async, 6, &lost));
    said_note(said[n++], 500, mproc_async_cancel(async));
    said_note(said[n++], 500, mproc_async_get(async, results, 0, pool));
    mproc_async_destroy(async);
    rv = mproc_pool_map_async(&async, workers, worker_end, items + 1, 1, NULL,
                              NULL, pool);
    REQUIRE_STATUS(APR_SUCCESS, rv);
    rv = mproc_async_get(async, results, test_deadline(), pool);
    CHECK_STATUS(MPROC_EWORKERLOST, rv);
    said_note(said[n++], 500, rv);
    CHECK_STATUS(APR_SUCCESS, mproc_async_lost(async, 0, &lost));
    CHECK_INT(1, lost.attempt);
    CHECK(lost.pid > 0 && lost.ran >= 0 && (lost.signal > 0 || lost.code != 0));
    CHECK_INT(0, results[0].size);
    rv = mproc_pool_map(workers, worker_end, items + 2, 1, &twice, results,
                        pool);
    said_note(said[n++], 500, rv);
    CHECK_INT(3, number_of(results[0], pool));
    rv = mproc_pool_map_async(&async, workers, sleep_for_ever, items, 1,
                              &little, NULL, pool);
    REQUIRE_STATUS(APR_SUCCESS, rv);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_async_get(async, results, test_deadline(), pool));
    CHECK_DETAIL("longer than its timeout");
    rv = mproc_pool_map(workers, square_there, NULL, 0, NULL, NULL, NULL);
    said_note(said[n++], 500, rv);
    rv = mproc_pool_map(workers, NULL, items, 1, NULL, NULL, NULL);
    said_note(said[n++], 500, rv);
    twice.retries = 1000;
    rv = mproc_pool_map(workers, square_there, items, 1, &twice, NULL, NULL);
    said_note(said[n++], 500, rv);
    said_note(said[n++], 500, mproc_pool_resize(workers, 0));
    said_note(said[n++], 500, mproc_pool_join(workers, MPROC_NOWAIT));
    REQUIRE(n <= SAID);
}

/* Results, statuses and sentences are those of a pool of this process. */
static void
it_says_what_others_do(apr_pool_t *pool)
{
    static char here[SAID][500], there[SAID][500];
    mproc_manager_t *manager = server_start(pool);
    mproc_manager_census_t before = census_of(manager);
    apr_pool_t *own;
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 2, pool);
    calls_make(workers, here, pool);
    mproc_pool_destroy(workers);
    REQUIRE_STATUS(APR_SUCCESS, apr_pool_create(&own, pool));
    workers = far_start(manager, NULL, 2, own);
    calls_make(workers, there, own);
    for (i = 0; i < SAID; i++) {
        CHECK_TEXT(here[i], there[i]);
    }
    apr_pool_destroy(own);
    census_settle(manager, &before);
    server_end(manager);
}

/* -------------------------------------------------------------------- imaps */

typedef struct source_t {
    int next, end;
    apr_status_t ends_with;
} source_t;

static apr_status_t
source_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    source_t *source = baton;
    return source->next == source->end
               ? source->ends_with
               : mproc_pack(item, pool, "i", source->next++);
}

static void
imaps_give(int unordered, apr_pool_t *pool)
{
    enum {
        COUNT = 100
    };
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 2, pool);
    mproc_manager_census_t before = census_of(manager);
    unsigned chunk;
    for (chunk = 0; chunk < 8; chunk += 3) {
        mproc_task_options_t options = {.chunk = chunk,
                                        .buffersize = chunk * 3};
        source_t source = {0, COUNT, APR_EGENERAL};
        unsigned char seen[COUNT] = {0};
        mproc_imap_t *imap;
        mproc_bytes_t result;
        apr_pool_t *own;
        apr_status_t rv;
        int i, bad = 0, wrong = 0, failed = 0;
        REQUIRE_STATUS(APR_SUCCESS, apr_pool_create(&own, pool));
        rv = (unordered ? mproc_pool_imap_unordered
                        : mproc_pool_imap)(&imap, workers, by_three_there,
                                           source_next, &source, &options, own);
        REQUIRE_STATUS(APR_SUCCESS, rv);
        CHECK(source.next < COUNT);
        for (i = 0; i < COUNT; i++) {
            int index;
            rv = mproc_imap_next(imap, &result, test_deadline(), own);
            index = (int)mproc_imap_index(imap);
            REQUIRE(index >= 0 && index < COUNT);
            wrong += seen[index]++ || (!unordered && index != i);
            if (rv == APR_SUCCESS) {
                bad += number_of(result, own) != index || index % 3 == 0;
            }
            else {
                failed += rv == APR_EGENERAL && index % 3 == 0;
            }
        }
        CHECK_INT(0, wrong);
        CHECK_INT(0, bad);
        CHECK_INT(34, failed);
        CHECK_STATUS(APR_EGENERAL,
                     mproc_imap_next(imap, NULL, MPROC_FOREVER, own));
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, MPROC_FOREVER, own));
        apr_pool_destroy(own);
    }
    census_settle(manager, &before);
    server_end(manager);
}

static void
an_imap_gives_in_order(apr_pool_t *pool)
{
    imaps_give(0, pool);
}

static void
an_imap_gives_as_they_come(apr_pool_t *pool)
{
    imaps_give(1, pool);
}

/* The first waits, and the second has come. */
typedef struct gates_t {
    waiting_t waiting;
    int next;
} gates_t;

static apr_status_t
gates_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    gates_t *gates = baton;
    if (gates->next == 2) {
        return APR_EOF;
    }
    if (gates->next++ == 1) { /* an open one */
        return mproc_pack(item, pool, "UU", HANDLE(gates->waiting.begun),
                          HANDLE(gates->waiting.begun));
    }
    return mproc_pack(item, pool, "UU", HANDLE(gates->waiting.begun),
                      HANDLE(gates->waiting.gate));
}

static void
an_imap_waits(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 2, NULL);
    gates_t gates[2] = {{.next = 0}, {.next = 0}};
    apr_time_t deadline = test_far();
    mproc_imap_t *ordered, *any;
    mproc_pool_stats_t stats;
    mproc_bytes_t result;
    waiting_make(&gates[0].waiting, pool);
    waiting_make(&gates[1].waiting, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_imap_unordered(
                                    &any, workers, gate_wait, gates_next,
                                    &gates[0], NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(any, &result, test_deadline(), pool));
    CHECK_INT(1, mproc_imap_index(any));
    CHECK_STATUS(APR_TIMEUP, mproc_imap_next(any, &result, 1 * MS, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_imap_next(any, &result, 0, pool));
    CHECK_DETAIL("mproc_imap_next: no result in this time");
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(gates[0].waiting.gate));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(any, &result, test_deadline(), pool));
    CHECK_INT(0, mproc_imap_index(any));
    CHECK_STATUS(APR_EOF, mproc_imap_next(any, &result, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&ordered, workers, gate_wait, gates_next,
                                   &gates[1], NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_event_wait(gates[1].waiting.begun, test_deadline()));
    CHECK_STATUS(APR_TIMEUP, mproc_imap_next(ordered, &result, 1 * MS, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(gates[1].waiting.gate));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(ordered, &result, test_deadline(), pool));
    CHECK_INT(0, mproc_imap_index(ordered));
    do { /* the other is done, too */
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        REQUIRE(mproc_clock() < deadline);
    } while (stats.settled < 4);
    mproc_pool_destroy(workers); /* before the imaps */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(ordered, &result, test_deadline(), pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(ordered, &result, 0, pool));
    server_end(manager);
}

/* ------------------------------------------------------------------ several */

static void
several_are_waited_for(apr_pool_t *pool)
{
    enum {
        COUNT = 6
    };
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 2, pool);
    mproc_pool_t *second = far_start(manager, NULL, 1, pool);
    mproc_async_t *asyncs[COUNT];
    apr_size_t settled = 0, index;
    waiting_t waiting;
    int i, seen = 0;
    waiting_send(&waiting, workers, pool);
    asyncs[0] = waiting.async;
    CHECK_STATUS(APR_TIMEUP, mproc_wait_results(asyncs, 1, MPROC_FIRST_SETTLED,
                                                1 * MS, &settled));
    CHECK_INT(0, settled);
    for (i = 1; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(
                                        &asyncs[i], i % 2 ? workers : second,
                                        by_three_there, NULL, pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_wait_results(asyncs, COUNT, MPROC_FIRST_SETTLED,
                                    test_deadline(), &settled));
    CHECK(settled >= 1 && settled < COUNT);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_wait_results(asyncs, COUNT, MPROC_FIRST_FAILED,
                                    test_deadline(), &settled));
    CHECK(settled >= 1 && settled < COUNT);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_wait_results(asyncs + 1, COUNT - 1, MPROC_ALL_SETTLED,
                                    test_deadline(), &settled));
    CHECK_INT(COUNT - 1, settled);
    CHECK_STATUS(
        APR_TIMEUP,
        mproc_wait_results(asyncs, COUNT, MPROC_ALL_SETTLED, 1 * MS, &settled));
    CHECK_INT(COUNT - 1, settled);
    for (i = 1; i < COUNT; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_as_completed(asyncs, COUNT, &index,
                                                     test_deadline()));
        REQUIRE(index > 0 && index < COUNT);
        CHECK(asyncs[index] == NULL);
        seen |= 1 << index;
    }
    CHECK_INT(62, seen);
    CHECK_STATUS(APR_TIMEUP, mproc_as_completed(asyncs, COUNT, &index, 1 * MS));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_as_completed(asyncs, COUNT, &index, test_deadline()));
    CHECK_INT(0, index);
    CHECK_STATUS(APR_EOF,
                 mproc_as_completed(asyncs, COUNT, &index, MPROC_FOREVER));
    server_end(manager);
}

/* Each of several threads waits for its own, at the same time. */
typedef struct mine_t {
    mproc_async_t *async[2];
} mine_t;

static apr_status_t
wait_for_mine(void *data)
{
    mine_t *mine = data;
    apr_size_t settled;
    return mproc_wait_results(mine->async, 2, MPROC_ALL_SETTLED, MPROC_FOREVER,
                              &settled);
}

static void
threads_wait_for_several(apr_pool_t *pool)
{
    enum {
        COUNT = 4
    };
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, COUNT + 1, pool);
    waiting_t waiting[COUNT];
    threads_t *threads[COUNT];
    mine_t mine[COUNT];
    int i;
    for (i = 0; i < COUNT; i++) {
        waiting_send(&waiting[i], workers, pool);
        mine[i].async[0] = waiting[i].async;
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(
                                        &mine[i].async[1], workers,
                                        square_there, NULL, pool, "i", i));
    }
    for (i = 0; i < COUNT; i++) {
        threads[i] = threads_start(1, wait_for_mine, &mine[i], pool);
        waiting_settle(manager, i + 1);
    }
    for (i = COUNT - 1; i >= 0; i--) { /* the last first */
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting[i].gate));
        threads_join(threads[i], APR_SUCCESS);
        waiting_settle(manager, i);
    }
    server_end(manager);
}

/* ------------------------------------------------------------------ messages
 */

/* Results come with as many messages as they need; one that fits in none is a
 * failure of its task. */
static void
results_are_larger_than_a_message(apr_pool_t *pool)
{
    enum {
        COUNT = 9
    };
    mproc_manager_options_t options = {.initializer = server_begin};
    mproc_bytes_t items[COUNT], results[COUNT];
    mproc_manager_t *manager;
    mproc_pool_t *workers;
    mproc_async_t *async;
    int i, size;
    options.net.max_message = 10000;
    REQUIRE_STATUS(APR_SUCCESS, functions_register());
    manager = manager_with(&options, pool);
    workers = far_start(manager, NULL, 2, pool);
    for (i = 0; i < COUNT; i++) {
        size = i == 5 ? 20000 : i * 1000;
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&items[i], pool, "i", size));
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, bytes_reply, items,
                                        COUNT, NULL, NULL, pool));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_async_get(async, results, test_deadline(), pool));
    CHECK_DETAIL("task 5: its result has 20000 bytes");
    for (i = 0; i < COUNT; i++) {
        CHECK_INT(i == 5 ? 0 : i * 1000, results[i].size);
        CHECK_STATUS(i == 5 ? MPROC_ETOOBIG : APR_SUCCESS,
                     mproc_async_status(async, (apr_size_t)i));
    }
    items[0] = (mproc_bytes_t){apr_pcalloc(pool, 20000), 20000};
    CHECK_STATUS(MPROC_ETOOBIG, mproc_pool_map(workers, bytes_reply, items, 1,
                                               NULL, results, pool));
    server_end(manager);
}

static const test_case_t cases[] = {
    {"it_says_what_others_do", it_says_what_others_do},
    {"an_imap_gives_in_order", an_imap_gives_in_order},
    {"an_imap_gives_as_they_come", an_imap_gives_as_they_come},
    {"an_imap_waits", an_imap_waits},
    {"several_are_waited_for", several_are_waited_for},
    {"threads_wait_for_several", threads_wait_for_several},
    {"results_are_larger", results_are_larger_than_a_message},
    {NULL, NULL}};

const test_suite_t suite_manager_tasks = {"manager_tasks", 1, cases};
