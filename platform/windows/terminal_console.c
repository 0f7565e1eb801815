/*
 * terminal_console.c: consoles.
 */
#include "plat_terminal.h"

#include "win32.h"

#include <apr_portable.h>

int
mproc_plat_terminal_width(apr_file_t *file)
{
    CONSOLE_SCREEN_BUFFER_INFO screen;
    apr_os_file_t handle;

    if (apr_os_file_get(&handle, file) != APR_SUCCESS ||
        !GetConsoleScreenBufferInfo(handle, &screen)) {
        return 0;
    }
    return screen.srWindow.Right - screen.srWindow.Left + 1;
}
