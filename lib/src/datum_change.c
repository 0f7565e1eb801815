/*
 * datum_change.c: put values into lists and maps.
 *
 * A copy is made before anything is changed: an error leaves the tree as it
 * was, and what is put in may be a part of where it is put.
 */
#include "datum.h"

#include "error.h"

#include <string.h>

/* Make room for `more` items behind those that are there. */
static apr_status_t
items_grow(mproc_datum_t *datum, apr_size_t more)
{
    mproc__items_t *items = &datum->as.items;
    apr_size_t room = items->room < 2 ? 4 : items->room * 2;
    mproc_datum_t *at;

    if (items->room - items->count >= more) {
        return APR_SUCCESS;
    }
    at = mproc__datum_items(room, datum->pool);
    if (at == NULL) {
        return mproc__datum_enomem();
    }
    if (items->count > 0) {
        memcpy(at, items->at, items->count * sizeof *at);
    }
    items->at = at;
    items->room = room;
    return APR_SUCCESS;
}

/* Height of a list or map from what it holds. */
static unsigned char
items_height(const mproc__items_t *items)
{
    unsigned char height = 0;
    apr_size_t i;

    for (i = 0; i < items->count; i++) {
        if (items->at[i].height > height) {
            height = items->at[i].height;
        }
    }
    return (unsigned char)(height + 1);
}

/* Check that `datum` is what it should be and may take `item`. */
static apr_status_t
put_check(const mproc_datum_t *datum, mproc_datum_type_e type,
          const mproc_datum_t *item)
{
    if (datum == NULL || item == NULL) {
        return mproc__fail(APR_EINVAL, "cannot put a value into a datum: one "
                                       "of them is NULL; create it first");
    }
    if (datum->type != type) {
        return mproc__fail(APR_EINVAL,
                           "cannot put a value into %s; create a %s for it",
                           mproc__datum_name(datum),
                           type == MPROC_DATUM_LIST ? "list" : "map");
    }
    if (item->height >= MPROC__NESTING_MAX) {
        return mproc__fail(MPROC_ETOOBIG,
                           "cannot put %s into %s: they would be nested more "
                           "than %d levels deep; make the tree flatter",
                           mproc__datum_name(item), mproc__datum_name(datum),
                           MPROC__NESTING_MAX);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_append(mproc_datum_t *list, const mproc_datum_t *item)
{
    mproc_datum_t copy;
    apr_status_t rv = put_check(list, MPROC_DATUM_LIST, item);

    if (rv == APR_SUCCESS) {
        rv = mproc__datum_copy(&copy, item, list->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = items_grow(list, 1);
    if (rv != APR_SUCCESS) {
        mproc__datum_clear(&copy);
        return rv;
    }
    list->as.items.at[list->as.items.count++] = copy;
    if (copy.height >= list->height) {
        list->height = (unsigned char)(copy.height + 1);
    }
    return APR_SUCCESS;
}

/* Put a pair behind the others; the value is the map's already. */
static apr_status_t
pair_add(mproc_datum_t *map, const mproc_datum_t *key,
         const mproc_datum_t *value)
{
    mproc__items_t *items = &map->as.items;
    mproc_datum_t copy;
    apr_status_t rv = mproc__datum_copy(&copy, key, map->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = items_grow(map, 2);
    if (rv != APR_SUCCESS) {
        mproc__datum_clear(&copy);
        return rv;
    }
    items->at[items->count++] = copy;
    items->at[items->count++] = *value;
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_set_pair(mproc_datum_t *map, const mproc_datum_t *key,
                     const mproc_datum_t *value)
{
    mproc_datum_t copy;
    mproc_datum_t *old;
    apr_status_t rv = put_check(map, MPROC_DATUM_MAP, key);

    if (rv == APR_SUCCESS) {
        rv = put_check(map, MPROC_DATUM_MAP, value);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__datum_copy(&copy, value, map->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    old = mproc__datum_value(map, key);
    if (old != NULL) {
        mproc__datum_clear(old);
        *old = copy;
    }
    else {
        rv = pair_add(map, key, &copy);
        if (rv != APR_SUCCESS) {
            mproc__datum_clear(&copy);
            return rv;
        }
    }
    map->height = items_height(&map->as.items);
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_set(mproc_datum_t *map, const char *key, const mproc_datum_t *value)
{
    mproc_datum_t text;

    if (key == NULL) {
        return mproc__fail(APR_EINVAL, "cannot set a value in a map under a "
                                       "key that is NULL; pass a text");
    }
    mproc__datum_key(&text, key);
    return mproc_datum_set_pair(map, &text, value);
}
