/*
 * connection.c: the ends of pipes and streams alike: what is passed is
 * checked, the reach does the work, and what went wrong is said.
 */
#include "connection.h"

#include <mproc/error.h>

#include "error.h"
#include "notifier.h"

const mproc__reach_t *
mproc__connection_reach(void *object)
{
    return mproc__object_is(object, &mproc__reach_pipe.ops) ? &mproc__reach_pipe
           : mproc__object_is(object, &mproc__reach_stream.ops)
               ? &mproc__reach_stream
               : NULL;
}

apr_status_t
mproc__connection_result(apr_status_t rv, const char *call)
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

/* Usable for any way. */
static apr_status_t
end_open(mproc_connection_t *end, const mproc__reach_t **reach,
         const char *call)
{
    *reach = mproc__connection_reach(end);
    if (*reach == NULL) {
        return mproc__fail(APR_EINVAL,
                           "%s: what was passed is NULL, destroyed, or no "
                           "connection; pass an end made by "
                           "mproc_pipe_create(), mproc_listener_accept() or "
                           "mproc_client_connect(), or unpacked with `o`",
                           call);
    }
    return atomic_load(&end->closed)
               ? mproc__connection_result(MPROC_ECLOSED, call)
               : APR_SUCCESS;
}

/* Usable for one way. */
static apr_status_t
end_check(mproc_connection_t *end, int sends, const mproc__reach_t **reach,
          const char *call)
{
    apr_status_t rv = end_open(end, reach, call);

    if (rv != APR_SUCCESS || (*reach)->goes(end, sends)) {
        return rv;
    }
    return mproc__fail(MPROC_ESTATE,
                       "%s: this end only %s; use the other, or a duplex pipe",
                       call, sends ? "receives" : "sends");
}

/* -------------------------------------------------------------------- send */

apr_status_t
mproc_connection_send(mproc_connection_t *connection, mproc_bytes_t message)
{
    const char *call = "mproc_connection_send";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 1, &reach, call);

    return rv == APR_SUCCESS ? reach->send(connection, message, call) : rv;
}

apr_status_t
mproc_connection_sendf(mproc_connection_t *connection, const char *format, ...)
{
    const char *call = "mproc_connection_sendf";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 1, &reach, call);
    va_list args;

    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv = reach->vsendf(connection, format, args, call);
        va_end(args);
    }
    return rv;
}

/* ----------------------------------------------------------------- receive */

/* It may have been the last that was there, or nothing. */
static apr_status_t
end_received(mproc_connection_t *end, apr_status_t rv)
{
    mproc__notifier_look(&end->object.notifier);
    return rv;
}

apr_status_t
mproc_connection_recv(mproc_connection_t *connection, mproc_bytes_t *message,
                      apr_pool_t *pool)
{
    const char *call = "mproc_connection_recv";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 0, &reach, call);

    message->data = NULL;
    message->size = 0;
    if (rv == APR_SUCCESS) {
        rv = end_received(connection,
                          reach->recv(connection, message, pool, call));
    }
    return rv;
}

apr_status_t
mproc_connection_recvf(mproc_connection_t *connection, apr_pool_t *pool,
                       const char *format, ...)
{
    const char *call = "mproc_connection_recvf";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 0, &reach, call);
    va_list args;

    if (rv == APR_SUCCESS) {
        va_start(args, format);
        rv = end_received(connection,
                          reach->vrecvf(connection, pool, format, args, call));
        va_end(args);
    }
    return rv;
}

apr_status_t
mproc_connection_recv_into(mproc_connection_t *connection, void *buffer,
                           apr_size_t size, apr_size_t *length)
{
    const char *call = "mproc_connection_recv_into";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 0, &reach, call);

    *length = 0;
    if (rv == APR_SUCCESS) {
        rv = end_received(connection, reach->recv_into(connection, buffer, size,
                                                       length, call));
    }
    return rv;
}

apr_status_t
mproc_connection_poll(mproc_connection_t *connection,
                      apr_interval_time_t timeout)
{
    const char *call = "mproc_connection_poll";
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 0, &reach, call);

    if (rv == APR_SUCCESS) {
        rv = end_received(connection, reach->poll(connection, timeout, call));
    }
    return rv;
}

apr_status_t
mproc__connection_source(mproc_connection_t *connection,
                         mproc__source_t *source)
{
    const mproc__reach_t *reach;
    apr_status_t rv = end_check(connection, 0, &reach, source->call);

    if (rv == MPROC_ESTATE) {
        return APR_SUCCESS; /* It only sends, and is never ready. */
    }
    return rv == APR_SUCCESS ? reach->source(connection, source) : rv;
}

/* -------------------------------------------------------------- the others */

apr_status_t
mproc_connection_set_timeout(mproc_connection_t *connection,
                             apr_interval_time_t timeout)
{
    const mproc__reach_t *reach;
    apr_status_t rv =
        end_open(connection, &reach, "mproc_connection_set_timeout");

    if (rv == APR_SUCCESS) {
        atomic_store(&connection->timeout, timeout);
    }
    return rv;
}

apr_status_t
mproc_connection_set_limit(mproc_connection_t *connection, apr_size_t size)
{
    const mproc__reach_t *reach;
    apr_status_t rv =
        end_open(connection, &reach, "mproc_connection_set_limit");

    if (rv == APR_SUCCESS) {
        atomic_store(&connection->limit, size);
    }
    return rv;
}

int
mproc_connection_closed(mproc_connection_t *connection)
{
    return mproc__connection_reach(connection) == NULL ||
           atomic_load(&connection->closed);
}

int
mproc_connection_readable(mproc_connection_t *connection)
{
    const mproc__reach_t *reach = mproc__connection_reach(connection);

    return reach != NULL && !atomic_load(&connection->closed) &&
           reach->goes(connection, 0);
}

int
mproc_connection_writable(mproc_connection_t *connection)
{
    const mproc__reach_t *reach = mproc__connection_reach(connection);

    return reach != NULL && !atomic_load(&connection->closed) &&
           reach->goes(connection, 1);
}

const char *
mproc_connection_peer(mproc_connection_t *connection)
{
    const mproc__reach_t *reach = mproc__connection_reach(connection);

    return reach != NULL ? reach->peer(connection) : "";
}

apr_status_t
mproc_connection_close(mproc_connection_t *connection)
{
    const mproc__reach_t *reach = mproc__connection_reach(connection);

    if (reach == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_connection_close: what was "
                                       "passed is NULL, destroyed, or no "
                                       "connection");
    }
    if (!atomic_exchange(&connection->closed, 1)) {
        reach->close(connection);
    }
    return APR_SUCCESS;
}

void
mproc_connection_destroy(mproc_connection_t *connection)
{
    mproc__object_close(connection);
}
