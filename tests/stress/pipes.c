/* pipes.c: what the stepped operations on pipes have in common. */
#include "pipes.h"

#include <inttypes.h>
#include <string.h>

#include <mproc/error.h>

#include "../../lib/src/connection.h"
#include "../../lib/src/queue.h"
#include "items.h"

mproc_connection_t *pipe_here, *pipe_there;

/* ---------------------------------------------------------------- the pipe */

void
pipe_expect(apr_status_t want, apr_status_t got, const char *what)
{
    if (got != want) {
        stress_fault(APR_STATUS_IS_TIMEUP(got) ? STRESS_HANG : STRESS_LOST,
                     "%s, point %" PRIu64 ": %s gave status %d, not %d: %s",
                     step_name, (uint64_t)step_point, what, got, want,
                     mproc_error_detail());
    }
}

void
pipe_make(void)
{
    apr_status_t rv = mproc_pipe_create(&pipe_here, &pipe_there, 1, NULL);

    pipe_expect(APR_SUCCESS, rv, "a creation");
    mproc_connection_set_timeout(pipe_here, MPROC_NOWAIT);
    mproc_connection_set_timeout(pipe_there, MPROC_NOWAIT);
}

void
pipe_limit(apr_uint64_t most)
{
    mproc__queue_ring(pipe_here->in)->maxsize = most;
    mproc__queue_ring(pipe_here->out)->maxsize = most;
}

void
pipe_drop(mproc_connection_t **end)
{
    mproc_connection_destroy(*end);
    *end = NULL;
}

/* ---------------------------------------------------------------- messages */

apr_status_t
pipe_send(mproc_connection_t *end, apr_uint64_t number, apr_size_t size)
{
    char data[ITEM_MOST];
    mproc_bytes_t message = {data, size};

    memset(data, (int)number, size);
    memcpy(data, &number, sizeof number);
    return mproc_connection_send(end, message);
}

apr_status_t
pipe_recv(mproc_connection_t *end, apr_uint64_t *number)
{
    char data[ITEM_MOST];
    apr_size_t size;
    apr_status_t rv = mproc_connection_recv_into(end, data, sizeof data, &size);

    *number = 0;
    if (rv == APR_SUCCESS) {
        *number = item_number(data, size);
        if (*number == 0) {
            queue_fault(STRESS_TORN, "a message is torn, of size", size);
        }
    }
    return rv;
}

void
pipe_fill(mproc_connection_t *end, apr_uint64_t count, apr_size_t size)
{
    apr_uint64_t number;

    for (number = 1; number <= count; number++) {
        pipe_expect(APR_SUCCESS, pipe_send(end, number, size), "a send");
    }
}

void
pipe_expect_end(mproc_connection_t *end)
{
    apr_uint64_t number;

    pipe_expect(APR_EOF, pipe_recv(end, &number), "a receive at the end");
    pipe_expect(APR_EPIPE, pipe_send(end, 1, PIPE_SMALL), "a send at the end");
    pipe_expect(APR_SUCCESS, mproc_connection_poll(end, MPROC_NOWAIT),
                "a poll at the end");
}

/* ------------------------------------------------------------- the witness */

/* The end of this kill, which the witness has not seen yet. */
static apr_status_t
end_obey(step_stage_t *stage, apr_status_t (*act)(mproc_connection_t *end))
{
    mproc_connection_t *end;
    apr_status_t rv =
        mproc__object_open(&end, atomic_load(&stage->board->queue), NULL);

    if (rv == APR_SUCCESS) {
        mproc_connection_set_timeout(end, STEP_PATIENCE);
        rv = act(end);
        mproc_connection_destroy(end);
    }
    return rv;
}

static apr_status_t
act_recv(mproc_connection_t *end)
{
    apr_uint64_t number;

    return pipe_recv(end, &number);
}

static apr_status_t
act_send(mproc_connection_t *end)
{
    return pipe_send(end, PIPE_WITNESS, PIPE_SMALL);
}

/* What should come is a success to those who ask. */
static apr_status_t
wanted(apr_status_t want, apr_status_t got)
{
    return got == want ? APR_SUCCESS : got == APR_SUCCESS ? APR_EGENERAL : got;
}

static apr_status_t
order_recv(step_stage_t *stage)
{
    return end_obey(stage, act_recv);
}

static apr_status_t
order_recv_end(step_stage_t *stage)
{
    return wanted(APR_EOF, end_obey(stage, act_recv));
}

static apr_status_t
order_send(step_stage_t *stage)
{
    return end_obey(stage, act_send);
}

static apr_status_t
order_send_end(step_stage_t *stage)
{
    return wanted(APR_EPIPE, end_obey(stage, act_send));
}

void
pipe_witness_recv(mproc_connection_t *end, apr_status_t want)
{
    mproc__ring_t *ring = mproc__queue_ring(end->in);

    atomic_store(&step_stage.board->queue, end->object.handle);
    witness_awaits(want == APR_SUCCESS ? order_recv : order_recv_end,
                   &ring->items, &ring->head.mutex);
}

void
pipe_witness_send(mproc_connection_t *end, apr_status_t want)
{
    mproc__ring_t *ring = mproc__queue_ring(end->out);

    atomic_store(&step_stage.board->queue, end->object.handle);
    witness_awaits(want == APR_SUCCESS ? order_send : order_send_end,
                   &ring->space, &ring->tail.mutex);
}
