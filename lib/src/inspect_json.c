/*
 * inspect_json.c: a picture, for programs.
 */
#include "inspect.h"

#include <mproc/error.h>
#include <mproc/version.h>

#include "error.h"
#include "json.h"

static void
add_string(mproc__text_t *text, const char *string)
{
    char piece[MPROC__JSON_PIECE];

    if (string == NULL) {
        mproc__text_add(text, "null");
        return;
    }
    mproc__text_add(text, "\"");
    while (*string != '\0') {
        string = mproc__json_piece(piece, string);
        mproc__text_add(text, "%s", piece);
    }
    mproc__text_add(text, "\"");
}

static void
add_key(mproc__text_t *text, const char *key, const char *string)
{
    mproc__text_add(text, ", \"%s\": ", key);
    add_string(text, string);
}

static void
add_number(mproc__text_t *text, const char *key, apr_int64_t number)
{
    mproc__text_add(text, ", \"%s\": %" APR_INT64_T_FMT, key, number);
}

/* A span in seconds. */
static void
add_seconds(mproc__text_t *text, const char *key, apr_time_t span)
{
    apr_time_t positive = span < 0 ? -span : span;

    mproc__text_add(text, ", \"%s\": %s%" APR_INT64_T_FMT ".%06d", key,
                    span < 0 ? "-" : "", positive / 1000000,
                    (int)(positive % 1000000));
}

static const char *
object_name(const mproc_inspect_object_t *object)
{
    return object != NULL ? object->name : NULL;
}

/* --------------------------------------------------------------- the parts */

static void
add_thread(mproc__text_t *text, const mproc_inspect_thread_t *thread,
           apr_time_t now)
{
    static const char *const sleeps[] = {"awake", "asleep", "woken"};

    mproc__text_add(text, "{\"id\": %" APR_UINT64_T_FMT, thread->id);
    add_key(text, "sleep", sleeps[thread->sleep]);
    if (thread->sleep != MPROC_INSPECT_AWAKE) {
        add_key(text, "call", thread->call);
        add_key(text, "object", object_name(thread->object));
        add_key(text, "condition", object_name(thread->condition));
        add_number(text, "words", thread->words);
        if (thread->since != 0) {
            add_seconds(text, "waited", now - thread->since);
        }
        if (thread->deadline != 0) {
            add_seconds(text, "gives_up_in", thread->deadline - now);
        }
    }
    mproc__text_add(text, "}");
}

static void
add_process(mproc__text_t *text, const mproc_inspect_process_t *process,
            apr_time_t now)
{
    static const char *const lives[] = {"alive", "dead", "recovering"};

    mproc__text_add(text, "{\"pid\": %" APR_INT64_T_FMT, process->pid);
    add_number(text, "parent_pid", process->parent_pid);
    add_key(text, "name", process->name);
    add_key(text, "life", lives[process->life]);
    mproc__text_add(text, ", \"threads\": [");
    for (int i = 0; i < process->thread_count; i++) {
        mproc__text_add(text, "%s", i > 0 ? ", " : "");
        add_thread(text, &process->threads[i], now);
    }
    mproc__text_add(text, "]}");
}

/* A process and one of its threads; either may be unknown. */
static void
add_who(mproc__text_t *text, const mproc_inspect_process_t *process,
        const mproc_inspect_thread_t *thread)
{
    mproc__text_add(text, "{\"pid\": ");
    if (process != NULL) {
        mproc__text_add(text, "%" APR_INT64_T_FMT, process->pid);
    }
    else {
        mproc__text_add(text, "null");
    }
    if (thread != NULL) {
        mproc__text_add(text, ", \"thread\": %" APR_UINT64_T_FMT, thread->id);
    }
    else {
        mproc__text_add(text, ", \"thread\": null");
    }
}

static void
add_tasks(mproc__text_t *text, const mproc_inspect_pool_t *tasks,
          apr_time_t now)
{
    static const char *const works[] = {"starting", "idle", "busy", "leaving"};

    mproc__text_add(text, ", \"tasks\": {\"queued\": %" APR_UINT64_T_FMT,
                    tasks->queued);
    add_number(text, "running", tasks->running);
    add_number(text, "busy", tasks->busy);
    add_number(text, "done", (apr_int64_t)tasks->done);
    add_number(text, "lost", (apr_int64_t)tasks->lost);
    add_number(text, "retried", (apr_int64_t)tasks->retried);
    mproc__text_add(text, ", \"workers\": [");
    for (int i = 0; i < tasks->worker_count; i++) {
        const mproc_inspect_worker_t *worker = &tasks->workers[i];
        mproc__text_add(text, "%s{\"pid\": %" APR_INT64_T_FMT,
                        i > 0 ? ", " : "", worker->pid);
        add_key(text, "work", works[worker->work]);
        if (worker->work == MPROC_INSPECT_BUSY) {
            if (worker->task >= 0) {
                add_number(text, "task", worker->task);
            }
            add_seconds(text, "ran", now - worker->began);
        }
        add_number(text, "tasks", (apr_int64_t)worker->tasks);
        mproc__text_add(text, "}");
    }
    mproc__text_add(text, "]}");
}

static void
add_object(mproc__text_t *text, const mproc_inspect_object_t *object,
           apr_time_t now)
{
    mproc__text_add(text, "{\"name\": ");
    add_string(text, object->name);
    add_key(text, "kind", mproc_kind_name(object->kind));
    add_key(text, "state", object->state);
    add_number(text, "value", object->value);
    add_number(text, "most", object->most);
    add_number(text, "references", (apr_int64_t)object->references);
    add_number(text, "bytes", (apr_int64_t)object->bytes);
    add_key(text, "lock", object_name(object->lock));
    mproc__text_add(text, ", \"holders\": [");
    for (int i = 0; i < object->holder_count; i++) {
        const mproc_inspect_holder_t *holder = &object->holders[i];
        mproc__text_add(text, "%s", i > 0 ? ", " : "");
        add_who(text, holder->process, holder->thread);
        add_number(text, "count", holder->count);
        mproc__text_add(text, "}");
    }
    mproc__text_add(text, "], \"waiters\": [");
    for (int i = 0; i < object->waiter_count; i++) {
        const mproc_inspect_thread_t *thread = object->waiters[i];
        mproc__text_add(text, "%s", i > 0 ? ", " : "");
        add_who(text, thread->process, thread);
        add_key(text, "call", thread->call);
        mproc__text_add(text, "}");
    }
    mproc__text_add(text, "]");
    if (object->tasks != NULL) {
        add_tasks(text, object->tasks, now);
    }
    mproc__text_add(text, "}");
}

static void
add_deadlock(mproc__text_t *text, const mproc_deadlock_t *deadlock)
{
    mproc__text_add(text, "{\"members\": [");
    for (int i = 0; i < deadlock->member_count; i++) {
        const mproc_deadlock_member_t *member = &deadlock->members[i];
        mproc__text_add(text, "%s", i > 0 ? ", " : "");
        add_who(text, member->thread->process, member->thread);
        add_key(text, "name", member->thread->process->name);
        add_key(text, "call", member->thread->call);
        add_key(text, "object", member->object->name);
        mproc__text_add(text, ", \"by_process\": %s}",
                        member->by_process ? "true" : "false");
    }
    mproc__text_add(text, "], \"behind\": %d", deadlock->behind);
    if (deadlock->deadline != 0) {
        add_seconds(text, "ends_in",
                    deadlock->deadline - deadlock->picture->taken);
    }
    mproc__text_add(text, "}");
}

static void
add_memory(mproc__text_t *text, const mproc_census_t *census)
{
    mproc__text_add(text, "{\"size\": %" APR_UINT64_T_FMT, census->size);
    add_number(text, "committed", (apr_int64_t)census->committed);
    add_number(text, "rescues", (apr_int64_t)census->rescues);
    add_number(text, "blocks", (apr_int64_t)census->total.blocks);
    add_number(text, "bytes", (apr_int64_t)census->total.bytes);
    mproc__text_add(text, ", \"kinds\": {");
    for (int kind = 0, some = 0; kind < MPROC_KIND_COUNT; kind++) {
        if (census->kind[kind].blocks > 0) {
            mproc__text_add(
                text,
                "%s\"%s\": {\"blocks\": %" APR_UINT64_T_FMT
                ", \"bytes\": %" APR_UINT64_T_FMT "}",
                some++ > 0 ? ", " : "", mproc_kind_name((mproc_kind_e)kind),
                census->kind[kind].blocks, census->kind[kind].bytes);
        }
    }
    mproc__text_add(text, "}}");
}

apr_status_t
mproc_inspect_json(char **text, const mproc_inspect_t *picture,
                   apr_pool_t *pool)
{
    mproc__text_t grown;
    int i;

    if (text == NULL || picture == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_inspect_json: what was passed is "
                                       "NULL; pass a picture, a pool, and "
                                       "where the text goes");
    }
    mproc__text_begin(&grown, pool);
    mproc__text_add(&grown,
                    "{\"mproc\": \"%s\", \"pid\": %" APR_INT64_T_FMT
                    ",\n\"deadlocks\": [",
                    MPROC_VERSION_STRING, picture->pid);
    for (i = 0; i < picture->deadlock_count; i++) {
        mproc__text_add(&grown, "%s", i > 0 ? ",\n" : "\n");
        add_deadlock(&grown, &picture->deadlocks[i]);
    }
    mproc__text_add(&grown, "],\n\"processes\": [");
    for (i = 0; i < picture->process_count; i++) {
        mproc__text_add(&grown, "%s", i > 0 ? ",\n" : "\n");
        add_process(&grown, &picture->processes[i], picture->taken);
    }
    mproc__text_add(&grown, "],\n\"objects\": [");
    for (i = 0; i < picture->object_count; i++) {
        mproc__text_add(&grown, "%s", i > 0 ? ",\n" : "\n");
        add_object(&grown, &picture->objects[i], picture->taken);
    }
    mproc__text_add(&grown, "],\n\"memory\": ");
    add_memory(&grown, &picture->census);
    mproc__text_add(&grown, "}\n");
    return mproc__text_end(&grown, text);
}
