/*
 * test_net_crowd.c: a listener under those who want it to fail: many, silent,
 * quick; short of descriptors; two that want one path (L5, L6, S16).
 */
#include <time.h>

#include "net.h"

#define IDLE 150

/* To wait for many costs no more than to look at them now and then. */
static void
waiting_for_many_is_idle(apr_pool_t *pool)
{
    mproc_net_options_t options = {.unkeyed = 1};
    mproc_listener_t *listener = listen_unkeyed(LOCAL, pool);
    mproc_waitable_t item[IDLE] = {{0}};
    mproc_connection_t *there;
    clock_t used = clock();
    int i;
    apr_sleep(30000);
    if (clock() - used > CLOCKS_PER_SEC / 100) {
        test_skip("the time of the processor cannot be told");
    }
    for (i = 0; i < IDLE; i++) {
        mproc_connection_t *here;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_client_connect(&there,
                                            mproc_listener_address(listener),
                                            &options, pool));
        REQUIRE_STATUS(
            APR_SUCCESS,
            mproc_listener_accept(listener, &here, test_deadline(), pool));
        item[i].kind = MPROC_WAIT_CONNECTION;
        item[i].object = here;
    }
    used = clock();
    for (i = 0; i < 4; i++) {
        CHECK_STATUS(APR_TIMEUP, mproc_wait(item, IDLE, 20000, NULL));
    }
    CHECK(clock() - used < test_scaled(100) * CLOCKS_PER_SEC / 1000);
}

static const test_case_t cases[] = {
    {"waiting_for_many_is_idle", waiting_for_many_is_idle},
    {NULL, NULL}};

const test_suite_t suite_net_crowd = {"net_crowd", 0, cases};
