/*
 * thread_posix.c: a thread of the library's own. Signals are the host's
 * business, so it takes none.
 */
#define _GNU_SOURCE 1

#include "plat_sys.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include <pthread.h>
#include <unistd.h>

#define STACK ((size_t)256 * 1024)

typedef struct start_t {
    void (*run)(void *baton);
    void *baton;
} start_t;

static void *
thread_run(void *baton)
{
    start_t start = *(start_t *)baton;

    free(baton);
    start.run(start.baton);
    return NULL;
}

apr_status_t
mproc_plat_thread_start(void (*run)(void *baton), void *baton)
{
    start_t *start = malloc(sizeof *start);
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    long least = sysconf(_SC_THREAD_STACK_MIN);
    int rv;

    if (start == NULL || (rv = pthread_attr_init(&attributes)) != 0) {
        free(start);
        return APR_ENOMEM;
    }
    start->run = run;
    start->baton = baton;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes,
                              STACK + (least > 0 ? (size_t)least : 0));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(&thread, &attributes, thread_run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (rv != 0) {
        free(start);
    }
    return rv;
}
