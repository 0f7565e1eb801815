/*
 * parking.c: the one way to wait.
 *
 * A waiter writes into its own thread entry which words it waits for, sets
 * its bit in the map of waiters, looks at the words once more (its `needed`
 * function), and sleeps. A waker changes a word first and then looks through
 * the map. Both are sequentially consistent, so one of them sees the other:
 * no wake-up is lost. The waker claims a waiter by WAITING -> WOKEN, one
 * compare-and-swap, so that each wake-up goes to one thread; then it wakes it.
 *
 * A wake-up only says "look again": what may be had lies in the word. When a
 * waker dies between word and wake, or a woken thread dies before it looked,
 * the recovery wakes everybody. A waiter also looks by itself every 100 ms;
 * should that ever find what no wake-up told, it is counted as a rescue, and
 * the tests want none. Invariant: a thread sleeps only while its bit is set,
 * and every change that it waits for is followed by a look at the bits, or
 * by a death; and never while it is WOKEN, for nobody would wake it again.
 * Who waits for something of a process must ask in `needed` whether that is
 * gone: its recovery may have woken everybody just before.
 *
 * A waiter may name a second word that it can be moved to: WAITING -> MOVED,
 * and from then on it waits for that one only, without having run. A move is
 * for one thread, and is all that it is told; so is a WOKEN that such a
 * waiter got without a move. When it dies before it has used that up, the
 * recovery wakes another waiter of its first word. Until it has, it leaves a
 * note, `grant`: it writes that before it leaves the entry, and clears it when
 * it has (condition.c).
 */
#include "parking.h"

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "layout.h"
#include "peers.h"
#include "trace.h"
#include "words.h"

#define SLICE (100 * 1000) /* microseconds between looks around */
#define GRACE (20 * 1000)  /* for a waker that is slow, not dead */
#define GLANCE 1000        /* between looks meanwhile */
#define SPIN_MOST 2000     /* rounds; about 20 microseconds */
#define SPIN_LEAST 16
#define SPIN_GAP 64   /* rounds at most between two looks */
#define SPIN_CALL 32  /* rounds that take as long as a call of the system */
#define SPIN_REST 256 /* waits without, when it does not pay */

/* How long spinning pays for this thread; found out as it goes. */
static _Thread_local struct {
    int rounds; /* 0: it does not, */
    int rests;  /* for so many waits now */
} spin = {SPIN_MOST, 0};

/* This thread's list of words, when it waits on many. */
static _Thread_local struct {
    mproc__hold_t *hold;
    apr_uint64_t room;
    unsigned epoch;
} list;

void (*_Atomic mproc__parking_look)(void);

apr_time_t
mproc__deadline(apr_interval_time_t timeout)
{
    if (timeout == MPROC_FOREVER) {
        return MPROC_PLAT_NEVER;
    }
    if (timeout <= 0) {
        return 0;
    }
    if (timeout > MPROC_PLAT_NEVER / 2) {
        return MPROC_PLAT_NEVER;
    }
    return mproc_plat_clock() + timeout;
}

apr_time_t
mproc_clock(void)
{
    return mproc_plat_clock();
}

apr_interval_time_t
mproc_timeout_until(apr_time_t deadline)
{
    apr_time_t now = mproc_plat_clock();
    return deadline > now ? deadline - now : 0;
}

/* How many rounds to spin in this wait. When spinning has not paid for a while
 * it is left, but for a try now and then: two who talk to each other, and both
 * sleep, would never find out that they need not. */
static int
spin_budget(void)
{
    if (spin.rounds > 0) {
        return spin.rounds;
    }
    if (++spin.rests < SPIN_REST) {
        return 1;
    }
    spin.rests = 0;
    return SPIN_MOST;
}

static void
spin_learn(int budget, int paid)
{
    if (paid && budget > 1) {
        spin.rounds = budget < SPIN_MOST ? budget + budget / 4 + 1 : SPIN_MOST;
    }
    else if (!paid && spin.rounds > 0) {
        spin.rounds =
            spin.rounds > SPIN_LEAST ? spin.rounds - spin.rounds / 8 : 0;
    }
}

/* A look takes the cache line from who works on it, so the longer the wait has
 * been the rarer are the looks. */
int
mproc__spin(mproc__needed_fn_t needed, void *baton)
{
    return mproc__spin_dear(needed, baton, 0);
}

int
mproc__spin_dear(mproc__needed_fn_t needed, void *baton, int calls)
{
    static atomic_int processors;
    int count = atomic_load_explicit(&processors, memory_order_relaxed);
    int budget, gap = 1, i, k;

    if (count == 0) {
        count = mproc_plat_cpu_count();
        atomic_store_explicit(&processors, count, memory_order_relaxed);
    }
    budget = count < 2 ? 1 : spin_budget();
    if (budget == 1 && calls > 0) {
        return 0; /* Who waits looks, too. */
    }
    for (i = 0; i < budget; i += gap + calls * SPIN_CALL) {
        if (!needed(baton)) {
            spin_learn(budget, 1);
            return 1;
        }
        for (k = 0; k < gap && budget > 1; k++) { /* There is a next look. */
            mproc_plat_pause();
        }
        gap = gap < SPIN_GAP ? gap * 2 : gap;
    }
    spin_learn(budget, 0);
    return 0;
}

/* ----------------------------------------------------------------- waiting */

/* Room for so many words in the thread's list. A waker that is late may still
 * read an earlier, shorter list: it reads the count first, and a block that was
 * freed stays memory. */
static int
list_reach(mproc__thread_t *self, apr_uint64_t count)
{
    mproc__hold_t *hold;

    if (list.epoch != mproc__peers_epoch()) {
        list.hold = NULL; /* The parent's. */
        list.room = 0;
    }
    if (count <= list.room) {
        return 1;
    }
    hold = mproc__hold_new();
    if (hold == NULL || mproc__arena_alloc(hold, count * sizeof(mproc__word_t),
                                           MPROC_KIND_BYTES) != APR_SUCCESS) {
        if (hold != NULL) {
            mproc__hold_free(hold);
        }
        return 0;
    }
    atomic_store(&self->list, mproc__arena_offset(
                                  mproc__arena_at(mproc__hold_handle(hold))));
    mproc__parking_ended();
    list.epoch = mproc__peers_epoch();
    list.hold = hold;
    list.room = count;
    return 1;
}

/* A wait has ended, or its thread: there is no list any more. */
void
mproc__parking_ended(void)
{
    if (list.hold != NULL && list.epoch == mproc__peers_epoch()) {
        mproc__arena_release(list.hold);
        mproc__hold_free(list.hold);
    }
    list.hold = NULL;
    list.room = 0;
}

static apr_uint32_t
waiter_enter(mproc__thread_t *self, void *const *words, int count,
             const void *moves_to)
{
    apr_uint32_t waiting = WAIT_NEXT(atomic_load(&self->waiting)) | WAITING;
    apr_uint64_t index = (apr_uint64_t)(self - mproc__arena.thread);
    int i;
    mproc__word_t *place = count > MPROC__PARK_WORDS
                               ? mproc__arena_address(atomic_load(&self->list))
                               : self->word;
    for (i = 0; i < count; i++) {
        atomic_store_explicit(&place[i], mproc__arena_offset(words[i]),
                              memory_order_relaxed);
    }
    atomic_store_explicit(&self->word_count, (apr_uint32_t)count,
                          memory_order_relaxed);
    atomic_store_explicit(&self->moves_to,
                          moves_to == NULL ? 0 : mproc__arena_offset(moves_to),
                          memory_order_relaxed);
    atomic_store_explicit(&self->began, 0, memory_order_relaxed);
    atomic_store_explicit(&self->until, 0, memory_order_relaxed);
    atomic_store_explicit(&self->since,
                          atomic_fetch_add(&mproc__arena.header->ticket, 1),
                          memory_order_relaxed);
    atomic_store(&self->waiting, waiting);
    atomic_fetch_or(&mproc__arena.header->parked[index / 64],
                    (apr_uint64_t)1 << index % 64);
    return waiting;
}

static void
waiter_hide(mproc__thread_t *self)
{
    apr_uint64_t index = (apr_uint64_t)(self - mproc__arena.thread);
    atomic_fetch_and(&mproc__arena.header->parked[index / 64],
                     ~((apr_uint64_t)1 << index % 64));
}

/* Returns 1 when somebody had woken it. */
static int
waiter_leave(mproc__thread_t *self, apr_uint32_t waiting)
{
    waiter_hide(self);
    return atomic_exchange(&self->waiting, (waiting & ~3U) | IDLE) != waiting;
}

/* Whether the thread's entry names a word, as one that it waits for or can be
 * moved to. */
static int
thread_names(mproc__thread_t *thread, apr_uint64_t offset)
{
    apr_uint32_t count = atomic_load(&thread->word_count), i;
    for (i = 0; i < count && i < MPROC__PARK_WORDS; i++) {
        if (atomic_load(&thread->word[i]) == offset) {
            return 1;
        }
    }
    return atomic_load(&thread->moves_to) == offset;
}

/* Whether another was woken for what this thread waits for, and has yet to
 * run: what may be had is that one's. */
static int
another_is_woken(mproc__thread_t *self)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    apr_uint64_t mine = WAIT_STATE(atomic_load(&self->waiting)) == MOVED
                            ? self->moves_to
                            : self->word[0];

    for (i = 0; i < (high + 63) / 64; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i]);
        for (; bits != 0; bits &= bits - 1) {
            mproc__thread_t *thread =
                &mproc__arena.thread[i * 64 + (unsigned)__builtin_ctzll(bits)];
            if (thread != self &&
                WAIT_STATE(atomic_load(&thread->waiting)) == WOKEN &&
                thread_names(thread, mine)) {
                return 1;
            }
        }
    }
    return 0;
}

/* A slice has passed without a wake-up; is there one that should have come?
 * Not when it went to another, nor when others take what there is in turn. */
static void
waiter_look(mproc__thread_t *self, apr_uint32_t waiting,
            mproc__needed_fn_t needed, void *baton)
{
    void (*look)(void) = atomic_load(&mproc__parking_look);
    apr_time_t until;

    mproc__peers_look_around();
    if (look != NULL) {
        look();
    }
    until = mproc_plat_clock() + GRACE;
    do {
        if (needed(baton) || atomic_load(&self->waiting) != waiting ||
            another_is_woken(self) ||
            mproc_plat_park_wait(&self->park, mproc_plat_clock() + GLANCE) ==
                APR_SUCCESS) {
            return;
        }
    } while (mproc_plat_clock() < until);
    if (atomic_load(&self->waiting) == waiting) {
        atomic_fetch_add(&mproc__arena.header->rescues, 1);
    }
}

/* For those who look at the tree from outside; nothing depends on it. */
static void
waiter_tell(mproc__thread_t *self, apr_time_t now, apr_time_t deadline)
{
    if (atomic_load_explicit(&self->began, memory_order_relaxed) == 0) {
        atomic_store_explicit(&self->began, (apr_uint64_t)now,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&self->until, (apr_uint64_t)deadline,
                          memory_order_relaxed);
}

/* Sleep while it is needed, in a state, but not while it is WOKEN: nobody
 * would wake it again. A waker may have taken it before its bit was set, and
 * died. */
static apr_status_t
sleep_while_needed(mproc__thread_t *self, apr_uint32_t waiting,
                   mproc__needed_fn_t needed, mproc__needed_fn_t hopeless,
                   void *baton, apr_time_t deadline)
{
    while (needed(baton) && atomic_load(&self->waiting) == waiting) {
        apr_time_t now = deadline == MPROC_PLAT_NEVER ? mproc_plat_clock_rough()
                                                      : mproc_plat_clock();
        apr_time_t slice = now + SLICE;
        if (now >= deadline) {
            return APR_TIMEUP;
        }
        waiter_tell(self, now, deadline);
        if (mproc_plat_park_wait(&self->park,
                                 slice < deadline ? slice : deadline) ==
            APR_SUCCESS) {
            return APR_SUCCESS;
        }
        waiter_look(self, waiting, needed, baton);
        if (deadline == MPROC_PLAT_NEVER && hopeless != NULL &&
            hopeless(baton)) {
            return MPROC_EDEADLK;
        }
    }
    return APR_SUCCESS;
}

static void
wait_trace(const mproc__thread_t *self, apr_time_t began)
{
    char name[64];
    mproc_kind_e kind = mproc__chunk_kind(self->word[0]);
    mproc__trace_event_t event = {.name = name,
                                  .category = "wait",
                                  .pid = mproc_plat_pid(),
                                  .track = atomic_load(&self->tid),
                                  .begin = began,
                                  .end = mproc_plat_clock()};

    apr_snprintf(name, sizeof name, "wait: %s", mproc_kind_name(kind));
    mproc__trace_event(&event, "%s", "");
}

static apr_status_t
waiter_sleep(mproc__thread_t *self, apr_uint32_t waiting,
             mproc__needed_fn_t needed, mproc__needed_fn_t hopeless,
             void *baton, apr_time_t deadline)
{
    int traced = atomic_load_explicit(&mproc__tracing, memory_order_relaxed);
    apr_time_t began = traced ? mproc_plat_clock() : 0;
    apr_status_t rv =
        sleep_while_needed(self, waiting, needed, hopeless, baton, deadline);

    if (traced) {
        wait_trace(self, began);
    }
    return rv;
}

apr_status_t
mproc__park(void *const *words, int count, mproc__needed_fn_t needed,
            mproc__needed_fn_t hopeless, void *baton, apr_time_t deadline)
{
    mproc__thread_t *self = mproc__thread_self();
    apr_uint32_t waiting;
    apr_status_t rv;

    if (self == NULL ||
        (count > MPROC__PARK_WORDS && !list_reach(self, (apr_uint64_t)count))) {
        return APR_ENOMEM;
    }
    waiting = waiter_enter(self, words, count, NULL);
    rv = waiter_sleep(self, waiting, needed, hopeless, baton, deadline);
    rv = waiter_leave(self, waiting) ? APR_SUCCESS : rv;
    mproc__parking_ended();
    return rv;
}

apr_status_t
mproc__wait_refused(const char *call)
{
    return mproc__fail(APR_ENOMEM,
                       "%s: this thread cannot be registered in the shared "
                       "memory of the process tree; end some threads or "
                       "processes",
                       call);
}

/* ----------------------------------------------------------- waiting, moved */

int
mproc__waiter_enter(void *word, void *moves_to)
{
    mproc__thread_t *self = mproc__thread_self();

    return self != NULL && waiter_enter(self, &word, 1, moves_to) != 0;
}

apr_status_t
mproc__waiter_sleep(mproc__needed_fn_t needed, mproc__needed_fn_t hopeless,
                    void *baton, apr_time_t deadline)
{
    mproc__thread_t *self = mproc__thread_self();
    apr_uint32_t waiting = atomic_load(&self->waiting);

    return WAIT_STATE(waiting) == WOKEN
               ? APR_SUCCESS
               : waiter_sleep(self, waiting, needed, hopeless, baton, deadline);
}

mproc__waiter_e
mproc__waiter_state(void)
{
    switch (WAIT_STATE(atomic_load(&mproc__thread_self()->waiting))) {
    case WOKEN:
        return MPROC__WAITER_WOKEN;
    case MOVED:
        return MPROC__WAITER_MOVED;
    default:
        return MPROC__WAITER_WAITING;
    }
}

/* End a wait that can be moved, of the caller or of the dead: from then on it
 * is told nothing. Returns 1 when it has been; then it has a note. */
static int
waiter_end(mproc__thread_t *thread)
{
    apr_uint32_t waiting = atomic_load(&thread->waiting);

    while (WAIT_STATE(waiting) == WAITING) {
        if (atomic_compare_exchange_weak(&thread->waiting, &waiting,
                                         (waiting & ~3U) | IDLE)) {
            return 0;
        }
    }
    if (WAIT_STATE(waiting) == IDLE) {
        return 0;
    }
    /* In this order: dead in between, it has the note. */
    atomic_store(&thread->grant, atomic_load(&thread->word[0]));
    atomic_store(&thread->waiting, (waiting & ~3U) | IDLE);
    return 1;
}

int
mproc__waiter_leave(void)
{
    mproc__thread_t *self = mproc__thread_self();
    int told = waiter_end(self);

    waiter_hide(self);
    return told;
}

void
mproc__waiter_done(void)
{
    atomic_store(&mproc__thread_self()->grant, 0);
}

/* A wait is ended before it is looked at: whoever moves waiters does not know
 * yet that this one is dead. */
void
mproc__parking_recover(mproc__thread_t *thread)
{
    apr_uint64_t grant;

    if (atomic_load(&thread->moves_to) != 0) {
        waiter_end(thread);
    }
    else {
        atomic_fetch_and(&thread->waiting, ~3U);
    }
    grant = atomic_load(&thread->grant);
    if (grant != 0) {
        mproc__unpark(mproc__arena_address(grant), 1);
        atomic_store(&thread->grant, 0);
    }
}

/* ------------------------------------------------------------------ waking */

/* Whether the thread waits for a word; then `waiting` tells which wait. */
static int
waiter_waits_for(mproc__thread_t *thread, apr_uint64_t offset,
                 apr_uint32_t *waiting)
{
    mproc__word_t *place = thread->word;
    apr_uint32_t count, i;
    *waiting = atomic_load(&thread->waiting);
    count = atomic_load(&thread->word_count);
    if (WAIT_STATE(*waiting) == MOVED) {
        return atomic_load(&thread->moves_to) == offset;
    }
    if (WAIT_STATE(*waiting) != WAITING) {
        return 0;
    }
    if (count > MPROC__PARK_WORDS) {
        place = mproc__arena_address(atomic_load(&thread->list));
    }
    for (i = 0; i < count; i++) {
        if (atomic_load(&place[i]) == offset) {
            return 1;
        }
    }
    return 0;
}

/* What becomes of a waiter: MOVED, or WOKEN and awake. */
static int
waiter_turn(mproc__thread_t *thread, apr_uint32_t waiting, unsigned to)
{
    if (!atomic_compare_exchange_strong(&thread->waiting, &waiting,
                                        (waiting & ~3U) | to)) {
        return 0;
    }
    if (to == WOKEN) {
        mproc_plat_park_wake(&thread->park);
    }
    return 1;
}

/* All who wait for the word. */
static int
waiters_turn(apr_uint64_t offset, unsigned to)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    apr_uint32_t waiting;
    int woken = 0;

    for (i = 0; i < (high + 63) / 64; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i]);
        for (; bits != 0; bits &= bits - 1) {
            mproc__thread_t *thread =
                &mproc__arena.thread[i * 64 + (unsigned)__builtin_ctzll(bits)];
            if (waiter_waits_for(thread, offset, &waiting)) {
                woken += waiter_turn(thread, waiting, to);
            }
        }
    }
    return woken;
}

/* The one who waits longest for the word; 0 when nobody waits. */
static int
waiters_turn_first(apr_uint64_t offset, unsigned to, int *woken)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    mproc__thread_t *first = NULL;
    apr_uint64_t since = 0;
    apr_uint32_t waiting, which = 0;

    for (i = 0; i < (high + 63) / 64; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i]);
        for (; bits != 0; bits &= bits - 1) {
            mproc__thread_t *thread =
                &mproc__arena.thread[i * 64 + (unsigned)__builtin_ctzll(bits)];
            if (waiter_waits_for(thread, offset, &waiting) &&
                (first == NULL || atomic_load(&thread->since) < since)) {
                first = thread;
                since = atomic_load(&thread->since);
                which = waiting;
            }
        }
    }
    if (first == NULL) {
        return 0;
    }
    *woken += waiter_turn(first, which, to);
    return 1;
}

static int
waiters_turn_some(void *word, int n, unsigned to)
{
    apr_uint64_t offset = mproc__arena_offset(word);
    int woken = 0;

    if (n == MPROC__ALL) {
        return waiters_turn(offset, to);
    }
    while (woken < n && waiters_turn_first(offset, to, &woken)) {
    }
    return woken;
}

int
mproc__unpark(void *word, int n)
{
    return waiters_turn_some(word, n, WOKEN);
}

int
mproc__move(void *word, int n)
{
    return waiters_turn_some(word, n, MOVED);
}

void
mproc__unpark_all(void)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    for (i = 0; i < (high + 63) / 64; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i]);
        for (; bits != 0; bits &= bits - 1) {
            /* Whatever it says of itself: a waker may have died after WOKEN
             * and before the wake. */
            mproc_plat_park_wake(
                &mproc__arena.thread[i * 64 + (unsigned)__builtin_ctzll(bits)]
                     .park);
        }
    }
}
