/* library_mproc.c: the runner's view of the whole library. */
#include "library.h"

#include <mproc.h>

apr_status_t
library_begin(int argc, const char *const *argv)
{
    return mproc_initialize(argc, argv);
}

void
library_end(void)
{
    mproc_shutdown();
}

int
library_methods(mproc_start_method_e *methods)
{
    apr_array_header_t *found;
    apr_pool_t *pool;
    int count = 0;

    apr_pool_create(&pool, NULL);
    if (mproc_start_methods(&found, pool) == APR_SUCCESS) {
        for (; count < found->nelts && count < 3; count++) {
            methods[count] = APR_ARRAY_IDX(found, count, mproc_start_method_e);
        }
    }
    apr_pool_destroy(pool);
    return count;
}

int
library_census(library_count_t *counts)
{
    mproc_census_t census;
    int count = 0;

    if (mproc_census(&census) != APR_SUCCESS) {
        return 0;
    }
    counts[count].name = "attached processes";
    counts[count++].count = census.peers;
    for (int kind = 0; kind < MPROC_KIND_COUNT; kind++) {
        /* A process keeps its list of holds until it ends. */
        if (kind != MPROC_KIND_NONE && kind != MPROC_KIND_HOLD) {
            counts[count].name = mproc_kind_name((mproc_kind_e)kind);
            counts[count++].count = census.kind[kind].blocks;
        }
    }
    return count;
}

int
library_children(void)
{
    apr_array_header_t *children;
    apr_pool_t *pool;
    int count = 0;

    apr_pool_create(&pool, NULL);
    if (mproc_process_active_children(&children, pool) == APR_SUCCESS) {
        count = children->nelts;
    }
    apr_pool_destroy(pool);
    return count;
}

const char *
library_status_text(apr_status_t status, char *buffer, apr_size_t size)
{
    return mproc_strerror(status, buffer, size);
}

const char *
library_detail(void)
{
    return mproc_error_detail();
}
