/* consumer.c: a user's program, in C11. */
#include <mproc.h>

#include <stdio.h>
#include <string.h>

static int
add(mproc_bytes_t args, apr_pool_t *pool)
{
    int a;
    int b;

    if (mproc_unpack(args, pool, "ii", &a, &b) != APR_SUCCESS) {
        return 1;
    }
    return a + b;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process;
    mproc_listener_t *listener;
    int code = 0;

    if (mproc_initialize(argc, argv) != APR_SUCCESS ||
        mproc_process_create(&process, add, NULL, NULL, "ii", 40, 2) !=
            APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS ||
        mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_exitcode(process, &code) != APR_SUCCESS ||
        mproc_listener_create(&listener, NULL, NULL, NULL) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", mproc_error_detail());
        return 1;
    }
    mproc_listener_destroy(listener);
    printf("C: %d, version %s\n", code, mproc_version());
    return code != 42 || strcmp(mproc_version(), MPROC_VERSION_STRING) != 0;
}
