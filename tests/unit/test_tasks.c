/* test_tasks.c: tasks of a pool and their results (PL12 to PL28, AR1 to AR4,
 * X5, X14, X15). */
#include "tasks.h"

/* PL12. */
static void
apply_one_after_another(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < 50; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply(workers, square, &result,
                                        test_deadline(), pool, "i", i));
        CHECK_INT(i * i, number_of(result, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), NULL, "i", 1));
    pool_end(workers);
}

/* PL13, AR1, AR3. */
static void
many_asyncs(apr_pool_t *pool)
{
    enum {
        COUNT = 3000
    };
    mproc_async_t **async = apr_palloc(pool, COUNT * sizeof(void *));
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i, good, wrong = 0;
    pool_start(&workers, 3, pool);
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async[i], workers, square, NULL,
                                              pool, "i", i));
    }
    for (i = COUNT - 1; i >= 0; i--) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_async_get(async[i], &result,
                                                    test_deadline(), pool));
        wrong += number_of(result, pool) != i * i;
    }
    CHECK_INT(0, wrong);
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(async[7], &result, 0, pool));
    CHECK_INT(1, mproc_async_ready(async[7]));
    CHECK_STATUS(APR_SUCCESS, mproc_async_successful(async[7], &good));
    CHECK_INT(1, good);
    pool_end(workers);
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(async[8], &result, 0, pool));
    CHECK_INT(64, number_of(result, pool));
}

/* PL14, PL15, PL21: all are run; the first failure by order is told. */
static void
map_tells_of_each(apr_pool_t *pool)
{
    static const int counts[] = {0, 1, 2, 12, 13, 1000};
    mproc_task_options_t options = {0};
    mproc_pool_t *workers;
    mproc_async_t *async;
    size_t c;
    int i, wrong;
    pool_start(&workers, 3, pool);
    for (c = 0; c < sizeof counts / sizeof *counts; c++) {
        int count = counts[c];
        mproc_bytes_t *items = numbers(count, pool);
        mproc_bytes_t *results =
            apr_pcalloc(pool, (apr_size_t)(count + 1) * sizeof *results);
        options.chunk = c % 2 == 0 ? 0 : 5;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_map(workers, square, items, (apr_size_t)count,
                                      &options, results, pool));
        for (i = wrong = 0; i < count; i++) {
            wrong += number_of(results[i], pool) != i * i;
        }
        CHECK_INT(0, wrong);
        if (count == 0) {
            continue;
        }
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_map_async(&async, workers, not_by_three,
                                            items, (apr_size_t)count, &options,
                                            NULL, pool));
        CHECK_STATUS(APR_EGENERAL,
                     mproc_async_get(async, results, test_deadline(), pool));
        CHECK_DETAIL("task 0");
        CHECK_DETAIL("0 is bad");
        for (i = wrong = 0; i < count; i++) {
            apr_status_t rv = mproc_async_status(async, (apr_size_t)i);
            wrong += i % 3 == 0 ? rv != APR_EGENERAL
                                : rv != APR_SUCCESS ||
                                      number_of(results[i], pool) != i;
        }
        CHECK_INT(0, wrong);
        CHECK_INT(count, mproc_async_count(async));
    }
    pool_end(workers);
}

static apr_status_t
say_big(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_bytes_t big = {NULL, 0};
    int size;
    mproc_unpack(args, pool, "i", &size);
    big.size = (apr_size_t)size;
    big.data = apr_pcalloc(pool, big.size + 1);
    memset((char *)(apr_uintptr_t)big.data, size % 251, big.size);
    return mproc_reply_bytes(reply, big);
}

static void
results_of_any_size(apr_pool_t *pool)
{
    static const int sizes[] = {0, 1, 15, 16, 17, 1000, 100000, 5000000};
    mproc_pool_t *workers;
    mproc_bytes_t result;
    size_t i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply(workers, say_big, &result,
                                        test_deadline(), pool, "i", sizes[i]));
        CHECK_INT(sizes[i], result.size);
        CHECK(sizes[i] == 0 ||
              ((const unsigned char *)result.data)[sizes[i] - 1] ==
                  sizes[i] % 251);
    }
    pool_end(workers);
}

/* A result that names an object; an argument, too. */
static apr_status_t
give_a_value(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_value_t *asked, *made;
    apr_status_t rv = mproc_unpack(args, pool, "o", &asked);
    if (rv == APR_SUCCESS) {
        rv = mproc_value_create(&made, sizeof(int), NULL, pool);
    }
    if (rv == APR_SUCCESS) {
        *(int *)mproc_value_data(made) = *(int *)mproc_value_data(asked) + 1;
        rv = mproc_reply(reply, "o", made);
    }
    return rv;
}

static void
objects_go_both_ways(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_value_t *value, *got;
    mproc_bytes_t result;
    apr_pool_t *inner;
    pool_start(&workers, 2, pool);
    apr_pool_create(&inner, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof(int), NULL, pool));
    *(int *)mproc_value_data(value) = 41;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply(workers, give_a_value, &result,
                                    test_deadline(), inner, "o", value));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(result, inner, "o", &got));
    CHECK_INT(42, *(int *)mproc_value_data(got));
    apr_pool_destroy(inner);
    pool_end(workers);
}

/* PL26, PL17: one of the two, once, before get returns. */
static void
callbacks_come_first(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < 100; i++) {
        called_t called = {0};
        mproc_callbacks_t callbacks = {note_done, note_failed, &called};
        mproc_async_t *async;
        mproc_bytes_t result;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async, workers, not_by_three,
                                              &callbacks, pool, "i", i));
        CHECK_STATUS(i % 3 == 0 ? APR_EGENERAL : APR_SUCCESS,
                     mproc_async_get(async, &result, test_deadline(), pool));
        CHECK_INT(i % 3 != 0, called.done);
        CHECK_INT(i % 3 == 0, called.failed);
        if (i % 3 == 0) {
            CHECK_INT(APR_EGENERAL, called.status);
            CHECK(strstr(called.detail, "is bad") != NULL);
        }
        mproc_async_destroy(async);
    }
    {
        called_t called = {0};
        mproc_callbacks_t callbacks = {note_done, note_failed, &called};
        mproc_async_t *async;
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_map_async(&async, workers, square, NULL, 0,
                                          NULL, &callbacks, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline()));
        CHECK_INT(1, called.done);
    }
    pool_end(workers);
}

/* PL25: nobody asks for them, and they are done all the same. */
static apr_status_t
count_up(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_value_t *value;
    apr_status_t rv = mproc_unpack(args, pool, "o", &value);
    (void)reply;
    if (rv == APR_SUCCESS) {
        atomic_fetch_add((atomic_int *)mproc_value_data(value), 1);
    }
    return rv;
}

static void
dropped_tasks_are_done(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_value_t *value;
    called_t called = {0};
    mproc_callbacks_t callbacks = {note_done, note_failed, &called};
    int i;
    pool_start(&workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof(int), NULL, pool));
    for (i = 0; i < 200; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(NULL, workers, count_up,
                                            i % 2 ? &callbacks : NULL, pool,
                                            "o", value));
    }
    pool_end(workers);
    CHECK_INT(200, atomic_load((atomic_int *)mproc_value_data(value)));
    CHECK_INT(100, called.calls);
}

/* AR1, AR2, AR4, X5. */
static void
cancelling(apr_pool_t *pool)
{
    mproc_async_t *second, *third;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    blocked_t blocked;
    int good;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&second, workers, square,
                                                       NULL, pool, "i", 2));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&third, workers, square,
                                                       NULL, pool, "i", 3));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_cancel(blocked.first));
    CHECK_STATUS(APR_TIMEUP, mproc_async_get(second, &result, 0, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_async_get(second, &result, -7, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_async_wait(second, 1000));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_successful(second, &good));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_status(second, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(second));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_cancel(second));
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(second, &result, 0, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_successful(second, &good));
    CHECK_INT(0, good);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(third, &result, test_deadline(), pool));
    CHECK_INT(9, number_of(result, pool));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_cancel(third));
    pool_end(workers);
}

typedef struct source_t {
    int next, end, fails;
} source_t;

static apr_status_t
source_next(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    source_t *source = baton;
    if (source->next == source->end) {
        return source->fails ? APR_EGENERAL : APR_EOF;
    }
    return mproc_pack(item, pool, "i", source->next++);
}

/* PL20 to PL24. */
static void
imap_in_order(apr_pool_t *pool)
{
    source_t source = {0, 1000, 0};
    mproc_task_options_t options = {0};
    mproc_bytes_t result;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    int i, chunk;
    pool_start(&workers, 3, pool);
    for (chunk = 0; chunk < 8; chunk += 7) {
        options.chunk = (apr_size_t)chunk;
        source.next = 0;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_imap(&imap, workers, not_by_three,
                                       source_next, &source, &options, pool));
        CHECK(source.next < 1000); /* Lazy. */
        for (i = 0; i < 1000; i++) {
            apr_status_t rv =
                mproc_imap_next(imap, &result, test_deadline(), pool);
            CHECK_INT(i, mproc_imap_index(imap));
            CHECK_STATUS(i % 3 == 0 ? APR_EGENERAL : APR_SUCCESS, rv);
            if (rv == APR_SUCCESS) {
                CHECK_INT(i, number_of(result, pool));
            }
        }
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
        CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
    }
    /* PL23. */
    source.next = 0;
    source.end = 5;
    source.fails = 1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square, source_next, &source,
                                   NULL, pool));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_imap_next(imap, &result, test_deadline(), pool));
    }
    CHECK_STATUS(APR_EGENERAL, mproc_imap_next(imap, &result, 0, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
    pool_end(workers);
}

static void
imap_as_they_come(apr_pool_t *pool)
{
    source_t source = {0, 2000, 0};
    char seen[2000] = {0};
    mproc_bytes_t result;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    int i, number, wrong = 0;
    pool_start(&workers, 3, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, square,
                                             source_next, &source, NULL, pool));
    for (i = 0; i < 2000; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_imap_next(imap, &result, test_deadline(), pool));
        number = (int)mproc_imap_index(imap);
        wrong += number_of(result, pool) != number * number;
        wrong += seen[number]++;
    }
    CHECK_INT(0, wrong);
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
    /* Half read, and dropped. */
    source.next = 0;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, square,
                                             source_next, &source, NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(imap, &result, test_deadline(), pool));
    pool_end(workers);
}

/* PL20: a time limit, and the same comes later. */
static void
imap_with_a_limit(apr_pool_t *pool)
{
    source_t source = {3, 5, 0};
    mproc_bytes_t result;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square, source_next, &source,
                                   NULL, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_imap_next(imap, &result, 0, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_imap_next(imap, &result, 1000, pool));
    mproc_event_set(blocked.event);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(imap, &result, test_deadline(), pool));
    CHECK_INT(9, number_of(result, pool));
    pool_end(workers);
}

/* X14, X15. */
static void
several_at_once(apr_pool_t *pool)
{
    mproc_async_t *async[4];
    mproc_pool_t *workers;
    blocked_t blocked;
    apr_size_t settled = 9, index;
    pool_block(&blocked, &workers, pool);
    async[0] = blocked.first;
    mproc_pool_apply_async(&async[1], workers, square, NULL, pool, "i", 1);
    mproc_pool_apply_async(&async[2], workers, not_by_three, NULL, pool, "i",
                           3);
    async[3] = async[1];
    CHECK_STATUS(APR_SUCCESS,
                 mproc_wait_results(NULL, 0, MPROC_ALL_SETTLED, 0, &settled));
    CHECK_INT(0, settled);
    CHECK_STATUS(APR_TIMEUP, mproc_wait_results(async, 4, MPROC_FIRST_SETTLED,
                                                1000, &settled));
    CHECK_INT(0, settled);
    CHECK_STATUS(APR_TIMEUP, mproc_as_completed(async, 4, &index, 1000));
    CHECK_DETAIL("4 of 4");
    CHECK_STATUS(APR_EINVAL,
                 mproc_wait_results(async, 4, (mproc_wait_for_e)7, 0, NULL));
    mproc_event_set(blocked.event);
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_FIRST_FAILED,
                                                 test_deadline(), &settled));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_ALL_SETTLED,
                                                 test_deadline(), &settled));
    CHECK_INT(4, settled);
    for (settled = 0;
         mproc_as_completed(async, 4, &index, test_deadline()) == APR_SUCCESS;
         settled++) {
        CHECK(async[index] == NULL);
    }
    CHECK_INT(4, settled);
    CHECK_STATUS(APR_EOF, mproc_as_completed(async, 4, &index, 0));
    pool_end(workers);
}

/* PL38: what was counted is there when the results are. */
static void
figures_are_exact(apr_pool_t *pool)
{
    enum {
        COUNT = 30,
        ROUNDS = 60
    };
    mproc_task_options_t options = {.chunk = 4};
    mproc_pool_stats_t stats;
    mproc_async_t *async[COUNT], *map;
    mproc_pool_t *workers;
    apr_uint64_t sent = 0, wrong = 0;
    int round, i;
    pool_start(&workers, 3, pool);
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < COUNT; i++) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_pool_apply_async(&async[i], workers, square,
                                                  NULL, pool, "i", i));
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_map_async(&map, workers, square,
                                                         numbers(round, pool),
                                                         (apr_size_t)round,
                                                         &options, NULL, pool));
        sent += (apr_uint64_t)(COUNT + round);
        for (i = 0; i < COUNT; i++) {
            CHECK_STATUS(APR_SUCCESS, mproc_async_get(async[i], NULL,
                                                      test_deadline(), NULL));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_async_wait(map, test_deadline()));
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        wrong += stats.submitted != sent || stats.settled != sent ||
                 stats.run != sent || stats.running != 0;
    }
    CHECK_INT(0, wrong);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(sent, stats.submitted);
    CHECK_INT(sent, stats.settled);
    CHECK_INT(sent, stats.run);
    CHECK_INT(sent, stats.tasks_of_ended);
    CHECK_INT(0, stats.workers);
    CHECK_INT(3, stats.started);
    mproc_pool_destroy(workers);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 1};
    mproc_task_options_t task = {.retries = 1000};
    mproc_pool_t *workers;
    mproc_async_t *async;
    mproc_bytes_t result;
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_apply(NULL, square, NULL, 0, pool, "i", 1));
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_apply(workers, NULL, NULL, 0, pool, "i", 1));
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_apply(workers, square, &result, 0, NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_apply(workers, square, NULL, 0, pool, "?", 1));
    CHECK_STATUS(APR_EINVAL, mproc_pool_map_async(&async, workers, square, NULL,
                                                  3, NULL, NULL, pool));
    CHECK(async == NULL);
    result.size = 0;
    CHECK_STATUS(APR_EINVAL, mproc_pool_map(workers, square, &result, 1, &task,
                                            NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_async_wait(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_async_cancel(NULL));
    CHECK_INT(0, mproc_async_ready(NULL));
    mproc_async_destroy(NULL);
    /* PL28: what does not unpack fails its task only. */
    CHECK_STATUS(APR_EINVAL,
                 mproc_pool_apply(workers, square, NULL, test_deadline(), pool,
                                  "s", "text"));
    CHECK_DETAIL("a number is needed");
    pool_end(workers);
    options.retries = -1;
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(&workers, &options, pool));
    options.retries = 0;
    options.max_tasks_per_child = -1;
    CHECK_STATUS(APR_EINVAL, mproc_pool_create(&workers, &options, pool));
}

static const test_case_t cases[] = {
    {"apply_one_after_another", apply_one_after_another},
    {"many_asyncs", many_asyncs},
    {"map_tells_of_each", map_tells_of_each},
    {"results_of_any_size", results_of_any_size},
    {"objects_go_both_ways", objects_go_both_ways},
    {"callbacks_come_first", callbacks_come_first},
    {"dropped_tasks_are_done", dropped_tasks_are_done},
    {"cancelling", cancelling},
    {"imap_in_order", imap_in_order},
    {"imap_as_they_come", imap_as_they_come},
    {"imap_with_a_limit", imap_with_a_limit},
    {"several_at_once", several_at_once},
    {"figures_are_exact", figures_are_exact},
    {"misuse_is_a_status", misuse_is_a_status},
    {NULL, NULL}};

const test_suite_t suite_tasks = {"tasks", 1, cases};
