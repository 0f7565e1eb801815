/* child.h: how a test starts a child by the method that it runs for. */
#ifndef MPROC_TESTS_CHILD_H
#define MPROC_TESTS_CHILD_H

#include "test.h"

/* Create and start; the rest is the format and its arguments. */
#define START(process, target, pool, ...)                                      \
    do {                                                                       \
        mproc_process_options_t start_options_ = {0};                          \
        start_options_.start_method = test_method();                           \
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_create(                      \
                                        &(process), (target), &start_options_, \
                                        (pool), __VA_ARGS__));                 \
        REQUIRE_STATUS(APR_SUCCESS, mproc_process_start(process));             \
    } while (0)

/* Wait for it, and check its exit code. */
#define JOIN(process, expected)                                                \
    do {                                                                       \
        int join_code_ = 0;                                                    \
        REQUIRE_STATUS(APR_SUCCESS,                                            \
                       mproc_process_join((process), test_deadline()));        \
        CHECK_STATUS(APR_SUCCESS,                                              \
                     mproc_process_exitcode((process), &join_code_));          \
        CHECK_INT((expected), join_code_);                                     \
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));               \
    } while (0)

/* Kill it as the system would, and wait for it. */
#define KILL(process)                                                          \
    do {                                                                       \
        test_kill(mproc_process_pid(process));                                 \
        REQUIRE_STATUS(APR_SUCCESS,                                            \
                       mproc_process_join((process), test_deadline()));        \
        CHECK_STATUS(APR_SUCCESS, mproc_process_close(process));               \
    } while (0)

static inline int
nothing(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

/* A fork server is a process too: have it before processes are counted. */
static inline void
start_server(apr_pool_t *pool)
{
    mproc_process_t *child;
    START(child, nothing, pool, NULL);
    JOIN(child, 0);
}

/* In a child: end it with the line's number when a call fails. */
#define CHILD_CHECK(expression)                                                \
    do {                                                                       \
        if (!(expression)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);   \
            return 99;                                                         \
        }                                                                      \
    } while (0)
#define CHILD_STATUS(expected, call) CHILD_CHECK((call) == (expected))

#endif
