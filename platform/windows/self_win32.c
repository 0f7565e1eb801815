/*
 * self_win32.c: there are no forked children here, so nothing to change.
 */
#include "plat_self.h"

apr_status_t
mproc_plat_self_environment(const char *const *environment)
{
    (void)environment;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_self_interrupts(int held)
{
    (void)held;
    return APR_ENOTIMPL;
}

void
mproc_plat_self_stdin(void)
{
}

int
mproc_plat_self_cancel(int allowed)
{
    (void)allowed;
    return 1;
}

apr_status_t
mproc_plat_self_on_exit(void (*hook)(int known, int code))
{
    (void)hook;
    return APR_ENOTIMPL;
}
