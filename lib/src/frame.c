/* frame.c: what stands before a message on a stream. */
#include "frame.h"

#include <mproc/error.h>

#define SHORT_MOST 0x7fffffffU
#define LONG_MARK 0xffffffffU

static apr_uint64_t
number_read(const unsigned char *at, int count)
{
    apr_uint64_t number = 0;

    while (count-- > 0) {
        number = number << 8 | *at++;
    }
    return number;
}

static void
number_write(unsigned char *at, int count, apr_uint64_t number)
{
    while (count-- > 0) {
        at[count] = (unsigned char)number;
        number >>= 8;
    }
}

apr_size_t
mproc__frame_write(unsigned char head[MPROC__FRAME_LONG], apr_uint64_t size)
{
    if (size <= SHORT_MOST) {
        number_write(head, MPROC__FRAME_SHORT, size);
        return MPROC__FRAME_SHORT;
    }
    number_write(head, MPROC__FRAME_SHORT, LONG_MARK);
    number_write(head + MPROC__FRAME_SHORT, 8, size);
    return MPROC__FRAME_LONG;
}

apr_size_t
mproc__frame_length(const unsigned char *head, apr_size_t got)
{
    return got >= MPROC__FRAME_SHORT &&
                   number_read(head, MPROC__FRAME_SHORT) == LONG_MARK
               ? MPROC__FRAME_LONG
               : MPROC__FRAME_SHORT;
}

apr_status_t
mproc__frame_read(const unsigned char *head, apr_uint64_t *size)
{
    *size = number_read(head, MPROC__FRAME_SHORT);
    if (*size == LONG_MARK) {
        *size = number_read(head + MPROC__FRAME_SHORT, 8);
        return APR_SUCCESS;
    }
    return *size <= SHORT_MOST ? APR_SUCCESS : MPROC_EFORMAT;
}
