/*
 * park_futex.c: parking on Linux, a shared futex.
 *
 * The word is 0, 1 when a wake is pending, or -1 when its owner sleeps, or
 * is about to: only then does a wake cost a system call. A waker that comes
 * late leaves at most a 1 behind, which the next wait takes for a wake.
 */
#define _GNU_SOURCE 1

#include "plat_park.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <time.h>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plat_sys.h"

#define IDLE 0
#define PENDING 1
#define ASLEEP (-1)

typedef struct park_t {
    _Atomic apr_int32_t word;
} park_t;

_Static_assert(sizeof(park_t) <= sizeof(mproc_plat_park_t), "spot too small");

/* A 32-bit system with 64-bit times has a call of its own for them. */
static long
futex(_Atomic apr_int32_t *word, int operation, int value,
      const struct timespec *deadline)
{
#ifdef SYS_futex_time64
    if (sizeof(time_t) > sizeof(long)) {
        return syscall(SYS_futex_time64, word, operation, value, deadline, NULL,
                       FUTEX_BITSET_MATCH_ANY);
    }
#endif
    return syscall(SYS_futex, word, operation, value, deadline, NULL,
                   FUTEX_BITSET_MATCH_ANY);
}

static int
token_take(park_t *park)
{
    apr_int32_t pending = PENDING;

    return atomic_load(&park->word) == PENDING &&
           atomic_compare_exchange_strong(&park->word, &pending, IDLE);
}

apr_status_t
mproc_plat_park_init(mproc_plat_park_t *spot)
{
    atomic_store(&((park_t *)spot)->word, IDLE);
    return APR_SUCCESS;
}

void
mproc_plat_park_done(mproc_plat_park_t *spot)
{
    (void)spot;
}

apr_status_t
mproc_plat_park_wait(mproc_plat_park_t *spot, apr_time_t deadline)
{
    park_t *park = (park_t *)spot;
    struct timespec until;
    struct timespec *limit = NULL;
    int expired = deadline <= 0;

    if (deadline != MPROC_PLAT_NEVER) {
        until.tv_sec = (time_t)(deadline / 1000000);
        until.tv_nsec = (long)(deadline % 1000000) * 1000;
        limit = &until;
    }
    for (;;) {
        apr_int32_t idle = IDLE, asleep = ASLEEP;
        if (token_take(park)) {
            return APR_SUCCESS;
        }
        if (expired) {
            /* Fails when a wake has just come: that one counts. */
            atomic_compare_exchange_strong(&park->word, &asleep, IDLE);
            return token_take(park) ? APR_SUCCESS : APR_TIMEUP;
        }
        atomic_compare_exchange_strong(&park->word, &idle, ASLEEP);
        if (futex(&park->word, FUTEX_WAIT_BITSET, ASLEEP, limit) != 0) {
            expired = errno == ETIMEDOUT;
            if (!expired && errno != EAGAIN && errno != EINTR) {
                return errno;
            }
        }
    }
}

void
mproc_plat_park_wake(mproc_plat_park_t *spot)
{
    park_t *park = (park_t *)spot;

    /* Pairs with the exchange to ASLEEP above: whoever comes second sees
     * what the other has done. */
    if (atomic_exchange(&park->word, PENDING) == ASLEEP) {
        futex(&park->word, FUTEX_WAKE, INT_MAX, NULL);
    }
}
