/* process.h: what the rest of the library needs of processes. */
#ifndef MPROC_SRC_PROCESS_H
#define MPROC_SRC_PROCESS_H

#include <mproc/process.h>

#include "peers.h"

/* Have `ended(process, baton)` called once when a started child has ended:
 * in the watcher's thread, when its exit code is known and the recovery for
 * it has run. Starts the watcher. */
apr_status_t mproc__process_watch(mproc_process_t *process,
                                  void (*ended)(mproc_process_t *process,
                                                void *baton),
                                  void *baton);

/* Have those woken who wait on a word when a started child has ended: the
 * word, or NULL when it has. Starts the watcher. MPROC_ESTATE */
apr_status_t mproc__process_announce(mproc_process_t *process, void **word);

/* Stop watching; a call under way has returned when this returns, unless
 * the caller is that call. */
void mproc__process_unwatch(mproc_process_t *process);

/* Whether a child is stopped, as the system says; 0 where it does not. */
int mproc__process_is_stopped(mproc_process_t *process);

/* Whether a child that has ended left a core file. */
int mproc__process_left_core(mproc_process_t *process);

/* Have a hook run when this process ends normally, before its children are
 * ended and joined; the last registered first. Does nothing in a forked
 * child of the registering process. */
apr_status_t mproc__at_shutdown(void (*hook)(void *baton), void *baton);
/* Take it back; if it runs, wait until it has, but not within a hook. */
void mproc__at_shutdown_remove(void (*hook)(void *baton), void *baton);

#endif
