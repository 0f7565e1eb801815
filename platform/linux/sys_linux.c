/*
 * sys_linux.c: clock, processors, this process and its threads, on Linux.
 *
 * The hard one is the number of processors: a container sees them all, and
 * may use a few. Its quota stands in the control group, or in one above.
 */
#define _GNU_SOURCE 1

#include "plat_sys.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUP_PATH 1024

static apr_time_t
clock_read(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (apr_time_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

apr_time_t
mproc_plat_clock(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

apr_time_t
mproc_plat_clock_rough(void)
{
    return clock_read(CLOCK_MONOTONIC_COARSE);
}

static int
cpus_by_affinity(void)
{
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        size_t size = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (set == NULL) {
            return 0;
        }
        CPU_ZERO_S(size, set);
        int rv = sched_getaffinity(0, size, set);
        int error = errno;
        int count = rv == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (rv == 0 || error != EINVAL) {
            return count;
        }
    }
    return 0;
}

/* The first line of a small file, 0 when there is none. */
static int
file_line(const char *folder, const char *name, char *text, size_t size)
{
    char path[GROUP_PATH + 64];

    int needed = snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = needed > 0 && (size_t)needed < sizeof path
                 ? open(path, O_RDONLY | O_CLOEXEC)
                 : -1;
    if (fd < 0) {
        return 0;
    }
    ssize_t length = read(fd, text, size - 1);
    close(fd);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 1;
}

static int
quota_round(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    long long cpus = quota / period + (quota % period != 0);
    return cpus < 1 << 20 ? (int)cpus : 0;
}

/* Processors that one group allows, 0 when it sets no limit. */
static int
quota_of_group(const char *folder)
{
    char text[64];
    char other[64];
    long long quota;
    long long period;

    if (file_line(folder, "cpu.max", text, sizeof text)) {
        return sscanf(text, "%lld %lld", &quota, &period) == 2
                   ? quota_round(quota, period)
                   : 0;
    }
    if (file_line(folder, "cpu.cfs_quota_us", text, sizeof text) &&
        file_line(folder, "cpu.cfs_period_us", other, sizeof other)) {
        return quota_round(atoll(text), atoll(other));
    }
    return 0;
}

/* The smallest limit from a group up to the root of its hierarchy. */
static int
quota_upwards(const char *root, const char *group)
{
    char folder[GROUP_PATH];
    int least = 0;

    int needed = snprintf(folder, sizeof folder, "%s%s", root, group);
    if (needed < 0 || (size_t)needed >= sizeof folder) {
        return 0;
    }
    for (size_t end = strlen(folder); end >= strlen(root);) {
        folder[end] = '\0';
        int cpus = quota_of_group(folder);
        if (cpus > 0 && (least == 0 || cpus < least)) {
            least = cpus;
        }
        while (end > 0 && folder[end] != '/') {
            end--;
        }
        if (end == 0 || end < strlen(root)) {
            break;
        }
    }
    return least;
}

/* One line of /proc/self/cgroup: "0::/path", or "4:cpu,cpuacct:/path". */
static int
quota_of_line(char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (group == NULL) {
        return 0;
    }
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (strcmp(group, "/") == 0) {
        group = "";
    }
    if (controllers[0] == '\0') {
        return quota_upwards("/sys/fs/cgroup", group);
    }
    char *state = NULL;
    for (char *name = strtok_r(controllers, ",", &state); name != NULL;
         name = strtok_r(NULL, ",", &state)) {
        if (strcmp(name, "cpu") == 0) {
            int cpus = quota_upwards("/sys/fs/cgroup/cpu", group);
            /* In a container the path may be the host's: see the root. */
            return cpus > 0 ? cpus : quota_of_group("/sys/fs/cgroup/cpu");
        }
    }
    return 0;
}

static int
cpus_by_quota(void)
{
    char line[GROUP_PATH];
    int least = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");

    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        int cpus = quota_of_line(line);
        if (cpus > 0 && (least == 0 || cpus < least)) {
            least = cpus;
        }
    }
    fclose(file);
    return least;
}

/* Each thread has a folder there. */
int
mproc_plat_thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;

    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

int
mproc_plat_cpu_count(void)
{
    int cpus = cpus_by_affinity();

    if (cpus < 1) {
        cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    }
    int quota = cpus_by_quota();
    if (quota > 0 && quota < cpus) {
        cpus = quota;
    }
    return cpus > 0 ? cpus : 1;
}

apr_uint64_t
mproc_plat_memory(void)
{
    char text[64];
    unsigned long size, resident;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (file < 0) {
        return 0;
    }
    length = read(file, text, sizeof text - 1);
    close(file);
    text[length < 0 ? 0 : length] = '\0';
    return sscanf(text, "%lu %lu", &size, &resident) == 2
               ? resident * (apr_uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

apr_int64_t
mproc_plat_pid(void)
{
    return getpid();
}

static pthread_once_t thread_id_once = PTHREAD_ONCE_INIT;
static _Thread_local apr_uint64_t thread_id;

/* The thread that forked has another number in the child. */
static void
thread_id_forget(void)
{
    thread_id = 0;
}

static void
thread_id_prepare(void)
{
    (void)pthread_atfork(NULL, NULL, thread_id_forget);
}

apr_uint64_t
mproc_plat_thread_id(void)
{
    if (thread_id == 0) {
        pthread_once(&thread_id_once, thread_id_prepare);
        thread_id = (apr_uint64_t)syscall(SYS_gettid);
    }
    return thread_id;
}

void
mproc_plat_pause(void)
{
#if defined __i386__ || defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__ || defined __arm__
    __asm__ __volatile__("yield" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
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
