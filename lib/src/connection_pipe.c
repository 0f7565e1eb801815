/*
 * connection_pipe.c: the two ends of a pipe.
 *
 * A pipe is a queue's ring for each direction (ring.c). An end is a block that
 * holds the rings it uses, and names the other end without holding it: while
 * anybody has an end, in a process or in a message, its block lives, so the
 * other end has come to its end when the name is stale. When the block of an
 * end is freed, whoever does it wakes those who wait in the rings (block.c);
 * who dies before that is covered by the recovery, which wakes everybody. What
 * was sent is looked for after the name: it was there before that went stale.
 */
#include "connection.h"

#include <mproc/error.h>

#include "error.h"
#include "kinds.h"
#include "queue.h"

#define MESSAGES_MOST 1000 /* under way in a direction */

/* The shared half: a holder of two. */
typedef struct end_shared_t {
    apr_uint32_t holds;
    apr_uint32_t unused;
    mproc__hold_t in, out; /* rings; empty: not this way */
    apr_uint64_t other;    /* handle of the other end */
} end_shared_t;

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
pipe_opened(mproc_object_t *object)
{
    mproc_connection_t *end = (mproc_connection_t *)object;
    end_shared_t *shared = object->shared;
    apr_status_t rv =
        ring_open(&end->in, &shared->in, shared->other, object->pool);

    if (rv == APR_SUCCESS) {
        rv = ring_open(&end->out, &shared->out, shared->other, object->pool);
    }
    if (end->in != NULL) {
        end->in->limit = &end->limit;
    }
    end->timeout = MPROC_FOREVER;
    return rv;
}

static void
pipe_closing(mproc_object_t *object)
{
    mproc_connection_t *end = (mproc_connection_t *)object;

    mproc_queue_destroy(end->in);
    mproc_queue_destroy(end->out);
    end->in = NULL;
    end->out = NULL;
}

static void
pipe_disown(mproc_object_t *object)
{
    mproc_connection_close((mproc_connection_t *)object);
}

/* An end that is not connected yet. */
static apr_status_t
end_create(mproc_connection_t **end, mproc_queue_t *in, mproc_queue_t *out,
           apr_pool_t *pool)
{
    apr_status_t rv = mproc__object_create(end, &mproc__reach_pipe.ops,
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
    rv = pipe_opened(&a->object);
    return rv == APR_SUCCESS ? pipe_opened(&b->object) : rv;
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

/* -------------------------------------------------------------------- send */

static int
pipe_goes(mproc_connection_t *end, int sends)
{
    return (sends ? end->out : end->in) != NULL;
}

static apr_status_t
send_result(apr_status_t rv, const char *call)
{
    return mproc__connection_result(rv == APR_EOF ? APR_EPIPE : rv, call);
}

static apr_status_t
pipe_send(mproc_connection_t *end, mproc_bytes_t message, const char *call)
{
    return send_result(mproc_queue_put(end->out, message, end->timeout), call);
}

static apr_status_t
pipe_vsendf(mproc_connection_t *end, const char *format, va_list args,
            const char *call)
{
    return send_result(mproc__queue_vputf(end->out, end->timeout, format, args),
                       call);
}

/* ----------------------------------------------------------------- receive */

static apr_status_t
pipe_recv(mproc_connection_t *end, mproc_bytes_t *message, apr_pool_t *pool,
          const char *call)
{
    return mproc__connection_result(
        mproc__queue_get(end->in, message, end->timeout, pool, call), call);
}

static apr_status_t
pipe_vrecvf(mproc_connection_t *end, apr_pool_t *pool, const char *format,
            va_list args, const char *call)
{
    return mproc__connection_result(
        mproc__queue_vgetf(end->in, end->timeout, pool, format, args, call),
        call);
}

static apr_status_t
pipe_recv_into(mproc_connection_t *end, void *buffer, apr_size_t size,
               apr_size_t *length, const char *call)
{
    return mproc__connection_result(mproc__queue_get_into(end->in, buffer, size,
                                                          length, end->timeout,
                                                          call),
                                    call);
}

static apr_status_t
pipe_poll(mproc_connection_t *end, apr_interval_time_t timeout,
          const char *call)
{
    apr_status_t rv = mproc__queue_await(end->in, timeout, call);

    return rv == APR_EOF ? APR_SUCCESS : mproc__connection_result(rv, call);
}

static apr_status_t
pipe_source(mproc_connection_t *end, mproc__source_t *source)
{
    return mproc__queue_source(end->in, source);
}

static const char *
pipe_peer(mproc_connection_t *end)
{
    (void)end;
    return "";
}

static void
pipe_close(mproc_connection_t *end)
{
    if (end->in != NULL) {
        mproc_queue_close(end->in);
    }
    if (end->out != NULL) {
        mproc_queue_close(end->out);
    }
    /* The end itself; the halves stay, as threads may be on their way out. */
    mproc__object_let_go(&end->object);
}

const mproc__reach_t mproc__reach_pipe = {
    .ops = {.kind = MPROC_KIND_CONNECTION,
            .local_size = sizeof(struct mproc_connection_t),
            .opened = pipe_opened,
            .closing = pipe_closing,
            .disown = pipe_disown},
    .goes = pipe_goes,
    .send = pipe_send,
    .vsendf = pipe_vsendf,
    .recv = pipe_recv,
    .vrecvf = pipe_vrecvf,
    .recv_into = pipe_recv_into,
    .poll = pipe_poll,
    .source = pipe_source,
    .peer = pipe_peer,
    .close = pipe_close};
