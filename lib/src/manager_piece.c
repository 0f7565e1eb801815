/*
 * manager_piece.c: mproc_pool_map_array() on a manager's pool.
 *
 * The array goes in pieces, each the argument of one task of the server's pool:
 * how many items, their sizes, the baton, the items. The server puts before it
 * what it knows the function by, and its workers run it on the items; what they
 * reply is the results.
 */
#include "manager_piece.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/pack.h>

#include "../../platform/plat_sys.h"
#include "async.h"
#include "error.h"
#include "funcref.h"
#include "manager_line.h"
#include "parking.h"

#define PIECES_PER_WORKER 16
#define PIECES_MOST 0xffffff
#define RETRIES 2

static const char call[] = "mproc_pool_map_array";

/* -------------------------------------------------------------- the workers */

typedef struct piece_t {
    mproc__funcref_t ref;
    apr_uint64_t count, in_size, out_size;
    mproc_bytes_t baton, in;
} piece_t;

static apr_status_t
piece_read(piece_t *piece, mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_bytes_t id;
    const char *path;
    apr_status_t rv =
        mproc_unpack(args, pool, "U y s U U U y y", &piece->ref.offset, &id,
                     &path, &piece->count, &piece->in_size, &piece->out_size,
                     &piece->baton, &piece->in);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (id.size != sizeof piece->ref.id ||
        strlen(path) >= sizeof piece->ref.path || piece->count == 0 ||
        piece->in.size / piece->count != piece->in_size ||
        piece->in.size % piece->count != 0 ||
        piece->out_size > MPROC_MESSAGE_MAX / piece->count) {
        return mproc__fail(MPROC_EFORMAT, "a piece of an array is torn");
    }
    memcpy(piece->ref.id, id.data, id.size);
    memcpy(piece->ref.path, path, strlen(path) + 1);
    return APR_SUCCESS;
}

/* What the function is given lies as malloc() has it. */
static apr_status_t
piece_do(const piece_t *piece, mproc_map_fn_t function, mproc_reply_t *reply)
{
    mproc_bytes_t result = {NULL, (apr_size_t)(piece->count * piece->out_size)};
    char *in = malloc(piece->in.size + 1), *out = calloc(result.size + 1, 1);
    void *baton = malloc(piece->baton.size + 1);
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t i;

    if (in == NULL || out == NULL || baton == NULL) {
        rv = mproc__fail(APR_ENOMEM, "no memory for a piece of an array");
    }
    if (rv == APR_SUCCESS) {
        memcpy(in, piece->in.data, piece->in.size);
        memcpy(baton, piece->baton.data, piece->baton.size);
        for (i = 0; i < piece->count; i++) {
            function(in + i * piece->in_size, out + i * piece->out_size,
                     piece->baton.size > 0 ? baton : NULL);
        }
        result.data = out;
        rv = mproc_reply_bytes(reply, result);
    }
    free(in);
    free(out);
    free(baton);
    return rv;
}

apr_status_t
mproc__piece_run(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_function_t function;
    piece_t piece;
    apr_status_t rv = piece_read(&piece, args, pool);

    if (rv == APR_SUCCESS) {
        rv = mproc__funcref_resolve(&function, &piece.ref);
    }
    return rv == APR_SUCCESS ? piece_do(&piece, (mproc_map_fn_t)function, reply)
                             : rv;
}

/* --------------------------------------------------------------- the server */

apr_status_t
mproc__piece_address(mproc_bytes_t *item, mproc_function_t function,
                     apr_pool_t *pool)
{
    mproc__funcref_t ref;
    mproc_bytes_t id = {ref.id, sizeof ref.id}, head;
    char *whole;
    apr_status_t rv = mproc__funcref_make(&ref, function);

    if (rv == APR_SUCCESS) {
        rv = mproc_pack(&head, pool, "U y s", ref.offset, id, ref.path);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    whole = apr_palloc(pool, head.size + item->size + 1);
    if (whole == NULL) {
        return mproc__fail(APR_ENOMEM, "the manager has no memory for tasks");
    }
    memcpy(whole, head.data, head.size);
    if (item->size > 0) {
        memcpy(whole + head.size, item->data, item->size);
    }
    *item = (mproc_bytes_t){whole, head.size + item->size};
    return APR_SUCCESS;
}

/* --------------------------------------------------------------- the client */

/* Items of each piece but the last. */
static apr_size_t
chunk_of(const mproc__far_map_t *map)
{
    apr_size_t pieces =
        (apr_size_t)atomic_load(&map->workers->count) * PIECES_PER_WORKER;

    return map->options->chunk > 0 ? map->options->chunk
           : pieces == 0           ? 1
                                   : (map->count - 1) / pieces + 1;
}

static apr_size_t
items_of(const mproc__far_map_t *map, apr_size_t piece, apr_size_t chunk)
{
    apr_size_t left = map->count - piece * chunk;

    return left < chunk ? left : chunk;
}

/* The first piece that failed, or how many there are. The results of those are
 * zeros. */
static apr_size_t
results_take(const mproc__far_map_t *map, mproc__far_async_t *async,
             apr_size_t chunk)
{
    apr_size_t pieces = mproc__far_async_count(async), first = pieces, i;

    for (i = 0; i < pieces; i++) {
        apr_size_t size = items_of(map, i, chunk) * map->out_size;
        char *out =
            size == 0 ? NULL : (char *)map->out + i * chunk * map->out_size;
        mproc_bytes_t said = mproc__far_async_said(async, i);
        int good = mproc__far_async_status(async, i) == APR_SUCCESS &&
                   said.size == size;

        if (size > 0 && good) {
            memcpy(out, said.data, size);
        }
        else if (size > 0) {
            memset(out, 0, size);
        }
        first = !good && first == pieces ? i : first;
    }
    return first;
}

static apr_status_t
map_failed(const mproc__far_map_t *map, mproc__far_async_t *async,
           apr_size_t piece, apr_size_t chunk)
{
    apr_status_t rv = mproc__far_async_failure(async, piece);
    char why[MPROC__SENTENCE_MOST];

    if (rv == APR_SUCCESS) {
        rv = mproc__fail(MPROC_EFORMAT, "the results are torn");
    }
    apr_cpystrn(why, mproc_error_detail(), sizeof why);
    return mproc__fail(
        rv, "%s: items %" APR_SIZE_T_FMT " to %" APR_SIZE_T_FMT ": %s", call,
        piece * chunk, piece * chunk + items_of(map, piece, chunk) - 1, why);
}

static apr_status_t
map_wait(const mproc__far_map_t *map, mproc__far_async_t *async,
         apr_size_t chunk, apr_time_t deadline)
{
    apr_status_t rv = mproc__far_async_wait(async, deadline, call);
    apr_size_t failed;

    if (rv == APR_TIMEUP) {
        (void)mproc__far_async_cancel(async);
        return mproc__fail(rv,
                           "%s: the time ran out; what has begun in the "
                           "manager's pool goes on, the results are dropped",
                           call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    failed = results_take(map, async, chunk);
    if (failed < mproc__far_async_count(async)) {
        return map_failed(map, async, failed, chunk);
    }
    if (map->options->progress != NULL) {
        map->options->progress(map->count, map->count,
                               map->options->progress_baton);
    }
    return APR_SUCCESS;
}

static apr_status_t
pieces_pack(const mproc__far_map_t *map, mproc_bytes_t *items,
            apr_size_t pieces, apr_size_t chunk, apr_pool_t *pool)
{
    mproc_bytes_t baton = {map->options->baton, map->options->baton_size};
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    for (i = 0; i < pieces && rv == APR_SUCCESS; i++) {
        apr_size_t count = items_of(map, i, chunk);
        mproc_bytes_t in = {NULL, count * map->in_size};

        if (in.size > 0) {
            in.data = (const char *)map->in + i * chunk * map->in_size;
        }
        rv = mproc_pack(&items[i], pool, "U U U y y", (apr_uint64_t)count,
                        (apr_uint64_t)map->in_size, (apr_uint64_t)map->out_size,
                        baton, in);
    }
    return rv;
}

static apr_status_t
map_run(const mproc__far_map_t *map, apr_pool_t *pool)
{
    int retries = map->options->retries;
    mproc_task_options_t tasks = {
        .retries = retries == 0 ? RETRIES : retries,
        .timeout = -1 /* There is one for the whole call. */
    };
    apr_time_t deadline = map->options->timeout <= 0
                              ? MPROC_PLAT_NEVER
                              : mproc__deadline(map->options->timeout);
    apr_size_t chunk = chunk_of(map), pieces = (map->count - 1) / chunk + 1;
    mproc_bytes_t *items = apr_palloc(pool, pieces * sizeof *items);
    mproc__order_t order = {
        .task = (mproc_task_fn_t)(mproc_function_t)map->function,
        .items = items,
        .count = pieces,
        .chunk = 1,
        .options = &tasks,
        .pieces = 1};
    mproc__far_async_t *async;
    apr_status_t rv = items == NULL
                          ? mproc__fail(APR_ENOMEM, "%s: memory is short", call)
                          : pieces_pack(map, items, pieces, chunk, pool);

    if (rv == APR_SUCCESS) {
        rv = mproc__far_pool_send(&async, map->workers->away, &order, call);
    }
    if (rv == APR_SUCCESS) {
        rv = map_wait(map, async, chunk, deadline);
        mproc__far_async_free(async);
    }
    return rv;
}

apr_status_t
mproc__far_map(const mproc__far_map_t *map)
{
    apr_pool_t *pool;
    apr_status_t rv;

    if (map->count == 0) {
        return APR_SUCCESS;
    }
    if ((map->count - 1) / chunk_of(map) >= PIECES_MOST) {
        return mproc__fail(MPROC_ETOOBIG,
                           "%s: these are too many pieces for a manager's "
                           "pool; have larger ones (chunk)",
                           call);
    }
    rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: memory is short", call);
    }
    rv = map_run(map, pool);
    apr_pool_destroy(pool);
    return rv;
}
