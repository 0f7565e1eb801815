/*
 * netwatch.c: one thread at most that waits for handles and unparks words.
 *
 * Who waits in the parking lot cannot wait for a socket. So a socket has a
 * word in the arena. A waiter enters itself for the word, arms the handle, and
 * looks at the handle; only then it sleeps. Arming puts handle and word into a
 * list, once, and rings a bell; the thread here polls the bell and what is in
 * the list, takes out what is ready, and then unparks its word.
 *
 * No wake-up is lost: what comes after the waiter looked finds the entry in the
 * list, or has been taken out after the waiter entered, and what is taken out
 * is unparked afterwards, when the waiter is entered. Who is woken and wants
 * to wait again arms again. Invariant: an entry is in the list, or its word
 * will be unparked by the thread, or nobody armed it since it was.
 *
 * The list is guarded by a flag that is held for a few instructions. The word
 * is only a name when it is unparked: its block may be gone.
 */
#include "netwatch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../../platform/plat_net.h"
#include "../../platform/plat_sys.h"
#include "parking.h"
#include "peers.h"

#define SLICE (100 * 1000) /* microseconds between looks */

typedef struct entry_t {
    apr_int64_t handle;
    void *word;
} entry_t;

static struct {
    atomic_flag busy;
    int state;           /* 0: not begun; 1: the thread runs; -1: it ended */
    apr_int64_t bell[2]; /* the thread polls 0, others write to 1 */
    entry_t *entries;
    int count, room;
} watch = {.busy = ATOMIC_FLAG_INIT};

static void
guard(void)
{
    while (
        atomic_flag_test_and_set_explicit(&watch.busy, memory_order_acquire)) {
        mproc_plat_yield();
    }
}

static void
unguard(void)
{
    atomic_flag_clear_explicit(&watch.busy, memory_order_release);
}

/* A bell that is full has been rung. */
static void
bell_ring(void)
{
    apr_size_t sent;
    (void)mproc_plat_net_send(watch.bell[1], "", 1, NULL, 0, &sent);
}

/* 0 when the host has closed it under us. */
static int
bell_hear(void)
{
    char bytes[64];
    apr_status_t rv;

    do {
        apr_size_t size = sizeof bytes;
        rv = mproc_plat_net_recv(watch.bell[0], bytes, &size);
    } while (rv == APR_SUCCESS);
    return rv == APR_EAGAIN;
}

/* The bell and what is in the list, as it is now; returns how many. */
static int
items_fill(mproc_plat_net_item_t **items, int *room)
{
    int count, i;

    guard();
    count = watch.count + 1;
    if (count > *room) {
        mproc_plat_net_item_t *more =
            realloc(*items, (size_t)(count + 16) * sizeof **items);
        if (more != NULL) {
            *items = more;
            *room = count + 16;
        }
    }
    count = count < *room ? count : *room;
    for (i = 0; i < count; i++) {
        (*items)[i].handle =
            i == 0 ? watch.bell[0] : watch.entries[i - 1].handle;
        (*items)[i].send = 0;
    }
    unguard();
    return count;
}

/* Take out one entry that waits for the handle; its word, or NULL. */
static void *
entry_take(apr_int64_t handle)
{
    void *word = NULL;
    int i;

    guard();
    for (i = 0; i < watch.count && word == NULL; i++) {
        if (watch.entries[i].handle == handle) {
            word = watch.entries[i].word;
            watch.entries[i] = watch.entries[--watch.count];
        }
    }
    unguard();
    return word;
}

static void
watch_run(void *first)
{
    mproc_plat_net_item_t *items = first;
    int room = 1, count, i;

    for (;;) {
        void *word;
        count = items_fill(&items, &room);
        if (mproc_plat_net_wait(items, count, MPROC_PLAT_NEVER) !=
            APR_SUCCESS) {
            /* A handle was closed in an unlucky moment, or memory is out. */
            (void)mproc_plat_net_wait(items, 1, mproc_plat_clock() + SLICE);
            continue;
        }
        if (items[0].ready && !bell_hear()) {
            break;
        }
        for (i = 1; i < count; i++) {
            while (items[i].ready &&
                   (word = entry_take(items[i].handle)) != NULL) {
                mproc__unpark(word, MPROC__ALL);
            }
        }
    }
    guard();
    watch.state = -1;
    unguard();
    free(items);
}

/* Guarded. */
static int
watch_ready(void)
{
    mproc_plat_net_item_t *items;

    if (watch.state == 0) {
        items = malloc(sizeof *items);
        if (items == NULL || mproc_plat_net_pair(watch.bell) != APR_SUCCESS) {
            free(items);
            return 0;
        }
        if (mproc_plat_thread_start(watch_run, items) != APR_SUCCESS) {
            free(items);
            mproc_plat_net_close(watch.bell[0]);
            mproc_plat_net_close(watch.bell[1]);
            return 0;
        }
        atomic_fetch_add(&mproc__own_threads, 1);
        watch.state = 1;
    }
    return watch.state > 0;
}

/* Guarded. */
static int
entry_add(apr_int64_t handle, void *word)
{
    int i;

    for (i = 0; i < watch.count; i++) {
        if (watch.entries[i].handle == handle &&
            watch.entries[i].word == word) {
            return 0;
        }
    }
    if (watch.count == watch.room) {
        int room = watch.room * 2 + 8;
        entry_t *more = realloc(watch.entries, (size_t)room * sizeof *more);
        if (more == NULL) {
            return 0;
        }
        watch.entries = more;
        watch.room = room;
    }
    watch.entries[watch.count].handle = handle;
    watch.entries[watch.count++].word = word;
    return 1;
}

void
mproc__netwatch_arm(apr_int64_t handle, void *word)
{
    int added;

    guard();
    added = watch_ready() && entry_add(handle, word);
    unguard();
    if (added) {
        bell_ring();
    }
}

void
mproc__netwatch_disarm(apr_int64_t handle)
{
    int removed = 0;

    while (entry_take(handle) != NULL) {
        removed = 1;
    }
    if (removed) {
        bell_ring();
    }
}

/* The bell is the parent's, too: closed here, it stays whole there. What lies
 * on the heap is left alone: who knows who held malloc's lock. */
void
mproc__netwatch_forget(void)
{
    if (watch.state > 0) {
        mproc_plat_net_close(watch.bell[0]);
        mproc_plat_net_close(watch.bell[1]);
    }
    watch.state = 0;
    watch.entries = NULL;
    watch.count = watch.room = 0;
    atomic_flag_clear(&watch.busy);
}

int
mproc__netwatch_look(apr_int64_t handle)
{
    mproc_plat_net_item_t item = {handle, 0, 0};

    return mproc_plat_net_wait(&item, 1, 0) == APR_SUCCESS && item.ready;
}

void
mproc__netwatch_step(mproc_plat_net_item_t *items, int count,
                     apr_time_t deadline)
{
    apr_time_t next = mproc_plat_clock() + SLICE;

    (void)mproc_plat_net_wait(items, count, next < deadline ? next : deadline);
}
