/*
 * manager_call.c: the calls of a manager's clients: their arguments, what comes
 * of them, and waiting.
 */
#include "manager_hub.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"

#define SCRATCH_KEPT 1000  /* requests */
#define SCRATCH_LARGE 1024 /* bytes of one that count as another */

/* ----------------------------------------------------------------- buffers */

unsigned char *
mproc__buffer_add(mproc__buffer_t *buffer, const void *data, apr_size_t size)
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

void
mproc__buffer_empty(mproc__buffer_t *buffer)
{
    buffer->size = 0;
    if (buffer->room > MPROC__OUT_MOST) {
        free(buffer->data);
        buffer->data = NULL;
        buffer->room = 0;
    }
}

/* --------------------------------------------------------------- arguments */

apr_status_t
mproc__args_bad(mproc__call_t *call)
{
    (void)call;
    return mproc__fail(MPROC_EREMOTE, "the manager was called with arguments "
                                      "that are not what the call takes");
}

static apr_status_t
arg_token(mproc__call_t *call, mproc__token_t *token)
{
    return mproc__wire_next(&call->args, token) == APR_SUCCESS
               ? APR_SUCCESS
               : mproc__args_bad(call);
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
        rv = mproc__args_bad(call);
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
        rv = mproc__args_bad(call);
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
        rv = mproc__args_bad(call);
    }
    return rv;
}

apr_status_t
mproc__arg_value(mproc__call_t *call, mproc_bytes_t *value)
{
    const unsigned char *from = call->args.at;

    *value = (mproc_bytes_t){NULL, 0};
    if (mproc__wire_skip(&call->args, MPROC__NESTING_MAX) != APR_SUCCESS) {
        return mproc__args_bad(call);
    }
    value->data = from;
    value->size = (apr_size_t)(call->args.at - from);
    return APR_SUCCESS;
}

/* ----------------------------------------------------------------- results */

static void
result_add(mproc__call_t *call, const void *data, apr_size_t size)
{
    mproc__hub_t *server = call->server;

    if (mproc__buffer_add(&server->result, data, size) == NULL) {
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
mproc__result_item(mproc__call_t *call, mproc_bytes_t item, int names)
{
    if (names) {
        mproc__result_list(call, mproc__wire_count(item));
        mproc__result_values(call, item);
    }
    else {
        mproc__result_bytes(call, item);
    }
}

static apr_status_t
object_keep(unsigned char *type, unsigned char *id, void *baton)
{
    mproc_object_t *object;

    return *type == MPROC__WIRE_OBJECT
               ? mproc__object_open(&object, mproc__id_read(id), baton)
               : APR_SUCCESS;
}

apr_status_t
mproc__call_keep(mproc__call_t *call, mproc_bytes_t values)
{
    return mproc__wire_objects((void *)values.data, values.size, object_keep,
                               call->pool);
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

/* ----------------------------------------------------------------- waiting */

static void call_park(mproc__call_t *call);

mproc__call_t *
mproc__calls_waiting(mproc__hub_t *server, apr_uint64_t id)
{
    mproc__waiting_t *place = apr_hash_get(server->places, &id, sizeof id);

    return place == NULL ? NULL : place->first;
}

void
mproc__call_move(mproc__call_t *call, apr_uint64_t id)
{
    mproc__call_unpark(call);
    call->place = id;
    call_park(call);
}

/* There is no memory for it to wait: it ends with its connection. */
static void
call_is_lost(mproc__call_t *call)
{
    call->place = 0;
    call->conn->busy = 1;
    mproc__conn_bad(call->conn);
}

static void
call_park(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    mproc__waiting_t *place =
        apr_hash_get(server->places, &call->place, sizeof call->place);

    if (place == NULL) {
        place = calloc(1, sizeof *place);
        if (place == NULL) {
            call_is_lost(call);
            return;
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
}

void
mproc__call_unpark(mproc__call_t *call)
{
    mproc__hub_t *server = call->server;
    mproc__waiting_t *place =
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

/* ----------------------------------------------------------------- running */

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

/* The answer is not sent: what it names that was had already. */
static apr_status_t
object_back(unsigned char *type, unsigned char *id, void *baton)
{
    if (*type >= MPROC__WIRE_SERVED) {
        mproc__client_drop(((mproc__call_t *)baton)->client,
                           mproc__id_read(id));
    }
    return APR_SUCCESS;
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

void
mproc__call_end(mproc__call_t *call)
{
    if (call->pool != NULL && call->pool != call->server->scratch) {
        apr_pool_destroy(call->pool);
    }
    call->pool = NULL;
    if (call->holds) {
        call->holds = 0;
        mproc__client_wait_end(call->client, call->head.id);
    }
}

/* It waits for the first time: what it needs until it is answered. Its client
 * may give the object up meanwhile, by another connection. */
static apr_status_t
call_begin_wait(mproc__call_t *call)
{
    apr_status_t rv;

    call->pool = NULL;
    rv = apr_pool_create_unmanaged_ex(&call->pool, NULL, NULL);
    if (rv == APR_SUCCESS) {
        rv = mproc__client_wait(call->client, call->head.id);
        call->holds = rv == APR_SUCCESS;
    }
    return rv;
}

static void
call_answer(mproc__call_t *call, apr_status_t rv)
{
    mproc__hub_t *server = call->server;
    mproc__conn_t *conn = call->conn;

    if (rv == APR_SUCCESS) {
        rv = server->result_rv;
    }
    server->scratch_names |= server->result_names;
    if (server->result.size > server->net.options.max_message) {
        server->result.size = 0;
        rv = mproc__fail(MPROC_ETOOBIG, "what came of the call is larger than "
                                        "a message of the manager may be");
    }
    if (rv == APR_SUCCESS && server->result_names) {
        rv = mproc__wire_objects(server->result.data, server->result.size,
                                 object_out, call);
        if (rv != APR_SUCCESS) {
            (void)mproc__wire_objects(server->result.data, server->result.size,
                                      object_back, call);
        }
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP && rv != MPROC_EOWNERDEAD) {
        server->result.size = 0;
    }
    if (mproc__conn_say(conn, rv, mproc_error_detail(), &server->result) !=
        APR_SUCCESS) {
        mproc__conn_bad(conn);
    }
    mproc__buffer_empty(&server->result);
    mproc__object_close(server->fresh);
    server->fresh = NULL;
    mproc__stream_taken(&conn->stream);
    mproc__call_end(call);
}

/* Run it, again or for the first time. 1: it is answered. */
static int
call_run(mproc__call_t *call)
{
    const mproc__served_method_t *method =
        &mproc__served_methods[call->head.method];
    mproc__hub_t *server = call->server;
    apr_status_t rv;

    if (call->pool != server->scratch) {
        apr_pool_clear(call->pool); /* It is run again. */
    }
    do {
        mproc__wire_init(&call->args, call->all_args);
        server->result.size = 0;
        server->result_names = 0;
        server->result_rv = APR_SUCCESS;
        rv = method->run(call);
        if (rv != MPROC__CALL_WAITS) {
            break;
        }
        if (call->deadline != 0 && (call->deadline == MPROC_PLAT_NEVER ||
                                    mproc_plat_clock() < call->deadline)) {
            return 0;
        }
        call->outcome = APR_TIMEUP;
    } while (method->leave != NULL && method->leave(call, 1));
    if (rv == MPROC__CALL_WAITS) {
        rv = mproc__fail(call->outcome, "%s", method->late);
    }
    call_answer(call, rv);
    return 1;
}

/* There was no memory to note one: it may have been any. */
static void
all_changed(mproc__hub_t *server)
{
    mproc__conn_t *conn;

    server->changed_lost = 0;
    for (conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->busy && conn->call.place != 0) {
            mproc__object_changed(server, conn->call.place);
        }
    }
}

/* Those that wait for what has changed. */
void
mproc__calls_retry(mproc__hub_t *server)
{
    if (server->changed_lost) {
        all_changed(server);
    }
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
            mproc__call_unpark(call);
            if (call_run(call)) {
                mproc__conn_again(call->conn);
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
            else {
                call_park(call);
            }
        }
    }
}

/* Calls whose time is over. */
void
mproc__calls_late(mproc__hub_t *server, apr_time_t now)
{
    mproc__conn_t *conn;

    server->soonest = MPROC_PLAT_NEVER;
    for (conn = server->conns; conn != NULL; conn = conn->next) {
        mproc__call_t *call = &conn->call;
        if (!conn->busy || call->place == 0) {
            continue;
        }
        if (call->deadline <= now) {
            mproc__call_unpark(call);
            if (call_run(call)) {
                mproc__conn_again(conn);
            }
            else {
                call_park(call);
            }
        }
        else if (call->deadline < server->soonest) {
            server->soonest = call->deadline;
        }
    }
}

/* ---------------------------------------------------------------- requests */

static apr_status_t
request_check(mproc__call_t *call)
{
    const mproc__served_method_t *method;
    apr_uint64_t id = call->head.id;
    mproc_kind_e kind;
    mproc__reference_t *reference;

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
void
mproc__request_run(mproc__conn_t *conn)
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
            rv = mproc__args_bad(call);
        }
    }
    if (rv != APR_SUCCESS) {
        call_answer(call, rv);
    }
    else if (!call_run(call)) {
        if (call_begin_wait(call) == APR_SUCCESS) {
            call_park(call);
        }
        else {
            call_is_lost(call);
        }
    }
    server->scratch_used += 1 + (int)(call->all_args.size / SCRATCH_LARGE);
    if (server->scratch_used >= SCRATCH_KEPT || server->scratch_names) {
        apr_pool_clear(server->scratch);
        server->scratch_names = 0;
        server->scratch_used = 0;
    }
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
            server->changed_lost = 1;
            return;
        }
        server->changed = more;
        server->changed_room = room;
    }
    server->changed[server->changed_count++] = id;
}
