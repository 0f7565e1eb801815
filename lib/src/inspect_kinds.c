/*
 * inspect_kinds.c: what the kinds of objects have in their blocks, and which
 * call waits on which of their words. A new kind gets a row in the table
 * `shapes`; one that has none is shown with its name alone.
 */
#include "inspect.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/semaphore.h>

#include "cell.h"
#include "pool.h"
#include "ring.h"
#include "shared.h"
#include "store.h"
#include "words.h"

#define SHAPE_WORDS 5
#define PIECE 512 /* words of a row that are read at once */

/* A word that threads wait on. */
typedef struct shape_word_t {
    apr_size_t offset;
    const char *call;
} shape_word_t;

typedef struct shape_t {
    mproc_kind_e kind;
    int (*read)(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
                mproc__raw_t *raw);
    void (*tell)(mproc__inspection_t *inspection,
                 mproc_inspect_object_t *object);
    shape_word_t word[SHAPE_WORDS];
} shape_t;

/* ------------------------------------------------------------------ reading */

int
mproc__inspect_payload(const mproc__inspection_t *inspection,
                       const mproc__raw_t *raw, void *to, apr_size_t size)
{
    return size <= raw->room &&
           mproc__source_read(inspection->source, raw->offset, to, size) ==
               APR_SUCCESS;
}

/* One more who has it, or has it once more. */
static void
holder_add(mproc__inspection_t *inspection, mproc__raw_t *raw,
           apr_uint64_t actor, int by_thread, int count)
{
    mproc__raw_holder_t *holder;

    if (raw->holders == NULL) {
        raw->holders =
            apr_array_make(inspection->work, 2, sizeof(mproc__raw_holder_t));
    }
    holder = (mproc__raw_holder_t *)raw->holders->elts;
    for (int i = 0; i < raw->holders->nelts; i++) {
        if (holder[i].actor == actor) {
            holder[i].count += count;
            return;
        }
    }
    holder = apr_array_push(raw->holders);
    *holder = (mproc__raw_holder_t){actor, by_thread, count};
}

/* Call for each word of a row that is not 0. */
static int
row_read(mproc__inspection_t *inspection, mproc__raw_t *raw,
         apr_uint64_t offset, apr_uint64_t count,
         void (*each)(mproc__inspection_t *inspection, mproc__raw_t *raw,
                      apr_uint64_t word, apr_uint64_t baton),
         apr_uint64_t baton)
{
    apr_uint64_t piece[PIECE], done, part, i;

    if (offset > raw->room || count > (raw->room - offset) / sizeof *piece) {
        return 0;
    }
    for (done = 0; done < count; done += part) {
        part = count - done < PIECE ? count - done : PIECE;
        if (mproc__source_read(
                inspection->source, raw->offset + offset + done * sizeof *piece,
                piece, (apr_size_t)part * sizeof *piece) != APR_SUCCESS) {
            return 0;
        }
        for (i = 0; i < part; i++) {
            if (piece[i] != 0) {
                each(inspection, raw, piece[i], baton);
            }
        }
    }
    return 1;
}

static void
peer_each(mproc__inspection_t *inspection, mproc__raw_t *raw, apr_uint64_t word,
          apr_uint64_t unused)
{
    (void)unused;
    holder_add(inspection, raw, MPROC__ACTOR_PEER(word), 0, 1);
}

void
mproc__inspect_holder(mproc__inspection_t *inspection, mproc__raw_t *raw,
                      mproc__peer_t peer)
{
    holder_add(inspection, raw, peer, 0, 1);
}

static void
slot_each(mproc__inspection_t *inspection, mproc__raw_t *raw, apr_uint64_t slot,
          apr_uint64_t generation)
{
    if (SLOT_PEER(slot) != 0 && SLOT_GENERATION(slot) == generation) {
        holder_add(inspection, raw, SLOT_PEER(slot), 0, 1);
    }
}

/* How many of the holders live. */
static apr_int64_t
holders_count(const mproc_inspect_object_t *object)
{
    apr_int64_t count = 0;

    for (int i = 0; i < object->holder_count; i++) {
        count += object->holders[i].count;
    }
    return count;
}

/* ----------------------------------------------------------- lock and rlock */

static int
mutex_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
           mproc__raw_t *raw)
{
    rlock_shared_t shared;
    apr_size_t size = object->kind == MPROC_KIND_RLOCK ? sizeof(rlock_shared_t)
                                                       : sizeof(lock_shared_t);

    memset(&shared, 0, sizeof shared);
    if (!mproc__inspect_payload(inspection, raw, &shared, size)) {
        return 0;
    }
    apr_uint64_t holder = MPROC__MUTEX_HOLDER(atomic_load(&shared.mutex));
    if (holder != 0) {
        apr_uint64_t depth = atomic_load(&shared.depth);
        int count = depth > 0 && depth < 0x7fffffff ? (int)depth : 1;
        holder_add(inspection, raw, holder, 1, count);
        object->value = count;
    }
    return 1;
}

static void
mutex_tell(mproc__inspection_t *inspection, mproc_inspect_object_t *object)
{
    if (object->holder_count == 0) {
        object->state = "free";
    }
    else if (object->holders[0].process == NULL) {
        object->state = "its holder died; the next one will be told";
    }
    else if (object->value > 1) {
        object->state = apr_psprintf(
            inspection->pool, "held %" APR_INT64_T_FMT " times", object->value);
    }
    else {
        object->state = "held";
    }
}

/* ---------------------------------------------------------------- semaphore */

static int
semaphore_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
               mproc__raw_t *raw)
{
    semaphore_shared_t shared;

    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    object->value = (apr_int64_t)atomic_load(&shared.count);
    object->most = shared.bound == MPROC_SEMAPHORE_MAX ? 0 : shared.bound;
    object->owned = shared.owners > 0;
    return shared.owners == 0 ||
           row_read(inspection, raw, offsetof(semaphore_shared_t, owner),
                    shared.owners, peer_each, 0);
}

static void
semaphore_tell(mproc__inspection_t *inspection, mproc_inspect_object_t *object)
{
    if (object->most == 0) {
        object->state =
            apr_psprintf(inspection->pool, "%" APR_INT64_T_FMT " permits free",
                         object->value);
        return;
    }
    if (object->owned) {
        /* Those of the dead are as good as free. */
        object->value = object->most - holders_count(object);
    }
    object->state = apr_psprintf(
        inspection->pool,
        "%" APR_INT64_T_FMT " of %" APR_INT64_T_FMT " permits free%s",
        object->value, object->most,
        object->owned && object->holder_count > 0 ? ", taken" : "");
}

/* ------------------------------------------------------- the other kinds */

static int
condition_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
               mproc__raw_t *raw)
{
    condition_shared_t shared;

    (void)object;
    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    raw->lock = atomic_load(&shared.lock.hold);
    return 1;
}

static int
event_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
           mproc__raw_t *raw)
{
    event_shared_t shared;

    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    object->value = (apr_int64_t)(atomic_load(&shared.word) & EVENT_SET);
    object->state = object->value ? "set" : "not set";
    return 1;
}

static int
barrier_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
             mproc__raw_t *raw)
{
    barrier_shared_t shared;

    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    apr_uint64_t word = atomic_load(&shared.word);
    object->most = shared.parties;
    object->state = word & BROKEN ? "broken" : "";
    return row_read(inspection, raw, offsetof(barrier_shared_t, slot),
                    shared.parties, slot_each, GENERATION(word));
}

static void
barrier_tell(mproc__inspection_t *inspection, mproc_inspect_object_t *object)
{
    object->value = holders_count(object);
    object->state = apr_psprintf(inspection->pool,
                                 "%s%" APR_INT64_T_FMT " of %" APR_INT64_T_FMT
                                 " have arrived",
                                 object->state[0] != '\0' ? "broken, " : "",
                                 object->value, object->most);
}

static int
cell_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
          mproc__raw_t *raw)
{
    mproc__cell_shared_t shared;

    if (!mproc__inspect_payload(inspection, raw, &shared, sizeof shared)) {
        return 0;
    }
    raw->lock = atomic_load(&shared.lock.hold);
    object->value = (apr_int64_t)shared.count;
    object->state =
        object->kind == MPROC_KIND_VALUE
            ? apr_psprintf(inspection->pool, "%" APR_UINT64_T_FMT " bytes",
                           shared.item)
            : apr_psprintf(inspection->pool,
                           "%" APR_UINT64_T_FMT " items of %" APR_UINT64_T_FMT
                           " bytes",
                           shared.count, shared.item);
    return 1;
}

/* Begins with how many it has. */
static int
list_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
          mproc__raw_t *raw)
{
    apr_uint64_t count;

    if (!mproc__inspect_payload(inspection, raw, &count, sizeof count)) {
        return 0;
    }
    object->value = (apr_int64_t)count;
    object->state =
        apr_psprintf(inspection->pool, "%" APR_UINT64_T_FMT " elements", count);
    return 1;
}

/* The content is a block of its own. */
static int
store_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
           mproc__raw_t *raw)
{
    mproc__store_t store;
    mproc__content_t content;
    apr_uint64_t place, word;

    if (!mproc__inspect_payload(inspection, raw, &store, sizeof store)) {
        return 0;
    }
    word = MPROC__MUTEX_HOLDER(atomic_load(&store.mutex));
    if (word != 0) {
        holder_add(inspection, raw, word, 0, 1);
    }
    place = MPROC__PLACE(atomic_load(&store.content)) * MPROC__UNIT;
    if (place != 0 &&
        mproc__source_read(inspection->source, place + sizeof(mproc__block_t),
                           &content, sizeof content) == APR_SUCCESS) {
        object->value = (apr_int64_t)content.count;
    }
    return 1;
}

static void
store_tell(mproc__inspection_t *inspection, mproc_inspect_object_t *object)
{
    object->state = apr_psprintf(
        inspection->pool, "%" APR_INT64_T_FMT " %s%s", object->value,
        object->kind == MPROC_KIND_LIST        ? "elements"
        : object->kind == MPROC_KIND_NAMESPACE ? "attributes"
        : object->kind == MPROC_KIND_SET       ? "values"
                                               : "entries",
        object->holder_count > 0 ? ", somebody is at it" : "");
}

static int
queue_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
           mproc__raw_t *raw)
{
    mproc__ring_t ring;

    if (!mproc__inspect_payload(inspection, raw, &ring, sizeof ring)) {
        return 0;
    }
    object->value = (apr_int64_t)mproc__ring_size(&ring);
    object->most = (apr_int64_t)ring.maxsize;
    object->state = atomic_load(&ring.shut) ? "shut down" : "";
    return 1;
}

static void
queue_tell(mproc__inspection_t *inspection, mproc_inspect_object_t *object)
{
    object->state = apr_psprintf(
        inspection->pool, "%" APR_INT64_T_FMT " items%s%s", object->value,
        object->most > 0 && object->value >= object->most ? ", full" : "",
        object->state[0] != '\0' ? ", shut down" : "");
}

static int
process_read(mproc__inspection_t *inspection, mproc_inspect_object_t *object,
             mproc__raw_t *raw)
{
    static const char *const states[] = {"not started", "starting", "starting",
                                         "runs", "ended"};
    mproc__record_t *record;
    mproc__holder_t holder;

    if (!mproc__inspect_payload(inspection, raw, &holder, sizeof holder)) {
        return 0;
    }
    apr_uint64_t at = mproc__record_offset(holder.count);
    if (at > raw->room || raw->room - at < sizeof *record) {
        return 0;
    }
    record = apr_palloc(inspection->work, sizeof *record);
    if (record == NULL ||
        mproc__source_read(inspection->source, raw->offset + at, record,
                           sizeof *record) != APR_SUCCESS) {
        return 0;
    }
    /* Not filled in yet, or of another make: an object without a state. */
    if (record->magic == MPROC__RECORD_MAGIC &&
        record->size == sizeof *record) {
        apr_uint32_t state = atomic_load(&record->state);
        record->name[sizeof record->name - 1] = '\0';
        record->parent_name[sizeof record->parent_name - 1] = '\0';
        raw->record = record;
        raw->record_at = at;
        object->state = apr_psprintf(
            inspection->pool, "%s, %s", record->name,
            state <= MPROC__RECORD_ENDING ? states[state] : "unclear");
    }
    return 1;
}

/* ---------------------------------------------------------------- the table */

static const shape_t shapes[] = {
    {MPROC_KIND_LOCK,
     mutex_read,
     mutex_tell,
     {{offsetof(lock_shared_t, mutex), "mproc_lock_acquire"}}},
    {MPROC_KIND_RLOCK,
     mutex_read,
     mutex_tell,
     {{offsetof(rlock_shared_t, mutex), "mproc_rlock_acquire"}}},
    {MPROC_KIND_SEMAPHORE,
     semaphore_read,
     semaphore_tell,
     {{offsetof(semaphore_shared_t, gate), "mproc_semaphore_acquire"}}},
    {MPROC_KIND_CONDITION,
     condition_read,
     NULL,
     {{offsetof(condition_shared_t, place), "mproc_condition_wait"}}},
    {MPROC_KIND_EVENT,
     event_read,
     NULL,
     {{offsetof(event_shared_t, word), "mproc_event_wait"}}},
    {MPROC_KIND_BARRIER,
     barrier_read,
     barrier_tell,
     {{offsetof(barrier_shared_t, gate), "mproc_barrier_wait"}}},
    {MPROC_KIND_VALUE, cell_read, NULL, {{0, NULL}}},
    {MPROC_KIND_ARRAY, cell_read, NULL, {{0, NULL}}},
    {MPROC_KIND_POOL,
     mproc__inspect_pool,
     mproc__inspect_pool_tell,
     {{offsetof(mproc__pool_shared_t, care), "a pool's keeper"},
      {offsetof(mproc__pool_shared_t, done), "mproc_pool_map_array"}}},
    {MPROC_KIND_QUEUE,
     queue_read,
     queue_tell,
     {{offsetof(mproc__ring_t, items), "mproc_queue_get"},
      {offsetof(mproc__ring_t, space), "mproc_queue_put"},
      {offsetof(mproc__ring_t, idle), "mproc_queue_join"},
      {offsetof(mproc__ring_t, tail.mutex), "mproc_queue_put"},
      {offsetof(mproc__ring_t, head.mutex), "mproc_queue_get"}}},
    {MPROC_KIND_DICT,
     store_read,
     store_tell,
     {{offsetof(mproc__store_t, mutex), "a call of the dict"}}},
    {MPROC_KIND_LIST,
     store_read,
     store_tell,
     {{offsetof(mproc__store_t, mutex), "a call of the list"}}},
    {MPROC_KIND_NAMESPACE,
     store_read,
     store_tell,
     {{offsetof(mproc__store_t, mutex), "a call of the namespace"}}},
    {MPROC_KIND_SET,
     store_read,
     store_tell,
     {{offsetof(mproc__store_t, mutex), "a call of the set"}}},
    {MPROC_KIND_SHAREABLE_LIST, list_read, NULL, {{0, NULL}}},
    {MPROC_KIND_PROCESS, process_read, NULL, {{0, NULL}}}};

static const shape_t *
shape_of(mproc_kind_e kind)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].kind == kind) {
            return &shapes[i];
        }
    }
    return NULL;
}

int
mproc__inspect_kind(mproc__inspection_t *inspection,
                    mproc_inspect_object_t *object, mproc__raw_t *raw)
{
    const shape_t *shape = shape_of(object->kind);

    return shape == NULL || shape->read(inspection, object, raw);
}

void
mproc__inspect_tell(mproc__inspection_t *inspection,
                    mproc_inspect_object_t *object)
{
    const shape_t *shape = shape_of(object->kind);

    if (shape != NULL && shape->tell != NULL) {
        shape->tell(inspection, object);
    }
}

static const char *
record_call(const mproc__raw_t *raw, apr_uint64_t within)
{
    return raw->record == NULL ? "a wait"
           : within == raw->record_at + offsetof(mproc__record_t, told)
               ? "mproc_process_join"
           : within == raw->record_at + offsetof(mproc__record_t, ticket)
               ? "its start by the fork server"
               : "a wait";
}

const char *
mproc__inspect_call(const mproc__inspection_t *inspection, int object,
                    apr_uint64_t word)
{
    if (object < 0) {
        return "a wait";
    }
    const mproc__raw_t *raw = MPROC__RAW(inspection, object);
    const shape_t *shape = shape_of(MPROC__OBJECT(inspection, object)->kind);
    apr_uint64_t within = word - raw->offset;

    if (shape != NULL && shape->kind == MPROC_KIND_PROCESS) {
        return record_call(raw, within);
    }
    if (shape != NULL && shape->kind == MPROC_KIND_SHAREABLE_LIST) {
        return "mproc_shareable_list_setf"; /* Each element has such a word. */
    }
    for (int i = 0; shape != NULL && i < SHAPE_WORDS; i++) {
        if (shape->word[i].call != NULL && shape->word[i].offset == within) {
            return shape->word[i].call;
        }
    }
    return "a wait";
}
