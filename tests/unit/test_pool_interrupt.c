/* test_pool_interrupt.c: Ctrl-C in a terminal, which a program gets and all of
 * its pool's workers. */
#include <signal.h>

#include "kin.h"
#include "tasks.h"

enum {
    CTRL_C_ENDS,
    CTRL_C_IS_CAUGHT,
    NO_GROUPS = 98
};

static volatile sig_atomic_t interrupted;

static void
interrupt_note(int number)
{
    (void)number;
    interrupted = 1;
}

/* A program with a pool, all of whose workers are at a task, at a terminal. */
static int
at_a_terminal(mproc_bytes_t args, apr_pool_t *pool)
{
    enum {
        WORKERS = 3
    };
    mproc_pool_options_t options = {.processes = WORKERS};
    mproc_async_t *async[WORKERS + 1];
    mproc_event_t *begun[WORKERS + 1], *ready, *never;
    mproc_pool_t *workers;
    apr_status_t rv;
    int caught, i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "io", &caught, &ready));
    if (!test_group_lead()) {
        return NO_GROUPS;
    }
    signal(SIGINT, caught ? interrupt_note : SIG_DFL);
    options.start_method = test_method();
    CHILD_STATUS(APR_SUCCESS, mproc_pool_create(&workers, &options, pool));
    CHILD_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    for (i = 0; i <= WORKERS; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_event_create(&begun[i], pool));
        CHILD_STATUS(APR_SUCCESS,
                     mproc_pool_apply_async(&async[i], workers, wait_for_event,
                                            NULL, pool, "oo", begun[i], never));
    }
    for (i = 0; i < WORKERS; i++) {
        CHILD_STATUS(APR_SUCCESS, mproc_event_wait(begun[i], test_deadline()));
    }
    mproc_event_set(ready);
    while (!interrupted) {
        mproc_event_wait(never, 10000);
    }
    CHILD_STATUS(APR_SUCCESS, mproc_pool_terminate(workers));
    CHILD_STATUS(APR_SUCCESS, mproc_pool_join(workers, test_deadline()));
    for (i = 0; i <= WORKERS; i++) {
        rv = mproc_async_get(async[i], NULL, 0, pool);
        CHILD_CHECK(rv == MPROC_ECLOSED || rv == MPROC_EWORKERLOST);
        mproc_async_destroy(async[i]);
    }
    mproc_pool_destroy(workers);
    return 7;
}

/* PL32, P18: all get SIGINT at once. None is left, as the runner sees. */
static void
interrupt_all(int caught, apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *ready;
    apr_uint64_t peers;
    int code;
    start_server(pool);
    peers = count_peers();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    START(child, at_a_terminal, pool, "io", caught, ready);
    while (mproc_event_wait(ready, 10000) != APR_SUCCESS) {
        if (mproc_process_exitcode(child, &code) == APR_SUCCESS) {
            JOIN(child, NO_GROUPS);
            test_skip("no groups of processes here");
        }
    }
    test_group_interrupt(mproc_process_pid(child));
    JOIN(child, caught ? 7 : -SIGINT);
    await_peers(peers);
}

static void
an_interrupt_ends_all(apr_pool_t *pool)
{
    interrupt_all(CTRL_C_ENDS, pool);
}

static void
an_interrupt_is_caught(apr_pool_t *pool)
{
    interrupt_all(CTRL_C_IS_CAUGHT, pool);
}

static const test_case_t cases[] = {
    {"an_interrupt_ends_all", an_interrupt_ends_all},
    {"an_interrupt_is_caught", an_interrupt_is_caught},
    {NULL, NULL}};

const test_suite_t suite_pool_interrupt = {"pool_interrupt", 1, cases};
