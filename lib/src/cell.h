/* cell.h: what value and array have in common: bytes with a lock of theirs. */
#ifndef MPROC_SRC_CELL_H
#define MPROC_SRC_CELL_H

#include <mproc/rlock.h>

#include "object.h"

/* The shared half. */
typedef struct mproc__cell_shared_t {
    mproc__part_t lock; /* empty: a raw one */
    apr_uint64_t item;  /* bytes */
    apr_uint64_t count; /* items */
    char data[];
} mproc__cell_shared_t;

_Static_assert(sizeof(mproc__cell_shared_t) == 32, "data is aligned to 16");

typedef struct mproc__cell_t {
    mproc_object_t object;
    mproc_rlock_t *lock; /* a half of our own; NULL: a raw one */
} mproc__cell_t;

/* Which lock a new cell gets: an rlock, or one of these addresses. */
extern mproc_object_t mproc__cell_own, mproc__cell_raw;
#define MPROC__CELL_OWN ((void *)&mproc__cell_own)
#define MPROC__CELL_RAW ((void *)&mproc__cell_raw)

/* How a call is to be told of, and what it works on. */
typedef struct mproc__cell_call_t {
    const char *call;
    const char *kind;
    const mproc__object_ops_t *ops;
} mproc__cell_call_t;

apr_status_t mproc__cell_create(void *cell, const mproc__cell_call_t *call,
                                apr_size_t item, apr_size_t count,
                                const void *initial, void *lock,
                                apr_pool_t *pool);

/* A new one with the same content, and a lock of its own. */
apr_status_t mproc__cell_copy(void *copy, void *cell,
                              const mproc__cell_call_t *call, apr_pool_t *pool);

/* The lock of a cell that has one, for who is in a hurry; NULL when that needs
 * a closer look. */
static inline mproc_rlock_t *
mproc__cell_lock(void *cell, const mproc__object_ops_t *ops)
{
    return mproc__object_is_ready(cell, ops) ? ((mproc__cell_t *)cell)->lock
                                             : NULL;
}

/* Acquire and release the lock; a raw one has none, and that is fine. */
apr_status_t mproc__cell_acquire(void *cell, const mproc__cell_call_t *call,
                                 apr_interval_time_t timeout);
apr_status_t mproc__cell_release(void *cell, const mproc__cell_call_t *call);

/* The ops' hooks. */
apr_status_t mproc__cell_opened(mproc_object_t *object);
void mproc__cell_closing(mproc_object_t *object);

static inline mproc__cell_shared_t *
mproc__cell_shared(void *cell)
{
    return ((mproc__cell_t *)cell)->object.shared;
}

#endif
