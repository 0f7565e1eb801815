/*
 * map_memfd.c: the shared mapping on Linux: a sparse, sealed memfd.
 *
 * It has no name, and depends on no file system that could be full, such as
 * a container's 64 MiB of /dev/shm. The seals keep any process of the tree
 * from cutting it short under the others.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_map.h"

#include <errno.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plat_self.h"
#include "posix/descriptor.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static int
memory_open(void)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    /* Some systems insist on the newer flag, older ones do not know it. */
    int fd = memfd_create("mproc", flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create("mproc", flags);
    }
    return mproc__fd_private(fd);
}

/* More than a limit would not be refused, but bring SIGXFSZ. */
static int
size_allowed(apr_uint64_t size)
{
    struct rlimit limit;

    return size <= (apr_uint64_t)(~(apr_size_t)0 >> 1) &&
           (getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur);
}

/* Address space first: where it lacks, the file has not grown yet. */
static int
size_try(mproc_plat_map_t *map, apr_uint64_t size)
{
    if (!size_allowed(size)) {
        errno = ENOMEM;
        return -1;
    }
    void *base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE, (int)map->handle, 0);
    if (base == MAP_FAILED) {
        return -1;
    }
    if (ftruncate((int)map->handle, (off_t)size) != 0) {
        int error = errno;
        munmap(base, (size_t)size);
        errno = error;
        return -1;
    }
    map->base = base;
    map->size = size;
    mproc__fd_identify(map->identity, (int)map->handle);
    return 0;
}

apr_status_t
mproc_plat_map_create(mproc_plat_map_t *map, apr_uint64_t size,
                      apr_uint64_t least)
{
    apr_status_t rv = APR_ENOMEM;

    memset(map, 0, sizeof *map);
    map->handle = memory_open();
    if (map->handle < 0) {
        return errno;
    }
    for (; size >= least && size > 0; size /= 2) {
        if (size_try(map, size) == 0) {
            /* A kernel without seals does no harm to the well-behaved. */
            (void)fcntl((int)map->handle, F_ADD_SEALS,
                        F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
            return APR_SUCCESS;
        }
        rv = errno == EFBIG || errno == EINVAL || errno == ENOSPC ? APR_ENOMEM
                                                                  : errno;
    }
    close((int)map->handle);
    map->handle = -1;
    return rv;
}

apr_status_t
mproc_plat_map_attach(mproc_plat_map_t *map, apr_int64_t handle,
                      apr_uint64_t size)
{
    memset(map, 0, sizeof *map);
    map->handle = -1;
    if (mproc__fd_cloexec((int)handle, 1) != 0) {
        return errno;
    }
    void *base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE, (int)handle, 0);
    if (base == MAP_FAILED) {
        return errno;
    }
    map->base = base;
    map->size = size;
    map->handle = handle;
    mproc__fd_identify(map->identity, (int)handle);
    return APR_SUCCESS;
}

/* Without the descriptor, which the host has closed: through the mapping. */
static apr_status_t
commit_mapped(const mproc_plat_map_t *map, apr_uint64_t offset,
              apr_uint64_t length)
{
    while (madvise(map->base + offset, (size_t)length, MADV_POPULATE_WRITE) !=
           0) {
        if (errno != EINTR) {
            return errno == EFAULT || errno == EHWPOISON ? APR_ENOMEM : errno;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t
map_commit(const mproc_plat_map_t *map, apr_uint64_t offset,
           apr_uint64_t length)
{
    /* Beyond the end the file would grow, for this process at least. */
    if (offset > map->size || length > map->size - offset) {
        return APR_EINVAL;
    }
    if (!mproc__fd_is((int)map->handle, map->identity)) {
        return commit_mapped(map, offset, length);
    }
    while (fallocate((int)map->handle, 0, (off_t)offset, (off_t)length) != 0) {
        if (errno == EINTR) {
            continue;
        }
        return errno == ENOSPC || errno == EFBIG || errno == EDQUOT ? APR_ENOMEM
                                                                    : errno;
    }
    return APR_SUCCESS;
}

/* No thread is cancelled in the middle: the caller has begun more. */
apr_status_t
mproc_plat_map_commit(const mproc_plat_map_t *map, apr_uint64_t offset,
                      apr_uint64_t length)
{
    int cancel = mproc_plat_self_cancel(0);
    apr_status_t rv = map_commit(map, offset, length);

    (void)mproc_plat_self_cancel(cancel);
    return rv;
}

int
mproc_plat_map_decommit(const mproc_plat_map_t *map, apr_uint64_t offset,
                        apr_uint64_t length)
{
    /* Through the mapping, whatever the descriptor stands for by now. */
    while (madvise(map->base + offset, (size_t)length, MADV_REMOVE) != 0) {
        if (errno != EINTR) {
            return 0;
        }
    }
    return 1;
}

void
mproc_plat_map_close(mproc_plat_map_t *map)
{
    if (map->base != NULL) {
        munmap(map->base, (size_t)map->size);
        map->base = NULL;
    }
    if (map->handle >= 0) {
        close((int)map->handle);
        map->handle = -1;
    }
}
