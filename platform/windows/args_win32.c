/*
 * args_win32.c: argv and environment, as a new process takes them.
 *
 * The hard thing: a process gets one line, not a list. It is the C runtime
 * of the child that splits it, and backslashes mean themselves unless a
 * quote follows them.
 */
#include "win32.h"

#include <stdlib.h>
#include <string.h>

/* A program without it cannot open a socket or get random bytes. */
static const wchar_t system_root[] = L"SystemRoot";

/* Write one argument, quoted; return where it ends. */
static char *
argument_quote(char *out, const char *text)
{
    apr_size_t slashes = 0;

    *out++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            slashes++;
        }
        else {
            if (*text == '"') {
                /* The slashes before a quote once more, and one for it. */
                memset(out, '\\', slashes + 1);
                out += slashes + 1;
            }
            slashes = 0;
        }
        *out++ = *text;
    }
    memset(out, '\\', slashes);
    out += slashes;
    *out++ = '"';
    return out;
}

/* The program's name: no escapes there, quotes only hold it together. */
static char *
program_quote(char *out, const char *text)
{
    apr_size_t length = strlen(text);

    *out++ = '"';
    memcpy(out, text, length);
    out += length;
    *out++ = '"';
    return out;
}

apr_status_t
mproc__win32_command_line(wchar_t **line, const char *const *argv,
                          apr_pool_t *pool)
{
    apr_size_t room = 1;
    char *text, *out;
    int i;

    *line = NULL;
    if (argv == NULL || argv[0] == NULL || strchr(argv[0], '"') != NULL) {
        return APR_EINVAL;
    }
    for (i = 0; argv[i] != NULL; i++) {
        room += 2 * strlen(argv[i]) + 3;
    }
    text = out = apr_palloc(pool, room);
    if (text == NULL) {
        return APR_ENOMEM;
    }
    out = program_quote(out, argv[0]);
    for (i = 1; argv[i] != NULL; i++) {
        *out++ = ' ';
        if (argv[i][0] != '\0' && strpbrk(argv[i], " \t\n\v\"") == NULL) {
            apr_size_t length = strlen(argv[i]);
            memcpy(out, argv[i], length);
            out += length;
        }
        else {
            out = argument_quote(out, argv[i]);
        }
    }
    *out = '\0';
    return mproc__win32_wide(line, text, pool);
}

/* How long a variable's name is. Names may begin with '='. */
static int
name_length(const wchar_t *variable)
{
    const wchar_t *end;

    if (variable[0] == L'\0') {
        return 0;
    }
    end = wcschr(variable + 1, L'=');
    return end != NULL ? (int)(end - variable) : 0;
}

static int
name_compare(const wchar_t *a, int a_length, const wchar_t *b, int b_length)
{
    return CompareStringOrdinal(a, a_length, b, b_length, TRUE) - CSTR_EQUAL;
}

/* A variable, and where it stood: of two with one name the first counts. */
typedef struct variable_t {
    const wchar_t *text;
    int name;
    int place;
} variable_t;

static int
variable_compare(const void *a, const void *b)
{
    const variable_t *left = a;
    const variable_t *right = b;
    int order = name_compare(left->text, left->name, right->text, right->name);

    return order != 0 ? order : left->place - right->place;
}

/* Give the block SystemRoot where the caller did not. */
static apr_status_t
variables_complete(variable_t *variables, int *count, apr_pool_t *pool)
{
    wchar_t value[MAX_PATH];
    wchar_t *text;
    int length = (int)wcslen(system_root);
    DWORD size;
    int i;

    for (i = 0; i < *count; i++) {
        if (name_compare(variables[i].text, variables[i].name, system_root,
                         length) == 0) {
            return APR_SUCCESS;
        }
    }
    size = GetEnvironmentVariableW(system_root, value, MAX_PATH);
    if (size == 0 || size >= MAX_PATH) {
        return APR_SUCCESS;
    }
    text = apr_palloc(pool, (length + size + 2) * sizeof *text);
    if (text == NULL) {
        return APR_ENOMEM;
    }
    memcpy(text, system_root, length * sizeof *text);
    text[length] = L'=';
    memcpy(text + length + 1, value, (size + 1) * sizeof *text);
    variables[*count].text = text;
    variables[*count].name = length;
    variables[*count].place = *count;
    ++*count;
    return APR_SUCCESS;
}

/* Put sorted variables one behind the other. */
static apr_status_t
variables_join(wchar_t **block, const variable_t *variables, int count,
               apr_pool_t *pool)
{
    apr_size_t room = 2;
    wchar_t *out;
    int i;

    for (i = 0; i < count; i++) {
        room += wcslen(variables[i].text) + 1;
    }
    *block = out = apr_palloc(pool, room * sizeof *out);
    if (out == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0; i < count; i++) {
        apr_size_t length = wcslen(variables[i].text) + 1;
        memcpy(out, variables[i].text, length * sizeof *out);
        out += length;
    }
    out[0] = L'\0';
    out[1] = L'\0';
    return APR_SUCCESS;
}

apr_status_t
mproc__win32_environment(wchar_t **block, const char *const *environment,
                         apr_pool_t *pool)
{
    variable_t *variables;
    int count = 0;
    int i;

    *block = NULL;
    while (environment[count] != NULL) {
        count++;
    }
    variables = apr_palloc(pool, (count + 1) * sizeof *variables);
    if (variables == NULL) {
        return APR_ENOMEM;
    }
    count = 0;
    for (i = 0; environment[i] != NULL; i++) {
        wchar_t *text;
        apr_status_t rv = mproc__win32_wide(&text, environment[i], pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        /* What is no "NAME=value" cannot be told from a variable's end. */
        if (name_length(text) > 0) {
            variables[count].text = text;
            variables[count].name = name_length(text);
            variables[count].place = count;
            count++;
        }
    }
    if (variables_complete(variables, &count, pool) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    qsort(variables, count, sizeof *variables, variable_compare);
    return variables_join(block, variables, count, pool);
}
