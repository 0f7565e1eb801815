/*
 * nameless.h: a file of shared memory that gets its name when it is done.
 */
#ifndef MPROC_PLATFORM_POSIX_NAMELESS_H
#define MPROC_PLATFORM_POSIX_NAMELESS_H

/* An empty file without a name, where shm_open() would have put it; a
 * private descriptor, or -1 where the system has no such thing. */
int mproc__nameless_open(void);

/* Give it the name that shm_open("/NAME") finds. 0, or -1 with errno set:
 * EEXIST; ENOSYS where the system cannot. */
int mproc__nameless_link(int fd, const char *name);

#endif
