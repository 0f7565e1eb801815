/*
 * list_row.h: elements of a store in a row. The protocol stands at the top of
 * list_row.c.
 */
#ifndef MPROC_SRC_LIST_ROW_H
#define MPROC_SRC_LIST_ROW_H

#include "store.h"

#define MPROC__LIST_MOST 0x7fffff00U

/* A cell. Behind it the value, if that is inline. */
typedef struct mproc__element_t {
    apr_uint32_t link; /* of free cells */
    apr_uint32_t value;
    apr_uint32_t class_index;
    char data[];
} mproc__element_t;

/* The mutex is held. */

/* The n-th; pre: there is one. */
mproc__element_t *mproc__list_at(mproc__store_use_t *use, apr_uint64_t n);

/* Set the n-th. */
apr_status_t mproc__list_set(mproc__store_use_t *use, apr_uint64_t n,
                             const mproc__fill_t *fill);

/* Put `more` elements in the place of `fewer` that begin at the n-th: all of
 * it happens, or nothing. */
apr_status_t mproc__list_splice(mproc__store_use_t *use, apr_uint64_t n,
                                apr_uint64_t fewer, const mproc__fill_t *fill,
                                apr_size_t more);

/* Bring them into another order: `refs` are filled by the caller between these
 * two, out of those that `now` gets. */
apr_status_t mproc__list_order_begin(mproc__store_use_t *use,
                                     const apr_uint32_t **now,
                                     apr_uint32_t **refs);
void mproc__list_order_end(mproc__store_use_t *use);
void mproc__list_order_drop(mproc__store_use_t *use);

static inline mproc__element_t *
mproc__list_element(mproc__store_use_t *use, apr_uint32_t ref)
{
    return mproc__store_cell(use, ref);
}

/* A store's repair. */
void mproc__list_repair(mproc__store_use_t *use);

#endif
