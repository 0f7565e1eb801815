/*
 * connection.c: the two ends of a pipe.
 *
 * A pipe is a queue's ring for each direction (ring.c). An end is a block that
 * holds the rings it uses, and names the other end without holding it: while
 * anybody has an end, in a process or in a message, its block lives, so the
 * other end has come to its end when the name is stale. When the block of an
 * end is freed, whoever does it wakes those who wait in the rings (block.c);
 * who dies before that is covered by the recovery, which wakes everybody. What
 * was sent is looked for after the name: it was there before that went stale.
 */
#include <mproc/connection.h>

#include <stdarg.h>

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "queue.h"
#include "wait.h"

#define MESSAGES_MOST 1000 /* under way in a direction */

/* The shared half: a holder of two. */
typedef struct end_shared_t {
    apr_uint32_t holds;
    apr_uint32_t unused;
    mproc__hold_t in, out; /* rings; empty: not this way */
    apr_uint64_t other;    /* handle of the other end */
} end_shared_t;

struct mproc_connection_t {
    mproc_object_t object;
    mproc_queue_t *in, *out; /* halves of our own; NULL: not this way */
    _Atomic apr_int64_t timeout;
    _Atomic apr_uint64_t limit;
    atomic_int closed;
};

/* ---------------------------------------------------------------- creating */

static apr_status_t
ring_open(mproc_queue_t **queue, mproc__hold_t *hold, mproc__handle_t other,
          apr_pool_t *pool)
{
    mproc__handle_t ring = mproc__hold_handle(hold);
    apr_status_t rv;

    *queue = NULL;
    if (ring == 0) {
        return APR_SUCCESS;
    }
    rv = mproc__object_open(queue, ring, pool);
    if (rv == APR_SUCCESS) {
        (*queue)->other = other;
    }
    return rv;
}

static apr_status_t
connection_opened(mproc_object_t *object)
{
    mproc_connection_t *end = (mproc_connection_t *)object;
    end_shared_t *shared = object->shared;
    apr_status_t rv =
        ring_open(&end->in, &shared->in, shared->other, object->pool);

    if (rv == APR_SUCCESS) {
        rv = ring_open(&end->out, &shared->out, shared->other, object->pool);
    }
    end->timeout = MPROC_FOREVER;
    return rv;
}

static void
connection_closing(mproc_object_t *object)
{
    mproc_connection_t *end = (mproc_connection_t *)object;

    mproc_queue_destroy(end->in);
    mproc_queue_destroy(end->out);
    end->in = NULL;
    end->out = NULL;
}

static void
connection_disown(mproc_object_t *object)
{
    mproc_connection_close((mproc_connection_t *)object);
}

const mproc__object_ops_t mproc__connection_ops = {
    .kind = MPROC_KIND_CONNECTION,
    .local_size = sizeof(struct mproc_connection_t),
    .opened = connection_opened,
    .closing = connection_closing,
    .disown = connection_disown};

/* An end that is not connected yet. */
static apr_status_t
end_create(mproc_connection_t **end, mproc_queue_t *in, mproc_queue_t *out,
           apr_pool_t *pool)
{
    apr_status_t rv = mproc__object_create(end, &mproc__connection_ops,
                                           sizeof(end_shared_t), pool);
    end_shared_t *shared;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    shared = (*end)->object.shared;
    shared->holds = 2;
    if (in != NULL) {
        rv = mproc__arena_hold(&shared->in, in->object.handle);
    }
    if (rv == APR_SUCCESS && out != NULL) {
        rv = mproc__arena_hold(&shared->out, out->object.handle);
    }
    return rv;
}

static apr_status_t
ends_connect(mproc_connection_t *a, mproc_connection_t *b)
{
    apr_status_t rv;

    ((end_shared_t *)a->object.shared)->other = b->object.handle;
    ((end_shared_t *)b->object.shared)->other = a->object.handle;
    rv = connection_opened(&a->object);
    return rv == APR_SUCCESS ? connection_opened(&b->object) : rv;
}

apr_status_t
mproc_pipe_create(mproc_connection_t **a, mproc_connection_t **b, int duplex,
                  apr_pool_t *pool)
{
    mproc_queue_t *there = NULL, *back = NULL;
    apr_status_t rv;

    if (a == NULL || b == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_pipe_create: where an end goes "
                                       "is NULL; pass two pointers");
    }
    *a = NULL;
    *b = NULL;
    rv = mproc_queue_create(&back, MESSAGES_MOST, NULL);
    if (rv == APR_SUCCESS && duplex) {
        rv = mproc_queue_create(&there, MESSAGES_MOST, NULL);
    }
    if (rv == APR_SUCCESS) {
        rv = end_create(a, back, there, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = end_create(b, there, back, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = ends_connect(*a, *b);
    }
    if (rv != APR_SUCCESS) {
        mproc_connection_destroy(*a);
        mproc_connection_destroy(*b);
        *a = NULL;
        *b = NULL;
    }
    mproc_queue_destroy(there);
    mproc_queue_destroy(back);
    return rv;
}

/* ----------------------------------------------------------------- checking */

/* Give what a queue's call said as the connection's. */
static apr_status_t
end_result(apr_status_t rv, const char *call)
{
    switch (rv) {
    case APR_EPIPE:
        return mproc__fail(rv,
                           "%s: nobody has the other end any more; what was "
                           "to be sent is not",
                           call);
    case APR_EOF:
        return mproc__fail(rv,
                           "%s: all is received, and nobody has the other "
                           "end any more",
                           call);
    case APR_TIMEUP:
        return mproc__fail(rv,
                           "%s: the other side was not ready in time; "
                           "nothing has happened",
                           call);
    case MPROC_ECLOSED:
        return mproc__fail(rv, "%s: this process has closed the end", call);
    default:
        return rv;
    }
}

/* Usable for one way; then the queue of that way. */
static apr_status_t
end_check(mproc_connection_t *end, int sends, mproc_queue_t **queue,
          const char *call)
{
    if (!mproc__object_is(end, &mproc__connection_ops)) {
        return mproc__fail(APR_EINVAL,
                           "%s: what was passed is NULL, destroyed, or no "
                           "connection; pass an end made by "
                           "mproc_pipe_create() or unpacked with `o`",
                           call);
    }
    if (atomic_load(&end->closed)) {
        return end_result(MPROC_ECLOSED, call);
    }
    *queue = sends ? end->out : end->in;
    return *queue != NULL ? APR_SUCCESS
                          : mproc__fail(MPROC_ESTATE,
                                        "%s: this end only %s; use the other, "
                                        "or a duplex pipe",
                                        call, sends ? "receives" : "sends");
}

/* --------------------------------------------------------------------- send */

static apr_status_t
send_result(apr_status_t rv, const char *call)
{
    return end_result(rv == APR_EOF ? APR_EPIPE : rv, call);
}

apr_status_t
mproc_connection_send(mproc_connection_t *connection, mproc_bytes_t message)
{
    const char *call = "mproc_connection_send";
    mproc_queue_t *out;
    apr_status_t rv = end_check(connection, 1, &out, call);

    return rv != APR_SUCCESS
               ? rv
               : send_result(mproc_queue_put(out, message, connection->timeout),
                             call);
}

apr_status_t
mproc_connection_sendf(mproc_connection_t *connection, const char *format, ...)
{
    const char *call = "mproc_connection_sendf";
    mproc_queue_t *out;
    apr_status_t rv = end_check(connection, 1, &out, call);
    va_list args;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    va_start(args, format);
    rv = mproc__queue_vputf(out, connection->timeout, format, args);
    va_end(args);
    return send_result(rv, call);
}

/* ------------------------------------------------------------------ receive */

/* Drop the first message if it is beyond the limit. */
static apr_status_t
limit_check(mproc_connection_t *end, const char *call)
{
    apr_uint64_t limit = atomic_load(&end->limit), size;
    apr_status_t rv;

    if (limit == 0) {
        return APR_SUCCESS;
    }
    rv = mproc__queue_drop_beyond(end->in, limit, &size, end->timeout, call);
    return rv != MPROC_ETOOBIG
               ? rv
               : mproc__fail(rv,
                             "%s: a message of %" APR_UINT64_T_FMT
                             " bytes came, and the limit is %" APR_UINT64_T_FMT
                             "; it was dropped, the next one can be received",
                             call, size, limit);
}

static apr_status_t
recv_begin(mproc_connection_t *end, mproc_queue_t **in, const char *call)
{
    apr_status_t rv = end_check(end, 0, in, call);

    return rv == APR_SUCCESS ? limit_check(end, call) : rv;
}

apr_status_t
mproc_connection_recv(mproc_connection_t *connection, mproc_bytes_t *message,
                      apr_pool_t *pool)
{
    const char *call = "mproc_connection_recv";
    mproc_queue_t *in;
    apr_status_t rv = recv_begin(connection, &in, call);

    message->data = NULL;
    message->size = 0;
    if (rv == APR_SUCCESS) {
        rv = mproc_queue_get(in, message, connection->timeout, pool);
    }
    return end_result(rv, call);
}

apr_status_t
mproc_connection_recvf(mproc_connection_t *connection, apr_pool_t *pool,
                       const char *format, ...)
{
    const char *call = "mproc_connection_recvf";
    mproc_queue_t *in;
    apr_status_t rv = recv_begin(connection, &in, call);
    va_list args;

    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv = mproc__queue_vgetf(in, connection->timeout, pool, format, args);
        va_end(args);
    }
    return end_result(rv, call);
}

apr_status_t
mproc_connection_recv_into(mproc_connection_t *connection, void *buffer,
                           apr_size_t size, apr_size_t *length)
{
    const char *call = "mproc_connection_recv_into";
    mproc_queue_t *in;
    apr_status_t rv = recv_begin(connection, &in, call);

    *length = 0;
    if (rv == APR_SUCCESS) {
        rv =
            mproc_queue_get_into(in, buffer, size, length, connection->timeout);
    }
    return end_result(rv, call);
}

apr_status_t
mproc_connection_poll(mproc_connection_t *connection,
                      apr_interval_time_t timeout)
{
    const char *call = "mproc_connection_poll";
    mproc_queue_t *in;
    apr_status_t rv = end_check(connection, 0, &in, call);

    if (rv == APR_SUCCESS) {
        rv = mproc__queue_await(in, timeout, call);
    }
    return rv == APR_EOF ? APR_SUCCESS : end_result(rv, call);
}

apr_status_t
mproc__connection_source(mproc_connection_t *connection,
                         mproc__source_t *source)
{
    mproc_queue_t *in;
    apr_status_t rv = end_check(connection, 0, &in, "mproc_wait");

    if (rv == MPROC_ESTATE) {
        return APR_SUCCESS; /* It only sends, and is never ready. */
    }
    return rv == APR_SUCCESS ? mproc__queue_source(in, source) : rv;
}

/* --------------------------------------------------------------- the others */

apr_status_t
mproc_connection_set_timeout(mproc_connection_t *connection,
                             apr_interval_time_t timeout)
{
    const char *call = "mproc_connection_set_timeout";
    mproc_queue_t *any;
    apr_status_t rv = end_check(connection, 0, &any, call);

    if (rv == MPROC_ESTATE) {
        rv = APR_SUCCESS; /* Whichever way it goes. */
    }
    if (rv == APR_SUCCESS) {
        atomic_store(&connection->timeout, timeout);
    }
    return rv;
}

apr_status_t
mproc_connection_set_limit(mproc_connection_t *connection, apr_size_t size)
{
    const char *call = "mproc_connection_set_limit";
    mproc_queue_t *any;
    apr_status_t rv = end_check(connection, 0, &any, call);

    if (rv == MPROC_ESTATE) {
        rv = APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        atomic_store(&connection->limit, size);
    }
    return rv;
}

int
mproc_connection_closed(mproc_connection_t *connection)
{
    return !mproc__object_is(connection, &mproc__connection_ops) ||
           atomic_load(&connection->closed);
}

int
mproc_connection_readable(mproc_connection_t *connection)
{
    return !mproc_connection_closed(connection) && connection->in != NULL;
}

int
mproc_connection_writable(mproc_connection_t *connection)
{
    return !mproc_connection_closed(connection) && connection->out != NULL;
}

apr_status_t
mproc_connection_close(mproc_connection_t *connection)
{
    if (!mproc__object_is(connection, &mproc__connection_ops)) {
        return mproc__fail(APR_EINVAL, "mproc_connection_close: what was "
                                       "passed is NULL, destroyed, or no "
                                       "connection");
    }
    if (atomic_exchange(&connection->closed, 1)) {
        return APR_SUCCESS;
    }
    if (connection->in != NULL) {
        mproc_queue_close(connection->in);
    }
    if (connection->out != NULL) {
        mproc_queue_close(connection->out);
    }
    /* The end itself; the halves stay, as threads may be on their way out. */
    mproc__object_let_go(&connection->object);
    return APR_SUCCESS;
}

void
mproc_connection_destroy(mproc_connection_t *connection)
{
    mproc__object_close(connection);
}
