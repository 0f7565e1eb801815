/*
 * watch_win32.c: the system's pool of threads waits for the processes.
 *
 * The hard thing: who frees an entry. A wait that ended queues its entry; the
 * thread that finds nobody telling tells, one at a time, until the queue is
 * empty, and frees what it told. Whoever removes an entry before that frees
 * it, once its callback can run no more.
 *
 * One lock, over the lists; `ended` is called without it.
 */
#include "plat_watch.h"

#include "win32.h"

#include <stdlib.h>

typedef enum entry_state_e {
    ENTRY_WATCHED, /* its wait goes on */
    ENTRY_ENDED,   /* in the queue */
    ENTRY_TOLD,    /* `ended` is being called */
    ENTRY_REMOVED  /* out of the lists, its callback leaves it alone */
} entry_state_e;

typedef struct entry_t {
    struct entry_t *next;   /* of all entries */
    struct entry_t *queued; /* of those that have ended */
    mproc_plat_watch_t *watch;
    HANDLE wait;
    apr_int64_t process;
    apr_uint64_t token;
    entry_state_e state;
} entry_t;

struct mproc_plat_watch_t {
    SRWLOCK lock;
    CONDITION_VARIABLE told; /* a call of `ended` has returned */
    entry_t *entries;
    entry_t *queue;
    entry_t **queue_end;
    DWORD teller; /* the thread that tells, or 0 */
    apr_uint64_t calls;
    mproc_plat_ended_fn_t ended;
    void *baton;
};

static void
entry_unlink(entry_t *entry)
{
    entry_t **link = &entry->watch->entries;

    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
}

static void
queue_put(mproc_plat_watch_t *watch, entry_t *entry)
{
    entry->queued = NULL;
    *watch->queue_end = entry;
    watch->queue_end = &entry->queued;
}

static void
queue_remove(mproc_plat_watch_t *watch, entry_t *entry)
{
    entry_t **link = &watch->queue;

    while (*link != entry) {
        link = &(*link)->queued;
    }
    *link = entry->queued;
    if (watch->queue_end == &entry->queued) {
        watch->queue_end = link;
    }
}

/* Tell of the first in the queue. Lock held, let go meanwhile. */
static void
queue_tell(mproc_plat_watch_t *watch)
{
    entry_t *entry = watch->queue;

    queue_remove(watch, entry);
    entry->state = ENTRY_TOLD;
    ReleaseSRWLockExclusive(&watch->lock);
    /* Does not wait: this may be the callback of that very wait. */
    UnregisterWaitEx(entry->wait, NULL);
    watch->ended(entry->token, watch->baton);
    AcquireSRWLockExclusive(&watch->lock);
    entry_unlink(entry);
    free(entry);
    watch->calls++;
    WakeAllConditionVariable(&watch->told);
}

static void CALLBACK
entry_ended(void *baton, BOOLEAN timed_out)
{
    entry_t *entry = baton;
    mproc_plat_watch_t *watch = entry->watch;

    (void)timed_out;
    AcquireSRWLockExclusive(&watch->lock);
    if (entry->state == ENTRY_WATCHED) {
        entry->state = ENTRY_ENDED;
        queue_put(watch, entry);
        if (watch->teller == 0) {
            watch->teller = GetCurrentThreadId();
            while (watch->queue != NULL) {
                queue_tell(watch);
            }
            watch->teller = 0;
        }
    }
    ReleaseSRWLockExclusive(&watch->lock);
}

apr_status_t
mproc_plat_watch_create(mproc_plat_watch_t **watch, mproc_plat_ended_fn_t ended,
                        void *baton)
{
    *watch = calloc(1, sizeof **watch);
    if (*watch == NULL) {
        return APR_ENOMEM;
    }
    mproc__win32_pin();
    InitializeSRWLock(&(*watch)->lock);
    InitializeConditionVariable(&(*watch)->told);
    (*watch)->queue_end = &(*watch)->queue;
    (*watch)->ended = ended;
    (*watch)->baton = baton;
    return APR_SUCCESS;
}

apr_status_t
mproc_plat_watch_add(mproc_plat_watch_t *watch, const mproc_plat_proc_t *proc,
                     apr_uint64_t token)
{
    entry_t *entry;
    apr_status_t rv = APR_SUCCESS;

    if (proc->handle == -1) {
        return APR_EINVAL;
    }
    entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return APR_ENOMEM;
    }
    entry->watch = watch;
    entry->process = proc->handle;
    entry->token = token;
    entry->state = ENTRY_WATCHED;
    /* Held over the call, so that the callback finds `wait` filled in. */
    AcquireSRWLockExclusive(&watch->lock);
    if (RegisterWaitForSingleObject(
            &entry->wait, handle_of(proc->handle), entry_ended, entry, INFINITE,
            WT_EXECUTEONLYONCE | WT_EXECUTELONGFUNCTION)) {
        entry->next = watch->entries;
        watch->entries = entry;
    }
    else {
        rv = mproc__win32_status(GetLastError());
        free(entry);
    }
    ReleaseSRWLockExclusive(&watch->lock);
    return rv;
}

/* Take an entry that is not told of yet out of the lists, and free it. Lock
 * held, let go. */
static void
entry_remove(mproc_plat_watch_t *watch, entry_t *entry)
{
    int watched = entry->state == ENTRY_WATCHED;

    entry_unlink(entry);
    if (!watched) {
        queue_remove(watch, entry);
    }
    entry->state = ENTRY_REMOVED;
    ReleaseSRWLockExclusive(&watch->lock);
    /* A callback that has queued its entry does not look at it again, and
     * may be the one that we are called from. Any other has to be over, and
     * will be at once: it finds its entry removed. */
    UnregisterWaitEx(entry->wait, watched ? INVALID_HANDLE_VALUE : NULL);
    free(entry);
}

void
mproc_plat_watch_remove(mproc_plat_watch_t *watch,
                        const mproc_plat_proc_t *proc, apr_uint64_t token)
{
    entry_t *entry;
    apr_uint64_t calls;

    AcquireSRWLockExclusive(&watch->lock);
    entry = watch->entries;
    while (entry != NULL &&
           (entry->token != token || entry->process != proc->handle)) {
        entry = entry->next;
    }
    if (entry != NULL && entry->state != ENTRY_TOLD) {
        entry_remove(watch, entry);
        return;
    }
    if (entry != NULL && watch->teller != GetCurrentThreadId()) {
        calls = watch->calls;
        while (watch->calls == calls) {
            SleepConditionVariableSRW(&watch->told, &watch->lock, INFINITE, 0);
        }
    }
    ReleaseSRWLockExclusive(&watch->lock);
}
