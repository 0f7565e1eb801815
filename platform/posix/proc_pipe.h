/*
 * proc_pipe.h: pipes that tell the end of a process by an end of file.
 */
#ifndef MPROC_PLATFORM_POSIX_PROC_PIPE_H
#define MPROC_PLATFORM_POSIX_PROC_PIPE_H

/* A pipe; lies where it is until it is closed. */
typedef struct mproc__proc_pipe_t {
    int read;
    int write; /* no forked child gets it */
    struct mproc__proc_pipe_t *next;
} mproc__proc_pipe_t;

/* Make one, not inherited by exec. 0, or -1 with errno set. */
int mproc__proc_pipe_open(mproc__proc_pipe_t *made);

/* The calling thread's next fork leaves this write end to the child, which
 * has it until it ends; NULL: none. */
void mproc__proc_pipe_give(mproc__proc_pipe_t *given);

/* Close the write end here. */
void mproc__proc_pipe_shut(mproc__proc_pipe_t *made);

/* The read end of a pipe that tells the end of the calling process. -1 with
 * errno set. */
int mproc__proc_pipe_self(void);

#endif
