/*
 * tally.h: who has got how many items of a queue and not yet told that they
 * are done. The protocol stands at the top of tally.c.
 */
#ifndef MPROC_SRC_TALLY_H
#define MPROC_SRC_TALLY_H

#include "ring.h"

/* Of one process; a cache line of its own. */
typedef struct mproc__tally_t {
    _Atomic apr_uint64_t peer;  /* 0: nobody's */
    _Atomic apr_uint64_t got;   /* these three are written by who has the */
    _Atomic apr_uint64_t next;  /* head's mutex: what got becomes when the */
    _Atomic apr_uint64_t place; /* head has this place */
    _Atomic apr_uint64_t told;  /* done */
    apr_uint64_t unused[3];
} mproc__tally_t;

/* The calling process's tally, found anew when `known` is not it; the head's
 * mutex is held. NULL when memory is short. */
mproc__tally_t *mproc__tally_mine(mproc__ring_t *ring, mproc__tally_t *known);

/* Around the publishing of a place of the head: one more. */
void mproc__tally_begin(mproc__tally_t *tally, apr_uint64_t place);
void mproc__tally_end(mproc__tally_t *tally);

/* After the death of one who had the head's mutex. */
void mproc__tally_repair(mproc__ring_t *ring);

/* One is done; of the calling process's, if it has any. 0 when nobody has
 * any. */
int mproc__tally_done(mproc__ring_t *ring);

/* How many those have who are dead. */
apr_uint64_t mproc__tally_lost(mproc__ring_t *ring);

#endif
