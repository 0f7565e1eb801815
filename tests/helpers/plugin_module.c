/*
 * plugin_module.c: a plug-in that starts its own static function in other
 * processes, in a program whose main it does not own.
 */
#include <stdio.h>

#include <mproc.h>

#if defined(__GNUC__)
#define PLUGIN __attribute__((visibility("default")))
#else
#define PLUGIN
#endif

PLUGIN int plugin_run(const char *launcher);
PLUGIN int plugin_target(mproc_bytes_t args, apr_pool_t *pool);

static int
add(mproc_bytes_t args, apr_pool_t *pool)
{
    int a;
    int b;
    return mproc_unpack(args, pool, "i i", &a, &b) == APR_SUCCESS ? a + b : 1;
}

/* For those who take it by name. */
int
plugin_target(mproc_bytes_t args, apr_pool_t *pool)
{
    return add(args, pool);
}

static int
add_nested(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_process_t *process;
    int code = -1;
    int a;
    int b;
    if (mproc_unpack(args, pool, "i i", &a, &b) != APR_SUCCESS ||
        mproc_process_create(&process, add, NULL, pool, "i i", a, b) !=
            APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS ||
        mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_exitcode(process, &code) != APR_SUCCESS) {
        fprintf(stderr, "nested: %s\n", mproc_error_detail());
        return 1;
    }
    return code;
}

static int
run(mproc_start_method_e method)
{
    mproc_process_options_t options = {0};
    mproc_process_t *process;
    int code = -1;
    options.start_method = method;
    if (mproc_process_create(&process, add_nested, &options, NULL, "i i", 20,
                             22) != APR_SUCCESS ||
        mproc_process_start(process) != APR_SUCCESS ||
        mproc_process_join(process, MPROC_FOREVER) != APR_SUCCESS ||
        mproc_process_exitcode(process, &code) != APR_SUCCESS) {
        fprintf(stderr, "plug-in: %s\n", mproc_error_detail());
        return 1;
    }
    mproc_process_close(process);
    return code;
}

/* Returns 42 when all is well. */
int
plugin_run(const char *launcher)
{
    apr_array_header_t *methods;
    apr_pool_t *pool;

    if (mproc_set_executable(launcher) != APR_SUCCESS) {
        fprintf(stderr, "plug-in: %s\n", mproc_error_detail());
        return 1;
    }
    apr_pool_create(&pool, NULL);
    mproc_start_methods(&methods, pool);
    for (int i = 0; i < methods->nelts; i++) {
        int code = run(APR_ARRAY_IDX(methods, i, mproc_start_method_e));
        if (code != 42) {
            return code;
        }
    }
    apr_pool_destroy(pool);
    return 42;
}
