/*
 * wait.c: waiting for any of several things: one entry in the parking lot
 * names the words of all of them. A wake-up that was for one waiter only may
 * have come to a thread that in the end takes something else, so it is given
 * on: who waits for the same looks, too.
 */
#include <mproc/wait.h>

#include <stdlib.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "family.h"
#include "notifier.h"
#include "parking.h"
#include "wait.h"

#define SOURCES_FEW 8 /* without memory of their own */

typedef struct wait_t {
    mproc_waitable_t *items;
    mproc__source_t *source;
    void **words;
    int count;
    int first; /* that was ready at the last look, or -1 */
    int dear;  /* calls of the system that a look takes */
} wait_t;

/* --------------------------------------------------------------- processes */

static int
process_is_running(void *baton)
{
    mproc_process_t *process = baton;
    return atomic_load(&process->life) < MPROC__SETTLED;
}

static apr_status_t
process_source(mproc_process_t *process, mproc__source_t *source)
{
    apr_status_t rv =
        process == NULL
            ? mproc__fail(APR_EINVAL, "%s: a process is NULL", source->call)
            : mproc__process_announce(process, &source->word);

    source->needed = process_is_running;
    source->must_sleep = process_is_running;
    source->baton = process;
    source->sleeper = process;
    source->place = process == NULL ? NULL : &process->notifier;
    return rv;
}

/* ------------------------------------------------------------------ sources */

void
mproc__gate_source(mproc__gate_wait_t wait, mproc__source_t *source)
{
    source->gate = wait;
    source->word = (void *)wait.gate;
    source->needed = wait.shut;
    source->baton = wait.baton;
    source->must_sleep = mproc__gate_must_sleep;
    source->sleeper = &source->gate;
    source->one = 1;
}

apr_status_t
mproc__source_find(const mproc_waitable_t *item, const char *call,
                   mproc__source_t *source)
{
    *source = (mproc__source_t){.call = call};
    switch (item->kind) {
    case MPROC_WAIT_PROCESS:
        return process_source(item->object, source);
    case MPROC_WAIT_QUEUE:
        return mproc__queue_source(item->object, source);
    case MPROC_WAIT_CONNECTION:
        return mproc__connection_source(item->object, source);
    case MPROC_WAIT_EVENT:
        return mproc__event_source(item->object, source);
    case MPROC_WAIT_LISTENER:
        return mproc__listener_source(item->object, source);
    case MPROC_WAIT_ASYNC:
        return mproc__async_source(item->object, source);
    default:
        return mproc__fail(APR_EINVAL,
                           "%s: %d is no kind of what can be waited for; see "
                           "mproc_waitable_e",
                           call, (int)item->kind);
    }
}

/* Set `ready` in each, and which is the first. What is told of is what this
 * look saw: by the next, another may have taken it. */
static int
wait_is_needed(void *baton)
{
    wait_t *wait = baton;
    int i;

    wait->first = -1;
    for (i = 0; i < wait->count; i++) {
        mproc__source_t *source = &wait->source[i];
        wait->items[i].ready =
            source->needed != NULL && !source->needed(source->baton);
        if (wait->items[i].ready && wait->first < 0) {
            wait->first = i;
        }
    }
    return wait->first < 0;
}

static int
wait_must_sleep(void *baton)
{
    wait_t *wait = baton;
    int i;

    for (i = 0; i < wait->count; i++) {
        mproc__source_t *source = &wait->source[i];
        if (source->needed != NULL && !source->must_sleep(source->sleeper)) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t
wait_is_in_vain(const wait_t *wait)
{
    int i;

    for (i = 0; i < wait->count; i++) {
        if (wait->source[i].in_vain) {
            return mproc__fail(MPROC_ESTATE,
                               "mproc_wait: not in a callback of the pool "
                               "whose result is waited for, which keeps that "
                               "from seeing to its workers; wait in another "
                               "thread");
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
wait_run(wait_t *wait, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (deadline != 0) {
        mproc__spin_dear(wait_is_needed, wait, wait->dear);
    }
    while (rv == APR_SUCCESS && wait_is_needed(wait)) {
        rv = deadline == 0 ? APR_TIMEUP : wait_is_in_vain(wait);
        if (rv == APR_SUCCESS) {
            rv = mproc__park(wait->words, wait->count, wait_must_sleep, NULL,
                             wait, deadline);
        }
    }
    for (i = 0; i < wait->count; i++) {
        if (wait->source[i].one) {
            mproc__unpark(wait->words[i], 1);
        }
        if (wait->source[i].place != NULL) {
            mproc__notifier_look(wait->source[i].place);
        }
    }
    if (rv != APR_SUCCESS && !wait_is_needed(wait)) {
        rv = APR_SUCCESS;
    }
    return rv == APR_ENOMEM ? mproc__wait_refused("mproc_wait") : rv;
}

static apr_status_t
wait_sources(wait_t *wait, mproc__watch_e watch)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < wait->count && rv == APR_SUCCESS; i++) {
        rv =
            mproc__source_find(&wait->items[i], "mproc_wait", &wait->source[i]);
        if (rv == APR_SUCCESS && wait->source[i].refresh != NULL) {
            rv = wait->source[i].refresh(&wait->source[i], watch);
        }
        wait->words[i] = wait->source[i].word;
        wait->dear += wait->source[i].dear;
    }
    return rv;
}

/* A word for those that have none: nobody ever wakes it. */
static void
wait_words(wait_t *wait)
{
    int i;
    for (i = 0; i < wait->count; i++) {
        if (wait->words[i] == NULL) {
            wait->words[i] = mproc__arena_address(0);
        }
    }
}

apr_status_t
mproc_wait(mproc_waitable_t *items, int count, apr_interval_time_t timeout,
           int *first)
{
    mproc__source_t few[SOURCES_FEW];
    void *words[SOURCES_FEW + 1] = {NULL};
    wait_t wait = {items, few, words, count, -1, 0};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv;

    if (first != NULL) {
        *first = -1;
    }
    if (count < 0 || (items == NULL && count > 0)) {
        return mproc__fail(APR_EINVAL,
                           "mproc_wait: %d things at %s; pass an "
                           "array of them",
                           count, items == NULL ? "NULL" : "a place");
    }
    if (mproc__actor() == 0) {
        return mproc__wait_refused("mproc_wait");
    }
    if (count > SOURCES_FEW) {
        wait.source = calloc((size_t)count, sizeof *wait.source);
        wait.words = calloc((size_t)count, sizeof *wait.words);
    }
    rv = wait.source == NULL || wait.words == NULL
             ? mproc__fail(APR_ENOMEM,
                           "mproc_wait: no memory to wait for %d things; wait "
                           "for fewer",
                           count)
             : wait_sources(&wait, deadline == 0 ? MPROC__WATCH_NEVER
                                                 : MPROC__WATCH_IF_UNREADY);
    if (rv == APR_SUCCESS) {
        wait_words(&wait);
        rv = wait_run(&wait, deadline);
    }
    if (rv == APR_SUCCESS && first != NULL) {
        *first = wait.first;
    }
    if (count > SOURCES_FEW) {
        free(wait.source);
        free(wait.words);
    }
    return rv == APR_TIMEUP
               ? mproc__fail(rv, "mproc_wait: nothing became ready in time")
               : rv;
}
