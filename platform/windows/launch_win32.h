/* launch_win32.h: how proc_win32.c has a process created. */
#ifndef MPROC_PLATFORM_WINDOWS_LAUNCH_WIN32_H
#define MPROC_PLATFORM_WINDOWS_LAUNCH_WIN32_H

#include "win32.h"

/* Create the process. The caller closes the handles in `made`. */
apr_status_t mproc__win32_launch(PROCESS_INFORMATION *made,
                                 const mproc_plat_spawn_t *spawn,
                                 apr_pool_t *pool);

/* Open the null device for reading, inheritable. */
apr_status_t mproc__win32_null(HANDLE *null);

#endif
