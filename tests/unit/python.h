/* python.h: the other side is Python's multiprocessing.connection. */
#ifndef MPROC_TESTS_PYTHON_H
#define MPROC_TESTS_PYTHON_H

#include "program.h"

/* Run a script with arguments; skip the test where there is no Python. */
static inline void
python_start(program_t *program, const char *script, const char *argument,
             apr_pool_t *pool)
{
    const char *argv[] = {"python3", "-c", script, argument, NULL};
    apr_procattr_t *attributes;
    memset(program, 0, sizeof *program);
    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK,
                                       APR_FULL_BLOCK));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM_PATH));
    apr_procattr_error_check_set(attributes, 1);
    if (apr_proc_create(&program->proc, argv[0], argv, NULL, attributes,
                        pool) != APR_SUCCESS) {
        test_skip("there is no python3");
    }
}

/* Whether it has only HMAC-MD5. */
static inline int
python_is_old(apr_pool_t *pool)
{
    program_t program;
    python_start(&program,
                 "import sys; print('V=%d' % (sys.version_info[0] * "
                 "100 + sys.version_info[1]))",
                 "", pool);
    if (program_end(&program) != 0) {
        test_skip("python3 does not run");
    }
    return program_number(&program, "V=") < 312;
}

#endif
