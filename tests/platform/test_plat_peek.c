/* test_plat_peek.c: another process's mapping, read from outside. */
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "plat_life.h"
#include "plat_peek.h"

#define MAGIC APR_UINT64_C(0x7465737420706565)
#define SIZE ((apr_uint64_t)64 << 20)
#define UNIT ((apr_uint64_t)MPROC_PLAT_MAP_UNIT)
#define SLOT 5

/* Have a mapping of one's own beside the stage: its first and third units are
 * committed and written. */
int
child_plat_peek(int argc, const char *const *argv)
{
    mproc_plat_map_t map;
    mproc_plat_peek_t own;
    stage_t stage;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv) ||
        mproc_plat_map_create(&map, SIZE, SIZE) != APR_SUCCESS ||
        mproc_plat_map_commit(&map, 0, UNIT) != APR_SUCCESS ||
        mproc_plat_map_commit(&map, 2 * UNIT, UNIT) != APR_SUCCESS ||
        mproc_plat_life_hold(&map, SLOT) != APR_SUCCESS) {
        return 1;
    }
    *(volatile apr_uint64_t *)(void *)map.base = MAGIC;
    /* What is our own may be found, and our proof of life must outlast it. */
    if (mproc_plat_peek_open(&own, mproc_plat_pid(), MAGIC, &map) ==
        APR_SUCCESS) {
        mproc_plat_peek_close(&own);
    }
    memset(map.base + 2 * UNIT, 'x', UNIT);
    atomic_store(&stage.shared->word[2], (apr_int64_t)mproc_plat_life_start());
    mproc_plat_park_wake(&stage.shared->test);
    (void)mproc_plat_park_wait(&stage.shared->child,
                               mproc_plat_clock() + CHILD_LIMIT);
    /* Whether what was read is as it was. */
    return *(volatile apr_uint64_t *)(void *)map.base == MAGIC ? 0 : 2;
}

static apr_status_t
child_peek(mproc_plat_peek_t *peek, mproc_plat_proc_t *proc, stage_t *stage,
           apr_pool_t *pool)
{
    stage_open(stage);
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(proc, stage, pool, "plat_peek",
                                            NULL, NULL, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_park_wait(&stage->shared->test, deadline_far()));
    apr_status_t rv = mproc_plat_peek_open(peek, proc->pid, MAGIC, NULL);
    if (rv == APR_ENOTIMPL) {
        test_kill(proc->pid);
        (void)child_join(proc);
        stage_close(stage);
        test_skip("no process sees another's memory here");
    }
    return rv;
}

static void
case_read(apr_pool_t *pool)
{
    char *data = apr_palloc(pool, 3 * UNIT);
    mproc_plat_peek_t peek;
    mproc_plat_proc_t proc;
    apr_uint64_t word = 0;
    stage_t stage;
    apr_size_t i;
    int wrong = 0;

    REQUIRE_STATUS(APR_SUCCESS, child_peek(&peek, &proc, &stage, pool));
    CHECK(!peek.own);
    CHECK(peek.map.size == SIZE);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_peek_read(&peek, 0, &word, sizeof word));
    CHECK(word == MAGIC);
    /* Over what was never committed. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_peek_read(&peek, UNIT, data, 2 * UNIT));
    for (i = 0; i < 2 * UNIT; i++) {
        wrong += data[i] != (i < UNIT ? 0 : 'x');
    }
    CHECK_INT(0, wrong);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_peek_read(&peek, SIZE - 8, &word, 8));
    CHECK(word == 0);
    CHECK_STATUS(APR_EOF, mproc_plat_peek_read(&peek, SIZE - 8, data, 16));
    CHECK_STATUS(APR_EOF, mproc_plat_peek_read(&peek, 2 * SIZE, data, 8));
    CHECK(!mproc_plat_life_ended(
        &peek.map, SLOT, proc.pid,
        (apr_uint64_t)atomic_load(&stage.shared->word[2])));
    mproc_plat_peek_close(&peek);
    mproc_plat_park_wake(&stage.shared->child);
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
}

static void
case_stopped(apr_pool_t *pool)
{
    mproc_plat_peek_t peek;
    mproc_plat_proc_t proc;
    apr_uint64_t word = 0;
    stage_t stage;

    REQUIRE_STATUS(APR_SUCCESS, child_peek(&peek, &proc, &stage, pool));
    mproc_plat_peek_close(&peek);
    test_stop(proc.pid);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_peek_open(&peek, proc.pid, MAGIC, NULL));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_peek_read(&peek, 0, &word, sizeof word));
    CHECK(word == MAGIC);
    mproc_plat_peek_close(&peek);
    test_continue(proc.pid);
    mproc_plat_park_wake(&stage.shared->child);
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
}

static void
case_refused(apr_pool_t *pool)
{
    mproc_plat_peek_t peek;
    mproc_plat_proc_t proc;
    stage_t stage;

    REQUIRE_STATUS(APR_SUCCESS, child_peek(&peek, &proc, &stage, pool));
    mproc_plat_peek_close(&peek);
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_plat_peek_open(&peek, proc.pid, MAGIC + 1, NULL));
    CHECK_STATUS(APR_EPROC_UNKNOWN,
                 mproc_plat_peek_open(&peek, 0, MAGIC, NULL));
    CHECK_STATUS(APR_EPROC_UNKNOWN,
                 mproc_plat_peek_open(&peek, 0x7ffffffc, MAGIC, NULL));
    mproc_plat_peek_close(&peek);
    test_kill(proc.pid);
    CHECK(child_join(&proc) != 0);
    CHECK_STATUS(APR_EPROC_UNKNOWN,
                 mproc_plat_peek_open(&peek, proc.pid, MAGIC, NULL));
    stage_close(&stage);
}

/* A lock on one's own mapping is lost with any descriptor of it. */
static void
case_own(apr_pool_t *pool)
{
    mproc_plat_peek_t peek;
    mproc_plat_map_t map;
    apr_status_t rv;

    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_create(&map, SIZE, SIZE));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_commit(&map, 0, UNIT));
    *(volatile apr_uint64_t *)(void *)map.base = MAGIC;
    rv = mproc_plat_peek_open(&peek, mproc_plat_pid(), MAGIC, &map);
    if (rv != APR_ENOTIMPL) {
        CHECK_STATUS(APR_SUCCESS, rv);
        CHECK(peek.own || peek.map.size == SIZE);
    }
    mproc_plat_peek_close(&peek);
    mproc_plat_map_close(&map);
}

static const test_case_t cases[] = {{"read", case_read},
                                    {"stopped", case_stopped},
                                    {"refused", case_refused},
                                    {"own", case_own},
                                    {NULL, NULL}};

const test_suite_t suite_plat_peek = {"plat_peek", 0, cases};
