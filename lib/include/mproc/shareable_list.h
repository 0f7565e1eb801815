/**
 * @file shareable_list.h
 * @brief A list of fixed length in shared memory, of small values.
 *
 * @code
 * mproc_shareable_list_t *list;
 * double load;
 * mproc_shareable_list_create(&list, pool, "[s d n]", "alpha", 0.5);
 * mproc_shareable_list_setf(list, 1, "d", 0.75);
 * mproc_shareable_list_getf(list, 1, pool, "d", &load);
 * @endcode
 *
 * An element is nil, a boolean, a whole number from -2^63 to 2^63 - 1, a
 * double, a text, or bytes, kept exactly, NULs at the end included. It may be
 * replaced by one of another type, as long as it fits: a text or bytes of n
 * bytes make room for 8 * (n / 8 + 1), everything else for 8; that room stays
 * what it is made for at first.
 *
 * Each element is whole at any time: whoever reads it gets a value that
 * somebody set, the old one or the new one, however many set it at once and
 * whoever is killed in the middle of that. Reading waits for nobody. Setting
 * waits while another process or thread sets the same element. Calls on
 * several elements are not one: what they see may have changed in between.
 *
 * An index counts from 0, or, when negative, from the end.
 */
#ifndef MPROC_SHAREABLE_LIST_H
#define MPROC_SHAREABLE_LIST_H

#include <mproc/datum.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A list. Starts with the shared object's header. */
typedef struct mproc_shareable_list_t mproc_shareable_list_t;

/**
 * Create a list of the values that a format packs, which must be one list.
 * @param list   receives it
 * @param pool   its lifetime here, or NULL: until
 *               mproc_shareable_list_destroy()
 * @param format of mproc_pack(), such as "[i s n]"; "v" takes a datum that is
 *               a list
 * @return APR_SUCCESS; APR_EINVAL for NULL, what is not one list, an element
 *         that is a list, map or object, or a number beyond 2^63 - 1; what
 *         mproc_pack() returns; APR_ENOMEM when the arena or the machine is
 *         full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_create(mproc_shareable_list_t **list, apr_pool_t *pool,
                            const char *format, ...);

/**
 * Tell the length of the list.
 * @param list the list
 * @return elements; 0 for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t)
mproc_shareable_list_size(mproc_shareable_list_t *list);

/**
 * Tell how large a text or bytes an element can be.
 * @param list  the list
 * @param bytes receives it, a multiple of 8
 * @param index of the element; negative: from the end
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_room(mproc_shareable_list_t *list, apr_size_t *bytes,
                          apr_int64_t index);

/**
 * Read one element.
 * @param list   the list
 * @param index  of the element; negative: from the end
 * @param pool   owns text, bytes and datum that are read
 * @param format of mproc_unpack(), one letter, and its variable; "v" takes
 *               whatever it is
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; MPROC_EFORMAT when
 *         the element is something else; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_getf(mproc_shareable_list_t *list, apr_int64_t index,
                          apr_pool_t *pool, const char *format, ...);

/**
 * Replace one element. Waits while another sets the same one, no longer than
 * that one needs to copy its value, unless it has been stopped; for one that
 * was killed not longer than it takes to notice (100 ms).
 * @param list   the list
 * @param index  of the element; negative: from the end
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; MPROC_ETOOBIG when
 *         it is larger than mproc_shareable_list_room(); APR_EINVAL for NULL,
 *         several values, a list, map or object, or a number beyond 2^63 - 1;
 *         what mproc_pack() returns; APR_ENOMEM. After an error the element is
 *         as it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_setf(mproc_shareable_list_t *list, apr_int64_t index,
                          const char *format, ...);

/**
 * Count the elements that are equal to a value: numbers and booleans by their
 * value (true is 1 and 1.0), NaN never, everything else by type and bytes.
 * @param list   the list
 * @param count  receives how many
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_EINVAL for NULL or several values; what
 *         mproc_pack() returns; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child. Not one step:
 *       elements may change meanwhile.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_countf(mproc_shareable_list_t *list, apr_size_t *count,
                            const char *format, ...);

/**
 * Find the first element that is equal to a value, as
 * mproc_shareable_list_countf() compares.
 * @param list   the list
 * @param index  receives where it is
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_NOTFOUND when there is none; else as
 *         mproc_shareable_list_countf()
 * @note Processes: any. Threads: any. Fork: usable in the child. Not one step:
 *       elements may change meanwhile.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_indexf(mproc_shareable_list_t *list, apr_size_t *index,
                            const char *format, ...);

/**
 * Read all elements, to walk, print (mproc_datum_text()), or make another
 * list of.
 * @param list  the list
 * @param datum receives a list
 * @param pool  its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child. Not one step: elements may change meanwhile.
 */
MPROC_DECLARE(apr_status_t)
mproc_shareable_list_datum(mproc_shareable_list_t *list, mproc_datum_t **datum,
                           apr_pool_t *pool);

/**
 * Give up this process's use of the list.
 * @param list the list, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void)
mproc_shareable_list_destroy(mproc_shareable_list_t *list);

#ifdef __cplusplus
}
#endif

#endif
