/* replay.h: a main for fuzz targets: runs the files and folders it is given. */
#ifndef MPROC_TESTS_REPLAY_H
#define MPROC_TESTS_REPLAY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

static int
file_replay(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_size_t size;
    apr_file_t *file;
    char *data;

    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0,
                      pool) != APR_SUCCESS ||
        apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS) {
        fprintf(stderr, "cannot read %s\n", path);
        return 0;
    }
    size = (apr_size_t)info.size;
    /* From the heap, so that a sanitizer sees a byte read behind the end. */
    data = malloc(size == 0 ? 1 : size);
    if (data == NULL || (size > 0 && apr_file_read_full(file, data, size,
                                                        NULL) != APR_SUCCESS)) {
        fprintf(stderr, "cannot read %s\n", path);
        free(data);
        return 0;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    free(data);
    apr_file_close(file);
    return 1;
}

/* A file, or all the files of a folder: how many; 0 is a failure. */
static int
path_replay(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;
    apr_dir_t *dir;
    int count = 0;

    if (apr_dir_open(&dir, path, pool) != APR_SUCCESS) {
        return file_replay(path, pool);
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (info.name[0] != '.') {
            count += file_replay(apr_pstrcat(pool, path, "/", info.name, NULL),
                                 pool);
        }
    }
    apr_dir_close(dir);
    return count;
}

int
main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    int i, count, good = argc > 1;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    for (i = 1; i < argc; i++) {
        count = path_replay(argv[i], pool);
        printf("%s: %d replayed\n", argv[i], count);
        good = good && count > 0;
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return good ? 0 : 1;
}

#endif
