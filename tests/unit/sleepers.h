/* sleepers.h: wait until so many threads of the tree sleep on a word. */
#ifndef MPROC_TESTS_SLEEPERS_H
#define MPROC_TESTS_SLEEPERS_H

#include <apr_thread_proc.h>

#include "test.h"

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"

/* Those sleep, or are about to, whose bits are set. Others may sleep at the
 * same time for reasons of their own: a child that waits for its turn, say. */
static inline int
count_sleepers(const volatile void *word)
{
    apr_uint64_t offset = mproc__arena_offset(word), i;
    int found = 0;
    for (i = 0; i < MPROC__THREADS; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i / 64]);
        found += (int)(bits >> i % 64 & 1) &&
                 atomic_load(&mproc__arena.thread[i].word[0]) == offset;
    }
    return found;
}

/* In a file with reach.h, whose objects are a manager's: calls that wait. */
static inline int
count_waiters(const volatile void *word)
{
#ifdef MPROC_TESTS_REACH_H
    if (test_is_far()) {
        return reach_waiting();
    }
#endif
    return count_sleepers(word);
}

static inline void
await_sleepers(const volatile void *word, int count)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (count_waiters(word) != count) {
        REQUIRE(mproc_clock() < deadline);
        apr_thread_yield();
    }
}

/* What those who wait for an object sleep on: locks and events. */
static inline void *
shared_of(const void *object)
{
    return ((const mproc_object_t *)object)->shared;
}

/* The same for semaphores and barriers: their gate. */
static inline void *
gate_of(const void *object)
{
    return (char *)shared_of(object) + sizeof(apr_uint64_t);
}

/* The same for conditions: their place, where those who were notified and
 * wait for the lock by now count, too. */
static inline void *
place_of(const void *condition)
{
    return (char *)shared_of(condition) + sizeof(mproc__part_t);
}

/* How many of those who wait at a condition were notified, and wait for its
 * lock now. */
static inline int
count_moved(const void *condition)
{
    apr_uint64_t offset = mproc__arena_offset(place_of(condition)), i;
    int found = 0;
    for (i = 0; i < MPROC__THREADS; i++) {
        apr_uint64_t bits = atomic_load(&mproc__arena.header->parked[i / 64]);
        mproc__thread_t *thread = &mproc__arena.thread[i];
        /* MOVED: see parking.c. */
        found += (int)(bits >> i % 64 & 1) &&
                 atomic_load(&thread->word[0]) == offset &&
                 (atomic_load(&thread->waiting) & 3) == 3;
    }
    return found;
}

#endif
