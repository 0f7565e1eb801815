/*
 * proc_posix.c: processes by POSIX.
 *
 * Three things are hard without Linux's pidfd. A parent's end is told by a
 * pipe that only it can write to. A child's end is told by waitid() alone,
 * asked again in short intervals: a pipe is a hint that shortens them, since
 * a child may close it, or leave it to its own children. And spawn forks:
 * apr_proc_create cannot tell a missing program, and posix_spawn cannot
 * close descriptors that it does not know.
 */
#define _GNU_SOURCE 1

#include "plat_proc.h"

#include <apr_thread_proc.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat_sys.h"
#include "posix/descriptor.h"
#include "posix/proc_pipe.h"
#include "posix/spawn_child.h"

/* Between two looks at a child, in microseconds. */
#define LOOK_MIN 200
#define LOOK_MAX 5000
/* ... while a pipe would tell of its end. */
#define LOOK_HINTED 50000

/* proc->child of one that is collected: its pid may be another's. */
#define COLLECTED (-1)

int
mproc_plat_proc_can_fork(void)
{
    return 1;
}

apr_status_t
mproc_plat_proc_fork(mproc_plat_proc_t *proc, apr_pool_t *pool)
{
    mproc__proc_pipe_t life;
    apr_proc_t native;

    memset(proc, 0, sizeof *proc);
    proc->handle = -1;
    if (mproc__proc_pipe_open(&life) != 0) {
        return errno;
    }
    mproc__proc_pipe_give(&life);
    apr_status_t rv = apr_proc_fork(&native, pool);
    mproc__proc_pipe_give(NULL);
    if (rv == APR_INCHILD) {
        close(life.read);
        return rv;
    }
    mproc__proc_pipe_shut(&life);
    if (rv != APR_INPARENT) {
        close(life.read);
        return rv;
    }
    proc->pid = native.pid;
    proc->handle = life.read;
    proc->child = 1;
    return rv;
}

/* Without the hooks of the host's libraries where that is possible. */
static pid_t
birth_fork(void)
{
#ifdef MPROC_HAVE__FORK
    return _Fork();
#else
    return fork();
#endif
}

void
mproc__spawn_child_default(int number)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    (void)sigaction(number, &action, NULL);
}

static void
birth_run(mproc__spawn_child_t *child, mproc__proc_pipe_t *report)
{
    int error = mproc__spawn_child_run(child, report->write);

    while (write(report->write, &error, sizeof error) < 0 && errno == EINTR) {
    }
    _exit(127);
}

/* The end of file comes from exec. */
static int
birth_report(const mproc__proc_pipe_t *report)
{
    int error = 0;
    ssize_t size;

    do {
        size = read(report->read, &error, sizeof error);
    } while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof error ? error : 0;
}

static apr_status_t
birth_begin(mproc_plat_proc_t *proc, mproc__spawn_child_t *child,
            mproc__proc_pipe_t *report)
{
    sigset_t all;
    int cancel;
    int error = 0;

    /* No handler of the host's may run in the new process. */
    sigfillset(&all);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_sigmask(SIG_SETMASK, &all, &child->mask);
    mproc__proc_pipe_give(report);
    pid_t pid = birth_fork();
    if (pid == 0) {
        birth_run(child, report);
    }
    if (pid < 0) {
        error = errno;
    }
    mproc__proc_pipe_give(NULL);
    mproc__proc_pipe_shut(report);
    if (pid > 0) {
        error = birth_report(report);
        while (error != 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &child->mask, NULL);
    pthread_setcancelstate(cancel, NULL);
    if (error == 0) {
        proc->pid = pid;
        proc->child = 1;
    }
    return error;
}

apr_status_t
mproc_plat_proc_spawn(mproc_plat_proc_t *proc, const mproc_plat_spawn_t *spawn,
                      apr_pool_t *pool)
{
    mproc__spawn_child_t child;
    mproc__proc_pipe_t report;

    memset(proc, 0, sizeof *proc);
    proc->handle = -1;
    apr_status_t rv = mproc__spawn_child_prepare(&child, spawn, pool);
    if (rv == APR_SUCCESS) {
        rv = mproc__proc_pipe_open(&report) == 0 ? APR_SUCCESS : errno;
    }
    if (rv == APR_SUCCESS) {
        rv = birth_begin(proc, &child, &report);
        close(report.read);
    }
    mproc__spawn_child_done(&child);
    return rv;
}

apr_status_t
mproc_plat_proc_self(mproc_plat_proc_t *self)
{
    self->pid = getpid();
    self->child = 0;
    self->handle = mproc__proc_pipe_self();
    return self->handle >= 0 ? APR_SUCCESS : errno;
}

apr_status_t
mproc_plat_proc_adopt(mproc_plat_proc_t *parent, apr_int64_t pid,
                      apr_int64_t handle)
{
    parent->pid = pid;
    parent->handle = -1;
    parent->child = 0;
    if (mproc__fd_cloexec((int)handle, 1) != 0) {
        return errno;
    }
    parent->handle = handle;
    return APR_SUCCESS;
}

/* Look at a child: 1 ended, 0 runs, -1 not ours any more. */
static int
child_look(const mproc_plat_proc_t *proc, siginfo_t *info, int options)
{
    for (;;) {
        memset(info, 0, sizeof *info);
        if (waitid(P_PID, (id_t)proc->pid, info, WEXITED | WNOHANG | options) ==
            0) {
            return info->si_pid != 0;
        }
        if (errno != EINTR) {
            return -1;
        }
    }
}

/* Until the next look; the hint is used up when it has come. */
static void
child_pause(int *hint, apr_time_t look, apr_time_t left)
{
    if (*hint >= 0) {
        struct pollfd item = {.fd = *hint, .events = POLLIN};
        apr_time_t pause = left < LOOK_HINTED ? left : LOOK_HINTED;
        if (poll(&item, 1, (int)((pause + 999) / 1000)) > 0) {
            *hint = -1;
        }
        return;
    }
    struct timespec pause = {.tv_nsec =
                                 (long)(left < look ? left : look) * 1000};
    nanosleep(&pause, NULL);
}

/* Wait for a child; with WNOWAIT it stays to be collected. */
static apr_status_t
child_wait(const mproc_plat_proc_t *proc, apr_time_t deadline, siginfo_t *info,
           int options)
{
    int hint = (int)proc->handle;
    apr_time_t look = LOOK_MIN;
    int ended;

    while ((ended = child_look(proc, info, options)) == 0) {
        apr_time_t now = mproc_plat_clock();
        if (now >= deadline) {
            return APR_TIMEUP;
        }
        child_pause(&hint, look, deadline - now);
        if (hint < 0) {
            look = look * 2 < LOOK_MAX ? look * 2 : LOOK_MAX;
        }
    }
    if (ended < 0) {
        info->si_pid = 0;
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_proc_wait(mproc_plat_proc_t *proc, apr_time_t deadline,
                     mproc_plat_exit_t *exit)
{
    siginfo_t info;
    int child = __atomic_load_n(&proc->child, __ATOMIC_RELAXED);

    memset(exit, 0, sizeof *exit);
    if (child == COLLECTED) {
        return APR_SUCCESS;
    }
    if (child == 0) {
        return mproc__fd_wait((int)proc->handle, POLLIN, deadline);
    }
    apr_status_t rv = child_wait(proc, deadline, &info, 0);
    if (rv == APR_SUCCESS) {
        __atomic_store_n(&proc->child, COLLECTED, __ATOMIC_RELAXED);
    }
    if (rv != APR_SUCCESS || info.si_pid == 0) {
        return rv;
    }
    exit->known = 1;
    exit->code = info.si_status;
    if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
        exit->signal = info.si_status;
        exit->code = -info.si_status;
        exit->core = info.si_code == CLD_DUMPED;
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_proc_look(const mproc_plat_proc_t *proc, apr_time_t deadline)
{
    siginfo_t info;
    int child = __atomic_load_n(&proc->child, __ATOMIC_RELAXED);

    return child == COLLECTED ? APR_SUCCESS
           : child == 0 ? mproc__fd_wait((int)proc->handle, POLLIN, deadline)
                        : child_wait(proc, deadline, &info, WNOWAIT);
}

int
mproc_plat_proc_is_stopped(const mproc_plat_proc_t *proc)
{
    siginfo_t info = {0};

    return __atomic_load_n(&proc->child, __ATOMIC_RELAXED) == 1 &&
           waitid(P_PID, (id_t)proc->pid, &info,
                  WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0 && info.si_code == CLD_STOPPED;
}

apr_status_t
mproc_plat_proc_signal(mproc_plat_proc_t *proc, mproc_plat_signal_e what)
{
    int number = what == MPROC_PLAT_INTERRUPT   ? SIGINT
                 : what == MPROC_PLAT_TERMINATE ? SIGTERM
                                                : SIGKILL;
    int child = __atomic_load_n(&proc->child, __ATOMIC_RELAXED);
    siginfo_t info;

    /* While a child has not been collected, its pid is no one else's. */
    if (child == COLLECTED ||
        (child == 1 && child_look(proc, &info, WNOWAIT) != 0)) {
        return APR_SUCCESS;
    }
    if (child == 0 &&
        mproc__fd_wait((int)proc->handle, POLLIN, 0) == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    return kill((pid_t)proc->pid, number) == 0 || errno == ESRCH ? APR_SUCCESS
                                                                 : errno;
}

void
mproc_plat_proc_release(mproc_plat_proc_t *proc)
{
    if (proc->handle >= 0) {
        close((int)proc->handle);
        proc->handle = -1;
    }
}

apr_status_t
mproc_plat_proc_streams(apr_file_t *const stream[3], apr_pool_t *pool)
{
    int source[3];
    int null;

    (void)pool;
    apr_status_t rv = mproc__fd_streams(source, &null, stream);
    if (rv == APR_SUCCESS && mproc__fd_arrange(source) != 0) {
        rv = errno;
    }
    if (null >= 0) {
        close(null);
    }
    return rv;
}

void
mproc_plat_proc_die(void)
{
    kill(getpid(), SIGKILL);
    /* The first process of a container does not die of that. */
    _exit(128 + SIGKILL);
}
