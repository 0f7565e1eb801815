/*
 * manager_serve_sync.c: locks, semaphores, conditions, events and barriers of
 * a manager's server.
 *
 * One thread does it all, so these are plain numbers: who owns a lock, by the
 * number of a client and of its thread; how many permits there are. The rules
 * are those of the headers, for clients instead of processes. What a client
 * has is noted with it (mproc__client_owns()), and goes on when it is gone.
 */
#include "manager_serve.h"

#include <mproc/error.h>

#include "error.h"

static apr_uint64_t
part_of(const mproc__served_t *block)
{
    return mproc__hold_handle(&block->part.hold);
}

/* The lock that a call is about: its object, or what that has one of. */
static apr_uint64_t
lock_of(const mproc__call_t *call)
{
    const mproc__served_t *block = mproc__served_at(call->head.id);

    return block->part.count > 0 ? part_of(block) : call->head.id;
}

/* ------------------------------------------------------------------- making */

static apr_status_t
semaphore_make(mproc__call_t *call, mproc_object_t **object)
{
    apr_int64_t value, form;
    mproc__served_t *block;
    apr_status_t rv = mproc__arg_int(call, &value);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &form);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (value < 0 || value > MPROC_SEMAPHORE_MAX) {
        return mproc__fail(APR_EINVAL,
                           "a semaphore cannot start with %d permits; pass 0 "
                           "to %d",
                           (int)value, MPROC_SEMAPHORE_MAX);
    }
    rv = mproc__served_make(object, MPROC_KIND_SEMAPHORE, 0);
    if (rv == APR_SUCCESS) {
        block = mproc__served_at((*object)->handle);
        block->form = (apr_uint32_t)form;
        block->count = value;
        block->bound =
            form == MPROC__PERMITS_PLAIN ? MPROC_SEMAPHORE_MAX : value;
    }
    return rv;
}

static apr_status_t
barrier_make(mproc__call_t *call, mproc_object_t **object)
{
    apr_int64_t parties;
    apr_status_t rv = mproc__arg_int(call, &parties);

    if (rv == APR_SUCCESS && (parties < 1 || parties > 0xffff)) {
        rv = mproc__fail(APR_EINVAL,
                         "a barrier cannot have %d parties; pass 1 to 65535",
                         (int)parties);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__served_make(object, MPROC_KIND_BARRIER, 0);
    }
    if (rv == APR_SUCCESS) {
        mproc__served_at((*object)->handle)->count = parties;
    }
    return rv;
}

/* The id of its lock, or 0 for one of its own. */
static apr_status_t
condition_make(mproc__call_t *call, mproc_object_t **object)
{
    mproc_object_t *own = NULL;
    mproc__served_t *block;
    apr_int64_t number;
    apr_uint64_t lock;
    apr_status_t rv = mproc__arg_int(call, &number);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    lock = (apr_uint64_t)number;
    if (lock == 0) {
        rv = mproc__served_make(&own, MPROC_KIND_RLOCK, 0);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        lock = own->handle;
    }
    else if (mproc__served_kind(lock) != MPROC_KIND_LOCK &&
             mproc__served_kind(lock) != MPROC_KIND_RLOCK) {
        return mproc__fail(APR_EINVAL, "a condition's lock is a lock or an "
                                       "rlock of the same manager");
    }
    rv = mproc__served_make(object, MPROC_KIND_CONDITION, 0);
    if (rv == APR_SUCCESS) {
        block = mproc__served_at((*object)->handle);
        block->part.count = 1;
        rv = mproc__arena_hold(&block->part.hold, lock);
    }
    mproc__object_close(own);
    return rv;
}

apr_status_t
mproc__serve_make_sync(mproc__call_t *call, mproc_kind_e kind,
                       mproc_object_t **object)
{
    switch (kind) {
    case MPROC_KIND_LOCK:
    case MPROC_KIND_RLOCK:
    case MPROC_KIND_EVENT:
        return mproc__served_make(object, kind, 0);
    case MPROC_KIND_SEMAPHORE:
        return semaphore_make(call, object);
    case MPROC_KIND_CONDITION:
        return condition_make(call, object);
    case MPROC_KIND_BARRIER:
        return barrier_make(call, object);
    default:
        return mproc__fail(MPROC_EREMOTE, "the manager makes no such objects");
    }
}

/* -------------------------------------------------------------------- locks */

int
mproc__serve_is_mine(const mproc__call_t *call, apr_uint64_t lock)
{
    const mproc__served_t *block = mproc__served_at(lock);

    return block->owner == mproc__client_serial(call->client) &&
           block->thread == call->head.thread;
}

apr_status_t
mproc__serve_take_lock(mproc__call_t *call, apr_uint64_t lock,
                       apr_uint32_t depth)
{
    mproc__served_t *block = mproc__served_at(lock);
    apr_status_t rv;

    call->place = lock;
    if (block->owner != 0) {
        if (block->kind == MPROC_KIND_RLOCK &&
            mproc__serve_is_mine(call, lock)) {
            block->depth++;
            return APR_SUCCESS;
        }
        return MPROC__CALL_WAITS;
    }
    rv = mproc__client_owns(call->client, lock);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    block->owner = mproc__client_serial(call->client);
    block->thread = call->head.thread;
    block->depth = depth;
    if (block->orphan) {
        block->orphan = 0;
        return mproc__fail(MPROC_EOWNERDEAD,
                           "the client that held the manager's lock is gone; "
                           "you have it now: repair what it protects");
    }
    return APR_SUCCESS;
}

void
mproc__serve_free_lock(mproc__call_t *call, apr_uint64_t lock)
{
    mproc__served_t *block = mproc__served_at(lock);

    (void)mproc__client_owns_not(mproc__client_find(call->server, block->owner),
                                 lock);
    block->owner = 0;
    block->depth = 0;
    mproc__object_changed(call->server, lock);
}

apr_status_t
mproc__serve_lock_acquire(mproc__call_t *call)
{
    return mproc__serve_take_lock(call, lock_of(call), 1);
}

apr_status_t
mproc__serve_lock_release(mproc__call_t *call)
{
    apr_uint64_t lock = lock_of(call);
    mproc__served_t *block = mproc__served_at(lock);

    if (block->owner == 0 && block->kind == MPROC_KIND_LOCK) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_lock_release: the manager's lock is free; "
                           "release it once for each acquire");
    }
    if (block->kind == MPROC_KIND_RLOCK && !mproc__serve_is_mine(call, lock)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_rlock_release: this thread does not hold the "
                           "manager's rlock; only the thread that acquired it "
                           "may release it, once for each acquire");
    }
    if (block->depth > 1) {
        block->depth--;
    }
    else {
        mproc__serve_free_lock(call, lock);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_lock_state(mproc__call_t *call)
{
    apr_uint64_t lock = lock_of(call);

    mproc__result_int(call, mproc__served_at(lock)->owner != 0);
    mproc__result_int(call, mproc__serve_is_mine(call, lock));
    return APR_SUCCESS;
}

/* --------------------------------------------------------------- semaphores */

apr_status_t
mproc__serve_semaphore_acquire(mproc__call_t *call)
{
    mproc__served_t *block = mproc__served_at(call->head.id);
    apr_status_t rv = APR_SUCCESS;

    if (block->count == 0) {
        return MPROC__CALL_WAITS;
    }
    if (block->form == MPROC__PERMITS_OWNED) {
        rv = mproc__client_owns(call->client, call->head.id);
    }
    block->count -= rv == APR_SUCCESS;
    return rv;
}

apr_status_t
mproc__serve_semaphore_release(mproc__call_t *call)
{
    mproc__served_t *block = mproc__served_at(call->head.id);

    if (block->form == MPROC__PERMITS_OWNED &&
        !mproc__client_owns_not(call->client, call->head.id)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_semaphore_release: this process has no "
                           "permit of the manager's semaphore; release once "
                           "for each acquire, in the process that acquired");
    }
    if (block->count >= block->bound) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_semaphore_release: the manager's semaphore "
                           "has %d permits, as many as it may have; release "
                           "once for each acquire",
                           (int)block->bound);
    }
    block->count++;
    mproc__object_changed(call->server, call->head.id);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_semaphore_value(mproc__call_t *call)
{
    mproc__result_int(call, mproc__served_at(call->head.id)->count);
    return APR_SUCCESS;
}

/* --------------------------------------------------------------- conditions */

/* What a call of condition_wait is at. It waits at the condition's place until
 * it is notified, or late; from then on at the lock's. */
enum {
    WAIT_BEGINS,
    WAIT_SLEEPS,
    WAIT_RETURNS
};

static apr_status_t
condition_check(const mproc__call_t *call, const char *what)
{
    apr_uint64_t lock = part_of(mproc__served_at(call->head.id));

    return mproc__serve_is_mine(call, lock)
               ? APR_SUCCESS
               : mproc__fail(MPROC_ESTATE,
                             "%s: this thread does not hold the lock of the "
                             "manager's condition; call "
                             "mproc_condition_acquire() before it",
                             what);
}

static apr_status_t
condition_sleep(mproc__call_t *call)
{
    apr_uint64_t lock = part_of(mproc__served_at(call->head.id));
    apr_status_t rv = condition_check(call, "mproc_condition_wait");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    call->note = mproc__served_at(lock)->depth;
    call->state = WAIT_SLEEPS;
    call->place = call->head.id;
    mproc__serve_free_lock(call, lock);
    return MPROC__CALL_WAITS;
}

apr_status_t
mproc__serve_condition_wait(mproc__call_t *call)
{
    apr_status_t rv;

    switch (call->state) {
    case WAIT_BEGINS:
        return condition_sleep(call);
    case WAIT_SLEEPS:
        return MPROC__CALL_WAITS;
    default:
        rv = mproc__serve_take_lock(call,
                                    part_of(mproc__served_at(call->head.id)),
                                    (apr_uint32_t)call->note);
        if (rv == APR_SUCCESS && call->outcome != APR_SUCCESS) {
            rv = mproc__fail(call->outcome, "mproc_condition_wait: nobody "
                                            "notified the manager's condition "
                                            "in time");
        }
        return rv;
    }
}

/* Wake up to n that sleep. */
static void
condition_wake(mproc__hub_t *server, apr_uint64_t id, apr_int64_t n)
{
    mproc__call_t *call = mproc__calls_waiting(server, id), *next;
    apr_uint64_t lock = part_of(mproc__served_at(id));

    for (; call != NULL && n > 0; call = next, n--) {
        next = call->next;
        call->state = WAIT_RETURNS;
        call->outcome = APR_SUCCESS;
        call->deadline = APR_INT64_MAX;
        mproc__call_move(call, lock);
    }
    mproc__object_changed(server, lock);
}

/* Who is late still has to have the lock. Who is gone hands on what he was
 * notified of. */
int
mproc__serve_condition_leave(mproc__call_t *call, int late)
{
    if (late) {
        call->state = WAIT_RETURNS;
        call->deadline = APR_INT64_MAX;
        return 1;
    }
    if (call->state == WAIT_RETURNS && call->outcome == APR_SUCCESS) {
        condition_wake(call->server, call->head.id, 1);
    }
    return 0;
}

apr_status_t
mproc__serve_condition_notify(mproc__call_t *call)
{
    apr_int64_t n;
    apr_status_t rv = mproc__arg_int(call, &n);

    if (rv == APR_SUCCESS) {
        rv = condition_check(call, "mproc_condition_notify");
    }
    if (rv == APR_SUCCESS) {
        condition_wake(call->server, call->head.id, n);
    }
    return rv;
}

/* ------------------------------------------------------------------- events */

apr_status_t
mproc__serve_event_set(mproc__call_t *call)
{
    mproc__served_at(call->head.id)->count = 1;
    mproc__object_changed(call->server, call->head.id);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_event_clear(mproc__call_t *call)
{
    mproc__served_at(call->head.id)->count = 0;
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_event_state(mproc__call_t *call)
{
    mproc__result_int(call, mproc__served_at(call->head.id)->count);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_event_wait(mproc__call_t *call)
{
    return mproc__served_at(call->head.id)->count ? APR_SUCCESS
                                                  : MPROC__CALL_WAITS;
}

/* ----------------------------------------------------------------- barriers */

enum {
    ROUND_ARRIVES,
    ROUND_WAITS,
    ROUND_IS_COMPLETE,
    ROUND_IS_BROKEN
};

static int
round_count(mproc__hub_t *server, apr_uint64_t id)
{
    mproc__call_t *call = mproc__calls_waiting(server, id);
    int count = 0;

    for (; call != NULL; call = call->next) {
        count += call->state == ROUND_WAITS;
    }
    return count;
}

/* All that wait go on. */
static void
round_end(mproc__hub_t *server, apr_uint64_t id, int how)
{
    mproc__call_t *call = mproc__calls_waiting(server, id);

    for (; call != NULL; call = call->next) {
        call->state = how;
    }
    mproc__object_changed(server, id);
}

static apr_status_t
barrier_is_broken(void)
{
    return mproc__fail(MPROC_EBROKEN,
                       "mproc_barrier_wait: the manager's barrier is broken "
                       "until mproc_barrier_reset(), or was reset: it was "
                       "aborted, another's time ran out, "
                       "or a client that had arrived is gone");
}

apr_status_t
mproc__serve_barrier_wait(mproc__call_t *call)
{
    mproc__served_t *block = mproc__served_at(call->head.id);

    switch (call->state) {
    case ROUND_ARRIVES:
        if (block->form) {
            return barrier_is_broken();
        }
        call->note = (apr_uint64_t)round_count(call->server, call->head.id);
        if ((apr_int64_t)call->note + 1 < block->count) {
            call->state = ROUND_WAITS;
            return MPROC__CALL_WAITS;
        }
        round_end(call->server, call->head.id, ROUND_IS_COMPLETE);
        break;
    case ROUND_WAITS:
        return MPROC__CALL_WAITS;
    case ROUND_IS_BROKEN:
        return barrier_is_broken();
    default:
        break;
    }
    mproc__result_int(call, (apr_int64_t)call->note);
    return APR_SUCCESS;
}

int
mproc__serve_barrier_leave(mproc__call_t *call, int late)
{
    if (call->state == ROUND_WAITS) {
        mproc__served_at(call->head.id)->form = 1;
        round_end(call->server, call->head.id, ROUND_IS_BROKEN);
        if (late) {
            call->outcome = MPROC_EBROKEN;
        }
    }
    return 0;
}

apr_status_t
mproc__serve_barrier_break(mproc__call_t *call)
{
    apr_int64_t reset;
    apr_status_t rv = mproc__arg_int(call, &reset);

    if (rv == APR_SUCCESS) {
        mproc__served_at(call->head.id)->form = !reset;
        round_end(call->server, call->head.id, ROUND_IS_BROKEN);
    }
    return rv;
}

apr_status_t
mproc__serve_barrier_state(mproc__call_t *call)
{
    const mproc__served_t *block = mproc__served_at(call->head.id);

    mproc__result_int(call, block->count);
    mproc__result_int(call, round_count(call->server, call->head.id));
    mproc__result_int(call, block->form);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- deaths */

void
mproc__serve_orphan(mproc__hub_t *server, mproc__client_t *client,
                    apr_uint64_t id)
{
    mproc__served_t *block;

    (void)server;
    if (mproc__arena_kind(id) != MPROC_KIND_SERVED) {
        return; /* It went with the client's last reference. */
    }
    block = mproc__served_at(id);
    if (block->kind == MPROC_KIND_SEMAPHORE) {
        block->count++;
    }
    else if (block->owner == mproc__client_serial(client)) {
        block->owner = 0;
        block->depth = 0;
        block->orphan = 1;
    }
}
