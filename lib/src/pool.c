/*
 * pool.c: the life of a pool, once its workers are up, and its end; before that
 * it is in pool_create.c. What its workers do is in pool_worker.c, who sees to
 * them in pool_keeper.c, how work gets to them in async.c and pool_map.c; the
 * protocol stands in pool.h.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_far_pool.h"
#include "object.h"
#include "parking.h"
#include "process.h"

#define GRACE (1000 * 1000) /* microseconds from terminate to kill */

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

static apr_status_t
open_check(mproc_pool_t *workers, int closed, const char *call)
{
    apr_status_t rv = mproc__pool_check(workers, call);

    if (rv == APR_SUCCESS && workers->broken != 0) {
        rv = mproc__fail(workers->broken,
                         "%s: the pool's workers end before they can work; "
                         "run one by mproc_process_start() and look at what "
                         "it says on stderr",
                         call);
    }
    else if (rv == APR_SUCCESS && (closed || workers->terminated)) {
        rv = mproc__fail(MPROC_ECLOSED,
                         "%s: the pool is closed; create another", call);
    }
    return rv;
}

apr_status_t
mproc__pool_open(mproc_pool_t *workers, const char *call)
{
    return open_check(workers, workers == NULL || atomic_load(&workers->closed),
                      call);
}

apr_status_t
mproc__pool_open_yet(mproc_pool_t *workers, const char *call)
{
    return open_check(workers, atomic_load(&workers->shut), call);
}

void
mproc__pool_figures(mproc_pool_t *workers)
{
    mproc__pool_shared_t *shared = workers->shared;
    const mproc_pool_stats_t *stats = &workers->stats;

    atomic_store_explicit(&shared->submitted, stats->submitted,
                          memory_order_relaxed);
    atomic_store_explicit(&shared->lost, stats->lost, memory_order_relaxed);
    atomic_store_explicit(&shared->retried, stats->retried,
                          memory_order_relaxed);
    atomic_store_explicit(&shared->unrun, workers->unrun, memory_order_relaxed);
    atomic_store_explicit(&shared->tasks_of_ended, stats->tasks_of_ended,
                          memory_order_relaxed);
}

apr_status_t
mproc__pool_function(mproc_pool_t *workers, mproc_function_t function,
                     mproc__handle_t *handle)
{
    mproc__function_t *known;
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(workers->list);
    for (known = workers->functions; known != NULL; known = known->next) {
        if (known->function == function) {
            break;
        }
    }
    if (known == NULL) {
        known = apr_pcalloc(workers->pool, sizeof *known);
        known->hold = mproc__hold_new();
        known->function = function;
        rv = known->hold == NULL
                 ? mproc__fail(APR_ENOMEM, "no shared memory for a function")
                 : mproc__arena_alloc(known->hold, sizeof(mproc__funcref_t),
                                      MPROC_KIND_BYTES);
        if (rv == APR_SUCCESS) {
            rv = mproc__funcref_make(
                mproc__arena_at(mproc__hold_handle(known->hold)), function);
        }
        if (rv == APR_SUCCESS) {
            known->next = workers->functions;
            workers->functions = known;
        }
        else if (known->hold != NULL) {
            mproc__arena_release(known->hold);
            mproc__hold_free(known->hold);
        }
    }
    *handle = rv == APR_SUCCESS ? mproc__hold_handle(known->hold) : 0;
    apr_thread_mutex_unlock(workers->list);
    return rv;
}

apr_status_t
mproc__pool_hint(mproc_pool_t *workers, mproc__handle_t handle,
                 mproc__hint_e what, apr_uint64_t count)
{
    mproc__hint_t hint = {handle, what};
    mproc_bytes_t item = {&hint, sizeof hint};
    apr_status_t rv = APR_SUCCESS;

    apr_uint64_t i;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc_queue_put(workers->hints, item, MPROC_NOWAIT);
    }
    return i > 1 ? APR_SUCCESS : rv;
}

/* ----------------------------------------------------------------- workers */

/* In the watcher's thread: the keeper shall look. */
static void
worker_ended(mproc_process_t *process, void *baton)
{
    mproc__keep_t *keep = baton;

    /* Who takes the watch off, and puts another there, waits for this call. */
    (void)process;
    atomic_store(&keep->ended, 1);
    mproc__pool_move(&keep->workers->shared->care);
}

void
mproc__pool_forget_worker(mproc_pool_t *workers, int number)
{
    mproc__keep_t *keep = workers->keep[number];

    if (keep->process != NULL) {
        mproc__process_unwatch(keep->process);
        mproc_process_close(keep->process);
        keep->process = NULL;
    }
    atomic_store(&keep->ended, 0);
    keep->interrupted = 0;
    keep->killed = 0;
    keep->still = 0;
    keep->stopped = 0;
    memset((void *)keep->place, 0, sizeof *keep->place);
}

apr_status_t
mproc__pool_start_worker(mproc_pool_t *workers, int number)
{
    mproc_process_options_t options = {0};
    mproc__keep_t *keep = workers->keep[number];
    char name[128];
    mproc_process_t *process;
    apr_status_t rv;

    mproc__pool_forget_worker(workers, number);
    apr_snprintf(name, sizeof name, "%s-%d",
                 workers->options.name == NULL ? "Worker"
                                               : workers->options.name,
                 workers->started + 1);
    options.name = name;
    options.daemon = 1;
    options.start_method = workers->options.start_method;
    rv = mproc_process_create(
        &process, mproc__pool_worker, &options, NULL, MPROC__POOL_WORKER_ARGS,
        mproc__hold_handle(workers->hold),
        mproc__hold_handle(workers->rack[keep->rack]), keep->number,
        workers->hints, workers->options.initargs);
    if (rv == APR_SUCCESS) {
        atomic_store(&keep->process, process);
        rv = mproc_process_start(keep->process);
        if (rv != APR_SUCCESS) {
            mproc__pool_forget_worker(workers, number);
        }
    }
    if (rv == APR_SUCCESS) {
        workers->started++;
        keep->pid = mproc_process_pid(keep->process);
        atomic_store(&keep->place->pid, (apr_uint64_t)keep->pid);
        rv = mproc__process_watch(keep->process, worker_ended, keep);
        if (rv != APR_SUCCESS) {
            (void)mproc_process_stop(keep->process, MPROC_NOWAIT);
        }
    }
    return rv;
}

/* -------------------------------------------------------------------- life */

/* End all workers, however far they have come; life is held. */
void
mproc__pool_end_workers(mproc_pool_t *workers)
{
    apr_time_t until;
    int i;

    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL) {
            mproc_process_terminate(workers->keep[i]->process);
        }
    }
    /* They end side by side, so that many take no longer than one. */
    until = mproc_plat_clock() + GRACE;
    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL &&
            mproc_process_join(workers->keep[i]->process,
                               mproc_timeout_until(until)) != APR_SUCCESS) {
            mproc_process_kill(workers->keep[i]->process);
        }
    }
    for (i = 0; i < workers->places; i++) {
        if (workers->keep[i]->process != NULL) {
            mproc_process_stop(workers->keep[i]->process, MPROC_NOWAIT);
        }
    }
}

static void
pool_end(mproc_pool_t *workers)
{
    if (atomic_exchange(&workers->terminated, 1)) {
        return;
    }
    atomic_store(&workers->closed, 1);
    mproc__pool_move(&workers->shared->done); /* A map leaves. */
    apr_thread_mutex_lock(workers->life);
    mproc__pool_end_workers(workers);
    mproc__pool_see_ends(workers);
    atomic_store(&workers->shut, 1);
    apr_thread_mutex_unlock(workers->life);
    mproc__pool_give_up(workers, MPROC_ECLOSED);
    atomic_store(&workers->ended, 1);
    mproc__pool_move(&workers->shared->done);
    mproc__pool_move(&workers->shared->care);
}

/* Before the library ends daemonic children at exit: the keeper would start
 * them anew. */
void
mproc__pool_at_shutdown(void *baton)
{
    mproc_pool_t *workers = baton;

    pool_end(workers);
    mproc__pool_keep_no_more(workers);
}

static void
functions_forget(mproc_pool_t *workers)
{
    mproc__function_t *known;

    for (known = workers->functions; known != NULL; known = known->next) {
        mproc__arena_release(known->hold);
        mproc__hold_free(known->hold);
    }
}

/* Asyncs outlive their pool: with all results that have come. */
static void
list_end(mproc_pool_t *workers)
{
    mproc_async_t *async;

    apr_thread_mutex_lock(workers->list);
    while ((async = workers->first) != NULL) {
        mproc__batch_t *batch = async->batch;
        int dropped = async->dropped;
        (void)mproc__arena_hold(workers->spare,
                                mproc__hold_handle(async->hold));
        atomic_store(&async->calls, 0);
        mproc__async_unlist(async);
        mproc__pool_told(&batch->done);
        mproc__arena_release(workers->spare);
        if (dropped) {
            mproc__async_free(async);
        }
    }
    apr_thread_mutex_unlock(workers->list);
}

/* The owner's half goes, by whichever way; in a forked child only memory. */
static apr_status_t
pool_cleanup(void *data)
{
    mproc_pool_t *workers = data;
    int i;

    if (workers->epoch != mproc__peers_epoch()) {
        return APR_SUCCESS;
    }
    mproc__at_shutdown_remove(mproc__pool_at_shutdown, workers);
    if (workers->spare != NULL) { /* The last that is made. */
        pool_end(workers);
        mproc__pool_keep_no_more(workers);
        list_end(workers);
        mproc__imaps_leave(workers);
        for (i = 0; i < workers->places; i++) {
            mproc__pool_forget_worker(workers, i);
        }
        mproc__hold_free(workers->spare);
    }
    functions_forget(workers);
    mproc_queue_destroy(workers->hints);
    workers->hints = NULL;
    for (i = 0; i < workers->racks; i++) {
        mproc__arena_release(workers->rack[i]);
        mproc__hold_free(workers->rack[i]);
    }
    if (workers->hold != NULL) {
        mproc__arena_release(workers->hold);
        mproc__hold_free(workers->hold);
    }
    return APR_SUCCESS;
}

/* So many more places. Life is held. */
static apr_status_t
rack_make(mproc_pool_t *workers, int more)
{
    int have = workers->places, i;
    mproc__hold_t *hold;
    mproc__place_t *place;
    mproc__keep_t *keep;
    apr_status_t rv;

    hold = mproc__hold_new();
    rv = hold == NULL
             ? mproc__fail(APR_ENOMEM, "no shared memory for %d workers", more)
             : mproc__arena_alloc(hold, (apr_uint64_t)more * sizeof *place,
                                  MPROC_KIND_BYTES);
    if (rv != APR_SUCCESS) {
        if (hold != NULL) {
            mproc__hold_free(hold);
        }
        return rv;
    }
    place = mproc__arena_at(mproc__hold_handle(hold));
    apr_thread_mutex_lock(workers->list); /* It guards the APR pool. */
    keep = apr_pcalloc(workers->pool, (apr_size_t)more * sizeof *keep);
    apr_thread_mutex_unlock(workers->list);
    for (i = 0; i < more; i++) {
        keep[i].workers = workers;
        keep[i].place = &place[i];
        keep[i].rack = workers->racks;
        keep[i].number = i;
        workers->keep[have + i] = &keep[i];
    }
    workers->rack[workers->racks] = hold;
    atomic_store(&workers->shared->rack[workers->racks].count,
                 (apr_uint64_t)more);
    atomic_store(&workers->shared->rack[workers->racks].handle,
                 mproc__hold_handle(hold));
    workers->racks++;
    workers->places = have + more;
    return APR_SUCCESS;
}

/* Have places for so many workers, and twice as many as there were: so racks
 * are few. Life is held. */
apr_status_t
mproc__pool_places(mproc_pool_t *workers, int count)
{
    int have = workers->places, most = MPROC__POOL_PLACES(MPROC__POOL_MOST);
    int wanted = MPROC__POOL_PLACES(count);
    apr_status_t rv = APR_SUCCESS;

    if (wanted > have && wanted < 2 * have) {
        wanted = 2 * have < most ? 2 * have : most;
    }
    while (rv == APR_SUCCESS && (have = workers->places) < wanted) {
        rv = rack_make(workers, wanted - have < MPROC__POOL_RACK
                                    ? wanted - have
                                    : MPROC__POOL_RACK);
    }
    return rv;
}

static apr_status_t
pool_shared_make(mproc_pool_t *workers)
{
    apr_status_t rv;

    workers->hold = mproc__hold_new();
    if (workers->hold == NULL) {
        return mproc__fail(APR_ENOMEM, "mproc_pool_create: no shared memory; "
                                       "free some objects");
    }
    rv = mproc__arena_alloc(workers->hold, sizeof *workers->shared,
                            MPROC_KIND_POOL);
    if (rv == APR_SUCCESS) {
        workers->shared = mproc__arena_at(mproc__hold_handle(workers->hold));
        workers->shared->most_tasks =
            (apr_uint64_t)workers->options.max_tasks_per_child;
        workers->shared->most_memory = workers->options.max_memory;
        rv = mproc__pool_places(workers, workers->count);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_queue_create(&workers->hints, 0, NULL);
    }
    if (rv == APR_SUCCESS && workers->options.initializer != NULL) {
        rv = mproc__pool_function(
            workers, (mproc_function_t)workers->options.initializer,
            &workers->shared->initializer);
    }
    if (rv == APR_SUCCESS) {
        workers->spare = mproc__hold_new();
        rv = workers->spare != NULL
                 ? rv
                 : mproc__fail(APR_ENOMEM, "mproc_pool_create: no "
                                           "shared memory");
    }
    return rv;
}

static void
options_copy(mproc_pool_t *workers, const mproc_pool_options_t *options)
{
    mproc_pool_options_t *own = &workers->options;

    *own = *options;
    own->name = apr_pstrdup(workers->pool, options->name);
    own->initargs.data = apr_pmemdup(workers->pool, options->initargs.data,
                                     options->initargs.size);
    workers->count =
        options->processes > 0 ? options->processes : mproc_cpu_count();
    workers->keep =
        apr_pcalloc(workers->pool, MPROC__POOL_PLACES(MPROC__POOL_MOST) *
                                       sizeof(mproc__keep_t *));
}

static apr_status_t
pool_fill(mproc_pool_t *workers)
{
    if (apr_thread_mutex_create(&workers->mapping, APR_THREAD_MUTEX_DEFAULT,
                                workers->pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&workers->life, APR_THREAD_MUTEX_DEFAULT,
                                workers->pool) != APR_SUCCESS ||
        apr_thread_mutex_create(&workers->list, APR_THREAD_MUTEX_DEFAULT,
                                workers->pool) != APR_SUCCESS) {
        return mproc__fail(APR_ENOMEM,
                           "mproc_pool_create: no mutex was to be had");
    }
    return pool_shared_make(workers);
}

apr_status_t
mproc__pool_make(mproc_pool_t **workers, const mproc_pool_options_t *options,
                 apr_pool_t *pool)
{
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create(&own, pool);

    if (rv == APR_SUCCESS) {
        *workers = apr_pcalloc(own, sizeof **workers);
        (*workers)->pool = own;
        (*workers)->epoch = mproc__peers_epoch();
        apr_pool_pre_cleanup_register(own, *workers, pool_cleanup);
        options_copy(*workers, options);
        rv = pool_fill(*workers);
    }
    return rv;
}

apr_status_t
mproc_pool_close(mproc_pool_t *workers)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_close");

    if (rv == APR_SUCCESS && workers->away != NULL) {
        return mproc__proxy_plain(workers->away, MPROC__POOL_CLOSE,
                                  MPROC_FOREVER, "mproc_pool_close");
    }
    if (rv == APR_SUCCESS) {
        apr_thread_mutex_lock(workers->list);
        atomic_store(&workers->closed, 1);
        apr_thread_mutex_unlock(workers->list);
        atomic_store(&workers->shared->closed, 1);
        mproc__pool_move(&workers->shared->care);
    }
    return rv;
}

apr_status_t
mproc_pool_terminate(mproc_pool_t *workers)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_terminate");

    if (rv == APR_SUCCESS && workers->away != NULL) {
        return mproc__proxy_plain(workers->away, MPROC__POOL_TERMINATE,
                                  MPROC_FOREVER, "mproc_pool_terminate");
    }
    if (rv == APR_SUCCESS) {
        pool_end(workers);
    }
    return rv;
}

apr_status_t
mproc_pool_join(mproc_pool_t *workers, apr_interval_time_t timeout)
{
    apr_status_t rv = mproc__pool_check(workers, "mproc_pool_join");
    apr_time_t deadline = mproc__deadline(timeout);
    mproc__pool_wait_t wait;

    if (rv == APR_SUCCESS && workers->away != NULL) {
        return mproc__proxy_plain(workers->away, MPROC__POOL_JOIN, timeout,
                                  "mproc_pool_join");
    }
    if (rv == APR_SUCCESS && !atomic_load(&workers->closed)) {
        rv = mproc__fail(MPROC_ESTATE,
                         "mproc_pool_join: the pool still takes work; call "
                         "mproc_pool_close() or _terminate() first");
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__pool_may_wait(workers, "mproc_pool_join");
    }
    if (rv == APR_SUCCESS && mproc__pool_is_fetching(workers)) {
        rv = mproc__fail(MPROC_ESTATE,
                         "mproc_pool_join: not in an imap's source of items, "
                         "which the pool waits for; join it afterwards");
    }
    if (rv == APR_SUCCESS && !atomic_exchange(&workers->joined, 1)) {
        mproc__pool_move(&workers->shared->care);
    }
    while (rv == APR_SUCCESS) {
        mproc__pool_look(&wait, &workers->shared->done);
        if (atomic_load(&workers->ended)) {
            break;
        }
        if (deadline == 0 || mproc_plat_clock() >= deadline) {
            return mproc__fail(APR_TIMEUP, "mproc_pool_join: there are still "
                                           "workers; ask again");
        }
        rv = mproc__pool_sleep(&wait, deadline);
        rv = rv == APR_ENOMEM ? mproc__wait_refused("mproc_pool_join")
                              : APR_SUCCESS;
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
