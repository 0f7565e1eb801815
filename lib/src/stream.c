/*
 * stream.c: whole messages on a stream of bytes.
 *
 * Nothing is set aside for what a head claims: memory grows as bytes come. A
 * message that was cut off cannot be mended, as nobody knows where the next
 * one begins: the end keeps the status, and the other side is told by the end
 * of the stream.
 *
 * What is there can be received also when the time is over, but only so much of
 * it: the other side may send faster than we receive.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "netwatch.h"

#define ROOM_FIRST 4096
#define ROOM_KEPT 65536                 /* between messages */
#define PAST_MOST ((apr_size_t)1 << 20) /* bytes of a call past its time */

static apr_status_t
stream_wait(mproc__stream_t *stream, int sends, apr_time_t deadline)
{
    mproc_plat_net_item_t item = {stream->socket->handle, 0, 0};

    if (mproc_plat_clock() >= deadline) {
        return APR_TIMEUP;
    }
    item.send = mproc__socket_lacks_room(stream->socket, sends);
    mproc__netwatch_step(&item, 1, deadline);
    return APR_SUCCESS;
}

/* -------------------------------------------------------------------- send */

/* Part of a message is out, and the rest will not be. */
static apr_status_t
send_torn(mproc__stream_t *stream, apr_status_t rv)
{
    stream->out_state = MPROC_EBROKEN;
    mproc_plat_net_shut(stream->socket->handle);
    return rv == APR_TIMEUP ? MPROC_EBROKEN : rv;
}

/* The time is over before the message was. The system may have it yet. */
static apr_status_t
send_back(mproc__stream_t *stream)
{
    switch (mproc_plat_net_unsend(stream->socket->handle)) {
    case MPROC_PLAT_SENT:
        return APR_SUCCESS;
    case MPROC_PLAT_TORN:
        return send_torn(stream, APR_TIMEUP);
    default:
        return APR_TIMEUP;
    }
}

static apr_status_t
stream_send(mproc__stream_t *stream, const unsigned char *head,
            apr_size_t head_size, mproc_bytes_t message, apr_time_t deadline)
{
    apr_size_t done = 0, all = head_size + message.size, sent;
    apr_status_t rv = stream->out_state;

    while (rv == APR_SUCCESS && done < all) {
        apr_size_t first = done < head_size ? head_size - done : 0;
        apr_size_t from = done < head_size ? 0 : done - head_size;
        if (atomic_load(stream->closed)) {
            rv = MPROC_ECLOSED;
            break;
        }
        const char *body = message.size == 0
                               ? (const char *)head
                               : (const char *)message.data + from;
        rv = first > 0
                 ? mproc__socket_send(stream->socket, head + done, first, body,
                                      message.size, &sent)
                 : mproc__socket_send(stream->socket, body, message.size - from,
                                      NULL, 0, &sent);
        if (rv == APR_EAGAIN) {
            rv = stream_wait(stream, 1, deadline);
        }
        done += sent;
    }
    while (rv == APR_SUCCESS &&
           (rv = mproc__socket_flush(stream->socket)) == APR_EAGAIN) {
        rv = atomic_load(stream->closed) ? MPROC_ECLOSED
                                         : stream_wait(stream, 1, deadline);
    }
    if (rv != APR_SUCCESS && atomic_load(stream->closed)) {
        return MPROC_ECLOSED;
    }
    if (rv == APR_TIMEUP && done == 0) {
        rv = send_back(stream);
    }
    return rv != APR_SUCCESS && done > 0 ? send_torn(stream, rv) : rv;
}

apr_status_t
mproc__stream_send(mproc__stream_t *stream, mproc_bytes_t message,
                   apr_time_t deadline)
{
    unsigned char head[MPROC__FRAME_LONG];

    return stream_send(stream, head, mproc__frame_write(head, message.size),
                       message, deadline);
}

apr_status_t
mproc__stream_send_raw(mproc__stream_t *stream, mproc_bytes_t bytes,
                       apr_time_t deadline)
{
    const unsigned char *at = bytes.data;
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t size;

    if (!stream->whole) {
        return stream_send(stream, NULL, 0, bytes, deadline);
    }
    while (bytes.size > 0 && rv == APR_SUCCESS) {
        apr_size_t head = mproc__frame_length(at, bytes.size);
        (void)mproc__frame_read(at, &size);
        rv =
            stream_send(stream, at, head,
                        (mproc_bytes_t){at + head, (apr_size_t)size}, deadline);
        at += head + size;
        bytes.size -= head + (apr_size_t)size;
    }
    return rv;
}

/* ----------------------------------------------------------------- receive */

static apr_status_t
recv_ended(mproc__stream_t *stream, apr_status_t rv)
{
    atomic_store(&stream->in_state, rv);
    atomic_store(&stream->there, 1);
    return rv;
}

/* Whether something of a message has come. */
static int
is_inside(const mproc__stream_t *stream)
{
    return stream->head_got > 0 || stream->skip > 0;
}

/* Some of what was received ahead; 0 when there is nothing. */
static apr_size_t
ahead_take(mproc__stream_t *stream, void *data, apr_size_t size)
{
    apr_size_t left = atomic_load(&stream->ahead_left);

    size = size < left ? size : left;
    if (size > 0) {
        memcpy(data, stream->ahead + stream->ahead_at, size);
        stream->ahead_at += size;
        atomic_store(&stream->ahead_left, left - size);
    }
    return size;
}

/* Receive what is there; little of it by way of what comes with it. */
static apr_status_t
recv_now(mproc__stream_t *stream, void *data, apr_size_t *size)
{
    apr_size_t came = sizeof stream->ahead;
    apr_status_t rv;

    if (*size >= came) {
        return mproc__socket_recv(stream->socket, data, size);
    }
    rv = mproc__socket_recv(stream->socket, stream->ahead, &came);
    stream->ahead_at = 0;
    atomic_store(&stream->ahead_left, came);
    *size = ahead_take(stream, data, *size);
    return rv;
}

/* Receive some bytes, waiting for the first. Those of a call that come when its
 * time is over are counted. */
static apr_status_t
recv_some(mproc__stream_t *stream, void *data, apr_size_t *size,
          apr_time_t deadline)
{
    apr_size_t room = *size;
    apr_status_t rv;

    *size = ahead_take(stream, data, room);
    if (*size > 0) {
        return APR_SUCCESS;
    }
    while (stream->past < PAST_MOST) {
        if (atomic_load(stream->closed)) {
            return MPROC_ECLOSED;
        }
        *size = room;
        rv = recv_now(stream, data, size);
        if (rv == APR_EAGAIN) {
            rv = stream_wait(stream, 0, deadline);
            if (rv == APR_SUCCESS) {
                continue;
            }
            return rv;
        }
        if (rv == APR_SUCCESS) {
            stream->past += mproc_plat_clock() >= deadline ? *size : 0;
            return rv;
        }
        if (atomic_load(stream->closed)) {
            return MPROC_ECLOSED; /* That is what has ended it. */
        }
        return recv_ended(stream, is_inside(stream) ? MPROC_EFORMAT : rv);
    }
    return APR_TIMEUP;
}

/* The rest of a message that was dropped. */
static apr_status_t
skip_over(mproc__stream_t *stream, apr_time_t deadline)
{
    unsigned char nowhere[16384];
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && stream->skip > 0) {
        apr_size_t size = stream->skip < sizeof nowhere
                              ? (apr_size_t)stream->skip
                              : sizeof nowhere;
        rv = recv_some(stream, nowhere, &size, deadline);
        stream->skip -= rv == APR_SUCCESS ? size : 0;
    }
    return rv;
}

static apr_status_t
head_recv(mproc__stream_t *stream, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t size;

    while (rv == APR_SUCCESS &&
           (size = mproc__frame_length(stream->head, stream->head_got)) >
               stream->head_got) {
        size -= stream->head_got;
        rv =
            recv_some(stream, stream->head + stream->head_got, &size, deadline);
        stream->head_got += rv == APR_SUCCESS ? size : 0;
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__frame_read(stream->head, &stream->size);
        if (rv != APR_SUCCESS) {
            return recv_ended(stream, rv);
        }
        atomic_store(&stream->there, 1);
    }
    return rv;
}

apr_status_t
mproc__stream_head(mproc__stream_t *stream, apr_uint64_t limit,
                   apr_uint64_t *size, apr_time_t deadline)
{
    apr_status_t rv = atomic_load(&stream->in_state);

    *size = 0;
    stream->past = 0;
    if (rv == APR_SUCCESS && !atomic_load(&stream->there)) {
        rv = skip_over(stream, deadline);
        if (rv == APR_SUCCESS) {
            rv = head_recv(stream, deadline);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *size = stream->size;
    if (stream->size > (limit != 0 ? limit : (apr_size_t)-1 / 2)) {
        stream->skip = stream->size - stream->got;
        mproc__stream_taken(stream);
        return MPROC_ETOOBIG;
    }
    return APR_SUCCESS;
}

/* Room for the next bytes of the body, and one more. */
static apr_status_t
body_grow(mproc__stream_t *stream)
{
    apr_size_t most = (apr_size_t)stream->size + 1;
    apr_size_t room = stream->room < ROOM_FIRST ? ROOM_FIRST : stream->room * 2;
    unsigned char *more;

    if (stream->got + 1 < stream->room) {
        return APR_SUCCESS;
    }
    room = room < most ? room : most;
    if (room <= stream->room) {
        return APR_SUCCESS;
    }
    more = realloc(stream->body, room);
    if (more == NULL) {
        return APR_ENOMEM;
    }
    stream->body = more;
    stream->room = room;
    return APR_SUCCESS;
}

apr_status_t
mproc__stream_body(mproc__stream_t *stream, apr_time_t deadline)
{
    apr_status_t rv = body_grow(stream);

    while (rv == APR_SUCCESS && stream->got < stream->size) {
        apr_size_t size = stream->room - 1 - stream->got;
        apr_uint64_t left = stream->size - stream->got;
        size = size < left ? size : (apr_size_t)left;
        rv = recv_some(stream, stream->body + stream->got, &size, deadline);
        if (rv == APR_SUCCESS) {
            stream->got += size;
            rv = body_grow(stream);
        }
    }
    return rv;
}

void
mproc__stream_taken(mproc__stream_t *stream)
{
    stream->head_got = 0;
    stream->got = 0;
    stream->size = 0;
    if (stream->room > ROOM_KEPT) {
        free(stream->body);
        stream->body = NULL;
        stream->room = 0;
    }
    atomic_store(&stream->there, atomic_load(&stream->in_state) != APR_SUCCESS);
}

int
mproc__stream_has_more(mproc__stream_t *stream)
{
    return atomic_load(&stream->there) ||
           atomic_load(&stream->ahead_left) > 0 ||
           mproc__socket_has(stream->socket);
}

int
mproc__stream_is_ready(mproc__stream_t *stream)
{
    return mproc__stream_has_more(stream) ||
           mproc__netwatch_look(stream->socket->handle);
}

void
mproc__stream_free(mproc__stream_t *stream)
{
    if (stream != NULL) {
        free(stream->body);
        free(stream);
    }
}
