/*
 * manager_line.h: the connections of a link, for calls and batches.
 */
#ifndef MPROC_SRC_MANAGER_LINE_H
#define MPROC_SRC_MANAGER_LINE_H

#include "manager_link.h"
#include "stream.h"

#define MPROC__SENTENCE_MOST 1000

/* A connection. */
typedef struct mproc__line_t {
    struct mproc__line_t *next;
    mproc__socket_t *socket;
    mproc__stream_t stream;
    atomic_int closed; /* what the stream looks at: never */
} mproc__line_t;

/* One for a call; to be given back, or failed. APR_ECONNRESET when the server
 * is gone; as mproc_client_connect(). */
apr_status_t mproc__line_take(mproc__line_t **line, mproc__link_t *link,
                              const char *call);
void mproc__line_give(mproc__line_t *line, mproc__link_t *link);
/* A line beside those for calls, on which somebody waits: it breaks with the
 * link, and ends alone. */
typedef struct mproc__watched_t {
    struct mproc__watched_t *next;
    apr_int64_t pid;     /* whose it is: the child of a fork has a copy */
    mproc__line_t *line; /* NULL: not made yet */
} mproc__watched_t;

/* Enter it, without a line; make that, or APR_ECONNRESET when the server is
 * gone, as mproc_client_connect(); end it, whosever it is. */
void mproc__watched_enter(mproc__watched_t *watched, mproc__link_t *link);
apr_status_t mproc__watched_open(mproc__watched_t *watched, mproc__link_t *link,
                                 const char *call);
void mproc__watched_leave(mproc__watched_t *watched, mproc__link_t *link);

/* The link is gone with it. APR_ECONNRESET. */
apr_status_t mproc__line_fail(mproc__line_t *line, mproc__link_t *link,
                              const char *call);

/* Receive a reply, of at most so many bytes. */
apr_status_t mproc__line_reply(mproc__line_t *line, apr_uint64_t limit,
                               apr_time_t deadline);
/* The status and the sentence of a reply; what comes after them. */
apr_status_t mproc__reply_split(mproc__line_t *line,
                                char sentence[MPROC__SENTENCE_MOST],
                                mproc_bytes_t *rest);

/* Bytes that a message may have. */
apr_uint64_t mproc__link_limit(const mproc__link_t *link);
/* Give up references that were kept for what has arrived, or gone. */
void mproc__link_tidy(mproc__link_t *link);

/* Whether this thread collects the call: then it is done, as ask->rv says. */
int mproc__collect(mproc__ask_t *ask);

#endif
