/**
 * @file progress.h
 * @brief A line on the terminal that tells how far the work is.
 *
 * @code
 * mproc_progress_t *line;
 * mproc_progress_create(&line, "hashing", NULL, pool);
 * options.progress = mproc_progress_show;
 * options.progress_baton = line;
 * mproc_pool_map_array(workers, hash, in, n, sizeof *in, out, sizeof *out,
 *                      &options);
 * mproc_progress_end(line);
 * @endcode
 *
 * prints, over and over in one line,
 *
 *     hashing 1234/5000 (24%) 310.2/s, 0:12 left
 *
 * and nothing at all when the file is no terminal.
 */
#ifndef MPROC_PROGRESS_H
#define MPROC_PROGRESS_H

#include <apr_file_io.h>

#include <mproc/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A progress line. It belongs to the process that made it. */
typedef struct mproc_progress_t mproc_progress_t;

/**
 * Make a progress line; the time begins to run.
 * @param progress receives the line
 * @param label    what is being done, UTF-8 in one line; copied; NULL: none
 * @param file     where it goes; it must stay open as long as the line; NULL:
 *                 standard error
 * @param pool     owns it
 * @return APR_SUCCESS; APR_EINVAL without progress or pool; APR_ENOMEM; what
 *         the system says when it has no standard error
 * @note Processes: a forked child's copy shows nothing. Threads: any.
 */
MPROC_DECLARE(apr_status_t)
mproc_progress_create(mproc_progress_t **progress, const char *label,
                      apr_file_t *file, apr_pool_t *pool);

/**
 * Show how far the work is: ten times a second at most, and when it is done.
 * The signature is that of the pools' options, so that it can be passed there.
 * @param done     how much of it
 * @param count    of how much; 0: nobody knows, and no time left is told
 * @param progress the line (mproc_progress_t *); NULL does nothing
 * @note Processes: the creator. Threads: one at a time.
 */
MPROC_DECLARE(void)
mproc_progress_show(apr_size_t done, apr_size_t count, void *progress);

/**
 * Clear the line, before other text is printed; the next show brings it back.
 * @param progress the line; NULL does nothing
 * @note Processes: the creator. Threads: one at a time.
 */
MPROC_DECLARE(void) mproc_progress_clear(mproc_progress_t *progress);

/**
 * The last state stays, and the terminal's next line is free.
 * @param progress the line; NULL does nothing; shown again, it begins anew
 * @note Processes: the creator. Threads: one at a time.
 */
MPROC_DECLARE(void) mproc_progress_end(mproc_progress_t *progress);

#ifdef __cplusplus
}
#endif

#endif
