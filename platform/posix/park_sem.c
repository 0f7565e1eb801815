/*
 * park_sem.c: parking by a process-shared semaphore.
 *
 * The hard one is the time limit: sem_timedwait() follows the wall clock, and
 * would sleep for an hour more when that is set back. Where the monotonic
 * sem_clockwait() is missing, the semaphore is looked at in short intervals.
 */
#define _GNU_SOURCE 1

#include "plat_park.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "plat_sys.h"

/* Between two looks, at least and at most, in microseconds. */
#define LOOK_MIN 50
#define LOOK_MAX 2000

_Static_assert(sizeof(sem_t) <= sizeof(mproc_plat_park_t), "spot too small");

apr_status_t
mproc_plat_park_init(mproc_plat_park_t *spot)
{
    /* Once more for a spot that was used: one who was killed in a wait may
     * have left himself counted as waiting. */
    return sem_init((sem_t *)spot, 1, 0) == 0 ? APR_SUCCESS : errno;
}

void
mproc_plat_park_done(mproc_plat_park_t *spot)
{
    /* Not destroyed: a late wake may still come. */
    (void)spot;
}

#ifdef MPROC_HAVE_SEM_CLOCKWAIT
static int
sem_wait_until(sem_t *sem, apr_time_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000),
                             .tv_nsec = (long)(deadline % 1000000) * 1000};

    return deadline <= 0 ? sem_trywait(sem)
                         : sem_clockwait(sem, CLOCK_MONOTONIC, &until);
}
#else
static int
sem_wait_until(sem_t *sem, apr_time_t deadline)
{
    apr_time_t look = LOOK_MIN;

    while (sem_trywait(sem) != 0) {
        apr_time_t now = mproc_plat_clock();
        if (errno != EAGAIN || now >= deadline) {
            return -1;
        }
        apr_time_t left = deadline - now;
        struct timespec pause = {.tv_nsec =
                                     (long)(left < look ? left : look) * 1000};
        nanosleep(&pause, NULL);
        look = look * 2 < LOOK_MAX ? look * 2 : LOOK_MAX;
    }
    return 0;
}
#endif

apr_status_t
mproc_plat_park_wait(mproc_plat_park_t *spot, apr_time_t deadline)
{
    sem_t *sem = (sem_t *)spot;

    for (;;) {
        int rv = deadline == MPROC_PLAT_NEVER ? sem_wait(sem)
                                              : sem_wait_until(sem, deadline);
        if (rv == 0) {
            break;
        }
        if (errno == ETIMEDOUT || errno == EAGAIN) {
            if (mproc_plat_clock() >= deadline) {
                return APR_TIMEUP;
            }
        }
        else if (errno != EINTR) {
            return errno;
        }
    }
    /* Two who woke at once may both have counted: they are one wake, and
     * all that they did before is seen by us now. */
    while (sem_trywait(sem) == 0) {
    }
    return APR_SUCCESS;
}

void
mproc_plat_park_wake(mproc_plat_park_t *spot)
{
    sem_t *sem = (sem_t *)spot;
    int value;

    if (sem_getvalue(sem, &value) != 0 || value <= 0) {
        (void)sem_post(sem);
    }
}
