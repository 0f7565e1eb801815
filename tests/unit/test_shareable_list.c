/* test_shareable_list.c: a list of fixed length (SL1 to SL6). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <apr_thread_proc.h>

#include "child.h"

#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"
#include "../../lib/src/slot.h"

static const char *
list_text(mproc_shareable_list_t *list, apr_pool_t *pool)
{
    mproc_datum_t *datum;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_datum(list, &datum, pool));
    return mproc_datum_text(datum, pool);
}

static mproc_bytes_t
bytes_of(const char *data, apr_size_t size)
{
    mproc_bytes_t bytes = {data, size};
    return bytes;
}

/* SL1: every type, to the ends of its range. */
static void
it_holds_six_types(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    const char *text;
    mproc_bytes_t bytes;
    apr_int64_t least, most;
    double real;
    int truth;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(
                       &list, pool, "[n b I I d s y]", 1, APR_INT64_MIN,
                       APR_INT64_MAX, -0.0, "text", bytes_of("\0\1", 2)));
    CHECK_INT(7, mproc_shareable_list_size(list));
    CHECK_TEXT("[null, true, -9223372036854775808, 9223372036854775807, -0.0, "
               "\"text\", b\"\\x00\\x01\"]",
               list_text(list, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_getf(list, 0, pool, "n"));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 1, pool, "b", &truth));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 2, pool, "I", &least));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 3, pool, "I", &most));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 4, pool, "d", &real));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 5, pool, "s", &text));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 6, pool, "y", &bytes));
    CHECK_INT(1, truth);
    CHECK(least == APR_INT64_MIN && most == APR_INT64_MAX);
    CHECK(real == 0 && signbit(real));
    CHECK_TEXT("text", text);
    CHECK(bytes.size == 2 && memcmp(bytes.data, "\0\1", 2) == 0);
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_shareable_list_getf(list, 5, pool, "b", &truth));
}

/* SL1: other types, and larger numbers, at creation and later. */
static void
others_are_refused(apr_pool_t *pool)
{
    mproc_shareable_list_t *list = (mproc_shareable_list_t *)pool;
    CHECK_STATUS(APR_EINVAL,
                 mproc_shareable_list_create(&list, pool, "[i [i]]", 1, 2));
    CHECK(list == NULL);
    CHECK_DETAIL("a list");
    CHECK_STATUS(APR_EINVAL,
                 mproc_shareable_list_create(&list, pool, "[{s:i}]", "key", 2));
    CHECK_STATUS(APR_EINVAL,
                 mproc_shareable_list_create(&list, pool, "[U]",
                                             (apr_uint64_t)APR_INT64_MAX + 1));
    CHECK_DETAIL("9223372036854775808");
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_create(&list, pool, "i", 1));
    CHECK_STATUS(APR_EINVAL,
                 mproc_shareable_list_create(&list, pool, "[i] [i]", 1, 2));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_create(&list, pool, ""));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_create(&list, pool, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_create(NULL, pool, "[]"));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&list, pool, "[i s]", 1, "two"));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_setf(list, 0, "[i]", 1));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_setf(list, 0, "o", list));
    CHECK_STATUS(APR_EINVAL,
                 mproc_shareable_list_setf(list, 0, "U", ~(apr_uint64_t)0));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_setf(list, 0, "i i", 1, 2));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_setf(list, 0, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_setf(NULL, 0, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_getf(list, 0, NULL, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_getf(NULL, 0, pool, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_datum(list, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_countf(list, NULL, "n"));
    CHECK_STATUS(APR_EINVAL, mproc_shareable_list_indexf(list, NULL, "n"));
    CHECK_TEXT("[1, \"two\"]", list_text(list, pool));
    CHECK_INT(0, mproc_shareable_list_size(NULL));
    mproc_shareable_list_destroy(NULL);
}

/* SL2: room by the first value, in steps of 8; longer: nothing has changed. */
static void
room_is_fixed(apr_pool_t *pool)
{
    static const apr_size_t rooms[] = {8, 8, 16, 16, 24, 8};
    mproc_shareable_list_t *list;
    apr_size_t room;
    int i;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(
                       &list, pool, "[s s s s s i]", "", "1234567", "12345678",
                       "123456789012345", "1234567890123456", 6));
    for (i = 0; i < 6; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_room(list, &room, i));
        CHECK_INT(rooms[i], room);
    }
    /* As long as fits, not a byte more. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_setf(list, 1, "s", "abcdefgh"));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_shareable_list_setf(list, 1, "s", "abcdefghi"));
    CHECK_DETAIL("9 bytes");
    CHECK_DETAIL("room for 8");
    CHECK_TEXT("[\"\", \"abcdefgh\", \"12345678\", \"123456789012345\", "
               "\"1234567890123456\", 6]",
               list_text(list, pool));
    /* Types may replace each other; a number's place has 8 bytes. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_setf(list, 5, "s", "eight888"));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_shareable_list_setf(
                                    list, 5, "y", bytes_of("nine99999", 9)));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 4, "n"));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 3, "d", 1.5));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_setf(list, 3, "s", "again sixteen 16"));
    CHECK_TEXT("[\"\", \"abcdefgh\", \"12345678\", \"again sixteen 16\", null, "
               "\"eight888\"]",
               list_text(list, pool));
}

/* SL2: NULs at the end stay, and UTF-8 counts by its bytes. */
static void
lengths_are_exact(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_datum_t *parsed;
    mproc_bytes_t bytes;
    const char *text;
    /* MessagePack of ["a\0\0"]. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_parse(&parsed,
                                                  bytes_of("\x91\xa3"
                                                           "a\0\0",
                                                           5),
                                                  pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&list, pool, "v", parsed));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 0, pool, "v", &parsed));
    CHECK_INT(MPROC_DATUM_TEXT, mproc_datum_type(parsed));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_as_bytes(parsed, &bytes));
    CHECK(bytes.size == 3 && memcmp(bytes.data, "a\0\0", 3) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(
                                  list, 0, "y", bytes_of("\0\0\0\0\0\0\0", 7)));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 0, pool, "y", &bytes));
    CHECK(bytes.size == 7 && memcmp(bytes.data, "\0\0\0\0\0\0\0", 7) == 0);
    /* Four letters, eight bytes; five, ten. */
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_setf(list, 0, "s",
                                           "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f"));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_shareable_list_setf(
                     list, 0, "s", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4"));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 0, pool, "s", &text));
    CHECK_TEXT("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", text);
}

/* SL3: from both ends, and not beyond either. */
static void
indices_are_checked(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    apr_size_t room;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(
                                    &list, pool, "[i i i]", 10, 20, 30));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, -1, pool, "i", &number));
    CHECK_INT(30, number);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, -3, pool, "i", &number));
    CHECK_INT(10, number);
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, -2, "i", 21));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_shareable_list_getf(list, 3, pool, "i", &number));
    CHECK_DETAIL("no element 3");
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_shareable_list_getf(list, -4, pool, "i", &number));
    CHECK_STATUS(APR_NOTFOUND, mproc_shareable_list_setf(list, 3, "i", 1));
    CHECK_STATUS(APR_NOTFOUND, mproc_shareable_list_setf(list, -4, "i", 1));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_shareable_list_room(list, &room, APR_INT64_MIN));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_shareable_list_room(list, &room, APR_INT64_MAX));
    CHECK_TEXT("[10, 21, 30]", list_text(list, pool));
}

#define COUNT(expected, ...)                                                   \
    do {                                                                       \
        CHECK_STATUS(APR_SUCCESS,                                              \
                     mproc_shareable_list_countf(list, &count, __VA_ARGS__));  \
        CHECK_INT(expected, count);                                            \
    } while (0)

/* SL3: as Python compares. */
static void
count_and_index(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_datum_t *missing;
    apr_size_t count, index;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(
                                    &list, pool, "[i b d s y n d I d]", 1, 1,
                                    1.0, "1", bytes_of("1", 1), NAN,
                                    (apr_int64_t)1 << 53, 9007199254740992.0));
    COUNT(3, "i", 1);
    COUNT(3, "b", 1);
    COUNT(3, "d", 1.0);
    COUNT(0, "b", 0);
    COUNT(1, "s", "1");
    COUNT(1, "y", bytes_of("1", 1));
    COUNT(1, "n");
    COUNT(0, "d", NAN);
    COUNT(2, "I", (apr_int64_t)1 << 53);
    COUNT(0, "I", ((apr_int64_t)1 << 53) + 1);
    COUNT(0, "U", ~(apr_uint64_t)0);
    COUNT(0, "[i]", 1);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_indexf(list, &index, "d", 1.0));
    CHECK_INT(0, index);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_shareable_list_indexf(list, &index, "s", "1"));
    CHECK_INT(3, index);
    CHECK_STATUS(APR_SUCCESS, mproc_datum_create_text(&missing, "2", pool));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_shareable_list_indexf(list, &index, "v", missing));
}

static int
change_all(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    const char *text;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &list));
    CHILD_CHECK(mproc_shareable_list_size(list) == 3);
    CHILD_STATUS(APR_SUCCESS,
                 mproc_shareable_list_getf(list, 0, pool, "s", &text));
    CHILD_CHECK(strcmp(text, "from here") == 0);
    CHILD_STATUS(APR_SUCCESS,
                 mproc_shareable_list_setf(list, 0, "s", "from there"));
    CHILD_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 1, "d", 2.5));
    CHILD_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 2, "b", 0));
    return 0;
}

/* SL4: sent, it is the same list. */
static void
all_see_the_same(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_process_t *child;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(
                                    &list, pool, "[s i n]", "from here", 1));
    START(child, change_all, pool, "o", list);
    JOIN(child, 0);
    CHECK_TEXT("[\"from there\", 2.5, false]", list_text(list, pool));
}

/* SL4: one made of another is a copy; an empty one is one, too. */
static void
copies_and_empty_ones(apr_pool_t *pool)
{
    mproc_shareable_list_t *list, *copy, *none;
    mproc_datum_t *datum;
    mproc_census_t before, after;
    apr_size_t count;
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&list, pool, "[i s]", 1, "x"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_datum(list, &datum, NULL));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&copy, NULL, "v", datum));
    mproc_datum_destroy(datum);
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 0, "i", 2));
    CHECK_TEXT("[1, \"x\"]", list_text(copy, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(&none, pool, "[]"));
    CHECK_INT(0, mproc_shareable_list_size(none));
    CHECK_TEXT("[]", list_text(none, pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_shareable_list_getf(none, 0, pool, "n"));
    CHECK_STATUS(APR_NOTFOUND, mproc_shareable_list_getf(none, -1, pool, "n"));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_countf(none, &count, "n"));
    CHECK_INT(0, count);
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_SHAREABLE_LIST].blocks + 3,
              after.kind[MPROC_KIND_SHAREABLE_LIST].blocks);
    CHECK_TEXT("shareable list", mproc_kind_name(MPROC_KIND_SHAREABLE_LIST));
    mproc_shareable_list_destroy(copy);
}

/* ------------------------------------------------------------------- tearing
 */

/* Long enough to be met in the middle of. */
#define LONG 16000

/* Values that show a mixture: one letter, and as long as the letter says. */
static apr_size_t
value_make(char *text, int letter)
{
    apr_size_t size = (apr_size_t)(LONG - 1000 * (letter - 'a'));
    memset(text, letter, size);
    text[size] = '\0';
    return size;
}

static int
value_is_whole(const char *text)
{
    char wanted[LONG + 1];
    if (text[0] < 'a' || text[0] > 'z') {
        return 0;
    }
    value_make(wanted, text[0]);
    return strcmp(text, wanted) == 0;
}

static int
write_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_event_t *stop;
    char text[LONG + 1];
    int letter, i;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooi", &list, &stop, &letter));
    for (i = 0; !mproc_event_is_set(stop); i++) {
        value_make(text, letter + i % 3);
        CHILD_STATUS(APR_SUCCESS,
                     mproc_shareable_list_setf(list, 0, "s", text));
    }
    return 0;
}

/* SL5: many writers, of which some are killed, and nobody sees a mixture. */
static void
nothing_is_torn(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_process_t *stays, *dies;
    mproc_event_t *stop;
    char text[LONG + 1];
    const char *seen;
    apr_pool_t *each;
    int round, i;
    value_make(text, 'a');
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_shareable_list_create(&list, pool, "[s]", text));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&stop, pool));
    apr_pool_create(&each, pool);
    START(stays, write_on, pool, "ooi", list, stop, 'b');
    for (round = 0; round < 5; round++) {
        START(dies, write_on, pool, "ooi", list, stop, 'f');
        for (i = 0; i < 2000; i++) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_getf(list, 0, each,
                                                                  "s", &seen));
            REQUIRE(value_is_whole(seen));
            apr_pool_clear(each);
        }
        KILL(dies);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(stop));
    JOIN(stays, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 0, "s", text));
}

static int
stop_within(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_event_t *ready, *never;
    mproc__slot_t *slot;
    CHILD_STATUS(APR_SUCCESS,
                 mproc_unpack(args, pool, "ooo", &list, &ready, &never));
    /* As one that is killed in the middle of setting the first element. */
    slot = (mproc__slot_t *)((char *)((mproc_object_t *)list)->shared + 16);
    CHILD_CHECK(atomic_load(&slot->writer) == 0);
    atomic_store(&slot->writer, mproc__actor());
    memset((char *)slot + slot->copies +
               (~atomic_load(&slot->sequence) & 1) * (8 + slot->room),
           0xee, 12);
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    mproc_event_wait(never, MPROC_FOREVER);
    return 0;
}

/* SL5: who dies half through leaves the old value, and no wait for ever. */
static void
half_a_write_is_none(apr_pool_t *pool)
{
    mproc_shareable_list_t *list;
    mproc_event_t *ready, *never;
    mproc_process_t *child;
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(
                                    &list, pool, "[s i]", "the old value", 7));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&never, pool));
    START(child, stop_within, pool, "ooo", list, ready, never);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    /* Reading waits for nobody, nor does setting the neighbour. */
    CHECK_TEXT("[\"the old value\", 7]", list_text(list, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 1, "i", 8));
    test_kill(mproc_process_pid(child));
    CHECK_STATUS(APR_SUCCESS, mproc_shareable_list_setf(list, 0, "s", "new"));
    CHECK_TEXT("[\"new\", 8]", list_text(list, pool));
    KILL(child);
}

static mproc_shareable_list_t *threads_list;

static void *APR_THREAD_FUNC
thread_sets(apr_thread_t *thread, void *letter)
{
    apr_status_t rv = APR_SUCCESS;
    char text[LONG + 1];
    int i;
    for (i = 0; i < 3000 && rv == APR_SUCCESS; i++) {
        value_make(text, *(int *)letter + i % 3);
        rv = mproc_shareable_list_setf(threads_list, 0, "s", text);
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

/* SL5: threads of one process are no different. */
static void
threads_do_not_tear(apr_pool_t *pool)
{
    static int letters[2] = {'a', 'f'};
    apr_thread_t *threads[2];
    char text[LONG + 1];
    const char *seen;
    apr_status_t ended;
    int i;
    value_make(text, 'a');
    REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_create(&threads_list, pool,
                                                            "[s]", text));
    for (i = 0; i < 2; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_thread_create(&threads[i], NULL, thread_sets,
                                         &letters[i], pool));
    }
    for (i = 0; i < 3000; i++) {
        apr_pool_t *each;
        apr_pool_create(&each, NULL);
        REQUIRE_STATUS(APR_SUCCESS, mproc_shareable_list_getf(
                                        threads_list, 0, each, "s", &seen));
        REQUIRE(value_is_whole(seen));
        apr_pool_destroy(each);
    }
    for (i = 0; i < 2; i++) {
        CHECK_STATUS(APR_SUCCESS, apr_thread_join(&ended, threads[i]));
        CHECK_STATUS(APR_SUCCESS, ended);
    }
}

static const test_case_t cases[] = {
    {"it_holds_six_types", it_holds_six_types},
    {"others_are_refused", others_are_refused},
    {"room_is_fixed", room_is_fixed},
    {"lengths_are_exact", lengths_are_exact},
    {"indices_are_checked", indices_are_checked},
    {"count_and_index", count_and_index},
    {"all_see_the_same", all_see_the_same},
    {"copies_and_empty_ones", copies_and_empty_ones},
    {"nothing_is_torn", nothing_is_torn},
    {"half_a_write_is_none", half_a_write_is_none},
    {"threads_do_not_tear", threads_do_not_tear},
    {NULL, NULL}};

const test_suite_t suite_shareable_list = {"shareable_list", 1, cases};
