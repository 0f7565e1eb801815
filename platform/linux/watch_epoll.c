/*
 * watch_epoll.c: be told when processes end, on Linux: pidfds in an epoll.
 *
 * The hard one is removal: between the kernel's event and our call somebody
 * may remove the process, and its token and descriptor be used again. So an
 * event carries a serial number, and counts only while the number is in the
 * table; and remove waits for the call under way.
 */
#define _GNU_SOURCE 1

#include "plat_watch.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sys/epoll.h>
#include <unistd.h>

#include "posix/descriptor.h"

#define STACK ((size_t)256 * 1024)

typedef struct entry_t {
    apr_uint64_t serial;
    apr_uint64_t token;
    int fd;
} entry_t;

struct mproc_plat_watch_t {
    int epoll;
    pthread_t thread;
    mproc_plat_ended_fn_t ended;
    void *baton;
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
        close(watch->epoll);
    }
}

static void
watches_prepare(void)
{
    (void)pthread_atfork(NULL, NULL, watches_forget);
}

static void
entry_remove(mproc_plat_watch_t *watch, size_t index)
{
    /* Fails when the owner has closed the descriptor: then it is out. */
    (void)epoll_ctl(watch->epoll, EPOLL_CTL_DEL, watch->entries[index].fd,
                    NULL);
    watch->entries[index] = watch->entries[--watch->count];
}

static void
entry_tell(mproc_plat_watch_t *watch, apr_uint64_t serial)
{
    pthread_mutex_lock(&watch->mutex);
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->entries[i].serial == serial) {
            watch->telling = serial;
            watch->telling_token = watch->entries[i].token;
            entry_remove(watch, i);
            break;
        }
    }
    int found = watch->telling != 0;
    apr_uint64_t token = watch->telling_token;
    pthread_mutex_unlock(&watch->mutex);
    if (!found) {
        return;
    }
    watch->ended(token, watch->baton);
    pthread_mutex_lock(&watch->mutex);
    watch->telling = 0;
    pthread_cond_broadcast(&watch->told);
    pthread_mutex_unlock(&watch->mutex);
}

static void *
watch_run(void *baton)
{
    mproc_plat_watch_t *watch = baton;
    struct epoll_event event;

    for (;;) {
        int count = epoll_wait(watch->epoll, &event, 1, -1);
        if (count > 0) {
            entry_tell(watch, event.data.u64);
        }
        else if (count < 0 && errno != EINTR) {
            /* The host has closed the descriptor under us. */
            return NULL;
        }
    }
}

static int
stack_default(pthread_attr_t *attributes)
{
    pthread_attr_t usual;
    size_t size;

    int rv = pthread_attr_init(&usual);
    if (rv != 0) {
        return rv;
    }
    pthread_attr_getstacksize(&usual, &size);
    pthread_attr_destroy(&usual);
    return pthread_attr_setstacksize(attributes, size);
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
    if (rv == EINVAL) {
        /* The program's thread-local data alone does not fit. */
        rv = stack_default(&attributes);
        rv = rv != 0 ? rv
                     : pthread_create(&watch->thread, &attributes, watch_run,
                                      watch);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rv;
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
    made->ended = ended;
    made->baton = baton;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->told, NULL);
    made->epoll = mproc__fd_private(epoll_create1(EPOLL_CLOEXEC));
    apr_status_t rv = made->epoll < 0 ? errno : watch_start(made);
    if (rv != APR_SUCCESS) {
        if (made->epoll >= 0) {
            close(made->epoll);
        }
        free(made);
        return rv;
    }
    made->next = atomic_load(&watches);
    while (!atomic_compare_exchange_weak(&watches, &made->next, made)) {
    }
    *watch = made;
    return APR_SUCCESS;
}

static apr_status_t
entry_add(mproc_plat_watch_t *watch, int fd, apr_uint64_t token)
{
    if (watch->count == watch->room) {
        size_t room = watch->room != 0 ? watch->room * 2 : 16;
        entry_t *more = realloc(watch->entries, room * sizeof *more);
        if (more == NULL) {
            return APR_ENOMEM;
        }
        watch->entries = more;
        watch->room = room;
    }
    entry_t entry = {.serial = ++watch->serial, .token = token, .fd = fd};
    /* Once: the handle may be closed when its end has been told. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    event.data.u64 = entry.serial;
    if (epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        return errno;
    }
    watch->entries[watch->count++] = entry;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_watch_add(mproc_plat_watch_t *watch, const mproc_plat_proc_t *proc,
                     apr_uint64_t token)
{
    pthread_mutex_lock(&watch->mutex);
    apr_status_t rv = entry_add(watch, (int)proc->handle, token);
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
            watch->entries[i].fd == (int)proc->handle) {
            entry_remove(watch, i);
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
