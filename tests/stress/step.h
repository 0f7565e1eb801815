/*
 * step.h: an operation that is killed at each of its instructions.
 *
 * Three processes: the parent, which steps and kills; the victim, a new one
 * for each kill; and the witness, another that lives all the time, may wait
 * for what the victim has, and may be the one who runs the recovery.
 */
#ifndef MPROC_TESTS_STRESS_STEP_H
#define MPROC_TESTS_STRESS_STEP_H

#include <mproc/event.h>
#include <mproc/lock.h>
#include <mproc/queue.h>
#include <mproc/value.h>

#include "stress.h"

#include "../../lib/src/arena.h"

/* Who finds the dead. Drawn for each kill. */
typedef enum step_finder_e {
    FOUND_BY_PARENT,
    FOUND_BY_LOOKING,
    FOUND_BY_WITNESS, /* not when the witness is needed otherwise */
    FOUND_BY_BOTH,
    FOUND_WAYS
} step_finder_e;

/* How long the survivors wait: then it is a hang. */
#define STEP_PATIENCE (8 * APR_USEC_PER_SEC)

/* What the witness does when told to. */
typedef enum step_order_e {
    ORDER_RECOVER, /* number: a pid that has ended */
    ORDER_LOCK,    /* acquire, release */
    ORDER_EVENT,   /* wait for the event */
    ORDER_WORD,    /* wait until the word is not 0 */
    ORDER_PUT,     /* these with a queue; number: its handle */
    ORDER_GET,
    ORDER_JOIN,
    ORDER_QUIT
} step_order_e;

/* What an operation works with; private, each process has its copy. */
typedef struct step_stage_t {
    apr_pool_t *pool;
    mproc_lock_t *lock;
    mproc_event_t *event;
    mproc_value_t *value;
    mproc_queue_t *queue;       /* of this kill, where there is one */
    _Atomic apr_uint64_t *word; /* the value's */
    mproc__hold_t *keep;        /* of the parent, on a block */
    mproc__hold_t *spare;       /* of the parent, empty between kills */
    mproc__hold_t *hold[8];     /* of the victim, empty at first */
    mproc__handle_t handle;
    apr_int64_t dead;  /* somebody who died before, 0: nobody */
    apr_uint64_t draw; /* for random choices */
} step_stage_t;

typedef struct step_operation_t {
    void (*set)(step_stage_t *);    /* parent: before the victim is */
    void (*ready)(step_stage_t *);  /* victim: not stepped */
    void (*meet)(step_stage_t *);   /* parent: the victim stands ready */
    void (*run)(step_stage_t *);    /* victim: stepped */
    void (*strike)(step_stage_t *); /* parent: just before the kill */
    apr_uint64_t after; /* the victim goes on for up to so many after it */
    int resume; /* the victim is not killed, but goes on after the strike */
    void (*check)(step_stage_t *); /* parent: after the recovery */
    void (*heir)(step_stage_t *);  /* parent: after it, before the recovery */
    apr_uint64_t tail;             /* only so many last instructions; 0: all */
    int witness;  /* the witness has its part in the operation */
    int stranger; /* the victim is not attached when it begins */
} step_operation_t;

/* Runs the operation that the scenario's detail names. */
void step_run(const stress_scenario_t *scenario);

/* ------------------------------------------------------ parent and witness */

void witness_order(step_order_e order, apr_int64_t number);

/* Wait until it sleeps, or is about to, on a word. */
void witness_sleeps(const volatile void *word);
void witness_sleeps_at(const volatile void *word, const volatile void * or);

/* Wait for it to be done; counts a fault when its status is another than
 * APR_SUCCESS or MPROC_EOWNERDEAD, or when it does not come. */
void witness_done(void);

/* The lock must be to be had, and good. */
void step_lock_check(step_stage_t *stage);

/* Memory: of a chunk that is carved for it alone. */
void step_idle_retire(step_stage_t *stage, apr_size_t size);

/* The victim's usual beginning. */
void step_attach(step_stage_t *stage);

/* A child that does something and then sleeps until it is killed. */
apr_int64_t step_live_child(void (*act)(void *), void *baton);

/* Kill and collect it, and run the recovery. */
void step_live_end(apr_int64_t pid);

/* Count a fault at the kill point at hand. */
void step_fault(stress_fault_e fault, const char *what, apr_uint64_t number);

/* The witness's orders that need a queue. */
apr_status_t step_queue_obey(step_order_e order, mproc__handle_t handle);

/* In a victim that goes on: it must have got this status. */
void step_expect(apr_status_t rv);

/* Have a child attach and do something, and die with it, not found yet. */
apr_int64_t step_dead_child(void (*act)(void *), void *baton);

/* Wait until the word is not 0, as the library's own structures do. */
int step_word_wait(_Atomic apr_uint64_t *word, apr_interval_time_t timeout);

#endif
