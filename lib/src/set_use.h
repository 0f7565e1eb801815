/* set_use.h: what a set comes down to, here and in a manager's server. */
#ifndef MPROC_SRC_SET_USE_H
#define MPROC_SRC_SET_USE_H

#include <mproc/set.h>

#include "dict_use.h"
#include "manager_wire.h"

/* Change a set by some values, each of which stands there once; one step for
 * others, but not for who is killed in it. */
apr_status_t mproc__set_change(mproc__store_use_t *use, mproc__set_change_e how,
                               const mproc_bytes_t *values, apr_size_t count,
                               const char *call);

/* How many it has, and how many of these, at one moment. */
apr_status_t mproc__set_common(mproc__store_use_t *use,
                               const mproc_bytes_t *values, apr_size_t count,
                               apr_size_t *size, apr_size_t *common,
                               const char *call);

/* Public calls, for another that is named. */
apr_status_t mproc__set_snapshot(mproc_set_t *set, mproc_bytes_t **values,
                                 apr_size_t *count, apr_pool_t *pool,
                                 const char *call);
apr_status_t mproc__set_copy(mproc_set_t **copy, mproc_set_t *set,
                             apr_pool_t *pool, const char *call);

#endif
