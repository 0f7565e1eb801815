/* files.c: which files are meant by the names given. */
#include "files.h"

#include <mproc.h>

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
file_complain(const char *path, apr_status_t status)
{
    char text[200];

    fprintf(stderr, "wordcount: %s: %s\n", path,
            mproc_strerror(status, text, sizeof text));
}

static void
file_add(apr_array_header_t *files, const char *path, apr_off_t size)
{
    file_t *file = apr_array_push(files);

    file->path = path;
    file->size = size;
}

static int
file_compare(const void *left, const void *right)
{
    return strcmp(((const file_t *)left)->path, ((const file_t *)right)->path);
}

static const char *
path_join(const char *folder, const char *name, apr_pool_t *pool)
{
    apr_size_t length = strlen(folder);
    int slash = length > 0 && folder[length - 1] == '/';

    return apr_pstrcat(pool, folder, slash ? "" : "/", name, NULL);
}

/* One entry of a folder: a file is added, a folder put off. */
static int
entry_visit(apr_array_header_t *files, apr_array_header_t *folders,
            const char *folder, const char *name, apr_pool_t *pool)
{
    const char *path;
    apr_finfo_t info;
    apr_status_t rv;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return 0;
    }
    path = path_join(folder, name, pool);
    rv = apr_stat(&info, path, APR_FINFO_LINK | APR_FINFO_TYPE | APR_FINFO_SIZE,
                  pool);
    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE) {
        file_complain(path, rv);
        return 1;
    }
    if (info.filetype == APR_DIR) {
        *(const char **)apr_array_push(folders) = path;
    }
    else if (info.filetype == APR_REG) {
        file_add(files, path, info.size);
    }
    return 0;
}

static int
folder_read(apr_array_header_t *files, apr_array_header_t *folders,
            const char *folder, apr_pool_t *pool)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    apr_status_t rv = apr_dir_open(&dir, folder, pool);
    int failures = 0;

    if (rv != APR_SUCCESS) {
        file_complain(folder, rv);
        return 1;
    }
    while ((rv = apr_dir_read(&info, APR_FINFO_NAME, dir)) == APR_SUCCESS ||
           rv == APR_INCOMPLETE) {
        failures += entry_visit(files, folders, folder, info.name, pool);
    }
    apr_dir_close(dir);
    if (!APR_STATUS_IS_ENOENT(rv)) {
        file_complain(folder, rv);
        failures++;
    }
    return failures;
}

int
files_collect(apr_array_header_t *files, const char *path, apr_pool_t *pool)
{
    apr_array_header_t *folders;
    apr_finfo_t info;
    int first = files->nelts, failures = 0;
    apr_status_t rv =
        apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_SIZE, pool);

    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE) {
        file_complain(path, rv);
        return 1;
    }
    if (info.filetype == APR_REG) {
        file_add(files, path, info.size);
        return 0;
    }
    if (info.filetype != APR_DIR) {
        fprintf(stderr, "wordcount: %s: neither a file nor a folder\n", path);
        return 1;
    }
    /* A list of what is left to read, not recursion: depth costs nothing. */
    folders = apr_array_make(pool, 16, sizeof(const char *));
    *(const char **)apr_array_push(folders) = path;
    while (folders->nelts > 0) {
        const char *folder = *(const char **)apr_array_pop(folders);
        failures += folder_read(files, folders, folder, pool);
    }
    qsort(files->elts + first * (int)sizeof(file_t),
          (size_t)(files->nelts - first), sizeof(file_t), file_compare);
    return failures;
}
