/* format.h: the letters that mproc_pack() and mproc_unpack() read. */
#ifndef MPROC_SRC_FORMAT_H
#define MPROC_SRC_FORMAT_H

#include <mproc/types.h>

/* Check a whole format before anything is done with it; the calls below
 * rely on that. APR_EINVAL with a sentence. */
apr_status_t mproc__format_check(const char *format, int packing);

/* The next letter or bracket, 0 at the end; *at moves behind it. */
char mproc__format_next(const char **at);

/* How many values are directly inside the bracket before `at`, up to the one
 * that closes it or the end; a pair is two. */
apr_size_t mproc__format_count(const char *at);

#endif
