/*
 * fuzz_manager.c: what a client that has the key may ask of a manager's server:
 * any call, with any arguments, on any object, in any order, by two clients.
 *
 * As fuzz_unpack.c. The input is a list of requests:
 *
 *   who    bit 0: which client; the rest: the call, see request_run()
 *   object which of those that were named so far
 *   time   0: now; 1: for ever; else: a microsecond
 *   size   of the arguments, which follow
 *
 * An object in the arguments whose id is small is one that was named so far,
 * and after the one that it goes into: objects in a circle stay, as manager.h
 * says.
 *
 * Each request is answered once, or waits; an answer is packed values with a
 * status and, when that is a failure, a sentence; a client that does what it
 * must not loses its connection, nothing else. In the end nothing is left.
 */
#include <mproc.h>

#include <apr_general.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#include "../../lib/src/manager_hub.h"
#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"

enum {
    CLIENTS = 2,
    IDS = 32,
    SENT_MOST = 300,
    OP_LEAVE = 126, /* after the calls: see request_run() */
    OP_LATE = 127
};

/* One side of a connection, and what it has heard. */
typedef struct client_t {
    mproc__conn_t *conn;
    mproc__socket_t *end;
    int asked; /* and not answered yet */
    unsigned method;
    unsigned char in[1 << 20];
    apr_size_t got;
} client_t;

static client_t clients[CLIENTS];
static apr_uint64_t ids[IDS];
static unsigned id_count;
static mproc__hub_t *server;

/* ------------------------------------------------------------- coming, going
 */

/* What manager_conn.c does when a client has been accepted and has greeted. */
static void
client_come(int which)
{
    unsigned char token[MPROC__TOKEN_SIZE] = {(unsigned char)(which + 1)};
    client_t *client = &clients[which];
    mproc__conn_t *conn = calloc(1, sizeof *conn);
    mproc__socket_t *pair[2];

    must(conn != NULL && mproc__socket_pair(pair) == APR_SUCCESS, "a pair");
    conn->server = server;
    conn->socket = pair[0];
    conn->stream.socket = pair[0];
    conn->stream.closed = &conn->closed;
    conn->item.handle = pair[0]->handle;
    conn->item.baton = conn;
    conn->state = MPROC__CONN_OPEN;
    conn->next = server->conns;
    conn->link = &server->conns;
    if (conn->next != NULL) {
        conn->next->link = &conn->next;
    }
    server->conns = conn;
    server->conn_count++;
    conn->client = mproc__client_make(server, token);
    must(conn->client != NULL, "a client");
    conn->client->conns = conn;
    client->conn = conn;
    client->end = pair[1];
    client->asked = 0;
    client->got = 0;
}

static int
conn_is_there(const mproc__conn_t *conn)
{
    const mproc__conn_t *at = server->conns;

    while (at != NULL && at != conn) {
        at = at->next;
    }
    return at != NULL;
}

/* Let the server go on until nobody has anything to do. */
static void
server_settle(void)
{
    mproc__conn_t *conn, *next;
    int i;

    do {
        conn = server->again;
        server->again = NULL;
        for (; conn != NULL; conn = next) {
            next = conn->again_next;
            conn->again = 0;
            if (conn->state != MPROC__CONN_BAD) {
                mproc__conn_turn(conn);
            }
        }
        mproc__conns_end_bad(server);
    } while (server->again != NULL);
    for (i = 0; i < CLIENTS; i++) {
        if (clients[i].conn != NULL && !conn_is_there(clients[i].conn)) {
            clients[i].conn = NULL;
        }
    }
}

static void
client_leave(int which)
{
    client_t *client = &clients[which];

    if (client->end != NULL) {
        mproc__socket_close(client->end);
        client->end = NULL;
    }
    if (client->conn != NULL) {
        mproc__conn_bad(client->conn);
        server_settle();
    }
}

/* ------------------------------------------------------------------ answers */

/* A copy has what came before it: it is used no further. */
static apr_status_t
id_note(unsigned char *type, unsigned char *id, void *baton)
{
    const client_t *client = baton;
    apr_uint64_t named = mproc__id_read(id);
    unsigned i;

    for (i = 0; i < id_count && ids[i] != named; i++) {
    }
    if (*type >= MPROC__WIRE_SERVED && i == id_count && id_count < IDS &&
        client->method != MPROC__DICT_COPY &&
        client->method != MPROC__LIST_COPY &&
        client->method != MPROC__SET_COPY) {
        ids[id_count++] = named;
    }
    return APR_SUCCESS;
}

static void
answer_check(client_t *client, unsigned char *answer, apr_size_t size)
{
    apr_uint32_t status, said;

    must(size >= MPROC__REPLY_HEAD, "an answer's head");
    status = (apr_uint32_t)mproc__from_low(answer, 4);
    said = (apr_uint32_t)mproc__from_low(answer + 4, 4);
    must(said <= size - MPROC__REPLY_HEAD, "an answer's sentence");
    must(status == 0 || said > 0, "a failure without a sentence");
    must(mproc__wire_objects(answer + MPROC__REPLY_HEAD + said,
                             size - MPROC__REPLY_HEAD - said, id_note,
                             client) == APR_SUCCESS,
         "an answer that is no packed values");
    must(client->asked-- > 0, "an answer to nothing");
}

/* All that has come; what is left of it stays. */
static void
answers_take(client_t *client)
{
    apr_size_t size = sizeof client->in - client->got, head, at = 0;
    apr_uint64_t body;

    while (client->end != NULL && size > 0 &&
           mproc__socket_recv(client->end, client->in + client->got, &size) ==
               APR_SUCCESS &&
           size > 0) {
        client->got += size;
        size = sizeof client->in - client->got;
    }
    while (client->got - at >= MPROC__FRAME_SHORT) {
        head = mproc__frame_length(client->in + at, client->got - at);
        must(head <= client->got - at &&
                 mproc__frame_read(client->in + at, &body) == APR_SUCCESS,
             "an answer's frame");
        if (body > client->got - at - head) {
            break;
        }
        answer_check(client, client->in + at + head, (apr_size_t)body);
        at += head + (apr_size_t)body;
    }
    memmove(client->in, client->in + at, client->got - at);
    client->got -= at;
}

/* ----------------------------------------------------------------- requests */

static apr_status_t
id_fill(unsigned char *type, unsigned char *id, void *baton)
{
    apr_uint64_t small = mproc__id_read(id);
    unsigned into = *(unsigned *)baton;
    mproc_kind_e kind;

    if (small < IDS && small >= into && *type >= MPROC__WIRE_SERVED) {
        kind = mproc__served_kind(ids[small]);
        *type = (unsigned char)(MPROC__WIRE_SERVED + kind);
        mproc__id_write(id, ids[small]);
    }
    return APR_SUCCESS;
}

/* A pool has workers: those are for other tests. */
static int
makes_pool(unsigned method, const uint8_t *args, apr_size_t size)
{
    mproc__token_t token;
    mproc__wire_t wire;

    mproc__wire_init(&wire, (mproc_bytes_t){args, size});
    return method == MPROC__MAKE &&
           mproc__wire_next(&wire, &token) == APR_SUCCESS &&
           token.kind == MPROC__TOKEN_INT && !token.negative &&
           token.number == MPROC_KIND_POOL;
}

static void
request_send(client_t *client, unsigned method, unsigned object, unsigned time,
             const uint8_t *args, apr_size_t size)
{
    unsigned char bytes[MPROC__FRAME_LONG + MPROC__REQUEST_HEAD + SENT_MOST];
    unsigned char *at =
        bytes + mproc__frame_write(bytes, MPROC__REQUEST_HEAD + size);
    apr_size_t sent = 0, all = (apr_size_t)(at - bytes) + MPROC__REQUEST_HEAD;
    unsigned after = method == MPROC__MAKE ? 0 : object + 1;

    mproc__low_first(at, method, 4);
    mproc__low_first(at + 4, time & 2 ? 7 : 3, 4); /* the thread */
    mproc__low_first(at + 8, object < IDS ? ids[object] : object, 8);
    mproc__low_first(at + 16,
                     time == 0   ? 0
                     : time == 1 ? (apr_uint64_t)MPROC_FOREVER
                                 : 1,
                     8);
    if (size > 0) {
        memcpy(at + MPROC__REQUEST_HEAD, args, size);
        (void)mproc__wire_objects(at + MPROC__REQUEST_HEAD, size, id_fill,
                                  &after);
    }
    all += size;
    must(mproc__socket_send(client->end, bytes, all, NULL, 0, &sent) ==
                 APR_SUCCESS &&
             sent == all,
         "a request fits");
    client->asked++;
    client->method = method;
}

/* A call; one of the two ends and another comes; or calls whose time is over
 * are told. Returns how much of the input that was. */
static size_t
request_run(const uint8_t *data, size_t size)
{
    unsigned op = data[0] >> 1;
    client_t *client = &clients[data[0] & 1];
    apr_size_t length = size < 4 ? 0 : data[3];

    if (size < 4) {
        return size;
    }
    length = length < size - 4 ? length : size - 4;
    if (op == OP_LATE) {
        mproc__calls_late(server, mproc_plat_clock());
        mproc__calls_retry(server);
    }
    else if (op == OP_LEAVE || client->conn == NULL) {
        client_leave(data[0] & 1);
        client_come(data[0] & 1);
    }
    else if (client->asked == 0 && !makes_pool(op, data + 4, length)) {
        request_send(client, op, data[1], data[2], data + 4, length);
        mproc__conn_again(client->conn);
    }
    server_settle();
    answers_take(&clients[0]);
    answers_take(&clients[1]);
    return 4 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
requests_run(const uint8_t *data, size_t size)
{
    size_t done;
    int i;

    for (i = 0; i < CLIENTS; i++) {
        client_come(i);
    }
    for (; size > 0; data += done, size -= done) {
        done = request_run(data, size);
        for (i = 0; i < CLIENTS; i++) {
            must(clients[i].conn == NULL ||
                     clients[i].asked == clients[i].conn->busy,
                 "a request that is neither answered nor waits");
        }
    }
    for (i = 0; i < CLIENTS; i++) {
        client_leave(i);
    }
    must(server->waiting == 0 && server->client_count == 0, "nobody is left");
}

/* Room for holds, once made, is kept. */
static void
census_check(const mproc_census_t *before, const mproc_census_t *after)
{
    int kind;

    for (kind = 0; kind < MPROC_KIND_COUNT; kind++) {
        must(kind == MPROC_KIND_HOLD ||
                 before->kind[kind].blocks == after->kind[kind].blocks,
             mproc_kind_name((mproc_kind_e)kind));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const argv[] = {"fuzz_manager", NULL};
    mproc_manager_options_t options = {.net.unkeyed = 1};
    mproc_census_t before, after;
    apr_pool_t *pool;
    static int begun;

    if (!begun) {
        must(mproc_initialize(1, argv) == APR_SUCCESS, "mproc starts");
        begun = 1;
    }
    memset(ids, 0, sizeof ids);
    id_count = 0;
    must(apr_pool_create_unmanaged_ex(&pool, NULL, NULL) == APR_SUCCESS &&
             mproc_census(&before) == APR_SUCCESS &&
             mproc__hub_create(&server, &options, "fuzz", pool) == APR_SUCCESS,
         "a server");
    requests_run(data, size);
    mproc__hub_destroy(server);
    apr_pool_destroy(pool);
    must(mproc_census(&after) == APR_SUCCESS, "a census");
    census_check(&before, &after);
    return 0;
}

#ifdef FUZZ_REPLAY
#include "replay.h"
#endif
