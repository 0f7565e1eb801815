/**
 * @file plat_netset.h
 * @brief Contract: wait for very many of plat_net.h's handles.
 *
 * Beside APR's pollsets because those take sockets only, not the named pipes
 * of Windows. One thread at a time.
 */
#ifndef MPROC_PLAT_NETSET_H
#define MPROC_PLAT_NETSET_H

#include <apr_pools.h>
#include <apr_time.h>

/** Handles, and what each is waited for. */
typedef struct mproc_plat_netset_t mproc_plat_netset_t;

/** A handle in it: the caller's, zero at first. */
typedef struct mproc_plat_netset_item_t {
    apr_int64_t handle;
    void *baton; /**< told when it is ready */
    int entered; /**< what follows is the set's */
    int sends;
    void *place;
} mproc_plat_netset_item_t;

/** Make an empty one for at most so many; it goes with the pool. */
apr_status_t mproc_plat_netset_create(mproc_plat_netset_t **set, int most,
                                      apr_pool_t *pool);

/** Wait for the item from now on: `sends` 0, for bytes, a client or the end; 1,
 *  for room to send. Again to change that. APR_SUCCESS; APR_ENOMEM; the
 *  system's status. */
apr_status_t mproc_plat_netset_enter(mproc_plat_netset_t *set,
                                     mproc_plat_netset_item_t *item, int sends);

/** Wait for it no more; before the handle is closed. One that was not entered
 *  is fine. */
void mproc_plat_netset_leave(mproc_plat_netset_t *set,
                             mproc_plat_netset_item_t *item);

/** Wait until some are ready, and tell their batons.
 *  @param count room; receives how many
 *  @return APR_SUCCESS; APR_TIMEUP. Signals do not end it. */
apr_status_t mproc_plat_netset_wait(mproc_plat_netset_t *set, void **batons,
                                    int *count, apr_time_t deadline);

#endif
