/*
 * step.h: an operation that is killed at each of its instructions.
 *
 * Three processes: the parent, which steps and kills; the victim, a new one
 * for each kill; and the witness, another that lives all the time, may wait
 * for what the victim has, and may be the one who runs the recovery.
 */
#ifndef MPROC_TESTS_STRESS_STEP_H
#define MPROC_TESTS_STRESS_STEP_H

#include <mproc/array.h>
#include <mproc/barrier.h>
#include <mproc/condition.h>
#include <mproc/event.h>
#include <mproc/lock.h>
#include <mproc/queue.h>
#include <mproc/rlock.h>
#include <mproc/semaphore.h>
#include <mproc/value.h>

#include "stress.h"

#include "../../lib/src/arena.h"

#define STEP_PATIENCE (8 * APR_USEC_PER_SEC) /* then it is a hang */
#define STEP_LATE (3 * APR_USEC_PER_SEC)     /* and this, though it came */
#define STEP_SHORT (30 * 1000) /* a wait that the victim gives up */

#define STEP_OWNED 2 /* permits of the owned semaphore */

/* Who finds the dead. Drawn for each kill. */
typedef enum step_finder_e {
    FOUND_BY_PARENT,
    FOUND_BY_LOOKING,
    FOUND_BY_WITNESS, /* not when the witness is needed otherwise */
    FOUND_BY_BOTH,
    FOUND_WAYS
} step_finder_e;

/* Outside of the arena: what the victim says of itself, what the barrier's
 * action counts. */
typedef struct step_board_t {
    _Atomic int mark;           /* 0 before each kill */
    _Atomic int rounds;         /* of the barrier of two */
    _Atomic int live;           /* the live child, or victim, is ready */
    _Atomic apr_uint64_t queue; /* handle of the one of this kill, or of an
                                   end of its pipe */
} step_board_t;

/* What an operation works with; private, each process has its copy. */
typedef struct step_stage_t {
    apr_pool_t *pool;
    step_board_t *board;
    mproc_lock_t *lock;
    mproc_event_t *event;
    mproc_value_t *value;
    _Atomic apr_uint64_t *word;   /* the value's */
    mproc_rlock_t *rlock;         /* this and more only where all are */
    mproc_semaphore_t *semaphore; /* plain, 1 permit, to be so after a kill */
    mproc_semaphore_t *bounded;   /* 1 permit, likewise */
    mproc_semaphore_t *owned;     /* STEP_OWNED permits */
    mproc_condition_t *condition; /* with an rlock of its own */
    mproc_condition_t *turn;      /* with the lock */
    mproc_barrier_t *pair;        /* of two, with an action */
    mproc_barrier_t *trio;        /* of three */
    mproc_array_t *array;         /* of two, equal */
    mproc_queue_t *queue;         /* of this kill, where there is one */
    mproc__hold_t *keep;          /* of the parent, on a block */
    mproc__hold_t *spare;         /* of the parent, empty between kills */
    mproc__hold_t *hold[8];       /* of the victim, empty at first */
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
    /* The word that the victim will sleep on: it gets there freely, then
     * comes the strike, which wakes it, and only then is it stepped. */
    void *(*sleeps)(step_stage_t *);
    apr_uint64_t after; /* the victim goes on for up to so many after it */
    int resume; /* the victim is not killed, but goes on after the strike */
    void (*alive)(step_stage_t *); /* parent: it has done all, and lives on:
                                      no death wakes anybody */
    void (*check)(step_stage_t *); /* parent: after the recovery */
    void (*heir)(step_stage_t *);  /* parent: after it, before the recovery */
    apr_uint64_t tail;             /* only so many last instructions; 0: all */
    int witness;  /* the witness has its part in the operation */
    int stranger; /* the victim is not attached when it begins */
} step_operation_t;

/* What stands where. */
extern step_stage_t step_stage;
extern const char *step_name;   /* of the scenario */
extern apr_uint64_t step_point; /* the kill point at hand */

/* Runs the operation that the scenario's detail names. */
void step_run(const stress_scenario_t *scenario);

/* The same with objects of all kinds on the stage. */
void step_run_all(const stress_scenario_t *scenario);

/* ---------------------------------------------------------------- witness.c */

/* Start it, end it. */
void witness_start(void);
void witness_end(void);

/* Have it do something; have it recover somebody who has ended. */
void witness_call(apr_status_t (*call)(step_stage_t *));
void witness_recover(apr_int64_t pid);

/* Wait until it sleeps, or is about to, on a word. */
void witness_sleeps(const volatile void *word);

/* Have it do something that ends in a wait, and wait until it sleeps: at a
 * gate, or at a mutex, which the victim may have. */
void witness_awaits(apr_status_t (*call)(step_stage_t *),
                    const volatile void *gate, const volatile void *mutex);

/* Whether it is done; whether it is asleep on a word. */
int witness_is_done(void);
int witness_is_asleep(const volatile void *word);

/* Wait for it to be done, and return its status; counts a fault when it does
 * not come, or comes late. */
apr_status_t witness_result(void);

/* How often it came so late that it may have found out by itself. */
apr_uint64_t witness_slow(void);

/* witness_result(); also a fault when its status is another than APR_SUCCESS or
 * MPROC_EOWNERDEAD. */
void witness_done(void);

/* Wait until so many threads sleep, or are about to, on a word. */
void step_sleepers(const volatile void *word, int count);

/* ------------------------------------------------------------------ stage.c */

void stage_set_up(step_stage_t *stage, int all);

/* The first word of an object's shared half. */
void *step_word(void *object);

/* Parent: fault when the status is another than APR_SUCCESS or
 * MPROC_EOWNERDEAD; returns it. */
apr_status_t step_good(const char *what, apr_status_t rv);

/* Parent: something is not as it must be. */
void step_wrong(stress_fault_e fault, const char *what);

/* Who gives up at its deadline looks once more, which hides a lost wake-up. */
void step_late(apr_time_t start, const char *who);

/* The lock must be to be had, and good. */
void step_lock_check(step_stage_t *stage);

/* Memory: of a chunk that is carved for it alone. */
void step_idle_retire(step_stage_t *stage, apr_size_t size);

/* The victim's usual beginning. */
void step_attach(step_stage_t *stage);

/* The victim says how far it is; the parent reads it. */
void step_mark(step_stage_t *stage, int mark);
int step_marked(step_stage_t *stage);

/* A child that does something and then sleeps until it is killed. */
apr_int64_t step_live_child(void (*act)(void *), void *baton);

/* Kill and collect it, and run the recovery. */
void step_live_end(apr_int64_t pid);

/* In a victim that goes on: it must have got this status. */
void step_expect(apr_status_t rv);

/* Have a child attach and do something, and die with it, not found yet. */
apr_int64_t step_dead_child(void (*act)(void *), void *baton);

/* Wait until the word is not 0, as the library's own structures do. */
int step_word_wait(_Atomic apr_uint64_t *word, apr_interval_time_t timeout);

#endif
