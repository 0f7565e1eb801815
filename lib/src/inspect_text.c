/*
 * inspect_text.c: a picture, for people. What matters most comes first, and
 * what is usual is counted, so that all of it fits on a screen.
 */
#include "inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "error.h"

#define LIST_MOST 12 /* lines of a list */
#define NAMES_MOST 4 /* names in a line */
#define SECOND 1000000

/* ------------------------------------------------------------ growing text */

void
mproc__text_begin(mproc__text_t *text, apr_pool_t *pool)
{
    *text = (mproc__text_t){.room = 1024, .pool = pool};
    text->data = apr_palloc(pool, text->room);
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

static int
text_reserve(mproc__text_t *text, apr_size_t more)
{
    if (text->data != NULL && text->room - text->size <= more) {
        apr_size_t room = (text->size + more) * 2 + 1;
        char *data = apr_palloc(text->pool, room);
        if (data != NULL) {
            memcpy(data, text->data, text->size + 1);
        }
        text->data = data;
        text->room = room;
    }
    return text->data != NULL;
}

void
mproc__text_add(mproc__text_t *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0 && text_reserve(text, (apr_size_t)length)) {
        va_start(args, format);
        vsnprintf(text->data + text->size, text->room - text->size, format,
                  args);
        va_end(args);
        text->size += (apr_size_t)length;
    }
}

apr_status_t
mproc__text_end(mproc__text_t *text, char **out)
{
    *out = text->data;
    return text->data != NULL ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t
text_missing(const char *call, int pool)
{
    return mproc__fail(APR_EINVAL, "%s: %s", call,
                       pool ? "the pool is NULL; pass one"
                            : "there is nothing to tell of: it is NULL");
}

/* --------------------------------------------------------------- small parts
 */

static void
add_time(mproc__text_t *text, apr_time_t time)
{
    if (time < SECOND) {
        mproc__text_add(text, "%d ms", (int)(time > 0 ? time / 1000 : 0));
    }
    else if (time < 120 * (apr_time_t)SECOND) {
        mproc__text_add(text, "%d.%d s", (int)(time / SECOND),
                        (int)(time % SECOND / (SECOND / 10)));
    }
    else if (time < 7200 * (apr_time_t)SECOND) {
        mproc__text_add(text, "%d min", (int)(time / SECOND / 60));
    }
    else {
        mproc__text_add(text, "%ld h", (long)(time / SECOND / 3600));
    }
}

static void
add_bytes(mproc__text_t *text, apr_uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    apr_uint64_t tenths = bytes * 10;
    int unit = 0;

    while (tenths >= 10240 && unit < 4) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0 || tenths % 10 == 0) {
        mproc__text_add(text, "%d %s", (int)(tenths / 10), units[unit]);
    }
    else {
        mproc__text_add(text, "%d.%d %s", (int)(tenths / 10),
                        (int)(tenths % 10), units[unit]);
    }
}

static const char *
plural(apr_int64_t count)
{
    return count == 1 ? "" : "s";
}

static const char *
process_name(const mproc_inspect_process_t *process)
{
    return process->name[0] != '\0' ? process->name : "a forked process";
}

/* Which of its process's threads it is, when there are several. */
static void
add_thread(mproc__text_t *text, const mproc_inspect_thread_t *thread)
{
    if (thread != NULL && thread->process->thread_count > 1) {
        mproc__text_add(text,
                        thread->id > APR_UINT32_MAX
                            ? ", thread %#" APR_UINT64_T_HEX_FMT
                            : ", thread %" APR_UINT64_T_FMT,
                        thread->id);
    }
}

static void
add_who(mproc__text_t *text, const mproc_inspect_process_t *process,
        const mproc_inspect_thread_t *thread)
{
    mproc__text_add(text, "%s (pid %" APR_INT64_T_FMT, process_name(process),
                    process->pid);
    add_thread(text, thread);
    mproc__text_add(text, ")");
}

/* In which call it sleeps, since when, and until when. */
static void
add_call(mproc__text_t *text, const mproc_inspect_thread_t *thread,
         apr_time_t now)
{
    if (thread->since != 0) {
        mproc__text_add(text, " for ");
        add_time(text, now - thread->since);
    }
    mproc__text_add(text, " in %s", thread->call);
    if (thread->deadline != 0) {
        mproc__text_add(text, ", gives up in ");
        add_time(text, thread->deadline - now);
    }
}

/* ---------------------------------------------------------------- deadlocks */

static void
deadlock_title(mproc__text_t *text, const mproc_deadlock_t *deadlock)
{
    const mproc_deadlock_member_t *member = deadlock->members;
    const mproc_inspect_process_t *first = member[0].thread->process;
    const mproc_inspect_process_t *second;

    mproc__text_add(text, "Deadlock: ");
    if (deadlock->member_count == 1) {
        mproc__text_add(text, "%s waits for the %s that it has itself.\n",
                        process_name(first),
                        mproc_kind_name(member[0].object->kind));
        return;
    }
    second = member[1].thread->process;
    if (deadlock->member_count == 2 && first != second) {
        mproc__text_add(text, "%s and %s wait for each other.\n",
                        process_name(first), process_name(second));
        return;
    }
    mproc__text_add(text, "%d threads wait for each other in a circle.\n",
                    deadlock->member_count);
}

static void
deadlock_end(mproc__text_t *text, const mproc_deadlock_t *deadlock)
{
    if (deadlock->deadline != 0) {
        mproc__text_add(text, "    It ends when the first of them gives up, "
                              "in ");
        add_time(text, deadlock->deadline - deadlock->picture->taken);
        mproc__text_add(text, ".\n");
    }
    else if (deadlock->member_count == 1) {
        mproc__text_add(text, "    It will never get it.\n");
    }
    else {
        mproc__text_add(text, "    None of them will ever go on; when one is "
                              "ended, the next can.\n");
    }
    if (deadlock->behind > 0) {
        mproc__text_add(text, "    %d more thread%s wait%s behind.\n",
                        deadlock->behind, plural(deadlock->behind),
                        deadlock->behind == 1 ? "s" : "");
    }
}

static void
add_deadlock(mproc__text_t *text, const mproc_deadlock_t *deadlock)
{
    int count = deadlock->member_count;

    deadlock_title(text, deadlock);
    for (int i = 0; i < count; i++) {
        const mproc_deadlock_member_t *member = &deadlock->members[i];
        const mproc_deadlock_member_t *before =
            &deadlock->members[(i + count - 1) % count];
        mproc__text_add(text, "    ");
        add_who(text, member->thread->process, member->thread);
        mproc__text_add(text, " has %s%s and wants %s,", before->object->name,
                        before->by_process ? ", by its process," : "",
                        member->object->name);
        add_call(text, member->thread, deadlock->picture->taken);
        mproc__text_add(text, "\n");
    }
    deadlock_end(text, deadlock);
}

apr_status_t
mproc_deadlock_text(char **text, const mproc_deadlock_t *deadlock,
                    apr_pool_t *pool)
{
    mproc__text_t grown;

    if (text == NULL || deadlock == NULL || pool == NULL) {
        return text_missing("mproc_deadlock_text", pool == NULL);
    }
    mproc__text_begin(&grown, pool);
    add_deadlock(&grown, deadlock);
    return mproc__text_end(&grown, text);
}

/* ---------------------------------------------------------------- processes */

static void
add_sleep(mproc__text_t *text, const mproc_inspect_thread_t *thread,
          apr_time_t now)
{
    if (thread->sleep == MPROC_INSPECT_AWAKE) {
        mproc__text_add(text, "awake");
        return;
    }
    mproc__text_add(text, thread->sleep == MPROC_INSPECT_ASLEEP ? "asleep"
                                                                : "just woken");
    add_call(text, thread, now);
    if (thread->condition != NULL) {
        mproc__text_add(text, " of %s, notified", thread->condition->name);
    }
    if (thread->object != NULL) {
        mproc__text_add(text, ", for %s", thread->object->name);
    }
}

/* The threads of a process that has several, those that sleep first. */
static void
add_threads(mproc__text_t *text, const mproc_inspect_process_t *process,
            int indent, int all, apr_time_t now)
{
    int count = process->thread_count, shown = 0;
    int most = all || count <= NAMES_MOST + 1 ? count : NAMES_MOST;

    for (int awake = 0; awake < 2; awake++) {
        for (int i = 0; i < count && shown < most; i++) {
            const mproc_inspect_thread_t *thread = &process->threads[i];
            if ((thread->sleep == MPROC_INSPECT_AWAKE) != awake) {
                continue;
            }
            if (shown++ > 0) {
                mproc__text_add(text, "\n%*s", indent, "");
            }
            mproc__text_add(text,
                            thread->id > APR_UINT32_MAX
                                ? "thread %#" APR_UINT64_T_HEX_FMT " "
                                : "thread %" APR_UINT64_T_FMT " ",
                            thread->id);
            add_sleep(text, thread, now);
        }
    }
    if (shown < count) {
        mproc__text_add(text, "\n%*s... and %d more", indent, "",
                        count - shown);
    }
}

static void
add_process(mproc__text_t *text, const mproc_inspect_process_t *process,
            int width, int all, apr_time_t now)
{
    static const char *const lives[] = {"", "dead, nobody has noticed yet; ",
                                        "dead, is being recovered; "};

    mproc__text_add(text, "    %-7" APR_INT64_T_FMT " %-*s ", process->pid,
                    width, process_name(process));
    mproc__text_add(text, "%s", lives[process->life]);
    if (process->thread_count == 0) {
        mproc__text_add(text, "no thread has waited yet");
    }
    else if (process->thread_count == 1) {
        add_sleep(text, &process->threads[0], now);
    }
    else {
        add_threads(text, process, width + 13, all, now);
    }
    mproc__text_add(text, "\n");
}

static void
add_processes(mproc__text_t *text, const mproc_inspect_t *picture, int all)
{
    int asleep = 0, width = 0, i;

    for (i = 0; i < picture->thread_count; i++) {
        asleep += picture->threads[i].sleep == MPROC_INSPECT_ASLEEP;
    }
    for (i = 0; i < picture->process_count; i++) {
        int length = (int)strlen(process_name(&picture->processes[i]));
        width = length > width ? length : width;
    }
    mproc__text_add(
        text, "%d process%s, %d thread%s, %d asleep\n", picture->process_count,
        picture->process_count == 1 ? "" : "es", picture->thread_count,
        plural(picture->thread_count), asleep);
    for (i = 0; i < picture->process_count; i++) {
        if (!all && i >= LIST_MOST && picture->process_count > LIST_MOST + 1) {
            mproc__text_add(text, "    ... and %d more\n",
                            picture->process_count - i);
            break;
        }
        add_process(text, &picture->processes[i], width < 40 ? width : 40, all,
                    picture->taken);
    }
}

/* ------------------------------------------------------------------ objects */

/* Whether somebody has it or waits for it. */
static int
object_is_busy(const mproc_inspect_object_t *object)
{
    return object->waiter_count > 0 || object->holder_count > 0 ||
           (object->tasks != NULL && object->tasks->worker_count > 0);
}

static int
object_is_mutex(const mproc_inspect_object_t *object)
{
    return object->kind == MPROC_KIND_LOCK || object->kind == MPROC_KIND_RLOCK;
}

/* Behind the state. */
static void
add_holders(mproc__text_t *text, const mproc_inspect_object_t *object, int all)
{
    int count = object->holder_count, i;

    if (count == 0 || object->holders[0].process == NULL) {
        return;
    }
    mproc__text_add(text, object_is_mutex(object) ? " by " : ": ");
    for (i = 0; i < count; i++) {
        const mproc_inspect_holder_t *holder = &object->holders[i];
        if (!all && i >= NAMES_MOST && count > NAMES_MOST + 1) {
            mproc__text_add(text, " and %d more", count - i);
            break;
        }
        mproc__text_add(text, "%s", i > 0 ? ", " : "");
        add_who(text, holder->process, holder->thread);
        if (holder->count > 1 && !object_is_mutex(object)) {
            mproc__text_add(text, " %d times", holder->count);
        }
        if (holder->process->life != MPROC_INSPECT_ALIVE) {
            mproc__text_add(text, ", which is dead");
        }
        else if (object_is_mutex(object) && holder->thread == NULL) {
            mproc__text_add(text, ", by a thread that has ended");
        }
    }
}

static void
add_waiters(mproc__text_t *text, const mproc_inspect_object_t *object, int all,
            apr_time_t now)
{
    for (int i = 0; i < object->waiter_count; i++) {
        const mproc_inspect_thread_t *thread = object->waiters[i];
        if (!all && i >= NAMES_MOST && object->waiter_count > NAMES_MOST + 1) {
            mproc__text_add(text, "        and %d more\n",
                            object->waiter_count - i);
            break;
        }
        mproc__text_add(text, "        waits: ");
        add_who(text, thread->process, thread);
        add_call(text, thread, now);
        mproc__text_add(text, "\n");
    }
}

static void
add_worker(mproc__text_t *text, const mproc_inspect_worker_t *worker,
           apr_time_t now)
{
    static const char *const works[] = {"starting", "idle", "busy", "leaving"};
    apr_time_t ran = worker->began < now ? now - worker->began : 0;

    mproc__text_add(text, "        pid %" APR_INT64_T_FMT ": ", worker->pid);
    if (worker->work != MPROC_INSPECT_BUSY) {
        mproc__text_add(text, "%s", works[worker->work]);
    }
    else if (worker->task < 0) {
        mproc__text_add(text, "at an array");
    }
    else {
        mproc__text_add(text, "at task %" APR_INT64_T_FMT, worker->task);
    }
    if (worker->work == MPROC_INSPECT_BUSY) {
        mproc__text_add(text, " for %.3f s", (double)ran / APR_USEC_PER_SEC);
    }
    mproc__text_add(text, "; has done %" APR_UINT64_T_FMT "\n", worker->tasks);
}

/* A pool's: those that are at something first. */
static void
add_tasks(mproc__text_t *text, const mproc_inspect_pool_t *tasks, int all,
          apr_time_t now)
{
    int shown = 0, busy, i;

    mproc__text_add(text,
                    "        tasks: %" APR_UINT64_T_FMT
                    " queued, %d running, %" APR_UINT64_T_FMT
                    " done, %" APR_UINT64_T_FMT " lost, %" APR_UINT64_T_FMT
                    " retried\n",
                    tasks->queued, tasks->running, tasks->done, tasks->lost,
                    tasks->retried);
    for (busy = 1; busy >= 0; busy--) {
        for (i = 0; i < tasks->worker_count; i++) {
            if ((tasks->workers[i].work == MPROC_INSPECT_BUSY) != busy) {
                continue;
            }
            if (!all && shown >= NAMES_MOST &&
                tasks->worker_count > NAMES_MOST + 1) {
                mproc__text_add(text, "        and %d more\n",
                                tasks->worker_count - shown);
                return;
            }
            add_worker(text, &tasks->workers[i], now);
            shown++;
        }
    }
}

static void
add_object(mproc__text_t *text, const mproc_inspect_object_t *object, int all,
           apr_time_t now)
{
    mproc__text_add(text, "    %s%s%s", object->name,
                    object->state[0] != '\0' ? ": " : "", object->state);
    add_holders(text, object, all);
    if (object->lock != NULL) {
        mproc__text_add(text, "%s its lock is %s",
                        object->state[0] != '\0' ? ";" : ":",
                        object->lock->name);
    }
    if (all) {
        mproc__text_add(text, "; %" APR_UINT64_T_FMT " reference%s",
                        object->references,
                        plural((apr_int64_t)object->references));
    }
    mproc__text_add(text, "\n");
    if (object->tasks != NULL) {
        add_tasks(text, object->tasks, all, now);
    }
    add_waiters(text, object, all, now);
}

static void
add_idle(mproc__text_t *text, const int *idle)
{
    const char *before = "Idle: ";

    for (int kind = 0; kind < 256; kind++) {
        if (idle[kind] > 0 && kind != MPROC_KIND_PROCESS) {
            const char *name = mproc_kind_name((mproc_kind_e)kind);
            mproc__text_add(text, "%s%d %s%s", before, idle[kind], name,
                            plural(idle[kind]));
            before = ", ";
        }
    }
    if (strcmp(before, ", ") == 0) {
        mproc__text_add(text, "\n");
    }
}

static void
add_objects(mproc__text_t *text, const mproc_inspect_t *picture, int all)
{
    int idle[256] = {0}, busy = 0, shown = 0, i;

    for (i = 0; i < picture->object_count; i++) {
        const mproc_inspect_object_t *object = &picture->objects[i];
        busy += object_is_busy(object);
        idle[object->kind & 255] += !object_is_busy(object);
    }
    if (all) {
        mproc__text_add(text, "\n%d object%s, %d held or waited for\n",
                        picture->object_count, plural(picture->object_count),
                        busy);
    }
    else {
        mproc__text_add(text, "\n%d object%s held or waited for\n", busy,
                        plural(busy));
    }
    for (i = 0; i < picture->object_count; i++) {
        const mproc_inspect_object_t *object = &picture->objects[i];
        if (!all && !object_is_busy(object)) {
            continue;
        }
        if (!all && shown >= LIST_MOST && busy > LIST_MOST + 1) {
            mproc__text_add(text, "    ... and %d more\n", busy - shown);
            break;
        }
        add_object(text, object, all, picture->taken);
        shown++;
    }
    if (!all) {
        add_idle(text, idle);
    }
}

static void
add_memory(mproc__text_t *text, const mproc_inspect_t *picture, int all)
{
    const mproc_census_t *census = &picture->census;

    mproc__text_add(text, "\nMemory: ");
    add_bytes(text, census->total.bytes);
    mproc__text_add(text, " in %" APR_UINT64_T_FMT " block%s; ",
                    census->total.blocks,
                    plural((apr_int64_t)census->total.blocks));
    add_bytes(text, census->committed);
    mproc__text_add(text, " committed of ");
    add_bytes(text, census->size);
    mproc__text_add(text, "\n");
    for (int kind = 0; all && kind < MPROC_KIND_COUNT; kind++) {
        if (census->kind[kind].blocks > 0) {
            mproc__text_add(text, "    %-10s %8" APR_UINT64_T_FMT "  ",
                            mproc_kind_name((mproc_kind_e)kind),
                            census->kind[kind].blocks);
            add_bytes(text, census->kind[kind].bytes);
            mproc__text_add(text, "\n");
        }
    }
}

apr_status_t
mproc_inspect_text(char **text, const mproc_inspect_t *picture, int all,
                   apr_pool_t *pool)
{
    mproc__text_t grown;

    if (text == NULL || picture == NULL || pool == NULL) {
        return text_missing("mproc_inspect_text", pool == NULL);
    }
    mproc__text_begin(&grown, pool);
    for (int i = 0; i < picture->deadlock_count; i++) {
        add_deadlock(&grown, &picture->deadlocks[i]);
        mproc__text_add(&grown, "\n");
    }
    add_processes(&grown, picture, all);
    add_objects(&grown, picture, all);
    add_memory(&grown, picture, all);
    return mproc__text_end(&grown, text);
}
