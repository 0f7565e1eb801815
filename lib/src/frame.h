/*
 * frame.h: what stands before a message on a stream: its length, as CPython's
 * multiprocessing has it. Four bytes, big-endian; from 2 GiB on four bytes FF
 * and then eight.
 */
#ifndef MPROC_SRC_FRAME_H
#define MPROC_SRC_FRAME_H

#include <mproc/types.h>

#define MPROC__FRAME_SHORT 4
#define MPROC__FRAME_LONG 12

/* Write the head of a message; returns its length. */
apr_size_t mproc__frame_write(unsigned char head[MPROC__FRAME_LONG],
                              apr_uint64_t size);

/* How many bytes the head has, of which `got` are known. */
apr_size_t mproc__frame_length(const unsigned char *head, apr_size_t got);

/* Read a whole head. MPROC_EFORMAT when it is none. */
apr_status_t mproc__frame_read(const unsigned char *head, apr_uint64_t *size);

#endif
