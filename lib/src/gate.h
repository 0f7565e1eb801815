/*
 * gate.h: how objects whose state lies in several words let threads wait: a
 * word beside them that says whether anybody sleeps. The protocol stands at
 * the top of gate.c.
 */
#ifndef MPROC_SRC_GATE_H
#define MPROC_SRC_GATE_H

#include <stdatomic.h>

#include "object.h"
#include "parking.h"

/* Shared; zero at first. */
typedef _Atomic apr_uint64_t mproc__gate_t;

/* What a thread waits for. */
typedef struct mproc__gate_wait_t {
    mproc__gate_t *gate;
    mproc__needed_fn_t shut;     /* read only: nonzero while it must wait */
    mproc__needed_fn_t hopeless; /* see mproc__park(); may be NULL */
    void *baton;                 /* of these */
    /* Where what it waits for is changed under a mutex by plain stores: that
     * mutex' word, else NULL. It is gone through between the counting and the
     * last look, so the changes before and after are told apart. */
    _Atomic apr_uint64_t *through;
} mproc__gate_wait_t;

/* Wait while it is shut; spins first. Returns at the latest when the
 * deadline has passed, and then once more looks.
 * @return APR_SUCCESS, it was not shut a moment ago; APR_TIMEUP;
 *         MPROC_EDEADLK; APR_ENOMEM */
apr_status_t mproc__gate_wait(mproc__gate_wait_t *wait, apr_time_t deadline);

/* For who is entered as a waiter: count it, and tell whether to sleep. The
 * baton is the wait. */
int mproc__gate_must_sleep(void *baton);

/* After a change (sequentially consistent) that may end waits: wake at most n
 * of those who wait, or MPROC__ALL. */
void mproc__gate_wake_slow(mproc__gate_t *gate, int n, apr_uint64_t seen);

static inline void
mproc__gate_wake(mproc__gate_t *gate, int n)
{
    apr_uint64_t seen = atomic_load(gate);
    if (seen & 1) {
        mproc__gate_wake_slow(gate, n, seen);
    }
}

#endif
