/*
 * manager_piece.h: arrays on a manager's pool. See manager_piece.c.
 */
#ifndef MPROC_SRC_MANAGER_PIECE_H
#define MPROC_SRC_MANAGER_PIECE_H

#include "pool.h"

/* The arguments of mproc_pool_map_array(), which were checked. */
typedef struct mproc__far_map_t {
    mproc_pool_t *workers;
    mproc_map_fn_t function;
    const void *in;
    void *out;
    apr_size_t count, in_size, out_size;
    const mproc_map_options_t *options;
} mproc__far_map_t;

apr_status_t mproc__far_map(const mproc__far_map_t *map);

/* For the server: have the function, which is one for arrays, be what a
 * client's piece is for; the task that does it. */
apr_status_t mproc__piece_address(mproc_bytes_t *item,
                                  mproc_function_t function, apr_pool_t *pool);
apr_status_t mproc__piece_run(mproc_bytes_t args, mproc_reply_t *reply,
                              apr_pool_t *pool);

#endif
