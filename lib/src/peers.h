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

#include <mproc/types.h>

#include "arena.h"

/* Slot and incarnation in 36 bits; 0 is nobody. */
typedef apr_uint64_t mproc__peer_t;

#define MPROC__PEER_BITS 36

/* Attach the calling process to the arena of its tree; make the arena when
 * there is none. Idempotent, cheap when attached. A forked child attaches
 * anew, and takes its own references to the objects that it inherited. */
apr_status_t mproc__peers_attach(void);

/* Attach a spawned child to its parent's arena, before anything else. */
apr_status_t mproc__peers_join(apr_int64_t map_handle, apr_uint64_t map_size);

/* What a child needs for mproc__peers_join(). */
void mproc__peers_map(apr_int64_t *map_handle, apr_uint64_t *map_size);

/* The calling process; 0 when it is not attached. */
mproc__peer_t mproc__peer_self(void);

/* Whether a peer is dead, surely. Looks at the proof of life, and runs the
 * recovery when it is gone. */
int mproc__peer_is_dead(mproc__peer_t peer);

/* The same as the table has it already: no look at the process. A recoverer
 * says so in the table before it wakes those who wait. */
int mproc__peer_is_gone(mproc__peer_t peer);

/* A process has ended: run the recovery for whatever it was attached as. */
void mproc__peers_ended(apr_int64_t pid);

/* Look whether any peer died; at most once in 100 ms in the whole tree. */
void mproc__peers_look_around(void);

/* Counts this process's attachments: changes when a forked child starts. */
unsigned mproc__peers_epoch(void);

/* A hold of the calling process, empty. It is emptied when the process
 * dies. NULL when memory is short. */
mproc__hold_t *mproc__hold_new(void);

/* Give it back; it must be empty. */
void mproc__hold_free(mproc__hold_t *hold);

#endif
