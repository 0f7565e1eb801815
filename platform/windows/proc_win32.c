/*
 * proc_win32.c: processes, by their handles.
 *
 * The hard thing: a handle keeps its process object, and with it the pid, so
 * that nothing here can hit a stranger; but there is no signal, only an end.
 */
#include "plat_proc.h"

#include "plat_sys.h"
#include "launch_win32.h"

#include <apr_portable.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <io.h>

/* The longest single sleep that is not for ever. */
#define SLICE_MS 0x7fffffff

/* As a process that is told to terminate ends elsewhere. */
#define SIGNAL_TERMINATE 15

int
mproc_plat_proc_can_fork(void)
{
    return 0;
}

apr_status_t
mproc_plat_proc_fork(mproc_plat_proc_t *proc, apr_pool_t *pool)
{
    (void)pool;
    proc->pid = 0;
    proc->handle = -1;
    proc->child = 0;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_proc_spawn(mproc_plat_proc_t *proc, const mproc_plat_spawn_t *spawn,
                      apr_pool_t *pool)
{
    PROCESS_INFORMATION made;
    apr_pool_t *scratch;
    apr_status_t rv;

    proc->pid = 0;
    proc->handle = -1;
    proc->child = 0;
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__win32_launch(&made, spawn, scratch);
    if (rv == APR_SUCCESS) {
        CloseHandle(made.hThread);
        proc->pid = made.dwProcessId;
        proc->handle = number_of(made.hProcess);
        proc->child = 1;
    }
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t
mproc_plat_proc_self(mproc_plat_proc_t *self)
{
    static _Atomic apr_int64_t known; /* 0: not made yet */
    apr_int64_t first = 0;

    self->pid = GetCurrentProcessId();
    self->handle = atomic_load(&known);
    self->child = 0;
    if (self->handle == 0) {
        HANDLE made;
        if (!DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(),
                             GetCurrentProcess(), &made, SYNCHRONIZE, FALSE,
                             0)) {
            self->handle = -1;
            return mproc__win32_status(GetLastError());
        }
        self->handle = number_of(made);
        if (!atomic_compare_exchange_strong(&known, &first, self->handle)) {
            /* Another thread was faster. */
            CloseHandle(made);
            self->handle = first;
        }
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_proc_adopt(mproc_plat_proc_t *parent, apr_int64_t pid,
                      apr_int64_t handle)
{
    parent->pid = pid;
    parent->handle = -1;
    parent->child = 0;
    if (handle == -1) {
        return APR_EINVAL;
    }
    if (!SetHandleInformation(handle_of(handle), HANDLE_FLAG_INHERIT, 0)) {
        return mproc__win32_status(GetLastError());
    }
    parent->handle = handle;
    return APR_SUCCESS;
}

/* Tell how it ended. */
static apr_status_t
exit_read(const mproc_plat_proc_t *proc, mproc_plat_exit_t *exit)
{
    DWORD code;

    memset(exit, 0, sizeof *exit);
    if (!proc->child) {
        return APR_SUCCESS;
    }
    if (!GetExitCodeProcess(handle_of(proc->handle), &code)) {
        return mproc__win32_status(GetLastError());
    }
    exit->known = 1;
    if (code == MPROC__WIN32_TERMINATED) {
        exit->code = -SIGNAL_TERMINATE;
        exit->signal = SIGNAL_TERMINATE;
    }
    else {
        exit->code = (int)code;
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_proc_wait(mproc_plat_proc_t *proc, apr_time_t deadline,
                     mproc_plat_exit_t *exit)
{
    apr_status_t rv = mproc_plat_proc_look(proc, deadline);

    return rv == APR_SUCCESS ? exit_read(proc, exit) : rv;
}

apr_status_t
mproc_plat_proc_look(const mproc_plat_proc_t *proc, apr_time_t deadline)
{
    if (proc->handle == -1) {
        return APR_EINVAL;
    }
    for (;;) {
        DWORD slice = mproc__win32_until(deadline, SLICE_MS);
        DWORD seen = WaitForSingleObject(handle_of(proc->handle), slice);
        if (seen == WAIT_OBJECT_0) {
            return APR_SUCCESS;
        }
        if (seen == WAIT_FAILED) {
            return mproc__win32_status(GetLastError());
        }
        if (slice == 0) {
            return APR_TIMEUP;
        }
    }
}

/* Whether it has ended, or is past the point where it could be stopped. */
static int
process_ending(HANDLE process)
{
    DWORD code;

    return WaitForSingleObject(process, 0) == WAIT_OBJECT_0 ||
           (GetExitCodeProcess(process, &code) && code != STILL_ACTIVE);
}

apr_status_t
mproc_plat_proc_signal(mproc_plat_proc_t *proc, mproc_plat_signal_e what)
{
    HANDLE process = handle_of(proc->handle);
    HANDLE opened = NULL;
    apr_status_t rv = APR_SUCCESS;

    /* To the system, -1 is the calling process. */
    if (proc->handle == -1) {
        return APR_EINVAL;
    }
    if (process_ending(process)) {
        return APR_SUCCESS;
    }
    if (what == MPROC_PLAT_INTERRUPT) {
        return APR_ENOTIMPL;
    }
    if (!proc->child) {
        /* Ours shows no more than the end; while it is open the pid stays. */
        opened = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)proc->pid);
        if (opened == NULL) {
            return mproc__win32_status(GetLastError());
        }
    }
    if (!TerminateProcess(opened != NULL ? opened : process,
                          MPROC__WIN32_TERMINATED)) {
        DWORD error = GetLastError();
        if (!process_ending(process)) {
            rv = mproc__win32_status(error);
        }
    }
    if (opened != NULL) {
        CloseHandle(opened);
    }
    return rv;
}

/* There is no such state: threads can be suspended, by a debugger or its like,
 * and nobody but who suspends one once more is told. */
int
mproc_plat_proc_is_stopped(const mproc_plat_proc_t *proc)
{
    (void)proc;
    return 0;
}

void
mproc_plat_proc_release(mproc_plat_proc_t *proc)
{
    if (proc->handle != -1) {
        if (WaitForSingleObject(handle_of(proc->handle), 0) == WAIT_OBJECT_0) {
            mproc__win32_park_forget(proc->pid);
        }
        CloseHandle(handle_of(proc->handle));
        proc->handle = -1;
    }
}

/* Give the C runtime's stream and the system's another handle, which they
 * own from then on. */
static apr_status_t
stream_set(int which, HANDLE handle)
{
    static const DWORD standard[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
                                     STD_ERROR_HANDLE};
    FILE *const files[] = {stdin, stdout, stderr};
    int to, mode, from, failed;

    /* Without a console there may be no stream behind the FILE yet. */
    if (_fileno(files[which]) < 0 &&
        freopen("NUL", which == 0 ? "r" : "w", files[which]) == NULL) {
        CloseHandle(handle);
        return APR_FROM_OS_ERROR(ERROR_INVALID_HANDLE);
    }
    fflush(files[which]);
    to = _fileno(files[which]);
    mode = _setmode(to, _O_BINARY);
    _setmode(to, mode);
    from =
        _open_osfhandle((intptr_t)handle,
                        mode != -1 && (mode & _O_BINARY) ? _O_BINARY : _O_TEXT);
    if (from < 0) {
        CloseHandle(handle);
        return errno;
    }
    failed = _dup2(from, to);
    _close(from);
    if (failed || !SetStdHandle(standard[which], (HANDLE)_get_osfhandle(to))) {
        return failed ? errno : mproc__win32_status(GetLastError());
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_proc_streams(apr_file_t *const stream[3], apr_pool_t *pool)
{
    int i;

    (void)pool;
    for (i = 0; i < 3; i++) {
        HANDLE source, handle;
        apr_status_t rv = APR_SUCCESS;
        if (stream[i] == NULL && i != 0) {
            continue;
        }
        if (stream[i] == NULL) {
            rv = mproc__win32_null(&handle);
        }
        else {
            rv = apr_os_file_get(&source, stream[i]);
            if (rv == APR_SUCCESS &&
                !DuplicateHandle(GetCurrentProcess(), source,
                                 GetCurrentProcess(), &handle, 0, TRUE,
                                 DUPLICATE_SAME_ACCESS)) {
                rv = mproc__win32_status(GetLastError());
            }
        }
        if (rv == APR_SUCCESS) {
            rv = stream_set(i, handle);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

void
mproc_plat_proc_die(void)
{
    TerminateProcess(GetCurrentProcess(), MPROC__WIN32_TERMINATED);
}
