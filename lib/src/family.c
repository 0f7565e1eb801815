/*
 * family.c: this process, its parent and its children.
 *
 * The hard one is the fork that somebody else does: the copy has our list of
 * children, who are not its own. So the lock compares epochs, and the first
 * who takes it in a forked child throws away what was the parent's.
 */
#include "family.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "hmac.h"
#include "parking.h"
#include "trace.h"

#define SPINS 64
#define NAP 50                     /* microseconds */
#define REPORT_LIMIT (1000 * 1000) /* for a fork server to tell a code */
#define KEY_DEFAULT 32

mproc__family_t mproc__family = {.busy = ATOMIC_FLAG_INIT};

/* The epoch that the family belongs to, and that it is being made ready
 * for. */
static _Atomic unsigned family_epoch;
static _Atomic unsigned renew_epoch;

/* ------------------------------------------------------------------- lock */

void
mproc__family_renew(void)
{
    unsigned now = mproc__peers_epoch();
    unsigned other = atomic_load(&renew_epoch);

    if (other == now ||
        !atomic_compare_exchange_strong(&renew_epoch, &other, now)) {
        while (atomic_load(&family_epoch) != now) {
            mproc_plat_yield();
        }
        return;
    }
    /* The objects stay, for those who have them: their epoch is another.
     * Their holds were the parent's. */
    for (mproc_process_t *child = mproc__family.children; child != NULL;
         child = child->next) {
        mproc_plat_proc_release(&child->proc);
    }
    mproc__family.children = NULL;
    mproc__forkserver_forget();
    mproc__watch_forget();
    mproc__shutdown_forget();
    atomic_flag_clear(&mproc__family.busy);
    mproc__family.self.epoch = now;
    atomic_store(&family_epoch, now);
}

void
mproc__family_lock(void)
{
    if (atomic_load(&family_epoch) != mproc__peers_epoch()) {
        mproc__family_renew();
    }
    int cancel = mproc_plat_self_cancel(0);
    for (int i = 0; atomic_flag_test_and_set_explicit(&mproc__family.busy,
                                                      memory_order_acquire);
         i++) {
        if (i < SPINS) {
            mproc_plat_yield();
        }
        else {
            apr_sleep(NAP);
        }
    }
    mproc__family.cancel = cancel;
}

void
mproc__family_unlock(void)
{
    int cancel = mproc__family.cancel;

    atomic_flag_clear_explicit(&mproc__family.busy, memory_order_release);
    (void)mproc_plat_self_cancel(cancel);
}

/* ------------------------------------------------------------ one process */

void
mproc__family_main(void)
{
    mproc_process_t *self = &mproc__family.self;

    self->role = MPROC__SELF;
    atomic_store(&self->life, MPROC__STARTED);
    self->epoch = mproc__peers_epoch();
    self->proc.handle = -1;
    if (self->name[0] == '\0') {
        apr_cpystrn(self->name, "MainProcess", sizeof self->name);
    }
}

apr_status_t
mproc__family_key(void)
{
    mproc_process_t *self = &mproc__family.self;
    apr_status_t rv = APR_SUCCESS;

    mproc__family_lock();
    if (self->key_size == 0) {
        rv = apr_generate_random_bytes(self->key, KEY_DEFAULT);
        self->key_size = rv == APR_SUCCESS ? KEY_DEFAULT : 0;
    }
    mproc__family_unlock();
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "cannot make the authentication key of this "
                               "process: the system gives no random bytes");
    }
    return rv;
}

mproc_process_t *
mproc_process_current(void)
{
    if (mproc__family.self.role != MPROC__SELF) {
        mproc__family_main();
    }
    return &mproc__family.self;
}

mproc_process_t *
mproc_process_parent(void)
{
    return mproc__family.parent;
}

void
mproc__process_take(mproc_process_t *process)
{
    process->users++;
}

static void
record_release(mproc_process_t *process)
{
    if (process->hold != NULL) {
        if (process->record != NULL) {
            mproc__hmac_wipe(process->record->key, sizeof process->record->key);
        }
        mproc__arena_release(process->hold);
        mproc__hold_free(process->hold);
        process->hold = NULL;
        process->record = NULL;
    }
}

void
mproc__process_release(mproc_process_t *process)
{
    record_release(process);
    mproc_plat_proc_release(&process->proc);
}

void
mproc__process_free(mproc_process_t *process)
{
    mproc__hmac_wipe(process->key, sizeof process->key);
    free(process);
}

/* It has ended, and maybe nobody works with its record any more, or will
 * ever ask how it ended. The lock is held. */
static void
process_tidy(mproc_process_t *process)
{
    if (process->users > 0 || atomic_load(&process->life) < MPROC__SETTLED) {
        return;
    }
    record_release(process);
    if (process->owners == 0) {
        mproc_plat_proc_release(&process->proc);
        mproc__process_free(process);
    }
}

void
mproc__process_drop(mproc_process_t *process)
{
    mproc__family_lock();
    process->users--;
    process_tidy(process);
    mproc__family_unlock();
}

void
mproc__process_disown(mproc_process_t *process)
{
    mproc__family_lock();
    process->owners--;
    process->orphan = process->owners == 0;
    process_tidy(process);
    mproc__family_unlock();
}

/* ------------------------------------------------------------- the children */

void
mproc__family_add(mproc_process_t *process)
{
    atomic_store(&mproc__parking_look, mproc__family_look);
    process->previous = NULL;
    process->next = mproc__family.children;
    if (process->next != NULL) {
        process->next->previous = process;
    }
    mproc__family.children = process;
}

static void
family_remove(mproc_process_t *process)
{
    if (process->next != NULL) {
        process->next->previous = process->previous;
    }
    if (process->previous != NULL) {
        process->previous->next = process->next;
    }
    else {
        mproc__family.children = process->next;
    }
    process->next = process->previous = NULL;
}

static void
process_trace(const mproc_process_t *process)
{
    mproc__trace_event_t event = {.name = process->name,
                                  .category = "process",
                                  .pid = process->proc.pid,
                                  .track = MPROC__TRACE_LIFE,
                                  .begin = process->began,
                                  .end = mproc_plat_clock()};

    mproc__trace_event(&event, "\"code\":%d,\"signal\":%d", process->exit.code,
                       process->exit.signal);
    if (process->exit.signal != 0) {
        event.name = "killed";
        event.category = "death";
        event.begin = event.end;
        mproc__trace_event(&event, "\"signal\":%d", process->exit.signal);
    }
}

/* It has ended: repair after it, and let go of what only it needed. The lock
 * is held. */
static void
process_ended(mproc_process_t *process, const mproc_plat_exit_t *exit)
{
    process->exit = *exit;
    if (process->record != NULL) {
        apr_cpystrn(process->failure, process->record->failure,
                    sizeof process->failure);
    }
    mproc__peers_ended(process->proc.pid);
    /* What it was passed and had not taken ends with it: a pipe's end. */
    mproc__record_forget(mproc__hold_handle(process->hold));
    family_remove(process);
    if (atomic_load_explicit(&mproc__tracing, memory_order_relaxed)) {
        process_trace(process);
    }
    atomic_store(&process->life, MPROC__SETTLED);
}

static int
handle_ended(const mproc_process_t *process)
{
    return mproc_plat_proc_look(&process->proc, 0) == APR_SUCCESS;
}

/* A child of the fork server tells its code itself, or the server does. */
static int
exit_told(const mproc_process_t *process, mproc_plat_exit_t *exit)
{
    memset(exit, 0, sizeof *exit);
    /* Partner: the child's, or the server's, last store into the record. */
    if (process->record == NULL || !atomic_load(&process->record->told)) {
        return 0;
    }
    exit->known = 1;
    exit->code = process->record->code;
    exit->signal = process->record->signal;
    exit->core = process->record->core;
    return 1;
}

/* Settle it if that needs no waiting. The lock is held. */
static int
process_try(mproc_process_t *process)
{
    mproc_plat_exit_t exit;

    if (atomic_load(&process->life) >= MPROC__SETTLED) {
        return 1;
    }
    if (process->proc.child) {
        if (mproc_plat_proc_wait(&process->proc, 0, &exit) != APR_SUCCESS) {
            return 0;
        }
    }
    else if (!handle_ended(process) || !exit_told(process, &exit)) {
        return 0;
    }
    process_ended(process, &exit);
    return 1;
}

static int
report_needed(void *baton)
{
    return !atomic_load((_Atomic apr_uint32_t *)baton);
}

/* It has ended, and the fork server is to tell how. */
static void
report_wait(mproc_process_t *process)
{
    void *word = (void *)&process->record->told;
    apr_time_t limit = mproc_plat_clock() + REPORT_LIMIT;

    while (report_needed(word) && mproc__forkserver_lives(process->maker) &&
           mproc__park(&word, 1, report_needed, NULL, word, limit) ==
               APR_SUCCESS) {
    }
}

int
mproc__process_settle(mproc_process_t *process)
{
    mproc_plat_exit_t exit;

    mproc__family_lock();
    mproc__process_take(process);
    int settled = process_try(process);
    if (!settled && !process->proc.child && handle_ended(process)) {
        mproc__family_unlock();
        report_wait(process);
        mproc__family_lock();
        if (!process_try(process)) {
            exit_told(process, &exit);
            process_ended(process, &exit);
        }
        settled = 1;
    }
    mproc__family_unlock();
    mproc__process_drop(process);
    return settled;
}

apr_status_t
mproc__process_wait(mproc_process_t *process, apr_time_t deadline)
{
    mproc_plat_proc_t proc = process->proc;

    for (;;) {
        if (atomic_load(&process->life) >= MPROC__SETTLED) {
            return APR_SUCCESS;
        }
        /* Many may look at once; one of them collects. */
        apr_status_t rv = mproc_plat_proc_look(&proc, deadline);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (mproc__process_settle(process)) {
            return APR_SUCCESS;
        }
        if (mproc_plat_clock() >= deadline) {
            return APR_TIMEUP;
        }
        apr_sleep(NAP);
    }
}

/* Who waits long may wait for something that a child had which nobody has
 * joined. */
void
mproc__family_look(void)
{
    mproc__family_lock();
    mproc__family_reap();
    mproc__family_unlock();
}

void
mproc__family_reap(void)
{
    mproc_process_t *next;

    for (mproc_process_t *child = mproc__family.children; child != NULL;
         child = next) {
        next = child->next;
        if (!child->watched && process_try(child)) {
            process_tidy(child);
        }
    }
}

/* ------------------------------------------------------------------- lists */

static apr_status_t
listing_ended(void *baton)
{
    mproc_process_t *process = baton;

    if (process->epoch == mproc__peers_epoch()) {
        mproc__process_disown(process);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_process_active_children(apr_array_header_t **children, apr_pool_t *pool)
{
    if (children == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot list the children of this process: the %s "
                           "is NULL",
                           children == NULL ? "variable for them" : "pool");
    }
    *children = apr_array_make(pool, 8, sizeof(mproc_process_t *));
    mproc__family_lock();
    mproc__family_reap();
    for (mproc_process_t *child = mproc__family.children; child != NULL;
         child = child->next) {
        if (child->hidden || (child->watched && handle_ended(child))) {
            continue;
        }
        /* Whoever else drops its object: the list keeps it. */
        child->owners++;
        child->orphan = 0;
        apr_pool_cleanup_register(pool, child, listing_ended,
                                  apr_pool_cleanup_null);
        *(mproc_process_t **)apr_array_push(*children) = child;
    }
    mproc__family_unlock();
    return APR_SUCCESS;
}
