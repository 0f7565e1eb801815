/*
 * json.c: JSON text to data, by recursive descent.
 *
 * Values are made without a pool and given up as soon as they are in their
 * list or map, which copies them: so memory stays a few times the text's size.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MOST = 60 /* data nest up to 64 deep */
};

typedef struct json_t {
    const char *start, *at, *end;
    int depth;
    char *text; /* room for the longest text: the input's size */
} json_t;

static apr_status_t value_parse(mproc_datum_t **datum, json_t *json,
                                apr_pool_t *pool);

static void
blanks_skip(json_t *json)
{
    while (json->at < json->end && *json->at != '\0' &&
           strchr(" \t\r\n", *json->at) != NULL) {
        json->at++;
    }
}

/* Go past a character, and blanks around it; 0 when another is there. */
static int
char_accept(json_t *json, char c)
{
    blanks_skip(json);
    if (json->at == json->end || *json->at != c) {
        return 0;
    }
    json->at++;
    blanks_skip(json);
    return 1;
}

static int
word_accept(json_t *json, const char *word)
{
    apr_size_t size = strlen(word);

    if ((apr_size_t)(json->end - json->at) < size ||
        memcmp(json->at, word, size) != 0) {
        return 0;
    }
    json->at += size;
    return 1;
}

/* -------------------------------------------------------------------- texts */

static int
hex_parse(json_t *json, unsigned *code)
{
    int i;

    *code = 0;
    for (i = 0; i < 4; i++, json->at++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = json->at < json->end && *json->at != '\0'
                                ? strchr(digits, *json->at)
                                : NULL;
        if (digit == NULL) {
            return 0;
        }
        *code = *code << 4 | ((unsigned)(digit - digits) & 15);
    }
    return 1;
}

/* After \u: the code, of two such for what UTF-16 needs two for. */
static int
unicode_parse(json_t *json, unsigned *code)
{
    unsigned low;

    if (!hex_parse(json, code) || *code == 0 || (*code & 0xfc00) == 0xdc00) {
        return 0;
    }
    if ((*code & 0xfc00) == 0xd800) {
        if (!word_accept(json, "\\u") || !hex_parse(json, &low) ||
            (low & 0xfc00) != 0xdc00) {
            return 0;
        }
        *code = 0x10000 + ((*code & 0x3ff) << 10 | (low & 0x3ff));
    }
    return 1;
}

static char *
utf8_put(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    }
    else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        }
        else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* After the backslash. */
static char *
escape_parse(char *to, json_t *json)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    unsigned code;

    if (json->at == json->end || *json->at == '\0') {
        return NULL;
    }
    if (*json->at == 'u') {
        json->at++;
        return unicode_parse(json, &code) ? utf8_put(to, code) : NULL;
    }
    letter = strchr(letters, *json->at);
    if (letter == NULL) {
        return NULL;
    }
    json->at++;
    *to++ = meant[letter - letters];
    return to;
}

/* A text, into json->text: never longer than how it is written. */
static int
text_parse(json_t *json)
{
    char *to = json->text;

    if (json->at == json->end || *json->at != '"') {
        return 0;
    }
    json->at++;
    while (json->at < json->end && *json->at != '"') {
        if ((unsigned char)*json->at < ' ') {
            return 0;
        }
        if (*json->at != '\\') {
            *to++ = *json->at++;
            continue;
        }
        json->at++;
        to = escape_parse(to, json);
        if (to == NULL) {
            return 0;
        }
    }
    *to = '\0';
    return word_accept(json, "\"");
}

/* ------------------------------------------------------------------ numbers */

static int
digits_skip(json_t *json)
{
    const char *from = json->at;

    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
        json->at++;
    }
    return json->at > from;
}

static apr_status_t
number_parse(mproc_datum_t **datum, json_t *json, apr_pool_t *pool)
{
    const char *from = json->at;
    char number[64];
    apr_size_t size;
    int whole = 1, digits;

    word_accept(json, "-");
    digits = word_accept(json, "0") || digits_skip(json);
    if (digits && word_accept(json, ".")) {
        whole = 0;
        digits = digits_skip(json);
    }
    if (digits && (word_accept(json, "e") || word_accept(json, "E"))) {
        whole = 0;
        (void)(word_accept(json, "+") || word_accept(json, "-"));
        digits = digits_skip(json);
    }
    size = (apr_size_t)(json->at - from);
    if (!digits || size >= sizeof number) {
        return MPROC_EFORMAT;
    }
    memcpy(number, from, size);
    number[size] = '\0';
    return whole && size < 19 /* surely fits */
               ? mproc_datum_create_int(datum, strtoll(number, NULL, 10), pool)
               : mproc_datum_create_double(datum, strtod(number, NULL), pool);
}

/* --------------------------------------------------------- lists and objects
 */

static apr_status_t
item_parse(mproc_datum_t *list, json_t *json)
{
    mproc_datum_t *item;
    apr_status_t rv = value_parse(&item, json, NULL);

    if (rv == APR_SUCCESS) {
        rv = mproc_datum_append(list, item);
        mproc_datum_destroy(item);
    }
    return rv;
}

static apr_status_t
list_parse(mproc_datum_t **list, json_t *json, apr_pool_t *pool)
{
    apr_status_t rv = mproc_datum_create_list(list, pool);

    if (rv != APR_SUCCESS || char_accept(json, ']')) {
        return rv;
    }
    do {
        rv = item_parse(*list, json);
    } while (rv == APR_SUCCESS && char_accept(json, ','));
    return rv == APR_SUCCESS && !char_accept(json, ']') ? MPROC_EFORMAT : rv;
}

static apr_status_t
member_parse(mproc_datum_t *map, json_t *json)
{
    mproc_datum_t *value;
    apr_status_t rv;
    char *key;

    if (!text_parse(json)) {
        return MPROC_EFORMAT;
    }
    key = malloc(strlen(json->text) + 1);
    if (key == NULL) {
        return APR_ENOMEM;
    }
    strcpy(key, json->text);
    rv = char_accept(json, ':') ? value_parse(&value, json, NULL)
                                : MPROC_EFORMAT;
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_set(map, key, value);
        mproc_datum_destroy(value);
    }
    free(key);
    return rv;
}

static apr_status_t
object_parse(mproc_datum_t **map, json_t *json, apr_pool_t *pool)
{
    apr_status_t rv = mproc_datum_create_map(map, pool);

    if (rv != APR_SUCCESS || char_accept(json, '}')) {
        return rv;
    }
    do {
        rv = member_parse(*map, json);
    } while (rv == APR_SUCCESS && char_accept(json, ','));
    return rv == APR_SUCCESS && !char_accept(json, '}') ? MPROC_EFORMAT : rv;
}

/* ------------------------------------------------------------------- values */

static apr_status_t
nested_parse(mproc_datum_t **datum, json_t *json, apr_pool_t *pool)
{
    int list = *json->at == '[';
    apr_status_t rv;

    if (++json->depth > DEPTH_MOST) {
        return MPROC_EFORMAT;
    }
    char_accept(json, *json->at);
    *datum = NULL;
    rv = list ? list_parse(datum, json, pool) : object_parse(datum, json, pool);
    json->depth--;
    if (rv != APR_SUCCESS) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
    }
    return rv;
}

static apr_status_t
value_parse(mproc_datum_t **datum, json_t *json, apr_pool_t *pool)
{
    if (json->at == json->end) {
        return MPROC_EFORMAT;
    }
    switch (*json->at) {
    case '{':
    case '[':
        return nested_parse(datum, json, pool);
    case '"':
        return text_parse(json)
                   ? mproc_datum_create_text(datum, json->text, pool)
                   : MPROC_EFORMAT;
    case 'n':
        return word_accept(json, "null") ? mproc_datum_create_nil(datum, pool)
                                         : MPROC_EFORMAT;
    case 't':
        return word_accept(json, "true")
                   ? mproc_datum_create_bool(datum, 1, pool)
                   : MPROC_EFORMAT;
    case 'f':
        return word_accept(json, "false")
                   ? mproc_datum_create_bool(datum, 0, pool)
                   : MPROC_EFORMAT;
    default:
        return number_parse(datum, json, pool);
    }
}

apr_status_t
json_parse(mproc_datum_t **datum, const char *text, apr_size_t size,
           apr_size_t *where, apr_pool_t *pool)
{
    json_t json = {text, text, text + size, 0, malloc(size + 1)};
    apr_status_t rv;

    if (json.text == NULL) {
        return APR_ENOMEM;
    }
    blanks_skip(&json);
    rv = value_parse(datum, &json, pool);
    blanks_skip(&json);
    if (rv == APR_SUCCESS && json.at < json.end) {
        mproc_datum_destroy(*datum);
        *datum = NULL;
        rv = MPROC_EFORMAT;
    }
    *where = (apr_size_t)(json.at - json.start);
    free(json.text);
    return rv;
}
