/**
 * @file plat_park.h
 * @brief Contract: where a thread sleeps, and how any process wakes it.
 *
 * Beside APR because APR has nothing that waits with a timeout across
 * processes. A spot is a binary semaphore: a wake before the wait makes the
 * wait return at once; several wakes count as one.
 */
#ifndef MPROC_PLAT_PARK_H
#define MPROC_PLAT_PARK_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_time.h>

/** The shared half; lies in the mapping, zeroed before the first init. */
typedef struct mproc_plat_park_t {
    _Alignas(16) unsigned char opaque[64];
} mproc_plat_park_t;

/**
 * Ready a spot for the calling thread, without a wake pending. The spot may
 * have belonged to a thread that died at any instruction.
 */
apr_status_t mproc_plat_park_init(mproc_plat_park_t *spot);

/** Free what the calling process holds for its own spot. */
void mproc_plat_park_done(mproc_plat_park_t *spot);

/**
 * Sleep until woken. Only the thread that readied the spot may.
 * @param deadline on mproc_plat_clock(), or MPROC_PLAT_NEVER
 * @return APR_SUCCESS, woken; APR_TIMEUP, never early. Signals do not end it.
 */
apr_status_t mproc_plat_park_wait(mproc_plat_park_t *spot, apr_time_t deadline);

/**
 * Wake the thread whose spot it is. Any process; never waits. A spot whose
 * owner is gone, or that now belongs to another thread, takes no harm.
 */
void mproc_plat_park_wake(mproc_plat_park_t *spot);

#endif
