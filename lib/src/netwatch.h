/*
 * netwatch.h: streams and listeners beside what else a thread can wait for.
 * The protocol stands at the top of netwatch.c.
 */
#ifndef MPROC_SRC_NETWATCH_H
#define MPROC_SRC_NETWATCH_H

#include <mproc/types.h>

#include "../../platform/plat_net.h"

/* Have the word unparked once, when the handle has something to receive. For
 * who is entered as a waiter of the word; it looks at the handle afterwards.
 * When it fails the waiter finds out by its own looks. */
void mproc__netwatch_arm(apr_int64_t handle, void *word);

/* The handle will be closed. */
void mproc__netwatch_disarm(apr_int64_t handle);

/* In a forked child: there is no such thread yet. */
void mproc__netwatch_forget(void);

/* Whether the handle has something to receive. */
int mproc__netwatch_look(apr_int64_t handle);

/* Wait until one of the items is ready, in steps: at most 100 ms, so that the
 * caller can see whether somebody has closed what it waits on. */
void mproc__netwatch_step(mproc_plat_net_item_t *items, int count,
                          apr_time_t deadline);

#endif
