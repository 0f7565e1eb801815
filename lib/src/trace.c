/*
 * trace.c: the timeline that MPROC_TRACE=FILE asks for, in Chrome's trace
 * format (the array form; the end of the array may be missing), which
 * Perfetto and chrome://tracing open.
 *
 * All processes of the tree append to one file. An event is one write, and
 * the system keeps writes that append whole, so they need no lock, and who is
 * killed leaves no half of one. The main process makes the file, and puts the
 * end of the array when it ends; detached processes would come after that,
 * and leave no trace.
 *
 * The format: "Trace Event Format", a document of the Chromium project.
 */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "../../platform/plat_sys.h"
#include "json.h"

#define NAME_MOST 600 /* bytes of a name, with its quotes */
#define EVENT_MOST 1400

atomic_int mproc__tracing;

static struct {
    apr_pool_t *pool;
    apr_file_t *file;
} trace;

static void
text_write(const char *text, apr_size_t size)
{
    (void)apr_file_write_full(trace.file, text, size, NULL);
}

static void
process_describe(const char *what, const char *name, const char *end)
{
    char quoted[NAME_MOST], text[EVENT_MOST];

    int size =
        snprintf(text, sizeof text,
                 "{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%" APR_INT64_T_FMT
                 ",\"tid\":0,\"args\":{\"name\":%s}}%s",
                 what, mproc_plat_pid(),
                 mproc__json_quote(quoted, sizeof quoted, name), end);
    text_write(text, (apr_size_t)size);
}

void
mproc__trace_begin(int main_process, const char *name)
{
    apr_int32_t flags = APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_APPEND |
                        APR_FOPEN_BINARY |
                        (main_process ? APR_FOPEN_TRUNCATE : 0);
    char *path = NULL;

    if (atomic_load(&mproc__tracing)) { /* Forked: the file is there. */
        process_describe("process_name", name, ",\n");
        return;
    }
    if (apr_pool_create_unmanaged_ex(&trace.pool, NULL, NULL) != APR_SUCCESS) {
        return;
    }
    if (apr_env_get(&path, "MPROC_TRACE", trace.pool) != APR_SUCCESS ||
        path[0] == '\0' ||
        apr_file_open(&trace.file, path, flags, APR_FPROT_OS_DEFAULT,
                      trace.pool) != APR_SUCCESS) {
        apr_pool_destroy(trace.pool);
        return;
    }
    if (main_process) {
        text_write("[\n", 2);
    }
    process_describe("process_name", name, ",\n");
    atomic_store(&mproc__tracing, 1);
}

/* A killed writer's event is whole or missing; ours ends with its comma. */
void
mproc__trace_event(const mproc__trace_event_t *event, const char *format, ...)
{
    char name[NAME_MOST], text[EVENT_MOST];
    int spans = event->end > event->begin, size, more;
    va_list args;

    size = snprintf(text, sizeof text,
                    "{\"name\":%s,\"cat\":\"%s\",\"ph\":\"%s\","
                    "\"ts\":%" APR_INT64_T_FMT ",\"dur\":%" APR_INT64_T_FMT
                    ",\"pid\":%" APR_INT64_T_FMT ",\"tid\":%" APR_UINT64_T_FMT
                    ",%s\"args\":{",
                    mproc__json_quote(name, sizeof name, event->name),
                    event->category, spans ? "X" : "i", event->begin,
                    event->end - event->begin, event->pid, event->track,
                    spans ? "" : "\"s\":\"p\",");
    va_start(args, format);
    more = vsnprintf(text + size, sizeof text - (size_t)size, format, args);
    va_end(args);
    if (more >= 0 && (size_t)(size + more) + 4 < sizeof text) {
        memcpy(text + size + more, "}},\n", 4);
        text_write(text, (apr_size_t)(size + more + 4));
    }
}

void
mproc__trace_end(void)
{
    if (atomic_exchange(&mproc__tracing, 0)) {
        /* Not closed: another thread may be at it yet. */
        process_describe("thread_name", "life", "\n]\n");
    }
}
