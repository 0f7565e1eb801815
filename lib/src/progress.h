/*
 * progress.h: what a progress line says.
 */
#ifndef MPROC_SRC_PROGRESS_H
#define MPROC_SRC_PROGRESS_H

#include <mproc/progress.h>

/* Without what steers a terminal; the text is cut off where it ends. */
void mproc__progress_text(char *text, apr_size_t room, const char *label,
                          apr_size_t done, apr_size_t count,
                          apr_interval_time_t spent);

#endif
