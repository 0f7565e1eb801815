/*
 * funcref.c: a function, as any process of the tree can find it.
 *
 * The module's identity is compared where the function is looked for, so
 * that an offset is never used in another module than it was taken from.
 */
#include "funcref.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "error.h"

_Static_assert(sizeof(mproc_function_t) == sizeof(char *),
               "a function pointer is an address");

static const char *
path_name(const char *path)
{
    return path[0] == '\0' ? "the program itself" : path;
}

static apr_status_t
pool_make(apr_pool_t **pool)
{
    apr_status_t rv = apr_pool_create_unmanaged_ex(pool, NULL, NULL);

    return rv == APR_SUCCESS
               ? rv
               : mproc__fail(APR_ENOMEM, "cannot look for a function's "
                                         "module: memory is short");
}

apr_status_t
mproc__funcref_make(mproc__funcref_t *ref, mproc_function_t function)
{
    mproc_plat_module_t module;
    apr_pool_t *pool;
    char *address;

    memcpy(&address, &function, sizeof address);
    apr_status_t rv = pool_make(&pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_plat_module_of(&module, address, pool);
    if (rv != APR_SUCCESS) {
        rv = mproc__fail(MPROC_EMODULE,
                         "cannot pass on the function at %p: it lies in no "
                         "module that is loaded; use a function of the "
                         "program or of a library",
                         (void *)address);
    }
    else if (strlen(module.path) >= sizeof ref->path) {
        rv = mproc__fail(MPROC_EMODULE,
                         "cannot pass on a function of %s: the path is "
                         "longer than %d bytes",
                         module.path, MPROC__FUNCREF_PATH - 1);
    }
    else {
        ref->offset = (apr_uint64_t)(address - module.base);
        memcpy(ref->id, module.id, sizeof ref->id);
        apr_cpystrn(ref->path, module.path, sizeof ref->path);
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t
mproc__funcref_check(const mproc__funcref_t *ref)
{
    mproc_plat_module_t module;
    char text[128];
    apr_pool_t *pool;

    apr_status_t rv = pool_make(&pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memset(&module, 0, sizeof module);
    module.path = ref->path;
    memcpy(module.id, ref->id, sizeof module.id);
    rv = mproc_plat_module_on_disk(&module, pool);
    if (APR_STATUS_IS_EMISMATCH(rv)) {
        rv = mproc__fail(MPROC_EMODULE,
                         "cannot start a process with a function of %s: its "
                         "file is another one now than the one that is "
                         "loaded; restart this program",
                         path_name(ref->path));
    }
    else if (rv != APR_SUCCESS) {
        int passing = APR_STATUS_IS_EMFILE(rv) || APR_STATUS_IS_ENFILE(rv) ||
                      APR_STATUS_IS_ENOMEM(rv);
        rv = mproc__fail(passing ? rv : MPROC_EMODULE,
                         "cannot start a process with a function of %s: its "
                         "file cannot be read: %s",
                         path_name(ref->path),
                         apr_strerror(rv, text, sizeof text));
    }
    apr_pool_destroy(pool);
    return rv;
}

static apr_status_t
module_match(const mproc_plat_module_t *module, const mproc__funcref_t *ref)
{
    if (memcmp(module->id, ref->id, sizeof ref->id) != 0) {
        return mproc__fail(MPROC_EMODULE,
                           "cannot find a function in %s: this process has "
                           "another version of it than the one that sent the "
                           "function; restart the program",
                           path_name(ref->path));
    }
    if (ref->offset >= module->span) {
        return mproc__fail(MPROC_EMODULE,
                           "cannot find a function in %s: its offset %#lx lies "
                           "beyond the end",
                           path_name(ref->path), (unsigned long)ref->offset);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__funcref_resolve(mproc_function_t *function, const mproc__funcref_t *ref)
{
    mproc_plat_module_t module;
    char text[128];
    apr_pool_t *pool;

    *function = NULL;
    apr_status_t rv = pool_make(&pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc_plat_module_load(&module, ref->path, pool);
    if (rv != APR_SUCCESS) {
        rv = mproc__fail(MPROC_EMODULE, "cannot load %s: %s",
                         path_name(ref->path),
                         apr_strerror(rv, text, sizeof text));
    }
    else {
        rv = module_match(&module, ref);
    }
    if (rv == APR_SUCCESS) {
        char *address = module.base + ref->offset;
        memcpy(function, &address, sizeof address);
    }
    apr_pool_destroy(pool);
    return rv;
}
