/* served_tasks.c: what the pools of a manager's server run in tests. */
#include "served_tasks.h"

#include "../../lib/src/object.h"
#include "tasks.h"

static apr_status_t
events_use(mproc_bytes_t args, apr_interval_time_t timeout, apr_pool_t *pool)
{
    mproc_event_t *begun, *gate;
    apr_uint64_t handle[2];
    apr_status_t rv = mproc_unpack(args, pool, "UU", &handle[0], &handle[1]);
    if (rv == APR_SUCCESS) {
        rv = mproc__object_open(&begun, handle[0], pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__object_open(&gate, handle[1], pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_event_set(begun);
    }
    return rv == APR_SUCCESS ? mproc_event_wait(gate, timeout) : rv;
}

apr_status_t
gate_wait(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    apr_status_t rv = events_use(args, test_deadline(), pool);
    return rv == APR_SUCCESS ? mproc_reply(reply, "i", 42) : rv;
}

/* Ends its worker, so often in a row. */
apr_status_t
worker_end(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int times = 0;
    (void)mproc_unpack(args, pool, "i", &times);
    if (mproc_reply_attempt(reply) <= times) {
        test_kill(mproc_process_pid(mproc_process_current()));
        apr_sleep(120 * 1000 * MS);
    }
    return mproc_reply(reply, "i", mproc_reply_attempt(reply));
}

apr_status_t
sleep_for_ever(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)reply;
    (void)pool;
    apr_sleep(120 * 1000 * MS);
    return APR_SUCCESS;
}

apr_status_t
bytes_reply(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    int size = 0;
    char *data;
    (void)mproc_unpack(args, pool, "i", &size);
    data = apr_palloc(pool, (apr_size_t)size + 1);
    memset(data, 'x', (apr_size_t)size);
    return mproc_reply_bytes(reply, (mproc_bytes_t){data, (apr_size_t)size});
}

apr_status_t
object_reply(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    mproc_event_t *event;
    apr_status_t rv = mproc_event_create(&event, pool);
    (void)args;
    return rv == APR_SUCCESS ? mproc_reply(reply, "o", event) : rv;
}

static int begun_with; /* in a worker */

apr_status_t
worker_begin(mproc_bytes_t args, apr_pool_t *pool)
{
    apr_status_t rv = mproc_unpack(args, pool, "i", &begun_with);
    return rv != APR_SUCCESS ? rv : begun_with < 0 ? APR_EGENERAL : rv;
}

apr_status_t
worker_begin_waits(mproc_bytes_t args, apr_pool_t *pool)
{
    return events_use(args, 10 * test_deadline(), pool);
}

apr_status_t
begun_reply(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return mproc_reply(reply, "i", begun_with);
}

apr_status_t
square_there(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    return square(args, reply, pool);
}

apr_status_t
by_three_there(mproc_bytes_t args, mproc_reply_t *reply, apr_pool_t *pool)
{
    return not_by_three(args, reply, pool);
}

/* In every process that sends, and in the server. */
apr_status_t
functions_register(void)
{
    apr_status_t rv = mproc_register("square", square_there);
    rv = rv != APR_SUCCESS ? rv : mproc_register("by three", by_three_there);
    rv = rv != APR_SUCCESS ? rv : mproc_register("gate", gate_wait);
    rv = rv != APR_SUCCESS ? rv : mproc_register("end", worker_end);
    rv = rv != APR_SUCCESS ? rv : mproc_register("sleep", sleep_for_ever);
    rv = rv != APR_SUCCESS ? rv : mproc_register("bytes", bytes_reply);
    rv = rv != APR_SUCCESS ? rv : mproc_register("object", object_reply);
    rv = rv != APR_SUCCESS ? rv : mproc_register("begin", worker_begin);
    rv = rv != APR_SUCCESS ? rv : mproc_register("begun", begun_reply);
    return rv != APR_SUCCESS
               ? rv
               : mproc_register("begin waits", worker_begin_waits);
}
