/*
 * auth.c: the handshake of CPython's multiprocessing.
 *
 * Who accepts sends a challenge, checks the answer and sends its verdict; then
 * the same the other way round. Each message is a frame of at most 256 bytes:
 * "#CHALLENGE#" and a message M, a MAC of M by the key, "#WELCOME#" or
 * "#FAILURE#". Since CPython 3.12 M begins with the name of a digest in braces,
 * which the MAC covers, and so does the answer, which may name another digest;
 * before, M was 20 bytes and the answer HMAC-MD5 without a name, which is
 * given and taken only when that was asked for.
 *
 * We challenge for SHA-256. What the other side names is answered as it asks:
 * all digests known are at least as strong, but for md5.
 */
#include "auth.h"

#include <apr_general.h>

#include <stdio.h>
#include <string.h>

#include <mproc/error.h>

#include "hmac.h"

#define CHALLENGE "#CHALLENGE#"
#define WELCOME "#WELCOME#"
#define FAILURE "#FAILURE#"
#define DIGEST "{sha256}"
#define RANDOM 40
#define OLD_MESSAGE 20
#define OLD_MAC 16
#define NAME_MOST 9

_Static_assert(sizeof CHALLENGE - 1 + sizeof DIGEST - 1 + RANDOM <=
                   MPROC__AUTH_MOST,
               "a challenge fits");

enum {
    END,
    CHALLENGE_SEND,
    ANSWER_CHECK,
    VERDICT_SEND,
    CHALLENGE_RECV,
    ANSWER_SEND,
    VERDICT_RECV
};

static const unsigned char accepting[] = {
    CHALLENGE_SEND, ANSWER_CHECK, VERDICT_SEND, CHALLENGE_RECV,
    ANSWER_SEND,    VERDICT_RECV, END};
static const unsigned char connecting[] = {
    CHALLENGE_RECV, ANSWER_SEND,  VERDICT_RECV, CHALLENGE_SEND,
    ANSWER_CHECK,   VERDICT_SEND, END};

static void
auth_fail(mproc__auth_t *auth, apr_status_t status, const char *why)
{
    auth->want = MPROC__AUTH_FAILED;
    auth->failure = status;
    snprintf(auth->why, sizeof auth->why, "%s", why);
}

/* ----------------------------------------------------------------- sending */

static void
out_put(mproc__auth_t *auth, const void *data, apr_size_t size)
{
    memcpy(auth->out + auth->out_size, data, size);
    auth->out_size += size;
}

static void
out_begin(mproc__auth_t *auth)
{
    auth->out_size = MPROC__FRAME_SHORT;
    auth->sent = 0;
}

static void
out_end(mproc__auth_t *auth)
{
    unsigned char head[MPROC__FRAME_LONG];

    mproc__frame_write(head, auth->out_size - MPROC__FRAME_SHORT);
    memcpy(auth->out, head, MPROC__FRAME_SHORT);
    auth->want = MPROC__AUTH_SEND;
}

static void
challenge_make(mproc__auth_t *auth)
{
    apr_size_t name = sizeof DIGEST - 1;

    memcpy(auth->challenge, DIGEST, name);
    auth->challenge_size = name + RANDOM;
    if (apr_generate_random_bytes(auth->challenge + name, RANDOM) !=
        APR_SUCCESS) {
        auth_fail(auth, APR_EGENERAL, "the system gives no random bytes");
        return;
    }
    out_begin(auth);
    out_put(auth, CHALLENGE, sizeof CHALLENGE - 1);
    out_put(auth, auth->challenge, auth->challenge_size);
    out_end(auth);
}

/* The verdict on the answer, which was checked already. */
static void
verdict_make(mproc__auth_t *auth)
{
    int good = auth->failure == APR_SUCCESS;

    out_begin(auth);
    out_put(auth, good ? WELCOME : FAILURE, sizeof WELCOME - 1);
    out_end(auth);
}

/* --------------------------------------------------------------- receiving */

/* The name of a digest that a message begins with, in braces. Returns how many
 * bytes that are; 0 when there is none that is known. */
static apr_size_t
digest_name(const unsigned char *at, apr_size_t size, char name[NAME_MOST])
{
    apr_size_t i;

    if (size == 0 || at[0] != '{') {
        return 0;
    }
    for (i = 1; i < size && i < NAME_MOST && at[i] != '}'; i++) {
        name[i - 1] = (char)at[i];
    }
    if (i == size || at[i] != '}') {
        return 0;
    }
    name[i - 1] = '\0';
    return mproc__hmac_size(name) > 0 ? i + 1 : 0;
}

static const char md5_refused[] =
    "it asks for HMAC-MD5, as CPython up to 3.11 does, and that is off; set "
    "auth_legacy_md5 where it must be";

/* Answer the other side's challenge. */
static void
answer_make(mproc__auth_t *auth)
{
    const unsigned char *at = auth->in + MPROC__FRAME_SHORT;
    apr_size_t size = auth->got - MPROC__FRAME_SHORT, prefix;
    unsigned char mac[MPROC__MAC_MOST];
    char name[NAME_MOST];
    mproc_bytes_t message;

    message.data = at + (sizeof CHALLENGE - 1);
    message.size = size - (sizeof CHALLENGE - 1);
    prefix = digest_name(message.data, message.size, name);
    if (message.size == OLD_MESSAGE) {
        strcpy(name, "md5");
        prefix = 0;
    }
    else if (prefix == 0 || message.size < OLD_MESSAGE) {
        auth_fail(auth, MPROC_EAUTH,
                  "its challenge names no digest that is known here");
        return;
    }
    if (strcmp(name, "md5") == 0 && !auth->legacy_md5) {
        auth_fail(auth, MPROC_EAUTH, md5_refused);
        return;
    }
    if (mproc__hmac(name, auth->key, message, mac) != APR_SUCCESS) {
        auth_fail(auth, MPROC_EAUTH,
                  "the library of cryptography refuses the digest that it "
                  "asks for");
        return;
    }
    out_begin(auth);
    out_put(auth, message.data, prefix);
    out_put(auth, mac, mproc__hmac_size(name));
    out_end(auth);
}

static void
challenge_take(mproc__auth_t *auth)
{
    apr_size_t size = auth->got - MPROC__FRAME_SHORT;

    if (size < sizeof CHALLENGE - 1 ||
        memcmp(auth->in + MPROC__FRAME_SHORT, CHALLENGE,
               sizeof CHALLENGE - 1) != 0) {
        auth_fail(auth, MPROC_EFORMAT,
                  "it sent no challenge; it may be none that uses a key");
    }
}

/* Whether the answer to our challenge is right; if not, the verdict says so
 * before the failure is told. */
static void
answer_check(mproc__auth_t *auth)
{
    const unsigned char *at = auth->in + MPROC__FRAME_SHORT;
    apr_size_t size = auth->got - MPROC__FRAME_SHORT, prefix;
    mproc_bytes_t message = {auth->challenge, auth->challenge_size};
    unsigned char mac[MPROC__MAC_MOST];
    const char *why = "its key is another one";
    char name[NAME_MOST];
    int good = 0;

    prefix = digest_name(at, size, name);
    if (prefix == 0 && size == OLD_MAC) {
        strcpy(name, "md5");
    }
    else if (prefix == 0) {
        auth_fail(auth, MPROC_EFORMAT, "it sent no answer to the challenge");
        return;
    }
    if (strcmp(name, "md5") == 0 && !auth->legacy_md5) {
        why = md5_refused;
    }
    else if (size - prefix == mproc__hmac_size(name) &&
             mproc__hmac(name, auth->key, message, mac) == APR_SUCCESS) {
        good = mproc__hmac_same(mac, at + prefix, size - prefix);
    }
    if (!good) {
        auth_fail(auth, MPROC_EAUTH, why);
    }
}

static void
verdict_take(mproc__auth_t *auth)
{
    apr_size_t size = auth->got - MPROC__FRAME_SHORT;
    const unsigned char *at = auth->in + MPROC__FRAME_SHORT;

    if (size == sizeof WELCOME - 1 && memcmp(at, WELCOME, size) == 0) {
        return;
    }
    if (size == sizeof FAILURE - 1 && memcmp(at, FAILURE, size) == 0) {
        auth_fail(auth, MPROC_EAUTH,
                  "it does not accept the answer to its challenge: its key is "
                  "another one");
        return;
    }
    auth_fail(auth, MPROC_EFORMAT, "it sent no verdict on the answer");
}

/* ---------------------------------------------------------------- stepping */

/* Go to what comes next. */
static void
auth_enter(mproc__auth_t *auth)
{
    switch (auth->steps[0]) {
    case CHALLENGE_SEND:
        challenge_make(auth);
        break;
    case VERDICT_SEND:
        verdict_make(auth);
        break;
    case ANSWER_SEND:
        answer_make(auth);
        break;
    case END:
        auth->want = MPROC__AUTH_DONE;
        break;
    default:
        auth->got = 0;
        auth->want = MPROC__AUTH_RECV;
        break;
    }
}

static void
auth_next(mproc__auth_t *auth)
{
    auth->steps++;
    auth_enter(auth);
}

void
mproc__auth_begin(mproc__auth_t *auth, int connects, mproc_bytes_t key,
                  int legacy_md5)
{
    memset(auth, 0, sizeof *auth);
    auth->steps = connects ? connecting : accepting;
    auth->key = key;
    auth->legacy_md5 = legacy_md5;
    auth_enter(auth);
}

mproc_bytes_t
mproc__auth_output(mproc__auth_t *auth)
{
    mproc_bytes_t bytes = {auth->out + auth->sent, auth->out_size - auth->sent};

    return bytes;
}

void
mproc__auth_sent(mproc__auth_t *auth, apr_size_t count)
{
    auth->sent += count;
    if (auth->sent < auth->out_size) {
        return;
    }
    if (auth->failure != APR_SUCCESS) {
        auth->want = MPROC__AUTH_FAILED; /* The verdict has said so. */
        return;
    }
    auth_next(auth);
}

void *
mproc__auth_room(mproc__auth_t *auth, apr_size_t *size)
{
    apr_uint64_t length = 0;

    if (auth->got >= MPROC__FRAME_SHORT) {
        (void)mproc__frame_read(auth->in, &length); /* Was read before. */
    }
    *size = MPROC__FRAME_SHORT + (apr_size_t)length - auth->got;
    return auth->in + auth->got;
}

/* A whole message is in. */
static void
message_take(mproc__auth_t *auth)
{
    switch (auth->steps[0]) {
    case CHALLENGE_RECV:
        challenge_take(auth);
        break;
    case ANSWER_CHECK:
        answer_check(auth);
        if (auth->want == MPROC__AUTH_FAILED && auth->failure == MPROC_EAUTH) {
            auth_next(auth); /* Tell it. */
            return;
        }
        break;
    default:
        verdict_take(auth);
        break;
    }
    if (auth->want != MPROC__AUTH_FAILED) {
        auth_next(auth);
    }
}

void
mproc__auth_received(mproc__auth_t *auth, apr_size_t count)
{
    apr_uint64_t length;

    auth->got += count;
    if (auth->got < MPROC__FRAME_SHORT) {
        return;
    }
    if (mproc__frame_length(auth->in, auth->got) != MPROC__FRAME_SHORT ||
        mproc__frame_read(auth->in, &length) != APR_SUCCESS ||
        length > MPROC__AUTH_MOST) {
        auth_fail(auth, MPROC_EFORMAT,
                  "what it sent is no message of the handshake");
        return;
    }
    if (auth->got == MPROC__FRAME_SHORT + length) {
        message_take(auth);
    }
}
