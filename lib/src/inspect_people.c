/* inspect_people.c: processes, their names, and their threads. */
#include "inspect.h"

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_life.h"
#include "../../platform/plat_sys.h"
#include "words.h"

/* --------------------------------------------------------------- processes */

static mproc_inspect_life_e
peer_life(const mproc__inspection_t *inspection, apr_uint64_t slot,
          apr_uint64_t state)
{
    const mproc_plat_map_t *life = inspection->source->life;

    if (PEER_STATE(state) == PEER_DEAD) {
        return MPROC_INSPECT_RECOVERING;
    }
    return life != NULL && mproc_plat_life_ended(life, (apr_uint32_t)slot,
                                                 PEER_PID(state),
                                                 inspection->peer[slot].start)
               ? MPROC_INSPECT_DEAD
               : MPROC_INSPECT_ALIVE;
}

/* The record among holds that is not of a child of the holder's own: its own.
 * A process takes that one first. */
static const mproc__record_t *
holds_record(const mproc__inspection_t *inspection, const mproc__hold_t *hold,
             size_t count, apr_int64_t pid)
{
    for (size_t i = 0; i < count; i++) {
        apr_uint64_t handle = atomic_load(&hold[i]);
        int index =
            handle != 0 ? mproc__inspect_object_of(inspection, handle) : -1;
        const mproc__record_t *record =
            index >= 0 ? MPROC__RAW(inspection, index)->record : NULL;
        if (record != NULL && record->parent_pid != pid) {
            return record;
        }
    }
    return NULL;
}

static const mproc__record_t *
peer_record(mproc__inspection_t *inspection, apr_uint64_t slot, apr_int64_t pid)
{
    const mproc__peer_entry_t *entry = &inspection->peer[slot];
    apr_uint64_t next = atomic_load(&entry->holds);
    /* No list has more blocks than there are. */
    apr_uint64_t most =
        inspection->picture->census.kind[MPROC_KIND_HOLD].blocks + 1;
    const mproc__record_t *record =
        holds_record(inspection, entry->few, MPROC__FEW, pid);
    hold_list_t list;

    for (; record == NULL && next != 0 && most > 0; most--) {
        apr_uint64_t offset =
            mproc__inspect_block(inspection, next, MPROC_KIND_HOLD);
        if (offset == 0 || mproc__source_read(inspection->source, offset, &list,
                                              sizeof list) != APR_SUCCESS) {
            return NULL;
        }
        record = holds_record(inspection, list.hold, HOLD_LIST_COUNT, pid);
        next = atomic_load(&list.next);
    }
    return record;
}

/* The main process has no record; its children know its name. */
static const char *
main_name(const mproc__inspection_t *inspection, apr_uint64_t slot,
          apr_int64_t pid)
{
    for (int i = 0; i < inspection->raw->nelts; i++) {
        const mproc__record_t *record = MPROC__RAW(inspection, i)->record;
        if (record != NULL && record->parent_pid == pid &&
            record->parent_name[0] != '\0') {
            return record->parent_name;
        }
    }
    /* The first who ever attached made the tree. */
    return slot == 0 && PEER_INCARNATION(
                            atomic_load(&inspection->peer[0].state)) == 1
               ? "MainProcess"
               : "";
}

/* Nothing that a terminal would obey. */
static const char *
name_copy(const char *name, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, name);

    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 127) {
            *at = '?';
        }
    }
    return copy;
}

static void
process_fill(mproc__inspection_t *inspection, mproc_inspect_process_t *process,
             apr_uint64_t slot)
{
    apr_uint64_t state = atomic_load(&inspection->peer[slot].state);
    const mproc__record_t *record;

    process->pid = PEER_PID(state);
    process->life = peer_life(inspection, slot, state);
    record = peer_record(inspection, slot, process->pid);
    process->parent_pid = record != NULL ? record->parent_pid : 0;
    process->name =
        name_copy(record != NULL ? record->name
                                 : main_name(inspection, slot, process->pid),
                  inspection->pool);
    inspection->by_slot[slot] = process;
}

static apr_status_t
processes_read(mproc__inspection_t *inspection)
{
    apr_size_t high = (apr_size_t)inspection->peers_high, slot;
    mproc_inspect_t *picture = inspection->picture;
    int count = 0;

    inspection->peer =
        apr_pcalloc(inspection->work, (high + 1) * sizeof *inspection->peer);
    inspection->by_slot =
        apr_pcalloc(inspection->work, (high + 1) * sizeof(void *));
    apr_status_t rv =
        mproc__source_read(inspection->source, inspection->at.peers,
                           inspection->peer, high * sizeof *inspection->peer);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (slot = 0; slot < high; slot++) {
        apr_uint64_t state = atomic_load(&inspection->peer[slot].state);
        count +=
            PEER_STATE(state) == PEER_LIVE || PEER_STATE(state) == PEER_DEAD;
    }
    inspection->process =
        apr_pcalloc(inspection->pool,
                    ((apr_size_t)count + 1) * sizeof *inspection->process);
    for (slot = 0; slot < high; slot++) {
        apr_uint64_t state = atomic_load(&inspection->peer[slot].state);
        if (PEER_STATE(state) == PEER_LIVE || PEER_STATE(state) == PEER_DEAD) {
            process_fill(inspection,
                         &inspection->process[picture->process_count++], slot);
        }
        picture->census.peers += PEER_STATE(state) == PEER_LIVE;
    }
    return APR_SUCCESS;
}

/* The process that a peer is, if it is in the picture. */
mproc_inspect_process_t *
mproc__inspect_process_of(const mproc__inspection_t *inspection,
                          mproc__peer_t peer)
{
    apr_uint64_t slot = ID_SLOT(peer);

    return slot < inspection->peers_high && inspection->by_slot[slot] != NULL &&
                   PEER_INCARNATION(atomic_load(
                       &inspection->peer[slot].state)) == ID_INCARNATION(peer)
               ? inspection->by_slot[slot]
               : NULL;
}

/* ----------------------------------------------------------------- threads */

static mproc_inspect_process_t *
entry_process(const mproc__inspection_t *inspection, apr_uint64_t i)
{
    apr_uint64_t state = atomic_load(&inspection->entry[i].state);

    return state & THREAD_USED
               ? mproc__inspect_process_of(inspection, THREAD_PEER(state))
               : NULL;
}

static void
thread_fill(mproc_inspect_thread_t *thread, mproc__thread_t *entry)
{
    unsigned state = WAIT_STATE(atomic_load(&entry->waiting));

    thread->id = atomic_load(&entry->tid);
    thread->sleep = state == IDLE    ? MPROC_INSPECT_AWAKE
                    : state == WOKEN ? MPROC_INSPECT_WOKEN
                                     : MPROC_INSPECT_ASLEEP;
    if (thread->sleep != MPROC_INSPECT_AWAKE) {
        apr_uint64_t until = atomic_load(&entry->until);
        apr_uint32_t words = atomic_load(&entry->word_count);
        thread->words = state == MOVED ? 1 : words < 4 ? (int)words : 4;
        thread->ticket = atomic_load(&entry->since);
        thread->since = (apr_time_t)atomic_load(&entry->began);
        thread->deadline =
            until >= (apr_uint64_t)MPROC_PLAT_NEVER ? 0 : (apr_time_t)until;
    }
}

/* One process's after another's. */
static void
threads_read(mproc__inspection_t *inspection)
{
    apr_size_t high = (apr_size_t)inspection->threads_high, i;
    mproc_inspect_t *picture = inspection->picture;
    int count = 0;

    for (i = 0; i < high; i++) {
        mproc_inspect_process_t *process = entry_process(inspection, i);
        if (process != NULL) {
            process->thread_count++;
            count++;
        }
    }
    inspection->thread = apr_pcalloc(
        inspection->pool, ((apr_size_t)count + 1) * sizeof *inspection->thread);
    inspection->edge = apr_pcalloc(inspection->work, ((apr_size_t)count + 1) *
                                                         sizeof(mproc__edge_t));
    inspection->by_entry =
        apr_palloc(inspection->work, (high + 1) * sizeof(int));
    for (int p = 0, at = 0; p < picture->process_count; p++) {
        inspection->process[p].threads = inspection->thread + at;
        at += inspection->process[p].thread_count;
        inspection->process[p].thread_count = 0;
    }
    for (i = 0; i < high; i++) {
        mproc_inspect_process_t *process = entry_process(inspection, i);
        inspection->by_entry[i] = -1;
        if (process != NULL) {
            int at = (int)(process->threads - inspection->thread) +
                     process->thread_count++;
            inspection->by_entry[i] = at;
            inspection->thread[at].process = process;
            inspection->edge[at].entry = (apr_uint32_t)i;
            thread_fill(&inspection->thread[at], &inspection->entry[i]);
        }
    }
    picture->thread_count = count;
    picture->census.threads = (apr_uint64_t)count;
}

apr_status_t
mproc__inspect_people(mproc__inspection_t *inspection)
{
    apr_status_t rv = processes_read(inspection);

    if (rv == APR_SUCCESS) {
        threads_read(inspection);
    }
    return rv;
}
