/*
 * shm_win32.c: named shared memory, as a section of the page file.
 *
 * Its name goes when the last handle is closed, so the handle is kept as
 * long as the view. The system promises the memory when it makes the
 * section.
 */
#include "plat_shm.h"

#include "win32.h"

#define NAME_ROOM 512

const char *
mproc_plat_shm_prefix(void)
{
    return "wnsm_";
}

int
mproc_plat_shm_stays(void)
{
    return 0;
}

static void
shm_clear(mproc_plat_shm_t *shm)
{
    memset(shm, 0, sizeof *shm);
    shm->handle = -1;
}

/* What the contract calls an error of the system. */
static apr_status_t
shm_status(DWORD error)
{
    switch (error) {
    case ERROR_ALREADY_EXISTS:
    case ERROR_INVALID_HANDLE: /* something else has that name */
        return APR_EEXIST;
    case ERROR_FILE_NOT_FOUND:
        return APR_ENOENT;
    case ERROR_PATH_NOT_FOUND: /* of a folder before a backslash */
    case ERROR_BAD_PATHNAME:
    case ERROR_INVALID_NAME:
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_NO_UNICODE_TRANSLATION:
    case ERROR_INSUFFICIENT_BUFFER:
        return APR_EINVAL;
    default:
        return mproc__win32_status(error);
    }
}

static int
shm_wide(wchar_t wide[NAME_ROOM], const char *name)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide,
                               NAME_ROOM) > 0;
}

/* Map all of a section; size 0: as large as it is. */
static apr_status_t
shm_map(mproc_plat_shm_t *shm, HANDLE section, apr_uint64_t size)
{
    MEMORY_BASIC_INFORMATION view;
    void *base = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0,
                               (SIZE_T)size);

    if (base == NULL) {
        return shm_status(GetLastError());
    }
    if (size == 0 && VirtualQuery(base, &view, sizeof view) == sizeof view) {
        size = view.RegionSize;
    }
    shm->base = base;
    shm->size = size;
    shm->handle = number_of(section);
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_shm_create(mproc_plat_shm_t *shm, const char *name,
                      apr_uint64_t size,
                      void (*note)(void *baton, const apr_uint64_t identity[2]),
                      void *baton)
{
    wchar_t wide[NAME_ROOM];
    HANDLE section;
    DWORD error;
    apr_status_t rv;

    shm_clear(shm);
    if (size > (apr_uint64_t)(~(SIZE_T)0 >> 1)) {
        return APR_ENOMEM;
    }
    if (!shm_wide(wide, name)) {
        return shm_status(GetLastError());
    }
    note(baton, shm->identity);
    section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE,
                                 (DWORD)(size >> 32), (DWORD)size, wide);
    error = GetLastError();
    if (section == NULL) {
        /* Too large for the system to count. */
        return error == ERROR_INVALID_PARAMETER ? APR_ENOMEM
                                                : shm_status(error);
    }
    rv = error == ERROR_ALREADY_EXISTS ? APR_EEXIST
                                       : shm_map(shm, section, size);
    if (rv != APR_SUCCESS) {
        CloseHandle(section);
    }
    return rv;
}

apr_status_t
mproc_plat_shm_attach(mproc_plat_shm_t *shm, const char *name)
{
    wchar_t wide[NAME_ROOM];
    HANDLE section;
    apr_status_t rv;

    shm_clear(shm);
    if (!shm_wide(wide, name)) {
        return shm_status(GetLastError());
    }
    section = OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, wide);
    if (section == NULL) {
        rv = shm_status(GetLastError());
        return rv == APR_EEXIST ? APR_ENOENT : rv;
    }
    rv = shm_map(shm, section, 0);
    if (rv != APR_SUCCESS) {
        CloseHandle(section);
    }
    return rv;
}

apr_status_t
mproc_plat_shm_unlink(const char *name, const apr_uint64_t identity[2])
{
    (void)name;
    (void)identity;
    return APR_SUCCESS;
}

void
mproc_plat_shm_close(mproc_plat_shm_t *shm)
{
    if (shm->base != NULL) {
        UnmapViewOfFile(shm->base);
        CloseHandle(handle_of(shm->handle));
        shm->base = NULL;
        shm->handle = -1;
    }
}
