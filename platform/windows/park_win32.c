/*
 * park_win32.c: a thread sleeps on an event that any process can open.
 *
 * The word `state` alone says whether a wake is pending; the event only ends
 * the sleep of an owner that looks at the word again. So a stale waker that
 * hits the event of another owner does nothing, and one that died between
 * word and event costs a slice of sleep.
 *
 * The hard thing: opening an event is slow. Wakers keep what they opened in
 * a small table until it is full or the owner's end is noticed; its locks
 * come last, nothing is called under them but the system.
 */
#include "plat_park.h"

#include "plat_sys.h"
#include "win32.h"

#include <apr_general.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Sleep no longer before a look at the word. */
#define SLICE_MS 100

/* Events that one process keeps open for wakes: sets of a few ways each. */
#define CACHE_SETS 64
#define CACHE_WAYS 4

/* States of a spot. */
enum {
    PARK_NONE,
    PARK_WOKEN,
    PARK_SLEEPING
};

/* The shared half. The event's name is made of the three fields, which wakers
 * may read while a new owner writes them: a mixture names no event, as no two
 * processes share a nonce, or one of the same process. */
typedef struct park_t {
    _Atomic apr_uint32_t state;
    _Atomic apr_uint32_t pid;
    _Atomic apr_uint64_t nonce;
    _Atomic apr_uint32_t number;
    apr_int64_t handle; /* the owner's, means nothing to others */
} park_t;

_Static_assert(sizeof(park_t) <= sizeof(mproc_plat_park_t),
               "the spot is too large");

/* Which event. */
typedef struct event_key_t {
    apr_uint64_t nonce;
    apr_uint32_t pid;
    apr_uint32_t number;
} event_key_t;

static park_t *
park_of(mproc_plat_park_t *spot)
{
    return (park_t *)(void *)spot->opaque;
}

static void
event_name(wchar_t name[64], const event_key_t *key)
{
    char text[64];
    int i;

    snprintf(text, sizeof text, "Local\\mproc-%08lx-%08lx%08lx-%08lx",
             (unsigned long)key->pid, (unsigned long)(key->nonce >> 32),
             (unsigned long)(key->nonce & 0xffffffff),
             (unsigned long)key->number);
    for (i = 0; text[i] != '\0'; i++) {
        name[i] = (wchar_t)text[i];
    }
    name[i] = L'\0';
}

static apr_uint64_t nonce_value;
static apr_status_t nonce_status;

static BOOL CALLBACK
nonce_ready(PINIT_ONCE once, void *unused, void **nothing)
{
    (void)once;
    (void)unused;
    (void)nothing;
    nonce_status = apr_generate_random_bytes((unsigned char *)&nonce_value,
                                             sizeof nonce_value);
    return nonce_status == APR_SUCCESS;
}

/* Make an event that nobody has. */
static apr_status_t
event_create(HANDLE *event, event_key_t *key)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    static _Atomic apr_uint32_t numbers;
    wchar_t name[64];
    DWORD error;

    if (!InitOnceExecuteOnce(&once, nonce_ready, NULL, NULL)) {
        return nonce_status;
    }
    key->pid = GetCurrentProcessId();
    key->nonce = nonce_value;
    for (;;) {
        /* Numbers come round after 2^32 spots, when old ones may be held. */
        key->number = atomic_fetch_add(&numbers, 1);
        event_name(name, key);
        *event = CreateEventW(NULL, FALSE, FALSE, name);
        error = GetLastError();
        if (*event == NULL) {
            return mproc__win32_status(error);
        }
        if (error != ERROR_ALREADY_EXISTS) {
            return APR_SUCCESS;
        }
        CloseHandle(*event);
    }
}

/* Open events, per process. */
typedef struct cache_set_t {
    SRWLOCK lock;
    int next; /* the way to be replaced next */
    struct {
        event_key_t key;
        HANDLE event;
    } way[CACHE_WAYS];
} cache_set_t;

static cache_set_t cache[CACHE_SETS]; /* zeroed is SRWLOCK_INIT */

static cache_set_t *
cache_set(const event_key_t *key)
{
    apr_uint64_t mixed = (key->nonce ^ key->pid) + key->number;

    mixed *= 0x9e3779b97f4a7c15u;
    return &cache[(mixed >> 32) % CACHE_SETS];
}

/* Set an event that is open already. The lock keeps it open meanwhile. */
static int
cache_wake(cache_set_t *set, const event_key_t *key)
{
    int found = 0;
    int i;

    AcquireSRWLockShared(&set->lock);
    for (i = 0; i < CACHE_WAYS && !found; i++) {
        if (set->way[i].event != NULL &&
            memcmp(&set->way[i].key, key, sizeof *key) == 0) {
            SetEvent(set->way[i].event);
            found = 1;
        }
    }
    ReleaseSRWLockShared(&set->lock);
    return found;
}

/* Keep an event open. Two threads may keep the same one twice. */
static void
cache_keep(cache_set_t *set, const event_key_t *key, HANDLE event)
{
    HANDLE former;

    AcquireSRWLockExclusive(&set->lock);
    former = set->way[set->next].event;
    set->way[set->next].key = *key;
    set->way[set->next].event = event;
    set->next = (set->next + 1) % CACHE_WAYS;
    ReleaseSRWLockExclusive(&set->lock);
    if (former != NULL) {
        CloseHandle(former);
    }
}

/* Close what is kept for a process, or for one spot of it; -1: all. */
static void
cache_forget(apr_uint32_t pid, apr_int64_t number)
{
    int i, j;

    for (i = 0; i < CACHE_SETS; i++) {
        AcquireSRWLockExclusive(&cache[i].lock);
        for (j = 0; j < CACHE_WAYS; j++) {
            if (cache[i].way[j].event != NULL &&
                cache[i].way[j].key.pid == pid &&
                (number == -1 || cache[i].way[j].key.number == number)) {
                CloseHandle(cache[i].way[j].event);
                cache[i].way[j].event = NULL;
            }
        }
        ReleaseSRWLockExclusive(&cache[i].lock);
    }
}

void
mproc__win32_park_forget(apr_int64_t pid)
{
    cache_forget((apr_uint32_t)pid, -1);
}

apr_status_t
mproc_plat_park_init(mproc_plat_park_t *spot)
{
    park_t *park = park_of(spot);
    event_key_t key;
    HANDLE event;
    apr_status_t rv;

    rv = event_create(&event, &key);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* No waker opens an event before it has seen the state SLEEPING, which
     * comes later in wait(). */
    atomic_store(&park->state, PARK_NONE);
    atomic_store_explicit(&park->pid, key.pid, memory_order_relaxed);
    atomic_store_explicit(&park->nonce, key.nonce, memory_order_relaxed);
    atomic_store_explicit(&park->number, key.number, memory_order_relaxed);
    park->handle = number_of(event);
    return APR_SUCCESS;
}

void
mproc_plat_park_done(mproc_plat_park_t *spot)
{
    park_t *park = park_of(spot);

    /* What another process left there is none of ours to close. */
    if (atomic_load(&park->pid) == GetCurrentProcessId() && park->handle != 0) {
        atomic_store(&park->pid, 0);
        CloseHandle(handle_of(park->handle));
        park->handle = 0;
        cache_forget(GetCurrentProcessId(), atomic_load(&park->number));
    }
}

/* Take a pending wake: pairs with the exchange in wake(). */
static int
wake_take(park_t *park)
{
    apr_uint32_t woken = PARK_WOKEN;

    return atomic_compare_exchange_strong(&park->state, &woken, PARK_NONE);
}

apr_status_t
mproc_plat_park_wait(mproc_plat_park_t *spot, apr_time_t deadline)
{
    park_t *park = park_of(spot);
    apr_uint32_t none = PARK_NONE;
    apr_uint32_t sleeping = PARK_SLEEPING;
    DWORD slice, error;

    /* Pairs with wake(): either we see its wake, or it sees us sleep. */
    if (!atomic_compare_exchange_strong(&park->state, &none, PARK_SLEEPING) &&
        wake_take(park)) {
        return APR_SUCCESS;
    }
    error = ERROR_SUCCESS;
    while ((slice = mproc__win32_until(deadline, SLICE_MS)) > 0 &&
           error == ERROR_SUCCESS) {
        if (WaitForSingleObject(handle_of(park->handle), slice) ==
            WAIT_FAILED) {
            error = GetLastError();
        }
        if (wake_take(park)) {
            return APR_SUCCESS;
        }
    }
    if (!atomic_compare_exchange_strong(&park->state, &sleeping, PARK_NONE)) {
        wake_take(park);
        return APR_SUCCESS;
    }
    return error == ERROR_SUCCESS ? APR_TIMEUP : mproc__win32_status(error);
}

void
mproc_plat_park_wake(mproc_plat_park_t *spot)
{
    park_t *park = park_of(spot);
    cache_set_t *set;
    event_key_t key;
    wchar_t name[64];
    HANDLE event;

    if (atomic_exchange(&park->state, PARK_WOKEN) != PARK_SLEEPING) {
        return;
    }
    key.pid = atomic_load_explicit(&park->pid, memory_order_relaxed);
    key.nonce = atomic_load_explicit(&park->nonce, memory_order_relaxed);
    key.number = atomic_load_explicit(&park->number, memory_order_relaxed);
    set = cache_set(&key);
    if (cache_wake(set, &key)) {
        return;
    }
    event_name(name, &key);
    event = OpenEventW(EVENT_MODIFY_STATE, FALSE, name);
    if (event != NULL) {
        SetEvent(event);
        cache_keep(set, &key, event);
    }
}
