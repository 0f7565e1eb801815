/*
 * datum.h: the inside of a datum.
 *
 * A tree is a value: what is put into a list or map is copied, so a tree has
 * no cycle, shares no part and is never deeper than MPROC__NESTING_MAX.
 */
#ifndef MPROC_SRC_DATUM_H
#define MPROC_SRC_DATUM_H

#include <mproc/datum.h>

#include "wire.h"

/* TEXT and BYTES; TEXT has a '\0' behind it. */
typedef struct mproc__run_t {
    const char *data;
    apr_size_t size;
} mproc__run_t;

/* LIST and MAP: a key and its value are two items. */
typedef struct mproc__items_t {
    mproc_datum_t *at;
    apr_size_t count;
    apr_size_t room;
} mproc__items_t;

struct mproc_datum_t {
    unsigned char type;     /* mproc_datum_type_e */
    unsigned char height;   /* levels of lists and maps from here down */
    unsigned char negative; /* INT: the bits are a signed number's */
    unsigned char owns;     /* the pool was made for this datum */
    apr_pool_t *pool;
    union {
        int boolean;
        apr_uint64_t whole;
        double real;
        mproc__run_t run;
        mproc__items_t items;
        mproc_object_t *object;
    } as;
};

/* A nil in the pool, or in a pool of its own when that is NULL. */
apr_status_t mproc__datum_create(mproc_datum_t **datum, apr_pool_t *pool);

/* Room for so many nils. NULL when memory is out. */
mproc_datum_t *mproc__datum_items(apr_size_t count, apr_pool_t *pool);

/* A copy of the bytes with a '\0' behind. NULL when memory is out. */
char *mproc__datum_run(const void *data, apr_size_t size, apr_pool_t *pool);

/* Have `to` be a copy in the pool. On failure it is nil and holds nothing. */
apr_status_t mproc__datum_copy(mproc_datum_t *to, const mproc_datum_t *from,
                               apr_pool_t *pool);

/* APR_ENOMEM with its sentence. */
apr_status_t mproc__datum_enomem(void);

/* Close the objects in a tree, which becomes nil. */
void mproc__datum_clear(mproc_datum_t *datum);

/* A text datum that lives as long as the text and the variable do. */
void mproc__datum_key(mproc_datum_t *datum, const char *text);

/* The value of a key in a map, the last one if there are more, or NULL. */
mproc_datum_t *mproc__datum_value(const mproc_datum_t *map,
                                  const mproc_datum_t *key);

/* "nil", "a list", ... */
const char *mproc__datum_name(const mproc_datum_t *datum);

/* Read one value, nested at most `levels` deep. On failure the wire's `why`
 * has the reason. */
apr_status_t mproc__datum_read(mproc_datum_t **datum, mproc__wire_t *wire,
                               unsigned levels, apr_pool_t *pool);

#endif
