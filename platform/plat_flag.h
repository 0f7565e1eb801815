/**
 * @file plat_flag.h
 * @brief Contract: a flag that the event loops of a system can wait for.
 *
 * Beside APR because `apr_pollset_wakeup` wakes one pollset of APR's own.
 */
#ifndef MPROC_PLAT_FLAG_H
#define MPROC_PLAT_FLAG_H

#include <apr.h>
#include <apr_errno.h>

/** A flag of one process. Plain memory, no lock inside. */
typedef struct mproc_plat_flag_t {
    apr_int64_t handle; /**< ready while the flag is up: descriptor to poll for
                             input, or HANDLE; for those who wait */
    apr_int64_t raiser; /**< the back end's; -1: none */
} mproc_plat_flag_t;

/** Make one that is down. Not inherited by programs that are started; a forked
 *  child has a copy of the handle, and is to close it. */
apr_status_t mproc_plat_flag_create(mproc_plat_flag_t *flag);

/** Put it up; stays up until it is put down. Never waits, nor fails.
 *  pre: it is down. Threads: the caller sees to it that one at a time raises,
 *  lowers or closes. */
void mproc_plat_flag_raise(mproc_plat_flag_t *flag);

/** Put it down: the handle is ready no more when this returns. pre: it is
 *  up. */
void mproc_plat_flag_lower(mproc_plat_flag_t *flag);

/** Close the handle in this process. */
void mproc_plat_flag_close(mproc_plat_flag_t *flag);

#endif
