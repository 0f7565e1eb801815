/*
 * sys_win32.c: clock, processors and threads.
 *
 * The hard thing: a thread's end. The hook runs from the callback of a
 * fiber-local value, which the system also calls while the whole process
 * ends, when other threads are gone already with the locks that they held.
 */
#include "plat_sys.h"

#include "win32.h"

#include <psapi.h>

#include <stdatomic.h>

/* Newer than some compilers' headers: the lower and upper limit are the
 * halves of the rate. */
#define CPU_RATE_CONTROL_MIN_MAX 0x10

/* Rates are in hundredths of a percent of all processors. */
#define CPU_RATE_ALL 10000

apr_time_t
mproc_plat_clock(void)
{
    static _Atomic apr_int64_t known;
    apr_int64_t frequency = atomic_load_explicit(&known, memory_order_relaxed);
    LARGE_INTEGER count;

    if (frequency == 0) {
        /* Fixed when the system starts, so that all threads store the same. */
        QueryPerformanceFrequency(&count);
        frequency = count.QuadPart;
        atomic_store_explicit(&known, frequency, memory_order_relaxed);
    }
    QueryPerformanceCounter(&count);
    return count.QuadPart / frequency * 1000000 +
           count.QuadPart % frequency * 1000000 / frequency;
}

apr_time_t
mproc_plat_clock_rough(void)
{
    return mproc_plat_clock();
}

/* What affinity leaves. */
static int
processors_allowed(void)
{
    DWORD_PTR mine = 0;
    DWORD_PTR all = 0;
    int count = 0;

    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) && mine != 0 &&
        mine != all) {
        for (; mine != 0; mine &= mine - 1) {
            count++;
        }
        return count;
    }
    /* Not bound: other groups of processors are open to it, or its children. */
    count = (int)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 0 ? count : 1;
}

/* The share of all processors that a job, such as a container's, grants. */
static DWORD
processors_rate(void)
{
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate = {0};
    DWORD share;

    if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation,
                                   &rate, sizeof rate, NULL) ||
        !(rate.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_ENABLE)) {
        return CPU_RATE_ALL;
    }
    if (rate.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP) {
        share = rate.CpuRate;
    }
    else if (rate.ControlFlags & CPU_RATE_CONTROL_MIN_MAX) {
        share = rate.CpuRate >> 16;
    }
    else {
        return CPU_RATE_ALL;
    }
    return share > 0 && share < CPU_RATE_ALL ? share : CPU_RATE_ALL;
}

int
mproc_plat_thread_count(void)
{
    return 0; /* The system adds some, for console events for one. */
}

int
mproc_plat_cpu_count(void)
{
    int allowed = processors_allowed();
    apr_int64_t total = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    apr_int64_t quota =
        (total * processors_rate() + CPU_RATE_ALL - 1) / CPU_RATE_ALL;

    return quota >= 1 && quota < allowed ? (int)quota : allowed;
}

apr_uint64_t
mproc_plat_memory(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};

    return K32GetProcessMemoryInfo(GetCurrentProcess(), &counters,
                                   sizeof counters)
               ? counters.WorkingSetSize
               : 0;
}

apr_int64_t
mproc_plat_pid(void)
{
    return GetCurrentProcessId();
}

apr_uint64_t
mproc_plat_thread_id(void)
{
    return GetCurrentThreadId();
}

void
mproc_plat_pause(void)
{
    YieldProcessor();
}

void
mproc_plat_yield(void)
{
    SwitchToThread();
}

static void (*exit_hook)(void *);
static DWORD exit_key = FLS_OUT_OF_INDEXES;
static BOOLEAN(NTAPI *exit_ending)(void);

/* Unless the whole process ends: the hook could wait for a lock whose holder
 * is gone. Others see then that the process has ended. */
static void NTAPI
exit_called(void *value)
{
    if (value != NULL && !(exit_ending != NULL && exit_ending())) {
        exit_hook(value);
    }
}

static BOOL CALLBACK
exit_ready(PINIT_ONCE once, void *hook, void **unused)
{
    HMODULE system = GetModuleHandleW(L"ntdll.dll");

    (void)once;
    (void)unused;
    exit_hook = *(void (**)(void *))hook;
    if (system != NULL) {
        FARPROC found = GetProcAddress(system, "RtlDllShutdownInProgress");
        exit_ending = (BOOLEAN(NTAPI *)(void))(void (*)(void))found;
    }
    mproc__win32_pin();
    exit_key = FlsAlloc(exit_called);
    return exit_key != FLS_OUT_OF_INDEXES;
}

apr_status_t
mproc_plat_thread_on_exit(void (*hook)(void *), void *value)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

    if (!InitOnceExecuteOnce(&once, exit_ready, &hook, NULL) ||
        !FlsSetValue(exit_key, value)) {
        return mproc__win32_status(GetLastError());
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_on_fork(void (*before)(void), void (*child)(void))
{
    (void)before;
    (void)child;
    return APR_SUCCESS;
}
