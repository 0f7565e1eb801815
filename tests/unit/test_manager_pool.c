/* test_manager_pool.c: pools whose workers are children of a manager's server.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "kin.h"
#include "served_tasks.h"
#include "tasks.h"
#include "threads.h"

static apr_status_t
nobody_knows(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", 1);
}

static apr_status_t
only_here(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    return nobody_knows(args, reply, pool);
}

/* ------------------------------------------------------------------- names */

static apr_status_t
far_with(mproc_manager_t *manager, mproc_pool_t **workers, const char *name,
         mproc_initializer_fn_t initializer, int number, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2};
    options.start_method = test_method();
    options.initializer = initializer;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&options.initargs, pool, "i", number));
    return mproc_manager_pool(manager, workers, name, &options, pool);
}

static apr_status_t
begin_unnamed(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return APR_SUCCESS;
}

/* No code is sent. */
static void
functions_go_by_name(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool), *none;
    mproc_bytes_t result;
    mproc_async_t *async;
    mproc_dict_t *dict;
    CHECK_STATUS(APR_NOTFOUND, mproc_pool_apply(workers, nobody_knows, NULL,
                                                MPROC_FOREVER, NULL, ""));
    CHECK_DETAIL("mproc_register()");
    CHECK_DETAIL("mproc_pool_apply:");
    REQUIRE_STATUS(APR_SUCCESS, mproc_register("only here", only_here));
    CHECK_STATUS(
        MPROC_EREMOTE,
        mproc_pool_apply_async(&async, workers, only_here, NULL, pool, ""));
    CHECK_DETAIL("\"only here\"");
    CHECK(async == NULL);
    CHECK_STATUS(APR_NOTFOUND,
                 far_with(manager, &none, NULL, begin_unnamed, 1, pool));
    CHECK(none == NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_register("begin here", begin_unnamed));
    CHECK_STATUS(MPROC_EREMOTE,
                 far_with(manager, &none, NULL, begin_unnamed, 1, pool));
    CHECK_DETAIL("\"begin here\"");
    /* One that fails leaves no name. */
    CHECK_STATUS(APR_EGENERAL,
                 far_with(manager, &none, "p", worker_begin, -1, pool));
    CHECK_DETAIL("mproc_manager_pool: the initializer failed");
    CHECK(none == NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   far_with(manager, &none, "p", worker_begin, 5, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(none, begun_reply, &result,
                                               MPROC_FOREVER, pool, ""));
    CHECK_INT(5, number_of(result, pool));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_dict(manager, &dict, "p", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_forget(manager, "p"));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(none, square_there, &result,
                                               MPROC_FOREVER, pool, "i", 3));
    CHECK_STATUS(APR_EINVAL,
                 mproc_manager_pool(manager, NULL, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_pool(NULL, &none, NULL, NULL, pool));
    CHECK(none == NULL);
    server_end(manager);
}

/* What it cannot do is said. */
static void
its_limits_are_told(apr_pool_t *pool)
{
    mproc_callbacks_t callbacks = {note_done, note_failed, NULL};
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool), *local;
    mproc_async_t *async;
    mproc_bytes_t item, result;
    mproc_pool_options_t options = {.processes = -1};
    mproc_event_t *event;
    CHECK_STATUS(APR_ENOTIMPL,
                 mproc_pool_apply_async(&async, workers, square_there,
                                        &callbacks, pool, "i", 1));
    CHECK_DETAIL("mproc_as_completed()");
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    CHECK_STATUS(APR_EINVAL, mproc_pool_apply(workers, square_there, &result,
                                              MPROC_FOREVER, pool, "o", event));
    CHECK_DETAIL("name an object");
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&item, pool, "[o]", event));
    CHECK_STATUS(APR_EINVAL, mproc_pool_map(workers, square_there, &item, 1,
                                            NULL, &result, pool));
    CHECK_STATUS(MPROC_EREMOTE, mproc_pool_apply(workers, object_reply, &result,
                                                 MPROC_FOREVER, pool, ""));
    CHECK_DETAIL("do not leave the server");
    CHECK_STATUS(APR_EINVAL,
                 mproc_manager_pool(manager, &local, NULL, &options, pool));
    CHECK_DETAIL("mproc_manager_pool: -1 processes");
    server_end(manager);
}

/* ------------------------------------------------------------------ sharing */

static int
share_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers;
    mproc_bytes_t result;
    apr_uint64_t handle[2];
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oUU", &manager,
                                           &handle[0], &handle[1]));
    CHILD_STATUS(APR_SUCCESS, functions_register());
    CHILD_STATUS(APR_SUCCESS,
                 mproc_manager_pool(manager, &workers, "shared", NULL, pool));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_pool_apply(workers, gate_wait, &result, test_deadline(),
                                  pool, "UU", handle[0], handle[1]));
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(result, pool, "i", &number));
    CHILD_CHECK(number == 42);
    return 0;
}

/* Two processes have one pool, and one that waits is in nobody's way. */
static void
it_is_shared_by_name(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, "shared", 2, pool);
    mproc_pool_stats_t stats;
    mproc_process_t *child;
    waiting_t waiting;
    int i, all = 0;
    waiting_make(&waiting, pool);
    START(child, share_there, pool, "oUU", manager, HANDLE(waiting.begun),
          HANDLE(waiting.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(waiting.begun, test_deadline()));
    for (i = 0; i < 20; i++) {
        mproc_bytes_t result;
        CHECK_STATUS(APR_SUCCESS,
                     mproc_pool_apply(workers, square_there, &result,
                                      test_deadline(), pool, "i", i));
        all += number_of(result, pool);
    }
    CHECK_INT(2470, all);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(2, stats.workers);
    CHECK_INT(1, stats.running);
    CHECK_INT(21, stats.submitted);
    CHECK_INT(20, stats.settled);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(21, stats.settled);
    server_end(manager);
}

/* It waits for a result, which does not come, and sends what nobody asks for.
 */
static int
wait_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_options_t options = {.processes = 1};
    mproc_pool_t *workers, *own;
    mproc_async_t *async[10];
    apr_uint64_t handle[2];
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oUUi", &manager,
                                           &handle[0], &handle[1], &i));
    options.start_method = (mproc_start_method_e)i;
    CHILD_STATUS(APR_SUCCESS, functions_register());
    CHILD_STATUS(APR_SUCCESS,
                 mproc_manager_pool(manager, &workers, "shared", NULL, pool));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_manager_pool(manager, &own, NULL, &options, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_pool_apply_async(NULL, own, sleep_for_ever,
                                                     NULL, NULL, ""));
    for (i = 0; i < 10; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(&async[i], workers, gate_wait, NULL,
                                            pool, "UU", handle[0], handle[1]));
    }
    CHILD_CHECK(mproc_async_wait(async[9], MPROC_FOREVER) == APR_SUCCESS);
    return 0;
}

/* What a client that was killed had sent is done; nothing of it stays. */
static void
a_client_is_killed(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, "shared", 1, pool);
    mproc_manager_census_t before = census_of(manager);
    apr_time_t deadline = test_far();
    apr_uint64_t peers;
    mproc_pool_stats_t stats;
    mproc_process_t *child;
    mproc_bytes_t result;
    waiting_t waiting;
    waiting_make(&waiting, pool);
    start_server(pool);
    /* Its worker is up. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square_there, NULL,
                                                 MPROC_FOREVER, NULL, "i", 1));
    peers = count_peers();
    START(child, wait_there, pool, "oUUi", manager, HANDLE(waiting.begun),
          HANDLE(waiting.gate), (int)test_method());
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(waiting.begun, test_deadline()));
    do { /* all are sent */
        REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
        REQUIRE(mproc_clock() < deadline);
    } while (stats.submitted < 11);
    waiting_settle(manager, 1);
    KILL(child);
    census_settle(manager, &before);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square_there, &result,
                                               test_deadline(), pool, "i", 5));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(12, stats.settled);
    CHECK_INT(12, stats.run);
    /* Its own pool has ended. */
    await_peers(peers);
    CHECK_INT(peers, count_peers());
    server_end(manager);
}

/* -------------------------------------------------------------------- lives */

static void
it_is_closed_and_joined(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_pool_t *workers = far_start(manager, "p", 1, pool);
    mproc_pool_t *same = far_start(other, "p", 7, pool);
    mproc_bytes_t result;
    mproc_pool_stats_t stats;
    waiting_t waiting;
    CHECK_STATUS(MPROC_ESTATE, mproc_pool_join(workers, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_resize(workers, 2));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(same, &stats));
    waiting_send(&waiting, workers, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(same));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_close(workers));
    CHECK_STATUS(MPROC_ECLOSED, mproc_pool_apply(workers, square_there, &result,
                                                 MPROC_FOREVER, pool, "i", 1));
    CHECK_DETAIL("mproc_pool_apply: the pool is closed");
    CHECK_STATUS(APR_TIMEUP, mproc_pool_join(workers, 1 * MS));
    CHECK_DETAIL("mproc_pool_join: there are still workers");
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(same, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(waiting.async, &result, MPROC_NOWAIT, pool));
    CHECK_INT(42, number_of(result, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_stats(workers, &stats));
    CHECK_INT(0, stats.workers);
    CHECK_INT(1, stats.run);
    server_end(manager);
}

static void
it_is_terminated(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool);
    mproc_bytes_t result;
    mproc_async_t *later;
    waiting_t waiting;
    int good;
    waiting_send(&waiting, workers, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&later, workers, square_there, NULL,
                                          pool, "i", 1));
    CHECK(!mproc_async_ready(later));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_status(later, 0));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_successful(later, &good));
    CHECK_STATUS(APR_TIMEUP,
                 mproc_async_get(later, &result, MPROC_NOWAIT, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_async_wait(later, 1 * MS));
    CHECK_DETAIL("mproc_async_wait: not settled in this time");
    CHECK_STATUS(MPROC_ESTATE, mproc_async_cancel(waiting.async));
    CHECK_STATUS(APR_SUCCESS, mproc_async_cancel(later));
    CHECK_STATUS(MPROC_ESTATE, mproc_async_cancel(later));
    CHECK_STATUS(MPROC_ECLOSED,
                 mproc_async_get(later, &result, test_deadline(), pool));
    CHECK_DETAIL("cancelled");
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(waiting.async, &result,
                                                test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    server_end(manager);
}

static void
all_are_cancelled(apr_pool_t *pool)
{
    enum {
        COUNT = 3
    };
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool);
    mproc_async_t *later[COUNT];
    mproc_bytes_t result;
    apr_uint64_t count = 0;
    waiting_t waiting;
    int i;
    waiting_send(&waiting, workers, pool);
    for (i = 0; i < COUNT; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&later[i], workers, square_there,
                                              NULL, pool, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_pool_cancel(workers, &count));
    CHECK_INT(COUNT, count);
    for (i = 0; i < COUNT; i++) {
        CHECK_STATUS(MPROC_ECLOSED,
                     mproc_async_get(later[i], &result, test_deadline(), pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(waiting.async, &result,
                                              test_deadline(), pool));
    CHECK_INT(42, number_of(result, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_cancel(workers, &count));
    CHECK_INT(0, count);
    server_end(manager);
}

static mproc_pool_t *parents;
static mproc_async_t *parents_async;

static int
use_parents(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_pool_t *workers;
    mproc_pool_stats_t stats;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &manager));
    CHILD_STATUS(MPROC_ESTATE, mproc_pool_stats(parents, &stats));
    CHILD_STATUS(MPROC_ESTATE, mproc_pool_apply(parents, square_there, NULL,
                                                MPROC_FOREVER, NULL, "i", 1));
    CHILD_STATUS(MPROC_ESTATE, mproc_async_wait(parents_async, MPROC_FOREVER));
    mproc_async_destroy(parents_async);
    mproc_pool_destroy(parents);
    CHILD_STATUS(APR_SUCCESS,
                 mproc_manager_pool(manager, &workers, "p", NULL, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_pool_apply(workers, square_there, NULL,
                                               MPROC_FOREVER, NULL, "i", 1));
    return 0;
}

/* What a forked child has of its parent's is not its own. */
static void
it_is_its_makers(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_process_t *child;
    mproc_bytes_t result;
    if (test_method() != MPROC_START_FORK) {
        test_skip("a child inherits by fork only");
    }
    manager = server_start(pool);
    parents = far_start(manager, "p", 1, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&parents_async, parents, square_there,
                                          NULL, pool, "i", 7));
    START(child, use_parents, pool, "o", manager);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_async_get(parents_async, &result,
                                              test_deadline(), pool));
    CHECK_INT(49, number_of(result, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pool_apply(parents, square_there, NULL,
                                               test_deadline(), NULL, "i", 1));
    server_end(manager);
}

/* An async outlives its pool, as any does. */
static void
it_is_destroyed_before_its_asyncs(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_manager_census_t before = census_of(manager);
    mproc_pool_t *workers = far_start(manager, NULL, 1, NULL);
    mproc_async_t *done;
    mproc_bytes_t result;
    waiting_t waiting;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&done, workers, square_there, NULL,
                                          NULL, "i", 6));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(done, test_deadline()));
    waiting_send(&waiting, workers, pool);
    mproc_pool_destroy(workers);
    CHECK_STATUS(MPROC_ECLOSED, mproc_async_get(waiting.async, &result,
                                                test_deadline(), pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(done, &result, MPROC_NOWAIT, pool));
    CHECK_INT(36, number_of(result, pool));
    mproc_async_destroy(done);
    mproc_async_destroy(waiting.async);
    census_settle(manager, &before);
    server_end(manager);
}

typedef struct making_t {
    mproc_manager_t *manager;
    waiting_t waiting;
    apr_pool_t *pool;
    apr_status_t status;
} making_t;

static apr_status_t
make_slowly(void *data)
{
    making_t *making = data;
    mproc_pool_options_t options = {.processes = 1};
    mproc_pool_t *workers;
    apr_status_t rv;
    options.start_method = test_method();
    options.initializer = worker_begin_waits;
    rv =
        mproc_pack(&options.initargs, making->pool, "UU",
                   HANDLE(making->waiting.begun), HANDLE(making->waiting.gate));
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_pool(making->manager, &workers, "slow", &options,
                                making->pool);
    }
    if (rv == APR_SUCCESS) {
        mproc_pool_destroy(workers);
    }
    return rv;
}

/* One whose workers come up slowly is in nobody's way, nor in that of the
 * server's end. */
static void
it_begins_slowly(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    making_t making[2] = {{.manager = manager}, {.manager = manager}};
    threads_t *threads[2];
    mproc_dict_t *dict;
    int i;
    for (i = 0; i < 2; i++) {
        waiting_make(&making[i].waiting, pool);
        REQUIRE_STATUS(APR_SUCCESS, apr_pool_create(&making[i].pool, pool));
        threads[i] = threads_start(1, make_slowly, &making[i], pool);
        CHECK_STATUS(APR_SUCCESS, mproc_event_wait(making[i].waiting.begun,
                                                   test_deadline()));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_manager_dict(manager, &dict, NULL, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
        waiting_settle(manager, 1);
        if (i == 0) {
            CHECK_STATUS(APR_SUCCESS, mproc_event_set(making[i].waiting.gate));
            threads_join(threads[i], APR_SUCCESS);
            CHECK_STATUS(APR_SUCCESS, mproc_manager_forget(manager, "slow"));
        }
    }
    server_end(manager);
    threads_join(threads[1], APR_ECONNRESET);
    for (i = 0; i < 2; i++) {
        apr_pool_destroy(making[i].pool);
    }
}

/* A server that is shut down leaves no worker, whatever it does. */
static void
the_server_is_shut_down(apr_pool_t *pool)
{
    apr_uint64_t peers;
    mproc_manager_t *manager;
    mproc_pool_t *workers, *other;
    mproc_bytes_t result;
    waiting_t waiting, more;
    start_server(pool);
    peers = count_peers();
    manager = server_start(pool);
    workers = far_start(manager, "p", 2, pool);
    other = far_start(manager, NULL, 1, pool);
    waiting_send(&waiting, workers, pool);
    waiting_send(&more, other, pool);
    server_end(manager);
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_async_get(waiting.async, &result, MPROC_FOREVER, pool));
    await_peers(peers);
    CHECK_INT(peers, count_peers());
}

static apr_status_t
get_for_ever(void *data)
{
    return mproc_async_wait(data, MPROC_FOREVER);
}

static apr_status_t
endless(mproc_bytes_t *item, void *baton, apr_pool_t *pool)
{
    return mproc_pack(item, pool, "i", ++*(int *)baton);
}

/* All calls fail at once, those that were waiting too; what was known stays
 * known. */
static void
the_server_is_killed(apr_pool_t *pool)
{
    apr_uint64_t peers;
    mproc_manager_t *manager;
    mproc_task_options_t options = {.buffersize = 4};
    mproc_pool_t *workers, *none;
    mproc_pool_stats_t stats;
    mproc_async_t *done, *gone;
    mproc_bytes_t result;
    mproc_imap_t *imap;
    threads_t *waits;
    waiting_t waiting;
    apr_size_t settled, index;
    apr_status_t rv = APR_SUCCESS;
    int number = 0, good, failed = 0;
    start_server(pool);
    peers = count_peers();
    manager = server_start(pool);
    workers = far_start(manager, NULL, 1, pool); /* which is up */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&done, workers, square_there, NULL,
                                          pool, "i", 9));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(done, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_imap(&imap, workers, square_there, endless,
                                   &number, &options, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_imap_next(imap, &result, test_deadline(), pool));
    waiting_send(&waiting, workers, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&gone, workers, square_there, NULL,
                                          pool, "i", 9));
    waits = threads_start(1, get_for_ever, waiting.async, pool);
    waiting_settle(manager, 1);
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    threads_join(waits, APR_ECONNRESET);
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_apply(workers, square_there, NULL,
                                                  MPROC_FOREVER, NULL, "i", 1));
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_stats(workers, &stats));
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_resize(workers, 3));
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_close(workers));
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_terminate(workers));
    CHECK_STATUS(APR_ECONNRESET, mproc_pool_join(workers, MPROC_FOREVER));
    CHECK_STATUS(APR_ECONNRESET, mproc_async_wait(gone, MPROC_FOREVER));
    CHECK_STATUS(APR_ECONNRESET, mproc_async_successful(gone, &good));
    CHECK_STATUS(APR_ECONNRESET, mproc_async_cancel(gone));
    CHECK(mproc_async_ready(gone));
    CHECK_STATUS(APR_ECONNRESET, mproc_wait_results(&gone, 1, MPROC_ALL_SETTLED,
                                                    MPROC_FOREVER, &settled));
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_as_completed(&gone, 1, &index, MPROC_FOREVER));
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_manager_pool(manager, &none, NULL, NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_async_get(done, &result, MPROC_FOREVER, pool));
    CHECK_INT(81, number_of(result, pool));
    /* Each that was sent has failed; then there are no more. */
    while (failed < 100 && rv != APR_EOF) {
        rv = mproc_imap_next(imap, &result, MPROC_FOREVER, pool);
        CHECK(rv == APR_ECONNRESET || rv == APR_EOF);
        if (rv == APR_ECONNRESET) {
            CHECK_DETAIL("mproc_imap_next: ");
        }
        failed += rv != APR_EOF;
    }
    CHECK(failed >= 3 && failed <= 5);
    mproc_manager_shutdown(manager, test_deadline());
    await_peers(peers);
    CHECK_INT(peers, count_peers());
}

static const test_case_t cases[] = {
    {"functions_go_by_name", functions_go_by_name},
    {"its_limits_are_told", its_limits_are_told},
    {"it_is_shared_by_name", it_is_shared_by_name},
    {"a_client_is_killed", a_client_is_killed},
    {"it_is_closed_and_joined", it_is_closed_and_joined},
    {"it_is_terminated", it_is_terminated},
    {"it_is_destroyed_first", it_is_destroyed_before_its_asyncs},
    {"all_are_cancelled", all_are_cancelled},
    {"it_is_its_makers", it_is_its_makers},
    {"it_begins_slowly", it_begins_slowly},
    {"the_server_is_shut_down", the_server_is_shut_down},
    {"the_server_is_killed", the_server_is_killed},
    {NULL, NULL}};

const test_suite_t suite_manager_pool = {"manager_pool", 1, cases};
