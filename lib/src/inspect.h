/*
 * inspect.h: how a picture of a tree is made.
 *
 * Private to the files inspect*.c. The arena is read through a source, so its
 * own and another process's are one thing; every word is copied once and
 * looked at in the copy. Nothing that is read is trusted: an index is
 * compared with what it is to lie in, a list has an end of its own.
 */
#ifndef MPROC_SRC_INSPECT_H
#define MPROC_SRC_INSPECT_H

#include <mproc/inspect.h>

#include "../../platform/plat_peek.h"
#include "layout.h"
#include "peers.h"
#include "record.h"

/* Where an arena is read from. */
typedef struct mproc__source_t {
    /* Copy `size` bytes; APR_SUCCESS or a status. */
    apr_status_t (*read)(const struct mproc__source_t *source,
                         apr_uint64_t offset, void *to, apr_size_t size);
    void *baton;
    mproc_plat_peek_t peek;
    const mproc_plat_map_t *life; /* for proofs of life; NULL: all live */
    apr_uint64_t size;
    apr_int64_t pid;
} mproc__source_t;

/* Who holds, as the words say it. */
typedef struct mproc__raw_holder_t {
    apr_uint64_t actor; /* or a peer */
    int by_thread;
    int count;
} mproc__raw_holder_t;

/* What was found of an object; the i-th of these is the i-th of the
 * picture's. In the order of their offsets. */
typedef struct mproc__raw_t {
    apr_uint64_t offset, room; /* payload */
    apr_uint64_t handle;
    apr_uint64_t lock;           /* handle, or 0 */
    mproc__record_t *record;     /* NULL: it is none */
    apr_uint64_t record_at;      /* within the payload */
    apr_array_header_t *holders; /* of mproc__raw_holder_t; NULL: none */
} mproc__raw_t;

/* What a thread waits for, for finding deadlocks. */
typedef struct mproc__edge_t {
    apr_uint32_t entry;
    apr_uint32_t waiting; /* as it was */
    apr_uint64_t word;    /* that it waits on */
    int object;           /* -1: nothing that has an owner */
    int holder;           /* thread; -1: see the object's holders */
    int stuck;
} mproc__edge_t;

typedef struct mproc__inspection_t {
    const mproc__source_t *source;
    apr_pool_t *pool; /* of the picture */
    apr_pool_t *work; /* goes when it is done */
    mproc__layout_t at;
    apr_uint64_t regions, peers_high, threads_high;
    mproc__thread_t *entry;            /* copies */
    mproc__peer_entry_t *peer;         /* copies */
    apr_array_header_t *raw;           /* mproc__raw_t */
    apr_array_header_t *object;        /* mproc_inspect_object_t */
    mproc_inspect_process_t **by_slot; /* NULL: not in the picture */
    mproc_inspect_process_t *process;
    int *by_entry; /* a thread's index, or -1 */
    mproc_inspect_thread_t *thread;
    mproc__edge_t *edge; /* one a thread */
    mproc_inspect_t *picture;
} mproc__inspection_t;

#define MPROC__RAW(inspection, i)                                              \
    (&APR_ARRAY_IDX((inspection)->raw, (i), mproc__raw_t))
#define MPROC__OBJECT(inspection, i)                                           \
    (&APR_ARRAY_IDX((inspection)->object, (i), mproc_inspect_object_t))

/* ----------------------------------------------------------- inspect.c */

/* Take a picture of what a source shows. */
apr_status_t mproc__inspect_source(mproc_inspect_t **picture,
                                   const mproc__source_t *source,
                                   apr_pool_t *pool);

/* The calling process's own arena; it is attached. */
void mproc__source_own(mproc__source_t *source);

apr_status_t mproc__source_read(const mproc__source_t *source,
                                apr_uint64_t offset, void *to, apr_size_t size);

/* ------------------------------------------------------ inspect_walk.c */

/* Read and check the header. MPROC_EFORMAT when it makes no sense. */
apr_status_t mproc__inspect_header(mproc__inspection_t *inspection);

/* Read the table of threads, as it is now. */
apr_status_t mproc__inspect_entries(mproc__inspection_t *inspection,
                                    mproc__thread_t **entry);

/* As mproc_inspect_name(), of an arena whose blocks begin at `data`. */
void mproc__inspect_name(char *buffer, apr_size_t size, mproc_kind_e kind,
                         apr_uint64_t handle, apr_uint64_t data);

/* Find all objects, and count all blocks. */
apr_status_t mproc__inspect_blocks(mproc__inspection_t *inspection);

/* The offset of the payload of the live block that a handle names, of a
 * kind; 0 when there is none. */
apr_uint64_t mproc__inspect_block(mproc__inspection_t *inspection,
                                  apr_uint64_t handle, mproc_kind_e kind);

/* The object that a word lies in, -1: none; and that a handle names. */
int mproc__inspect_object_at(const mproc__inspection_t *inspection,
                             apr_uint64_t offset);
int mproc__inspect_object_of(const mproc__inspection_t *inspection,
                             apr_uint64_t handle);

/* ----------------------------------------------------- inspect_kinds.c */

/* Read what is special of a kind. 0: it makes no sense. */
int mproc__inspect_kind(mproc__inspection_t *inspection,
                        mproc_inspect_object_t *object, mproc__raw_t *raw);

/* The call of a thread that waits on a word of an object; `object` -1: it is
 * not known. */
const char *mproc__inspect_call(const mproc__inspection_t *inspection,
                                int object, apr_uint64_t word);

/* Copy the beginning of an object's payload; 0 when it is not that long. */
int mproc__inspect_payload(const mproc__inspection_t *inspection,
                           const mproc__raw_t *raw, void *to, apr_size_t size);

/* One more process has it. */
void mproc__inspect_holder(mproc__inspection_t *inspection, mproc__raw_t *raw,
                           mproc__peer_t peer);

/* When its holders are known: say what state it is in. */
void mproc__inspect_tell(mproc__inspection_t *inspection,
                         mproc_inspect_object_t *object);

/* ------------------------------------------------------ inspect_pool.c */

/* The two for pools. */
int mproc__inspect_pool(mproc__inspection_t *inspection,
                        mproc_inspect_object_t *object, mproc__raw_t *raw);
void mproc__inspect_pool_tell(mproc__inspection_t *inspection,
                              mproc_inspect_object_t *object);

/* ---------------------------------------------------- inspect_people.c */

/* Processes and threads. */
apr_status_t mproc__inspect_people(mproc__inspection_t *inspection);

/* The process that a peer is; NULL: it is not in the picture. */
mproc_inspect_process_t *mproc__inspect_process_of(
    const mproc__inspection_t *inspection, mproc__peer_t peer);

/* ------------------------------------------------------ inspect_ties.c */

/* Who holds, who waits, and which waits may be a part of a deadlock. */
apr_status_t mproc__inspect_ties(mproc__inspection_t *inspection);

/* -------------------------------------------------- inspect_deadlock.c */

apr_status_t mproc__inspect_deadlocks(mproc__inspection_t *inspection);

/* ------------------------------------------------------ inspect_text.c */

/* A text that grows. */
typedef struct mproc__text_t {
    char *data; /* NULL: memory is short */
    apr_size_t size, room;
    apr_pool_t *pool;
} mproc__text_t;

void mproc__text_begin(mproc__text_t *text, apr_pool_t *pool);
void mproc__text_add(mproc__text_t *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Give it to the caller: APR_SUCCESS or APR_ENOMEM. */
apr_status_t mproc__text_end(mproc__text_t *text, char **out);

#endif
