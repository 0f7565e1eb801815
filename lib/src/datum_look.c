/* datum_look.c: read trees: types, values, places, equality. */
#include "datum.h"

#include "error.h"
#include "object.h"

#include <string.h>

const char *
mproc__datum_name(const mproc_datum_t *datum)
{
    static const char *const names[] = {
        "nil",   "a boolean", "an integer", "a double",        "a text",
        "bytes", "a list",    "a map",      "a shared object",
    };

    return names[datum->type];
}

void
mproc__datum_key(mproc_datum_t *datum, const char *text)
{
    memset(datum, 0, sizeof *datum);
    datum->type = MPROC_DATUM_TEXT;
    datum->as.run.data = text;
    datum->as.run.size = strlen(text);
}

mproc_datum_type_e
mproc_datum_type(const mproc_datum_t *datum)
{
    return datum == NULL ? MPROC_DATUM_NIL : (mproc_datum_type_e)datum->type;
}

apr_size_t
mproc_datum_size(const mproc_datum_t *datum)
{
    switch (mproc_datum_type(datum)) {
    case MPROC_DATUM_LIST:
        return datum->as.items.count;
    case MPROC_DATUM_MAP:
        return datum->as.items.count / 2;
    default:
        return 0;
    }
}

static apr_status_t
read_check(const mproc_datum_t *datum, const void *value)
{
    if (datum == NULL || value == NULL) {
        return mproc__fail(APR_EINVAL,
                           "cannot read a datum: %s; look whether it was "
                           "found before it is read",
                           datum == NULL ? "there is none (NULL)"
                                         : "there is no variable for it");
    }
    return APR_SUCCESS;
}

static apr_status_t
mismatch(const mproc_datum_t *datum, const char *wanted)
{
    return mproc__fail(MPROC_EFORMAT,
                       "cannot read a datum as %s: it is %s; ask "
                       "mproc_datum_type() first",
                       wanted, mproc__datum_name(datum));
}

/* For an integer: of the right kind, but too large or too small. */
static apr_status_t
misfit(const mproc_datum_t *datum, const char *wanted)
{
    mproc__token_t token;
    char found[40];

    token.kind = MPROC__TOKEN_INT;
    token.negative = datum->negative;
    token.number = datum->as.whole;
    mproc__token_describe(&token, found, sizeof found);
    return mproc__fail(MPROC_EFORMAT,
                       "cannot read a datum as %s: %s does not fit; read it "
                       "as a number of another kind",
                       wanted, found);
}

apr_status_t
mproc_datum_as_bool(const mproc_datum_t *datum, int *value)
{
    apr_status_t rv = read_check(datum, value);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *value = 0;
    if (datum->type != MPROC_DATUM_BOOL) {
        return mismatch(datum, "a boolean");
    }
    *value = datum->as.boolean;
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_int64(const mproc_datum_t *datum, apr_int64_t *value)
{
    apr_status_t rv = read_check(datum, value);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *value = 0;
    if (datum->type != MPROC_DATUM_INT) {
        return mismatch(datum, "a signed integer");
    }
    if (!mproc__whole_signed(datum->negative, datum->as.whole, value)) {
        return misfit(datum, "a signed integer");
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_uint64(const mproc_datum_t *datum, apr_uint64_t *value)
{
    apr_status_t rv = read_check(datum, value);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *value = 0;
    if (datum->type != MPROC_DATUM_INT) {
        return mismatch(datum, "an unsigned integer");
    }
    if (datum->negative) {
        return misfit(datum, "an unsigned integer");
    }
    *value = datum->as.whole;
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_double(const mproc_datum_t *datum, double *value)
{
    apr_status_t rv = read_check(datum, value);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *value = 0;
    if (datum->type == MPROC_DATUM_DOUBLE) {
        *value = datum->as.real;
        return APR_SUCCESS;
    }
    if (datum->type != MPROC_DATUM_INT) {
        return mismatch(datum, "a double");
    }
    if (!mproc__whole_double(datum->negative, datum->as.whole, value)) {
        *value = 0;
        return misfit(datum, "a double");
    }
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_text(const mproc_datum_t *datum, const char **text)
{
    apr_status_t rv = read_check(datum, text);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *text = NULL;
    if (datum->type != MPROC_DATUM_TEXT) {
        return mismatch(datum, "a text");
    }
    if (memchr(datum->as.run.data, '\0', datum->as.run.size) != NULL) {
        return mproc__fail(MPROC_EFORMAT,
                           "cannot read a datum as a text: it has a NUL "
                           "inside; read it with mproc_datum_as_bytes()");
    }
    *text = datum->as.run.data;
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_bytes(const mproc_datum_t *datum, mproc_bytes_t *bytes)
{
    apr_status_t rv = read_check(datum, bytes);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    bytes->data = NULL;
    bytes->size = 0;
    if (datum->type != MPROC_DATUM_BYTES && datum->type != MPROC_DATUM_TEXT) {
        return mismatch(datum, "bytes");
    }
    bytes->data = datum->as.run.data;
    bytes->size = datum->as.run.size;
    return APR_SUCCESS;
}

apr_status_t
mproc_datum_as_object(const mproc_datum_t *datum, void *object)
{
    static void *const none = NULL;
    apr_status_t rv = read_check(datum, object);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Copied as bytes: the pointer there has a type of its own. */
    memcpy(object, &none, sizeof none);
    if (datum->type != MPROC_DATUM_OBJECT) {
        return mismatch(datum, "a shared object");
    }
    memcpy(object, &datum->as.object, sizeof datum->as.object);
    return APR_SUCCESS;
}

const mproc_datum_t *
mproc_datum_at(const mproc_datum_t *list, apr_size_t index)
{
    if (mproc_datum_type(list) != MPROC_DATUM_LIST ||
        index >= list->as.items.count) {
        return NULL;
    }
    return &list->as.items.at[index];
}

const mproc_datum_t *
mproc_datum_key_at(const mproc_datum_t *map, apr_size_t index)
{
    if (mproc_datum_type(map) != MPROC_DATUM_MAP ||
        index >= map->as.items.count / 2) {
        return NULL;
    }
    return &map->as.items.at[2 * index];
}

const mproc_datum_t *
mproc_datum_value_at(const mproc_datum_t *map, apr_size_t index)
{
    const mproc_datum_t *key = mproc_datum_key_at(map, index);

    return key == NULL ? NULL : key + 1;
}

mproc_datum_t *
mproc__datum_value(const mproc_datum_t *map, const mproc_datum_t *key)
{
    apr_size_t i;

    for (i = map->as.items.count; i > 0; i -= 2) {
        if (mproc_datum_equal(&map->as.items.at[i - 2], key)) {
            return &map->as.items.at[i - 1];
        }
    }
    return NULL;
}

const mproc_datum_t *
mproc_datum_find(const mproc_datum_t *map, const char *key)
{
    mproc_datum_t text;

    if (mproc_datum_type(map) != MPROC_DATUM_MAP || key == NULL) {
        return NULL;
    }
    mproc__datum_key(&text, key);
    return mproc__datum_value(map, &text);
}

static int
items_equal(const mproc__items_t *a, const mproc__items_t *b)
{
    apr_size_t i;

    if (a->count != b->count) {
        return 0;
    }
    for (i = 0; i < a->count; i++) {
        if (!mproc_datum_equal(&a->at[i], &b->at[i])) {
            return 0;
        }
    }
    return 1;
}

int
mproc_datum_equal(const mproc_datum_t *a, const mproc_datum_t *b)
{
    if (a == NULL || b == NULL || a->type != b->type) {
        return a == b;
    }
    switch ((mproc_datum_type_e)a->type) {
    case MPROC_DATUM_NIL:
        return 1;
    case MPROC_DATUM_BOOL:
        return a->as.boolean == b->as.boolean;
    case MPROC_DATUM_INT:
        return a->negative == b->negative && a->as.whole == b->as.whole;
    case MPROC_DATUM_DOUBLE:
        return a->as.real == b->as.real ||
               (a->as.real != a->as.real && b->as.real != b->as.real);
    case MPROC_DATUM_TEXT:
    case MPROC_DATUM_BYTES:
        return a->as.run.size == b->as.run.size &&
               memcmp(a->as.run.data, b->as.run.data, a->as.run.size) == 0;
    case MPROC_DATUM_LIST:
    case MPROC_DATUM_MAP:
        return items_equal(&a->as.items, &b->as.items);
    case MPROC_DATUM_OBJECT:
        return a->as.object->handle == b->as.object->handle;
    }
    return 0;
}
