/*
 * stream.h: whole messages on a stream of bytes. What has come of a message
 * stays here until the rest has come, however many calls that takes.
 *
 * One thread at a time sends, one at a time receives; any may look.
 */
#ifndef MPROC_SRC_STREAM_H
#define MPROC_SRC_STREAM_H

#include <stdatomic.h>

#include <mproc/types.h>

#include "frame.h"
#include "sockets.h"

#define MPROC__STREAM_AHEAD 4096

typedef struct mproc__stream_t {
    mproc__socket_t *socket;
    const atomic_int *closed; /* whether the owner has closed it */
    int whole; /* each message is sent by a call of its own: a named pipe */
    apr_status_t out_state;        /* not 0: nothing can be sent any more */
    _Atomic apr_status_t in_state; /* not 0: nothing can be received */
    atomic_int there;              /* a head is in, or in_state is set */
    unsigned char head[MPROC__FRAME_LONG];
    apr_size_t head_got;
    apr_uint64_t size; /* of the message whose head is in */
    apr_uint64_t skip; /* bytes of a dropped message, still to come */
    apr_size_t past;   /* bytes that this call took when its time was over */
    unsigned char *body;
    apr_size_t room, got; /* of body */
    /* Received, and not yet taken: small messages come many at a time. */
    _Atomic apr_size_t ahead_left;
    apr_size_t ahead_at;
    unsigned char ahead[MPROC__STREAM_AHEAD];
} mproc__stream_t;

/* Send a message.
 * @return APR_SUCCESS; APR_TIMEUP, nothing was sent; MPROC_EBROKEN, it was cut
 *         off in the middle, now or before, and nothing can be sent any more;
 *         APR_EPIPE or APR_ECONNRESET; MPROC_ECLOSED */
apr_status_t mproc__stream_send(mproc__stream_t *stream, mproc_bytes_t message,
                                apr_time_t deadline);

/* Send bytes that are whole messages with their heads. The same. */
apr_status_t mproc__stream_send_raw(mproc__stream_t *stream,
                                    mproc_bytes_t bytes, apr_time_t deadline);

/* Come to a message; when it has more than `limit` bytes it is dropped.
 * @param size receives how many it has
 * @return APR_SUCCESS; MPROC_ETOOBIG, it is dropped; APR_TIMEUP; APR_EOF;
 *         MPROC_EFORMAT, it is torn or none; APR_ECONNRESET; MPROC_ECLOSED */
apr_status_t mproc__stream_head(mproc__stream_t *stream, apr_uint64_t limit,
                                apr_uint64_t *size, apr_time_t deadline);

/* Receive all of it into stream->body, with a byte of room behind it. The
 * same, and APR_ENOMEM. */
apr_status_t mproc__stream_body(mproc__stream_t *stream, apr_time_t deadline);

/* The message was used; the next one can come. */
void mproc__stream_taken(mproc__stream_t *stream);

/* Whether to receive something would not wait; whether that is so whatever
 * lies in the handle. */
int mproc__stream_is_ready(mproc__stream_t *stream);
int mproc__stream_has_more(mproc__stream_t *stream);

void mproc__stream_free(mproc__stream_t *stream);

#endif
