/*
 * launch_win32.c: CreateProcess, told exactly what the child gets.
 *
 * The hard thing: handles. The child gets those in a list, but each has to be
 * inheritable too, and keep its number. So they are inheritable only during
 * the call, under a lock: our own calls hand over nothing else, as they have
 * lists; another's call can still catch one in that moment.
 *
 * Children are born into the job of this process, so that there is no moment
 * in which its end would leave one behind.
 */
#include "launch_win32.h"

#include <apr_portable.h>

/* How often to try a start that fails without an error. */
#define TRIES 3

/* What CreateProcess is given. */
typedef struct launch_t {
    wchar_t *program;
    wchar_t *line;
    wchar_t *environment;
    wchar_t *directory;
    HANDLE stream[3]; /* copies for the child; NULL: none */
    HANDLE *list;     /* all that it gets, each once; the copies first */
    DWORD *former;    /* the flags of each */
    int count;
    HANDLE job; /* NULL: none */
} launch_t;

static HANDLE job_handle;

static BOOL CALLBACK
job_ready(PINIT_ONCE once, void *unused, void **nothing)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};

    (void)once;
    (void)unused;
    (void)nothing;
    /* A crash is an end, not a box on the screen that waits. */
    limits.BasicLimitInformation.LimitFlags =
        JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK |
        JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    job_handle = CreateJobObjectW(NULL, NULL);
    if (job_handle != NULL &&
        !SetInformationJobObject(job_handle, JobObjectExtendedLimitInformation,
                                 &limits, sizeof limits)) {
        CloseHandle(job_handle);
        job_handle = NULL;
    }
    return TRUE;
}

/* The job that ends with this process: its handle is never closed and never
 * given away. NULL where there can be none. */
static HANDLE
job_get(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

    InitOnceExecuteOnce(&once, job_ready, NULL, NULL);
    return job_handle;
}

apr_status_t
mproc__win32_null(HANDLE *null)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};

    *null =
        CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE,
                    &inherited, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (*null == INVALID_HANDLE_VALUE) {
        *null = NULL;
        return mproc__win32_status(GetLastError());
    }
    return APR_SUCCESS;
}

/* Turn what is asked for into the system's words. */
static apr_status_t
launch_words(launch_t *launch, const mproc_plat_spawn_t *spawn,
             apr_pool_t *pool)
{
    apr_status_t rv;

    rv = spawn->program == NULL
             ? mproc__win32_module_path(&launch->program, NULL, pool)
             : mproc__win32_path(&launch->program, spawn->program, pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__win32_command_line(&launch->line, spawn->argv, pool);
    }
    if (rv == APR_SUCCESS && spawn->environment != NULL) {
        rv = mproc__win32_environment(&launch->environment, spawn->environment,
                                      pool);
    }
    if (rv == APR_SUCCESS && spawn->directory != NULL) {
        rv = mproc__win32_path(&launch->directory, spawn->directory, pool);
    }
    return rv;
}

/* Make one stream for the child. */
static apr_status_t
stream_make(HANDLE *made, apr_file_t *file, int which)
{
    static const DWORD standard[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
                                     STD_ERROR_HANDLE};
    HANDLE source;

    *made = NULL;
    if (file == NULL && which == 0) {
        return mproc__win32_null(made);
    }
    if (file == NULL) {
        source = GetStdHandle(standard[which]);
    }
    else {
        apr_status_t rv = apr_os_file_get(&source, file);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (!DuplicateHandle(GetCurrentProcess(), source, GetCurrentProcess(), made,
                         0, TRUE, DUPLICATE_SAME_ACCESS)) {
        *made = NULL;
        /* A program without a window or file to write to has no stream. */
        return file == NULL ? APR_SUCCESS : mproc__win32_status(GetLastError());
    }
    return APR_SUCCESS;
}

/* Make the streams, and list all that the child gets. */
static apr_status_t
launch_handles(launch_t *launch, const mproc_plat_spawn_t *spawn,
               apr_pool_t *pool)
{
    int most = 3 + spawn->inherit_count;
    apr_status_t rv;
    int i, j;

    launch->list = apr_pcalloc(pool, most * sizeof *launch->list);
    launch->former = apr_pcalloc(pool, most * sizeof *launch->former);
    if (launch->list == NULL || launch->former == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0; i < 3; i++) {
        rv = stream_make(&launch->stream[i], spawn->stream[i], i);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (launch->stream[i] != NULL) {
            launch->list[launch->count++] = launch->stream[i];
        }
    }
    for (i = 0; i < spawn->inherit_count; i++) {
        HANDLE handle = handle_of(spawn->inherit[i]);
        if (handle == INVALID_HANDLE_VALUE) {
            return APR_EINVAL;
        }
        for (j = 0; j < launch->count && launch->list[j] != handle; j++) {
        }
        if (j == launch->count) {
            launch->list[launch->count++] = handle;
        }
    }
    return APR_SUCCESS;
}

/* Close the copies. */
static void
launch_close(launch_t *launch)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (launch->stream[i] != NULL) {
            CloseHandle(launch->stream[i]);
        }
    }
}

/* Make the first `count` handles inheritable, or as they were. */
static void
handles_restore(const launch_t *launch, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        SetHandleInformation(launch->list[i], HANDLE_FLAG_INHERIT,
                             launch->former[i] & HANDLE_FLAG_INHERIT);
    }
}

static apr_status_t
handles_open(launch_t *launch)
{
    int i;

    for (i = 0; i < launch->count; i++) {
        if (!GetHandleInformation(launch->list[i], &launch->former[i]) ||
            !SetHandleInformation(launch->list[i], HANDLE_FLAG_INHERIT,
                                  HANDLE_FLAG_INHERIT)) {
            DWORD error = GetLastError();
            handles_restore(launch, i);
            return mproc__win32_status(error);
        }
    }
    return APR_SUCCESS;
}

/* Put the list of handles, and the job, where CreateProcess reads them. */
static apr_status_t
attributes_make(LPPROC_THREAD_ATTRIBUTE_LIST *attributes, launch_t *launch,
                apr_pool_t *pool)
{
    SIZE_T size = 0;
    LPPROC_THREAD_ATTRIBUTE_LIST made;

    InitializeProcThreadAttributeList(NULL, 2, 0, &size);
    made = apr_palloc(pool, size);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    if (!InitializeProcThreadAttributeList(made, 2, 0, &size)) {
        return mproc__win32_status(GetLastError());
    }
    if ((launch->count > 0 &&
         !UpdateProcThreadAttribute(
             made, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, launch->list,
             launch->count * sizeof *launch->list, NULL, NULL)) ||
        (launch->job != NULL &&
         !UpdateProcThreadAttribute(made, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST,
                                    &launch->job, sizeof launch->job, NULL,
                                    NULL))) {
        DWORD error = GetLastError();
        DeleteProcThreadAttributeList(made);
        return mproc__win32_status(error);
    }
    *attributes = made;
    return APR_SUCCESS;
}

/* Call CreateProcess. */
static apr_status_t
launch_try(PROCESS_INFORMATION *made, launch_t *launch, DWORD flags,
           apr_pool_t *pool)
{
    STARTUPINFOEXW info = {0};
    apr_status_t rv;
    int tries = 0;
    BOOL done;

    rv = attributes_make(&info.lpAttributeList, launch, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    info.StartupInfo.cb = sizeof info;
    info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    info.StartupInfo.hStdInput = launch->stream[0];
    info.StartupInfo.hStdOutput = launch->stream[1];
    info.StartupInfo.hStdError = launch->stream[2];
    flags |= EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
    /* Seen under Wine: once in thousands no process, and no error either. */
    do {
        SetLastError(ERROR_SUCCESS);
        done = CreateProcessW(launch->program, launch->line, NULL, NULL,
                              launch->count > 0, flags, launch->environment,
                              launch->directory, &info.StartupInfo, made);
    } while (!done && GetLastError() == ERROR_SUCCESS && ++tries < TRIES);
    if (!done) {
        rv = mproc__win32_status(GetLastError());
    }
    DeleteProcThreadAttributeList(info.lpAttributeList);
    return rv;
}

/* Try with the job, or out of all jobs; where a job that is not ours refuses
 * that, as it comes: then the child's own look at its parent must do. */
static apr_status_t
launch_start(PROCESS_INFORMATION *made, launch_t *launch, int detached,
             apr_pool_t *pool)
{
    /* No console here: none for the child, else it gets a window of its own. */
    DWORD flags = GetConsoleCP() == 0 ? DETACHED_PROCESS : 0;
    apr_status_t rv;

    launch->job = detached ? NULL : job_get();
    rv = launch_try(made, launch,
                    flags | (detached ? CREATE_BREAKAWAY_FROM_JOB : 0), pool);
    if (APR_STATUS_IS_EACCES(rv) ||
        rv == APR_FROM_OS_ERROR(ERROR_NOT_SUPPORTED)) {
        launch->job = NULL;
        rv = launch_try(made, launch, flags, pool);
    }
    return rv;
}

apr_status_t
mproc__win32_launch(PROCESS_INFORMATION *made, const mproc_plat_spawn_t *spawn,
                    apr_pool_t *pool)
{
    static SRWLOCK lock = SRWLOCK_INIT;
    launch_t launch = {0};
    apr_status_t rv;

    rv = launch_words(&launch, spawn, pool);
    if (rv == APR_SUCCESS) {
        rv = launch_handles(&launch, spawn, pool);
    }
    if (rv == APR_SUCCESS) {
        AcquireSRWLockExclusive(&lock);
        rv = handles_open(&launch);
        if (rv == APR_SUCCESS) {
            rv = launch_start(made, &launch, spawn->detached, pool);
            handles_restore(&launch, launch.count);
        }
        ReleaseSRWLockExclusive(&lock);
    }
    launch_close(&launch);
    return rv;
}
