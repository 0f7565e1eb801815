/* test_function.c: functions by name, and as module + offset. */
#include <stdio.h>
#include <string.h>

#include "child.h"

#include "../../lib/src/funcref.h"

static int
first(void)
{
    return 1;
}

static int
second(void)
{
    return 2;
}

/* Names are found, are kept, and stand for one function. */
static void
registered_names(apr_pool_t *pool)
{
    mproc_function_t found;
    (void)pool;
    CHECK_STATUS(APR_NOTFOUND, mproc_registered_function(&found, "first"));
    CHECK(found == NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_register("first", first));
    CHECK_STATUS(APR_SUCCESS, mproc_register("first", first));
    CHECK_STATUS(APR_EEXIST, mproc_register("first", second));
    CHECK_DETAIL("first");
    CHECK_STATUS(APR_SUCCESS, mproc_register("second", second));
    CHECK_STATUS(APR_SUCCESS, mproc_registered_function(&found, "first"));
    CHECK(found == (mproc_function_t)first);
    CHECK_STATUS(APR_SUCCESS, mproc_registered_function(&found, "second"));
    CHECK_INT(2, ((int (*)(void))found)());
}

static void
bad_names(apr_pool_t *pool)
{
    char name[300];
    mproc_function_t found;
    (void)pool;
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    CHECK_STATUS(APR_EINVAL, mproc_register(name, first));
    name[255] = '\0';
    CHECK_STATUS(APR_SUCCESS, mproc_register(name, first));
    CHECK_STATUS(APR_EINVAL, mproc_register("", first));
    CHECK_STATUS(APR_EINVAL, mproc_register(NULL, first));
    CHECK_STATUS(APR_EINVAL, mproc_register_function("null", NULL));
    CHECK_STATUS(APR_EINVAL, mproc_registered_function(NULL, "first"));
    CHECK_STATUS(APR_EINVAL, mproc_registered_function(&found, NULL));
}

/* Many names in few buckets. */
static void
many_names(apr_pool_t *pool)
{
    char name[32];
    mproc_function_t found;
    int wrong = 0;
    (void)pool;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "many-%d", i);
        wrong += mproc_register_function(
                     name, (mproc_function_t)(i % 2 ? first : second)) !=
                 APR_SUCCESS;
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "many-%d", i);
        wrong += mproc_registered_function(&found, name) != APR_SUCCESS ||
                 found != (mproc_function_t)(i % 2 ? first : second);
    }
    CHECK_INT(0, wrong);
}

/* There and back, for a function that has no name outside this file. */
static void
references(apr_pool_t *pool)
{
    mproc__funcref_t ref;
    mproc_function_t found;
    (void)pool;
    memset(&ref, 0, sizeof ref);
    CHECK_STATUS(APR_SUCCESS,
                 mproc__funcref_make(&ref, (mproc_function_t)second));
    CHECK_STATUS(APR_SUCCESS, mproc__funcref_check(&ref));
    CHECK_STATUS(APR_SUCCESS, mproc__funcref_resolve(&found, &ref));
    CHECK(found == (mproc_function_t)second);
}

/* What does not fit is refused and never called. */
static void
wrong_references(apr_pool_t *pool)
{
    mproc__funcref_t ref, wrong;
    mproc_function_t found;
    (void)pool;
    memset(&ref, 0, sizeof ref);
    CHECK_STATUS(APR_SUCCESS,
                 mproc__funcref_make(&ref, (mproc_function_t)second));
    wrong = ref;
    wrong.id[0] ^= 1;
    CHECK_STATUS(MPROC_EMODULE, mproc__funcref_resolve(&found, &wrong));
    CHECK(found == NULL);
    CHECK_STATUS(MPROC_EMODULE, mproc__funcref_check(&wrong));
    wrong = ref;
    wrong.offset = (apr_uint64_t)1 << 40;
    CHECK_STATUS(MPROC_EMODULE, mproc__funcref_resolve(&found, &wrong));
    wrong = ref;
    snprintf(wrong.path, sizeof wrong.path, "/nowhere/module.so");
    CHECK_STATUS(MPROC_EMODULE, mproc__funcref_resolve(&found, &wrong));
    CHECK_DETAIL("/nowhere/module.so");
    CHECK_STATUS(MPROC_EMODULE, mproc__funcref_check(&wrong));
}

/* The version that is linked is the one of the headers. */
static void
version(apr_pool_t *pool)
{
    (void)pool;
    CHECK_TEXT(MPROC_VERSION_STRING, mproc_version());
}

const test_suite_t suite_function = {
    "function", 0,
    (const test_case_t[]){{"registered_names", registered_names},
                          {"bad_names", bad_names},
                          {"many_names", many_names},
                          {"references", references},
                          {"wrong_references", wrong_references},
                          {"version", version},
                          {NULL, NULL}}};
