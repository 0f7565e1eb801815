/*
 * datum_text.c: a tree as text like JSON.
 *
 * The text is written twice: once into nothing, to learn its size, then into
 * memory of just that size. Nothing in it depends on the locale.
 */
#include "datum.h"

#include "error.h"
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `at` is NULL while only the size is wanted. */
typedef struct writer_t {
    char *at;
    apr_size_t size;
} writer_t;

static void
write_run(writer_t *writer, const char *text, apr_size_t size)
{
    if (writer->at != NULL) {
        memcpy(writer->at + writer->size, text, size);
    }
    writer->size += size;
}

static void
write_text(writer_t *writer, const char *text)
{
    write_run(writer, text, strlen(text));
}

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whatever the locale takes for a decimal point, make it one '.'. */
static void
point_unify(char *text)
{
    char *to = text;
    const char *from;

    for (from = text; *from != '\0'; from++) {
        if (is_digit(*from) || strchr("+-e", *from) != NULL) {
            *to++ = *from;
        }
        else if (to == text || to[-1] != '.') {
            *to++ = '.';
        }
    }
    *to = '\0';
}

/* 15 digits are the shortest text of a double, unless it takes 16 or 17, or
 * is so small that it has fewer bits. */
static void
double_format(char *text, apr_size_t size, double real)
{
    double magnitude = real < 0 ? -real : real;
    int digits = magnitude < 2.3e-308 ? 1 : 15;

    for (; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, real);
        if (strtod(text, NULL) == real) {
            break;
        }
    }
    point_unify(text);
    if (strpbrk(text, ".e") == NULL) {
        strcat(text, ".0");
    }
}

static void
write_double(writer_t *writer, double real)
{
    char text[64];

    if (real != real) {
        write_text(writer, "nan");
    }
    else if (real - real != 0) {
        write_text(writer, real > 0 ? "inf" : "-inf");
    }
    else {
        double_format(text, sizeof text - 2, real);
        write_text(writer, text);
    }
}

static void
write_whole(writer_t *writer, const mproc_datum_t *datum)
{
    char text[32];

    if (datum->negative) {
        snprintf(text, sizeof text, "%lld", (long long)datum->as.whole);
    }
    else {
        snprintf(text, sizeof text, "%llu",
                 (unsigned long long)datum->as.whole);
    }
    write_text(writer, text);
}

/* Bytes of the UTF-8 character at `at`; 0 when it is none. */
static apr_size_t
utf8_length(const unsigned char *at, apr_size_t left)
{
    unsigned first = at[0];
    apr_size_t length = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : (first & 0xf0) == 0xe0        ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
    apr_size_t i;

    if (length > left) {
        return 0;
    }
    for (i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return length;
}

/* One character of a text, escaped if a terminal or JSON would mind. */
static void
write_character(writer_t *writer, const unsigned char *at, apr_size_t length)
{
    static const char plain[] = "\"\\\n\r\t\b\f";
    static const char escaped[] = "\"\\nrtbf";
    const char *special = at[0] == '\0' ? NULL : strchr(plain, at[0]);
    char text[8];

    if (length == 0) {
        snprintf(text, sizeof text, "\\x%02x", at[0]);
        write_text(writer, text);
    }
    else if (special != NULL) {
        text[0] = '\\';
        text[1] = escaped[special - plain];
        write_run(writer, text, 2);
    }
    else if (at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0)) {
        snprintf(text, sizeof text, "\\u%04x", length == 2 ? at[1] : at[0]);
        write_text(writer, text);
    }
    else {
        write_run(writer, (const char *)at, length);
    }
}

static void
write_string(writer_t *writer, const mproc__run_t *run)
{
    const unsigned char *at = (const unsigned char *)run->data;
    const unsigned char *end = at + run->size;

    write_text(writer, "\"");
    while (at < end) {
        apr_size_t length = utf8_length(at, (apr_size_t)(end - at));
        write_character(writer, at, length);
        at += length == 0 ? 1 : length;
    }
    write_text(writer, "\"");
}

static void
write_bytes(writer_t *writer, const mproc__run_t *run)
{
    char text[8];
    apr_size_t i;

    write_text(writer, "b\"");
    for (i = 0; i < run->size; i++) {
        unsigned char byte = (unsigned char)run->data[i];
        if (byte < 0x20 || byte >= 0x7f) {
            snprintf(text, sizeof text, "\\x%02x", byte);
            write_text(writer, text);
        }
        else {
            if (byte == '"' || byte == '\\') {
                write_text(writer, "\\");
            }
            write_run(writer, &run->data[i], 1);
        }
    }
    write_text(writer, "\"");
}

static void write_datum(writer_t *writer, const mproc_datum_t *datum);

static void
write_items(writer_t *writer, const mproc_datum_t *datum)
{
    const mproc__items_t *items = &datum->as.items;
    int is_map = datum->type == MPROC_DATUM_MAP;
    apr_size_t i;

    write_text(writer, is_map ? "{" : "[");
    for (i = 0; i < items->count; i++) {
        if (i > 0) {
            write_text(writer, is_map && i % 2 == 1 ? ": " : ", ");
        }
        write_datum(writer, &items->at[i]);
    }
    write_text(writer, is_map ? "}" : "]");
}

static void
write_object(writer_t *writer, const mproc_object_t *object)
{
    char text[48];

    snprintf(text, sizeof text, "<object %llx>",
             (unsigned long long)object->handle);
    write_text(writer, text);
}

static void
write_datum(writer_t *writer, const mproc_datum_t *datum)
{
    switch ((mproc_datum_type_e)datum->type) {
    case MPROC_DATUM_NIL:
        write_text(writer, "null");
        break;
    case MPROC_DATUM_BOOL:
        write_text(writer, datum->as.boolean ? "true" : "false");
        break;
    case MPROC_DATUM_INT:
        write_whole(writer, datum);
        break;
    case MPROC_DATUM_DOUBLE:
        write_double(writer, datum->as.real);
        break;
    case MPROC_DATUM_TEXT:
        write_string(writer, &datum->as.run);
        break;
    case MPROC_DATUM_BYTES:
        write_bytes(writer, &datum->as.run);
        break;
    case MPROC_DATUM_LIST:
    case MPROC_DATUM_MAP:
        write_items(writer, datum);
        break;
    case MPROC_DATUM_OBJECT:
        write_object(writer, datum->as.object);
        break;
    }
}

const char *
mproc_datum_text(const mproc_datum_t *datum, apr_pool_t *pool)
{
    writer_t writer = {NULL, 0};

    if (datum == NULL) {
        (void)mproc__fail(APR_EINVAL, "cannot print a datum that is NULL; "
                                      "look whether it was made or found");
        return "";
    }
    write_datum(&writer, datum);
    writer.at = apr_palloc(pool == NULL ? datum->pool : pool, writer.size + 1);
    if (writer.at == NULL) {
        (void)mproc__fail(APR_ENOMEM,
                          "cannot print a datum in %llu bytes: memory is out",
                          (unsigned long long)writer.size);
        return "";
    }
    writer.size = 0;
    write_datum(&writer, datum);
    writer.at[writer.size] = '\0';
    return writer.at;
}
