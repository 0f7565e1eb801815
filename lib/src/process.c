/*
 * process.c: process objects in use: waited for, signalled, closed.
 */
#include "family.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "notifier.h"
#include "parking.h"

#define KILL_LIMIT (1000 * 1000) /* after a kill, in microseconds */

/* ------------------------------------------------------------------ misuse */

apr_status_t
mproc__process_started(const mproc_process_t *process, const char *verb)
{
    const char *why = NULL;

    if (process == NULL) {
        return mproc__fail(APR_EINVAL, "cannot %s a process that is NULL",
                           verb);
    }
    int life = atomic_load(&process->life);
    if (process->role == MPROC__SELF) {
        why = "it is the calling process itself";
    }
    else if (process->role == MPROC__PARENT) {
        why = "it is the parent, which can be joined only";
    }
    else if (process->epoch != mproc__peers_epoch()) {
        why = "it was created by another process, which alone may";
    }
    else if (life < MPROC__STARTED) {
        why = "it has not been started; call mproc_process_start() first";
    }
    else if (life == MPROC__CLOSED) {
        why = "it has been closed";
    }
    if (why == NULL) {
        return APR_SUCCESS;
    }
    return mproc__fail(MPROC_ESTATE, "cannot %s %s: %s", verb, process->name,
                       why);
}

/* ----------------------------------------------------------------- waiting */

apr_status_t
mproc_process_join(mproc_process_t *process, apr_interval_time_t timeout)
{
    apr_time_t deadline = mproc__deadline(timeout);

    if (process != NULL && process->role == MPROC__PARENT) {
        return mproc_plat_proc_look(&process->proc, deadline);
    }
    apr_status_t rv = mproc__process_started(process, "join");
    return rv == APR_SUCCESS ? mproc__process_wait(process, deadline) : rv;
}

int
mproc_process_is_alive(mproc_process_t *process)
{
    if (process == NULL) {
        return 0;
    }
    if (process->role == MPROC__SELF) {
        return 1;
    }
    if (process->role == MPROC__PARENT) {
        return mproc_process_join(process, MPROC_NOWAIT) == APR_TIMEUP;
    }
    return process->epoch == mproc__peers_epoch() &&
           atomic_load(&process->life) == MPROC__STARTED &&
           !mproc__process_settle(process);
}

static apr_status_t
process_exit(mproc_process_t *process, mproc_plat_exit_t *exit,
             const char *verb)
{
    memset(exit, 0, sizeof *exit);
    if (process != NULL && process->role == MPROC__SELF) {
        return APR_EINPROGRESS;
    }
    apr_status_t rv = mproc__process_started(process, verb);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!mproc__process_settle(process)) {
        return APR_EINPROGRESS;
    }
    if (!process->exit.known) {
        return mproc__fail(MPROC_EUNKNOWN,
                           "%s (pid %ld) has ended, and "
                           "nobody can tell how: %s",
                           process->name, (long)process->proc.pid,
                           process->maker != 0
                               ? "its fork server had been killed"
                               : "somebody else waited for it");
    }
    *exit = process->exit;
    return APR_SUCCESS;
}

apr_status_t
mproc_process_exitcode(mproc_process_t *process, int *code)
{
    mproc_plat_exit_t exit;

    if (code == NULL) {
        return mproc__fail(APR_EINVAL, "cannot ask for an exit code: the "
                                       "variable for it is NULL");
    }
    apr_status_t rv = process_exit(process, &exit, "ask for the exit code of");
    *code = exit.code;
    return rv;
}

apr_status_t
mproc_process_killed_by(mproc_process_t *process, int *signal)
{
    mproc_plat_exit_t exit;

    if (signal == NULL) {
        return mproc__fail(APR_EINVAL, "cannot ask which signal ended a "
                                       "process: the variable for it is "
                                       "NULL");
    }
    apr_status_t rv = process_exit(process, &exit, "ask what ended");
    *signal = exit.signal;
    return rv;
}

int
mproc__process_left_core(mproc_process_t *process)
{
    mproc_plat_exit_t exit;

    return process_exit(process, &exit, "ask what is left of") == APR_SUCCESS &&
           exit.core;
}

int
mproc__process_is_stopped(mproc_process_t *process)
{
    return atomic_load(&process->life) < MPROC__SETTLED &&
           mproc_plat_proc_is_stopped(&process->proc);
}

/* -------------------------------------------------------------- signalling */

static apr_status_t
process_signal(mproc_process_t *process, mproc_plat_signal_e what,
               const char *verb)
{
    char text[128];
    apr_status_t rv = mproc__process_started(process, verb);

    if (rv != APR_SUCCESS || atomic_load(&process->life) == MPROC__SETTLED) {
        return rv;
    }
    rv = mproc_plat_proc_signal(&process->proc, what);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "cannot %s %s (pid %ld): %s", verb,
                           process->name, (long)process->proc.pid,
                           apr_strerror(rv, text, sizeof text));
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_process_interrupt(mproc_process_t *process)
{
    return process_signal(process, MPROC_PLAT_INTERRUPT, "interrupt");
}

apr_status_t
mproc_process_terminate(mproc_process_t *process)
{
    return process_signal(process, MPROC_PLAT_TERMINATE, "terminate");
}

apr_status_t
mproc_process_kill(mproc_process_t *process)
{
    return process_signal(process, MPROC_PLAT_KILL, "kill");
}

apr_status_t
mproc_process_stop(mproc_process_t *process, apr_interval_time_t grace)
{
    apr_status_t rv = process_signal(process, MPROC_PLAT_TERMINATE, "stop");

    if (rv == APR_SUCCESS) {
        rv = mproc__process_wait(process, mproc__deadline(grace));
    }
    if (rv == APR_TIMEUP) {
        rv = process_signal(process, MPROC_PLAT_KILL, "stop");
        if (rv == APR_SUCCESS) {
            rv = mproc__process_wait(process, mproc_plat_clock() + KILL_LIMIT);
        }
    }
    if (rv == APR_TIMEUP) {
        return mproc__fail(rv,
                           "%s (pid %ld) was killed and has "
                           "not ended within a second: the system holds it",
                           process->name, (long)process->proc.pid);
    }
    return rv;
}

apr_status_t
mproc_process_handle(mproc_process_t *process, apr_int64_t *handle)
{
    if (handle == NULL) {
        return mproc__fail(APR_EINVAL, "cannot give the handle of a process: "
                                       "the variable for it is NULL");
    }
    *handle = -1;
    apr_status_t rv = mproc__process_started(process, "give the handle of");
    if (rv == APR_SUCCESS && process->proc.handle == -1) {
        return mproc__fail(APR_ENOTIMPL,
                           "cannot give the handle of %s: this system has "
                           "nothing that becomes ready when a process ends",
                           process->name);
    }
    if (rv == APR_SUCCESS) {
        *handle = process->proc.handle;
    }
    return rv;
}

/* ----------------------------------------------------------------- closing */

apr_status_t
mproc_process_close(mproc_process_t *process)
{
    if (process == NULL) {
        return mproc__fail(APR_EINVAL, "cannot close a process that is NULL");
    }
    int life = atomic_load(&process->life);
    if (process->role != MPROC__CHILD ||
        process->epoch != mproc__peers_epoch()) {
        return mproc__fail(MPROC_ESTATE,
                           "cannot close %s: only the process that created "
                           "it may",
                           process->name);
    }
    if (life == MPROC__CLOSED) {
        return APR_SUCCESS;
    }
    if (life == MPROC__STARTING ||
        (life == MPROC__STARTED && !mproc__process_settle(process))) {
        return mproc__fail(MPROC_ESTATE,
                           "cannot close %s: it runs still; join it, or end "
                           "it first",
                           process->name);
    }
    mproc__notifier_end(&process->notifier);
    mproc__process_unwatch(process);
    mproc__family_lock();
    atomic_store(&process->life, MPROC__CLOSED);
    /* Who has a list with it, or works with its record, may be waiting for it:
     * then it goes with the last of them. */
    if (process->users == 0 && process->owners == 1) {
        mproc__process_release(process);
    }
    mproc__family_unlock();
    if (process->pool == NULL) {
        mproc__process_disown(process);
    }
    return APR_SUCCESS;
}
