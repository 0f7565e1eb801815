/*
 * load.h: what the parts of the load share: load.c has the workers and who
 * kills them, load_sync.c what they do with semaphores, condition, barrier
 * and array, load_dict.c what with dict and list.
 */
#ifndef MPROC_TESTS_STRESS_LOAD_H
#define MPROC_TESTS_STRESS_LOAD_H

#include "stress.h"

#include "../../lib/src/arena.h"

#define LOAD_WORKERS 6
#define LOAD_HOLDS 8
#define LOAD_PATIENCE (10 * APR_USEC_PER_SEC)
#define LOAD_LATE (4 * APR_USEC_PER_SEC) /* what took so long hung */

typedef struct load_worker_t {
    int index;
    apr_uint64_t draw;
    mproc__hold_t *hold[LOAD_HOLDS];
} load_worker_t;

/* The worker that this process is. */
extern load_worker_t load_self;

void load_pause(void);

/* Not the status that it must be: a fault. */
void load_bad(const char *what, apr_status_t rv);

/* ------------------------------------------------------------- load_sync.c */

void load_sync_set_up(apr_pool_t *pool);

/* Worker: begins; the operations. */
void load_sync_begin(void);
void load_owned(void);
void load_token(void);
void load_turn(void);
void load_barrier(void);
void load_array(void);
void load_object(void);

/* Killer: a worker is dead; the turn of somebody dead is to end; all are let
 * give back what they have, and the permits are counted; in the end, all are
 * dead and recovered. `look` is called while something is awaited. */
void load_sync_died(int index);
void load_sync_mend(void (*look)(void));
void load_sync_audit(void (*look)(void));
void load_sync_check(void);
void load_sync_print(void);

/* ------------------------------------------------------------- load_dict.c */

void load_dict_set_up(apr_pool_t *pool);

/* Worker: the operations. */
void load_dict(void);
void load_list(void);

/* Killer: in the end, all are dead and recovered. */
void load_dict_check(void);

#endif
