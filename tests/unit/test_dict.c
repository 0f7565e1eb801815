/* test_dict.c: the dict of the process tree (M11 to M13, M16, M20, M26). */
#include "reach.h"

#include <stdio.h>
#include <string.h>

#include "dicts.h"

/* M20: set and get, by text and by packed bytes: the same keys. */
static void
it_keeps_what_is_set(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_bytes_t key, value;
    const char *text;
    double real;
    int number;
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "b", "s", "two"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "", "d", 0.5));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setf(dict, "l", "[i n {s:b}]", 1, "yes", 1));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_set(dict, pack_int(7, pool), pack_int(70, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "a", pool, "i", &number));
    CHECK_INT(1, number);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "b", pool, "s", &text));
    CHECK_TEXT("two", text);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "", pool, "d", &real));
    CHECK(real == 0.5);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&key, pool, "s", "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_get(dict, &value, key, pool));
    CHECK(value.size == 1 && *(const char *)value.data == 1);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_get(dict, &value, pack_int(7, pool), pool));
    CHECK(value.size == 1 && *(const char *)value.data == 70);
    CHECK_INT(5, mproc_dict_size(dict));
    CHECK(mproc_dict_has(dict, "a") && !mproc_dict_has(dict, "7"));
    CHECK(mproc_dict_has_key(dict, key));
    CHECK(mproc_dict_has_key(dict, pack_int(7, pool)));
    CHECK(!mproc_dict_has_key(dict, pack_int(8, pool)));
    CHECK_TEXT("{\"a\": 1, \"b\": \"two\", \"\": 0.5, \"l\": [1, null, "
               "{\"yes\": true}], 7: 70}",
               dict_text(dict, pool));
    CHECK_WHOLE(dict);
}

/* M13, M20: no such key. */
static void
missing_keys_are_told(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_bytes_t key, value;
    int number = 5;
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_getf(dict, "x", pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_DETAIL("mproc_dict_getf: there is no key \"x\"");
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_remove(dict, "x"));
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_popf(dict, "x", pool, "i", &number));
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_popitem(dict, &key, &value, pool));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_dict_get(dict, &value, pack_int(3, pool), pool));
    CHECK(value.data == NULL && value.size == 0);
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_dict_pop(dict, &value, pack_int(3, pool), pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_remove_key(dict, pack_int(3, pool)));
    CHECK_DETAIL("no key 3");
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "x", "s", "text"));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_getf(dict, "x", pool, "i", &number));
    CHECK_TEXT("{\"x\": \"text\"}", dict_text(dict, pool));
}

/* Nothing is changed by what is refused. */
static void
bad_calls_are_refused(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool), *none = (mproc_dict_t *)pool;
    mproc_bytes_t none_packed = {NULL, 0}, cut = {"\x92\x01", 2};
    mproc_bytes_t two = {"\x01\x02", 2}, key, value;
    mproc_event_t *event;
    mproc_datum_t *datum;
    char *longest = apr_palloc(pool, 65540);
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, pool));
    memset(longest, 'k', 65540);
    longest[65533] = '\0';
    CHECK_STATUS(APR_EINVAL, mproc_dict_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_setf(NULL, "a", "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_dict_setf(dict, NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_dict_setf(dict, "a", "?", 1));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_setf(dict, "a", "ii", 1, 2));
    CHECK_DETAIL("one packed value");
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_setf(dict, "a", ""));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_setf(dict, "a", NULL));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(dict, longest, "i", 1));
    CHECK_STATUS(APR_EINVAL,
                 mproc_dict_setf((mproc_dict_t *)event, "a", "i", 1));
    CHECK_DETAIL("no dict");
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_dict_set(dict, none_packed, pack_int(1, pool)));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_set(dict, cut, pack_int(1, pool)));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_set(dict, two, pack_int(1, pool)));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_set(dict, pack_int(1, pool), cut));
    CHECK_STATUS(MPROC_EFORMAT, mproc_dict_set(dict, pack_int(1, pool), two));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_dict_set(dict, pack_int(1, pool), none_packed));
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&key, pool, "[o]", event));
    CHECK_STATUS(APR_EINVAL, mproc_dict_set(dict, key, pack_int(1, pool)));
    CHECK_DETAIL("shared object");
    CHECK_STATUS(APR_EINVAL, mproc_dict_getf(NULL, "a", pool, "i", &number));
    CHECK_STATUS(APR_EINVAL, mproc_dict_getf(dict, NULL, pool, "i", &number));
    CHECK_STATUS(APR_EINVAL, mproc_dict_getf(dict, "a", NULL, "i", &number));
    CHECK_STATUS(APR_EINVAL,
                 mproc_dict_get(dict, NULL, pack_int(1, pool), pool));
    CHECK_STATUS(APR_EINVAL,
                 mproc_dict_get(dict, &value, pack_int(1, pool), NULL));
    CHECK_STATUS(APR_EINVAL, mproc_dict_popitem(dict, NULL, &value, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_remove(dict, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_dict_clear(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_dict_updatef(dict, "[i]", 1));
    CHECK_STATUS(APR_EINVAL, mproc_dict_updatef(dict, "{s:i} i", "a", 1, 2));
    CHECK_STATUS(APR_EINVAL, mproc_dict_update(dict, NULL));
    CHECK_STATUS(APR_EINVAL,
                 mproc_dict_updatef(dict, "{s:i [o]:i}", "a", 1, event, 2));
    CHECK_STATUS(APR_EINVAL, mproc_dict_keys(dict, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_datum(NULL, &datum, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_copy(NULL, dict, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_copy(&none, NULL, pool));
    CHECK(none == NULL);
    CHECK_INT(0, mproc_dict_size(NULL));
    CHECK_INT(0, mproc_dict_has(NULL, "a"));
    CHECK_INT(0, mproc_dict_has(dict, NULL));
    CHECK_TEXT("{}", dict_text(dict, pool));
    CHECK_WHOLE(dict);
    mproc_dict_destroy(NULL);
    longest[65532] = '\0';
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, longest, "i", 1));
    CHECK_INT(1, mproc_dict_has(dict, longest));
    CHECK_WHOLE(dict);
}

/* M20: the order of insertion; a new value keeps the place. */
static void
order_is_kept(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_datum_t *datum;
    mproc_bytes_t key, value;
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "c", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "b", "i", 3));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setf(dict, "c", "s", "longer than it was"));
    CHECK_TEXT("{\"c\": \"longer than it was\", \"a\": 2, \"b\": 3}",
               dict_text(dict, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "n"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_keys(dict, &datum, pool));
    CHECK_TEXT("[\"c\", \"b\", \"a\"]", mproc_datum_text(datum, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_values(dict, &datum, pool));
    CHECK_TEXT("[\"longer than it was\", 3, null]",
               mproc_datum_text(datum, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_items(dict, &datum, NULL));
    CHECK_TEXT("[[\"c\", \"longer than it was\"], [\"b\", 3], [\"a\", null]]",
               mproc_datum_text(datum, NULL));
    mproc_datum_destroy(datum);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_popitem(dict, &key, &value, pool));
    CHECK(key.size == 2 && memcmp(key.data,
                                  "\xa1"
                                  "a",
                                  2) == 0);
    CHECK(value.size == 1 && memcmp(value.data, "\xc0", 1) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, "c"));
    CHECK_TEXT("{\"b\": 3}", dict_text(dict, pool));
    CHECK_WHOLE(dict);
}

/* M20: pop, setdefault, update, copy, clear. */
static void
the_other_calls(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool), *copy;
    mproc_datum_t *datum;
    mproc_bytes_t value;
    int number = 0, added = 7;
    CHECK_STATUS(APR_SUCCESS, mproc_dict_updatef(dict, "{s:i s:s i:n}", "a", 1,
                                                 "b", "x", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_popf(dict, "a", pool, "i", &number));
    CHECK_INT(1, number);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setdefaultf(dict, &added, "a", "i", 10));
    CHECK_INT(1, added);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setdefaultf(dict, &added, "a", "i", 11));
    CHECK_INT(0, added);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setdefaultf(dict, NULL, "b", "i", 11));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setdefault(dict, &value, pack_int(6, pool),
                                       pack_int(60, pool), pool));
    CHECK(value.size == 1 && *(const char *)value.data == 60);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setdefault(dict, &value, pack_int(6, pool),
                                       pack_int(61, pool), pool));
    CHECK(value.size == 1 && *(const char *)value.data == 60);
    CHECK_TEXT("{\"b\": \"x\", 5: null, \"a\": 10, 6: 60}",
               dict_text(dict, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_copy(&copy, dict, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "b", "i", 2));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_pop(dict, &value, pack_int(5, pool), pool));
    CHECK_TEXT("{\"b\": \"x\", 5: null, \"a\": 10, 6: 60}",
               dict_text(copy, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_datum(copy, &datum, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_update(dict, datum));
    CHECK_TEXT("{\"b\": \"x\", \"a\": 10, 6: 60, 5: null}",
               dict_text(dict, pool));
    mproc_dict_destroy(copy);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
    CHECK_TEXT("{}", dict_text(dict, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "again", "i", 1));
    CHECK_TEXT("{\"again\": 1}", dict_text(dict, pool));
    CHECK_WHOLE(dict);
}

/* Who walks over a snapshot is not disturbed. */
static void
a_snapshot_stays(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_dict_pair_t *pairs;
    apr_size_t count, i;
    int key, value;
    for (i = 0; i < 100; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_dict_set(dict, pack_int((int)i, pool),
                                                   pack_int((int)i * 2, pool)));
    }
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_dict_snapshot(dict, &pairs, &count, pool));
    CHECK_INT(100, count);
    for (i = 0; i < count; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_unpack(pairs[i].key, pool, "i", &key));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_unpack(pairs[i].value, pool, "i", &value));
        CHECK(key == (int)i && value == (int)i * 2);
        CHECK_STATUS(APR_SUCCESS, mproc_dict_remove_key(dict, pairs[i].key));
    }
    CHECK_INT(0, mproc_dict_size(dict));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_dict_snapshot(dict, &pairs, &count, pool));
    CHECK_INT(0, count);
    CHECK_WHOLE(dict);
}

/* All sizes replace all others: in place, in another cell, in a box. */
static void
values_of_all_sizes(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0,   1,    20,   62,   63,   64,   300,
                                       513, 2044, 2045, 2046, 9000, 70000};
    enum {
        SIZES = sizeof sizes / sizeof *sizes
    };
    mproc_census_t before, after;
    mproc_dict_t *dict = dict_new(NULL);
    const char *text;
    apr_pool_t *each;
    int i, k;
    apr_pool_create(&each, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < SIZES; i++) {
        for (k = 0; k < SIZES; k++) {
            char *old = long_text(sizes[i], 1, each);
            char *new = long_text(sizes[k], 2, each);
            CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "other", "s", old));
            CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "key", "s", old));
            CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "key", "s", new));
            CHECK_STATUS(APR_SUCCESS,
                         mproc_dict_getf(dict, "key", each, "s", &text));
            CHECK(strcmp(new, text) == 0);
            CHECK_STATUS(APR_SUCCESS,
                         mproc_dict_getf(dict, "other", each, "s", &text));
            CHECK(strcmp(old, text) == 0);
            CHECK_WHOLE(dict);
            CHECK_STATUS(APR_SUCCESS,
                         mproc_dict_popf(dict, "key", each, "s", &text));
            CHECK(strcmp(new, text) == 0);
            CHECK_WHOLE(dict);
            apr_pool_clear(each);
        }
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_ITEM].blocks + 1,
              after.kind[MPROC_KIND_ITEM].blocks);
    CHECK_INT(before.kind[MPROC_KIND_DICT].blocks,
              after.kind[MPROC_KIND_DICT].blocks);
    CHECK_TEXT("dict", mproc_kind_name(MPROC_KIND_DICT));
    mproc_dict_destroy(dict);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(blocks_used(&before) - 2, blocks_used(&after));
}

/* Many, against a table of what must be there; and the memory comes back. */
static void
many_come_and_go(apr_pool_t *pool)
{
    enum {
        KEYS = 3000
    };
    static int wanted[KEYS]; /* size + 1; 0: not there */
    mproc_dict_t *dict = dict_new(pool);
    mproc_census_t before, after;
    const char *text;
    apr_pool_t *each;
    apr_uint64_t draw = 12345;
    int i, there = 0, turns = test_scaled(60000);
    apr_pool_create(&each, pool);
    memset(wanted, 0, sizeof wanted);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < turns; i++) {
        char key[20];
        int k, size;
        draw = draw * APR_UINT64_C(6364136223846793005) + 1442695040888963407;
        k = (int)(draw >> 33) % KEYS;
        size = (int)((draw >> 20) % 100);
        snprintf(key, sizeof key, "key %d", k);
        if (draw >> 62 != 0) {
            CHECK_STATUS(
                APR_SUCCESS,
                mproc_dict_setf(dict, key, "s",
                                long_text((apr_size_t)size, k % 26, each)));
            there += wanted[k] == 0;
            wanted[k] = size + 1;
        }
        else {
            CHECK_STATUS(wanted[k] ? APR_SUCCESS : APR_NOTFOUND,
                         mproc_dict_remove(dict, key));
            there -= wanted[k] != 0;
            wanted[k] = 0;
        }
        apr_pool_clear(each);
    }
    CHECK_INT(there, mproc_dict_size(dict));
    CHECK_WHOLE(dict);
    for (i = 0; i < KEYS; i++) {
        char key[20];
        snprintf(key, sizeof key, "key %d", i);
        CHECK_STATUS(wanted[i] ? APR_SUCCESS : APR_NOTFOUND,
                     mproc_dict_getf(dict, key, each, "s", &text));
        if (wanted[i]) {
            CHECK_TEXT(long_text((apr_size_t)wanted[i] - 1, i % 26, each),
                       text);
            CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(dict, key));
        }
        apr_pool_clear(each);
    }
    CHECK_WHOLE(dict);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.total.bytes, after.total.bytes);
}

/* No more than 64 bytes an entry beyond key and value. */
static void
entries_are_small(apr_pool_t *pool)
{
    mproc_dict_t *dict = dict_new(pool);
    mproc_census_t before, after;
    int count = test_scaled(200000), i;
    apr_uint64_t bytes = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < count; i++) {
        char key[20];
        bytes += (apr_uint64_t)snprintf(key, sizeof key, "key %09d", i) + 1;
        bytes += 5;
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_dict_setf(dict, key, "i", 100000 + i));
    }
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK(after.total.bytes - before.total.bytes - bytes <=
          (apr_uint64_t)count * 64);
    CHECK_WHOLE(dict);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.total.bytes, after.total.bytes);
}

/* M26: objects in values, by reference; they live as long as they are there. */
static void
objects_are_nested(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_dict_t *outer, *inner, *seen, *again;
    mproc_event_t *event;
    mproc_datum_t *datum;
    apr_pool_t *each;
    int number;
    apr_pool_create(&each, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    outer = dict_new(NULL);
    inner = dict_new(NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(inner, "n", "i", 1));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_dict_setf(outer, "in", "[o i o]", inner, 5, event));
    mproc_event_destroy(event);
    mproc_dict_destroy(inner);
    /* It is kept by the outer one, and read it is the same. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_getf(outer, "in", each, "[o i o]",
                                                &seen, &number, &event));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(seen, "n", "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_getf(outer, "in", each, "[o i o]",
                                                &again, &number, &event));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(again, "n", pool, "i", &number));
    CHECK_INT(2, number);
    CHECK(mproc_event_is_set(event));
    /* It outlives the outer one where somebody has it. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_datum(outer, &datum, each));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(outer, "in"));
    mproc_dict_destroy(outer);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_datum_as_object(
                     mproc_datum_at(mproc_datum_find(datum, "in"), 0), &seen));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(seen, "n", pool, "i", &number));
    CHECK_INT(2, number);
    apr_pool_destroy(each);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(blocks_used(&before), blocks_used(&after));
}

/* M26: in itself; a hundred in each other; packed bytes that name objects. */
static void
nesting_goes_deep(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_dict_t *dict, *next, *seen;
    mproc_bytes_t bytes, key;
    apr_pool_t *each;
    int i, number;
    apr_pool_create(&each, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    dict = dict_new(NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "self", "o", dict));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "n", "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "self", each, "o", &seen));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(seen, "n", each, "i", &number));
    CHECK_INT(3, number);
    for (i = 0; i < 100; i++) {
        next = dict_new(NULL);
        CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(next, "in", "o", dict));
        mproc_dict_destroy(dict);
        dict = next;
    }
    apr_pool_clear(each);
    /* Bytes that were packed: their pool goes, what they name stays. */
    key = pack_int(1, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, each, "o", dict));
    next = dict_new(NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_set(next, key, bytes));
    apr_pool_clear(each);
    mproc_dict_destroy(dict);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_pop(next, &bytes, key, each));
    mproc_dict_destroy(next);
    /* The bytes' pool keeps it now. */
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(bytes, each, "o", &dict));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_WHOLE(dict);
    apr_pool_destroy(each);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(blocks_used(&before), blocks_used(&after));
}

static const test_case_t cases[] = {
    {"it_keeps_what_is_set", it_keeps_what_is_set},
    {"missing_keys_are_told", missing_keys_are_told},
    {"bad_calls_are_refused", bad_calls_are_refused},
    {"order_is_kept", order_is_kept},
    {"the_other_calls", the_other_calls},
    {"a_snapshot_stays", a_snapshot_stays},
    {"values_of_all_sizes", values_of_all_sizes},
    {"many_come_and_go", many_come_and_go},
    {"entries_are_small", entries_are_small},
    {"objects_are_nested", objects_are_nested},
    {"nesting_goes_deep", nesting_goes_deep},
    {NULL, NULL}};

const test_suite_t suite_dict = {"dict", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"it_keeps_what_is_set", it_keeps_what_is_set},
    {"missing_keys_are_told", missing_keys_are_told},
    {"order_is_kept", order_is_kept},
    {"the_other_calls", the_other_calls},
    {"a_snapshot_stays", a_snapshot_stays},
    {"many_come_and_go", many_come_and_go},
    {NULL, NULL}};

const test_suite_t suite_far_dict = {"far_dict", MANAGERS, far_cases};
