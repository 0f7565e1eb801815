/*
 * connection.h: one type of connection, several reaches: a pipe in shared
 * memory (connection_pipe.c), a stream to another program
 * (connection_stream.c). connection.c checks, and says what went wrong.
 */
#ifndef MPROC_SRC_CONNECTION_H
#define MPROC_SRC_CONNECTION_H

#include <stdarg.h>
#include <stdatomic.h>

#include <mproc/connection.h>
#include <mproc/queue.h>

#include "object.h"
#include "sockets.h"
#include "stream.h"
#include "wait.h"

/* What a reach does. Arguments are checked, the end is open and goes this way.
 * Deadlines are those of the end; failures of a queue get their sentence from
 * the caller (mproc__connection_result), others have one. */
typedef struct mproc__reach_t {
    mproc__object_ops_t ops; /* first: what its objects are known by */
    int (*goes)(mproc_connection_t *end, int sends);
    apr_status_t (*send)(mproc_connection_t *end, mproc_bytes_t message,
                         const char *call);
    apr_status_t (*vsendf)(mproc_connection_t *end, const char *format,
                           va_list args, const char *call);
    apr_status_t (*recv)(mproc_connection_t *end, mproc_bytes_t *message,
                         apr_pool_t *pool, const char *call);
    apr_status_t (*vrecvf)(mproc_connection_t *end, apr_pool_t *pool,
                           const char *format, va_list args, const char *call);
    apr_status_t (*recv_into)(mproc_connection_t *end, void *buffer,
                              apr_size_t size, apr_size_t *length,
                              const char *call);
    apr_status_t (*poll)(mproc_connection_t *end, apr_interval_time_t timeout,
                         const char *call);
    apr_status_t (*source)(mproc_connection_t *end, mproc__source_t *source);
    const char *(*peer)(mproc_connection_t *end);
    void (*close)(mproc_connection_t *end); /* once */
} mproc__reach_t;

extern const mproc__reach_t mproc__reach_pipe;
extern const mproc__reach_t mproc__reach_stream;

struct mproc_connection_t {
    mproc_object_t object;
    _Atomic apr_int64_t timeout;
    _Atomic apr_uint64_t limit;
    atomic_int closed;
    mproc_queue_t *in, *out; /* of a pipe; NULL: not this way */
    mproc__stream_t *stream; /* of a stream */
};

/* The reach of what is a connection and can be used; else NULL. */
const mproc__reach_t *mproc__connection_reach(void *object);

/* Give a failure as the connection's. */
apr_status_t mproc__connection_result(apr_status_t rv, const char *call);

/* A connection by a socket, which it takes over, also when that fails. `peer`
 * is for sentences. */
apr_status_t mproc__connection_of(mproc_connection_t **connection,
                                  mproc__socket_t *socket, const char *peer,
                                  apr_uint64_t limit, apr_pool_t *pool);

#endif
