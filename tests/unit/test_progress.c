/* test_progress.c: the progress line. */
#include <string.h>

#include <apr_file_io.h>
#include <apr_thread_proc.h>

#include "test.h"

#include "../../lib/src/progress.h"

#define SECONDS(n) ((apr_interval_time_t)(n)*APR_USEC_PER_SEC)

static void
check_text(const char *expected, apr_size_t done, apr_size_t count,
           apr_interval_time_t spent)
{
    char text[200];
    mproc__progress_text(text, sizeof text, "work ", done, count, spent);
    CHECK_TEXT(expected, text);
}

static void
what_it_says(apr_pool_t *pool)
{
    char text[10];
    (void)pool;
    check_text("work 0/10 (0%)", 0, 10, 0);
    check_text("work 0/10 (0%)", 0, 10, SECONDS(5));
    check_text("work 1/10 (10%) 0.5/s, 0:18 left", 1, 10, SECONDS(2));
    check_text("work 999/1000 (99%) 9.0/s, 0:00 left", 999, 1000, SECONDS(111));
    check_text("work 1/10000 (0%) 1.0/s, 2:46:39 left", 1, 10000, SECONDS(1));
    check_text("work 10/10 (100%) 0.2/s, 1:00", 10, 10, SECONDS(60));
    check_text("work 7 3.5/s, 0:02", 7, 0, SECONDS(2));
    check_text("work 0, 0:00", 0, 0, 0);
    mproc__progress_text(text, sizeof text, "long enough ", 1, 2, SECONDS(1));
    CHECK_TEXT("long enou", text);
}

/* A file is not looked at while it grows. */
static void
silent_without_a_terminal(apr_pool_t *pool)
{
    mproc_progress_t *line;
    apr_file_t *in, *out;
    char byte;
    apr_size_t size = 1;
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_file_pipe_create_ex(&in, &out, APR_FULL_BLOCK, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_progress_create(&line, "work", out, pool));
    mproc_progress_show(1, 2, line);
    mproc_progress_show(2, 2, line);
    mproc_progress_clear(line);
    mproc_progress_end(line);
    apr_file_close(out);
    CHECK_STATUS(APR_EOF, apr_file_read(in, &byte, &size));
    apr_file_close(in);
}

static void
misuse_is_a_status(apr_pool_t *pool)
{
    mproc_progress_t *line = NULL;
    CHECK_STATUS(APR_EINVAL, mproc_progress_create(NULL, "", NULL, pool));
    CHECK_DETAIL("progress is NULL");
    CHECK_STATUS(APR_EINVAL, mproc_progress_create(&line, "", NULL, NULL));
    CHECK_DETAIL("pool is NULL");
    mproc_progress_show(1, 2, NULL);
    mproc_progress_clear(NULL);
    mproc_progress_end(NULL);
    CHECK_STATUS(APR_SUCCESS, mproc_progress_create(&line, NULL, NULL, pool));
    mproc_progress_end(line);
}

typedef struct screen_t {
    apr_file_t *terminal, *other;
    mproc_progress_t *line;
    char text[1000];
} screen_t;

static void
screen_open(screen_t *screen, int columns, apr_pool_t *pool)
{
    apr_status_t rv =
        test_terminal(&screen->terminal, &screen->other, columns, pool);
    if (rv == APR_ENOTIMPL) {
        test_skip("no terminal can be made here");
    }
    REQUIRE_STATUS(APR_SUCCESS, rv);
    REQUIRE_STATUS(APR_SUCCESS, mproc_progress_create(&screen->line, "work",
                                                      screen->terminal, pool));
}

/* What was written since. */
static const char *
screen_read(screen_t *screen)
{
    apr_size_t size = sizeof screen->text - 1;
    if (apr_file_read(screen->other, screen->text, &size) != APR_SUCCESS) {
        size = 0;
    }
    screen->text[size] = '\0';
    return screen->text;
}

static void
screen_close(screen_t *screen)
{
    apr_file_close(screen->terminal);
    apr_file_close(screen->other);
}

static void
one_line(apr_pool_t *pool)
{
    screen_t screen;
    int i;
    screen_open(&screen, 80, pool);
    mproc_progress_show(0, 10, screen.line);
    CHECK(strncmp(screen_read(&screen), "\rwork 0/10 (0%)", 15) == 0);
    CHECK(strchr(screen.text, '\n') == NULL);
    /* Too often. */
    mproc_progress_show(1, 10, screen.line);
    CHECK(strstr(screen_read(&screen), "1/10") == NULL);
    /* Again when the pause is over. */
    for (i = 0; i < 1000 && *screen_read(&screen) == '\0'; i++) {
        mproc_progress_show(1, 10, screen.line);
        apr_sleep(1000);
    }
    CHECK(strncmp(screen.text, "\rwork 1/10 (10%) ", 17) == 0);
    /* The end is never left out. */
    mproc_progress_show(10, 10, screen.line);
    CHECK(strncmp(screen_read(&screen), "\rwork 10/10 (100%) ", 19) == 0);
    mproc_progress_end(screen.line);
    CHECK_TEXT("\r\n", screen_read(&screen));
    mproc_progress_end(screen.line);
    CHECK_TEXT("", screen_read(&screen));
    screen_close(&screen);
}

static void
cleared(apr_pool_t *pool)
{
    screen_t screen;
    screen_open(&screen, 80, pool);
    mproc_progress_show(1, 10, screen.line);
    screen_read(&screen);
    mproc_progress_clear(screen.line);
    CHECK_TEXT("\r\033[K", screen_read(&screen));
    mproc_progress_clear(screen.line);
    CHECK_TEXT("", screen_read(&screen));
    /* At once: somebody has printed something. */
    mproc_progress_show(2, 10, screen.line);
    CHECK(strstr(screen_read(&screen), "2/10") != NULL);
    screen_close(&screen);
}

static void
a_narrow_terminal(apr_pool_t *pool)
{
    screen_t screen;
    screen_open(&screen, 9, pool);
    mproc_progress_show(1, 10, screen.line);
    CHECK_TEXT("\rwork 1/1\033[K", screen_read(&screen));
    screen_close(&screen);
}

static const test_case_t cases[] = {
    {"what_it_says", what_it_says},
    {"silent_without_a_terminal", silent_without_a_terminal},
    {"misuse_is_a_status", misuse_is_a_status},
    {"one_line", one_line},
    {"cleared", cleared},
    {"a_narrow_terminal", a_narrow_terminal},
    {NULL, NULL}};

const test_suite_t suite_progress = {"progress", 0, cases};
