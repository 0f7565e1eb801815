/* test_pack.c: values to bytes, and back as they were. */
#include "bytes.h"
#include "test.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <apr_strings.h>

#include "../../lib/src/object.h"
#include "../../lib/src/pack.h"

static void
check_bytes(mproc_bytes_t expected, mproc_bytes_t actual)
{
    CHECK_INT(expected.size, actual.size);
    CHECK(expected.size == actual.size &&
          (expected.size == 0 ||
           memcmp(expected.data, actual.data, expected.size) == 0));
}

static void
letters(apr_pool_t *pool)
{
    static const char raw[] = {0, 1, (char)0xff};
    mproc_bytes_t bytes, y;
    mproc_datum_t *v;
    apr_int64_t big_i;
    apr_uint64_t big_u;
    const char *s;
    unsigned u;
    int b, i;
    double d;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_text(&v, "tree", pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "n b i u I U d s y v", 7, -8, 9u,
                              (apr_int64_t)-10, (apr_uint64_t)11, 0.5, "text",
                              bytes_of(raw, sizeof raw), v));
    v = NULL;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(bytes, pool, "n b i u I U d s y v", &b, &i, &u,
                                &big_i, &big_u, &d, &s, &y, &v));
    CHECK_INT(1, b);
    CHECK_INT(-8, i);
    CHECK_INT(9, u);
    CHECK_INT(-10, big_i);
    CHECK_INT(11, big_u);
    CHECK(d == 0.5);
    CHECK_TEXT("text", s);
    check_bytes(bytes_of(raw, sizeof raw), y);
    CHECK_TEXT("\"tree\"", mproc_datum_text(v, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "**********"));
}

static void
brackets(apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    int a, b, c, d;
    const char *s;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "[i [ ] {s: i, i: [i, {}]}] n i", 1,
                              "k", 2, 3, 4, 5));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(bytes, pool, "[ i[]{s:i i:[i{}]} ],*i", &a, &s,
                                &b, &c, &d, &a));
    CHECK_INT(5, a);
    CHECK_TEXT("k", s);
    CHECK_INT(2, b);
    CHECK_INT(3, c);
    CHECK_INT(4, d);
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "[i * *] n *", &b));
    CHECK_INT(1, b);
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "* * *"));
}

/* The bytes are MessagePack, so they can be written down here. */
static void
wire(apr_pool_t *pool)
{
    mproc_bytes_t bytes;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "[i n s]", 42, "hello"));
    check_bytes(BYTES("\x93\x2a\xc0\xa5hello"), bytes);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "{s: b, s: b}", "a", 1, "b", 0));
    check_bytes(BYTES("\x82\xa1"
                      "a\xc3\xa1"
                      "b\xc2"),
                bytes);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "d", 1.0));
    check_bytes(BYTES("\xcb\x3f\xf0\0\0\0\0\0\0"), bytes);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "y", BYTES("\1")));
    check_bytes(BYTES("\xc4\1\1"), bytes);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "I U", (apr_int64_t)-129,
                              (apr_uint64_t)0x100000000));
    check_bytes(BYTES("\xd1\xff\x7f\xcf\0\0\0\1\0\0\0\0"), bytes);
}

static void
empty(apr_pool_t *pool)
{
    mproc_bytes_t bytes = BYTES("x");
    mproc_bytes_t y = BYTES("x");
    const char *s;

    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, NULL));
    CHECK(bytes.size == 0 && bytes.data == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, NULL));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, " , "));
    CHECK_INT(0, bytes.size);
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, ""));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "y s", bytes_of(NULL, 0), ""));
    check_bytes(BYTES("\xc4\0\xa0"), bytes);
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "y s", &y, &s));
    CHECK_INT(0, y.size);
    CHECK_TEXT("", s);
}

/* Integers on the wire in each of their forms, and who can take them. */
static void
number_check(apr_pool_t *pool, mproc_bytes_t in, apr_uint64_t number,
             int negative, const char *takers)
{
    apr_status_t want[5];
    apr_int64_t big_i = 1;
    apr_uint64_t big_u = 1;
    unsigned u = 1;
    double d = 1;
    int i = 1, k;

    for (k = 0; k < 5; k++) {
        want[k] = strchr(takers, "iuIUd"[k]) ? APR_SUCCESS : MPROC_EFORMAT;
    }
    CHECK_STATUS(want[0], mproc_unpack(in, pool, "i", &i));
    CHECK_STATUS(want[1], mproc_unpack(in, pool, "u", &u));
    CHECK_STATUS(want[2], mproc_unpack(in, pool, "I", &big_i));
    CHECK_STATUS(want[3], mproc_unpack(in, pool, "U", &big_u));
    CHECK_STATUS(want[4], mproc_unpack(in, pool, "d", &d));
    CHECK(i == (want[0] ? 1 : (int)(apr_int64_t)number));
    CHECK(u == (want[1] ? 1 : (unsigned)number));
    CHECK(big_i == (want[2] ? 1 : (apr_int64_t)number));
    CHECK(big_u == (want[3] ? 1 : number));
    CHECK(d == (want[4]    ? 1
                : negative ? (double)(apr_int64_t)number
                           : (double)number));
}

static void
numbers(apr_pool_t *pool)
{
    static const struct {
        apr_uint64_t number;
        int negative;
        const char *takers;
    } rows[] = {
        {0, 0, "iuIUd"},
        {127, 0, "iuIUd"},
        {128, 0, "iuIUd"},
        {255, 0, "iuIUd"},
        {256, 0, "iuIUd"},
        {65535, 0, "iuIUd"},
        {65536, 0, "iuIUd"},
        {INT_MAX, 0, "iuIUd"},
        {(apr_uint64_t)INT_MAX + 1, 0, "uIUd"},
        {UINT_MAX, 0, "uIUd"},
        {(apr_uint64_t)UINT_MAX + 1, 0, "IUd"},
        {(apr_uint64_t)1 << 53, 0, "IUd"},
        {((apr_uint64_t)1 << 53) + 1, 0, "IU"},
        {((apr_uint64_t)1 << 53) + 2, 0, "IUd"},
        {INT64_MAX, 0, "IU"},
        {(apr_uint64_t)INT64_MAX + 1, 0, "Ud"},
        {UINT64_MAX - 2047, 0, "Ud"},
        {UINT64_MAX, 0, "U"},
        {(apr_uint64_t)-1, 1, "iId"},
        {(apr_uint64_t)-32, 1, "iId"},
        {(apr_uint64_t)-33, 1, "iId"},
        {(apr_uint64_t)-128, 1, "iId"},
        {(apr_uint64_t)-129, 1, "iId"},
        {(apr_uint64_t)-32768, 1, "iId"},
        {(apr_uint64_t)-32769, 1, "iId"},
        {(apr_uint64_t)(apr_int64_t)INT_MIN, 1, "iId"},
        {(apr_uint64_t)(apr_int64_t)INT_MIN - 1, 1, "Id"},
        {0 - (((apr_uint64_t)1 << 53) + 1), 1, "I"},
        {(apr_uint64_t)INT64_MIN, 1, "Id"},
    };
    mproc_bytes_t bytes;
    size_t k;

    for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        if (rows[k].negative) {
            REQUIRE_STATUS(
                APR_SUCCESS,
                mproc_pack(&bytes, pool, "I", (apr_int64_t)rows[k].number));
        }
        else {
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_pack(&bytes, pool, "U", rows[k].number));
        }
        number_check(pool, bytes, rows[k].number, rows[k].negative,
                     rows[k].takers);
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "i", INT_MIN));
    number_check(pool, bytes, (apr_uint64_t)(apr_int64_t)INT_MIN, 1, "iId");
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "u", UINT_MAX));
    number_check(pool, bytes, UINT_MAX, 0, "uIUd");
}

/* Longer forms than needed are MessagePack too; others may send them. */
static void
number_forms(apr_pool_t *pool)
{
    static const char d3_7[] = "\xd3\0\0\0\0\0\0\0\7";
    static const char d3_minus1[] = "\xd3\xff\xff\xff\xff\xff\xff\xff\xff";
    double d;

    number_check(pool, BYTES("\xcc\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xcd\0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xce\0\0\0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xcf\0\0\0\0\0\0\0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xd0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xd1\0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xd2\0\0\0\7"), 7, 0, "iuIUd");
    number_check(pool, BYTES(d3_7), 7, 0, "iuIUd");
    number_check(pool, BYTES("\xd0\xff"), (apr_uint64_t)-1, 1, "iId");
    number_check(pool, BYTES("\xd1\xff\xff"), (apr_uint64_t)-1, 1, "iId");
    number_check(pool, BYTES("\xd2\xff\xff\xff\xff"), (apr_uint64_t)-1, 1,
                 "iId");
    number_check(pool, BYTES(d3_minus1), (apr_uint64_t)-1, 1, "iId");
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(BYTES("\xca\x3f\xc0\0\0"), pool, "d", &d));
    CHECK(d == 1.5);
}

/* A tree that is as deep as may be fits at the top and nowhere else. */
static void
nesting_packed(apr_pool_t *pool)
{
    char wire_bytes[64];
    mproc_datum_t *datum;
    mproc_bytes_t bytes;

    memset(wire_bytes, 0x91, sizeof wire_bytes);
    wire_bytes[63] = (char)0x90;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_parse(&datum, bytes_of(wire_bytes, 64), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "v", datum));
    check_bytes(bytes_of(wire_bytes, 64), bytes);
    CHECK_STATUS(MPROC_ETOOBIG, mproc_pack(&bytes, pool, "[v]", datum));
    CHECK(bytes.data == NULL && bytes.size == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "[[n]] v", datum));
}

static void
formats(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"x", "character 1: the letters are"},
        {"[n", "character 3: a bracket is open"},
        {"n]", "character 2: this bracket closes none"},
        {"[n}", "character 3: this bracket closes none"},
        {"{n:n]", "character 5: this bracket closes none"},
        {"{n}", "character 3: the last key has no value"},
        {"{n:}", "character 4: the last key has no value"},
        {"{n n}", "character 4: a ':' must stand"},
        {"{n [n]}", "character 4: a ':' must stand"},
        {"{:n}", "character 2: a ':' belongs"},
        {"{n::n}", "character 4: a ':' belongs"},
        {"n:n", "character 2: a ':' belongs"},
        {"[n:n]", "character 3: a ':' belongs"},
        {"{n:n:n}", "character 5: a ':' belongs"},
    };
    mproc_bytes_t bytes;
    size_t k;

    for (k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        bytes = BYTES("x");
        CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, bad[k][0]));
        CHECK_DETAIL("cannot pack with the format");
        CHECK_DETAIL(bad[k][1]);
        CHECK(bytes.data == NULL && bytes.size == 0);
        CHECK_STATUS(APR_EINVAL, mproc_unpack(BYTES("\xc0"), pool, bad[k][0]));
        CHECK_DETAIL("cannot unpack with the format");
        CHECK_DETAIL(bad[k][1]);
    }
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "*"));
    CHECK_DETAIL("'*' skips a value and cannot pack one");
    CHECK_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "\t[\n,n\r] ,,"));
    check_bytes(BYTES("\x91\xc0"), bytes);
}

static void
nulls(apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    int i;

    CHECK_STATUS(APR_EINVAL, mproc_pack(NULL, pool, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, NULL, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "i s", 1, NULL));
    CHECK_DETAIL("value 2 is a string that is NULL");
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "y", bytes_of(NULL, 1)));
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "o", NULL));
    CHECK_DETAIL("value 1 is an object that is NULL");
    CHECK_STATUS(APR_EINVAL, mproc_pack(&bytes, pool, "v", NULL));
    CHECK_STATUS(APR_EINVAL, mproc_unpack(BYTES("\1"), NULL, "i", &i));
    CHECK_STATUS(APR_EINVAL, mproc_unpack(bytes_of(NULL, 1), pool, "i", &i));
    CHECK_STATUS(APR_EINVAL, mproc_unpack(BYTES("\1"), pool, "i", NULL));
    CHECK_DETAIL("the variable for it is NULL");
}

static void
too_big(apr_pool_t *pool)
{
    mproc_bytes_t bytes;

    if (sizeof(apr_size_t) <= 4) {
        test_skip("no size here is beyond 4 GiB");
        return;
    }
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_pack(&bytes, pool, "y",
                            bytes_of("", (apr_size_t)0xffffffffu + 1)));
    CHECK_DETAIL("beyond 4294967295");
}

/* All forms that a length can have. */
static void
lengths(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0,   1,   15,    16,    31,     32,
                                       255, 256, 65535, 65536, 1000000};
    mproc_bytes_t bytes, y;
    mproc_datum_t *list, *item, *back;
    const char *s;
    char *run;
    size_t k;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_nil(&item, pool));
    for (k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        apr_size_t size = sizes[k];
        run = apr_palloc(pool, size + 1);
        memset(run, 'x', size);
        run[size] = '\0';
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "s y", run,
                                               bytes_of(run, size)));
        REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "s y", &s, &y));
        CHECK(strcmp(run, s) == 0);
        CHECK(y.size == size && memcmp(y.data, run, size) == 0);
        REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_list(&list, pool));
        while (mproc_datum_size(list) < size) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_datum_append(list, item));
        }
        REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "v", list));
        REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "v", &back));
        CHECK_INT(size, mproc_datum_size(back));
    }
}

static mproc_value_t *
value_new(int number, apr_pool_t *pool)
{
    mproc_value_t *value = NULL;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_value_create(&value, sizeof number, &number, pool));
    return value;
}

static void
objects(apr_pool_t *pool)
{
    mproc_value_t *value = value_new(42, NULL);
    mproc_value_t *other = NULL;
    apr_pool_t *packed, *opened;
    mproc_bytes_t bytes;
    int i = 0;

    apr_pool_create(&packed, pool);
    apr_pool_create(&opened, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, packed, "[o i]", value, 7));
    bytes.data = apr_pmemdup(pool, bytes.data, bytes.size);
    mproc_value_destroy(value);

    /* The pool that it was packed in keeps it. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(bytes, opened, "[o i]", &other, &i));
    CHECK_INT(42, *(int *)mproc_value_data(other));
    CHECK_INT(7, i);

    /* Then the one that it was unpacked in does. */
    apr_pool_destroy(packed);
    *(int *)mproc_value_data(other) = 43;
    other = NULL;
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, opened, "[o *]", &other));
    CHECK_INT(43, *(int *)mproc_value_data(other));

    /* Then nobody. */
    apr_pool_destroy(opened);
    CHECK_STATUS(MPROC_ESTALE, mproc_unpack(bytes, pool, "[o i]", &other, &i));
    CHECK_DETAIL("at value 1 of the list: ");
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "[* i]", &i));
}

/* On the wire an object is extension 1, its handle big-endian. */
static void
objects_wire(apr_pool_t *pool)
{
    mproc_value_t *value = value_new(1, pool);
    mproc_bytes_t bytes;
    mproc_value_t *other;
    apr_uint64_t handle = ((mproc_object_t *)value)->handle;
    const unsigned char *at;
    unsigned char longer[11];
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", value));
    at = bytes.data;
    CHECK_INT(10, bytes.size);
    CHECK_INT(0xd7, at[0]);
    CHECK_INT(1, at[1]);
    for (i = 0; i < 8; i++) {
        CHECK_INT(handle >> (56 - 8 * i) & 0xff, at[2 + i]);
    }
    /* The same in its longer form, then with another type, or size. */
    memcpy(longer, "\xc7\x08\x01", 3);
    memcpy(longer + 3, at + 2, 8);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_unpack(bytes_of(longer, 11), pool, "o", &other));
    CHECK_INT(1, *(int *)mproc_value_data(other));
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\xd7\2\0\0\0\0\0\0\0\0"),
                                             pool, "o", &other));
    CHECK_DETAIL("an extension of type 2 and 8 bytes is no shared object");
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_unpack(BYTES("\xd6\1\0\0\0\0"), pool, "o", &other));
    CHECK_DETAIL("an extension of type 1 and 4 bytes is no shared object");
}

/* Handles that somebody made up are a status, never a wild read. */
static void
objects_forged(apr_pool_t *pool)
{
    mproc_value_t *value = NULL; /* a raw one: no lock of its lies nearby */
    apr_uint64_t handle;
    unsigned char wire_bytes[10] = {0xd7, 1};
    mproc_value_t *other;
    mproc_datum_t *datum;
    int bit, i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_raw_value_create(&value, 1, NULL, pool));
    handle = ((mproc_object_t *)value)->handle;
    for (bit = -2; bit < 64; bit++) {
        apr_uint64_t forged = bit == -2   ? 0
                              : bit == -1 ? UINT64_MAX
                                          : handle ^ (apr_uint64_t)1 << bit;
        apr_status_t rv;
        for (i = 0; i < 8; i++) {
            wire_bytes[2 + i] = (unsigned char)(forged >> (56 - 8 * i));
        }
        other = NULL;
        rv = mproc_unpack(bytes_of(wire_bytes, 10), pool, "o", &other);
        CHECK(rv == MPROC_ESTALE || rv == MPROC_EFORMAT);
        CHECK(other == NULL);
        rv = mproc_unpack(bytes_of(wire_bytes, 10), pool, "v", &datum);
        CHECK(rv == MPROC_ESTALE || rv == MPROC_EFORMAT);
    }
}

static apr_status_t
pack_inside(mproc_bytes_t *bytes, apr_array_header_t **named, apr_pool_t *pool,
            const char *format, ...)
{
    apr_status_t rv;
    va_list args;

    va_start(args, format);
    rv = mproc__vpack(bytes, named, pool, format, args);
    va_end(args);
    return rv;
}

/* A message is told which objects it names: each time, trees included. */
static void
objects_named(apr_pool_t *pool)
{
    mproc_value_t *a = value_new(1, pool);
    mproc_value_t *b = value_new(2, pool);
    apr_uint64_t want[3];
    apr_array_header_t *named;
    mproc_bytes_t bytes;
    mproc_datum_t *list, *item;

    want[0] = want[2] = ((mproc_object_t *)a)->handle;
    want[1] = ((mproc_object_t *)b)->handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_list(&list, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_object(&item, b, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_append(list, item));
    REQUIRE_STATUS(APR_SUCCESS,
                   pack_inside(&bytes, &named, pool, "o [v] o", a, list, a));
    REQUIRE(named != NULL);
    CHECK_INT(3, named->nelts);
    CHECK_INT(sizeof want[0], named->elt_size);
    CHECK(memcmp(want, named->elts, sizeof want) == 0);
    REQUIRE_STATUS(APR_SUCCESS, pack_inside(&bytes, &named, pool, "i", 1));
    REQUIRE(named != NULL);
    CHECK_INT(0, named->nelts);
    CHECK_STATUS(APR_EINVAL, pack_inside(&bytes, &named, pool, "o o", a, NULL));
    CHECK(named == NULL);
}

static const test_case_t cases[] = {
    {"letters", letters},
    {"brackets", brackets},
    {"wire", wire},
    {"empty", empty},
    {"numbers", numbers},
    {"number_forms", number_forms},
    {"nesting_packed", nesting_packed},
    {"formats", formats},
    {"nulls", nulls},
    {"too_big", too_big},
    {"lengths", lengths},
    {"objects", objects},
    {"objects_wire", objects_wire},
    {"objects_forged", objects_forged},
    {"objects_named", objects_named},
    {NULL, NULL},
};

const test_suite_t suite_pack = {"pack", 0, cases};
