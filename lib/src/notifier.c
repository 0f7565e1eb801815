/*
 * notifier.c: handles for foreign event loops, and one thread at most that
 * sees to them.
 *
 * A notifier is a flag of the system's (plat_flag.h) and what it stands for: a
 * source, as mproc_wait() has them. It is WAITED for, with the flag down: the
 * thread sleeps in the parking lot on the words of all that are, and looks at
 * each before it sleeps and when it was woken. One that is ready it puts up,
 * RAISED, and waits for it no more: what stays ready costs nothing. A call of
 * this process that finds the object not ready any more, or made it so, puts
 * the flag down, and the notifier is WAITED for again. What other processes
 * take they do not tell us of; so the thread looks at what is RAISED, too,
 * every 100 ms.
 *
 * No wake-up is lost. Who puts a flag down has seen the object not ready,
 * marks the notifier, and rings the bell, a word that the thread sleeps on
 * with the others; the thread gathers anew, is entered for the object's word,
 * and then looks. All of it is sequentially consistent. A wake-up that was for
 * one waiter came to who takes nothing, so it is given on: after the flag is
 * up, or when the notifier was closed while the thread was entered for its
 * word, which may be another object's by then. Invariant: a notifier is RAISED
 * and its flag up; or it is WAITED for and its flag down, and the thread is
 * entered for its word and has looked since, or has been rung for, or is about
 * to gather.
 *
 * The flag `busy` guards changes of states, flags and the list; it is held for
 * one look, or to tidy the list. Who closes a notifier closes the system's flag
 * at once and marks it GONE; the thread alone takes notifiers off the list and
 * frees them, so it walks the list unguarded. With the last one the thread
 * ends, and who closed that waits until it has: nothing of it is left in the
 * arena then. A thread that is short of shared memory to sleep on looks every
 * 10 ms.
 *
 * A forked child has no such thread: it closes its copies of the flags, which
 * else would keep the parent's alive in an epoll, and forgets all. A process
 * that dies is a dead waiter like any other.
 */
#include "notifier.h"

#include <stdlib.h>

#include <mproc/error.h>

#include "../../platform/plat_flag.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "async.h"
#include "error.h"
#include "family.h"
#include "layout.h"
#include "parking.h"
#include "wait.h"

#define SLICE (100 * 1000) /* microseconds between looks at what is up */
#define POLL (10 * 1000)   /* the same at all, where it cannot sleep */
#define END_LIMIT (1000 * 1000)
#define SPINS 100
#define NAP 50

typedef enum state_e {
    WAITED,
    RAISED,
    GONE
} state_e;

typedef struct mproc__notifier_t {
    struct mproc__notifier_t *_Atomic next; /* on the list */
    struct mproc__notifier_t *also;         /* that the thread waits for */
    mproc__source_t source;
    mproc_plat_flag_t flag;
    _Atomic int state; /* state_e */
} mproc__notifier_t;

static struct {
    atomic_flag busy;
    int cancel; /* of who holds it: whether it may be cancelled */
    atomic_int runs;
    atomic_int live; /* notifiers that are not GONE */
    mproc__notifier_t *_Atomic first;
    /* Since it was gathered what to wait for. Partner: the thread's look, when
     * it is entered. */
    atomic_int changed;
    atomic_int gone;    /* some on the list are */
    void *_Atomic bell; /* NULL: the thread has none, and looks by itself */
} notifiers = {.busy = ATOMIC_FLAG_INIT};

/* What the thread waits for. */
typedef struct waits_t {
    mproc__notifier_t *first;
    int count;
    void **words;
    int room;
    apr_time_t next_look; /* at what is up */
} waits_t;

static void
guard(void)
{
    int cancel = mproc_plat_self_cancel(0);

    while (atomic_flag_test_and_set_explicit(&notifiers.busy,
                                             memory_order_acquire)) {
        mproc_plat_yield();
    }
    notifiers.cancel = cancel;
}

static void
unguard(void)
{
    int cancel = notifiers.cancel;

    atomic_flag_clear_explicit(&notifiers.busy, memory_order_release);
    (void)mproc_plat_self_cancel(cancel);
}

static void
bell_ring(void)
{
    void *bell = atomic_load(&notifiers.bell);

    if (bell != NULL) {
        mproc__unpark(bell, 1);
    }
}

/* Guarded. */
static int
notifier_is_ready(mproc__notifier_t *notifier)
{
    return !notifier->source.needed(notifier->source.baton);
}

/* Guarded. */
static void
notifier_raise(mproc__notifier_t *notifier)
{
    mproc_plat_flag_raise(&notifier->flag);
    atomic_store(&notifier->state, RAISED);
}

/* Put it down when it is up and ready no more; 1 when it was. Guarded. */
static int
notifier_lower(mproc__notifier_t *notifier)
{
    if (atomic_load(&notifier->state) != RAISED ||
        notifier_is_ready(notifier)) {
        return 0;
    }
    mproc_plat_flag_lower(&notifier->flag);
    atomic_store(&notifier->state, WAITED);
    atomic_store(&notifiers.changed, 1);
    return 1;
}

/* -------------------------------------------------------------- the thread */

/* Take off what is gone. 0 when nothing is left, and with it the thread. */
static int
list_tidy(void)
{
    mproc__notifier_t *_Atomic *link = &notifiers.first;
    mproc__notifier_t *notifier, *gone = NULL;
    int runs;

    guard();
    atomic_store(&notifiers.gone, 0);
    while ((notifier = atomic_load(link)) != NULL) {
        if (atomic_load(&notifier->state) == GONE) {
            atomic_store(link, notifier->next);
            notifier->also = gone;
            gone = notifier;
        }
        else {
            link = &notifier->next;
        }
    }
    runs = atomic_load(&notifiers.first) != NULL;
    if (!runs) {
        atomic_store(&notifiers.bell, NULL);
        /* Before it ends: with a thread too many nobody is alone. */
        atomic_fetch_sub(&mproc__own_threads, 1);
        atomic_store(&notifiers.runs, 0);
    }
    unguard();
    while ((notifier = gone) != NULL) {
        gone = notifier->also;
        free(notifier);
    }
    return runs;
}

/* Find out what to wait for; 0 when the thread is to end. What changes
 * meanwhile is told by `changed`. */
static int
waits_gather(waits_t *waits)
{
    mproc__notifier_t *notifier;

    waits->first = NULL;
    waits->count = 0;
    atomic_store(&notifiers.changed, 0);
    if (atomic_load(&notifiers.gone) && !list_tidy()) {
        return 0;
    }
    notifier = atomic_load(&notifiers.first);
    for (; notifier != NULL; notifier = atomic_load(&notifier->next)) {
        if (atomic_load(&notifier->state) == WAITED) {
            notifier->also = waits->first;
            waits->first = notifier;
            waits->count++;
        }
    }
    return 1;
}

/* The bell's word, then those of all; 0 when memory is short. */
static int
waits_words(waits_t *waits, void *bell)
{
    mproc__notifier_t *notifier;
    int i = 0;

    if (waits->count + 1 > waits->room) {
        int room = waits->count * 2 + 8;
        void **more = realloc(waits->words, (size_t)room * sizeof *more);
        if (more == NULL) {
            return 0;
        }
        waits->words = more;
        waits->room = room;
    }
    waits->words[i++] = bell;
    for (notifier = waits->first; notifier != NULL; notifier = notifier->also) {
        /* Nobody ever wakes the arena's first word. */
        waits->words[i++] = notifier->source.word != NULL
                                ? notifier->source.word
                                : mproc__arena_address(0);
    }
    return 1;
}

/* The thread is entered: may it sleep? */
static int
waits_must_sleep(void *baton)
{
    mproc__notifier_t *notifier = ((waits_t *)baton)->first;

    for (; notifier != NULL; notifier = notifier->also) {
        int sleep;
        guard();
        sleep = atomic_load(&notifier->state) == GONE ||
                notifier->source.must_sleep(notifier->source.sleeper);
        unguard();
        if (!sleep) {
            return 0;
        }
    }
    return !atomic_load(&notifiers.changed);
}

/* Look at what is up; 1 when some of it is now waited for. */
static int
waits_look(void *baton)
{
    waits_t *waits = baton;
    mproc__notifier_t *notifier = atomic_load(&notifiers.first);
    int lowered = 0;

    waits->next_look = mproc_plat_clock() + SLICE;
    for (; notifier != NULL; notifier = atomic_load(&notifier->next)) {
        guard();
        lowered |= notifier_lower(notifier);
        unguard();
    }
    return lowered;
}

/* The thread has left the parking lot: put up what is ready. */
static void
waits_sweep(waits_t *waits)
{
    mproc__notifier_t *notifier = waits->first;

    for (; notifier != NULL; notifier = notifier->also) {
        int told;
        guard();
        told = atomic_load(&notifier->state) == GONE;
        if (atomic_load(&notifier->state) == WAITED &&
            notifier_is_ready(notifier)) {
            notifier_raise(notifier);
            told = 1;
        }
        unguard();
        if (told && notifier->source.one) {
            mproc__unpark(notifier->source.word, 1);
        }
    }
}

static int
nothing_changed(void *unused)
{
    (void)unused;
    return !atomic_load(&notifiers.changed);
}

static void
notifiers_run(void *unused)
{
    waits_t waits = {NULL, 0, NULL, 0, 0};

    (void)unused;
    for (;;) {
        mproc__thread_t *self = mproc__thread_self();
        void *bell = self == NULL ? NULL : (void *)&self->state;
        apr_status_t rv = APR_ENOMEM;
        apr_time_t now;

        atomic_store(&notifiers.bell, bell);
        if (!waits_gather(&waits)) {
            break;
        }
        if (bell != NULL && waits_words(&waits, bell)) {
            rv = mproc__park(waits.words, waits.count + 1, waits_must_sleep,
                             waits_look, &waits, MPROC_PLAT_NEVER);
        }
        now = mproc_plat_clock();
        if (rv == APR_ENOMEM &&
            (bell == NULL || mproc__park(&bell, 1, nothing_changed, NULL, NULL,
                                         now + POLL) == APR_ENOMEM)) {
            apr_sleep(POLL);
        }
        waits_sweep(&waits);
        if (now >= waits.next_look) {
            (void)waits_look(&waits);
        }
    }
    free(waits.words);
}

/* ------------------------------------------------------------------ others */

/* Guarded. */
static apr_status_t
thread_ready(void)
{
    apr_status_t rv = APR_SUCCESS;

    if (!atomic_load(&notifiers.runs)) {
        rv = mproc_plat_thread_start(notifiers_run, NULL);
        atomic_store(&notifiers.runs, rv == APR_SUCCESS);
        atomic_fetch_add(&mproc__own_threads, rv == APR_SUCCESS);
    }
    return rv;
}

/* Put it on the list, unless its object has one already; 1 when it is. */
static int
notifier_enter(mproc__notifier_t *notifier, apr_int64_t *handle,
               apr_status_t *rv)
{
    mproc__notifier_place_t *place = notifier->source.place;
    mproc__notifier_t *other;
    int entered = 0;

    guard();
    other = atomic_load(place);
    *rv = other == NULL ? thread_ready() : APR_SUCCESS;
    if (other != NULL) {
        *handle = other->flag.handle;
    }
    else if (*rv == APR_SUCCESS) {
        if (notifier_is_ready(notifier)) {
            notifier_raise(notifier);
        }
        notifier->source.known = 0; /* From now on it is looked at. */
        *handle = notifier->flag.handle;
        atomic_store(&notifier->next, atomic_load(&notifiers.first));
        atomic_store(&notifiers.first, notifier);
        atomic_fetch_add(&notifiers.live, 1);
        atomic_store(place, notifier);
        atomic_store(&notifiers.changed, 1);
        entered = 1;
    }
    unguard();
    return entered;
}

static apr_status_t
handle_refused(apr_status_t rv)
{
    char text[128];

    return mproc__fail(rv,
                       "mproc_waitable_handle: the system gives no handle, or "
                       "no thread to see to it: %s; close some",
                       apr_strerror(rv, text, sizeof text));
}

static apr_status_t
notifier_make(const mproc_waitable_t *item, const char *call,
              apr_int64_t *handle)
{
    mproc__notifier_t *notifier = calloc(1, sizeof *notifier);
    apr_status_t rv;

    if (notifier == NULL) {
        return handle_refused(APR_ENOMEM);
    }
    /* Where it stays: the source points into itself. */
    rv = mproc__source_find(item, call, &notifier->source);
    if (rv == APR_SUCCESS && notifier->source.refresh != NULL) {
        rv = notifier->source.refresh(&notifier->source, MPROC__WATCH_ALWAYS);
    }
    if (rv != APR_SUCCESS) {
        free(notifier);
        return rv;
    }
    rv = mproc_plat_flag_create(&notifier->flag);
    if (rv != APR_SUCCESS) {
        free(notifier);
        return handle_refused(rv);
    }
    if (notifier_enter(notifier, handle, &rv)) {
        bell_ring();
        return APR_SUCCESS;
    }
    mproc_plat_flag_close(&notifier->flag);
    free(notifier);
    return rv == APR_SUCCESS ? rv : handle_refused(rv);
}

void
mproc__notifier_look_now(mproc__notifier_place_t *place)
{
    mproc__notifier_t *notifier;
    int lowered;

    guard();
    notifier = atomic_load(place);
    lowered = notifier != NULL && notifier_lower(notifier);
    unguard();
    if (lowered) {
        bell_ring();
    }
}

/* The last one is closed. In vain where the system has ended all threads but
 * the one that runs what is left to do at exit. */
static void
thread_await(void)
{
    apr_time_t limit = mproc_plat_clock() + END_LIMIT;
    int i;

    for (i = 0; atomic_load(&notifiers.runs) &&
                atomic_load(&notifiers.live) == 0 && mproc_plat_clock() < limit;
         i++) {
        if (i < SPINS) {
            mproc_plat_yield();
        }
        else {
            apr_sleep(NAP);
        }
    }
}

void
mproc__notifier_end_now(mproc__notifier_place_t *place)
{
    mproc__notifier_t *notifier;
    int last;

    guard();
    notifier = atomic_load(place);
    if (notifier == NULL) {
        unguard();
        return;
    }
    atomic_store(place, NULL);
    atomic_store(&notifier->state, GONE);
    mproc_plat_flag_close(&notifier->flag);
    atomic_store(&notifiers.gone, 1);
    atomic_store(&notifiers.changed, 1);
    last = atomic_fetch_sub(&notifiers.live, 1) == 1;
    unguard();
    bell_ring();
    if (last) {
        thread_await();
    }
}

/* The copies of the flags are closed. What lies on the heap is left alone: who
 * knows who held malloc's lock. */
void
mproc__notifier_forget(void)
{
    mproc__notifier_t *notifier = atomic_load(&notifiers.first);

    for (; notifier != NULL; notifier = atomic_load(&notifier->next)) {
        if (atomic_load(&notifier->state) != GONE) {
            mproc_plat_flag_close(&notifier->flag);
            atomic_store(notifier->source.place, NULL);
        }
    }
    atomic_store(&notifiers.first, NULL);
    atomic_store(&notifiers.live, 0);
    atomic_store(&notifiers.gone, 0);
    atomic_store(&notifiers.runs, 0);
    atomic_store(&notifiers.bell, NULL);
    atomic_flag_clear(&notifiers.busy);
}

/* ------------------------------------------------------------ public calls */

/* What has a handle of the system's own needs no notifier; 1 when it has. */
static int
handle_is_own(const mproc_waitable_t *item, apr_int64_t *handle)
{
    const mproc_process_t *process = item->object;

    if (item->kind != MPROC_WAIT_PROCESS || process == NULL ||
        mproc__process_started(process, "wait for") != APR_SUCCESS ||
        process->proc.handle == -1) {
        return 0;
    }
    *handle = process->proc.handle;
    return 1;
}

static apr_status_t
waitable_check(const mproc_waitable_t *item, const char *call)
{
    return item != NULL ? APR_SUCCESS
                        : mproc__fail(APR_EINVAL,
                                      "%s: what to wait for is NULL; pass a "
                                      "kind and an object of it",
                                      call);
}

apr_status_t
mproc_waitable_handle(const mproc_waitable_t *item, apr_int64_t *handle)
{
    const char *call = "mproc_waitable_handle";
    mproc__source_t source;
    apr_status_t rv;

    if (handle == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: where the handle goes is NULL; pass a variable "
                           "for it",
                           call);
    }
    *handle = -1;
    rv = waitable_check(item, call);
    if (rv != APR_SUCCESS || handle_is_own(item, handle)) {
        return rv;
    }
    if (item->kind == MPROC_WAIT_ASYNC && item->object != NULL &&
        mproc__async_far(item->object) == NULL &&
        mproc__async_extra(item->object) == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: memory is short", call);
    }
    rv = mproc__source_find(item, call, &source);
    if (rv == APR_SUCCESS && source.place == NULL) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this end only sends, and is never ready; pass "
                           "the other, or one of a duplex pipe",
                           call);
    }
    return rv == APR_SUCCESS ? notifier_make(item, call, handle) : rv;
}

apr_status_t
mproc_waitable_close(const mproc_waitable_t *item)
{
    const char *call = "mproc_waitable_close";
    mproc__source_t source;
    apr_int64_t handle;
    apr_status_t rv = waitable_check(item, call);

    if (rv != APR_SUCCESS || handle_is_own(item, &handle)) {
        return rv;
    }
    rv = mproc__source_find(item, call, &source);
    if (rv == APR_SUCCESS && source.place != NULL) {
        mproc__notifier_end(source.place);
    }
    return rv;
}
