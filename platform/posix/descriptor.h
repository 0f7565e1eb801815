/*
 * descriptor.h: small things with descriptors that both Unix back ends need.
 */
#ifndef MPROC_PLATFORM_POSIX_DESCRIPTOR_H
#define MPROC_PLATFORM_POSIX_DESCRIPTOR_H

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_time.h>

/* Not inherited by exec, and never one of the standard streams: those are
 * replaced in children. Takes over `fd`; returns the descriptor to use, or -1
 * with errno set and `fd` closed. */
int mproc__fd_private(int fd);

/* Set or clear close-on-exec; 0, or -1 with errno set. Async-signal-safe. */
int mproc__fd_cloexec(int fd, int on);

/* What a descriptor stands for, and whether it still does: the host may have
 * closed it and used the number again. */
void mproc__fd_identify(apr_uint64_t identity[2], int fd);
int mproc__fd_is(int fd, const apr_uint64_t identity[2]);

/* A pipe of private descriptors; 0, or -1 with errno set and both -1. */
int mproc__fd_pipe(int end[2]);

/* Milliseconds from now to a deadline, rounded up, as poll() wants them. */
int mproc__fd_timeout(apr_time_t deadline);

/* Wait until poll() has something to say: APR_SUCCESS or APR_TIMEUP. */
apr_status_t mproc__fd_wait(int fd, short events, apr_time_t deadline);

/* The descriptors behind three streams; -1 for "as now". *null receives a
 * descriptor of the null device when stdin is to be that, else -1. */
apr_status_t mproc__fd_streams(int source[3], int *null,
                               apr_file_t *const stream[3]);

/* Put three descriptors at 0, 1 and 2, in whatever order they lie; -1 leaves
 * one alone. 0, or -1 with errno set. Async-signal-safe. */
int mproc__fd_arrange(int source[3]);

#endif
