/*
 * check.c: whether the arena agrees with itself.
 *
 * An independent reading of layout.h: the words are taken apart here again,
 * so that a mistake in the library's own reading is seen.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mproc/event.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/segment.h"

enum {
    FREE,
    TAKEN,
    LIVE
}; /* blocks */
enum {
    CHUNK_FREE,
    CHUNK_READY = 2,
    CHUNK_BODY
}; /* chunks */
enum {
    PEER_FREE,
    PEER_LIVE
}; /* peers */

#define SAID_MOST 8

/* A hold, by what it refers to. */
typedef struct seen_t {
    apr_uint64_t handle;
    apr_uint64_t offset;
} seen_t;

static struct {
    seen_t *seen;
    apr_size_t count, room, matched;
    int wrong;
} check;

static void
wrong(const char *what, apr_uint64_t a, apr_uint64_t b)
{
    if (check.wrong++ < SAID_MOST) {
        fprintf(stderr, "  arena: %s (%" PRIx64 ", %" PRIx64 ")\n", what,
                (uint64_t)a, (uint64_t)b);
    }
}

static void
hold_see(mproc__hold_t *hold)
{
    apr_uint64_t handle = atomic_load(hold);

    if (handle == 0) {
        return;
    }
    if (check.count == check.room) {
        seen_t *more;

        check.room = check.room * 2 + 1024;
        more = realloc(check.seen, check.room * sizeof *more);
        if (more == NULL) {
            abort();
        }
        check.seen = more;
    }
    check.seen[check.count].handle = handle;
    check.seen[check.count++].offset = mproc__arena_offset(hold);
}

/* A peer's few, and its list: blocks of holds, the first word leads to the
 * next. */
static void
peer_holds(mproc__peer_entry_t *peer)
{
    mproc__hold_t *next = &peer->holds;
    int k;

    for (k = 0; k < MPROC__FEW; k++) {
        hold_see(&peer->few[k]);
    }
    hold_see(next);
    while (atomic_load(next) != 0) {
        apr_uint64_t handle = atomic_load(next), i, count;
        mproc__hold_t *hold = mproc__arena_at(handle);

        if (hold == NULL) {
            wrong("a hold list leads to a block that is gone", handle, 0);
            return;
        }
        count = 4080 / sizeof *hold; /* HOLD_BLOCK of peers.c */
        for (i = 0; i < count; i++) {
            hold_see(&hold[i]);
        }
        next = hold;
    }
}

static void
peers_check(void)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->peers_high), i;

    for (i = 0; i < high; i++) {
        mproc__peer_entry_t *peer = &mproc__arena.peer[i];
        apr_uint64_t state = atomic_load(&peer->state);

        if ((state & 255) == PEER_LIVE) {
            peer_holds(peer);
        }
        else if ((state & 255) != PEER_FREE) {
            wrong("a peer is neither free nor live", i, state);
        }
        else {
            apr_uint64_t held = atomic_load(&peer->holds);
            int k;

            for (k = 0; k < MPROC__FEW; k++) {
                held |= atomic_load(&peer->few[k]);
            }
            if (held != 0) {
                wrong("a free peer holds", i, held);
            }
        }
    }
}

/* The places of names: each free, or with a hold. */
static void
names_check(void)
{
    int i;

    for (i = 0; i < MPROC__NAMES; i++) {
        apr_uint64_t word = atomic_load(&mproc__arena.header->name[i]);
        mproc__hold_t *hold = &mproc__arena.header->name_hold[i];

        hold_see(hold);
        if (word != 0 && word != (atomic_load(hold) | APR_UINT64_C(1) << 63)) {
            wrong("somebody is still at a name", (apr_uint64_t)i, word);
        }
        if (word == 0 && atomic_load(hold) != 0) {
            wrong("a free place for a name holds", (apr_uint64_t)i,
                  atomic_load(hold));
        }
    }
}

static int
peer_lives(apr_uint64_t id)
{
    apr_uint64_t state = atomic_load(&mproc__arena.peer[id & 4095].state);

    return (state & 255) == PEER_LIVE && (state >> 8 & 0xffffff) == id >> 12;
}

static void
threads_check(void)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    int level;

    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        apr_uint64_t state = atomic_load(&thread->state);
        int used = (int)(state & 1);

        if (used && !peer_lives(state >> 1 & APR_UINT64_C(0xfffffffff))) {
            wrong("a thread belongs to nobody", i, state);
        }
        if (!used &&
            (atomic_load(&mproc__arena.header->parked[i / 64]) >> i % 64 & 1)) {
            wrong("a thread that is not waits", i, state);
        }
        if (atomic_load(&thread->depth) != 0) {
            wrong("a thread is within an operation", i,
                  atomic_load(&thread->depth));
        }
        for (level = 0; level < MPROC__LEVELS; level++) {
            if (atomic_load(&thread->intent[level].op) != MPROC__OP_NONE) {
                wrong("an intent is open", i,
                      atomic_load(&thread->intent[level].op));
            }
        }
    }
}

static int
seen_order(const void *a, const void *b)
{
    const seen_t *left = a, *right = b;

    return (left->handle > right->handle) - (left->handle < right->handle);
}

/* Holds that lie inside of blocks. */
static void
hold_see_each(mproc__hold_t *hold, void *baton)
{
    (void)baton;
    hold_see(hold);
}

static void
block_holds(mproc__block_t *block, apr_uint64_t bytes, void *baton)
{
    apr_uint64_t word = atomic_load(&block->word);
    unsigned kind = (unsigned)(word >> 8 & 255);
    mproc__holder_t *holder = (mproc__holder_t *)(block + 1);
    apr_uint32_t i;

    (void)baton;
    if ((word & 3) == LIVE && kind == MPROC_KIND_SEGMENT) {
        segment_each_hold((char *)holder, bytes - sizeof *block, hold_see_each,
                          NULL);
    }
    else if ((word & 3) == LIVE && mproc__kind_is_holder(kind)) {
        for (i = 0; i < holder->count; i++) {
            hold_see(&holder->hold[i]);
        }
    }
}

static apr_size_t
seen_count(apr_uint64_t handle)
{
    apr_size_t low = 0, high = check.count, from;

    while (low < high) {
        apr_size_t middle = (low + high) / 2;

        if (check.seen[middle].handle < handle) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    for (from = low; low < check.count && check.seen[low].handle == handle;) {
        low++;
    }
    return low - from;
}

static void
block_check(mproc__block_t *block, apr_uint64_t bytes, void *baton)
{
    apr_uint64_t word = atomic_load(&block->word);
    apr_uint64_t offset = mproc__arena_offset(block);
    apr_uint64_t place = offset - mproc__arena.data_offset;
    mproc__chunk_t *chunk = mproc__chunk(place / MPROC__CHUNK);
    unsigned index = (unsigned)(place % MPROC__CHUNK / bytes);
    apr_uint64_t handle = offset / MPROC__UNIT << 32 | word >> 32;
    apr_size_t count = seen_count(handle);

    (void)baton;
    switch (word & 3) {
    case FREE:
        if (!(atomic_load(&chunk->free[index / 64]) >> index % 64 & 1)) {
            wrong("a free block has no hint", handle, 0);
        }
        break;
    case LIVE:
        if (count != atomic_load(&block->refs) >> 43 || count == 0) {
            wrong("a block's count is not that of its holds", handle,
                  atomic_load(&block->refs) >> 43);
        }
        break;
    default:
        wrong("a block is neither free nor live", handle, word);
        break;
    }
    check.matched += (word & 3) == LIVE ? count : 0;
}

static void
chunks_check(void)
{
    apr_uint64_t limit =
        atomic_load(&mproc__arena.header->regions_open) * MPROC__REGION_CHUNKS;
    apr_uint64_t i;
    int j;

    for (i = 0; i < limit; i++) {
        mproc__chunk_t *chunk = mproc__chunk(i);
        apr_uint64_t word = atomic_load(&chunk->word), free = 0;
        apr_uint64_t region = i / MPROC__REGION_CHUNKS;
        unsigned state = (unsigned)(word & 15);
        unsigned class_index = (unsigned)(word >> 8 & 255);

        if (state != CHUNK_FREE && state != CHUNK_READY &&
            state != CHUNK_BODY) {
            wrong("somebody is still at a chunk", i, word);
            continue;
        }
        for (j = 0; state == CHUNK_READY && j < MPROC__CHUNK_WORDS; j++) {
            free |= atomic_load(&chunk->free[j]);
        }
        if (state == CHUNK_FREE) {
            class_index = 0;
            free = 1;
        }
        if (free != 0 &&
            (!(atomic_load(&mproc__region(region)->free[class_index]) >>
                   i % MPROC__REGION_CHUNKS &
               1) ||
             !(atomic_load(mproc__arena.summary +
                           class_index * mproc__arena.summary_words +
                           region / 64) >>
                   region % 64 &
               1))) {
            wrong("a chunk with room has no hint", i, word);
        }
    }
}

int
stress_arena_check(void)
{
    check.count = check.matched = 0;
    check.wrong = 0;
    peers_check();
    names_check();
    threads_check();
    mproc__chunk_walk(block_holds, NULL);
    if (check.count > 0) {
        qsort(check.seen, check.count, sizeof *check.seen, seen_order);
    }
    mproc__chunk_walk(block_check, NULL);
    if (check.matched != check.count) {
        wrong("holds refer to blocks that are not", check.count, check.matched);
    }
    chunks_check();
    return check.wrong;
}

void
stress_census_begin(mproc_census_t *before)
{
    enum {
        MANY = 300
    };
    mproc_event_t *event[MANY];
    int i;

    for (i = 0; i < MANY && mproc_event_create(&event[i], NULL) == APR_SUCCESS;
         i++) {
    }
    while (i-- > 0) {
        mproc_event_destroy(event[i]);
    }
    mproc_census(before);
}

int
stress_census_compare(const mproc_census_t *before, const mproc_census_t *after)
{
    int kind, differ = 0;

    for (kind = 0; kind < MPROC_KIND_COUNT; kind++) {
        if (before->kind[kind].blocks != after->kind[kind].blocks) {
            differ++;
            fprintf(stderr,
                    "  census: %s: %" PRIu64 " blocks, before %" PRIu64 "\n",
                    mproc_kind_name((mproc_kind_e)kind),
                    (uint64_t)after->kind[kind].blocks,
                    (uint64_t)before->kind[kind].blocks);
        }
    }
    if (before->peers != after->peers || before->threads != after->threads) {
        differ++;
        fprintf(stderr,
                "  census: %" PRIu64 " peers, before %" PRIu64 "; %" PRIu64
                " threads, before %" PRIu64 "\n",
                (uint64_t)after->peers, (uint64_t)before->peers,
                (uint64_t)after->threads, (uint64_t)before->threads);
    }
    return differ;
}
