/* list_use.h: what the files of list share. */
#ifndef MPROC_SRC_LIST_USE_H
#define MPROC_SRC_LIST_USE_H

#include <mproc/list.h>

#include "list_row.h"
#include "packed_order.h"

struct mproc_list_t {
    mproc__store_use_t use;
};

apr_status_t mproc__list_check(mproc_list_t *list, const char *call);
apr_status_t mproc__list_null(const char *call, const char *what);
apr_status_t mproc__list_memory(const char *call);

/* The place of an index that may count from the end; the mutex is held. */
apr_status_t mproc__list_index(mproc__store_use_t *use, apr_uint64_t *n,
                               apr_int64_t index, const char *call);

/* The places from start up to stop, cut to what there is; likewise. */
void mproc__list_range(mproc__store_use_t *use, apr_uint64_t *from,
                       apr_uint64_t *count, apr_int64_t start,
                       apr_int64_t stop);

/* The elements from start up to stop, at one moment. */
apr_status_t mproc__list_snapshot(mproc__store_use_t *use,
                                  mproc_bytes_t **values, apr_size_t *count,
                                  apr_int64_t start, apr_int64_t stop,
                                  apr_pool_t *pool, const char *call);

#endif
