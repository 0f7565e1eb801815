/*
 * witness.c: the process that looks on: it does as it is told, one order
 * after the other, and says what came of it on a page outside of the arena.
 */
#include "step.h"

#include <inttypes.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_time.h>

#include <mproc/error.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/peers.h"
#include "system.h"

#define LOOKED_AROUND                                                          \
    (70 * 1000) /* microseconds; waiters do so every 100 ms                    \
                 */

typedef struct witness_t {
    _Atomic apr_uint64_t done; /* orders */
    _Atomic apr_int32_t status;
    _Atomic apr_uint64_t peer;
} witness_t;

/* Both 0: it may go. */
typedef struct witness_order_t {
    apr_status_t (*call)(step_stage_t *);
    apr_int64_t recover; /* a pid that has ended */
} witness_order_t;

static witness_t *witness;
static apr_uint64_t orders;
static apr_uint64_t slow; /* results that came as if by looking around */
static apr_int64_t pid;
static apr_file_t *order_in, *order_out;

/* ------------------------------------------------------------------- orders */

static apr_status_t
witness_obey(const witness_order_t *order)
{
    if (order->call != NULL) {
        return order->call(&step_stage);
    }
    mproc__peers_ended(order->recover);
    return APR_SUCCESS;
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
           (order.call != NULL || order.recover != 0)) {
        atomic_store(&witness->status, witness_obey(&order));
        atomic_fetch_add(&witness->done, 1);
    }
}

static void
witness_order(witness_order_t order)
{
    apr_file_write_full(order_out, &order, sizeof order, NULL);
    orders++;
}

void
witness_call(apr_status_t (*call)(step_stage_t *))
{
    witness_order((witness_order_t){call, 0});
}

void
witness_recover(apr_int64_t ended)
{
    witness_order((witness_order_t){NULL, ended});
}

void
witness_start(void)
{
    witness = system_share(sizeof *witness);
    apr_file_pipe_create(&order_in, &order_out, step_stage.pool);
    pid = system_fork(witness_main, NULL);
    while (atomic_load(&witness->peer) == 0) {
        apr_sleep(100);
    }
}

void
witness_end(void)
{
    int crash;

    witness_order((witness_order_t){NULL, 0});
    if (!system_reap(pid, mproc_clock() + STEP_PATIENCE, &crash)) {
        step_wrong(STRESS_HANG, "the witness does not end");
    }
}

/* ----------------------------------------------------------------- sleepers */

/* Whether a thread waits for a word: by itself, or because it was moved. */
static int
thread_waits(mproc__thread_t *thread, apr_uint64_t index, apr_uint64_t offset)
{
    apr_uint32_t state = atomic_load(&thread->waiting) & 3;

    return (atomic_load(&mproc__arena.header->parked[index / 64]) >>
                index % 64 &
            1) &&
           ((state == 1 && atomic_load(&thread->word[0]) == offset) ||
            (state == 3 && atomic_load(&thread->moves_to) == offset));
}

/* How many wait for a word; only those of a peer, unless it is 0. */
static int
sleepers(const volatile void *word, apr_uint64_t peer)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    apr_uint64_t offset = mproc__arena_offset(word);
    int count = 0;

    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        apr_uint64_t state = atomic_load(&thread->state);

        count +=
            (state & 1) &&
            (peer == 0 || (state >> 1 & APR_UINT64_C(0xfffffffff)) == peer) &&
            thread_waits(thread, i, offset);
    }
    return count;
}

static void
sleepers_await(const volatile void *word, apr_uint64_t peer, int count)
{
    apr_time_t deadline = mproc_clock() + STEP_PATIENCE;

    while (sleepers(word, peer) < count) {
        if (mproc_clock() > deadline) {
            step_wrong(STRESS_HANG, peer != 0
                                        ? "the witness does not come to wait"
                                        : "somebody does not come to wait");
            return;
        }
        apr_sleep(20);
    }
}

void
step_sleepers(const volatile void *word, int count)
{
    sleepers_await(word, 0, count);
}

void
witness_sleeps(const volatile void *word)
{
    sleepers_await(word, atomic_load(&witness->peer), 1);
}

int
witness_is_asleep(const volatile void *word)
{
    return sleepers(word, atomic_load(&witness->peer)) > 0;
}

void
witness_awaits(apr_status_t (*call)(step_stage_t *), const volatile void *gate,
               const volatile void *mutex)
{
    apr_time_t deadline = mproc_clock() + STEP_PATIENCE;

    witness_call(call);
    while (!witness_is_asleep(gate) && !witness_is_asleep(mutex)) {
        if (mproc_clock() > deadline) {
            step_wrong(STRESS_HANG, "the witness does not come to wait");
            return;
        }
        apr_sleep(20);
    }
}

/* --------------------------------------------------------------------- done */

int
witness_is_done(void)
{
    return atomic_load(&witness->done) >= orders;
}

apr_status_t
witness_result(void)
{
    apr_time_t start = mproc_clock(), deadline = start + 2 * STEP_PATIENCE;

    while (!witness_is_done()) {
        if (mproc_clock() > deadline) {
            step_wrong(STRESS_HANG, "the witness is stuck");
            system_group_show(system_pid());
            exit(1);
        }
        apr_sleep(20);
    }
    step_late(start, "the witness");
    slow += mproc_clock() - start > LOOKED_AROUND;
    return atomic_load(&witness->status);
}

apr_uint64_t
witness_slow(void)
{
    return slow;
}

void
witness_done(void)
{
    step_good("the witness", witness_result());
}
