/* census.c: what the process tree's shared memory is used for, counted. */
#include <mproc/census.h>

#include <mproc/error.h>

#include "error.h"
#include "layout.h"
#include "peers.h"
#include "words.h"

static void
census_block(mproc__block_t *block, apr_uint64_t bytes, void *baton)
{
    mproc_census_t *census = baton;
    apr_uint64_t word = atomic_load(&block->word);
    if (BLOCK_STATE(word) == BLOCK_LIVE) {
        mproc_kind_e kind = BLOCK_KIND(word);
        census->total.blocks++;
        census->total.bytes += bytes;
        if (kind < MPROC_KIND_COUNT) {
            census->kind[kind].blocks++;
            census->kind[kind].bytes += bytes;
        }
    }
}

apr_status_t
mproc_census(mproc_census_t *census)
{
    mproc__header_t *header;
    apr_status_t rv;
    apr_uint64_t i;

    if (census == NULL) {
        return mproc__fail(APR_EINVAL, "mproc_census: census is NULL; pass "
                                       "where the figures go");
    }
    *census = (mproc_census_t){0};
    rv = mproc__peers_attach();
    if (rv != APR_SUCCESS) {
        return rv;
    }
    header = mproc__arena.header;
    census->size = mproc__arena.map.size;
    census->committed = mproc__chunk_committed();
    census->rescues = atomic_load(&header->rescues);
    for (i = 0; i < atomic_load(&header->peers_high); i++) {
        census->peers += mproc__peer_entry_used(&mproc__arena.peer[i]);
    }
    for (i = 0; i < atomic_load(&header->threads_high); i++) {
        census->threads += mproc__thread_used(&mproc__arena.thread[i]);
    }
    mproc__chunk_walk(census_block, census);
    return APR_SUCCESS;
}

const char *
mproc_kind_name(mproc_kind_e kind)
{
    static const char *const name[MPROC_KIND_COUNT] = {
        "none",           "bytes",      "hold",    "process",  "lock",
        "event",          "value",      "pool",    "job",      "rlock",
        "semaphore",      "condition",  "barrier", "array",    "shm",
        "shareable list", "queue",      "segment", "item",     "tally",
        "flight",         "connection", "stream",  "listener", "dict",
        "list",           "namespace",  "store",   "cells",    "boxes",
        "manager",        "proxy",      "served",  "set"};
    return (unsigned)kind < MPROC_KIND_COUNT ? name[kind] : "unknown";
}
