/*
 * arena.h: one shared memory for the process tree.
 *
 * A block is named by a handle, which means the same in every process. Who
 * uses a block holds it: a hold is a word in shared memory that names the
 * block, and the block counts its holds. The last release frees the block.
 * The protocols stand at the top of arena.c and hold.c.
 */
#ifndef MPROC_SRC_ARENA_H
#define MPROC_SRC_ARENA_H

#include <stdatomic.h>

#include <mproc/census.h>
#include <mproc/types.h>

/* Place (in units of 64 bytes) and generation; 0 names nothing. */
typedef apr_uint64_t mproc__handle_t;

/* A reference to a block: 0, or the block's handle with a state. Lies in
 * shared memory: in a process's hold list, or inside a block. */
typedef _Atomic apr_uint64_t mproc__hold_t;

/* The largest block, of an arena of full size. */
#define MPROC__BLOCK_MAX ((apr_uint64_t)1 << 34)

/* Make the arena, if this process tree has none yet. Idempotent. */
apr_status_t mproc__arena_create(void);

/* What the payload of a block of the kinds that holder.c names starts with:
 * holds that the block has itself, released when it is freed. */
typedef struct mproc__holder_t {
    apr_uint32_t count;
    apr_uint32_t buried; /* see block.c */
    mproc__hold_t hold[];
} mproc__holder_t;

/* Take a block of `size` bytes for the hold, which must be empty. The
 * payload is aligned to 16 bytes, and zeroed but for kinds BYTES and CELLS. */
apr_status_t mproc__arena_alloc(mproc__hold_t *hold, apr_uint64_t size,
                                mproc_kind_e kind);

/* Have the hold, which must be empty, refer to a block too. MPROC_ESTALE
 * when the handle's block is gone. */
apr_status_t mproc__arena_hold(mproc__hold_t *hold, mproc__handle_t handle);

/* Empty the hold; when it was the last, free the block with the holds that
 * lie inside it. An empty hold is fine. */
void mproc__arena_release(mproc__hold_t *hold);

/* The handle that a hold refers to, or 0. */
mproc__handle_t mproc__hold_handle(const mproc__hold_t *hold);

/* The payload of a block that the caller holds (or that something it holds
 * holds). NULL for a handle that is stale or was never one. */
void *mproc__arena_at(mproc__handle_t handle);

/* The kind of a live block, else MPROC_KIND_NONE. */
mproc_kind_e mproc__arena_kind(mproc__handle_t handle);

/* How many holds there are on a live block; 0 when it is gone. */
apr_uint64_t mproc__arena_holds(mproc__handle_t handle);

/* Room for the payload of a live block, in bytes; at least what was asked
 * for. */
apr_uint64_t mproc__arena_room(mproc__handle_t handle);

/* Places for words that threads wait on: an offset from the arena's base,
 * the same in all processes. */
apr_uint64_t mproc__arena_offset(const volatile void *address);
void *mproc__arena_address(apr_uint64_t offset);

/* Whether `size` bytes at an address lie in the arena. */
int mproc__arena_contains(const void *address, apr_size_t size);

#endif
