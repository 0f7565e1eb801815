/**
 * @file namespace.h
 * @brief Named attributes in shared memory, for all processes.
 *
 * @code
 * mproc_namespace_t *settings;
 * int port;
 * mproc_namespace_create(&settings, pool);
 * mproc_namespace_setf(settings, "port", "i", 8080);   // settings.port = 8080
 * mproc_namespace_getf(settings, "port", pool, "i", &port);
 * mproc_process_create(&process, work, NULL, pool, "o", settings);
 * @endcode
 *
 * A dict (dict.h) whose keys are names, with all that is said there: values of
 * any type and size, other shared objects among them by reference; each call
 * is one step for others; whole, whoever is killed within a call.
 *
 * A name that begins with `_` is private: its attribute stays in this process
 * and belongs to this pointer; others, also in this process, do not see it. A
 * forked child has a copy.
 */
#ifndef MPROC_NAMESPACE_H
#define MPROC_NAMESPACE_H

#include <mproc/datum.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A namespace. Starts with the shared object's header. */
typedef struct mproc_namespace_t mproc_namespace_t;

/**
 * Create a namespace without attributes.
 * @param space receives it
 * @param pool  its lifetime here, or NULL: until mproc_namespace_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM when the arena or the
 *         machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_namespace_create(mproc_namespace_t **space, apr_pool_t *pool);

/**
 * Set an attribute.
 * @param space  the namespace
 * @param name   of the attribute, at most 65532 bytes
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_EINVAL for NULL; MPROC_EFORMAT when the format packs
 *         another number of values than one; MPROC_ETOOBIG for a longer name;
 *         what mproc_pack() returns; APR_ENOMEM. After an error the attribute
 *         is as it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_namespace_setf(mproc_namespace_t *space, const char *name,
                     const char *format, ...);

/**
 * Read an attribute.
 * @param space  the namespace
 * @param name   of the attribute
 * @param pool   owns what is made: text, bytes, data, objects
 * @param format of mproc_unpack(), and its variables
 * @return APR_SUCCESS; APR_NOTFOUND when there is no such attribute: the
 *         variables keep what they have; MPROC_EFORMAT when it is something
 *         else; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_namespace_getf(mproc_namespace_t *space, const char *name,
                     apr_pool_t *pool, const char *format, ...);

/**
 * Remove an attribute.
 * @param space the namespace
 * @param name  of the attribute
 * @return APR_SUCCESS; APR_NOTFOUND when there is no such attribute;
 *         APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_namespace_remove(mproc_namespace_t *space, const char *name);

/**
 * Tell whether there is an attribute.
 * @param space the namespace
 * @param name  of the attribute
 * @return 1 or 0; 0 also for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int)
mproc_namespace_has(mproc_namespace_t *space, const char *name);

/**
 * Read all attributes at one moment, without the private ones: a map, sorted
 * by name, to print with mproc_datum_text().
 * @param space the namespace
 * @param map   receives the map
 * @param pool  its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; MPROC_EFORMAT when a value nests so deep that there can
 *         be no map of it (64); APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_namespace_datum(mproc_namespace_t *space, mproc_datum_t **map,
                      apr_pool_t *pool);

/**
 * Give up this process's use of the namespace.
 * @param space the namespace, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_namespace_destroy(mproc_namespace_t *space);

#ifdef __cplusplus
}
#endif

#endif
