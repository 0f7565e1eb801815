/*
 * record.c: what a process and its parent know of each other.
 *
 * In the block: the holds on the objects that the arguments name, the
 * record, and behind it what has no fixed size. The reader is as new as the
 * writer, but for a child whose program was exchanged meanwhile: so the
 * struct's size is looked at, and the target's module proves the rest.
 */
#include "record.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"

/* The first hold is for a fork; those of the arguments follow. */
#define KEEP 0

#define ROUND16(size) (((size) + 15) & ~(apr_uint64_t)15)

apr_uint64_t
mproc__record_offset(apr_uint32_t holds)
{
    return ROUND16(sizeof(mproc__holder_t) +
                   (apr_uint64_t)holds * sizeof(mproc__hold_t));
}

static apr_uint64_t
environment_size(const char *const *environment, apr_uint32_t *count)
{
    apr_uint64_t size = 0;

    *count = 0;
    for (; environment != NULL && *environment != NULL; environment++) {
        size += strlen(*environment) + 1;
        ++*count;
    }
    return size;
}

/* Copy bytes behind the record; returns their offset. */
static apr_uint64_t
record_append(mproc__record_t *record, apr_uint64_t *end, const void *data,
              apr_size_t size)
{
    apr_uint64_t at = *end;

    if (size > 0) {
        memcpy((char *)record + at, data, size);
    }
    *end = at + size;
    return at;
}

static void
record_fill(mproc__record_t *record, const mproc__record_plan_t *plan)
{
    apr_uint64_t end = ROUND16(sizeof *record);

    record->magic = MPROC__RECORD_MAGIC;
    record->size = (apr_uint32_t)sizeof *record;
    record->args_size = plan->args.size;
    record->args =
        record_append(record, &end, plan->args.data, plan->args.size);
    if (plan->directory != NULL) {
        record->directory = record_append(record, &end, plan->directory,
                                          strlen(plan->directory) + 1);
    }
    if (plan->environment != NULL) {
        record->environment = end;
        for (const char *const *text = plan->environment; *text != NULL;
             text++) {
            record_append(record, &end, *text, strlen(*text) + 1);
            record->environment_count++;
        }
    }
}

static apr_status_t
holds_fill(mproc__holder_t *holder, const apr_array_header_t *objects)
{
    for (apr_uint32_t i = KEEP + 1; i < holder->count; i++) {
        apr_status_t rv = mproc__arena_hold(
            &holder->hold[i],
            APR_ARRAY_IDX(objects, (int)i - KEEP - 1, mproc__handle_t));
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t
mproc__record_make(mproc__record_t **record, mproc__hold_t *hold,
                   const mproc__record_plan_t *plan)
{
    apr_uint32_t count;
    apr_uint32_t holds =
        KEEP + 1 +
        (plan->objects != NULL ? (apr_uint32_t)plan->objects->nelts : 0);
    apr_uint64_t size = mproc__record_offset(holds) + ROUND16(sizeof **record) +
                        plan->args.size +
                        environment_size(plan->environment, &count);

    *record = NULL;
    if (plan->directory != NULL) {
        size += strlen(plan->directory) + 1;
    }
    apr_status_t rv = mproc__arena_alloc(hold, size, MPROC_KIND_PROCESS);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mproc__holder_t *holder = mproc__arena_at(mproc__hold_handle(hold));
    holder->count = holds;
    rv = holds_fill(holder, plan->objects);
    if (rv != APR_SUCCESS) {
        mproc__arena_release(hold);
        return rv;
    }
    *record = (mproc__record_t *)((char *)holder + mproc__record_offset(holds));
    record_fill(*record, plan);
    return APR_SUCCESS;
}

mproc__hold_t *
mproc__record_keep(mproc__handle_t handle)
{
    mproc__holder_t *holder = mproc__arena_at(handle);

    return &holder->hold[KEEP];
}

int
mproc__record_passes(mproc__handle_t handle, mproc_kind_e kind)
{
    mproc__holder_t *holder = mproc__arena_at(handle);

    for (apr_uint32_t i = KEEP + 1; holder != NULL && i < holder->count; i++) {
        if (mproc__arena_kind(mproc__hold_handle(&holder->hold[i])) == kind) {
            return 1;
        }
    }
    return 0;
}

void
mproc__record_forget(mproc__handle_t handle)
{
    mproc__holder_t *holder = mproc__arena_at(handle);

    for (apr_uint32_t i = KEEP + 1; holder != NULL && i < holder->count; i++) {
        mproc__arena_release(&holder->hold[i]);
    }
}

mproc__record_t *
mproc__record_at(mproc__handle_t handle)
{
    if (mproc__arena_kind(handle) != MPROC_KIND_PROCESS) {
        return NULL;
    }
    apr_uint64_t room = mproc__arena_room(handle);
    mproc__holder_t *holder = mproc__arena_at(handle);
    if (holder == NULL || room < sizeof *holder) {
        return NULL;
    }
    apr_uint64_t offset = mproc__record_offset(holder->count);
    if (offset > room || room - offset < sizeof(mproc__record_t)) {
        return NULL;
    }
    mproc__record_t *record = (mproc__record_t *)((char *)holder + offset);
    if (record->magic != MPROC__RECORD_MAGIC ||
        record->size != sizeof *record) {
        return NULL;
    }
    return record;
}

mproc_bytes_t
mproc__record_args(mproc__record_t *record)
{
    mproc_bytes_t args = {NULL, record->args_size};

    if (args.size > 0) {
        args.data = (char *)record + record->args;
    }
    return args;
}

const char *
mproc__record_directory(mproc__record_t *record)
{
    return record->directory != 0 ? (char *)record + record->directory : NULL;
}

apr_status_t
mproc__record_environment(const char ***environment, mproc__record_t *record,
                          apr_pool_t *pool)
{
    *environment = NULL;
    if (record->environment == 0) {
        return APR_SUCCESS;
    }
    const char **texts =
        apr_palloc(pool, sizeof *texts * (record->environment_count + 1));
    if (texts == NULL) {
        return APR_ENOMEM;
    }
    const char *text = (char *)record + record->environment;
    for (apr_uint32_t i = 0; i < record->environment_count; i++) {
        texts[i] = text;
        text += strlen(text) + 1;
    }
    texts[record->environment_count] = NULL;
    *environment = texts;
    return APR_SUCCESS;
}
