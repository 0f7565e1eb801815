/*
 * ops_pipe_end.c: the ends of a pipe, killed at each instruction: made, passed
 * on, let go of, and the end that then comes to the other side.
 *
 * The victim is the last that has an end: the parent, which made it, lets go of
 * it when the victim stands ready. So whether the victim comes to letting go
 * itself or is killed before, the other side must come to its end, and whoever
 * waits there must be told at once.
 */
#include "pipes.h"

#include <mproc/error.h>
#include <mproc/process.h>

#include "../../lib/src/connection.h"
#include "../../lib/src/layout.h"
#include "../../lib/src/queue.h"
#include "../../lib/src/segment.h"
#include "items.h"

enum {
    BEGUN,
    DONE
}; /* marks */

#define BEFORE 3 /* messages that are in the pipe when the end goes */

/* A pipe of which one end goes through the other pipe. */
static mproc_connection_t *parcel_here, *parcel_there;

/* ---------------------------------------------------------- before and after
 */

static void
set_pipe(step_stage_t *stage)
{
    (void)stage;
    pipe_make();
}

static void
set_messages(step_stage_t *stage)
{
    set_pipe(stage);
    pipe_fill(pipe_here, BEFORE, PIPE_LARGE);
    pipe_fill(pipe_there, BEFORE, PIPE_LARGE);
    pipe_expect(APR_SUCCESS,
                mproc_connection_sendf(pipe_there, "o", stage->event),
                "a send of an object");
}

static void
set_full(step_stage_t *stage)
{
    set_pipe(stage);
    pipe_limit(1);
    pipe_fill(pipe_here, 1, PIPE_SMALL);
}

/* The victim has one end only. */
static void
ready_there(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_here);
}

static void
ready_here(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_there);
}

/* And the parent has not got it. */
static void
meet_last(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_there);
}

static void
check_end(step_stage_t *stage)
{
    (void)stage;
    pipe_expect_end(pipe_here);
    pipe_drop(&pipe_here);
}

/* Two messages are left, both numbered 1. */
static void
check_two(step_stage_t *stage)
{
    apr_uint64_t number;
    int i;

    for (i = 0; i < 2; i++) {
        pipe_expect(APR_SUCCESS, pipe_recv(pipe_here, &number), "a receive");
        if (number != 1) {
            queue_fault(STRESS_LOST, "there came", number);
        }
    }
    check_end(stage);
}

static void
check_messages(step_stage_t *stage)
{
    mproc_event_t *event;
    apr_uint64_t i, number;

    for (i = 1; i <= BEFORE; i++) {
        pipe_expect(APR_SUCCESS, pipe_recv(pipe_here, &number), "a receive");
        if (number != i) {
            queue_fault(STRESS_LOST, "there came", number);
        }
    }
    pipe_expect(APR_SUCCESS,
                mproc_connection_recvf(pipe_here, NULL, "o", &event),
                "a receive of an object");
    mproc_event_destroy(event);
    check_end(stage);
}

/* Nobody is left who could look: the census does. */
static void
meet_nobody(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_there);
    pipe_drop(&pipe_here);
}

/* ------------------------------------------------------ made, and let go of */

static void
run_create(step_stage_t *stage)
{
    mproc_connection_t *a, *b;

    (void)stage;
    if (mproc_pipe_create(&a, &b, 1, NULL) == APR_SUCCESS) {
        mproc_connection_destroy(b);
        mproc_connection_destroy(a);
    }
}

static void
run_close(step_stage_t *stage)
{
    (void)stage;
    mproc_connection_close(pipe_there);
}

static void
run_destroy(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_there);
}

static void
run_destroy_both(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_here);
    pipe_drop(&pipe_there);
}

/* ---------------------------------------------------------------- passed on */

static void
set_parcel(step_stage_t *stage)
{
    set_pipe(stage);
    parcel_here = pipe_here;
    parcel_there = pipe_there;
    pipe_make();
}

static void
meet_parcel(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&parcel_there);
}

static void
run_send_end(step_stage_t *stage)
{
    apr_status_t rv = mproc_connection_sendf(pipe_there, "o", parcel_there);

    pipe_drop(&parcel_there);
    if (rv == APR_SUCCESS) {
        step_mark(stage, DONE);
    }
}

/* The parent has got the end of the parcel, it works, and it is the only
 * one. */
static void
parcel_arrived(mproc_connection_t *end)
{
    apr_uint64_t number;

    pipe_expect(APR_TIMEUP, pipe_recv(parcel_here, &number), "a receive");
    pipe_expect(APR_SUCCESS, pipe_send(end, 1, PIPE_SMALL), "a send");
    pipe_expect(APR_SUCCESS, pipe_recv(parcel_here, &number), "a receive");
    mproc_connection_destroy(end);
}

/* In the pipe, or gone with the victim: then nobody need come to the pipe for
 * the end to be seen. */
static void
check_parcel(step_stage_t *stage)
{
    mproc_connection_t *end;
    apr_status_t rv;

    if (mproc_queue_size(pipe_here->in) == 0) {
        pipe_expect_end(parcel_here);
    }
    rv = mproc_connection_recvf(pipe_here, NULL, "o", &end);
    if (rv == APR_SUCCESS) {
        mproc_connection_set_timeout(end, MPROC_NOWAIT);
        parcel_arrived(end);
    }
    else if (!APR_STATUS_IS_TIMEUP(rv) || step_marked(stage) == DONE) {
        queue_fault(STRESS_LOST, "the end does not come, status",
                    (apr_uint64_t)rv);
    }
    pipe_expect_end(parcel_here);
    pipe_drop(&parcel_here);
    pipe_drop(&pipe_there);
    check_end(stage);
}

/* It is in the pipe only. */
static void
set_sent(step_stage_t *stage)
{
    set_parcel(stage);
    pipe_expect(APR_SUCCESS,
                mproc_connection_sendf(pipe_there, "o", parcel_there),
                "a send of an end");
    pipe_drop(&parcel_there);
}

static void
run_recv_end(step_stage_t *stage)
{
    mproc_connection_t *end;

    (void)stage;
    if (mproc_connection_recvf(pipe_here, NULL, "o", &end) == APR_SUCCESS) {
        pipe_send(end, PIPE_VICTIM, PIPE_SMALL);
        mproc_connection_destroy(end);
    }
}

/* The victim may have sent before it went. */
static void
check_sent(step_stage_t *stage)
{
    apr_uint64_t number;

    if (mproc_queue_size(parcel_here->in) > 0) {
        pipe_expect(APR_SUCCESS, pipe_recv(parcel_here, &number), "a receive");
        if (number != PIPE_VICTIM) {
            queue_fault(STRESS_LOST, "there came", number);
        }
    }
    check_parcel(stage);
}

/* It goes with the pipe, which nobody receives from any more. */
static void
meet_sent(step_stage_t *stage)
{
    (void)stage;
    pipe_drop(&pipe_there);
    pipe_drop(&pipe_here);
}

static void
check_lost(step_stage_t *stage)
{
    (void)stage;
    pipe_expect_end(parcel_here);
    pipe_drop(&parcel_here);
}

/* As the argument of a process that is never started. */
static int
nobody(mproc_bytes_t args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static void
run_argument(step_stage_t *stage)
{
    mproc_process_t *process;
    apr_status_t rv =
        mproc_process_create(&process, nobody, NULL, NULL, "o", pipe_there);

    (void)stage;
    pipe_drop(&pipe_there);
    if (rv == APR_SUCCESS) {
        mproc_process_close(process);
    }
}

/* --------------------------------------------------------- and another waits
 */

static void
receiver_meet(step_stage_t *stage)
{
    meet_last(stage);
    pipe_witness_recv(pipe_here, APR_EOF);
}

static void
sender_meet(step_stage_t *stage)
{
    meet_last(stage);
    pipe_witness_send(pipe_here, APR_EPIPE);
}

static void
waiter_check(step_stage_t *stage)
{
    witness_done();
    check_end(stage);
}

/* Who waits comes to that while the end goes; nobody dies. */
static void
run_slow_recv(step_stage_t *stage)
{
    apr_uint64_t number;

    (void)stage;
    mproc_connection_set_timeout(pipe_here, STEP_PATIENCE);
    pipe_expect(APR_EOF, pipe_recv(pipe_here, &number), "a receive");
}

static void
run_slow_send(step_stage_t *stage)
{
    (void)stage;
    mproc_connection_set_timeout(pipe_here, STEP_PATIENCE);
    pipe_expect(APR_EPIPE, pipe_send(pipe_here, PIPE_VICTIM, PIPE_SMALL),
                "a send");
}

static void
run_slow_poll(step_stage_t *stage)
{
    (void)stage;
    pipe_expect(APR_SUCCESS, mproc_connection_poll(pipe_here, STEP_PATIENCE),
                "a poll");
}

/* Who had the end died; who recovers that dies, too. */
static void
die_with_end(void *baton)
{
    (void)baton;
    mproc__actor();
    pipe_drop(&pipe_here);
}

static void
set_dead(step_stage_t *stage)
{
    set_pipe(stage);
    stage->dead = step_dead_child(die_with_end, stage);
    pipe_drop(&pipe_there);
}

/* Who died was about to publish a message with the last parcel. */
static void
die_in_send(void *baton)
{
    mproc_object_t *ring = &pipe_there->out->object;
    mproc__ring_end_t *tail = &mproc__queue_ring(pipe_there->out)->tail;
    mproc__thread_t *thread = mproc__thread_self();
    mproc__hold_t *hold = mproc__hold_new();
    apr_array_header_t *objects = apr_array_make(((step_stage_t *)baton)->pool,
                                                 1, sizeof(mproc__handle_t));
    mproc__intent_t *intent;
    _Atomic apr_uint64_t *record;
    void *data;

    APR_ARRAY_PUSH(objects, mproc__handle_t) = parcel_there->object.handle;
    if (mproc__ring_lock_tail(&pipe_there->out->use, "stress") != APR_SUCCESS ||
        mproc__box_make(hold, PIPE_LARGE, objects, &data) != APR_SUCCESS) {
        return;
    }
    record = mproc__arena_at(
        mproc__hold_handle(&mproc__queue_ring(pipe_there->out)->segment[0]));
    record += atomic_load(&tail->place) / sizeof *record;
    atomic_store(record, RECORD(RECORD_BOX, sizeof(mproc__hold_t)));
    intent = mproc__intent_begin(thread);
    intent->hold = mproc__arena_offset(record + 1);
    atomic_store(&intent->handle, ring->handle);
    atomic_store(&intent->first, atomic_load(&tail->place) + RECORD_BOX_ROOM);
    atomic_store(&intent->op, MPROC__OP_PUT);
    mproc__arena_hold(record + 1, mproc__hold_handle(hold));
}

static void
set_dead_parcel(step_stage_t *stage)
{
    set_parcel(stage);
    pipe_fill(pipe_there, 1, PIPE_SMALL);
    stage->dead = step_dead_child(die_in_send, stage);
    pipe_drop(&parcel_there);
}

/* Nobody has come to the pipe since. */
static void
check_dead_parcel(step_stage_t *stage)
{
    pipe_expect_end(parcel_here);
    pipe_drop(&parcel_here);
    pipe_fill(pipe_there, 1, PIPE_LARGE);
    pipe_drop(&pipe_there);
    check_two(stage);
}

static void
heir_meet(step_stage_t *stage)
{
    (void)stage;
    pipe_witness_recv(pipe_here, APR_EOF);
}

static void
run_recover(step_stage_t *stage)
{
    mproc__peers_ended(stage->dead);
}

static const step_operation_t create = {.run = run_create},
                              close_end = {.set = set_messages,
                                           .ready = ready_there,
                                           .meet = meet_last,
                                           .run = run_close,
                                           .check = check_messages},
                              destroy = {.set = set_messages,
                                         .ready = ready_there,
                                         .meet = meet_last,
                                         .run = run_destroy,
                                         .check = check_messages},
                              destroy_both = {.set = set_messages,
                                              .meet = meet_nobody,
                                              .run = run_destroy_both},
                              send_end = {.set = set_parcel,
                                          .meet = meet_parcel,
                                          .run = run_send_end,
                                          .check = check_parcel},
                              recv_end = {.set = set_sent,
                                          .run = run_recv_end,
                                          .check = check_sent},
                              lose_end = {.set = set_sent,
                                          .meet = meet_sent,
                                          .run = run_destroy_both,
                                          .check = check_lost},
                              argument = {.set = set_pipe,
                                          .ready = ready_there,
                                          .meet = meet_last,
                                          .run = run_argument,
                                          .check = check_end},
                              receiver = {.set = set_pipe,
                                          .ready = ready_there,
                                          .meet = receiver_meet,
                                          .run = run_close,
                                          .check = waiter_check,
                                          .witness = 1},
                              sender = {.set = set_full,
                                        .ready = ready_there,
                                        .meet = sender_meet,
                                        .run = run_close,
                                        .check = waiter_check,
                                        .witness = 1},
                              heir = {.set = set_dead,
                                      .meet = heir_meet,
                                      .run = run_recover,
                                      .check = waiter_check,
                                      .witness = 1},
                              heir_parcel = {.set = set_dead_parcel,
                                             .run = run_recover,
                                             .check = check_dead_parcel},
                              slow_recv = {.set = set_pipe,
                                           .ready = ready_here,
                                           .run = run_slow_recv,
                                           .strike = meet_last,
                                           .check = check_end,
                                           .resume = 1},
                              slow_send = {.set = set_full,
                                           .ready = ready_here,
                                           .run = run_slow_send,
                                           .strike = meet_last,
                                           .check = check_end,
                                           .resume = 1},
                              slow_poll = {.set = set_pipe,
                                           .ready = ready_here,
                                           .run = run_slow_poll,
                                           .strike = meet_last,
                                           .check = check_end,
                                           .resume = 1};

const stress_scenario_t stress_pipe_end_scenarios[] = {
    {"pipe-create", "and destroyed", step_run, &create},
    {"pipe-close", "the last, with messages", step_run, &close_end},
    {"pipe-destroy", "the same, for good", step_run, &destroy},
    {"pipe-destroy-both", "both ends, with messages", step_run, &destroy_both},
    {"pipe-send-end", "an end goes through a pipe", step_run, &send_end},
    {"pipe-recv-end", "and is received", step_run, &recv_end},
    {"pipe-lose-end", "or goes with the pipe", step_run, &lose_end},
    {"pipe-argument", "an end is passed to a process", step_run, &argument},
    {"pipe-end-recv", "the last goes while the witness receives", step_run,
     &receiver},
    {"pipe-end-send", "the same, while it waits to send", step_run, &sender},
    {"pipe-heir", "who recovers the last one dies; the witness receives",
     step_run, &heir},
    {"pipe-heir-end", "who recovers one that was sending an end dies", step_run,
     &heir_parcel},
    {"slow-pipe-recv", "the last goes while one comes to receive", step_run,
     &slow_recv},
    {"slow-pipe-send", "the same, while one comes to send", step_run,
     &slow_send},
    {"slow-pipe-poll-end", "the same, while one comes to poll", step_run,
     &slow_poll},
    {NULL, NULL, NULL, NULL}};
