/* list.c: the tests that are to be run, from lines or from CTest's JSON. */
#include "list.h"
#include "json.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include <stdio.h>
#include <string.h>

/* Properties by which CTest judges or orders tests in ways that are not
 * known here: told of, not obeyed. */
static const char *const not_obeyed[] = {
    "DEPENDS",           "ENVIRONMENT_MODIFICATION", "FAIL_REGULAR_EXPRESSION",
    "FIXTURES_REQUIRED", "PASS_REGULAR_EXPRESSION",  "REQUIRED_FILES",
    "RESOURCE_LOCK",     "SKIP_REGULAR_EXPRESSION",  NULL};

static char *
file_read(apr_size_t *size, const char *path, const char *name,
          apr_pool_t *pool)
{
    apr_size_t room = 64 << 10;
    char text[200], *all = apr_palloc(pool, room), *more;
    apr_file_t *file;
    apr_status_t rv = path == NULL ? apr_file_open_stdin(&file, pool)
                                   : apr_file_open(&file, path, APR_FOPEN_READ,
                                                   APR_FPROT_OS_DEFAULT, pool);

    *size = 0;
    while (rv == APR_SUCCESS) {
        apr_size_t got;

        rv = apr_file_read_full(file, all + *size, room - *size - 1, &got);
        *size += got;
        if (rv == APR_SUCCESS) {
            more = apr_palloc(pool, 2 * room);
            memcpy(more, all, *size);
            all = more;
            room *= 2;
        }
    }
    if (rv != APR_EOF) {
        fprintf(stderr, "buildfarm: %s: %s\n", name,
                apr_strerror(rv, text, sizeof text));
        return NULL;
    }
    all[*size] = '\0';
    return all;
}

static test_t *
test_push(apr_array_header_t *tests)
{
    test_t *test = apr_array_push(tests);

    memset(test, 0, sizeof *test);
    test->directory = "";
    test->timeout = -1;
    test->skip_code = -1;
    return test;
}

/* -------------------------------------------------------------------- lines */

static apr_status_t
line_add(apr_array_header_t *tests, const char *line, apr_pool_t *pool)
{
    mproc_datum_t *list, *text;
    test_t *test;
    apr_status_t rv = mproc_datum_create_list(&list, pool);

    if (rv == APR_SUCCESS) {
        rv = mproc_datum_create_text(&text, line, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = mproc_datum_append(list, text);
    }
    if (rv == APR_SUCCESS) {
        test = test_push(tests);
        test->name = line;
        test->command = list;
        test->shell = 1;
    }
    return rv;
}

static apr_status_t
lines_add(apr_array_header_t *tests, char *text, apr_pool_t *pool)
{
    char *line, *next;
    apr_status_t rv = APR_SUCCESS;

    for (line = text; rv == APR_SUCCESS && line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        line += strspn(line, " \t\r");
        line[strcspn(line, "\r")] = '\0';
        if (line[0] != '\0' && line[0] != '#') {
            rv = line_add(tests, line, pool);
        }
    }
    return rv;
}

/* ------------------------------------------------------------- CTest's JSON */

static int
is_true(const mproc_datum_t *value)
{
    int truth = 0;

    return mproc_datum_as_bool(value, &truth) == APR_SUCCESS && truth;
}

static void
property_tell(const test_t *test, const char *name)
{
    int i;

    for (i = 0; not_obeyed[i] != NULL; i++) {
        if (strcmp(name, not_obeyed[i]) == 0) {
            fprintf(stderr, "buildfarm: %s: %s is not obeyed\n", test->name,
                    name);
        }
    }
}

static void
property_read(test_t *test, const char *name, const mproc_datum_t *value)
{
    apr_int64_t number;
    double seconds;

    if (strcmp(name, "WORKING_DIRECTORY") == 0) {
        mproc_datum_as_text(value, &test->directory);
    }
    else if (strcmp(name, "TIMEOUT") == 0) {
        if (mproc_datum_as_double(value, &seconds) == APR_SUCCESS &&
            seconds >= 0 && seconds < 1e9) {
            test->timeout = (apr_interval_time_t)(seconds * APR_USEC_PER_SEC);
        }
    }
    else if (strcmp(name, "SKIP_RETURN_CODE") == 0) {
        if (mproc_datum_as_int64(value, &number) == APR_SUCCESS) {
            test->skip_code = (int)number;
        }
    }
    else if (strcmp(name, "ENVIRONMENT") == 0) {
        test->environment = value;
    }
    else if (strcmp(name, "RUN_SERIAL") == 0) {
        test->serial = is_true(value);
    }
    else if (strcmp(name, "WILL_FAIL") == 0) {
        test->will_fail = is_true(value);
    }
    else if (strcmp(name, "DISABLED") == 0) {
        test->disabled = is_true(value);
    }
    else {
        property_tell(test, name);
    }
}

/* Whether it is a list of texts. */
static int
texts_are(const mproc_datum_t *list)
{
    const char *text;
    apr_size_t i;

    if (list == NULL || mproc_datum_type(list) != MPROC_DATUM_LIST) {
        return 0;
    }
    for (i = 0; i < mproc_datum_size(list); i++) {
        if (mproc_datum_as_text(mproc_datum_at(list, i), &text) !=
            APR_SUCCESS) {
            return 0;
        }
    }
    return 1;
}

static int
test_add(apr_array_header_t *tests, const mproc_datum_t *from)
{
    const mproc_datum_t *properties, *property;
    const char *name;
    test_t *test;
    apr_size_t i;

    if (from == NULL || mproc_datum_type(from) != MPROC_DATUM_MAP ||
        mproc_datum_as_text(mproc_datum_find(from, "name"), &name) !=
            APR_SUCCESS) {
        return 0;
    }
    test = test_push(tests);
    test->name = name;
    test->command = mproc_datum_find(from, "command");
    properties = mproc_datum_find(from, "properties");
    for (i = 0; properties != NULL && i < mproc_datum_size(properties); i++) {
        property = mproc_datum_at(properties, i);
        if (property != NULL && mproc_datum_type(property) == MPROC_DATUM_MAP &&
            mproc_datum_as_text(mproc_datum_find(property, "name"), &name) ==
                APR_SUCCESS) {
            property_read(test, name, mproc_datum_find(property, "value"));
        }
    }
    return (test->command == NULL || (mproc_datum_size(test->command) > 0 &&
                                      texts_are(test->command))) &&
           (test->environment == NULL || texts_are(test->environment));
}

static apr_status_t
json_add(apr_array_header_t *tests, const char *text, apr_size_t size,
         const char *path, apr_pool_t *pool)
{
    const mproc_datum_t *list;
    mproc_datum_t *all;
    apr_size_t i, where;
    apr_status_t rv = json_parse(&all, text, size, &where, pool);

    if (rv == MPROC_EFORMAT) {
        fprintf(stderr, "buildfarm: %s: not JSON at byte %u\n", path,
                (unsigned)where);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    list = mproc_datum_find(all, "tests");
    if (list == NULL || mproc_datum_type(list) != MPROC_DATUM_LIST) {
        fprintf(stderr, "buildfarm: %s: has no list \"tests\"\n", path);
        return MPROC_EFORMAT;
    }
    for (i = 0; i < mproc_datum_size(list); i++) {
        if (!test_add(tests, mproc_datum_at(list, i))) {
            fprintf(stderr, "buildfarm: %s: test %u is not as CTest's are\n",
                    path, (unsigned)i + 1);
            return MPROC_EFORMAT;
        }
    }
    return APR_SUCCESS;
}

apr_array_header_t *
list_read(const char *path, apr_pool_t *pool)
{
    apr_array_header_t *tests = apr_array_make(pool, 64, sizeof(test_t));
    apr_size_t size;
    const char *name = path != NULL ? path : "standard input";
    char *text = file_read(&size, path, name, pool);
    apr_status_t rv;

    if (text == NULL) {
        return NULL;
    }
    rv = text[strspn(text, " \t\r\n")] == '{'
             ? json_add(tests, text, size, name, pool)
             : lines_add(tests, text, pool);
    return rv == APR_SUCCESS ? tests : NULL;
}
