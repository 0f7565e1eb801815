/*
 * manager_far_wait.c: a manager's object beside what else a thread waits for.
 *
 * A watch is a connection of its own, on which the server was asked to answer
 * when the object is ready. The call waits there, as calls do; here its socket
 * is waited for (netwatch.c). Who never waits for an object beside others has
 * none.
 *
 * An answer says what was so when it was sent. So it is taken, and the question
 * put again, by every call of this process that may have found the object not
 * ready, or made it so; and by who begins to wait, who asks what is so now,
 * too. Nobody waits for an answer: one that is not all there is left for later.
 * Invariant: the question is put, or its answer lies there, or the watch is
 * over; then the object is taken for ready, and the next call makes another
 * watch, unless the link is gone, too.
 *
 * `busy` is held to make a connection, and to take and ask. A call that may
 * have made the object unready does without when another thread has it: at
 * worst the object is taken for ready once more. Whoever looks reads the handle
 * alone, of a watch that may have been replaced: so those that were stay, with
 * their sockets, as long as the half. A forked child replaces its parent's.
 */
#include "manager_far.h"

#include <stdlib.h>

#include <apr_strings.h>

#include <mproc/async.h>
#include <mproc/error.h>

#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_line.h"
#include "netwatch.h"
#include "notifier.h"
#include "parking.h"
#include "wait.h"

#define PATIENCE ((apr_interval_time_t)10 * 1000 * 1000)
#define NONE (-1)    /* there is no line yet */
#define REFUSED (-2) /* nor could one be made when it was due */
#define DEAD (-3)
#define IS_OVER(handle) ((handle) == REFUSED || (handle) == DEAD)

struct mproc__far_watch_t {
    mproc__watched_t watched; /* it is one */
    mproc__far_watch_t *before;
    atomic_flag busy;
    int cancel; /* of who holds it: whether it may be cancelled */
    _Atomic apr_int64_t handle; /* of the line, or one of these */
};

/* ------------------------------------------------------------------ watches */

/* 0: another thread has it. */
static int
watch_try(mproc__far_watch_t *watch)
{
    int cancel = mproc_plat_self_cancel(0);

    if (atomic_flag_test_and_set(&watch->busy)) {
        (void)mproc_plat_self_cancel(cancel);
        return 0;
    }
    watch->cancel = cancel;
    return 1;
}

static void
watch_guard(mproc__far_watch_t *watch)
{
    while (!watch_try(watch)) {
        apr_sleep(50);
    }
}

static void
watch_unguard(mproc__far_watch_t *watch)
{
    int cancel = watch->cancel;

    atomic_flag_clear(&watch->busy);
    (void)mproc_plat_self_cancel(cancel);
}

/* This process's, alive or not made yet. NULL: no memory. */
static mproc__far_watch_t *
watch_of(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = atomic_load(&proxy->watch), *made;

    if (watch != NULL && watch->watched.pid == mproc_plat_pid() &&
        (atomic_load(&watch->handle) != DEAD ||
         !mproc__link_is_joined(proxy->link))) {
        return watch;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    atomic_flag_clear(&made->busy);
    atomic_store(&made->handle, NONE);
    made->before = watch;
    mproc__watched_enter(&made->watched, proxy->link);
    if (atomic_compare_exchange_strong(&proxy->watch, &watch, made)) {
        return made;
    }
    mproc__watched_leave(&made->watched, proxy->link);
    free(made);
    return watch;
}

/* One that a fork found in the middle of something is left alone. */
void
mproc__far_watch_end(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = atomic_exchange(&proxy->watch, NULL), *before;

    for (; watch != NULL; watch = before) {
        before = watch->before;
        if (watch->watched.pid == mproc_plat_pid() ||
            !atomic_flag_test_and_set(&watch->busy)) {
            mproc__watched_leave(&watch->watched, proxy->link);
            free(watch);
        }
    }
}

/* What the server is to answer when the object is ready. */
static void
question_begin(mproc__ask_t *ask, mproc__proxy_t *proxy, const char *call)
{
    const mproc__proxy_shared_t *shared = proxy->object.shared;

    if (shared->kind == MPROC_KIND_QUEUE) {
        mproc__proxy_ask(ask, proxy, MPROC__QUEUE_READY, call);
    }
    else if (shared->kind == MPROC_KIND_EVENT) {
        mproc__proxy_ask(ask, proxy, MPROC__EVENT_WAIT, call);
    }
    else {
        mproc__proxy_ask(ask, proxy, MPROC__ASYNC_SELECT, call);
        mproc__ask_int(ask, MPROC_FIRST_SETTLED);
        mproc__ask_int(ask, 1);
        mproc__ask_int(ask, (apr_int64_t)shared->id);
    }
}

static apr_status_t
watch_ask(mproc__far_watch_t *watch, mproc__proxy_t *proxy, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    question_begin(&ask, proxy, call);
    rv = mproc__ask_post(&ask, watch->watched.line, MPROC_FOREVER,
                         mproc_plat_clock() + PATIENCE);
    mproc__ask_end(&ask);
    return rv;
}

/* Who sleeps is to see it. */
static void
watch_over(mproc__far_watch_t *watch, mproc__proxy_t *proxy, apr_int64_t how)
{
    mproc__proxy_shared_t *shared = proxy->object.shared;

    atomic_store(&watch->handle, how);
    mproc__unpark((void *)&shared->word, MPROC__ALL);
}

/* One that is due, and fails, is over. */
static apr_status_t
watch_make(mproc__far_watch_t *watch, mproc__proxy_t *proxy, int due,
           const char *call)
{
    apr_status_t rv = APR_SUCCESS;
    apr_int64_t handle;

    watch_guard(watch);
    handle = atomic_load(&watch->handle);
    if (handle == NONE || handle == REFUSED) {
        rv = mproc__watched_open(&watch->watched, proxy->link, call);
        if (rv == APR_SUCCESS && watch_ask(watch, proxy, call) == APR_SUCCESS) {
            atomic_store(&watch->handle, watch->watched.line->socket->handle);
        }
        else if (rv == APR_SUCCESS) {
            watch_over(watch, proxy, DEAD);
        }
        else if (due) {
            watch_over(watch, proxy, REFUSED);
        }
    }
    watch_unguard(watch);
    return rv;
}

/* In place of one that is over. The sentence for mproc_error_detail() stays
 * what it is. */
static void
watch_again(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = watch_of(proxy);
    char why[MPROC__SENTENCE_MOST];

    if (watch != NULL) {
        apr_cpystrn(why, mproc_error_detail(), sizeof why);
        (void)watch_make(watch, proxy, 1, "mproc");
        (void)mproc__fail(APR_SUCCESS, "%s", why);
    }
}

/* Take an answer that lies there, and ask again. Held. */
static void
watch_renew(mproc__far_watch_t *watch, mproc__proxy_t *proxy)
{
    apr_int64_t handle = atomic_load(&watch->handle);
    mproc__line_t *line = watch->watched.line;
    apr_status_t rv;

    if (handle < 0 || !mproc__netwatch_look(handle)) {
        return;
    }
    rv = mproc__line_reply(line, mproc__link_limit(proxy->link),
                           mproc_plat_clock());
    if (rv == APR_SUCCESS) {
        mproc__stream_taken(&line->stream);
        rv = watch_ask(watch, proxy, "mproc");
    }
    if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
        watch_over(watch, proxy, DEAD);
    }
}

void
mproc__far_looked_now(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = atomic_load(&proxy->watch);

    if (watch->watched.pid != mproc_plat_pid()) {
        return;
    }
    if (watch_try(watch)) {
        watch_renew(watch, proxy);
        watch_unguard(watch);
    }
    if (IS_OVER(atomic_load(&watch->handle))) {
        watch_again(proxy);
    }
    mproc__notifier_look(&proxy->object.notifier);
}

/* ------------------------------------------------------------------ sources */

static apr_int64_t
handle_of(const mproc__source_t *source)
{
    mproc__far_watch_t *watch = atomic_load(&source->away->watch);

    return watch == NULL ? NONE : atomic_load(&watch->handle);
}

static int
far_is_not_ready(void *baton)
{
    mproc__source_t *source = baton;
    apr_int64_t handle = handle_of(source);

    return !source->known &&
           (source->final ||
            (!IS_OVER(handle) &&
             (handle == NONE || !mproc__netwatch_look(handle))));
}

static int
far_must_sleep(void *baton)
{
    mproc__source_t *source = baton;
    apr_int64_t handle = handle_of(source);

    if (handle >= 0) {
        mproc__netwatch_arm(handle, source->word);
    }
    return far_is_not_ready(source);
}

/* Have a watch that is waited on; an answer that lies there is of before, if
 * the object is not known to be ready. One that is found dead is replaced. */
static apr_status_t
watch_begin(mproc__source_t *source)
{
    mproc__proxy_t *proxy = source->away;
    mproc__far_watch_t *watch;
    apr_status_t rv;
    int again;

    for (again = 0; again < 2; again++) {
        watch = watch_of(proxy);
        if (watch == NULL) {
            return mproc__fail(APR_ENOMEM,
                               "%s: no memory to wait for a manager's object",
                               source->call);
        }
        rv = watch_make(watch, proxy, 0, source->call);
        if (rv != APR_SUCCESS || source->known) {
            return rv;
        }
        watch_guard(watch);
        watch_renew(watch, proxy);
        watch_unguard(watch);
        if (!IS_OVER(atomic_load(&watch->handle))) {
            break;
        }
    }
    return APR_SUCCESS;
}

/* What is so now; what fails is ready, and the call that follows tells why. */
static apr_status_t
far_refresh(mproc__source_t *source, mproc__watch_e watch)
{
    mproc__ask_t ask;
    apr_status_t rv;

    question_begin(&ask, source->away, source->call);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    source->known = rv != APR_TIMEUP;
    source->final = watch == MPROC__WATCH_NEVER;
    if (watch == MPROC__WATCH_NEVER ||
        (watch == MPROC__WATCH_IF_UNREADY && source->known)) {
        return APR_SUCCESS;
    }
    rv = watch_begin(source);
    if (rv == APR_ECONNRESET && watch == MPROC__WATCH_IF_UNREADY) {
        source->known = 1;
        rv = APR_SUCCESS;
    }
    return rv;
}

void
mproc__far_source(mproc__proxy_t *proxy, mproc__source_t *source)
{
    mproc__proxy_shared_t *shared = proxy->object.shared;

    source->away = proxy;
    source->word = (void *)&shared->word;
    source->needed = far_is_not_ready;
    source->baton = source;
    source->must_sleep = far_must_sleep;
    source->sleeper = source;
    source->refresh = far_refresh;
    source->dear = 1;
    source->place = &proxy->object.notifier;
}
