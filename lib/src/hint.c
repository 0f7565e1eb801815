/*
 * hint.c: where something free may be found. A hint is a bit that says "look
 * here": summary -> region -> chunk. What makes it safe is said in chunk.c.
 */
#include "chunk.h"

static mproc__word_t *
summary_word(unsigned class_index, apr_uint64_t region)
{
    return mproc__arena.summary + class_index * mproc__arena.summary_words +
           region / 64;
}

void
mproc__hint_set(unsigned class_index, apr_uint64_t chunk)
{
    apr_uint64_t region = chunk / MPROC__REGION_CHUNKS;
    mproc__word_t *leaf = &mproc__region(region)->free[class_index];
    mproc__word_t *summary = summary_word(class_index, region);
    apr_uint64_t bit = (apr_uint64_t)1 << chunk % MPROC__REGION_CHUNKS;

    if (!(atomic_load(leaf) & bit)) {
        atomic_fetch_or(leaf, bit);
    }
    bit = (apr_uint64_t)1 << region % 64;
    if (!(atomic_load(summary) & bit)) {
        atomic_fetch_or(summary, bit);
    }
}

int
mproc__chunk_has_free(unsigned class_index, apr_uint64_t index)
{
    mproc__chunk_t *chunk = mproc__chunk(index);
    apr_uint64_t word = atomic_load(&chunk->word);
    int i;
    if (class_index == 0) {
        return CHUNK_STATE(word) == CHUNK_FREE;
    }
    if (CHUNK_STATE(word) != CHUNK_READY || CHUNK_CLASS(word) != class_index) {
        return 0;
    }
    for (i = 0; i < MPROC__CHUNK_WORDS; i++) {
        if (atomic_load(&chunk->free[i]) &
            mproc__class_bits(class_index, (unsigned)i)) {
            return 1;
        }
    }
    return 0;
}

static void
summary_clear(unsigned class_index, apr_uint64_t region)
{
    mproc__word_t *summary = summary_word(class_index, region);
    apr_uint64_t bit = (apr_uint64_t)1 << region % 64;
    atomic_fetch_and(summary, ~bit);
    if (atomic_load(&mproc__region(region)->free[class_index]) != 0) {
        atomic_fetch_or(summary, bit);
    }
}

void
mproc__hint_clear(unsigned class_index, apr_uint64_t chunk)
{
    apr_uint64_t region = chunk / MPROC__REGION_CHUNKS;
    mproc__word_t *leaf = &mproc__region(region)->free[class_index];
    apr_uint64_t bit = (apr_uint64_t)1 << chunk % MPROC__REGION_CHUNKS;

    if (atomic_fetch_and(leaf, ~bit) == bit) {
        summary_clear(class_index, region);
    }
    if (mproc__chunk_has_free(class_index, chunk)) {
        mproc__hint_set(class_index, chunk);
    }
}

apr_uint64_t
mproc__hint_find(unsigned class_index)
{
    apr_uint64_t i;
    for (i = 0; i < mproc__arena.summary_words; i++) {
        apr_uint64_t word;
        while ((word = atomic_load(summary_word(class_index, i * 64))) != 0) {
            apr_uint64_t region = i * 64 + (unsigned)__builtin_ctzll(word);
            apr_uint64_t leaf =
                atomic_load(&mproc__region(region)->free[class_index]);
            if (leaf != 0) {
                return region * MPROC__REGION_CHUNKS +
                       (unsigned)__builtin_ctzll(leaf);
            }
            summary_clear(class_index, region);
        }
    }
    return NOWHERE;
}

void
mproc__chunk_rehint(void)
{
    apr_uint64_t i, limit = chunk_limit();
    for (i = 0; i < limit; i++) {
        apr_uint64_t word = atomic_load(&mproc__chunk(i)->word);
        unsigned index =
            CHUNK_STATE(word) == CHUNK_READY ? CHUNK_CLASS(word) : 0;
        if ((CHUNK_STATE(word) == CHUNK_READY ||
             CHUNK_STATE(word) == CHUNK_FREE) &&
            mproc__chunk_has_free(index, i)) {
            mproc__hint_set(index, i);
        }
    }
}
