/*
 * manager_serve_task.c: the calls on pools of a manager's server, and on their
 * asyncs. What waits for a pool's thread, and why, stands at the top of
 * manager_serve_pool.c.
 */
#include "manager_serve_pool.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/function.h>

#include "error.h"
#include "manager_piece.h"

#define TASK_HEAD 100        /* bytes of a task's result beside what it said */
#define ENOUGH (1024 * 1024) /* bytes of an answer: others wait for it */

static mproc__served_pool_t *
pool_find(const mproc__call_t *call)
{
    mproc__served_pools_t *pools = call->server->pools;
    mproc__served_pool_t *served = pools == NULL ? NULL : pools->first;

    while (served != NULL && served->id != call->head.id) {
        served = served->next;
    }
    return served;
}

/* NULL, too, while it is not known whether it could be sent. */
static mproc__served_async_t *
async_find(const mproc__call_t *call, apr_uint64_t id)
{
    mproc__served_pools_t *pools = call->server->pools;
    mproc__served_async_t *async =
        pools == NULL ? NULL : apr_hash_get(pools->asyncs, &id, sizeof id);

    return async != NULL && async->sent ? async : NULL;
}

static apr_status_t
stale(void)
{
    return mproc__fail(MPROC_ESTALE,
                       "the manager's pool, or what was sent to it, is gone");
}

apr_status_t
mproc__served_pool_lacks(const mproc__served_pool_t *in)
{
    return in->status != APR_SUCCESS
               ? mproc__fail(in->status, "%s", in->sentence)
               : mproc__fail(MPROC_ECLOSED, "the manager's pool has ended");
}

apr_status_t
mproc__pool_function_find(mproc_function_t *function, const char *name)
{
    *function = NULL;
    return name != NULL &&
                   mproc_registered_function(function, name) == APR_SUCCESS
               ? APR_SUCCESS
               : mproc__fail(MPROC_EREMOTE,
                             "the manager's server knows no function "
                             "\"%.255s\"; it must register it "
                             "(mproc_register()), in its initializer",
                             name == NULL ? "" : name);
}

/* Within bytes an object would be one of the server's family. */
apr_status_t
mproc__pool_args_check(mproc_bytes_t args)
{
    return mproc__wire_names(args)
               ? mproc__fail(MPROC_EREMOTE,
                             "arguments for a manager's pool name an object; "
                             "pass its name, and have it there")
               : APR_SUCCESS;
}

/* ------------------------------------------------------------------ sending */

/* So many as there can be: each has a byte at least. */
static apr_status_t
items_read(mproc__pool_job_t *job, mproc__call_t *call)
{
    apr_int64_t count;
    apr_status_t rv = mproc__arg_int(call, &count);
    apr_size_t i;

    if (rv == APR_SUCCESS &&
        (count < 0 || count > call->args.end - call->args.at)) {
        rv = mproc__args_bad(call);
    }
    if (rv == APR_SUCCESS && count > 0xffffff) {
        rv = mproc__fail(MPROC_ETOOBIG, "these are too many tasks for one "
                                        "call; send at most 16777215");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    job->count = (apr_size_t)count;
    job->items = apr_pcalloc(job->pool, (job->count + 1) * sizeof *job->items);
    if (job->items == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory for tasks");
    }
    for (i = 0; i < job->count && rv == APR_SUCCESS; i++) {
        rv = mproc__arg_bytes(call, &job->items[i]);
        if (rv == APR_SUCCESS) {
            rv = mproc__pool_args_check(job->items[i]);
        }
    }
    return rv;
}

/* The async is made first: its id is where the call waits. */
static apr_status_t
async_make(mproc__pool_job_t *job, mproc__call_t *call)
{
    mproc__served_async_t *async = calloc(1, sizeof *async);
    apr_status_t rv;

    if (async == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory for a task");
    }
    rv = mproc__served_make(&job->object, MPROC_KIND_JOB, 0);
    if (rv != APR_SUCCESS) {
        free(async);
        return rv;
    }
    async->id = job->object->handle;
    async->in = job->in;
    job->in->asyncs++;
    job->async = async;
    apr_hash_set(call->server->pools->asyncs, &async->id, sizeof async->id,
                 async);
    call->place = async->id;
    return APR_SUCCESS;
}

static apr_status_t
pieces_address(mproc__pool_job_t *job)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < job->count && rv == APR_SUCCESS; i++) {
        rv = mproc__piece_address(&job->items[i], job->function, job->pool);
    }
    job->function = (mproc_function_t)mproc__piece_run;
    return rv;
}

static apr_status_t
send_read(mproc__pool_job_t *job, mproc__call_t *call)
{
    const char *name;
    apr_int64_t flags, chunk, timeout, retries;
    apr_status_t rv = mproc__arg_text(call, &name);

    if (rv == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &flags)) == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &chunk)) == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &timeout)) == APR_SUCCESS &&
        (rv = mproc__arg_int(call, &retries)) == APR_SUCCESS &&
        (rv = items_read(job, call)) == APR_SUCCESS) {
        job->wanted = (flags & MPROC__SEND_WANTED) != 0;
        job->options.chunk = chunk < 0 ? 0 : (apr_size_t)chunk;
        job->options.timeout = timeout;
        job->options.retries =
            retries < -1 || retries > 1000 ? 1000 : (int)retries;
        rv = mproc__pool_function_find(&job->function, name);
    }
    if (rv == APR_SUCCESS && (flags & MPROC__SEND_PIECES)) {
        rv = pieces_address(job);
    }
    return rv == APR_SUCCESS ? async_make(job, call) : rv;
}

/* --------------------------------------------------------------------- jobs */

static apr_status_t
job_read(mproc__pool_job_t *job, mproc__call_t *call)
{
    apr_int64_t number;
    apr_status_t rv = APR_SUCCESS;

    if (job->what == MPROC__POOL_SEND) {
        rv = send_read(job, call);
    }
    else if (job->what == MPROC__POOL_RESIZE) {
        rv = mproc__arg_int(call, &number);
        job->processes = number < 0 || number > 0xffff ? -1 : (int)number;
    }
    else if (job->what == MPROC__ASYNC_CANCEL) {
        rv = mproc__object_open(&job->object, job->async->id, NULL);
    }
    return rv;
}

/* A copy of the arguments is the job's: the call may leave before it. */
static apr_status_t
job_make(mproc__pool_job_t **made, mproc__call_t *call,
         mproc__served_pool_t *in, mproc__served_async_t *async)
{
    mproc_bytes_t args = {call->args.at,
                          (apr_size_t)(call->args.end - call->args.at)};
    mproc__pool_job_t *job;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    *made = NULL;
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "the manager has no memory for a task");
    }
    job = apr_pcalloc(pool, sizeof *job);
    job->pool = pool;
    job->call = call;
    job->in = in;
    job->async = async;
    job->what = call->head.method;
    args.data = apr_pmemdup(pool, args.data, args.size);
    if (args.data == NULL) {
        apr_pool_destroy(pool);
        return mproc__fail(APR_ENOMEM, "the manager has no memory for tasks");
    }
    mproc__wire_init(&call->args, args);
    rv = job_read(job, call);
    if (rv != APR_SUCCESS) {
        mproc__pool_job_free(job);
    }
    *made = job;
    return rv;
}

static apr_status_t
job_begin(mproc__call_t *call, mproc__served_pool_t *in,
          mproc__served_async_t *async)
{
    apr_thread_mutex_t *mutex = in->pools->mutex;
    mproc__pool_job_t *job;
    apr_status_t rv;
    int ended;

    apr_thread_mutex_lock(mutex);
    ended = in->state == MPROC__POOL_ENDED;
    apr_thread_mutex_unlock(mutex);
    if (ended) {
        return mproc__served_pool_lacks(in); /* It stays so. */
    }
    rv = job_make(&job, call, in, async);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    call->state = MPROC__POOL_CALL_RUNS;
    call->note = (apr_uint64_t)(apr_uintptr_t)job;
    apr_thread_mutex_lock(mutex);
    if (in->state == MPROC__POOL_ENDED) { /* Meanwhile: nobody looks there. */
        job->status = mproc__served_pool_lacks(in);
        apr_cpystrn(job->sentence, mproc_error_detail(), sizeof job->sentence);
        job->next = in->pools->done;
        in->pools->done = job;
        mproc__hub_ring(in->pools->server);
    }
    else {
        *in->todo_end = job;
        in->todo_end = &job->next;
        apr_thread_cond_signal(in->cond);
    }
    apr_thread_mutex_unlock(mutex);
    return MPROC__CALL_WAITS;
}

static void
stats_result(mproc__call_t *call, const mproc_pool_stats_t *stats)
{
    mproc__result_int(call, stats->workers);
    mproc__result_int(call, stats->running);
    mproc__result_int(call, (apr_int64_t)stats->started);
    mproc__result_int(call, (apr_int64_t)stats->submitted);
    mproc__result_int(call, (apr_int64_t)stats->settled);
    mproc__result_int(call, (apr_int64_t)stats->run);
    mproc__result_int(call, (apr_int64_t)stats->lost);
    mproc__result_int(call, (apr_int64_t)stats->retried);
    mproc__result_int(call, (apr_int64_t)stats->tasks_of_ended);
}

/* What was sent goes to the client with the answer, or, when that will not ask
 * for it, is dropped at once. */
static apr_status_t
job_answer(mproc__call_t *call)
{
    mproc__pool_job_t *job = (mproc__pool_job_t *)(apr_uintptr_t)call->note;
    mproc__handle_t id = job->object == NULL ? 0 : job->object->handle;
    apr_status_t rv = job->status;

    call->state = MPROC__POOL_CALL_BEGINS;
    if (rv != APR_SUCCESS) {
        rv = mproc__fail(rv, "%s", job->sentence);
    }
    else if (job->what == MPROC__POOL_STATS) {
        stats_result(call, &job->stats);
    }
    else if (job->what == MPROC__POOL_CANCEL) {
        mproc__result_int(call, (apr_int64_t)job->cancelled);
    }
    else if (job->what == MPROC__POOL_SEND && job->wanted) {
        mproc__result_fresh(call, job->object);
        job->object = NULL;
        id = 0;
    }
    mproc__pool_job_free(job);
    mproc__served_pools_dropped(call->server, id);
    return rv;
}

/* What asks a pool, or one of its asyncs, for what may have to wait for a lock.
 * It waits for its job however long that takes. */
apr_status_t
mproc__serve_pool_job(mproc__call_t *call)
{
    mproc__served_async_t *async = NULL;
    mproc__served_pool_t *in;

    call->deadline = APR_INT64_MAX;
    if (call->state == MPROC__POOL_CALL_IS_DONE) {
        return job_answer(call);
    }
    if (call->state == MPROC__POOL_CALL_RUNS) {
        return MPROC__CALL_WAITS;
    }
    if (call->head.method == MPROC__ASYNC_CANCEL) {
        async = async_find(call, call->head.id);
        in = async == NULL ? NULL : async->in;
    }
    else {
        in = pool_find(call);
    }
    return in == NULL ? stale() : job_begin(call, in, async);
}

int
mproc__serve_pool_leave(mproc__call_t *call, int late)
{
    mproc__pool_job_t *job = (mproc__pool_job_t *)(apr_uintptr_t)call->note;
    mproc__handle_t id;

    if (!late && call->state == MPROC__POOL_CALL_RUNS) {
        job->call = NULL;
    }
    else if (!late && call->state == MPROC__POOL_CALL_IS_DONE) {
        id = job->object == NULL ? 0 : job->object->handle;
        mproc__pool_job_free(job);
        mproc__served_pools_dropped(call->server, id);
    }
    return 0;
}

/* ------------------------------------------------------------------ waiting */

apr_status_t
mproc__serve_pool_ready(mproc__call_t *call)
{
    mproc__served_pool_t *in = pool_find(call);
    mproc__served_pool_e state;
    apr_status_t rv = APR_SUCCESS;

    if (in == NULL) {
        return stale();
    }
    apr_thread_mutex_lock(in->pools->mutex);
    state = in->state;
    if (in->workers != NULL) {
        mproc__result_int(call, in->workers->count);
    }
    else {
        rv = MPROC__CALL_WAITS;
    }
    apr_thread_mutex_unlock(in->pools->mutex);
    return rv == APR_SUCCESS || state == MPROC__POOL_BEGINS
               ? rv
               : mproc__served_pool_lacks(in);
}

/* That of a pool which nobody has joined, with MPROC_NOWAIT, locks nothing. */
apr_status_t
mproc__serve_pool_join(mproc__call_t *call)
{
    mproc__served_pool_t *in = pool_find(call);
    mproc__served_pool_e state;
    mproc_pool_t *workers;
    apr_status_t rv;

    if (in == NULL) {
        return stale();
    }
    apr_thread_mutex_lock(in->pools->mutex);
    state = in->state;
    workers = in->workers;
    apr_thread_mutex_unlock(in->pools->mutex);
    if (workers == NULL) {
        return state == MPROC__POOL_BEGINS ? MPROC__CALL_WAITS
                                           : mproc__served_pool_lacks(in);
    }
    rv = mproc_pool_join(workers, MPROC_NOWAIT);
    return rv == APR_TIMEUP ? MPROC__CALL_WAITS : rv;
}

/* ------------------------------------------------------------------ results */

static void
lost_result(mproc__call_t *call, const mproc_lost_t *lost)
{
    mproc__result_int(call, lost != NULL);
    if (lost != NULL) {
        mproc__result_int(call, lost->pid);
        mproc__result_int(call, lost->code);
        mproc__result_int(call, lost->signal);
        mproc__result_int(call, lost->core);
        mproc__result_int(call, lost->attempt);
        mproc__result_int(call, lost->ran);
    }
}

/* The status of a task and what it said, or the sentence, whichever can be
 * given out. */
static apr_status_t
task_said(mproc_async_t *async, apr_size_t index, apr_size_t most,
          mproc_bytes_t *said)
{
    apr_status_t rv = mproc__async_failure(async, index);

    if (rv == APR_SUCCESS && mproc__async_box(async, index) != 0) {
        rv = mproc__fail(MPROC_EREMOTE,
                         "task %" APR_SIZE_T_FMT ": its result names objects, "
                         "which do not leave the server; reply what they hold, "
                         "or the name of one of the manager's",
                         index);
    }
    else if (rv == APR_SUCCESS) {
        *said = mproc__async_said(async, index);
        if (said->size <= most) {
            return rv;
        }
        rv = mproc__fail(MPROC_ETOOBIG,
                         "task %" APR_SIZE_T_FMT
                         ": its result has %" APR_SIZE_T_FMT
                         " bytes, more than a message may have; allow more "
                         "(net.max_message)",
                         index, said->size);
    }
    said->data = mproc_error_detail();
    said->size = strlen(said->data);
    return rv;
}

/* As many as there is room for, and are enough; at least one. */
static void
tasks_result(mproc__call_t *call, mproc_async_t *async, apr_size_t from,
             apr_uint64_t room)
{
    apr_size_t count = mproc_async_count(async), i;
    mproc_bytes_t said;

    for (i = from;
         i < count && (i == from || call->server->result.size < ENOUGH); i++) {
        apr_status_t rv =
            task_said(async, i, (apr_size_t)(room - 2 * TASK_HEAD), &said);
        if (i > from &&
            call->server->result.size + said.size + TASK_HEAD > room) {
            break;
        }
        mproc__result_int(call, rv);
        mproc__result_bytes(call, said);
        lost_result(call, mproc__async_lost_find(async, i));
    }
}

apr_status_t
mproc__serve_async_get(mproc__call_t *call)
{
    mproc__served_async_t *async = async_find(call, call->head.id);
    apr_uint64_t room = call->server->net.options.max_message;
    apr_int64_t from, most;
    apr_status_t rv = mproc__arg_int(call, &from);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &most);
    }
    if (rv == APR_SUCCESS && (from < 0 || most < 0)) {
        rv = mproc__args_bad(call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (async == NULL) {
        return stale();
    }
    if (!async->settled) {
        return MPROC__CALL_WAITS;
    }
    room = (apr_uint64_t)most < room ? (apr_uint64_t)most : room;
    room = room > 16 * TASK_HEAD ? room : 16 * TASK_HEAD;
    mproc__result_int(call, (apr_int64_t)mproc_async_count(async->async));
    tasks_result(call, async->async, (apr_size_t)from, room);
    return APR_SUCCESS;
}

/* ----------------------------------------------------------- several asyncs */

static void
select_end(mproc__call_t *call)
{
    mproc__select_t *select = (mproc__select_t *)(apr_uintptr_t)call->note;

    if (call->state != 0) {
        *select->link = select->next;
        if (select->next != NULL) {
            select->next->link = select->link;
        }
        free(select);
        call->state = 0;
    }
}

/* At a place of its own: those that wait at one are run again in order, until
 * one of a method waits on, and what it waits for is its own. */
static apr_status_t
select_begin(mproc__call_t *call)
{
    mproc__served_pools_t *pools = call->server->pools;
    mproc__select_t *select;

    if (call->state != 0 || call->deadline == 0) {
        return MPROC__CALL_WAITS;
    }
    select = malloc(sizeof *select);
    if (select == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory");
    }
    select->place = APR_UINT64_C(1) << 63 | ++pools->select_count;
    select->next = pools->selects;
    select->link = &pools->selects;
    if (select->next != NULL) {
        select->next->link = &select->next;
    }
    pools->selects = select;
    call->place = select->place;
    call->state = 1;
    call->note = (apr_uint64_t)(apr_uintptr_t)select;
    return MPROC__CALL_WAITS;
}

void
mproc__served_async_settle(mproc__served_async_t *async, int failed)
{
    async->settled = failed ? 2 : 1;
    async->in->pools->any_settled = 1;
    mproc__object_changed(async->in->pools->server, async->id);
}

void
mproc__served_selects_settle(mproc__served_pools_t *pools)
{
    mproc__select_t *select;

    for (select = pools->selects; pools->any_settled && select != NULL;
         select = select->next) {
        mproc__object_changed(pools->server, select->place);
    }
    pools->any_settled = 0;
}

apr_status_t
mproc__serve_async_select(mproc__call_t *call)
{
    apr_int64_t until, count, id, settled = 0, failed = 0, i;
    apr_status_t rv = mproc__arg_int(call, &until);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &count);
    }
    if (rv == APR_SUCCESS && count < 0) {
        rv = mproc__args_bad(call);
    }
    for (i = 0; rv == APR_SUCCESS && i < count; i++) {
        mproc__served_async_t *async;
        rv = mproc__arg_int(call, &id);
        if (rv == APR_SUCCESS &&
            (async = async_find(call, (apr_uint64_t)id)) == NULL) {
            rv = stale();
        }
        if (rv == APR_SUCCESS) {
            settled += async->settled > 0;
            failed += async->settled > 1;
            mproc__result_int(call, async->settled);
        }
    }
    if (rv == APR_SUCCESS && settled < count &&
        !(until == MPROC_FIRST_SETTLED && settled > 0) &&
        !(until == MPROC_FIRST_FAILED && failed > 0)) {
        return select_begin(call);
    }
    select_end(call);
    return rv;
}

int
mproc__serve_async_leave(mproc__call_t *call, int late)
{
    (void)late;
    select_end(call);
    return 0;
}
