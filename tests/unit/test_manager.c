/*
 * test_manager.c: managers: their life, and what becomes of what clients had
 * when they, or the server, end (M1 to M9, M23 to M29, M32).
 */
#include <stdio.h>
#include <string.h>

#include "managers.h"

/* ------------------------------------------------------------------- life */

static void
starts_and_ends(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *process = mproc_manager_process(manager);
    mproc_manager_census_t census;
    int code = -1;
    REQUIRE(process != NULL && mproc_process_is_alive(process));
    REQUIRE(mproc_manager_address(manager) != NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.clients);
    CHECK_INT(0, census.objects);
    CHECK_INT(0, census.waiting);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
    CHECK_INT(0, code);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_STATUS(APR_ECONNRESET, mproc_manager_census(manager, &census));
    CHECK_DETAIL("has ended");
}

static apr_status_t
initializer_fails(mproc_manager_t *manager, void *baton)
{
    (void)manager;
    (void)baton;
    return mproc_manager_forget(NULL, NULL); /* a status with a sentence */
}

/* The reason comes back (M3). */
static void
what_fails_is_told(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    mproc_manager_t *manager;
    net_needed();
    options.initializer = initializer_fails;
    CHECK_STATUS(APR_EINVAL, mproc_manager_start(&manager, &options, pool));
    CHECK_DETAIL("mproc_manager_forget");
    CHECK(manager == NULL);
    options.initializer = NULL;
    options.address = "nonsense:1";
    CHECK_STATUS(APR_EINVAL, mproc_manager_start(&manager, &options, pool));
    CHECK_DETAIL("nonsense");
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool), *other = NULL;
    mproc_manager_options_t options = {.lease = -1};
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    CHECK_STATUS(APR_EINVAL, mproc_manager_start(NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_start(&other, &options, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_connect(&other, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_dict(NULL, &dict, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_dict(manager, NULL, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_manager_shutdown(NULL, 0));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_serve(manager, 0));
    CHECK(mproc_manager_address(NULL) == NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &dict, "name", pool));
    CHECK_STATUS(MPROC_ESTATE,
                 mproc_manager_lock(manager, &lock, "name", pool));
    CHECK_DETAIL("dict");
    CHECK_STATUS(APR_SUCCESS, mproc_manager_forget(manager, "name"));
    CHECK_STATUS(APR_NOTFOUND, mproc_manager_forget(manager, "name"));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &lock, "name", pool));
    /* What is no dict takes no call of one. */
    CHECK_STATUS(APR_EINVAL,
                 mproc_dict_setf((mproc_dict_t *)lock, "a", "i", 1));
}

/* One that was connected to is the same one, and is not ended from there (M4).
 */
static void
others_connect(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool), *other;
    mproc_manager_options_t wrong = {.lease = 0};
    mproc_manager_census_t census;
    mproc_dict_t *here, *there;
    int number;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_connect(&other, mproc_manager_address(manager),
                                         NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &here, "shared", pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(other, &there, "shared", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "a", "i", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(there, "a", pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(2, census.clients);
    CHECK_INT(1, census.objects);
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_shutdown(other, 0));
    wrong.net.authkey = (mproc_bytes_t){"another", 7};
    mproc_manager_destroy(other);
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_manager_connect(&other, mproc_manager_address(manager),
                                       &wrong, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK(mproc_manager_connect(&other, mproc_manager_address(manager), NULL,
                                pool) != APR_SUCCESS);
    CHECK(other == NULL);
}

/* ----------------------------------------------------------------- processes
 */

static int
set_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict, *inner;
    mproc_queue_t *queue;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &dict, &queue));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "child", "s", "was here"));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_dict_getf(dict, "inner", pool, "o", &inner));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(inner, "deep", "i", 3));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_queue_putf(queue, MPROC_NOWAIT, "o", inner));
    return 0;
}

/* Objects go to children, lie in each other, and come back (M26, M28). */
static void
objects_go_everywhere(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_dict_t *dict, *inner, *back;
    mproc_queue_t *queue;
    mproc_process_t *child;
    const char *text;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &inner, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "inner", "o", inner));
    mproc_dict_destroy(inner); /* The dict has it. */
    START(child, set_there, pool, "o o", dict, queue);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "child", pool, "s", &text));
    CHECK_TEXT("was here", text);
    /* Who put it is gone; the dict kept it. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_getf(queue, MPROC_NOWAIT, pool, "o", &back));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_getf(back, "deep", pool, "i", &number));
    CHECK_INT(3, number);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, "inner"));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_getf(back, "deep", pool, "i", &number));
    mproc_dict_destroy(dict);
    clients_settle(manager, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.objects); /* the inner, which is ours */
}

static int
hold_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *ready;
    mproc_lock_t *lock;
    mproc_dict_t *dict;
    mproc_manager_t *manager;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o o", &manager, &lock, &ready));
    CHILD_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    (void)mproc_lock_acquire(lock, MPROC_FOREVER);
    return 0;
}

/* What a killed client had goes on, or goes (M23, M25). */
static void
a_killed_client_holds_nothing(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_process_t *child;
    mproc_event_t *ready;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &lock, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &ready, NULL, pool));
    START(child, hold_there, pool, "o o o", manager, lock, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK(mproc_lock_locked(lock));
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, 1000));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(2, census.clients);
    CHECK_INT(3, census.objects);
    KILL(child);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_lock_acquire(lock, test_deadline()));
    CHECK_DETAIL("gone");
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(MPROC_ESTATE, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.clients);
    CHECK_INT(2, census.objects);
    CHECK_INT(0, census.waiting);
}

static int
wait_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event, *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &event, &ready));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    CHILD_STATUS(APR_ECONNRESET, mproc_event_wait(event, MPROC_FOREVER));
    CHILD_STATUS(APR_ECONNRESET, mproc_event_wait(event, MPROC_FOREVER));
    return 0;
}

/* All calls fail, at once, those that wait too (M7). */
static void
a_killed_server_leaves_nobody_waiting(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *event, *ready;
    mproc_process_t *child;
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    START(child, wait_there, pool, "o o", event, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    waiting_settle(manager, 1);
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    JOIN(child, 0);
    CHECK_STATUS(APR_ECONNRESET, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_ECONNRESET, mproc_event_set(event));
    CHECK_INT(0, mproc_dict_size(dict));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
}

static int
just_wait(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &event));
    (void)mproc_event_wait(event, MPROC_FOREVER);
    return 0;
}

/* A waiter that is killed leaves its place. */
static void
a_killed_waiter_leaves(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_event_t *event;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    START(child, just_wait, pool, "o", event);
    waiting_settle(manager, 1);
    KILL(child);
    waiting_settle(manager, 0);
    clients_settle(manager, 1);
}

/* What is on its way to somebody lives as long as who sent it (M25). */
static void
what_is_under_way_lives(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_queue_t *queue;
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&queue, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_putf(queue, MPROC_NOWAIT, "o", dict));
    mproc_dict_destroy(dict);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.objects);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_queue_getf(queue, MPROC_NOWAIT, pool, "o", &dict));
    CHECK_INT(1, mproc_dict_size(dict));
    mproc_dict_destroy(dict);
    mproc_queue_destroy(queue);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(0, census.objects);
}

/* Of another manager, or of none: refused, and nothing was sent. */
static void
strangers_are_refused(apr_pool_t *pool)
{
    mproc_manager_t *one = manager_start(pool), *other = manager_start(pool);
    mproc_dict_t *mine, *stranger;
    mproc_event_t *local;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(one, &mine, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(other, &stranger, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&local, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_setf(mine, "a", "o", stranger));
    CHECK_DETAIL("same manager");
    CHECK_STATUS(APR_EINVAL, mproc_dict_setf(mine, "a", "[i o]", 1, local));
    CHECK_INT(0, mproc_dict_size(mine));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(mine, "a", "i", 1));
}

/* ----------------------------------------------------------- in this process
 */

static void *APR_THREAD_FUNC
serve_beside(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_manager_serve(
        (mproc_manager_t *)(void *)beside->listener, MPROC_FOREVER);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* A thread of this process serves; others of it are clients. */
static void
served_here(apr_pool_t *pool)
{
    mproc_manager_t *manager;
    beside_t beside = {0};
    mproc_dict_t *dict;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_listen(&manager, NULL, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_manager_serve(manager, 1000));
    beside.listener = (mproc_listener_t *)(void *)manager;
    beside_start(&beside, serve_beside, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 0));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
    CHECK_STATUS(APR_ECONNRESET, mproc_dict_setf(dict, "a", "i", 1));
}

static const test_case_t cases[] = {
    {"starts_and_ends", starts_and_ends},
    {"what_fails_is_told", what_fails_is_told},
    {"misuse_is_a_status", misuse_is_a_status},
    {"others_connect", others_connect},
    {"objects_go_everywhere", objects_go_everywhere},
    {"a_killed_client_holds_nothing", a_killed_client_holds_nothing},
    {"a_killed_server_leaves_nobody_waiting",
     a_killed_server_leaves_nobody_waiting},
    {"a_killed_waiter_leaves", a_killed_waiter_leaves},
    {"what_is_under_way_lives", what_is_under_way_lives},
    {"strangers_are_refused", strangers_are_refused},
    {"served_here", served_here},
    {NULL, NULL}};

const test_suite_t suite_manager = {"manager", 1, cases};
