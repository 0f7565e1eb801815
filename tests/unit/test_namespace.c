/* test_namespace.c: attributes (M22), on what dicts stand on. */
#include "reach.h"

#include <stdio.h>
#include <string.h>

#include "dicts.h"

static mproc_namespace_t *
space_new(apr_pool_t *pool)
{
    mproc_namespace_t *space;
    REQUIRE_STATUS(APR_SUCCESS, mproc_namespace_create(&space, pool));
    return space;
}

static const char *
space_text(mproc_namespace_t *space, apr_pool_t *pool)
{
    mproc_datum_t *datum;
    REQUIRE_STATUS(APR_SUCCESS, mproc_namespace_datum(space, &datum, pool));
    return mproc_datum_text(datum, pool);
}

/* M22: set, read, removed; printed sorted. */
static void
attributes_are_kept(apr_pool_t *pool)
{
    mproc_namespace_t *space = space_new(pool);
    const char *text;
    int number = 7;
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "name", "s", "x"));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "age", "i", 3));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "a", "n"));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_setf(
                     space, "a_name_of_more_than_32_bytes_here", "b", 1));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "age", pool, "i", &number));
    CHECK_INT(3, number);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "name", pool, "s", &text));
    CHECK_TEXT("x", text);
    CHECK_TEXT("{\"a\": null, \"a_name_of_more_than_32_bytes_here\": true, "
               "\"age\": 3, \"name\": \"x\"}",
               space_text(space, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "age", "d", 3.5));
    CHECK_STATUS(MPROC_EFORMAT,
                 mproc_namespace_getf(space, "age", pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_remove(space, "name"));
    CHECK(!mproc_namespace_has(space, "name"));
    CHECK(mproc_namespace_has(space, "age"));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_namespace_getf(space, "name", pool, "s", &text));
    CHECK_DETAIL("name");
    CHECK_STATUS(APR_NOTFOUND, mproc_namespace_remove(space, "name"));
    CHECK_TEXT("", dict_whole(space) == NULL ? "" : dict_whole(space));
    CHECK_TEXT("namespace", mproc_kind_name(MPROC_KIND_NAMESPACE));
}

static void
bad_calls_are_refused(apr_pool_t *pool)
{
    mproc_namespace_t *space = space_new(pool);
    mproc_datum_t *datum;
    mproc_dict_t *dict;
    int number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_create(NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_setf(NULL, "a", "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_setf(space, NULL, "i", 1));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_setf(space, "a", "?", 1));
    CHECK_STATUS(MPROC_EFORMAT, mproc_namespace_setf(space, "a", "ii", 1, 2));
    CHECK_STATUS(MPROC_EFORMAT, mproc_namespace_setf(space, "_a", "ii", 1, 2));
    CHECK_STATUS(MPROC_EFORMAT, mproc_namespace_setf(space, "_a", ""));
    CHECK_STATUS(APR_EINVAL,
                 mproc_namespace_setf((mproc_namespace_t *)dict, "a", "i", 1));
    CHECK_DETAIL("no namespace");
    CHECK_STATUS(APR_EINVAL,
                 mproc_namespace_getf(space, NULL, pool, "i", &number));
    CHECK_STATUS(APR_EINVAL,
                 mproc_namespace_getf(space, "a", NULL, "i", &number));
    CHECK_STATUS(APR_EINVAL,
                 mproc_namespace_getf(space, "_a", NULL, "i", &number));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_remove(space, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_datum(space, NULL, pool));
    CHECK_STATUS(APR_EINVAL, mproc_namespace_datum(NULL, &datum, pool));
    CHECK_INT(0, mproc_namespace_has(NULL, "a"));
    CHECK_INT(0, mproc_namespace_has(space, NULL));
    CHECK_TEXT("{}", space_text(space, pool));
    mproc_namespace_destroy(NULL);
}

/* M22: what begins with _ stays at the pointer. */
static void
private_ones_stay(apr_pool_t *pool)
{
    mproc_namespace_t *space = space_new(NULL), *other;
    mproc_event_t *event, *seen;
    mproc_census_t before, after;
    mproc_bytes_t bytes;
    int number = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "o", space));
    REQUIRE_STATUS(APR_SUCCESS, mproc_unpack(bytes, pool, "o", &other));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&before));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&event, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "_n", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "_n", "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "_e", "o", event));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "n", "i", 3));
    mproc_event_destroy(event);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "_n", pool, "i", &number));
    CHECK_INT(2, number);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "_e", pool, "o", &seen));
    mproc_event_destroy(seen);
    CHECK(mproc_namespace_has(space, "_e"));
    CHECK(!mproc_namespace_has(other, "_e"));
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_namespace_getf(other, "_n", pool, "i", &number));
    CHECK_DETAIL("private");
    CHECK_TEXT("{\"n\": 3}", space_text(space, pool));
    CHECK_TEXT("{\"n\": 3}", space_text(other, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_remove(space, "_n"));
    CHECK_STATUS(APR_NOTFOUND, mproc_namespace_remove(space, "_n"));
    mproc_namespace_destroy(space);
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_remove(other, "n"));
    REQUIRE_STATUS(APR_SUCCESS, mproc_census(&after));
    CHECK_INT(before.kind[MPROC_KIND_EVENT].blocks,
              after.kind[MPROC_KIND_EVENT].blocks);
}

static int
change_attributes(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_namespace_t *space;
    mproc_list_t *list;
    int number;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &space));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "n", pool, "i", &number));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_namespace_setf(space, "n", "i", number + 1));
    CHILD_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "list", pool, "o", &list));
    CHILD_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", number));
    CHILD_STATUS(APR_SUCCESS, mproc_namespace_remove(space, "gone"));
    CHILD_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "_own", "i", 1));
    mproc_namespace_destroy(space);
    return 0;
}

/* M22, M26: by another process. */
static void
processes_share_it(apr_pool_t *pool)
{
    mproc_namespace_t *space = space_new(pool);
    mproc_process_t *child;
    mproc_list_t *list;
    int number = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_list_create(&list, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "n", "i", 41));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "gone", "n"));
    CHECK_STATUS(APR_SUCCESS, mproc_namespace_setf(space, "list", "o", list));
    START(child, change_attributes, pool, "o", space);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_namespace_getf(space, "n", pool, "i", &number));
    CHECK_INT(42, number);
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, 0, pool, "i", &number));
    CHECK_INT(41, number);
    CHECK(!mproc_namespace_has(space, "gone"));
    CHECK(!mproc_namespace_has(space, "_own"));
}

static int
set_on(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_namespace_t *space;
    char name[12];
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &space));
    for (i = 0;; i++) {
        snprintf(name, sizeof name, "n%d", i % 7);
        if (i % 3 == 0) {
            (void)mproc_namespace_remove(space, name);
        }
        else {
            CHILD_STATUS(APR_SUCCESS,
                         mproc_namespace_setf(space, name, "[i i]", i, i));
        }
    }
}

static void
killed_users_leave_it_whole(apr_pool_t *pool)
{
    mproc_namespace_t *space = space_new(pool);
    mproc_process_t *child;
    int round, i, one, two;
    for (round = 0; round < 5; round++) {
        apr_time_t deadline = mproc_clock() + test_deadline();
        START(child, set_on, pool, "o", space);
        while (!mproc_namespace_has(space, "n1") && mproc_clock() < deadline) {
            apr_sleep(500);
        }
        KILL(child);
        for (i = 0; i < 7; i++) {
            char name[12];
            snprintf(name, sizeof name, "n%d", i);
            if (mproc_namespace_getf(space, name, pool, "[i i]", &one, &two) ==
                APR_SUCCESS) {
                CHECK(one == two);
                CHECK_STATUS(APR_SUCCESS, mproc_namespace_remove(space, name));
            }
        }
        CHECK_TEXT("{}", space_text(space, pool));
        CHECK_TEXT("", dict_whole(space) == NULL ? "" : dict_whole(space));
    }
}

static const test_case_t cases[] = {
    {"attributes_are_kept", attributes_are_kept},
    {"bad_calls_are_refused", bad_calls_are_refused},
    {"private_ones_stay", private_ones_stay},
    {"processes_share_it", processes_share_it},
    {"killed_users_leave_it_whole", killed_users_leave_it_whole},
    {NULL, NULL}};

const test_suite_t suite_namespace = {"namespace", 1, cases};

/* Without those that look at the arena, or at what a manager's has not. */
static const test_case_t far_cases[] = {
    {"attributes_are_kept", attributes_are_kept},
    {"private_ones_stay", private_ones_stay},
    {"processes_share_it", processes_share_it},
    {NULL, NULL}};

const test_suite_t suite_far_namespace = {"far_namespace", MANAGERS, far_cases};
