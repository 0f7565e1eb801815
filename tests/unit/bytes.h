/* bytes.h: bytes written as a literal, for the tests of packing. */
#ifndef MPROC_TESTS_BYTES_H
#define MPROC_TESTS_BYTES_H

#include "test.h"

static inline mproc_bytes_t
bytes_of(const void *data, apr_size_t size)
{
    mproc_bytes_t bytes;

    bytes.data = data;
    bytes.size = size;
    return bytes;
}

#define BYTES(literal) bytes_of((literal), sizeof(literal) - 1)

#endif
