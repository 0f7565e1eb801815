/* test_manager_copies.c: what goes to a manager and comes back is a copy (M12,
 * M17, M27); what is put there is not its putter's any more (M24); and what is
 * over stays over (M2). */
#include <stdio.h>
#include <string.h>

#include "managers.h"

static int
size_of(mproc_dict_t *dict, const char *key, apr_pool_t *pool)
{
    mproc_datum_t *value;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_getf(dict, key, pool, "v", &value));
    return (int)mproc_datum_size(value);
}

/* A list that was got is changed here alone, until it is set again; so is one
 * that was set. */
static void
values_are_copies(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_datum_t *list, *got, *one;
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_list(&list, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_datum_create_int(&one, 1, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_append(list, one));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "v", list));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_append(list, one));
    CHECK_INT(1, size_of(dict, "a", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(dict, "a", pool, "v", &got));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_append(got, one));
    CHECK_STATUS(APR_SUCCESS, mproc_datum_append(got, one));
    CHECK_INT(3, mproc_datum_size(got));
    CHECK_INT(1, size_of(dict, "a", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "v", got));
    CHECK_INT(3, size_of(dict, "a", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_INT(3, mproc_datum_size(got)); /* It is ours. */
}

/* What stands for an object is a pointer of its own, and another when the
 * object is had again; what it holds is printed, and copied, when that is asked
 * for. */
static void
an_object_is_told_from_its_contents(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_dict_t *dict, *same, *other, *copy;
    mproc_datum_t *before, *now;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &same, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_dict(manager, &other, NULL, pool));
    CHECK(dict != same && dict != other);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(other, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_datum(dict, &before, pool));
    CHECK_TEXT("{\"a\": 1}", mproc_datum_text(before, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_copy(&copy, dict, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(same, "a", "i", 2));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_datum(dict, &now, pool));
    CHECK_TEXT("{\"a\": 2}", mproc_datum_text(now, pool));
    CHECK_TEXT("{\"a\": 1}", mproc_datum_text(before, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_datum(other, &now, pool));
    CHECK(mproc_datum_equal(before, now));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_datum(copy, &now, pool));
    CHECK(mproc_datum_equal(before, now));
}

/* A plain list in a list stays plain: it is got whole, and is no object. */
static void
plain_values_stay_plain(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_census_t census;
    mproc_datum_t *value;
    mproc_list_t *list;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "[i [i i]]", 1, 2, 3));
    CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, 0, pool, "v", &value));
    CHECK_INT(MPROC_DATUM_LIST, mproc_datum_type(value));
    CHECK_INT(MPROC_DATUM_LIST, mproc_datum_type(mproc_datum_at(value, 1)));
    CHECK_INT(2, mproc_datum_size(mproc_datum_at(value, 1)));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(1, census.objects);
}

static int
put_many(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_queue_t *queue;
    int i;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &queue));
    for (i = 0; i < 1000; i++) {
        CHILD_STATUS(APR_SUCCESS,
                     mproc_queue_putf(queue, 0, "i y", i,
                                      (mproc_bytes_t){"0123456789", 10}));
    }
    return 0;
}

/* Who has put ends at once, though nobody gets; nothing of it is lost. */
static void
a_queue_holds_nobody_back(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_queue_t *queue;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 0, pool));
    START(child, put_many, pool, "o", queue);
    JOIN(child, 0);
    for (i = 0; i < 1000; i++) {
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_queue_getf(queue, 0, pool, "i *", &number));
        CHECK_INT(i, number);
    }
}

/* A manager that was shut down makes nothing, and is not begun again. */
static void
what_is_over_stays_over(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool), *again;
    const char *address = mproc_manager_address(manager);
    mproc_dict_t *dict, *other;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_STATUS(APR_ECONNRESET,
                 mproc_manager_dict(manager, &other, NULL, pool));
    CHECK_DETAIL("mproc_manager_dict: the manager at");
    CHECK(other == NULL);
    CHECK_STATUS(APR_ECONNRESET, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_DETAIL("connect anew");
    CHECK_INT(0, mproc_dict_has(dict, "a"));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_serve(manager, 0));
    CHECK(mproc_manager_connect(&again, address, NULL, pool) != APR_SUCCESS);
    CHECK(again == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
}

static const test_case_t cases[] = {
    {"values_are_copies", values_are_copies},
    {"an_object_is_told_from_its_contents",
     an_object_is_told_from_its_contents},
    {"plain_values_stay_plain", plain_values_stay_plain},
    {"a_queue_holds_nobody_back", a_queue_holds_nobody_back},
    {"what_is_over_stays_over", what_is_over_stays_over},
    {NULL, NULL}};

const test_suite_t suite_manager_copies = {"manager_copies", 1, cases};
