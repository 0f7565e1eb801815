/* test_plat_channel.c: the contract of the fork server's channel. */
#include "child.h"

#include "plat_channel.h"

#include <mproc/error.h>

#include <stdlib.h>
#include <string.h>

static apr_int64_t ends[2];

static void
channel_open(void)
{
    if (!mproc_plat_proc_can_fork()) {
        CHECK_STATUS(APR_ENOTIMPL, mproc_plat_channel_create(ends));
        test_skip("no channel where there is no fork");
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_channel_create(ends));
}

static void
channel_close(void)
{
    mproc_plat_channel_close(ends[0]);
    mproc_plat_channel_close(ends[1]);
}

static apr_status_t
take(void *data, apr_size_t *size, apr_int64_t *handles, int *count)
{
    return mproc_plat_channel_recv(ends[1], data, size, handles, count,
                                   deadline_far());
}

static void
case_records(apr_pool_t *pool)
{
    static char big[30000];
    static char got[sizeof big];
    apr_int64_t handles[1];
    static const apr_size_t sizes[] = {0, 1, 5, 4096, sizeof big};

    (void)pool;
    channel_open();
    memset(big, 'b', sizeof big);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_channel_send(ends[0], big, sizes[i], NULL, 0,
                                               deadline_far()));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        apr_size_t size = sizeof got;
        int count = 1;
        REQUIRE_STATUS(APR_SUCCESS, take(got, &size, handles, &count));
        CHECK_INT(sizes[i], size);
        CHECK_INT(0, count);
        CHECK(memcmp(big, got, size) == 0);
    }
    channel_close();
}

static void
case_time(apr_pool_t *pool)
{
    static char data[8192];
    apr_int64_t handles[1];
    apr_size_t size = sizeof data;
    int count = 1;
    int ready;

    (void)pool;
    channel_open();
    CHECK_STATUS(APR_TIMEUP, mproc_plat_channel_recv(ends[1], data, &size,
                                                     handles, &count, 0));
    apr_time_t deadline = mproc_plat_clock() + 3000;
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_channel_recv(ends[1], data, &size, handles, &count,
                                         deadline));
    CHECK(mproc_plat_clock() >= deadline);
    deadline = mproc_plat_clock() + 3000;
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_channel_wait(ends[1], NULL, 0, &ready, deadline));
    CHECK(mproc_plat_clock() >= deadline);
    apr_status_t rv = APR_SUCCESS;
    for (int i = 0; i < 100000 && rv == APR_SUCCESS; i++) {
        rv = mproc_plat_channel_send(ends[0], data, sizeof data, NULL, 0, 0);
    }
    CHECK_STATUS(APR_TIMEUP, rv);
    deadline = mproc_plat_clock() + 3000;
    CHECK_STATUS(APR_TIMEUP, mproc_plat_channel_send(ends[0], data, sizeof data,
                                                     NULL, 0, deadline));
    CHECK(mproc_plat_clock() >= deadline);
    channel_close();
}

static void
case_ends(apr_pool_t *pool)
{
    char data[16];
    apr_int64_t handles[1];
    apr_size_t size = sizeof data;
    int count = 1;
    int ready = 5;

    (void)pool;
    channel_open();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_channel_send(ends[0], "last", 4, NULL, 0, 0));
    mproc_plat_channel_close(ends[0]);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_channel_wait(ends[1], NULL, 0, &ready,
                                                      deadline_far()));
    CHECK_INT(-1, ready);
    CHECK_STATUS(APR_SUCCESS, take(data, &size, handles, &count));
    CHECK_INT(4, size);
    size = sizeof data;
    CHECK_STATUS(APR_EOF, take(data, &size, handles, &count));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_channel_wait(ends[1], NULL, 0, &ready,
                                                      deadline_far()));
    CHECK_STATUS(APR_EPIPE,
                 mproc_plat_channel_send(ends[1], "x", 1, NULL, 0, 0));
    mproc_plat_channel_close(ends[1]);
}

static void
case_descriptors(apr_pool_t *pool)
{
    mproc_plat_map_t maps[3];
    mproc_plat_map_t view;
    apr_int64_t handles[MPROC_PLAT_CHANNEL_HANDLES];
    char data[16];
    apr_size_t size = sizeof data;
    int count = MPROC_PLAT_CHANNEL_HANDLES;

    (void)pool;
    channel_open();
    for (int i = 0; i < 3; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_map_create(&maps[i], 1 << 20, 1 << 20));
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_map_commit(&maps[i], 0, MPROC_PLAT_MAP_UNIT));
        maps[i].base[0] = (char)('a' + i);
        handles[i] = maps[i].handle;
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_channel_send(ends[0], "three", 5, handles, 3, 0));
    REQUIRE_STATUS(APR_SUCCESS, take(data, &size, handles, &count));
    CHECK_INT(3, count);
    for (int i = 0; i < count; i++) {
        CHECK(handles[i] != maps[i].handle);
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_map_attach(&view, handles[i], maps[i].size));
        CHECK_INT('a' + i, view.base[0]);
        mproc_plat_map_close(&view);
    }
    for (int i = 0; i < 3; i++) {
        mproc_plat_map_close(&maps[i]);
    }
    channel_close();
}

static void
case_too_much(apr_pool_t *pool)
{
    apr_int64_t list[4];
    apr_int64_t handles[4];
    char data[8];

    (void)pool;
    channel_open();
    for (int i = 0; i < 4; i++) {
        list[i] = ends[0];
    }
    int before = test_handles();
    /* Too long; too many descriptors; and after each the next is whole. */
    for (int i = 0; i < 3; i++) {
        apr_size_t size = i == 2 ? 0 : sizeof data;
        int count = i == 1 ? 2 : 4;
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_channel_send(
                                        ends[0], "123456789", i == 1 ? 3 : 9,
                                        list, i == 2 ? 1 : 4, 0));
        CHECK_STATUS(MPROC_EFORMAT, take(data, &size, handles, &count));
        CHECK_INT(before, test_handles());
        size = sizeof data;
        count = 4;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_channel_send(ends[0], "next", 4, NULL, 0, 0));
        CHECK_STATUS(APR_SUCCESS, take(data, &size, handles, &count));
        CHECK_INT(4, size);
        CHECK_INT(0, count);
    }
    CHECK(mproc_plat_channel_send(ends[0], "x", 1, list, 99, 0) != APR_SUCCESS);
    channel_close();
}

/* Answer each record with its length, until the other end is gone. */
int
child_plat_channel(int argc, const char *const *argv)
{
    apr_int64_t end = argc > 0 ? atoll(argv[0]) : -1;
    char data[256];
    apr_int64_t handles[1];

    if (mproc_plat_channel_adopt(end) != APR_SUCCESS) {
        return 1;
    }
    for (;;) {
        apr_size_t size = sizeof data;
        int count = 1;
        apr_status_t rv =
            mproc_plat_channel_recv(end, data, &size, handles, &count,
                                    mproc_plat_clock() + CHILD_LIMIT);
        if (rv != APR_SUCCESS) {
            return rv == APR_EOF ? 0 : 2;
        }
        char answer = (char)size;
        if (mproc_plat_channel_send(end, &answer, 1, NULL, 0,
                                    mproc_plat_clock() + CHILD_LIMIT) !=
            APR_SUCCESS) {
            return 3;
        }
    }
}

static void
case_spawned(apr_pool_t *pool)
{
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;
    apr_int64_t handles[1];
    int ready = 5;

    channel_open();
    child_describe(&spawn, pool, "plat_channel", number_text(ends[0], pool),
                   NULL, NULL);
    spawn.inherit = &ends[0];
    spawn.inherit_count = 1;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    mproc_plat_channel_close(ends[0]);
    for (int i = 0; i < 100; i++) {
        char answer = 0;
        apr_size_t size = 1;
        int count = 1;
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_channel_send(
                                        ends[1], "................", 1 + i % 9,
                                        NULL, 0, deadline_far()));
        CHECK_STATUS(
            APR_SUCCESS,
            mproc_plat_channel_wait(ends[1], NULL, 0, &ready, deadline_far()));
        CHECK_INT(-1, ready);
        REQUIRE_STATUS(APR_SUCCESS, take(&answer, &size, handles, &count));
        CHECK_INT(1 + i % 9, answer);
    }
    mproc_plat_channel_close(ends[1]);
    CHECK_INT(0, child_join(&proc));
}

static void
case_processes(apr_pool_t *pool)
{
    mproc_plat_proc_t procs[3];
    apr_int64_t handles[100];
    stage_t stage;
    int ready = 5;

    channel_open();
    stage_open(&stage);
    for (int i = 0; i < 100; i++) {
        handles[i] = -1;
    }
    for (int i = 0; i < 3; i++) {
        apr_status_t rv = mproc_plat_proc_fork(&procs[i], pool);
        if (rv == APR_INCHILD) {
            (void)mproc_plat_park_wait(&stage.shared->child,
                                       mproc_plat_clock() + CHILD_LIMIT);
            _Exit(0);
        }
        REQUIRE_STATUS(APR_INPARENT, rv);
        handles[30 * i + 2] = procs[i].handle;
    }
    CHECK_STATUS(APR_TIMEUP,
                 mproc_plat_channel_wait(ends[1], handles, 100, &ready, 0));
    test_kill(procs[1].pid);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_channel_wait(ends[1], handles, 100,
                                                      &ready, deadline_far()));
    CHECK_INT(32, ready);
    handles[32] = -1;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_channel_send(ends[0], "x", 1, NULL, 0, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_channel_wait(ends[1], handles, 100,
                                                      &ready, deadline_far()));
    CHECK_INT(-1, ready);
    for (int i = 0; i < 3; i++) {
        test_kill(procs[i].pid);
        CHECK_INT(-9, child_join(&procs[i]));
    }
    stage_close(&stage);
    channel_close();
}

static const test_case_t cases[] = {
    {"records", case_records},     {"time", case_time},
    {"ends", case_ends},           {"descriptors", case_descriptors},
    {"too_much", case_too_much},   {"spawned_child", case_spawned},
    {"processes", case_processes}, {NULL, NULL}};

const test_suite_t suite_plat_channel = {"plat_channel", 0, cases};
