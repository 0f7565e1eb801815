/*
 * load.c: workers that use everything at once, and somebody who kills them.
 *
 * What must be true is kept outside of the arena, on a page of its own: what
 * a lock protects, who has it, how often each worker has counted.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_time.h>

#include <mproc/error.h>
#include <mproc/event.h>
#include <mproc/lock.h>
#include <mproc/rlock.h>
#include <mproc/shareable_list.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"
#include "../../platform/plat_sys.h"
#include "system.h"

#define LOCKS 2   /* plain ones; then comes the rlock */
#define GUARDED 3 /* all of them */
#define SHELVES 8
#define AUDIT_EVERY 16 /* kills */
#define ELEMENTS 3     /* of the list */
#define LETTERS 300    /* of an element, at most */
#define RESCUES_MOST(kills) (5 + (kills) / 200)

/* What one lock protects: equal while nobody is within. */
typedef struct guarded_t {
    volatile apr_uint64_t first, second;
    _Atomic apr_uint64_t within; /* worker + 1 */
    _Atomic apr_uint64_t counted[LOAD_WORKERS];
    _Atomic apr_uint64_t repaired;
} guarded_t;

typedef struct oracle_t {
    guarded_t guarded[GUARDED];
    /* Handles for others to try, some of them stale. */
    _Atomic apr_uint64_t shelf[SHELVES];
    _Atomic apr_uint64_t
        began[LOAD_WORKERS];         /* when the operation began, or 0 */
    _Atomic int doing[LOAD_WORKERS]; /* which */
    _Atomic apr_uint64_t done[LOAD_WORKERS]; /* operations */
} oracle_t;

static oracle_t *oracle;
static mproc_lock_t *locks[LOCKS];
static mproc_rlock_t *rlock;
static mproc_event_t *event;
static mproc_shareable_list_t *list;
static apr_pool_t *own_pool;
load_worker_t load_self;

void
load_pause(void)
{
    apr_uint64_t i, rounds = stress_below(&load_self.draw, 1000);

    for (i = 0; i < rounds; i++) {
        mproc_plat_pause();
    }
    if (stress_below(&load_self.draw, 50) == 0) {
        apr_sleep((apr_interval_time_t)stress_below(&load_self.draw, 500));
    }
}

void
load_bad(const char *what, apr_status_t rv)
{
    stress_fault(APR_STATUS_IS_TIMEUP(rv) ? STRESS_HANG : STRESS_LOST,
                 "worker %d: %s gave status %d: %s", load_self.index, what, rv,
                 mproc_error_detail());
}

/* --------------------------------------------------------------- operations */

static void
guarded_enter(guarded_t *guarded, apr_status_t rv)
{
    apr_uint64_t within =
        atomic_exchange(&guarded->within, (apr_uint64_t)load_self.index + 1);

    if (rv == MPROC_EOWNERDEAD) {
        guarded->second = guarded->first;
        atomic_fetch_add(&guarded->repaired, 1);
    }
    else if (within != 0) {
        stress_fault(STRESS_TORN,
                     "a lock was given to worker %d with success "
                     "while worker %d has it, or had died",
                     load_self.index, (int)within - 1);
    }
    if (guarded->first != guarded->second) {
        stress_fault(STRESS_TORN, "what a lock protects is half done");
    }
}

static apr_status_t
guarded_acquire(int which, apr_interval_time_t timeout)
{
    return which < LOCKS ? mproc_lock_acquire(locks[which], timeout)
                         : mproc_rlock_acquire(rlock, timeout);
}

static apr_status_t
guarded_release(int which)
{
    return which < LOCKS ? mproc_lock_release(locks[which])
                         : mproc_rlock_release(rlock);
}

static void
guarded_change(guarded_t *guarded, int which)
{
    int again = which >= LOCKS && stress_below(&load_self.draw, 2) == 0;

    guarded->first++;
    if (again) {
        apr_status_t rv = guarded_acquire(which, MPROC_NOWAIT);
        if (rv != APR_SUCCESS) {
            load_bad("an rlock that it has", rv);
        }
    }
    load_pause();
    if (again) {
        guarded_release(which);
    }
    guarded->second++;
}

static void
lock_operation(void)
{
    int which = (int)stress_below(&load_self.draw, GUARDED);
    guarded_t *guarded = &oracle->guarded[which];
    int hurry = stress_below(&load_self.draw, 4) == 0;
    apr_status_t rv = guarded_acquire(
        which, hurry ? (apr_interval_time_t)stress_below(&load_self.draw, 300)
                     : LOAD_PATIENCE);

    if (APR_STATUS_IS_TIMEUP(rv) && hurry) {
        return;
    }
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        load_bad("a lock", rv);
        return;
    }
    guarded_enter(guarded, rv);
    guarded_change(guarded, which);
    /* Counted last, so that a death counts too few and never too many. */
    atomic_fetch_add(&guarded->counted[load_self.index], 1);
    atomic_store(&guarded->within, 0);
    rv = guarded_release(which);
    if (rv != APR_SUCCESS) {
        load_bad("a release", rv);
    }
}

static void
event_operation(void)
{
    apr_status_t rv;

    if (stress_below(&load_self.draw, 4) != 0) {
        return; /* It is set once a kill only. */
    }
    rv = mproc_event_wait(event, LOAD_PATIENCE);
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_HANG, "worker %d: an event gave status %d",
                     load_self.index, rv);
    }
    if (stress_below(&load_self.draw, 2) == 0) {
        mproc_event_clear(event);
    }
}

/* Sizes of all kinds: within a chunk, a chunk, several. */
static apr_uint64_t
size_draw(void)
{
    return stress_below(&load_self.draw,
                        UINT64_C(1)
                            << (4 + stress_below(&load_self.draw, 15))) +
           1;
}

static void
alloc_operation(void)
{
    mproc__hold_t *hold =
        load_self.hold[stress_below(&load_self.draw, LOAD_HOLDS)];
    apr_status_t rv;

    mproc__arena_release(hold);
    rv = mproc__arena_alloc(hold, size_draw(), MPROC_KIND_BYTES);
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "worker %d: no block: %s", load_self.index,
                     mproc_error_detail());
        return;
    }
    if (stress_below(&load_self.draw, 2) == 0) {
        atomic_store(&oracle->shelf[stress_below(&load_self.draw, SHELVES)],
                     mproc__hold_handle(hold));
    }
}

static void
hold_operation(void)
{
    mproc__hold_t *hold =
        load_self.hold[stress_below(&load_self.draw, LOAD_HOLDS)];
    apr_uint64_t handle =
        atomic_load(&oracle->shelf[stress_below(&load_self.draw, SHELVES)]);
    apr_status_t rv;

    mproc__arena_release(hold);
    rv = mproc__arena_hold(hold, handle);
    if (rv != APR_SUCCESS && rv != MPROC_ESTALE) {
        stress_fault(STRESS_LOST, "worker %d: a hold gave status %d",
                     load_self.index, rv);
    }
}

static void
object_operation(void)
{
    mproc_lock_t *lock;
    mproc_event_t *other;

    if (mproc_lock_create(&lock, NULL) != APR_SUCCESS ||
        mproc_event_create(&other, NULL) != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "worker %d: no object: %s", load_self.index,
                     mproc_error_detail());
        return;
    }
    mproc_event_set(other);
    mproc_lock_acquire(lock, MPROC_FOREVER);
    if (stress_below(&load_self.draw, 2) == 0) {
        mproc_lock_release(lock);
    }
    mproc_lock_destroy(lock);
    mproc_event_destroy(other);
}

/* A text of one letter, whose number it is shorter by. */
static void
element_make(char text[LETTERS + 1], int letter)
{
    int size = LETTERS - (letter - 'a');

    memset(text, letter, (size_t)size);
    text[size] = '\0';
}

static void
list_operation(void)
{
    apr_int64_t index = (apr_int64_t)stress_below(&load_self.draw, ELEMENTS);
    char text[LETTERS + 1];
    const char *got = "";
    apr_pool_t *pool;
    apr_status_t rv;

    element_make(text, 'a' + (int)stress_below(&load_self.draw, 26));
    rv = mproc_shareable_list_setf(list, index, "s", text);
    apr_pool_create(&pool, own_pool);
    if (rv == APR_SUCCESS) {
        rv = mproc_shareable_list_getf(list, index, pool, "s", &got);
    }
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "worker %d: a list gave status %d",
                     load_self.index, rv);
    }
    element_make(text, got[0] >= 'a' && got[0] <= 'z' ? got[0] : 'a');
    if (rv == APR_SUCCESS && strcmp(text, got) != 0) {
        stress_fault(STRESS_TORN, "worker %d: an element is half old: %s",
                     load_self.index, got);
    }
    apr_pool_destroy(pool);
}

static void (*const operation[])(void) = {
    lock_operation,   lock_operation,  lock_operation,  lock_operation,
    lock_operation,   event_operation, alloc_operation, hold_operation,
    object_operation, load_object,     load_owned,      load_owned,
    load_token,       load_token,      load_turn,       load_turn,
    load_turn,        load_barrier,    load_barrier,    load_array,
    load_array,       list_operation,  load_dict,       load_dict,
    load_list,
};
#define OPERATIONS (sizeof operation / sizeof *operation)

static void
worker_main(void *baton)
{
    const load_worker_t *given = baton;
    apr_uint64_t which;
    int i;

    load_self = *given;
    for (i = 0; i < LOAD_HOLDS; i++) {
        load_self.hold[i] = mproc__hold_new();
        if (load_self.hold[i] == NULL) {
            stress_fault(STRESS_LOST, "worker %d: no hold: %s", load_self.index,
                         mproc_error_detail());
            return;
        }
    }
    load_sync_begin();
    for (;;) {
        which = stress_below(&load_self.draw, OPERATIONS);
        atomic_store(&oracle->doing[load_self.index], (int)which);
        atomic_store(&oracle->began[load_self.index],
                     (apr_uint64_t)mproc_clock());
        operation[which]();
        atomic_store(&oracle->began[load_self.index], 0);
        atomic_fetch_add(&oracle->done[load_self.index], 1);
    }
}

/* ------------------------------------------------------------------- killer */

static struct {
    apr_int64_t pid[LOAD_WORKERS];
    apr_uint64_t draw;
    apr_time_t stopped[LOAD_WORKERS]; /* until when, or 0 */
    apr_uint64_t unannounced;
} killer;

static void
worker_start(int index)
{
    load_worker_t worker = {.index = index,
                            .draw = stress_random(&killer.draw)};

    atomic_store(&oracle->began[index], 0);
    killer.stopped[index] = 0;
    killer.pid[index] = system_fork(worker_main, &worker);
}

/* Kill, and let the death be found: told, or not. */
static void
worker_end(int index, int tell)
{
    int crash;

    system_kill(killer.pid[index]);
    if (!system_reap(killer.pid[index], mproc_clock() + LOAD_PATIENCE,
                     &crash)) {
        stress_fault(STRESS_HANG, "worker %d cannot be killed", index);
    }
    else if (crash != 9) {
        stress_fault(STRESS_TORN, "worker %d ended by itself, signal %d", index,
                     crash);
    }
    load_sync_died(index);
    if (tell) {
        mproc__peers_ended(killer.pid[index]);
    }
}

/* Slow is not dead: its lock must stay its own. */
static void
worker_stop(int index)
{
    if (killer.stopped[index] == 0) {
        killer.stopped[index] =
            mproc_clock() + (apr_time_t)stress_below(&killer.draw, 150000);
        system_stop(killer.pid[index]);
    }
}

static void
workers_look(void)
{
    apr_time_t now = mproc_clock();
    int i;

    for (i = 0; i < LOAD_WORKERS; i++) {
        apr_uint64_t began = atomic_load(&oracle->began[i]);

        if (killer.stopped[i] != 0 && now > killer.stopped[i]) {
            killer.stopped[i] = 0;
            system_continue(killer.pid[i]);
        }
        if (began != 0 && now - (apr_time_t)began > LOAD_LATE) {
            stress_fault(STRESS_HANG,
                         "worker %d is at operation %d for "
                         "%d ms",
                         i, atomic_load(&oracle->doing[i]),
                         (int)((now - (apr_time_t)began) / 1000));
            system_group_show(system_pid());
            return;
        }
    }
}

/* What is called while something is awaited. */
static void
workers_tend(void)
{
    mproc_event_set(event);
    workers_look();
    load_sync_mend(workers_look);
}

/* Nobody is killed or stopped for a while: then each must get on, or it hangs;
 * who is killed often enough never hangs for long. */
static void
audit(void)
{
    apr_uint64_t done[LOAD_WORKERS];
    int i;

    for (i = 0; i < LOAD_WORKERS; i++) {
        killer.stopped[i] = killer.stopped[i] != 0; /* Its time is over. */
        done[i] = atomic_load(&oracle->done[i]);
    }
    load_sync_audit(workers_tend);
    for (i = 0; i < LOAD_WORKERS && stress_faults() == 0; i++) {
        while (atomic_load(&oracle->done[i]) == done[i] &&
               stress_faults() == 0) {
            workers_tend();
            apr_sleep(100);
        }
    }
}

static void
killer_work(const char *name, apr_uint64_t kills)
{
    apr_uint64_t i;

    for (i = 0; i < kills && stress_faults() == 0; i++) {
        int victim = (int)stress_below(&killer.draw, LOAD_WORKERS);

        stress_beat("%s: kill %" PRIu64, name, (uint64_t)i);
        apr_sleep((apr_interval_time_t)stress_below(&killer.draw, 4000));
        mproc_event_set(event);
        if (stress_below(&killer.draw, 8) == 0) {
            worker_stop((int)stress_below(&killer.draw, LOAD_WORKERS));
        }
        workers_look();
        load_sync_mend(workers_look);
        worker_end(victim, stress_below(&killer.draw, 2) == 0);
        atomic_fetch_add(&stress_board->kills, 1);
        worker_start(victim);
        if (i % AUDIT_EVERY == 0) {
            audit();
        }
    }
}

static void
counts_check(void)
{
    int i, j;

    for (i = 0; i < GUARDED; i++) {
        guarded_t *guarded = &oracle->guarded[i];
        apr_uint64_t counted = 0;
        apr_status_t rv = guarded_acquire(i, LOAD_PATIENCE);

        if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
            stress_fault(STRESS_HANG, "in the end a lock gave status %d", rv);
            continue;
        }
        if (rv == MPROC_EOWNERDEAD) {
            atomic_fetch_add(&guarded->repaired, 1);
        }
        guarded_release(i);
        for (j = 0; j < LOAD_WORKERS; j++) {
            counted += atomic_load(&guarded->counted[j]);
        }
        if (guarded->first < counted ||
            guarded->first > counted + atomic_load(&guarded->repaired)) {
            stress_fault(STRESS_LOST,
                         "a lock's word says %" PRIu64
                         ", the workers counted %" PRIu64 ", %" PRIu64
                         " died within",
                         (uint64_t)guarded->first, (uint64_t)counted,
                         (uint64_t)atomic_load(&guarded->repaired));
        }
    }
}

/* Who looks by itself finds what it was not woken for, which hides that nobody
 * woke it. A few are well: a waker was stopped, or died just after all had
 * been looked at. */
static void
rescues_check(apr_uint64_t rescues)
{
    if (rescues > RESCUES_MOST(stress_options.kills)) {
        stress_fault(STRESS_LOST, "%" PRIu64 " wake-ups were lost",
                     (uint64_t)rescues);
    }
    else if (rescues > 0) {
        printf("%-18s note: %" PRIu64 " waiters found by themselves what "
               "they were not woken for in time\n",
               "", (uint64_t)rescues);
    }
}

static void
load_set_up(void)
{
    char text[LETTERS + 1];
    int i;

    apr_pool_create(&own_pool, NULL);
    for (i = 0; i < LOCKS; i++) {
        if (mproc_lock_create(&locks[i], own_pool) != APR_SUCCESS) {
            exit(2);
        }
    }
    element_make(text, 'a');
    if (mproc_rlock_create(&rlock, own_pool) != APR_SUCCESS ||
        mproc_event_create(&event, own_pool) != APR_SUCCESS ||
        mproc_shareable_list_create(&list, own_pool, "[s s s]", text, text,
                                    text) != APR_SUCCESS) {
        exit(2);
    }
    load_sync_set_up(own_pool);
    load_dict_set_up(own_pool);
    oracle = system_share(sizeof *oracle);
    killer.draw = stress_options.seed;
}

void
stress_load_run(const stress_scenario_t *scenario)
{
    apr_time_t start = mproc_clock();
    mproc_census_t before, after;
    apr_uint64_t repaired = 0, done = 0;
    int i;

    load_set_up();
    stress_census_begin(&before);
    for (i = 0; i < LOAD_WORKERS; i++) {
        worker_start(i);
    }
    killer_work(scenario->name, stress_options.kills);
    for (i = 0; i < LOAD_WORKERS; i++) {
        worker_end(i, 0);
    }
    for (i = 0; i < 3; i++) { /* At most once in 100 ms. */
        apr_sleep(110 * 1000);
        mproc__peers_look_around();
    }
    counts_check();
    load_sync_check();
    load_dict_check();
    mproc_census(&after);
    if (stress_census_compare(&before, &after) != 0) {
        stress_fault(STRESS_LEAKED, "%s: in the end", scenario->name);
    }
    if (stress_arena_check() != 0) {
        stress_fault(STRESS_TORN, "%s: in the end", scenario->name);
    }
    for (i = 0; i < LOAD_WORKERS; i++) {
        done += atomic_load(&oracle->done[i]);
    }
    for (i = 0; i < GUARDED; i++) {
        repaired += atomic_load(&oracle->guarded[i].repaired);
    }
    printf("%-18s %6" PRIu64 " operations, %" PRIu64 " locks of the dead, "
           "%5.1f MiB committed, %.1f s\n",
           scenario->name, (uint64_t)done, (uint64_t)repaired,
           (double)after.committed / (1 << 20),
           (double)(mproc_clock() - start) / 1e6);
    load_sync_print();
    rescues_check(after.rescues - before.rescues);
}
