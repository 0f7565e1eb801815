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
 * too. Invariant: the question is put, or its answer lies there, or the watch
 * is dead, and then the object is taken for ready: the call that follows tells
 * what is wrong.
 *
 * `busy` is held to make a watch, and to take and ask. Whoever looks reads the
 * handle alone, which stays as long as the half. A forked child has a copy of
 * its parent's watch, puts one of its own in its place, and closes the copy.
 */
#include "manager_far.h"

#include <stdlib.h>

#include <mproc/async.h>
#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_line.h"
#include "netwatch.h"
#include "notifier.h"
#include "wait.h"

#define PATIENCE ((apr_interval_time_t)10 * 1000 * 1000)
#define DEAD (-1)

struct mproc__far_watch_t {
    atomic_flag busy;
    apr_int64_t pid;            /* whose it is */
    mproc__line_t *line;        /* NULL: not made yet */
    _Atomic apr_int64_t handle; /* of it; DEAD */
};

/* ------------------------------------------------------------------- watches
 */

static void
watch_guard(mproc__far_watch_t *watch)
{
    while (atomic_flag_test_and_set(&watch->busy)) {
        apr_sleep(50); /* Another thread asks. */
    }
}

static void
watch_unguard(mproc__far_watch_t *watch)
{
    atomic_flag_clear(&watch->busy);
}

static void
watch_free(mproc__far_watch_t *watch)
{
    if (watch != NULL && watch->line != NULL) {
        mproc__line_end(watch->line, watch->pid == mproc_plat_pid());
    }
    free(watch);
}

/* This process's. NULL: no memory. */
static mproc__far_watch_t *
watch_of(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = atomic_load(&proxy->watch), *made;

    if (watch != NULL && watch->pid == mproc_plat_pid()) {
        return watch;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    atomic_flag_clear(&made->busy);
    made->pid = mproc_plat_pid();
    if (atomic_compare_exchange_strong(&proxy->watch, &watch, made)) {
        watch_free(watch);
        return made;
    }
    free(made);
    return watch;
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
    rv = mproc__ask_post(&ask, watch->line, MPROC_FOREVER,
                         mproc_plat_clock() + PATIENCE);
    mproc__ask_end(&ask);
    return rv;
}

/* Its connection ends before others of this process may, so there is to be one
 * beside it: without any the server would take this client for gone. */
static apr_status_t
watch_make(mproc__far_watch_t *watch, mproc__proxy_t *proxy, const char *call)
{
    mproc__line_t *line;
    apr_status_t rv = mproc__line_take(&line, proxy->link, call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__link_open(proxy->link, call);
    watch->line = line;
    if (rv == APR_SUCCESS) {
        rv = watch_ask(watch, proxy, call);
    }
    if (rv != APR_SUCCESS) {
        watch->line = NULL;
        return mproc__line_fail(line, proxy->link, call);
    }
    atomic_store(&watch->handle, line->socket->handle);
    return APR_SUCCESS;
}

/* Take an answer that lies there, and ask again. */
static void
watch_renew(mproc__far_watch_t *watch, mproc__proxy_t *proxy)
{
    apr_uint64_t limit = mproc__link_limit(proxy->link);
    apr_int64_t handle;
    apr_status_t rv;

    watch_guard(watch);
    handle = atomic_load(&watch->handle);
    if (watch->line != NULL && handle != DEAD && mproc__netwatch_look(handle)) {
        rv = mproc__line_reply(watch->line, limit,
                               mproc_plat_clock() + PATIENCE);
        if (rv == APR_SUCCESS) {
            mproc__stream_taken(&watch->line->stream);
            rv = watch_ask(watch, proxy, "mproc");
        }
        if (rv != APR_SUCCESS) {
            atomic_store(&watch->handle, DEAD);
        }
    }
    watch_unguard(watch);
}

void
mproc__far_looked_now(mproc__proxy_t *proxy)
{
    mproc__far_watch_t *watch = atomic_load(&proxy->watch);

    if (watch->pid == mproc_plat_pid()) {
        watch_renew(watch, proxy);
        mproc__notifier_look(&proxy->object.notifier);
    }
}

void
mproc__far_watch_end(mproc__proxy_t *proxy)
{
    watch_free(atomic_exchange(&proxy->watch, NULL));
}

/* ------------------------------------------------------------------- sources
 */

static int
far_is_not_ready(void *baton)
{
    mproc__source_t *source = baton;
    mproc__proxy_t *proxy = source->away;
    apr_int64_t handle = atomic_load(&atomic_load(&proxy->watch)->handle);

    return !source->known && handle != DEAD && !mproc__netwatch_look(handle);
}

static int
far_must_sleep(void *baton)
{
    mproc__source_t *source = baton;
    mproc__proxy_t *proxy = source->away;
    apr_int64_t handle = atomic_load(&atomic_load(&proxy->watch)->handle);

    if (handle != DEAD) {
        mproc__netwatch_arm(handle, source->word);
    }
    return far_is_not_ready(source);
}

/* What is so now. When it is not ready an answer that lies there is of
 * before. */
static apr_status_t
far_refresh(mproc__source_t *source)
{
    mproc__proxy_t *proxy = source->away;
    mproc__ask_t ask;
    apr_status_t rv;

    question_begin(&ask, proxy, source->call);
    rv = mproc__ask_run(&ask, 0);
    mproc__ask_end(&ask);
    source->known = rv == APR_SUCCESS;
    if (rv != APR_TIMEUP) {
        return rv;
    }
    mproc__far_looked(proxy);
    return APR_SUCCESS;
}

apr_status_t
mproc__far_source(mproc__proxy_t *proxy, mproc__source_t *source)
{
    mproc__far_watch_t *watch = watch_of(proxy);
    apr_status_t rv = APR_SUCCESS;

    if (watch == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "%s: no memory to wait for a manager's "
                           "object",
                           source->call);
    }
    watch_guard(watch);
    if (watch->line == NULL) {
        rv = watch_make(watch, proxy, source->call);
    }
    watch_unguard(watch);
    source->away = proxy;
    source->word = &((mproc__proxy_shared_t *)proxy->object.shared)->word;
    source->needed = far_is_not_ready;
    source->baton = source;
    source->must_sleep = far_must_sleep;
    source->sleeper = source;
    source->refresh = far_refresh;
    source->dear = 1;
    source->place = &proxy->object.notifier;
    return rv;
}
