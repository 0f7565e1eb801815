/*
 * layout.h: the arena, byte by byte, and the words that are shared in it.
 *
 *   header | summaries | peers | threads | regions | chunks ...
 *
 * A chunk is 64 KiB. It is carved into blocks of one size class, or is part
 * of a span: a larger block of several chunks in a row. 64 chunks have their
 * words in one region. Everything is reached by offset; all zero is the
 * valid state of what was never used.
 */
#ifndef MPROC_SRC_LAYOUT_H
#define MPROC_SRC_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>

#include <apr.h>

#include "arena.h"
#include "../../platform/plat_map.h"
#include "../../platform/plat_park.h"

typedef _Atomic apr_uint64_t mproc__word_t;

#define MPROC__MAGIC APR_UINT64_C(0x31436f72506d2141)
#define MPROC__LAYOUT 2

#define MPROC__PEERS 4096
#define MPROC__THREADS 8192
#define MPROC__LEVELS 8
#define MPROC__NAMES 2048
#define MPROC__FEW 3

#define MPROC__UNIT 64
#define MPROC__CHUNK 65536
#define MPROC__REGION_CHUNKS 64
#define MPROC__REGION_STRIDE 16384
#define MPROC__CLASSES 96
#define MPROC__CHUNK_WORDS 16 /* bits for up to 1,024 blocks */

/* What a thread has begun; the rest of the intent says on what. Set last,
 * cleared last: while it is 0 there is nothing to repair. */
enum {
    MPROC__OP_NONE,
    MPROC__OP_ALLOC,   /* handle: the block wanted */
    MPROC__OP_HOLD,    /* handle: to be counted for hold */
    MPROC__OP_DROP,    /* handle: to be counted off for hold */
    MPROC__OP_CLAIM,   /* chunks first, count: being claimed */
    MPROC__OP_PUBLISH, /* chunks first, count: claimed, become class */
    MPROC__OP_RETIRE,  /* chunk first: being emptied of its free blocks */
    MPROC__OP_SCATTER, /* chunks first, count: given back */
    MPROC__OP_BURIED,  /* handle: that was buried, being freed */
    MPROC__OP_PUT,     /* hold in a record of the ring that handle names: to
                          be emptied if the tail is before first */
    MPROC__OP_GET      /* the same; if the head is not */
};

typedef struct mproc__intent_t {
    _Atomic apr_uint32_t op;
    apr_uint32_t class_index;
    mproc__word_t seq;  /* names this operation in reference words */
    mproc__word_t done; /* the latest seq known to have taken effect */
    apr_uint64_t hold;  /* offset of the hold */
    mproc__word_t handle;
    mproc__word_t first; /* chunk */
    apr_uint64_t count;  /* chunks */
} mproc__intent_t;

/* A thread that waits or changes things. Written by it alone, but for
 * `waiting` (see parking.c) and `done` (see block.c). */
typedef struct mproc__thread_t {
    mproc__word_t state; /* see peers.c */
    apr_uint64_t next_seq;
    mproc__word_t since;          /* when it began to wait, as a ticket */
    _Atomic apr_uint32_t waiting; /* see parking.c */
    _Atomic apr_uint32_t word_count;
    mproc__word_t word[4]; /* offsets of what it waits for */
    _Atomic apr_uint32_t depth;
    apr_uint32_t unused;
    mproc__intent_t intent[MPROC__LEVELS];
    mproc__word_t moves_to; /* where a waker may have it wait instead */
    mproc__word_t grant;    /* a wake-up that is not used up; condition.c */
    mproc__word_t tid;      /* as the system numbers it */
    mproc__word_t began;    /* the wait, on mproc_clock(); 0: not yet */
    mproc__word_t until;    /* its deadline; 0: not known */
    mproc__word_t list;     /* the words, when they are more; see parking.c */
    mproc__word_t buried;   /* the handle of a block to be freed; block.c */
    mproc_plat_park_t park;
} mproc__thread_t;

/* An attached process. */
typedef struct mproc__peer_entry_t {
    mproc__word_t state;     /* see peers.c */
    mproc__word_t recoverer; /* who repairs after it */
    mproc__word_t start;     /* tells two holders of one pid apart */
    mproc__word_t holds;     /* a hold: the first block of its hold list */
    mproc__word_t leaving; /* the peer itself: it ends, and has no more work */
    mproc__word_t few[MPROC__FEW]; /* the first holds; then come the list's */
} mproc__peer_entry_t;

typedef struct mproc__header_t {
    apr_uint64_t magic;
    apr_uint32_t layout;
    apr_uint32_t unused;
    apr_uint64_t size;
    apr_uint64_t regions; /* that fit */
    mproc__word_t regions_open;
    mproc__word_t peers_high;   /* slots ever used */
    mproc__word_t threads_high; /* entries ever used */
    mproc__word_t last_look;
    mproc__word_t rescues;
    mproc__word_t ticket;
    mproc__word_t deaths; /* told so far; goes up before sleepers are woken */
    mproc__word_t parked[MPROC__THREADS / 64]; /* a bit a waiting thread */
    mproc__word_t name[MPROC__NAMES];          /* see names.c */
    mproc__hold_t name_hold[MPROC__NAMES];
} mproc__header_t;

typedef struct mproc__chunk_t {
    mproc__word_t word;                     /* see chunk.c */
    mproc__word_t free[MPROC__CHUNK_WORDS]; /* hint: a bit a free block */
} mproc__chunk_t;

typedef struct mproc__region_t {
    mproc__word_t free[MPROC__CLASSES]; /* hint: chunks with a free block */
    mproc__chunk_t chunk[MPROC__REGION_CHUNKS];
} mproc__region_t;

/* In front of every block's payload. */
typedef struct mproc__block_t {
    mproc__word_t word; /* generation, kind, state, owner: see block.c */
    mproc__word_t refs; /* count and the operation that made it so */
} mproc__block_t;

_Static_assert(sizeof(mproc__peer_entry_t) == 64, "layout");
_Static_assert(sizeof(mproc__thread_t) == 640, "layout");
_Static_assert(sizeof(mproc__block_t) == 16, "layout");
_Static_assert(sizeof(mproc__region_t) <= MPROC__REGION_STRIDE, "layout");
_Static_assert(sizeof(mproc__header_t) <= 65536, "layout");

/* This process's view; set once when it attaches. */
typedef struct mproc__arena_t {
    mproc_plat_map_t map;
    mproc__header_t *header;
    mproc__word_t *summary;     /* [class][region / 64]: hint: regions */
    apr_uint64_t summary_words; /* a class */
    mproc__peer_entry_t *peer;
    mproc__thread_t *thread;
    char *region;
    char *data;
    apr_uint64_t data_offset;
} mproc__arena_t;

extern mproc__arena_t mproc__arena;

static inline mproc__region_t *
mproc__region(apr_uint64_t index)
{
    return (mproc__region_t *)(mproc__arena.region +
                               index * MPROC__REGION_STRIDE);
}

static inline mproc__chunk_t *
mproc__chunk(apr_uint64_t index)
{
    return &mproc__region(index / MPROC__REGION_CHUNKS)
                ->chunk[index % MPROC__REGION_CHUNKS];
}

/* Where the parts of an arena of a size begin, as offsets. */
typedef struct mproc__layout_t {
    apr_uint64_t summary_words; /* a class */
    apr_uint64_t summary, peers, threads, region, data;
} mproc__layout_t;

mproc__layout_t mproc__arena_layout(apr_uint64_t size);

/* ------------------------------------------------------------- chunk.c */

/* Find a block that seems free and name its place: handle with the
 * generation it has now. Carves a chunk when there is none. */
apr_status_t mproc__chunk_find(mproc__thread_t *thread, apr_uint64_t bytes,
                               apr_uint64_t *handle);

/* The hints for a block that was taken, or turned out not to be free. */
void mproc__chunk_hint_taken(apr_uint64_t handle);

/* The hints for a block that is free now. Returns 1 when its chunk could be
 * retired. */
int mproc__chunk_hint_free(apr_uint64_t handle);

/* Give the chunk of a free block back, if all its blocks are free. */
void mproc__chunk_retire(mproc__thread_t *thread, apr_uint64_t handle);

/* Go on with, or undo, what a dead thread had begun. */
void mproc__chunk_recover(mproc__thread_t *thread, mproc__intent_t *intent);

/* The block that a handle names, whatever its state; NULL when no block can
 * begin there. */
mproc__block_t *mproc__chunk_block(apr_uint64_t handle);

/* What the chunk of a handle is: changes when the chunk is given back. */
apr_uint64_t mproc__chunk_identity(apr_uint64_t handle);

/* The same for a block that is to be taken: NULL while its chunk is being
 * retired, or when it has become too small. */
mproc__block_t *mproc__chunk_ready(apr_uint64_t handle, apr_uint64_t bytes);

/* The kind of the block that an offset lies in, as far as can be told. */
mproc_kind_e mproc__chunk_kind(apr_uint64_t offset);

/* Bytes of a block with its header. */
apr_uint64_t mproc__chunk_block_size(apr_uint64_t handle);

/* Call `each` for every block of every chunk in use. */
void mproc__chunk_walk(void (*each)(mproc__block_t *block, apr_uint64_t bytes,
                                    void *baton),
                       void *baton);

/* After a death: no free thing may stay without its hint. */
void mproc__chunk_rehint(void);

/* Bytes of chunks that have memory behind them. */
apr_uint64_t mproc__chunk_committed(void);

/* ------------------------------------------------------------- block.c */

/* Go on with, or undo, what a dead thread had begun. */
void mproc__block_recover(mproc__thread_t *thread);

/* Begin an operation of the thread, one level deeper; NULL when it is at the
 * deepest. End it. */
mproc__intent_t *mproc__intent_begin(mproc__thread_t *thread);
void mproc__intent_end(mproc__thread_t *thread);

/* As the public calls, for a thread's entry: the caller's own, or that of a
 * dead thread whose work is being finished. */
void mproc__block_release(mproc__thread_t *thread, mproc__hold_t *hold);

/* What the block of a listener begins with: the folder that was made for its
 * socket goes with the block, so with its process however that ends. Noted
 * before it is made, and until it is removed. */
#define MPROC__FOLDER_ROOM 128
typedef struct mproc__folder_t {
    _Atomic apr_uint32_t noted; /* the path is; released after it */
    char path[MPROC__FOLDER_ROOM];
} mproc__folder_t;

/* Free what was buried (block.c); does nothing within an operation. */
void mproc__block_unearth(mproc__thread_t *thread);

/* Finish what a dead thread was at in a ring. */
void mproc__ring_recover(mproc__thread_t *thread, const mproc__intent_t *intent,
                         int put);

/* Whether blocks of the kind begin with a holder; holder.c. */
int mproc__kind_is_holder(mproc_kind_e kind);

/* Release the holds that lie in a block of `room` bytes. */
void mproc__holds_drop(mproc__thread_t *thread, mproc_kind_e kind,
                       void *payload, apr_uint64_t room);

/* ------------------------------------------------------------- peers.c */

/* The calling thread's entry; NULL when there is none to be had. */
mproc__thread_t *mproc__thread_self(void);

/* A dead peer's wake-ups that were for one only, given to another. */
void mproc__parking_recover(mproc__thread_t *thread);

/* For the census. */
int mproc__peer_entry_used(const mproc__peer_entry_t *entry);
int mproc__thread_used(const mproc__thread_t *thread);

/* --------------------------------------------------------------- arena.c */

/* Map the arena that a parent made. */
apr_status_t mproc__arena_attach(apr_int64_t handle, apr_uint64_t size);

/* Put memory behind a part of the tables. */
apr_status_t mproc__arena_commit(const void *from, apr_size_t size);

#define MPROC__GENERATION(handle) ((apr_uint32_t)(handle))
#define MPROC__PLACE(handle) ((apr_uint64_t)(handle) >> 32)
#define MPROC__HANDLE(place, generation)                                       \
    ((apr_uint64_t)(place) << 32 | (apr_uint32_t)(generation))

#endif
