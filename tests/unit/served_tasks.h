/*
 * served_tasks.h: pools of a manager's server, and what they run, for tests.
 */
#ifndef MPROC_TESTS_SERVED_TASKS_H
#define MPROC_TESTS_SERVED_TASKS_H

#include <string.h>

#include "../../lib/src/object.h"
#include "managers.h"

/* Objects do not pass; those of the test's family are found by their handles.
 */
#define HANDLE(object) (((mproc_object_t *)(void *)(object))->handle)

/* As those of tasks.h, registered. */
apr_status_t square_there(mproc_bytes_t args, mproc_reply_t *reply,
                          apr_pool_t *pool);
apr_status_t by_three_there(mproc_bytes_t args, mproc_reply_t *reply,
                            apr_pool_t *pool);
/* Of two handles of events: sets the first, waits for the second; 42. */
apr_status_t gate_wait(mproc_bytes_t args, mproc_reply_t *reply,
                       apr_pool_t *pool);
/* Ends its worker, so often in a row; then replies its attempt. */
apr_status_t worker_end(mproc_bytes_t args, mproc_reply_t *reply,
                        apr_pool_t *pool);
apr_status_t sleep_for_ever(mproc_bytes_t args, mproc_reply_t *reply,
                            apr_pool_t *pool);
/* So many bytes. */
apr_status_t bytes_reply(mproc_bytes_t args, mproc_reply_t *reply,
                         apr_pool_t *pool);
/* An object. */
apr_status_t object_reply(mproc_bytes_t args, mproc_reply_t *reply,
                          apr_pool_t *pool);
/* What worker_begin() was given. */
apr_status_t begun_reply(mproc_bytes_t args, mproc_reply_t *reply,
                         apr_pool_t *pool);

/* Initializers: of a number, which is an error when it is negative; one that
 * waits as gate_wait() does. */
apr_status_t worker_begin(mproc_bytes_t args, apr_pool_t *pool);
apr_status_t worker_begin_waits(mproc_bytes_t args, apr_pool_t *pool);

/* In every process that sends, and in the server. */
apr_status_t functions_register(void);

static inline apr_status_t
server_begin(mproc_manager_t *manager, void *baton)
{
    (void)manager;
    (void)baton;
    return functions_register();
}

static inline mproc_manager_t *
server_start(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.initializer = server_begin};
    REQUIRE_STATUS(APR_SUCCESS, functions_register());
    return manager_with(&options, pool);
}

/* It ends by itself, and well. */
static inline void
server_end(mproc_manager_t *manager)
{
    mproc_process_t *process = mproc_manager_process(manager);
    int code = -1;
    CHECK_STATUS(APR_SUCCESS, mproc_manager_shutdown(manager, test_deadline()));
    CHECK_STATUS(APR_SUCCESS, mproc_process_exitcode(process, &code));
    CHECK_INT(0, code);
}

static inline mproc_pool_t *
far_start(mproc_manager_t *manager, const char *name, int processes,
          apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = processes};
    mproc_pool_t *workers;
    options.start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_pool(manager, &workers, name, &options, pool));
    return workers;
}

/* A task that has begun, and goes on when its gate is opened. */
typedef struct waiting_t {
    mproc_event_t *begun, *gate;
    mproc_async_t *async;
} waiting_t;

static inline void
waiting_make(waiting_t *waiting, apr_pool_t *pool)
{
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&waiting->begun, pool));
    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&waiting->gate, pool));
}

static inline void
waiting_send(waiting_t *waiting, mproc_pool_t *workers, apr_pool_t *pool)
{
    waiting_make(waiting, pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_pool_apply_async(
                       &waiting->async, workers, gate_wait, NULL, pool, "UU",
                       HANDLE(waiting->begun), HANDLE(waiting->gate)));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_event_wait(waiting->begun, test_deadline()));
}

static inline mproc_manager_census_t
census_of(mproc_manager_t *manager)
{
    mproc_manager_census_t census;
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
    return census;
}

static inline void
census_settle(mproc_manager_t *manager, const mproc_manager_census_t *expected)
{
    apr_time_t deadline = test_far();
    mproc_manager_census_t census;
    do {
        census = census_of(manager);
        REQUIRE(mproc_clock() < deadline);
    } while (memcmp(&census, expected, sizeof census) != 0);
}

#endif
