/*
 * spawn_child.h: what happens in a new process between its birth and exec.
 */
#ifndef MPROC_PLATFORM_POSIX_SPAWN_CHILD_H
#define MPROC_PLATFORM_POSIX_SPAWN_CHILD_H

#include <apr_errno.h>
#include <apr_pools.h>

#include <signal.h>

#include "plat_proc.h"

/* For what runs in the new process and does not come back: it may use the
 * parent's memory, where no sanitizer may see a stack begin without an end. */
#define MPROC__BORROWED                                                        \
    __attribute__((no_sanitize("address"), no_sanitize("thread"),              \
                   no_sanitize("undefined")))

/* All that the new process needs, readied before it is born. */
typedef struct mproc__spawn_child_t {
    const char *program;
    char *const *argv;
    char *const *environment;
    const char *directory;
    int source[3];
    int null;           /* of the null device, the caller's to close; or -1 */
    const int *inherit; /* sorted, each once, none a standard stream */
    int inherit_count;
    sigset_t mask;    /* what the program starts with */
    sigset_t ignored; /* signals that it starts with ignored */
} mproc__spawn_child_t;

/* Ready it. Whatever this returns, mproc__spawn_child_done() comes after. */
apr_status_t mproc__spawn_child_prepare(mproc__spawn_child_t *child,
                                        const mproc_plat_spawn_t *spawn,
                                        apr_pool_t *pool);
void mproc__spawn_child_done(mproc__spawn_child_t *child);

/* In the new process, all signals blocked: become the program. Returns errno
 * when that fails. Allocates nothing, and calls async-signal-safe functions
 * alone: the memory may be the parent's. `spare` is one more descriptor to
 * keep until exec, or -1. */
int mproc__spawn_child_run(mproc__spawn_child_t *child, int spare);

/* The back end's own: give a signal its default action, and take no notice
 * when it cannot have another. */
void mproc__spawn_child_default(int number);

/* The back end's own: have exec close all from 3 on but those inherited. */
int mproc__spawn_child_close(const mproc__spawn_child_t *child);

#endif
