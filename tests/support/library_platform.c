/* library_platform.c: the runner's view of a back end alone. */
#include "library.h"

#include <apr_general.h>

apr_status_t
library_begin(int argc, const char *const *argv)
{
    apr_status_t rv = apr_initialize();

    (void)argc;
    (void)argv;
    return rv;
}

void
library_end(void)
{
}

int
library_methods(mproc_start_method_e *methods)
{
    methods[0] = MPROC_START_SPAWN;
    return 1;
}

int
library_census(library_count_t *counts)
{
    (void)counts;
    return 0;
}

int
library_children(void)
{
    return 0;
}

const char *
library_status_text(apr_status_t status, char *buffer, apr_size_t size)
{
    return apr_strerror(status, buffer, size);
}

const char *
library_detail(void)
{
    return "";
}
