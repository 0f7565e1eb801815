/*
 * self_posix.c: what a process changes in itself, on any Unix.
 *
 * The hard one is the exit code: only some C libraries tell it to those who
 * are called at exit.
 */
#define _GNU_SOURCE 1

#include "plat_self.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

static void (*exit_hook)(int known, int code);

/* Whether interrupts were held back before we did. */
static int interrupt_before;

apr_status_t
mproc_plat_self_environment(const char *const *environment)
{
    /* Nobody writes through it but setenv(), which copies it first. */
    environ = (char **)(apr_uintptr_t)environment;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_self_interrupts(int held)
{
    sigset_t set;
    sigset_t before;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    /* Blocked and not ignored: one that comes to a forked child before it
     * has set this back is delivered then, and not lost. */
    if (!held && interrupt_before) {
        return APR_SUCCESS;
    }
    if (sigprocmask(held ? SIG_BLOCK : SIG_UNBLOCK, &set, &before) != 0) {
        return errno;
    }
    if (held) {
        interrupt_before = sigismember(&before, SIGINT) == 1;
    }
    return APR_SUCCESS;
}

void
mproc_plat_self_stdin(void)
{
#ifdef __GLIBC__
    if (stdin->_IO_read_base == NULL) {
        return; /* Never used: then it shall not get a buffer now. */
    }
#endif
    (void)fseek(stdin, 0, SEEK_END);
    clearerr(stdin);
}

int
mproc_plat_self_cancel(int allowed)
{
    int before = PTHREAD_CANCEL_ENABLE;

    (void)pthread_setcancelstate(
        allowed ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, &before);
    return before == PTHREAD_CANCEL_ENABLE;
}

#if defined(__GLIBC__)

static void
exit_told(int code, void *unused)
{
    (void)unused;
    exit_hook(1, code);
}

apr_status_t
mproc_plat_self_on_exit(void (*hook)(int known, int code))
{
    exit_hook = hook;
    return on_exit(exit_told, NULL) == 0 ? APR_SUCCESS : APR_ENOMEM;
}

#else

static void
exit_told(void)
{
    exit_hook(0, 0);
}

apr_status_t
mproc_plat_self_on_exit(void (*hook)(int known, int code))
{
    exit_hook = hook;
    return atexit(exit_told) == 0 ? APR_SUCCESS : APR_ENOMEM;
}

#endif
