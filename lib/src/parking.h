/*
 * parking.h: the one way to wait.
 *
 * A word is any atomic in the arena, named by its offset. Who waits says on
 * which words, looks once more, and sleeps; who changes a word so that
 * somebody may go on, and sees in the word that somebody waits, unparks. The
 * protocol stands at the top of parking.c.
 */
#ifndef MPROC_SRC_PARKING_H
#define MPROC_SRC_PARKING_H

#include <mproc/types.h>

#include "arena.h"

/* Words that one thread can wait on without memory of their own. */
#define MPROC__PARK_WORDS 4

/* The calling thread ends. */
void mproc__parking_ended(void);

/* Whether the wait is still needed: nonzero while it is. Called several
 * times; may set a "somebody waits" flag in the word. */
typedef int (*mproc__needed_fn_t)(void *baton);

/* Spin a little while the wait is needed; where no other processor is free,
 * or spinning has not paid lately, hardly at all. Returns 1 when the wait is
 * not needed any more. Here `needed` must only look. */
int mproc__spin(mproc__needed_fn_t needed, void *baton);

/*
 * Wait until somebody unparks one of the words, or the wait is not needed.
 * The caller looks at its words again and comes back if it must: a return
 * says "look", no more. Looks around for the dead every 100 ms.
 * @param hopeless asked every 100 ms when there is no deadline: nonzero when
 *                 nobody is left who could end the wait; may be NULL
 * @param deadline on mproc_clock(); MPROC_PLAT_NEVER
 * @return APR_SUCCESS; APR_TIMEUP; MPROC_EDEADLK when it is hopeless;
 *         APR_ENOMEM when the thread has no entry
 */
apr_status_t mproc__park(void *const *words, int count,
                         mproc__needed_fn_t needed, mproc__needed_fn_t hopeless,
                         void *baton, apr_time_t deadline);

/* The sentence for APR_ENOMEM; returns that. */
apr_status_t mproc__wait_refused(const char *call);

/*
 * The same in steps, for a waiter that others may move to another word. From
 * the entering on no wake-up is missed; sleep returns when there is something
 * to look at; who leaves and was told (WOKEN or MOVED) must call done when it
 * has used that up.
 */
typedef enum mproc__waiter_e {
    MPROC__WAITER_WAITING,
    MPROC__WAITER_WOKEN,
    MPROC__WAITER_MOVED
} mproc__waiter_e;

/* 0 when the thread has no entry. */
int mproc__waiter_enter(void *word, void *moves_to);
apr_status_t mproc__waiter_sleep(mproc__needed_fn_t needed,
                                 mproc__needed_fn_t hopeless, void *baton,
                                 apr_time_t deadline);
mproc__waiter_e mproc__waiter_state(void);
int mproc__waiter_leave(void);
void mproc__waiter_done(void);

/* Have at most n threads that wait on a word wait for the word that each can
 * be moved to, those that wait longest first. Returns how many. Wakes nobody,
 * never waits. */
int mproc__move(void *word, int n);

/* Wake at most n threads that wait on a word, those that wait longest first.
 * Returns how many. Never waits. */
int mproc__unpark(void *word, int n);

#define MPROC__ALL 0x7fffffff

/* Called every 100 ms by who waits, beside the look at the peers; or NULL. */
extern void (*_Atomic mproc__parking_look)(void);

/* Wake everybody, to look again: after a death. */
void mproc__unpark_all(void);

/* Turn a timeout into a deadline on mproc_clock(). */
apr_time_t mproc__deadline(apr_interval_time_t timeout);

#endif
