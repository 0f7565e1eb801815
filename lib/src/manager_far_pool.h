/*
 * manager_far_pool.h: what the calls on a pool, and on what was sent to it,
 * come down to when it is a manager's. As manager_far.h.
 */
#ifndef MPROC_SRC_MANAGER_FAR_POOL_H
#define MPROC_SRC_MANAGER_FAR_POOL_H

#include <mproc/pool.h>

#include "manager_proxy.h"
#include "wait.h"

typedef struct mproc__far_async_t mproc__far_async_t;
struct mproc__order_t;

/* The arguments of MPROC__MAKE for a pool. APR_NOTFOUND when the initializer
 * has no name; what else is wrong is told when the call is run. */
apr_status_t mproc__far_pool_options(mproc__ask_t *ask,
                                     const mproc_pool_options_t *options);
/* Wait until it is made, and have what stands for it. The proxy is the pool's,
 * or closed. */
apr_status_t mproc__far_pool_open(mproc_pool_t **workers, mproc__proxy_t *proxy,
                                  apr_pool_t *pool, const char *call);
apr_status_t mproc__far_pool_stats(mproc__proxy_t *workers,
                                   mproc_pool_stats_t *stats);
apr_status_t mproc__far_pool_resize(mproc_pool_t *workers, int processes);
apr_status_t mproc__far_pool_cancel(mproc__proxy_t *workers,
                                    apr_uint64_t *count);
/* NULL: nobody will ask for it. */
apr_status_t mproc__far_pool_send(mproc__far_async_t **async,
                                  mproc__proxy_t *workers,
                                  const struct mproc__order_t *order,
                                  const char *call);

/* What stands for one that the server has counted for this process; when that
 * fails the count is given up. */
apr_status_t mproc__far_async_make(mproc__far_async_t **async,
                                   mproc__link_t *link, apr_uint64_t id,
                                   apr_size_t count, const char *call);
/* For who waits for others, too. */
void mproc__far_async_source(mproc__far_async_t *async,
                             mproc__source_t *source);
/* Have what its tasks said; APR_TIMEUP when they are not settled in time. */
apr_status_t mproc__far_async_wait(mproc__far_async_t *async,
                                   apr_time_t deadline, const char *call);
apr_status_t mproc__far_async_cancel(mproc__far_async_t *async);
apr_size_t mproc__far_async_count(const mproc__far_async_t *async);
/* The sentence for mproc_error_detail() stays what it is. */
void mproc__far_async_free(mproc__far_async_t *async);
/* It cannot be had: each of its tasks has ended with this status, and the
 * sentence of now. */
apr_status_t mproc__far_async_lose(mproc__far_async_t *async,
                                   apr_status_t status);

/* Whether that is had; then, of a task: */
int mproc__far_async_known(const mproc__far_async_t *async);
apr_status_t mproc__far_async_status(const mproc__far_async_t *async,
                                     apr_size_t index);
mproc_bytes_t mproc__far_async_said(const mproc__far_async_t *async,
                                    apr_size_t index);
apr_status_t mproc__far_async_failure(const mproc__far_async_t *async,
                                      apr_size_t index);
const mproc_lost_t *mproc__far_async_lost(const mproc__far_async_t *async,
                                          apr_size_t index);
/* The first that failed, or how many there are. */
apr_size_t mproc__far_async_failed(const mproc__far_async_t *async);

/* Whether all asyncs, of which some may be NULL, are of one manager's. */
int mproc__far_are_one(mproc_async_t *const *asyncs, apr_size_t count);
/* Wait for several of one manager's; NULL are none. Tells how many are settled,
 * and, unless it is NULL, which: 0, 1, or 2, with a failure. */
apr_status_t mproc__far_select(mproc_async_t *const *asyncs, apr_size_t count,
                               mproc_wait_for_e until, apr_time_t deadline,
                               unsigned char *state, apr_size_t *settled,
                               const char *call);
/* The first that is settled; APR_EOF when all are NULL. */
apr_status_t mproc__far_first(mproc_async_t *const *asyncs, apr_size_t count,
                              apr_size_t *index, apr_time_t deadline,
                              const char *call);

#endif
