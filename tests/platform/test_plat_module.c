/* test_plat_module.c: the contract of modules. A helper that needs nothing of
 * ours serves as one that can be copied, loaded, moved and replaced. */
#include "child.h"

#include "plat_module.h"

#include <apr_dso.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the library's function returns. */
#define CODE 13

static const char marker[] = "an address in the program";

/* Function pointers and object pointers may not be cast into each other. */
static int
function_call(const mproc_plat_module_t *module, apr_int64_t offset)
{
    const void *address = module->base + offset;
    mproc_bytes_t nothing = {NULL, 0};
    mproc_target_fn_t function;

    memcpy(&function, &address, sizeof function);
    return function(nothing, NULL);
}

static void
program_found(apr_pool_t *pool)
{
    mproc_plat_module_t module;
    mproc_plat_module_t again;
    static const unsigned char none[MPROC_PLAT_MODULE_ID];

    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_module_of(&module, marker, pool));
    CHECK_TEXT("", module.path);
    CHECK(marker >= module.base &&
          marker + sizeof marker <= module.base + module.span);
    CHECK(memcmp(module.id, none, sizeof none) != 0);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_module_load(&again, "", pool));
    CHECK(again.base == module.base && again.span == module.span);
    CHECK(memcmp(module.id, again.id, sizeof again.id) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_module_on_disk(&module, pool));
    CHECK_STATUS(APR_SUCCESS, mproc_plat_module_on_disk(&module, pool));
}

static void
case_nowhere(apr_pool_t *pool)
{
    mproc_plat_module_t module;
    int local = 0;
    void *heap = malloc(16);

    CHECK_STATUS(APR_NOTFOUND, mproc_plat_module_of(&module, &local, pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_plat_module_of(&module, heap, pool));
    CHECK_STATUS(APR_NOTFOUND, mproc_plat_module_of(&module, NULL, pool));
    free(heap);
    apr_status_t rv = mproc_plat_module_load(&module, "/no/such/library", pool);
    CHECK(APR_STATUS_IS_ENOENT(rv));
}

typedef struct library_t {
    mproc_plat_module_t module;
    apr_dso_handle_t *handle;
    apr_int64_t offset; /* of its function */
} library_t;

/* Not by the contract, so that it can be closed: a file in use cannot be
 * deleted everywhere. */
static void
library_open(library_t *library, const char *path, apr_pool_t *pool)
{
    apr_dso_handle_sym_t symbol;
    const void *address;

    REQUIRE_STATUS(APR_SUCCESS, apr_dso_load(&library->handle, path, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_dso_sym(&symbol, library->handle, "plugin_target"));
    memcpy(&address, &symbol, sizeof address);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_module_of(&library->module, address, pool));
    CHECK(library->module.path[0] != '\0');
    library->offset = (const char *)address - library->module.base;
    CHECK(library->offset > 0 &&
          (apr_uint64_t)library->offset < library->module.span);
}

static const char *
library_copy(const char *path, const char *name, apr_pool_t *pool)
{
    const char *folder;

    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    char *copy = apr_pstrcat(pool, folder, "/", name, NULL);
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_copy(path, copy, APR_FILE_SOURCE_PERMS, pool));
    return copy;
}

static void
case_library(apr_pool_t *pool)
{
    mproc_plat_module_t again;
    library_t library;

    library_open(&library, test_module("other_module", pool), pool);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_module_load(&again, library.module.path, pool));
    CHECK(again.base == library.module.base);
    CHECK(memcmp(library.module.id, again.id, sizeof again.id) == 0);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_module_on_disk(&library.module, pool));
}

/* Load a library and call a function in it, at an offset. */
int
child_plat_module(int argc, const char *const *argv)
{
    mproc_plat_module_t module;
    apr_pool_t *pool;

    if (argc < 2 || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    if (mproc_plat_module_load(&module, argv[0], pool) != APR_SUCCESS) {
        return 2;
    }
    return function_call(&module, apr_atoi64(argv[1])) == CODE ? 0 : 3;
}

static void
case_elsewhere(apr_pool_t *pool)
{
    library_t library;
    library_t copy;
    mproc_plat_spawn_t spawn;
    mproc_plat_proc_t proc;

    library_open(&library, test_module("other_module", pool), pool);
    const char *path = library_copy(library.module.path, "copy.so", pool);
    library_open(&copy, path, pool);
    CHECK(copy.module.base != library.module.base);
    CHECK(copy.module.span == library.module.span);
    CHECK_INT(library.offset, copy.offset);
    CHECK(memcmp(library.module.id, copy.module.id, sizeof copy.module.id) ==
          0);
    CHECK_INT(CODE, function_call(&copy.module, library.offset));
    child_describe(&spawn, pool, "plat_module", path,
                   number_text(library.offset, pool), NULL);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_proc_spawn(&proc, &spawn, pool));
    CHECK_INT(0, child_join(&proc));
    apr_dso_unload(copy.handle);
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
}

static void
case_replaced(apr_pool_t *pool)
{
    const char *origin = test_module("other_module", pool);
    library_t copy;

    const char *path = library_copy(origin, "library.so", pool);
    library_open(&copy, path, pool);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_module_on_disk(&copy.module, pool));
    /* Another file with the same contents is the same module. A file in use
     * can be renamed everywhere, and overwritten not. */
    const char *old = apr_pstrcat(pool, path, ".old", NULL);
    REQUIRE_STATUS(APR_SUCCESS, apr_file_rename(path, old, pool));
    (void)library_copy(origin, "library.so", pool);
    CHECK_STATUS(APR_SUCCESS, mproc_plat_module_on_disk(&copy.module, pool));
    /* Another library is not. */
    origin = test_module("plugin_module", pool);
    (void)library_copy(origin, "library.so", pool);
    CHECK_STATUS(APR_EMISMATCH, mproc_plat_module_on_disk(&copy.module, pool));
    /* Nor is something that is no library at all. */
    apr_file_t *file;
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_open(&file, path, APR_WRITE | APR_TRUNCATE,
                                 APR_FPROT_OS_DEFAULT, pool));
    (void)apr_file_puts("\177ELF, but no more", file);
    (void)apr_file_close(file);
    CHECK_STATUS(APR_EMISMATCH, mproc_plat_module_on_disk(&copy.module, pool));
    REQUIRE_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
    CHECK(APR_STATUS_IS_ENOENT(mproc_plat_module_on_disk(&copy.module, pool)));
    apr_dso_unload(copy.handle);
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(old, pool));
}

static const test_case_t cases[] = {
    {"program", program_found},  {"nowhere", case_nowhere},
    {"library", case_library},   {"elsewhere", case_elsewhere},
    {"replaced", case_replaced}, {NULL, NULL}};

const test_suite_t suite_plat_module = {"plat_module", 0, cases};
