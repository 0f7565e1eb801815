/*
 * test_plat_limits_unix.c: what the contracts do when the system refuses:
 * limits of a process, no memory, no descriptors.
 */
#define _GNU_SOURCE
#include "../child.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#define MPROC_TEST_FILTER 1
#else
#define MPROC_TEST_FILTER 0
#endif

#include "plat_map.h"
#include "plat_proc.h"

/* In a forked child, since limits cannot be raised again. */
static int
limits_try(void)
{
    struct rlimit limit = {.rlim_cur = 3 << 20, .rlim_max = 3 << 20};
    mproc_plat_map_t map;

    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        mproc_plat_map_create(&map, 1 << 30, 1 << 20) != APR_SUCCESS ||
        map.size != 2 << 20) {
        return 1;
    }
    if (mproc_plat_map_commit(&map, 0, map.size) != APR_SUCCESS) {
        return 2;
    }
    memset(map.base, 'x', map.size);
    mproc_plat_map_close(&map);
    if (mproc_plat_map_create(&map, 1 << 30, 4 << 20) != APR_ENOMEM) {
        return 3;
    }
    if (mproc_plat_map_create(&map, 1 << 20, 1 << 20) != APR_SUCCESS) {
        return 4;
    }
    /* Beyond its end: refused, and no signal. */
    if (mproc_plat_map_commit(&map, 8 << 20, MPROC_PLAT_MAP_UNIT) ==
        APR_SUCCESS) {
        return 5;
    }
    mproc_plat_map_close(&map);
    return 0;
}

static void
case_limits(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        signal(SIGXFSZ, SIG_DFL);
        _Exit(limits_try());
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
}

#if MPROC_TEST_FILTER
/* Let the kernel refuse memory, with a status of our choice. */
static int
full_try(int status)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)status),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 4, .filter = code};
    mproc_plat_map_t map;

    if (mproc_plat_map_create(&map, 1 << 20, 1 << 20) != APR_SUCCESS ||
        mproc_plat_map_commit(&map, 0, MPROC_PLAT_MAP_UNIT) != APR_SUCCESS) {
        return 1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 77;
    }
    apr_status_t rv =
        mproc_plat_map_commit(&map, MPROC_PLAT_MAP_UNIT, MPROC_PLAT_MAP_UNIT);
    /* What was had before is still there. */
    map.base[0] = 'x';
    mproc_plat_map_close(&map);
    return rv == APR_ENOMEM ? 0 : 2;
}
#endif

static void
case_full(apr_pool_t *pool)
{
#if MPROC_TEST_FILTER
    static const int statuses[] = {ENOSPC, ENOMEM, EFBIG, EDQUOT};
    mproc_plat_proc_t proc;

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
        if (rv == APR_INCHILD) {
            _Exit(full_try(statuses[i]));
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        int code = child_join(&proc);
        if (code == 77) {
            test_skip("no filter for system calls may be set here");
        }
        CHECK_INT(0, code);
    }
#else
    (void)pool;
    test_skip("no filter for system calls here");
#endif
}

static int
address_space_try(void)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)1 << 30,
                           .rlim_max = (rlim_t)1 << 30};
    mproc_plat_map_t map;

    if (setrlimit(RLIMIT_AS, &limit) != 0 ||
        mproc_plat_map_create(&map, 1 << 20, 1 << 20) != APR_SUCCESS) {
        return 77;
    }
    mproc_plat_map_close(&map);
    if (mproc_plat_map_create(&map, (apr_uint64_t)1 << 36, 1 << 20) !=
            APR_SUCCESS ||
        map.size > (apr_uint64_t)1 << 30) {
        return 1;
    }
    mproc_plat_map_close(&map);
    return mproc_plat_map_create(&map, (apr_uint64_t)1 << 36,
                                 (apr_uint64_t)1 << 34) == APR_ENOMEM
               ? 0
               : 2;
}

static void
case_address_space(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    if (sizeof(void *) < 8) {
        test_skip("the address space is small here anyhow");
    }
    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(address_space_try());
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    int code = child_join(&proc);
    if (code == 77) {
        test_skip("the program is larger than the limit");
    }
    CHECK_INT(0, code);
}

static int
handles_try(apr_pool_t *pool)
{
    struct rlimit limit;
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    mproc_plat_map_t map;
    int last;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    setrlimit(RLIMIT_NOFILE, &limit);
    while ((last = dup(STDERR_FILENO)) >= 0) {
    }
    child_describe(&spawn, pool, "plat_exit", "0", NULL, NULL);
    if (mproc_plat_proc_spawn(&proc, &spawn, pool) != EMFILE ||
        mproc_plat_proc_fork(&proc, pool) != EMFILE ||
        mproc_plat_proc_self(&proc) != EMFILE ||
        mproc_plat_map_create(&map, 1 << 20, 1 << 20) == APR_SUCCESS) {
        return 1;
    }
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : 2;
}

static void
case_no_descriptors(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;

    apr_status_t rv = mproc_plat_proc_fork(&proc, pool);
    if (rv == APR_INCHILD) {
        _Exit(handles_try(pool));
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
}

static const test_case_t cases[] = {{"limits", case_limits},
                                    {"full", case_full},
                                    {"address_space", case_address_space},
                                    {"no_descriptors", case_no_descriptors},
                                    {NULL, NULL}};

const test_suite_t suite_plat_limits_unix = {"plat_limits_unix", 0, cases};
