/*
 * slot.h: a place for one small value in the arena, whole at any time.
 *
 * Any number may read and write at once, and be killed at it. The protocol
 * stands at the top of slot.c.
 */
#ifndef MPROC_SRC_SLOT_H
#define MPROC_SRC_SLOT_H

#include <stdatomic.h>

#include "mutex.h"

typedef _Atomic apr_uint64_t mproc__slot_word_t;

/* All zero, but for the last two, is a slot with a value of type 0. */
typedef struct mproc__slot_t {
    mproc__mutex_t writer;       /* whose turn it is to write */
    mproc__slot_word_t sequence; /* of writes; even or odd: which copy counts */
    apr_uint64_t copies;         /* where they are, counted from here */
    apr_uint64_t room;           /* of a value, in bytes; a multiple of 8 */
} mproc__slot_t;

/* What both copies of a slot take, in bytes. */
#define MPROC__SLOT_COPIES(room) (2 * (8 + (apr_uint64_t)(room)))

/* A value as the caller knows it. */
typedef struct mproc__slot_value_t {
    unsigned type; /* the caller's, below 256 */
    apr_size_t size;
} mproc__slot_value_t;

/* Read the value into a buffer with the slot's room. Waits for nobody. */
void mproc__slot_read(mproc__slot_t *slot, mproc__slot_value_t *value,
                      void *buffer);

/* Replace the value. pre: its size is not beyond the room. The object is
 * what the slot lies in. APR_ENOMEM when this thread cannot wait for another;
 * MPROC_EDEADLK when that could never end. */
apr_status_t mproc__slot_write(mproc__slot_t *slot, mproc_object_t *object,
                               const mproc__slot_value_t *value,
                               const void *data);

#endif
