/**
 * @file plat_shm.h
 * @brief Contract: shared memory with a name, for any program to find.
 *
 * Beside APR because `apr_shm` makes the name a hash, which no other program
 * finds and two names can share, puts a size of its own in front, reserves
 * no memory (a full machine is then a SIGBUS), and on an error path of attach
 * deletes the owner's.
 *
 * A block is what other programs make by shm_open() or CreateFileMapping():
 * nothing but the caller's bytes.
 */
#ifndef MPROC_PLAT_SHM_H
#define MPROC_PLAT_SHM_H

#include <apr.h>
#include <apr_errno.h>

/** One process's view of a block. */
typedef struct mproc_plat_shm_t {
    void *base;               /**< NULL: not mapped */
    apr_uint64_t size;        /**< in bytes; an attacher's may be rounded up to
                                   pages */
    apr_int64_t handle;       /**< the back end's; -1: none */
    apr_uint64_t identity[2]; /**< tells this block from a later one of the
                                   same name; 0, 0 where that cannot be */
} mproc_plat_shm_t;

/** How a random name begins on this system. */
const char *mproc_plat_shm_prefix(void);

/** Whether a name stays until it is unlinked; else it goes when nobody has
 *  the block open any more, and unlink does nothing. */
int mproc_plat_shm_stays(void);

/**
 * Make a block, all zero, and map it. Only this user may open it. All of it
 * has memory behind it, so that touching it cannot fail. After an error the
 * name is not there, unless it was before.
 * @param shm   receives it
 * @param name  without a slash; its length is checked here
 * @param size  at least 1
 * @param note  told, before anybody can find the name, the identity, or, where
 *              it cannot be known by then, one that stands for a block that
 *              nobody has finished; then told again. Whoever is told of the
 *              death of this process can unlink by the last.
 * @param baton passed to note
 * @return APR_SUCCESS; APR_EEXIST; APR_EINVAL for a name that the system does
 *         not take; APR_ENOMEM when the machine or a limit is exhausted, in
 *         every wording of the system; the system's status
 */
apr_status_t mproc_plat_shm_create(
    mproc_plat_shm_t *shm, const char *name, apr_uint64_t size,
    void (*note)(void *baton, const apr_uint64_t identity[2]), void *baton);

/**
 * Map a block that somebody made; all of it has memory behind it then,
 * whoever made it. Whatever happens, the block and its name stay.
 * @param shm  receives it
 * @param name as its creator has it
 * @return APR_SUCCESS; APR_ENOENT when there is none, or none yet; APR_EINVAL
 *         for a name that the system does not take; APR_ENOMEM; the system's
 *         status
 */
apr_status_t mproc_plat_shm_attach(mproc_plat_shm_t *shm, const char *name);

/**
 * Take a block's name away. Who has it mapped goes on.
 * @param name     its name
 * @param identity its identity: another block of that name stays
 * @return APR_SUCCESS, always where names do not stay; APR_ENOENT when the
 *         block has not got that name any more; the system's status
 */
apr_status_t mproc_plat_shm_unlink(const char *name,
                                   const apr_uint64_t identity[2]);

/** Unmap and close, in this process. Again: fine. */
void mproc_plat_shm_close(mproc_plat_shm_t *shm);

#endif
