/* test_exit.c: exit codes, and how a child ends: P21 to P31 and CL1 to CL4 of
 * the reference semantics. */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "kin.h"
#include "program.h"
#include "threads.h"

#include "../../lib/src/process.h"
#include "../../platform/plat_proc.h"

static int
return_code(mproc_bytes_t args, apr_pool_t *pool)
{
    int code;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "i", &code));
    return code;
}

static int
exit_code(mproc_bytes_t args, apr_pool_t *pool)
{
    exit(return_code(args, pool));
}

static int
exit_at_once(mproc_bytes_t args, apr_pool_t *pool)
{
    _Exit(return_code(args, pool));
}

static void
check_codes(mproc_target_fn_t target, apr_pool_t *pool)
{
    static const int codes[] = {0, 1, 42, 120, 255, 256, 300, -1};
    mproc_process_t *process;
    int signal = -1;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        START(process, target, pool, "i", codes[i]);
        CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_killed_by(process, &signal));
        CHECK_INT(0, signal);
        JOIN(process, mproc_plat_proc_can_fork() ? codes[i] & 255 : codes[i]);
    }
}

/* P21, P23: what the target returned, 8 bits of it on POSIX. */
static void
returned_codes(apr_pool_t *pool)
{
    check_codes(return_code, pool);
}

/* P22: exit() in the target. */
static void
exit_codes(apr_pool_t *pool)
{
    check_codes(exit_code, pool);
}

/* P27: _Exit() in the target. */
static void
immediate_codes(apr_pool_t *pool)
{
    check_codes(exit_at_once, pool);
}

static int
raise_signal(mproc_bytes_t args, apr_pool_t *pool)
{
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "i", &number));
    signal(number, SIG_DFL);
    raise(number);
    return 0;
}

/* P24: the number of the signal, negative; also a crash. */
static void
signals(apr_pool_t *pool)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGTERM, SIGINT};
    mproc_process_t *process;
    int signal = -1;
    if (!mproc_plat_proc_can_fork()) {
        test_skip("this system has no signals");
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        START(process, raise_signal, pool, "i", numbers[i]);
        CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_process_killed_by(process, &signal));
        CHECK_INT(numbers[i], signal);
        JOIN(process, -numbers[i]);
    }
}

static int
crash(mproc_bytes_t args, apr_pool_t *pool)
{
    volatile uintptr_t nowhere = 16;
    (void)args;
    (void)pool;
    signal(SIGSEGV, SIG_DFL);
    *(volatile int *)nowhere = 1;
    return 0;
}

/* P24: a real one; where there are no signals, the system's own code. */
static void
a_crash(apr_pool_t *pool)
{
    int forks = mproc_plat_proc_can_fork();
    mproc_process_t *process;
    int number = -1;
    START(process, crash, pool, NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_killed_by(process, &number));
    CHECK_INT(forks ? SIGSEGV : 0, number);
    JOIN(process, forks ? -SIGSEGV : (int)0xC0000005);
}

/* P16, P24, P25: as those who send them see it. */
static void
ended_by_the_parent(apr_pool_t *pool)
{
    mproc_process_t *process;
    int forks = mproc_plat_proc_can_fork();
    START(process, sleep_long, pool, NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_process_terminate(process));
    JOIN(process, -15);
    START(process, sleep_long, pool, NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_process_kill(process));
    JOIN(process, forks ? -9 : -15);
    START(process, sleep_long, pool, NULL);
    CHECK_STATUS(forks ? APR_SUCCESS : APR_ENOTIMPL,
                 mproc_process_interrupt(process));
    if (!forks) {
        CHECK_STATUS(APR_SUCCESS, mproc_process_kill(process));
    }
    JOIN(process, forks ? -2 : -15);
}

/* P26: somebody else waits for our child. It is dead all the same. */
static void
somebody_else_waits(apr_pool_t *pool)
{
    mproc_process_t *process;
    apr_proc_t other;
    apr_exit_why_e why;
    int code = -1;
    if (!mproc_plat_proc_can_fork()) {
        test_skip("on this system nobody can take an exit code away");
    }
    START(process, return_code, pool, "i", 5);
    /* The server's children are nobody else's to wait for. */
    while (test_method() != MPROC_START_FORKSERVER &&
           APR_STATUS_IS_CHILD_DONE(
               apr_proc_wait_all_procs(&other, &code, &why, APR_WAIT, pool)) &&
           other.pid != (pid_t)mproc_process_pid(process)) {
    }
    CHECK_STATUS(APR_SUCCESS, mproc_process_join(process, test_deadline()));
    CHECK_INT(0, mproc_process_is_alive(process));
    if (test_method() == MPROC_START_FORKSERVER) {
        /* The server's child, who has told its code. */
        CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
        CHECK_INT(5, code);
    }
    else {
        CHECK_STATUS(MPROC_EUNKNOWN, mproc_process_exitcode(process, &code));
        CHECK_STATUS(MPROC_EUNKNOWN, mproc_process_killed_by(process, &code));
        CHECK(strstr(mproc_process_describe(process, pool),
                     "exitcode=unknown") != NULL);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));
}

/* ------------------------------------------------------ at the end (P28-31) */

static mproc_value_t *told;

/* In whom it runs, the sum tells: 1 in a child, 1000 in one who inherited. */
static void
tell_exit(void)
{
    shared_set(told, shared_get(told) + 1);
}

static apr_int64_t inherited_from;

static void
tell_inherited(void)
{
    if (told != NULL &&
        mproc_process_pid(mproc_process_current()) != inherited_from) {
        shared_set(told, shared_get(told) + 1000);
    }
}

static int
register_exit(mproc_bytes_t args, apr_pool_t *pool)
{
    int by_exit;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o i", &told, &by_exit));
    CHILD_CHECK(atexit(tell_exit) == 0);
    if (by_exit) {
        exit(4);
    }
    return 4;
}

/* P30: what the child registered runs, what the parent did does not. */
static void
exit_functions(apr_pool_t *pool)
{
    mproc_process_t *process;
    inherited_from = mproc_process_pid(mproc_process_current());
    REQUIRE(atexit(tell_inherited) == 0);
    for (int by_exit = 0; by_exit < 2; by_exit++) {
        told = shared_int(pool);
        START(process, register_exit, pool, "o i", told, by_exit);
        JOIN(process, 4);
        CHECK_INT(1, shared_get(told));
    }
    told = NULL;
}

static apr_status_t
count_cleanup(void *data)
{
    shared_set(data, shared_get(data) + 1);
    return APR_SUCCESS;
}

/* P30, CTX11: nor the cleanups of its pools. */
static void
parents_pools_are_left_alone(apr_pool_t *pool)
{
    mproc_value_t *count = shared_int(pool);
    mproc_process_t *process;
    apr_pool_cleanup_register(pool, count, count_cleanup,
                              apr_pool_cleanup_null);
    START(process, return_code, pool, "i", 0);
    JOIN(process, 0);
    START(process, exit_code, pool, "i", 1);
    JOIN(process, 1);
    CHECK_INT(0, shared_get(count));
    apr_pool_cleanup_kill(pool, count, count_cleanup);
}

static int
sleep_and_tell(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *done;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &done));
    apr_sleep(100000);
    shared_set(done, 1);
    return 0;
}

static int
leave_children(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_options_t options = {0};
    mproc_process_t *plain, *daemon;
    mproc_value_t *done, *pid;
    int by_exit;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "o o i", &done, &pid, &by_exit));
    options.daemon = 1;
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&plain, sleep_and_tell, NULL,
                                                   pool, "o", done));
    CHILD_STATUS(APR_SUCCESS, mproc_process_create(&daemon, sleep_long,
                                                   &options, pool, NULL));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(plain));
    CHILD_STATUS(APR_SUCCESS, mproc_process_start(daemon));
    shared_set(pid, (int)mproc_process_pid(daemon));
    if (by_exit) {
        exit(6);
    }
    return 6;
}

/* P28: a child ends after its own children; daemonic ones are ended. */
static void
children_of_a_child(apr_pool_t *pool)
{
    for (int by_exit = 0; by_exit < 2; by_exit++) {
        mproc_value_t *done = shared_int(pool);
        mproc_value_t *pid = shared_int(pool);
        mproc_process_t *process;
        START(process, leave_children, pool, "o o i", done, pid, by_exit);
        JOIN(process, 6);
        CHECK_INT(1, shared_get(done));
        CHECK(shared_get(pid) > 0 && !test_pid_exists(shared_get(pid)));
    }
}

/* ----------------------------------------------------------- hooks (CL1, 4) */

static void
hook_digit(void *baton)
{
    shared_set(told, shared_get(told) * 10 + *(int *)baton);
}

static int
register_hooks(mproc_bytes_t args, apr_pool_t *pool)
{
    static int one = 1, two = 2, three = 3;
    mproc_process_t *process;
    int depth;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o i", &told, &depth));
    CHILD_STATUS(APR_SUCCESS, mproc__at_shutdown(hook_digit, &one));
    CHILD_STATUS(APR_SUCCESS, mproc__at_shutdown(hook_digit, &two));
    CHILD_STATUS(APR_SUCCESS, mproc__at_shutdown(hook_digit, &three));
    mproc__at_shutdown_remove(hook_digit, &two);
    if (depth > 1) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_process_create(&process, register_hooks, NULL, pool,
                                          "o i", told, depth - 1));
        CHILD_STATUS(APR_SUCCESS, mproc_process_start(process));
        CHILD_STATUS(APR_SUCCESS, mproc_process_join(process, MPROC_FOREVER));
    }
    return 0;
}

/* CL1: the last registered first, each once, in its own process only. CL4:
 * nothing is inherited from generation to generation. */
static void
hooks(apr_pool_t *pool)
{
    static const int sums[] = {0, 31, 3131, 313131};
    mproc_process_t *process;
    mproc_value_t *value;
    for (int depth = 1; depth <= 3; depth++) {
        value = shared_int(pool);
        START(process, register_hooks, pool, "o i", value, depth);
        JOIN(process, 0);
        CHECK_INT(sums[depth], shared_get(value));
    }
}

typedef struct slow_hook_t {
    atomic_int runs, removes, over;
} slow_hook_t;

static void
hook_slow(void *baton)
{
    slow_hook_t *slow = baton;
    atomic_store(&slow->runs, 1);
    while (!atomic_load(&slow->removes)) {
        apr_sleep(100);
    }
    apr_sleep(20000); /* the time in which a wrong one is found */
    atomic_store(&slow->over, 1);
}

static apr_status_t
remove_slow(void *baton)
{
    slow_hook_t *slow = baton;
    while (!atomic_load(&slow->runs)) {
        apr_sleep(100);
    }
    atomic_store(&slow->removes, 1);
    mproc__at_shutdown_remove(hook_slow, slow);
    return atomic_load(&slow->over) ? APR_SUCCESS : APR_EBUSY;
}

/* What a hook uses stays until it has run. */
static void
a_hook_that_runs_is_waited_for(apr_pool_t *pool)
{
    slow_hook_t slow = {0};
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc__at_shutdown(hook_slow, &slow));
    threads = threads_start(1, remove_slow, &slow, pool);
    mproc_shutdown();
    threads_join(threads, APR_SUCCESS);
}

const test_suite_t suite_exit = {
    "exit", 1,
    (const test_case_t[]){
        {"returned_codes", returned_codes},
        {"exit_codes", exit_codes},
        {"immediate_codes", immediate_codes},
        {"signals", signals},
        {"a_crash", a_crash},
        {"ended_by_the_parent", ended_by_the_parent},
        {"somebody_else_waits", somebody_else_waits},
        {"exit_functions", exit_functions},
        {"parents_pools_are_left_alone", parents_pools_are_left_alone},
        {"children_of_a_child", children_of_a_child},
        {"hooks", hooks},
        {"a_hook_that_runs_is_waited_for", a_hook_that_runs_is_waited_for},
        {NULL, NULL}}};
