/*
 * connection_stream.c: the end of a stream to another program.
 *
 * It stays in its process. It has a block of shared memory all the same: what
 * threads wait for lies there, so that they wait for it as for all else, and a
 * forked child closes what it was not passed. One thread at a time sends, one
 * receives: two mutexes.
 */
#include "connection.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "mutex.h"
#include "netwatch.h"
#include "pack.h"
#include "parking.h"
#include "queue.h"
#include "uses.h"
#include "wire.h"

#define PEER_TEXT 200

typedef struct stream_shared_t {
    mproc__mutex_t turn[2];    /* to receive, to send */
    _Atomic apr_uint64_t word; /* who waits for others too sleeps on it */
} stream_shared_t;

/* A stream, and whose it is. All are in a list, which nobody walks: checkers
 * of leaks do not look into pools, where the connections are. */
typedef struct end_t {
    mproc__stream_t stream; /* first */
    struct end_t *next, *previous;
    mproc__uses_t uses;
    mproc__socket_t *socket;
    apr_int64_t owner; /* the process */
    apr_pool_t *own;   /* of what is received with a pool of NULL */
    char peer[PEER_TEXT];
} end_t;

static end_t *ends; /* guarded as the objects are */

static void
end_list(end_t *end)
{
    mproc__objects_guard();
    end->next = ends;
    if (ends != NULL) {
        ends->previous = end;
    }
    ends = end;
    mproc__objects_unguard();
}

static void
end_unlist(end_t *end)
{
    mproc__objects_guard();
    if (end->next != NULL) {
        end->next->previous = end->previous;
    }
    if (end->previous != NULL) {
        end->previous->next = end->next;
    }
    else {
        ends = end->next;
    }
    mproc__objects_unguard();
}

static end_t *
end_of(mproc_connection_t *connection)
{
    return (end_t *)connection->stream;
}

static stream_shared_t *
shared_of(mproc_connection_t *connection)
{
    return connection->object.shared;
}

/* ----------------------------------------------------------- coming, going */

/* A copy that somebody's fork() made says nothing. The caller uses the end. */
static void
end_farewell(end_t *end)
{
    if (end->owner == mproc_plat_pid() && !atomic_load(&end->uses.ended)) {
        mproc__socket_farewell(end->socket);
    }
}

static void
end_leave(mproc_connection_t *connection)
{
    end_t *end = end_of(connection);

    if (mproc__uses_leave(&end->uses)) {
        mproc__socket_close(end->socket);
        mproc__object_let_go(&connection->object);
    }
}

/* 0 when it is closed. */
static int
end_enter(mproc_connection_t *connection)
{
    mproc__uses_t *uses = &end_of(connection)->uses;

    atomic_fetch_add(&uses->users, 1);
    if (atomic_load(&uses->closed)) {
        end_leave(connection);
        return 0;
    }
    return 1;
}

/* Have the turn to send or to receive. A holder that died had forked without
 * our knowing, and died in the middle of a message. */
static apr_status_t
turn_take(mproc_connection_t *connection, int sends, apr_time_t deadline,
          const char *call)
{
    mproc__mutex_use_t use = {&shared_of(connection)->turn[sends],
                              &connection->object, call, 0};
    mproc__actor_t self = mproc__actor();
    apr_status_t rv = APR_SUCCESS;

    if (self == 0) {
        return mproc__wait_refused(call);
    }
    if (!mproc__mutex_take(use.word, self)) {
        rv = mproc__mutex_acquire(&use, deadline, 0);
    }
    if (rv == MPROC_EOWNERDEAD) {
        mproc__stream_t *stream = connection->stream;
        if (sends) {
            stream->out_state = MPROC_EBROKEN;
        }
        else {
            atomic_store(&stream->in_state, MPROC_EFORMAT);
        }
        rv = APR_SUCCESS;
    }
    return rv;
}

static apr_status_t
end_begin(mproc_connection_t *connection, int sends, apr_time_t *deadline,
          const char *call)
{
    apr_status_t rv;

    if (!end_enter(connection)) {
        return MPROC_ECLOSED;
    }
    *deadline = mproc__deadline(connection->timeout);
    rv = turn_take(connection, sends, *deadline, call);
    if (rv != APR_SUCCESS) {
        end_leave(connection);
    }
    return rv;
}

/* What was received ahead is not seen in the handle: who looked there before
 * it was noted here may have gone to sleep. */
static void
end_finish(mproc_connection_t *connection, int sends)
{
    int more = !sends && mproc__stream_has_more(connection->stream);

    (void)mproc__mutex_release(&shared_of(connection)->turn[sends]);
    if (more) {
        mproc__unpark((void *)&shared_of(connection)->word, MPROC__ALL);
    }
    end_leave(connection);
}

static apr_status_t
stream_result(mproc_connection_t *connection, apr_status_t rv, const char *call)
{
    const char *peer = end_of(connection)->peer;
    char text[120];

    switch (rv) {
    case APR_SUCCESS:
    case MPROC_ETOOBIG:
        return rv;
    case APR_EPIPE:
    case APR_EOF:
    case APR_TIMEUP:
    case MPROC_ECLOSED:
        return mproc__connection_result(rv, call);
    case MPROC_EBROKEN:
        return mproc__fail(rv,
                           "%s: a message to %s was cut off in the middle when "
                           "its time was over, so nothing can be sent to it "
                           "any more; close the connection",
                           call, peer);
    case MPROC_EFORMAT:
        return mproc__fail(rv,
                           "%s: what came from %s is no message, or was cut "
                           "off in the middle, so nothing can be received from "
                           "it any more; close the connection",
                           call, peer);
    case APR_ENOMEM:
        return mproc__fail(rv,
                           "%s: no memory for the message, or for waiting; it "
                           "is still there",
                           call);
    default:
        return mproc__fail(rv, "%s: %s: %s", call, peer,
                           apr_strerror(rv, text, sizeof text));
    }
}

/* -------------------------------------------------------------------- send */

static int
stream_goes(mproc_connection_t *connection, int sends)
{
    (void)connection;
    (void)sends;
    return 1;
}

static apr_status_t
stream_send(mproc_connection_t *connection, mproc_bytes_t message,
            const char *call)
{
    apr_time_t deadline;
    apr_status_t rv;

    if (message.data == NULL && message.size > 0) {
        return mproc__fail(APR_EINVAL,
                           "%s: the message is at NULL with a size; set the "
                           "size to 0, or the data to its bytes",
                           call);
    }
    rv = end_begin(connection, 1, &deadline, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_send(connection->stream, message, deadline);
        end_finish(connection, 1);
    }
    return stream_result(connection, rv, call);
}

static apr_status_t
stream_vsendf(mproc_connection_t *connection, const char *format, va_list args,
              const char *call)
{
    apr_array_header_t *objects = NULL;
    mproc_bytes_t bytes;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__vpack(&bytes, &objects, pool, format, args);
    if (rv == APR_SUCCESS && objects != NULL && objects->nelts > 0) {
        rv = mproc__fail(APR_EINVAL,
                         "%s: %d values are shared objects, which only "
                         "processes of one tree can have; send them by a pipe "
                         "or a queue",
                         call, objects->nelts);
    }
    else if (rv == APR_SUCCESS) {
        rv = stream_send(connection, bytes, call);
    }
    apr_pool_destroy(pool);
    return rv;
}

/* ----------------------------------------------------------------- receive */

/* Have the turn, and the head of a message within the limit. */
static apr_status_t
recv_begin(mproc_connection_t *connection, apr_uint64_t *size,
           apr_time_t *deadline, const char *call)
{
    apr_uint64_t limit = atomic_load(&connection->limit);
    apr_status_t rv = end_begin(connection, 0, deadline, call);

    if (rv != APR_SUCCESS) {
        return stream_result(connection, rv, call);
    }
    rv = mproc__stream_head(connection->stream, limit, size, *deadline);
    if (rv != APR_SUCCESS) {
        end_finish(connection, 0);
        return rv == MPROC_ETOOBIG ? mproc__queue_dropped(call, *size, limit)
                                   : stream_result(connection, rv, call);
    }
    return APR_SUCCESS;
}

/* The connection's own pool, which is used in turns. */
static apr_status_t
pool_choose(mproc_connection_t *connection, apr_pool_t **pool)
{
    end_t *end = end_of(connection);
    apr_status_t rv = APR_SUCCESS;

    if (*pool == NULL && end->own == NULL) {
        rv = apr_pool_create_unmanaged_ex(&end->own, NULL, NULL);
    }
    *pool = *pool == NULL ? end->own : *pool;
    return rv;
}

static apr_status_t
message_copy(mproc__stream_t *stream, mproc_bytes_t *message, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, stream->got + 1);

    if (copy == NULL) {
        return APR_ENOMEM;
    }
    if (stream->got > 0) {
        memcpy(copy, stream->body, stream->got);
    }
    copy[stream->got] = '\0';
    message->data = copy;
    message->size = stream->got;
    mproc__stream_taken(stream);
    return APR_SUCCESS;
}

static apr_status_t
stream_recv(mproc_connection_t *connection, mproc_bytes_t *message,
            apr_pool_t *pool, const char *call)
{
    apr_time_t deadline;
    apr_uint64_t size;
    apr_status_t rv = recv_begin(connection, &size, &deadline, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__stream_body(connection->stream, deadline);
    if (rv == APR_SUCCESS) {
        rv = pool_choose(connection, &pool);
    }
    if (rv == APR_SUCCESS) {
        rv = message_copy(connection->stream, message, pool);
    }
    end_finish(connection, 0);
    return stream_result(connection, rv, call);
}

/* A handle from outside would name what lies in our shared memory. */
static apr_status_t
objects_refuse(mproc_bytes_t message, const char *call)
{
    mproc__token_t token;
    mproc__wire_t wire;

    mproc__wire_init(&wire, message);
    while (wire.at < wire.end &&
           mproc__wire_next(&wire, &token) == APR_SUCCESS) {
        if (token.kind == MPROC__TOKEN_EXT && token.ext == MPROC__WIRE_OBJECT) {
            return mproc__fail(MPROC_EFORMAT,
                               "%s: the message names a shared object, which "
                               "another program cannot send",
                               call);
        }
    }
    return APR_SUCCESS; /* Unpacking says what else is wrong. */
}

static apr_status_t
stream_vrecvf(mproc_connection_t *connection, apr_pool_t *pool,
              const char *format, va_list args, const char *call)
{
    apr_time_t deadline;
    apr_uint64_t size;
    mproc_bytes_t message;
    apr_status_t rv = recv_begin(connection, &size, &deadline, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__stream_body(connection->stream, deadline);
    if (rv == APR_SUCCESS) {
        rv = pool_choose(connection, &pool);
    }
    rv = stream_result(connection, rv, call);
    if (rv == APR_SUCCESS) {
        message.data = connection->stream->body;
        message.size = connection->stream->got;
        rv = objects_refuse(message, call);
        if (rv == APR_SUCCESS) {
            rv = mproc_vunpack(message, pool, format, args);
        }
        mproc__stream_taken(connection->stream);
    }
    end_finish(connection, 0);
    return rv;
}

static apr_status_t
stream_recv_into(mproc_connection_t *connection, void *buffer, apr_size_t size,
                 apr_size_t *length, const char *call)
{
    apr_time_t deadline;
    apr_uint64_t needed;
    apr_status_t rv = recv_begin(connection, &needed, &deadline, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *length = (apr_size_t)needed;
    if (needed > size) {
        rv = mproc__fail(MPROC_ETOOBIG,
                         "%s: the message has %" APR_UINT64_T_FMT
                         " bytes, the buffer %" APR_SIZE_T_FMT
                         "; it is still there: receive it with a larger "
                         "buffer",
                         call, needed, size);
    }
    else {
        rv = mproc__stream_body(connection->stream, deadline);
    }
    if (rv == APR_SUCCESS) {
        if (needed > 0) {
            memcpy(buffer, connection->stream->body, (apr_size_t)needed);
        }
        mproc__stream_taken(connection->stream);
    }
    end_finish(connection, 0);
    return stream_result(connection, rv, call);
}

/* ----------------------------------------------------------------- waiting */

static apr_status_t
stream_poll(mproc_connection_t *connection, apr_interval_time_t timeout,
            const char *call)
{
    mproc_plat_net_item_t item = {connection->stream->socket->handle, 0, 0};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv = MPROC_ECLOSED;

    while (end_enter(connection)) {
        rv = mproc__stream_is_ready(connection->stream) ? APR_SUCCESS
             : mproc_plat_clock() >= deadline           ? APR_TIMEUP
                                                        : APR_EAGAIN;
        if (rv == APR_EAGAIN) {
            mproc__netwatch_step(&item, 1, deadline);
        }
        /* To be closed makes it ready, too. */
        if (atomic_load(connection->stream->closed)) {
            rv = MPROC_ECLOSED;
        }
        end_leave(connection);
        if (rv != APR_EAGAIN) {
            break;
        }
        rv = MPROC_ECLOSED;
    }
    return rv == APR_SUCCESS ? rv : mproc__connection_result(rv, call);
}

static int
stream_is_idle(void *baton)
{
    mproc_connection_t *connection = baton;
    int idle;

    if (!end_enter(connection)) {
        return 0;
    }
    idle = !mproc__stream_is_ready(connection->stream);
    end_leave(connection);
    return idle;
}

static int
stream_must_sleep(void *baton)
{
    mproc_connection_t *connection = baton;

    if (!end_enter(connection)) {
        return 0;
    }
    mproc__netwatch_arm(connection->stream->socket->handle,
                        (void *)&shared_of(connection)->word);
    end_leave(connection);
    return stream_is_idle(connection);
}

static apr_status_t
stream_source(mproc_connection_t *connection, mproc__source_t *source)
{
    source->word = (void *)&shared_of(connection)->word;
    source->needed = stream_is_idle;
    source->must_sleep = stream_must_sleep;
    source->baton = connection;
    source->sleeper = connection;
    source->place = &connection->object.notifier;
    source->dear = 1;
    return APR_SUCCESS;
}

/* ------------------------------------------------------- creating, closing */

/* Who waits for the handle is woken by its end. A copy that somebody's fork()
 * made is not to end the original. */
static void
stream_close(mproc_connection_t *connection)
{
    end_t *end = end_of(connection);

    atomic_fetch_add(&end->uses.users, 1);
    atomic_store(&end->uses.closed, 1);
    mproc__unpark((void *)&shared_of(connection)->word, MPROC__ALL);
    end_farewell(end);
    if (atomic_load(&end->uses.users) > 1 && end->owner == mproc_plat_pid()) {
        mproc_plat_net_end(end->socket->handle);
    }
    end_leave(connection);
}

static const char *
stream_peer(mproc_connection_t *connection)
{
    return end_of(connection)->peer;
}

static void
stream_closing(mproc_object_t *object)
{
    mproc_connection_t *connection = (mproc_connection_t *)object;
    end_t *end = end_of(connection);

    if (end == NULL) {
        return;
    }
    if (mproc__uses_end(&end->uses)) {
        end_farewell(end);
        mproc__socket_close(end->socket);
    }
    if (end->own != NULL) {
        apr_pool_destroy(end->own);
    }
    end_unlist(end);
    mproc__stream_free(connection->stream);
    connection->stream = NULL;
}

static void
stream_disown(mproc_object_t *object)
{
    mproc_connection_t *connection = (mproc_connection_t *)object;
    end_t *end = end_of(connection);

    atomic_store(&connection->closed, 1);
    if (end != NULL) {
        atomic_store(&end->uses.closed, 1);
        if (mproc__uses_end(&end->uses)) {
            mproc__socket_close(end->socket); /* Else the parent was at it. */
        }
        mproc__object_let_go(object);
    }
}

const mproc__reach_t mproc__reach_stream = {
    .ops = {.kind = MPROC_KIND_STREAM,
            .local_size = sizeof(struct mproc_connection_t),
            .closing = stream_closing,
            .disown = stream_disown,
            .stays = "is a connection by a socket, which stays in its process "
                     "in this version; pass an end of a pipe"},
    .goes = stream_goes,
    .send = stream_send,
    .vsendf = stream_vsendf,
    .recv = stream_recv,
    .vrecvf = stream_vrecvf,
    .recv_into = stream_recv_into,
    .poll = stream_poll,
    .source = stream_source,
    .peer = stream_peer,
    .close = stream_close};

apr_status_t
mproc__connection_of(mproc_connection_t **connection, mproc__socket_t *socket,
                     const char *peer, apr_uint64_t limit, apr_pool_t *pool)
{
    end_t *end = calloc(1, sizeof *end);
    apr_status_t rv =
        end == NULL ? mproc__fail(APR_ENOMEM, "no memory for a connection")
                    : mproc__object_create(connection, &mproc__reach_stream.ops,
                                           sizeof(stream_shared_t), pool);

    if (rv != APR_SUCCESS) {
        *connection = NULL;
        free(end);
        mproc__socket_close(socket);
        return rv;
    }
    end->socket = socket;
    end->owner = mproc_plat_pid();
    end->stream.socket = socket;
    end->stream.closed = &end->uses.closed;
    apr_cpystrn(end->peer, peer, sizeof end->peer);
    (*connection)->timeout = MPROC_FOREVER;
    (*connection)->limit = limit;
    end_list(end);
    (*connection)->stream = &end->stream;
    return APR_SUCCESS;
}
