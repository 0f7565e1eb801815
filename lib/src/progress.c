/*
 * progress.c: a line on the terminal that tells how far the work is.
 */
#include "progress.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "../../platform/plat_terminal.h"
#include "error.h"

#define PAUSE (100 * 1000) /* microseconds between two lines */
#define LINE_MOST 512

struct mproc_progress_t {
    apr_file_t *file;
    const char *label;
    apr_int64_t pid;
    apr_time_t began, shown; /* shown: 0: not yet */
    int there;               /* a line is on the screen, not ended */
};

apr_status_t
mproc_progress_create(mproc_progress_t **progress, const char *label,
                      apr_file_t *file, apr_pool_t *pool)
{
    mproc_progress_t *line;
    char text[128];

    if (progress == NULL || pool == NULL) {
        return mproc__fail(APR_EINVAL,
                           "mproc_progress_create: %s is NULL; pass where the "
                           "line goes, and the pool that owns it",
                           progress == NULL ? "progress" : "pool");
    }
    *progress = NULL;
    if (file == NULL) {
        apr_status_t rv = apr_file_open_stderr(&file, pool);
        if (rv != APR_SUCCESS) {
            return mproc__fail(rv,
                               "mproc_progress_create: no standard error: "
                               "%s",
                               apr_strerror(rv, text, sizeof text));
        }
    }
    line = apr_pcalloc(pool, sizeof *line);
    if (line == NULL) {
        return mproc__fail(APR_ENOMEM,
                           "mproc_progress_create: memory is short");
    }
    line->file = file;
    line->label = label == NULL ? "" : apr_pstrcat(pool, label, " ", NULL);
    line->pid = mproc_plat_pid();
    line->began = mproc_plat_clock();
    *progress = line;
    return APR_SUCCESS;
}

/* "1:02:03", "2:03"; returns text. */
static const char *
duration_text(char *text, apr_size_t room, double seconds)
{
    long whole = seconds < 1e8 ? (long)(seconds + 0.5) : 99999999L;

    if (whole >= 3600) {
        apr_snprintf(text, room, "%ld:%02ld:%02ld", whole / 3600,
                     whole / 60 % 60, whole % 60);
    }
    else {
        apr_snprintf(text, room, "%ld:%02ld", whole / 60, whole % 60);
    }
    return text;
}

void
mproc__progress_text(char *text, apr_size_t room, const char *label,
                     apr_size_t done, apr_size_t count,
                     apr_interval_time_t spent)
{
    double seconds = (double)spent / APR_USEC_PER_SEC, rate;
    char *at = text, *end = text + room, time[32];

    rate = seconds > 0 ? (double)done / seconds : 0;
    at += apr_snprintf(at, room, "%s%" APR_SIZE_T_FMT, label, done);
    if (count > 0) {
        at += apr_snprintf(at, (apr_size_t)(end - at),
                           "/%" APR_SIZE_T_FMT " (%d%%)", count,
                           (int)((double)done / (double)count * 100));
    }
    if (rate > 0) {
        at += apr_snprintf(at, (apr_size_t)(end - at), " %.1f/s", rate);
    }
    if (done >= count) {
        apr_snprintf(at, (apr_size_t)(end - at), ", %s",
                     duration_text(time, sizeof time, seconds));
    }
    else if (rate > 0) {
        apr_snprintf(
            at, (apr_size_t)(end - at), ", %s left",
            duration_text(time, sizeof time, (double)(count - done) / rate));
    }
}

/* Back to the line's begin; then the text, then nothing up to the end. A
 * character that would be cut in two is left out. */
static void
line_write(mproc_progress_t *line, const char *text, int width)
{
    char bytes[LINE_MOST + 8];
    apr_size_t size = strlen(text);

    if (size > (apr_size_t)width - 1) {
        for (size = (apr_size_t)width - 1;
             size > 0 && (text[size] & 0xc0) == 0x80; size--) {
        }
    }
    size = (apr_size_t)apr_snprintf(bytes, sizeof bytes, "\r%.*s\033[K",
                                    (int)size, text);
    (void)apr_file_write_full(line->file, bytes, size, NULL);
}

void
mproc_progress_show(apr_size_t done, apr_size_t count, void *progress)
{
    mproc_progress_t *line = progress;
    char text[LINE_MOST];
    apr_time_t now = mproc_plat_clock();
    int width;

    if (line == NULL || line->pid != mproc_plat_pid() ||
        (line->shown != 0 && now - line->shown < PAUSE &&
         (count == 0 || done < count)) ||
        (width = mproc_plat_terminal_width(line->file)) < 2) {
        return;
    }
    if (line->began == 0) {
        line->began = now;
    }
    mproc__progress_text(text, sizeof text, line->label, done, count,
                         now - line->began);
    line_write(line, text, width);
    line->shown = now;
    line->there = 1;
}

void
mproc_progress_clear(mproc_progress_t *progress)
{
    if (progress != NULL && progress->there &&
        progress->pid == mproc_plat_pid()) {
        line_write(progress, "", 2);
        progress->there = 0;
        progress->shown = 0;
    }
}

void
mproc_progress_end(mproc_progress_t *progress)
{
    if (progress != NULL && progress->there &&
        progress->pid == mproc_plat_pid()) {
        (void)apr_file_write_full(progress->file, "\n", 1, NULL);
        progress->there = 0;
        progress->shown = 0;
        progress->began = 0;
    }
}
