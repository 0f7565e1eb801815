/*
 * manager_loop.c: a manager's server.
 *
 * One thread does all: it waits for whatever connection has something to say,
 * and never for one of them. What came of a message stays in the connection's
 * stream until the rest comes; what the other side does not receive stays in
 * its `out`, and nothing more is read from it meanwhile: so one that is slow,
 * or floods, costs the memory of one request and one reply.
 *
 * A call that must wait is entered at its object's place, and is run again,
 * those that came first before the others, whenever the object has changed; of
 * calls of one method none is passed over. A method changes something only when
 * it does not say that it waits. Invariant: between two turns of the loop no
 * call waits that could go on.
 *
 * A client is gone when its last connection has ended. Its calls leave their
 * places; then what it owns (locks, permits) goes on to the next, as from the
 * dead; then its references go. An object lives while a client, a name, or a
 * value in another object refers to it, by a hold (arena.h).
 *
 * Connections are ended at one point of the loop only, so that whoever walks
 * over them, or over calls, finds them all there.
 */
#include "manager_hub.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"

#define TICK ((apr_interval_time_t)1000 * 1000)
#define LEASE ((apr_interval_time_t)30 * 1000 * 1000)
#define CLIENTS_MOST 10000

/* ---------------------------------------------------------------- the loop */

/* Those that do not prove themselves in time. */
static void
silent_end(mproc__hub_t *server, apr_time_t now)
{
    mproc__conn_t *conn;

    for (conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->state < MPROC__CONN_OPEN &&
            now - conn->since > server->net.options.handshake_timeout) {
            mproc__conn_bad(conn);
        }
    }
}

static void
bell_empty(mproc__hub_t *server)
{
    char bytes[64];
    apr_size_t size = sizeof bytes;

    while (mproc_plat_net_recv(server->bell[0]->handle, bytes, &size) ==
               APR_SUCCESS &&
           size > 0) {
        size = sizeof bytes;
    }
}

void
mproc__hub_ring(mproc__hub_t *server)
{
    apr_size_t sent;

    (void)mproc_plat_net_send(server->bell[1]->handle, "", 1, NULL, 0, &sent);
}

static apr_status_t
ready_wait(mproc__hub_t *server, apr_time_t deadline)
{
    server->ready_count = MPROC__READY_MOST;
    return mproc_plat_netset_wait(server->set, server->ready,
                                  &server->ready_count, deadline);
}

static int
loop_is_idle(void *baton)
{
    mproc__hub_t *server = baton;

    return server->ready_count == 0 && ready_wait(server, 0) != APR_SUCCESS;
}

static void
ready_run(mproc__hub_t *server)
{
    int i;

    for (i = 0; i < server->ready_count; i++) {
        if (server->ready[i] == &server->listens) {
            mproc__conns_accept(server);
        }
        else if (server->ready[i] == &server->rings) {
            bell_empty(server);
            mproc__served_types_rung(server);
            mproc__served_pools_rung(server);
            mproc__calls_retry(server); /* before anybody who comes now */
        }
        else {
            mproc__conn_turn(server->ready[i]);
        }
    }
    server->ready_count = 0;
}

static void
again_run(mproc__hub_t *server)
{
    mproc__conn_t *conn = server->again, *next;

    server->again = NULL;
    for (; conn != NULL; conn = next) {
        next = conn->again_next;
        conn->again = 0;
        if (conn->state != MPROC__CONN_BAD) {
            mproc__conn_turn(conn);
        }
    }
}

static void
server_turn(mproc__hub_t *server, apr_time_t deadline)
{
    apr_time_t now, until = deadline;

    if (server->soonest < until) {
        until = server->soonest;
    }
    if (server->tick < until) {
        until = server->tick;
    }
    if (server->again != NULL) {
        until = 0;
    }
    server->ready_count = 0;
    if (until != 0) {
        (void)mproc__spin_dear(loop_is_idle, server, 1);
    }
    if (server->ready_count == 0 && ready_wait(server, until) != APR_SUCCESS) {
        server->ready_count = 0;
    }
    ready_run(server);
    again_run(server);
    mproc__conns_end_bad(server);
    now = mproc_plat_clock();
    if (now >= server->soonest) {
        mproc__calls_late(server, now);
        mproc__calls_retry(server);
    }
    if (now >= server->tick) {
        server->tick = now + TICK;
        silent_end(server, now);
        mproc__served_types_tidy(server);
        mproc__serve_queues_tidy(server);
        mproc__served_pools_tidy(server);
    }
}

apr_status_t
mproc__hub_run(mproc__hub_t *server, apr_time_t deadline)
{
    while (!atomic_load(&server->stopping) && !server->stop_asked) {
        if (mproc_plat_clock() >= deadline) {
            return APR_TIMEUP;
        }
        server_turn(server, deadline);
    }
    again_run(server); /* once: somebody may never stop asking */
    return APR_SUCCESS;
}

void
mproc__hub_stop(mproc__hub_t *server)
{
    atomic_store(&server->stopping, 1);
    mproc__hub_ring(server);
}

/* ---------------------------------------------------- creating, destroying */

const char *
mproc__hub_address(mproc__hub_t *server)
{
    return server->at.text;
}

apr_hash_t *
mproc__hub_types(mproc__hub_t *server)
{
    return server->types;
}

/* Where the folder of its socket is noted, as of any listener: so that it goes
 * with a server that was killed. */
static apr_status_t
folder_begin(mproc__hub_t *server)
{
    server->folder = mproc__hold_new();
    return server->folder == NULL
               ? mproc__fail(APR_ENOMEM, "no shared memory for a server")
               : mproc__arena_alloc(server->folder, sizeof(mproc__folder_t),
                                    MPROC_KIND_LISTENER);
}

static void
folder_end(mproc__hub_t *server)
{
    if (server->folder != NULL) {
        mproc__arena_release(server->folder);
        mproc__hold_free(server->folder);
        server->folder = NULL;
    }
}

apr_status_t
mproc__hub_create(mproc__hub_t **server, const mproc_manager_options_t *options,
                  const char *call, apr_pool_t *pool)
{
    mproc__hub_t *made = apr_pcalloc(pool, sizeof *made);
    apr_status_t rv;

    *server = NULL;
    made->pool = pool;
    made->lease = options->lease > 0 ? options->lease : LEASE;
    made->conns_most =
        options->max_clients > 0 ? options->max_clients : CLIENTS_MOST;
    made->soonest = MPROC_PLAT_NEVER;
    made->places = apr_hash_make(pool);
    made->names = apr_hash_make(pool);
    made->types = apr_hash_make(pool);
    made->taken = apr_hash_make(pool);
    rv = apr_pool_create_unmanaged_ex(&made->scratch, NULL, NULL);
    if (rv == APR_SUCCESS) {
        rv = mproc_plat_netset_create(&made->set, made->conns_most + 2, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__socket_pair(made->bell);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: no memory, or no descriptors, for a server",
                           call);
    }
    rv = folder_begin(made);
    if (rv == APR_SUCCESS) {
        rv = mproc__place_open(
            &made->at, mproc__arena_at(mproc__hold_handle(made->folder)),
            options->address, &options->net, &made->net, call, pool);
    }
    if (rv != APR_SUCCESS) {
        mproc__socket_close(made->bell[0]);
        mproc__socket_close(made->bell[1]);
        folder_end(made);
        apr_pool_destroy(made->scratch);
        return rv;
    }
    made->listens.handle = made->at.socket->handle;
    made->listens.baton = &made->listens;
    made->rings.handle = made->bell[0]->handle;
    made->rings.baton = &made->rings;
    rv = mproc_plat_netset_enter(made->set, &made->listens, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc_plat_netset_enter(made->set, &made->rings, 0);
    }
    *server = made;
    if (rv != APR_SUCCESS) {
        mproc__hub_destroy(made);
        *server = NULL;
        return mproc__fail(rv, "%s: the system has no room for a server", call);
    }
    return APR_SUCCESS;
}

static void
conns_end(mproc__hub_t *server)
{
    mproc__conn_t *conn;

    while (server->conns != NULL) {
        server->again = NULL;
        for (conn = server->conns; conn != NULL; conn = conn->next) {
            conn->again = 0;
            mproc__conn_bad(conn);
        }
        mproc__conns_end_bad(server);
    }
}

void
mproc__hub_close(mproc__hub_t *server)
{
    if (atomic_exchange(&server->ended, 1)) {
        return;
    }
    mproc_plat_netset_leave(server->set, &server->listens);
    mproc__place_remove(&server->at, server->pool);
    mproc__socket_close(server->at.socket);
    folder_end(server);
    server->conns_most = 0;
    conns_end(server);
    mproc__served_names_end(server);
    mproc__served_types_end(server);
    mproc__serve_queues_end(server);
    mproc__served_pools_end(server);
}

void
mproc__hub_destroy(mproc__hub_t *server)
{
    mproc__hub_close(server);
    mproc_plat_netset_leave(server->set, &server->rings);
    mproc__socket_close(server->bell[0]);
    mproc__socket_close(server->bell[1]);
    free(server->changed);
    free(server->result.data);
    apr_pool_destroy(server->scratch);
}
