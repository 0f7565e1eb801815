/* json.h: whether a text is JSON; no more is needed here. */
#ifndef MPROC_TESTS_JSON_H
#define MPROC_TESTS_JSON_H

#include <ctype.h>
#include <string.h>

static const char *json_value(const char *at, int depth);

static inline const char *
json_space(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r') {
        at++;
    }
    return at;
}

/* Each gives what is behind it; NULL: it is none. */
static inline const char *
json_string(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < ' ' || (unsigned char)*at > 126) {
            return NULL;
        }
        if (*at == '\\' && *++at == 'u') {
            for (int i = 0; i < 4; i++) {
                if (!isxdigit((unsigned char)*++at)) {
                    return NULL;
                }
            }
        }
    }
    return at + 1;
}

static inline const char *
json_number(const char *at)
{
    const char *begin = at += *at == '-';

    while (isdigit((unsigned char)*at)) {
        at++;
    }
    if (at == begin || (*begin == '0' && at > begin + 1)) {
        return NULL;
    }
    if (*at == '.') {
        begin = ++at;
        while (isdigit((unsigned char)*at)) {
            at++;
        }
    }
    return at == begin ? NULL : at;
}

/* Of an array or object, behind its bracket. */
static inline const char *
json_members(const char *at, char close, int depth)
{
    at = json_space(at);
    if (*at == close) {
        return at + 1;
    }
    for (;;) {
        if (close == '}') {
            at = json_string(json_space(at));
            if (at == NULL || *json_space(at) != ':') {
                return NULL;
            }
            at = json_space(at) + 1;
        }
        at = json_value(at, depth + 1);
        if (at == NULL) {
            return NULL;
        }
        at = json_space(at);
        if (*at == close) {
            return at + 1;
        }
        if (*at++ != ',') {
            return NULL;
        }
    }
}

static const char *
json_value(const char *at, int depth)
{
    static const char *const words[] = {"null", "true", "false"};

    at = json_space(at);
    if (depth > 20) {
        return NULL;
    }
    if (*at == '{' || *at == '[') {
        return json_members(at + 1, *at == '{' ? '}' : ']', depth);
    }
    if (*at == '"') {
        return json_string(at);
    }
    for (int i = 0; i < 3; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return at + strlen(words[i]);
        }
    }
    return json_number(at);
}

static inline int
json_is_valid(const char *text)
{
    const char *end = json_value(text, 0);

    return end != NULL && *json_space(end) == '\0';
}

#endif
