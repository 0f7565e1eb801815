/* test_family.c: who is who, P36 to P40 of the reference semantics. */
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "kin.h"
#include "program.h"

static int
look_around(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *self = mproc_process_current();
    mproc_process_t *parent = mproc_process_parent();
    apr_array_header_t *children;
    const char *name;
    apr_int64_t pid;
    int code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "s I", &name, &pid));
    CHILD_CHECK(self != NULL && parent != NULL && self != parent);
    CHILD_CHECK(mproc_process_is_alive(self));
    CHILD_CHECK(mproc_process_pid(self) != pid);
    CHILD_CHECK(mproc_process_parent_pid(self) == pid);
    CHILD_STATUS(APR_EINPROGRESS, mproc_process_exitcode(self, &code));
    CHILD_CHECK(strcmp(mproc_process_name(parent), name) == 0);
    CHILD_CHECK(mproc_process_pid(parent) == pid);
    CHILD_CHECK(mproc_process_is_alive(parent));
    CHILD_STATUS(APR_TIMEUP, mproc_process_join(parent, 10000));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_kill(parent));
    CHILD_STATUS(MPROC_ESTATE, mproc_process_exitcode(parent, &code));
    CHILD_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHILD_CHECK(children->nelts == 0);
    return 0;
}

/* P36, CTX27: current and parent; a new child has no children. */
static void
current_and_parent(apr_pool_t *pool)
{
    mproc_process_t *self = mproc_process_current();
    mproc_process_t *process;
    CHECK_TEXT("MainProcess", mproc_process_name(self));
    CHECK(mproc_process_parent() == NULL);
    CHECK_INT(0, mproc_process_parent_pid(self));
    CHECK_INT(0, mproc_process_daemon(self));
    START(process, look_around, pool, "s I", mproc_process_name(self),
          mproc_process_pid(self));
    JOIN(process, 0);
}

static int
await_parent(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *parent = mproc_process_parent();
    mproc_value_t *seen;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &seen));
    shared_set(seen, 1);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(parent, test_deadline()));
    CHILD_CHECK(!mproc_process_is_alive(parent));
    CHILD_CHECK(strstr(mproc_process_describe(parent, pool), "stopped"));
    shared_set(seen, 2);
    return 0;
}

static int
be_survived(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    mproc_value_t *seen, *pid;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &seen, &pid));
    options.detached = 1;
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&process, await_parent,
                                                   &options, pool, "o", seen));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
    shared_set(pid, (int)mproc_process_pid(process));
    return sleep_long(args, pool);
}

/* P36, P33: a detached child notices the death of its parent. */
static void
a_detached_child_survives(apr_pool_t *pool)
{
    mproc_value_t *seen = shared_int(pool), *pid = shared_int(pool);
    apr_uint64_t peers = count_peers();
    apr_time_t deadline = mproc_clock() + test_deadline();
    mproc_process_t *process;
    START(process, be_survived, pool, "o o", seen, pid);
    REQUIRE(shared_await(seen) > 0 && shared_await(pid) > 0);
    KILL(process);
    while (shared_get(seen) != 2 && mproc_clock() < deadline) {
        apr_sleep(1000);
    }
    CHECK_INT(2, shared_get(seen));
    CHECK(process_gone(shared_get(pid)));
    mproc_shutdown();
    await_peers(peers);
}

static int
active_count(apr_pool_t *pool)
{
    apr_array_header_t *children;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    return children->nelts;
}

static int
count_grandchildren(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *process;
    apr_array_header_t *children;
    mproc_value_t *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &ready));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&process, sleep_long, NULL, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
    CHILD_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHILD_CHECK(children->nelts == 1);
    CHILD_CHECK(APR_ARRAY_IDX(children, 0, mproc_process_t *) == process);
    shared_set(ready, 1);
    apr_sleep(50000);
    CHILD_STATUS(APR_SUCCESS, mproc_process_stop(process, MPROC_FOREVER));
    return 0;
}

/* P37: one's own that run, not those of others. */
static void
active_children(apr_pool_t *pool)
{
    mproc_value_t *ready = shared_int(pool);
    mproc_process_t *sleeper, *process;
    CHECK_INT(0, active_count(pool));
    START(sleeper, sleep_long, pool, NULL);
    CHECK_INT(1, active_count(pool));
    START(process, count_grandchildren, pool, "o", ready);
    REQUIRE(shared_await(ready) == 1);
    CHECK_INT(2, active_count(pool));
    JOIN(process, 0);
    CHECK_INT(1, active_count(pool));
    test_kill(mproc_process_pid(sleeper));
    while (active_count(pool) != 0) {
        apr_sleep(1000);
    }
    /* Asking has collected it. */
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(sleeper, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(sleeper));
    CHECK_STATUS(APR_EINVAL, mproc_process_active_children(NULL, pool));
}

/* P38. */
static void
processors(apr_pool_t *pool)
{
    (void)pool;
    CHECK(mproc_cpu_count() >= 1);
    CHECK(mproc_cpu_count() < 65536);
}

enum {
    MANY = 100
};

/* P39: a hundred at once; a hundred that are ended as soon as they began. */
static void
a_hundred_at_once(apr_pool_t *pool)
{
    mproc_process_t *process[MANY];
    for (int i = 0; i < MANY; i++) {
        START(process[i], nothing, pool, NULL);
    }
    for (int i = 0; i < MANY; i++) {
        JOIN(process[i], 0);
    }
}

static void
a_hundred_terminated(apr_pool_t *pool)
{
    mproc_process_t *process[MANY];
    for (int i = 0; i < MANY; i++) {
        START(process[i], sleep_long, pool, NULL);
    }
    apr_sleep(1000);
    for (int i = 0; i < MANY; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process[i]));
    }
    for (int i = 0; i < MANY; i++) {
        JOIN(process[i], -15);
    }
}

static void *APR_THREAD_FUNC
start_thread(apr_thread_t *thread, void *data)
{
    mproc_process_options_t options = {0};
    apr_status_t rv = APR_SUCCESS;
    options.start_method = *(mproc_start_method_e *)data;
    for (int i = 0; i < 10 && rv == APR_SUCCESS; i++) {
        mproc_process_t *process;
        int code = -1;
        rv = mproc_process_create(&process, nothing, &options, NULL, NULL);
        if (rv == APR_SUCCESS) {
            rv = mproc_process_start(process);
        }
        if (rv == APR_SUCCESS) {
            rv = mproc_process_join(process, test_deadline());
        }
        if (rv == APR_SUCCESS) {
            rv = mproc_process_exitcode(process, &code);
        }
        if (rv == APR_SUCCESS && code != 0) {
            rv = APR_EGENERAL;
        }
        (void)mproc_process_close(process);
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

/* CTX12 too: forks beside threads that are inside the library. */
static void
starts_from_several_threads(apr_pool_t *pool)
{
    enum {
        THREADS = 4
    };
    mproc_start_method_e method = test_method();
    apr_thread_t *threads[THREADS];
    apr_pool_t *pools[THREADS];
    for (int i = 0; i < THREADS; i++) {
        apr_pool_create(&pools[i], NULL);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&threads[i], NULL, start_thread,
                                         &method, pools[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        apr_status_t result = APR_EGENERAL;
        apr_thread_join(&result, threads[i]);
        CHECK_STATUS(APR_SUCCESS, result);
        apr_pool_destroy(pools[i]);
    }
    (void)pool;
}

static int
tree(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *order;
    int depth, path;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o i i", &order, &depth, &path));
    int *list = mproc_value_data(order);
    list[++list[0]] = path;
    for (int i = 1; i <= 2 && depth > 0; i++) {
        mproc_process_t *process;
        int code = -1;
        CHILD_STATUS(APR_SUCCESS,
                     mproc_process_create(&process, tree, NULL, pool, "o i i",
                                          order, depth - 1, path * 10 + i));
        CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
        CHILD_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_FOREVER));
        CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
        CHILD_CHECK(code == 0);
    }
    return 0;
}

/* P40: depth first. */
static void
a_tree(apr_pool_t *pool)
{
    static const int expected[] = {7, 0, 1, 11, 12, 2, 21, 22};
    mproc_process_t *process;
    mproc_value_t *order;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&order, 16 * sizeof(int), NULL, pool));
    START(process, tree, pool, "o i i", order, 2, 0);
    JOIN(process, 0);
    for (int i = 0; i < 8; i++) {
        CHECK_INT(expected[i], ((int *)mproc_value_data(order))[i]);
    }
}

const test_suite_t suite_family = {
    "family", 1,
    (const test_case_t[]){
        {"current_and_parent", current_and_parent},
        {"a_detached_child_survives", a_detached_child_survives},
        {"active_children", active_children},
        {"processors", processors},
        {"a_hundred_at_once", a_hundred_at_once},
        {"a_hundred_terminated", a_hundred_terminated},
        {"starts_from_several_threads", starts_from_several_threads},
        {"a_tree", a_tree},
        {NULL, NULL}}};
