/*
 * ops_queue.c: the queue, killed at each instruction.
 *
 * Each kill has a queue of its own, made before the victim and destroyed after
 * the check: what is in it then must be whole, in order, and each item there
 * once, but for those that the victim was at.
 */
#include "items.h"
#include "step.h"

#include <string.h>

#include <mproc/error.h>

#include "../../lib/src/queue.h"
#include "../../lib/src/segment.h"

#define SHORT (30 * 1000) /* a wait that the victim gives up */
#define VICTIM 1000       /* the number of the victim's item */
#define WITNESS 2000      /* of the witness's */
#define SMALL 24
#define LARGE 5000

static apr_uint64_t last;    /* the last of the items put before */
static apr_uint64_t victims; /* so many of the first the victim may have got */

/* ---------------------------------------------------------- before and after
 */

static void
queue_make(step_stage_t *stage, apr_size_t maxsize)
{
    if (mproc_queue_create(&stage->queue, maxsize, NULL) != APR_SUCCESS) {
        queue_fault(STRESS_LOST, "no queue", 0);
    }
    last = victims = 0;
}

static void
queue_fill(step_stage_t *stage, apr_uint64_t count, apr_size_t size)
{
    while (count-- > 0) {
        must_put(stage->queue, ++last, size);
    }
}

static void
set_empty(step_stage_t *stage)
{
    queue_make(stage, 0);
}

static void
set_some(step_stage_t *stage)
{
    queue_make(stage, 0);
    queue_fill(stage, 3, SMALL);
    victims = 1;
}

/* The first segment has 8 more bytes than the END takes. */
static void
set_full_segment(step_stage_t *stage)
{
    queue_make(stage, 0);
    queue_fill(stage, 31, SMALL);
}

/* The next that is got lies in the second segment; both views are old. */
static void
set_next_segment(step_stage_t *stage)
{
    set_full_segment(stage);
    queue_fill(stage, 5, SMALL);
    for (; victims < 31; victims++) {
        item_get(stage->queue);
    }
    victims = 32;
}

static void
set_boxes(step_stage_t *stage)
{
    queue_make(stage, 0);
    queue_fill(stage, 3, LARGE);
    victims = 1;
}

static void
set_full(step_stage_t *stage)
{
    queue_make(stage, 1);
    queue_fill(stage, 1, SMALL);
    victims = 1;
}

static void
set_objects(step_stage_t *stage)
{
    queue_make(stage, 0);
    if (mproc_queue_putf(stage->queue, 0, "[o i]", stage->event, 7) !=
            APR_SUCCESS ||
        mproc_queue_putf(stage->queue, 0, "[o i]", stage->lock, 7) !=
            APR_SUCCESS) {
        queue_fault(STRESS_LOST, "no object put", 0);
    }
}

/* A queue with objects, in a queue, and so on: deeper than there are levels of
 * intents. */
static void
set_nested(step_stage_t *stage)
{
    int depth;

    set_objects(stage);
    for (depth = 0; depth < 5; depth++) {
        mproc_queue_t *inner = stage->queue;

        queue_make(stage, 0);
        if (mproc_queue_putf(stage->queue, 0, "o", inner) != APR_SUCCESS) {
            queue_fault(STRESS_LOST, "no queue put", 0);
        }
        mproc_queue_destroy(inner);
    }
}

/* All that a queue can have. */
static void
set_all(step_stage_t *stage)
{
    set_objects(stage);
    queue_fill(stage, 40, SMALL);
    queue_fill(stage, 3, LARGE);
    mproc_queue_getf(stage->queue, MPROC_NOWAIT, NULL, "*");
}

/* It must be good for more: over two segments, small and large. */
static void
queue_use(mproc_queue_t *queue)
{
    apr_uint64_t i;

    for (i = 1; i <= 45; i++) {
        must_put(queue, i, i % 9 == 0 ? LARGE : SMALL);
    }
    for (i = 1; i <= 45; i++) {
        apr_uint64_t number = item_get(queue);
        if (number != i) {
            queue_fault(STRESS_LOST, "afterwards there came", number);
        }
    }
}

static void
check_gone(step_stage_t *stage)
{
    mproc_queue_destroy(stage->queue);
    stage->queue = NULL;
}

/* Those before, less what the victim may have got; then its own, if at all. */
static void
check_items(step_stage_t *stage)
{
    mproc_queue_t *queue = stage->queue;
    apr_size_t size = mproc_queue_size(queue), count = 0;
    apr_uint64_t next = 1, number;

    while ((number = item_get(queue)) != 0) {
        if (count == 0 && number <= victims + 1) {
            next = number;
        }
        if (number == VICTIM && next > last - (last != 0 && victims >= last)) {
            next = VICTIM;
        }
        if (number != next) {
            queue_fault(STRESS_LOST, "there came", number);
        }
        next = number + 1;
        count++;
    }
    if (count == 0 ? victims < last : next <= last) {
        queue_fault(STRESS_LOST, "there did not come", next);
    }
    if (count != size || mproc_queue_size(queue) != 0) {
        queue_fault(STRESS_TORN, "its size was", size);
    }
    queue_use(queue);
    check_gone(stage);
}

static void
check_drained(step_stage_t *stage)
{
    while (mproc_queue_size(stage->queue) > 0) {
        if (mproc_queue_getf(stage->queue, MPROC_NOWAIT, NULL, "*") !=
            APR_SUCCESS) {
            queue_fault(STRESS_LOST, "an object's item does not come", 0);
            break;
        }
    }
    queue_use(stage->queue);
    check_gone(stage);
}

static void
check_shut(step_stage_t *stage)
{
    if (atomic_load(&mproc__queue_ring(stage->queue)->shut)) {
        victims = last; /* Any number of them was dropped. */
        mproc_queue_shutdown(stage->queue, 1);
        if (mproc_queue_join(stage->queue, SHORT) == APR_TIMEUP) {
            queue_fault(STRESS_HANG, "a join of nothing waits", 0);
        }
        check_gone(stage);
        return;
    }
    check_items(stage);
}

/* ----------------------------------------------------------------- the victim
 */

static void
put_run(step_stage_t *stage)
{
    item_put(stage->queue, VICTIM, SMALL, MPROC_NOWAIT);
}

static void
put_large_run(step_stage_t *stage)
{
    item_put(stage->queue, VICTIM, LARGE, MPROC_NOWAIT);
}

static void
putf_run(step_stage_t *stage)
{
    mproc_queue_putf(stage->queue, MPROC_NOWAIT, "[o i]", stage->event, 1);
}

static void
get_run(step_stage_t *stage)
{
    char data[ITEM_MOST];
    apr_size_t size;

    mproc_queue_get_into(stage->queue, data, sizeof data, &size, MPROC_NOWAIT);
}

static void
getf_run(step_stage_t *stage)
{
    mproc_event_t *event;
    int number;

    if (mproc_queue_getf(stage->queue, MPROC_NOWAIT, NULL, "[o i]", &event,
                         &number) == APR_SUCCESS) {
        mproc_event_destroy(event);
    }
}

static void
take_run(step_stage_t *stage)
{
    mproc_bytes_t item;

    if (mproc_queue_take(stage->queue, &item, MPROC_NOWAIT) == APR_SUCCESS) {
        mproc_queue_give_back(stage->queue, item);
    }
}

static void *room;

static void
abandon_run(step_stage_t *stage)
{
    if (mproc_queue_reserve(stage->queue, LARGE, &room, MPROC_NOWAIT) ==
        APR_SUCCESS) {
        mproc_queue_abandon(stage->queue, room);
    }
}

static void
commit_ready(step_stage_t *stage)
{
    apr_uint64_t number = VICTIM;

    if (mproc_queue_reserve(stage->queue, LARGE, &room, MPROC_NOWAIT) ==
        APR_SUCCESS) {
        memset(room, (int)number, LARGE);
        memcpy(room, &number, sizeof number);
    }
}

static void
commit_run(step_stage_t *stage)
{
    mproc_queue_commit(stage->queue, room);
}

static void
shutdown_run(step_stage_t *stage)
{
    mproc_queue_shutdown(stage->queue, 1);
}

static void
destroy_meet(step_stage_t *stage)
{
    check_gone(stage);
}

static void
destroy_run(step_stage_t *stage)
{
    mproc_queue_destroy(stage->queue);
}

static void
get_wait_run(step_stage_t *stage)
{
    char data[ITEM_MOST];
    apr_size_t size;

    mproc_queue_get_into(stage->queue, data, sizeof data, &size, SHORT);
}

static void
put_wait_run(step_stage_t *stage)
{
    item_put(stage->queue, VICTIM, SMALL, SHORT);
}

/* ---------------------------------------------------------------- the witness
 */

/* The queue of this kill, which the witness has not seen yet. */
static apr_status_t
queue_obey(step_stage_t *stage, apr_status_t (*act)(mproc_queue_t *))
{
    mproc_queue_t *queue;
    apr_status_t rv =
        mproc__object_open(&queue, atomic_load(&stage->board->queue), NULL);

    if (rv == APR_SUCCESS) {
        rv = act(queue);
        mproc_queue_destroy(queue);
    }
    return rv;
}

static apr_status_t
act_put(mproc_queue_t *queue)
{
    return item_put(queue, WITNESS, SMALL, STEP_PATIENCE);
}

static apr_status_t
act_get(mproc_queue_t *queue)
{
    char data[ITEM_MOST];
    apr_size_t size;
    apr_status_t rv =
        mproc_queue_get_into(queue, data, sizeof data, &size, STEP_PATIENCE);

    return rv == APR_SUCCESS && item_number(data, size) == 0 ? APR_EGENERAL
                                                             : rv;
}

static apr_status_t
act_join(mproc_queue_t *queue)
{
    return mproc_queue_join(queue, STEP_PATIENCE);
}

static apr_status_t
order_put(step_stage_t *stage)
{
    return queue_obey(stage, act_put);
}

static apr_status_t
order_get(step_stage_t *stage)
{
    return queue_obey(stage, act_get);
}

static apr_status_t
order_join(step_stage_t *stage)
{
    return queue_obey(stage, act_join);
}

static void
witness_at(step_stage_t *stage, apr_status_t (*order)(step_stage_t *),
           const volatile void *gate, const volatile void *mutex)
{
    atomic_store(&stage->board->queue, stage->queue->object.handle);
    witness_awaits(order, gate, mutex);
}

static void
getter_meet(step_stage_t *stage)
{
    mproc__ring_t *ring = mproc__queue_ring(stage->queue);

    witness_at(stage, order_get, &ring->items, &ring->head.mutex);
}

static void
putter_meet(step_stage_t *stage)
{
    mproc__ring_t *ring = mproc__queue_ring(stage->queue);

    witness_at(stage, order_put, &ring->space, &ring->tail.mutex);
}

/* What the victim put, or else what is put now, goes to the witness. */
static void
getter_check(step_stage_t *stage)
{
    if (mproc__ring_count(&mproc__queue_ring(stage->queue)->tail) == 0) {
        must_put(stage->queue, 1, SMALL);
    }
    witness_done();
    check_items(stage);
}

/* It was given to the victim, which died. */
static void
getter_given_strike(step_stage_t *stage)
{
    getter_meet(stage);
    must_put(stage->queue, 1, SMALL);
}

static void
putter_check(step_stage_t *stage)
{
    apr_uint64_t number;

    if (mproc__ring_count(&mproc__queue_ring(stage->queue)->head) == 0) {
        item_get(stage->queue);
    }
    witness_done();
    number = item_get(stage->queue);
    if (number != WITNESS) {
        queue_fault(STRESS_LOST, "not the witness's, but", number);
    }
    last = 0;
    if (mproc_queue_size(stage->queue) != 0) {
        queue_fault(STRESS_LOST, "more than one is in it", 0);
    }
    check_gone(stage);
}

static void
putter_given_strike(step_stage_t *stage)
{
    putter_meet(stage);
    item_get(stage->queue);
}

/* -------------------------------------------------------------------- joining
 */

static void
set_task(step_stage_t *stage)
{
    queue_make(stage, 0);
    queue_fill(stage, 1, SMALL);
    item_get(stage->queue);
}

static void
joiner_meet(step_stage_t *stage)
{
    mproc__ring_t *ring = mproc__queue_ring(stage->queue);

    witness_at(stage, order_join, &ring->idle, &ring->idle);
}

static void
task_done_run(step_stage_t *stage)
{
    mproc_queue_task_done(stage->queue);
}

static void
joiner_check(step_stage_t *stage)
{
    mproc_queue_task_done(stage->queue);
    witness_done();
    check_gone(stage);
}

/* ------------------------------------------- who repairs after the dead dies
 */

static void
die_in_put(void *baton)
{
    step_stage_t *stage = baton;
    mproc__ring_t *ring = mproc__queue_ring(stage->queue);
    mproc__hold_t *hold = mproc__hold_new();
    _Atomic apr_uint64_t *record;
    apr_uint64_t place;
    void *data;

    mproc__actor();
    if (mproc__ring_lock_tail(&stage->queue->use, "stress") != APR_SUCCESS ||
        mproc__box_make(hold, LARGE, NULL, &data) != APR_SUCCESS) {
        return;
    }
    place = atomic_load(&ring->tail.place);
    record = (_Atomic apr_uint64_t *)(void *)((char *)mproc__arena_at(
                                                  mproc__hold_handle(
                                                      &ring->segment[0])) +
                                              (place & 0xffffffff));
    atomic_store(record, RECORD(RECORD_BOX, 8));
    mproc__arena_hold(record + 1, mproc__hold_handle(hold));
}

static void
takeover_put_set(step_stage_t *stage)
{
    set_some(stage);
    victims = 0;
    stage->dead = step_dead_child(die_in_put, stage);
}

/* Between the release of a segment and the place in the next one; or, where
 * there is a box, between its getting and its release. */
static void
die_in_get(void *baton)
{
    step_stage_t *stage = baton;
    mproc__ring_t *ring = mproc__queue_ring(stage->queue);
    mproc__item_t item;

    mproc__actor();
    if (mproc__ring_lock_head(&stage->queue->use, "stress") != APR_SUCCESS) {
        return;
    }
    if (victims == 32) {
        mproc__arena_release(&ring->segment[0]);
    }
    else if (mproc__ring_front(&stage->queue->use, &item)) {
        atomic_store(&ring->head.next_place, item.after);
        atomic_store(&ring->head.next_count, 1);
        atomic_store(&ring->head.place, item.after);
    }
}

static void
takeover_get_set(step_stage_t *stage)
{
    set_next_segment(stage);
    stage->dead = step_dead_child(die_in_get, stage);
}

static void
takeover_box_set(step_stage_t *stage)
{
    set_boxes(stage);
    stage->dead = step_dead_child(die_in_get, stage);
    victims = 2;
}

static const step_operation_t
    put = {.set = set_some, .run = put_run, .check = check_items},
    put_first = {.set = set_empty, .run = put_run, .check = check_items},
    put_next = {.set = set_full_segment, .run = put_run, .check = check_items},
    put_large = {.set = set_some, .run = put_large_run, .check = check_items},
    put_large_next = {.set = set_full_segment,
                      .run = put_large_run,
                      .check = check_items},
    put_object = {.set = set_objects, .run = putf_run, .check = check_drained},
    get = {.set = set_some, .run = get_run, .check = check_items},
    get_next = {.set = set_next_segment, .run = get_run, .check = check_items},
    get_large = {.set = set_boxes, .run = get_run, .check = check_items},
    get_object = {.set = set_objects, .run = getf_run, .check = check_drained},
    take_large = {.set = set_boxes, .run = take_run, .check = check_items},
    take_small = {.set = set_some, .run = take_run, .check = check_items},
    abandon = {.set = set_empty, .run = abandon_run, .check = check_items},
    commit = {.set = set_some,
              .ready = commit_ready,
              .run = commit_run,
              .check = check_items},
    shut = {.set = set_boxes, .run = shutdown_run, .check = check_shut},
    destroy = {.set = set_all, .meet = destroy_meet, .run = destroy_run},
    nested = {.set = set_nested, .meet = destroy_meet, .run = destroy_run},
    getter = {.set = set_empty,
              .meet = getter_meet,
              .run = put_run,
              .check = getter_check,
              .witness = 1},
    getter_given = {.set = set_empty,
                    .run = get_wait_run,
                    .strike = getter_given_strike,
                    .check = getter_check,
                    .witness = 1},
    putter = {.set = set_full,
              .meet = putter_meet,
              .run = get_run,
              .check = putter_check,
              .witness = 1},
    putter_given = {.set = set_full,
                    .run = put_wait_run,
                    .strike = putter_given_strike,
                    .check = putter_check,
                    .witness = 1},
    joiner = {.set = set_task,
              .meet = joiner_meet,
              .run = task_done_run,
              .check = joiner_check,
              .witness = 1},
    takeover_put = {.set = takeover_put_set,
                    .run = put_run,
                    .check = check_items},
    takeover_get = {.set = takeover_get_set,
                    .run = get_run,
                    .check = check_items},
    takeover_box = {
        .set = takeover_box_set, .run = get_run, .check = check_items};

const stress_scenario_t stress_queue_scenarios[] = {
    {"queue-put", "a small item", step_run, &put},
    {"queue-put-first", "the first ever", step_run, &put_first},
    {"queue-put-next", "it goes to a new segment", step_run, &put_next},
    {"queue-put-large", "in a block of its own", step_run, &put_large},
    {"queue-put-large-next", "the same, to a new segment", step_run,
     &put_large_next},
    {"queue-put-object", "it names an object", step_run, &put_object},
    {"queue-get", "a small item", step_run, &get},
    {"queue-get-next", "past the end of a segment", step_run, &get_next},
    {"queue-get-large", "from a block of its own", step_run, &get_large},
    {"queue-get-object", "it names an object", step_run, &get_object},
    {"queue-take", "and given back", step_run, &take_large},
    {"queue-take-small", "the same, from a segment", step_run, &take_small},
    {"queue-reserve", "and abandoned", step_run, &abandon},
    {"queue-commit", "what was reserved", step_run, &commit},
    {"queue-shutdown", "at once, with items", step_run, &shut},
    {"queue-destroy", "with items and objects", step_run, &destroy},
    {"queue-nested", "destroyed with queues in it", step_run, &nested},
    {"queue-getter", "put while the witness waits", step_run, &getter},
    {"queue-getter-given", "got too late, beside the witness", step_run,
     &getter_given},
    {"queue-putter", "got while the witness waits for space", step_run,
     &putter},
    {"queue-putter-given", "put too late, beside the witness", step_run,
     &putter_given},
    {"queue-joiner", "done while the witness joins", step_run, &joiner},
    {"queue-heir-put", "put where a putter is dead", step_run, &takeover_put},
    {"queue-heir-get", "get where a getter is dead", step_run, &takeover_get},
    {"queue-heir-box", "the same, with a box", step_run, &takeover_box},
    {NULL, NULL, NULL, NULL}};
