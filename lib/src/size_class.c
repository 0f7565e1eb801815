/*
 * size_class.c: which sizes of blocks there are. Small ones share a chunk,
 * with an eighth lost at most from one class to the next beyond the smallest;
 * larger ones are spans of 1 to 9 chunks, then four sizes a doubling.
 */
#include "chunk.h"

/* Small classes, in units of 64 bytes, the header included. */
static const apr_uint16_t small_units[] = {1,  2,   3,   4,   6,   8,   10, 12,
                                           16, 20,  24,  32,  40,  48,  64, 80,
                                           96, 128, 170, 204, 256, 341, 512};
#define SMALL (sizeof small_units / sizeof *small_units)

int
mproc__class_is_span(unsigned index)
{
    return index > SMALL;
}

/* Spans: 1 to 8 chunks, then four sizes a doubling. */
apr_uint64_t
mproc__class_chunks(unsigned index)
{
    unsigned i = index - SMALL - 1;
    apr_uint64_t base;
    if (!mproc__class_is_span(index)) {
        return 1;
    }
    if (i < 9) {
        return i + 1;
    }
    /* One more than a round number, for the header: sizes are often round. */
    base = (apr_uint64_t)8 << (i - 9) / 4;
    return base + base / 4 * ((i - 9) % 4 + 1) + 1;
}

apr_uint64_t
mproc__class_size(unsigned index)
{
    return mproc__class_is_span(index)
               ? mproc__class_chunks(index) * MPROC__CHUNK
               : (apr_uint64_t)small_units[index - 1] * MPROC__UNIT;
}

unsigned
mproc__class_blocks(unsigned index)
{
    return mproc__class_is_span(index)
               ? 1
               : (unsigned)(MPROC__CHUNK / mproc__class_size(index));
}

apr_uint64_t
mproc__class_bits(unsigned index, unsigned word)
{
    unsigned blocks = mproc__class_blocks(index);
    unsigned left = blocks > word * 64 ? blocks - word * 64 : 0;
    return left >= 64 ? ~APR_UINT64_C(0) : ((apr_uint64_t)1 << left) - 1;
}

unsigned
mproc__class_for(apr_uint64_t bytes)
{
    unsigned low = 1, high = MPROC__CLASSES - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (mproc__class_size(middle) < bytes) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}
