/*
 * shutdown.c: what a normal end ends.
 *
 * First the hooks, the last registered first; then daemonic children, in
 * bounded steps; then the others are waited for; last the fork server goes.
 * What fails is passed over. Children may still be started meanwhile, so
 * each step is repeated until there is nobody left.
 */
#include "family.h"

#include <stdlib.h>

#include <apr_time.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "names.h"
#include "trace.h"

/* How long a daemonic child may take to end by itself, in microseconds. */
#define GRACE (2 * 1000 * 1000)

typedef struct hook_t {
    struct hook_t *next;
    void (*run)(void *baton);
    void *baton;
} hook_t;

static hook_t *hooks;
static hook_t *running; /* those that do, off that list */
static _Thread_local int runs_hooks;
static int exit_enabled = 1;

void
mproc__shutdown_forget(void)
{
    /* Not freed: what they would free is the parent's. */
    hooks = NULL;
    running = NULL;
    runs_hooks = 0;
}

apr_status_t
mproc__at_shutdown(void (*run)(void *baton), void *baton)
{
    hook_t *hook = malloc(sizeof *hook);

    if (hook == NULL) {
        return mproc__fail(APR_ENOMEM, "cannot note what is to be done at the "
                                       "end of this process: memory is "
                                       "short");
    }
    hook->run = run;
    hook->baton = baton;
    mproc__family_lock();
    hook->next = hooks;
    hooks = hook;
    mproc__family_unlock();
    return APR_SUCCESS;
}

/* Where on a list it is; NULL: it is not. */
static hook_t **
hook_find(hook_t **list, void (*run)(void *baton), void *baton)
{
    for (; *list != NULL; list = &(*list)->next) {
        if ((*list)->run == run && (*list)->baton == baton) {
            return list;
        }
    }
    return NULL;
}

/* One that runs just now, in another thread, has ended when this returns: then
 * what it uses may go. */
void
mproc__at_shutdown_remove(void (*run)(void *baton), void *baton)
{
    hook_t **hook, *found = NULL;

    mproc__family_lock();
    while (!runs_hooks && hook_find(&running, run, baton) != NULL) {
        mproc__family_unlock();
        apr_sleep(1000);
        mproc__family_lock();
    }
    hook = hook_find(&hooks, run, baton);
    if (hook != NULL) {
        found = *hook;
        *hook = found->next;
    }
    mproc__family_unlock();
    free(found);
}

static void
hooks_run(void)
{
    hook_t **at;

    for (;;) {
        mproc__family_lock();
        hook_t *hook = hooks;
        if (hook != NULL) {
            hooks = hook->next;
            hook->next = running;
            running = hook;
        }
        runs_hooks = hook != NULL;
        mproc__family_unlock();
        if (hook == NULL) {
            return;
        }
        hook->run(hook->baton);
        mproc__family_lock();
        for (at = &running; *at != hook; at = &(*at)->next) {
        }
        *at = hook->next;
        mproc__family_unlock();
        free(hook);
    }
}

/* A child that is still to be ended; it is taken. */
static mproc_process_t *
child_find(int daemon)
{
    mproc__family_lock();
    mproc_process_t *child = mproc__family.children;
    while (child != NULL &&
           (child->hidden || child->given_up || (daemon && !child->daemon))) {
        child = child->next;
    }
    if (child != NULL) {
        mproc__process_take(child);
    }
    mproc__family_unlock();
    return child;
}

/* All are told first, so that they end side by side. */
static void
daemons_tell(void)
{
    mproc__family_lock();
    for (mproc_process_t *child = mproc__family.children; child != NULL;
         child = child->next) {
        if (child->daemon && !child->hidden) {
            (void)mproc_plat_proc_signal(&child->proc, MPROC_PLAT_TERMINATE);
        }
    }
    mproc__family_unlock();
}

static void
daemons_end(void)
{
    apr_time_t limit = 0;
    mproc_process_t *child;

    daemons_tell();
    while ((child = child_find(1)) != NULL) {
        limit = limit != 0 ? limit : mproc_plat_clock() + GRACE;
        if (mproc__process_wait(child, limit) != APR_SUCCESS &&
            mproc_process_stop(child, 0) != APR_SUCCESS) {
            child->given_up = 1;
        }
        mproc__process_drop(child);
    }
}

static void
children_join(void)
{
    mproc_process_t *child;

    while ((child = child_find(0)) != NULL) {
        if (mproc__process_wait(child, MPROC_PLAT_NEVER) != APR_SUCCESS) {
            child->given_up = 1;
        }
        mproc__process_drop(child);
    }
}

void
mproc_shutdown(void)
{
    if (atomic_load(&mproc__family.stage) != MPROC__STAGE_READY) {
        return;
    }
    hooks_run();
    daemons_end();
    children_join();
    mproc__forkserver_stop();
}

void
mproc_shutdown_at_exit(int enabled)
{
    exit_enabled = enabled;
}

static void
shutdown_at_exit(void)
{
    if (exit_enabled) {
        mproc_shutdown();
        mproc__names_end();
        if (mproc__family.parent == NULL) {
            mproc__trace_end();
        }
    }
}

apr_status_t
mproc__shutdown_register(void)
{
    if (atexit(shutdown_at_exit) != 0) {
        return mproc__fail(APR_ENOMEM, "cannot register with atexit(): "
                                       "memory is short");
    }
    return APR_SUCCESS;
}
