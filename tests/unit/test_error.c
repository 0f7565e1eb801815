/* test_error.c: names of status codes, and the sentence about a failure. */
#include "test.h"

#include <string.h>

#include <apr_thread_proc.h>

#include "../../lib/src/error.h"

static void
names(apr_pool_t *pool)
{
    static const char *const words[] = {
        "ECLOSED", "EOWNERDEAD", "EBROKEN",  "EWORKERLOST", "ETOOBIG",
        "EAUTH",   "EFORMAT",    "ESTATE",   "EBOOTSTRAP",  "EREMOTE",
        "ESTALE",  "EMODULE",    "EUNKNOWN",
    };
    char buffer[128];
    int i;

    (void)pool;
    for (i = 0; i < 13; i++) {
        char want[32] = "(MPROC_";
        strcat(strcat(want, words[i]), ")");
        CHECK(mproc_strerror(MPROC_START_ERROR + 1 + i, buffer,
                             sizeof buffer) == buffer);
        CHECK(strstr(buffer, want) != NULL);
    }
    CHECK_INT(MPROC_EUNKNOWN, MPROC_START_ERROR + 13);
}

/* Every other code is APR's to name. */
static void
names_of_apr(apr_pool_t *pool)
{
    static const apr_status_t codes[] = {
        APR_SUCCESS, APR_EINVAL,   APR_ENOMEM,        APR_TIMEUP,
        APR_EOF,     APR_ENOTIMPL, MPROC_START_ERROR, MPROC_EDEADLK + 1,
    };
    char ours[128], theirs[128];
    size_t i;

    (void)pool;
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        memset(ours, '?', sizeof ours);
        apr_strerror(codes[i], theirs, sizeof theirs);
        CHECK_TEXT(theirs, mproc_strerror(codes[i], ours, sizeof ours));
    }
}

static void
short_buffers(apr_pool_t *pool)
{
    static const apr_status_t codes[] = {MPROC_ESTALE, APR_TIMEUP};
    char buffer[16];
    int i, size;

    (void)pool;
    for (i = 0; i < 2; i++) {
        for (size = 1; size < 10; size++) {
            memset(buffer, '?', sizeof buffer);
            mproc_strerror(codes[i], buffer, size);
            CHECK_INT(size - 1, strlen(buffer));
            CHECK_INT('?', buffer[size]);
        }
        memset(buffer, '?', sizeof buffer);
        CHECK(mproc_strerror(codes[i], buffer, 0) == buffer);
        CHECK_INT('?', buffer[0]);
    }
    CHECK(mproc_strerror(MPROC_ESTALE, NULL, 0) == NULL);
}

static void
detail(apr_pool_t *pool)
{
    mproc_bytes_t bytes;

    CHECK_STATUS(APR_ENOENT,
                 mproc__fail(APR_ENOENT, "cannot find %s: %d", "it", 42));
    CHECK_TEXT("cannot find it: 42", mproc_error_detail());
    /* A call that succeeds leaves it. */
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "i", 1));
    CHECK_TEXT("cannot find it: 42", mproc_error_detail());
    /* One sentence may be made out of the one before. */
    CHECK_STATUS(APR_EOF, mproc__fail(APR_EOF, "cannot go on: %s",
                                      mproc_error_detail()));
    CHECK_TEXT("cannot go on: cannot find it: 42", mproc_error_detail());
}

static void
detail_long(apr_pool_t *pool)
{
    char text[5000];
    size_t length;

    (void)pool;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK_STATUS(APR_EOF, mproc__fail(APR_EOF, "%s", text));
    length = strlen(mproc_error_detail());
    CHECK(length > 500 && length < sizeof text - 1);
    CHECK_TEXT("x...", mproc_error_detail() + length - 4);
}

static void *APR_THREAD_FUNC
thread_run(apr_thread_t *thread, void *baton)
{
    int *good = baton;

    *good = strcmp(mproc_error_detail(), "") == 0;
    (void)mproc__fail(APR_EOF, "theirs");
    *good = *good && strcmp(mproc_error_detail(), "theirs") == 0;
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void
detail_of_threads(apr_pool_t *pool)
{
    apr_thread_t *thread;
    apr_status_t rv;
    int good = 0;

    (void)mproc__fail(APR_EOF, "ours");
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&thread, NULL, thread_run, &good, pool));
    apr_thread_join(&rv, thread);
    CHECK_INT(1, good);
    CHECK_TEXT("ours", mproc_error_detail());
}

static const test_case_t cases[] = {
    {"names", names},
    {"names_of_apr", names_of_apr},
    {"short_buffers", short_buffers},
    {"detail", detail},
    {"detail_long", detail_long},
    {"detail_of_threads", detail_of_threads},
    {NULL, NULL},
};

const test_suite_t suite_error = {"error", 0, cases};
