/*
 * test_manager_hostile.c: a manager's server against clients that do not keep
 * to the protocol: whatever comes, it goes on serving the others, and of the
 * foe nothing stays. A foe is a raw stream that knows the key, or not.
 */
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

static mproc_manager_t *
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
static void
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
static int
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

static void
foe_connect(foe_t *foe, mproc_manager_t *manager, apr_pool_t *pool)
{
    foe->address = mproc_manager_address(manager);
    foe->pool = pool;
    foe->raw = raw_connect(foe->address, pool);
}

static void
foe_close(foe_t *foe)
{
    mproc_plat_net_close(foe->raw);
    foe->raw = -1;
}

/* It is hung up on. */
static void
foe_is_ended(foe_t *foe)
{
    CHECK_INT(0, raw_recv(foe->raw, foe->in, 1));
    foe_close(foe);
}

static void
foe_frame(foe_t *foe, const void *data, apr_size_t size)
{
    unsigned char head[MPROC__FRAME_LONG];
    raw_send(foe->raw, head, mproc__frame_write(head, size));
    raw_send(foe->raw, data, size);
}

static void
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
static int
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
static void
foe_join(foe_t *foe, mproc_manager_t *manager, unsigned char token, int before,
         apr_pool_t *pool)
{
    foe_connect(foe, manager, pool);
    memset(foe->token, token, sizeof foe->token);
    REQUIRE(foe_prove(foe, KEY));
    foe_hello(foe, MPROC__MANAGER_MAGIC, before);
    REQUIRE(foe_recv(foe));
}

static void
foe_begin(foe_t *foe, unsigned method, unsigned thread, apr_uint64_t id,
          apr_int64_t timeout)
{
    mproc__low_first(foe->out, method, 4);
    mproc__low_first(foe->out + 4, thread, 4);
    mproc__low_first(foe->out + 8, id, 8);
    mproc__low_first(foe->out + 16, (apr_uint64_t)timeout, 8);
    foe->size = MPROC__REQUEST_HEAD;
}

static void
foe_bytes(foe_t *foe, const void *data, apr_size_t size)
{
    REQUIRE(foe->size + size <= ROOM);
    memcpy(foe->out + foe->size, data, size);
    foe->size += size;
}

static void
foe_int(foe_t *foe, apr_int64_t number)
{
    unsigned char bytes[9] = {0xd3};
    mproc__id_write(bytes + 1, (apr_uint64_t)number);
    foe_bytes(foe, bytes, sizeof bytes);
}

static void
foe_object(foe_t *foe, int type, apr_uint64_t id)
{
    unsigned char bytes[10] = {0xd7, (unsigned char)type};
    mproc__id_write(bytes + 2, id);
    foe_bytes(foe, bytes, sizeof bytes);
}

static void
foe_send(foe_t *foe)
{
    foe_frame(foe, foe->out, foe->size);
}

/* The status of the answer. */
static apr_status_t
foe_answer(foe_t *foe)
{
    REQUIRE(foe_recv(foe));
    REQUIRE(foe->got >= MPROC__REPLY_HEAD);
    return (apr_status_t)mproc__from_low(foe->in, 4);
}

static apr_status_t
foe_call(foe_t *foe, unsigned method, unsigned thread, apr_uint64_t id,
         apr_int64_t timeout)
{
    foe_begin(foe, method, thread, id, timeout);
    foe_send(foe);
    return foe_answer(foe);
}

/* Have one made; what the kind takes are numbers. */
static apr_uint64_t
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

/* ------------------------------------------------------------ the beginning */

/* Who does not know the key, or says nothing, or half of something. */
static void
strangers(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    foe_t *silent = apr_pcalloc(pool, sizeof *silent);
    foe_connect(silent, manager, pool);
    foe_connect(foe, manager, pool);
    CHECK(!foe_prove(foe, "another"));
    foe_close(foe);
    target_is_well(manager, 0);
    /* No proof at all, but a hello. */
    foe_connect(foe, manager, pool);
    foe_hello(foe, MPROC__MANAGER_MAGIC, 0);
    while (raw_recv(foe->raw, foe->in, ROOM) == ROOM) {
    }
    foe_close(foe);
    target_is_well(manager, 0);
    foe_close(silent);
    target_is_well(manager, 0);
}

/* Hellos that are torn, or another's, or of one who is not known. */
static void
hellos(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    foe_connect(foe, manager, pool);
    REQUIRE(foe_prove(foe, KEY));
    foe_hello(foe, MPROC__MANAGER_MAGIC + 1, 0);
    foe_is_ended(foe);
    foe_connect(foe, manager, pool);
    REQUIRE(foe_prove(foe, KEY));
    foe_hello(foe, MPROC__MANAGER_MAGIC, 1); /* was never here */
    foe_is_ended(foe);
    foe_connect(foe, manager, pool);
    REQUIRE(foe_prove(foe, KEY));
    foe_frame(foe, "too short", 9);
    foe_is_ended(foe);
    foe_connect(foe, manager, pool);
    REQUIRE(foe_prove(foe, KEY));
    foe_frame(foe, foe->out, ROOM); /* too long */
    while (raw_recv(foe->raw, foe->in, ROOM) == ROOM) {
    }
    foe_close(foe);
    foe_connect(foe, manager, pool);
    REQUIRE(foe_prove(foe, KEY));
    raw_send(foe->raw, "\0\0\0\x1c half", 9); /* torn */
    target_is_well(manager, 0);
    foe_close(foe);
    target_is_well(manager, 0);
}

/* ----------------------------------------------------------------- messages */

/* Frames that are cut off, slow, or lie about their size. */
static void
frames(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    unsigned char head[MPROC__FRAME_LONG];
    mproc_manager_census_t census;
    apr_size_t i;
    foe_join(foe, manager, 1, 0, pool);
    foe_begin(foe, MPROC__CENSUS, 1, 0, 0);
    raw_send(foe->raw, head, mproc__frame_write(head, foe->size));
    for (i = 0; i < foe->size; i++) {
        raw_send(foe->raw, foe->out + i, 1);
        CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    }
    CHECK_STATUS(APR_SUCCESS, foe_answer(foe));
    /* No room for what a request has in any case. */
    foe_frame(foe, foe->out, MPROC__REQUEST_HEAD - 1);
    foe_is_ended(foe);
    foe_join(foe, manager, 1, 0, pool);
    foe_frame(foe, "", 0);
    foe_is_ended(foe);
    foe_join(foe, manager, 1, 0, pool);
    raw_send(foe->raw, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    CHECK_STATUS(MPROC_ETOOBIG, foe_answer(foe));
    foe_close(foe);
    /* It would be 2 GiB, and is nothing. */
    foe_join(foe, manager, 1, 0, pool);
    raw_send(foe->raw, "\x7f\xff\xff\xff half", 9);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(2, census.clients);
    foe_close(foe);
    target_is_well(manager, 0);
}

/* Values that promise more than there is, or nest too deep. */
static void
lies_inside(apr_pool_t *pool)
{
    static const char *const lies[] = {
        "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff",
        "\xdb\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff", "\xc1\xc1\xc1\xc1\xc1",
        "\xdd\xff\xff\xff\x01", "\xd3\xff\xff\xff\x01"};
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    apr_uint64_t dict, list;
    apr_size_t i;
    unsigned method;
    foe_join(foe, manager, 1, 0, pool);
    dict = foe_make(foe, MPROC_KIND_DICT, 0, NULL);
    list = foe_make(foe, MPROC_KIND_LIST, 0, NULL);
    for (i = 0; i < sizeof lies / sizeof *lies; i++) {
        for (method = MPROC__FORGET; method < MPROC__METHODS; method++) {
            foe_begin(foe, method, 1, method < MPROC__LIST_PUT ? dict : list,
                      0);
            foe_bytes(foe, lies[i], 5);
            foe_send(foe);
            CHECK(foe_answer(foe) != APR_SUCCESS);
        }
    }
    /* Deep. */
    for (method = MPROC__FORGET; method < MPROC__METHODS; method++) {
        foe_begin(foe, method, 1, method < MPROC__LIST_PUT ? dict : list, 0);
        memset(foe->out + foe->size, 0x91, ROOM - foe->size - 1);
        foe->out[ROOM - 1] = 1;
        foe->size = ROOM;
        foe_send(foe);
        (void)foe_answer(foe);
    }
    /* As many as there cannot be. */
    foe_begin(foe, MPROC__LIST_PUT, 1, list, 0);
    foe_int(foe, MPROC__PUT_LAST);
    foe_int(foe, 0);
    foe_int(foe, 7);
    foe_send(foe);
    CHECK_STATUS(APR_SUCCESS, foe_answer(foe));
    foe_begin(foe, MPROC__LIST_REPEAT, 1, list, 0);
    foe_int(foe, (apr_int64_t)1 << 62);
    foe_send(foe);
    CHECK(foe_answer(foe) != APR_SUCCESS);
    foe_close(foe);
    target_is_well(manager, 0);
}

/* ---------------------------------------------------------------------- ids */

/* Ids that name nothing, or something else. */
static void
wrong_ids(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    apr_uint64_t ids[40];
    unsigned method;
    int count, i;
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &lock, NULL, pool));
    foe_join(foe, manager, 1, 0, pool);
    ids[0] = foe_make(foe, MPROC_KIND_DICT, 0, NULL); /* stale */
    CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, ids[0], 0));
    CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, ids[0], 0));
    ids[1] = 0;
    ids[2] = ~(apr_uint64_t)0;
    ids[3] = ids[0] + 1;
    ids[4] = ids[0] - 1;
    ids[5] = ids[0] ^ (apr_uint64_t)1 << 63;
    for (count = 6; count < 40; count++) {
        ids[count] = ids[0] + ((apr_uint64_t)1 << count);
    }
    for (i = 0; i < count; i++) {
        for (method = 0; method < MPROC__METHODS + 3; method++) {
            if (method != MPROC__SHUTDOWN && method != MPROC__CENSUS &&
                method != MPROC__DROP) {
                CHECK(foe_call(foe, method, 1, ids[i], 0) != APR_SUCCESS);
            }
        }
        CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, ids[i], 0));
    }
    CHECK_STATUS(MPROC_EREMOTE, foe_call(foe, 0xffffffff, 1, 0, 0));
    /* A condition of what is no lock. */
    for (i = 1; i < count; i++) {
        foe_begin(foe, MPROC__MAKE, 1, 0, 0);
        foe_int(foe, MPROC_KIND_CONDITION);
        foe_bytes(foe, "\xc0", 1);
        foe_int(foe, (apr_int64_t)ids[i]);
        foe_send(foe);
        CHECK((foe_answer(foe) == APR_SUCCESS) == (ids[i] == 0));
    }
    foe_close(foe);
    target_is_well(manager, 1);
}

/* Values that name what is not there, or is of another kind. */
static void
wrong_names(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    apr_uint64_t dict, list, gone;
    int type;
    foe_join(foe, manager, 1, 0, pool);
    dict = foe_make(foe, MPROC_KIND_DICT, 0, NULL);
    list = foe_make(foe, MPROC_KIND_LIST, 0, NULL);
    gone = foe_make(foe, MPROC_KIND_LIST, 0, NULL);
    CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, gone, 0));
    for (type = 0; type < 128; type++) {
        int good = type == MPROC__WIRE_SERVED + MPROC_KIND_LIST;
        apr_status_t rv;
        foe_begin(foe, MPROC__DICT_SET, 1, dict, 0);
        foe_int(foe, 1);
        foe_object(foe, type, list);
        foe_send(foe);
        rv = foe_answer(foe);
        CHECK(type == MPROC__WIRE_OBJECT || type >= MPROC__WIRE_SERVED
                  ? (rv == APR_SUCCESS) == good
                  : 1);
        foe_begin(foe, MPROC__DICT_SET, 1, dict, 0);
        foe_object(foe, type, list);
        foe_object(foe, type, gone);
        foe_send(foe);
        rv = foe_answer(foe);
        CHECK(rv != APR_SUCCESS ||
              (type != MPROC__WIRE_OBJECT && type < MPROC__WIRE_SERVED));
    }
    foe_close(foe);
    target_is_well(manager, 0);
}

/* Kinds for which MAKE needs nothing, or numbers. */
static const struct {
    int kind, count;
    apr_int64_t numbers[2];
    unsigned waits;
} waited[] = {{MPROC_KIND_QUEUE, 1, {0, 0}, MPROC__QUEUE_GET},
              {MPROC_KIND_LOCK, 0, {0, 0}, MPROC__LOCK_ACQUIRE},
              {MPROC_KIND_RLOCK, 0, {0, 0}, MPROC__LOCK_ACQUIRE},
              {MPROC_KIND_SEMAPHORE, 2, {0, 0}, MPROC__SEMAPHORE_ACQUIRE},
              {MPROC_KIND_EVENT, 0, {0, 0}, MPROC__EVENT_WAIT},
              {MPROC_KIND_BARRIER, 1, {2, 0}, MPROC__BARRIER_WAIT},
              {MPROC_KIND_CONDITION, 1, {0, 0}, MPROC__CONDITION_WAIT},
              {MPROC_KIND_VALUE, 2, {1, 1}, MPROC__CELL_ACQUIRE}};

/* One connection gives up what another of the same client waits for. */
static void
given_up_meanwhile(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    foe_t *second = apr_pcalloc(pool, sizeof *second);
    apr_size_t i;
    int ends;
    for (i = 0; i < sizeof waited / sizeof *waited; i++) {
        for (ends = 0; ends < 2; ends++) {
            apr_uint64_t id;
            foe_join(foe, manager, 1, 0, pool);
            foe_join(second, manager, 1, 1, pool);
            foe_begin(foe, MPROC__MAKE, 1, 0, 0);
            foe_int(foe, waited[i].kind);
            foe_bytes(foe, "\xc0", 1);
            foe_int(foe, waited[i].numbers[0]);
            foe_int(foe, waited[i].numbers[1]);
            if (waited[i].kind == MPROC_KIND_VALUE) {
                foe->size -= 18;
                foe_int(foe, 1);
                foe_int(foe, 1);
                foe_bytes(foe, "\xc0", 1);
            }
            foe_send(foe);
            REQUIRE_STATUS(APR_SUCCESS, foe_answer(foe));
            id = mproc__id_read(foe->in + MPROC__REPLY_HEAD + 2);
            if (waited[i].waits == MPROC__LOCK_ACQUIRE ||
                waited[i].waits == MPROC__CELL_ACQUIRE) {
                CHECK_STATUS(APR_SUCCESS,
                             foe_call(foe, waited[i].waits, 1, id, 0));
            }
            if (waited[i].kind == MPROC_KIND_CONDITION) {
                CHECK_STATUS(APR_SUCCESS,
                             foe_call(foe, MPROC__LOCK_ACQUIRE, 2, id, 0));
            }
            foe_begin(second, waited[i].waits, 2, id,
                      ends ? MPROC_FOREVER : 300 * 1000);
            if (waited[i].kind == MPROC_KIND_QUEUE) {
                foe_int(second, 1);
                foe_int(second, -1);
            }
            foe_send(second);
            waiting_settle(manager, 1);
            CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, id, 0));
            if (!ends) {
                CHECK(foe_answer(second) != APR_SUCCESS);
                foe_close(foe);
                foe_close(second);
            }
            else {
                foe_close(i % 2 ? foe : second);
                foe_close(i % 2 ? second : foe);
            }
            target_is_well(manager, 0);
        }
    }
}

/* --------------------------------------------------------------- in bulk */

/* Asks for much, and takes nothing of it. */
static void
takes_nothing(apr_pool_t *pool)
{
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    mproc_dict_t *dict;
    apr_size_t sent, at = 0, size;
    unsigned char *frames;
    char *big = apr_pcalloc(pool, 1 << 20);
    apr_time_t deadline;
    apr_uint64_t id;
    int i;
    enum {
        FRAMES = 20000
    };
    foe_join(foe, manager, 1, 0, pool);
    id = foe_make(foe, MPROC_KIND_DICT, 0, NULL);
    foe_begin(foe, MPROC__MAKE, 1, 0, 0);
    foe_int(foe, MPROC_KIND_DICT);
    foe_bytes(foe,
              "\xa1"
              "d",
              2);
    foe_send(foe);
    REQUIRE_STATUS(APR_SUCCESS, foe_answer(foe));
    id = mproc__id_read(foe->in + MPROC__REPLY_HEAD + 2);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "y",
                                                (mproc_bytes_t){big, 1 << 20}));
    foe_begin(foe, MPROC__DICT_GET, 1, id, 0);
    foe_bytes(foe,
              "\xa1"
              "a",
              2);
    foe_int(foe, 0);
    frames = apr_palloc(pool, FRAMES * (foe->size + MPROC__FRAME_LONG));
    for (size = 0, i = 0; i < FRAMES; i++) {
        size += mproc__frame_write(frames + size, foe->size);
        memcpy(frames + size, foe->out, foe->size);
        size += foe->size;
    }
    /* 20 GB of answers; it stops listening long before. */
    deadline = mproc_clock() + 500 * 1000;
    while (at < size && mproc_clock() < deadline) {
        apr_status_t rv = mproc_plat_net_send(foe->raw, frames + at, size - at,
                                              NULL, 0, &sent);
        REQUIRE(rv == APR_SUCCESS || rv == APR_EAGAIN);
        at += rv == APR_SUCCESS ? sent : 0;
        CHECK_INT(1, mproc_dict_size(dict)); /* it serves others */
    }
    foe_close(foe);
    target_is_well(manager, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
}

static void *APR_THREAD_FUNC
asks_on(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    foe_t *foe = (foe_t *)(void *)beside->listener;
    while (foe_recv(foe)) {
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void *APR_THREAD_FUNC
serve_beside(apr_thread_t *thread, void *baton)
{
    beside_t *beside = baton;
    beside->status = mproc_manager_serve(
        (mproc_manager_t *)(void *)beside->listener, MPROC_FOREVER);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* A server ends, whoever asks for more meanwhile. */
static void
never_stops_asking(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL};
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    mproc_manager_t *manager;
    beside_t reads = {0}, serves = {0};
    apr_time_t asked = 0, deadline;
    apr_status_t rv;
    apr_size_t sent, at = 0, size = 0;
    unsigned char frames[200 * (MPROC__REQUEST_HEAD + MPROC__FRAME_SHORT)];
    int i;
    options.net = options_with(KEY);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_listen(&manager, &options, pool));
    serves.listener = (mproc_listener_t *)(void *)manager;
    beside_start(&serves, serve_beside, pool);
    foe_join(foe, manager, 1, 0, pool);
    foe_begin(foe, MPROC__CENSUS, 1, 0, 0);
    for (i = 0; i < 200; i++) {
        size += mproc__frame_write(frames + size, foe->size);
        memcpy(frames + size, foe->out, foe->size);
        size += foe->size;
    }
    reads.listener = (mproc_listener_t *)(void *)foe;
    beside_start(&reads, asks_on, pool);
    deadline = test_far();
    for (;;) {
        rv = mproc_plat_net_send(foe->raw, frames + at, size - at, NULL, 0,
                                 &sent);
        if (rv != APR_SUCCESS && rv != APR_EAGAIN) {
            break; /* It has ended. */
        }
        at = rv == APR_SUCCESS ? (at + sent) % size : at;
        if (asked == 0 && mproc_clock() > deadline - test_deadline() + 100000) {
            asked = mproc_clock();
            CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, 0));
        }
        REQUIRE(mproc_clock() < deadline);
    }
    CHECK(asked != 0);
    beside_join(&serves);
    CHECK_STATUS(APR_SUCCESS, serves.status);
    beside_join(&reads);
    foe_close(foe);
}

/* ---------------------------------------------------------------- at random */

static apr_uint32_t seed;

static unsigned
random_below(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* A value, most often one that is as it should be. */
static void
random_value(foe_t *foe, const apr_uint64_t *ids, int count, int depth)
{
    unsigned n;
    if (foe->size > ROOM - 100) {
        return;
    }
    switch (random_below(depth > 3 ? 7 : 10)) {
    case 0:
    case 1:
        foe_int(foe, (apr_int64_t)random_below(5) - 1);
        break;
    case 2:
        foe_int(foe, (apr_int64_t)((apr_uint64_t)random_below(1 << 20)
                                   << random_below(44)));
        break;
    case 3:
        foe_bytes(foe,
                  "\xa1"
                  "k",
                  2);
        break;
    case 4:
        foe_bytes(foe, "\xc4\x02xy", 4);
        break;
    case 5:
        foe_object(foe,
                   MPROC__WIRE_SERVED + (int)random_below(MPROC_KIND_COUNT),
                   ids[random_below((unsigned)count)]);
        break;
    case 6:
        n = random_below(256);
        foe_bytes(foe, &(char){(char)n}, 1);
        break;
    default:
        n = random_below(4);
        foe_bytes(foe, &(char){(char)(0x90 + n)}, 1);
        while (n-- > 0) {
            random_value(foe, ids, count, depth + 1);
        }
        break;
    }
}

/* Very many calls that nobody would make. */
static void
at_random(apr_pool_t *pool)
{
    static const int kinds[] = {
        MPROC_KIND_DICT,  MPROC_KIND_LIST,    MPROC_KIND_NAMESPACE,
        MPROC_KIND_QUEUE, MPROC_KIND_LOCK,    MPROC_KIND_RLOCK,
        MPROC_KIND_EVENT, MPROC_KIND_BARRIER, MPROC_KIND_SEMAPHORE};
    enum {
        KINDS = sizeof kinds / sizeof *kinds,
        IDS = KINDS + 4
    };
    mproc_manager_t *manager = target_start(pool);
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    apr_int64_t two[2] = {2, 2};
    apr_uint64_t ids[IDS] = {0};
    int i, k, calls = test_scaled(100000), there = 0;
    seed = (apr_uint32_t)mproc_clock();
    printf("seed %u\n", seed);
    for (i = 0; i < calls; i++) {
        unsigned method = random_below(MPROC__METHODS + 1), n;
        if (!there || random_below(2000) == 0) {
            if (there) {
                foe_close(foe);
            }
            foe_join(foe, manager, (unsigned char)i, 0, pool);
            for (k = 0; k < KINDS; k++) {
                ids[k] = foe_make(foe, kinds[k], 2, two);
            }
            there = 1;
        }
        ids[KINDS] = ids[random_below(KINDS)] + random_below(3);
        ids[KINDS + 1] = ids[random_below(KINDS)] ^ (apr_uint64_t)1
                                                        << random_below(63);
        ids[KINDS + 2] = random_below(1 << 20);
        if (method == MPROC__SHUTDOWN || method == MPROC__LIST_REPEAT) {
            continue; /* It may. */
        }
        foe_begin(foe, method, random_below(3), ids[random_below(IDS)],
                  random_below(20) == 0 ? 100 : 0);
        if (method == MPROC__MAKE) {
            foe_int(foe, random_below(MPROC_KIND_COUNT + 2));
            foe_bytes(foe, "\xc0", 1);
        }
        for (n = random_below(5); n > 0; n--) {
            random_value(foe, ids, IDS, 0);
        }
        foe_send(foe);
        there = foe_recv(foe);
        if (!there) {
            foe_close(foe);
        }
    }
    if (there) {
        foe_close(foe);
    }
    target_is_well(manager, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
}

static const test_case_t cases[] = {{"strangers", strangers},
                                    {"hellos", hellos},
                                    {"frames", frames},
                                    {"lies_inside", lies_inside},
                                    {"wrong_ids", wrong_ids},
                                    {"wrong_names", wrong_names},
                                    {"given_up_meanwhile", given_up_meanwhile},
                                    {"takes_nothing", takes_nothing},
                                    {"never_stops_asking", never_stops_asking},
                                    {"at_random", at_random},
                                    {NULL, NULL}};

const test_suite_t suite_manager_hostile = {"manager_hostile", 0, cases};
