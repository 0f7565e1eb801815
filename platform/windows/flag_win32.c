/* flag_win32.c: a flag is an event of the system's that is reset by hand. */
#include "plat_flag.h"

#include "win32.h"

apr_status_t
mproc_plat_flag_create(mproc_plat_flag_t *flag)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

    flag->handle = event == NULL ? -1 : number_of(event);
    flag->raiser = -1;
    return event == NULL ? mproc__win32_status(GetLastError()) : APR_SUCCESS;
}

void
mproc_plat_flag_raise(mproc_plat_flag_t *flag)
{
    SetEvent(handle_of(flag->handle));
}

void
mproc_plat_flag_lower(mproc_plat_flag_t *flag)
{
    ResetEvent(handle_of(flag->handle));
}

void
mproc_plat_flag_close(mproc_plat_flag_t *flag)
{
    CloseHandle(handle_of(flag->handle));
    flag->handle = -1;
}
