/* program.h: run a program of tests/helpers, and see what it prints. */
#ifndef MPROC_TESTS_PROGRAM_H
#define MPROC_TESTS_PROGRAM_H

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "test.h"

typedef struct program_t {
    apr_proc_t proc;
    char text[16384]; /* both of its streams, as far as read */
    apr_size_t size;
} program_t;

/* The name of a method, for its arguments. */
static inline const char *
method_name(void)
{
    static const char *const names[] = {"default", "fork", "spawn",
                                        "forkserver"};
    return names[test_method()];
}

/* With a text as its input. */
static inline void
program_begin(program_t *program, const char *path, const char *const *args,
              const char *input, apr_pool_t *pool)
{
    const char *argv[16] = {path};
    apr_procattr_t *attributes;
    for (int i = 0; args[i] != NULL && i < 14; i++) {
        argv[i + 1] = args[i];
    }
    memset(program, 0, sizeof *program);
    REQUIRE_STATUS(APR_SUCCESS, apr_procattr_create(&attributes, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_io_set(attributes, APR_FULL_BLOCK,
                                       APR_FULL_BLOCK, APR_FULL_BLOCK));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV));
    REQUIRE_STATUS(APR_SUCCESS, apr_proc_create(&program->proc, path, argv,
                                                NULL, attributes, pool));
    apr_file_puts(input, program->proc.in);
    apr_file_close(program->proc.in);
}

static inline void
program_start(program_t *program, const char *path, const char *const *args,
              apr_pool_t *pool)
{
    program_begin(program, path, args, "", pool);
}

static inline void
program_read(program_t *program, apr_file_t *from)
{
    apr_size_t size;
    do {
        size = sizeof program->text - 1 - program->size;
        if (apr_file_read(from, program->text + program->size, &size) !=
            APR_SUCCESS) {
            break;
        }
        program->size += size;
    } while (program->size < sizeof program->text - 1);
    program->text[program->size] = '\0';
}

/* Read until the text has come; it is in one of the first lines. */
static inline void
program_await(program_t *program, const char *text)
{
    while (strstr(program->text, text) == NULL) {
        apr_size_t size = 1;
        REQUIRE(program->size < sizeof program->text - 2);
        REQUIRE_STATUS(APR_SUCCESS,
                       apr_file_read(program->proc.out,
                                     program->text + program->size, &size));
        program->text[++program->size] = '\0';
    }
}

/* A number that it has printed as "KEY=NUMBER". */
static inline apr_int64_t
program_number(const program_t *program, const char *key)
{
    const char *found = strstr(program->text, key);
    return found != NULL ? apr_atoi64(found + strlen(key)) : -1;
}

/* Its exit code, or -N when signal N ended it. */
static inline int
program_end(program_t *program)
{
    apr_exit_why_e why;
    int code = -1000;
    program_read(program, program->proc.out);
    program_read(program, program->proc.err);
    apr_file_close(program->proc.out);
    apr_file_close(program->proc.err);
    apr_proc_wait(&program->proc, &code, &why, APR_WAIT);
    return why == APR_PROC_EXIT ? code : -code;
}

/* Wait until a process that is not ours to wait for has gone. */
static inline int
process_gone(apr_int64_t pid)
{
    apr_time_t deadline = mproc_clock() + test_deadline();
    while (test_pid_exists(pid) && mproc_clock() < deadline) {
        apr_sleep(1000);
    }
    return !test_pid_exists(pid);
}

#endif
