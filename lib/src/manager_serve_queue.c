/*
 * manager_serve_queue.c: queues of a manager's server: those of the arena,
 * never waited for. What an item names is held by it, as by any message.
 */
#include "manager_hub.h"

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
    return APR_SUCCESS;
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
        mproc__object_changed(call->server, call->head.id);
    }
    return rv;
}

apr_status_t
mproc__serve_queue_join(mproc__call_t *call)
{
    apr_status_t rv = mproc_queue_join(queue_of(call), MPROC_NOWAIT);

    return rv == APR_TIMEUP ? MPROC__CALL_WAITS : rv;
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
