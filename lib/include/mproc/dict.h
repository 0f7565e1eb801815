/**
 * @file dict.h
 * @brief A dict in shared memory: values by key, for all processes.
 *
 * @code
 * mproc_dict_t *dict;
 * int n;
 * mproc_dict_create(&dict, pool);
 * mproc_dict_setf(dict, "answer", "i", 42);            // d["answer"] = 42
 * if (mproc_dict_getf(dict, "answer", pool, "i", &n) == APR_NOTFOUND) {
 *     n = 0;
 * }
 * mproc_process_create(&process, work, NULL, pool, "o", dict);
 * @endcode
 *
 * Keys and values are packed values (pack.h). The calls with an `f` take a
 * text as the key and a format for the value; the others take both as bytes
 * that mproc_pack() made, of one value each. The key "a" is the same as what
 * mproc_pack() makes of "s" and "a". Keys are equal when their bytes are, so 1,
 * 1.0 and true are three keys; one has at most 65535 bytes, and no shared
 * object in it. A value is of any size, and may have shared objects in it
 * (format letter `o`: another dict, a list, a lock): it refers to them, and
 * keeps them while it is there; whoever reads it gets the same object. What is
 * read otherwise is a copy: to change it, set it again. A dict may have itself
 * in it. Dicts that have each other in them keep each other: take one out of
 * the other, or clear it, before the last process lets go of them.
 *
 * Each call is one step for all others; several are not: take a lock for
 * these. Entries are in the order in which their keys came. Calls on all
 * entries see one moment; who walks over what they gave is not disturbed by
 * changes.
 *
 * A process that is killed within a call leaves the dict whole: what it was
 * setting is set or is not, and the next call goes on. Calls wait for each
 * other, for as long as one takes; for one that was killed not longer than it
 * takes to notice (100 ms).
 *
 * An entry needs 24 bytes beside key and value, rounded up to 8 (an eighth,
 * beyond 512), and 4 to 8 for its place; a value that is larger than 2048 bytes
 * or has objects in it has a block of its own. What is removed makes room for
 * what is about as large; mproc_dict_clear(), or the removal of the last entry,
 * gives the memory back.
 *
 * | Python              | here                                             |
 * |---------------------|--------------------------------------------------|
 * | d[k] = v            | mproc_dict_setf(), mproc_dict_set()              |
 * | d[k], d.get(k)      | mproc_dict_getf(), mproc_dict_get()              |
 * | del d[k]            | mproc_dict_remove(), mproc_dict_remove_key()     |
 * | k in d              | mproc_dict_has(), mproc_dict_has_key()           |
 * | d.pop(k)            | mproc_dict_popf(), mproc_dict_pop()              |
 * | d.popitem()         | mproc_dict_popitem()                             |
 * | d.setdefault(k, v)  | mproc_dict_setdefaultf(), mproc_dict_setdefault()|
 * | d.update(e), d |= e | mproc_dict_updatef(), mproc_dict_update()        |
 * | d.copy(), dict(d)   | mproc_dict_copy(), mproc_dict_datum()            |
 * | len(d), d.clear()   | mproc_dict_size(), mproc_dict_clear()            |
 * | d.keys(), .values() | mproc_dict_keys(), mproc_dict_values()           |
 * | d.items(), iter(d)  | mproc_dict_items(), mproc_dict_snapshot()        |
 */
#ifndef MPROC_DICT_H
#define MPROC_DICT_H

#include <stdarg.h>

#include <mproc/datum.h>
#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A dict. Starts with the shared object's header. */
typedef struct mproc_dict_t mproc_dict_t;

/** A key and its value, packed. */
typedef struct mproc_dict_pair_t {
    mproc_bytes_t key;
    mproc_bytes_t value;
} mproc_dict_pair_t;

/**
 * Create an empty dict.
 * @param dict receives it
 * @param pool its lifetime here, or NULL: until mproc_dict_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM when the arena or the
 *         machine is full
 * @note Processes: pass it on with `o`. Threads: any. Fork: usable in the
 *       child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_create(mproc_dict_t **dict, apr_pool_t *pool);

/**
 * Set a key to a value; in the place of the one it has, else at the end.
 * @param dict   the dict
 * @param key    a text of at most 65532 bytes
 * @param format of mproc_pack(), for one value
 * @return APR_SUCCESS; APR_EINVAL for NULL; MPROC_EFORMAT when the format packs
 *         another number of values than one; MPROC_ETOOBIG for a longer key;
 *         what mproc_pack() returns; APR_ENOMEM. After an error the dict is as
 *         it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_setf(mproc_dict_t *dict, const char *key, const char *format, ...);

/** mproc_dict_setf() with its arguments in a va_list. */
MPROC_DECLARE(apr_status_t)
mproc_dict_vsetf(mproc_dict_t *dict, const char *key, const char *format,
                 va_list args);

/**
 * Read the value of a key.
 * @param dict   the dict
 * @param key    a text
 * @param pool   owns what is made: text, bytes, data, objects
 * @param format of mproc_unpack(), and its variables
 * @return APR_SUCCESS; APR_NOTFOUND when there is no such key: the variables
 *         keep what they have, a default, say; MPROC_EFORMAT when the value is
 *         something else; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_getf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                const char *format, ...);

/** mproc_dict_getf() with its arguments in a va_list. */
MPROC_DECLARE(apr_status_t)
mproc_dict_vgetf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                 const char *format, va_list args);

/**
 * Remove a key and read what its value was. Returns as mproc_dict_getf(); with
 * MPROC_EFORMAT the key is gone all the same.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_popf(mproc_dict_t *dict, const char *key, apr_pool_t *pool,
                const char *format, ...);

/**
 * Set a key if it is not there yet.
 * @param dict   the dict
 * @param added  receives 1 when it was set, 0 when it was there; may be NULL
 * @param key    a text
 * @param format of mproc_pack(), for one value
 * @return as mproc_dict_setf()
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_setdefaultf(mproc_dict_t *dict, int *added, const char *key,
                       const char *format, ...);

/**
 * Remove a key.
 * @param dict the dict
 * @param key  a text
 * @return APR_SUCCESS; APR_NOTFOUND when there is no such key; APR_EINVAL for
 *         NULL; MPROC_ETOOBIG; APR_ENOMEM
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_remove(mproc_dict_t *dict, const char *key);

/**
 * Tell whether a key is there.
 * @param dict the dict
 * @param key  a text
 * @return 1 or 0; 0 also for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int) mproc_dict_has(mproc_dict_t *dict, const char *key);

/**
 * Set a key to a value, both packed.
 * @param dict  the dict
 * @param key   one packed value, copied
 * @param value one packed value, copied; the dict has its own use of objects
 *              in it
 * @return APR_SUCCESS; MPROC_EFORMAT when one is not one packed value;
 *         MPROC_ETOOBIG for a key of more than 65535 bytes, or a value beyond
 *         what fits into a block; APR_EINVAL for a dict of NULL or a key with
 *         an object in it; MPROC_ESTALE when an object in the value exists no
 *         more; APR_ENOMEM. After an error the dict is as it was.
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_set(mproc_dict_t *dict, mproc_bytes_t key, mproc_bytes_t value);

/**
 * Read a value, packed.
 * @param dict  the dict
 * @param value receives a copy, in the pool
 * @param key   one packed value
 * @param pool  owns the copy, and keeps the objects in it
 * @return APR_SUCCESS; APR_NOTFOUND when there is no such key; MPROC_EFORMAT
 *         when that is not one packed value; APR_EINVAL for NULL;
 *         MPROC_ETOOBIG; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_get(mproc_dict_t *dict, mproc_bytes_t *value, mproc_bytes_t key,
               apr_pool_t *pool);

/** As mproc_dict_get(), and remove the key. */
MPROC_DECLARE(apr_status_t)
mproc_dict_pop(mproc_dict_t *dict, mproc_bytes_t *value, mproc_bytes_t key,
               apr_pool_t *pool);

/**
 * Set a key if it is not there yet, and read what it has then.
 * @param dict   the dict
 * @param value  receives a copy of the value, in the pool
 * @param key    one packed value
 * @param preset one packed value, to be set if there is none
 * @param pool   owns the copy, and keeps the objects in it
 * @return as mproc_dict_set()
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_setdefault(mproc_dict_t *dict, mproc_bytes_t *value,
                      mproc_bytes_t key, mproc_bytes_t preset,
                      apr_pool_t *pool);

/** As mproc_dict_remove(), for a packed key. */
MPROC_DECLARE(apr_status_t)
mproc_dict_remove_key(mproc_dict_t *dict, mproc_bytes_t key);

/** As mproc_dict_has(), for a packed key. */
MPROC_DECLARE(int) mproc_dict_has_key(mproc_dict_t *dict, mproc_bytes_t key);

/**
 * Remove the entry whose key came last, and read it.
 * @param dict  the dict
 * @param key   receives a copy of the key, in the pool
 * @param value receives a copy of the value, in the pool
 * @param pool  owns the copies, and keeps the objects in them
 * @return APR_SUCCESS; APR_NOTFOUND when the dict is empty; APR_EINVAL for
 *         NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_popitem(mproc_dict_t *dict, mproc_bytes_t *key, mproc_bytes_t *value,
                   apr_pool_t *pool);

/**
 * Tell how many entries there are.
 * @param dict the dict
 * @return the number; 0 for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_dict_size(mproc_dict_t *dict);

/**
 * Remove all entries.
 * @param dict the dict
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM: nothing was removed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t) mproc_dict_clear(mproc_dict_t *dict);

/**
 * Set all keys of a map, in one step for others.
 * @param dict the dict
 * @param map  a datum that is a map
 * @return APR_SUCCESS; APR_EINVAL for NULL, what is no map, or a key with an
 *         object in it: nothing was set; MPROC_ETOOBIG for a key of more than
 *         65535 bytes: the same; APR_ENOMEM: some may have been set, as also
 *         when the process is killed
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_update(mproc_dict_t *dict, const mproc_datum_t *map);

/** The same for what a format packs: one map, such as "{s:i s:i}". */
MPROC_DECLARE(apr_status_t)
mproc_dict_updatef(mproc_dict_t *dict, const char *format, ...);

/**
 * Make another dict with the same entries.
 * @param copy receives it
 * @param dict the dict
 * @param pool the copy's lifetime here, or NULL: until mproc_dict_destroy()
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_copy(mproc_dict_t **copy, mproc_dict_t *dict, apr_pool_t *pool);

/**
 * Read all keys, as a list, in their order.
 * @param dict the dict
 * @param keys receives the list
 * @param pool its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; MPROC_EFORMAT when a key or value nests so deep that
 *         there can be no list of them (63); APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_keys(mproc_dict_t *dict, mproc_datum_t **keys, apr_pool_t *pool);

/** The same for all values. */
MPROC_DECLARE(apr_status_t)
mproc_dict_values(mproc_dict_t *dict, mproc_datum_t **values, apr_pool_t *pool);

/** The same for all entries, as a list of lists of key and value. */
MPROC_DECLARE(apr_status_t)
mproc_dict_items(mproc_dict_t *dict, mproc_datum_t **items, apr_pool_t *pool);

/** The same, as a map: to find in, to print with mproc_datum_text(). */
MPROC_DECLARE(apr_status_t)
mproc_dict_datum(mproc_dict_t *dict, mproc_datum_t **map, apr_pool_t *pool);

/**
 * Read all entries, packed, in the order of their keys.
 * @param dict  the dict
 * @param pairs receives the first of them
 * @param count receives how many
 * @param pool  owns them, and keeps the objects in them
 * @return APR_SUCCESS; APR_EINVAL for NULL; APR_ENOMEM
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_dict_snapshot(mproc_dict_t *dict, mproc_dict_pair_t **pairs,
                    apr_size_t *count, apr_pool_t *pool);

/**
 * Give up this process's use of the dict.
 * @param dict the dict, or NULL for nothing
 * @note Processes: only this one's use ends. Threads: no other may use this
 *       pointer any more. Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_dict_destroy(mproc_dict_t *dict);

#ifdef __cplusplus
}
#endif

#endif
