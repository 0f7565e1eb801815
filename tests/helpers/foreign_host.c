/*
 * foreign_host.c: a program that knows nothing of mproc and loads a plug-in
 * that does.
 *
 *   foreign_host MODULE ARGUMENT
 */
#include <stdio.h>
#include <string.h>

#include <apr_dso.h>
#include <apr_general.h>
#include <apr_pools.h>

typedef int (*plugin_t)(const char *argument);

int
main(int argc, char **argv)
{
    apr_dso_handle_t *module;
    apr_dso_handle_sym_t symbol;
    plugin_t run;
    apr_pool_t *pool;
    char text[256];

    if (argc < 3) {
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (apr_dso_load(&module, argv[1], pool) != APR_SUCCESS ||
        apr_dso_sym(&symbol, module, "plugin_run") != APR_SUCCESS) {
        fprintf(stderr, "%s\n", apr_dso_error(module, text, sizeof text));
        return 3;
    }
    memcpy(&run, &symbol, sizeof run);
    return run(argv[2]);
}
