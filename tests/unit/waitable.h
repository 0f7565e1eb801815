/* waitable.h: handles for foreign event loops, as the tests use them. */
#ifndef MPROC_TESTS_WAITABLE_H
#define MPROC_TESTS_WAITABLE_H

#include "test.h"

static inline mproc_waitable_t
item_of(mproc_waitable_e kind, void *object)
{
    mproc_waitable_t made = {kind, object, 0};
    return made;
}

static inline apr_int64_t
handle_of(mproc_waitable_e kind, void *object)
{
    mproc_waitable_t item = item_of(kind, object);
    apr_int64_t handle = -1;
    REQUIRE_STATUS(APR_SUCCESS, mproc_waitable_handle(&item, &handle));
    CHECK(handle != -1);
    return handle;
}

/* It is ready before the deadline; now. */
#define BECOMES_READY(handle)                                                  \
    REQUIRE(test_handles_wait(&(handle), 1, NULL, test_deadline()) == 1)
#define IS_READY(handle) CHECK_INT(1, test_handles_wait(&(handle), 1, NULL, 0))
#define IS_NOT_READY(handle)                                                   \
    CHECK_INT(0, test_handles_wait(&(handle), 1, NULL, 0))

/* Nobody has called anything: until the library has found out by itself. */
static inline void
await_unready(apr_int64_t handle)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (test_handles_wait(&handle, 1, NULL, 0) != 0) {
        REQUIRE(mproc_clock() < deadline);
        apr_sleep(1000);
    }
}

#endif
