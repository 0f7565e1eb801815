/*
 * ops_object.c: objects that are made of others, made and destroyed, and
 * values and arrays with their locks, killed at each instruction.
 */
#include "step.h"

#include <mproc/error.h>

#include "../../lib/src/object.h"

/* Marks of the victim. */
enum {
    NOT_YET,
    HAS,
    LETS_GO
};

static apr_status_t
no_action(void *baton)
{
    (void)baton;
    return APR_SUCCESS;
}

/* ------------------------------------------------------------ made, destroyed
 */

static void
condition_run(step_stage_t *stage)
{
    mproc_condition_t *own, *shared;

    if (mproc_condition_create(&own, NULL, NULL) == APR_SUCCESS) {
        mproc_condition_destroy(own);
    }
    if (mproc_condition_create(&shared, stage->lock, NULL) == APR_SUCCESS) {
        mproc_condition_destroy(shared);
    }
}

static void
value_run(step_stage_t *stage)
{
    mproc_value_t *value, *shared, *raw;

    if (mproc_value_create(&value, 8, NULL, NULL) == APR_SUCCESS) {
        mproc_value_destroy(value);
    }
    if (mproc_value_create_with_lock(&shared, 8, NULL, stage->rlock, NULL) ==
        APR_SUCCESS) {
        mproc_value_destroy(shared);
    }
    if (mproc_raw_value_create(&raw, 8, NULL, NULL) == APR_SUCCESS) {
        mproc_value_destroy(raw);
    }
}

static void
array_run(step_stage_t *stage)
{
    mproc_array_t *array, *copy;

    if (mproc_array_create(&array, 8, 2, NULL, NULL) == APR_SUCCESS) {
        mproc_array_destroy(array);
    }
    if (mproc_array_copy(&copy, stage->array, NULL) == APR_SUCCESS) {
        mproc_array_destroy(copy);
    }
}

static void
barrier_run(step_stage_t *stage)
{
    mproc_barrier_t *barrier;
    mproc_semaphore_t *semaphore, *owned;
    mproc_rlock_t *rlock;

    (void)stage;
    if (mproc_barrier_create(&barrier, 2, no_action, NULL, NULL) ==
        APR_SUCCESS) {
        mproc_barrier_destroy(barrier);
    }
    if (mproc_semaphore_create(&semaphore, 1, NULL) == APR_SUCCESS) {
        mproc_semaphore_destroy(semaphore);
    }
    if (mproc_owned_semaphore_create(&owned, STEP_OWNED, NULL) == APR_SUCCESS) {
        mproc_semaphore_destroy(owned);
    }
    if (mproc_rlock_create(&rlock, NULL) == APR_SUCCESS) {
        mproc_rlock_destroy(rlock);
    }
}

/* Somebody else's, as when it comes in a message. */
static void
open_run(step_stage_t *stage)
{
    mproc_object_t *object;

    if (mproc__object_open(&object,
                           ((mproc_object_t *)stage->condition)->handle,
                           NULL) == APR_SUCCESS) {
        mproc__object_close(object);
    }
    if (mproc__object_open(&object, ((mproc_object_t *)stage->array)->handle,
                           NULL) == APR_SUCCESS) {
        mproc__object_close(object);
    }
}

/* Its parts are its own alone, and somebody else's. */
static void
parts_ready(step_stage_t *stage)
{
    mproc_condition_t *own;
    mproc_array_t *array;

    if (mproc_condition_create(&own, NULL, NULL) != APR_SUCCESS ||
        mproc_array_create(&array, 8, 2, NULL, NULL) != APR_SUCCESS) {
        step_wrong(STRESS_LOST, "no objects are to be had");
    }
    (void)stage;
}

/* ---------------------------------------------------------------- their locks
 */

static void
whole_check(step_stage_t *stage)
{
    apr_status_t rv = mproc_array_acquire(stage->array, STEP_LATE);
    apr_uint64_t *item = mproc_array_data(stage->array);

    step_good("the parent at the array", rv);
    if (rv == APR_SUCCESS &&
        (item[0] != item[1] || step_marked(stage) == HAS)) {
        step_wrong(STRESS_TORN, "what a dead process left was not told");
    }
    item[1] = item[0];
    step_good("a release", mproc_array_release(stage->array));
}

static void
items_run(step_stage_t *stage)
{
    apr_uint64_t item[2];

    mproc_array_acquire(stage->array, STEP_PATIENCE);
    step_mark(stage, HAS);
    mproc_array_get(stage->array, 0, &item[0]);
    item[0]++;
    item[1] = item[0];
    mproc_array_set(stage->array, 0, &item[0]);
    mproc_array_set(stage->array, -1, &item[1]);
    step_mark(stage, LETS_GO);
    mproc_array_release(stage->array);
    mproc_array_write(stage->array, 0, 2, item);
}

static apr_status_t
witness_array(step_stage_t *stage)
{
    apr_uint64_t item[2];

    return mproc_array_read(stage->array, 0, 2, item);
}

static void
array_ready(step_stage_t *stage)
{
    mproc_array_acquire(stage->array, STEP_PATIENCE);
}

static void
array_meet(step_stage_t *stage)
{
    witness_call(witness_array);
    witness_sleeps(step_word(mproc_array_lock(stage->array)));
}

static void
array_release_run(step_stage_t *stage)
{
    mproc_array_release(stage->array);
}

static void
array_check(step_stage_t *stage)
{
    witness_done();
    whole_check(stage);
}

/* A copy is made under the lock; a death in there is told. */
static void
copy_run(step_stage_t *stage)
{
    mproc_value_t *copy;

    if (mproc_value_copy(&copy, stage->value, NULL) == APR_SUCCESS) {
        mproc_value_destroy(copy);
    }
}

static void
copy_check(step_stage_t *stage)
{
    step_good("the parent at the value",
              mproc_value_acquire(stage->value, STEP_LATE));
    step_good("a release", mproc_value_release(stage->value));
}

static const step_operation_t condition = {.run = condition_run},
                              value = {.run = value_run},
                              array = {.run = array_run, .check = whole_check},
                              barrier = {.run = barrier_run},
                              opened = {.run = open_run},
                              parts = {.ready = parts_ready, .run = open_run},
                              items = {.run = items_run, .check = whole_check},
                              release = {.ready = array_ready,
                                         .meet = array_meet,
                                         .run = array_release_run,
                                         .check = array_check,
                                         .witness = 1},
                              copy = {.run = copy_run, .check = copy_check};

const stress_scenario_t stress_object_scenarios[] = {
    {"new-condition", "conditions, made and destroyed", step_run_all,
     &condition},
    {"new-value", "values, made and destroyed", step_run_all, &value},
    {"new-array", "arrays, made, copied and destroyed", step_run_all, &array},
    {"new-barrier", "barrier, semaphores, rlock, made and destroyed",
     step_run_all, &barrier},
    {"open-parts", "objects with a lock are opened and closed", step_run_all,
     &opened},
    {"drop-parts", "the same, and others go with the victim", step_run_all,
     &parts},
    {"array", "changed under its lock", step_run_all, &items},
    {"array-release", "its lock released while the witness waits", step_run_all,
     &release},
    {"value-copy", "a value is copied under its lock", step_run_all, &copy},
    {NULL, NULL, NULL, NULL}};
