/*
 * peers.h: who is attached to the arena, who died, and what they had begun.
 *
 * A peer is an attached process; its id is never used again. Each thread of a
 * peer that waits or changes shared structures has an entry with a place to
 * sleep and the operations that it has begun. The protocol stands at the top
 * of peers.c.
 */
#ifndef MPROC_SRC_PEERS_H
#define MPROC_SRC_PEERS_H

#include <stdatomic.h>

#include <mproc/types.h>

#include "arena.h"

/* Slot and incarnation in 36 bits; 0 is nobody. */
typedef apr_uint64_t mproc__peer_t;

#define MPROC__PEER_BITS 36

/* A thread of a peer, for words that say who holds: peer 0-35, a bit that is
 * always 0, entry 37-49, incarnation of the entry 50-63. 0 is nobody. */
typedef apr_uint64_t mproc__actor_t;

#define MPROC__ACTOR_PEER(actor)                                               \
    ((actor) & ((APR_UINT64_C(1) << MPROC__PEER_BITS) - 1))
#define MPROC__ACTOR_ENTRY(actor) ((unsigned)((actor) >> 37 & 0x1fff))
#define MPROC__ACTOR_INCARNATION(actor) ((unsigned)((actor) >> 50))

/* The calling process; 0 when it is not attached. */
extern _Atomic mproc__peer_t mproc__peer_attached;

static inline mproc__peer_t
mproc__peer_self(void)
{
    return atomic_load_explicit(&mproc__peer_attached, memory_order_relaxed);
}

/* Attach the calling process to the arena of its tree; make the arena when
 * there is none. Idempotent, cheap when attached. A forked child attaches
 * anew, and takes its own references to the objects that it inherited. */
apr_status_t mproc__peers_attach_now(void);

static inline apr_status_t
mproc__peers_attach(void)
{
    return mproc__peer_self() != 0 ? APR_SUCCESS : mproc__peers_attach_now();
}

/* The same for a forked child. `start` is a point in its life that its parent
 * has told, which is cheaper than to ask for one; 0: it has not yet. */
apr_status_t mproc__peers_attach_forked(apr_uint64_t start);

/* Attach a spawned child to its parent's arena, before anything else. */
apr_status_t mproc__peers_join(apr_int64_t map_handle, apr_uint64_t map_size);

/* What a child needs for mproc__peers_join(). */
void mproc__peers_map(apr_int64_t *map_handle, apr_uint64_t *map_size);

/* The process id of a peer; 0 when it is dead or nobody. */
apr_int64_t mproc__peer_pid(mproc__peer_t peer);

/* The calling thread. */
typedef struct mproc__me_t {
    mproc__actor_t actor; /* 0: not registered, or its process not attached */
    int owns; /* things that end with it: when it ends with any left, those who
                 sleep are told */
} mproc__me_t;

extern _Thread_local mproc__me_t mproc__me;
mproc__actor_t mproc__actor_make(void);

/* The calling thread as an actor; registers the thread, and attaches the
 * process, if need be. 0 when there is no entry to be had. */
static inline mproc__actor_t
mproc__actor(void)
{
    return mproc__me.actor != 0 ? mproc__me.actor : mproc__actor_make();
}

/* Threads of the library's own that run in this process. */
extern atomic_int mproc__own_threads;

/* Whether an actor's thread has ended, its process may live. */
int mproc__actor_has_ended(mproc__actor_t actor);

/* Whether a peer is dead, surely. Looks at the proof of life, and runs the
 * recovery when it is gone. */
int mproc__peer_is_dead(mproc__peer_t peer);

/* The same as the table has it already: no look at the process. A recoverer
 * says so in the table before it wakes those who wait. */
int mproc__peer_is_gone(mproc__peer_t peer);

/* How many deaths have been told in the tree. While it is the same, a peer
 * that was not gone is not. */
apr_uint64_t mproc__peers_deaths(void);

/* Wait until the recovery of all who have ended has come to its end, or run
 * it. */
void mproc__peers_settle(void);

/* A process has ended: run the recovery for whatever it was attached as. */
void mproc__peers_ended(apr_int64_t pid);

/* Look whether any peer died; at most once in 100 ms in the whole tree. */
void mproc__peers_look_around(void);

/* The calling process ends, and makes nothing more that is shared. Returns
 * whether it is the last of its tree, but for others that are as far. */
int mproc__peers_last(void);

/* Counts this process's attachments: changes when a forked child starts. */
unsigned mproc__peers_epoch(void);

/* A hold of the calling process, empty. It is emptied when the process
 * dies. NULL when memory is short. */
mproc__hold_t *mproc__hold_new(void);

/* Give it back; it must be empty. */
void mproc__hold_free(mproc__hold_t *hold);

#endif
