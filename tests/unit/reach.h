/*
 * reach.h: the same tests for two reaches: a suite that is `far` has its
 * objects made by a manager, in the server's process. For files that are to
 * run for both, before what they include.
 */
#ifndef MPROC_TESTS_REACH_H
#define MPROC_TESTS_REACH_H

#include "child.h"
#include "net.h"
#include "store_check.h"

static mproc_manager_t *reach_manager;

static inline apr_status_t
reach_end(void *data)
{
    (void)data;
    mproc_manager_destroy(reach_manager);
    reach_manager = NULL;
    return APR_SUCCESS;
}

/* One for each case. */
static inline mproc_manager_t *
reach_of_case(void)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    if (reach_manager == NULL) {
        net_needed();
        REQUIRE_STATUS(APR_SUCCESS,
                       mproc_manager_start(&reach_manager, &options, NULL));
        apr_pool_cleanup_register(test_pool(), NULL, reach_end,
                                  apr_pool_cleanup_null);
    }
    return reach_manager;
}

/* How many calls wait in its server. */
static inline int
reach_waiting(void)
{
    mproc_manager_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(reach_of_case(), &census));
    return (int)census.waiting;
}

#define REACH(noun)                                                            \
    static inline apr_status_t reach_##noun(mproc_##noun##_t **object,         \
                                            apr_pool_t *pool)                  \
    {                                                                          \
        return test_is_far() && object != NULL                                 \
                   ? mproc_manager_##noun(reach_of_case(), object, NULL, pool) \
                   : mproc_##noun##_create(object, pool);                      \
    }
REACH(lock)
REACH(rlock)
REACH(event)
REACH(dict)
REACH(list)
REACH(namespace)
REACH(set)

static inline apr_status_t
reach_queue(mproc_queue_t **queue, apr_size_t maxsize, apr_pool_t *pool)
{
    return test_is_far() && queue != NULL
               ? mproc_manager_queue(reach_of_case(), queue, NULL, maxsize,
                                     pool)
               : mproc_queue_create(queue, maxsize, pool);
}

#define REACH_PERMITS(form)                                                    \
    static inline apr_status_t reach_##form(mproc_semaphore_t **object,        \
                                            int value, apr_pool_t *pool)       \
    {                                                                          \
        return test_is_far() && object != NULL                                 \
                   ? mproc_manager_##form(reach_of_case(), object, NULL,       \
                                          value, pool)                         \
                   : mproc_##form##_create(object, value, pool);               \
    }
REACH_PERMITS(semaphore)
REACH_PERMITS(bounded_semaphore)
REACH_PERMITS(owned_semaphore)

static inline apr_status_t
reach_condition(mproc_condition_t **condition, void *lock, apr_pool_t *pool)
{
    return test_is_far() && condition != NULL
               ? mproc_manager_condition(reach_of_case(), condition, NULL, lock,
                                         pool)
               : mproc_condition_create(condition, lock, pool);
}

static inline apr_status_t
reach_barrier(mproc_barrier_t **barrier, int parties,
              mproc_barrier_action_fn_t action, void *baton, apr_pool_t *pool)
{
    return test_is_far() && barrier != NULL && action == NULL
               ? mproc_manager_barrier(reach_of_case(), barrier, NULL, parties,
                                       pool)
               : mproc_barrier_create(barrier, parties, action, baton, pool);
}

/* What lies elsewhere cannot be looked through. */
#define dict_whole(dict) (test_is_far() ? NULL : dict_whole(dict))
#define list_whole(list) (test_is_far() ? NULL : list_whole(list))

#define mproc_lock_create reach_lock
#define mproc_rlock_create reach_rlock
#define mproc_event_create reach_event
#define mproc_dict_create reach_dict
#define mproc_list_create reach_list
#define mproc_namespace_create reach_namespace
#define mproc_set_create reach_set
#define mproc_queue_create reach_queue
#define mproc_semaphore_create reach_semaphore
#define mproc_bounded_semaphore_create reach_bounded_semaphore
#define mproc_owned_semaphore_create reach_owned_semaphore
#define mproc_condition_create reach_condition
#define mproc_barrier_create reach_barrier

#endif
