/*
 * program.h: the file that this program runs from.
 */
#ifndef MPROC_PLATFORM_POSIX_PROGRAM_H
#define MPROC_PLATFORM_POSIX_PROGRAM_H

#include <apr_errno.h>
#include <apr_pools.h>

/* What to pass to execve() so that this very program runs again, even after
 * its file was replaced where the system can do that. `name` is its argv[0],
 * the last resort; may be NULL. */
apr_status_t mproc__program_path(const char **path, const char *name,
                                 apr_pool_t *pool);

/* Whether the file at a path has the build id of this program. */
int mproc__program_is(const char *path);

#endif
