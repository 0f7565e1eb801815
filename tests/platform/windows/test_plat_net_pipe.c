/*
 * test_plat_net_pipe.c: named pipes of plat_net.h with the system's own calls
 * at the other side, as CPython's multiprocessing makes them.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <aclapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat_net.h"
#include "plat_sys.h"
#include "test.h"

#define BUFSIZE 8192 /* CPython's */
#define LONG 20000

static apr_time_t
soon(void)
{
    return mproc_plat_clock() + test_deadline();
}

static const char *
name_make(wchar_t path[80], const char *name)
{
    static char text[40];
    snprintf(text, sizeof text, "mproc-%s-%lu", name, GetCurrentProcessId());
    swprintf(path, 80, L"\\\\.\\pipe\\%hs", text);
    return text;
}

/* What CPython's PipeClient does. */
static HANDLE
raw_connect(const wchar_t *path)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    HANDLE raw = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL,
                             OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    REQUIRE(raw != INVALID_HANDLE_VALUE);
    REQUIRE(SetNamedPipeHandleState(raw, &mode, NULL, NULL));
    return raw;
}

/* Wait for an operation; the bytes that it moved. */
static DWORD
raw_finish(HANDLE raw, OVERLAPPED *overlapped, BOOL good)
{
    DWORD count = 0, error = good ? 0 : GetLastError();
    REQUIRE(good || error == ERROR_IO_PENDING || error == ERROR_MORE_DATA);
    CHECK(GetOverlappedResult(raw, overlapped, &count, TRUE));
    CloseHandle(overlapped->hEvent);
    return count;
}

static DWORD
raw_read(HANDLE raw, void *data, DWORD size)
{
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    return raw_finish(raw, &overlapped,
                      ReadFile(raw, data, size, NULL, &overlapped));
}

static void
raw_write(HANDLE raw, const void *data, DWORD size)
{
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    CHECK_INT(size, raw_finish(raw, &overlapped,
                               WriteFile(raw, data, size, NULL, &overlapped)));
}

static void
receive(apr_int64_t handle, unsigned char *data, apr_size_t size)
{
    apr_size_t done = 0, count;
    apr_status_t rv = APR_SUCCESS;
    while (done < size && (rv == APR_SUCCESS || rv == APR_EAGAIN)) {
        mproc_plat_net_item_t item = {handle, 0, 0};
        REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, soon()));
        count = size - done;
        rv = mproc_plat_net_recv(handle, data + done, &count);
        done += count;
    }
    CHECK_INT(size, done);
}

static apr_int64_t
accept_one(apr_int64_t listener)
{
    mproc_plat_net_item_t item = {listener, 0, 0};
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t handle;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, soon()));
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_accept(listener, &handle, peer));
    CHECK_TEXT("", peer);
    return handle;
}

/* What goes through a handle has heads, what goes through the pipe has none. */
static void
talk(apr_int64_t handle, HANDLE raw)
{
    unsigned char got[64];
    apr_size_t sent, count = 1;
    CHECK_STATUS(APR_EAGAIN, mproc_plat_net_recv(handle, got, &count));
    raw_write(raw, "hello", 5);
    raw_write(raw, "", 0);
    receive(handle, got, 9 + 4);
    CHECK(memcmp(got, "\0\0\0\5hello\0\0\0\0", 13) == 0);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(handle, "\0\0\0\2", 4, "hi", 2, &sent));
    CHECK_INT(6, sent);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(handle, "\0\0\0\0", 4, NULL, 0, &sent));
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(handle, "\0\0\0\3abc", 7, NULL, 0, &sent));
    CHECK_INT(2, raw_read(raw, got, sizeof got));
    CHECK(memcmp(got, "hi", 2) == 0);
    CHECK_INT(0, raw_read(raw, got, sizeof got));
    CHECK_INT(3, raw_read(raw, got, sizeof got));
    CHECK(memcmp(got, "abc", 3) == 0);
    CHECK_STATUS(APR_EINVAL,
                 mproc_plat_net_send(handle, "\0\0", 2, NULL, 0, &sent));
}

static void
case_python_connects(apr_pool_t *pool)
{
    wchar_t path[80];
    const char *name = name_make(path, "connects");
    static unsigned char data[LONG], got[LONG + 4];
    apr_int64_t listener, handle;
    HANDLE raw;
    int i;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pipe_listen(&listener, name, 5));
    raw = raw_connect(path);
    handle = accept_one(listener);
    talk(handle, raw);
    for (i = 0; i < LONG; i++) {
        data[i] = (unsigned char)(i * 7);
    }
    raw_write(raw, data, LONG);
    raw_write(raw, data, 1);
    receive(handle, got, LONG + 4);
    CHECK(memcmp(got, "\0\0\x4e\x20", 4) == 0);
    CHECK(memcmp(got + 4, data, LONG) == 0);
    receive(handle, got, 5);
    CloseHandle(raw);
    mproc_plat_net_close(handle);
    /* One that connects, writes and leaves before it is accepted (L7). */
    raw = raw_connect(path);
    raw_write(raw, "bye", 3);
    CloseHandle(raw);
    handle = accept_one(listener);
    {
        apr_size_t count = 1;
        receive(handle, got, 7);
        CHECK(memcmp(got, "\0\0\0\3bye", 7) == 0);
        CHECK_STATUS(APR_EOF, mproc_plat_net_recv(handle, got, &count));
    }
    mproc_plat_net_close(handle);
    mproc_plat_net_close(listener);
    mproc_plat_net_close(listener);
}

/* What CPython's PipeListener does. */
static void
case_python_listens(apr_pool_t *pool)
{
    wchar_t path[80];
    const char *name = name_make(path, "listens");
    unsigned char *big = calloc(1, LONG + 4), *got = malloc(LONG);
    apr_int64_t handle;
    apr_size_t sent;
    HANDLE raw;
    (void)pool;
    CHECK(APR_STATUS_IS_ENOENT(
        mproc_plat_net_pipe_connect(&handle, name, soon())));
    CHECK_INT(-1, handle);
    raw = CreateNamedPipeW(
        path,
        PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED |
            FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT,
        PIPE_UNLIMITED_INSTANCES, BUFSIZE, BUFSIZE, NMPWAIT_WAIT_FOREVER, NULL);
    REQUIRE(raw != INVALID_HANDLE_VALUE);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_plat_net_pipe_connect(&handle, name, soon()));
    talk(handle, raw);
    /* More than fits: it is offered until it was read. */
    big[2] = LONG >> 8;
    big[3] = LONG & 0xff;
    CHECK_STATUS(APR_EAGAIN,
                 mproc_plat_net_send(handle, big, 4, big + 4, LONG, &sent));
    CHECK_INT(0, sent);
    CHECK_INT(LONG, raw_read(raw, got, LONG));
    {
        mproc_plat_net_item_t item = {handle, 1, 0};
        CHECK_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, soon()));
    }
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(handle, big, 4, big + 4, LONG, &sent));
    CHECK_INT(LONG + 4, sent);
    CloseHandle(raw);
    mproc_plat_net_close(handle);
    free(big);
    free(got);
}

/* For this user alone. */
static void
case_rights(apr_pool_t *pool)
{
    wchar_t path[80];
    const char *name = name_make(path, "rights");
    PSECURITY_DESCRIPTOR descriptor;
    ACL_SIZE_INFORMATION size = {0};
    apr_int64_t listener;
    ACL *acl = NULL;
    HANDLE raw;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pipe_listen(&listener, name, 5));
    raw = raw_connect(path);
    if (GetSecurityInfo(raw, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL,
                        NULL, &acl, NULL, &descriptor) == ERROR_SUCCESS &&
        acl != NULL) {
        CHECK(GetAclInformation(acl, &size, sizeof size, AclSizeInformation));
        CHECK_INT(1, size.AceCount);
    }
    CloseHandle(raw);
    mproc_plat_net_close(listener);
    if (acl == NULL) {
        test_skip("the rights of a pipe cannot be read under Wine");
    }
    LocalFree(descriptor);
}

typedef struct connector_t {
    const char *name;
    apr_int64_t listener, handle;
} connector_t;

static DWORD WINAPI
connector_run(void *baton)
{
    connector_t *connector = baton;
    (void)mproc_plat_net_pipe_connect(&connector->handle, connector->name,
                                      soon());
    return 0;
}

static DWORD WINAPI
listener_run(void *baton)
{
    connector_t *connector = baton;
    (void)mproc_plat_net_pipe_listen(&connector->listener, connector->name, 5);
    return 0;
}

static void
thread_run(LPTHREAD_START_ROUTINE run, void *baton)
{
    HANDLE thread = CreateThread(NULL, 0, run, baton, 0, NULL);
    REQUIRE(thread != NULL);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

/* The system ends what a thread had begun with the thread. */
static void
case_threads_end(apr_pool_t *pool)
{
    wchar_t path[80];
    connector_t connector = {name_make(path, "threads"), -1, -1};
    unsigned char got[8];
    apr_int64_t here;
    apr_size_t sent;
    (void)pool;
    thread_run(listener_run, &connector);
    REQUIRE(connector.listener != -1);
    thread_run(connector_run, &connector);
    REQUIRE(connector.handle != -1);
    here = accept_one(connector.listener);
    CHECK_STATUS(APR_SUCCESS,
                 mproc_plat_net_send(here, "\0\0\0\2hi", 6, NULL, 0, &sent));
    receive(connector.handle, got, 6);
    CHECK(memcmp(got, "\0\0\0\2hi", 6) == 0);
    mproc_plat_net_close(here);
    mproc_plat_net_close(connector.handle);
    mproc_plat_net_close(connector.listener);
}

/* A handle that was closed names nothing, also when there are others. */
static void
case_old_handles(apr_pool_t *pool)
{
    wchar_t path[80];
    const char *name = name_make(path, "old");
    mproc_plat_net_item_t item = {0, 0, 0};
    apr_int64_t old, listener;
    char peer[MPROC_PLAT_NET_TEXT];
    apr_int64_t handle;
    (void)pool;
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pipe_listen(&old, name, 5));
    mproc_plat_net_close(old);
    REQUIRE_STATUS(APR_SUCCESS, mproc_plat_net_pipe_listen(&listener, name, 5));
    CHECK(old != listener);
    CHECK_STATUS(APR_EBADF, mproc_plat_net_accept(old, &handle, peer));
    item.handle = old;
    CHECK_STATUS(APR_SUCCESS, mproc_plat_net_wait(&item, 1, 0));
    mproc_plat_net_close(old);
    item.handle = listener;
    CHECK_STATUS(APR_TIMEUP, mproc_plat_net_wait(&item, 1, 0));
    mproc_plat_net_close(listener);
}

static const test_case_t cases[] = {{"python_connects", case_python_connects},
                                    {"python_listens", case_python_listens},
                                    {"rights", case_rights},
                                    {"threads_end", case_threads_end},
                                    {"old_handles", case_old_handles},
                                    {NULL, NULL}};

const test_suite_t suite_plat_net_pipe = {"plat_net_pipe", 0, cases};
