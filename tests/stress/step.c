/*
 * step.c: kills a process after the k-th instruction of an operation, for
 * every k, and has the survivors look.
 */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_time.h>

#include <mproc/error.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/parking.h"
#include "../../lib/src/peers.h"
#include "system.h"

#define PATIENCE STEP_PATIENCE
#define LATE (3 * APR_USEC_PER_SEC) /* a hang, though it came */
#define RESCUES_MOST 5
#define POINTS 120 /* kill points when no stride is given */

/* The witness, outside of the arena. */
typedef struct witness_t {
    _Atomic apr_uint64_t done; /* orders */
    _Atomic apr_int32_t status;
    _Atomic apr_uint64_t peer;
    _Atomic int live; /* the live child is ready */
} witness_t;

typedef struct witness_order_t {
    step_order_e order;
    apr_int64_t number;
} witness_order_t;

static step_stage_t stage;
static const step_operation_t *operation;
static witness_t *witness;
static apr_uint64_t witness_orders;
static apr_int64_t witness_pid;
static apr_file_t *order_in, *order_out;
static apr_uint64_t point; /* the kill point at hand */
static const char *name;

/* ------------------------------------------------------------------ waiting */

static int
word_is_zero(void *word)
{
    return atomic_load((_Atomic apr_uint64_t *)word) == 0;
}

int
step_word_wait(_Atomic apr_uint64_t *word, apr_interval_time_t timeout)
{
    apr_time_t deadline = mproc__deadline(timeout);
    void *words = word;

    while (word_is_zero(word)) {
        apr_status_t rv =
            mproc__park(&words, 1, word_is_zero, NULL, word, deadline);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------ witness */

static apr_status_t
witness_obey(const witness_order_t *order)
{
    apr_status_t rv;

    switch (order->order) {
    case ORDER_RECOVER:
        mproc__peers_ended(order->number);
        return APR_SUCCESS;
    case ORDER_LOCK:
        rv = mproc_lock_acquire(stage.lock, PATIENCE);
        return rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD
                   ? mproc_lock_release(stage.lock)
                   : rv;
    case ORDER_EVENT:
        return mproc_event_wait(stage.event, PATIENCE);
    case ORDER_WORD:
        return step_word_wait(stage.word, PATIENCE);
    case ORDER_PUT:
    case ORDER_GET:
    case ORDER_JOIN:
        return step_queue_obey(order->order, (mproc__handle_t)order->number);
    default:
        return APR_EOF;
    }
}

static void
witness_main(void *baton)
{
    witness_order_t order;
    apr_size_t size = sizeof order;

    (void)baton;
    apr_file_close(order_out);
    mproc__thread_self();
    atomic_store(&witness->peer, mproc__peer_self());
    while (apr_file_read_full(order_in, &order, size, &size) == APR_SUCCESS &&
           order.order != ORDER_QUIT) {
        atomic_store(&witness->status, witness_obey(&order));
        atomic_fetch_add(&witness->done, 1);
    }
}

void
witness_order(step_order_e what, apr_int64_t number)
{
    witness_order_t order = {what, number};

    apr_file_write_full(order_out, &order, sizeof order, NULL);
    witness_orders++;
}

static int
witness_is_parked(apr_uint64_t offset)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;

    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        apr_uint64_t state = atomic_load(&thread->state);

        if ((state & 1) && (state >> 1 & APR_UINT64_C(0xfffffffff)) ==
                               atomic_load(&witness->peer)) {
            return (atomic_load(&mproc__arena.header->parked[i / 64]) >>
                        i % 64 &
                    1) &&
                   (atomic_load(&thread->waiting) & 3) == 1 &&
                   atomic_load(&thread->word[0]) == offset;
        }
    }
    return 0;
}

void
witness_sleeps(const volatile void *word)
{
    witness_sleeps_at(word, word);
}

void
witness_sleeps_at(const volatile void *word, const volatile void * or)
{
    apr_time_t deadline = mproc_clock() + PATIENCE;

    while (!witness_is_parked(mproc__arena_offset(word)) &&
           !witness_is_parked(mproc__arena_offset(or))) {
        if (mproc_clock() > deadline) {
            stress_fault(STRESS_HANG,
                         "%s, point %" PRIu64
                         ": the witness does not come to wait",
                         name, (uint64_t)point);
            return;
        }
        apr_sleep(20);
    }
}

/* Who gives up at its deadline looks once more, which hides a lost wake-up. */
static void
late_check(apr_time_t start, const char *who)
{
    if (mproc_clock() - start > LATE) {
        stress_fault(STRESS_HANG,
                     "%s, point %" PRIu64 " at %s: %s went on late", name,
                     (uint64_t)point, system_step_where(), who);
    }
}

void
witness_done(void)
{
    apr_time_t start = mproc_clock(), deadline = start + 2 * PATIENCE;
    apr_status_t rv;

    while (atomic_load(&witness->done) < witness_orders) {
        if (mproc_clock() > deadline) {
            stress_fault(STRESS_HANG,
                         "%s, point %" PRIu64 ": the witness is stuck", name,
                         (uint64_t)point);
            system_group_show(system_pid());
            exit(1);
        }
        apr_sleep(20);
    }
    late_check(start, "the witness");
    rv = atomic_load(&witness->status);
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 ": the witness got status %d", name,
                     (uint64_t)point, rv);
    }
}

/* -------------------------------------------------------- what is often done
 */

void
step_attach(step_stage_t *at)
{
    size_t i;

    mproc__thread_self();
    for (i = 0; i < sizeof at->hold / sizeof *at->hold; i++) {
        at->hold[i] = mproc__hold_new();
    }
}

void
step_lock_check(step_stage_t *at)
{
    apr_status_t rv = mproc_lock_acquire(at->lock, PATIENCE);

    if (rv == APR_SUCCESS || rv == MPROC_EOWNERDEAD) {
        rv = mproc_lock_release(at->lock);
    }
    if (rv != APR_SUCCESS) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 ": the lock gave status %d", name,
                     (uint64_t)point, rv);
    }
}

void
step_idle_retire(step_stage_t *at, apr_size_t size)
{
    mproc__handle_t handle;

    if (mproc__arena_alloc(at->spare, size, MPROC_KIND_BYTES) == APR_SUCCESS) {
        handle = mproc__hold_handle(at->spare);
        mproc__arena_release(at->spare);
        mproc__chunk_retire(mproc__thread_self(), handle);
    }
}

apr_int64_t
step_dead_child(void (*act)(void *), void *baton)
{
    apr_int64_t pid = system_fork(act, baton);
    int crash;

    if (!system_reap(pid, mproc_clock() + PATIENCE, &crash)) {
        stress_fault(STRESS_HANG, "%s, point %" PRIu64 ": a child is stuck",
                     name, (uint64_t)point);
        system_kill(pid);
        system_reap(pid, mproc_clock() + PATIENCE, &crash);
    }
    return pid;
}

static struct {
    void (*act)(void *);
    void *baton;
} live;

static void
live_main(void *baton)
{
    (void)baton;
    live.act(live.baton);
    atomic_store(&witness->live, 1);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

apr_int64_t
step_live_child(void (*act)(void *), void *baton)
{
    apr_time_t deadline = mproc_clock() + PATIENCE;
    apr_int64_t pid;

    live.act = act;
    live.baton = baton;
    atomic_store(&witness->live, 0);
    pid = system_fork(live_main, NULL);
    while (!atomic_load(&witness->live)) {
        if (mproc_clock() > deadline) {
            stress_fault(STRESS_HANG, "%s, point %" PRIu64 ": a child is stuck",
                         name, (uint64_t)point);
            break;
        }
        apr_sleep(20);
    }
    return pid;
}

void
step_live_end(apr_int64_t pid)
{
    int crash;

    system_kill(pid);
    system_reap(pid, mproc_clock() + PATIENCE, &crash);
    mproc__peers_ended(pid);
}

void
step_fault(stress_fault_e fault, const char *what, apr_uint64_t number)
{
    stress_fault(fault, "%s, point %" PRIu64 " at %s: %s %" PRIu64, name,
                 (uint64_t)point, system_step_where(), what, (uint64_t)number);
}

void
step_expect(apr_status_t rv)
{
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 ": the victim went on to status %d",
                     name, (uint64_t)point, rv);
    }
}

/* --------------------------------------------------------------- one kill */

/* It goes on, and must come to its end. */
static void
victim_resume(apr_int64_t pid)
{
    apr_time_t start = mproc_clock();
    int crash;

    system_step_resume(pid);
    if (!system_reap(pid, mproc_clock() + 2 * PATIENCE, &crash)) {
        stress_fault(STRESS_HANG,
                     "%s, point %" PRIu64 " at %s: the victim "
                     "does not go on",
                     name, (uint64_t)point, system_step_where());
        system_group_show(system_pid());
    }
    else if (crash != 0) {
        stress_fault(STRESS_TORN,
                     "%s, point %" PRIu64
                     " at %s: the victim crashed, signal %d",
                     name, (uint64_t)point, system_step_where(), crash);
    }
    late_check(start, "the victim");
}

static void
victim_ready(void *baton)
{
    step_stage_t *at = baton;

    if (!operation->stranger) {
        step_attach(at);
    }
    if (operation->ready != NULL) {
        operation->ready(at);
    }
}

static void
victim_run(void *baton)
{
    operation->run(baton);
}

static void
look_around(void)
{
    atomic_store(&mproc__arena.header->last_look, 0);
    mproc__peers_look_around();
}

static void
found(apr_int64_t pid, step_finder_e finder)
{
    switch (finder) {
    case FOUND_BY_LOOKING:
        look_around();
        break;
    case FOUND_BY_WITNESS:
        witness_order(ORDER_RECOVER, pid);
        witness_done();
        break;
    case FOUND_BY_BOTH:
        witness_order(ORDER_RECOVER, pid);
        mproc__peers_ended(pid);
        witness_done();
        break;
    default:
        mproc__peers_ended(pid);
        break;
    }
    /* Recovering one may have left another, whom nobody told of. */
    if (stage.dead != 0) {
        mproc__peers_ended(stage.dead);
        stage.dead = 0;
    }
}

/* Returns -1 when the leap missed, 0 when the operation ended before, else
 * 1. */
static int
kill_at(apr_uint64_t steps, int leap, const mproc_census_t *before)
{
    step_finder_e finder = (step_finder_e)stress_below(
        &stage.draw, operation->witness ? FOUND_BY_WITNESS : FOUND_WAYS);
    mproc_census_t after;
    apr_int64_t pid;
    int rv, crash;

    point = steps;
    stress_beat("%s, point %" PRIu64, name, (uint64_t)steps);
    if (operation->set != NULL) {
        operation->set(&stage);
    }
    pid = system_step_fork(victim_ready, victim_run, &stage);
    if (operation->meet != NULL) {
        operation->meet(&stage);
    }
    rv = system_step(pid, steps, leap);
    if (operation->strike != NULL) {
        operation->strike(&stage);
    }
    if (operation->after != 0 && rv == 1) {
        system_step(pid, stress_below(&stage.draw, operation->after), 0);
    }
    if (operation->resume) {
        victim_resume(pid);
    }
    system_kill(pid);
    system_reap(pid, mproc_clock() + PATIENCE, &crash);
    atomic_fetch_add(&stress_board->kills, 1);
    if (operation->heir != NULL) {
        operation->heir(&stage);
    }
    found(pid, finder);
    if (operation->check != NULL) {
        operation->check(&stage);
    }
    if (before != NULL) {
        mproc_census(&after);
        if (stress_census_compare(before, &after) != 0) {
            stress_fault(STRESS_LEAKED,
                         "%s, point %" PRIu64 " at %s, found in way %d", name,
                         (uint64_t)steps, system_step_where(), (int)finder);
        }
        if (stress_arena_check() != 0) {
            stress_fault(STRESS_TORN,
                         "%s, point %" PRIu64 " at %s, found in way %d", name,
                         (uint64_t)steps, system_step_where(), (int)finder);
        }
    }
    return rv;
}

/* ------------------------------------------------------------------- runner */

static void
stage_set_up(void)
{
    apr_uint64_t zero = 0;
    int i;

    apr_pool_create(&stage.pool, NULL);
    if (mproc_lock_create(&stage.lock, stage.pool) != APR_SUCCESS ||
        mproc_event_create(&stage.event, stage.pool) != APR_SUCCESS ||
        mproc_value_create(&stage.value, sizeof zero, &zero, stage.pool) !=
            APR_SUCCESS) {
        fprintf(stderr, "mproc-stress: %s\n", mproc_error_detail());
        exit(2);
    }
    stage.word = mproc_value_data(stage.value);
    stage.keep = mproc__hold_new();
    stage.spare = mproc__hold_new();
    mproc__arena_alloc(stage.keep, 100, MPROC_KIND_BYTES);
    stage.handle = mproc__hold_handle(stage.keep);
    stage.draw = stress_options.seed;
    /* Spinning that has not paid: the victim is not to spin for long. */
    mproc_lock_acquire(stage.lock, MPROC_FOREVER);
    for (i = 0; i < 60; i++) {
        mproc_lock_acquire(stage.lock, 1);
    }
    mproc_lock_release(stage.lock);

    witness = system_share(sizeof *witness);
    apr_file_pipe_create(&order_in, &order_out, stage.pool);
    witness_pid = system_fork(witness_main, NULL);
    while (atomic_load(&witness->peer) == 0) {
        apr_sleep(100);
    }
}

static void
points_run(apr_uint64_t stride, const mproc_census_t *before)
{
    apr_uint64_t length = system_step_length(), steps = 0;
    int rv;

    if (operation->tail != 0) {
        steps = length > operation->tail ? length - operation->tail : 0;
        stride = operation->tail / POINTS + 1;
    }
    steps += stress_below(&stage.draw, stride);

    do {
        rv = kill_at(steps, 1, before);
        if (rv < 0) {
            rv = kill_at(steps, 0, before);
        }
        steps += stride;
    } while ((rv == 1 || steps <= length) && stress_faults() == 0);
}

/* A waiter that looks by itself finds what it was not woken for, which hides
 * a wake-up that the recovery lost; but the library counts. A few come from
 * steps that took longer than a waiter's patience. */
static void
rescues_check(apr_uint64_t before)
{
    apr_uint64_t rescues = atomic_load(&mproc__arena.header->rescues) - before;

    if (rescues > RESCUES_MOST) {
        stress_fault(STRESS_LOST, "%s: %" PRIu64 " wake-ups were lost", name,
                     (uint64_t)rescues);
    }
    else if (rescues > 0) {
        printf("%-18s note: %" PRIu64 " waiters found by themselves what "
               "they were not woken for in time\n",
               name, (uint64_t)rescues);
    }
}

void
step_run(const stress_scenario_t *scenario)
{
    mproc_census_t before;
    apr_uint64_t stride = stress_options.stride;
    apr_time_t start = mproc_clock(), took;
    apr_uint64_t kills = atomic_load(&stress_board->kills);
    int crash;

    if (!system_step_works()) {
        printf("%-18s skipped: this system has no single steps\n",
               scenario->name);
        return;
    }
    name = scenario->name;
    operation = scenario->detail;
    stage_set_up();
    kill_at(0, 0, NULL); /* What is made once is made now. */
    mproc_census(&before);
    if (stress_arena_check() != 0) {
        stress_fault(STRESS_TORN, "%s: before the first kill", name);
    }
    system_step_forget();
    kill_at(UINT64_MAX, 0, &before);
    if (stress_options.at >= 0) {
        stage.draw ^= (apr_uint64_t)stress_options.at;
        for (int i = 0; i < FOUND_WAYS; i++) {
            kill_at((apr_uint64_t)stress_options.at, 0, &before);
        }
    }
    else {
        points_run(stride != 0 ? stride : system_step_length() / POINTS + 1,
                   &before);
    }
    rescues_check(before.rescues);
    took = mproc_clock() - start;
    atomic_fetch_add(&stress_board->steps, system_step_made());
    printf("%-18s %6" PRIu64 " instructions %6" PRIu64 " kills %6.1f s, "
           "%.0f steps/s\n",
           name, (uint64_t)system_step_length(),
           (uint64_t)(atomic_load(&stress_board->kills) - kills),
           (double)took / 1e6,
           (double)system_step_made() * 1e6 / (double)(took + 1));
    witness_order(ORDER_QUIT, 0);
    if (!system_reap(witness_pid, mproc_clock() + PATIENCE, &crash)) {
        stress_fault(STRESS_HANG, "%s: the witness does not end", name);
    }
}
