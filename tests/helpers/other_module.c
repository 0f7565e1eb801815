/* other_module.c: what replaces another module on disk. */
#include <mproc.h>

#if defined(__GNUC__)
#define PLUGIN __attribute__((visibility("default")))
#else
#define PLUGIN
#endif

PLUGIN int plugin_target(mproc_bytes_t args, apr_pool_t *pool);

int
plugin_target(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 13;
}
