/* files.h: which files are meant by the names given. */
#ifndef WORDCOUNT_FILES_H
#define WORDCOUNT_FILES_H

#include <apr_file_info.h>
#include <apr_tables.h>

/* A file to be read. */
typedef struct file_t {
    const char *path;
    apr_off_t size; /* when it was looked at */
} file_t;

/* Add a file, or all regular files below a folder in the byte order of
 * their paths, to an array of file_t. Symbolic links inside a folder are
 * not followed. What cannot be looked at is told on stderr.
 * Returns how many names that were. */
int files_collect(apr_array_header_t *files, const char *path,
                  apr_pool_t *pool);

/* Say on stderr that something is wrong with a file. */
void file_complain(const char *path, apr_status_t status);

#endif
