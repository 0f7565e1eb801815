/*
 * piece.c: what the workers of wordcount do.
 *
 * A worker may be killed at any moment and its piece be given to another: it
 * reads nothing but its piece, and writes nothing but its tally, anew.
 */
#include "piece.h"
#include "table.h"

#include <apr_file_io.h>
#include <apr_pools.h>

#include <stdlib.h>
#include <string.h>

/* The letter in lower case, or 0 for a byte that is none: the letters of the
 * C locale, whatever the locale is. */
static char
letter_lower(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (char)(byte - 'A' + 'a');
    }
    return byte >= 'a' && byte <= 'z' ? (char)byte : 0;
}

/* Read one part; a file that has become shorter gives what it has. */
static apr_status_t
part_read(const part_t *part, const char *path, char *text, apr_size_t *got,
          apr_pool_t *pool)
{
    apr_file_t *file;
    apr_off_t start = part->start;
    apr_status_t rv =
        apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                      APR_FPROT_OS_DEFAULT, pool);

    *got = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (start > 0) {
        rv = apr_file_seek(file, APR_SET, &start);
    }
    if (rv == APR_SUCCESS && part->length > 0) {
        rv = apr_file_read_full(file, text, part->length, got);
    }
    apr_file_close(file);
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

static void
piece_read(tally_t *tally, const piece_t *piece, char *text, apr_pool_t *pool)
{
    const char *round = (const char *)(piece - piece->index);
    apr_size_t got;
    apr_uint32_t i;

    tally->size = 0;
    for (i = 0; i < piece->parts; i++) {
        const part_t *part = piece->part + i;
        tally->failed[i] =
            part_read(part, round + part->path, text + tally->size, &got, pool);
        tally->size += got;
        apr_pool_clear(pool);
    }
}

/* Count the words between `at` and `end`, where the last byte is no letter;
 * `at` is the first byte behind the head. */
static int
words_count(table_t *table, char *at, const char *end)
{
    char *word = at;

    for (; at < end; at++) {
        *at = letter_lower((unsigned char)*at);
        if (*at == 0) {
            if (at > word &&
                !table_add(table, word, (apr_size_t)(at - word), 1)) {
                return 0;
            }
            word = at + 1;
        }
    }
    return 1;
}

static unsigned char *
letters_put(unsigned char *to, const char *text, apr_size_t length)
{
    apr_size_t i;

    for (i = 0; i < length; i++) {
        to[i] = (unsigned char)letter_lower((unsigned char)text[i]);
    }
    return to + length;
}

static void
table_put(unsigned char *to, const table_t *table)
{
    apr_size_t i;

    for (i = 0; i < table_size(table); i++) {
        word_t word = table_word(table, i);
        memcpy(to, word.text, word.length);
        to += word.length;
        *to++ = 0;
        for (; word.count > 127; word.count >>= 7) {
            *to++ = (unsigned char)(word.count | 128);
        }
        *to++ = (unsigned char)word.count;
    }
}

const unsigned char *
tally_next(const unsigned char *at, const char **word, apr_size_t *length,
           apr_uint64_t *count)
{
    int shift = 0;

    *word = (const char *)at;
    *length = strlen(*word);
    *count = 0;
    for (at += *length + 1; *at > 127; at++, shift += 7) {
        *count |= (apr_uint64_t)(*at & 127) << shift;
    }
    *count |= (apr_uint64_t)*at << shift;
    return at + 1;
}

static apr_status_t
tally_fill(tally_t *tally, char *text, table_t *table)
{
    apr_size_t head = 0, tail = 0, size = tally->size;
    unsigned char *to = tally->data;

    while (head < size && letter_lower((unsigned char)text[head]) != 0) {
        head++;
    }
    while (tail < size - head &&
           letter_lower((unsigned char)text[size - tail - 1]) != 0) {
        tail++;
    }
    to = letters_put(to, text, head);
    to = letters_put(to, text + size - tail, tail);
    if (!words_count(table, text + head, text + size - tail)) {
        return APR_ENOMEM;
    }
    table_put(to, table);
    tally->head = head;
    tally->tail = tail;
    tally->words = table_size(table);
    return APR_SUCCESS;
}

void
piece_count(const void *in, void *out, void *baton)
{
    const piece_t *piece = in;
    tally_t *tally = out;
    char *text = malloc(piece->size + 1);
    table_t *table = table_create();
    apr_pool_t *pool = NULL;

    (void)baton;
    tally->status = APR_ENOMEM;
    if (text != NULL && table != NULL &&
        apr_pool_create(&pool, NULL) == APR_SUCCESS) {
        piece_read(tally, piece, text, pool);
        tally->status = tally_fill(tally, text, table);
        apr_pool_destroy(pool);
    }
    table_destroy(table);
    free(text);
}
