/*
 * datum_parse.c: bytes into a tree.
 *
 * The whole value is walked before a byte is allocated, so no list in it can
 * claim more values than there are; only then does the depth, now known to
 * be small, allow a function that calls itself.
 */
#include "datum.h"

#include "error.h"

static apr_status_t
memory_out(mproc__wire_t *wire)
{
    return mproc__wire_fail(wire, APR_ENOMEM, "memory is out");
}

static apr_status_t datum_build(mproc_datum_t *datum, mproc__wire_t *wire);

static apr_status_t
run_build(mproc_datum_t *datum, mproc__wire_t *wire,
          const mproc__token_t *token)
{
    char *run = mproc__datum_run(token->data, token->size, datum->pool);

    if (run == NULL) {
        return memory_out(wire);
    }
    datum->type =
        token->kind == MPROC__TOKEN_TEXT ? MPROC_DATUM_TEXT : MPROC_DATUM_BYTES;
    datum->as.run.data = run;
    datum->as.run.size = token->size;
    return APR_SUCCESS;
}

static apr_status_t
items_build(mproc_datum_t *datum, mproc__wire_t *wire,
            const mproc__token_t *token)
{
    mproc__items_t *items = &datum->as.items;
    apr_size_t total = (apr_size_t)token->number;
    apr_status_t rv;

    if (token->kind == MPROC__TOKEN_MAP) {
        total *= 2;
    }
    items->at = NULL;
    items->count = 0;
    items->room = total;
    if (total > 0) {
        items->at = mproc__datum_items(total, datum->pool);
        if (items->at == NULL) {
            return memory_out(wire);
        }
    }
    datum->type =
        token->kind == MPROC__TOKEN_MAP ? MPROC_DATUM_MAP : MPROC_DATUM_LIST;
    datum->height = 1;
    while (items->count < total) {
        /* Counted before it is built: a failure ends what it holds too. */
        mproc_datum_t *item = &items->at[items->count++];
        rv = datum_build(item, wire);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (item->height >= datum->height) {
            datum->height = (unsigned char)(item->height + 1);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
object_build(mproc_datum_t *datum, mproc__wire_t *wire,
             const mproc__token_t *token)
{
    apr_status_t rv =
        mproc__wire_object(wire, token, &datum->as.object, datum->pool);

    if (rv == APR_SUCCESS) {
        datum->type = MPROC_DATUM_OBJECT;
    }
    return rv;
}

/* On failure the datum is whole as far as it has got. */
static apr_status_t
datum_build(mproc_datum_t *datum, mproc__wire_t *wire)
{
    mproc__token_t token;
    apr_status_t rv = mproc__wire_next(wire, &token);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    switch (token.kind) {
    case MPROC__TOKEN_NIL:
        break;
    case MPROC__TOKEN_BOOL:
        datum->type = MPROC_DATUM_BOOL;
        datum->as.boolean = (int)token.number;
        break;
    case MPROC__TOKEN_INT:
        datum->type = MPROC_DATUM_INT;
        datum->as.whole = token.number;
        datum->negative = (unsigned char)token.negative;
        break;
    case MPROC__TOKEN_DOUBLE:
        datum->type = MPROC_DATUM_DOUBLE;
        datum->as.real = token.real;
        break;
    case MPROC__TOKEN_TEXT:
    case MPROC__TOKEN_BYTES:
        return run_build(datum, wire, &token);
    case MPROC__TOKEN_LIST:
    case MPROC__TOKEN_MAP:
        return items_build(datum, wire, &token);
    case MPROC__TOKEN_EXT:
        return object_build(datum, wire, &token);
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__datum_read(mproc_datum_t **datum, mproc__wire_t *wire, unsigned levels,
                  apr_pool_t *pool)
{
    const unsigned char *start = wire->at;
    apr_status_t rv;

    *datum = NULL;
    rv = mproc__wire_skip(wire, levels);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    wire->at = start;
    rv = mproc__datum_create(datum, pool);
    if (rv != APR_SUCCESS) {
        return mproc__wire_fail(wire, rv, "%s", mproc_error_detail());
    }
    rv = datum_build(*datum, wire);
    if (rv != APR_SUCCESS) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
    }
    return rv;
}

apr_status_t
mproc_datum_parse(mproc_datum_t **datum, mproc_bytes_t bytes, apr_pool_t *pool)
{
    mproc__wire_t wire;
    apr_status_t rv;

    if (datum != NULL) {
        *datum = NULL;
    }
    if (datum == NULL || (bytes.data == NULL && bytes.size > 0)) {
        return mproc__fail(APR_EINVAL,
                           "cannot parse: the %s NULL; pass bytes and a "
                           "variable for the datum",
                           datum == NULL ? "variable is" : "bytes are");
    }
    mproc__wire_init(&wire, bytes);
    rv = mproc__datum_read(datum, &wire, MPROC__NESTING_MAX, pool);
    if (rv == APR_SUCCESS && wire.at != wire.end) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
        rv = mproc__wire_fail(&wire, MPROC_EFORMAT,
                              "the value ends here and bytes follow; parse "
                              "one value at a time");
    }
    if (rv != APR_SUCCESS) {
        return mproc__fail(
            rv, "cannot parse %llu bytes as MessagePack: at byte %llu: %s",
            (unsigned long long)bytes.size,
            (unsigned long long)(wire.at - wire.start), wire.why);
    }
    return APR_SUCCESS;
}
