/*
 * manager_serve_pool.c: pools in a manager's server.
 *
 * A pool has a thread of its own, which makes it, ends it, and makes all calls
 * on it and on its asyncs that may have to wait: for workers to come up, or for
 * a lock of the pool's, which one that was stopped may keep for seconds. The
 * server's thread hands it jobs. It is rung when one is done, when an async is
 * settled, of which the pool's keeper tells, and when a pool is there or has
 * ended. A job belongs to whoever has it: the list of those to be done, the
 * pool's thread, the list of those that are done; then to the call, or, when
 * that has left, it is freed.
 *
 * The server's thread reads what the tasks of a settled async said: nothing
 * changes that any more. When nobody refers to an async, the pool's thread, or
 * after its end the server's, destroys it; its record stays until the keeper
 * has told of it, too. When nobody refers to a pool its thread ends it, and all
 * of its asyncs are told of before that is done. Invariant: a record is freed
 * by the server's thread, when no other can come to it any more.
 *
 * Functions are found by the names under which this process registered them.
 * Their arguments and results are bytes: objects in them stay what they are to
 * the server's family, so who asks must not pass any, and results that name
 * some are not given out (manager_serve_task.c).
 *
 * The mutex guards what is said to be so in manager_serve_pool.h. It is held
 * for a few instructions only, never in a call on a pool.
 */
#include "manager_serve_pool.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/function.h>

#include "error.h"

/* -------------------------------------------------------- the pool's thread */

void
mproc__served_async_mark(mproc__served_async_t *async, int marks)
{
    mproc__served_pools_t *pools = async->in->pools;

    apr_thread_mutex_lock(pools->mutex);
    async->marks |= marks;
    if (!async->listed) {
        async->listed = 1;
        async->next_told = pools->told;
        pools->told = async;
    }
    /* Within the lock: the record, and the server, are there. */
    mproc__hub_ring(pools->server);
    apr_thread_mutex_unlock(pools->mutex);
}

/* In the keeper's thread. */
static void
async_done(mproc_async_t *async, void *baton)
{
    (void)async;
    mproc__served_async_mark(baton, MPROC__ASYNC_TOLD);
}

static void
async_failed(mproc_async_t *async, apr_status_t status, void *baton)
{
    (void)async;
    (void)status;
    mproc__served_async_mark(baton, MPROC__ASYNC_TOLD | MPROC__ASYNC_FAILED);
}

static void
pool_has_ended(void *baton)
{
    mproc__served_pool_t *served = baton;

    apr_thread_mutex_lock(served->pools->mutex);
    served->news = 1;
    mproc__hub_ring(served->pools->server);
    apr_thread_mutex_unlock(served->pools->mutex);
}

static apr_status_t
job_send(mproc__pool_job_t *job, mproc_pool_t *workers)
{
    mproc_callbacks_t callbacks = {async_done, async_failed, job->async};

    return mproc_pool_map_async(&job->async->async, workers,
                                (mproc_task_fn_t)job->function, job->items,
                                job->count, &job->options, &callbacks, NULL);
}

static apr_status_t
job_do(mproc__pool_job_t *job, mproc_pool_t *workers)
{
    if (workers == NULL) {
        return mproc__served_pool_lacks(job->in);
    }
    switch (job->what) {
    case MPROC__POOL_SEND:
        return job_send(job, workers);
    case MPROC__POOL_STATS:
        return mproc_pool_stats(workers, &job->stats);
    case MPROC__POOL_RESIZE:
        return mproc_pool_resize(workers, job->processes);
    case MPROC__POOL_CANCEL:
        return mproc_pool_cancel(workers, &job->cancelled);
    case MPROC__POOL_CLOSE:
        return mproc_pool_close(workers);
    case MPROC__POOL_TERMINATE:
        return mproc_pool_terminate(workers);
    default:
        return mproc_async_cancel(job->async->async);
    }
}

static void
job_run(mproc__pool_job_t *job, mproc_pool_t *workers)
{
    job->status = job_do(job, workers);
    if (job->status != APR_SUCCESS) {
        apr_cpystrn(job->sentence, mproc_error_detail(), sizeof job->sentence);
    }
}

/* One that is to be done, or destroyed; the mutex is held, but for that. 0:
 * there is none. */
static int
work_take(mproc__served_pool_t *served, mproc_pool_t *workers)
{
    mproc__served_pools_t *pools = served->pools;
    mproc__served_async_t *async = served->dropped;
    mproc__pool_job_t *job = served->todo;

    if (async != NULL) {
        served->dropped = async->next_dropped;
        apr_thread_mutex_unlock(pools->mutex);
        mproc_async_destroy(async->async);
        mproc__served_async_mark(async, MPROC__ASYNC_DESTROYED);
        apr_thread_mutex_lock(pools->mutex);
    }
    else if (job != NULL) {
        served->todo = job->next;
        if (served->todo == NULL) {
            served->todo_end = &served->todo;
        }
        apr_thread_mutex_unlock(pools->mutex);
        job_run(job, workers);
        apr_thread_mutex_lock(pools->mutex);
        job->next = pools->done;
        pools->done = job;
        mproc__hub_ring(pools->server);
    }
    return async != NULL || job != NULL;
}

static mproc_pool_t *
pool_begin(mproc__served_pool_t *served)
{
    mproc_pool_t *workers;
    apr_status_t rv =
        mproc__pool_create(&workers, &served->options, &served->unwanted, NULL);

    if (rv == APR_SUCCESS) {
        workers->when_ended_baton = served;
        atomic_store(&workers->when_ended, pool_has_ended);
    }
    apr_thread_mutex_lock(served->pools->mutex);
    served->status = rv;
    if (rv == APR_SUCCESS) {
        served->workers = workers;
        served->state = MPROC__POOL_UP;
    }
    else {
        apr_cpystrn(served->sentence, mproc_error_detail(),
                    sizeof served->sentence);
    }
    served->news = 1;
    mproc__hub_ring(served->pools->server);
    apr_thread_mutex_unlock(served->pools->mutex);
    return workers;
}

static void *APR_THREAD_FUNC
pool_main(apr_thread_t *thread, void *data)
{
    mproc__served_pool_t *served = data;
    apr_thread_mutex_t *mutex = served->pools->mutex;
    mproc_pool_t *workers = pool_begin(served);

    apr_thread_mutex_lock(mutex);
    for (;;) {
        if (work_take(served, workers)) {
            continue;
        }
        if (workers == NULL) {
            break;
        }
        if (!atomic_load(&served->unwanted)) {
            apr_thread_cond_wait(served->cond, mutex);
            continue;
        }
        served->workers = NULL;
        apr_thread_mutex_unlock(mutex);
        mproc_pool_destroy(workers);
        workers = NULL;
        apr_thread_mutex_lock(mutex);
    }
    served->state = MPROC__POOL_ENDED;
    served->news = 1;
    mproc__hub_ring(served->pools->server);
    apr_thread_mutex_unlock(mutex);
    (void)thread;
    return NULL;
}

/* --------------------------------------------------------------- their ends */

static void
pool_free(mproc__served_pool_t *served)
{
    apr_status_t rv;

    if (!served->joined) {
        apr_thread_join(&rv, served->thread);
    }
    apr_pool_destroy(served->pool);
}

/* Those that have ended, and that nothing names. */
static void
pools_reap(mproc__served_pools_t *pools)
{
    mproc__served_pool_t **at = &pools->first, *served;
    int ended;

    while ((served = *at) != NULL) {
        apr_thread_mutex_lock(pools->mutex);
        ended = served->state == MPROC__POOL_ENDED;
        apr_thread_mutex_unlock(pools->mutex);
        if (ended && served->gone && served->asyncs == 0) {
            *at = served->next;
            pool_free(served);
        }
        else {
            at = &served->next;
        }
    }
}

static void
async_free(mproc__served_async_t *async)
{
    async->in->asyncs--;
    free(async);
}

/* Nobody refers to it. */
static void
async_drop(mproc__served_pools_t *pools, mproc__served_async_t *async)
{
    mproc__served_pool_t *in = async->in;
    int ended;

    apr_hash_set(pools->asyncs, &async->id, sizeof async->id, NULL);
    apr_thread_mutex_lock(pools->mutex);
    ended = in->state == MPROC__POOL_ENDED;
    if (!ended) {
        async->next_dropped = in->dropped;
        in->dropped = async;
        apr_thread_cond_signal(in->cond);
    }
    apr_thread_mutex_unlock(pools->mutex);
    if (ended) {
        mproc_async_destroy(async->async);
        mproc__served_async_mark(async, MPROC__ASYNC_DESTROYED);
    }
}

static void
pool_drop(mproc__served_pool_t *served)
{
    served->gone = 1;
    apr_thread_mutex_lock(served->pools->mutex);
    atomic_store(&served->unwanted, 1);
    apr_thread_cond_signal(served->cond);
    apr_thread_mutex_unlock(served->pools->mutex);
}

void
mproc__served_pools_dropped(mproc__hub_t *server, apr_uint64_t id)
{
    mproc__served_pools_t *pools = server->pools;
    mproc__served_pool_t *served;
    mproc__served_async_t *async;

    if (pools == NULL || mproc__arena_kind(id) == MPROC_KIND_SERVED) {
        return;
    }
    async = apr_hash_get(pools->asyncs, &id, sizeof id);
    if (async != NULL) {
        async_drop(pools, async);
    }
    for (served = pools->first; served != NULL; served = served->next) {
        if (served->id == id && !served->gone) {
            pool_drop(served);
        }
    }
}

/* What was dropped while a child was being forked, which had it for a moment,
 * or from elsewhere. */
void
mproc__served_pools_tidy(mproc__hub_t *server)
{
    mproc__served_pools_t *pools = server->pools;
    mproc__served_pool_t *served;
    apr_hash_index_t *index;

    if (pools == NULL) {
        return;
    }
    for (index = apr_hash_first(NULL, pools->asyncs); index != NULL;
         index = apr_hash_next(index)) {
        mproc__served_async_t *async = apr_hash_this_val(index);
        if (mproc__arena_kind(async->id) != MPROC_KIND_SERVED) {
            async_drop(pools, async);
        }
    }
    for (served = pools->first; served != NULL; served = served->next) {
        if (!served->gone &&
            mproc__arena_kind(served->id) != MPROC_KIND_SERVED) {
            pool_drop(served);
        }
    }
    pools_reap(pools);
}

void
mproc__pool_job_free(mproc__pool_job_t *job)
{
    mproc__object_close(job->object);
    apr_pool_destroy(job->pool);
}

/* A job is done: it goes to its call. What could not be sent has no async. */
static void
job_settle(mproc__served_pools_t *pools, mproc__pool_job_t *job)
{
    mproc__served_async_t *async = job->async;
    mproc__handle_t id = job->object == NULL ? 0 : job->object->handle;

    if (job->what == MPROC__POOL_SEND && job->status != APR_SUCCESS) {
        apr_hash_set(pools->asyncs, &async->id, sizeof async->id, NULL);
        async_free(async);
    }
    else if (job->what == MPROC__POOL_SEND) {
        async->sent = 1;
    }
    if (job->call != NULL) {
        job->call->state = MPROC__POOL_CALL_IS_DONE;
        mproc__object_changed(pools->server, job->call->place);
        return;
    }
    mproc__pool_job_free(job);
    mproc__served_pools_dropped(pools->server, id);
}

/* A pool that could not be made has no name. */
static void
pool_news(mproc__served_pool_t *served)
{
    if (served->status != APR_SUCCESS) {
        mproc__served_unname(served->pools->server, served->id);
    }
    mproc__object_changed(served->pools->server, served->id);
}

void
mproc__served_pools_rung(mproc__hub_t *server)
{
    mproc__served_pools_t *pools = server->pools;
    mproc__served_async_t *told;
    mproc__served_pool_t *served;
    mproc__pool_job_t *job, *next;

    if (pools == NULL) {
        return;
    }
    apr_thread_mutex_lock(pools->mutex);
    job = pools->done;
    pools->done = NULL;
    apr_thread_mutex_unlock(pools->mutex);
    for (; job != NULL; job = next) {
        next = job->next;
        job_settle(pools, job);
    }
    apr_thread_mutex_lock(pools->mutex);
    while ((told = pools->told) != NULL) {
        int marks = told->marks;
        pools->told = told->next_told;
        told->listed = 0;
        apr_thread_mutex_unlock(pools->mutex);
        if (!told->settled && (marks & MPROC__ASYNC_TOLD)) {
            mproc__served_async_settle(told, marks & MPROC__ASYNC_FAILED);
        }
        if ((marks & MPROC__ASYNC_OVER) == MPROC__ASYNC_OVER) {
            async_free(told);
        }
        apr_thread_mutex_lock(pools->mutex);
    }
    mproc__served_selects_settle(pools);
    for (served = pools->first; served != NULL; served = served->next) {
        if (served->news) {
            served->news = 0;
            apr_thread_mutex_unlock(pools->mutex);
            pool_news(served);
            apr_thread_mutex_lock(pools->mutex);
        }
    }
    apr_thread_mutex_unlock(pools->mutex);
    pools_reap(pools);
}

/* No client is there any more. They end side by side. */
void
mproc__served_pools_end(mproc__hub_t *server)
{
    mproc__served_pools_t *pools = server->pools;
    mproc__served_pool_t *served;
    apr_hash_index_t *index;
    apr_status_t rv;

    if (pools == NULL) {
        return;
    }
    for (served = pools->first; served != NULL; served = served->next) {
        pool_drop(served);
    }
    for (served = pools->first; served != NULL; served = served->next) {
        apr_thread_join(&rv, served->thread);
        served->joined = 1;
    }
    mproc__served_pools_rung(server);
    for (index = apr_hash_first(NULL, pools->asyncs); index != NULL;
         index = apr_hash_next(index)) {
        async_drop(pools, apr_hash_this_val(index));
    }
    mproc__served_pools_rung(server);
    server->pools = NULL;
    apr_pool_destroy(pools->pool);
}

/* ------------------------------------------------------------- their making */

static apr_status_t
pools_begin(mproc__hub_t *server)
{
    mproc__served_pools_t *pools;
    apr_pool_t *pool;
    apr_status_t rv;

    if (server->pools != NULL) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    pools = apr_pcalloc(pool, sizeof *pools);
    pools->server = server;
    pools->pool = pool;
    pools->asyncs = apr_hash_make(pool);
    rv = apr_thread_mutex_create(&pools->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        server->pools = pools;
    }
    else {
        apr_pool_destroy(pool);
    }
    return rv;
}

/* A number that must be one of an int. */
static apr_status_t
arg_small(mproc__call_t *call, int *number)
{
    apr_int64_t value;
    apr_status_t rv = mproc__arg_int(call, &value);

    *number = (int)value;
    return rv == APR_SUCCESS && *number != value ? mproc__args_bad(call) : rv;
}

static apr_status_t
options_read(mproc__call_t *call, mproc_pool_options_t *options,
             apr_pool_t *pool)
{
    const char *name, *initializer = NULL;
    mproc_function_t function = NULL;
    apr_int64_t memory;
    int method;
    apr_status_t rv = arg_small(call, &options->processes);

    if (rv == APR_SUCCESS && (rv = arg_small(call, &method)) == APR_SUCCESS &&
        (rv = mproc__arg_text(call, &name)) == APR_SUCCESS &&
        (rv = mproc__arg_text(call, &initializer)) == APR_SUCCESS &&
        (rv = mproc__arg_bytes(call, &options->initargs)) == APR_SUCCESS &&
        (rv = arg_small(call, &options->max_tasks_per_child)) == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &memory)) == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &options->task_timeout)) == APR_SUCCESS &&
        (rv = arg_small(call, &options->retries)) == APR_SUCCESS) {
        options->start_method = (mproc_start_method_e)method;
        options->max_memory = (apr_uint64_t)memory;
        options->name = apr_pstrdup(pool, name);
        options->initargs.data =
            apr_pmemdup(pool, options->initargs.data, options->initargs.size);
        rv = mproc__pool_args_check(options->initargs);
        if (rv == APR_SUCCESS && initializer != NULL) {
            rv = mproc__pool_function_find(&function, initializer);
            options->initializer = (mproc_initializer_fn_t)function;
        }
    }
    return rv;
}

static apr_status_t
pool_make(mproc__served_pool_t **made, mproc__call_t *call)
{
    mproc__served_pools_t *pools = call->server->pools;
    mproc__served_pool_t *served;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    *made = NULL;
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "the manager has no memory for a pool");
    }
    served = apr_pcalloc(pool, sizeof *served);
    served->pools = pools;
    served->pool = pool;
    served->todo_end = &served->todo;
    rv = options_read(call, &served->options, pool);
    if (rv == APR_SUCCESS &&
        (rv = apr_thread_cond_create(&served->cond, pool)) != APR_SUCCESS) {
        mproc__fail(rv, "the manager has no memory for a pool");
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
    }
    *made = served;
    return rv;
}

/* It begins; MPROC__POOL_READY waits for that. */
apr_status_t
mproc__serve_make_pool(mproc__call_t *call, mproc_object_t **object)
{
    mproc__served_pool_t *served;
    apr_status_t rv = pools_begin(call->server);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "the manager has no memory for a pool");
    }
    rv = pool_make(&served, call);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__served_make(object, MPROC_KIND_POOL, 0);
    if (rv == APR_SUCCESS) {
        served->id = (*object)->handle;
        rv = apr_thread_create(&served->thread, NULL, pool_main, served,
                               served->pool);
        if (rv != APR_SUCCESS) {
            mproc__object_close(*object);
            *object = NULL;
            (void)mproc__fail(rv, "the manager has no thread for a pool");
        }
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(served->pool);
        return rv;
    }
    served->next = served->pools->first;
    served->pools->first = served;
    return APR_SUCCESS;
}
