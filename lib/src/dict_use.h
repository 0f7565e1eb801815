/* dict_use.h: what the files of dict, namespace and set share. */
#ifndef MPROC_SRC_DICT_USE_H
#define MPROC_SRC_DICT_USE_H

#include <mproc/dict.h>

#include "dict_table.h"

struct mproc_dict_t {
    mproc__store_use_t use;
};

/* A key that is a text, packed here. */
typedef struct mproc__text_key_t {
    mproc__key_t key;
    char *more; /* NULL: it lies in `few` */
    char few[256];
} mproc__text_key_t;

/* Make it, and hash it; what it is of is told by `call`. To be ended, even
 * after a failure. */
apr_status_t mproc__text_key_begin(mproc__text_key_t *key, const char *text,
                                   const mproc__store_use_t *use,
                                   const char *call);
void mproc__text_key_end(mproc__text_key_t *key);

/* The same for a key that is packed: one value, that names no object. */
apr_status_t mproc__key_begin(mproc__key_t *key, mproc_bytes_t bytes,
                              const mproc__store_use_t *use, const char *call);

/* What the calls come down to, once their arguments are checked. Each is one
 * step for others. */
apr_status_t mproc__dict_set(mproc__store_use_t *use, const mproc__key_t *key,
                             const mproc__fill_t *fill, const char *call);
/* `drop`: remove it too. The taken one is to be ended if it was got. */
apr_status_t mproc__dict_get(mproc__store_use_t *use, const mproc__key_t *key,
                             mproc__taken_t *taken, int drop, const char *call);
apr_status_t mproc__dict_remove(mproc__store_use_t *use,
                                const mproc__key_t *key, const char *call);
int mproc__dict_has(mproc__store_use_t *use, const mproc__key_t *key,
                    const char *call);

/* APR_NOTFOUND, with its sentence. */
apr_status_t mproc__key_missing(const mproc__key_t *key, const char *call);

apr_size_t mproc__dict_size(mproc__store_use_t *use, const char *call);
apr_status_t mproc__dict_clear(mproc__store_use_t *use, const char *call);
/* The last entry; APR_NOTFOUND. */
apr_status_t mproc__dict_popitem(mproc__store_use_t *use, mproc_bytes_t *key,
                                 mproc_bytes_t *value, apr_pool_t *pool,
                                 const char *call);
/* Put all pairs, which stand for themselves until this returns. */
apr_status_t mproc__dict_put_pairs(mproc__store_use_t *use,
                                   const mproc_dict_pair_t *pairs,
                                   apr_size_t count, apr_pool_t *pool,
                                   const char *call);

/* All entries at one moment. */
apr_status_t mproc__dict_snapshot(mproc__store_use_t *use,
                                  mproc_dict_pair_t **pairs, apr_size_t *count,
                                  apr_pool_t *pool, const char *call);

/* Parts of all entries as one datum. */
typedef enum mproc__dict_part_e {
    MPROC__DICT_KEYS,
    MPROC__DICT_VALUES,
    MPROC__DICT_ITEMS,
    MPROC__DICT_MAP,
    MPROC__DICT_SORTED /* likewise, by the bytes of the keys, texts */
} mproc__dict_part_e;
apr_status_t mproc__dict_datum(mproc__store_use_t *use, mproc_datum_t **datum,
                               mproc__dict_part_e part, apr_pool_t *pool,
                               const char *call);

/* The same of a manager's dict, namespace or set. */
struct mproc__proxy_t;
apr_status_t mproc__far_dict_datum(struct mproc__proxy_t *dict,
                                   mproc_datum_t **datum,
                                   mproc__dict_part_e part, apr_pool_t *pool,
                                   const char *call);

#endif
