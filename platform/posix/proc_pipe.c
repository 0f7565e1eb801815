/*
 * proc_pipe.c: pipes that tell the end of a process by an end of file.
 *
 * That works only while no other process has the write end. Exec closes it;
 * for fork, whoever calls it, all write ends stand in a list, and a hook
 * closes them in the child. The list is locked throughout a fork, so that
 * none is overlooked.
 */
#define _GNU_SOURCE 1

#include "posix/proc_pipe.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include <sys/types.h>
#include <unistd.h>

#include "posix/descriptor.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_error;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static mproc__proc_pipe_t *pipes;

/* Of this process: ours, and the end that our parent watches. */
static mproc__proc_pipe_t own = {.read = -1, .write = -1};
static pid_t own_pid;
static mproc__proc_pipe_t birth = {.read = -1, .write = -1};

static _Thread_local mproc__proc_pipe_t *thread_gives;

static void
fork_before(void)
{
    pthread_mutex_lock(&mutex);
}

static void
fork_in_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

static void
fork_in_child(void)
{
    int kept = thread_gives != NULL ? thread_gives->write : -1;

    for (mproc__proc_pipe_t *each = pipes; each != NULL; each = each->next) {
        if (each->write != kept) {
            close(each->write);
        }
    }
    pipes = NULL;
    own.write = -1;
    birth.write = kept;
    if (kept >= 0) {
        birth.next = NULL;
        pipes = &birth;
    }
    pthread_mutex_unlock(&mutex);
}

static void
hooks_prepare(void)
{
    once_error = pthread_atfork(fork_before, fork_in_parent, fork_in_child);
}

/* With the list locked. */
static int
pipe_open(mproc__proc_pipe_t *made)
{
    int end[2];
    int rv = mproc__fd_pipe(end);

    made->read = end[0];
    made->write = end[1];
    if (rv == 0) {
        made->next = pipes;
        pipes = made;
    }
    return rv;
}

int
mproc__proc_pipe_open(mproc__proc_pipe_t *made)
{
    made->read = -1;
    made->write = -1;
    pthread_once(&once, hooks_prepare);
    if (once_error != 0) {
        errno = once_error;
        return -1;
    }
    pthread_mutex_lock(&mutex);
    int rv = pipe_open(made);
    pthread_mutex_unlock(&mutex);
    return rv;
}

void
mproc__proc_pipe_give(mproc__proc_pipe_t *given)
{
    thread_gives = given;
}

void
mproc__proc_pipe_shut(mproc__proc_pipe_t *made)
{
    pthread_mutex_lock(&mutex);
    mproc__proc_pipe_t **link = &pipes;
    while (*link != NULL && *link != made) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = made->next;
    }
    if (made->write >= 0) {
        close(made->write);
        made->write = -1;
    }
    pthread_mutex_unlock(&mutex);
}

int
mproc__proc_pipe_self(void)
{
    pthread_once(&once, hooks_prepare);
    if (once_error != 0) {
        errno = once_error;
        return -1;
    }
    pthread_mutex_lock(&mutex);
    /* After a fork the read end is the parent's, and stays open for that. */
    if (own_pid != getpid() && pipe_open(&own) == 0) {
        own_pid = getpid();
    }
    int fd = own_pid == getpid() ? own.read : -1;
    pthread_mutex_unlock(&mutex);
    return fd;
}
