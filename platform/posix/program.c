/*
 * program.c: the file that this program runs from.
 *
 * Systems with a /proc have a link to it under one of a few names. The link
 * itself always leads to the running file; the path it shows is nicer in a
 * list of processes, and is used while it leads to the same file.
 */
#define _GNU_SOURCE 1

#include "posix/program.h"

#include <apr_env.h>
#include <apr_strings.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* Linux and Cygwin; FreeBSD; NetBSD; illumos. */
static const char *const links[] = {"/proc/self/exe", "/proc/curproc/file",
                                    "/proc/curproc/exe",
                                    "/proc/self/path/a.out"};

static int
same_file(const char *a, const char *b)
{
    struct stat first;
    struct stat second;

    return stat(a, &first) == 0 && stat(b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static const char *
path_from_link(const char *link, apr_pool_t *pool)
{
    char shown[PATH_MAX];
    ssize_t length = readlink(link, shown, sizeof shown);

    if (length <= 0) {
        return NULL;
    }
    if ((size_t)length < sizeof shown) {
        shown[length] = '\0';
        /* Under an emulator the link leads to that, and shows us. */
        if (shown[0] == '/' &&
            (same_file(link, shown) || mproc__program_is(shown))) {
            return apr_pstrdup(pool, shown);
        }
    }
    return access(link, X_OK) == 0 ? apr_pstrdup(pool, link) : NULL;
}

static const char *
path_absolute(const char *path, apr_pool_t *pool)
{
    char whole[PATH_MAX];

    if (access(path, X_OK) != 0 || realpath(path, whole) == NULL) {
        return NULL;
    }
    return apr_pstrdup(pool, whole);
}

/* As the shell found it. */
static const char *
path_from_name(const char *name, apr_pool_t *pool)
{
    char *list = NULL;
    char *state = NULL;

    if (name == NULL || name[0] == '\0') {
        return NULL;
    }
    if (strchr(name, '/') != NULL) {
        return path_absolute(name, pool);
    }
    if (apr_env_get(&list, "PATH", pool) != APR_SUCCESS || list == NULL) {
        return NULL;
    }
    list = apr_pstrdup(pool, list);
    for (char *folder = apr_strtok(list, ":", &state); folder != NULL;
         folder = apr_strtok(NULL, ":", &state)) {
        const char *found =
            path_absolute(apr_pstrcat(pool, folder, "/", name, NULL), pool);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

apr_status_t
mproc__program_path(const char **path, const char *name, apr_pool_t *pool)
{
    *path = NULL;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        *path = path_from_link(links[i], pool);
        if (*path != NULL) {
            return APR_SUCCESS;
        }
    }
    *path = path_from_name(name, pool);
    return *path != NULL ? APR_SUCCESS : APR_ENOENT;
}
