/* processor_linux.c: processors and a fine clock, on Linux. */
#define _GNU_SOURCE
#include "processor.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

int
processor_count(void)
{
    cpu_set_t may;

    return sched_getaffinity(0, sizeof may, &may) == 0 ? CPU_COUNT(&may) : 0;
}

apr_status_t
processor_pin(int n)
{
    cpu_set_t may, one;
    int i;

    if (sched_getaffinity(0, sizeof may, &may) != 0) {
        return errno;
    }
    for (i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &may) && n-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            return sched_setaffinity(0, sizeof one, &one) == 0 ? APR_SUCCESS
                                                               : errno;
        }
    }
    return APR_EINVAL;
}

double
processor_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}
