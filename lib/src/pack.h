/* pack.h: packing for the library's own calls that take a format. */
#ifndef MPROC_SRC_PACK_H
#define MPROC_SRC_PACK_H

#include <stdarg.h>

#include <mproc/pack.h>

#include "arena.h"

#define MPROC__PACKING_FEW 512

/* What is being packed. Little needs no memory: it lies in `few`. */
typedef struct mproc__packing_t {
    char *data;
    apr_size_t size, room;
    mproc__handle_t *handle; /* one for each `o`, duplicates included */
    apr_size_t handles, handle_room;
    char few[MPROC__PACKING_FEW];
} mproc__packing_t;

/* Pack, for as long as the caller has the objects. To be ended even after a
 * failure. */
apr_status_t mproc__packing_begin(mproc__packing_t *packing, const char *format,
                                  va_list args);
void mproc__packing_end(mproc__packing_t *packing);

static inline mproc_bytes_t
mproc__packing_bytes(const mproc__packing_t *packing)
{
    return (mproc_bytes_t){packing->data, packing->size};
}

/* As mproc_vpack(), and tell which objects the bytes name, so that a message
 * can hold them: an array of mproc__handle_t, one for each `o`, duplicates
 * included. NULL: not asked for. */
apr_status_t mproc__vpack(mproc_bytes_t *out, apr_array_header_t **objects,
                          apr_pool_t *pool, const char *format, va_list args);

#endif
