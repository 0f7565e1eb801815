/*
 * retire.c: chunks whose blocks are all free go back, to serve another size
 * or another use of the machine. The protocol stands in chunk.c.
 */
#include "chunk.h"

/* Whether somebody else has said that it wants a block of the chunk. */
static int
chunk_is_wanted(const mproc__thread_t *self, apr_uint64_t index)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    apr_uint64_t count = mproc__class_chunks(
        CHUNK_CLASS(atomic_load(&mproc__chunk(index)->word)));
    int level;
    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        for (level = 0; thread != self && level < MPROC__LEVELS; level++) {
            mproc__intent_t *intent = &thread->intent[level];
            apr_uint32_t op = atomic_load(&intent->op);
            apr_uint64_t place = MPROC__PLACE(atomic_load(&intent->handle));
            if ((op == MPROC__OP_ALLOC || op == MPROC__OP_HOLD ||
                 op == MPROC__OP_DROP || op == MPROC__OP_BURIED) &&
                place * MPROC__UNIT >= mproc__arena.data_offset &&
                place_chunk(place) >= index &&
                place_chunk(place) < index + count) {
                return 1;
            }
        }
    }
    return 0;
}

void
mproc__retire_undo(mproc__thread_t *thread, apr_uint64_t index)
{
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word);
    unsigned class_index = CHUNK_CLASS(word), i;

    if (!chunk_is_taken_by(word, thread, CHUNK_RETIRING)) {
        return;
    }
    for (i = 0; i < mproc__class_blocks(class_index); i++) {
        mproc__block_t *block = chunk_block(index, class_index, i);
        apr_uint64_t old = atomic_load(&block->word);
        /* The hint first: a death in between must not lose it. */
        if (BLOCK_STATE(old) == BLOCK_RETIRED) {
            atomic_fetch_or(&chunk->free[i / 64], (apr_uint64_t)1 << i % 64);
            atomic_store(&block->word, CHUNK_GENERATION(old));
        }
    }
    atomic_store(&chunk->word, CHUNK_GENERATION(word) | CHUNK_COMMITTED |
                                   (apr_uint64_t)class_index << 8 |
                                   CHUNK_READY);
    mproc__hint_set(class_index, index);
}

void
mproc__retire_scatter(mproc__thread_t *thread, mproc__intent_t *intent)
{
    apr_uint64_t first = intent->first, i;
    mproc__word_t *head = &mproc__chunk(first)->word;
    apr_uint64_t word = atomic_load(head);
    unsigned class_index = intent->class_index;

    if (chunk_is_taken_by(word, thread, CHUNK_RETIRING)) {
        /* Generations go on where the blocks' have come to. The decommit
         * may come twice, so the highest is kept in the intent. */
        if (intent->hold == 0) {
            apr_uint64_t top = 0;
            for (i = 0; i < mproc__class_blocks(class_index); i++) {
                apr_uint64_t old = atomic_load(
                    &chunk_block(first, class_index, (unsigned)i)->word);
                top = old > top ? old : top;
            }
            intent->hold = CHUNK_GENERATION(top) + (APR_UINT64_C(1) << 32);
        }
        atomic_signal_fence(memory_order_seq_cst);
        word = intent->hold | (word & 0xffffffff);
        if (mproc_plat_map_decommit(&mproc__arena.map,
                                    mproc__arena.data_offset +
                                        first * MPROC__CHUNK,
                                    intent->count * MPROC__CHUNK)) {
            word &= ~CHUNK_COMMITTED;
        }
        for (i = 1; i < intent->count; i++) {
            mproc__word_t *body = &mproc__chunk(first + i)->word;
            apr_uint64_t old = atomic_load(body);
            atomic_store(body, CHUNK_GENERATION(old) |
                                   (chunk_taken_by(word, thread, CHUNK_TAKEN) &
                                    0xffffffff));
        }
        atomic_store(head, chunk_taken_by(word, thread, CHUNK_TAKEN));
    }
    mproc__run_release(thread, first, intent->count);
}

/* Mark every block RETIRED; 0 when one is in use. */
static int
retire_mark(apr_uint64_t index, unsigned class_index)
{
    unsigned i;
    for (i = 0; i < mproc__class_blocks(class_index); i++) {
        mproc__word_t *word = &chunk_block(index, class_index, i)->word;
        apr_uint64_t old = atomic_load(word);
        if (BLOCK_STATE(old) != BLOCK_FREE ||
            !atomic_compare_exchange_strong(
                word, &old, CHUNK_GENERATION(old) | BLOCK_RETIRED)) {
            return 0;
        }
    }
    return 1;
}

void
mproc__retire(mproc__thread_t *thread, apr_uint64_t index)
{
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word);
    unsigned class_index = CHUNK_CLASS(word);
    mproc__intent_t *intent = mproc__intent_begin(thread);

    if (intent == NULL) {
        return;
    }
    atomic_store(&intent->first, index);
    intent->class_index = class_index;
    intent->count = mproc__class_chunks(class_index);
    intent->hold = 0;
    atomic_store(&intent->op, MPROC__OP_RETIRE);
    if (CHUNK_STATE(word) == CHUNK_READY &&
        atomic_compare_exchange_strong(
            &chunk->word, &word,
            chunk_taken_by(word, thread, CHUNK_RETIRING))) {
        if (retire_mark(index, class_index) &&
            !chunk_is_wanted(thread, index)) {
            atomic_store(&intent->op, MPROC__OP_SCATTER);
            mproc__retire_scatter(thread, intent);
        }
        else {
            mproc__retire_undo(thread, index);
        }
    }
    mproc__intent_end(thread);
}

void
mproc__retire_all(mproc__thread_t *thread)
{
    apr_uint64_t i, limit = chunk_limit();
    mproc__chunk_rehint();
    for (i = 0; i < limit; i++) {
        if (CHUNK_STATE(atomic_load(&mproc__chunk(i)->word)) == CHUNK_READY) {
            mproc__retire(thread, i);
        }
    }
}

void
mproc__chunk_retire(mproc__thread_t *thread, apr_uint64_t handle)
{
    mproc__retire(thread, place_chunk(MPROC__PLACE(handle)));
}
