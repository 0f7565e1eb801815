/*
 * async.c: a batch of tasks, from its sending to its results. The protocol
 * stands in pool.h.
 */
#include "async.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"

#define RETRIES_MOST 250
#define PRUNED_AT_ONCE 4
#define LIMIT_MOST APR_UINT32_MAX /* milliseconds: 49 days are any */

/* ------------------------------------------------------------------- life */

static void
list_unlink(mproc_async_t *async)
{
    mproc_pool_t *workers = async->workers;

    if (async->previous != NULL) {
        async->previous->next = async->next;
    }
    else {
        workers->first = async->next;
    }
    if (async->next != NULL) {
        async->next->previous = async->previous;
    }
    else {
        workers->last = async->previous;
    }
    async->next = async->previous = NULL;
}

/* It is settled: the keeper shall find it, however many wait before it. */
void
mproc__async_list_front(mproc_async_t *async)
{
    mproc_pool_t *workers = async->workers;

    if (workers->first != async) {
        list_unlink(async);
        async->next = workers->first;
        workers->first->previous = async;
        workers->first = async;
    }
}

void
mproc__async_unlist(mproc_async_t *async)
{
    mproc_pool_t *workers = async->workers;

    list_unlink(async);
    workers->stats.settled += async->batch->count;
    workers->limited -= async->batch->limit != 0;
    atomic_store(&async->listed, 0);
}

mproc__extra_t *
mproc__async_extra(mproc_async_t *async)
{
    mproc__extra_t *extra = atomic_load(&async->extra), *made;

    if (extra == NULL && (made = calloc(1, sizeof *made)) != NULL) {
        if (atomic_compare_exchange_strong(&async->extra, &extra, made)) {
            return made;
        }
        free(made);
    }
    return extra;
}

void
mproc__async_free(mproc_async_t *async)
{
    mproc__extra_t *extra = atomic_load(&async->extra);
    mproc__lost_t *lost = extra == NULL ? NULL : atomic_load(&extra->lost);
    mproc__lost_t *next;

    if (async->hold != NULL) {
        mproc__arena_release(async->hold);
        mproc__hold_free(async->hold);
    }
    for (; lost != NULL; lost = next) {
        next = lost->next;
        free(lost);
    }
    free(extra);
    free(async);
}

static void
async_drop(mproc_async_t *async)
{
    mproc_pool_t *workers = async->workers;

    if (async->epoch != mproc__peers_epoch()) {
        return; /* The parent's. */
    }
    if (mproc__async_far(async) != NULL) {
        mproc__far_async_free(mproc__async_far(async));
        free(async);
        return;
    }
    if (atomic_load(&async->extra) != NULL) {
        mproc__notifier_end(&atomic_load(&async->extra)->notifier);
    }
    if (atomic_load(&async->listed) || atomic_load(&async->calls)) {
        apr_thread_mutex_lock(workers->list);
        if (atomic_load(&async->calls) ||
            (atomic_load(&async->listed) && !mproc__async_settled(async))) {
            async->dropped = 1;
            async = NULL;
        }
        else if (atomic_load(&async->listed)) {
            mproc__async_unlist(async);
        }
        apr_thread_mutex_unlock(workers->list);
    }
    if (async != NULL) {
        mproc__async_free(async);
    }
}

static apr_status_t
async_cleanup(void *async)
{
    async_drop(async);
    return APR_SUCCESS;
}

void
mproc_async_destroy(mproc_async_t *async)
{
    if (async == NULL) {
        return;
    }
    if (async->pool != NULL) {
        apr_pool_cleanup_kill(async->pool, async, async_cleanup);
    }
    async_drop(async);
}

/* Those at the front that are settled and that nobody is to be told of. */
static void
list_prune(mproc_pool_t *workers)
{
    mproc_async_t *async;
    int i;

    for (i = 0; i < PRUNED_AT_ONCE && (async = workers->first) != NULL &&
                !async->calls && mproc__async_settled(async);
         i++) {
        int dropped = async->dropped;
        mproc__async_unlist(async);
        if (dropped) {
            mproc__async_free(async);
        }
    }
}

static void
list_add(mproc_async_t *async)
{
    mproc_pool_t *workers = async->workers;

    async->previous = workers->last;
    if (workers->last != NULL) {
        workers->last->next = async;
    }
    else {
        workers->first = async;
    }
    workers->last = async;
    workers->stats.submitted += async->batch->count;
    mproc__pool_figures(workers);
    async->number = ++workers->sent;
    if (async->batch->limit != 0 &&
        (workers->limited++ == 0 || async->batch->limit < workers->least)) {
        workers->least = async->batch->limit;
    }
    atomic_store(&async->listed, 1);
}

/* ---------------------------------------------------------------- sending */

static apr_status_t
order_check(mproc_pool_t *workers, const mproc__order_t *order,
            const char *call)
{
    const mproc_task_options_t *options = order->options;

    if (order->task == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: the task is NULL; nothing was "
                           "done",
                           call);
    }
    if (order->count > 0xffffff) {
        return mproc__fail(MPROC_ETOOBIG,
                           "%s: %" APR_SIZE_T_FMT
                           " tasks are too many for one call; send at most "
                           "16777215, or use mproc_pool_imap()",
                           call, order->count);
    }
    if (options != NULL &&
        (options->retries < -1 || options->retries > RETRIES_MOST)) {
        return mproc__fail(APR_EINVAL,
                           "%s: retries is not from -1 to %d; "
                           "nothing was done",
                           call, RETRIES_MOST);
    }
    return order->begun ? APR_SUCCESS : mproc__pool_open(workers, call);
}

static void
async_options(mproc_async_t *async, const mproc__order_t *order)
{
    const mproc_pool_options_t *usual = &async->workers->options;
    const mproc_task_options_t *options = order->options;
    int retries = options != NULL ? options->retries : 0;
    apr_interval_time_t limit = options != NULL ? options->timeout : 0;
    apr_size_t chunk = order->chunk;

    retries = retries == 0 ? usual->retries : retries;
    limit = limit == 0 ? usual->task_timeout : limit;
    async->retries = (unsigned char)(retries < 0 ? 0 : retries);
    limit = limit <= 0 ? 0 : (limit - 1) / 1000 + 1;
    async->batch->limit = limit < LIMIT_MOST ? (apr_uint32_t)limit : 0;
    chunk = chunk < order->count ? chunk : order->count;
    async->batch->chunk = chunk > 0 ? (unsigned)chunk & 0xffffff : 1;
    async->dropped = order->dropped != 0;
    if (order->callbacks != NULL) {
        async->callbacks[0] = *order->callbacks;
        async->calls = 1;
        async->batch->flags = MPROC__BATCH_TELL;
    }
}

static apr_status_t
async_make(mproc_async_t **async, mproc_pool_t *workers,
           const mproc__order_t *order)
{
    mproc_async_t *made = calloc(
        1, sizeof *made +
               (order->callbacks != NULL ? sizeof made->callbacks[0] : 0));
    mproc__handle_t function;
    apr_status_t rv = APR_ENOMEM;

    if (made == NULL || (made->hold = mproc__hold_new()) == NULL) {
        free(made);
        return mproc__fail(rv, "memory for a task is short");
    }
    made->workers = workers;
    made->epoch = mproc__peers_epoch();
    rv =
        mproc__pool_function(workers, (mproc_function_t)order->task, &function);
    if (rv == APR_SUCCESS) {
        rv = mproc__batch_make(made->hold, order->items, order->count,
                               order->objects);
    }
    if (rv != APR_SUCCESS) {
        mproc__async_free(made);
        return rv;
    }
    made->batch = mproc__batch_at(mproc__hold_handle(made->hold));
    made->batch->function = function;
    async_options(made, order);
    *async = made;
    return APR_SUCCESS;
}

/* On the list first: who dies with a hint is looked for there. */
static apr_status_t
async_hint(mproc_async_t *async, int begun, const char *call)
{
    mproc_pool_t *workers = async->workers;
    mproc__batch_t *batch = async->batch;
    apr_uint64_t chunks, hints;
    int tell = batch->limit > 0 || batch->count == 0;
    apr_status_t rv;

    apr_thread_mutex_lock(workers->list);
    rv = begun ? mproc__pool_open_yet(workers, call)
               : mproc__pool_open(workers, call);
    if (rv == APR_SUCCESS) {
        list_prune(workers);
        list_add(async);
        if (batch->count == 0) {
            mproc__async_list_front(async);
        }
        chunks = (batch->count + batch->chunk - 1) / batch->chunk;
        hints = (apr_uint64_t)workers->count;
        hints = chunks < hints ? chunks : hints;
        rv = mproc__pool_hint(workers, mproc__hold_handle(async->hold),
                              MPROC__HINT_TASKS, hints);
        if (rv != APR_SUCCESS) {
            mproc__async_unlist(async);
        }
    }
    apr_thread_mutex_unlock(workers->list);
    /* From here on a callback may have freed it. */
    if (rv == APR_SUCCESS && tell) {
        mproc__pool_move(&workers->shared->care);
    }
    return rv;
}

/* To a pool of a manager's. */
static apr_status_t
far_send(mproc_async_t **async, mproc_pool_t *workers,
         const mproc__order_t *order, apr_pool_t *pool, const char *call)
{
    mproc_async_t *made = calloc(1, sizeof *made);
    mproc__far_async_t *away;
    apr_status_t rv =
        made == NULL ? mproc__fail(APR_ENOMEM, "memory for a task is short")
                     : mproc__far_pool_send(&away, workers->away, order, call);

    if (rv != APR_SUCCESS || away == NULL) {
        free(made);
        return rv;
    }
    made->workers = workers;
    made->epoch = mproc__peers_epoch();
    made->away = away;
    made->pool = pool;
    if (pool != NULL) {
        apr_pool_cleanup_register(pool, made, async_cleanup,
                                  apr_pool_cleanup_null);
    }
    *async = made;
    return APR_SUCCESS;
}

apr_status_t
mproc__async_send(mproc_async_t **async, mproc_pool_t *workers,
                  const mproc__order_t *order, apr_pool_t *pool,
                  const char *call)
{
    mproc_async_t *made = NULL;
    apr_status_t rv;

    *async = NULL;
    rv = order_check(workers, order, call);
    if (rv == APR_SUCCESS && workers->away != NULL) {
        return far_send(async, workers, order, pool, call);
    }
    if (rv == APR_SUCCESS) {
        rv = async_make(&made, workers, order);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Before anybody else knows of it. */
    made->pool = pool;
    *async = made;
    if (pool != NULL) {
        apr_pool_cleanup_register(pool, made, async_cleanup,
                                  apr_pool_cleanup_null);
    }
    rv = async_hint(made, order->begun, call);
    if (rv != APR_SUCCESS) {
        *async = NULL;
        if (pool != NULL) {
            apr_pool_cleanup_kill(pool, made, async_cleanup);
        }
        mproc__async_free(made);
    }
    return rv;
}

/* ---------------------------------------------------------------- looking */

int
mproc__async_settled(mproc_async_t *async)
{
    /* Several threads may look; each may only find more. Who finds it known
     * sees what the tasks said, too. */
    apr_uint32_t known =
        atomic_load_explicit(&async->known, memory_order_acquire);
    int settled;

    if (mproc__async_far(async) != NULL) {
        return mproc__far_async_known(async->away);
    }
    settled = mproc__batch_settled(async->batch, &known);
    atomic_store_explicit(&async->known, known, memory_order_release);
    return settled;
}

/* Behind so many that nobody has begun as workers may have hints of, nobody
 * has; what was cancelled stands in front. */
apr_uint64_t
mproc__async_settled_yet(mproc_pool_t *workers)
{
    apr_uint64_t settled = 0;
    mproc_async_t *async;
    int waiting = 0;

    for (async = workers->first; async != NULL && waiting <= workers->places;
         async = async->next) {
        if (mproc__async_settled(async)) {
            settled += async->batch->count;
        }
        else {
            waiting += atomic_load(&async->batch->next) == 0;
        }
    }
    return settled;
}

int
mproc__async_task_done(mproc_async_t *async, apr_size_t index)
{
    if (index == MPROC__ALL_TASKS || mproc__async_far(async) != NULL) {
        return mproc__async_settled(async) && !atomic_load(&async->calls);
    }
    return MPROC__PIECE_STATE(
               atomic_load(&mproc__batch_task(async->batch, index)->state)) ==
           MPROC__PIECE_DONE;
}

mproc_bytes_t
mproc__async_said(mproc_async_t *async, apr_size_t index)
{
    return mproc__async_far(async) != NULL
               ? mproc__far_async_said(async->away, index)
               : mproc__batch_said(mproc__hold_handle(async->hold), index);
}

mproc__handle_t
mproc__async_box(mproc_async_t *async, apr_size_t index)
{
    mproc__holder_t *holder;
    mproc__handle_t box;

    if (mproc__async_far(async) != NULL) {
        return 0;
    }
    holder = mproc__arena_at(mproc__hold_handle(async->hold));
    box = mproc__hold_handle(&holder->hold[index]);
    return box != 0 && ((mproc__holder_t *)mproc__arena_at(box))->count > 0
               ? box
               : 0;
}

/* "killed by signal 9", "ended with code 3". */
static const char *
ending_text(const mproc_lost_t *lost, char *text, apr_size_t room)
{
    if (lost->signal != 0) {
        apr_snprintf(text, room, "was killed by signal %d%s", lost->signal,
                     lost->core ? " and left a core file" : "");
    }
    else {
        apr_snprintf(text, room, "ended with code %d", lost->code);
    }
    return text;
}

apr_status_t
mproc__async_failure(mproc_async_t *async, apr_size_t index)
{
    mproc__task_t *task;
    const mproc_lost_t *lost;
    mproc_bytes_t said;
    char text[64];

    if (mproc__async_far(async) != NULL) {
        return mproc__far_async_failure(async->away, index);
    }
    task = mproc__batch_task(async->batch, index);
    if (task->status == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    lost = mproc__async_lost_find(async, index);
    switch (task->status) {
    case MPROC_EWORKERLOST:
        if (lost != NULL) {
            return mproc__fail(
                task->status,
                "task %" APR_SIZE_T_FMT ": its worker (pid "
                "%" APR_INT64_T_FMT
                ") %s, in attempt %d, after %.3f seconds; see "
                "what the task does, or allow retries",
                index, lost->pid, ending_text(lost, text, sizeof text),
                lost->attempt, (double)lost->ran / APR_USEC_PER_SEC);
        }
        break;
    case APR_TIMEUP:
        if (lost != NULL) {
            return mproc__fail(task->status,
                               "task %" APR_SIZE_T_FMT ": it ran longer than "
                               "its timeout, %.3f seconds; its worker (pid "
                               "%" APR_INT64_T_FMT ") was ended",
                               index, (double)lost->ran / APR_USEC_PER_SEC,
                               lost->pid);
        }
        break;
    case MPROC_ECLOSED:
        if (task->size == 0) {
            return mproc__fail(task->status,
                               "task %" APR_SIZE_T_FMT
                               ": it was cancelled, or the pool was "
                               "terminated",
                               index);
        }
        break;
    case MPROC_EBROKEN:
        if (task->size == 0) {
            return mproc__fail(task->status,
                               "task %" APR_SIZE_T_FMT ": the pool's workers "
                               "end before they can work; run one by "
                               "mproc_process_start() and look at what it "
                               "says on stderr",
                               index);
        }
        break;
    default:
        break;
    }
    said = mproc__batch_said(mproc__hold_handle(async->hold), index);
    return mproc__fail(task->status, "task %" APR_SIZE_T_FMT " (pid %u): %.*s",
                       index, task->pid, (int)said.size,
                       (const char *)said.data);
}

apr_status_t
mproc__async_check(const mproc_async_t *async, const char *call)
{
    if (async == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: the async is NULL; pass one made by "
                           "mproc_pool_apply_async() or _map_async()",
                           call);
    }
    if (async->epoch != mproc__peers_epoch()) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: the async belongs to the process that made it",
                           call);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__async_index(const mproc_async_t *async, apr_size_t index,
                   const char *call)
{
    apr_status_t rv = mproc__async_check(async, call);

    if (rv == APR_SUCCESS && index >= mproc_async_count(async)) {
        rv = mproc__fail(APR_EINVAL,
                         "%s: there is no task %" APR_SIZE_T_FMT
                         "; there are %" APR_SIZE_T_FMT,
                         call, index, mproc_async_count(async));
    }
    return rv;
}

/* The first that failed, or its count. */
apr_size_t
mproc__async_failure_find(const mproc_async_t *async)
{
    apr_size_t i = 0;

    if (mproc__async_far(async) != NULL) {
        return mproc__far_async_failed(async->away);
    }
    while (i < async->batch->count &&
           mproc__batch_task(async->batch, i)->status == APR_SUCCESS) {
        i++;
    }
    return i;
}

/* ---------------------------------------------------------------- waiting */

typedef struct async_wait_t {
    mproc_async_t *async;
    apr_size_t index;
} async_wait_t;

static int
task_is_missing(void *baton)
{
    async_wait_t *wait = baton;

    return !mproc__async_task_done(wait->async, wait->index);
}

apr_status_t
mproc__async_wait(mproc_async_t *async, apr_size_t index, apr_time_t deadline,
                  const char *call)
{
    async_wait_t what = {async, index};
    mproc__pool_wait_t wait;
    apr_status_t rv = APR_SUCCESS;

    if (mproc__async_far(async) != NULL) {
        return mproc__far_async_wait(async->away, deadline, call);
    }
    while (!mproc__async_task_done(async, index)) {
        if (deadline == 0 || rv == APR_TIMEUP) {
            return mproc__fail(APR_TIMEUP,
                               "%s: not settled in this time; it goes on, ask "
                               "again",
                               call);
        }
        if (mproc__spin(task_is_missing, &what)) {
            continue;
        }
        rv = mproc__pool_may_wait(async->workers, call);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        mproc__pool_look(&wait, &async->batch->done);
        if (mproc__async_task_done(async, index)) {
            break;
        }
        rv = mproc__pool_sleep(&wait, deadline);
        if (rv == APR_ENOMEM) {
            return mproc__wait_refused(call);
        }
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_async_wait(mproc_async_t *async, apr_interval_time_t timeout)
{
    apr_status_t rv = mproc__async_check(async, "mproc_async_wait");

    return rv != APR_SUCCESS ? rv
                             : mproc__async_wait(async, MPROC__ALL_TASKS,
                                                 mproc__deadline(timeout),
                                                 "mproc_async_wait");
}

static int
task_succeeded(mproc_async_t *async, apr_size_t index)
{
    return mproc__async_far(async) != NULL
               ? mproc__far_async_status(async->away, index) == APR_SUCCESS
               : mproc__batch_task(async->batch, index)->status == APR_SUCCESS;
}

apr_status_t
mproc_async_get(mproc_async_t *async, mproc_bytes_t *results,
                apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_status_t rv = mproc__async_check(async, "mproc_async_get");
    apr_size_t i;

    if (rv == APR_SUCCESS && results != NULL && pool == NULL) {
        rv = mproc__fail(APR_EINVAL, "mproc_async_get: the pool is NULL; pass "
                                     "the one that owns the results");
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__async_wait(async, MPROC__ALL_TASKS,
                               mproc__deadline(timeout), "mproc_async_get");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; results != NULL && i < mproc_async_count(async); i++) {
        mproc_bytes_t said = {NULL, 0};
        if (task_succeeded(async, i)) {
            said = mproc__async_said(async, i);
        }
        results[i].size = said.size;
        results[i].data = apr_pstrmemdup(pool, said.data, said.size);
    }
    i = mproc__async_failure_find(async);
    return i < mproc_async_count(async) ? mproc__async_failure(async, i)
                                        : APR_SUCCESS;
}
