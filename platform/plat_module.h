/**
 * @file plat_module.h
 * @brief Contract: which module an address lies in, and the way back.
 *
 * Beside APR because `apr_dso` goes from names to addresses only.
 */
#ifndef MPROC_PLAT_MODULE_H
#define MPROC_PLAT_MODULE_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>

/** Enough for a build id, or a time stamp and a size. */
#define MPROC_PLAT_MODULE_ID 32

/** A program or library. */
typedef struct mproc_plat_module_t {
    char *base;        /**< where offset 0 lies in this process */
    apr_uint64_t span; /**< bytes from base to its end */
    const char *path;  /**< absolute; "" for the program itself */
    unsigned char id[MPROC_PLAT_MODULE_ID]; /**< build id, zero-padded; where
                          there is none, derived from the file */
} mproc_plat_module_t;

/**
 * Find the module that an address lies in.
 * @param pool owns the path
 * @return APR_SUCCESS; APR_NOTFOUND
 */
apr_status_t mproc_plat_module_of(mproc_plat_module_t *module,
                                  const void *address, apr_pool_t *pool);

/**
 * Find a module by path, load it if it is not loaded.
 * @param path as above; "" for the program itself
 * @param pool owns the path
 * @return APR_SUCCESS; APR_ENOENT and the like; APR_EDSOOPEN
 */
apr_status_t mproc_plat_module_load(mproc_plat_module_t *module,
                                    const char *path, apr_pool_t *pool);

/**
 * Tell whether the file that a new process would load is still this module.
 * @return APR_SUCCESS; APR_ENOENT when it is gone; APR_EMISMATCH when it is
 *         another one now
 */
apr_status_t mproc_plat_module_on_disk(const mproc_plat_module_t *module,
                                       apr_pool_t *pool);

#endif
