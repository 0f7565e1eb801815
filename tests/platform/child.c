/* child.c: children of the platform tests. */
#include "child.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

#define STAGE_SIZE ((apr_uint64_t)1 << 20)

void
stage_open(stage_t *stage)
{
    memset(stage, 0, sizeof *stage);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_map_create(&stage->map, STAGE_SIZE, STAGE_SIZE));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_map_commit(&stage->map, 0, MPROC_PLAT_MAP_UNIT));
    stage->shared = (shared_t *)(void *)stage->map.base;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_park_init(&stage->shared->test));
}

void
stage_close(stage_t *stage)
{
    mproc_plat_park_done(&stage->shared->test);
    mproc_plat_map_close(&stage->map);
}

int
stage_attach(stage_t *stage, const char *const *argv)
{
    memset(stage, 0, sizeof *stage);
    if (mproc_plat_map_attach(&stage->map, apr_atoi64(argv[0]),
                              (apr_uint64_t)apr_atoi64(argv[1])) !=
        APR_SUCCESS) {
        return 0;
    }
    stage->shared = (shared_t *)(void *)stage->map.base;
    return mproc_plat_park_init(&stage->shared->child) == APR_SUCCESS;
}

const char *
number_text(apr_int64_t number, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, number);
}

void
child_describe(mproc_plat_spawn_t *spawn, apr_pool_t *pool, const char *name,
               const char *a, const char *b, const char *c)
{
    const char **argv = apr_pcalloc(pool, 8 * sizeof *argv);

    memset(spawn, 0, sizeof *spawn);
    argv[0] = "mproc-test-platform";
    argv[1] = "--child";
    argv[2] = name;
    argv[3] = a;
    argv[4] = b;
    argv[5] = c;
    spawn->argv = argv;
}

apr_status_t
stage_spawn(mproc_plat_proc_t *proc, const stage_t *stage, apr_pool_t *pool,
            const char *name, const char *a, const char *b, const char *c)
{
    const char *argv[9] = {"mproc-test-platform",
                           "--child",
                           name,
                           number_text(stage->map.handle, pool),
                           number_text((apr_int64_t)stage->map.size, pool),
                           a,
                           b,
                           c,
                           NULL};
    mproc_plat_spawn_t spawn;

    memset(&spawn, 0, sizeof spawn);
    spawn.argv = argv;
    spawn.inherit = &stage->map.handle;
    spawn.inherit_count = 1;
    return mproc_plat_proc_spawn(proc, &spawn, pool);
}

int
child_join(mproc_plat_proc_t *proc)
{
    mproc_plat_exit_t how;
    int code = -1000;

    if (mproc_plat_proc_wait(proc, deadline_far(), &how) == APR_SUCCESS) {
        code = how.known ? how.code : -1001;
    }
    else {
        (void)mproc_plat_proc_signal(proc, MPROC_PLAT_KILL);
        (void)mproc_plat_proc_wait(proc, deadline_far(), &how);
    }
    mproc_plat_proc_release(proc);
    return code;
}

apr_time_t
deadline_far(void)
{
    return mproc_plat_clock() + test_deadline();
}
