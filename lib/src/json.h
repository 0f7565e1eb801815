/*
 * json.h: strings as JSON has them.
 */
#ifndef MPROC_SRC_JSON_H
#define MPROC_SRC_JSON_H

#include <apr.h>

#define MPROC__JSON_PIECE 13 /* bytes, the last a 0 */

/* The first character of a string that is not empty, as it stands between
 * quotes; returns what follows it. */
const char *mproc__json_piece(char *piece, const char *string);

/* The string with its quotes, cut off where `size` bytes end; returns out.
 * pre: size > MPROC__JSON_PIECE + 2. */
char *mproc__json_quote(char *out, apr_size_t size, const char *string);

#endif
