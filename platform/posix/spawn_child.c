/*
 * spawn_child.c: what happens in a new process between its birth and exec.
 *
 * The hard thing: on Linux this runs in the memory of the parent, beside its
 * other threads. So it writes nothing but its own stack and the plan.
 */
#define _GNU_SOURCE 1

#include "posix/spawn_child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include "posix/descriptor.h"
#include "posix/program.h"

extern char **environ;

static int
number_compare(const void *a, const void *b)
{
    int first = *(const int *)a;
    int second = *(const int *)b;

    return (first > second) - (first < second);
}

static apr_status_t
child_inherit(mproc__spawn_child_t *child, const mproc_plat_spawn_t *spawn,
              apr_pool_t *pool)
{
    int *list =
        apr_pcalloc(pool, sizeof *list * ((size_t)spawn->inherit_count + 1));
    int count = 0;

    for (int i = 0; i < spawn->inherit_count; i++) {
        list[i] = (int)spawn->inherit[i];
        if (list[i] <= STDERR_FILENO || fcntl(list[i], F_GETFD) < 0) {
            return APR_EBADF;
        }
    }
    qsort(list, (size_t)spawn->inherit_count, sizeof *list, number_compare);
    for (int i = 0; i < spawn->inherit_count; i++) {
        if (count == 0 || list[count - 1] != list[i]) {
            list[count++] = list[i];
        }
    }
    child->inherit = list;
    child->inherit_count = count;
    return APR_SUCCESS;
}

static void
child_ignored(mproc__spawn_child_t *child)
{
    sigemptyset(&child->ignored);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 &&
            (action.sa_flags & SA_SIGINFO) == 0 &&
            action.sa_handler == SIG_IGN) {
            sigaddset(&child->ignored, number);
        }
    }
}

apr_status_t
mproc__spawn_child_prepare(mproc__spawn_child_t *child,
                           const mproc_plat_spawn_t *spawn, apr_pool_t *pool)
{
    memset(child, 0, sizeof *child);
    child->null = -1;
    /* execve() takes them without const and changes nothing. */
    child->argv = (char *const *)(apr_uintptr_t)spawn->argv;
    child->environment = (char *const *)(apr_uintptr_t)spawn->environment;
    if (child->environment == NULL) {
        child->environment = environ;
    }
    child->directory = spawn->directory;
    child_ignored(child);
    child->program = spawn->program;
    apr_status_t rv = APR_SUCCESS;
    if (child->program == NULL) {
        rv = mproc__program_path(&child->program, spawn->argv[0], pool);
    }
    if (rv == APR_SUCCESS) {
        rv = child_inherit(child, spawn, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__fd_streams(child->source, &child->null, spawn->stream);
    }
    return rv;
}

void
mproc__spawn_child_done(mproc__spawn_child_t *child)
{
    if (child->null >= 0) {
        close(child->null);
        child->null = -1;
    }
}

/* A handler must not run here, in the parent's memory; exec would reset it
 * anyhow. Ignored signals stay ignored. */
static void
child_signals(const mproc__spawn_child_t *child)
{
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&child->ignored, number) != 1) {
            mproc__spawn_child_default(number);
        }
    }
    sigprocmask(SIG_SETMASK, &child->mask, NULL);
}

MPROC__BORROWED int
mproc__spawn_child_run(mproc__spawn_child_t *child, int spare)
{
    if (mproc__fd_arrange(child->source) != 0) {
        return errno;
    }
    for (int i = 1; i < 3; i++) {
        if (child->source[i] < 0) {
            /* As now, even when the host has marked it. Closed is fine. */
            (void)mproc__fd_cloexec(i, 0);
        }
    }
    if (mproc__spawn_child_close(child) != 0) {
        return errno;
    }
    if (spare >= 0 && mproc__fd_cloexec(spare, 1) != 0) {
        return errno;
    }
    for (int i = 0; i < child->inherit_count; i++) {
        if (mproc__fd_cloexec(child->inherit[i], 0) != 0) {
            return errno;
        }
    }
    if (child->directory != NULL && chdir(child->directory) != 0) {
        return errno;
    }
    child_signals(child);
    execve(child->program, child->argv, child->environment);
    return errno;
}
