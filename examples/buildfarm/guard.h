/*
 * guard.h: a process that starts the commands of one worker, one after
 * another, and takes them with it when the worker goes.
 */
#ifndef BUILDFARM_GUARD_H
#define BUILDFARM_GUARD_H

#include <apr_file_io.h>

#include <mproc.h>

/* What is sent: where the output goes, shell or not, directory, command,
 * environment; and after it, for the worker alone, the time limit. */
#define GUARD_COMMAND "s b s v v I"
/* What comes back: how it ended, its exit code or signal, why. */
#define GUARD_REPORT "i i s"

enum {
    SIGNAL_KILL = 9 /* SIGKILL, which not every <signal.h> has */
};

typedef enum ended_e {
    ENDED_EXIT,
    ENDED_SIGNAL,
    ENDED_NOT_STARTED,
    ENDED_TIMEOUT, /* these are told by the worker, never by the guard */
    ENDED_TOO_MUCH,
    ENDED_GUARD
} ended_e;

/* The program's main when it is started as a guard, by `--guard`. */
int guard_main(void);

/* Messages through pipes: a length, then bytes. */
apr_status_t frame_write(apr_file_t *file, mproc_bytes_t bytes);
apr_status_t frame_read(mproc_bytes_t *bytes, apr_file_t *file,
                        apr_pool_t *pool);

#endif
