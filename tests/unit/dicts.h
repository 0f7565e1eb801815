/* dicts.h: what the tests of dict, list and namespace have in common. */
#ifndef MPROC_TESTS_DICTS_H
#define MPROC_TESTS_DICTS_H

#include <string.h>

#include "child.h"
#include "items.h"
#include "store_check.h"

static inline mproc_dict_t *
dict_new(apr_pool_t *pool)
{
    mproc_dict_t *dict;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_create(&dict, pool));
    return dict;
}

static inline const char *
dict_text(mproc_dict_t *dict, apr_pool_t *pool)
{
    mproc_datum_t *datum;
    REQUIRE_STATUS(APR_SUCCESS, mproc_dict_datum(dict, &datum, pool));
    CHECK_INT(mproc_dict_size(dict), mproc_datum_size(datum));
    return mproc_datum_text(datum, pool);
}

/* Without the lists of what is held, which stay. */
static inline apr_uint64_t
blocks_used(const mproc_census_t *census)
{
    return census->total.blocks - census->kind[MPROC_KIND_HOLD].blocks;
}

#define CHECK_WHOLE(dict)                                                      \
    do {                                                                       \
        const char *wrong_ = dict_whole(dict);                                 \
        CHECK_TEXT("", wrong_ == NULL ? "" : wrong_);                          \
    } while (0)

static inline mproc_bytes_t
pack_int(int number, apr_pool_t *pool)
{
    mproc_bytes_t bytes;
    REQUIRE_STATUS(APR_SUCCESS, mproc_pack(&bytes, pool, "i", number));
    return bytes;
}

/* A value of n bytes that can be told from others. */
static inline char *
long_text(apr_size_t size, int seed, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, size + 1);
    apr_size_t i;
    for (i = 0; i < size; i++) {
        text[i] = (char)('a' + (i * 7 + (apr_size_t)seed) % 26);
    }
    text[size] = '\0';
    return text;
}

#endif
