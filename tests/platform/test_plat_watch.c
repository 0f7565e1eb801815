/* test_plat_watch.c: the contract of the watcher. */
#include "child.h"

#include "plat_watch.h"

#include <stdlib.h>
#include <string.h>

#define CHILDREN 200
#define FEW 8

/* One watcher for all cases: it lasts as long as the process. Tells go to
 * whatever stage the case has set. */
static mproc_plat_watch_t *watch;
static shared_t *_Atomic told_stage;
static _Atomic int told[CHILDREN];
static _Atomic int told_count;
static _Atomic int slow;          /* the call is to last ... */
static _Atomic int slow_began;    /* ... from here */
static _Atomic int slow_ended;    /* ... to here */
static mproc_plat_proc_t chained; /* to be added inside the call */

static void
process_ended(apr_uint64_t token, void *baton)
{
    shared_t *shared = atomic_load(&told_stage);

    (void)baton;
    if (atomic_load(&slow)) {
        atomic_store(&slow_began, 1);
        mproc_plat_park_wake(&shared->test);
        for (int i = 0; i < 2000; i++) {
            mproc_plat_yield();
        }
        atomic_store(&slow_ended, 1);
    }
    if (chained.pid != 0) {
        mproc_plat_proc_t next = chained;
        chained.pid = 0;
        (void)mproc_plat_watch_add(watch, &next, token + 1);
        mproc_plat_watch_remove(watch, &next, token + 2);
    }
    atomic_fetch_add(&told[token % CHILDREN], 1);
    atomic_fetch_add(&told_count, 1);
    mproc_plat_park_wake(&shared->test);
}

static void
watch_begin(const stage_t *stage)
{
    atomic_store(&told_stage, stage->shared);
    atomic_store(&told_count, 0);
    for (int i = 0; i < CHILDREN; i++) {
        atomic_store(&told[i], 0);
    }
    if (watch == NULL) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_watch_create(&watch, process_ended, NULL));
    }
}

/* Wait until so many were told of. */
static void
told_wait(const stage_t *stage, int count)
{
    apr_time_t deadline = deadline_far();

    while (atomic_load(&told_count) < count) {
        if (mproc_plat_park_wait(&stage->shared->test, deadline) !=
            APR_SUCCESS) {
            break;
        }
    }
    CHECK_INT(count, atomic_load(&told_count));
}

static void
spawn_exit(mproc_plat_proc_t *proc, apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;

    child_describe(&spawn, pool, "plat_exit", "3", NULL, NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(proc, &spawn, pool));
}

static void
case_many(apr_pool_t *pool)
{
    static mproc_plat_proc_t procs[CHILDREN];
    stage_t stage;

    stage_open(&stage);
    watch_begin(&stage);
    for (int i = 0; i < CHILDREN; i++) {
        spawn_exit(&procs[i], pool);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_watch_add(watch, &procs[i], (apr_uint64_t)i));
    }
    told_wait(&stage, CHILDREN);
    for (int i = 0; i < CHILDREN; i++) {
        CHECK_INT(1, atomic_load(&told[i]));
        CHECK_INT(3, child_join(&procs[i]));
    }
    CHECK_INT(CHILDREN, atomic_load(&told_count));
    stage_close(&stage);
}

static void
case_forked(apr_pool_t *pool)
{
    mproc_plat_proc_t procs[FEW];
    stage_t stage;

    if (!mproc_plat_proc_can_fork()) {
        test_skip("no fork here");
    }
    stage_open(&stage);
    watch_begin(&stage);
    for (int i = 0; i < FEW; i++) {
        apr_status_t rv = mproc_plat_proc_fork(&procs[i], pool);
        if (rv == APR_INCHILD) {
            _Exit(i);
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_watch_add(watch, &procs[i], (apr_uint64_t)i));
    }
    told_wait(&stage, FEW);
    for (int i = 0; i < FEW; i++) {
        CHECK_INT(1, atomic_load(&told[i]));
        CHECK_INT(i, child_join(&procs[i]));
    }
    stage_close(&stage);
}

static void
case_ended_before(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    mproc_plat_exit_t how;
    stage_t stage;

    stage_open(&stage);
    watch_begin(&stage);
    spawn_exit(&proc, pool);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_proc_wait(&proc, deadline_far(), &how));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_watch_add(watch, &proc, 11));
    told_wait(&stage, 1);
    CHECK_INT(1, atomic_load(&told[11]));
    /* Told of already: nothing to remove. */
    mproc_plat_watch_remove(watch, &proc, 11);
    mproc_plat_proc_release(&proc);
    stage_close(&stage);
}

static void
case_removed(apr_pool_t *pool)
{
    mproc_plat_proc_t removed;
    mproc_plat_proc_t other;
    stage_t stage;

    stage_open(&stage);
    watch_begin(&stage);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&removed, &stage, pool, "plat_idle",
                                            NULL, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_watch_add(watch, &removed, 1));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    mproc_plat_watch_remove(watch, &removed, 1);
    test_kill(removed.pid);
    CHECK(child_join(&removed) != 0);
    spawn_exit(&other, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_watch_add(watch, &other, 2));
    told_wait(&stage, 1);
    CHECK_INT(0, atomic_load(&told[1]));
    CHECK_INT(1, atomic_load(&told[2]));
    CHECK_INT(3, child_join(&other));
    stage_close(&stage);
}

static void
case_under_way(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    watch_begin(&stage);
    for (int i = 0; i < 20; i++) {
        atomic_store(&slow_began, 0);
        atomic_store(&slow_ended, 0);
        atomic_store(&slow, 1);
        spawn_exit(&proc, pool);
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_watch_add(watch, &proc, 4));
        while (!atomic_load(&slow_began)) {
            REQUIRE_STATUS(
                APR_SUCCESS,
                mproc_plat_park_wait(&stage.shared->test, deadline_far()));
        }
        mproc_plat_watch_remove(watch, &proc, 4);
        CHECK_INT(1, atomic_load(&slow_ended));
        atomic_store(&slow, 0);
        CHECK_INT(3, child_join(&proc));
    }
    stage_close(&stage);
}

static void
case_from_inside(apr_pool_t *pool)
{
    mproc_plat_proc_t first;
    mproc_plat_proc_t second;
    stage_t stage;

    stage_open(&stage);
    watch_begin(&stage);
    spawn_exit(&second, pool);
    chained = second;
    spawn_exit(&first, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_watch_add(watch, &first, 20));
    told_wait(&stage, 2);
    CHECK_INT(1, atomic_load(&told[20]));
    CHECK_INT(1, atomic_load(&told[21]));
    CHECK_INT(3, child_join(&first));
    CHECK_INT(3, child_join(&second));
    stage_close(&stage);
}

static const test_case_t cases[] = {{"many", case_many},
                                    {"forked_children", case_forked},
                                    {"ended_before", case_ended_before},
                                    {"removed", case_removed},
                                    {"removed_under_way", case_under_way},
                                    {"from_inside", case_from_inside},
                                    {NULL, NULL}};

const test_suite_t suite_plat_watch = {"plat_watch", 0, cases};
