/*
 * test_manager_more.c: what a manager gives out beside what the suites far_*
 * test: values and arrays, own types, batches; limits, crowds, encryption; and
 * that nothing is left of a server (M3 to M6, M9 to M16, M18, M23 to M34).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_signal.h>

#include "certificates.h"
#include "kin.h"
#include "managers.h"
#include "threads.h"

#define MS ((apr_interval_time_t)1000)

static mproc_manager_t *
manager_with(mproc_manager_options_t *options, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    net_needed();
    options->start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, options, pool));
    return manager;
}

/* Another client of the same server, in this process. */
static mproc_manager_t *
client_make(mproc_manager_t *manager, const mproc_manager_options_t *options,
            apr_pool_t *pool)
{
    mproc_manager_t *client;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_connect(
                       &client, mproc_manager_address(manager), options, pool));
    return client;
}

/* ---------------------------------------------------------- values, arrays */

/* Acquiring brings the items, releasing sends them back (M18). */
static void
a_value_is_carried(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_value_t *here, *there;
    int seven = 7;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_manager_value(manager, &here, "v", sizeof seven, &seven, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_value(other, &there, "v",
                                                    sizeof seven, NULL, pool));
    CHECK_INT(sizeof seven, mproc_value_size(there));
    CHECK_INT(7, *(int *)mproc_value_data(there));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(here, MPROC_FOREVER));
    *(int *)mproc_value_data(here) = 8;
    CHECK_STATUS(APR_TIMEUP, mproc_value_acquire(there, MPROC_NOWAIT));
    CHECK_INT(7, *(int *)mproc_value_data(there));
    /* It is an rlock: what is inside counts for the outermost. */
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(here, MPROC_FOREVER));
    CHECK_INT(8, *(int *)mproc_value_data(here));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(here));
    CHECK_STATUS(APR_TIMEUP, mproc_value_acquire(there, 1 * MS));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(here));
    CHECK_STATUS(MPROC_ESTATE, mproc_value_release(here));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(there, MPROC_FOREVER));
    CHECK_INT(8, *(int *)mproc_value_data(there));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(there));
}

static void
an_array_is_read_and_written(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    apr_int64_t first[4] = {1, 2, 3, 4}, got[4] = {0}, nine = 9;
    mproc_array_t *here, *there, *none;
    mproc_value_t *value;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_array(manager, &here, "a", 8, 4, first, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_array(other, &there, "a", 8, 4, NULL, pool));
    CHECK_INT(4, mproc_array_count(there));
    CHECK_INT(8, mproc_array_item_size(there));
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(there, -1, &nine));
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(here, 0, 4, got));
    CHECK_INT(1, got[0]);
    CHECK_INT(9, got[3]);
    CHECK_STATUS(APR_SUCCESS, mproc_array_write(here, 1, 2, got + 2));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(there, 2, got));
    CHECK_INT(9, got[0]);
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(there, 4, got));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(there, -5, got));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_write(there, 3, 2, first));
    CHECK_DETAIL("array of 4");
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_array_read(there, 0, ~(apr_size_t)0 / 16, got));
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(there, 4, 0, got));
    CHECK_STATUS(APR_EINVAL,
                 mproc_manager_array(manager, &none, NULL, 0, 4, NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_manager_array(manager, &none, NULL, 8, 0, NULL, pool));
    CHECK_INT(0, mproc_array_count(none));
    CHECK_STATUS(MPROC_ESTATE,
                 mproc_manager_value(manager, &value, "a", 8, NULL, pool));
}

static int
hold_cell(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    mproc_event_t *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &array, &ready));
    CHILD_STATUS(APR_SUCCESS, mproc_array_acquire(array, MPROC_FOREVER));
    ((int *)mproc_array_data(array))[0] = 66;
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    (void)mproc_event_wait(ready, MPROC_FOREVER);
    apr_sleep(600 * 1000 * MS);
    return 0;
}

/* What a holder that died changed was his (M23). */
static void
a_dead_holder_of_an_array_is_told_of(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_array_t *array;
    mproc_event_t *ready;
    int one = 1, got = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(manager, &array, NULL,
                                                    sizeof one, 1, &one, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    START(child, hold_cell, pool, "o o", array, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_TIMEUP, mproc_array_acquire(array, 1 * MS));
    KILL(child);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_acquire(array, test_deadline()));
    CHECK_INT(1, *(int *)mproc_array_data(array));
    *(int *)mproc_array_data(array) = 2;
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, 0, &got));
    CHECK_INT(2, got);
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(array, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
}

typedef struct setting_t {
    mproc_array_t *array;
    int number;
} setting_t;

static apr_status_t
set_first(void *data)
{
    setting_t *setting = data;
    return mproc_array_set(setting->array, 0, &setting->number);
}

/* The lock alone keeps the others out, those too who only write. */
static void
its_lock_is_shared(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_array_t *here;
    setting_t setting = {.number = 5};
    threads_t *threads;
    mproc_rlock_t *lock;
    int got = -1;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(manager, &here, "a",
                                                    sizeof got, 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(other, &setting.array, "a",
                                                    sizeof got, 1, NULL, pool));
    lock = mproc_array_lock(here);
    REQUIRE(lock != NULL);
    CHECK(lock == mproc_array_lock(here));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(APR_TIMEUP, mproc_array_acquire(setting.array, MPROC_NOWAIT));
    threads = threads_start(1, set_first, &setting, pool);
    waiting_settle(manager, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(here, 0, &got));
    CHECK_INT(0, got);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(lock));
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(here, 0, &got));
    CHECK_INT(5, got);
}

#define ROUNDS 200

static apr_status_t
count_up(void *data)
{
    mproc_value_t *value = data;
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < test_scaled(ROUNDS) && rv == APR_SUCCESS; i++) {
        rv = mproc_value_acquire(value, MPROC_FOREVER);
        if (rv == APR_SUCCESS) {
            ++*(int *)mproc_value_data(value);
            rv = mproc_value_release(value);
        }
    }
    return rv;
}

static int
count_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &value));
    CHILD_STATUS(APR_SUCCESS, count_up(value));
    return 0;
}

/* Threads have one copy between them: no count of theirs is lost, nor one of
 * another process. */
static void
threads_share_a_value(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_value_t *value;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_value(manager, &value, NULL,
                                                    sizeof(int), NULL, pool));
    START(child, count_there, pool, "o", value);
    threads = threads_start(4, count_up, value, pool);
    threads_join(threads, APR_SUCCESS);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(value, MPROC_FOREVER));
    CHECK_INT(5 * test_scaled(ROUNDS), *(int *)mproc_value_data(value));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
}

/* --------------------------------------------------------------- own types */

/* A tally in the server: a number, and what was added, in order. */
typedef struct tally_t {
    int total, count, added[64];
} tally_t;

static int tallies_destroyed; /* of the server's process */
static atomic_int tallies_added;

static apr_status_t
tally_create(void **self, mproc_bytes_t args, apr_pool_t *pool)
{
    tally_t *tally = apr_pcalloc(pool, sizeof *tally);
    apr_status_t rv = mproc_unpack(args, pool, "i", &tally->total);
    *self = tally;
    if (rv == APR_SUCCESS && tally->total < 0) {
        return tally->total == -2 ? APR_EAGAIN : APR_EINVAL;
    }
    return rv;
}

static void
tally_destroy(void *self)
{
    (void)self;
    tallies_destroyed++;
}

static apr_status_t
tally_add(void *self, mproc_bytes_t args, mproc_reply_t *reply,
          apr_pool_t *pool)
{
    tally_t *tally = self;
    int number;
    apr_status_t rv = mproc_unpack(args, pool, "i", &number);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (number < 0) {
        return mproc_reply_error(reply, APR_EINVAL, "%d is less than nothing",
                                 number);
    }
    if (tally->count < 64) {
        tally->added[tally->count++] = number;
    }
    tally->total += number;
    (void)atomic_fetch_add(&tallies_added, 1);
    return mproc_reply(reply, "i", tally->total);
}

static apr_status_t
tally_added(void *self, mproc_bytes_t args, mproc_reply_t *reply,
            apr_pool_t *pool)
{
    tally_t *tally = self;
    int which;
    apr_status_t rv = mproc_unpack(args, pool, "i", &which);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", tally->added[which & 63])
                             : rv;
}

static apr_status_t
tally_fail(void *self, mproc_bytes_t args, mproc_reply_t *reply,
           apr_pool_t *pool)
{
    int status = 0;
    (void)self;
    (void)reply;
    (void)mproc_unpack(args, pool, "i", &status);
    return (apr_status_t)status;
}

static apr_status_t
tally_destroyed(void *self, mproc_bytes_t args, mproc_reply_t *reply,
                apr_pool_t *pool)
{
    (void)self;
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", tallies_destroyed);
}

static apr_status_t
tally_silent(void *self, mproc_bytes_t args, mproc_reply_t *reply,
             apr_pool_t *pool)
{
    (void)self;
    (void)args;
    (void)reply;
    (void)pool;
    return APR_SUCCESS;
}

/* Where the server is served in the test's process. */
static mproc_event_t *await_entered, *await_gate;

static apr_status_t
tally_await(void *self, mproc_bytes_t args, mproc_reply_t *reply,
            apr_pool_t *pool)
{
    apr_status_t rv = mproc_event_set(await_entered);
    (void)self;
    (void)args;
    (void)reply;
    (void)pool;
    return rv == APR_SUCCESS ? mproc_event_wait(await_gate, test_deadline())
                             : rv;
}

static apr_status_t
tally_interrupt(void *self, mproc_bytes_t args, mproc_reply_t *reply,
                apr_pool_t *pool)
{
    (void)self;
    (void)args;
    (void)pool;
    (void)raise(SIGINT);
    return mproc_reply(reply, "i", 1);
}

static const mproc_method_t tally_methods[] = {{"add", tally_add},
                                               {"added", tally_added},
                                               {"fail", tally_fail},
                                               {"destroyed", tally_destroyed},
                                               {"silent", tally_silent},
                                               {"await", tally_await},
                                               {"interrupt", tally_interrupt},
                                               {NULL, NULL}};
static const mproc_manager_type_t tally_type = {"tally", tally_create,
                                                tally_destroy, tally_methods};
static const mproc_method_t plain_methods[] = {{"silent", tally_silent},
                                               {NULL, NULL}};
static const mproc_manager_type_t plain_type = {"plain", NULL, NULL,
                                                plain_methods};

/* Types, and one object that is there before anybody asks (M31). */
static apr_status_t
types_register(mproc_manager_t *manager, void *baton)
{
    apr_status_t rv = mproc_manager_register_type(manager, &tally_type);
    if (rv == APR_SUCCESS) {
        rv = mproc_manager_register_type(manager, &plain_type);
    }
    if (rv == APR_SUCCESS &&
        mproc_manager_register_type(manager, &plain_type) != MPROC_ESTATE) {
        rv = APR_EGENERAL;
    }
    tallies_destroyed = (int)(apr_uintptr_t)baton;
    return rv;
}

static mproc_manager_t *
manager_with_types(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = types_register};
    options.baton = (void *)(apr_uintptr_t)1000;
    return manager_with(&options, pool);
}

static int
number_in(mproc_bytes_t bytes, apr_pool_t *pool)
{
    int number = -1;
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "i", &number));
    return number;
}

static int
tally_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_remote_t *passed, *named;
    mproc_bytes_t result;
    int number;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o", &manager, &passed));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_remote_call(passed, "add", &result, pool, "i", 1));
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(result, pool, "i", &number));
    CHILD_CHECK(number == 43);
    CHILD_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &named, "tally",
                                                   "t", pool, "i", 0));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_remote_call(named, "add", NULL, NULL, "i", 5));
    CHILD_STATUS(MPROC_ESTATE, mproc_manager_shutdown(manager, 0));
    return 0;
}

static int
destroyed_count(mproc_remote_t *remote, apr_pool_t *pool)
{
    mproc_bytes_t result;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_remote_call(remote, "destroyed", &result, pool, NULL));
    return number_in(result, pool);
}

/* Made, called, shared, destroyed (M30, M31). */
static void
own_types(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with_types(pool);
    apr_time_t deadline = test_far();
    mproc_remote_t *tally, *named, *other, *plain;
    mproc_process_t *child;
    mproc_bytes_t result;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, NULL, "i", 40));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "add", &result, pool, "i", 2));
    CHECK_INT(42, number_in(result, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &named, "tally",
                                                     "t", pool, "i", 100));
    START(child, tally_there, pool, "o o", manager, tally);
    JOIN(child, 0);
    /* The arguments count for a new one only. */
    CHECK_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &other, "tally",
                                                   "t", pool, "i", -1));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(other, "add", &result, pool, "i", 0));
    CHECK_INT(105, number_in(result, pool));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_remote(manager, &plain, "plain",
                                                    "t", pool, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &plain, "plain",
                                                   NULL, pool, NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(plain, "silent", &result, pool, NULL));
    CHECK_INT(0, result.size);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(plain, "silent", NULL, NULL, NULL));
    CHECK_INT(1000, destroyed_count(named, pool));
    mproc_remote_destroy(tally);
    while (destroyed_count(named, pool) == 1000) {
        REQUIRE(mproc_clock() < deadline);
        apr_sleep(10 * MS);
    }
    CHECK_INT(1001, destroyed_count(named, pool));
}

/* What fails there is told here, and does no harm (M13, M15). */
static void
a_methods_failure_is_told(apr_pool_t *pool)
{
    static const apr_status_t statuses[] = {
        APR_EAGAIN, APR_TIMEUP, MPROC_EOWNERDEAD, APR_ECONNRESET, APR_EGENERAL};
    mproc_manager_t *manager = manager_with_types(pool);
    mproc_remote_t *tally, *none;
    mproc_bytes_t result;
    apr_size_t i;
    CHECK_STATUS(MPROC_EREMOTE, mproc_manager_remote(manager, &none, "nothing",
                                                     NULL, pool, NULL));
    CHECK_DETAIL("no type \"nothing\"");
    CHECK(none == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_manager_remote(manager, &none, "tally", NULL,
                                                  pool, "i", -1));
    CHECK_DETAIL("tally");
    CHECK_STATUS(APR_EAGAIN, mproc_manager_remote(manager, &none, "tally", NULL,
                                                  pool, "i", -2));
    CHECK_STATUS(MPROC_EFORMAT, mproc_manager_remote(manager, &none, "tally",
                                                     NULL, pool, "s", "text"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, pool, "i", 0));
    CHECK_STATUS(MPROC_EREMOTE,
                 mproc_remote_call(tally, "nothing", NULL, NULL, NULL));
    CHECK_DETAIL("no method \"nothing\"");
    CHECK_STATUS(APR_EINVAL,
                 mproc_remote_call(tally, "add", &result, pool, "i", -7));
    CHECK_DETAIL("mproc_remote_call: -7 is less than nothing");
    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        CHECK_STATUS(statuses[i],
                     mproc_remote_call(tally, "fail", &result, pool, "i",
                                       (int)statuses[i]));
        CHECK(result.data == NULL);
    }
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_remote_call(tally, "add", NULL, NULL, "s", "text"));
    CHECK_STATUS(APR_EINVAL, mproc_remote_call(tally, NULL, NULL, NULL, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_remote_call(NULL, "add", NULL, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "add", &result, pool, "i", 3));
    CHECK_INT(3, number_in(result, pool));
    CHECK_STATUS(MPROC_ESTATE,
                 mproc_manager_register_type(manager, &tally_type));
}

typedef struct adding_t {
    mproc_remote_t *tally;
    int number;
} adding_t;

static apr_status_t
call_await(void *data)
{
    return mproc_remote_call(data, "await", NULL, NULL, NULL);
}

static apr_status_t
call_add(void *data)
{
    adding_t *adding = data;
    return mproc_remote_call(adding->tally, "add", NULL, NULL, "i",
                             adding->number);
}

static void *APR_THREAD_FUNC
serve_beside(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_manager_serve(
        (mproc_manager_t *)(void *)beside->listener, MPROC_FOREVER);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

#define ADDS 6

/* A method that waits is in the way of its object only, whose calls are done in
 * the order in which they came (M10, M11, M32). */
static void
a_slow_method_delays_nobody_else(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = types_register};
    adding_t adding[ADDS];
    threads_t *awaits, *adds[ADDS];
    beside_t beside = {0};
    mproc_manager_t *manager;
    mproc_remote_t *slow, *other;
    mproc_bytes_t result;
    mproc_dict_t *dict;
    int i;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&await_entered, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&await_gate, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_listen(&manager, &options, pool));
    beside.listener = (mproc_listener_t *)(void *)manager;
    beside_start(&beside, serve_beside, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &slow, "tally",
                                                     NULL, pool, "i", 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &other, "tally",
                                                     NULL, pool, "i", 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    atomic_store(&tallies_added, 0);
    awaits = threads_start(1, call_await, slow, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(await_entered, test_deadline()));
    for (i = 0; i < ADDS; i++) {
        adding[i] = (adding_t){slow, 10 + i};
        adds[i] = threads_start(1, call_add, &adding[i], pool);
        waiting_settle(manager, 2 + i);
    }
    for (i = 0; i < 20; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", i));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(other, "add", &result, pool, "i", 1));
        CHECK_INT(i + 1, number_in(result, pool));
    }
    CHECK_INT(20, atomic_load(&tallies_added)); /* of the others only */
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(await_gate));
    threads_join(awaits, APR_SUCCESS);
    for (i = 0; i < ADDS; i++) {
        threads_join(adds[i], APR_SUCCESS);
    }
    for (i = 0; i < ADDS; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(slow, "added", &result, pool, "i", i));
        CHECK_INT(10 + i, number_in(result, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 0));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
}

/* ------------------------------------------------------------------ batches */

static void
a_batch_is_sent_together(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_dict_t *here, *there;
    mproc_list_t *list;
    int failed = 5, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &here, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(other, &there, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(other, &list, NULL, pool));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(-1, failed);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_begin(manager));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_begin(other));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(other, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "b", "i", 2));
    /* Nothing was sent; another manager's calls are not collected. */
    CHECK_INT(0, mproc_dict_size(there));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", 1));
    CHECK_INT(1, mproc_list_size(list));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(-1, failed);
    CHECK_INT(2, mproc_dict_size(there));
    /* Two fail: the first is told of, the others are done. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "none"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "neither"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "c", "i", 3));
    CHECK_STATUS(APR_NOTFOUND, mproc_manager_batch_end(manager, &failed));
    CHECK_DETAIL("none");
    CHECK_INT(1, failed);
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_getf(there, "a", pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(there, "c", pool, "i", &number));
    CHECK_INT(3, number);
}

/* Any other call sends what was collected before it. */
static void
a_batch_goes_before_other_calls(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *event;
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    int failed = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &lock, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(3, failed);
}

#define BATCHED 5000

static void
a_batch_of_thousands(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    apr_int64_t number = -1;
    mproc_list_t *list;
    int i, failed = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    for (i = 0; i < BATCHED; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove(list, 1 << 20));
    CHECK_STATUS(APR_NOTFOUND, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(BATCHED, failed);
    CHECK_INT(BATCHED, mproc_list_size(list));
    for (i = 0; i < BATCHED; i += 499) {
        CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, i, pool, "I", &number));
        CHECK_INT(i, number);
    }
}

static void
a_batch_ends_with_its_server(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_process_join(mproc_manager_process(manager), test_deadline()));
    CHECK_STATUS(APR_ECONNRESET, mproc_manager_batch_end(manager, NULL));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, NULL));
}

/* ------------------------------------------------------------ times, sizes */

#define SHORT (20 * MS)

/* No wait ends early, and all end. */
static void
no_timeout_is_early(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_condition_t *condition;
    mproc_semaphore_t *semaphore;
    mproc_value_t *value, *held;
    mproc_barrier_t *barrier;
    mproc_event_t *event;
    mproc_queue_t *queue;
    mproc_manager_census_t census;
    apr_time_t begun;
    int which, got;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_condition(manager, &condition,
                                                        NULL, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_semaphore(manager, &semaphore, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_value(manager, &value, "v", 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_value(other, &held, "v", 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_barrier(manager, &barrier, NULL, 2, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 1, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(held, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, MPROC_NOWAIT));
    for (which = 0; which < 7; which++) {
        apr_status_t rv = APR_SUCCESS;
        begun = mproc_clock();
        switch (which) {
        case 0:
            rv = mproc_condition_wait(condition, SHORT);
            break;
        case 1:
            rv = mproc_semaphore_acquire(semaphore, SHORT);
            break;
        case 2:
            rv = mproc_value_acquire(value, SHORT);
            break;
        case 3:
            rv = mproc_event_wait(event, SHORT);
            break;
        case 4:
            rv = mproc_queue_getf(queue, SHORT, pool, "i", &got);
            break;
        case 5:
            CHECK_STATUS(APR_SUCCESS,
                         mproc_queue_putf(queue, MPROC_NOWAIT, "i", 1));
            rv = mproc_queue_putf(queue, SHORT, "i", 1);
            break;
        default:
            rv = mproc_barrier_wait(barrier, NULL, SHORT);
            break;
        }
        CHECK(mproc_clock() - begun >= SHORT);
        CHECK_STATUS(which == 6 ? MPROC_EBROKEN : APR_TIMEUP, rv);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(held));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(0, census.waiting);
}

#define ENTRIES 100000

static void
a_large_dict(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    int i, number, count = test_scaled(ENTRIES);
    char key[24];
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    for (i = 0; i < count; i++) {
        apr_snprintf(key, sizeof key, "key-%d", i);
        REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, key, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, NULL));
    CHECK_INT(count, mproc_dict_size(dict));
    for (i = 0; i < count; i += count / 100 + 1) {
        apr_snprintf(key, sizeof key, "key-%d", i);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(dict, key, pool, "i", &number));
        CHECK_INT(i, number);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
    CHECK_INT(0, mproc_dict_size(dict));
}

/* Nothing that is passed as NULL harms; what fails leaves nothing behind. */
static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_bytes_t bytes = {"x", 1}, three, value;
    mproc_dict_t *dict;
    mproc_list_t *list;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pack(&three, pool, "i", 3));
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_get(dict, &bytes, three, pool));
    CHECK(bytes.data == NULL && bytes.size == 0);
    bytes = three;
    CHECK_STATUS(APR_NOTFOUND, mproc_list_get(list, &bytes, 0, pool));
    CHECK(bytes.data == NULL && bytes.size == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_set(dict, three, three));
    CHECK_STATUS(APR_SUCCESS, mproc_list_append(list, three));
    CHECK_STATUS(APR_EINVAL, mproc_dict_get(dict, NULL, three, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_pop(dict, &value, three, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_dict_popitem(dict, NULL, &value, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_get(list, NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_pop(list, &value, 0, NULL));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_INT(1, mproc_list_size(list));
}

/* Too much is a status, whoever has the limit; the connection goes on. */
static void
what_is_too_large_is_refused(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.net = {.max_message = 10000}};
    mproc_manager_options_t less = {.net = {.max_message = 2000}};
    mproc_manager_options_t more = {.net = {.max_message = 100000}};
    mproc_manager_t *manager = manager_with(&options, pool);
    mproc_manager_t *small = client_make(manager, &less, pool);
    mproc_manager_t *large = client_make(manager, &more, pool);
    mproc_bytes_t bytes = {apr_pcalloc(pool, 50000), 9000}, got;
    mproc_dict_t *dict, *little, *big;
    mproc_datum_t *items;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(small, &little, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(large, &big, "d", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "number", "i", 42));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "nine", "y", bytes));
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(little, "a", "y", bytes));
        CHECK_DETAIL("max_message");
        CHECK_STATUS(MPROC_ETOOBIG,
                     mproc_dict_getf(little, "nine", pool, "y", &got));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(little, "number", pool, "i", &number));
        CHECK_INT(42, number);
    }
    bytes.size = 50000;
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(dict, "a", "y", bytes));
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(big, "a", "y", bytes));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(big, "nine", pool, "y", &got));
        CHECK_INT(9000, got.size);
    }
    /* Two fit, but not together: the answer is what is too large. */
    CHECK_STATUS(
        APR_SUCCESS,
        mproc_dict_setf(dict, "again", "y", (mproc_bytes_t){bytes.data, 9000}));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_items(big, &items, pool));
    CHECK_INT(3, mproc_dict_size(big));
}

/* --------------------------------------------------------- others' deaths */

static int
wait_at(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &barrier));
    (void)mproc_barrier_wait(barrier, NULL, MPROC_FOREVER);
    return 0;
}

static apr_status_t
wait_here(void *data)
{
    return mproc_barrier_wait(data, NULL, test_deadline());
}

/* A party that dies breaks it for the others, till it is reset (M23). */
static void
a_dead_party_breaks_a_barrier(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_barrier_t *barrier;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_barrier(manager, &barrier, NULL, 3, pool));
    START(child, wait_at, pool, "o", barrier);
    waiting_settle(manager, 1);
    threads = threads_start(1, wait_here, barrier, pool);
    waiting_settle(manager, 2);
    CHECK_INT(2, mproc_barrier_waiting(barrier));
    KILL(child);
    threads_join(threads, MPROC_EBROKEN);
    CHECK(mproc_barrier_is_broken(barrier));
    CHECK_STATUS(MPROC_EBROKEN, mproc_barrier_wait(barrier, NULL, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_barrier_reset(barrier));
    threads = threads_start(3, wait_here, barrier, pool);
    threads_join(threads, APR_SUCCESS);
}

static int
hold_condition(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_condition_t *condition;
    mproc_event_t *ready;
    int waits;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o b", &condition, &ready, &waits));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_condition_acquire(condition, MPROC_FOREVER));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    if (waits) {
        (void)mproc_condition_wait(condition, MPROC_FOREVER);
    }
    apr_sleep(600 * 1000 * MS);
    return 0;
}

typedef struct told_t {
    mproc_condition_t *condition;
    mproc_event_t *ready;
} told_t;

static apr_status_t
be_notified(void *data)
{
    told_t *told = data;
    apr_status_t rv = mproc_condition_acquire(told->condition, test_deadline());
    if (rv == APR_SUCCESS) {
        rv = mproc_event_set(told->ready);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_wait(told->condition, test_deadline());
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_condition_release(told->condition);
    }
    return rv;
}

/* Who dies holding it is told of; who dies waiting takes no wake along. */
static void
a_condition_outlives_its_users(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *holder, *waiter;
    mproc_event_t *ready;
    threads_t *threads;
    told_t told;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&told.ready, pool));
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_manager_condition(manager, &told.condition, NULL, NULL, pool));
    START(waiter, hold_condition, pool, "o o b", told.condition, ready, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    waiting_settle(manager, 1);
    threads = threads_start(1, be_notified, &told, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(told.ready, test_deadline()));
    waiting_settle(manager, 2);
    KILL(waiter);
    waiting_settle(manager, 1);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_condition_acquire(told.condition, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(told.condition, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(told.condition));
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_event_clear(ready));
    START(holder, hold_condition, pool, "o o b", told.condition, ready, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_TIMEUP, mproc_condition_acquire(told.condition, 1 * MS));
    KILL(holder);
    CHECK_STATUS(MPROC_EOWNERDEAD,
                 mproc_condition_acquire(told.condition, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(told.condition));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(told.condition, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(told.condition));
}

/* ---------------------------------------------------------------- threads */

typedef struct nesting_t {
    mproc_rlock_t *rlock;
    int *number;
} nesting_t;

static apr_status_t
nest(void *data)
{
    nesting_t *nesting = data;
    apr_status_t rv = APR_SUCCESS;
    int i, level;
    for (i = 0; i < test_scaled(50) && rv == APR_SUCCESS; i++) {
        for (level = 0; level < 3 && rv == APR_SUCCESS; level++) {
            rv = mproc_rlock_acquire(nesting->rlock, MPROC_FOREVER);
        }
        ++*nesting->number;
        for (level = 0; level < 3 && rv == APR_SUCCESS; level++) {
            rv = mproc_rlock_release(nesting->rlock);
        }
    }
    return rv == APR_SUCCESS &&
                   mproc_rlock_release(nesting->rlock) != MPROC_ESTATE
               ? APR_EGENERAL
               : rv;
}

static apr_status_t
try_it(void *data)
{
    return mproc_rlock_acquire(data, MPROC_NOWAIT);
}

/* It is a thread's, not its process's (M18). */
static void
an_rlock_is_a_threads(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    threads_t *threads;
    nesting_t nesting;
    int number = 0;
    nesting.number = &number;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_rlock(manager, &nesting.rlock, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(nesting.rlock, 0));
    threads = threads_start(2, try_it, nesting.rlock, pool);
    threads_join(threads, APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_acquire(nesting.rlock, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(nesting.rlock));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(nesting.rlock));
    threads = threads_start(4, nest, &nesting, pool);
    threads_join(threads, APR_SUCCESS);
    CHECK_INT(4 * test_scaled(50), number);
}

/* ----------------------------------------------------------------- crowds */

#define CROWD 300
#define CROWD_THREADS 20

static const char *crowd_address;

/* Some clients of one thread's, all there at once. */
static apr_status_t
crowd_some(void *data)
{
    mproc_barrier_t *all_here = data;
    mproc_manager_t *client[CROWD / CROWD_THREADS] = {NULL};
    apr_status_t rv = APR_SUCCESS, done;
    mproc_list_t *list;
    int i;
    for (i = 0; i < CROWD / CROWD_THREADS && rv == APR_SUCCESS; i++) {
        rv = mproc_manager_connect(&client[i], crowd_address, NULL, NULL);
    }
    done = mproc_barrier_wait(all_here, NULL, test_deadline());
    for (i = 0; i < CROWD / CROWD_THREADS && rv == APR_SUCCESS; i++) {
        rv = mproc_manager_list(client[i], &list, "all", NULL);
        if (rv == APR_SUCCESS) {
            rv = mproc_list_appendf(list, "i", i);
            mproc_list_destroy(list);
        }
    }
    if (done == APR_SUCCESS) {
        done = mproc_barrier_wait(all_here, NULL, test_deadline());
    }
    for (i = 0; i < CROWD / CROWD_THREADS; i++) {
        mproc_manager_destroy(client[i]);
    }
    return rv == APR_SUCCESS ? done : rv;
}

static void
three_hundred_clients(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    apr_time_t deadline = test_far();
    mproc_manager_census_t census;
    mproc_barrier_t *all_here;
    threads_t *threads;
    mproc_list_t *list;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_barrier_create(&all_here, CROWD_THREADS + 1, NULL, NULL, pool));
    crowd_address = mproc_manager_address(manager);
    threads = threads_start(CROWD_THREADS, crowd_some, all_here, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(all_here, NULL, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(CROWD + 1, census.clients);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_barrier_wait(all_here, NULL, test_deadline()));
    threads_join(threads, APR_SUCCESS);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_list(manager, &list, "all", pool));
    CHECK_INT(CROWD, mproc_list_size(list));
    do {
        REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
        REQUIRE(mproc_clock() < deadline);
    } while (census.clients > 1);
}

/* -------------------------------------------------------------- addresses */

static int
use_by_address(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_dict_t *dict;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &dict));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "a", pool, "i", &number));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "b", "i", number + 1));
    return 0;
}

/* Here, there, and in a child, where the address is of this kind. */
static void
used_at(mproc_manager_options_t *options, const char *scheme,
        const mproc_manager_options_t *there, apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with(options, pool), *other;
    mproc_process_t *child;
    mproc_bytes_t got, large = {apr_pcalloc(pool, 3000000), 3000000};
    mproc_dict_t *dict, *same;
    mproc_lock_t *lock;
    int number;
    CHECK(strncmp(mproc_manager_address(manager), scheme, strlen(scheme)) == 0);
    other = client_make(manager, there, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(other, &same, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(other, &lock, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    START(child, use_by_address, pool, "o", dict);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(same, "b", pool, "i", &number));
    CHECK_INT(2, number);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(same, "large", "y", large));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "large", pool, "y", &got));
    CHECK_INT(large.size, got.size);
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(APR_TIMEUP, mproc_lock_acquire(lock, 1 * MS));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_STATUS(APR_ECONNRESET, mproc_dict_setf(same, "a", "i", 1));
}

static void
over_tcp(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL};
    used_at(&options, "tcp:127.0.0.1:", NULL, pool);
}

static void
over_a_named_pipe(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = "pipe:"};
    mproc_listener_t *listener;
    apr_status_t rv;
    net_needed();
    options.address =
        apr_psprintf(pool, "pipe:mproc-test-manager-%d",
                     (int)mproc_process_pid(mproc_process_current()));
    rv = mproc_listener_create(&listener, options.address, NULL, NULL);
    if (rv == APR_ENOTIMPL) {
        test_skip("no named pipes here");
    }
    REQUIRE_STATUS(APR_SUCCESS, rv);
    mproc_listener_destroy(listener);
    used_at(&options, "pipe:", NULL, pool);
}

static void
over_tls(apr_pool_t *pool)
{
    certificate_t authority, server;
    mproc_tls_options_t here = {NULL, NULL, NULL, NULL}, there = here;
    mproc_manager_options_t options = {.address = LOCAL}, client = {0};
    mproc_manager_options_t plain = {.net = {.handshake_timeout = 200 * MS}};
    mproc_manager_t *manager, *other;
    net_needed();
    if (!certificates_exist()) {
        test_skip("no OpenSSL to make certificates with");
    }
    REQUIRE(certificate_make(&authority, "authority", NULL, 30, pool));
    REQUIRE(certificate_make(&server, "127.0.0.1", &authority, 30, pool));
    here.certificate = server.file;
    here.key = server.key;
    there.authorities = authority.file;
    options.net.tls = &here;
    client.net.tls = &there;
    /* Its creator does not believe it: only others use it. */
    manager = manager_with(&options, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_connect(&other, mproc_manager_address(manager),
                                         &client, pool));
    mproc_manager_destroy(other);
    /* Who does not speak it is let in by nobody. */
    CHECK(mproc_manager_connect(&other, mproc_manager_address(manager), &plain,
                                pool) != APR_SUCCESS);
    CHECK(other == NULL);
    mproc_manager_destroy(manager);
    here.authorities = authority.file;
    used_at(&options, "tcp:127.0.0.1:", &options, pool);
}

/* ------------------------------------------------------------------- forks */

static mproc_manager_t *inherited_manager;
static mproc_dict_t *inherited_dict;
static mproc_lock_t *inherited_lock;
static mproc_value_t *inherited_value;

static int
use_inherited(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_census_t census;
    int number;
    (void)args;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_dict_getf(inherited_dict, "a", pool, "i", &number));
    CHILD_CHECK(number == 1);
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(inherited_dict, "b", "i", 2));
    CHILD_STATUS(APR_SUCCESS, mproc_manager_census(inherited_manager, &census));
    CHILD_CHECK(census.clients == 2);
    /* Its parent has it, and another process may not give it back as its own.
     */
    CHILD_STATUS(APR_TIMEUP, mproc_lock_acquire(inherited_lock, MPROC_NOWAIT));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_value_acquire(inherited_value, MPROC_FOREVER));
    ++*(int *)mproc_value_data(inherited_value);
    CHILD_STATUS(APR_SUCCESS, mproc_value_release(inherited_value));
    mproc_dict_destroy(inherited_dict);
    return 0;
}

/* A forked child is a client of its own, and does its parent no harm (M29). */
static void
inherited_at(mproc_manager_options_t *options, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    mproc_manager_census_t census;
    apr_time_t deadline = test_far();
    mproc_process_t *child;
    int i, number;
    if (test_method() != MPROC_START_FORK) {
        test_skip("nothing is inherited but by fork");
    }
    manager = inherited_manager = manager_with(options, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &inherited_dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_lock(manager, &inherited_lock, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_value(manager, &inherited_value, NULL,
                                       sizeof number, NULL, pool));
    CHECK_INT(0, *(int *)mproc_value_data(inherited_value));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(inherited_dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(inherited_lock, 0));
    for (i = 0; i < 3; i++) {
        START(child, use_inherited, pool, NULL);
        JOIN(child, 0);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(inherited_dict, "b", pool, "i", &number));
        CHECK_INT(2, number);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(inherited_value, 0));
    CHECK_INT(3, *(int *)mproc_value_data(inherited_value));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(inherited_value));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(inherited_lock));
    do {
        REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
        REQUIRE(mproc_clock() < deadline);
    } while (census.clients > 1);
    CHECK_INT(3, census.objects - 1); /* and the value's lock */
}

static void
a_forked_child_inherits(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = NULL};
    inherited_at(&options, pool);
}

static void
a_forked_child_inherits_tls(apr_pool_t *pool)
{
    certificate_t authority, server;
    mproc_tls_options_t tls = {NULL, NULL, NULL, NULL};
    mproc_manager_options_t options = {.address = LOCAL};
    net_needed();
    if (!certificates_exist()) {
        test_skip("no OpenSSL to make certificates with");
    }
    REQUIRE(certificate_make(&authority, "authority", NULL, 30, pool));
    REQUIRE(certificate_make(&server, "127.0.0.1", &authority, 30, pool));
    tls.certificate = server.file;
    tls.key = server.key;
    tls.authorities = authority.file;
    options.net.tls = &tls;
    inherited_at(&options, pool);
}

/* ----------------------------------------------------------------- the end */

enum {
    ENDS_BY_RETURN,
    ENDS_BY_KILL
};

static int
create_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = NULL};
    mproc_manager_t *manager;
    mproc_queue_t *told;
    mproc_dict_t *dict;
    int how, method;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o i i", &told, &method, &how));
    options.start_method = (mproc_start_method_e)method;
    CHILD_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", NULL));
    CHILD_STATUS(
        APR_SUCCESS,
        mproc_queue_putf(told, MPROC_NOWAIT, "I s",
                         mproc_process_pid(mproc_manager_process(manager)),
                         mproc_manager_address(manager)));
    if (how == ENDS_BY_KILL) {
        apr_sleep(600 * 1000 * MS);
    }
    return 0;
}

/* Whether nothing is left where a server listened: no path, and no folder that
 * was made for it. */
static int
place_is_left(const char *address, apr_pool_t *pool)
{
    const char *path = address + 5;
    char *folder;
    apr_finfo_t info;
    if (strncmp(address, "unix:", 5) != 0) {
        return 0;
    }
    folder = apr_pstrdup(pool, path);
    if (apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS) {
        return 1;
    }
    if (strrchr(folder, '/') != NULL) {
        *strrchr(folder, '/') = '\0';
    }
    return strstr(folder, "mproc") != NULL &&
           apr_stat(&info, folder, APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

/* A server ends with who started it, however that ends (M5, M9). */
static void
it_ends_with_its_creator(int how, apr_pool_t *pool)
{
    apr_time_t deadline = test_far();
    mproc_process_t *child;
    mproc_queue_t *told;
    apr_int64_t pid;
    const char *address;
    mproc_manager_t *none;
    apr_uint64_t peers;
    net_needed();
    start_server(pool);
    peers = count_peers();
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_create(&told, 0, pool));
    START(child, create_there, pool, "o i i", told, (int)test_method(), how);
    REQUIRE_STATUS(APR_SUCCESS, mproc_queue_getf(told, test_deadline(), pool,
                                                 "I s", &pid, &address));
    if (how == ENDS_BY_KILL) {
        CHECK(test_pid_exists(pid));
        KILL(child);
    }
    else {
        JOIN(child, 0);
        CHECK(!test_pid_exists(pid));
        CHECK(!place_is_left(address, pool));
    }
    while (test_pid_exists(pid)) {
        REQUIRE(mproc_clock() < deadline);
        apr_sleep(1 * MS);
    }
    /* What it had goes when somebody of the tree has noticed. */
    await_peers(peers);
    CHECK(!place_is_left(address, pool));
    CHECK(mproc_manager_connect(&none, address, NULL, pool) != APR_SUCCESS);
}

static void
it_ends_at_its_creators_exit(apr_pool_t *pool)
{
    it_ends_with_its_creator(ENDS_BY_RETURN, pool);
}

static void
it_ends_when_its_creator_is_killed(apr_pool_t *pool)
{
    it_ends_with_its_creator(ENDS_BY_KILL, pool);
}

/* A server that does not listen to its end is killed, in steps of the time that
 * was given (M5). */
static void
a_stopped_server_is_killed(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *process = mproc_manager_process(manager);
    apr_time_t begun = mproc_clock();
    mproc_dict_t *dict;
    int code = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    test_stop(mproc_process_pid(process));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 100 * MS));
    CHECK(mproc_clock() - begun < 6000 * MS);
    CHECK(!mproc_process_is_alive(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
    CHECK(code != 0);
    CHECK_STATUS(APR_ECONNRESET, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 100 * MS));
}

/* What a terminal sends to all, SIGINT, does not end it; SIGTERM does (M6). */
static void
it_ignores_an_interrupt(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with_types(pool);
    mproc_process_t *process = mproc_manager_process(manager);
    mproc_remote_t *tally;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, pool, "i", 0));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "interrupt", NULL, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "silent", NULL, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_remote_call(tally, "silent", NULL, NULL, NULL));
}

/* Another server can listen where one did, at once (M8). */
static void
an_address_is_free_again(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL};
    mproc_manager_t *manager = manager_with(&options, pool), *taken;
    mproc_dict_t *dict;
    int i;
    options.address = apr_pstrdup(pool, mproc_manager_address(manager));
    CHECK(mproc_manager_start(&taken, &options, pool) != APR_SUCCESS);
    CHECK_DETAIL(options.address);
    CHECK(taken == NULL);
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_manager_dict(manager, &dict, NULL, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_manager_shutdown(manager, test_deadline()));
        manager = manager_with(&options, pool);
        CHECK_TEXT(options.address, mproc_manager_address(manager));
    }
}

static int
nested_manager(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    (void)args;
    CHILD_CHECK(mproc_manager_start(&manager, NULL, pool) != APR_SUCCESS);
    CHILD_CHECK(manager == NULL);
    return 0;
}

/* A daemonic process has no children: no managers either (M1). */
static void
a_daemon_starts_none(apr_pool_t *pool)
{
    mproc_process_options_t options = {.daemon = 1};
    mproc_process_t *child;
    net_needed();
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&child, nested_manager,
                                                     &options, pool, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(child));
    JOIN(child, 0);
}

static const test_case_t cases[] = {
    {"a_value_is_carried", a_value_is_carried},
    {"an_array_is_read_and_written", an_array_is_read_and_written},
    {"a_dead_holder_of_an_array", a_dead_holder_of_an_array_is_told_of},
    {"its_lock_is_shared", its_lock_is_shared},
    {"threads_share_a_value", threads_share_a_value},
    {"own_types", own_types},
    {"a_methods_failure_is_told", a_methods_failure_is_told},
    {"a_slow_method_delays_nobody", a_slow_method_delays_nobody_else},
    {"a_batch_is_sent_together", a_batch_is_sent_together},
    {"a_batch_goes_before_others", a_batch_goes_before_other_calls},
    {"a_batch_of_thousands", a_batch_of_thousands},
    {"a_batch_ends_with_its_server", a_batch_ends_with_its_server},
    {"no_timeout_is_early", no_timeout_is_early},
    {"a_large_dict", a_large_dict},
    {"misuse_is_a_status", misuse_is_a_status},
    {"what_is_too_large_is_refused", what_is_too_large_is_refused},
    {"a_dead_party_breaks_a_barrier", a_dead_party_breaks_a_barrier},
    {"a_condition_outlives_its_users", a_condition_outlives_its_users},
    {"an_rlock_is_a_threads", an_rlock_is_a_threads},
    {"three_hundred_clients", three_hundred_clients},
    {"over_tcp", over_tcp},
    {"over_a_named_pipe", over_a_named_pipe},
    {"over_tls", over_tls},
    {"a_forked_child_inherits", a_forked_child_inherits},
    {"a_forked_child_inherits_tls", a_forked_child_inherits_tls},
    {"it_ends_at_its_creators_exit", it_ends_at_its_creators_exit},
    {"it_ends_with_its_creator", it_ends_when_its_creator_is_killed},
    {"a_stopped_server_is_killed", a_stopped_server_is_killed},
    {"it_ignores_an_interrupt", it_ignores_an_interrupt},
    {"an_address_is_free_again", an_address_is_free_again},
    {"a_daemon_starts_none", a_daemon_starts_none},
    {NULL, NULL}};

const test_suite_t suite_manager_more = {"manager_more", 1, cases};
