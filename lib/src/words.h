/*
 * words.h: how the words of the arena's tables are taken apart. What they
 * mean, and who may change them, stands at the top of peers.c, parking.c and
 * block.c.
 */
#ifndef MPROC_SRC_WORDS_H
#define MPROC_SRC_WORDS_H

#include "layout.h"

/* A peer's state: state 0-7, incarnation 8-31, pid 32-63. */
enum {
    PEER_FREE,
    PEER_LIVE,
    PEER_DEAD
};
#define PEER_STATE(state) ((unsigned)((state)&255))
#define PEER_INCARNATION(state) ((apr_uint32_t)((state) >> 8 & 0xffffff))
#define PEER_PID(state) ((apr_int64_t)(apr_uint32_t)((state) >> 32))

/* A peer's id: slot 0-11, incarnation 12-35. */
#define ID_SLOT(id) ((unsigned)((id) & (MPROC__PEERS - 1)))
#define ID_INCARNATION(id) ((apr_uint32_t)((id) >> 12 & 0xffffff))
#define ID(slot, incarnation)                                                  \
    ((apr_uint64_t)(incarnation) << 12 | (apr_uint64_t)(slot))

/* A thread's state: used 0, peer 1-36, incarnation 37-63. */
#define THREAD_USED APR_UINT64_C(1)
#define THREAD_PEER(state) ((state) >> 1 & APR_UINT64_C(0xfffffffff))
#define THREAD_INCARNATION(state) ((state) >> 37)
#define THREAD_NEXT(state) (((state) >> 37 << 37) + (APR_UINT64_C(1) << 37))

/* A thread's `waiting`: state 0-1, and which of its waits it is, so that a
 * waker that comes late does not take the next wait for this one. */
enum {
    IDLE,
    WAITING,
    WOKEN,
    MOVED
};
#define WAIT_STATE(waiting) ((waiting)&3U)
#define WAIT_NEXT(waiting) (((waiting) & ~3U) + 4U)

/* A block's word: state 0-1, kind 8-15, owner 16-28, generation 32-63. */
enum {
    BLOCK_FREE,
    BLOCK_TAKEN,
    BLOCK_LIVE,
    BLOCK_RETIRED
};
#define BLOCK_STATE(word) ((unsigned)((word)&3))
#define BLOCK_KIND(word) ((mproc_kind_e)((word) >> 8 & 255))
#define BLOCK_OWNER(word) ((unsigned)((word) >> 16 & (MPROC__THREADS - 1)))
#define BLOCK_GENERATION(word) ((apr_uint32_t)((word) >> 32))

/* A block's refs: sequence 0-26, level 27-29, thread 30-42, count 43-63. */
#define REFS_TAG APR_UINT64_C(0x7ffffffffff)
#define REFS_COUNT(refs) ((refs) >> 43)
#define REFS_MAX APR_UINT64_C(0x1fffff)
#define REFS_SEQ(value) ((value)&APR_UINT64_C(0x7ffffff))
#define REFS_LEVEL(refs) ((unsigned)((refs) >> 27 & 7))
#define REFS_THREAD(refs) ((unsigned)((refs) >> 30 & (MPROC__THREADS - 1)))

/* The payload of a hold list's block. */
#define HOLD_BLOCK 4080
typedef struct hold_list_t {
    mproc__hold_t next;
    mproc__hold_t hold[HOLD_BLOCK / sizeof(mproc__hold_t) - 1];
} hold_list_t;
#define HOLD_LIST_COUNT (sizeof((hold_list_t *)0)->hold / sizeof(mproc__hold_t))

#endif
