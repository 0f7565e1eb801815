/* check.c: the checks of test.h that say what they saw, and some paths. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "library.h"
#include "runner.h"

/* Let CUnit count it. A fatal one does not come back. */
static int
check_record(int ok, const char *text, const char *file, int line, int fatal)
{
    CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, text, file,
                            "", fatal ? CU_TRUE : CU_FALSE);
    return ok;
}

int
test_status(apr_status_t expected, apr_status_t actual, const char *call,
            const char *file, int line, int fatal)
{
    char text[1024];
    char want[128];
    char got[128];

    if (expected == actual) {
        return check_record(1, call, file, line, fatal);
    }
    snprintf(text, sizeof text, "%.300s: expected %d (%s), got %d (%s): %.400s",
             call, (int)expected,
             library_status_text(expected, want, sizeof want), (int)actual,
             library_status_text(actual, got, sizeof got), library_detail());
    return check_record(0, text, file, line, fatal);
}

int
test_int(long long expected, long long actual, const char *what,
         const char *file, int line)
{
    char text[512];

    snprintf(text, sizeof text, "%.300s: expected %lld, got %lld", what,
             expected, actual);
    return check_record(expected == actual, text, file, line, 0);
}

int
test_text(const char *expected, const char *actual, const char *what,
          const char *file, int line)
{
    char text[1024];
    int same = expected == actual;

    if (expected != NULL && actual != NULL) {
        same = strcmp(expected, actual) == 0;
    }
    snprintf(text, sizeof text, "%.300s: expected \"%.300s\", got \"%.300s\"",
             what, expected != NULL ? expected : "(null)",
             actual != NULL ? actual : "(null)");
    return check_record(same, text, file, line, 0);
}

void
runner_fail(const char *text)
{
    check_record(0, text, "after the case", 0, 0);
}

const char *
test_program(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, TEST_HELPERS "/", name, TEST_PROGRAM_SUFFIX, NULL);
}

const char *
test_module(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, TEST_HELPERS "/", name, TEST_MODULE_SUFFIX, NULL);
}

const char *
test_host(void)
{
    return TEST_HOST;
}

const char *
test_inspect(void)
{
    return TEST_INSPECT;
}
