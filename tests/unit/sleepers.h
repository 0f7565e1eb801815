/* sleepers.h: wait until so many threads of the tree sleep. */
#ifndef MPROC_TESTS_SLEEPERS_H
#define MPROC_TESTS_SLEEPERS_H

#include <apr_thread_proc.h>

#include "test.h"

#include "../../lib/src/layout.h"

/* Those sleep, or are about to, whose bits are set. */
static inline void
await_sleepers(int count)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    int found = -1;
    while (found != count) {
        apr_size_t i;
        REQUIRE(mproc_clock() < deadline);
        for (found = 0, i = 0; i < MPROC__THREADS / 64; i++) {
            found += __builtin_popcountll(
                atomic_load(&mproc__arena.header->parked[i]));
        }
        apr_thread_yield();
    }
}

#endif
