/* system_step_none.c: no single steps here. */
#include "system.h"

int
system_step_works(void)
{
    return 0;
}

apr_int64_t
system_step_fork(void (*ready)(void *), void (*run)(void *), void *baton)
{
    (void)ready;
    (void)run;
    (void)baton;
    return 0;
}

int
system_step(apr_int64_t pid, apr_uint64_t count, int leap)
{
    (void)pid;
    (void)count;
    (void)leap;
    return 0;
}

void
system_step_free(apr_int64_t pid)
{
    (void)pid;
}

void
system_step_catch(apr_int64_t pid)
{
    (void)pid;
}

void
system_step_resume(apr_int64_t pid)
{
    (void)pid;
}

apr_uint64_t
system_step_length(void)
{
    return 0;
}

void
system_step_forget(void)
{
}

apr_uint64_t
system_step_made(void)
{
    return 0;
}

const char *
system_step_where(void)
{
    return "nowhere";
}
