/*
 * segment.h: the records in a queue's segment. A header of 8 bytes: type 0-1,
 * size 2-63; then the bytes, padded to 8, or a hold on a box. A segment is
 * zeroed at first, so a header of 0 is the end of what was written.
 */
#ifndef MPROC_SRC_SEGMENT_H
#define MPROC_SRC_SEGMENT_H

#include "arena.h"

enum {
    RECORD_NONE,
    RECORD_BYTES,
    RECORD_BOX,
    RECORD_END /* the rest of the segment is not used */
};
#define RECORD(type, size) ((apr_uint64_t)(size) << 2 | (type))
#define RECORD_TYPE(header) ((unsigned)((header)&3))
#define RECORD_SIZE(header) ((header) >> 2)
#define RECORD_HEADER 8
/* With its header. */
#define RECORD_ROOM(size) (RECORD_HEADER + (((apr_uint64_t)(size) + 7) & ~7ULL))
#define RECORD_BOX_ROOM (RECORD_HEADER + sizeof(mproc__hold_t))

/* Call `each` for every hold that lies in a segment of `room` bytes. */
static inline void
segment_each_hold(char *base, apr_uint64_t room,
                  void (*each)(mproc__hold_t *hold, void *baton), void *baton)
{
    apr_uint64_t at = 0;

    while (at + RECORD_BOX_ROOM <= room) {
        apr_uint64_t header =
            atomic_load((_Atomic apr_uint64_t *)(void *)(base + at));
        if (RECORD_TYPE(header) == RECORD_BOX) {
            each((mproc__hold_t *)(void *)(base + at + RECORD_HEADER), baton);
            at += RECORD_BOX_ROOM;
        }
        else if (RECORD_TYPE(header) == RECORD_BYTES &&
                 RECORD_SIZE(header) < room) {
            at += RECORD_ROOM(RECORD_SIZE(header));
        }
        else {
            return;
        }
    }
}

#endif
