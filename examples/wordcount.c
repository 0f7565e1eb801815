/*
 * wordcount.c: count the words of files and folders, in parallel.
 *
 * The result is, byte for byte in the C locale, that of
 *   cat FILES | tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' |
 *   sort | uniq -c | sort -rn
 *
 * In wordcount/: files.c finds the files, job.c hands pieces of them to the
 * workers of a pool, piece.c counts one, table.c is the hash table.
 */
#include "wordcount/job.h"

#include <mproc.h>

#include <apr_file_io.h>
#include <apr_getopt.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_FAULT = 1,
    EXIT_USAGE = 2
};

typedef struct options_t {
    mproc_pool_options_t workers;
    const char *const *names;
    int name_count;
} options_t;

/* Through APR, not stdio: a line must end in one byte on every system. */
static apr_status_t
table_print(const table_t *table, apr_pool_t *pool)
{
    word_t *words = table_sorted(table);
    apr_file_t *out;
    apr_size_t i;
    apr_status_t rv =
        apr_file_open_flags_stdout(&out, APR_FOPEN_BUFFERED, pool);

    if (words == NULL) {
        return APR_ENOMEM;
    }
    for (i = 0; rv == APR_SUCCESS && i < table_size(table); i++) {
        char count[32];
        int length = snprintf(count, sizeof count, "%7llu ",
                              (unsigned long long)words[i].count);
        rv = apr_file_write_full(out, count, (apr_size_t)length, NULL);
        if (rv == APR_SUCCESS) {
            rv = apr_file_write_full(out, words[i].text, words[i].length, NULL);
        }
        if (rv == APR_SUCCESS) {
            rv = apr_file_putc('\n', out);
        }
    }
    free(words);
    return rv == APR_SUCCESS ? apr_file_flush(out) : rv;
}

static void
usage_print(FILE *to)
{
    fputs("usage: wordcount [options] FILE-OR-FOLDER...\n"
          "Counts the words of files, and of all files below folders, in\n"
          "parallel; prints them with their counts, most frequent first.\n"
          "  --start-method fork|spawn|forkserver   how workers start\n"
          "  --processes N                          how many workers; the\n"
          "                                         processors if not given\n"
          "  --help                                 print this\n"
          "Exit status: 0; 1 when something could not be read; 2 for wrong\n"
          "usage.\n",
          to);
}

static int
method_parse(mproc_start_method_e *method, const char *name)
{
    static const char *const names[] = {"fork", "spawn", "forkserver"};
    static const mproc_start_method_e methods[] = {
        MPROC_START_FORK, MPROC_START_SPAWN, MPROC_START_FORKSERVER};
    int i;

    for (i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *method = methods[i];
            return 1;
        }
    }
    fprintf(stderr, "wordcount: no such start method: %s\n", name);
    return 0;
}

static int
processes_parse(int *processes, const char *text)
{
    char *end;
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    if (end == text || *end != '\0' || number < 1 || number > 1024) {
        fprintf(stderr, "wordcount: --processes takes 1 to 1024, not %s\n",
                text);
        return 0;
    }
    *processes = (int)number;
    return 1;
}

/* Returns the exit status to end with, or -1 to go on. */
static int
options_parse(options_t *options, int argc, const char *const *argv,
              apr_pool_t *pool)
{
    static const apr_getopt_option_t known[] = {{"start-method", 'm', 1, NULL},
                                                {"processes", 'p', 1, NULL},
                                                {"help", 'h', 0, NULL},
                                                {NULL, 0, 0, NULL}};
    apr_getopt_t *parser;
    const char *value;
    int letter, good = 1;
    apr_status_t rv = apr_getopt_init(&parser, pool, argc, argv);

    if (rv != APR_SUCCESS) {
        return EXIT_FAULT;
    }
    parser->interleave = 1;
    while (good && (rv = apr_getopt_long(parser, known, &letter, &value)) ==
                       APR_SUCCESS) {
        if (letter == 'h') {
            usage_print(stdout);
            return 0;
        }
        good = letter == 'm'
                   ? method_parse(&options->workers.start_method, value)
                   : processes_parse(&options->workers.processes, value);
    }
    options->names = parser->argv + parser->ind;
    options->name_count = argc - parser->ind;
    if (!good || rv != APR_EOF || options->name_count == 0) {
        usage_print(stderr);
        return EXIT_USAGE;
    }
    return -1;
}

/* Say what went wrong; returns the exit status. */
static int
fault(apr_status_t status)
{
    char text[200];

    fprintf(stderr, "wordcount: %s. %s\n",
            mproc_strerror(status, text, sizeof text), mproc_error_detail());
    return EXIT_FAULT;
}

static int
names_count(const options_t *options, apr_pool_t *pool)
{
    job_t *job = job_create(pool);
    int i, status = 0;
    apr_status_t rv;

    if (job == NULL) {
        return fault(APR_ENOMEM);
    }
    for (i = 0; i < options->name_count; i++) {
        job_add(job, options->names[i]);
    }
    rv = job_run(job, &options->workers);
    if (rv == APR_SUCCESS) {
        rv = table_print(job_table(job), pool);
    }
    if (job_failures(job) > 0) {
        status = EXIT_FAULT;
    }
    job_destroy(job);
    return rv == APR_SUCCESS ? status : fault(rv);
}

int
main(int argc, const char *const *argv)
{
    options_t options = {0};
    apr_pool_t *pool;
    int status;
    apr_status_t rv = mproc_initialize(argc, argv);

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&pool, NULL);
    }
    if (rv != APR_SUCCESS) {
        return fault(rv);
    }
    status = options_parse(&options, argc, argv, pool);
    if (status < 0) {
        status = names_count(&options, pool);
    }
    apr_pool_destroy(pool);
    return status;
}
