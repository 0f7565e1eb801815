/*
 * event.c: the event.
 *
 * One word: SET, WAITERS, and a sequence that counts the sets. A waiter
 * remembers the sequence: it goes on when the event is set, or when the
 * sequence has moved, so a set that is cleared at once still frees all who
 * waited. Set clears WAITERS in the same step and wakes all. Invariant: a
 * thread sleeps only while SET is clear, WAITERS is set and the sequence is
 * the one it remembers. A setter that dies before the wake is covered by the
 * recovery, which wakes everybody. All sequentially consistent.
 */
#include <mproc/event.h>

#include <stddef.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "kinds.h"
#include "manager_far.h"
#include "notifier.h"
#include "parking.h"
#include "shared.h"
#include "wait.h"

struct mproc_event_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__event_ops = {
    .kind = MPROC_KIND_EVENT, .local_size = sizeof(struct mproc_event_t)};

/* A waiter: the word, and the sequence when it came. */
typedef struct event_wait_t {
    mproc_event_t *event;
    _Atomic apr_uint64_t *word;
    apr_uint64_t sequence;
} event_wait_t;

static _Atomic apr_uint64_t *
event_word(mproc_event_t *event)
{
    return &((event_shared_t *)event->object.shared)->word;
}

static apr_status_t
event_check(mproc_event_t *event, const char *call)
{
    return mproc__object_is(event, &mproc__event_ops)
               ? APR_SUCCESS
               : mproc__object_missing(call, "event");
}

apr_status_t
mproc_event_create(mproc_event_t **event, apr_pool_t *pool)
{
    if (event == NULL) {
        return event_check(NULL, "mproc_event_create");
    }
    return mproc__object_create(event, &mproc__event_ops,
                                sizeof(event_shared_t), pool);
}

void
mproc_event_destroy(mproc_event_t *event)
{
    mproc__object_close(event);
}

apr_status_t
mproc_event_set(mproc_event_t *event)
{
    mproc__proxy_t *proxy = mproc__proxy_of(event, MPROC_KIND_EVENT);
    apr_status_t rv = event_check(event, "mproc_event_set");
    _Atomic apr_uint64_t *word;
    apr_uint64_t old;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__EVENT_SET, 0,
                                  "mproc_event_set");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    word = event_word(event);
    old = atomic_load(word);
    do {
        if (old & EVENT_SET) {
            return APR_SUCCESS;
        }
    } while (!atomic_compare_exchange_weak(
        word, &old, ((old & ~EVENT_WAITERS) + EVENT_SEQUENCE) | EVENT_SET));
    if (old & EVENT_WAITERS) {
        mproc__unpark(word, MPROC__ALL);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_event_clear(mproc_event_t *event)
{
    mproc__proxy_t *proxy = mproc__proxy_of(event, MPROC_KIND_EVENT);

    if (proxy != NULL) {
        return mproc__far_event_clear(proxy);
    }
    apr_status_t rv = event_check(event, "mproc_event_clear");
    if (rv == APR_SUCCESS) {
        atomic_fetch_and(event_word(event), ~EVENT_SET);
        mproc__notifier_look(&event->object.notifier);
    }
    return rv;
}

int
mproc_event_is_set(mproc_event_t *event)
{
    mproc__proxy_t *proxy = mproc__proxy_of(event, MPROC_KIND_EVENT);

    if (proxy != NULL) {
        return mproc__far_event_is_set(proxy);
    }
    if (event_check(event, "mproc_event_is_set") != APR_SUCCESS) {
        return 0;
    }
    if (atomic_load(event_word(event)) & EVENT_SET) {
        return 1;
    }
    mproc__notifier_look(&event->object.notifier);
    return 0;
}

/* Read only: is there reason to wait? */
static int
event_is_shut(void *baton)
{
    event_wait_t *wait = baton;
    apr_uint64_t old = atomic_load(wait->word);
    return !(old & EVENT_SET) && old / EVENT_SEQUENCE == wait->sequence;
}

static int
event_must_sleep(void *baton)
{
    event_wait_t *wait = baton;
    apr_uint64_t old = atomic_load(wait->word);
    while (!(old & EVENT_SET) && old / EVENT_SEQUENCE == wait->sequence) {
        if ((old & EVENT_WAITERS) ||
            atomic_compare_exchange_weak(wait->word, &old,
                                         old | EVENT_WAITERS)) {
            return 1;
        }
    }
    return 0;
}

static int
event_is_hopeless(void *baton)
{
    return mproc__object_is_alone(&((event_wait_t *)baton)->event->object);
}

static apr_status_t
event_failed(apr_status_t rv)
{
    switch (rv) {
    case APR_TIMEUP:
        return mproc__fail(rv, "mproc_event_wait: nobody set the event in "
                               "time");
    case MPROC_EDEADLK:
        return mproc__fail(rv, "mproc_event_wait: no other thread or process "
                               "has this event to set it: the wait would "
                               "never end");
    default:
        return mproc__wait_refused("mproc_event_wait");
    }
}

static int
event_is_clear(void *baton)
{
    return !(atomic_load(event_word(baton)) & EVENT_SET);
}

/* For who waits for other things, too, and for it to be set, not to have
 * been. */
static int
event_stays_clear(void *baton)
{
    _Atomic apr_uint64_t *word = event_word(baton);
    apr_uint64_t old = atomic_load(word);
    while (!(old & EVENT_SET)) {
        if ((old & EVENT_WAITERS) ||
            atomic_compare_exchange_weak(word, &old, old | EVENT_WAITERS)) {
            return 1;
        }
    }
    return 0;
}

apr_status_t
mproc__event_source(mproc_event_t *event, mproc__source_t *source)
{
    mproc__proxy_t *proxy = mproc__proxy_of(event, MPROC_KIND_EVENT);
    apr_status_t rv;

    if (proxy != NULL) {
        mproc__far_source(proxy, source);
        return APR_SUCCESS;
    }
    rv = event_check(event, source->call);
    if (rv == APR_SUCCESS) {
        source->place = &event->object.notifier;
        source->word = (void *)event_word(event);
        source->needed = event_is_clear;
        source->must_sleep = event_stays_clear;
        source->baton = event;
        source->sleeper = event;
    }
    return rv;
}

apr_status_t
mproc_event_wait(mproc_event_t *event, apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(event, MPROC_KIND_EVENT);
    apr_status_t rv = event_check(event, "mproc_event_wait");
    event_wait_t wait;
    apr_time_t deadline;

    if (proxy != NULL) {
        return mproc__far_event_wait(proxy, timeout);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    wait.event = event;
    wait.word = event_word(event);
    wait.sequence = atomic_load(wait.word) / EVENT_SEQUENCE;
    if (!event_is_shut(&wait)) {
        return APR_SUCCESS;
    }
    deadline = mproc__deadline(timeout);
    if (deadline != 0) {
        mproc__spin(event_is_shut, &wait);
    }
    while (rv == APR_SUCCESS && event_is_shut(&wait)) {
        void *word = wait.word;
        rv = mproc__park(&word, 1, event_must_sleep, event_is_hopeless, &wait,
                         deadline);
    }
    mproc__notifier_look(&event->object.notifier);
    if (!event_is_shut(&wait)) {
        return APR_SUCCESS;
    }
    return event_failed(rv);
}
