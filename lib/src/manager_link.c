/*
 * manager_link.c: a process's connections to one manager.
 *
 * A call has a connection to itself, from the request to the reply: so one that
 * waits is in nobody's way. Idle ones are kept; when there is none, another is
 * made. All of a process's carry the same token, by which the server knows
 * whose they are: when the last has ended, so has the client, and what it had
 * is given up. Invariant: while this process has anything of the server's, it
 * has a connection, idle or in a call.
 *
 * So a connection that fails in a call cannot be replaced: nobody knows what
 * became of the call. Then the link is gone: all connections are closed, and
 * every call fails from then on. That is so, too, when the server does not
 * answer PATIENCE after the call's time is over.
 *
 * A forked child has copies of its parent's connections, which it closes, and a
 * token of its own: it is another client. `pid` tells whose a link is.
 *
 * What is in a link is guarded as the list of objects is (object.h), and never
 * while something waits.
 */
#include "manager_link.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "manager_proxy.h"
#include "net.h"
#include "pack.h"
#include "parking.h"
#include "store.h"
#include "stream.h"

#define PATIENCE ((apr_interval_time_t)10 * 1000 * 1000)
#define BATCH_CALLS 1000
#define BATCH_BYTES 65536
#define SENTENCE_MOST 1000

/* A connection. */
typedef struct mproc__line_t {
    struct mproc__line_t *next;
    mproc__socket_t *socket;
    mproc__stream_t stream;
    atomic_int closed; /* what the stream looks at: never */
} mproc__line_t;

/* See mproc__link_linger(). */
typedef struct linger_t {
    struct linger_t *next;
    mproc__handle_t block;
    apr_uint64_t id;
} linger_t;

struct mproc__link_t {
    mproc__link_t *next;
    mproc__handle_t manager;
    const mproc__manager_shared_t *shared;
    int users;
    apr_int64_t pid;
    unsigned char token[MPROC__TOKEN_SIZE];
    int open; /* a connection was made */
    int gone; /* the server */
    mproc__line_t *idle;
    linger_t *linger;
};

/* Calls of a thread that are collected: whole frames. */
typedef struct batch_t {
    mproc__link_t *link;
    unsigned char *data;
    apr_size_t size, room;
    int count;
    int done;   /* that were sent before */
    int failed; /* the first that did, or -1 */
    apr_status_t rv;
    char sentence[SENTENCE_MOST];
} batch_t;

static mproc__link_t *links;
static _Thread_local batch_t *batch;

static const char *
text_of(const mproc__manager_shared_t *shared, int n)
{
    return shared->text[n] == 0 ? NULL : shared->data + shared->text[n];
}

/* ------------------------------------------------------------------- links */

static void
line_end(mproc__line_t *line)
{
    mproc__socket_farewell(line->socket);
    mproc__socket_close(line->socket);
    free(line->stream.body);
    free(line);
}

static void
lines_end(mproc__line_t *line)
{
    mproc__line_t *next;

    for (; line != NULL; line = next) {
        next = line->next;
        line_end(line);
    }
}

static void
linger_free(linger_t *linger)
{
    linger_t *next;

    for (; linger != NULL; linger = next) {
        next = linger->next;
        free(linger);
    }
}

mproc__link_t *
mproc__link_use(mproc__handle_t manager)
{
    mproc__link_t *link, *made = calloc(1, sizeof *made);

    mproc__objects_guard();
    for (link = links; link != NULL && link->manager != manager;
         link = link->next) {
    }
    if (link == NULL && made != NULL) {
        link = made;
        made = NULL;
        link->manager = manager;
        link->shared = mproc__arena_at(manager);
        link->next = links;
        links = link;
    }
    if (link != NULL) {
        link->users++;
    }
    mproc__objects_unguard();
    free(made);
    return link;
}

void
mproc__link_leave(mproc__link_t *link)
{
    mproc__link_t **at = &links;
    int last;

    if (link == NULL) {
        return;
    }
    mproc__objects_guard();
    last = --link->users == 0;
    if (last) {
        while (*at != link) {
            at = &(*at)->next;
        }
        *at = link->next;
    }
    mproc__objects_unguard();
    if (last) {
        lines_end(link->idle);
        linger_free(link->linger);
        free(link);
    }
}

mproc__handle_t
mproc__link_manager(const mproc__link_t *link)
{
    return link->manager;
}

/* Have it be this process's. Guarded; what the parent had is returned, to be
 * closed. */
static mproc__line_t *
link_own(mproc__link_t *link, linger_t **linger)
{
    mproc__line_t *lines = NULL;

    *linger = NULL;
    if (link->pid != mproc_plat_pid()) {
        lines = link->idle;
        *linger = link->linger;
        link->idle = NULL;
        link->linger = NULL;
        link->open = link->gone = 0;
        link->pid = mproc_plat_pid();
        (void)apr_generate_random_bytes(link->token, sizeof link->token);
    }
    return lines;
}

static void
link_claim(mproc__link_t *link)
{
    mproc__line_t *lines;
    linger_t *linger;

    mproc__objects_guard();
    lines = link_own(link, &linger);
    mproc__objects_unguard();
    lines_end(lines);
    linger_free(linger);
}

int
mproc__link_is_joined(mproc__link_t *link)
{
    return link->pid == mproc_plat_pid() && link->open && !link->gone;
}

/* ------------------------------------------------------------- connections */

static apr_status_t
link_gone(mproc__link_t *link, const char *call)
{
    return mproc__fail(APR_ECONNRESET,
                       "%s: the manager at \"%.200s\" has ended, or does not "
                       "answer any more; what it had is lost: connect anew",
                       call, text_of(link->shared, 0));
}

/* The line of a call failed. */
static void
link_break(mproc__link_t *link)
{
    mproc__line_t *lines;

    mproc__objects_guard();
    link->gone = 1;
    lines = link->idle;
    link->idle = NULL;
    mproc__objects_unguard();
    lines_end(lines);
}

static void
options_fill(mproc_net_options_t *options, mproc_tls_options_t *tls,
             const mproc__manager_shared_t *shared)
{
    memset(options, 0, sizeof *options);
    options->unkeyed = (int)shared->unkeyed;
    options->auth_legacy_md5 = (int)shared->legacy_md5;
    options->max_message = (apr_size_t)shared->max_message;
    options->handshake_timeout = shared->handshake_timeout;
    options->connect_timeout = shared->connect_timeout;
    options->authkey.data = shared->data + shared->key_at;
    options->authkey.size = shared->key_size;
    tls->certificate = text_of(shared, 1);
    tls->key = text_of(shared, 2);
    tls->authorities = text_of(shared, 3);
    tls->name = text_of(shared, 4);
    options->tls = shared->tls ? tls : NULL;
}

static void
hello_write(unsigned char hello[MPROC__HELLO_SIZE], mproc__link_t *link)
{
    mproc__low_first(hello, MPROC__MANAGER_MAGIC, 4);
    mproc__low_first(hello + 4, MPROC__MANAGER_VERSION, 4);
    mproc__low_first(hello + 8, (apr_uint64_t)link->open, 4);
    memcpy(hello + 12, link->token, sizeof link->token);
}

/* Each side says who it is. */
static apr_status_t
line_greet(mproc__line_t *line, mproc__link_t *link, const char *call)
{
    apr_interval_time_t limit = link->shared->handshake_timeout;
    apr_time_t deadline =
        mproc_plat_clock() + (limit > 0 ? limit : 10 * 1000 * 1000);
    unsigned char hello[MPROC__HELLO_SIZE];
    apr_uint64_t size;
    apr_status_t rv;

    hello_write(hello, link);
    rv = mproc__stream_send(&line->stream, (mproc_bytes_t){hello, sizeof hello},
                            deadline);
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_head(&line->stream, sizeof hello, &size, deadline);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_body(&line->stream, deadline);
    }
    if (rv == APR_SUCCESS && size == sizeof hello &&
        memcmp(line->stream.body, hello, 8) == 0) {
        mproc__stream_taken(&line->stream);
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS || rv == MPROC_EFORMAT || rv == MPROC_ETOOBIG) {
        return mproc__fail(MPROC_EFORMAT,
                           "%s: who listens at \"%.200s\" is no manager, or "
                           "one of another version of mproc",
                           call, text_of(link->shared, 0));
    }
    return mproc__fail(rv, "%s: the manager at \"%.200s\" hung up, or is busy",
                       call, text_of(link->shared, 0));
}

static apr_status_t
line_make(mproc__line_t **line, mproc__link_t *link, const char *call)
{
    mproc__line_t *made = calloc(1, sizeof *made);
    mproc_net_options_t options;
    mproc_tls_options_t tls;
    apr_status_t rv;

    if (made == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: no memory for a connection", call);
    }
    options_fill(&options, &tls, link->shared);
    rv = mproc__net_connect(&made->socket, text_of(link->shared, 0), &options,
                            call);
    if (rv == APR_SUCCESS) {
        mproc_plat_net_keep(made->socket->handle, link->shared->lease);
        made->stream.whole = strncmp(text_of(link->shared, 0), "pipe:", 5) == 0;
        made->stream.socket = made->socket;
        made->stream.closed = &made->closed;
        rv = line_greet(made, link, call);
        if (rv != APR_SUCCESS) {
            line_end(made);
            return rv;
        }
    }
    if (rv != APR_SUCCESS) {
        free(made);
        return rv;
    }
    *line = made;
    return APR_SUCCESS;
}

/* A connection for a call. */
static apr_status_t
line_take(mproc__line_t **line, mproc__link_t *link, const char *call)
{
    apr_status_t rv;
    int gone, open;

    link_claim(link);
    mproc__objects_guard();
    gone = link->gone;
    open = link->open;
    *line = link->idle;
    if (*line != NULL) {
        link->idle = (*line)->next;
    }
    mproc__objects_unguard();
    if (gone) {
        return link_gone(link, call);
    }
    if (*line != NULL) {
        return APR_SUCCESS;
    }
    rv = line_make(line, link, call);
    if (rv != APR_SUCCESS) {
        if (open && rv != APR_ENOMEM && rv != APR_EMFILE) {
            link_break(link);
            return link_gone(link, call);
        }
        return rv;
    }
    link->open = 1;
    return APR_SUCCESS;
}

/* Its call is over. */
static void
line_give(mproc__line_t *line, mproc__link_t *link)
{
    int gone;

    mproc__stream_taken(&line->stream);
    mproc__objects_guard();
    gone = link->gone;
    if (!gone) {
        line->next = link->idle;
        link->idle = line;
    }
    mproc__objects_unguard();
    if (gone) {
        line_end(line);
    }
}

apr_status_t
mproc__link_open(mproc__link_t *link, const char *call)
{
    mproc__line_t *line;
    apr_status_t rv = line_take(&line, link, call);

    if (rv == APR_SUCCESS) {
        line_give(line, link);
    }
    return rv;
}

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
    if (shared == NULL ||
        mproc__hold_handle(&shared->manager.hold) != ask->link->manager) {
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

/* -------------------------------------------------------------------- calls */

/* Where spinning pays: the server may be at it on another processor. */
static int
line_is_silent(void *baton)
{
    return !mproc__stream_is_ready(&((mproc__line_t *)baton)->stream);
}

static apr_status_t
line_reply(mproc__line_t *line, apr_uint64_t limit, apr_time_t deadline)
{
    apr_uint64_t size;
    apr_status_t rv;

    (void)mproc__spin_dear(line_is_silent, line, 1);
    rv = mproc__stream_head(&line->stream, limit, &size, deadline);
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_body(&line->stream, deadline);
    }
    return rv == APR_SUCCESS && size < MPROC__REPLY_HEAD ? MPROC_EFORMAT : rv;
}

/* The status and the sentence of a reply; what comes after them. */
static apr_status_t
reply_split(mproc__line_t *line, char sentence[SENTENCE_MOST],
            mproc_bytes_t *rest)
{
    const unsigned char *body = line->stream.body;
    apr_size_t size = line->stream.got, said;
    apr_status_t rv = (apr_status_t)mproc__from_low(body, 4);

    said = (apr_size_t)mproc__from_low(body + 4, 4);
    if (said > size - MPROC__REPLY_HEAD) {
        said = 0;
    }
    rest->data = body + MPROC__REPLY_HEAD + said;
    rest->size = size - MPROC__REPLY_HEAD - said;
    if (said >= SENTENCE_MOST) {
        said = SENTENCE_MOST - 1;
    }
    memcpy(sentence, body + MPROC__REPLY_HEAD, said);
    sentence[said] = '\0';
    return rv;
}

static apr_uint64_t
link_limit(const mproc__link_t *link)
{
    return link->shared->max_message != 0 ? link->shared->max_message
                                          : MPROC_MESSAGE_MAX;
}

/* References that were kept for somebody who did not come, or has come. */
static void
link_tidy(mproc__link_t *link)
{
    linger_t **at, *gone = NULL, *next;

    if (link->linger == NULL) {
        return;
    }
    mproc__objects_guard();
    for (at = &link->linger; *at != NULL;) {
        next = *at;
        if (mproc__arena_kind(next->block) == MPROC_KIND_PROXY) {
            at = &next->next;
            continue;
        }
        *at = next->next;
        next->next = gone;
        gone = next;
    }
    mproc__objects_unguard();
    for (; gone != NULL; gone = next) {
        next = gone->next;
        (void)mproc__ask_plain(link, gone->id, MPROC__DROP, 0, "mproc");
        free(gone);
    }
}

void
mproc__link_linger(mproc__link_t *link, mproc__handle_t block, apr_uint64_t id)
{
    linger_t *linger = malloc(sizeof *linger);

    if (linger == NULL) {
        return; /* It is referred to until this process ends. */
    }
    linger->block = block;
    linger->id = id;
    mproc__objects_guard();
    linger->next = link->linger;
    link->linger = linger;
    mproc__objects_unguard();
}

static int
method_is_collected(apr_uint32_t method)
{
    switch (method) {
    case MPROC__DICT_SET:
    case MPROC__DICT_REMOVE:
    case MPROC__DICT_CLEAR:
    case MPROC__DICT_UPDATE:
    case MPROC__LIST_PUT:
    case MPROC__LIST_REMOVE:
    case MPROC__LIST_REMOVE_VALUE:
    case MPROC__LIST_CLEAR:
    case MPROC__LIST_EXTEND:
    case MPROC__LIST_REPEAT:
    case MPROC__LIST_SET_SLICE:
    case MPROC__LIST_SORT:
    case MPROC__LIST_REVERSE:
    case MPROC__QUEUE_TASK_DONE:
    case MPROC__LOCK_RELEASE:
    case MPROC__SEMAPHORE_RELEASE:
    case MPROC__CONDITION_NOTIFY:
    case MPROC__EVENT_SET:
    case MPROC__EVENT_CLEAR:
    case MPROC__CELL_WRITE:
        return 1;
    default:
        return 0;
    }
}

static apr_status_t batch_add(mproc__ask_t *ask);
static apr_status_t batch_flush(const char *call);

static apr_status_t
ask_over(mproc__ask_t *ask, apr_time_t deadline)
{
    mproc__line_t *line;
    apr_status_t rv = line_take(&line, ask->link, ask->call);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__stream_send(&line->stream,
                            (mproc_bytes_t){ask->data, ask->size}, deadline);
    if (rv == APR_SUCCESS) {
        rv = line_reply(line, link_limit(ask->link), deadline);
        if (rv == MPROC_ETOOBIG) {
            line_give(line, ask->link);
            return mproc__fail(rv,
                               "%s: what came of it is larger than a message "
                               "may be; allow more (net.max_message)",
                               ask->call);
        }
    }
    if (rv != APR_SUCCESS) {
        line_end(line);
        link_break(ask->link);
        return link_gone(ask->link, ask->call);
    }
    ask->line = line;
    return APR_SUCCESS;
}

apr_status_t
mproc__ask_run(mproc__ask_t *ask, apr_interval_time_t timeout)
{
    apr_time_t deadline = timeout < 0 && timeout == MPROC_FOREVER
                              ? MPROC_PLAT_NEVER
                              : mproc__deadline(timeout < 0 ? 0 : timeout);
    char sentence[SENTENCE_MOST];
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
    if (rv == APR_SUCCESS && ask->size > link_limit(ask->link)) {
        rv = mproc__fail(MPROC_ETOOBIG,
                         "%s: %" APR_SIZE_T_FMT " bytes are more than a "
                         "message may have; allow more (net.max_message)",
                         ask->call, ask->size);
    }
    if (rv == APR_SUCCESS && batch != NULL && batch->link == ask->link) {
        if (method_is_collected(ask->method)) {
            mproc__wire_init(&ask->answer, (mproc_bytes_t){NULL, 0});
            return batch_add(ask);
        }
        (void)batch_flush(ask->call); /* What fails is told at its end. */
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (ask->method != MPROC__DROP) {
        link_tidy(ask->link);
    }
    if (deadline != MPROC_PLAT_NEVER) {
        deadline = (deadline == 0 ? mproc_plat_clock() : deadline) + PATIENCE;
    }
    rv = ask_over(ask, deadline);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = reply_split(ask->line, sentence, &rest);
    mproc__wire_init(&ask->answer, rest);
    return rv == APR_SUCCESS ? rv : mproc__fail(rv, "%s", sentence);
}

void
mproc__ask_end(mproc__ask_t *ask)
{
    if (ask->line != NULL) {
        line_give(ask->line, ask->link);
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

/* ----------------------------------------------------------------- batches */

static apr_status_t
batch_room(apr_size_t size)
{
    apr_size_t room = batch->room;
    unsigned char *more;

    if (size <= room - batch->size) {
        return APR_SUCCESS;
    }
    while (room - batch->size < size) {
        room = room * 2 + BATCH_BYTES;
    }
    more = realloc(batch->data, room);
    if (more == NULL) {
        return APR_ENOMEM;
    }
    batch->data = more;
    batch->room = room;
    return APR_SUCCESS;
}

/* Whole frames, one behind the other. */
static apr_status_t
batch_add(mproc__ask_t *ask)
{
    unsigned char head[MPROC__FRAME_LONG];
    apr_size_t size = mproc__frame_write(head, ask->size);
    apr_status_t rv;

    if (batch->count == BATCH_CALLS || batch->size > BATCH_BYTES) {
        rv = batch_flush(ask->call);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    rv = batch_room(size + ask->size);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: no memory to collect the call", ask->call);
    }
    memcpy(batch->data + batch->size, head, size);
    memcpy(batch->data + batch->size + size, ask->data, ask->size);
    batch->size += size + ask->size;
    batch->count++;
    return APR_SUCCESS;
}

static void
batch_note(mproc__line_t *line, int which)
{
    char sentence[SENTENCE_MOST];
    mproc_bytes_t rest;
    apr_status_t rv = reply_split(line, sentence, &rest);

    if (rv != APR_SUCCESS && batch->failed < 0) {
        batch->failed = batch->done + which;
        batch->rv = rv;
        memcpy(batch->sentence, sentence, sizeof sentence);
    }
    mproc__stream_taken(&line->stream);
}

/* Send all frames, then receive as many replies. */
static apr_status_t
batch_flush(const char *call)
{
    mproc__link_t *link = batch->link;
    mproc__line_t *line;
    apr_time_t deadline = mproc_plat_clock() + PATIENCE;
    apr_status_t rv;
    int i;

    if (batch->count == 0) {
        return APR_SUCCESS;
    }
    rv = line_take(&line, link, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_send_raw(
            &line->stream, (mproc_bytes_t){batch->data, batch->size}, deadline);
        for (i = 0; i < batch->count && rv == APR_SUCCESS; i++) {
            rv = line_reply(line, link_limit(link), deadline);
            if (rv == APR_SUCCESS) {
                batch_note(line, i);
            }
        }
        if (rv == APR_SUCCESS) {
            line_give(line, link);
        }
        else {
            line_end(line);
            link_break(link);
            rv = link_gone(link, call);
        }
    }
    batch->done += batch->count;
    batch->count = 0;
    batch->size = 0;
    return rv;
}

apr_status_t
mproc__collect_begin(mproc__link_t *link, const char *call)
{
    if (batch != NULL) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this thread collects calls already; end that "
                           "batch first",
                           call);
    }
    batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: no memory for a batch", call);
    }
    batch->link = link;
    batch->failed = -1;
    return APR_SUCCESS;
}

apr_status_t
mproc__collect_end(mproc__link_t *link, int *failed, const char *call)
{
    apr_status_t rv;

    if (failed != NULL) {
        *failed = -1;
    }
    if (batch == NULL || batch->link != link) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this thread collects no calls of this manager; "
                           "begin a batch first",
                           call);
    }
    rv = batch_flush(call);
    if (rv == APR_SUCCESS && batch->failed >= 0) {
        rv = mproc__fail(batch->rv, "%s", batch->sentence);
        if (failed != NULL) {
            *failed = batch->failed;
        }
    }
    free(batch->data);
    free(batch);
    batch = NULL;
    return rv;
}
