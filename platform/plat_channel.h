/**
 * @file plat_channel.h
 * @brief Contract: a private channel between a process and its fork server.
 *
 * Beside APR because APR cannot pass descriptors. Records are whole or not
 * at all. Only where mproc_plat_proc_can_fork(); elsewhere APR_ENOTIMPL.
 */
#ifndef MPROC_PLAT_CHANNEL_H
#define MPROC_PLAT_CHANNEL_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_time.h>

/** Descriptors in one record, at most. */
#define MPROC_PLAT_CHANNEL_HANDLES 8

/** Make both ends; neither is inherited unless listed. */
apr_status_t mproc_plat_channel_create(apr_int64_t end[2]);

/** Take an end that was inherited by spawn. */
apr_status_t mproc_plat_channel_adopt(apr_int64_t end);

/**
 * Send a record with descriptors, which stay the caller's.
 * @return APR_SUCCESS; APR_EPIPE when the other end is gone; APR_TIMEUP
 */
apr_status_t mproc_plat_channel_send(apr_int64_t end, const void *data,
                                     apr_size_t size,
                                     const apr_int64_t *handles, int count,
                                     apr_time_t deadline);

/**
 * Receive a record. Descriptors become the caller's, not inheritable.
 * @param size  room, and then what came
 * @param count room, and then what came
 * @return APR_SUCCESS; APR_EOF when the other end is gone; APR_TIMEUP;
 *         MPROC_EFORMAT when it did not fit, the record is lost
 */
apr_status_t mproc_plat_channel_recv(apr_int64_t end, void *data,
                                     apr_size_t *size, apr_int64_t *handles,
                                     int *count, apr_time_t deadline);

/**
 * Wait for a record or for the end of any of some processes.
 * @param procs handles of processes; -1 is skipped
 * @param ready receives the index of one that has ended, or -1 for a record
 *              or the end of the channel
 * @return APR_SUCCESS; APR_TIMEUP
 */
apr_status_t mproc_plat_channel_wait(apr_int64_t end, const apr_int64_t *procs,
                                     int count, int *ready,
                                     apr_time_t deadline);

/** Close an end, or a descriptor that was received. */
void mproc_plat_channel_close(apr_int64_t end);

#endif
