/*
 * manager_ask.c: calls on a manager: their arguments, the message, the answer.
 */
#include "manager_line.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_proxy.h"
#include "pack.h"
#include "parking.h"
#include "store.h"

#define PATIENCE ((apr_interval_time_t)10 * 1000 * 1000)

/* --------------------------------------------------------------- arguments */

static unsigned char *
ask_room(mproc__ask_t *ask, apr_size_t size)
{
    unsigned char *more;
    apr_size_t room = ask->room;

    if (ask->rv != APR_SUCCESS) {
        return NULL;
    }
    if (size > room - ask->size) {
        if (size > 0xffffff00U) {
            ask->rv = mproc__fail(MPROC_ETOOBIG, "%s: too much for one call",
                                  ask->call);
            return NULL;
        }
        while (room - ask->size < size) {
            room *= 2;
        }
        more = realloc(ask->data == ask->few ? NULL : ask->data, room);
        if (more == NULL) {
            ask->rv = mproc__fail(APR_ENOMEM, "%s: no memory for the arguments",
                                  ask->call);
            return NULL;
        }
        if (ask->data == ask->few) {
            memcpy(more, ask->few, ask->size);
        }
        ask->data = more;
        ask->room = room;
    }
    more = ask->data + ask->size;
    ask->size += size;
    return more;
}

void
mproc__ask_begin(mproc__ask_t *ask, mproc__link_t *link, apr_uint64_t id,
                 mproc__method_e method, const char *call)
{
    unsigned char *head;

    ask->link = link;
    ask->call = call;
    ask->method = method;
    ask->patience = PATIENCE;
    ask->id = id;
    ask->rv = APR_SUCCESS;
    ask->line = NULL;
    ask->data = ask->few;
    ask->size = 0;
    ask->room = sizeof ask->few;
    head = ask_room(ask, MPROC__REQUEST_HEAD);
    mproc__low_first(head, (apr_uint64_t)method, 4);
    mproc__low_first(head + 4, MPROC__ACTOR_ENTRY(mproc__actor()), 4);
    mproc__low_first(head + 8, id, 8);
}

/* With what MessagePack says before it: a code, and a size of 4 bytes. */
static void
ask_sized(mproc__ask_t *ask, unsigned char code, const void *data,
          apr_size_t size)
{
    unsigned char *at = ask_room(ask, size + 5);
    int i;

    if (at != NULL) {
        at[0] = code;
        for (i = 0; i < 4; i++) {
            at[1 + i] = (unsigned char)(size >> 8 * (3 - i));
        }
        if (size > 0) {
            memcpy(at + 5, data, size);
        }
    }
}

void
mproc__ask_bytes(mproc__ask_t *ask, mproc_bytes_t bytes)
{
    if (bytes.data == NULL && bytes.size > 0) {
        if (ask->rv == APR_SUCCESS) {
            ask->rv = mproc__fail(APR_EINVAL,
                                  "%s: the bytes are NULL but have a size; "
                                  "pass where they are",
                                  ask->call);
        }
        return;
    }
    ask_sized(ask, 0xc6, bytes.data, bytes.size);
}

void
mproc__ask_text(mproc__ask_t *ask, const char *text)
{
    unsigned char *at;

    if (text != NULL) {
        ask_sized(ask, 0xdb, text, strlen(text));
        return;
    }
    at = ask_room(ask, 1);
    if (at != NULL) {
        at[0] = 0xc0;
    }
}

void
mproc__ask_key(mproc__ask_t *ask, const char *text)
{
    apr_size_t size = strlen(text), head = size < 32 ? 1 : size < 256 ? 2 : 3;
    unsigned char *at;

    if (size > 0xffff) {
        ask_sized(ask, 0xdb, text, size); /* The server tells what is wrong. */
        return;
    }
    at = ask_room(ask, head + size);
    if (at != NULL) {
        at[0] = (unsigned char)(head == 1   ? 0xa0 | size
                                : head == 2 ? 0xd9
                                            : 0xda);
        at[head - 1] = head == 1 ? at[0] : (unsigned char)size;
        if (head == 3) {
            at[1] = (unsigned char)(size >> 8);
        }
        memcpy(at + head, text, size);
    }
}

void
mproc__ask_list(mproc__ask_t *ask, apr_size_t count, mproc_bytes_t values)
{
    unsigned char *at = ask_room(ask, 5 + values.size);
    int i;

    if (at != NULL) {
        at[0] = 0xdd;
        for (i = 0; i < 4; i++) {
            at[1 + i] = (unsigned char)(count >> 8 * (3 - i));
        }
        memcpy(at + 5, values.data, values.size);
    }
}

void
mproc__ask_int(mproc__ask_t *ask, apr_int64_t number)
{
    unsigned char *at = ask_room(ask, 9);

    if (at != NULL) {
        at[0] = 0xd3;
        mproc__id_write(at + 1, (apr_uint64_t)number);
    }
}

static void
ask_append(mproc__ask_t *ask, mproc_bytes_t bytes)
{
    unsigned char *at = ask_room(ask, bytes.size);

    if (at != NULL && bytes.size > 0) {
        memcpy(at, bytes.data, bytes.size);
    }
}

void
mproc__ask_value(mproc__ask_t *ask, mproc_bytes_t value)
{
    if (ask->rv == APR_SUCCESS &&
        (value.size == 0 || value.data == NULL ||
         mproc__value_check(value, NULL, NULL) != APR_SUCCESS)) {
        ask->rv = mproc__fail(MPROC_EFORMAT,
                              "%s: what was passed is not one packed value; "
                              "pack one, with mproc_pack() or a format of one "
                              "value",
                              ask->call);
        return;
    }
    ask_append(ask, value);
}

static void
ask_format(mproc__ask_t *ask, int one, const char *format, va_list args)
{
    mproc__packing_t packing;
    apr_status_t rv = mproc__packing_begin(&packing, format, args);

    if (rv != APR_SUCCESS) {
        ask->rv = ask->rv == APR_SUCCESS ? rv : ask->rv;
    }
    else if (one) {
        mproc__ask_value(ask, mproc__packing_bytes(&packing));
    }
    else {
        ask_append(ask, mproc__packing_bytes(&packing));
    }
    mproc__packing_end(&packing);
}

void
mproc__ask_vformat(mproc__ask_t *ask, const char *format, va_list args)
{
    ask_format(ask, 0, format, args);
}

void
mproc__ask_vvalue(mproc__ask_t *ask, const char *format, va_list args)
{
    ask_format(ask, 1, format, args);
}

/* ----------------------------------------------------------------- objects */

apr_status_t
mproc__wire_objects(void *data, apr_size_t size, mproc__each_object_fn_t each,
                    void *baton)
{
    mproc_bytes_t bytes = {data, size};
    mproc__token_t token;
    mproc__wire_t wire;
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t open = 0; /* values that heads have promised */

    mproc__wire_init(&wire, bytes);
    while (rv == APR_SUCCESS && wire.at < wire.end) {
        rv = mproc__wire_next(&wire, &token);
        if (rv != APR_SUCCESS) {
            return MPROC_EFORMAT;
        }
        open -= open > 0;
        if (token.kind == MPROC__TOKEN_LIST) {
            open += token.number;
        }
        else if (token.kind == MPROC__TOKEN_MAP) {
            open += 2 * token.number;
        }
        else if (token.kind == MPROC__TOKEN_EXT &&
                 token.size == MPROC__WIRE_OBJECT_SIZE) {
            unsigned char *at =
                (unsigned char *)data + ((const unsigned char *)token.data -
                                         (const unsigned char *)data);
            rv = each(at - 1, at, baton);
        }
    }
    return rv == APR_SUCCESS && open > 0 ? MPROC_EFORMAT : rv;
}

static apr_status_t
object_found(unsigned char *type, unsigned char *id, void *baton)
{
    (void)id;
    *(int *)baton |= *type == MPROC__WIRE_OBJECT;
    return APR_SUCCESS;
}

int
mproc__wire_names(mproc_bytes_t bytes)
{
    int found = 0;

    return bytes.size > 0 && bytes.data != NULL &&
           mproc__wire_objects((void *)(apr_uintptr_t)bytes.data, bytes.size,
                               object_found, &found) == APR_SUCCESS &&
           found;
}

/* An object of this process becomes one of the server's. */
static apr_status_t
object_out(unsigned char *type, unsigned char *id, void *baton)
{
    mproc__ask_t *ask = baton;
    mproc__handle_t handle = mproc__id_read(id);
    const mproc__proxy_shared_t *shared;

    if (*type != MPROC__WIRE_OBJECT) {
        return APR_SUCCESS;
    }
    shared = mproc__arena_kind(handle) == MPROC_KIND_PROXY
                 ? mproc__arena_at(handle)
                 : NULL;
    if (shared == NULL || mproc__hold_handle(&shared->manager.hold) !=
                              mproc__link_manager(ask->link)) {
        return mproc__fail(APR_EINVAL,
                           "%s: the value names an object that is not of the "
                           "same manager, and no server but its own has it; "
                           "pass one that this manager gave out",
                           ask->call);
    }
    *type = (unsigned char)(MPROC__WIRE_SERVED + shared->kind);
    mproc__id_write(id, shared->id);
    return APR_SUCCESS;
}

/* Whether something names an object. */
static apr_status_t
object_seen(unsigned char *type, unsigned char *id, void *baton)
{
    (void)id;
    *(int *)baton |= *type >= MPROC__WIRE_SERVED;
    return APR_SUCCESS;
}

/* What the answer's reader needs. */
typedef struct object_in_t {
    mproc__ask_t *ask;
    apr_pool_t *pool;
    apr_status_t rv;
} object_in_t;

/* One of the server's becomes one of this process. All are had, or given up
 * again, whatever becomes of one. */
static apr_status_t
object_in(unsigned char *type, unsigned char *id, void *baton)
{
    object_in_t *in = baton;
    mproc_object_t *object;
    apr_status_t rv;

    if (*type < MPROC__WIRE_SERVED) {
        return APR_SUCCESS;
    }
    rv =
        mproc__proxy_make(&object, in->ask->link, mproc__id_read(id),
                          (mproc_kind_e)(*type - MPROC__WIRE_SERVED), in->pool);
    if (rv == APR_SUCCESS) {
        mproc__object_handed(object);
        *type = MPROC__WIRE_OBJECT;
        mproc__id_write(id, object->handle);
    }
    else if (in->rv == APR_SUCCESS) {
        in->rv = rv;
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__answer_objects(mproc__ask_t *ask, apr_pool_t *pool)
{
    object_in_t in = {ask, pool, APR_SUCCESS};
    mproc__stream_t *stream = &ask->line->stream;
    apr_status_t rv = mproc__wire_objects(
        stream->body + (ask->answer.at - stream->body),
        (apr_size_t)(ask->answer.end - ask->answer.at), object_in, &in);

    if (rv != APR_SUCCESS) {
        return mproc__fail(MPROC_EFORMAT, "%s: the manager's answer is torn",
                           ask->call);
    }
    return in.rv;
}

apr_status_t
mproc__answer_item(mproc__ask_t *ask, mproc_bytes_t *item)
{
    mproc__wire_t before = ask->answer;
    mproc__token_t token;
    mproc_bytes_t list;
    apr_status_t rv = mproc__wire_next(&ask->answer, &token);

    if (rv == APR_SUCCESS && token.kind == MPROC__TOKEN_BYTES) {
        *item = (mproc_bytes_t){token.data, token.size};
        return APR_SUCCESS;
    }
    item->data = ask->answer.at;
    ask->answer = before;
    rv = mproc__answer_value(ask, &list);
    item->size =
        (apr_size_t)(ask->answer.at - (const unsigned char *)item->data);
    return rv;
}

apr_status_t
mproc__answer_unpack(mproc__ask_t *ask, apr_pool_t *pool,
                     apr_status_t (*find)(mproc__ask_t *ask,
                                          mproc_bytes_t *bytes),
                     const char *format, va_list args)
{
    mproc__stream_t *stream = &ask->line->stream;
    apr_pool_t *own = NULL;
    mproc_bytes_t bytes;
    int names = 0;
    apr_status_t rv = mproc__wire_objects(
        stream->body + (ask->answer.at - stream->body),
        (apr_size_t)(ask->answer.end - ask->answer.at), object_seen, &names);

    if (rv == APR_SUCCESS && names) {
        rv = apr_pool_create_unmanaged_ex(&own, NULL, NULL);
        if (rv == APR_SUCCESS) {
            rv = mproc__answer_objects(ask, own);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = find(ask, &bytes);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_vunpack(bytes, pool, format, args);
    }
    if (own != NULL) {
        apr_pool_destroy(own);
    }
    return rv;
}

/* -------------------------------------------------------------------- calls */

static apr_status_t
ask_over(mproc__ask_t *ask, apr_time_t deadline)
{
    mproc__line_t *line;
    apr_status_t rv = mproc__line_take(&line, ask->link, ask->call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__stream_send(&line->stream,
                            (mproc_bytes_t){ask->data, ask->size}, deadline);
    if (rv == APR_SUCCESS) {
        rv = mproc__line_reply(line, mproc__link_limit(ask->link), deadline);
        if (rv == MPROC_ETOOBIG) {
            mproc__line_give(line, ask->link);
            return mproc__fail(rv,
                               "%s: what came of it is larger than a message "
                               "may be; allow more (net.max_message)",
                               ask->call);
        }
    }
    if (rv != APR_SUCCESS) {
        return mproc__line_fail(line, ask->link, ask->call);
    }
    ask->line = line;
    return APR_SUCCESS;
}

/* The server's sentence, told of the call that was made here. */
static apr_status_t
ask_failed(const mproc__ask_t *ask, apr_status_t rv, const char *sentence)
{
    const char *colon = strstr(sentence, ": ");

    if (strncmp(sentence, "mproc_", 6) == 0 && colon != NULL) {
        sentence = colon + 2;
    }
    return mproc__fail(rv, "%s: %s", ask->call, sentence);
}

apr_status_t
mproc__ask_run(mproc__ask_t *ask, apr_interval_time_t timeout)
{
    apr_time_t deadline = timeout < 0 && timeout == MPROC_FOREVER
                              ? MPROC_PLAT_NEVER
                              : mproc__deadline(timeout < 0 ? 0 : timeout);
    char sentence[MPROC__SENTENCE_MOST];
    mproc_bytes_t rest;
    apr_status_t rv = ask->rv;

    if (rv == APR_SUCCESS) {
        mproc__low_first(ask->data + 16, (apr_uint64_t)timeout, 8);
        rv = mproc__wire_objects(ask->data + MPROC__REQUEST_HEAD,
                                 ask->size - MPROC__REQUEST_HEAD, object_out,
                                 ask);
        if (rv == MPROC_EFORMAT) {
            rv = mproc__fail(rv, "%s: the values are not packed", ask->call);
        }
    }
    if (rv == APR_SUCCESS && ask->size > mproc__link_limit(ask->link)) {
        rv = mproc__fail(MPROC_ETOOBIG,
                         "%s: %" APR_SIZE_T_FMT " bytes are more than a "
                         "message may have; allow more (net.max_message)",
                         ask->call, ask->size);
    }
    if (rv == APR_SUCCESS && mproc__collect(ask)) {
        return ask->rv;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (ask->method != MPROC__DROP) {
        mproc__link_tidy(ask->link);
    }
    if (deadline != MPROC_PLAT_NEVER) {
        deadline =
            (deadline == 0 ? mproc_plat_clock() : deadline) + ask->patience;
    }
    rv = ask_over(ask, deadline);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__reply_split(ask->line, sentence, &rest);
    mproc__wire_init(&ask->answer, rest);
    return rv == APR_SUCCESS ? rv : ask_failed(ask, rv, sentence);
}

apr_status_t
mproc__ask_post(mproc__ask_t *ask, mproc__line_t *line,
                apr_interval_time_t timeout, apr_time_t deadline)
{
    if (ask->rv != APR_SUCCESS) {
        return ask->rv;
    }
    mproc__low_first(ask->data + 16, (apr_uint64_t)timeout, 8);
    return mproc__stream_send(&line->stream,
                              (mproc_bytes_t){ask->data, ask->size}, deadline);
}

void
mproc__ask_end(mproc__ask_t *ask)
{
    if (ask->line != NULL) {
        mproc__line_give(ask->line, ask->link);
    }
    if (ask->data != ask->few) {
        free(ask->data);
    }
}

/* ------------------------------------------------------------------ answers */

static apr_status_t
answer_torn(mproc__ask_t *ask)
{
    return mproc__fail(MPROC_EFORMAT,
                       "%s: the manager does not answer as it should; is it "
                       "of another version of mproc?",
                       ask->call);
}

apr_status_t
mproc__answer_int(mproc__ask_t *ask, apr_int64_t *number)
{
    mproc__token_t token;

    *number = 0;
    return mproc__wire_next(&ask->answer, &token) == APR_SUCCESS &&
                   token.kind == MPROC__TOKEN_INT &&
                   mproc__whole_signed(token.negative, token.number, number)
               ? APR_SUCCESS
               : answer_torn(ask);
}

apr_status_t
mproc__answer_bytes(mproc__ask_t *ask, mproc_bytes_t *bytes)
{
    mproc__token_t token;

    *bytes = (mproc_bytes_t){NULL, 0};
    if (mproc__wire_next(&ask->answer, &token) != APR_SUCCESS ||
        token.kind != MPROC__TOKEN_BYTES) {
        return answer_torn(ask);
    }
    bytes->data = token.data;
    bytes->size = token.size;
    return APR_SUCCESS;
}

apr_status_t
mproc__answer_value(mproc__ask_t *ask, mproc_bytes_t *value)
{
    const unsigned char *from = ask->answer.at;

    *value = (mproc_bytes_t){NULL, 0};
    if (mproc__wire_skip(&ask->answer, MPROC__NESTING_MAX) != APR_SUCCESS) {
        return answer_torn(ask);
    }
    value->data = from;
    value->size = (apr_size_t)(ask->answer.at - from);
    return APR_SUCCESS;
}

apr_status_t
mproc__answer_id(mproc__ask_t *ask, apr_uint64_t *id)
{
    mproc__token_t token;

    *id = 0;
    if (mproc__wire_next(&ask->answer, &token) != APR_SUCCESS ||
        token.kind != MPROC__TOKEN_EXT || token.ext < MPROC__WIRE_SERVED ||
        token.size != MPROC__WIRE_OBJECT_SIZE) {
        return answer_torn(ask);
    }
    *id = mproc__id_read((const unsigned char *)token.data);
    return APR_SUCCESS;
}

void
mproc__answer_forget(mproc__ask_t *ask)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) == APR_SUCCESS) {
        (void)mproc__answer_objects(ask, pool);
        apr_pool_destroy(pool);
    }
}

apr_status_t
mproc__ask_plain(mproc__link_t *link, apr_uint64_t id, mproc__method_e method,
                 apr_interval_time_t timeout, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    mproc__ask_begin(&ask, link, id, method, call);
    rv = mproc__ask_run(&ask, timeout);
    mproc__ask_end(&ask);
    return rv;
}

apr_status_t
mproc__ask_number(mproc__link_t *link, apr_uint64_t id, mproc__method_e method,
                  apr_int64_t *number, const char *call)
{
    mproc__ask_t ask;
    apr_status_t rv;

    *number = 0;
    mproc__ask_begin(&ask, link, id, method, call);
    rv = mproc__ask_run(&ask, 0);
    if (rv == APR_SUCCESS) {
        rv = mproc__answer_int(&ask, number);
    }
    mproc__ask_end(&ask);
    return rv;
}
