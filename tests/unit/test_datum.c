/* test_datum.c: trees: parse, walk, build, compare, print. */
#include "bytes.h"
#include "test.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <apr_strings.h>

static mproc_datum_t *
parsed(mproc_bytes_t bytes, apr_pool_t *pool)
{
    mproc_datum_t *datum = NULL;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_parse(&datum, bytes, pool));
    REQUIRE(datum != NULL);
    return datum;
}

static mproc_datum_t *
number(apr_int64_t value, apr_pool_t *pool)
{
    mproc_datum_t *datum = NULL;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_int(&datum, value, pool));
    return datum;
}

static mproc_datum_t *
list_new(apr_pool_t *pool)
{
    mproc_datum_t *datum = NULL;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_list(&datum, pool));
    return datum;
}

static mproc_datum_t *
map_new(apr_pool_t *pool)
{
    mproc_datum_t *datum = NULL;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_map(&datum, pool));
    return datum;
}

static void
put(mproc_datum_t *list, const mproc_datum_t *item)
{
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_append(list, item));
}

/* What a user starts from. */
static void
example(apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    mproc_datum_t *item;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "[i n s]", 42, "hello"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_parse(&item, bytes, NULL));
    CHECK_TEXT("[42, null, \"hello\"]", mproc_datum_text(item, NULL));
    mproc_datum_destroy(item);
}

static void
walk(apr_pool_t *pool)
{
    mproc_datum_t *map;
    const mproc_datum_t *list;
    mproc_bytes_t bytes;
    const char *text;
    apr_int64_t i;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, pool, "{s: i, i: n, s: [i, s]}", "a", 1,
                              2, "list", 3, "x"));
    map = parsed(bytes, pool);
    CHECK_INT(MPROC_DATUM_MAP, mproc_datum_type(map));
    CHECK_INT(3, mproc_datum_size(map));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_as_int64(mproc_datum_find(map, "a"), &i));
    CHECK_INT(1, i);
    CHECK(mproc_datum_find(map, "b") == NULL);
    CHECK(mproc_datum_find(map, "") == NULL);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_as_int64(mproc_datum_key_at(map, 1), &i));
    CHECK_INT(2, i);
    CHECK_INT(MPROC_DATUM_NIL, mproc_datum_type(mproc_datum_value_at(map, 1)));
    CHECK(mproc_datum_value_at(map, 1) != NULL);
    CHECK(mproc_datum_value_at(map, 3) == NULL);
    CHECK(mproc_datum_key_at(map, 3) == NULL);
    CHECK(mproc_datum_at(map, 0) == NULL);
    list = mproc_datum_value_at(map, 2);
    CHECK(list == mproc_datum_find(map, "list"));
    CHECK_INT(2, mproc_datum_size(list));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_as_text(mproc_datum_at(list, 1), &text));
    CHECK_TEXT("x", text);
    CHECK(mproc_datum_at(list, 2) == NULL);
    CHECK(mproc_datum_key_at(list, 0) == NULL);
    CHECK(mproc_datum_find(list, "a") == NULL);
    CHECK_INT(0, mproc_datum_size(mproc_datum_at(list, 0)));
}

/* One of each type, for the tables below. */
#define TYPES 9

static void
one_of_each(mproc_datum_t **data, apr_pool_t *pool)
{
    mproc_value_t *value;
    int n = 5;

    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&value, sizeof n, &n, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_nil(&data[0], pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_bool(&data[1], 7, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_int(&data[2], -3, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_double(&data[3], 2.5, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_text(&data[4], "t", pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_create_bytes(&data[5], BYTES("\0\1"), pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_list(&data[6], pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_map(&data[7], pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_create_object(&data[8], value, pool));
}

/* Every getter on every type. */
static void
getters(apr_pool_t *pool)
{
    mproc_datum_t *data[TYPES];
    apr_uint64_t u;
    apr_int64_t i;
    mproc_bytes_t bytes;
    mproc_value_t *value;
    const char *text;
    double d;
    int b, k;

    one_of_each(data, pool);
    for (k = 0; k < TYPES; k++) {
        const mproc_datum_t *datum = data[k];
        CHECK_INT(k, mproc_datum_type(datum));
        CHECK_STATUS(k == 1 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_bool(datum, &b));
        CHECK_INT(k == 1, b);
        CHECK_STATUS(k == 2 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_int64(datum, &i));
        CHECK_INT(k == 2 ? -3 : 0, i);
        CHECK_STATUS(MPROC_EFORMAT, mproc_datum_as_uint64(datum, &u));
        CHECK_INT(0, u);
        CHECK_STATUS(k == 2 || k == 3 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_double(datum, &d));
        CHECK(d == (k == 2 ? -3 : k == 3 ? 2.5 : 0));
        CHECK_STATUS(k == 4 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_text(datum, &text));
        CHECK_TEXT(k == 4 ? "t" : NULL, text);
        CHECK_STATUS(k == 4 || k == 5 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_bytes(datum, &bytes));
        CHECK_INT(k == 4 ? 1 : k == 5 ? 2 : 0, bytes.size);
        CHECK_STATUS(k == 8 ? APR_SUCCESS : MPROC_EFORMAT,
                     mproc_datum_as_object(datum, &value));
        CHECK(k == 8 ? *(int *)mproc_value_data(value) == 5 : value == NULL);
    }
    CHECK_STATUS(MPROC_EFORMAT, mproc_datum_as_text(data[6], &text));
    CHECK_DETAIL("cannot read a datum as a text: it is a list; ");
}

static void
number_borders(apr_pool_t *pool)
{
    mproc_datum_t *datum;
    apr_uint64_t u;
    apr_int64_t i;
    double d;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_create_uint(&datum, UINT64_MAX, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_as_uint64(datum, &u));
    CHECK(u == UINT64_MAX);
    CHECK_STATUS(MPROC_EFORMAT, mproc_datum_as_int64(datum, &i));
    CHECK_DETAIL("the integer 18446744073709551615 does not fit");
    CHECK_STATUS(MPROC_EFORMAT, mproc_datum_as_double(datum, &d));
    CHECK(i == 0 && d == 0);
    CHECK_TEXT("18446744073709551615", mproc_datum_text(datum, pool));
    datum = number(INT64_MIN, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_datum_as_int64(datum, &i));
    CHECK(i == INT64_MIN);
    CHECK_STATUS(MPROC_EFORMAT, mproc_datum_as_uint64(datum, &u));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_as_double(datum, &d));
    CHECK(d == -9223372036854775808.0);
    CHECK_TEXT("-9223372036854775808", mproc_datum_text(datum, pool));
    datum = number(INT64_MAX, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_datum_as_uint64(datum, &u));
    CHECK(u == INT64_MAX);
}

static void
nulls(apr_pool_t *pool)
{
    mproc_datum_t *datum = number(1, pool);
    mproc_datum_t *list = list_new(pool);
    mproc_datum_t *map = map_new(pool);
    mproc_bytes_t bytes;
    apr_int64_t i;

    CHECK_INT(MPROC_DATUM_NIL, mproc_datum_type(NULL));
    CHECK_INT(0, mproc_datum_size(NULL));
    CHECK(mproc_datum_at(NULL, 0) == NULL);
    CHECK(mproc_datum_key_at(NULL, 0) == NULL);
    CHECK(mproc_datum_value_at(NULL, 0) == NULL);
    CHECK(mproc_datum_find(NULL, "a") == NULL);
    CHECK(mproc_datum_find(map, NULL) == NULL);
    CHECK_TEXT("", mproc_datum_text(NULL, pool));
    CHECK(mproc_datum_equal(NULL, NULL) && !mproc_datum_equal(NULL, list));
    CHECK_STATUS(APR_EINVAL, mproc_datum_as_int64(NULL, &i));
    CHECK_STATUS(APR_EINVAL, mproc_datum_as_int64(datum, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_datum_append(NULL, datum));
    CHECK_STATUS(APR_EINVAL, mproc_datum_append(list, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_datum_append(map, datum));
    CHECK_STATUS(APR_EINVAL, mproc_datum_append(datum, datum));
    CHECK_STATUS(APR_EINVAL, mproc_datum_set(list, "a", datum));
    CHECK_DETAIL("cannot put a value into a list; create a map for it");
    CHECK_STATUS(APR_EINVAL, mproc_datum_set(map, NULL, datum));
    CHECK_STATUS(APR_EINVAL, mproc_datum_set(map, "a", NULL));
    CHECK_STATUS(APR_EINVAL, mproc_datum_set_pair(map, NULL, datum));
    CHECK_STATUS(APR_EINVAL, mproc_datum_create_nil(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_datum_create_text(&datum, NULL, pool));
    CHECK(datum == NULL);
    CHECK_STATUS(APR_EINVAL,
                 mproc_datum_create_bytes(&datum, bytes_of(NULL, 1), pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_create_bytes(&datum, bytes_of(NULL, 0), pool));
    CHECK_STATUS(APR_EINVAL, mproc_datum_create_object(&datum, NULL, pool));
    CHECK(datum == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_datum_parse(NULL, BYTES("\1"), pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_datum_parse(&datum, bytes_of(NULL, 1), pool));
    CHECK_STATUS(APR_EINVAL, mproc_datum_pack(&bytes, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_datum_pack(&bytes, list, NULL));
    mproc_datum_destroy(NULL);
}

static void
round_trip(apr_pool_t *pool)
{
    mproc_datum_t *data[TYPES];
    mproc_datum_t *list = list_new(pool);
    mproc_datum_t *map = map_new(pool);
    mproc_bytes_t bytes, again;
    mproc_datum_t *back;
    int k;

    one_of_each(data, pool);
    for (k = 0; k < TYPES; k++) {
        put(list, data[k]);
        REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set_pair(map, data[k], list));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_pack(&bytes, map, pool));
    back = parsed(bytes, pool);
    CHECK(mproc_datum_equal(map, back));
    CHECK_TEXT(mproc_datum_text(map, pool), mproc_datum_text(back, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_pack(&again, back, pool));
    CHECK(bytes.size == again.size &&
          memcmp(bytes.data, again.data, bytes.size) == 0);
}

/* What is put in is a copy, and may be a part of where it is put. */
static void
values(apr_pool_t *pool)
{
    mproc_datum_t *inner = list_new(NULL);
    mproc_datum_t *outer = list_new(pool);
    mproc_datum_t *map = map_new(pool);
    mproc_datum_t *text;
    int k;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_text(&text, "a", NULL));
    put(inner, text);
    put(outer, inner);
    put(inner, number(2, pool));
    put(outer, inner);
    mproc_datum_destroy(text);
    mproc_datum_destroy(inner);
    CHECK_TEXT("[[\"a\"], [\"a\", 2]]", mproc_datum_text(outer, pool));
    put(outer, outer);
    CHECK_TEXT("[[\"a\"], [\"a\", 2], [[\"a\"], [\"a\", 2]]]",
               mproc_datum_text(outer, pool));
    outer = list_new(pool);
    put(outer, number(0, pool));
    for (k = 0; k < 20; k++) {
        put(outer, mproc_datum_at(outer, 0));
    }
    CHECK_INT(21, mproc_datum_size(outer));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "m", map));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "m", map));
    CHECK_TEXT("{\"m\": {\"m\": {}}}", mproc_datum_text(map, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_set(map, "m", mproc_datum_find(map, "m")));
    CHECK_TEXT("{\"m\": {\"m\": {}}}", mproc_datum_text(map, pool));
}

static void
maps(apr_pool_t *pool)
{
    mproc_datum_t *map = map_new(pool);
    mproc_datum_t *key = list_new(pool);
    char name[2] = "a";

    for (; name[0] < 'h'; name[0]++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_datum_set(map, name, number(name[0], pool)));
    }
    CHECK_INT(7, mproc_datum_size(map));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "c", number(0, pool)));
    CHECK_INT(7, mproc_datum_size(map));
    CHECK_TEXT("{\"a\": 97, \"b\": 98, \"c\": 0, \"d\": 100, \"e\": 101, "
               "\"f\": 102, \"g\": 103}",
               mproc_datum_text(map, pool));
    map = map_new(pool);
    put(key, number(1, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set_pair(map, key, key));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_set_pair(map, key, number(2, pool)));
    CHECK_TEXT("{[1]: 2}", mproc_datum_text(map, pool));
    /* From elsewhere a key may come twice: the last one counts. */
    map = parsed(BYTES("\x82\xa1k\1\xa1k\2"), pool);
    CHECK_TEXT("2", mproc_datum_text(mproc_datum_find(map, "k"), pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "k", number(3, pool)));
    CHECK_TEXT("{\"k\": 1, \"k\": 3}", mproc_datum_text(map, pool));
}

static void
depth(apr_pool_t *pool)
{
    mproc_datum_t *list = list_new(pool);
    mproc_datum_t *map = map_new(pool);
    mproc_datum_t *back;
    mproc_bytes_t bytes;
    int k;

    for (k = 1; k < 64; k++) {
        mproc_datum_t *outer = list_new(pool);
        put(outer, list);
        list = outer;
    }
    CHECK_STATUS(MPROC_ETOOBIG, mproc_datum_append(list, list));
    CHECK_DETAIL("nested more than 64 levels deep");
    CHECK_INT(1, mproc_datum_size(list));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_datum_set(map, "a", list));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_datum_set_pair(map, list, number(1, pool)));
    CHECK_INT(0, mproc_datum_size(map));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_pack(&bytes, list, pool));
    back = parsed(bytes, pool);
    CHECK(mproc_datum_equal(list, back));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_datum_append(list_new(pool), back));
    /* A deep value that is replaced makes room again. */
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_set(map, "a", mproc_datum_at(list, 0)));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_datum_append(list_new(pool), map));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "a", number(1, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_append(list_new(pool), map));
}

static void
equality(apr_pool_t *pool)
{
    /* None is equal to any other. */
    static const struct {
        const char *bytes;
        apr_size_t size;
    } rows[] = {
        {"\xc0", 1},
        {"\xc2", 1},
        {"\xc3", 1},
        {"\0", 1},
        {"\1", 1},
        {"\xff", 1},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9},
        {"\xcb\x3f\xf0\0\0\0\0\0\0", 9},
        {"\xa0", 1},
        {"\xa1\1", 2},
        {"\xa1\2", 2},
        {"\xa2\1\0", 3},
        {"\xc4\0", 2},
        {"\xc4\1\1", 3},
        {"\x90", 1},
        {"\x91\1", 2},
        {"\x92\1\1", 3},
        {"\x92\1\2", 3},
        {"\x91\x91\1", 3},
        {"\x80", 1},
        {"\x81\1\1", 3},
        {"\x81\1\2", 3},
        {"\x82\1\1\2\2", 5},
        {"\x82\2\2\1\1", 5},
    };
    mproc_datum_t *a, *b;
    size_t i, k;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a = parsed(bytes_of(rows[i].bytes, rows[i].size), pool);
        for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            b = parsed(bytes_of(rows[k].bytes, rows[k].size), pool);
            CHECK_INT(i == k, mproc_datum_equal(a, b));
        }
    }
    a = parsed(BYTES("\xd3\0\0\0\0\0\0\0\7"), pool);
    CHECK(mproc_datum_equal(a, number(7, pool)));
    a = parsed(BYTES("\xcb\x7f\xf8\0\0\0\0\0\0"), pool);
    b = parsed(BYTES("\xca\x7f\xc0\0\0"), pool);
    CHECK(mproc_datum_equal(a, b));
}

static void
text_of_double(const char *expected, double value, apr_pool_t *pool)
{
    mproc_datum_t *datum;

    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_double(&datum, value, pool));
    CHECK_TEXT(expected, mproc_datum_text(datum, pool));
}

static void
doubles(apr_pool_t *pool)
{
    text_of_double("0.0", 0.0, pool);
    text_of_double("-0.0", -0.0, pool);
    text_of_double("1.0", 1.0, pool);
    text_of_double("-1.5", -1.5, pool);
    text_of_double("0.1", 0.1, pool);
    text_of_double("0.30000000000000004", 0.1 + 0.2, pool);
    text_of_double("0.3333333333333333", 1.0 / 3, pool);
    text_of_double("100000.0", 100000, pool);
    text_of_double("1e+20", 1e20, pool);
    text_of_double("1e-07", 1e-7, pool);
    text_of_double("9007199254740994.0", 9007199254740994.0, pool);
    text_of_double("1.7976931348623157e+308", 1.7976931348623157e308, pool);
    text_of_double("2.2250738585072014e-308", 2.2250738585072014e-308, pool);
    text_of_double("5e-324", 4.9406564584124654e-324, pool);
    text_of_double("inf", INFINITY, pool);
    text_of_double("-inf", -INFINITY, pool);
    text_of_double("nan", NAN, pool);
}

/* A locale with a decimal comma changes nothing. */
static void
locales(apr_pool_t *pool)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8",
                                        "de_DE.utf8", "de-DE", "German"};
    char *before = apr_pstrdup(pool, setlocale(LC_NUMERIC, NULL));
    size_t k;

    for (k = 0; k < sizeof names / sizeof names[0]; k++) {
        if (setlocale(LC_NUMERIC, names[k]) != NULL) {
            text_of_double("0.30000000000000004", 0.1 + 0.2, pool);
            text_of_double("1.0", 1.0, pool);
            setlocale(LC_NUMERIC, before);
            return;
        }
    }
    test_skip("no locale with a decimal comma is installed");
}

static void
texts(apr_pool_t *pool)
{
    static const struct {
        const char *bytes;
        apr_size_t size;
        const char *text;
    } rows[] = {
        {"\xc0", 1, "null"},
        {"\xc2", 1, "false"},
        {"\xc3", 1, "true"},
        {"\xff", 1, "-1"},
        {"\x90", 1, "[]"},
        {"\x80", 1, "{}"},
        {"\x93\1\x91\2\x80", 5, "[1, [2], {}]"},
        {"\x82\xa1"
         "a\1\2\xc0",
         6, "{\"a\": 1, 2: null}"},
        {"\xa0", 1, "\"\""},
        {"\xa9\"\\\n\r\t\b\f/'", 10, "\"\\\"\\\\\\n\\r\\t\\b\\f/'\""},
        {"\xa5\0\1\x1f\x7f ", 6, "\"\\u0000\\u0001\\u001f\\u007f \""},
        {"\xa2\xc3\xa9", 3, "\"\xc3\xa9\""},
        {"\xa3\xe2\x82\xac", 4, "\"\xe2\x82\xac\""},
        {"\xa4\xf0\x9f\x98\x80", 5, "\"\xf0\x9f\x98\x80\""},
        {"\xa2\xc2\x85", 3, "\"\\u0085\""},
        {"\xa3\xff\xc3(", 4, "\"\\xff\\xc3(\""},
        {"\xa2\xc0\x80", 3, "\"\\xc0\\x80\""},
        {"\xa3\xe0\x80\x80", 4, "\"\\xe0\\x80\\x80\""},
        {"\xa3\xed\xa0\x80", 4, "\"\\xed\\xa0\\x80\""},
        {"\xa4\xf0\x80\x80\x80", 5, "\"\\xf0\\x80\\x80\\x80\""},
        {"\xa4\xf4\x90\x80\x80", 5, "\"\\xf4\\x90\\x80\\x80\""},
        {"\xa2\xe2\x82", 3, "\"\\xe2\\x82\""},
        {"\xc4\5a\0\xff\"\\", 7, "b\"a\\x00\\xff\\\"\\\\\""},
        {"\xca\x3f\xc0\0\0", 5, "1.5"},
    };
    mproc_datum_t *datum;
    size_t k;

    for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        datum = parsed(bytes_of(rows[k].bytes, rows[k].size), pool);
        CHECK_TEXT(rows[k].text, mproc_datum_text(datum, pool));
    }
}

static void
parse_errors(apr_pool_t *pool)
{
    static const struct {
        const char *bytes;
        apr_size_t size;
        const char *why;
    } rows[] = {
        {"", 0, "at byte 0: the bytes end here"},
        {"\x92\1", 2, "at byte 0: 2 values are announced and only 1 bytes"},
        {"\x92\1\xcd\1", 4, "at byte 2: the bytes end inside a value"},
        {"\x91\xc1", 2, "at byte 1: the code 0xc1 is no MessagePack"},
        {"\1\2", 2, "at byte 1: the value ends here and bytes follow"},
        {"\x91\xd4\5.", 4, "an extension of type 5 and 1 bytes is no"},
        {"\xd7\xff........", 10, "an extension of type -1 and 8 bytes is no"},
        {"\x91\xa2x", 3, "at byte 1: 2 bytes are announced and only 1"},
    };
    mproc_datum_t *datum;
    size_t k;

    for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        datum = (mproc_datum_t *)pool;
        CHECK_STATUS(MPROC_EFORMAT,
                     mproc_datum_parse(
                         &datum, bytes_of(rows[k].bytes, rows[k].size), pool));
        CHECK_DETAIL("as MessagePack: ");
        CHECK_DETAIL(rows[k].why);
        CHECK(datum == NULL);
        CHECK_STATUS(MPROC_EFORMAT,
                     mproc_datum_parse(
                         &datum, bytes_of(rows[k].bytes, rows[k].size), NULL));
    }
}

/* Lists that each claim all the bytes that are left are refused before any
 * memory is taken for them: 60 of these would ask for gigabytes. */
static void
claims(apr_pool_t *pool)
{
    enum {
        SIZE = 1 << 20,
        HEADS = 60
    };
    unsigned char *bytes = apr_pcalloc(pool, SIZE);
    mproc_datum_t *datum;
    int k;

    for (k = 0; k < HEADS; k++) {
        apr_uint32_t claim = SIZE - 5 * (k + 1);
        bytes[5 * k] = 0xdd;
        bytes[5 * k + 1] = (unsigned char)(claim >> 24);
        bytes[5 * k + 2] = (unsigned char)(claim >> 16);
        bytes[5 * k + 3] = (unsigned char)(claim >> 8);
        bytes[5 * k + 4] = (unsigned char)claim;
    }
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_datum_parse(&datum, bytes_of(bytes, SIZE), pool));
}

static int
value_count(void)
{
    mproc_census_t census;

    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&census));
    return (int)census.kind[MPROC_KIND_VALUE].blocks;
}

/* A tree has its own use of the objects in it, until it ends. */
static void
objects(apr_pool_t *pool)
{
    int before = value_count();
    mproc_datum_t *data[TYPES];
    mproc_datum_t *list, *copy, *map;
    mproc_bytes_t bytes;
    mproc_value_t *value;
    apr_pool_t *mine;

    apr_pool_create(&mine, pool);
    one_of_each(data, mine);
    CHECK_INT(before + 1, value_count());
    list = list_new(NULL);
    put(list, data[8]);
    map = map_new(pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "list", list));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_pack(&bytes, map, mine));
    bytes.data = apr_pmemdup(pool, bytes.data, bytes.size);
    copy = parsed(bytes, NULL);
    CHECK(mproc_datum_equal(copy, map));
    CHECK(strncmp(mproc_datum_text(list, pool), "[<object ", 9) == 0);
    apr_pool_destroy(mine);
    mproc_datum_destroy(list);
    mproc_datum_destroy(copy);
    CHECK_INT(before + 1, value_count());
    list = (mproc_datum_t *)mproc_datum_find(map, "list");
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_datum_as_object(mproc_datum_at(list, 0), &value));
    CHECK_INT(5, *(int *)mproc_value_data(value));
    /* Replaced, it is given up. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_set(map, "list", number(1, pool)));
    CHECK_INT(before, value_count());
    CHECK_STATUS(MPROC_ESTALE, mproc_datum_parse(&copy, bytes, pool));
    CHECK(copy == NULL);
}

/* A failure in the middle gives up what was opened before it; so does
 * ending a tree before its pool. */
static void
objects_given_up(apr_pool_t *pool)
{
    int before = value_count();
    mproc_value_t *value;
    mproc_bytes_t bytes;
    mproc_datum_t *datum, *none;
    apr_pool_t *packed;
    char *bad;
    int n = 1;

    apr_pool_create(&packed, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_value_create(&value, sizeof n, &n, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pack(&bytes, packed, "[[o] [o i]]", value, value, 1));
    datum = parsed(bytes, pool);
    /* The same with an unknown extension in place of the number. */
    bad = apr_palloc(pool, bytes.size + 2);
    memcpy(bad, bytes.data, bytes.size - 1);
    memcpy(bad + bytes.size - 1, "\xd4\5.", 3);
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_datum_parse(&none, bytes_of(bad, bytes.size + 2), pool));
    mproc_value_destroy(value);
    apr_pool_destroy(packed);
    CHECK_INT(before + 1, value_count());
    mproc_datum_destroy(datum);
    CHECK_INT(before, value_count());
}

static const test_case_t cases[] = {
    {"example", example},
    {"walk", walk},
    {"getters", getters},
    {"number_borders", number_borders},
    {"nulls", nulls},
    {"round_trip", round_trip},
    {"values", values},
    {"maps", maps},
    {"depth", depth},
    {"equality", equality},
    {"doubles", doubles},
    {"locales", locales},
    {"texts", texts},
    {"parse_errors", parse_errors},
    {"claims", claims},
    {"objects", objects},
    {"objects_given_up", objects_given_up},
    {NULL, NULL},
};

const test_suite_t suite_datum = {"datum", 0, cases};
