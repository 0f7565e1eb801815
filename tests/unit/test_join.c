/* test_join.c: starting, waiting, ending and closing, P13 to P20 of the
 * reference semantics. */
#include <stdatomic.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "kin.h"
#include "program.h"

#include "../../lib/src/process.h"
#include "../../platform/plat_proc.h"

/* P13: a start that fails leaves nothing behind, and may be repeated. */
static void
a_failed_start_leaves_nothing(apr_pool_t *pool)
{
    const char *folder;
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    folder = apr_pstrcat(pool, folder, "/missing", NULL);
    options.directory = folder;
    MAKE(process, nothing, options, pool);
    int handles = test_handles();
    CHECK(APR_STATUS_IS_ENOENT(mproc_process_start(process)));
    CHECK_DETAIL(folder);
    CHECK(APR_STATUS_IS_ENOENT(mproc_process_start(process)));
    CHECK(test_handles() <= handles + 1); /* Its own, made once. */
    CHECK_INT(0, mproc_process_pid(process));
    CHECK_INT(0, mproc_process_is_alive(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_join(process, MPROC_NOWAIT));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_dir_make(folder, APR_FPROT_OS_DEFAULT, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
    CHECK_STATUS(APR_SUCCESS, apr_dir_remove(folder, pool));
}

/* A directory that is a file. */
static void
a_directory_must_be_one(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.directory = test_host();
    MAKE(process, nothing, options, pool);
    CHECK(APR_STATUS_IS_ENOTDIR(mproc_process_start(process)));
}

static int
wait_for(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_event_t *event;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &event));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(event, MPROC_FOREVER));
    return 3;
}

static void *APR_THREAD_FUNC
join_thread(apr_thread_t *thread, void *data)
{
    apr_thread_exit(thread, mproc_process_join(data, test_deadline()));
    return NULL;
}

/* P14: from several threads at once, and again. */
static void
many_joins(apr_pool_t *pool)
{
    enum {
        THREADS = 8
    };
    apr_thread_t *threads[THREADS];
    apr_pool_t *pools[THREADS];
    mproc_process_t *process;
    mproc_event_t *event;
    apr_status_t result;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    START(process, wait_for, pool, "o", event);
    for (int i = 0; i < THREADS; i++) {
        apr_pool_create(&pools[i], pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&threads[i], NULL, join_thread,
                                         process, pools[i]));
    }
    CHECK_STATUS(APR_TIMEUP, mproc_process_join(process, 10000));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&result, threads[i]);
        CHECK_STATUS(APR_SUCCESS, result);
    }
    JOIN(process, 3);
}

/* P14: oneself; the calling process is alive. */
static void
nobody_joins_oneself(apr_pool_t *pool)
{
    mproc_process_t *self = mproc_process_current();
    int code;
    (void)pool;
    CHECK_STATUS(MPROC_ESTATE, mproc_process_join(self, MPROC_FOREVER));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_close(self));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_terminate(self));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_start(self));
    CHECK_INT(1, mproc_process_is_alive(self));
    CHECK_STATUS(APR_EINPROGRESS, mproc_process_exitcode(self, &code));
    CHECK_STATUS(APR_EINVAL, mproc_process_join(NULL, MPROC_FOREVER));
}

/* P14: a child that the host started in its own way stays the host's. */
static void
foreign_children_are_left_alone(apr_pool_t *pool)
{
    static const char *const args[] = {"nonsense", "x", NULL};
    mproc_process_t *process;
    program_t program;
    program_start(&program, test_program("family_main", pool), args, pool);
    for (int i = 0; i < 5; i++) {
        START(process, nothing, pool, NULL);
        JOIN(process, 0);
    }
    CHECK_INT(93, program_end(&program));
}

static int
has_child(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *plain, *detached;
    mproc_value_t *pids[2];
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o", &pids[0], &pids[1]));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&plain, sleep_long, NULL, pool, NULL));
    options.detached = 1;
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&detached, sleep_long,
                                                   &options, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(plain));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(detached));
    shared_set(pids[0], (int)mproc_process_pid(plain));
    shared_set(pids[1], (int)mproc_process_pid(detached));
    return sleep_long(args, pool);
}

static void
check_family_ends(apr_status_t (*end)(mproc_process_t *), apr_pool_t *pool)
{
    mproc_value_t *plain = shared_int(pool);
    mproc_value_t *detached = shared_int(pool);
    apr_uint64_t peers = count_peers();
    mproc_process_t *process;
    START(process, has_child, pool, "o o", plain, detached);
    REQUIRE(shared_await(detached) > 0);
    CHECK_STATUS(APR_SUCCESS, end(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK(process_gone(shared_get(plain)));
    CHECK(test_pid_exists(shared_get(detached)));
    test_kill(shared_get(detached));
    CHECK(process_gone(shared_get(detached)));
    mproc_shutdown(); /* A fork server is none of those who are left. */
    await_peers(peers);
}

/* P17: the children of who is ended end too, but for detached ones. */
static void
children_end_with_a_terminated_parent(apr_pool_t *pool)
{
    check_family_ends(mproc_process_terminate, pool);
}

static void
children_end_with_a_killed_parent(apr_pool_t *pool)
{
    check_family_ends(mproc_process_kill, pool);
}

/* The ladder: one who does not listen is killed. */
static int
be_deaf(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *count;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &count));
    for (int i = 1; i < 100000; i++) {
        shared_set(count, i);
        apr_sleep(1000);
    }
    return 0;
}

/* A stop comes when it comes: until it counts no more. */
static void
await_stopped(mproc_value_t *count)
{
    for (int last = 0; last != shared_get(count); apr_sleep(30000)) {
        last = shared_get(count);
    }
}

static void
stop_ends_in_bounded_steps(apr_pool_t *pool)
{
    mproc_value_t *count = shared_int(pool);
    mproc_process_t *process;
    START(process, be_deaf, pool, "o", count);
    REQUIRE(shared_await(count) > 0);
    test_stop(mproc_process_pid(process)); /* Hears no terminate. */
    await_stopped(count);
    apr_time_t begin = mproc_clock();
    CHECK_STATUS(APR_SUCCESS, mproc_process_stop(process, 50000));
    /* Where there are no signals nobody is deaf to the first step. */
    CHECK(!mproc_plat_proc_can_fork() || mproc_clock() - begin >= 50000);
    CHECK_INT(0, mproc_process_is_alive(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_stop(process, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
}

/* P18: not while it runs; before the start; twice. */
static void
closing(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_pool_t *own;
    options.name = "closed";
    MAKE(process, sleep_long, options, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    CHECK_TEXT("closed", mproc_process_name(process));
    CHECK(mproc_process_parent_pid(process) > 0);
    CHECK_INT(32, mproc_process_authkey(process).size);
    CHECK_STATUS(MPROC_ESTATE, mproc_process_start(process));
    MAKE(process, sleep_long, options, NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    CHECK_STATUS(MPROC_ESTATE, mproc_process_close(process));
    CHECK_DETAIL("runs still");
    CHECK_INT(1, mproc_process_is_alive(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_stop(process, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
    apr_pool_create(&own, pool);
    MAKE(process, sleep_long, options, own);
    apr_pool_destroy(own); /* Never started: nothing is left. */
}

/* P18, P19: the pool goes, the process does not, and is a child still. */
static void
a_dropped_object(apr_pool_t *pool)
{
    apr_array_header_t *children;
    mproc_process_t *process;
    mproc_event_t *event;
    apr_pool_t *own;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    apr_pool_create(&own, pool);
    START(process, wait_for, own, "o", event);
    apr_int64_t pid = mproc_process_pid(process);
    apr_pool_destroy(own);
    CHECK(test_pid_exists(pid));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    REQUIRE(children->nelts == 1);
    process = APR_ARRAY_IDX(children, 0, mproc_process_t *);
    CHECK_INT(pid, mproc_process_pid(process));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    apr_pool_create(&own, pool);
    START(process, nothing, own, NULL);
    apr_pool_destroy(own);
    do {
        mproc_process_active_children(&children, pool);
    } while (children->nelts > 0);
}

/* P20: what only the arguments held goes with the process. */
static void
arguments_are_dropped(apr_pool_t *pool)
{
    mproc_process_t *process;
    mproc_census_t before, now;
    mproc_event_t *event;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, NULL));
    START(process, wait_for, pool, "o", event);
    mproc_event_t *kept = event;
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(kept));
    mproc_event_destroy(event);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&now));
    CHECK_INT(before.kind[MPROC_KIND_EVENT].blocks,
              now.kind[MPROC_KIND_EVENT].blocks);
    JOIN(process, 3);
}

static void
start_and_join(void *baton)
{
    mproc_process_t *process = baton;

    if (mproc_process_start(process) == APR_SUCCESS) {
        (void)mproc_process_join(process, MPROC_FOREVER);
    }
}

/* A thread that is cancelled starts its process whole, ends in the join, and
 * keeps nothing that others wait for. */
static void
a_cancelled_thread(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *other, *process;
    apr_array_header_t *children;

    MAKE(other, sleep_long, options, pool);
    MAKE(process, sleep_long, options, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(other));
    if (!test_cancelled(start_and_join, process)) {
        CHECK_STATUS(APR_SUCCESS, mproc_process_stop(other, test_deadline()));
        test_skip("no thread can be cancelled here");
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHECK_INT(2, children->nelts);
    CHECK_STATUS(APR_SUCCESS, mproc_process_stop(process, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_stop(other, test_deadline()));
}

typedef struct told_t {
    atomic_int inside, gone, seen, left;
} told_t;

/* In the thread that watches: if the object could go meanwhile, it would. */
static void
look_whether_it_goes(mproc_process_t *process, void *baton)
{
    apr_time_t limit = mproc_clock() + 200 * 1000;
    told_t *told = baton;
    (void)process;
    atomic_store(&told->inside, 1);
    while (!atomic_load(&told->gone) && mproc_clock() < limit) {
        apr_sleep(500);
    }
    atomic_store(&told->seen, atomic_load(&told->gone));
    atomic_store(&told->left, 1);
}

static void
await_flag(atomic_int *flag)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (!atomic_load(flag)) {
        REQUIRE(mproc_clock() < deadline);
        apr_sleep(500);
    }
}

/* P19: it was joined, and its pool goes, while the thread that watches is told
 * of its end. */
static void
it_stays_while_it_is_told_of(apr_pool_t *pool)
{
    static told_t told;
    mproc_process_t *child;
    apr_pool_t *own;
    REQUIRE_STATUS(APR_SUCCESS, apr_pool_create(&own, pool));
    START(child, nothing, own, NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc__process_watch(child, look_whether_it_goes, &told));
    await_flag(&told.inside);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    apr_pool_destroy(own);
    atomic_store(&told.gone, 1);
    await_flag(&told.left);
    CHECK_INT(0, atomic_load(&told.seen));
}

const test_suite_t suite_join = {
    "join", 1,
    (const test_case_t[]){
        {"a_failed_start_leaves_nothing", a_failed_start_leaves_nothing},
        {"a_directory_must_be_one", a_directory_must_be_one},
        {"many_joins", many_joins},
        {"nobody_joins_oneself", nobody_joins_oneself},
        {"foreign_children_are_left_alone", foreign_children_are_left_alone},
        {"children_end_with_a_terminated_parent",
         children_end_with_a_terminated_parent},
        {"children_end_with_a_killed_parent",
         children_end_with_a_killed_parent},
        {"a_cancelled_thread", a_cancelled_thread},
        {"stop_ends_in_bounded_steps", stop_ends_in_bounded_steps},
        {"closing", closing},
        {"a_dropped_object", a_dropped_object},
        {"arguments_are_dropped", arguments_are_dropped},
        {"it_stays_while_it_is_told_of", it_stays_while_it_is_told_of},
        {NULL, NULL}}};
