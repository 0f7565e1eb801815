/*
 * shm_posix.c: named shared memory, by shm_open().
 *
 * The hard thing is whose a name is: it can be taken away and given to
 * another block at any time. So a name is unlinked only while it leads to
 * the very file that is meant. Between that look and the unlink the name can
 * still change hands, which POSIX has no way to close.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_shm.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/descriptor.h"
#include "posix/nameless.h"

#define PATH_ROOM 256

/* Stands for a file that is about to be made, or is made and not known yet:
 * this user's, without a size. */
static const apr_uint64_t unsized[2] = {0, ~(apr_uint64_t)0};
static const apr_uint64_t nothing[2];

const char *
mproc_plat_shm_prefix(void)
{
    return "psm_";
}

int
mproc_plat_shm_stays(void)
{
    return 1;
}

static void
shm_clear(mproc_plat_shm_t *shm)
{
    memset(shm, 0, sizeof *shm);
    shm->handle = -1;
}

/* What the contract calls an error of the system. */
static apr_status_t
shm_status(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return APR_ENOMEM;
    case ENAMETOOLONG:
    case EISDIR:
        return APR_EINVAL;
    default:
        return error;
    }
}

/* As shm_open() wants it; 0 when it is too long. */
static int
shm_path(char path[PATH_ROOM], const char *name)
{
    return snprintf(path, PATH_ROOM, "/%s", name) < PATH_ROOM;
}

static int
shm_find(const char *name, int flags)
{
    char path[PATH_ROOM];

    if (!shm_path(path, name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mproc__fd_private(shm_open(path, flags, 0));
}

/* ------------------------------------------------------------------- memory */

/* More than a limit would not be refused, but bring SIGXFSZ. */
static int
size_allowed(apr_uint64_t size)
{
    struct rlimit limit;

    return size <= (apr_uint64_t)(~(apr_size_t)0 >> 1) &&
           (getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur);
}

/* Put memory behind all of it, and make it at least so large. */
static apr_status_t
shm_back(int fd, apr_uint64_t size)
{
    for (;;) {
        int rv = posix_fallocate(fd, 0, (off_t)size);
        if (rv != EINTR) {
            return rv == 0 ? APR_SUCCESS : shm_status(rv);
        }
    }
}

static apr_status_t
shm_map(mproc_plat_shm_t *shm, int fd, apr_uint64_t size)
{
    void *base =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (base == MAP_FAILED) {
        return errno;
    }
    shm->base = base;
    shm->size = size;
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- create */

typedef struct new_t {
    mproc_plat_shm_t *shm;
    const char *name;
    apr_uint64_t size;
    void (*note)(void *baton, const apr_uint64_t identity[2]);
    void *baton;
} new_t;

/* Ready the file: memory, rights, whatever the umask says, and the mapping. */
static apr_status_t
new_fill(const new_t *new, int fd)
{
    mproc__fd_identify(new->shm->identity, fd);
    new->note(new->baton, new->shm->identity);
    apr_status_t rv = shm_back(fd, new->size);
    if (rv == APR_SUCCESS && fchmod(fd, 0600) != 0) {
        rv = errno;
    }
    return rv == APR_SUCCESS ? shm_map(new->shm, fd, new->size) : rv;
}

/* APR_ENOTIMPL: try the other way. */
static apr_status_t
new_nameless(const new_t *new)
{
    int fd = mproc__nameless_open();

    if (fd < 0) {
        return APR_ENOTIMPL;
    }
    apr_status_t rv = new_fill(new, fd);
    if (rv == APR_SUCCESS && mproc__nameless_link(fd, new->name) != 0) {
        rv = errno == ENOSYS ? APR_ENOTIMPL : shm_status(errno);
    }
    close(fd);
    return rv;
}

/* Who attaches while this is going on finds the name, and no bytes. */
static apr_status_t
new_named(const new_t *new)
{
    char path[PATH_ROOM];

    if (!shm_path(path, new->name)) {
        return APR_EINVAL;
    }
    new->note(new->baton, unsized);
    int fd = mproc__fd_private(shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    if (fd < 0) {
        int error = errno;
        new->note(new->baton, nothing);
        return shm_status(error);
    }
    apr_status_t rv = new_fill(new, fd);
    close(fd);
    if (rv != APR_SUCCESS) {
        (void)mproc_plat_shm_unlink(new->name, new->shm->identity);
    }
    return rv;
}

apr_status_t
mproc_plat_shm_create(mproc_plat_shm_t *shm, const char *name,
                      apr_uint64_t size,
                      void (*note)(void *baton, const apr_uint64_t identity[2]),
                      void *baton)
{
    new_t new = {shm, name, size, note, baton};

    shm_clear(shm);
    if (!size_allowed(size)) {
        return APR_ENOMEM;
    }
    /* What is taken is not to look like a full machine. */
    int fd = shm_find(name, O_RDONLY);
    if (fd >= 0) {
        close(fd);
        return APR_EEXIST;
    }
    if (errno != ENOENT) {
        return errno == EACCES ? APR_EEXIST : shm_status(errno);
    }
    apr_status_t rv = new_nameless(&new);
    if (rv == APR_ENOTIMPL) {
        mproc_plat_shm_close(shm);
        rv = new_named(&new);
    }
    if (rv != APR_SUCCESS) {
        mproc_plat_shm_close(shm);
    }
    return rv;
}

/* ------------------------------------------------------------------- attach */

apr_status_t
mproc_plat_shm_attach(mproc_plat_shm_t *shm, const char *name)
{
    struct stat file;

    shm_clear(shm);
    int fd = shm_find(name, O_RDWR);
    if (fd < 0) {
        return shm_status(errno);
    }
    apr_status_t rv = fstat(fd, &file) == 0 ? APR_SUCCESS : errno;
    if (rv == APR_SUCCESS && file.st_size <= 0) {
        rv = APR_ENOENT; /* Its creator has not come to give it a size. */
    }
    /* Other programs reserve nothing. */
    if (rv == APR_SUCCESS) {
        rv = shm_back(fd, (apr_uint64_t)file.st_size);
    }
    if (rv == APR_SUCCESS) {
        rv = shm_map(shm, fd, (apr_uint64_t)file.st_size);
    }
    if (rv == APR_SUCCESS) {
        mproc__fd_identify(shm->identity, fd);
    }
    close(fd);
    return rv;
}

static int
shm_is(int fd, const apr_uint64_t identity[2])
{
    struct stat file;

    if (memcmp(identity, unsized, sizeof unsized) != 0) {
        return mproc__fd_is(fd, identity);
    }
    return fstat(fd, &file) == 0 && file.st_size == 0 &&
           file.st_uid == geteuid();
}

apr_status_t
mproc_plat_shm_unlink(const char *name, const apr_uint64_t identity[2])
{
    char path[PATH_ROOM];
    int fd = shm_find(name, O_RDONLY);

    if (fd < 0) {
        return shm_status(errno);
    }
    int same = shm_is(fd, identity);
    close(fd);
    if (!same || !shm_path(path, name)) {
        return APR_ENOENT;
    }
    return shm_unlink(path) == 0 ? APR_SUCCESS : shm_status(errno);
}

void
mproc_plat_shm_close(mproc_plat_shm_t *shm)
{
    if (shm->base != NULL) {
        munmap(shm->base, (size_t)shm->size);
        shm->base = NULL;
    }
}
