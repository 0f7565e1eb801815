/**
 * @file plat_peek.h
 * @brief Contract: read the shared mapping of another process.
 *
 * Beside APR because APR has no way to look into another process.
 *
 * The process is neither stopped nor asked, and nothing in it changes: it may
 * run, hang, be stopped, or be killed at any moment.
 */
#ifndef MPROC_PLAT_PEEK_H
#define MPROC_PLAT_PEEK_H

#include "plat_map.h"

/** A mapping seen from outside. */
typedef struct mproc_plat_peek_t {
    mproc_plat_map_t map; /**< for plat_life.h; base is NULL, not mapped */
    apr_uint64_t base;    /**< the back end's: where it lies there */
    int own;              /**< 1: it is the caller's own mapping, nothing was
                               opened; read that */
} mproc_plat_peek_t;

/**
 * Find the mapping made by mproc_plat_map_create() of another process.
 * @param peek  receives it
 * @param pid   the process
 * @param magic the mapping's first 8 bytes
 * @param own   the caller's mapping; NULL: it has none
 * @return APR_SUCCESS; APR_EPROC_UNKNOWN when there is no such process;
 * APR_NOTFOUND when it has no such mapping; APR_EACCES, or the system's wording
 * of it; APR_ENOTIMPL when this system shows nothing; APR_ENOMEM
 */
apr_status_t mproc_plat_peek_open(mproc_plat_peek_t *peek, apr_int64_t pid,
                                  apr_uint64_t magic,
                                  const mproc_plat_map_t *own);

/**
 * Copy a part. What was never committed reads as zeros, and stays so.
 * @return APR_SUCCESS; APR_EOF when it does not lie in the mapping;
 * APR_EPROC_UNKNOWN when the process has gone, and the mapping with it
 */
apr_status_t mproc_plat_peek_read(const mproc_plat_peek_t *peek,
                                  apr_uint64_t offset, void *data,
                                  apr_size_t size);

/** Let it go. */
void mproc_plat_peek_close(mproc_plat_peek_t *peek);

#endif
