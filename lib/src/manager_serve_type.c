/*
 * manager_serve_type.c: objects of the program's own types in a manager's
 * server.
 *
 * Methods run on threads of the server's, so that one that takes long is in
 * nobody's way; those of one object one after the other. The server's thread
 * hands a job out, and is rung when it is done; the call waits meanwhile. A job
 * belongs to whoever has it: the list of those to be done, the thread that runs
 * it, the list of those that are done; then to the call, or, when that has
 * left, it is freed. The mutex guards the lists. There is one more thread when
 * none is free, up to THREADS.
 */
#include "manager_serve.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "error.h"
#include "reply.h"

#define THREADS 64
#define SENTENCE_MOST 400

/* An object: its block names it. */
typedef struct instance_t {
    apr_uint64_t id;
    const mproc_manager_type_t *type;
    apr_pool_t *pool;
    void *self;
    int busy; /* a method runs */
} instance_t;

/* What a call of a method is at. */
enum {
    CALL_BEGINS,
    CALL_RUNS,
    CALL_IS_DONE
};

typedef struct job_t {
    struct job_t *next;
    mproc__call_t *call; /* NULL: it has left */
    instance_t *instance;
    mproc_object_t *object; /* a half, so that it stays */
    mproc_method_fn_t method;
    apr_pool_t *pool;
    mproc_bytes_t args, said;
    int names; /* `said` does */
    apr_status_t status;
    char sentence[SENTENCE_MOST];
} job_t;

typedef struct workers_t {
    mproc__hub_t *server;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    apr_thread_t *thread[THREADS];
    int count, ending;
    int idle, queued; /* threads that wait, jobs that do */
    job_t *todo, **todo_end;
    job_t *done;
    apr_hash_t *instances; /* by id */
} workers_t;

/* No type has that name. */
#define WORKERS "\n"

static workers_t *
workers_of(mproc__hub_t *server)
{
    return apr_hash_get(mproc__hub_types(server), WORKERS, APR_HASH_KEY_STRING);
}

/* ------------------------------------------------------------------ threads */

static void
job_run(job_t *job)
{
    mproc_reply_t reply;
    apr_status_t rv;

    mproc__reply_begin_free(&reply, job->pool);
    rv = job->method(job->instance->self, job->args, &reply, job->pool);
    job->status = mproc__reply_end(&reply, rv);
    if (job->status == APR_SUCCESS) {
        job->said = reply.said;
        job->names = reply.names;
    }
    else {
        apr_snprintf(job->sentence, sizeof job->sentence, "%.*s",
                     (int)reply.said.size, (const char *)reply.said.data);
    }
}

static void *APR_THREAD_FUNC
worker_main(apr_thread_t *thread, void *data)
{
    workers_t *workers = data;
    job_t *job;

    apr_thread_mutex_lock(workers->mutex);
    while (!workers->ending) {
        job = workers->todo;
        if (job == NULL) {
            workers->idle++;
            apr_thread_cond_wait(workers->cond, workers->mutex);
            workers->idle--;
            continue;
        }
        workers->queued--;
        workers->todo = job->next;
        if (workers->todo == NULL) {
            workers->todo_end = &workers->todo;
        }
        apr_thread_mutex_unlock(workers->mutex);
        job_run(job);
        apr_thread_mutex_lock(workers->mutex);
        job->next = workers->done;
        workers->done = job;
        mproc__hub_ring(workers->server);
    }
    apr_thread_mutex_unlock(workers->mutex);
    (void)thread;
    return NULL;
}

static void
job_free(job_t *job)
{
    mproc__object_close(job->object);
    apr_pool_destroy(job->pool);
}

/* What is done goes to its call. */
void
mproc__served_types_rung(mproc__hub_t *server)
{
    workers_t *workers = workers_of(server);
    job_t *job, *next;

    if (workers == NULL) {
        return;
    }
    apr_thread_mutex_lock(workers->mutex);
    job = workers->done;
    workers->done = NULL;
    apr_thread_mutex_unlock(workers->mutex);
    for (; job != NULL; job = next) {
        next = job->next;
        job->instance->busy = 0;
        mproc__object_changed(server, job->instance->id);
        if (job->call == NULL) {
            job_free(job);
        }
        else {
            job->call->state = CALL_IS_DONE;
        }
    }
}

/* They begin when the first object is made. */
static apr_status_t
workers_begin(workers_t **workers, mproc__hub_t *server)
{
    apr_pool_t *pool;
    apr_status_t rv;

    *workers = workers_of(server);
    if (*workers != NULL) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *workers = apr_pcalloc(pool, sizeof **workers);
    (*workers)->server = server;
    (*workers)->pool = pool;
    (*workers)->todo_end = &(*workers)->todo;
    (*workers)->instances = apr_hash_make(pool);
    rv = apr_thread_mutex_create(&(*workers)->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 pool);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_cond_create(&(*workers)->cond, pool);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    apr_hash_set(mproc__hub_types(server), WORKERS, APR_HASH_KEY_STRING,
                 *workers);
    return APR_SUCCESS;
}

/* Have a thread for one more job. */
static apr_status_t
workers_grow(workers_t *workers)
{
    apr_status_t rv;
    int spare;

    apr_thread_mutex_lock(workers->mutex);
    spare = workers->idle - workers->queued;
    apr_thread_mutex_unlock(workers->mutex);
    if (spare > 0 || workers->count == THREADS) {
        return APR_SUCCESS;
    }
    rv = apr_thread_create(&workers->thread[workers->count], NULL, worker_main,
                           workers, workers->pool);
    workers->count += rv == APR_SUCCESS;
    return workers->count > 0 ? APR_SUCCESS : rv;
}

/* ---------------------------------------------------------------- instances */

static instance_t *
instance_find(mproc__hub_t *server, apr_uint64_t id)
{
    workers_t *workers = workers_of(server);

    return workers == NULL ? NULL
                           : apr_hash_get(workers->instances, &id, sizeof id);
}

static void
instance_free(instance_t *instance)
{
    if (instance->type->destroy != NULL) {
        instance->type->destroy(instance->self);
    }
    apr_pool_destroy(instance->pool);
}

static void
instance_end(workers_t *workers, instance_t *instance)
{
    apr_hash_set(workers->instances, &instance->id, sizeof instance->id, NULL);
    instance_free(instance);
}

void
mproc__served_types_tidy(mproc__hub_t *server)
{
    workers_t *workers = workers_of(server);
    apr_hash_index_t *at;

    if (workers == NULL) {
        return;
    }
    for (at = apr_hash_first(NULL, workers->instances); at != NULL;
         at = apr_hash_next(at)) {
        instance_t *instance = apr_hash_this_val(at);
        if (mproc__arena_kind(instance->id) != MPROC_KIND_SERVED) {
            instance_end(workers, instance);
        }
    }
}

void
mproc__served_types_end(mproc__hub_t *server)
{
    workers_t *workers = workers_of(server);
    apr_hash_index_t *at;
    apr_status_t rv;
    job_t *job;

    if (workers == NULL) {
        return;
    }
    apr_thread_mutex_lock(workers->mutex);
    workers->ending = 1;
    apr_thread_cond_broadcast(workers->cond);
    apr_thread_mutex_unlock(workers->mutex);
    while (workers->count > 0) {
        apr_thread_join(&rv, workers->thread[--workers->count]);
    }
    while ((job = workers->todo) != NULL) {
        workers->todo = job->next;
        job_free(job);
    }
    mproc__served_types_rung(server);
    for (at = apr_hash_first(NULL, workers->instances); at != NULL;
         at = apr_hash_next(at)) {
        instance_end(workers, apr_hash_this_val(at));
    }
    apr_pool_destroy(workers->pool);
}

static const mproc_manager_type_t *
type_find(mproc__hub_t *server, const char *name)
{
    return name == NULL || strcmp(name, WORKERS) == 0
               ? NULL
               : apr_hash_get(mproc__hub_types(server), name,
                              APR_HASH_KEY_STRING);
}

int
mproc__served_type_fits(mproc__call_t *call, mproc_object_t *object)
{
    const char *name;

    return mproc__served_kind(object->handle) != MPROC_KIND_SERVED ||
           (mproc__arg_text(call, &name) == APR_SUCCESS && name != NULL &&
            strcmp(name, mproc__served_at(object->handle)->data) == 0);
}

static mproc_bytes_t
args_rest(const mproc__call_t *call)
{
    return (mproc_bytes_t){call->args.at,
                           (apr_size_t)(call->args.end - call->args.at)};
}

static apr_status_t
instance_make(instance_t **made, mproc__call_t *call,
              const mproc_manager_type_t *type)
{
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *made = apr_pcalloc(pool, sizeof **made);
    (*made)->type = type;
    (*made)->pool = pool;
    if (type->create != NULL) {
        rv = type->create(&(*made)->self, args_rest(call), pool);
    }
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return mproc__fail(rv, "the type \"%.100s\" could not make one",
                           type->name);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_make_remote(mproc__call_t *call, mproc_object_t **object)
{
    const mproc_manager_type_t *type;
    instance_t *instance;
    workers_t *workers;
    const char *name;
    apr_status_t rv = mproc__arg_text(call, &name);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    type = type_find(call->server, name);
    if (type == NULL) {
        return mproc__fail(MPROC_EREMOTE,
                           "the manager's server has no type \"%.100s\"; it "
                           "must register it (mproc_manager_register_type())",
                           name == NULL ? "" : name);
    }
    rv = workers_begin(&workers, call->server);
    if (rv == APR_SUCCESS) {
        rv = instance_make(&instance, call, type);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__served_make(object, MPROC_KIND_SERVED, strlen(type->name) + 1);
    if (rv != APR_SUCCESS) {
        instance_free(instance);
        return rv;
    }
    strcpy(mproc__served_at((*object)->handle)->data, type->name);
    instance->id = (*object)->handle;
    apr_hash_set(workers->instances, &instance->id, sizeof instance->id,
                 instance);
    return APR_SUCCESS;
}

/* -------------------------------------------------------------------- calls */

static apr_status_t
job_begin(mproc__call_t *call, instance_t *instance, mproc_method_fn_t method)
{
    workers_t *workers = workers_of(call->server);
    mproc_bytes_t args = args_rest(call);
    apr_pool_t *pool;
    job_t *job;
    apr_status_t rv = workers_grow(workers);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "the manager has no thread, or no memory, for a "
                               "method");
    }
    job = apr_pcalloc(pool, sizeof *job);
    job->pool = pool;
    job->call = call;
    job->instance = instance;
    job->method = method;
    job->args.data = apr_pmemdup(pool, args.data, args.size);
    job->args.size = args.size;
    rv = mproc__object_open(&job->object, instance->id, NULL);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    instance->busy = 1;
    call->state = CALL_RUNS;
    call->note = (apr_uint64_t)(apr_uintptr_t)job;
    apr_thread_mutex_lock(workers->mutex);
    *workers->todo_end = job;
    workers->todo_end = &job->next;
    workers->queued++;
    apr_thread_cond_signal(workers->cond);
    apr_thread_mutex_unlock(workers->mutex);
    return MPROC__CALL_WAITS;
}

static apr_status_t
job_answer(mproc__call_t *call)
{
    job_t *job = (job_t *)(apr_uintptr_t)call->note;
    apr_status_t rv = job->status;

    if (rv == APR_SUCCESS && job->names) {
        rv = mproc__call_keep(call, job->said);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_item(call, job->said, job->names);
    }
    else if (job->status != APR_SUCCESS) {
        rv = mproc__fail(rv, "%s", job->sentence);
    }
    call->state = CALL_BEGINS;
    job_free(job);
    return rv;
}

/* It waits for its method however long that takes. */
apr_status_t
mproc__serve_remote_call(mproc__call_t *call)
{
    instance_t *instance = instance_find(call->server, call->head.id);
    const mproc_method_t *method;
    const char *name;
    apr_status_t rv;

    call->deadline = APR_INT64_MAX;
    if (call->state == CALL_IS_DONE) {
        return job_answer(call);
    }
    if (instance == NULL) {
        return mproc__fail(MPROC_ESTALE, "the manager's object is gone");
    }
    if (call->state == CALL_RUNS || instance->busy) {
        return MPROC__CALL_WAITS;
    }
    rv = mproc__arg_text(call, &name);
    if (rv != APR_SUCCESS || name == NULL) {
        return mproc__fail(MPROC_EREMOTE, "a method has a name");
    }
    for (method = instance->type->methods;
         method != NULL && method->name != NULL; method++) {
        if (strcmp(method->name, name) == 0) {
            return job_begin(call, instance, method->call);
        }
    }
    return mproc__fail(MPROC_EREMOTE,
                       "the manager's type \"%.100s\" has no method \"%.100s\"",
                       instance->type->name, name);
}

int
mproc__serve_remote_leave(mproc__call_t *call, int late)
{
    job_t *job = (job_t *)(apr_uintptr_t)call->note;

    if (!late && call->state == CALL_RUNS) {
        job->call = NULL;
    }
    else if (!late && call->state == CALL_IS_DONE) {
        job_free(job);
    }
    return 0;
}
