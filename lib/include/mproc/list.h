/**
 * @file list.h
 * @brief A list in shared memory, of any values, for all processes.
 *
 * @code
 * mproc_list_t *list;
 * int n;
 * mproc_list_create(&list, pool);
 * mproc_list_extendf(list, "[i s]", 7, "seven");
 * mproc_list_appendf(list, "d", 7.5);
 * mproc_list_getf(list, -1, pool, "d", &real);         // list[-1]
 * mproc_process_create(&process, work, NULL, pool, "o", list);
 * @endcode
 *
 * Elements are packed values (pack.h), of any size. The calls with an `f` take
 * a format for a value; the others bytes that mproc_pack() made, of one value.
 * An element may have shared objects in it (format letter `o`: another list, a
 * dict, a lock): it refers to them, and keeps them while it is there; whoever
 * reads it gets the same object. What is read otherwise is a copy: to change
 * it, set it again. A list may have itself in it. Lists that have each other in
 * them keep each other: take one out of the other, or clear it, before the last
 * process lets go of them.
 *
 * An index counts from 0, or, when negative, from the end. A range is given by
 * its start and its stop, which is not in it; it is cut to what there is, and
 * MPROC_LIST_END as the stop is the end.
 *
 * Each call is one step for all others; several are not: take a lock for
 * these. Calls on many elements see one moment; who walks over what they gave
 * is not disturbed by changes. A process that is killed within a call leaves
 * the list whole: it is as before, or as the call would have left it. Calls
 * wait for each other, for as long as one takes; for one that was killed not
 * longer than it takes to notice (100 ms).
 *
 * Setting, and changes at the end, take the same time whatever the length;
 * insertion and removal elsewhere copy 4 bytes for each element, and so do
 * other orders. An element needs 16 to 24 bytes beside its value; a value that
 * is larger than 2048 bytes or has objects in it has a block of its own.
 *
 * Values are equal, and are found, as Python has it: numbers and booleans by
 * their value (true is 1 and 1.0), NaN never, texts and bytes by their bytes,
 * lists and maps by what is in them, in that order, objects by which they are.
 *
 * | Python                 | here                                          |
 * |------------------------|-----------------------------------------------|
 * | l.append(v)            | mproc_list_appendf(), mproc_list_append()     |
 * | l[i], l[i] = v         | mproc_list_getf(), mproc_list_setf(), ...     |
 * | del l[i], l.pop(i)     | mproc_list_remove(), mproc_list_popf(), ...   |
 * | l.insert(i, v)         | mproc_list_insertf(), mproc_list_insert()     |
 * | l.remove(v), v in l    | mproc_list_removef(), mproc_list_hasf()       |
 * | l.index(v), l.count(v) | mproc_list_indexf(), mproc_list_countf()      |
 * | l.extend(m), l += m    | mproc_list_extendf(), mproc_list_extend()     |
 * | l *= n                 | mproc_list_repeat()                           |
 * | l[a:b], l[a:b] = m     | mproc_list_slice(), mproc_list_set_slicef()   |
 * | del l[a:b]             | mproc_list_remove_slice()                     |
 * | l.sort(), l.reverse()  | mproc_list_sort(), mproc_list_reverse()       |
 * | len(l), l.clear()      | mproc_list_size(), mproc_list_clear()         |
 * | l.copy(), list(l)      | mproc_list_copy(), mproc_list_datum()         |
 * | iter(l)                | mproc_list_snapshot()                         |
 */
#ifndef MPROC_LIST_H
#define MPROC_LIST_H

#include <mproc/datum.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A list. Starts with the shared object's header. */
typedef struct mproc_list_t mproc_list_t;

/** The end of a list, whatever its length. */
#define MPROC_LIST_END ((apr_int64_t)APR_INT64_MAX)

/**
 * Create an empty list.
 * @param list receives it
 * @param pool its lifetime here, or NULL: until mproc_list_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM when the arena or the
 *         machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_create(mproc_list_t **list, apr_pool_t *pool);

/**
 * Put a value at the end.
 * @param list   the list
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_EINVAL for NULL; MPROC_EFORMAT when the format packs
 *         another number of values than one; what mproc_pack() returns;
 *         APR_ENOMEM. After an error the list is as it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_appendf(mproc_list_t *list, const char *format, ...);

/**
 * Put a packed value at the end.
 * @param list  the list
 * @param value one packed value, copied; the list has its own use of objects
 *              in it
 * @return APR_SUCCESS; MPROC_EFORMAT when it is not one packed value;
 *         MPROC_ETOOBIG beyond what fits into a block; APR_EINVAL for a list of
 *         NULL; MPROC_ESTALE when an object in it exists no more; APR_ENOMEM.
 *         After an error the list is as it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_append(mproc_list_t *list, mproc_bytes_t value);

/**
 * Read an element.
 * @param list   the list
 * @param index  of the element; negative: from the end
 * @param pool   owns what is made: text, bytes, data, objects
 * @param format of mproc_unpack(), and its variables
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; MPROC_EFORMAT when
 *         the element is something else; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_getf(mproc_list_t *list, apr_int64_t index, apr_pool_t *pool,
                const char *format, ...);

/**
 * Read an element, packed.
 * @param list  the list
 * @param value receives a copy, in the pool
 * @param index of the element; negative: from the end
 * @param pool  owns the copy, and keeps the objects in it
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; APR_EINVAL for NULL;
 *         APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_get(mproc_list_t *list, mproc_bytes_t *value, apr_int64_t index,
               apr_pool_t *pool);

/**
 * Replace an element.
 * @param list   the list
 * @param index  of the element; negative: from the end
 * @param format of mproc_pack(), for one value
 * @return as mproc_list_appendf(); APR_NOTFOUND outside of the list
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_setf(mproc_list_t *list, apr_int64_t index, const char *format, ...);

/** As mproc_list_setf(), for a packed value, as mproc_list_append(). */
MPROC_DECLARE(apr_status_t)
mproc_list_set(mproc_list_t *list, apr_int64_t index, mproc_bytes_t value);

/**
 * Put a value before an element.
 * @param list   the list
 * @param index  of the element; negative: from the end; before all, or behind
 *               all, when there is no such
 * @param format of mproc_pack(), for one value
 * @return as mproc_list_appendf()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_insertf(mproc_list_t *list, apr_int64_t index, const char *format,
                   ...);

/** As mproc_list_insertf(), for a packed value, as mproc_list_append(). */
MPROC_DECLARE(apr_status_t)
mproc_list_insert(mproc_list_t *list, apr_int64_t index, mproc_bytes_t value);

/** Remove an element, and read it; as mproc_list_getf(). With MPROC_EFORMAT it
 *  is removed all the same. */
MPROC_DECLARE(apr_status_t)
mproc_list_popf(mproc_list_t *list, apr_int64_t index, apr_pool_t *pool,
                const char *format, ...);

/** Remove an element, and read it; as mproc_list_get(). */
MPROC_DECLARE(apr_status_t)
mproc_list_pop(mproc_list_t *list, mproc_bytes_t *value, apr_int64_t index,
               apr_pool_t *pool);

/**
 * Remove an element, by where it is.
 * @param list  the list
 * @param index of the element; negative: from the end
 * @return APR_SUCCESS; APR_NOTFOUND outside of the list; APR_EINVAL for NULL;
 *         APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_remove(mproc_list_t *list, apr_int64_t index);

/**
 * Remove the first element that is equal to a value.
 * @param list   the list
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_NOTFOUND when there is none; MPROC_EFORMAT when the
 *         format packs another number of values than one; APR_EINVAL for NULL;
 *         what mproc_pack() returns; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_removef(mproc_list_t *list, const char *format, ...);

/**
 * Find the first element that is equal to a value.
 * @param list   the list
 * @param index  receives where it is
 * @param format of mproc_pack(), for one value
 * @return as mproc_list_removef()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_indexf(mproc_list_t *list, apr_size_t *index, const char *format,
                  ...);

/**
 * Count the elements that are equal to a value.
 * @param list   the list
 * @param count  receives how many
 * @param format of mproc_pack(), for one value
 * @return as mproc_list_removef(), but APR_SUCCESS when there is none
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_countf(mproc_list_t *list, apr_size_t *count, const char *format,
                  ...);

/**
 * Tell whether an element is equal to a value.
 * @param list   the list
 * @param format of mproc_pack(), for one value
 * @return 1 or 0; 0 also after an error
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_list_hasf(mproc_list_t *list, const char *format, ...);

/**
 * Tell how many elements there are.
 * @param list the list
 * @return the number; 0 for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_list_size(mproc_list_t *list);

/**
 * Remove all elements.
 * @param list the list
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM: nothing was removed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_list_clear(mproc_list_t *list);

/**
 * Put all elements of a list at the end: all, or none.
 * @param list   the list
 * @param values a datum that is a list
 * @return APR_SUCCESS; APR_EINVAL for NULL, or what is no list; MPROC_ESTALE
 *         when an object in it exists no more; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_extend(mproc_list_t *list, const mproc_datum_t *values);

/** The same for what a format packs: one list, such as "[i s]". */
MPROC_DECLARE(apr_status_t)
mproc_list_extendf(mproc_list_t *list, const char *format, ...);

/**
 * Repeat the elements until they are there so many times.
 * @param list  the list
 * @param times 0, or less: the list is empty then
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM: nothing has changed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_repeat(mproc_list_t *list, apr_int64_t times);

/**
 * Read a range of elements, as a list.
 * @param list  the list
 * @param datum receives the list
 * @param start of the range; negative: from the end
 * @param stop  of the range; negative: from the end
 * @param pool  its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; MPROC_EFORMAT when an element nests so deep that there
 *         can be no list of it (64); APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_slice(mproc_list_t *list, mproc_datum_t **datum, apr_int64_t start,
                 apr_int64_t stop, apr_pool_t *pool);

/**
 * Put the elements of a list in the place of a range, of any length.
 * @param list   the list
 * @param start  of the range; negative: from the end
 * @param stop   of the range; negative: from the end
 * @param values a datum that is a list
 * @return as mproc_list_extend()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_set_slice(mproc_list_t *list, apr_int64_t start, apr_int64_t stop,
                     const mproc_datum_t *values);

/** The same for what a format packs: one list, such as "[i s]". */
MPROC_DECLARE(apr_status_t)
mproc_list_set_slicef(mproc_list_t *list, apr_int64_t start, apr_int64_t stop,
                      const char *format, ...);

/** Remove a range; as mproc_list_set_slice() with an empty list. */
MPROC_DECLARE(apr_status_t)
mproc_list_remove_slice(mproc_list_t *list, apr_int64_t start,
                        apr_int64_t stop);

/**
 * Sort the elements: numbers and booleans by value (NaN last), texts and bytes
 * by their bytes, lists by the first elements that differ. Equal ones keep
 * their order.
 * @param list    the list
 * @param reverse 1: the largest first
 * @return APR_SUCCESS; APR_EINVAL for NULL, or when not all can be compared
 *         with each other: nothing has changed; APR_ENOMEM: likewise
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_list_sort(mproc_list_t *list, int reverse);

/**
 * Bring the elements into the opposite order.
 * @param list the list
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_list_reverse(mproc_list_t *list);

/**
 * Make another list with the same elements.
 * @param copy receives it
 * @param list the list
 * @param pool the copy's lifetime here, or NULL: until mproc_list_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_copy(mproc_list_t **copy, mproc_list_t *list, apr_pool_t *pool);

/** Read all elements, as a list; as mproc_list_slice(). */
MPROC_DECLARE(apr_status_t)
mproc_list_datum(mproc_list_t *list, mproc_datum_t **datum, apr_pool_t *pool);

/**
 * Read all elements, packed.
 * @param list   the list
 * @param values receives the first of them
 * @param count  receives how many
 * @param pool   owns them, and keeps the objects in them
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_list_snapshot(mproc_list_t *list, mproc_bytes_t **values,
                    apr_size_t *count, apr_pool_t *pool);

/**
 * Give up this process's use of the list.
 * @param list the list, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_list_destroy(mproc_list_t *list);

#ifdef __cplusplus
}
#endif

#endif
