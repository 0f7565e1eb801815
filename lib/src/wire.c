/*
 * wire.c: MessagePack, read one token at a time.
 *
 * The format is in https://github.com/msgpack/msgpack/blob/master/spec.md.
 * The hard thing is that nobody vouches for the bytes: no size in them is
 * believed before that many bytes are known to be there.
 */
#include "wire.h"

#include "object.h"

#include <mproc/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The codes 0xc0 to 0xdf: what follows, and how many bytes of number. */
typedef struct code_t {
    signed char kind; /* mproc__token_e, or -1 for what is no MessagePack */
    unsigned char width;
} code_t;

static const code_t codes[32] = {
    {MPROC__TOKEN_NIL, 0},    {-1, 0},
    {MPROC__TOKEN_BOOL, 0},   {MPROC__TOKEN_BOOL, 0},
    {MPROC__TOKEN_BYTES, 1},  {MPROC__TOKEN_BYTES, 2},
    {MPROC__TOKEN_BYTES, 4},  {MPROC__TOKEN_EXT, 1},
    {MPROC__TOKEN_EXT, 2},    {MPROC__TOKEN_EXT, 4},
    {MPROC__TOKEN_DOUBLE, 4}, {MPROC__TOKEN_DOUBLE, 8},
    {MPROC__TOKEN_INT, 1},    {MPROC__TOKEN_INT, 2},
    {MPROC__TOKEN_INT, 4},    {MPROC__TOKEN_INT, 8},
    {MPROC__TOKEN_INT, 1},    {MPROC__TOKEN_INT, 2},
    {MPROC__TOKEN_INT, 4},    {MPROC__TOKEN_INT, 8},
    {MPROC__TOKEN_EXT, 0},    {MPROC__TOKEN_EXT, 0},
    {MPROC__TOKEN_EXT, 0},    {MPROC__TOKEN_EXT, 0},
    {MPROC__TOKEN_EXT, 0},    {MPROC__TOKEN_TEXT, 1},
    {MPROC__TOKEN_TEXT, 2},   {MPROC__TOKEN_TEXT, 4},
    {MPROC__TOKEN_LIST, 2},   {MPROC__TOKEN_LIST, 4},
    {MPROC__TOKEN_MAP, 2},    {MPROC__TOKEN_MAP, 4},
};

void
mproc__wire_init(mproc__wire_t *wire, mproc_bytes_t bytes)
{
    /* No arithmetic on NULL, not even of 0. */
    wire->start = bytes.size > 0 ? bytes.data : (const unsigned char *)"";
    wire->at = wire->start;
    wire->end = wire->start + bytes.size;
    wire->why[0] = '\0';
}

apr_status_t
mproc__wire_fail(mproc__wire_t *wire, apr_status_t status, const char *format,
                 ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(wire->why, sizeof wire->why, format, args);
    va_end(args);
    return status;
}

static apr_uint64_t
number_read(const unsigned char *at, unsigned width)
{
    apr_uint64_t number = 0;
    unsigned i;

    for (i = 0; i < width; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

/* A code that holds its number itself. */
static void
token_short(mproc__token_t *token, unsigned code)
{
    token->kind = code < 0x80   ? MPROC__TOKEN_INT
                  : code < 0x90 ? MPROC__TOKEN_MAP
                  : code < 0xa0 ? MPROC__TOKEN_LIST
                  : code < 0xc0 ? MPROC__TOKEN_TEXT
                                : MPROC__TOKEN_INT;
    token->negative = code >= 0xe0;
    token->number = code < 0x80   ? code
                    : code < 0xa0 ? code & 0x0f
                    : code < 0xc0 ? code & 0x1f
                                  : ~(apr_uint64_t)0xff | code;
}

static double
real_read(apr_uint64_t bits, unsigned width)
{
    apr_uint32_t half = (apr_uint32_t)bits;
    float single;
    double real;

    if (width == sizeof single) {
        memcpy(&single, &half, sizeof single);
        return single;
    }
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* A code with its number behind it, which is there. */
static void
token_long(mproc__token_t *token, unsigned code, unsigned width,
           const unsigned char *at)
{
    apr_uint64_t number = number_read(at, width);

    token->kind = (mproc__token_e)codes[code - 0xc0].kind;
    token->negative = 0;
    token->number = number;
    if (token->kind == MPROC__TOKEN_BOOL) {
        token->number = code == 0xc3;
    }
    else if (token->kind == MPROC__TOKEN_DOUBLE) {
        token->real = real_read(number, width);
    }
    else if (token->kind == MPROC__TOKEN_EXT && width == 0) {
        token->number = (apr_uint64_t)1 << (code - 0xd4);
    }
    else if (code >= 0xd0 && code <= 0xd3 && number >> (8 * width - 1) != 0) {
        token->negative = 1;
        if (width < 8) {
            token->number = number | ~(apr_uint64_t)0 << (8 * width);
        }
    }
}

/* Hold what the token announces against what is left behind its head. */
static apr_status_t
token_check(mproc__wire_t *wire, const mproc__token_t *token, apr_size_t left)
{
    const char *what = "bytes";
    apr_uint64_t room = left;

    if (token->kind == MPROC__TOKEN_LIST) {
        what = "values";
    }
    else if (token->kind == MPROC__TOKEN_MAP) {
        what = "pairs";
        room = left / 2;
    }
    else if (token->kind < MPROC__TOKEN_TEXT) {
        return APR_SUCCESS;
    }
    if (token->number > room) {
        return mproc__wire_fail(
            wire, MPROC_EFORMAT,
            "%llu %s are announced and only %llu bytes are left",
            (unsigned long long)token->number, what, (unsigned long long)left);
    }
    return APR_SUCCESS;
}

/* Read the code at *at with the number behind it; move *at behind both. */
static apr_status_t
token_head(mproc__wire_t *wire, mproc__token_t *token, const unsigned char **at)
{
    unsigned code = *(*at)++;
    unsigned width, head;
    int is_ext;

    if (code < 0xc0 || code >= 0xe0) {
        token_short(token, code);
        return APR_SUCCESS;
    }
    if (codes[code - 0xc0].kind < 0) {
        return mproc__wire_fail(wire, MPROC_EFORMAT,
                                "the code 0x%02x is no MessagePack", code);
    }
    width = codes[code - 0xc0].width;
    is_ext = codes[code - 0xc0].kind == MPROC__TOKEN_EXT;
    head = width + (is_ext ? 1 : 0);
    if ((apr_size_t)(wire->end - *at) < head) {
        return mproc__wire_fail(wire, MPROC_EFORMAT,
                                "the bytes end inside a value");
    }
    token_long(token, code, width, *at);
    token->ext = is_ext ? (signed char)(*at)[width] : 0;
    *at += head;
    return APR_SUCCESS;
}

apr_status_t
mproc__wire_next(mproc__wire_t *wire, mproc__token_t *token)
{
    const unsigned char *at = wire->at;
    apr_status_t rv;

    if (at == wire->end) {
        return mproc__wire_fail(wire, MPROC_EFORMAT, "the bytes end here");
    }
    rv = token_head(wire, token, &at);
    if (rv == APR_SUCCESS) {
        rv = token_check(wire, token, (apr_size_t)(wire->end - at));
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (token->kind == MPROC__TOKEN_TEXT || token->kind == MPROC__TOKEN_BYTES ||
        token->kind == MPROC__TOKEN_EXT) {
        token->data = (const char *)at;
        token->size = (apr_size_t)token->number;
        at += token->size;
    }
    wire->at = at;
    return APR_SUCCESS;
}

apr_status_t
mproc__wire_skip(mproc__wire_t *wire, unsigned levels)
{
    apr_uint64_t owed[MPROC__NESTING_MAX]; /* values to come, by level */
    unsigned depth = 0;
    mproc__token_t token;

    for (;;) {
        apr_status_t rv = mproc__wire_next(wire, &token);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (token.kind == MPROC__TOKEN_LIST || token.kind == MPROC__TOKEN_MAP) {
            if (depth == levels) {
                return mproc__wire_fail(wire, MPROC_EFORMAT,
                                        "nested more than %d levels deep",
                                        MPROC__NESTING_MAX);
            }
            owed[depth++] = token.kind == MPROC__TOKEN_MAP ? 2 * token.number
                                                           : token.number;
        }
        while (depth > 0 && owed[depth - 1] == 0) {
            depth--;
        }
        if (depth == 0) {
            return APR_SUCCESS;
        }
        owed[depth - 1]--;
    }
}

apr_size_t
mproc__wire_count(mproc_bytes_t bytes)
{
    mproc__wire_t wire;
    apr_size_t count = 0;

    mproc__wire_init(&wire, bytes);
    while (wire.at < wire.end &&
           mproc__wire_skip(&wire, MPROC__NESTING_MAX) == APR_SUCCESS) {
        count++;
    }
    return count;
}

apr_status_t
mproc__wire_object(mproc__wire_t *wire, const mproc__token_t *token,
                   mproc_object_t **object, apr_pool_t *pool)
{
    apr_uint64_t handle;
    apr_status_t rv;

    *object = NULL;
    if (token->ext != MPROC__WIRE_OBJECT ||
        token->size != MPROC__WIRE_OBJECT_SIZE) {
        return mproc__wire_fail(
            wire, MPROC_EFORMAT,
            "an extension of type %d and %llu bytes is no shared object",
            token->ext, (unsigned long long)token->size);
    }
    handle = number_read((const unsigned char *)token->data,
                         MPROC__WIRE_OBJECT_SIZE);
    rv = mproc__object_open(object, handle, pool);
    if (rv != APR_SUCCESS) {
        *object = NULL;
        return mproc__wire_fail(wire, rv, "%s", mproc_error_detail());
    }
    return APR_SUCCESS;
}

void
mproc__token_describe(const mproc__token_t *token, char *text, apr_size_t size)
{
    switch (token->kind) {
    case MPROC__TOKEN_NIL:
        snprintf(text, size, "nil");
        break;
    case MPROC__TOKEN_BOOL:
        snprintf(text, size, "%s", token->number ? "true" : "false");
        break;
    case MPROC__TOKEN_INT:
        if (token->negative) {
            snprintf(text, size, "the integer %lld", (long long)token->number);
        }
        else {
            snprintf(text, size, "the integer %llu",
                     (unsigned long long)token->number);
        }
        break;
    case MPROC__TOKEN_DOUBLE:
        snprintf(text, size, "the number %g", token->real);
        break;
    case MPROC__TOKEN_TEXT:
        snprintf(text, size, "text of %llu bytes",
                 (unsigned long long)token->size);
        break;
    case MPROC__TOKEN_BYTES:
        snprintf(text, size, "%llu raw bytes", (unsigned long long)token->size);
        break;
    case MPROC__TOKEN_LIST:
        snprintf(text, size, "a list of length %llu",
                 (unsigned long long)token->number);
        break;
    case MPROC__TOKEN_MAP:
        snprintf(text, size, "a map of size %llu",
                 (unsigned long long)token->number);
        break;
    case MPROC__TOKEN_EXT:
        if (token->ext == MPROC__WIRE_OBJECT &&
            token->size == MPROC__WIRE_OBJECT_SIZE) {
            snprintf(text, size, "a shared object");
        }
        else {
            snprintf(text, size, "an extension of type %d", token->ext);
        }
        break;
    }
}

int
mproc__whole_signed(int negative, apr_uint64_t number, apr_int64_t *value)
{
    if (!negative && number >> 63 != 0) {
        return 0;
    }
    *value = (apr_int64_t)number;
    return 1;
}

int
mproc__whole_double(int negative, apr_uint64_t number, double *value)
{
    /* Exact when what is left without the zeros at its end fits 53 bits. */
    apr_uint64_t digits = negative ? 0 - number : number;

    *value = negative ? -(double)digits : (double)digits;
    while (digits != 0 && (digits & 1) == 0) {
        digits >>= 1;
    }
    return digits >> 53 == 0;
}
