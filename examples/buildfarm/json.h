/* json.h: JSON text to data. */
#ifndef BUILDFARM_JSON_H
#define BUILDFARM_JSON_H

#include <mproc.h>

/*
 * Read one JSON value (RFC 8259). Whole numbers that fit become integers, all
 * others doubles. Returns MPROC_EFORMAT with the offset of what is wrong in
 * `*where`; NUL within a text is wrong, for C's texts have none.
 */
apr_status_t json_parse(mproc_datum_t **datum, const char *text,
                        apr_size_t size, apr_size_t *where, apr_pool_t *pool);

#endif
