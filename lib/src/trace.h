/*
 * trace.h: the timeline that MPROC_TRACE=FILE asks for.
 */
#ifndef MPROC_SRC_TRACE_H
#define MPROC_SRC_TRACE_H

#include <stdatomic.h>

#include <mproc/types.h>

/* A track of a process that is no thread's: its tasks. Threads have their
 * number as the system gives it. */
#define MPROC__TRACE_LIFE 0
#define MPROC__TRACE_TASKS 1

/* Whether to write; what is asked on the way of every sleeper. */
extern atomic_int mproc__tracing;

/* Something that took from `begin` to `end`, or happened at `begin` when both
 * are the same. */
typedef struct mproc__trace_event_t {
    const char *name;     /* any text */
    const char *category; /* of our own */
    apr_int64_t pid;
    apr_uint64_t track;
    apr_time_t begin, end; /* as mproc_clock() tells them */
} mproc__trace_event_t;

/* Look whether the environment asks for it, and begin: in the main process
 * with a new file. The process is called by the name. What fails leaves no
 * trace, and harms nothing. */
void mproc__trace_begin(int main_process, const char *name);

/* Write it, with a format of `"key":value` pairs, or "". Only while tracing. */
void mproc__trace_event(const mproc__trace_event_t *event, const char *format,
                        ...) __attribute__((format(printf, 2, 3)));

/* The main process ends: so does the file. */
void mproc__trace_end(void);

#endif
