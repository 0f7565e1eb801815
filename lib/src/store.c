/*
 * store.c: what dict, list and namespace are made of.
 *
 * A store is a block with a mutex and a journal; it holds a content, another
 * block, which holds all that is in the store: segments, out of which cells
 * are cut; tables; and tables of boxes, which hold values that are large or
 * name objects. Whatever is changed is changed by who has the mutex, so:
 *
 * What nobody can reach yet is written as it is: a cell that was just taken,
 * a table beyond those in use. Then the words that make it reached, or not any
 * more, are put into the journal: where, and what is to stand there. Then one
 * store, of how many these are, commits them; then they are applied; then the
 * journal is empty. So a death before the commit has changed nothing that
 * anybody reaches, and after it the next who has the mutex, being told
 * MPROC_EOWNERDEAD, applies the journal: again, or for the first time; it says
 * what words become, not how they change, so that is the same. This is redo
 * logging (C. Mohan et al., "ARIES", 1992), of one operation at a time.
 * Invariant: while nobody has the mutex, or he who has it is alive and has
 * put nothing, the journal is empty and the content is whole.
 *
 * Holds are filled and emptied by block.c, which has its own way through a
 * death; who repairs waits first until the recovery of all dead has come to
 * its end. A hold that is beyond what the content says is in use is empty, or
 * filled by somebody who died: a segment or table, always of the size that its
 * number says, is used then; a box is released. A hold may be moved by the
 * journal: emptied here and filled there, in one commit. So a store gets
 * another content, or another first table, at once: it is made in the hold
 * `stage`, the journal moves the old one to `doomed`, which is released.
 *
 * Segments grow with their number. A cell's size is of a class, and when it is
 * given back it goes to the list of its class, linked by its first 4 bytes,
 * which therefore nobody writes but by the journal.
 *
 * Readers have the mutex too. They copy a value and go, or, if it lies in a
 * box, hold that.
 *
 * Lock order: one store's mutex at a time; the arena has no locks.
 */
#include "store.h"

#include <string.h>

#include <apr_general.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "parking.h"

#define SEGMENTS_SMALL 8
#define SEGMENTS_ALIKE 8 /* then so many of one size each */
#define SEGMENT_STEPS 9  /* doublings of these */

_Static_assert(offsetof(mproc__content_t, segment) ==
                       offsetof(mproc__holder_t, hold) &&
                   offsetof(mproc__store_t, content) ==
                       offsetof(mproc__holder_t, hold),
               "both are holders");
_Static_assert(offsetof(mproc__content_t, count) ==
                   offsetof(mproc__content_t, segment) +
                       (MPROC__STORE_SEGMENTS + MPROC__STORE_TABLES +
                        MPROC__STORE_BOXES) *
                           sizeof(mproc__hold_t),
               "the holds stand in a row");
_Static_assert(sizeof(mproc__content_t) + sizeof(mproc__block_t) <= 2048,
               "a content has 2 KiB");

/* ----------------------------------------------------------------- journal */

static void
journal_apply(mproc__store_t *store, apr_uint64_t count)
{
    apr_uint64_t i;

    for (i = 0; i < count; i++) {
        const mproc__journal_t *entry = &store->journal[i];
        void *where = mproc__arena_address(entry->where & ~APR_UINT64_C(1));

        if (entry->where & 1) {
            memcpy(where, &entry->value, sizeof entry->value);
        }
        else {
            apr_uint32_t value = (apr_uint32_t)entry->value;
            memcpy(where, &value, sizeof value);
        }
    }
    /* Release: what was applied comes first; the fence: the next journal comes
     * later. */
    atomic_store_explicit(&store->committed, 0, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
}

void
mproc__journal_commit(mproc__store_use_t *use)
{
    mproc__store_t *store = mproc__store_of(use);
    apr_uint64_t count = use->pending;

    /* Release: cells and journal come first; the fence: what is applied comes
     * later. A death lets all come to effect that came before it. */
    atomic_store_explicit(&store->committed, count, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    journal_apply(store, count);
    mproc__journal_drop(use);
}

void
mproc__journal_put_bytes(mproc__store_use_t *use, char *at, const char *data,
                         apr_size_t size)
{
    apr_size_t skip = (apr_size_t)mproc__arena_offset(at) % 8, part;
    apr_uint64_t word;

    while (size > 0) {
        part = 8 - skip < size ? 8 - skip : size;
        memcpy(&word, at - skip, 8);
        memcpy((char *)&word + skip, data, part);
        mproc__journal_put_wide(use, at - skip, word);
        at += part;
        data += part;
        size -= part;
        skip = 0;
    }
}

/* -------------------------------------------------------------------- mutex
 */

/* What is known of a content is good as long as the store holds it. A forked
 * child may inherit what another thread was at: the handle is written last. */
static void
content_find(mproc__store_use_t *use, mproc__handle_t handle)
{
    use->handle = 0;
    atomic_signal_fence(memory_order_seq_cst);
    memset(use->segment, 0, sizeof use->segment);
    memset(use->table, 0, sizeof use->table);
    memset(use->box, 0, sizeof use->box);
    use->content = mproc__arena_at(handle);
    atomic_signal_fence(memory_order_seq_cst);
    use->handle = handle;
}

static inline void
content_look(mproc__store_use_t *use)
{
    mproc__handle_t handle = atomic_load_explicit(
        &mproc__store_of(use)->content, memory_order_relaxed);

    mproc__journal_drop(use);
    if (use->handle != handle) {
        content_find(use, handle);
    }
    handle =
        atomic_load_explicit(&use->content->table[0], memory_order_relaxed);
    if (use->first_table != handle) {
        use->table[0] = NULL;
        use->first_table = handle;
    }
}

/* Somebody has died with the mutex. */
static void
store_repair(mproc__store_use_t *use)
{
    mproc__store_t *store = mproc__store_of(use);

    mproc__peers_settle();
    journal_apply(store, atomic_load(&store->committed));
    mproc__arena_release(&store->stage);
    mproc__arena_release(&store->doomed);
    content_look(use);
    mproc__store_box_repair(use);
    if (use->repair != NULL) {
        use->repair(use);
    }
}

apr_status_t
mproc__store_lock(mproc__store_use_t *use, const char *call)
{
    mproc__store_t *store = mproc__store_of(use);
    mproc__mutex_use_t mutex = {&store->mutex, &use->object, call, 0};
    apr_status_t rv;

    if (!mproc__mutex_take(&store->mutex, mproc__me.actor)) {
        rv = mproc__mutex_acquire(&mutex, MPROC_PLAT_NEVER, 0);
        if (rv == MPROC_EOWNERDEAD) {
            store_repair(use);
            return APR_SUCCESS;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    content_look(use);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------ content
 */

static apr_status_t
content_make(mproc__hold_t *hold)
{
    mproc__content_t *content;
    apr_status_t rv =
        mproc__arena_alloc(hold, sizeof *content, MPROC_KIND_STORE);

    if (rv == APR_SUCCESS) {
        content = mproc__arena_at(mproc__hold_handle(hold));
        content->next = 1; /* 0 is no cell */
        content->holds =
            MPROC__STORE_SEGMENTS + MPROC__STORE_TABLES + MPROC__STORE_BOXES;
    }
    return rv;
}

apr_status_t
mproc__store_create(void *store, const mproc__object_ops_t *ops,
                    apr_pool_t *pool)
{
    mproc__store_use_t *use;
    mproc__store_t *shared;
    apr_status_t rv;

    *(void **)store = NULL;
    rv = mproc__object_create(&use, ops, sizeof(mproc__store_t), pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = mproc__store_of(use);
    shared->holds = 3;
    rv = apr_generate_random_bytes((unsigned char *)shared->seed,
                                   sizeof shared->seed);
    if (rv != APR_SUCCESS) {
        rv = mproc__fail(rv, "the system gives no random bytes");
    }
    else {
        rv = content_make(&shared->content);
    }
    if (rv == APR_SUCCESS && ops->opened != NULL) {
        rv = ops->opened(&use->object);
    }
    if (rv != APR_SUCCESS) {
        mproc__object_close(use);
        return rv;
    }
    *(void **)store = use;
    return APR_SUCCESS;
}

apr_status_t
mproc__store_check(void *store, const mproc__object_ops_t *ops,
                   const char *kind, const char *call)
{
    if (mproc__me.actor != 0 && mproc__object_is_ready(store, ops)) {
        return APR_SUCCESS;
    }
    if (!mproc__object_is(store, ops)) {
        return mproc__object_missing(call, kind);
    }
    return mproc__actor() != 0 ? APR_SUCCESS : mproc__wait_refused(call);
}

apr_status_t
mproc__store_clear(mproc__store_use_t *use)
{
    mproc__store_t *store = mproc__store_of(use);
    apr_status_t rv = content_make(&store->stage);

    if (rv == APR_SUCCESS) {
        mproc__journal_put_wide(use, (void *)&store->doomed,
                                mproc__hold_handle(&store->content));
        mproc__journal_put_wide(use, (void *)&store->content,
                                mproc__hold_handle(&store->stage));
        mproc__journal_put_wide(use, (void *)&store->stage, 0);
        mproc__journal_commit(use);
        content_look(use);
        mproc__store_settle(use);
    }
    return rv;
}

/* -------------------------------------------------------------------- cells
 */

/* Below 64 units a class for each; then eight a doubling. */
static unsigned
class_for(apr_uint64_t size)
{
    apr_uint64_t units = (size + MPROC__CELL_UNIT - 1) / MPROC__CELL_UNIT;
    unsigned e;

    if (units <= 64) {
        return units == 0 ? 0 : (unsigned)units - 1;
    }
    e = 63 - (unsigned)__builtin_clzll(units - 1);
    return 64 + (e - 6) * 8 + (unsigned)((units - 1) >> (e - 3)) - 8;
}

apr_uint64_t
mproc__store_class_size(unsigned class_index)
{
    if (class_index < 64) {
        return (class_index + 1) * MPROC__CELL_UNIT;
    }
    return (apr_uint64_t)((class_index % 8) + 9)
           << ((class_index - 64) / 8 + 3) << 3;
}

/* Bytes of a segment: from 1 KiB doubled to 128 KiB, then eight of each size
 * from 256 KiB. They fill their blocks. */
static apr_uint64_t
segment_size(unsigned number)
{
    unsigned step;
    apr_uint64_t chunks;

    if (number < SEGMENTS_SMALL) {
        return ((apr_uint64_t)1024 << number) - sizeof(mproc__block_t);
    }
    step = (number - SEGMENTS_SMALL) / SEGMENTS_ALIKE;
    if (step > SEGMENT_STEPS) {
        step = SEGMENT_STEPS;
    }
    chunks = ((apr_uint64_t)4 << step) + (step >= 2);
    return chunks * MPROC__CHUNK - sizeof(mproc__block_t);
}

char *
mproc__store_look(mproc__hold_t *hold, char **known)
{
    *known = mproc__arena_at(mproc__hold_handle(hold));
    return *known;
}

static apr_status_t
memory_make(mproc__hold_t *hold, apr_uint64_t size)
{
    return mproc__hold_handle(hold) != 0
               ? APR_SUCCESS
               : mproc__arena_alloc(hold, size, MPROC_KIND_CELLS);
}

/* One that was never used. */
static apr_status_t
cell_cut(mproc__store_use_t *use, apr_uint32_t *ref, apr_uint64_t size)
{
    apr_uint32_t next = use->content->next;
    unsigned number = MPROC__CELL_SEGMENT(next);
    apr_uint64_t offset = MPROC__CELL_OFFSET(next);
    apr_status_t rv;

    while (offset + size > segment_size(number)) {
        if (++number == MPROC__STORE_SEGMENTS) {
            return mproc__fail(APR_ENOMEM, "the object is as large as one can "
                                           "be; use several");
        }
        offset = 0;
    }
    rv = memory_make(&use->content->segment[number], segment_size(number));
    if (rv == APR_SUCCESS) {
        *ref = (apr_uint32_t)(number << 25 | offset / MPROC__CELL_UNIT);
        mproc__journal_put(use, &use->content->next,
                           *ref + (apr_uint32_t)(size / MPROC__CELL_UNIT));
    }
    return rv;
}

apr_status_t
mproc__store_take(mproc__store_use_t *use, apr_uint32_t *ref,
                  unsigned *class_index, apr_uint64_t size)
{
    unsigned first = class_for(size), i;

    /* A little larger is better than new. */
    for (i = first; i < first + 3 && i < MPROC__STORE_CLASSES; i++) {
        *ref = use->content->free[i];
        if (*ref != 0) {
            *class_index = i;
            use->popped = i + 1;
            use->popped_next = *(apr_uint32_t *)mproc__store_cell(use, *ref);
            mproc__journal_put(use, &use->content->free[i], use->popped_next);
            return APR_SUCCESS;
        }
    }
    *class_index = first;
    return cell_cut(use, ref, mproc__store_class_size(first));
}

void
mproc__store_give(mproc__store_use_t *use, apr_uint32_t ref,
                  unsigned class_index)
{
    apr_uint32_t *list = &use->content->free[class_index];

    mproc__journal_put(use, mproc__store_cell(use, ref),
                       use->popped == class_index + 1 ? use->popped_next
                                                      : *list);
    mproc__journal_put(use, list, ref);
}

/* ------------------------------------------------------------------- tables
 */

apr_status_t
mproc__store_table(mproc__store_use_t *use, void **table, unsigned n,
                   apr_uint64_t size)
{
    apr_status_t rv = APR_SUCCESS;

    if (use->table[n] == NULL) {
        rv = memory_make(&use->content->table[n], size);
        if (rv == APR_SUCCESS) {
            mproc__store_look(&use->content->table[n], &use->table[n]);
        }
    }
    *table = use->table[n];
    return rv;
}

apr_status_t
mproc__store_stage(mproc__store_use_t *use, void **table, apr_uint64_t size)
{
    mproc__hold_t *stage = &mproc__store_of(use)->stage;
    apr_status_t rv = mproc__arena_alloc(stage, size, MPROC_KIND_CELLS);

    *table =
        rv == APR_SUCCESS ? mproc__arena_at(mproc__hold_handle(stage)) : NULL;
    return rv;
}

void
mproc__store_replace(mproc__store_use_t *use)
{
    mproc__store_t *store = mproc__store_of(use);
    mproc__hold_t *hold = &use->content->table[0];

    mproc__journal_put_wide(use, (void *)&store->doomed,
                            mproc__hold_handle(hold));
    mproc__journal_put_wide(use, (void *)hold,
                            mproc__hold_handle(&store->stage));
    mproc__journal_put_wide(use, (void *)&store->stage, 0);
    use->table[0] = NULL;
}

void
mproc__store_settle(mproc__store_use_t *use)
{
    mproc__arena_release(&mproc__store_of(use)->doomed);
}
