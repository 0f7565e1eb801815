/*
 * async_many.c: waiting for several asyncs.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"
#include "wait.h"

/* A wait for any change of several eventcounts. */
typedef struct many_t {
    mproc_async_t *const *asyncs;
    apr_size_t count;
    mproc__pool_wait_t *wait;
    void **words;
    int waiting; /* how many there are to wait for */
} many_t;

static apr_status_t
many_check(const many_t *many, const char *call)
{
    apr_size_t i;

    if (many->count > 0 && many->asyncs == NULL) {
        return mproc__fail(APR_EINVAL, "%s: asyncs is NULL but counts", call);
    }
    for (i = 0; i < many->count; i++) {
        if (many->asyncs[i] != NULL &&
            many->asyncs[i]->epoch != mproc__peers_epoch()) {
            return mproc__fail(MPROC_ESTATE,
                               "%s: an async belongs to the process that made "
                               "it",
                               call);
        }
    }
    return APR_SUCCESS;
}

/* Where they are settled. */
typedef enum where_e {
    HERE,
    THERE,   /* by one manager's server, which is asked for all at once */
    ANYWHERE /* each is asked for by itself */
} where_e;

static where_e
many_where(const many_t *many)
{
    apr_size_t i, here = 0, away = 0;

    for (i = 0; i < many->count; i++) {
        if (many->asyncs[i] != NULL) {
            int is = mproc__async_far(many->asyncs[i]) != NULL;
            away += is;
            here += !is;
        }
    }
    return away == 0 ? HERE
           : here == 0 && mproc__far_are_one(many->asyncs, many->count)
               ? THERE
               : ANYWHERE;
}

static int
many_is_idle(void *baton)
{
    many_t *many = baton;
    int i;

    for (i = 0; i < many->waiting; i++) {
        if (!mproc__pool_is_idle(&many->wait[i])) {
            return 0;
        }
    }
    return 1;
}

/* Before the states are looked at. */
static apr_status_t
many_look(many_t *many, const char *call)
{
    apr_size_t i;

    if (many->wait == NULL && many->count > 0) {
        many->wait = malloc(many->count * sizeof *many->wait);
        many->words = malloc(many->count * sizeof *many->words);
    }
    if ((many->wait == NULL || many->words == NULL) && many->count > 0) {
        return mproc__fail(APR_ENOMEM, "%s: memory is short", call);
    }
    many->waiting = 0;
    for (i = 0; i < many->count; i++) {
        if (many->asyncs[i] != NULL &&
            !mproc__async_task_done(many->asyncs[i], MPROC__ALL_TASKS)) {
            mproc__word_t *word = &many->asyncs[i]->batch->done;
            mproc__pool_look(&many->wait[many->waiting], word);
            many->words[many->waiting++] = word;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
many_sleep(many_t *many, apr_time_t deadline, const char *call)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < many->count && rv == APR_SUCCESS; i++) {
        if (many->asyncs[i] != NULL) {
            rv = mproc__pool_may_wait(many->asyncs[i]->workers, call);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!mproc__spin(many_is_idle, many)) {
        rv = mproc__park(many->words, many->waiting, many_is_idle, NULL, many,
                         deadline);
    }
    return rv == APR_ENOMEM ? mproc__wait_refused(call) : rv;
}

static void
many_end(many_t *many)
{
    free(many->wait);
    free(many->words);
}

/* How many are settled, and whether one of these has failed. */
static apr_size_t
many_count(const many_t *many, int *failed)
{
    apr_size_t i, settled = 0;
    int successful;

    *failed = 0;
    for (i = 0; i < many->count; i++) {
        if (many->asyncs[i] == NULL ||
            !mproc__async_task_done(many->asyncs[i], MPROC__ALL_TASKS)) {
            continue;
        }
        settled++;
        if (mproc_async_successful(many->asyncs[i], &successful) ==
                APR_SUCCESS &&
            !successful) {
            *failed = 1;
        }
    }
    return settled;
}

/* ----------------------------------------------------- beside other things */

static int
async_is_missing(void *baton)
{
    return !mproc__async_task_done(baton, MPROC__ALL_TASKS);
}

/* As mproc__pool_look(): who is entered says so, and then looks. */
static int
async_must_sleep(void *baton)
{
    mproc_async_t *async = baton;

    atomic_fetch_or(&async->batch->done, MPROC__POOL_WAITERS);
    return async_is_missing(async);
}

apr_status_t
mproc__async_source(mproc_async_t *async, mproc__source_t *source)
{
    apr_status_t rv = mproc__async_check(async, source->call);
    mproc__extra_t *extra;

    if (rv == APR_SUCCESS && mproc__async_far(async) != NULL) {
        mproc__far_async_source(mproc__async_far(async), source);
        return rv;
    }
    if (rv == APR_SUCCESS) {
        source->word = (void *)&async->batch->done;
        source->needed = async_is_missing;
        source->baton = async;
        source->must_sleep = async_must_sleep;
        source->sleeper = async;
        extra = atomic_load(&async->extra);
        source->place = extra == NULL ? NULL : &extra->notifier;
        /* The pool may be gone when it is settled. */
        source->in_vain =
            async_is_missing(async) && mproc__pool_in_keeper(async->workers);
    }
    return rv;
}

/* What mproc_wait() said, of the call that was made. */
static apr_status_t
named(apr_status_t rv, const char *call)
{
    static const char inner[] = "mproc_wait: ";
    char why[1000];

    apr_cpystrn(why, mproc_error_detail(), sizeof why);
    return mproc__fail(rv, "%s: %s", call,
                       strncmp(why, inner, sizeof inner - 1) == 0
                           ? why + sizeof inner - 1
                           : why);
}

/* Those of `many` that are not settled yet, as mproc_wait() has them. Marks
 * those that it finds settled. */
static apr_status_t
beside_look(const many_t *many, unsigned char *settled, mproc_waitable_t *items,
            apr_time_t deadline, const char *call)
{
    apr_status_t rv;
    apr_size_t i;
    int count = 0;

    for (i = 0; i < many->count; i++) {
        if (many->asyncs[i] != NULL && !settled[i]) {
            items[count++] =
                (mproc_waitable_t){MPROC_WAIT_ASYNC, many->asyncs[i], 0};
        }
    }
    rv =
        mproc_wait(items, count,
                   deadline == MPROC_PLAT_NEVER ? MPROC_FOREVER
                                                : mproc_timeout_until(deadline),
                   NULL);
    for (i = 0, count = 0; rv == APR_SUCCESS && i < many->count; i++) {
        if (many->asyncs[i] != NULL && !settled[i]) {
            /* What cannot be asked for may be ready without it. */
            settled[i] = items[count++].ready &&
                         (mproc__async_far(many->asyncs[i]) == NULL ||
                          mproc_async_ready(many->asyncs[i]));
        }
    }
    if (rv == APR_TIMEUP) {
        return mproc__fail(rv, "%s: not settled in this time; ask again", call);
    }
    return rv == APR_SUCCESS ? rv : named(rv, call);
}

/* Wait for them wherever they are; settled has room for all, and tells which
 * are. */
static apr_status_t
beside_wait(const many_t *many, mproc_wait_for_e until, apr_time_t deadline,
            unsigned char *settled, apr_size_t *found, const char *call)
{
    mproc_waitable_t *items = calloc(many->count, sizeof *items);
    apr_size_t total = 0, i;
    apr_status_t rv = APR_SUCCESS;
    int successful, failed = 0;

    *found = 0;
    if (items == NULL || many->count > APR_INT32_MAX) {
        free(items);
        return mproc__fail(APR_ENOMEM, "%s: memory is short", call);
    }
    for (i = 0; i < many->count; i++) {
        total += many->asyncs[i] != NULL;
    }
    while (rv == APR_SUCCESS && *found < total &&
           !(until == MPROC_FIRST_SETTLED && *found > 0) &&
           !(until == MPROC_FIRST_FAILED && failed)) {
        rv = beside_look(many, settled, items, deadline, call);
        *found = 0;
        for (i = 0; i < many->count; i++) {
            *found += settled[i];
            failed |= until == MPROC_FIRST_FAILED && settled[i] &&
                      (mproc_async_successful(many->asyncs[i], &successful) !=
                           APR_SUCCESS ||
                       !successful);
        }
    }
    free(items);
    return rv;
}

/* The first of them that is settled. */
static apr_status_t
beside_first(const many_t *many, apr_size_t *index, apr_time_t deadline,
             const char *call)
{
    unsigned char *settled = calloc(many->count, 1);
    apr_size_t found, i = 0;
    apr_status_t rv = settled == NULL
                          ? mproc__fail(APR_ENOMEM, "%s: memory is short", call)
                          : beside_wait(many, MPROC_FIRST_SETTLED, deadline,
                                        settled, &found, call);

    while (rv == APR_SUCCESS && !settled[i]) {
        i++;
    }
    *index = i;
    free(settled);
    return rv;
}

/* ------------------------------------------------------------ public calls */

apr_status_t
mproc_wait_results(mproc_async_t *const *asyncs, apr_size_t count,
                   mproc_wait_for_e until, apr_interval_time_t timeout,
                   apr_size_t *settled)
{
    static const char call[] = "mproc_wait_results";
    many_t many = {.asyncs = asyncs, .count = count};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv = many_check(&many, call), slept = APR_SUCCESS;
    apr_size_t found = 0, i;
    where_e where = HERE;
    unsigned char *marks;
    int failed;

    for (i = 0; rv == APR_SUCCESS && i < count; i++) {
        if (asyncs[i] == NULL) {
            rv = mproc__fail(APR_EINVAL,
                             "%s: async %" APR_SIZE_T_FMT " is NULL", call, i);
        }
    }
    if (rv == APR_SUCCESS &&
        (until < MPROC_ALL_SETTLED || until > MPROC_FIRST_FAILED)) {
        rv = mproc__fail(APR_EINVAL, "%s: %d is nothing to wait for", call,
                         (int)until);
    }
    if (rv == APR_SUCCESS) {
        where = many_where(&many);
    }
    if (rv == APR_SUCCESS && where == THERE) {
        rv = mproc__far_select(asyncs, count, until, deadline, NULL, &found,
                               call);
    }
    if (rv == APR_SUCCESS && where == ANYWHERE) {
        marks = calloc(count, 1);
        rv = marks == NULL
                 ? mproc__fail(APR_ENOMEM, "%s: memory is short", call)
                 : beside_wait(&many, until, deadline, marks, &found, call);
        free(marks);
    }
    while (rv == APR_SUCCESS && where == HERE) {
        rv = many_look(&many, call);
        found = many_count(&many, &failed);
        if (rv != APR_SUCCESS || found == count ||
            (until == MPROC_FIRST_SETTLED && found > 0) ||
            (until == MPROC_FIRST_FAILED && failed)) {
            break;
        }
        if (deadline == 0 || slept == APR_TIMEUP) {
            rv = mproc__fail(APR_TIMEUP,
                             "%s: %" APR_SIZE_T_FMT " of %" APR_SIZE_T_FMT
                             " are settled; ask again",
                             call, found, count);
            break;
        }
        slept = many_sleep(&many, deadline, call);
        rv = slept == APR_TIMEUP ? APR_SUCCESS : slept;
    }
    many_end(&many);
    if (settled != NULL) {
        *settled = found;
    }
    return rv;
}

apr_status_t
mproc_as_completed(mproc_async_t **asyncs, apr_size_t count, apr_size_t *index,
                   apr_interval_time_t timeout)
{
    static const char call[] = "mproc_as_completed";
    many_t many = {.asyncs = asyncs, .count = count};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv = many_check(&many, call), slept = APR_SUCCESS;
    where_e where = HERE;

    if (rv == APR_SUCCESS && index == NULL) {
        rv = mproc__fail(APR_EINVAL, "%s: index is NULL; pass where it goes",
                         call);
    }
    if (rv == APR_SUCCESS) {
        where = many_where(&many);
    }
    if (rv == APR_SUCCESS && where != HERE) {
        rv = where == THERE
                 ? mproc__far_first(asyncs, count, index, deadline, call)
                 : beside_first(&many, index, deadline, call);
        if (rv == APR_SUCCESS) {
            asyncs[*index] = NULL;
        }
        return rv;
    }
    while (rv == APR_SUCCESS) {
        apr_size_t i, left = 0;
        rv = many_look(&many, call);
        for (i = 0; rv == APR_SUCCESS && i < count; i++) {
            left += asyncs[i] != NULL;
            if (asyncs[i] != NULL &&
                mproc__async_task_done(asyncs[i], MPROC__ALL_TASKS)) {
                asyncs[i] = NULL;
                *index = i;
                many_end(&many);
                return APR_SUCCESS;
            }
        }
        if (rv == APR_SUCCESS && left == 0) {
            rv = APR_EOF;
        }
        else if (rv == APR_SUCCESS && (deadline == 0 || slept == APR_TIMEUP)) {
            rv = mproc__fail(APR_TIMEUP,
                             "%s: %" APR_SIZE_T_FMT " of %" APR_SIZE_T_FMT
                             " are not settled; ask again",
                             call, left, count);
        }
        else if (rv == APR_SUCCESS) {
            slept = many_sleep(&many, deadline, call);
            rv = slept == APR_TIMEUP ? APR_SUCCESS : slept;
        }
    }
    many_end(&many);
    return rv;
}
