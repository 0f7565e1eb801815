/*
 * sys_posix.c: clock, processors, this process and its threads, by POSIX.
 *
 * POSIX knows neither affinity nor quotas: the processors that are on line
 * are all that can be counted.
 */
#define _GNU_SOURCE 1

#include "plat_sys.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <sys/resource.h>
#include <unistd.h>

apr_time_t
mproc_plat_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

apr_time_t
mproc_plat_clock_rough(void)
{
    return mproc_plat_clock();
}

int
mproc_plat_thread_count(void)
{
    return 0; /* POSIX does not tell. */
}

int
mproc_plat_cpu_count(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return cpus > 0 && cpus < 1 << 20 ? (int)cpus : 1;
}

apr_uint64_t
mproc_plat_memory(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0
               ? (apr_uint64_t)usage.ru_maxrss * 1024
               : 0;
}

apr_int64_t
mproc_plat_pid(void)
{
    return getpid();
}

apr_uint64_t
mproc_plat_thread_id(void)
{
    /* No other running thread has its own at this address. */
    static _Thread_local char mark;

    return (apr_uint64_t)(apr_uintptr_t)&mark;
}

void
mproc_plat_pause(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

void
mproc_plat_yield(void)
{
    sched_yield();
}

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static int exit_error;
static void (*_Atomic exit_hook)(void *);

static void
exit_prepare(void)
{
    exit_error = pthread_key_create(&exit_key, atomic_load(&exit_hook));
}

apr_status_t
mproc_plat_thread_on_exit(void (*hook)(void *), void *value)
{
    atomic_store(&exit_hook, hook);
    pthread_once(&exit_once, exit_prepare);
    return exit_error != 0 ? exit_error : pthread_setspecific(exit_key, value);
}

apr_status_t
mproc_plat_on_fork(void (*before)(void), void (*child)(void))
{
    return pthread_atfork(before, NULL, child);
}
