/*
 * tasks.c: a pool at work, and somebody who kills its workers.
 *
 * What must be true is kept outside of the arena: how often each task was
 * begun, in which attempt, and how often it was told of. In eras, each with a
 * pool of its own: with retries every task succeeds; without, it does or is
 * lost; workers that are replaced after a few tasks; tasks with a limit, where
 * workers are stopped, too. Each task is told of once, as its callback is, and
 * attempts are those that the pool counted. After an era nothing is left.
 */
#include "stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include <mproc/error.h>
#include <mproc/pack.h>
#include <mproc/pool.h>
#include <mproc/process.h>

#include "system.h"

#define WORKERS 8
#define TASKS 65536 /* of an era, at most */
#define WINDOW 96   /* that are under way */
#define MOST 12     /* of a map */
#define ERA 100     /* kills */
#define LARGE 3000  /* bytes of a reply */
#define LIMIT (150 * 1000)
#define STOPPED (2 * APR_USEC_PER_SEC) /* then it may go on */
#define LATE (15 * APR_USEC_PER_SEC)   /* what took so long hangs */

enum {
    WITH_RETRIES,
    WITHOUT,
    SHORT_LIVED,
    LIMITED,
    ERAS
};

typedef struct oracle_t {
    _Atomic unsigned begun[TASKS], attempt[TASKS], called[TASKS];
} oracle_t;

/* Some tasks that are one async. */
typedef struct sent_t {
    mproc_async_t *async;
    apr_uint64_t first;
    int count, calls;
} sent_t;

static oracle_t *oracle;
static int kind;

static struct {
    apr_uint64_t draw, next, again, lost, late, done, kills, stops;
    mproc_pool_t *workers;
    apr_pool_t *pool; /* of an era */
    sent_t sent[WINDOW];
    int head, tail; /* of these, modulo WINDOW */
    struct {
        apr_int64_t pid;
        apr_time_t until;
    } stopped[WORKERS];
} killer;

/* ------------------------------------------------------------------- a task */

static unsigned char
byte_of(apr_uint64_t number)
{
    return (unsigned char)(number * 7 + number / 251);
}

static apr_size_t
size_of(apr_uint64_t number)
{
    return number % 5 == 0 ? LARGE : number % 23;
}

static apr_status_t
work(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    unsigned attempt = (unsigned)mproc_reply_attempt(reply);
    mproc_bytes_t bytes;
    apr_uint64_t number;
    char *data;
    apr_status_t rv = mproc_unpack(args, pool, "U", &number);

    if (rv != APR_SUCCESS || number >= TASKS) {
        return mproc_reply_error(reply, APR_EINVAL, "the arguments are torn");
    }
    atomic_fetch_add(&oracle->begun[number], 1);
    atomic_store(&oracle->attempt[number], attempt);
    bytes.size = size_of(number);
    data = apr_palloc(pool, bytes.size + 1);
    memset(data, byte_of(number), bytes.size);
    bytes.data = data;
    if (number % 3 == 0) { /* One that says something first. */
        mproc_bytes_t before = {data, bytes.size / 2};
        mproc_reply_bytes(reply, before);
    }
    if (number % 4 == 0) {
        apr_sleep((apr_interval_time_t)(number % 1000));
    }
    return mproc_reply_bytes(reply, bytes);
}

static void
called_note(mproc_async_t *async, void *baton)
{
    (void)async;
    atomic_fetch_add((_Atomic unsigned *)baton, 1);
}

static void
called_failed(mproc_async_t *async, apr_status_t status, void *baton)
{
    (void)status;
    called_note(async, baton);
}

/* -------------------------------------------------------------------- owner */

static void
some_send(void)
{
    sent_t *sent = &killer.sent[killer.tail % WINDOW];
    mproc_callbacks_t callbacks = {called_note, called_failed,
                                   (void *)&oracle->called[killer.next]};
    mproc_task_options_t options = {.chunk = 1};
    mproc_bytes_t items[MOST];
    apr_pool_t *pool;
    apr_status_t rv;
    int i;

    sent->first = killer.next;
    sent->calls = stress_below(&killer.draw, 3) == 0;
    sent->count = 1;
    apr_pool_create(&pool, killer.pool);
    if (stress_below(&killer.draw, 3) != 0) {
        rv = mproc_pool_apply_async(&sent->async, killer.workers, work,
                                    sent->calls ? &callbacks : NULL, NULL, "U",
                                    sent->first);
    }
    else {
        sent->count = (int)stress_below(&killer.draw, MOST) + 1;
        options.chunk = (apr_size_t)stress_below(&killer.draw, 4);
        for (i = 0; i < sent->count; i++) {
            mproc_pack(&items[i], pool, "U", sent->first + (apr_uint64_t)i);
        }
        rv = mproc_pool_map_async(&sent->async, killer.workers, work, items,
                                  (apr_size_t)sent->count, &options,
                                  sent->calls ? &callbacks : NULL, NULL);
    }
    apr_pool_destroy(pool);
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "pool: not sent: %s", mproc_error_detail());
        return;
    }
    killer.next += (apr_uint64_t)sent->count;
    killer.tail++;
}

/* How one task ended, and in which attempt. */
static void
task_check(const sent_t *sent, int index, mproc_bytes_t result)
{
    apr_uint64_t number = sent->first + (apr_uint64_t)index;
    apr_status_t rv = mproc_async_status(sent->async, (apr_size_t)index);
    unsigned attempt = atomic_load(&oracle->attempt[number]);
    unsigned begun = atomic_load(&oracle->begun[number]);
    mproc_lost_t lost;
    apr_size_t i;

    switch (rv) {
    case APR_SUCCESS:
        killer.done++;
        killer.again += attempt - 1;
        if (result.size != size_of(number)) {
            stress_fault(STRESS_TORN, "pool: a result of %d bytes, not %d",
                         (int)result.size, (int)size_of(number));
            return;
        }
        for (i = 0; i < result.size; i++) {
            if (((const unsigned char *)result.data)[i] != byte_of(number)) {
                stress_fault(STRESS_TORN, "pool: a result is torn");
                return;
            }
        }
        break;
    case MPROC_EWORKERLOST:
    case APR_TIMEUP:
        killer.lost += rv == MPROC_EWORKERLOST;
        killer.late += rv == APR_TIMEUP;
        if (mproc_async_lost(sent->async, (apr_size_t)index, &lost) ==
            APR_SUCCESS) {
            killer.again += (apr_uint64_t)lost.attempt - 1;
        }
        if (kind != (rv == APR_TIMEUP ? LIMITED : WITHOUT)) {
            stress_fault(STRESS_LOST, "pool: in era %d: %s", kind,
                         mproc_error_detail());
        }
        break;
    default:
        stress_fault(STRESS_LOST, "pool: status %d, %s", rv,
                     mproc_error_detail());
        break;
    }
    /* A blow that was meant for another's time does not count. */
    if (kind != LIMITED && begun > attempt) {
        stress_fault(STRESS_TORN, "pool: begun %u times, but attempt %u", begun,
                     attempt);
    }
}

static void
oldest_check(void)
{
    sent_t *sent = &killer.sent[killer.head % WINDOW];
    mproc_bytes_t results[MOST] = {{NULL, 0}};
    apr_pool_t *pool;
    apr_status_t rv;
    int i;

    apr_pool_create(&pool, killer.pool);
    rv = mproc_async_get(sent->async, results, LATE, pool);
    if (APR_STATUS_IS_TIMEUP(rv) && !mproc_async_ready(sent->async)) {
        mproc_pool_stats_t stats = {0};
        mproc_pool_stats(killer.workers, &stats);
        stress_fault(STRESS_HANG,
                     "pool: era %d: task %" PRIu64 " of %d hangs; %d workers, "
                     "%d running, %" PRIu64 " started",
                     kind, (uint64_t)sent->first, sent->count, stats.workers,
                     stats.running, (uint64_t)stats.started);
        system_group_show(system_pid());
    }
    else {
        for (i = 0; i < sent->count; i++) {
            task_check(sent, i, results[i]);
        }
        if (atomic_load(&oracle->called[sent->first]) !=
            (unsigned)sent->calls) {
            stress_fault(STRESS_LOST, "pool: called back %u times",
                         atomic_load(&oracle->called[sent->first]));
        }
    }
    mproc_async_destroy(sent->async);
    apr_pool_destroy(pool);
    killer.head++;
}

/* ------------------------------------------------------------------- killer */

static void
stopped_go_on(apr_time_t now)
{
    int i;

    for (i = 0; i < WORKERS; i++) {
        if (killer.stopped[i].pid != 0 && now >= killer.stopped[i].until) {
            system_continue(killer.stopped[i].pid);
            killer.stopped[i].pid = 0;
        }
    }
}

static void
worker_stop(apr_int64_t pid)
{
    int i;

    for (i = 0; i < WORKERS; i++) {
        if (killer.stopped[i].pid == 0) {
            killer.stopped[i].pid = pid;
            killer.stopped[i].until = mproc_clock() + STOPPED;
            system_stop(pid);
            killer.stops++;
            return;
        }
    }
}

/* Any worker, of those that there are just now. */
static void
blow(void)
{
    apr_array_header_t *children;
    apr_pool_t *pool;
    apr_int64_t pid;

    apr_pool_create(&pool, killer.pool);
    if (mproc_process_active_children(&children, pool) == APR_SUCCESS &&
        children->nelts > 0) {
        pid = mproc_process_pid(APR_ARRAY_IDX(
            children, stress_below(&killer.draw, (apr_uint64_t)children->nelts),
            mproc_process_t *));
        if (kind == LIMITED && stress_below(&killer.draw, 4) == 0) {
            worker_stop(pid);
        }
        else if (pid > 0) {
            system_kill(pid);
            killer.kills++;
            atomic_fetch_add(&stress_board->kills, 1);
        }
    }
    apr_pool_destroy(pool);
}

static void
era_end(void)
{
    mproc_pool_stats_t stats = {0};

    mproc_pool_close(killer.workers);
    if (mproc_pool_join(killer.workers, LATE) != APR_SUCCESS) {
        stress_fault(STRESS_HANG, "pool: the workers do not end: %s",
                     mproc_error_detail());
        system_group_show(system_pid());
    }
    mproc_pool_stats(killer.workers, &stats);
    if (stats.submitted != killer.next || stats.settled != killer.next) {
        stress_fault(STRESS_LOST, "pool: %d were sent, %d settled",
                     (int)stats.submitted, (int)stats.settled);
    }
    if (kind != LIMITED &&
        (stats.retried != killer.again || stats.lost != killer.lost)) {
        stress_fault(STRESS_TORN,
                     "pool: retried %d, lost %d; by the tasks %d and %d",
                     (int)stats.retried, (int)stats.lost, (int)killer.again,
                     (int)killer.lost);
    }
    mproc_pool_destroy(killer.workers);
}

static void
era_run(const char *name, apr_uint64_t kills)
{
    mproc_pool_options_t options = {.processes = WORKERS,
                                    .start_method = MPROC_START_FORK,
                                    .retries = kind == WITHOUT ? 0 : 250};
    apr_uint64_t lost = killer.lost;
    apr_time_t next = 0, now;

    options.max_tasks_per_child = kind == SHORT_LIVED ? 5 : 0;
    options.task_timeout = kind == LIMITED ? LIMIT : 0;
    memset((void *)oracle, 0, sizeof *oracle);
    killer.next = killer.again = killer.kills = killer.lost = 0;
    killer.head = killer.tail = 0;
    if (mproc_pool_create(&killer.workers, &options, NULL) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "pool: %s", mproc_error_detail());
        return;
    }
    while (killer.kills < kills && stress_faults() == 0) {
        now = mproc_clock();
        stress_beat("%s: era %d, kill %" PRIu64, name, kind,
                    (uint64_t)killer.kills);
        stopped_go_on(now);
        if (now >= next) {
            blow();
            next = now + (apr_time_t)stress_below(&killer.draw, 6000);
        }
        if (killer.tail - killer.head < WINDOW && killer.next + MOST < TASKS) {
            some_send();
        }
        else {
            oldest_check();
        }
        if (killer.next + MOST >= TASKS && killer.head == killer.tail) {
            break;
        }
    }
    while (killer.head < killer.tail && stress_faults() == 0) {
        stopped_go_on(mproc_clock());
        stress_beat("%s: era %d, the rest", name, kind);
        oldest_check();
    }
    stopped_go_on(mproc_clock() + STOPPED);
    if (stress_faults() == 0) {
        era_end();
    }
    killer.lost += lost;
}

void
stress_tasks_run(const stress_scenario_t *scenario)
{
    apr_time_t start = mproc_clock();
    mproc_census_t before, after;
    apr_uint64_t done = 0;

    oracle = system_share(sizeof *oracle);
    apr_pool_create(&killer.pool, NULL);
    killer.draw = stress_options.seed;
    kind = LIMITED;
    era_run(scenario->name, 2); /* What is made once is made now. */
    stress_census_begin(&before);
    while (done < stress_options.kills && stress_faults() == 0) {
        kind = (kind + 1) % ERAS;
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
    printf("%-18s %6" PRIu64 " tasks done, %" PRIu64 " lost with their worker, "
           "%" PRIu64 " over their time, %" PRIu64 " stops, %" PRIu64
           " rescues, %.1f s\n",
           scenario->name, (uint64_t)killer.done, (uint64_t)killer.lost,
           (uint64_t)killer.late, (uint64_t)killer.stops,
           (uint64_t)(after.rescues - before.rescues),
           (double)(mproc_clock() - start) / 1e6);
}
