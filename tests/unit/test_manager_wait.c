/* test_manager_wait.c: a manager's objects beside others that are waited for,
 * and in foreign event loops. */
#include <stdio.h>
#include <string.h>

#include "kin.h"
#include "served_tasks.h"
#include "threads.h"
#include "waitable.h"

#include "../../lib/src/async.h"
#include "../../lib/src/manager_line.h"
#include "../../lib/src/manager_proxy.h"
#include "../../platform/plat_net.h"

#define ROUNDS 50

static mproc_queue_t *
far_queue(mproc_manager_t *manager, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 0, pool));
    return queue;
}

static mproc_event_t *
far_event(mproc_manager_t *manager, apr_pool_t *pool)
{
    mproc_event_t *event;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    return event;
}

/* Those that are ready are told, and nothing is taken. */
static void
all_kinds_beside_each_other(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool);
    mproc_waitable_t items[4];
    mproc_event_t *here;
    mproc_queue_t *queue = far_queue(manager, pool);
    mproc_event_t *event = far_event(manager, pool);
    waiting_t waiting;
    int first, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&here, pool));
    waiting_send(&waiting, workers, pool);
    items[0] = item_of(MPROC_WAIT_EVENT, here);
    items[1] = item_of(MPROC_WAIT_QUEUE, queue);
    items[2] = item_of(MPROC_WAIT_EVENT, event);
    items[3] = item_of(MPROC_WAIT_ASYNC, waiting.async);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, MPROC_NOWAIT, &first));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, 20 * MS, &first));
    CHECK_INT(-1, first);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, MPROC_NOWAIT, &first));
    CHECK_INT(1, first);
    CHECK(!items[0].ready && items[1].ready && !items[2].ready &&
          !items[3].ready);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, test_deadline(), &first));
    CHECK(items[1].ready && items[2].ready);
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 4, MPROC_NOWAIT, &first));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, test_deadline(), &first));
    CHECK_INT(3, first);
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items + 3, 1, MPROC_NOWAIT, &first));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(here));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 4, MPROC_NOWAIT, &first));
    CHECK(items[0].ready && items[3].ready);
    mproc_pool_destroy(workers);
    server_end(manager);
}

static int
put_and_answer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *in, *out;
    int i, number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &in, &out));
    for (i = 0; i < ROUNDS; i++) {
        mproc_waitable_t item = item_of(MPROC_WAIT_QUEUE, in);
        CHILD_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_getf(in, MPROC_NOWAIT, pool, "i", &number));
        CHILD_CHECK(number == i);
        CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(out, 0, "i", number + 1));
    }
    return 0;
}

/* Each sleeps until the other has put something: no wake-up is lost. */
static void
two_processes_take_turns(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_queue_t *to = far_queue(manager, pool), *from;
    mproc_waitable_t item;
    mproc_process_t *child;
    int i, number;
    from = far_queue(manager, pool);
    item = item_of(MPROC_WAIT_QUEUE, from);
    START(child, put_and_answer, pool, "oo", to, from);
    for (i = 0; i < ROUNDS; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_putf(to, 0, "i", i));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_wait(&item, 1, test_deadline(), NULL));
        REQUIRE_STATUS(APR_SUCCESS, mproc_queue_getf(from, MPROC_NOWAIT, pool,
                                                     "i", &number));
        CHECK_INT(i + 1, number);
    }
    JOIN(child, 0);
}

/* Others of this process take what an answer told of, and that is forgotten. */
static void
old_answers_do_not_count(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *client;
    mproc_queue_t *queue, *other;
    mproc_waitable_t item;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, "q", 0, pool));
    client = client_make(manager, NULL, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(client, &other, "q", 0, pool));
    item = item_of(MPROC_WAIT_QUEUE, queue);
    for (i = 0; i < ROUNDS; i++) {
        CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
        CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(i % 2 ? queue : other, 0,
                                                   pool, "i", &number));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_queue_shutdown(queue, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
    CHECK_STATUS(APR_EOF, mproc_queue_getf(queue, 0, pool, "i", &number));
}

static int
set_when_told(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *go, *event;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &go, &event));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(go, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(event));
    return 0;
}

static apr_status_t
wait_for_event(void *event)
{
    mproc_waitable_t item = item_of(MPROC_WAIT_EVENT, event);
    return mproc_wait(&item, 1, test_deadline(), NULL);
}

/* One of each is on its way, for all threads. */
static void
threads_wait_for_one(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *event = far_event(manager, pool), *go;
    mproc_process_t *child;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    START(child, set_when_told, pool, "oo", go, event);
    threads = threads_start(4, wait_for_event, event, pool);
    waiting_settle(manager, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(go));
    threads_join(threads, APR_SUCCESS);
    JOIN(child, 0);
}

/* A handle: up, down, and up again; whoever is the cause. */
static void
handles(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    mproc_pool_t *workers = far_start(manager, NULL, 1, pool);
    mproc_queue_t *queue = far_queue(manager, pool);
    mproc_event_t *event = far_event(manager, pool);
    apr_int64_t handle;
    mproc_waitable_t item;
    waiting_t waiting;
    int i, number;
    handle = handle_of(MPROC_WAIT_QUEUE, queue);
    CHECK(handle_of(MPROC_WAIT_QUEUE, queue) == handle);
    for (i = 0; i < 5; i++) {
        IS_NOT_READY(handle);
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
        BECOMES_READY(handle);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
        BECOMES_READY(handle); /* One is left. */
        CHECK_STATUS(APR_SUCCESS,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
        await_unready(handle);
        CHECK_STATUS(APR_TIMEUP,
                     mproc_queue_getf(queue, 0, pool, "i", &number));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    handle = handle_of(MPROC_WAIT_EVENT, event);
    IS_READY(handle); /* It was, already. */
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(event));
    await_unready(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    BECOMES_READY(handle);
    item = item_of(MPROC_WAIT_EVENT, event);
    CHECK_STATUS(APR_SUCCESS, mproc_waitable_close(&item));
    waiting_send(&waiting, workers, pool);
    handle = handle_of(MPROC_WAIT_ASYNC, waiting.async);
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(waiting.async, MPROC_NOWAIT));
    IS_READY(handle); /* It stays so. */
    mproc_async_destroy(waiting.async);
    mproc_pool_destroy(workers);
    server_end(manager);
}

static apr_status_t
wait_for_queue(void *queue)
{
    mproc_waitable_t item = item_of(MPROC_WAIT_QUEUE, queue);
    return mproc_wait(&item, 1, test_deadline(), NULL);
}

/* Who waits is woken, and learns why by the call that follows. */
static void
a_dead_server_wakes(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_queue_t *queue = far_queue(manager, pool);
    mproc_event_t *event = far_event(manager, pool);
    apr_int64_t handle = handle_of(MPROC_WAIT_EVENT, event);
    mproc_waitable_t item = item_of(MPROC_WAIT_QUEUE, queue);
    threads_t *threads = threads_start(1, wait_for_queue, queue, pool);
    int number;
    waiting_settle(manager, 2);
    IS_NOT_READY(handle);
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    threads_join(threads, APR_SUCCESS);
    BECOMES_READY(handle);
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
    CHECK(item.ready);
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
    IS_READY(handle);
}

static mproc_queue_t *inherited;

static int
wait_inherited(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_waitable_t item = item_of(MPROC_WAIT_QUEUE, inherited);
    int number;
    (void)args;
    CHILD_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_queue_putf(inherited, 0, "i", 8));
    CHILD_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_getf(inherited, 0, pool, "i", &number));
    return 0;
}

/* A child that inherits one waits on a connection of its own. */
static void
a_forked_child_has_its_own(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_waitable_t item;
    int number;
    if (test_method() != MPROC_START_FORK) {
        test_skip("by fork only");
    }
    inherited = far_queue(manager, pool);
    item = item_of(MPROC_WAIT_QUEUE, inherited);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
    START(child, wait_inherited, pool, NULL);
    JOIN(child, 0);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(inherited, 0, "i", 8));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_queue_getf(inherited, 0, pool, "i", &number));
}

/* What waited beside others leaves nothing in the server, and the client stays
 * one, whichever of its connections ends first. */
static void
nothing_is_left(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_dict_t *dict;
    mproc_queue_t *queue;
    mproc_waitable_t item;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    for (i = 0; i < 10; i++) {
        queue = far_queue(manager, NULL);
        item = item_of(MPROC_WAIT_QUEUE, queue);
        CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MPROC_NOWAIT, NULL));
        waiting_settle(manager, 0);
        CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MS, NULL));
        waiting_settle(manager, 1);
        (void)handle_of(MPROC_WAIT_QUEUE, queue);
        mproc_queue_destroy(queue);
        waiting_settle(manager, 0);
    }
    CHECK_INT(1, census_of(manager).objects);
    CHECK_INT(1, census_of(manager).clients);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
}

/* Waiting for what was sent here, to one server and to another. */
static void
pools_anywhere(apr_pool_t *pool)
{
    mproc_manager_t *managers[2] = {server_start(pool), server_start(pool)};
    mproc_pool_t *local, *away[2];
    mproc_pool_options_t options = {.processes = 1};
    mproc_async_t *asyncs[5];
    mproc_event_t *gate[5];
    apr_size_t settled, index;
    int i, successful;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&local, &options, pool));
    away[0] = far_start(managers[0], NULL, 2, pool);
    away[1] = far_start(managers[1], NULL, 2, pool);
    for (i = 0; i < 5; i++) {
        mproc_pool_t *to = i == 4 ? local : away[i % 2];
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&gate[i], pool));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_pool_apply_async(&asyncs[i], to, gate_wait, NULL,
                                              pool, "UU", HANDLE(gate[i]),
                                              HANDLE(gate[i])));
    }
    /* Those that set their own gate are through at once. */
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(asyncs, 5, MPROC_FIRST_SETTLED,
                                                 test_deadline(), &settled));
    CHECK(settled >= 1);
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(asyncs, 5, MPROC_ALL_SETTLED,
                                                 test_deadline(), &settled));
    CHECK_INT(5, settled);
    for (i = 0; i < 3; i++) {
        waiting_t waiting;
        waiting_send(&waiting, i == 2 ? local : away[i], pool);
        asyncs[i] = waiting.async;
        gate[i] = waiting.gate;
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(&asyncs[3], away[0], by_three_there,
                                          NULL, pool, "i", 3));
    CHECK_STATUS(APR_TIMEUP, mproc_wait_results(asyncs, 3, MPROC_ALL_SETTLED,
                                                MPROC_NOWAIT, &settled));
    CHECK_INT(0, settled);
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(asyncs, 4, MPROC_FIRST_FAILED,
                                                 test_deadline(), &settled));
    CHECK_INT(1, settled);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_as_completed(asyncs, 4, &index, test_deadline()));
    CHECK_INT(3, index);
    CHECK(asyncs[3] == NULL);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_as_completed(asyncs, 4, &index, MPROC_NOWAIT));
    CHECK_DETAIL("mproc_as_completed");
    for (i = 2; i >= 0; i--) {
        mproc_async_t *async = asyncs[i];
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(gate[i]));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_as_completed(asyncs, 4, &index, test_deadline()));
        CHECK_INT(i, index);
        CHECK_STATUS(APR_SUCCESS, mproc_async_successful(async, &successful));
        CHECK(successful);
    }
    CHECK_STATUS(APR_EOF,
                 mproc_as_completed(asyncs, 4, &index, test_deadline()));
    for (i = 0; i < 2; i++) {
        mproc_pool_destroy(away[i]);
        server_end(managers[i]);
    }
}

/* Another client clears it, and nobody is told: the call that finds out has the
 * handle down. */
static void
a_call_that_finds_out_lowers(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *client = client_make(manager, NULL, pool);
    mproc_event_t *event, *other;
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, "e", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_event(client, &other, "e", pool));
    handle = handle_of(MPROC_WAIT_EVENT, event);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(other));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(other));
    CHECK_STATUS(APR_TIMEUP, mproc_event_wait(event, MPROC_NOWAIT));
    IS_NOT_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(other));
    BECOMES_READY(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(other));
    CHECK(!mproc_event_is_set(event));
    IS_NOT_READY(handle);
}

/* The connection of a call may have something left to read, of an answer that
 * was too large. */
static void
leftovers_do_not_matter(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool), *client;
    mproc_manager_options_t options = {.lease = 0};
    mproc_dict_t *dict, *small;
    mproc_queue_t *queue;
    mproc_waitable_t item;
    char *big = apr_pcalloc(pool, 1000001);
    const char *text;
    memset(big, 'a', 1000000);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "k", "s", big));
    options.net.max_message = 4000;
    client = client_make(manager, &options, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(client, &small, "d", pool));
    queue = far_queue(client, pool);
    CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_getf(small, "k", pool, "s", &text));
    item = item_of(MPROC_WAIT_QUEUE, queue);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MS, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
}

/* A call is lost, and with it the link: who waits beside it goes on, and the
 * server sees this client end, whatever else it has. */
static void
a_lost_call_ends_all(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *client = client_make(manager, NULL, pool);
    mproc_queue_t *queue = far_queue(client, pool);
    mproc_event_t *event = far_event(client, pool);
    mproc__link_t *link = ((mproc__proxy_t *)(void *)queue)->link;
    mproc_lock_t *lock, *same;
    threads_t *threads;
    mproc__line_t *line;
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(client, &lock, "l", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &same, "l", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    handle = handle_of(MPROC_WAIT_EVENT, event);
    threads = threads_start(1, wait_for_queue, queue, pool);
    waiting_settle(manager, 2);
    IS_NOT_READY(handle);
    REQUIRE_STATUS(APR_SUCCESS, mproc__line_take(&line, link, "test"));
    CHECK_STATUS(APR_ECONNRESET, mproc__line_fail(line, link, "test"));
    threads_join(threads, APR_SUCCESS);
    BECOMES_READY(handle);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_lock_acquire(same, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(same));
    clients_settle(manager, 1);
    CHECK_STATUS(APR_ECONNRESET, mproc_event_set(event));
}

static void
watch_cut(void *object)
{
    mproc__proxy_t *proxy = object;
    mproc__watched_t *watched = (void *)atomic_load(&proxy->watch);
    mproc_plat_net_end(watched->line->socket->handle);
}

/* Its own connection ends, and nothing else: there is another soon. */
static void
a_cut_connection_is_made_anew(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_queue_t *queue = far_queue(manager, pool);
    mproc_event_t *event = far_event(manager, pool);
    mproc_waitable_t item = item_of(MPROC_WAIT_QUEUE, queue);
    apr_int64_t handle = handle_of(MPROC_WAIT_EVENT, event);
    int number;
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, MS, NULL));
    watch_cut(queue);
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 5 * MS, NULL));
    watch_cut(queue);
    CHECK_STATUS(APR_TIMEUP,
                 mproc_queue_getf(queue, MPROC_NOWAIT, pool, "i", &number));
    CHECK_DETAIL("mproc_queue_getf: ");
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 5 * MS, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, test_deadline(), NULL));
    watch_cut(event);
    BECOMES_READY(handle);
    CHECK(!mproc_event_is_set(event)); /* It is seen to be over. */
    await_unready(handle);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    BECOMES_READY(handle);
}

/* A server that takes no more connections refuses this one, and the client
 * lives. */
static void
no_room_for_more(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.max_clients = 2};
    mproc_manager_t *manager;
    mproc_waitable_t items[2];
    mproc_queue_t *queue;
    int first;
    options.net.handshake_timeout = 300 * MS;
    manager = manager_with(&options, pool);
    queue = far_queue(manager, pool);
    items[0] = item_of(MPROC_WAIT_QUEUE, queue);
    items[1] = item_of(MPROC_WAIT_EVENT, far_event(manager, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 1, MS, NULL));
    CHECK(mproc_wait(items, 2, 10 * MS, NULL) != APR_SUCCESS);
    CHECK_DETAIL("mproc_wait: ");
    CHECK_STATUS(APR_TIMEUP, mproc_wait(items, 2, MPROC_NOWAIT, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_wait(items, 2, MPROC_NOWAIT, &first));
    CHECK_INT(0, first);
}

/* The first of two is settled when that is told. */
static apr_status_t
wait_for_asyncs(void *asyncs)
{
    mproc_async_t *first = *(mproc_async_t **)asyncs;
    apr_size_t index = 9;
    apr_status_t rv = mproc_as_completed(asyncs, 2, &index, test_deadline());
    return rv == APR_SUCCESS && (index != 0 || !mproc_async_ready(first))
               ? APR_EGENERAL
               : rv;
}

/* What cannot be watched for a moment is not settled by that; what a server had
 * that is gone is, and has failed. */
static void
settled_is_settled(apr_pool_t *pool)
{
    mproc_manager_t *manager = server_start(pool);
    apr_uint64_t peers = count_peers() - 1; /* without the server */
    mproc_pool_t *workers = far_start(manager, NULL, 2, pool), *local;
    mproc_pool_options_t options = {.processes = 1};
    mproc_async_t *asyncs[2], *same[2];
    waiting_t waiting, here;
    threads_t *threads;
    apr_size_t settled;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_pool_create(&local, &options, pool));
    waiting_send(&waiting, workers, pool);
    waiting_send(&here, local, pool);
    asyncs[0] = same[0] = waiting.async;
    asyncs[1] = same[1] = here.async;
    threads = threads_start(1, wait_for_asyncs, asyncs, pool);
    waiting_settle(manager, 1);
    /* Its first member. */
    watch_cut(*(void **)(void *)mproc__async_far(waiting.async));
    waiting_settle(manager, 1);
    CHECK_STATUS(APR_TIMEUP, mproc_wait_results(same, 2, MPROC_FIRST_SETTLED,
                                                MPROC_NOWAIT, &settled));
    CHECK_INT(0, settled);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    threads_join(threads, APR_SUCCESS);
    waiting_send(&waiting, workers, pool);
    same[0] = waiting.async;
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    CHECK_STATUS(APR_SUCCESS, mproc_wait_results(same, 2, MPROC_FIRST_FAILED,
                                                 test_deadline(), &settled));
    CHECK_INT(1, settled);
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(here.gate));
    CHECK_STATUS(APR_SUCCESS, mproc_async_wait(here.async, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(waiting.gate));
    mproc_pool_destroy(workers);
    mproc_pool_destroy(local);
    await_peers(peers); /* The server's workers have lost it. */
}

static const test_case_t cases[] = {
    {"all_kinds_beside_each_other", all_kinds_beside_each_other},
    {"two_processes_take_turns", two_processes_take_turns},
    {"old_answers_do_not_count", old_answers_do_not_count},
    {"threads_wait_for_one", threads_wait_for_one},
    {"handles", handles},
    {"pools_anywhere", pools_anywhere},
    {"settled_is_settled", settled_is_settled},
    {"a_dead_server_wakes", a_dead_server_wakes},
    {"a_call_that_finds_out_lowers", a_call_that_finds_out_lowers},
    {"leftovers_do_not_matter", leftovers_do_not_matter},
    {"a_lost_call_ends_all", a_lost_call_ends_all},
    {"a_cut_connection_is_made_anew", a_cut_connection_is_made_anew},
    {"no_room_for_more", no_room_for_more},
    {"a_forked_child_has_its_own", a_forked_child_has_its_own},
    {"nothing_is_left", nothing_is_left},
    {NULL, NULL}};

const test_suite_t suite_manager_wait = {"manager_wait", 1, cases};
