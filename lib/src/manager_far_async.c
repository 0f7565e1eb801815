/*
 * manager_far_async.c: what was sent to a manager's pool.
 *
 * What the tasks said is had once, all of it, when they are settled, and stays:
 * from then on nothing is asked for, and the server may be gone. Several
 * threads may ask at once; the first to come back gives the results, and those
 * of the others are freed. Invariant: `results`, once set, does not change.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_far.h"
#include "manager_line.h"
#include "parking.h"

typedef struct result_t {
    apr_status_t status;
    int is_lost;
    mproc_lost_t lost;
    mproc_bytes_t said; /* on the heap; a sentence is terminated */
} result_t;

typedef struct results_t {
    apr_size_t count, failed;
    result_t task[];
} results_t;

struct mproc__far_async_t {
    mproc__proxy_t *proxy;
    apr_size_t count;
    results_t *_Atomic results; /* NULL: not known yet */
};

apr_status_t
mproc__far_async_make(mproc__far_async_t **async, mproc__link_t *link,
                      apr_uint64_t id, apr_size_t count, const char *call)
{
    mproc__far_async_t *made = calloc(1, sizeof *made);
    apr_status_t rv;

    if (made == NULL) {
        (void)mproc__ask_plain(link, id, MPROC__DROP, 0, call);
        return mproc__fail(APR_ENOMEM, "%s: memory for a task is short", call);
    }
    made->count = count;
    rv = mproc__proxy_make(&made->proxy, link, id, MPROC_KIND_JOB, NULL);
    if (rv != APR_SUCCESS) {
        free(made);
        return rv;
    }
    *async = made;
    return rv;
}

/* ------------------------------------------------------------------ results */

static void
results_free(results_t *results)
{
    apr_size_t i;

    for (i = 0; results != NULL && i < results->count; i++) {
        free((void *)(apr_uintptr_t)results->task[i].said.data);
    }
    free(results);
}

static results_t *
results_make(const mproc__far_async_t *async)
{
    results_t *results =
        calloc(1, sizeof *results + async->count * sizeof results->task[0]);

    if (results != NULL) {
        results->count = results->failed = async->count;
    }
    return results;
}

/* The results are the async's, unless another thread was faster. */
static void
results_give(mproc__far_async_t *async, results_t *results)
{
    results_t *none = NULL;
    apr_size_t i = 0;

    while (i < results->count && results->task[i].status == APR_SUCCESS) {
        i++;
    }
    results->failed = i;
    if (!atomic_compare_exchange_strong(&async->results, &none, results)) {
        results_free(results);
    }
}

static apr_status_t
said_keep(result_t *task, mproc_bytes_t said)
{
    char *copy = malloc(said.size + 1);

    if (copy == NULL) {
        return mproc__fail(APR_ENOMEM, "memory for a result is short");
    }
    if (said.size > 0) {
        memcpy(copy, said.data, said.size);
    }
    copy[said.size] = '\0';
    task->said = (mproc_bytes_t){copy, said.size};
    return APR_SUCCESS;
}

static apr_status_t
lost_read(mproc__ask_t *ask, mproc_lost_t *lost)
{
    apr_int64_t figure[6];
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < 6; i++) {
        rv = mproc__answer_int(ask, &figure[i]);
    }
    if (rv == APR_SUCCESS) {
        lost->pid = figure[0];
        lost->code = (int)figure[1];
        lost->signal = (int)figure[2];
        lost->core = (int)figure[3];
        lost->attempt = (int)figure[4];
        lost->ran = figure[5];
    }
    return rv;
}

static apr_status_t
result_read(mproc__ask_t *ask, result_t *task)
{
    apr_int64_t status, is_lost = 0;
    mproc_bytes_t said;
    apr_status_t rv = mproc__answer_int(ask, &status);

    if (rv == APR_SUCCESS) {
        rv = mproc__answer_bytes(ask, &said);
    }
    if (rv == APR_SUCCESS) {
        rv = said_keep(task, said);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(ask, &is_lost);
    }
    task->status = (apr_status_t)status;
    task->is_lost = is_lost != 0;
    return rv == APR_SUCCESS && is_lost ? lost_read(ask, &task->lost) : rv;
}

/* So many as come with one answer, from *at on. */
static apr_status_t
results_ask(mproc__far_async_t *async, results_t **results, apr_size_t *at,
            apr_time_t deadline, const char *call)
{
    apr_uint64_t limit = mproc__link_limit(async->proxy->link);
    apr_size_t from = *at;
    apr_int64_t count;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, async->proxy, MPROC__ASYNC_GET, call);
    mproc__ask_int(&ask, (apr_int64_t)from);
    mproc__ask_int(
        &ask, (apr_int64_t)(limit < APR_INT64_MAX ? limit : APR_INT64_MAX));
    rv = mproc__ask_run(&ask, deadline == MPROC_PLAT_NEVER
                                  ? MPROC_FOREVER
                                  : mproc_timeout_until(deadline));
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &count);
    }
    if (rv == APR_SUCCESS && *results == NULL &&
        (*results = results_make(async)) == NULL) {
        rv = mproc__fail(APR_ENOMEM, "%s: memory for results is short", call);
    }
    while (rv == APR_SUCCESS && *at < async->count &&
           ask.answer.at < ask.answer.end) {
        rv = result_read(&ask, &(*results)->task[*at]);
        ++*at;
    }
    mproc__ask_end(&ask);
    return rv == APR_SUCCESS && *at == from && from < async->count
               ? mproc__fail(MPROC_EFORMAT,
                             "%s: the manager does not answer as it should",
                             call)
               : rv;
}

apr_status_t
mproc__far_async_wait(mproc__far_async_t *async, apr_time_t deadline,
                      const char *call)
{
    results_t *results = NULL;
    apr_size_t at = 0;
    apr_status_t rv;

    if (mproc__far_async_known(async)) {
        return APR_SUCCESS;
    }
    rv = results_ask(async, &results, &at, deadline, call);
    while (rv == APR_SUCCESS && at < async->count) {
        rv = results_ask(async, &results, &at, 0, call);
    }
    if (rv == APR_SUCCESS) {
        results_give(async, results);
    }
    else {
        results_free(results);
    }
    return rv;
}

static int
far_async_is_missing(void *baton)
{
    return !mproc__far_async_known(baton);
}

void
mproc__far_async_source(mproc__far_async_t *async, mproc__source_t *source)
{
    if (!mproc__far_async_known(async)) {
        mproc__far_source(async->proxy, source);
        return;
    }
    /* The server may be gone. */
    source->needed = source->must_sleep = far_async_is_missing;
    source->baton = source->sleeper = async;
    source->place = &async->proxy->object.notifier;
}

apr_status_t
mproc__far_async_lose(mproc__far_async_t *async, apr_status_t status)
{
    results_t *results = results_make(async);
    const char *why = mproc_error_detail();
    apr_status_t rv = results == NULL ? status : APR_SUCCESS;
    apr_size_t i;

    for (i = 0; rv == APR_SUCCESS && i < results->count; i++) {
        results->task[i].status = status;
        rv = said_keep(&results->task[i], (mproc_bytes_t){why, strlen(why)});
    }
    if (rv == APR_SUCCESS) {
        results_give(async, results);
    }
    else {
        results_free(results);
    }
    return rv;
}

int
mproc__far_async_known(const mproc__far_async_t *async)
{
    return atomic_load(&async->results) != NULL;
}

apr_size_t
mproc__far_async_count(const mproc__far_async_t *async)
{
    return async->count;
}

static const result_t *
result_of(const mproc__far_async_t *async, apr_size_t index)
{
    return &atomic_load(&async->results)->task[index];
}

apr_status_t
mproc__far_async_status(const mproc__far_async_t *async, apr_size_t index)
{
    return result_of(async, index)->status;
}

mproc_bytes_t
mproc__far_async_said(const mproc__far_async_t *async, apr_size_t index)
{
    return result_of(async, index)->said;
}

apr_status_t
mproc__far_async_failure(const mproc__far_async_t *async, apr_size_t index)
{
    const result_t *task = result_of(async, index);

    return task->status == APR_SUCCESS
               ? APR_SUCCESS
               : mproc__fail(task->status, "%s", (const char *)task->said.data);
}

const mproc_lost_t *
mproc__far_async_lost(const mproc__far_async_t *async, apr_size_t index)
{
    return mproc__far_async_known(async) && result_of(async, index)->is_lost
               ? &result_of(async, index)->lost
               : NULL;
}

apr_size_t
mproc__far_async_failed(const mproc__far_async_t *async)
{
    return atomic_load(&async->results)->failed;
}

apr_status_t
mproc__far_async_cancel(mproc__far_async_t *async)
{
    return mproc__proxy_plain(async->proxy, MPROC__ASYNC_CANCEL, MPROC_FOREVER,
                              "mproc_async_cancel");
}

void
mproc__far_async_free(mproc__far_async_t *async)
{
    char why[MPROC__SENTENCE_MOST];

    apr_cpystrn(why, mproc_error_detail(), sizeof why);
    mproc__object_close(async->proxy);
    (void)mproc__fail(APR_SUCCESS, "%s", why);
    results_free(atomic_load(&async->results));
    free(async);
}

/* -------------------------------------------------------------- several at
 * once */

int
mproc__far_are_one(mproc_async_t *const *asyncs, apr_size_t count)
{
    const mproc__link_t *link = NULL;
    apr_size_t i;

    for (i = 0; i < count; i++) {
        if (asyncs[i] != NULL) {
            link = link == NULL ? asyncs[i]->away->proxy->link : link;
            if (link != asyncs[i]->away->proxy->link) {
                return 0;
            }
        }
    }
    return 1;
}

/* What the server says of those that are not known here. */
static apr_status_t
select_ask(mproc_async_t *const *asyncs, apr_size_t count, apr_size_t unknown,
           apr_size_t first, mproc_wait_for_e until, apr_time_t deadline,
           unsigned char *state, const char *call)
{
    mproc__ask_t ask;
    apr_int64_t number;
    apr_status_t rv, answered;
    apr_size_t i;

    mproc__proxy_ask(&ask, asyncs[first]->away->proxy, MPROC__ASYNC_SELECT,
                     call);
    mproc__ask_int(&ask, until);
    mproc__ask_int(&ask, (apr_int64_t)unknown);
    for (i = first; i < count; i++) {
        if (asyncs[i] != NULL && state[i] == 0) {
            mproc__ask_int(
                &ask, (apr_int64_t)mproc__proxy_id(asyncs[i]->away->proxy));
        }
    }
    rv = mproc__ask_run(&ask, deadline == MPROC_PLAT_NEVER
                                  ? MPROC_FOREVER
                                  : mproc_timeout_until(deadline));
    answered = rv == APR_TIMEUP ? APR_SUCCESS : rv;
    for (i = first; i < count && answered == APR_SUCCESS; i++) {
        if (asyncs[i] != NULL && state[i] == 0) {
            if (ask.answer.at == ask.answer.end) {
                break; /* It ran out before the server said anything. */
            }
            answered = mproc__answer_int(&ask, &number);
            state[i] = (unsigned char)number;
        }
    }
    mproc__ask_end(&ask);
    return answered == APR_SUCCESS ? rv : answered;
}

static void
states_count(const unsigned char *state, apr_size_t count, apr_size_t *settled,
             apr_size_t *failed)
{
    apr_size_t i;

    *settled = *failed = 0;
    for (i = 0; i < count; i++) {
        *settled += state[i] > 0;
        *failed += state[i] > 1;
    }
}

apr_status_t
mproc__far_select(mproc_async_t *const *asyncs, apr_size_t count,
                  mproc_wait_for_e until, apr_time_t deadline,
                  unsigned char *state, apr_size_t *settled, const char *call)
{
    unsigned char *found = calloc(count + 1, 1);
    apr_size_t i, unknown = 0, first = 0, failed;
    apr_status_t rv = APR_SUCCESS;

    *settled = 0;
    if (found == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: memory is short", call);
    }
    for (i = count; i-- > 0;) {
        if (asyncs[i] != NULL && mproc__far_async_known(asyncs[i]->away)) {
            found[i] = mproc__far_async_failed(asyncs[i]->away) <
                               mproc__far_async_count(asyncs[i]->away)
                           ? 2
                           : 1;
        }
        else if (asyncs[i] != NULL) {
            unknown++;
            first = i;
        }
    }
    states_count(found, count, settled, &failed);
    if (unknown > 0 && !(until == MPROC_FIRST_SETTLED && *settled > 0) &&
        !(until == MPROC_FIRST_FAILED && failed > 0)) {
        rv = select_ask(asyncs, count, unknown, first, until, deadline, found,
                        call);
        states_count(found, count, settled, &failed);
    }
    if (state != NULL) {
        memcpy(state, found, count);
    }
    free(found);
    return rv;
}

apr_status_t
mproc__far_first(mproc_async_t *const *asyncs, apr_size_t count,
                 apr_size_t *index, apr_time_t deadline, const char *call)
{
    unsigned char *state = calloc(count + 1, 1);
    apr_size_t i = 0, settled;
    apr_status_t rv =
        state == NULL ? mproc__fail(APR_ENOMEM, "%s: memory is short", call)
                      : mproc__far_select(asyncs, count, MPROC_FIRST_SETTLED,
                                          deadline, state, &settled, call);

    while (rv == APR_SUCCESS && i < count && state[i] == 0) {
        i++;
    }
    *index = i;
    free(state);
    return rv == APR_SUCCESS && i == count ? APR_EOF : rv;
}
