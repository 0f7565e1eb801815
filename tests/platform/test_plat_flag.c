/* test_plat_flag.c: the contract of flags. */
#include "child.h"

#include "plat_flag.h"

#include <apr_thread_proc.h>

#define MANY 100

static void
case_up_and_down(apr_pool_t *pool)
{
    mproc_plat_flag_t flag;

    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_flag_create(&flag));
    CHECK(flag.handle != -1);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(0, test_handles_wait(&flag.handle, 1, NULL, 0));
        CHECK_INT(0, test_handles_wait(&flag.handle, 1, NULL, 5000));
        mproc_plat_flag_raise(&flag);
        CHECK_INT(1, test_handles_wait(&flag.handle, 1, NULL, 0));
        CHECK_INT(1, test_handles_wait(&flag.handle, 1, NULL, 0));
        mproc_plat_flag_lower(&flag);
    }
    mproc_plat_flag_raise(&flag);
    mproc_plat_flag_close(&flag);
}

/* Each is its own, and more than a system waits for at once. */
static void
case_many(apr_pool_t *pool)
{
    mproc_plat_flag_t flag[MANY];
    apr_int64_t handle[MANY];
    int ready[MANY];

    (void)pool;
    for (int i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_flag_create(&flag[i]));
        handle[i] = flag[i].handle;
    }
    for (int i = 0; i < MANY; i++) {
        mproc_plat_flag_raise(&flag[i]);
        CHECK_INT(1, test_handles_wait(handle, MANY, ready, 0));
        CHECK_INT(1, ready[i]);
        mproc_plat_flag_lower(&flag[i]);
    }
    for (int i = 0; i < MANY; i++) {
        mproc_plat_flag_close(&flag[i]);
    }
}

static void *APR_THREAD_FUNC
raise_late(apr_thread_t *thread, void *flag)
{
    apr_sleep(20000);
    mproc_plat_flag_raise(flag);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Who sleeps is woken. */
static void
case_wakes(apr_pool_t *pool)
{
    mproc_plat_flag_t flag;
    apr_thread_t *thread;
    apr_status_t rv;

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_flag_create(&flag));
    for (int i = 0; i < 4; i++) {
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_create(&thread, NULL, raise_late,
                                                      &flag, pool));
        CHECK_INT(1, test_handles_wait(&flag.handle, 1, NULL, test_deadline()));
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, thread));
        mproc_plat_flag_lower(&flag);
    }
    mproc_plat_flag_close(&flag);
}

static const test_case_t cases[] = {{"up_and_down", case_up_and_down},
                                    {"many", case_many},
                                    {"wakes", case_wakes},
                                    {NULL, NULL}};

const test_suite_t suite_plat_flag = {"plat_flag", 0, cases};
