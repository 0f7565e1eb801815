/* test_plat_park.c: the contract of parking. */
#include "child.h"

#include <apr_thread_proc.h>

#include <stdlib.h>

#define ROUNDS 2000

static void
case_wake_first(apr_pool_t *pool)
{
    stage_t stage;

    (void)pool;
    stage_open(&stage);
    mproc_plat_park_wake(&stage.shared->test);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    CHECK_STATUS(APR_TIMEUP, mproc_plat_park_wait(&stage.shared->test, 0));
    /* Several count as one. */
    for (int i = 0; i < 5; i++) {
        mproc_plat_park_wake(&stage.shared->test);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_plat_park_wait(&stage.shared->test, 0));
    CHECK_STATUS(APR_TIMEUP, mproc_plat_park_wait(&stage.shared->test, 0));
    /* A spot that is readied again has no wake pending. */
    mproc_plat_park_wake(&stage.shared->test);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_park_init(&stage.shared->test));
    CHECK_STATUS(APR_TIMEUP, mproc_plat_park_wait(&stage.shared->test, 0));
    stage_close(&stage);
}

static void
case_never_early(apr_pool_t *pool)
{
    static const apr_time_t spans[] = {0, 1, 10, 999, 1000, 1001, 15000};
    stage_t stage;

    (void)pool;
    stage_open(&stage);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
            apr_time_t deadline = mproc_plat_clock() + spans[i];
            CHECK_STATUS(APR_TIMEUP,
                         mproc_plat_park_wait(&stage.shared->test, deadline));
            apr_time_t late = mproc_plat_clock() - deadline;
            CHECK(late >= 0 && late < test_deadline());
        }
    }
    CHECK_STATUS(APR_TIMEUP, mproc_plat_park_wait(&stage.shared->test, -1));
    stage_close(&stage);
}

static void *APR_THREAD_FUNC
thread_answer(apr_thread_t *thread, void *baton)
{
    shared_t *shared = baton;

    (void)thread;
    (void)mproc_plat_park_init(&shared->child);
    mproc_plat_park_wake(&shared->test);
    for (int i = 0; i < ROUNDS; i++) {
        if (mproc_plat_park_wait(&shared->child, deadline_far()) ==
            APR_SUCCESS) {
            atomic_fetch_add(&shared->word[1], 1);
        }
        mproc_plat_park_wake(&shared->test);
    }
    mproc_plat_park_done(&shared->child);
    return NULL;
}

static void
rounds_run(shared_t *shared)
{
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_park_wait(&shared->test, deadline_far()));
    for (int i = 0; i < ROUNDS; i++) {
        mproc_plat_park_wake(&shared->child);
        if (mproc_plat_park_wait(&shared->test, deadline_far()) !=
            APR_SUCCESS) {
            CHECK_INT(ROUNDS, i);
            return;
        }
    }
    CHECK_INT(ROUNDS, atomic_load(&shared->word[1]));
}

static void
case_threads(apr_pool_t *pool)
{
    apr_thread_t *thread;
    apr_status_t rv;
    stage_t stage;

    stage_open(&stage);
    REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, thread_answer,
                                                  stage.shared, pool));
    rounds_run(stage.shared);
    (void)apr_thread_join(&rv, thread);
    stage_close(&stage);
}

/* Tell the time and answer so many wakes. */
int
child_plat_wake(int argc, const char *const *argv)
{
    stage_t stage;

    if (argc <= STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    shared_t *shared = stage.shared;
    atomic_store(&shared->word[0], mproc_plat_clock());
    mproc_plat_park_wake(&shared->test);
    for (int i = atoi(argv[STAGE_ARGUMENTS]); i > 0; i--) {
        if (mproc_plat_park_wait(&shared->child,
                                 mproc_plat_clock() + CHILD_LIMIT) !=
            APR_SUCCESS) {
            return 2;
        }
        atomic_fetch_add(&shared->word[1], 1);
        mproc_plat_park_wake(&shared->test);
    }
    return 0;
}

static void
case_processes(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    REQUIRE_STATUS(APR_SUCCESS,
                   stage_spawn(&proc, &stage, pool, "plat_wake",
                               number_text(ROUNDS, pool), NULL, NULL));
    rounds_run(stage.shared);
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
}

/* Sleep until killed. */
int
child_plat_sleep(int argc, const char *const *argv)
{
    stage_t stage;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    mproc_plat_park_wake(&stage.shared->test);
    for (;;) {
        apr_status_t rv = mproc_plat_park_wait(
            &stage.shared->child, mproc_plat_clock() + CHILD_LIMIT);
        if (rv != APR_SUCCESS) {
            return 3;
        }
    }
}

static void
case_killed_sleeper(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    for (int i = 0; i < 20; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            stage_spawn(&proc, &stage, pool, "plat_sleep", NULL, NULL, NULL));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_plat_park_wait(&stage.shared->test, deadline_far()));
        if (i % 2 == 0) {
            mproc_plat_park_wake(&stage.shared->child);
        }
        test_kill(proc.pid);
        CHECK(child_join(&proc) != 0);
        /* The dead one's spot takes no harm, nor does the waker. */
        mproc_plat_park_wake(&stage.shared->child);
        /* And serves the next. */
        CHECK_STATUS(APR_SUCCESS, mproc_plat_park_init(&stage.shared->child));
        CHECK_STATUS(APR_TIMEUP,
                     mproc_plat_park_wait(&stage.shared->child,
                                          mproc_plat_clock() + 100));
        mproc_plat_park_wake(&stage.shared->child);
        CHECK_STATUS(APR_SUCCESS, mproc_plat_park_wait(&stage.shared->child,
                                                       deadline_far()));
        mproc_plat_park_done(&stage.shared->child);
    }
    stage_close(&stage);
}

static const test_case_t cases[] = {{"wake_first", case_wake_first},
                                    {"never_early", case_never_early},
                                    {"threads", case_threads},
                                    {"processes", case_processes},
                                    {"killed_sleeper", case_killed_sleeper},
                                    {NULL, NULL}};

const test_suite_t suite_plat_park = {"plat_park", 0, cases};
