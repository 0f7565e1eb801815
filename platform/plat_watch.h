/**
 * @file plat_watch.h
 * @brief Contract: be told when processes end.
 *
 * Beside APR because `apr_proc_other_child_*` polls, and waits for children
 * that are not ours.
 */
#ifndef MPROC_PLAT_WATCH_H
#define MPROC_PLAT_WATCH_H

#include "plat_proc.h"

/** A watcher: one thread of its own, or the system's. */
typedef struct mproc_plat_watch_t mproc_plat_watch_t;

/** Called once for each process that ended, in the watcher's thread, with
 *  all signals blocked. It may add and remove. */
typedef void (*mproc_plat_ended_fn_t)(apr_uint64_t token, void *baton);

/** Start a watcher. It lasts as long as the process; after a fork the child
 *  has none, and forgets the parent's by not using it. */
apr_status_t mproc_plat_watch_create(mproc_plat_watch_t **watch,
                                     mproc_plat_ended_fn_t ended, void *baton);

/** Watch a process from now on; one that has ended already is told too. Its
 *  handle must stay open until told of or removed. Any thread. */
apr_status_t mproc_plat_watch_add(mproc_plat_watch_t *watch,
                                  const mproc_plat_proc_t *proc,
                                  apr_uint64_t token);

/** Watch it no more. Unless called in the watcher's own thread, a call of
 *  `ended` for it that is under way has returned when this returns. */
void mproc_plat_watch_remove(mproc_plat_watch_t *watch,
                             const mproc_plat_proc_t *proc, apr_uint64_t token);

#endif
