/**
 * @file plat_map.h
 * @brief Contract: the one shared mapping that a process tree stands on.
 *
 * Beside APR because `apr_shm` reserves no memory (a full machine is then a
 * SIGBUS), pays for the whole size at once on some systems, and cannot be
 * handed to a child without a name.
 *
 * The mapping is sparse: address space is taken at once, memory only by
 * commit. It has no name, and goes with the last process that has it.
 */
#ifndef MPROC_PLAT_MAP_H
#define MPROC_PLAT_MAP_H

#include <apr.h>
#include <apr_errno.h>

/** One process's view of the mapping. */
typedef struct mproc_plat_map_t {
    char *base;               /**< where it begins here */
    apr_uint64_t size;        /**< address space, in bytes */
    apr_int64_t handle;       /**< descriptor or HANDLE, not inherited unless
                                   listed in mproc_plat_spawn_t.inherit */
    apr_uint64_t identity[2]; /**< the back end's: what the handle stood for,
                                   should the host close it and use it again */
} mproc_plat_map_t;

/** Commit works in units of this many bytes. */
#define MPROC_PLAT_MAP_UNIT 65536

/**
 * Make a mapping, all zero, nothing committed.
 * @param map   receives it
 * @param size  address space wished for; where that is refused, half of it
 *              is tried, and so on
 * @param least the least that will do; both are powers of two
 * @return APR_SUCCESS; APR_ENOMEM or the system's status
 */
apr_status_t mproc_plat_map_create(mproc_plat_map_t *map, apr_uint64_t size,
                                   apr_uint64_t least);

/**
 * Map it in a process that was spawned with its handle inherited.
 * @param map    receives it; the handle is made not inheritable again
 * @param handle as listed in mproc_plat_spawn_t.inherit
 * @param size   as the creator has it
 */
apr_status_t mproc_plat_map_attach(mproc_plat_map_t *map, apr_int64_t handle,
                                   apr_uint64_t size);

/**
 * Put memory behind a range, so that touching it cannot fail. Committed
 * before: fine, contents are kept.
 * pre: offset and length are multiples of MPROC_PLAT_MAP_UNIT.
 * @return APR_SUCCESS; APR_ENOMEM when the machine or a limit is exhausted,
 *         in every wording of the system
 */
apr_status_t mproc_plat_map_commit(const mproc_plat_map_t *map,
                                   apr_uint64_t offset, apr_uint64_t length);

/**
 * Give memory back. The range then reads as zeros, or, where the system
 * cannot, keeps its contents and its memory.
 * pre: as for commit; nobody uses the range.
 * @return 1 when the memory was given back; 0 when it stays committed
 */
int mproc_plat_map_decommit(const mproc_plat_map_t *map, apr_uint64_t offset,
                            apr_uint64_t length);

/** Unmap and close, in this process. */
void mproc_plat_map_close(mproc_plat_map_t *map);

#endif
