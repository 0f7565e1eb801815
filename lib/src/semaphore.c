/*
 * semaphore.c: the semaphore, in three forms.
 *
 * Permits that are plain signals are a count: acquire takes one off by
 * compare-and-swap, release puts one on, the bound checked in the same step,
 * and wakes one at the gate (gate.c). A death changes nothing: who had a
 * permit may have been meant to keep it.
 *
 * Permits that belong to processes are a row of words, one a permit: 0, or
 * the peer that has it. Acquire is a compare-and-swap from 0, or from a peer
 * that is dead, to oneself; release swaps in 0. So a permit comes back by
 * the death of its process without any repair: the recovery wakes all, and
 * they look. Invariant of both: whoever sleeps has seen no permit after it
 * had counted itself at the gate. Acquire order at the compare-and-swap pairs
 * with the release's, which is sequentially consistent.
 */
#include <mproc/semaphore.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "gate.h"
#include "kinds.h"
#include "manager_far.h"
#include "shared.h"

struct mproc_semaphore_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__semaphore_ops = {
    .kind = MPROC_KIND_SEMAPHORE,
    .local_size = sizeof(struct mproc_semaphore_t)};

static semaphore_shared_t *
semaphore_shared(void *semaphore)
{
    return ((mproc_semaphore_t *)semaphore)->object.shared;
}

/* ---------------------------------------------------------------- creating */

static apr_status_t
semaphore_create(mproc_semaphore_t **semaphore, int value, int bound, int owned,
                 const char *call, apr_pool_t *pool)
{
    apr_size_t row =
        owned && value > 0 ? (apr_size_t)value * sizeof(apr_uint64_t) : 0;
    int least = owned ? 1 : 0;
    int most = owned ? MPROC_SEMAPHORE_OWNED_MAX : MPROC_SEMAPHORE_MAX;
    apr_status_t rv;

    if (semaphore == NULL) {
        return mproc__object_missing(call, "semaphore");
    }
    *semaphore = NULL;
    if (value < least || value > most) {
        return mproc__fail(APR_EINVAL,
                           "%s: such a semaphore cannot start with %d "
                           "permits; pass %d to %d",
                           call, value, least, most);
    }
    rv = mproc__object_create(semaphore, &mproc__semaphore_ops,
                              sizeof(semaphore_shared_t) + row, pool);
    if (rv == APR_SUCCESS) {
        semaphore_shared_t *shared = semaphore_shared(*semaphore);
        shared->bound = (apr_uint32_t)bound;
        shared->owners = owned ? (apr_uint32_t)value : 0;
        atomic_store(&shared->count, owned ? 0 : (apr_uint64_t)value);
    }
    return rv;
}

apr_status_t
mproc_semaphore_create(mproc_semaphore_t **semaphore, int value,
                       apr_pool_t *pool)
{
    return semaphore_create(semaphore, value, MPROC_SEMAPHORE_MAX, 0,
                            "mproc_semaphore_create", pool);
}

apr_status_t
mproc_bounded_semaphore_create(mproc_semaphore_t **semaphore, int value,
                               apr_pool_t *pool)
{
    return semaphore_create(semaphore, value, value, 0,
                            "mproc_bounded_semaphore_create", pool);
}

apr_status_t
mproc_owned_semaphore_create(mproc_semaphore_t **semaphore, int value,
                             apr_pool_t *pool)
{
    return semaphore_create(semaphore, value, value, 1,
                            "mproc_owned_semaphore_create", pool);
}

void
mproc_semaphore_destroy(mproc_semaphore_t *semaphore)
{
    mproc__object_close(semaphore);
}

/* ------------------------------------------------------------ plain permits */

static int
count_take(semaphore_shared_t *shared)
{
    apr_uint64_t count = atomic_load(&shared->count);
    while (count > 0) {
        if (atomic_compare_exchange_weak(&shared->count, &count, count - 1)) {
            return 1;
        }
    }
    return 0;
}

static int
count_give(semaphore_shared_t *shared)
{
    apr_uint64_t count = atomic_load(&shared->count);
    do {
        if (count >= shared->bound) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&shared->count, &count, count + 1));
    return 1;
}

/* ------------------------------------------------------------ owned permits */

/* Whether a permit can be had: free, or its process is dead. */
static int
owner_is_gone(apr_uint64_t owner, int look)
{
    if (owner == 0) {
        return 1;
    }
    if (owner == mproc__peer_self()) {
        return 0;
    }
    return look ? mproc__peer_is_dead(owner) : mproc__peer_is_gone(owner);
}

static int
owner_take(semaphore_shared_t *shared, int look)
{
    mproc__peer_t self = mproc__peer_self();
    apr_uint32_t i;

    for (i = 0; i < shared->owners; i++) {
        apr_uint64_t owner = atomic_load(&shared->owner[i]);
        if (owner_is_gone(owner, look) &&
            atomic_compare_exchange_strong(&shared->owner[i], &owner, self)) {
            return 1;
        }
    }
    return 0;
}

static int
owner_give(semaphore_shared_t *shared)
{
    apr_uint32_t i;

    for (i = shared->owners; i > 0; i--) {
        apr_uint64_t self = mproc__peer_self();
        if (atomic_compare_exchange_strong(&shared->owner[i - 1], &self, 0)) {
            return 1;
        }
    }
    return 0;
}

static apr_uint64_t
owner_count(semaphore_shared_t *shared)
{
    apr_uint64_t free = 0;
    apr_uint32_t i;

    for (i = 0; i < shared->owners; i++) {
        free += (apr_uint64_t)owner_is_gone(atomic_load(&shared->owner[i]), 0);
    }
    return free;
}

/* --------------------------------------------------------------- both forms */

static int
permit_take(semaphore_shared_t *shared, int look)
{
    return shared->owners > 0 ? owner_take(shared, look)
                              : !look && count_take(shared);
}

static int
semaphore_is_shut(void *baton)
{
    semaphore_shared_t *shared = semaphore_shared(baton);
    return shared->owners > 0 ? owner_count(shared) == 0
                              : atomic_load(&shared->count) == 0;
}

/* Owned permits also come back from a process that has given up its use. */
static int
semaphore_is_hopeless(void *baton)
{
    semaphore_shared_t *shared = semaphore_shared(baton);
    apr_uint32_t i;

    for (i = 0; i < shared->owners; i++) {
        if (atomic_load(&shared->owner[i]) != mproc__peer_self()) {
            return 0;
        }
    }
    return mproc__object_is_alone(baton);
}

static apr_status_t
semaphore_failed(apr_status_t rv)
{
    switch (rv) {
    case APR_TIMEUP:
        return mproc__fail(rv, "mproc_semaphore_acquire: no permit was "
                               "released in time");
    case MPROC_EDEADLK:
        return mproc__fail(rv, "mproc_semaphore_acquire: no permit is left, "
                               "and no other thread or process has this "
                               "semaphore to release one: the wait would "
                               "never end");
    default:
        return mproc__wait_refused("mproc_semaphore_acquire");
    }
}

apr_status_t
mproc_semaphore_acquire(mproc_semaphore_t *semaphore,
                        apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(semaphore, MPROC_KIND_SEMAPHORE);
    mproc__gate_wait_t wait = {NULL, semaphore_is_shut, semaphore_is_hopeless,
                               semaphore, NULL};
    semaphore_shared_t *shared;
    apr_time_t deadline;
    apr_status_t rv = APR_SUCCESS;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__SEMAPHORE_ACQUIRE, timeout,
                                  "mproc_semaphore_acquire");
    }
    if (!mproc__object_is(semaphore, &mproc__semaphore_ops)) {
        return mproc__object_missing("mproc_semaphore_acquire", "semaphore");
    }
    shared = semaphore_shared(semaphore);
    /* The second look asks the system who lives; later the recovery tells. */
    if (permit_take(shared, 0) || permit_take(shared, 1)) {
        return APR_SUCCESS;
    }
    deadline = mproc__deadline(timeout);
    wait.gate = &shared->gate;
    while (!permit_take(shared, 0)) {
        if (rv != APR_SUCCESS || deadline == 0) {
            return semaphore_failed(rv == APR_SUCCESS ? APR_TIMEUP : rv);
        }
        rv = mproc__gate_wait(&wait, deadline);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_semaphore_release(mproc_semaphore_t *semaphore)
{
    mproc__proxy_t *proxy = mproc__proxy_of(semaphore, MPROC_KIND_SEMAPHORE);
    semaphore_shared_t *shared;

    if (proxy != NULL) {
        return mproc__proxy_plain(proxy, MPROC__SEMAPHORE_RELEASE, 0,
                                  "mproc_semaphore_release");
    }
    if (!mproc__object_is(semaphore, &mproc__semaphore_ops)) {
        return mproc__object_missing("mproc_semaphore_release", "semaphore");
    }
    shared = semaphore_shared(semaphore);
    if (shared->owners > 0 && !owner_give(shared)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_semaphore_release: this process has no "
                           "permit of the semaphore; release once for each "
                           "acquire, in the process that acquired");
    }
    if (shared->owners == 0 && !count_give(shared)) {
        return mproc__fail(MPROC_ESTATE,
                           "mproc_semaphore_release: the semaphore has %u "
                           "permits, as many as it may have; release once "
                           "for each acquire",
                           (unsigned)shared->bound);
    }
    mproc__gate_wake(&shared->gate, 1);
    return APR_SUCCESS;
}

int
mproc_semaphore_value(mproc_semaphore_t *semaphore)
{
    mproc__proxy_t *proxy = mproc__proxy_of(semaphore, MPROC_KIND_SEMAPHORE);
    semaphore_shared_t *shared;

    if (proxy != NULL) {
        apr_int64_t number = mproc__proxy_number(proxy, MPROC__SEMAPHORE_VALUE,
                                                 0, "mproc_semaphore_value");
        return number < 0 ? 0 : (int)number;
    }
    if (!mproc__object_is(semaphore, &mproc__semaphore_ops)) {
        return 0;
    }
    shared = semaphore_shared(semaphore);
    return (int)(shared->owners > 0 ? owner_count(shared)
                                    : atomic_load(&shared->count));
}
