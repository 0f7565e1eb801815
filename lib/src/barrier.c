/*
 * barrier.c: the barrier.
 *
 * A round has a number, its generation. One word has it, the generation that
 * was completed last, and whether the barrier is broken. Each party has a slot:
 * who arrived in it, and in which generation; nobody when he has left it again.
 * An arrival takes the first slot that nobody has taken in its generation, by
 * compare-and-swap, so the slots are filled in order, and who takes the last
 * one has seen all others filled: it runs the action, completes the generation
 * and starts the next in one compare-and-swap of the word, and wakes all. Who
 * goes leaves its slot; until then the slot is not to be had for the next
 * round, so the next round cannot be completed before the last has been left:
 * the word still tells everybody how its own round ended.
 *
 * A slot's generation only grows, and it is taken once in each. So who has
 * taken one and then finds the generation completed was counted in it, however
 * late it looks; and who comes late, with a generation that is over, takes no
 * slot of a later one, be its party dead.
 *
 * A waiter goes on when the word has moved or is broken; or it breaks the
 * barrier itself, when its time has run out, or a slot of its round names a
 * peer that is dead. The recovery marks the peer and then wakes all, so they
 * see it; who is the last to arrive asks the system itself, as nobody else may
 * have noticed. A slot of an earlier round whose peer is dead is left.
 * Invariant: in a generation that is not broken, a filled slot has only filled
 * slots before it; none is left before the word has moved or is broken. All
 * sequentially consistent; who waits does so at the gate (gate.c).
 */
#include <mproc/barrier.h>

#include <stdint.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "funcref.h"
#include "gate.h"
#include "kinds.h"
#include "manager_far.h"
#include "shared.h"

#define NEXT(generation) (((generation) + 1) & GENERATION_MASK)
#define WORD(generation, completed) ((generation) | (completed) << 28)
#define SLOT(peer, generation) ((peer) | (generation) << MPROC__PEER_BITS)

struct mproc_barrier_t {
    mproc_object_t object;
};

const mproc__object_ops_t mproc__barrier_ops = {
    .kind = MPROC_KIND_BARRIER, .local_size = sizeof(struct mproc_barrier_t)};

/* A party that waits for its round to end, or to get in. */
typedef struct barrier_wait_t {
    mproc_barrier_t *barrier;
    apr_uint64_t generation;
    apr_uint64_t deaths; /* before it last looked for dead parties */
} barrier_wait_t;

static barrier_shared_t *
barrier_shared(mproc_barrier_t *barrier)
{
    return barrier->object.shared;
}

static mproc__funcref_t *
barrier_action(barrier_shared_t *shared)
{
    return (mproc__funcref_t *)(void *)&shared->slot[shared->parties];
}

/* ---------------------------------------------------------------- creating */

static void
barrier_baton_set(barrier_shared_t *shared, void *baton)
{
    shared->baton_is_shared = (apr_uint64_t)mproc__arena_contains(baton, 1);
    shared->baton = shared->baton_is_shared ? mproc__arena_offset(baton)
                                            : (apr_uint64_t)(uintptr_t)baton;
}

apr_status_t
mproc_barrier_create(mproc_barrier_t **barrier, int parties,
                     mproc_barrier_action_fn_t action, void *baton,
                     apr_pool_t *pool)
{
    mproc__funcref_t ref;
    barrier_shared_t *shared;
    apr_size_t size = sizeof *shared;
    apr_status_t rv = APR_SUCCESS;

    if (barrier == NULL) {
        return mproc__object_missing("mproc_barrier_create", "barrier");
    }
    *barrier = NULL;
    if (parties < 1 || parties > MPROC_BARRIER_PARTIES_MAX) {
        return mproc__fail(APR_EINVAL,
                           "mproc_barrier_create: %d parties cannot meet; "
                           "pass 1 to %d",
                           parties, MPROC_BARRIER_PARTIES_MAX);
    }
    size += (apr_size_t)parties * sizeof shared->slot[0];
    if (action != NULL) {
        size += sizeof ref;
        rv = mproc__funcref_make(&ref, (mproc_function_t)action);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__object_create(barrier, &mproc__barrier_ops, size, pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = barrier_shared(*barrier);
    shared->parties = (apr_uint32_t)parties;
    atomic_store(&shared->word, WORD(APR_UINT64_C(1), APR_UINT64_C(0)));
    if (action != NULL) {
        shared->has_action = 1;
        *barrier_action(shared) = ref;
        barrier_baton_set(shared, baton);
    }
    return APR_SUCCESS;
}

void
mproc_barrier_destroy(mproc_barrier_t *barrier)
{
    mproc__object_close(barrier);
}

/* ------------------------------------------------------------ word and slots
 */

/* Break a generation; 0 when it has ended otherwise. */
static int
barrier_break(barrier_shared_t *shared, apr_uint64_t generation)
{
    apr_uint64_t word = atomic_load(&shared->word);
    do {
        if (GENERATION(word) != generation) {
            return 0;
        }
        if (word & BROKEN) {
            return 1;
        }
    } while (
        !atomic_compare_exchange_weak(&shared->word, &word, word | BROKEN));
    mproc__gate_wake(&shared->gate, MPROC__ALL);
    return 1;
}

static int
barrier_is_on(barrier_shared_t *shared, apr_uint64_t generation)
{
    apr_uint64_t word = atomic_load(&shared->word);
    return GENERATION(word) == generation && !(word & BROKEN);
}

/* Whether somebody who arrived in the round is dead. Nobody who was alive at
 * the last look is, while no death has been told. */
static int
barrier_lost_one(barrier_wait_t *wait, int look)
{
    barrier_shared_t *shared = barrier_shared(wait->barrier);
    apr_uint64_t deaths = mproc__peers_deaths();
    apr_uint32_t i;

    if (!look && deaths == wait->deaths) {
        return 0;
    }
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t slot = atomic_load(&shared->slot[i]);
        if (SLOT_GENERATION(slot) == wait->generation && SLOT_PEER(slot) != 0 &&
            mproc__peer_is_gone(SLOT_PEER(slot))) {
            return 1;
        }
    }
    wait->deaths = deaths;
    return 0;
}

/* Whether a slot was taken last before a generation; generations go round. */
static int
slot_is_older(apr_uint64_t slot, apr_uint64_t generation)
{
    apr_uint64_t age = (generation - SLOT_GENERATION(slot)) & GENERATION_MASK;
    return age != 0 && age <= GENERATION_MASK / 2;
}

/* Whether nobody alive has yet to leave it. */
static int
slot_is_left(apr_uint64_t slot)
{
    return SLOT_PEER(slot) == 0 || mproc__peer_is_gone(SLOT_PEER(slot));
}

/* Take the first slot that is to be had; -1 when there is none: some have yet
 * to leave an earlier round, all have arrived, or the generation is over. */
static int
slot_take(barrier_shared_t *shared, apr_uint64_t generation)
{
    apr_uint32_t i;
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t old = atomic_load(&shared->slot[i]);
        while (slot_is_older(old, generation)) {
            if (!slot_is_left(old)) {
                return -1;
            }
            if (atomic_compare_exchange_weak(
                    &shared->slot[i], &old,
                    SLOT(mproc__peer_self(), generation))) {
                return (int)i;
            }
        }
    }
    return -1;
}

static void
slot_leave(barrier_shared_t *shared, int index, apr_uint64_t generation)
{
    atomic_store(&shared->slot[index], SLOT(APR_UINT64_C(0), generation));
    mproc__gate_wake(&shared->gate, MPROC__ALL);
}

/* --------------------------------------------------------------------- wait */

static int
round_is_on(void *baton)
{
    barrier_wait_t *wait = baton;
    return barrier_is_on(barrier_shared(wait->barrier), wait->generation) &&
           !barrier_lost_one(wait, 0);
}

static int
round_is_hopeless(void *baton)
{
    barrier_wait_t *wait = baton;
    return mproc__object_is_alone(&wait->barrier->object);
}

/* All slots are taken. */
static int
entry_is_shut(void *baton)
{
    barrier_wait_t *wait = baton;
    barrier_shared_t *shared = barrier_shared(wait->barrier);
    apr_uint32_t i;

    if (!round_is_on(baton)) {
        return 0;
    }
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t slot = atomic_load(&shared->slot[i]);
        if (slot_is_older(slot, wait->generation)) {
            return !slot_is_left(slot);
        }
    }
    return 1;
}

static apr_status_t
barrier_broken(const char *why)
{
    return mproc__fail(MPROC_EBROKEN,
                       "mproc_barrier_wait: %s; mproc_barrier_reset() makes "
                       "the barrier usable again",
                       why);
}

/* Get a slot of the current generation. */
static apr_status_t
barrier_enter(barrier_wait_t *wait, int *index, apr_time_t deadline)
{
    barrier_shared_t *shared = barrier_shared(wait->barrier);
    mproc__gate_wait_t gate = {&shared->gate, entry_is_shut, NULL, wait, NULL};

    for (;;) {
        apr_uint64_t word = atomic_load(&shared->word);
        apr_status_t rv = APR_SUCCESS;

        wait->generation = GENERATION(word);
        if (!(word & BROKEN) && barrier_lost_one(wait, 1)) {
            barrier_break(shared, wait->generation);
            continue;
        }
        if (word & BROKEN) {
            return barrier_broken("the barrier is broken");
        }
        *index = slot_take(shared, wait->generation);
        if (*index >= 0) {
            word = atomic_load(&shared->word);
            if (COMPLETED(word) == wait->generation ||
                (GENERATION(word) == wait->generation && !(word & BROKEN))) {
                return APR_SUCCESS;
            }
            /* Too late for that generation. */
            slot_leave(shared, *index, wait->generation);
            continue;
        }
        rv = deadline == 0 && entry_is_shut(wait)
                 ? APR_TIMEUP
                 : mproc__gate_wait(&gate, deadline);
        if (rv == APR_TIMEUP) {
            return mproc__fail(rv, "mproc_barrier_wait: some have yet to "
                                   "leave the last round, and did not in "
                                   "time; the barrier is as it was");
        }
        if (rv != APR_SUCCESS) {
            return mproc__wait_refused("mproc_barrier_wait");
        }
    }
}

static apr_status_t
action_run(barrier_shared_t *shared)
{
    mproc_function_t function;
    void *baton;
    apr_status_t rv;

    if (!shared->has_action) {
        return APR_SUCCESS;
    }
    rv = mproc__funcref_resolve(&function, barrier_action(shared));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    baton = shared->baton_is_shared ? mproc__arena_address(shared->baton)
                                    : (void *)(uintptr_t)shared->baton;
    rv = ((mproc_barrier_action_fn_t)function)(baton);
    return rv == APR_SUCCESS
               ? rv
               : mproc__fail(rv,
                             "mproc_barrier_wait: the barrier's action "
                             "returned %d, so the barrier is broken",
                             (int)rv);
}

/* Whether somebody who arrived is dead, which nobody may have noticed yet. */
static int
barrier_counts_dead(barrier_shared_t *shared)
{
    apr_uint32_t i;
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t slot = atomic_load(&shared->slot[i]);
        if (SLOT_PEER(slot) != 0 && SLOT_PEER(slot) != mproc__peer_self() &&
            mproc__peer_is_dead(SLOT_PEER(slot))) {
            return 1;
        }
    }
    return 0;
}

/* The last to arrive: complete the generation. */
static apr_status_t
barrier_complete(barrier_wait_t *wait)
{
    barrier_shared_t *shared = barrier_shared(wait->barrier);
    apr_uint64_t generation = wait->generation, word;
    apr_status_t rv;

    if (barrier_counts_dead(shared)) {
        barrier_break(shared, generation);
        return barrier_broken("a process that had arrived died");
    }
    rv = action_run(shared);
    if (rv != APR_SUCCESS) {
        barrier_break(shared, generation);
        return rv;
    }
    word = atomic_load(&shared->word);
    do {
        if (GENERATION(word) != generation || (word & BROKEN)) {
            return barrier_broken("the barrier was broken or reset while its "
                                  "action ran");
        }
    } while (!atomic_compare_exchange_weak(&shared->word, &word,
                                           WORD(NEXT(generation), generation)));
    mproc__gate_wake(&shared->gate, MPROC__ALL);
    return APR_SUCCESS;
}

/* Not the last: until the generation ends. */
static apr_status_t
barrier_sleep(barrier_wait_t *wait, apr_time_t deadline)
{
    barrier_shared_t *shared = barrier_shared(wait->barrier);
    mproc__gate_wait_t gate = {&shared->gate, round_is_on, round_is_hopeless,
                               wait, NULL};
    apr_status_t rv =
        deadline == 0 ? APR_TIMEUP : mproc__gate_wait(&gate, deadline);
    apr_uint64_t word;

    /* Out of time, or one is dead: nobody is to wait for us. */
    if (rv != APR_SUCCESS || barrier_is_on(shared, wait->generation)) {
        barrier_break(shared, wait->generation);
    }
    word = atomic_load(&shared->word);
    if (COMPLETED(word) == wait->generation) {
        return APR_SUCCESS;
    }
    if (rv == APR_TIMEUP) {
        return barrier_broken("not all arrived in time");
    }
    if (rv == MPROC_EDEADLK) {
        return mproc__fail(rv, "mproc_barrier_wait: no other thread or "
                               "process has this barrier: the wait would "
                               "never end; the barrier is broken now");
    }
    return rv == APR_ENOMEM
               ? mproc__wait_refused("mproc_barrier_wait")
               : barrier_broken("the barrier was aborted or reset, another's "
                                "time ran out, or a process that had arrived "
                                "died");
}

apr_status_t
mproc_barrier_wait(mproc_barrier_t *barrier, int *index,
                   apr_interval_time_t timeout)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);
    barrier_wait_t wait = {barrier, 0, 0};
    apr_time_t deadline = mproc__deadline(timeout);
    apr_status_t rv;
    int mine = 0;

    if (proxy != NULL) {
        return mproc__far_barrier_wait(proxy, index, timeout,
                                       "mproc_barrier_wait");
    }
    if (index != NULL) {
        *index = 0;
    }
    if (!mproc__object_is(barrier, &mproc__barrier_ops)) {
        return mproc__object_missing("mproc_barrier_wait", "barrier");
    }
    rv = barrier_enter(&wait, &mine, deadline);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = (apr_uint32_t)mine + 1 == barrier_shared(barrier)->parties
             ? barrier_complete(&wait)
             : barrier_sleep(&wait, deadline);
    slot_leave(barrier_shared(barrier), mine, wait.generation);
    if (rv == APR_SUCCESS && index != NULL) {
        *index = mine;
    }
    return rv;
}

/* -------------------------------------------------------------- the others */

apr_status_t
mproc_barrier_abort(mproc_barrier_t *barrier)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);
    barrier_shared_t *shared;

    if (proxy != NULL) {
        return mproc__far_barrier_break(proxy, 0, "mproc_barrier_abort");
    }
    if (!mproc__object_is(barrier, &mproc__barrier_ops)) {
        return mproc__object_missing("mproc_barrier_abort", "barrier");
    }
    shared = barrier_shared(barrier);
    while (!barrier_break(shared, GENERATION(atomic_load(&shared->word)))) {
    }
    return APR_SUCCESS;
}

/* How many that live have arrived in a generation. */
static int
barrier_arrived(barrier_shared_t *shared, apr_uint64_t generation)
{
    apr_uint32_t i;
    int count = 0;
    for (i = 0; i < shared->parties; i++) {
        apr_uint64_t slot = atomic_load(&shared->slot[i]);
        count += SLOT_GENERATION(slot) == generation && !slot_is_left(slot);
    }
    return count;
}

/* Whether anybody has, be he dead: the first slot is taken first. */
static int
barrier_is_idle(barrier_shared_t *shared, apr_uint64_t generation)
{
    return SLOT_GENERATION(atomic_load(&shared->slot[0])) != generation;
}

apr_status_t
mproc_barrier_reset(mproc_barrier_t *barrier)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);
    barrier_shared_t *shared;
    apr_uint64_t word;

    if (proxy != NULL) {
        return mproc__far_barrier_break(proxy, 1, "mproc_barrier_reset");
    }
    if (!mproc__object_is(barrier, &mproc__barrier_ops)) {
        return mproc__object_missing("mproc_barrier_reset", "barrier");
    }
    shared = barrier_shared(barrier);
    word = atomic_load(&shared->word);
    do {
        if (!(word & BROKEN) && barrier_is_idle(shared, GENERATION(word))) {
            return APR_SUCCESS;
        }
    } while (!atomic_compare_exchange_weak(
        &shared->word, &word, WORD(NEXT(GENERATION(word)), COMPLETED(word))));
    mproc__gate_wake(&shared->gate, MPROC__ALL);
    return APR_SUCCESS;
}

int
mproc_barrier_parties(mproc_barrier_t *barrier)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);

    if (proxy != NULL) {
        apr_int64_t number = mproc__proxy_number(proxy, MPROC__BARRIER_STATE, 0,
                                                 "mproc_barrier_parties");
        return number < 0 ? 0 : (int)number;
    }
    return mproc__object_is(barrier, &mproc__barrier_ops)
               ? (int)barrier_shared(barrier)->parties
               : 0;
}

int
mproc_barrier_waiting(mproc_barrier_t *barrier)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);
    apr_uint64_t word;

    if (proxy != NULL) {
        apr_int64_t number = mproc__proxy_number(proxy, MPROC__BARRIER_STATE, 1,
                                                 "mproc_barrier_waiting");
        return number < 0 ? 0 : (int)number;
    }
    if (!mproc__object_is(barrier, &mproc__barrier_ops)) {
        return 0;
    }
    word = atomic_load(&barrier_shared(barrier)->word);
    return word & BROKEN
               ? 0
               : barrier_arrived(barrier_shared(barrier), GENERATION(word));
}

int
mproc_barrier_is_broken(mproc_barrier_t *barrier)
{
    mproc__proxy_t *proxy = mproc__proxy_of(barrier, MPROC_KIND_BARRIER);

    if (proxy != NULL) {
        apr_int64_t number = mproc__proxy_number(proxy, MPROC__BARRIER_STATE, 2,
                                                 "mproc_barrier_is_broken");
        return number < 0 ? 0 : (int)number;
    }
    return mproc__object_is(barrier, &mproc__barrier_ops) &&
           (atomic_load(&barrier_shared(barrier)->word) & BROKEN);
}
