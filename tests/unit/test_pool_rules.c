/* test_pool_rules.c: what users of pools elsewhere rely on, rule by rule (PL1,
 * PL2, PL5, PL6, PL9 to PL12, PL17, PL18, PL24, PL26, PL29, PL32 to PL35, AR3,
 * X9, X13 to X16). */
#include "tasks.h"

static void
nothing_to_do(const void *in, void *out, void *baton)
{
    (void)in;
    (void)out;
    (void)baton;
}

static apr_status_t
no_items(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    (void)item;
    (void)baton;
    (void)pool;
    return APR_EOF;
}

/* ------------------------------------------------------------------ making */

/* PL1: as many as there are processors; they are named, and daemonic. */
static void
as_many_as_processors(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.name = "Clerk"};
    apr_array_header_t *children;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    int i;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(mproc_cpu_count(), stats.workers);
    CHECK_INT(stats.workers, stats.started);
    CHECK_INT(0, stats.submitted);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHECK_INT(stats.workers, children->nelts);
    for (i = 0; i < children->nelts; i++) {
        mproc_process_t *child = APR_ARRAY_IDX(children, i, mproc_process_t *);
        CHECK(strncmp(mproc_process_name(child), "Clerk-", 6) == 0);
        CHECK_INT(1, mproc_process_daemon(child));
    }
    pool_end(workers);
}

/* PL1: all of them, or none. */
static void
one_cannot_be_started(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 30};
    apr_array_header_t *children;
    mproc_pool_t *workers;
    apr_status_t rv;
    options.start_method = test_method();
    start_server(pool);
    if (!test_handles_limit(20)) {
        test_skip("handles cannot be limited here");
    }
    rv = mproc_pool_create(&workers, &options, pool);
    test_handles_limit(-1);
    CHECK(rv != APR_SUCCESS);
    CHECK(mproc_error_detail()[0] != '\0');
    CHECK(workers == NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHECK_INT(0, children->nelts);
    pool_start(&workers, 3, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    pool_end(workers);
}

static int
never_started(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static apr_status_t
start_others(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_pool_t *workers;
    apr_status_t made, started = APR_SUCCESS;
    (void)args;
    made = mproc_process_create(&process, never_started, NULL, pool, "");
    if (made == APR_SUCCESS) {
        started = mproc_process_start(process);
    }
    return mproc_reply(reply, "ii", (int)(made | started),
                       (int)mproc_pool_create(&workers, NULL, pool));
}

/* PL2. */
static void
tasks_start_no_processes(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int process = 0, pools = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply(workers, start_others, &result,
                                                 test_deadline(), pool, ""));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_unpack(result, pool, "ii", &process, &pools));
    CHECK_INT(MPROC_ESTATE, process);
    CHECK_INT(MPROC_ESTATE, pools);
    pool_end(workers);
}

/* -------------------------------------------------------------------- life */

/* Each call that brings work, or changes how much can be done. */
static void
check_takes_nothing(mproc_pool_t *workers, apr_pool_t *pool)
{
    mproc_bytes_t *items = numbers(3, pool), results[3];
    mproc_async_t *async;
    mproc_imap_t *imap;
    int in = 1;
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_apply(workers, square, NULL,
                                                 MPROC_FOREVER, pool, "i", 1));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_apply_async(&async, workers, square,
                                                       NULL, pool, "i", 1));
    CHECK(async == NULL);
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_map(workers, square, items, 3, NULL,
                                               results, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_map_async(&async, workers, square, items, 3, NULL,
                                      NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_imap(&imap, workers, square,
                                                no_items, NULL, NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_imap_unordered(&imap, workers, square, no_items,
                                           NULL, NULL, pool));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_pool_map_array(workers, nothing_to_do, &in, 1, sizeof in,
                                      NULL, 0, NULL));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_resize(workers, 2));
}

/* PL5. */
static void
a_closed_one_takes_nothing(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    check_takes_nothing(workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    check_takes_nothing(workers, pool);
    mproc_pool_destroy(workers);
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    check_takes_nothing(workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

/* PL6, AR3: the end of its APR pool ends it, at once; what had come stays. */
static void
its_scope_ends_it(apr_pool_t *pool)
{
    mproc_async_t *done, *never;
    mproc_event_t *begun, *event;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    apr_pool_t *inner;
    apr_pool_create(&inner, pool);
    pool_start(&workers, 1, inner);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&done, workers, square,
                                                       NULL, pool, "i", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(done, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&never, workers, wait_for_event, NULL,
                                          pool, "oo", begun, event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    apr_pool_destroy(inner);
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(never, NULL, 0, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(done, &result, 0, pool));
    CHECK_INT(25, number_of(result, pool));
}

static int
leave_it_busy(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_event_t *begun, *event;
    mproc_pool_t *workers;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &begun, &event));
    options.start_method = MPROC_START_SPAWN;
    CHILD_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    for (i = 0; i < 5; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(NULL, workers, wait_for_event, NULL,
                                            NULL, "oo", begun, event));
    }
    return mproc_event_wait(begun, MPROC_FOREVER) == APR_SUCCESS ? 5 : 1;
}

/* PL10, PL11: nobody closes it, and tasks run: the end of the program ends
 * them. */
static void
the_programs_end_ends_it(apr_pool_t *pool)
{
    mproc_event_t *begun, *event;
    mproc_process_t *child;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    START(child, leave_it_busy, pool, "oo", begun, event);
    JOIN(child, 5);
}

static mproc_pool_t *inherited; /* by fork; else NULL */

static int
use_the_parents(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_pool_stats_t stats;
    mproc_async_t *async;
    mproc_imap_t *imap;
    apr_status_t no = inherited == NULL ? APR_EINVAL : MPROC_ESTATE;
    (void)args;
    CHILD_STATUS(no,
                 mproc_pool_apply(inherited, square, NULL, 0, pool, "i", 1));
    CHILD_STATUS(no, mproc_pool_map_async(&async, inherited, square, NULL, 0,
                                          NULL, NULL, pool));
    CHILD_STATUS(no, mproc_pool_imap(&imap, inherited, square, no_items, NULL,
                                     NULL, pool));
    CHILD_STATUS(no, mproc_pool_map_array(inherited, nothing_to_do, NULL, 1, 0,
                                          NULL, 0, NULL));
    CHILD_STATUS(no, mproc_pool_stats(inherited, &stats));
    CHILD_STATUS(no, mproc_pool_resize(inherited, 2));
    CHILD_STATUS(no, mproc_pool_close(inherited));
    CHILD_STATUS(no, mproc_pool_terminate(inherited));
    CHILD_STATUS(no, mproc_pool_join(inherited, MPROC_FOREVER));
    mproc_pool_destroy(inherited);
    return 0;
}

static apr_status_t
use_the_pool_it_runs_in(mproc_bytes_t args, mproc_reply_t *reply,
                        apr_pool_t *pool)
{
    (void)args;
    return mproc_reply(reply, "i",
                       (int)mproc_pool_apply(inherited, square, NULL,
                                             MPROC_FOREVER, pool, "i", 1));
}

static apr_status_t
die(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    test_kill(mproc_process_pid(mproc_process_current()));
    return APR_SUCCESS;
}

/* PL9, X16: another process, and a worker, are refused; the parent's pool is as
 * it was. */
static void
only_its_maker_uses_it(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    pool_start(&workers, 1, pool);
    inherited = workers;
    START(child, use_the_parents, pool, NULL);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(1, stats.started);
    /* One that was started after it was made. */
    CHECK_STATUS(
        MPROC_EWORKERLOST,
        mproc_pool_apply(workers, die, NULL, test_deadline(), pool, ""));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply(workers, use_the_pool_it_runs_in, &result,
                                    test_deadline(), pool, ""));
    CHECK_INT(test_method() == MPROC_START_FORK ? MPROC_ESTATE : APR_EINVAL,
              number_of(result, pool));
    inherited = NULL;
    pool_end(workers);
}

/* ------------------------------------------------------------------- tasks */

/* PL12, AR2: who gives up waiting does not end the task. */
static void
an_apply_that_is_given_up(apr_pool_t *pool)
{
    mproc_event_t *begun, *event;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_TIMEUP, mproc_pool_apply(workers, wait_for_event, NULL,
                                              1000, pool, "oo", begun, event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square, NULL,
                                               test_deadline(), pool, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(2, stats.run);
    CHECK_INT(1, stats.started);
    pool_end(workers);
}

static apr_status_t
add(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int a = 0, b = 0;
    apr_status_t rv = mproc_unpack(args, pool, "ii", &a, &b);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", a + b) : rv;
}

/* PL18: several arguments of each item. */
static void
several_arguments(apr_pool_t *pool)
{
    mproc_bytes_t items[6], results[6];
    mproc_pool_t *workers;
    int i;
    pool_start(&workers, 2, pool);
    for (i = 0; i < 6; i++) {
        mproc_pack(&items[i], pool, "ii", i, 6 + i);
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map(workers, add, items, 6, NULL, results, pool));
    for (i = 0; i < 6; i++) {
        CHECK_INT(6 + 2 * i, number_of(results[i], pool));
    }
    pool_end(workers);
}

/* PL17: no items, in any form. */
static void
no_items_at_all(apr_pool_t *pool)
{
    mproc_task_options_t options = {.chunk = 3};
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    pool_start(&workers, 1, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_map(workers, square, NULL, 0, &options,
                                             NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, square, NULL, 0,
                                        &options, NULL, pool));
    CHECK(mproc_async_ready(async));
    CHECK_INT(0, mproc_async_count(async));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(async, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_imap(&imap, workers, square,
                                                no_items, NULL, NULL, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, square, no_items,
                                             NULL, &options, pool));
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, NULL, 0, pool));
    pool_end(workers);
}

static apr_status_t
to_hundred(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    int *next = baton;
    return *next == 100 ? APR_EOF : mproc_pack(item, pool, "i", (*next)++);
}

/* PL24: with one worker, in order. */
static void
one_worker_keeps_the_order(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    mproc_imap_t *imap;
    int i, next = 0;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap_unordered(&imap, workers, not_by_three,
                                             to_hundred, &next, NULL, pool));
    for (i = 0; i < 100; i++) {
        CHECK_STATUS(i % 3 == 0 ? APR_EGENERAL : APR_SUCCESS,
                     mproc_imap_next(imap, &result, test_deadline(), pool));
        CHECK_INT(i, mproc_imap_index(imap));
    }
    CHECK_STATUS(APR_EOF, mproc_imap_next(imap, &result, 0, pool));
    pool_end(workers);
}

typedef struct inside_t {
    atomic_int now, most, calls;
} inside_t;

static void
be_inside(mproc_async_t *async, void *baton)
{
    inside_t *inside = baton;
    int now = atomic_fetch_add(&inside->now, 1) + 1;
    (void)async;
    if (now > atomic_load(&inside->most)) {
        atomic_store(&inside->most, now);
    }
    apr_sleep(100);
    atomic_fetch_add(&inside->calls, 1);
    atomic_fetch_sub(&inside->now, 1);
}

/* PL26, PL29: a map has one callback, with its first failure, which tells of
 * the task and its worker; callbacks run one after another. */
static void
callbacks_of_maps(apr_pool_t *pool)
{
    called_t called = {0};
    inside_t inside = {0};
    mproc_callbacks_t callbacks = {note_done, note_failed, &called};
    mproc_callbacks_t slow = {be_inside, NULL, &inside};
    apr_array_header_t *children;
    mproc_async_t *async;
    mproc_pool_t *workers;
    mproc_bytes_t items[4];
    char worker[40];
    int i;
    pool_start(&workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    apr_snprintf(
        worker, sizeof worker, "(pid %" APR_INT64_T_FMT ")",
        mproc_process_pid(APR_ARRAY_IDX(children, 0, mproc_process_t *)));
    for (i = 0; i < 4; i++) {
        mproc_pack(&items[i], pool, "i", i + 1); /* 1, 2, 3, 4 */
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, not_by_three, items, 4,
                                        NULL, &callbacks, pool));
    CHECK_STATUS(APR_EGENERAL,
                 mproc_async_get(async, NULL, test_deadline(), pool));
    CHECK_INT(0, called.done);
    CHECK_INT(1, called.failed);
    CHECK_INT(APR_EGENERAL, called.status);
    CHECK(strstr(called.detail, "task 2") != NULL);
    CHECK(strstr(called.detail, "3 is bad") != NULL);
    CHECK(strstr(called.detail, worker) != NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_map_async(&async, workers, square, items, 4, NULL,
                                        &callbacks, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(async, NULL, test_deadline(), pool));
    CHECK_INT(1, called.done);
    CHECK_INT(1, called.failed);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 3));
    for (i = 0; i < 50; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_pool_apply_async(NULL, workers, square, &slow, NULL, "i", i));
    }
    pool_end(workers);
    CHECK_INT(50, atomic_load(&inside.calls));
    CHECK_INT(1, atomic_load(&inside.most));
}

static int counter;

static apr_status_t
count_here(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", ++counter);
}

/* PL35: what a task changes stays in its worker, for those that follow. */
static void
globals_stay_in_the_worker(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i;
    pool_start(&workers, 1, pool);
    for (i = 1; i <= 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply(workers, count_here, &result,
                                        test_deadline(), pool, ""));
        CHECK_INT(i, number_of(result, pool));
    }
    CHECK_INT(0, counter);
    pool_end(workers);
}

static apr_status_t
say_much(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_bytes_t much = {NULL, 3000};
    (void)args;
    much.data = apr_pcalloc(pool, much.size);
    return mproc_reply_bytes(reply, much);
}

/* PL34: what tasks were given and have said goes when they are dropped. */
static void
memory_does_not_grow(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_pool_t *workers;
    apr_pool_t *inner;
    int i;
    pool_start(&workers, 2, pool);
    apr_pool_create(&inner, pool);
    for (i = 0; i < 120; i++) {
        mproc_bytes_t results[20];
        mproc_async_t *async;
        if (i == 20) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
        }
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_map(workers, say_much, numbers(20, inner), 20,
                                    NULL, results, inner));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(&async, workers, say_much, NULL,
                                            inner, "i", 1));
        CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline()));
        apr_pool_clear(inner);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    /* A batch that a worker has not let go of yet may be among them. */
    CHECK(after.total.bytes < before.total.bytes + 4 * 20 * 3000);
    CHECK(after.total.blocks < before.total.blocks + 4 * 20);
    pool_end(workers);
}

/* ----------------------------------------------------------------- workers */

/* PL33, X13: each task takes a worker, and the pool is closed at once. */
static void
a_worker_for_each_task(apr_pool_t *pool)
{
    enum {
        COUNT = 30
    };
    mproc_pool_options_t options = {.processes = 2, .max_tasks_per_child = 1};
    mproc_task_options_t task = {.chunk = 1};
    mproc_bytes_t results[COUNT];
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_async_t *async;
    int i;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_map_async(&async, workers, square,
                                                     numbers(COUNT, pool),
                                                     COUNT, &task, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_async_get(async, results, 0, pool));
    for (i = 0; i < COUNT; i++) {
        CHECK_INT(i * i, number_of(results[i], pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK(stats.started >= COUNT);
    CHECK_INT(0, stats.lost);
    mproc_pool_destroy(workers);
}

/* X9: a crash after the close costs its task alone, and holds up nobody. */
static void
a_crash_after_the_close(apr_pool_t *pool)
{
    mproc_async_t *lost, *after[5];
    mproc_pool_t *workers;
    mproc_bytes_t result;
    blocked_t blocked;
    int i;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&lost, workers, die, NULL, pool, ""));
    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&after[i], workers, square, NULL,
                                              pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(blocked.first, NULL, 0, pool));
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_async_get(lost, NULL, 0, pool));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_async_get(after[i], &result, 0, pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    mproc_pool_destroy(workers);
}

/* PL32: who is interrupted in a task ends, and its task with it; the pool can
 * be terminated. */
static void
interrupted_workers_end(apr_pool_t *pool)
{
    apr_array_header_t *children;
    mproc_pool_t *workers;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    REQUIRE(children->nelts == 1);
    if (mproc_process_interrupt(
            APR_ARRAY_IDX(children, 0, mproc_process_t *)) == APR_SUCCESS) {
        CHECK_STATUS(MPROC_EWORKERLOST, mproc_async_get(blocked.first, NULL,
                                                        test_deadline(), pool));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply(workers, square, NULL, test_deadline(),
                                      pool, "i", 1));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

/* ------------------------------------------------------------ several pools */

/* X14, X15: of several pools; one may stand there twice. */
static void
results_of_two_pools(apr_pool_t *pool)
{
    mproc_pool_t *workers, *others;
    mproc_async_t *async[4];
    blocked_t blocked;
    apr_size_t settled, index, twice = 0;
    int i;
    pool_block(&blocked, &workers, pool);
    pool_start(&others, 1, pool);
    async[0] = blocked.first;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_pool_apply_async(&async[1], others, square, NULL, pool, "i", 1));
    async[2] = async[1];
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_pool_apply_async(&async[3], workers, square, NULL, pool, "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async[1], test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_FIRST_SETTLED,
                                                 test_deadline(), &settled));
    CHECK_INT(2, settled);
    /* None fails: then it is all of them. */
    CHECK_STATUS(APR_TIMEUP,
                 mproc_wait_results(async, 4, MPROC_FIRST_FAILED, 1000, NULL));
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_as_completed(async, 4, &index, test_deadline()));
        twice += index;
    }
    CHECK_INT(1 + 2, twice);
    CHECK_STATUS(APR_TIMEUP, mproc_as_completed(async, 4, &index, 1000));
    CHECK_DETAIL("2 of 4");
    async[1] = async[2] = blocked.first;
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(async, 4, MPROC_FIRST_FAILED,
                                                 test_deadline(), &settled));
    CHECK_INT(4, settled);
    pool_end(workers);
    pool_end(others);
}

static const test_case_t cases[] = {
    {"as_many_as_processors", as_many_as_processors},
    {"one_cannot_be_started", one_cannot_be_started},
    {"tasks_start_no_processes", tasks_start_no_processes},
    {"a_closed_one_takes_nothing", a_closed_one_takes_nothing},
    {"its_scope_ends_it", its_scope_ends_it},
    {"the_programs_end_ends_it", the_programs_end_ends_it},
    {"only_its_maker_uses_it", only_its_maker_uses_it},
    {"an_apply_that_is_given_up", an_apply_that_is_given_up},
    {"several_arguments", several_arguments},
    {"no_items_at_all", no_items_at_all},
    {"one_worker_keeps_the_order", one_worker_keeps_the_order},
    {"callbacks_of_maps", callbacks_of_maps},
    {"globals_stay_in_the_worker", globals_stay_in_the_worker},
    {"memory_does_not_grow", memory_does_not_grow},
    {"a_worker_for_each_task", a_worker_for_each_task},
    {"a_crash_after_the_close", a_crash_after_the_close},
    {"interrupted_workers_end", interrupted_workers_end},
    {"results_of_two_pools", results_of_two_pools},
    {NULL, NULL}};

const test_suite_t suite_pool_rules = {"pool_rules", 1, cases};
