/* test_pool_hangs.c: the hangs that pools are known for elsewhere, and do not
 * have here: one case each. Whatever is waited for comes before a deadline, and
 * the pool is good for more afterwards. */
#include <stdlib.h>

#include <apr_thread_proc.h>

#include "tasks.h"

/* It serves on, and comes to its end. */
static void
pool_serves(mproc_pool_t *workers, apr_pool_t *pool)
{
    mproc_bytes_t result;
    int i;
    for (i = 0; i < 10; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply(workers, square, &result,
                                        test_deadline(), pool, "i", i));
        CHECK_INT(i * i, number_of(result, pool));
    }
    pool_end(workers);
}

/* Ways to end in a task. */
static apr_status_t
leave(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int how = 0;
    (void)reply;
    mproc_unpack(args, pool, "i", &how);
    switch (how) {
    case 0:
        test_kill(mproc_process_pid(mproc_process_current()));
        break;
    case 1:
        exit(0);
    case 2:
        _Exit(3);
    default:
        abort();
    }
    return APR_SUCCESS;
}
#define WAYS 4

/* --------------------------------------------------------- an initializer */

static apr_status_t
initialize(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    apr_status_t rv = mproc_unpack(args, pool, "o", &value);
    if (rv == APR_SUCCESS) {
        switch (atomic_load((atomic_int *)mproc_value_data(value))) {
        case 1:
            return APR_EGENERAL;
        case 2:
            test_kill(mproc_process_pid(mproc_process_current()));
            break;
        default:
            break;
        }
    }
    return rv;
}

/* PL3: it fails, or dies, in each worker. There: a worker dies and is replaced
 * for ever, and no task ever ends. */
static void
an_initializer_that_fails(apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    mproc_pool_t *workers;
    mproc_value_t *value;
    mproc_pool_stats_t stats;
    mproc_async_t *async;
    int how, good = 0;
    atomic_int *word;
    options.start_method = test_method();
    options.initializer = initialize;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof good, &good, pool));
    word = mproc_value_data(value);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&options.initargs, pool, "o", value));
    for (how = 1; how <= 2; how++) {
        atomic_store(word, how);
        CHECK_STATUS(how == 1 ? APR_EGENERAL : MPROC_EBROKEN,
                     mproc_pool_create(&workers, &options, pool));
        CHECK_DETAIL("initializer");
        /* It does so later on, when workers are replaced. */
        atomic_store(word, 0);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_create(&workers, &options, pool));
        atomic_store(word, how);
        CHECK_STATUS(MPROC_EWORKERLOST,
                     mproc_pool_apply(workers, leave, NULL, test_deadline(),
                                      pool, "i", 0));
        CHECK_STATUS(MPROC_EWORKERLOST,
                     mproc_pool_apply(workers, leave, NULL, test_deadline(),
                                      pool, "i", 0));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async, workers, square, NULL,
                                              pool, "i", 1));
        CHECK_STATUS(MPROC_EBROKEN,
                     mproc_async_get(async, NULL, test_deadline(), pool));
        CHECK_STATUS(MPROC_EBROKEN,
                     mproc_pool_apply(workers, square, NULL, MPROC_FOREVER,
                                      pool, "i", 1));
        CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        CHECK(stats.started < 20); /* Not ten a second. */
        pool_end(workers);
    }
}

/* --------------------------------------------------------------- terminate */

static void *APR_THREAD_FUNC
get_for_ever(apr_thread_t *thread, void *baton)
{
    apr_thread_exit(thread, mproc_async_get(baton, NULL, MPROC_FOREVER, NULL));
    return NULL;
}

/* PL8: what was not done when the pool was terminated. There: get() waits for
 * ever, begun before or after. */
static void
a_get_after_terminate(apr_pool_t *pool)
{
    mproc_async_t *queued;
    mproc_pool_t *workers;
    apr_thread_t *thread;
    blocked_t blocked;
    apr_status_t rv;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&queued, workers, square,
                                                       NULL, pool, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, get_for_ever,
                                                  blocked.first, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
    CHECK_STATUS(MPROC_ECLOSED, rv);
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_async_get(queued, NULL, MPROC_FOREVER, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_async_get(queued, NULL, MPROC_FOREVER, pool));
}

/* -------------------------------------------------------------------- imap */

static apr_status_t
count_for_ever(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    return mproc_pack(item, pool, "i", (*(int *)baton)++);
}

/* PL22: an input without end, of which some results were taken. There: it is
 * read for ever, and close and join never return. */
static void
an_endless_imap_half_read(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_imap_t *imap;
    mproc_bytes_t result;
    int i, next = 0;
    pool_start(&workers, 2, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square, count_for_ever,
                                   &next, NULL, pool));
    for (i = 0; i < 50; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_imap_next(imap, &result, test_deadline(), pool));
        CHECK_INT(i * i, number_of(result, pool));
    }
    CHECK(next < 1000);
    pool_serves(workers, pool);
}

/* --------------------------------------------------------------- callbacks */

typedef struct trouble_t {
    mproc_pool_t *workers;
    mproc_async_t *other;
    apr_status_t rv[3];
    atomic_int calls;
} trouble_t;

static void
make_trouble(mproc_async_t *async, void *baton)
{
    trouble_t *trouble = baton;
    mproc_bytes_t result;
    (void)async;
    trouble->rv[0] =
        mproc_async_get(trouble->other, &result, MPROC_FOREVER, NULL);
    trouble->rv[1] = mproc_async_get(trouble->other, NULL, MPROC_FOREVER, NULL);
    trouble->rv[2] = mproc_pool_apply(trouble->workers, square, NULL,
                                      MPROC_FOREVER, NULL, "i", 1);
    atomic_fetch_add(&trouble->calls, 1);
}

static void
make_trouble_failed(mproc_async_t *async, apr_status_t status, void *baton)
{
    (void)status;
    make_trouble(async, baton);
}

/* PL27: callbacks in which everything fails. There: the thread that all results
 * come through is gone, and nothing ever completes again. */
static void
a_callback_that_goes_wrong(apr_pool_t *pool)
{
    trouble_t trouble = {.rv = {0}};
    mproc_callbacks_t callbacks = {make_trouble, make_trouble_failed, &trouble};
    mproc_async_t *good, *bad;
    blocked_t blocked;
    pool_block(&blocked, &trouble.workers, pool);
    trouble.other = blocked.first;
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(trouble.workers, 2));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&good, trouble.workers, square,
                                          &callbacks, pool, "i", 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&bad, trouble.workers, square,
                                          &callbacks, pool, "s", "text"));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(good, NULL, test_deadline(), pool));
    CHECK_STATUS(APR_EINVAL, mproc_async_get(bad, NULL, test_deadline(), pool));
    CHECK_INT(2, trouble.calls);
    CHECK_STATUS(APR_EINVAL, trouble.rv[0]);
    CHECK_STATUS(MPROC_ESTATE, trouble.rv[1]);
    /* It may have been done at once. */
    CHECK(trouble.rv[2] == MPROC_ESTATE || trouble.rv[2] == APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    pool_serves(trouble.workers, pool);
}

/* ----------------------------------------------------------------- results */

static apr_status_t
say_nonsense(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    static const unsigned char nonsense[3000] = {0xc1, 0xdd, 0xff};
    mproc_bytes_t bytes = {nonsense, sizeof nonsense};
    int what = 0;
    mproc_unpack(args, pool, "i", &what);
    switch (what % 4) {
    case 0:
        return mproc_reply_bytes(reply, bytes);
    case 1:
        bytes.size = 3;
        return mproc_reply_bytes(reply, bytes);
    case 2:
        bytes.data = NULL;
        return mproc_reply_bytes(reply, bytes);
    default:
        return mproc_reply(reply, "?", what);
    }
}

/* PL28: results that cannot be packed, or not be unpacked. There: the latter
 * end the thread that reads them, and all that follow are never told of. */
static void
a_result_that_cannot_be_read(apr_pool_t *pool)
{
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    int i, number;
    pool_start(&workers, 1, pool);
    for (i = 0; i < 20; i++) {
        apr_status_t rv = mproc_pool_apply(workers, say_nonsense, &result,
                                           test_deadline(), pool, "i", i);
        CHECK_STATUS(i % 4 < 2 ? APR_SUCCESS : APR_EINVAL, rv);
        if (rv == APR_SUCCESS) {
            CHECK_STATUS(MPROC_EFORMAT,
                         mproc_unpack(result, pool, "i", &number));
        }
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(1, stats.started);
    pool_serves(workers, pool);
}

/* ------------------------------------------------------------------ deaths */

/* PL30: killed, crashed, or ended in the middle of a task. There: get() waits
 * for ever. */
static void
a_worker_that_ends_in_a_task(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    int how;
    pool_start(&workers, 2, pool);
    for (how = 0; how < WAYS; how++) {
        CHECK_STATUS(MPROC_EWORKERLOST,
                     mproc_pool_apply(workers, leave, NULL, MPROC_FOREVER, pool,
                                      "i", how));
        CHECK_DETAIL("its worker (pid ");
    }
    pool_serves(workers, pool);
}

/* PL31: killed while they wait for a task, again and again. There: one has the
 * lock of the queue, which nobody gets any more. */
static void
workers_killed_while_idle(apr_pool_t *pool)
{
    apr_array_header_t *children;
    mproc_pool_stats_t stats;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    apr_pool_t *inner;
    int round, i;
    pool_start(&workers, 3, pool);
    for (round = 0; round < 10; round++) {
        apr_pool_create(&inner, pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_process_active_children(&children, inner));
        for (i = 0; i < children->nelts; i++) {
            apr_int64_t pid = mproc_process_pid(
                APR_ARRAY_IDX(children, i, mproc_process_t *));
            if (pid > 0) { /* It may just be replaced. */
                test_kill(pid);
            }
        }
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply(workers, square, &result, test_deadline(),
                                      inner, "i", round));
        CHECK_INT(round * round, number_of(result, inner));
        apr_pool_destroy(inner);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(0, stats.lost);
    pool_serves(workers, pool);
}

static const test_case_t cases[] = {
    {"an_initializer_that_fails", an_initializer_that_fails},
    {"a_get_after_terminate", a_get_after_terminate},
    {"an_endless_imap_half_read", an_endless_imap_half_read},
    {"a_callback_that_goes_wrong", a_callback_that_goes_wrong},
    {"a_result_that_cannot_be_read", a_result_that_cannot_be_read},
    {"a_worker_that_ends_in_a_task", a_worker_that_ends_in_a_task},
    {"workers_killed_while_idle", workers_killed_while_idle},
    {NULL, NULL}};

const test_suite_t suite_pool_hangs = {"pool_hangs", 1, cases};
