/*
 * manager.c: clients of a manager at work, and somebody who kills them.
 *
 * What must be true is kept outside of the arena, and of the server: who is
 * within the lock, who has permits, which items were begun, put and got. In
 * eras, each with objects of its own in one server, which lives on: nobody is
 * within with another; what was put is got once, but for what a killed client
 * had in hand; each task of a living client has its result, whichever worker of
 * the server's pool dies; nobody hangs. After an era the server has no clients
 * but us, no calls that wait, all permits; then no objects, and nothing is left
 * here.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <apr_time.h>

#include <mproc/error.h>
#include <mproc/function.h>
#include <mproc/manager.h>
#include <mproc/pack.h>
#include <mproc/wait.h>

#include "system.h"

#define WORKERS 8
#define ITEMS 262144 /* of an era, at most */
#define ERA 100      /* kills */
#define PERMITS 3
#define HELD 300                     /* microseconds; so that kills meet it */
#define ROOM 20                      /* of the queue */
#define TASKS 5                      /* sent at once */
#define CRASHES 10                   /* one of so many tasks kills its worker */
#define LATE (15 * APR_USEC_PER_SEC) /* what took so long hangs */

enum {
    ITEM_NONE,
    ITEM_BEGUN,
    ITEM_PUT,
    ITEM_GOT
};

typedef struct oracle_t {
    atomic_int stop, pools;
    atomic_int within; /* who has the lock, from 1 */
    atomic_int permit[WORKERS], doomed[WORKERS], gets[WORKERS];
    atomic_int what[WORKERS]; /* it is at */
    _Atomic apr_int64_t since[WORKERS];
    _Atomic apr_uint64_t next, ops, sent, tasks, crashes;
    atomic_uchar item[ITEMS];
} oracle_t;

/* What an era has. */
typedef struct things_t {
    mproc_lock_t *lock;
    mproc_semaphore_t *permits;
    mproc_queue_t *queue;
    mproc_barrier_t *barrier;
    mproc_event_t *event;
    mproc_condition_t *condition;
    mproc_dict_t *dict;
    mproc_manager_t *manager;
    mproc_pool_t *pool; /* got by name: it does not pass */
} things_t;

static oracle_t *oracle;

static struct {
    apr_uint64_t draw, lost, in_hand;
    mproc_manager_t *manager;
    things_t things;
    mproc_process_t *worker[WORKERS];
} killer;

/* ------------------------------------------------------------------ workers */

/* A call that may return one of these, and nothing else. */
static int
went(const char *what, apr_status_t rv, apr_status_t or_this,
     apr_status_t or_that)
{
    if (rv != APR_SUCCESS && rv != or_this && rv != or_that) {
        stress_fault(STRESS_LOST, "manager: %s: %s", what,
                     mproc_error_detail());
    }
    return rv == APR_SUCCESS;
}

static void
lock_use(things_t *things, int self)
{
    apr_status_t rv = mproc_lock_acquire(things->lock, MPROC_FOREVER);
    int before;

    went("lock", rv, MPROC_EOWNERDEAD, MPROC_EOWNERDEAD);
    before = atomic_exchange(&oracle->within, self + 1);
    if (before != 0 && rv == APR_SUCCESS) {
        stress_fault(STRESS_TORN, "manager: %d is within with %d", self,
                     before - 1);
    }
    apr_sleep(HELD);
    atomic_store(&oracle->within, 0);
    went("release", mproc_lock_release(things->lock), 0, 0);
}

static void
permit_use(things_t *things, int self)
{
    int i, count = 0;

    if (!went("permit", mproc_semaphore_acquire(things->permits, MPROC_FOREVER),
              0, 0)) {
        return;
    }
    atomic_store(&oracle->permit[self], 1);
    for (i = 0; i < WORKERS; i++) {
        /* In this order: who is doomed may have lost it already. */
        count +=
            atomic_load(&oracle->permit[i]) && !atomic_load(&oracle->doomed[i]);
    }
    if (count > PERMITS) {
        stress_fault(STRESS_TORN, "manager: %d permits are out", count);
    }
    apr_sleep(HELD);
    atomic_store(&oracle->permit[self], 0);
    went("permit", mproc_semaphore_release(things->permits), 0, 0);
}

static void
item_put(things_t *things)
{
    apr_uint64_t number = atomic_fetch_add(&oracle->next, 1);
    apr_status_t rv;

    if (number >= ITEMS) {
        return;
    }
    atomic_store(&oracle->item[number], ITEM_BEGUN);
    rv = mproc_queue_putf(things->queue, 20 * 1000, "U", number);
    if (went("put", rv, APR_TIMEUP, APR_TIMEUP)) {
        unsigned char begun = ITEM_BEGUN;
        atomic_compare_exchange_strong(&oracle->item[number], &begun, ITEM_PUT);
    }
    else {
        atomic_store(&oracle->item[number], ITEM_NONE);
    }
}

static apr_status_t
item_get(mproc_queue_t *queue, apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_uint64_t number;
    apr_status_t rv = mproc_queue_getf(queue, timeout, pool, "U", &number);

    if (rv == APR_SUCCESS &&
        (number >= ITEMS ||
         atomic_exchange(&oracle->item[number], ITEM_GOT) == ITEM_GOT)) {
        stress_fault(STRESS_TORN, "manager: item %" PRIu64 " came twice",
                     (uint64_t)number);
    }
    return rv;
}

static void
barrier_use(things_t *things)
{
    apr_status_t rv = mproc_barrier_wait(things->barrier, NULL, 10 * 1000);

    went("barrier", rv, MPROC_EBROKEN, APR_TIMEUP);
    if (rv != APR_SUCCESS) {
        went("reset", mproc_barrier_reset(things->barrier), 0, 0);
    }
}

static void
condition_use(things_t *things, int notifies)
{
    apr_status_t rv = mproc_condition_acquire(things->condition, MPROC_FOREVER);

    went("condition", rv, MPROC_EOWNERDEAD, MPROC_EOWNERDEAD);
    if (notifies) {
        went("notify", mproc_condition_notify(things->condition, 1), 0, 0);
    }
    else {
        went("wait", mproc_condition_wait(things->condition, 5 * 1000),
             APR_TIMEUP, MPROC_EOWNERDEAD);
    }
    went("condition", mproc_condition_release(things->condition), 0, 0);
}

/* Objects come, go, and are passed by way of the dict. */
static void
objects_use(things_t *things, apr_pool_t *pool)
{
    mproc_dict_t *inner = NULL;
    mproc_event_t *event = NULL;

    if (went("make", mproc_manager_dict(things->manager, &inner, NULL, NULL), 0,
             0)) {
        went("set", mproc_dict_setf(inner, "n", "i", 1), 0, 0);
        went("set", mproc_dict_setf(things->dict, "inner", "o", inner), 0, 0);
        mproc_dict_destroy(inner);
    }
    if (went("get", mproc_dict_getf(things->dict, "inner", pool, "o", &inner),
             APR_NOTFOUND, APR_NOTFOUND)) {
        went("set", mproc_dict_setf(inner, "n", "i", 2), 0, 0);
    }
    went("make", mproc_manager_event(things->manager, &event, NULL, NULL), 0,
         0);
    mproc_event_destroy(event);
}

/* In a worker of the server's. */
static apr_status_t
twice(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_uint64_t number;
    apr_status_t rv = mproc_unpack(args, pool, "U", &number);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (atomic_fetch_add(&oracle->tasks, 1) % CRASHES == CRASHES - 1) {
        atomic_fetch_add(&oracle->crashes, 1);
        system_kill(system_pid());
    }
    return mproc_reply(reply, "U", 2 * number);
}

static apr_status_t
pool_open(things_t *things, apr_pool_t *pool)
{
    mproc_pool_options_t options = {.processes = 2, .retries = 250};

    if (!atomic_load(&oracle->pools)) {
        return APR_SUCCESS;
    }
    options.start_method = MPROC_START_FORK;
    return mproc_manager_pool(things->manager, &things->pool, "pool", &options,
                              pool);
}

static void
result_check(mproc_bytes_t result, apr_uint64_t number, apr_pool_t *pool)
{
    apr_uint64_t got;

    if (went("result", mproc_unpack(result, pool, "U", &got), 0, 0) &&
        got != 2 * number) {
        stress_fault(STRESS_TORN,
                     "manager: the result of %" PRIu64 " is %" PRIu64,
                     (uint64_t)number, (uint64_t)got);
    }
}

/* Tasks that are waited for, let go of, or cancelled. */
static void
tasks_use(things_t *things, apr_uint64_t number, apr_pool_t *pool)
{
    mproc_bytes_t items[TASKS], results[TASKS];
    mproc_async_t *async;
    apr_uint64_t i;

    if (things->pool == NULL) {
        return;
    }
    if (number % 3 == 0) {
        if (went("apply",
                 mproc_pool_apply(things->pool, twice, results, MPROC_FOREVER,
                                  pool, "U", number),
                 0, 0)) {
            result_check(results[0], number, pool);
        }
        return;
    }
    for (i = 0; i < TASKS; i++) {
        went("pack", mproc_pack(&items[i], pool, "U", number + i), 0, 0);
    }
    if (!went("send",
              mproc_pool_map_async(&async, things->pool, twice, items, TASKS,
                                   NULL, NULL, pool),
              0, 0)) {
        return;
    }
    if (number % 3 == 1) {
        (void)mproc_async_cancel(async);
    }
    else if (number % 2 == 0 &&
             went("results",
                  mproc_async_get(async, results, MPROC_FOREVER, pool), 0, 0)) {
        for (i = 0; i < TASKS; i++) {
            result_check(results[i], number + i, pool);
        }
    }
    mproc_async_destroy(async);
}

/* Beside each other, for a moment; what is ready may be another's by then. */
static void
both_wait(things_t *things, int self, apr_pool_t *pool)
{
    mproc_waitable_t items[2] = {{MPROC_WAIT_QUEUE, things->queue, 0},
                                 {MPROC_WAIT_EVENT, things->event, 0}};

    if (went("wait", mproc_wait(items, 2, 2000, NULL), APR_TIMEUP,
             APR_TIMEUP) &&
        items[0].ready) {
        atomic_store(&oracle->gets[self], 1);
        went("get", item_get(things->queue, MPROC_NOWAIT, pool), APR_TIMEUP,
             APR_TIMEUP);
        atomic_store(&oracle->gets[self], 0);
    }
}

static void
batch_use(things_t *things)
{
    int i;

    went("batch", mproc_manager_batch_begin(things->manager), 0, 0);
    for (i = 0; i < 10; i++) {
        went("set", mproc_dict_setf(things->dict, "batch", "i", i), 0, 0);
    }
    went("batch", mproc_manager_batch_end(things->manager, NULL), 0, 0);
}

static void
step(things_t *things, int self, int what, apr_pool_t *pool)
{
    switch (what) {
    case 0:
    case 1:
        lock_use(things, self);
        break;
    case 2:
        permit_use(things, self);
        break;
    case 3:
    case 4:
        item_put(things);
        break;
    case 5:
    case 6:
        atomic_store(&oracle->gets[self], 1);
        went("get", item_get(things->queue, 20 * 1000, pool), APR_TIMEUP,
             APR_TIMEUP);
        atomic_store(&oracle->gets[self], 0);
        break;
    case 7:
        barrier_use(things);
        break;
    case 8:
    case 9:
        condition_use(things, what == 8);
        break;
    case 10:
        went("event", mproc_event_wait(things->event, 1000), APR_TIMEUP,
             APR_TIMEUP);
        break;
    case 11:
        went("event", mproc_event_set(things->event), 0, 0);
        went("event", mproc_event_clear(things->event), 0, 0);
        break;
    case 12:
        objects_use(things, pool);
        break;
    case 13:
    case 14:
        tasks_use(things, atomic_fetch_add(&oracle->sent, 1), pool);
        break;
    case 15:
    case 16:
        both_wait(things, self, pool);
        break;
    default:
        batch_use(things);
        break;
    }
}

static int
worker_main(mproc_bytes_t args, apr_pool_t *pool)
{
    things_t things = {.pool = NULL};
    apr_uint64_t draw;
    apr_pool_t *scratch;
    int self;

    if (!went("begin",
              mproc_unpack(args, pool, "i U o o o o o o o o", &self, &draw,
                           &things.lock, &things.permits, &things.queue,
                           &things.barrier, &things.event, &things.condition,
                           &things.dict, &things.manager),
              0, 0) ||
        !went("pool", pool_open(&things, pool), 0, 0)) {
        return 1;
    }
    apr_pool_create(&scratch, pool);
    while (!atomic_load(&oracle->stop)) {
        int what = (int)stress_below(&draw, 18);
        atomic_store(&oracle->what[self], what);
        atomic_store(&oracle->since[self], mproc_clock());
        step(&things, self, what, scratch);
        atomic_fetch_add(&oracle->ops, 1);
        apr_pool_clear(scratch);
    }
    atomic_store(&oracle->since[self], 0);
    return 0;
}

/* ------------------------------------------------------------------- killer */

static void
worker_begin(int self)
{
    mproc_process_options_t options = {.start_method = MPROC_START_FORK};
    things_t *things = &killer.things;
    apr_status_t rv;

    atomic_store(&oracle->doomed[self], 0);
    atomic_store(&oracle->since[self], mproc_clock());
    rv = mproc_process_create(
        &killer.worker[self], worker_main, &options, NULL,
        "i U o o o o o o o o", self, stress_random(&killer.draw), things->lock,
        things->permits, things->queue, things->barrier, things->event,
        things->condition, things->dict, things->manager);
    if (rv == APR_SUCCESS) {
        rv = mproc_process_start(killer.worker[self]);
    }
    went("start", rv, 0, 0);
}

static void
worker_end(int self)
{
    if (mproc_process_join(killer.worker[self], LATE) != APR_SUCCESS) {
        stress_fault(STRESS_HANG, "manager: a worker does not end, at %d",
                     atomic_load(&oracle->what[self]));
        system_group_show(system_pid());
    }
    (void)mproc_process_close(killer.worker[self]);
    atomic_store(&oracle->permit[self], 0);
}

static void
blow(void)
{
    int self = (int)stress_below(&killer.draw, WORKERS);

    atomic_store(&oracle->doomed[self], 1);
    system_kill(mproc_process_pid(killer.worker[self]));
    worker_end(self);
    killer.in_hand += (apr_uint64_t)atomic_exchange(&oracle->gets[self], 0);
    atomic_fetch_add(&stress_board->kills, 1);
    worker_begin(self);
}

static void
all_go_on(void)
{
    apr_time_t now = mproc_clock();
    int i;

    for (i = 0; i < WORKERS; i++) {
        if (now - atomic_load(&oracle->since[i]) > LATE) {
            stress_fault(STRESS_HANG, "manager: worker %d hangs, at %d", i,
                         atomic_load(&oracle->what[i]));
            system_group_show(system_pid());
        }
    }
}

static void
things_make(things_t *things)
{
    mproc_manager_t *manager = killer.manager;

    things->manager = manager;
    went("make", mproc_manager_lock(manager, &things->lock, NULL, NULL), 0, 0);
    went("make",
         mproc_manager_owned_semaphore(manager, &things->permits, NULL, PERMITS,
                                       NULL),
         0, 0);
    went("make", mproc_manager_queue(manager, &things->queue, NULL, ROOM, NULL),
         0, 0);
    went("make",
         mproc_manager_barrier(manager, &things->barrier, NULL, 3, NULL), 0, 0);
    went("make", mproc_manager_event(manager, &things->event, NULL, NULL), 0,
         0);
    went("make",
         mproc_manager_condition(manager, &things->condition, NULL, NULL, NULL),
         0, 0);
    went("make", mproc_manager_dict(manager, &things->dict, NULL, NULL), 0, 0);
    things->pool = NULL;
    went("make", pool_open(things, NULL), 0, 0);
}

static void
things_end(things_t *things)
{
    mproc_lock_destroy(things->lock);
    mproc_semaphore_destroy(things->permits);
    mproc_queue_destroy(things->queue);
    mproc_barrier_destroy(things->barrier);
    mproc_event_destroy(things->event);
    mproc_condition_destroy(things->condition);
    mproc_dict_destroy(things->dict);
    if (things->pool != NULL) {
        went("forget", mproc_manager_forget(killer.manager, "pool"), 0, 0);
        mproc_pool_destroy(things->pool);
    }
}

/* Until the server has seen the last of them go. */
static void
server_settles(apr_uint64_t objects)
{
    apr_time_t deadline = mproc_clock() + LATE;
    mproc_manager_census_t census;

    do {
        if (!went("census", mproc_manager_census(killer.manager, &census), 0,
                  0)) {
            return;
        }
    } while ((census.clients != 1 || census.waiting != 0 ||
              census.objects != objects) &&
             mproc_clock() < deadline);
    if (census.clients != 1 || census.waiting != 0 ||
        census.objects != objects) {
        stress_fault(STRESS_LEAKED,
                     "manager: %d clients, %d calls, %d objects of %d",
                     (int)census.clients, (int)census.waiting,
                     (int)census.objects, (int)objects);
    }
}

/* The queue is emptied: what was put has been got, or was in hand. */
static void
items_check(void)
{
    apr_uint64_t count = atomic_load(&oracle->next), i, missing = 0;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    while (item_get(killer.things.queue, MPROC_NOWAIT, pool) == APR_SUCCESS) {
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    for (i = 0; i < count && i < ITEMS; i++) {
        missing += atomic_load(&oracle->item[i]) == ITEM_PUT;
    }
    if (missing > killer.in_hand) {
        stress_fault(STRESS_LOST,
                     "manager: %" PRIu64 " items are missing, %" PRIu64
                     " were in hand",
                     (uint64_t)missing, (uint64_t)killer.in_hand);
    }
    killer.lost += missing;
}

static void
era_end(void)
{
    things_t *things = &killer.things;
    apr_status_t rv;
    int i;

    atomic_store(&oracle->stop, 1);
    for (i = 0; i < WORKERS; i++) {
        worker_end(i);
    }
    (void)mproc_dict_remove(things->dict, "inner");
    server_settles(7 + (apr_uint64_t)atomic_load(&oracle->pools));
    items_check();
    rv = mproc_lock_acquire(things->lock, MPROC_NOWAIT);
    went("lock", rv, MPROC_EOWNERDEAD, MPROC_EOWNERDEAD);
    went("lock", mproc_lock_release(things->lock), 0, 0);
    if (mproc_semaphore_value(things->permits) != PERMITS) {
        stress_fault(STRESS_LOST, "manager: %d permits are left",
                     mproc_semaphore_value(things->permits));
    }
    things_end(things);
    server_settles(0);
}

/* The server ends the era's pool in its own time. */
static int
census_settles(const mproc_census_t *before)
{
    apr_time_t deadline = mproc_clock() + LATE;
    mproc_census_t now;

    do {
        mproc_census(&now);
    } while ((now.total.blocks != before->total.blocks ||
              now.peers != before->peers || now.threads != before->threads) &&
             mproc_clock() < deadline);
    return stress_census_compare(before, &now) == 0;
}

static void
era_run(const char *name, apr_uint64_t kills, int pools)
{
    apr_uint64_t done;
    int i;

    memset((void *)oracle, 0, sizeof *oracle);
    atomic_store(&oracle->pools, pools);
    killer.in_hand = 0;
    things_make(&killer.things);
    for (i = 0; i < WORKERS; i++) {
        worker_begin(i);
    }
    for (done = 0; done < kills && stress_faults() == 0; done++) {
        stress_beat("%s: kill %" PRIu64, name, (uint64_t)done);
        apr_sleep((apr_interval_time_t)stress_below(&killer.draw, 6000));
        blow();
        all_go_on();
    }
    era_end();
}

void
stress_manager_run(const stress_scenario_t *scenario)
{
    mproc_manager_options_t options = {.start_method = MPROC_START_FORK};
    apr_time_t start = mproc_clock();
    mproc_census_t before;
    apr_uint64_t done = 0, ops = 0, tasks = 0, crashes = 0;
    apr_status_t rv;

    oracle = system_share(sizeof *oracle);
    killer.draw = stress_options.seed;
    went("register", mproc_register("twice", twice), 0, 0);
    rv = mproc_manager_start(&killer.manager, &options, NULL);
    if (rv == APR_ENOTIMPL) {
        printf("%-18s there are no managers here\n", scenario->name);
        return;
    }
    went("start", rv, 0, 0);
    /* What is made once is made now; no pool is, which would end later. */
    era_run(scenario->name, 2, 0);
    stress_census_begin(&before);
    before.threads++; /* The server's first pool begins its watcher. */
    while (done < stress_options.kills && stress_faults() == 0) {
        era_run(scenario->name, ERA, 1);
        ops += atomic_load(&oracle->ops);
        tasks += atomic_load(&oracle->tasks);
        crashes += atomic_load(&oracle->crashes);
        done += ERA;
        if (!census_settles(&before)) {
            stress_fault(STRESS_LEAKED, "%s: after an era", scenario->name);
        }
        if (stress_arena_check() != 0) {
            stress_fault(STRESS_TORN, "%s: after an era", scenario->name);
        }
    }
    went("shutdown", mproc_manager_shutdown(killer.manager, LATE), 0, 0);
    mproc_manager_destroy(killer.manager);
    printf("%-18s %6" PRIu64 " calls, %" PRIu64 " items lost with their "
           "getter, %" PRIu64 " tasks, %" PRIu64 " crashes, %.1f s\n",
           scenario->name, (uint64_t)ops, (uint64_t)killer.lost,
           (uint64_t)tasks, (uint64_t)crashes,
           (double)(mproc_clock() - start) / 1e6);
}
