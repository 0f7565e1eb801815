/*
 * manager_far_pool.c: calls on a manager's pools. What was sent to them is in
 * manager_far_async.c.
 *
 * Functions go by the names that they are registered under here, arguments as
 * bytes. Those that name objects are refused: a handle of this family's is none
 * of the server's.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <mproc/error.h>
#include <mproc/function.h>
#include <mproc/pack.h>

#include "error.h"
#include "funcref.h"
#include "manager_line.h"

/* ----------------------------------------------------------- what is passed */

/* Bytes that are no packed values are the task's affair. */
static apr_status_t
bytes_check(mproc_bytes_t bytes, const char *call)
{
    if (!mproc__wire_names(bytes)) {
        return APR_SUCCESS;
    }
    return mproc__fail(APR_EINVAL,
                       "%s: the arguments name an object, and tasks of a "
                       "manager's pool get none; pass the manager's address "
                       "and the object's name, and have it there",
                       call);
}

static apr_status_t
function_name(const char **name, mproc_function_t function, const char *what,
              const char *call)
{
    *name = mproc__registered_name(function);
    return *name != NULL
               ? APR_SUCCESS
               : mproc__fail(APR_NOTFOUND,
                             "%s: %s is not registered in this process, and a "
                             "manager's pool gets no code; call "
                             "mproc_register(), here and in the server",
                             call, what);
}

/* -------------------------------------------------------------------- pools */

apr_status_t
mproc__far_pool_options(mproc__ask_t *ask, const mproc_pool_options_t *options)
{
    static const mproc_pool_options_t none = {0};
    const char *name = NULL;
    apr_status_t rv = APR_SUCCESS;

    options = options == NULL ? &none : options;
    if (options->initializer != NULL) {
        rv = function_name(&name, (mproc_function_t)options->initializer,
                           "the initializer", ask->call);
    }
    if (rv == APR_SUCCESS) {
        rv = bytes_check(options->initargs, ask->call);
    }
    mproc__ask_int(ask, options->processes);
    mproc__ask_int(ask, options->start_method);
    mproc__ask_text(ask, options->name);
    mproc__ask_text(ask, name);
    mproc__ask_bytes(ask, options->initargs);
    mproc__ask_int(ask, options->max_tasks_per_child);
    mproc__ask_int(ask, (apr_int64_t)options->max_memory);
    mproc__ask_int(ask, options->task_timeout);
    mproc__ask_int(ask, options->retries);
    return rv;
}

/* In a forked child the half of its parent goes, and nothing else. */
static apr_status_t
far_pool_cleanup(void *data)
{
    mproc_pool_t *workers = data;

    if (workers->epoch == mproc__peers_epoch()) {
        mproc__imaps_leave(workers);
    }
    mproc__object_close(workers->away);
    return APR_SUCCESS;
}

static apr_status_t
far_pool_make(mproc_pool_t **workers, mproc__proxy_t *proxy, apr_int64_t count,
              apr_pool_t *pool)
{
    mproc_pool_t *made;
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create(&own, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    made = apr_pcalloc(own, sizeof *made);
    made->pool = own;
    made->epoch = mproc__peers_epoch();
    made->away = proxy;
    atomic_store(&made->count, (int)count);
    rv = apr_thread_mutex_create(&made->list, APR_THREAD_MUTEX_DEFAULT, own);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(own);
        return rv;
    }
    apr_pool_pre_cleanup_register(own, made, far_pool_cleanup);
    *workers = made;
    return rv;
}

apr_status_t
mproc__far_pool_open(mproc_pool_t **workers, mproc__proxy_t *proxy,
                     apr_pool_t *pool, const char *call)
{
    apr_int64_t count;
    mproc__ask_t ask;
    char why[MPROC__SENTENCE_MOST];
    apr_status_t rv;

    mproc__proxy_ask(&ask, proxy, MPROC__POOL_READY, call);
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &count);
        if (rv == APR_SUCCESS && (count < 1 || count > MPROC__POOL_MOST)) {
            rv = mproc__fail(MPROC_EFORMAT,
                             "%s: the manager does not answer as it should",
                             call);
        }
    }
    mproc__ask_end(&ask);
    if (rv == APR_SUCCESS &&
        (rv = far_pool_make(workers, proxy, count, pool)) != APR_SUCCESS) {
        (void)mproc__fail(rv, "%s: memory is short", call);
    }
    if (rv != APR_SUCCESS) {
        apr_cpystrn(why, mproc_error_detail(), sizeof why);
        mproc__object_close(proxy);
        rv = mproc__fail(rv, "%s", why);
    }
    return rv;
}

apr_status_t
mproc__far_pool_stats(mproc__proxy_t *workers, mproc_pool_stats_t *stats)
{
    apr_int64_t figure[9];
    mproc__ask_t ask;
    apr_status_t rv;
    int i;

    mproc__proxy_ask(&ask, workers, MPROC__POOL_STATS, "mproc_pool_stats");
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    for (i = 0; rv == APR_SUCCESS && i < 9; i++) {
        rv = mproc__answer_int(&ask, &figure[i]);
    }
    mproc__ask_end(&ask);
    if (rv == APR_SUCCESS) {
        stats->workers = (int)figure[0];
        stats->running = (int)figure[1];
        stats->started = (apr_uint64_t)figure[2];
        stats->submitted = (apr_uint64_t)figure[3];
        stats->settled = (apr_uint64_t)figure[4];
        stats->run = (apr_uint64_t)figure[5];
        stats->lost = (apr_uint64_t)figure[6];
        stats->retried = (apr_uint64_t)figure[7];
        stats->tasks_of_ended = (apr_uint64_t)figure[8];
    }
    return rv;
}

apr_status_t
mproc__far_pool_resize(mproc_pool_t *workers, int processes)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, workers->away, MPROC__POOL_RESIZE,
                     "mproc_pool_resize");
    mproc__ask_int(&ask, processes);
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    mproc__ask_end(&ask);
    if (rv == APR_SUCCESS) {
        atomic_store(&workers->count, processes);
    }
    return rv;
}

apr_status_t
mproc__far_pool_cancel(mproc__proxy_t *workers, apr_uint64_t *count)
{
    apr_int64_t cancelled = 0;
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__proxy_ask(&ask, workers, MPROC__POOL_CANCEL, "mproc_pool_cancel");
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, &cancelled);
    }
    mproc__ask_end(&ask);
    *count = (apr_uint64_t)cancelled;
    return rv;
}

/* ------------------------------------------------------------------ sending */

static apr_status_t
order_check(const mproc__order_t *order, const char **name, const char *call)
{
    apr_status_t rv =
        function_name(name, (mproc_function_t)order->task, "the task", call);
    apr_size_t i;

    if (rv == APR_SUCCESS && order->callbacks != NULL) {
        rv = mproc__fail(APR_ENOTIMPL,
                         "%s: a manager's pool has no thread here that could "
                         "call back; pass no callbacks, and wait in a thread "
                         "of your own, with mproc_as_completed()",
                         call);
    }
    for (i = 0; i < order->count && rv == APR_SUCCESS; i++) {
        rv = bytes_check(order->items[i], call);
    }
    return rv;
}

static void
order_ask(mproc__ask_t *ask, const mproc__order_t *order, const char *name)
{
    const mproc_task_options_t *options = order->options;
    apr_size_t i;

    mproc__ask_text(ask, name);
    mproc__ask_int(ask, (order->dropped ? 0 : MPROC__SEND_WANTED) |
                            (order->pieces ? MPROC__SEND_PIECES : 0));
    mproc__ask_int(ask, (apr_int64_t)order->chunk);
    mproc__ask_int(ask, options == NULL ? 0 : options->timeout);
    mproc__ask_int(ask, options == NULL ? 0 : options->retries);
    mproc__ask_int(ask, (apr_int64_t)order->count);
    for (i = 0; i < order->count; i++) {
        mproc__ask_bytes(ask, order->items[i]);
    }
}

apr_status_t
mproc__far_pool_send(mproc__far_async_t **async, mproc__proxy_t *workers,
                     const mproc__order_t *order, const char *call)
{
    const char *name;
    apr_uint64_t id = 0;
    mproc__ask_t ask;
    apr_status_t rv = order_check(order, &name, call);

    *async = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__proxy_ask(&ask, workers, MPROC__POOL_SEND, call);
    order_ask(&ask, order, name);
    rv = mproc__ask_run(&ask, MPROC_FOREVER);
    if (rv == APR_SUCCESS && !order->dropped) {
        rv = mproc__answer_id(&ask, &id);
    }
    mproc__ask_end(&ask);
    if (rv != APR_SUCCESS || order->dropped) {
        return rv;
    }
    return mproc__far_async_make(async, workers->link, id, order->count, call);
}
