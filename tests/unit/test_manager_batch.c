/* test_manager_batch.c: batches of calls on a manager; times and sizes. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_signal.h>

#include "certificates.h"
#include "kin.h"
#include "managers.h"
#include "threads.h"

/* ------------------------------------------------------------------ batches */

static void
a_batch_is_sent_together(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_dict_t *here, *there;
    mproc_list_t *list;
    int failed = 5, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &here, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(other, &there, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(other, &list, NULL, pool));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(-1, failed);
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_begin(manager));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_begin(other));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(other, NULL));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "b", "i", 2));
    /* Nothing was sent; another manager's calls are not collected. */
    CHECK_INT(0, mproc_dict_size(there));
    CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", 1));
    CHECK_INT(1, mproc_list_size(list));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(-1, failed);
    CHECK_INT(2, mproc_dict_size(there));
    /* Two fail: the first is told of, the others are done. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "a"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "none"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_remove(here, "neither"));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(here, "c", "i", 3));
    CHECK_STATUS(APR_NOTFOUND, mproc_manager_batch_end(manager, &failed));
    CHECK_DETAIL("none");
    CHECK_INT(1, failed);
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_getf(there, "a", pool, "i", &number));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_getf(there, "c", pool, "i", &number));
    CHECK_INT(3, number);
}

/* Any other call sends what was collected before it. */
static void
a_batch_goes_before_other_calls(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_event_t *event;
    mproc_dict_t *dict;
    mproc_lock_t *lock;
    int failed = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_lock(manager, &lock, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    CHECK_STATUS(APR_SUCCESS, mproc_event_set(event));
    CHECK_STATUS(APR_SUCCESS, mproc_event_wait(event, test_deadline()));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_release(lock));
    CHECK_STATUS(APR_SUCCESS, mproc_lock_acquire(lock, MPROC_NOWAIT));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(3, failed);
}

#define BATCHED 5000

static void
a_batch_of_thousands(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    apr_int64_t number = -1;
    mproc_list_t *list;
    int i, failed = 0;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    for (i = 0; i < BATCHED; i++) {
        CHECK_STATUS(APR_SUCCESS, mproc_list_appendf(list, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_list_remove(list, 1 << 20));
    CHECK_STATUS(APR_NOTFOUND, mproc_manager_batch_end(manager, &failed));
    CHECK_INT(BATCHED, failed);
    CHECK_INT(BATCHED, mproc_list_size(list));
    for (i = 0; i < BATCHED; i += 499) {
        CHECK_STATUS(APR_SUCCESS, mproc_list_getf(list, i, pool, "I", &number));
        CHECK_INT(i, number);
    }
}

static void
a_batch_ends_with_its_server(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "a", "i", 1));
    test_kill(mproc_process_pid(mproc_manager_process(manager)));
    REQUIRE_STATUS(
        APR_SUCCESS,
        mproc_process_join(mproc_manager_process(manager), test_deadline()));
    CHECK_STATUS(APR_ECONNRESET, mproc_manager_batch_end(manager, NULL));
    CHECK_STATUS(MPROC_ESTATE, mproc_manager_batch_end(manager, NULL));
}

/* ------------------------------------------------------------ times, sizes */

#define SHORT (20 * MS)

/* No wait ends early, and all end. */
static void
no_timeout_is_early(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_manager_t *other = client_make(manager, NULL, pool);
    mproc_condition_t *condition;
    mproc_semaphore_t *semaphore;
    mproc_value_t *value, *held;
    mproc_barrier_t *barrier;
    mproc_event_t *event;
    mproc_queue_t *queue;
    mproc_manager_census_t census;
    apr_time_t begun;
    int which, got;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_condition(manager, &condition,
                                                        NULL, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_semaphore(manager, &semaphore, NULL, 0, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_value(manager, &value, "v", 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_value(other, &held, "v", 1, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_barrier(manager, &barrier, NULL, 2, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_event(manager, &event, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_queue(manager, &queue, NULL, 1, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_value_acquire(held, MPROC_FOREVER));
    CHECK_STATUS(APR_SUCCESS, mproc_condition_acquire(condition, MPROC_NOWAIT));
    for (which = 0; which < 7; which++) {
        apr_status_t rv = APR_SUCCESS;
        begun = mproc_clock();
        switch (which) {
        case 0:
            rv = mproc_condition_wait(condition, SHORT);
            break;
        case 1:
            rv = mproc_semaphore_acquire(semaphore, SHORT);
            break;
        case 2:
            rv = mproc_value_acquire(value, SHORT);
            break;
        case 3:
            rv = mproc_event_wait(event, SHORT);
            break;
        case 4:
            rv = mproc_queue_getf(queue, SHORT, pool, "i", &got);
            break;
        case 5:
            CHECK_STATUS(APR_SUCCESS,
                         mproc_queue_putf(queue, MPROC_NOWAIT, "i", 1));
            rv = mproc_queue_putf(queue, SHORT, "i", 1);
            break;
        default:
            rv = mproc_barrier_wait(barrier, NULL, SHORT);
            break;
        }
        CHECK(mproc_clock() - begun >= SHORT);
        CHECK_STATUS(which == 6 ? MPROC_EBROKEN : APR_TIMEUP, rv);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_condition_release(condition));
    CHECK_STATUS(APR_SUCCESS, mproc_value_release(held));
    CHECK_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    CHECK_INT(0, census.waiting);
}

#define ENTRIES 100000

static void
a_large_dict(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    int i, number, count = test_scaled(ENTRIES);
    char key[24];
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_batch_begin(manager));
    for (i = 0; i < count; i++) {
        apr_snprintf(key, sizeof key, "key-%d", i);
        REQUIRE_STATUS(APR_SUCCESS, mproc_dict_setf(dict, key, "i", i));
    }
    CHECK_STATUS(APR_SUCCESS, mproc_manager_batch_end(manager, NULL));
    CHECK_INT(count, mproc_dict_size(dict));
    for (i = 0; i < count; i += count / 100 + 1) {
        apr_snprintf(key, sizeof key, "key-%d", i);
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(dict, key, pool, "i", &number));
        CHECK_INT(i, number);
    }
    CHECK_STATUS(APR_SUCCESS, mproc_dict_clear(dict));
    CHECK_INT(0, mproc_dict_size(dict));
}

/* Too much is a status, whoever has the limit; the connection goes on. */
static void
what_is_too_large_is_refused(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.net = {.max_message = 10000}};
    mproc_manager_options_t less = {.net = {.max_message = 2000}};
    mproc_manager_options_t more = {.net = {.max_message = 100000}};
    mproc_manager_t *manager = manager_with(&options, pool);
    mproc_manager_t *small = client_make(manager, &less, pool);
    mproc_manager_t *large = client_make(manager, &more, pool);
    mproc_bytes_t bytes = {apr_pcalloc(pool, 50000), 9000}, got;
    mproc_dict_t *dict, *little, *big;
    mproc_datum_t *items;
    int i, number;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(small, &little, "d", pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(large, &big, "d", pool));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "number", "i", 42));
    CHECK_STATUS(APR_SUCCESS, mproc_dict_setf(dict, "nine", "y", bytes));
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(little, "a", "y", bytes));
        CHECK_DETAIL("max_message");
        CHECK_STATUS(MPROC_ETOOBIG,
                     mproc_dict_getf(little, "nine", pool, "y", &got));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(little, "number", pool, "i", &number));
        CHECK_INT(42, number);
    }
    bytes.size = 50000;
    for (i = 0; i < 3; i++) {
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(dict, "a", "y", bytes));
        CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_setf(big, "a", "y", bytes));
        CHECK_STATUS(APR_SUCCESS,
                     mproc_dict_getf(big, "nine", pool, "y", &got));
        CHECK_INT(9000, got.size);
    }
    /* Two fit, but not together: the answer is what is too large. */
    CHECK_STATUS(
        APR_SUCCESS,
        mproc_dict_setf(dict, "again", "y", (mproc_bytes_t){bytes.data, 9000}));
    CHECK_STATUS(MPROC_ETOOBIG, mproc_dict_items(big, &items, pool));
    CHECK_INT(3, mproc_dict_size(big));
}

/* Nothing that is passed as NULL harms; what fails leaves nothing behind. */
static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_manager_t *manager = manager_start(pool);
    mproc_bytes_t bytes = {"x", 1}, three, value;
    mproc_dict_t *dict;
    mproc_list_t *list;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_dict(manager, &dict, NULL, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_list(manager, &list, NULL, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_pack(&three, pool, "i", 3));
    CHECK_STATUS(APR_NOTFOUND, mproc_dict_get(dict, &bytes, three, pool));
    CHECK(bytes.data == NULL && bytes.size == 0);
    bytes = three;
    CHECK_STATUS(APR_NOTFOUND, mproc_list_get(list, &bytes, 0, pool));
    CHECK(bytes.data == NULL && bytes.size == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_dict_set(dict, three, three));
    CHECK_STATUS(APR_SUCCESS, mproc_list_append(list, three));
    CHECK_STATUS(APR_EINVAL, mproc_dict_get(dict, NULL, three, pool));
    CHECK_STATUS(APR_EINVAL, mproc_dict_pop(dict, &value, three, NULL));
    CHECK_STATUS(APR_EINVAL, mproc_dict_popitem(dict, NULL, &value, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_get(list, NULL, 0, pool));
    CHECK_STATUS(APR_EINVAL, mproc_list_pop(list, &value, 0, NULL));
    CHECK_INT(1, mproc_dict_size(dict));
    CHECK_INT(1, mproc_list_size(list));
}

static const test_case_t cases[] = {
    {"a_batch_is_sent_together", a_batch_is_sent_together},
    {"a_batch_goes_before_others", a_batch_goes_before_other_calls},
    {"a_batch_of_thousands", a_batch_of_thousands},
    {"a_batch_ends_with_its_server", a_batch_ends_with_its_server},
    {"no_timeout_is_early", no_timeout_is_early},
    {"a_large_dict", a_large_dict},
    {"what_is_too_large_is_refused", what_is_too_large_is_refused},
    {"misuse_is_a_status", misuse_is_a_status},
    {NULL, NULL}};

const test_suite_t suite_manager_batch = {"manager_batch", 1, cases};
