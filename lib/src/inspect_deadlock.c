/*
 * inspect_deadlock.c: who waits for whom in a circle.
 *
 * A thread is stuck when it sleeps on a lock whose holder is stuck, or on a
 * semaphore whose permits all belong to processes that are: to release one,
 * a single thread of any of them is enough. So begin with all that wait for
 * somebody, and take out whom somebody may help, until nothing changes; from
 * each that is left a way along the holders ends in a circle.
 *
 * The picture is of many moments. So all that are stuck are read once more,
 * holders first, then sleepers. Who sleeps the same wait in both readings
 * slept all the time between them, and took nothing; so what it holds in both
 * it held all that time. Hence at the moment between the readings every edge
 * stood: no circle is made of pieces that never were at once. Invariant of
 * the order: first reading, sleepers then holders; second, holders then
 * sleepers.
 */
#include "inspect.h"

#include <string.h>

#include <mproc/error.h>

#include "shared.h"
#include "words.h"

/* ------------------------------------------------------------------- stuck */

/* Whether nobody in a process can do anything. */
static int
process_is_stuck(const mproc__inspection_t *inspection,
                 const mproc_inspect_process_t *process)
{
    int first = (int)(process->threads - inspection->thread);

    for (int i = first; i < first + process->thread_count; i++) {
        if (!inspection->edge[i].stuck) {
            return 0;
        }
    }
    return process->thread_count > 0 && process->life == MPROC_INSPECT_ALIVE;
}

static int
thread_is_stuck(const mproc__inspection_t *inspection, int index)
{
    const mproc__edge_t *edge = &inspection->edge[index];
    const mproc_inspect_object_t *object;

    if (edge->holder >= 0) {
        return inspection->edge[edge->holder].stuck;
    }
    object = MPROC__OBJECT(inspection, edge->object);
    for (int i = 0; i < object->holder_count; i++) {
        if (!process_is_stuck(inspection, object->holders[i].process)) {
            return 0;
        }
    }
    return 1;
}

/* Take out whom somebody may help. Returns how many are left. */
static int
stuck_reduce(mproc__inspection_t *inspection)
{
    int changed, left;

    do {
        changed = left = 0;
        for (int i = 0; i < inspection->picture->thread_count; i++) {
            mproc__edge_t *edge = &inspection->edge[i];
            if (edge->stuck && !thread_is_stuck(inspection, i)) {
                edge->stuck = 0;
                changed = 1;
            }
            left += edge->stuck;
        }
    } while (changed);
    return left;
}

/* ----------------------------------------------------------- second reading */

/* Whether an object has the same holders as before. */
static int
holders_stand(mproc__inspection_t *inspection, int index)
{
    mproc_inspect_object_t object = {
        .kind = MPROC__OBJECT(inspection, index)->kind};
    const mproc__raw_t *old = MPROC__RAW(inspection, index);
    mproc__raw_t raw = {.offset = old->offset, .room = old->room};

    if (!mproc__inspect_kind(inspection, &object, &raw) ||
        raw.holders == NULL || old->holders == NULL ||
        raw.holders->nelts != old->holders->nelts) {
        return 0;
    }
    for (int i = 0; i < raw.holders->nelts; i++) {
        if (APR_ARRAY_IDX(raw.holders, i, mproc__raw_holder_t).actor !=
            APR_ARRAY_IDX(old->holders, i, mproc__raw_holder_t).actor) {
            return 0;
        }
    }
    return 1;
}

static int
wait_stands(const mproc__inspection_t *inspection, const mproc__edge_t *edge,
            const mproc__thread_t *now)
{
    const mproc__thread_t *old = &inspection->entry[edge->entry];

    now += edge->entry;
    return atomic_load(&now->state) == atomic_load(&old->state) &&
           atomic_load(&now->waiting) == edge->waiting &&
           (WAIT_STATE(edge->waiting) == MOVED
                ? atomic_load(&now->moves_to)
                : atomic_load(&now->word[0])) == edge->word;
}

/* A thread that is new in a process may help others: then nobody in it is
 * stuck. */
static void
newcomers_look(mproc__inspection_t *inspection, const mproc__thread_t *now)
{
    for (apr_size_t i = 0; i < inspection->threads_high; i++) {
        apr_uint64_t state = atomic_load(&now[i].state);
        const mproc_inspect_process_t *process =
            state & THREAD_USED
                ? mproc__inspect_process_of(inspection, THREAD_PEER(state))
                : NULL;
        if (process == NULL ||
            state == atomic_load(&inspection->entry[i].state)) {
            continue;
        }
        for (int j = 0; j < process->thread_count; j++) {
            inspection->edge[process->threads - inspection->thread + j].stuck =
                0;
        }
    }
}

static apr_status_t
stuck_confirm(mproc__inspection_t *inspection)
{
    int count = inspection->picture->thread_count, i;
    mproc__thread_t *now;
    apr_status_t rv;

    for (i = 0; i < count; i++) {
        mproc__edge_t *edge = &inspection->edge[i];
        edge->stuck = edge->stuck && holders_stand(inspection, edge->object);
    }
    rv = mproc__inspect_entries(inspection, &now);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < count; i++) {
        mproc__edge_t *edge = &inspection->edge[i];
        edge->stuck = edge->stuck && wait_stands(inspection, edge, now);
    }
    newcomers_look(inspection, now);
    return APR_SUCCESS;
}

/* ----------------------------------------------------------------- circles */

/* Whom a stuck thread waits for: one of them. */
static int
stuck_next(const mproc__inspection_t *inspection, int index)
{
    const mproc__edge_t *edge = &inspection->edge[index];

    return edge->holder >= 0 ? edge->holder
                             : (int)(MPROC__OBJECT(inspection, edge->object)
                                         ->holders[0]
                                         .process->threads -
                                     inspection->thread);
}

/* Where to begin to tell of a circle: the same place at each look. */
static int
circle_begin(const mproc__inspection_t *inspection, int first, int *count)
{
    int i = first, begin = first;

    *count = 0;
    do {
        if (inspection->thread[i].process->pid <
            inspection->thread[begin].process->pid) {
            begin = i;
        }
        ++*count;
        i = stuck_next(inspection, i);
    } while (i != first);
    return begin;
}

static void
circle_add(mproc__inspection_t *inspection, mproc_deadlock_t *deadlock,
           int first)
{
    mproc_deadlock_member_t *member;
    int count, i;

    i = first = circle_begin(inspection, first, &count);
    member = apr_pcalloc(inspection->pool, (apr_size_t)count * sizeof *member);
    deadlock->picture = inspection->picture;
    deadlock->members = member;
    do {
        const mproc__edge_t *edge = &inspection->edge[i];
        const mproc_inspect_thread_t *thread = &inspection->thread[i];
        member[deadlock->member_count++] = (mproc_deadlock_member_t){
            thread, MPROC__OBJECT(inspection, edge->object), edge->holder < 0};
        if (thread->deadline != 0 && (deadlock->deadline == 0 ||
                                      thread->deadline < deadlock->deadline)) {
            deadlock->deadline = thread->deadline;
        }
        i = stuck_next(inspection, i);
    } while (i != first);
}

/* Follow each stuck thread; `circle` becomes 1 + the circle that it ends in.
 * Returns how many circles there are; `deadlock` may be NULL. */
static int
circles_find(mproc__inspection_t *inspection, int *circle,
             mproc_deadlock_t *deadlock)
{
    int count = inspection->picture->thread_count, found = 0;

    memset(circle, 0, (size_t)count * sizeof *circle);
    for (int i = 0; i < count; i++) {
        int at = i, mark;
        if (!inspection->edge[i].stuck || circle[i] != 0) {
            continue;
        }
        while (circle[at] == 0) {
            circle[at] = -1; /* On this way. */
            at = stuck_next(inspection, at);
        }
        mark = circle[at];
        if (mark == -1) {
            mark = ++found;
            if (deadlock != NULL) {
                circle_add(inspection, &deadlock[mark - 1], at);
            }
        }
        for (at = i; circle[at] == -1; at = stuck_next(inspection, at)) {
            circle[at] = mark;
            if (deadlock != NULL) {
                deadlock[mark - 1].behind++;
            }
        }
    }
    return found;
}

apr_status_t
mproc__inspect_deadlocks(mproc__inspection_t *inspection)
{
    mproc_inspect_t *picture = inspection->picture;
    mproc_deadlock_t *deadlock;
    apr_status_t rv;
    int *circle;

    if (stuck_reduce(inspection) == 0) {
        return APR_SUCCESS;
    }
    rv = stuck_confirm(inspection);
    if (rv != APR_SUCCESS || stuck_reduce(inspection) == 0) {
        return rv;
    }
    circle = apr_palloc(inspection->work,
                        (apr_size_t)picture->thread_count * sizeof *circle);
    picture->deadlock_count = circles_find(inspection, circle, NULL);
    deadlock =
        apr_pcalloc(inspection->pool,
                    (apr_size_t)picture->deadlock_count * sizeof *deadlock);
    circles_find(inspection, circle, deadlock);
    for (int i = 0; i < picture->deadlock_count; i++) {
        deadlock[i].behind -= deadlock[i].member_count;
    }
    picture->deadlocks = deadlock;
    return APR_SUCCESS;
}
