/*
 * chunk.c: where blocks come from: regions, chunks, spans, and the hints.
 *
 * The truth about a chunk is its word:
 *
 *   FREE -> TAKEN(thread) -> READY(class) -> RETIRING(thread) -> TAKEN -> FREE
 *
 * and BODY for the chunks of a span behind its first. Each arrow is one
 * compare-and-swap; TAKEN and RETIRING name the thread that is at it, and that
 * thread's intent names the chunks, so whoever recovers a dead thread can
 * tell what was its own, and undoes or completes it. Invariant: a chunk that
 * is TAKEN or RETIRING is named by an intent of the thread in its word.
 *
 * Free blocks and chunks are found by hints: bits in three steps (summary ->
 * region -> chunk), each of which says "look here". A hint may be wrong:
 * who finds nothing clears it and looks once more (so a bit that was set in
 * between is set again), who frees something sets it from below to above.
 * The death of a thread between two of these steps can lose a hint; recovery
 * therefore makes them anew from the words below (mproc__chunk_rehint).
 *
 * A chunk of free blocks is given back by marking each block RETIRED, so
 * that nobody takes one, and then looking whether an intent names a block in
 * it: who wants a block says so in its intent before it looks at the chunk's
 * word, who retires sets the word before it looks at the intents (a hazard
 * pointer: M. Michael, "Hazard Pointers", 2004). Who comes with a handle that
 * may be stale compares the chunk's identity before and after it looked. All
 * sequentially consistent.
 */
#include "chunk.h"

#include <mproc/error.h>

#define SPAN_KEEP ((apr_uint64_t)8 << 20) /* larger ones go back at once */

/* ----------------------------------------------------------- runs of chunks */

static apr_status_t
region_open(void)
{
    mproc__header_t *header = mproc__arena.header;
    apr_uint64_t region = atomic_load(&header->regions_open);
    apr_uint64_t offset, i;
    apr_status_t rv;

    if (region >= header->regions) {
        return APR_ENOMEM;
    }
    offset =
        (apr_uint64_t)((char *)mproc__region(region) - mproc__arena.map.base);
    rv = mproc_plat_map_commit(
        &mproc__arena.map, offset / MPROC__CHUNK * MPROC__CHUNK, MPROC__CHUNK);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Who loses this race finds the region open, which is as good. */
    if (atomic_compare_exchange_strong(&header->regions_open, &region,
                                       region + 1)) {
        for (i = 0; i < MPROC__REGION_CHUNKS; i++) {
            apr_uint64_t chunk = region * MPROC__REGION_CHUNKS + i;
            if (mproc__chunk_has_free(0, chunk)) {
                mproc__hint_set(0, chunk);
            }
        }
    }
    return APR_SUCCESS;
}

/* The first run of `count` chunks that seem free. */
static apr_uint64_t
run_find(apr_uint64_t count)
{
    apr_uint64_t limit = chunk_limit(), run = 0, i = 0;
    while (i < limit) {
        apr_uint64_t leaf =
            atomic_load(&mproc__region(i / MPROC__REGION_CHUNKS)->free[0]);
        if (i % MPROC__REGION_CHUNKS == 0 && leaf == 0) {
            run = 0;
            i += MPROC__REGION_CHUNKS;
            continue;
        }
        run = leaf >> i % MPROC__REGION_CHUNKS & 1 ? run + 1 : 0;
        i++;
        if (run == count) {
            return i - count;
        }
    }
    return NOWHERE;
}

void
mproc__run_release(mproc__thread_t *thread, apr_uint64_t first,
                   apr_uint64_t count)
{
    apr_uint64_t i;
    for (i = first; i < first + count; i++) {
        mproc__word_t *word = &mproc__chunk(i)->word;
        apr_uint64_t old = atomic_load(word);
        if (chunk_is_taken_by(old, thread, CHUNK_TAKEN)) {
            atomic_store(word, CHUNK_GENERATION(old) | (old & CHUNK_COMMITTED) |
                                   CHUNK_FREE);
        }
        if (CHUNK_STATE(atomic_load(word)) == CHUNK_FREE) {
            mproc__hint_set(0, i);
        }
    }
}

/* Take every chunk of a run, or none. */
static int
run_take(mproc__thread_t *thread, apr_uint64_t first, apr_uint64_t count,
         int *committed)
{
    apr_uint64_t i;
    *committed = 1;
    for (i = first; i < first + count; i++) {
        mproc__word_t *word = &mproc__chunk(i)->word;
        apr_uint64_t old = atomic_load(word);
        if (CHUNK_STATE(old) != CHUNK_FREE ||
            !atomic_compare_exchange_strong(
                word, &old, chunk_taken_by(old, thread, CHUNK_TAKEN))) {
            mproc__hint_clear(0, i);
            mproc__run_release(thread, first, i - first);
            return 0;
        }
        mproc__hint_clear(0, i);
        *committed = *committed && (old & CHUNK_COMMITTED);
    }
    return 1;
}

/* Make a taken run what it was taken for. Can be run again. */
static void
run_publish(mproc__thread_t *thread, mproc__intent_t *intent)
{
    apr_uint64_t first = intent->first, i;
    unsigned index = intent->class_index, blocks = mproc__class_blocks(index);
    mproc__chunk_t *chunk = mproc__chunk(first);
    apr_uint64_t word = atomic_load(&chunk->word);

    if (chunk_is_taken_by(word, thread, CHUNK_TAKEN)) {
        for (i = 0; i < blocks; i++) {
            mproc__block_t *block = chunk_block(first, index, (unsigned)i);
            atomic_store_explicit(&block->refs, 0, memory_order_relaxed);
            atomic_store_explicit(&block->word, CHUNK_GENERATION(word),
                                  memory_order_relaxed);
        }
        for (i = 1; i < intent->count; i++) {
            mproc__word_t *body = &mproc__chunk(first + i)->word;
            apr_uint64_t old = atomic_load(body);
            if (chunk_is_taken_by(old, thread, CHUNK_TAKEN)) {
                atomic_store(body, CHUNK_GENERATION(old) | CHUNK_COMMITTED |
                                       CHUNK_BODY);
            }
        }
        for (i = 0; i < MPROC__CHUNK_WORDS; i++) {
            atomic_store(&chunk->free[i],
                         mproc__class_bits(index, (unsigned)i));
        }
        atomic_store(&chunk->word, CHUNK_GENERATION(word) | CHUNK_COMMITTED |
                                       (apr_uint64_t)index << 8 | CHUNK_READY);
    }
    mproc__hint_set(index, first);
}

/* Find and take a run; the intent says which. */
static apr_status_t
run_claim(mproc__thread_t *thread, mproc__intent_t *intent,
          unsigned class_index)
{
    int committed;
    apr_status_t rv;

    intent->class_index = class_index;
    intent->count = mproc__class_chunks(class_index);
    do {
        apr_uint64_t first;
        while ((first = run_find(intent->count)) == NOWHERE) {
            rv = region_open();
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        atomic_store(&intent->first, first);
        atomic_store(&intent->op, MPROC__OP_CLAIM);
    } while (!run_take(thread, intent->first, intent->count, &committed));

    if (committed) {
        return APR_SUCCESS;
    }
    rv = mproc_plat_map_commit(&mproc__arena.map,
                               mproc__arena.data_offset +
                                   intent->first * MPROC__CHUNK,
                               intent->count * MPROC__CHUNK);
    if (rv != APR_SUCCESS) {
        mproc__run_release(thread, intent->first, intent->count);
    }
    return rv;
}

/* One more chunk, or span, of a class. */
static apr_status_t
chunk_make(mproc__thread_t *thread, unsigned class_index)
{
    mproc__intent_t *intent = mproc__intent_begin(thread);
    apr_status_t rv;
    if (intent == NULL) {
        return APR_ENOMEM;
    }
    rv = run_claim(thread, intent, class_index);
    if (rv == APR_SUCCESS) {
        atomic_store(&intent->op, MPROC__OP_PUBLISH);
        run_publish(thread, intent);
    }
    mproc__intent_end(thread);
    return rv;
}

/* ----------------------------------------------------------------- blocks */

static int
chunk_pick(mproc__thread_t *thread, apr_uint64_t index, unsigned class_index,
           apr_uint64_t *handle)
{
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word);
    unsigned words = (mproc__class_blocks(class_index) + 63) / 64, i;

    if (CHUNK_STATE(word) != CHUNK_READY || CHUNK_CLASS(word) != class_index) {
        return 0;
    }
    for (i = 0; i < words; i++) {
        /* Threads begin at different words, to stay out of each other's. */
        unsigned at = (i + thread_index(thread)) % words;
        apr_uint64_t free =
            atomic_load(&chunk->free[at]) & mproc__class_bits(class_index, at);
        if (free != 0) {
            unsigned block = at * 64 + (unsigned)__builtin_ctzll(free);
            *handle = MPROC__HANDLE(chunk_place(index, class_index, block), 0);
            return 1;
        }
    }
    return 0;
}

apr_status_t
mproc__chunk_find(mproc__thread_t *thread, apr_uint64_t bytes,
                  apr_uint64_t *handle)
{
    unsigned class_index = mproc__class_for(bytes);
    int pressed = 0;

    for (;;) {
        apr_uint64_t chunk = mproc__hint_find(class_index);
        apr_status_t rv;
        if (chunk != NOWHERE) {
            if (chunk_pick(thread, chunk, class_index, handle)) {
                return APR_SUCCESS;
            }
            mproc__hint_clear(class_index, chunk);
            continue;
        }
        rv = chunk_make(thread, class_index);
        if (rv != APR_SUCCESS) {
            if (pressed) {
                return rv;
            }
            pressed = 1;
            mproc__retire_all(thread);
        }
    }
}

void
mproc__chunk_hint_taken(apr_uint64_t handle)
{
    apr_uint64_t place = MPROC__PLACE(handle);
    apr_uint64_t index = place_chunk(place);
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word), bit;
    unsigned class_index = CHUNK_CLASS(word), block;

    if (CHUNK_STATE(word) != CHUNK_READY) {
        return;
    }
    block = place_block(place, class_index);
    if (block >= mproc__class_blocks(class_index)) {
        return; /* The chunk has become one of another class. */
    }
    bit = (apr_uint64_t)1 << block % 64;
    atomic_fetch_and(&chunk->free[block / 64], ~bit);
    if (BLOCK_STATE(atomic_load(
            &chunk_block(index, class_index, block)->word)) == BLOCK_FREE) {
        /* Free again: somebody may have cleared the hints above meanwhile. */
        atomic_fetch_or(&chunk->free[block / 64], bit);
        mproc__hint_set(class_index, index);
    }
    if (!mproc__chunk_has_free(class_index, index)) {
        mproc__hint_clear(class_index, index);
    }
}

int
mproc__chunk_hint_free(apr_uint64_t handle)
{
    apr_uint64_t place = MPROC__PLACE(handle);
    apr_uint64_t index = place_chunk(place);
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word), others, bits;
    unsigned class_index = CHUNK_CLASS(word), block, blocks, free = 0, i;

    if (CHUNK_STATE(word) != CHUNK_READY &&
        CHUNK_STATE(word) != CHUNK_RETIRING) {
        return 0;
    }
    block = place_block(place, class_index);
    blocks = mproc__class_blocks(class_index);
    if (block >= blocks) {
        return 0; /* The chunk has become one of another class. */
    }
    bits = atomic_fetch_or(&chunk->free[block / 64],
                           (apr_uint64_t)1 << block % 64);
    mproc__hint_set(class_index, index);

    if (mproc__class_is_span(class_index)) {
        return mproc__class_size(class_index) > SPAN_KEEP;
    }
    /* Keep one idle chunk: another of the class must have room. The first
     * look is cheap and nearly always enough. */
    if ((bits | (apr_uint64_t)1 << block % 64) !=
        (blocks >= block / 64 * 64 + 64
             ? ~APR_UINT64_C(0)
             : ((apr_uint64_t)1 << blocks % 64) - 1)) {
        return 0;
    }
    others = atomic_load(
        &mproc__region(index / MPROC__REGION_CHUNKS)->free[class_index]);
    if ((others & (others - 1)) == 0) {
        return 0;
    }
    for (i = 0; i < MPROC__CHUNK_WORDS; i++) {
        free += (unsigned)__builtin_popcountll(atomic_load(&chunk->free[i]));
    }
    return free == blocks;
}

apr_uint64_t
mproc__chunk_identity(apr_uint64_t handle)
{
    apr_uint64_t place = MPROC__PLACE(handle), index, word;
    if (place * MPROC__UNIT < mproc__arena.data_offset) {
        return 0;
    }
    index = place_chunk(place);
    if (index >= chunk_limit()) {
        return 0;
    }
    word = atomic_load(&mproc__chunk(index)->word);
    return CHUNK_GENERATION(word) | (apr_uint64_t)CHUNK_CLASS(word) << 8;
}

mproc__block_t *
mproc__chunk_ready(apr_uint64_t handle, apr_uint64_t bytes)
{
    apr_uint64_t index = place_chunk(MPROC__PLACE(handle)), word;
    if (index >= chunk_limit()) {
        return NULL;
    }
    word = atomic_load(&mproc__chunk(index)->word);
    if (CHUNK_STATE(word) != CHUNK_READY ||
        mproc__class_size(CHUNK_CLASS(word)) < bytes) {
        return NULL;
    }
    return mproc__chunk_block(handle);
}

mproc__block_t *
mproc__chunk_block(apr_uint64_t handle)
{
    apr_uint64_t place = MPROC__PLACE(handle), index, word, begin;
    unsigned class_index;

    if (place * MPROC__UNIT < mproc__arena.data_offset) {
        return NULL;
    }
    index = place_chunk(place);
    if (index >= chunk_limit()) {
        return NULL;
    }
    word = atomic_load(&mproc__chunk(index)->word);
    class_index = CHUNK_CLASS(word);
    if ((CHUNK_STATE(word) != CHUNK_READY &&
         CHUNK_STATE(word) != CHUNK_RETIRING) ||
        class_index == 0 || class_index >= MPROC__CLASSES) {
        return NULL;
    }
    begin = (place - chunk_place(index, class_index, 0)) * MPROC__UNIT;
    if (begin % mproc__class_size(class_index) != 0 ||
        begin / mproc__class_size(class_index) >=
            mproc__class_blocks(class_index)) {
        return NULL;
    }
    return (mproc__block_t *)(mproc__arena.map.base + place * MPROC__UNIT);
}

mproc_kind_e
mproc__chunk_kind(apr_uint64_t offset)
{
    apr_uint64_t place = offset / MPROC__UNIT, first, index;
    mproc__block_t *block;
    unsigned class_index;

    if (offset < mproc__arena.data_offset ||
        (index = place_chunk(place)) >= chunk_limit()) {
        return MPROC_KIND_NONE;
    }
    class_index = CHUNK_CLASS(atomic_load(&mproc__chunk(index)->word));
    if (class_index == 0 || class_index >= MPROC__CLASSES) {
        return MPROC_KIND_NONE;
    }
    first = chunk_place(index, class_index, place_block(place, class_index));
    block = mproc__chunk_block(MPROC__HANDLE(first, 0));
    return block != NULL ? BLOCK_KIND(atomic_load(&block->word))
                         : MPROC_KIND_NONE;
}

apr_uint64_t
mproc__chunk_block_size(apr_uint64_t handle)
{
    apr_uint64_t index = place_chunk(MPROC__PLACE(handle));
    return mproc__class_size(
        CHUNK_CLASS(atomic_load(&mproc__chunk(index)->word)));
}

void
mproc__chunk_recover(mproc__thread_t *thread, mproc__intent_t *intent)
{
    switch (atomic_load(&intent->op)) {
    case MPROC__OP_CLAIM:
        mproc__run_release(thread, intent->first, intent->count);
        break;
    case MPROC__OP_PUBLISH:
        run_publish(thread, intent);
        break;
    case MPROC__OP_RETIRE:
        mproc__retire_undo(thread, intent->first);
        break;
    case MPROC__OP_SCATTER:
        mproc__retire_scatter(thread, intent);
        break;
    default:
        break;
    }
}

/* ----------------------------------------------------------------- census */

void
mproc__chunk_walk(void (*each)(mproc__block_t *block, apr_uint64_t bytes,
                               void *baton),
                  void *baton)
{
    apr_uint64_t index, limit = chunk_limit();
    for (index = 0; index < limit; index++) {
        apr_uint64_t word = atomic_load(&mproc__chunk(index)->word);
        unsigned class_index = CHUNK_CLASS(word), i;
        if (CHUNK_STATE(word) != CHUNK_READY &&
            CHUNK_STATE(word) != CHUNK_RETIRING) {
            continue;
        }
        for (i = 0; i < mproc__class_blocks(class_index); i++) {
            each(chunk_block(index, class_index, i),
                 mproc__class_size(class_index), baton);
        }
    }
}

apr_uint64_t
mproc__chunk_committed(void)
{
    apr_uint64_t i, limit = chunk_limit(), bytes = 0;
    for (i = 0; i < limit; i++) {
        if (atomic_load(&mproc__chunk(i)->word) & CHUNK_COMMITTED) {
            bytes += MPROC__CHUNK;
        }
    }
    return bytes;
}
