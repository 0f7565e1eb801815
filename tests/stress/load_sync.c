/*
 * load_sync.c: what the workers of the load do with semaphores, condition,
 * barrier and array, and how it is known whether that was right.
 *
 * The accounts lie on a page outside of the arena. Of a plain permit it
 * cannot be known whether one who died in acquire or release had it: such a
 * one is replaced, and from time to time all are let finish and counted.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_time.h>

#include <mproc/array.h>
#include <mproc/barrier.h>
#include <mproc/condition.h>
#include <mproc/error.h>
#include <mproc/event.h>
#include <mproc/lock.h>
#include <mproc/semaphore.h>
#include <mproc/value.h>

#include "../../lib/src/peers.h"
#include "system.h"

#define OWNED 2
#define TOKENS 3
#define PARTIES 2

/* Of a worker's token. */
enum {
    NONE,
    TAKES,
    HAS,
    GIVES
};

static struct accounts_t {
    _Atomic apr_uint64_t peer[LOAD_WORKERS];
    _Atomic int quiet; /* nobody is to take a token or a turn */
    /* Owned permits: a number for each stay within, 0 outside. */
    _Atomic apr_uint64_t within[LOAD_WORKERS], stays;
    /* Plain permits. */
    _Atomic int token[LOAD_WORKERS];
    int doubtful; /* replaced, and perhaps not lost */
    /* The condition: whose turn it is, a peer; what it protects. */
    _Atomic int turning[LOAD_WORKERS];
    _Atomic apr_uint64_t turn;
    volatile apr_uint64_t first, second;
    _Atomic apr_uint64_t turns, repairs;
    /* The barrier. */
    _Atomic apr_uint64_t rounds, seat[PARTIES], breaks;
    _Atomic apr_uint64_t audits;
} * accounts;

static mproc_semaphore_t *owned, *tokens;
static mproc_condition_t *condition;
static mproc_barrier_t *barrier;
static mproc_array_t *array;

static apr_status_t
barrier_action(void *baton)
{
    atomic_fetch_add(&((struct accounts_t *)baton)->rounds, 1);
    return APR_SUCCESS;
}

void
load_sync_set_up(apr_pool_t *pool)
{
    accounts = system_share(sizeof *accounts);
    if (mproc_owned_semaphore_create(&owned, OWNED, pool) != APR_SUCCESS ||
        mproc_semaphore_create(&tokens, TOKENS, pool) != APR_SUCCESS ||
        mproc_condition_create(&condition, NULL, pool) != APR_SUCCESS ||
        mproc_barrier_create(&barrier, PARTIES, barrier_action, accounts,
                             pool) != APR_SUCCESS ||
        mproc_array_create(&array, sizeof(apr_uint64_t), 2, NULL, pool) !=
            APR_SUCCESS) {
        exit(2);
    }
}

void
load_sync_begin(void)
{
    int i = load_self.index;

    atomic_store(&accounts->within[i], 0);
    atomic_store(&accounts->turning[i], 0);
    atomic_store(&accounts->peer[i], mproc__peer_self());
}

/* -------------------------------------------------------------------- owned */

/* How many that live are within: those who were so at two looks were so all
 * the time in between. 0 when somebody came or went. */
static int
owned_count(void)
{
    apr_uint64_t seen[LOAD_WORKERS];
    int i, count = 0;

    for (i = 0; i < LOAD_WORKERS; i++) {
        seen[i] = atomic_load(&accounts->within[i]);
    }
    for (i = 0; i < LOAD_WORKERS; i++) {
        if (atomic_load(&accounts->within[i]) != seen[i]) {
            return 0;
        }
    }
    for (i = 0; i < LOAD_WORKERS; i++) {
        count += seen[i] != 0 &&
                 !mproc__peer_is_gone(atomic_load(&accounts->peer[i])) &&
                 atomic_load(&accounts->within[i]) == seen[i];
    }
    return count;
}

void
load_owned(void)
{
    int hurry = stress_below(&load_self.draw, 4) == 0;
    apr_status_t rv = mproc_semaphore_acquire(
        owned, hurry ? (apr_interval_time_t)stress_below(&load_self.draw, 300)
                     : LOAD_PATIENCE);

    if (APR_STATUS_IS_TIMEUP(rv) && hurry) {
        return;
    }
    if (rv != APR_SUCCESS) {
        load_bad("an owned permit", rv);
        return;
    }
    atomic_store(&accounts->within[load_self.index],
                 atomic_fetch_add(&accounts->stays, 1) + 1);
    load_pause();
    if (owned_count() > OWNED) {
        stress_fault(STRESS_TORN, "more are within than there are permits");
    }
    atomic_store(&accounts->within[load_self.index], 0);
    rv = mproc_semaphore_release(owned);
    if (rv != APR_SUCCESS) {
        load_bad("the release of an owned permit", rv);
    }
}

/* ------------------------------------------------------------------- tokens */

void
load_token(void)
{
    _Atomic int *state = &accounts->token[load_self.index];
    apr_status_t rv;

    atomic_store(state, TAKES);
    if (!atomic_load(&accounts->quiet)) {
        rv = mproc_semaphore_acquire(tokens, LOAD_PATIENCE);
        if (rv != APR_SUCCESS) {
            load_bad("a plain permit", rv);
            return;
        }
        atomic_store(state, HAS);
        load_pause();
        atomic_store(state, GIVES);
        rv = mproc_semaphore_release(tokens);
        if (rv != APR_SUCCESS) {
            load_bad("the release of a plain permit", rv);
        }
    }
    atomic_store(state, NONE);
}

void
load_sync_died(int index)
{
    int state = atomic_exchange(&accounts->token[index], NONE);

    if (state != NONE && mproc_semaphore_release(tokens) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "a permit is not to be replaced");
    }
    accounts->doubtful += state == TAKES || state == GIVES;
    atomic_store(&accounts->turning[index], 0);
}

/* Nobody is at it. */
static void
tokens_count(void)
{
    int value = mproc_semaphore_value(tokens);

    if (value < TOKENS || value > TOKENS + accounts->doubtful) {
        stress_fault(value < TOKENS ? STRESS_LOST : STRESS_TORN,
                     "%d permits, must be %d, or up to %d more", value, TOKENS,
                     accounts->doubtful);
    }
    for (; value > TOKENS; value--) {
        if (mproc_semaphore_acquire(tokens, MPROC_NOWAIT) != APR_SUCCESS) {
            stress_fault(STRESS_LOST, "a permit is not to be had");
        }
    }
    accounts->doubtful = 0;
}

/* --------------------------------------------------------------------- turns
 */

static int
turn_is_free(void *baton)
{
    apr_uint64_t turn = atomic_load(&accounts->turn);

    (void)baton;
    return turn == 0 || mproc__peer_is_gone(turn);
}

/* The lock is held, and who had it died: he may have changed something and
 * notified nobody. */
static void
turn_repair(void)
{
    accounts->second = accounts->first;
    atomic_fetch_add(&accounts->repairs, 1);
    mproc_condition_notify_all(condition);
}

/* Acquire; 0: a fault. */
static int
turn_acquire(void)
{
    apr_status_t rv = mproc_condition_acquire(condition, LOAD_PATIENCE);

    if (rv == MPROC_EOWNERDEAD) {
        turn_repair();
    }
    else if (rv != APR_SUCCESS) {
        load_bad("the condition's lock", rv);
        return 0;
    }
    if (accounts->first != accounts->second) {
        stress_fault(STRESS_TORN, "what a condition protects is half done");
    }
    return 1;
}

static int
turn_await(void)
{
    apr_status_t rv;

    do {
        rv = mproc_condition_wait_for(condition, turn_is_free, NULL,
                                      LOAD_PATIENCE);
        if (rv == MPROC_EOWNERDEAD) {
            turn_repair();
        }
    } while (rv == MPROC_EOWNERDEAD);
    if (rv != APR_SUCCESS) {
        load_bad("the condition", rv);
        mproc_condition_release(condition);
        return 0;
    }
    return 1;
}

/* One at a time has the turn, and not the lock meanwhile. */
static void
turn_take(void)
{
    if (!turn_acquire() || !turn_await()) {
        return;
    }
    accounts->first++;
    atomic_store(&accounts->turn, mproc__peer_self());
    load_pause();
    accounts->second++;
    mproc_condition_release(condition);
    load_pause();
    if (!turn_acquire()) {
        return;
    }
    accounts->first++;
    if (atomic_exchange(&accounts->turn, 0) != mproc__peer_self()) {
        stress_fault(STRESS_TORN, "a turn was taken from one who lives");
    }
    load_pause();
    accounts->second++;
    atomic_fetch_add(&accounts->turns, 1);
    mproc_condition_notify(condition, 1);
    mproc_condition_release(condition);
}

void
load_turn(void)
{
    atomic_store(&accounts->turning[load_self.index], 1);
    if (!atomic_load(&accounts->quiet)) {
        turn_take();
    }
    atomic_store(&accounts->turning[load_self.index], 0);
}

void
load_sync_mend(void (*look)(void))
{
    apr_uint64_t turn = atomic_load(&accounts->turn);
    apr_time_t start = mproc_clock();
    apr_status_t rv;

    if (turn == 0 || !mproc__peer_is_gone(turn)) {
        return;
    }
    do {
        look();
        rv = mproc_condition_acquire(condition, 10 * 1000);
    } while (rv == APR_TIMEUP && mproc_clock() - start < LOAD_LATE);
    if (rv == MPROC_EOWNERDEAD) {
        turn_repair();
    }
    else if (rv != APR_SUCCESS) {
        load_bad("the condition's lock", rv);
        return;
    }
    if (atomic_compare_exchange_strong(&accounts->turn, &turn, 0)) {
        mproc_condition_notify(condition, 1);
    }
    mproc_condition_release(condition);
}

/* ------------------------------------------------------------------ barrier */

/* Only some go there: it lets everybody wait for whoever is stopped. */
void
load_barrier(void)
{
    int index = 0;
    apr_status_t rv;

    if (load_self.index > PARTIES || stress_below(&load_self.draw, 4) != 0) {
        return;
    }
    rv = mproc_barrier_wait(barrier, &index, LOAD_PATIENCE);

    if (rv == APR_SUCCESS) {
        apr_uint64_t taken = atomic_fetch_add(&accounts->seat[index], 1) + 1;
        if (taken > atomic_load(&accounts->rounds)) {
            stress_fault(STRESS_TORN, "two had one place in a round");
        }
    }
    else if (rv == MPROC_EBROKEN) {
        atomic_fetch_add(&accounts->breaks, 1);
        if (mproc_barrier_is_broken(barrier)) {
            mproc_barrier_reset(barrier);
        }
    }
    else {
        load_bad("the barrier", rv);
    }
}

/* -------------------------------------------------------------------- array */

void
load_array(void)
{
    apr_uint64_t item[2] = {0, 0};
    apr_status_t rv = mproc_array_acquire(array, LOAD_PATIENCE);
    int whole = rv == APR_SUCCESS;

    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        load_bad("an array's lock", rv);
        return;
    }
    rv = mproc_array_read(array, 0, 2, item);
    if (rv != APR_SUCCESS || (whole && item[0] != item[1])) {
        stress_fault(STRESS_TORN, "an array is half written, status %d", rv);
    }
    item[0]++;
    item[1] = item[0];
    mproc_array_set(array, 0, &item[0]);
    load_pause();
    mproc_array_set(array, -1, &item[1]);
    mproc_array_release(array);
}

/* ------------------------------------------------------------------ objects */

/* Made of others, and gone again. */
void
load_object(void)
{
    mproc_condition_t *own;
    mproc_value_t *value, *copy;
    mproc_barrier_t *other;

    if (mproc_condition_create(&own, NULL, NULL) != APR_SUCCESS ||
        mproc_value_create(&value, 40, NULL, NULL) != APR_SUCCESS ||
        mproc_barrier_create(&other, 2, NULL, NULL, NULL) != APR_SUCCESS) {
        load_bad("an object", APR_ENOMEM);
        return;
    }
    mproc_condition_acquire(own, MPROC_FOREVER);
    mproc_value_acquire(value, MPROC_FOREVER);
    if (mproc_value_copy(&copy, value, NULL) != APR_SUCCESS) {
        load_bad("a copy", APR_ENOMEM);
        return;
    }
    mproc_value_destroy(copy);
    mproc_barrier_destroy(other);
    mproc_value_destroy(value);
    mproc_condition_destroy(own);
}

/* ------------------------------------------------------------------- killer */

static int
all_are_quiet(void)
{
    int i, busy = 0;

    for (i = 0; i < LOAD_WORKERS; i++) {
        busy += atomic_load(&accounts->token[i]) != NONE ||
                atomic_load(&accounts->turning[i]);
    }
    return !busy;
}

void
load_sync_audit(void (*look)(void))
{
    apr_time_t start = mproc_clock();

    atomic_store(&accounts->quiet, 1);
    while (!all_are_quiet() && stress_faults() == 0) {
        if (mproc_clock() - start > LOAD_LATE) {
            stress_fault(STRESS_HANG, "somebody does not get a permit, or "
                                      "his turn, though all others have had "
                                      "theirs");
            system_group_show(system_pid());
        }
        look();
        apr_sleep(100);
    }
    if (stress_faults() == 0) {
        tokens_count();
    }
    atomic_fetch_add(&accounts->audits, 1);
    atomic_store(&accounts->quiet, 0);
}

static void
nothing(void)
{
}

void
load_sync_check(void)
{
    apr_status_t rv;

    tokens_count();
    load_sync_mend(nothing);
    rv = mproc_condition_acquire(condition, LOAD_LATE);
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(STRESS_HANG, "in the end the condition gave status %d",
                     rv);
    }
    mproc_condition_release(condition);
    if (mproc_semaphore_value(owned) != OWNED) {
        stress_fault(STRESS_LOST, "in the end %d owned permits, not %d",
                     mproc_semaphore_value(owned), OWNED);
    }
    rv = mproc_array_acquire(array, LOAD_LATE);
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(STRESS_HANG, "in the end an array gave status %d", rv);
    }
    mproc_array_release(array);
    mproc_barrier_reset(barrier);
    if (mproc_barrier_waiting(barrier) != 0 ||
        mproc_barrier_is_broken(barrier)) {
        stress_fault(STRESS_TORN, "in the end the barrier is not idle");
    }
}

void
load_sync_print(void)
{
    printf("%-18s %6" PRIu64 " turns, %" PRIu64 " repaired; %" PRIu64
           " rounds, %" PRIu64 " broken; %" PRIu64 " owned permits; %" PRIu64
           " audits\n",
           "", (uint64_t)atomic_load(&accounts->turns),
           (uint64_t)atomic_load(&accounts->repairs),
           (uint64_t)atomic_load(&accounts->rounds),
           (uint64_t)atomic_load(&accounts->breaks),
           (uint64_t)atomic_load(&accounts->stays),
           (uint64_t)atomic_load(&accounts->audits));
}
