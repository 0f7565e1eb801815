/* test_wait_async.c: results among other things that are waited for (X17). */
#include "sleepers.h"
#include "tasks.h"
#include "waitable.h"

#include "../../lib/src/async.h"

/* Nothing is ready; then the task is, and stays so. */
static void
beside_other_things(apr_pool_t *pool)
{
    mproc_waitable_t items[4];
    mproc_pool_t *workers;
    mproc_process_t *process;
    mproc_event_t *go;
    mproc_queue_t *queue;
    mproc_async_t *done;
    blocked_t blocked;
    int first = 7, number;
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    START(process, nothing, pool, NULL);
    items[0] = item_of(MPROC_WAIT_QUEUE, queue);
    items[1] = item_of(MPROC_WAIT_ASYNC, blocked.first);
    items[2] = item_of(MPROC_WAIT_EVENT, go);
    items[3] = item_of(MPROC_WAIT_PROCESS, process);
    REQUIRE_STATUS(APR_SUCCESS, mproc_wait(items, 4, test_deadline(), &first));
    CHECK_INT(3, first);
    JOIN(process, 0);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 3, MPROC_NOWAIT, &first));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 3, 20 * 1000, &first));
    CHECK_INT(-1, first);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_wait(items, 3, test_deadline(), &first));
    CHECK_INT(1, first);
    CHECK(!items[0].ready && items[1].ready && !items[2].ready);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 4));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 3, MPROC_FOREVER, &first));
    CHECK(items[0].ready && items[1].ready && !items[2].ready);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(blocked.first, NULL, 0, NULL));
    pool_end(workers);
    /* Also when the pool is gone. */
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 3, MPROC_FOREVER, &first));
    CHECK_INT(1, first);
    done = NULL;
    items[0] = item_of(MPROC_WAIT_ASYNC, done);
    CHECK_STATUS(APR_EINVAL, mproc_wait(items, 1, 0, &first));
}

static int
wait_for_it(void *baton)
{
    mproc_waitable_t item = item_of(MPROC_WAIT_ASYNC, baton);
    return (int)mproc_wait(&item, 1, test_deadline(), NULL);
}

typedef struct waiter_t {
    mproc_async_t *async;
    int status;
} waiter_t;

static void *APR_THREAD_FUNC
waiter_run(apr_thread_t *thread, void *baton)
{
    waiter_t *waiter = baton;
    waiter->status = wait_for_it(waiter->async);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Who sleeps is woken: by the worker, by a cancel, by the pool's end, by a
 * death. Not by a look around. */
static void
who_sleeps_is_woken(apr_pool_t *pool)
{
    mproc_census_t before, after;
    int how;
    for (how = 0; how < 4; how++) {
        waiter_t waiter = {NULL, -1};
        mproc_pool_t *workers;
        apr_thread_t *thread;
        blocked_t blocked;
        apr_status_t rv;
        pool_block(&blocked, &workers, pool);
        waiter.async = blocked.first;
        if (how == 1) {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_pool_apply_async(&waiter.async, workers,
                                                  square, NULL, pool, "i", 3));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_census(&before));
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, waiter_run,
                                                      &waiter, pool));
        await_sleepers((void *)&waiter.async->batch->done, 1);
        switch (how) {
        case 0:
            CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
            break;
        case 1:
            CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(waiter.async));
            break;
        case 2:
            CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
            break;
        default: {
            apr_array_header_t *children;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_process_active_children(&children, pool));
            test_kill(mproc_process_pid(
                APR_ARRAY_IDX(children, 0, mproc_process_t *)));
            break;
        }
        }
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
        CHECK_STATUS(APR_SUCCESS, waiter.status);
        CHECK_STATUS(APR_SUCCESS, mproc_census(&after));
        if (how < 2) {
            CHECK_INT(before.rescues, after.rescues);
        }
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
        CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
        CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
        mproc_pool_destroy(workers);
    }
}

/* The results of two pools, as they come. */
static void
many_of_two_pools(apr_pool_t *pool)
{
    enum {
        COUNT = 60
    };
    mproc_waitable_t items[COUNT];
    mproc_pool_t *workers[2];
    int i, left = COUNT, first;
    pool_start(&workers[0], 2, pool);
    pool_start(&workers[1], 1, pool);
    for (i = 0; i < COUNT; i++) {
        mproc_async_t *async;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async, workers[i % 2], square,
                                              NULL, pool, "i", i));
        items[i] = item_of(MPROC_WAIT_ASYNC, async);
    }
    while (left > 0) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(items, left, test_deadline(), &first));
        CHECK_INT(1, mproc_async_ready(items[first].object));
        items[first] = items[--left];
    }
    pool_end(workers[0]);
    pool_end(workers[1]);
}

typedef struct inside_t {
    mproc_async_t *other;
    apr_status_t wait, look;
} inside_t;

static void
wait_inside(mproc_async_t *async, void *baton)
{
    inside_t *inside = baton;
    mproc_waitable_t item = item_of(MPROC_WAIT_ASYNC, inside->other);
    (void)async;
    inside->wait = mproc_wait(&item, 1, MPROC_FOREVER, NULL);
    inside->look = mproc_wait(&item, 1, MPROC_NOWAIT, NULL);
}

/* PL27: who waits there would keep the pool from healing. */
static void
callbacks_do_not_wait(apr_pool_t *pool)
{
    inside_t inside = {NULL, 0, 0};
    mproc_callbacks_t callbacks = {wait_inside, NULL, &inside};
    mproc_pool_t *workers;
    mproc_async_t *async;
    blocked_t blocked;
    pool_block(&blocked, &workers, pool);
    inside.other = blocked.first;
    CHECK_STATUS(APR_SUCCESS,
                 mproc_pool_map_async(&async, workers, square, NULL, 0, NULL,
                                      &callbacks, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(async, test_deadline() / 4));
    CHECK_STATUS(MPROC_ESTATE, inside.wait);
    CHECK_STATUS(APR_TIMEUP, inside.look);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    pool_end(workers);
}

/* ---------------------------------------------------------------- handles */

static void
in_a_foreign_loop(apr_pool_t *pool)
{
    mproc_waitable_t item;
    mproc_pool_t *workers;
    mproc_async_t *second;
    apr_int64_t handle, other;
    blocked_t blocked;
    int handles = test_handles();
    pool_block(&blocked, &workers, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply_async(&second, workers, square,
                                                       NULL, NULL, "i", 2));
    handle = handle_of(MPROC_WAIT_ASYNC, blocked.first);
    CHECK(handle_of(MPROC_WAIT_ASYNC, blocked.first) == handle);
    other = handle_of(MPROC_WAIT_ASYNC, second);
    IS_NOT_READY(handle);
    IS_NOT_READY(other);
    CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(second));
    BECOMES_READY(other);
    IS_NOT_READY(handle);
    mproc_async_destroy(second); /* Its handle goes with it. */
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(blocked.event));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(blocked.first, NULL, 0, NULL));
    IS_READY(handle); /* For good. */
    pool_end(workers);
    IS_READY(handle);
    item = item_of(MPROC_WAIT_ASYNC, blocked.first);
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&item));
    handle = handle_of(MPROC_WAIT_ASYNC, blocked.first);
    IS_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&item));
    CHECK(test_handles() <= handles + 8);
    item.object = NULL;
    CHECK_STATUS(APR_EINVAL, mproc_waitable_handle(&item, &handle));
}

/* One that is destroyed, or whose pool ends, while it is waited for. */
static void
gone_while_waited_for(apr_pool_t *pool)
{
    mproc_pool_t *workers;
    mproc_async_t *async;
    apr_int64_t handle;
    blocked_t blocked;
    int i;
    pool_block(&blocked, &workers, pool);
    for (i = 0; i < 50; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&async, workers, square, NULL,
                                              NULL, "i", 2));
        handle = handle_of(MPROC_WAIT_ASYNC, async);
        mproc_async_destroy(async);
    }
    handle = handle_of(MPROC_WAIT_ASYNC, blocked.first);
    IS_NOT_READY(handle);
    mproc_pool_destroy(workers);
    BECOMES_READY(handle);
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(blocked.first, NULL, 0, NULL));
}

static const test_case_t cases[] = {
    {"beside_other_things", beside_other_things},
    {"who_sleeps_is_woken", who_sleeps_is_woken},
    {"many_of_two_pools", many_of_two_pools},
    {"callbacks_do_not_wait", callbacks_do_not_wait},
    {"in_a_foreign_loop", in_a_foreign_loop},
    {"gone_while_waited_for", gone_while_waited_for},
    {NULL, NULL}};

const test_suite_t suite_wait_async = {"wait_async", 1, cases};
