/*
 * child.h: children of the platform tests, and the memory they share with
 * their test, by the contracts alone.
 */
#ifndef MPROC_TESTS_PLATFORM_CHILD_H
#define MPROC_TESTS_PLATFORM_CHILD_H

#include <stdatomic.h>

#include "plat_map.h"
#include "plat_park.h"
#include "plat_proc.h"
#include "plat_sys.h"
#include "test.h"

/* What lies in the mapping. */
typedef struct shared_t {
    mproc_plat_park_t test;  /* the test sleeps here */
    mproc_plat_park_t child; /* ... and a child here */
    _Atomic apr_int64_t word[16];
    char text[1024];
} shared_t;

typedef struct stage_t {
    mproc_plat_map_t map;
    shared_t *shared;
} stage_t;

/* In the test: a mapping with the shared memory committed, and the test's
 * spot readied for the calling thread. */
void stage_open(stage_t *stage);
void stage_close(stage_t *stage);

/* In a child that got it by stage_spawn(): 0 when that failed. */
int stage_attach(stage_t *stage, const char *const *argv);

/* The first argument of a child's own: stage_spawn() puts two before. */
#define STAGE_ARGUMENTS 2

/* Spawn child_NAME() with up to three arguments; it gets the stage. */
apr_status_t stage_spawn(mproc_plat_proc_t *proc, const stage_t *stage,
                         apr_pool_t *pool, const char *name, const char *a,
                         const char *b, const char *c);

/* Fill in a spawn of child_NAME(); the caller adds to it. */
void child_describe(mproc_plat_spawn_t *spawn, apr_pool_t *pool,
                    const char *name, const char *a, const char *b,
                    const char *c);

/* Wait for its end and release it: its exit code, or -1000 for a time-out
 * (then it is killed) and -1001 for "not known". */
int child_join(mproc_plat_proc_t *proc);

/* A point on the contracts' clock that is never reached unless something
 * has failed. */
apr_time_t deadline_far(void);

/* In a child: as above, and in children that a test must end by itself. */
#define CHILD_LIMIT (30 * (apr_time_t)1000000)

/* A number as text. */
const char *number_text(apr_int64_t number, apr_pool_t *pool);

#endif
