/*
 * flow.c: producers and consumers of queues, and somebody who kills them.
 *
 * What must be true is kept outside of the arena: what each producer began to
 * put and had put, and what was got. In eras: after each, all are killed, what
 * is left in the queues is got, and the sum is made.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_time.h>

#include <mproc/error.h>
#include <mproc/event.h>
#include <mproc/queue.h>

#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"
#include "../../lib/src/queue.h"
#include "system.h"

#define PRODUCERS 3
#define CONSUMERS 3
#define WORKERS (PRODUCERS + CONSUMERS)
#define QUEUES 3     /* without a limit, with one, at least once */
#define AGAIN 2      /* the latter */
#define LINES 1024   /* producers of an era */
#define NUMBERS 4096 /* items of each */
#define ERA 100      /* kills */
#define MANY 3
#define MOST 20000 /* bytes of an item */
#define BACKLOG 500
#define PATIENCE (10 * APR_USEC_PER_SEC)
#define LATE (5 * APR_USEC_PER_SEC)

/* What one producer has done. */
typedef struct line_t {
    _Atomic apr_uint64_t begun, put;
    _Atomic unsigned char got[NUMBERS];
    unsigned char queue[NUMBERS]; /* where it was put last */
} line_t;

typedef struct oracle_t {
    line_t line[LINES];
    _Atomic apr_uint64_t lines; /* given out */
    _Atomic apr_uint64_t began[WORKERS];
    _Atomic int doing[WORKERS];
    _Atomic apr_uint64_t items, bytes;
} oracle_t;

typedef struct item_t {
    apr_uint64_t line, number, queue, sum;
    unsigned char data[MOST];
} item_t;

static oracle_t *oracle;
static mproc_queue_t *queues[QUEUES];
static mproc_event_t *event;
static apr_pool_t *own_pool;
static int self;
static apr_uint64_t draw, line, number;

/* -------------------------------------------------------------------- items */

static apr_uint64_t
item_sum(const item_t *item, apr_size_t size)
{
    apr_uint64_t sum = item->line * 1000003 + item->number * 31 + item->queue;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        sum = sum * 33 + item->data[i];
    }
    return sum;
}

static apr_size_t
item_make(item_t *item, apr_uint64_t queue, apr_uint64_t n)
{
    apr_size_t size =
        stress_below(&draw, UINT64_C(1) << (3 + stress_below(&draw, 9)));

    if (stress_below(&draw, 10) == 0) {
        size = stress_below(&draw, MOST);
    }
    item->line = line;
    item->number = n;
    item->queue = queue;
    memset(item->data, (int)(n + line), size);
    item->sum = item_sum(item, size);
    return offsetof(item_t, data) + size;
}

/* Whole, and not got before. */
static void
item_note(mproc_bytes_t bytes, apr_uint64_t queue)
{
    const item_t *item = bytes.data;

    if (bytes.size < offsetof(item_t, data) || bytes.size > sizeof *item ||
        item->sum != item_sum(item, bytes.size - offsetof(item_t, data)) ||
        item->queue != queue || item->line >= LINES ||
        item->number >= NUMBERS) {
        stress_fault(STRESS_TORN, "flow: an item of %d bytes is torn",
                     (int)bytes.size);
        return;
    }
    if (item->number >= atomic_load(&oracle->line[item->line].begun)) {
        stress_fault(STRESS_TORN, "flow: an item came that was never put");
    }
    if (atomic_exchange(&oracle->line[item->line].got[item->number], 1) != 0 &&
        queue != AGAIN) {
        stress_fault(STRESS_TORN, "flow: an item was got twice");
    }
    atomic_fetch_add(&oracle->items, 1);
    atomic_fetch_add(&oracle->bytes, bytes.size);
}

/* ---------------------------------------------------------------- producers */

static apr_interval_time_t
timeout_draw(void)
{
    return stress_below(&draw, 4) == 0
               ? (apr_interval_time_t)stress_below(&draw, 300)
               : PATIENCE;
}

static void
status_check(apr_status_t rv, apr_interval_time_t timeout, const char *what)
{
    if (rv != APR_SUCCESS &&
        !(APR_STATUS_IS_TIMEUP(rv) && timeout < PATIENCE)) {
        stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                     "flow, worker %d: %s gave status %d, %s", self, what, rv,
                     mproc_error_detail());
    }
}

static apr_status_t
put_in_place(mproc_queue_t *queue, mproc_bytes_t item,
             apr_interval_time_t timeout)
{
    void *data;
    apr_status_t rv = mproc_queue_reserve(queue, item.size, &data, timeout);

    if (rv == APR_SUCCESS) {
        memcpy(data, item.data, item.size);
        rv = stress_below(&draw, 8) == 0 ? APR_TIMEUP
                                         : mproc_queue_commit(queue, data);
        if (rv != APR_SUCCESS) {
            mproc_queue_abandon(queue, data);
        }
    }
    return rv;
}

static apr_status_t
put_with_object(mproc_queue_t *queue, mproc_bytes_t item,
                apr_interval_time_t timeout)
{
    apr_pool_t *pool;
    apr_array_header_t *objects;
    apr_status_t rv;

    apr_pool_create(&pool, own_pool);
    objects = apr_array_make(pool, 1, sizeof(mproc__handle_t));
    APR_ARRAY_PUSH(objects, mproc__handle_t) =
        ((mproc_object_t *)event)->handle;
    rv = mproc__queue_put_copy(queue, item, objects, timeout, "flow");
    apr_pool_destroy(pool);
    return rv;
}

/* Those that were not put are put again, or others in their place: got or not,
 * each number is put once. */
static void
produce(void)
{
    static item_t item[MANY];
    apr_uint64_t which = stress_below(&draw, QUEUES);
    mproc_queue_t *queue = queues[which];
    apr_interval_time_t timeout = timeout_draw();
    mproc_bytes_t bytes[MANY];
    int count = 1, done = 0, i, way = (int)stress_below(&draw, 6);
    apr_status_t rv;

    if (which != 1 && mproc_queue_size(queue) > BACKLOG) {
        return;
    }
    count = way == 0 ? MANY : 1;
    if (number + MANY > NUMBERS) {
        line = atomic_fetch_add(&oracle->lines, 1);
        number = 0;
    }
    if (line >= LINES) {
        apr_sleep(1000);
        return;
    }
    for (i = 0; i < count; i++) {
        bytes[i].data = &item[i];
        bytes[i].size = item_make(&item[i], which, number + (apr_uint64_t)i);
        oracle->line[line].queue[number + (apr_uint64_t)i] =
            (unsigned char)which;
    }
    atomic_store(&oracle->line[line].begun, number + (apr_uint64_t)count);
    switch (way) {
    case 0:
        rv = mproc_queue_put_many(queue, bytes, count, timeout, &done);
        break;
    case 1:
        timeout = 0; /* It may be abandoned. */
        rv = put_in_place(queue, bytes[0], PATIENCE);
        done = rv == APR_SUCCESS;
        break;
    case 2:
        rv = put_with_object(queue, bytes[0], timeout);
        done = rv == APR_SUCCESS;
        break;
    default:
        rv = mproc_queue_put(queue, bytes[0], timeout);
        done = rv == APR_SUCCESS;
        break;
    }
    number += (apr_uint64_t)done;
    atomic_store(&oracle->line[line].put, number);
    status_check(rv, timeout, "a put");
}

/* ---------------------------------------------------------------- consumers */

static apr_uint64_t latest[QUEUES][LINES]; /* number + 1 */

/* In the order of each producer. */
static void
got_note(mproc_bytes_t bytes, apr_uint64_t which)
{
    const item_t *item = bytes.data;

    item_note(bytes, which);
    if (bytes.size >= offsetof(item_t, data) && item->line < LINES) {
        if (item->number < latest[which][item->line] && which != AGAIN) {
            stress_fault(STRESS_TORN, "flow: items came in another order");
        }
        latest[which][item->line] = item->number + 1;
    }
}

static apr_status_t
get_in_place(mproc_queue_t *queue, apr_uint64_t which,
             apr_interval_time_t timeout)
{
    mproc_bytes_t bytes;
    apr_status_t rv = mproc_queue_take(queue, &bytes, timeout);

    if (rv == APR_SUCCESS) {
        got_note(bytes, which);
        rv = mproc_queue_give_back(queue, bytes);
    }
    return rv;
}

static apr_status_t
get_to_buffer(mproc_queue_t *queue, apr_uint64_t which,
              apr_interval_time_t timeout)
{
    static item_t item;
    apr_size_t size;
    apr_status_t rv = mproc_queue_get_into(queue, &item, 100, &size, timeout);

    if (rv == MPROC_ETOOBIG) {
        rv = mproc_queue_get_into(queue, &item, sizeof item, &size, 0);
        if (APR_STATUS_IS_TIMEUP(rv)) {
            return APR_SUCCESS; /* Another came first. */
        }
    }
    if (rv == APR_SUCCESS) {
        mproc_bytes_t bytes = {&item, size};
        got_note(bytes, which);
    }
    return rv;
}

static void
consume(void)
{
    apr_uint64_t which = stress_below(&draw, QUEUES);
    mproc_queue_t *queue = queues[which];
    apr_interval_time_t timeout = timeout_draw();
    mproc_bytes_t bytes[MANY];
    apr_pool_t *pool;
    apr_status_t rv;
    int count, i;

    apr_pool_create(&pool, own_pool);
    switch (which == AGAIN ? 0 : stress_below(&draw, 4)) {
    case 0:
        rv = get_in_place(queue, which, timeout);
        break;
    case 1:
        rv = get_to_buffer(queue, which, timeout);
        break;
    case 2:
        rv = mproc_queue_get_many(queue, bytes, MANY, &count, timeout, pool);
        for (i = 0; i < count; i++) {
            got_note(bytes[i], which);
        }
        break;
    default:
        rv = mproc_queue_get(queue, bytes, timeout, pool);
        if (rv == APR_SUCCESS) {
            got_note(bytes[0], which);
        }
        break;
    }
    status_check(rv, timeout, "a get");
    apr_pool_destroy(pool);
}

/* ------------------------------------------------------------------- killer */

typedef struct worker_t {
    int index;
    apr_uint64_t draw;
} worker_t;

static struct {
    apr_int64_t pid[WORKERS];
    apr_uint64_t draw;
    apr_time_t stopped[WORKERS];
    apr_uint64_t missed, missed_most;
} killer;

static void
worker_main(void *baton)
{
    const worker_t *given = baton;

    self = given->index;
    draw = given->draw;
    number = NUMBERS;
    apr_pool_create(&own_pool, NULL);
    for (;;) {
        atomic_store(&oracle->began[self], (apr_uint64_t)mproc_clock());
        if (self < PRODUCERS) {
            produce();
        }
        else {
            consume();
        }
        atomic_store(&oracle->began[self], 0);
    }
}

static void
worker_start(int index)
{
    worker_t worker = {index, stress_random(&killer.draw)};

    atomic_store(&oracle->began[index], 0);
    killer.stopped[index] = 0;
    killer.pid[index] = system_fork(worker_main, &worker);
}

static void
worker_end(int index, int tell)
{
    int crash;

    system_kill(killer.pid[index]);
    if (!system_reap(killer.pid[index], mproc_clock() + PATIENCE, &crash)) {
        stress_fault(STRESS_HANG, "flow: worker %d cannot be killed", index);
    }
    else if (crash != 9) {
        stress_fault(STRESS_TORN, "flow: worker %d ended by itself, signal %d",
                     index, crash);
    }
    /* A consumer may have had what it got in hand. */
    killer.missed_most += index < PRODUCERS ? 0 : MANY;
    if (tell) {
        mproc__peers_ended(killer.pid[index]);
    }
    atomic_fetch_add(&stress_board->kills, 1);
}

static void
workers_look(void)
{
    apr_time_t now = mproc_clock();
    int i, stopped = 0;

    for (i = 0; i < WORKERS; i++) {
        if (killer.stopped[i] != 0 && now > killer.stopped[i]) {
            killer.stopped[i] = 0;
            system_continue(killer.pid[i]);
        }
        stopped += killer.stopped[i] != 0;
    }
    for (i = 0; i < WORKERS; i++) {
        apr_uint64_t began = atomic_load(&oracle->began[i]);
        if (began != 0 && now - (apr_time_t)began > LATE) {
            stress_fault(STRESS_HANG,
                         "flow: worker %d is at it for %d ms, %d are stopped",
                         i, (int)((now - (apr_time_t)began) / 1000), stopped);
            system_group_show(system_pid());
            return;
        }
    }
}

/* All that is left is got, and the sum is made. */
static void
era_check(void)
{
    static item_t item;
    apr_uint64_t missing = 0, again = 0, l, n;
    apr_size_t size;
    apr_status_t rv;
    int i;

    for (i = 0; i < QUEUES; i++) {
        while ((rv = mproc_queue_get_into(queues[i], &item, sizeof item, &size,
                                          MPROC_NOWAIT)) == APR_SUCCESS) {
            mproc_bytes_t bytes = {&item, size};
            item_note(bytes, (apr_uint64_t)i);
        }
        if (!APR_STATUS_IS_TIMEUP(rv) || mproc_queue_size(queues[i]) != 0) {
            stress_fault(STRESS_TORN,
                         "flow: in the end a get gave %d, the size is %d", rv,
                         (int)mproc_queue_size(queues[i]));
        }
        mproc_queue_destroy(queues[i]);
    }
    for (l = 0; l < atomic_load(&oracle->lines) && l < LINES; l++) {
        for (n = 0; n < atomic_load(&oracle->line[l].put); n++) {
            int lost = !atomic_load(&oracle->line[l].got[n]);
            missing += lost;
            again += lost && oracle->line[l].queue[n] == AGAIN;
        }
    }
    if (again > 0) {
        stress_fault(STRESS_LOST,
                     "flow: %" PRIu64 " items that are given out at least once "
                     "were not",
                     (uint64_t)again);
    }
    if (missing > killer.missed_most) {
        stress_fault(STRESS_LOST,
                     "flow: %" PRIu64 " items were put and never got; %" PRIu64
                     " consumers were killed",
                     (uint64_t)missing, (uint64_t)(killer.missed_most / MANY));
    }
    killer.missed += missing;
}

static void
era_run(const char *name, apr_uint64_t kills)
{
    apr_uint64_t i;
    int k;

    memset((void *)oracle->line, 0, sizeof oracle->line);
    atomic_store(&oracle->lines, 0);
    killer.missed_most = 0;
    for (k = 0; k < QUEUES; k++) {
        mproc_queue_options_t options = {.maxsize = k == 1 ? 8 : 0,
                                         .attempts = k == AGAIN ? 1000000 : 0};
        if (mproc_queue_create_with(&queues[k], &options, NULL) !=
            APR_SUCCESS) {
            stress_fault(STRESS_LOST, "flow: no queue");
            return;
        }
    }
    for (k = 0; k < WORKERS; k++) {
        worker_start(k);
    }
    for (i = 0; i < kills && stress_faults() == 0; i++) {
        int victim = (int)stress_below(&killer.draw, WORKERS);
        int other = (int)stress_below(&killer.draw, WORKERS);

        stress_beat("%s: kill %" PRIu64, name, (uint64_t)i);
        apr_sleep((apr_interval_time_t)stress_below(&killer.draw, 4000));
        if (stress_below(&killer.draw, 10) == 0 && killer.stopped[other] == 0) {
            killer.stopped[other] =
                mproc_clock() + (apr_time_t)stress_below(&killer.draw, 100000);
            system_stop(killer.pid[other]);
        }
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
    era_check();
}

void
stress_flow_run(const stress_scenario_t *scenario)
{
    apr_time_t start = mproc_clock();
    mproc_census_t before, after;
    apr_uint64_t done = 0;

    if (mproc_event_create(&event, NULL) != APR_SUCCESS) {
        exit(2);
    }
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
    printf("%-18s %6" PRIu64 " items, %.1f MiB, %" PRIu64
           " lost in the hands of the dead, %" PRIu64
           " rescues, %5.1f MiB committed, %.1f s\n",
           scenario->name, (uint64_t)atomic_load(&oracle->items),
           (double)atomic_load(&oracle->bytes) / (1 << 20),
           (uint64_t)killer.missed, (uint64_t)(after.rescues - before.rescues),
           (double)after.committed / (1 << 20),
           (double)(mproc_clock() - start) / 1e6);
}
