/* tasks.h: pools and tasks for the tests of both. */
#ifndef MPROC_TESTS_TASKS_H
#define MPROC_TESTS_TASKS_H

#include <stdatomic.h>
#include <string.h>

#include <apr_strings.h>

#include "child.h"

static inline void
pool_start(mproc_pool_t **workers, int processes, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = processes};
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(workers, &options, pool));
}

static inline void
pool_end(mproc_pool_t *workers)
{
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    mproc_pool_destroy(workers);
}

static inline apr_status_t
square(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int x;
    if (mproc_unpack(args, pool, "i", &x) != APR_SUCCESS) {
        return mproc_reply_error(reply, APR_EINVAL, "a number is needed");
    }
    return mproc_reply(reply, "i", x * x);
}

/* Fails for multiples of three. */
static inline apr_status_t
not_by_three(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int x;
    mproc_unpack(args, pool, "i", &x);
    return x % 3 == 0 ? mproc_reply_error(reply, APR_EGENERAL, "%d is bad", x)
                      : mproc_reply(reply, "i", x);
}

static inline mproc_bytes_t *
numbers(int count, apr_pool_t *pool)
{
    mproc_bytes_t *items =
        apr_pcalloc(pool, (apr_size_t)(count + 1) * sizeof *items);
    int i;
    for (i = 0; i < count; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&items[i], pool, "i", i));
    }
    return items;
}

static inline int
number_of(mproc_bytes_t bytes, apr_pool_t *pool)
{
    int number = -1;
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "i", &number));
    return number;
}

typedef struct called_t {
    int done, failed, ready;
    apr_status_t status;
    char detail[200];
    atomic_int calls;
} called_t;

static inline void
note_done(mproc_async_t *async, void *baton)
{
    called_t *called = baton;
    called->done++;
    called->ready = mproc_async_ready(async);
    atomic_fetch_add(&called->calls, 1);
}

static inline void
note_failed(mproc_async_t *async, apr_status_t status, void *baton)
{
    called_t *called = baton;
    (void)async;
    called->failed++;
    called->status = status;
    apr_cpystrn(called->detail, mproc_error_detail(), sizeof called->detail);
    atomic_fetch_add(&called->calls, 1);
}

static inline apr_status_t
wait_for_event(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_event_t *begun, *event;
    apr_status_t rv = mproc_unpack(args, pool, "oo", &begun, &event);
    (void)reply;
    if (rv == APR_SUCCESS) {
        rv = mproc_event_set(begun);
    }
    return rv != APR_SUCCESS ? rv : mproc_event_wait(event, MPROC_FOREVER);
}

typedef struct blocked_t {
    mproc_event_t *begun, *event;
    mproc_async_t *first;
} blocked_t;

/* A pool of one whose worker waits. */
static inline void
pool_block(blocked_t *blocked, mproc_pool_t **workers, apr_pool_t *pool)
{
    pool_start(workers, 1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&blocked->begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&blocked->event, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&blocked->first, *workers,
                                          wait_for_event, NULL, pool, "oo",
                                          blocked->begun, blocked->event));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_event_wait(blocked->begun, test_deadline()));
}

#endif
