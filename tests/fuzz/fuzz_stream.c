/*
 * fuzz_stream.c: any bytes at all from the other side of a socket: into the
 * handshake, as listener and as client, and into the reader of messages.
 *
 * As fuzz_unpack.c. The first byte of the input says what it is for and how
 * the rest is cut: bit 0 the side, bit 1 whether MD5 is taken, bits 2 and 3
 * the size of the pieces; bits 4 to 7 the limit of messages.
 *
 * Nobody without the key may come through the handshake; a reader gives only
 * messages that are there, within the limit, in order.
 */
#include <mproc.h>

#include <apr_general.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#include "../../lib/src/auth.h"
#include "../../lib/src/stream.h"
#include "../../platform/plat_net.h"

/* No file of the corpus knows the key, nor what is asked. */
static void
handshake_check(const uint8_t *data, size_t size, unsigned how)
{
    static const mproc_bytes_t key = {"abracadabra", 11};
    size_t piece = (size_t)1 << (how >> 2 & 3) * 2;
    mproc__auth_t auth;

    mproc__auth_begin(&auth, (int)(how & 1), key, (int)(how >> 1 & 1));
    for (;;) {
        apr_size_t room;
        void *at;
        if (auth.want == MPROC__AUTH_SEND) {
            mproc_bytes_t out = mproc__auth_output(&auth);
            must(out.size > 0 && out.size <= sizeof auth.out, "what is sent");
            mproc__auth_sent(&auth, out.size > piece ? piece : out.size);
            continue;
        }
        if (auth.want != MPROC__AUTH_RECV) {
            break;
        }
        at = mproc__auth_room(&auth, &room);
        must(room > 0 && (unsigned char *)at + room <= auth.in + sizeof auth.in,
             "room for what is received");
        room = room < size ? room : size;
        room = room < piece ? room : piece;
        if (room == 0) {
            return; /* It waits for more. */
        }
        memcpy(at, data, room);
        data += room;
        size -= room;
        mproc__auth_received(&auth, room);
    }
    must(auth.want == MPROC__AUTH_FAILED, "nobody comes in without the key");
    must(auth.why[0] != '\0', "a failure without a reason");
}

/* The same bytes, read in one go. Returns 0 at their end. */
static int
message_expect(const uint8_t **data, const uint8_t *end, apr_uint64_t *size)
{
    apr_size_t head;

    if (end - *data < MPROC__FRAME_SHORT) {
        return 0;
    }
    head = mproc__frame_length(*data, MPROC__FRAME_SHORT);
    if ((apr_size_t)(end - *data) < head ||
        mproc__frame_read(*data, size) != APR_SUCCESS) {
        return 0;
    }
    *data += head;
    return 1;
}

static void
messages_check(mproc__stream_t *stream, const uint8_t *data, size_t size,
               apr_uint64_t limit)
{
    const uint8_t *end = data + size;
    apr_uint64_t expected, got;
    apr_status_t rv;

    for (;;) {
        int any = message_expect(&data, end, &expected);
        rv = mproc__stream_head(stream, limit, &got, MPROC_FOREVER);
        must(any == (rv == APR_SUCCESS || rv == MPROC_ETOOBIG),
             "a message is there or not");
        if (!any) {
            must(rv == APR_EOF || rv == MPROC_EFORMAT, "how it ends");
            return;
        }
        must(got == expected && (rv == MPROC_ETOOBIG) == (got > limit),
             "its size, and the limit");
        if (rv == APR_SUCCESS) {
            rv = mproc__stream_body(stream, MPROC_FOREVER);
            must((rv == APR_SUCCESS) == ((apr_uint64_t)(end - data) >= got),
                 "all of it is there or not");
            must(rv != APR_SUCCESS || memcmp(stream->body, data, got) == 0,
                 "its bytes");
            mproc__stream_taken(stream);
        }
        must(stream->room <= limit + 1, "no more memory than the limit");
        data += expected < (apr_uint64_t)(end - data) ? expected
                                                      : (size_t)(end - data);
    }
}

static void
stream_check(const uint8_t *data, size_t size, unsigned how)
{
    apr_uint64_t limit = (apr_uint64_t)1 << (how >> 4);
    mproc__stream_t *stream = calloc(1, sizeof *stream);
    mproc__socket_t socket = {.handle = -1};
    atomic_int closed = 0;
    apr_int64_t end[2];
    apr_size_t sent = 0;

    must(stream != NULL && mproc_plat_net_pair(end) == APR_SUCCESS, "a pair");
    must(size == 0 || mproc_plat_net_send(end[1], data, size, NULL, 0, &sent) ==
                          APR_SUCCESS,
         "it fits");
    must(sent == size, "all of it fits");
    mproc_plat_net_shut(end[1]);
    socket.handle = end[0];
    stream->socket = &socket;
    stream->closed = &closed;
    messages_check(stream, data, size, limit);
    mproc__stream_free(stream);
    mproc_plat_net_close(end[0]);
    mproc_plat_net_close(end[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int begun;

    if (!begun) {
        must(apr_initialize() == APR_SUCCESS, "APR starts");
        begun = 1;
    }
    if (size > 0 && size < 32768) {
        handshake_check(data + 1, size - 1, data[0]);
        stream_check(data + 1, size - 1, data[0]);
    }
    return 0;
}

#ifdef FUZZ_REPLAY
#include "replay.h"
#endif
