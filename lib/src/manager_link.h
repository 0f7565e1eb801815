/*
 * manager_link.h: what a process has of a manager: its connections, and the
 * calls that go over them. The protocol stands at the top of manager_link.c.
 */
#ifndef MPROC_SRC_MANAGER_LINK_H
#define MPROC_SRC_MANAGER_LINK_H

#include <stdarg.h>

#include <mproc/manager.h>

#include "manager_wire.h"
#include "object.h"
#include "sockets.h"
#include "wire.h"

/* The shared half of a manager: how a process finds the server. */
typedef struct mproc__manager_shared_t {
    apr_int64_t handshake_timeout, connect_timeout, lease;
    apr_uint64_t max_message;
    apr_uint32_t unkeyed, legacy_md5, tls;
    apr_uint32_t key_at, key_size;
    apr_uint32_t text[5]; /* where they begin: address, certificate, its key,
                             authorities, name; 0: NULL */
    char data[];          /* the first byte is no text's */
} mproc__manager_shared_t;

/* A process's link to one manager. All that is in this header may be called by
 * any thread. */
typedef struct mproc__link_t mproc__link_t;

/* The link to the manager of a block, which the caller holds for as long as he
 * uses the link. NULL: no memory. */
mproc__link_t *mproc__link_use(mproc__handle_t manager);
void mproc__link_leave(mproc__link_t *link);

/* The handle of the manager's block. */
mproc__handle_t mproc__link_manager(const mproc__link_t *link);

/* Whether what this process has been given is its own: it may be a copy of one
 * that has it. */
int mproc__link_is_joined(mproc__link_t *link);

/* Make a connection, if there is none. As mproc_client_connect(); and
 * MPROC_EFORMAT. */
apr_status_t mproc__link_open(mproc__link_t *link, const char *call);

/* The reference to an object, that this process has at the server, is to be
 * given up when the block that names the object here has gone. */
void mproc__link_linger(mproc__link_t *link, mproc__handle_t block,
                        apr_uint64_t id);

#define MPROC__ASK_FEW 512

/* A call: begun, given its arguments, run, its answer read, ended. What fails
 * on the way is told by mproc__ask_run(). */
typedef struct mproc__ask_t {
    mproc__link_t *link;
    const char *call; /* of the public function */
    apr_uint32_t method;
    apr_interval_time_t patience; /* for the answer, after the call's time */
    apr_uint64_t id;
    apr_status_t rv;
    struct mproc__line_t *line; /* that it went over */
    mproc__wire_t answer;
    unsigned char *data; /* the message */
    apr_size_t size, room;
    unsigned char few[MPROC__ASK_FEW];
} mproc__ask_t;

void mproc__ask_begin(mproc__ask_t *ask, mproc__link_t *link, apr_uint64_t id,
                      mproc__method_e method, const char *call);

/* Arguments: one packed value; a number; a text, or nil; bytes; values by a
 * format. */
void mproc__ask_value(mproc__ask_t *ask, mproc_bytes_t value);
void mproc__ask_int(mproc__ask_t *ask, apr_int64_t number);
void mproc__ask_text(mproc__ask_t *ask, const char *text);
void mproc__ask_bytes(mproc__ask_t *ask, mproc_bytes_t bytes);
void mproc__ask_vformat(mproc__ask_t *ask, const char *format, va_list args);
/* A text as keys are compared: with the shortest head. */
void mproc__ask_key(mproc__ask_t *ask, const char *text);
/* A list of values, one behind the other. */
void mproc__ask_list(mproc__ask_t *ask, apr_size_t count, mproc_bytes_t values);
/* Exactly one value by a format. */
void mproc__ask_vvalue(mproc__ask_t *ask, const char *format, va_list args);

/* Do it; a timeout for calls that wait. */
apr_status_t mproc__ask_run(mproc__ask_t *ask, apr_interval_time_t timeout);

/* Send it over a line, on which nobody waits for the answer. It is not done
 * what else mproc__ask_run() does. */
struct mproc__line_t;
apr_status_t mproc__ask_post(mproc__ask_t *ask, struct mproc__line_t *line,
                             apr_interval_time_t timeout, apr_time_t deadline);

/* The answer, in order; until the end of the call. MPROC_EFORMAT when the
 * server does not keep to the protocol. */
apr_status_t mproc__answer_int(mproc__ask_t *ask, apr_int64_t *number);
apr_status_t mproc__answer_bytes(mproc__ask_t *ask, mproc_bytes_t *bytes);
apr_status_t mproc__answer_value(mproc__ask_t *ask, mproc_bytes_t *value);
/* Bytes that may name objects, which are had already: they came as a list of
 * values then. */
apr_status_t mproc__answer_item(mproc__ask_t *ask, mproc_bytes_t *item);
/* The id of an object that the answer is. */
apr_status_t mproc__answer_id(mproc__ask_t *ask, apr_uint64_t *id);
/* Give up what the rest of the answer names. */
void mproc__answer_forget(mproc__ask_t *ask);
/* Unpack bytes of the rest, of which nothing is kept but what the format takes.
 */
apr_status_t mproc__answer_unpack(mproc__ask_t *ask, apr_pool_t *pool,
                                  apr_status_t (*find)(mproc__ask_t *ask,
                                                       mproc_bytes_t *bytes),
                                  const char *format, va_list args);
/* Have the objects that the rest of the answer names in the pool, so that what
 * is read from it can be unpacked. */
apr_status_t mproc__answer_objects(mproc__ask_t *ask, apr_pool_t *pool);

/* Also after a failure. */
void mproc__ask_end(mproc__ask_t *ask);

/* A call that takes no arguments and gives nothing, or one number, back. */
apr_status_t mproc__ask_plain(mproc__link_t *link, apr_uint64_t id,
                              mproc__method_e method,
                              apr_interval_time_t timeout, const char *call);
apr_status_t mproc__ask_number(mproc__link_t *link, apr_uint64_t id,
                               mproc__method_e method, apr_int64_t *number,
                               const char *call);

/* Collect this thread's calls, and send them. */
apr_status_t mproc__collect_begin(mproc__link_t *link, const char *call);
apr_status_t mproc__collect_end(mproc__link_t *link, int *failed,
                                const char *call);

#endif
