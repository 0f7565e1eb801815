/*
 * util_win32.c: errors, time and text, between APR's ways and the system's.
 *
 * The hard thing: paths. The system's calls stop at 260 characters unless
 * the path is absolute and says that it is long.
 */
#include "win32.h"

#include "plat_sys.h"

#include <string.h>

/* The longest path that the system knows, with its end. */
#define PATH_MOST 32768

apr_status_t
mproc__win32_status(DWORD error)
{
    switch (error) {
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_COMMITMENT_LIMIT:
    case ERROR_COMMITMENT_MINIMUM:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_NONPAGED_SYSTEM_RESOURCES:
    case ERROR_PAGED_SYSTEM_RESOURCES:
    case ERROR_WORKING_SET_QUOTA:
    case ERROR_PAGEFILE_QUOTA:
    case ERROR_NOT_ENOUGH_QUOTA:
    case ERROR_DISK_FULL:
        return APR_ENOMEM;
    case ERROR_SUCCESS:
        return APR_EGENERAL;
    default:
        return APR_FROM_OS_ERROR(error);
    }
}

DWORD
mproc__win32_until(apr_time_t deadline, DWORD most)
{
    apr_time_t left;

    if (deadline == MPROC_PLAT_NEVER) {
        return most;
    }
    left = deadline - mproc_plat_clock();
    if (left <= 0) {
        return 0;
    }
    left = left / 1000 + (left % 1000 != 0);
    return left < (apr_time_t)most ? (DWORD)left : most;
}

void
mproc__win32_pin(void)
{
    HMODULE module;

    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                           GET_MODULE_HANDLE_EX_FLAG_PIN,
                       (LPCWSTR)(uintptr_t)&mproc__win32_pin, &module);
}

apr_status_t
mproc__win32_wide(wchar_t **wide, const char *text, apr_pool_t *pool)
{
    int count;

    *wide = NULL;
    count =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (count <= 0) {
        return mproc__win32_status(GetLastError());
    }
    *wide = apr_palloc(pool, (apr_size_t)count * sizeof **wide);
    if (*wide == NULL) {
        return APR_ENOMEM;
    }
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, *wide, count);
    return APR_SUCCESS;
}

apr_status_t
mproc__win32_utf8(char **text, const wchar_t *wide, apr_pool_t *pool)
{
    int count;

    *text = NULL;
    count = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    if (count <= 0) {
        return mproc__win32_status(GetLastError());
    }
    *text = apr_palloc(pool, (apr_size_t)count);
    if (*text == NULL) {
        return APR_ENOMEM;
    }
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, *text, count, NULL, NULL);
    return APR_SUCCESS;
}

/* Say that a path is long where it is; others stay as people know them. */
static apr_status_t
path_lengthen(wchar_t **wide, apr_pool_t *pool)
{
    static const wchar_t local[] = L"\\\\?\\";
    static const wchar_t remote[] = L"\\\\?\\UNC\\";
    const wchar_t *prefix = local;
    const wchar_t *rest = *wide;
    apr_size_t length = wcslen(rest);
    apr_size_t extra;

    if (length < MAX_PATH || wcsncmp(rest, local, 4) == 0 ||
        wcsncmp(rest, L"\\\\.\\", 4) == 0) {
        return APR_SUCCESS;
    }
    if (wcsncmp(rest, L"\\\\", 2) == 0) {
        prefix = remote;
        rest += 2;
        length -= 2;
    }
    extra = wcslen(prefix);
    *wide = apr_palloc(pool, (extra + length + 1) * sizeof **wide);
    if (*wide == NULL) {
        return APR_ENOMEM;
    }
    memcpy(*wide, prefix, extra * sizeof **wide);
    memcpy(*wide + extra, rest, (length + 1) * sizeof **wide);
    return APR_SUCCESS;
}

apr_status_t
mproc__win32_path(wchar_t **wide, const char *path, apr_pool_t *pool)
{
    wchar_t *given;
    apr_status_t rv;
    DWORD room, length;

    *wide = NULL;
    rv = mproc__win32_wide(&given, path, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    room = GetFullPathNameW(given, 0, NULL, NULL);
    if (room == 0) {
        return mproc__win32_status(GetLastError());
    }
    *wide = apr_palloc(pool, room * sizeof **wide);
    if (*wide == NULL) {
        return APR_ENOMEM;
    }
    length = GetFullPathNameW(given, room, *wide, NULL);
    if (length == 0 || length >= room) {
        return mproc__win32_status(length == 0 ? GetLastError()
                                               : ERROR_INVALID_NAME);
    }
    return path_lengthen(wide, pool);
}

apr_status_t
mproc__win32_module_path(wchar_t **wide, HMODULE module, apr_pool_t *pool)
{
    DWORD room, length;

    for (room = MAX_PATH; room <= PATH_MOST; room *= 2) {
        *wide = apr_palloc(pool, room * sizeof **wide);
        if (*wide == NULL) {
            return APR_ENOMEM;
        }
        length = GetModuleFileNameW(module, *wide, room);
        if (length == 0) {
            return mproc__win32_status(GetLastError());
        }
        if (length < room) {
            return path_lengthen(wide, pool);
        }
    }
    return mproc__win32_status(ERROR_FILENAME_EXCED_RANGE);
}
