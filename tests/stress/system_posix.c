/*
 * system_posix.c: processes for the killer, on POSIX. Forked plainly, so that
 * the stress does not lean on the library's own way to start processes.
 */
#define _GNU_SOURCE 1
#include "system.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<sys/prctl.h>)
#include <sys/prctl.h>
#endif

#include <mproc/types.h>

extern char **environ;

#ifdef PR_SET_CHILD_SUBREAPER
const char *const system_shared_names = "/dev/shm";
#else
const char *const system_shared_names = NULL;
#endif

static pid_t last_run;

void *
system_share(apr_size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        perror("mproc-stress: mmap");
        exit(2);
    }
    return memory;
}

apr_int64_t
system_fork(void (*child)(void *), void *baton)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
#ifdef PR_SET_PDEATHSIG
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
        child(baton);
        fflush(NULL);
        _exit(0);
    }
    if (pid < 0) {
        perror("mproc-stress: fork");
        exit(2);
    }
    return pid;
}

apr_int64_t
system_pid(void)
{
    return getpid();
}

void
system_kill(apr_int64_t pid)
{
    kill((pid_t)pid, SIGKILL);
}

void
system_stop(apr_int64_t pid)
{
    kill((pid_t)pid, SIGSTOP);
}

void
system_continue(apr_int64_t pid)
{
    kill((pid_t)pid, SIGCONT);
}

int
system_reap(apr_int64_t pid, apr_time_t deadline, int *crash)
{
    struct timespec pause = {.tv_nsec = 50 * 1000};
    int status = 0;

    *crash = 0;
    for (;;) {
        pid_t got = waitpid((pid_t)pid, &status, WNOHANG);

        if (got == pid) {
            *crash = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            return 1;
        }
        if (got < 0 && errno != EINTR) {
            return 1;
        }
        if (mproc_clock() >= deadline) {
            return 0;
        }
        nanosleep(&pause, NULL);
    }
}

/* ------------------------------------------------------------------- groups */

void
system_group_lead(void)
{
    setpgid(0, 0);
}

void
system_group_kill(apr_int64_t pid)
{
    kill((pid_t)-pid, SIGKILL);
}

/* The group of a process as /proc tells it, or 0. */
static long
group_of(long pid)
{
    char path[64], text[512], *end;
    char state;
    long parent, group = 0;
    size_t size;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    end = strrchr(text, ')');
    return end != NULL &&
                   sscanf(end + 1, " %c %ld %ld", &state, &parent, &group) == 3
               ? group
               : 0;
}

static void
process_show(long pid)
{
    char command[200];

    snprintf(command, sizeof command,
             "command -v gdb >/dev/null && timeout 20 gdb -batch -nx -p "
             "%ld -ex 'thread apply all bt 12' 2>/dev/null | "
             "grep -E '^(Thread|#)' >&2",
             pid);
    fprintf(stderr, "  process %ld:\n", pid);
    fflush(stderr);
    if (system(command) != 0) {
        fprintf(stderr, "    no stack to be had\n");
    }
}

void
system_group_show(apr_int64_t pid)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        long other = strtol(entry->d_name, NULL, 10);

        if (other > 0 && group_of(other) == pid) {
            process_show(other);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* ------------------------------------------------------------------- family */

void
system_adopt(void)
{
#ifdef PR_SET_CHILD_SUBREAPER
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
}

/* Where orphans are not ours, the group tells whether any is left. */
int
system_family_left(void)
{
    pid_t got;

    do {
        got = waitpid(-1, NULL, WNOHANG);
    } while (got > 0);
    if (got == 0) {
        return 1;
    }
#ifdef PR_SET_CHILD_SUBREAPER
    return 0;
#else
    return last_run > 0 && kill(-last_run, 0) == 0;
#endif
}

/* Call for each child, orphans that were adopted too. */
static void
children_each(void (*each)(long pid))
{
    char path[64];
    long child;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    file = fopen(path, "re");
    while (file != NULL && fscanf(file, "%ld", &child) == 1) {
        each(child);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void
child_kill(long pid)
{
    kill((pid_t)pid, SIGKILL);
}

void
system_family_kill(void)
{
    int i;

    if (last_run > 0) {
        kill(-last_run, SIGKILL);
    }
    for (i = 0; i < 1000 && system_family_left(); i++) {
        struct timespec pause = {.tv_nsec = 1000 * 1000};

        children_each(child_kill);
        nanosleep(&pause, NULL);
    }
}

void
system_family_show(void)
{
    children_each(process_show);
}

apr_int64_t
system_run_self(const char *const *argv, const char *folder)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        setenv("TMPDIR", folder, 1);
        execve("/proc/self/exe", (char *const *)argv, environ);
        execve(argv[0], (char *const *)argv, environ);
        _exit(127);
    }
    if (pid < 0) {
        perror("mproc-stress: fork");
        exit(2);
    }
    setpgid(pid, pid);
    last_run = pid;
    return pid;
}

int
system_names(const char *folder, const char *prefix)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.' &&
                 strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}
