/**
 * @file pack.h
 * @brief Values to bytes and back, by a format.
 *
 * Everything that crosses a process boundary is bytes: MessagePack
 * (https://msgpack.org), so that other languages read them too.
 *
 * @code
 * mproc_bytes_t bytes;
 * int n;
 * const char *text;
 * mproc_pack(&bytes, pool, "[i n s]", 42, "hello");
 * mproc_unpack(bytes, pool, "[i * s]", &n, &text);
 * @endcode
 *
 * | letter | packs                    | unpacks into                       |
 * |--------|--------------------------|------------------------------------|
 * | n      | nil, takes no argument   | nothing, takes no argument         |
 * | b      | int, as true or false    | int *, 1 or 0                      |
 * | i      | int                      | int *                              |
 * | u      | unsigned                 | unsigned *                         |
 * | I      | apr_int64_t              | apr_int64_t *                      |
 * | U      | apr_uint64_t             | apr_uint64_t *                     |
 * | d      | double                   | double *; takes whole numbers too  |
 * | s      | const char *, UTF-8      | const char **, terminated          |
 * | y      | mproc_bytes_t            | mproc_bytes_t *                    |
 * | o      | any shared mproc object  | pointer to a pointer of its type   |
 * | v      | const mproc_datum_t *    | mproc_datum_t **                   |
 * | [ ]    | a list of what is inside | the same, of exactly that length   |
 * | { }    | a map: key : value       | the same, in the order packed      |
 * | *      | (not allowed)            | skips one value                    |
 *
 * Blanks and commas are free. Several values without brackets are packed one
 * behind the other. A number that does not fit its target is MPROC_EFORMAT,
 * never cut off. Text is not checked to be UTF-8, but text with a NUL inside
 * does not unpack into `s`; `v` takes it.
 */
#ifndef MPROC_PACK_H
#define MPROC_PACK_H

#include <stdarg.h>

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Pack values into bytes.
 * @param out    receives the bytes, allocated from the pool
 * @param pool   owns the bytes; objects packed with `o` live at least as
 *               long as it does
 * @param format letters as above; NULL or "" packs nothing
 * @return APR_SUCCESS; APR_EINVAL for a bad format, a NULL string or object,
 *         NULL bytes of a size that is not 0, or a pool that is NULL;
 *         MPROC_ETOOBIG for more than 2^32 - 1 bytes in one value, or when
 *         brackets and a datum in them nest more than 64 deep; APR_ENOMEM
 * @note Processes: any of the tree when there are objects inside, else any.
 *       Threads: any, a pool in one at a time. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_pack(mproc_bytes_t *out, apr_pool_t *pool, const char *format, ...);

/** mproc_pack() with its arguments in a va_list. */
MPROC_DECLARE(apr_status_t)
mproc_vpack(mproc_bytes_t *out, apr_pool_t *pool, const char *format,
            va_list args);

/**
 * Unpack bytes into variables. Hostile bytes do no harm: sizes are checked
 * before anything is allocated, nesting ends at 64.
 * @param in     the bytes
 * @param pool   owns what is made: strings, copies of bytes, data, objects
 * @param format letters as above; the bytes must hold exactly these values;
 *               NULL or "" expects none
 * @return APR_SUCCESS; MPROC_EFORMAT when the bytes are no MessagePack or do
 *         not fit, with a sentence that says where; MPROC_ESTALE when an
 *         object in them exists no more; APR_EINVAL for a bad format, or a
 *         variable, pool or bytes that are NULL; APR_ENOMEM. After an error
 *         the variables that come before the place have been set, the others
 *         have not.
 * @note Processes: any of the tree when there are objects inside, else any.
 *       Threads: any, a pool in one at a time. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_unpack(mproc_bytes_t in, apr_pool_t *pool, const char *format, ...);

/** mproc_unpack() with its arguments in a va_list. */
MPROC_DECLARE(apr_status_t)
mproc_vunpack(mproc_bytes_t in, apr_pool_t *pool, const char *format,
              va_list args);

#ifdef __cplusplus
}
#endif

#endif
