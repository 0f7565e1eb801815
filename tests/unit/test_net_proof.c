/*
 * test_net_proof.c: the handshake, byte by byte, with a side that does what is
 * allowed and is done by nobody here, or what is not (W4 to W6, W9, W10).
 */
#include <stdio.h>

#include "net.h"

#define HEAD 4
#define CHALLENGE "#CHALLENGE#"
#define WELCOME "#WELCOME#"
#define FAILURE "#FAILURE#"

/* Send a message with its head. */
static void
frame_send(apr_int64_t raw, const void *data, apr_size_t size)
{
    unsigned char frame[HEAD + 512] = {0, 0, (unsigned char)(size >> 8),
                                       (unsigned char)size};
    REQUIRE(size <= 512);
    memcpy(frame + HEAD, data, size);
    raw_send(raw, frame, HEAD + size);
}

/* Receive one; its size, or -1 at the end. */
static int
frame_recv(apr_int64_t raw, unsigned char data[512])
{
    unsigned char head[HEAD];
    apr_size_t size;
    if (raw_recv(raw, head, HEAD) != HEAD) {
        return -1;
    }
    size = (apr_size_t)head[2] << 8 | head[3];
    REQUIRE(head[0] == 0 && head[1] == 0 && size <= 512);
    return raw_recv(raw, data, size) == size ? (int)size : -1;
}

typedef struct proof_t {
    const char *address;
    apr_thread_t *thread;
    const char *name;   /* of the digest that is answered with */
    const char *prefix; /* as the answer says */
    int good;           /* 1; -1: it is refused; 0: it is none */
    int cut, flip;      /* bytes that are left out; a bit is wrong */
    char verdict[16];
} proof_t;

/* A client that answers the challenge as it is told to, and goes. */
static void *APR_THREAD_FUNC
client_proves(apr_thread_t *thread, void *baton)
{
    proof_t *proof = baton;
    unsigned char in[512] = "", out[512];
    apr_size_t prefix = strlen(proof->prefix);
    apr_pool_t *pool;
    apr_int64_t raw;
    mproc_bytes_t message = {in + 11, 0};
    int size;
    apr_pool_create(&pool, NULL);
    raw = raw_connect(proof->address, pool);
    size = frame_recv(raw, in);
    if (size > 11) {
        message.size = (apr_size_t)size - 11;
        memcpy(out, proof->prefix, prefix);
        (void)mproc__hmac(proof->name, text_bytes(KEY), message, out + prefix);
        out[prefix] ^= (unsigned char)proof->flip;
        frame_send(raw, out,
                   prefix + mproc__hmac_size(proof->name) -
                       (apr_size_t)proof->cut);
        size = frame_recv(raw, in);
        if (size > 0 && size < 16) {
            memcpy(proof->verdict, in, (size_t)size);
        }
    }
    mproc_plat_net_close(raw);
    apr_pool_destroy(pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* W6, W8, W10: any digest that is allowed will do, if all of it is right. */
static void
answers_are_checked(apr_pool_t *pool)
{
    static const proof_t all[] = {
        {.good = 1, .name = "sha256", .prefix = "{sha256}"},
        {.good = 1, .name = "sha384", .prefix = "{sha384}"},
        {.good = 1, .name = "sha3_256", .prefix = "{sha3_256}"},
        {.good = 1, .name = "sha3_384", .prefix = "{sha3_384}"},
        {.good = -1, .name = "sha256", .prefix = "{sha384}"},
        {.good = 0, .name = "sha256", .prefix = ""},
        {.good = 0, .name = "sha256", .prefix = "{sha1}"},
        {.good = -1, .name = "sha256", .prefix = "{sha256}", .cut = 1},
        {.good = -1, .name = "sha256", .prefix = "{sha256}", .cut = 32},
        {.good = -1, .name = "sha256", .prefix = "{sha256}", .flip = 1},
        {.good = -1, .name = "sha384", .prefix = "{sha384}", .cut = 16},
        {.good = -1, .name = "md5", .prefix = "{md5}"},
        {.good = -1, .name = "md5", .prefix = ""},
    };
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    apr_status_t rv;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    for (i = 0; i < (int)(sizeof all / sizeof *all); i++) {
        proof_t proof = all[i];
        proof.address = mproc_listener_address(listener);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&proof.thread, NULL, client_proves,
                                         &proof, pool));
        /* Who goes after a good answer is no client, and no failure; nor is
         * what is no answer at all. */
        CHECK_STATUS(all[i].good < 0 ? MPROC_EAUTH : APR_TIMEUP,
                     mproc_listener_accept(
                         listener, &here,
                         all[i].good < 0 ? test_deadline() : 100000, pool));
        REQUIRE_STATUS(APR_SUCCESS, apr_thread_join(&rv, proof.thread));
        CHECK_TEXT(all[i].good > 0   ? WELCOME
                   : all[i].good < 0 ? FAILURE
                                     : "",
                   proof.verdict);
    }
}

/* W5: what is longer is not waited for. */
static void
long_messages_are_refused(apr_pool_t *pool)
{
    mproc_net_options_t options = options_with(KEY);
    mproc_listener_t *listener;
    mproc_connection_t *here;
    unsigned char in[512];
    apr_int64_t raw;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_listener_create(&listener, LOCAL, &options, pool));
    raw = raw_connect(mproc_listener_address(listener), pool);
    raw_send(raw, "\0\0\1\1", HEAD); /* 257 */
    CHECK_STATUS(APR_TIMEUP,
                 mproc_listener_accept(listener, &here, 100000, pool));
    CHECK_INT(59, frame_recv(raw, in));
    CHECK_INT(-1, frame_recv(raw, in));
    mproc_plat_net_close(raw);
    /* As long as it may be, it is heard to its end. */
    raw = raw_connect(mproc_listener_address(listener), pool);
    memset(in, 'x', sizeof in);
    memcpy(in, "{sha256}", 8);
    frame_send(raw, in, 256);
    CHECK_STATUS(MPROC_EAUTH,
                 mproc_listener_accept(listener, &here, test_deadline(), pool));
    CHECK_INT(59, frame_recv(raw, in));
    CHECK_INT(9, frame_recv(raw, in));
    CHECK(memcmp(in, FAILURE, 9) == 0);
    mproc_plat_net_close(raw);
}

/* W4, W9: what a client that has a key answers, and what it does not. */
static void
challenges_are_checked(apr_pool_t *pool)
{
    static const struct {
        const char *text; /* to which 40 bytes are added */
        int size;         /* of all, or 0 */
        apr_status_t status;
    } all[] = {
        {CHALLENGE "{sha1}", 0, MPROC_EAUTH},
        {CHALLENGE "sha256", 0, MPROC_EAUTH},
        {CHALLENGE "{sha256}", 11 + 19, MPROC_EAUTH},
        {CHALLENGE, 11, MPROC_EAUTH},
        {CHALLENGE, 11 + 20, MPROC_EAUTH},
        {CHALLENGE "{md5}", 0, MPROC_EAUTH},
        {"#CHALLENGE:{sha256}", 0, MPROC_EAUTH},
        {WELCOME, 9, MPROC_EAUTH},
    };
    mproc_net_options_t options = options_with(KEY);
    mproc__address_t where;
    apr_port_t port;
    apr_int64_t raw, taken;
    char peer[MPROC_PLAT_NET_TEXT], text[60];
    unsigned char in[512];
    apr_status_t rv = APR_EAGAIN;
    int i;
    REQUIRE_STATUS(APR_SUCCESS, mproc__address_parse(&where, LOCAL, test_far(),
                                                     "test", pool));
    raw = raw_listen_at(where.resolved, &port);
    for (i = 0; i < (int)(sizeof all / sizeof *all); i++) {
        beside_t beside = {.options = &options};
        mproc_plat_net_item_t item = {raw, 0, 0};
        size_t size = strlen(all[i].text);
        beside.address = apr_psprintf(pool, "tcp:127.0.0.1:%d", (int)port);
        beside_start(&beside, beside_connect, pool);
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, test_far()));
        rv = mproc_plat_net_accept(raw, &taken, peer);
        REQUIRE_STATUS(APR_SUCCESS, rv);
        memset(text, 'r', sizeof text);
        memcpy(text, all[i].text, size);
        frame_send(taken, text,
                   all[i].size > 0 ? (apr_size_t)all[i].size : size + 40);
        CHECK_INT(-1, frame_recv(taken, in)); /* Nothing is answered. */
        mproc_plat_net_close(taken);
        beside_join(&beside);
        CHECK_STATUS(all[i].status, beside.status);
    }
    mproc_plat_net_close(raw);
}

static const test_case_t cases[] = {
    {"answers_are_checked", answers_are_checked},
    {"long_messages_are_refused", long_messages_are_refused},
    {"challenges_are_checked", challenges_are_checked},
    {NULL, NULL}};

const test_suite_t suite_net_proof = {"net_proof", 0, cases};
