/*
 * net_pipe.c: named pipes by overlapped operations.
 *
 * There is always one operation under way that receives into the pipe's own
 * buffer, but while that has something, or the end has come. So the event of
 * that operation is set just when there is something to receive; likewise the
 * one of the operation that sends, when none is under way. Who waits waits for
 * the events, and looks then: what has come of an operation is taken note of
 * (`harvest`) by whoever looks first, under the pipe's lock.
 *
 * A listener has several instances of its pipe, on each of which an operation
 * waits for a client; they have one event. To begin an operation resets it, so
 * after that all are looked at, and it is set when any of them has a client.
 * The first instance is made so that it fails when somebody else has the name.
 *
 * An operation ends with the thread that began it. Who sees that begins anew:
 * nothing is lost thereby.
 *
 * The system keeps messages apart. Their heads are made up when they are
 * received, and left out when they are sent; each is written by one operation,
 * from a copy. One that does not fit into the system's buffer stays under way
 * until it is received, and so long the caller is told that there is no room:
 * he offers it again, until it is written, or takes it back if he can.
 *
 * A handle is a number in a table, with a generation: one that was closed names
 * nothing. Who uses a pipe counts in `references`; the last one frees it.
 */
#include "net_pipe_own.h"

#include "win32.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- operations */

apr_status_t
mproc__pipe_status(DWORD error, apr_status_t gone)
{
    switch (error) {
    case ERROR_BROKEN_PIPE:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_NO_DATA:
    case ERROR_HANDLE_EOF:
    case ERROR_OPERATION_ABORTED:
    case ERROR_INVALID_HANDLE:
        return gone;
    default:
        return mproc__win32_status(error);
    }
}

void
mproc__pipe_cancel(HANDLE file, OVERLAPPED *overlapped)
{
    (void)CancelIoEx(file, overlapped);
    /* Its event may be set for another one. */
    while (!HasOverlappedIoCompleted(overlapped)) {
        Sleep(1);
    }
}

/* Locked, or nobody else has it. Who waits goes on. */
static void
pipe_shut(mproc__pipe_t *pipe)
{
    int i;

    pipe->ended = 1;
    if (pipe->receiving.pending) {
        mproc__pipe_cancel(pipe->file, &pipe->receiving.overlapped);
        pipe->receiving.pending = 0;
    }
    if (pipe->sending.pending) {
        mproc__pipe_cancel(pipe->file, &pipe->sending.overlapped);
        pipe->sending.pending = 0;
    }
    if (pipe->file != INVALID_HANDLE_VALUE) {
        CloseHandle(pipe->file);
        pipe->file = INVALID_HANDLE_VALUE;
    }
    for (i = 0; i < pipe->instances; i++) {
        instance_t *one = &pipe->instance[i];
        if (one->state == INSTANCE_WAITS) {
            mproc__pipe_cancel(one->file, &one->overlapped);
        }
        if (one->state != INSTANCE_NONE) {
            CloseHandle(one->file);
            one->state = INSTANCE_NONE;
        }
    }
    SetEvent(pipe->event[0]);
    SetEvent(pipe->event[1]);
}

/* ------------------------------------------------------------- the handles */

typedef struct place_t {
    mproc__pipe_t *pipe; /* NULL: free */
    unsigned generation;
} place_t;

static struct {
    SRWLOCK lock;
    place_t *place;
    unsigned count;
} table = {SRWLOCK_INIT, NULL, 0};

#define HANDLE_OF(generation, index)                                           \
    ((apr_int64_t)(generation) << 25 | (apr_int64_t)(index) << 1 | 1)
#define INDEX_MOST (1U << 24)

static void
pipe_free(mproc__pipe_t *pipe)
{
    int i;

    for (i = 0; i < 2; i++) {
        if (pipe->event[i] != NULL) {
            CloseHandle(pipe->event[i]);
        }
    }
    free(pipe->out);
    free(pipe->name);
    free(pipe);
}

mproc__pipe_t *
mproc__pipe_new(void)
{
    mproc__pipe_t *pipe = calloc(1, sizeof *pipe);

    if (pipe == NULL) {
        return NULL;
    }
    pipe->references = 1;
    InitializeSRWLock(&pipe->lock);
    pipe->file = INVALID_HANDLE_VALUE;
    pipe->event[0] = CreateEventW(NULL, TRUE, FALSE, NULL);
    pipe->event[1] = CreateEventW(NULL, TRUE, TRUE, NULL);
    if (pipe->event[0] == NULL || pipe->event[1] == NULL) {
        pipe_free(pipe);
        return NULL;
    }
    return pipe;
}

static mproc__pipe_t *
pipe_get(apr_int64_t handle)
{
    unsigned index = (unsigned)(handle >> 1) & (INDEX_MOST - 1);
    mproc__pipe_t *pipe = NULL;

    AcquireSRWLockShared(&table.lock);
    if (mproc__pipe_is(handle) && index < table.count &&
        HANDLE_OF(table.place[index].generation, index) == handle) {
        pipe = table.place[index].pipe;
    }
    if (pipe != NULL) {
        InterlockedIncrement(&pipe->references);
    }
    ReleaseSRWLockShared(&table.lock);
    return pipe;
}

static void
pipe_put(mproc__pipe_t *pipe)
{
    if (InterlockedDecrement(&pipe->references) == 0) {
        pipe_free(pipe);
    }
}

/* Locked. */
static int
place_find(unsigned *index)
{
    place_t *more;
    unsigned count;

    for (*index = 0; *index < table.count; ++*index) {
        if (table.place[*index].pipe == NULL) {
            return 1;
        }
    }
    count = table.count * 2 + 16;
    more = count > INDEX_MOST
               ? NULL
               : realloc(table.place, count * sizeof *table.place);
    if (more == NULL) {
        return 0;
    }
    memset(more + table.count, 0, (count - table.count) * sizeof *more);
    table.place = more;
    table.count = count;
    return 1;
}

apr_status_t
mproc__pipe_enter(apr_int64_t *handle, mproc__pipe_t *pipe)
{
    unsigned index;
    int found;

    AcquireSRWLockExclusive(&table.lock);
    found = place_find(&index);
    if (found) {
        table.place[index].pipe = pipe;
        *handle = HANDLE_OF(table.place[index].generation, index);
    }
    ReleaseSRWLockExclusive(&table.lock);
    if (!found) {
        pipe_shut(pipe);
        pipe_put(pipe);
    }
    return found ? APR_SUCCESS : APR_ENOMEM;
}

/* The pipe of a handle that is one no more, with its reference. */
static mproc__pipe_t *
pipe_leave(apr_int64_t handle)
{
    unsigned index = (unsigned)(handle >> 1) & (INDEX_MOST - 1);
    mproc__pipe_t *pipe = NULL;

    AcquireSRWLockExclusive(&table.lock);
    if (index < table.count &&
        HANDLE_OF(table.place[index].generation, index) == handle) {
        pipe = table.place[index].pipe;
        table.place[index].pipe = NULL;
        /* What a number of 64 bits has room for. */
        table.place[index].generation =
            (table.place[index].generation + 1) & 0x7fffffff;
    }
    ReleaseSRWLockExclusive(&table.lock);
    return pipe;
}

void
mproc__pipe_end(apr_int64_t handle)
{
    mproc__pipe_t *pipe = pipe_get(handle);

    if (pipe != NULL) {
        AcquireSRWLockExclusive(&pipe->lock);
        pipe_shut(pipe);
        ReleaseSRWLockExclusive(&pipe->lock);
        pipe_put(pipe);
    }
}

void
mproc__pipe_close(apr_int64_t handle)
{
    mproc__pipe_t *pipe = pipe_leave(handle);

    if (pipe != NULL) {
        AcquireSRWLockExclusive(&pipe->lock);
        pipe_shut(pipe);
        ReleaseSRWLockExclusive(&pipe->lock);
        pipe_put(pipe);
    }
}

/* --------------------------------------------------------------- the calls */

apr_status_t
mproc__pipe_accept(apr_int64_t listener, apr_int64_t *handle)
{
    mproc__pipe_t *pipe = pipe_get(listener);
    apr_status_t rv = APR_EBADF;

    *handle = -1;
    if (pipe != NULL) {
        AcquireSRWLockExclusive(&pipe->lock);
        rv = mproc__pipe_listener_accept(pipe, handle);
        ReleaseSRWLockExclusive(&pipe->lock);
        pipe_put(pipe);
    }
    return rv;
}

apr_status_t
mproc__pipe_send(apr_int64_t handle, const void *head, apr_size_t head_size,
                 const void *body, apr_size_t body_size, apr_size_t *sent)
{
    mproc__pipe_t *pipe = pipe_get(handle);
    apr_status_t rv = APR_EPIPE;

    *sent = 0;
    if (pipe != NULL) {
        AcquireSRWLockExclusive(&pipe->lock);
        rv = mproc__pipe_stream_send(pipe, head, head_size, body, body_size,
                                     sent);
        ReleaseSRWLockExclusive(&pipe->lock);
        pipe_put(pipe);
    }
    return rv;
}

mproc_plat_net_unsent_e
mproc__pipe_unsend(apr_int64_t handle)
{
    mproc__pipe_t *pipe = pipe_get(handle);
    mproc_plat_net_unsent_e unsent = MPROC_PLAT_UNSENT;

    if (pipe != NULL) {
        AcquireSRWLockExclusive(&pipe->lock);
        unsent = mproc__pipe_stream_unsend(pipe);
        ReleaseSRWLockExclusive(&pipe->lock);
        pipe_put(pipe);
    }
    return unsent;
}

apr_status_t
mproc__pipe_recv(apr_int64_t handle, void *data, apr_size_t *size)
{
    mproc__pipe_t *pipe = pipe_get(handle);
    apr_status_t rv = APR_EOF;

    if (pipe == NULL) {
        *size = 0;
        return rv;
    }
    AcquireSRWLockExclusive(&pipe->lock);
    rv = mproc__pipe_stream_recv(pipe, data, size);
    ReleaseSRWLockExclusive(&pipe->lock);
    pipe_put(pipe);
    return rv;
}

/* ----------------------------------------------------------------- waiting */

static int
pipe_is_ready(mproc__pipe_t *pipe, int send)
{
    int ready;

    AcquireSRWLockExclusive(&pipe->lock);
    if (pipe->ended) {
        ready = 1;
    }
    else if (pipe->name != NULL) {
        ready = mproc__pipe_clients(pipe) > 0;
    }
    else {
        ready =
            send ? mproc__pipe_can_send(pipe) : mproc__pipe_can_receive(pipe);
    }
    ReleaseSRWLockExclusive(&pipe->lock);
    return ready;
}

apr_status_t
mproc__pipes_hold(mproc__pipes_t *pipes, const mproc_plat_net_item_t *items,
                  int count)
{
    int i;

    pipes->pipe = calloc((size_t)count + 1, sizeof *pipes->pipe);
    pipes->event = calloc((size_t)count + 1, sizeof *pipes->event);
    pipes->count = 0;
    if (pipes->pipe == NULL || pipes->event == NULL) {
        mproc__pipes_release(pipes, 0);
        return APR_ENOMEM;
    }
    for (i = 0; i < count; i++) {
        pipes->pipe[i] = pipe_get(items[i].handle);
        if (pipes->pipe[i] != NULL) {
            pipes->event[pipes->count++] =
                pipes->pipe[i]->event[items[i].send != 0];
        }
    }
    return APR_SUCCESS;
}

int
mproc__pipes_look(const mproc__pipes_t *pipes, mproc_plat_net_item_t *items,
                  int count)
{
    int i, ready = 0;

    for (i = 0; i < count; i++) {
        if (mproc__pipe_is(items[i].handle)) {
            /* One that is closed is ready: a call says so. */
            items[i].ready = pipes->pipe[i] == NULL ||
                             pipe_is_ready(pipes->pipe[i], items[i].send);
            ready += items[i].ready;
        }
    }
    return ready;
}

void
mproc__pipes_release(mproc__pipes_t *pipes, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        if (pipes->pipe[i] != NULL) {
            pipe_put(pipes->pipe[i]);
        }
    }
    free(pipes->pipe);
    free(pipes->event);
}
