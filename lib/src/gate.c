/*
 * gate.c: somebody sleeps, or nobody does.
 *
 * The word: bit 0 says that somebody may sleep; the rest counts those who
 * came to. Who must wait is entered as a waiter (parking.c), then counts
 * itself and sets the bit in one step, then looks at what it waits for, and
 * sleeps. Who changes that looks at the bit afterwards; both are sequentially
 * consistent, so one sees the other. Who finds nobody left to wake clears the
 * bit, by a compare-and-swap with what it saw before it looked through the
 * waiters: it fails when somebody has counted itself since. Invariant: while
 * a thread sleeps the bit is set, or a waker is between its change and its
 * compare-and-swap. A waker that dies in between is covered by the recovery,
 * which wakes everybody. This is an event count (D. Reed, R. Kanodia,
 * "Synchronization with Eventcounts and Sequencers", 1979).
 */
#include "gate.h"

int
mproc__gate_must_sleep(void *baton)
{
    mproc__gate_wait_t *wait = baton;
    apr_uint64_t old = atomic_load(wait->gate);

    if (!wait->shut(wait->baton)) {
        return 0;
    }
    while (!atomic_compare_exchange_weak(wait->gate, &old, (old + 2) | 1)) {
    }
    if (wait->through != NULL) {
        atomic_fetch_or(wait->through, 0);
    }
    return wait->shut(wait->baton);
}

static int
gate_is_shut(void *baton)
{
    mproc__gate_wait_t *wait = baton;
    return wait->shut(wait->baton);
}

static int
gate_is_hopeless(void *baton)
{
    mproc__gate_wait_t *wait = baton;
    return wait->hopeless(wait->baton);
}

apr_status_t
mproc__gate_wait(mproc__gate_wait_t *wait, apr_time_t deadline)
{
    void *word = (void *)wait->gate;
    apr_status_t rv = APR_SUCCESS;

    if (deadline != 0 && mproc__spin(gate_is_shut, wait)) {
        return APR_SUCCESS;
    }
    while (rv == APR_SUCCESS && gate_is_shut(wait)) {
        rv = mproc__park(&word, 1, mproc__gate_must_sleep,
                         wait->hopeless == NULL ? NULL : gate_is_hopeless, wait,
                         deadline);
    }
    return gate_is_shut(wait) ? rv : APR_SUCCESS;
}

void
mproc__gate_wake_slow(mproc__gate_t *gate, int n, apr_uint64_t seen)
{
    if (mproc__unpark((void *)gate, n) < n) {
        atomic_compare_exchange_strong(gate, &seen, seen & ~APR_UINT64_C(1));
    }
}
