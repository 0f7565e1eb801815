/*
 * json.c: strings as JSON has them. ASCII only: names are UTF-8 where they
 * come from, but nobody has checked that.
 */
#include "json.h"

#include <stdio.h>

#include <apr_strings.h>

/* The character that begins at a byte, and its bytes; what is no UTF-8 is
 * one byte and the sign for that. */
static unsigned
character_read(const unsigned char *at, int *length)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = *at >= 0xf0 && *at < 0xf8   ? 4
                : *at >= 0xe0 && *at < 0xf0 ? 3
                : *at >= 0xc0 && *at < 0xe0 ? 2
                                            : 1;
    unsigned code = bytes == 1 ? *at : *at & (0x7fU >> bytes);

    *length = 1;
    for (int i = 1; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0xfffd;
        }
        code = code << 6 | (at[i] & 0x3f);
    }
    if ((bytes == 1 && code >= 0x80) || code < least[bytes] ||
        code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return 0xfffd;
    }
    *length = bytes;
    return code;
}

const char *
mproc__json_piece(char *piece, const char *string)
{
    int length;
    unsigned code = character_read((const unsigned char *)string, &length);

    if (code == '"' || code == '\\') {
        snprintf(piece, MPROC__JSON_PIECE, "\\%c", (int)code);
    }
    else if (code >= ' ' && code < 127) {
        piece[0] = (char)code;
        piece[1] = '\0';
    }
    else if (code < 0x10000) {
        snprintf(piece, MPROC__JSON_PIECE, "\\u%04x", code & 0xffff);
    }
    else {
        code -= 0x10000;
        snprintf(piece, MPROC__JSON_PIECE, "\\u%04x\\u%04x",
                 0xd800 + (code >> 10 & 0x3ff), 0xdc00 + (code & 0x3ff));
    }
    return string + length;
}

char *
mproc__json_quote(char *out, apr_size_t size, const char *string)
{
    char piece[MPROC__JSON_PIECE], *at = out;

    *at++ = '"';
    while (*string != '\0' &&
           (apr_size_t)(at - out) + MPROC__JSON_PIECE + 1 < size) {
        string = mproc__json_piece(piece, string);
        at = apr_cpystrn(at, piece, sizeof piece);
    }
    *at++ = '"';
    *at = '\0';
    return out;
}
