/* net_pipe_stream.c: to receive from a named pipe, and to send (net_pipe.c). */
#include "net_pipe_own.h"

#include "win32.h"

#include <stdlib.h>
#include <string.h>

#define OUT_KEPT 65536 /* bytes of room, between messages */

/* ----------------------------------------------------------------- receive */

/* The head of a message. */
static void
head_make(mproc__pipe_t *pipe, apr_uint64_t size)
{
    int i, at = 0, count = MPROC__PIPE_HEAD_SHORT;

    if (size > MPROC__PIPE_SHORT_MOST) {
        memset(pipe->head, 0xff, MPROC__PIPE_HEAD_SHORT);
        at = MPROC__PIPE_HEAD_SHORT;
        count = MPROC__PIPE_HEAD_LONG - MPROC__PIPE_HEAD_SHORT;
    }
    for (i = count; i > 0; i--) {
        pipe->head[at + i - 1] = (unsigned char)size;
        size >>= 8;
    }
    pipe->head_at = 0;
    pipe->head_size = (DWORD)(at + count);
}

/* Locked, as all that follow. */
void
mproc__pipe_receive_begin(mproc__pipe_t *pipe)
{
    memset(&pipe->receiving.overlapped, 0, sizeof pipe->receiving.overlapped);
    pipe->receiving.overlapped.hEvent = pipe->event[0];
    pipe->in_at = pipe->in_size = 0;
    pipe->receiving.pending = 1;
    if (!ReadFile(pipe->file, pipe->in, MPROC__PIPE_ROOM, NULL,
                  &pipe->receiving.overlapped)) {
        DWORD error = GetLastError();
        if (error != ERROR_IO_PENDING && error != ERROR_MORE_DATA) {
            pipe->receiving.pending = 0;
            pipe->in_status = mproc__pipe_status(error, APR_EOF);
            SetEvent(pipe->event[0]);
        }
    }
}

static void
receive_harvest(mproc__pipe_t *pipe)
{
    DWORD count = 0, left = 0, error = 0;

    if (!pipe->receiving.pending) {
        return;
    }
    if (!GetOverlappedResult(pipe->file, &pipe->receiving.overlapped, &count,
                             FALSE)) {
        error = GetLastError();
    }
    if (error == ERROR_IO_INCOMPLETE) {
        return;
    }
    pipe->receiving.pending = 0;
    if (error == ERROR_OPERATION_ABORTED && !pipe->ended) {
        mproc__pipe_receive_begin(pipe); /* The thread that began has ended. */
        return;
    }
    if (error != 0 && error != ERROR_MORE_DATA) {
        pipe->in_status = mproc__pipe_status(error, APR_EOF);
        return;
    }
    if (!pipe->inside) {
        if (error == ERROR_MORE_DATA &&
            (!PeekNamedPipe(pipe->file, NULL, 0, NULL, NULL, &left) ||
             left == 0)) {
            /* The rest was given up: the end comes inside the message. */
            left = 1;
            pipe->in_status = APR_EOF;
        }
        head_make(pipe, (apr_uint64_t)count + left);
    }
    pipe->inside = error == ERROR_MORE_DATA;
    pipe->in_at = 0;
    pipe->in_size = count;
}

static int
receive_has(const mproc__pipe_t *pipe)
{
    return pipe->head_at < pipe->head_size || pipe->in_at < pipe->in_size;
}

/* Have an operation under way, if there is nothing and may be something. */
static void
receive_go_on(mproc__pipe_t *pipe)
{
    if (!receive_has(pipe) && !pipe->receiving.pending &&
        pipe->in_status == APR_SUCCESS) {
        mproc__pipe_receive_begin(pipe);
    }
}

static apr_size_t
bytes_take(void *data, apr_size_t room, const unsigned char *from, DWORD *at,
           DWORD size)
{
    apr_size_t count = size - *at < room ? size - *at : room;

    memcpy(data, from + *at, count);
    *at += (DWORD)count;
    return count;
}

int
mproc__pipe_can_receive(mproc__pipe_t *pipe)
{
    receive_harvest(pipe);
    return !pipe->receiving.pending;
}

apr_status_t
mproc__pipe_stream_recv(mproc__pipe_t *pipe, char *data, apr_size_t *size)
{
    apr_size_t room = *size, done = 0;

    *size = 0;
    if (pipe->ended) {
        return APR_EOF;
    }
    receive_go_on(pipe);
    receive_harvest(pipe);
    while (receive_has(pipe) && done < room) {
        done += bytes_take(data + done, room - done, pipe->head, &pipe->head_at,
                           pipe->head_size);
        done += bytes_take(data + done, room - done, pipe->in, &pipe->in_at,
                           pipe->in_size);
        receive_go_on(pipe);
        receive_harvest(pipe);
    }
    *size = done;
    return done > 0                         ? APR_SUCCESS
           : pipe->receiving.pending        ? APR_EAGAIN
           : pipe->in_status == APR_SUCCESS ? APR_EAGAIN
                                            : pipe->in_status;
}

/* -------------------------------------------------------------------- send */

static void
send_harvest(mproc__pipe_t *pipe)
{
    DWORD count, error = 0;

    if (!pipe->sending.pending) {
        return;
    }
    if (!GetOverlappedResult(pipe->file, &pipe->sending.overlapped, &count,
                             FALSE)) {
        error = GetLastError();
    }
    if (error != ERROR_IO_INCOMPLETE) {
        pipe->sending.pending = 0;
        pipe->written = error == 0;
        if (error != 0 && error != ERROR_OPERATION_ABORTED) {
            pipe->out_status = mproc__pipe_status(error, APR_EPIPE);
        }
    }
}

/* Part of what was offered, as if it were in one place. */
static void
offer_copy(unsigned char *to, apr_size_t from, apr_size_t size,
           const void *head, apr_size_t head_size, const void *body)
{
    apr_size_t first = from < head_size ? head_size - from : 0;

    first = first < size ? first : size;
    if (first > 0) {
        memcpy(to, (const unsigned char *)head + from, first);
    }
    if (size > first) {
        memcpy(to + first,
               (const unsigned char *)body + from + first - head_size,
               size - first);
    }
}

/* How long the head of a message of so many bytes, with its head, is. */
static apr_size_t
head_length(apr_size_t all)
{
    return all <= MPROC__PIPE_HEAD_SHORT + (apr_size_t)MPROC__PIPE_SHORT_MOST
               ? MPROC__PIPE_HEAD_SHORT
               : MPROC__PIPE_HEAD_LONG;
}

static apr_status_t
send_begin(mproc__pipe_t *pipe, apr_size_t size)
{
    memset(&pipe->sending.overlapped, 0, sizeof pipe->sending.overlapped);
    pipe->sending.overlapped.hEvent = pipe->event[1];
    pipe->sending.pending = 1;
    pipe->sending_size = size;
    if (!WriteFile(pipe->file, pipe->out, (DWORD)size, NULL,
                   &pipe->sending.overlapped)) {
        DWORD error = GetLastError();
        if (error != ERROR_IO_PENDING) {
            pipe->sending.pending = 0;
            SetEvent(pipe->event[1]);
            return mproc__pipe_status(error, APR_EPIPE);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
pipe_offer(mproc__pipe_t *pipe, const void *head, apr_size_t head_size,
           const void *body, apr_size_t body_size)
{
    apr_size_t skip = head_length(head_size + body_size);
    apr_size_t size = head_size + body_size - skip;

    if (head_size + body_size < skip || size > MAXDWORD) {
        return APR_EINVAL;
    }
    if (size > pipe->out_room || pipe->out == NULL) {
        unsigned char *more = realloc(pipe->out, size + 1);
        if (more == NULL) {
            return APR_ENOMEM;
        }
        pipe->out = more;
        pipe->out_room = size + 1;
    }
    offer_copy(pipe->out, skip, size, head, head_size, body);
    return send_begin(pipe, size);
}

/* It is written; its copy is not needed any more. */
static void
send_done(mproc__pipe_t *pipe)
{
    pipe->written = 0;
    if (pipe->out_room > OUT_KEPT) {
        free(pipe->out);
        pipe->out = NULL;
        pipe->out_room = 0;
    }
}

int
mproc__pipe_can_send(mproc__pipe_t *pipe)
{
    send_harvest(pipe);
    return !pipe->sending.pending;
}

apr_status_t
mproc__pipe_stream_send(mproc__pipe_t *pipe, const void *head,
                        apr_size_t head_size, const void *body,
                        apr_size_t body_size, apr_size_t *sent)
{
    apr_status_t rv = pipe->ended ? APR_EPIPE : pipe->out_status;

    if (rv == APR_SUCCESS && !pipe->sending.pending && !pipe->written) {
        rv = pipe_offer(pipe, head, head_size, body, body_size);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    send_harvest(pipe);
    if (pipe->sending.pending) {
        return APR_EAGAIN;
    }
    if (!pipe->written) { /* Taken back by the system: once more. */
        return pipe->out_status == APR_SUCCESS ? APR_EAGAIN : pipe->out_status;
    }
    send_done(pipe);
    *sent = head_size + body_size;
    return APR_SUCCESS;
}

/* What fits into the system's buffer waits only while others are before it, so
 * nothing of it was received yet. Of what does not fit, that is not known. */
mproc_plat_net_unsent_e
mproc__pipe_stream_unsend(mproc__pipe_t *pipe)
{
    send_harvest(pipe);
    if (pipe->sending.pending) {
        if (pipe->sending_size > pipe->quota) {
            pipe->out_status = APR_EPIPE;
            return MPROC_PLAT_TORN;
        }
        mproc__pipe_cancel(pipe->file, &pipe->sending.overlapped);
        send_harvest(pipe);
    }
    if (!pipe->written) {
        return MPROC_PLAT_UNSENT;
    }
    send_done(pipe);
    return MPROC_PLAT_SENT;
}
