/*
 * manager_batch.c: calls that are collected, and sent together. What they give
 * back is a status; the first that failed is kept.
 */
#include "manager_line.h"

#include <stdlib.h>
#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"

#define PATIENCE ((apr_interval_time_t)10 * 1000 * 1000)
#define BATCH_CALLS 1000
#define BATCH_BYTES 65536

/* Calls of a thread: whole frames. */
typedef struct batch_t {
    mproc__link_t *link; /* used by it */
    apr_int64_t pid;
    unsigned char *data;
    apr_size_t size, room;
    int count;
    int done;   /* that were sent before */
    int failed; /* the first that did, or -1 */
    apr_status_t rv;
    char sentence[MPROC__SENTENCE_MOST];
} batch_t;

static _Thread_local batch_t *batch;

/* Those that never wait: what writes to an array does, for its lock. */
static int
method_is_collected(apr_uint32_t method)
{
    switch (method) {
    case MPROC__DICT_SET:
    case MPROC__DICT_REMOVE:
    case MPROC__DICT_CLEAR:
    case MPROC__DICT_UPDATE:
    case MPROC__SET_CHANGE:
    case MPROC__LIST_PUT:
    case MPROC__LIST_REMOVE:
    case MPROC__LIST_REMOVE_VALUE:
    case MPROC__LIST_CLEAR:
    case MPROC__LIST_EXTEND:
    case MPROC__LIST_REPEAT:
    case MPROC__LIST_SET_SLICE:
    case MPROC__LIST_SORT:
    case MPROC__LIST_REVERSE:
    case MPROC__QUEUE_TASK_DONE:
    case MPROC__LOCK_RELEASE:
    case MPROC__SEMAPHORE_RELEASE:
    case MPROC__CONDITION_NOTIFY:
    case MPROC__EVENT_SET:
    case MPROC__EVENT_CLEAR:
        return 1;
    default:
        return 0;
    }
}

static void
batch_free(void)
{
    mproc__link_leave(batch->link);
    free(batch->data);
    free(batch);
    batch = NULL;
}

/* A forked child does not do again what its parent collected. */
static int
batch_is_of(const mproc__link_t *link)
{
    if (batch != NULL && batch->pid != mproc_plat_pid()) {
        batch_free();
    }
    return batch != NULL && batch->link == link;
}

static apr_status_t
batch_room(apr_size_t size)
{
    apr_size_t room = batch->room;
    unsigned char *more;

    if (size <= room - batch->size) {
        return APR_SUCCESS;
    }
    while (room - batch->size < size) {
        room = room * 2 + BATCH_BYTES;
    }
    more = realloc(batch->data, room);
    if (more == NULL) {
        return APR_ENOMEM;
    }
    batch->data = more;
    batch->room = room;
    return APR_SUCCESS;
}

static void
batch_note(mproc__line_t *line, int which)
{
    char sentence[MPROC__SENTENCE_MOST];
    mproc_bytes_t rest;
    apr_status_t rv = mproc__reply_split(line, sentence, &rest);

    if (rv != APR_SUCCESS && batch->failed < 0) {
        batch->failed = batch->done + which;
        batch->rv = rv;
        memcpy(batch->sentence, sentence, sizeof sentence);
    }
    mproc__stream_taken(&line->stream);
}

/* Send all frames, then receive as many replies. */
static apr_status_t
batch_flush(const char *call)
{
    mproc__link_t *link = batch->link;
    mproc__line_t *line;
    apr_time_t deadline = mproc_plat_clock() + PATIENCE;
    apr_status_t rv;
    int i;

    if (batch->count == 0) {
        return APR_SUCCESS;
    }
    rv = mproc__line_take(&line, link, call);
    if (rv == APR_SUCCESS) {
        rv = mproc__stream_send_raw(
            &line->stream, (mproc_bytes_t){batch->data, batch->size}, deadline);
        for (i = 0; i < batch->count && rv == APR_SUCCESS; i++) {
            rv = mproc__line_reply(line, mproc__link_limit(link), deadline);
            if (rv == APR_SUCCESS) {
                batch_note(line, i);
            }
        }
        if (rv == APR_SUCCESS) {
            mproc__line_give(line, link);
        }
        else {
            rv = mproc__line_fail(line, link, call);
        }
    }
    batch->done += batch->count;
    batch->count = 0;
    batch->size = 0;
    return rv;
}

/* Whole frames, one behind the other. */
static apr_status_t
batch_add(mproc__ask_t *ask)
{
    unsigned char head[MPROC__FRAME_LONG];
    apr_size_t size = mproc__frame_write(head, ask->size);
    apr_status_t rv;

    if (batch->count == BATCH_CALLS || batch->size > BATCH_BYTES ||
        (batch->count > 0 && ask->size > BATCH_BYTES)) {
        rv = batch_flush(ask->call);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    rv = batch_room(size + ask->size);
    if (rv != APR_SUCCESS) {
        return mproc__fail(rv, "%s: no memory to collect the call", ask->call);
    }
    memcpy(batch->data + batch->size, head, size);
    memcpy(batch->data + batch->size + size, ask->data, ask->size);
    batch->size += size + ask->size;
    batch->count++;
    return APR_SUCCESS;
}

int
mproc__collect(mproc__ask_t *ask)
{
    if (!batch_is_of(ask->link)) {
        return 0;
    }
    if (!method_is_collected(ask->method)) {
        (void)batch_flush(ask->call); /* What fails is told at its end. */
        return 0;
    }
    mproc__wire_init(&ask->answer, (mproc_bytes_t){NULL, 0});
    ask->rv = batch_add(ask);
    return 1;
}

apr_status_t
mproc__collect_begin(mproc__link_t *link, const char *call)
{
    if (batch_is_of(link) || batch != NULL) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this thread collects calls already; end that "
                           "batch first",
                           call);
    }
    batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return mproc__fail(APR_ENOMEM, "%s: no memory for a batch", call);
    }
    batch->link = mproc__link_use(mproc__link_manager(link));
    batch->pid = mproc_plat_pid();
    batch->failed = -1;
    return APR_SUCCESS;
}

apr_status_t
mproc__collect_end(mproc__link_t *link, int *failed, const char *call)
{
    apr_status_t rv;

    if (failed != NULL) {
        *failed = -1;
    }
    if (!batch_is_of(link)) {
        return mproc__fail(MPROC_ESTATE,
                           "%s: this thread collects no calls of this manager; "
                           "begin a batch first",
                           call);
    }
    rv = batch_flush(call);
    if (rv == APR_SUCCESS && batch->failed >= 0) {
        rv = mproc__fail(batch->rv, "%s", batch->sentence);
        if (failed != NULL) {
            *failed = batch->failed;
        }
    }
    batch_free();
    return rv;
}
