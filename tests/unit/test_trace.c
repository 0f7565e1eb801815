/* test_trace.c: the timeline that MPROC_TRACE asks for. */
#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "json.h"
#include "program.h"

static const char *
trace_path(apr_pool_t *pool)
{
    const char *folder;
    char *path;
    apr_file_t *file;
    REQUIRE_STATUS(APR_SUCCESS, apr_temp_dir_get(&folder, pool));
    path = apr_pstrcat(pool, folder, "/trace-XXXXXX", NULL);
    REQUIRE_STATUS(
        APR_SUCCESS,
        apr_file_mktemp(&file, path,
                        APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL,
                        pool));
    /* What an older run left there. */
    apr_file_puts("old", file);
    apr_file_close(file);
    return path;
}

static int
traced_run(program_t *program, const char *path, apr_pool_t *pool)
{
    const char *args[] = {method_name(), NULL};
    REQUIRE_STATUS(APR_SUCCESS, apr_env_set("MPROC_TRACE", path, pool));
    program_start(program, test_program("trace_main", pool), args, pool);
    apr_env_delete("MPROC_TRACE", pool);
    return program_end(program);
}

static const char *
file_text(const char *path, apr_pool_t *pool)
{
    enum {
        MOST = 100000
    };
    char *text = apr_pcalloc(pool, MOST);
    apr_size_t size = 0;
    apr_file_t *file;
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                                 APR_FPROT_OS_DEFAULT, pool));
    apr_file_read_full(file, text, MOST - 1, &size);
    apr_file_close(file);
    return text;
}

/* The line of an event of that name, of that process; NULL: there is none. */
static const char *
event_find(const char *text, const char *name, apr_int64_t pid,
           apr_pool_t *pool)
{
    const char *key = apr_psprintf(pool, "{\"name\":\"%s\",", name);
    const char *who = apr_psprintf(pool, "\"pid\":%" APR_INT64_T_FMT ",", pid);
    while ((text = strstr(text, key)) != NULL) {
        const char *end = strchr(text, '\n');
        const char *line = apr_pstrmemdup(pool, text, (apr_size_t)(end - text));
        if (strstr(line, who) != NULL) {
            return line;
        }
        text = end;
    }
    return NULL;
}

static apr_int64_t
event_number(const char *line, const char *key)
{
    const char *found = line != NULL ? strstr(line, key) : NULL;
    return found != NULL ? apr_atoi64(found + strlen(key)) : -1;
}

static void
a_timeline(apr_pool_t *pool)
{
    const char *path = trace_path(pool), *text, *life, *wait, *death;
    apr_int64_t waiter, victim;
    program_t program;
    CHECK_INT(0, traced_run(&program, path, pool));
    waiter = program_number(&program, "waiter=");
    victim = program_number(&program, "victim=");
    text = file_text(path, pool);
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
    CHECK(json_is_valid(text));
    life = event_find(text, "waiter", waiter, pool);
    wait = event_find(text, "wait: lock", waiter, pool);
    REQUIRE(life != NULL && wait != NULL);
    /* Its 20 ms began a little before it lay down. */
    CHECK(event_number(wait, "\"dur\":") >= 10 * 1000);
    CHECK(event_number(life, "\"ts\":") <= event_number(wait, "\"ts\":"));
    CHECK(event_number(life, "\"dur\":") >= event_number(wait, "\"dur\":"));
    CHECK(strstr(life, "\"code\":0") != NULL);
    life = event_find(text, "the \\\"victim\\\"", victim, pool);
    death = event_find(text, "killed", victim, pool);
    REQUIRE(life != NULL && death != NULL);
    CHECK(strstr(death, "\"ph\":\"i\"") != NULL);
    CHECK_INT(event_number(life, "\"ts\":") + event_number(life, "\"dur\":"),
              event_number(death, "\"ts\":"));
    CHECK(event_find(text, "process_name", waiter, pool) != NULL);
    CHECK(event_find(text, "process_name", victim, pool) != NULL);
}

/* A trace that cannot be written changes nothing. */
static void
a_bad_path_harms_nothing(apr_pool_t *pool)
{
    program_t program;
    const char *path = trace_path(pool);
    CHECK_INT(
        0, traced_run(&program, apr_pstrcat(pool, path, "/none", NULL), pool));
    CHECK_TEXT("old", file_text(path, pool));
    CHECK_STATUS(APR_SUCCESS, apr_file_remove(path, pool));
}

static const test_case_t cases[] = {
    {"a_timeline", a_timeline},
    {"a_bad_path_harms_nothing", a_bad_path_harms_nothing},
    {NULL, NULL}};

const test_suite_t suite_trace = {"trace", 1, cases};
