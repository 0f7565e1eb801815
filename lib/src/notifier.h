/*
 * notifier.h: the handles by which foreign event loops wait for our objects.
 * The protocol stands at the top of notifier.c.
 */
#ifndef MPROC_SRC_NOTIFIER_H
#define MPROC_SRC_NOTIFIER_H

#include "object.h"

/* Close the handle of an object, if it has one; before the object goes. */
void mproc__notifier_end_now(mproc__notifier_place_t *place);

static inline void
mproc__notifier_end(mproc__notifier_place_t *place)
{
    if (atomic_load(place) != NULL) {
        mproc__notifier_end_now(place);
    }
}

/* This process has found the object not ready, or may have made it so: then
 * the handle is ready no more, and the object is waited for again. */
void mproc__notifier_look_now(mproc__notifier_place_t *place);

static inline void
mproc__notifier_look(mproc__notifier_place_t *place)
{
    /* Who gets a handle just now looks by itself. */
    if (atomic_load_explicit(place, memory_order_relaxed) != NULL) {
        mproc__notifier_look_now(place);
    }
}

/* In a forked child: the handles and the thread are the parent's. */
void mproc__notifier_forget(void);

#endif
