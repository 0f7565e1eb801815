/*
 * test_net_ready.c: streams: what is ready is told of, time limits hold
 * whatever the other side does, closing is at once (C10, C11, C19, WT1).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

/* ------------------------------------------------------------------- ready */

/* C10: small messages come many at a time; all of them are told of. */
static void
what_came_together_is_ready(apr_pool_t *pool)
{
    static const char bytes[] = "\0\0\0\1a\0\0\0\1b\0\0\0\0\0\0\0\1d\0\0";
    mproc_waitable_t item = {MPROC_WAIT_CONNECTION, NULL, 0};
    mproc_connection_t *here;
    mproc_bytes_t in;
    apr_int64_t raw = raw_make(&here, pool);
    int i, first;
    item.object = here;
    raw_send(raw, bytes, sizeof bytes - 1);
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
        CHECK_STATUS(APR_SUCCESS, mproc_wait(&item, 1, 0, &first));
        CHECK_INT(1, item.ready);
        REQUIRE_STATUS(APR_SUCCESS, mproc_connection_recv(here, &in, pool));
        CHECK_INT(i == 2 ? 0 : 1, in.size);
    }
    /* Part of a head; taken, it is ready no more. */
    CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(here, 0));
    CHECK_STATUS(APR_TIMEUP, mproc_connection_recv(here, &in, pool));
    CHECK_STATUS(APR_TIMEUP, mproc_connection_poll(here, 0));
    CHECK_STATUS(APR_TIMEUP, mproc_wait(&item, 1, 0, &first));
    mproc_plat_net_close(raw);
}

/* ------------------------------------------------------------- time limits */

#define MUCH (2 << 20) /* more than is taken when the time is over */

/* Send bytes until no more fit on the way; returns how many. */
static apr_size_t
raw_fill(apr_int64_t raw)
{
    static const char bytes[1 << 16];
    mproc_plat_net_item_t item = {raw, 1, 0};
    apr_size_t all = 0, sent;
    while (mproc_plat_net_wait(&item, 1, mproc_clock() + 50000) ==
               APR_SUCCESS &&
           mproc_plat_net_send(raw, bytes, sizeof bytes, NULL, 0, &sent) ==
               APR_SUCCESS) {
        all += sent;
    }
    return all;
}

/* E3: a message that does not end, beyond the limit or within it, and that
 * comes faster than it is received: a call whose time is over does not go on
 * for as long as there is something. */
static void
a_flood_keeps_the_time(apr_pool_t *pool)
{
    static const unsigned char head[2][12] = {
        {0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0},
        {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0, 0, 0, 0}};
    mproc_connection_t *here;
    mproc_bytes_t in;
    int i;
    for (i = 0; i < 2; i++) {
        apr_int64_t raw = raw_make(&here, pool);
        raw_send(raw, head[i], sizeof head[i]);
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, test_deadline()));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_set_timeout(here, 0));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_connection_set_limit(here, i == 0 ? 1 << 30 : 0));
        CHECK_STATUS(i == 0 ? MPROC_ETOOBIG : APR_TIMEUP,
                     mproc_connection_recv(here, &in, pool));
        if (raw_fill(raw) < MUCH) {
            test_skip("not much is kept on the way");
        }
        CHECK_STATUS(APR_TIMEUP, mproc_connection_recv(here, &in, pool));
        CHECK_STATUS(APR_SUCCESS, mproc_connection_poll(here, 0));
        mproc_plat_net_close(raw);
        mproc_connection_destroy(here);
    }
}

static const test_case_t cases[] = {
    {"what_came_together_is_ready", what_came_together_is_ready},
    {"a_flood_keeps_the_time", a_flood_keeps_the_time},
    {NULL, NULL}};

const test_suite_t suite_net_ready = {"net_ready", 0, cases};
