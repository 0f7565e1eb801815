/*
 * inspect.c: a picture of a tree, from its shared memory alone.
 *
 * Threads are read first, then objects, then processes: so a thread or a
 * holder whose process is not found has ended, and is not one that came
 * later. Then what was read as words is tied together.
 */
#include "inspect.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "error.h"
#include "object.h"
#include "words.h"

/* ----------------------------------------------------------------- sources */

_Static_assert(sizeof(mproc__record_t) % sizeof(apr_uint64_t) == 0 &&
                   sizeof(mproc__header_t) % sizeof(apr_uint64_t) == 0,
               "what is copied is words");

/* Others write meanwhile, not all of it by atomics: what is torn is found
 * out by those who look at the copy. */
__attribute__((no_sanitize("thread"))) static void
words_copy(char *to, const volatile apr_uint64_t *from, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        apr_uint64_t word = from[i];
        memcpy(to + i * sizeof word, &word, sizeof word);
    }
}

static apr_status_t
own_read(const mproc__source_t *source, apr_uint64_t offset, void *to,
         apr_size_t size)
{
    (void)source;
    words_copy(to, mproc__arena_address(offset), size / sizeof(apr_uint64_t));
    return APR_SUCCESS;
}

static apr_status_t
peek_read(const mproc__source_t *source, apr_uint64_t offset, void *to,
          apr_size_t size)
{
    return mproc_plat_peek_read(&source->peek, offset, to, size);
}

void
mproc__source_own(mproc__source_t *source)
{
    *source = (mproc__source_t){.read = own_read,
                                .life = &mproc__arena.map,
                                .size = mproc__arena.map.size,
                                .pid = mproc_plat_pid()};
}

/* pre: offset and size are multiples of a word. */
apr_status_t
mproc__source_read(const mproc__source_t *source, apr_uint64_t offset, void *to,
                   apr_size_t size)
{
    if (offset > source->size || size > source->size - offset) {
        return MPROC_EFORMAT;
    }
    return source->read(source, offset, to, size);
}

/* ------------------------------------------------------------- one picture */

static void
picture_publish(mproc__inspection_t *inspection)
{
    mproc_inspect_t *picture = inspection->picture;

    picture->processes = inspection->process;
    picture->threads = inspection->thread;
    picture->object_count = inspection->object->nelts;
    picture->objects = (const mproc_inspect_object_t *)inspection->object->elts;
    picture->taken = mproc_plat_clock();
}

static apr_status_t
picture_make(mproc__inspection_t *inspection)
{
    apr_status_t rv = mproc__inspect_header(inspection);

    if (rv == APR_SUCCESS) {
        rv = mproc__inspect_entries(inspection, &inspection->entry);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__inspect_blocks(inspection);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__inspect_people(inspection);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc__inspect_ties(inspection);
    }
    if (rv == APR_SUCCESS) {
        picture_publish(inspection);
        rv = mproc__inspect_deadlocks(inspection);
    }
    return rv;
}

apr_status_t
mproc__inspect_source(mproc_inspect_t **picture, const mproc__source_t *source,
                      apr_pool_t *pool)
{
    mproc__inspection_t inspection = {.source = source, .pool = pool};

    *picture = NULL;
    apr_status_t rv = apr_pool_create(&inspection.work, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    inspection.raw = apr_array_make(inspection.work, 64, sizeof(mproc__raw_t));
    inspection.object =
        apr_array_make(pool, 64, sizeof(mproc_inspect_object_t));
    inspection.picture = apr_pcalloc(pool, sizeof *inspection.picture);
    inspection.picture->pid = source->pid;
    rv = picture_make(&inspection);
    if (rv == APR_SUCCESS) {
        *picture = inspection.picture;
    }
    apr_pool_destroy(inspection.work);
    return rv;
}

/* ------------------------------------------------------------------ public */

/* Whether a process is attached to our own tree, as the table has it. */
static int
pid_is_ours(apr_int64_t pid)
{
    apr_uint64_t high, slot;

    if (pid == 0 || pid == mproc_plat_pid()) {
        return 1;
    }
    if (mproc__arena.header == NULL) {
        return 0;
    }
    high = atomic_load(&mproc__arena.header->peers_high);
    for (slot = 0; slot < high; slot++) {
        apr_uint64_t state = atomic_load(&mproc__arena.peer[slot].state);
        if (PEER_STATE(state) == PEER_LIVE && PEER_PID(state) == pid) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t
peek_failed(apr_status_t rv, apr_int64_t pid)
{
    char text[128];

    if (rv == APR_EPROC_UNKNOWN) {
        return mproc__fail(rv, "there is no process %ld", (long)pid);
    }
    if (rv == APR_NOTFOUND) {
        return mproc__fail(rv,
                           "process %ld uses no mproc, or has not used it yet; "
                           "give the pid of a process that shares an object",
                           (long)pid);
    }
    if (rv == APR_ENOTIMPL) {
        return mproc__fail(rv, "this system shows no other process's memory: "
                               "it has no /proc");
    }
    if (APR_STATUS_IS_EACCES(rv)) {
        return mproc__fail(rv,
                           "process %ld may not be looked at; do it as the "
                           "user that runs it",
                           (long)pid);
    }
    return mproc__fail(rv, "process %ld cannot be looked at: %s", (long)pid,
                       apr_strerror(rv, text, sizeof text));
}

/* Find out where to read from. */
static apr_status_t
source_open(mproc__source_t *source, apr_int64_t pid)
{
    apr_status_t rv;

    if (!pid_is_ours(pid)) {
        rv = mproc_plat_peek_open(
            &source->peek, pid, MPROC__MAGIC,
            mproc__arena.header != NULL ? &mproc__arena.map : NULL);
        if (rv != APR_SUCCESS) {
            return peek_failed(rv, pid);
        }
        if (!source->peek.own) {
            source->read = peek_read;
            source->life = &source->peek.map;
            source->size = source->peek.map.size;
            source->pid = pid;
            return APR_SUCCESS;
        }
    }
    rv = mproc__peers_attach();
    if (rv == APR_SUCCESS) {
        mproc__source_own(source);
        source->pid = pid != 0 ? pid : source->pid;
    }
    return rv;
}

apr_status_t
mproc_inspect_take(mproc_inspect_t **picture, apr_int64_t pid, apr_pool_t *pool)
{
    mproc__source_t source = {0};

    if (picture != NULL) {
        *picture = NULL;
    }
    if (picture == NULL || pool == NULL || pid < 0) {
        return mproc__fail(APR_EINVAL, "mproc_inspect_take: %s",
                           picture == NULL
                               ? "picture is NULL; pass where it goes"
                           : pool == NULL ? "the pool is NULL; pass one"
                                          : "no pid is negative");
    }
    apr_status_t rv = source_open(&source, pid);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = mproc__inspect_source(picture, &source, pool);
    if (source.read == peek_read) {
        mproc_plat_peek_close(&source.peek);
    }
    if (rv == MPROC_EFORMAT || rv == APR_EOF) {
        return mproc__fail(MPROC_EFORMAT,
                           "the shared memory of process %ld makes no sense "
                           "here; is its mproc of the same version as this?",
                           (long)source.pid);
    }
    return rv == APR_EPROC_UNKNOWN ? peek_failed(rv, pid) : rv;
}

apr_status_t
mproc_deadlock_find(const mproc_deadlock_t **deadlock, apr_int64_t pid,
                    apr_pool_t *pool)
{
    mproc_inspect_t *picture;

    if (deadlock == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_deadlock_find: deadlock is NULL; "
                                       "pass where it goes");
    }
    *deadlock = NULL;
    apr_status_t rv = mproc_inspect_take(&picture, pid, pool);
    if (rv == APR_SUCCESS && picture->deadlock_count > 0) {
        *deadlock = picture->deadlocks;
    }
    return rv;
}

char *
mproc_inspect_name(char *buffer, apr_size_t size, void *object)
{
    mproc_object_t *half = object;

    if (buffer == NULL || size == 0) {
        return buffer;
    }
    buffer[0] = '\0';
    if (mproc__object_usable(half)) {
        mproc__inspect_name(buffer, size, half->ops->kind, half->handle,
                            mproc__arena.data_offset);
    }
    return buffer;
}
