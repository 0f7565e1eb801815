/*
 * peek_win32.c: another process's mapping, by reading its memory.
 *
 * A section without a name cannot be opened, and to take a duplicate of its
 * handle one would have to know which it is. So the view is looked for in
 * the process's address space.
 */
#include "plat_peek.h"

#include <string.h>

#include "win32.h"

#define PAGE 4096

/* Copy from another process; what is not committed there fails. */
static int
copy(HANDLE process, apr_uint64_t address, void *data, apr_size_t size)
{
    SIZE_T length = 0;

    return ReadProcessMemory(process, (const void *)(uintptr_t)address, data,
                             (SIZE_T)size, &length) &&
           length == (SIZE_T)size;
}

/* The bytes of the whole view that begins at an address. */
static apr_uint64_t
view_size(HANDLE process, uintptr_t base)
{
    MEMORY_BASIC_INFORMATION info;
    uintptr_t at = base;

    while (VirtualQueryEx(process, (const void *)at, &info, sizeof info) != 0 &&
           info.AllocationBase == (void *)base && info.RegionSize > 0) {
        at = (uintptr_t)info.BaseAddress + info.RegionSize;
    }
    return at - base;
}

static int
view_find(mproc_plat_peek_t *peek, HANDLE process, apr_uint64_t magic)
{
    MEMORY_BASIC_INFORMATION info;
    apr_uint64_t word;
    uintptr_t at = 0;

    while (VirtualQueryEx(process, (const void *)at, &info, sizeof info) != 0) {
        uintptr_t base = (uintptr_t)info.BaseAddress;
        if (info.Type == MEM_MAPPED && info.State == MEM_COMMIT &&
            info.BaseAddress == info.AllocationBase &&
            copy(process, base, &word, sizeof word) && word == magic) {
            peek->base = base;
            peek->map.size = view_size(process, base);
            return 1;
        }
        at = base + info.RegionSize;
        if (at <= base) {
            break;
        }
    }
    return 0;
}

apr_status_t
mproc_plat_peek_open(mproc_plat_peek_t *peek, apr_int64_t pid,
                     apr_uint64_t magic, const mproc_plat_map_t *own)
{
    (void)own; /* Nothing is lost by reading one's own this way. */
    memset(peek, 0, sizeof *peek);
    peek->map.handle = -1;
    if (pid <= 0 || pid > (apr_int64_t)APR_UINT32_MAX) {
        return APR_EPROC_UNKNOWN;
    }
    HANDLE process =
        OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ | SYNCHRONIZE,
                    FALSE, (DWORD)pid);
    if (process == NULL) {
        return GetLastError() == ERROR_INVALID_PARAMETER
                   ? APR_EPROC_UNKNOWN
                   : mproc__win32_status(GetLastError());
    }
    apr_status_t rv = WaitForSingleObject(process, 0) == WAIT_OBJECT_0
                          ? APR_EPROC_UNKNOWN
                      : view_find(peek, process, magic) ? APR_SUCCESS
                                                        : APR_NOTFOUND;
    if (rv != APR_SUCCESS) {
        CloseHandle(process);
        return rv;
    }
    peek->map.handle = number_of(process);
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_peek_read(const mproc_plat_peek_t *peek, apr_uint64_t offset,
                     void *data, apr_size_t size)
{
    HANDLE process = handle_of(peek->map.handle);
    char *to = data;

    if (offset > peek->map.size || size > peek->map.size - offset) {
        return APR_EOF;
    }
    if (copy(process, peek->base + offset, data, size)) {
        return APR_SUCCESS;
    }
    if (WaitForSingleObject(process, 0) == WAIT_OBJECT_0) {
        return APR_EPROC_UNKNOWN;
    }
    /* Some pages are not committed. */
    while (size > 0) {
        apr_size_t part = (apr_size_t)(PAGE - offset % PAGE);
        part = part < size ? part : size;
        if (!copy(process, peek->base + offset, to, part)) {
            memset(to, 0, part);
        }
        to += part;
        offset += part;
        size -= part;
    }
    return APR_SUCCESS;
}

void
mproc_plat_peek_close(mproc_plat_peek_t *peek)
{
    if (peek->map.handle != -1) {
        CloseHandle(handle_of(peek->map.handle));
        peek->map.handle = -1;
    }
}
