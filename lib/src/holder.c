/*
 * holder.c: the holds that lie inside of blocks, by the block's kind.
 */
#include "layout.h"

#include "segment.h"

static void
hold_drop(mproc__hold_t *hold, void *thread)
{
    mproc__block_release(thread, hold);
}

int
mproc__kind_is_holder(mproc_kind_e kind)
{
    switch (kind) {
    case MPROC_KIND_PROCESS:
    case MPROC_KIND_JOB:
    case MPROC_KIND_CONDITION:
    case MPROC_KIND_VALUE:
    case MPROC_KIND_ARRAY:
    case MPROC_KIND_QUEUE:
    case MPROC_KIND_ITEM:
    case MPROC_KIND_FLIGHT:
    case MPROC_KIND_CONNECTION:
    case MPROC_KIND_DICT:
    case MPROC_KIND_LIST:
    case MPROC_KIND_NAMESPACE:
    case MPROC_KIND_SET:
    case MPROC_KIND_STORE:
    case MPROC_KIND_BOXES:
    case MPROC_KIND_PROXY:
    case MPROC_KIND_SERVED:
        return 1;
    default:
        return 0;
    }
}

void
mproc__holds_drop(mproc__thread_t *thread, mproc_kind_e kind, void *payload,
                  apr_uint64_t room)
{
    mproc__holder_t *holder = payload;
    apr_uint64_t most = (room - sizeof *holder) / sizeof(mproc__hold_t), i;

    if (mproc__kind_is_holder(kind)) {
        /* Never beyond the block, whatever a stray write made of it. */
        for (i = 0; i < holder->count && i < most; i++) {
            mproc__block_release(thread, &holder->hold[i]);
        }
    }
    else if (kind == MPROC_KIND_SEGMENT) {
        segment_each_hold(payload, room, hold_drop, thread);
    }
}
