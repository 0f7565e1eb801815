/*
 * terminal_ioctl.c: terminals.
 */
#include "plat_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <apr_portable.h>

#define WIDTH_USUAL 80 /* of one that does not tell */

int
mproc_plat_terminal_width(apr_file_t *file)
{
    struct winsize size = {0};
    apr_os_file_t descriptor;

    if (apr_os_file_get(&descriptor, file) != APR_SUCCESS ||
        !isatty(descriptor)) {
        return 0;
    }
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
               ? size.ws_col
               : WIDTH_USUAL;
}
