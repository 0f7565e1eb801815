/*
 * shared.h: the shared halves of the objects: what lies in their blocks. The
 * protocols stand at the top of the file of each. Those of value and array
 * are in cell.h, of the pool in pool.h.
 */
#ifndef MPROC_SRC_SHARED_H
#define MPROC_SRC_SHARED_H

#include "gate.h"
#include "mutex.h"
#include "object.h"

typedef struct lock_shared_t {
    mproc__mutex_t mutex;
} lock_shared_t;

typedef struct rlock_shared_t {
    mproc__mutex_t mutex;
    _Atomic apr_uint64_t depth; /* relaxed: only the holder's own matters */
} rlock_shared_t;

typedef struct semaphore_shared_t {
    _Atomic apr_uint64_t count; /* of plain permits */
    mproc__gate_t gate;
    apr_uint32_t bound;  /* that release must not pass */
    apr_uint32_t owners; /* 0, or the permits that have one: */
    _Atomic apr_uint64_t owner[];
} semaphore_shared_t;

typedef struct condition_shared_t {
    mproc__part_t lock;
    _Atomic apr_uint64_t place; /* to wait at; its content means nothing */
} condition_shared_t;

/* An event's word. */
#define EVENT_SET APR_UINT64_C(1)
#define EVENT_WAITERS APR_UINT64_C(2)
#define EVENT_SEQUENCE APR_UINT64_C(4) /* one */

typedef struct event_shared_t {
    _Atomic apr_uint64_t word;
} event_shared_t;

/* A barrier's word: generation 0-27, completed 28-55, broken 56. */
#define GENERATION_MASK APR_UINT64_C(0xfffffff)
#define GENERATION(word) ((word)&GENERATION_MASK)
#define COMPLETED(word) ((word) >> 28 & GENERATION_MASK)
#define BROKEN (APR_UINT64_C(1) << 56)

/* A slot: peer 0-35, 0 for nobody; generation 36-63. */
#define SLOT_GENERATION(slot) ((slot) >> MPROC__PEER_BITS)
#define SLOT_PEER(slot) MPROC__ACTOR_PEER(slot)

typedef struct barrier_shared_t {
    _Atomic apr_uint64_t word;
    mproc__gate_t gate;
    apr_uint32_t parties;
    apr_uint32_t has_action;
    apr_uint64_t baton; /* an offset in the arena, or as it was given */
    apr_uint64_t baton_is_shared;
    _Atomic apr_uint64_t slot[]; /* the action's funcref comes after them */
} barrier_shared_t;

#endif
