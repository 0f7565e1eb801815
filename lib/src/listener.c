/*
 * listener.c: who accepts clients.
 *
 * All handshakes that are under way go on inside accept, each as far as bytes
 * have come, so that no client waits for another. The first to be done is
 * given out. There is a place for PENDING_MOST of them: when all are taken
 * and none is done, or the system has no descriptor for another, the eldest
 * has to go as soon as it is PATIENCE old.
 *
 * One thread at a time accepts: a mutex in the listener's block. The list of
 * handles is guarded besides, for mproc_wait() looks at it, and arms what it
 * sees (netwatch.h) in one with the look: no handle is armed after it was
 * closed. Who accepts and adds to the list wakes those who wait with an older
 * one.
 */
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "connection.h"
#include "error.h"
#include "mutex.h"
#include "netwatch.h"
#include "notifier.h"
#include "parking.h"
#include "uses.h"
#include "wait.h"

#define PENDING_MOST 128
#define PATIENCE (1000 * 1000)

/* A client whose handshake is under way. */
typedef struct pending_t {
    mproc__socket_t *socket;
    apr_time_t since;
    atomic_int sends; /* it waits for nothing from the client: for room to send,
                         or to be given out or told of */
    mproc__auth_t auth;
    char peer[MPROC_PLAT_NET_TEXT];
} pending_t;

typedef struct listener_shared_t {
    mproc__folder_t folder; /* first */
    mproc__mutex_t turn;
    _Atomic apr_uint64_t word; /* mproc_wait() sleeps on it */
} listener_shared_t;

struct mproc_listener_t {
    mproc_object_t object;
    mproc__uses_t uses;
    apr_pool_t *own;
    apr_int64_t creator; /* the process */
    mproc__net_t net;
    mproc__net_place_t place;
    atomic_flag busy; /* guards: */
    pending_t *pending[PENDING_MOST];
    int count;
    int grown; /* since those who wait were told */
};

static listener_shared_t *
shared_of(mproc_listener_t *listener)
{
    return listener->object.shared;
}

static void
guard(mproc_listener_t *listener)
{
    while (atomic_flag_test_and_set_explicit(&listener->busy,
                                             memory_order_acquire)) {
        mproc_plat_yield();
    }
}

static void
unguard(mproc_listener_t *listener)
{
    atomic_flag_clear_explicit(&listener->busy, memory_order_release);
}

/* ------------------------------------------------------------- the clients */

static apr_status_t
pending_shake(pending_t *client)
{
    apr_status_t rv = mproc__net_shake(client->socket, &client->auth);

    atomic_store(&client->sends,
                 rv != APR_EAGAIN || mproc__socket_lacks_room(
                                         client->socket, client->auth.want ==
                                                             MPROC__AUTH_SEND));
    return rv;
}

/* It is challenged at once: who waits for the listener waits for the answer,
 * also when this accept is to give out another one. */
static apr_status_t
pending_add(mproc_listener_t *listener, mproc__socket_t *socket,
            const char *peer)
{
    pending_t *client = calloc(1, sizeof *client);
    apr_status_t rv;

    if (client == NULL) {
        mproc__socket_close(socket);
        return mproc__fail(APR_ENOMEM, "mproc_listener_accept: no memory for "
                                       "a client, who is sent away");
    }
    client->socket = socket;
    client->since = mproc_plat_clock();
    apr_cpystrn(client->peer, peer, sizeof client->peer);
    rv = mproc__net_begin(&listener->net, socket, 0, &client->auth);
    if (rv != APR_SUCCESS) {
        mproc__socket_close(socket);
        free(client);
        return mproc__fail(rv, "mproc_listener_accept: no memory for TLS with "
                               "a client, who is sent away");
    }
    (void)pending_shake(client); /* What is said now is said again. */
    guard(listener);
    listener->pending[listener->count++] = client;
    listener->grown = 1;
    unguard(listener);
    return APR_SUCCESS;
}

/* Take it out of the list; in order, so that the eldest is the first. */
static pending_t *
pending_take(mproc_listener_t *listener, int index)
{
    pending_t *client = listener->pending[index];

    guard(listener);
    listener->count--;
    memmove(&listener->pending[index], &listener->pending[index + 1],
            (size_t)(listener->count - index) * sizeof listener->pending[0]);
    unguard(listener);
    mproc__netwatch_disarm(client->socket->handle);
    return client;
}

static void
pending_drop(mproc_listener_t *listener, int index)
{
    pending_t *client = pending_take(listener, index);

    mproc__socket_close(client->socket);
    free(client);
}

/* A client has proved it, or need not. */
static apr_status_t
client_give(mproc_listener_t *listener, mproc__socket_t *socket,
            const char *peer, mproc_connection_t **connection, apr_pool_t *pool)
{
    const char *text = listener->place.text;
    char with[MPROC_PLAT_NET_TEXT + 4] = "tcp:";

    if (peer[0] != '\0') {
        apr_cpystrn(with + 4, peer, sizeof with - 4);
        text = with;
    }
    return mproc__connection_of(connection, socket, text,
                                listener->net.options.max_message, pool);
}

/* Go on with all. APR_SUCCESS, one is given; APR_EAGAIN, none is done. */
static apr_status_t
pending_run(mproc_listener_t *listener, mproc_connection_t **connection,
            apr_pool_t *pool)
{
    apr_time_t now = mproc_plat_clock();
    int i = 0;

    while (i < listener->count) {
        pending_t *client = listener->pending[i];
        apr_status_t rv = pending_shake(client);
        if (rv == APR_SUCCESS) {
            client = pending_take(listener, i);
            rv = client_give(listener, client->socket, client->peer, connection,
                             pool);
            free(client);
            return rv;
        }
        if (rv == MPROC_EAUTH) {
            rv = mproc__fail(rv,
                             "mproc_listener_accept: a client%s%s was refused: "
                             "%s; accept again",
                             client->peer[0] != '\0' ? " at " : "",
                             client->peer, client->auth.why);
            pending_drop(listener, i);
            return rv;
        }
        if (rv != APR_EAGAIN ||
            now - client->since >= listener->net.options.handshake_timeout) {
            pending_drop(listener, i);
            continue;
        }
        i++;
    }
    return APR_EAGAIN;
}

/* ------------------------------------------------------------------ accept */

/* Have the eldest go, if it has had time enough. Returns whether it went. */
static int
eldest_drop(mproc_listener_t *listener)
{
    if (listener->count == 0 ||
        mproc_plat_clock() - listener->pending[0]->since < PATIENCE) {
        return 0;
    }
    pending_drop(listener, 0);
    return 1;
}

static int
is_full(mproc_listener_t *listener)
{
    return listener->count == PENDING_MOST && !eldest_drop(listener);
}

/* Take all clients that there are. APR_SUCCESS, one is given, who need not
 * prove anything; APR_EAGAIN. */
static apr_status_t
clients_take(mproc_listener_t *listener, mproc_connection_t **connection,
             apr_pool_t *pool)
{
    char peer[MPROC_PLAT_NET_TEXT], text[120];
    mproc__socket_t *socket;
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && !is_full(listener)) {
        rv = mproc__socket_accept(&socket, listener->place.socket, peer);
        if (rv == APR_EAGAIN) {
            return rv;
        }
        if (rv != APR_SUCCESS && eldest_drop(listener)) {
            rv = APR_SUCCESS; /* Its descriptor may be what was wanted. */
            continue;
        }
        if (rv != APR_SUCCESS) {
            return mproc__fail(rv, "mproc_listener_accept: %s: %s",
                               listener->place.text,
                               apr_strerror(rv, text, sizeof text));
        }
        if (listener->net.options.authkey.size == 0 &&
            listener->net.tls == NULL) {
            return client_give(listener, socket, peer, connection, pool);
        }
        rv = pending_add(listener, socket, peer);
    }
    return rv == APR_SUCCESS ? APR_EAGAIN : rv;
}

static apr_status_t
clients_wait(mproc_listener_t *listener, apr_time_t deadline)
{
    mproc_plat_net_item_t items[PENDING_MOST + 1];
    int i;

    if (mproc_plat_clock() >= deadline) {
        return APR_TIMEUP;
    }
    for (i = 0; i < listener->count; i++) {
        items[i].handle = listener->pending[i]->socket->handle;
        items[i].send = atomic_load(&listener->pending[i]->sends);
    }
    items[i].handle =
        listener->count == PENDING_MOST ? -1 : listener->place.socket->handle;
    items[i].send = 0;
    mproc__netwatch_step(items, i + 1, deadline);
    return APR_EAGAIN;
}

static apr_status_t
listener_run(mproc_listener_t *listener, mproc_connection_t **connection,
             apr_time_t deadline, apr_pool_t *pool)
{
    apr_status_t rv = APR_EAGAIN, taken;

    while (rv == APR_EAGAIN) {
        taken = clients_take(listener, connection, pool);
        /* To be closed is seen as a failure of taking, or as a client. */
        if (atomic_load(&listener->uses.closed)) {
            mproc_connection_destroy(*connection);
            *connection = NULL;
            return MPROC_ECLOSED;
        }
        if (taken == APR_SUCCESS) {
            return taken;
        }
        /* Also when no more can be taken: those who are done are let in. */
        rv = pending_run(listener, connection, pool);
        if (rv == APR_EAGAIN) {
            rv = taken == APR_EAGAIN ? clients_wait(listener, deadline) : taken;
        }
    }
    return rv;
}

/* The turn is the caller's. Who waits for the listener knows nothing of who
 * has just begun. */
static void
listener_done(mproc_listener_t *listener)
{
    int grown;

    guard(listener);
    grown = listener->grown;
    listener->grown = 0;
    unguard(listener);
    (void)mproc__mutex_release(&shared_of(listener)->turn);
    if (grown) {
        mproc__unpark((void *)&shared_of(listener)->word, MPROC__ALL);
    }
}

/* ----------------------------------------------------------- coming, going */

/* The listener's handle and those of clients; the path is for the creator. It
 * goes first: with the handle closed, another may have taken it over.
 */
static void
listener_end(mproc_listener_t *listener)
{
    while (listener->count > 0) {
        pending_drop(listener, listener->count - 1);
    }
    if (listener->creator == mproc_plat_pid()) {
        mproc__place_remove(&listener->place, listener->own);
    }
    mproc__socket_close(listener->place.socket);
}

static void
listener_leave(mproc_listener_t *listener)
{
    if (mproc__uses_leave(&listener->uses)) {
        listener_end(listener);
        mproc__object_let_go(&listener->object);
    }
}

/* 0 when it is closed. */
static int
listener_enter(mproc_listener_t *listener)
{
    atomic_fetch_add(&listener->uses.users, 1);
    if (atomic_load(&listener->uses.closed)) {
        listener_leave(listener);
        return 0;
    }
    return 1;
}

static void
listener_closing(mproc_object_t *object)
{
    mproc_listener_t *listener = (mproc_listener_t *)object;

    if (listener->own != NULL) {
        if (listener->creator != mproc_plat_pid()) {
            atomic_flag_clear(&listener->busy); /* A copy's threads are gone. */
        }
        if (mproc__uses_end(&listener->uses)) {
            listener_end(listener);
        }
        apr_pool_destroy(listener->own);
        listener->own = NULL;
    }
}

static void
listener_disown(mproc_object_t *object)
{
    mproc_listener_t *listener = (mproc_listener_t *)object;

    /* Nothing is freed: its parent's threads may have been at it. */
    atomic_store(&listener->uses.closed, 1);
    atomic_store(&listener->uses.ended, 1);
    mproc__object_let_go(object);
}

static const mproc__object_ops_t listener_ops = {
    .kind = MPROC_KIND_LISTENER,
    .local_size = sizeof(struct mproc_listener_t),
    .closing = listener_closing,
    .disown = listener_disown,
    .stays = "is a listener, which stays in its process"};

static apr_status_t
listener_check(mproc_listener_t *listener, const char *call)
{
    return mproc__object_is(listener, &listener_ops)
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL,
                             "%s: what was passed is NULL, destroyed, or no "
                             "listener; pass one made by "
                             "mproc_listener_create()",
                             call);
}

static apr_status_t
listener_closed(const char *call)
{
    return mproc__fail(MPROC_ECLOSED, "%s: the listener is closed", call);
}

/* --------------------------------------------------------------- the calls */

apr_status_t
mproc_listener_create(mproc_listener_t **listener, const char *address,
                      const mproc_net_options_t *options, apr_pool_t *pool)
{
    const char *call = "mproc_listener_create";
    mproc__net_place_t place = {.socket = NULL};
    mproc__net_t net;
    apr_pool_t *own;
    apr_status_t rv;

    if (listener == NULL) {
        return mproc__fail(APR_EINVAL, "%s: where the listener goes is NULL",
                           call);
    }
    *listener = NULL;
    rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__object_create(listener, &listener_ops,
                              sizeof(listener_shared_t), pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__place_open(&place, &shared_of(*listener)->folder, address,
                               options, &net, call, own);
        if (rv != APR_SUCCESS) {
            mproc__object_close(*listener);
            *listener = NULL;
        }
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(own);
        return rv;
    }
    (*listener)->net = net;
    (*listener)->place = place;
    (*listener)->creator = mproc_plat_pid();
    atomic_flag_clear(&(*listener)->busy);
    (*listener)->own = own; /* From here on there is something to close. */
    return APR_SUCCESS;
}

apr_status_t
mproc_listener_accept(mproc_listener_t *listener,
                      mproc_connection_t **connection,
                      apr_interval_time_t timeout, apr_pool_t *pool)
{
    const char *call = "mproc_listener_accept";
    apr_time_t deadline = mproc__deadline(timeout);
    mproc__mutex_use_t use = {.call = call};
    apr_status_t rv = listener_check(listener, call);

    if (connection == NULL) {
        return mproc__fail(APR_EINVAL, "%s: where the connection goes is NULL",
                           call);
    }
    *connection = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!listener_enter(listener)) {
        return listener_closed(call);
    }
    use.word = &shared_of(listener)->turn;
    use.object = &listener->object;
    rv = mproc__actor() == 0 ? mproc__wait_refused(call)
                             : mproc__mutex_acquire(&use, deadline, 0);
    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        rv = listener_run(listener, connection, deadline, pool);
        listener_done(listener);
    }
    listener_leave(listener);
    mproc__notifier_look(&listener->object.notifier);
    return rv == APR_TIMEUP
               ? mproc__fail(rv,
                             "%s: no client came, or none has proved in time "
                             "that it has the key",
                             call)
           : rv == MPROC_ECLOSED ? listener_closed(call)
                                 : rv;
}

const char *
mproc_listener_address(mproc_listener_t *listener)
{
    return listener_check(listener, "mproc_listener_address") == APR_SUCCESS
               ? listener->place.text
               : NULL;
}

apr_status_t
mproc_listener_close(mproc_listener_t *listener)
{
    apr_status_t rv = listener_check(listener, "mproc_listener_close");

    if (rv == APR_SUCCESS && listener_enter(listener)) {
        if (!atomic_exchange(&listener->uses.closed, 1)) {
            mproc__unpark((void *)&shared_of(listener)->word, MPROC__ALL);
            if (atomic_load(&listener->uses.users) > 1 &&
                listener->creator == mproc_plat_pid()) {
                mproc_plat_net_end(listener->place.socket->handle);
            }
        }
        listener_leave(listener);
    }
    return rv;
}

void
mproc_listener_destroy(mproc_listener_t *listener)
{
    mproc__object_close(listener);
}

/* ----------------------------------------------------------------- waiting */

/* The handles that an accept would look at; guarded. Another client can do
 * nothing while there is no place for it: that its time comes is seen by the
 * look that a waiter takes now and then. */
static int
handles_list(mproc_listener_t *listener,
             mproc_plat_net_item_t items[PENDING_MOST + 1])
{
    int count = listener->count, i;

    for (i = 0; i < count; i++) {
        items[i].handle = listener->pending[i]->socket->handle;
        items[i].send = atomic_load(&listener->pending[i]->sends);
    }
    items[count].handle = listener->place.socket->handle;
    items[count].send = 0;
    return count < PENDING_MOST ||
                   mproc_plat_clock() - listener->pending[0]->since >= PATIENCE
               ? count + 1
               : count;
}

static int
listener_is_idle(void *baton)
{
    mproc_plat_net_item_t items[PENDING_MOST + 1];
    mproc_listener_t *listener = baton;
    int idle;

    if (!listener_enter(listener)) {
        return 0;
    }
    guard(listener);
    idle = mproc_plat_net_wait(items, handles_list(listener, items), 0) !=
           APR_SUCCESS;
    unguard(listener);
    listener_leave(listener);
    return idle;
}

static int
listener_must_sleep(void *baton)
{
    mproc_plat_net_item_t items[PENDING_MOST + 1];
    mproc_listener_t *listener = baton;
    int count;

    if (!listener_enter(listener)) {
        return 0;
    }
    guard(listener);
    count = handles_list(listener, items);
    while (count-- > 0) {
        mproc__netwatch_arm(items[count].handle,
                            (void *)&shared_of(listener)->word);
    }
    unguard(listener);
    listener_leave(listener);
    return listener_is_idle(listener);
}

apr_status_t
mproc__listener_source(mproc_listener_t *listener, mproc__source_t *source)
{
    apr_status_t rv = listener_check(listener, source->call);

    if (rv == APR_SUCCESS && atomic_load(&listener->uses.closed)) {
        rv = listener_closed(source->call);
    }
    if (rv == APR_SUCCESS) {
        source->word = (void *)&shared_of(listener)->word;
        source->needed = listener_is_idle;
        source->must_sleep = listener_must_sleep;
        source->baton = listener;
        source->sleeper = listener;
        source->place = &listener->object.notifier;
        source->dear = 1;
    }
    return rv;
}
