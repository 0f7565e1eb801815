/*
 * script.h: processes and threads that hold and wait as a text says.
 *
 *   0 1 2   acquire that object, or wait for it: event, barrier, condition
 *   t0      the same with the script's time limit
 *   -0      release it
 *   n0      notify a condition
 *   w       wait for the event `go`
 */
#ifndef MPROC_TESTS_SCRIPT_H
#define MPROC_TESTS_SCRIPT_H

#include "child.h"
#include "kin.h"
#include "sleepers.h"

#define SCRIPT_OBJECTS 3

typedef struct script_t {
    const char *text;
    void *object[SCRIPT_OBJECTS]; /* NULL: not used */
    mproc_event_t *go;
    apr_interval_time_t limit;
} script_t;

static inline mproc_kind_e
script_kind(void *object)
{
    return ((mproc_object_t *)object)->ops->kind;
}

static inline apr_status_t
script_acquire(void *object, apr_interval_time_t limit)
{
    switch (script_kind(object)) {
    case MPROC_KIND_LOCK:
        return mproc_lock_acquire(object, limit);
    case MPROC_KIND_RLOCK:
        return mproc_rlock_acquire(object, limit);
    case MPROC_KIND_SEMAPHORE:
        return mproc_semaphore_acquire(object, limit);
    case MPROC_KIND_EVENT:
        return mproc_event_wait(object, limit);
    case MPROC_KIND_BARRIER:
        return mproc_barrier_wait(object, NULL, limit);
    case MPROC_KIND_VALUE:
        return mproc_value_acquire(object, limit);
    case MPROC_KIND_CONDITION:
        return mproc_condition_wait(object, limit);
    default:
        return APR_ENOTIMPL;
    }
}

static inline apr_status_t
script_release(void *object)
{
    switch (script_kind(object)) {
    case MPROC_KIND_LOCK:
        return mproc_lock_release(object);
    case MPROC_KIND_RLOCK:
        return mproc_rlock_release(object);
    case MPROC_KIND_SEMAPHORE:
        return mproc_semaphore_release(object);
    case MPROC_KIND_VALUE:
        return mproc_value_release(object);
    default:
        return APR_ENOTIMPL;
    }
}

/* Returns 0, or the place where it went wrong, from 1. A limit that has run
 * out, and a dead owner, are nothing wrong. */
static inline int
script_run(const script_t *script)
{
    for (const char *at = script->text; *at != '\0'; at++) {
        const char *begin = at;
        apr_status_t rv;
        if (*at == 'w') {
            rv = mproc_event_wait(script->go, MPROC_FOREVER);
        }
        else if (*at == '-') {
            rv = script_release(script->object[*++at - '0']);
        }
        else if (*at == 'n') {
            rv = mproc_condition_notify(script->object[*++at - '0'], 1);
        }
        else if (*at == 't') {
            rv = script_acquire(script->object[*++at - '0'], script->limit);
        }
        else {
            rv = script_acquire(script->object[*at - '0'], MPROC_FOREVER);
        }
        if (rv != APR_SUCCESS && rv != APR_TIMEUP && rv != MPROC_EOWNERDEAD) {
            return (int)(begin - script->text) + 1;
        }
    }
    return 0;
}

static inline int
script_child(mproc_bytes_t args, apr_pool_t *pool)
{
    script_t script;

    if (mproc_unpack(args, pool, "s o o o o I", &script.text, &script.object[0],
                     &script.object[1], &script.object[2], &script.go,
                     &script.limit) != APR_SUCCESS) {
        return 99;
    }
    return script_run(&script);
}

/* What is not used is the event, so that all can be packed. */
static inline mproc_process_t *
script_start(const script_t *script, const char *text, apr_pool_t *pool)
{
    mproc_process_t *process;
    void *object[SCRIPT_OBJECTS];

    for (int i = 0; i < SCRIPT_OBJECTS; i++) {
        object[i] = script->object[i] != NULL ? script->object[i] : script->go;
    }
    START(process, script_child, pool, "s o o o o I", text, object[0],
          object[1], object[2], script->go, script->limit);
    return process;
}

/* Make the event, with objects that the caller has made. */
static inline script_t
script_make(void *first, void *second, void *third, apr_pool_t *pool)
{
    script_t script = {NULL, {first, second, third}, NULL, MPROC_FOREVER};

    REQUIRE_STATUS(APR_SUCCESS, mproc_event_create(&script.go, pool));
    return script;
}

static inline mproc_lock_t *
new_lock(apr_pool_t *pool)
{
    mproc_lock_t *lock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_lock_create(&lock, pool));
    return lock;
}

static inline mproc_rlock_t *
new_rlock(apr_pool_t *pool)
{
    mproc_rlock_t *rlock;
    REQUIRE_STATUS(APR_SUCCESS, mproc_rlock_create(&rlock, pool));
    return rlock;
}

static inline mproc_semaphore_t *
new_permits(int count, apr_pool_t *pool)
{
    mproc_semaphore_t *semaphore;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_owned_semaphore_create(&semaphore, count, pool));
    return semaphore;
}

static inline mproc_barrier_t *
new_barrier(int parties, apr_pool_t *pool)
{
    mproc_barrier_t *barrier;
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_barrier_create(&barrier, parties, NULL, NULL, pool));
    return barrier;
}

/* The killed may have been at the recovery of each other: see it through. */
static inline void
settle(void)
{
    await_peers(test_method() == MPROC_START_FORKSERVER ? 2 : 1);
}

/* ----------------------------------------------------------------- pictures */

static inline mproc_inspect_t *
look(apr_pool_t *pool)
{
    mproc_inspect_t *picture;
    REQUIRE_STATUS(APR_SUCCESS, mproc_inspect_take(&picture, 0, pool));
    return picture;
}

/* An object of ours, in a picture. */
static inline const mproc_inspect_object_t *
seen(const mproc_inspect_t *picture, void *object)
{
    char name[32];

    mproc_inspect_name(name, sizeof name, object);
    for (int i = 0; i < picture->object_count; i++) {
        if (strcmp(picture->objects[i].name, name) == 0) {
            return &picture->objects[i];
        }
    }
    fprintf(stderr, "%s is not in the picture\n", name);
    REQUIRE(!"in the picture");
    return NULL;
}

/* Look until so many wait for an object: a sleeper may be awake for a moment,
 * to look around. */
static inline mproc_inspect_t *
look_waited(void *object, int count, apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    mproc_inspect_t *picture;

    do {
        REQUIRE(mproc_clock() < limit);
        picture = look(pool);
    } while (seen(picture, object)->waiter_count != count);
    return picture;
}

static inline const mproc_inspect_process_t *
process_seen(const mproc_inspect_t *picture, apr_int64_t pid)
{
    for (int i = 0; i < picture->process_count; i++) {
        if (picture->processes[i].pid == pid) {
            return &picture->processes[i];
        }
    }
    REQUIRE(!"in the picture");
    return NULL;
}

#endif
