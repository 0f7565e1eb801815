/*
 * life_win32.c: the proof of life is the process itself.
 *
 * The hard thing: pids are used again at once. A pid and the moment at which
 * its process began are one process for ever, and the system keeps both.
 */
#include "plat_life.h"

#include "win32.h"

/* When a process began, or 0. */
static apr_uint64_t
process_start(HANDLE process)
{
    FILETIME created, ended, kernel, user;

    if (!GetProcessTimes(process, &created, &ended, &kernel, &user)) {
        return 0;
    }
    return (apr_uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

apr_uint64_t
mproc_plat_life_start(void)
{
    return process_start(GetCurrentProcess());
}

apr_status_t
mproc_plat_life_hold(const mproc_plat_map_t *map, apr_uint32_t slot)
{
    (void)map;
    (void)slot;
    return APR_SUCCESS;
}

void
mproc_plat_life_drop(const mproc_plat_map_t *map, apr_uint32_t slot)
{
    (void)map;
    (void)slot;
}

int
mproc_plat_life_ended(const mproc_plat_map_t *map, apr_uint32_t slot,
                      apr_int64_t pid, apr_uint64_t start)
{
    HANDLE process;
    apr_uint64_t began;
    int ended;

    (void)map;
    (void)slot;
    process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION,
                          FALSE, (DWORD)pid);
    if (process == NULL) {
        /* Anything else, such as no rights, tells nothing about its life. */
        ended = GetLastError() == ERROR_INVALID_PARAMETER;
    }
    else {
        began = process_start(process);
        ended = (began != 0 && start != 0 && began != start) ||
                WaitForSingleObject(process, 0) == WAIT_OBJECT_0;
        CloseHandle(process);
    }
    if (ended) {
        mproc__win32_park_forget(pid);
    }
    return ended;
}
