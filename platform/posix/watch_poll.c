/*
 * watch_poll.c: be told when processes end, by one thread that polls.
 *
 * Handles are hints, as in proc_posix.c: a child has ended when waitid()
 * says so, and is looked at in intervals; where a handle would tell, they
 * are longer. Removal is safe since an ended process counts only while it is
 * in the table; and remove waits for the call under way.
 */
#define _GNU_SOURCE 1

#include "plat_watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix/descriptor.h"

#define STACK ((size_t)256 * 1024)

/* Between two looks at children, in milliseconds. */
#define LOOK 5
#define LOOK_HINTED 100

typedef struct entry_t {
    apr_uint64_t serial;
    apr_uint64_t token;
    mproc_plat_proc_t proc;
    int hint; /* the handle, until it has spoken; or -1 */
} entry_t;

struct mproc_plat_watch_t {
    int wake[2]; /* written to when the table has changed */
    pthread_t thread;
    mproc_plat_ended_fn_t ended;
    void *baton;
    struct pollfd *items; /* the thread's own */
    size_t items_room;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t told;
    entry_t *entries;
    size_t count;
    size_t room;
    apr_uint64_t serial;  /* the last one given */
    apr_uint64_t telling; /* serial of the call under way, or 0 */
    apr_uint64_t telling_token;
    struct mproc_plat_watch_t *next; /* never changes */
};

/* All watchers of this process, so that a forked child can close what it
 * cannot use. */
static mproc_plat_watch_t *_Atomic watches;
static pthread_once_t watches_once = PTHREAD_ONCE_INIT;

static void
watches_forget(void)
{
    mproc_plat_watch_t *watch = atomic_exchange(&watches, NULL);

    for (; watch != NULL; watch = watch->next) {
        close(watch->wake[0]);
        close(watch->wake[1]);
    }
}

static void
watches_prepare(void)
{
    (void)pthread_atfork(NULL, NULL, watches_forget);
}

static int
entry_ended(const entry_t *entry)
{
    siginfo_t info;

    if (!entry->proc.child) {
        return mproc__fd_wait((int)entry->proc.handle, POLLIN, 0) ==
               APR_SUCCESS;
    }
    memset(&info, 0, sizeof info);
    return waitid(P_PID, (id_t)entry->proc.pid, &info,
                  WEXITED | WNOHANG | WNOWAIT) == 0
               ? info.si_pid != 0
               : errno == ECHILD;
}

/* Tell of one that has ended; called and returns with the mutex locked. */
static int
watch_tell(mproc_plat_watch_t *watch)
{
    size_t i = 0;

    while (i < watch->count && !entry_ended(&watch->entries[i])) {
        i++;
    }
    if (i == watch->count) {
        return 0;
    }
    watch->telling = watch->entries[i].serial;
    watch->telling_token = watch->entries[i].token;
    watch->entries[i] = watch->entries[--watch->count];
    apr_uint64_t token = watch->telling_token;
    pthread_mutex_unlock(&watch->mutex);
    watch->ended(token, watch->baton);
    pthread_mutex_lock(&watch->mutex);
    watch->telling = 0;
    pthread_cond_broadcast(&watch->told);
    return 1;
}

/* What to poll, and for how long; with the mutex locked. */
static size_t
items_fill(mproc_plat_watch_t *watch, int *timeout)
{
    size_t count = 1;

    *timeout = -1;
    watch->items[0] = (struct pollfd){.fd = watch->wake[0], .events = POLLIN};
    for (size_t i = 0; i < watch->count; i++) {
        const entry_t *entry = &watch->entries[i];
        int hinted = entry->hint >= 0 && count < watch->items_room;
        if (hinted) {
            watch->items[count++] =
                (struct pollfd){.fd = entry->hint, .events = POLLIN};
        }
        if (!hinted) {
            *timeout = LOOK;
        }
        else if (entry->proc.child && *timeout < 0) {
            *timeout = LOOK_HINTED;
        }
    }
    return count;
}

/* A hint that has spoken would do so for ever. */
static void
items_used(mproc_plat_watch_t *watch, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (watch->items[i].revents == 0) {
            continue;
        }
        for (size_t j = 0; j < watch->count; j++) {
            if (watch->entries[j].hint == watch->items[i].fd &&
                watch->entries[j].proc.child) {
                watch->entries[j].hint = -1;
            }
        }
    }
}

/* Room to poll them all; without, those left over are looked at often. */
static void
items_grow(mproc_plat_watch_t *watch)
{
    if (watch->items_room <= watch->count) {
        size_t room = watch->room + 1;
        struct pollfd *more = realloc(watch->items, room * sizeof *more);
        if (more != NULL) {
            watch->items = more;
            watch->items_room = room;
        }
    }
}

static void *
watch_run(void *baton)
{
    mproc_plat_watch_t *watch = baton;
    char bytes[64];
    int timeout;

    pthread_mutex_lock(&watch->mutex);
    for (;;) {
        while (watch_tell(watch)) {
        }
        items_grow(watch);
        size_t count = items_fill(watch, &timeout);
        pthread_mutex_unlock(&watch->mutex);
        int found = poll(watch->items, (nfds_t)count, timeout);
        if (found > 0 && watch->items[0].revents != 0 &&
            read(watch->wake[0], bytes, sizeof bytes) <= 0 && errno != EAGAIN &&
            errno != EINTR) {
            /* The host has closed the descriptor under us. */
            return NULL;
        }
        pthread_mutex_lock(&watch->mutex);
        if (found > 0) {
            items_used(watch, count);
        }
    }
}

/* Its own signals are the host's business, not this thread's. */
static apr_status_t
watch_start(mproc_plat_watch_t *watch)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    int rv = pthread_attr_init(&attributes);
    if (rv != 0) {
        return rv;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    long least = sysconf(_SC_THREAD_STACK_MIN);
    pthread_attr_setstacksize(&attributes,
                              STACK + (least > 0 ? (size_t)least : 0));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(&watch->thread, &attributes, watch_run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rv;
}

static apr_status_t
wake_open(int wake[2])
{
    return mproc__fd_pipe(wake) == 0 &&
                   fcntl(wake[0], F_SETFL, O_NONBLOCK) == 0 &&
                   fcntl(wake[1], F_SETFL, O_NONBLOCK) == 0
               ? APR_SUCCESS
               : errno;
}

static void
watch_free(mproc_plat_watch_t *watch)
{
    for (int i = 0; i < 2; i++) {
        if (watch->wake[i] >= 0) {
            close(watch->wake[i]);
        }
    }
    free(watch->items);
    free(watch);
}

apr_status_t
mproc_plat_watch_create(mproc_plat_watch_t **watch, mproc_plat_ended_fn_t ended,
                        void *baton)
{
    *watch = NULL;
    pthread_once(&watches_once, watches_prepare);
    mproc_plat_watch_t *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return APR_ENOMEM;
    }
    made->wake[0] = -1;
    made->wake[1] = -1;
    made->ended = ended;
    made->baton = baton;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->told, NULL);
    made->items = malloc(sizeof *made->items);
    made->items_room = 1;
    apr_status_t rv = made->items == NULL ? APR_ENOMEM : wake_open(made->wake);
    if (rv == APR_SUCCESS) {
        rv = watch_start(made);
    }
    if (rv != APR_SUCCESS) {
        watch_free(made);
        return rv;
    }
    made->next = atomic_load(&watches);
    while (!atomic_compare_exchange_weak(&watches, &made->next, made)) {
    }
    *watch = made;
    return APR_SUCCESS;
}

/* A full pipe has woken the thread already. */
static void
watch_wake(const mproc_plat_watch_t *watch)
{
    while (write(watch->wake[1], "", 1) < 0 && errno == EINTR) {
    }
}

apr_status_t
mproc_plat_watch_add(mproc_plat_watch_t *watch, const mproc_plat_proc_t *proc,
                     apr_uint64_t token)
{
    apr_status_t rv = APR_SUCCESS;

    pthread_mutex_lock(&watch->mutex);
    if (watch->count == watch->room) {
        size_t room = watch->room != 0 ? watch->room * 2 : 16;
        entry_t *more = realloc(watch->entries, room * sizeof *more);
        if (more == NULL) {
            rv = APR_ENOMEM;
        }
        else {
            watch->entries = more;
            watch->room = room;
        }
    }
    if (rv == APR_SUCCESS) {
        watch->entries[watch->count++] = (entry_t){.serial = ++watch->serial,
                                                   .token = token,
                                                   .proc = *proc,
                                                   .hint = (int)proc->handle};
        watch_wake(watch);
    }
    pthread_mutex_unlock(&watch->mutex);
    return rv;
}

void
mproc_plat_watch_remove(mproc_plat_watch_t *watch,
                        const mproc_plat_proc_t *proc, apr_uint64_t token)
{
    pthread_mutex_lock(&watch->mutex);
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->entries[i].token == token &&
            watch->entries[i].proc.pid == proc->pid) {
            watch->entries[i] = watch->entries[--watch->count];
            watch_wake(watch);
            pthread_mutex_unlock(&watch->mutex);
            return;
        }
    }
    apr_uint64_t telling = watch->telling;
    if (telling != 0 && watch->telling_token == token &&
        !pthread_equal(watch->thread, pthread_self())) {
        while (watch->telling == telling) {
            pthread_cond_wait(&watch->told, &watch->mutex);
        }
    }
    pthread_mutex_unlock(&watch->mutex);
}
