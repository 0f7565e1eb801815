/*
 * arena.c: the mapping, and where things lie in it.
 *
 * The address space is taken once, far beyond need; memory is put behind
 * what is used. The mapping is never moved or unmapped, so an address in it
 * stays good as long as the process lives.
 */
#include "arena.h"

#include <mproc/error.h>

#include "../../platform/plat_map.h"
#include "error.h"
#include "layout.h"
#include "peers.h"

#define ARENA_SIZE ((apr_uint64_t)1 << (sizeof(void *) > 4 ? 36 : 30))
#define ARENA_LEAST ((apr_uint64_t)64 << 20)

mproc__arena_t mproc__arena;

static apr_uint64_t
round_up(apr_uint64_t value)
{
    return (value + MPROC__CHUNK - 1) / MPROC__CHUNK * MPROC__CHUNK;
}

mproc__layout_t
mproc__arena_layout(apr_uint64_t size)
{
    apr_uint64_t regions = size / (MPROC__REGION_CHUNKS * MPROC__CHUNK);
    mproc__layout_t at = {.summary = MPROC__CHUNK};

    at.summary_words = (regions + 63) / 64;
    at.peers = at.summary + round_up(MPROC__CLASSES * at.summary_words *
                                     sizeof(mproc__word_t));
    at.threads =
        at.peers + round_up(MPROC__PEERS * sizeof(mproc__peer_entry_t));
    at.region = at.threads + round_up(MPROC__THREADS * sizeof(mproc__thread_t));
    at.data = at.region + round_up(regions * MPROC__REGION_STRIDE);
    return at;
}

/* Where everything is, given the size. */
static void
arena_lay_out(mproc__arena_t *arena)
{
    mproc__layout_t at = mproc__arena_layout(arena->map.size);

    arena->summary_words = at.summary_words;
    arena->header = (mproc__header_t *)arena->map.base;
    arena->summary = (mproc__word_t *)(arena->map.base + at.summary);
    arena->peer = (mproc__peer_entry_t *)(arena->map.base + at.peers);
    arena->thread = (mproc__thread_t *)(arena->map.base + at.threads);
    arena->region = arena->map.base + at.region;
    arena->data = arena->map.base + at.data;
    arena->data_offset = at.data;
}

apr_status_t
mproc__arena_commit(const void *from, apr_size_t size)
{
    apr_uint64_t begin = mproc__arena_offset(from);
    apr_uint64_t end = round_up(begin + size);
    begin = begin / MPROC__CHUNK * MPROC__CHUNK;
    return mproc_plat_map_commit(&mproc__arena.map, begin, end - begin);
}

apr_status_t
mproc__arena_create(void)
{
    mproc__arena_t arena = {0};
    apr_status_t rv;

    if (mproc__arena.header != NULL) {
        return APR_SUCCESS;
    }
    rv = mproc_plat_map_create(&arena.map, ARENA_SIZE, ARENA_LEAST);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv,
                           "no shared memory for the process tree: not even "
                           "%d MiB of address space were to be had; raise the "
                           "limits (ulimit -v, ulimit -f, ulimit -n)",
                           (int)(ARENA_LEAST >> 20));
    }
    arena_lay_out(&arena);
    rv = mproc_plat_map_commit(
        &arena.map, 0,
        MPROC__CHUNK + round_up(MPROC__CLASSES * arena.summary_words *
                                sizeof(mproc__word_t)));
    if (rv != APR_SUCCESS) {
        mproc_plat_map_close(&arena.map);
        return mproc__fail(rv, "no memory for the shared arena's tables; free "
                               "some memory or raise the limit");
    }
    arena.header->layout = MPROC__LAYOUT;
    arena.header->size = arena.map.size;
    arena.header->regions = (arena.map.size - arena.data_offset) /
                            (MPROC__REGION_CHUNKS * MPROC__CHUNK);
    arena.header->magic = MPROC__MAGIC;
    mproc__arena = arena;
    return APR_SUCCESS;
}

apr_status_t
mproc__arena_attach(apr_int64_t handle, apr_uint64_t size)
{
    mproc__arena_t arena = {0};
    apr_status_t rv = mproc_plat_map_attach(&arena.map, handle, size);

    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "the parent's shared arena cannot be mapped; "
                               "is the address space limited (ulimit -v)?");
    }
    arena_lay_out(&arena);
    if (arena.header->magic != MPROC__MAGIC ||
        arena.header->layout != MPROC__LAYOUT || arena.header->size != size) {
        mproc_plat_map_close(&arena.map);
        return mproc__fail(MPROC_EBOOTSTRAP,
                           "the parent's shared arena has another layout: "
                           "parent and child use different versions of mproc");
    }
    mproc__arena = arena;
    return APR_SUCCESS;
}

apr_uint64_t
mproc__arena_offset(const volatile void *address)
{
    return (apr_uint64_t)((const volatile char *)address -
                          mproc__arena.map.base);
}

void *
mproc__arena_address(apr_uint64_t offset)
{
    return mproc__arena.map.base + offset;
}

int
mproc__arena_contains(const void *address, apr_size_t size)
{
    const char *from = address;
    return mproc__arena.header != NULL && from >= mproc__arena.data &&
           from < mproc__arena.map.base + mproc__arena.map.size &&
           size <= (apr_size_t)(mproc__arena.map.base + mproc__arena.map.size -
                                from);
}
