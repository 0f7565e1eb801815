/* test_plat_netset.c: the contract of waiting for very many streams. */
#include "child.h"

#include "plat_net.h"
#include "plat_netset.h"
#include "plat_sys.h"

#define MANY 150

typedef struct streams_t {
    mproc_plat_netset_t *set;
    mproc_plat_netset_item_t item[MANY];
    apr_int64_t there[MANY];
} streams_t;

static streams_t *
streams_make(apr_pool_t *pool)
{
    streams_t *streams = apr_pcalloc(pool, sizeof *streams);
    apr_int64_t end[2];

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_netset_create(&streams->set, MANY, pool));
    for (int i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pair(end));
        streams->item[i].handle = end[0];
        streams->item[i].baton = &streams->item[i];
        streams->there[i] = end[1];
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_netset_enter(
                                        streams->set, &streams->item[i], 0));
    }
    return streams;
}

static void
streams_close(streams_t *streams)
{
    for (int i = 0; i < MANY; i++) {
        mproc_plat_netset_leave(streams->set, &streams->item[i]);
        mproc_plat_net_close(streams->item[i].handle);
        mproc_plat_net_close(streams->there[i]);
    }
}

/* How many are ready now; `first` receives one. */
static int
ready_count(streams_t *streams, void **first)
{
    void *batons[MANY];
    int count = MANY;

    *first = NULL;
    if (mproc_plat_netset_wait(streams->set, batons, &count, 0) !=
        APR_SUCCESS) {
        return 0;
    }
    *first = batons[0];
    return count;
}

static void
byte_send(apr_int64_t handle)
{
    apr_size_t sent;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_send(handle, "x", 1, NULL, 0, &sent));
}

static void
case_each(apr_pool_t *pool)
{
    streams_t *streams = streams_make(pool);
    apr_time_t begin = mproc_plat_clock();
    void *batons[MANY], *first;
    int count = MANY;
    char byte;

    CHECK_STATUS(APR_TIMEUP, mproc_plat_netset_wait(streams->set, batons,
                                                    &count, begin + 20000));
    CHECK(mproc_plat_clock() - begin >= 19000);
    for (int i = 0; i < MANY; i += 7) {
        apr_size_t size = 1;
        byte_send(streams->there[i]);
        count = MANY;
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_netset_wait(
                                        streams->set, batons, &count,
                                        mproc_plat_clock() + test_deadline()));
        CHECK_INT(1, count);
        CHECK(batons[0] == &streams->item[i]);
        /* It stays so until the byte is received. */
        CHECK_INT(1, ready_count(streams, &first));
        CHECK_STATUS(APR_SUCCESS, mproc_plat_net_recv(streams->item[i].handle,
                                                      &byte, &size));
        CHECK_INT(0, ready_count(streams, &first));
    }
    streams_close(streams);
}

/* All at once, in portions: nobody is passed over. */
static void
case_all(apr_pool_t *pool)
{
    streams_t *streams = streams_make(pool);
    apr_size_t size;
    int seen = 0;
    char byte;

    for (int i = 0; i < MANY; i++) {
        byte_send(streams->there[i]);
    }
    while (seen < MANY) {
        void *batons[20];
        int count = 20;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_plat_netset_wait(streams->set, batons, &count, 0));
        REQUIRE(count > 0);
        for (int i = 0; i < count; i++) {
            mproc_plat_netset_item_t *item = batons[i];
            size = 1;
            CHECK_STATUS(APR_SUCCESS,
                         mproc_plat_net_recv(item->handle, &byte, &size));
            seen++;
        }
    }
    streams_close(streams);
}

/* Waiting for room instead; leaving, and coming again; the end. */
static void
case_changes(apr_pool_t *pool)
{
    streams_t *streams = streams_make(pool);
    void *first;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_netset_enter(streams->set, &streams->item[3], 1));
    CHECK_INT(1, ready_count(streams, &first));
    CHECK(first == &streams->item[3]);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_netset_enter(streams->set, &streams->item[3], 0));
    CHECK_INT(0, ready_count(streams, &first));
    byte_send(streams->there[5]);
    mproc_plat_netset_leave(streams->set, &streams->item[5]);
    mproc_plat_netset_leave(streams->set, &streams->item[5]);
    CHECK_INT(0, ready_count(streams, &first));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_netset_enter(streams->set, &streams->item[5], 0));
    CHECK_INT(1, ready_count(streams, &first));
    mproc_plat_netset_leave(streams->set, &streams->item[5]);
    mproc_plat_net_shut(streams->there[9]);
    CHECK_INT(1, ready_count(streams, &first));
    CHECK(first == &streams->item[9]);
    streams_close(streams);
}

static const test_case_t cases[] = {{"each", case_each},
                                    {"all", case_all},
                                    {"changes", case_changes},
                                    {NULL, NULL}};

const test_suite_t suite_plat_netset = {"plat_netset", 0, cases};
