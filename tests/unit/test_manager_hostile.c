/*
 * test_manager_hostile.c: a manager's server against clients that do not keep
 * to the protocol: whatever comes, it goes on serving the others, and of the
 * foe nothing stays. A foe is a raw stream that knows the key, or not.
 */
#include "hostile.h"
#include "served_tasks.h"

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
    int ends, drops;
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
            for (drops = 0; drops < 3; drops++) { /* It had one only. */
                CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__DROP, 1, id, 0));
            }
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

/* -------------------------------------------------------------------- pools */

static apr_uint64_t
foe_pool(foe_t *foe, apr_int64_t processes)
{
    int i;
    foe_begin(foe, MPROC__MAKE, 1, 0, 0);
    foe_int(foe, MPROC_KIND_POOL);
    foe_bytes(foe, "\xc0", 1);
    foe_int(foe, processes);
    foe_int(foe, test_method());
    foe_bytes(foe, "\xc0\xc0\xc0", 3);
    for (i = 0; i < 4; i++) {
        foe_int(foe, 0);
    }
    foe_send(foe);
    REQUIRE_STATUS(APR_SUCCESS, foe_answer(foe));
    return mproc__id_read(foe->in + MPROC__REPLY_HEAD + 2);
}

static void
foe_task(foe_t *foe, apr_uint64_t pool, const char *name, apr_int64_t count)
{
    unsigned char head[2] = {0xd9, (unsigned char)strlen(name)};
    foe_begin(foe, MPROC__POOL_SEND, 1, pool, MPROC_FOREVER);
    foe_bytes(foe, head, 2);
    foe_bytes(foe, name, strlen(name));
    foe_int(foe, 1);
    foe_int(foe, -5);
    foe_int(foe, -5);
    foe_int(foe, -1);
    foe_int(foe, count);
}

static void
garbled_tasks(foe_t *foe, apr_uint64_t id)
{
    static const apr_int64_t counts[] = {-1, 2, 1 << 30, APR_INT64_MAX};
    apr_size_t i;
    for (i = 0; i < sizeof counts / sizeof *counts; i++) {
        foe_task(foe, id, "square", counts[i]);
        foe_bytes(foe, "\xc4\x01\x07", 3);
        foe_send(foe);
        CHECK(foe_answer(foe) != APR_SUCCESS);
    }
    foe_task(foe, id, "square", 1);
    foe_int(foe, 7); /* no bytes */
    foe_send(foe);
    CHECK_STATUS(MPROC_EREMOTE, foe_answer(foe));
    foe_task(foe, id, "square", 1);
    foe_bytes(foe, "\xc4\x0a", 2); /* that name an object */
    foe_object(foe, MPROC__WIRE_OBJECT, id);
    foe_send(foe);
    CHECK_STATUS(MPROC_EREMOTE, foe_answer(foe));
    foe_task(foe, id, "nothing", 0);
    foe_send(foe);
    CHECK_STATUS(MPROC_EREMOTE, foe_answer(foe));
    foe_begin(foe, MPROC__POOL_RESIZE, 1, id, 0);
    foe_int(foe, APR_INT64_MAX);
    foe_send(foe);
    CHECK_STATUS(APR_EINVAL, foe_answer(foe));
}

static void
garbled_results(foe_t *foe, apr_uint64_t id, apr_uint64_t async)
{
    static const apr_int64_t froms[] = {0, 1, 1000, APR_INT64_MAX};
    static const apr_int64_t counts[] = {2, -1, 1000, APR_INT64_MAX};
    apr_size_t i;
    for (i = 0; i < sizeof froms / sizeof *froms; i++) {
        foe_begin(foe, MPROC__ASYNC_GET, 1, async, MPROC_FOREVER);
        foe_int(foe, froms[i]);
        foe_int(foe, 0);
        foe_send(foe);
        CHECK_STATUS(APR_SUCCESS, foe_answer(foe));
        foe_begin(foe, MPROC__ASYNC_GET, 1, async, MPROC_FOREVER);
        foe_int(foe, -froms[i] - 1);
        foe_int(foe, 0);
        foe_send(foe);
        CHECK_STATUS(MPROC_EREMOTE, foe_answer(foe));
        foe_begin(foe, MPROC__ASYNC_SELECT, 1, async, MPROC_FOREVER);
        foe_int(foe, MPROC_ALL_SETTLED);
        foe_int(foe, counts[i]);
        foe_int(foe, (apr_int64_t)async);
        foe_int(foe, (apr_int64_t)(i % 2 ? async : id));
        foe_send(foe);
        CHECK(foe_answer(foe) != APR_SUCCESS);
    }
    CHECK_STATUS(MPROC_EREMOTE, foe_call(foe, MPROC__ASYNC_GET, 1, id, 0));
    CHECK_STATUS(MPROC_EREMOTE, foe_call(foe, MPROC__POOL_STATS, 1, async, 0));
}

/* Calls on pools that lie; a client that leaves in the middle of one. */
static void
pools_are_asked_for_what_is_not(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.address = LOCAL,
                                       .initializer = server_begin};
    foe_t *foe = apr_pcalloc(pool, sizeof *foe);
    mproc_manager_t *manager;
    apr_uint64_t id, async;
    int i;
    options.net = options_with(KEY);
    manager = manager_with(&options, pool);
    foe_join(foe, manager, 1, 0, pool);
    id = foe_pool(foe, 1);
    garbled_tasks(foe, id); /* whether it is up or not */
    CHECK_STATUS(APR_SUCCESS,
                 foe_call(foe, MPROC__POOL_READY, 1, id, MPROC_FOREVER));
    garbled_tasks(foe, id);
    foe_task(foe, id, "square", 1);
    foe_bytes(foe, "\xc4\x01\x07", 3);
    foe_send(foe);
    REQUIRE_STATUS(APR_SUCCESS, foe_answer(foe));
    async = mproc__id_read(foe->in + MPROC__REPLY_HEAD + 2);
    garbled_results(foe, id, async);
    /* One that could not be made says so, whatever it is asked. */
    id = foe_pool(foe, 1 << 20);
    CHECK_STATUS(APR_EINVAL,
                 foe_call(foe, MPROC__POOL_READY, 1, id, MPROC_FOREVER));
    CHECK_STATUS(APR_EINVAL, foe_call(foe, MPROC__POOL_STATS, 1, id, 0));
    CHECK_STATUS(APR_EINVAL, foe_call(foe, MPROC__POOL_JOIN, 1, id, 0));
    foe_close(foe);
    target_is_well(manager, 0);
    for (i = 0; i < 20; i++) {
        foe_join(foe, manager, (unsigned char)(i + 2), 0, pool);
        id = foe_pool(foe, 1);
        if (i % 2) {
            CHECK_STATUS(APR_SUCCESS, foe_call(foe, MPROC__POOL_READY, 1, id,
                                               MPROC_FOREVER));
        }
        foe_task(foe, id, i % 4 ? "sleep" : "square", 1);
        foe_bytes(foe, "\xc4\x01\x07", 3);
        foe_send(foe);
        foe_close(foe);
    }
    target_is_well(manager, 0);
    server_end(manager);
}

static const test_case_t cases[] = {{"strangers", strangers},
                                    {"hellos", hellos},
                                    {"frames", frames},
                                    {"lies_inside", lies_inside},
                                    {"wrong_ids", wrong_ids},
                                    {"wrong_names", wrong_names},
                                    {"given_up_meanwhile", given_up_meanwhile},
                                    {"pools", pools_are_asked_for_what_is_not},
                                    {NULL, NULL}};

const test_suite_t suite_manager_hostile = {"manager_hostile", 0, cases};
