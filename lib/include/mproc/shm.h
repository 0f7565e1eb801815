/**
 * @file shm.h
 * @brief Shared memory with a name, for programs that are not one tree.
 *
 * @code
 * mproc_shm_t *shm, *same;
 * mproc_shm_create(&shm, NULL, 4096, pool);           // "psm_" and 8 digits
 * strcpy(mproc_shm_data(shm), "hello");
 * mproc_shm_attach(&same, mproc_shm_name(shm), pool); // in any program
 * puts(mproc_shm_data(same));
 * mproc_shm_unlink(shm);
 * @endcode
 *
 * Within a process tree a value (value.h) is cheaper, and has no name that
 * somebody must take away.
 *
 * **Other programs** find a block by `shm_open("/" + name)`, on Windows by
 * `OpenFileMapping(name)`, and Python as
 * `multiprocessing.shared_memory.SharedMemory(name)`: there is nothing in it
 * but the caller's bytes. Mind that Python before 3.13, and later without
 * `track=False`, unlinks at its end what it only attached to.
 *
 * **Rights.** Only the user who made it may open a block (mode 0600; on
 * Windows the process's default). Whoever can open it can change it under
 * your hands, and where the system has files for it cut it short, which is a
 * bus error at a touch: do not attach to what you do not trust.
 *
 * **How long a name stays.** Until somebody unlinks it. A name that a process
 * of this tree made and nobody unlinked is unlinked by the tree's last
 * process, when that ends normally or because its parent was killed; until
 * then the death of its creator changes nothing. Attaching never makes a
 * process, or its tree, the owner. What remains: when the last process of the
 * tree is itself killed, by a signal, or by `_exit()`, or all of them at once,
 * or when the program never called mproc_initialize(), the names that were
 * not unlinked stay until the machine is started anew, or somebody unlinks
 * them; there is no helper process that would outlive the tree to do it. So
 * unlink as soon as all who are to attach have. A process that is killed
 * within mproc_shm_create() leaves no name once the tree has noticed.
 *
 * On Windows names do not stay: a block goes, with its name, when nobody has
 * it open, so keep it open until the next one has attached.
 */
#ifndef MPROC_SHM_H
#define MPROC_SHM_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A block with a name. Starts with the shared object's header. */
typedef struct mproc_shm_t mproc_shm_t;

/** The longest name, in bytes. Some systems take less. */
#define MPROC_SHM_NAME_MAX 250

/**
 * Create a block, all zero, and have it mapped here. All of it has memory
 * behind it, so that touching it cannot fail.
 * @param shm  receives it
 * @param name 1 to MPROC_SHM_NAME_MAX bytes of UTF-8, without a slash, not
 *             "." or "..", copied; NULL: a random one that is free
 * @param size in bytes, at least 1
 * @param pool its lifetime here, or NULL: until mproc_shm_destroy()
 * @return APR_SUCCESS; APR_EEXIST when the name is taken; APR_EINVAL for a
 *         name that is none, a size of 0, or NULL; APR_ENOMEM when the
 *         machine, /dev/shm, a limit or the arena is full. After an error
 *         there is no new name.
 * @note Processes: pass it on with `o`, or by its name. Threads: any. Fork:
 *       usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shm_create(mproc_shm_t **shm, const char *name, apr_size_t size,
                 apr_pool_t *pool);

/**
 * Attach to a block that any program has made, and have it mapped here. Where
 * its creator reserved no memory, that is done now. Nothing that happens here
 * takes the block or its name away.
 * @param shm  receives it
 * @param name as mproc_shm_name() gives it
 * @param pool its lifetime here, or NULL: until mproc_shm_destroy()
 * @return APR_SUCCESS; APR_ENOENT when there is none, or it has no size yet;
 *         APR_EINVAL for a name that is none, or NULL; APR_EACCES when it is
 *         somebody else's; APR_ENOMEM
 * @note Processes: any program's. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shm_attach(mproc_shm_t **shm, const char *name, apr_pool_t *pool);

/**
 * Find the bytes of a block. Where it came through the letter `o`, this call
 * attaches to it.
 * @param shm the block
 * @return its first byte, aligned for any type; valid until it is closed in
 *         this process. NULL when it is closed, and when it came through `o`
 *         and cannot be attached to: mproc_error_detail() says why, such as
 *         that it has been unlinked meanwhile.
 * @note Processes: any; the address differs. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(void *) mproc_shm_data(mproc_shm_t *shm);

/**
 * Tell the size of a block.
 * @param shm the block
 * @return bytes: as created; on some systems an attacher's is rounded up to
 *         pages. 0 for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_shm_size(mproc_shm_t *shm);

/**
 * Tell the name of a block, without the slash that shm_open() wants.
 * @param shm the block, may be closed or unlinked
 * @return the name, valid as long as shm is; NULL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const char *) mproc_shm_name(mproc_shm_t *shm);

/**
 * Unmap a block in this process; mproc_shm_data() is NULL from then on. Name
 * and size can still be told, and it can be unlinked. Others are unaffected.
 * @param shm the block; closed before, or NULL: nothing happens
 * @note Processes: only this one's mapping goes. Threads: no other may use
 *       the bytes any more. Fork: the child's mapping is its own.
 */
MPROC_DECLARE(void) mproc_shm_close(mproc_shm_t *shm);

/**
 * Take a block's name away, once in all. Who has it mapped goes on; the memory
 * goes with the last mapping. Another block that has the same name by now
 * stays. On Windows the name stays until nobody has the block open.
 * @param shm the block, may be closed
 * @return APR_SUCCESS; APR_ENOENT when that has been done already;
 *         APR_EINVAL for NULL; the system's status
 * @note Processes: any that has it. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_shm_unlink(mproc_shm_t *shm);

/**
 * Close a block and give up this process's use of it. The name stays.
 * @param shm the block, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_shm_destroy(mproc_shm_t *shm);

#ifdef __cplusplus
}
#endif

#endif
