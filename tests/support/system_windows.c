/*
 * system_windows.c: the test runner on Windows.
 *
 * Handles are looked at one by one and told by the kind of their object;
 * those that the system itself opens when it likes are not counted.
 */
#include "system.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include <winsock2.h>
#include <windows.h>
#include <tlhelp32.h>
#include <winternl.h>

/* Handle values are multiples of 4; after so many unused ones, no more. */
#define HANDLE_STEP 4
#define HANDLE_GAP 256

/* Kinds that are counted, and how many the library makes once and keeps. */
static const struct {
    const char *kind;
    int count;
} kept[] = {
    {"Event", 260}, /* a process keeps those of 256 sleepers open */
    {"Process", 2}, /* its own, for children */
    {"Thread", 60}, /* the system's pool: one for each process that ends */
    {"Section", 1},      {"Job", 1},
    {"IoCompletion", 1}, {"File", 3}, /* wake the thread that polls sockets */
    {"Mutant", 4},       {"Semaphore", 2},
};

typedef NTSTATUS(NTAPI *process_fn_t)(HANDLE process);
typedef NTSTATUS(NTAPI *query_fn_t)(HANDLE object, int what, void *data,
                                    ULONG size, ULONG *needed);

static FARPROC
ntdll(const char *name)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
}

void
system_begin(void)
{
    /* A crash must not wait for somebody to close a window. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
}

apr_int64_t
system_pid(void)
{
    return (apr_int64_t)GetCurrentProcessId();
}

/* The kind of an object, or NULL. */
static const char *
handle_kind(query_fn_t query, HANDLE handle, apr_pool_t *pool)
{
    union {
        UNICODE_STRING name; /* what ObjectTypeInformation starts with */
        char room[1024];
    } type;
    char kind[64];
    int size;

    if (query(handle, 2, &type, sizeof type, NULL) != 0) {
        return NULL;
    }
    size =
        WideCharToMultiByte(CP_UTF8, 0, type.name.Buffer, type.name.Length / 2,
                            kind, sizeof kind - 1, NULL, NULL);
    kind[size] = '\0';
    return apr_pstrdup(pool, kind);
}

apr_array_header_t *
system_handles(apr_pool_t *pool)
{
    apr_array_header_t *handles = apr_array_make(pool, 64, sizeof(char *));
    query_fn_t query = (query_fn_t)(void (*)(void))ntdll("NtQueryObject");
    ULONG_PTR last = 0;

    for (ULONG_PTR value = HANDLE_STEP;
         query != NULL && value < last + HANDLE_GAP * HANDLE_STEP;
         value += HANDLE_STEP) {
        const char *kind = handle_kind(query, (HANDLE)value, pool);

        if (kind != NULL) {
            last = value;
            *(const char **)apr_array_push(handles) = kind;
        }
    }
    return handles;
}

int
system_handles_kept(const char *kind)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(kept[i].kind, kind) == 0) {
            return kept[i].count;
        }
    }
    return 1 << 30;
}

static ULONGLONG
process_begin(HANDLE process)
{
    FILETIME begin;
    FILETIME other;

    if (!GetProcessTimes(process, &begin, &other, &other, &other)) {
        return 0;
    }
    return (ULONGLONG)begin.dwHighDateTime << 32 | begin.dwLowDateTime;
}

/* Whether a process runs and began after us: process ids are used again, so
 * the parent that a process names may be one that had our id before. */
static int
process_is_younger(DWORD pid)
{
    HANDLE process = OpenProcess(
        PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid);
    int younger = 0;

    if (process != NULL) {
        younger = WaitForSingleObject(process, 0) == WAIT_TIMEOUT &&
                  process_begin(process) >= process_begin(GetCurrentProcess());
        CloseHandle(process);
    }
    return younger;
}

/* The next process whose parent we are. */
static int
family_next(HANDLE list, PROCESSENTRY32 *entry, int *first)
{
    entry->dwSize = sizeof *entry;
    while (*first ? Process32First(list, entry) : Process32Next(list, entry)) {
        *first = 0;
        if (entry->th32ParentProcessID == GetCurrentProcessId() &&
            process_is_younger(entry->th32ProcessID)) {
            return 1;
        }
    }
    return 0;
}

apr_array_header_t *
system_family(apr_pool_t *pool)
{
    apr_array_header_t *family = apr_array_make(pool, 4, sizeof(char *));
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32 entry;
    int first = 1;

    while (list != INVALID_HANDLE_VALUE && family_next(list, &entry, &first)) {
        *(const char **)apr_array_push(family) =
            apr_psprintf(pool, "%s, pid %lu", entry.szExeFile,
                         (unsigned long)entry.th32ProcessID);
    }
    CloseHandle(list);
    return family;
}

void
system_family_kill(void)
{
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32 entry;
    int first = 1;

    while (list != INVALID_HANDLE_VALUE && family_next(list, &entry, &first)) {
        test_kill(entry.th32ProcessID);
    }
    CloseHandle(list);
}

static DWORD WINAPI
watchdog_run(void *seconds)
{
    Sleep((DWORD)(ULONG_PTR)seconds * 1000);
    fprintf(stderr, "\nHANG: the watchdog ends this test; its family:\n");
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    apr_array_header_t *family = system_family(pool);
    for (int i = 0; i < family->nelts; i++) {
        fprintf(stderr, "%s\n", APR_ARRAY_IDX(family, i, const char *));
    }
    fflush(NULL);
    system_family_kill();
    TerminateProcess(GetCurrentProcess(), 1);
    return 0;
}

void
system_watchdog(int seconds)
{
    static HANDLE thread;

    if (thread != NULL) {
        TerminateThread(thread, 0);
        CloseHandle(thread);
        thread = NULL;
    }
    if (seconds > 0) {
        thread = CreateThread(NULL, 0, watchdog_run, (void *)(ULONG_PTR)seconds,
                              0, NULL);
    }
}

const char *
system_shared_names(void)
{
    return NULL;
}

apr_status_t
test_terminal(apr_file_t **terminal, apr_file_t **screen, int columns,
              apr_pool_t *pool)
{
    (void)terminal;
    (void)screen;
    (void)columns;
    (void)pool;
    return APR_ENOTIMPL;
}

void
test_kill(apr_int64_t pid)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)pid);

    if (process != NULL) {
        TerminateProcess(process, 9);
        CloseHandle(process);
    }
}

static void
process_call(apr_int64_t pid, const char *name)
{
    process_fn_t call = (process_fn_t)(void (*)(void))ntdll(name);
    HANDLE process = OpenProcess(PROCESS_SUSPEND_RESUME, FALSE, (DWORD)pid);

    if (process != NULL && call != NULL) {
        call(process);
    }
    CloseHandle(process);
}

void
test_stop(apr_int64_t pid)
{
    process_call(pid, "NtSuspendProcess");
}

void
test_continue(apr_int64_t pid)
{
    process_call(pid, "NtResumeProcess");
}

int
test_group_lead(void)
{
    return 0;
}

void
test_group_interrupt(apr_int64_t leader)
{
    (void)leader;
}

int
test_cancelled(void (*run)(void *baton), void *baton)
{
    (void)run;
    (void)baton;
    return 0;
}

int
test_pid_exists(apr_int64_t pid)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    int runs = 0;

    if (process != NULL) {
        runs = WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
        CloseHandle(process);
    }
    return runs;
}

/* How many are ready now. */
static int
handles_look(const apr_int64_t *handles, int count, int *ready)
{
    int found = 0;

    for (int i = 0; i < count; i++) {
        DWORD rv = WaitForSingleObject((HANDLE)(INT_PTR)handles[i], 0);
        if (rv != WAIT_OBJECT_0 && rv != WAIT_TIMEOUT) {
            return -1;
        }
        found += rv == WAIT_OBJECT_0;
        if (ready != NULL) {
            ready[i] = rv == WAIT_OBJECT_0;
        }
    }
    return found;
}

/* More than the system waits for at once are waited for in parts. */
int
test_handles_wait(const apr_int64_t *handles, int count, int *ready,
                  apr_interval_time_t timeout)
{
    ULONGLONG limit = GetTickCount64() + (ULONGLONG)(timeout + 999) / 1000;
    HANDLE part[MAXIMUM_WAIT_OBJECTS];
    int begin = 0, found;

    while ((found = handles_look(handles, count, ready)) == 0 &&
           GetTickCount64() < limit) {
        ULONGLONG left = limit - GetTickCount64();
        int some = count - begin;
        some = some < MAXIMUM_WAIT_OBJECTS ? some : MAXIMUM_WAIT_OBJECTS;
        for (int i = 0; i < some; i++) {
            part[i] = (HANDLE)(INT_PTR)handles[begin + i];
        }
        if (some < count && left > 10) {
            left = 10;
        }
        if (some == 0) {
            Sleep((DWORD)left);
        }
        else if (WaitForMultipleObjects((DWORD)some, part, FALSE,
                                        (DWORD)left) == WAIT_FAILED) {
            return -1;
        }
        begin = begin + some < count ? begin + some : 0;
    }
    return found;
}

int
test_handles(void)
{
    DWORD count = 0;

    GetProcessHandleCount(GetCurrentProcess(), &count);
    return (int)count;
}

int
test_is_wine(void)
{
    return ntdll("wine_get_version") != NULL;
}

int
test_handles_limit(int more)
{
    (void)more;
    return 0;
}
