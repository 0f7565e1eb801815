/*
 * ops_pipe.c: messages through a pipe, killed at each instruction.
 *
 * Each kill has a pipe of its own. The parent has both ends, and so has the
 * victim: what is in the pipe then must be whole, in order, and each message
 * there once, but for the one that the victim was at; and when the parent
 * lets go of one end, the other comes to its end.
 */
#include "items.h"
#include "pipes.h"

#include <mproc/error.h>

#include "../../lib/src/connection.h"
#include "../../lib/src/queue.h"

enum {
    BEGUN,
    DONE
}; /* marks */

#define MANY 1000 /* messages fit, as usual */

static apr_uint64_t last; /* messages that were sent before */

/* ---------------------------------------------------------- before and after
 */

static void
set_some(step_stage_t *stage)
{
    (void)stage;
    pipe_make();
    last = 3;
    pipe_fill(pipe_there, last, PIPE_SMALL);
}

static void
set_large(step_stage_t *stage)
{
    (void)stage;
    pipe_make();
    last = 3;
    pipe_fill(pipe_there, last, PIPE_LARGE);
}

static void
set_empty(step_stage_t *stage)
{
    (void)stage;
    pipe_make();
    last = 0;
}

static void
set_full(step_stage_t *stage)
{
    (void)stage;
    pipe_make();
    pipe_limit(1);
    last = 1;
    pipe_fill(pipe_there, last, PIPE_SMALL);
}

static void
set_objects(step_stage_t *stage)
{
    set_empty(stage);
    for (; last < 2; last++) {
        pipe_expect(APR_SUCCESS,
                    mproc_connection_sendf(pipe_there, "[o i]", stage->event,
                                           (int)last + 1),
                    "a send of an object");
    }
}

/* The next number that comes out of an end. */
static void
expect_number(mproc_connection_t *end, apr_uint64_t want)
{
    apr_uint64_t number;

    pipe_expect(APR_SUCCESS, pipe_recv(end, &number), "a receive");
    if (number != want) {
        queue_fault(STRESS_LOST, "there came", number);
    }
}

/* Both ways are good for more; then the end comes. */
static void
pipe_finish(void)
{
    apr_uint64_t i;

    for (i = 1; i <= 5; i++) {
        apr_size_t size = i % 2 == 0 ? PIPE_LARGE : PIPE_SMALL;

        pipe_expect(APR_SUCCESS, pipe_send(pipe_here, i, size), "a send back");
        pipe_expect(APR_SUCCESS, pipe_send(pipe_there, i, size), "a send");
        expect_number(pipe_there, i);
        expect_number(pipe_here, i);
    }
    pipe_drop(&pipe_there);
    pipe_expect_end(pipe_here);
    pipe_drop(&pipe_here);
}

/* All that were sent before, but for the first `taken`; then what the victim
 * sent, if it did. */
static void
check_messages(apr_uint64_t taken, int sent)
{
    apr_uint64_t next, number;

    for (next = taken + 1; next <= last; next++) {
        expect_number(pipe_here, next);
    }
    if (sent) {
        expect_number(pipe_here, PIPE_VICTIM);
    }
    pipe_expect(APR_TIMEUP, pipe_recv(pipe_here, &number), "the last receive");
    pipe_finish();
}

/* How many are in it; what the victim has said must be so. */
static apr_size_t
size_check(step_stage_t *stage, apr_uint64_t done)
{
    apr_size_t size = mproc_queue_size(pipe_here->in);

    if (step_marked(stage) == DONE && size != done) {
        queue_fault(STRESS_LOST, "after it was done its size is", size);
    }
    return size;
}

/* The victim has sent, or not. */
static void
check_sent(step_stage_t *stage)
{
    check_messages(0, size_check(stage, last + 1) > last);
}

/* The victim has received the first, or not. */
static void
check_received(step_stage_t *stage)
{
    check_messages(size_check(stage, last - 1) < last, 0);
}

/* It has only looked. */
static void
check_all(step_stage_t *stage)
{
    (void)stage;
    check_messages(0, 0);
}

static void
check_objects(step_stage_t *stage)
{
    apr_size_t left = mproc_queue_size(pipe_here->in);
    mproc_event_t *event;
    int number;

    (void)stage;
    for (; left > 0; left--) {
        pipe_expect(
            APR_SUCCESS,
            mproc_connection_recvf(pipe_here, NULL, "[o i]", &event, &number),
            "a receive of an object");
        mproc_event_destroy(event);
    }
    pipe_finish();
}

/* ---------------------------------------------------------------- the victim
 */

static void
run_send(step_stage_t *stage)
{
    if (pipe_send(pipe_there, PIPE_VICTIM, PIPE_SMALL) == APR_SUCCESS) {
        step_mark(stage, DONE);
    }
}

static void
run_send_large(step_stage_t *stage)
{
    if (pipe_send(pipe_there, PIPE_VICTIM, PIPE_LARGE) == APR_SUCCESS) {
        step_mark(stage, DONE);
    }
}

static void
run_send_object(step_stage_t *stage)
{
    mproc_connection_sendf(pipe_there, "[o i]", stage->event, 9);
}

static void
run_recv_into(step_stage_t *stage)
{
    char data[ITEM_MOST];
    apr_size_t size;

    if (mproc_connection_recv_into(pipe_here, data, sizeof data, &size) ==
        APR_SUCCESS) {
        step_mark(stage, DONE);
    }
}

static void
run_recv(step_stage_t *stage)
{
    mproc_bytes_t message;

    if (mproc_connection_recv(pipe_here, &message, stage->pool) ==
        APR_SUCCESS) {
        step_mark(stage, DONE);
    }
}

static void
run_recv_object(step_stage_t *stage)
{
    mproc_event_t *event;
    int number;

    (void)stage;
    if (mproc_connection_recvf(pipe_here, NULL, "[o i]", &event, &number) ==
        APR_SUCCESS) {
        mproc_event_destroy(event);
    }
}

/* The first is too long: dropped, it counts as received. */
static void
run_limit(step_stage_t *stage)
{
    char data[ITEM_MOST];
    apr_size_t size;

    mproc_connection_set_limit(pipe_here, PIPE_SMALL);
    if (mproc_connection_recv_into(pipe_here, data, sizeof data, &size) ==
        MPROC_ETOOBIG) {
        step_mark(stage, DONE);
    }
}

/* The buffer is too small: it stays. */
static void
run_too_small(step_stage_t *stage)
{
    char buffer[PIPE_SMALL];
    apr_size_t size;

    (void)stage;
    mproc_connection_recv_into(pipe_here, buffer, sizeof buffer, &size);
}

static void
run_poll(step_stage_t *stage)
{
    (void)stage;
    mproc_connection_poll(pipe_here, MPROC_NOWAIT);
}

static void
run_recv_wait(step_stage_t *stage)
{
    mproc_connection_set_timeout(pipe_here, STEP_SHORT);
    run_recv_into(stage);
}

static void
run_poll_wait(step_stage_t *stage)
{
    (void)stage;
    mproc_connection_poll(pipe_here, STEP_SHORT);
}

static void
run_send_wait(step_stage_t *stage)
{
    mproc_connection_set_timeout(pipe_there, STEP_SHORT);
    run_send(stage);
}

/* ------------------------------------------------------- and another waits */

static void
receiver_meet(step_stage_t *stage)
{
    (void)stage;
    pipe_witness_recv(pipe_here, APR_SUCCESS);
}

/* It was for one of both. */
static void
receiver_strike(step_stage_t *stage)
{
    receiver_meet(stage);
    pipe_fill(pipe_there, 1, PIPE_SMALL);
}

/* What the victim sent, or else what is sent now, goes to the witness. */
static void
receiver_check(step_stage_t *stage)
{
    (void)stage;
    if (mproc__ring_count(&mproc__queue_ring(pipe_here->in)->tail) == 0) {
        pipe_fill(pipe_there, 1, PIPE_SMALL);
    }
    witness_done();
    pipe_finish();
}

static void
sender_meet(step_stage_t *stage)
{
    (void)stage;
    pipe_witness_send(pipe_there, APR_SUCCESS);
}

static void
sender_strike(step_stage_t *stage)
{
    sender_meet(stage);
    expect_number(pipe_here, 1);
}

static void
sender_check(step_stage_t *stage)
{
    mproc__ring_t *ring = mproc__queue_ring(pipe_here->in);

    (void)stage;
    if (mproc__ring_count(&ring->head) == 0) {
        expect_number(pipe_here, 1);
    }
    witness_done();
    expect_number(pipe_here, PIPE_WITNESS);
    pipe_limit(MANY);
    pipe_finish();
}

/* The victim polls on, and lives: what it leaves goes to the witness. */
static void
poller_alive(step_stage_t *stage)
{
    (void)stage;
    witness_done();
}

static void
poller_check(step_stage_t *stage)
{
    (void)stage;
    pipe_finish();
}

static const step_operation_t
    send_small = {.set = set_some, .run = run_send, .check = check_sent},
    send_first = {.set = set_empty, .run = run_send, .check = check_sent},
    send_large = {.set = set_some, .run = run_send_large, .check = check_sent},
    send_object = {.set = set_objects,
                   .run = run_send_object,
                   .check = check_objects},
    recv_small = {.set = set_some, .run = run_recv, .check = check_received},
    recv_large = {.set = set_large, .run = run_recv, .check = check_received},
    recv_into = {.set = set_some,
                 .run = run_recv_into,
                 .check = check_received},
    recv_into_large = {.set = set_large,
                       .run = run_recv_into,
                       .check = check_received},
    recv_object = {.set = set_objects,
                   .run = run_recv_object,
                   .check = check_objects},
    limit = {.set = set_large, .run = run_limit, .check = check_received},
    too_small = {.set = set_large, .run = run_too_small, .check = check_all},
    poll_once = {.set = set_some, .run = run_poll, .check = check_all},
    receiver = {.set = set_empty,
                .meet = receiver_meet,
                .run = run_send,
                .check = receiver_check,
                .witness = 1},
    receiver_given = {.set = set_empty,
                      .run = run_recv_wait,
                      .strike = receiver_strike,
                      .check = receiver_check,
                      .witness = 1},
    poller_given = {.set = set_empty,
                    .run = run_poll_wait,
                    .strike = receiver_strike,
                    .check = receiver_check,
                    .witness = 1},
    sender = {.set = set_full,
              .meet = sender_meet,
              .run = run_recv_into,
              .check = sender_check,
              .witness = 1},
    sender_given = {.set = set_full,
                    .run = run_send_wait,
                    .strike = sender_strike,
                    .check = sender_check,
                    .witness = 1},
    poller = {.set = set_empty,
              .run = run_poll_wait,
              .strike = receiver_strike,
              .alive = poller_alive,
              .check = poller_check,
              .witness = 1};

const stress_scenario_t stress_pipe_scenarios[] = {
    {"pipe-send", "a small message", step_run, &send_small},
    {"pipe-send-first", "the first ever", step_run, &send_first},
    {"pipe-send-large", "in a block of its own", step_run, &send_large},
    {"pipe-send-object", "it names an object", step_run, &send_object},
    {"pipe-recv", "a small message", step_run, &recv_small},
    {"pipe-recv-large", "from a block of its own", step_run, &recv_large},
    {"pipe-recv-into", "to a buffer", step_run, &recv_into},
    {"pipe-recv-into-large", "the same, from a block", step_run,
     &recv_into_large},
    {"pipe-recv-object", "it names an object", step_run, &recv_object},
    {"pipe-limit", "a message beyond the limit is dropped", step_run, &limit},
    {"pipe-too-small", "a buffer that is too small", step_run, &too_small},
    {"pipe-poll", "a look takes nothing", step_run, &poll_once},
    {"pipe-receiver", "sent while the witness waits", step_run, &receiver},
    {"pipe-receiver-given", "received too late, beside the witness", step_run,
     &receiver_given},
    {"pipe-poller-given", "polled too late, beside the witness", step_run,
     &poller_given},
    {"pipe-sender", "received while the witness waits to send", step_run,
     &sender},
    {"pipe-sender-given", "sent too late, beside the witness", step_run,
     &sender_given},
    {"slow-pipe-poll", "who polls lives on, the witness receives", step_run,
     &poller},
    {NULL, NULL, NULL, NULL}};
