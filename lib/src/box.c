/*
 * box.c: an item of a queue in a block of its own: a holder of what the bytes
 * name, then how many bytes there are, and who made or took it last; then the
 * bytes.
 */
#include "ring.h"

#include <string.h>

#include <mproc/error.h>

#include "error.h"
#include "layout.h"

typedef struct box_note_t {
    apr_uint64_t peer; /* a process that has it, and */
    apr_uint64_t hold; /* the offset of its hold */
    apr_uint64_t size;
    apr_uint64_t unused;
} box_note_t;

_Static_assert(sizeof(box_note_t) % 16 == 0, "what is behind it is aligned");

/* Where the bytes begin in a box with so many holds. */
static apr_uint64_t
box_data(apr_uint32_t holds)
{
    return (sizeof(mproc__holder_t) + holds * sizeof(mproc__hold_t) +
            sizeof(box_note_t) + 15) /
           16 * 16;
}

static box_note_t *
box_note(mproc__handle_t handle)
{
    mproc__holder_t *holder = mproc__arena_at(handle);

    return (box_note_t *)(void *)((char *)holder + box_data(holder->count)) - 1;
}

apr_status_t
mproc__box_make(mproc__hold_t *hold, apr_uint64_t size,
                const apr_array_header_t *objects, void **data)
{
    apr_uint32_t count = objects == NULL ? 0 : (apr_uint32_t)objects->nelts, i;
    mproc__holder_t *holder;
    apr_status_t rv;

    if (size > MPROC__BLOCK_MAX) {
        return mproc__fail(MPROC_ETOOBIG,
                           "an item of %" APR_UINT64_T_FMT
                           " bytes does not fit into a queue, which takes "
                           "%" APR_UINT64_T_FMT " at most; send it in pieces",
                           size, MPROC__BLOCK_MAX);
    }
    rv = mproc__arena_alloc(hold, box_data(count) + size, MPROC_KIND_ITEM);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    holder = mproc__arena_at(mproc__hold_handle(hold));
    memset((void *)holder->hold, 0, count * sizeof holder->hold[0]);
    holder->count = count;
    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = mproc__arena_hold(&holder->hold[i],
                               ((const mproc__handle_t *)objects->elts)[i]);
    }
    if (rv != APR_SUCCESS) {
        mproc__arena_release(hold);
        return rv;
    }
    box_note(mproc__hold_handle(hold))->size = size;
    mproc__box_note(hold);
    *data = box_note(mproc__hold_handle(hold)) + 1;
    return APR_SUCCESS;
}

mproc_bytes_t
mproc__box_bytes(mproc__handle_t handle)
{
    box_note_t *note = box_note(handle);
    mproc_bytes_t bytes = {note + 1, (apr_size_t)note->size};

    return bytes;
}

int
mproc__box_names(mproc__handle_t handle)
{
    const mproc__holder_t *holder = mproc__arena_at(handle);

    return holder != NULL && holder->count > 0;
}

void
mproc__box_note(mproc__hold_t *hold)
{
    box_note_t *note = box_note(mproc__hold_handle(hold));

    note->peer = mproc__peer_self();
    note->hold = mproc__arena_offset(hold);
}

mproc__hold_t *
mproc__box_hold(const void *data)
{
    const box_note_t *note;
    mproc__hold_t *hold;

    if (data == NULL) {
        return NULL;
    }
    note = (const box_note_t *)data - 1;
    /* Another's is not ours, though we can reach it: a forked child has its
     * parent's pointers. */
    if ((apr_uint64_t)data % 16 != 0 ||
        !mproc__arena_contains(note, sizeof *note) ||
        note->peer != mproc__peer_self() || note->hold % sizeof *hold != 0) {
        return NULL;
    }
    hold = mproc__arena_address(note->hold);
    if (note->hold > mproc__arena.map.size - sizeof *hold ||
        mproc__arena_kind(mproc__hold_handle(hold)) != MPROC_KIND_ITEM ||
        box_note(mproc__hold_handle(hold)) != note) {
        return NULL;
    }
    return hold;
}
