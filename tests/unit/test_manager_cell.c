/* test_manager_cell.c: values and arrays of a manager. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_signal.h>

#include "certificates.h"
#include "kin.h"
#include "managers.h"
#include "threads.h"

/* ---------------------------------------------------------- values, arrays */

/* Acquiring brings the items, releasing sends them back (M18). */
static void
a_value_is_carried(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_value_t *here, *there;
    int seven = 7;
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_manager_value(manager, &here, "v", sizeof seven, &seven, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_value(other, &there, "v",
                                                    sizeof seven, NULL, pool));
    CHECK_INT(sizeof seven, mproc_value_size(there));
    CHECK_INT(7, *(int *)mproc_value_data(there));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(here, MPROC_FOREVER));
    *(int *)mproc_value_data(here) = 8;
    CHECK_STATUS(APR_TIMEUP, mproc_value_acquire(there, MPROC_NOWAIT));
    CHECK_INT(7, *(int *)mproc_value_data(there));
    /* It is an rlock: what is inside counts for the outermost. */
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(here, MPROC_FOREVER));
    CHECK_INT(8, *(int *)mproc_value_data(here));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(here));
    CHECK_STATUS(APR_TIMEUP, mproc_value_acquire(there, 1 * MS));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(here));
    CHECK_STATUS(MPROC_ESTATE, mproc_value_release(here));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(there, MPROC_FOREVER));
    CHECK_INT(8, *(int *)mproc_value_data(there));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(there));
}

static void
an_array_is_read_and_written(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    apr_int64_t first[4] = {1, 2, 3, 4}, got[4] = {0}, nine = 9;
    mproc_array_t *here, *there, *none;
    mproc_value_t *value;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_array(manager, &here, "a", 8, 4, first, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_array(other, &there, "a", 8, 4, NULL, pool));
    CHECK_INT(4, mproc_array_count(there));
    CHECK_INT(8, mproc_array_item_size(there));
    CHECK_STATUS(APR_SUCCESS, mproc_array_set(there, -1, &nine));
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(here, 0, 4, got));
    CHECK_INT(1, got[0]);
    CHECK_INT(9, got[3]);
    CHECK_STATUS(APR_SUCCESS, mproc_array_write(here, 1, 2, got + 2));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(there, 2, got));
    CHECK_INT(9, got[0]);
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(there, 4, got));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_get(there, -5, got));
    CHECK_STATUS(APR_NOTFOUND, mproc_array_write(there, 3, 2, first));
    CHECK_DETAIL("array of 4");
    CHECK_STATUS(APR_NOTFOUND,
                 mproc_array_read(there, 0, ~(apr_size_t)0 / 16, got));
    CHECK_STATUS(APR_SUCCESS, mproc_array_read(there, 4, 0, got));
    CHECK_STATUS(APR_EINVAL,
                 mproc_manager_array(manager, &none, NULL, 0, 4, NULL, pool));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_manager_array(manager, &none, NULL, 8, 0, NULL, pool));
    CHECK_INT(0, mproc_array_count(none));
    CHECK_STATUS(MPROC_ESTATE,
                 mproc_manager_value(manager, &value, "a", 8, NULL, pool));
}

static int
hold_cell(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_array_t *array;
    mproc_event_t *ready;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o o", &array, &ready));
    CHILD_STATUS(APR_SUCCESS, mproc_array_acquire(array, MPROC_FOREVER));
    ((int *)mproc_array_data(array))[0] = 66;
    CHILD_STATUS(APR_SUCCESS, mproc_event_set(ready));
    (void)mproc_event_wait(ready, MPROC_FOREVER);
    apr_sleep(600 * 1000 * MS);
    return 0;
}

/* What a holder that died changed was his (M23). */
static void
a_dead_holder_of_an_array_is_told_of(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_array_t *array;
    mproc_event_t *ready;
    int one = 1, got = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(manager, &array, NULL,
                                                    sizeof one, 1, &one, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&ready, pool));
    START(child, hold_cell, pool, "o o", array, ready);
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_wait(ready, test_deadline()));
    CHECK_STATUS(APR_TIMEUP, mproc_array_acquire(array, 1 * MS));
    KILL(child);
    CHECK_STATUS(MPROC_EOWNERDEAD, mproc_array_acquire(array, test_deadline()));
    CHECK_INT(1, *(int *)mproc_array_data(array));
    *(int *)mproc_array_data(array) = 2;
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(array, 0, &got));
    CHECK_INT(2, got);
    CHECK_STATUS(APR_SUCCESS, mproc_array_acquire(array, MPROC_NOWAIT));
    CHECK_STATUS(APR_SUCCESS, mproc_array_release(array));
}

typedef struct setting_t {
    mproc_array_t *array;
    int number;
} setting_t;

static apr_status_t
set_first(void *data)
{
    setting_t *setting = data;
    return mproc_array_set(setting->array, 0, &setting->number);
}

/* The lock alone keeps the others out, those too who only write. */
static void
its_lock_is_shared(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_array_t *here;
    setting_t setting = {.number = 5};
    threads_t *threads;
    mproc_rlock_t *lock;
    int got = -1;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(manager, &here, "a",
                                                    sizeof got, 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_array(other, &setting.array, "a",
                                                    sizeof got, 1, NULL, pool));
    lock = mproc_array_lock(here);
    REQUIRE(lock != NULL);
    CHECK(lock == mproc_array_lock(here));
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(APR_TIMEUP, mproc_array_acquire(setting.array, MPROC_NOWAIT));
    threads = threads_start(1, set_first, &setting, pool);
    waiting_settle(manager, 1);
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(here, 0, &got));
    CHECK_INT(0, got);
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(lock));
    threads_join(threads, APR_SUCCESS);
    CHECK_STATUS(APR_SUCCESS, mproc_array_get(here, 0, &got));
    CHECK_INT(5, got);
}

#define ROUNDS 200

static apr_status_t
count_up(void *data)
{
    mproc_value_t *value = data;
    apr_status_t rv = APR_SUCCESS;
    int i;
    for (i = 0; i < test_scaled(ROUNDS) && rv == APR_SUCCESS; i++) {
        rv = mproc_value_acquire(value, MPROC_FOREVER);
        if (rv == APR_SUCCESS) {
            ++*(int *)mproc_value_data(value);
            rv = mproc_value_release(value);
        }
    }
    return rv;
}

static int
count_there(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    CHILD_STATUS(APR_SUCCESS, mproc_unpack(args, pool, "o", &value));
    CHILD_STATUS(APR_SUCCESS, count_up(value));
    mproc_value_destroy(value); /* Its copy of the items goes with it. */
    return 0;
}

/* Threads have one copy between them: no count of theirs is lost, nor one of
 * another process. */
static void
threads_share_a_value(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_process_t *child;
    mproc_value_t *value;
    threads_t *threads;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_value(manager, &value, NULL,
                                                    sizeof(int), NULL, pool));
    START(child, count_there, pool, "o", value);
    threads = threads_start(4, count_up, value, pool);
    threads_join(threads, APR_SUCCESS);
    JOIN(child, 0);
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(value, MPROC_FOREVER));
    CHECK_INT(5 * test_scaled(ROUNDS), *(int *)mproc_value_data(value));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(value));
}

static const test_case_t cases[] = {
    {"a_value_is_carried", a_value_is_carried},
    {"an_array_is_read_and_written", an_array_is_read_and_written},
    {"a_dead_holder_of_an_array", a_dead_holder_of_an_array_is_told_of},
    {"its_lock_is_shared", its_lock_is_shared},
    {"threads_share_a_value", threads_share_a_value},
    {NULL, NULL}};

const test_suite_t suite_manager_cell = {"manager_cell", 1, cases};
