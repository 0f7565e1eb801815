/* test_plat_sys.c: the contract of the clock, processors and threads. */
#include "child.h"

#include <apr_thread_proc.h>

#include <stdlib.h>

#define THREADS 8

static _Atomic apr_uint64_t ids[THREADS];
static _Atomic int arrived;
static _Atomic int exits;
static int marks[THREADS];
static _Atomic int forks, comings;

static void
case_clock(apr_pool_t *pool)
{
    apr_time_t before = mproc_plat_clock();
    int back = 0, recent = 0, ahead = 0;

    (void)pool;
    CHECK(before > 0);
    for (int i = 0; i < 100000; i++) {
        apr_time_t now = mproc_plat_clock();
        apr_time_t rough = mproc_plat_clock_rough();
        back += now < before;
        before = now;
        /* A tick that comes late is late for a moment only. */
        recent += rough > now - 50000;
        ahead += rough > mproc_plat_clock();
    }
    CHECK_INT(0, back);
    CHECK_INT(0, ahead);
    CHECK(recent > 50000);
    apr_time_t wall = apr_time_now();
    apr_time_t begin = mproc_plat_clock();
    apr_sleep(20000);
    apr_time_t span = mproc_plat_clock() - begin;
    CHECK(span >= 19000 && span <= apr_time_now() - wall + 1000000);
}

static void
case_clock_is_shared(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    apr_time_t before = mproc_plat_clock();
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_wake",
                                            "0", NULL, NULL));
    CHECK_INT(0, child_join(&proc));
    apr_time_t there = atomic_load(&stage.shared->word[0]);
    CHECK(there >= before && there <= mproc_plat_clock());
    stage_close(&stage);
}

static void
case_processors(apr_pool_t *pool)
{
    (void)pool;
    CHECK(mproc_plat_cpu_count() >= 1);
    CHECK(mproc_plat_cpu_count() < 1 << 20);
    CHECK(mproc_plat_pid() > 0);
    mproc_plat_pause();
    mproc_plat_yield();
}

static void
thread_ended(void *value)
{
    *(int *)value += 1;
    atomic_fetch_add(&exits, 1);
}

static void *APR_THREAD_FUNC
thread_run(apr_thread_t *thread, void *baton)
{
    int index = (int)((int *)baton - marks);

    atomic_store(&ids[index], mproc_plat_thread_id());
    (void)mproc_plat_thread_on_exit(thread_ended, baton);
    /* All run at once, so all numbers must differ. */
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < THREADS) {
        mproc_plat_yield();
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
case_threads(apr_pool_t *pool)
{
    apr_thread_t *threads[THREADS];
    apr_status_t rv;

    CHECK(mproc_plat_thread_id() != 0);
    CHECK(mproc_plat_thread_id() == mproc_plat_thread_id());
    atomic_store(&arrived, 0);
    atomic_store(&exits, 0);
    for (int i = 0; i < THREADS; i++) {
        marks[i] = 0;
        REQUIRE_STATUS(
            APR_SUCCESS,
            apr_thread_create(&threads[i], NULL, thread_run, &marks[i], pool));
    }
    for (int i = 0; i < THREADS; i++) {
        (void)apr_thread_join(&rv, threads[i]);
    }
    CHECK_INT(THREADS, atomic_load(&exits));
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(1, marks[i]);
        CHECK(ids[i] != 0 && ids[i] != mproc_plat_thread_id());
        for (int j = 0; j < i; j++) {
            CHECK(ids[i] != ids[j]);
        }
    }
}

static void
fork_happened(void)
{
    atomic_fetch_add(&forks, 1);
}

static void
fork_coming(void)
{
    atomic_fetch_add(&comings, 1);
}

static void
case_fork_hook(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_on_fork(fork_coming, fork_happened));
    if (!mproc_plat_proc_can_fork()) {
        test_skip("no fork here");
    }
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(atomic_load(&forks) == 1 ? 0 : 1);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
    CHECK_INT(0, atomic_load(&forks));
    CHECK_INT(1, atomic_load(&comings));
}

static const test_case_t cases[] = {
    {"clock", case_clock},           {"clock_is_shared", case_clock_is_shared},
    {"processors", case_processors}, {"threads", case_threads},
    {"fork_hook", case_fork_hook},   {NULL, NULL}};

const test_suite_t suite_plat_sys = {"plat_sys", 0, cases};
