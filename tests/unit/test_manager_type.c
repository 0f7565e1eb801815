/* test_manager_type.c: objects of own types in a manager. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_signal.h>

#include "certificates.h"
#include "kin.h"
#include "managers.h"
#include "threads.h"

/* --------------------------------------------------------------- own types */

/* A tally in the server: a number, and what was added, in order. */
typedef struct tally_t {
    int total, count, added[64], given;
    mproc_dict_t *notes;
} tally_t;

static atomic_int tallies_destroyed; /* of the server's process */
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
    mproc_dict_destroy(((tally_t *)self)->notes);
    atomic_fetch_add(&tallies_destroyed, 1);
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
    return mproc_reply(reply, "i", atomic_load(&tallies_destroyed));
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

/* What was added, one after another, as a generator of Python's. */
static apr_status_t
tally_next(void *self, mproc_bytes_t args, mproc_reply_t *reply,
           apr_pool_t *pool)
{
    tally_t *tally = self;
    (void)args;
    (void)pool;
    return tally->given == tally->count
               ? APR_EOF
               : mproc_reply(reply, "i", tally->added[tally->given++]);
}

/* What was added, as a list of the manager's, that nobody else has. */
static apr_status_t
tally_history(void *self, mproc_bytes_t args, mproc_reply_t *reply,
              apr_pool_t *pool)
{
    tally_t *tally = self;
    mproc_list_t *list;
    int i;
    apr_status_t rv = mproc_list_create(&list, pool);
    (void)args;
    for (i = 0; i < tally->count && rv == APR_SUCCESS; i++) {
        rv = mproc_list_appendf(list, "i", tally->added[i]);
    }
    return rv == APR_SUCCESS ? mproc_reply(reply, "i o", i, list) : rv;
}

/* The same dict for all who ask, as long as one of them has it. */
static apr_status_t
tally_notes(void *self, mproc_bytes_t args, mproc_reply_t *reply,
            apr_pool_t *pool)
{
    tally_t *tally = self;
    apr_status_t rv = APR_SUCCESS;
    (void)args;
    (void)pool;
    if (tally->notes == NULL) {
        rv = mproc_dict_create(&tally->notes, NULL);
    }
    return rv == APR_SUCCESS ? mproc_reply(reply, "o", tally->notes) : rv;
}

static apr_status_t
tally_lock(void *self, mproc_bytes_t args, mproc_reply_t *reply,
           apr_pool_t *pool)
{
    mproc_lock_t *lock;
    apr_status_t rv = mproc_lock_create(&lock, pool);
    (void)self;
    (void)args;
    return rv == APR_SUCCESS ? mproc_reply(reply, "o", lock) : rv;
}

static apr_status_t
tally_crash(void *self, mproc_bytes_t args, mproc_reply_t *reply,
            apr_pool_t *pool)
{
    (void)self;
    (void)args;
    (void)reply;
    (void)pool;
    test_kill(mproc_process_pid(mproc_process_current()));
    return APR_SUCCESS;
}

static const mproc_method_t tally_methods[] = {{"add", tally_add},
                                               {"added", tally_added},
                                               {"fail", tally_fail},
                                               {"destroyed", tally_destroyed},
                                               {"silent", tally_silent},
                                               {"await", tally_await},
                                               {"interrupt", tally_interrupt},
                                               {"next", tally_next},
                                               {"crash", tally_crash},
                                               {"history", tally_history},
                                               {"notes", tally_notes},
                                               {"lock", tally_lock},
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
    atomic_store(&tallies_destroyed, (int)(apr_uintptr_t)baton);
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
#define SLOW 20

/* A method that waits is in the way of its object only, whose calls are done in
 * the order in which they came (M10, M11, M32), however many wait. */
static void
a_slow_method_delays_nobody_else(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = types_register};
    adding_t adding[ADDS];
    threads_t *awaits[SLOW], *adds[ADDS];
    beside_t beside = {0};
    mproc_manager_t *manager;
    mproc_remote_t *slow[SLOW], *other;
    mproc_bytes_t result;
    mproc_dict_t *dict;
    int i;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&await_entered, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&await_gate, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_listen(&manager, &options, pool));
    beside.listener = (mproc_listener_t *)(void *)manager;
    beside_start(&beside, serve_beside, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &other, "tally",
                                                     NULL, pool, "i", 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    atomic_store(&tallies_added, 0);
    for (i = 0; i < SLOW; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_manager_remote(manager, &slow[i], "tally", NULL,
                                            pool, "i", 0));
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(await_entered));
        awaits[i] = threads_start(1, call_await, slow[i], pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_event_wait(await_entered, test_deadline()));
    }
    for (i = 0; i < ADDS; i++) {
        adding[i] = (adding_t){slow[0], 10 + i};
        adds[i] = threads_start(1, call_add, &adding[i], pool);
        waiting_settle(manager, SLOW + 1 + i);
    }
    for (i = 0; i < 20; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", i));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(other, "add", &result, pool, "i", 1));
        CHECK_INT(i + 1, number_in(result, pool));
    }
    CHECK_INT(20, atomic_load(&tallies_added)); /* of the others only */
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(await_gate));
    for (i = 0; i < SLOW; i++) {
        threads_join(awaits[i], APR_SUCCESS);
    }
    for (i = 0; i < ADDS; i++) {
        threads_join(adds[i], APR_SUCCESS);
    }
    for (i = 0; i < ADDS; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_remote_call(slow[0], "added", &result,
                                                    pool, "i", i));
        CHECK_INT(10 + i, number_in(result, pool));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 0));
    beside_join(&beside);
    CHECK_STATUS(APR_SUCCESS, beside.status);
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

/* M33: until there is no more, again and again; it goes on with what comes. */
static void
one_after_another(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with_types(pool);
    mproc_remote_t *tally;
    mproc_bytes_t result;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, pool, "i", 0));
    for (i = 3; i < 6; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(tally, "add", NULL, NULL, "i", i));
    }
    for (i = 3; i < 6; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(tally, "next", &result, pool, NULL));
        CHECK_INT(i, number_in(result, pool));
    }
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_EOF,
                     mproc_remote_call(tally, "next", &result, pool, NULL));
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "add", NULL, NULL, "i", 9));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "next", &result, pool, NULL));
    CHECK_INT(9, number_in(result, pool));
}

static int
note_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_remote_t *tally;
    mproc_bytes_t result;
    mproc_dict_t *notes;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &tally));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "notes", &result, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(result, pool, "o", &notes));
    CHILD_STATUS(APR_SUCCESS, mproc_dict_setf(notes, "there", "i", 12));
    return 0;
}

/* M16: they are the manager's, and go with the last who has them. */
static void
methods_give_objects(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with_types(pool);
    mproc_manager_census_t before, after;
    mproc_process_t *child;
    mproc_remote_t *tally;
    mproc_bytes_t result;
    mproc_list_t *list;
    mproc_dict_t *notes;
    apr_pool_t *inner;
    int i, count, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, pool, "i", 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &before));
    apr_pool_create(&inner, pool);
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_remote_call(tally, "add", NULL, NULL, "i", i));
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_remote_call(tally, "history", &result, inner, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(result, inner, "i o", &count, &list));
    CHECK_INT(3, count);
    CHECK_INT(3, mproc_list_size(list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", 3));
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_SUCCESS,
                     mproc_list_getf(list, i, inner, "i", &number));
        CHECK_INT(i, number);
    }
    START(child, note_there, pool, "o", tally);
    JOIN(child, 0);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_remote_call(tally, "notes", &result, inner, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(result, inner, "o", &notes));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_getf(notes, "there", inner, "i", &number));
    CHECK_INT(12, number);
    /* Nobody has what is not asked for. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_remote_call(tally, "history", NULL, NULL, NULL));
    CHECK_STATUS(MPROC_ESTALE,
                 mproc_remote_call(tally, "lock", &result, inner, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &after));
    CHECK_INT(before.objects + 2, after.objects);
    apr_pool_destroy(inner);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &after));
    CHECK_INT(before.objects, after.objects);
}

static int
crash_it(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_remote_t *tally;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &tally));
    CHILD_STATUS(APR_ECONNRESET,
                 mproc_remote_call(tally, "crash", NULL, NULL, NULL));
    return 0;
}

/* M14: a method that takes the server with it. */
static void
a_method_that_ends_the_server(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_with_types(pool);
    mproc_process_t *child;
    mproc_remote_t *tally;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_remote(manager, &tally, "tally",
                                                     NULL, pool, "i", 0));
    START(child, crash_it, pool, "o", tally);
    JOIN(child, 0);
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_remote_call(tally, "silent", NULL, NULL, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(mproc_manager_process(manager),
                                                 test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 0));
}

static const test_case_t cases[] = {
    {"own_types", own_types},
    {"a_methods_failure_is_told", a_methods_failure_is_told},
    {"a_slow_method_delays_nobody", a_slow_method_delays_nobody_else},
    {"methods_give_objects", methods_give_objects},
    {"one_after_another", one_after_another},
    {"a_method_ends_the_server", a_method_that_ends_the_server},
    {"it_ignores_an_interrupt", it_ignores_an_interrupt},
    {NULL, NULL}};

const test_suite_t suite_manager_type = {"manager_type", 1, cases};
