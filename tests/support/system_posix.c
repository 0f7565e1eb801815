/*
 * system_posix.c: the test runner on Linux and its like.
 *
 * What descends from a test is told by its process group: orphans keep it,
 * and a daemon that leaves it must be ended by its own test. Where there is
 * no /proc, only children are seen.
 */
#define _GNU_SOURCE
#include "system.h"

#include "test.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_portable.h>
#include <apr_strings.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<sys/epoll.h>)
#include <sys/epoll.h>
#define HAVE_EPOLL 1
#else
#define HAVE_EPOLL 0
#endif

#if __has_include(<sys/prctl.h>)
#include <sys/prctl.h>
#endif

/* Descriptors that the library makes once and keeps. */
static const struct {
    const char *kind;
    int count;
} kept[] = {
    {"anon_inode:[eventfd]", 1},   /* wakes the thread that watches */
    {"anon_inode:[eventpoll]", 1}, /* what it watches */
    {"anon_inode:[pidfd]", 1},     /* the process's own, for children */
    {"pipe", 4},                   /* the same two on plain POSIX */
    {"socket", 2},                 /* wakes the thread that polls sockets */
};

/* A process as /proc tells it. */
typedef struct process_t {
    long pid;
    long parent;
    long group;
    char state;
    char name[64];
} process_t;

static long own_pid;

static int
process_read(process_t *process, long pid)
{
    char path[64];
    char text[512];
    char *name;
    char *end;
    FILE *file;
    size_t size;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    name = strchr(text, '(');
    end = strrchr(text, ')'); /* a name may have brackets in it */
    if (name == NULL || end == NULL) {
        return 0;
    }
    *end = '\0';
    process->pid = pid;
    snprintf(process->name, sizeof process->name, "%.60s", name + 1);
    return sscanf(end + 1, " %c %ld %ld", &process->state, &process->parent,
                  &process->group) == 3;
}

/* The next process of our family, a zombie only if it is our child. */
static int
family_next(DIR *dir, process_t *process)
{
    struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);

        if (pid > 0 && pid != own_pid && process_read(process, pid) &&
            (process->group == own_pid || process->parent == own_pid) &&
            (process->state != 'Z' || process->parent == own_pid)) {
            return 1;
        }
    }
    return 0;
}

void
system_begin(void)
{
    own_pid = getpid();
    setpgid(0, 0);
#ifdef PR_SET_PTRACER
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
}

apr_int64_t
system_pid(void)
{
    return getpid();
}

apr_array_header_t *
system_handles(apr_pool_t *pool)
{
    apr_array_header_t *handles = apr_array_make(pool, 16, sizeof(char *));
    DIR *dir = opendir("/dev/fd");
    struct dirent *entry;
    char path[64];
    char kind[1024];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        ssize_t size;

        if (!isdigit((unsigned char)entry->d_name[0]) ||
            atoi(entry->d_name) == dirfd(dir)) {
            continue;
        }
        snprintf(path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
        size = readlink(path, kind, sizeof kind - 1);
        kind[size > 0 ? size : 0] = '\0';
        if (strncmp(kind, "pipe:", 5) == 0 ||
            strncmp(kind, "socket:", 7) == 0) {
            *strchr(kind, ':') = '\0'; /* what follows differs for each */
        }
        *(const char **)apr_array_push(handles) =
            apr_pstrdup(pool, size > 0 ? kind : "descriptor");
    }
    if (dir != NULL) {
        closedir(dir);
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
    return 0;
}

apr_array_header_t *
system_family(apr_pool_t *pool)
{
    apr_array_header_t *family = apr_array_make(pool, 4, sizeof(char *));
    DIR *dir = opendir("/proc");
    process_t process;
    siginfo_t info;

    while (dir != NULL && family_next(dir, &process)) {
        *(const char **)apr_array_push(family) = apr_psprintf(
            pool, "%s, pid %ld, parent %ld%s", process.name, process.pid,
            process.parent, process.state == 'Z' ? ", not waited for" : "");
    }
    if (dir != NULL) {
        closedir(dir);
    }
    if (family->nelts == 0 &&
        waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
        *(const char **)apr_array_push(family) = "a child";
    }
    return family;
}

void
system_family_kill(void)
{
    DIR *dir = opendir("/proc");
    process_t process;

    while (dir != NULL && family_next(dir, &process)) {
        kill((pid_t)process.pid, SIGKILL);
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* Show the stacks of a process with the help of the debugger. */
static void
stacks_show(long pid)
{
    char number[32];
    pid_t child;

    snprintf(number, sizeof number, "%ld", pid);
    child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execlp("gdb", "gdb", "-batch", "-nx", "-q", "-p", number, "-ex",
               "thread apply all bt", (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* Runs in a signal handler, but of a process that is stuck and will end: no
 * worse can come of what is not safe here. The debugger must not be seen as
 * family, so the pids are listed first. */
static void
watchdog_bark(int signal)
{
    static const char text[] = "\nHANG: the watchdog ends this test\n";
    process_t family[16];
    DIR *dir;
    int count = 0;

    (void)signal;
    if (getpid() != own_pid) {
        return;
    }
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
        _exit(1);
    }
    dir = opendir("/proc");
    while (dir != NULL && count < 16 && family_next(dir, &family[count])) {
        count++;
    }
    stacks_show(own_pid);
    for (int i = 0; i < count; i++) {
        fprintf(stderr, "\n%s, pid %ld, parent %ld, state %c\n", family[i].name,
                family[i].pid, family[i].parent, family[i].state);
        stacks_show(family[i].pid);
    }
    system_family_kill();
    _exit(1);
}

/* An alarm and not a thread: tests fork, and a second thread would make of
 * each a fork with threads. */
void
system_watchdog(int seconds)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = seconds > 0 ? watchdog_bark : SIG_DFL;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)(seconds > 0 ? seconds : 0));
}

const char *
system_shared_names(void)
{
    return "/dev/shm";
}

apr_status_t
test_terminal(apr_file_t **terminal, apr_file_t **screen, int columns,
              apr_pool_t *pool)
{
    struct winsize size = {.ws_col = (unsigned short)columns};
    apr_os_file_t other = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), shown;
    apr_status_t rv;

    if (other < 0 || grantpt(other) != 0 || unlockpt(other) != 0 ||
        (shown = open(ptsname(other), O_RDWR | O_NOCTTY)) < 0) {
        return errno;
    }
    ioctl(shown, TIOCSWINSZ, &size);
    rv = apr_os_file_put(terminal, &shown, APR_FOPEN_WRITE, pool);
    return rv != APR_SUCCESS
               ? rv
               : apr_os_file_put(screen, &other, APR_FOPEN_READ, pool);
}

void
test_kill(apr_int64_t pid)
{
    kill((pid_t)pid, SIGKILL);
}

void
test_stop(apr_int64_t pid)
{
    kill((pid_t)pid, SIGSTOP);
}

void
test_continue(apr_int64_t pid)
{
    kill((pid_t)pid, SIGCONT);
}

int
test_group_lead(void)
{
    return setpgid(0, 0) == 0;
}

void
test_group_interrupt(apr_int64_t leader)
{
    kill(-(pid_t)leader, SIGINT);
}

typedef struct cancelled_t {
    void (*run)(void *baton);
    void *baton;
} cancelled_t;

static void *
cancelled_run(void *baton)
{
    cancelled_t *cancelled = baton;

    pthread_cancel(pthread_self());
    cancelled->run(cancelled->baton);
    return NULL;
}

int
test_cancelled(void (*run)(void *baton), void *baton)
{
    cancelled_t cancelled = {run, baton};
    pthread_t thread;

    return pthread_create(&thread, NULL, cancelled_run, &cancelled) == 0 &&
           pthread_join(thread, NULL) == 0;
}

int
test_pid_exists(apr_int64_t pid)
{
    process_t process;
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (pid <= 0 || kill((pid_t)pid, 0) != 0) {
        return pid > 0 && errno == EPERM;
    }
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == (pid_t)pid) {
        return 0;
    }
    return !process_read(&process, (long)pid) || process.state != 'Z';
}

static int
handles_poll(const apr_int64_t *handles, int count, int *ready, int timeout)
{
    struct pollfd *items = calloc((size_t)count + 1, sizeof *items);
    int found, bad = 0;

    for (int i = 0; i < count; i++) {
        items[i] = (struct pollfd){.fd = (int)handles[i], .events = POLLIN};
    }
    do {
        found = poll(items, (nfds_t)count, timeout);
    } while (found < 0 && errno == EINTR);
    for (int i = 0; i < count; i++) {
        bad |= (items[i].revents & (POLLERR | POLLNVAL)) != 0;
        ready[i] = items[i].revents != 0;
    }
    free(items);
    return bad ? -1 : found;
}

#if HAVE_EPOLL
static int
handles_epoll(const apr_int64_t *handles, int count, int *ready, int timeout)
{
    struct epoll_event *events = calloc((size_t)count + 1, sizeof *events);
    int epoll = epoll_create1(EPOLL_CLOEXEC), found = 0, bad = 0;

    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
        ready[i] = 0;
        bad |= epoll_ctl(epoll, EPOLL_CTL_ADD, (int)handles[i], &event) != 0;
    }
    do {
        found = epoll_wait(epoll, events, count + 1, timeout);
    } while (found < 0 && errno == EINTR);
    for (int i = 0; i < found; i++) {
        bad |= (events[i].events & EPOLLERR) != 0;
        ready[events[i].data.u32] = 1;
    }
    close(epoll);
    free(events);
    return bad ? -1 : found;
}
#else
#define handles_epoll handles_poll
#endif

int
test_handles_wait(const apr_int64_t *handles, int count, int *ready,
                  apr_interval_time_t timeout)
{
    static int calls;
    int *room = calloc((size_t)count + 1, sizeof *room), found;
    int limit = (int)((timeout + 999) / 1000);

    found = calls++ % 2 ? handles_epoll(handles, count, room, limit)
                        : handles_poll(handles, count, room, limit);
    for (int i = 0; i < count && ready != NULL; i++) {
        ready[i] = room[i];
    }
    free(room);
    return found;
}

int
test_handles(void)
{
    apr_pool_t *pool;
    int count;

    apr_pool_create(&pool, NULL);
    count = system_handles(pool)->nelts;
    apr_pool_destroy(pool);
    return count;
}

int
test_is_wine(void)
{
    return 0;
}

/* The system counts by the highest, so the lower ones are used up first. */
int
test_handles_limit(int more)
{
    static struct rlimit before;
    static int filled[1024], count;
    struct rlimit now;
    int fd;

    while (count > 0) {
        close(filled[--count]);
    }
    if (before.rlim_cur != 0) {
        setrlimit(RLIMIT_NOFILE, &before);
    }
    if (more < 0) {
        return 1;
    }
    if (getrlimit(RLIMIT_NOFILE, &before) != 0) {
        return 0;
    }
    now = before;
    now.rlim_cur = 1024;
    if (setrlimit(RLIMIT_NOFILE, &now) != 0) {
        return 0;
    }
    while ((fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0) {
        filled[count++] = fd;
    }
    while (more-- > 0 && count > 0) {
        close(filled[--count]);
    }
    return 1;
}
