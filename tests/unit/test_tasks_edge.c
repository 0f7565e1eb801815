/* test_tasks_edge.c: tasks at the edges of what may be asked for, and callbacks
 * and callers that come at bad times (PL5, PL7, PL20, PL26, PL33, PL38). */
#include "tasks.h"

typedef struct source_t {
    int next, end;
} source_t;

static apr_status_t
source_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    source_t *source = baton;
    return source->next == source->end
               ? APR_EOF
               : mproc_pack(item, pool, "i", source->next++);
}

/* Chunks, and what is fetched ahead, beyond all there is. */
static void
sizes_without_end(apr_pool_t *pool)
{
    mproc_task_options_t options = {0};
    source_t source = {0, 40};
    mproc_bytes_t results[40];
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    int i;
    pool_start(&workers, 2, pool);
    options.chunk = (apr_size_t)1 << (8 * sizeof options.chunk / 2);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_map_async(&async, workers, square,
                                                     numbers(40, pool), 40,
                                                     &options, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_async_get(async, results, test_deadline(), pool));
    CHECK_INT(39 * 39, number_of(results[39], pool));
    options.chunk = ~(apr_size_t)0 / 32 + 1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square, source_next, &source,
                                   &options, pool));
    for (i = 0; i < 40; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_imap_next(imap, results, test_deadline(), pool));
        CHECK_INT(i * i, number_of(results[0], pool));
    }
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, results, 0, pool));
    pool_end(workers);
}

static apr_status_t
nap(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int microseconds;
    apr_status_t rv = mproc_unpack(args, pool, "i", &microseconds);
    if (rv == APR_SUCCESS) {
        apr_sleep(microseconds);
        rv = mproc_reply(reply, "i", mproc_reply_attempt(reply));
    }
    return rv;
}

/* A time limit that no clock reaches. */
static void
a_limit_without_end(apr_pool_t *pool)
{
    mproc_task_options_t options = {.timeout = APR_INT64_MAX};
    mproc_bytes_t item, result;
    mproc_pool_t *workers;
    pool_start(&workers, 1, pool);
    mproc_pack(&item, pool, "i", 300 * 1000);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map(workers, nap, &item, 1, &options,
                                             &result, pool));
    CHECK_INT(1, number_of(result, pool));
    pool_end(workers);
}

/* A limit ends those that are over it, and never one that another's blow
 * hits. */
static void
a_limit_hits_nobody_else(apr_pool_t *pool)
{
    enum {
        COUNT = 150
    };
    mproc_task_options_t limited = {.timeout = 5000, .chunk = COUNT};
    mproc_bytes_t *items = apr_palloc(pool, COUNT * sizeof *items);
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_pool_stats_t stats;
    int i, lost = 0, good = 0;
    pool_start(&workers, 2, pool);
    for (i = 0; i < COUNT; i++) {
        mproc_pack(&items[i], pool, "i", i % 2 == 0 ? 4900 + 2 * i : 700);
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, nap, items, COUNT,
                                        &limited, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline()));
    for (i = 0; i < COUNT; i++) {
        apr_status_t rv = mproc_async_status(async, (apr_size_t)i);
        good += rv == APR_SUCCESS;
        lost += rv != APR_SUCCESS && rv != APR_TIMEUP;
    }
    CHECK_INT(0, lost);
    CHECK(good > 0);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(0, stats.lost);
    pool_end(workers);
}

/* X5: however many wait before it. */
static void
a_cancelled_one_is_told_at_once(apr_pool_t *pool)
{
    called_t called = {0};
    mproc_callbacks_t callbacks = {note_done, note_failed, &called};
    mproc_async_t *before, *async;
    mproc_pool_t *workers;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&before, workers, square,
                                                       NULL, pool, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&async, workers, square, &callbacks,
                                          pool, "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(async));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_async_get(async, NULL, test_deadline() / 4, pool));
    CHECK_INT(1, called.failed);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(before, NULL, test_deadline(), pool));
    pool_end(workers);
}

static apr_status_t
stop_here(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    test_stop(mproc_process_pid(mproc_process_current()));
    return APR_SUCCESS;
}

/* PL7: as long for many as for one. */
static void
terminate_takes_no_longer_for_many(apr_pool_t *pool)
{
    enum {
        COUNT = 6
    };
    apr_time_t limit = mproc_clock() + test_deadline(), began;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, COUNT, pool);
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_pool_apply_async(NULL, workers, stop_here, NULL, NULL, ""));
    }
    do {
        REQUIRE(mproc_clock() < limit);
        CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    } while (stats.running != COUNT);
    began = mproc_clock();
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK(mproc_clock() - began < 3 * APR_USEC_PER_SEC);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

static apr_status_t
make_a_value(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_value_t *made;
    int number;
    apr_status_t rv = mproc_unpack(args, pool, "i", &number);
    if (rv == APR_SUCCESS) {
        rv = mproc_value_create(&made, sizeof number, &number, pool);
    }
    return rv == APR_SUCCESS ? mproc_reply(reply, "o", made) : rv;
}

/* An imap's result may name objects; they live as long as its pool. */
static void
an_imap_gives_objects(apr_pool_t *pool)
{
    source_t source = {0, 20};
    mproc_bytes_t results[20];
    mproc_pool_t *workers;
    mproc_value_t *value;
    mproc_imap_t *imap;
    apr_pool_t *inner;
    int i;
    pool_start(&workers, 2, pool);
    apr_pool_create(&inner, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, make_a_value, source_next,
                                   &source, NULL, inner));
    for (i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_imap_next(imap, &results[i],
                                                    test_deadline(), inner));
    }
    for (i = 0; i < 20; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_unpack(results[i], inner, "o", &value));
        CHECK_INT(i, *(int *)mproc_value_data(value));
    }
    apr_pool_destroy(inner);
    pool_end(workers);
}

/* ------------------------------------------------------------- callbacks */

typedef struct bad_time_t {
    mproc_pool_t *workers;
    mproc_async_t *other;
    apr_status_t rv[5];
    atomic_int calls;
} bad_time_t;

static void
destroy_it(mproc_async_t *async, void *baton)
{
    bad_time_t *bad = baton;
    mproc_async_destroy(async);
    atomic_fetch_add(&bad->calls, 1);
}

static void
destroy_failed(mproc_async_t *async, apr_status_t status, void *baton)
{
    (void)status;
    destroy_it(async, baton);
}

/* A callback may free its async, at once. */
static void
callbacks_destroy_their_async(apr_pool_t *pool)
{
    enum {
        COUNT = 600
    };
    bad_time_t bad = {0};
    mproc_callbacks_t callbacks = {destroy_it, destroy_failed, &bad};
    mproc_async_t *async;
    int i;
    pool_start(&bad.workers, 2, pool);
    for (i = 0; i < COUNT; i++) {
        switch (i % 3) {
        case 0:
            CHECK_STATUS(APR_SUCCESS,
                         mproc_pool_map_async(&async, bad.workers, square, NULL,
                                              0, NULL, &callbacks, NULL));
            break;
        case 1:
            CHECK_STATUS(APR_SUCCESS, mproc_pool_apply_async(
                                          &async, bad.workers, not_by_three,
                                          &callbacks, NULL, "i", i));
            break;
        default: /* Though nobody asked for it. */
            CHECK_STATUS(APR_SUCCESS,
                         mproc_pool_apply_async(NULL, bad.workers, square,
                                                &callbacks, NULL, "i", i));
            break;
        }
    }
    pool_end(bad.workers);
    CHECK_INT(COUNT, atomic_load(&bad.calls));
}

static void
no_work(const void *in, void *out, void *baton)
{
    (void)in;
    (void)out;
    (void)baton;
}

static void
wait_inside(mproc_async_t *async, void *baton)
{
    bad_time_t *bad = baton;
    double out;
    int in = 1;
    (void)async;
    bad->rv[0] = mproc_async_get(bad->other, NULL, MPROC_FOREVER, NULL);
    bad->rv[1] =
        mproc_pool_apply(bad->workers, nap, NULL, MPROC_FOREVER, NULL, "i", 1);
    bad->rv[2] = mproc_pool_map_array(bad->workers, no_work, &in, 1, sizeof in,
                                      &out, sizeof out, NULL);
    bad->rv[3] = mproc_wait_results(&bad->other, 1, MPROC_ALL_SETTLED,
                                    MPROC_FOREVER, NULL);
    bad->rv[4] = mproc_pool_join(bad->workers, MPROC_FOREVER);
}

/* Who waits there would keep the pool from healing. */
static void
callbacks_do_not_wait(apr_pool_t *pool)
{
    bad_time_t bad = {0};
    mproc_callbacks_t callbacks = {wait_inside, NULL, &bad};
    mproc_async_t *async;
    blocked_t blocked;
    int i;
    pool_block(&blocked, &bad.workers, pool);
    bad.other = blocked.first;
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_map_async(&async, bad.workers, square, NULL, 0,
                                      NULL, &callbacks, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline() / 4));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(MPROC_ESTATE, bad.rv[i]);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    pool_end(bad.workers);
}

static void
send_another(mproc_async_t *async, void *baton)
{
    bad_time_t *bad = baton;
    mproc_callbacks_t callbacks = {send_another, NULL, bad};
    (void)async;
    if (atomic_fetch_add(&bad->calls, 1) < 50) {
        mproc_pool_apply_async(NULL, bad->workers, square, &callbacks, NULL,
                               "i", 3);
    }
    else {
        bad->rv[0] = mproc_pool_terminate(bad->workers);
    }
}

/* One that sends, one that terminates. */
static void
callbacks_use_the_pool(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    bad_time_t bad = {.rv = {-1}};
    mproc_callbacks_t callbacks = {send_another, NULL, &bad};
    pool_start(&bad.workers, 2, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply_async(NULL, bad.workers, square,
                                                     &callbacks, NULL, "i", 3));
    while (atomic_load(&bad.calls) < 51) {
        REQUIRE(mproc_clock() < limit);
        apr_sleep(1000);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(bad.workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(bad.workers, test_deadline()));
    mproc_pool_destroy(bad.workers);
    CHECK_STATUS(APR_SUCCESS, bad.rv[0]);
}

/* ---------------------------------------------------------------- workers */

static apr_status_t
meet(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    apr_status_t rv = mproc_unpack(args, pool, "o", &barrier);
    (void)reply;
    return rv == APR_SUCCESS
               ? mproc_barrier_wait(barrier, NULL, test_deadline())
               : rv;
}

/* Those that come later take part in what is under way. */
static void
a_bigger_pool_takes_part(apr_pool_t *pool)
{
    mproc_task_options_t options = {.chunk = 1};
    mproc_barrier_t *barrier;
    mproc_bytes_t items[3];
    mproc_async_t *async;
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&barrier, 3, NULL, NULL, pool));
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&items[i], pool, "o", barrier));
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, meet, items, 3,
                                        &options, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 3));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(async, NULL, test_deadline() / 2, pool));
    pool_end(workers);
}

static apr_status_t
numbers_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    int *next = baton;
    return mproc_pack(item, pool, "i", (*next)++);
}

/* X11: what runs ends well, all else as cancelled, of asyncs, of maps, of
 * imaps and what nobody asks for; and the pool takes work again. */
static void
all_are_cancelled(apr_pool_t *pool)
{
    enum {
        COUNT = 700
    };
    called_t called = {0};
    mproc_callbacks_t callbacks = {note_done, note_failed, &called};
    mproc_task_options_t ahead = {.buffersize = 4};
    mproc_async_t *map, *async;
    mproc_bytes_t items[COUNT], result;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    apr_uint64_t count;
    blocked_t blocked;
    int next = 0, i;
    CHECK_STATUS(APR_EINVAL, mproc_pool_cancel(NULL, &count));
    pool_block(&blocked, &workers, pool);
    for (i = 0; i < COUNT; i++) {
        mproc_pack(&items[i], pool, "i", i);
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&map, workers, square, items, COUNT,
                                        NULL, &callbacks, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(NULL, workers, square,
                                                       NULL, pool, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square, numbers_next, &next,
                                   &ahead, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_cancel(workers, &count));
    CHECK_INT(COUNT + 1 + next, count);
    CHECK(next > 0);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_cancel(workers, &count));
    CHECK_INT(0, count);
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_async_get(map, NULL, test_deadline() / 4, pool));
    CHECK_INT(1, called.failed);
    for (i = next; i > 0; i--) {
        CHECK_STATUS(MPROC_ECLOSED, mproc_imap_next(imap, &result, 0, pool));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&async, workers, square,
                                                       NULL, pool, "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(blocked.first, NULL, test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(async, &result, test_deadline(), pool));
    CHECK_INT(9, number_of(result, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_cancel(workers, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(stats.submitted, stats.settled);
    mproc_pool_destroy(workers);
}

static const test_case_t cases[] = {
    {"sizes_without_end", sizes_without_end},
    {"a_limit_without_end", a_limit_without_end},
    {"a_limit_hits_nobody_else", a_limit_hits_nobody_else},
    {"a_cancelled_one_is_told", a_cancelled_one_is_told_at_once},
    {"all_are_cancelled", all_are_cancelled},
    {"terminate_is_bounded", terminate_takes_no_longer_for_many},
    {"an_imap_gives_objects", an_imap_gives_objects},
    {"callbacks_destroy_their_async", callbacks_destroy_their_async},
    {"callbacks_do_not_wait", callbacks_do_not_wait},
    {"callbacks_use_the_pool", callbacks_use_the_pool},
    {"a_bigger_pool_takes_part", a_bigger_pool_takes_part},
    {NULL, NULL}};

const test_suite_t suite_tasks_edge = {"tasks_edge", 1, cases};
