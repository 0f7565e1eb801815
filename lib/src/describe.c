/*
 * describe.c: what a process object tells of itself, and what may be
 * changed before the start.
 */
#include "family.h"

#include <signal.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "hmac.h"

#define NAME_LIMIT (MPROC__NAME_SIZE - 1)

typedef struct signal_name_t {
    int number;
    const char *name;
} signal_name_t;

static const signal_name_t signal_names[] = {
    {SIGINT, "SIGINT"},   {SIGTERM, "SIGTERM"}, {SIGABRT, "SIGABRT"},
    {SIGSEGV, "SIGSEGV"}, {SIGFPE, "SIGFPE"},   {SIGILL, "SIGILL"},
#ifdef SIGKILL
    {SIGKILL, "SIGKILL"},
#endif
#ifdef SIGHUP
    {SIGHUP, "SIGHUP"},
#endif
#ifdef SIGQUIT
    {SIGQUIT, "SIGQUIT"},
#endif
#ifdef SIGBUS
    {SIGBUS, "SIGBUS"},
#endif
#ifdef SIGPIPE
    {SIGPIPE, "SIGPIPE"},
#endif
#ifdef SIGALRM
    {SIGALRM, "SIGALRM"},
#endif
#ifdef SIGUSR1
    {SIGUSR1, "SIGUSR1"},
#endif
#ifdef SIGUSR2
    {SIGUSR2, "SIGUSR2"},
#endif
};

const char *
mproc_process_name(mproc_process_t *process)
{
    return process != NULL ? process->name : "";
}

apr_status_t
mproc_process_set_name(mproc_process_t *process, const char *name)
{
    if (process == NULL || name == NULL) {
        return mproc__fail(APR_EINVAL, "cannot name a process: the %s is NULL",
                           process == NULL ? "process" : "name");
    }
    if (strlen(name) > NAME_LIMIT) {
        return mproc__fail(APR_EINVAL,
                           "cannot name %s otherwise: the name has %lu bytes, "
                           "and may have %d",
                           process->name, (unsigned long)strlen(name),
                           NAME_LIMIT);
    }
    apr_cpystrn(process->name, name, sizeof process->name);
    return APR_SUCCESS;
}

apr_int64_t
mproc_process_pid(mproc_process_t *process)
{
    if (process == NULL) {
        return 0;
    }
    if (process->role == MPROC__SELF) {
        return mproc_plat_pid();
    }
    int life = atomic_load(&process->life);
    return life == MPROC__STARTED || life == MPROC__SETTLED ? process->proc.pid
                                                            : 0;
}

apr_int64_t
mproc_process_parent_pid(mproc_process_t *process)
{
    return process != NULL ? process->parent_pid : 0;
}

int
mproc_process_daemon(mproc_process_t *process)
{
    return process != NULL && process->daemon;
}

/* What can be changed only before the start. */
static apr_status_t
process_changeable(const mproc_process_t *process, const char *what)
{
    if (process == NULL) {
        return mproc__fail(
            APR_EINVAL, "cannot change the %s of a process that is NULL", what);
    }
    if (process->role != MPROC__CHILD ||
        process->epoch != mproc__peers_epoch() ||
        atomic_load(&process->life) != MPROC__CREATED) {
        return mproc__fail(MPROC_ESTATE,
                           "cannot change the %s of %s: only its creator may, "
                           "and before the start",
                           what, process->name);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_process_set_daemon(mproc_process_t *process, int daemon)
{
    apr_status_t rv = process_changeable(process, "daemon flag");

    if (rv == APR_SUCCESS) {
        process->daemon = daemon != 0;
    }
    return rv;
}

mproc_bytes_t
mproc_process_authkey(mproc_process_t *process)
{
    mproc_bytes_t key = {NULL, 0};

    if (process != NULL && process->role == MPROC__SELF) {
        (void)mproc__family_key();
    }
    if (process != NULL && process->key_size > 0) {
        key.data = process->key;
        key.size = process->key_size;
    }
    return key;
}

apr_status_t
mproc_process_set_authkey(mproc_process_t *process, mproc_bytes_t key)
{
    if (key.data == NULL || key.size == 0 || key.size > MPROC__KEY_SIZE) {
        return mproc__fail(APR_EINVAL,
                           "cannot change the key of a process: the new one "
                           "has %lu bytes, and must have 1 to %d",
                           (unsigned long)key.size, MPROC__KEY_SIZE);
    }
    if (process == NULL || process->role != MPROC__SELF) {
        apr_status_t rv = process_changeable(process, "key");
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    mproc__family_lock();
    if (key.data != process->key) {
        mproc__hmac_wipe(process->key, sizeof process->key);
        memcpy(process->key, key.data, key.size);
    }
    process->key_size = key.size;
    mproc__family_unlock();
    return APR_SUCCESS;
}

/* -------------------------------------------------------------- description */

static const char *
process_state(mproc_process_t *process)
{
    if (process->role == MPROC__SELF) {
        return "started";
    }
    if (process->role == MPROC__PARENT) {
        return mproc_process_is_alive(process) ? "started" : "stopped";
    }
    if (process->epoch != mproc__peers_epoch()) {
        return "unknown";
    }
    switch (atomic_load(&process->life)) {
    case MPROC__CREATED:
    case MPROC__STARTING:
        return "initial";
    case MPROC__CLOSED:
        return "closed";
    default:
        return mproc_process_is_alive(process) ? "started" : "stopped";
    }
}

static const char *
exit_text(const mproc_plat_exit_t *exit, apr_pool_t *pool)
{
    if (!exit->known) {
        return " exitcode=unknown";
    }
    if (exit->signal == 0) {
        return apr_psprintf(pool, " exitcode=%d", exit->code);
    }
    for (size_t i = 0; i < sizeof signal_names / sizeof *signal_names; i++) {
        if (signal_names[i].number == exit->signal) {
            return apr_pstrcat(pool, " exitcode=-", signal_names[i].name, NULL);
        }
    }
    return apr_psprintf(pool, " exitcode=-%d", exit->signal);
}

const char *
mproc_process_describe(mproc_process_t *process, apr_pool_t *pool)
{
    if (process == NULL || pool == NULL) {
        return "<no process>";
    }
    const char *state = process_state(process);
    apr_int64_t pid = mproc_process_pid(process);
    const char *text = apr_pstrcat(pool, "<", process->name, NULL);
    if (pid != 0) {
        text = apr_psprintf(pool, "%s pid=%ld", text, (long)pid);
    }
    if (process->parent_pid != 0) {
        text = apr_psprintf(pool, "%s parent=%ld", text,
                            (long)process->parent_pid);
    }
    text = apr_pstrcat(pool, text, " ", state, NULL);
    if (process->role == MPROC__CHILD &&
        atomic_load(&process->life) == MPROC__SETTLED) {
        text = apr_pstrcat(pool, text, exit_text(&process->exit, pool), NULL);
    }
    if (process->failure[0] != '\0') {
        text = apr_pstrcat(pool, text, " failure=\"", process->failure, "\"",
                           NULL);
    }
    return apr_pstrcat(pool, text, process->daemon ? " daemon>" : ">", NULL);
}
