/*
 * test_manager_faults.c: managers where something comes at the wrong moment:
 * threads at once, a fork in between, answers that are too large, a server
 * that stands still (M7, M8, M29).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "certificates.h"
#include "managers.h"
#include "threads.h"

#define THREADS 8

/* -------------------------------------------------------------- at once */

static atomic_int go;

typedef struct comer_t {
    beside_t beside;
    mproc_manager_t *manager;
    mproc_dict_t *dict;
} comer_t;

static void *APR_THREAD_FUNC
comes(apr_thread_t *thread, void *baton)
{
    comer_t *comer = baton;
    mproc_event_t *event = NULL;
    while (!atomic_load(&go)) {
    }
    comer->beside.status =
        comer->dict != NULL
            ? mproc_dict_setf(comer->dict, "a", "i", 1)
            : mproc_manager_event(comer->manager, &event, NULL, NULL);
    mproc_event_destroy(event);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int
all_come(mproc_manager_t *manager, mproc_dict_t *dict, apr_pool_t *pool)
{
    comer_t comers[THREADS];
    apr_status_t rv;
    int i, bad = 0;
    memset(comers, 0, sizeof comers);
    atomic_store(&go, 0);
    for (i = 0; i < THREADS; i++) {
        comers[i].manager = manager;
        comers[i].dict = dict;
        bad |= apr_thread_create(&comers[i].beside.thread, NULL, comes,
                                 &comers[i], pool) != APR_SUCCESS;
    }
    atomic_store(&go, 1);
    for (i = 0; i < THREADS; i++) {
        bad |= apr_thread_join(&rv, comers[i].beside.thread) != APR_SUCCESS;
        bad |= comers[i].beside.status != APR_SUCCESS;
    }
    return bad;
}

/* Nobody is first: each has a connection, and all are one client. */
static void
threads_come_first_at_once(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    CHECK_INT(0, all_come(manager, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.clients);
    CHECK_INT(0, census.objects);
}

static int
come_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &dict));
    CHILD_CHECK(all_come(NULL, dict, pool) == 0);
    mproc_dict_destroy(dict);
    return 0;
}

/* The dict that a child inherited, or was passed, is counted once for it. */
static void
threads_of_a_child_come_at_once(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_process_t *child;
    mproc_dict_t *dict;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, NULL));
    for (i = 0; i < 3; i++) {
        START(child, come_there, pool, "o", dict);
        JOIN(child, 0);
    }
    CHECK_INT(1, mproc_dict_size(dict));
    mproc_dict_destroy(dict);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(0, census.objects);
}

static mproc_dict_t *inherited;

static int
use_inherited(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    CHILD_CHECK(all_come(NULL, inherited, pool) == 0);
    return 0;
}

static void
threads_use_what_is_inherited(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    int i;
    if (test_method() != MPROC_START_FORK) {
        test_skip("nothing is inherited");
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &inherited, NULL, pool));
    for (i = 0; i < 5; i++) {
        START(child, use_inherited, pool, NULL);
        JOIN(child, 0);
    }
    CHECK_INT(1, mproc_dict_size(inherited));
}

#define TIMES 100

static void *APR_THREAD_FUNC
adds(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    mproc_value_t *value = (mproc_value_t *)(void *)beside->listener;
    int i, at = test_scaled(TIMES);
    for (i = 0; i < at && beside->status == APR_SUCCESS; i++) {
        beside->status = mproc_value_acquire(value, test_deadline());
        if (beside->status == APR_SUCCESS) {
            ++*(int *)mproc_value_data(value);
            beside->status = mproc_value_release(value);
        }
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Two threads do. */
static int
both_add(mproc_value_t *value, apr_pool_t *pool)
{
    beside_t beside[2];
    apr_status_t rv;
    int i, bad = 0;
    memset(beside, 0, sizeof beside);
    for (i = 0; i < 2; i++) {
        beside[i].listener = (mproc_listener_t *)(void *)value;
        bad |= apr_thread_create(&beside[i].thread, NULL, adds, &beside[i],
                                 pool) != APR_SUCCESS;
    }
    for (i = 0; i < 2; i++) {
        bad |= apr_thread_join(&rv, beside[i].thread) != APR_SUCCESS ||
               beside[i].status != APR_SUCCESS;
    }
    return bad;
}

static int
add_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    int bad;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &value));
    bad = both_add(value, pool);
    mproc_value_destroy(value);
    return bad;
}

/* Threads and processes change a value: each sees what the others did. */
static void
all_add_to_a_value(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_process_t *child;
    mproc_value_t *value;
    int start = 0;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_manager_value(manager, &value, NULL, sizeof start, &start, NULL));
    START(child, add_there, pool, "o", value);
    CHECK_INT(0, both_add(value, pool));
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_acquire(value, test_deadline()));
    CHECK_INT(4 * test_scaled(TIMES), *(int *)mproc_value_data(value));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
    mproc_value_destroy(value);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(0, census.objects);
}

/* --------------------------------------------------------------- batches */

static mproc_list_t *inherited_list;

static int
set_child(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    CHILD_CHECK(mproc_list_size(inherited_list) == 0);
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(inherited, "child", "i", 1));
    return 0;
}

/* What its parent collected is its parent's; what it does is done at once. */
static void
a_child_collects_nothing(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    int failed;
    if (test_method() != MPROC_START_FORK) {
        test_skip("nothing is inherited");
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &inherited, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_list(manager, &inherited_list, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(inherited_list, "i", 1));
    START(child, set_child, pool, NULL);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(-1, failed);
    CHECK_INT(1, mproc_list_size(inherited_list));
    CHECK_INT(1, mproc_dict_size(inherited));
}

static int
hold_array(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    mproc_event_t *held, *go_on;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o o", &array, &held, &go_on));
    CHILD_STATUS(APR_SUCCESS, mproc_array_acquire(array, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(held));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(go_on, test_deadline()));
    CHILD_STATUS(APR_SUCCESS, mproc_array_release(array));
    mproc_array_destroy(array);
    return 0;
}

/* What waits cannot be collected: it would be the last that was. */
static void
an_array_is_written_in_a_batch(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *held, *go_on;
    mproc_process_t *child;
    mproc_array_t *array;
    mproc_list_t *list;
    int item = 5;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_manager_array(manager, &array, NULL, sizeof item, 3, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &held, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &go_on, NULL, pool));
    START(child, hold_array, pool, "o o o", array, held, go_on);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(held, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(go_on));
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(array, 1, &item));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, NULL));
    JOIN(child, 0);
    item = 0;
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, 1, &item));
    CHECK_INT(5, item);
    CHECK_INT(1, mproc_list_size(list));
}

/* ---------------------------------------------------------------- answers */

/* Many items are more than a message may be: some come, none is lost. */
static void
many_items_fit(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    mproc_bytes_t items[20], item = {NULL, 1000};
    mproc_manager_t *manager;
    mproc_queue_t *queue;
    int i, got = 0, count;
    net_needed();
    options.net.max_message = 4096;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 0, pool));
    item.data = apr_pcalloc(pool, item.size);
    for (i = 0; i < 20; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_queue_put(queue, item, MPROC_NOWAIT));
    }
    while (got < 20) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_queue_get_many(queue, items, 20, &count, MPROC_NOWAIT, pool));
        REQUIRE(count > 0 && count < 20);
        got += count;
    }
    CHECK_INT(20, got);
    CHECK_INT(0, mproc_queue_size(queue));
}

/* What is too large names an object: it is not counted for who did not get it.
 */
static void
what_is_not_answered_is_not_had(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    mproc_manager_census_t census;
    mproc_manager_t *manager;
    mproc_dict_t *dict, *inner;
    char *large = apr_pcalloc(pool, 3000);
    int i;
    net_needed();
    options.net.max_message = 4096;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &inner, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "o", "o", inner));
    mproc_dict_destroy(inner);
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_setf(dict, i ? "a" : "b", "y",
                                     (mproc_bytes_t){large, 3000}));
    }
    {
        mproc_dict_pair_t *pairs;
        apr_size_t count;
        CHECK_STATUS(MPROC_ETOOBIG,
                     mproc_dict_snapshot(dict, &pairs, &count, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, "o"));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.objects);
    mproc_dict_destroy(dict);
}

/* ------------------------------------------------------------- own methods */

static apr_status_t
plus_one(void *self, mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int number;
    apr_status_t rv = mproc_unpack(args, pool, "i", &number);
    (void)self;
    apr_sleep(20 * 1000); /* so that nothing else goes on meanwhile */
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", number + 1) : rv;
}

static const mproc_method_t methods[] = {{"plus_one", plus_one}, {NULL, NULL}};
static const mproc_manager_type_t type = {"adder", NULL, NULL, methods};

static apr_status_t
type_register(mproc_manager_t *manager, void *baton)
{
    (void)baton;
    return mproc_manager_register_type(manager, &type);
}

/* Its answer needs nobody else to call. */
static void
a_method_alone(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    mproc_manager_t *manager;
    mproc_remote_t *remote;
    mproc_bytes_t result;
    int i, number;
    net_needed();
    options.initializer = type_register;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &remote, "adder",
                                                     NULL, pool, NULL));
    for (i = 0; i < 5; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_remote_call(remote, "plus_one",
                                                      &result, pool, "i", i));
        REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(result, pool, "i", &number));
        CHECK_INT(i + 1, number);
    }
}

/* ------------------------------------------------------------- encrypted */

/* Large values come whole, though the system does not tell of what has been
 * decrypted already. */
static void
large_values_encrypted(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL,
                                       .start_method = test_method()};
    certificate_t authority, server;
    mproc_tls_options_t tls = {0};
    mproc_manager_t *manager;
    mproc_bytes_t value, back;
    mproc_dict_t *dict;
    char *data;
    int i;
    options.net = options_with(KEY);
    if (!certificates_exist()) {
        test_skip("no OpenSSL to make certificates with");
    }
    REQUIRE(certificate_make(&authority, "authority", NULL, 30, pool));
    REQUIRE(certificate_make(&server, "127.0.0.1", &authority, 30, pool));
    tls.certificate = server.file;
    tls.key = server.key;
    tls.authorities = authority.file;
    options.net.tls = &tls;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    data = apr_palloc(pool, 5 << 20);
    memset(data, 'x', 5 << 20);
    value.data = data;
    for (i = 0; i < 12; i++) {
        value.size = ((apr_size_t)i % 5 << 20) + (apr_size_t)i * 997;
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "y", value));
        CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "a", pool, "y", &back));
        CHECK(back.size == value.size &&
              memcmp(back.data, value.data, value.size) == 0);
    }
}

/* -------------------------------------------------------- it stands still */

/* Callers go on, soon; and what they had is free when it goes on, too. */
static void
a_stopped_server_is_given_up(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    apr_int64_t pid = mproc_process_pid(mproc_manager_process(manager));
    mproc_manager_t *again;
    mproc_lock_t *lock;
    if (test_method() != MPROC_START_SPAWN) {
        test_skip("it is the same for all methods, and long");
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_lock(manager, &lock, "lock", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    test_stop(pid);
    CHECK_STATUS(APR_ECONNRESET, mproc_lock_release(lock));
    CHECK_STATUS(APR_ECONNRESET, mproc_lock_release(lock)); /* at once */
    test_continue(pid);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_connect(&again, mproc_manager_address(manager),
                                         NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(again, &lock, "lock", pool));
    /* It had not read the release, or had: free it is. */
    CHECK(mproc_lock_acquire(lock, test_deadline()) != APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
}

static apr_status_t
call_join(void *queue)
{
    return mproc_queue_join(queue, test_deadline());
}

static int
get_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *ready, *never;
    mproc_queue_t *queue;
    int number, i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o o", &queue, &ready, &never));
    for (i = 0; i < 3; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_queue_getf(queue, test_deadline(), pool,
                                                   "i", &number));
    }
    CHILD_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(never, MPROC_FOREVER));
    return 0;
}

/* JQ4: what a killed client had got will not be done, and who waits for that
 * is told, once all else is done. */
static void
a_join_is_told_of_the_dead(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *ready, *never;
    mproc_process_t *child;
    mproc_queue_t *queue;
    threads_t *joins;
    int number, i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 0, pool));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_queue_putf(queue, 0, "i", i));
    }
    START(child, get_there, pool, "o o o", queue, ready, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    joins = threads_start(2, call_join, queue, pool);
    waiting_settle(manager, 2);
    KILL(child);
    CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, 20000));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    CHECK_STATUS(APR_TIMEUP, mproc_queue_join(queue, 0)); /* one is in it */
    CHECK_STATUS(APR_SUCCESS, mproc_queue_getf(queue, 0, pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    threads_join(joins, MPROC_EWORKERLOST);
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, 0));
    CHECK_DETAIL("2 items");
    /* Somebody else does it. */
    CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    CHECK_STATUS(MPROC_EWORKERLOST, mproc_queue_join(queue, 0));
    CHECK_DETAIL("1 items");
    CHECK_STATUS(APR_SUCCESS, mproc_queue_task_done(queue));
    CHECK_STATUS(APR_SUCCESS, mproc_queue_join(queue, 0));
    CHECK_STATUS(MPROC_ESTATE, mproc_queue_task_done(queue));
}

static const test_case_t cases[] = {
    {"threads_come_first_at_once", threads_come_first_at_once},
    {"threads_of_a_child_come_at_once", threads_of_a_child_come_at_once},
    {"threads_use_what_is_inherited", threads_use_what_is_inherited},
    {"all_add_to_a_value", all_add_to_a_value},
    {"a_child_collects_nothing", a_child_collects_nothing},
    {"an_array_is_written_in_a_batch", an_array_is_written_in_a_batch},
    {"many_items_fit", many_items_fit},
    {"what_is_not_answered_is_not_had", what_is_not_answered_is_not_had},
    {"a_method_alone", a_method_alone},
    {"a_join_is_told_of_the_dead", a_join_is_told_of_the_dead},
    {"large_values_encrypted", large_values_encrypted},
    {"a_stopped_server_is_given_up", a_stopped_server_is_given_up},
    {NULL, NULL}};

const test_suite_t suite_manager_faults = {"manager_faults", 1, cases};
