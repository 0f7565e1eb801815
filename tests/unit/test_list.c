/* test_list.c: the list of the process tree (M11 to M13, M19, M26). */
#include "reach.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dicts.h"

static mproc_list_t *
list_new(apr_pool_t *pool)
{
    mproc_list_t *list;
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_create(&list, pool));
    return list;
}

static const char *
list_text(mproc_list_t *list, apr_pool_t *pool)
{
    mproc_datum_t *datum;
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_datum(list, &datum, pool));
    CHECK_INT(mproc_list_size(list), mproc_datum_size(datum));
    return mproc_datum_text(datum, pool);
}

#define CHECK_LIST(text, list)                                                 \
    do {                                                                       \
        const char *wrong_ = list_whole(list);                                 \
        CHECK_TEXT("", wrong_ == NULL ? "" : wrong_);                          \
        CHECK_TEXT(text, list_text(list, pool));                               \
    } while (0)

/* M19: append, index from both ends, set, insert, pop, del. */
static void
elements_by_index(apr_pool_t *pool)
{
    mproc_list_t *list = list_new(pool);
    mproc_bytes_t bytes;
    const char *text;
    int number;
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "s", "two"));
    CHECK_STATUS(APR_SUCCESS, mproc_list_append(list, pack_int(3, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "[n d]", 0.5));
    CHECK_LIST("[1, \"two\", 3, [null, 0.5]]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, 0, pool, "i", &number));
    CHECK_INT(1, number);
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, -3, pool, "s", &text));
    CHECK_TEXT("two", text);
    CHECK_STATUS(APR_SUCCESS, mproc_list_get(list, &bytes, 2, pool));
    CHECK(bytes.size == 1 && *(const char *)bytes.data == 3);
    CHECK_STATUS(APR_SUCCESS, mproc_list_setf(list, -4, "s", "one"));
    CHECK_STATUS(APR_SUCCESS, mproc_list_set(list, 3, pack_int(4, pool)));
    CHECK_LIST("[\"one\", \"two\", 3, 4]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_insertf(list, 0, "i", 0));
    CHECK_STATUS(APR_SUCCESS, mproc_list_insertf(list, -1, "i", 33));
    CHECK_STATUS(APR_SUCCESS, mproc_list_insert(list, 100, pack_int(5, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_list_insertf(list, -100, "i", -1));
    CHECK_LIST("[-1, 0, \"one\", \"two\", 3, 33, 4, 5]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_popf(list, -1, pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_STATUS(APR_SUCCESS, mproc_list_pop(list, &bytes, 0, pool));
    CHECK(bytes.size == 1 && *(const char *)bytes.data == -1);
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove(list, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove(list, -2));
    CHECK_LIST("[0, \"two\", 3, 4]", list);
    CHECK_INT(4, mproc_list_size(list));
    CHECK_TEXT("list", mproc_kind_name(MPROC_KIND_LIST));
}

/* M19: beyond the ends, nothing has changed; nor after what is refused. */
static void
bad_calls_are_refused(apr_pool_t *pool)
{
    mproc_list_t *list = list_new(pool), *none = (mproc_list_t *)pool;
    mproc_bytes_t cut = {"\x92\x01", 2}, value;
    mproc_dict_t *dict;
    mproc_datum_t *datum;
    apr_size_t n;
    int number = 5;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_getf(list, 0, pool, "i", &number));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_popf(list, -1, pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_STATUS(APR_SUCCESS, mproc_list_extendf(list, "[i i]", 1, 2));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_getf(list, 2, pool, "i", &number));
    CHECK_DETAIL("no element 2 in a list of 2");
    CHECK_STATUS(APR_NOTFOUND, mproc_list_getf(list, -3, pool, "i", &number));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_setf(list, 2, "i", 1));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_remove(list, APR_INT64_MIN));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_remove(list, APR_INT64_MAX));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_pop(list, &value, 2, pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_removef(list, "i", 3));
    CHECK_STATUS(APR_NOTFOUND, mproc_list_indexf(list, &n, "s", "1"));
    CHECK_STATUS(MPROC_EFORMAT, mproc_list_getf(list, 0, pool, "s", &none));
    CHECK_STATUS(MPROC_EFORMAT, mproc_list_appendf(list, "ii", 1, 2));
    CHECK_STATUS(MPROC_EFORMAT, mproc_list_append(list, cut));
    CHECK_STATUS(MPROC_EFORMAT, mproc_list_countf(list, &n, "ii", 1, 2));
    CHECK_STATUS(APR_EINVAL, mproc_list_appendf(list, "?"));
    CHECK_STATUS(APR_EINVAL, mproc_list_extendf(list, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_list_extendf(list, "[i] [i]", 1, 2));
    CHECK_STATUS(APR_EINVAL, mproc_list_extend(list, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_list_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_appendf(NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_list_appendf((mproc_list_t *)dict, "i", 1));
    CHECK_DETAIL("no list");
    CHECK_STATUS(APR_EINVAL, mproc_list_getf(list, 0, NULL, "i", &number));
    CHECK_STATUS(APR_EINVAL, mproc_list_get(list, NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_slice(list, NULL, 0, 1, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_datum(NULL, &datum, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_indexf(list, NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_list_countf(list, NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_list_clear(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_list_sort(NULL, 0));
    CHECK_STATUS(APR_EINVAL, mproc_list_reverse(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_list_repeat(NULL, 2));
    CHECK_STATUS(APR_EINVAL, mproc_list_copy(&none, NULL, pool));
    CHECK(none == NULL);
    CHECK_STATUS(APR_ENOMEM, mproc_list_repeat(list, APR_INT64_MAX));
    CHECK_INT(0, mproc_list_size(NULL));
    CHECK_INT(0, mproc_list_hasf(NULL, "i", 1));
    CHECK_LIST("[1, 2]", list);
    mproc_list_destroy(NULL);
}

/* M19: ranges, of the same length and of others. */
static void
slices(apr_pool_t *pool)
{
    mproc_list_t *list = list_new(pool), *copy;
    mproc_datum_t *datum;
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_extendf(list, "[i i i i i]", 0, 1, 2, 3, 4));
#define SLICE(expected, start, stop)                                           \
    do {                                                                       \
        REQUIRE_STATUS(APR_SUCCESS,                                            \
                       mproc_list_slice(list, &datum, start, stop, pool));     \
        CHECK_TEXT(expected, mproc_datum_text(datum, pool));                   \
    } while (0)
    SLICE("[1, 2]", 1, 3);
    SLICE("[3, 4]", -2, MPROC_LIST_END);
    SLICE("[0, 1, 2, 3]", 0, -1);
    SLICE("[]", 3, 1);
    SLICE("[]", 9, 12);
    SLICE("[0]", -9, 1);
    SLICE("[0, 1, 2, 3, 4]", APR_INT64_MIN, MPROC_LIST_END);
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_copy(&copy, list, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_set_slicef(list, 1, 3, "[s s]", "a", "b"));
    CHECK_LIST("[0, \"a\", \"b\", 3, 4]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_set_slicef(list, 1, 3, "[n]"));
    CHECK_LIST("[0, null, 3, 4]", list);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_set_slicef(list, 1, 1, "[i i i]", 7, 8, 9));
    CHECK_LIST("[0, 7, 8, 9, null, 3, 4]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove_slice(list, -3, -1));
    CHECK_LIST("[0, 7, 8, 9, 4]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove_slice(list, 3, 3));
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_datum(copy, &datum, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_set_slice(list, 4, MPROC_LIST_END, datum));
    CHECK_LIST("[0, 7, 8, 9, 0, 1, 2, 3, 4]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_extend(list, datum));
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove_slice(list, 0, MPROC_LIST_END));
    CHECK_LIST("[]", list);
    CHECK_LIST("[0, 1, 2, 3, 4]", copy);
}

/* M19: by value, as Python compares. */
static void
values_are_found(apr_pool_t *pool)
{
    mproc_list_t *list = list_new(pool);
    mproc_bytes_t y = {"1", 1};
    apr_size_t n;
#define COUNT(expected, ...)                                                   \
    do {                                                                       \
        CHECK_STATUS(APR_SUCCESS, mproc_list_countf(list, &n, __VA_ARGS__));   \
        CHECK_INT(expected, n);                                                \
        CHECK_INT(expected > 0, mproc_list_hasf(list, __VA_ARGS__));           \
    } while (0)
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_extendf(list, "[i b d s y n d I d [i {s:d}] o U]",
                                    1, 1, 1.0, "1", y, NAN,
                                    (apr_int64_t)1 << 53, 9007199254740992.0, 1,
                                    "k", 2.0, list, ~(apr_uint64_t)0));
    COUNT(3, "i", 1);
    COUNT(3, "b", 1);
    COUNT(3, "d", 1.0);
    COUNT(0, "b", 0);
    COUNT(1, "s", "1");
    COUNT(1, "y", y);
    COUNT(1, "n");
    COUNT(0, "d", NAN);
    COUNT(2, "I", (apr_int64_t)1 << 53);
    COUNT(0, "I", ((apr_int64_t)1 << 53) + 1);
    COUNT(1, "U", ~(apr_uint64_t)0);
    COUNT(0, "d", 18446744073709551616.0);
    COUNT(0, "i", -1);
    COUNT(1, "[d {s:i}]", 1.0, "k", 2);
    COUNT(0, "[d {s:i}]", 1.0, "k", 3);
    COUNT(0, "[d]", 1.0);
    COUNT(1, "o", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_indexf(list, &n, "d", 1.0));
    CHECK_INT(0, n);
    CHECK_STATUS(APR_SUCCESS, mproc_list_indexf(list, &n, "s", "1"));
    CHECK_INT(3, n);
    CHECK_STATUS(APR_SUCCESS, mproc_list_removef(list, "d", 1.0));
    CHECK_STATUS(APR_SUCCESS, mproc_list_removef(list, "n"));
    CHECK_STATUS(APR_SUCCESS, mproc_list_removef(list, "o", list));
    COUNT(2, "i", 1);
    CHECK_INT(9, mproc_list_size(list));
}

/* M19: sort, reverse, repeat, clear. */
static void
other_orders(apr_pool_t *pool)
{
    mproc_list_t *list = list_new(pool);
    CHECK_STATUS(APR_SUCCESS, mproc_list_sort(list, 0));
    CHECK_STATUS(APR_SUCCESS, mproc_list_reverse(list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_repeat(list, 3));
    CHECK_STATUS(APR_SUCCESS, mproc_list_extendf(list, "[i d b i U I d d]", 3,
                                                 2.5, 1, -7, ~(apr_uint64_t)0,
                                                 APR_INT64_MIN, -7.5, 1e300));
    CHECK_STATUS(APR_SUCCESS, mproc_list_sort(list, 0));
    CHECK_LIST("[-9223372036854775808, -7.5, -7, true, 2.5, 3, "
               "18446744073709551615, 1e+300]",
               list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_sort(list, 1));
    CHECK_LIST("[1e+300, 18446744073709551615, 3, 2.5, true, -7, -7.5, "
               "-9223372036854775808]",
               list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_reverse(list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "s", "x"));
    CHECK_STATUS(APR_EINVAL, mproc_list_sort(list, 0));
    CHECK_DETAIL("compared");
    CHECK_LIST("[-9223372036854775808, -7.5, -7, true, 2.5, 3, "
               "18446744073709551615, 1e+300, \"x\"]",
               list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_clear(list));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_extendf(list, "[s s s s]", "b", "", "ab", "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_list_sort(list, 0));
    CHECK_LIST("[\"\", \"a\", \"ab\", \"b\"]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_clear(list));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_list_extendf(list, "[[i s] [i] [d] [b s] [i]]", 1, "b",
                                    2, 1.0, 1, "a", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_list_sort(list, 0));
    /* Equal ones keep their order. */
    CHECK_LIST("[[1.0], [1], [true, \"a\"], [1, \"b\"], [2]]", list);
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove_slice(list, 2, 9));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "o", list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_repeat(list, 1));
    CHECK_INT(3, mproc_list_size(list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_repeat(list, 3));
    CHECK_INT(9, mproc_list_size(list));
    CHECK_TEXT("", list_whole(list) == NULL ? "" : list_whole(list));
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove_slice(list, -1, 9));
    CHECK_STATUS(APR_SUCCESS, mproc_list_repeat(list, 0));
    CHECK_LIST("[]", list);
}

/* Many, against a table of what must be there; and the memory comes back. */
static void
many_come_and_go(apr_pool_t *pool)
{
    enum {
        MOST = 600
    };
    static int wanted[MOST];
    mproc_list_t *list = list_new(pool);
    mproc_census_t before, after;
    apr_uint64_t draw = 54321;
    const char *text;
    apr_pool_t *each;
    int count = 0, turns = test_scaled(20000), i;
    apr_pool_create(&each, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    for (i = 0; i < turns; i++) {
        int size, at;
        draw = draw * APR_UINT64_C(6364136223846793005) + 1442695040888963407;
        size = (int)((draw >> 20) % 200);
        at = count == 0 ? 0 : (int)((draw >> 33) % (unsigned)count);
        if (count == 0 || (draw >> 62 == 0 && count < MOST)) {
            CHECK_STATUS(
                APR_SUCCESS,
                mproc_list_insertf(list, at, "s",
                                   long_text((apr_size_t)size, size, each)));
            memmove(&wanted[at + 1], &wanted[at],
                    (size_t)(count - at) * sizeof *wanted);
            wanted[at] = size;
            count++;
        }
        else if (draw >> 62 == 1 && count < MOST) {
            CHECK_STATUS(
                APR_SUCCESS,
                mproc_list_appendf(list, "s",
                                   long_text((apr_size_t)size, size, each)));
            wanted[count++] = size;
        }
        else if (draw >> 62 == 2) {
            CHECK_STATUS(
                APR_SUCCESS,
                mproc_list_setf(list, at, "s",
                                long_text((apr_size_t)size, size, each)));
            wanted[at] = size;
        }
        else {
            CHECK_STATUS(APR_SUCCESS, mproc_list_remove(list, at));
            count--;
            memmove(&wanted[at], &wanted[at + 1],
                    (size_t)(count - at) * sizeof *wanted);
        }
        apr_pool_clear(each);
    }
    CHECK_INT(count, mproc_list_size(list));
    CHECK_TEXT("", list_whole(list) == NULL ? "" : list_whole(list));
    for (i = 0; i < count; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, i, each, "s", &text));
        CHECK_TEXT(long_text((apr_size_t)wanted[i], wanted[i], each), text);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_list_clear(list));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.total.bytes, after.total.bytes);
}

/* Elements of all sizes replace all others. */
static void
values_of_all_sizes(apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0,   20,   62,   63,  64,
                                       300, 2045, 2046, 9000};
    enum {
        SIZES = sizeof sizes / sizeof *sizes
    };
    mproc_list_t *list = list_new(pool);
    const char *text;
    int i, k;
    for (i = 0; i < SIZES; i++) {
        for (k = 0; k < SIZES; k++) {
            char *old = long_text(sizes[i], 1, pool);
            char *new = long_text(sizes[k], 2, pool);
            CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "s", old));
            CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "s", old));
            CHECK_STATUS(APR_SUCCESS, mproc_list_setf(list, 0, "s", new));
            CHECK_STATUS(APR_SUCCESS,
                         mproc_list_getf(list, 0, pool, "s", &text));
            CHECK(strcmp(new, text) == 0);
            CHECK_STATUS(APR_SUCCESS,
                         mproc_list_getf(list, 1, pool, "s", &text));
            CHECK(strcmp(old, text) == 0);
            CHECK_TEXT("", list_whole(list) == NULL ? "" : list_whole(list));
            CHECK_STATUS(APR_SUCCESS,
                         mproc_list_remove_slice(list, 0, MPROC_LIST_END));
        }
    }
    CHECK_LIST("[]", list);
}

/* M26: a list in a dict in a list, by reference, and in itself. */
static void
objects_are_nested(apr_pool_t *pool)
{
    mproc_census_t before, after;
    mproc_list_t *outer, *inner, *seen;
    mproc_bytes_t *values;
    mproc_dict_t *dict, *found;
    apr_size_t count;
    apr_pool_t *each;
    int number = 0;
    apr_pool_create(&each, pool);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    outer = list_new(NULL);
    inner = list_new(NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(outer, "o", outer));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(outer, "o", dict));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "in", "o", inner));
    mproc_dict_destroy(dict);
    mproc_list_destroy(inner);
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(outer, 0, each, "o", &seen));
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(seen, 1, each, "o", &found));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(found, "in", each, "o", &inner));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(inner, "i", 42));
    CHECK_STATUS(APR_SUCCESS, mproc_list_repeat(outer, 2));
    CHECK_STATUS(APR_SUCCESS, mproc_list_reverse(outer));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_list_snapshot(outer, &values, &count, each));
    CHECK_INT(4, count);
    mproc_list_destroy(outer);
    /* What was read of it keeps the dict. */
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(values[0], each, "o", &found));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(found, "in", each, "o", &inner));
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(inner, -1, each, "i", &number));
    CHECK_INT(42, number);
    apr_pool_destroy(each);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(blocks_used(&before), blocks_used(&after));
}

static int
append_pids(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_list_t *list;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &list));
    for (i = 0; i < 300; i++) {
        CHILD_STATUS(
            APR_SUCCESS,
            mproc_list_appendf(list, "I",
                               mproc_process_pid(mproc_process_current())));
        CHILD_STATUS(APR_SUCCESS, mproc_list_insertf(list, 0, "n"));
        CHILD_STATUS(APR_SUCCESS, mproc_list_removef(list, "n"));
    }
    return 0;
}

/* S29: all are seen by all. */
static void
processes_share_it(apr_pool_t *pool)
{
    enum {
        CHILDREN = 4
    };
    mproc_list_t *list = list_new(pool);
    mproc_process_t *child[CHILDREN];
    apr_int64_t pid;
    apr_size_t n;
    int i;
    for (i = 0; i < CHILDREN; i++) {
        START(child[i], append_pids, pool, "o", list);
    }
    for (i = 0; i < CHILDREN; i++) {
        pid = mproc_process_pid(child[i]);
        JOIN(child[i], 0);
        CHECK_STATUS(APR_SUCCESS, mproc_list_countf(list, &n, "I", pid));
        CHECK_INT(300, n);
    }
    CHECK_INT(CHILDREN * 300, mproc_list_size(list));
    CHECK_TEXT("", list_whole(list) == NULL ? "" : list_whole(list));
}

/* In tens, of one number each: calls on several leave it so. */
static int
change_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_list_t *list;
    mproc_event_t *event, *begun;
    int i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "oooi", &list, &event, &begun, &i));
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(begun));
    for (; !mproc_event_is_set(event); i++) {
        apr_size_t size = mproc_list_size(list);
        if (size > 60) {
            CHILD_STATUS(APR_SUCCESS,
                         mproc_list_remove_slice(list, 0, MPROC_LIST_END));
        }
        else if (i % 3 == 0) {
            CHILD_STATUS(APR_SUCCESS,
                         mproc_list_extendf(list, "[i i o i]", i, i, event, i));
        }
        else if (i % 3 == 1) {
            CHILD_STATUS(
                APR_SUCCESS,
                mproc_list_set_slicef(list, 0, 0, "[i i o i]", i, i, event, i));
        }
        else {
            CHILD_STATUS(APR_SUCCESS, mproc_list_set_slicef(list, 0, 4, "[]"));
        }
    }
    return 0;
}

/* Children that change it are killed; all of a call happened, or nothing. */
static void
killed_users_leave_it_whole(apr_pool_t *pool)
{
    mproc_process_t *stays, *dies;
    mproc_census_t before, after;
    mproc_list_t *list;
    mproc_event_t *stop, *begun;
    apr_pool_t *each;
    int round, i;
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&stop, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&begun, pool));
    start_server(pool);
    census_settled(&before);
    list = list_new(NULL);
    apr_pool_create(&each, pool);
    START(stays, change_on, pool, "oooi", list, stop, begun, 1);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
    for (round = 0; round < test_scaled(12); round++) {
        CHECK_STATUS(APR_SUCCESS, mproc_event_clear(begun));
        START(dies, change_on, pool, "oooi", list, stop, begun, round * 100);
        REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(begun, test_deadline()));
        for (i = 0; i < 200; i++) {
            mproc_bytes_t *values;
            apr_size_t count, k;
            REQUIRE_STATUS(APR_SUCCESS,
                           mproc_list_snapshot(list, &values, &count, each));
            REQUIRE(count % 4 == 0);
            for (k = 0; k < count; k += 4) {
                int one, two, three;
                REQUIRE_STATUS(APR_SUCCESS,
                               mproc_unpack(values[k], each, "i", &one));
                REQUIRE_STATUS(APR_SUCCESS,
                               mproc_unpack(values[k + 1], each, "i", &two));
                REQUIRE_STATUS(APR_SUCCESS,
                               mproc_unpack(values[k + 3], each, "i", &three));
                REQUIRE(one == two && two == three);
            }
            apr_pool_clear(each);
        }
        KILL(dies);
        CHECK_TEXT("", list_whole(list) == NULL ? "" : list_whole(list));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(stop));
    JOIN(stays, 0);
    mproc_list_destroy(list);
    await_blocks(MPROC_KIND_LIST, before.kind[MPROC_KIND_LIST].blocks);
    census_settled(&after);
    CHECK_INT(before.kind[MPROC_KIND_STORE].blocks,
              after.kind[MPROC_KIND_STORE].blocks);
    CHECK_INT(before.kind[MPROC_KIND_CELLS].blocks,
              after.kind[MPROC_KIND_CELLS].blocks);
    CHECK_INT(before.kind[MPROC_KIND_ITEM].blocks,
              after.kind[MPROC_KIND_ITEM].blocks);
}

static const test_case_t cases[] = {
    {"elements_by_index", elements_by_index},
    {"bad_calls_are_refused", bad_calls_are_refused},
    {"slices", slices},
    {"values_are_found", values_are_found},
    {"other_orders", other_orders},
    {"many_come_and_go", many_come_and_go},
    {"values_of_all_sizes", values_of_all_sizes},
    {"objects_are_nested", objects_are_nested},
    {"processes_share_it", processes_share_it},
    {"killed_users_leave_it_whole", killed_users_leave_it_whole},
    {NULL, NULL}};

const test_suite_t suite_list = {"list", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"elements_by_index", elements_by_index},
    {"slices", slices},
    {"values_are_found", values_are_found},
    {"other_orders", other_orders},
    {"many_come_and_go", many_come_and_go},
    {"processes_share_it", processes_share_it},
    {NULL, NULL}};

const test_suite_t suite_far_list = {"far_list", MANAGERS, far_cases};
