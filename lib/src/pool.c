/*
 * pool.c: the life of a pool. What its workers do is in pool_worker.c, how
 * work gets to them in pool_map.c, the protocol in pool.h.
 */
#include "pool.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"
#include "process.h"

#define GRACE (1000 * 1000) /* microseconds from terminate to kill */
#define STILLBORN_PER_WORKER 3

apr_status_t
mproc__pool_check(mproc_pool_t *workers, const char *call)
{
    if (workers == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: the pool is NULL; pass one made "
                           "by mproc_pool_create()",
                           call);
    }
    if (workers->epoch != mproc__peers_epoch()) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: the pool belongs to the process that created "
                           "it; create one in this process",
                           call);
    }
    return APR_SUCCESS;
}

/* ----------------------------------------------------------------- workers */

/* In the watcher's thread: whoever waits for the job shall look. */
static void
worker_ended(mproc_process_t *process, void *baton)
{
    mproc_pool_t *workers = baton;
    (void)process;
    mproc__pool_move(&workers->shared->done, 0);
}

static void
worker_forget(mproc_pool_t *workers, int place)
{
    if (workers->process[place] != NULL) {
        mproc__process_unwatch(workers->process[place]);
        mproc_process_close(workers->process[place]);
        workers->process[place] = NULL;
    }
}

apr_status_t
mproc__pool_start_worker(mproc_pool_t *workers, int place)
{
    mproc_process_options_t options = {0};
    char name[128];
    apr_status_t rv;

    worker_forget(workers, place);
    atomic_store(&workers->shared->worker[place], 0);
    apr_snprintf(name, sizeof name, "%s-%d", workers->name,
                 workers->started + 1);
    options.name = name;
    options.daemon = 1;
    options.start_method = workers->start_method;
    rv = mproc_process_create(&workers->process[place], mproc__pool_worker,
                              &options, NULL, "U i",
                              mproc__hold_handle(workers->hold), place);
    if (rv == APR_SUCCESS) {
        rv = mproc_process_start(workers->process[place]);
    }
    if (rv == APR_SUCCESS) {
        workers->started++;
        rv = mproc__process_watch(workers->process[place], worker_ended,
                                  workers);
    }
    return rv;
}

apr_status_t
mproc__pool_heal(mproc_pool_t *workers)
{
    apr_status_t rv = APR_SUCCESS;
    int place;

    for (place = 0; place < workers->count && rv == APR_SUCCESS; place++) {
        mproc_process_t *process = workers->process[place];
        if (process != NULL && mproc_process_is_alive(process)) {
            continue;
        }
        if (atomic_load(&workers->shared->worker[place]) != 0) {
            workers->stillborn = 0;
        }
        else if (++workers->stillborn > STILLBORN_PER_WORKER * workers->count) {
            int count = workers->stillborn;
            workers->stillborn = 0; /* The next call may try again. */
            return mproc__fail(MPROC_EBROKEN,
                               "the pool's workers end before they can work: "
                               "%d in a row; run one by mproc_process_start() "
                               "and look at what it says on stderr",
                               count);
        }
        rv = mproc__pool_start_worker(workers, place);
    }
    return rv;
}

/* -------------------------------------------------------------------- life */

/* End all workers, however far they have come. */
static void
workers_end(mproc_pool_t *workers)
{
    int place;
    atomic_store(&workers->terminated, 1);
    mproc__pool_move(&workers->shared->wake, MPROC__POOL_CLOSED);
    mproc__pool_move(&workers->shared->done, 0);
    for (place = 0; place < workers->count; place++) {
        if (workers->process[place] != NULL) {
            mproc_process_terminate(workers->process[place]);
        }
    }
    for (place = 0; place < workers->count; place++) {
        if (workers->process[place] != NULL) {
            mproc_process_stop(workers->process[place], GRACE);
        }
    }
}

/* The owner's half goes, by whichever way; in a forked child only memory. */
static apr_status_t
pool_cleanup(void *data)
{
    mproc_pool_t *workers = data;
    int place;

    if (workers->epoch == mproc__peers_epoch() && workers->shared != NULL) {
        workers_end(workers);
        for (place = 0; place < workers->count; place++) {
            worker_forget(workers, place);
        }
    }
    if (workers->epoch == mproc__peers_epoch() && workers->hold != NULL) {
        mproc__arena_release(workers->hold);
        mproc__hold_free(workers->hold);
    }
    return APR_SUCCESS;
}

static apr_status_t
pool_fill(mproc_pool_t *workers, const mproc_pool_options_t *options)
{
    apr_status_t rv;
    int place;

    workers->count =
        options->processes > 0 ? options->processes : mproc_cpu_count();
    workers->name = apr_pstrdup(
        workers->pool, options->name == NULL ? "Worker" : options->name);
    workers->start_method = options->start_method;
    workers->process = apr_pcalloc(workers->pool, (apr_size_t)workers->count *
                                                      sizeof *workers->process);
    rv = apr_thread_mutex_create(&workers->mapping, APR_THREAD_MUTEX_DEFAULT,
                                 workers->pool);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "mproc_pool_create: no mutex was to be had");
    }
    workers->hold = mproc__hold_new();
    if (workers->hold == NULL) {
        return mproc__fail(APR_ENOMEM, "mproc_pool_create: no shared memory; "
                                       "free some objects");
    }
    rv = mproc__arena_alloc(workers->hold,
                            sizeof *workers->shared +
                                (apr_uint64_t)workers->count *
                                    sizeof(mproc__word_t),
                            MPROC_KIND_POOL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    workers->shared = mproc__arena_at(mproc__hold_handle(workers->hold));
    for (place = 0; place < workers->count && rv == APR_SUCCESS; place++) {
        rv = mproc__pool_start_worker(workers, place);
    }
    return rv;
}

apr_status_t
mproc_pool_create(mproc_pool_t **workers, const mproc_pool_options_t *options,
                  apr_pool_t *pool)
{
    static const mproc_pool_options_t none = {0};
    apr_pool_t *own;
    apr_status_t rv;

    if (workers == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_pool_create: workers is NULL; "
                                       "pass where the pool goes");
    }
    *workers = NULL;
    options = options == NULL ? &none : options;
    if (options->processes < 0 || options->processes > MPROC__POOL_MOST) {
        return mproc__fail(APR_EINVAL,
                           "mproc_pool_create: %d processes were asked for; "
                           "give 1 to %d, or 0 for one a processor",
                           options->processes, MPROC__POOL_MOST);
    }
    rv = mproc__peers_attach();
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&own, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *workers = apr_pcalloc(own, sizeof **workers);
    (*workers)->pool = own;
    (*workers)->epoch = mproc__peers_epoch();
    apr_pool_pre_cleanup_register(own, *workers, pool_cleanup);
    rv = pool_fill(*workers, options);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(own);
        *workers = NULL;
    }
    return rv;
}

apr_status_t
mproc_pool_close(mproc_pool_t *workers)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_close");
    if (rv == APR_SUCCESS) {
        apr_thread_mutex_lock(workers->mapping);
        mproc__pool_move(&workers->shared->wake, MPROC__POOL_CLOSED);
        apr_thread_mutex_unlock(workers->mapping);
    }
    return rv;
}

apr_status_t
mproc_pool_terminate(mproc_pool_t *workers)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_terminate");
    if (rv == APR_SUCCESS) {
        atomic_store(&workers->terminated, 1);
        mproc__pool_move(&workers->shared->done, 0);
        /* A map in another thread leaves first: it might start workers. */
        apr_thread_mutex_lock(workers->mapping);
        workers_end(workers);
        apr_thread_mutex_unlock(workers->mapping);
    }
    return rv;
}

apr_status_t
mproc_pool_join(mproc_pool_t *workers, apr_interval_time_t timeout)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_join");
    apr_time_t deadline = mproc__deadline(timeout);
    int place;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!(atomic_load(&workers->shared->wake) & MPROC__POOL_CLOSED)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_pool_join: the pool still takes work; call "
                           "mproc_pool_close() or _terminate() first");
    }
    for (place = 0; place < workers->count && rv == APR_SUCCESS; place++) {
        if (workers->process[place] == NULL) {
            continue; /* It could not be replaced. */
        }
        rv = mproc_process_join(workers->process[place],
                                deadline == MPROC_PLAT_NEVER
                                    ? MPROC_FOREVER
                                    : mproc_timeout_until(deadline));
    }
    return rv;
}

void
mproc_pool_destroy(mproc_pool_t *workers)
{
    if (workers != NULL) {
        apr_pool_destroy(workers->pool);
    }
}
