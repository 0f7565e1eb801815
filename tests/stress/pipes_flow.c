/*
 * pipes_flow.c: processes that talk through pipes and pass their ends on, and
 * somebody who kills them.
 *
 * Each end of a pipe, a line, is one process's at a time; it does with it for a
 * while, then lets go of it, or passes it on through the post, a queue that all
 * have. Whoever is killed has one end at most, besides that of a line which it
 * just began. What must be true is kept outside of the arena: which message
 * was begun, sent and received, and who has an end. In eras: after each, all
 * are killed, and what is in the post is looked through: then every receiving
 * end must come to its end.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_time.h>

#include <mproc/connection.h>
#include <mproc/error.h>
#include <mproc/queue.h>
#include <mproc/wait.h>

#include "../../lib/src/connection.h"
#include "../../lib/src/peers.h"
#include "../../lib/src/queue.h"
#include "system.h"

#define WORKERS 6
#define LINES 4096   /* of an era */
#define NUMBERS 1024 /* messages of each */
#define ERA 100      /* kills */
#define TURN 40      /* messages at most until an end is passed on */
#define WAITING 8    /* ends in the post; more than that, and none is made */
#define FEW 4        /* messages that are under way */
#define MOST 9000    /* bytes of a message; large ones are boxes */
#define SOON 3000    /* microseconds until an end is passed on */
#define PATIENCE (10 * APR_USEC_PER_SEC)
#define LATE (5 * APR_USEC_PER_SEC)

/* Which end, and of whose. */
enum {
    SENDS,
    RECEIVES,
    WAYS
};

typedef struct line_t {
    _Atomic apr_uint64_t holder[WAYS]; /* a worker's name, 0: nobody's now */
    _Atomic apr_uint64_t begun;        /* messages */
    _Atomic apr_uint64_t next;         /* to be received */
    _Atomic apr_uint64_t taking;       /* who receive; more: who were killed */
    _Atomic unsigned char sent[NUMBERS], received[NUMBERS];
} line_t;

typedef struct oracle_t {
    line_t line[LINES];
    _Atomic apr_uint64_t lines;         /* given out */
    _Atomic apr_uint64_t name[WORKERS]; /* of who lives */
    _Atomic apr_uint64_t began[WORKERS];
    _Atomic apr_uint64_t messages, passed, ends, broken, missing;
} oracle_t;

typedef struct message_t {
    apr_uint64_t line, number, size;
    unsigned char data[MOST];
} message_t;

#define HEAD offsetof(message_t, data)

static oracle_t *oracle;
static mproc_queue_t *post;
static apr_pool_t *own_pool;
static int self;
static apr_uint64_t draw, own_name;

/* -------------------------------------------------------------------- lines */

static void
end_is_ours(apr_uint64_t line, int way, int ours)
{
    atomic_store(&oracle->line[line].holder[way], ours ? own_name : 0);
}

/* Whether a worker that lives has an end. */
static int
end_is_held(apr_uint64_t line, int way)
{
    apr_uint64_t holder = atomic_load(&oracle->line[line].holder[way]);
    int i;

    for (i = 0; holder != 0 && i < WORKERS; i++) {
        if (atomic_load(&oracle->name[i]) == holder) {
            return 1;
        }
    }
    return 0;
}

static void
status_fault(apr_status_t rv, const char *what)
{
    stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                 "pipes, worker %d: %s gave status %d, %s", self, what, rv,
                 mproc_error_detail());
}

/* Pass an end on, or let go of it. */
static void
end_pass(mproc_connection_t *end, apr_uint64_t line, int way)
{
    apr_status_t rv;

    end_is_ours(line, way, 0);
    rv = mproc_queue_putf(post, PATIENCE, "[o U i]", end, line, way);
    if (rv != APR_SUCCESS) {
        status_fault(rv, "passing an end on");
    }
    atomic_fetch_add(&oracle->passed, 1);
    mproc_connection_destroy(end);
}

static void
end_close(mproc_connection_t *end, apr_uint64_t line, int way)
{
    end_is_ours(line, way, 0);
    if (stress_below(&draw, 2) == 0) {
        mproc_connection_close(end);
    }
    mproc_connection_destroy(end);
}

/* --------------------------------------------------------------- to be sent */

static apr_status_t
message_send(mproc_connection_t *end, apr_uint64_t line, apr_uint64_t number)
{
    static message_t message;
    apr_size_t size =
        stress_below(&draw, stress_below(&draw, 5) == 0 ? MOST : 64);

    message.line = line;
    message.number = number;
    message.size = size;
    memset(message.data, (int)(line + number), size);
    return mproc_connection_send(end, (mproc_bytes_t){&message, HEAD + size});
}

static void
line_send(mproc_connection_t *end, apr_uint64_t l)
{
    line_t *line = &oracle->line[l];
    apr_uint64_t turn = stress_below(&draw, TURN), number;
    apr_status_t rv = APR_SUCCESS;

    /* What was begun by somebody who died may have been sent. */
    number = atomic_load(&line->begun);
    mproc_connection_set_timeout(end, SOON);
    for (; turn > 0 && number < NUMBERS && rv == APR_SUCCESS; turn--) {
        atomic_store(&line->begun, number + 1);
        rv = message_send(end, l, number);
        if (rv == APR_SUCCESS) {
            atomic_store(&line->sent[number++], 1);
        }
        else {
            atomic_store(&line->begun, number);
        }
    }
    if (rv == APR_EPIPE) {
        if (end_is_held(l, RECEIVES)) {
            stress_fault(STRESS_LOST, "pipes: a broken pipe, and somebody has "
                                      "the other end");
        }
        atomic_fetch_add(&oracle->broken, 1);
        end_close(end, l, SENDS);
    }
    else if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) {
        status_fault(rv, "a send");
    }
    else if (number == NUMBERS || stress_below(&draw, 4) == 0) {
        end_close(end, l, SENDS);
    }
    else {
        end_pass(end, l, SENDS);
    }
}

static void
line_begin(void)
{
    mproc_connection_t *in, *out;
    apr_uint64_t line = atomic_fetch_add(&oracle->lines, 1);
    apr_status_t rv;

    if (line >= LINES) {
        return;
    }
    rv = mproc_pipe_create(&in, &out, (int)stress_below(&draw, 2), NULL);
    if (rv != APR_SUCCESS) {
        status_fault(rv, "a creation");
        return;
    }
    mproc__queue_ring(in->in)->maxsize = FEW;
    end_is_ours(line, SENDS, 1);
    end_is_ours(line, RECEIVES, 1);
    end_pass(in, line, RECEIVES);
    line_send(out, line);
}

/* ----------------------------------------------------------- to be received */

/* Whole, in order, not received before. */
static void
message_note(const message_t *message, apr_size_t size, apr_uint64_t l)
{
    line_t *line = &oracle->line[l];
    apr_size_t i = 0;

    if (size >= HEAD && size == HEAD + message->size) {
        while (i < message->size &&
               message->data[i] ==
                   (unsigned char)(message->line + message->number)) {
            i++;
        }
    }
    if (size < HEAD || i != message->size || message->line != l ||
        message->number >= atomic_load(&line->begun)) {
        stress_fault(STRESS_TORN, "pipes: a message of %d bytes is torn",
                     (int)size);
        return;
    }
    if (message->number < atomic_load(&line->next)) {
        stress_fault(STRESS_TORN, "pipes: a message comes too late, or twice");
    }
    atomic_store(&line->received[message->number], 1);
    atomic_store(&line->next, message->number + 1);
    atomic_fetch_add(&oracle->messages, 1);
}

/* The end has come: what was sent was received, but for what those had in hand
 * who were killed as they received: one each at most. */
static void
line_ended(apr_uint64_t l)
{
    line_t *line = &oracle->line[l];
    apr_uint64_t n, missing = 0;

    if (end_is_held(l, SENDS)) {
        stress_fault(STRESS_LOST, "pipes: an end, and somebody has the other");
    }
    for (n = 0; n < atomic_load(&line->begun); n++) {
        missing +=
            atomic_load(&line->sent[n]) && !atomic_load(&line->received[n]);
    }
    if (missing > atomic_load(&line->taking)) {
        stress_fault(STRESS_LOST,
                     "pipes: %" PRIu64 " messages were sent and not received",
                     (uint64_t)missing);
    }
    atomic_fetch_add(&oracle->missing, missing);
    atomic_fetch_add(&oracle->ends, 1);
}

/* To a buffer, or not; having polled, or waited, or not. */
static apr_status_t
message_receive(mproc_connection_t *end, apr_uint64_t line, apr_pool_t *pool)
{
    static message_t message;
    mproc_bytes_t bytes = {&message, 0};
    mproc_waitable_t item = {.kind = MPROC_WAIT_CONNECTION, .object = end};
    apr_status_t rv = APR_SUCCESS;

    switch (stress_below(&draw, 4)) {
    case 0:
        rv = mproc_connection_poll(end, SOON);
        break;
    case 1:
        rv = mproc_wait(&item, 1, SOON, NULL);
        break;
    default:
        break;
    }
    if (rv == APR_SUCCESS) {
        rv = stress_below(&draw, 2) == 0
                 ? mproc_connection_recv(end, &bytes, pool)
                 : mproc_connection_recv_into(end, &message, sizeof message,
                                              &bytes.size);
    }
    if (rv == APR_SUCCESS) {
        message_note(bytes.data, bytes.size, line);
    }
    return rv;
}

static void
line_receive(mproc_connection_t *end, apr_uint64_t line, apr_pool_t *pool)
{
    apr_uint64_t turn = stress_below(&draw, TURN);
    apr_status_t rv = APR_SUCCESS;

    mproc_connection_set_timeout(end, SOON);
    for (; turn > 0 && rv == APR_SUCCESS; turn--) {
        atomic_fetch_add(&oracle->line[line].taking, 1);
        rv = message_receive(end, line, pool);
        atomic_fetch_sub(&oracle->line[line].taking, 1);
    }
    if (APR_STATUS_IS_EOF(rv)) {
        line_ended(line);
        end_close(end, line, RECEIVES);
    }
    else if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) {
        status_fault(rv, "a receive");
    }
    else if (stress_below(&draw, 50) == 0) {
        end_close(end, line, RECEIVES);
    }
    else {
        end_pass(end, line, RECEIVES);
    }
}

/* ------------------------------------------------------------------ workers */

static void
post_look(apr_pool_t *pool)
{
    mproc_connection_t *end;
    apr_uint64_t line;
    int way;
    apr_status_t rv =
        mproc_queue_getf(post, SOON, pool, "[o U i]", &end, &line, &way);

    if (rv == APR_SUCCESS) {
        end_is_ours(line, way, 1);
        if (way == SENDS) {
            line_send(end, line);
        }
        else {
            line_receive(end, line, pool);
        }
    }
    else if (!APR_STATUS_IS_TIMEUP(rv)) {
        status_fault(rv, "a get from the post");
    }
}

typedef struct worker_t {
    int index;
    apr_uint64_t name, draw;
} worker_t;

static void
worker_main(void *baton)
{
    const worker_t *given = baton;

    self = given->index;
    own_name = given->name;
    draw = given->draw;
    apr_pool_create(&own_pool, NULL);
    for (;;) {
        atomic_store(&oracle->began[self], (apr_uint64_t)mproc_clock());
        if (stress_below(&draw, 3) == 0 && mproc_queue_size(post) < WAITING) {
            line_begin();
        }
        else {
            post_look(own_pool);
        }
        apr_pool_clear(own_pool);
        atomic_store(&oracle->began[self], 0);
    }
}

/* ------------------------------------------------------------------- killer */

static struct {
    apr_int64_t pid[WORKERS];
    apr_uint64_t draw, names;
} killer;

static void
worker_start(int index)
{
    worker_t worker = {index, ++killer.names, stress_random(&killer.draw)};

    atomic_store(&oracle->began[index], 0);
    atomic_store(&oracle->name[index], worker.name);
    killer.pid[index] = system_fork(worker_main, &worker);
}

static void
worker_end(int index, int tell)
{
    int crash;

    atomic_store(&oracle->name[index], 0);
    system_kill(killer.pid[index]);
    if (!system_reap(killer.pid[index], mproc_clock() + PATIENCE, &crash)) {
        stress_fault(STRESS_HANG, "pipes: worker %d cannot be killed", index);
    }
    else if (crash != 9) {
        stress_fault(STRESS_TORN, "pipes: worker %d ended by itself, signal %d",
                     index, crash);
    }
    if (tell) {
        mproc__peers_ended(killer.pid[index]);
    }
    atomic_fetch_add(&stress_board->kills, 1);
}

static void
workers_look(void)
{
    apr_time_t now = mproc_clock();
    int i;

    for (i = 0; i < WORKERS; i++) {
        apr_uint64_t began = atomic_load(&oracle->began[i]);
        if (began != 0 && now - (apr_time_t)began > LATE) {
            stress_fault(STRESS_HANG, "pipes: worker %d is at it for %d ms", i,
                         (int)((now - (apr_time_t)began) / 1000));
            system_group_show(system_pid());
            return;
        }
    }
}

/* Nobody is left: ends that are in the post are all there are. Those that send
 * go first; then each that receives must come to its end. */
static void
post_empty(void)
{
    static mproc_connection_t *end[LINES];
    static apr_uint64_t line[LINES];
    apr_pool_t *pool;
    apr_status_t rv;
    int way, count = 0, i;

    apr_pool_create(&pool, NULL);
    while (count < LINES &&
           (rv = mproc_queue_getf(post, MPROC_NOWAIT, pool, "[o U i]",
                                  &end[count], &line[count], &way)) ==
               APR_SUCCESS) {
        if (way == SENDS) {
            mproc_connection_destroy(end[count]);
        }
        else {
            count++;
        }
    }
    if (!APR_STATUS_IS_TIMEUP(rv)) {
        status_fault(rv, "looking through the post");
    }
    for (i = 0; i < count; i++) {
        mproc_connection_set_timeout(end[i], MPROC_NOWAIT);
        while ((rv = message_receive(end[i], line[i], pool)) == APR_SUCCESS) {
        }
        if (!APR_STATUS_IS_EOF(rv)) {
            stress_fault(STRESS_HANG,
                         "pipes: nobody is left, and no end comes: status %d",
                         rv);
        }
        line_ended(line[i]);
        mproc_connection_destroy(end[i]);
    }
    apr_pool_destroy(pool);
}

static void
era_run(const char *name, apr_uint64_t kills)
{
    apr_uint64_t i;
    int k;

    memset((void *)oracle->line, 0, sizeof oracle->line);
    atomic_store(&oracle->lines, 0);
    if (mproc_queue_create(&post, 0, NULL) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "pipes: no queue");
        return;
    }
    for (k = 0; k < WORKERS; k++) {
        worker_start(k);
    }
    for (i = 0; i < kills && stress_faults() == 0; i++) {
        int victim = (int)stress_below(&killer.draw, WORKERS);

        stress_beat("%s: kill %" PRIu64, name, (uint64_t)i);
        apr_sleep((apr_interval_time_t)stress_below(&killer.draw, 4000));
        workers_look();
        worker_end(victim, stress_below(&killer.draw, 2) == 0);
        worker_start(victim);
    }
    for (k = 0; k < WORKERS; k++) {
        worker_end(k, (int)stress_below(&killer.draw, 2));
    }
    for (k = 0; k < 3; k++) { /* At most once in 100 ms. */
        apr_sleep(110 * 1000);
        mproc__peers_look_around();
    }
    post_empty();
    mproc_queue_destroy(post);
}

void
stress_pipes_run(const stress_scenario_t *scenario)
{
    apr_time_t start = mproc_clock();
    mproc_census_t before, after;
    apr_uint64_t done = 0;

    oracle = system_share(sizeof *oracle);
    killer.draw = stress_options.seed;
    era_run(scenario->name, 1); /* What is made once is made now. */
    stress_census_begin(&before);
    while (done < stress_options.kills && stress_faults() == 0) {
        era_run(scenario->name, ERA);
        done += ERA;
        mproc_census(&after);
        if (stress_census_compare(&before, &after) != 0) {
            stress_fault(STRESS_LEAKED, "%s: after an era", scenario->name);
        }
        if (stress_arena_check() != 0) {
            stress_fault(STRESS_TORN, "%s: after an era", scenario->name);
        }
    }
    printf("%-18s %6" PRIu64 " messages, ends passed on %" PRIu64
           " times, %" PRIu64 " came to their end, %" PRIu64 " broke, %" PRIu64
           " lost in the hands of the dead, %" PRIu64 " rescues, %.1f s\n",
           scenario->name, (uint64_t)atomic_load(&oracle->messages),
           (uint64_t)atomic_load(&oracle->passed),
           (uint64_t)atomic_load(&oracle->ends),
           (uint64_t)atomic_load(&oracle->broken),
           (uint64_t)atomic_load(&oracle->missing),
           (uint64_t)(after.rescues - before.rescues),
           (double)(mproc_clock() - start) / 1e6);
}
