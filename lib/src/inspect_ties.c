/*
 * inspect_ties.c: what ties threads to objects: who holds, who waits, and in
 * which call.
 */
#include "inspect.h"

#include <stdlib.h>

#include <mproc/error.h>

#include "shared.h"
#include "words.h"

/* ----------------------------------------------------------------- holders */

/* The index of the thread that an actor is, or -1. */
static int
actor_thread(const mproc__inspection_t *inspection, mproc__actor_t actor)
{
    unsigned i = MPROC__ACTOR_ENTRY(actor);
    apr_uint64_t state;

    if (i >= inspection->threads_high || inspection->by_entry[i] < 0) {
        return -1;
    }
    state = atomic_load(&inspection->entry[i].state);
    return THREAD_PEER(state) == MPROC__ACTOR_PEER(actor) &&
                   (THREAD_INCARNATION(state) & 0x3fff) ==
                       MPROC__ACTOR_INCARNATION(actor)
               ? inspection->by_entry[i]
               : -1;
}

static void
holders_tie(mproc__inspection_t *inspection, int index)
{
    mproc_inspect_object_t *object = MPROC__OBJECT(inspection, index);
    mproc__raw_t *raw = MPROC__RAW(inspection, index);
    mproc_inspect_holder_t *holder;

    if (raw->holders == NULL) {
        return;
    }
    holder = apr_pcalloc(inspection->pool,
                         (apr_size_t)raw->holders->nelts * sizeof *holder);
    object->holders = holder;
    for (int i = 0; i < raw->holders->nelts; i++) {
        const mproc__raw_holder_t *from =
            &APR_ARRAY_IDX(raw->holders, i, mproc__raw_holder_t);
        const mproc_inspect_process_t *process = mproc__inspect_process_of(
            inspection, MPROC__ACTOR_PEER(from->actor));
        int thread = from->by_thread && process != NULL
                         ? actor_thread(inspection, from->actor)
                         : -1;
        /* A mutex has a holder even so; of the others the dead have none. */
        if (process == NULL && !from->by_thread) {
            continue;
        }
        holder[object->holder_count++] = (mproc_inspect_holder_t){
            process, thread >= 0 ? &inspection->thread[thread] : NULL,
            from->count};
    }
}

static void
lock_tie(mproc__inspection_t *inspection, int index)
{
    apr_uint64_t handle = MPROC__RAW(inspection, index)->lock;
    int lock = handle != 0 ? mproc__inspect_object_of(inspection, handle) : -1;

    if (lock >= 0) {
        MPROC__OBJECT(inspection, index)->lock =
            MPROC__OBJECT(inspection, lock);
    }
}

/* ----------------------------------------------------------------- waiters */

/* What the i-th of its words lies in; -1: nothing that is known. */
static int
entry_object(const mproc__inspection_t *inspection,
             const mproc__thread_t *entry, int i)
{
    apr_uint64_t word = WAIT_STATE(atomic_load(&entry->waiting)) == MOVED
                            ? atomic_load(&entry->moves_to)
                            : atomic_load(&entry->word[i]);

    return mproc__inspect_object_at(inspection, word);
}

/* What can be told of a thread that sleeps. */
static void
thread_tie(mproc__inspection_t *inspection, int index)
{
    mproc_inspect_thread_t *thread = &inspection->thread[index];
    mproc__edge_t *edge = &inspection->edge[index];
    const mproc__thread_t *entry = &inspection->entry[edge->entry];
    apr_uint64_t before = atomic_load(&entry->grant);
    int object, condition;

    edge->object = edge->holder = -1;
    edge->waiting = atomic_load(&entry->waiting);
    if (thread->sleep == MPROC_INSPECT_AWAKE) {
        return;
    }
    edge->word = atomic_load(&entry->word[0]);
    if (WAIT_STATE(edge->waiting) == MOVED) {
        before = edge->word;
        edge->word = atomic_load(&entry->moves_to);
    }
    object = mproc__inspect_object_at(inspection, edge->word);
    condition = before != 0 ? mproc__inspect_object_at(inspection, before) : -1;
    thread->call = mproc__inspect_call(inspection, object, edge->word);
    if (object >= 0) {
        thread->object = MPROC__OBJECT(inspection, object);
        edge->object = object;
    }
    if (condition >= 0 && object >= 0 &&
        MPROC__OBJECT(inspection, condition)->kind == MPROC_KIND_CONDITION) {
        thread->condition = MPROC__OBJECT(inspection, condition);
        thread->call = "mproc_condition_wait";
    }
}

static int
waiter_order(const void *a, const void *b)
{
    const mproc_inspect_thread_t *left =
        *(const mproc_inspect_thread_t *const *)a;
    const mproc_inspect_thread_t *right =
        *(const mproc_inspect_thread_t *const *)b;

    return (left->ticket > right->ticket) - (left->ticket < right->ticket);
}

/* Call for each object that a sleeping thread waits for. */
static void
waits_each(mproc__inspection_t *inspection,
           void (*each)(mproc_inspect_object_t *object,
                        const mproc_inspect_thread_t *thread))
{
    for (int i = 0; i < inspection->picture->thread_count; i++) {
        const mproc_inspect_thread_t *thread = &inspection->thread[i];
        const mproc__thread_t *entry =
            &inspection->entry[inspection->edge[i].entry];
        for (int j = 0;
             thread->sleep == MPROC_INSPECT_ASLEEP && j < thread->words; j++) {
            int object = entry_object(inspection, entry, j);
            if (object >= 0) {
                each(MPROC__OBJECT(inspection, object), thread);
            }
        }
    }
}

static void
waiter_count(mproc_inspect_object_t *object,
             const mproc_inspect_thread_t *thread)
{
    (void)thread;
    object->waiter_count++;
}

static void
waiter_put(mproc_inspect_object_t *object, const mproc_inspect_thread_t *thread)
{
    /* Ours still; const is for those who get the picture. */
    ((const mproc_inspect_thread_t **)object->waiters)[object->waiter_count++] =
        thread;
}

static void
waiters_tie(mproc__inspection_t *inspection)
{
    int count = inspection->object->nelts, i;

    waits_each(inspection, waiter_count);
    for (i = 0; i < count; i++) {
        mproc_inspect_object_t *object = MPROC__OBJECT(inspection, i);
        if (object->waiter_count > 0) {
            object->waiters =
                apr_pcalloc(inspection->pool, (apr_size_t)object->waiter_count *
                                                  sizeof *object->waiters);
            object->waiter_count = 0;
        }
    }
    waits_each(inspection, waiter_put);
    for (i = 0; i < count; i++) {
        mproc_inspect_object_t *object = MPROC__OBJECT(inspection, i);
        if (object->waiter_count > 1) {
            qsort((void *)object->waiters, (size_t)object->waiter_count,
                  sizeof *object->waiters, waiter_order);
        }
    }
}

/* ------------------------------------------------------------------- edges */

/* Keep what can be a part of a deadlock. */
static void
edge_tie(mproc__inspection_t *inspection, int index)
{
    mproc__edge_t *edge = &inspection->edge[index];
    const mproc_inspect_thread_t *thread = &inspection->thread[index];
    const mproc_inspect_object_t *object = thread->object;
    const mproc_inspect_thread_t *holder;
    apr_uint64_t within;

    if (thread->sleep != MPROC_INSPECT_ASLEEP || thread->words != 1 ||
        object == NULL || object->holder_count == 0 ||
        thread->process->life != MPROC_INSPECT_ALIVE) {
        edge->object = -1;
        return;
    }
    within = edge->word - MPROC__RAW(inspection, edge->object)->offset;
    if ((object->kind == MPROC_KIND_LOCK || object->kind == MPROC_KIND_RLOCK) &&
        within == offsetof(rlock_shared_t, mutex)) {
        holder = object->holders[0].thread;
        edge->holder =
            holder != NULL && holder->process->life == MPROC_INSPECT_ALIVE
                ? (int)(holder - inspection->thread)
                : -1;
        edge->stuck = edge->holder >= 0;
    }
    else if (object->kind == MPROC_KIND_SEMAPHORE && object->owned &&
             within == offsetof(semaphore_shared_t, gate)) {
        edge->stuck = object->value == 0;
    }
}

apr_status_t
mproc__inspect_ties(mproc__inspection_t *inspection)
{
    int i;

    for (i = 0; i < inspection->object->nelts; i++) {
        holders_tie(inspection, i);
        lock_tie(inspection, i);
        mproc__inspect_tell(inspection, MPROC__OBJECT(inspection, i));
    }
    for (i = 0; i < inspection->picture->thread_count; i++) {
        thread_tie(inspection, i);
    }
    waiters_tie(inspection);
    for (i = 0; i < inspection->picture->thread_count; i++) {
        edge_tie(inspection, i);
    }
    return APR_SUCCESS;
}
