/**
 * @file datum.h
 * @brief A value whose shape is not known beforehand, as a tree.
 *
 * Parse, walk, build, print:
 *
 * @code
 * mproc_datum_t *datum;
 * apr_int64_t port;
 * mproc_datum_parse(&datum, bytes, pool);
 * mproc_datum_as_int64(mproc_datum_find(datum, "port"), &port);
 * puts(mproc_datum_text(datum, NULL));      // {"port": 80, "up": true}
 * @endcode
 *
 * A tree is a value: what is put into a list or a map is copied, and what is
 * found inside one is read-only, belongs to the tree, and is valid until the
 * tree is changed or ends. Lists and maps nest 64 deep.
 *
 * A datum made with a pool lives as long as that; one made with NULL lives
 * until mproc_datum_destroy(), and what it is made of with it.
 *
 * The calls that read take NULL for "no datum", so that they can be strung
 * together: they find nothing in it, and have an error for it.
 *
 * A tree belongs to one process; pack it to pass it on. Any number of threads
 * may read it while none changes it, or prints it into its own pool.
 */
#ifndef MPROC_DATUM_H
#define MPROC_DATUM_H

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One value, with the values inside it. */
typedef struct mproc_datum_t mproc_datum_t;

/** What a datum is. */
typedef enum mproc_datum_type_e {
    MPROC_DATUM_NIL,
    MPROC_DATUM_BOOL,
    MPROC_DATUM_INT, /**< whole, -2^63 to 2^64 - 1 */
    MPROC_DATUM_DOUBLE,
    MPROC_DATUM_TEXT,
    MPROC_DATUM_BYTES,
    MPROC_DATUM_LIST,
    MPROC_DATUM_MAP,   /**< any datum as key; the order is kept */
    MPROC_DATUM_OBJECT /**< a shared mproc object */
} mproc_datum_type_e;

/**
 * Make a tree of packed bytes. Hostile bytes do no harm: all sizes are
 * checked before anything is allocated. Text is not checked to be UTF-8.
 * Equal keys in a map are all kept; the last of them is the one that is found.
 * @param datum receives the tree
 * @param bytes one packed value, nothing behind it; copied
 * @param pool  its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; MPROC_EFORMAT when the bytes are no MessagePack, nest
 *         too deep, or have an extension in them that is no mproc object;
 *         MPROC_ESTALE when an object in them exists no more; APR_EINVAL for
 *         NULL; APR_ENOMEM
 * @note Processes: any of the tree when there are objects inside, else any.
 *       Threads: any, a pool in one at a time. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_parse(mproc_datum_t **datum, mproc_bytes_t bytes, apr_pool_t *pool);

/**
 * Pack a tree into bytes, as mproc_pack() with the letter `v` does.
 * @param bytes receives the bytes, allocated from the pool
 * @param datum the tree
 * @param pool  owns the bytes; objects in the tree live at least as long
 * @return APR_SUCCESS; APR_EINVAL for NULL; MPROC_ETOOBIG for text or bytes,
 *         a list or a map beyond what MessagePack has sizes for (2^32 - 1);
 *         APR_ENOMEM
 * @note Processes: any of the tree when there are objects inside, else any.
 *       Threads: any, a pool in one at a time. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_pack(mproc_bytes_t *bytes, const mproc_datum_t *datum,
                 apr_pool_t *pool);

/**
 * Print a tree as text like JSON: `[42, null, "hello"]`, `{"a": 1.0}`. Bytes
 * are `b"\x00..."`, an object is `<object HANDLE>`, bytes of a text that are
 * not UTF-8 are `\xff`. A double has as few digits as read back the same,
 * and a point or an exponent always, or is nan, inf, -inf.
 * @param datum the tree
 * @param pool  owns the text; NULL: the text lives as long as the datum
 * @return the text, never NULL; "" for no datum or when memory is out
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(const char *)
mproc_datum_text(const mproc_datum_t *datum, apr_pool_t *pool);

/**
 * End a tree before its pool does: it gives up the objects in it, and its
 * memory if it was made with a pool of NULL.
 * @param datum what a call that creates or parses gave, or NULL for nothing
 * @note Processes: any. Threads: any, the tree and its pool in one at a time.
 *       Fork: usable in the child.
 */
MPROC_DECLARE(void) mproc_datum_destroy(mproc_datum_t *datum);

/**
 * Compare two trees: same types, same values, lists and maps in the same
 * order. An int is never equal to a double; NaN is equal to NaN.
 * @param a one tree, may be NULL
 * @param b another one, may be NULL
 * @return 1 when they are equal, else 0; two NULLs are equal
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(int)
mproc_datum_equal(const mproc_datum_t *a, const mproc_datum_t *b);

/**
 * Tell what a datum is.
 * @param datum the datum
 * @return its type; MPROC_DATUM_NIL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(mproc_datum_type_e) mproc_datum_type(const mproc_datum_t *datum);

/**
 * Tell how many values a list, or pairs a map, has.
 * @param datum the list or map
 * @return the number; 0 for anything else
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_size_t) mproc_datum_size(const mproc_datum_t *datum);

/**
 * Read a boolean.
 * @param datum the datum
 * @param value receives 1 or 0
 * @return APR_SUCCESS; MPROC_EFORMAT when it is something else; APR_EINVAL
 *         for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_bool(const mproc_datum_t *datum, int *value);

/**
 * Read a whole number.
 * @param datum the datum
 * @param value receives the number
 * @return APR_SUCCESS; MPROC_EFORMAT when it is something else or does not
 *         fit; APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_int64(const mproc_datum_t *datum, apr_int64_t *value);

/** As mproc_datum_as_int64(), for numbers from 0 up. */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_uint64(const mproc_datum_t *datum, apr_uint64_t *value);

/** As mproc_datum_as_int64(), for a double, or a whole number that a double
 *  can hold exactly. */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_double(const mproc_datum_t *datum, double *value);

/**
 * Read a text.
 * @param datum the datum
 * @param text  receives the text, terminated; belongs to the tree
 * @return APR_SUCCESS; MPROC_EFORMAT when it is something else, or has a NUL
 *         inside (mproc_datum_as_bytes() reads such); APR_EINVAL for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_text(const mproc_datum_t *datum, const char **text);

/**
 * Read bytes, or a text as bytes.
 * @param datum the datum
 * @param bytes receives the bytes, which belong to the tree
 * @return APR_SUCCESS; MPROC_EFORMAT when it is something else; APR_EINVAL
 *         for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_bytes(const mproc_datum_t *datum, mproc_bytes_t *bytes);

/**
 * Read a shared object.
 * @param datum  the datum
 * @param object a pointer to a pointer of the object's type; receives the
 *               object, which belongs to the tree: do not destroy it
 * @return APR_SUCCESS; MPROC_EFORMAT when it is something else; APR_EINVAL
 *         for NULL
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_as_object(const mproc_datum_t *datum, void *object);

/**
 * Find a value of a list by its place.
 * @param list  the list
 * @param index from 0
 * @return the value; NULL beyond the end, or when it is no list
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const mproc_datum_t *)
mproc_datum_at(const mproc_datum_t *list, apr_size_t index);

/** Find a key of a map by its place, as mproc_datum_at(). */
MPROC_DECLARE(const mproc_datum_t *)
mproc_datum_key_at(const mproc_datum_t *map, apr_size_t index);

/** Find a value of a map by its place, as mproc_datum_at(). */
MPROC_DECLARE(const mproc_datum_t *)
mproc_datum_value_at(const mproc_datum_t *map, apr_size_t index);

/**
 * Find a value of a map by its key, from the last pair to the first.
 * @param map the map
 * @param key a text
 * @return the value; NULL when there is none, or when it is no map
 * @note Processes: any. Threads: any. Fork: usable in the child.
 */
MPROC_DECLARE(const mproc_datum_t *)
mproc_datum_find(const mproc_datum_t *map, const char *key);

/**
 * Make a nil. The calls below do the same for the other types; a list and a
 * map are made empty.
 * @param datum receives it
 * @param pool  its lifetime, or NULL: until mproc_datum_destroy()
 * @return APR_SUCCESS; APR_EINVAL for a NULL argument, or NULL bytes of a
 *         size that is not 0; APR_ENOMEM. For an object, what else keeps it
 *         from being opened a second time: the datum has its own use of it.
 * @note Processes: any. Threads: any, a pool in one at a time. Fork: usable
 *       in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_nil(mproc_datum_t **datum, apr_pool_t *pool);

/** Make a boolean: false for 0, else true. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_bool(mproc_datum_t **datum, int value, apr_pool_t *pool);

/** Make a whole number. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_int(mproc_datum_t **datum, apr_int64_t value,
                       apr_pool_t *pool);

/** Make a whole number from 0 up. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_uint(mproc_datum_t **datum, apr_uint64_t value,
                        apr_pool_t *pool);

/** Make a double. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_double(mproc_datum_t **datum, double value,
                          apr_pool_t *pool);

/** Make a text, a copy; it should be UTF-8, which is not checked. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_text(mproc_datum_t **datum, const char *text,
                        apr_pool_t *pool);

/** Make bytes, a copy. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_bytes(mproc_datum_t **datum, mproc_bytes_t bytes,
                         apr_pool_t *pool);

/** Make an empty list. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_list(mproc_datum_t **datum, apr_pool_t *pool);

/** Make an empty map. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_map(mproc_datum_t **datum, apr_pool_t *pool);

/** Make a datum of any shared mproc object. */
MPROC_DECLARE(apr_status_t)
mproc_datum_create_object(mproc_datum_t **datum, void *object,
                          apr_pool_t *pool);

/**
 * Put a copy of a value at the end of a list.
 * @param list the list; may be the value too
 * @param item the value, with all that is inside
 * @return APR_SUCCESS; APR_EINVAL for NULL or when it is no list;
 *         MPROC_ETOOBIG when the list would nest too deep; APR_ENOMEM. After
 *         an error the list is as it was.
 * @note Processes: any. Threads: any, the tree and its pool in one at a time.
 *       Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_append(mproc_datum_t *list, const mproc_datum_t *item);

/**
 * Put a copy of a value into a map, in the place of the one that has the key
 * now, else at the end.
 * @param map   the map
 * @param key   a text, copied
 * @param value the value, with all that is inside
 * @return as mproc_datum_append()
 * @note Processes: any. Threads: any, the tree and its pool in one at a time.
 *       Fork: usable in the child.
 */
MPROC_DECLARE(apr_status_t)
mproc_datum_set(mproc_datum_t *map, const char *key,
                const mproc_datum_t *value);

/** As mproc_datum_set(), with any datum as the key, copied too. */
MPROC_DECLARE(apr_status_t)
mproc_datum_set_pair(mproc_datum_t *map, const mproc_datum_t *key,
                     const mproc_datum_t *value);

#ifdef __cplusplus
}
#endif

#endif
