/* hello.c: run a function of this program in a process of its own. */
#include <mproc.h>
#include <stdio.h>

static int
hello(mproc_bytes_t args, apr_pool_t *pool)
{
    const char *whom;

    if (mproc_unpack(args, pool, "s", &whom) != APR_SUCCESS) {
        return 1;
    }
    return printf("hello, %s\n", whom) < 0;
}

int
main(int argc, const char *const *argv)
{
    mproc_process_t *process;

    mproc_initialize(argc, argv);
    mproc_process_create(&process, hello, NULL, NULL, "s", "world");
    mproc_process_start(process);
    return mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS;
}
