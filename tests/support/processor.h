/*
 * processor.h: what benchmarks ask of the system beyond the library's own
 * contracts. One file for each system implements it; CMake picks the file.
 */
#ifndef MPROC_TESTS_PROCESSOR_H
#define MPROC_TESTS_PROCESSOR_H

#include <apr_errno.h>

/* Processors that the calling thread may be pinned to; 0 where it cannot
 * be. */
int processor_count(void);

/* Have the calling thread run on one processor only: the n-th of those, from
 * 0. */
apr_status_t processor_pin(int n);

/* A clock for what is short, in nanoseconds. */
double processor_clock(void);

#endif
