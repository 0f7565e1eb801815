/**
 * @file plat_self.h
 * @brief Contract: what a process changes in itself.
 *
 * Beside APR because APR cannot replace an environment whole, sets signals
 * without telling what was before, knows no cancellation, and has no way to
 * leave a forked child but past its own at-exit functions or through its
 * parent's. Only where mproc_plat_proc_can_fork(); elsewhere APR_ENOTIMPL.
 */
#ifndef MPROC_PLAT_SELF_H
#define MPROC_PLAT_SELF_H

#include <apr.h>
#include <apr_errno.h>

/**
 * Replace the environment of the calling process.
 * @param environment "NAME=value" ..., NULL; must stay
 * pre: no other thread reads the environment.
 */
apr_status_t mproc_plat_self_environment(const char *const *environment);

/**
 * Hold the terminal's interrupts (Ctrl-C) back, or take them as before that
 * call. A forked child has none of its parent's; one that is sent to it
 * while they are held back comes afterwards.
 * @param held 1, later 0
 * pre: the process has one thread.
 */
apr_status_t mproc_plat_self_interrupts(int held);

/** Forget what stdio has read of stdin, whose descriptor is the null device
 *  by now. */
void mproc_plat_self_stdin(void);

/**
 * Whether the calling thread may be cancelled (pthread_cancel): not while it
 * holds what others wait for. A forked child has it as its parent's thread.
 * @return what was before; 1 where there is no such thing
 */
int mproc_plat_self_cancel(int allowed);

/**
 * Have `hook` called by exit(), after the functions that will be registered
 * with atexit() from now on and before those registered earlier.
 * @param hook told the exit code, where the system says it: known is 1
 */
apr_status_t mproc_plat_self_on_exit(void (*hook)(int known, int code));

#endif
