/*
 * unpack.c: bytes into variables.
 *
 * Format and bytes are read side by side, one token for one letter, with no
 * tree between them. The frames say where that is, for the sentence when
 * something does not fit.
 */
#include "pack.h"

#include "datum.h"
#include "error.h"
#include "format.h"
#include "wire.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* More levels than these are not told in a sentence. */
#define PLACE_LEVELS 6

typedef struct frame_t {
    char bracket;      /* 0 for the top */
    apr_size_t number; /* of the value that is being read, from 1 */
} frame_t;

typedef struct unpacker_t {
    mproc__wire_t wire;
    const char *format;
    apr_pool_t *pool;
    unsigned depth;
    frame_t frames[MPROC__NESTING_MAX + 1];
    va_list args;
} unpacker_t;

/* "value 2 of the list in value 1" */
static void
place_text(const unpacker_t *unpacker, char *text, apr_size_t size)
{
    /* A single bracket around everything needs no number. */
    unsigned last =
        unpacker->depth > 0 && mproc__format_count(unpacker->format) == 1;
    unsigned level = unpacker->depth;
    apr_size_t used = 0;

    for (;;) {
        const frame_t *frame = &unpacker->frames[level];
        int is_map = frame->bracket == '{';
        int is_key = is_map && frame->number % 2 == 1;
        apr_size_t number = is_map ? (frame->number + 1) / 2 : frame->number;

        used += (apr_size_t)snprintf(text + used, size - used, "%s %llu%s",
                                     is_key ? "key" : "value",
                                     (unsigned long long)number,
                                     is_map           ? " of the map"
                                     : frame->bracket ? " of the list"
                                                      : "");
        if (level == last) {
            return;
        }
        if (unpacker->depth - level == PLACE_LEVELS - 1) {
            snprintf(text + used, size - used, " in ...");
            return;
        }
        used += (apr_size_t)snprintf(text + used, size - used, " in ");
        level--;
    }
}

static apr_status_t
failed(unpacker_t *unpacker, apr_status_t status, const char *why)
{
    char place[PLACE_LEVELS * 48];

    place_text(unpacker, place, sizeof place);
    return mproc__fail(
        status, "cannot unpack %llu bytes with \"%.100s\": at %s: %s%s",
        (unsigned long long)(unpacker->wire.end - unpacker->wire.start),
        unpacker->format, place, why,
        status == MPROC_EFORMAT
            ? "; unpack with the format they were packed with"
            : "");
}

static apr_status_t
mismatch(unpacker_t *unpacker, const mproc__token_t *token,
         const char *expected)
{
    char found[80];
    char why[200];

    mproc__token_describe(token, found, sizeof found);
    snprintf(why, sizeof why, "expected %s, found %s", expected, found);
    return failed(unpacker, MPROC_EFORMAT, why);
}

static apr_status_t
memory_out(unpacker_t *unpacker)
{
    return failed(unpacker, APR_ENOMEM, "memory is out");
}

static apr_status_t
bool_take(unpacker_t *unpacker, const mproc__token_t *token, int *target)
{
    if (token->kind != MPROC__TOKEN_BOOL) {
        return mismatch(unpacker, token, "a boolean");
    }
    *target = (int)token->number;
    return APR_SUCCESS;
}

static apr_status_t
int_take(unpacker_t *unpacker, const mproc__token_t *token, int *target)
{
    apr_int64_t value;

    if (token->kind != MPROC__TOKEN_INT ||
        !mproc__whole_signed(token->negative, token->number, &value) ||
        value < INT_MIN || value > INT_MAX) {
        return mismatch(unpacker, token, "an int, -2147483648 to 2147483647");
    }
    *target = (int)value;
    return APR_SUCCESS;
}

static apr_status_t
unsigned_take(unpacker_t *unpacker, const mproc__token_t *token,
              unsigned *target)
{
    if (token->kind != MPROC__TOKEN_INT || token->negative ||
        token->number > UINT_MAX) {
        return mismatch(unpacker, token, "an unsigned int, 0 to 4294967295");
    }
    *target = (unsigned)token->number;
    return APR_SUCCESS;
}

static apr_status_t
int64_take(unpacker_t *unpacker, const mproc__token_t *token,
           apr_int64_t *target)
{
    apr_int64_t value;

    if (token->kind != MPROC__TOKEN_INT ||
        !mproc__whole_signed(token->negative, token->number, &value)) {
        return mismatch(unpacker, token, "a signed integer of 64 bits");
    }
    *target = value;
    return APR_SUCCESS;
}

static apr_status_t
uint64_take(unpacker_t *unpacker, const mproc__token_t *token,
            apr_uint64_t *target)
{
    if (token->kind != MPROC__TOKEN_INT || token->negative) {
        return mismatch(unpacker, token, "an unsigned integer of 64 bits");
    }
    *target = token->number;
    return APR_SUCCESS;
}

static apr_status_t
double_take(unpacker_t *unpacker, const mproc__token_t *token, double *target)
{
    double value = token->real;

    if (token->kind != MPROC__TOKEN_DOUBLE &&
        (token->kind != MPROC__TOKEN_INT ||
         !mproc__whole_double(token->negative, token->number, &value))) {
        return mismatch(unpacker, token, "a number that a double can hold");
    }
    *target = value;
    return APR_SUCCESS;
}

static apr_status_t
text_take(unpacker_t *unpacker, const mproc__token_t *token,
          const char **target)
{
    char *text;

    if (token->kind != MPROC__TOKEN_TEXT) {
        return mismatch(unpacker, token, "text");
    }
    if (memchr(token->data, '\0', token->size) != NULL) {
        return failed(unpacker, MPROC_EFORMAT,
                      "expected text, found text with a NUL inside, which "
                      "'v' can take");
    }
    text = mproc__datum_run(token->data, token->size, unpacker->pool);
    if (text == NULL) {
        return memory_out(unpacker);
    }
    *target = text;
    return APR_SUCCESS;
}

static apr_status_t
bytes_take(unpacker_t *unpacker, const mproc__token_t *token,
           mproc_bytes_t *target)
{
    char *data;

    if (token->kind != MPROC__TOKEN_BYTES) {
        return mismatch(unpacker, token, "bytes");
    }
    data = mproc__datum_run(token->data, token->size, unpacker->pool);
    if (data == NULL) {
        return memory_out(unpacker);
    }
    target->data = data;
    target->size = token->size;
    return APR_SUCCESS;
}

static apr_status_t
object_take(unpacker_t *unpacker, const mproc__token_t *token, void *target)
{
    mproc_object_t *object;
    apr_status_t rv;

    if (token->kind != MPROC__TOKEN_EXT) {
        return mismatch(unpacker, token, "a shared object");
    }
    rv = mproc__wire_object(&unpacker->wire, token, &object, unpacker->pool);
    if (rv != APR_SUCCESS) {
        return failed(unpacker, rv, unpacker->wire.why);
    }
    /* Copied as bytes: the pointer there has a type of its own. */
    memcpy(target, &object, sizeof object);
    return APR_SUCCESS;
}

static apr_status_t
tree_take(unpacker_t *unpacker, mproc_datum_t **target)
{
    mproc_datum_t *datum;
    apr_status_t rv =
        mproc__datum_read(&datum, &unpacker->wire,
                          MPROC__NESTING_MAX - unpacker->depth, unpacker->pool);

    if (rv != APR_SUCCESS) {
        return failed(unpacker, rv, unpacker->wire.why);
    }
    *target = datum;
    return APR_SUCCESS;
}

static apr_status_t
value_skip(unpacker_t *unpacker)
{
    apr_status_t rv =
        mproc__wire_skip(&unpacker->wire, MPROC__NESTING_MAX - unpacker->depth);

    return rv == APR_SUCCESS ? rv : failed(unpacker, rv, unpacker->wire.why);
}

static apr_status_t
token_take(unpacker_t *unpacker, char letter, void *target)
{
    mproc__token_t token;
    apr_status_t rv = mproc__wire_next(&unpacker->wire, &token);

    if (rv != APR_SUCCESS) {
        return failed(unpacker, rv, unpacker->wire.why);
    }
    switch (letter) {
    case 'n':
        return token.kind == MPROC__TOKEN_NIL
                   ? APR_SUCCESS
                   : mismatch(unpacker, &token, "nil");
    case 'b':
        return bool_take(unpacker, &token, target);
    case 'i':
        return int_take(unpacker, &token, target);
    case 'u':
        return unsigned_take(unpacker, &token, target);
    case 'I':
        return int64_take(unpacker, &token, target);
    case 'U':
        return uint64_take(unpacker, &token, target);
    case 'd':
        return double_take(unpacker, &token, target);
    case 's':
        return text_take(unpacker, &token, target);
    case 'y':
        return bytes_take(unpacker, &token, target);
    default: /* 'o': the format was checked */
        return object_take(unpacker, &token, target);
    }
}

static apr_status_t
letter_take(unpacker_t *unpacker, char letter)
{
    void *target = NULL;

    if (letter == '*') {
        return value_skip(unpacker);
    }
    if (letter != 'n') {
        /* All are pointers to data, which va_arg takes alike. */
        target = va_arg(unpacker->args, void *);
        if (target == NULL) {
            return failed(unpacker, APR_EINVAL,
                          "the variable for it is NULL; '*' skips a value");
        }
    }
    if (letter == 'v') {
        return tree_take(unpacker, target);
    }
    return token_take(unpacker, letter, target);
}

/* The head of a list or map: of just the length that the format has. */
static apr_status_t
bracket_take(unpacker_t *unpacker, char bracket, apr_size_t count)
{
    mproc__token_e kind = bracket == '[' ? MPROC__TOKEN_LIST : MPROC__TOKEN_MAP;
    mproc__token_t token;
    char expected[64];
    apr_status_t rv = mproc__wire_next(&unpacker->wire, &token);

    if (rv != APR_SUCCESS) {
        return failed(unpacker, rv, unpacker->wire.why);
    }
    if (bracket == '{') {
        count /= 2;
    }
    if (token.kind != kind || token.number != count) {
        snprintf(expected, sizeof expected, "a %s %llu",
                 bracket == '[' ? "list of length" : "map of size",
                 (unsigned long long)count);
        return mismatch(unpacker, &token, expected);
    }
    unpacker->depth++;
    unpacker->frames[unpacker->depth].bracket = bracket;
    unpacker->frames[unpacker->depth].number = 0;
    return APR_SUCCESS;
}

static apr_status_t
format_unpack(unpacker_t *unpacker)
{
    const char *at = unpacker->format;
    apr_status_t rv = APR_SUCCESS;
    char c;

    while (rv == APR_SUCCESS && (c = mproc__format_next(&at)) != '\0') {
        if (c == ']' || c == '}') {
            unpacker->depth--;
            continue;
        }
        unpacker->frames[unpacker->depth].number++;
        if (c == '[' || c == '{') {
            rv = bracket_take(unpacker, c, mproc__format_count(at));
        }
        else {
            rv = letter_take(unpacker, c);
        }
    }
    if (rv == APR_SUCCESS && unpacker->wire.at != unpacker->wire.end) {
        unpacker->frames[0].number++;
        rv = failed(unpacker, MPROC_EFORMAT,
                    "expected the end of the bytes, found more");
    }
    return rv;
}

apr_status_t
mproc_vunpack(mproc_bytes_t in, apr_pool_t *pool, const char *format,
              va_list args)
{
    unpacker_t unpacker;
    apr_status_t rv;

    if (pool == NULL || (in.data == NULL && in.size > 0)) {
        return mproc__fail(APR_EINVAL,
                           "cannot unpack: the %s NULL; pass bytes and a pool",
                           pool == NULL ? "pool is" : "bytes are");
    }
    unpacker.format = format == NULL ? "" : format;
    rv = mproc__format_check(unpacker.format, 0);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__wire_init(&unpacker.wire, in);
    unpacker.pool = pool;
    unpacker.depth = 0;
    unpacker.frames[0].bracket = '\0';
    unpacker.frames[0].number = 0;
    va_copy(unpacker.args, args);
    rv = format_unpack(&unpacker);
    va_end(unpacker.args);
    return rv;
}

apr_status_t
mproc_unpack(mproc_bytes_t in, apr_pool_t *pool, const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc_vunpack(in, pool, format, args);
    va_end(args);
    return rv;
}
