/* test_plat_map.c: the contract of the shared mapping. */
#include "child.h"

#include "plat_map.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

#define UNIT ((apr_uint64_t)MPROC_PLAT_MAP_UNIT)

static int
all_are(const char *data, apr_uint64_t size, char value)
{
    for (apr_uint64_t i = 0; i < size; i++) {
        if (data[i] != value) {
            return 0;
        }
    }
    return 1;
}

static void
case_sparse(apr_pool_t *pool)
{
    mproc_plat_map_t map;
    apr_uint64_t size =
        sizeof(void *) > 4 ? (apr_uint64_t)1 << 36 : (apr_uint64_t)1 << 28;

    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_create(&map, size, 1 << 20));
    CHECK(map.size >= 1 << 20 && map.size <= size);
    /* The first, the last, and a range of several. */
    apr_uint64_t places[3] = {0, map.size - UNIT, map.size / 2};
    for (int i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_map_commit(&map, places[i], UNIT));
        CHECK(all_are(map.base + places[i], UNIT, 0));
        memset(map.base + places[i], 'a' + i, UNIT);
    }
    for (int i = 0; i < 3; i++) {
        /* Again, together with a neighbour: contents are kept. */
        apr_uint64_t from = i == 1 ? places[i] - UNIT : places[i];
        CHECK_STATUS(APR_SUCCESS, mproc_plat_map_commit(&map, from, 2 * UNIT));
        CHECK(all_are(map.base + places[i], UNIT, (char)('a' + i)));
    }
    mproc_plat_map_close(&map);
    mproc_plat_map_close(&map);
}

static void
case_less(apr_pool_t *pool)
{
    mproc_plat_map_t map;

    (void)pool;
    /* No machine has so much: what can be had is taken. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_map_create(&map, (apr_uint64_t)1 << 62, UNIT));
    CHECK(map.size < (apr_uint64_t)1 << 62);
    CHECK((map.size & (map.size - 1)) == 0);
    mproc_plat_map_close(&map);
    CHECK(mproc_plat_map_create(&map, (apr_uint64_t)1 << 62,
                                (apr_uint64_t)1 << 61) != APR_SUCCESS);
}

static void
case_give_back(apr_pool_t *pool)
{
    mproc_plat_map_t map;

    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_create(&map, 1 << 24, 1 << 24));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_commit(&map, 0, 4 * UNIT));
    memset(map.base, 'x', 4 * UNIT);
    int given = mproc_plat_map_decommit(&map, UNIT, 2 * UNIT);
    CHECK(all_are(map.base, UNIT, 'x'));
    CHECK(all_are(map.base + 3 * UNIT, UNIT, 'x'));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_map_commit(&map, UNIT, 2 * UNIT));
    CHECK(all_are(map.base + UNIT, 2 * UNIT, given ? 0 : 'x'));
    mproc_plat_map_close(&map);
}

/* See what the test has written, and answer in memory committed here. */
int
child_plat_map(int argc, const char *const *argv)
{
    stage_t stage;

    if (argc < STAGE_ARGUMENTS || !stage_attach(&stage, argv)) {
        return 1;
    }
    if (strcmp(stage.shared->text, "from the test") != 0) {
        return 2;
    }
    if (mproc_plat_map_commit(&stage.map, 4 * UNIT, UNIT) != APR_SUCCESS) {
        return 3;
    }
    strcpy(stage.map.base + 4 * UNIT, "from the child");
    return 0;
}

static void
case_spawned(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    stage_t stage;

    stage_open(&stage);
    strcpy(stage.shared->text, "from the test");
    REQUIRE_STATUS(APR_SUCCESS, stage_spawn(&proc, &stage, pool, "plat_map",
                                            NULL, NULL, NULL));
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("from the child", stage.map.base + 4 * UNIT);
    stage_close(&stage);
}

/* Try a handle that was not listed. */
int
child_plat_unlisted(int argc, const char *const *argv)
{
    stage_t stage;

    return argc >= STAGE_ARGUMENTS && !stage_attach(&stage, argv) ? 0 : 1;
}

static void
case_not_inherited(apr_pool_t *pool)
{
    mproc_plat_proc_t proc;
    mproc_plat_spawn_t spawn;
    stage_t stage;

    stage_open(&stage);
    child_describe(&spawn, pool, "plat_unlisted",
                   number_text(stage.map.handle, pool),
                   number_text((apr_int64_t)stage.map.size, pool), NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    stage_close(&stage);
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
        if (mproc_plat_map_commit(&stage.map, UNIT, UNIT) == APR_SUCCESS) {
            strcpy(stage.map.base + UNIT, "forked");
        }
        _Exit(0);
    }
    REQUIRE_STATUS(APR_INPARENT, rv);
    CHECK_INT(0, child_join(&proc));
    CHECK_TEXT("forked", stage.map.base + UNIT);
    stage_close(&stage);
}

static const test_case_t cases[] = {
    {"sparse", case_sparse},
    {"less_than_asked", case_less},
    {"give_back", case_give_back},
    {"spawned_child", case_spawned},
    {"not_inherited_unlisted", case_not_inherited},
    {"forked_child", case_forked},
    {NULL, NULL}};

const test_suite_t suite_plat_map = {"plat_map", 0, cases};
