/*
 * manager_serve_queue.c: queues of a manager's server: those of the arena,
 * never waited for. What an item names is held by it, as by any message.
 *
 * Who has got an item and not told that it is done is counted here, by client;
 * when a client goes, what it has is counted as that of those gone, and who
 * joins is told when nothing else is left.
 */
#include "manager_hub.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>
#include <mproc/queue.h>

#include "error.h"
#include "queue.h"

#define ITEM_HEAD 64 /* what stands around an item in an answer, at most */

static mproc_queue_t *
queue_of(mproc__call_t *call)
{
    return (mproc_queue_t *)call->object;
}

/* --------------------------------------------------- what is not told done */

/* Items that a client has got and not told done. The queue's own tally has the
 * server for who got them all. */
typedef struct taken_t {
    struct {
        apr_uint64_t id, serial; /* the queue; the client, 0: those gone */
    } key;
    apr_uint64_t count;
} taken_t;

static taken_t *
taken_find(mproc__hub_t *server, apr_uint64_t id, apr_uint64_t serial)
{
    taken_t wanted = {{id, serial}, 0};

    return apr_hash_get(server->taken, &wanted.key, sizeof wanted.key);
}

/* What there is no memory to note is not told of when the client goes. */
static void
taken_add(mproc__hub_t *server, apr_uint64_t id, apr_uint64_t serial,
          apr_uint64_t count)
{
    taken_t *taken = taken_find(server, id, serial);

    if (taken == NULL) {
        taken = calloc(1, sizeof *taken);
        if (taken == NULL) {
            return;
        }
        taken->key.id = id;
        taken->key.serial = serial;
        apr_hash_set(server->taken, &taken->key, sizeof taken->key, taken);
    }
    taken->count += count;
}

/* One is done: of the client's, if it has any; else of those gone; else of
 * anybody's. */
static void
taken_told(mproc__hub_t *server, apr_uint64_t id, apr_uint64_t serial)
{
    taken_t *taken = taken_find(server, id, serial);
    apr_hash_index_t *at;

    if (taken == NULL || taken->count == 0) {
        taken = taken_find(server, id, 0);
    }
    for (at = apr_hash_first(NULL, server->taken);
         at != NULL && (taken == NULL || taken->count == 0);
         at = apr_hash_next(at)) {
        taken = apr_hash_this_val(at);
        if (taken->key.id != id) {
            taken = NULL;
        }
    }
    if (taken != NULL && taken->count > 0) {
        taken->count--;
    }
}

static void
taken_free(mproc__hub_t *server, taken_t *taken)
{
    apr_hash_set(server->taken, &taken->key, sizeof taken->key, NULL);
    free(taken);
}

void
mproc__serve_queues_orphan(mproc__hub_t *server, apr_uint64_t serial)
{
    apr_hash_index_t *at;
    taken_t *taken, *gone;

    for (at = apr_hash_first(NULL, server->taken); at != NULL;
         at = apr_hash_next(at)) {
        taken = apr_hash_this_val(at);
        if (taken->key.serial != serial) {
            continue;
        }
        gone = taken_find(server, taken->key.id, 0);
        mproc__object_changed(server, taken->key.id);
        if (gone != NULL) {
            gone->count += taken->count;
            taken_free(server, taken);
        }
        else {
            apr_hash_set(server->taken, &taken->key, sizeof taken->key, NULL);
            taken->key.serial = 0;
            apr_hash_set(server->taken, &taken->key, sizeof taken->key, taken);
        }
    }
}

void
mproc__serve_queues_tidy(mproc__hub_t *server)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(NULL, server->taken); at != NULL;
         at = apr_hash_next(at)) {
        taken_t *taken = apr_hash_this_val(at);
        if (taken->count == 0 ||
            mproc__arena_kind(taken->key.id) != MPROC_KIND_QUEUE) {
            taken_free(server, taken);
        }
    }
}

void
mproc__serve_queues_end(mproc__hub_t *server)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(NULL, server->taken); at != NULL;
         at = apr_hash_next(at)) {
        taken_free(server, apr_hash_this_val(at));
    }
}

/* ---------------------------------------------------------------------- put */

static apr_status_t
object_note(unsigned char *type, unsigned char *id, void *baton)
{
    if (*type == MPROC__WIRE_OBJECT) {
        APR_ARRAY_PUSH((apr_array_header_t *)baton, mproc__handle_t) =
            mproc__id_read(id);
    }
    return APR_SUCCESS;
}

/* An item that names objects comes as a list of the values that it is. */
static apr_status_t
item_read(mproc__call_t *call, mproc_bytes_t *item,
          apr_array_header_t **objects)
{
    mproc__wire_t before = call->args;
    mproc__token_t token;
    mproc_bytes_t list;
    apr_status_t rv;

    *objects = NULL;
    if (mproc__wire_next(&call->args, &token) == APR_SUCCESS &&
        token.kind == MPROC__TOKEN_BYTES) {
        *item = (mproc_bytes_t){token.data, token.size};
        return APR_SUCCESS;
    }
    item->data = call->args.at;
    call->args = before;
    rv = mproc__arg_value(call, &list);
    if (rv != APR_SUCCESS || token.kind != MPROC__TOKEN_LIST) {
        return mproc__fail(MPROC_EREMOTE, "the manager was called with items "
                                          "that are none");
    }
    item->size =
        (apr_size_t)(call->args.at - (const unsigned char *)item->data);
    *objects = apr_array_make(call->pool, 2, sizeof(mproc__handle_t));
    return mproc__wire_objects((void *)item->data, item->size, object_note,
                               *objects);
}

/* Those that were put when it had to wait are noted: they are not put again. */
apr_status_t
mproc__serve_queue_put(mproc__call_t *call)
{
    apr_uint64_t before = call->note;
    apr_array_header_t *objects;
    apr_int64_t count, i;
    mproc_bytes_t item;
    apr_status_t rv = mproc__arg_int(call, &count);

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = item_read(call, &item, &objects);
        if (rv != APR_SUCCESS || i < (apr_int64_t)call->note) {
            continue;
        }
        rv = objects == NULL
                 ? mproc_queue_put(queue_of(call), item, MPROC_NOWAIT)
                 : mproc__queue_put_copy(queue_of(call), item, objects,
                                         MPROC_NOWAIT, "mproc_queue_put");
        call->note += rv == APR_SUCCESS;
    }
    if (call->note > before) {
        mproc__object_changed(call->server, call->head.id);
    }
    mproc__result_int(call, (apr_int64_t)call->note);
    return rv == APR_TIMEUP ? MPROC__CALL_WAITS : rv;
}

/* ---------------------------------------------------------------------- get */

/* What it names is kept until the call is answered. */
static apr_status_t
item_keep(mproc__call_t *call, mproc__hold_t *box, mproc_bytes_t item)
{
    apr_status_t rv = mproc__call_keep(call, item);

    mproc__arena_release(box);
    mproc__hold_free(box);
    return rv;
}

static int
item_names(const mproc__item_t *item)
{
    return item->box != NULL &&
           ((mproc__holder_t *)mproc__arena_at(mproc__hold_handle(item->box)))
                   ->count > 0;
}

/* Whether what there is already, and an item of that size, fit in an answer. */
static int
item_fits(const mproc__call_t *call, apr_uint64_t size)
{
    const mproc__hub_t *server = call->server;

    return server->result.size + size + ITEM_HEAD <=
           server->net.options.max_message;
}

/* The next item, unless it has more bytes than `largest`, which may be -1; or,
 * when it is not the first, than the answer has room for. */
static apr_status_t
item_get(mproc__call_t *call, apr_int64_t largest, int is_first)
{
    mproc_queue_t *queue = queue_of(call);
    mproc__hold_t *box = NULL;
    mproc__item_t found;
    mproc_bytes_t item;
    char *copy;
    apr_status_t rv =
        mproc__queue_begin_get(queue, &found, MPROC_NOWAIT, "mproc_queue_get");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (largest >= 0 && found.size > (apr_uint64_t)largest) {
        mproc__queue_end_get(queue, 0);
        mproc__result_int(call, (apr_int64_t)found.size);
        return MPROC_ETOOBIG;
    }
    if (!is_first && !item_fits(call, found.size)) {
        mproc__queue_end_get(queue, 0);
        return MPROC_ETOOBIG;
    }
    copy = apr_palloc(call->pool, (apr_size_t)found.size + 1);
    memcpy(copy, found.data, (apr_size_t)found.size);
    item = (mproc_bytes_t){copy, (apr_size_t)found.size};
    if (item_names(&found)) {
        box = mproc__hold_new();
        rv = box == NULL
                 ? APR_ENOMEM
                 : mproc__arena_hold(box, mproc__hold_handle(found.box));
    }
    if (rv == APR_SUCCESS) {
        mproc__queue_take(queue, &found);
    }
    mproc__queue_end_get(queue, rv == APR_SUCCESS);
    if (rv == APR_SUCCESS && box != NULL) {
        rv = item_keep(call, box, item);
    }
    if (rv == APR_SUCCESS) {
        mproc__result_item(call, item, box != NULL);
    }
    return rv;
}

/* As many as there are. A first one that does not fit tells its size, negative.
 */
apr_status_t
mproc__serve_queue_get(mproc__call_t *call)
{
    apr_int64_t most, largest, got = 0;
    apr_status_t rv = mproc__arg_int(call, &most);

    if (rv == APR_SUCCESS) {
        rv = mproc__arg_int(call, &largest);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    while (got < most && got < 1000) {
        rv = item_get(call, largest, got == 0);
        if (rv != APR_SUCCESS) {
            break;
        }
        got++;
    }
    if (got == 0) {
        return rv == APR_TIMEUP      ? MPROC__CALL_WAITS
               : rv == MPROC_ETOOBIG ? APR_SUCCESS
                                     : rv;
    }
    mproc__object_changed(call->server, call->head.id);
    taken_add(call->server, call->head.id, mproc__client_serial(call->client),
              (apr_uint64_t)got);
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_queue_ready(mproc__call_t *call)
{
    mproc__item_t found;
    apr_status_t rv = mproc__queue_begin_get(queue_of(call), &found,
                                             MPROC_NOWAIT, "mproc_queue_get");

    if (rv == APR_SUCCESS) {
        mproc__queue_end_get(queue_of(call), 0);
    }
    return rv == APR_TIMEUP ? MPROC__CALL_WAITS : APR_SUCCESS;
}

/* --------------------------------------------------------------- the others */

apr_status_t
mproc__serve_queue_size(mproc__call_t *call)
{
    mproc__result_int(call, (apr_int64_t)mproc_queue_size(queue_of(call)));
    mproc__result_int(call, mproc_queue_full(queue_of(call)));
    return APR_SUCCESS;
}

apr_status_t
mproc__serve_queue_task_done(mproc__call_t *call)
{
    apr_status_t rv = mproc_queue_task_done(queue_of(call));

    if (rv == APR_SUCCESS) {
        taken_told(call->server, call->head.id,
                   mproc__client_serial(call->client));
        mproc__object_changed(call->server, call->head.id);
    }
    return rv;
}

apr_status_t
mproc__serve_queue_join(mproc__call_t *call)
{
    apr_status_t rv = mproc_queue_join(queue_of(call), MPROC_NOWAIT);
    taken_t *gone;

    if (rv != APR_TIMEUP) {
        return rv;
    }
    gone = taken_find(call->server, call->head.id, 0);
    if (gone != NULL &&
        gone->count >= mproc__queue_unfinished(queue_of(call))) {
        return mproc__fail(MPROC_EWORKERLOST,
                           "%" APR_UINT64_T_FMT
                           " items were got by clients that went before they "
                           "told that they were done; all others are",
                           gone->count);
    }
    return MPROC__CALL_WAITS;
}

apr_status_t
mproc__serve_queue_shutdown(mproc__call_t *call)
{
    apr_int64_t immediate;
    apr_status_t rv = mproc__arg_int(call, &immediate);

    if (rv == APR_SUCCESS) {
        rv = mproc_queue_shutdown(queue_of(call), (int)immediate);
    }
    if (rv == APR_SUCCESS) {
        mproc__object_changed(call->server, call->head.id);
    }
    return rv;
}
