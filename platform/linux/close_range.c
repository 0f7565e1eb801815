/*
 * close_range.c: have exec close all descriptors that are not inherited.
 *
 * One system call since Linux 5.11; before, and where a container's filter
 * forbids it, the kernel's own list is read. It runs between clone and exec:
 * no allocation, no directory streams.
 */
#define _GNU_SOURCE 1

#include "posix/spawn_child.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix/descriptor.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

#define FIRST (STDERR_FILENO + 1)

/* As the kernel writes it. */
typedef struct entry_t {
    unsigned long long inode;
    long long next;
    unsigned short length;
    unsigned char type;
    char name[];
} entry_t;

static int
entry_number(const char *name)
{
    int number = 0;

    for (; *name >= '0' && *name <= '9'; name++) {
        number = number * 10 + (*name - '0');
    }
    return *name == '\0' ? number : -1;
}

/* Marking changes no entry, so the list may be read in parts. */
static int
list_mark(int list)
{
    _Alignas(entry_t) char buffer[2048];

    for (;;) {
        long size = syscall(SYS_getdents64, list, buffer, sizeof buffer);
        if (size <= 0) {
            return size == 0 ? 0 : -1;
        }
        for (long at = 0; at < size;) {
            unsigned short length;
            memcpy(&length, buffer + at + offsetof(entry_t, length),
                   sizeof length);
            int number = entry_number(buffer + at + offsetof(entry_t, name));
            if (number >= FIRST) {
                (void)mproc__fd_cloexec(number, 1);
            }
            at += length;
        }
    }
}

int
mproc__spawn_child_close(const mproc__spawn_child_t *child)
{
    (void)child;
    if (syscall(SYS_close_range, (unsigned)FIRST, ~0U, CLOSE_RANGE_CLOEXEC) ==
        0) {
        return 0;
    }
    int list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list >= 0) {
        int rv = list_mark(list);
        close(list);
        if (rv == 0) {
            return 0;
        }
    }
    struct rlimit limit;
    int last = 65536;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < (rlim_t)last) {
        last = (int)limit.rlim_cur;
    }
    for (int number = FIRST; number < last; number++) {
        (void)mproc__fd_cloexec(number, 1);
    }
    return 0;
}
