/*
 * block.c: blocks and the holds on them, whoever dies.
 *
 * A block's word is the truth about it:
 *
 *   FREE -> TAKEN(thread) -> LIVE(kind) -> FREE, generation + 1
 *
 * The first arrow is a compare-and-swap that names the taker. A hold is a
 * word with the block's handle; the block counts its holds in `refs`. An
 * operation is written into the thread's intent before its first step, so
 * that a recoverer can finish or undo it: alloc is undone, drop and hold are
 * finished. Invariant, whenever no intent is open: refs counts exactly the
 * holds that have the handle, and a block is LIVE if and only if refs > 0.
 *
 * The hard step is the count: after a death it must be known whether the
 * compare-and-swap took effect. Each writes a tag (thread, level, sequence)
 * beside the count. Who replaces somebody's tag first stores the sequence
 * into that one's intent as done. So an operation took effect if its tag is
 * in the word or it has been told that it is done; and the word must be read
 * before `done`. This is the recoverable compare-and-swap of H. Attiya,
 * O. Ben-Baruch, D. Hendler, "Nesting-Safe Recoverable Linearizability",
 * 2018. `done` only grows, because a slow helper may come late.
 *
 * A freed block whose kind has holds of its own first drops these, one level
 * deeper. Queues in queues can be nested without end, levels are few: from a
 * depth on such a block is not freed but buried. Its holds are left in it, and
 * it leads to the one buried before; the thread's entry leads to it. Nobody
 * holds it, so nobody else looks at it. Back at the top the thread unearths
 * them one by one: notes the block in its intent, has the entry lead to the
 * next, frees it. Buried is each once, so after a death the entry tells
 * whether it was, or is still. Invariant: when no intent is open, nothing is
 * buried.
 *
 * Atomics are sequentially consistent unless said otherwise; the
 * partner of each is the same word in another process.
 */
#include "layout.h"

#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_net.h"
#include "error.h"
#include "parking.h"
#include "peers.h"
#include "ring.h"
#include "words.h"

static void *
block_payload(mproc__block_t *block)
{
    return block + 1;
}

static mproc__hold_t *
hold_at(apr_uint64_t offset)
{
    return (mproc__hold_t *)(mproc__arena.map.base + offset);
}

static unsigned
thread_index(const mproc__thread_t *thread)
{
    return (unsigned)(thread - mproc__arena.thread);
}

/* ---------------------------------------------------------------- intents */

mproc__intent_t *
mproc__intent_begin(mproc__thread_t *thread)
{
    unsigned depth = atomic_load_explicit(&thread->depth, memory_order_relaxed);
    mproc__intent_t *intent;
    if (depth == MPROC__LEVELS) {
        return NULL;
    }
    intent = &thread->intent[depth];
    atomic_store_explicit(&thread->depth, depth + 1, memory_order_relaxed);
    atomic_store(&intent->seq, ++thread->next_seq);
    return intent;
}

void
mproc__intent_end(mproc__thread_t *thread)
{
    unsigned depth =
        atomic_load_explicit(&thread->depth, memory_order_relaxed) - 1;
    atomic_store(&thread->intent[depth].op, MPROC__OP_NONE);
    atomic_store_explicit(&thread->depth, depth, memory_order_relaxed);
}

static mproc__intent_t *
intent_open(mproc__thread_t *thread, apr_uint32_t op, mproc__hold_t *hold,
            mproc__handle_t handle)
{
    mproc__intent_t *intent = mproc__intent_begin(thread);
    if (intent != NULL) {
        intent->hold = mproc__arena_offset(hold);
        atomic_store(&intent->handle, handle);
        atomic_store(&intent->op, op);
    }
    return intent;
}

/* ------------------------------------------------------------------ counts */

static apr_uint64_t
refs_tag(const mproc__thread_t *thread, const mproc__intent_t *intent)
{
    return (apr_uint64_t)thread_index(thread) << 30 |
           (apr_uint64_t)(intent - thread->intent) << 27 |
           REFS_SEQ(atomic_load(&intent->seq));
}

/* Tell the one whose tag is about to go that its operation took effect. */
static void
refs_help(const mproc__block_t *block, apr_uint64_t refs)
{
    mproc__intent_t *intent =
        &mproc__arena.thread[REFS_THREAD(refs)].intent[REFS_LEVEL(refs)];
    apr_uint64_t seq = atomic_load(&intent->seq);
    apr_uint64_t done = atomic_load(&intent->done);

    if (REFS_SEQ(seq) != REFS_SEQ(refs) ||
        atomic_load(&intent->op) == MPROC__OP_NONE ||
        MPROC__PLACE(atomic_load(&intent->handle)) * MPROC__UNIT !=
            mproc__arena_offset(block)) {
        return; /* An old tag; its operation has ended. */
    }
    while (done < seq &&
           !atomic_compare_exchange_weak(&intent->done, &done, seq)) {
    }
}

/* Whether the operation has changed the count; the word is read first. */
static int
refs_performed(mproc__block_t *block, const mproc__thread_t *thread,
               const mproc__intent_t *intent, apr_uint64_t *refs)
{
    *refs = atomic_load(&block->refs);
    return (*refs & REFS_TAG) == refs_tag(thread, intent) ||
           atomic_load(&intent->done) == atomic_load(&intent->seq);
}

/* Whether the block is the one that a handle names, and live. */
static int
block_is(mproc__block_t *block, mproc__handle_t handle)
{
    apr_uint64_t word = atomic_load(&block->word);
    return BLOCK_STATE(word) == BLOCK_LIVE &&
           BLOCK_GENERATION(word) == MPROC__GENERATION(handle);
}

/* Change the count by one, once, however often this is run again. Returns 0
 * when the count cannot be changed: nobody holds the block, or too many. The
 * block may have become another since the caller looked. A tag is never used
 * twice, so a count that was read before the block was looked at once more
 * is this block's, or the compare-and-swap fails. */
static int
refs_change(mproc__block_t *block, const mproc__thread_t *thread,
            const mproc__intent_t *intent, int up)
{
    apr_uint64_t refs, count;
    while (!refs_performed(block, thread, intent, &refs)) {
        count = REFS_COUNT(refs);
        if (count == 0 || (up && count == REFS_MAX) ||
            !block_is(block, atomic_load(&intent->handle))) {
            return 0;
        }
        refs_help(block, refs);
        count = up ? count + 1 : count - 1;
        if (atomic_compare_exchange_strong(
                &block->refs, &refs, count << 43 | refs_tag(thread, intent))) {
            return 1;
        }
    }
    return 1;
}

/* The block that a handle names, when it is live. */
static mproc__block_t *
block_live(mproc__handle_t handle)
{
    apr_uint64_t chunk = mproc__chunk_identity(handle);
    mproc__block_t *block = mproc__chunk_block(handle);
    /* The chunk must be the same before and after: in between it could have
     * been given back, and what was read be somebody's data. */
    return block != NULL && block_is(block, handle) &&
                   mproc__chunk_identity(handle) == chunk
               ? block
               : NULL;
}

/* ------------------------------------------------------------------- alloc */

/* Take the block that the intent names. Having said so in the intent, look
 * at the chunk: it is not retired while the intent stands. */
static mproc__block_t *
alloc_take(const mproc__thread_t *thread, mproc__intent_t *intent,
           apr_uint64_t bytes, mproc_kind_e kind)
{
    mproc__handle_t handle = atomic_load(&intent->handle);
    mproc__block_t *block = mproc__chunk_ready(handle, bytes);
    apr_uint64_t word;

    if (block == NULL) {
        return NULL;
    }
    word = atomic_load(&block->word);
    if (BLOCK_STATE(word) != BLOCK_FREE ||
        !atomic_compare_exchange_strong(
            &block->word, &word,
            (apr_uint64_t)BLOCK_GENERATION(word) << 32 |
                (apr_uint64_t)thread_index(thread) << 16 |
                (apr_uint64_t)kind << 8 | BLOCK_TAKEN)) {
        return NULL;
    }
    atomic_store(&intent->handle,
                 MPROC__HANDLE(MPROC__PLACE(handle), BLOCK_GENERATION(word)));
    return block;
}

/* How many bytes of a new payload are zeroed. */
static apr_uint64_t
block_zeroed(mproc__handle_t handle, apr_uint64_t bytes, mproc_kind_e kind)
{
    switch (kind) {
    case MPROC_KIND_BYTES:
    case MPROC_KIND_CELLS:
        return 0;
    case MPROC_KIND_ITEM:
        /* Its maker fills it, but until then it must have no holds. */
        return sizeof(mproc__holder_t);
    case MPROC_KIND_SEGMENT:
        return mproc__chunk_block_size(handle) - sizeof(mproc__block_t);
    default:
        return bytes - sizeof(mproc__block_t);
    }
}

static apr_status_t
block_alloc(mproc__thread_t *thread, mproc__hold_t *hold, apr_uint64_t bytes,
            mproc_kind_e kind)
{
    mproc__intent_t *intent;
    mproc__block_t *block;
    mproc__handle_t handle;
    apr_status_t rv;

    for (;;) {
        rv = mproc__chunk_find(thread, bytes, &handle);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        intent = intent_open(thread, MPROC__OP_ALLOC, hold, handle);
        if (intent == NULL) {
            return APR_ENOMEM;
        }
        block = alloc_take(thread, intent, bytes, kind);
        mproc__chunk_hint_taken(handle);
        if (block != NULL) {
            break;
        }
        mproc__intent_end(thread);
    }
    handle = atomic_load(&intent->handle);
    memset(block_payload(block), 0, block_zeroed(handle, bytes, kind));
    atomic_store(&block->refs,
                 APR_UINT64_C(1) << 43 | refs_tag(thread, intent));
    atomic_store(hold, handle);
    atomic_store(&block->word, (apr_uint64_t)MPROC__GENERATION(handle) << 32 |
                                   (apr_uint64_t)kind << 8 | BLOCK_LIVE);
    mproc__intent_end(thread);
    return APR_SUCCESS;
}

/* Undo an alloc that did not come to LIVE. */
static void
alloc_recover(const mproc__thread_t *thread, const mproc__intent_t *intent)
{
    mproc__handle_t handle = atomic_load(&intent->handle);
    apr_uint64_t chunk = mproc__chunk_identity(handle), word;
    mproc__block_t *block = mproc__chunk_block(handle);

    if (block == NULL) {
        return;
    }
    word = atomic_load(&block->word);
    if (mproc__chunk_identity(handle) != chunk) {
        return; /* With a block taken, the chunk would have stayed. */
    }
    if (BLOCK_STATE(word) == BLOCK_TAKEN &&
        BLOCK_OWNER(word) == thread_index(thread)) {
        atomic_store(hold_at(intent->hold), 0);
        atomic_store(&block->word, (apr_uint64_t)(BLOCK_GENERATION(word) + 1)
                                       << 32);
    }
    if (BLOCK_STATE(atomic_load(&block->word)) == BLOCK_FREE) {
        mproc__chunk_hint_free(handle);
    }
}

/* -------------------------------------------------------------------- drop */

#define DEEP 4 /* beneath it a segment, and what is buried */

/* Bury a block that nobody holds. Can be run again. */
static void
drop_bury(mproc__thread_t *thread, mproc__block_t *block,
          mproc__handle_t handle)
{
    mproc__handle_t top = atomic_load(&thread->buried);
    mproc__holder_t *holder = block_payload(block);

    if (top != handle) {
        holder->buried = (apr_uint32_t)MPROC__PLACE(top);
        atomic_store(&thread->buried, handle);
    }
}

/* When a connection's end is freed, those are to be told who wait in its
 * queues: where they sleep. Returns how many places. */
static int
end_words(mproc__block_t *block, void *words[4])
{
    mproc__holder_t *holder = block_payload(block);
    int count = 0, i;

    if (BLOCK_KIND(atomic_load(&block->word)) != MPROC_KIND_CONNECTION) {
        return 0;
    }
    for (i = 0; i < 2; i++) {
        mproc__ring_t *ring =
            mproc__arena_at(mproc__hold_handle(&holder->hold[i]));
        if (ring != NULL) {
            words[count++] = (void *)&ring->items;
            words[count++] = (void *)&ring->space;
        }
    }
    return count;
}

/* A listener that has not closed what it had is dead. */
static void
folder_remove(mproc__block_t *block)
{
    mproc__folder_t *folder = block_payload(block);

    if (BLOCK_KIND(atomic_load(&block->word)) == MPROC_KIND_LISTENER &&
        atomic_load(&folder->noted)) {
        mproc_plat_net_folder_remove(folder->path);
    }
}

/* Free a block that nobody holds. */
static void
drop_free(mproc__thread_t *thread, mproc__block_t *block,
          mproc__handle_t handle)
{
    apr_uint64_t word = atomic_load(&block->word);
    void *words[4];
    int count = end_words(block, words), i;

    folder_remove(block);
    mproc__holds_drop(thread, BLOCK_KIND(word), block_payload(block),
                      mproc__chunk_block_size(handle) - sizeof *block);
    atomic_store(&block->word, (apr_uint64_t)(BLOCK_GENERATION(word) + 1)
                                   << 32);
    for (i = 0; i < count; i++) {
        mproc__unpark(words[i], MPROC__ALL);
    }
}

/* The hints for a block that was freed, if it was. */
static int
drop_hint(mproc__handle_t handle)
{
    mproc__block_t *block = mproc__chunk_block(handle);

    return block != NULL &&
           BLOCK_STATE(atomic_load(&block->word)) == BLOCK_FREE &&
           mproc__chunk_hint_free(handle);
}

/* Count the hold off. Can be run again by a recoverer, from any step. Returns
 * 1 when the block's chunk could be retired. */
static int
drop_run(mproc__thread_t *thread, mproc__intent_t *intent)
{
    mproc__handle_t handle = atomic_load(&intent->handle);
    mproc__block_t *block = block_live(handle);
    apr_uint64_t refs;
    int idle;

    if (block != NULL) {
        refs_change(block, thread, intent, 0);
        refs = atomic_load(&block->refs);
        /* Nobody changes a count of 0, so this tag tells who frees. */
        if (REFS_COUNT(refs) == 0 &&
            (refs & REFS_TAG) == refs_tag(thread, intent)) {
            if (intent - thread->intent >= DEEP &&
                mproc__kind_is_holder(BLOCK_KIND(atomic_load(&block->word)))) {
                drop_bury(thread, block, handle);
            }
            else {
                drop_free(thread, block, handle);
            }
        }
    }
    idle = drop_hint(handle);
    atomic_store(hold_at(intent->hold), 0);
    return idle;
}

/* Free a block that was buried. Can be run again by a recoverer, from any
 * step. */
static int
buried_run(mproc__thread_t *thread, mproc__intent_t *intent)
{
    mproc__handle_t handle = atomic_load(&intent->handle), next;
    mproc__block_t *block = block_live(handle), *other;
    mproc__holder_t *holder;

    if (block != NULL) {
        holder = block_payload(block);
        next = MPROC__HANDLE(holder->buried, 0);
        if (atomic_load(&thread->buried) == handle) {
            other = next == 0 ? NULL : mproc__chunk_block(next);
            atomic_store(&thread->buried,
                         other == NULL ? 0
                                       : next | BLOCK_GENERATION(
                                                    atomic_load(&other->word)));
        }
        drop_free(thread, block, handle);
    }
    return drop_hint(handle);
}

void
mproc__block_unearth(mproc__thread_t *thread)
{
    mproc__handle_t handle;

    if (atomic_load_explicit(&thread->depth, memory_order_relaxed) != 0) {
        return;
    }
    while ((handle = atomic_load(&thread->buried)) != 0) {
        mproc__intent_t *intent = intent_open(thread, MPROC__OP_BURIED,
                                              mproc__arena_address(0), handle);
        int idle = buried_run(thread, intent);

        mproc__intent_end(thread);
        if (idle) {
            mproc__chunk_retire(thread, handle);
        }
    }
}

void
mproc__block_release(mproc__thread_t *thread, mproc__hold_t *hold)
{
    mproc__handle_t handle = atomic_load(hold);
    mproc__intent_t *intent;
    int idle;

    if (handle == 0) {
        return;
    }
    intent = intent_open(thread, MPROC__OP_DROP, hold, handle);
    if (intent == NULL) {
        return;
    }
    idle = drop_run(thread, intent);
    mproc__intent_end(thread);
    if (idle) {
        mproc__chunk_retire(thread, handle);
    }
    mproc__block_unearth(thread);
}

/* -------------------------------------------------------------------- hold */

static apr_status_t
block_hold(mproc__thread_t *thread, mproc__hold_t *hold, mproc__handle_t handle)
{
    mproc__intent_t *intent = intent_open(thread, MPROC__OP_HOLD, hold, handle);
    mproc__block_t *block;
    apr_status_t rv = APR_SUCCESS;

    if (intent == NULL) {
        return APR_ENOMEM;
    }
    block = block_live(handle);
    if (block != NULL && refs_change(block, thread, intent, 1)) {
        atomic_store(hold, handle);
    }
    else if (block != NULL &&
             REFS_COUNT(atomic_load(&block->refs)) == REFS_MAX) {
        rv = APR_ENOMEM;
    }
    else {
        rv = MPROC_ESTALE;
    }
    mproc__intent_end(thread);
    return rv;
}

/* Finish a hold that was counted; one that was not never happened. */
static void
hold_recover(const mproc__thread_t *thread, const mproc__intent_t *intent)
{
    mproc__handle_t handle = atomic_load(&intent->handle);
    mproc__block_t *block = block_live(handle);
    apr_uint64_t refs;
    if (block != NULL && refs_performed(block, thread, intent, &refs)) {
        atomic_store(hold_at(intent->hold), handle);
    }
}

/* --------------------------------------------------------------- recovery */

void
mproc__block_recover(mproc__thread_t *thread)
{
    int level;
    for (level = MPROC__LEVELS - 1; level >= 0; level--) {
        mproc__intent_t *intent = &thread->intent[level];
        apr_uint32_t op = atomic_load(&intent->op);

        if (op == MPROC__OP_NONE) {
            continue;
        }
        /* What the recovery begins itself goes one level deeper. */
        atomic_store(&thread->depth, (apr_uint32_t)level + 1);
        switch (op) {
        case MPROC__OP_ALLOC:
            alloc_recover(thread, intent);
            break;
        case MPROC__OP_HOLD:
            hold_recover(thread, intent);
            break;
        case MPROC__OP_DROP:
            drop_run(thread, intent);
            break;
        case MPROC__OP_BURIED:
            buried_run(thread, intent);
            break;
        case MPROC__OP_PUT:
        case MPROC__OP_GET:
            mproc__ring_recover(thread, intent, op == MPROC__OP_PUT);
            break;
        default:
            mproc__chunk_recover(thread, intent);
            break;
        }
        atomic_store(&intent->op, MPROC__OP_NONE);
    }
    atomic_store(&thread->depth, 0);
    mproc__block_unearth(thread);
}

/* ------------------------------------------------------------- what is used */

static apr_status_t
no_thread(void)
{
    return mproc__fail(APR_ENOMEM,
                       "this thread could not be registered in the shared "
                       "arena: %d threads are, or memory is short; end some "
                       "threads or processes",
                       MPROC__THREADS);
}

apr_status_t
mproc__arena_alloc(mproc__hold_t *hold, apr_uint64_t size, mproc_kind_e kind)
{
    mproc__thread_t *thread = mproc__thread_self();
    apr_status_t rv;

    if (thread == NULL) {
        return no_thread();
    }
    if (size > MPROC__BLOCK_MAX - sizeof(mproc__block_t)) {
        return mproc__fail(
            APR_ENOMEM,
            "a block of %" APR_UINT64_T_FMT
            " bytes was asked for, the largest has %" APR_UINT64_T_FMT
            "; use several",
            size, MPROC__BLOCK_MAX - sizeof(mproc__block_t));
    }
    rv = block_alloc(thread, hold, size + sizeof(mproc__block_t), kind);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "the shared arena has no room for %" APR_UINT64_T_FMT
                           " bytes more: the machine, a limit or the arena's "
                           "%" APR_UINT64_T_FMT
                           " bytes are used up; free some objects",
                           size, mproc__arena.map.size);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__arena_hold(mproc__hold_t *hold, mproc__handle_t handle)
{
    mproc__thread_t *thread = mproc__thread_self();
    apr_status_t rv;

    if (thread == NULL) {
        return no_thread();
    }
    rv = block_hold(thread, hold, handle);
    if (rv == MPROC_ESTALE) {
        return mproc__fail(rv,
                           "the handle %" APR_UINT64_T_HEX_FMT
                           " names no object of this process tree that still "
                           "exists; keep an object until its receiver has it",
                           handle);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "the object %" APR_UINT64_T_HEX_FMT
                           " has as many references as fit; drop some",
                           handle);
    }
    return APR_SUCCESS;
}

void
mproc__arena_release(mproc__hold_t *hold)
{
    mproc__thread_t *thread = mproc__thread_self();
    if (thread != NULL) {
        mproc__block_release(thread, hold);
    }
}

mproc__handle_t
mproc__hold_handle(const mproc__hold_t *hold)
{
    return atomic_load(hold);
}

void *
mproc__arena_at(mproc__handle_t handle)
{
    mproc__block_t *block = block_live(handle);
    return block == NULL ? NULL : block_payload(block);
}

mproc_kind_e
mproc__arena_kind(mproc__handle_t handle)
{
    mproc__block_t *block = block_live(handle);
    return block == NULL ? MPROC_KIND_NONE
                         : BLOCK_KIND(atomic_load(&block->word));
}

apr_uint64_t
mproc__arena_holds(mproc__handle_t handle)
{
    mproc__block_t *block = block_live(handle);
    return block == NULL ? 0 : REFS_COUNT(atomic_load(&block->refs));
}

apr_uint64_t
mproc__arena_room(mproc__handle_t handle)
{
    return block_live(handle) == NULL
               ? 0
               : mproc__chunk_block_size(handle) - sizeof(mproc__block_t);
}
