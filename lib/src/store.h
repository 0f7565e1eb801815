/*
 * store.h: what dict, list and namespace are made of: memory of their own in
 * the arena, changed whole or not at all. The protocol stands at the top of
 * store.c.
 */
#ifndef MPROC_SRC_STORE_H
#define MPROC_SRC_STORE_H

#include <stdarg.h>
#include <stdatomic.h>

#include "layout.h"
#include "mutex.h"
#include "pack.h"

#define MPROC__STORE_SEGMENTS 128
#define MPROC__STORE_TABLES 24
#define MPROC__STORE_BOXES 20
#define MPROC__STORE_CLASSES 128
#define MPROC__JOURNAL 40

/* A cell, by segment (25-31) and offset in units of 8 bytes (0-24). 0: none. */
#define MPROC__CELL_UNIT 8
#define MPROC__CELL_SEGMENT(ref) ((ref) >> 25)
#define MPROC__CELL_OFFSET(ref) ((apr_uint64_t)((ref)&0x1ffffffU) * 8)

/* Values that are larger, or name objects, lie in boxes. */
#define MPROC__VALUE_INLINE 2048

/* Where a value is: bytes behind its cell, or a box by its number. */
#define MPROC__VALUE_BOX 0x80000000U

/* What a store has in it: a block of its own, so that all can be replaced at
 * once. What is not a hold changes by the journal alone. */
typedef struct mproc__content_t {
    apr_uint32_t holds; /* a holder (arena.h) of the next three */
    apr_uint32_t buried;
    mproc__hold_t segment[MPROC__STORE_SEGMENTS]; /* of cells */
    mproc__hold_t table[MPROC__STORE_TABLES];     /* the owner's */
    mproc__hold_t box[MPROC__STORE_BOXES];        /* see store_box.c */
    apr_uint64_t count;                           /* entries, or elements */
    apr_uint32_t next;      /* where cells have not been made yet */
    apr_uint32_t box_free;  /* the first box to be used again; 0: none */
    apr_uint32_t box_next;  /* how many were ever used */
    apr_uint32_t first;     /* dict: the entry that is in it longest */
    apr_uint32_t last;      /* and shortest */
    apr_uint32_t buckets;   /* dict */
    apr_uint32_t splitting; /* dict: a bucket + 1; 0: none */
    apr_uint32_t room;      /* list: of its table, in elements */
    apr_uint32_t behind;    /* list: elements behind those that count */
    apr_uint32_t free[MPROC__STORE_CLASSES]; /* cells to be used again */
} mproc__content_t;

typedef struct mproc__journal_t {
    apr_uint64_t where; /* an offset in the arena; bit 0: 8 bytes, not 4 */
    apr_uint64_t value;
} mproc__journal_t;

/* The shared half. */
typedef struct mproc__store_t {
    apr_uint32_t holds; /* a holder of the next three */
    apr_uint32_t buried;
    mproc__hold_t content;
    mproc__hold_t stage;  /* a content, or table, that is being made */
    mproc__hold_t doomed; /* one that was replaced */
    mproc__mutex_t mutex;
    apr_uint64_t seed[2];
    _Atomic apr_uint64_t committed; /* entries of the journal to be applied */
    mproc__journal_t journal[MPROC__JOURNAL];
} mproc__store_t;

/* The local half, or its beginning. All but the object is guarded by the
 * shared mutex. */
typedef struct mproc__store_use_t {
    mproc_object_t object;
    /* Finish what somebody who died was in the middle of, if that takes more
     * than the journal; NULL: nothing does. */
    void (*repair)(struct mproc__store_use_t *use);
    mproc__handle_t handle; /* of the content that these are in; 0: of none */
    mproc__content_t *content;
    mproc__handle_t first_table; /* the same for the first table, which may be
                                    replaced */
    char *segment[MPROC__STORE_SEGMENTS]; /* NULL: not looked up */
    char *table[MPROC__STORE_TABLES];
    char *box[MPROC__STORE_BOXES];
    unsigned pending; /* entries of the journal so far */
    unsigned popped;  /* class that a cell was taken from, + 1 */
    apr_uint32_t popped_next;
    apr_uint32_t box_popped; /* the same for a box */
    apr_uint32_t box_popped_next;
} mproc__store_use_t;

/* A value that is to be put. */
typedef struct mproc__fill_t {
    const void *data; /* inline; not looked at when there is a box */
    apr_uint32_t size;
    mproc__hold_t *box; /* of this process; NULL: it is put inline */
} mproc__fill_t;

/* A value that was got: a copy in the buffer, or a box that is held. */
typedef struct mproc__taken_t {
    mproc_bytes_t bytes;
    mproc__hold_t *box; /* NULL: none */
    _Alignas(8) char buffer[MPROC__VALUE_INLINE];
} mproc__taken_t;

static inline mproc__store_t *
mproc__store_of(mproc__store_use_t *use)
{
    return use->object.shared;
}

/* Make a store with an empty content, and its local half. */
apr_status_t mproc__store_create(void *store, const mproc__object_ops_t *ops,
                                 apr_pool_t *pool);

/* Usable, and this thread registered. */
apr_status_t mproc__store_check(void *store, const mproc__object_ops_t *ops,
                                const char *kind, const char *call);

/* Have the mutex, what somebody who died had begun being repaired. */
apr_status_t mproc__store_lock(mproc__store_use_t *use, const char *call);

static inline void
mproc__store_unlock(mproc__store_use_t *use)
{
    mproc__mutex_release(&mproc__store_of(use)->mutex);
}

/* For all that follows the mutex is held. */

/* ----------------------------------------------------------------- journal */

static inline void
mproc__journal_add(mproc__store_use_t *use, const void *where, unsigned wide,
                   apr_uint64_t value)
{
    mproc__journal_t *entry = &mproc__store_of(use)->journal[use->pending++];

    entry->where = mproc__arena_offset(where) | wide;
    entry->value = value;
}

static inline void
mproc__journal_put(mproc__store_use_t *use, apr_uint32_t *where,
                   apr_uint32_t value)
{
    mproc__journal_add(use, where, 0, value);
}

static inline void
mproc__journal_put_wide(mproc__store_use_t *use, void *where,
                        apr_uint64_t value)
{
    mproc__journal_add(use, where, 1, value);
}

/* Bytes within a cell, written over: a word for each 8, and one more. */
void mproc__journal_put_bytes(mproc__store_use_t *use, char *at,
                              const char *data, apr_size_t size);

/* All that was put takes effect, or none of it. */
void mproc__journal_commit(mproc__store_use_t *use);

/* Forget what was put. */
static inline void
mproc__journal_drop(mproc__store_use_t *use)
{
    use->pending = 0;
    use->popped = 0;
    use->box_popped = 0;
}

/* ------------------------------------------------------------------- cells */

/* The block of a hold, looked up once. */
char *mproc__store_look(mproc__hold_t *hold, char **known);

/* The first 4 bytes of a cell are changed by the journal alone, for they link
 * free cells; the rest of one that was just taken may be written. */
static inline void *
mproc__store_cell(mproc__store_use_t *use, apr_uint32_t ref)
{
    unsigned number = MPROC__CELL_SEGMENT(ref);
    char *base = use->segment[number];

    if (base == NULL) {
        base = mproc__store_look(&use->content->segment[number],
                                 &use->segment[number]);
    }
    return base + MPROC__CELL_OFFSET(ref);
}

/* Take a cell of at least `size` bytes, once it is committed; not more than
 * one, before cells are given back. Its class is told. */
apr_status_t mproc__store_take(mproc__store_use_t *use, apr_uint32_t *ref,
                               unsigned *class_index, apr_uint64_t size);
void mproc__store_give(mproc__store_use_t *use, apr_uint32_t ref,
                       unsigned class_index);

/* Bytes of a cell. */
apr_uint64_t mproc__store_class_size(unsigned class_index);

/* ------------------------------------------------------------------ tables */

/* The owner's n-th table, of `size` bytes; made if need be, not zeroed. */
apr_status_t mproc__store_table(mproc__store_use_t *use, void **table,
                                unsigned n, apr_uint64_t size);

/* Have an empty content, at once. */
apr_status_t mproc__store_clear(mproc__store_use_t *use);

/* Have a new first table, which the caller fills, and commits with all else
 * that he puts. */
apr_status_t mproc__store_stage(mproc__store_use_t *use, void **table,
                                apr_uint64_t size);
void mproc__store_replace(mproc__store_use_t *use);

/* After the commit: release what was replaced. */
void mproc__store_settle(mproc__store_use_t *use);

/* ------------------------------------------------------------ store_box.c */

/* Take the number of a free box, and have it hold the box, once committed. */
apr_status_t mproc__store_box_take(mproc__store_use_t *use,
                                   mproc__handle_t handle,
                                   apr_uint32_t *number);

/* The number is free, once it is committed; then release what it holds. */
void mproc__store_box_give(mproc__store_use_t *use, apr_uint32_t number);
void mproc__store_box_release(mproc__store_use_t *use, apr_uint32_t number);

/* The hold of a number that is in use. */
mproc__hold_t *mproc__store_box_hold(mproc__store_use_t *use,
                                     apr_uint32_t number);
mproc__handle_t mproc__store_box_handle(mproc__store_use_t *use,
                                        apr_uint32_t number);

/* After a death. */
void mproc__store_box_repair(mproc__store_use_t *use);

/* ---------------------------------------------------------- store_value.c */

/* Without the mutex: check that the bytes are one packed value, and make a box
 * if they need one. `call` is told of. To be ended. */
apr_status_t mproc__fill_begin(mproc__fill_t *fill, mproc__store_use_t *use,
                               mproc_bytes_t bytes, const char *call);
void mproc__fill_end(mproc__fill_t *fill);

/* The same for what a format packs; the packing is to be ended too. */
apr_status_t mproc__fill_format(mproc__fill_t *fill, mproc__packing_t *packing,
                                mproc__store_use_t *use, const char *call,
                                const char *format, va_list args);

/* Copy a value, or hold its box: `word` says where it is, `data` where its
 * bytes are when they are inline. To be ended, without the mutex. */
apr_status_t mproc__taken_begin(mproc__taken_t *taken, mproc__store_use_t *use,
                                apr_uint32_t word, const void *data);
void mproc__taken_end(mproc__taken_t *taken);

/* The bytes for the caller, in his pool, which keeps what they name. */
apr_status_t mproc__taken_copy(mproc__taken_t *taken, mproc_bytes_t *bytes,
                               apr_pool_t *pool);

/* Whether the bytes are one packed value; calls for each object in it. */
apr_status_t mproc__value_check(mproc_bytes_t bytes,
                                apr_status_t (*each)(mproc__handle_t handle,
                                                     void *baton),
                                void *baton);

#endif
