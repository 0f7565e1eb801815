/*
 * inspect_walk.c: what lies in an arena that is read from outside.
 *
 * The same way as chunk.c and block.c go, by words that may belong to a
 * moment each, or be garbage: a block counts as what it was when its word was
 * the same before and after its payload was read.
 */
#include "inspect.h"

#include <apr_strings.h>

#include <mproc/error.h>

#include "chunk.h"
#include "words.h"

apr_status_t
mproc__inspect_header(mproc__inspection_t *inspection)
{
    mproc_census_t *census = &inspection->picture->census;
    mproc__header_t header;
    apr_uint64_t size = inspection->source->size;
    apr_status_t rv =
        mproc__source_read(inspection->source, 0, &header, sizeof header);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    inspection->at = mproc__arena_layout(size);
    if (header.magic != MPROC__MAGIC || header.layout != MPROC__LAYOUT ||
        header.size != size || inspection->at.data >= size) {
        return MPROC_EFORMAT;
    }
    inspection->regions = atomic_load(&header.regions_open);
    inspection->peers_high = atomic_load(&header.peers_high);
    inspection->threads_high = atomic_load(&header.threads_high);
    if (inspection->regions > (size - inspection->at.data) /
                                  (MPROC__REGION_CHUNKS * MPROC__CHUNK) ||
        inspection->peers_high > MPROC__PEERS ||
        inspection->threads_high > MPROC__THREADS) {
        return MPROC_EFORMAT;
    }
    census->size = size;
    census->rescues = atomic_load(&header.rescues);
    return APR_SUCCESS;
}

/* An entry is aligned to more than a pool gives. */
apr_status_t
mproc__inspect_entries(mproc__inspection_t *inspection, mproc__thread_t **entry)
{
    apr_size_t size = (apr_size_t)inspection->threads_high * sizeof **entry;
    apr_size_t least = _Alignof(mproc__thread_t);
    char *room = apr_palloc(inspection->work, size + least);

    if (room == NULL) {
        return APR_ENOMEM;
    }
    room += (least - (apr_uintptr_t)room % least) % least;
    *entry = (mproc__thread_t *)(void *)room;
    return mproc__source_read(inspection->source, inspection->at.threads, room,
                              size);
}

/* ------------------------------------------------------------------ blocks */

/* Chunks of a class that begin at one, when they can. */
static int
class_fits(const mproc__inspection_t *inspection, apr_uint64_t index,
           apr_uint64_t word)
{
    unsigned class_index = CHUNK_CLASS(word);

    return (CHUNK_STATE(word) == CHUNK_READY ||
            CHUNK_STATE(word) == CHUNK_RETIRING) &&
           (word & CHUNK_COMMITTED) && class_index > 0 &&
           class_index < MPROC__CLASSES &&
           mproc__class_chunks(class_index) <=
               inspection->regions * MPROC__REGION_CHUNKS - index;
}

/* The word of a block, now; 0 when it cannot be read. */
static apr_uint64_t
block_word(const mproc__inspection_t *inspection, apr_uint64_t offset)
{
    apr_uint64_t word;

    return mproc__source_read(inspection->source, offset, &word, sizeof word) ==
                   APR_SUCCESS
               ? word
               : 0;
}

apr_uint64_t
mproc__inspect_block(mproc__inspection_t *inspection, apr_uint64_t handle,
                     mproc_kind_e kind)
{
    apr_uint64_t data = inspection->at.data, word, index, within;
    apr_uint64_t offset = MPROC__PLACE(handle) * MPROC__UNIT;

    if (offset < data) {
        return 0;
    }
    index = (offset - data) / MPROC__CHUNK;
    within = (offset - data) % MPROC__CHUNK;
    if (index >= inspection->regions * MPROC__REGION_CHUNKS ||
        mproc__source_read(
            inspection->source,
            inspection->at.region +
                index / MPROC__REGION_CHUNKS * MPROC__REGION_STRIDE +
                offsetof(mproc__region_t, chunk) +
                index % MPROC__REGION_CHUNKS * sizeof(mproc__chunk_t),
            &word, sizeof word) != APR_SUCCESS ||
        !class_fits(inspection, index, word) ||
        within % mproc__class_size(CHUNK_CLASS(word)) != 0) {
        return 0;
    }
    word = block_word(inspection, offset);
    return BLOCK_STATE(word) == BLOCK_LIVE && BLOCK_KIND(word) == kind &&
                   BLOCK_GENERATION(word) == MPROC__GENERATION(handle)
               ? offset + sizeof(mproc__block_t)
               : 0;
}

/* Whether a block is something of the library's own, that nobody waits for. */
static int
kind_is_inner(mproc_kind_e kind)
{
    return kind == MPROC_KIND_NONE || kind == MPROC_KIND_BYTES ||
           kind == MPROC_KIND_HOLD || kind == MPROC_KIND_JOB;
}

void
mproc__inspect_name(char *buffer, apr_size_t size, mproc_kind_e kind,
                    apr_uint64_t handle, apr_uint64_t data)
{
    apr_snprintf(
        buffer, size, "%s %" APR_UINT64_T_HEX_FMT ".%x", mproc_kind_name(kind),
        MPROC__PLACE(handle) - data / MPROC__UNIT, MPROC__GENERATION(handle));
}

static void
object_see(mproc__inspection_t *inspection, apr_uint64_t offset,
           apr_uint64_t bytes, apr_uint64_t word, apr_uint64_t refs)
{
    mproc_inspect_object_t *object = apr_array_push(inspection->object);
    mproc__raw_t *raw = apr_array_push(inspection->raw);
    char name[64];

    *object = (mproc_inspect_object_t){.kind = BLOCK_KIND(word),
                                       .state = "",
                                       .references = REFS_COUNT(refs),
                                       .bytes = bytes};
    *raw = (mproc__raw_t){
        .offset = offset + sizeof(mproc__block_t),
        .room = bytes - sizeof(mproc__block_t),
        .handle = MPROC__HANDLE(offset / MPROC__UNIT, BLOCK_GENERATION(word))};
    if (!mproc__inspect_kind(inspection, object, raw) ||
        block_word(inspection, offset) != word) {
        (void)apr_array_pop(inspection->object);
        (void)apr_array_pop(inspection->raw);
        return;
    }
    mproc__inspect_name(name, sizeof name, object->kind, raw->handle,
                        inspection->at.data);
    object->name = apr_pstrdup(inspection->pool, name);
}

static void
block_see(mproc__inspection_t *inspection, apr_uint64_t offset,
          apr_uint64_t bytes, const apr_uint64_t *header)
{
    mproc_census_t *census = &inspection->picture->census;
    mproc_kind_e kind = BLOCK_KIND(header[0]);

    if (BLOCK_STATE(header[0]) != BLOCK_LIVE) {
        return;
    }
    census->total.blocks++;
    census->total.bytes += bytes;
    if (kind < MPROC_KIND_COUNT) {
        census->kind[kind].blocks++;
        census->kind[kind].bytes += bytes;
    }
    if (!kind_is_inner(kind)) {
        object_see(inspection, offset, bytes, header[0], header[1]);
    }
}

static apr_status_t
chunk_see(mproc__inspection_t *inspection, apr_uint64_t index,
          apr_uint64_t word, apr_uint64_t *buffer)
{
    unsigned class_index = CHUNK_CLASS(word);
    apr_uint64_t bytes = mproc__class_size(class_index);
    apr_uint64_t offset = inspection->at.data + index * MPROC__CHUNK;
    unsigned blocks = mproc__class_blocks(class_index);
    /* Of a larger block its header is enough. */
    apr_size_t size = blocks > 1 ? MPROC__CHUNK : sizeof(mproc__block_t);
    apr_status_t rv =
        mproc__source_read(inspection->source, offset, buffer, size);

    for (unsigned i = 0; rv == APR_SUCCESS && i < blocks; i++) {
        block_see(inspection, offset + i * bytes, bytes,
                  buffer + i * bytes / sizeof *buffer);
    }
    return rv;
}

apr_status_t
mproc__inspect_blocks(mproc__inspection_t *inspection)
{
    mproc__region_t *region = apr_palloc(inspection->work, sizeof *region);
    apr_uint64_t *buffer = apr_palloc(inspection->work, MPROC__CHUNK);
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t i;

    if (region == NULL || buffer == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0;
         rv == APR_SUCCESS && i < inspection->regions * MPROC__REGION_CHUNKS;
         i++) {
        apr_uint64_t word;
        if (i % MPROC__REGION_CHUNKS == 0) {
            rv = mproc__source_read(inspection->source,
                                    inspection->at.region +
                                        i / MPROC__REGION_CHUNKS *
                                            MPROC__REGION_STRIDE,
                                    region, sizeof *region);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
        word = atomic_load(&region->chunk[i % MPROC__REGION_CHUNKS].word);
        if (word & CHUNK_COMMITTED) {
            inspection->picture->census.committed += MPROC__CHUNK;
        }
        if (class_fits(inspection, i, word)) {
            rv = chunk_see(inspection, i, word, buffer);
        }
    }
    return rv;
}

/* ----------------------------------------------------------------- finding */

int
mproc__inspect_object_at(const mproc__inspection_t *inspection,
                         apr_uint64_t offset)
{
    int low = 0, high = inspection->raw->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;
        const mproc__raw_t *raw = MPROC__RAW(inspection, middle);
        if (offset < raw->offset) {
            high = middle;
        }
        else if (offset - raw->offset < raw->room) {
            return middle;
        }
        else {
            low = middle + 1;
        }
    }
    return -1;
}

int
mproc__inspect_object_of(const mproc__inspection_t *inspection,
                         apr_uint64_t handle)
{
    int index = mproc__inspect_object_at(inspection,
                                         MPROC__PLACE(handle) * MPROC__UNIT +
                                             sizeof(mproc__block_t));

    return index >= 0 && MPROC__RAW(inspection, index)->handle == handle ? index
                                                                         : -1;
}
