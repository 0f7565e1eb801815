/* test_manager_place.c: a manager's users, how many and wherever they are, and
 * that nothing is left of it. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_signal.h>

#include "certificates.h"
#include "kin.h"
#include "managers.h"
#include "threads.h"

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
    while (place_is_left(address, pool)) {
        mproc__peers_look_around(); /* Who recovers the dead removes it. */
        REQUIRE(mproc_clock() < deadline);
    }
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
    {"an_address_is_free_again", an_address_is_free_again},
    {"a_daemon_starts_none", a_daemon_starts_none},
    {NULL, NULL}};

const test_suite_t suite_manager_place = {"manager_place", 1, cases};
