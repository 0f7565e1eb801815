/* test_plat_life.c: the contract of the proof of life. */
#include "child.h"

#include "plat_life.h"

#include <stdlib.h>

/* Whether ended() says so before long. */
static int
ends(const stage_t *stage, apr_uint32_t slot, apr_int64_t pid,
     apr_uint64_t start)
{
    apr_time_t deadline = deadline_far();

    while (!mproc_plat_life_ended(&stage->map, slot, pid, start)) {
        if (mproc_plat_clock() >= deadline) {
            return 0;
        }
        mproc_plat_yield();
    }
    return 1;
}

/* Hold a slot: word 2 tells since when this process is. */
int
child_plat_hold(int argc, const char *const *argv)
{
    stage_t stage;

    if (argc <= STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    atomic_store(&stage.shared->word[2], (apr_int64_t)mproc_plat_life_start());
    if (mproc_plat_life_hold(&stage.map,
                             (apr_uint32_t)atoi(argv[STAGE_ARGUMENTS])) !=
        APR_SUCCESS) {
        return 2;
    }
    mproc_plat_park_wake(&stage.shared->test);
    (void)mproc_plat_park_wait(&stage.shared->child,
                               mproc_plat_clock() + CHILD_LIMIT);
    return 0;
}

static apr_uint64_t
holder_start(mproc_plat_proc_t *proc, stage_t *stage, const char *slot,
             apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(proc, stage, pool, "plat_hold",
                                            slot, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage->shared->test, deadline_far()));
    return (apr_uint64_t)atomic_load(&stage->shared->word[2]);
}

static void
case_self(apr_pool_t *pool)
{
    apr_uint64_t start = mproc_plat_life_start();
    stage_t stage;

    (void)pool;
    stage_open(&stage);
    CHECK(start <= mproc_plat_life_start());
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_life_hold(&stage.map, 0));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_life_hold(&stage.map, 70000));
    CHECK(!mproc_plat_life_ended(&stage.map, 0, mproc_plat_pid(), start));
    CHECK(!mproc_plat_life_ended(&stage.map, 70000, mproc_plat_pid(), start));
    mproc_plat_life_drop(&stage.map, 0);
    mproc_plat_life_drop(&stage.map, 70000);
    stage_close(&stage);
}

static void
case_killed(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    for (int i = 0; i < 10; i++) {
        apr_uint64_t start = holder_start(&proc, &stage, "7", pool);
        CHECK(!mproc_plat_life_ended(&stage.map, 7, proc.pid, start));
        test_kill(proc.pid);
        /* Before anybody has waited for it. */
        CHECK(ends(&stage, 7, proc.pid, start));
        CHECK(child_join(&proc) != 0);
        /* And after. */
        CHECK(mproc_plat_life_ended(&stage.map, 7, proc.pid, start));
    }
    stage_close(&stage);
}

static void
case_normal_end(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    apr_uint64_t start = holder_start(&proc, &stage, "3", pool);
    mproc_plat_park_wake(&stage.shared->child);
    CHECK(ends(&stage, 3, proc.pid, start));
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
}

static void
case_slots(apr_pool_t *pool)
{
    mproc_plat_proc_t first;
    mproc_plat_proc_t second;
    stage_t stage;

    stage_open(&stage);
    apr_uint64_t start_1 = holder_start(&first, &stage, "1", pool);
    apr_uint64_t start_2 = holder_start(&second, &stage, "2", pool);
    CHECK(!mproc_plat_life_ended(&stage.map, 1, first.pid, start_1));
    CHECK(!mproc_plat_life_ended(&stage.map, 2, second.pid, start_2));
    test_kill(first.pid);
    CHECK(ends(&stage, 1, first.pid, start_1));
    CHECK(!mproc_plat_life_ended(&stage.map, 2, second.pid, start_2));
    test_kill(second.pid);
    CHECK(ends(&stage, 2, second.pid, start_2));
    CHECK(child_join(&first) != 0);
    CHECK(child_join(&second) != 0);
    /* The slot is free for the next. */
    start_1 = holder_start(&first, &stage, "1", pool);
    CHECK(!mproc_plat_life_ended(&stage.map, 1, first.pid, start_1));
    test_kill(first.pid);
    CHECK(child_join(&first) != 0);
    stage_close(&stage);
}

static void
case_stopped(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    apr_uint64_t start = holder_start(&proc, &stage, "5", pool);
    test_stop(proc.pid);
    CHECK(!mproc_plat_life_ended(&stage.map, 5, proc.pid, start));
    test_kill(proc.pid);
    CHECK(ends(&stage, 5, proc.pid, start));
    CHECK(child_join(&proc) != 0);
    stage_close(&stage);
}

/* The holder forks and is killed; its child lives on. */
static void
fork_holder(stage_t *stage, apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    atomic_store(&stage->shared->word[2], (apr_int64_t)mproc_plat_life_start());
    if (mproc_plat_life_hold(&stage->map, 9) != APR_SUCCESS) {
        _Exit(1);
    }
    if (mproc_plat_proc_fork(&proc, pool) == APR_INCHILD) {
        (void)mproc_plat_park_init(&stage->shared->child);
        mproc_plat_park_wake(&stage->shared->test);
        (void)mproc_plat_park_wait(&stage->shared->child,
                                   mproc_plat_clock() + CHILD_LIMIT);
        /* Its parent's slot is not its own, and it can have one. */
        _Exit(mproc_plat_life_hold(&stage->map, 10) == APR_SUCCESS ? 0 : 1);
    }
    (void)child_join(&proc);
    _Exit(0);
}

static void
case_forked(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    if (!mproc_plat_proc_can_fork()) {
        test_skip("no fork here");
    }
    stage_open(&stage);
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        fork_holder(&stage, pool);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    apr_uint64_t start = (apr_uint64_t)atomic_load(&stage.shared->word[2]);
    CHECK(!mproc_plat_life_ended(&stage.map, 9, proc.pid, start));
    test_kill(proc.pid);
    CHECK(ends(&stage, 9, proc.pid, start));
    CHECK(child_join(&proc) != 0);
    mproc_plat_park_wake(&stage.shared->child);
    stage_close(&stage);
}

static const test_case_t cases[] = {{"self", case_self},
                                    {"killed", case_killed},
                                    {"normal_end", case_normal_end},
                                    {"slots", case_slots},
                                    {"stopped", case_stopped},
                                    {"forked_child", case_forked},
                                    {NULL, NULL}};

const test_suite_t suite_plat_life = {"plat_life", 0, cases};
