/*
 * close_poll.c: have exec close all descriptors that are not inherited.
 *
 * POSIX has no list of them. poll() tells of many numbers at once which are
 * open, and may be called between fork and exec.
 */
#define _GNU_SOURCE 1

#include "posix/spawn_child.h"

#include <poll.h>
#include <unistd.h>

#include "posix/descriptor.h"

#define FIRST (STDERR_FILENO + 1)
#define BATCH 256
/* Where the system sets no limit. */
#define LAST 65536

int
mproc__spawn_child_close(const mproc__spawn_child_t *child)
{
    struct pollfd items[BATCH];
    long limit = sysconf(_SC_OPEN_MAX);
    int last = limit > 0 && limit < 1 << 30 ? (int)limit : LAST;

    (void)child;
    for (int from = FIRST; from < last; from += BATCH) {
        int count = last - from < BATCH ? last - from : BATCH;
        for (int i = 0; i < count; i++) {
            items[i] = (struct pollfd){.fd = from + i};
        }
        int rv = poll(items, (nfds_t)count, 0);
        for (int i = 0; i < count; i++) {
            /* Looked at in vain, when poll() itself failed, does no harm. */
            if (rv < 0 || (items[i].revents & POLLNVAL) == 0) {
                (void)mproc__fd_cloexec(from + i, 1);
            }
        }
    }
    return 0;
}
