/*
 * peek_proc.c: another process's mapping, by way of /proc/PID/fd.
 *
 * The mapping is a file without a name whose descriptor the process keeps
 * open, and /proc opens it once more. It is read, not mapped: so no hole is
 * filled, and nothing that the other side does can bring a SIGBUS.
 *
 * The hard thing: whoever closes a descriptor of a file loses all locks that
 * it has on that file, and such a lock is our proof of life (life_lock.c). So
 * what is the caller's own is told by its identity and never opened.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_peek.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/descriptor.h"

static int
read_at(int fd, apr_uint64_t offset, void *data, apr_size_t size)
{
    char *to = data;

    while (size > 0) {
        ssize_t length = pread(fd, to, size, (off_t)offset);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            return 0;
        }
        to += length;
        offset += (apr_uint64_t)length;
        size -= (apr_size_t)length;
    }
    return 1;
}

/* Whether a file of the process can be its mapping: one without a name. */
static int
file_fits(int folder, const char *name, struct stat *info)
{
    return name[0] != '.' && fstatat(folder, name, info, 0) == 0 &&
           S_ISREG(info->st_mode) && info->st_nlink == 0 &&
           info->st_size >= MPROC_PLAT_MAP_UNIT;
}

/* 1 when it is the mapping, and open. */
static int
file_open(mproc_plat_peek_t *peek, int folder, const char *name,
          apr_uint64_t magic)
{
    apr_uint64_t word;
    struct stat info;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    fd = fd < 0 ? fd : mproc__fd_private(fd);
    if (fd < 0) {
        return 0;
    }
    if (!read_at(fd, 0, &word, sizeof word) || word != magic ||
        fstat(fd, &info) != 0) {
        close(fd);
        return 0;
    }
    peek->map.handle = fd;
    peek->map.size = (apr_uint64_t)info.st_size;
    mproc__fd_identify(peek->map.identity, fd);
    return 1;
}

static apr_status_t
folder_open(DIR **folder, apr_int64_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%lld/fd", (long long)pid);
    *folder = pid > 0 ? opendir(path) : NULL;
    if (*folder != NULL) {
        return APR_SUCCESS;
    }
    int error = pid > 0 ? errno : ENOENT;
    if (access("/proc/self/fd", R_OK) != 0) {
        return APR_ENOTIMPL;
    }
    return error == ENOENT  ? APR_EPROC_UNKNOWN
           : error == EPERM ? APR_EACCES
                            : error;
}

/* One that has ended and was not waited for still has a folder. */
static int
program_is_gone(int folder)
{
    char path[2];

    return readlinkat(folder, "../exe", path, sizeof path) < 0 &&
           errno == ENOENT;
}

apr_status_t
mproc_plat_peek_open(mproc_plat_peek_t *peek, apr_int64_t pid,
                     apr_uint64_t magic, const mproc_plat_map_t *own)
{
    struct dirent *entry;
    struct stat info;
    DIR *folder;
    int found = 0;

    memset(peek, 0, sizeof *peek);
    peek->map.handle = -1;
    apr_status_t rv = folder_open(&folder, pid);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    while (!found && (entry = readdir(folder)) != NULL) {
        if (!file_fits(dirfd(folder), entry->d_name, &info)) {
            continue;
        }
        peek->own = own != NULL &&
                    own->identity[0] == (apr_uint64_t)info.st_dev &&
                    own->identity[1] == (apr_uint64_t)info.st_ino;
        found =
            peek->own || file_open(peek, dirfd(folder), entry->d_name, magic);
    }
    if (!found) {
        rv = program_is_gone(dirfd(folder)) ? APR_EPROC_UNKNOWN : APR_NOTFOUND;
    }
    closedir(folder);
    return rv;
}

apr_status_t
mproc_plat_peek_read(const mproc_plat_peek_t *peek, apr_uint64_t offset,
                     void *data, apr_size_t size)
{
    return read_at((int)peek->map.handle, offset, data, size) ? APR_SUCCESS
                                                              : APR_EOF;
}

void
mproc_plat_peek_close(mproc_plat_peek_t *peek)
{
    if (peek->map.handle >= 0) {
        close((int)peek->map.handle);
        peek->map.handle = -1;
    }
}
