/*
 * win32.h: what the files of this back end share.
 *
 * Text is UTF-8 outside and UTF-16 inside. Handles are kept in apr_int64_t;
 * -1 is none.
 */
#ifndef MPROC_PLATFORM_WINDOWS_WIN32_H
#define MPROC_PLATFORM_WINDOWS_WIN32_H

#include "plat_proc.h"

#include <stdint.h>
#include <wchar.h>

#include <windows.h>

/* The exit code of a process that was signalled: none that a program gives
 * by accident, as Python has it. */
#define MPROC__WIN32_TERMINATED 0x10000

/* A HANDLE as contracts carry it, and back. */
static inline HANDLE
handle_of(apr_int64_t number)
{
    return (HANDLE)(intptr_t)number;
}

static inline apr_int64_t
number_of(HANDLE handle)
{
    return (apr_int64_t)(intptr_t)handle;
}

/* Turn a system's error into a status; all that mean "no memory left" into
 * APR_ENOMEM. Never APR_SUCCESS. */
apr_status_t mproc__win32_status(DWORD error);

/* Milliseconds until a deadline, rounded up, 0 when it has passed, and no
 * more than `most`. */
DWORD mproc__win32_until(apr_time_t deadline, DWORD most);

/* A process is known to have ended: close what is kept to wake it. */
void mproc__win32_park_forget(apr_int64_t pid);

/* Keep the module that this code lies in loaded for as long as the process
 * lasts: the system will call back into it. */
void mproc__win32_pin(void);

/* Convert text. APR_ENOMEM; the system's status for what is not UTF-8. */
apr_status_t mproc__win32_wide(wchar_t **wide, const char *text,
                               apr_pool_t *pool);
apr_status_t mproc__win32_utf8(char **text, const wchar_t *wide,
                               apr_pool_t *pool);

/* Convert a path, make it absolute, and fit for its length. */
apr_status_t mproc__win32_path(wchar_t **wide, const char *path,
                               apr_pool_t *pool);

/* The path of a loaded module; NULL: of the program. */
apr_status_t mproc__win32_module_path(wchar_t **wide, HMODULE module,
                                      apr_pool_t *pool);

/* A command line that the C runtime takes apart into argv again. APR_EINVAL
 * for a quote in argv[0], which no command line can say. */
apr_status_t mproc__win32_command_line(wchar_t **line, const char *const *argv,
                                       apr_pool_t *pool);

/* A block of environment variables: sorted, ended by two NULs. */
apr_status_t mproc__win32_environment(wchar_t **block,
                                      const char *const *environment,
                                      apr_pool_t *pool);

#endif
