/*
 * method.c: for the tests only. It lets CTest run a short program, which
 * leaves the start method alone, under each: MPROC_EXAMPLE_METHOD=fork NAME.
 */
#include <mproc.h>

#include <stdlib.h>
#include <string.h>

enum {
    EXIT_SKIP = 77
};

/* Before main. In children the method is fixed already, and stays. */
__attribute__((constructor)) static void
method_choose(void)
{
    const char *name = getenv("MPROC_EXAMPLE_METHOD");
    apr_status_t rv = APR_SUCCESS;

    if (name != NULL && strcmp(name, "fork") == 0) {
        rv = mproc_set_start_method(MPROC_START_FORK);
    }
    else if (name != NULL && strcmp(name, "forkserver") == 0) {
        rv = mproc_set_start_method(MPROC_START_FORKSERVER);
    }
    if (APR_STATUS_IS_ENOTIMPL(rv)) {
        exit(EXIT_SKIP);
    }
}
