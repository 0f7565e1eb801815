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
#include "manager_line.h"

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
    int open;    /* a connection was made */
    int opening; /* the first is being made, by a thread */
    int gone;    /* the server */
    mproc__line_t *idle;
    mproc__watched_t *watched;
    linger_t *linger;
    atomic_int lingers; /* there are some; looked at by anybody */
};

static mproc__link_t *links;

static const char *
text_of(const mproc__manager_shared_t *shared, int n)
{
    return shared->text[n] == 0 ? NULL : shared->data + shared->text[n];
}

/* ------------------------------------------------------------------- links */

/* A copy that a fork made says nothing. */
static void
line_end(mproc__line_t *line, int mine)
{
    if (mine) {
        mproc__socket_farewell(line->socket);
    }
    mproc__socket_close(line->socket);
    free(line->stream.body);
    free(line);
}

static void
lines_end(mproc__line_t *line, int mine)
{
    mproc__line_t *next;

    for (; line != NULL; line = next) {
        next = line->next;
        line_end(line, mine);
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
        lines_end(link->idle, link->pid == mproc_plat_pid());
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
        atomic_store(&link->lingers, 0);
        link->open = link->opening = link->gone = 0;
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
    lines_end(lines, 0);
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

/* The line of a call failed. Who waits on one that is watched goes on; its
 * socket is closed by who has it. */
static void
link_break(mproc__link_t *link)
{
    mproc__watched_t *watched;
    mproc__line_t *lines;

    mproc__objects_guard();
    link->gone = 1;
    lines = link->idle;
    link->idle = NULL;
    for (watched = link->watched; watched != NULL; watched = watched->next) {
        if (watched->line != NULL && watched->pid == link->pid) {
            mproc_plat_net_end(watched->line->socket->handle);
        }
    }
    mproc__objects_unguard();
    lines_end(lines, 1);
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
            line_end(made, 1);
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
apr_status_t
mproc__line_take(mproc__line_t **line, mproc__link_t *link, const char *call)
{
    apr_status_t rv;
    int gone, open, first;

    link_claim(link);
    for (;;) {
        mproc__objects_guard();
        gone = link->gone;
        open = link->open;
        first = !open && !gone && !link->opening;
        *line = link->idle;
        if (*line != NULL) {
            link->idle = (*line)->next;
        }
        link->opening |= first;
        mproc__objects_unguard();
        if (gone || *line != NULL || open || first) {
            break;
        }
        apr_sleep(1000); /* Another thread makes the first. */
    }
    if (gone) {
        return link_gone(link, call);
    }
    if (*line != NULL) {
        return APR_SUCCESS;
    }
    rv = line_make(line, link, call);
    if (first) {
        mproc__objects_guard();
        link->open = rv == APR_SUCCESS;
        link->opening = 0;
        mproc__objects_unguard();
    }
    if (rv != APR_SUCCESS && open && rv != APR_ENOMEM && rv != APR_EMFILE) {
        link_break(link);
        rv = link_gone(link, call);
    }
    return rv;
}

/* Its call is over. */
void
mproc__line_give(mproc__line_t *line, mproc__link_t *link)
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
        line_end(line, 1);
    }
}

apr_status_t
mproc__link_open(mproc__link_t *link, const char *call)
{
    mproc__line_t *line;
    apr_status_t rv = mproc__line_take(&line, link, call);

    if (rv == APR_SUCCESS) {
        mproc__line_give(line, link);
    }
    return rv;
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
    atomic_store(&link->lingers, 1);
    mproc__objects_unguard();
}

/* ------------------------------------------------------------------ watched */

void
mproc__watched_enter(mproc__watched_t *watched, mproc__link_t *link)
{
    watched->pid = mproc_plat_pid();
    mproc__objects_guard();
    watched->next = link->watched;
    link->watched = watched;
    mproc__objects_unguard();
}

/* It is not the only one that this process has: without any the server would
 * take it for gone. */
apr_status_t
mproc__watched_open(mproc__watched_t *watched, mproc__link_t *link,
                    const char *call)
{
    mproc__line_t *line;
    int gone;
    apr_status_t rv = mproc__link_open(link, call);

    if (rv == APR_SUCCESS) {
        rv = line_make(&line, link, call);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__objects_guard();
    gone = link->gone;
    watched->line = gone ? NULL : line;
    mproc__objects_unguard();
    if (gone) {
        line_end(line, 1);
        return link_gone(link, call);
    }
    return APR_SUCCESS;
}

void
mproc__watched_leave(mproc__watched_t *watched, mproc__link_t *link)
{
    mproc__watched_t **at;

    mproc__objects_guard();
    for (at = &link->watched; *at != watched; at = &(*at)->next) {
    }
    *at = watched->next;
    mproc__objects_unguard();
    if (watched->line != NULL) {
        line_end(watched->line, watched->pid == mproc_plat_pid());
    }
}

/* --------------------------------------------------------------- messages */

apr_uint64_t
mproc__link_limit(const mproc__link_t *link)
{
    return link->shared->max_message != 0 ? link->shared->max_message
                                          : MPROC_MESSAGE_MAX;
}

/* Where spinning pays: the server may be at it on another processor. */
static int
line_is_silent(void *baton)
{
    return !mproc__stream_is_ready(&((mproc__line_t *)baton)->stream);
}

apr_status_t
mproc__line_reply(mproc__line_t *line, apr_uint64_t limit, apr_time_t deadline)
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
apr_status_t
mproc__reply_split(mproc__line_t *line, char sentence[MPROC__SENTENCE_MOST],
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
    if (said >= MPROC__SENTENCE_MOST) {
        said = MPROC__SENTENCE_MOST - 1;
    }
    memcpy(sentence, body + MPROC__REPLY_HEAD, said);
    sentence[said] = '\0';
    return rv;
}

/* The call on a line failed: nobody knows what became of it. */
apr_status_t
mproc__line_fail(mproc__line_t *line, mproc__link_t *link, const char *call)
{
    line_end(line, 1);
    link_break(link);
    return link_gone(link, call);
}

/* References that were kept for somebody who did not come, or has come. */
void
mproc__link_tidy(mproc__link_t *link)
{
    linger_t **at, *gone = NULL, *next;

    if (!atomic_load(&link->lingers)) {
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
    atomic_store(&link->lingers, link->linger != NULL);
    mproc__objects_unguard();
    for (; gone != NULL; gone = next) {
        next = gone->next;
        (void)mproc__ask_plain(link, gone->id, MPROC__DROP, 0, "mproc");
        free(gone);
    }
}
