/* must.h: how a fuzz target says that something is broken. */
#ifndef MPROC_TESTS_MUST_H
#define MPROC_TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include <mproc.h>

static inline void
must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "broken: %s\n%s\n", what, mproc_error_detail());
        abort();
    }
}

#endif
