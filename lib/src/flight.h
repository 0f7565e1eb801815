/*
 * flight.h: items of an at-least-once queue that were taken and not yet given
 * back. The protocol stands at the top of flight.c.
 */
#ifndef MPROC_SRC_FLIGHT_H
#define MPROC_SRC_FLIGHT_H

#include "ring.h"

/* For those of the first part the head's mutex is held. */

/* Find a free slot. 0 when memory is short. */
int mproc__flight_new(mproc__ring_t *ring, mproc__flight_t *flight);

/* The box in the slot's hold is the calling process's, for the first time,
 * once the head has that place. */
void mproc__flight_begin(mproc__flight_t *flight, apr_uint64_t place);

/* Find an item whose taker died; 0 when there is none. Give it out again, to
 * the calling process. */
int mproc__flight_lost(mproc__ring_t *ring, mproc__flight_t *flight);
void mproc__flight_again(mproc__flight_t *flight);

/* After the death of one who had the head's mutex. */
void mproc__flight_repair(mproc__ring_t *ring);

/* ------------------------------------------------------- by anybody */

/* How often an item was given out. */
int mproc__flight_attempt(const mproc__flight_t *flight);

/* The slot that a hold is in; 0 when it is in none, or not the caller's. */
int mproc__flight_find(mproc__ring_t *ring, mproc__hold_t *hold,
                       mproc__flight_t *flight);

/* Be done with the item: it does not come again. */
void mproc__flight_end(mproc__flight_t *flight);

/* Whether items wait whose takers died; how many are not given back. */
int mproc__flight_is_lost(mproc__ring_t *ring);
apr_uint64_t mproc__flight_count(mproc__ring_t *ring);

#endif
