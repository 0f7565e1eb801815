/*
 * library.h: what the test runner asks of the library under test. The unit
 * tests have library_mproc.c; the platform tests, which are linked with a
 * back end alone, have library_platform.c.
 */
#ifndef MPROC_TESTS_LIBRARY_H
#define MPROC_TESTS_LIBRARY_H

#include <apr_errno.h>

#include <mproc/process.h>

/* A count that must be the same after a case as before it. */
typedef struct library_count_t {
    const char *name;
    unsigned long long count;
} library_count_t;

/* Counts, at most. */
#define LIBRARY_COUNTS 40

/* Ready it. A process that the library spawned does not come back. */
apr_status_t library_begin(int argc, const char *const *argv);

/* End what it keeps running for its own purposes. */
void library_end(void);

/* The start methods that work here; at most 3. */
int library_methods(mproc_start_method_e *methods);

/* Fill in the counts and tell how many there are. */
int library_census(library_count_t *counts);

/* Children that it knows of. */
int library_children(void);

/* The name of a status, and the sentence about the last failure. */
const char *library_status_text(apr_status_t status, char *buffer,
                                apr_size_t size);
const char *library_detail(void);

#endif
