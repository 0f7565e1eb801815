/*
 * manager_conn.c: the connections of a manager's server: bytes in and out,
 * coming and going.
 */
#include "manager_hub.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"

#define TURNS 32 /* requests of one connection before another's */

/* It is ended when nobody walks over it. */
void
mproc__conn_bad(mproc__conn_t *conn)
{
    conn->state = MPROC__CONN_BAD;
    conn->server->any_bad = 1;
}

void
mproc__conn_again(mproc__conn_t *conn)
{
    if (!conn->again) {
        conn->again = 1;
        conn->again_next = conn->server->again;
        conn->server->again = conn;
    }
}

/* Send what there is; 1: all is sent. */
static int
conn_flush(mproc__conn_t *conn)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t sent, part;

    while (rv == APR_SUCCESS && conn->out_at < conn->out.size) {
        const unsigned char *at = conn->out.data + conn->out_at;
        apr_uint64_t size;
        part = conn->out.size - conn->out_at;
        if (conn->stream.whole) {
            (void)mproc__frame_read(at, &size);
            part = mproc__frame_length(at, part) + (apr_size_t)size;
        }
        rv = mproc__socket_send(conn->socket, at, part, NULL, 0, &sent);
        conn->out_at += rv == APR_SUCCESS ? sent : 0;
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__socket_flush(conn->socket);
    }
    if (rv == APR_SUCCESS) {
        conn->out_at = 0;
        mproc__buffer_empty(&conn->out);
        return 1;
    }
    if (rv != APR_EAGAIN) {
        mproc__conn_bad(conn);
    }
    return 0;
}

/* A reply: status, sentence, what came of it. */
apr_status_t
mproc__conn_say(mproc__conn_t *conn, apr_status_t status, const char *sentence,
                const mproc__buffer_t *result)
{
    apr_size_t said = status == APR_SUCCESS ? 0 : strlen(sentence);
    apr_size_t size = MPROC__REPLY_HEAD + said + result->size;
    unsigned char head[MPROC__FRAME_LONG];
    apr_size_t head_size = mproc__frame_write(head, size);
    unsigned char *at = mproc__buffer_add(&conn->out, NULL, head_size + size);

    if (at == NULL) {
        return APR_ENOMEM;
    }
    memcpy(at, head, head_size);
    at += head_size;
    mproc__low_first(at, (apr_uint64_t)status, 4);
    mproc__low_first(at + 4, said, 4);
    memcpy(at + MPROC__REPLY_HEAD, sentence, said);
    if (result->size > 0) {
        memcpy(at + MPROC__REPLY_HEAD + said, result->data, result->size);
    }
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- turns */

/* 0: it is not as it should be. Who says that it was here before must be
 * known: what it had went when it was thought to be gone. */
static int
conn_greet(mproc__conn_t *conn)
{
    const unsigned char *hello = conn->stream.body;
    mproc__hub_t *server = conn->server;
    unsigned char head[MPROC__FRAME_LONG];
    int before;

    if (conn->stream.got != MPROC__HELLO_SIZE ||
        mproc__from_low(hello, 4) != MPROC__MANAGER_MAGIC) {
        return 0;
    }
    before = mproc__from_low(hello + 8, 4) != 0;
    conn->client = mproc__client_by_token(server, hello + 12);
    if ((conn->client != NULL) != before) {
        conn->client = NULL;
        return 0;
    }
    if (conn->client == NULL) {
        conn->client = mproc__client_make(server, hello + 12);
        if (conn->client == NULL) {
            return 0;
        }
    }
    conn->sibling = conn->client->conns;
    conn->client->conns = conn;
    if (mproc__buffer_add(&conn->out, head,
                          mproc__frame_write(head, MPROC__HELLO_SIZE)) ==
            NULL ||
        mproc__buffer_add(&conn->out, hello, MPROC__HELLO_SIZE) == NULL) {
        return 0;
    }
    mproc__low_first(conn->out.data + conn->out.size - MPROC__HELLO_SIZE + 4,
                     MPROC__MANAGER_VERSION, 4);
    mproc__stream_taken(&conn->stream);
    conn->state = MPROC__CONN_OPEN;
    return 1;
}

/* Whoever has a call that waits says nothing meanwhile. */
static void
conn_watch(mproc__conn_t *conn)
{
    char byte;
    apr_size_t size = 1;

    if (conn->stream.ahead_left > 0 ||
        mproc__socket_recv(conn->socket, &byte, &size) != APR_EAGAIN) {
        mproc__conn_bad(conn);
    }
}

/* A whole message, in the stream: 1; 0, not yet. */
static int
conn_recv(mproc__conn_t *conn)
{
    apr_uint64_t limit = conn->state == MPROC__CONN_OPEN
                             ? conn->server->net.options.max_message
                             : MPROC__HELLO_SIZE;
    apr_uint64_t size;
    apr_status_t rv = mproc__stream_head(&conn->stream, limit, &size, 0);

    if (rv == APR_SUCCESS) {
        rv = mproc__stream_body(&conn->stream, 0);
    }
    if (rv == MPROC_ETOOBIG && conn->state == MPROC__CONN_OPEN) {
        mproc__buffer_t none = {NULL, 0, 0};
        rv = mproc__conn_say(
                 conn, rv,
                 "the call is larger than a message of the manager may be",
                 &none) == APR_SUCCESS
                 ? APR_TIMEUP
                 : APR_ENOMEM;
        mproc__conn_again(conn);
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
        mproc__conn_bad(conn);
    }
    return rv == APR_SUCCESS;
}

static void
conn_enter(mproc__conn_t *conn, int sends)
{
    if (conn->state != MPROC__CONN_BAD &&
        mproc_plat_netset_enter(conn->server->set, &conn->item, sends) !=
            APR_SUCCESS) {
        mproc__conn_bad(conn);
    }
}

/* 1: it may have more to do at once. */
static int
conn_step(mproc__conn_t *conn)
{
    apr_status_t rv;

    if (conn->busy) {
        conn_watch(conn);
        conn_enter(conn, 0);
        return 0;
    }
    if (conn->state == MPROC__CONN_SHAKES) {
        rv = mproc__net_shake(conn->socket, &conn->auth);
        if (rv == APR_EAGAIN) {
            conn_enter(conn,
                       mproc__socket_lacks_room(
                           conn->socket, conn->auth.want == MPROC__AUTH_SEND));
        }
        else if (rv == APR_SUCCESS) {
            conn->state = MPROC__CONN_GREETS;
        }
        else {
            mproc__conn_bad(conn);
        }
        return rv == APR_SUCCESS;
    }
    if (!conn_recv(conn)) {
        conn_enter(conn, 0);
        /* Nobody tells of what is decrypted already. */
        return mproc__socket_has(conn->socket);
    }
    if (conn->state == MPROC__CONN_GREETS) {
        if (!conn_greet(conn)) {
            mproc__conn_bad(conn);
        }
    }
    else if (conn->stream.got < MPROC__REQUEST_HEAD) {
        mproc__conn_bad(conn);
    }
    else {
        mproc__request_run(conn);
        mproc__calls_retry(conn->server);
        if (!conn->busy && !mproc__stream_has_more(&conn->stream)) {
            conn_enter(conn, 0); /* The answer comes before another look. */
            return 0;
        }
    }
    return conn->state != MPROC__CONN_BAD;
}

void
mproc__conn_turn(mproc__conn_t *conn)
{
    int left = TURNS, more = 1;

    while (more && left-- > 0 && conn->state != MPROC__CONN_BAD) {
        if (conn->out.size - conn->out_at > MPROC__OUT_MOST &&
            !conn_flush(conn)) {
            break;
        }
        more = conn_step(conn);
    }
    if (conn->state != MPROC__CONN_BAD && !conn_flush(conn)) {
        conn_enter(conn, 1);
    }
    else if (more && conn->state != MPROC__CONN_BAD) {
        mproc__conn_again(conn);
    }
}

/* ----------------------------------------------------------- coming, going */

static void
conn_free(mproc__conn_t *conn)
{
    mproc_plat_netset_leave(conn->server->set, &conn->item);
    mproc__socket_farewell(conn->socket);
    mproc__socket_close(conn->socket);
    free(conn->stream.body);
    free(conn->out.data);
    free(conn);
}

void
mproc__conns_accept(mproc__hub_t *server)
{
    char peer[MPROC_PLAT_NET_TEXT];
    mproc__socket_t *socket;
    mproc__conn_t *conn;
    int left = TURNS;

    while (left-- > 0 && server->conn_count < server->conns_most &&
           mproc__socket_accept(&socket, server->at.socket, peer) ==
               APR_SUCCESS) {
        conn = calloc(1, sizeof *conn);
        if (conn == NULL || mproc__net_begin(&server->net, socket, 0,
                                             &conn->auth) != APR_SUCCESS) {
            mproc__socket_close(socket);
            free(conn);
            return;
        }
        mproc_plat_net_keep(socket->handle, server->lease);
        conn->server = server;
        conn->socket = socket;
        conn->stream.socket = socket;
        conn->stream.closed = &conn->closed;
        conn->stream.whole = server->net.address.pipe != NULL;
        conn->item.handle = socket->handle;
        conn->item.baton = conn;
        conn->since = mproc_plat_clock();
        conn->next = server->conns;
        conn->link = &server->conns;
        if (conn->next != NULL) {
            conn->next->link = &conn->next;
        }
        server->conns = conn;
        server->conn_count++;
        mproc__conn_again(conn);
    }
    if (server->conn_count >= server->conns_most) {
        mproc_plat_netset_leave(server->set, &server->listens);
    }
}

/* Its call leaves; when it was the last of its client, so does that. */
static void
conn_end(mproc__conn_t *conn)
{
    mproc__hub_t *server = conn->server;
    mproc__client_t *client = conn->client;
    mproc__call_t *call = &conn->call;
    mproc__conn_t **at;

    if (conn->busy) {
        const mproc__served_method_t *method =
            &mproc__served_methods[call->head.method];
        if (call->place != 0) {
            mproc__call_unpark(call);
        }
        if (method->leave != NULL) {
            (void)method->leave(call, 0);
        }
        mproc__call_end(call);
    }
    *conn->link = conn->next;
    if (conn->next != NULL) {
        conn->next->link = conn->link;
    }
    server->conn_count--;
    if (client != NULL) {
        for (at = &client->conns; *at != conn; at = &(*at)->sibling) {
        }
        *at = conn->sibling;
        if (client->conns == NULL) {
            mproc__client_end(client);
        }
    }
    conn_free(conn);
    if (server->conns_most > 0) {
        (void)mproc_plat_netset_enter(server->set, &server->listens, 0);
    }
}

void
mproc__conns_end_bad(mproc__hub_t *server)
{
    mproc__conn_t *conn, *next;

    while (server->any_bad) {
        server->any_bad = 0;
        for (conn = server->conns; conn != NULL; conn = next) {
            next = conn->next;
            if (conn->state == MPROC__CONN_BAD && !conn->again) {
                conn_end(conn);
            }
            else if (conn->state == MPROC__CONN_BAD) {
                server->any_bad = 1;
            }
        }
        mproc__calls_retry(server);
        if (server->again != NULL) {
            return; /* They come first. */
        }
    }
}
