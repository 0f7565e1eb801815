/*
 * net_pipe_listen.c: to listen at a named pipe, and to connect to one
 * (net_pipe.c).
 */
#include "net_pipe_own.h"

#include "plat_sys.h"
#include "win32.h"

#include <stdlib.h>
#include <string.h>

#define QUOTA 65536 /* bytes that the system keeps each way */
#define SLICE 100   /* milliseconds of one wait for a free instance */
#define NAME_PREFIX L"\\\\.\\pipe\\"
#define SID_ROOM 128

/* ------------------------------------------------------------------ listen */

/* Rights, and what they consist of. */
typedef struct rights_t {
    SECURITY_DESCRIPTOR descriptor;
    union {
        ACL list;
        char room[sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + SID_ROOM];
    } acl;
} rights_t;

/* For this user alone. */
static apr_status_t
rights_make(rights_t *rights)
{
    union {
        TOKEN_USER user;
        char room[sizeof(TOKEN_USER) + SID_ROOM];
    } token_user;
    DWORD needed;
    HANDLE token;
    BOOL good = OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token);

    if (good) {
        good = GetTokenInformation(token, TokenUser, &token_user,
                                   sizeof token_user, &needed);
        CloseHandle(token);
    }
    return good &&
                   InitializeAcl(&rights->acl.list, sizeof rights->acl,
                                 ACL_REVISION) &&
                   AddAccessAllowedAce(&rights->acl.list, ACL_REVISION,
                                       GENERIC_ALL, token_user.user.User.Sid) &&
                   InitializeSecurityDescriptor(&rights->descriptor,
                                                SECURITY_DESCRIPTOR_REVISION) &&
                   SetSecurityDescriptorDacl(&rights->descriptor, TRUE,
                                             &rights->acl.list, FALSE)
               ? APR_SUCCESS
               : mproc__win32_status(GetLastError());
}

static apr_status_t
instance_make(HANDLE *file, const wchar_t *name, int first)
{
    rights_t rights;
    SECURITY_ATTRIBUTES security = {sizeof security, &rights.descriptor, FALSE};
    apr_status_t rv = rights_make(&rights);
    DWORD error;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *file =
        CreateNamedPipeW(name,
                         PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED |
                             (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
                         PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT |
                             PIPE_REJECT_REMOTE_CLIENTS,
                         PIPE_UNLIMITED_INSTANCES, QUOTA, QUOTA, 0, &security);
    if (*file != INVALID_HANDLE_VALUE) {
        return APR_SUCCESS;
    }
    error = GetLastError();
    return first && (error == ERROR_ACCESS_DENIED || error == ERROR_PIPE_BUSY)
               ? APR_FROM_OS_ERROR(WSAEADDRINUSE)
               : mproc__win32_status(error);
}

/* Wait for a client. */
static void
instance_begin(mproc__pipe_t *pipe, instance_t *one)
{
    memset(&one->overlapped, 0, sizeof one->overlapped);
    one->overlapped.hEvent = pipe->event[0];
    one->state = INSTANCE_WAITS;
    if (!ConnectNamedPipe(one->file, &one->overlapped) &&
        GetLastError() != ERROR_IO_PENDING) {
        one->state = INSTANCE_CONNECTED;
    }
}

/* Whether it has a client; also one that has gone by now: it may have left
 * something. */
static int
instance_look(mproc__pipe_t *pipe, instance_t *one)
{
    DWORD unused;

    if (one->state == INSTANCE_WAITS &&
        HasOverlappedIoCompleted(&one->overlapped)) {
        if (!GetOverlappedResult(one->file, &one->overlapped, &unused, FALSE) &&
            GetLastError() == ERROR_OPERATION_ABORTED) {
            instance_begin(pipe, one); /* The thread that began has ended. */
        }
        else {
            one->state = INSTANCE_CONNECTED;
        }
    }
    return one->state == INSTANCE_CONNECTED;
}

int
mproc__pipe_clients(mproc__pipe_t *pipe)
{
    int i, count = 0;

    /* Before the looks: what comes afterwards sets it again. */
    ResetEvent(pipe->event[0]);
    for (i = 0; i < pipe->instances; i++) {
        count += instance_look(pipe, &pipe->instance[i]);
    }
    if (count > 0 || pipe->ended) {
        SetEvent(pipe->event[0]);
    }
    return count;
}

static apr_status_t
pipe_name(wchar_t **name, const char *text)
{
    const wchar_t *prefix = strncmp(text, "\\\\", 2) == 0 ? L"" : NAME_PREFIX;
    int count =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    size_t begin = wcslen(prefix);

    if (count <= 0) {
        return mproc__win32_status(GetLastError());
    }
    *name = malloc((begin + (size_t)count) * sizeof **name);
    if (*name == NULL) {
        return APR_ENOMEM;
    }
    wcscpy(*name, prefix);
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, *name + begin,
                        count);
    return APR_SUCCESS;
}

static apr_status_t
pipe_listen(mproc__pipe_t *pipe, const char *name, int count)
{
    apr_status_t rv = pipe_name(&pipe->name, name);
    HANDLE file;
    int i;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = instance_make(&file, pipe->name, i == 0);
        if (rv == APR_SUCCESS) {
            pipe->instance[i].file = file;
            instance_begin(pipe, &pipe->instance[i]);
            pipe->instances++;
        }
    }
    (void)mproc__pipe_clients(pipe);
    return pipe->instances > 0 ? APR_SUCCESS : rv; /* Fewer will do. */
}

apr_status_t
mproc_plat_net_pipe_listen(apr_int64_t *handle, const char *name, int backlog)
{
    mproc__pipe_t *pipe = mproc__pipe_new();
    apr_int64_t made;
    apr_status_t rv;

    *handle = -1;
    if (pipe == NULL) {
        return APR_ENOMEM;
    }
    rv = pipe_listen(pipe, name,
                     backlog < MPROC__PIPE_INSTANCES ? backlog
                                                     : MPROC__PIPE_INSTANCES);
    /* Also when that failed: to be closed. */
    if (mproc__pipe_enter(&made, pipe) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    if (rv != APR_SUCCESS) {
        mproc__pipe_close(made);
        return rv;
    }
    *handle = made;
    return APR_SUCCESS;
}

/* A stream of what is connected; takes it over. */
static apr_status_t
stream_make(apr_int64_t *handle, HANDLE file)
{
    mproc__pipe_t *pipe = mproc__pipe_new();
    DWORD in = 0, out = 0;

    *handle = -1;
    if (pipe == NULL) {
        CloseHandle(file);
        return APR_ENOMEM;
    }
    pipe->file = file;
    if (GetNamedPipeInfo(file, NULL, &out, &in, NULL)) {
        pipe->quota = in < out ? in : out;
    }
    mproc__pipe_receive_begin(pipe);
    return mproc__pipe_enter(handle, pipe);
}

/* A client's instance is replaced first: there is always one that has the
 * name. */
apr_status_t
mproc__pipe_listener_accept(mproc__pipe_t *pipe, apr_int64_t *handle)
{
    instance_t *one = pipe->instance;
    HANDLE file, next;
    apr_status_t rv;

    if (pipe->ended) {
        return APR_EINVAL;
    }
    if (mproc__pipe_clients(pipe) == 0) {
        return APR_EAGAIN;
    }
    while (one->state != INSTANCE_CONNECTED) {
        one++;
    }
    rv = instance_make(&next, pipe->name, 0);
    if (rv == APR_SUCCESS) {
        file = one->file;
        one->file = next;
        instance_begin(pipe, one);
        (void)mproc__pipe_clients(pipe);
        rv = stream_make(handle, file);
    }
    return rv;
}

/* ----------------------------------------------------------------- connect */

apr_status_t
mproc_plat_net_pipe_connect(apr_int64_t *handle, const char *name,
                            apr_time_t deadline)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    wchar_t *wide;
    apr_status_t rv = pipe_name(&wide, name);
    HANDLE file = INVALID_HANDLE_VALUE;

    *handle = -1;
    while (rv == APR_SUCCESS && file == INVALID_HANDLE_VALUE) {
        DWORD error;
        /* The other side may know who we are, but not act as us. */
        file = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL,
                           OPEN_EXISTING,
                           FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT |
                               SECURITY_IDENTIFICATION,
                           NULL);
        error = file == INVALID_HANDLE_VALUE ? GetLastError() : 0;
        if (error == ERROR_PIPE_BUSY && mproc_plat_clock() < deadline) {
            DWORD left = mproc__win32_until(deadline, SLICE);
            (void)WaitNamedPipeW(wide, left > 0 ? left : 1);
        }
        else if (error != 0) {
            rv = error == ERROR_PIPE_BUSY ? APR_TIMEUP
                                          : mproc__win32_status(error);
        }
    }
    if (rv == APR_SUCCESS &&
        !SetNamedPipeHandleState(file, &mode, NULL, NULL)) {
        rv = mproc__win32_status(GetLastError());
        CloseHandle(file);
    }
    free(wide);
    return rv == APR_SUCCESS ? stream_make(handle, file) : rv;
}
