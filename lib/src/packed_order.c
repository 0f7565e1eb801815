/*
 * packed_order.c: packed values compared, as Python compares: numbers and
 * booleans by their value, whatever they are packed as; texts and bytes by
 * their bytes; lists by their first elements that differ.
 */
#include "packed_order.h"

#include <string.h>

#include "wire.h"

static int
is_number(const mproc__token_t *token)
{
    return token->kind == MPROC__TOKEN_BOOL ||
           token->kind == MPROC__TOKEN_INT ||
           token->kind == MPROC__TOKEN_DOUBLE;
}

static int
whole_order(const mproc__token_t *a, const mproc__token_t *b)
{
    int a_negative = a->kind == MPROC__TOKEN_INT && a->negative;
    int b_negative = b->kind == MPROC__TOKEN_INT && b->negative;

    if (a_negative != b_negative) {
        return a_negative ? -1 : 1;
    }
    /* The bits of two negative ones are in their order, too. */
    return (a->number > b->number) - (a->number < b->number);
}

/* A whole number with a double, exactly. */
static int
mixed_order(const mproc__token_t *whole, double real)
{
    mproc__token_t part = {.kind = MPROC__TOKEN_INT};
    double back;
    int order;

    if (real >= 18446744073709551616.0) {
        return -1;
    }
    if (real < -9223372036854775808.0) {
        return 1;
    }
    part.negative = real <= -1;
    if (part.negative) {
        part.number = (apr_uint64_t)(apr_int64_t)real;
        back = (double)(apr_int64_t)part.number;
    }
    else {
        part.number = real < 1 ? 0 : (apr_uint64_t)real;
        back = (double)part.number;
    }
    order = whole_order(whole, &part);
    return order != 0 ? order : (back > real) - (back < real);
}

/* NaN is behind all others. */
static int
double_order(double a, double b)
{
    if (a != a || b != b) {
        return (a != a) - (b != b);
    }
    return (a > b) - (a < b);
}

static int
number_order(const mproc__token_t *a, const mproc__token_t *b)
{
    int a_real = a->kind == MPROC__TOKEN_DOUBLE;
    int b_real = b->kind == MPROC__TOKEN_DOUBLE;

    if (a_real && b_real) {
        return double_order(a->real, b->real);
    }
    if (a_real) {
        return a->real != a->real ? 1 : -mixed_order(b, a->real);
    }
    if (b_real) {
        return b->real != b->real ? -1 : mixed_order(a, b->real);
    }
    return whole_order(a, b);
}

static int
run_order(const mproc__token_t *a, const mproc__token_t *b)
{
    apr_size_t size = a->size < b->size ? a->size : b->size;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);

    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int
is_nan(const mproc__token_t *token)
{
    return token->kind == MPROC__TOKEN_DOUBLE && token->real != token->real;
}

/* Nested as deep as what was checked when it was put. */
static mproc__order_t
wires_order(mproc__wire_t *a, mproc__wire_t *b, int *order)
{
    mproc__token_t left, right;
    apr_uint64_t count, i;
    mproc__order_t result = MPROC__ORDERED;

    *order = 0;
    if (mproc__wire_next(a, &left) != APR_SUCCESS ||
        mproc__wire_next(b, &right) != APR_SUCCESS) {
        return MPROC__UNORDERED;
    }
    if (is_number(&left) && is_number(&right)) {
        *order = number_order(&left, &right);
        return is_nan(&left) || is_nan(&right) ? MPROC__UNEQUAL
                                               : MPROC__ORDERED;
    }
    if (left.kind != right.kind) {
        return MPROC__UNORDERED;
    }
    switch (left.kind) {
    case MPROC__TOKEN_TEXT:
    case MPROC__TOKEN_BYTES:
        *order = run_order(&left, &right);
        return MPROC__ORDERED;
    case MPROC__TOKEN_EXT:
        return left.ext == right.ext && run_order(&left, &right) == 0
                   ? MPROC__ORDERED
                   : MPROC__UNORDERED;
    case MPROC__TOKEN_LIST:
    case MPROC__TOKEN_MAP:
        count = left.number < right.number ? left.number : right.number;
        count *= left.kind == MPROC__TOKEN_MAP ? 2 : 1;
        for (i = 0; i < count; i++) {
            result = wires_order(a, b, order);
            if (result != MPROC__ORDERED || *order != 0) {
                break;
            }
        }
        if (i == count) {
            *order =
                (left.number > right.number) - (left.number < right.number);
        }
        return left.kind == MPROC__TOKEN_MAP && *order != 0 ? MPROC__UNORDERED
                                                            : result;
    default:
        return MPROC__ORDERED;
    }
}

mproc__order_t
mproc__packed_order(mproc_bytes_t a, mproc_bytes_t b, int *order)
{
    mproc__wire_t left, right;

    mproc__wire_init(&left, a);
    mproc__wire_init(&right, b);
    return wires_order(&left, &right, order);
}
