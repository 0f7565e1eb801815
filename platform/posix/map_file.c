/*
 * map_file.c: the shared mapping as a file that has lost its name.
 *
 * It is sparse, so address space costs nothing; the file system of TMPDIR
 * gives the memory. The file is deleted as soon as it is open, and goes with
 * the last process that has it.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_map.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "plat_self.h"
#include "posix/descriptor.h"

/* A file that never has a name, where the system knows such: who is killed
 * in between leaves nothing. APR's own search for the folder would: it tries
 * with a file. */
static int
nameless_open(void)
{
#ifdef O_TMPFILE
    const char *folder = getenv("TMPDIR");

    return open(folder != NULL && *folder != '\0' ? folder : "/tmp",
                O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
#else
    return -1;
#endif
}

/* A descriptor of a new file that has lost its name. */
static apr_status_t
memory_open_in(apr_int64_t *handle, apr_pool_t *pool)
{
    const char *folder;
    apr_file_t *file;
    apr_os_file_t fd;

    apr_status_t rv = apr_temp_dir_get(&folder, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    char *path = apr_pstrcat(pool, folder, "/mproc.XXXXXX", NULL);
    rv = apr_file_mktemp(&file, path,
                         APR_CREATE | APR_READ | APR_WRITE | APR_EXCL, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_remove(path, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_os_file_get(&fd, file);
    }
    if (rv == APR_SUCCESS) {
        *handle = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        rv = *handle < 0 ? errno : APR_SUCCESS;
    }
    apr_file_close(file);
    return rv;
}

static apr_status_t
memory_open(apr_int64_t *handle)
{
    apr_pool_t *pool;

    *handle = -1;
    int fd = nameless_open();
    if (fd >= 0) {
        *handle = mproc__fd_private(fd);
        return *handle < 0 ? errno : APR_SUCCESS;
    }
    apr_status_t rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) {
        rv = memory_open_in(handle, pool);
        apr_pool_destroy(pool);
    }
    return rv;
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
    void *base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      (int)map->handle, 0);
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
    memset(map, 0, sizeof *map);
    apr_status_t rv = memory_open(&map->handle);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = APR_ENOMEM;
    for (; size >= least && size > 0; size /= 2) {
        if (size_try(map, size) == 0) {
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
    void *base = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                      (int)handle, 0);
    if (base == MAP_FAILED) {
        return errno;
    }
    map->base = base;
    map->size = size;
    map->handle = handle;
    mproc__fd_identify(map->identity, (int)handle);
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
        return APR_EBADF; /* The host has closed it. */
    }
    for (;;) {
        int rv =
            posix_fallocate((int)map->handle, (off_t)offset, (off_t)length);
        if (rv != EINTR) {
            return rv == ENOSPC || rv == EFBIG || rv == EDQUOT ? APR_ENOMEM
                                                               : rv;
        }
    }
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
    /* POSIX cannot make a hole in a file. */
    (void)map;
    (void)offset;
    (void)length;
    return 0;
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
