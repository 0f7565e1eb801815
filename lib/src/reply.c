/*
 * reply.c: what a task says.
 */
#include "reply.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "error.h"
#include "object.h"
#include "pack.h"
#include "ring.h"

#define SENTENCE_MOST 400

static apr_status_t
reply_missing(const char *call)
{
    return mproc__fail(APR_EINVAL,
                       "%s: the reply is NULL; pass the one that the task was "
                       "given",
                       call);
}

/* Of what is no task: in the pool, with the objects. */
static apr_status_t
reply_keep(mproc_reply_t *reply, mproc_bytes_t bytes,
           const apr_array_header_t *objects)
{
    apr_status_t rv = APR_SUCCESS;
    mproc_object_t *object;
    int i;

    reply->names = objects != NULL && objects->nelts > 0;
    for (i = 0; reply->names && i < objects->nelts && rv == APR_SUCCESS; i++) {
        rv = mproc__object_open(
            &object, APR_ARRAY_IDX(objects, i, mproc__handle_t), reply->pool);
    }
    reply->said.data = apr_pmemdup(reply->pool, bytes.data, bytes.size);
    reply->said.size = bytes.size;
    reply->status = rv;
    return rv;
}

static apr_status_t
reply_store(mproc_reply_t *reply, mproc_bytes_t bytes,
            const apr_array_header_t *objects)
{
    apr_status_t rv = APR_SUCCESS;
    void *data;

    if (reply->task == NULL) {
        return reply_keep(reply, bytes, objects);
    }
    data = reply->task->said;
    mproc__arena_release(reply->hold);
    reply->task->size = 0;
    if (bytes.size > MPROC__REPLY_INLINE ||
        (objects != NULL && objects->nelts > 0)) {
        rv = mproc__box_make(reply->hold, bytes.size, objects, &data);
    }
    if (rv == APR_SUCCESS && bytes.size > 0) {
        memcpy(data, bytes.data, bytes.size);
    }
    if (rv == APR_SUCCESS) {
        reply->task->size = bytes.size;
    }
    /* A reply that could not be given is no success, whoever looks at it. */
    reply->status = rv;
    return rv;
}

apr_status_t
mproc_reply_bytes(mproc_reply_t *reply, mproc_bytes_t bytes)
{
    if (reply == NULL) {
        return reply_missing("mproc_reply_bytes");
    }
    if (bytes.size > 0 && bytes.data == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_reply_bytes: the data is NULL "
                                       "but has a size");
    }
    return reply_store(reply, bytes, NULL);
}

apr_status_t
mproc_reply(mproc_reply_t *reply, const char *format, ...)
{
    apr_array_header_t *objects = NULL;
    mproc_bytes_t bytes;
    apr_status_t rv;
    va_list args;

    if (reply == NULL) {
        return reply_missing("mproc_reply");
    }
    va_start(args, format);
    rv = mproc__vpack(&bytes, &objects, reply->pool, format, args);
    va_end(args);
    if (rv == APR_SUCCESS) {
        return reply_store(reply, bytes, objects);
    }
    reply->status = rv;
    return rv;
}

static void
sentence_store(mproc_reply_t *reply, apr_status_t status, const char *text)
{
    mproc_bytes_t said = {text, strlen(text)};

    if (reply_store(reply, said, NULL) != APR_SUCCESS) {
        said.size = 0;
        (void)reply_store(reply, said, NULL);
    }
    reply->status = status;
}

apr_status_t
mproc_reply_error(mproc_reply_t *reply, apr_status_t status, const char *format,
                  ...)
{
    char text[SENTENCE_MOST];
    va_list args;

    if (reply == NULL) {
        return reply_missing("mproc_reply_error");
    }
    if (status == APR_SUCCESS) {
        return mproc__fail(APR_EINVAL, "mproc_reply_error: APR_SUCCESS is no "
                                       "error; say what it is");
    }
    va_start(args, format);
    apr_vsnprintf(text, sizeof text, format == NULL ? "" : format, args);
    va_end(args);
    sentence_store(reply, status, text);
    return status;
}

int
mproc_reply_attempt(const mproc_reply_t *reply)
{
    return reply == NULL ? 0 : reply->attempt;
}

void
mproc__reply_begin_free(mproc_reply_t *reply, apr_pool_t *pool)
{
    memset(reply, 0, sizeof *reply);
    reply->pool = pool;
    reply->attempt = 1;
}

static apr_size_t
reply_size(const mproc_reply_t *reply)
{
    return reply->task == NULL ? reply->said.size
                               : (apr_size_t)reply->task->size;
}

apr_status_t
mproc__reply_end(mproc_reply_t *reply, apr_status_t rv)
{
    char text[SENTENCE_MOST];

    if (rv == reply->status) {
        if (rv != APR_SUCCESS && reply_size(reply) == 0) {
            /* It could not be packed: the library has said why. */
            sentence_store(reply, rv, mproc_error_detail());
        }
    }
    else if (rv != APR_SUCCESS) {
        sentence_store(reply, rv, apr_strerror(rv, text, sizeof text));
    }
    else if (reply_size(reply) == 0) {
        sentence_store(reply, reply->status, mproc_error_detail());
    }
    return reply->status;
}
