/* error.h: how the library says what went wrong. */
#ifndef MPROC_SRC_ERROR_H
#define MPROC_SRC_ERROR_H

#include <mproc/error.h>

/* Keep a sentence for mproc_error_detail() and return the status. The
 * sentence says what was tried, on what, why it failed, what to do. */
apr_status_t mproc__fail(apr_status_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
