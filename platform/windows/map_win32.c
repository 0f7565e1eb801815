/*
 * map_win32.c: the shared mapping, as a section without a name.
 *
 * The hard thing: pages of a section can be committed one by one, by any
 * process and for all, but never given back while the section lasts.
 */
#include "plat_map.h"

#include "win32.h"

/* Map a section into this process. */
static apr_status_t
map_view(mproc_plat_map_t *map, HANDLE section, apr_uint64_t size)
{
    void *base = NULL;

    if (size == (SIZE_T)size) {
        base = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0,
                             (SIZE_T)size);
    }
    else {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (base == NULL) {
        return mproc__win32_status(GetLastError());
    }
    map->base = base;
    map->size = size;
    map->handle = number_of(section);
    return APR_SUCCESS;
}

/* Forget what is not there. */
static void
map_clear(mproc_plat_map_t *map)
{
    map->base = NULL;
    map->size = 0;
    map->handle = -1;
}

/* The system pays for each page's entry at once, a 512th of the section: ask
 * for no more than several times what it could ever commit. */
static apr_uint64_t
size_sensible(apr_uint64_t size, apr_uint64_t least)
{
    MEMORYSTATUSEX memory = {0};

    memory.dwLength = sizeof memory;
    if (GlobalMemoryStatusEx(&memory)) {
        while (size / 2 >= least && size / 4 > memory.ullTotalPageFile) {
            size /= 2;
        }
    }
    return size;
}

apr_status_t
mproc_plat_map_create(mproc_plat_map_t *map, apr_uint64_t size,
                      apr_uint64_t least)
{
    apr_status_t rv = APR_EINVAL;

    map_clear(map);
    size = size_sensible(size, least);
    for (; size >= least && size > 0; size /= 2) {
        HANDLE section = CreateFileMappingW(
            INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
            (DWORD)(size >> 32), (DWORD)size, NULL);
        if (section == NULL) {
            rv = mproc__win32_status(GetLastError());
            continue;
        }
        rv = map_view(map, section, size);
        if (rv == APR_SUCCESS) {
            return APR_SUCCESS;
        }
        CloseHandle(section);
    }
    return rv;
}

apr_status_t
mproc_plat_map_attach(mproc_plat_map_t *map, apr_int64_t handle,
                      apr_uint64_t size)
{
    map_clear(map);
    if (!SetHandleInformation(handle_of(handle), HANDLE_FLAG_INHERIT, 0)) {
        return mproc__win32_status(GetLastError());
    }
    return map_view(map, handle_of(handle), size);
}

apr_status_t
mproc_plat_map_commit(const mproc_plat_map_t *map, apr_uint64_t offset,
                      apr_uint64_t length)
{
    if (offset > map->size || length > map->size - offset) {
        return APR_EINVAL;
    }
    if (length > 0 && VirtualAlloc(map->base + offset, (SIZE_T)length,
                                   MEM_COMMIT, PAGE_READWRITE) == NULL) {
        return mproc__win32_status(GetLastError());
    }
    return APR_SUCCESS;
}

int
mproc_plat_map_decommit(const mproc_plat_map_t *map, apr_uint64_t offset,
                        apr_uint64_t length)
{
    (void)map;
    (void)offset;
    (void)length;
    return 0;
}

void
mproc_plat_map_close(mproc_plat_map_t *map)
{
    if (map->base != NULL) {
        UnmapViewOfFile(map->base);
        CloseHandle(handle_of(map->handle));
    }
    map_clear(map);
}
