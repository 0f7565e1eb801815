/* pack.h: packing for the library's own calls that take a format. */
#ifndef MPROC_SRC_PACK_H
#define MPROC_SRC_PACK_H

#include <stdarg.h>

#include <mproc/pack.h>

#include "arena.h"

/* As mproc_vpack(), and tell which objects the bytes name, so that a message
 * can hold them: an array of mproc__handle_t, one for each `o`, duplicates
 * included. NULL: not asked for. */
apr_status_t mproc__vpack(mproc_bytes_t *out, apr_array_header_t **objects,
                          apr_pool_t *pool, const char *format, va_list args);

#endif
