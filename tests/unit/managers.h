/* managers.h: for tests of managers. */
#ifndef MPROC_TESTS_MANAGERS_H
#define MPROC_TESTS_MANAGERS_H

#include "child.h"
#include "net.h"

#define MS ((apr_interval_time_t)1000)

static inline mproc_manager_t *
manager_start(apr_pool_t *pool)
{
    mproc_manager_options_t options = {.start_method = test_method()};
    mproc_manager_t *manager;
    net_needed();
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, &options, pool));
    return manager;
}

/* Until so many calls wait in the server. */
static inline void
waiting_settle(mproc_manager_t *manager, int count)
{
    apr_time_t deadline = test_far();
    mproc_manager_census_t census;
    do {
        REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
        REQUIRE(mproc_clock() < deadline);
    } while (census.waiting != (apr_uint64_t)count);
}

/* Until there are so many clients: those that have ended are noticed soon. */
static inline void
clients_settle(mproc_manager_t *manager, int count)
{
    apr_time_t deadline = test_far();
    mproc_manager_census_t census;
    do {
        REQUIRE_STATUS(APR_SUCCESS, mproc_manager_census(manager, &census));
        REQUIRE(mproc_clock() < deadline);
    } while (census.clients != (apr_uint64_t)count);
}

static inline mproc_manager_t *
manager_with(mproc_manager_options_t *options, apr_pool_t *pool)
{
    mproc_manager_t *manager;
    net_needed();
    options->start_method = test_method();
    REQUIRE_STATUS(APR_SUCCESS, mproc_manager_start(&manager, options, pool));
    return manager;
}

/* Another client of the same server, in this process. */
static inline mproc_manager_t *
client_make(mproc_manager_t *manager, const mproc_manager_options_t *options,
            apr_pool_t *pool)
{
    mproc_manager_t *client;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_manager_connect(
                       &client, mproc_manager_address(manager), options, pool));
    return client;
}

#endif
