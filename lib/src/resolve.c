/*
 * resolve.c: the addresses of a host, by a deadline.
 *
 * The system's resolver cannot be told when to give up. So a thread asks it,
 * and who wants to know waits for that thread as long as there is time. What
 * they share goes with the last of the two; a thread that nobody waits for any
 * more ends by itself. Its pool is nobody's child: the program may have shut
 * APR down before.
 *
 * In a child that was forked while another thread was asking, the resolver may
 * wait for that thread, for ever. So nobody is asked for numbers; and for a
 * name only as long as there is time.
 */
#include "resolve.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../platform/plat_sys.h"
#include "peers.h"
#include "sockets.h"

typedef struct ask_t {
    atomic_int owners;
    apr_pool_t *pool;
    mproc__socket_t *bell[2]; /* rung when it is done */
    atomic_int done; /* status and found are set; released by the thread,
                        acquired by who waits */
    apr_status_t status;
    apr_sockaddr_t *found;
    apr_port_t port;
    char host[]; /* NUL-terminated */
} ask_t;

/* The family of what is no name: digits and dots, or a colon. */
static int
host_family(const char *host)
{
    return strchr(host, ':') != NULL                   ? APR_INET6
           : host[strspn(host, "0123456789.")] == '\0' ? APR_INET
                                                       : APR_UNSPEC;
}

/* With a family it does not look which ones this machine has, for which it
 * takes a lock. */
static apr_status_t
resolver_ask(apr_sockaddr_t **found, const char *host, apr_port_t port,
             apr_pool_t *pool)
{
    return apr_sockaddr_info_get(found, host, host_family(host), port, 0, pool);
}

apr_status_t (*mproc__resolver)(apr_sockaddr_t **found, const char *host,
                                apr_port_t port,
                                apr_pool_t *pool) = resolver_ask;

static void
ask_leave(ask_t *ask)
{
    if (atomic_fetch_sub(&ask->owners, 1) == 1) {
        mproc__socket_close(ask->bell[0]);
        mproc__socket_close(ask->bell[1]);
        apr_pool_destroy(ask->pool);
        free(ask);
    }
}

static void
ask_run(void *baton)
{
    ask_t *ask = baton;
    apr_size_t sent;

    ask->status = mproc__resolver(&ask->found, ask->host, ask->port, ask->pool);
    atomic_store_explicit(&ask->done, 1, memory_order_release);
    (void)mproc_plat_net_send(ask->bell[1]->handle, "", 1, NULL, 0, &sent);
    ask_leave(ask);
    atomic_fetch_sub(&mproc__own_threads, 1);
}

static ask_t *
ask_make(const char *host, apr_port_t port)
{
    size_t size = strlen(host) + 1;
    ask_t *ask = calloc(1, sizeof *ask + size);

    if (ask == NULL) {
        return NULL;
    }
    if (apr_pool_create_unmanaged_ex(&ask->pool, NULL, NULL) != APR_SUCCESS) {
        free(ask);
        return NULL;
    }
    atomic_init(&ask->owners, 1);
    ask->port = port;
    memcpy(ask->host, host, size);
    if (mproc__socket_pair(ask->bell) != APR_SUCCESS) {
        ask_leave(ask);
        return NULL;
    }
    return ask;
}

/* 0 when there can be no thread. */
static int
ask_start(ask_t *ask)
{
    atomic_fetch_add(&ask->owners, 1);
    atomic_fetch_add(&mproc__own_threads, 1);
    if (mproc_plat_thread_start(ask_run, ask) != APR_SUCCESS) {
        atomic_fetch_sub(&mproc__own_threads, 1);
        atomic_fetch_sub(&ask->owners, 1);
        return 0;
    }
    return 1;
}

apr_status_t
mproc__resolve(apr_sockaddr_t **found, const char *host, apr_port_t port,
               apr_time_t deadline, apr_pool_t *pool)
{
    mproc_plat_net_item_t bell = {-1, 0, 0};
    ask_t *ask = NULL;
    apr_status_t rv;

    if (host_family(host) == APR_UNSPEC) {
        ask = ask_make(host, port);
    }
    if (ask == NULL || !ask_start(ask)) {
        if (ask != NULL) {
            ask_leave(ask);
        }
        return mproc__resolver(found, host, port, pool);
    }
    bell.handle = ask->bell[0]->handle;
    rv = mproc_plat_net_wait(&bell, 1, deadline);
    if (atomic_load_explicit(&ask->done, memory_order_acquire)) {
        rv = ask->status;
    }
    if (rv == APR_SUCCESS) {
        rv = apr_sockaddr_info_copy(found, ask->found, pool);
    }
    ask_leave(ask);
    return rv;
}
