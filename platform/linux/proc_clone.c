/*
 * proc_clone.c: processes on Linux, held by pidfd.
 *
 * A pidfd means one process for ever, and becomes readable when it ends:
 * no signal handler, no pid that somebody else has by now. The hard one is
 * spawn: the new process runs in our memory, while this thread waits, until
 * it has become another program; so a parent of any size is not copied, and
 * its error is simply there when we go on.
 */
#define _GNU_SOURCE 1

#include "plat_proc.h"

#include <apr_random.h>
#include <apr_thread_proc.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat_sys.h"
#include "posix/descriptor.h"
#include "posix/spawn_child.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* waitid() by descriptor; the C library may be older than the kernel. */
#define ID_BY_PIDFD ((idtype_t)3)

/* Of the kernel's set of signals, in bytes. */
#define SIGNALS_SIZE ((size_t)(NSIG / 8))

/* A sanitizer takes clone() for a fork, and blinds itself in our memory. */
#ifdef __GLIBC__
extern int __clone(int (*run)(void *), void *stack, int flags, void *baton,
                   ...);
#define clone_unseen __clone
#else
#define clone_unseen clone
#endif

#define CHILD_STACK ((size_t)128 * 1024)

/* What parent and new process share while spawn lasts. */
typedef struct birth_t {
    mproc__spawn_child_t child;
    int error;
} birth_t;

static int
pidfd_open_private(pid_t pid)
{
    return mproc__fd_private((int)syscall(SYS_pidfd_open, pid, 0));
}

/* For a child that somebody else has collected already: ready for ever. */
static int
pidfd_of_gone(void)
{
    return mproc__fd_private(eventfd(1, EFD_CLOEXEC));
}

static void
child_abandon(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

int
mproc_plat_proc_can_fork(void)
{
    return 1;
}

apr_status_t
mproc_plat_proc_fork(mproc_plat_proc_t *proc, apr_pool_t *pool)
{
    (void)pool;
    memset(proc, 0, sizeof *proc);
    proc->handle = -1;
    /* Find out beforehand whether there is a descriptor to be had, since a
     * child cannot be taken back unseen. */
    int spare = pidfd_open_private(getpid());
    if (spare < 0) {
        return errno;
    }
    /* As apr_proc_fork() does, in which the linker has not found everything
     * yet: each child would search anew. */
    pid_t pid = fork();
    if (pid == 0) {
        apr_proc_t native = {.pid = getpid()};
        apr_random_after_fork(&native);
        close(spare);
        return APR_INCHILD;
    }
    apr_status_t rv = errno;
    close(spare);
    if (pid < 0) {
        return rv;
    }
    int fd = pidfd_open_private(pid);
    if (fd < 0 && errno == ESRCH) {
        fd = pidfd_of_gone();
    }
    if (fd < 0) {
        rv = errno;
        child_abandon(pid);
        return rv;
    }
    proc->pid = pid;
    proc->handle = fd;
    proc->child = 1;
    return APR_INPARENT;
}

void
mproc__spawn_child_default(int number)
{
    /* Nothing but zeros: so it means the same in the layouts of all
     * processors. The C library is left out, since what stands before it,
     * such as a sanitizer, keeps books in memory that is the parent's. */
    static const unsigned char none[256];

    (void)syscall(SYS_rt_sigaction, number, none, NULL, SIGNALS_SIZE);
}

MPROC__BORROWED static int
birth_run(void *baton)
{
    birth_t *birth = baton;

    birth->error = mproc__spawn_child_run(&birth->child, -1);
    /* Not by a function that somebody may have put before the C library's:
     * it would act in the parent's memory. */
    syscall(SYS_exit_group, 127);
    return 127;
}

/* Without an exit signal the host never hears of a child that did not
 * become a program; exec sets the signal back to SIGCHLD. Emulators want
 * the form of every day. */
static pid_t
birth_clone(birth_t *birth, char *stack_top, int *fd)
{
    *fd = -1;
    pid_t pid = clone_unseen(birth_run, stack_top,
                             CLONE_VM | CLONE_VFORK | CLONE_PIDFD, birth, fd);
    if (pid >= 0 || (errno != EINVAL && errno != ENOSYS)) {
        return pid;
    }
    *fd = -1;
    return clone_unseen(birth_run, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD,
                        birth);
}

/* The new process exists or is a program by now. */
static apr_status_t
birth_finish(mproc_plat_proc_t *proc, const birth_t *birth, pid_t pid, int fd)
{
    if (birth->error != 0) {
        if (fd >= 0) {
            close(fd);
        }
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
        }
        return birth->error;
    }
    fd = fd >= 0 ? mproc__fd_private(fd) : pidfd_open_private(pid);
    if (fd < 0 && errno == ESRCH) {
        fd = pidfd_of_gone();
    }
    if (fd < 0) {
        apr_status_t rv = errno;
        child_abandon(pid);
        return rv;
    }
    proc->pid = pid;
    proc->handle = fd;
    proc->child = 1;
    return APR_SUCCESS;
}

static apr_status_t
birth_begin(mproc_plat_proc_t *proc, birth_t *birth)
{
    sigset_t all;
    int cancel;
    int fd;
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        return errno;
    }
    /* No handler of the host's may run in the new process, and no
     * cancellation end it there. */
    sigfillset(&all);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_sigmask(SIG_SETMASK, &all, &birth->child.mask);
    pid_t pid = birth_clone(birth, stack + CHILD_STACK, &fd);
    apr_status_t rv = pid < 0 ? errno : birth_finish(proc, birth, pid, fd);
    pthread_sigmask(SIG_SETMASK, &birth->child.mask, NULL);
    pthread_setcancelstate(cancel, NULL);
    munmap(stack, CHILD_STACK);
    return rv;
}

apr_status_t
mproc_plat_proc_spawn(mproc_plat_proc_t *proc, const mproc_plat_spawn_t *spawn,
                      apr_pool_t *pool)
{
    birth_t birth;

    memset(proc, 0, sizeof *proc);
    proc->handle = -1;
    memset(&birth, 0, sizeof birth);
    apr_status_t rv = mproc__spawn_child_prepare(&birth.child, spawn, pool);
    if (rv == APR_SUCCESS) {
        rv = birth_begin(proc, &birth);
    }
    mproc__spawn_child_done(&birth.child);
    return rv;
}

/* Pid in the upper half, descriptor in the lower: a forked child sees at
 * once that it is the parent's. No lock, since a fork may copy one held. */
static _Atomic apr_uint64_t self_word;

apr_status_t
mproc_plat_proc_self(mproc_plat_proc_t *self)
{
    pid_t pid = getpid();

    self->pid = pid;
    self->handle = -1;
    self->child = 0;
    for (;;) {
        apr_uint64_t word = atomic_load(&self_word);
        if (word >> 32 == (apr_uint64_t)pid) {
            self->handle = (apr_int64_t)(word & 0xffffffff);
            return APR_SUCCESS;
        }
        int fd = pidfd_open_private(pid);
        if (fd < 0) {
            return errno;
        }
        apr_uint64_t mine = (apr_uint64_t)pid << 32 | (apr_uint64_t)fd;
        if (!atomic_compare_exchange_strong(&self_word, &word, mine)) {
            close(fd);
        }
    }
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

/* Collect it without waiting: 1 collected, 0 not yet ours to have (a debugger
 * gets the end first), -1 not ours any more. One that was killed before it
 * was a program has no exit signal: only __WALL finds it. */
static int
child_collect(const mproc_plat_proc_t *proc, siginfo_t *info)
{
    idtype_t type = ID_BY_PIDFD;
    id_t id = (id_t)proc->handle;

    for (;;) {
        memset(info, 0, sizeof *info);
        if (waitid(type, id, info, WEXITED | WNOHANG | __WALL) == 0) {
            return info->si_pid != 0;
        }
        if (errno == EINTR) {
            continue;
        }
        /* No pidfd, or a kernel before 5.4. */
        if (type != ID_BY_PIDFD || errno == ECHILD) {
            return -1;
        }
        type = P_PID;
        id = (id_t)proc->pid;
    }
}

apr_status_t
mproc_plat_proc_wait(mproc_plat_proc_t *proc, apr_time_t deadline,
                     mproc_plat_exit_t *exit)
{
    siginfo_t info;

    memset(exit, 0, sizeof *exit);
    /* To collect one is to look at it. */
    apr_status_t rv = proc->child && deadline == 0
                          ? APR_SUCCESS
                          : mproc__fd_wait((int)proc->handle, POLLIN, deadline);
    if (rv != APR_SUCCESS || !proc->child) {
        return rv;
    }
    int collected = child_collect(proc, &info);
    if (collected <= 0) {
        return collected < 0 ? APR_SUCCESS : APR_TIMEUP;
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
    return mproc__fd_wait((int)proc->handle, POLLIN, deadline);
}

/* The third field of /proc/PID/stat: the name before it may contain anything,
 * but nothing behind it contains a parenthesis. waitid() would tell of a child
 * only, not of one that the fork server started. */
int
mproc_plat_proc_is_stopped(const mproc_plat_proc_t *proc)
{
    char path[64], text[512];
    ssize_t length = -1;
    const char *at;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)proc->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, text, sizeof text - 1);
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    at = strrchr(text, ')');
    return at != NULL && at[1] == ' ' && at[2] == 'T';
}

/* Where a filter forbids signals by pidfd: the pid is safe as long as the
 * child is ours and has not been collected. */
static apr_status_t
child_kill(const mproc_plat_proc_t *proc, int number)
{
    siginfo_t info;

    if (!proc->child) {
        return APR_ENOTIMPL;
    }
    if (waitid(P_PID, (id_t)proc->pid, &info,
               WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
        return APR_SUCCESS;
    }
    return kill((pid_t)proc->pid, number) == 0 || errno == ESRCH ? APR_SUCCESS
                                                                 : errno;
}

apr_status_t
mproc_plat_proc_signal(mproc_plat_proc_t *proc, mproc_plat_signal_e what)
{
    int number = what == MPROC_PLAT_INTERRUPT   ? SIGINT
                 : what == MPROC_PLAT_TERMINATE ? SIGTERM
                                                : SIGKILL;
    if (syscall(SYS_pidfd_send_signal, (int)proc->handle, number, NULL, 0) ==
            0 ||
        errno == ESRCH) {
        return APR_SUCCESS;
    }
    return errno == EPERM || errno == ENOSYS || errno == EBADF
               ? child_kill(proc, number)
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
