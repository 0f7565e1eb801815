/* test_forkserver.c: the fork server, CTX24 to CTX27 of the reference
 * semantics. CTX26: its channel has no address, so nobody else can knock. */
#include <stdatomic.h>

#include <apr_thread_proc.h>

#include "kin.h"
#include "program.h"

#include "../../lib/src/family.h"
#include "../../platform/plat_proc.h"

static void
need_server(void)
{
    if (!mproc_plat_proc_can_fork()) {
        test_skip("this system has no fork server");
    }
}

/* The server's own process object; NULL when there is none. */
static mproc_process_t *
server_find(void)
{
    mproc__family_lock();
    mproc_process_t *child = mproc__family.children;
    while (child != NULL && !child->hidden) {
        child = child->next;
    }
    mproc__family_unlock();
    return child;
}

static mproc_process_t *
served(mproc_target_fn_t target, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    options.start_method = MPROC_START_FORKSERVER;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, target, &options,
                                                     pool, NULL));
    return process;
}

static mproc_process_t *
serve(mproc_target_fn_t target, apr_pool_t *pool)
{
    mproc_process_t *process = served(target, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    return process;
}

/* ------------------------------------------------------------- the preload */

static int preloaded;

static int
preload(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *status;
    mproc_process_t *process;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "i o", &preloaded, &status));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&process, nothing, NULL, pool, NULL));
    shared_set(status, (int)mproc_process_start(process));
    return 0;
}

static int
return_preloaded(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return preloaded;
}

/* CTX24, CTX15: all children have it; CTX21: it is too early to start one. */
static void
preload_is_inherited(apr_pool_t *pool)
{
    need_server();
    mproc_value_t *status = shared_int(pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_set_forkserver_preload(preload, MPROC_PRELOAD_FAIL,
                                                pool, "i o", 7, status));
    for (int i = 0; i < 3; i++) {
        mproc_process_t *process = serve(return_preloaded, pool);
        JOIN(process, 7);
    }
    CHECK_INT(MPROC_EBOOTSTRAP, shared_get(status));
    CHECK_INT(0, preloaded);
    CHECK_STATUS(MPROC_ESTATE, mproc_set_forkserver_preload(
                                   NULL, MPROC_PRELOAD_FAIL, pool, NULL));
    mproc_shutdown();
    CHECK_STATUS(APR_SUCCESS, mproc_set_forkserver_preload(
                                  NULL, MPROC_PRELOAD_FAIL, pool, NULL));
}

static int
fail(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 17;
}

/* CTX24: the three answers to a failure. */
static void
preload_fails(apr_pool_t *pool)
{
    static const char *const args[] = {"warn", "forkserver", NULL};
    program_t program;
    need_server();
    CHECK_STATUS(APR_EINVAL, mproc_set_forkserver_preload(
                                 fail, (mproc_preload_error_e)9, pool, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_set_forkserver_preload(
                                  fail, MPROC_PRELOAD_FAIL, pool, NULL));
    mproc_process_t *process = served(nothing, pool);
    CHECK_STATUS(17, mproc_process_start(process));
    CHECK_DETAIL("returned 17");
    CHECK_STATUS(17, mproc_process_start(process));
    CHECK(server_find() == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_set_forkserver_preload(
                                  fail, MPROC_PRELOAD_IGNORE, pool, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
    mproc_shutdown();
    mproc_set_forkserver_preload(NULL, MPROC_PRELOAD_FAIL, pool, NULL);
    program_start(&program, test_program("family_main", pool), args, pool);
    CHECK_INT(0, program_end(&program));
    CHECK(strstr(program.text, "preload failed: it returned 17") != NULL);
}

/* ------------------------------------------------------------ its deaths */

/* CTX25: it takes no notice of the terminal's interrupt; one serves all. */
static void
interrupts_pass_by(apr_pool_t *pool)
{
    need_server();
    mproc_process_t *process = serve(nothing, pool);
    JOIN(process, 0);
    mproc_process_t *server = server_find();
    REQUIRE(server != NULL);
    apr_int64_t pid = mproc_process_pid(server);
    CHECK_STATUS(APR_SUCCESS, mproc_process_interrupt(server));
    apr_sleep(10000);
    process = serve(nothing, pool);
    JOIN(process, 0);
    CHECK_INT(pid, mproc_process_pid(server_find()));
}

static int
sleep_a_little(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    apr_sleep(150000);
    return 6;
}

/* CTX25: killed, the next start launches another one; its children live on,
 * and their codes are known where they could tell them. */
static void
a_killed_server(apr_pool_t *pool)
{
    int code;
    need_server();
    mproc_process_t *ends = serve(sleep_a_little, pool);
    mproc_process_t *dies = serve(sleep_long, pool);
    apr_int64_t pid = mproc_process_pid(server_find());
    test_kill(pid);
    CHECK(process_gone(pid) || server_find() != NULL);
    CHECK_INT(1, mproc_process_is_alive(ends));
    CHECK_INT(1, mproc_process_is_alive(dies));
    mproc_process_t *process = serve(nothing, pool);
    CHECK(mproc_process_pid(server_find()) != pid);
    JOIN(process, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(dies));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(dies, test_deadline()));
    CHECK_STATUS(MPROC_EUNKNOWN, mproc_process_exitcode(dies, &code));
    CHECK_DETAIL("fork server");
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(dies));
    JOIN(ends, 6);
}

/* CTX27: all that a child of one's own has. */
static void
children_are_the_requesters(apr_pool_t *pool)
{
    int signal;
    need_server();
    mproc_process_t *process = serve(sleep_long, pool);
    CHECK(mproc_process_pid(process) > 0);
    CHECK_INT(mproc_process_pid(mproc_process_current()),
              mproc_process_parent_pid(process));
    apr_array_header_t *children;
    CHECK_STATUS(APR_SUCCESS, mproc_process_active_children(&children, pool));
    CHECK_INT(1, children->nelts); /* The server is not among them. */
    CHECK_STATUS(APR_SUCCESS, mproc_process_kill(process));
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_killed_by(process, &signal));
    CHECK_INT(9, signal);
    JOIN(process, -9);
}

static int
serve_again(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    apr_int64_t former;
    int code = -1;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "I", &former));
    CHILD_CHECK(server_find() == NULL);
    options.start_method = MPROC_START_FORKSERVER;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_process_create(&process, nothing, &options, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
    CHILD_CHECK(server_find() != NULL);
    CHILD_CHECK(mproc_process_pid(server_find()) != former);
    CHILD_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_FOREVER));
    CHILD_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
    return code;
}

/* CTX25: who was forked beside a server has one of its own. */
static void
a_forked_child_has_its_own(apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    need_server();
    process = serve(nothing, pool);
    JOIN(process, 0);
    apr_int64_t pid = mproc_process_pid(server_find());
    options.start_method = MPROC_START_FORK;
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(&process, serve_again,
                                                     &options, pool, "I", pid));
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));
    JOIN(process, 0);
    CHECK_INT(pid, mproc_process_pid(server_find()));
}

static atomic_int killing;

static void *APR_THREAD_FUNC
kill_servers(apr_thread_t *thread, void *data)
{
    apr_interval_time_t slowness = test_deadline() / apr_time_from_sec(10);
    unsigned seed = 12345;
    (void)data;
    while (atomic_load(&killing)) {
        seed = seed * 1103515245 + 12345;
        apr_sleep((3000 + (seed >> 16) % 5000) * slowness);
        mproc__family_lock();
        mproc_process_t *child = mproc__family.children;
        while (child != NULL && !child->hidden) {
            child = child->next;
        }
        if (child != NULL) {
            test_kill(child->proc.pid);
        }
        mproc__family_unlock();
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int
count(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &value));
    atomic_fetch_add((atomic_int *)mproc_value_data(value), 1);
    return 0;
}

/* A server killed at any moment: no child runs twice, none is lost. */
static void
servers_killed_at_any_moment(apr_pool_t *pool)
{
    enum {
        STARTS = 200
    };
    mproc_process_options_t options = {0};
    apr_thread_t *thread;
    apr_status_t result;
    int started = 0;
    need_server();
    mproc_value_t *value = shared_int(pool);
    apr_uint64_t peers = count_peers();
    options.start_method = MPROC_START_FORKSERVER;
    atomic_store(&killing, 1);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&thread, NULL, kill_servers, NULL, pool));
    for (int i = 0; i < STARTS; i++) {
        mproc_process_t *process;
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_process_create(&process, count, &options, NULL, "o", value));
        if (mproc_process_start(process) == APR_SUCCESS) {
            started++;
            JOIN(process, 0);
        }
        else {
            CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
        }
    }
    atomic_store(&killing, 0);
    apr_thread_join(&result, thread);
    CHECK_INT(started, shared_get(value));
    /* How many is a matter of luck, and of who else uses the machine. */
    CHECK(started > STARTS / 10);
    mproc_shutdown();
    await_peers(peers); /* Children that were told to give up. */
}

const test_suite_t suite_forkserver = {
    "forkserver", 0,
    (const test_case_t[]){
        {"preload_is_inherited", preload_is_inherited},
        {"preload_fails", preload_fails},
        {"interrupts_pass_by", interrupts_pass_by},
        {"a_killed_server", a_killed_server},
        {"children_are_the_requesters", children_are_the_requesters},
        {"a_forked_child_has_its_own", a_forked_child_has_its_own},
        {"servers_killed_at_any_moment", servers_killed_at_any_moment},
        {NULL, NULL}}};
