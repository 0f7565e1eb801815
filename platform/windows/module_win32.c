/*
 * module_win32.c: modules, by the headers of their images.
 *
 * The hard thing: what identifies a build. The time stamp is one on old
 * linkers and a hash of the contents on new ones; the checksum is left out
 * by some. Together with the size they do, and the loader changes none.
 */
#include "plat_module.h"

#include "win32.h"

#include <string.h>

/* The three, as they stand in an image's headers. */
static void
id_fill(unsigned char id[MPROC_PLAT_MODULE_ID], const IMAGE_NT_HEADERS *image)
{
    const DWORD parts[3] = {image->FileHeader.TimeDateStamp,
                            image->OptionalHeader.SizeOfImage,
                            image->OptionalHeader.CheckSum};

    memset(id, 0, MPROC_PLAT_MODULE_ID);
    memcpy(id, parts, sizeof parts);
}

/* Describe a module that is loaded. */
static apr_status_t
module_fill(mproc_plat_module_t *module, HMODULE loaded, apr_pool_t *pool)
{
    const IMAGE_DOS_HEADER *start = (const void *)loaded;
    const IMAGE_NT_HEADERS *image;
    wchar_t *wide;
    char *path;
    apr_status_t rv;

    image = (const void *)((const char *)loaded + start->e_lfanew);
    if (loaded != GetModuleHandleW(NULL)) {
        rv = mproc__win32_module_path(&wide, loaded, pool);
        if (rv == APR_SUCCESS) {
            rv = mproc__win32_utf8(&path, wide, pool);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        module->path = path;
    }
    module->base = (char *)loaded;
    module->span = image->OptionalHeader.SizeOfImage;
    id_fill(module->id, image);
    return APR_SUCCESS;
}

static void
module_clear(mproc_plat_module_t *module)
{
    memset(module, 0, sizeof *module);
    module->path = "";
}

apr_status_t
mproc_plat_module_of(mproc_plat_module_t *module, const void *address,
                     apr_pool_t *pool)
{
    HMODULE loaded;

    module_clear(module);
    /* To the system, NULL is the program. */
    if (address == NULL ||
        !GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (LPCWSTR)address, &loaded)) {
        return APR_NOTFOUND;
    }
    return module_fill(module, loaded, pool);
}

/* Load a library, with those that lie beside it. */
static apr_status_t
library_load(HMODULE *loaded, const wchar_t *path)
{
    DWORD mode, error;

    /* A box on the screen would wait for somebody to press its button. */
    SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &mode);
    *loaded = LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    error = GetLastError();
    SetThreadErrorMode(mode, NULL);
    if (*loaded != NULL) {
        return APR_SUCCESS;
    }
    if (error == ERROR_MOD_NOT_FOUND &&
        GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES) {
        /* The file is there; one that it needs is not. */
        return APR_EDSOOPEN;
    }
    return error == ERROR_MOD_NOT_FOUND ? APR_ENOENT
                                        : mproc__win32_status(error);
}

apr_status_t
mproc_plat_module_load(mproc_plat_module_t *module, const char *path,
                       apr_pool_t *pool)
{
    HMODULE loaded;
    wchar_t *wide;
    apr_status_t rv;

    module_clear(module);
    if (path[0] == '\0') {
        return module_fill(module, GetModuleHandleW(NULL), pool);
    }
    rv = mproc__win32_path(&wide, path, pool);
    if (rv == APR_SUCCESS) {
        rv = library_load(&loaded, wide);
    }
    if (rv == APR_SUCCESS) {
        rv = module_fill(module, loaded, pool);
    }
    return rv;
}

/* Read bytes at a place of a file; 0 when they are not all there. */
static int
file_read(HANDLE file, LONG place, void *data, DWORD size)
{
    DWORD done;

    return SetFilePointer(file, place, NULL, FILE_BEGIN) !=
               INVALID_SET_FILE_POINTER &&
           ReadFile(file, data, size, &done, NULL) && done == size;
}

apr_status_t
mproc_plat_module_on_disk(const mproc_plat_module_t *module, apr_pool_t *pool)
{
    IMAGE_DOS_HEADER start;
    IMAGE_NT_HEADERS image;
    unsigned char id[MPROC_PLAT_MODULE_ID];
    HANDLE file;
    wchar_t *path;
    apr_status_t rv;
    int same;

    rv = module->path[0] == '\0' ? mproc__win32_module_path(&path, NULL, pool)
                                 : mproc__win32_path(&path, module->path, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    file = CreateFileW(path, GENERIC_READ,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return mproc__win32_status(GetLastError());
    }
    same = file_read(file, 0, &start, sizeof start) &&
           start.e_magic == IMAGE_DOS_SIGNATURE &&
           file_read(file, start.e_lfanew, &image, sizeof image) &&
           image.Signature == IMAGE_NT_SIGNATURE;
    if (same) {
        id_fill(id, &image);
        same = memcmp(id, module->id, sizeof id) == 0;
    }
    CloseHandle(file);
    return same ? APR_SUCCESS : APR_EMISMATCH;
}
