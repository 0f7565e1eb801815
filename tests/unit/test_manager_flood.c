/* test_manager_flood.c: a manager under clients that send very much, or
 * anything. */
#include "hostile.h"

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
    static const int kinds[] = {MPROC_KIND_DICT,      MPROC_KIND_LIST,
                                MPROC_KIND_NAMESPACE, MPROC_KIND_SET,
                                MPROC_KIND_QUEUE,     MPROC_KIND_LOCK,
                                MPROC_KIND_RLOCK,     MPROC_KIND_EVENT,
                                MPROC_KIND_BARRIER,   MPROC_KIND_SEMAPHORE};
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

static const test_case_t cases[] = {{"takes_nothing", takes_nothing},
                                    {"never_stops_asking", never_stops_asking},
                                    {"at_random", at_random},
                                    {NULL, NULL}};

const test_suite_t suite_manager_flood = {"manager_flood", 0, cases};
