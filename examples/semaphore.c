/*
 * semaphore.c: permits, and what a death does to them.
 *
 * The permits of a plain or bounded semaphore are signals, which no death
 * takes back. Those of an owned one belong to whoever acquired them: they
 * come back when that process is killed.
 */
#include <mproc.h>
#include <stdio.h>

enum {
    SIGNALS = 3,
    SEATS = 2
};

/* Gives three permits away: any process may release. */
static int
signal_thrice(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *signals;
    int i;

    if (mproc_unpack(args, pool, "o", &signals) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < SIGNALS; i++) {
        if (mproc_semaphore_release(signals) != APR_SUCCESS) {
            return 2;
        }
    }
    return 0;
}

/* Takes all seats, says so, and stays. */
static int
sit(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_semaphore_t *seats;
    mproc_event_t *taken;
    int i;

    if (mproc_unpack(args, pool, "o o", &seats, &taken) != APR_SUCCESS) {
        return 1;
    }
    for (i = 0; i < SEATS; i++) {
        mproc_semaphore_acquire(seats, MPROC_FOREVER);
    }
    mproc_event_set(taken);
    for (;;) {
        apr_sleep(APR_USEC_PER_SEC);
    }
}

int
main(int argc, const char *const *argv)
{
    mproc_semaphore_t *signals, *bounded, *seats;
    mproc_process_t *sender, *guest;
    mproc_event_t *taken;
    apr_pool_t *pool;
    int i, got = 0, bound, full, free, own;

    mproc_initialize(argc, argv);
    apr_pool_create(&pool, NULL);
    mproc_semaphore_create(&signals, 0, pool);
    mproc_process_create(&sender, signal_thrice, NULL, pool, "o", signals);
    mproc_process_start(sender);
    for (i = 0; i < SIGNALS; i++) {
        got += mproc_semaphore_acquire(signals, 30 * APR_USEC_PER_SEC) ==
               APR_SUCCESS;
    }
    printf("signals: %d, and %d more\n", got, mproc_semaphore_value(signals));

    mproc_bounded_semaphore_create(&bounded, 1, pool);
    bound = mproc_semaphore_release(bounded) == MPROC_ESTATE;
    printf("a bounded one takes no more than it had: %d\n", bound);

    mproc_owned_semaphore_create(&seats, SEATS, pool);
    mproc_event_create(&taken, pool);
    mproc_process_create(&guest, sit, NULL, pool, "o o", seats, taken);
    mproc_process_start(guest);
    if (mproc_event_wait(taken, 30 * APR_USEC_PER_SEC) != APR_SUCCESS) {
        return 1;
    }
    full = mproc_semaphore_acquire(seats, MPROC_NOWAIT) == APR_TIMEUP;
    own = mproc_semaphore_release(seats) == MPROC_ESTATE;
    printf("all seats taken: %d, and not ours to give back: %d\n", full, own);
    mproc_process_kill(guest);
    free = mproc_semaphore_acquire(seats, 30 * APR_USEC_PER_SEC) == APR_SUCCESS;
    printf("the guest died, and a seat is ours: %d\n", free);
    mproc_semaphore_release(seats);
    return got != SIGNALS || !bound || !full || !own || !free ||
           mproc_semaphore_value(seats) != SEATS;
}
