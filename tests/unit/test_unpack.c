/* test_unpack.c: bytes that do not fit, are cut, or mean harm. */
#include "bytes.h"
#include "test.h"

#include <stdint.h>
#include <string.h>

#include <apr_strings.h>

/* Every kind of value against every letter. */
static void
mismatches(apr_pool_t *pool)
{
    static const struct {
        const char *bytes;
        const char *takers;
        const char *found;
    } rows[] = {
        {"\xc0", "nv*", "nil"},
        {"\xc3", "bv*", "true"},
        {"\x05", "iuIUdv*", "the integer 5"},
        {"\xff", "iIdv*", "the integer -1"},
        {"\xca\x3f\xc0\x01\x01", "dv*", "the number 1.5"},
        {"\xa2hi", "sv*", "text of 2 bytes"},
        {"\xc4\x01z", "yv*", "1 raw bytes"},
        {"\x91\x01", "v*", "a list of length 1"},
        {"\x81\x01\x01", "v*", "a map of size 1"},
        {"\xd4\x05z", "*", "an extension of type 5"},
    };
    static const char *const letters_expected[][2] = {
        {"n", "nil"},        {"b", "a boolean"},
        {"i", "an int"},     {"u", "an unsigned int"},
        {"I", "a signed"},   {"U", "an unsigned integer"},
        {"d", "a number"},   {"s", "text"},
        {"y", "bytes"},      {"o", "a shared object"},
        {"[]", "a list of"}, {"{}", "a map of size 0"},
    };
    _Alignas(16) char any[64];
    size_t i, k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mproc_bytes_t in = bytes_of(rows[i].bytes, strlen(rows[i].bytes));
        for (k = 0; k < sizeof letters_expected / sizeof *letters_expected;
             k++) {
            const char *letter = letters_expected[k][0];
            if (strchr(rows[i].takers, letter[0]) != NULL) {
                CHECK_STATUS(APR_SUCCESS, mproc_unpack(in, pool, letter, any));
                continue;
            }
            CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(in, pool, letter, any));
            CHECK_DETAIL(rows[i].found);
            if (rows[i].bytes[0] == '\xd4' && letter[0] == 'o') {
                CHECK_DETAIL("at value 1: an extension of type 5 and 1 "
                             "bytes is no shared object");
            }
            else {
                CHECK_DETAIL("at value 1: expected ");
                CHECK_DETAIL(letters_expected[k][1]);
            }
        }
        CHECK_STATUS(strchr(rows[i].takers, 'v') ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_unpack(in, pool, "v", any));
        CHECK_STATUS(APR_SUCCESS, mproc_unpack(in, pool, "*"));
    }
}

static void
places(apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    const char *s;
    int i;

    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "[i s]", 1, "x"));
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "[i i]", &i, &i));
    CHECK_DETAIL("with \"[i i]\": at value 2 of the list: expected an int, "
                 "-2147483648 to 2147483647, found text of 1 bytes; ");
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "[i]", &i));
    CHECK_DETAIL("at value 1: expected a list of length 1, found a list of "
                 "length 2;");
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "{i: s}", &i, &s));
    CHECK_DETAIL("expected a map of size 1, found a list of length 2;");

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "i {i: n, i: [n i]}", 1, 2, 3, 4));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_unpack(bytes, pool, "i {i: n, s: *}", &i, &i, &s));
    CHECK_DETAIL("at key 2 of the map in value 2: expected text");
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_unpack(bytes, pool, "i {i: s, i: *}", &i, &i, &s));
    CHECK_DETAIL("at value 1 of the map in value 2: expected text");
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_unpack(bytes, pool, "* {* : *, * : [n s]}", &s));
    CHECK_DETAIL("at value 2 of the list in value 2 of the map in value 2: "
                 "expected text, found the integer 4");

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "[[[[[[[[i]]]]]]]]", 1));
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "[[[[[[[[n]]]]]]]]"));
    CHECK_DETAIL("of the list in ...: expected nil");
}

/* What comes before the place is set, the rest is not touched. */
static void
partial(apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    int a = -1, b = -1, c = -1;

    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "[i s i]", 1, "", 3));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_unpack(bytes, pool, "[i i i]", &a, &b, &c));
    CHECK_INT(1, a);
    CHECK_INT(-1, b);
    CHECK_INT(-1, c);
}

static void
truncated(apr_pool_t *pool)
{
    static const char form[] = "[n b i u I U d s y v {s: [i]}] *";
    mproc_bytes_t bytes, y;
    apr_int64_t big_i;
    apr_uint64_t big_u;
    const char *s;
    mproc_datum_t *v;
    unsigned u;
    double d;
    int i;
    apr_size_t size;

    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_datum_parse(&v, BYTES("\x93\1\xa1z\x81\2\xc4\1q"), pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "[n b i u I U d s y v {s: [i]}] v",
                              1, 100000, 300u, (apr_int64_t)INT64_MIN,
                              (apr_uint64_t)UINT64_MAX, 2.5, "text",
                              BYTES("raw"), v, "k", 70000, v));
    for (size = 0; size <= bytes.size; size++) {
        /* A copy of just that size: reading behind it is caught. */
        void *cut = apr_pmemdup(pool, bytes.data, size);
        CHECK_STATUS(size == bytes.size ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_unpack(bytes_of(cut, size), pool, form, &i, &i, &u,
                                  &big_i, &big_u, &d, &s, &y, &v, &s, &i));
        CHECK_STATUS(size == bytes.size ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_unpack(bytes_of(cut, size), pool, "* v", &v));
    }
}

static void
trailing(apr_pool_t *pool)
{
    int i = 0;

    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\1\2"), pool, "i", &i));
    CHECK_DETAIL("at value 2: expected the end of the bytes, found more");
    CHECK_INT(1, i);
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\1"), pool, NULL));
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES(""), pool, "i", &i));
    CHECK_DETAIL("at value 1: the bytes end here");
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\x91"), pool, "[n]"));
}

/* Sizes of 4 GiB in six bytes: refused as what they are, and not because
 * memory for them could not be had. */
static void
hostile_sizes(apr_pool_t *pool)
{
    static const struct {
        const char *bytes;
        apr_size_t size;
        const char *letter;
    } rows[] = {
        {"\xc6\xff\xff\xff\xff.", 6, "y"},
        {"\xdb\xff\xff\xff\xff.", 6, "s"},
        {"\xc9\xff\xff\xff\xff\1.", 7, "o"},
        {"\xdd\xff\xff\xff\xff.", 6, "*"},
        {"\xdf\xff\xff\xff\xff.", 6, "*"},
        {"\xc5\xff\xff.", 4, "y"},
        {"\xda\xff\xff.", 4, "s"},
        {"\xc8\xff\xff\1.", 5, "o"},
        {"\xdc\xff\xff.", 4, "*"},
        {"\xde\xff\xff.", 4, "*"},
        {"\xc4\xff.", 3, "y"},
        {"\xd9\xff.", 3, "s"},
        {"\xc7\xff\1.", 4, "o"},
        {"\xbf.", 2, "s"},
        {"\x9f.", 2, "*"},
        {"\x8f.", 2, "*"},
        {"\xd8\1.", 3, "o"},
        {"\x81\1", 2, "*"},
    };
    mproc_datum_t *datum;
    _Alignas(16) char any[64];
    size_t k;

    for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        mproc_bytes_t in = bytes_of(
            apr_pmemdup(pool, rows[k].bytes, rows[k].size), rows[k].size);
        CHECK_STATUS(MPROC_EFORMAT,
                     mproc_unpack(in, pool, rows[k].letter, any));
        CHECK_DETAIL(" are announced and only ");
        CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(in, pool, "*"));
        CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(in, pool, "v", any));
        CHECK_STATUS(MPROC_EFORMAT, mproc_datum_parse(&datum, in, pool));
        CHECK(datum == NULL);
    }
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\xc1"), pool, "*"));
    CHECK_DETAIL("the code 0xc1 is no MessagePack");
}

static void
nesting(apr_pool_t *pool)
{
    char format[2 * 65 + 1], wire_bytes[100000];
    mproc_bytes_t bytes;
    mproc_datum_t *datum;
    int levels;

    for (levels = 64; levels <= 65; levels++) {
        apr_status_t want = levels == 64 ? APR_SUCCESS : APR_EINVAL;
        memset(format, '[', levels);
        memset(format + levels, ']', levels);
        format[2 * levels] = '\0';
        CHECK_STATUS(want, mproc_pack(&bytes, pool, format));
        memset(wire_bytes, 0x91, sizeof wire_bytes);
        wire_bytes[levels - 1] = (char)0x90;
        bytes = bytes_of(wire_bytes, levels);
        CHECK_STATUS(want, mproc_unpack(bytes, pool, format));
        want = levels == 64 ? APR_SUCCESS : MPROC_EFORMAT;
        CHECK_STATUS(want, mproc_unpack(bytes, pool, "*"));
        CHECK_STATUS(want, mproc_unpack(bytes, pool, "v", &datum));
        CHECK_STATUS(want, mproc_unpack(bytes, pool, "[*]"));
        CHECK_STATUS(want, mproc_unpack(bytes, pool, "[[[v]]]", &datum));
    }
    CHECK_DETAIL("nested more than 64 levels deep");
    memset(wire_bytes, 0x91, sizeof wire_bytes);
    bytes = bytes_of(wire_bytes, sizeof wire_bytes);
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "*"));
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(bytes, pool, "v", &datum));
}

/* Text is a C string on both sides; whether it is UTF-8 nobody checks. */
static void
text(apr_pool_t *pool)
{
    const char *s = NULL;
    mproc_datum_t *v;

    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\xa3"
                                                   "a\0b"),
                                             pool, "s", &s));
    CHECK_DETAIL("text with a NUL inside");
    CHECK(s == NULL);
    CHECK_STATUS(MPROC_EFORMAT, mproc_unpack(BYTES("\xa1\0"), pool, "s", &s));
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(BYTES("\xa3"
                                                 "a\0b"),
                                           pool, "v", &v));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_unpack(BYTES("\xa3\xff\xc3("), pool, "s", &s));
    CHECK_TEXT("\xff\xc3(", s);
}

static const test_case_t cases[] = {
    {"mismatches", mismatches},
    {"places", places},
    {"partial", partial},
    {"truncated", truncated},
    {"trailing", trailing},
    {"hostile_sizes", hostile_sizes},
    {"nesting", nesting},
    {"text", text},
    {NULL, NULL},
};

const test_suite_t suite_unpack = {"unpack", 0, cases};
