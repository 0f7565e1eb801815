/*
 * dict_table.h: entries of a store by key, in the order in which they came.
 * The protocol stands at the top of dict_table.c.
 */
#ifndef MPROC_SRC_DICT_TABLE_H
#define MPROC_SRC_DICT_TABLE_H

#include "store.h"

#define MPROC__KEY_MOST 65535

/* A cell. Behind it its key, then its value if that is inline. */
typedef struct mproc__entry_t {
    apr_uint32_t next; /* in its bucket */
    apr_uint32_t hash;
    apr_uint32_t before, after; /* in order */
    apr_uint32_t key;           /* size 0-23, class of the cell 24-31 */
    apr_uint32_t value;         /* size, or a box */
    char data[];
} mproc__entry_t;

#define MPROC__ENTRY_KEY(entry) ((entry)->key & 0xffffffU)
#define MPROC__ENTRY_CLASS(entry) ((entry)->key >> 24)
#define MPROC__ENTRY_VALUE(entry) ((entry)->data + MPROC__ENTRY_KEY(entry))

/* A key and where it belongs. */
typedef struct mproc__key_t {
    mproc_bytes_t bytes;
    apr_uint32_t hash;
} mproc__key_t;

/* Where an entry was found: until the next commit. */
typedef struct mproc__found_t {
    apr_uint32_t ref; /* 0: there is none */
    mproc__entry_t *entry;
    apr_uint32_t *link; /* that leads to it, or would */
} mproc__found_t;

/* The mutex is held but for the first. */
void mproc__key_hash(mproc__key_t *key, const mproc__store_use_t *use);

void mproc__dict_find(mproc__store_use_t *use, const mproc__key_t *key,
                      mproc__found_t *found);

/* Set a key to a value, in its place, or at the end. */
apr_status_t mproc__dict_put(mproc__store_use_t *use, const mproc__key_t *key,
                             const mproc__fill_t *fill);

/* Remove what was found. */
void mproc__dict_drop(mproc__store_use_t *use, const mproc__found_t *found);

static inline mproc__entry_t *
mproc__dict_entry(mproc__store_use_t *use, apr_uint32_t ref)
{
    return mproc__store_cell(use, ref);
}

/* A store's repair. */
void mproc__dict_repair(mproc__store_use_t *use);

#endif
