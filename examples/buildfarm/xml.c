/* xml.c: text into XML. */
#include "xml.h"

#include <errno.h>
#include <string.h>

/* The length of the character of UTF-8 at text that XML 1.0 may have; 0 when
 * there is none. */
static apr_size_t
character_size(const unsigned char *text, apr_size_t size)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    apr_size_t length = text[0] < 0x80   ? 1
                        : text[0] < 0xc2 ? 0
                        : text[0] < 0xe0 ? 2
                        : text[0] < 0xf0 ? 3
                        : text[0] < 0xf5 ? 4
                                         : 0;
    unsigned code = length < 2 ? text[0] : text[0] & (0x7fu >> length);
    apr_size_t i;

    if (length == 0 || length > size) {
        return 0;
    }
    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (code < least[length] || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff ||
        (code < ' ' && code != '\t' && code != '\n' && code != '\r')) {
        return 0;
    }
    return length;
}

void
xml_put(FILE *file, const char *text, apr_size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;

    while (at < end) {
        apr_size_t length = character_size(at, (apr_size_t)(end - at));

        if (length == 0) {
            fputs("\xef\xbf\xbd", file);
            length = 1;
        }
        else if (strchr("<>&\"\t\r", *at) != NULL) {
            fprintf(file, "&#%d;", *at);
        }
        else {
            fwrite(at, 1, length, file);
        }
        at += length;
    }
}

void
xml_puts(FILE *file, const char *text)
{
    xml_put(file, text, strlen(text));
}

FILE *
xml_open(const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        fprintf(stderr, "buildfarm: %s: %s\n", path, strerror(errno));
    }
    return file;
}

int
xml_close(FILE *file, const char *path)
{
    int bad = ferror(file);

    if (fclose(file) != 0 || bad) {
        fprintf(stderr, "buildfarm: %s: not written as a whole\n", path);
        return 0;
    }
    return 1;
}
