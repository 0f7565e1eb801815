/*
 * ops_pool.c: a pool's worker, killed at each instruction of its life: it comes
 * up, gets a hint, claims tasks, runs and settles them, and leaves.
 *
 * Each kill has a pool of its own, without a keeper: the parent does what that
 * does. The victim is its only worker: there is one hint for it, or it sleeps
 * until there is, and then one by which it leaves. After its death others come,
 * one after another, until all is settled. How often each task was begun, and
 * in which attempt, lies outside of the arena.
 */
#include "step.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../lib/src/async.h"
#include "../../lib/src/queue.h"
#include "system.h"

#define TASKS 4
#define LARGE 3000  /* bytes of a reply */
#define FOLLOWERS 6 /* workers after the victim, at most */

typedef struct board_t {
    _Atomic unsigned begun[TASKS], attempt[TASKS];
} board_t;

static struct {
    board_t *board;
    apr_pool_t *pool; /* of this kill */
    mproc_pool_t *workers;
    mproc_async_t *async;
    mproc_bytes_t args; /* of a worker */
    apr_size_t count;   /* tasks */
    int retries;
} at;

/* -------------------------------------------------------------------- tasks */

/* The last says something small first; it is the large one. */
static apr_status_t
work(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_bytes_t large = {NULL, LARGE};
    int number;
    apr_status_t rv = mproc_unpack(args, pool, "i", &number);

    if (rv != APR_SUCCESS || number < 0 || number >= TASKS) {
        return mproc_reply_error(reply, APR_EINVAL, "the arguments are torn");
    }
    atomic_fetch_add(&at.board->begun[number], 1);
    atomic_store(&at.board->attempt[number],
                 (unsigned)mproc_reply_attempt(reply));
    rv = mproc_reply(reply, "i", number);
    if (rv == APR_SUCCESS && number == TASKS - 1) {
        large.data = memset(apr_palloc(pool, LARGE), 'x', LARGE);
        rv = mproc_reply_bytes(reply, large);
    }
    return rv;
}

static int
result_is_good(mproc_bytes_t result, int number)
{
    int said = -1;

    if (number == TASKS - 1) {
        return result.size == LARGE &&
               ((const char *)result.data)[LARGE - 1] == 'x';
    }
    return mproc_unpack(result, at.pool, "i", &said) == APR_SUCCESS &&
           said == number;
}

/* ------------------------------------------------------------------- before */

static void
must(const char *what, apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        step_wrong(STRESS_LOST,
                   apr_psprintf(at.pool, "%s: %s", what, mproc_error_detail()));
    }
}

static void
pool_set(apr_size_t count, int retries)
{
    mproc_pool_options_t options = {.processes = 1, .retries = retries};

    if (at.board == NULL) {
        at.board = system_share(sizeof *at.board);
    }
    memset((void *)at.board, 0, sizeof *at.board);
    at.count = count;
    at.retries = retries;
    apr_pool_create(&at.pool, NULL);
    must("a pool", mproc__pool_make(&at.workers, &options, at.pool));
    must("a worker",
         mproc_pack(&at.args, at.pool, MPROC__POOL_WORKER_ARGS,
                    mproc__hold_handle(at.workers->hold),
                    mproc__hold_handle(at.workers->rack[0]), 0,
                    at.workers->hints, at.workers->options.initargs));
}

static void
tasks_send(step_stage_t *stage)
{
    mproc_task_options_t task = {.chunk = 2};
    mproc_bytes_t items[TASKS];
    apr_size_t i;

    (void)stage;
    for (i = 0; i < at.count; i++) {
        must("arguments",
             mproc_pack(&items[i], at.pool, "i", (int)(TASKS - at.count + i)));
    }
    must("tasks", mproc_pool_map_async(&at.async, at.workers, work, items,
                                       at.count, &task, NULL, NULL));
    must("a hint", mproc__pool_hint(at.workers, 0, MPROC__HINT_LEAVE, 1));
}

static void
set_waiting(step_stage_t *stage)
{
    pool_set(1, 1);
    tasks_send(stage);
}

static void
set_one(step_stage_t *stage)
{
    (void)stage;
    pool_set(1, 1);
}

static void
set_some(step_stage_t *stage)
{
    (void)stage;
    pool_set(TASKS, 1);
}

static void
set_lost(step_stage_t *stage)
{
    (void)stage;
    pool_set(TASKS, 0);
}

/* ------------------------------------------------------------------- worker */

static void
worker_run(step_stage_t *stage)
{
    (void)stage;
    (void)mproc__pool_worker(at.args, at.pool);
}

static void *
worker_sleeps(step_stage_t *stage)
{
    (void)stage;
    return (void *)&mproc__queue_ring(at.workers->hints)->items;
}

static void
follower_run(void *unused)
{
    (void)unused;
    if (mproc__pool_worker(at.args, at.pool) != 0) {
        stress_fault(STRESS_LOST, "a worker that followed: %s",
                     mproc_error_detail());
    }
}

/* What the keeper does. */
static void
keeper_look(void)
{
    apr_time_t unused = APR_INT64_MAX;

    apr_thread_mutex_lock(at.workers->life);
    mproc__pool_death_see(at.workers, 0);
    mproc__pool_suspect_look(at.workers, &unused);
    apr_thread_mutex_unlock(at.workers->life);
}

/* -------------------------------------------------------------------- after */

static void
task_check(apr_size_t index, mproc_bytes_t result, apr_uint64_t *again,
           apr_uint64_t *lost)
{
    int number = (int)(TASKS - at.count + index);
    unsigned begun = atomic_load(&at.board->begun[number]);
    unsigned attempt = atomic_load(&at.board->attempt[number]);
    apr_status_t rv = mproc_async_status(at.async, index);
    mproc_lost_t record = {0};

    if (rv == APR_SUCCESS) {
        *again += attempt - 1;
        if (!result_is_good(result, number)) {
            step_wrong(STRESS_TORN, "a result is torn");
        }
        if (begun == 0 || begun > attempt || attempt > 2) {
            step_wrong(STRESS_TORN, "a task was begun oftener than counted");
        }
    }
    else if (rv == MPROC_EWORKERLOST && at.retries == 0) {
        ++*lost;
        if (mproc_async_lost(at.async, index, &record) != APR_SUCCESS ||
            record.attempt != 1 || begun > 1) {
            step_wrong(STRESS_TORN, "a lost task's record is wrong");
        }
    }
    else {
        step_wrong(STRESS_LOST, mproc_error_detail());
    }
}

static void
pool_check(step_stage_t *stage)
{
    mproc_bytes_t results[TASKS] = {{NULL, 0}};
    mproc_pool_stats_t stats = {0};
    apr_uint64_t again = 0, lost = 0;
    apr_size_t i;
    int followers = 0;

    (void)stage;
    keeper_look();
    while (!mproc__async_settled(at.async) && followers++ < FOLLOWERS) {
        must("a hint", mproc__pool_hint(at.workers, 0, MPROC__HINT_LEAVE, 1));
        step_live_end(step_live_child(follower_run, NULL));
        keeper_look();
    }
    (void)mproc_async_get(at.async, results, MPROC_NOWAIT, at.pool);
    if (!mproc__async_settled(at.async)) {
        step_wrong(STRESS_LOST, "tasks are never done");
    }
    else {
        for (i = 0; i < at.count; i++) {
            task_check(i, results[i], &again, &lost);
        }
        must("figures", mproc_pool_stats(at.workers, &stats));
        if (stats.retried != again || stats.lost != lost || again + lost > 1) {
            step_wrong(STRESS_TORN, "the figures are wrong");
        }
        if (stats.settled != at.count || stats.run < at.count - lost ||
            stats.run > at.count + 1) {
            step_wrong(STRESS_TORN, "what was run is counted wrong");
        }
    }
    mproc_async_destroy(at.async);
    mproc_pool_destroy(at.workers);
    apr_pool_destroy(at.pool);
}

static const step_operation_t begin = {.set = set_waiting,
                                       .run = worker_run,
                                       .check = pool_check},
                              one = {.set = set_one,
                                     .run = worker_run,
                                     .sleeps = worker_sleeps,
                                     .strike = tasks_send,
                                     .check = pool_check},
                              some = {.set = set_some,
                                      .run = worker_run,
                                      .sleeps = worker_sleeps,
                                      .strike = tasks_send,
                                      .check = pool_check},
                              lost = {.set = set_lost,
                                      .run = worker_run,
                                      .sleeps = worker_sleeps,
                                      .strike = tasks_send,
                                      .check = pool_check};

const stress_scenario_t stress_pool_scenarios[] = {
    {"pool-begin", "a worker comes up, and there is a task", step_run, &begin},
    {"pool-one", "one that waits gets a task, with a large reply", step_run,
     &one},
    {"pool-some", "the same with several, in chunks", step_run, &some},
    {"pool-lost", "the same, and none is tried again", step_run, &lost},
    {NULL, NULL, NULL, NULL}};
