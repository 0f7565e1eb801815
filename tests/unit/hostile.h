/* hostile.h: clients of a manager that do not keep to its protocol. */
#ifndef MPROC_TESTS_HOSTILE_H
#define MPROC_TESTS_HOSTILE_H

#include <stdio.h>
#include <string.h>

#include "managers.h"

#include "../../lib/src/auth.h"
#include "../../lib/src/manager_wire.h"
#include "../../lib/src/wire.h"

#define ROOM 65536
#define ANSWER_MOST ((apr_uint64_t)1 << 24)

/* A client that says what it likes. */
typedef struct foe_t {
    const char *address;
    apr_pool_t *pool;
    apr_int64_t raw;
    unsigned char token[MPROC__TOKEN_SIZE];
    unsigned char out[ROOM]; /* a request: the head, then arguments */
    apr_size_t size;
    unsigned char in[ROOM]; /* what came of it: the beginning */
    apr_size_t got;
} foe_t;

static inline mproc_manager_t *
target_start(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL,
                                       .start_method = test_method()};
    mproc_manager_t *manager;
    options.net = options_with(KEY);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    return manager;
}

/* All is well: it serves, and has no other clients nor calls. */
static inline void
target_is_well(mproc_manager_t *manager, int objects)
{
    apr_time_t deadline = test_far();
    mproc_manager_census_t census;
    do {
        REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
        REQUIRE(mproc_clock() < deadline);
    } while (census.clients != 1 || census.waiting != 0);
    CHECK_INT(objects, census.objects);
}

/* Prove the key. 1: done. */
static inline int
foe_prove(foe_t *foe, const char *key)
{
    mproc__auth_t auth;
    mproc__auth_begin(&auth, 1, text_bytes(key), 0);
    while (auth.want == MPROC__AUTH_SEND || auth.want == MPROC__AUTH_RECV) {
        if (auth.want == MPROC__AUTH_SEND) {
            mproc_bytes_t bytes = mproc__auth_output(&auth);
            raw_send(foe->raw, bytes.data, bytes.size);
            mproc__auth_sent(&auth, bytes.size);
        }
        else {
            apr_size_t size;
            void *room = mproc__auth_room(&auth, &size);
            if (raw_recv(foe->raw, room, size) < size) {
                return 0;
            }
            mproc__auth_received(&auth, size);
        }
    }
    return auth.want == MPROC__AUTH_DONE;
}

static inline void
foe_connect(foe_t *foe, mproc_manager_t *manager, apr_pool_t *pool)
{
    foe->address = mproc_manager_address(manager);
    foe->pool = pool;
    foe->raw = raw_connect(foe->address, pool);
}

static inline void
foe_close(foe_t *foe)
{
    mproc_plat_net_close(foe->raw);
    foe->raw = -1;
}

/* It is hung up on. */
static inline void
foe_is_ended(foe_t *foe)
{
    CHECK_INT(0, raw_recv(foe->raw, foe->in, 1));
    foe_close(foe);
}

static inline void
foe_frame(foe_t *foe, const void *data, apr_size_t size)
{
    unsigned char head[MPROC__FRAME_LONG];
    raw_send(foe->raw, head, mproc__frame_write(head, size));
    raw_send(foe->raw, data, size);
}

static inline void
foe_hello(foe_t *foe, apr_uint32_t magic, int before)
{
    unsigned char hello[MPROC__HELLO_SIZE];
    mproc__low_first(hello, magic, 4);
    mproc__low_first(hello + 4, MPROC__MANAGER_VERSION, 4);
    mproc__low_first(hello + 8, (apr_uint64_t)before, 4);
    memcpy(hello + 12, foe->token, sizeof foe->token);
    foe_frame(foe, hello, sizeof hello);
}

/* A message. 0: it was hung up on. */
static inline int
foe_recv(foe_t *foe)
{
    unsigned char head[MPROC__FRAME_LONG];
    apr_uint64_t size;
    if (raw_recv(foe->raw, head, MPROC__FRAME_SHORT) < MPROC__FRAME_SHORT) {
        return 0;
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc__frame_read(head, &size));
    REQUIRE(size < ANSWER_MOST);
    foe->got = size < ROOM ? (apr_size_t)size : ROOM;
    if (raw_recv(foe->raw, foe->in, foe->got) < foe->got) {
        return 0;
    }
    for (size -= foe->got; size > 0; size--) {
        unsigned char byte;
        if (raw_recv(foe->raw, &byte, 1) == 0) {
            return 0;
        }
    }
    return 1;
}

/* Another connection of the client's that has the token. */
static inline void
foe_join(foe_t *foe, mproc_manager_t *manager, unsigned char token, int before,
         apr_pool_t *pool)
{
    foe_connect(foe, manager, pool);
    memset(foe->token, token, sizeof foe->token);
    REQUIRE(foe_prove(foe, KEY));
    foe_hello(foe, MPROC__MANAGER_MAGIC, before);
    REQUIRE(foe_recv(foe));
}

static inline void
foe_begin(foe_t *foe, unsigned method, unsigned thread, apr_uint64_t id,
          apr_int64_t timeout)
{
    mproc__low_first(foe->out, method, 4);
    mproc__low_first(foe->out + 4, thread, 4);
    mproc__low_first(foe->out + 8, id, 8);
    mproc__low_first(foe->out + 16, (apr_uint64_t)timeout, 8);
    foe->size = MPROC__REQUEST_HEAD;
}

static inline void
foe_bytes(foe_t *foe, const void *data, apr_size_t size)
{
    REQUIRE(foe->size + size <= ROOM);
    memcpy(foe->out + foe->size, data, size);
    foe->size += size;
}

static inline void
foe_int(foe_t *foe, apr_int64_t number)
{
    unsigned char bytes[9] = {0xd3};
    mproc__id_write(bytes + 1, (apr_uint64_t)number);
    foe_bytes(foe, bytes, sizeof bytes);
}

static inline void
foe_object(foe_t *foe, int type, apr_uint64_t id)
{
    unsigned char bytes[10] = {0xd7, (unsigned char)type};
    mproc__id_write(bytes + 2, id);
    foe_bytes(foe, bytes, sizeof bytes);
}

static inline void
foe_send(foe_t *foe)
{
    foe_frame(foe, foe->out, foe->size);
}

/* The status of the answer. */
static inline apr_status_t
foe_answer(foe_t *foe)
{
    REQUIRE(foe_recv(foe));
    REQUIRE(foe->got >= MPROC__REPLY_HEAD);
    return (apr_status_t)mproc__from_low(foe->in, 4);
}

static inline apr_status_t
foe_call(foe_t *foe, unsigned method, unsigned thread, apr_uint64_t id,
         apr_int64_t timeout)
{
    foe_begin(foe, method, thread, id, timeout);
    foe_send(foe);
    return foe_answer(foe);
}

/* Have one made; what the kind takes are numbers. */
static inline apr_uint64_t
foe_make(foe_t *foe, int kind, int count, const apr_int64_t *numbers)
{
    foe_begin(foe, MPROC__MAKE, 1, 0, 0);
    foe_int(foe, kind);
    foe_bytes(foe, "\xc0", 1);
    while (count-- > 0) {
        foe_int(foe, *numbers++);
    }
    foe_send(foe);
    REQUIRE_STATUS(APR_SUCCESS, foe_answer(foe));
    REQUIRE(foe->got == MPROC__REPLY_HEAD + 10);
    return mproc__id_read(foe->in + MPROC__REPLY_HEAD + 2);
}

#endif
