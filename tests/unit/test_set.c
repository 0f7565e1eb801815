/* test_set.c: sets (M21), on what dicts stand on. */
#include "reach.h"

#include <stdio.h>
#include <string.h>

#include "dicts.h"

#define MANY 500

static mproc_set_t *
set_new(apr_pool_t *pool)
{
    mproc_set_t *set;
    REQUIRE_STATUS(APR_SUCCESS, mproc_set_create(&set, pool));
    return set;
}

/* A set of these numbers. */
static mproc_set_t *
set_of(apr_pool_t *pool, int count, const int *numbers)
{
    mproc_set_t *set = set_new(pool);
    int i;
    for (i = 0; i < count; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_set_addf(set, "i", numbers[i]));
    }
    return set;
}
#define SET(pool, ...)                                                         \
    set_of(pool, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)),            \
           (int[]){__VA_ARGS__})

static const char *
set_text(mproc_set_t *set, apr_pool_t *pool)
{
    mproc_datum_t *datum;
    REQUIRE_STATUS(APR_SUCCESS, mproc_set_values(set, &datum, pool));
    CHECK_INT(mproc_set_size(set), mproc_datum_size(datum));
    return mproc_datum_text(datum, pool);
}

/* Each value once, in the order in which they came. */
static void
values_are_there_once(apr_pool_t *pool)
{
    mproc_set_t *set = set_new(pool);
    mproc_bytes_t value, *values;
    apr_size_t count;
    int number;
    CHECK_TEXT("[]", set_text(set, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "s", "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "i", 7));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "[i s]", 1, "x"));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "s", "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_set_add(set, pack_int(7, pool)));
    CHECK_TEXT("[\"a\", 7, [1, \"x\"]]", set_text(set, pool));
    CHECK(mproc_set_hasf(set, "i", 7) && mproc_set_has(set, pack_int(7, pool)));
    CHECK(!mproc_set_hasf(set, "s", "b"));
    CHECK(!mproc_set_has(set, pack_int(8, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_set_snapshot(set, &values, &count, pool));
    CHECK_INT(3, count);
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(values[1], pool, "i", &number));
    CHECK_INT(7, number);
    CHECK_STATUS(APR_SUCCESS, mproc_set_discardf(set, "s", "b"));
    CHECK_STATUS(APR_SUCCESS, mproc_set_discardf(set, "s", "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_set_discard(set, pack_int(9, pool)));
    CHECK_TEXT("[7, [1, \"x\"]]", set_text(set, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_removef(set, "i", 7));
    CHECK_STATUS(APR_NOTFOUND, mproc_set_removef(set, "i", 7));
    CHECK_DETAIL("mproc_set_removef: ");
    CHECK_STATUS(APR_NOTFOUND, mproc_set_remove(set, pack_int(7, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "i", 5));
    CHECK_STATUS(APR_SUCCESS, mproc_set_pop(set, &value, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_unpack(value, pool, "i", &number));
    CHECK_INT(5, number);
    CHECK_STATUS(APR_SUCCESS, mproc_set_clear(set));
    CHECK_INT(0, mproc_set_size(set));
    CHECK_STATUS(APR_NOTFOUND, mproc_set_pop(set, &value, pool));
    CHECK_DETAIL("mproc_set_pop: ");
    CHECK_TEXT("set", mproc_kind_name(MPROC_KIND_SET));
}

/* In place: the other is what it was. */
static void
one_is_changed_by_another(apr_pool_t *pool)
{
    mproc_set_t *other = SET(pool, 2, 3, 9), *set;
    set = SET(pool, 1, 2, 3, 4);
    CHECK_STATUS(APR_SUCCESS, mproc_set_update(set, other));
    CHECK_TEXT("[1, 2, 3, 4, 9]", set_text(set, pool));
    set = SET(pool, 1, 2, 3, 4);
    CHECK_STATUS(APR_SUCCESS, mproc_set_intersection_update(set, other));
    CHECK_TEXT("[2, 3]", set_text(set, pool));
    set = SET(pool, 1, 2, 3, 4);
    CHECK_STATUS(APR_SUCCESS, mproc_set_difference_update(set, other));
    CHECK_TEXT("[1, 4]", set_text(set, pool));
    set = SET(pool, 1, 2, 3, 4);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_set_symmetric_difference_update(set, other));
    CHECK_TEXT("[1, 4, 9]", set_text(set, pool));
    CHECK_TEXT("[2, 3, 9]", set_text(other, pool));
    /* By itself. */
    set = SET(pool, 1, 2);
    CHECK_STATUS(APR_SUCCESS, mproc_set_update(set, set));
    CHECK_STATUS(APR_SUCCESS, mproc_set_intersection_update(set, set));
    CHECK_TEXT("[1, 2]", set_text(set, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_difference_update(set, set));
    CHECK_TEXT("[]", set_text(set, pool));
    /* By nothing. */
    CHECK_STATUS(APR_SUCCESS, mproc_set_intersection_update(other, set));
    CHECK_TEXT("[]", set_text(other, pool));
}

static void
two_make_a_third(apr_pool_t *pool)
{
    mproc_set_t *a = SET(pool, 1, 2, 3), *b = SET(pool, 3, 4), *made;
    CHECK_STATUS(APR_SUCCESS, mproc_set_union(&made, a, b, pool));
    CHECK_TEXT("[1, 2, 3, 4]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_intersection(&made, a, b, pool));
    CHECK_TEXT("[3]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_difference(&made, a, b, pool));
    CHECK_TEXT("[1, 2]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_set_symmetric_difference(&made, a, b, pool));
    CHECK_TEXT("[1, 2, 4]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_copy(&made, a, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(made, "i", 8));
    CHECK_TEXT("[1, 2, 3, 8]", set_text(made, pool));
    CHECK_TEXT("[1, 2, 3]", set_text(a, pool));
    CHECK_TEXT("[3, 4]", set_text(b, pool));
}

static void
they_are_compared(apr_pool_t *pool)
{
    mproc_set_t *a = SET(pool, 1, 2, 3), *b = SET(pool, 3, 1);
    mproc_set_t *same = SET(pool, 3, 2, 1), *far_off = SET(pool, 7);
    mproc_set_t *empty = set_new(pool);
    CHECK(mproc_set_equal(a, same) && mproc_set_equal(a, a));
    CHECK(!mproc_set_equal(a, b) && !mproc_set_equal(b, a));
    CHECK(!mproc_set_equal(a, far_off));
    CHECK(mproc_set_is_subset(b, a) && !mproc_set_is_subset(a, b));
    CHECK(mproc_set_is_subset(a, same) && mproc_set_is_subset(empty, a));
    CHECK(mproc_set_is_superset(a, b) && !mproc_set_is_superset(b, a));
    CHECK(mproc_set_is_superset(a, empty) && mproc_set_equal(empty, empty));
    CHECK(mproc_set_is_disjoint(a, far_off) && !mproc_set_is_disjoint(a, b));
    CHECK(mproc_set_is_disjoint(empty, a));
}

/* More than a table begins with, and values that are large. */
static void
many_and_large(apr_pool_t *pool)
{
    mproc_set_t *set = set_new(pool), *odd = set_new(pool);
    char *large = long_text(60000, 3, pool);
    int i;
    for (i = 0; i < MANY; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_set_addf(set, "i", i));
        if (i % 2 != 0) {
            REQUIRE_STATUS(APR_SUCCESS, mproc_set_addf(odd, "i", i));
        }
    }
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(set, "s", large));
    CHECK(mproc_set_hasf(set, "s", large));
    CHECK_INT(MANY + 1, mproc_set_size(set));
    CHECK_STATUS(APR_SUCCESS, mproc_set_intersection_update(set, odd));
    CHECK(mproc_set_equal(set, odd));
    CHECK_STATUS(MPROC_ETOOBIG,
                 mproc_set_addf(set, "s", long_text(70000, 3, pool)));
    CHECK_STATUS(APR_SUCCESS, mproc_set_difference_update(set, odd));
    CHECK_INT(0, mproc_set_size(set));
}

static int
change_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_set_t *set, *other;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &set, &other));
    CHILD_CHECK(mproc_set_hasf(set, "i", 1));
    CHILD_STATUS(APR_SUCCESS, mproc_set_removef(set, "i", 1));
    CHILD_STATUS(APR_SUCCESS, mproc_set_update(set, other));
    return 0;
}

static void
processes_share_it(apr_pool_t *pool)
{
    mproc_set_t *set = SET(pool, 1, 2), *other = SET(pool, 2, 6);
    mproc_process_t *child;
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    START(child, change_there, pool, "oo", set, other);
    JOIN(child, 0);
    CHECK_TEXT("[2, 6]", set_text(set, pool));
}

static void
bad_calls_are_refused(apr_pool_t *pool)
{
    mproc_set_t *set = set_new(pool), *made;
    mproc_bytes_t value, *values;
    mproc_datum_t *datum;
    mproc_dict_t *dict;
    apr_size_t count;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_addf(NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_set_addf((mproc_set_t *)dict, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_set_addf(set, "?", 1));
    CHECK_STATUS(MPROC_EFORMAT, mproc_set_addf(set, "ii", 1, 2));
    CHECK_STATUS(MPROC_EFORMAT, mproc_set_addf(set, ""));
    CHECK_STATUS(APR_EINVAL, mproc_set_addf(set, "o", dict));
    CHECK_DETAIL("shared object");
    CHECK_STATUS(MPROC_EFORMAT, mproc_set_add(set, (mproc_bytes_t){NULL, 0}));
    CHECK_STATUS(APR_EINVAL, mproc_set_discardf(NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_set_removef(NULL, "i", 1));
    CHECK(!mproc_set_hasf(NULL, "i", 1));
    CHECK_DETAIL("mproc_set_hasf: ");
    CHECK_STATUS(APR_EINVAL, mproc_set_pop(set, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_pop(set, &value, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_set_snapshot(set, NULL, &count, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_snapshot(NULL, &values, &count, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_values(set, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_values(NULL, &datum, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_clear(NULL));
    CHECK_INT(0, mproc_set_size(NULL));
    CHECK_STATUS(APR_EINVAL, mproc_set_update(set, NULL));
    CHECK_DETAIL("mproc_set_update: ");
    CHECK_STATUS(APR_EINVAL, mproc_set_update(NULL, set));
    CHECK_STATUS(APR_EINVAL, mproc_set_copy(NULL, set, pool));
    CHECK_STATUS(APR_EINVAL, mproc_set_copy(&made, NULL, pool));
    CHECK(made == NULL);
    CHECK_STATUS(APR_EINVAL, mproc_set_union(&made, set, NULL, pool));
    CHECK_DETAIL("mproc_set_union: ");
    CHECK(made == NULL);
    CHECK(!mproc_set_equal(set, NULL) && !mproc_set_is_subset(NULL, set));
    mproc_set_destroy(NULL);
    CHECK_INT(0, mproc_set_size(set));
}

static int
toggle_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_set_t *set, *other;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "oo", &set, &other));
    for (;;) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_set_symmetric_difference_update(set, other));
    }
}

/* Who is killed in the middle has changed some of it, and nothing is torn. */
static void
killed_users_leave_it_whole(apr_pool_t *pool)
{
    mproc_set_t *set = set_new(pool), *other = set_new(pool);
    mproc_process_t *child;
    int round, i;
    for (i = 0; i < 50; i++) {
        REQUIRE_STATUS(APR_SUCCESS, mproc_set_addf(other, "i", i));
    }
    for (round = 0; round < 5; round++) {
        apr_time_t deadline = mproc_clock() + test_deadline();
        START(child, toggle_on, pool, "oo", set, other);
        while (mproc_set_size(set) == 0 && mproc_clock() < deadline) {
            apr_sleep(500);
        }
        KILL(child);
        CHECK_WHOLE(set);
        CHECK(mproc_set_is_subset(set, other));
        CHECK_STATUS(APR_SUCCESS, mproc_set_update(set, other));
        CHECK(mproc_set_equal(set, other));
        CHECK_STATUS(APR_SUCCESS, mproc_set_clear(set));
    }
}

static const test_case_t cases[] = {
    {"values_are_there_once", values_are_there_once},
    {"one_is_changed_by_another", one_is_changed_by_another},
    {"two_make_a_third", two_make_a_third},
    {"they_are_compared", they_are_compared},
    {"many_and_large", many_and_large},
    {"processes_share_it", processes_share_it},
    {"bad_calls_are_refused", bad_calls_are_refused},
    {"killed_users_leave_it_whole", killed_users_leave_it_whole},
    {NULL, NULL}};

const test_suite_t suite_set = {"set", 1, cases};

#undef mproc_set_create

/* One of each reach: by what the other has, and where the new one is. */
static void
here_and_there(apr_pool_t *pool)
{
    mproc_set_t *there = SET(pool, 1, 2, 3), *here, *made;
    mproc_manager_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_set_create(&here, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(here, "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_set_addf(here, "i", 4));
    CHECK_STATUS(APR_SUCCESS, mproc_set_difference(&made, there, here, pool));
    CHECK_TEXT("[1, 2]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(reach_of_case(), &census));
    CHECK_INT(2, census.objects); /* It is there, too. */
    CHECK_STATUS(APR_SUCCESS, mproc_set_union(&made, here, there, pool));
    CHECK_TEXT("[3, 4, 1, 2]", set_text(made, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(reach_of_case(), &census));
    CHECK_INT(2, census.objects);
    CHECK_STATUS(APR_SUCCESS, mproc_set_update(there, here));
    CHECK(mproc_set_is_superset(there, here) && mproc_set_equal(made, there));
    CHECK(mproc_set_is_subset(here, there));
}

/* Without what looks at the arena, or at a set that is none. */
static const test_case_t far_cases[] = {
    {"values_are_there_once", values_are_there_once},
    {"one_is_changed_by_another", one_is_changed_by_another},
    {"two_make_a_third", two_make_a_third},
    {"they_are_compared", they_are_compared},
    {"many_and_large", many_and_large},
    {"processes_share_it", processes_share_it},
    {"here_and_there", here_and_there},
    {NULL, NULL}};

const test_suite_t suite_far_set = {"far_set", MANAGERS, far_cases};
