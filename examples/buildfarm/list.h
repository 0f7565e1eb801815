/* list.h: the tests that are to be run. */
#ifndef BUILDFARM_LIST_H
#define BUILDFARM_LIST_H

#include <mproc.h>

typedef struct test_t {
    const char *name;
    const mproc_datum_t *command;     /* list of texts; NULL: there is none */
    const mproc_datum_t *environment; /* list of NAME=VALUE */
    const char *directory;            /* "": the caller's */
    apr_interval_time_t timeout;      /* -1: as the options say */
    int shell;                        /* the command is a line for the shell */
    int skip_code;                    /* exit code of the skipped; -1: none */
    int serial;                       /* alone, at the end */
    int will_fail, disabled;
} test_t;

/*
 * Read the tests from a file: what `ctest --show-only=json-v1` prints, which
 * is told by the brace that it begins with; or a command for the shell in each
 * line, but for empty ones and those that begin with #. NULL is standard input.
 * Returns NULL after it has said on stderr what is wrong.
 */
apr_array_header_t *list_read(const char *path, apr_pool_t *pool);

#endif
