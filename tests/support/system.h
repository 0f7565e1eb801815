/*
 * system.h: what the test runner asks of the operating system. One file for
 * each kind of system implements it, with the test_ functions of test.h that
 * speak of processes; CMake picks the file.
 */
#ifndef MPROC_TESTS_SYSTEM_H
#define MPROC_TESTS_SYSTEM_H

#include <apr_pools.h>
#include <apr_tables.h>

/* Ready the process: from here on, what descends from it can be found. */
void system_begin(void);

/* This process's id. */
apr_int64_t system_pid(void);

/* What each open descriptor or handle is, as text: "pipe", a path ... */
apr_array_header_t *system_handles(apr_pool_t *pool);

/* How many more of a kind may be open after a case than before it, because
 * the library keeps them until the process ends. */
int system_handles_kept(const char *kind);

/* A line about each process that descends from this one and still runs, or
 * has ended and was not waited for. */
apr_array_header_t *system_family(apr_pool_t *pool);

/* End all of those. */
void system_family_kill(void);

/* After so many seconds show where every thread of this process and of its
 * family is, then end them all with exit code 1. 0: no longer. */
void system_watchdog(int seconds);

/* Where the names of shared memory are files, else NULL. */
const char *system_shared_names(void);

#endif
