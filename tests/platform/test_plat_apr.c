/*
 * test_plat_apr.c: what APR gets wrong, and the contracts therefore do beside
 * it. A case that is skipped with "mended" says that a workaround may go.
 */
#include "child.h"

#include "plat_shm.h"

#include <apr_portable.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <string.h>

#if !defined _WIN32
#include <fcntl.h>
#endif

static void
case_missing_program(apr_pool_t *pool)
{
    const char *argv[] = {"program", NULL};
    apr_procattr_t *attributes;
    apr_exit_why_e why;
    apr_proc_t proc;
    int code;

    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM));
    apr_status_t rv = apr_proc_create(&proc, "/no/such/folder/program", argv,
                                      NULL, attributes, pool);
    if (rv != APR_SUCCESS) {
        test_skip("mended: apr_proc_create reports a missing program");
    }
    CHECK_STATUS(APR_CHILD_DONE, apr_proc_wait(&proc, &code, &why, APR_WAIT));
    CHECK(code != 0);
}

static void
case_pipe(apr_pool_t *pool)
{
#if defined _WIN32
    (void)pool;
    test_skip("for Unix");
#else
    apr_os_file_t fd;
    apr_file_t *out;
    apr_file_t *in;

    REQUIRE_STATUS(APR_SUCCESS, apr_file_pipe_create(&in, &out, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_os_file_get(&fd, out));
    if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) {
        test_skip("mended: apr_file_pipe_create sets close-on-exec");
    }
#endif
}

static void
case_stopped_child(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    apr_exit_why_e why;
    apr_proc_t native;
    stage_t stage;
    int code;

    if (!mproc_plat_proc_can_fork()) {
        test_skip("for Unix");
    }
    stage_open(&stage);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_idle",
                                            NULL, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage.shared->test, deadline_far()));
    memset(&native, 0, sizeof native);
    native.pid = (pid_t)proc.pid;
    apr_status_t rv = APR_CHILD_NOTDONE;
    apr_time_t deadline = mproc_plat_clock() + 200000;
    test_stop(proc.pid);
    while (rv == APR_CHILD_NOTDONE && mproc_plat_clock() < deadline) {
        rv = apr_proc_wait(&native, &code, &why, APR_NOWAIT);
    }
    test_kill(proc.pid);
    CHECK_INT(-9, child_join(&proc));
    stage_close(&stage);
    if (rv == APR_CHILD_NOTDONE) {
        test_skip("mended: apr_proc_wait knows a stopped child");
    }
    CHECK_STATUS(APR_EGENERAL, rv);
}

/* By the name that it was made with, nobody else finds it. */
static void
case_shm_name(apr_pool_t *pool)
{
    const char *name =
        apr_psprintf(pool, "mproc-apr-%" APR_INT64_T_FMT, mproc_plat_pid());
    mproc_plat_shm_t other;
    apr_shm_t *shm;

    if (!mproc_plat_shm_stays()) {
        test_skip("for Unix");
    }
    REQUIRE_STATUS(APR_SUCCESS, apr_shm_create(&shm, 4096, name, pool));
    apr_status_t rv = mproc_plat_shm_attach(&other, name);
    CHECK_STATUS(APR_SUCCESS, apr_shm_destroy(shm));
    if (rv == APR_SUCCESS) {
        mproc_plat_shm_close(&other);
        test_skip("mended: apr_shm_create keeps the name");
    }
    CHECK_STATUS(APR_ENOENT, rv);
}

/* It hands out memory that there is not: a touch would be a SIGBUS. */
static void
case_shm_memory(apr_pool_t *pool)
{
    const char *name =
        apr_psprintf(pool, "mproc-apr-%" APR_INT64_T_FMT, mproc_plat_pid());
    apr_shm_t *shm;

    if (!mproc_plat_shm_stays() || sizeof(apr_size_t) <= 4) {
        test_skip("for Unix, and 64 bits");
    }
    apr_status_t rv = apr_shm_create(&shm, (apr_size_t)1 << 40, name, pool);
    if (rv != APR_SUCCESS) {
        test_skip("mended: apr_shm_create looks whether there is room");
    }
    CHECK_STATUS(APR_SUCCESS, apr_shm_destroy(shm));
}

static const test_case_t cases[] = {
    {"missing_program", case_missing_program}, {"pipe", case_pipe},
    {"stopped_child", case_stopped_child},     {"shm_name", case_shm_name},
    {"shm_memory", case_shm_memory},           {NULL, NULL}};

const test_suite_t suite_plat_apr = {"plat_apr", 0, cases};
