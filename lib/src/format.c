/*
 * format.c: the letters that mproc_pack() and mproc_unpack() read.
 *
 * A format is checked as a whole first, so that a bad one packs nothing,
 * sets nothing and takes no argument.
 */
#include "format.h"

#include "error.h"
#include "wire.h"

#include <string.h>

/* What may come next in a bracket; lists stay at VALUE. */
typedef enum expect_e {
    EXPECT_KEY,
    EXPECT_COLON,
    EXPECT_VALUE
} expect_e;

typedef struct level_t {
    char bracket;
    expect_e expect;
} level_t;

typedef struct checker_t {
    int packing;
    int depth;
    level_t levels[MPROC__NESTING_MAX + 1]; /* the first is the top */
} checker_t;

static int
is_blank(char c)
{
    return c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r';
}

/* A value begins: move its bracket on. NULL, or what is wrong. */
static const char *
value_check(level_t *level)
{
    if (level->expect == EXPECT_COLON) {
        return "a ':' must stand between key and value";
    }
    if (level->bracket == '{') {
        level->expect = level->expect == EXPECT_KEY ? EXPECT_COLON : EXPECT_KEY;
    }
    return NULL;
}

static const char *
open_check(checker_t *checker, char bracket)
{
    const char *wrong = value_check(&checker->levels[checker->depth]);

    if (wrong != NULL) {
        return wrong;
    }
    if (checker->depth == MPROC__NESTING_MAX) {
        return "brackets may be nested 64 levels deep, no more";
    }
    checker->depth++;
    checker->levels[checker->depth].bracket = bracket;
    checker->levels[checker->depth].expect =
        bracket == '{' ? EXPECT_KEY : EXPECT_VALUE;
    return NULL;
}

static const char *
close_check(checker_t *checker, char bracket)
{
    const level_t *level = &checker->levels[checker->depth];

    if (level->bracket != (bracket == ']' ? '[' : '{')) {
        return "this bracket closes none that is open";
    }
    if (level->bracket == '{' && level->expect != EXPECT_KEY) {
        return "the last key has no value";
    }
    checker->depth--;
    return NULL;
}

static const char *
letter_check(checker_t *checker, char c)
{
    level_t *level = &checker->levels[checker->depth];

    switch (c) {
    case '[':
    case '{':
        return open_check(checker, c);
    case ']':
    case '}':
        return close_check(checker, c);
    case ':':
        if (level->bracket != '{' || level->expect != EXPECT_COLON) {
            return "a ':' belongs behind a key of a map";
        }
        level->expect = EXPECT_VALUE;
        return NULL;
    case '*':
        if (checker->packing) {
            return "'*' skips a value and cannot pack one";
        }
        return value_check(level);
    default:
        if (strchr("nbiuIUdsyov", c) == NULL) {
            return "the letters are n b i u I U d s y o v, [ ] { : } and *";
        }
        return value_check(level);
    }
}

apr_status_t
mproc__format_check(const char *format, int packing)
{
    checker_t checker;
    const char *wrong = NULL;
    const char *at;

    checker.packing = packing;
    checker.depth = 0;
    checker.levels[0].bracket = '\0';
    checker.levels[0].expect = EXPECT_VALUE;
    for (at = format; *at != '\0' && wrong == NULL; at++) {
        if (!is_blank(*at)) {
            wrong = letter_check(&checker, *at);
        }
    }
    if (wrong == NULL && checker.depth > 0) {
        at++;
        wrong = "a bracket is open at the end";
    }
    if (wrong == NULL) {
        return APR_SUCCESS;
    }
    return mproc__fail(APR_EINVAL,
                       "cannot %s with the format \"%.100s\": at character "
                       "%d: %s",
                       packing ? "pack" : "unpack", format, (int)(at - format),
                       wrong);
}

char
mproc__format_next(const char **at)
{
    while (is_blank(**at) || **at == ':') {
        (*at)++;
    }
    return **at == '\0' ? '\0' : *(*at)++;
}

apr_size_t
mproc__format_count(const char *at)
{
    apr_size_t count = 0;
    int depth = 0;
    char c;

    while (depth >= 0 && (c = mproc__format_next(&at)) != '\0') {
        if (c == ']' || c == '}') {
            depth--;
        }
        else {
            count += depth == 0;
            depth += c == '[' || c == '{';
        }
    }
    return count;
}
