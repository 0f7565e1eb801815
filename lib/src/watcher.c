/*
 * watcher.c: one thread at most that is told when processes end: the parent,
 * whose end is ours, and those children that somebody wants to hear of.
 */
#include "family.h"

#include <stdint.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "../../platform/plat_watch.h"
#include "error.h"
#include "names.h"
#include "parking.h"

#define TOKEN_PARENT 0

static mproc_plat_watch_t *watch;

void
mproc__watch_forget(void)
{
    watch = NULL;
}

/* A parent that was killed takes its children along; what it had begun is
 * repaired first, as nobody else may be left to notice. So are the names that
 * the tree has, by the last of the children. */
static void
parent_ended(void)
{
    mproc__peers_ended(mproc__family.parent->proc.pid);
    mproc__names_end();
    mproc_plat_proc_die();
}

static void
watch_ended(apr_uint64_t token, void *unused)
{
    (void)unused;
    if (token == TOKEN_PARENT) {
        parent_ended();
        return;
    }
    /* Who takes the watch off waits for this call: the object stays. */
    mproc_process_t *process = (mproc_process_t *)(uintptr_t)token;
    (void)mproc__process_wait(process, MPROC_PLAT_NEVER);
    process->ended(process, process->baton);
}

/* The lock is not held: whoever comes second finds it made. */
static apr_status_t
watch_ready(void)
{
    char text[128];
    apr_status_t rv = APR_SUCCESS;

    mproc__family_lock();
    if (watch == NULL) {
        rv = mproc_plat_watch_create(&watch, watch_ended, NULL);
        atomic_fetch_add(&mproc__own_threads, rv == APR_SUCCESS);
    }
    mproc__family_unlock();
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "cannot start the thread that watches processes: "
                           "%s",
                           apr_strerror(rv, text, sizeof text));
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__watch_parent(void)
{
    apr_status_t rv = watch_ready();

    if (rv == APR_SUCCESS) {
        rv = mproc_plat_watch_add(watch, &mproc__family.parent->proc,
                                  TOKEN_PARENT);
    }
    return rv;
}

apr_status_t
mproc__process_watch(mproc_process_t *process,
                     void (*ended)(mproc_process_t *process, void *baton),
                     void *baton)
{
    char text[128];
    apr_status_t rv = mproc__process_started(process, "watch");

    if (rv == APR_SUCCESS) {
        rv = watch_ready();
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    process->ended = ended;
    process->baton = baton;
    process->watched = 1;
    rv = mproc_plat_watch_add(watch, &process->proc,
                              (apr_uint64_t)(uintptr_t)process);
    if (rv != APR_SUCCESS) {
        process->watched = 0;
        return mproc__fail(rv, "cannot watch %s: %s", process->name,
                           apr_strerror(rv, text, sizeof text));
    }
    return APR_SUCCESS;
}

static void
process_unpark(mproc_process_t *process, void *word)
{
    (void)process;
    mproc__unpark(word, MPROC__ALL);
}

/* The word lies in the record, which may be gone when it is unparked: it is
 * only a name then. */
apr_status_t
mproc__process_announce(mproc_process_t *process, void **word)
{
    apr_status_t rv = mproc__process_started(process, "wait for");
    int first = 0;

    *word = NULL;
    if (rv == APR_SUCCESS) {
        rv = watch_ready();
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__family_lock();
    if (atomic_load(&process->life) < MPROC__SETTLED) {
        first = !process->watched;
        if (first) {
            process->watched = 1;
            process->ended = process_unpark;
            process->baton = (void *)&process->record->told;
        }
        *word = process->baton;
    }
    mproc__family_unlock();
    if (first) {
        rv = mproc_plat_watch_add(watch, &process->proc,
                                  (apr_uint64_t)(uintptr_t)process);
        process->watched = rv == APR_SUCCESS;
    }
    return rv == APR_SUCCESS
               ? rv
               : mproc__fail(rv, "cannot watch %s", process->name);
}

void
mproc__process_unwatch(mproc_process_t *process)
{
    if (process->watched && process->epoch == mproc__peers_epoch()) {
        mproc_plat_watch_remove(watch, &process->proc,
                                (apr_uint64_t)(uintptr_t)process);
        process->watched = 0;
    }
}
