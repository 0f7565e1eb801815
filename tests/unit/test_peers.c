/* test_peers.c: who is attached, and what is repaired when somebody dies. */
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "child.h"

#include "../../lib/src/layout.h"
#include "../../lib/src/peers.h"

static int
tell_peer(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_event_t *ready, *go;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &value, &ready, &go));
    *(mproc__peer_t *)mproc_value_data(value) = mproc__peer_self();
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    CHILD_STATUS(APR_SUCCESS, mproc_event_wait(go, test_deadline()));
    return 0;
}

static mproc__peer_t
start_peer(mproc_process_t **child, mproc_event_t *go, apr_pool_t *pool)
{
    mproc_value_t *value;
    mproc_event_t *ready;
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(
                                    &value, sizeof(mproc__peer_t), NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    START(*child, tell_peer, pool, "ooo", value, ready, go);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    return *(mproc__peer_t *)mproc_value_data(value);
}

/* A peer's id is its own, is dead when it ended, and never comes again. */
static void
an_id_is_used_once(apr_pool_t *pool)
{
    mproc__peer_t seen[5];
    mproc_process_t *child;
    mproc_event_t *go;
    int i, k;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    CHECK_INT(0, mproc__peer_is_dead(mproc__peer_self()));
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(go));
        seen[i] = start_peer(&child, go, pool);
        CHECK(seen[i] != 0 && seen[i] != mproc__peer_self());
        CHECK_INT(0, mproc__peer_is_dead(seen[i]));
        for (k = 0; k < i; k++) {
            CHECK(seen[k] != seen[i]);
            CHECK_INT(1, mproc__peer_is_dead(seen[k]));
        }
        CHECK_STATUS(APR_SUCCESS, mproc_event_set(go));
        JOIN(child, 0);
        CHECK_INT(1, mproc__peer_is_dead(seen[i]));
    }
}

/* Nobody tells of its end: who asks finds out, and repairs. */
static void
who_asks_finds_the_dead(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *go;
    mproc_census_t before, after;
    mproc__peer_t peer;
    apr_time_t deadline = mproc_clock() + test_deadline();
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    start_server(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    peer = start_peer(&child, go, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.peers + 1, after.peers);
    CHECK(after.threads > before.threads);
    test_kill(mproc_process_pid(child));
    while (!mproc__peer_is_dead(peer) && mproc_clock() < deadline) {
        apr_thread_yield();
    }
    CHECK_INT(1, mproc__peer_is_dead(peer));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.peers, after.peers);
    CHECK_INT(before.threads, after.threads);
    REQUIRE_STATUS(APR_SUCCESS, mproc_process_join(child, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_close(child));
}

/* A stopped process is slow, not dead. */
static void
slow_is_not_dead(apr_pool_t *pool)
{
    mproc_process_t *child;
    mproc_event_t *go;
    mproc__peer_t peer;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&go, pool));
    peer = start_peer(&child, go, pool);
    test_stop(mproc_process_pid(child));
    CHECK_INT(0, mproc__peer_is_dead(peer));
    mproc__peers_look_around();
    CHECK_INT(0, mproc__peer_is_dead(peer));
    test_continue(mproc_process_pid(child));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(go));
    JOIN(child, 0);
}

/* Holds beyond one block of the list come and go. */
static void
holds_are_as_many_as_needed(apr_pool_t *pool)
{
    enum {
        MANY = 3000
    };
    mproc__hold_t **hold = apr_palloc(pool, MANY * sizeof *hold);
    int i, k, same = 0;
    for (i = 0; i < MANY; i++) {
        hold[i] = mproc__hold_new();
        REQUIRE(hold[i] != NULL);
        CHECK_INT(0, mproc__hold_handle(hold[i]));
    }
    for (i = 0; i < MANY; i += 100) {
        for (k = 0; k < MANY; k++) {
            same += k != i && hold[i] == hold[k];
        }
    }
    CHECK_INT(0, same);
    for (i = 0; i < MANY; i++) {
        mproc__hold_free(hold[i]);
    }
}

static const test_case_t cases[] = {
    {"an_id_is_used_once", an_id_is_used_once},
    {"who_asks_finds_the_dead", who_asks_finds_the_dead},
    {"slow_is_not_dead", slow_is_not_dead},
    {"holds_are_as_many_as_needed", holds_are_as_many_as_needed},
    {NULL, NULL}};

const test_suite_t suite_peers = {"peers", 1, cases};
