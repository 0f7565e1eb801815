/*
 * chunk.h: what the parts of the block store share: size classes, the word of
 * a chunk, places. The protocol stands in chunk.c.
 */
#ifndef MPROC_SRC_CHUNK_H
#define MPROC_SRC_CHUNK_H

#include "layout.h"
#include "words.h"

enum {
    CHUNK_FREE,
    CHUNK_TAKEN,
    CHUNK_READY,
    CHUNK_BODY,
    CHUNK_RETIRING
};

/* state 0-3, class 8-15, owner 16-28, committed 31, generation 32-63. */
#define CHUNK_STATE(word) ((unsigned)((word)&15))
#define CHUNK_CLASS(word) ((unsigned)((word) >> 8 & 255))
#define CHUNK_OWNER(word) ((unsigned)((word) >> 16 & (MPROC__THREADS - 1)))
#define CHUNK_COMMITTED APR_UINT64_C(0x80000000)
#define CHUNK_GENERATION(word) ((word)&APR_UINT64_C(0xffffffff00000000))

#define NOWHERE (~APR_UINT64_C(0))

/* --------------------------------------------------------- size_class.c */

/* Class 0 stands for free chunks; then the small ones; then spans. */
int mproc__class_is_span(unsigned index);

/* Chunks that a block of the class lies in. */
apr_uint64_t mproc__class_chunks(unsigned index);

/* Bytes of a block of the class, its header included. */
apr_uint64_t mproc__class_size(unsigned index);

/* Blocks in a chunk of the class. */
unsigned mproc__class_blocks(unsigned index);

/* Which bits of a chunk's word of hints stand for blocks. A late hint, of what
 * the chunk was before, may set others. */
apr_uint64_t mproc__class_bits(unsigned index, unsigned word);

/* The smallest class that has room. */
unsigned mproc__class_for(apr_uint64_t bytes);

/* --------------------------------------------------------------- hint.c */

/* "Here is a free block of the class", or, class 0, a free chunk. */
void mproc__hint_set(unsigned class_index, apr_uint64_t chunk);

/* There seemed to be none; looks once more and sets it again if it must. */
void mproc__hint_clear(unsigned class_index, apr_uint64_t chunk);

/* A chunk that has the hint, or NOWHERE. */
apr_uint64_t mproc__hint_find(unsigned class_index);

/* Whether a chunk deserves its hint. */
int mproc__chunk_has_free(unsigned class_index, apr_uint64_t index);

/* -------------------------------------------------------------- chunk.c */

/* Give back what the thread has of a run. Can be run again. */
void mproc__run_release(mproc__thread_t *thread, apr_uint64_t first,
                        apr_uint64_t count);

/* ------------------------------------------------------------- retire.c */

/* Give a chunk back, if all its blocks are free. */
void mproc__retire(mproc__thread_t *thread, apr_uint64_t index);

/* Nothing is left to be had: give back all that lies idle. */
void mproc__retire_all(mproc__thread_t *thread);

/* Back to READY, whatever blocks are RETIRED free again. Can be run again. */
void mproc__retire_undo(mproc__thread_t *thread, apr_uint64_t index);

/* All its blocks are RETIRED and nobody wants one: give the chunks back. Can
 * be run again: each step sees by the words what has been done. */
void mproc__retire_scatter(mproc__thread_t *thread, mproc__intent_t *intent);

/* --------------------------------------------------------------- places */

static inline unsigned
thread_index(const mproc__thread_t *thread)
{
    return (unsigned)(thread - mproc__arena.thread);
}

static inline apr_uint64_t
chunk_taken_by(apr_uint64_t word, const mproc__thread_t *thread, unsigned state)
{
    return CHUNK_GENERATION(word) | (word & CHUNK_COMMITTED) |
           (apr_uint64_t)thread_index(thread) << 16 | (word & 0xff00) | state;
}

static inline int
chunk_is_taken_by(apr_uint64_t word, const mproc__thread_t *thread,
                  unsigned state)
{
    return CHUNK_STATE(word) == state &&
           CHUNK_OWNER(word) == thread_index(thread);
}

static inline apr_uint64_t
chunk_limit(void)
{
    return atomic_load(&mproc__arena.header->regions_open) *
           MPROC__REGION_CHUNKS;
}

static inline mproc__block_t *
chunk_block(apr_uint64_t chunk, unsigned class_index, unsigned block)
{
    return (mproc__block_t *)(mproc__arena.data + chunk * MPROC__CHUNK +
                              block * mproc__class_size(class_index));
}

static inline apr_uint64_t
chunk_place(apr_uint64_t chunk, unsigned class_index, unsigned block)
{
    return (mproc__arena.data_offset + chunk * MPROC__CHUNK +
            block * mproc__class_size(class_index)) /
           MPROC__UNIT;
}

static inline apr_uint64_t
place_chunk(apr_uint64_t place)
{
    return (place * MPROC__UNIT - mproc__arena.data_offset) / MPROC__CHUNK;
}

static inline unsigned
place_block(apr_uint64_t place, unsigned class_index)
{
    apr_uint64_t chunk = place_chunk(place);
    return (unsigned)((place - chunk_place(chunk, class_index, 0)) *
                      MPROC__UNIT / mproc__class_size(class_index));
}

#endif
