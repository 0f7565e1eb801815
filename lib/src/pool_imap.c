/*
 * pool_imap.c: results one by one, from items fetched one by one.
 *
 * Items are sent in batches of several, which are claimed and looked at task by
 * task: so many as are wanted ahead, and again as soon as half of them have
 * been given.
 *
 * An imap is on its pool's list as long as it may fetch, and keeps a pool that
 * was closed from being shut, until somebody joins that: then it fetches no
 * more, so that one which is given up half read holds up nobody. An item that
 * was fetched is always sent: `fetching`, under the lock under which the pool
 * is shut, is counted before the first is.
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

#define AHEAD_PER_WORKER 16
#define BATCH_MOST 256
#define CHUNK_MOST BATCH_MOST

/* A batch, and what of it was given. */
typedef struct imap_batch_t {
    struct imap_batch_t *next;
    mproc_async_t *async;
    apr_uint64_t first; /* number of its first item */
    apr_size_t left;    /* not given yet */
    apr_size_t from;    /* those before that were */
    unsigned char given[];
} imap_batch_t;

struct mproc_imap_t {
    mproc_pool_t *workers; /* NULL: it is gone */
    /* Guarded by the pool's list. */
    mproc_imap_t *next_imap;
    int listed;
    mproc_task_fn_t task;
    mproc_next_fn_t next;
    void *baton;
    mproc_task_options_t options;
    int unordered;
    int away; /* the pool is a manager's */
    unsigned epoch;
    apr_pool_t *items; /* of one fetch */
    imap_batch_t *oldest, *newest;
    apr_uint64_t fetched, index; /* index: of the last that was given */
    apr_size_t ahead;            /* fetched and not given */
    apr_status_t source;         /* APR_EOF, or what next failed with */
};

/* The pool for which the calling thread is in a source of items. */
static _Thread_local mproc_pool_t *fetched_for;

int
mproc__pool_is_fetching(mproc_pool_t *workers)
{
    return fetched_for == workers;
}

static void
batch_free(imap_batch_t *batch)
{
    mproc_async_destroy(batch->async);
    free(batch);
}

/* ------------------------------------------------------------- the pool's */

static apr_status_t
imap_list(mproc_imap_t *imap, const char *call)
{
    mproc_pool_t *workers = imap->workers;
    apr_status_t rv;

    apr_thread_mutex_lock(workers->list);
    rv = mproc__pool_open(workers, call);
    if (rv == APR_SUCCESS) {
        imap->next_imap = workers->imaps;
        workers->imaps = imap;
        imap->listed = 1;
    }
    apr_thread_mutex_unlock(workers->list);
    return rv;
}

/* The list is locked. */
static void
imap_unlist(mproc_imap_t *imap)
{
    mproc_imap_t **at = &imap->workers->imaps;

    while (imap->listed && *at != imap) {
        at = &(*at)->next_imap;
    }
    if (imap->listed) {
        *at = imap->next_imap;
        imap->listed = 0;
    }
}

void
mproc__imaps_leave(mproc_pool_t *workers)
{
    mproc_imap_t *imap;

    apr_thread_mutex_lock(workers->list);
    while ((imap = workers->imaps) != NULL) {
        imap_unlist(imap);
        imap->workers = NULL;
    }
    apr_thread_mutex_unlock(workers->list);
}

/* Begin to fetch, or be told why not. */
static apr_status_t
fetch_begin(mproc_imap_t *imap)
{
    mproc_pool_t *workers = imap->workers;
    apr_status_t rv = MPROC_ECLOSED;

    if (workers != NULL) {
        apr_thread_mutex_lock(workers->list);
        rv = mproc__pool_open_yet(workers, "mproc_imap_next");
        rv = rv == APR_SUCCESS && atomic_load(&workers->joined) ? MPROC_ECLOSED
                                                                : rv;
        workers->fetching += rv == APR_SUCCESS;
        apr_thread_mutex_unlock(workers->list);
    }
    return rv;
}

/* It has sent what it fetched; and will fetch no more, if that is so. */
static void
fetch_end(mproc_imap_t *imap)
{
    mproc_pool_t *workers = imap->workers;

    apr_thread_mutex_lock(workers->list);
    workers->fetching--;
    if (imap->source != APR_SUCCESS) {
        imap_unlist(imap);
    }
    apr_thread_mutex_unlock(workers->list);
    if (atomic_load(&workers->closed)) {
        mproc__pool_move(&workers->shared->care);
    }
}

static void
imap_leave(mproc_imap_t *imap)
{
    mproc_pool_t *workers = imap->workers;

    if (workers != NULL && imap->source == APR_SUCCESS) {
        apr_thread_mutex_lock(workers->list);
        imap_unlist(imap);
        apr_thread_mutex_unlock(workers->list);
        if (!imap->away) {
            mproc__pool_move(&workers->shared->care);
        }
    }
}

/* ---------------------------------------------------------------- fetching */

static apr_status_t
imap_cleanup(void *data)
{
    mproc_imap_t *imap = data;
    imap_batch_t *batch;

    if (imap->epoch == mproc__peers_epoch()) {
        imap_leave(imap);
        while ((batch = imap->oldest) != NULL) {
            imap->oldest = batch->next;
            batch_free(batch);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
batch_send(mproc_imap_t *imap, const mproc_bytes_t *items, apr_size_t count)
{
    mproc__order_t order = {.task = imap->task,
                            .items = items,
                            .count = count,
                            .chunk = imap->options.chunk,
                            .options = &imap->options,
                            .begun = 1};
    imap_batch_t *batch = calloc(1, sizeof *batch + count);
    apr_status_t rv;

    if (batch == NULL) {
        return mproc__fail(APR_ENOMEM, "mproc_imap_next: memory is short");
    }
    rv = mproc__async_send(&batch->async, imap->workers, &order, NULL,
                           "mproc_imap_next");
    if (rv != APR_SUCCESS) {
        free(batch);
        return rv;
    }
    batch->first = imap->fetched;
    batch->left = count;
    if (imap->newest != NULL) {
        imap->newest->next = batch;
    }
    else {
        imap->oldest = batch;
    }
    imap->newest = batch;
    imap->fetched += count;
    imap->ahead += count;
    return APR_SUCCESS;
}

static apr_status_t
item_fetch(mproc_imap_t *imap, mproc_bytes_t *item)
{
    mproc_pool_t *before = fetched_for;
    apr_status_t rv;

    fetched_for = imap->workers;
    rv = imap->next(item, imap->baton, imap->items);
    fetched_for = before;
    return rv;
}

/* Fetch items and send them, while that is wanted. What cannot be sent any
 * more is an error in the place of the items. */
static void
imap_fill(mproc_imap_t *imap)
{
    while (imap->source == APR_SUCCESS &&
           imap->ahead <= imap->options.buffersize / 2) {
        mproc_bytes_t items[BATCH_MOST];
        apr_size_t wanted = imap->options.buffersize - imap->ahead, count = 0;
        apr_size_t most;
        apr_status_t rv = fetch_begin(imap);

        if (rv != APR_SUCCESS) {
            imap->source = rv;
            return;
        }
        most = imap->away ? imap->options.chunk : BATCH_MOST;
        wanted = wanted < most ? wanted : most;
        while (count < wanted && imap->source == APR_SUCCESS) {
            mproc_bytes_t item = {NULL, 0};
            imap->source = item_fetch(imap, &item);
            if (imap->source == APR_SUCCESS) {
                items[count].size = item.size;
                items[count++].data =
                    apr_pmemdup(imap->items, item.data, item.size);
            }
        }
        if (count > 0) {
            rv = batch_send(imap, items, count);
        }
        apr_pool_clear(imap->items);
        if (rv != APR_SUCCESS) {
            imap->source = rv;
        }
        fetch_end(imap);
    }
}

static apr_status_t
imap_create(mproc_imap_t **imap, mproc_pool_t *workers, mproc_task_fn_t task,
            mproc_next_fn_t next, void *baton,
            const mproc_task_options_t *options, int unordered,
            apr_pool_t *pool, const char *call)
{
    apr_status_t rv = mproc__pool_open(workers, call);
    mproc_imap_t *made;

    if (imap != NULL) {
        *imap = NULL;
    }
    if (rv == APR_SUCCESS &&
        (imap == NULL || task == NULL || next == NULL || pool == NULL)) {
        rv = mproc__fail(APR_EINVAL, "%s: %s is NULL; nothing was done", call,
                         imap == NULL   ? "imap"
                         : task == NULL ? "the task"
                         : next == NULL ? "next"
                                        : "the pool");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    made = apr_pcalloc(pool, sizeof *made);
    rv = apr_pool_create(&made->items, pool);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: memory is short", call);
    }
    made->workers = workers;
    made->task = task;
    made->next = next;
    made->baton = baton;
    made->unordered = unordered;
    made->away = workers->away != NULL;
    made->epoch = mproc__peers_epoch();
    if (options != NULL) {
        made->options = *options;
    }
    made->options.chunk = made->options.chunk > 0 ? made->options.chunk : 1;
    made->options.chunk =
        made->options.chunk < CHUNK_MOST ? made->options.chunk : CHUNK_MOST;
    if (made->options.buffersize == 0) {
        made->options.buffersize =
            AHEAD_PER_WORKER * (apr_size_t)workers->count * made->options.chunk;
    }
    rv = imap_list(made, call);
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(pool, made, imap_cleanup,
                                  apr_pool_cleanup_null);
        imap_fill(made);
        *imap = made;
    }
    return rv;
}

apr_status_t
mproc_pool_imap(mproc_imap_t **imap, mproc_pool_t *workers,
                mproc_task_fn_t task, mproc_next_fn_t next, void *baton,
                const mproc_task_options_t *options, apr_pool_t *pool)
{
    return imap_create(imap, workers, task, next, baton, options, 0, pool,
                       "mproc_pool_imap");
}

apr_status_t
mproc_pool_imap_unordered(mproc_imap_t **imap, mproc_pool_t *workers,
                          mproc_task_fn_t task, mproc_next_fn_t next,
                          void *baton, const mproc_task_options_t *options,
                          apr_pool_t *pool)
{
    return imap_create(imap, workers, task, next, baton, options, 1, pool,
                       "mproc_pool_imap_unordered");
}

/* ----------------------------------------------------------------- giving */

/* One that is done and was not given; in order, only the first of all. */
static imap_batch_t *
ready_find(mproc_imap_t *imap, apr_size_t *index)
{
    imap_batch_t *batch;
    apr_size_t i;

    for (batch = imap->oldest; batch != NULL; batch = batch->next) {
        apr_size_t count = mproc_async_count(batch->async);
        for (i = batch->from; i < count; i++) {
            if (!batch->given[i] && mproc__async_task_done(batch->async, i)) {
                *index = i;
                return batch;
            }
            if (!batch->given[i] && !imap->unordered) {
                return NULL;
            }
        }
    }
    return NULL;
}

static int
nothing_is_ready(void *baton)
{
    apr_size_t index;

    return ready_find(baton, &index) == NULL;
}

typedef struct imap_wait_t {
    mproc_imap_t *imap;
    mproc__pool_wait_t *wait;
    void **words;
    int count;
} imap_wait_t;

static int
imap_is_idle(void *baton)
{
    imap_wait_t *wait = baton;
    int i;

    for (i = 0; i < wait->count; i++) {
        if (!mproc__pool_is_idle(&wait->wait[i])) {
            return 0;
        }
    }
    return 1;
}

/* Sleep until a task of any batch is done. */
static apr_status_t
imap_sleep(mproc_imap_t *imap, apr_time_t deadline)
{
    imap_wait_t wait = {.imap = imap};
    imap_batch_t *batch;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t count = 0;

    for (batch = imap->oldest; batch != NULL; batch = batch->next) {
        count++;
    }
    wait.wait = malloc(count * sizeof *wait.wait);
    wait.words = malloc(count * sizeof *wait.words);
    if (wait.wait == NULL || wait.words == NULL) {
        rv = mproc__fail(APR_ENOMEM, "mproc_imap_next: memory is short");
    }
    else {
        for (batch = imap->oldest; batch != NULL; batch = batch->next) {
            if (imap->unordered || batch == imap->oldest) {
                wait.words[wait.count] = &batch->async->batch->done;
                mproc__pool_look(&wait.wait[wait.count++],
                                 &batch->async->batch->done);
            }
        }
        if (nothing_is_ready(imap)) {
            rv = mproc__park(wait.words, wait.count, imap_is_idle, NULL, &wait,
                             deadline);
            rv = rv == APR_ENOMEM ? mproc__wait_refused("mproc_imap_next") : rv;
        }
    }
    free(wait.wait);
    free(wait.words);
    return rv;
}

/* Of a manager's pool: have the server tell what a batch said, in order the
 * first, else any. What cannot be had of one is an error of its tasks: the
 * next call goes on. */
static apr_status_t
far_await(mproc_imap_t *imap, apr_time_t deadline)
{
    mproc_async_t *async = imap->oldest->async, **asyncs;
    apr_size_t count = 0, index;
    imap_batch_t *batch;
    apr_status_t rv = APR_SUCCESS;

    if (imap->unordered) {
        for (batch = imap->oldest; batch != NULL; batch = batch->next) {
            count += !mproc__async_settled(batch->async);
        }
        asyncs = malloc(count * sizeof(mproc_async_t *));
        if (asyncs == NULL) {
            return mproc__fail(APR_ENOMEM, "mproc_imap_next: memory is short");
        }
        for (count = 0, batch = imap->oldest; batch != NULL;
             batch = batch->next) {
            if (!mproc__async_settled(batch->async)) {
                asyncs[count++] = batch->async;
            }
        }
        async = asyncs[0];
        rv = mproc__far_first(asyncs, count, &index, deadline,
                              "mproc_imap_next");
        async = rv == APR_SUCCESS ? asyncs[index] : async;
        free(asyncs);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__async_wait(async, MPROC__ALL_TASKS, deadline,
                               "mproc_imap_next");
    }
    return rv == APR_SUCCESS || rv == APR_TIMEUP
               ? rv
               : mproc__far_async_lose(async->away, rv);
}

/* A hold of a result's pool, on what the result names. */
typedef struct kept_t {
    mproc__hold_t *hold;
    unsigned epoch;
} kept_t;

static apr_status_t
kept_cleanup(void *data)
{
    kept_t *kept = data;

    if (kept->epoch == mproc__peers_epoch()) {
        mproc__arena_release(kept->hold);
        mproc__hold_free(kept->hold);
    }
    return APR_SUCCESS;
}

static apr_status_t
result_keep(mproc_async_t *async, apr_size_t index, apr_pool_t *pool)
{
    mproc__handle_t box = mproc__async_box(async, index);
    kept_t *kept;

    if (box == 0) {
        return APR_SUCCESS;
    }
    kept = apr_palloc(pool, sizeof *kept);
    kept->epoch = mproc__peers_epoch();
    kept->hold = mproc__hold_new();
    if (kept->hold == NULL) {
        return mproc__fail(APR_ENOMEM, "mproc_imap_next: no memory to keep the "
                                       "objects that the result names");
    }
    (void)mproc__arena_hold(kept->hold, box);
    apr_pool_cleanup_register(pool, kept, kept_cleanup, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

/* Take it out; a batch of which all were given goes, unless the result names
 * what it holds: the results' pool takes it. */
static apr_status_t
result_give(mproc_imap_t *imap, imap_batch_t *batch, apr_size_t index,
            mproc_bytes_t *result, apr_pool_t *pool)
{
    mproc_async_t *async = batch->async;
    apr_status_t rv = mproc__async_failure(async, index);

    if (rv == APR_SUCCESS && result != NULL) {
        mproc_bytes_t said = mproc__async_said(async, index);
        result->size = said.size;
        result->data = apr_pstrmemdup(pool, said.data, said.size);
        rv = result_keep(async, index, pool);
    }
    imap->index = batch->first + index;
    batch->given[index] = 1;
    while (batch->from < mproc_async_count(async) &&
           batch->given[batch->from]) {
        batch->from++;
    }
    imap->ahead--;
    if (--batch->left == 0) {
        imap_batch_t **at = &imap->oldest, *last = NULL;
        while (*at != batch) {
            last = *at;
            at = &last->next;
        }
        *at = batch->next;
        imap->newest = imap->newest == batch ? last : imap->newest;
        batch_free(batch);
    }
    return rv;
}

apr_status_t
mproc_imap_next(mproc_imap_t *imap, mproc_bytes_t *result,
                apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_time_t deadline = mproc__deadline(timeout);
    imap_batch_t *batch;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t index;

    if (imap == NULL || (result != NULL && pool == NULL)) {
        return mproc__fail(APR_EINVAL, "mproc_imap_next: %s is NULL",
                           imap == NULL ? "the imap" : "the pool");
    }
    if (imap->epoch != mproc__peers_epoch()) {
        return mproc__fail(MPROC_ESTATE, "mproc_imap_next: the imap belongs "
                                         "to the process that made it");
    }
    imap_fill(imap);
    while ((batch = ready_find(imap, &index)) == NULL) {
        if (imap->oldest == NULL) {
            rv = imap->source;
            if (rv != APR_EOF) {
                imap->source = APR_EOF; /* Said once. */
                rv = rv == MPROC_ECLOSED
                         ? mproc__fail(rv, "mproc_imap_next: the pool was "
                                           "joined or terminated before all "
                                           "items were fetched, or their "
                                           "source is closed")
                         : mproc__fail(rv,
                                       "mproc_imap_next: the source of the "
                                       "items failed, or they could not be "
                                       "sent: status %d",
                                       (int)rv);
            }
            return rv;
        }
        if (imap->away) {
            rv = far_await(imap, deadline);
            if (rv == APR_SUCCESS) {
                continue;
            }
            if (rv != APR_TIMEUP) {
                return rv;
            }
        }
        if (deadline == 0 || rv == APR_TIMEUP) {
            return mproc__fail(APR_TIMEUP, "mproc_imap_next: no result in "
                                           "this time; ask again");
        }
        if (!mproc__spin(nothing_is_ready, imap)) {
            rv = mproc__pool_may_wait(imap->workers, "mproc_imap_next");
            rv = rv == APR_SUCCESS ? imap_sleep(imap, deadline) : rv;
            if (rv != APR_SUCCESS && rv != APR_TIMEUP) {
                return rv;
            }
        }
    }
    return result_give(imap, batch, index, result, pool);
}

apr_uint64_t
mproc_imap_index(const mproc_imap_t *imap)
{
    return imap == NULL ? 0 : imap->index;
}
