/*
 * pool_create.c: the beginning of a pool: until its workers have come through
 * their initializer.
 */
#include "async.h"

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"
#include "process.h"

static apr_status_t
wanted_check(const mproc_pool_t *workers)
{
    return workers->unwanted == NULL || !atomic_load(workers->unwanted)
               ? APR_SUCCESS
               : mproc__fail(MPROC_ECLOSED, "mproc_pool_create: nobody wants "
                                            "the pool any more");
}

static apr_status_t
workers_start(mproc_pool_t *workers)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < workers->count && rv == APR_SUCCESS; i++) {
        rv = wanted_check(workers);
        if (rv == APR_SUCCESS) {
            rv = mproc__pool_start_worker(workers, i);
        }
    }
    return rv;
}

/* With an initializer: until each worker has come through it. */
static apr_status_t
pool_await(mproc_pool_t *workers)
{
    mproc__pool_wait_t wait;
    int i, up;

    while (workers->options.initializer != NULL) {
        apr_time_t until = MPROC_PLAT_NEVER;
        if (wanted_check(workers) != APR_SUCCESS) {
            return MPROC_ECLOSED;
        }
        mproc__pool_look(&wait, &workers->shared->care);
        for (i = up = 0; i < workers->count; i++) {
            up += atomic_load(&workers->keep[i]->place->peer) != 0;
        }
        apr_status_t failed =
            (apr_status_t)atomic_load(&workers->shared->failed);
        if (failed != APR_SUCCESS) {
            return mproc__fail(failed,
                               "mproc_pool_create: the initializer failed: %s",
                               workers->shared->said);
        }
        if (up == workers->count) {
            break;
        }
        for (i = 0; i < workers->count; i++) {
            mproc__keep_t *keep = workers->keep[i];
            if (!atomic_load(&keep->ended) ||
                atomic_load(&keep->place->peer) != 0) {
                continue;
            }
            if (!keep->stopped || workers->stillborn++ > workers->count ||
                mproc__pool_start_worker(workers, i) != APR_SUCCESS) {
                return mproc__fail(MPROC_EBROKEN,
                                   "mproc_pool_create: a worker ended in its "
                                   "initializer, or was stopped there; see "
                                   "what that does");
            }
        }
        mproc__pool_look_around(workers, &until);
        if (mproc__pool_sleep(&wait, until) == APR_ENOMEM) {
            return mproc__wait_refused("mproc_pool_create");
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
options_check(const mproc_pool_options_t *options)
{
    const char *wrong = NULL;

    if (options->processes < 0 || options->processes > MPROC__POOL_MOST) {
        return mproc__fail(APR_EINVAL,
                           "mproc_pool_create: %d processes were asked for; "
                           "give 1 to %d, or 0 for one a processor",
                           options->processes, MPROC__POOL_MOST);
    }
    if (options->max_tasks_per_child < 0) {
        wrong = "max_tasks_per_child is negative";
    }
    else if (options->retries < 0 || options->retries > 250) {
        wrong = "retries is not from 0 to 250";
    }
    else if (options->initargs.size > 0 && options->initargs.data == NULL) {
        wrong = "the initializer's arguments are NULL but have a size";
    }
    else if (options->initargs.size > 0 && options->initializer == NULL) {
        wrong = "there are arguments but no initializer";
    }
    return wrong == NULL
               ? APR_SUCCESS
               : mproc__fail(APR_EINVAL, "mproc_pool_create: %s", wrong);
}

apr_status_t
mproc_pool_create(mproc_pool_t **workers, const mproc_pool_options_t *options,
                  apr_pool_t *pool)
{
    return mproc__pool_create(workers, options, NULL, pool);
}

apr_status_t
mproc__pool_create(mproc_pool_t **workers, const mproc_pool_options_t *options,
                   const atomic_int *unwanted, apr_pool_t *pool)
{
    static const mproc_pool_options_t none = {0};
    apr_status_t rv;

    if (workers == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_pool_create: workers is NULL; "
                                       "pass where the pool goes");
    }
    *workers = NULL;
    options = options == NULL ? &none : options;
    rv = options_check(options);
    if (rv == APR_SUCCESS) {
        rv = mproc__peers_attach();
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__pool_make(workers, options, pool);
    if (rv == APR_SUCCESS) {
        (*workers)->unwanted = unwanted;
        rv = workers_start(*workers);
    }
    if (rv == APR_SUCCESS) {
        rv = pool_await(*workers);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__at_shutdown(mproc__pool_at_shutdown, *workers);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__pool_keep(*workers);
    }
    if (rv != APR_SUCCESS && *workers != NULL) {
        char why[1024];
        apr_cpystrn(why, mproc_error_detail(), sizeof why);
        apr_pool_destroy((*workers)->pool);
        *workers = NULL;
        mproc__fail(rv, "%s", why);
    }
    return rv;
}
