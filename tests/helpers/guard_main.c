/*
 * guard_main.c: programs whose main has mproc_initialize() wrong.
 *
 *   guard_main forget|zero|shift
 *
 * Each prints a line when main runs, so that a fork bomb is seen, and tells
 * what start said.
 */
#include <stdio.h>
#include <string.h>

#include <apr_general.h>

#include <mproc.h>

static int
nothing(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

int
main(int argc, const char *const *argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    mproc_process_t *process;

    printf("main runs\n");
    fflush(stdout);
    apr_initialize();
    if (strcmp(what, "zero") == 0) {
        mproc_initialize(0, NULL);
    }
    else if (strcmp(argv[argc - 1], "shift") == 0) {
        mproc_initialize(argc - 1, argv + 1);
    }
    if (mproc_process_create(&process, nothing, NULL, NULL, NULL) !=
        APR_SUCCESS) {
        printf("create: %s\n", mproc_error_detail());
        return 1;
    }
    apr_status_t rv = mproc_process_start(process);
    printf("start: %s %s\n", rv == MPROC_EBOOTSTRAP ? "EBOOTSTRAP" : "other",
           rv == APR_SUCCESS ? "" : mproc_error_detail());
    fflush(stdout);
    if (rv == APR_SUCCESS) {
        int code = -1;
        mproc_process_join(process, MPROC_FOREVER);
        mproc_process_exitcode(process, &code);
        printf("child=%d\n", code);
    }
    return 0;
}
