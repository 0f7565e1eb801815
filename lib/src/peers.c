/*
 * peers.c: who is attached, and what happens when somebody dies.
 *
 * A process attaches by proving that it lives (plat_life.h) in a free slot
 * and then setting the slot's state:
 *
 *   FREE(n) -> LIVE(pid, n + 1) -> DEAD(n + 1) -> FREE(n + 1)
 *
 * Nobody detaches: who ends, however, is found dead, by its parent or by a
 * waiter that looks around, and the finder runs the recovery. Slot and n make
 * the peer's id, never used twice.
 *
 * Recovery of D by R: take the office (compare-and-swap of `recoverer` from
 * nobody, or from somebody who is dead and recovered, to R), mark D DEAD,
 * finish or undo what D's threads had begun, pass on what they were told,
 * release what D held, free its thread entries, wake all who wait (they look
 * again, and find locks of the dead), free the slot, leave the office. What D
 * waited at lives while D holds it, and who finds itself alone with an object
 * has been told by then. Every step can be run again, and R works through its
 * own intents: when R dies, R is recovered first, which completes the step R
 * was at, and then D is taken up again from the start.
 * Invariant: while a slot is not FREE or LIVE, whoever holds its office is
 * alive, or dead and found by the next look around.
 */
#include "peers.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_life.h"
#include "../../platform/plat_self.h"
#include "../../platform/plat_sys.h"
#include "error.h"
#include "layout.h"
#include "names.h"
#include "netwatch.h"
#include "notifier.h"
#include "object.h"
#include "parking.h"
#include "words.h"

/* A slot's office: who recovers 0-35, which incarnation of it 36-59. */
#define OFFICE_PEER(office)                                                    \
    ((office) & ((APR_UINT64_C(1) << MPROC__PEER_BITS) - 1))
#define OFFICE_INCARNATION(office)                                             \
    ((apr_uint32_t)((office) >> MPROC__PEER_BITS & 0xffffff))
#define OFFICE(peer, incarnation)                                              \
    ((apr_uint64_t)(incarnation) << MPROC__PEER_BITS | (peer))

#define LOOK_EVERY (100 * 1000) /* microseconds */

/* This process, private. */
static struct {
    atomic_flag busy;      /* guards attaching and the free holds */
    atomic_flag repairing; /* guards recovery, which may take holds */
    atomic_uint epoch;
    int hooked;
    mproc__hold_t **free;           /* holds that were given back */
    apr_size_t free_count, total;   /* total: room in free, too */
    mproc__hold_t *few[MPROC__FEW]; /* the first room */
    mproc__hold_t *fresh;           /* never used yet: these, one by one */
    apr_size_t fresh_count;
    mproc__hold_t *tail; /* where the next hold list is to be hung */
} peers = {.busy = ATOMIC_FLAG_INIT, .repairing = ATOMIC_FLAG_INIT};

static _Thread_local mproc__thread_t *thread_self;
_Thread_local mproc__me_t mproc__me;
_Atomic mproc__peer_t mproc__peer_attached;
atomic_int mproc__own_threads;
static _Thread_local int thread_hooked; /* outlasts a fork */

/* Who has it cannot be cancelled; unguard() takes what this returns. */
static int
guard(atomic_flag *flag)
{
    int cancel = mproc_plat_self_cancel(0);
    while (atomic_flag_test_and_set_explicit(flag, memory_order_acquire)) {
        mproc_plat_yield();
    }
    return cancel;
}

static void
unguard(atomic_flag *flag, int cancel)
{
    atomic_flag_clear_explicit(flag, memory_order_release);
    (void)mproc_plat_self_cancel(cancel);
}

static mproc__peer_t
peer_id(unsigned slot, apr_uint64_t state)
{
    return ID(slot, PEER_INCARNATION(state));
}

/* Raise a high-water mark, having put memory behind what it covers. */
static apr_status_t
table_reach(mproc__word_t *high, apr_uint64_t index, const void *entry,
            apr_size_t size)
{
    apr_uint64_t old = atomic_load(high);
    apr_status_t rv;
    if (index < old) {
        return APR_SUCCESS;
    }
    rv = mproc__arena_commit(entry, size);
    while (rv == APR_SUCCESS && old <= index &&
           !atomic_compare_exchange_weak(high, &old, index + 1)) {
    }
    return rv;
}

/* --------------------------------------------------------------- attaching */

/* A forked child is nobody yet, and has nothing. */
static void
peers_forked(void)
{
    atomic_store(&mproc__peer_attached, 0);
    atomic_fetch_add(&peers.epoch, 1);
    thread_self = NULL;
    mproc__me = (mproc__me_t){0, 0};
    atomic_store(&mproc__own_threads, 0);
    peers.free = NULL; /* Not freed: who knows who held malloc's lock. */
    peers.free_count = peers.total = peers.fresh_count = 0;
    peers.tail = NULL;
    atomic_flag_clear(&peers.busy);
    atomic_flag_clear(&peers.repairing);
    mproc__notifier_forget();
    mproc__objects_forked();
    mproc__netwatch_forget();
}

static apr_status_t
slot_take(unsigned slot, apr_uint64_t start)
{
    mproc__peer_entry_t *entry = &mproc__arena.peer[slot];
    apr_uint64_t state;
    apr_status_t rv = table_reach(&mproc__arena.header->peers_high, slot, entry,
                                  sizeof *entry);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    state = atomic_load(&entry->state);
    if (PEER_STATE(state) != PEER_FREE ||
        mproc_plat_life_hold(&mproc__arena.map, slot) != APR_SUCCESS) {
        return APR_EBUSY;
    }
    /* The proof comes first: nobody is LIVE without it. */
    if (!atomic_compare_exchange_strong(
            &entry->state, &state,
            (apr_uint64_t)mproc_plat_pid() << 32 |
                ((apr_uint64_t)(PEER_INCARNATION(state) + 1) & 0xffffff) << 8 |
                PEER_LIVE)) {
        mproc_plat_life_drop(&mproc__arena.map, slot);
        return APR_EBUSY;
    }
    entry->start = start != 0 ? start : mproc_plat_life_start();
    atomic_store(&mproc__peer_attached,
                 peer_id(slot, atomic_load(&entry->state)));
    return APR_SUCCESS;
}

static apr_status_t
attach_slot(apr_uint64_t start)
{
    apr_status_t rv = APR_EBUSY;
    unsigned slot;
    for (slot = 0; slot < MPROC__PEERS && rv == APR_EBUSY; slot++) {
        rv = slot_take(slot, start);
    }
    if (rv == APR_EBUSY) {
        return mproc__fail(APR_ENOMEM,
                           "%d processes are attached to this tree already, "
                           "which is as many as fit; end some",
                           MPROC__PEERS);
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "no memory to attach this process to the "
                               "shared arena; free some memory");
    }
    peers.tail = &mproc__arena.peer[ID_SLOT(mproc__peer_self())].holds;
    peers.fresh = mproc__arena.peer[ID_SLOT(mproc__peer_self())].few;
    peers.fresh_count = peers.total = MPROC__FEW;
    peers.free = peers.few;
    return APR_SUCCESS;
}

static apr_status_t
attach(apr_int64_t map_handle, apr_uint64_t map_size, apr_uint64_t start)
{
    apr_status_t rv = APR_SUCCESS;
    int inherit = 0;

    int cancel = guard(&peers.busy);
    if (atomic_load(&mproc__peer_attached) == 0) {
        inherit = mproc__arena.header != NULL;
        if (!peers.hooked) {
            rv = mproc_plat_on_fork(mproc__objects_forking, peers_forked);
            peers.hooked = rv == APR_SUCCESS;
        }
        if (rv == APR_SUCCESS && !inherit) {
            rv = map_size == 0 ? mproc__arena_create()
                               : mproc__arena_attach(map_handle, map_size);
        }
        if (rv == APR_SUCCESS) {
            rv = attach_slot(start);
        }
    }
    unguard(&peers.busy, cancel);
    if (rv == APR_SUCCESS && inherit) {
        rv = mproc__objects_inherit();
    }
    return rv;
}

apr_status_t
mproc__peers_attach_now(void)
{
    return attach(0, 0, 0);
}

apr_status_t
mproc__peers_attach_forked(apr_uint64_t start)
{
    return attach(0, 0, start);
}

apr_status_t
mproc__peers_join(apr_int64_t map_handle, apr_uint64_t map_size)
{
    return attach(map_handle, map_size, 0);
}

void
mproc__peers_map(apr_int64_t *map_handle, apr_uint64_t *map_size)
{
    *map_handle = mproc__arena.map.handle;
    *map_size = mproc__arena.map.size;
}

unsigned
mproc__peers_epoch(void)
{
    return atomic_load(&peers.epoch);
}

/* ----------------------------------------------------------------- threads */

/* Its thread ends: nothing is begun, nothing is waited for. */
static void
thread_ended(void *unused)
{
    mproc__thread_t *thread = thread_self;
    (void)unused;
    thread_hooked = 0;
    if (thread == NULL) {
        return;
    }
    apr_uint64_t state = atomic_load(&thread->state);
    if (THREAD_PEER(state) == mproc__peer_self()) {
        mproc__parking_ended();
        mproc_plat_park_done(&thread->park);
        thread_self = NULL;
        mproc__me.actor = 0;
        atomic_store(&thread->state, THREAD_NEXT(state));
        if (mproc__me.owns > 0) {
            mproc__me.owns = 0;
            mproc__unpark_all();
        }
    }
}

static apr_status_t
thread_hook(void)
{
    apr_status_t rv = APR_SUCCESS;
    if (!thread_hooked) {
        rv = mproc_plat_thread_on_exit(thread_ended, &thread_hooked);
        thread_hooked = rv == APR_SUCCESS;
    }
    return rv;
}

static mproc__thread_t *
thread_take(mproc__thread_t *thread)
{
    apr_uint64_t state = atomic_load(&thread->state);
    if ((state & THREAD_USED) ||
        !atomic_compare_exchange_strong(
            &thread->state, &state,
            (state >> 37 << 37) | mproc__peer_self() << 1 | THREAD_USED)) {
        return NULL;
    }
    atomic_fetch_and(&thread->waiting, ~3U);
    atomic_store(&thread->tid, mproc_plat_thread_id());
    if (mproc_plat_park_init(&thread->park) != APR_SUCCESS ||
        thread_hook() != APR_SUCCESS) {
        atomic_store(&thread->state, THREAD_NEXT(state));
        return NULL;
    }
    return thread;
}

mproc__thread_t *
mproc__thread_self(void)
{
    apr_uint64_t i;
    if (thread_self != NULL) {
        return thread_self;
    }
    if (mproc__peers_attach() != APR_SUCCESS) {
        return NULL;
    }
    for (i = 0; i < MPROC__THREADS && thread_self == NULL; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        if (table_reach(&mproc__arena.header->threads_high, i, thread,
                        sizeof *thread) != APR_SUCCESS) {
            return NULL;
        }
        thread_self = thread_take(thread);
    }
    return thread_self;
}

mproc__actor_t
mproc__actor_make(void)
{
    mproc__thread_t *thread = mproc__thread_self();
    if (thread != NULL) {
        mproc__me.actor = mproc__peer_self() |
                          (apr_uint64_t)(thread - mproc__arena.thread) << 37 |
                          THREAD_INCARNATION(atomic_load(&thread->state)) << 50;
    }
    return mproc__me.actor;
}

int
mproc__actor_has_ended(mproc__actor_t actor)
{
    mproc__thread_t *thread = &mproc__arena.thread[MPROC__ACTOR_ENTRY(actor)];
    apr_uint64_t state = atomic_load(&thread->state);
    return !(state & THREAD_USED) ||
           THREAD_PEER(state) != MPROC__ACTOR_PEER(actor) ||
           (THREAD_INCARNATION(state) & 0x3fff) !=
               MPROC__ACTOR_INCARNATION(actor);
}

/* ------------------------------------------------------------------- holds */

/* Hang one more block of holds onto the list; the guard is held. */
static int
holds_grow(void)
{
    apr_size_t size = (peers.total + HOLD_LIST_COUNT) * sizeof *peers.free;
    mproc__hold_t **more;
    hold_list_t *list;

    /* Room for all there are, so that giving one back cannot fail. */
    more = realloc(peers.free == peers.few ? NULL : peers.free, size);
    if (more == NULL) {
        return 0;
    }
    if (peers.free == peers.few) {
        memcpy(more, peers.few, sizeof peers.few);
    }
    peers.free = more;
    if (mproc__arena_alloc(peers.tail, sizeof *list, MPROC_KIND_HOLD) !=
        APR_SUCCESS) {
        return 0;
    }
    list = mproc__arena_at(mproc__hold_handle(peers.tail));
    peers.tail = &list->next;
    peers.total += HOLD_LIST_COUNT;
    peers.fresh = list->hold;
    peers.fresh_count = HOLD_LIST_COUNT;
    return 1;
}

mproc__hold_t *
mproc__hold_new(void)
{
    mproc__hold_t *hold = NULL;
    if (mproc__thread_self() == NULL) {
        return NULL;
    }
    int cancel = guard(&peers.busy);
    if (peers.free_count > 0) {
        hold = peers.free[--peers.free_count];
    }
    else if (peers.fresh_count > 0 || holds_grow()) {
        peers.fresh_count--;
        hold = peers.fresh++;
    }
    unguard(&peers.busy, cancel);
    return hold;
}

void
mproc__hold_free(mproc__hold_t *hold)
{
    if (mproc__hold_handle(hold) != 0) {
        return; /* It could not be released: it goes with the process. */
    }
    int cancel = guard(&peers.busy);
    peers.free[peers.free_count++] = hold;
    unguard(&peers.busy, cancel);
}

/* Release all that a dead peer held, then its list, from the end. */
static void
holds_release(mproc__peer_entry_t *entry)
{
    hold_list_t *list;
    mproc__hold_t *last;
    apr_size_t i;

    for (i = 0; i < MPROC__FEW; i++) {
        if (mproc__hold_handle(&entry->few[i]) != 0) {
            mproc__arena_release(&entry->few[i]);
        }
    }
    for (last = &entry->holds;
         (list = mproc__arena_at(mproc__hold_handle(last))) != NULL;
         last = &list->next) {
        for (i = 0; i < HOLD_LIST_COUNT; i++) {
            if (mproc__hold_handle(&list->hold[i]) != 0) {
                mproc__arena_release(&list->hold[i]);
            }
        }
    }
    while (mproc__hold_handle(&entry->holds) != 0) {
        for (last = &entry->holds;;) {
            list = mproc__arena_at(mproc__hold_handle(last));
            if (list == NULL || mproc__hold_handle(&list->next) == 0) {
                break;
            }
            last = &list->next;
        }
        mproc__arena_release(last);
    }
}

/* ---------------------------------------------------------------- recovery */

static void recover(unsigned slot, apr_uint64_t state);

static int
peer_has_ended(unsigned slot, apr_uint64_t state)
{
    return mproc_plat_life_ended(&mproc__arena.map, slot, PEER_PID(state),
                                 mproc__arena.peer[slot].start);
}

/* Take the office of recovering a peer; 0 when somebody alive has it, or all
 * is done. What is left in it from a former holder of the slot means nothing:
 * followed, it could lead in a circle. */
static int
office_take(mproc__peer_entry_t *entry, apr_uint64_t dead)
{
    mproc__peer_t self = mproc__peer_self();
    apr_uint64_t office = atomic_load(&entry->recoverer);
    mproc__peer_t other = OFFICE_PEER(office);

    if (PEER_INCARNATION(atomic_load(&entry->state)) !=
        PEER_INCARNATION(dead)) {
        return 0;
    }
    if (other != 0 && other != self &&
        OFFICE_INCARNATION(office) == PEER_INCARNATION(dead)) {
        unsigned slot = ID_SLOT(other);
        apr_uint64_t state = atomic_load(&mproc__arena.peer[slot].state);
        if (PEER_INCARNATION(state) == ID_INCARNATION(other) &&
            PEER_STATE(state) != PEER_FREE) {
            if (PEER_STATE(state) == PEER_LIVE &&
                !peer_has_ended(slot, state)) {
                return 0;
            }
            /* First complete what that one was at. */
            recover(slot, state);
            state = atomic_load(&mproc__arena.peer[slot].state);
            if (PEER_INCARNATION(state) == ID_INCARNATION(other) &&
                PEER_STATE(state) != PEER_FREE) {
                return 0;
            }
        }
    }
    return atomic_compare_exchange_strong(&entry->recoverer, &office,
                                          OFFICE(self, PEER_INCARNATION(dead)));
}

static void
threads_recover(mproc__peer_t dead)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        apr_uint64_t state = atomic_load(&thread->state);
        if ((state & THREAD_USED) && THREAD_PEER(state) == dead) {
            mproc__block_recover(thread);
            mproc__parking_recover(thread);
        }
    }
}

static void
threads_free(mproc__peer_t dead)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->threads_high), i;
    for (i = 0; i < high; i++) {
        mproc__thread_t *thread = &mproc__arena.thread[i];
        apr_uint64_t state = atomic_load(&thread->state);
        if ((state & THREAD_USED) && THREAD_PEER(state) == dead) {
            atomic_fetch_and(&mproc__arena.header->parked[i / 64],
                             ~((apr_uint64_t)1 << i % 64));
            atomic_store(&thread->state, THREAD_NEXT(state));
        }
    }
}

/* `repairing` is held; `state` is what the caller found dead. */
static void
recover(unsigned slot, apr_uint64_t state)
{
    mproc__peer_entry_t *entry = &mproc__arena.peer[slot];
    mproc__peer_t self = mproc__peer_self(), dead = peer_id(slot, state);
    apr_uint64_t mine = OFFICE(self, PEER_INCARNATION(state)), now;

    if (mproc__thread_self() == NULL || !office_take(entry, state)) {
        return;
    }
    now = atomic_load(&entry->state);
    if (PEER_INCARNATION(now) == PEER_INCARNATION(state) &&
        PEER_STATE(now) != PEER_FREE) {
        atomic_store(&entry->state,
                     (now & APR_UINT64_C(0xffffffffffffff00)) | PEER_DEAD);
        atomic_fetch_add(&mproc__arena.header->deaths, 1);
        threads_recover(dead);
        holds_release(entry);
        mproc__names_recover(dead);
        mproc__chunk_rehint();
        threads_free(dead);
        mproc__unpark_all();
        entry->start = 0;
        atomic_store(&entry->state,
                     (apr_uint64_t)PEER_INCARNATION(now) << 8 | PEER_FREE);
    }
    atomic_compare_exchange_strong(&entry->recoverer, &mine, 0);
}

static int
recover_if_dead(unsigned slot, apr_uint64_t state)
{
    if (PEER_STATE(state) == PEER_FREE ||
        peer_id(slot, state) == mproc__peer_self() ||
        (PEER_STATE(state) == PEER_LIVE && !peer_has_ended(slot, state))) {
        return 0;
    }
    int cancel = guard(&peers.repairing);
    recover(slot, state);
    unguard(&peers.repairing, cancel);
    return 1;
}

apr_int64_t
mproc__peer_pid(mproc__peer_t peer)
{
    apr_uint64_t state;
    if (peer == 0 || mproc__peer_is_gone(peer)) {
        return 0;
    }
    state = atomic_load(&mproc__arena.peer[ID_SLOT(peer)].state);
    return PEER_INCARNATION(state) == ID_INCARNATION(peer) ? PEER_PID(state)
                                                           : 0;
}

int
mproc__peer_is_gone(mproc__peer_t peer)
{
    apr_uint64_t state;
    if (ID_SLOT(peer) >= atomic_load(&mproc__arena.header->peers_high)) {
        return 1;
    }
    state = atomic_load(&mproc__arena.peer[ID_SLOT(peer)].state);
    return PEER_INCARNATION(state) != ID_INCARNATION(peer) ||
           PEER_STATE(state) != PEER_LIVE;
}

apr_uint64_t
mproc__peers_deaths(void)
{
    return atomic_load(&mproc__arena.header->deaths);
}

int
mproc__peer_is_dead(mproc__peer_t peer)
{
    unsigned slot = ID_SLOT(peer);
    return mproc__peer_is_gone(peer) ||
           recover_if_dead(slot, atomic_load(&mproc__arena.peer[slot].state));
}

void
mproc__peers_settle(void)
{
    apr_uint64_t high = atomic_load(&mproc__arena.header->peers_high), slot;
    for (slot = 0; slot < high; slot++) {
        apr_uint64_t state = atomic_load(&mproc__arena.peer[slot].state), now;
        /* Also who has ended and is not yet said to be DEAD: who recovers it
         * may have the office, and be just before that. */
        for (now = state; PEER_INCARNATION(now) == PEER_INCARNATION(state) &&
                          recover_if_dead((unsigned)slot, now);
             now = atomic_load(&mproc__arena.peer[slot].state)) {
            mproc_plat_yield();
        }
    }
}

void
mproc__peers_ended(apr_int64_t pid)
{
    apr_uint64_t high, slot;
    if (mproc__peer_self() == 0) {
        return;
    }
    high = atomic_load(&mproc__arena.header->peers_high);
    for (slot = 0; slot < high; slot++) {
        apr_uint64_t state = atomic_load(&mproc__arena.peer[slot].state);
        if (PEER_STATE(state) != PEER_FREE && PEER_PID(state) == pid) {
            recover_if_dead((unsigned)slot, state);
        }
    }
}

void
mproc__peers_look_around(void)
{
    apr_uint64_t now = (apr_uint64_t)mproc_plat_clock(), last, high, slot;

    if (mproc__peers_attach() != APR_SUCCESS) {
        return;
    }
    last = atomic_load(&mproc__arena.header->last_look);
    if (now - last < LOOK_EVERY ||
        !atomic_compare_exchange_strong(&mproc__arena.header->last_look, &last,
                                        now)) {
        return;
    }
    high = atomic_load(&mproc__arena.header->peers_high);
    for (slot = 0; slot < high; slot++) {
        recover_if_dead((unsigned)slot,
                        atomic_load(&mproc__arena.peer[slot].state));
    }
}

/* Who comes to this at the same time says so before it looks, so that one at
 * least sees no other. An id that is not the slot's says nothing. */
int
mproc__peers_last(void)
{
    mproc__peer_t self = mproc__peer_self();
    apr_uint64_t high, slot;

    if (self == 0) {
        return 0;
    }
    atomic_store(&mproc__arena.peer[ID_SLOT(self)].leaving, self);
    high = atomic_load(&mproc__arena.header->peers_high);
    for (slot = 0; slot < high; slot++) {
        mproc__peer_entry_t *entry = &mproc__arena.peer[slot];
        apr_uint64_t state = atomic_load(&entry->state);
        mproc__peer_t peer = peer_id((unsigned)slot, state);

        if (PEER_STATE(state) != PEER_FREE && peer != self &&
            atomic_load(&entry->leaving) != peer &&
            !recover_if_dead((unsigned)slot, state)) {
            return 0;
        }
    }
    return 1;
}

/* ------------------------------------------------------------------ census */

int
mproc__peer_entry_used(const mproc__peer_entry_t *entry)
{
    return PEER_STATE(atomic_load(&entry->state)) != PEER_FREE;
}

int
mproc__thread_used(const mproc__thread_t *thread)
{
    return (int)(atomic_load(&thread->state) & THREAD_USED);
}
