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
 * it does not say APR_EAGAIN. Invariant: between two turns of the loop no call
 * waits that could go on.
 *
 * A client is gone when its last connection has ended. Its calls leave their
 * places; then what it owns (locks, permits) goes on to the next, as from the
 * dead; then its references go. An object lives while a client, a name, or a
 * value in another object refers to it, by a hold (arena.h).
 *
 * Connections are ended at one point of the loop only, so that whoever walks
 * over them, or over calls, finds them all there.
 */
#include "manager_loop.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_netset.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_serve.h"
#include "net.h"
#include "parking.h"
#include "store.h"
#include "stream.h"

#define TURNS 32       /* requests of one connection before another's */
#define OUT_MOST 65536 /* bytes that wait to be sent: then nothing is read */
#define READY_MOST 256
#define TICK ((apr_interval_time_t)1000 * 1000)
#define LEASE ((apr_interval_time_t)30 * 1000 * 1000)
#define CLIENTS_MOST 10000
#define SCRATCH_KEPT 1000 /* requests */

typedef enum conn_state_e {
    CONN_SHAKES, /* proves the key */
    CONN_GREETS,
    CONN_OPEN,
    CONN_BAD /* to be ended */
} conn_state_e;

typedef struct buffer_t {
    unsigned char *data;
    apr_size_t size, room;
} buffer_t;

typedef struct mproc__conn_t {
    struct mproc__conn_t *next, **link; /* all of the server's */
    struct mproc__conn_t *sibling;      /* of the client's */
    struct mproc__conn_t *again_next;
    mproc__hub_t *server;
    mproc__client_t *client;
    mproc__socket_t *socket;
    mproc__stream_t stream;
    atomic_int closed; /* what the stream looks at: never */
    mproc_plat_netset_item_t item;
    mproc__auth_t auth;
    apr_time_t since;
    conn_state_e state;
    int again; /* is in the list of those that are to be looked at again */
    int busy;  /* its call waits */
    buffer_t out;
    apr_size_t out_at;
    mproc__call_t call;
} conn_t;

/* What a client refers to, and how often. */
typedef struct reference_t {
    apr_uint64_t id;
    apr_uint64_t count;
    mproc_object_t *object;
} reference_t;

struct mproc__client_t {
    mproc__client_t *next, **link;
    mproc__hub_t *server;
    apr_uint64_t serial;
    unsigned char token[MPROC__TOKEN_SIZE];
    conn_t *conns;
    apr_hash_t *references;
    mproc__owned_t *owned;
    apr_pool_t *pool;
};

/* Calls that wait for one object. */
typedef struct place_t {
    apr_uint64_t id;
    mproc__call_t *first, **last;
} place_t;

/* An object that has a name. */
typedef struct named_t {
    char *name;
    mproc_object_t *object;
} named_t;

struct mproc__hub_t {
    apr_pool_t *pool;
    mproc__net_t net;
    mproc__place_t at;
    apr_interval_time_t lease;
    int conns_most, conn_count;
    mproc_plat_netset_t *set;
    mproc_plat_netset_item_t listens, rings;
    mproc__socket_t *bell[2];
    atomic_int stopping;
    atomic_int ended;
    int stop_asked; /* by a client */
    conn_t *conns, *again;
    int any_bad;
    mproc__client_t *clients;
    apr_uint64_t serial, client_count, waiting;
    apr_hash_t *places, *names, *types;
    apr_uint64_t *changed;
    int changed_count, changed_room;
    apr_time_t soonest; /* no call's time is over before that */
    apr_time_t tick;
    buffer_t result;
    int result_names; /* it names objects */
    apr_status_t result_rv;
    mproc_object_t *fresh; /* that the answer names, and nobody has yet */
    apr_pool_t *scratch;
    int scratch_used;
    int scratch_names; /* halves of objects may lie in it */
    void *ready[READY_MOST];
    int ready_count;
    void (*rung)(mproc__hub_t *server); /* somebody rang */
};

/* ----------------------------------------------------------------- buffers */

static unsigned char *
buffer_add(buffer_t *buffer, const void *data, apr_size_t size)
{
    unsigned char *at;

    if (size > buffer->room - buffer->size) {
        apr_size_t room = buffer->room * 2 + size + 256;
        at = realloc(buffer->data, room);
        if (at == NULL) {
            return NULL;
        }
        buffer->data = at;
        buffer->room = room;
    }
    at = buffer->data + buffer->size;
    if (data != NULL && size > 0) {
        memcpy(at, data, size);
    }
    buffer->size += size;
    return at;
}

static void
buffer_empty(buffer_t *buffer)
{
    buffer->size = 0;
    if (buffer->room > OUT_MOST) {
        free(buffer->data);
        buffer->data = NULL;
        buffer->room = 0;
    }
}

/* --------------------------------------------------------------- arguments */

static apr_status_t
args_bad(mproc__call_t *call)
{
    (void)call;
    return mproc__fail(MPROC_EREMOTE, "the manager was called with arguments "
                                      "that are not what the call takes");
}

static apr_status_t
arg_token(mproc__call_t *call, mproc__token_t *token)
{
    return mproc__wire_next(&call->args, token) == APR_SUCCESS ? APR_SUCCESS
                                                               : args_bad(call);
}

apr_status_t
mproc__arg_int(mproc__call_t *call, apr_int64_t *number)
{
    mproc__token_t token;
    apr_status_t rv = arg_token(call, &token);

    *number = 0;
    if (rv == APR_SUCCESS &&
        (token.kind != MPROC__TOKEN_INT ||
         !mproc__whole_signed(token.negative, token.number, number))) {
        rv = args_bad(call);
    }
    return rv;
}

apr_status_t
mproc__arg_bytes(mproc__call_t *call, mproc_bytes_t *bytes)
{
    mproc__token_t token;
    apr_status_t rv = arg_token(call, &token);

    *bytes = (mproc_bytes_t){NULL, 0};
    if (rv == APR_SUCCESS && token.kind == MPROC__TOKEN_BYTES) {
        *bytes = (mproc_bytes_t){token.data, token.size};
    }
    else if (rv == APR_SUCCESS && token.kind != MPROC__TOKEN_NIL) {
        rv = args_bad(call);
    }
    return rv;
}

apr_status_t
mproc__arg_text(mproc__call_t *call, const char **text)
{
    mproc__token_t token;
    apr_status_t rv = arg_token(call, &token);

    *text = NULL;
    if (rv == APR_SUCCESS && token.kind == MPROC__TOKEN_TEXT &&
        memchr(token.data, '\0', token.size) == NULL) {
        *text = apr_pstrmemdup(call->pool, token.data, token.size);
    }
    else if (rv == APR_SUCCESS && token.kind != MPROC__TOKEN_NIL) {
        rv = args_bad(call);
    }
    return rv;
}

apr_status_t
mproc__arg_value(mproc__call_t *call, mproc_bytes_t *value)
{
    const unsigned char *from = call->args.at;

    *value = (mproc_bytes_t){NULL, 0};
    if (mproc__wire_skip(&call->args, MPROC__NESTING_MAX) != APR_SUCCESS) {
        return args_bad(call);
    }
    value->data = from;
    value->size = (apr_size_t)(call->args.at - from);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------ results */

static void
result_add(mproc__call_t *call, const void *data, apr_size_t size)
{
    mproc__hub_t *server = call->server;

    if (buffer_add(&server->result, data, size) == NULL) {
        server->result_rv =
            mproc__fail(APR_ENOMEM, "the manager has no memory for an answer");
    }
}

void
mproc__result_int(mproc__call_t *call, apr_int64_t number)
{
    unsigned char bytes[9] = {0xd3};

    mproc__id_write(bytes + 1, (apr_uint64_t)number);
    result_add(call, bytes, sizeof bytes);
}

static void
result_head(mproc__call_t *call, unsigned char code, apr_size_t size)
{
    unsigned char head[5] = {code, (unsigned char)(size >> 24),
                             (unsigned char)(size >> 16),
                             (unsigned char)(size >> 8), (unsigned char)size};

    result_add(call, head, sizeof head);
}

void
mproc__result_bytes(mproc__call_t *call, mproc_bytes_t bytes)
{
    result_head(call, 0xc6, bytes.size);
    result_add(call, bytes.data, bytes.size);
}

void
mproc__result_list(mproc__call_t *call, apr_size_t count)
{
    result_head(call, 0xdd, count);
}

void
mproc__result_nil(mproc__call_t *call)
{
    result_add(call, "\xc0", 1);
}

void
mproc__result_values(mproc__call_t *call, mproc_bytes_t values)
{
    call->server->result_names = 1;
    result_add(call, values.data, values.size);
}

void
mproc__result_fresh(mproc__call_t *call, mproc_object_t *object)
{
    call->server->fresh = object;
    mproc__result_object(call, object->handle);
}

void
mproc__result_object(mproc__call_t *call, apr_uint64_t id)
{
    unsigned char bytes[10] = {0xd7, MPROC__WIRE_OBJECT};

    mproc__id_write(bytes + 2, id);
    mproc__result_values(call, (mproc_bytes_t){bytes, sizeof bytes});
}

/* ----------------------------------------------------------------- objects */

mproc_kind_e
mproc__served_kind(apr_uint64_t id)
{
    mproc_kind_e kind = mproc__arena_kind(id);

    switch (kind) {
    case MPROC_KIND_DICT:
    case MPROC_KIND_LIST:
    case MPROC_KIND_NAMESPACE:
    case MPROC_KIND_QUEUE:
        return kind;
    case MPROC_KIND_SERVED:
        return (mproc_kind_e)((mproc__served_t *)mproc__arena_at(id))->kind;
    default:
        return MPROC_KIND_NONE;
    }
}

apr_status_t
mproc__client_hold(mproc__client_t *client, apr_uint64_t id,
                   mproc_object_t **object)
{
    reference_t *reference = apr_hash_get(client->references, &id, sizeof id);
    apr_status_t rv;

    if (reference == NULL) {
        if (mproc__served_kind(id) == MPROC_KIND_NONE) {
            return mproc__fail(MPROC_ESTALE,
                               "the manager's object %" APR_UINT64_T_HEX_FMT
                               " does not exist any more; keep one until its "
                               "receiver has it",
                               id);
        }
        reference = malloc(sizeof *reference);
        if (reference == NULL) {
            return mproc__fail(APR_ENOMEM, "the manager has no memory");
        }
        rv = mproc__object_open(&reference->object, id, NULL);
        if (rv != APR_SUCCESS) {
            free(reference);
            return rv;
        }
        reference->id = id;
        reference->count = 0;
        apr_hash_set(client->references, &reference->id, sizeof reference->id,
                     reference);
    }
    reference->count++;
    if (object != NULL) {
        *object = reference->object;
    }
    return APR_SUCCESS;
}

static void
client_drop(mproc__client_t *client, apr_uint64_t id)
{
    reference_t *reference = apr_hash_get(client->references, &id, sizeof id);

    if (reference != NULL && --reference->count == 0) {
        apr_hash_set(client->references, &reference->id, sizeof reference->id,
                     NULL);
        mproc__object_close(reference->object);
        free(reference);
    }
}

apr_uint64_t
mproc__client_serial(const mproc__client_t *client)
{
    return client->serial;
}

mproc__client_t *
mproc__client_find(mproc__hub_t *server, apr_uint64_t serial)
{
    mproc__client_t *client = server->clients;

    while (client != NULL && client->serial != serial) {
        client = client->next;
    }
    return client;
}

apr_status_t
mproc__client_owns(mproc__client_t *client, apr_uint64_t id)
{
    mproc__owned_t *owned = malloc(sizeof *owned);

    if (owned == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory");
    }
    owned->id = id;
    owned->client = client;
    owned->next = client->owned;
    owned->link = &client->owned;
    if (owned->next != NULL) {
        owned->next->link = &owned->next;
    }
    client->owned = owned;
    return APR_SUCCESS;
}

static void
owned_free(mproc__owned_t *owned)
{
    *owned->link = owned->next;
    if (owned->next != NULL) {
        owned->next->link = owned->link;
    }
    free(owned);
}

int
mproc__client_owns_not(mproc__client_t *client, apr_uint64_t id)
{
    mproc__owned_t *owned = client == NULL ? NULL : client->owned;

    while (owned != NULL && owned->id != id) {
        owned = owned->next;
    }
    if (owned != NULL) {
        owned_free(owned);
    }
    return owned != NULL;
}

void
mproc__object_changed(mproc__hub_t *server, apr_uint64_t id)
{
    apr_uint64_t *more;

    if (server->waiting == 0 ||
        (server->changed_count > 0 &&
         server->changed[server->changed_count - 1] == id)) {
        return;
    }
    if (server->changed_count == server->changed_room) {
        int room = server->changed_room * 2 + 16;
        more = realloc(server->changed, (size_t)room * sizeof *more);
        if (more == NULL) {
            return; /* The tick looks at all. */
        }
        server->changed = more;
        server->changed_room = room;
    }
    server->changed[server->changed_count++] = id;
}

/* ------------------------------------------------------------ calls that wait
 */

static apr_status_t call_park(mproc__call_t *call);
static void call_unpark(mproc__call_t *call);

mproc__call_t *
mproc__calls_waiting(mproc__hub_t *server, apr_uint64_t id)
{
    place_t *place = apr_hash_get(server->places, &id, sizeof id);

    return place == NULL ? NULL : place->first;
}

apr_status_t
mproc__call_move(mproc__call_t *call, apr_uint64_t id)
{
    call_unpark(call);
    call->place = id;
    return call_park(call);
}

static apr_status_t
call_park(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    place_t *place =
        apr_hash_get(server->places, &call->place, sizeof call->place);

    if (place == NULL) {
        place = calloc(1, sizeof *place);
        if (place == NULL) {
            return mproc__fail(APR_ENOMEM, "the manager has no memory");
        }
        place->id = call->place;
        place->last = &place->first;
        apr_hash_set(server->places, &place->id, sizeof place->id, place);
    }
    call->next = NULL;
    call->link = place->last;
    *place->last = call;
    place->last = &call->next;
    call->conn->busy = 1;
    server->waiting++;
    if (call->deadline < server->soonest) {
        server->soonest = call->deadline;
    }
    return APR_SUCCESS;
}

static void
call_unpark(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    place_t *place =
        apr_hash_get(server->places, &call->place, sizeof call->place);

    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
    else {
        place->last = call->link;
    }
    if (place->first == NULL) {
        apr_hash_set(server->places, &place->id, sizeof place->id, NULL);
        free(place);
    }
    call->conn->busy = 0;
    server->waiting--;
}

/* --------------------------------------------------------------- connections
 */

/* It is ended when nobody walks over it. */
static void
conn_bad(conn_t *conn)
{
    conn->state = CONN_BAD;
    conn->server->any_bad = 1;
}

static void
conn_again(conn_t *conn)
{
    if (!conn->again) {
        conn->again = 1;
        conn->again_next = conn->server->again;
        conn->server->again = conn;
    }
}

/* Send what there is; 1: all is sent. */
static int
conn_flush(conn_t *conn)
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
        buffer_empty(&conn->out);
        return 1;
    }
    if (rv != APR_EAGAIN) {
        conn_bad(conn);
    }
    return 0;
}

/* A reply: status, sentence, what came of it. */
static apr_status_t
conn_say(conn_t *conn, apr_status_t status, const char *sentence,
         const buffer_t *result)
{
    apr_size_t said = status == APR_SUCCESS ? 0 : strlen(sentence);
    apr_size_t size = MPROC__REPLY_HEAD + said + result->size;
    unsigned char head[MPROC__FRAME_LONG];
    apr_size_t head_size = mproc__frame_write(head, size);
    unsigned char *at = buffer_add(&conn->out, NULL, head_size + size);

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

/* An object that the answer names is the client's from now on. */
static apr_status_t
object_out(unsigned char *type, unsigned char *id, void *baton)
{
    mproc__call_t *call = baton;
    apr_uint64_t handle = mproc__id_read(id);
    apr_status_t rv;

    if (*type != MPROC__WIRE_OBJECT) {
        return APR_SUCCESS;
    }
    rv = mproc__client_hold(call->client, handle, NULL);
    if (rv == APR_SUCCESS) {
        *type =
            (unsigned char)(MPROC__WIRE_SERVED + mproc__served_kind(handle));
    }
    return rv;
}

/* One that the arguments name must be one of ours. */
static apr_status_t
object_in(unsigned char *type, unsigned char *id, void *baton)
{
    ((mproc__hub_t *)baton)->scratch_names = 1;
    if (*type < MPROC__WIRE_SERVED && *type != MPROC__WIRE_OBJECT) {
        return APR_SUCCESS;
    }
    if (*type == MPROC__WIRE_OBJECT ||
        mproc__served_kind(mproc__id_read(id)) !=
            (mproc_kind_e)(*type - MPROC__WIRE_SERVED)) {
        return mproc__fail(MPROC_ESTALE,
                           "a value names an object that the manager has not, "
                           "or not any more; keep it until it is stored");
    }
    *type = MPROC__WIRE_OBJECT;
    return APR_SUCCESS;
}

static void
call_answer(mproc__call_t *call, apr_status_t rv)
{
    mproc__hub_t *server = call->server;
    conn_t *conn = call->conn;

    if (rv == APR_SUCCESS) {
        rv = server->result_rv;
    }
    server->scratch_names |= server->result_names;
    if (rv == APR_SUCCESS && server->result_names) {
        rv = mproc__wire_objects(server->result.data, server->result.size,
                                 object_out, call);
    }
    if (server->result.size > server->net.options.max_message) {
        server->result.size = 0;
        rv = mproc__fail(MPROC_ETOOBIG, "what came of the call is larger than "
                                        "a message of the manager may be");
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP && rv != MPROC_EOWNERDEAD) {
        server->result.size = 0;
    }
    if (conn_say(conn, rv, mproc_error_detail(), &server->result) !=
        APR_SUCCESS) {
        conn_bad(conn);
    }
    buffer_empty(&server->result);
    mproc__object_close(server->fresh);
    server->fresh = NULL;
    mproc__stream_taken(&conn->stream);
    if (call->pool != NULL && call->pool != server->scratch) {
        apr_pool_destroy(call->pool);
    }
    call->pool = NULL;
}

/* Run it, again or for the first time. 1: it is answered. */
static int
call_run(mproc__call_t *call)
{
    const mproc__served_method_t *method =
        &mproc__served_methods[call->head.method];
    mproc__hub_t *server = call->server;
    apr_status_t rv;

    do {
        mproc__wire_init(&call->args, call->all_args);
        server->result.size = 0;
        server->result_names = 0;
        server->result_rv = APR_SUCCESS;
        rv = method->run(call);
        if (rv != APR_EAGAIN) {
            break;
        }
        if (call->deadline != 0 && (call->deadline == MPROC_PLAT_NEVER ||
                                    mproc_plat_clock() < call->deadline)) {
            return 0;
        }
        call->outcome = APR_TIMEUP;
    } while (method->leave != NULL && method->leave(call, 1));
    if (rv == APR_EAGAIN) {
        rv = mproc__fail(call->outcome, "%s", method->late);
    }
    call_answer(call, rv);
    return 1;
}

/* Those that wait for what has changed. */
static void
places_run(mproc__hub_t *server)
{
    while (server->changed_count > 0) {
        apr_uint64_t id = server->changed[--server->changed_count];
        apr_uint64_t refused[MPROC__METHODS / 64 + 1] = {0};
        mproc__call_t *call = mproc__calls_waiting(server, id), *next;
        for (; call != NULL; call = next) {
            unsigned method = call->head.method;
            next = call->next;
            if (refused[method / 64] >> method % 64 & 1) {
                continue;
            }
            /* It may want to wait elsewhere. */
            call_unpark(call);
            if (call_run(call)) {
                conn_again(call->conn);
                continue;
            }
            refused[method / 64] |= APR_UINT64_C(1) << method % 64;
            if (call->place == id && next != NULL) {
                /* First come, first served: back to where it was. */
                call->next = next;
                call->link = next->link;
                *call->link = call;
                next->link = &call->next;
                call->conn->busy = 1;
                server->waiting++;
            }
            else if (call_park(call) != APR_SUCCESS) {
                conn_bad(call->conn);
            }
        }
    }
}

/* Calls whose time is over. */
static void
late_run(mproc__hub_t *server, apr_time_t now)
{
    conn_t *conn;

    server->soonest = MPROC_PLAT_NEVER;
    for (conn = server->conns; conn != NULL; conn = conn->next) {
        mproc__call_t *call = &conn->call;
        if (!conn->busy || call->place == 0) {
            continue;
        }
        if (call->deadline <= now) {
            call_unpark(call);
            if (call_run(call)) {
                conn_again(conn);
            }
            else if (call_park(call) != APR_SUCCESS) {
                conn_bad(conn);
            }
        }
        else if (call->deadline < server->soonest) {
            server->soonest = call->deadline;
        }
    }
}

/* ------------------------------------------------------------------ requests
 */

static apr_status_t
request_check(mproc__call_t *call)
{
    const mproc__served_method_t *method;
    apr_uint64_t id = call->head.id;
    mproc_kind_e kind;
    reference_t *reference;

    if (call->head.method >= MPROC__METHODS ||
        mproc__served_methods[call->head.method].run == NULL) {
        return mproc__fail(MPROC_EREMOTE, "the manager knows no such call; is "
                                          "it of another version of mproc?");
    }
    method = &mproc__served_methods[call->head.method];
    call->object = NULL;
    if (method->kinds == 0) {
        return APR_SUCCESS;
    }
    reference = apr_hash_get(call->client->references, &id, sizeof id);
    if (reference == NULL) {
        return mproc__fail(MPROC_ESTALE,
                           "the manager's object is not there any more: it "
                           "was given up before this process had it");
    }
    kind = mproc__served_kind(id);
    if (!(method->kinds >> kind & 1)) {
        return mproc__fail(MPROC_EREMOTE, "the manager's object takes no such "
                                          "call");
    }
    call->object = reference->object;
    return APR_SUCCESS;
}

/* The arguments stay in the stream until the call is answered. */
static void
request_run(conn_t *conn)
{
    mproc__call_t *call = &conn->call;
    mproc__hub_t *server = conn->server;
    unsigned char *body = conn->stream.body;
    apr_int64_t timeout;
    apr_status_t rv;

    memset(call, 0, sizeof *call);
    call->server = server;
    call->client = conn->client;
    call->conn = conn;
    call->head.method = (apr_uint32_t)mproc__from_low(body, 4);
    call->head.thread = (apr_uint32_t)mproc__from_low(body + 4, 4);
    call->head.id = mproc__from_low(body + 8, 8);
    timeout = (apr_int64_t)mproc__from_low(body + 16, 8);
    call->deadline = timeout == 0 ? 0 : mproc__deadline(timeout);
    call->all_args = (mproc_bytes_t){body + MPROC__REQUEST_HEAD,
                                     conn->stream.got - MPROC__REQUEST_HEAD};
    call->pool = server->scratch;
    call->place = call->head.id;
    server->result.size = 0;
    server->result_rv = APR_SUCCESS;
    server->result_names = 0;
    rv = request_check(call);
    if (rv == APR_SUCCESS) {
        rv = mproc__wire_objects(body + MPROC__REQUEST_HEAD,
                                 call->all_args.size, object_in, server);
        if (rv == MPROC_EFORMAT) {
            rv = args_bad(call);
        }
    }
    if (rv != APR_SUCCESS) {
        call_answer(call, rv);
    }
    else if (!call_run(call)) {
        call->pool = NULL;
        rv = apr_pool_create_unmanaged_ex(&call->pool, NULL, NULL);
        if (rv == APR_SUCCESS) {
            rv = call_park(call);
        }
        if (rv != APR_SUCCESS) {
            call_answer(call, rv);
        }
    }
    if (++server->scratch_used >= SCRATCH_KEPT || server->scratch_names) {
        apr_pool_clear(server->scratch);
        server->scratch_names = 0;
        server->scratch_used = 0;
    }
}

/* ---------------------------------------------------------------- greetings */

static mproc__client_t *
client_by_token(mproc__hub_t *server, const unsigned char *token)
{
    mproc__client_t *client = server->clients;

    while (client != NULL &&
           memcmp(client->token, token, MPROC__TOKEN_SIZE) != 0) {
        client = client->next;
    }
    return client;
}

static mproc__client_t *
client_make(mproc__hub_t *server, const unsigned char *token)
{
    mproc__client_t *client = calloc(1, sizeof *client);

    if (client == NULL || apr_pool_create_unmanaged_ex(&client->pool, NULL,
                                                       NULL) != APR_SUCCESS) {
        free(client);
        return NULL;
    }
    client->server = server;
    client->serial = ++server->serial;
    memcpy(client->token, token, MPROC__TOKEN_SIZE);
    client->references = apr_hash_make(client->pool);
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next != NULL) {
        client->next->link = &client->next;
    }
    server->clients = client;
    server->client_count++;
    return client;
}

/* 0: it is not as it should be. Who says that it was here before must be
 * known: what it had went when it was thought to be gone. */
static int
conn_greet(conn_t *conn)
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
    conn->client = client_by_token(server, hello + 12);
    if ((conn->client != NULL) != before) {
        conn->client = NULL;
        return 0;
    }
    if (conn->client == NULL) {
        conn->client = client_make(server, hello + 12);
        if (conn->client == NULL) {
            return 0;
        }
    }
    conn->sibling = conn->client->conns;
    conn->client->conns = conn;
    if (buffer_add(&conn->out, head,
                   mproc__frame_write(head, MPROC__HELLO_SIZE)) == NULL ||
        buffer_add(&conn->out, hello, MPROC__HELLO_SIZE) == NULL) {
        return 0;
    }
    mproc__low_first(conn->out.data + conn->out.size - MPROC__HELLO_SIZE + 4,
                     MPROC__MANAGER_VERSION, 4);
    mproc__stream_taken(&conn->stream);
    conn->state = CONN_OPEN;
    return 1;
}

/* ------------------------------------------------------------------- turns */

/* Whoever has a call that waits says nothing meanwhile. */
static void
conn_watch(conn_t *conn)
{
    char byte;
    apr_size_t size = 1;

    if (conn->stream.ahead_left > 0 ||
        mproc__socket_recv(conn->socket, &byte, &size) != APR_EAGAIN) {
        conn_bad(conn);
    }
}

/* A whole message, in the stream: 1; 0, not yet. */
static int
conn_recv(conn_t *conn)
{
    apr_uint64_t limit = conn->state == CONN_OPEN
                             ? conn->server->net.options.max_message
                             : MPROC__HELLO_SIZE;
    apr_uint64_t size;
    apr_status_t rv = mproc__stream_head(&conn->stream, limit, &size, 0);

    if (rv == APR_SUCCESS) {
        rv = mproc__stream_body(&conn->stream, 0);
    }
    if (rv == MPROC_ETOOBIG && conn->state == CONN_OPEN) {
        buffer_t none = {NULL, 0, 0};
        rv = conn_say(conn, rv,
                      "the call is larger than a message of the manager may be",
                      &none) == APR_SUCCESS
                 ? APR_TIMEUP
                 : APR_ENOMEM;
        conn_again(conn);
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
        conn_bad(conn);
    }
    return rv == APR_SUCCESS;
}

static void
conn_enter(conn_t *conn, int sends)
{
    if (conn->state != CONN_BAD &&
        mproc_plat_netset_enter(conn->server->set, &conn->item, sends) !=
            APR_SUCCESS) {
        conn_bad(conn);
    }
}

/* 1: it may have more to do at once. */
static int
conn_step(conn_t *conn)
{
    apr_status_t rv;

    if (conn->busy) {
        conn_watch(conn);
        conn_enter(conn, 0);
        return 0;
    }
    if (conn->state == CONN_SHAKES) {
        rv = mproc__net_shake(conn->socket, &conn->auth);
        if (rv == APR_EAGAIN) {
            conn_enter(conn,
                       mproc__socket_lacks_room(
                           conn->socket, conn->auth.want == MPROC__AUTH_SEND));
        }
        else if (rv == APR_SUCCESS) {
            conn->state = CONN_GREETS;
        }
        else {
            conn_bad(conn);
        }
        return rv == APR_SUCCESS;
    }
    if (!conn_recv(conn)) {
        conn_enter(conn, 0);
        return 0;
    }
    if (conn->state == CONN_GREETS) {
        if (!conn_greet(conn)) {
            conn_bad(conn);
        }
    }
    else if (conn->stream.got < MPROC__REQUEST_HEAD) {
        conn_bad(conn);
    }
    else {
        request_run(conn);
        places_run(conn->server);
    }
    return conn->state != CONN_BAD;
}

static void
conn_turn(conn_t *conn)
{
    int left = TURNS, more = 1;

    while (more && left-- > 0 && conn->state != CONN_BAD) {
        if (conn->out.size - conn->out_at > OUT_MOST && !conn_flush(conn)) {
            break;
        }
        more = conn_step(conn);
    }
    if (conn->state != CONN_BAD && !conn_flush(conn)) {
        conn_enter(conn, 1);
    }
    else if (more && conn->state != CONN_BAD) {
        conn_again(conn);
    }
}

/* ----------------------------------------------------------- coming, going */

static void
conn_free(conn_t *conn)
{
    mproc_plat_netset_leave(conn->server->set, &conn->item);
    mproc__socket_farewell(conn->socket);
    mproc__socket_close(conn->socket);
    free(conn->stream.body);
    free(conn->out.data);
    free(conn);
}

static void
accept_some(mproc__hub_t *server)
{
    char peer[MPROC_PLAT_NET_TEXT];
    mproc__socket_t *socket;
    conn_t *conn;
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
        conn_again(conn);
    }
    if (server->conn_count >= server->conns_most) {
        mproc_plat_netset_leave(server->set, &server->listens);
    }
}

static void
client_end(mproc__client_t *client)
{
    mproc__hub_t *server = client->server;
    apr_hash_index_t *index;

    while (client->owned != NULL) {
        apr_uint64_t id = client->owned->id;
        owned_free(client->owned);
        mproc__serve_orphan(server, client, id);
        mproc__object_changed(server, id);
    }
    for (index = apr_hash_first(client->pool, client->references);
         index != NULL; index = apr_hash_next(index)) {
        reference_t *reference = apr_hash_this_val(index);
        mproc__object_close(reference->object);
        free(reference);
    }
    *client->link = client->next;
    if (client->next != NULL) {
        client->next->link = client->link;
    }
    server->client_count--;
    apr_pool_destroy(client->pool);
    free(client);
}

/* Its call leaves; when it was the last of its client, so does that. */
static void
conn_end(conn_t *conn)
{
    mproc__hub_t *server = conn->server;
    mproc__client_t *client = conn->client;
    mproc__call_t *call = &conn->call;
    conn_t **at;

    if (conn->busy) {
        const mproc__served_method_t *method =
            &mproc__served_methods[call->head.method];
        if (call->place != 0) {
            call_unpark(call);
        }
        if (method->leave != NULL) {
            (void)method->leave(call, 0);
        }
        if (call->pool != NULL) {
            apr_pool_destroy(call->pool);
        }
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
            client_end(client);
        }
    }
    conn_free(conn);
    if (server->conns_most > 0) {
        (void)mproc_plat_netset_enter(server->set, &server->listens, 0);
    }
}

static void
bad_end(mproc__hub_t *server)
{
    conn_t *conn, *next;

    while (server->any_bad) {
        server->any_bad = 0;
        for (conn = server->conns; conn != NULL; conn = next) {
            next = conn->next;
            if (conn->state == CONN_BAD && !conn->again) {
                conn_end(conn);
            }
            else if (conn->state == CONN_BAD) {
                server->any_bad = 1;
            }
        }
        places_run(server);
        if (server->again != NULL) {
            return; /* They come first. */
        }
    }
}

/* ------------------------------------------------------------------ the loop
 */

/* Those that do not prove themselves in time. */
static void
silent_end(mproc__hub_t *server, apr_time_t now)
{
    conn_t *conn;

    for (conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->state < CONN_OPEN &&
            now - conn->since > server->net.options.handshake_timeout) {
            conn_bad(conn);
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
    server->ready_count = READY_MOST;
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
            accept_some(server);
        }
        else if (server->ready[i] == &server->rings) {
            bell_empty(server);
            if (server->rung != NULL) {
                server->rung(server);
            }
        }
        else {
            conn_turn(server->ready[i]);
        }
    }
    server->ready_count = 0;
}

static void
again_run(mproc__hub_t *server)
{
    conn_t *conn = server->again, *next;

    server->again = NULL;
    for (; conn != NULL; conn = next) {
        next = conn->again_next;
        conn->again = 0;
        if (conn->state != CONN_BAD) {
            conn_turn(conn);
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
    bad_end(server);
    now = mproc_plat_clock();
    if (now >= server->soonest) {
        late_run(server, now);
        places_run(server);
    }
    if (now >= server->tick) {
        server->tick = now + TICK;
        silent_end(server, now);
        mproc__served_types_tidy(server);
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
    while (server->again != NULL) {
        again_run(server);
    }
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

void
mproc__hub_when_rung(mproc__hub_t *server, void (*rung)(mproc__hub_t *server))
{
    server->rung = rung;
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
    rv = mproc__place_open(&made->at, options->address, &options->net,
                           &made->net, call, pool);
    if (rv != APR_SUCCESS) {
        mproc__socket_close(made->bell[0]);
        mproc__socket_close(made->bell[1]);
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
    conn_t *conn;

    while (server->conns != NULL) {
        server->again = NULL;
        for (conn = server->conns; conn != NULL; conn = conn->next) {
            conn->again = 0;
            conn_bad(conn);
        }
        bad_end(server);
    }
}

void
mproc__hub_close(mproc__hub_t *server)
{
    apr_hash_index_t *index;

    if (atomic_exchange(&server->ended, 1)) {
        return;
    }
    mproc_plat_netset_leave(server->set, &server->listens);
    mproc__place_remove(&server->at, server->pool);
    mproc__socket_close(server->at.socket);
    server->conns_most = 0;
    conns_end(server);
    for (index = apr_hash_first(server->pool, server->names); index != NULL;
         index = apr_hash_next(index)) {
        named_t *named = apr_hash_this_val(index);
        mproc__object_close(named->object);
        free(named->name);
        free(named);
    }
    mproc__served_types_end(server);
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

/* ---------------------------------------------------- methods of no object */

apr_status_t
mproc__serve_census(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    apr_hash_t *seen = apr_hash_make(call->pool);
    apr_hash_index_t *index;
    mproc__client_t *client;

    for (client = server->clients; client != NULL; client = client->next) {
        for (index = apr_hash_first(call->pool, client->references);
             index != NULL; index = apr_hash_next(index)) {
            reference_t *reference = apr_hash_this_val(index);
            apr_hash_set(seen, &reference->id, sizeof reference->id, reference);
        }
    }
    for (index = apr_hash_first(call->pool, server->names); index != NULL;
         index = apr_hash_next(index)) {
        named_t *named = apr_hash_this_val(index);
        apr_hash_set(seen, &named->object->handle, sizeof(mproc__handle_t),
                     named);
    }
    mproc__result_int(call, (apr_int64_t)server->client_count);
    mproc__result_int(call, (apr_int64_t)apr_hash_count(seen));
    mproc__result_int(call, (apr_int64_t)server->waiting);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_shutdown(mproc__call_t *call)
{
    call->server->stop_asked = 1;
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_forget(mproc__call_t *call)
{
    const char *name;
    named_t *named;
    apr_status_t rv = mproc__arg_text(call, &name);

    if (rv != APR_SUCCESS || name == NULL) {
        return args_bad(call);
    }
    named = apr_hash_get(call->server->names, name, APR_HASH_KEY_STRING);
    if (named == NULL) {
        return mproc__fail(APR_NOTFOUND,
                           "mproc_manager_forget: nothing has the name "
                           "\"%.200s\"",
                           name);
    }
    apr_hash_set(call->server->names, named->name, APR_HASH_KEY_STRING, NULL);
    mproc__object_close(named->object);
    free(named->name);
    free(named);
    return APR_SUCCESS;
}

/* The name is the object's from now on. */
static apr_status_t
name_give(mproc__hub_t *server, const char *name, mproc_object_t *object)
{
    named_t *named = malloc(sizeof *named);
    apr_status_t rv = APR_ENOMEM;

    if (named != NULL) {
        named->name = malloc(strlen(name) + 1);
        if (named->name != NULL) {
            strcpy(named->name, name);
            rv = mproc__object_open(&named->object, object->handle, NULL);
        }
        if (rv == APR_SUCCESS) {
            apr_hash_set(server->names, named->name, APR_HASH_KEY_STRING,
                         named);
            return rv;
        }
        free(named->name);
        free(named);
    }
    return mproc__fail(rv, "the manager has no memory");
}

apr_status_t
mproc__serve_named(mproc__call_t *call)
{
    mproc_object_t *object = NULL;
    const char *name;
    named_t *named = NULL;
    apr_int64_t kind;
    apr_status_t rv = mproc__arg_int(call, &kind);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_text(call, &name);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (name != NULL) {
        named = apr_hash_get(call->server->names, name, APR_HASH_KEY_STRING);
    }
    if (named != NULL) {
        if ((apr_int64_t)mproc__served_kind(named->object->handle) != kind ||
            !mproc__served_type_fits(call, named->object)) {
            return mproc__fail(
                MPROC_ESTATE, "\"%.200s\" is the name of something else: %s",
                name,
                mproc_kind_name(mproc__served_kind(named->object->handle)));
        }
        mproc__result_object(call, named->object->handle);
        return APR_SUCCESS;
    }
    rv = mproc__serve_make(call, (mproc_kind_e)kind, &object);
    if (rv == APR_SUCCESS && name != NULL) {
        rv = name_give(call->server, name, object);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_fresh(call, object);
    }
    else {
        mproc__object_close(object);
    }
    return rv;
}

apr_status_t
mproc__serve_hold(mproc__call_t *call)
{
    apr_status_t rv = mproc__client_hold(call->client, call->head.id, NULL);

    if (rv == APR_SUCCESS) {
        mproc__result_int(call, (apr_int64_t)mproc__served_kind(call->head.id));
    }
    return rv;
}

apr_status_t
mproc__serve_drop(mproc__call_t *call)
{
    client_drop(call->client, call->head.id);
    return APR_SUCCESS;
}
