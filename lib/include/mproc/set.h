/**
 * @file set.h
 * @brief A set in shared memory: values, each of them once, for all processes.
 *
 * @code
 * mproc_set_t *seen;
 * mproc_set_create(&seen, pool);
 * mproc_set_addf(seen, "s", "https://example.org");
 * if (!mproc_set_hasf(seen, "s", url)) { ... }
 * mproc_process_create(&process, work, NULL, pool, "o", seen);
 * @endcode
 *
 * A dict (dict.h) that has keys only, with all that is said there: a value is
 * anything that mproc_pack() makes one of, but no shared object; 1 and 1.0 are
 * two values, as are a text and its bytes; each call is one step for others;
 * the values stay in the order in which they came; whole, whoever is killed
 * within a call. Of a call with two sets the second is taken as it is at one
 * moment, and the first changed at a later one; who is killed in that may have
 * changed a part of it. The two may be the same, and one here and the other a
 * manager's (mproc_manager_set()); each call on one of those may also return
 * APR_ECONNRESET, and MPROC_ETOOBIG when the values of the other are more than
 * a message may have (net.max_message).
 *
 * | Python                | here                                           |
 * |-----------------------|------------------------------------------------|
 * | s.add(v)              | mproc_set_addf(), mproc_set_add()              |
 * | s.discard(v)          | mproc_set_discardf(), mproc_set_discard()      |
 * | s.remove(v)           | mproc_set_removef(), mproc_set_remove()        |
 * | v in s                | mproc_set_hasf(), mproc_set_has()              |
 * | s.pop()               | mproc_set_pop()                                |
 * | len(s), s.clear()     | mproc_set_size(), mproc_set_clear()            |
 * | s.copy()              | mproc_set_copy()                               |
 * | iter(s), list(s)      | mproc_set_snapshot(), mproc_set_values()       |
 * | s |= t                | mproc_set_update()                             |
 * | s &= t                | mproc_set_intersection_update()                |
 * | s -= t                | mproc_set_difference_update()                  |
 * | s ^= t                | mproc_set_symmetric_difference_update()        |
 * | s | t, s & t          | mproc_set_union(), mproc_set_intersection()    |
 * | s - t                 | mproc_set_difference()                         |
 * | s ^ t                 | mproc_set_symmetric_difference()               |
 * | s == t, s.isdisjoint(t)| mproc_set_equal(), mproc_set_is_disjoint()    |
 * | s <= t, s >= t        | mproc_set_is_subset(), mproc_set_is_superset() |
 */
#ifndef MPROC_SET_H
#define MPROC_SET_H

#include <mproc/datum.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A set. Starts with the shared object's header. */
typedef struct mproc_set_t mproc_set_t;

/**
 * Create an empty set.
 * @param set  receives it
 * @param pool its lifetime here, or NULL: until mproc_set_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM when the arena or the
 *         machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_create(mproc_set_t **set, apr_pool_t *pool);

/* ------------------------------------------------------------- one value */

/**
 * Have a value in it; one that it has stays where it is.
 * @param set    the set
 * @param format of mproc_pack(), for one value of at most 65535 bytes
 * @return APR_SUCCESS; APR_EINVAL for NULL, or a value that names an object;
 *         MPROC_EFORMAT when the format packs another number of values than
 *         one; MPROC_ETOOBIG for a larger one; what mproc_pack() returns;
 *         APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_addf(mproc_set_t *set, const char *format, ...);

/**
 * The same for a value that is packed.
 * @param set   the set
 * @param value one packed value, of mproc_pack()
 * @return as mproc_set_addf()
 * @note As mproc_set_addf().
 */
MPROC_DECLARE(apr_status_t)
mproc_set_add(mproc_set_t *set, mproc_bytes_t value);

/**
 * Have a value not in it.
 * @param set    the set
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS, also when it was not there; as mproc_set_addf()
 * @note As mproc_set_addf().
 */
MPROC_DECLARE(apr_status_t)
mproc_set_discardf(mproc_set_t *set, const char *format, ...);

/** mproc_set_discardf() for a value that is packed. */
MPROC_DECLARE(apr_status_t)
mproc_set_discard(mproc_set_t *set, mproc_bytes_t value);

/**
 * Take a value out that is in it.
 * @param set    the set
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_NOTFOUND when it is not there; as mproc_set_addf()
 * @note As mproc_set_addf().
 */
MPROC_DECLARE(apr_status_t)
mproc_set_removef(mproc_set_t *set, const char *format, ...);

/** mproc_set_removef() for a value that is packed. */
MPROC_DECLARE(apr_status_t)
mproc_set_remove(mproc_set_t *set, mproc_bytes_t value);

/**
 * Whether a value is in it.
 * @param set    the set
 * @param format of mproc_pack(), for one value
 * @return 1 or 0; 0 after an error, which mproc_error_detail() tells
 * @note As mproc_set_addf().
 */
MPROC_DECLARE(int) mproc_set_hasf(mproc_set_t *set, const char *format, ...);

/** mproc_set_hasf() for a value that is packed. */
MPROC_DECLARE(int) mproc_set_has(mproc_set_t *set, mproc_bytes_t value);

/**
 * Take the value out that came last.
 * @param set   the set
 * @param value receives it, packed, in the pool
 * @param pool  owns the bytes
 * @return APR_SUCCESS; APR_NOTFOUND when the set is empty; APR_EINVAL for
 *         NULL; APR_ENOMEM
 * @note Processes: any; each value goes to one. Threads: any. Fork: usable in
 *       the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_pop(mproc_set_t *set, mproc_bytes_t *value, apr_pool_t *pool);

/* ------------------------------------------------------------ all values */

/** How many values it has; 0 for what is none.
 *  @note Processes: any. Threads: any. Fork: usable in the child. */
MPROC_DECLARE(apr_size_t) mproc_set_size(mproc_set_t *set);

/** Take all values out. @return APR_SUCCESS; APR_EINVAL; APR_ENOMEM */
MPROC_DECLARE(apr_status_t) mproc_set_clear(mproc_set_t *set);

/**
 * All values at one moment, packed, in the order in which they came.
 * @param set    the set
 * @param values receives them, in the pool
 * @param count  receives how many
 * @param pool   owns them
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_snapshot(mproc_set_t *set, mproc_bytes_t **values, apr_size_t *count,
                   apr_pool_t *pool);

/**
 * The same as a list.
 * @param set    the set
 * @param values receives the list
 * @param pool   owns it, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note As mproc_set_snapshot().
 */
MPROC_DECLARE(apr_status_t)
mproc_set_values(mproc_set_t *set, mproc_datum_t **values, apr_pool_t *pool);

/**
 * A new set with the same values, where the set is: here or in its server.
 * @param copy receives it
 * @param set  the set
 * @param pool as mproc_set_create()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_copy(mproc_set_t **copy, mproc_set_t *set, apr_pool_t *pool);

/* --------------------------------------------------------------- two sets */

/**
 * Add all that the other has.
 * @param set   the set, which is changed
 * @param other the other, which is not
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM, and some may have been
 *         added
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_update(mproc_set_t *set, mproc_set_t *other);

/** Take out all that the other has not. As mproc_set_update(). */
MPROC_DECLARE(apr_status_t)
mproc_set_intersection_update(mproc_set_t *set, mproc_set_t *other);

/** Take out all that the other has. As mproc_set_update(). */
MPROC_DECLARE(apr_status_t)
mproc_set_difference_update(mproc_set_t *set, mproc_set_t *other);

/** Take out all that the other has, and add what it alone has. As
 *  mproc_set_update(). */
MPROC_DECLARE(apr_status_t)
mproc_set_symmetric_difference_update(mproc_set_t *set, mproc_set_t *other);

/**
 * A new set of what at least one of two has; it is where the first one is.
 * @param made receives it
 * @param a    the first set
 * @param b    the second
 * @param pool as mproc_set_create()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_set_union(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                apr_pool_t *pool);

/** Of what both have. As mproc_set_union(). */
MPROC_DECLARE(apr_status_t)
mproc_set_intersection(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                       apr_pool_t *pool);

/** Of what the first has and the second has not. As mproc_set_union(). */
MPROC_DECLARE(apr_status_t)
mproc_set_difference(mproc_set_t **made, mproc_set_t *a, mproc_set_t *b,
                     apr_pool_t *pool);

/** Of what one of them has alone. As mproc_set_union(). */
MPROC_DECLARE(apr_status_t)
mproc_set_symmetric_difference(mproc_set_t **made, mproc_set_t *a,
                               mproc_set_t *b, apr_pool_t *pool);

/** Whether both have the same values. 0 after an error, which
 *  mproc_error_detail() tells.
 *  @note As mproc_set_update(). */
MPROC_DECLARE(int) mproc_set_equal(mproc_set_t *a, mproc_set_t *b);

/** Whether the second has all that the first has. As mproc_set_equal(). */
MPROC_DECLARE(int) mproc_set_is_subset(mproc_set_t *a, mproc_set_t *b);

/** Whether the first has all that the second has. As mproc_set_equal(). */
MPROC_DECLARE(int) mproc_set_is_superset(mproc_set_t *a, mproc_set_t *b);

/** Whether no value is in both. As mproc_set_equal(). */
MPROC_DECLARE(int) mproc_set_is_disjoint(mproc_set_t *a, mproc_set_t *b);

/** Give up this pointer; the set goes with the last one. NULL is fine. */
MPROC_DECLARE(void) mproc_set_destroy(mproc_set_t *set);

#ifdef __cplusplus
}
#endif

#endif
