/*
 * uses.h: a handle that some threads use while another may close it. Who uses
 * it is counted; the last to leave after the closing closes the handle, so its
 * number is never used again under somebody.
 */
#ifndef MPROC_SRC_USES_H
#define MPROC_SRC_USES_H

#include <stdatomic.h>

typedef struct mproc__uses_t {
    atomic_int closed; /* nobody new may use it */
    atomic_int users;
    atomic_int ended; /* the handle is closed */
} mproc__uses_t;

/* 1 when the caller is the one to close the handle. */
static inline int
mproc__uses_end(mproc__uses_t *uses)
{
    return !atomic_exchange(&uses->ended, 1);
}

static inline int
mproc__uses_leave(mproc__uses_t *uses)
{
    return atomic_fetch_sub(&uses->users, 1) == 1 &&
           atomic_load(&uses->closed) && mproc__uses_end(uses);
}

#endif
