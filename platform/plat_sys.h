/**
 * @file plat_sys.h
 * @brief Contract: the clock, the processors, this process and its threads.
 *
 * Beside APR because APR has no monotonic clock, counts no processors, and
 * its thread keys call no destructor on Windows.
 */
#ifndef MPROC_PLAT_SYS_H
#define MPROC_PLAT_SYS_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

/** A deadline that never comes. */
#define MPROC_PLAT_NEVER APR_INT64_MAX

/** The monotonic clock, in microseconds, the same in all processes. All
 *  deadlines of the contracts are points on it. */
apr_time_t mproc_plat_clock(void);

/** The same clock where it costs least: never ahead, some
 *  10 ms behind at most. */
apr_time_t mproc_plat_clock_rough(void);

/** Processors that this process may use: affinity and container quota
 *  (rounded up) respected; at least 1. */
int mproc_plat_cpu_count(void);

/** This process's id. */
apr_int64_t mproc_plat_pid(void);

/** Bytes of memory that this process has, its peak where that is all that is
 * told; 0: unknown. */
apr_uint64_t mproc_plat_memory(void);

/** A number for the calling thread, unique among those that run in this
 *  process, and not 0. */
apr_uint64_t mproc_plat_thread_id(void);

/** Threads that run in this process, or 0 where that cannot be told, or the
 *  system may add some by itself. */
int mproc_plat_thread_count(void);

/** Tell the processor that this is a spin loop. */
void mproc_plat_pause(void);

/** Give the processor to another thread that is ready to run. */
void mproc_plat_yield(void);

/**
 * Have `hook(value)` called when the calling thread ends.
 * pre: the same hook in all calls; value not NULL.
 */
apr_status_t mproc_plat_thread_on_exit(void (*hook)(void *), void *value);

/**
 * Start a thread of the library's own, with a small stack and all signals
 * blocked. It is waited for by nobody.
 */
apr_status_t mproc_plat_thread_start(void (*run)(void *baton), void *baton);

/**
 * Have `before()` called in whoever is about to fork, for whatever reason, and
 * `child()` in every forked child, before fork returns there. Systems without
 * fork do nothing.
 * pre: called once.
 */
apr_status_t mproc_plat_on_fork(void (*before)(void), void (*child)(void));

#endif
